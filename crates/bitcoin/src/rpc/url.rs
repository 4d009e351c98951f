//! Where a node's RPC is.
//!
//! *In:* `http://[user:password@]host[:port][/path]`. *Out:* the same without the credentials, which are kept apart: what is
//! shown, in errors too, never holds them.

use std::fmt;

use ureq::http::Uri;

use super::Credentials;

/// Where a node is.
#[derive(Clone, PartialEq, Eq)]
pub struct RpcUrl {
    /// Without credentials.
    url: String,
    /// What stood before the host.
    pub(super) credentials: Option<(String, String)>,
}

/// Why a text is not the URL of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RpcUrlError {
    /// Not a URL at all.
    #[error("not a URL; give one such as http://127.0.0.1:8332")]
    NotAUrl,
    /// Another scheme than http.
    #[error(
        "a node speaks plain http; give a URL such as http://127.0.0.1:8332, and use a tunnel over a network"
    )]
    Scheme,
    /// No host, or no port that can be.
    #[error("no host, or not a port; give a URL such as http://127.0.0.1:8332")]
    HostOrPort,
}

impl RpcUrl {
    /// Reads `http://[user:password@]host[:port][/path]`.
    ///
    /// # Errors
    /// [`RpcUrlError`], which repeats nothing of the text.
    pub fn parse(text: &str) -> Result<Self, RpcUrlError> {
        let uri: Uri = text.parse().map_err(|_| RpcUrlError::NotAUrl)?;
        match uri.scheme_str() {
            Some("http") => {}
            None => return Err(RpcUrlError::NotAUrl),
            Some(_) => return Err(RpcUrlError::Scheme),
        }
        let authority = uri.authority().ok_or(RpcUrlError::NotAUrl)?.as_str();
        let (credentials, place) = match authority.rsplit_once('@') {
            Some((credentials, place)) => (Some(credentials), place),
            None => (None, authority),
        };
        let host = uri
            .host()
            .filter(|host| !host.is_empty())
            .ok_or(RpcUrlError::HostOrPort)?;
        let port = place.strip_prefix(host).ok_or(RpcUrlError::HostOrPort)?;
        let port: Option<u16> = match port.strip_prefix(':') {
            None if port.is_empty() => None,
            None => return Err(RpcUrlError::HostOrPort),
            Some(digits) => Some(
                digits
                    .parse()
                    .ok()
                    .filter(|port| *port > 0)
                    .ok_or(RpcUrlError::HostOrPort)?,
            ),
        };
        let port = port.map_or(String::new(), |port| format!(":{port}"));
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let decoded = |text: &str| {
            percent_encoding::percent_decode_str(text)
                .decode_utf8_lossy()
                .into_owned()
        };
        Ok(Self {
            url: format!("http://{host}{port}{path}"),
            credentials: credentials.map(|text| {
                let (user, password) = text.split_once(':').unwrap_or((text, ""));
                (decoded(user), decoded(password))
            }),
        })
    }

    /// The credentials that stand in it.
    pub fn credentials(&self) -> Option<Credentials> {
        let (user, password) = self.credentials.clone()?;
        Some(Credentials::Password { user, password })
    }

    /// The text without what may stand before its host: to be shown, whether or not it is a URL.
    pub fn shown(text: &str) -> String {
        match (text.find("://"), text.rfind('@')) {
            (Some(scheme), Some(at)) if scheme + 3 <= at => {
                format!("{}{}", &text[..scheme + 3], &text[at + 1..])
            }
            (None, Some(at)) => text[at + 1..].to_owned(),
            _ => text.to_owned(),
        }
    }
}

/// Without credentials.
impl fmt::Display for RpcUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

impl fmt::Debug for RpcUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

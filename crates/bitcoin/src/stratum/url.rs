//! Where a pool is: `stratum+tcp://host:port`, or `stratum+ssl://host:port`.

use std::{fmt, str::FromStr};

/// A pool's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolUrl {
    /// Whether what is said is encrypted.
    pub encrypted: bool,
    /// A name or an address; one of version 6 without its brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
}

/// Why something is not a pool's address. None repeats the text, which may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Neither of the two schemes.
    #[error(
        "not a pool's address; give stratum+tcp://host:port, or stratum+ssl://host:port for an encrypted one"
    )]
    Scheme,
    /// A user in the address.
    #[error("an address has no user or password in it; give them with --user and --password")]
    User,
    /// Something behind the port.
    #[error("there is something behind the port; give stratum+tcp://host:port and no more")]
    Path,
    /// No host.
    #[error("the host is missing; give stratum+tcp://host:port")]
    Host,
    /// A host that cannot be one.
    #[error(
        "the host has characters that no host has; give a name, or an address (one of version 6 in brackets)"
    )]
    BadHost,
    /// No port.
    #[error("the port is missing, or is none; give one from 1 to 65535, as in stratum+tcp://host:3333")]
    Port,
}

impl FromStr for PoolUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::Scheme)?;
        let encrypted = match &*scheme.to_ascii_lowercase() {
            "stratum+tcp" => false,
            "stratum+ssl" => true,
            _ => return Err(UrlError::Scheme),
        };
        if rest.contains('@') {
            return Err(UrlError::User);
        }
        let place = rest.strip_suffix('/').unwrap_or(rest);
        if place.contains(['/', '?', '#']) {
            return Err(UrlError::Path);
        }
        let (host, port) = match place.strip_prefix('[') {
            Some(inner) => inner.split_once("]:").ok_or(UrlError::Port)?,
            None => place.rsplit_once(':').ok_or(match place {
                "" => UrlError::Host,
                _ => UrlError::Port,
            })?,
        };
        if host.is_empty() {
            return Err(UrlError::Host);
        }
        let in_brackets = place.starts_with('[');
        let of_a_name = |letter: char| letter.is_ascii_alphanumeric() || "-._".contains(letter);
        let of_an_address = |letter: char| letter.is_ascii_hexdigit() || ":.%".contains(letter);
        let fits = match in_brackets {
            true => host.chars().all(of_an_address),
            false => host.chars().all(of_a_name),
        };
        if !fits {
            return Err(UrlError::BadHost);
        }
        let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let port = port.parse().ok().filter(|port| digits && *port > 0);
        Ok(Self {
            encrypted,
            host: host.to_owned(),
            port: port.ok_or(UrlError::Port)?,
        })
    }
}

impl fmt::Display for PoolUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.encrypted {
            "stratum+ssl"
        } else {
            "stratum+tcp"
        };
        match self.host.contains(':') {
            true => write!(f, "{scheme}://[{}]:{}", self.host, self.port),
            false => write!(f, "{scheme}://{}:{}", self.host, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, encrypted, host, port) in [
            (
                "stratum+tcp://pool.example.org:3333",
                false,
                "pool.example.org",
                3333,
            ),
            ("stratum+ssl://127.0.0.1:1", true, "127.0.0.1", 1),
            ("stratum+tcp://[::1]:65535", false, "::1", 65535),
        ] {
            let url: PoolUrl = text.parse().unwrap();
            assert_eq!((url.encrypted, &*url.host, url.port), (encrypted, host, port));
            assert_eq!(url.to_string(), text);
        }
        let url: PoolUrl = "STRATUM+TCP://Host:1/".parse().unwrap();
        assert_eq!(url.to_string(), "stratum+tcp://Host:1");
    }

    #[test]
    fn what_is_no_address() {
        let problem = |text: &str| text.parse::<PoolUrl>().unwrap_err();
        for text in [
            "",
            "host:3333",
            "http://host:3333",
            "stratum://host:1",
            "stratum+tcp:/host:1",
        ] {
            assert_eq!(problem(text), UrlError::Scheme, "{text}");
        }
        for (text, expected) in [
            ("stratum+tcp://me:secret@host:1", UrlError::User),
            ("stratum+tcp://host:1/path", UrlError::Path),
            ("stratum+tcp://", UrlError::Host),
            ("stratum+tcp://:1", UrlError::Host),
            ("stratum+tcp://a b:1", UrlError::BadHost),
            ("stratum+tcp://::1:1", UrlError::BadHost),
            ("stratum+tcp://host", UrlError::Port),
            ("stratum+tcp://host:", UrlError::Port),
            ("stratum+tcp://host:0", UrlError::Port),
            ("stratum+tcp://host:65536", UrlError::Port),
            ("stratum+tcp://host:+1", UrlError::Port),
            ("stratum+tcp://[::1]", UrlError::Port),
        ] {
            assert_eq!(problem(text), expected, "{text}");
        }
    }
}

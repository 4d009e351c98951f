//! A Bitcoin node's JSON-RPC over plain HTTP.
//!
//! *In:* a URL, credentials, a method and its parameters. *Out:* its result, or an [`RpcError`] in one line.
//!
//! One request, one connection: a node closes idle ones when it likes, and a block must not be lost to that. Nothing here
//! shows credentials; what the other side says is cut to a readable length before it is repeated.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard},
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use ureq::{Agent, http::Uri};

/// The longest answer that is read: a template of the fullest block takes about 10 MiB.
const MOST_BYTES: u64 = 32 << 20;
/// How long the first connection to the node may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How much of what the other side says is repeated.
const SHOWN_CHARS: usize = 200;
/// After the node has taken a cookie, it may refuse it this often in a row: it is being started again.
const REFUSALS_OF_A_COOKIE: u32 = 4;

/// Where a node is.
#[derive(Clone, PartialEq, Eq)]
pub struct RpcUrl {
    /// Without credentials.
    url: String,
    /// What stood before the host.
    credentials: Option<(String, String)>,
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

/// How the node knows us.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// The file that the node writes at each start, `.cookie` in its data directory.
    Cookie(PathBuf),
    /// A user of the node's configuration.
    Password {
        /// The name.
        user: String,
        /// The password.
        password: String,
    },
}

/// Without anything secret.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cookie(path) => write!(f, "Cookie({})", path.display()),
            Self::Password { .. } => f.write_str("Password"),
        }
    }
}

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub enum RpcError {
    /// The cookie file cannot be read, or holds something else.
    #[error("cannot read the cookie file {}: {problem}; --rpc-cookie names the file .cookie in the node's data directory", path.display())]
    Cookie {
        /// Where it should be.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The node does not know these credentials.
    #[error("the node refuses the credentials (401): {advice}")]
    Unauthorized {
        /// The way out.
        advice: &'static str,
        /// Whether waiting may mend it.
        passing: bool,
    },
    /// The node does not want us.
    #[error(
        "the node forbids the call of {0} (403); its settings rpcallowip and rpcwhitelist say who may call what"
    )]
    Forbidden(&'static str),
    /// The node answers with an error.
    #[error("the node answers {method} with an error: {message}{}", code.map_or(String::new(), |code| format!(" (code {code})")))]
    Node {
        /// What was called.
        method: &'static str,
        /// The number of the error, if it has one.
        code: Option<i64>,
        /// Its words.
        message: String,
    },
    /// What answers is not a node that works.
    #[error("the answer to {0} is not one: HTTP status {1}")]
    Status(&'static str, u16),
    /// The answer cannot be read.
    #[error("the answer to {0} cannot be read: {1}")]
    Answer(&'static str, String),
    /// There is no answer.
    #[error("no answer to {0} from {1}: {2}")]
    Silence(&'static str, String, String),
}

impl RpcError {
    /// Whether it will be the same however long one waits.
    pub fn is_lasting(&self) -> bool {
        match self {
            Self::Cookie { .. } | Self::Forbidden(_) => true,
            Self::Unauthorized { passing, .. } => !passing,
            _ => false,
        }
    }

    /// Whether the node does not know the method.
    pub fn is_unknown_method(&self) -> bool {
        matches!(
            self,
            Self::Node {
                code: Some(-32601),
                ..
            }
        )
    }

    /// Whether the node is not ready yet: it starts, has no peers, or lacks blocks (`RPC_IN_WARMUP`,
    /// `RPC_CLIENT_NOT_CONNECTED`, `RPC_CLIENT_IN_INITIAL_DOWNLOAD`).
    pub fn is_not_ready(&self) -> bool {
        matches!(
            self,
            Self::Node {
                code: Some(-28 | -9 | -10),
                ..
            }
        )
    }
}

/// A node, called by many threads at once.
pub struct Rpc {
    agent: Agent,
    url: RpcUrl,
    credentials: Credentials,
    session: Mutex<Session>,
}

/// What is known of the credentials.
#[derive(Default)]
struct Session {
    /// The header, once it was made.
    authorization: Option<String>,
    /// The node has taken the credentials once.
    known: bool,
    /// How often it has refused them since.
    refusals: u32,
}

impl Rpc {
    /// The node there.
    pub fn new(url: RpcUrl, credentials: Credentials) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_connections(0)
            .timeout_connect(Some(CONNECT))
            .user_agent("paydirt")
            .build();
        Self {
            agent: config.new_agent(),
            url,
            credentials,
            session: Mutex::default(),
        }
    }

    /// Where it is, without credentials.
    pub fn url(&self) -> &RpcUrl {
        &self.url
    }

    /// Calls a method, which may take so long, and says how long it took. A cookie that the node refuses is read again.
    ///
    /// # Errors
    /// [`RpcError`].
    pub fn call<T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: &impl Serialize,
        limit: Duration,
    ) -> Result<(T, Duration), RpcError> {
        let request =
            serde_json::json!({ "jsonrpc": "1.0", "id": "paydirt", "method": method, "params": params });
        let request = serde_json::to_vec(&request).expect("maps have text keys");
        let begun = Instant::now();
        let authorization = self.authorization()?;
        let mut answer = self.send(method, &authorization, &request, limit)?;
        if answer.is_none() {
            let renewed = self.renew(&authorization)?;
            answer = self.send(method, &renewed, &request, limit)?;
        }
        let body = answer.ok_or_else(|| self.refused(&mut self.session()))?;
        let mut session = self.session();
        (session.known, session.refusals) = (true, 0);
        drop(session);
        Ok((read_answer(method, &body)?, begun.elapsed()))
    }

    /// The body of the answer; `None` when the node does not know the credentials.
    fn send(
        &self,
        method: &'static str,
        authorization: &str,
        request: &[u8],
        limit: Duration,
    ) -> Result<Option<Answer>, RpcError> {
        let silence = |error: ureq::Error| match error {
            ureq::Error::BodyExceedsLimit(_) => {
                RpcError::Answer(method, format!("it is longer than {} MiB", MOST_BYTES >> 20))
            }
            ureq::Error::Timeout(_) => {
                let problem = format!("none within {:.1} s", limit.as_secs_f64());
                RpcError::Silence(method, self.url.to_string(), problem)
            }
            ureq::Error::Io(error) => RpcError::Silence(method, self.url.to_string(), plain(&error)),
            other => RpcError::Silence(method, self.url.to_string(), excerpt(&other.to_string())),
        };
        let request = (self.agent.post(&self.url.url))
            .header("authorization", authorization)
            .header("content-type", "application/json")
            .header("connection", "close")
            .config()
            .timeout_global(Some(limit))
            .build()
            .send(request);
        let mut response = request.map_err(silence)?;
        let status = response.status().as_u16();
        match status {
            401 => return Ok(None),
            403 => return Err(RpcError::Forbidden(method)),
            _ => {}
        }
        let body = response.body_mut().with_config().limit(MOST_BYTES).read_to_vec();
        Ok(Some(Answer {
            status,
            body: body.map_err(silence)?,
        }))
    }

    fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().expect("nothing panics while it is held")
    }

    /// The header that says who we are.
    fn authorization(&self) -> Result<String, RpcError> {
        let mut session = self.session();
        if let Some(authorization) = &session.authorization {
            return Ok(authorization.clone());
        }
        let authorization = match &self.credentials {
            Credentials::Cookie(path) => read_cookie(path)?,
            Credentials::Password { user, password } => basic(&format!("{user}:{password}")),
        };
        Ok(session.authorization.insert(authorization).clone())
    }

    /// The header after that one was refused, if there is another: of a cookie that has changed.
    fn renew(&self, refused: &str) -> Result<String, RpcError> {
        let mut session = self.session();
        if let Some(newer) = session.authorization.as_deref().filter(|newer| *newer != refused) {
            return Ok(newer.to_owned()); // another thread has met it
        }
        let Credentials::Cookie(path) = &self.credentials else {
            return Err(self.refused(&mut session));
        };
        match read_cookie(path) {
            Ok(newer) if newer != refused => Ok(session.authorization.insert(newer).clone()),
            Ok(_) => Err(self.refused(&mut session)),
            Err(missing) => match self.refused(&mut session) {
                passing if !passing.is_lasting() => Err(passing),
                _ => Err(missing),
            },
        }
    }

    /// The node does not know us, whatever we tried.
    fn refused(&self, session: &mut Session) -> RpcError {
        session.refusals = session.refusals.saturating_add(1);
        let is_cookie = matches!(self.credentials, Credentials::Cookie(_));
        let passing = is_cookie && session.known && session.refusals <= REFUSALS_OF_A_COOKIE;
        let advice = match (is_cookie, passing) {
            (true, true) => "it may be being started again; the cookie file is read once more",
            (true, false) => "the cookie file is that of another node, or of an earlier start",
            (false, _) => "check --rpc-user and --rpc-password",
        };
        RpcError::Unauthorized { advice, passing }
    }
}

/// The header of a cookie: its file holds `name:password`.
fn read_cookie(path: &Path) -> Result<String, RpcError> {
    let problem = |problem: String| RpcError::Cookie {
        path: path.to_owned(),
        problem,
    };
    let length = std::fs::metadata(path)
        .map_err(|error| problem(plain(&error)))?
        .len();
    if length > 4096 {
        return Err(problem("it is no cookie: too long".to_owned()));
    }
    let bytes = std::fs::read(path).map_err(|error| problem(plain(&error)))?;
    match std::str::from_utf8(&bytes).map(str::trim) {
        Ok(text) if text.contains(':') => Ok(basic(text)),
        _ => Err(problem(
            "it is no cookie: there is no name:password in it".to_owned(),
        )),
    }
}

fn basic(user_and_password: &str) -> String {
    format!("Basic {}", BASE64.encode(user_and_password))
}

/// An operating system's words, without the number behind them.
fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}

/// The beginning of what the other side says, on one line.
pub fn excerpt(text: &str) -> String {
    let mut chars = text.chars();
    let shown: String = chars.by_ref().take(SHOWN_CHARS).collect();
    let cut = if chars.next().is_some() { "…" } else { "" };
    let control = |char: char| if char.is_control() { ' ' } else { char };
    format!("{}{cut}", shown.trim().chars().map(control).collect::<String>())
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status; errors of a node come with 500, 404 and others, and are in the body.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

#[derive(Deserialize)]
struct Envelope<'b> {
    // A result of null is one.
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'b RawValue>,
    #[serde(default)]
    error: serde_json::Value,
}

fn present<'b, D: Deserializer<'b>>(json: D) -> Result<Option<&'b RawValue>, D::Error> {
    <&RawValue>::deserialize(json).map(Some)
}

/// The result in an answer to `method`.
///
/// # Errors
/// [`RpcError`]: it is an error, or not an answer.
pub fn read_answer<T: DeserializeOwned>(method: &'static str, answer: &Answer) -> Result<T, RpcError> {
    let envelope: Envelope<'_> = match serde_json::from_slice(&answer.body) {
        Ok(envelope) => envelope,
        Err(_) if answer.status != 200 => return Err(RpcError::Status(method, answer.status)),
        Err(error) => return Err(RpcError::Answer(method, excerpt(&error.to_string()))),
    };
    if !envelope.error.is_null() {
        let message = match &envelope.error["message"] {
            serde_json::Value::String(message) => message.clone(),
            _ => match &envelope.error {
                serde_json::Value::String(message) => message.clone(),
                other => other.to_string(),
            },
        };
        let code = envelope.error["code"].as_i64();
        return Err(RpcError::Node {
            method,
            code,
            message: excerpt(&message),
        });
    }
    let Some(result) = envelope.result else {
        return match answer.status {
            200 => Err(RpcError::Answer(
                method,
                "there is neither a result nor an error in it".to_owned(),
            )),
            status => Err(RpcError::Status(method, status)),
        };
    };
    let mut json = serde_json::Deserializer::from_str(result.get());
    serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let place = error.path().to_string();
        let place = if place == "." {
            String::new()
        } else {
            format!("{place}: ")
        };
        RpcError::Answer(method, excerpt(&format!("{place}{}", error.into_inner())))
    })
}

#[cfg(test)]
mod tests;

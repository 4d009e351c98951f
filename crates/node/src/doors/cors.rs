//! Which other web pages may call the node and read what it answers.

use axum::http::{HeaderValue, Method, header::RETRY_AFTER};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use crate::rpc::{X_LONG_POLLING, X_REJECT_REASON};

/// Which other web pages may make the node do something, and read what it answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Cors {
    /// Those of this machine: `http://localhost`, `http://127.0.0.1` and `http://[::1]` with any port.
    #[default]
    Localhost,
    /// None.
    Nobody,
    /// All.
    Anybody,
    /// These.
    Origins(Vec<Origin>),
}

/// Where a web page comes from: `https://example.com:8080`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(HeaderValue);

impl Cors {
    /// Whether this page is one of them.
    pub(super) fn allows(&self, origin: &HeaderValue) -> bool {
        match self {
            Self::Localhost => is_local(origin),
            Self::Nobody => false,
            Self::Anybody => true,
            Self::Origins(origins) => origins.iter().any(|one| one.0 == *origin),
        }
    }
}

/// Whether `origin` is the node that `host` names: its own page, through http or through an https proxy.
pub(super) fn is_of(origin: &HeaderValue, host: Option<&HeaderValue>) -> bool {
    let origin = origin.to_str().ok().and_then(host_of);
    let host = host.and_then(|host| host.to_str().ok());
    matches!((origin, host), (Some(origin), Some(host)) if !host.is_empty() && origin.eq_ignore_ascii_case(host))
}

impl Origin {
    /// Reads `http://` or `https://` and a host, with a port or without; `None` for anything else. Spaces around it and a
    /// slash at its end are dropped.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim().trim_end_matches('/');
        let host = host_of(text).filter(|host| !host.is_empty() && !host.contains(['/', '*', ' ']));
        host.and_then(|_| HeaderValue::from_str(text).ok()).map(Self)
    }
}

fn host_of(origin: &str) -> Option<&str> {
    origin
        .strip_prefix("http://")
        .or_else(|| origin.strip_prefix("https://"))
}

pub(crate) fn cors_layer(cors: &Cors) -> Option<CorsLayer> {
    if *cors == Cors::Nobody {
        return None;
    }
    let cors = cors.clone();
    let layer = CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |origin, _| cors.allows(origin)))
        .allow_credentials(true)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(AllowHeaders::mirror_request())
        // What says when to ask again, and why a solution was not taken; a script sees no other heads that are ours.
        .expose_headers([RETRY_AFTER, X_LONG_POLLING, X_REJECT_REASON]);
    Some(layer)
}

/// Whether a page of this machine asks: any port, but no other host's name.
fn is_local(origin: &HeaderValue) -> bool {
    let Some(host) = origin.to_str().ok().and_then(host_of) else {
        return false;
    };
    ["localhost", "127.0.0.1", "[::1]"].iter().any(|local| {
        let port = host
            .strip_prefix(local)
            .map(|rest| (rest, rest.strip_prefix(':')));
        match port {
            Some(("", _)) => true,
            Some((_, Some(port))) => !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()),
            _ => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_this_machine_are_local() {
        for local in [
            "http://localhost",
            "http://localhost:3000",
            "https://127.0.0.1:5000",
            "http://[::1]:80",
        ] {
            assert!(is_local(&HeaderValue::from_static(local)), "{local}");
        }
        for other in [
            "null",
            "http://localhost.example.com",
            "http://localhost:",
            "http://localhost:80.example.com",
            "http://example.com",
            "ftp://localhost",
            "http://127.0.0.10",
        ] {
            assert!(!is_local(&HeaderValue::from_static(other)), "{other}");
        }
    }
}

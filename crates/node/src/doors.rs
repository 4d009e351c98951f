//! Who may ask the node for what.
//!
//! *In:* a request's head, before anything is done for it. *Out:* nothing, or the refusal that it gets instead.
//!
//! ```text
//! every call                          Host names this node?                       no: 403; no, two or malformed ones: 400
//! what changes state or costs work    from a page that --cors allows, or none?    no: 403
//!                                     with the token, where there is one?         no: 401
//! ```
//!
//! A browser sends what any page tells it to, also to a node that listens on its own machine alone; but it says whence it
//! comes, which no page can change: `Origin` with whatever is not a plain GET, and `Sec-Fetch-Site` (Fetch Metadata, W3C)
//! with all that goes to https or to this machine. Programs send neither, and notice nothing. A page whose *name* is made
//! to mean this machine (DNS rebinding) is the node's own origin to the browser; its name still stands in `Host`.

mod cors;
mod hosts;
mod token;

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use crate::refusal::Refusal;
pub(super) use cors::cors_layer;
pub use cors::{Cors, Origin};
pub use hosts::{BadHostName, HostName, Hosts};
pub use token::{BadToken, Token};

/// Where the page that a browser asks for stands to the node, in the browser's words.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Who may ask the node for what.
#[derive(Clone, Debug, Default)]
pub struct Doors {
    /// Which other web pages may call it and read its answers.
    pub cors: Cors,
    /// The names it answers to.
    pub hosts: Hosts,
    /// What calls that change state or cost work must bring.
    pub token: Option<Token>,
}

impl From<&Cors> for Doors {
    /// Any name, and no token: for those who call the app without a socket.
    fn from(cors: &Cors) -> Self {
        Self {
            cors: cors.clone(),
            ..Self::default()
        }
    }
}

/// How a token may be brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Credentials {
    /// `Authorization: Bearer TOKEN`.
    Bearer,
    /// That, or `Basic` with the token as password, for any user: mining programs know nothing else.
    BearerOrBasic,
}

impl Doors {
    /// Lets in a call that changes state or costs work, or says why not.
    pub(super) fn admit(&self, headers: &HeaderMap, credentials: Credentials) -> Result<(), Refusal> {
        if !self.may_come_from(headers) {
            return Err(Refusal::new(StatusCode::FORBIDDEN, FOREIGN_PAGE));
        }
        match &self.token {
            Some(token) if !token.is_brought(headers, credentials) => Err(no_token(credentials)),
            _ => Ok(()),
        }
    }

    /// Whether the call comes from no web page, from the node's own, or from one that is allowed.
    fn may_come_from(&self, headers: &HeaderMap) -> bool {
        if self.cors == Cors::Anybody {
            return true;
        }
        let host = headers.get(header::HOST);
        let origins = || headers.get_all(header::ORIGIN).iter();
        let allowed = |origin| self.cors.allows(origin);
        // Of another page, nobody can tell whose it is unless it is named. None: the person's own doing, as an address typed in.
        let named = headers.contains_key(header::ORIGIN) && origins().all(allowed);
        let known = |site: &HeaderValue| named || site == "same-origin" || site == "none";
        origins().all(|origin| allowed(origin) || cors::is_of(origin, host))
            && headers.get_all(SEC_FETCH_SITE).iter().all(known)
    }
}

const FOREIGN_PAGE: &str =
    "A web page of another origin may not do this; paydirt serve --cors says which pages may";

fn no_token(credentials: Credentials) -> Refusal {
    let (message, challenge) = match credentials {
        Credentials::Bearer => (
            "This node wants its token: Authorization: Bearer TOKEN",
            "Bearer realm=\"paydirt\"",
        ),
        Credentials::BearerOrBasic => (
            "This node wants its token, as password of any user or as Authorization: Bearer TOKEN",
            "Bearer realm=\"paydirt\", Basic realm=\"paydirt\", charset=\"UTF-8\"",
        ),
    };
    Refusal::new(StatusCode::UNAUTHORIZED, message).challenge(challenge)
}

/// Around the routes that change state or cost work.
pub(super) async fn guard(State(doors): State<Arc<Doors>>, request: Request, next: Next) -> Response {
    match doors.admit(request.headers(), Credentials::Bearer) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

/// Around everything: whether the request names this node.
pub(super) async fn host(State(doors): State<Arc<Doors>>, request: Request, next: Next) -> Response {
    match named_by(&request, &doors.hosts) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

/// HTTP/1.1 wants one `Host`, and a server to answer 400 to any other number (RFC 9112 §3.2); older programs send none.
/// A proxy's form of request, `GET http://name/path`, names the node twice: both must be names of it.
fn named_by(request: &Request, hosts: &Hosts) -> Result<(), Refusal> {
    if *hosts == Hosts::Unchecked {
        return Ok(());
    }
    let mut given = request.headers().get_all(header::HOST).iter();
    match (given.next(), given.next()) {
        (None, _) if request.version() < Version::HTTP_11 => {}
        (None, _) => return Err(Refusal::bad("The request has no Host header; HTTP/1.1 wants one")),
        (Some(_), Some(_)) => return Err(Refusal::bad("The request has more than one Host header")),
        (Some(host), None) => hosts.admit(host.as_bytes())?,
    }
    match request.uri().authority() {
        Some(authority) => hosts.admit(authority.as_str().as_bytes()),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;

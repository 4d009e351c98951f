//! `GET /explorer`: one self-contained page to look at. No build step, nothing from another host.

use axum::{
    http::header,
    response::{Html, IntoResponse},
};

const PAGE: &str = include_str!("explorer.html");

/// Nothing but the page itself, and calls to this node.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; \
                      img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(super) async fn page() -> impl IntoResponse {
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, Html(PAGE))
}

//! `GET /explorer`: one self-contained page to look at. No build step, nothing from another host.

use std::sync::{Arc, LazyLock};

use axum::{
    Extension,
    http::header,
    response::{Html, IntoResponse},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use sha2::{Digest as _, Sha256};

use crate::Doors;

const PAGE: &str = include_str!("explorer.html");

/// The same, where the node wants a token: the page asks for it from the start.
static PAGE_WITH_TOKEN: LazyLock<String> = LazyLock::new(|| {
    PAGE.replacen(
        "<html lang=\"en\">",
        "<html lang=\"en\" data-token=\"wanted\">",
        1,
    )
});

/// Nothing but the page's own script and style, to the byte, and calls to this node.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = |element: &str| {
        let (_, rest) = PAGE
            .split_once(&format!("<{element}>"))
            .expect("the page has one");
        let (text, _) = rest.split_once(&format!("</{element}>")).expect("which ends");
        BASE64_STANDARD.encode(Sha256::digest(text))
    };
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; connect-src 'self'; img-src data:; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        hash("style"),
        hash("script"),
    )
});

pub(super) async fn page(Extension(doors): Extension<Arc<Doors>>) -> impl IntoResponse {
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY.as_str()),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    let page = match doors.token {
        Some(_) => PAGE_WITH_TOKEN.as_str(),
        None => PAGE,
    };
    (headers, Html(page))
}

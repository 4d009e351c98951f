//! `GET /explorer`: one self-contained page to look at. No build step, nothing from another host.
//!
//! Its parts stand in `explorer/`, one file for each thing the page does; they are put together here, once.

use std::sync::{Arc, LazyLock};

use axum::{
    Extension,
    http::header,
    response::{Html, IntoResponse},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use sha2::{Digest as _, Sha256};

use crate::Doors;

const STYLE: &str = include_str!("explorer/style.css");

/// One script: what a part uses stands in those before it.
const SCRIPT: &str = concat!(
    include_str!("explorer/text.js"),
    include_str!("explorer/node.js"),
    include_str!("explorer/blocks.js"),
    include_str!("explorer/found.js"),
    include_str!("explorer/branches.js"),
    include_str!("explorer/peers.js"),
    include_str!("explorer/mining.js"),
    include_str!("explorer/start.js"),
);

static PAGE: LazyLock<String> = LazyLock::new(|| {
    include_str!("explorer/page.html")
        .replacen("<style></style>", &format!("<style>{STYLE}</style>"), 1)
        .replacen("<script></script>", &format!("<script>{SCRIPT}</script>"), 1)
});

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
    let hash = |text: &str| BASE64_STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; connect-src 'self'; img-src data:; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        hash(STYLE),
        hash(SCRIPT),
    )
});

/// A page to look at.
#[utoipa::path(
    get, path = "/explorer", operation_id = "getExplorer",
    responses((status = 200, description = "Self-contained.", body = String, content_type = "text/html")),
)]
pub(super) async fn page(Extension(doors): Extension<Arc<Doors>>) -> impl IntoResponse {
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY.as_str()),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    let page = match doors.token {
        Some(_) => PAGE_WITH_TOKEN.as_str(),
        None => PAGE.as_str(),
    };
    (headers, Html(page))
}

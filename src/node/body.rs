//! What comes with a request: bodies (JSON or a form, whatever the client calls it, within size and time limits), and
//! the name in its path.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{FromRequest, FromRequestParts, Path, Request},
    http::{StatusCode, header, request::Parts},
};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde_json::{Map, Value};

use super::{Node, refusal::Refusal};

/// A small body, as JSON: an object of fields if it was a form.
pub(super) struct Input(pub(super) Value);

impl FromRequest<Arc<Node>> for Input {
    type Rejection = Refusal;

    async fn from_request(request: Request, node: &Arc<Node>) -> Result<Self, Refusal> {
        let is_form = is_form(&request);
        let limits = &node.limits;
        let bytes = read(request.into_body(), limits.body_bytes, limits.request_timeout).await?;
        // curl -d calls everything a form.
        let looks_like_json = bytes.trim_ascii_start().first() == Some(&b'{');
        if is_form && !looks_like_json {
            return form(&bytes).map(Self);
        }
        json(&bytes).map(Self)
    }
}

/// The last part of the path, decoded.
pub(super) struct Name(pub(super) String);

impl FromRequestParts<Arc<Node>> for Name {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, node: &Arc<Node>) -> Result<Self, Refusal> {
        match Path::<String>::from_request_parts(parts, node).await {
            Ok(Path(name)) => Ok(Self(name)),
            Err(_) => Err(Refusal::bad("The path is not UTF-8 once its % signs are decoded")),
        }
    }
}

fn is_form(request: &Request) -> bool {
    let kind = request.headers().get(header::CONTENT_TYPE);
    kind.and_then(|kind| kind.to_str().ok()).is_some_and(|kind| {
        kind.to_ascii_lowercase()
            .starts_with("application/x-www-form-urlencoded")
    })
}

/// Reads a body whole.
pub(super) async fn read(body: Body, limit_bytes: usize, timeout: Duration) -> Result<Vec<u8>, Refusal> {
    let too_large = || {
        let message = format!("The body is too large; at most {limit_bytes} bytes are taken");
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, message)
    };
    let collected = tokio::time::timeout(timeout, Limited::new(body, limit_bytes).collect());
    match collected.await {
        Ok(Ok(body)) => Ok(body.to_bytes().into()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(Refusal::bad("The body could not be read")),
        Err(_) => {
            let message = format!("The body did not arrive within {} s", timeout.as_secs_f64());
            Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, message))
        }
    }
}

/// Reads JSON.
pub(super) fn json(bytes: &[u8]) -> Result<Value, Refusal> {
    serde_json::from_slice(bytes).map_err(|error| Refusal::bad(format!("The body is not JSON: {error}")))
}

/// Reads a form: every field is text, but whole numbers are meant as numbers where a number belongs.
fn form(bytes: &[u8]) -> Result<Value, Refusal> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_bytes(bytes)
        .map_err(|error| Refusal::bad(format!("The body is not a form: {error}")))?;
    let value = |name: &str, text: String| match text.parse::<u64>() {
        Ok(number) if matches!(name, "amount" | "nonce") => Value::from(number),
        _ => Value::from(text),
    };
    let fields = pairs.into_iter().map(|(name, text)| {
        let value = value(&name, text);
        (name, value)
    });
    Ok(Value::Object(fields.collect::<Map<_, _>>()))
}

//! What comes with a request: bodies (JSON or a form, whatever the client calls it, within size and time limits), the
//! name in its path, the page in its query.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, HttpBody as _},
    extract::{FromRequest, FromRequestParts, Path, Request},
    http::{StatusCode, Uri, header, request::Parts},
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

/// `?from=&limit=` of a request.
pub(super) struct Page {
    pub(super) from: Option<u64>,
    pub(super) limit: u64,
}

impl Page {
    pub(super) fn of(uri: &Uri) -> Result<Self, Refusal> {
        let mut page = Self {
            from: None,
            limit: u64::MAX,
        };
        let pairs: Vec<(String, String)> =
            serde_urlencoded::from_str(uri.query().unwrap_or("")).map_err(|error| {
                Refusal::bad(format!("The query is not of the form ?from=1&limit=10: {error}"))
            })?;
        for (name, text) in pairs {
            let number = || {
                let message = || Refusal::bad(format!("Invalid values: {name} must be a whole number"));
                let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
                digits
                    .then(|| text.parse().unwrap_or(u64::MAX))
                    .ok_or_else(message)
            };
            match name.as_str() {
                "from" => page.from = Some(number()?),
                "limit" => page.limit = number()?,
                _ => {}
            }
        }
        Ok(page)
    }
}

fn is_form(request: &Request) -> bool {
    let kind = request.headers().get(header::CONTENT_TYPE);
    kind.and_then(|kind| kind.to_str().ok()).is_some_and(|kind| {
        kind.to_ascii_lowercase()
            .starts_with("application/x-www-form-urlencoded")
    })
}

/// How many bytes the client says that it sends; `None` when it does not.
pub(super) fn declared_bytes(body: &Body) -> Option<u64> {
    body.size_hint().exact()
}

/// Reads a body whole.
pub(super) async fn read(body: Body, limit_bytes: usize, timeout: Duration) -> Result<Vec<u8>, Refusal> {
    let too_large = || {
        let message = format!("The body is too large; at most {limit_bytes} bytes are taken");
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, message)
    };
    if declared_bytes(&body).is_some_and(|bytes| bytes > limit_bytes as u64) {
        return Err(too_large()); // before a client that asks whether it may send it is told to go on
    }
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
    // What is no UTF-8 is read as this sign, of which nobody would be told.
    let replaced = pairs.iter().any(|(_, text)| text.contains('\u{fffd}'));
    if replaced && !says_replacement(bytes) {
        return Err(Refusal::bad("The form is not UTF-8 once its % signs are decoded"));
    }
    let value = |name: &str, text: String| {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse::<u64>() {
            Ok(number) if digits && matches!(name, "amount" | "nonce") => Value::from(number),
            _ => Value::from(text),
        }
    };
    let fields = pairs.into_iter().map(|(name, text)| {
        let value = value(&name, text);
        (name, value)
    });
    Ok(Value::Object(fields.collect::<Map<_, _>>()))
}

/// Whether a form holds U+FFFD itself, in whichever way it may be written.
fn says_replacement(form: &[u8]) -> bool {
    let form = form.to_ascii_lowercase();
    [&b"%ef%bf%bd"[..], "\u{fffd}".as_bytes()]
        .iter()
        .any(|sign| form.windows(sign.len()).any(|part| part == *sign))
}

//! What comes with a request: bodies (JSON or a form, whatever the client calls it, within size and time limits), the
//! name in its path, the page in its query.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, HttpBody as _},
    extract::{FromRequest, FromRequestParts, Path, Request},
    http::{StatusCode, Uri, header, request::Parts},
};
use http_body_util::BodyExt as _;
use percent_encoding::percent_decode;
use serde_json::{Map, Value};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::{Node, refusal::Refusal};

/// A small body, as JSON: an object of fields if it was a form.
pub(super) struct Input(pub(super) Value);

impl FromRequest<Arc<Node>> for Input {
    type Rejection = Refusal;

    async fn from_request(request: Request, node: &Arc<Node>) -> Result<Self, Refusal> {
        let kind = ContentKind::of(&request);
        let limits = &node.limits;
        let bytes = read(request.into_body(), limits.body_bytes, limits.request_timeout).await?;
        // curl -d calls everything a form.
        let looks_like_json = bytes.trim_ascii_start().first() == Some(&b'{');
        match kind {
            ContentKind::Form if !looks_like_json => form(&bytes).map(Self),
            ContentKind::Multipart => {
                let message = "Multipart bodies are not taken; send JSON, or a form as curl -d does";
                Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message))
            }
            _ => json(&bytes).map(Self),
        }
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
        let mut seen = Vec::new();
        for (name, text) in form_urlencoded::parse(uri.query().unwrap_or("").as_bytes()) {
            if !matches!(&*name, "from" | "limit") {
                continue;
            }
            if seen.contains(&name) {
                return Err(Refusal::bad(format!("Invalid values: {name} is there twice")));
            }
            let number = || {
                let message = || Refusal::bad(format!("Invalid values: {name} must be a whole number"));
                let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
                digits
                    .then(|| text.parse().unwrap_or(u64::MAX))
                    .ok_or_else(message)
            };
            match &*name {
                "from" => page.from = Some(number()?),
                _ => page.limit = number()?,
            }
            seen.push(name);
        }
        Ok(page)
    }
}

/// What a client calls its body.
enum ContentKind {
    Form,
    Multipart,
    /// JSON, or whatever: it is read as JSON.
    Other,
}

impl ContentKind {
    fn of(request: &Request) -> Self {
        let kind = request.headers().get(header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or("");
        let kind = kind.to_ascii_lowercase();
        if kind.starts_with("application/x-www-form-urlencoded") {
            Self::Form
        } else if kind.starts_with("multipart/") {
            Self::Multipart
        } else {
            Self::Other
        }
    }
}

/// Reads a body whole.
pub(super) async fn read(body: Body, limit_bytes: usize, timeout: Duration) -> Result<Vec<u8>, Refusal> {
    read_with_room(body, limit_bytes, timeout, None)
        .await
        .map(|(bytes, _)| bytes)
}

/// Reads a body whole, and takes room for it as its bytes arrive: whoever only says that it sends much takes none.
pub(super) async fn read_with_room<'r>(
    mut body: Body,
    limit_bytes: usize,
    timeout: Duration,
    room: Option<&'r Room>,
) -> Result<(Vec<u8>, Option<SemaphorePermit<'r>>), Refusal> {
    let too_large = || {
        let message = format!("The body is too large; at most {limit_bytes} bytes are taken");
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, message)
    };
    // Before a client that asks whether it may send it is told to go on.
    if body.size_hint().lower() > limit_bytes as u64 {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    let mut taken: Option<SemaphorePermit<'r>> = None;
    let all = async {
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| Refusal::bad("The body could not be read"))?;
            let Ok(data) = frame.into_data() else { continue };
            if data.len() > limit_bytes - bytes.len() {
                return Err(too_large());
            }
            if let Some(room) = room {
                let more = room.take(data.len())?;
                match &mut taken {
                    Some(taken) => taken.merge(more),
                    None => taken = Some(more),
                }
            }
            bytes.extend_from_slice(&data);
        }
        Ok(())
    };
    match tokio::time::timeout(timeout, all).await {
        Ok(Ok(())) => Ok((bytes, taken)),
        Ok(Err(refusal)) => Err(refusal),
        Err(_) => {
            let message = format!("The body did not arrive within {} s", timeout.as_secs_f64());
            Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, message))
        }
    }
}

/// Room in memory for bodies that many clients send at a time, in bytes.
#[derive(Debug)]
pub(super) struct Room(Semaphore);

impl Room {
    pub(super) fn new(bytes: usize) -> Self {
        Self(Semaphore::new(bytes.min(Semaphore::MAX_PERMITS)))
    }

    /// Takes some, at once or not at all: those who wait for more than there is would wait for each other.
    fn take(&self, bytes: usize) -> Result<SemaphorePermit<'_>, Refusal> {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.0.try_acquire_many(bytes).map_err(|_| {
            let message = "Too many large bodies are being read; send this one again";
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, message).retry_after(1)
        })
    }
}

/// Reads JSON.
pub(super) fn json(bytes: &[u8]) -> Result<Value, Refusal> {
    serde_json::from_slice(bytes).map_err(|error| Refusal::bad(format!("The body is not JSON: {error}")))
}

/// Reads a form: every field is text, but whole numbers are meant as numbers where a number belongs.
fn form(bytes: &[u8]) -> Result<Value, Refusal> {
    // The reader below would put U+FFFD in the place of what is not UTF-8, and nobody would be told.
    if percent_decode(bytes).decode_utf8().is_err() {
        return Err(Refusal::bad("The form is not UTF-8 once its % signs are decoded"));
    }
    let pairs: Vec<_> = form_urlencoded::parse(bytes).collect();
    if pairs.iter().all(|(_, text)| text.is_empty()) {
        let message = "The body is neither JSON nor a form such as sender=alice&recipient=bob&amount=5";
        return Err(Refusal::bad(message));
    }
    let mut fields = Map::new();
    for (name, text) in pairs {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let value = match text.parse::<u64>() {
            Ok(number) if digits && matches!(&*name, "amount" | "nonce") => Value::from(number),
            _ => Value::from(text),
        };
        if fields.insert(name.to_string(), value).is_some() {
            let name: String = name.chars().take(80).collect();
            return Err(Refusal::bad(format!("Invalid values: {name} is there twice")));
        }
    }
    Ok(Value::Object(fields))
}

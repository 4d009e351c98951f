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
use tokio::sync::Semaphore;

use crate::{
    Node,
    errands::Permit,
    json::{json, there_twice},
    refusal::Refusal,
};

/// A small body, as the text of JSON: an object of fields if it was a form.
pub(super) struct Text(pub(super) Vec<u8>);

/// A small body, as JSON.
pub(super) struct Input(pub(super) Value);

impl FromRequest<Arc<Node>> for Input {
    type Rejection = Refusal;

    async fn from_request(request: Request, node: &Arc<Node>) -> Result<Self, Refusal> {
        let Text(bytes) = Text::from_request(request, node).await?;
        json(&bytes).map(Self)
    }
}

impl FromRequest<Arc<Node>> for Text {
    type Rejection = Refusal;

    async fn from_request(request: Request, node: &Arc<Node>) -> Result<Self, Refusal> {
        let kind = ContentKind::of(&request);
        let limits = &node.limits;
        let bytes = read(request.into_body(), limits.body_bytes, limits.request_timeout).await?;
        // curl -d calls everything a form.
        let looks_like_json = bytes.trim_ascii_start().first() == Some(&b'{');
        match kind {
            ContentKind::Form if !looks_like_json => Ok(Self(form(&bytes)?.to_string().into_bytes())),
            ContentKind::Multipart => {
                let message = "Multipart bodies are not taken; send JSON, or a form as curl -d does";
                Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message))
            }
            _ => Ok(Self(bytes)),
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
    let read = read_with_room(body, limit_bytes, timeout, None).await?;
    Ok(read.into_bytes())
}

/// A body that has arrived, and the room it takes.
pub(super) struct Arrived {
    /// None is moved when another comes: a large body that grows in one piece is in memory twice.
    pieces: Vec<Vec<u8>>,
    length: usize,
    room: Option<Permit>,
}

/// How many bytes a piece has.
const PIECE_BYTES: usize = 64 << 10;

impl Arrived {
    fn push(&mut self, mut data: &[u8]) {
        self.length += data.len();
        while !data.is_empty() {
            let full = self.pieces.last().is_none_or(|last| last.len() == PIECE_BYTES);
            if full {
                self.pieces.push(Vec::new());
            }
            let last = self.pieces.last_mut().expect("just made, if there was none");
            let (now, later) = data.split_at(data.len().min(PIECE_BYTES - last.len()));
            last.extend_from_slice(now);
            data = later;
        }
    }

    /// Its bytes.
    pub(super) fn into_bytes(mut self) -> Vec<u8> {
        if self.pieces.len() <= 1 {
            return self.pieces.pop().unwrap_or_default();
        }
        let mut bytes = Vec::with_capacity(self.length);
        self.pieces
            .into_iter()
            .for_each(|piece| bytes.extend_from_slice(&piece));
        bytes
    }

    /// Its room, to be held for as long as anything is made of it.
    pub(super) fn take_room(&mut self) -> Option<Permit> {
        self.room.take()
    }

    /// Its length in bytes.
    pub(super) fn length(&self) -> usize {
        self.length
    }
}

/// Reads a body whole, and takes room for it as its bytes arrive: whoever only says that it sends much takes none.
pub(super) async fn read_with_room(
    mut body: Body,
    limit_bytes: usize,
    timeout: Duration,
    room: Option<&Room>,
) -> Result<Arrived, Refusal> {
    let too_large = || {
        let message = format!("The body is too large; at most {limit_bytes} bytes are taken");
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, message)
    };
    // Before a client that asks whether it may send it is told to go on.
    if body.size_hint().lower() > limit_bytes as u64 {
        return Err(too_large());
    }
    let mut arrived = Arrived {
        pieces: Vec::new(),
        length: 0,
        room: None,
    };
    let all = async {
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| Refusal::bad("The body could not be read"))?;
            let Ok(data) = frame.into_data() else { continue };
            if data.len() > limit_bytes - arrived.length {
                return Err(too_large());
            }
            if let Some(room) = room {
                room.take_more(&mut arrived.room, data.len())?;
            }
            arrived.push(&data);
        }
        Ok(())
    };
    match tokio::time::timeout(timeout, all).await {
        Ok(Ok(())) => Ok(arrived),
        Ok(Err(refusal)) => Err(refusal),
        Err(_) => {
            let message = format!("The body did not arrive within {} s", timeout.as_secs_f64());
            Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, message))
        }
    }
}

/// Room in memory for what many clients send at a time, in bytes.
#[derive(Debug)]
pub(super) struct Room(Arc<Semaphore>);

impl Room {
    pub(super) fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes.min(Semaphore::MAX_PERMITS))))
    }

    /// Takes some, at once or not at all: those who wait for more than there is would wait for each other.
    pub(super) fn take(&self, bytes: usize) -> Result<Permit, Refusal> {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        Arc::clone(&self.0).try_acquire_many_owned(bytes).map_err(|_| {
            let message = "Too many large bodies are being read; send this one again";
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, message).retry_after(1)
        })
    }

    /// Takes more.
    pub(super) fn take_more(&self, taken: &mut Option<Permit>, bytes: usize) -> Result<(), Refusal> {
        let more = self.take(bytes)?;
        match taken {
            Some(taken) => taken.merge(more),
            None => *taken = Some(more),
        }
        Ok(())
    }
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
            return Err(Refusal::bad(format!("Invalid values: {}", there_twice(&name))));
        }
    }
    Ok(Value::Object(fields))
}

//! What is answered instead of what was asked for: always JSON, always with a message that says what to do.

use axum::{
    Json,
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};

use crate::answers::Message;
use paydirt_ledger::{
    AddError, AheadOfClock, MiningError, RecordError, StoreError, StoreFailed, SubmitError, SwitchError,
};

/// What nginx logs for a client that went away.
pub(super) const CLIENT_GONE: u16 = 499;

/// A request that is not fulfilled.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Refusal {
    status: StatusCode,
    message: String,
    rule: Option<&'static str>,
    retry_after_s: Option<u64>,
    /// What would be let in, for 401.
    challenge: Option<&'static str>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, message: impl ToString) -> Self {
        Self {
            status,
            message: message.to_string(),
            rule: None,
            retry_after_s: None,
            challenge: None,
        }
    }

    pub(super) fn bad(message: impl ToString) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(super) fn missing(message: impl ToString) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    /// A bug, or a thread that could not be had: what happened is on stderr.
    pub(super) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "Something went wrong inside the node",
        )
    }

    /// The node is going away.
    pub(super) fn stopping() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "The node is stopping").retry_after(5)
    }

    /// Says in `WWW-Authenticate` what must be brought.
    pub(super) fn challenge(self, challenge: &'static str) -> Self {
        Self {
            challenge: Some(challenge),
            ..self
        }
    }

    pub(super) fn retry_after(self, seconds: u64) -> Self {
        Self {
            retry_after_s: Some(seconds.max(1)),
            ..self
        }
    }
}

impl Refusal {
    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    pub(super) fn message(&self) -> &str {
        &self.message
    }

    pub(super) fn add_headers(&self, headers: &mut HeaderMap) {
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(challenge) = self.challenge {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = Message {
            message: &self.message,
            rule: self.rule,
        };
        let mut response = (self.status, Json(body)).into_response();
        self.add_headers(response.headers_mut());
        response
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        if let StoreError::Superseded { .. } = error {
            return Self::new(StatusCode::SERVICE_UNAVAILABLE, error).retry_after(1);
        }
        tracing::error!(%error, "the store failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, error)
    }
}

impl From<StoreFailed> for Refusal {
    /// It was logged when it happened.
    fn from(failure: StoreFailed) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, failure)
    }
}

impl From<RecordError> for Refusal {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Hash { .. } => Self {
                rule: Some("hash"),
                ..Self::bad(format!("The block is refused: {error}"))
            },
            RecordError::Json(problem) => Self::bad(format!("The body is not JSON: {problem}")),
            other => Self::bad(other),
        }
    }
}

impl From<SubmitError> for Refusal {
    fn from(error: SubmitError) -> Self {
        let status = match error {
            SubmitError::Transaction(_) => StatusCode::BAD_REQUEST,
            SubmitError::Store(failure) => return failure.into(),
            SubmitError::PendingFull(_) | SubmitError::PendingBytesFull(_) => {
                return Self::new(StatusCode::SERVICE_UNAVAILABLE, error).retry_after(1);
            }
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, error)
    }
}

impl From<AddError> for Refusal {
    fn from(error: AddError) -> Self {
        match &error {
            AddError::Store(failure) => failure.clone().into(),
            AddError::Rule(broken) => Self {
                rule: Some(broken.name()),
                ..Self::bad(format!("The block is refused: {error}"))
            },
            AddError::ParentUnknown(_) => {
                Self::new(StatusCode::CONFLICT, format!("The block waits: {error}"))
            }
            AddError::SideBranch(full) => Self {
                rule: Some(full.name()),
                ..Self::new(StatusCode::CONFLICT, format!("The block is refused: {error}"))
            },
            _ => Self::new(StatusCode::INTERNAL_SERVER_ERROR, error),
        }
    }
}

impl From<SwitchError> for Refusal {
    fn from(error: SwitchError) -> Self {
        let status = match error {
            SwitchError::Unknown(_) => StatusCode::NOT_FOUND,
            SwitchError::Lighter(_) => StatusCode::CONFLICT,
            SwitchError::Store(failure) => return failure.into(),
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, format!("The branch is not taken up: {error}"))
    }
}

impl From<AheadOfClock> for Refusal {
    fn from(error: AheadOfClock) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, error).retry_after(10)
    }
}

impl From<MiningError> for Refusal {
    fn from(error: MiningError) -> Self {
        match error {
            MiningError::Time(ahead) => ahead.into(),
            MiningError::Add { reason, .. } => reason.into(),
            MiningError::Store(failure) => failure.into(),
            MiningError::Spacing { .. } => Self::new(StatusCode::INTERNAL_SERVER_ERROR, error),
        }
    }
}

/// 404 for paths that do not exist.
pub(super) async fn unknown_path(uri: Uri) -> Refusal {
    let path: String = uri.path().chars().take(100).collect();
    Refusal::missing(format!(
        "There is nothing at {path}; /openapi.json lists what there is"
    ))
}

/// 405 for paths that do.
pub(super) async fn wrong_method(method: Method, uri: Uri) -> Refusal {
    let message = format!(
        "{} takes no {method}; the Allow header says what it takes",
        uri.path()
    );
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, message)
}

/// 405 for `HEAD` where `GET` does something: what a client asks only to see whether it is there.
pub(super) async fn no_head(uri: Uri) -> Response {
    let message = format!("{} takes no HEAD: GET does something there", uri.path());
    let allow = [(header::ALLOW, "GET,POST")];
    (allow, Refusal::new(StatusCode::METHOD_NOT_ALLOWED, message)).into_response()
}

//! `POST /`, `POST /longpoll`: JSON-RPC, in the form that mining programs speak (1.0, one call a request).
//!
//! *In:* `{"method":"getwork","params":[],"id":0}`. *Out:* `{"result":…,"error":null,"id":0}`; what cannot be done has `null` as
//! its result, and a text as its error: a program that finds a code there takes it for an answer to `getblocktemplate`,
//! and does not ask for `getwork` instead. What is no call gets the greeting at `/`, as with any other method.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue},
    response::{IntoResponse as _, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoResponses, ToSchema};

use crate::{
    Doors, Node,
    answers::Message,
    body,
    doors::Credentials,
    getwork::{self, LONG_POLL_PATH, Verdict, Work},
    openapi::{Incomplete, null, shapes},
    refusal::Refusal,
    status,
};

pub(super) const X_LONG_POLLING: HeaderName = HeaderName::from_static("x-long-polling");
pub(super) const X_REJECT_REASON: HeaderName = HeaderName::from_static("x-reject-reason");

/// A call as it was sent. Values stay text: none of them becomes a tree.
#[derive(Deserialize)]
struct Call<'b> {
    #[serde(borrow)]
    method: Option<&'b RawValue>,
    #[serde(borrow)]
    params: Option<&'b RawValue>,
    /// Echoed to the digit.
    #[serde(borrow)]
    id: Option<&'b RawValue>,
}

/// What was asked for.
#[derive(Serialize, ToSchema)]
#[schema(as = RpcAnswer)]
pub(super) struct Answer<'c> {
    result: Outcome,
    #[schema(schema_with = null)]
    error: (),
    #[schema(value_type = Option<serde_json::Value>, required)]
    id: Option<&'c RawValue>,
}

/// Why it cannot be had.
#[derive(Serialize, ToSchema)]
#[schema(as = RpcFailed)]
pub(super) struct Failed<'c> {
    #[schema(schema_with = null)]
    result: (),
    /// A text and no code: programs that find a code do not fall back to getwork.
    error: &'c str,
    #[schema(value_type = Option<serde_json::Value>, required)]
    id: Option<&'c RawValue>,
}

/// A header to mine; or whether a solved one made the tip. If not, X-Reject-Reason says why.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = RpcResult)]
pub(super) enum Outcome {
    Work(Work),
    Taken(bool),
}

/// JSON-RPC's form, or the greeting's.
#[derive(ToSchema)]
#[serde(untagged)]
#[schema(as = RpcOrMessage)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) enum OrMessage<T> {
    Rpc(T),
    Message(Message<'static>),
}

/// What a call is answered with that is not carried out.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only its schema is used")]
enum NotDone {
    /// Not a call that can be understood, or a batch; or Host is missing, malformed, or there twice.
    #[response(status = 400)]
    Bad(OrMessage<Failed<'static>>),
    /// The node wants its token, as password or Bearer.
    #[response(status = 401)]
    Unauthorized(Failed<'static>),
    /// A web page asks that may not, or Host is no name of this node.
    #[response(status = 403)]
    Forbidden(OrMessage<Failed<'static>>),
    /// Another method than getwork; getblocktemplate is one.
    #[response(status = 404)]
    Unknown(Failed<'static>),
    /// The ledger's file or the node itself failed.
    #[response(status = 500)]
    Failed(Failed<'static>),
    /// The node stops, too many wait, or blocks came so fast that their times are too far ahead of the clock.
    #[response(status = 503, headers(("Retry-After" = u64, description = "In how many seconds to ask again.")))]
    Busy(Failed<'static>),
}

/// JSON-RPC: getwork, for mining programs; or the greeting.
///
/// getwork without a parameter gives a header to mine, with the solved header as its parameter it takes that back. A body
/// that is no JSON-RPC call gets the greeting.
#[utoipa::path(
    post, path = "/", operation_id = "callRpc", security((), ("token" = []), ("password" = [])),
    request_body = Option<shapes::RpcCall>,
    responses(
        (status = 200, description = "What was asked for; the greeting where nothing was.", body = OrMessage<Answer<'static>>,
            headers(
                ("X-Long-Polling" = String, description = "With work: where a call waits for another tip."),
                ("X-Reject-Reason" = String, description = "With false: malformed, duplicate, stale, unknown-work, high-hash, \
                    or the rule that the block breaks."),
            )),
        Incomplete, NotDone,
    ),
)]
pub(super) async fn call(
    State(node): State<Arc<Node>>,
    Extension(doors): Extension<Arc<Doors>>,
    request: Request,
) -> Result<Response, Refusal> {
    let asked = Asked::read(&node, request).await?;
    match asked.call() {
        Some(call) => Ok(asked.answer(&node, &doors, call, When::AtOnce).await),
        None => Ok(status::root().await.into_response()),
    }
}

/// getwork, once there is another tip.
///
/// A call without a parameter is answered when the caller has no work for the tip: at once if it missed a block, else when
/// the next one comes, and after a minute in any case.
#[utoipa::path(
    post, path = "/longpoll", operation_id = "longPoll", security((), ("token" = []), ("password" = [])),
    request_body = shapes::RpcCall,
    responses(
        (status = 200, description = "What was asked for.", body = Answer<'static>,
            headers(
                ("X-Long-Polling" = String, description = "With work: where a call waits for another tip."),
                ("X-Reject-Reason" = String, description = "With false: malformed, duplicate, stale, unknown-work, high-hash, \
                    or the rule that the block breaks."),
            )),
        Incomplete, NotDone,
    ),
)]
pub(super) async fn long_poll(
    State(node): State<Arc<Node>>,
    Extension(doors): Extension<Arc<Doors>>,
    request: Request,
) -> Result<Response, Refusal> {
    let asked = Asked::read(&node, request).await?;
    let call = asked.call();
    let call = call.unwrap_or_else(|| {
        Err(Refusal::bad(
            "There is no call; POST a getwork to wait for the next block",
        ))
    });
    Ok(asked.answer(&node, &doors, call, When::TipIsNew).await)
}

/// When work is handed out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    AtOnce,
    /// Once the asker has none for the tip.
    TipIsNew,
}

/// A request that may be a call.
struct Asked {
    headers: HeaderMap,
    caller: getwork::Caller,
    body: Vec<u8>,
}

impl Asked {
    async fn read(node: &Node, request: Request) -> Result<Self, Refusal> {
        let (parts, body) = request.into_parts();
        let limits = &node.limits;
        Ok(Self {
            body: body::read(body, limits.body_bytes, limits.request_timeout).await?,
            caller: getwork::Caller::of(&parts.extensions),
            headers: parts.headers,
        })
    }

    /// The call that the body is; `None` if it is something else.
    fn call(&self) -> Option<Result<Call<'_>, Refusal>> {
        let text = self.body.trim_ascii_start();
        let meant = || text.windows(8).any(|part| part == b"\"method\"");
        match text.first() {
            Some(b'{') => match serde_json::from_slice::<Call<'_>>(text) {
                Ok(call) => call.method.is_some().then_some(Ok(call)),
                Err(error) => {
                    meant().then(|| Err(Refusal::bad(format!("The call is not JSON-RPC: {error}"))))
                }
            },
            Some(b'[') => {
                meant().then(|| Err(Refusal::bad("Batches are not taken; send one call at a time")))
            }
            _ => None,
        }
    }

    async fn answer(
        &self,
        node: &Arc<Node>,
        doors: &Doors,
        call: Result<Call<'_>, Refusal>,
        when: When,
    ) -> Response {
        let id = call.as_ref().ok().and_then(|call| call.id);
        let done = match (doors.admit(&self.headers, Credentials::BearerOrBasic), call) {
            (Ok(()), Ok(call)) => self.carry_out(node, &call, when).await,
            (Err(refusal), _) | (_, Err(refusal)) => Err(refusal),
        };
        let answer = |result| {
            let error = ();
            Json(Answer { result, error, id })
        };
        match done {
            Ok(Done::Work(work)) => {
                let poll_at = [(X_LONG_POLLING, HeaderValue::from_static(LONG_POLL_PATH))];
                (poll_at, answer(Outcome::Work(work))).into_response()
            }
            Ok(Done::Submitted(Verdict::Accepted)) => answer(Outcome::Taken(true)).into_response(),
            Ok(Done::Submitted(Verdict::Rejected(reason))) => {
                let reason = [(X_REJECT_REASON, HeaderValue::from_static(reason))];
                (reason, answer(Outcome::Taken(false))).into_response()
            }
            Err(refusal) => {
                let failed = Failed {
                    result: (),
                    error: refusal.message(),
                    id,
                };
                let mut response = (refusal.status(), Json(failed)).into_response();
                refusal.add_headers(response.headers_mut());
                response
            }
        }
    }

    async fn carry_out(&self, node: &Arc<Node>, call: &Call<'_>, when: When) -> Result<Done, Refusal> {
        let method = call.method.map_or(Ok(String::new()), text_of);
        let method = method.map_err(|_| Refusal::bad("method must be a string"))?;
        if method != "getwork" {
            let method: String = method.chars().take(80).collect();
            let message = format!("Method {method:?} is not found; this node knows getwork");
            return Err(Refusal::missing(message));
        }
        let params = call
            .params
            .map_or(Ok(None), |params| serde_json::from_str(params.get()));
        let params: Option<Vec<&RawValue>> = params.map_err(|_| Refusal::bad("params must be an array"))?;
        match params.unwrap_or_default().as_slice() {
            [] => {
                let work = match when {
                    When::AtOnce => getwork::hand_out(node, &self.caller).await,
                    When::TipIsNew => getwork::hand_out_for_new_tip(node, &self.caller).await,
                };
                work.map(Done::Work)
            }
            [data] if data.get().starts_with('"') => {
                let data = text_of(data).unwrap_or_default(); // half a surrogate pair is no hex
                getwork::submit(node, &data).await.map(Done::Submitted)
            }
            _ => Err(Refusal::bad(
                "getwork takes no parameter, or the solved header as one string of hex digits",
            )),
        }
    }
}

enum Done {
    Work(Work),
    Submitted(Verdict),
}

fn text_of(value: &RawValue) -> serde_json::Result<String> {
    serde_json::from_str(value.get())
}

//! `/work`: headers for miners outside, and the nonces they bring back.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::value::RawValue;

use crate::{
    Node, answers,
    blocks::add,
    body::Text,
    errands::{blocking, to_its_end},
    json::json,
    openapi::{Busy, Failed, Incomplete, shapes},
    refusal::Refusal,
};
use paydirt_ledger::{AddError, MAX_BLOCK_BYTES, OutsideError, whole_number};

/// A header for a miner outside.
///
/// The same jobs as getwork's. HEAD is refused: it hands out nothing.
#[utoipa::path(
    get, path = "/work", operation_id = "getWork", security((), ("token" = [])),
    responses(
        (status = 200, description = "No two are alike.", body = answers::HeaderToMine),
        (status = 500, response = Failed),
        (status = 503, description = "The ledger's file has failed (GET /status says why), or blocks came so fast that their \
            times are too far ahead of the clock."),
    ),
)]
pub(super) async fn hand_out(State(node): State<Arc<Node>>) -> Result<Response, Refusal> {
    node.can_store()?;
    let job = blocking(&node, |node| Ok(node.outside.hand_out(&node.ledger)?)).await?;
    let (template, context) = (&job.origin, job.origin.context());
    let answer = answers::HeaderToMine {
        id: format!("{:x}", job.id),
        index: context.index,
        header: hex::encode((job.header)(job.id).to_bytes()),
        target: hex::encode(template.target().to_be_bytes()),
        bits: format!("{:08x}", context.nbits),
        previous_hash: context.previous_hash.to_string(),
        transactions: template.transaction_count(),
    };
    Ok(Json(answer).into_response())
}

/// The nonce it found.
#[utoipa::path(
    post, path = "/work", operation_id = "submitWork", security((), ("token" = [])),
    request_body(content(
        (shapes::Solved = "application/json"),
        (shapes::Solved = "application/x-www-form-urlencoded"),
    )),
    responses(
        (status = 200, description = "Known already.", body = answers::Taken),
        (status = 201, description = "The block is accepted: as the new tip, or on a side branch if another came meanwhile.",
            body = answers::Taken),
        (status = 400, description = "What is missing or wrong, or the hash misses the target."),
        (status = 404, description = "No such work."),
        Incomplete,
        (status = 409, description = "Stale: another block came meanwhile."),
        (status = 415, description = "A multipart body."),
        (status = 500, response = Failed),
        (status = 503, response = Busy),
    ),
)]
pub(super) async fn take_back(State(node): State<Arc<Node>>, Text(text): Text) -> Result<Response, Refusal> {
    let (id, nonce) = submission(&text)?;
    let taken = move |node: &Node| {
        let block = node.outside.take_back(&node.ledger, id, nonce);
        block.map_err(|error| match error {
            OutsideError::Unknown(id) => {
                Refusal::missing(format!("No work with id {id:x} is known; GET /work gives some"))
            }
            OutsideError::Stale => {
                let tip = node.ledger.tip().index;
                let message = format!("The work is stale: block {tip} came meanwhile; GET /work again");
                Refusal::new(StatusCode::CONFLICT, message)
            }
            OutsideError::Rule(error) => AddError::Rule(error).into(),
            OutsideError::Store(error) => error.into(),
        })
    };
    // The block is made of what is here: it takes room for as long as it is on its way.
    let room = node
        .block_room
        .take(MAX_BLOCK_BYTES.min(node.limits.block_bytes))?;
    to_its_end(async move {
        let block = blocking(&node, taken).await?;
        let answer = add(&node, block).await;
        drop(room);
        answer
    })
    .await
}

/// Job and nonce. The nonce is read as it is written, to the digit: a tree of values holds `5.0` as a fraction.
fn submission(text: &[u8]) -> Result<(u64, u32), Refusal> {
    json(text)?; // each field once
    let fields: HashMap<String, &RawValue> = serde_json::from_slice(text).unwrap_or_default();
    let given = |name: &str| {
        fields
            .get(name)
            .map(|value| value.get())
            .filter(|value| *value != "null")
    };
    let missing: Vec<_> = ["id", "nonce"]
        .into_iter()
        .filter(|name| given(name).is_none())
        .collect();
    let (Some(id), Some(nonce)) = (given("id"), given("nonce")) else {
        return Err(Refusal::bad(format!("Missing values: {}", missing.join(", "))));
    };
    let mut invalid = Vec::new();
    let id = serde_json::from_str(id).ok();
    let id = id
        .filter(|id: &String| id.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .and_then(|id| u64::from_str_radix(&id, 16).ok());
    if id.is_none() {
        invalid.push("id must be the id that GET /work gave");
    }
    let nonce = whole_number(nonce).and_then(|nonce| u32::try_from(nonce).ok());
    if nonce.is_none() {
        invalid.push("nonce must be a whole number from 0 to 4294967295");
    }
    match (id, nonce) {
        (Some(id), Some(nonce)) => Ok((id, nonce)),
        _ => Err(Refusal::bad(format!("Invalid values: {}", invalid.join(", ")))),
    }
}

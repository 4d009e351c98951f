//! `/work`: headers for miners outside, and the nonces they bring back. So many machines mine for one node.
//!
//! Each header handed out has its own extra nonce in its reward, so no two miners try the same hashes. A header is good
//! until another block becomes the tip.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use bitcoin::block::Header;
use serde_json::Value;

use super::{Node, answers, blocking, blocks::add, body::Input, refusal::Refusal};
use crate::ledger::{Candidate, header_bytes};

/// How many headers are remembered.
const KEPT: usize = 512;
/// How old the transactions of a header may be.
const FRESH: Duration = Duration::from_secs(1);
/// The node's own miner counts its extra nonces from 0, one for each 2^32 hashes: these are far away.
const FIRST_EXTRA_NONCE: u64 = 1 << 32;

/// What was handed out.
#[derive(Clone, Debug)]
struct Job {
    id: u64,
    header: Header,
    candidate: Candidate,
}

#[derive(Debug, Default)]
struct Jobs {
    handed_out: u64,
    kept: VecDeque<Job>,
    latest: Option<(Instant, Candidate)>,
}

/// Where work is handed out and taken back.
#[derive(Debug, Default)]
pub(super) struct Desk(Mutex<Jobs>);

impl Desk {
    fn hand_out(&self, node: &Node) -> Result<Job, Refusal> {
        let tip = node.ledger.tip().hash;
        let mut jobs = self.0.lock().expect("nothing panics while it is held");
        let fresh = |(made, candidate): &(Instant, Candidate)| {
            made.elapsed() < FRESH && candidate.context().previous_hash == tip
        };
        let candidate = match jobs.latest.as_ref().filter(|latest| fresh(latest)) {
            Some((_, candidate)) => candidate.clone(),
            None => {
                let candidate = node.ledger.candidate().expect("the node's id is a name");
                jobs.latest = Some((Instant::now(), candidate.clone()));
                candidate
            }
        };
        let time = candidate.time_at(node.ledger.now_s())?;
        let id = FIRST_EXTRA_NONCE + jobs.handed_out;
        jobs.handed_out += 1;
        let header = candidate.header(id, time);
        let job = Job {
            id,
            header,
            candidate,
        };
        if jobs.kept.len() == KEPT {
            jobs.kept.pop_front();
        }
        jobs.kept.push_back(job.clone());
        Ok(job)
    }

    fn find(&self, id: u64) -> Option<Job> {
        let jobs = self.0.lock().expect("nothing panics while it is held");
        jobs.kept.iter().find(|job| job.id == id).cloned()
    }
}

/// `GET /work`.
pub(super) async fn hand_out(State(node): State<Arc<Node>>) -> Result<Response, Refusal> {
    let job = blocking(&node, |node| node.desk.hand_out(node)).await?;
    let context = job.candidate.context();
    let answer = answers::Work {
        id: format!("{:x}", job.id),
        index: context.index,
        header: hex::encode(header_bytes(&job.header)),
        target: hex::encode(job.candidate.target().to_be_bytes()),
        bits: format!("{:08x}", context.nbits),
        previous_hash: context.previous_hash.to_string(),
        transactions: job.candidate.transaction_count(),
    };
    Ok(Json(answer).into_response())
}

/// `POST /work` with `{"id","nonce"}`.
pub(super) async fn take_back(
    State(node): State<Arc<Node>>,
    Input(value): Input,
) -> Result<Response, Refusal> {
    let (id, nonce) = submission(&value)?;
    let job = node
        .desk
        .find(id)
        .ok_or_else(|| Refusal::missing(format!("No work with id {id:x} is known; GET /work gives some")))?;
    let block = job.candidate.block(job.id, Header { nonce, ..job.header });
    // A nonce that was sent before is known, not stale.
    let tip = node.ledger.tip();
    if job.candidate.context().previous_hash != tip.hash && tip.hash != block.hash() {
        let message = format!(
            "The work is stale: block {} came meanwhile; GET /work again",
            tip.index
        );
        return Err(Refusal::new(StatusCode::CONFLICT, message));
    }
    add(&node, block).await
}

fn submission(value: &Value) -> Result<(u64, u32), Refusal> {
    let missing: Vec<_> = ["id", "nonce"]
        .into_iter()
        .filter(|name| value[name].is_null())
        .collect();
    if !missing.is_empty() {
        return Err(Refusal::bad(format!("Missing values: {}", missing.join(", "))));
    }
    let mut invalid = Vec::new();
    let id = value["id"]
        .as_str()
        .and_then(|id| u64::from_str_radix(id, 16).ok());
    if id.is_none() {
        invalid.push("id must be the id that GET /work gave");
    }
    let nonce = value["nonce"]
        .as_u64()
        .and_then(|nonce| u32::try_from(nonce).ok());
    if nonce.is_none() {
        invalid.push("nonce must be a whole number from 0 to 4294967295");
    }
    match (id, nonce) {
        (Some(id), Some(nonce)) => Ok((id, nonce)),
        _ => Err(Refusal::bad(format!("Invalid values: {}", invalid.join(", ")))),
    }
}

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
use bitcoin::{BlockHash, block::Header};
use serde_json::Value;

use crate::{Node, answers, blocking, blocks::add, body::Input, refusal::Refusal};
use paydirt_ledger::{Candidate, header_bytes};

/// How many candidates are remembered: each stands for any number of headers.
const KEPT: usize = 16_384;
/// How many transactions they may hold in all.
const KEPT_TRANSACTIONS: usize = 2_000_000;
/// How old the time in a header may be.
const FRESH: Duration = Duration::from_secs(30);
/// How many times as long as a candidate took to make it is used while new transactions arrive: a tenth of a processor
/// at most goes into making them.
const MAKING_SHARE: u32 = 10;
/// The node's own miner counts its extra nonces from 0, one for each 2^32 hashes: these are far away.
const FIRST_EXTRA_NONCE: u64 = 1 << 32;

/// A header for a miner. Its id is its extra nonce.
#[derive(Clone, Debug)]
struct Job {
    id: u64,
    header: Header,
    candidate: Candidate,
}

/// What headers are made from.
#[derive(Debug)]
struct Made {
    candidate: Candidate,
    time: u32,
    /// The first id whose header is made from it; the next one's first id ends them.
    first_id: u64,
    /// The last transaction's place in the queue.
    queue_end: Option<u64>,
    at: Instant,
    took: Duration,
}

impl Made {
    fn job(&self, id: u64) -> Job {
        Job {
            id,
            header: self.candidate.header(id, self.time),
            candidate: self.candidate.clone(),
        }
    }

    /// Whether another header may be made from it.
    fn is_good(&self, tip: BlockHash, queue_end: Option<u64>) -> bool {
        let age = self.at.elapsed();
        let newest = self.queue_end == queue_end || age < self.took * MAKING_SHARE;
        self.candidate.context().previous_hash == tip && age < FRESH && newest
    }
}

#[derive(Debug, Default)]
struct Jobs {
    handed_out: u64,
    /// In the order of their ids.
    made: VecDeque<Made>,
    /// How many transactions they hold.
    transactions: usize,
}

/// Where work is handed out and taken back.
#[derive(Debug, Default)]
pub(super) struct Desk(Mutex<Jobs>);

impl Desk {
    fn hand_out(&self, node: &Node) -> Result<Job, Refusal> {
        let mut jobs = self.0.lock().expect("nothing panics while it is held");
        let (tip, queue_end) = {
            let view = node.ledger.view();
            (view.tip.hash, view.queue.last_place())
        };
        let id = FIRST_EXTRA_NONCE + jobs.handed_out;
        if !jobs.made.back().is_some_and(|last| last.is_good(tip, queue_end)) {
            let at = Instant::now();
            let candidate = node.ledger.candidate().expect("the node's id is a name");
            let time = candidate.time_at(node.ledger.now_s())?;
            jobs.transactions += candidate.transaction_count();
            while jobs.made.len() >= KEPT || jobs.transactions > KEPT_TRANSACTIONS {
                let Some(oldest) = jobs.made.pop_front() else {
                    break;
                };
                jobs.transactions -= oldest.candidate.transaction_count();
            }
            jobs.made.push_back(Made {
                candidate,
                time,
                first_id: id,
                queue_end,
                at,
                took: at.elapsed(),
            });
        }
        jobs.handed_out += 1;
        Ok(jobs.made.back().expect("just made").job(id))
    }

    fn find(&self, id: u64) -> Option<Job> {
        let jobs = self.0.lock().expect("nothing panics while it is held");
        let known = id < FIRST_EXTRA_NONCE + jobs.handed_out;
        let after = jobs.made.partition_point(|made| made.first_id <= id);
        let made = jobs.made.get(after.checked_sub(1)?)?;
        known.then(|| made.job(id))
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
    let (block, stale) = blocking(&node, move |node| {
        let job = node.desk.find(id).ok_or_else(|| {
            Refusal::missing(format!("No work with id {id:x} is known; GET /work gives some"))
        })?;
        let block = job.candidate.block(job.id, Header { nonce, ..job.header });
        // A nonce that was sent before is known, not stale.
        let stale = job.candidate.context().previous_hash != node.ledger.tip().hash
            && node.ledger.snapshot()?.block_by_hash(&block.hash())?.is_none();
        Ok((block, stale))
    })
    .await?;
    if stale {
        let message = format!(
            "The work is stale: block {} came meanwhile; GET /work again",
            node.ledger.tip().index
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
        .filter(|id| id.bytes().all(|byte| byte.is_ascii_hexdigit()))
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

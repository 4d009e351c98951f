//! `/`, `/status`, `/metrics`, `/openapi.json`: how the node is, and what it can do.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::{
    Node,
    answers::RuleStatus,
    answers::{
        HeavierBranch, Message, MiningStatus, NetworkStatus, ReorganisationStatus, Status, SyncStatus,
        TipStatus,
    },
    errands::blocking,
    openapi::{self, Failed},
    refusal::Refusal,
};
use paydirt_ledger::{DifficultyRule, Work};

/// Is it there? Any method will do.
// What a client of the teaching servers asks first.
#[utoipa::path(
    method(get, put, delete, patch, trace, head), path = "/", operation_id = "greet",
    responses((status = 200, description = "It is.", body = Message<'static>)),
)]
pub(super) async fn root() -> Json<Message<'static>> {
    Json(Message {
        message: "Server is OK",
        rule: None,
    })
}

/// How the node is.
// From memory alone, and from the peers' task. 503 with the reason, and all the rest, once the ledger's file has failed.
#[utoipa::path(
    get, path = "/status", operation_id = "getStatus",
    responses(
        (status = 200, description = "From memory alone.", body = Status<'static>),
        (status = 503, description = "The ledger's file failed or is damaged, as `message` says: nothing is stored until the \
            node is started again. What can be read is still read.", body = inline(openapi::Unwell)),
    ),
)]
pub(super) async fn status(State(node): State<Arc<Node>>) -> Response {
    let ledger = &node.ledger;
    let peers = node.peers_state().await;
    let (tip, tree, pending, pending_bytes, unsettled_blocks, left_out) = {
        let view = ledger.view();
        let (pending, bytes) = (view.pending.len(), view.pending.bytes());
        let (tip, tree) = (view.tip.clone(), view.tree.clone());
        (tip, tree, pending, bytes, view.unsettled, view.left_out)
    };
    let heavier = tree.heavier().map(|node| HeavierBranch {
        tip: node.hash.to_string(),
        index: node.index,
        depth: tree.depth_of(node),
        work_bits: node.work.log2(),
    });
    let (rule, block_time_s, half_life_s) = match ledger.parameters().rule() {
        DifficultyRule::Fixed => (RuleStatus::Fixed, None, None),
        DifficultyRule::Asert {
            block_time_s,
            half_life_s,
        } => (RuleStatus::Asert, Some(block_time_s), Some(half_life_s)),
    };
    let next_target = tip.next.target();
    let best = peers.best.filter(|(_, work)| *work > tip.work);
    let (best_height, best_work) = best.unwrap_or((tip.index, tip.work));
    let failure = ledger.failure().map(ToString::to_string);
    let code = match failure {
        Some(_) => StatusCode::SERVICE_UNAVAILABLE,
        None => StatusCode::OK,
    };
    let answer = Status {
        message: failure,
        version: env!("CARGO_PKG_VERSION"),
        node_id: ledger.node_id(),
        uptime_s: node.started.elapsed().as_secs_f64(),
        network: NetworkStatus {
            genesis: ledger.genesis_hash().to_string(),
            rule,
            block_time_s,
            half_life_s,
            max_ahead_s: ledger.parameters().times().max_ahead_s(),
            reward: ledger.parameters().reward(),
        },
        length: tip.index,
        tip: TipStatus {
            index: tip.index,
            hash: tip.hash.to_string(),
            timestamp: tip.header.time,
            work_bits: tip.work.log2(),
            next_bits: format!("{:08x}", tip.next.nbits),
            next_target: hex::encode(next_target.to_be_bytes()),
            next_difficulty_bits: Work::of(next_target).log2(),
        },
        pending,
        pending_bytes,
        reorganisation: ReorganisationStatus {
            max_depth: ledger.max_reorganisation(),
            heavier,
            unsettled_blocks,
            left_out,
        },
        peers: peers.peers.len(),
        sync: SyncStatus {
            state: peers.progress,
            best_height,
            best_work_bits: best_work.log2(),
        },
        mining: MiningStatus {
            active: node.mining.is_active(),
            waiting: node.mining.waiting(),
            hashes_per_second: node.mining.hashes_per_second(),
            threads: node.miner.threads(),
            kernel: node.miner.kernel().name(),
        },
    };
    (code, Json(answer)).into_response()
}

/// The same for Prometheus.
// To gather them takes twice as long as any other answer from memory, so it is not done where those are.
#[utoipa::path(
    get, path = "/metrics", operation_id = "getMetrics",
    responses(
        (status = 200, description = "Text format 0.0.4.", body = String, content_type = "text/plain"),
        (status = 500, response = Failed),
    ),
)]
pub(super) async fn metrics(State(node): State<Arc<Node>>) -> Result<Response, Refusal> {
    let peers = node.peers_state().await;
    let text = blocking(&node, move |node| Ok(node.metrics.text(node, &peers))).await?;
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    Ok((kind, text).into_response())
}

/// This description.
#[utoipa::path(
    get, path = "/openapi.json", operation_id = "getDescription",
    responses((status = 200, description = "OpenAPI 3.1.", body = Object)),
)]
pub(super) async fn openapi() -> Response {
    let json = [(header::CONTENT_TYPE, "application/json")];
    (json, openapi::description()).into_response()
}

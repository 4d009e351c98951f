//! `/mine`: one block at a time, for callers who wait in line.
//!
//! ```text
//! a place in line, or 429 ──► wait for the turn ──► mine the ledger's next block on the engine's threads
//!     found, stored, and the tip: the answer
//!     another block came first: the ledger's jobs go on from there
//!     the caller went away (its future is dropped), or the node stops: stop
//! ```

mod keeping_on;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Json,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use tokio::sync::Semaphore;

use crate::{
    Node,
    answers::Mined,
    body,
    events::MiningStage,
    openapi::{Failed, Incomplete},
    refusal::Refusal,
};
pub use keeping_on::{Pace, keep_mining};
use paydirt::Cancel;
use paydirt_jobs::{Effort, End, Event};
use paydirt_ledger::{
    Block, BlockRecord, BlockTemplate, MiningEnd, MiningPlan, Unchecked, Work, mine_blocks,
};

/// Whose turn it is, and how fast it goes.
#[derive(Debug)]
pub(super) struct Mining {
    /// Held by the blocking task itself: the next miner begins when the last one's threads are idle.
    turn: Arc<Semaphore>,
    /// Of those who are served or wait.
    places: usize,
    line: Semaphore,
    /// Which block is being mined, and how far it is: the mining threads only write here, and never wait for anybody.
    index: AtomicU64,
    hashes: AtomicU64,
    micros: AtomicU64,
}

impl Mining {
    pub(super) fn new(waiting: usize) -> Self {
        let places = waiting.saturating_add(1).min(Semaphore::MAX_PERMITS);
        Self {
            turn: Arc::new(Semaphore::new(1)),
            places,
            line: Semaphore::new(places),
            index: AtomicU64::new(0),
            hashes: AtomicU64::new(0),
            micros: AtomicU64::new(0),
        }
    }

    pub(super) fn is_active(&self) -> bool {
        self.turn.available_permits() == 0
    }

    /// Callers who wait for their turn.
    pub(super) fn waiting(&self) -> usize {
        let in_line = self.places - self.line.available_permits();
        in_line.saturating_sub(usize::from(self.is_active()))
    }

    /// Hashes per second of the block being mined.
    pub(super) fn hashes_per_second(&self) -> Option<f64> {
        let effort = self.progress();
        effort
            .hashes_per_second()
            .filter(|rate| *rate > 0.0 && self.is_active())
    }

    /// What the block being mined has taken so far.
    fn progress(&self) -> Effort {
        let micros = self.micros.load(Ordering::Relaxed);
        Effort {
            hashes: self.hashes.load(Ordering::Relaxed),
            elapsed: Duration::from_micros(micros),
        }
    }

    fn begin(&self, index: u64) {
        self.set_progress(Effort::default()); // first: what was done for the last block is not this one's
        self.index.store(index, Ordering::Relaxed);
    }

    fn set_progress(&self, effort: Effort) {
        self.hashes.store(effort.hashes, Ordering::Relaxed);
        self.micros
            .store(effort.elapsed.as_micros() as u64, Ordering::Relaxed);
    }
}

/// Pulls the handle when the caller's future is dropped.
struct StopOnDrop(Cancel);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// Mine the next block.
///
/// One block is mined at a time; callers wait in line. A caller that goes away stops its mining. HEAD is refused: it does not
/// mine.
#[utoipa::path(
    method(get, post), path = "/mine", operation_id = "mine", security((), ("token" = [])),
    responses(
        (status = 200, description = "The block, on disk.", body = Mined<'static>),
        (status = 400, description = "The body could not be read."),
        Incomplete,
        (status = 429, description = "Too many callers wait; Retry-After says how long."),
        (status = 500, response = Failed),
        (status = 503, description = "The node stops, its ledger's file has failed (GET /status says why), or blocks came so \
            fast that their times are too far ahead of the clock."),
    ),
)]
pub(super) async fn mine(State(node): State<Arc<Node>>, request: Request) -> Result<Response, Refusal> {
    // Nobody needs the body, but it may be too large.
    body::read(
        request.into_body(),
        node.limits.body_bytes,
        node.limits.request_timeout,
    )
    .await?;
    let (block, effort) = mine_block(&node).await?;
    let answer = Mined {
        message: "The new block has been forged",
        block: BlockRecord::new(&block),
        hashes: effort.hashes,
        elapsed_s: effort.elapsed.as_secs_f64(),
        hashes_per_second: effort.hashes_per_second(),
    };
    Ok((StatusCode::OK, Json(answer)).into_response())
}

async fn mine_block(node: &Arc<Node>) -> Result<(Block<Unchecked>, Effort), Refusal> {
    node.can_store()?;
    let mining = &node.mining;
    let Ok(_place) = mining.line.try_acquire() else {
        let message = "Too many callers wait for a block already; ask again later, or mine with GET /work";
        return Err(Refusal::new(StatusCode::TOO_MANY_REQUESTS, message).retry_after(expected_s(node)));
    };
    mine_in_turn(node).await
}

/// Mines a block when those who came before are done.
async fn mine_in_turn(node: &Arc<Node>) -> Result<(Block<Unchecked>, Effort), Refusal> {
    node.can_store()?;
    let mining = &node.mining;
    let turn = tokio::select! {
        turn = Arc::clone(&mining.turn).acquire_owned() => Arc::new(turn.expect("never closed")),
        () = node.stopping.cancelled() => return Err(Refusal::stopping()),
    };
    let cancel = Cancel::new();
    let stop = StopOnDrop(cancel.clone());
    let mut task = {
        let (node, turn) = (Arc::clone(node), Arc::clone(&turn));
        tokio::task::spawn_blocking(move || {
            let _until_idle = turn;
            mine_next(&node, &cancel)
        })
    };
    let mut tell = tokio::time::interval(TELL_EVERY);
    tell.reset(); // nothing to tell yet
    loop {
        tokio::select! {
            mined = &mut task => return mined.map_err(|_| Refusal::internal())?,
            _ = tell.tick() => tell_progress(node),
            () = node.stopping.cancelled(), if !stop.0.is_cancelled() => stop.0.cancel(),
        }
    }
}

/// How often listeners hear how far mining is.
const TELL_EVERY: Duration = Duration::from_millis(250);

fn tell_progress(node: &Node) {
    let effort = node.mining.progress();
    if effort.hashes > 0 {
        let index = node.mining.index.load(Ordering::Relaxed);
        node.events.mining(MiningStage::Mining, index, effort);
    }
}

/// Mines the next block on this thread and the miner's, and stores it: on disk before anyone is told.
fn mine_next(node: &Node, cancel: &Cancel) -> Result<(Block<Unchecked>, Effort), Refusal> {
    let (block, of_block) = (Mutex::new(None), Mutex::new(Effort::default()));
    let plan = MiningPlan {
        count: 1,
        spacing_s: None,
    };
    let tell = |event: Event<'_, Arc<BlockTemplate>>| match event {
        Event::Started(job) => {
            let index = job.origin.context().index;
            node.mining.begin(index);
            node.events.mining(MiningStage::Started, index, Effort::default());
        }
        Event::Progress(_, effort) => node.mining.set_progress(effort),
        Event::Share(..) => {}
        Event::Ended(job, effort, end) => {
            node.metrics.count_hashes(effort.hashes);
            *of_block.lock().expect(UNPOISONED) = effort;
            if end != End::Solved {
                let index = job.origin.context().index;
                node.events.mining(MiningStage::Stopped, index, effort);
            }
        }
    };
    let stored = |blocks: &[Block<Unchecked>]| *block.lock().expect(UNPOISONED) = blocks.last().cloned();
    let mined = mine_blocks(&node.ledger, &node.miner, cancel, plan, &tell, &stored);
    let effort = of_block.into_inner().expect(UNPOISONED);
    match (mined.end, block.into_inner().expect(UNPOISONED)) {
        (MiningEnd::Failed(error), _) => Err(error.into()),
        (_, None) => Err(Refusal::stopping()),
        (_, Some(block)) => {
            node.events.mining(MiningStage::Found, block.index(), effort);
            Ok((block, effort))
        }
    }
}

const UNPOISONED: &str = "nothing panics while it is held";

/// How long a block is likely to take, in whole seconds.
fn expected_s(node: &Node) -> u64 {
    let work = Work::of(node.ledger.tip().next.target());
    match node.mining.hashes_per_second() {
        Some(rate) => (work.log2().exp2() / rate).clamp(1.0, 3600.0) as u64,
        None => 1,
    }
}

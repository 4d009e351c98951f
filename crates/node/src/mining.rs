//! `/mine`: one block at a time, for callers who wait in line.
//!
//! ```text
//! a place in line, or 429 ──► wait for the turn ──► loop:
//!     candidate on the tip ──► mine on the engine's threads
//!     found, and still on the tip: the answer
//!     another block came first: stop, begin again on the new tip
//!     the caller went away (its future is dropped), or the node stops: stop
//! ```

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    Json,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use tokio::sync::Semaphore;

use crate::{Node, answers::Mined, blocks::add_block, body, peer::Peer, refusal::Refusal};
use paydirt::{Cancel, Progress};
use paydirt_ledger::{Added, BlockRecord, ForgeError, Forged};

/// Whose turn it is, and how fast it goes.
#[derive(Debug)]
pub(super) struct Mining {
    /// Held by the blocking task itself: the next miner begins when the last one's threads are idle.
    turn: Arc<Semaphore>,
    line: Semaphore,
    in_line: AtomicUsize,
    /// Which block is being mined, and how far it is: the mining threads only write here, and never wait for anybody.
    index: AtomicU64,
    hashes: AtomicU64,
    micros: AtomicU64,
}

impl Mining {
    pub(super) fn new(waiting: usize) -> Self {
        Self {
            turn: Arc::new(Semaphore::new(1)),
            line: Semaphore::new(waiting + 1),
            in_line: AtomicUsize::new(0),
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
        let in_line = self.in_line.load(Ordering::Relaxed);
        in_line.saturating_sub(usize::from(self.is_active()))
    }

    /// Hashes per second of the block being mined.
    pub(super) fn hashes_per_second(&self) -> Option<f64> {
        let (hashes, elapsed) = self.progress();
        (hashes > 0 && !elapsed.is_zero() && self.is_active()).then(|| hashes as f64 / elapsed.as_secs_f64())
    }

    /// Hashes computed for the block being mined, and the time since its beginning.
    fn progress(&self) -> (u64, Duration) {
        let micros = self.micros.load(Ordering::Relaxed);
        (self.hashes.load(Ordering::Relaxed), Duration::from_micros(micros))
    }

    fn begin(&self, index: u64) {
        self.set_progress(0, Duration::ZERO); // first: what was done for the last block is not this one's
        self.index.store(index, Ordering::Relaxed);
    }

    fn set_progress(&self, hashes: u64, elapsed: Duration) {
        self.hashes.store(hashes, Ordering::Relaxed);
        self.micros.store(elapsed.as_micros() as u64, Ordering::Relaxed);
    }
}

/// Pulls the handle when the caller's future is dropped.
struct StopOnDrop(Cancel);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// Counts a caller while it is there.
struct InLine<'m>(&'m AtomicUsize);

impl<'m> InLine<'m> {
    fn new(count: &'m AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for InLine<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// `GET /mine`, `POST /mine`.
pub(super) async fn mine(State(node): State<Arc<Node>>, request: Request) -> Result<Response, Refusal> {
    let caller = request.extensions().get::<Peer>().cloned();
    // Nobody needs the body, but a caller who goes away while it is sent is not there any more either.
    body::read(
        request.into_body(),
        node.limits.body_bytes,
        node.limits.request_timeout,
    )
    .await?;
    let gone = async {
        match caller {
            Some(caller) => caller.gone().await,
            None => std::future::pending().await, // no socket: whoever calls drops this future
        }
    };
    let forged = tokio::select! {
        forged = mine_block(&node) => forged?,
        () = gone => return Err(Refusal::client_gone()),
    };
    let answer = Mined {
        message: "The new block has been forged",
        block: BlockRecord::new(&forged.block),
        hashes: forged.hashes,
        elapsed_s: forged.elapsed.as_secs_f64(),
        hashes_per_second: forged.hashes_per_second(),
    };
    Ok((StatusCode::OK, Json(answer)).into_response())
}

async fn mine_block(node: &Arc<Node>) -> Result<Forged, Refusal> {
    let mining = &node.mining;
    let Ok(_place) = mining.line.try_acquire() else {
        let message = "Too many callers wait for a block already; ask again later, or mine with GET /work";
        return Err(Refusal::new(StatusCode::TOO_MANY_REQUESTS, message).retry_after(expected_s(node)));
    };
    let _counted = InLine::new(&mining.in_line);
    let turn = tokio::select! {
        turn = Arc::clone(&mining.turn).acquire_owned() => Arc::new(turn.expect("never closed")),
        () = node.stopping.cancelled() => return Err(Refusal::stopping()),
    };
    let mut tip = node.tip.clone();
    loop {
        tip.borrow_and_update();
        let cancel = Cancel::new();
        let stop = StopOnDrop(cancel.clone());
        let mut task = {
            let (node, turn) = (Arc::clone(node), Arc::clone(&turn));
            tokio::task::spawn_blocking(move || {
                let _until_idle = turn;
                forge(&node, &cancel)
            })
        };
        let mut tell = tokio::time::interval(TELL_EVERY);
        tell.reset(); // nothing to tell yet
        let outcome = loop {
            tokio::select! {
                outcome = &mut task => break outcome,
                _ = tell.tick() => tell_progress(node),
                Ok(()) = tip.changed() => stop.0.cancel(),
                () = node.stopping.cancelled() => {
                    stop.0.cancel();
                    break (&mut task).await;
                }
            }
        };
        match outcome.map_err(|_| Refusal::internal())? {
            // On disk before anyone is told; and if another block was quicker, this one is a side branch: again.
            Ok(forged) => match add_block(node, forged.block.clone()).await? {
                Added::Tip { .. } => {
                    let index = forged.block.index();
                    node.events.mining("found", index, forged.hashes, forged.elapsed);
                    return Ok(forged);
                }
                Added::Known | Added::Side => {}
            },
            Err(ForgeError::Stopped { .. }) if node.stopping.is_cancelled() => {
                return Err(Refusal::stopping());
            }
            Err(ForgeError::Stopped { .. }) => {}
            Err(error @ ForgeError::AheadOfClock(_)) => return Err(error.into()),
        }
    }
}

/// How often listeners hear how far mining is.
const TELL_EVERY: Duration = Duration::from_millis(250);

fn tell_progress(node: &Node) {
    let (hashes, elapsed) = node.mining.progress();
    if hashes > 0 {
        let index = node.mining.index.load(Ordering::Relaxed);
        node.events.mining("mining", index, hashes, elapsed);
    }
}

/// Mines the next block on this thread and the miner's.
fn forge(node: &Node, cancel: &Cancel) -> Result<Forged, ForgeError> {
    let candidate = node.ledger.candidate().expect("the node's id is a name");
    let index = candidate.context().index;
    node.mining.begin(index);
    node.events.mining("started", index, 0, Duration::ZERO);
    let begun = Instant::now();
    let progress = |progress: &Progress| node.mining.set_progress(progress.hashes, progress.elapsed);
    let outcome = candidate.mine(&node.miner, cancel, &|| node.ledger.now_s(), None, &progress);
    match &outcome {
        Ok(forged) => node.metrics.count_hashes(forged.hashes),
        Err(ForgeError::Stopped { hashes }) => {
            node.metrics.count_hashes(*hashes);
            node.events.mining("stopped", index, *hashes, begun.elapsed());
        }
        Err(ForgeError::AheadOfClock(_)) => {
            node.events.mining("stopped", index, 0, begun.elapsed());
        }
    }
    outcome
}

/// How long a block is likely to take, in whole seconds.
fn expected_s(node: &Node) -> u64 {
    let work = bitcoin::Target::from_compact(node.ledger.tip().next.nbits).to_work();
    match node.mining.hashes_per_second() {
        Some(rate) => (work.log2().exp2() / rate).clamp(1.0, 3600.0) as u64,
        None => 1,
    }
}

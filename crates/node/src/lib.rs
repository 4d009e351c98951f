//! The HTTP node over the ledger.
//!
//! *In:* a [`Ledger`], a [`Miner`], limits. *Out:* [`app`], an axum `Router` that knows nothing of sockets, and
//! [`server::serve`], which puts one on a listener.
//!
//! It speaks the API of two teaching servers (a Flask and an Express program), so that their clients work unchanged:
//! `GET /mine`, `POST /transactions/new`, `GET /chain`. `GET /openapi.json` describes the whole of it.
//!
//! ```text
//! request ──► log, count, catch panics ──► doors ──► route ──► handler ──► the ledger's view (memory) or a snapshot (disk)
//!                                                                 │
//!                                                                 └──► the ledger's writer ──► answer once it is on disk
//! ```
//!
//! Errors are JSON too: `{"message":"…"}`, and the broken `rule` where there is one. Only what is not an HTTP request at all
//! is refused below this, without a body.

mod answers;
mod blocks;
mod body;
mod branches;
mod client_socket;
mod doors;
mod errands;
mod events;
mod explorer;
mod getwork;
mod json;
mod metrics;
mod middleware;
mod mining;
mod openapi;
mod outside;
mod peers;
mod places;
mod refusal;
mod rpc;
pub mod server;
mod status;
mod streaming;
mod transactions;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    middleware::from_fn_with_state,
    routing::{any, get, post},
};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

pub use doors::{BadHostName, BadToken, Cors, Doors, HostName, Hosts, Origin, Token};
use errands::Errands;
use events::Events;
use metrics::Metrics;
use mining::Mining;
pub use mining::{Pace, keep_mining};
pub use openapi::description;
use paydirt::Miner;
use paydirt_ledger::{BlockHash, Event, Ledger, OutsideJobs};
pub use peers::{Answer, Direction, Peer, Peers, PeersState, Progress};
use refusal::Refusal;

/// What a node takes, at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a request's body; blocks have [`Limits::block_bytes`].
    pub body_bytes: usize,
    /// Bytes of a block sent to `POST /blocks`.
    pub block_bytes: usize,
    /// Calls of `/mine` that may wait for the one being served.
    pub waiting_miners: usize,
    /// How long a request's body may take to arrive, and a client to take the next piece of an answer.
    pub request_timeout: Duration,
    /// How long a request's head may take to arrive; also for how long a connection may be idle.
    pub header_timeout: Duration,
    /// Connections open at a time. For a further one, that which has waited longest for its client is given up.
    pub connections: usize,
    /// Connections of one address at a time, but for this machine's own: likewise among themselves.
    pub connections_per_address: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 64 << 10,
            block_bytes: 16 << 20,
            waiting_miners: 16,
            request_timeout: Duration::from_secs(30),
            header_timeout: Duration::from_secs(10),
            connections: 1024,
            connections_per_address: 256,
        }
    }
}

impl Limits {
    /// How many of the connections may listen to `/events`: half, so that others are answered.
    fn listeners(&self) -> usize {
        (self.connections / 2).max(1)
    }
}

/// How many blocks of the largest size may be in memory at the same time, sent by clients and not yet checked.
const BLOCKS_AT_ONCE: usize = 4;

/// Everything the handlers share.
#[derive(Debug)]
pub struct Node {
    ledger: Arc<Ledger>,
    peers: Box<dyn Peers>,
    miner: Miner,
    limits: Limits,
    mining: Mining,
    outside: Arc<OutsideJobs>,
    /// Of the jobs above, those that may come back without their id.
    handed_out: getwork::HandedOut,
    /// The tip, for those who wait for another one.
    tips: watch::Sender<BlockHash>,
    events: Events,
    metrics: Metrics,
    /// For blocks that are read into memory.
    block_room: body::Room,
    /// Who reads one from its JSON.
    block_reader: Arc<tokio::sync::Mutex<()>>,
    errands: Errands,
    /// Blocks that answers are in the midst of.
    recent: streaming::Recent,
    /// For listeners of `/events`: a connection each, for as long as they like.
    listeners: Arc<Semaphore>,
    started: Instant,
    stopping: CancellationToken,
}

impl Node {
    /// A node over `ledger` that mines with `miner`, whose threads make way for all others from now on. It takes part in no
    /// network.
    pub fn new(ledger: impl Into<Arc<Ledger>>, miner: Miner, limits: Limits) -> Arc<Self> {
        Self::with_peers(ledger.into(), miner, limits, Box::new(peers::Nobody))
    }

    /// The same, for which `peers` takes part in one.
    pub fn with_peers(ledger: Arc<Ledger>, miner: Miner, limits: Limits, peers: Box<dyn Peers>) -> Arc<Self> {
        make_way(&miner);
        let events = Events::new();
        let metrics = Metrics::new();
        let outside = Arc::new(OutsideJobs::default());
        let tips = watch::Sender::new(ledger.tip().hash);
        ledger.listen({
            let (events, metrics, tips) = (events.clone(), metrics.clone(), tips.clone());
            let outside = Arc::clone(&outside);
            move |event| {
                if let Event::Failed(failure) = event {
                    tracing::error!(%failure, "the store failed");
                }
                if let Event::Block {
                    block, active: true, ..
                } = event
                {
                    outside.let_go();
                    tips.send_replace(block.hash());
                }
                metrics.count_event(event);
                events.publish(event);
            }
        });
        Arc::new(Self {
            ledger,
            peers,
            miner,
            limits,
            mining: Mining::new(limits.waiting_miners),
            outside,
            handed_out: getwork::HandedOut::default(),
            tips,
            events,
            metrics,
            block_room: body::Room::new(limits.block_bytes.saturating_mul(BLOCKS_AT_ONCE)),
            block_reader: Arc::default(),
            errands: Errands::new(),
            recent: streaming::Recent::default(),
            listeners: Arc::new(Semaphore::new(limits.listeners())),
            started: Instant::now(),
            stopping: CancellationToken::new(),
        })
    }

    /// The ledger it serves.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// What costs work is refused before it is done when it could not be stored.
    fn can_store(&self) -> Result<(), Refusal> {
        match self.ledger.failure() {
            Some(failure) => Err(failure.clone().into()),
            None => Ok(()),
        }
    }

    /// Why a command of the ledger has no answer.
    fn unanswered(&self) -> Refusal {
        self.can_store().err().unwrap_or_else(Refusal::stopping)
    }

    /// Ends mining and event streams, so that connections can be closed.
    pub fn stop(&self) {
        self.stopping.cancel();
    }
}

/// Lets the mining threads run only where no other thread wants to: mining takes every processor, and a call must not
/// wait for its turn on one (1 in 100 answers would take 12 ms). A machine that has nothing else to do mines as fast as
/// ever; one that is busy mines little.
fn make_way(miner: &Miner) {
    #[cfg(target_os = "linux")]
    miner.on_each_thread(|_| {
        use thread_priority::{
            NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy,
            thread_native_id,
        };
        let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
        if let Err(error) = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, idle) {
            tracing::debug!(?error, "mining threads may keep their priority"); // calls wait longer, nothing worse
        }
    });
    // Elsewhere a thread's priority cannot be lowered alone, or not without rights.
    #[cfg(not(target_os = "linux"))]
    let _ = miner;
}

/// The node's routes, for whom the doors let in. No sockets: tests call it in process.
pub fn app(node: Arc<Node>, doors: impl Into<Doors>) -> Router {
    let doors = Arc::new(doors.into());
    // What changes state or costs work; `/` and `/longpoll` see to it themselves, and answer in JSON-RPC's form.
    let guarded = Router::new()
        .route(
            "/mine",
            get(mining::mine).post(mining::mine).head(refusal::no_head),
        )
        .route("/blocks", post(blocks::take))
        .route("/switch", post(blocks::switch))
        .route("/nodes/register", post(peers::register))
        .route("/transactions/new", post(transactions::new))
        .route(
            "/work",
            get(outside::hand_out)
                .post(outside::take_back)
                .head(refusal::no_head),
        )
        .route_layer(from_fn_with_state(Arc::clone(&doors), doors::guard));
    let routes = Router::new()
        .route("/", any(status::root).post(rpc::call))
        .route("/longpoll", post(rpc::long_poll))
        .route("/status", get(status::status))
        .route("/metrics", get(status::metrics))
        .route("/openapi.json", get(status::openapi))
        .route("/explorer", get(explorer::page))
        .route("/chain", get(blocks::chain))
        .route("/tree", get(branches::tree))
        .route("/blocks/{name}", get(blocks::one))
        .route("/transactions/pending", get(transactions::pending))
        .route("/transactions/{id}", get(transactions::one))
        .route("/events", get(events::stream))
        .route("/peers", get(peers::list))
        .route("/nodes/resolve", get(peers::resolve))
        .merge(guarded)
        .method_not_allowed_fallback(refusal::wrong_method)
        .fallback(refusal::unknown_path);
    middleware::wrap(routes, &node, &doors).with_state(node)
}

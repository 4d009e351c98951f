//! What the node counts, in Prometheus' text format.

use std::time::Duration;

use prometheus::{
    HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder, core::Collector,
};

use crate::{
    Node,
    peers::{Direction, PeersState, Progress},
};
use paydirt_ledger::Event;

/// Counters. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    request_seconds: HistogramVec,
    blocks: IntCounterVec,
    transactions: IntCounter,
    reorganisations: IntCounter,
    length: IntGauge,
    pending: IntGauge,
    pending_bytes: IntGauge,
    unsettled: IntGauge,
    hashes: IntCounter,
    hashes_per_second: prometheus::Gauge,
    mining: IntGauge,
    waiting: IntGauge,
    failed: IntGauge,
    peers: IntGaugeVec,
    peers_seen: IntCounterVec,
    syncing: IntGauge,
    best_height: IntGauge,
}

fn registered<C: Collector + Clone + 'static>(registry: &Registry, made: prometheus::Result<C>) -> C {
    let collector = made.expect("names and labels are well-formed");
    registry
        .register(Box::new(collector.clone()))
        .expect("names are different");
    collector
}

impl Metrics {
    pub(super) fn new() -> Self {
        let registry = Registry::new();
        let gauge = |name, help| registered(&registry, IntGauge::new(name, help));
        let seconds = HistogramOpts::new("paydirt_http_request_seconds", "Time until the head of an answer")
            .buckets(vec![
                0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0,
            ]);
        Self {
            requests: registered(
                &registry,
                IntCounterVec::new(
                    Opts::new("paydirt_http_requests_total", "Requests answered"),
                    &["method", "path", "status"],
                ),
            ),
            request_seconds: registered(&registry, HistogramVec::new(seconds, &["path"])),
            blocks: registered(
                &registry,
                IntCounterVec::new(
                    Opts::new("paydirt_blocks_total", "Blocks added since the start"),
                    &["branch"],
                ),
            ),
            transactions: registered(
                &registry,
                IntCounter::new(
                    "paydirt_transactions_total",
                    "Transactions queued since the start",
                ),
            ),
            reorganisations: registered(
                &registry,
                IntCounter::new(
                    "paydirt_reorganisations_total",
                    "Times another branch became the active one",
                ),
            ),
            length: gauge("paydirt_chain_length", "Blocks of the active branch"),
            pending: gauge(
                "paydirt_pending_transactions",
                "Transactions that wait for a block",
            ),
            pending_bytes: gauge(
                "paydirt_pending_bytes",
                "What these take, as it counts against the limit",
            ),
            unsettled: gauge(
                "paydirt_unsettled_blocks",
                "Blocks of the last reorganisations whose transactions the queue does not reflect yet",
            ),
            hashes: registered(
                &registry,
                IntCounter::new(
                    "paydirt_hashes_total",
                    "Hashes computed by /mine since the start, but for the block being mined",
                ),
            ),
            hashes_per_second: registered(
                &registry,
                prometheus::Gauge::new(
                    "paydirt_hashes_per_second",
                    "Of the block being mined; 0 while none is",
                ),
            ),
            mining: gauge("paydirt_mining", "1 while a block is being mined"),
            waiting: gauge("paydirt_mine_waiting", "Calls of /mine that wait for their turn"),
            failed: gauge(
                "paydirt_store_failed",
                "1 once the ledger's file failed or was found damaged: nothing is stored any more",
            ),
            peers: registered(
                &registry,
                IntGaugeVec::new(
                    Opts::new("paydirt_peers", "Peers that are connected"),
                    &["direction"],
                ),
            ),
            peers_seen: registered(
                &registry,
                IntCounterVec::new(
                    Opts::new(
                        "paydirt_peers_total",
                        "Peers that joined, and that left, since the start",
                    ),
                    &["event"],
                ),
            ),
            syncing: gauge("paydirt_syncing", "1 while a peer is known to have more work"),
            best_height: gauge(
                "paydirt_best_height",
                "The index of the tip with the most work that is known of, here or at a peer",
            ),
            registry,
        }
    }

    pub(super) fn count_peer(&self, joined: bool) {
        let event = if joined { "joined" } else { "left" };
        self.peers_seen.with_label_values(&[event]).inc();
    }

    pub(super) fn count_request(&self, method: &str, path: &str, status: u16, elapsed: Duration) {
        self.requests
            .with_label_values(&[method, path, &status.to_string()])
            .inc();
        self.request_seconds
            .with_label_values(&[path])
            .observe(elapsed.as_secs_f64());
    }

    pub(super) fn count_hashes(&self, hashes: u64) {
        self.hashes.inc_by(hashes);
    }

    pub(super) fn count_event(&self, event: &Event) {
        match event {
            Event::Transaction { .. } => self.transactions.inc(),
            Event::Block { active, dropped, .. } => {
                let branch = if *active { "active" } else { "side" };
                self.blocks.with_label_values(&[branch]).inc();
                if *dropped > 0 {
                    self.reorganisations.inc();
                }
            }
            Event::Failed(_) => self.failed.set(1),
        }
    }

    /// Everything, as of now.
    pub(super) fn text(&self, node: &Node, peers: &PeersState) -> String {
        let gauge = |gauge: &IntGauge, number: usize| gauge.set(i64::try_from(number).unwrap_or(i64::MAX));
        let (length, work) = {
            let view = node.ledger.view();
            gauge(&self.pending, view.pending.len());
            gauge(&self.pending_bytes, view.pending.bytes());
            gauge(&self.unsettled, view.unsettled);
            (view.tip.index, view.tip.work)
        };
        for direction in [Direction::Inbound, Direction::Outbound] {
            let count = peers
                .peers
                .iter()
                .filter(|peer| peer.direction == direction)
                .count();
            gauge(&self.peers.with_label_values(&[direction.name()]), count);
        }
        self.syncing.set((peers.progress == Progress::Syncing).into());
        let best = peers
            .best
            .filter(|(_, best)| *best > work)
            .map_or(length, |(height, _)| height);
        self.best_height.set(i64::try_from(best).unwrap_or(i64::MAX));
        self.length.set(i64::try_from(length).unwrap_or(i64::MAX));
        self.hashes_per_second
            .set(node.mining.hashes_per_second().unwrap_or(0.0));
        self.mining.set(node.mining.is_active().into());
        gauge(&self.waiting, node.mining.waiting());
        let families = self.registry.gather();
        TextEncoder::new()
            .encode_to_string(&families)
            .expect("what was registered can be written")
    }
}

//! What those who watch a node see of its peers.

use std::time::Duration;

use paydirt_ledger::Work;

use super::{Address, BookEntry, Chain, Core, Direction, Identity, Peer};
use crate::message::TipSummary;

/// A live peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerInfo {
    /// Who it proved to be.
    pub identity: Identity,
    /// Where it is connected.
    pub address: Address,
    /// Where it says that it is reached.
    pub listen: Vec<Address>,
    /// Who dialled.
    pub direction: Direction,
    /// Its tip, as it says.
    pub tip: Option<TipSummary>,
    /// How long it takes to answer.
    pub latency: Option<Duration>,
    /// Since when it is connected, counted from the driver's beginning.
    pub since: Duration,
    /// What it did wrong lately: at 100 it is banned.
    pub score: u32,
    /// The version of the protocol that is spoken with it.
    pub version: u8,
}

/// How far a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sync {
    /// It has no peers.
    Alone,
    /// A peer has more than it.
    Syncing,
    /// No peer has more than it.
    Synced,
}

/// How far a node is, and where it is going.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyncState {
    /// How far.
    pub sync: Sync,
    /// The index of the best block of which the header is known.
    pub best_index: u64,
    /// The work of its branch.
    pub best_work: Work,
    /// Blocks between the tip and it that are not stored.
    pub missing: usize,
}

impl Core {
    /// The peers that have said hello.
    pub fn peers(&self) -> Vec<PeerInfo> {
        let ready = self.peers.values().filter(|peer| peer.is_ready());
        ready
            .map(|peer| PeerInfo {
                identity: Identity::clone(&peer.identity),
                address: Address::clone(&peer.address),
                listen: peer.listen.clone(),
                direction: peer.direction,
                tip: peer.claim,
                latency: peer.latency,
                since: peer.since,
                score: peer.score(self.now.since_start),
                version: peer.version.unwrap_or_default(),
            })
            .collect()
    }

    /// How far this node is.
    pub fn sync(&self, chain: &impl Chain) -> SyncState {
        let tip = chain.tip();
        let best = self
            .bodies
            .target_tip()
            .filter(|target| target.work > tip.work)
            .unwrap_or(tip);
        let ready: Vec<_> = self.peers.values().filter(|peer| peer.is_ready()).collect();
        let now = self.now.since_start;
        let sync = match ready.is_empty() {
            true => Sync::Alone,
            false if best.work > tip.work => Sync::Syncing,
            false if ready.iter().any(|peer| peer.promises_more_than(tip, now)) => Sync::Syncing,
            false => Sync::Synced,
        };
        SyncState {
            sync,
            best_index: best.index,
            best_work: best.work,
            missing: self.bodies.missing(),
        }
    }

    /// What is kept of the address book between runs.
    pub fn address_book(&self) -> Vec<BookEntry> {
        self.book.entries()
    }

    /// The version of the protocol that is spoken with a peer; before its hello, the oldest that this node speaks.
    pub fn version_with(&self, peer: Peer) -> u8 {
        let greeted = self.peers.get(&peer).and_then(|peer| peer.version);
        greeted.unwrap_or(self.versions.least)
    }
}

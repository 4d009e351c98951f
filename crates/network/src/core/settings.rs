//! What a core is told when it begins, and the limits that it keeps.

use std::time::Duration;

use super::{Address, book::BookEntry};
use crate::message::{VERSIONS, Versions};

/// How much a node has to do with others, at most. Each limit bounds memory or work that a stranger can cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Peers that this node dials, beyond those that it was given.
    pub outbound: usize,
    /// Peers that dialled this node.
    pub inbound: usize,
    /// Of these, those of one address; this machine's own are not counted.
    pub inbound_per_origin: usize,
    /// Headers known of which the block is not here.
    pub headers_ahead: usize,
    /// Blocks asked for ahead of the first that is missing.
    pub blocks_ahead: usize,
    /// Bytes of blocks that wait for one before them.
    pub buffered_bytes: usize,
    /// Requests for blocks that one peer has at a time.
    pub requests_per_peer: usize,
    /// Requests for blocks at a time.
    pub requests: usize,
    /// Requests of one peer that are answered from the ledger's file at a time.
    pub serving_per_peer: usize,
    /// Peers that are asked for headers at a time.
    pub header_syncs: usize,
    /// How far below the tip a branch may leave the active one and still be looked at.
    pub fork_depth: u64,
    /// Addresses that are remembered, beyond those that were given.
    pub addresses: usize,
    /// How long a peer may take to say hello, and to answer for headers.
    pub answer_time: Duration,
    /// How long a peer may take for blocks before another one is asked.
    pub block_time: Duration,
    /// The same for one of the last blocks of the branch, which is small in its compact form.
    pub tip_time: Duration,
    /// For how long a peer that misbehaved is turned away.
    pub ban_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            outbound: 8,
            inbound: 64,
            inbound_per_origin: 8,
            headers_ahead: 400_000,
            blocks_ahead: 2_048,
            buffered_bytes: 32 << 20,
            requests_per_peer: 4,
            requests: 16,
            serving_per_peer: 8,
            header_syncs: 3,
            fork_depth: 2_000,
            addresses: 1_000,
            answer_time: Duration::from_secs(10),
            block_time: Duration::from_secs(5),
            tip_time: Duration::from_secs(2),
            ban_time: Duration::from_secs(3600),
        }
    }
}

/// What a core is told when it begins.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Addresses to be connected to for good.
    pub given: Vec<Address>,
    /// Addresses remembered from before.
    pub known: Vec<BookEntry>,
    /// What it keeps to.
    pub limits: Limits,
    /// The versions of the protocol that it speaks.
    pub versions: Versions,
    /// What its choices come from: the same events with the same seed make the same actions.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            given: Vec::new(),
            known: Vec::new(),
            limits: Limits::default(),
            versions: VERSIONS,
            seed: 0,
        }
    }
}

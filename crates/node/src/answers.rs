//! The JSON of the node's answers. `openapi.json` describes each; its names are those of the teaching servers.

use std::borrow::Cow;

use serde::Serialize;

use paydirt_ledger::{BlockRecord, Tag, Transaction};

/// An answer that is only a sentence.
#[derive(Serialize)]
pub(super) struct Message {
    pub(super) message: &'static str,
}

/// `/mine`.
#[derive(Serialize)]
pub(super) struct Mined<'b> {
    pub(super) message: &'static str,
    #[serde(flatten)]
    pub(super) block: BlockRecord<'b>,
    /// Hashes computed, exactly.
    pub(super) hashes: u64,
    /// Seconds of mining.
    pub(super) elapsed_s: f64,
    /// Null when that was too short to measure.
    pub(super) hashes_per_second: Option<f64>,
}

/// `POST /transactions/new`.
#[derive(Serialize)]
pub(super) struct Scheduled {
    pub(super) message: String,
    pub(super) index: u64,
    pub(super) id: String,
    /// The transfer's own, or the one it was given.
    pub(super) tag: Option<Tag>,
}

/// `POST /blocks`, `POST /work`.
#[derive(Serialize)]
pub(super) struct Taken {
    pub(super) message: Cow<'static, str>,
    pub(super) index: u64,
    pub(super) hash: String,
    /// Whether it is the tip now.
    pub(super) tip: bool,
    /// Blocks that no longer count because of it.
    pub(super) dropped: usize,
}

/// A transaction with its id.
#[derive(Serialize)]
pub(super) struct Identified<'t> {
    pub(super) id: String,
    #[serde(flatten)]
    pub(super) transaction: &'t Transaction,
}

impl<'t> From<&'t paydirt_ledger::Identified> for Identified<'t> {
    fn from(transfer: &'t paydirt_ledger::Identified) -> Self {
        Self {
            id: transfer.id().to_string(),
            transaction: transfer.transaction(),
        }
    }
}

/// `GET /transactions/{id}`.
#[derive(Serialize)]
pub(super) struct Found<'t> {
    #[serde(flatten)]
    pub(super) transaction: Identified<'t>,
    /// `confirmed` or `pending`.
    pub(super) status: &'static str,
    /// The last active block it stands in; the next block while it waits.
    pub(super) index: u64,
    /// That block's hash; null while it waits.
    pub(super) block: Option<String>,
    /// In how many active blocks it stands.
    pub(super) blocks: u64,
    /// How many of it wait.
    pub(super) waiting: usize,
}

/// `GET /transactions/pending`.
#[derive(Serialize)]
pub(super) struct Pending<'t> {
    pub(super) transactions: Vec<Identified<'t>>,
    /// How many wait, whatever the page.
    pub(super) length: usize,
}

/// `GET /work`.
#[derive(Serialize)]
pub(super) struct HeaderToMine {
    /// To be sent back with the nonce.
    pub(super) id: String,
    pub(super) index: u64,
    /// 80 bytes in hex; the nonce is the last four, little-endian.
    pub(super) header: String,
    /// The highest hash that will do, 64 hex digits.
    pub(super) target: String,
    pub(super) bits: String,
    pub(super) previous_hash: String,
    /// How many transactions the block has, its reward among them.
    pub(super) transactions: usize,
}

/// `GET /status`.
#[derive(Serialize)]
pub(super) struct Status<'n> {
    /// Why nothing is stored any more; left out while all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) message: Option<String>,
    pub(super) version: &'static str,
    pub(super) node_id: &'n str,
    pub(super) uptime_s: f64,
    pub(super) network: NetworkStatus,
    pub(super) length: u64,
    pub(super) tip: TipStatus,
    /// Transactions that wait for a block.
    pub(super) pending: usize,
    /// What these take, as it counts against the limit.
    pub(super) pending_bytes: usize,
    pub(super) reorganisation: ReorganisationStatus,
    /// How many peers are connected.
    pub(super) peers: usize,
    pub(super) sync: SyncStatus,
    pub(super) mining: MiningStatus,
}

#[derive(Serialize)]
pub(super) struct NetworkStatus {
    pub(super) genesis: String,
    /// `fixed` or `asert`.
    pub(super) rule: &'static str,
    pub(super) block_time_s: Option<u32>,
    pub(super) half_life_s: Option<u32>,
    /// How far a block's time may be ahead of the clock.
    pub(super) max_ahead_s: u32,
    pub(super) reward: u64,
}

/// Of `GET /status`: how far the node is beside its peers.
#[derive(Serialize)]
pub(super) struct SyncStatus {
    /// `alone`, `syncing` or `synced`.
    pub(super) state: &'static str,
    /// The index of the tip with the most work that is known of, here or at a peer.
    pub(super) best_height: u64,
    /// log2 of the hashes that its branch took, on average.
    pub(super) best_work_bits: f64,
}

/// `GET /tree`.
#[derive(Serialize)]
pub(super) struct TreeAnswer {
    /// In ascending order of their indices; of equals, the active one first.
    pub(super) blocks: Vec<TreeBlock>,
    /// How many blocks the active branch has.
    pub(super) length: u64,
    /// Whether no block of a side branch was left out for want of room.
    pub(super) whole: bool,
}

/// A block as it stands in the tree.
#[derive(Serialize)]
pub(super) struct TreeBlock {
    pub(super) index: u64,
    pub(super) hash: String,
    pub(super) previous_hash: String,
    /// Seconds since 1970.
    pub(super) timestamp: u32,
    /// Whether it is on the active branch.
    pub(super) active: bool,
}

/// `GET /peers`.
#[derive(Serialize)]
pub(super) struct PeersAnswer<'p> {
    /// Null while the node takes part in no network.
    pub(super) id: Option<&'p str>,
    pub(super) listen: &'p [String],
    pub(super) peers: Vec<PeerAnswer<'p>>,
}

#[derive(Serialize)]
pub(super) struct PeerAnswer<'p> {
    pub(super) id: &'p str,
    pub(super) address: &'p str,
    /// `inbound` or `outbound`.
    pub(super) direction: &'static str,
    /// The index of its tip.
    pub(super) height: u64,
    /// The work of its branch: 64 hex digits.
    pub(super) work: String,
    /// Null until it was measured.
    pub(super) latency_ms: Option<f64>,
    /// Seconds since 1970.
    pub(super) since: u64,
    pub(super) score: u32,
}

/// `POST /nodes/register`.
#[derive(Serialize)]
pub(super) struct Registered {
    pub(super) message: &'static str,
    pub(super) total_nodes: Vec<String>,
}

/// Of `GET /status`: which branches are taken up, and what the last change has left to do.
#[derive(Serialize)]
pub(super) struct ReorganisationStatus {
    /// How far below the tip a heavier branch may leave the active one and still be taken up by itself.
    pub(super) max_depth: u64,
    /// A branch with more work than the active one that leaves it further below: `POST /switch` takes it up.
    pub(super) heavier: Option<HeavierBranch>,
    /// Blocks whose transactions the queue does not reflect yet.
    pub(super) unsettled_blocks: usize,
    /// Transactions for which there was no room until their block was forgotten.
    pub(super) left_out: u64,
}

/// A branch that is not taken up by itself.
#[derive(Serialize)]
pub(super) struct HeavierBranch {
    /// The hash of its last block.
    pub(super) tip: String,
    pub(super) index: u64,
    /// How far below the active tip it leaves the active branch.
    pub(super) depth: u64,
    /// log2 of the hashes it took, on average.
    pub(super) work_bits: f64,
}

/// `POST /switch`.
#[derive(Serialize)]
pub(super) struct Switched {
    pub(super) message: &'static str,
    pub(super) index: u64,
    pub(super) hash: String,
    /// Blocks that no longer count because of it.
    pub(super) dropped: usize,
}

#[derive(Serialize)]
pub(super) struct TipStatus {
    pub(super) index: u64,
    pub(super) hash: String,
    pub(super) timestamp: u32,
    /// log2 of the hashes the active branch took, on average.
    pub(super) work_bits: f64,
    /// What the next block must carry.
    pub(super) next_bits: String,
    /// The highest hash the next block may have.
    pub(super) next_target: String,
    /// log2 of the hashes the next block takes, on average.
    pub(super) next_difficulty_bits: f64,
}

#[derive(Serialize)]
pub(super) struct MiningStatus {
    pub(super) active: bool,
    /// Calls of `/mine` that wait.
    pub(super) waiting: usize,
    /// Of the block being mined; null while none is, or none was measured yet.
    pub(super) hashes_per_second: Option<f64>,
    pub(super) threads: usize,
    pub(super) kernel: &'static str,
}

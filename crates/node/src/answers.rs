//! The JSON of the node's answers, and what `GET /openapi.json` says of each: its names are those of the teaching servers.
//!
//! A field's type and its attribute are its schema, the words above it the schema's description. Where the type says less
//! than is true (a hash is a text here), `value_type` names one of [`crate::openapi::shapes`].

use std::borrow::Cow;

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    openapi::shapes,
    peers::{Direction, Progress},
};
use paydirt_ledger::{BlockRecord, Tag, Transaction};

/// Every answer that is not what was asked for.
#[derive(Serialize, ToSchema)]
pub(super) struct Message<'m> {
    pub(super) message: &'m str,
    /// The rule a block breaks, or the limit it meets, for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<shapes::Rule>, nullable = false)]
    pub(super) rule: Option<&'static str>,
}

/// A block, and what it took.
#[derive(Serialize, ToSchema)]
pub(super) struct Mined<'b> {
    pub(super) message: &'static str,
    #[serde(flatten)]
    #[schema(value_type = shapes::Block, inline)]
    pub(super) block: BlockRecord<'b>,
    /// Hashes computed, exactly.
    #[schema(minimum = 1)]
    pub(super) hashes: u64,
    /// Seconds of mining.
    #[schema(minimum = 0)]
    pub(super) elapsed_s: f64,
    /// Null when that was too short to measure.
    #[schema(required, minimum = 0)]
    pub(super) hashes_per_second: Option<f64>,
}

/// A transfer that is on disk.
#[derive(Serialize, ToSchema)]
pub(super) struct Scheduled {
    pub(super) message: String,
    /// The block it is likely to stand in; the one it stands in, if it is confirmed already.
    #[schema(minimum = 2)]
    pub(super) index: u64,
    #[schema(value_type = shapes::Hash)]
    pub(super) id: String,
    /// The transfer's tag: the client's, or the one that the node gave it.
    #[schema(value_type = shapes::Tag)]
    pub(super) tag: Option<Tag>,
}

/// What became of a block.
#[derive(Serialize, ToSchema)]
pub(super) struct Taken {
    pub(super) message: Cow<'static, str>,
    #[schema(minimum = 1)]
    pub(super) index: u64,
    #[schema(value_type = shapes::Hash)]
    pub(super) hash: String,
    /// Whether it is the tip now.
    pub(super) tip: bool,
    /// Blocks that no longer count because of it.
    pub(super) dropped: usize,
}

/// A transaction with its id.
#[derive(Serialize, ToSchema)]
#[schema(as = IdentifiedTransaction)]
pub(super) struct Identified<'t> {
    #[schema(value_type = shapes::Hash)]
    pub(super) id: String,
    #[serde(flatten)]
    #[schema(value_type = shapes::Transaction, inline)]
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

/// A transaction, and where it stands.
#[derive(Serialize, ToSchema)]
pub(super) struct Found<'t> {
    #[serde(flatten)]
    #[schema(inline)]
    pub(super) transaction: Identified<'t>,
    pub(super) status: Standing,
    /// The last block it stands in, or the next block.
    #[schema(minimum = 1)]
    pub(super) index: u64,
    /// That block's hash; null while it waits.
    #[schema(value_type = Option<shapes::Hash>, required)]
    pub(super) block: Option<String>,
    /// In how many blocks of the chain it stands: equal transfers have equal ids.
    pub(super) blocks: u64,
    /// How many of it wait.
    pub(super) waiting: usize,
}

/// Where a transaction stands: in a block, or in the queue.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Standing {
    Confirmed,
    Pending,
}

/// A page of what waits for a block.
#[derive(Serialize, ToSchema)]
pub(super) struct Pending<'t> {
    #[schema(max_items = 1000)]
    pub(super) transactions: Vec<Identified<'t>>,
    /// How many wait, whatever the page.
    pub(super) length: usize,
}

/// A header whose sha256d, read as a little-endian number, must be at most the target. Good until another block becomes
/// the tip.
#[derive(Serialize, ToSchema)]
#[schema(as = Work)]
pub(super) struct HeaderToMine {
    /// To be sent back with the nonce.
    #[schema(pattern = "^[0-9a-f]+$")]
    pub(super) id: String,
    #[schema(minimum = 2)]
    pub(super) index: u64,
    /// 80 bytes; the nonce to find is the last four, little-endian.
    #[schema(pattern = "^[0-9a-f]{160}$")]
    pub(super) header: String,
    /// The highest hash that will do.
    #[schema(value_type = shapes::Hash)]
    pub(super) target: String,
    #[schema(value_type = shapes::Bits)]
    pub(super) bits: String,
    #[schema(value_type = shapes::Hash)]
    pub(super) previous_hash: String,
    /// How many the block has, its reward among them.
    #[schema(minimum = 1, maximum = 10_000)]
    pub(super) transactions: usize,
}

/// How the node is.
#[derive(Serialize, ToSchema)]
pub(super) struct Status<'n> {
    /// Why nothing is stored any more; left out while all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(super) message: Option<String>,
    pub(super) version: &'static str,
    #[schema(pattern = "^[0-9a-f]{32}$")]
    pub(super) node_id: &'n str,
    #[schema(minimum = 0)]
    pub(super) uptime_s: f64,
    pub(super) network: NetworkStatus,
    /// Blocks of the chain.
    #[schema(minimum = 1)]
    pub(super) length: u64,
    pub(super) tip: TipStatus,
    /// Transactions that wait for a block.
    pub(super) pending: usize,
    /// What these take: names in UTF-8 and 20 bytes each.
    pub(super) pending_bytes: usize,
    pub(super) reorganisation: ReorganisationStatus,
    /// How many are connected; GET /peers lists them.
    pub(super) peers: usize,
    pub(super) sync: SyncStatus,
    pub(super) mining: MiningStatus,
}

/// The chain's parameters.
#[derive(Serialize, ToSchema)]
pub(super) struct NetworkStatus {
    #[schema(value_type = shapes::Hash)]
    pub(super) genesis: String,
    pub(super) rule: RuleStatus,
    #[schema(required, minimum = 1)]
    pub(super) block_time_s: Option<u32>,
    #[schema(required, minimum = 1)]
    pub(super) half_life_s: Option<u32>,
    /// How many seconds a block's time may be ahead of the clock.
    pub(super) max_ahead_s: u32,
    #[schema(minimum = 1)]
    pub(super) reward: u64,
}

/// How the difficulty is found.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = DifficultyRule)]
pub(super) enum RuleStatus {
    Fixed,
    Asert,
}

/// How far the node is beside its peers.
#[derive(Serialize, ToSchema)]
pub(super) struct SyncStatus {
    /// alone: no peer; syncing: a peer is known to have more work.
    pub(super) state: Progress,
    /// The index of the tip with the most work that is known of, here or at a peer.
    #[schema(minimum = 1)]
    pub(super) best_height: u64,
    /// log2 of the hashes that its branch took, on average.
    #[schema(minimum = 0)]
    pub(super) best_work_bits: f64,
}

/// The last blocks.
#[derive(Serialize, ToSchema)]
#[schema(as = Tree)]
pub(super) struct TreeAnswer {
    /// In ascending order of their indices; of equals, the active one first.
    #[schema(min_items = 1, max_items = 300)]
    pub(super) blocks: Vec<TreeBlock>,
    /// How many blocks the active branch has.
    #[schema(minimum = 1)]
    pub(super) length: u64,
    /// Whether no block of a side branch was left out: 200 of them are given, of the branches with the most work, none of
    /// them more than `last` above the tip.
    pub(super) whole: bool,
}

/// A block as it stands in the tree.
#[derive(Serialize, ToSchema)]
pub(super) struct TreeBlock {
    #[schema(minimum = 1)]
    pub(super) index: u64,
    #[schema(value_type = shapes::Hash)]
    pub(super) hash: String,
    #[schema(value_type = shapes::Hash)]
    pub(super) previous_hash: String,
    /// Seconds since 1970.
    pub(super) timestamp: u32,
    /// Whether it is on the active branch.
    pub(super) active: bool,
}

/// Who is connected.
#[derive(Serialize, ToSchema)]
#[schema(as = Peers)]
pub(super) struct PeersAnswer<'p> {
    /// What the node's key is called; null while it takes part in no network.
    #[schema(required)]
    pub(super) id: Option<&'p str>,
    /// Where peers reach it: multiaddresses.
    #[schema(value_type = Vec<String>)]
    pub(super) listen: &'p [String],
    pub(super) peers: Vec<PeerAnswer<'p>>,
}

/// Another node.
#[derive(Serialize, ToSchema)]
#[schema(as = Peer)]
pub(super) struct PeerAnswer<'p> {
    pub(super) id: &'p str,
    /// Where it is, as this node sees it.
    pub(super) address: &'p str,
    /// outbound: this node dialled.
    pub(super) direction: Direction,
    /// The index of its tip.
    #[schema(minimum = 1)]
    pub(super) height: u64,
    /// The work of its branch: how many hashes it took on average.
    #[schema(value_type = shapes::Hash)]
    pub(super) work: String,
    /// Null until it was measured.
    #[schema(required, minimum = 0)]
    pub(super) latency_ms: Option<f64>,
    /// Seconds since 1970.
    pub(super) since: u64,
    /// What it has done wrong lately: at 100 it is banned.
    pub(super) score: u32,
}

/// Which nodes are tried.
#[derive(Serialize, ToSchema)]
pub(super) struct Registered {
    pub(super) message: &'static str,
    /// All that were ever given to the node.
    pub(super) total_nodes: Vec<String>,
}

/// Which branches are taken up, and what the last change has left to do.
#[derive(Serialize, ToSchema)]
pub(super) struct ReorganisationStatus {
    /// How many blocks below the tip a heavier branch may leave the active one and still be taken up by itself.
    pub(super) max_depth: u64,
    /// A branch with more work than the active one that leaves it further below; POST /switch takes it up.
    #[schema(required)]
    pub(super) heavier: Option<HeavierBranch>,
    /// Blocks of the last reorganisations whose transactions do not yet wait again, or still wait: for a moment after a
    /// large one, and for as long as there is no room.
    pub(super) unsettled_blocks: usize,
    /// Transactions for which there was no room until their block was forgotten, since the start.
    pub(super) left_out: u64,
}

/// A branch that is not taken up by itself.
#[derive(Serialize, ToSchema)]
pub(super) struct HeavierBranch {
    /// The hash of its last block.
    #[schema(value_type = shapes::Hash)]
    pub(super) tip: String,
    #[schema(minimum = 2)]
    pub(super) index: u64,
    /// How far below the active tip it leaves the active branch.
    pub(super) depth: u64,
    /// log2 of the hashes it took, on average.
    #[schema(minimum = 0)]
    pub(super) work_bits: f64,
}

/// The branch that counts.
#[derive(Serialize, ToSchema)]
pub(super) struct Switched {
    pub(super) message: &'static str,
    #[schema(minimum = 1)]
    pub(super) index: u64,
    #[schema(value_type = shapes::Hash)]
    pub(super) hash: String,
    /// Blocks that no longer count because of it.
    pub(super) dropped: usize,
}

/// The last block of the chain, and what the next one must be.
#[derive(Serialize, ToSchema)]
pub(super) struct TipStatus {
    #[schema(minimum = 1)]
    pub(super) index: u64,
    #[schema(value_type = shapes::Hash)]
    pub(super) hash: String,
    /// Seconds since 1970.
    pub(super) timestamp: u32,
    /// log2 of the hashes the active branch took, on average.
    #[schema(minimum = 0)]
    pub(super) work_bits: f64,
    /// What the next block must carry.
    #[schema(value_type = shapes::Bits)]
    pub(super) next_bits: String,
    /// The highest hash the next block may have.
    #[schema(value_type = shapes::Hash)]
    pub(super) next_target: String,
    /// log2 of the hashes the next block takes, on average.
    #[schema(minimum = 0)]
    pub(super) next_difficulty_bits: f64,
}

/// What mines here.
#[derive(Serialize, ToSchema)]
pub(super) struct MiningStatus {
    pub(super) active: bool,
    /// Calls of /mine that wait.
    pub(super) waiting: usize,
    /// Of the block being mined; null while none is, or none was measured yet.
    #[schema(required, minimum = 0)]
    pub(super) hashes_per_second: Option<f64>,
    #[schema(minimum = 1)]
    pub(super) threads: usize,
    pub(super) kernel: &'static str,
}

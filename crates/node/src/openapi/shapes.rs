//! Shapes of what the node reads and writes in other ways than through a structure of its own.
//!
//! Blocks and transactions have their JSON form from the ledger, which knows nothing of HTTP; calls are read field by field,
//! so that all that is wrong is said at once; long answers are written piece by piece. Nothing here ever has a value: the
//! tests hold every answer to these words.

#![expect(dead_code, reason = "only their schemas are used")]

use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// 256 bits in hex. Hashes of blocks and Merkle roots are written as Bitcoin writes them, bytes reversed; targets and work as
/// numbers are.
#[derive(ToSchema)]
#[schema(pattern = "^[0-9a-f]{64}$")]
pub struct Hash(String);

/// Difficulty in Bitcoin's compact form.
#[derive(ToSchema)]
#[schema(pattern = "^[0-9a-f]{8}$")]
pub struct Bits(String);

/// 64 bits, not all zero, as 16 hex digits (a JSON number above 2^53 would lose digits). Part of what the id commits to: it
/// tells this transfer from others of the same names and amount. Transfers of old chains and rewards have none.
#[derive(ToSchema)]
#[schema(min_length = 16, max_length = 16, pattern = "^[0-9a-f]*[1-9a-f][0-9a-f]*$")]
pub struct Tag(String);

/// 64 bits of the client's choice, not all zero, as 16 hex digits. The same transfer sent again with the same tag is known:
/// it counts once, and a client whose answer was lost may send it again. Without one the node makes one up, and each call is
/// another payment.
#[derive(ToSchema)]
#[schema(
    min_length = 16,
    max_length = 16,
    pattern = "^[0-9a-fA-F]*[1-9a-fA-F][0-9a-fA-F]*$"
)]
pub struct NewTag(String);

/// Who pays or is paid.
#[derive(ToSchema)]
#[schema(min_length = 1, max_length = 256)]
pub struct Name(String);

/// Who pays: anybody but "0", which pays rewards.
#[derive(ToSchema)]
#[schema(min_length = 1, max_length = 256, pattern = r"^([^0]|[\s\S]{2,})$")]
pub struct Payer(String);

/// A whole number that every reader of JSON has exactly.
#[derive(ToSchema)]
#[schema(minimum = 1, maximum = 9_007_199_254_740_991_u64)]
pub struct Amount(u64);

/// The rule a block breaks, or the limit it meets.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum Rule {
    TransactionCount,
    BlockSize,
    ProofOfWork,
    RewardMissing,
    RewardMisplaced,
    RepeatedTransaction,
    RepeatedTransfer,
    MerkleRoot,
    Genesis,
    PreviousHash,
    Index,
    Bits,
    TimeTooOld,
    RewardAmount,
    TimeTooNew,
    Hash,
    SideBranchDepth,
    SideBranchLimit,
}

#[derive(ToSchema)]
pub struct Transfer {
    sender: Name,
    recipient: Name,
    amount: Amount,
    #[schema(nullable = false)]
    tag: Option<Tag>,
}

/// Its id is sha256d of its canonical JSON (RFC 8785). Sender "0" is the block's reward and stands only first.
#[derive(ToSchema)]
pub struct Transaction {
    #[serde(flatten)]
    #[schema(inline)]
    transfer: Transfer,
    /// Only in rewards, and only when not 0: what makes the Merkle root another one once 2^32 nonces are used up.
    #[schema(nullable = false)]
    extra_nonce: Option<Amount>,
}

#[derive(ToSchema)]
pub struct IdentifiedTransfer {
    id: Hash,
    #[serde(flatten)]
    #[schema(inline)]
    transfer: Transfer,
}

#[derive(ToSchema)]
pub struct Header {
    #[schema(minimum = 1)]
    index: u64,
    /// Seconds since 1970.
    timestamp: u32,
    /// The header's nonce.
    proof: u32,
    previous_hash: Hash,
    merkle_root: Hash,
    version: i32,
    bits: Bits,
}

/// A block but for its transactions.
#[derive(ToSchema)]
pub struct BlockHead {
    #[serde(flatten)]
    #[schema(inline)]
    header: Header,
    hash: Hash,
}

/// hash, previous_hash and merkle_root are written as Bitcoin writes them: bytes reversed. The header is version,
/// previous_hash, merkle_root, timestamp, bits and proof in Bitcoin's 80 bytes; its sha256d is the hash.
#[derive(ToSchema)]
pub struct Block {
    #[serde(flatten)]
    #[schema(inline)]
    head: BlockHead,
    #[schema(min_items = 1, max_items = 10_000)]
    transactions: Vec<Transaction>,
}

/// A block as the node gives it; its hash may be left out.
#[derive(ToSchema)]
pub struct NewBlock {
    #[serde(flatten)]
    #[schema(inline)]
    header: Header,
    #[schema(nullable = false)]
    hash: Option<Hash>,
    #[schema(min_items = 1, max_items = 10_000)]
    transactions: Vec<Transaction>,
}

#[derive(ToSchema)]
pub struct Payment {
    sender: Payer,
    recipient: Name,
    amount: Amount,
}

/// Each field once, and no others. Numbers are read exactly: 5.0 and 5e0 are 5, 4.9999999999999999999 is refused.
#[derive(ToSchema)]
pub struct NewTransaction {
    #[serde(flatten)]
    #[schema(inline)]
    payment: Payment,
    tag: Option<NewTag>,
}

/// Each field once, and no others; amount is decimal digits alone.
#[derive(ToSchema)]
pub struct TransactionForm {
    #[serde(flatten)]
    #[schema(inline)]
    payment: Payment,
    #[schema(nullable = false)]
    tag: Option<NewTag>,
}

/// What `GET /work` gave, solved.
#[derive(ToSchema)]
pub struct Solved {
    #[schema(pattern = "^[0-9a-f]+$")]
    id: String,
    nonce: u32,
}

/// A branch that is to count.
#[derive(ToSchema)]
pub struct NewTip {
    /// The hash of the branch's last block.
    #[schema(pattern = "^[0-9a-fA-F]{64}$")]
    tip: String,
}

/// Other nodes.
#[derive(ToSchema)]
pub struct NewNodes {
    #[schema(min_items = 1, max_items = 64)]
    nodes: Vec<NodeAddress>,
}

/// HOST:PORT or a multiaddress, each that of another node's --listen. Of a URL the host and the port are taken.
#[derive(ToSchema)]
#[schema(pattern = "^(/.+|.+:[0-9]{1,5}(/.*)?)$")]
pub struct NodeAddress(String);

/// A call of JSON-RPC 1.0.
#[derive(ToSchema)]
pub struct RpcCall {
    /// getwork
    method: String,
    /// Nothing, or the solved header: data as it was given but for the nonce.
    #[schema(max_items = 1)]
    params: Option<Vec<SolvedData>>,
    /// Anything; the answer has the same.
    id: Option<Value>,
}

/// A header in hex, with SHA-256's padding or without.
#[derive(ToSchema)]
#[schema(pattern = "^([0-9a-fA-F]{160}|[0-9a-fA-F]{256})$")]
pub struct SolvedData(String);

/// Blocks, in the order of their indices.
#[derive(ToSchema)]
pub struct Chain {
    chain: Vec<Block>,
    /// Blocks of the whole chain, whatever the page.
    #[schema(minimum = 1)]
    length: u64,
}

/// `new_chain` when the chain changed meanwhile, `chain` when not.
#[derive(ToSchema)]
#[serde(untagged)]
pub enum Resolved {
    Kept {
        message: String,
        chain: Vec<Block>,
        /// Blocks of the whole chain.
        #[schema(minimum = 1)]
        length: u64,
    },
    Replaced {
        message: String,
        new_chain: Vec<Block>,
        /// Blocks of the whole chain.
        #[schema(minimum = 1)]
        length: u64,
    },
}

/// The client was too slow for so many events.
#[derive(ToSchema)]
pub struct MissedEvent {
    #[schema(minimum = 1)]
    events: u64,
}

/// Which part of a list is wanted.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// Where it begins: a block's index, or how many are passed over.
    #[param(minimum = 0)]
    from: Option<u64>,
    /// How many, at most.
    #[param(minimum = 0)]
    limit: Option<u64>,
}

/// How much of the tree is wanted.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Last {
    /// How many heights, counted down from the tip.
    #[param(minimum = 1, maximum = 100, default = 20)]
    last: Option<u64>,
}

//! What a block must fulfil.
//!
//! *In:* a block, and the [`Context`] its ancestors make for it. *Out:* nothing, or the one [`RuleError`] that names the
//! rule and the values.
//!
//! ```text
//! content:  1 to MAX_BLOCK_TRANSACTIONS transactions, at most MAX_BLOCK_BYTES in all · exactly one reward, first ·
//!           none twice (CVE-2012-2459)
//!           Merkle root of the ids = the header's · hash ≤ the header's own target
//! context:  index and previous hash follow the parent · nBits as the difficulty rule demands
//!           time above the median of the last 11 · reward of the right amount
//! clock:    time at most two hours ahead
//! ```

use bitcoin::{BlockHash, CompactTarget, Target, TxMerkleNode, block::Header};

use crate::{
    merkle,
    transaction::{Transaction, TransactionId},
};

/// The most transactions of a block, its reward among them.
pub const MAX_BLOCK_TRANSACTIONS: usize = 10_000;
/// The most bytes a block's transactions take in their stored form: names in UTF-8 and 20 bytes each. In JSON, where a
/// control character takes six bytes, that is less than the 16 MiB that a node takes of a body.
pub const MAX_BLOCK_BYTES: usize = 2 << 20;
/// How far a block's time may be ahead of the clock, in seconds.
pub const MAX_FUTURE_S: u64 = 2 * 60 * 60;
/// How many blocks' times the median is taken of.
pub const MEDIAN_BLOCKS: usize = 11;

/// What a parent demands of the block after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// Its index.
    pub index: u64,
    /// The parent's hash.
    pub previous_hash: BlockHash,
    /// Its difficulty.
    pub nbits: CompactTarget,
    /// The median time of the last 11 blocks, in seconds since 1970: its time must be above this.
    pub median_time: u32,
    /// The amount of its reward.
    pub reward: u64,
}

/// The rule a block breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // the fields are what the sentences say
pub enum RuleError {
    /// No transactions, or too many.
    #[error("it has {0} transactions; a block has 1 to {MAX_BLOCK_TRANSACTIONS}")]
    TransactionCount(usize),
    /// Too long names, too many of them.
    #[error("its transactions take {0} bytes; at most {MAX_BLOCK_BYTES} are allowed")]
    BlockSize(usize),
    /// The first transaction is no reward.
    #[error("it has no reward: its first transaction's sender is not \"0\"")]
    RewardMissing,
    /// A second reward.
    #[error("transaction {position} is a second reward; sender \"0\" stands only first")]
    RewardMisplaced { position: usize },
    /// A reward that gives too much or too little.
    #[error("its reward is {found}; this network's is {expected}")]
    RewardAmount { found: u64, expected: u64 },
    /// A transaction that stands twice.
    #[error("transaction {id} stands in it twice (at {first} and {second}; CVE-2012-2459)")]
    RepeatedTransaction {
        id: TransactionId,
        first: usize,
        second: usize,
    },
    /// A header that commits to other transactions.
    #[error("its header's Merkle root is {found}; its transactions have {expected}")]
    MerkleRoot {
        found: TxMerkleNode,
        expected: TxMerkleNode,
    },
    /// No proof of work.
    #[error("its hash {hash} is above its target {target:064x}")]
    ProofOfWork { hash: BlockHash, target: Target },
    /// A first block that is not this network's.
    #[error("it is the first block of another network, {found}; this ledger's begins with {expected}")]
    Genesis { found: BlockHash, expected: BlockHash },
    /// Out of order.
    #[error("its index is {found}; after its parent it must be {expected}")]
    Index { found: u64, expected: u64 },
    /// Not linked to its parent.
    #[error("its previous hash is {found}, not its parent's, {expected}")]
    PreviousHash { found: BlockHash, expected: BlockHash },
    /// Too easy, or too hard.
    #[error("its nBits are {found:08x}; the difficulty rule demands {expected:08x}")]
    Difficulty {
        found: CompactTarget,
        expected: CompactTarget,
    },
    /// Too old.
    #[error("its time {time} is not above {median}, the median of the {MEDIAN_BLOCKS} blocks before it")]
    TimeTooOld { time: u32, median: u32 },
    /// From the future.
    #[error("its time {time} is more than two hours ahead of the clock, {now}")]
    TimeTooNew { time: u32, now: u64 },
}

impl RuleError {
    /// A short name for programs: `merkle_root`, `proof_of_work`, ….
    pub const fn name(&self) -> &'static str {
        match self {
            Self::TransactionCount(_) => "transaction_count",
            Self::BlockSize(_) => "block_size",
            Self::RewardMissing => "reward_missing",
            Self::RewardMisplaced { .. } => "reward_misplaced",
            Self::RewardAmount { .. } => "reward_amount",
            Self::RepeatedTransaction { .. } => "repeated_transaction",
            Self::MerkleRoot { .. } => "merkle_root",
            Self::ProofOfWork { .. } => "proof_of_work",
            Self::Genesis { .. } => "genesis",
            Self::Index { .. } => "index",
            Self::PreviousHash { .. } => "previous_hash",
            Self::Difficulty { .. } => "bits",
            Self::TimeTooOld { .. } => "time_too_old",
            Self::TimeTooNew { .. } => "time_too_new",
        }
    }
}

/// The rules that need no other block. Returns the transactions' ids.
pub(super) fn check_content(
    header: &Header,
    transactions: &[Transaction],
) -> Result<Vec<TransactionId>, RuleError> {
    if !(1..=MAX_BLOCK_TRANSACTIONS).contains(&transactions.len()) {
        return Err(RuleError::TransactionCount(transactions.len()));
    }
    let bytes = transactions.iter().map(Transaction::stored_len).sum();
    if bytes > MAX_BLOCK_BYTES {
        return Err(RuleError::BlockSize(bytes));
    }
    let target = header.target();
    if !target.is_met_by(header.block_hash()) {
        let hash = header.block_hash();
        return Err(RuleError::ProofOfWork { hash, target });
    }
    if !transactions[0].is_reward() {
        return Err(RuleError::RewardMissing);
    }
    if let Some(later) = transactions[1..].iter().position(Transaction::is_reward) {
        return Err(RuleError::RewardMisplaced { position: later + 1 });
    }
    let ids: Vec<_> = transactions.iter().map(Transaction::id).collect();
    check_repeats(&ids)?;
    let expected = merkle::root(&ids).expect("there is at least one");
    if header.merkle_root != expected {
        let found = header.merkle_root;
        return Err(RuleError::MerkleRoot { found, expected });
    }
    Ok(ids)
}

fn check_repeats(ids: &[TransactionId]) -> Result<(), RuleError> {
    let mut sorted: Vec<_> = ids.iter().zip(0..).collect();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        Some(pair) => Err(RuleError::RepeatedTransaction {
            id: *pair[0].0,
            first: pair[0].1,
            second: pair[1].1,
        }),
        None => Ok(()),
    }
}

/// The rules about a block's place.
pub(super) fn check_context(
    index: u64,
    header: &Header,
    reward: u64,
    context: &Context,
) -> Result<(), RuleError> {
    if header.prev_blockhash != context.previous_hash {
        let (found, expected) = (header.prev_blockhash, context.previous_hash);
        return Err(RuleError::PreviousHash { found, expected });
    }
    if index != context.index {
        let (found, expected) = (index, context.index);
        return Err(RuleError::Index { found, expected });
    }
    if header.bits != context.nbits {
        let (found, expected) = (header.bits, context.nbits);
        return Err(RuleError::Difficulty { found, expected });
    }
    if header.time <= context.median_time {
        let (time, median) = (header.time, context.median_time);
        return Err(RuleError::TimeTooOld { time, median });
    }
    if reward != context.reward {
        let (found, expected) = (reward, context.reward);
        return Err(RuleError::RewardAmount { found, expected });
    }
    Ok(())
}

/// The rule about the clock.
pub(super) fn check_clock(header: &Header, now_s: u64) -> Result<(), RuleError> {
    if u64::from(header.time) > now_s.saturating_add(MAX_FUTURE_S) {
        let (time, now) = (header.time, now_s);
        return Err(RuleError::TimeTooNew { time, now });
    }
    Ok(())
}

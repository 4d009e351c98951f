//! What a block must fulfil.
//!
//! *In:* a block, and the [`ParentState`] that its ancestors make for it. *Out:* nothing, or the one [`RuleError`] that names the
//! rule and the values.
//!
//! ```text
//! content:  1 to MAX_BLOCK_TRANSACTIONS transactions, at most MAX_BLOCK_BYTES in all · exactly one reward, first ·
//!           none twice (CVE-2012-2459)
//!           Merkle root of the ids = the header's · hash ≤ the header's own target
//! place:    index and previous hash follow the parent · nBits as the difficulty rule demands
//!           time not before the earliest that its ancestors allow · reward of the right amount
//!           no transfer with a tag that stands in a block before it
//! clock:    time at most as far ahead as the chain's parameters say
//! ```

use crate::{
    header::{BlockHash, Header, MerkleRoot, target_of},
    identity::TransactionId,
    merkle,
    transaction::Transaction,
};
use paydirt::Target;

/// The most transactions of a block, its reward among them.
pub const MAX_BLOCK_TRANSACTIONS: usize = 10_000;
/// The most bytes a block's transactions take in their stored form: names in UTF-8 and 20 bytes each. In JSON, where a
/// control character takes six bytes, that is less than the 16 MiB that a node takes of a body.
pub const MAX_BLOCK_BYTES: usize = 2 << 20;
/// How many blocks' times the median is taken of, by [`TimeRule::Median`](crate::TimeRule::Median).
pub const MEDIAN_BLOCKS: usize = 11;

/// What a parent demands of the block after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParentState {
    /// Its index.
    pub index: u64,
    /// The parent's hash.
    pub previous_hash: BlockHash,
    /// Its difficulty.
    pub nbits: u32,
    /// The earliest time it may have, in seconds since 1970.
    pub earliest_time: u64,
    /// How far its time may be ahead of the clock, in seconds.
    pub max_ahead_s: u32,
    /// The amount of its reward.
    pub reward: u64,
}

impl ParentState {
    /// The target its hash must meet.
    pub fn target(&self) -> Target {
        target_of(self.nbits)
    }
}

/// The rule a block breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs)] // the fields are what the sentences say
pub enum RuleError {
    /// No transactions, or too many.
    #[error("it has {0} transactions; a block has 1 to {MAX_BLOCK_TRANSACTIONS}")]
    TransactionCount(usize),
    /// Too long names, too many of them.
    #[error("its transactions take {0} bytes; at most {MAX_BLOCK_BYTES} are allowed")]
    BlockSize(usize),
    /// The first transaction is not a reward.
    #[error("its reward is missing: its first transaction's sender is not \"0\"")]
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
    /// A transfer with a tag that stands in a block before it.
    #[error("transfer {id} stands in block {index} of its branch already; one with a tag is paid once")]
    RepeatedTransfer { id: TransactionId, index: u64 },
    /// A header that commits to other transactions.
    #[error("its header's Merkle root is {found}; its transactions have {expected}")]
    MerkleRoot { found: MerkleRoot, expected: MerkleRoot },
    /// No proof of work.
    #[error("its hash {hash} is above its target {}", target.to_hex())]
    ProofOfWork { hash: BlockHash, target: Target },
    /// A first block that is not this chain's.
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
    Difficulty { found: u32, expected: u32 },
    /// Too old.
    #[error("its time {time} is before {earliest}, the earliest that the blocks before it allow")]
    TimeTooOld { time: u32, earliest: u64 },
    /// From the future.
    #[error("its time {time} is more than {max_ahead_s} s ahead of the clock, {now}")]
    TimeTooNew { time: u32, now: u64, max_ahead_s: u32 },
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
            Self::RepeatedTransfer { .. } => "repeated_transfer",
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
    check_proof_of_work(header)?;
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

/// The rule that a hash pays for everything else that is asked of a node.
pub(super) fn check_proof_of_work(header: &Header) -> Result<(), RuleError> {
    match header.meets_target() {
        true => Ok(()),
        false => Err(RuleError::ProofOfWork {
            hash: header.hash(),
            target: header.target(),
        }),
    }
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

/// The rules about a header's place.
pub(super) fn check_place(index: u64, header: &Header, parent: &ParentState) -> Result<(), RuleError> {
    if header.previous_hash != parent.previous_hash {
        let (found, expected) = (header.previous_hash, parent.previous_hash);
        return Err(RuleError::PreviousHash { found, expected });
    }
    if index != parent.index {
        let (found, expected) = (index, parent.index);
        return Err(RuleError::Index { found, expected });
    }
    if header.nbits != parent.nbits {
        let (found, expected) = (header.nbits, parent.nbits);
        return Err(RuleError::Difficulty { found, expected });
    }
    if u64::from(header.time) < parent.earliest_time {
        let (time, earliest) = (header.time, parent.earliest_time);
        return Err(RuleError::TimeTooOld { time, earliest });
    }
    Ok(())
}

/// The rule about a reward's amount.
pub(super) fn check_reward(found: u64, parent: &ParentState) -> Result<(), RuleError> {
    let expected = parent.reward;
    match found == expected {
        true => Ok(()),
        false => Err(RuleError::RewardAmount { found, expected }),
    }
}

/// The rule about the clock.
pub(super) fn check_clock(header: &Header, parent: &ParentState, now_s: u64) -> Result<(), RuleError> {
    let max_ahead_s = parent.max_ahead_s;
    if u64::from(header.time) > now_s.saturating_add(max_ahead_s.into()) {
        let (time, now) = (header.time, now_s);
        return Err(RuleError::TimeTooNew {
            time,
            now,
            max_ahead_s,
        });
    }
    Ok(())
}

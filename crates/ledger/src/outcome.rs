//! What the ledger says of what it was given.

use std::sync::Arc;

use crate::{
    header::BlockHash, identity::TransactionId, rules::RuleError, store::StoreError,
    transaction::TransactionError, tree::SideError,
};

/// A transaction that is in the ledger, durably.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// Its id.
    pub id: TransactionId,
    /// The block it stands in, or is likely to: the next one, unless that is full or holds the same transfer already.
    pub index: u64,
    /// Whether it was there before.
    pub standing: Standing,
}

/// What a transaction was when it was submitted. Only one with a tag is ever known: others are told apart by nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// New: it waits from now on.
    New,
    /// It waited already.
    Pending,
    /// It stood in an active block already.
    Confirmed,
}

/// The file failed, and everything that is not stored yet is refused. Clones share the reason.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}; nothing is stored until the ledger is opened again")]
pub struct StoreFailed(#[source] pub(super) Arc<StoreError>);

impl StoreFailed {
    /// Whether the file is not what was written, rather than not to be written.
    pub fn is_damage(&self) -> bool {
        matches!(*self.0, StoreError::Damaged(_) | StoreError::DamagedBlock { .. })
    }
}

impl PartialEq for StoreFailed {
    /// Whether it is the same failure.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for StoreFailed {}

/// Why a transaction does not wait.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubmitError {
    /// It is none.
    #[error(transparent)]
    Transaction(#[from] TransactionError),
    /// Too many wait.
    #[error("{0} transactions wait already, the most this ledger takes; mine a block first")]
    PendingFull(usize),
    /// Those that wait take too many bytes.
    #[error(
        "the transactions that wait would take more than {0} bytes, the most this ledger takes; mine a block first"
    )]
    PendingBytesFull(usize),
    /// The file failed.
    #[error(transparent)]
    Store(#[from] StoreFailed),
}

/// What became of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Added {
    /// It was there already, active or not.
    Known,
    /// It is on a side branch.
    Side,
    /// It is on a side branch with more work than the active one, which that leaves further below the tip than a branch may
    /// be taken up by itself: [`Ledger::switch`](crate::Ledger::switch) takes it up.
    Heavier {
        /// How far below the tip.
        depth: u64,
        /// How far it may be.
        most: u64,
    },
    /// It is the new tip. The count says how many blocks of another branch it replaced.
    Tip {
        /// Blocks that no longer count.
        dropped: usize,
    },
    /// Its parent is not here. It is remembered for a while, not stored, and taken in when the parent comes.
    Waiting {
        /// What it waits for.
        parent: BlockHash,
    },
}

/// A branch that was taken up by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switched {
    /// The tip's index.
    pub index: u64,
    /// The tip.
    pub hash: BlockHash,
    /// How many blocks no longer count; none when the branch counted already.
    pub dropped: usize,
}

/// Why a branch is not taken up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SwitchError {
    /// There is no such block.
    #[error("block {0} is not known here; send it and those before it first")]
    Unknown(BlockHash),
    /// It has no more work.
    #[error(
        "the branch of block {0} has no more work than the active one; only a heavier one can be taken up"
    )]
    Lighter(BlockHash),
    /// The file failed.
    #[error(transparent)]
    Store(#[from] StoreFailed),
}

/// How several blocks are added at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddMode {
    /// Each by itself: one that is refused does not hold up the others.
    Each,
    /// As [`AddMode::Each`], but one whose parent is not here waits for it: [`Added::Waiting`].
    EachOrWait,
    /// Up to and including the first that is refused; there are no outcomes for those after it, which are not looked at.
    UntilRefused,
}

/// Why a block was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddError {
    /// It breaks a rule.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// Its parent is not here.
    #[error("its parent {0} is not known here; send that block first")]
    ParentUnknown(BlockHash),
    /// It would be on a side branch, and there is no room for it.
    #[error(transparent)]
    SideBranch(#[from] SideError),
    /// The file failed.
    #[error(transparent)]
    Store(#[from] StoreFailed),
}

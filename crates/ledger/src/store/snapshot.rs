//! One moment of a store. What is read is held against its hash; an error that is the file's is noted for everybody.

use std::{ops::Range, sync::Arc};

use redb::{ReadTransaction, ReadableTableMetadata as _};

use crate::store::{ABOUT, ACTIVE, BLOCKS, HOLDERS, INDICES, StoreError, UNSETTLED, active_holders, caught};
use crate::{
    block::{Block, Unchecked},
    header::BlockHash,
    health::Health,
    identity::TransactionId,
    merkle,
    transaction::Transaction,
};

/// A consistent view of the stored blocks. What is written later is not in it, and while it is there the file keeps
/// everything that was written since: it is for a moment. Whoever reads for longer uses [`crate::Ledger::read`].
///
/// Its blocks obeyed the rules when they were stored and when the store was opened; they come back unchecked because
/// nobody repeats that for every reader. That they are the blocks that were stored is checked each time.
pub struct Snapshot {
    pub(super) transaction: ReadTransaction,
    health: Arc<Health>,
}

impl Snapshot {
    pub(super) fn new(transaction: ReadTransaction, health: Arc<Health>) -> Self {
        Self { transaction, health }
    }

    fn get<T>(&self, read: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.health.noting(caught(read))
    }

    /// How many blocks the active branch has.
    ///
    /// # Errors
    /// [`StoreError`] when the file fails, as for everything below.
    pub fn length(&self) -> Result<u64, StoreError> {
        self.get(|| Ok(self.transaction.open_table(ACTIVE)?.len()?))
    }

    /// The hash of the active block with this index.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn active_hash(&self, index: u64) -> Result<Option<BlockHash>, StoreError> {
        self.get(|| {
            let active = self.transaction.open_table(ACTIVE)?;
            let hash = active.get(index)?;
            Ok(hash.map(|hash| BlockHash::from_bytes(hash.value())))
        })
    }

    /// The active block with this index.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn block(&self, index: u64) -> Result<Option<Block<Unchecked>>, StoreError> {
        match self.active_hash(index)? {
            Some(hash) => self.block_at(index, hash),
            None => Ok(None),
        }
    }

    /// A block of the tree, active or not.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn block_by_hash(&self, hash: &BlockHash) -> Result<Option<Block<Unchecked>>, StoreError> {
        let index = self.get(|| {
            let indices = self.transaction.open_table(INDICES)?;
            let index = indices.get(hash.to_bytes())?;
            Ok(index.map(|index| index.value()))
        })?;
        match index {
            Some(index) => self.block_at(index, *hash),
            None => Ok(None),
        }
    }

    /// The block of the tree with this index and hash; `None` when it is not in the store, by its look-up tables too.
    pub(crate) fn block_at(
        &self,
        index: u64,
        hash: BlockHash,
    ) -> Result<Option<Block<Unchecked>>, StoreError> {
        self.get(|| {
            let key = hash.to_bytes();
            let blocks = self.transaction.open_table(BLOCKS)?;
            if let Some(stored) = blocks.get((index, key))? {
                return checked(stored.value(), index, hash).map(Some);
            }
            let active = self.transaction.open_table(ACTIVE)?.get(index)?;
            let known = self.transaction.open_table(INDICES)?.get(key)?;
            match known.is_some() || active.is_some_and(|active| active.value() == key) {
                true => Err(StoreError::block(index, "it is not there")),
                false => Ok(None),
            }
        })
    }

    /// Up to `limit` active blocks from index `from` on, in ascending order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn blocks(&self, from: u64, limit: u64) -> Result<Vec<Block<Unchecked>>, StoreError> {
        let mut blocks = Vec::new();
        self.scan(from..from.saturating_add(limit), |block| {
            blocks.push(block);
            true
        })?;
        Ok(blocks)
    }

    /// Shows `visit` the active blocks with these indices, in ascending order, until it has seen enough (false).
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn scan(
        &self,
        indices: Range<u64>,
        mut visit: impl FnMut(Block<Unchecked>) -> bool,
    ) -> Result<(), StoreError> {
        let first = indices.start.max(1);
        for index in first..indices.end.min(self.length()? + 1) {
            let Some(block) = self.block(index)? else { break };
            if !visit(block) {
                break;
            }
        }
        Ok(())
    }

    /// The active blocks in which a transaction stands: how many, and the last one's index.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn places_of(&self, id: &TransactionId) -> Result<Option<(u64, u64)>, StoreError> {
        self.get(|| {
            let holders = self.transaction.open_table(HOLDERS)?;
            let active = self.transaction.open_table(ACTIVE)?;
            let found = active_holders(&holders, &active, id, usize::MAX)?;
            Ok(found.first().map(|(last, _)| (found.len() as u64, *last)))
        })
    }

    /// How many blocks there are whose transactions the queue does not reflect yet: [`View::unsettled`](crate::View) at this
    /// moment.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn unsettled(&self) -> Result<usize, StoreError> {
        let unsettled = self.get(|| Ok(self.transaction.open_table(UNSETTLED)?.len()?))?;
        Ok(usize::try_from(unsettled).unwrap_or(usize::MAX))
    }

    /// A transaction that neither stands in an active block nor waits, but will wait again: it stands in a block that left
    /// the active branch and was not gone through yet.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn returning(&self, id: &TransactionId) -> Result<Option<Transaction>, StoreError> {
        let holder = self.get(|| {
            let unsettled = self.transaction.open_table(UNSETTLED)?;
            let holders = self.transaction.open_table(HOLDERS)?;
            let bytes = id.to_bytes();
            for row in holders.range((bytes, 0, [0; 32])..=(bytes, u64::MAX, [0xff; 32]))? {
                let (_, index, hash) = row?.0.value();
                if unsettled.get((index, hash))?.is_some() {
                    return Ok(Some((index, BlockHash::from_bytes(hash))));
                }
            }
            Ok(None)
        })?;
        let Some((index, hash)) = holder else {
            return Ok(None);
        };
        let block = self.block_at(index, hash)?;
        let transactions = block.map(Block::into_transactions).unwrap_or_default();
        Ok(transactions.into_iter().find(|one| one.id() == *id))
    }

    pub(super) fn about(&self, name: &str) -> Result<Option<String>, StoreError> {
        let about = self.transaction.open_table(ABOUT)?;
        Ok(about.get(name)?.map(|text| text.value().to_owned()))
    }
}

/// A stored block whose header is the one that was stored: its hash names it.
pub(super) fn named(stored: &[u8], index: u64, hash: BlockHash) -> Result<Block<Unchecked>, StoreError> {
    let damaged = |reason: String| StoreError::block(index, reason);
    let block = Block::from_bytes(stored).map_err(|reason| damaged(reason.to_string()))?;
    let found = block.hash();
    if found != hash {
        return Err(damaged(format!(
            "its hash is {found}, but it was stored as {hash}"
        )));
    }
    match block.index() == index {
        true => Ok(block),
        false => Err(damaged(format!("it says its index is {}", block.index()))),
    }
}

/// The same, and its transactions are those that its header commits to.
fn checked(stored: &[u8], index: u64, hash: BlockHash) -> Result<Block<Unchecked>, StoreError> {
    let block = named(stored, index, hash)?;
    let ids: Vec<_> = block.transactions().iter().map(Transaction::id).collect();
    match merkle::root(&ids) == Some(block.header().merkle_root) {
        true => Ok(block),
        false => Err(StoreError::block(
            index,
            "its transactions are not those that its header names",
        )),
    }
}

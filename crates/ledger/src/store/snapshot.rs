//! One moment of a store, for as long as somebody reads it.

use std::ops::Range;

use redb::{ReadOnlyTable, ReadTransaction, ReadableTableMetadata as _};

use crate::store::{
    ABOUT, ACTIVE, BLOCKS, BlockKey, HOLDERS, INDICES, StoreError, UNSETTLED, active_holders,
};
use crate::{
    block::{Block, Unchecked},
    header::BlockHash,
    identity::TransactionId,
    transaction::Transaction,
};

type Blocks = ReadOnlyTable<BlockKey, &'static [u8]>;

/// A consistent view of the stored blocks. What is written later is not in it.
///
/// Its blocks were checked when they were stored and when the store was opened; they come back unchecked because
/// nobody repeats that for every reader.
pub struct Snapshot {
    pub(super) transaction: ReadTransaction,
}

impl Snapshot {
    pub(super) fn new(transaction: ReadTransaction) -> Self {
        Self { transaction }
    }

    /// How many blocks the active branch has.
    ///
    /// # Errors
    /// [`StoreError`] when the file fails, as for everything below.
    pub fn length(&self) -> Result<u64, StoreError> {
        Ok(self.transaction.open_table(ACTIVE)?.len()?)
    }

    /// The hash of the active block with this index.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn active_hash(&self, index: u64) -> Result<Option<BlockHash>, StoreError> {
        let active = self.transaction.open_table(ACTIVE)?;
        Ok(active.get(index)?.map(|hash| BlockHash::from_bytes(hash.value())))
    }

    /// The active block with this index.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn block(&self, index: u64) -> Result<Option<Block<Unchecked>>, StoreError> {
        Ok(self.blocks(index, 1)?.pop())
    }

    /// A block of the tree, active or not.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn block_by_hash(&self, hash: &BlockHash) -> Result<Option<Block<Unchecked>>, StoreError> {
        let hash = hash.to_bytes();
        let Some(index) = self.transaction.open_table(INDICES)?.get(hash)? else {
            return Ok(None);
        };
        let blocks = self.transaction.open_table(BLOCKS)?;
        stored(&blocks, index.value(), hash).map(Some)
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
        let active = self.transaction.open_table(ACTIVE)?;
        let blocks = self.transaction.open_table(BLOCKS)?;
        for row in active.range(indices)? {
            let (index, hash) = row?;
            if !visit(stored(&blocks, index.value(), hash.value())?) {
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
        let holders = self.transaction.open_table(HOLDERS)?;
        let active = self.transaction.open_table(ACTIVE)?;
        let found = active_holders(&holders, &active, id, usize::MAX)?;
        Ok(found.first().map(|(last, _)| (found.len() as u64, *last)))
    }

    /// How many blocks there are whose transactions the queue does not reflect yet: [`View::unsettled`](crate::View) at this
    /// moment.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn unsettled(&self) -> Result<usize, StoreError> {
        let unsettled = self.transaction.open_table(UNSETTLED)?.len()?;
        Ok(usize::try_from(unsettled).unwrap_or(usize::MAX))
    }

    /// A transaction that neither stands in an active block nor waits, but will wait again: it stands in a block that left
    /// the active branch and was not gone through yet.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn returning(&self, id: &TransactionId) -> Result<Option<Transaction>, StoreError> {
        let unsettled = self.transaction.open_table(UNSETTLED)?;
        let holders = self.transaction.open_table(HOLDERS)?;
        let bytes = id.to_bytes();
        for row in holders.range((bytes, 0, [0; 32])..=(bytes, u64::MAX, [0xff; 32]))? {
            let (_, index, hash) = row?.0.value();
            if unsettled.get((index, hash))?.is_some() {
                let blocks = self.transaction.open_table(BLOCKS)?;
                let transactions = stored(&blocks, index, hash)?.into_transactions();
                return Ok(transactions.into_iter().find(|one| one.id() == *id));
            }
        }
        Ok(None)
    }

    pub(super) fn about(&self, name: &str) -> Result<Option<String>, StoreError> {
        let about = self.transaction.open_table(ABOUT)?;
        Ok(about.get(name)?.map(|text| text.value().to_owned()))
    }
}

fn stored(blocks: &Blocks, index: u64, hash: [u8; 32]) -> Result<Block<Unchecked>, StoreError> {
    let stored = blocks.get((index, hash))?;
    let stored = stored.ok_or_else(|| StoreError::block(index, "it is not there"))?;
    Block::from_bytes(stored.value()).map_err(|reason| StoreError::block(index, reason))
}

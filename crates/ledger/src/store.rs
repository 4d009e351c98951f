//! The blocks and the pending transfers on disk: one redb file, or none (in memory).
//!
//! *In:* changes to the tree, the active branch and what is pending, gathered in one [`WriteBatch`]. *Out:* the same
//! after any crash, all of it or nothing; and [`Snapshot`]s, which see one moment.
//!
//! ```text
//! blocks        (index, hash)       → the block           every block of the tree, side branches too
//! indices       hash                → index
//! active        index               → hash                the branch that counts
//! holders       (transaction id, index, hash)             the blocks of any branch in which a transaction stands
//! queue         place               → id, transaction     what waits for a block
//! unsettled     (index, hash)       → numbers, place      blocks that the queue does not reflect yet: see `settling`
//! about         name                → text                format, node id, tip
//! ```
//!
//! What a block holds is written once, when it comes: a reorganisation changes a row of `active` for each block, and the
//! queue follows a slice at a time.
//!
//! Format 2 is format 1 in which transfers may have tags: a tag stands where format 1 has eight zeros. Format 3 has
//! `holders` where those had `places`, the same for the active blocks alone, and its queue's places begin higher. Opening an
//! older file verifies it and then takes it over, for good, in one commit: older programs refuse it from then on.
//!
//! redb writes to free pages only and then flips one checksummed root, so that a commit cut short is never visible. It
//! checks the checksum of every page when the file is opened, and the loader then checks what the pages say. While it is
//! open nobody checks pages again, so each block that is read is held against its hash.

mod error;
mod load;
mod open;
mod panics;
mod snapshot;
mod take_over;
#[cfg(test)]
mod tests;

use std::{mem::ManuallyDrop, path::PathBuf, sync::Arc};

use redb::{ReadableDatabase as _, ReadableTable, Table, TableDefinition, WriteTransaction};

use crate::{
    block::{Block, Checked, Unchecked},
    header::BlockHash,
    health::Health,
    identity::TransactionId,
    pending::Changes,
    settling::Part,
};

pub use error::{FileError, StoreError};
pub(super) use load::Loaded;
pub(super) use open::DEFAULT_CACHE_BYTES;
use panics::Closing;
pub(super) use panics::caught;
pub use snapshot::Snapshot;

/// The database file's name in its folder.
pub const FILE_NAME: &str = "ledger.redb";
/// Its name until it has its first block.
const NEW_FILE_NAME: &str = "ledger.redb.new";
/// The format this program writes.
const FORMAT: &str = "paydirt ledger 3";
/// Those before, which it takes over.
const OLD_FORMATS: [&str; 2] = ["paydirt ledger 1", "paydirt ledger 2"];

type BlockKey = (u64, [u8; 32]);
type PlaceKey = ([u8; 32], u64);
type HolderKey = ([u8; 32], u64, [u8; 32]);
const BLOCKS: TableDefinition<'_, BlockKey, &[u8]> = TableDefinition::new("blocks");
const INDICES: TableDefinition<'_, [u8; 32], u64> = TableDefinition::new("indices");
const ACTIVE: TableDefinition<'_, u64, [u8; 32]> = TableDefinition::new("active");
/// Of the formats before.
const PLACES: TableDefinition<'_, PlaceKey, ()> = TableDefinition::new("places");
const HOLDERS: TableDefinition<'_, HolderKey, ()> = TableDefinition::new("holders");
const UNSETTLED: TableDefinition<'_, BlockKey, (u32, u32, u64)> = TableDefinition::new("unsettled");
const QUEUE: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("queue");
const ABOUT: TableDefinition<'_, &str, &str> = TableDefinition::new("about");

/// An open store.
#[derive(Debug)]
pub(super) struct Store {
    database: Closing,
    /// Where it is; `None` in memory.
    file: Option<PathBuf>,
    health: Arc<Health>,
}

impl Store {
    /// Whether the file failed.
    pub(super) fn health(&self) -> &Arc<Health> {
        &self.health
    }

    /// Begins a change that [`WriteTransaction::commit`] makes durable, whole.
    pub(super) fn begin_write(&self) -> Result<WriteTransaction, StoreError> {
        Ok(self.database.begin_write()?)
    }

    /// What the store holds at this moment.
    pub(super) fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let begun = caught(|| Ok(self.database.begin_read()?));
        let transaction = self.health.noting(begun)?;
        Ok(Snapshot::new(transaction, Arc::clone(&self.health)))
    }
}

/// The tables of one write transaction.
pub(super) struct WriteBatch<'t> {
    blocks: Table<'t, BlockKey, &'static [u8]>,
    indices: Table<'t, [u8; 32], u64>,
    active: Table<'t, u64, [u8; 32]>,
    holders: Table<'t, HolderKey, ()>,
    queue: Table<'t, u64, &'static [u8]>,
    unsettled: Table<'t, BlockKey, (u32, u32, u64)>,
    about: Table<'t, &'static str, &'static str>,
}

impl<'t> WriteBatch<'t> {
    pub(super) fn open(transaction: &'t WriteTransaction) -> Result<Self, StoreError> {
        // A table that is dropped after another could not be opened may panic in its turn, and then the process ends:
        // those are forgotten. The file has failed for good.
        macro_rules! opened {
            ($table:ident) => {
                ManuallyDrop::new(caught(|| Ok(transaction.open_table($table)?))?)
            };
        }
        let (blocks, indices, active) = (opened!(BLOCKS), opened!(INDICES), opened!(ACTIVE));
        let (holders, queue) = (opened!(HOLDERS), opened!(QUEUE));
        let (unsettled, about) = (opened!(UNSETTLED), opened!(ABOUT));
        Ok(Self {
            blocks: ManuallyDrop::into_inner(blocks),
            indices: ManuallyDrop::into_inner(indices),
            active: ManuallyDrop::into_inner(active),
            holders: ManuallyDrop::into_inner(holders),
            queue: ManuallyDrop::into_inner(queue),
            unsettled: ManuallyDrop::into_inner(unsettled),
            about: ManuallyDrop::into_inner(about),
        })
    }

    /// Keeps a block, on whichever branch.
    pub(super) fn insert_block(&mut self, block: &Block<Checked>) -> Result<(), StoreError> {
        let hash = block.hash().to_bytes();
        self.blocks
            .insert((block.index(), hash), block.to_bytes().as_slice())?;
        self.indices.insert(hash, block.index())?;
        for id in block.ids() {
            self.holders.insert((id.to_bytes(), block.index(), hash), ())?;
        }
        Ok(())
    }

    /// Forgets a block of a side branch, and with it whatever the queue does not reflect of it.
    pub(super) fn remove_block(&mut self, index: u64, hash: BlockHash) -> Result<(), StoreError> {
        let block = self.block(index, hash)?;
        let hash = hash.to_bytes();
        for transaction in block.transactions() {
            self.holders.remove((transaction.id().to_bytes(), index, hash))?;
        }
        self.blocks.remove((index, hash))?;
        self.indices.remove(hash)?;
        self.unsettled.remove((index, hash))?;
        Ok(())
    }

    /// Makes a block part of the active branch, at whose end it stands.
    pub(super) fn activate(&mut self, index: u64, hash: BlockHash) -> Result<(), StoreError> {
        self.active.insert(index, hash.to_bytes())?;
        Ok(())
    }

    /// Takes the last block out of the active branch.
    pub(super) fn deactivate(&mut self, index: u64) -> Result<(), StoreError> {
        self.active.remove(index)?;
        Ok(())
    }

    /// The last active block in which a transaction stands, as this change leaves it.
    pub(super) fn place_of(&self, id: &TransactionId) -> Result<Option<(u64, BlockHash)>, StoreError> {
        let found = active_holders(&self.holders, &self.active, id, 1)?;
        Ok(found.first().copied())
    }

    /// A block, of those that `is_one` says by index and hash, in which a transaction stands.
    pub(super) fn holder_among(
        &self,
        id: &TransactionId,
        is_one: impl Fn(u64, BlockHash) -> bool,
    ) -> Result<Option<(u64, BlockHash)>, StoreError> {
        let id = id.to_bytes();
        for row in self
            .holders
            .range((id, 0, [0; 32])..=(id, u64::MAX, [0xff; 32]))?
        {
            let (_, index, hash) = row?.0.value();
            let hash = BlockHash::from_bytes(hash);
            if is_one(index, hash) {
                return Ok(Some((index, hash)));
            }
        }
        Ok(None)
    }

    /// Says how much of a block the queue reflects, or that it reflects all.
    pub(super) fn set_unsettled(
        &mut self,
        (index, hash): (u64, BlockHash),
        part: Option<Part>,
    ) -> Result<(), StoreError> {
        let key = (index, hash.to_bytes());
        match part {
            Some(Part { at, outside, place }) => self.unsettled.insert(key, (at, outside, place))?,
            None => self.unsettled.remove(key)?,
        };
        Ok(())
    }

    /// A block of the tree, as this change leaves it.
    pub(super) fn block(&self, index: u64, hash: BlockHash) -> Result<Block<Unchecked>, StoreError> {
        let stored = self.blocks.get((index, hash.to_bytes()))?;
        let stored = stored.ok_or_else(|| StoreError::block(index, "it is not there"))?;
        snapshot::named(stored.value(), index, hash)
    }

    /// Names the tip of the active branch.
    pub(super) fn set_tip(&mut self, hash: BlockHash) -> Result<(), StoreError> {
        self.about.insert("tip", hash.to_string().as_str())?;
        Ok(())
    }

    /// Changes what waits.
    pub(super) fn change_pending(&mut self, changes: &Changes) -> Result<(), StoreError> {
        for place in &changes.removed {
            self.queue.remove(place)?;
        }
        let mut bytes = Vec::new();
        for (place, transfer) in &changes.added {
            bytes.clear();
            bytes.extend_from_slice(&transfer.id().to_bytes());
            transfer.transaction().write(&mut bytes);
            self.queue.insert(place, bytes.as_slice())?;
        }
        Ok(())
    }
}

/// The active blocks in which a transaction stands, the last first, up to `limit` of them. For each index one look-up:
/// however many side blocks a stranger filled with a transaction, no more rows are read than there are heights.
fn active_holders(
    holders: &impl ReadableTable<HolderKey, ()>,
    active: &impl ReadableTable<u64, [u8; 32]>,
    id: &TransactionId,
    limit: usize,
) -> Result<Vec<(u64, BlockHash)>, StoreError> {
    let id = id.to_bytes();
    let mut found = Vec::new();
    let mut end = u64::MAX;
    while found.len() < limit {
        let mut rows = holders.range((id, 0, [0; 32])..=(id, end, [0xff; 32]))?;
        let Some(row) = rows.next_back() else { break };
        let (_, index, hash) = row?.0.value();
        if let Some(counts) = active.get(index)? {
            let counts = counts.value();
            if counts == hash || holders.get((id, index, counts))?.is_some() {
                found.push((index, BlockHash::from_bytes(counts)));
            }
        }
        match index.checked_sub(1) {
            Some(below) => end = below,
            None => break,
        }
    }
    Ok(found)
}

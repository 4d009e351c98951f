//! The blocks and the pending transfers on disk: one redb file, or none (in memory).
//!
//! *In:* changes to the tree, the active branch and what is pending, gathered in one [`WriteBatch`]. *Out:* the same
//! after any crash, all of it or nothing; and [`Snapshot`]s, which see one moment.
//!
//! ```text
//! blocks        (index, hash)       → the block           every block of the tree, side branches too
//! indices       hash                → index
//! active        index               → hash                the branch that counts
//! places        (transaction id, index)                   the active blocks in which a transaction stands
//! queue         place               → id, transaction     what waits for a block
//! about         name                → text                format, node id, tip
//! ```
//!
//! Format 2 is format 1 in which transfers may have tags: a tag stands where format 1 has eight zeros, so each file of format
//! 1 is one of format 2 but for its name. Opening one verifies it and then gives it the new name, for good: a program that
//! knows no tags refuses it from then on.
//!
//! redb writes to free pages only and then flips one checksummed root, so that a commit cut short is never visible. It
//! checks the checksum of every page when the file is opened, and the loader then checks what the pages say. While it is
//! open nobody checks pages again, so each block that is read is held against its hash.

mod error;
mod load;
mod open;
mod panics;
mod snapshot;
#[cfg(test)]
mod tests;

use std::{mem::ManuallyDrop, path::PathBuf, sync::Arc};

use redb::{ReadableDatabase as _, ReadableTable as _, Table, TableDefinition, WriteTransaction};

use crate::{
    block::{Block, Checked, Unchecked},
    header::BlockHash,
    health::Health,
    identity::TransactionId,
    pending::Changes,
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
const FORMAT: &str = "paydirt ledger 2";
/// The one before, which it takes over.
const OLD_FORMAT: &str = "paydirt ledger 1";

type BlockKey = (u64, [u8; 32]);
type PlaceKey = ([u8; 32], u64);
const BLOCKS: TableDefinition<'_, BlockKey, &[u8]> = TableDefinition::new("blocks");
const INDICES: TableDefinition<'_, [u8; 32], u64> = TableDefinition::new("indices");
const ACTIVE: TableDefinition<'_, u64, [u8; 32]> = TableDefinition::new("active");
const PLACES: TableDefinition<'_, PlaceKey, ()> = TableDefinition::new("places");
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
    places: Table<'t, PlaceKey, ()>,
    queue: Table<'t, u64, &'static [u8]>,
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
        let (places, queue, about) = (opened!(PLACES), opened!(QUEUE), opened!(ABOUT));
        Ok(Self {
            blocks: ManuallyDrop::into_inner(blocks),
            indices: ManuallyDrop::into_inner(indices),
            active: ManuallyDrop::into_inner(active),
            places: ManuallyDrop::into_inner(places),
            queue: ManuallyDrop::into_inner(queue),
            about: ManuallyDrop::into_inner(about),
        })
    }

    /// Keeps a block, on whichever branch.
    pub(super) fn insert_block(&mut self, block: &Block<Checked>) -> Result<(), StoreError> {
        let hash = block.hash().to_bytes();
        self.blocks
            .insert((block.index(), hash), block.to_bytes().as_slice())?;
        self.indices.insert(hash, block.index())?;
        Ok(())
    }

    /// Forgets a block of a side branch.
    pub(super) fn remove_block(&mut self, index: u64, hash: BlockHash) -> Result<(), StoreError> {
        self.blocks.remove((index, hash.to_bytes()))?;
        self.indices.remove(hash.to_bytes())?;
        Ok(())
    }

    /// Makes a block, of which this is the index, the hash and the transactions, part of the active branch.
    pub(super) fn connect(
        &mut self,
        index: u64,
        hash: BlockHash,
        ids: impl Iterator<Item = TransactionId>,
    ) -> Result<(), StoreError> {
        self.active.insert(index, hash.to_bytes())?;
        for id in ids {
            self.places.insert((id.to_bytes(), index), ())?;
        }
        Ok(())
    }

    /// Takes a block out of the active branch.
    pub(super) fn disconnect(
        &mut self,
        index: u64,
        ids: impl Iterator<Item = TransactionId>,
    ) -> Result<(), StoreError> {
        self.active.remove(index)?;
        for id in ids {
            self.places.remove((id.to_bytes(), index))?;
        }
        Ok(())
    }

    /// The last active block in which a transaction stands, as this change leaves it.
    pub(super) fn place_of(&self, id: &TransactionId) -> Result<Option<u64>, StoreError> {
        let id = id.to_bytes();
        let mut rows = self.places.range((id, 0)..=(id, u64::MAX))?;
        Ok(rows.next_back().transpose()?.map(|(place, _)| place.value().1))
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

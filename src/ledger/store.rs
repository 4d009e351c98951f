//! The blocks and the queue on disk: one redb file, or none (in memory).
//!
//! *In:* changes to the tree, the active branch and the queue, gathered in one [`Change`](WriteBatch). *Out:* the same
//! after any crash, all of it or nothing; and [`Snapshot`]s, which see one moment however long they are read.
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
//! redb writes to free pages only and then flips one checksummed root, so that a commit cut short is never visible. It
//! checks the checksum of every page when the file is opened, and the loader then checks what the pages say.

mod load;
mod snapshot;

use std::{
    fs,
    path::{Path, PathBuf},
};

use bitcoin::{BlockHash, hashes::Hash as _};
use redb::{Database, ReadableDatabase as _, ReadableTable as _, Table, TableDefinition, WriteTransaction};

use super::{
    block::{Block, Checked},
    network::{Network, NetworkError},
    queue::{Changes, Queued},
    transaction::TransactionId,
};

pub(super) use load::Loaded;
pub use snapshot::Snapshot;

/// The database file's name in its folder.
pub const FILE_NAME: &str = "ledger.redb";
/// The format this program writes.
const FORMAT: &str = "paydirt ledger 1";
/// What redb may keep in memory, in bytes; the system's own cache has the rest.
const CACHE_BYTES: usize = 32 << 20;

type BlockKey = (u64, [u8; 32]);
type PlaceKey = ([u8; 32], u64);
const BLOCKS: TableDefinition<'_, BlockKey, &[u8]> = TableDefinition::new("blocks");
const INDICES: TableDefinition<'_, [u8; 32], u64> = TableDefinition::new("indices");
const ACTIVE: TableDefinition<'_, u64, [u8; 32]> = TableDefinition::new("active");
const PLACES: TableDefinition<'_, PlaceKey, ()> = TableDefinition::new("places");
const QUEUE: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("queue");
const ABOUT: TableDefinition<'_, &str, &str> = TableDefinition::new("about");

/// Why a store cannot be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is none.
    #[error("{} holds no ledger; paydirt serve or paydirt chain mine make one", .0.display())]
    Missing(PathBuf),
    /// Another process has it.
    #[error("{} is in use by another process; stop that one, or name another folder with --data", .0.display())]
    InUse(PathBuf),
    /// Its network is another one.
    #[error(
        "the ledger's network is {stored}, not {wanted}; leave the difficulty out, or name another folder with --data"
    )]
    OtherNetwork {
        /// What the store holds.
        stored: String,
        /// What was asked for.
        wanted: String,
    },
    /// A block is not what it was.
    #[error(
        "the ledger is damaged at block {index}: {reason}; restore it from a copy, or import an export into a new folder"
    )]
    DamagedBlock {
        /// Where.
        index: u64,
        /// What is wrong.
        reason: String,
    },
    /// Something other than a block is not what it was.
    #[error("the ledger is damaged: {0}; restore it from a copy, or import an export into a new folder")]
    Damaged(String),
    /// The file or the disk failed.
    #[error("the ledger's file failed: {0}")]
    File(String),
}

impl StoreError {
    fn block(index: u64, reason: impl ToString) -> Self {
        let reason = reason.to_string();
        Self::DamagedBlock { index, reason }
    }
}

impl From<NetworkError> for StoreError {
    fn from(reason: NetworkError) -> Self {
        Self::block(1, reason)
    }
}

macro_rules! from_redb {
    ($($error:ty),+) => {$(
        impl From<$error> for StoreError {
            fn from(error: $error) -> Self {
                match redb::Error::from(error) {
                    redb::Error::Corrupted(reason) => Self::Damaged(reason),
                    other => Self::File(other.to_string()),
                }
            }
        }
    )+};
}
from_redb!(
    redb::DatabaseError,
    redb::StorageError,
    redb::TransactionError,
    redb::TableError,
    redb::CommitError
);

/// An open store.
#[derive(Debug)]
pub(super) struct Store {
    database: Database,
}

impl Store {
    /// Opens the ledger in `folder`, and begins one for `network` where there is none.
    pub(super) fn open_or_create(folder: &Path, network: &Network) -> Result<Self, StoreError> {
        let failed = |error: std::io::Error| StoreError::File(format!("{}: {error}", folder.display()));
        fs::create_dir_all(folder).map_err(failed)?;
        let path = folder.join(FILE_NAME);
        let store = Self::open_file(&path, true)?;
        store.begin(network)?;
        // The file's name must outlast a crash too.
        #[cfg(unix)]
        fs::File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(failed)?;
        Ok(store)
    }

    /// Opens the ledger in `folder`.
    pub(super) fn open(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(FILE_NAME);
        if !path.exists() {
            return Err(StoreError::Missing(folder.to_owned()));
        }
        Self::open_file(&path, false)
    }

    fn open_file(path: &Path, create: bool) -> Result<Self, StoreError> {
        let mut builder = Database::builder();
        builder.set_cache_size(CACHE_BYTES);
        builder.set_check_integrity_on_open(true);
        let opened = if create {
            builder.create(path)
        } else {
            builder.open(path)
        };
        match opened {
            Ok(database) => Ok(Self { database }),
            Err(redb::DatabaseError::DatabaseAlreadyOpen) => Err(StoreError::InUse(path.to_owned())),
            Err(redb::DatabaseError::Storage(redb::StorageError::Corrupted(reason))) => {
                Err(load::locate_damage(path).unwrap_or(StoreError::Damaged(reason)))
            }
            Err(redb::DatabaseError::Storage(redb::StorageError::Io(error))) => {
                Err(StoreError::File(format!("{}: {error}", path.display())))
            }
            Err(other) => Err(other.into()),
        }
    }

    /// A store that lives as long as the process.
    pub(super) fn in_memory(network: &Network) -> Result<Self, StoreError> {
        let backend = redb::backends::InMemoryBackend::new();
        let database = Database::builder()
            .set_cache_size(CACHE_BYTES)
            .create_with_backend(backend)?;
        let store = Self { database };
        store.begin(network)?;
        Ok(store)
    }

    /// Writes genesis into an empty store.
    fn begin(&self, network: &Network) -> Result<(), StoreError> {
        let transaction = self.database.begin_write()?;
        let empty = transaction.open_table(ABOUT)?.get("format")?.is_none();
        if !empty {
            return Ok(transaction.abort()?);
        }
        {
            let mut batch = WriteBatch::open(&transaction)?;
            batch.about.insert("format", FORMAT)?;
            let node_id = uuid::Uuid::new_v4().simple().to_string();
            batch.about.insert("node_id", node_id.as_str())?;
            let genesis = network.genesis();
            batch.insert_block(&genesis)?;
            batch.connect(&genesis)?;
            batch.set_tip(genesis.hash())?;
        }
        Ok(transaction.commit()?)
    }

    /// Begins a change that [`WriteTransaction::commit`] makes durable, whole.
    pub(super) fn begin_write(&self) -> Result<WriteTransaction, StoreError> {
        Ok(self.database.begin_write()?)
    }

    /// What the store holds at this moment.
    pub(super) fn snapshot(&self) -> Result<Snapshot, StoreError> {
        Ok(Snapshot::new(self.database.begin_read()?))
    }

    /// Reads everything, and checks it.
    pub(super) fn load(&self) -> Result<Loaded, StoreError> {
        load::load(&self.snapshot()?)
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
        Ok(Self {
            blocks: transaction.open_table(BLOCKS)?,
            indices: transaction.open_table(INDICES)?,
            active: transaction.open_table(ACTIVE)?,
            places: transaction.open_table(PLACES)?,
            queue: transaction.open_table(QUEUE)?,
            about: transaction.open_table(ABOUT)?,
        })
    }

    /// Keeps a block, on whichever branch.
    pub(super) fn insert_block(&mut self, block: &Block<Checked>) -> Result<(), StoreError> {
        let hash = block.hash().to_byte_array();
        self.blocks
            .insert((block.index(), hash), block.to_bytes().as_slice())?;
        self.indices.insert(hash, block.index())?;
        Ok(())
    }

    /// Makes a block part of the active branch.
    pub(super) fn connect<State>(&mut self, block: &Block<State>) -> Result<Vec<TransactionId>, StoreError> {
        let ids: Vec<_> = block.transactions().iter().map(|t| t.id()).collect();
        self.active.insert(block.index(), block.hash().to_byte_array())?;
        for id in &ids {
            self.places.insert((id.to_bytes(), block.index()), ())?;
        }
        Ok(ids)
    }

    /// Takes a block out of the active branch.
    pub(super) fn disconnect<State>(
        &mut self,
        block: &Block<State>,
    ) -> Result<Vec<TransactionId>, StoreError> {
        let ids: Vec<_> = block.transactions().iter().map(|t| t.id()).collect();
        self.active.remove(block.index())?;
        for id in &ids {
            self.places.remove((id.to_bytes(), block.index()))?;
        }
        Ok(ids)
    }

    /// A block of the tree, as this change leaves it.
    pub(super) fn block(
        &self,
        index: u64,
        hash: BlockHash,
    ) -> Result<Block<super::block::Unchecked>, StoreError> {
        let stored = self.blocks.get((index, hash.to_byte_array()))?;
        let stored = stored.ok_or_else(|| StoreError::block(index, "it is not there"))?;
        Block::from_bytes(stored.value()).map_err(|reason| StoreError::block(index, reason))
    }

    /// Names the tip of the active branch.
    pub(super) fn set_tip(&mut self, hash: BlockHash) -> Result<(), StoreError> {
        self.about.insert("tip", hash.to_string().as_str())?;
        Ok(())
    }

    /// Changes the queue.
    pub(super) fn change_queue(&mut self, changes: &Changes) -> Result<(), StoreError> {
        for place in &changes.removed {
            self.queue.remove(place)?;
        }
        for queued in &changes.added {
            self.queue.insert(queued.place, queued_bytes(queued).as_slice())?;
        }
        Ok(())
    }
}

fn queued_bytes(queued: &Queued) -> Vec<u8> {
    let mut bytes = queued.id.to_bytes().to_vec();
    queued.transaction.write(&mut bytes);
    bytes
}

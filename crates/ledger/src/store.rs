//! The blocks and the queue on disk: one redb file, or none (in memory).
//!
//! *In:* changes to the tree, the active branch and the queue, gathered in one [`WriteBatch`]. *Out:* the same
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
#[cfg(test)]
mod tests;

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use bitcoin::{BlockHash, hashes::Hash as _};
use redb::{Database, ReadableDatabase as _, ReadableTable as _, Table, TableDefinition, WriteTransaction};

use crate::{
    block::{Block, Checked},
    network::{Network, NetworkError},
    queue::{Changes, Queued},
    transaction::TransactionId,
};

pub(super) use load::Loaded;
pub use snapshot::Snapshot;

/// The database file's name in its folder.
pub const FILE_NAME: &str = "ledger.redb";
/// Its name until it has its first block.
const NEW_FILE_NAME: &str = "ledger.redb.new";
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
    /// Another version of this program wrote it.
    #[error(
        "the ledger's format is {found:?}, and this program reads {FORMAT:?}; use the version that wrote it to export it"
    )]
    OtherFormat {
        /// What it says it is.
        found: String,
    },
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
        let new_folder = !folder.exists();
        fs::create_dir_all(folder).map_err(failed)?;
        let path = folder.join(FILE_NAME);
        // Also a link to a file that is not there now: its disk may be missing, and with it a ledger.
        let is_there = || fs::symlink_metadata(&path).is_ok();
        if is_there() {
            return Self::open_file(&path);
        }
        // Made under another name: a crash meanwhile leaves no half of a ledger, and the next start begins again.
        let new = folder.join(NEW_FILE_NAME);
        if fs::symlink_metadata(&new).is_ok_and(|about| !about.is_file()) {
            let reason = "is in the way of a new ledger; remove it";
            return Err(StoreError::File(format!("{} {reason}", new.display())));
        }
        let mut options = fs::File::options();
        let file = options.read(true).write(true).create(true).truncate(false);
        let file = file.open(&new).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(StoreError::InUse(folder.to_owned())),
            Err(fs::TryLockError::Error(error)) => return Err(failed(error)),
        }
        if is_there() {
            // Another process was quicker; it has it open, or had. Then this file is its ledger, or nobody's.
            drop(file); // and the lock with it
            match fs::remove_file(&new) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
                _ => return Self::open_file(&path),
            }
        }
        file.set_len(0).map_err(failed)?;
        let backend = redb::backends::FileBackend::new(file)?;
        let database = Database::builder()
            .set_cache_size(CACHE_BYTES)
            .create_with_backend(backend)?;
        let store = Self { database };
        store.begin(network)?;
        fs::rename(&new, &path).map_err(failed)?;
        // The names must outlast a crash too.
        #[cfg(unix)]
        {
            let sync = |folder: &Path| fs::File::open(folder).and_then(|folder| folder.sync_all());
            sync(folder).map_err(failed)?;
            if let (true, Some(parent)) = (new_folder, folder.canonicalize().map_err(failed)?.parent()) {
                sync(parent).map_err(failed)?;
            }
        }
        #[cfg(not(unix))]
        let _ = new_folder;
        Ok(store)
    }

    /// Opens the ledger in `folder`.
    pub(super) fn open(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(FILE_NAME);
        if !path.exists() {
            return Err(StoreError::Missing(folder.to_owned()));
        }
        Self::open_file(&path)
    }

    fn open_file(path: &Path) -> Result<Self, StoreError> {
        let mut builder = Database::builder();
        builder.set_cache_size(CACHE_BYTES);
        builder.set_check_integrity_on_open(true);
        match builder.open(path) {
            Ok(database) => Ok(Self { database }),
            Err(redb::DatabaseError::DatabaseAlreadyOpen) => Err(StoreError::InUse(path.to_owned())),
            Err(redb::DatabaseError::Storage(redb::StorageError::Corrupted(reason))) => {
                Err(load::locate_damage(path).unwrap_or(StoreError::Damaged(reason)))
            }
            Err(redb::DatabaseError::Storage(redb::StorageError::Io(error))) => {
                // The file is there and can be read, but is not what redb writes, or not all of it.
                let damaged = [ErrorKind::InvalidData, ErrorKind::UnexpectedEof].contains(&error.kind());
                Err(match damaged {
                    true => StoreError::Damaged(error.to_string()),
                    false => StoreError::File(format!("{}: {error}", path.display())),
                })
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
        {
            let mut batch = WriteBatch::open(&transaction)?;
            batch.about.insert("format", FORMAT)?;
            let node_id = uuid::Uuid::new_v4().simple().to_string();
            batch.about.insert("node_id", node_id.as_str())?;
            let genesis = network.genesis();
            batch.insert_block(&genesis)?;
            batch.connect(genesis.index(), genesis.hash(), genesis.ids())?;
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

    /// Makes a block, of which this is the index, the hash and the transactions, part of the active branch.
    pub(super) fn connect(
        &mut self,
        index: u64,
        hash: BlockHash,
        ids: &[TransactionId],
    ) -> Result<(), StoreError> {
        self.active.insert(index, hash.to_byte_array())?;
        for id in ids {
            self.places.insert((id.to_bytes(), index), ())?;
        }
        Ok(())
    }

    /// Takes a block out of the active branch.
    pub(super) fn disconnect(&mut self, index: u64, ids: &[TransactionId]) -> Result<(), StoreError> {
        self.active.remove(index)?;
        for id in ids {
            self.places.remove((id.to_bytes(), index))?;
        }
        Ok(())
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

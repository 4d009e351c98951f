//! The blocks and the pending transfers on disk: one redb file, or none (in memory).
//!
//! *In:* changes to the tree, the active branch and what is pending, gathered in one [`WriteBatch`]. *Out:* the same
//! after any crash, all of it or nothing; and [`Snapshot`]s, which see one moment however long they are read.
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
//! checks the checksum of every page when the file is opened, and the loader then checks what the pages say.

mod load;
mod snapshot;
mod take_over;
#[cfg(test)]
mod tests;

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use redb::{Database, ReadableDatabase as _, ReadableTable, Table, TableDefinition, WriteTransaction};

use crate::{
    block::{Block, Checked, Unchecked},
    header::BlockHash,
    identity::TransactionId,
    parameters::{ChainParameters, ParametersError},
    pending::Changes,
    settling::Part,
};

pub(super) use load::Loaded;
pub use snapshot::Snapshot;

/// The database file's name in its folder.
pub const FILE_NAME: &str = "ledger.redb";
/// Its name until it has its first block.
const NEW_FILE_NAME: &str = "ledger.redb.new";
/// The format this program writes.
const FORMAT: &str = "paydirt ledger 3";
/// Those before, which it takes over.
const OLD_FORMATS: [&str; 2] = ["paydirt ledger 1", "paydirt ledger 2"];
/// What redb may keep in memory, in bytes; the system's own cache has the rest.
const CACHE_BYTES: usize = 32 << 20;

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

/// Why a store cannot be opened, read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is none.
    #[error("{} holds no ledger; paydirt serve or paydirt chain mine make one", .0.display())]
    Missing(PathBuf),
    /// Another process has it.
    #[error("{} is in use by another process; stop that one, or name another folder with --data", .0.display())]
    InUse(PathBuf),
    /// Another version of this program wrote it.
    #[error(
        "the ledger's format is {found:?}, and this program reads {FORMAT:?} and older; use the version that wrote it to export it"
    )]
    OtherFormat {
        /// What it says it is.
        found: String,
    },
    /// Its chain parameters are others.
    #[error(
        "the ledger's network is {stored}, not {wanted}; leave the difficulty out, or name another folder with --data"
    )]
    OtherParameters {
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
    File(#[from] FileError),
}

/// What a file or a disk said.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// About a path.
    #[error("{}: {error}", .path.display())]
    Path {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        #[source]
        error: std::io::Error,
    },
    /// About the system.
    #[error(transparent)]
    System(#[from] std::io::Error),
    /// About the database.
    #[error(transparent)]
    Database(#[from] redb::Error),
}

impl FileError {
    /// What the system says of a path.
    fn at(path: &Path) -> impl Fn(std::io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::Path {
            path: path.clone(),
            error,
        }
    }
}

impl StoreError {
    fn block(index: u64, reason: impl ToString) -> Self {
        let reason = reason.to_string();
        Self::DamagedBlock { index, reason }
    }
}

impl From<ParametersError> for StoreError {
    fn from(reason: ParametersError) -> Self {
        Self::block(1, reason)
    }
}

macro_rules! from_redb {
    ($($error:ty),+) => {$(
        impl From<$error> for StoreError {
            fn from(error: $error) -> Self {
                match redb::Error::from(error) {
                    redb::Error::Corrupted(reason) => Self::Damaged(reason),
                    other => Self::File(other.into()),
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
    /// Opens the ledger in `folder`, and begins one with `parameters` where there is none.
    pub(super) fn open_or_create(folder: &Path, parameters: &ChainParameters) -> Result<Self, StoreError> {
        let failed = |error| StoreError::File(FileError::at(folder)(error));
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
            let reason = std::io::Error::other("is in the way of a new ledger; remove it");
            return Err(FileError::at(&new)(reason).into());
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
        store.begin(parameters)?;
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
                    false => FileError::at(path)(error).into(),
                })
            }
            Err(other) => Err(other.into()),
        }
    }

    /// A store that lives as long as the process.
    pub(super) fn in_memory(parameters: &ChainParameters) -> Result<Self, StoreError> {
        let backend = redb::backends::InMemoryBackend::new();
        let database = Database::builder()
            .set_cache_size(CACHE_BYTES)
            .create_with_backend(backend)?;
        let store = Self { database };
        store.begin(parameters)?;
        Ok(store)
    }

    /// Writes genesis into an empty store.
    fn begin(&self, parameters: &ChainParameters) -> Result<(), StoreError> {
        let transaction = self.database.begin_write()?;
        {
            let mut batch = WriteBatch::open(&transaction)?;
            batch.about.insert("format", FORMAT)?;
            let mut node_id = [0; 16];
            getrandom::fill(&mut node_id)
                .map_err(std::io::Error::from)
                .map_err(FileError::from)?;
            batch.about.insert("node_id", hex::encode(node_id).as_str())?;
            let genesis = parameters.genesis();
            batch.insert_block(&genesis)?;
            batch.activate(genesis.index(), genesis.hash())?;
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

    /// Reads everything, and checks it; then an old file is taken over.
    pub(super) fn load(&self) -> Result<Loaded, StoreError> {
        let loaded = load::load(&self.snapshot()?)?;
        match loaded.is_old {
            false => Ok(loaded),
            true => {
                let transaction = self.database.begin_write()?;
                take_over::take_over(&transaction)?;
                transaction.commit()?;
                load::load(&self.snapshot()?)
            }
        }
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
        Ok(Self {
            blocks: transaction.open_table(BLOCKS)?,
            indices: transaction.open_table(INDICES)?,
            active: transaction.open_table(ACTIVE)?,
            holders: transaction.open_table(HOLDERS)?,
            queue: transaction.open_table(QUEUE)?,
            unsettled: transaction.open_table(UNSETTLED)?,
            about: transaction.open_table(ABOUT)?,
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
        Block::from_bytes(stored.value()).map_err(|reason| StoreError::block(index, reason))
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

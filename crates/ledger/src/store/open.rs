//! Opening a ledger's file, or beginning one.
//!
//! *In:* a folder. *Out:* a store that is whole: all of it is checked, by redb its pages and by the loader what they say.

use std::{fs, io::ErrorKind, path::Path, sync::Arc};

use crate::{
    parameters::ChainParameters,
    store::{
        Closing, FILE_NAME, FORMAT, FileError, Loaded, NEW_FILE_NAME, Store, StoreError, WriteBatch, caught,
        load, take_over,
    },
};

/// What redb may keep in memory unless told otherwise, in bytes; the system's own cache has the rest.
pub(crate) const DEFAULT_CACHE_BYTES: usize = 32 << 20;
/// A file that has no more bytes than this is not worth compacting.
const SMALL_BYTES: u64 = 4 << 20;

impl Store {
    /// Opens the ledger in `folder`, and begins one with `parameters` where there is none.
    pub(crate) fn open_or_create(
        folder: &Path,
        parameters: &ChainParameters,
        cache_bytes: usize,
    ) -> Result<Self, StoreError> {
        let failed = |error| StoreError::File(FileError::at(folder)(error));
        let new_folder = !folder.exists();
        fs::create_dir_all(folder).map_err(failed)?;
        let path = folder.join(FILE_NAME);
        // Also a link to a file that is not there now: its disk may be missing, and with it a ledger.
        let is_there = || fs::symlink_metadata(&path).is_ok();
        if is_there() {
            return Self::open_file(&path, cache_bytes);
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
                _ => return Self::open_file(&path, cache_bytes),
            }
        }
        file.set_len(0).map_err(failed)?;
        let backend = redb::backends::FileBackend::new(file)?;
        let mut store = Self::new(builder(cache_bytes).create_with_backend(backend)?);
        store.begin(parameters)?;
        fs::rename(&new, &path).map_err(failed)?;
        store.file = Some(path);
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
    pub(crate) fn open(folder: &Path, cache_bytes: usize) -> Result<Self, StoreError> {
        let path = folder.join(FILE_NAME);
        // What may not be looked at is not missing.
        match path.try_exists().map_err(FileError::at(folder))? {
            true => Self::open_file(&path, cache_bytes),
            false => Err(StoreError::Missing(folder.to_owned())),
        }
    }

    fn open_file(path: &Path, cache_bytes: usize) -> Result<Self, StoreError> {
        let mut builder = builder(cache_bytes);
        let opened = caught(|| match builder.set_check_integrity_on_open(true).open(path) {
            Ok(database) => Ok(database),
            Err(redb::DatabaseError::DatabaseAlreadyOpen) => Err(StoreError::InUse(path.to_owned())),
            Err(redb::DatabaseError::Storage(redb::StorageError::Io(error))) => {
                // The file is there and can be read, but is not what redb writes, or not all of it.
                let damaged = [ErrorKind::InvalidData, ErrorKind::UnexpectedEof].contains(&error.kind());
                Err(match damaged {
                    true => StoreError::Damaged(error.to_string()),
                    false => FileError::at(path)(error).into(),
                })
            }
            Err(other) => Err(other.into()),
        });
        match opened {
            Ok(database) => Ok(Self {
                file: Some(path.to_owned()),
                ..Self::new(database)
            }),
            Err(StoreError::Damaged(reason)) => {
                Err(load::locate_damage(path).unwrap_or(StoreError::Damaged(reason)))
            }
            Err(other) => Err(other),
        }
    }

    /// A store that lives as long as the process.
    pub(crate) fn in_memory(parameters: &ChainParameters, cache_bytes: usize) -> Result<Self, StoreError> {
        let backend = redb::backends::InMemoryBackend::new();
        let store = Self::new(builder(cache_bytes).create_with_backend(backend)?);
        store.begin(parameters)?;
        Ok(store)
    }

    pub(super) fn new(database: redb::Database) -> Self {
        let health = Arc::default();
        Self {
            database: Closing::new(database, &health),
            file: None,
            health,
        }
    }

    /// Writes genesis into an empty store.
    pub(super) fn begin(&self, parameters: &ChainParameters) -> Result<(), StoreError> {
        let transaction = self.database.begin_write()?;
        {
            let mut batch = WriteBatch::open(&transaction)?;
            batch.about.insert("format", FORMAT)?;
            let mut node_id = [0; 16];
            getrandom::fill(&mut node_id).map_err(std::io::Error::from)?;
            batch.about.insert("node_id", hex::encode(node_id).as_str())?;
            let genesis = parameters.genesis();
            batch.insert_block(&genesis)?;
            batch.activate(genesis.index(), genesis.hash())?;
            batch.set_tip(genesis.hash())?;
        }
        Ok(transaction.commit()?)
    }

    /// Reads everything, and checks it; then an old file is taken over, and one that is mostly free made small.
    pub(crate) fn load(self) -> Result<(Self, Loaded), StoreError> {
        let loaded = self.verified()?;
        Ok((self.compacted()?, loaded))
    }

    /// Reads everything, and checks it; then an old file is taken over.
    pub(super) fn verified(&self) -> Result<Loaded, StoreError> {
        let loaded = caught(|| load::load(&self.snapshot()?))?;
        if !loaded.is_old {
            return Ok(loaded);
        }
        let transaction = self.database.begin_write()?;
        take_over::take_over(&transaction)?;
        transaction.commit()?;
        caught(|| load::load(&self.snapshot()?))
    }

    /// Gives the disk back what the file does not need, if that is more than half of it. A file grows by doubling, and by
    /// what a reader in an older version of this program held on to; and it does not shrink by itself when its last pages are in use.
    fn compacted(mut self) -> Result<Self, StoreError> {
        let Some(path) = self.file.clone() else {
            return Ok(self);
        };
        let length = fs::metadata(&path).map_err(FileError::at(&path))?.len();
        if length < SMALL_BYTES || length <= 2 * self.needed_bytes(length)? {
            return Ok(self);
        }
        match self.database.compact() {
            Ok(_) => Ok(self),
            // A disk that has no room even for this: the file is as good as before, but its database does not go on.
            Err(_) => {
                drop(self);
                Self::open_file(&path, DEFAULT_CACHE_BYTES)
            }
        }
    }

    /// What a file of this length would have if nothing of it were free.
    pub(super) fn needed_bytes(&self, length: u64) -> Result<u64, StoreError> {
        let transaction = self.database.begin_write()?;
        let stats = transaction.stats()?;
        transaction.abort()?;
        let free = length.saturating_sub(stats.allocated_pages() * stats.page_size() as u64);
        let within_pages = stats.fragmented_bytes().saturating_sub(free);
        Ok(stats.stored_bytes() + stats.metadata_bytes() + within_pages)
    }
}

fn builder(cache_bytes: usize) -> redb::Builder {
    let mut builder = redb::Builder::new();
    builder.set_cache_size(cache_bytes);
    builder
}

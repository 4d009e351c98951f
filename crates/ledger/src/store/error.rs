//! What a store says when it cannot be opened, read or written.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::{parameters::ParametersError, store::FORMAT};

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
    /// It is a database, but another program's.
    #[error("the file is a redb database of another program, not a ledger; name another folder with --data")]
    Foreign,
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
    /// The branch that is read was left for another, and then forgotten.
    #[error("block {index} is not stored any more: another branch took the place of its own; read again")]
    Superseded {
        /// The first block that could not be read.
        index: u64,
    },
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
        error: io::Error,
    },
    /// About the system.
    #[error(transparent)]
    System(#[from] io::Error),
    /// About the database.
    #[error(transparent)]
    Database(#[from] redb::Error),
}

impl FileError {
    /// What the system says of a path.
    pub(super) fn at(path: &Path) -> impl Fn(io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::Path {
            path: path.clone(),
            error,
        }
    }
}

impl StoreError {
    pub(super) fn block(index: u64, reason: impl ToString) -> Self {
        let reason = reason.to_string();
        Self::DamagedBlock { index, reason }
    }

    /// The same once more if it is about the file that is open: it failed or is damaged. Others are about what was asked.
    pub(crate) fn of_the_file(&self) -> Option<Self> {
        match self {
            Self::DamagedBlock { index, reason } => Some(Self::block(*index, reason)),
            Self::Damaged(reason) => Some(Self::Damaged(reason.clone())),
            Self::File(error) => Some(Self::File(io::Error::other(error.to_string()).into())),
            _ => None,
        }
    }
}

impl From<ParametersError> for StoreError {
    fn from(reason: ParametersError) -> Self {
        Self::block(1, reason)
    }
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        Self::File(error.into())
    }
}

macro_rules! from_redb {
    ($($error:ty),+) => {$(
        impl From<$error> for StoreError {
            fn from(error: $error) -> Self {
                match redb::Error::from(error) {
                    redb::Error::Corrupted(reason) => Self::Damaged(reason),
                    redb::Error::TableDoesNotExist(name) => Self::Damaged(format!("its table {name} is missing")),
                    error @ (redb::Error::TableTypeMismatch { .. }
                    | redb::Error::TypeDefinitionChanged { .. }
                    | redb::Error::TableIsMultimap(_)) => Self::Damaged(error.to_string()),
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

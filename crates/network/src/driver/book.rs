//! The address book on disk: where nodes of this chain were found.
//!
//! *In:* the core's entries. *Out:* the same, after a restart. `peers.json` is written whole under another name first. One
//! that cannot be read is no reason not to start: it is what peers said, and they will say it again.

use std::{
    fs, io,
    io::Read as _,
    path::{Path, PathBuf},
};

use crate::core::BookEntry;

/// The file's name.
pub const BOOK_FILE: &str = "peers.json";
/// No book has more bytes.
const MAX_BYTES: u64 = 8 << 20;

/// Reads the book in `folder`; an empty one if there is none.
pub(super) fn read(folder: Option<&Path>) -> Vec<BookEntry> {
    let Some(path) = folder.map(|folder| folder.join(BOOK_FILE)) else {
        return Vec::new();
    };
    match entries(&path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => {
            tracing::warn!(file = %path.display(), %error, "the address book cannot be read and begins anew");
            Vec::new()
        }
    }
}

fn entries(path: &Path) -> io::Result<Vec<BookEntry>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(serde_json::from_slice(&bytes)?)
}

/// Writes the book.
///
/// # Errors
/// Those of the disk.
pub(super) fn write(folder: &Path, entries: &[BookEntry]) -> io::Result<()> {
    let path: PathBuf = folder.join(BOOK_FILE);
    super::key::write(folder, &path, &serde_json::to_vec(entries)?)
}

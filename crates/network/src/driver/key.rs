//! The node's key: who it is among its peers.
//!
//! *In:* the data folder. *Out:* the key pair that was made there once, and is the same for ever after.
//!
//! `node.key` holds the 32 secret bytes of an Ed25519 key as 64 hex digits. It is written to a file of another name, made
//! durable and given its name at once, so that a crash leaves a whole key or none; nobody but its owner may read it.

use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};

use libp2p::identity::{Keypair, ed25519};

/// The file's name.
pub const KEY_FILE: &str = "node.key";

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or written.
    #[error("cannot keep the node's key in {}", .0.display())]
    File(PathBuf, #[source] io::Error),
    /// The file holds something else.
    #[error(
        "{} is not a node's key: it must hold 64 hex digits. Move it away, and the node gets another key and with it another name",
        .0.display()
    )]
    Damaged(PathBuf),
}

/// The key kept in `folder`; made if there is none. Without a folder it lives as long as the process.
///
/// # Errors
/// [`KeyError`] when the file cannot be read or written, or is no key.
pub fn key(folder: Option<&Path>) -> Result<Keypair, KeyError> {
    let Some(folder) = folder else {
        return Ok(Keypair::generate_ed25519());
    };
    let path = folder.join(KEY_FILE);
    let failed = |error| KeyError::File(path.clone(), error);
    match fs::read(&path) {
        Ok(bytes) => read(&bytes).ok_or_else(|| KeyError::Damaged(path.clone())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let made = ed25519::Keypair::generate();
            let text = format!("{}\n", hex::encode(made.secret().as_ref()));
            write(folder, &path, text.as_bytes()).map_err(failed)?;
            Ok(made.into())
        }
        Err(error) => Err(failed(error)),
    }
}

fn read(bytes: &[u8]) -> Option<Keypair> {
    let mut secret = [0; 32];
    hex::decode_to_slice(bytes.trim_ascii_end(), &mut secret).ok()?;
    Keypair::ed25519_from_bytes(secret).ok()
}

/// A file under its name, whole and durable; only its owner may read it, as temporary files are made.
pub(super) fn write(folder: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    // The name too; where folders cannot be synced, the system sees to it.
    let _ = fs::File::open(folder).and_then(|folder| folder.sync_all());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_made_once_and_is_the_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let first = key(Some(folder.path())).unwrap().public();
        assert_eq!(key(Some(folder.path())).unwrap().public(), first);
        assert_ne!(key(None).unwrap().public(), first);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(folder.path().join(KEY_FILE))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        let files = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(files, 1, "nothing is left lying about");
    }

    #[test]
    fn a_damaged_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(KEY_FILE);
        for damaged in ["", "00", &"x".repeat(64), &"0".repeat(66)] {
            fs::write(&path, damaged).unwrap();
            let error = key(Some(folder.path())).unwrap_err();
            assert!(matches!(error, KeyError::Damaged(_)), "{damaged:?}");
            assert!(error.to_string().contains(KEY_FILE));
        }
    }
}

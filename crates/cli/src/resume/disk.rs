//! A file that is whole at any moment.
//!
//! *In:* what is to be stored. *Out:* a file with it, one JSON object with its checksum, or the file that was there before:
//! written beside it, brought to disk, and renamed. A process that has it open keeps a lock on it, so that two of one
//! search do not overwrite each other's.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use paydirt::Digest;

/// What follows the content: the field that holds the checksum.
const CHECKSUM: &str = ",\"sha256\":\"";
/// A message of a megabyte and its result take less.
const MOST_BYTES: u64 = 16 << 20;

/// Why a file will not do.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error("cannot be read: {0}")]
    Read(#[from] io::Error),
    #[error("is not a file")]
    NoFile,
    #[error("is in use by another process; wait for it, or give another file")]
    InUse,
    #[error("is not a file of --resume; give another name, and it will be made")]
    Foreign,
    #[error("was written by a newer version ({0}); go on with that version, or begin anew with another file")]
    Newer(String),
    #[error("is damaged; delete it to begin anew, or give another file")]
    Damaged,
}

/// The file, open.
pub(super) struct Disk {
    path: PathBuf,
    beside: PathBuf,
    /// Holds the lock.
    _held: Option<File>,
}

#[derive(Deserialize)]
struct Named {
    schema: String,
}

impl Disk {
    /// Opens the file, and reads it if there is one.
    pub(super) fn open(path: &Path) -> Result<(Self, Option<String>), Trouble> {
        // Where a link leads to, since a rename would replace the link.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let mut beside = path.clone().into_os_string();
        beside.push(".new");
        let mut disk = Self {
            path,
            beside: beside.into(),
            _held: None,
        };
        let file = match fs::metadata(&disk.path) {
            Ok(about) if !about.is_file() => return Err(Trouble::NoFile),
            Ok(_) => File::open(&disk.path)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((disk, None)),
            Err(error) => return Err(error.into()),
        };
        if !lock(&file) {
            return Err(Trouble::InUse);
        }
        let mut bytes = Vec::new();
        (&file).take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MOST_BYTES {
            return Err(Trouble::Foreign);
        }
        disk._held = Some(file);
        let text = String::from_utf8(bytes).map_err(|_| Trouble::Foreign)?;
        Ok((disk, Some(text)))
    }

    /// Puts this in the place of what is there.
    pub(super) fn store(&mut self, content: &impl Serialize) -> io::Result<()> {
        let mut text = serde_json::to_string(content)?;
        text.pop(); // the brace, which closes behind the checksum
        let sum = checksum(&text);
        let mut file = File::create(&self.beside)?;
        if !lock(&file) {
            return Err(io::Error::other("it is in use by another process"));
        }
        file.write_all(format!("{text}{CHECKSUM}{sum}\"}}\n").as_bytes())?;
        file.sync_all()?;
        fs::rename(&self.beside, &self.path)?;
        self._held = Some(file);
        #[cfg(unix)]
        {
            let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
            File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
        }
        Ok(())
    }
}

fn checksum(text: &str) -> String {
    hex::encode(Digest::Sha256.hash(text.as_bytes()).to_bytes())
}

/// Whether nobody else has it; where there are no locks, nobody has.
fn lock(file: &File) -> bool {
    !matches!(file.try_lock(), Err(TryLockError::WouldBlock))
}

/// The content of a file's text, if it is what was stored, under the schema `NAME/VERSION`.
pub(super) fn read<T: DeserializeOwned>(text: &str, schema: &str) -> Result<T, Trouble> {
    let (family, _) = schema.rsplit_once('/').expect("NAME/VERSION");
    let named: Result<Named, _> = serde_json::from_str(text);
    match named {
        Ok(Named { schema: other }) if other != schema => {
            let is_one = other.rsplit_once('/').is_some_and(|(name, _)| name == family);
            return Err(match is_one {
                true => Trouble::Newer(other),
                false => Trouble::Foreign,
            });
        }
        Ok(_) => {}
        // What a file of this kind begins with.
        Err(_) if text.starts_with(&format!("{{\"schema\":\"{family}/")) => return Err(Trouble::Damaged),
        Err(_) => return Err(Trouble::Foreign),
    }
    let parts = text
        .trim_end()
        .strip_suffix("\"}")
        .and_then(|text| text.rsplit_once(CHECKSUM));
    let (content, sum) = parts.ok_or(Trouble::Damaged)?;
    if checksum(content) != sum {
        return Err(Trouble::Damaged);
    }
    serde_json::from_str(&format!("{content}}}")).map_err(|_| Trouble::Damaged)
}

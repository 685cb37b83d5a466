//! A witness's memory: for each log the checkpoint that it cosigned last, in a file of its own.
//!
//! A file is written beside the old one, synced, and put in its place: after a crash there is the one or the other, whole.
//! Owned by one process, which holds the folder's lock.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};

use crate::transparency::note::{Note, NoteError};

/// The folder of one witness.
#[derive(Debug)]
pub(super) struct Memory {
    dir: PathBuf,
    /// Held as long as this process may write.
    _lock: File,
}

impl Memory {
    /// Opens the folder, made if absent.
    pub(super) fn open(dir: &Path) -> Result<Self, KeptError> {
        let at = |source| KeptError::Io { path: dir.to_owned(), source };
        fs::create_dir_all(dir).map_err(at)?;
        let lock = File::options().create(true).append(true).open(dir.join("lock")).map_err(at)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { dir: dir.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(KeptError::InUse { dir: dir.to_owned() }),
            Err(TryLockError::Error(source)) => Err(at(source)),
        }
    }

    /// The note kept of a log, if it was ever cosigned.
    pub(super) fn read(&self, origin: &str) -> Result<Option<Note>, KeptError> {
        let path = self.dir.join(origin_hash(origin)).join(CHECKPOINT);
        match fs::read(&path) {
            Ok(bytes) => match Note::parse(&bytes) {
                Ok(note) => Ok(Some(note)),
                Err(source) => Err(KeptError::Damaged { path, source }),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(KeptError::Io { path, source }),
        }
    }

    /// Keeps `note` in the old one's place. Durable when it returns.
    ///
    /// # Errors
    /// The old one or the new one is kept; nobody may be told of the new one.
    pub(super) fn keep(&self, origin: &str, note: &Note) -> Result<(), KeptError> {
        self.write(origin, CHECKPOINT, note)
    }

    /// Keeps a checkpoint that contradicts what is kept, as evidence against the log; no more than a few of them.
    pub(super) fn keep_evidence(&self, origin: &str, note: &Note) -> Result<(), KeptError> {
        let name = format!("conflict-{}", hex(&digest(&SHA256, note.text().as_bytes()).as_ref()[..8]));
        let folder = self.dir.join(origin_hash(origin));
        let conflicts = fs::read_dir(&folder).map_or(0, |entries| {
            let is = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().starts_with("conflict-");
            entries.flatten().filter(is).count()
        });
        if conflicts >= MOST_CONFLICTS { Ok(()) } else { self.write(origin, &name, note) }
    }

    fn write(&self, origin: &str, name: &str, note: &Note) -> Result<(), KeptError> {
        let folder = self.dir.join(origin_hash(origin));
        let path = folder.join(name);
        let written = || -> io::Result<()> {
            let fresh = !folder.exists();
            fs::create_dir_all(&folder)?;
            if fresh {
                File::open(&self.dir)?.sync_all()?;
            }
            replace(&path, note.to_string().as_bytes())
        };
        written().map_err(|source| KeptError::Io { path: path.clone(), source })
    }
}

/// Puts a file in the place of another, durably: after a crash there is the old one or the new one, whole.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let mut next = path.as_os_str().to_owned();
    next.push(".next");
    let mut file = File::create(&next)?;
    file.write_all(bytes)?;
    // Synced before it is renamed, so that the name never stands for half a file.
    file.sync_data()?;
    fs::rename(&next, path)?;
    File::open(folder)?.sync_all()
}

/// How tlog-witness names a log in a path: SHA-256 of its origin, lower-case hexadecimal.
pub(crate) fn origin_hash(origin: &str) -> String {
    hex(digest(&SHA256, origin.as_bytes()).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Why a witness cannot use its memory.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// A file cannot be read or written.
    #[error("{} cannot be used", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another process holds it.
    #[error("{} is in use by another witness", dir.display())]
    InUse {
        /// The folder.
        dir: PathBuf,
    },
    /// What is kept cannot be read; forgetting it would let a log go back.
    #[error("{} is damaged: restore it from a backup, do not delete it", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: NoteError,
    },
}

const CHECKPOINT: &str = "checkpoint";
/// Evidence is kept of the first contradictions: one alone convicts.
const MOST_CONFLICTS: usize = 16;

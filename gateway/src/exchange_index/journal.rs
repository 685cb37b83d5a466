//! The journal of searches: who looked for what in the record of exchanges, and when; written before anything is shown.
//!
//! One line of JSON each, which names the hash of the line before it, as the exchange log's do: a line that is changed or
//! removed in the middle is found. Several processes may write; each holds the file's lock while it does.

use std::fs::{File, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::query::{Query, Viewer};
use crate::transparency::Hash;

/// The journal in a file.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
}

/// A search, as it is recorded.
#[derive(Debug, Clone, Serialize)]
pub struct Searched<'a> {
    /// When.
    pub at: Timestamp,
    /// Who, as far as the face knows them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator: Option<&'a str>,
    /// Which face they came by, such as `cli:uid=1000`.
    pub via: &'a str,
    /// Why, as they say.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub reason: &'a str,
    /// What they may see.
    pub viewer: &'a Viewer,
    /// What they looked for.
    pub query: Sought<'a>,
}

/// What somebody looked for.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(untagged)]
pub enum Sought<'a> {
    /// What fits.
    Query(&'a Query),
    /// Entries by their place, as a proof or a bundle shows them.
    Entries {
        /// The first.
        first: u64,
        /// How many.
        count: u64,
    },
}

#[derive(Serialize)]
struct Line<'a, T> {
    prev: String,
    #[serde(flatten)]
    said: &'a T,
}

impl Journal {
    /// The journal at `path`, which is made when the first search is.
    pub fn at(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// Writes a search down; durable when this returns, and only then may its answer be shown.
    ///
    /// # Errors
    /// [`JournalError`]: it may be there or not; the search must not be answered.
    pub fn record(&self, searched: &Searched<'_>) -> Result<(), JournalError> {
        self.write(searched)
    }

    /// Writes anything down in the same way, as who keeps the record does with what they did to it.
    ///
    /// # Errors
    /// [`JournalError`]: it may be there or not; what it is about must not be done.
    pub fn write<T: Serialize>(&self, said: &T) -> Result<(), JournalError> {
        let io = |source| JournalError::Io { path: self.path.clone(), source };
        let fresh = !self.path.exists();
        // It names officials and what they looked for.
        let mut open = File::options();
        let open = open.read(true).append(true).create(true).mode(0o600).open(&self.path);
        let mut file = open.map_err(io)?;
        lock(&file).map_err(io)?;
        let last = last_line(&mut file).map_err(io)?;
        let prev = last.map_or_else(Hash::of_empty_tree, |line| Hash::of_leaf(&line)).to_string();
        let mut line = serde_json::to_vec(&Line { prev, said }).map_err(|source| io(source.into()))?;
        line.push(b'\n');
        file.write_all(&line).map_err(io)?;
        file.sync_data().map_err(io)?;
        if fresh && let Some(folder) = self.path.parent() {
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)?;
        }
        Ok(())
    }

    /// How many searches are recorded, each line held against the one before it. Newest lines that are gone leave no trace.
    ///
    /// # Errors
    /// [`JournalError::Broken`] names the first line that does not fit.
    pub fn verify(&self) -> Result<u64, JournalError> {
        #[derive(Deserialize)]
        struct Link {
            prev: String,
        }
        let io = |source| JournalError::Io { path: self.path.clone(), source };
        let mut file = match File::open(&self.path) {
            Ok(file) => BufReader::new(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            Err(error) => return Err(io(error)),
        };
        let mut prev = Hash::of_empty_tree().to_string();
        let (mut lines, mut line) = (0, Vec::new());
        loop {
            line.clear();
            if file.read_until(b'\n', &mut line).map_err(io)? == 0 {
                return Ok(lines);
            }
            line.pop_if(|byte| *byte == b'\n');
            if line.is_empty() {
                continue;
            }
            lines += 1;
            let link: Option<Link> = serde_json::from_slice(&line).ok();
            // A line that a crash tore was never answered; the next one names it as it is.
            let whole = serde_json::from_slice::<Value>(&line).is_ok();
            if whole && link.is_none_or(|link| link.prev != prev) {
                return Err(JournalError::Broken { path: self.path.clone(), line: lines });
            }
            prev = Hash::of_leaf(&line).to_string();
        }
    }
}

/// Waits a moment for others: a search is rare, and a line is short.
fn lock(file: &File) -> io::Result<()> {
    for _ in 0..200 {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => std::thread::sleep(std::time::Duration::from_millis(10)),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Err(io::ErrorKind::WouldBlock.into())
}

/// The last line, without its newline; what a crash tore is ended first.
fn last_line(file: &mut File) -> io::Result<Option<Vec<u8>>> {
    let length = file.seek(SeekFrom::End(0))?;
    if length == 0 {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(length.saturating_sub(MOST_LINE)))?;
    let mut tail = Vec::new();
    Read::by_ref(file).take(MOST_LINE).read_to_end(&mut tail)?;
    if tail.pop_if(|byte| *byte == b'\n').is_none() {
        file.write_all(b"\n")?;
    }
    let start = memchr::memrchr(b'\n', &tail).map_or(0, |newline| newline + 1);
    Ok(Some(tail.split_off(start)))
}

/// Why a search is not recorded, or the journal not whole.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file.
    #[error("the journal of searches {} cannot be used", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A line does not name the one before it.
    #[error("{} was changed at or before line {line}", path.display())]
    Broken {
        /// Which file.
        path: PathBuf,
        /// Which line.
        line: u64,
    },
}

/// No query is longer than this.
const MOST_LINE: u64 = 1 << 20;

//! The contract of the event store: append, read, revision.

use std::path::PathBuf;

use agreements::Recorded;
use jiff::{SignedDuration, Timestamp};

/// Where events are kept: append-only, numbered from 1, never edited.
///
/// Durability: what [`Store::append`] acknowledged survives a crash of the machine. Consistency: two appends with the
/// same `expected` never both succeed, whoever makes them. Concurrency: any number of processes may read and append.
pub trait Store: Send {
    /// Appends `events` if `expected` is the newest revision, all or none.
    ///
    /// # Errors
    /// [`StoreError::Conflict`]: somebody else appended first; nothing was written. Anything else: it may have been
    /// written; read again to know.
    fn append(&mut self, expected: u64, events: &[Recorded]) -> Result<(), StoreError> {
        self.append_once(expected, events, None)
    }

    /// Appends as [`Store::append`] does, and with the events, all or none, that they answer a request.
    ///
    /// # Errors
    /// As [`Store::append`]; [`StoreError::Repeated`]: something stands under that key, and nothing was written.
    fn append_once(
        &mut self,
        expected: u64,
        events: &[Recorded],
        once: Option<&Once>,
    ) -> Result<(), StoreError>;

    /// What was done under a request's key, by whoever appends to this store, within [`KEPT_FOR`].
    ///
    /// # Errors
    /// The store cannot be read.
    fn done(&mut self, once: &Once) -> Result<Option<Done>, StoreError>;

    /// How many keys an operator used within [`KEPT_FOR`].
    ///
    /// # Errors
    /// The store cannot be read.
    fn keys(&mut self, once: &Once) -> Result<u32, StoreError>;

    /// Events after revision `after`, at most `most`, in order, checked against the chain of hashes.
    ///
    /// # Errors
    /// [`StoreError::Tampered`] names the first event that does not follow on the one before it.
    fn read(&mut self, after: u64, most: usize) -> Result<Vec<Recorded>, StoreError>;

    /// Events that follow on `chain`, at most `most`, as [`Store::read`]; `chain` then ends with the last of them.
    ///
    /// Unlike [`Store::read`], which believes the store about what came before, this notices when all was rewritten.
    ///
    /// # Errors
    /// As [`Store::read`], and also where the store's hash at the end of `chain` is another one.
    fn follow(&mut self, chain: &mut Chain, most: usize) -> Result<Vec<Recorded>, StoreError>;

    /// Checks the links of events that follow on `chain`, at most `most`, without reading what they say; `chain` then
    /// ends with the last of them. Says how many there were.
    ///
    /// # Errors
    /// As [`Store::follow`].
    fn skim(&mut self, chain: &mut Chain, most: usize) -> Result<usize, StoreError>;

    /// The hash at a revision that the store holds, as it says itself.
    ///
    /// # Errors
    /// [`StoreError::Tampered`] if it does not hold that revision.
    fn hash(&mut self, revision: u64) -> Result<Vec<u8>, StoreError>;

    /// The same store, for another thread.
    ///
    /// # Errors
    /// It cannot be opened again.
    fn another(&self) -> Result<Box<dyn Store>, StoreError>;

    /// The newest revision; 0 for an empty store.
    ///
    /// # Errors
    /// The store cannot be read. [`StoreError::Replaced`]: it is not the one that stands in its place now.
    fn revision(&mut self) -> Result<u64, StoreError>;
}

/// A request that is carried out once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Once {
    /// Who asks: another's keys are others.
    pub operator: String,
    /// The key that they chose.
    pub key: String,
    /// The digest of what they ask.
    pub request: [u8; 32],
    /// When.
    pub at: Timestamp,
}

/// What was done under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// The digest of what was asked.
    pub request: Vec<u8>,
    /// The number of the first event.
    pub first: u64,
    /// The number of the last.
    pub last: u64,
}

/// How long a key is remembered.
pub const KEPT_FOR: SignedDuration = SignedDuration::from_hours(24);

/// How far events are known, and the hash that binds the last of them to all before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chain {
    /// The number of the last event; 0 before the first.
    pub revision: u64,
    /// Its hash; empty before the first.
    pub hash: Vec<u8>,
}

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else appended first.
    #[error("the registry is at revision {found}, not {expected}")]
    Conflict {
        /// The revision that the command was checked on.
        expected: u64,
        /// The newest revision.
        found: u64,
    },
    /// A request under the same key was carried out first.
    #[error("this key was used before")]
    Repeated,
    /// An event was changed, removed or inserted behind the program's back.
    #[error("event {0} does not follow on the one before it: the store was changed from outside")]
    Tampered(u64),
    /// Another store stands in this one's place: what is read here is nobody's registry any more.
    #[error("the registry was replaced by another file: restart")]
    Replaced,
    /// The store holds something that this version cannot read.
    #[error("event {sequence} cannot be read")]
    Unreadable {
        /// Its number.
        sequence: u64,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// The disk has no room.
    #[error("the registry's disk is full: nothing was written; make room")]
    Full,
    /// Nothing stands where the registry should.
    #[error("there is no registry at {0}: is its disk mounted?")]
    Missing(PathBuf),
    /// An empty file stands where the registry should.
    #[error("the registry's file {0} is empty")]
    Empty(PathBuf),
    /// Something else stands where the registry should.
    #[error("the file is no registry")]
    NoRegistry,
    /// A newer version of this program wrote it.
    #[error("the registry is of a newer version ({0}) of this program")]
    Newer(i64),
    /// What is acknowledged might be lost with the machine.
    #[error("the registry cannot be kept durably here: SQLite's journal is {0:?}, not a write-ahead log")]
    NotDurable(String),
    /// SQLite finds its own file damaged.
    #[error("the registry's file is damaged: {0}")]
    Damaged(String),
    /// A copy did not come to its end.
    #[error("the registry was not copied: {0}")]
    Copy(String),
    /// The file cannot be made or read.
    #[error("registry file")]
    Io(#[from] std::io::Error),
    /// SQLite reports a failure.
    #[error("registry store")]
    Sqlite(#[source] rusqlite::Error),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::Full,
            _ => Self::Sqlite(error),
        }
    }
}

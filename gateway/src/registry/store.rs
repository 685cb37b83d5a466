//! The contract of the event store: append, read, revision.

use agreements::Recorded;

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
    fn append(&mut self, expected: u64, events: &[Recorded]) -> Result<(), StoreError>;

    /// Events after revision `after`, at most `most`, in order, checked against the chain of hashes.
    ///
    /// # Errors
    /// [`StoreError::Tampered`] names the first event that does not follow on the one before it.
    fn read(&mut self, after: u64, most: usize) -> Result<Vec<Recorded>, StoreError>;

    /// The newest revision; 0 for an empty store.
    ///
    /// # Errors
    /// The store cannot be read. [`StoreError::Replaced`]: it is not the one that stands in its place now.
    fn revision(&mut self) -> Result<u64, StoreError>;
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
    /// SQLite reports a failure.
    #[error("registry store")]
    Sqlite(#[from] rusqlite::Error),
}

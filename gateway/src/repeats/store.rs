//! The file of repeats.
//!
//! Owner: the keeper's thread alone. Durability: what a committed batch wrote survives a crash. Trust: whoever can write
//! this file can have a request carried out twice, or its repeat refused; they can forge no answer without the store's
//! key, and read none without the consumer's.

use std::collections::HashMap;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, TransactionBehavior, params};
use uuid::Uuid;

use super::seal::{Mark, Place};

pub(super) struct Store {
    connection: Connection,
}

/// Why the store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be made readable by its owner alone.
    #[error("the store of repeats cannot be made")]
    Io(#[from] std::io::Error),
    /// SQLite reports a failure.
    #[error("the store of repeats failed")]
    Sqlite(#[from] rusqlite::Error),
}

/// What is known of a request that bore a key.
pub(super) struct Row {
    pub(super) request: Option<Mark>,
    pub(super) terms: String,
    pub(super) exchange: Uuid,
    pub(super) state: State,
    pub(super) answer: Option<Vec<u8>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Begun,
    Answered,
    Done,
}

/// What one consumer has in the store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Usage {
    pub(super) keys: u64,
    pub(super) bytes: u64,
}

/// A batch on its way in: all of it, or nothing.
pub(super) struct Batch<'s>(Transaction<'s>);

impl Store {
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        // SQLite gives its journals the rights of the file.
        std::fs::OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
        let connection = Connection::open(path)?;
        connection.busy_timeout(PATIENCE)?;
        connection.execute_batch(include_str!("sql/schema.sql"))?;
        Ok(Self { connection })
    }

    /// Reads a little of the file, and changes nothing.
    pub(super) fn look(path: &Path) -> Result<(), StoreError> {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.busy_timeout(PATIENCE)?;
        Ok(connection.pragma_query(None, "schema_version", |_| Ok(()))?)
    }

    pub(super) fn usage(&self) -> Result<HashMap<String, Usage>, StoreError> {
        let mut read = self.connection.prepare_cached(include_str!("sql/usage.sql"))?;
        let rows = read.query_map([], |row| {
            Ok((row.get::<_, String>(0)?, Usage { keys: row.get(1)?, bytes: row.get(2)? }))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub(super) fn batch(&mut self) -> Result<Batch<'_>, StoreError> {
        Ok(Batch(self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?))
    }

    /// Removes what is over; how many there were.
    pub(super) fn sweep(&self, now: Timestamp) -> Result<usize, StoreError> {
        Ok(self.connection.execute(include_str!("sql/sweep.sql"), [now.as_microsecond()])?)
    }
}

impl Batch<'_> {
    pub(super) fn get(&self, place: Place, now: Timestamp) -> Result<Option<Row>, StoreError> {
        let mut get = self.0.prepare_cached(include_str!("sql/get.sql"))?;
        let row = get.query_row(params![place.0, now.as_microsecond()], |row| {
            let state = match row.get::<_, u8>(3)? {
                1 => State::Answered,
                2 => State::Done,
                // What nobody wrote tells nothing: as if it had been begun.
                _ => State::Begun,
            };
            Ok(Row {
                request: row.get::<_, Option<[u8; 32]>>(0)?.map(Mark),
                terms: row.get(1)?,
                exchange: Uuid::from_bytes(row.get(2)?),
                state,
                answer: row.get(4)?,
            })
        });
        Ok(row.optional()?)
    }

    pub(super) fn begin(
        &self,
        place: Place,
        consumer: &str,
        request: Option<Mark>,
        terms: &str,
        exchange: Uuid,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        // One that is over may still be there.
        self.forget(place)?;
        let mut begin = self.0.prepare_cached(include_str!("sql/begin.sql"))?;
        let request = request.map(|mark| mark.0);
        begin.execute(params![
            place.0,
            consumer,
            request,
            terms,
            exchange.as_bytes(),
            until.as_microsecond()
        ])?;
        Ok(())
    }

    pub(super) fn again(&self, place: Place, until: Timestamp) -> Result<(), StoreError> {
        let mut again = self.0.prepare_cached(include_str!("sql/again.sql"))?;
        again.execute(params![place.0, until.as_microsecond()])?;
        Ok(())
    }

    pub(super) fn end(&self, place: Place, request: Mark, answer: Option<&[u8]>) -> Result<(), StoreError> {
        let state: u8 = if answer.is_some() { 1 } else { 2 };
        let mut end = self.0.prepare_cached(include_str!("sql/end.sql"))?;
        end.execute(params![place.0, request.0, state, answer])?;
        Ok(())
    }

    pub(super) fn forget(&self, place: Place) -> Result<(), StoreError> {
        self.0.prepare_cached(include_str!("sql/forget.sql"))?.execute([place.0])?;
        Ok(())
    }

    pub(super) fn commit(self) -> Result<(), StoreError> {
        Ok(self.0.commit()?)
    }
}

const PATIENCE: Duration = Duration::from_secs(5);

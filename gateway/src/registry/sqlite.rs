//! The event store on SQLite: the embedded default.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use agreements::Recorded;
use aws_lc_rs::digest::{Context, SHA256};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::store::{Store, StoreError};

/// An SQLite file with the events.
#[derive(Debug)]
pub struct SqliteStore {
    connection: Connection,
    path: PathBuf,
    /// Device and inode of the open file: others at the path mean that somebody put another file there.
    file: Option<(u64, u64)>,
}

impl SqliteStore {
    /// Opens the file, made if there is none.
    ///
    /// # Errors
    /// The file cannot be opened or is no registry.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let before = file_at(path);
        let connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.execute_batch(include_str!("sql/schema.sql"))?;
        let file = file_at(path);
        if before.is_some() && before != file {
            return Err(StoreError::Replaced);
        }
        Ok(Self { connection, path: path.to_owned(), file })
    }

    /// SQLite goes on with the file that it opened, also when a restored copy took its place.
    fn in_place(&self) -> Result<(), StoreError> {
        if file_at(&self.path) == self.file { Ok(()) } else { Err(StoreError::Replaced) }
    }
}

impl Store for SqliteStore {
    fn append(&mut self, expected: u64, events: &[Recorded]) -> Result<(), StoreError> {
        self.in_place()?;
        // Immediate: the revision that is read here is the one that is written on.
        let append = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let newest: Option<(u64, Vec<u8>)> = append
            .query_row(include_str!("sql/newest.sql"), [], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let (found, mut hash) = newest.unwrap_or_default();
        if found != expected {
            return Err(StoreError::Conflict { expected, found });
        }
        for event in events {
            let body = serde_json::to_string(event)
                .map_err(|source| StoreError::Unreadable { sequence: event.sequence, source })?;
            hash = link(&hash, body.as_bytes());
            append.execute(include_str!("sql/append.sql"), params![event.sequence, body, hash])?;
        }
        // Durable from here (synchronous = FULL): a crash after this line loses nothing.
        append.commit()?;
        Ok(())
    }

    fn read(&mut self, after: u64, most: usize) -> Result<Vec<Recorded>, StoreError> {
        let mut hash: Vec<u8> = match after {
            0 => Vec::new(),
            _ => self
                .connection
                .query_row(include_str!("sql/hash.sql"), [after], |row| row.get(0))
                .optional()?
                .ok_or(StoreError::Tampered(after))?,
        };
        let mut read = self.connection.prepare_cached(include_str!("sql/read.sql"))?;
        let mut rows = read.query(params![after, most])?;
        let mut events = Vec::new();
        let mut due = after + 1;
        while let Some(row) = rows.next()? {
            let (sequence, body, kept): (u64, String, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?);
            hash = link(&hash, body.as_bytes());
            if sequence != due || hash != kept {
                return Err(StoreError::Tampered(due));
            }
            let event: Recorded =
                serde_json::from_str(&body).map_err(|source| StoreError::Unreadable { sequence, source })?;
            if event.sequence != sequence {
                return Err(StoreError::Tampered(due));
            }
            events.push(event);
            due += 1;
        }
        Ok(events)
    }

    fn revision(&mut self) -> Result<u64, StoreError> {
        self.in_place()?;
        let mut newest = self.connection.prepare_cached(include_str!("sql/revision.sql"))?;
        Ok(newest.query_row([], |row| row.get(0))?)
    }
}

fn file_at(path: &Path) -> Option<(u64, u64)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

/// Each event is bound to all before it: an edit shows at the next read.
fn link(before: &[u8], body: &[u8]) -> Vec<u8> {
    let mut hash = Context::new(&SHA256);
    hash.update(before);
    hash.update(body);
    hash.finish().as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use agreements::{Actor, Bin, Event, Holder, OperatorId, Role};

    use super::*;

    fn event(sequence: u64) -> Recorded {
        let bin = Bin::new("000140000011").unwrap();
        Recorded {
            sequence,
            at: "2026-03-02T05:00:00Z".parse().unwrap(),
            actor: Actor {
                id: OperatorId::new("admin").unwrap(),
                role: Role::Administrator,
                holder: bin,
                via: "test".into(),
            },
            reason: "first".into(),
            event: Event::HolderRegistered { holder: Holder { bin, name: "Body".into(), region: None } },
        }
    }

    #[test]
    fn what_was_appended_is_read_back_by_another_connection() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("registry.sqlite");
        let mut one = SqliteStore::open(&path).unwrap();
        one.append(0, &[event(1), event(2)]).unwrap();
        let mut other = SqliteStore::open(&path).unwrap();
        assert_eq!(other.read(0, 100).unwrap(), [event(1), event(2)]);
        assert_eq!(other.read(1, 100).unwrap(), [event(2)]);
        assert_eq!(other.revision().unwrap(), 2);
    }

    #[test]
    fn of_two_appends_on_one_revision_the_second_is_refused_and_writes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("registry.sqlite");
        let (mut one, mut other) = (SqliteStore::open(&path).unwrap(), SqliteStore::open(&path).unwrap());
        one.append(0, &[event(1)]).unwrap();
        let refused = other.append(0, &[event(1)]);
        assert!(matches!(refused, Err(StoreError::Conflict { expected: 0, found: 1 })), "{refused:?}");
        assert_eq!(other.revision().unwrap(), 1);
    }

    #[test]
    fn a_store_whose_file_was_replaced_or_removed_neither_confirms_nor_appends() {
        let dir = tempfile::tempdir().unwrap();
        let (path, copy) = (dir.path().join("registry.sqlite"), dir.path().join("copy.sqlite"));
        for stores in [&path, &copy] {
            SqliteStore::open(stores).unwrap().append(0, &[event(1)]).unwrap();
        }
        let mut store = SqliteStore::open(&path).unwrap();
        assert_eq!(store.revision().unwrap(), 1);
        std::fs::rename(&copy, &path).unwrap();
        assert!(matches!(store.revision(), Err(StoreError::Replaced)));
        assert!(matches!(store.append(1, &[event(2)]), Err(StoreError::Replaced)));
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(store.revision(), Err(StoreError::Replaced)));
    }

    #[test]
    fn an_edit_a_removal_and_an_insertion_behind_the_programs_back_are_found() {
        for damage in [
            "UPDATE events SET body = replace(body, 'first', 'other') WHERE sequence = 2",
            "DELETE FROM events WHERE sequence = 2",
            "INSERT INTO events SELECT 4, body, hash FROM events WHERE sequence = 3",
        ] {
            let dir = tempfile::tempdir().unwrap();
            let mut store = SqliteStore::open(&dir.path().join("registry.sqlite")).unwrap();
            store.append(0, &[event(1), event(2), event(3)]).unwrap();
            store.connection.execute("DROP TRIGGER IF EXISTS events_are_never_edited", []).unwrap();
            store.connection.execute("DROP TRIGGER IF EXISTS events_are_never_removed", []).unwrap();
            store.connection.execute(damage, []).unwrap();
            assert!(matches!(store.read(0, 100), Err(StoreError::Tampered(_))), "{damage}");
        }
    }
}

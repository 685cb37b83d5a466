//! The event store on SQLite: the embedded default.

use std::fs::OpenOptions;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use agreements::Recorded;
use aws_lc_rs::digest::{Context, SHA256};
use rusqlite::backup::{Backup, Progress, StepResult};
use rusqlite::{Connection, OpenFlags, OptionalExtension, TransactionBehavior, params};

use super::store::{Chain, Done, KEPT_FOR, Once, Store, StoreError};

/// An SQLite file with the events.
#[derive(Debug)]
pub struct SqliteStore {
    connection: Connection,
    path: PathBuf,
    /// Device and inode of the open file: others at the path mean that somebody put another file there.
    file: Option<(u64, u64)>,
}

impl SqliteStore {
    /// Opens the file. What is not there is not made: a folder that was not mounted would begin another registry.
    ///
    /// # Errors
    /// The file is not there, cannot be opened, or is no registry.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let before = file_at(path).ok_or_else(|| StoreError::Missing(path.to_owned()))?;
        let flags = OpenFlags::default() & !OpenFlags::SQLITE_OPEN_CREATE;
        let connection = Connection::open_with_flags(path, flags)?;
        if !holds_events(&connection)? {
            return Err(StoreError::Empty(path.to_owned()));
        }
        Self::prepared(connection, path, Some(before))
    }

    /// Opens the file, made if there is none: for who begins a registry.
    ///
    /// # Errors
    /// The file cannot be made or opened, or is no registry.
    pub fn create(path: &Path) -> Result<Self, StoreError> {
        let before = file_at(path);
        if before.is_none() {
            make_private(path)?;
        }
        Self::prepared(Connection::open(path)?, path, before)
    }

    fn prepared(connection: Connection, path: &Path, before: Option<(u64, u64)>) -> Result<Self, StoreError> {
        connection.busy_timeout(Duration::from_secs(5))?;
        prepare(&connection)?;
        let file = file_at(path);
        if before.is_some() && before != file {
            return Err(StoreError::Replaced);
        }
        Ok(Self { connection, path: path.to_owned(), file })
    }

    fn agrees(&mut self, chain: &Chain) -> Result<(), StoreError> {
        if self.hash(chain.revision)? == chain.hash {
            Ok(())
        } else {
            Err(StoreError::Tampered(chain.revision))
        }
    }

    fn read_on(&self, chain: &mut Chain, most: usize) -> Result<Vec<Recorded>, StoreError> {
        let mut events = Vec::new();
        self.walk(chain, most, |sequence, body| {
            let event: Recorded =
                serde_json::from_str(body).map_err(|source| StoreError::Unreadable { sequence, source })?;
            if event.sequence != sequence {
                return Err(StoreError::Tampered(sequence));
            }
            events.push(event);
            Ok(())
        })?;
        Ok(events)
    }

    /// Visits events in order, each only if it is bound to all before it.
    fn walk(
        &self,
        chain: &mut Chain,
        most: usize,
        mut visit: impl FnMut(u64, &str) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut read = self.connection.prepare_cached(include_str!("sql/read.sql"))?;
        let mut rows = read.query(params![chain.revision, most])?;
        let mut at = chain.clone();
        while let Some(row) = rows.next()? {
            let due = at.revision + 1;
            let (body, kept) = (row.get_ref(1)?, row.get_ref(2)?);
            let (Ok(body), Ok(kept)) = (body.as_str(), kept.as_blob()) else {
                return Err(StoreError::Tampered(due));
            };
            at = Chain { revision: due, hash: link(&at.hash, body.as_bytes()) };
            if row.get::<_, u64>(0)? != due || at.hash != kept {
                return Err(StoreError::Tampered(due));
            }
            visit(due, body)?;
        }
        *chain = at;
        Ok(())
    }

    /// SQLite goes on with the file that it opened, also when a restored copy took its place.
    fn in_place(&self) -> Result<(), StoreError> {
        if file_at(&self.path) == self.file { Ok(()) } else { Err(StoreError::Replaced) }
    }
}

impl Store for SqliteStore {
    fn append_once(
        &mut self,
        expected: u64,
        events: &[Recorded],
        once: Option<&Once>,
    ) -> Result<(), StoreError> {
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
        if let (Some(once), Some(first), Some(last)) = (once, events.first(), events.last()) {
            append.execute(include_str!("sql/requests_sweep.sql"), [since(once)])?;
            let second = once.at.as_second();
            let row =
                params![once.operator, once.key, &once.request[..], first.sequence, last.sequence, second];
            if append.execute(include_str!("sql/request_keep.sql"), row)? == 0 {
                return Err(StoreError::Repeated);
            }
        }
        // Durable from here (synchronous = FULL): a crash after this line loses nothing.
        append.commit()?;
        Ok(())
    }

    fn done(&mut self, once: &Once) -> Result<Option<Done>, StoreError> {
        let mut done = self.connection.prepare_cached(include_str!("sql/request_get.sql"))?;
        let found = done.query_row(params![once.operator, once.key, since(once)], |row| {
            Ok(Done { request: row.get(0)?, first: row.get(1)?, last: row.get(2)? })
        });
        Ok(found.optional()?)
    }

    fn keys(&mut self, once: &Once) -> Result<u32, StoreError> {
        let mut count = self.connection.prepare_cached(include_str!("sql/requests_count.sql"))?;
        Ok(count.query_row(params![once.operator, since(once)], |row| row.get(0))?)
    }

    fn read(&mut self, after: u64, most: usize) -> Result<Vec<Recorded>, StoreError> {
        let hash = self.hash(after)?;
        self.read_on(&mut Chain { revision: after, hash }, most)
    }

    fn follow(&mut self, chain: &mut Chain, most: usize) -> Result<Vec<Recorded>, StoreError> {
        self.agrees(chain)?;
        self.read_on(chain, most)
    }

    fn skim(&mut self, chain: &mut Chain, most: usize) -> Result<usize, StoreError> {
        self.agrees(chain)?;
        let before = chain.revision;
        self.walk(chain, most, |_, _| Ok(()))?;
        Ok(usize::try_from(chain.revision - before).unwrap_or(usize::MAX))
    }

    fn hash(&mut self, revision: u64) -> Result<Vec<u8>, StoreError> {
        if revision == 0 {
            return Ok(Vec::new());
        }
        let mut hash = self.connection.prepare_cached(include_str!("sql/hash.sql"))?;
        let found = hash.query_row([revision], |row| row.get(0)).optional()?;
        found.ok_or(StoreError::Tampered(revision))
    }

    fn another(&self) -> Result<Box<dyn Store>, StoreError> {
        Ok(Box::new(Self::open(&self.path)?))
    }

    fn revision(&mut self) -> Result<u64, StoreError> {
        self.in_place()?;
        let mut newest = self.connection.prepare_cached(include_str!("sql/revision.sql"))?;
        Ok(newest.query_row([], |row| row.get(0))?)
    }
}

/// Copies an SQLite file as it is at one moment, while others write; `told` hears how many pages of all are done.
///
/// # Errors
/// [`StoreError`]: the copy is not to be used.
pub fn copy(from: &Path, to: &Path, told: &mut dyn FnMut(u64, u64)) -> Result<(), StoreError> {
    let source = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    source.busy_timeout(Duration::from_secs(5))?;
    // What others commit meanwhile is not seen in here: the copy never begins again.
    let moment = source.unchecked_transaction()?;
    moment.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, u64>(0))?;
    make_private(to)?;
    let mut target = Connection::open(to)?;
    {
        let copying = Backup::new(&source, &mut target)?;
        loop {
            let step = copying.step(PAGES)?;
            let Progress { remaining, pagecount } = copying.progress();
            told(count(pagecount - remaining), count(pagecount));
            match step {
                StepResult::Done => break,
                StepResult::More => {}
                StepResult::Busy | StepResult::Locked => std::thread::yield_now(),
                other => return Err(StoreError::Copy(format!("{other:?}"))),
            }
        }
    }
    let sound: String = target.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if sound != "ok" {
        return Err(StoreError::Damaged(sound));
    }
    // One file from here: no log beside it.
    target.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get::<_, String>(0))?;
    drop(target);
    std::fs::File::open(to)?.sync_all()?;
    Ok(())
}

fn count(pages: std::ffi::c_int) -> u64 {
    u64::try_from(pages).unwrap_or_default()
}

/// Makes the file readable by its owner alone, before SQLite would make it for everybody; its log beside it follows suit.
fn make_private(path: &Path) -> Result<(), StoreError> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Whether there is anything in the file: one that was cut to nothing is no registry to go on with.
fn holds_events(connection: &Connection) -> Result<bool, StoreError> {
    connection.busy_timeout(Duration::from_secs(5))?;
    let tables =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))?;
    Ok(tables > 0)
}

/// Makes sure that the file is a registry of this version, and that what is acknowledged is durable.
fn prepare(connection: &Connection) -> Result<(), StoreError> {
    let number = |pragma: &str| connection.query_row(pragma, [], |row| row.get::<_, i64>(0));
    let (application, version) = (number("PRAGMA application_id")?, number("PRAGMA user_version")?);
    let tables = number("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name <> 'events'")?;
    match (application, version) {
        // Empty, or of a version that left no mark.
        (0, 0) if tables == 0 => {}
        (APPLICATION, ..=VERSION) => {}
        (APPLICATION, newer) => return Err(StoreError::Newer(newer)),
        _ => return Err(StoreError::NoRegistry),
    }
    connection.execute_batch(include_str!("sql/durable.sql"))?;
    let journal: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
    if journal != "wal" || number("PRAGMA synchronous")? < FULL {
        return Err(StoreError::NotDurable(journal));
    }
    if application != APPLICATION || version != VERSION {
        // Migrations come here, one after the other, each within this transaction.
        connection.execute_batch(include_str!("sql/schema.sql"))?;
    }
    Ok(())
}

/// `application_id` of a registry: "KELI".
const APPLICATION: i64 = 0x4b45_4c49;

/// `user_version` of a registry as this version writes it: 2 since there are requests.
const VERSION: i64 = 2;

/// `PRAGMA synchronous`: a commit is on the disk when it is acknowledged.
const FULL: i64 = 2;

/// Pages copied between two words about it: 4 MiB.
const PAGES: std::ffi::c_int = 1024;

/// The second before which keys are forgotten.
fn since(once: &Once) -> i64 {
    once.at.as_second() - KEPT_FOR.as_secs()
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
    use jiff::Timestamp;

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
        let mut one = SqliteStore::create(&path).unwrap();
        one.append(0, &[event(1), event(2)]).unwrap();
        let mut other = SqliteStore::create(&path).unwrap();
        assert_eq!(other.read(0, 100).unwrap(), [event(1), event(2)]);
        assert_eq!(other.read(1, 100).unwrap(), [event(2)]);
        assert_eq!(other.revision().unwrap(), 2);
    }

    #[test]
    fn of_two_appends_on_one_revision_the_second_is_refused_and_writes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("registry.sqlite");
        let (mut one, mut other) = (SqliteStore::create(&path).unwrap(), SqliteStore::create(&path).unwrap());
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
            SqliteStore::create(stores).unwrap().append(0, &[event(1)]).unwrap();
        }
        let mut store = SqliteStore::create(&path).unwrap();
        assert_eq!(store.revision().unwrap(), 1);
        std::fs::rename(&copy, &path).unwrap();
        assert!(matches!(store.revision(), Err(StoreError::Replaced)));
        assert!(matches!(store.append(1, &[event(2)]), Err(StoreError::Replaced)));
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(store.revision(), Err(StoreError::Replaced)));
    }

    #[test]
    fn a_full_disk_is_said_and_nothing_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("registry.sqlite");
        let mut store = SqliteStore::create(&path).unwrap();
        store.append(0, &[event(1)]).unwrap();
        store.connection.execute_batch("PRAGMA max_page_count = 1").unwrap();
        let events: Vec<_> = (2..2_000).map(event).collect();
        assert!(matches!(store.append(1, &events), Err(StoreError::Full)));
        assert_eq!(store.revision().unwrap(), 1);
        assert_eq!(store.read(0, 10).unwrap(), [event(1)]);
        store.connection.execute_batch("PRAGMA max_page_count = 1000000").unwrap();
        store.append(1, &[event(2)]).unwrap();
    }

    #[test]
    fn a_registry_is_private_durable_and_known_as_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("registry.sqlite");
        let store = SqliteStore::create(&path).unwrap();
        for name in ["registry.sqlite", "registry.sqlite-wal", "registry.sqlite-shm"] {
            let mode = std::fs::metadata(dir.path().join(name)).unwrap().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
        store.connection.execute_batch("PRAGMA user_version = 3").unwrap();
        drop(store);
        assert!(matches!(SqliteStore::open(&path), Err(StoreError::Newer(3))));
        let other = dir.path().join("other.sqlite");
        Connection::open(&other).unwrap().execute_batch("CREATE TABLE sessions (id)").unwrap();
        assert!(matches!(SqliteStore::open(&other), Err(StoreError::NoRegistry)));
    }

    #[test]
    fn a_registry_that_is_not_there_or_was_cut_to_nothing_is_not_begun_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("registry.sqlite");
        assert!(matches!(SqliteStore::open(&path), Err(StoreError::Missing(at)) if at == path));
        assert!(!path.exists(), "nothing was made");
        std::fs::write(&path, "").unwrap();
        assert!(matches!(SqliteStore::open(&path), Err(StoreError::Empty(at)) if at == path));
        assert_eq!(std::fs::read(&path).unwrap(), b"", "nothing was written");
    }

    #[test]
    fn a_request_is_kept_with_its_events_or_neither_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("registry.sqlite");
        let mut store = SqliteStore::create(&path).unwrap();
        let once = |key: &str, hour: i64| Once {
            operator: "saule".into(),
            key: key.into(),
            request: [7; 32],
            at: Timestamp::from_second(1_800_000_000 + hour * 3_600).unwrap(),
        };
        store.append_once(0, &[event(1), event(2)], Some(&once("k", 0))).unwrap();
        let refused = store.append_once(2, &[event(3)], Some(&once("k", 1)));
        assert!(matches!(refused, Err(StoreError::Repeated)));
        assert_eq!(store.revision().unwrap(), 2, "nothing is written twice under a key");
        let refused = store.append_once(1, &[event(2)], Some(&once("other", 1)));
        assert!(matches!(refused, Err(StoreError::Conflict { .. })));
        assert_eq!(store.done(&once("other", 1)).unwrap(), None, "what was not done has no key");
        let mut other = SqliteStore::create(&path).unwrap();
        let done = Done { request: vec![7; 32], first: 1, last: 2 };
        assert_eq!(other.done(&once("k", 24)).unwrap(), Some(done));
        assert_eq!((other.keys(&once("", 0)).unwrap(), other.done(&once("k", 25)).unwrap()), (1, None));
        store.append_once(2, &[event(3)], Some(&once("k", 25))).unwrap();
    }

    #[test]
    fn a_registry_of_the_version_before_takes_requests() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("registry.sqlite");
        let mut store = SqliteStore::create(&path).unwrap();
        store.append(0, &[event(1)]).unwrap();
        store.connection.execute_batch("DROP TABLE requests; PRAGMA user_version = 1").unwrap();
        drop(store);
        let mut store = SqliteStore::create(&path).unwrap();
        let at = "2026-03-02T05:00:00Z".parse().unwrap();
        let once = Once { operator: "saule".into(), key: "k".into(), request: [7; 32], at };
        store.append_once(1, &[event(2)], Some(&once)).unwrap();
        assert_eq!(store.done(&once).unwrap().unwrap().first, 2);
    }

    #[test]
    fn a_registry_of_before_there_were_marks_is_marked() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("registry.sqlite");
        let mut store = SqliteStore::create(&path).unwrap();
        store.append(0, &[event(1)]).unwrap();
        let before = "DROP TABLE requests; PRAGMA user_version = 0; PRAGMA application_id = 0";
        store.connection.execute_batch(before).unwrap();
        drop(store);
        let mut store = SqliteStore::create(&path).unwrap();
        assert_eq!(store.read(0, 10).unwrap(), [event(1)]);
        let mark: i64 = store.connection.query_row("PRAGMA application_id", [], |row| row.get(0)).unwrap();
        assert_eq!(mark, APPLICATION);
    }

    #[test]
    fn a_store_that_was_rewritten_whole_does_not_follow_on_what_was_read() {
        let dir = tempfile::tempdir().unwrap();
        let (path, other) = (dir.path().join("registry.sqlite"), dir.path().join("other.sqlite"));
        let mut chain = Chain::default();
        SqliteStore::create(&path).unwrap().append(0, &[event(1)]).unwrap();
        SqliteStore::create(&path).unwrap().follow(&mut chain, 10).unwrap();
        let rewritten = Recorded { reason: "another".into(), ..event(1) };
        let mut other = SqliteStore::create(&other).unwrap();
        other.append(0, &[rewritten, event(2)]).unwrap();
        assert!(matches!(other.follow(&mut chain, 10), Err(StoreError::Tampered(1))));
        assert!(matches!(other.skim(&mut chain, 10), Err(StoreError::Tampered(1))));
        assert_eq!(other.read(1, 10).unwrap(), [event(2)]);
    }

    #[test]
    fn an_edit_a_removal_and_an_insertion_behind_the_programs_back_are_found() {
        for damage in [
            "UPDATE events SET body = replace(body, 'first', 'other') WHERE sequence = 2",
            "DELETE FROM events WHERE sequence = 2",
            "INSERT INTO events SELECT 4, body, hash FROM events WHERE sequence = 3",
        ] {
            let dir = tempfile::tempdir().unwrap();
            let mut store = SqliteStore::create(&dir.path().join("registry.sqlite")).unwrap();
            store.append(0, &[event(1), event(2), event(3)]).unwrap();
            store.connection.execute("DROP TRIGGER IF EXISTS events_are_never_edited", []).unwrap();
            store.connection.execute("DROP TRIGGER IF EXISTS events_are_never_removed", []).unwrap();
            store.connection.execute(damage, []).unwrap();
            assert!(matches!(store.read(0, 100), Err(StoreError::Tampered(_))), "{damage}");
        }
    }
}

//! The index file: how far it reaches, and how it is taken further.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use rusqlite::{Connection, OpenFlags, OptionalExtension, TransactionBehavior, params};

use super::growing::Growing;
use super::words::Kind;
use crate::exchange_log::{Entry, LinePlace, SearchError, Walk, entry_at, hash_of};
use crate::personal::PersonalKeys;

/// An index of the log in a folder.
#[derive(Debug)]
pub struct Index {
    pub(super) connection: Connection,
    pub(super) log: PathBuf,
    reach: Option<Last>,
    /// Without them sealed parts are neither taken in nor looked for.
    pub(super) personal: Option<Arc<PersonalKeys>>,
}

/// How far an index reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// Entries that are in.
    pub entries: u64,
    /// Exchanges and refused calls among them.
    pub items: u64,
}

/// Whether entries were taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Added {
    /// They are in; so many.
    All(usize),
    /// None is: somebody else took entries in since this index was last looked at. Go on from where it is now.
    Overtaken,
}

/// The last entry that is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Last {
    entry: u64,
    place: LinePlace,
    leaf: [u8; 32],
}

/// How the words of one index are numbered: by a hash under a key of its own, so that nobody chooses words that meet.
///
/// Of ten million words, the chance that another has the number of the one looked for is one in seven thousand million.
#[derive(Debug, Clone, Copy)]
pub(super) struct Numbering([u8; 16]);

impl Numbering {
    /// Words of one kind stand side by side.
    pub(super) fn of(self, kind: Kind, word: &str) -> i64 {
        let mut hash = Context::new(&SHA256);
        hash.update(&self.0);
        hash.update(&[kind as u8]);
        hash.update(word.as_bytes());
        let hash = hash.finish();
        let mut number: [u8; 8] = *hash.as_ref().first_chunk().expect("SHA-256 has 32 bytes");
        number[0] = kind as u8;
        i64::from_be_bytes(number)
    }
}

impl Index {
    /// Opens the index at `path` of the log in `log`, made if absent; one that is of another log, or of another form, is
    /// emptied: it will be made again.
    ///
    /// # Errors
    /// [`IndexError`].
    pub fn open(path: &Path, log: &Path) -> Result<Self, IndexError> {
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(PATIENCE)?;
        connection.execute_batch(include_str!("sql/settings.sql"))?;
        connection.execute_batch(include_str!("sql/filling.sql"))?;
        let form = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if form_of(&form)? != FORM {
            form.execute_batch(include_str!("sql/drop.sql"))?;
            form.execute_batch(include_str!("sql/schema.sql"))?;
            form.pragma_update(None, "user_version", FORM)?;
        }
        form.commit()?;
        let mut index = Self::over(connection, log)?;
        if !index.fits() {
            index.clear()?;
        }
        Ok(index)
    }

    /// Opens an index to search in it; `None`: there is none, or it is of another log or form.
    ///
    /// # Errors
    /// [`IndexError`].
    pub fn open_to_search(path: &Path, log: &Path) -> Result<Option<Self>, IndexError> {
        if !path.exists() {
            return Ok(None);
        }
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.busy_timeout(PATIENCE)?;
        if form_of(&connection)? != FORM {
            return Ok(None);
        }
        let index = Self::over(connection, log)?;
        Ok(index.fits().then_some(index))
    }

    fn over(connection: Connection, log: &Path) -> Result<Self, IndexError> {
        connection.set_prepared_statement_cache_capacity(64);
        let reach = read_reach(&connection)?;
        Ok(Self { connection, log: log.to_owned(), reach, personal: None })
    }

    /// The same, with the keys of personal parts.
    #[must_use]
    pub fn with(self, personal: Arc<PersonalKeys>) -> Self {
        Self { personal: Some(personal), ..self }
    }

    /// Empties the index.
    ///
    /// # Errors
    /// [`IndexError`].
    pub fn clear(&mut self) -> Result<(), IndexError> {
        let clearing = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        clearing.execute_batch(include_str!("sql/clear.sql"))?;
        clearing.commit()?;
        self.reach = None;
        Ok(())
    }

    /// How far it reaches.
    ///
    /// # Errors
    /// [`IndexError`].
    pub fn reach(&self) -> Result<Reach, IndexError> {
        let items = read_items(&self.connection)?;
        Ok(Reach { entries: read_reach(&self.connection)?.map_or(0, |last| last.entry + 1), items })
    }

    /// Takes in what the log has more, `most` entries at most; how many it took.
    ///
    /// What it took is durable together with how far it reaches, or not at all.
    ///
    /// # Errors
    /// [`IndexError`]; nothing of this call was taken then.
    pub fn take_in(&mut self, most: usize) -> Result<usize, IndexError> {
        let mut walk = match self.reach {
            Some(last) => Walk::after(&self.log, last.place)?,
            None => Walk::from_start(&self.log),
        };
        let entries = std::iter::from_fn(|| walk.next_entry().transpose()).take(most);
        match self.add(entries)? {
            Added::All(count) => Ok(count),
            // Whoever else keeps it up took something in; this one goes on from there.
            Added::Overtaken => Ok(1),
        }
    }

    /// Takes in entries that follow those that are in, as they come.
    ///
    /// # Errors
    /// As [`Index::take_in`].
    pub(super) fn add(
        &mut self,
        entries: impl Iterator<Item = Result<(LinePlace, Entry), SearchError>>,
    ) -> Result<Added, IndexError> {
        let mut entries = entries.peekable();
        // Nobody is kept from writing for nothing.
        if entries.peek().is_none() {
            return Ok(Added::All(0));
        }
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let there = read_reach(&transaction)?;
        if there != self.reach {
            drop(transaction);
            self.reach = there;
            return Ok(Added::Overtaken);
        }
        let mut growing = Growing::begin(&transaction, numbering(&transaction)?, self.personal.as_deref())?;
        let (mut count, mut last) = (0, None);
        for found in entries {
            let (place, entry) = found?;
            growing.add(place, &entry)?;
            count += 1;
            last = Some((place, entry));
        }
        growing.finish()?;
        let reach = last.map(|(place, entry)| Last { entry: entry.index, place, leaf: hash_of(&entry) });
        if let Some(Last { entry, place, leaf }) = reach {
            transaction.execute(
                include_str!("sql/put_reach.sql"),
                params![entry, place.segment, place.offset, leaf],
            )?;
        }
        transaction.commit()?;
        self.reach = reach;
        Ok(Added::All(count))
    }

    /// Whether the last entry that is in still stands in the log as it did.
    fn fits(&self) -> bool {
        let Some(last) = self.reach else { return true };
        let there = entry_at(&self.log, last.place);
        there.is_ok_and(|entry| entry.index == last.entry && hash_of(&entry) == last.leaf)
    }
}

fn form_of(connection: &Connection) -> Result<u32, IndexError> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

fn read_reach(connection: &Connection) -> Result<Option<Last>, IndexError> {
    let mut read = connection.prepare_cached(include_str!("sql/reach.sql"))?;
    let found = read.query_row([], |row| {
        let place = LinePlace { segment: row.get(1)?, offset: row.get(2)? };
        Ok(Last { entry: row.get(0)?, place, leaf: row.get(3)? })
    });
    Ok(found.optional()?)
}

/// Items that are in.
pub(super) fn read_items(connection: &Connection) -> Result<u64, IndexError> {
    Ok(connection.prepare_cached(include_str!("sql/items.sql"))?.query_row([], |row| row.get(0))?)
}

/// How its words are numbered.
pub(super) fn numbering(connection: &Connection) -> Result<Numbering, IndexError> {
    let mut read = connection.prepare_cached(include_str!("sql/numbering.sql"))?;
    Ok(Numbering(read.query_row([], |row| row.get(0))?))
}

/// Why an index cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The file.
    #[error("the index cannot be used: remove it, then run `kelisim log index --rebuild`")]
    File(#[from] rusqlite::Error),
    /// The log.
    #[error(transparent)]
    Log(#[from] SearchError),
}

/// Another number is another form: such an index is made again.
const FORM: u32 = 4;
/// Blocks of an era: enough that a rare word is looked up in few places, and few enough that what grows is in memory.
pub(super) const ERA_BLOCKS: u64 = 4;
const PATIENCE: Duration = Duration::from_secs(5);

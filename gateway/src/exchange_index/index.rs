//! The index file: how far it reaches, and how it grows.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, TransactionBehavior, params};

use super::bits::{self, BLOCK};
use super::words::{self, Adds, Kind};
use crate::exchange_log::{Entry, LinePlace, SearchError, Walk, entry_at, hash_of};
use crate::personal::PersonalKeys;

/// An index of the log in a folder.
#[derive(Debug)]
pub struct Index {
    pub(super) connection: Connection,
    pub(super) log: PathBuf,
    reach: Option<Last>,
    terms: HashMap<(Kind, String), i64>,
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
pub enum Added {
    /// They are in.
    All,
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

impl Index {
    /// Opens the index at `path` of the log in `log`, made if absent; one that is of another log, or of another form, is
    /// emptied: it will be made again.
    ///
    /// # Errors
    /// [`IndexError`].
    pub fn open(path: &Path, log: &Path) -> Result<Self, IndexError> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(PATIENCE)?;
        connection.execute_batch(include_str!("sql/schema.sql"))?;
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
        let known: bool = connection.query_row(include_str!("sql/is_known.sql"), [], |row| row.get(0))?;
        if !known {
            return Ok(None);
        }
        let index = Self::over(connection, log)?;
        Ok(index.fits().then_some(index))
    }

    fn over(connection: Connection, log: &Path) -> Result<Self, IndexError> {
        connection.set_prepared_statement_cache_capacity(64);
        let mut index =
            Self { connection, log: log.to_owned(), reach: None, terms: HashMap::new(), personal: None };
        index.reach = read_reach(&index.connection)?;
        Ok(index)
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
        self.connection.execute_batch(include_str!("sql/clear.sql"))?;
        self.terms.clear();
        self.reach = None;
        Ok(())
    }

    /// How far it reaches.
    ///
    /// # Errors
    /// [`IndexError`].
    pub fn reach(&self) -> Result<Reach, IndexError> {
        let items = self.items()?;
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
        let mut batch = Vec::new();
        while batch.len() < most
            && let Some(found) = walk.next_entry()?
        {
            batch.push(found);
        }
        match self.add(&batch)? {
            Added::All => Ok(batch.len()),
            // Whoever else keeps it up took something in; this one goes on from there.
            Added::Overtaken => Ok(batch.len().max(1)),
        }
    }

    /// Takes in entries that follow those that are in.
    ///
    /// # Errors
    /// As [`Index::take_in`].
    pub fn add(&mut self, batch: &[(LinePlace, Entry)]) -> Result<Added, IndexError> {
        let Some((place, last)) = batch.last() else { return Ok(Added::All) };
        let reach = Last { entry: last.index, place: *place, leaf: hash_of(last) };
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let there = read_reach(&transaction)?;
        if there != self.reach {
            drop(transaction);
            self.reach = there;
            self.terms.clear();
            return Ok(Added::Overtaken);
        }
        let mut growing = Growing::begin(&transaction, &mut self.terms)?;
        for (place, entry) in batch {
            growing.add(*place, entry, self.personal.as_deref())?;
        }
        growing.finish()?;
        transaction.execute(
            include_str!("sql/put_reach.sql"),
            params![VERSION, reach.entry, reach.place.segment, reach.place.offset, reach.leaf],
        )?;
        transaction.commit()?;
        self.reach = Some(reach);
        if self.terms.len() > MOST_TERMS {
            self.terms.clear();
        }
        Ok(Added::All)
    }

    pub(super) fn items(&self) -> Result<u64, IndexError> {
        Ok(self.connection.prepare_cached(include_str!("sql/items.sql"))?.query_row([], |row| row.get(0))?)
    }

    /// Whether the last entry that is in still stands in the log as it did.
    fn fits(&self) -> bool {
        self.reach.is_none_or(|last| {
            entry_at(&self.log, last.place)
                .is_ok_and(|entry| entry.index == last.entry && hash_of(&entry) == last.leaf)
        })
    }
}

fn read_reach(connection: &Connection) -> Result<Option<Last>, IndexError> {
    let mut read = connection.prepare_cached(include_str!("sql/reach.sql"))?;
    let found = read.query_row([VERSION], |row| {
        let place = LinePlace { segment: row.get(1)?, offset: row.get(2)? };
        Ok(Last { entry: row.get(0)?, place, leaf: row.get(3)? })
    });
    Ok(found.optional()?)
}

/// One batch on its way in.
struct Growing<'a> {
    transaction: &'a Transaction<'a>,
    terms: &'a mut HashMap<(Kind, String), i64>,
    /// The number that the next item gets.
    next: u64,
    postings: HashMap<(i64, u64), Vec<u16>>,
    blocks: HashMap<u64, (i64, i64)>,
    /// Openings of this batch whose closing did not come yet.
    open: HashMap<u64, u64>,
}

impl<'a> Growing<'a> {
    fn begin(
        transaction: &'a Transaction<'a>,
        terms: &'a mut HashMap<(Kind, String), i64>,
    ) -> Result<Self, IndexError> {
        let next =
            transaction.prepare_cached(include_str!("sql/items.sql"))?.query_row([], |row| row.get(0))?;
        let (postings, blocks, open) = Default::default();
        Ok(Self { transaction, terms, next, postings, blocks, open })
    }

    fn add(
        &mut self,
        place: LinePlace,
        entry: &Entry,
        personal: Option<&PersonalKeys>,
    ) -> Result<(), IndexError> {
        match words::of(entry, personal) {
            Adds::Nothing => Ok(()),
            Adds::Item { at, exchange, awaits_closing, words } => {
                let (item, at) = (self.next, at.as_microsecond());
                self.next += 1;
                self.transaction.prepare_cached(include_str!("sql/put_item.sql"))?.execute(params![
                    item,
                    at,
                    entry.index,
                    place.segment,
                    place.offset
                ])?;
                self.transaction
                    .prepare_cached(include_str!("sql/put_exchange.sql"))?
                    .execute(params![exchange.as_bytes(), item])?;
                let times = self.blocks.entry(item / BLOCK as u64).or_insert((at, at));
                *times = (times.0.min(at), times.1.max(at));
                if awaits_closing {
                    self.open.insert(entry.index, item);
                }
                self.post(item, words)
            }
            Adds::Closing { opening, words } => {
                let item = match self.open.remove(&opening) {
                    Some(item) => Some(item),
                    None => self
                        .transaction
                        .prepare_cached(include_str!("sql/take_open.sql"))?
                        .query_row([opening], |row| row.get(0))
                        .optional()?,
                };
                // Its opening may be in a segment that is archived: then there is nothing to find.
                let Some(item) = item else { return Ok(()) };
                self.transaction.prepare_cached(include_str!("sql/close_item.sql"))?.execute(params![
                    item,
                    place.segment,
                    place.offset
                ])?;
                self.post(item, words)
            }
        }
    }

    fn post(&mut self, item: u64, words: Vec<(Kind, String)>) -> Result<(), IndexError> {
        let (block, within) = (item / BLOCK as u64, (item % BLOCK as u64) as u16);
        for (kind, word) in words {
            let key = (kind, word);
            let term = match self.terms.get(&key) {
                Some(term) => *term,
                None => {
                    let term = self
                        .transaction
                        .prepare_cached(include_str!("sql/put_term.sql"))?
                        .query_row(params![kind as u8, key.1], |row| row.get(0))?;
                    self.terms.insert(key, term);
                    term
                }
            };
            self.postings.entry((term, block)).or_default().push(within);
        }
        Ok(())
    }

    fn finish(self) -> Result<(), IndexError> {
        // In the order of the file: pages are written once.
        let mut postings: Vec<_> = self.postings.into_iter().collect();
        postings.sort_unstable_by_key(|(key, _)| *key);
        let mut get = self.transaction.prepare_cached(include_str!("sql/posting.sql"))?;
        let mut put = self.transaction.prepare_cached(include_str!("sql/put_posting.sql"))?;
        for ((term, block), items) in postings {
            let kept: Option<Vec<u8>> = get.query_row(params![term, block], |row| row.get(0)).optional()?;
            put.execute(params![term, block, bits::with(&kept.unwrap_or_default(), &items)])?;
        }
        let mut put = self.transaction.prepare_cached(include_str!("sql/put_block.sql"))?;
        for (block, (first, last)) in self.blocks {
            put.execute(params![block, first, last])?;
        }
        let mut put = self.transaction.prepare_cached(include_str!("sql/put_open.sql"))?;
        for (entry, item) in self.open {
            put.execute(params![entry, item])?;
        }
        Ok(())
    }
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
pub(super) const VERSION: u32 = 1;
const PATIENCE: Duration = Duration::from_secs(5);
/// Words whose number is remembered; what is looked for often is few.
const MOST_TERMS: usize = 200_000;

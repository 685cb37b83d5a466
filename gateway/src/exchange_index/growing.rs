//! One batch of entries on its way into the index.
//!
//! What is made of the batch is gathered first and written at the end, each table in its own order: a page is written once
//! a batch, not once an entry.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, Transaction, params};
use uuid::Uuid;

use super::bits::{self, BLOCK};
use super::index::{ERA_BLOCKS, IndexError, Numbering, read_items};
use super::parties::Met;
use super::words::{self, Adds, Kind};
use crate::exchange_log::{Entry, LinePlace};
use crate::personal::PersonalKeys;

/// One batch on its way in.
pub(super) struct Growing<'a> {
    transaction: &'a Transaction<'a>,
    numbering: Numbering,
    personal: Option<&'a PersonalKeys>,
    /// The number of the first item of this batch.
    first: u64,
    items: Vec<Row>,
    postings: HashMap<Posting, Vec<u16>>,
    met: Met,
    /// Openings of this batch whose closing did not come yet.
    open: HashMap<u64, u64>,
}

/// An item as it is kept.
struct Row {
    at: i64,
    entry: u64,
    exchange: Uuid,
    place: LinePlace,
    closing: Option<LinePlace>,
}

/// In the order of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Posting {
    era: u64,
    term: i64,
    block: u64,
}

impl<'a> Growing<'a> {
    pub(super) fn begin(
        transaction: &'a Transaction<'a>,
        numbering: Numbering,
        personal: Option<&'a PersonalKeys>,
    ) -> Result<Self, IndexError> {
        let first = read_items(transaction)?;
        let (items, postings, met, open) = Default::default();
        Ok(Self { transaction, numbering, personal, first, items, postings, met, open })
    }

    pub(super) fn add(&mut self, place: LinePlace, entry: &Entry) -> Result<(), IndexError> {
        match words::of(entry, self.personal) {
            Adds::Nothing => {}
            Adds::Item { at, exchange, awaits_closing, words } => {
                let item = self.first + self.items.len() as u64;
                let (at, entry) = (at.as_microsecond(), entry.index);
                self.items.push(Row { at, entry, exchange, place, closing: None });
                if awaits_closing {
                    self.open.insert(entry, item);
                }
                let terms = self.numbered(words);
                self.meet(item, &terms);
                self.post(item, &terms);
            }
            Adds::Closing { opening, words } => {
                // Its opening may be in a segment that is archived: then there is nothing to find.
                let Some(item) = self.opened(opening)? else { return Ok(()) };
                match item.checked_sub(self.first) {
                    Some(within) => self.items[within as usize].closing = Some(place),
                    None => {
                        self.transaction
                            .prepare_cached(include_str!("sql/close_item.sql"))?
                            .execute(params![item, place.segment, place.offset])?;
                    }
                }
                let terms = self.numbered(words);
                self.post(item, &terms);
            }
        }
        Ok(())
    }

    /// The item of an opening that awaits its closing, which it does no longer.
    fn opened(&mut self, opening: u64) -> Result<Option<u64>, IndexError> {
        if let Some(item) = self.open.remove(&opening) {
            return Ok(Some(item));
        }
        let mut take = self.transaction.prepare_cached(include_str!("sql/take_open.sql"))?;
        Ok(take.query_row([opening], |row| row.get(0)).optional()?)
    }

    fn numbered(&self, words: Vec<(Kind, String)>) -> Vec<(Kind, i64)> {
        words.into_iter().map(|(kind, word)| (kind, self.numbering.of(kind, &word))).collect()
    }

    /// Who took part in an item, beside what it is about.
    fn meet(&mut self, item: u64, terms: &[(Kind, i64)]) {
        let of = |fits: fn(Kind) -> bool| -> Vec<i64> {
            terms.iter().filter(|(kind, _)| fits(*kind)).map(|(_, term)| *term).collect()
        };
        let others = of(|kind| kind.goes_by_parties() && !kind.is_party());
        self.met.add(item / BLOCK as u64 / ERA_BLOCKS, &of(Kind::is_party), &others);
    }

    fn post(&mut self, item: u64, terms: &[(Kind, i64)]) {
        let (block, within) = (item / BLOCK as u64, (item % BLOCK as u64) as u16);
        for (_, term) in terms {
            let posting = Posting { era: block / ERA_BLOCKS, term: *term, block };
            self.postings.entry(posting).or_default().push(within);
        }
    }

    pub(super) fn finish(self) -> Result<(), IndexError> {
        let write = |sql| self.transaction.prepare_cached(sql);
        let mut put = write(include_str!("sql/put_item.sql"))?;
        let mut blocks: HashMap<u64, (i64, i64)> = HashMap::new();
        for (item, row) in (self.first..).zip(&self.items) {
            let closing = (row.closing.map(|place| place.segment), row.closing.map(|place| place.offset));
            put.execute(params![
                item,
                row.at,
                row.entry,
                row.place.segment,
                row.place.offset,
                closing.0,
                closing.1
            ])?;
            let times = blocks.entry(item / BLOCK as u64).or_insert((row.at, row.at));
            *times = (times.0.min(row.at), times.1.max(row.at));
        }
        let mut put = write(include_str!("sql/put_exchange.sql"))?;
        let mut exchanges: Vec<_> = self.items.iter().map(|row| row.exchange).zip(self.first..).collect();
        exchanges.sort_unstable();
        for (exchange, item) in exchanges {
            put.execute(params![exchange.as_bytes(), item])?;
        }
        let mut get = write(include_str!("sql/posting.sql"))?;
        let mut put = write(include_str!("sql/put_posting.sql"))?;
        // Of a block that begins with this batch nothing is kept yet.
        let begun = self.first.div_ceil(BLOCK as u64);
        let mut postings: Vec<_> = self.postings.into_iter().collect();
        postings.sort_unstable_by_key(|(posting, _)| *posting);
        for (Posting { era, term, block }, items) in postings {
            let kept: Option<Vec<u8>> = if block < begun {
                get.query_row(params![era, term, block], |row| row.get(0)).optional()?
            } else {
                None
            };
            put.execute(params![era, term, block, bits::with(&kept.unwrap_or_default(), &items)])?;
        }
        self.met.put(self.transaction)?;
        let mut put = write(include_str!("sql/put_block.sql"))?;
        for (block, (first, last)) in blocks {
            put.execute(params![block, first, last])?;
        }
        let mut put = write(include_str!("sql/put_open.sql"))?;
        for (entry, item) in self.open {
            put.execute(params![entry, item])?;
        }
        Ok(())
    }
}

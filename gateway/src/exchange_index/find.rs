//! Which items fit: for each group of words the set of items that bear one of them, intersected, newest era first.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};
use uuid::Uuid;

use super::bits::{BLOCK, Bits};
use super::index::{ERA_BLOCKS, Index, IndexError, numbering, read_items};
use super::query::{Cursor, Query, Viewer};
use super::words::Kind;
use crate::exchange::rows::ANSWER_LOST;
use crate::exchange_log::Outcome;

/// A block in which something may fit, and what does as far as was looked.
struct Live {
    block: u64,
    fits: Bits,
    /// Whether only some of its items were received within the time that is asked for.
    partly: bool,
}

impl Index {
    /// The items that fit, newest first, and where to go on.
    pub(super) fn find(
        &self,
        query: &Query,
        viewer: &Viewer,
        after: Option<Cursor>,
        most: usize,
    ) -> Result<(Vec<u64>, Option<Cursor>), IndexError> {
        let nothing = || (Vec::new(), None);
        let items = read_items(&self.connection)?;
        let end = after.map_or(items, |Cursor(item)| item.min(items));
        let Some(groups) = self.groups(query, viewer)? else { return Ok(nothing()) };
        let only = match query.exchange {
            None => None,
            Some(exchange) => match self.item_of(exchange)?.filter(|item| *item < end) {
                Some(item) => Some(item),
                None => return Ok(nothing()),
            },
        };
        let Some(last) = end.checked_sub(1) else { return Ok(nothing()) };
        let [oldest, newest] = only.map_or([0, last], |only| [only, only]).map(|item| item / BLOCK as u64);
        let from = query.from.map_or(i64::MIN, Timestamp::as_microsecond);
        let to = query.to.map_or(i64::MAX, Timestamp::as_microsecond);

        let mut found = Vec::new();
        let mut blocks = self.connection.prepare_cached(include_str!("sql/blocks.sql"))?;
        let mut blocks = blocks.query(params![oldest, newest, from, to])?;
        let mut era: Vec<Live> = Vec::new();
        loop {
            let next = match blocks.next()? {
                Some(row) => {
                    let (block, first_at, last_at): (u64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
                    let count = usize::try_from(end - block * BLOCK as u64).unwrap_or(BLOCK).min(BLOCK);
                    let fits = match only {
                        Some(item) => Bits::only((item % BLOCK as u64) as u16),
                        None => Bits::first(count),
                    };
                    Some(Live { block, fits, partly: first_at < from || last_at >= to })
                }
                None => None,
            };
            let same = |next: &Live| era.first().is_none_or(|one| one.era() == next.era());
            let next = match next {
                Some(next) if same(&next) => {
                    era.push(next);
                    continue;
                }
                other => other,
            };
            for live in self.narrowed(std::mem::take(&mut era), &groups)? {
                for within in self.in_time(&live, from, to)?.descending() {
                    if found.len() == most {
                        let next = found.last().map(|last| Cursor(*last));
                        return Ok((found, next));
                    }
                    found.push(live.item(within));
                }
            }
            match next {
                Some(next) => era.push(next),
                None => return Ok((found, None)),
            }
        }
    }

    /// The blocks of one era in which something bears a word of each group.
    fn narrowed(&self, mut era: Vec<Live>, groups: &[BTreeSet<i64>]) -> Result<Vec<Live>, IndexError> {
        let mut read = self.connection.prepare_cached(include_str!("sql/postings.sql"))?;
        for group in groups {
            let (Some(newest), Some(oldest)) = (era.first(), era.last()) else { break };
            let (number, newest, oldest) = (newest.era(), newest.block, oldest.block);
            let mut unions: Vec<Bits> = (oldest..=newest).map(|_| Bits::none()).collect();
            for term in group {
                let mut rows = read.query(params![number, term, oldest, newest])?;
                while let Some(row) = rows.next()? {
                    let block: u64 = row.get(0)?;
                    let items = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
                    unions[(block - oldest) as usize].unite(items);
                }
            }
            era.iter_mut().for_each(|live| live.fits.intersect(&unions[(live.block - oldest) as usize]));
            era.retain(|live| !live.fits.is_empty());
        }
        Ok(era)
    }

    /// What fits and was received in time.
    fn in_time(&self, live: &Live, from: i64, to: i64) -> Result<Bits, IndexError> {
        let mut fits = live.fits.clone();
        let mut items = fits.descending();
        let (Some(last), true) = (items.next(), live.partly) else {
            drop(items);
            return Ok(fits);
        };
        let first = items.last().unwrap_or(last);
        let mut read = self.connection.prepare_cached(include_str!("sql/within.sql"))?;
        let mut rows = read.query(params![live.item(first), live.item(last), from, to])?;
        let mut in_time = Bits::none();
        while let Some(row) = rows.next()? {
            let item: u64 = row.get(0)?;
            in_time.insert((item % BLOCK as u64) as u16);
        }
        fits.intersect(&in_time);
        Ok(fits)
    }

    /// Of each group one word must stand in an item; `None`: some group has no words.
    fn groups(&self, query: &Query, viewer: &Viewer) -> Result<Option<Vec<BTreeSet<i64>>>, IndexError> {
        let numbering = numbering(&self.connection)?;
        let mut groups: Vec<(Kind, BTreeSet<i64>)> = Vec::new();
        for (kind, word) in &query.words {
            if (*kind, word.as_str()) == (Kind::Outcome, UNSETTLED) {
                let all = unsettled().map(|(kind, word)| numbering.of(kind, word));
                groups.push((Kind::Outcome, all.collect()));
                continue;
            }
            // Of a part that may be sealed any form will do: as it is, or as one of the keys makes it.
            let sealed = match (&self.personal, kind.part()) {
                (Some(personal), Some(part)) => personal.words(part, word),
                (None, _) | (_, None) => Vec::new(),
            };
            let forms = sealed.iter().chain([word]).map(|form| numbering.of(*kind, form)).collect();
            groups.push((*kind, forms));
        }
        let all = |kind: Kind, words: &[String]| -> BTreeSet<i64> {
            words.iter().map(|word| numbering.of(kind, word)).collect()
        };
        if !query.systems.is_empty() {
            groups.push((Kind::System, all(Kind::System, &query.systems)));
        }
        groups.extend(query.holders.as_ref().map(|named| (Kind::Holder, all(Kind::Holder, named))));
        groups.extend(query.subjects.as_ref().map(|named| (Kind::Subject, all(Kind::Subject, named))));
        if let Viewer::Parties { holders, systems } = viewer {
            let mut seen = all(Kind::Holder, holders);
            seen.extend(all(Kind::System, systems));
            groups.push((Kind::System, seen));
        }
        // What empties a block sooner, and what is read sooner, first.
        groups.sort_by_key(|(kind, terms)| (!kind.is_rare(), terms.len()));
        let known = groups.iter().all(|(_, terms)| !terms.is_empty());
        Ok(known.then(|| groups.into_iter().map(|(_, terms)| terms).collect()))
    }

    fn item_of(&self, exchange: Uuid) -> Result<Option<u64>, IndexError> {
        let mut find = self.connection.prepare_cached(include_str!("sql/exchange.sql"))?;
        Ok(find.query_row([exchange.as_bytes()], |row| row.get(0)).optional()?)
    }
}

impl Live {
    fn era(&self) -> u64 {
        self.block / ERA_BLOCKS
    }

    fn item(&self, within: u16) -> u64 {
        self.block * BLOCK as u64 + u64::from(within)
    }
}

/// The word for every outcome after which the provider may have acted without the consumer having an answer.
const UNSETTLED: &str = "unsettled";

/// C8: what has to be asked again, or cleared up with the provider.
fn unsettled() -> impl Iterator<Item = (Kind, &'static str)> {
    let outcomes = Outcome::ALL.into_iter().filter(|outcome| outcome.is_unsettled());
    outcomes.map(|outcome| (Kind::Outcome, outcome.as_str())).chain([(Kind::Code, ANSWER_LOST.code)])
}

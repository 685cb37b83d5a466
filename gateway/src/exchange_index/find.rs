//! Which items fit: for each group of words the set of items that bear one of them, intersected, newest era first.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};
use uuid::Uuid;

use super::bits::{BLOCK, Bits};
use super::index::{ERA_BLOCKS, Index, IndexError, numbering, read_items};
use super::parties::Parties;
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

/// Words of which one must stand in an item, by their numbers, and of what kind they are.
#[derive(Debug, Clone)]
struct Group {
    /// [`Kind::System`] also where organisations are among them.
    kind: Kind,
    terms: BTreeSet<i64>,
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
    fn narrowed(&self, mut era: Vec<Live>, groups: &[Group]) -> Result<Vec<Live>, IndexError> {
        let (rare, others) = groups.split_at(groups.partition_point(|group| group.kind.is_rare()));
        self.narrow(&mut era, rare)?;
        let Some(number) = era.first().map(Live::era) else { return Ok(era) };
        match self.among_parties(number, others)? {
            Some(others) => self.narrow(&mut era, &others)?,
            None => era.clear(),
        }
        Ok(era)
    }

    fn narrow(&self, era: &mut Vec<Live>, groups: &[Group]) -> Result<(), IndexError> {
        let mut read = self.connection.prepare_cached(include_str!("sql/postings.sql"))?;
        for group in groups {
            let (Some(newest), Some(oldest)) = (era.first(), era.last()) else { break };
            let (number, newest, oldest) = (newest.era(), newest.block, oldest.block);
            let mut unions: Vec<Bits> = (oldest..=newest).map(|_| Bits::none()).collect();
            for term in &group.terms {
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
        Ok(())
    }

    /// The same groups, but of many systems and organisations only those that stand in the era beside a word of each group of
    /// few; `None`: none does, so that nothing fits there.
    fn among_parties(&self, era: u64, groups: &[Group]) -> Result<Option<Vec<Group>>, IndexError> {
        let mut left = groups.to_vec();
        if !groups.iter().any(Group::is_many) {
            return Ok(Some(left));
        }
        for few in groups.iter().filter(|group| group.says_who()) {
            let met = self.met(era, &few.terms)?;
            for group in left.iter_mut().filter(|group| group.kind.is_party()) {
                group.terms.retain(|term| met.may_have(*term));
                if group.terms.is_empty() {
                    return Ok(None);
                }
            }
        }
        Ok(Some(left))
    }

    /// Who stands in an era beside one of these words.
    fn met(&self, era: u64, terms: &BTreeSet<i64>) -> Result<Parties, IndexError> {
        let mut read = self.connection.prepare_cached(include_str!("sql/parties.sql"))?;
        let mut met = Parties::none();
        for term in terms {
            let kept: Option<Vec<u8>> = read.query_row(params![era, term], |row| row.get(0)).optional()?;
            // A word that has no row is said of nothing there.
            met.unite(kept.map_or_else(Parties::none, |kept| Parties::read(&kept)));
        }
        Ok(met)
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
    fn groups(&self, query: &Query, viewer: &Viewer) -> Result<Option<Vec<Group>>, IndexError> {
        let numbering = numbering(&self.connection)?;
        let mut groups: Vec<Group> = Vec::new();
        for (kind, word) in &query.words {
            if (*kind, word.as_str()) == (Kind::Outcome, UNSETTLED) {
                let all = unsettled().map(|(kind, word)| numbering.of(kind, word));
                groups.push(Group { kind: Kind::Outcome, terms: all.collect() });
                continue;
            }
            // Of a part that may be sealed any form will do: as it is, or as one of the keys makes it.
            let sealed = match (&self.personal, kind.part()) {
                (Some(personal), Some(part)) => personal.words(part, word),
                (None, _) | (_, None) => Vec::new(),
            };
            let forms = sealed.iter().chain([word]).map(|form| numbering.of(*kind, form)).collect();
            groups.push(Group { kind: *kind, terms: forms });
        }
        let all = |kind: Kind, words: &[String]| -> Group {
            Group { kind, terms: words.iter().map(|word| numbering.of(kind, word)).collect() }
        };
        if !query.systems.is_empty() {
            groups.push(all(Kind::System, &query.systems));
        }
        groups.extend(query.holders.as_ref().map(|named| all(Kind::Holder, named)));
        groups.extend(query.subjects.as_ref().map(|named| all(Kind::Subject, named)));
        if let Viewer::Parties { holders, systems } = viewer {
            let mut seen = all(Kind::System, systems);
            seen.terms.extend(all(Kind::Holder, holders).terms);
            groups.push(seen);
        }
        // What empties a block sooner, and what is read sooner, first.
        groups.sort_by_key(|group| (!group.kind.is_rare(), group.terms.len()));
        Ok(groups.iter().all(|group| !group.terms.is_empty()).then_some(groups))
    }

    fn item_of(&self, exchange: Uuid) -> Result<Option<u64>, IndexError> {
        let mut find = self.connection.prepare_cached(include_str!("sql/exchange.sql"))?;
        Ok(find.query_row([exchange.as_bytes()], |row| row.get(0)).optional()?)
    }
}

impl Group {
    /// Whether these are so many systems and organisations that it is worth a look which of them can be meant.
    fn is_many(&self) -> bool {
        self.kind.is_party() && self.terms.len() > FEW
    }

    /// Whether they are few, and say who may stand beside them.
    fn says_who(&self) -> bool {
        self.kind.goes_by_parties() && self.terms.len() <= FEW
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
pub(super) const UNSETTLED: &str = "unsettled";

/// C8: what has to be asked again, or cleared up with the provider.
fn unsettled() -> impl Iterator<Item = (Kind, &'static str)> {
    let outcomes = Outcome::ALL.into_iter().filter(|outcome| outcome.is_unsettled());
    outcomes.map(|outcome| (Kind::Outcome, outcome.as_str())).chain([(Kind::Code, ANSWER_LOST.code)])
}

/// Words that are looked up without a look at what stands beside them.
const FEW: usize = 16;

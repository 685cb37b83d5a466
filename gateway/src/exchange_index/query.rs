//! What is asked of the index, who may see the answer, and pages of it, newest first.

use std::collections::BTreeSet;
use std::io;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};
use serde::Serialize;
use uuid::Uuid;

use super::bits::{BLOCK, Bits};
use super::index::{Index, IndexError};
use super::words::Kind;
use crate::exchange_log::{Entry, LinePlace, Record, SearchError, entry_at, minimum_in};

/// What is looked for. Everything that is given must fit; of several words of one list, one must.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Query {
    /// This exchange.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exchange: Option<Uuid>,
    /// Received at this time or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Received before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
    /// One of these systems asked or was asked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub systems: Vec<String>,
    /// A system of one of these organisations (BIN) asked or was asked. A region is the list of those in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holders: Option<Vec<String>>,
    /// One of these keyed hashes is that of the person whom the data is about: one for each period of keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subjects: Option<Vec<String>>,
    /// Each of these words, by what it says.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<(Kind, String)>,
}

/// Whose eyes the answer is for. What a viewer may not see is not counted either.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Viewer {
    /// Everything: the regulator, the operator of the gateway.
    All,
    /// What these organisations (BIN) and these systems took part in: a holder's officer; a region's operator, with all
    /// organisations and systems of the region. Systems too, since a refused call names no organisation.
    Parties {
        /// BINs.
        holders: Vec<String>,
        /// Systems' codes.
        systems: Vec<String>,
    },
}

impl Viewer {
    /// Whether an opening or a refusal is theirs to see; of a closing its opening says it.
    pub fn sees(&self, entry: &Entry) -> bool {
        let Self::Parties { holders, systems } = self else { return true };
        let system = |id: &str| systems.iter().any(|theirs| theirs == id);
        match &entry.record {
            Record::Opening(opening) => {
                let sides = [&opening.consumer_holder, &opening.provider_holder];
                sides.iter().any(|bin| holders.iter().any(|own| *own == ***bin))
                    || system(&opening.consumer)
                    || system(&opening.provider)
            }
            Record::Refused(refused) => {
                refused.consumer.as_deref().is_some_and(system)
                    || refused.provider.as_ref().is_some_and(|provider| system(provider.as_str()))
            }
            Record::Closing { .. } | Record::Segment(_) => false,
        }
    }
}

/// Where a page ended. As text it goes to whoever asks for the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Cursor(u64);

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for Cursor {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// An exchange or a refused call that fits, as it stands in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// Its opening, or the refusal.
    pub entry: Entry,
    /// Its closing, if it has one.
    pub closing: Option<Entry>,
}

/// Some of the answer.
#[derive(Debug)]
pub struct Page {
    /// What fits, newest first.
    pub hits: Vec<Hit>,
    /// Where to go on, if there is more.
    pub next: Option<Cursor>,
    /// Items whose entries were pruned: they are in the archive.
    pub elsewhere: usize,
}

impl Index {
    /// Looks for `query` as `viewer`, from behind `after` on, `most` items at most.
    ///
    /// # Errors
    /// [`IndexError`].
    pub fn search(
        &self,
        query: &Query,
        viewer: &Viewer,
        after: Option<Cursor>,
        most: usize,
    ) -> Result<Page, IndexError> {
        // One state of the index for the whole page, whatever comes in meanwhile.
        let state = self.connection.unchecked_transaction()?;
        let (items, next) = self.find(query, viewer, after, most)?;
        let mut page = Page { hits: Vec::new(), next, elsewhere: 0 };
        for item in items {
            match self.hit(item)? {
                Some(hit) => page.hits.push(hit),
                None => page.elsewhere += 1,
            }
        }
        drop(state);
        Ok(page)
    }

    /// The items that fit, and where to go on.
    pub(super) fn find(
        &self,
        query: &Query,
        viewer: &Viewer,
        after: Option<Cursor>,
        most: usize,
    ) -> Result<(Vec<u64>, Option<Cursor>), IndexError> {
        let end = after.map_or(self.items()?, |Cursor(item)| item);
        let Some(groups) = self.groups(query, viewer)? else { return Ok((Vec::new(), None)) };
        let only = match query.exchange {
            None => None,
            Some(exchange) => match self.item_of(exchange)? {
                Some(item) => Some(item),
                None => return Ok((Vec::new(), None)),
            },
        };
        let from = query.from.map_or(i64::MIN, Timestamp::as_microsecond);
        let to = query.to.map_or(i64::MAX, Timestamp::as_microsecond);
        let mut found = Vec::new();
        let Some(last) = end.checked_sub(1) else { return Ok((found, None)) };
        let newest_block = only.map_or(last, |only| only.min(last)) / BLOCK as u64;
        let mut blocks = self.connection.prepare_cached(include_str!("sql/blocks.sql"))?;
        let mut blocks = blocks.query(params![newest_block, from, to])?;
        let mut at = self.connection.prepare_cached(include_str!("sql/at.sql"))?;
        while let Some(row) = blocks.next()? {
            let block: u64 = row.get(0)?;
            if only.is_some_and(|only| block < only / BLOCK as u64) {
                break;
            }
            let start = block * BLOCK as u64;
            let mut fits = Bits::first(usize::try_from(end - start).unwrap_or(BLOCK).min(BLOCK));
            for group in &groups {
                fits.intersect(&self.union(group, block)?);
                if fits.is_empty() {
                    break;
                }
            }
            for within in fits.descending() {
                let item = start + u64::from(within);
                if only.is_some_and(|only| only != item) {
                    continue;
                }
                if query.from.is_some() || query.to.is_some() {
                    let at: i64 = at.query_row([item], |row| row.get(0))?;
                    if at < from || at >= to {
                        continue;
                    }
                }
                if found.len() == most {
                    return Ok((found.clone(), found.last().map(|last| Cursor(*last))));
                }
                found.push(item);
            }
        }
        Ok((found, None))
    }

    /// Of each group one word must stand in an item; `None`: of some group no word stands anywhere.
    fn groups(&self, query: &Query, viewer: &Viewer) -> Result<Option<Vec<BTreeSet<i64>>>, IndexError> {
        // Of a part that may be sealed any form will do: as it is, or as one of the keys makes it.
        let forms = |(kind, word): &(Kind, String)| -> Vec<(Kind, String)> {
            let sealed = match (&self.personal, kind.part()) {
                (Some(personal), Some(part)) => personal.words(part, word),
                (None, _) | (_, None) => Vec::new(),
            };
            sealed.into_iter().chain([word.clone()]).map(|form| (*kind, form)).collect()
        };
        let forms: Vec<Vec<(Kind, String)>> = query.words.iter().map(forms).collect();
        let mut groups: Vec<Vec<(Kind, &str)>> = forms
            .iter()
            .map(|group| group.iter().map(|(kind, word)| (*kind, word.as_str())).collect())
            .collect();
        let either = |kinds: [Kind; 2], words: &'_ [String]| -> Vec<(Kind, String)> {
            words.iter().flat_map(|word| kinds.map(|kind| (kind, word.clone()))).collect()
        };
        let systems = [Kind::Consumer, Kind::Provider];
        let holders = [Kind::ConsumerHolder, Kind::ProviderHolder];
        let asked_systems = (!query.systems.is_empty()).then(|| either(systems, &query.systems));
        let asked_holders = query.holders.as_ref().map(|named| either(holders, named));
        let seen = match viewer {
            Viewer::All => None,
            Viewer::Parties { holders: own, systems: theirs } => {
                let mut seen = either(holders, own);
                seen.extend(either(systems, theirs));
                Some(seen)
            }
        };
        let subjects = query.subjects.as_ref().map(|named| -> Vec<(Kind, String)> {
            named.iter().map(|hash| (Kind::Subject, hash.clone())).collect()
        });
        let unions: Vec<_> = [asked_systems, asked_holders, subjects, seen].into_iter().flatten().collect();
        groups.extend(
            unions.iter().map(|union| union.iter().map(|(kind, word)| (*kind, word.as_str())).collect()),
        );
        let mut known = Vec::new();
        for group in groups {
            let mut terms = BTreeSet::new();
            for (kind, word) in group {
                let mut term = self.connection.prepare_cached(include_str!("sql/term.sql"))?;
                terms.extend(
                    term.query_row(params![kind as u8, word], |row| row.get::<_, i64>(0)).optional()?,
                );
            }
            if terms.is_empty() {
                return Ok(None);
            }
            known.push(terms);
        }
        // Those of few words first: they empty a block sooner.
        known.sort_by_key(BTreeSet::len);
        Ok(Some(known))
    }

    fn union(&self, terms: &BTreeSet<i64>, block: u64) -> Result<Bits, IndexError> {
        let mut union = Bits::none();
        let mut read = self.connection.prepare_cached(include_str!("sql/posting.sql"))?;
        for term in terms {
            let mut rows = read.query(params![term, block])?;
            if let Some(row) = rows.next()? {
                union.unite(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?);
            }
        }
        Ok(union)
    }

    fn item_of(&self, exchange: Uuid) -> Result<Option<u64>, IndexError> {
        let mut find = self.connection.prepare_cached(include_str!("sql/exchange.sql"))?;
        Ok(find.query_row([exchange.as_bytes()], |row| row.get(0)).optional()?)
    }

    fn hit(&self, item: u64) -> Result<Option<Hit>, IndexError> {
        let mut read = self.connection.prepare_cached(include_str!("sql/item.sql"))?;
        let (place, closing) = read.query_row([item], |row| {
            let place = LinePlace { segment: row.get(1)?, offset: row.get(2)? };
            let closing: (Option<u64>, Option<u64>) = (row.get(3)?, row.get(4)?);
            Ok((place, closing.0.zip(closing.1)))
        })?;
        let Some(entry) = self.entry(place)? else { return Ok(None) };
        let closing = match closing {
            Some((segment, offset)) => self.entry(LinePlace { segment, offset })?,
            None => None,
        };
        Ok(Some(Hit { entry, closing }))
    }

    /// The entry that stands somewhere; `None`: its segment was pruned.
    fn entry(&self, place: LinePlace) -> Result<Option<Entry>, IndexError> {
        let error = match entry_at(&self.log, place) {
            Ok(entry) => return Ok(Some(entry)),
            Err(error) => error,
        };
        let SearchError::Io { source, .. } = &error else { return Err(error.into()) };
        if source.kind() != io::ErrorKind::NotFound {
            return Err(error.into());
        }
        // Looked at after the file: a prune declares before it removes.
        let minimum = minimum_in(&self.log)
            .map_err(|source| SearchError::Io { path: self.log.clone(), source })?
            .map_or(0, |(_, minimum)| minimum.index);
        // What is not there and was not declared was lost.
        if place.segment < minimum { Ok(None) } else { Err(error.into()) }
    }
}

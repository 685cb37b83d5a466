//! What is asked of the index, who may see the answer, and pages of it, newest first.

use std::io;

use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use super::index::{Index, IndexError};
use super::words::Kind;
use crate::exchange_log::{Entry, LinePlace, PlacedEntries, Record, SearchError, minimum_in};

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
pub struct Cursor(pub(super) u64);

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

/// Where the entry of an item stands, and its closing, if it has one.
pub(super) type Places = (LinePlace, Option<LinePlace>);

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
        let places = self.all_places(&items)?;
        drop(state);
        let (hits, elsewhere) = self.hits(places, viewer)?;
        Ok(Page { hits, next, elsewhere })
    }

    /// Where items stand, to be read of one state of the index.
    pub(super) fn all_places(&self, items: &[u64]) -> Result<Vec<Places>, IndexError> {
        items.iter().map(|item| self.places(*item)).collect()
    }

    /// What stands there and is the viewer's to see, and how many were pruned.
    pub(super) fn hits(&self, places: Vec<Places>, viewer: &Viewer) -> Result<(Vec<Hit>, usize), IndexError> {
        let mut log = PlacedEntries::of(&self.log);
        // The disk brings them side by side.
        places.iter().for_each(|(place, closing)| {
            [Some(*place), *closing].into_iter().flatten().for_each(|place| log.expect(place))
        });
        let (mut hits, mut elsewhere) = (Vec::new(), 0);
        for (place, closing) in places {
            let Some(entry) = self.entry(&mut log, place)? else {
                elsewhere += 1;
                continue;
            };
            // Whatever stands in the index: what is shown is theirs to see.
            if viewer.sees(&entry) {
                let closing = closing.map(|place| self.entry(&mut log, place)).transpose()?.flatten();
                hits.push(Hit { entry, closing });
            }
        }
        Ok((hits, elsewhere))
    }

    /// Where the entry of an item stands, and its closing.
    fn places(&self, item: u64) -> Result<Places, IndexError> {
        let mut read = self.connection.prepare_cached(include_str!("sql/item.sql"))?;
        Ok(read.query_row([item], |row| {
            let place = LinePlace { segment: row.get(0)?, offset: row.get(1)? };
            let closing: (Option<u64>, Option<u64>) = (row.get(2)?, row.get(3)?);
            let closing = closing.0.zip(closing.1);
            Ok((place, closing.map(|(segment, offset)| LinePlace { segment, offset })))
        })?)
    }

    /// The entry that stands somewhere; `None`: its segment was pruned.
    fn entry(&self, log: &mut PlacedEntries, place: LinePlace) -> Result<Option<Entry>, IndexError> {
        let error = match log.read(place) {
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

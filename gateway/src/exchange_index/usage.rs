//! Who used a person's data: the exchanges about them, newest first, counted whole and shown in part.

use std::collections::BTreeSet;

use super::index::{Index, IndexError};
use super::query::{Hit, Query, Viewer};
use super::words::Kind;

/// Some of the uses of a person's data.
#[derive(Debug)]
pub struct Uses {
    /// How many there are in all.
    pub total: usize,
    /// Those asked for, newest first.
    pub hits: Vec<Hit>,
    /// How many of those asked for are in the archive: counted, and not shown.
    pub elsewhere: usize,
}

impl Index {
    /// The permitted exchanges that fit `query`, but for those for a purpose of `hidden`, and those of which nothing was
    /// ever sent to the provider.
    ///
    /// # Errors
    /// [`IndexError`].
    pub fn uses(
        &self,
        query: &Query,
        hidden: &[String],
        offset: usize,
        limit: usize,
    ) -> Result<Uses, IndexError> {
        // One state of the index for all of it, whatever comes in meanwhile.
        let state = self.connection.unchecked_transaction()?;
        let with = |kind: Kind, word: &str| {
            let mut narrower = query.clone();
            narrower.words.push((kind, word.to_owned()));
            self.find(&narrower, &Viewer::All, None, MOST).map(|(items, _)| items)
        };
        let mut left_out: BTreeSet<u64> = with(Kind::Outcome, "provider-unreachable")?.into_iter().collect();
        for purpose in hidden {
            left_out.extend(with(Kind::Purpose, purpose)?);
        }
        let mut items = with(Kind::Decision, "permit")?;
        items.retain(|item| !left_out.contains(item));
        let total = items.len();
        let shown: Vec<u64> = items.into_iter().skip(offset).take(limit).collect();
        let places = self.all_places(&shown)?;
        drop(state);
        let (hits, elsewhere) = self.hits(places, &Viewer::All)?;
        Ok(Uses { total, hits, elsewhere })
    }
}

/// Exchanges about one person that are counted.
const MOST: usize = 1_000_000;

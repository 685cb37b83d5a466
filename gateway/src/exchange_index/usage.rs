//! Who used a person's data: the exchanges about them, newest first, counted whole and shown in part.

use std::collections::BTreeSet;

use super::index::{Index, IndexError};
use super::query::{Hit, Query, Viewer};
use super::words::Kind;
use crate::exchange_log::Outcome;

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
    /// The permitted exchanges that fit `query`, but for those for a purpose of `hidden`, and those that came to no use.
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
        let mut left_out = BTreeSet::new();
        for outcome in Outcome::ALL.into_iter().filter(|outcome| !is_use(*outcome)) {
            left_out.extend(with(Kind::Outcome, outcome.as_str())?);
        }
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

/// Whether the data may have been used: the provider may have got the request, or an answer was given again.
fn is_use(outcome: Outcome) -> bool {
    outcome.reaches_provider() || outcome == Outcome::AnsweredAgain
}

/// Exchanges about one person that are counted.
const MOST: usize = 1_000_000;

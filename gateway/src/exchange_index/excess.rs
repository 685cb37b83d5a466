//! What consumers and providers send beyond what is agreed, by field: counted from the closings, newest first.

use std::collections::BTreeMap;

use agreements::Way;
use jiff::Timestamp;
use serde::Serialize;

use super::index::{Index, IndexError};
use super::query::{Cursor, Query, Viewer};
use super::words::Kind;
use crate::exchange_log::Record;

/// A field that somebody sends and an agreement does not name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Excessive {
    /// The system that answers: it sends what responses have too much.
    pub provider: String,
    /// The system that asks: it sends what requests have too much.
    pub consumer: String,
    /// Under which agreement.
    pub agreement: String,
    /// In which data type,
    pub data_type: String,
    /// and operation of it.
    pub operation: String,
    /// Whether requests have it, or responses.
    pub way: Way,
    /// Where: a JSON Pointer, `*` for any element.
    pub field: String,
    /// In how many exchanges.
    pub exchanges: u64,
    /// How often in all.
    pub count: u64,
    /// When it was last so.
    pub last: Timestamp,
}

/// What was counted, and of how much.
#[derive(Debug, Clone, Serialize)]
pub struct Excesses {
    /// Each field once, in the order of providers, consumers, agreements and fields.
    pub fields: Vec<Excessive>,
    /// In how many exchanges something was withheld or refused as too much.
    pub exchanges: u64,
    /// How many more are in the archive.
    pub elsewhere: usize,
    /// Where to go on: older ones were not looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<Cursor>,
}

type Key = (String, String, String, String, String, Way, String);

impl Index {
    /// Counts the fields that were withheld in exchanges which fit `query`, as `viewer`, from behind `after` on.
    ///
    /// # Errors
    /// [`IndexError`].
    pub fn excesses(
        &self,
        query: &Query,
        viewer: &Viewer,
        mut after: Option<Cursor>,
    ) -> Result<Excesses, IndexError> {
        let mut query = query.clone();
        query.words.push((Kind::Withheld, String::new()));
        let mut found: BTreeMap<Key, (u64, u64, Timestamp)> = BTreeMap::new();
        let (mut exchanges, mut elsewhere) = (0, 0);
        loop {
            let page = self.search(&query, viewer, after, PAGE)?;
            for hit in &page.hits {
                let (Record::Opening(opening), Some(closing)) = (&hit.entry.record, &hit.closing) else {
                    continue;
                };
                let Record::Closing { closing, .. } = &closing.record else { continue };
                exchanges += 1;
                let answered = closing.withheld.iter().map(|one| (Way::Responses, one));
                let asked = closing.request_withheld.iter().map(|one| (Way::Requests, one));
                for (way, one) in asked.chain(answered) {
                    let key = (
                        opening.provider.to_string(),
                        opening.consumer.to_string(),
                        opening.agreement.to_string(),
                        opening.data_type.to_string(),
                        opening.operation.to_string(),
                        way,
                        one.field.clone(),
                    );
                    let known = found.entry(key).or_insert((0, 0, opening.at));
                    known.0 += 1;
                    known.1 = known.1.saturating_add(one.count);
                    known.2 = known.2.max(opening.at);
                }
            }
            elsewhere += page.elsewhere;
            after = page.next;
            if after.is_none() || exchanges >= MOST_EXCHANGES || found.len() >= MOST_FIELDS {
                break;
            }
        }
        let fields = found.into_iter().map(
            |(
                (provider, consumer, agreement, data_type, operation, way, field),
                (exchanges, count, last),
            )| {
                Excessive {
                    provider,
                    consumer,
                    agreement,
                    data_type,
                    operation,
                    way,
                    field,
                    exchanges,
                    count,
                    last,
                }
            },
        );
        Ok(Excesses { fields: fields.collect(), exchanges, elsewhere, next: after })
    }
}

/// Exchanges read at once, and in one answer: some seconds' work.
const PAGE: usize = 1_000;
const MOST_EXCHANGES: u64 = 20_000;
/// Fields in one answer.
const MOST_FIELDS: usize = 10_000;

//! A registry taken apart, to be kept outside and put together again: all but agreements in one piece, agreements in
//! slices that several threads write and read.
//!
//! What an agreement's document says is not kept twice, and actors and reasons stand once in each slice.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::pool::Pool;
use super::{Agreement, Registry, Step};
use crate::{Actor, AgreementText, Stage};

/// Some agreements, taken out of a registry in order.
#[derive(Debug, Serialize)]
pub struct Slice<'r> {
    actors: Vec<&'r Actor>,
    reasons: Vec<&'r str>,
    agreements: Vec<Kept<&'r Agreement>>,
}

/// Some agreements, to be put into a registry.
#[derive(Debug, Deserialize)]
pub struct Part {
    actors: Vec<Actor>,
    reasons: Vec<String>,
    agreements: Vec<Kept<Agreement>>,
}

/// Parts that are not of one registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("what was kept of the registry does not fit together")]
pub struct Misfit;

#[derive(Debug, Serialize, Deserialize)]
struct Kept<A> {
    agreement: A,
    /// Whether it has its typed form, which is read from its document.
    typed: bool,
    history: Vec<KeptStep>,
}

/// Where it led; second and nanosecond; places among actors and reasons.
#[derive(Debug, Serialize, Deserialize)]
struct KeptStep(Stage, i64, i32, u32, u32);

impl Registry {
    /// All agreements in order, `each` at a time.
    pub fn slices(&self, each: usize) -> impl Iterator<Item = Slice<'_>> {
        let mut agreements = self.agreements.values().peekable();
        std::iter::from_fn(move || {
            agreements.peek()?;
            Some(Slice::of(agreements.by_ref().take(each).map(|agreement| &**agreement)))
        })
    }

    /// Puts agreements into a registry that was kept without; several threads [`Part::settle`] at once.
    pub fn with_agreements(mut self, settled: Vec<Vec<Arc<Agreement>>>, pool: Settling) -> Self {
        let all = settled.into_iter().flatten();
        self.agreements = all.map(|one| ((one.header.number.clone(), one.header.version), one)).collect();
        self.pool = pool.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        self
    }
}

/// What parts that are settled have in common.
#[derive(Debug, Default)]
pub struct Settling(Mutex<Pool>);

impl<'r> Slice<'r> {
    fn of(agreements: impl Iterator<Item = &'r Agreement>) -> Self {
        let (mut actors, mut reasons) = (Table::default(), Table::default());
        let agreements = agreements.map(|agreement| {
            let history = agreement.history.iter().map(|step| {
                // Named one by one: a new field of a step must be kept too.
                let Step { stage, at, actor, reason } = step;
                let (second, nanosecond) = (at.as_second(), at.subsec_nanosecond());
                KeptStep(stage.clone(), second, nanosecond, actors.place(&**actor), reasons.place(&**reason))
            });
            Kept { agreement, typed: agreement.text.is_some(), history: history.collect() }
        });
        let agreements = agreements.collect();
        Self { actors: actors.entries, reasons: reasons.entries, agreements }
    }
}

impl Part {
    /// Makes the agreements whole.
    ///
    /// # Errors
    /// [`Misfit`].
    pub fn settle(self, settling: &Settling) -> Result<Vec<Arc<Agreement>>, Misfit> {
        let mut pool = settling.0.lock().unwrap_or_else(PoisonError::into_inner);
        let actors: Vec<_> = self.actors.iter().map(|actor| pool.actor(actor)).collect();
        let reasons: Vec<_> = self.reasons.iter().map(|reason| pool.words(reason)).collect();
        let step = |KeptStep(stage, second, nanosecond, actor, reason): KeptStep| {
            let at = Timestamp::new(second, nanosecond).ok()?;
            let actor = Arc::clone(actors.get(actor as usize)?);
            Some(Step { stage, at, actor, reason: Arc::clone(reasons.get(reason as usize)?) })
        };
        let whole = self.agreements.into_iter().map(|Kept { mut agreement, typed, history }| {
            agreement.header = pool.header(&agreement.header);
            if typed {
                pool.read(&mut agreement)?;
            } else {
                agreement.document = pool.document(&agreement.document.text());
            }
            if let Some(readiness) = &mut agreement.readiness {
                readiness.by = pool.actor(&readiness.by);
                readiness.checks = pool.checks(&readiness.checks);
            }
            agreement.history = Vec::with_capacity(history.len());
            for kept in history {
                agreement.history.push(step(kept)?);
            }
            Some(Arc::new(agreement))
        });
        whole.collect::<Option<_>>().ok_or(Misfit)
    }
}

/// Different entries, and where each stands.
struct Table<'r, T: ?Sized> {
    entries: Vec<&'r T>,
    places: HashMap<&'r T, u32>,
}

impl<T: ?Sized> Default for Table<'_, T> {
    fn default() -> Self {
        Self { entries: Vec::new(), places: HashMap::new() }
    }
}

impl<'r, T: ?Sized + Eq + std::hash::Hash> Table<'r, T> {
    fn place(&mut self, entry: &'r T) -> u32 {
        let (next, entries) = (self.entries.len(), &mut self.entries);
        *self.places.entry(entry).or_insert_with(|| {
            entries.push(entry);
            u32::try_from(next).expect("a slice has fewer steps than 32 bits count")
        })
    }
}

/// Reads a map whose keys come in order, without the room that growing leaves.
pub(super) fn packed<'de, D, K, V>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
where
    D: Deserializer<'de>,
    K: Deserialize<'de> + Ord,
    V: Deserialize<'de>,
{
    struct Entries<K, V>(PhantomData<(K, V)>);

    impl<'de, K: Deserialize<'de>, V: Deserialize<'de>> Visitor<'de> for Entries<K, V> {
        type Value = Vec<(K, V)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut entries = Vec::new();
            while let Some(entry) = map.next_entry()? {
                entries.push(entry);
            }
            Ok(entries)
        }
    }

    deserializer.deserialize_map(Entries(PhantomData)).map(|entries| entries.into_iter().collect())
}

/// The typed form is for people; a kept registry has it in the document.
pub(super) fn typed<S: Serializer>(
    text: &Option<Arc<AgreementText>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    if serializer.is_human_readable() { text.serialize(serializer) } else { serializer.serialize_unit() }
}

/// Steps are for people; a kept registry has them beside the agreement.
pub(super) fn steps<S: Serializer>(steps: &[Step], serializer: S) -> Result<S::Ok, S::Error> {
    if serializer.is_human_readable() { steps.serialize(serializer) } else { serializer.serialize_unit() }
}

//! A registry taken apart, to be kept outside and put together again: all but agreements in one piece, agreements in
//! slices that several threads write and read.
//!
//! What an agreement's document says is not kept twice, and actors and reasons stand once in each slice.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};

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
    pub fn with_agreements(mut self, settled: Vec<Vec<Agreement>>, pool: Settling) -> Self {
        let all = settled.into_iter().flatten();
        self.agreements =
            all.map(|one| ((one.header.number.clone(), one.header.version), Arc::new(one))).collect();
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
    pub fn settle(self, settling: &Settling) -> Result<Vec<Agreement>, Misfit> {
        let (actors, reasons): (Vec<_>, Vec<_>) = {
            let mut pool = settling.0.lock().unwrap_or_else(PoisonError::into_inner);
            let actors = self.actors.iter().map(|actor| pool.actor(actor)).collect();
            (actors, self.reasons.iter().map(|reason| pool.reason(reason)).collect())
        };
        let step = |KeptStep(stage, second, nanosecond, actor, reason): KeptStep| {
            let at = Timestamp::new(second, nanosecond).ok()?;
            let actor = Arc::clone(actors.get(actor as usize)?);
            Some(Step { stage, at, actor, reason: Arc::clone(reasons.get(reason as usize)?) })
        };
        let whole = self.agreements.into_iter().map(|Kept { mut agreement, typed, history }| {
            if typed {
                agreement.text = Some(read(&agreement.document)?);
            }
            agreement.history = history.into_iter().map(step).collect::<Option<_>>()?;
            Some(agreement)
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

/// Reads the typed form of a document, without the room that growing lists leave.
pub(super) fn read(document: &str) -> Option<Arc<AgreementText>> {
    let mut text: AgreementText = serde_json::from_str(document).ok()?;
    for grant in &mut text.data {
        grant.operations.shrink_to_fit();
        grant.fields.shrink_to_fit();
    }
    text.data.shrink_to_fit();
    text.purposes.shrink_to_fit();
    text.basis.shrink_to_fit();
    text.attachments.shrink_to_fit();
    text.access_period.days.shrink_to_fit();
    if let Some(personal) = &mut text.personal_data {
        personal.fields.shrink_to_fit();
    }
    Some(Arc::new(text))
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

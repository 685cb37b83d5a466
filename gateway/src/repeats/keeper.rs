//! The thread that keeps the store: it alone says who is first under a key, so that no two are.
//!
//! What waits is taken together, written as one batch, synced once, and told afterwards. A batch that fails tells each
//! of its callers so, and nothing of it is forwarded.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use agreements::KeyAtProvider;
use tokio::sync::oneshot;
use tracing::{error, warn};
use uuid::Uuid;

use super::seal::{Mark, Place};
use super::store::{Batch, Row, State, Store, StoreError, Usage};
use super::{Bounds, Unkept};
use crate::clock;
use crate::telemetry::chain;

/// What the keeper is told.
pub(super) enum Word {
    Begin(Claim, oneshot::Sender<Result<Found, Unkept>>),
    End(Place, Ending, Option<oneshot::Sender<()>>),
    Stop,
}

/// A request that wants to be the first under its key.
pub(super) struct Claim {
    pub(super) place: Place,
    pub(super) consumer: Box<str>,
    pub(super) request: Option<Mark>,
    pub(super) terms: String,
    pub(super) exchange: Uuid,
    pub(super) provider: KeyAtProvider,
}

/// What came of it.
pub(super) enum Found {
    /// It is: nothing else under the key is begun until it ends.
    First,
    /// It is not, but may be passed on once more: its provider knows the key.
    Again,
    /// It is not.
    Known { first: Uuid, request: Option<Mark>, what: Kept },
}

pub(super) enum Kept {
    UnderWay,
    Unknown,
    Gone,
    Answered(Vec<u8>),
}

/// How a request ended that was the first under its key.
pub(super) enum Ending {
    Answered(Mark, Vec<u8>),
    Done(Mark),
    /// Nothing was sent: the key is free again.
    Forgotten,
    /// Nobody knows.
    Lost,
}

pub(super) struct Keeper {
    store: Store,
    bounds: Bounds,
    // Owned by this thread; nothing else reads or writes it.
    under_way: HashMap<Place, UnderWay>,
    usage: HashMap<Box<str>, Usage>,
    bytes: u64,
    swept: Instant,
}

/// Who waits to be told of a key.
type Asker = oneshot::Sender<Result<Found, Unkept>>;

/// Who is told what, when the batch is durable or has failed.
#[derive(Default)]
struct News {
    told: Vec<(Place, Asker, Found)>,
    refused: Vec<Asker>,
    heard: Vec<oneshot::Sender<()>>,
}

struct UnderWay {
    consumer: Box<str>,
    exchange: Uuid,
    request: Option<Mark>,
}

impl Keeper {
    pub(super) fn new(store: Store, bounds: Bounds) -> Result<Self, StoreError> {
        let (under_way, usage) = Default::default();
        let mut keeper = Self { store, bounds, under_way, usage, bytes: 0, swept: Instant::now() };
        keeper.store.sweep(clock::now())?;
        keeper.count()?;
        Ok(keeper)
    }

    /// Works until it is told to stop, or nobody is left to tell it anything.
    pub(super) fn run(mut self, words: &Receiver<Word>, waiting: &Arc<AtomicUsize>) {
        let mut batch = Vec::new();
        loop {
            match words.recv_timeout(SWEEP_EVERY) {
                Ok(Word::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(word) => batch.push(word),
                Err(RecvTimeoutError::Timeout) => {}
            }
            let mut stop = false;
            while batch.len() < MOST_BATCH
                && let Ok(word) = words.try_recv()
            {
                match word {
                    Word::Stop => {
                        stop = true;
                        break;
                    }
                    word => batch.push(word),
                }
            }
            let begins = batch.iter().filter(|word| matches!(word, Word::Begin(..))).count();
            waiting.fetch_sub(begins, Ordering::Relaxed);
            self.take(std::mem::take(&mut batch));
            if stop {
                return;
            }
            if self.swept.elapsed() >= SWEEP_EVERY {
                self.sweep();
            }
        }
    }

    fn take(&mut self, words: Vec<Word>) {
        if words.is_empty() {
            return;
        }
        let mut news = News::default();
        if let Err(error) = self.write(words, &mut news) {
            error!(error = %chain(&error), "what became of requests with idempotency keys cannot be kept: {error}");
            // None of this batch was begun. What ended in it is as if nobody knew: its row is as it was.
            for (place, tell, found) in news.told.drain(..) {
                if !matches!(found, Found::Known { .. }) {
                    self.under_way.remove(&place);
                }
                news.refused.push(tell);
            }
            if let Err(error) = self.count() {
                warn!(error = %chain(&error), "the store of repeats cannot be counted: {error}");
            }
        }
        let mut nobody = Vec::new();
        for (place, tell, found) in news.told {
            match tell.send(Ok(found)) {
                Ok(()) | Err(Err(_) | Ok(Found::Known { .. })) => {}
                // Whoever asked went away before anything was sent.
                Err(Ok(Found::First)) => nobody.push(Word::End(place, Ending::Forgotten, None)),
                Err(Ok(Found::Again)) => nobody.push(Word::End(place, Ending::Lost, None)),
            }
        }
        news.refused.into_iter().for_each(|tell| drop(tell.send(Err(Unkept::Store))));
        for tell in news.heard {
            // Whoever waited may be gone.
            let _ = tell.send(());
        }
        self.take(nobody);
    }

    /// Writes a batch: all of it is durable, or nothing is.
    fn write(&mut self, words: Vec<Word>, news: &mut News) -> Result<(), StoreError> {
        let mut counts = Counts { bounds: self.bounds, usage: &mut self.usage, bytes: &mut self.bytes };
        let (batch, mut failed) = match self.store.batch() {
            Ok(batch) => (Some(batch), None),
            Err(error) => (None, Some(error)),
        };
        for word in words {
            let open = batch.as_ref().filter(|_| failed.is_none());
            match (word, open) {
                (Word::Begin(claim, tell), Some(batch)) => {
                    let place = claim.place;
                    match counts.begin(batch, &mut self.under_way, claim) {
                        Ok(Ok(found)) => news.told.push((place, tell, found)),
                        Ok(Err(full)) => drop(tell.send(Err(full))),
                        Err(error) => {
                            news.refused.push(tell);
                            failed = Some(error);
                        }
                    }
                }
                (Word::Begin(_, tell), None) => news.refused.push(tell),
                (Word::End(place, ending, tell), open) => {
                    let ended = self.under_way.remove(&place).zip(open);
                    if let Some((ended, batch)) = ended
                        && let Err(error) = counts.end(batch, place, ended, ending)
                    {
                        failed = Some(error);
                    }
                    news.heard.extend(tell);
                }
                (Word::Stop, _) => {}
            }
        }
        match (failed, batch) {
            (Some(error), _) => Err(error),
            // Durable from here.
            (None, Some(batch)) => batch.commit(),
            (None, None) => Ok(()),
        }
    }

    fn sweep(&mut self) {
        self.swept = Instant::now();
        let swept =
            self.store.sweep(clock::now()).and_then(|gone| if gone > 0 { self.count() } else { Ok(()) });
        if let Err(error) = swept {
            warn!(error = %chain(&error), "the store of repeats cannot be swept: {error}");
        }
    }

    fn count(&mut self) -> Result<(), StoreError> {
        let usage = self.store.usage()?;
        self.bytes = usage.values().map(|usage| usage.bytes).sum();
        self.usage = usage.into_iter().map(|(consumer, usage)| (consumer.into(), usage)).collect();
        Ok(())
    }
}

/// How much there is, as a batch goes on.
struct Counts<'k> {
    bounds: Bounds,
    usage: &'k mut HashMap<Box<str>, Usage>,
    bytes: &'k mut u64,
}

impl Counts<'_> {
    fn begin(
        &mut self,
        batch: &Batch<'_>,
        under_way: &mut HashMap<Place, UnderWay>,
        claim: Claim,
    ) -> Result<Result<Found, Unkept>, StoreError> {
        if let Some(first) = under_way.get(&claim.place) {
            let (first, request) = (first.exchange, first.request);
            return Ok(Ok(Found::Known { first, request, what: Kept::UnderWay }));
        }
        let now = clock::now();
        let until = now.saturating_add(self.bounds.keep).unwrap_or(now);
        let consumer = claim.consumer.clone();
        let found = match batch.get(claim.place, now)? {
            None => {
                let usage = self.usage.entry(consumer.clone()).or_default();
                if usage.keys >= self.bounds.keys {
                    return Ok(Err(Unkept::Full));
                }
                let Claim { place, request, ref terms, exchange, .. } = claim;
                batch.begin(place, &consumer, request, terms, exchange, until)?;
                usage.keys += 1;
                Found::First
            }
            Some(row) if passes_on(&claim, &row) => {
                batch.again(claim.place, until)?;
                self.give_back(&consumer, row.answer.map_or(0, |answer| answer.len() as u64));
                Found::Again
            }
            Some(row) => {
                let (first, request) = (row.exchange, row.request);
                return Ok(Ok(Found::Known { first, request, what: row.kept(&claim.terms) }));
            }
        };
        let (exchange, request) = (claim.exchange, claim.request);
        under_way.insert(claim.place, UnderWay { consumer, exchange, request });
        Ok(Ok(found))
    }

    fn end(
        &mut self,
        batch: &Batch<'_>,
        place: Place,
        ended: UnderWay,
        ending: Ending,
    ) -> Result<(), StoreError> {
        match ending {
            Ending::Lost => Ok(()),
            Ending::Done(request) => batch.end(place, request, None),
            Ending::Answered(request, sealed) => {
                let more = sealed.len() as u64;
                let usage = self.usage.entry(ended.consumer).or_default();
                if usage.bytes + more > self.bounds.bytes || *self.bytes + more > self.bounds.all_bytes {
                    return batch.end(place, request, None);
                }
                batch.end(place, request, Some(&sealed))?;
                usage.bytes += more;
                *self.bytes += more;
                Ok(())
            }
            Ending::Forgotten => {
                batch.forget(place)?;
                let usage = self.usage.entry(ended.consumer).or_default();
                usage.keys = usage.keys.saturating_sub(1);
                Ok(())
            }
        }
    }

    fn give_back(&mut self, consumer: &str, bytes: u64) {
        if let Some(usage) = self.usage.get_mut(consumer) {
            usage.bytes = usage.bytes.saturating_sub(bytes);
        }
        *self.bytes = self.bytes.saturating_sub(bytes);
    }
}

impl Row {
    fn kept(self, terms: &str) -> Kept {
        match (self.state, self.answer) {
            (State::Begun, _) => Kept::Unknown,
            // B7: what was agreed then may be more than what is agreed now.
            (State::Answered, Some(answer)) if self.terms == terms => Kept::Answered(answer),
            (State::Answered | State::Done, _) => Kept::Gone,
        }
    }
}

/// Whether a provider that knows the key is asked once more: where there is no answer to give again, and this is known to
/// be what was asked first. What streams is known when it has passed, which is too late.
fn passes_on(claim: &Claim, row: &Row) -> bool {
    let same = claim.request.zip(row.request).is_some_and(|(one, first)| one == first);
    let answered = row.state == State::Answered && row.terms == claim.terms;
    claim.provider == KeyAtProvider::Honoured && same && !answered
}

/// Words at once.
const MOST_BATCH: usize = 256;
/// How often what is over is removed.
const SWEEP_EVERY: Duration = Duration::from_secs(30);

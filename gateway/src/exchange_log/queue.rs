//! Between a core and the writer: entries go in, their places come back.
//!
//! Each core has a queue of its own, whose lock only the writer shares, twice a batch and briefly. Entries lie end
//! to end in one buffer, which the writer takes whole and gives back empty. The writer wakes a core once a batch,
//! whatever the number of its waiters; `LogPort::run` wakes those.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Notify, oneshot};
use uuid::Uuid;

use super::{EntryId, LogError, MAX_LINE, OpenEntry, line::Salt};

/// Entries of one core on their way to the writer, and those who wait for them.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// Told once a batch, and when the log ends.
    pub(super) settled: Notify,
}

#[derive(Debug, Default)]
struct State {
    pending: Pending,
    /// Sequence of the next entry; the sequence counts entries of this queue.
    next: u64,
    /// In order of sequence; an entry that nobody waits for has none.
    waiters: VecDeque<(u64, Waiter)>,
    /// Written by the writer, consumed by `take_settled`.
    settled: Vec<Settled>,
    closed: Option<LogError>,
    more: More,
    salts: Salts,
}

/// Entries that the writer has not seen, end to end.
#[derive(Debug, Default)]
pub(super) struct Pending {
    bytes: Vec<u8>,
    /// Where each ends, and what the writer must know of it.
    ends: Vec<(usize, Mark)>,
    /// Sequence of the first.
    pub(super) first: u64,
}

impl Pending {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// How many of them open an exchange.
    pub(super) fn openings(&self) -> usize {
        self.ends.iter().filter(|(_, mark)| matches!(mark, Mark::Opens(_))).count()
    }

    /// The body and mark of an entry.
    pub(super) fn entry(&self, at: usize) -> (&[u8], Mark) {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before].0);
        let (end, mark) = self.ends[at];
        (&self.bytes[start..end], mark)
    }

    /// Most bytes that the lines of these entries can have.
    pub(super) fn lines_bytes(&self) -> usize {
        self.bytes.len() + self.ends.len() * FRAME_BYTES
    }

    /// Empties it; keeps its memory unless a burst made it large.
    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.bytes.shrink_to(KEPT_BYTES);
    }
}

/// What an entry does to the set of open exchanges.
#[derive(Debug, Clone, Copy)]
pub(super) enum Mark {
    Opens(Uuid),
    Closes(u64),
    Neither,
}

/// Who waits for an entry to be durable.
#[derive(Debug)]
pub(super) enum Waiter {
    Opening { exchange: Uuid, told: oneshot::Sender<Result<OpenEntry, LogError>> },
    Other(oneshot::Sender<Result<EntryId, LogError>>),
}

/// Every entry before `end` is settled: entry `first` got the index in `place`, the next the one after it, ….
#[derive(Debug, Clone, Copy)]
struct Settled {
    first: u64,
    end: u64,
    place: Result<u64, LogError>,
}

/// Most that may wait in one queue.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    pub(super) entries: usize,
    pub(super) bytes: usize,
}

impl Queue {
    /// Adds the entry whose body `encode` appends to the buffer it gets.
    ///
    /// Without `room` it is always taken: closings are as many as openings, whose number is bounded.
    pub(super) fn push(
        &self,
        room: Option<Room>,
        mark: Mark,
        waiter: Option<Waiter>,
        encode: impl FnOnce(&mut Vec<u8>, &Salt),
    ) -> Result<(), LogError> {
        let mut state = self.lock();
        let State { pending, next, waiters, closed, salts, .. } = &mut *state;
        if let Some(error) = closed {
            return Err(*error);
        }
        if room.is_some_and(|room| pending.ends.len() >= room.entries || pending.bytes.len() >= room.bytes) {
            return Err(LogError::Overloaded);
        }
        let salt = salts.next()?;
        let start = pending.bytes.len();
        encode(&mut pending.bytes, &salt);
        let bytes = pending.bytes.len() - start;
        if bytes > MAX_LINE - FRAME_BYTES {
            pending.bytes.truncate(start);
            return Err(LogError::TooLong { bytes });
        }
        pending.ends.push((pending.bytes.len(), mark));
        waiters.extend(waiter.map(|waiter| (*next, waiter)));
        *next += 1;
        Ok(())
    }

    /// Whether entries wait for the writer.
    pub(super) fn has_pending(&self) -> bool {
        !self.lock().pending.ends.is_empty()
    }

    /// Exchanges what is pending for the buffers of `taken`.
    pub(super) fn take(&self, taken: &mut Pending) {
        taken.clear();
        let mut state = self.lock();
        std::mem::swap(&mut state.pending, taken);
        state.pending.first = state.next;
    }

    /// Says what became of `count` entries from sequence `first`; wakes the core if anybody there waits for it.
    pub(super) fn settle(&self, first: u64, count: usize, place: Result<u64, LogError>) {
        let mut state = self.lock();
        let end = first + count as u64;
        if state.waiters.front().is_none_or(|(sequence, _)| *sequence >= end) {
            return;
        }
        state.settled.push(Settled { first, end, place });
        drop(state);
        self.settled.notify_one();
    }

    /// Takes no more entries.
    pub(super) fn refuse(&self, error: LogError) {
        self.lock().closed.get_or_insert(error);
    }

    /// Takes no more entries, and tells all who still wait.
    pub(super) fn end(&self, error: LogError) {
        let mut state = self.lock();
        state.closed.get_or_insert(error);
        state.more = More::Ended;
        state.settled.push(Settled { first: 0, end: u64::MAX, place: Err(error) });
        drop(state);
        self.settled.notify_one();
    }

    /// Moves those whose entries are settled into `out`; says whether more can come.
    pub(super) fn take_settled(&self, out: &mut Vec<(Waiter, Result<u64, LogError>)>) -> More {
        let mut state = self.lock();
        let State { waiters, settled, .. } = &mut *state;
        for Settled { first, end, place } in settled.drain(..) {
            while let Some((sequence, waiter)) = waiters.pop_front_if(|(sequence, _)| *sequence < end) {
                out.push((waiter, place.map(|index| index + (sequence - first))));
            }
        }
        state.more
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a queue will settle anything more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum More {
    #[default]
    ToCome,
    Ended,
}

/// Random salts, fetched in bulk: a call for each would cost more than the rest of the entry.
#[derive(Debug)]
struct Salts {
    pool: [u8; 1024],
    used: usize,
}

impl Default for Salts {
    fn default() -> Self {
        Self { pool: [0; 1024], used: 1024 }
    }
}

impl Salts {
    fn next(&mut self) -> Result<Salt, LogError> {
        if self.used == self.pool.len() {
            aws_lc_rs::rand::fill(&mut self.pool).map_err(|_| LogError::NoRandomness)?;
            self.used = 0;
        }
        let salt = &mut self.pool[self.used..self.used + size_of::<Salt>()];
        self.used += size_of::<Salt>();
        Ok(std::mem::take(salt.try_into().expect("the pool is a multiple of a salt")))
    }
}

/// What the writer adds to a body: index, batch, `prev`, newline.
const FRAME_BYTES: usize = 128;
/// Most memory that an empty buffer keeps.
const KEPT_BYTES: usize = 1 << 20;

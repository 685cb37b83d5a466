//! The one thread that writes: takes what all cores handed over, writes and syncs it at once, tells them.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    io,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    LogError, MAX_BATCH, OPEN_A_LINE, Shared,
    checkpoint::Checkpoint,
    disk::DiskFile,
    line::{Head, Salt, closing_body, segment_body},
    queue::{Mark, Pending, Queue},
    records::{Closing, Outcome, SegmentHeader},
    stats::LogStats,
    storage::{Space, Storage},
};
use crate::cryptography::Cryptography;

/// The end of the log. Owned by the writer's thread (by `start` before there is one); nothing else writes.
///
/// After an error it must not be used again: what is on disk is not known.
pub(super) struct Writer {
    pub(super) storage: Box<dyn Storage>,
    pub(super) origin: String,
    pub(super) clock: fn() -> Timestamp,
    /// What segments say at their head of the cryptography.
    pub(super) cryptography: Option<Cryptography>,
    pub(super) stats: Arc<LogStats>,
    pub(super) segment_bytes: u64,
    /// The segment in use, and where its next line goes. `None`: the next batch begins a segment.
    pub(super) segment: Option<(Box<dyn DiskFile>, u64)>,
    /// Whether there is no space for the segment that follows it, and this one's room is for closings.
    full: bool,
    /// Whether the segment in use lacks its header.
    pub(super) header: Header,
    /// The end of the log, of what is durable and what the batch in the making adds.
    pub(super) head: Head,
    /// Exchanges that are open after `head`.
    pub(super) open: BTreeMap<u64, Uuid>,
    /// The batch in the making: a newline that is not written, then lines.
    lines: Vec<u8>,
    batch: u64,
    body: Vec<u8>,
    checkpointed: (u64, Instant),
}

/// Whether a segment's header is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Header {
    Due,
    Written,
}

impl Writer {
    pub(super) fn new(
        storage: Box<dyn Storage>,
        origin: String,
        clock: fn() -> Timestamp,
        stats: Arc<LogStats>,
    ) -> Self {
        Self {
            storage,
            head: Head::of_empty(&origin),
            origin,
            clock,
            cryptography: None,
            stats,
            segment_bytes: 0,
            segment: None,
            full: false,
            header: Header::Due,
            open: BTreeMap::new(),
            lines: vec![b'\n'],
            batch: 0,
            body: Vec::new(),
            checkpointed: (0, Instant::now()),
        }
    }

    /// Begins a batch that may add up to `bytes`, in a new segment if the present one has no room for it and, after
    /// it, for the closings of all that is open.
    fn begin(&mut self, bytes: usize) -> Result<Takes, WriteError> {
        self.lines.truncate(1);
        self.lines.shrink_to(2 * MAX_BATCH);
        self.batch = self.head.size;
        let reserved = reserve(self.open.len() + bytes / SHORTEST_OPENING, self.segment_bytes);
        if let Some((file, end)) = &mut self.segment
            && *end > 0
            && (self.full || *end + bytes as u64 + reserved > self.segment_bytes)
        {
            // Asked before anything is changed: what is reserved in the present segment serves while there is no other.
            // Once it is needed, it stays reserved until there is, though closings give some of it back.
            self.full = self.storage.space().map_err(WriteError::Begin)? == Space::Lacking;
            if self.full {
                return Ok(Takes::Closings);
            }
            file.seal(*end).map_err(WriteError::Seal)?;
            self.segment = None;
        }
        if self.segment.is_none() {
            // All entries before it are durable here, so its name proves that there were that many.
            let file = self.storage.begin(self.head.size).map_err(WriteError::Begin)?;
            self.segment = Some((file, 0));
            self.header = Header::Due;
            self.stats.segments.fetch_add(1, Ordering::Relaxed);
            self.checkpoint();
        }
        if self.header == Header::Due {
            self.append_header()?;
            self.header = Header::Written;
        }
        Ok(Takes::All)
    }

    /// Adds an entry to the batch.
    fn append(&mut self, body: &[u8], mark: Mark) {
        match mark {
            Mark::Opens(exchange) => drop(self.open.insert(self.head.size, exchange)),
            Mark::Closes(opening) => drop(self.open.remove(&opening)),
            Mark::Neither => {}
        }
        self.head.append(self.batch, body, &mut self.lines);
    }

    /// Makes the batch durable.
    fn commit(&mut self) -> Result<(), WriteError> {
        let (file, end) = self.segment.as_mut().expect("a batch begins with a segment");
        let lines = &self.lines[1..];
        let since = Instant::now();
        // A crash in here leaves any part of these lines, and only of these: see `recover`.
        file.write_durably_at(*end, lines).map_err(WriteError::Write)?;
        // Durable from here.
        *end += lines.len() as u64;
        self.stats.batch(self.head.size - self.batch, lines.len(), since.elapsed());
        Ok(())
    }

    /// Says, at the head of a segment, what is still open, so that recovery needs no segment before it.
    fn append_header(&mut self) -> Result<(), WriteError> {
        let open: Vec<_> = self.open.iter().map(|(index, exchange)| (*index, *exchange)).collect();
        let mut rest = &open[..];
        loop {
            let (now, later) = rest.split_at(rest.len().min(OPEN_A_LINE));
            let header = SegmentHeader {
                at: (self.clock)(),
                origin: self.origin.as_str().into(),
                open: now.to_vec(),
                more: !later.is_empty(),
                cryptography: self.cryptography.as_ref().map(Cow::Borrowed),
            };
            let mut body = std::mem::take(&mut self.body);
            body.clear();
            segment_body(&mut body, &salt()?, &header);
            self.head.append(self.batch, &body, &mut self.lines);
            self.body = body;
            rest = later;
            if rest.is_empty() {
                return Ok(());
            }
        }
    }

    /// Closes all that is open as unknown, durably: after a crash nobody can say how those exchanges ended.
    pub(super) fn close_all_as_unknown(&mut self) -> Result<u64, WriteError> {
        let open: Vec<_> = self.open.iter().map(|(index, exchange)| (*index, *exchange)).collect();
        for some in open.chunks(MAX_BATCH / 1024) {
            // Where there is no space for another segment, these have theirs in the present one.
            let (Takes::All | Takes::Closings) = self.begin(some.len() * 512)?;
            for (opening, exchange) in some {
                let closing = Closing::bare((self.clock)(), Outcome::Unknown);
                let mut body = std::mem::take(&mut self.body);
                body.clear();
                closing_body(&mut body, &salt()?, *opening, *exchange, &closing);
                self.append(&body, Mark::Closes(*opening));
                self.body = body;
            }
            self.commit()?;
        }
        Ok(open.len() as u64)
    }

    /// Makes sure that there is a segment with a header: a log has at least that entry.
    pub(super) fn ensure_header(&mut self) -> Result<(), WriteError> {
        if self.header == Header::Written {
            return Ok(());
        }
        match self.begin(0)? {
            Takes::All => self.commit(),
            Takes::Closings => Ok(()),
        }
    }

    /// Begins a segment, so that its head says what is so from here on. Where there is no space for one, the present one goes
    /// on, and the next start tries again.
    pub(super) fn begin_anew(&mut self) -> Result<(), WriteError> {
        if self.storage.space().map_err(WriteError::Begin)? == Space::Lacking {
            return Ok(());
        }
        // All entries are durable: a crash from here on leaves a segment that is whole, or that and one without its header.
        if let Some((file, end)) = &mut self.segment {
            file.seal(*end).map_err(WriteError::Seal)?;
        }
        (self.segment, self.header) = (None, Header::Due);
        self.ensure_header()
    }

    /// Orders a checkpoint of what is durable.
    pub(super) fn checkpoint(&mut self) {
        self.checkpointed = (self.head.size, Instant::now());
        self.storage.checkpoint_soon(self.state());
    }

    /// Writes a checkpoint of what is durable.
    pub(super) fn checkpoint_now(&mut self) -> Result<(), WriteError> {
        self.checkpointed = (self.head.size, Instant::now());
        self.storage.checkpoint_now(self.state()).map_err(WriteError::Checkpoint)
    }

    /// The checkpoint to write; between batches only.
    fn state(&self) -> Checkpoint {
        Checkpoint { origin: self.origin.clone(), head: self.head }
    }
}

/// What a batch has room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    All,
    /// There is no space for the next segment, and what is left of this one is for exchanges that were begun.
    Closings,
}

/// Room that is kept at the end of a segment for the closings of what is open.
fn reserve(open: usize, segment_bytes: u64) -> u64 {
    (open as u64).saturating_mul(CLOSING_BYTES).min(segment_bytes / 4)
}

/// What the writer's thread does until the log stops or fails.
pub(super) fn run(mut writer: Writer, shared: &Shared) {
    // However this ends, nobody is left waiting.
    let ending = Ending(shared);
    let mut round = Round::default();
    match write_until_stopped(&mut writer, shared, &mut round) {
        Ok(()) => {
            if let Err(error) = writer.checkpoint_now() {
                tracing::warn!(%error, "the exchange log stopped whole, but without its last checkpoint");
            }
            shared.end(LogError::Closed);
        }
        Err(error) => {
            // Promise 1: no way back to "durable" in this process. Recovery at the next start finds what is true.
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the exchange log failed and is closed: {error}"
            );
            shared.fail(&error.to_string());
            round.fail(LogError::Unknown);
            shared.end(LogError::Closed);
        }
    }
    drop(ending);
}

fn write_until_stopped(writer: &mut Writer, shared: &Shared, round: &mut Round) -> Result<(), WriteError> {
    let mut lazy_since: Option<Instant> = None;
    let mut pace = Pace { calls: 0.0, since: Instant::now() };
    loop {
        let stopping = shared.is_stopping();
        if stopping {
            shared.refuse_all(LogError::Closed);
        }
        let lazy_due = lazy_since.is_some_and(|since| since.elapsed() >= LAZY);
        if shared.take_urgent() || lazy_due || stopping {
            lazy_since = None;
            pace.since = Instant::now();
            let calls = round.write(writer, shared)?;
            pace.calls += (calls as f32 - pace.calls) / 8.0;
            if stopping {
                return Ok(());
            }
            if writer.checkpointed.1.elapsed() >= CHECKPOINT_EVERY {
                writer.checkpoint();
            }
            shared.gather(pace.since + pace.between(shared.open.load(Ordering::Relaxed)));
            continue;
        }
        // Closings that nobody waits for ride with the next batch, but not longer than this.
        if lazy_since.is_none() && shared.has_pending() {
            lazy_since = Some(Instant::now());
        }
        if let Some(since) = lazy_since {
            shared.doze(LAZY.saturating_sub(since.elapsed()));
            continue;
        }
        let (size, at) = writer.checkpointed;
        let due = (size != writer.head.size).then(|| CHECKPOINT_EVERY.saturating_sub(at.elapsed()));
        if due == Some(Duration::ZERO) {
            writer.checkpoint();
        } else {
            shared.sleep(due);
        }
    }
}

/// How soon after a batch the next one may begin.
///
/// A sync costs as much processor time as a whole call. Alone, a call gets one to itself at once; when calls keep
/// arriving while others are synced, a short wait lets many share one: the longer, the more are under way, for then
/// each waits for the processor anyway.
struct Pace {
    /// Calls that a batch begins, smoothed.
    calls: f32,
    /// When the last batch was begun.
    since: Instant,
}

impl Pace {
    fn between(&self, open: usize) -> Duration {
        let most = GATHER_AN_EXCHANGE.saturating_mul(u32::try_from(open).unwrap_or(u32::MAX)).min(GATHER);
        GATHER_A_CALL.mul_f32((self.calls - 1.0).max(0.0)).min(most)
    }
}

/// What the writer took from the queues and has to answer for; its buffers serve again and again.
#[derive(Default)]
pub(super) struct Round {
    taken: Vec<(Arc<Queue>, Pending)>,
    /// Entries of the batch in the making, and those that it has no room for, in order: queue, first sequence, how many,
    /// index of the first.
    answers: Vec<(usize, u64, usize, Result<u64, LogError>)>,
}

impl Round {
    /// Takes all that is pending and makes it durable, in batches of bounded size; says how many calls it began.
    pub(super) fn write(&mut self, writer: &mut Writer, shared: &Shared) -> Result<usize, WriteError> {
        shared.for_new_queues(self.taken.len(), |queue| {
            self.taken.push((Arc::clone(queue), Pending::default()))
        });
        let mut bytes = 0;
        for (queue, pending) in &mut self.taken {
            queue.take(pending);
            shared.waiting.fetch_sub(pending.openings(), Ordering::Relaxed);
            bytes += pending.lines_bytes();
        }
        if bytes == 0 {
            return Ok(0);
        }
        let mut calls = 0;
        let mut takes = writer.begin(bytes.min(MAX_BATCH))?;
        shared.note_room(takes == Takes::All);
        for number in 0..self.taken.len() {
            let (mut sequence, mut count) = (self.taken[number].1.first, 0);
            let mut index = writer.head.size;
            for at in 0..self.taken[number].1.len() {
                let (body, mark) = self.taken[number].1.entry(at);
                let closes = matches!(mark, Mark::Closes(_));
                if takes == Takes::Closings && !closes {
                    if count > 0 {
                        self.answers.push((number, sequence, count, Ok(index)));
                    }
                    sequence += count as u64;
                    self.answers.push((number, sequence, 1, Err(LogError::Full)));
                    (sequence, count, index) = (sequence + 1, 0, writer.head.size);
                    continue;
                }
                writer.append(body, mark);
                count += 1;
                calls += usize::from(!closes);
                if writer.lines.len() >= MAX_BATCH / 2 {
                    self.answers.push((number, sequence, count, Ok(index)));
                    writer.commit()?;
                    self.settle_placed();
                    takes = writer.begin(bytes.min(MAX_BATCH))?;
                    shared.note_room(takes == Takes::All);
                    (sequence, count, index) = (sequence + count as u64, 0, writer.head.size);
                }
            }
            if count > 0 {
                self.answers.push((number, sequence, count, Ok(index)));
            }
        }
        if writer.head.size > writer.batch {
            writer.commit()?;
        }
        self.settle_placed();
        Ok(calls)
    }

    fn settle_placed(&mut self) {
        for (number, sequence, count, place) in self.answers.drain(..) {
            self.taken[number].0.settle(sequence, count, place);
        }
    }

    /// Answers for the batch in the making with `error`.
    pub(super) fn fail(&mut self, error: LogError) {
        for (number, sequence, count, place) in self.answers.drain(..) {
            self.taken[number].0.settle(sequence, count, place.and(Err(error)));
        }
    }
}

struct Ending<'a>(&'a Shared);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // Nobody knows what was written.
            self.0.fail("a bug: the writer panicked");
            self.0.end(LogError::Unknown);
        }
    }
}

/// What the writer could not do. The log is closed by any of them.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Lines may be on disk, in part, or until the next crash.
    #[error("writing entries failed")]
    Write(#[source] io::Error),
    /// The full segment is whole but not cut to size.
    #[error("sealing the full segment failed")]
    Seal(#[source] io::Error),
    /// There is no next segment.
    #[error("beginning a segment failed")]
    Begin(#[source] io::Error),
    /// The checkpoint is the old one.
    #[error("writing the checkpoint failed")]
    Checkpoint(#[source] io::Error),
    /// The system gave no random bytes.
    #[error("no random bytes for a salt")]
    NoRandomness,
}

fn salt() -> Result<Salt, WriteError> {
    let mut salt = Salt::default();
    aws_lc_rs::rand::fill(&mut salt).map_err(|_| WriteError::NoRandomness)?;
    Ok(salt)
}

/// Longest that a closing which nobody waits for is not durable.
const LAZY: Duration = Duration::from_millis(20);
/// Longest between two batches that begin many calls.
const GATHER: Duration = Duration::from_micros(1_500);
/// What each exchange that is open adds to what is the longest now: 32 callers wait no longer than 800 µs.
const GATHER_AN_EXCHANGE: Duration = Duration::from_micros(25);
/// What each call in a batch, after the first, adds to that: waiting begins to pay at some 5,000 calls a second.
const GATHER_A_CALL: Duration = Duration::from_micros(200);
/// No opening is shorter: so many may a batch add to those that are open.
const SHORTEST_OPENING: usize = 512;
/// Room for a closing: as long as most are, and half as much again.
const CLOSING_BYTES: u64 = 1 << 10;
const CHECKPOINT_EVERY: Duration = Duration::from_secs(1);

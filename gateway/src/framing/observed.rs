//! What the guard saw, for those who cannot reach it because hyper owns it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::FramingViolation;

/// What a connection's guard saw so far.
///
/// Written by the one task that polls the connection. Read by the service on it and by the driver that ends
/// connections which make no progress; the figures are for deadlines, none of them orders anything.
#[derive(Debug)]
pub struct Observed {
    born: Instant,
    violation: OnceLock<(Place, FramingViolation)>,
    phase: AtomicU8,
    heads: AtomicU64,
    bytes_read: AtomicU64,
    bytes_written: AtomicU64,
    head_since: Mark,
    read_blocked_since: Mark,
    write_blocked_since: Mark,
}

/// Where in the stream of messages the peer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Between two messages, and nothing of the next one has come. A call may still be in hand.
    Between,
    /// Between two messages; bytes behind the last one have come and are not looked at before hyper asks.
    Queued,
    /// Within a head.
    Head,
    /// Within a body or its trailers.
    Body,
    /// A violation was found: nothing more is taken from the peer.
    Violated,
}

impl Observed {
    pub(super) fn new() -> Self {
        Self {
            born: Instant::now(),
            violation: OnceLock::new(),
            phase: AtomicU8::new(0),
            heads: AtomicU64::new(0),
            bytes_read: AtomicU64::new(0),
            bytes_written: AtomicU64::new(0),
            head_since: Mark::default(),
            read_blocked_since: Mark::default(),
            write_blocked_since: Mark::default(),
        }
    }

    pub(super) fn violated(&self, place: Place, violation: FramingViolation) {
        // A connection ends with its first violation, so there is no second.
        let _ = self.violation.set((place, violation));
    }

    pub(super) fn entered(&self, phase: Phase, heads: u64) {
        self.phase.store(phase as u8, Relaxed);
        self.heads.store(heads, Relaxed);
        if phase == Phase::Head { self.head_since.set(self.born) } else { self.head_since.clear() }
    }

    pub(super) fn read(&self, bytes: usize) {
        self.bytes_read.fetch_add(bytes as u64, Relaxed);
        self.read_blocked_since.clear();
    }

    pub(super) fn read_blocked(&self) {
        self.read_blocked_since.set(self.born);
    }

    pub(super) fn written(&self, bytes: usize) {
        self.bytes_written.fetch_add(bytes as u64, Relaxed);
        self.write_blocked_since.clear();
        // While we speak, the peer's silence is none; the next read that finds nothing starts anew. hyper flushes
        // after every read, whether there is anything or not: that is no speaking.
        if bytes > 0 {
            self.read_blocked_since.clear();
        }
    }

    pub(super) fn write_blocked(&self) {
        self.write_blocked_since.set(self.born);
    }

    /// The violation in the head that the connection's call number `ordinal` (from 0) stands for.
    ///
    /// Such a call is a substitute: it has no meaning but to be refused with this code.
    pub fn violation(&self, ordinal: u64) -> Option<FramingViolation> {
        self.violation_at(Place::Head { ordinal })
    }

    /// The violation in the body of call number `ordinal` (from 0): to be asked for when reading the body fails.
    ///
    /// Bytes may have come and hyper may have read ahead, so asking earlier has an answer by chance only.
    pub fn body_violation(&self, ordinal: u64) -> Option<FramingViolation> {
        self.violation_at(Place::Body { ordinal })
    }

    /// Where the peer stands.
    pub fn phase(&self) -> Phase {
        match self.phase.load(Relaxed) {
            0 => Phase::Between,
            1 => Phase::Queued,
            2 => Phase::Head,
            3 => Phase::Body,
            _ => Phase::Violated,
        }
    }

    /// Whether the peer stands between messages and nothing is buffered: idle, if no call is in hand.
    pub fn at_boundary(&self) -> bool {
        self.phase() == Phase::Between
    }

    /// Since when the peer could send its next message and has not begun to. Whether a call is in hand, only the
    /// service knows.
    pub fn idle_since(&self) -> Option<Instant> {
        if self.at_boundary() { self.read_blocked_since() } else { None }
    }

    /// Heads that were complete and in order.
    pub fn heads(&self) -> u64 {
        self.heads.load(Relaxed)
    }

    /// Bytes taken from the peer.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Relaxed)
    }

    /// Bytes that the peer's side of the connection took.
    pub fn bytes_written(&self) -> u64 {
        self.bytes_written.load(Relaxed)
    }

    /// Since when a head is incomplete.
    pub fn head_since(&self) -> Option<Instant> {
        self.head_since.at(self.born)
    }

    /// Since when we want to read and the peer sends nothing.
    ///
    /// Starts anew with every byte read or written. While a service does not take its body, nobody wants to read and
    /// this is `None`: the delay is then ours.
    pub fn read_blocked_since(&self) -> Option<Instant> {
        self.read_blocked_since.at(self.born)
    }

    /// Since when we want to write and the peer takes nothing.
    pub fn write_blocked_since(&self) -> Option<Instant> {
        self.write_blocked_since.at(self.born)
    }

    fn violation_at(&self, place: Place) -> Option<FramingViolation> {
        self.violation.get().filter(|(at, _)| *at == place).map(|(_, violation)| *violation)
    }
}

/// Where a violation was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Head { ordinal: u64 },
    Body { ordinal: u64 },
}

/// An instant or none: microseconds after the connection's birth, plus one; 0 is none.
#[derive(Debug, Default)]
struct Mark(AtomicU64);

impl Mark {
    /// Sets the mark to this moment unless it is set.
    fn set(&self, born: Instant) {
        if self.0.load(Relaxed) == 0 {
            let micros = u64::try_from(born.elapsed().as_micros()).unwrap_or(u64::MAX - 1);
            self.0.store(micros + 1, Relaxed);
        }
    }

    fn clear(&self) {
        self.0.store(0, Relaxed);
    }

    fn at(&self, born: Instant) -> Option<Instant> {
        match self.0.load(Relaxed) {
            0 => None,
            mark => born.checked_add(Duration::from_micros(mark - 1)),
        }
    }
}

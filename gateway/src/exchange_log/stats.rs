//! What the log counts: plain atomics, for metrics to read.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use super::LogError;

/// Counters of one log since it was started.
#[derive(Debug, Default)]
pub struct LogStats {
    /// Entries made durable.
    pub entries: AtomicU64,
    /// Writes with a sync each.
    pub batches: AtomicU64,
    /// Bytes made durable.
    pub bytes: AtomicU64,
    /// Entries not taken because a queue was full.
    pub overloaded: AtomicU64,
    /// Entries not taken for any other reason.
    pub refused: AtomicU64,
    /// Entries of the last batch: how many had gathered while the one before it was synced.
    pub last_batch: AtomicU64,
    /// Segments begun.
    pub segments: AtomicU64,
    /// Entries under the last checkpoint, of all that the log has.
    pub sealed: AtomicU64,
    /// Whether there is no space for the next segment; the present one may still have room.
    pub lacks_space: AtomicBool,
    /// Writes by the time they took, sync included: see [`Self::sync_bounds_us`]; the last holds all longer ones.
    pub syncs: [AtomicU64; BUCKETS],
    /// Sum of those times, in microseconds.
    pub sync_us: AtomicU64,
}

impl LogStats {
    /// Upper bounds of `syncs`, in microseconds, but for the last.
    pub fn sync_bounds_us() -> [u64; BUCKETS - 1] {
        std::array::from_fn(|n| FIRST_BOUND_US << n)
    }

    pub(super) fn batch(&self, entries: u64, bytes: usize, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = Self::sync_bounds_us().iter().position(|bound| us <= *bound).unwrap_or(BUCKETS - 1);
        self.entries.fetch_add(entries, Relaxed);
        self.batches.fetch_add(1, Relaxed);
        self.bytes.fetch_add(bytes as u64, Relaxed);
        self.last_batch.store(entries, Relaxed);
        self.syncs[bucket].fetch_add(1, Relaxed);
        self.sync_us.fetch_add(us, Relaxed);
    }

    pub(super) fn refuse(&self, error: LogError) {
        let counter = if error == LogError::Overloaded { &self.overloaded } else { &self.refused };
        counter.fetch_add(1, Relaxed);
    }
}

const FIRST_BOUND_US: u64 = 32;
/// 32 µs to 1 s, and longer.
const BUCKETS: usize = 17;

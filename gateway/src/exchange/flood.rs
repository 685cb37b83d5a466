//! Floods of refusals: counted and sampled, so that a hostile peer cannot fill the log.
//!
//! Each certificate may cause so many entries at once and so many a second on one runtime; what is beyond is answered,
//! counted, and the count stands in that certificate's next entry.

use std::collections::HashMap;
use std::time::Instant;

use agreements::Fingerprint;

/// What one runtime remembers of refused callers.
#[derive(Debug, Default)]
pub(super) struct FloodGuard {
    callers: HashMap<Fingerprint, Bucket>,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    since: Instant,
    suppressed: u32,
}

/// Whether a refusal gets an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sampled {
    /// It does, and stands for so many before it.
    Entry {
        /// Refusals before it that got none.
        suppressed: u32,
    },
    /// It is only counted.
    Counted,
}

impl FloodGuard {
    /// Counts a refusal of a caller.
    pub(super) fn refuse(&mut self, caller: Fingerprint, now: Instant) -> Sampled {
        if self.callers.len() >= MOST_CALLERS && !self.callers.contains_key(&caller) {
            // Those who were quiet long enough to be as new have nothing to be remembered for.
            self.callers.retain(|_, bucket| bucket.suppressed > 0 || bucket.refilled(now) < BURST);
            if self.callers.len() >= MOST_CALLERS {
                return Sampled::Counted;
            }
        }
        let fresh = || Bucket { tokens: BURST, since: now, suppressed: 0 };
        let bucket = self.callers.entry(caller).or_insert_with(fresh);
        bucket.tokens = bucket.refilled(now);
        bucket.since = now;
        if bucket.tokens < 1.0 {
            bucket.suppressed = bucket.suppressed.saturating_add(1);
            return Sampled::Counted;
        }
        bucket.tokens -= 1.0;
        Sampled::Entry { suppressed: std::mem::take(&mut bucket.suppressed) }
    }
}

impl Bucket {
    fn refilled(&self, now: Instant) -> f64 {
        (self.tokens + now.duration_since(self.since).as_secs_f64() * PER_SECOND).min(BURST)
    }
}

/// Entries of refusals a second, one certificate on one runtime.
const PER_SECOND: f64 = 20.0;

/// Entries of refusals at once.
const BURST: f64 = 200.0;

/// Callers remembered at once.
const MOST_CALLERS: usize = 16_384;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_flood_is_sampled_and_its_count_stands_in_the_next_entry() {
        let (mut guard, now) = (FloodGuard::default(), Instant::now());
        let (hostile, other) = (Fingerprint::new([1; 32]), Fingerprint::new([2; 32]));
        let entries =
            (0..1000).filter(|_| guard.refuse(hostile, now) == Sampled::Entry { suppressed: 0 }).count();
        assert_eq!(entries, 200);
        assert_eq!(guard.refuse(other, now), Sampled::Entry { suppressed: 0 });
        let later = now + Duration::from_secs(1);
        assert_eq!(guard.refuse(hostile, later), Sampled::Entry { suppressed: 800 });
    }

    #[test]
    fn memory_is_bounded_whoever_calls() {
        let (mut guard, now) = (FloodGuard::default(), Instant::now());
        for caller in 0..(MOST_CALLERS as u32 + 10) {
            let mut digest = [0; 32];
            digest[..4].copy_from_slice(&caller.to_be_bytes());
            guard.refuse(Fingerprint::new(digest), now);
        }
        assert!(guard.callers.len() <= MOST_CALLERS);
    }
}

//! Peers' clocks, from the `Date` of providers' answers: a look now and then, on the way.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use agreements::SystemId;
use http::header::{DATE, HeaderMap};
use jiff::{SignedDuration, Timestamp};

use crate::clock;

/// How far providers' clocks were off when they were last looked at.
#[derive(Debug, Default)]
pub struct PeerClocks {
    // Locked once a minute by each connection, and by who reads the metrics; never across an await.
    seen: Mutex<BTreeMap<SystemId, SignedDuration>>,
}

impl PeerClocks {
    /// Looks at an answer's `Date`, if the last look over this connection was a while ago.
    pub fn look(&self, last: &mut Option<Instant>, provider: &SystemId, headers: &HeaderMap, sent: Instant) {
        if last.is_some_and(|last| last.elapsed() < LOOK_EVERY) {
            return;
        }
        *last = Some(Instant::now());
        self.take(provider, headers, sent, clock::now());
    }

    fn take(&self, provider: &SystemId, headers: &HeaderMap, sent: Instant, now: Timestamp) {
        let Some(date) = headers.get(DATE).and_then(|value| value.to_str().ok()).and_then(read_date) else {
            return;
        };
        let took = SignedDuration::try_from(sent.elapsed()).unwrap_or(SignedDuration::ZERO);
        let ahead = ahead(date, now - took, now);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        // As many as there are registered providers, and no more of them than that.
        if seen.insert(provider.clone(), ahead).is_none() && seen.len() > MOST {
            seen.pop_first();
        }
    }

    /// By system, how far its clock is ahead of ours beyond what a `Date` leaves open.
    pub fn all(&self) -> Vec<(SystemId, SignedDuration)> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.iter().map(|(system, ahead)| (system.clone(), *ahead)).collect()
    }
}

/// Reads a `Date` header.
pub(crate) fn read_date(text: &str) -> Option<Timestamp> {
    let since = httpdate::parse_http_date(text).ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    Timestamp::from_second(i64::try_from(since.as_secs()).ok()?).ok()
}

/// How far a clock is ahead that said `date`, to the second below, between two moments of ours.
pub(crate) fn ahead(date: Timestamp, sent: Timestamp, received: Timestamp) -> SignedDuration {
    // What a `Date` says is anybody's: no moment is reckoned from it, there may be none beyond.
    let behind = sent.duration_since(date) - SignedDuration::from_secs(1);
    if received < date {
        date.duration_since(received)
    } else if behind.is_positive() {
        -behind
    } else {
        SignedDuration::ZERO
    }
}

const LOOK_EVERY: Duration = Duration::from_secs(60);
/// More than there are providers.
const MOST: usize = 10_000;

#[cfg(test)]
mod tests {
    use http::header::HeaderValue;

    use super::*;

    /// C6: `Date` is what a peer says, to the last moment that there is.
    #[test]
    fn a_date_at_the_end_of_time_is_read_as_any_other() {
        let date = read_date("Thu, 30 Dec 9999 22:00:00 GMT").unwrap();
        assert_eq!(date, Timestamp::MAX - SignedDuration::from_nanos(999_999_999));
        let at = |time: &str| time.parse::<Timestamp>().unwrap();
        let (sent, received) = (at("2026-11-22T12:00:00Z"), at("2026-11-22T12:00:02Z"));
        assert_eq!(ahead(date, sent, received), date.duration_since(received));
        assert_eq!(ahead(date, Timestamp::MAX, Timestamp::MAX), SignedDuration::ZERO);
        assert!(ahead(Timestamp::MIN, Timestamp::MAX, Timestamp::MAX).is_negative());
        let told = [("2026-11-22T11:59:58Z", -1), ("2026-11-22T11:59:59Z", 0), ("2026-11-22T12:00:02Z", 0)];
        for (date, seconds) in told {
            assert_eq!(ahead(at(date), sent, received).as_secs(), seconds, "{date}");
        }
    }

    /// C6
    #[test]
    fn clock_of_a_provider_is_seen_by_its_date_now_and_then() {
        let clocks = PeerClocks::default();
        let provider = SystemId::new("register").unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(DATE, HeaderValue::from_static("Sun, 22 Nov 2026 12:00:00 GMT"));
        let sent = Instant::now();
        for (now, ahead) in [("2026-11-22T11:59:30Z", 30), ("2026-11-22T12:00:00.5Z", 0)] {
            clocks.take(&provider, &headers, sent, now.parse().unwrap());
            assert_eq!(clocks.all()[0].1.as_secs(), ahead);
        }
        let mut last = Some(sent);
        clocks.look(&mut last, &provider, &headers, sent);
        assert_eq!((last, clocks.all()[0].1), (Some(sent), SignedDuration::ZERO), "not so soon again");
        clocks.take(&SystemId::new("another").unwrap(), &HeaderMap::new(), sent, clock::now());
        assert_eq!(clocks.all().len(), 1, "who says no Date is not looked at");
    }
}

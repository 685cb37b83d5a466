//! When the holder of a certificate last shook hands with this gateway, and what time it said it had: what is known of a
//! consumer without calling it.
//!
//! Owner: the exchange face writes, readiness checks read. Only chains that were verified get here; what is remembered is
//! bounded, and gone with the process.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError, TryLockError};

use agreements::Fingerprint;
use certs::tls::Alpn;
use http::HeaderMap;
use http::header::DATE;
use jiff::{SignedDuration, Timestamp};

use crate::clock_watch::{ahead as offset, read_date};

/// The last handshakes, by certificate.
#[derive(Debug, Default)]
pub struct Arrivals {
    // Held for as long as one insertion takes.
    last: Mutex<HashMap<Fingerprint, Arrived>>,
}

/// A handshake that succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// When.
    pub at: Timestamp,
    /// What was agreed to be spoken.
    pub alpn: Alpn,
}

/// What is known of who came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrived {
    /// The last handshake.
    pub seen: Seen,
    /// What its last call that bore a `Date` said of its clock.
    pub said: Option<Said>,
}

/// A clock, as a call told it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said {
    /// When the call came.
    pub at: Timestamp,
    /// How far that clock was ahead; negative where it was behind. To the second.
    pub offset: SignedDuration,
}

impl Arrivals {
    /// Remembers what a call says of its caller's clock (RFC 9110 §6.6.1), which the certificate on its connection vouches for.
    ///
    /// Nobody waits here: while another core writes, this call tells nothing.
    pub fn hears(&self, certificate: &Fingerprint, headers: &HeaderMap, received: Timestamp) {
        let Some(date) = headers.get(DATE) else { return };
        let Some(date) = date.to_str().ok().and_then(read_date) else { return };
        let mut last = match self.last.try_lock() {
            Ok(last) => last,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        if let Some(arrived) = last.get_mut(certificate) {
            arrived.said = Some(Said { at: received, offset: offset(date, received, received) });
        }
    }

    /// Remembers a handshake.
    pub fn note(&self, certificate: Fingerprint, seen: Seen) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        // Certificates end: whoever comes again is remembered again.
        if last.len() >= MOST && !last.contains_key(&certificate) {
            last.clear();
        }
        let said = last.get(&certificate).and_then(|known| known.said);
        last.insert(certificate, Arrived { seen, said });
    }

    /// The last handshake with any of these certificates, and what was said last under any of them.
    pub fn last<'a>(&self, certificates: impl IntoIterator<Item = &'a Fingerprint>) -> Option<Arrived> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let known = certificates.into_iter().filter_map(|one| last.get(one).copied());
        known.reduce(|one, other| Arrived {
            seen: if other.seen.at > one.seen.at { other.seen } else { one.seen },
            said: one.said.into_iter().chain(other.said).max_by_key(|said| said.at),
        })
    }
}

/// Certificates remembered: some 8 MiB.
const MOST: usize = 65_536;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_several_certificates_counts() {
        let arrivals = Arrivals::default();
        let (one, other, never) =
            (Fingerprint::new([1; 32]), Fingerprint::new([2; 32]), Fingerprint::new([3; 32]));
        let at = |second| Seen { at: Timestamp::from_second(second).unwrap(), alpn: Alpn::Http1 };
        arrivals.note(one, at(20));
        arrivals.note(other, at(10));
        arrivals.note(other, at(15));
        let seen = |of: &[&Fingerprint]| arrivals.last(of.iter().copied()).map(|known| known.seen);
        assert_eq!(seen(&[&other, &one, &never]), Some(at(20)));
        assert_eq!((seen(&[&other]), seen(&[&never])), (Some(at(15)), None));
    }

    /// B5; Portal 62.3
    #[test]
    fn what_a_call_says_of_its_callers_clock_is_remembered_and_what_is_no_date_is_not() {
        let arrivals = Arrivals::default();
        let (one, never) = (Fingerprint::new([1; 32]), Fingerprint::new([3; 32]));
        let at = |second: i64| Timestamp::from_second(1_772_427_600 + second).unwrap();
        let handshake = || arrivals.note(one, Seen { at: at(0), alpn: Alpn::Http1 });
        let says = |who: &Fingerprint, date: &str, second| {
            let headers = HeaderMap::from_iter([(DATE, date.parse().unwrap())]);
            arrivals.hears(who, &headers, at(second));
            arrivals.last([who]).and_then(|known| known.said).map(|said| said.offset.as_secs())
        };
        handshake();
        assert_eq!(says(&one, "yesterday", 1), None);
        arrivals.hears(&one, &HeaderMap::new(), at(1));
        assert_eq!(says(&one, "Mon, 02 Mar 2026 05:00:02 GMT", 2), Some(0));
        assert_eq!(says(&one, "Mon, 02 Mar 2026 05:00:10 GMT", 3), Some(7), "ahead");
        assert_eq!(says(&one, "Mon, 02 Mar 2026 04:59:59 GMT", 30), Some(-30), "behind");
        handshake();
        assert_eq!(says(&one, "nonsense", 31), Some(-30), "a new connection forgets nothing");
        assert_eq!(says(&never, "Mon, 02 Mar 2026 05:00:02 GMT", 2), None, "who never came is not known");
    }
}

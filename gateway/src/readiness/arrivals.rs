//! When the holder of a certificate last shook hands with this gateway: what is known of a consumer without calling it.
//!
//! Owner: the exchange face writes, readiness checks read. Only chains that were verified get here; what is remembered is
//! bounded, and gone with the process.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use agreements::Fingerprint;
use certs::tls::Alpn;
use jiff::Timestamp;

/// The last handshakes, by certificate.
#[derive(Debug, Default)]
pub struct Arrivals {
    // Held for as long as one insertion takes.
    last: Mutex<HashMap<Fingerprint, Seen>>,
}

/// A handshake that succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// When.
    pub at: Timestamp,
    /// What was agreed to be spoken.
    pub alpn: Alpn,
}

impl Arrivals {
    /// Remembers a handshake.
    pub fn note(&self, certificate: Fingerprint, seen: Seen) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        // Certificates end: whoever comes again is remembered again.
        if last.len() >= MOST && !last.contains_key(&certificate) {
            last.clear();
        }
        last.insert(certificate, seen);
    }

    /// The last handshake with any of these certificates.
    pub fn last<'a>(&self, certificates: impl IntoIterator<Item = &'a Fingerprint>) -> Option<Seen> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        certificates.into_iter().filter_map(|one| last.get(one).copied()).max_by_key(|seen| seen.at)
    }
}

/// Certificates remembered: some 6 MiB.
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
        assert_eq!(arrivals.last([&other, &one, &never]), Some(at(20)));
        assert_eq!((arrivals.last([&other]), arrivals.last([&never])), (Some(at(15)), None));
    }
}

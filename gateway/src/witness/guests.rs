//! What one address may take of a witness: connections at once, and requests by the second.
//!
//! A log needs one connection and a request a second. Whoever takes more than their share is turned away, so that what
//! they do costs the others nothing.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;

/// Bounds of a witness's face.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Connections at once of one address; of IPv6, of one /64. Default: 16.
    pub connections: u32,
    /// Requests a second of one address, and five times as many in a burst. Default: 20.
    pub requests_per_second: u32,
    /// How long a request's head may take, and the rest between two requests, in seconds. Default: 60.
    pub head_seconds: u32,
    /// How long a request's body may take, in seconds. Default: 10.
    pub body_seconds: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 16, requests_per_second: 20, head_seconds: 60, body_seconds: 10 }
    }
}

/// Those who are connected, or were a moment ago.
#[derive(Debug)]
pub(super) struct Guests {
    limits: Limits,
    known: Mutex<HashMap<IpAddr, Guest>>,
}

#[derive(Debug)]
struct Guest {
    connections: u32,
    /// When what was asked so far is made up for (GCRA).
    even_at: Instant,
}

/// A place at the witness, for as long as a connection lasts.
#[derive(Debug)]
pub(super) struct Seat {
    guests: Arc<Guests>,
    address: IpAddr,
}

impl Guests {
    pub(super) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self { limits, known: Mutex::default() })
    }

    /// A place for a connection from `address`; `None`: it has as many as it may.
    pub(super) fn seat(self: &Arc<Self>, address: IpAddr, now: Instant) -> Option<Seat> {
        let address = network(address);
        let mut known = self.lock();
        if known.len() >= MOST_KNOWN {
            known.retain(|_, guest| guest.connections > 0 || guest.even_at > now);
        }
        let guest = known.entry(address).or_insert(Guest { connections: 0, even_at: now });
        if guest.connections >= self.limits.connections {
            return None;
        }
        guest.connections += 1;
        Some(Seat { guests: Arc::clone(self), address })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, Guest>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// Whether another request of this address is within its share at `now`; if so it is counted.
    pub(super) fn may_ask(&self, now: Instant) -> bool {
        let mut known = self.guests.lock();
        let Some(guest) = known.get_mut(&self.address) else { return false };
        let each = Duration::from_secs(1) / self.guests.limits.requests_per_second.max(1);
        let even_at = guest.even_at.max(now) + each;
        let within = even_at.duration_since(now)
            <= each * self.guests.limits.requests_per_second.max(1) * BURST_SECONDS;
        if within {
            guest.even_at = even_at;
        }
        within
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut known = self.guests.lock();
        if let Some(guest) = known.get_mut(&self.address) {
            guest.connections -= 1;
        }
    }
}

/// Who has one address of IPv6 has a /64 of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        four @ IpAddr::V4(_) => four,
    }
}

/// Seconds' worth of requests that may come at once.
const BURST_SECONDS: u32 = 5;
/// Addresses that are remembered before those are forgotten that owe nothing.
const MOST_KNOWN: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn guests(connections: u32, requests_per_second: u32) -> Arc<Guests> {
        Guests::new(Limits { connections, requests_per_second, ..Limits::default() })
    }

    #[test]
    fn an_address_has_its_connections_and_no_more_whatever_others_do() {
        let (guests, now) = (guests(2, 1), Instant::now());
        let seat = |address: &str| guests.seat(address.parse().unwrap(), now);
        let first = seat("192.0.2.1").unwrap();
        let _second = seat("::ffff:192.0.2.1").unwrap();
        assert!(seat("192.0.2.1").is_none());
        assert!(seat("192.0.2.2").is_some());
        drop(first);
        assert!(seat("192.0.2.1").is_some());
        let _six = [seat("2001:db8::1").unwrap(), seat("2001:db8::2").unwrap()];
        assert!(seat("2001:db8::ffff:3").is_none(), "one network");
        assert!(seat("2001:db8:0:1::1").is_some());
    }

    #[test]
    fn requests_beyond_the_share_are_refused_until_time_makes_up_for_them() {
        let (guests, now) = (guests(2, 10), Instant::now());
        let seats = [1, 1].map(|last| guests.seat([192, 0, 2, last].into(), now).unwrap());
        let asked = |now| (0..200).filter(|number| seats[number % 2].may_ask(now)).count();
        assert_eq!(asked(now), 50, "of both connections together");
        assert_eq!(asked(now + Duration::from_millis(200)), 2);
        assert_eq!(asked(now + Duration::from_secs(60)), 50);
        let other = guests.seat([192, 0, 2, 9].into(), now).unwrap();
        assert!(other.may_ask(now));
        // Who leaves and comes back owes what they owed.
        drop(seats);
        let again = guests.seat([192, 0, 2, 1].into(), now).unwrap();
        assert!(!again.may_ask(now + Duration::from_secs(60)));
    }

    #[test]
    fn addresses_that_owe_nothing_are_forgotten() {
        let (guests, now) = (guests(1, 10), Instant::now());
        let owing = guests.seat([192, 0, 2, 1].into(), now).unwrap();
        assert!(owing.may_ask(now));
        drop(owing);
        for number in 0..10_000_u32 {
            drop(guests.seat(IpAddr::V4(number.to_be_bytes().into()), now));
        }
        let known = guests.lock();
        assert!(known.len() <= MOST_KNOWN && known.contains_key(&IpAddr::from([192, 0, 2, 1])));
    }
}

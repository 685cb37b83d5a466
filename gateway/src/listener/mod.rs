//! The exchange face: a runtime a core, each with its own socket, its own connections, its own way to the log.
//!
//! Owned by the app; a runtime ends when told to drain, at the latest after the drain's deadline.

mod accept;
mod http1;
mod http2;

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use agreements::Fingerprint;
use certs::tls::{Acceptor, Connector};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};

use crate::addresses::Address;
use crate::exchange::upstream::Upstream;
use crate::exchange::{ExchangePath, Shared};
use crate::exchange_log::LogPort;

/// The running runtimes.
pub struct Listener {
    address: SocketAddr,
    drain: watch::Sender<Drain>,
    threads: Vec<JoinHandle<()>>,
}

/// Whether new work is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Drain {
    /// It is.
    Open,
    /// Exchanges under way are finished, and no more.
    Draining,
}

/// What one runtime has.
pub(crate) struct Core {
    pub(crate) path: Arc<ExchangePath>,
    pub(crate) acceptor: Arc<Acceptor>,
    pub(crate) drain: watch::Receiver<Drain>,
    place: usize,
    balance: Arc<Balance>,
    /// Lines about what strangers cause: so many a second and no more.
    lines: DefaultDirectRateLimiter,
}

/// Connections a runtime, so that few connections do not all land on one.
pub(crate) struct Balance {
    open: Vec<AtomicUsize>,
    doors: Vec<mpsc::Sender<Arrival>>,
    most: usize,
    // Locked when a connection begins and ends, never on the path of a call.
    callers: Mutex<Callers>,
    most_per_caller: usize,
    /// Small answers over HTTP/2 that wait for their peers to take them: in no budget of memory.
    untaken: AtomicUsize,
    // Locked when a handshake begins and ends.
    handshakes: Mutex<Handshakes>,
    most_handshakes: usize,
}

/// Whose connection it is, as the registry is known when it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    /// The certificate is bound to a system.
    System,
    /// It is bound to none: whatever it asks is refused.
    Stranger,
}

/// Connections of each certificate, and of strangers in all.
#[derive(Default)]
struct Callers {
    each: HashMap<Fingerprint, usize>,
    strangers: usize,
}

/// Handshakes under way, and from which addresses.
#[derive(Default)]
struct Handshakes {
    total: usize,
    from: HashMap<IpAddr, usize>,
}

/// A handshake's place among those under way, given back when dropped.
pub(crate) struct Entrance {
    balance: Arc<Balance>,
    from: IpAddr,
}

/// A caller's place among its own connections, given back when dropped.
pub(crate) struct Chair {
    balance: Arc<Balance>,
    caller: Fingerprint,
    whose: Whose,
}

/// A connection on its way to the runtime that will serve it.
pub(crate) struct Arrival {
    tcp: std::net::TcpStream,
    peer: SocketAddr,
    seat: Seat,
}

/// A connection's place among those that may be open, given back when dropped.
pub(crate) struct Seat {
    balance: Arc<Balance>,
    place: usize,
}

/// What the runtimes are made of.
pub struct Parts {
    /// Where systems connect, taken once for each runtime.
    pub address: Address,
    /// What they share.
    pub shared: Arc<Shared>,
    /// Takes connections.
    pub acceptor: Arc<Acceptor>,
    /// Makes connections.
    pub connector: Connector,
}

impl Listener {
    /// Takes the address for each of so many runtimes; 0 for one a core.
    ///
    /// # Errors
    /// As [`Address::take`].
    pub fn address_for(listen: SocketAddr, runtimes: usize) -> io::Result<Address> {
        let count = match runtimes {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            some => some,
        };
        Address::take(listen, count)
    }

    /// Listens on the address once a runtime and starts them; each gets a port of the log.
    ///
    /// # Errors
    /// Somebody else listens there, or the machine gives no threads.
    pub fn start(parts: Parts, mut port: impl FnMut() -> LogPort) -> io::Result<Self> {
        let address = parts.address.at();
        let sockets = parts.address.listen(BACKLOG)?;
        let count = sockets.len();
        let (drain, draining) = watch::channel(Drain::Open);
        let (doors, halls): (Vec<_>, Vec<_>) = (0..count).map(|_| mpsc::channel(1024)).unzip();
        let open = (0..count).map(|_| AtomicUsize::new(0)).collect();
        let limits = &parts.shared.limits;
        let balance = Arc::new(Balance {
            open,
            doors,
            most: limits.max_connections,
            callers: Mutex::default(),
            most_per_caller: limits.max_connections_per_caller,
            untaken: AtomicUsize::new(0),
            handshakes: Mutex::default(),
            most_handshakes: limits.max_handshakes,
        });
        let mut threads = Vec::new();
        for (place, (socket, hall)) in sockets.into_iter().zip(halls).enumerate() {
            let shared = Arc::clone(&parts.shared);
            let (trust, peers) = (Arc::clone(&shared.trust), Arc::clone(&shared.peers));
            let upstream = Upstream::new(parts.connector.clone(), trust, shared.limits.clone(), peers);
            let core = Arc::new(Core {
                path: Arc::new(ExchangePath::new(shared, port(), upstream)),
                acceptor: Arc::clone(&parts.acceptor),
                drain: draining.clone(),
                place,
                balance: Arc::clone(&balance),
                lines: RateLimiter::direct(Quota::per_second(LINES_A_SECOND)),
            });
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let thread = std::thread::Builder::new().name(format!("exchange-{place}"));
            threads.push(thread.spawn(move || {
                runtime.block_on(accept::run(core, socket, hall));
                // A look-up of a name may hang in a thread of the runtime: nobody waits for its answer.
                runtime.shutdown_timeout(Duration::from_secs(1));
            })?);
        }
        Ok(Self { address, drain, threads })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops taking work, finishes what is under way, and ends.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.drain.send_replace(Drain::Draining);
        for thread in self.threads.drain(..) {
            // A panic there was reported when it happened.
            drop(thread.join());
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.end();
    }
}

impl Balance {
    /// A seat on the runtime with the fewest connections; `at` if it has no more than an eighth above that: few
    /// connections are spread evenly, of many none is worth the way to another core.
    fn seat(self: &Arc<Self>, at: usize) -> Option<Seat> {
        let count = |place: usize| self.open[place].load(Ordering::Relaxed);
        if (0..self.open.len()).map(count).sum::<usize>() >= self.most {
            return None;
        }
        let fewest = (0..self.open.len()).min_by_key(|place| count(*place)).unwrap_or(at);
        let most = count(fewest) + count(fewest) / 8;
        let place = if count(at) > most { fewest } else { at };
        self.open[place].fetch_add(1, Ordering::Relaxed);
        Some(Seat { balance: Arc::clone(self), place })
    }
}

impl Balance {
    /// A place among a caller's own connections, if it has not too many.
    fn chair(self: &Arc<Self>, caller: Fingerprint, whose: Whose) -> Option<Chair> {
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        let here = callers.each.get(&caller).copied().unwrap_or(0);
        let full = match whose {
            Whose::System => here >= self.most_per_caller,
            Whose::Stranger => {
                here >= self.most_per_caller.min(CONNECTIONS_OF_A_STRANGER)
                    || callers.strangers >= self.most.div_ceil(8)
            }
        };
        if full {
            return None;
        }
        callers.each.insert(caller, here + 1);
        callers.strangers += usize::from(whose == Whose::Stranger);
        Some(Chair { balance: Arc::clone(self), caller, whose })
    }
}

impl Balance {
    /// A place among the handshakes under way; half of all places is the most for one address.
    fn entrance(self: &Arc<Self>, peer: IpAddr) -> Option<Entrance> {
        let from = neighbourhood(peer);
        let mut handshakes = self.handshakes.lock().unwrap_or_else(PoisonError::into_inner);
        let here = handshakes.from.get(&from).copied().unwrap_or(0);
        if handshakes.total >= self.most_handshakes || here >= self.most_handshakes.div_ceil(2) {
            return None;
        }
        handshakes.total += 1;
        handshakes.from.insert(from, here + 1);
        Some(Entrance { balance: Arc::clone(self), from })
    }
}

/// What counts as one address: of IPv6, the /64 that one machine chooses its addresses from.
pub(crate) fn neighbourhood(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}

impl Drop for Entrance {
    fn drop(&mut self) {
        let mut handshakes = self.balance.handshakes.lock().unwrap_or_else(PoisonError::into_inner);
        handshakes.total -= 1;
        if let Some(count) = handshakes.from.get_mut(&self.from) {
            *count -= 1;
            if *count == 0 {
                handshakes.from.remove(&self.from);
            }
        }
    }
}

impl Drop for Chair {
    fn drop(&mut self) {
        let mut callers = self.balance.callers.lock().unwrap_or_else(PoisonError::into_inner);
        callers.strangers -= usize::from(self.whose == Whose::Stranger);
        if let Some(count) = callers.each.get_mut(&self.caller) {
            *count -= 1;
            if *count == 0 {
                callers.each.remove(&self.caller);
            }
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.balance.open[self.place].fetch_sub(1, Ordering::Relaxed);
    }
}

/// Log lines a second of one runtime about what strangers cause; metrics count the rest.
const LINES_A_SECOND: NonZeroU32 = NonZeroU32::new(10).expect("ten is not zero");

/// Connections of a certificate that is bound to no system.
const CONNECTIONS_OF_A_STRANGER: usize = 16;

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 4096;

pub(crate) fn tokio_listener(socket: std::net::TcpListener) -> io::Result<TcpListener> {
    TcpListener::from_std(socket)
}

pub(crate) fn tokio_stream(tcp: std::net::TcpStream) -> io::Result<TcpStream> {
    TcpStream::from_std(tcp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_have_few_connections_in_all_and_their_places_come_back() {
        let balance = balance();
        let of = |caller: &[u8], whose| balance.chair(certs::fingerprint(caller), whose);
        let held = [of(b"a", Whose::Stranger), of(b"b", Whose::Stranger), of(b"c", Whose::Stranger)];
        assert!(held.iter().all(Option::is_some), "an eighth of all, rounded up");
        assert!(of(b"d", Whose::Stranger).is_none());
        let known: Vec<_> = (0..21).map(|_| of(b"e", Whose::System)).collect();
        assert_eq!(known.iter().flatten().count(), 20);
        drop((held, known));
        let callers = balance.callers.lock().unwrap();
        assert!(callers.each.is_empty() && callers.strangers == 0);
    }

    #[test]
    fn handshakes_are_bounded_in_all_and_for_each_address_and_their_places_come_back() {
        let balance = balance();
        let from = |peer: &str| balance.entrance(peer.parse().unwrap());
        let crowd = [from("2001:db8::1"), from("2001:db8::ffff:2")];
        assert!(crowd.iter().all(Option::is_some));
        assert!(from("2001:db8::3").is_none(), "one network is one address");
        let others = [from("10.0.0.1"), from("::ffff:10.0.0.1")];
        assert!(others.iter().all(Option::is_some));
        assert!(from("10.0.0.2").is_none(), "all places are taken");
        drop((crowd, others));
        assert_eq!(balance.handshakes.lock().unwrap().total, 0);
        assert!(balance.handshakes.lock().unwrap().from.is_empty());
    }

    fn balance() -> Arc<Balance> {
        Arc::new(Balance {
            open: Vec::new(),
            doors: Vec::new(),
            most: 20,
            callers: Mutex::default(),
            most_per_caller: 20,
            untaken: AtomicUsize::new(0),
            handshakes: Mutex::default(),
            most_handshakes: 4,
        })
    }
}

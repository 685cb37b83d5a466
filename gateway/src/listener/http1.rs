//! One HTTP/1.1 connection: hyper under the framing guard, with deadlines of our own, and buffers only while it works.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use certs::tls::TlsStream;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tracing::debug;

use super::{Core, Drain};
use crate::config::Limits;
use crate::exchange::{Caller, Framing};
use crate::framing::{Guarded, HEAD_BYTES, Observed};

type Stream = Guarded<TlsStream<TcpStream>>;

/// Serves a connection until either side ends it.
pub(super) async fn serve(core: &Arc<Core>, stream: TlsStream<TcpStream>, caller: Caller) {
    let mut stream = Guarded::new(stream);
    let caller = Arc::new(caller);
    let calls = Arc::new(Calls::default());
    let mut watch = Watch::new();
    loop {
        // Boxed: a connection that rests keeps no room for what it takes to work.
        match Box::pin(work(core, stream, &caller, &calls, &mut watch)).await {
            Turn::Rest(resting) => stream = resting,
            Turn::Ended => return,
        }
        if rest(core, &stream, &watch).await == Woken::Ended {
            return;
        }
    }
}

#[expect(clippy::large_enum_variant, reason = "moved once, when the connection rests")]
enum Turn {
    /// Nothing is under way, and nothing comes: hyper and its buffers can go.
    Rest(Stream),
    Ended,
}

#[derive(PartialEq, Eq)]
enum Woken {
    Bytes,
    Ended,
}

/// How many calls a connection has brought, and how many are under way.
#[derive(Default)]
struct Calls {
    begun: AtomicU64,
    under_way: AtomicUsize,
}

/// Lets hyper work on the connection until it rests or ends.
async fn work(
    core: &Arc<Core>,
    stream: Stream,
    caller: &Arc<Caller>,
    calls: &Arc<Calls>,
    watch: &mut Watch,
) -> Turn {
    let observed = stream.observed();
    let service = {
        let (core, caller, calls, observed) =
            (Arc::clone(core), Arc::clone(caller), Arc::clone(calls), Arc::clone(&observed));
        service_fn(move |request| {
            let ordinal = calls.begun.fetch_add(1, Ordering::Relaxed);
            let under_way = UnderWay::begin(&calls);
            let (core, caller) = (Arc::clone(&core), Arc::clone(&caller));
            let framing = Framing { observed: Arc::clone(&observed), ordinal };
            Box::pin(async move {
                let response = core.path.exchange(&caller, Some(framing), request).await;
                // A document that passes as it comes is under way until it has passed.
                Ok::<_, Infallible>(response.map(|body| body.tied(under_way)))
            })
        })
    };
    // Without a timer of hyper's, which it would set for every head: `Watch` knows when one is late. Without a number
    // of headers either: naming the one that it has anyway makes it fill two tables for each head.
    let mut connection =
        http1::Builder::new().max_buf_size(HEAD_BYTES + 64).serve_connection(TokioIo::new(stream), service);
    let limits = &core.path.shared.limits;
    let mut drain = core.drain.clone();
    let mut tick = tokio::time::interval(pace(limits));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut draining = *drain.borrow_and_update() == Drain::Draining;
    if draining {
        Pin::new(&mut connection).graceful_shutdown();
    }
    loop {
        tokio::select! {
            biased;
            ended = &mut connection => {
                if let Err(error) = ended {
                    debug!(%error, "connection ended");
                }
                return Turn::Ended;
            }
            _ = tick.tick() => match watch.judge(&Seen::of(&observed, calls), limits, Instant::now()) {
                Judgement::Goes => {}
                Judgement::Rests if draining => {}
                Judgement::Rests => {
                    let parts = connection.into_parts();
                    let bytes_lost = !parts.read_buf.is_empty();
                    // Between messages the guard has handed out nothing that hyper did not use.
                    return if bytes_lost { Turn::Ended } else { Turn::Rest(parts.io.into_inner()) };
                }
                Judgement::Late => return Turn::Ended,
            },
            changed = drain.changed(), if !draining => {
                draining = true;
                drop(changed); // a sender that is gone means the same
                Pin::new(&mut connection).graceful_shutdown();
            }
        }
    }
}

/// Waits without buffers for the next bytes.
async fn rest(core: &Core, stream: &Stream, watch: &Watch) -> Woken {
    let mut drain = core.drain.clone();
    let idle = core.path.shared.limits.idle_timeout().saturating_sub(watch.busy_at.elapsed());
    tokio::select! {
        ready = stream.io().get_ref().readable() => if ready.is_ok() { Woken::Bytes } else { Woken::Ended },
        () = tokio::time::sleep(idle) => Woken::Ended,
        _ = drain.wait_for(|state| *state == Drain::Draining) => Woken::Ended,
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Judgement {
    Goes,
    Rests,
    Late,
}

/// What deadlines are kept against, from one look to the next, also over rests.
struct Watch {
    /// When a call was last under way, an answer being written, or a message complete.
    busy_at: Instant,
    heads: u64,
    /// An answer that the peer does not take at once: since when, and how many bytes had been written then.
    writing: Option<(Instant, u64)>,
}

/// What a look sees.
struct Seen {
    under_way: usize,
    heads: u64,
    head_since: Option<Instant>,
    idle_since: Option<Instant>,
    write_blocked_since: Option<Instant>,
    bytes_written: u64,
}

impl Seen {
    fn of(observed: &Observed, calls: &Calls) -> Self {
        Self {
            under_way: calls.under_way.load(Ordering::Relaxed),
            heads: observed.heads(),
            head_since: observed.head_since(),
            idle_since: observed.idle_since(),
            write_blocked_since: observed.write_blocked_since(),
            bytes_written: observed.bytes_written(),
        }
    }
}

impl Watch {
    fn new() -> Self {
        Self { busy_at: Instant::now(), heads: 0, writing: None }
    }

    fn judge(&mut self, seen: &Seen, limits: &Limits, now: Instant) -> Judgement {
        let longer = |since: Instant, most: Duration| now.saturating_duration_since(since) > most;
        let blocked = seen.write_blocked_since;
        if blocked.is_some_and(|since| longer(since, limits.body_timeout()))
            || self.trickles(seen, limits, now)
        {
            return Judgement::Late;
        }
        if seen.under_way > 0 || blocked.is_some() || seen.heads != self.heads {
            // Deadlines for what comes next run from here: while a call is under way, the delay is ours.
            (self.busy_at, self.heads) = (now, seen.heads);
            return Judgement::Goes;
        }
        let late = match seen.head_since {
            Some(since) => longer(since.max(self.busy_at), limits.head_timeout()),
            // Bytes that begin no message keep nothing open.
            None => longer(self.busy_at, limits.idle_timeout()),
        };
        if late {
            Judgement::Late
        } else if seen.idle_since.is_some_and(|since| longer(since, limits.rest_after())) {
            Judgement::Rests
        } else {
            Judgement::Goes
        }
    }

    /// Whether the peer takes an answer, but so slowly that it holds it for as long as it likes.
    fn trickles(&mut self, seen: &Seen, limits: &Limits, now: Instant) -> bool {
        let Some(_) = seen.write_blocked_since else {
            self.writing = None;
            return false;
        };
        let (since, before) = *self.writing.get_or_insert((now, seen.bytes_written));
        if now.saturating_duration_since(since) <= limits.body_timeout() {
            return false;
        }
        self.writing = Some((now, seen.bytes_written));
        let taken = seen.bytes_written.saturating_sub(before);
        u128::from(taken) * 1_000 < u128::from(SLOWEST_BYTES_A_SECOND) * limits.body_timeout().as_millis()
    }
}

/// How often deadlines are looked at.
fn pace(limits: &Limits) -> Duration {
    limits.rest_after().min(limits.head_timeout()).min(Duration::from_secs(1)).max(Duration::from_millis(10))
}

struct UnderWay(Arc<Calls>);

impl UnderWay {
    fn begin(calls: &Arc<Calls>) -> Self {
        calls.under_way.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(calls))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Slower than this, over the time that a body may take, nobody reads an answer in earnest.
const SLOWEST_BYTES_A_SECOND: u64 = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    /// A connection on which one thing happens, looked at every second.
    struct Line {
        watch: Watch,
        now: Instant,
        seen: Seen,
        limits: Limits,
    }

    impl Line {
        fn new() -> Self {
            let now = Instant::now();
            let seen = Seen {
                under_way: 0,
                heads: 0,
                head_since: None,
                idle_since: None,
                write_blocked_since: None,
                bytes_written: 0,
            };
            let limits = Limits {
                head_timeout_ms: 10_000,
                body_timeout_ms: 30_000,
                idle_timeout_ms: 120_000,
                ..Limits::default()
            };
            Self { watch: Watch { busy_at: now, heads: 0, writing: None }, now, seen, limits }
        }

        /// After how many seconds of this the connection is late, if it is within `most`.
        fn late_after(&mut self, most: u64, each_second: impl Fn(&mut Seen, Instant)) -> Option<u64> {
            (1..=most).find(|_| {
                self.now += Duration::from_secs(1);
                each_second(&mut self.seen, self.now);
                self.watch.judge(&self.seen, &self.limits, self.now) == Judgement::Late
            })
        }
    }

    #[test]
    fn a_head_that_began_while_a_call_was_under_way_has_its_time_from_the_calls_end() {
        let mut line = Line::new();
        (line.seen.head_since, line.seen.under_way) = (Some(line.now), 1);
        assert_eq!(line.late_after(60, |_, _| {}), None);
        line.seen.under_way = 0;
        assert_eq!(line.late_after(60, |_, _| {}), Some(11));
    }

    #[test]
    fn an_answer_that_the_peer_takes_byte_by_byte_is_given_up() {
        let byte_by_byte = |seen: &mut Seen, now| {
            seen.bytes_written += 1;
            seen.write_blocked_since = Some(now);
        };
        assert_eq!(Line::new().late_after(3_600, byte_by_byte), Some(32));
        let slowly = |seen: &mut Seen, now| {
            seen.bytes_written += 2_048;
            seen.write_blocked_since = Some(now);
        };
        assert_eq!(Line::new().late_after(3_600, slowly), None);
    }

    #[test]
    fn bytes_that_begin_no_message_keep_no_connection_open() {
        let restless = |seen: &mut Seen, now| seen.idle_since = Some(now);
        assert_eq!(Line::new().late_after(3_600, restless), Some(121));
        let asking = |seen: &mut Seen, _| seen.heads += 1;
        assert_eq!(Line::new().late_after(3_600, asking), None);
    }
}

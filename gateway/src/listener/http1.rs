//! One HTTP/1.1 connection: hyper under the framing guard, with deadlines of our own, and buffers only while it works.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use certs::tls::TlsStream;
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
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
    loop {
        match work(core, stream, &caller, &calls).await {
            Turn::Rest(resting) => stream = resting,
            Turn::Ended => return,
        }
        if rest(core, &stream).await == Woken::Ended {
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
async fn work(core: &Arc<Core>, stream: Stream, caller: &Arc<Caller>, calls: &Arc<Calls>) -> Turn {
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
                drop(under_way);
                Ok::<_, Infallible>(response.map(Full::new))
            })
        })
    };
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .max_buf_size(HEAD_BYTES + 64)
        .max_headers(100)
        .serve_connection(TokioIo::new(stream), service);
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
            ended = &mut connection => {
                if let Err(error) = ended {
                    debug!(%error, "connection ended");
                }
                return Turn::Ended;
            }
            _ = tick.tick() => match judge(&observed, calls, limits) {
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
async fn rest(core: &Core, stream: &Stream) -> Woken {
    let mut drain = core.drain.clone();
    let idle = core.path.shared.limits.idle_timeout();
    tokio::select! {
        ready = stream.io().get_ref().readable() => if ready.is_ok() { Woken::Bytes } else { Woken::Ended },
        () = tokio::time::sleep(idle) => Woken::Ended,
        _ = drain.wait_for(|state| *state == Drain::Draining) => Woken::Ended,
    }
}

enum Judgement {
    Goes,
    Rests,
    Late,
}

fn judge(observed: &Observed, calls: &Calls, limits: &Limits) -> Judgement {
    let longer = |since: Option<Instant>, most: Duration| since.is_some_and(|since| since.elapsed() > most);
    if longer(observed.head_since(), limits.head_timeout())
        || longer(observed.write_blocked_since(), limits.body_timeout())
    {
        return Judgement::Late;
    }
    if calls.under_way.load(Ordering::Relaxed) == 0
        && observed.write_blocked_since().is_none()
        && longer(observed.idle_since(), limits.rest_after())
    {
        return Judgement::Rests;
    }
    Judgement::Goes
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

//! One HTTP/2 connection, with deadlines of our own.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use certs::tls::TlsStream;
use hyper::rt::Executor;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use tracing::debug;

use super::{Balance, Core, Drain, Whose};
use crate::exchange::{Caller, Passage};
use crate::framing::HEAD_BYTES;

/// Serves a connection until either side ends it.
pub(super) async fn serve(core: &Arc<Core>, stream: TlsStream<TcpStream>, caller: Caller, whose: Whose) {
    let limits = &core.path.shared.limits;
    let activity = Arc::new(Activity::on(&core.balance));
    let transfers = Arc::clone(&caller.transfers);
    let service = {
        let (core, caller, activity) = (Arc::clone(core), Arc::new(caller), Arc::clone(&activity));
        service_fn(move |request| {
            let (core, caller) = (Arc::clone(&core), Arc::clone(&caller));
            let turn = Turn::begin(&activity);
            let slack = core.path.shared.limits.body_timeout();
            // Boxed: an answer that waits to be taken keeps no room for what it took to make it.
            Box::pin(async move {
                let response = core.path.exchange(&caller, None, request).await;
                Ok::<_, Infallible>(response.map(|body| match body {
                    Passage::Whole(bytes) => Passage::Whole(turn.track(bytes)),
                    Passage::Streamed(passing) => {
                        let turn = turn.until(passing.until() + slack);
                        Passage::Streamed(passing).tied(turn)
                    }
                }))
            })
        })
    };
    let most_streams = match whose {
        Whose::System => limits.max_streams,
        Whose::Stranger => limits.max_streams.min(STREAMS_OF_A_STRANGER),
    };
    let mut connection = http2::Builder::new(Serving(Arc::clone(&activity)))
        .timer(TokioTimer::new())
        .max_concurrent_streams(most_streams)
        .max_header_list_size(u32::try_from(HEAD_BYTES).unwrap_or(u32::MAX))
        .max_send_buf_size(256 * 1024)
        .initial_stream_window_size(128 * 1024)
        .initial_connection_window_size(512 * 1024)
        .keep_alive_interval(Some(Duration::from_secs(30)))
        .keep_alive_timeout(Duration::from_secs(15))
        .serve_connection(TokioIo::new(stream), service);
    let mut drain = core.drain.clone();
    let mut draining = *drain.borrow_and_update() == Drain::Draining;
    if draining {
        Pin::new(&mut connection).graceful_shutdown();
    }
    let mut draining_since = draining.then(Instant::now);
    // hyper's shutdown waits for the peer: for a preface that never comes, for an answer that is never given.
    let grace = GRACE.min(limits.idle_timeout());
    let mut tick = tokio::time::interval(grace.clamp(Duration::from_millis(10), Duration::from_secs(1)));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut seen = (activity.begun.load(Ordering::Relaxed), activity.ended.load(Ordering::Relaxed));
    let mut since = Instant::now();
    loop {
        tokio::select! {
            ended = &mut connection => {
                if let Err(error) = ended {
                    debug!(%error, "connection ended");
                }
                return;
            }
            _ = tick.tick() => {
                let now = (activity.begun.load(Ordering::Relaxed), activity.ended.load(Ordering::Relaxed));
                if now != seen {
                    (seen, since) = (now, Instant::now());
                }
                // A document that is not taken is not polled either, and notices nothing.
                for stream in activity.overdue(Instant::now()) {
                    let Some(stream) = stream.get() else { return };
                    debug!("stream reset: the peer does not take a document in time");
                    stream.abort();
                }
                if activity.neglected(limits.body_timeout()) {
                    debug!("connection ended: the peer leaves its answers lying");
                    return;
                }
                let quiet = since.elapsed();
                let drained = draining_since.is_some_and(|since| since.elapsed() > grace) && quiet > grace;
                if now.0 == now.1 && (drained || quiet > limits.idle_timeout() + grace) {
                    debug!("connection ended: the peer does not end it");
                    return;
                }
                if now.0 == now.1 && quiet > limits.idle_timeout() {
                    Pin::new(&mut connection).graceful_shutdown();
                }
                // Exchanges have deadlines of their own: what is under way for longer is an answer that the peer
                // does not take.
                let documents = transfers.load(Ordering::Relaxed) > 0;
                let most = if documents { limits.transfer_timeout() } else { limits.body_timeout() };
                if now.0 != now.1 && quiet > most + limits.body_timeout() + limits.provider_timeout() {
                    debug!("connection ended: the peer takes no answers");
                    return;
                }
            }
            changed = drain.changed(), if !draining => {
                draining = true;
                draining_since = Some(Instant::now());
                drop(changed); // a sender that is gone means the same
                Pin::new(&mut connection).graceful_shutdown();
            }
        }
    }
}

/// How long a peer may take to end a connection that we ended.
const GRACE: Duration = Duration::from_secs(5);

/// Streams at once of a certificate that is bound to no system.
const STREAMS_OF_A_STRANGER: u32 = 4;

/// Answers up to this size are in no budget, as refusals are not.
const SMALL_BYTES: usize = 16 << 10;

/// Small answers that a connection may leave lying.
const FEW_UNTAKEN: usize = 16;

/// Small answers that all connections may leave lying; if there are more, connections with more than a few have less time.
const MANY_UNTAKEN: usize = 20_000;

/// How long they have then.
const CROWDED: Duration = Duration::from_secs(2);

/// Exchanges begun, and those whose answers were sent or given up.
struct Activity {
    balance: Arc<Balance>,
    begun: AtomicU64,
    ended: AtomicU64,
    /// When documents that pass have to be over, whatever else goes on; each beside the number of its turn, with its stream.
    due: Mutex<BTreeMap<(Instant, u64), Stream>>,
    /// The stream of the exchange that was begun last, until it is served.
    newest: Mutex<Stream>,
    /// Since when small answers wait to be taken; each beside the number of its turn.
    untaken: Mutex<BTreeSet<(Instant, u64)>>,
}

impl Activity {
    fn on(balance: &Arc<Balance>) -> Self {
        Self {
            balance: Arc::clone(balance),
            begun: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            due: Mutex::default(),
            newest: Mutex::default(),
            untaken: Mutex::default(),
        }
    }

    /// Whether more than a few small answers have waited for too long, whatever else the peer takes.
    fn neglected(&self, most: Duration) -> bool {
        let crowded = self.balance.untaken.load(Ordering::Relaxed) > MANY_UNTAKEN;
        let most = if crowded { most.min(CROWDED) } else { most };
        let untaken = self.untaken.lock().unwrap_or_else(PoisonError::into_inner);
        untaken.iter().nth(FEW_UNTAKEN).is_some_and(|(since, _)| since.elapsed() > most)
    }

    /// The streams of documents that should be over.
    fn overdue(&self, now: Instant) -> Vec<Stream> {
        let due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        due.iter().take_while(|((until, _), _)| *until < now).map(|(_, stream)| Arc::clone(stream)).collect()
    }
}

/// What serves a stream, once it does. Without it h2 throws away what the peer did not take of the stream, and resets it.
type Stream = Arc<OnceLock<AbortHandle>>;

/// Serves streams, each as a task of its own that can be ended.
#[derive(Clone)]
struct Serving(Arc<Activity>);

impl<F> Executor<F> for Serving
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, stream: F) {
        let task = tokio::spawn(stream).abort_handle();
        // hyper asks for an exchange's answer and, before any other's, for this.
        let newest = self.0.newest.lock().unwrap_or_else(PoisonError::into_inner);
        drop(newest.set(task));
    }
}

/// One exchange, until the last byte of its answer was sent.
struct Turn {
    activity: Arc<Activity>,
    number: u64,
    stream: Stream,
    due: Option<Instant>,
    untaken: Option<Instant>,
}

struct Tracked {
    body: Bytes,
    _turn: Turn,
}

impl Turn {
    fn begin(activity: &Arc<Activity>) -> Self {
        let number = activity.begun.fetch_add(1, Ordering::Relaxed);
        let stream = Stream::default();
        *activity.newest.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&stream);
        Self { activity: Arc::clone(activity), number, stream, due: None, untaken: None }
    }

    /// Has to be over by then.
    fn until(mut self, due: Instant) -> Self {
        self.due = Some(due);
        let mut all = self.activity.due.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert((due, self.number), Arc::clone(&self.stream));
        drop(all);
        self
    }

    /// Ties the end of the exchange to that of its answer's bytes: HTTP/2 lets a peer take them when it likes.
    fn track(mut self, body: Bytes) -> Bytes {
        if body.is_empty() {
            return body;
        }
        if body.len() <= SMALL_BYTES {
            let now = Instant::now();
            self.untaken = Some(now);
            self.activity.balance.untaken.fetch_add(1, Ordering::Relaxed);
            let mut all = self.activity.untaken.lock().unwrap_or_else(PoisonError::into_inner);
            all.insert((now, self.number));
        }
        Bytes::from_owner(Tracked { body, _turn: self })
    }
}

impl AsRef<[u8]> for Tracked {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(due) = self.due {
            let mut all = self.activity.due.lock().unwrap_or_else(PoisonError::into_inner);
            all.remove(&(due, self.number));
        }
        if let Some(since) = self.untaken {
            let mut all = self.activity.untaken.lock().unwrap_or_else(PoisonError::into_inner);
            all.remove(&(since, self.number));
            self.activity.balance.untaken.fetch_sub(1, Ordering::Relaxed);
        }
        self.activity.ended.fetch_add(1, Ordering::Relaxed);
    }
}

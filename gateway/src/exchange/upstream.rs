//! Connections to providers: mutual TLS, pooled by runtime, each call checked anew against what the provider proved.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use agreements::{Endpoint, Fingerprint, KeyAtProvider, Operation, Permit, System, SystemId};
use bytes::Bytes;
use certs::tls::{ConnectFailure, Connector};
use certs::trust::{Trust, VerifiedChain};
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::body::{self, BodyError};
use super::budget::Room;
use super::passage::Passage;
use super::refusal::Refusal;
use crate::clock;
use crate::clock_watch::PeerClocks;
use crate::config::Limits;
use crate::exchange_log::OpenEntry;

/// One runtime's connections to all providers.
pub struct Upstream {
    connector: Connector,
    trust: Arc<Trust>,
    limits: Limits,
    peers: Arc<PeerClocks>,
    // Only this runtime's tasks lock it, and never across an await.
    idle: Mutex<HashMap<SystemId, Vec<Line>>>,
    /// Calls that wait for a provider's whole answer.
    waiting: AtomicUsize,
    given_up: CancellationToken,
}

/// A call that waits, for as long as this lives.
struct Waiting<'u>(&'u AtomicUsize);

impl<'u> Waiting<'u> {
    fn one_more(all: &'u AtomicUsize) -> Self {
        all.fetch_add(1, Ordering::Relaxed);
        Self(all)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whether a call may still be sent; to whoever proved that chain, once there is one.
pub type Still<'a> = dyn Fn(Option<&VerifiedChain>) -> Result<(), Refusal> + Sync + 'a;

/// A connection to a provider.
struct Line {
    sender: SendRequest<Passage>,
    chain: VerifiedChain,
    endpoint: Endpoint,
    idle_since: Instant,
    /// When its provider's clock was last looked at.
    looked: Option<Instant>,
}

/// A call that was sent, and the head of its answer.
pub(super) struct Begun {
    /// The answer, its body still to come.
    pub(super) response: Response<Incoming>,
    line: Line,
}

impl Begun {
    /// Who answers, as it proved.
    pub(super) fn chain(&self) -> &VerifiedChain {
        &self.line.chain
    }

    /// Head and body, and what keeps the connection while the body passes.
    pub(super) fn into_parts(self) -> (http::response::Parts, Incoming, impl Send + 'static) {
        let (head, body) = self.response.into_parts();
        (head, body, self.line)
    }
}

/// A provider's answer, whole.
#[derive(Debug)]
pub struct Reply {
    /// Its head.
    pub head: http::response::Parts,
    /// Its body.
    pub body: Bytes,
    /// Who gave it, as it proved.
    pub line: VerifiedChain,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ForwardError {
    /// No connection: nothing was sent.
    #[error("no connection to the provider")]
    Unreachable(#[source] io::Error),
    /// The provider did not prove itself: nothing was sent.
    #[error("the provider did not prove itself")]
    NotTrusted(#[source] ConnectFailure),
    /// The connection took too long: nothing was sent.
    #[error("no connection to the provider within {0:?}")]
    ConnectTimeout(Duration),
    /// The connection broke after the call was sent.
    #[error("the connection to the provider broke")]
    Failed(#[source] hyper::Error),
    /// The answer did not come in time.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// The answer's body cannot be taken.
    #[error("the provider's answer cannot be taken")]
    Body {
        /// Status of the answer.
        status: StatusCode,
        /// Why.
        source: BodyError,
    },
    /// What was permitted is so no longer: nothing was sent.
    #[error("no longer permitted: {}", .0.code())]
    Withdrawn(Box<Refusal>),
}

impl Upstream {
    /// No connections yet.
    pub fn new(connector: Connector, trust: Arc<Trust>, limits: Limits, peers: Arc<PeerClocks>) -> Self {
        let (idle, waiting, given_up) = Default::default();
        Self { connector, trust, limits, peers, idle, waiting, given_up }
    }

    /// Carries a permitted and recorded call to its provider, and takes the answer whole. Before dialling, and
    /// just before sending, `still` says whether it may be.
    ///
    /// # Errors
    /// [`ForwardError`] says whether anything was sent.
    ///
    /// # Cancel safety
    /// Dropped meanwhile, the connection is closed; the provider may have acted.
    pub(super) async fn forward(
        &self,
        permit: &Permit<'_>,
        entry: &OpenEntry,
        call: Request<Passage>,
        room: Room,
        still: &Still<'_>,
    ) -> Result<Reply, ForwardError> {
        let most = permit.operation().response.as_ref().map_or(ERROR_BYTES, |payload| payload.max_bytes);
        let within = self.limits.provider_timeout();
        let (begun, _waiting) = (Instant::now(), Waiting::one_more(&self.waiting));
        let carried = async {
            let begun = self.begin(permit, entry, call, still).await?;
            let provider = &permit.provider().system.card.id;
            let (reply, line) = Self::hold(begun, most.max(ERROR_BYTES), room).await?;
            self.put_back(provider, line);
            Ok(reply)
        };
        tokio::select! {
            carried = tokio::time::timeout(within, carried) => {
                carried.map_err(|_| ForwardError::Timeout(within))?
            }
            () = self.given_up.cancelled() => Err(ForwardError::Timeout(begun.elapsed())),
        }
    }

    /// Waits for no provider any longer: the gateway ends. For how many it waited.
    pub(crate) fn give_up(&self) -> usize {
        self.given_up.cancel();
        self.waiting.load(Ordering::Relaxed)
    }

    /// Sends a permitted and recorded call, and waits for the head of its answer: the caller keeps the deadline.
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    ///
    /// # Cancel safety
    /// As [`forward`](Self::forward).
    pub(super) async fn begin(
        &self,
        permit: &Permit<'_>,
        _entry: &OpenEntry,
        mut call: Request<Passage>,
        still: &Still<'_>,
    ) -> Result<Begun, ForwardError> {
        let provider = &permit.provider().system;
        let withdrawn = |refusal| ForwardError::Withdrawn(Box::new(refusal));
        let mut perhaps_sent = None;
        let mut again = may_repeat(permit.operation(), &call).then(|| repeat(&call)).flatten();
        loop {
            // A body that streams can be sent once only: not over a connection that may have gone stale.
            let streams = matches!(call.body(), Passage::Streamed(_));
            let ready = async {
                still(None).map_err(withdrawn)?;
                let (line, origin) = match streams {
                    false => self.line(provider).await?,
                    true => (self.fresh(provider).await?, Origin::Fresh),
                };
                still(Some(&line.chain)).map_err(withdrawn)?;
                Ok((line, origin))
            };
            let (mut line, origin) = match ready.await {
                Ok(ready) => ready,
                // The first attempt may have been carried out: nobody may be told that nothing was sent.
                Err(error) => return Err(perhaps_sent.map_or(error, ForwardError::Failed)),
            };
            if let Passage::Streamed(passing) = call.body_mut() {
                passing.goes_to(&line.chain);
            }
            let sent = Instant::now();
            match line.sender.try_send_request(call).await {
                Ok(response) => {
                    let (id, headers) = (&provider.card.id, response.headers());
                    self.peers.look(&mut line.looked, id, headers, sent);
                    return Ok(Begun { response, line });
                }
                Err(mut failed) => match (failed.take_message(), origin) {
                    // Never sent: a connection that was idle too long. A fresh one is no second call.
                    (Some(unsent), Origin::Pool) => call = unsent,
                    // Sent, perhaps: only what may be asked twice is, once, and only where the pool was stale.
                    (None, Origin::Pool) if again.is_some() => match again.take() {
                        Some(repeat) => {
                            call = repeat;
                            perhaps_sent = Some(failed.into_error());
                        }
                        None => return Err(ForwardError::Failed(failed.into_error())),
                    },
                    (_, Origin::Pool | Origin::Fresh) => {
                        return Err(ForwardError::Failed(failed.into_error()));
                    }
                },
            }
        }
    }

    /// Takes an answer whole, after a call that streamed: its connection is not used again.
    pub(super) async fn take(&self, begun: Begun, most: u64, room: Room) -> Result<Reply, ForwardError> {
        Self::hold(begun, most.max(ERROR_BYTES), room).await.map(|(reply, _)| reply)
    }

    async fn hold(begun: Begun, most: u64, room: Room) -> Result<(Reply, Line), ForwardError> {
        let (head, incoming) = begun.response.into_parts();
        // Within the deadline of whoever asked.
        let held = body::hold(incoming, most, room).await;
        let body = held.map_err(|source| ForwardError::Body { status: head.status, source })?;
        Ok((Reply { head, body, line: begun.line.chain.clone() }, begun.line))
    }

    /// A connection to a provider that it proved to be its own, by what counts now.
    async fn line(&self, provider: &System) -> Result<(Line, Origin), ForwardError> {
        while let Some(mut line) = self.take_idle(provider) {
            // A line whose last answer was just read becomes ready when its task has run: soon, or it is not waited for.
            let ready = tokio::time::timeout(READY_WITHIN, line.sender.ready()).await;
            if matches!(ready, Ok(Ok(()))) {
                return Ok((line, Origin::Pool));
            }
        }
        Ok((self.fresh(provider).await?, Origin::Fresh))
    }

    async fn fresh(&self, provider: &System) -> Result<Line, ForwardError> {
        let within = self.limits.connect_timeout();
        let line = tokio::time::timeout(within, self.dial(provider)).await;
        line.map_err(|_| ForwardError::ConnectTimeout(within))?
    }

    fn take_idle(&self, provider: &System) -> Option<Line> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = idle.get_mut(&provider.card.id)?;
        while let Some(line) = lines.pop() {
            // Promise 2 holds for providers too: what a connection proved when it was made must count today.
            let counts = Some(&line.endpoint) == provider.card.endpoint.as_ref()
                && line.idle_since.elapsed() < MOST_IDLE
                && provider.certificates.iter().any(|bound| bound.fingerprint == line.chain.fingerprint())
                && self.trust.status(&line.chain, clock::now()).is_ok();
            if counts {
                return Some(line);
            }
        }
        None
    }

    fn put_back(&self, provider: &SystemId, mut line: Line) {
        if line.sender.is_closed() {
            return;
        }
        line.idle_since = Instant::now();
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        match idle.get_mut(provider) {
            Some(lines) if lines.len() < self.limits.max_idle_per_provider => lines.push(line),
            Some(_) => {}
            None => drop(idle.insert(provider.clone(), vec![line])),
        }
    }

    async fn dial(&self, provider: &System) -> Result<Line, ForwardError> {
        let missing = || ForwardError::Unreachable(io::ErrorKind::AddrNotAvailable.into());
        let endpoint = provider.card.endpoint.clone().ok_or_else(missing)?;
        let tcp = TcpStream::connect(&endpoint.address).await.map_err(ForwardError::Unreachable)?;
        tcp.set_nodelay(true).map_err(ForwardError::Unreachable)?;
        let bound: Vec<Fingerprint> = provider.certificates.iter().map(|bound| bound.fingerprint).collect();
        let connected = self.connector.connect(tcp, &endpoint.server_name, Some(&bound)).await;
        let connected = connected.map_err(ForwardError::NotTrusted)?;
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(HEAD_BYTES)
            .handshake(TokioIo::new(connected.stream))
            .await
            .map_err(ForwardError::Failed)?;
        // Ends when the sender is dropped: the pool, or the call, owns it.
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                debug!(%error, "connection to a provider ended");
            }
        });
        Ok(Line { sender, chain: connected.chain, endpoint, idle_since: Instant::now(), looked: None })
    }

    /// Closes what was idle for too long.
    pub fn sweep(&self) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        for lines in idle.values_mut() {
            lines.retain(|line| line.idle_since.elapsed() < MOST_IDLE && !line.sender.is_closed());
        }
        idle.retain(|_, lines| !lines.is_empty());
    }
}

/// Whether a call may be sent once more where nobody knows whether it was carried out: where that does no more than once
/// does (RFC 9110 §9.2.2). Under an idempotency key its first outcome is kept, and a second attempt's would be another.
fn may_repeat(operation: &Operation, call: &Request<Passage>) -> bool {
    let keyed = call.headers().contains_key("idempotency-key");
    let honoured = operation.repeats.is_some_and(|repeats| repeats.provider == KeyAtProvider::Honoured);
    operation.method.is_safe() || operation.method.is_idempotent() && (!keyed || honoured)
}

/// The same call once more, if its body is in memory.
fn repeat(call: &Request<Passage>) -> Option<Request<Passage>> {
    let Passage::Whole(body) = call.body() else { return None };
    let mut again = Request::new(Passage::Whole(body.clone()));
    *again.method_mut() = call.method().clone();
    *again.uri_mut() = call.uri().clone();
    *again.headers_mut() = call.headers().clone();
    Some(again)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Pool,
    Fresh,
}

/// Longest time that a connection waits in the pool: less than servers usually keep theirs.
const MOST_IDLE: Duration = Duration::from_secs(50);

/// Longest time that a connection of the pool may take to be ready.
const READY_WITHIN: Duration = Duration::from_millis(100);

/// Most bytes of a provider's error document.
const ERROR_BYTES: u64 = 16 * 1024;

/// Most bytes of a provider's head, and of one read of its body.
const HEAD_BYTES: usize = 64 * 1024;

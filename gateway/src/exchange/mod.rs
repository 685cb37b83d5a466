//! The exchange path: the life of an exchange, each step yielding the proof that the next one needs.
//!
//! ```text
//! surface    what a request asks, in one canonical form        contract  schemas and fields, compiled
//! budget     what exchanges may hold at once                   upstream  connections to providers
//! body       bodies taken whole                                answer    what of an answer may pass
//! decision   deciding, and deciding again                      transfer  the same life with documents in it
//! passing    a body that passes as it comes                    passage   bodies on their way out
//! document   what documents are held to                        range     which bytes of one are asked for
//! ending     entries closed, answers given, refusals said
//! subject    persons as keyed hashes                           record    what entries say
//! flood      refusals counted and sampled                      refusal   errors as responses, rows: their words
//! codes      the codes of all refusals
//! queue      pieces that wait to pass                      signed    messages that were signed
//! excess     requests that hold more than agreed
//! notary     documents that people sign                sent      the request's body of a transfer
//! repeat     calls under one idempotency key           consent   tokens that a person gave for once
//! ```

use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use adapters::native;
use agreements::Permit;
use bytes::Bytes;
use certs::trust::{Trust, VerifiedChain};
use http::header::HeaderValue;
use http::{Request, Response, StatusCode, request};
use http_body::Body as _;
use hyper::body::Incoming;
use jiff::Timestamp;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

mod answer;
mod body;
pub mod budget;
mod codes;
mod consent;
pub mod contract;
mod decision;
mod document;
mod ending;
mod excess;
mod flood;
mod notary;
mod parameters;
mod passage;
mod passing;
mod queue;
mod range;
mod record;
mod refusal;
mod repeat;
pub mod rows;
mod sent;
mod signed;
pub mod subject;
mod surface;
mod transfer;
pub mod upstream;

use self::body::{BodyError, Untaken};
use self::budget::{Budget, Room, Share};
pub use self::codes::codes;
use self::consent::Consent;
pub use self::consent::Consents;
use self::contract::Terms;
use self::decision::same_terms;
use self::excess::{Beyond, Delivered, Form};
use self::flood::FloodGuard;
pub use self::notary::MISSES;
pub use self::passage::{Cut, Passage};
pub use self::passing::Passing;
pub use self::record::REFUSED;
pub use self::refusal::{After, Refusal};
use self::repeat::{Place, settled};
use self::upstream::{ForwardError, Upstream};
use crate::clock;
use crate::clock_watch::{ClockWatch, PeerClocks};
use crate::config::Limits;
use crate::exchange_log::{LogError, LogPort, OpenEntry, Opening, Outcome};
use crate::framing::{FramingViolation, Observed, strict};
use crate::national::NationalService;
use crate::payload::Withheld;
use crate::personal::PersonalKeys;
use crate::readiness::Arrivals;
use crate::registry::volume::{Charge, Spent};
use crate::registry::{Gate, View, Views};
use crate::repeats::Repeats;
use crate::scanner::Scanner;
use crate::subject_keys::SubjectKeys;
use crate::telemetry::metrics::Metrics;

/// One runtime's exchange path.
pub struct ExchangePath {
    /// What all runtimes share.
    pub shared: Arc<Shared>,
    /// This runtime's way to the exchange log.
    pub log: LogPort,
    /// This runtime's connections to providers.
    pub upstream: Upstream,
    // Only this runtime's tasks lock it, and never across an await.
    flood: Mutex<FloodGuard>,
    /// Requests that go on also when their callers go away.
    alone: TaskTracker,
}

/// What all runtimes share, none of it locked on the path.
pub struct Shared {
    /// The registry.
    pub views: Arc<Views>,
    /// Whom we trust.
    pub trust: Arc<Trust>,
    /// The keys of subjects' hashes.
    pub subjects: Arc<SubjectKeys>,
    /// The keys of personal parts.
    pub personal: Arc<PersonalKeys>,
    /// The exchange log's name.
    pub origin: String,
    /// Bounds.
    pub limits: Limits,
    /// Memory for payloads.
    pub memory: Arc<Budget>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// When consumers were last seen, and their clocks.
    pub arrivals: Arc<Arrivals>,
    /// What became of requests that bore an idempotency key.
    pub repeats: Repeats,
    /// The virus scanner.
    pub scanner: Arc<Scanner>,
    /// Who verifies signatures by national algorithms, if anybody does.
    pub national: Option<Arc<NationalService>>,
    /// How the gateway's own clock stands.
    pub clock: Arc<ClockWatch>,
    /// How providers' clocks stand.
    pub peers: Arc<PeerClocks>,
    /// Consents that were spent.
    pub consents: Consents,
}

/// Who is on a connection, as its certificate proved.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The certificate and its chain.
    pub chain: VerifiedChain,
    /// Where it called from.
    pub peer: SocketAddr,
    /// How many documents are under way on its connection.
    pub transfers: Arc<AtomicU64>,
}

/// What the guard under HTTP/1.1 knows of a request; HTTP/2 has none.
#[derive(Debug, Clone)]
pub struct Framing {
    /// What it saw.
    pub observed: Arc<Observed>,
    /// Which of the connection's requests this is, from 0.
    pub ordinal: u64,
}

impl Framing {
    fn violation(framing: Option<&Self>) -> Option<FramingViolation> {
        framing.and_then(|framing| framing.observed.violation(framing.ordinal))
    }

    /// To be asked for when taking the body failed.
    fn body_violation(framing: Option<&Self>) -> Option<FramingViolation> {
        framing.and_then(|framing| framing.observed.body_violation(framing.ordinal))
    }
}

/// When a request came, and under which number it is carried.
#[derive(Clone, Copy)]
struct Received {
    exchange: Uuid,
    at: Timestamp,
    since: Instant,
}

/// An exchange that was begun and brought no answer to pass on.
struct Failed {
    refusal: Refusal,
    outcome: Outcome,
    /// Of the provider's answer, if one came.
    status: Option<StatusCode>,
    /// What the answer had beyond what is agreed, where that is why.
    fields: Vec<Withheld>,
}

impl Failed {
    /// A request that went no further.
    fn of_request(refusal: Refusal, outcome: Outcome) -> Self {
        Self { refusal, outcome, status: None, fields: Vec::new() }
    }

    /// An answer that does not pass.
    fn of_answer(refusal: Refusal, status: StatusCode) -> Self {
        Self { refusal, outcome: Outcome::ResponseRefused, status: Some(status), fields: Vec::new() }
    }
}

/// A request that may be carried, in memory and checked.
struct Checked {
    /// As its consumer sent it.
    body: Bytes,
    beyond: Option<Box<Beyond>>,
    _consumer: Share,
}

/// An answer: whole, its bytes giving their memory back when they were sent, or a document that passes as it comes.
type Carried = Response<Passage>;

impl ExchangePath {
    /// A path for one runtime.
    pub fn new(shared: Arc<Shared>, log: LogPort, upstream: Upstream) -> Self {
        Self { shared, log, upstream, flood: Mutex::default(), alone: TaskTracker::new() }
    }

    /// Waits for the requests that go on alone; none begins any more.
    pub async fn ends(&self) {
        self.alone.close();
        self.alone.wait().await;
    }

    /// Carries one request, or refuses it: either way there is an answer.
    ///
    /// # Cancel safety
    /// Dropped when the caller goes away: an entry that was opened is closed as abandoned. A request under an idempotency
    /// key goes on alone, within its deadlines: its answer is kept for whoever asks again.
    pub async fn exchange(
        self: &Arc<Self>,
        caller: &Arc<Caller>,
        framing: Option<Framing>,
        request: Request<Incoming>,
    ) -> Carried {
        let received = Received { exchange: Uuid::now_v7(), at: clock::now(), since: Instant::now() };
        let (head, body) = request.into_parts();
        // B5: also of a call that is refused, as the first one is before readiness was checked.
        self.shared.arrivals.hears(&caller.chain.fingerprint(), &head.headers, received.at);
        if !repeat::goes_on_alone(&head) {
            return self.answer(caller, framing, received, head, body).await;
        }
        let (path, caller) = (Arc::clone(self), Arc::clone(caller));
        let alone = async move { path.answer(&caller, framing, received, head, body).await };
        match self.alone.spawn(alone).await {
            Ok(response) => response,
            Err(error) => match error.try_into_panic() {
                // A bug of ours ends this call as it would without a task of its own.
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime ends, and whoever waits with it.
                Err(_) => std::future::pending().await,
            },
        }
    }

    async fn answer(
        &self,
        caller: &Caller,
        framing: Option<Framing>,
        received: Received,
        head: request::Parts,
        body: Incoming,
    ) -> Carried {
        let body = Untaken::new(body, &head);
        let mut response = match self.carry(caller, framing.as_ref(), &received, &head, body).await {
            Ok(response) => response,
            Err(refusal) => self.refuse(caller, &received, &head, &refusal).await,
        };
        let exchange = HeaderValue::try_from(received.exchange.to_string());
        response.headers_mut().insert("kelisim-exchange", exchange.expect("a UUID is visible ASCII"));
        self.shared.metrics.exchanged(received.since.elapsed());
        response
    }

    /// The life of an exchange.
    async fn carry(
        &self,
        caller: &Caller,
        framing: Option<&Framing>,
        received: &Received,
        head: &request::Parts,
        body: Untaken,
    ) -> Result<Carried, Refusal> {
        if let Some(violation) = Framing::violation(framing) {
            return Err(violation.into());
        }
        strict::check(head)?;
        let asked = native::read(head)?;
        let asked = surface::Question::new(caller, head, &asked)?;

        let view = self.shared.views.current()?;
        let permit = self.shared.permit(&view, caller, &asked, received.at)?;
        if document::carries(permit.operation()) {
            let transfer = self.transfer(&view, permit, caller, framing, received, &asked, head, body);
            // Boxed: other calls keep no room for what it takes.
            return Box::pin(transfer).await;
        }
        let mut checked = self.take(&view, &permit, &asked, framing, head, body).await?;

        // B9: the body may have taken its time, so it is decided anew, on the newest registry.
        let ground = self.shared.ground()?;
        let newest = &ground.view;
        let (before, permit) = (permit, self.shared.permit(newest, caller, &asked, clock::now())?);
        let gate = newest.gate(permit.agreement()).ok_or_else(contract::Unusable::unknown)?;
        let terms = gate.contract.terms(&permit)?;
        if !same_terms(&before, &permit) {
            rate(gate, &permit)?;
            asked.fits(&permit, terms)?;
            checked.beyond = fits(&permit, terms, head, &checked.body, self.room(gate))?;
        }
        let body = signed::Body::Here(&checked.body);
        let sealed = signed::request(&permit, caller, head, body, received.at)?;
        let subjects = asked.subjects(&permit, terms, &checked.body)?;
        let (shared, body) = (&self.shared, &checked.body);
        let opening = |consent| {
            let mut opening = record::opening(
                shared, caller, received, &asked, newest, gate, &permit, &subjects, consent, body,
            );
            opening.signatures = sealed.as_ref().map(|sealed| sealed.recorded().into());
            opening
        };
        let (beyond, charge) = (checked.beyond.take(), volume(gate, &permit, received.at)?);
        let stopped = beyond.as_ref().and_then(|beyond| beyond.stops(&permit, terms, Form::Json));
        let mut delivered = Delivered { passed: None, beyond, charge };
        if let Some(refusal) = stopped {
            return self.exceeds(&permit, received, head, &opening(None), refusal, delivered).await;
        }
        let mut turn = match shared.place(&permit, &asked, received, Some(body)).await? {
            Place::Turn(turn) => turn,
            Place::Known(known) => {
                let known = settled(*known, self.room(gate))?;
                // Its consent was spent by the first.
                let (opening, delivered) = (opening(None), delivered.into_unsent());
                let again =
                    self.again(&ground, &permit, caller, &asked, received, head, &opening, known, delivered);
                return again.await;
            }
        };

        let consent = self.shared.consent(newest, &permit, asked.claims(), &subjects, clock::now())?;

        // Only now: a body that takes its time keeps no place at the provider.
        let _pair = gate.pair.share(1).ok_or_else(too_many)?;
        let _provider = gate.provider.share(1).ok_or_else(too_many)?;
        let (mut opening, mut body) = (opening(consent), body.clone());
        if let Some(beyond) = &delivered.beyond {
            beyond.opens(&mut opening);
            body = beyond.left();
        }
        let entry = self.open(&opening, consent).await?;
        delivered.opens(&opening);
        let call = surface::outgoing(&asked, &permit, received.exchange, head, body.into());
        let called = signed::Called::of(&permit, &call);
        // B9: writing the entry and dialling may have taken their time too.
        let still = |line: Option<&VerifiedChain>| self.shared.still(&ground, &permit, caller, &asked, line);
        turn.goes();
        let answer = match self.upstream.forward(&permit, &entry, call, self.room(gate), &still).await {
            Ok(reply) => {
                signed::release(called.as_ref(), &permit, terms, &head.method, reply, self.room(gate))
            }
            Err(error) => Err(error.into()),
        };
        turn.ends(&answer).await;
        Ok(self.close(&permit, entry, received, head, answer, delivered).await)
    }

    /// Limits, then the parameters, then the request's body: taken whole and held against its schema.
    async fn take(
        &self,
        view: &View,
        permit: &Permit<'_>,
        asked: &surface::Question<'_>,
        framing: Option<&Framing>,
        head: &request::Parts,
        body: Untaken,
    ) -> Result<Checked, Refusal> {
        let gate = view.gate(permit.agreement()).ok_or_else(contract::Unusable::unknown)?;
        rate(gate, permit)?;
        let consumer = gate.consumer.share(1).ok_or_else(too_many)?;
        let terms = gate.contract.terms(permit)?;
        asked.fits(permit, terms)?;
        let (body, beyond) = self.checked_body(permit, terms, framing, head, body, gate).await?;
        Ok(Checked { body, beyond, _consumer: consumer })
    }

    async fn checked_body(
        &self,
        permit: &Permit<'_>,
        terms: &Terms,
        framing: Option<&Framing>,
        head: &request::Parts,
        mut body: Untaken,
        gate: &Gate,
    ) -> Result<(Bytes, Option<Box<Beyond>>), Refusal> {
        let agreed = permit.operation().request.as_ref();
        let most = agreed.map_or(0, |payload| payload.max_bytes);
        let seen = body.seen();
        let announced = if seen.is_end_stream() { 0 } else { seen.size_hint().lower() };
        admits(permit, head, announced)?;
        let within = self.shared.limits.body_timeout();
        let held = body::hold_within(seen, most, within, self.room(gate)).await;
        let held = held.map_err(|error| match Framing::body_violation(framing) {
            Some(violation) => violation.into(),
            None => of_request_body(error, agreed.is_some()),
        })?;
        let beyond = fits(permit, terms, head, &held, self.room(gate))?;
        Ok((held, beyond))
    }

    /// Opens the entry, having spent the consent that it names.
    ///
    /// # Cancel safety
    /// Dropped while it waits, the consent stays spent: the entry may be written.
    async fn open(&self, opening: &Opening<'_>, consent: Option<Consent>) -> Result<OpenEntry, Refusal> {
        let Some(consent) = consent else { return Ok(in_time(self.log.open(opening)).await?) };
        self.shared.consents.spend(&consent, clock::now())?;
        let opened = in_time(self.log.open(opening)).await;
        Ok(opened.inspect_err(|error| self.shared.consents.unless_written(&consent, *error))?)
    }

    fn room(&self, gate: &Gate) -> Room {
        Room::new(&self.shared.memory, &gate.memory)
    }
}

fn too_many() -> Refusal {
    Refusal::new(&rows::TOO_MANY_EXCHANGES, "").retry_after(1)
}

/// B2.7, C2: how much the agreement lets pass in a day: a place in it, where it says so.
fn volume(gate: &Gate, permit: &Permit<'_>, at: Timestamp) -> Result<Option<Charge>, Refusal> {
    let Some((most, tally)) = &gate.volume else { return Ok(None) };
    tally.begin(*most, at).map(Some).map_err(|spent| of_spent(permit, spent))
}

fn of_spent(permit: &Permit<'_>, Spent { until }: Spent) -> Refusal {
    let seconds = u32::try_from(until.duration_since(clock::now()).as_secs() + 1).unwrap_or(1);
    let context = format!("{}: until {until}", permit.agreement().text.number);
    Refusal::new(&rows::VOLUME_EXCEEDED, context).retry_after(seconds)
}

/// B2.7: how often the agreement lets its consumer ask; and whether its day has anything left, before a body is taken for nothing.
fn rate(gate: &Gate, permit: &Permit<'_>) -> Result<(), Refusal> {
    if let Some((most, tally)) = &gate.volume {
        tally.left(*most, clock::now()).map_err(|spent| of_spent(permit, spent))?;
    }
    let Err(until) = gate.rate.check() else { return Ok(()) };
    let wait = governor::clock::Clock::now(&governor::clock::DefaultClock::default());
    let seconds = until.wait_time_from(wait).as_secs() + 1;
    let refusal = Refusal::new(&rows::RATE_EXCEEDED, permit.agreement().text.number.as_str());
    Err(refusal.retry_after(u32::try_from(seconds).unwrap_or(u32::MAX)))
}

/// Whether a body of so many bytes, under that head, is what the operation takes.
fn admits(permit: &Permit<'_>, head: &request::Parts, bytes: u64) -> Result<(), Refusal> {
    let Some(agreed) = &permit.operation().request else {
        let row = &rows::REQUEST_BODY_NOT_AGREED;
        return if bytes == 0 { Ok(()) } else { Err(Refusal::new(row, "")) };
    };
    if !answer::is_of(&head.headers, &agreed.media_type) {
        return Err(Refusal::new(&rows::REQUEST_MEDIA_TYPE, "another media type than agreed"));
    }
    if bytes > agreed.max_bytes {
        return Err(Refusal::new(&rows::REQUEST_TOO_LARGE, format!("more than {} bytes", agreed.max_bytes)));
    }
    Ok(())
}

/// Whether a body that was taken whole may be forwarded under a permit, and what it has beyond what may.
fn fits(
    permit: &Permit<'_>,
    terms: &Terms,
    head: &request::Parts,
    body: &Bytes,
    room: Room,
) -> Result<Option<Box<Beyond>>, Refusal> {
    admits(permit, head, body.len() as u64)?;
    match &terms.request {
        Some(_) if body.is_empty() => Err(Refusal::new(&rows::REQUEST_BODY_MISSING, "")),
        Some(schema) => excess::find(terms, schema, body, room),
        None => Ok(None),
    }
}

fn of_request_body(error: BodyError, agreed: bool) -> Refusal {
    let row = match error {
        BodyError::TooLarge(_) if !agreed => &rows::REQUEST_BODY_NOT_AGREED,
        BodyError::TooLarge(_) => &rows::REQUEST_TOO_LARGE,
        BodyError::NoRoom => &rows::GATEWAY_BUSY,
        BodyError::Late(_) => &rows::REQUEST_TIMEOUT,
        BodyError::Broken(_) => &rows::REQUEST_INCOMPLETE,
    };
    Refusal::new(row, crate::telemetry::chain(&error))
}

impl From<ForwardError> for Failed {
    fn from(error: ForwardError) -> Self {
        let context = crate::telemetry::chain(&error);
        let (row, outcome, status) = match error {
            ForwardError::Unreachable(_) | ForwardError::ConnectTimeout(_) => {
                (&rows::PROVIDER_UNREACHABLE, Outcome::ProviderUnreachable, None)
            }
            ForwardError::NotTrusted(_) => (&rows::PROVIDER_NOT_TRUSTED, Outcome::ProviderUnreachable, None),
            ForwardError::Withdrawn(refusal) => {
                return Self::of_request(*refusal, Outcome::RequestRefused);
            }
            ForwardError::Failed(_) => (&rows::PROVIDER_FAILED, Outcome::ProviderFailed, None),
            ForwardError::Timeout(_) => (&rows::PROVIDER_TIMEOUT, Outcome::Timeout, None),
            ForwardError::Body { status, source } => {
                let (row, outcome) = match source {
                    BodyError::Late(_) => (&rows::PROVIDER_TIMEOUT, Outcome::Timeout),
                    BodyError::TooLarge(_) => (&rows::RESPONSE_TOO_LARGE, Outcome::ResponseRefused),
                    BodyError::NoRoom => (&rows::ANSWER_LOST, Outcome::ResponseRefused),
                    BodyError::Broken(_) => (&rows::PROVIDER_FAILED, Outcome::ProviderFailed),
                };
                (row, outcome, Some(status))
            }
        };
        Self { status, ..Self::of_request(Refusal::new(row, context), outcome) }
    }
}

/// Waits for the log to write, but not for ever.
///
/// # Errors
/// As the log says; [`LogError::Unknown`] if it said nothing: the entry may have been written, and an opening that
/// nobody waits for is closed as abandoned.
async fn in_time<T>(written: impl Future<Output = Result<T, LogError>>) -> Result<T, LogError> {
    tokio::time::timeout(LOG_WITHIN, written).await.unwrap_or(Err(LogError::Unknown))
}

/// Longest time that an entry may take to become durable: a disk that takes longer has failed.
const LOG_WITHIN: Duration = Duration::from_secs(10);

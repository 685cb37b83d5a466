//! The life of an exchange that carries documents: as that of any other, but bodies pass as they come (C4).
//!
//! ```text
//! lead      the request's first bytes, and its card: what is wrong there is refused as any request is
//! decide    anew, on the newest registry
//! open      the opening is durable before the first byte is forwarded; its digests are in the closing
//! pass      the request, then the answer; each piece is looked through and held to the decision
//! close     before the last piece passes
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use agreements::{AnswerAfter, Permit, Way};
use certs::trust::VerifiedChain;
use http::header::{ACCEPT_RANGES, CONTENT_RANGE, CONTENT_TYPE, HeaderValue};
use http::{Method, Response, StatusCode, request};
use http_body::Body as _;
use tracing::{debug, info};

use super::answer;
use super::body::Untaken;
use super::contract::{Terms, Unusable};
use super::decision::{Ward, same_terms};
use super::document::{Check, Flaw, Side};
use super::ending::Between;
use super::excess::{self, Beyond, Delivered};
use super::notary;
use super::passage::Passage;
use super::passing::{Bounds, Overseer, Passed, Passing, Told, Waiting};
use super::repeat::{Place, Turn, settled};
use super::sent::{Sending, Sent, Upload, Uploading};
use super::signed::{self, Called, Sealed};
use super::surface::{self, Question};
use super::upstream::{Begun, ForwardError};
use super::{
    Caller, Carried, ExchangePath, Failed, Framing, Received, Refusal, Shared, in_time, range, rate, record,
    rows, too_many, volume,
};
use crate::clock;
use crate::config::Limits;
use crate::exchange_log::{OpenEntry, Outcome};
use crate::national;
use crate::registry::{Gate, View};

impl ExchangePath {
    /// Carries a permitted call whose request or answer is a document.
    #[expect(clippy::too_many_arguments, reason = "everything that the call brought")]
    pub(super) async fn transfer(
        &self,
        view: &View,
        before: Permit<'_>,
        caller: &Caller,
        framing: Option<&Framing>,
        received: &Received,
        asked: &Question<'_>,
        head: &request::Parts,
        body: Untaken,
    ) -> Result<Carried, Refusal> {
        let gate = view.gate(before.agreement()).ok_or_else(Unusable::unknown)?;
        rate(gate, &before)?;
        let consumer = gate.consumer.share(1).ok_or_else(too_many)?;
        let mut room = self.room(gate);
        let protection = &before.agreement().text.protection;
        let signed = [Way::Requests, Way::Responses].map(|way| protection.signed_documents(way).is_some());
        let shown = if self.shared.national.is_some() { national::CASE_BYTES } else { 0 };
        let most = TRANSFER_BYTES + if signed.contains(&true) { SIGNED_BYTES + shown } else { 0 };
        if !room.grow(most) {
            return Err(Refusal::new(&rows::GATEWAY_BUSY, "no memory left for transfers").retry_after(1));
        }
        let busy = Busy::begin(&caller.transfers);
        let terms = gate.contract.terms(&before)?;
        asked.fits(&before, terms)?;
        let (sent, sealed, beyond) =
            self.lead(&before, terms, gate, caller, framing, received, head, body).await?;

        // B9: what was read may have taken its time, so it is decided anew, on the newest registry.
        let ground = self.shared.ground()?;
        let (newest, at) = (&ground.view, clock::now());
        let permit = self.shared.permit(newest, caller, asked, at)?;
        if !same_terms(&before, &permit) {
            return Err(Refusal::new(&rows::TERMS_CHANGED, "other terms than a moment ago").retry_after(1));
        }
        let gate = newest.gate(permit.agreement()).ok_or_else(Unusable::unknown)?;
        let terms = gate.contract.terms(&permit)?;
        let ward = || Ward::new(&self.shared, caller, head, &ground, at);
        let (shared, read) = (&self.shared, sent.read());
        let subjects = asked.subjects(&permit, terms, &read)?;
        let held = sent.held().unwrap_or_default();
        let opening = |consent| {
            let mut opening = record::opening(
                shared, caller, received, asked, newest, gate, &permit, &subjects, consent, held,
            );
            opening.signatures = sealed.as_ref().map(|sealed| sealed.recorded().into());
            opening
        };
        let charge = volume(gate, &permit, received.at)?;
        let stopped = beyond.as_ref().and_then(|beyond| beyond.stops(&permit, terms, sent.form()));
        let mut delivered = Delivered { passed: None, beyond, charge };
        if let Some(refusal) = stopped {
            return self.exceeds(&permit, received, head, &opening(None), refusal, delivered).await;
        }
        let mut turn = match shared.place(&permit, asked, received, sent.held()).await? {
            Place::Turn(turn) => turn,
            Place::Known(known) => {
                // Its consent was spent by the first.
                let mut opening = opening(None);
                let passed = sent.compared(&known, &self.shared, asked, ward()).await?;
                let known = settled(*known, self.room(gate))?;
                (opening.request_digest, opening.request_bytes) = (passed.digest, passed.bytes);
                let delivered = delivered.into_unsent();
                let again =
                    self.again(&ground, &permit, caller, asked, received, head, &opening, known, delivered);
                return again.await;
            }
        };
        let pair = gate.pair.share(1).ok_or_else(too_many)?;
        let provider = gate.provider.share(1).ok_or_else(too_many)?;
        let consent = shared.consent(newest, &permit, asked.claims(), &subjects, at)?;
        let mut opening = opening(consent);
        if let Some(beyond) = &delivered.beyond {
            beyond.opens(&mut opening);
        }
        let entry = self.open(&opening, consent).await?;
        delivered.opens(&opening);

        let (body, media_type, upload) = match sent {
            Sent::Held(bytes) => {
                (Passage::Whole(delivered.beyond.as_ref().map_or(bytes, |beyond| beyond.left())), None, None)
            }
            Sent::Streams(mut passing, media_type, _) => {
                let upload = Arc::new(Upload::default());
                passing.oversee(Uploading { ward: ward(), upload: Arc::clone(&upload) });
                (Passage::Streamed(passing), Some(media_type), Some(Sending(upload)))
            }
        };
        let mut call = surface::outgoing(asked, &permit, received.exchange, head, body);
        if let Some(media_type) = media_type {
            call.headers_mut().insert(CONTENT_TYPE, media_type);
            if permit.agreement().text.protection.signed_documents(Way::Requests).is_some() {
                notary::pass_on(&head.headers, call.headers_mut());
            }
        }
        let called = Called::of(&permit, &call);
        let still = |line: Option<&VerifiedChain>| self.shared.still(&ground, &permit, caller, asked, line);
        turn.goes();
        let begun = self.upstream.begin(&permit, &entry, call, &still);
        let begun = patiently(begun, upload.as_ref(), &self.shared.limits).await;
        let (begun, request) = match upload.as_ref().map(|sending| sending.0.end()) {
            None => (begun.map_err(Failed::from), None),
            Some(Some(Ok(passed))) => (begun.map_err(Failed::from), Some(passed)),
            Some(Some(Err(refusal))) => (Err(of_upload(refusal)), None),
            Some(None) => (begun.map_err(Failed::from).and_then(Begun::early), None),
        };
        if let Some(Passed { digest: Some(digest), .. }) = &request {
            turn.asked(|| self.shared.mark(asked, Some(digest)));
        }
        let part = || upload.as_ref().map(Sending::part);
        let begun = match begun {
            Ok(begun) => begun,
            Err(failed) => {
                delivered.passed = request.or_else(part);
                let failed = Err(failed);
                turn.ends(&failed).await;
                return Ok(self.close(&permit, entry, received, head, failed, delivered).await);
            }
        };
        if permit.operation().response.as_ref().is_some_and(|payload| payload.documents.is_some())
            && begun.response.status() == StatusCode::OK
            && head.method != Method::HEAD
        {
            let mut ward = ward();
            ward.goes_to(begun.chain());
            let kept = (consumer, pair, provider, room, busy);
            let (called, holder) = (called.as_ref(), permit.provider().holder());
            delivered.passed = request;
            let answer = self
                .download(&permit, entry, received, head, called, holder, begun, delivered, turn, ward, kept);
            return Ok(answer.await);
        }
        let most = permit.operation().response.as_ref().filter(|payload| payload.documents.is_none());
        let within = self.shared.limits.provider_timeout();
        let taken = self.upstream.take(begun, most.map_or(0, |payload| payload.max_bytes), self.room(gate));
        let reply = tokio::time::timeout(within, taken).await.unwrap_or(Err(ForwardError::Timeout(within)));
        let answer = match reply {
            Ok(reply) => {
                signed::release(called.as_ref(), &permit, terms, &head.method, reply, self.room(gate))
            }
            Err(error) => Err(error.into()),
        };
        turn.ends(&answer).await;
        delivered.passed = request.or_else(part);
        Ok(self.close(&permit, entry, received, head, answer, delivered).await)
    }

    /// The request's body: whole if it is JSON, else as far as it says what it is, with its card checked. And its
    /// signature, where one is asked for.
    #[expect(clippy::too_many_arguments, reason = "everything that the call brought")]
    async fn lead(
        &self,
        permit: &Permit<'_>,
        terms: &Terms,
        gate: &Gate,
        caller: &Caller,
        framing: Option<&Framing>,
        received: &Received,
        head: &request::Parts,
        mut body: Untaken,
    ) -> Result<(Sent, Option<Sealed>, Option<Box<Beyond>>), Refusal> {
        let agreed = permit.operation().request.as_ref();
        let Some((agreed, documents)) = agreed.and_then(|agreed| Some((agreed, agreed.documents.as_ref()?)))
        else {
            let (body, beyond) = self.checked_body(permit, terms, framing, head, body, gate).await?;
            let sealed = signed::request(permit, caller, head, signed::Body::Here(&body), received.at)?;
            return Ok((Sent::Held(body), sealed, beyond));
        };
        if body.seen().is_end_stream() {
            return Err(Refusal::new(&rows::REQUEST_BODY_MISSING, ""));
        }
        let sealed = signed::request(permit, caller, head, signed::Body::Comes, received.at)?;
        let (check, media_type) = Check::of_request(agreed, documents, &head.headers)?;
        let holder = permit.consumer().holder();
        let (notary, counsel) = self.notary(permit, Way::Requests, holder, &head.headers);
        let check = check.witnessed(notary, &head.headers).map_err(|flaw| Side::Request.refusal(&flaw))?;
        let most = match &check {
            Check::Document(_) => documents.max_file_bytes,
            Check::Form(_) | Check::Finished => agreed.max_bytes,
        };
        let bounds = bounds(most, self.shared.limits.body_timeout(), &self.shared.limits);
        if body.seen().size_hint().lower() > most {
            return Err(Side::Request.refusal(&Flaw::TooLarge(most)));
        }
        let scan = self.shared.scanner.begin(documents, &permit.consumer().system.card.id);
        let scan = scan.map_err(|trouble| Side::Request.refusal(&Flaw::Scan(trouble)))?;
        let mut passing = Box::new(Passing::new(Side::Request, body.taken(), check, bounds));
        passing.framed(framing);
        passing.expects(sealed.as_ref().and_then(Sealed::content));
        passing.scanned(scan);
        passing.counselled(counsel);
        passing.lead().await?;
        let (mut card, mut beyond) = (Vec::new(), None);
        if let Some(schema) = &terms.request {
            // C3: the card fits before anything passes.
            card = passing.take_card().unwrap_or_default();
            beyond = excess::find(terms, schema, &card, self.room(gate))?;
        }
        Ok((Sent::Streams(passing, media_type, card), sealed, beyond))
    }

    /// Passes a document back as it comes.
    #[expect(clippy::too_many_arguments, reason = "everything that the exchange has gathered")]
    async fn download(
        &self,
        permit: &Permit<'_>,
        entry: OpenEntry,
        received: &Received,
        head: &request::Parts,
        called: Option<&Called>,
        holder: &str,
        begun: Begun,
        request: Delivered,
        turn: Turn,
        mut ward: Ward,
        kept: impl Send + 'static,
    ) -> Carried {
        let chain = begun.chain().clone();
        let (reply, incoming, line) = begun.into_parts();
        let status = reply.status;
        let place = format!("{}/{}", self.shared.origin, entry.id());
        let failed =
            |refusal: Refusal| Failed { outcome: outcome(&refusal), ..Failed::of_answer(refusal, status) };
        let agreed = permit.operation().response.as_ref().and_then(|payload| payload.documents.as_ref());
        let (notary, counsel) = self.notary(permit, Way::Responses, holder, &reply.headers);
        let is_witnessed = notary.is_some();
        let document = agreed.and_then(|documents| Check::document(documents, &reply.headers));
        let document = document
            .ok_or_else(|| Refusal::new(&rows::RESPONSE_MEDIA_TYPE, "another media type than agreed"))
            .and_then(|(check, media_type)| {
                let sealed = called.map(|called| called.answered(&reply, &chain, signed::Body::Comes));
                let check = check.witnessed(notary, &reply.headers);
                let check = check.map_err(|flaw| Side::Response.refusal(&flaw));
                Ok((sealed.transpose()?.flatten(), check?, media_type))
            });
        let (sealed, check, media_type) = match document {
            Ok(document) => document,
            Err(refusal) => {
                let failed = Err(failed(refusal));
                turn.ends(&failed).await;
                return self.close(permit, entry, received, head, failed, request).await;
            }
        };
        let most = agreed.map_or(0, |documents| documents.max_file_bytes);
        let length = incoming.size_hint().exact();
        let window =
            range::asked(&head.headers, &reply.headers, length).filter(|_| head.method == Method::GET);
        let bounds = bounds(most, self.shared.limits.provider_timeout(), &self.shared.limits);
        let scan =
            agreed.map(|documents| self.shared.scanner.begin(documents, &permit.consumer().system.card.id));
        let scan = scan.unwrap_or(Ok(None)).map_err(|trouble| Side::Response.refusal(&Flaw::Scan(trouble)));
        let mut passing = Box::new(Passing::new(Side::Response, incoming, check, bounds));
        passing.expects(sealed.as_ref().and_then(Sealed::content));
        if let Some(window) = &window {
            passing.only(window.clone());
        }
        let lead = match length.filter(|length| *length > most) {
            Some(_) => Err(Side::Response.refusal(&Flaw::TooLarge(most))),
            None => match scan {
                Ok(scan) => {
                    passing.scanned(scan);
                    passing.counselled(counsel);
                    passing.lead().await
                }
                Err(refusal) => Err(refusal),
            },
        };
        // B9: it may have taken its time.
        if let Err(refusal) = lead.and_then(|()| ward.still()) {
            let failed = Err(failed(refusal));
            turn.ends(&failed).await;
            return self.close(permit, entry, received, head, failed, request).await;
        }
        let mut headers = answer::passing(&reply.headers);
        answer::typed(&mut headers, media_type);
        if let Some(beyond) = &request.beyond {
            beyond.mark(&mut headers);
        }
        passing.keep((line, kept));
        passing.oversee(Downloading {
            shared: Arc::clone(&self.shared),
            ward,
            entry: Some(entry),
            received: *received,
            status,
            request,
            turn: Some(turn),
            answer_after: permit.agreement().text.accounting.answer_after,
            signatures: sealed.as_ref().map(Sealed::recorded),
            between: Between::of(permit),
        });
        if let Some(length) = length {
            headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
            if let Some(window) = &window {
                let range = format!("bytes {}-{}/{length}", window.start, window.end - 1);
                headers
                    .insert(CONTENT_RANGE, HeaderValue::try_from(range).expect("digits are visible ASCII"));
            }
        }
        surface::mark(permit, &mut headers);
        if is_witnessed && window.is_none() {
            notary::pass_on(&reply.headers, &mut headers);
        }
        if let Some(sealed) = &sealed {
            let left = if window.is_none() { signed::Left::AsItCame } else { signed::Left::Changed };
            sealed.mark(&mut headers, left);
        }
        if let Ok(place) = HeaderValue::try_from(place) {
            headers.insert("kelisim-entry", place);
        }
        let mut response = Response::new(Passage::Streamed(passing));
        *response.status_mut() = if window.is_some() { StatusCode::PARTIAL_CONTENT } else { status };
        *response.headers_mut() = headers;
        response
    }
}

/// Waits for the head of an answer: as long as its request goes on, and then for so long as any answer may take.
async fn patiently(
    begun: impl Future<Output = Result<Begun, ForwardError>>,
    upload: Option<&Sending>,
    limits: &Limits,
) -> Result<Begun, ForwardError> {
    let within = limits.provider_timeout();
    let Some(Sending(upload)) = upload else {
        return tokio::time::timeout(within, begun).await.unwrap_or(Err(ForwardError::Timeout(within)));
    };
    let mut begun = std::pin::pin!(begun);
    let (mut moved, mut since) = (0, Instant::now());
    loop {
        // Looked at so often that nobody waits much longer than said.
        let pause = (within / 8).max(Duration::from_millis(1));
        if let Ok(begun) = tokio::time::timeout(pause, &mut begun).await {
            return begun;
        }
        let now = upload.moved.load(Ordering::Relaxed);
        if now != moved || upload.waits.load(Ordering::Relaxed) {
            (moved, since) = (now, Instant::now());
        } else if since.elapsed() > within {
            return Err(ForwardError::Timeout(within));
        }
    }
}

struct Downloading {
    shared: Arc<Shared>,
    ward: Ward,
    entry: Option<OpenEntry>,
    received: Received,
    status: StatusCode,
    request: Delivered,
    turn: Option<Turn>,
    answer_after: AnswerAfter,
    /// The signatures that counted, as entries have them.
    signatures: Option<String>,
    between: Between,
}

impl Overseer for Downloading {
    fn still(&mut self) -> Result<(), Refusal> {
        self.ward.still()
    }

    fn goes_to(&mut self, line: &VerifiedChain) {
        self.ward.goes_to(line);
    }

    fn waits(&mut self, _: Waiting) {}

    fn hands(&mut self, _: u64) {}

    fn passed(&mut self, passed: Passed) -> Told {
        let sealed = self.signatures.as_deref();
        let request = self.request.passed.take();
        let mut closing = record::passed(&self.received, self.status, request, passed, sealed);
        self.request.closes(&mut closing);
        self.shared.metrics.request_withheld(self.request.withheld());
        self.turn.take().into_iter().for_each(Turn::passed);
        self.shared.metrics.completed(Outcome::Completed);
        debug!(exchange = %self.received.exchange, status = self.status.as_u16(), "exchanged");
        let Some(entry) = self.entry.take() else { return Box::pin(std::future::ready(Ok(()))) };
        match self.answer_after {
            AnswerAfter::Opened => {
                entry.close(&closing);
                Box::pin(std::future::ready(Ok(())))
            }
            // B2.5: the last piece waits until the closing is durable.
            AnswerAfter::Completed => Box::pin(async move {
                let closed = in_time(entry.close_durably(&closing)).await;
                closed
                    .map(drop)
                    .map_err(|error| Refusal::new(&rows::ANSWER_LOST, crate::telemetry::chain(&error)))
            }),
        }
    }

    fn cut(&mut self, handed: u64, why: Option<Refusal>) {
        let exchange = self.received.exchange;
        let Between { consumer, provider, data_type } = &self.between;
        match &why {
            Some(refusal) => {
                self.shared.metrics.refused(refusal.code());
                info!(
                    %exchange, refusal.code = refusal.code(), %consumer, %provider, %data_type,
                    "document cut: {}: {}", refusal.code(), refusal.context()
                );
            }
            None => {
                info!(%exchange, %consumer, %provider, %data_type, "document cut: its consumer went away")
            }
        }
        let outcome = why.as_ref().map_or(Outcome::Abandoned, outcome);
        let why = why.filter(|_| outcome != Outcome::Abandoned);
        if matches!(outcome, Outcome::ResponseRefused | Outcome::Abandoned) {
            // It was carried out, and what came of it was not let through, or not taken.
            self.turn.take().into_iter().for_each(Turn::passed);
        }
        let Some(entry) = self.entry.take() else { return };
        let request = self.request.passed.take();
        let mut cut = record::cut(&self.received, self.status, request, (outcome, why.as_ref()), handed);
        self.request.closes(&mut cut);
        self.shared.metrics.request_withheld(self.request.withheld());
        entry.close(&cut);
    }
}

/// A document that is under way on its caller's connection.
struct Busy(Arc<AtomicU64>);

impl Busy {
    fn begin(transfers: &Arc<AtomicU64>) -> Self {
        transfers.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(transfers))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn bounds(bytes: u64, piece: Duration, limits: &Limits) -> Bounds {
    Bounds { bytes, piece, until: Instant::now() + limits.transfer_timeout() }
}

/// A request that was cut: by its consumer, who went away, or by us.
fn of_upload(refusal: Refusal) -> Failed {
    let outcome = match refusal.code() {
        code if code == rows::REQUEST_INCOMPLETE.code => Outcome::Abandoned,
        code if code == rows::PROVIDER_TIMEOUT.code => Outcome::Timeout,
        _ => Outcome::RequestRefused,
    };
    Failed::of_request(refusal, outcome)
}

/// How an exchange ended whose answer was not let through.
fn outcome(refusal: &Refusal) -> Outcome {
    if refusal.code() == rows::PROVIDER_TIMEOUT.code {
        Outcome::Timeout
    } else if refusal.code() == rows::PROVIDER_FAILED.code {
        Outcome::ProviderFailed
    } else if refusal.code() == rows::REQUEST_INCOMPLETE.code {
        Outcome::Abandoned
    } else {
        Outcome::ResponseRefused
    }
}

impl Begun {
    /// An answer that came before the whole request went out: an error of the provider's, or nothing to be believed.
    fn early(self) -> Result<Self, Failed> {
        let status = self.response.status();
        if status.is_client_error() || status.is_server_error() {
            return Ok(self);
        }
        let refusal = Refusal::new(&rows::PROVIDER_FAILED, "it answered before it had the whole request");
        Err(Failed { outcome: Outcome::ProviderFailed, ..Failed::of_answer(refusal, status) })
    }
}

/// What a transfer may hold: pieces, a card, what it takes to unpack, and what both connections buffer.
const TRANSFER_BYTES: usize = 768 << 10;
/// What it may hold beside that where documents are to be signed: what digests run behind, and signatures.
const SIGNED_BYTES: usize = 768 << 10;

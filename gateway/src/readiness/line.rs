//! The line to a provider: reached over mutual TLS with the gateway's own certificate, asked for samples, its clock read.

use std::time::Duration;

use agreements::{CheckKind, CheckOutcome, Fingerprint, Operation};
use bytes::Bytes;
use certs::tls::{ConnectFailure, Connected, Connector};
use http::header::{ACCEPT, CONTENT_TYPE, DATE, HOST, HeaderName, HeaderValue};
use http::{Method, Request, response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use jiff::SignedDuration;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use super::plan::{Granted, Plan};
use super::sample::{self, Asking, Sampling};
use crate::clock;
use crate::clock_watch::{ahead as offset, read_date};
use crate::config::ReadinessConfig;

/// How one check came out, and what was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) outcome: CheckOutcome,
    pub(super) detail: String,
}

impl Found {
    pub(super) fn passed(detail: impl Into<String>) -> Self {
        Self { outcome: CheckOutcome::Passed, detail: detail.into() }
    }

    pub(super) fn failed(detail: impl Into<String>) -> Self {
        Self { outcome: CheckOutcome::Failed, detail: detail.into() }
    }

    pub(super) fn unmeasured(detail: impl Into<String>) -> Self {
        Self { outcome: CheckOutcome::Unmeasured, detail: detail.into() }
    }
}

/// All checks of a plan's provider.
pub(super) async fn look(
    connector: &Connector,
    settings: &ReadinessConfig,
    plan: &Plan,
    until: Instant,
) -> Vec<(CheckKind, Found)> {
    let began = Instant::now();
    let connected = dial(connector, plan, until).await;
    let mut checks = match connected {
        Err(unreached) => return all_unreached(plan, unreached),
        Ok(connected) => {
            let took = began.elapsed().as_millis();
            let ends = connected.chain.not_after();
            let mut talk = Talk::over(connected, connector, plan, until);
            let samples = talk.samples().await;
            // An answer of any kind shows what is spoken, and what time it is there.
            if talk.spoken.is_none() {
                let _ = talk.greet().await;
            }
            let mut checks = vec![
                (CheckKind::Certificate, super::life(ends, clock::now(), settings.least_life())),
                (CheckKind::Clock, talk.clock(settings.clock_tolerance())),
                (CheckKind::Reachability, Found::passed(format!("mutual TLS in {took} ms"))),
                (CheckKind::Protocol, talk.protocol()),
            ];
            checks.extend(samples);
            checks
        }
    };
    checks.sort_by(|(one, _), (other, _)| one.cmp(other));
    checks
}

/// Why a provider was not reached.
enum Unreached {
    /// There is nothing that could be called.
    NoEndpoint,
    /// Nobody answers.
    Silent(String),
    /// Somebody answers who did not prove to be the provider.
    NotTrusted(ConnectFailure),
}

async fn dial(connector: &Connector, plan: &Plan, until: Instant) -> Result<Connected<TcpStream>, Unreached> {
    let endpoint = plan.endpoint.as_ref().ok_or(Unreached::NoEndpoint)?;
    let late = |_| Unreached::Silent("nobody answers in time".into());
    let within = until.min(Instant::now() + CONNECT);
    let tcp = timeout_at(within, TcpStream::connect(&endpoint.address)).await.map_err(late)?;
    // Its kind alone: the address is not for everybody who may read the record.
    let tcp = tcp.map_err(|error| Unreached::Silent(format!("no connection: {}", error.kind())))?;
    let bound: Vec<Fingerprint> = plan.provider_certificates.iter().map(|one| one.fingerprint).collect();
    let connected = timeout_at(within, connector.connect(tcp, &endpoint.server_name, Some(&bound))).await;
    connected.map_err(late)?.map_err(Unreached::NotTrusted)
}

fn all_unreached(plan: &Plan, why: Unreached) -> Vec<(CheckKind, Found)> {
    let (certificate, reachability) = match why {
        Unreached::NoEndpoint => {
            (Found::unmeasured("not reached"), Found::failed("no endpoint is registered for it"))
        }
        Unreached::Silent(how) => (Found::unmeasured("not reached"), Found::failed(how)),
        Unreached::NotTrusted(failure) => match &failure {
            ConnectFailure::Untrusted(_) | ConnectFailure::Unexpected(_) | ConnectFailure::BadName => (
                Found::failed(format!("{}: {}", failure.code(), crate::telemetry::chain(&failure))),
                Found::failed("what answers there did not prove to be it"),
            ),
            ConnectFailure::Protocol(_) | ConnectFailure::Broken(_) => (
                Found::unmeasured("not reached"),
                Found::failed(format!("{}: the handshake failed", failure.code())),
            ),
        },
    };
    let mut checks = vec![
        (CheckKind::Certificate, certificate),
        (CheckKind::Clock, Found::unmeasured("not reached")),
        (CheckKind::Reachability, reachability),
        (CheckKind::Protocol, Found::unmeasured("not reached")),
    ];
    checks.extend(plan.grants.iter().map(|grant| (kind(grant), Found::unmeasured("not reached"))));
    checks
}

fn kind(grant: &Granted) -> CheckKind {
    CheckKind::Sample { data_type: grant.data_type.id.clone(), version: grant.data_type.version }
}

/// A conversation with a provider: one request after the other, on a connection that is made anew when it ended.
struct Talk<'p> {
    connector: &'p Connector,
    plan: &'p Plan,
    until: Instant,
    open: Option<http1::SendRequest<Full<Bytes>>>,
    first: Option<Connected<TcpStream>>,
    spoken: Option<Result<(), String>>,
    offset: Option<SignedDuration>,
}

impl<'p> Talk<'p> {
    fn over(first: Connected<TcpStream>, connector: &'p Connector, plan: &'p Plan, until: Instant) -> Self {
        Self { connector, plan, until, open: None, first: Some(first), spoken: None, offset: None }
    }

    async fn samples(&mut self) -> Vec<(CheckKind, Found)> {
        let mut checks = Vec::new();
        for grant in &self.plan.grants {
            let (mut sampled, mut left, mut wrong) = (Vec::new(), Vec::new(), Vec::new());
            for id in &grant.operations {
                let known = grant.data_type.operations.iter().find(|one| one.id == *id);
                let Some(operation) = known else { continue };
                match sample::of(operation, grant.data_type.personal.is_some()) {
                    Sampling::Leave(why) => left.push(format!("{id}: {why}")),
                    Sampling::Broken(why) => wrong.push(format!("{id}: {why}")),
                    Sampling::Ask(asking) => match self.sample(operation, &asking).await {
                        Ok(()) => sampled.push(id.to_string()),
                        Err(why) => wrong.push(format!("{id}: {why}")),
                    },
                }
            }
            checks.push((kind(grant), told(&sampled, &left, &wrong)));
        }
        checks
    }

    async fn sample(&mut self, operation: &Operation, asking: &Asking) -> Result<(), String> {
        let most = operation.response.as_ref().map_or(0, |payload| payload.max_bytes);
        let method = Method::from_bytes(operation.method.as_str().as_bytes());
        let method = method.map_err(|error| error.to_string())?;
        let media_type = operation.response.as_ref().map_or("*/*", |payload| payload.media_type.as_str());
        let (head, body) = self.ask(method, asking, media_type, most).await?;
        sample::judge(operation, &head, &body)
    }

    /// Where nothing could be sampled: asks for nothing, so that something is said.
    async fn greet(&mut self) -> Result<(), String> {
        let asking = Asking { target: "/".into(), body: None };
        self.ask(Method::HEAD, &asking, "*/*", 0).await.map(drop)
    }

    async fn ask(
        &mut self,
        method: Method,
        asking: &Asking,
        accept: &str,
        most: u64,
    ) -> Result<(response::Parts, Bytes), String> {
        let within = self.until.min(Instant::now() + ANSWER);
        let asked = timeout_at(within, self.exchange(method, asking, accept, most)).await;
        let answered = asked.unwrap_or_else(|_| Err("no answer in time".into()));
        if let Err(why) = &answered {
            // What is left of it is nobody's answer.
            self.open = None;
            self.spoken.get_or_insert_with(|| Err(why.clone()));
        }
        answered
    }

    async fn exchange(
        &mut self,
        method: Method,
        asking: &Asking,
        accept: &str,
        most: u64,
    ) -> Result<(response::Parts, Bytes), String> {
        let request = self.request(method, asking, accept)?;
        let mut sender = self.sender().await?;
        let sent = clock::now();
        let broke =
            |error: hyper::Error| format!("{}: no HTTP/1.1 answer, or none to this gateway", broken(&error));
        let (head, body) = sender.send_request(request).await.map_err(broke)?.into_parts();
        let received = clock::now();
        self.spoken = Some(Ok(()));
        let date = head.headers.get(DATE).and_then(|value| value.to_str().ok());
        if let (None, Some(date)) = (self.offset, date.and_then(read_date)) {
            self.offset = Some(offset(date, sent, received));
        }
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let body = Limited::new(body, most).collect().await;
        let body = body.map_err(|_| format!("its answer broke off, or has more than {most} bytes"))?;
        self.open = Some(sender);
        Ok((head, body.to_bytes()))
    }

    fn request(&self, method: Method, asking: &Asking, accept: &str) -> Result<Request<Full<Bytes>>, String> {
        let endpoint = self.plan.endpoint.as_ref();
        let base = endpoint.map_or("", |endpoint| endpoint.base_path.as_str());
        let bytes = asking.body.as_ref().map(|(_, bytes)| Bytes::from(bytes.clone())).unwrap_or_default();
        let mut request = Request::builder().method(method).uri(format!("{base}{}", asking.target));
        if let Some(endpoint) = endpoint {
            request = request.header(HOST, &endpoint.address);
        }
        if let Some((media_type, _)) = &asking.body {
            request = request.header(CONTENT_TYPE, media_type);
        }
        // So that a provider can tell a check from a call: nothing of it reaches a consumer.
        request = request.header(ACCEPT, accept).header(AGREEMENT, self.plan.number.as_str());
        request = request.header(CHECK, HeaderValue::from_static("readiness"));
        request.body(Full::new(bytes)).map_err(|error| error.to_string())
    }

    async fn sender(&mut self) -> Result<http1::SendRequest<Full<Bytes>>, String> {
        if let Some(mut open) = self.open.take()
            && open.ready().await.is_ok()
        {
            return Ok(open);
        }
        let connected = match self.first.take() {
            Some(first) => first,
            None => {
                let again = dial(self.connector, self.plan, self.until).await;
                again.map_err(|_| "it could not be reached again".to_owned())?
            }
        };
        let shaken = http1::Builder::new()
            .max_buf_size(MOST_HEAD_BYTES)
            .handshake(TokioIo::new(connected.stream))
            .await;
        let (sender, connection) = shaken.map_err(|error| broken(&error).to_owned())?;
        // Ends with the sender, which this conversation owns.
        tokio::spawn(async move { drop(connection.await) });
        Ok(sender)
    }

    fn protocol(&self) -> Found {
        match &self.spoken {
            Some(Ok(())) => Found::passed("http/1.1"),
            Some(Err(why)) => Found::failed(why),
            None => Found::failed("nothing was said"),
        }
    }

    fn clock(&self, tolerance: SignedDuration) -> Found {
        let Some(offset) = self.offset else { return Found::unmeasured("its answers bear no Date") };
        clock_of(offset, tolerance)
    }
}

/// What is found of a clock that is so far off.
pub(super) fn clock_of(offset: SignedDuration, tolerance: SignedDuration) -> Found {
    let direction = if offset.is_negative() { "behind" } else { "ahead" };
    match offset.abs() {
        none if none.is_zero() => Found::passed("the same second"),
        off if off <= tolerance => Found::passed(format!("{} s {direction}", off.as_secs())),
        off => Found::failed(format!("{} s {direction}: set it by reference time", off.as_secs())),
    }
}

fn told(sampled: &[String], left: &[String], wrong: &[String]) -> Found {
    let part = |words: &str, of: &[String], with: &str| match of {
        [] => None,
        of => Some(format!("{words}{}", of.join(with))),
    };
    let parts = [part("", wrong, "; "), part("fits: ", sampled, ", "), part("not asked: ", left, "; ")];
    let detail = parts.into_iter().flatten().collect::<Vec<_>>().join("; ");
    match (wrong, sampled) {
        ([], []) => Found::unmeasured(detail),
        ([], _) => Found::passed(detail),
        _ => Found::failed(detail),
    }
}

fn broken(error: &hyper::Error) -> &'static str {
    if error.is_parse() {
        "what it answers is malformed"
    } else if error.is_closed() || error.is_incomplete_message() {
        "it ended the connection"
    } else {
        "the connection broke"
    }
}

const AGREEMENT: HeaderName = HeaderName::from_static("kelisim-agreement");
const CHECK: HeaderName = HeaderName::from_static("kelisim-check");

/// Longest time for a connection with its handshake.
const CONNECT: Duration = Duration::from_secs(10);

/// Longest time for one answer.
const ANSWER: Duration = Duration::from_secs(20);

const MOST_HEAD_BYTES: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn a_date_is_as_exact_as_its_second() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let date = at("2026-03-02T05:00:10Z");
        let (sent, received) = (at("2026-03-02T05:00:10.9Z"), at("2026-03-02T05:00:11.2Z"));
        assert_eq!(offset(date, sent, received), SignedDuration::ZERO);
        let late = offset(date, at("2026-03-02T05:00:41Z"), at("2026-03-02T05:00:42Z"));
        assert_eq!(late, SignedDuration::from_secs(-30), "behind");
        let early = offset(date, at("2026-03-02T04:59:59Z"), at("2026-03-02T05:00:00Z"));
        assert_eq!(early, SignedDuration::from_secs(10), "ahead");
    }

    #[test]
    fn what_could_not_be_asked_is_said_beside_what_was() {
        let words = |of: &[&str]| of.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
        let found = told(&words(&["search"]), &words(&["correct: it changes data"]), &[]);
        assert_eq!(found, Found::passed("fits: search; not asked: correct: it changes data"));
        assert_eq!(told(&[], &words(&["a: b"]), &[]).outcome, CheckOutcome::Unmeasured);
        assert_eq!(told(&words(&["x"]), &[], &words(&["y: z"])), Found::failed("y: z; fits: x"));
    }
}

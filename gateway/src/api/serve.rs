//! The way of every request: who asks, the body, a place among those being answered, the work, the answer.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use agreements::CommandName;
use axum::Router;
use axum::body::Body;
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{RawPathParams, Request};
use axum::routing::{MethodFilter, on};
use bytes::{Bytes, BytesMut};
use certs::VerifiedChain;
use http::header::{
    CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, IF_NONE_MATCH, STRICT_TRANSPORT_SECURITY,
    VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, Response, StatusCode, request};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::sync::OwnedSemaphorePermit;
use tracing::info;

use super::asked::{Asked, Reply, Tagged};
use super::operation::{Access, Cost, Does, Operation};
use super::places::room;
use super::problem::Problem;
use super::shared::Shared;
use super::words::Language;
use super::{auth, commands, documents, openapi, readiness, record, tag, usage};

/// The other side of a connection, beside each of its requests.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    /// Its address.
    pub address: IpAddr,
    /// Its certificate, if it showed one.
    pub chain: Option<VerifiedChain>,
}

/// All operations at their places.
pub(super) fn router(shared: &Arc<Shared>, operations: Vec<Operation>) -> Router {
    let document = Bytes::from(openapi::document(&operations));
    let operations: Arc<[Operation]> = operations.into();
    let mut router = Router::new();
    for (at, operation) in operations.iter().enumerate() {
        let filter = MethodFilter::try_from(operation.method.clone()).unwrap_or(MethodFilter::GET);
        let path = operation.path.clone();
        let table = Table { all: Arc::clone(&operations), at };
        let shared = Arc::clone(shared);
        let serves = move |places: Result<RawPathParams, RawPathParamsRejection>, request: Request| {
            let (shared, table) = (Arc::clone(&shared), table.clone());
            async move { serve(&shared, &table, places, request).await }
        };
        router = router.route(&path, on(filter, serves));
    }
    let shows = move |request: Request| {
        let reply = Reply::new("application/json", document.clone());
        std::future::ready(finish(Ok(reply), request.headers()))
    };
    router
        .route(openapi::PATH, on(MethodFilter::GET, shows))
        .fallback(|request: Request| misplaced("no-such-path", request))
        // axum adds which methods are (Allow, RFC 9110 §15.5.6), unless the answer says so already.
        .method_not_allowed_fallback(|request: Request| misplaced("method-not-allowed", request))
}

/// An operation among all of them.
#[derive(Clone)]
struct Table {
    all: Arc<[Operation]>,
    at: usize,
}

impl Table {
    fn operation(&self) -> &Operation {
        &self.all[self.at]
    }
}

async fn misplaced(code: &'static str, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    drain(body).await;
    finish(Err(Problem::new(code, format!("see {}", openapi::PATH))), &parts.headers)
}

/// Reads what is left of a body that nobody wants, within bounds: else the connection is cut off, and with it, for many
/// clients, the answer.
async fn drain(body: Body) {
    let rest = Limited::new(body, MOST_DRAINED).collect();
    drop(tokio::time::timeout(LONGEST_DRAIN, rest).await);
}

async fn serve(
    shared: &Arc<Shared>,
    table: &Table,
    places: Result<RawPathParams, RawPathParamsRejection>,
    request: Request,
) -> Response<Body> {
    let operation = table.operation();
    let (began, headers) = (Instant::now(), request.headers().clone());
    let within = shared.config.request_timeout();
    let (parts, mut body) = request.into_parts();
    let carried = tokio::time::timeout(within, carry(shared, table, places, parts, &mut body)).await;
    drain(body).await;
    let answered = carried.unwrap_or_else(|_| {
        // What was begun goes on.
        let detail = format!("no answer within {} s: it may have been done, or may be yet", within.as_secs());
        Err(Problem::new("timed-out", detail))
    });
    let code = answered.as_ref().err().map(|problem| problem.code);
    let response = match answered {
        Ok(Answer::Whole(reply)) => finish(Ok(reply), &headers),
        Ok(Answer::Streamed(response)) => response,
        Err(problem) => finish(Err(problem), &headers),
    };
    let status = response.status().as_u16();
    shared.metrics.api_answered(status, began.elapsed());
    match code {
        None => info!(operation = %operation.id, status, "{} answered {status}", operation.id),
        Some(code) => {
            info!(operation = %operation.id, status, problem.code = %code, "{} answered {code}", operation.id);
        }
    }
    response
}

/// What a request ends in.
pub(super) enum Answer {
    /// What is held in memory.
    Whole(Reply),
    /// What is still being read.
    Streamed(Response<Body>),
}

async fn carry(
    shared: &Arc<Shared>,
    table: &Table,
    places: Result<RawPathParams, RawPathParamsRejection>,
    parts: request::Parts,
    body: &mut Body,
) -> Result<Answer, Problem> {
    let operation = table.operation();
    let peer = parts.extensions.get::<Peer>().cloned();
    let peer = peer.ok_or_else(|| Problem::new("unauthenticated", "the connection has no other side"))?;
    let mut asked = Asked {
        caller: None,
        portal: None,
        address: peer.address,
        path: Vec::new(),
        query: Vec::new(),
        headers: parts.headers,
        body: Bytes::new(),
    };
    let (method, access) = (parts.method, operation.access);
    match access {
        Access::Roles(roles) => {
            let (shared, headers) = (Arc::clone(shared), asked.headers.clone());
            let known = blocking(move || {
                auth::authenticate(&shared, &method, &headers, peer.chain.as_ref(), peer.address)
            });
            let caller = known.await?;
            if !roles.contains(&caller.actor.role) {
                return Err(auth::not_in_role(caller.actor.role));
            }
            match operation.does {
                Does::Issue(name) => caller.may(name)?,
                Does::Check => caller.may(CommandName::RecordReadiness)?,
                Does::Asked(_) | Does::TakeDocument | Does::GiveDocument | Does::GiveExport => {}
            }
            asked.caller = Some(caller);
        }
        Access::Portals => {
            let shared = Arc::clone(shared);
            let known = blocking(move || usage::portal(&shared, peer.chain.as_ref(), peer.address));
            asked.portal = Some(known.await?);
        }
        Access::Public => {}
    }
    let places = places.map_err(|error| Problem::new("no-such-path", error.to_string()))?;
    asked.path = places.iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect();
    asked.query = query(parts.uri.query().unwrap_or_default(), operation)?;
    match operation.does {
        // Each has places of its own.
        Does::TakeDocument => return documents::take(shared, &asked, body).await.map(Answer::Whole),
        Does::GiveDocument => return documents::give(shared, &asked).await.map(Answer::Streamed),
        Does::GiveExport => return record::give(shared, asked).await.map(Answer::Streamed),
        Does::Asked(_) | Does::Issue(_) | Does::Check => {}
    }
    let most = match (&operation.body, access) {
        (None, _) => 0,
        // Whoever they are: each of their connections can hold as much.
        (Some(_), Access::Public) => MOST_OF_A_STRANGER.min(shared.config.max_body_kib << 10),
        (Some(_), Access::Roles(_) | Access::Portals) => shared.config.max_body_kib << 10,
    };
    well_typed(operation, &asked.headers)?;
    asked.body = self::body(body, most, shared.config.head_timeout()).await?;
    let _core = match operation.cost {
        Cost::Usual => None,
        Cost::Hashes => Some(room(&shared.places.hashing).await?),
    };
    // Only now: who sends slowly, or waits for a hash, keeps nobody else from being answered.
    let place = shared.places.request(access).await?;
    let (shared, table) = (Arc::clone(shared), table.clone());
    let reply = working(place.thread, move || {
        let operation = table.operation();
        match operation.does {
            Does::Asked(does) => does(&shared, &asked).map(|reply| tagged(reply, operation, &asked)),
            Does::Issue(name) => commands::issue(&shared, &asked, name, operation, &table.all),
            Does::Check => readiness::begin(&shared, &asked),
            Does::TakeDocument | Does::GiveDocument | Does::GiveExport => {
                unreachable!("what is streamed is carried out above")
            }
        }
    });
    reply.await.map(Answer::Whole)
}

/// Gives what is shown of one thing its own tag.
fn tagged(reply: Reply, operation: &Operation, asked: &Asked) -> Reply {
    match reply.tagged {
        Tagged::Revision => reply,
        Tagged::Content => {
            let tag = tag::tag(&tag::path(&operation.path, &asked.path), &reply.body);
            Reply { etag: Some(tag), ..reply }
        }
    }
}

/// Work that may take its time, on one of some of those threads: the others are for finding out who asks.
async fn working<T: Send + 'static>(
    thread: OwnedSemaphorePermit,
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let work = move || {
        // Also when nobody waits for it any more.
        let _thread = thread;
        work()
    };
    blocking(work).await
}

/// Work that waits for files, on a thread for such work. A panic of ours is answered, and the next request is not hurt.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(Problem::new("busy", "the request could not be carried out").after(5)))
}

fn well_typed(operation: &Operation, headers: &HeaderMap) -> Result<(), Problem> {
    let Some(media) = &operation.body else { return Ok(()) };
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if media.types.contains(&essence.as_str()) {
        return Ok(());
    }
    Err(Problem::new("media-type", format!("send {}", media.types.join(" or "))))
}

/// A body of at most so many bytes, which does not stand still for longer than `patience`.
async fn body(body: &mut Body, most: usize, patience: Duration) -> Result<Bytes, Problem> {
    let (mut limited, mut whole) = (Limited::new(body, most), BytesMut::new());
    loop {
        let Ok(frame) = tokio::time::timeout(patience, limited.frame()).await else {
            let detail = format!("nothing of the body came for {patience:?}; nothing was done");
            return Err(Problem::new("timed-out", detail));
        };
        match frame {
            None => return Ok(whole.freeze()),
            Some(Ok(frame)) => frame.into_data().into_iter().for_each(|data| whole.extend_from_slice(&data)),
            Some(Err(error)) if error.downcast_ref::<LengthLimitError>().is_some() => {
                return Err(Problem::new("body-too-large", format!("at most {most} bytes")));
            }
            Some(Err(_)) => return Err(Problem::new("body-malformed", "the body was cut off")),
        }
    }
}

/// The parameters, decoded: each is known, and named once.
fn query(text: &str, operation: &Operation) -> Result<Vec<(String, String)>, Problem> {
    let wrong = |why: String| Problem::new("parameter-malformed", why);
    let mut read: Vec<(String, String)> = Vec::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decode(name).ok_or_else(|| wrong("a name is not percent-encoded UTF-8".into()))?;
        let value = decode(value).ok_or_else(|| wrong(format!("{name} is not percent-encoded UTF-8")))?;
        if !operation.inputs.iter().any(|one| one.place == super::operation::Place::Query && one.name == name)
        {
            return Err(wrong(format!("{name:?} is no parameter of this operation")));
        }
        if read.iter().any(|(known, _)| *known == name) {
            return Err(wrong(format!("{name} stands twice")));
        }
        read.push((name, value));
    }
    Ok(read)
}

fn decode(text: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.bytes());
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let (high, low) = (digit(rest.next())?, digit(rest.next())?);
                u8::try_from(high << 4 | low).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

/// Gives an answer its headers, and leaves out a body that the asker has.
pub(super) fn finish(answered: Result<Reply, Problem>, asked: &HeaderMap) -> Response<Body> {
    let mut response = match answered {
        Err(problem) => problem.response(Language::of(asked)),
        Ok(reply) => whole(reply, asked),
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (CACHE_CONTROL, "no-cache, private"),
        (VARY, "Authorization, Cookie, Accept-Language"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
        (HeaderName::from_static("content-security-policy"), "default-src 'none'; frame-ancestors 'none'"),
        (HeaderName::from_static("referrer-policy"), "no-referrer"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

fn whole(reply: Reply, asked: &HeaderMap) -> Response<Body> {
    let etag = reply.etag.map(|tag| format!("\"{tag}\""));
    let known = etag.as_ref().is_some_and(|etag| {
        let sent = asked.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        sent.flat_map(|value| value.split(',')).any(|one| {
            let one = one.trim();
            // RFC 9110 §13.1.2: compared weakly.
            one == "*" || one.strip_prefix("W/").unwrap_or(one) == etag
        })
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = reply.status;
    *response.headers_mut() = reply.headers;
    if known && reply.status == StatusCode::OK {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else if reply.status != StatusCode::NO_CONTENT {
        let media_type = HeaderValue::from_str(&reply.media_type);
        response.headers_mut().extend(media_type.map(|value| (CONTENT_TYPE, value)).ok());
        *response.body_mut() = Body::from(reply.body);
    }
    let etag = etag.and_then(|etag| HeaderValue::from_str(&etag).ok());
    response.headers_mut().extend(etag.map(|etag| (ETAG, etag)));
    response
}

/// Bytes of a body that are read though nobody wants them, and for how long.
const MOST_DRAINED: usize = 1 << 20;
const LONGEST_DRAIN: Duration = Duration::from_secs(2);

/// Bytes of a body that anybody may send.
const MOST_OF_A_STRANGER: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use tokio::sync::Semaphore;

    use super::*;

    /// A body that does not come.
    struct Never;

    impl http_body::Body for Never {
        type Data = Bytes;
        type Error = std::io::Error;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<http_body::Frame<Bytes>, std::io::Error>>> {
            Poll::Pending
        }
    }

    #[tokio::test]
    async fn work_that_nobody_waits_for_any_more_keeps_its_thread_until_it_ends() {
        let (threads, (ends, waits)) = (Arc::new(Semaphore::new(1)), std::sync::mpsc::channel::<()>());
        let thread = || Arc::clone(&threads).acquire_owned();
        let work = move || waits.recv().map_err(|_| Problem::new("busy", ""));
        let long = working(thread().await.unwrap(), work);
        drop(tokio::time::timeout(Duration::from_millis(20), long).await);
        assert_eq!(threads.available_permits(), 0);
        assert_eq!(blocking(|| Ok(1)).await.unwrap(), 1, "who asks is found out meanwhile");
        ends.send(()).unwrap();
        assert_eq!(working(thread().await.unwrap(), || Ok(2)).await.unwrap(), 2);
    }

    #[tokio::test]
    async fn a_body_that_stands_still_is_given_up() {
        let given_up = body(&mut Body::new(Never), 100, Duration::from_millis(20)).await.unwrap_err();
        assert_eq!(given_up.code, "timed-out");
        let whole = body(&mut Body::from("whole"), 5, Duration::from_secs(60)).await.unwrap();
        assert_eq!(whole, "whole");
        let too_large = body(&mut Body::from("whole"), 4, Duration::from_secs(60)).await.unwrap_err();
        assert_eq!(too_large.code, "body-too-large");
    }
}

//! A peer, hyper and a service around the guard.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};

use super::super::*;

#[derive(Debug, Clone, Copy)]
pub(super) enum Feed {
    Whole,
    ByteByByte,
}

pub(super) const FEEDS: [Feed; 2] = [Feed::Whole, Feed::ByteByByte];

#[derive(Debug)]
pub(super) struct Exchange {
    answer: String,
    pub(super) targets: Vec<String>,
    pub(super) bodies: Vec<String>,
    pub(super) observed: Arc<Observed>,
}

impl Exchange {
    /// Of each response: the refusal's code, or else the status, or `hyper` if the service never made it.
    pub(super) fn outcomes(&self) -> Vec<String> {
        let heads = self.answer.split("HTTP/1.").skip(1).filter(|head| head[2..5] != *"100");
        let code = |head: &str| head.split("kelisim-refusal: ").nth(1)?.lines().next().map(str::to_owned);
        let made = |head: &str| {
            if head.contains("x-made-by: us") { head[2..5].to_owned() } else { "hyper".to_owned() }
        };
        heads.map(|head| code(head).unwrap_or_else(|| made(head))).collect()
    }
}

/// How the peer behaves when it has sent everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Peer {
    /// Stays and listens: the gateway must end the connection.
    Stays,
    /// Hangs up once nothing moves any more.
    HangsUp,
}

/// Sends `bytes` to the service behind hyper and the guard, and reads until the connection ends.
pub(super) async fn exchange(feed: Feed, bytes: &[u8], behaviour: Peer) -> Exchange {
    let (peer, ours) = tokio::io::duplex(match feed {
        Feed::Whole => 1 << 20,
        Feed::ByteByByte => 1,
    });
    let guard = Guarded::new(ours);
    let observed = guard.observed();
    let (targets, bodies) = <(Rc<RefCell<Vec<String>>>, Rc<RefCell<Vec<String>>>)>::default();
    let calls = Cell::new(0);
    let service = service_fn(|request: Request<Incoming>| {
        let ordinal = calls.replace(calls.get() + 1);
        let (observed, targets, bodies) = (observed.clone(), targets.clone(), bodies.clone());
        async move {
            // A refusal takes its time, for it is written down first.
            tokio::task::yield_now().await;
            targets.borrow_mut().push(request.uri().to_string());
            let refused = match serve(ordinal, &observed, request).await {
                Ok(body) => {
                    bodies.borrow_mut().push(body);
                    None
                }
                Err(code) => Some(code),
            };
            let mut response = Response::builder().header("x-made-by", "us");
            if let Some(code) = refused {
                response = response.status(400).header("kelisim-refusal", code);
                if observed.violation(ordinal).or(observed.body_violation(ordinal)).is_none() {
                    response = response.header("connection", "close"); // nothing else would end it
                }
            }
            Ok::<_, Infallible>(response.body(Full::new(Bytes::new())).unwrap())
        }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .max_buf_size(HEAD_BYTES + 1024)
        .serve_connection(TokioIo::new(guard), service);

    let (mut from_us, mut to_us) = tokio::io::split(peer);
    let answer = RefCell::new(Vec::new());
    let talk = async {
        let write = async {
            let _ = to_us.write_all(bytes).await;
            if behaviour == Peer::HangsUp {
                let moved = || (observed.bytes_read(), observed.bytes_written());
                let (mut before, mut still) = (moved(), 0);
                while still < 100 {
                    tokio::task::yield_now().await;
                    still = if moved() == before { still + 1 } else { 0 };
                    before = moved();
                }
                let _ = to_us.shutdown().await;
            }
        };
        let read = async {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = from_us.read(&mut buffer).await {
                answer.borrow_mut().extend_from_slice(&buffer[..count]);
            }
        };
        tokio::join!(write, read, async { drop(connection.await) });
    };
    tokio::time::timeout(Duration::from_secs(10), talk).await.unwrap_or_else(|_| {
        panic!("connection hangs after {}", bytes[..bytes.len().min(300)].escape_ascii())
    });
    let answer = String::from_utf8(answer.take()).unwrap();
    Exchange { answer, targets: targets.take(), bodies: bodies.take(), observed }
}

async fn serve(
    ordinal: u64,
    observed: &Observed,
    request: Request<Incoming>,
) -> Result<String, &'static str> {
    if let Some(violation) = observed.violation(ordinal) {
        return Err(violation.code());
    }
    let (parts, body) = request.into_parts();
    strict::check(&parts).map_err(FramingViolation::code)?;
    match body.collect().await {
        Ok(body) => Ok(String::from_utf8_lossy(&body.to_bytes()).into_owned()),
        Err(_) => Err(observed.body_violation(ordinal).map_or("body-unfinished", FramingViolation::code)),
    }
}

pub(super) fn poll_read<IO: AsyncRead + Unpin>(
    guard: &mut Guarded<IO>,
    buffer: &mut [u8],
) -> Poll<std::io::Result<usize>> {
    let mut buffer = ReadBuf::new(buffer);
    let mut cx = Context::from_waker(std::task::Waker::noop());
    Pin::new(guard).poll_read(&mut cx, &mut buffer).map_ok(|()| buffer.filled().len())
}

/// A peer that has said everything already, then hangs up.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) chunks: Vec<Vec<u8>>,
    pub(super) next: usize,
}

impl Script {
    pub(super) fn cut(bytes: &[u8], cuts: &[usize]) -> Self {
        let mut rest = bytes;
        let mut chunks = Vec::new();
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (chunk, behind) = rest.split_at((*cut).min(rest.len()));
            chunks.push(chunk.to_vec());
            rest = behind;
        }
        Self { chunks, next: 0 }
    }
}

impl AsyncRead for Script {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let this = self.get_mut();
        if let Some(chunk) = this.chunks.get_mut(this.next) {
            let count = chunk.len().min(buf.remaining());
            buf.put_slice(&chunk[..count]);
            chunk.drain(..count);
            this.next += usize::from(chunk.is_empty());
        }
        Poll::Ready(Ok(()))
    }
}

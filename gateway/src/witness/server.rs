//! The witness's face: `POST /add-checkpoint` and `GET /<origin hash>/checkpoint`, as C2SP tlog-witness has them.
//!
//! One thread serves all: a witness answers a few logs once a second each, and each answer waits for the disk anyway.
//! Whoever connects can cost a bounded body, a signature's verification, and of the places those of one address, each for a
//! bounded time; who asks more often than a log does is told to wait, before any of its request is read.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::Bytes;
use certs::tls::Acceptor;
use http::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tracing::{debug, info};

use super::asked::Asked;
use super::guests::{Guests, Limits, Seat};
use super::witness::{Refusal, Witness};

#[cfg(test)]
mod tests;

/// A running witness. Dropping it stops it.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Why a witness does not serve.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}")]
pub struct ServerError {
    /// Where it should.
    pub address: SocketAddr,
    #[source]
    source: io::Error,
}

impl Server {
    /// Binds `listen` and serves `witness` there, over TLS if there is an acceptor.
    ///
    /// # Errors
    /// The address cannot be bound, or the machine gives no thread.
    pub fn start(
        listen: SocketAddr,
        witness: Arc<Witness>,
        acceptor: Option<Arc<Acceptor>>,
        limits: Limits,
        clock: fn() -> Timestamp,
    ) -> Result<Self, ServerError> {
        let bound = || -> io::Result<(std::net::TcpListener, tokio::runtime::Runtime)> {
            let socket = std::net::TcpListener::bind(listen)?;
            socket.set_nonblocking(true)?;
            Ok((socket, tokio::runtime::Builder::new_current_thread().enable_all().build()?))
        };
        let failed = |source| ServerError { address: listen, source };
        let (socket, runtime) = bound().map_err(failed)?;
        let address = socket.local_addr().map_err(failed)?;
        let (stop, stopped) = oneshot::channel();
        let serving = Serving { witness, acceptor, limits, clock };
        let thread = std::thread::Builder::new().name("witness".into()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = serve(socket, Arc::new(serving)) => {}
                    _ = stopped => {}
                }
            });
        });
        Ok(Self { address, stop: Some(stop), thread: Some(thread.map_err(failed)?) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic there was reported when it happened.
            drop(thread.join());
        }
    }
}

struct Serving {
    witness: Arc<Witness>,
    acceptor: Option<Arc<Acceptor>>,
    limits: Limits,
    clock: fn() -> Timestamp,
}

async fn serve(socket: std::net::TcpListener, serving: Arc<Serving>) {
    let Ok(listener) = TcpListener::from_std(socket) else { return };
    let mut open = JoinSet::new();
    let guests = Guests::new(serving.limits);
    loop {
        while open.try_join_next().is_some() {}
        let Ok((tcp, peer)) = listener.accept().await else {
            // Out of descriptors, most likely: some come back.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        if open.len() >= MOST_CONNECTIONS {
            continue;
        }
        let Some(seat) = guests.seat(peer.ip(), Instant::now()) else {
            debug!(peer.address = %peer, "turned away: this address has as many connections as it may");
            continue;
        };
        let serving = Arc::clone(&serving);
        open.spawn(async move {
            // However a connection behaves, its place is free again after this.
            let ended = tokio::time::timeout(LONGEST_CONNECTION, async {
                match &serving.acceptor {
                    None => converse(tcp, &seat, &serving).await,
                    Some(acceptor) => {
                        match tokio::time::timeout(HANDSHAKE_WITHIN, acceptor.accept(tcp)).await {
                            Ok(Ok(accepted)) => converse(accepted.stream, &seat, &serving).await,
                            Ok(Err(error)) => {
                                debug!(peer.address = %peer, reason = error.code(), "handshake failed");
                            }
                            Err(_) => debug!(peer.address = %peer, "handshake took too long"),
                        }
                    }
                }
            });
            if ended.await.is_err() {
                debug!(peer.address = %peer, "connection ended after its time");
            }
        });
    }
}

async fn converse(io: impl AsyncRead + AsyncWrite + Unpin, seat: &Seat, serving: &Serving) {
    let service = service_fn(|request| async {
        Ok::<_, Infallible>(if seat.may_ask(Instant::now()) {
            answer(serving, request).await
        } else {
            too_many()
        })
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(seconds(serving.limits.head_seconds))
        .max_buf_size(16 << 10)
        .serve_connection(TokioIo::new(io), service);
    if let Err(error) = connection.await {
        debug!(%error, "connection ended");
    }
}

async fn answer(serving: &Serving, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let path = request.uri().path();
    if path == "/add-checkpoint" {
        if request.method() != Method::POST {
            let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "POST it\n".into());
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
            return response;
        }
        let body = Limited::new(request.into_body(), Asked::MAX_BYTES).collect();
        let body = match tokio::time::timeout(seconds(serving.limits.body_seconds), body).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(_)) => {
                return text(StatusCode::PAYLOAD_TOO_LARGE, "the body is too long or broke off\n".into());
            }
            Err(_) => return text(StatusCode::REQUEST_TIMEOUT, "the body took too long\n".into()),
        };
        return match serving.witness.add_checkpoint(&body, (serving.clock)()) {
            Ok(lines) => text(StatusCode::OK, lines),
            Err(refusal) => refused(&refusal),
        };
    }
    let origin_hash = path.strip_prefix('/').and_then(|path| path.strip_suffix("/checkpoint"));
    match (request.method(), origin_hash) {
        (&Method::GET, Some(hash)) => match serving.witness.latest(hash) {
            Some(note) => text(StatusCode::OK, note),
            None => text(StatusCode::NOT_FOUND, "nothing of such a log was cosigned\n".into()),
        },
        _ => text(StatusCode::NOT_FOUND, "there is POST /add-checkpoint\n".into()),
    }
}

/// The connection ends with it: its body was not read.
fn too_many() -> Response<Full<Bytes>> {
    let mut response = text(StatusCode::TOO_MANY_REQUESTS, "more requests than a log needs: wait\n".into());
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

fn seconds(seconds: u32) -> Duration {
    Duration::from_secs(seconds.into())
}

fn refused(refusal: &Refusal) -> Response<Full<Bytes>> {
    let status = match refusal {
        Refusal::Malformed(_) | Refusal::Shrinks => StatusCode::BAD_REQUEST,
        Refusal::Untrusted(_) => StatusCode::FORBIDDEN,
        Refusal::UnknownLog => StatusCode::NOT_FOUND,
        Refusal::OtherSize(size) => {
            let mut response = text(StatusCode::CONFLICT, format!("{size}\n"));
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/x.tlog.size"));
            return response;
        }
        Refusal::Inconsistent(_) | Refusal::NotProven(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Refusal::Store | Refusal::Clock => StatusCode::INTERNAL_SERVER_ERROR,
    };
    info!(status = status.as_u16(), reason = %refusal, "not cosigned");
    text(status, format!("{refusal}\n"))
}

fn text(status: StatusCode, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// Connections at once of all addresses: a log needs one.
const MOST_CONNECTIONS: usize = 256;
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
const LONGEST_CONNECTION: Duration = Duration::from_secs(3600);

//! Systems that answer: each with its own certificate, over mutual TLS, from the records of `deploy/demo`.
//!
//! Owned by the demonstration; one thread, ended by dropping [`StandIns`].

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use agreements::Fingerprint;
use aws_lc_rs::digest::{Context, SHA256, digest};
use bytes::Bytes;
use certs::tls::{Acceptor, AcceptorOptions, Alpn, Clock};
use certs::trust::Trust;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::cast::Day;
use super::founding::{Door, DoorKind};
use super::{OrTrouble, Trouble};
use crate::clock;

/// The systems that answer, ended by dropping them.
pub(super) struct StandIns {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    received: Arc<Received>,
}

/// The bodies that came to systems, by exchange: their SHA-256.
#[derive(Default)]
pub(super) struct Received {
    // Locked for a look; never across an await.
    digests: Mutex<HashMap<String, Vec<u8>>>,
}

impl Received {
    /// Whether this body came whole to the system that answered in an exchange.
    pub(super) fn has(&self, exchange: &str, body: &[u8]) -> bool {
        let digests = self.digests.lock().unwrap_or_else(PoisonError::into_inner);
        digests.get(exchange).is_some_and(|found| found == digest(&SHA256, body).as_ref())
    }

    fn note(&self, exchange: String, digest: Vec<u8>) {
        let mut digests = self.digests.lock().unwrap_or_else(PoisonError::into_inner);
        // It may stay up for days: only what was just played is looked at.
        if digests.len() >= MOST_RECEIVED {
            digests.clear();
        }
        digests.insert(exchange, digest);
    }
}

/// What a system answers, by method and target.
type Records = HashMap<String, Value>;

/// One system that answers.
struct StandIn {
    acceptor: Acceptor,
    records: Records,
    /// Only the gateway may ask.
    gateway: Fingerprint,
    received: Arc<Received>,
}

impl StandIns {
    /// Starts all systems on a thread of their own.
    pub(super) fn start(
        doors: Vec<Door>,
        trust: &Arc<Trust>,
        gateway: Fingerprint,
        day: &Day,
    ) -> Result<Self, Trouble> {
        let text = include_str!("../../../deploy/demo/records.json");
        let mut records: HashMap<String, Records> = day.read("records.json", text)?;
        let (mut open, mut shut) = (Vec::new(), Vec::new());
        let received = Arc::new(Received::default());
        for Door { system, kind } in doors {
            match kind {
                DoorKind::Shut { .. } => shut.push(kind),
                DoorKind::Open(listener, identity) => {
                    let options = AcceptorOptions {
                        alpn: vec![Alpn::Http1],
                        ..AcceptorOptions::new(Clock::new(clock::now))
                    };
                    let acceptor = Acceptor::new(&identity, Arc::clone(trust), options);
                    let acceptor = acceptor.trouble(format!("start the stand-in of {system}"))?;
                    let records = records.remove(system.as_str()).unwrap_or_default();
                    listener.set_nonblocking(true).trouble("use a port")?;
                    open.push((
                        listener,
                        Arc::new(StandIn { acceptor, records, gateway, received: Arc::clone(&received) }),
                    ));
                }
            }
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.trouble("start the stand-ins")?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name("stand-ins".into()).spawn(move || {
            runtime.block_on(async {
                let mut serving = JoinSet::new();
                for (listener, system) in open {
                    serving.spawn(serve(listener, system));
                }
                // Ended by a message or by the sender's end, which means the same.
                drop(stopped.await);
            });
            drop(shut);
        });
        Ok(Self { stop: Some(stop), thread: Some(thread.trouble("start the stand-ins")?), received })
    }

    /// What came to them.
    pub(super) fn received(&self) -> Arc<Received> {
        Arc::clone(&self.received)
    }
}

impl Drop for StandIns {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic there was reported when it happened.
            drop(thread.join());
        }
    }
}

async fn serve(listener: std::net::TcpListener, system: Arc<StandIn>) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok((tcp, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        if connections.len() < MOST_CONNECTIONS {
            connections.spawn(speak(Arc::clone(&system), tcp));
        }
    }
}

async fn speak(system: Arc<StandIn>, tcp: TcpStream) {
    let Ok(Ok(accepted)) = tokio::time::timeout(DEADLINE, system.acceptor.accept(tcp)).await else { return };
    // C1: the certificate says who asks, here as well.
    if accepted.chain.fingerprint() != system.gateway {
        return;
    }
    let service = service_fn(move |request| {
        let system = Arc::clone(&system);
        async move { system.answer(request).await }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .serve_connection(TokioIo::new(accepted.stream), service);
    // What went wrong shows on the gateway's side.
    drop(connection.await);
}

impl StandIn {
    /// # Errors
    /// The request did not come whole: nothing is answered.
    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
        let target = request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        let asked = format!("{} {target}", request.method());
        let exchange = request.headers().get("kelisim-exchange").and_then(|value| value.to_str().ok());
        let exchange = exchange.unwrap_or_default().to_owned();
        // Read to its end, and not kept.
        let (mut body, mut digest) = (request.into_body(), Context::new(&SHA256));
        while let Some(frame) = body.frame().await {
            if let Ok(piece) = frame?.into_data() {
                digest.update(&piece);
            }
        }
        self.received.note(exchange, digest.finish().as_ref().to_vec());
        let (status, media_type, body) = match self.records.get(&asked) {
            Some(record) => (StatusCode::OK, "application/json", record.to_string()),
            None => {
                let problem = serde_json::json!({ "title": "no such record", "status": 404 }).to_string();
                (StatusCode::NOT_FOUND, "application/problem+json", problem)
            }
        };
        let mut response = Response::new(Full::new(Bytes::from(body)));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        Ok(response)
    }
}

const DEADLINE: Duration = Duration::from_secs(10);
/// Longer than the gateway keeps its connections.
const IDLE: Duration = Duration::from_secs(120);
const MOST_CONNECTIONS: usize = 64;
const MOST_RECEIVED: usize = 1_000;

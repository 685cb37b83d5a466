//! The operations face: `/live`, `/ready` and `/metrics`, for those who run the gateway.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tracing::debug;

use crate::addresses::{Address, SMALL_BACKLOG};

/// What the face shows.
pub trait Shown: Send + Sync + 'static {
    /// Why the gateway takes no exchanges now; `None` when it does.
    fn unready(&self) -> Option<String>;

    /// What else is worth knowing, ready or not.
    fn remarks(&self) -> Vec<String>;

    /// All metrics in the text format of Prometheus.
    fn metrics(&self) -> String;
}

/// The running face, ended by dropping it.
pub struct Operations {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Operations {
    /// Listens on the address and serves it on a runtime of its own.
    ///
    /// # Errors
    /// Somebody else listens there.
    pub fn start(address: Address, shown: Arc<dyn Shown>) -> io::Result<Self> {
        let (address, mut sockets) = (address.at(), address.listen(SMALL_BACKLOG)?);
        let socket = sockets.pop().ok_or(io::ErrorKind::AddrNotAvailable)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name("operations".into()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = serve(socket, shown) => {}
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Operations {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic there was reported when it happened.
            drop(thread.join());
        }
    }
}

async fn serve(socket: std::net::TcpListener, shown: Arc<dyn Shown>) {
    let Ok(listener) = TcpListener::from_std(socket) else { return };
    let mut open = tokio::task::JoinSet::new();
    loop {
        while open.try_join_next().is_some() {}
        let Ok((tcp, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        if open.len() >= MOST_CONNECTIONS {
            continue;
        }
        let shown = Arc::clone(&shown);
        open.spawn(async move {
            let service = service_fn(move |request| {
                let shown = Arc::clone(&shown);
                async move { Ok::<_, Infallible>(answer(&*shown, &request)) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(Duration::from_secs(10))
                .serve_connection(TokioIo::new(tcp), service);
            if let Err(error) = connection.await {
                debug!(%error, "operations connection ended");
            }
        });
    }
}

fn answer(shown: &dyn Shown, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let (status, text) = match (request.method(), request.uri().path()) {
        (&Method::GET | &Method::HEAD, "/live") => (StatusCode::OK, "live\n".to_owned()),
        (&Method::GET | &Method::HEAD, "/ready") => {
            let (status, first) = match shown.unready() {
                None => (StatusCode::OK, "ready\n".to_owned()),
                Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {reason}\n")),
            };
            (status, shown.remarks().into_iter().fold(first, |text, remark| text + &remark + "\n"))
        }
        (&Method::GET | &Method::HEAD, "/metrics") => (StatusCode::OK, shown.metrics()),
        _ => (StatusCode::NOT_FOUND, "there are /live, /ready and /metrics\n".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4"));
    response
}

/// Connections at once: people and scrapers, not systems.
const MOST_CONNECTIONS: usize = 64;

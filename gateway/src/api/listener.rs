//! The API's listener: TLS with a client certificate or without, HTTP/1.1, bounds on connections and waits.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use certs::tls::Acceptor;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus::IntGauge;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::ServiceExt;
use tracing::debug;

use super::paced::Paced;
use super::places::{MOST_STRANGERS, WORKING_THREADS};
use super::serve::Peer;
use super::shared::Shared;
use crate::addresses::{Address, SMALL_BACKLOG};
use crate::listener::neighbourhood;

/// The running API, ended by dropping it: requests under way are finished first.
pub struct Api {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Api {
    /// Listens on the address and serves `router` on a runtime of its own.
    ///
    /// # Errors
    /// Somebody else listens there, or the machine gives no thread.
    pub fn start(
        address: Address,
        shared: &Arc<Shared>,
        acceptor: Arc<Acceptor>,
        router: Router,
    ) -> io::Result<Self> {
        let (address, mut sockets) = (address.at(), address.listen(SMALL_BACKLOG)?);
        let socket = sockets.pop().ok_or(io::ErrorKind::AddrNotAvailable)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .thread_name("api-work")
            .max_blocking_threads(BLOCKING_THREADS)
            .build()?;
        let (stop, stopped) = watch::channel(false);
        let served = Served { shared: Arc::clone(shared), acceptor, router, stopped, from: Arc::default() };
        let thread = std::thread::Builder::new().name("api".into()).spawn(move || {
            runtime.block_on(served.serve(socket));
            // What still waits for a file is not waited for.
            runtime.shutdown_timeout(Duration::from_secs(1));
        })?;
        Ok(Self { address, stop, thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take() {
            // A panic there was reported when it happened.
            drop(thread.join());
        }
    }
}

#[derive(Clone)]
struct Served {
    shared: Arc<Shared>,
    acceptor: Arc<Acceptor>,
    router: Router,
    stopped: watch::Receiver<bool>,
    from: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// A connection counted for its address.
struct Counted {
    from: Arc<Mutex<HashMap<IpAddr, usize>>>,
    address: IpAddr,
    open: IntGauge,
}

impl Counted {
    /// One more of an address, if it has fewer than `most`.
    fn of(
        from: &Arc<Mutex<HashMap<IpAddr, usize>>>,
        address: IpAddr,
        most: usize,
        open: &IntGauge,
    ) -> Option<Self> {
        let address = neighbourhood(address);
        let mut counts = from.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.get(&address).is_some_and(|count| *count >= most) {
            return None;
        }
        *counts.entry(address).or_default() += 1;
        open.inc();
        Some(Self { from: Arc::clone(from), address, open: open.clone() })
    }
}

impl Served {
    async fn serve(self, socket: std::net::TcpListener) {
        let Ok(listener) = TcpListener::from_std(socket) else { return };
        let mut open = JoinSet::new();
        let mut stopped = self.stopped.clone();
        loop {
            while open.try_join_next().is_some() {}
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = over(&mut stopped) => break,
            };
            let Ok((tcp, peer)) = accepted else {
                // Out of files, most likely: others must end first.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            let address = peer.ip().to_canonical();
            let Some(counted) = self.count(open.len(), address) else {
                self.shared.metrics.api_connections_refused.inc();
                continue;
            };
            open.spawn(self.clone().connection(tcp, address, counted));
        }
        let ended = async { while open.join_next().await.is_some() {} };
        // The rest is cut off.
        drop(tokio::time::timeout(DRAIN, ended).await);
    }

    fn count(&self, open: usize, address: IpAddr) -> Option<Counted> {
        let most = self.shared.config.max_connections;
        if open >= most {
            return None;
        }
        Counted::of(&self.from, address, most.div_ceil(8), &self.shared.metrics.api_connections)
    }

    async fn connection(self, tcp: TcpStream, address: IpAddr, _counted: Counted) {
        let _ = tcp.set_nodelay(true);
        let limit = self.shared.config.head_timeout();
        let greeted = match tokio::time::timeout(limit, self.acceptor.greet(tcp)).await {
            Ok(Ok(greeted)) => greeted,
            Ok(Err(failure)) => {
                debug!(peer.address = %address, reason = failure.code(), "handshake with the API failed");
                return;
            }
            Err(_) => return,
        };
        let peer = Peer { address, chain: greeted.chain };
        let router = self.router.clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(peer.clone());
            let router = router.clone();
            async move {
                let answered: Result<_, Infallible> =
                    router.oneshot(request.map(axum::body::Body::new)).await;
                answered
            }
        });
        let stream = Paced::new(greeted.stream, self.shared.config.request_timeout());
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limit)
            .max_headers(MOST_HEADERS)
            .max_buf_size(MOST_HEAD_BYTES)
            .serve_connection(TokioIo::new(stream), service);
        tokio::pin!(connection);
        let mut stopped = self.stopped.clone();
        let ended = tokio::select! {
            ended = connection.as_mut() => Some(ended),
            () = over(&mut stopped) => None,
        };
        let ended = match ended {
            Some(ended) => ended,
            None => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            debug!(peer.address = %address, %error, "connection to the API ended");
        }
    }
}

/// Waits until the API is to stop, or is gone.
async fn over(stopped: &mut watch::Receiver<bool>) {
    drop(stopped.wait_for(|stopped| *stopped).await);
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.open.dec();
        let mut from = self.from.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = from.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                from.remove(&self.address);
            }
        }
    }
}

const MOST_HEADERS: usize = 64;

/// Of a head, and of a body's buffer.
const MOST_HEAD_BYTES: usize = 64 << 10;

/// Threads that wait for files: those that carry requests out, and as many that find out who asks, or read documents.
const BLOCKING_THREADS: usize = 2 * WORKING_THREADS + MOST_STRANGERS;

/// Longest time to finish requests under way when stopping.
const DRAIN: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_addresses_of_one_network_are_counted_as_one_and_given_back() {
        let (from, open) = (Arc::default(), IntGauge::new("open", "Open").unwrap());
        let count = |address: &str| Counted::of(&from, address.parse().unwrap(), 2, &open);
        let held = [count("2001:db8::1"), count("2001:db8::ffff:2")];
        assert!(held.iter().all(Option::is_some));
        assert!(count("2001:db8::3").is_none(), "one network is one address");
        assert!(count("2001:db8:0:1::1").is_some(), "another is not");
        assert!(count("192.0.2.1").is_some());
        assert_eq!(open.get(), 2);
        drop(held);
        assert!(from.lock().unwrap().is_empty());
    }
}

//! One HTTP/2 connection, with deadlines of our own.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use certs::tls::TlsStream;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tracing::debug;

use super::{Core, Drain};
use crate::exchange::Caller;
use crate::framing::HEAD_BYTES;

/// Serves a connection until either side ends it.
pub(super) async fn serve(core: &Arc<Core>, stream: TlsStream<TcpStream>, caller: Caller) {
    let limits = &core.path.shared.limits;
    let activity = Arc::new(Activity::default());
    let service = {
        let (core, caller, activity) = (Arc::clone(core), Arc::new(caller), Arc::clone(&activity));
        service_fn(move |request| {
            let (core, caller) = (Arc::clone(&core), Arc::clone(&caller));
            let turn = Turn::begin(&activity);
            async move {
                let response = core.path.exchange(&caller, None, request).await;
                drop(turn);
                Ok::<_, Infallible>(response)
            }
        })
    };
    let mut connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.max_streams)
        .max_header_list_size(u32::try_from(HEAD_BYTES).unwrap_or(u32::MAX))
        .max_send_buf_size(256 * 1024)
        .keep_alive_interval(Some(Duration::from_secs(30)))
        .keep_alive_timeout(Duration::from_secs(15))
        .serve_connection(TokioIo::new(stream), service);
    let mut drain = core.drain.clone();
    let mut draining = *drain.borrow_and_update() == Drain::Draining;
    if draining {
        Pin::new(&mut connection).graceful_shutdown();
    }
    let mut tick = tokio::time::interval(limits.idle_timeout());
    let mut seen = activity.begun.load(Ordering::Relaxed);
    tick.tick().await;
    loop {
        tokio::select! {
            ended = &mut connection => {
                if let Err(error) = ended {
                    debug!(%error, "connection ended");
                }
                return;
            }
            _ = tick.tick() => {
                let begun = activity.begun.load(Ordering::Relaxed);
                // Nothing was asked for a whole period, and nothing is under way.
                if begun == seen && activity.ended.load(Ordering::Relaxed) == begun {
                    Pin::new(&mut connection).graceful_shutdown();
                }
                seen = begun;
            }
            changed = drain.changed(), if !draining => {
                draining = true;
                drop(changed); // a sender that is gone means the same
                Pin::new(&mut connection).graceful_shutdown();
            }
        }
    }
}

#[derive(Default)]
struct Activity {
    begun: AtomicU64,
    ended: AtomicU64,
}

struct Turn(Arc<Activity>);

impl Turn {
    fn begin(activity: &Arc<Activity>) -> Self {
        activity.begun.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(activity))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::Relaxed);
    }
}

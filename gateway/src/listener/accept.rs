//! Connections: accepted, balanced, handshaken, served.

use std::sync::Arc;
use std::time::Duration;

use certs::tls::{Accepted, Alpn};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tracing::{debug, error, info, warn};

use super::{Arrival, Core, Drain, Whose, http1, http2, tokio_listener, tokio_stream};
use crate::clock;
use crate::exchange::Caller;
use crate::readiness::Seen;
use crate::telemetry::chain;

/// Serves one runtime until it has drained.
pub(super) async fn run(core: Arc<Core>, socket: std::net::TcpListener, mut hall: mpsc::Receiver<Arrival>) {
    let listener = match tokio_listener(socket) {
        Ok(listener) => listener,
        Err(error) => return error!(%error, "the exchange face cannot listen"),
    };
    let log = core.path.log.clone();
    let waking = tokio::spawn(async move { log.run().await });
    let mut sweep = tokio::time::interval(Duration::from_secs(10));
    let mut drain = core.drain.clone();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => accept(&core, accepted, &mut connections).await,
            Some(arrival) = hall.recv() => receive(&core, arrival, &mut connections),
            // Ended connections are taken out as they end.
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            _ = sweep.tick() => core.path.upstream.sweep(),
            _ = drain.wait_for(|state| *state == Drain::Draining) => break,
        }
    }
    drop(listener);
    let limits = &core.path.shared.limits;
    if tokio::time::timeout(limits.drain_timeout(), drained(&core, &mut connections)).await.is_err() {
        // Their callers are answered with the exchange's number, and the record says that nobody knows.
        let waiting = core.path.upstream.give_up();
        warn!(
            "exchanges were still under way when the drain's deadline came; {waiting} of them waited for providers"
        );
        let answering = if waiting == 0 { Duration::ZERO } else { ANSWERED_WITHIN };
        let answered = tokio::time::timeout(answering, drained(&core, &mut connections)).await;
        if answered.is_err() {
            connections.shutdown().await;
        }
    }
    // The port has no waiter left: what is closed now rides with the log's last batch.
    waking.abort();
}

/// All that was under way has ended, also where callers went away.
async fn drained(core: &Core, connections: &mut JoinSet<()>) {
    while connections.join_next().await.is_some() {}
    core.path.ends().await;
}

async fn accept(
    core: &Arc<Core>,
    accepted: std::io::Result<(TcpStream, std::net::SocketAddr)>,
    connections: &mut JoinSet<()>,
) {
    let (tcp, peer) = match accepted {
        Ok(arrived) => arrived,
        Err(error) => {
            // Out of descriptors, usually: others must end first.
            warn!(%error, "no connection can be accepted");
            return tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let Some(seat) = core.balance.seat(core.place) else {
        core.path.shared.metrics.connections_refused.inc();
        return;
    };
    if seat.place == core.place {
        connections.spawn(serve(Arc::clone(core), tcp, peer, seat));
        return;
    }
    let place = seat.place;
    if let Ok(tcp) = tcp.into_std()
        && core.balance.doors[place].try_send(Arrival { tcp, peer, seat }).is_err()
    {
        debug!("a connection was dropped: the other runtime takes none now");
    }
}

fn receive(core: &Arc<Core>, arrival: Arrival, connections: &mut JoinSet<()>) {
    let Arrival { tcp, peer, seat } = arrival;
    match tokio_stream(tcp) {
        Ok(tcp) => drop(connections.spawn(serve(Arc::clone(core), tcp, peer, seat))),
        Err(error) => warn!(%error, "a connection could not be handed over"),
    }
}

async fn serve(core: Arc<Core>, tcp: TcpStream, peer: std::net::SocketAddr, seat: super::Seat) {
    let metrics = &core.path.shared.metrics;
    let Some(entrance) = core.balance.entrance(peer.ip()) else {
        metrics.connections_refused.inc();
        return;
    };
    let within = core.path.shared.limits.handshake_timeout();
    drop(tcp.set_nodelay(true)); // slower without it, but no worse
    // Boxed, as is what follows: a connection keeps room for the present alone.
    let accepted = match tokio::time::timeout(within, Box::pin(core.acceptor.accept(tcp))).await {
        Ok(Ok(accepted)) => accepted,
        Ok(Err(failure)) => {
            metrics.handshake_failed(failure.code());
            if core.lines.check().is_err() {
                return;
            }
            return info!(peer.address = %peer.ip(), reason = failure.code(), "handshake refused: {}", chain(&failure));
        }
        Err(_) => return metrics.handshake_failed("too-slow"),
    };
    drop(entrance);
    // As the registry was last known: a registry that is away makes nobody a stranger.
    let bound = core.path.shared.views.newest().book.bound_to(&accepted.chain.fingerprint()).is_some();
    let whose = if bound { Whose::System } else { Whose::Stranger };
    let Some(chair) = core.balance.chair(accepted.chain.fingerprint(), whose) else {
        metrics.connections_refused.inc();
        if core.lines.check().is_err() {
            return;
        }
        return info!(certificate = %accepted.chain.fingerprint(), "connection refused: this caller has too many");
    };
    metrics.connections.inc();
    let seen = Seen { at: clock::now(), alpn: accepted.alpn };
    core.path.shared.arrivals.note(accepted.chain.fingerprint(), seen);
    let Accepted { stream, chain, alpn, .. } = accepted;
    let caller = Caller { chain, peer, transfers: Arc::default() };
    match alpn {
        Alpn::Http1 => http1::serve(&core, stream, caller).await,
        Alpn::Http2 => Box::pin(http2::serve(&core, stream, caller, whose)).await,
    }
    metrics.connections.dec();
    drop((seat, chair));
}

/// How long callers whose providers were given up have to take their answers.
const ANSWERED_WITHIN: Duration = Duration::from_secs(10);

//! The system that answers: a stand-in over real mutual TLS that does what a test tells it to, byte by byte.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use certs::tls::{Acceptor, AcceptorOptions, Alpn, Clock, Identity, TlsStream};
use certs::trust::Trust;
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use uuid::Uuid;

use super::answer::{fill_until, head_end};
use super::wait::until;

/// A running stand-in. It has a thread of its own, so that it answers also while a test waits.
pub struct Provider {
    address: SocketAddr,
    identity: Identity,
    stage: Arc<Stage>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// A request as the provider got it.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Request line and header lines.
    pub head: Vec<String>,
    /// Body.
    pub body: Vec<u8>,
    /// On which connection, from 0.
    pub connection: usize,
    /// Which of the connection's requests, from 0.
    pub ordinal: usize,
}

/// What the provider does with a request.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Answers with JSON.
    Json(u16, Value),
    /// Answers with these headers and this body.
    With(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// Answers so when the test lets it.
    Held(Hold, Box<Reply>),
    /// Writes these bytes and ends the connection.
    Bytes(Vec<u8>),
    /// Writes the first, the second when the test lets it, and keeps the connection.
    Halves(Vec<u8>, Hold, Vec<u8>),
    /// Says nothing and keeps the connection.
    Silence,
}

/// What keeps replies back until it is released.
#[derive(Debug, Clone)]
pub struct Hold(Arc<Semaphore>);

type Script = Arc<dyn Fn(&Seen) -> Reply + Send + Sync>;

struct Stage {
    script: Mutex<Script>,
    seen: Mutex<Vec<Seen>>,
    connections: AtomicUsize,
}

impl Provider {
    pub(super) fn start(socket: std::net::TcpListener, identity: &Identity, trust: Arc<Trust>) -> Self {
        let address = socket.local_addr().unwrap();
        socket.set_nonblocking(true).unwrap();
        let options = AcceptorOptions {
            alpn: vec![Alpn::Http1],
            ..AcceptorOptions::new(Clock::new(gateway::clock::now))
        };
        let acceptor = Arc::new(Acceptor::new(identity, trust, options).unwrap());
        let script: Script = Arc::new(|_| Reply::Json(200, super::sample::address_record()));
        let stage = Arc::new(Stage {
            script: Mutex::new(script),
            seen: Mutex::default(),
            connections: AtomicUsize::new(0),
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (stop, stopped) = oneshot::channel();
        let playing = Arc::clone(&stage);
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                let listener = TcpListener::from_std(socket).unwrap();
                tokio::select! {
                    () = play(listener, acceptor, playing) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { address, identity: identity.clone(), stage, stop: Some(stop), thread: Some(thread) }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it presents.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Does the same with every request from now on.
    pub fn replies(&self, reply: Reply) {
        self.acts(move |_| reply.clone());
    }

    /// Does with every request from now on what `script` says.
    pub fn acts(&self, script: impl Fn(&Seen) -> Reply + Send + Sync + 'static) {
        *self.stage.script.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(script);
    }

    /// What it got so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.stage.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until it got so many requests.
    pub async fn until_seen(&self, count: usize) -> Vec<Seen> {
        until("the provider to be asked", || Some(self.seen()).filter(|seen| seen.len() >= count)).await
    }

    /// Connections that it took, handshake included.
    pub fn connections(&self) -> usize {
        self.stage.connections.load(Ordering::SeqCst)
    }

    /// Goes away: its port is closed and its connections end.
    pub fn stops(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.stops();
    }
}

impl Seen {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head[1..].iter().filter_map(|line| line.split_once(':'));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    /// The exchange that the gateway named.
    ///
    /// # Panics
    /// If it named none.
    pub fn exchange(&self) -> Uuid {
        self.header("kelisim-exchange").unwrap().parse().unwrap()
    }

    /// The request line and headers, with what differs from call to call replaced: for snapshots.
    pub fn shown(&self, provider: SocketAddr) -> String {
        let mut lines = self.head.clone();
        lines[1..].sort();
        let exchange = self.header("kelisim-exchange").unwrap_or("none").to_owned();
        lines.join("\n").replace(&exchange, "<exchange>").replace(&provider.to_string(), "<provider>")
    }
}

impl Default for Hold {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }
}

impl Hold {
    /// Keeps a reply back.
    pub fn on(&self, reply: Reply) -> Reply {
        Reply::Held(self.clone(), Box::new(reply))
    }

    /// Lets so many replies go.
    pub fn release(&self, count: usize) {
        self.0.add_permits(count);
    }
}

async fn play(listener: TcpListener, acceptor: Arc<Acceptor>, stage: Arc<Stage>) {
    loop {
        let Ok((tcp, _)) = listener.accept().await else { continue };
        let (acceptor, stage) = (Arc::clone(&acceptor), Arc::clone(&stage));
        tokio::spawn(async move {
            // A gateway that goes away is what some tests are about.
            let Ok(accepted) = acceptor.accept(tcp).await else { return };
            let connection = stage.connections.fetch_add(1, Ordering::SeqCst);
            drop(serve(accepted.stream, connection, &stage).await);
        });
    }
}

async fn serve(mut stream: TlsStream<TcpStream>, connection: usize, stage: &Stage) -> io::Result<()> {
    let mut buffer = Vec::new();
    for ordinal in 0.. {
        let seen = read(&mut stream, &mut buffer, connection, ordinal).await?;
        let script = Arc::clone(&stage.script.lock().unwrap_or_else(PoisonError::into_inner));
        // Decided before it is shown: what a test sees, the script has judged.
        let reply = script(&seen);
        stage.seen.lock().unwrap_or_else(PoisonError::into_inner).push(seen);
        if give(&mut stream, reply).await?.is_none() {
            return stream.shutdown().await;
        }
    }
    Ok(())
}

async fn read(
    stream: &mut TlsStream<TcpStream>,
    buffer: &mut Vec<u8>,
    connection: usize,
    ordinal: usize,
) -> io::Result<Seen> {
    let head_bytes = fill_until(stream, buffer, head_end).await?;
    let head: Vec<String> =
        String::from_utf8_lossy(&buffer[..head_bytes]).trim_end().split("\r\n").map(str::to_owned).collect();
    buffer.drain(..head_bytes);
    let mut seen = Seen { head, body: Vec::new(), connection, ordinal };
    if seen.header("transfer-encoding").is_some() {
        while let Some(chunk) = chunk(stream, buffer).await? {
            seen.body.extend_from_slice(&chunk);
        }
        return Ok(seen);
    }
    let length: usize = seen.header("content-length").map_or(0, |length| length.parse().unwrap());
    fill_until(stream, buffer, |bytes| (bytes.len() >= length).then_some(length)).await?;
    seen.body = buffer.drain(..length).collect();
    Ok(seen)
}

/// The next chunk of a body that does not say how long it is; `None` at its end.
async fn chunk(stream: &mut TlsStream<TcpStream>, buffer: &mut Vec<u8>) -> io::Result<Option<Vec<u8>>> {
    let line_end = |bytes: &[u8]| bytes.windows(2).position(|two| two == b"\r\n").map(|at| at + 2);
    let line_bytes = fill_until(stream, buffer, line_end).await?;
    let line = String::from_utf8_lossy(&buffer[..line_bytes]).trim_end().to_owned();
    buffer.drain(..line_bytes);
    let bytes = usize::from_str_radix(&line, 16).unwrap();
    fill_until(stream, buffer, |held| (held.len() >= bytes + 2).then_some(bytes + 2)).await?;
    let chunk: Vec<u8> = buffer.drain(..bytes + 2).take(bytes).collect();
    Ok((bytes > 0).then_some(chunk))
}

/// Gives a reply; `None` if the connection ends with it.
async fn give(stream: &mut TlsStream<TcpStream>, mut reply: Reply) -> io::Result<Option<()>> {
    loop {
        let (status, headers, body) = match reply {
            Reply::Held(hold, next) => {
                hold.0.acquire().await.unwrap().forget();
                reply = *next;
                continue;
            }
            Reply::Json(status, body) => {
                (status, vec![("Content-Type", "application/json".to_owned())], body.to_string().into_bytes())
            }
            Reply::With(status, headers, body) => (status, headers, body),
            Reply::Bytes(bytes) => {
                stream.write_all(&bytes).await?;
                stream.flush().await?;
                return Ok(None);
            }
            Reply::Halves(first, hold, second) => {
                stream.write_all(&first).await?;
                stream.flush().await?;
                hold.0.acquire().await.unwrap().forget();
                stream.write_all(&second).await?;
                stream.flush().await?;
                return Ok(Some(()));
            }
            Reply::Silence => std::future::pending().await,
        };
        let mut bytes = format!("HTTP/1.1 {status} Said\r\nContent-Length: {}\r\n", body.len()).into_bytes();
        for (name, value) in headers {
            bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&body);
        stream.write_all(&bytes).await?;
        stream.flush().await?;
        return Ok(Some(()));
    }
}

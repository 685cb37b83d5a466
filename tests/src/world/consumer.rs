//! Who asks, over HTTP/1.1 by hand, so that every byte is the test's own.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use certs::tls::{Alpn, Clock, Connector, ConnectorOptions, Identity, TlsStream};
use certs::trust::Trust;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::answer::{Answer, fill_until, head_end};
use super::streams::Streams;
use super::wait::within;

/// A system that asks.
pub struct Consumer {
    gateway: SocketAddr,
    identity: Identity,
    trust: Arc<Trust>,
}

/// A request to be.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Its method.
    pub method: String,
    /// Its target.
    pub target: String,
    /// Its headers.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Option<Vec<u8>>,
}

/// An open connection, kept alive from call to call.
pub struct Line {
    stream: TlsStream<TcpStream>,
    host: String,
    read: Vec<u8>,
}

impl Consumer {
    pub(super) fn new(gateway: SocketAddr, identity: Identity, trust: Arc<Trust>) -> Self {
        Self { gateway, identity, trust }
    }

    pub(super) fn moves_to(&mut self, gateway: SocketAddr) {
        self.gateway = gateway;
    }

    /// The same consumer with another certificate.
    pub fn with(&self, identity: Identity) -> Self {
        Self { gateway: self.gateway, identity, trust: Arc::clone(&self.trust) }
    }

    /// Where it calls.
    pub fn gateway(&self) -> SocketAddr {
        self.gateway
    }

    /// What it presents.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Connects for HTTP/1.1.
    ///
    /// # Panics
    /// If there is no connection.
    pub async fn connect(&self) -> Line {
        self.try_connect().await.unwrap()
    }

    /// Connects for HTTP/1.1, or says why not.
    ///
    /// # Errors
    /// The handshake, as this side sees it: over TLS 1.3 a refusal may show only at the first read.
    pub async fn try_connect(&self) -> io::Result<Line> {
        let stream = self.dial(Alpn::Http1).await?;
        Ok(Line { stream, host: self.gateway.to_string(), read: Vec::new() })
    }

    /// Agrees on HTTP/2 and says no word of it.
    ///
    /// # Panics
    /// If there is no connection.
    pub async fn connect_mute_http2(&self) -> Line {
        let stream = self.dial(Alpn::Http2).await.unwrap();
        Line { stream, host: self.gateway.to_string(), read: Vec::new() }
    }

    /// Connects for HTTP/2.
    ///
    /// # Panics
    /// If there is no connection.
    pub async fn connect_http2(&self) -> Streams {
        Streams::over(self.dial(Alpn::Http2).await.unwrap(), self.gateway).await
    }

    /// A connection on which HTTP/2 was agreed, for whoever speaks it in a way of their own.
    ///
    /// # Panics
    /// If there is no connection.
    pub async fn dial_http2(&self) -> TlsStream<TcpStream> {
        self.dial(Alpn::Http2).await.unwrap()
    }

    /// One call on a connection of its own.
    pub async fn asks(&self, ask: &Ask) -> Answer {
        self.connect().await.ask(ask).await
    }

    async fn dial(&self, alpn: Alpn) -> io::Result<TlsStream<TcpStream>> {
        let clock = Clock::new(gateway::clock::now);
        let options = ConnectorOptions { alpn: vec![alpn], ..ConnectorOptions::new(clock) };
        let connector = Connector::new(&self.identity, Arc::clone(&self.trust), options).unwrap();
        within("a connection", async {
            let tcp = TcpStream::connect(self.gateway).await?;
            tcp.set_nodelay(true)?;
            let connected = connector.connect(tcp, "localhost", None).await;
            Ok(connected.map_err(io::Error::other)?.stream)
        })
        .await
    }
}

impl Ask {
    /// A request with a method of choice.
    pub fn new(method: &str, target: &str) -> Self {
        Self { method: method.into(), target: target.into(), headers: Vec::new(), body: None }
    }

    /// A GET.
    pub fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    /// A POST of JSON.
    pub fn post(target: &str, body: &Value) -> Self {
        Self::new("POST", target).json(body)
    }

    /// A PUT of JSON.
    pub fn put(target: &str, body: &Value) -> Self {
        Self::new("PUT", target).json(body)
    }

    /// The same with a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The same with a body of JSON.
    pub fn json(self, body: &Value) -> Self {
        self.header("Content-Type", "application/json").bytes(body.to_string().as_bytes())
    }

    /// The same with a body.
    pub fn bytes(mut self, body: &[u8]) -> Self {
        self.body = Some(body.to_vec());
        self
    }

    /// Its bytes on the wire.
    pub fn wire(&self, host: &str) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\nHost: {host}\r\n", self.method, self.target);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(body) = &self.body {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        let mut wire = head.into_bytes();
        wire.extend_from_slice(self.body.as_deref().unwrap_or_default());
        wire
    }
}

impl Line {
    /// Asks and takes the answer.
    ///
    /// # Panics
    /// If there is none.
    pub async fn ask(&mut self, ask: &Ask) -> Answer {
        self.try_ask(ask).await.unwrap_or_else(|error| panic!("{} {}: {error}", ask.method, ask.target))
    }

    /// Asks and takes the answer, if one comes.
    ///
    /// # Errors
    /// The connection ended first.
    pub async fn try_ask(&mut self, ask: &Ask) -> io::Result<Answer> {
        let wire = ask.wire(&self.host);
        within("an answer", async {
            self.stream.write_all(&wire).await?;
            self.stream.flush().await?;
            Answer::read(&mut self.stream, &mut self.read, ask.method == "HEAD").await
        })
        .await
    }

    /// Sends bytes, and hears of no refusal to take them.
    pub async fn send(&mut self, bytes: &[u8]) {
        drop(within("bytes to leave", self.try_send(bytes)).await);
    }

    /// Sends bytes.
    ///
    /// # Errors
    /// The connection has ended.
    pub async fn try_send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// Takes the next answer.
    ///
    /// # Errors
    /// The connection ended first.
    pub async fn answer(&mut self) -> io::Result<Answer> {
        within("an answer", Answer::read(&mut self.stream, &mut self.read, false)).await
    }

    /// Takes the next head, whatever it is, and says its status: 100 too.
    ///
    /// # Panics
    /// If none comes.
    pub async fn raw_status(&mut self) -> u16 {
        let head = within("a head", fill_until(&mut self.stream, &mut self.read, head_end)).await.unwrap();
        let head: Vec<u8> = self.read.drain(..head).collect();
        std::str::from_utf8(&head[9..12]).unwrap().parse().unwrap()
    }

    /// Says that nothing more will be sent, and goes on listening.
    pub async fn finishes(&mut self) {
        drop(within("the end to leave", self.stream.shutdown()).await);
    }

    /// Reads until the gateway ends the connection, and says how many bytes came.
    pub async fn ends(&mut self) -> usize {
        let mut rest = std::mem::take(&mut self.read);
        // However it ends: in good order or reset.
        drop(within("the connection to end", self.stream.read_to_end(&mut rest)).await);
        rest.len()
    }
}

//! Systems that ask: hyper over mutual TLS, each connection kept and used again.

use std::collections::HashMap;
use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use certs::tls::{Alpn, Clock, Connected, Connector, ConnectorOptions};
use certs::trust::Trust;
use http::header::{HOST, HeaderMap, HeaderValue};
use http::{Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::founding::identity;
use crate::clock;
use crate::office::Folder;

/// Connections to the gateway, by certificate and protocol.
pub(super) struct Lines {
    folder: Folder,
    trust: Arc<Trust>,
    gateway: SocketAddr,
    open: HashMap<(String, Http), Sender>,
    /// Answers that came over HTTP.
    pub(super) answers: u64,
}

/// Protocols to ask in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) enum Http {
    #[default]
    #[serde(rename = "1.1")]
    One,
    #[serde(rename = "2")]
    Two,
}

impl Http {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::One => "HTTP/1.1",
            Self::Two => "HTTP/2",
        }
    }
}

/// An answer, whole.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// A question.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) method: Method,
    pub(super) target: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

enum Sender {
    One(http1::SendRequest<Full<Bytes>>),
    Two(http2::SendRequest<Full<Bytes>>),
}

type Failure = Box<dyn Error + Send + Sync>;

impl Lines {
    pub(super) fn new(folder: &Folder, trust: Arc<Trust>, gateway: SocketAddr) -> Self {
        Self { folder: folder.clone(), trust, gateway, open: HashMap::new(), answers: 0 }
    }

    /// Asks as the system that has the certificate `by`, on its open connection if there is one.
    pub(super) async fn ask(&mut self, by: &str, http: Http, question: &Question) -> Result<Heard, Failure> {
        let key = (by.to_owned(), http);
        let sender = match self.open.remove(&key) {
            Some(open) if !open.is_closed() => open,
            _ => timeout(DEADLINE, self.connect(by, http)).await??,
        };
        let sender = self.open.entry(key).insert_entry(sender).into_mut();
        let request = question.on(http, self.gateway)?;
        let heard = timeout(DEADLINE, async {
            let (head, body) = sender.send(request).await?.into_parts();
            let body = Limited::new(body, MOST_BYTES).collect().await?.to_bytes();
            Ok::<_, Failure>(Heard { status: head.status, headers: head.headers, body })
        });
        let heard = heard.await??;
        self.answers += 1;
        Ok(heard)
    }

    /// Connects and asks nothing: what the gateway says of the certificate.
    ///
    /// # Errors
    /// Why the gateway ended the connection.
    pub(super) async fn knock(&self, by: &str) -> Result<(), Failure> {
        let mut connected = timeout(DEADLINE, self.handshake(by, Http::One)).await??;
        // TLS 1.3: the server judges after the client is done; one that accepts waits for a question.
        match timeout(PATIENCE, connected.stream.read_u8()).await {
            Ok(Err(error)) => Err(error.into()),
            Ok(Ok(_)) | Err(_) => Ok(()),
        }
    }

    async fn handshake(&self, by: &str, http: Http) -> Result<Connected<TcpStream>, Failure> {
        let alpn = vec![if http == Http::Two { Alpn::Http2 } else { Alpn::Http1 }];
        let options = ConnectorOptions { alpn, ..ConnectorOptions::new(Clock::new(clock::now)) };
        let trust = Arc::clone(&self.trust);
        let connector = match by {
            NOBODY => Connector::anonymous(trust, options)?,
            name => Connector::new(&identity(&self.folder, name)?, trust, options)?,
        };
        let tcp = TcpStream::connect(self.gateway).await?;
        tcp.set_nodelay(true)?;
        Ok(connector.connect(tcp, "localhost", None).await?)
    }

    async fn connect(&self, by: &str, http: Http) -> Result<Sender, Failure> {
        let io = TokioIo::new(self.handshake(by, http).await?.stream);
        // Each ends when its sender is dropped; what went wrong shows in the sender's answer.
        Ok(match http {
            Http::One => {
                let (sender, connection) = http1::handshake(io).await?;
                drop(tokio::spawn(connection));
                Sender::One(sender)
            }
            Http::Two => {
                let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await?;
                drop(tokio::spawn(connection));
                Sender::Two(sender)
            }
        })
    }
}

impl Sender {
    fn is_closed(&self) -> bool {
        match self {
            Self::One(sender) => sender.is_closed(),
            Self::Two(sender) => sender.is_closed(),
        }
    }

    async fn send(&mut self, request: Request<Full<Bytes>>) -> hyper::Result<Response<Incoming>> {
        match self {
            Self::One(sender) => {
                sender.ready().await?;
                sender.send_request(request).await
            }
            Self::Two(sender) => {
                sender.ready().await?;
                sender.send_request(request).await
            }
        }
    }
}

impl Question {
    fn on(&self, http: Http, gateway: SocketAddr) -> Result<Request<Full<Bytes>>, Failure> {
        let authority = format!("localhost:{}", gateway.port());
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        request.headers_mut().clone_from(&self.headers);
        *request.uri_mut() = match http {
            Http::One => {
                request.headers_mut().insert(HOST, HeaderValue::try_from(authority)?);
                Uri::try_from(self.target.as_str())?
            }
            Http::Two => Uri::try_from(format!("https://{authority}{}", self.target))?,
        };
        Ok(request)
    }
}

/// Who has no certificate.
pub(super) const NOBODY: &str = "nobody";

/// Also for a large document on a slow machine.
const DEADLINE: Duration = Duration::from_secs(120);
/// How long a connection that was accepted stays silent before we believe it.
const PATIENCE: Duration = Duration::from_secs(5);
const MOST_BYTES: usize = 1 << 20;

//! Who asks over HTTP/2: many calls on one connection.

use std::net::SocketAddr;

use bytes::Bytes;
use certs::tls::TlsStream;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::answer::Answer;
use super::consumer::Ask;
use super::wait::within;

/// An HTTP/2 connection; clones share it.
#[derive(Clone)]
pub struct Streams {
    sender: SendRequest<Full<Bytes>>,
    gateway: SocketAddr,
    _connection: std::sync::Arc<Connection>,
}

struct Connection(JoinHandle<()>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Streams {
    pub(super) async fn over(stream: TlsStream<TcpStream>, gateway: SocketAddr) -> Self {
        let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        // How it ends shows in the calls on it.
        let driving = tokio::spawn(async move { drop(connection.await) });
        Self { sender, gateway, _connection: Connection(driving).into() }
    }

    /// Asks and takes the answer.
    ///
    /// # Panics
    /// If there is none.
    pub async fn ask(&self, ask: &Ask) -> Answer {
        self.try_ask(ask).await.unwrap_or_else(|error| panic!("{} {}: {error}", ask.method, ask.target))
    }

    /// Asks and takes the answer, if one comes.
    ///
    /// # Errors
    /// The stream or the connection ended first.
    pub async fn try_ask(&self, ask: &Ask) -> hyper::Result<Answer> {
        let mut request = Request::builder()
            .method(ask.method.as_str())
            .uri(format!("https://{}{}", self.gateway, ask.target));
        for (name, value) in &ask.headers {
            request = request.header(name, value);
        }
        let body = Full::new(Bytes::from(ask.body.clone().unwrap_or_default()));
        self.sends(request.body(body).unwrap()).await
    }

    /// Sends a request as it stands.
    ///
    /// # Errors
    /// The stream or the connection ended first.
    pub async fn sends(&self, request: Request<Full<Bytes>>) -> hyper::Result<Answer> {
        let mut sender = self.sender.clone();
        within("an answer", async {
            sender.ready().await?;
            let (head, body) = sender.send_request(request).await?.into_parts();
            let headers = head.headers.iter().map(|(name, value)| {
                (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            });
            Ok(Answer {
                status: head.status.as_u16(),
                headers: headers.collect(),
                body: body.collect().await?.to_bytes().to_vec(),
            })
        })
        .await
    }
}

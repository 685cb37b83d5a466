//! A gateway's line to one witness: HTTP/1.1, kept open, every wait bounded.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use certs::tls::{ConnectFailure, Connector};
use http::header::{CONTENT_TYPE, HOST};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::transparency::note::Note;

/// The line. Dropping it closes the connection.
#[derive(Debug)]
pub(super) struct Line {
    base: Uri,
    connector: Option<Connector>,
    open: Option<SendRequest<Full<Bytes>>>,
}

/// What a witness said.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) status: StatusCode,
    pub(super) body: Bytes,
}

impl Line {
    /// To the witness at `base`; `connector` serves where that begins with `https`.
    pub(super) fn new(base: Uri, connector: Option<Connector>) -> Self {
        Self { base, connector, open: None }
    }

    /// Asks once; a connection that had been closed meanwhile is opened again.
    ///
    /// # Errors
    /// [`LineError`]: the witness may have heard it or not, which does no harm: what it is asked may be asked again.
    pub(super) async fn ask(&mut self, method: Method, path: &str, body: String) -> Result<Said, LineError> {
        let asked = tokio::time::timeout(ANSWER_WITHIN, self.ask_in_time(method, path, Bytes::from(body)));
        let said = asked.await.unwrap_or(Err(LineError::Late));
        if said.is_err() {
            self.open = None;
        }
        said
    }

    async fn ask_in_time(&mut self, method: Method, path: &str, body: Bytes) -> Result<Said, LineError> {
        let reused = self.open.as_ref().is_some_and(|open| !open.is_closed());
        match self.ask_once(method.clone(), path, body.clone()).await {
            Err(LineError::Broken(_)) if reused => {
                self.open = None;
                self.ask_once(method, path, body).await
            }
            said => said,
        }
    }

    async fn ask_once(&mut self, method: Method, path: &str, body: Bytes) -> Result<Said, LineError> {
        let authority = self.base.authority().ok_or(LineError::Address)?.as_str();
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base.path().trim_end_matches('/')))
            .header(HOST, authority)
            .header(CONTENT_TYPE, "text/plain; charset=utf-8")
            .body(Full::new(body))
            .map_err(|_| LineError::Address)?;
        let mut open = match self.open.take().filter(|open| !open.is_closed()) {
            Some(open) => open,
            None => self.connect().await?,
        };
        open.ready().await?;
        let response = open.send_request(request).await?;
        let status = response.status();
        let body = Limited::new(response.into_body(), Note::MAX_BYTES).collect().await;
        let body = body.map_err(|_| LineError::Body)?.to_bytes();
        self.open = Some(open);
        Ok(Said { status, body })
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, LineError> {
        let host = self.base.host().ok_or(LineError::Address)?.trim_matches(['[', ']']);
        let secure = self.base.scheme_str() == Some("https");
        let port = self.base.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let tcp = TcpStream::connect((host, port)).await.map_err(LineError::Unreachable)?;
        match (&self.connector, secure) {
            (_, false) => speak(tcp).await,
            (Some(connector), true) => speak(connector.connect(tcp, host, None).await?.stream).await,
            (None, true) => Err(LineError::Address),
        }
    }
}

async fn speak<IO>(io: IO) -> Result<SendRequest<Full<Bytes>>, LineError>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (open, connection) = handshake(TokioIo::new(io)).await?;
    // Ends when its sender is dropped; what broke is told to who asks.
    tokio::spawn(async move { drop(connection.await) });
    Ok(open)
}

/// Why a witness was not heard.
#[derive(Debug, thiserror::Error)]
pub(super) enum LineError {
    #[error("its address cannot be used")]
    Address,
    #[error("it cannot be reached")]
    Unreachable(#[source] io::Error),
    #[error("it is not who it should be")]
    Tls(#[from] ConnectFailure),
    #[error("the connection broke")]
    Broken(#[from] hyper::Error),
    #[error("its answer is too long or broke off")]
    Body,
    #[error("it did not answer within {} s", ANSWER_WITHIN.as_secs())]
    Late,
}

const ANSWER_WITHIN: Duration = Duration::from_secs(10);

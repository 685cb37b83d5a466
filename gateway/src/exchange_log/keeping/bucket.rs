//! An archive in a store elsewhere that speaks S3: which bucket, by whose key, and the line to it.
//!
//! The store's own protocol is `object_store`'s; the line is ours: one connection, to nobody but the named endpoint, over TLS
//! whose server the gateway trusts, each wait and each answer bounded. Trust: whoever holds the key, and who runs the store,
//! can take objects away or change them, as in a folder; an upload counts once it was read back.

use std::{
    io,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use certs::{
    keys::{KeyError, read_secret},
    tls::{Alpn, Clock, ConnectFailure, Connector, ConnectorOptions, Unready},
    trust::Trust,
};
use http::{Request, Response, Uri, header::HOST};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use object_store::{
    BackoffConfig, ClientOptions, RetryConfig,
    aws::{AmazonS3, AmazonS3Builder},
    client::{
        HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody, HttpResponse,
        HttpResponseBody, HttpService,
    },
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

use crate::clock;
use crate::trusted::{TrustFiles, Unreadable};

/// A bucket, or a part of it, in a store that speaks S3.
#[derive(Debug, Clone)]
pub struct Bucket {
    /// Where the store answers: `https://…`, or `http://…` on this machine.
    pub endpoint: Uri,
    /// The region that requests are signed for.
    pub region: String,
    /// The bucket.
    pub name: String,
    /// What stands before the name of each object; may be empty.
    pub prefix: String,
    /// Two lines, the key's id and its secret, in a file that only its owner may read. `None`: [`KEY_ID`] and [`SECRET`].
    pub credentials: Option<PathBuf>,
    /// Whom the store's certificate must lead to.
    pub trust: TrustFiles,
    /// How long a request may take.
    pub patience: Duration,
}

/// Why a bucket cannot be used, before it is asked anything.
#[derive(Debug, thiserror::Error)]
pub enum BucketError {
    /// The file of its key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The file holds something else.
    #[error("{0} does not hold two lines, the key's id and its secret")]
    NotAKey(PathBuf),
    /// No file is named, and the environment has none either.
    #[error("no key: name a file with log.keeping.s3.credentials, or set {KEY_ID} and {SECRET}")]
    NoKey,
    /// Whom to trust cannot be read.
    #[error("whom to trust cannot be read")]
    Trust(#[from] Unreadable),
    /// TLS cannot be set up.
    #[error("TLS cannot be set up")]
    Tls(#[from] Unready),
    /// `object_store` refuses the settings.
    #[error("the settings do not name a bucket")]
    Settings(#[from] object_store::Error),
}

impl Bucket {
    /// Whether it could be asked: settings, key, trust.
    ///
    /// # Errors
    /// [`BucketError`].
    pub fn check(&self) -> Result<(), BucketError> {
        self.store().map(drop)
    }

    /// The store; nothing is asked of it yet.
    pub(super) fn store(&self) -> Result<AmazonS3, BucketError> {
        let (id, secret) = self.key()?;
        let secure = self.endpoint.scheme_str() == Some("https");
        let connector = match secure {
            true => {
                let trust = Arc::new(Trust::new(self.trust.load(clock::now())?));
                let options = ConnectorOptions {
                    alpn: vec![Alpn::Http1],
                    ..ConnectorOptions::new(Clock::new(clock::now))
                };
                Some(Connector::anonymous(trust, options)?)
            }
            false => None,
        };
        let line = Arc::new(Line {
            endpoint: self.endpoint.clone(),
            connector,
            patience: self.patience,
            open: Mutex::default(),
        });
        let backoff = BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(2),
            base: 2.0,
        };
        let retry = RetryConfig { backoff, max_retries: RETRIES, retry_timeout: self.patience * 2 };
        Ok(AmazonS3Builder::new()
            .with_endpoint(self.endpoint.to_string().trim_end_matches('/'))
            .with_region(&self.region)
            .with_bucket_name(&self.name)
            .with_access_key_id(id)
            .with_secret_access_key(secret)
            .with_allow_http(!secure)
            .with_retry(retry)
            .with_http_connector(LineTo(line))
            .build()?)
    }

    fn key(&self) -> Result<(String, String), BucketError> {
        let Some(path) = &self.credentials else {
            let said = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
            return said(KEY_ID).zip(said(SECRET)).ok_or(BucketError::NoKey);
        };
        let not_a_key = || BucketError::NotAKey(path.clone());
        let text = String::from_utf8(read_secret(path)?).map_err(|_| not_a_key())?;
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let key = lines.next().zip(lines.next()).filter(|_| lines.next().is_none());
        key.map(|(id, secret)| (id.to_owned(), secret.to_owned())).ok_or_else(not_a_key)
    }
}

/// The line to the one store that there is.
#[derive(Debug)]
struct LineTo(Arc<Line>);

impl HttpConnector for LineTo {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(Shared(Arc::clone(&self.0))))
    }
}

#[derive(Debug)]
struct Shared(Arc<Line>);

/// HTTP/1.1 to the endpoint; a connection is kept while it is not used.
#[derive(Debug)]
struct Line {
    endpoint: Uri,
    connector: Option<Connector>,
    patience: Duration,
    open: Mutex<Option<Sender>>,
}

type Sender = SendRequest<HttpRequestBody>;

#[async_trait::async_trait]
impl HttpService for Shared {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let answered = tokio::time::timeout(self.0.patience, self.0.ask(request)).await;
        answered.unwrap_or(Err(LineError::Late(self.0.patience))).map_err(HttpError::from)
    }
}

impl Line {
    async fn ask(&self, request: HttpRequest) -> Result<HttpResponse, LineError> {
        let (mut head, body) = request.into_parts();
        // `object_store` follows no redirect; whatever it makes of an answer, nobody else is asked.
        let authority = head.uri.authority().filter(|named| Some(*named) == self.endpoint.authority());
        let authority = authority.ok_or(LineError::Elsewhere)?;
        // As it is signed: a port that goes without saying is not said.
        let implied = authority.port_u16() == Some(self.usual_port());
        let host = if implied { authority.host() } else { authority.as_str() };
        let host = host.parse().map_err(|_| LineError::Elsewhere)?;
        head.headers.insert(HOST, host);
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        head.uri = path.parse().map_err(|_| LineError::Elsewhere)?;
        let kept = self.open.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut sender = match kept.filter(|sender| !sender.is_closed()) {
            Some(sender) => sender,
            None => self.connect().await?,
        };
        sender.ready().await?;
        let (head, body) = sender.send_request(Request::from_parts(head, body)).await?.into_parts();
        let body = Limited::new(body, MOST_BYTES).collect().await.map_err(LineError::Body)?.to_bytes();
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
        Ok(Response::from_parts(head, HttpResponseBody::new(whole(body))))
    }

    fn usual_port(&self) -> u16 {
        if self.connector.is_some() { 443 } else { 80 }
    }

    async fn connect(&self) -> Result<Sender, LineError> {
        let host = self.endpoint.host().unwrap_or_default().trim_matches(['[', ']']);
        let port = self.endpoint.port_u16().unwrap_or(self.usual_port());
        let tcp = TcpStream::connect((host, port)).await.map_err(LineError::Unreachable)?;
        match &self.connector {
            None => speak(tcp).await,
            Some(connector) => speak(connector.connect(tcp, host, None).await?.stream).await,
        }
    }
}

async fn speak<IO>(io: IO) -> Result<Sender, LineError>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = handshake(TokioIo::new(io)).await?;
    // Ends when its sender is dropped; what broke is told to who asks.
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender)
}

fn whole(body: Bytes) -> impl http_body::Body<Data = Bytes, Error = HttpError> {
    Full::new(body).map_err(|never| match never {})
}

/// Why the store was not heard.
#[derive(Debug, thiserror::Error)]
enum LineError {
    #[error("only the endpoint that is configured is asked")]
    Elsewhere,
    #[error("it cannot be reached")]
    Unreachable(#[source] io::Error),
    #[error("it is not who it should be")]
    Tls(#[from] ConnectFailure),
    #[error("the connection broke")]
    Broken(#[from] hyper::Error),
    #[error("its answer broke off, or is longer than what was asked for can be")]
    Body(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("it did not answer within {} s", .0.as_secs_f32())]
    Late(Duration),
}

impl From<LineError> for HttpError {
    fn from(error: LineError) -> Self {
        let kind = match &error {
            LineError::Elsewhere | LineError::Tls(_) => HttpErrorKind::Unknown,
            LineError::Unreachable(_) => HttpErrorKind::Connect,
            // Whatever is asked may be asked again: an object is put as a whole, and read back.
            LineError::Broken(_) | LineError::Body(_) => HttpErrorKind::Request,
            LineError::Late(_) => HttpErrorKind::Timeout,
        };
        Self::new(kind, error)
    }
}

/// The environment's names for a key, as all who speak S3 have them.
pub const KEY_ID: &str = "AWS_ACCESS_KEY_ID";
/// See [`KEY_ID`].
pub const SECRET: &str = "AWS_SECRET_ACCESS_KEY";
/// A request of 8 MiB, over a line of 1 Mbit/s.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// How often a request is made again that failed in a way that may pass.
const RETRIES: usize = 3;
/// What is asked for at once, and some words.
const MOST_BYTES: usize = super::archive::PART_BYTES as usize + (1 << 20);

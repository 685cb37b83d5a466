//! One question over one connection: as it comes in, and then the answer, every wait bounded.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use certs::document::{DocumentFault, NationalSigner};
use certs::tls::{ConnectFailure, Connector};
use http::header::{CONTENT_TYPE, HOST};
use http::{Request, StatusCode, Uri};
use http_body::{Body, Frame};
use http_body_util::{BodyExt as _, Limited};
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{self, Receiver, Sender, UnboundedReceiver};
use tokio::task::AbortHandle;

use super::question::Question;
use super::showing::Piece;
use super::{AnswerFault, NationalService, Trouble, answer};
use crate::config::RevocationCheck;

/// Where the service is.
#[derive(Debug)]
pub(super) struct Place {
    base: Uri,
    connector: Option<Connector>,
}

/// How a question ended.
#[derive(Debug)]
pub(super) enum End {
    Judged(Result<(), Trouble>),
    /// Its content was signed otherwise, or not at all.
    GivenUp,
}

/// Asks about one content as it comes.
pub(super) async fn ask(service: &NationalService, pieces: UnboundedReceiver<Piece>) -> End {
    let patience = service.patience;
    let silent = |why: String| End::Judged(Err(Trouble::Silent(why)));
    let connected = tokio::time::timeout(CONNECT_WITHIN.min(patience), service.place.connect()).await;
    let (sender, _driving) = match connected {
        Ok(Ok(connected)) => connected,
        Ok(Err(error)) => return silent(crate::telemetry::chain(&error)),
        Err(_) => return silent("the connection to the service does not come about in time".into()),
    };
    let (text, body) = mpsc::channel(1);
    let Ok(request) = service.place.request(Text(body)) else {
        return silent("its address cannot be used".into());
    };
    let (fed, heard) = (feed(pieces, text, &service.checks, patience), hear(sender, request));
    tokio::pin!(fed, heard);
    let signers = tokio::select! {
        biased;
        fed = &mut fed => match fed {
            Ok(signers) => Some(signers),
            Err(Unfed::GivenUp) => return End::GivenUp,
            Err(Unfed::Late) => return silent("the service does not take the document in time".into()),
            // It wants no more: it may say why.
            Err(Unfed::Closed) => None,
        },
        early = &mut heard => return End::Judged(Err(of_part(early))),
    };
    let Ok(heard) = tokio::time::timeout(patience, heard).await else {
        return silent("the service does not answer in time".into());
    };
    End::Judged(match signers {
        Some(signers) => of_whole(heard, &signers, &service.checks),
        None => Err(of_part(heard)),
    })
}

/// What an answer to the whole question means.
fn of_whole(
    heard: Result<Heard, hyper::Error>,
    signers: &[NationalSigner],
    checks: &[RevocationCheck],
) -> Result<(), Trouble> {
    match heard {
        Ok(Heard::Said(body)) => answer::judge(&body, signers, checks),
        Ok(Heard::Overlong) => Err(Trouble::Answer(AnswerFault::Length)),
        // So it says that it cannot read the signature, or that it is over something else.
        Ok(Heard::Status(StatusCode::BAD_REQUEST)) => Err(Trouble::Refuted(DocumentFault::Invalid)),
        other => Err(of_part(other)),
    }
}

/// What an answer means that came before the whole question was asked: never that anything is valid.
fn of_part(heard: Result<Heard, hyper::Error>) -> Trouble {
    match heard {
        Ok(Heard::Said(_) | Heard::Overlong) => Trouble::Answer(AnswerFault::Early),
        Ok(Heard::Status(StatusCode::PAYLOAD_TOO_LARGE)) => Trouble::TooLargeForIt,
        Ok(Heard::Status(status)) => Trouble::Silent(format!("the service answers {status}")),
        Err(error) => Trouble::Silent(crate::telemetry::chain(&error)),
    }
}

enum Unfed {
    Late,
    Closed,
    GivenUp,
}

/// Gives the question as its pieces come; whom it is about, at its end.
async fn feed(
    mut pieces: UnboundedReceiver<Piece>,
    text: Sender<Bytes>,
    checks: &[RevocationCheck],
    patience: Duration,
) -> Result<Vec<NationalSigner>, Unfed> {
    let give = async |bytes: Bytes| match tokio::time::timeout(patience, text.send(bytes)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(Unfed::Closed),
        Err(_) => Err(Unfed::Late),
    };
    let (mut question, first) = Question::begins(checks);
    give(first).await?;
    loop {
        match pieces.recv().await.ok_or(Unfed::GivenUp)? {
            Piece::Content(counted) => {
                for bytes in counted.bytes().chunks(PIECE_BYTES) {
                    give(question.content(bytes)).await?;
                }
            }
            Piece::Signed { signature, signers } => {
                give(question.ends(&signature)).await?;
                return Ok(signers);
            }
        }
    }
}

enum Heard {
    Said(Bytes),
    Overlong,
    /// Any but 200.
    Status(StatusCode),
}

async fn hear(mut sender: SendRequest<Text>, request: Request<Text>) -> Result<Heard, hyper::Error> {
    let answer = sender.send_request(request).await?;
    if answer.status() != StatusCode::OK {
        return Ok(Heard::Status(answer.status()));
    }
    let body = Limited::new(answer.into_body(), MOST_ANSWER).collect().await;
    Ok(body.map_or(Heard::Overlong, |body| Heard::Said(body.to_bytes())))
}

impl Place {
    pub(super) fn new(base: Uri, connector: Option<Connector>) -> Self {
        Self { base, connector }
    }

    pub(super) fn authority(&self) -> &str {
        self.base.authority().map_or("", |authority| authority.as_str())
    }

    fn request(&self, body: Text) -> Result<Request<Text>, http::Error> {
        Request::post(format!("{}/cms/verify", self.base.path().trim_end_matches('/')))
            .header(HOST, self.authority())
            .header(CONTENT_TYPE, "application/json")
            .body(body)
    }

    async fn connect(&self) -> Result<(SendRequest<Text>, Driving), Unconnected> {
        let host = self.base.host().unwrap_or_default().trim_matches(['[', ']']);
        let port = self.base.port_u16().unwrap_or(if self.connector.is_some() { 443 } else { 80 });
        let tcp = TcpStream::connect((host, port)).await?;
        match &self.connector {
            Some(connector) => speak(connector.connect(tcp, host, None).await?.stream).await,
            None => speak(tcp).await,
        }
    }
}

async fn speak<IO>(io: IO) -> Result<(SendRequest<Text>, Driving), Unconnected>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = Builder::new().max_buf_size(BUFFER_BYTES).handshake(TokioIo::new(io)).await?;
    // What broke is told to who asks.
    let driving = tokio::spawn(async move { drop(connection.await) });
    Ok((sender, Driving(driving.abort_handle())))
}

#[derive(Debug, thiserror::Error)]
enum Unconnected {
    #[error("the service cannot be reached")]
    Io(#[from] io::Error),
    #[error("the service is not who it should be")]
    Tls(#[from] ConnectFailure),
    #[error("the connection to the service broke")]
    Broken(#[from] hyper::Error),
}

/// A connection, which ends with it.
struct Driving(AbortHandle);

impl Drop for Driving {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A question's text as it comes.
struct Text(Receiver<Bytes>);

impl Body for Text {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// Of the content, how much is turned into text at a time.
const PIECE_BYTES: usize = 12 << 10;
/// What hyper holds of a connection, each way.
const BUFFER_BYTES: usize = 32 << 10;
/// Far more than it says of as many signers as a signature may have.
const MOST_ANSWER: usize = 256 << 10;

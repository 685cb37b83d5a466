//! Documents shown to a virus scanner as they pass: each piece goes to clamd too, and the last one waits for its verdict.
//!
//! Trust: what the scanner calls clean is not proven harmless; what it finds never passes whole. It sees documents, so it
//! belongs on the gateway's own machine or behind a wall of its own.

mod clamd;

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use agreements::{Documents, Presence, SystemId};
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::mpsc::{self, OwnedPermit, Receiver, Sender};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use tracing::info;

use self::clamd::{Mute, Said};
use crate::config::{Scanned, ScannerConfig, WhenDown};
use crate::turns::Turns;

/// A virus scanner, and which documents are shown to it.
#[derive(Debug)]
pub struct Scanner {
    place: Option<Place>,
    which: Scanned,
    when_down: WhenDown,
    patience: Duration,
    turns: Arc<Turns>,
}

#[derive(Debug, Clone)]
enum Place {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// Why a document is not called clean.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// It bears what that signature describes.
    #[error("{0}")]
    Found(String),
    /// The scanner takes no document of that size.
    #[error("it is larger than the scanner takes: raise StreamMaxLength in clamd.conf")]
    TooLarge,
    /// The scanner says nothing.
    #[error("{0}")]
    Down(String),
    /// As many documents are being scanned as may be.
    #[error("the scanner has as many documents as it may, or this consumer has its half of them")]
    Busy,
}

/// What the entry says of a document that passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// The scanner found nothing.
    Clean,
    /// It said nothing, and the configuration lets that pass.
    Unscanned,
}

impl Verdict {
    /// As entries have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Unscanned => "unscanned",
        }
    }
}

impl Scanner {
    /// A scanner that nobody asked anything yet.
    pub fn new(config: &ScannerConfig) -> Arc<Self> {
        let place = config.address.as_deref().and_then(ScannerConfig::place);
        let place = place.map(|place| match place {
            Ok(address) => Place::Tcp(address),
            Err(path) => Place::Unix(path.into()),
        });
        Arc::new(Self {
            place,
            which: config.documents,
            when_down: config.when_down,
            patience: Duration::from_secs(config.timeout_seconds.into()),
            turns: Turns::new(config.max_at_once),
        })
    }

    /// Begins to show a body's documents to the scanner, if they are to be; the caller shows them piece by piece.
    ///
    /// # Errors
    /// [`Trouble`]: it must not pass.
    pub fn begin(
        self: &Arc<Self>,
        documents: &Documents,
        consumer: &SystemId,
    ) -> Result<Option<Scan>, Trouble> {
        let required = documents.scan == Presence::Required;
        if !required && (self.place.is_none() || self.which == Scanned::Asked) {
            return Ok(None);
        }
        let Some(place) = self.place.clone() else {
            return Err(Trouble::Down("the data type asks for a scan, and no scanner is configured".into()));
        };
        let turn = self.turns.take(consumer).ok_or(Trouble::Busy)?;
        let (to, pieces) = mpsc::channel(AHEAD);
        let (told, verdict) = oneshot::channel();
        let patience = self.patience;
        let lenient = !required && self.when_down == WhenDown::Pass;
        let task = tokio::spawn(async move {
            let _turn = turn;
            // Whoever waits hears of it, or is gone.
            drop(told.send(show(&place, pieces, patience, lenient).await));
        });
        let (waiting, task) = (VecDeque::new(), task.abort_handle());
        Ok(Some(Scan { to: Some(to), waiting, room: None, verdict, lenient, task }))
    }
}

/// Part of what is shown.
#[derive(Debug)]
pub enum Piece {
    /// A document begins.
    Begins,
    /// The next bytes of it.
    Content(Bytes),
    /// It ends.
    Ends,
}

/// A body on its way past the scanner. Dropping it ends the connection.
pub struct Scan {
    to: Option<Sender<Piece>>,
    /// What the scanner did not take yet: no more than the last piece that passed, and what stands around it.
    waiting: VecDeque<Piece>,
    room: Option<Room>,
    verdict: oneshot::Receiver<Result<(), Trouble>>,
    lenient: bool,
    task: AbortHandle,
}

type Room = Pin<Box<dyn Future<Output = Option<OwnedPermit<Piece>>> + Send>>;

impl Scan {
    /// Shows a piece, when there is room for it.
    pub fn shows(&mut self, piece: Piece) {
        if self.to.is_some() || self.room.is_some() {
            self.waiting.push_back(piece);
        }
    }

    /// Waits until the scanner took what it was shown: nothing more is read meanwhile.
    pub fn poll_taken(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while !self.waiting.is_empty() {
            if let Some(to) = self.to.take() {
                self.room = Some(Box::pin(async move { to.reserve_owned().await.ok() }));
            }
            let Some(room) = &mut self.room else { break };
            let permit = ready!(room.as_mut().poll(context));
            self.room = None;
            match (permit, self.waiting.pop_front()) {
                (Some(permit), Some(piece)) => self.to = Some(permit.send(piece)),
                // It wants no more: its verdict is there.
                (None, _) | (Some(_), None) => self.waiting.clear(),
            }
        }
        Poll::Ready(())
    }

    /// Waits for the verdict on all that was shown.
    ///
    /// # Errors
    /// [`Trouble`]: it must not pass.
    pub fn poll_verdict(&mut self, context: &mut Context<'_>) -> Poll<Result<Verdict, Trouble>> {
        ready!(self.poll_taken(context));
        self.to = None;
        let told = ready!(Pin::new(&mut self.verdict).poll(context));
        Poll::Ready(match told.unwrap_or_else(|_| Err(Trouble::Down("the scan was given up".into()))) {
            Ok(()) => Ok(Verdict::Clean),
            Err(Trouble::Down(why)) if self.lenient => {
                info!(error = %why, "a document passes unscanned: {why}");
                Ok(Verdict::Unscanned)
            }
            // One that is too large, too: whoever sends it could have everything pass by its size.
            Err(trouble) => Err(trouble),
        })
    }
}

impl Drop for Scan {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl std::fmt::Debug for Scan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scan").field("waiting", &self.waiting.len()).finish_non_exhaustive()
    }
}

/// Shows documents one by one, each over a connection of its own, until there are no more or one must not pass. Where a
/// scanner that says nothing is borne with, those behind are shown all the same.
async fn show(
    place: &Place,
    mut pieces: Receiver<Piece>,
    patience: Duration,
    lenient: bool,
) -> Result<(), Trouble> {
    let mut down = None;
    while let Some(piece) = pieces.recv().await {
        match piece {
            Piece::Begins => {}
            // Between documents there is nothing to show.
            Piece::Content(_) | Piece::Ends => continue,
        }
        let connected = in_time(CONNECT_WITHIN, place.connect()).await;
        let shown = match connected {
            Ok(mut line) => one(&mut line, &mut pieces, patience).await,
            Err(error) => Err(error.into()),
        };
        match shown {
            Ok(Said::Clean) => {}
            Ok(Said::Found(name)) => return Err(Trouble::Found(name)),
            Ok(Said::TooLarge) => return Err(Trouble::TooLarge),
            Err(mute) => {
                let trouble = Trouble::Down(crate::telemetry::chain(&mute));
                if !lenient {
                    return Err(trouble);
                }
                down = Some(trouble);
            }
        }
    }
    down.map_or(Ok(()), Err)
}

async fn one(
    line: &mut (impl AsyncRead + AsyncWrite + Unpin),
    pieces: &mut Receiver<Piece>,
    patience: Duration,
) -> Result<Said, Mute> {
    let written = async {
        in_time(patience, clamd::begin(line)).await?;
        loop {
            match pieces.recv().await {
                Some(Piece::Content(bytes)) => in_time(patience, clamd::piece(line, &bytes)).await?,
                Some(Piece::Begins | Piece::Ends) => return in_time(patience, clamd::end(line)).await,
                // Whoever showed it is gone.
                None => return Err(io::ErrorKind::Interrupted.into()),
            }
        }
    };
    let written: io::Result<()> = written.await;
    if written.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::Interrupted) {
        return Err(Mute::Fault("the document did not come whole".into()));
    }
    // Who takes no more may have said why before the connection broke.
    let said = tokio::time::timeout(patience, clamd::verdict(line)).await;
    match (said, written) {
        (Ok(Ok(said)), Ok(())) => Ok(said),
        // A verdict on a part is none, unless it is one against the whole.
        (Ok(Ok(said @ (Said::Found(_) | Said::TooLarge))), Err(_)) => Ok(said),
        (Ok(Err(mute)), Ok(())) => Err(mute),
        (_, Err(error)) => Err(error.into()),
        (Err(_), Ok(())) => Err(io::Error::from(io::ErrorKind::TimedOut).into()),
    }
}

trait Line: AsyncRead + AsyncWrite + Send + Unpin {}

impl<L: AsyncRead + AsyncWrite + Send + Unpin> Line for L {}

impl Place {
    async fn connect(&self) -> io::Result<Box<dyn Line>> {
        Ok(match self {
            Self::Tcp(address) => Box::new(TcpStream::connect(address).await?),
            Self::Unix(path) => Box::new(UnixStream::connect(path).await?),
        })
    }
}

async fn in_time<T>(within: Duration, done: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::time::timeout(within, done).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}

const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// Pieces that wait for the scanner: the rest waits with whoever sends it.
const AHEAD: usize = 2;

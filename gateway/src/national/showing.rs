//! A body's documents on their way past the service.
//!
//! Whether a signature is for the service to verify is known when it comes, and that is behind its document. So what is
//! small is held until then, and what is larger is shown as it passes; what turns out to be signed otherwise is a question
//! that is never ended. What the service did not take yet keeps the body waiting, so that memory is bounded.

use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use agreements::SystemId;
use bytes::Bytes;
use certs::document::NationalSigner;
use tokio::sync::mpsc::{self, UnboundedSender};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use tracing::info;

use super::line::{End, ask};
use super::{NationalService, Trouble};
use crate::turns::Turn;

/// What one body's documents share.
pub(super) struct Case {
    service: Arc<NationalService>,
    consumer: SystemId,
    /// Bytes of documents of which the service was told nothing yet.
    held: AtomicUsize,
    backlog: Arc<Backlog>,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    /// Its place among the transfers that are shown.
    turn: Option<Turn>,
    tasks: Vec<AbortHandle>,
    awaited: Vec<oneshot::Receiver<Result<(), Trouble>>>,
}

/// Bytes that the service did not take yet, and who waits for it.
#[derive(Default)]
struct Backlog {
    bytes: AtomicUsize,
    waker: Mutex<Option<Waker>>,
}

/// Where documents begin to be shown: for who looks at their signatures.
#[derive(Debug)]
pub struct Desk(Arc<Case>);

/// What becomes of what is shown: for who passes the body on. Dropping it ends every question.
#[derive(Debug)]
pub struct Counsel(Arc<Case>);

/// One content that may be signed by a national algorithm. Dropping it gives its question up.
#[derive(Debug)]
pub struct Showing {
    case: Arc<Case>,
    state: State,
    bytes: u64,
}

enum State {
    Held(Vec<u8>),
    Shown(UnboundedSender<Piece>, oneshot::Receiver<Result<(), Trouble>>),
    Failed(Trouble),
}

/// Part of a question.
pub(super) enum Piece {
    Content(Counted),
    Signed { signature: Vec<u8>, signers: Vec<NationalSigner> },
}

/// Bytes that count as not taken until they are dropped.
pub(super) struct Counted {
    bytes: Bytes,
    backlog: Arc<Backlog>,
}

impl Case {
    pub(super) fn of(service: Arc<NationalService>, consumer: SystemId) -> Arc<Self> {
        let (held, backlog, open) = Default::default();
        Arc::new(Self { service, consumer, held, backlog, open })
    }

    /// Begins a question.
    fn opens(&self) -> State {
        let mut open = self.open();
        open.tasks.retain(|task| !task.is_finished());
        if open.tasks.len() >= MOST_AT_ONCE {
            return State::Failed(Trouble::TooMany);
        }
        if open.turn.is_none() {
            open.turn = self.service.turns.take(&self.consumer);
        }
        if open.turn.is_none() {
            return State::Failed(Trouble::Busy);
        }
        let (to, pieces) = mpsc::unbounded_channel();
        let (told, verdict) = oneshot::channel();
        let service = Arc::clone(&self.service);
        let task = tokio::spawn(async move {
            let End::Judged(verdict) = ask(&service, pieces).await else { return };
            service.silent.store(matches!(verdict, Err(Trouble::Silent(_))), Ordering::Relaxed);
            service.counts(&verdict);
            if let Err(trouble @ (Trouble::Silent(_) | Trouble::Answer(_) | Trouble::TooLargeForIt)) =
                &verdict
            {
                info!(error = %trouble, "a national signature is not verified: {trouble}");
            }
            // Whoever waits hears of it, or is gone.
            drop(told.send(verdict));
        });
        open.tasks.push(task.abort_handle());
        State::Shown(to, verdict)
    }

    /// Shows bytes; a question that ended already has its verdict.
    fn sends(&self, to: &UnboundedSender<Piece>, bytes: impl Into<Bytes>) {
        let bytes = bytes.into();
        self.backlog.bytes.fetch_add(bytes.len(), Ordering::AcqRel);
        drop(to.send(Piece::Content(Counted { bytes, backlog: Arc::clone(&self.backlog) })));
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Desk {
    pub(super) fn new(case: Arc<Case>) -> Self {
        Self(case)
    }

    /// A content begins.
    pub fn begins(&self) -> Showing {
        Showing { case: Arc::clone(&self.0), state: State::Held(Vec::new()), bytes: 0 }
    }

    /// What entries call who vouches.
    pub fn name(&self) -> &str {
        self.0.service.name()
    }
}

impl Showing {
    /// The next bytes of it.
    pub fn content(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        if self.bytes > self.case.service.most_bytes {
            self.becomes(State::Failed(Trouble::TooLarge));
        }
        if let State::Held(held) = &mut self.state {
            let before = self.case.held.fetch_add(bytes.len(), Ordering::AcqRel);
            held.extend_from_slice(bytes);
            if before + bytes.len() > MOST_HELD {
                self.opens();
            }
        } else if let State::Shown(to, _) = &self.state {
            self.case.sends(to, Bytes::copy_from_slice(bytes));
        }
    }

    /// It is over, and signed so: from here on its transfer waits for the verdict.
    pub fn signed(mut self, signature: Vec<u8>, signers: Vec<NationalSigner>) {
        if matches!(self.state, State::Held(_)) {
            self.opens();
        }
        let verdict = match self.becomes(State::Failed(Trouble::Busy)) {
            State::Shown(to, verdict) => {
                // A question that ended already has its verdict.
                drop(to.send(Piece::Signed { signature, signers }));
                verdict
            }
            State::Failed(trouble) => {
                let (told, verdict) = oneshot::channel();
                let trouble = Err(trouble);
                self.case.service.counts(&trouble);
                drop(told.send(trouble));
                verdict
            }
            State::Held(_) => return,
        };
        self.case.open().awaited.push(verdict);
    }

    /// Shows what was held.
    fn opens(&mut self) {
        let opened = self.case.opens();
        if let State::Held(held) = self.becomes(opened)
            && let State::Shown(to, _) = &self.state
        {
            self.case.sends(to, held);
        }
    }

    /// What it was until now; what was held is not any more.
    fn becomes(&mut self, state: State) -> State {
        let before = std::mem::replace(&mut self.state, state);
        if let State::Held(held) = &before {
            self.case.held.fetch_sub(held.len(), Ordering::AcqRel);
        }
        before
    }
}

impl Drop for Showing {
    fn drop(&mut self) {
        self.becomes(State::Failed(Trouble::Busy));
    }
}

impl Counsel {
    pub(super) fn new(case: Arc<Case>) -> Self {
        Self(case)
    }

    /// Waits until the service took most of what it is shown: nothing more is read meanwhile.
    pub fn poll_taken(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let backlog = &self.0.backlog;
        if backlog.bytes.load(Ordering::Acquire) <= MOST_BACKLOG {
            return Poll::Ready(());
        }
        *backlog.waker.lock().unwrap_or_else(PoisonError::into_inner) = Some(context.waker().clone());
        // It may have been taken before there was anybody to wake.
        if backlog.bytes.load(Ordering::Acquire) <= MOST_BACKLOG { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Waits for the verdict on all that was signed so.
    ///
    /// # Errors
    /// [`Trouble`]: one of the signatures does not count.
    pub fn poll_verdict(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Trouble>> {
        let mut open = self.0.open();
        while let Some(next) = open.awaited.first_mut() {
            let told = ready!(Pin::new(next).poll(context));
            open.awaited.swap_remove(0);
            if let Err(trouble) =
                told.unwrap_or_else(|_| Err(Trouble::Silent("the question was given up".into())))
            {
                return Poll::Ready(Err(trouble));
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl Drop for Counsel {
    fn drop(&mut self) {
        self.0.open().tasks.iter().for_each(AbortHandle::abort);
    }
}

impl Counted {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.backlog.bytes.fetch_sub(self.bytes.len(), Ordering::AcqRel);
        let waiting = self.backlog.waker.lock().unwrap_or_else(PoisonError::into_inner).take();
        waiting.into_iter().for_each(Waker::wake);
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case").field("held", &self.held).finish_non_exhaustive()
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Held(_) => "Held",
            Self::Shown(..) => "Shown",
            Self::Failed(_) => "Failed",
        })
    }
}

/// Documents of one body that are before the service at once; each has a connection.
const MOST_AT_ONCE: usize = 8;
/// What of a body's documents waits unshown for its signatures.
const MOST_HELD: usize = 128 << 10;
/// What of them waits for the service, beside the piece that came last.
const MOST_BACKLOG: usize = 64 << 10;
/// What a body may hold for the service, with the buffers of its connections.
pub const CASE_BYTES: usize = 1 << 20;

//! A body that passes as it comes: hashed, looked through, and held to the decision that let it begin.
//!
//! One piece is always kept back: the last one passes when all of it was found in order, and its end is on record. What
//! is cut before that never looks whole to whoever takes it.

use std::any::Any;
use std::fmt;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use adapters::multipart::Heard;
use aws_lc_rs::digest;
use bytes::Bytes;
use certs::message::RunningDigest;
use certs::trust::VerifiedChain;
use http_body::Body as _;
use hyper::body::Incoming;
use tokio::time::Sleep;

use super::body;
use super::document::{Check, Flaw, Side};
use super::passage::Cut;
use super::queue::Queue;
use super::{Framing, Refusal};
use crate::exchange_log::Sha256;
use crate::national::Counsel;
use crate::scanner::{Piece, Scan, Verdict};

/// A body that passes as it comes.
pub struct Passing {
    side: Side,
    /// Gone when nothing more of it is wanted.
    from: Option<Incoming>,
    framing: Option<Framing>,
    check: Check,
    /// What its sender signed that it is.
    content: Option<RunningDigest>,
    card: Option<Vec<u8>>,
    /// Whose signatures counted, once all was found in order.
    signatures: Option<Arc<str>>,
    bounds: Bounds,
    /// Looked through, and not yet passed on.
    queue: Queue,
    /// Which of its bytes pass; the others are only looked at.
    window: Option<Range<u64>>,
    length: Option<u64>,
    taken: u64,
    handed: u64,
    hash: digest::Context,
    hashed: u64,
    overseer: Option<Box<dyn Overseer>>,
    scan: Option<Scan>,
    verdict: Option<Verdict>,
    /// Who says whether it is signed rightly, where that is not for us to say.
    counsel: Option<Counsel>,
    place: Place,
    late: Pin<Box<Sleep>>,
    waiting: Waiting,
    // Given back when all has passed, or nothing more does.
    kept: Vec<Box<dyn Any + Send>>,
}

/// How much of it there may be, and how long it may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Most bytes.
    pub(super) bytes: u64,
    /// Longest time until the next piece.
    pub(super) piece: Duration,
    /// When it has to be over.
    pub(super) until: Instant,
}

/// What passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Passed {
    /// Of what passed whole.
    pub(super) digest: Option<Sha256>,
    pub(super) bytes: u64,
    /// Whose signatures counted, as entries have them.
    pub(super) signatures: Option<Arc<str>>,
    /// What a scanner said of it, if one was asked.
    pub(super) scan: Option<Verdict>,
}

/// What is done before the last piece passes.
pub(super) type Told = Pin<Box<dyn Future<Output = Result<(), Refusal>> + Send>>;

/// Who answers for a transfer while it runs.
pub(super) trait Overseer: Send {
    /// Whether it may still go on.
    fn still(&mut self) -> Result<(), Refusal>;

    /// Hears to whom it goes, as they proved.
    fn goes_to(&mut self, line: &VerifiedChain);

    /// Hears whether the next piece is waited for.
    fn waits(&mut self, waiting: Waiting);

    /// Hears how many bytes passed, with those of the piece that passes now.
    fn hands(&mut self, handed: u64);

    /// Hears that all was found in order.
    fn passed(&mut self, passed: Passed) -> Told;

    /// Hears that no more than so many bytes passed, and why, unless whoever took them went away.
    fn cut(&mut self, handed: u64, why: Option<Refusal>);
}

/// Whether the next piece is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waiting {
    /// It is.
    Yes,
    /// A piece came.
    No,
}

enum Place {
    Reading,
    /// All was read and found in order; nobody was told yet.
    Read,
    Telling(Told),
    Over,
    Cut,
}

impl Passing {
    pub(super) fn new(side: Side, from: impl Into<Option<Incoming>>, check: Check, bounds: Bounds) -> Self {
        let from = from.into();
        let length = from.as_ref().and_then(|from| from.size_hint().exact());
        Self {
            side,
            from,
            framing: None,
            check,
            content: None,
            card: None,
            signatures: None,
            bounds,
            queue: Queue::default(),
            window: None,
            length,
            taken: 0,
            handed: 0,
            hash: digest::Context::new(&digest::SHA256),
            hashed: 0,
            overseer: None,
            scan: None,
            verdict: None,
            counsel: None,
            place: Place::Reading,
            late: Box::pin(tokio::time::sleep_until(bounds.until.into())),
            waiting: Waiting::No,
            kept: Vec::new(),
        }
    }

    /// What the guard under its connection knows.
    pub(super) fn framed(&mut self, framing: Option<&Framing>) {
        self.framing = framing.cloned();
    }

    /// Only these of its bytes pass.
    pub(super) fn only(&mut self, window: Range<u64>) {
        self.window = Some(window);
    }

    /// It has to be what its sender signed; said before any of it is read.
    pub(super) fn expects(&mut self, content: Option<RunningDigest>) {
        self.content = content;
    }

    /// All of it is shown to a scanner, before anything is read.
    pub(super) fn scanned(&mut self, scan: Option<Scan>) {
        self.scan = scan;
        if let Some(scan) = &mut self.scan {
            match &mut self.check {
                Check::Form(form) => form.listen(),
                Check::Document(_) | Check::Finished => scan.shows(Piece::Begins),
            }
        }
    }

    /// It waits for what is said of its signatures elsewhere.
    pub(super) fn counselled(&mut self, counsel: Option<Counsel>) {
        self.counsel = counsel;
    }

    /// From here on somebody answers for it.
    pub(super) fn oversee(&mut self, overseer: impl Overseer + 'static) {
        self.overseer = Some(Box::new(overseer));
    }

    /// Says to whom it goes.
    pub(super) fn goes_to(&mut self, line: &VerifiedChain) {
        if let Some(overseer) = &mut self.overseer {
            overseer.goes_to(line);
        }
    }

    pub(super) fn keep(&mut self, kept: impl Any + Send) {
        self.kept.push(Box::new(kept));
    }

    /// The card, once it was read.
    pub(super) fn take_card(&mut self) -> Option<Vec<u8>> {
        self.card.take()
    }

    /// Reads ahead: what is wrong from the start is refused before anything passes; what is small is read whole.
    ///
    /// # Errors
    /// The refusal that it deserves; nothing passed.
    pub(super) async fn lead(&mut self) -> Result<(), Refusal> {
        loop {
            if matches!(self.place, Place::Read) {
                return std::future::poll_fn(|context| self.poll_judged(context)).await;
            }
            if self.taken >= LEAD_BYTES && self.check.is_settled() {
                return Ok(());
            }
            std::future::poll_fn(|context| self.poll_read(context)).await?;
        }
    }

    /// When it has to be over.
    pub(crate) fn until(&self) -> Instant {
        self.bounds.until
    }

    /// Bytes that are still to pass, if that is known.
    pub(super) fn left(&self) -> Option<u64> {
        let all = self.window.as_ref().map(|window| window.end - window.start).or(self.length);
        all.map(|all| all.saturating_sub(self.handed))
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.place, Place::Over) && self.queue.len() == 0
    }

    /// The next piece, for whoever takes it.
    pub(super) fn poll_pass(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Cut>>> {
        loop {
            if matches!(self.place, Place::Over) {
                return Poll::Ready(self.pop().map(Ok));
            }
            let step = match &mut self.place {
                // B9: what waited is looked at again when it passes.
                _ if self.queue.len() > 1 => match self.still() {
                    Ok(()) => return Poll::Ready(self.pop().map(Ok)),
                    refused => refused,
                },
                Place::Reading => ready!(self.poll_read(context)),
                Place::Read => match ready!(self.poll_judged(context)) {
                    Ok(()) => self.ends(),
                    refused => refused,
                },
                Place::Telling(told) => {
                    let told = ready!(told.as_mut().poll(context));
                    if told.is_ok() {
                        self.place = Place::Over;
                    }
                    told
                }
                Place::Over => Ok(()),
                Place::Cut => return Poll::Ready(Some(Err(Cut))),
            };
            if let Err(refusal) = step {
                self.cut(Some(refusal));
                return Poll::Ready(Some(Err(Cut)));
            }
        }
    }

    fn pop(&mut self) -> Option<Bytes> {
        let piece = self.queue.pop()?;
        self.handed += piece.len() as u64;
        if let Some(overseer) = &mut self.overseer {
            overseer.hands(self.handed);
        }
        Some(piece)
    }

    /// B9: whether what was decided at the beginning holds.
    fn still(&mut self) -> Result<(), Refusal> {
        self.overseer.as_mut().map_or(Ok(()), |overseer| overseer.still())
    }

    /// Tells that all was found in order, if it may still pass.
    fn ends(&mut self) -> Result<(), Refusal> {
        self.still()?;
        self.place = match &mut self.overseer {
            Some(overseer) => {
                let mut digest = [0; 32];
                let hash = std::mem::replace(&mut self.hash, digest::Context::new(&digest::SHA256));
                digest.copy_from_slice(hash.finish().as_ref());
                Place::Telling(overseer.passed(Passed {
                    digest: Some(Sha256(digest)),
                    bytes: self.hashed,
                    signatures: self.signatures.take(),
                    scan: self.verdict,
                }))
            }
            None => Place::Over,
        };
        Ok(())
    }

    /// What is said of it elsewhere, where anybody is asked: until then the last piece waits.
    fn poll_judged(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Refusal>> {
        if let Some(scan) = &mut self.scan {
            let Poll::Ready(verdict) = scan.poll_verdict(context) else { return self.holds_up() };
            self.scan = None;
            self.goes_on();
            self.verdict = verdict.as_ref().ok().copied();
            if let Err(trouble) = verdict {
                return Poll::Ready(Err(self.side.refusal(&Flaw::Scan(trouble))));
            }
        }
        if let Some(counsel) = &mut self.counsel {
            let Poll::Ready(verdict) = counsel.poll_verdict(context) else { return self.holds_up() };
            self.counsel = None;
            self.goes_on();
            return Poll::Ready(verdict.map_err(|trouble| self.side.refusal(&Flaw::National(trouble))));
        }
        Poll::Ready(Ok(()))
    }

    /// Waits until those who are shown it took what they were shown: nothing more is read meanwhile.
    fn poll_taken(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.scan.is_none() && self.counsel.is_none() {
            return Poll::Ready(());
        }
        let scan = self.scan.as_mut().map_or(Poll::Ready(()), |scan| scan.poll_taken(context));
        let counsel = self.counsel.as_mut().map_or(Poll::Ready(()), |counsel| counsel.poll_taken(context));
        if scan.is_pending() || counsel.is_pending() {
            return self.holds_up();
        }
        if self.waiting == Waiting::No {
            self.goes_on();
        }
        Poll::Ready(())
    }

    /// Whoever waits for the other side hears whether it is that again.
    fn goes_on(&mut self) {
        if let Some(overseer) = &mut self.overseer {
            overseer.waits(self.waiting);
        }
    }

    /// Whoever waits for the other side hears that it is not that.
    fn holds_up<T>(&mut self) -> Poll<T> {
        if let Some(overseer) = &mut self.overseer {
            overseer.waits(Waiting::Yes);
        }
        Poll::Pending
    }

    /// Takes one piece, or the end.
    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Refusal>> {
        ready!(self.poll_taken(context));
        let Some(from) = &mut self.from else { return Poll::Ready(Err(self.side.refusal(&Flaw::Late))) };
        let frame = match Pin::new(from).poll_frame(context) {
            Poll::Ready(frame) => frame,
            Poll::Pending => {
                if self.waiting == Waiting::No {
                    self.is_taken()?;
                    self.wait(Waiting::Yes);
                    let until = (Instant::now() + self.bounds.piece).min(self.bounds.until);
                    self.late.as_mut().reset(until.into());
                }
                ready!(self.late.as_mut().poll(context));
                return Poll::Ready(Err(self.side.refusal(&Flaw::Late)));
            }
        };
        if self.waiting == Waiting::Yes {
            self.wait(Waiting::No);
        } else {
            self.is_taken()?;
        }
        Poll::Ready(match frame {
            Some(Ok(frame)) => match frame.into_data() {
                Ok(piece) => self.take(piece),
                // Trailers end here: nobody agreed on any.
                Err(_) => Ok(()),
            },
            Some(Err(error)) => Err(match Framing::body_violation(self.framing.as_ref()) {
                Some(violation) => violation.into(),
                None => self.side.refusal(&Flaw::Broken(error)),
            }),
            None => {
                if let (Some(scan), Check::Document(_)) = (&mut self.scan, &self.check) {
                    scan.shows(Piece::Ends);
                }
                let finished = std::mem::take(&mut self.check).finish();
                let is_as_signed = self.content.take().is_none_or(RunningDigest::holds);
                let finished =
                    finished.and_then(|found| if is_as_signed { Ok(found) } else { Err(Flaw::Content) });
                let finished = finished.map_err(|flaw| self.side.refusal(&flaw));
                finished.map(|signatures| {
                    self.signatures = signatures.map(Arc::from);
                    self.place = Place::Read;
                })
            }
        })
    }

    /// C8: whether whoever it goes to took it in time: not, if the time ran out while nobody waited for its sender.
    fn is_taken(&self) -> Result<(), Refusal> {
        // Before it passes there is nobody to take it.
        let untaken = self.overseer.is_some() && Instant::now() > self.bounds.until;
        if untaken { Err(self.side.refusal(&Flaw::Untaken)) } else { Ok(()) }
    }

    fn take(&mut self, piece: Bytes) -> Result<(), Refusal> {
        let from = self.taken;
        self.taken += piece.len() as u64;
        if self.taken > self.bounds.bytes {
            return Err(self.side.refusal(&Flaw::TooLarge(self.bounds.bytes)));
        }
        if Instant::now() > self.bounds.until {
            return Err(self.side.refusal(&Flaw::Late));
        }
        // B9: what was decided at the beginning is looked at again for each piece.
        self.still()?;
        self.check.push(&piece).map_err(|flaw| self.side.refusal(&flaw))?;
        match (&mut self.scan, &mut self.check) {
            (None, _) => {}
            (Some(scan), Check::Form(form)) => form.heard().into_iter().for_each(|heard| {
                scan.shows(match heard {
                    Heard::Begins => Piece::Begins,
                    Heard::Content(bytes) => Piece::Content(bytes.into()),
                    Heard::Ends => Piece::Ends,
                });
            }),
            (Some(scan), Check::Document(_) | Check::Finished) => scan.shows(Piece::Content(piece.clone())),
        }
        if let Some(card) = self.check.take_card() {
            self.card = Some(card);
        }
        if let Some(content) = &mut self.content {
            content.push(&piece);
        }
        let piece = match &self.window {
            None => piece,
            Some(window) => {
                let within = |at: u64| usize::try_from(at.clamp(from, self.taken) - from).unwrap_or(0);
                piece.slice(within(window.start)..within(window.end))
            }
        };
        self.hash.update(&piece);
        self.hashed += piece.len() as u64;
        self.queue.push(piece);
        Ok(())
    }

    fn wait(&mut self, waiting: Waiting) {
        self.waiting = waiting;
        if let Some(overseer) = &mut self.overseer {
            overseer.waits(waiting);
        }
    }

    fn cut(&mut self, why: Option<Refusal>) {
        self.place = Place::Cut;
        self.queue.clear();
        if let (Side::Request, Some(from)) = (self.side, self.from.take()) {
            body::linger(from);
        }
        if let Some(mut overseer) = self.overseer.take() {
            overseer.cut(self.handed, why);
        }
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        if !matches!(self.place, Place::Over | Place::Cut) {
            self.cut(None);
        }
    }
}

impl fmt::Debug for Passing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passing")
            .field("taken", &self.taken)
            .field("handed", &self.handed)
            .finish_non_exhaustive()
    }
}

/// How much is read before any of it passes: most mistakes show there, and small documents end there.
const LEAD_BYTES: u64 = 32 << 10;

#[cfg(test)]
mod tests {
    use super::super::rows;
    use super::*;

    /// Lets so many pieces pass.
    struct Lets(u32);

    impl Overseer for Lets {
        fn still(&mut self) -> Result<(), Refusal> {
            let left = self.0.checked_sub(1);
            self.0 = left.ok_or_else(|| Refusal::new(&rows::TERMS_CHANGED, "withdrawn"))?;
            Ok(())
        }

        fn goes_to(&mut self, _: &VerifiedChain) {}

        fn waits(&mut self, _: Waiting) {}

        fn hands(&mut self, _: u64) {}

        fn passed(&mut self, _: Passed) -> Told {
            Box::pin(std::future::ready(Ok(())))
        }

        fn cut(&mut self, _: u64, _: Option<Refusal>) {}
    }

    /// B9: a document that was read whole before it was overseen, too.
    #[tokio::test]
    async fn what_waits_to_pass_is_held_to_the_decision_when_it_passes_and_not_only_when_it_was_read() {
        let (mut passed, long) = (Vec::new(), Bytes::from_static(&[7; 8 << 10]));
        for (pieces, lets) in [(1, 0), (1, 1), (3, 0), (3, 1), (3, 2), (3, 3)] {
            let until = Instant::now() + Duration::from_secs(60);
            let bounds = Bounds { bytes: 1 << 20, piece: Duration::from_secs(60), until };
            let mut passing = Passing::new(Side::Response, None, Check::Finished, bounds);
            for _ in 0..pieces {
                passing.take(long.clone()).unwrap();
            }
            passing.place = Place::Read;
            passing.oversee(Lets(lets));
            let mut whole = 0;
            let end = loop {
                match std::future::poll_fn(|context| passing.poll_pass(context)).await {
                    Some(Ok(_)) => whole += 1,
                    end => break end.is_none(),
                }
            };
            passed.push((whole, end));
        }
        assert_eq!(passed, [(0, false), (1, true), (0, false), (1, false), (2, false), (3, true)]);
    }
}

//! The guard under hyper's HTTP/1 server: bytes pass only in messages that mean one thing.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::message::{Messages, Then};
use super::observed::Place;
use super::{FramingViolation, Observed, Phase};

/// A connection whose reading side follows the boundaries of HTTP/1 messages.
///
/// - A head passes once it is complete and in order, at most one message a read, its bytes untouched.
/// - Instead of a bad head a small request passes that asks to close; the violation stands in [`Observed`] under the
///   number of the call which hyper makes of it. The peer is then neither heard nor hurried: reads stay pending
///   until the answer is out and hyper shuts the connection down, for an end of file would make it drop the answer.
/// - A bad body ends in an error of the kind `InvalidData` around the [`FramingViolation`], which is recorded too.
///
/// Holds at most one head and what one read brought. Writes pass as they are.
///
/// # Cancel safety
/// Reads and writes lose nothing when dropped, as with the connection beneath.
#[derive(Debug)]
pub struct Guarded<IO> {
    io: IO,
    messages: Messages,
    stage: Stage,
    /// `held[start..cleared]` may pass; `held[cleared..]` was read and waits for what makes it complete.
    held: Vec<u8>,
    start: usize,
    cleared: usize,
    observed: Arc<Observed>,
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    Open,
    /// The substitute was handed out. So many bytes more are read and thrown away, so that a close with unread
    /// bytes does not reset the connection under our answer.
    HeadRefused {
        discard_bytes: usize,
    },
    BodyRefused(FramingViolation),
    Shut,
}

impl<IO> Guarded<IO> {
    /// Guards `io` from its first message on.
    pub fn new(io: IO) -> Self {
        Self {
            io,
            messages: Messages::default(),
            stage: Stage::Open,
            held: Vec::new(),
            start: 0,
            cleared: 0,
            observed: Arc::new(Observed::new()),
        }
    }

    /// What the guard sees, also after hyper took it.
    pub fn observed(&self) -> Arc<Observed> {
        Arc::clone(&self.observed)
    }

    /// The guarded connection.
    pub fn io(&self) -> &IO {
        &self.io
    }

    #[cfg(test)]
    pub(super) fn held_bytes(&self) -> usize {
        self.held.len()
    }

    /// Looks at what is held behind the cleared bytes.
    fn judge_held(&mut self) {
        let advance = self.messages.advance(&self.held[self.cleared..]);
        self.cleared += advance.cleared;
        self.settle(&advance.then);
    }

    /// Looks at `fresh` where it lies, holds back what may not pass yet, and says how much may.
    fn judge_in_place(&mut self, fresh: &[u8]) -> usize {
        let advance = self.messages.advance(fresh);
        self.held.extend_from_slice(&fresh[advance.cleared..]);
        self.settle(&advance.then);
        advance.cleared
    }

    fn settle(&mut self, then: &Then) {
        let heads = self.messages.heads();
        let phase = match then {
            Then::Violated(violation) if self.messages.in_head() => {
                self.observed.violated(Place::Head { ordinal: heads }, *violation);
                // One look ends with one message, so nothing was cleared before a head.
                self.held.clear();
                self.held.extend_from_slice(SUBSTITUTE);
                (self.start, self.cleared) = (0, SUBSTITUTE.len());
                self.stage = Stage::HeadRefused { discard_bytes: DISCARD_BYTES };
                Phase::Violated
            }
            Then::Violated(violation) => {
                self.observed.violated(Place::Body { ordinal: heads.saturating_sub(1) }, *violation);
                self.held.truncate(self.cleared);
                self.stage = Stage::BodyRefused(*violation);
                Phase::Violated
            }
            Then::Boundary if self.held.len() > self.cleared => Phase::Queued,
            Then::Boundary => Phase::Between,
            Then::More if self.messages.in_head() => Phase::Head,
            Then::More => Phase::Body,
        };
        self.observed.entered(phase, heads);
    }

    fn pass_cleared(&mut self, buf: &mut ReadBuf<'_>) {
        let count = buf.remaining().min(self.cleared - self.start);
        buf.put_slice(&self.held[self.start..self.start + count]);
        self.start += count;
        if self.start == self.held.len() {
            self.held.clear();
            (self.start, self.cleared) = (0, 0);
        }
    }
}

impl<IO: AsyncRead + Unpin> Guarded<IO> {
    fn poll_discard(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
        mut left: usize,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        while left > 0 {
            let result = ready!(Pin::new(&mut self.io).poll_read(cx, buf));
            let count = buf.filled().len() - before;
            buf.set_filled(before);
            left = if result.is_err() || count == 0 { 0 } else { left.saturating_sub(count) };
            self.stage = Stage::HeadRefused { discard_bytes: left };
        }
        // Nothing wakes this task for reading any more: the answer's end does, for writing.
        Poll::Pending
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Guarded<IO> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        loop {
            if this.cleared > this.start {
                this.pass_cleared(buf);
                return Poll::Ready(Ok(()));
            }
            match this.stage {
                Stage::Open => {}
                Stage::HeadRefused { discard_bytes } => return this.poll_discard(cx, buf, discard_bytes),
                Stage::BodyRefused(violation) => {
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, violation)));
                }
                Stage::Shut => return Poll::Ready(Ok(())),
            }
            // The rest of an earlier read first: it may be a whole message already.
            if this.held.len() > this.cleared {
                this.held.drain(..this.start);
                (this.start, this.cleared) = (0, 0);
                this.judge_held();
                if this.cleared > 0 || matches!(this.stage, Stage::BodyRefused(_)) {
                    continue;
                }
            }

            let before = buf.filled().len();
            let Poll::Ready(result) = Pin::new(&mut this.io).poll_read(cx, buf) else {
                this.observed.read_blocked();
                if this.held.is_empty() {
                    this.held = Vec::new(); // an idle connection gives its buffer back
                }
                return Poll::Pending;
            };
            result?;
            let fresh = &buf.filled()[before..];
            if fresh.is_empty() {
                return Poll::Ready(Ok(()));
            }
            this.observed.read(fresh.len());
            if this.held.is_empty() {
                let cleared = this.judge_in_place(fresh);
                buf.set_filled(before + cleared);
                if cleared > 0 {
                    return Poll::Ready(Ok(()));
                }
            } else {
                // The reader's buffer was only borrowed: nothing of this may pass yet.
                this.held.extend_from_slice(fresh);
                buf.set_filled(before);
            }
        }
    }
}

impl<IO: AsyncWrite + Unpin> Guarded<IO> {
    fn note_write(&self, result: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &result {
            Poll::Ready(Ok(bytes)) => self.observed.written(*bytes),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.observed.write_blocked(),
        }
        result
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Guarded<IO> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.io).poll_write(cx, bytes);
        this.note_write(result)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.io).poll_write_vectored(cx, slices);
        this.note_write(result)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.io).poll_flush(cx);
        match &result {
            Poll::Ready(Ok(())) => this.observed.written(0),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => this.observed.write_blocked(),
        }
        result
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.stage = Stage::Shut;
        Pin::new(&mut this.io).poll_shutdown(cx)
    }
}

/// What hyper reads instead of a bad head.
const SUBSTITUTE: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

/// Most bytes thrown away after a bad head: what a peer may well have sent before it hears of it.
const DISCARD_BYTES: usize = 64 * 1024;

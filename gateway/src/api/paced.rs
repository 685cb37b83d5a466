//! A connection whose other side takes what it is sent: one that does not is an error, after a time.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// A connection under watch.
pub(super) struct Paced<S> {
    stream: S,
    patience: Duration,
    written: u64,
    /// While something waits to be taken.
    watch: Option<Watch>,
}

/// From when, and how much had been written then.
struct Watch {
    ends: Pin<Box<Sleep>>,
    before: u64,
}

impl<S> Paced<S> {
    /// Of what is written, some is taken within `patience`, and more than a trickle.
    pub(super) fn new(stream: S, patience: Duration) -> Self {
        Self { stream, patience, written: 0, watch: None }
    }

    /// What a write came to. That some of it was taken ends no watch: who takes a little now and then would never be
    /// late. That all was, does.
    fn wrote(
        &mut self,
        result: Poll<io::Result<usize>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        match result {
            Poll::Ready(Ok(bytes)) => {
                self.written += bytes as u64;
                Poll::Ready(Ok(bytes))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => self.wait(context).map(Err),
        }
    }

    fn flushed(&mut self, result: Poll<io::Result<()>>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match result {
            Poll::Ready(done) => {
                self.watch = None;
                Poll::Ready(done)
            }
            Poll::Pending => self.wait(context).map(Err),
        }
    }

    fn wait(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        let (patience, written) = (self.patience, self.written);
        let watch =
            self.watch.get_or_insert_with(|| Watch { ends: Box::pin(sleep(patience)), before: written });
        while watch.ends.as_mut().poll(context).is_ready() {
            let taken = u128::from(written - watch.before);
            if taken * 1_000 < SLOWEST_BYTES_A_SECOND * patience.as_millis() {
                return Poll::Ready(io::Error::new(io::ErrorKind::TimedOut, "answers are not taken"));
            }
            watch.before = written;
            watch.ends.as_mut().reset(Instant::now() + patience);
        }
        Poll::Pending
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.wrote(result, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.wrote(result, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_flush(context);
        self.flushed(result, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_shutdown(context);
        self.flushed(result, context)
    }
}

/// Slower than this nobody takes an answer in earnest.
const SLOWEST_BYTES_A_SECOND: u128 = 1_024;

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test]
    async fn what_nobody_takes_is_an_error_after_a_time() {
        let (ours, _theirs) = duplex(16);
        let mut ours = Paced::new(ours, Duration::from_millis(20));
        assert_eq!(ours.write_all(&[0; 100]).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn what_is_taken_byte_by_byte_is_an_error_too() {
        let (ours, mut theirs) = duplex(16);
        let mut ours = Paced::new(ours, Duration::from_millis(500));
        let trickle = tokio::spawn(async move {
            while theirs.read_u8().await.is_ok() {
                sleep(Duration::from_millis(5)).await;
            }
        });
        assert_eq!(ours.write_all(&[0; 100_000]).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        trickle.abort();
    }

    #[tokio::test]
    async fn what_is_taken_in_time_passes() {
        let (ours, mut theirs) = duplex(16);
        let mut ours = Paced::new(ours, Duration::from_secs(60));
        let taken = tokio::spawn(async move {
            let mut taken = Vec::new();
            theirs.read_to_end(&mut taken).await.map(|_| taken.len())
        });
        ours.write_all(&[0; 100_000]).await.unwrap();
        ours.shutdown().await.unwrap();
        drop(ours);
        assert_eq!(taken.await.unwrap().unwrap(), 100_000);
    }
}

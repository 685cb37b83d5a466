//! Bodies taken whole: within a size, a time, and the memory that all exchanges share.

use std::time::Duration;

use bytes::Bytes;
use http::header::EXPECT;
use http::{Version, request};
use http_body::Body;
use http_body_util::BodyExt;
use hyper::body::Incoming;

use super::budget::Room;

/// Bytes that give their room back when the last of them was dropped: sent, say, to a peer that takes its time.
struct Housed {
    bytes: Bytes,
    _room: Room,
}

impl AsRef<[u8]> for Housed {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Binds bytes to the room that they take.
pub(super) fn housed(bytes: Bytes, room: Room) -> Bytes {
    Bytes::from_owner(Housed { bytes, _room: room })
}

/// Why a body was not taken.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// More bytes than allowed.
    #[error("more than {0} bytes")]
    TooLarge(u64),
    /// All exchanges together hold as much as they may.
    #[error("no memory left for payloads")]
    NoRoom,
    /// It did not come in time.
    #[error("the body did not end within {0:?}")]
    Late(Duration),
    /// It broke off.
    #[error("the body broke off")]
    Broken(#[source] hyper::Error),
}

/// The body of a request until somebody takes it.
///
/// Dropped before it ended, what is left of it is read for a while over HTTP/1: who is still sending hears the answer,
/// rather than that the connection broke (RFC 9112 §9.6). Who waits to be told that it may send is told not to.
pub(super) struct Untaken {
    body: Option<Incoming>,
    waits: Waits,
}

/// What a sender does while it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waits {
    /// It sends its body all the same.
    Sends,
    /// It can be told to stop, or has not begun.
    CanBeTold,
}

impl Untaken {
    pub(super) fn new(body: Incoming, head: &request::Parts) -> Self {
        let can_be_told = head.version >= Version::HTTP_2 || head.headers.contains_key(EXPECT);
        Self { body: Some(body), waits: if can_be_told { Waits::CanBeTold } else { Waits::Sends } }
    }

    /// The body as it is.
    pub(super) fn seen(&mut self) -> &mut Incoming {
        self.body.as_mut().expect("it is there until it is taken, which ends this")
    }

    /// Gives the body away.
    pub(super) fn taken(mut self) -> Incoming {
        self.body.take().expect("it is there until it is taken, which ends this")
    }
}

impl Drop for Untaken {
    fn drop(&mut self) {
        if let Some(body) =
            self.body.take().filter(|body| self.waits == Waits::Sends && !body.is_end_stream())
        {
            linger(body);
        }
    }
}

/// Reads what is left of a body that is not wanted, for a while.
pub(super) fn linger(mut body: Incoming) {
    // Owns the body and ends with it, or after its time.
    tokio::spawn(tokio::time::timeout(LINGER, async move { while let Some(Ok(_)) = body.frame().await {} }));
}

/// Takes a body whole, in time. Its room is given back when the last of its bytes is dropped.
///
/// # Errors
/// [`BodyError`]; what was read is dropped.
///
/// # Cancel safety
/// Dropped meanwhile, what was read is dropped and its memory given back.
pub(super) async fn hold_within<B>(
    body: B,
    most: u64,
    within: Duration,
    room: Room,
) -> Result<Bytes, BodyError>
where
    B: Body<Data = Bytes, Error = hyper::Error> + Unpin,
{
    let held = tokio::time::timeout(within, hold(body, most, room));
    held.await.map_err(|_| BodyError::Late(within))?
}

/// As [`hold_within`], for who keeps a deadline already: a timer costs more than most bodies.
///
/// # Errors
/// As [`hold_within`].
///
/// # Cancel safety
/// As [`hold_within`].
pub(super) async fn hold<B>(body: B, most: u64, mut room: Room) -> Result<Bytes, BodyError>
where
    B: Body<Data = Bytes, Error = hyper::Error> + Unpin,
{
    if body.size_hint().lower() > most {
        return Err(BodyError::TooLarge(most));
    }
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let bytes = collect(body, most, &mut room).await?;
    Ok(housed(bytes, room))
}

async fn collect<B>(mut body: B, most: u64, room: &mut Room) -> Result<Bytes, BodyError>
where
    B: Body<Data = Bytes, Error = hyper::Error> + Unpin,
{
    let mut first = Bytes::new();
    let mut rest: Vec<u8> = Vec::new();
    let (mut held, mut roomy) = (0_u64, 0_usize);
    while let Some(frame) = body.frame().await {
        // Trailers end here: nobody agreed on any.
        let Ok(data) = frame.map_err(BodyError::Broken)?.into_data() else { continue };
        held += data.len() as u64;
        if held > most {
            return Err(BodyError::TooLarge(most));
        }
        if first.is_empty() && rest.is_empty() {
            (roomy, first) = (data.len(), data);
            if !room.grow(roomy) {
                return Err(BodyError::NoRoom);
            }
            continue;
        }
        let needed = usize::try_from(held).unwrap_or(usize::MAX);
        if needed > rest.capacity() {
            // Never more than there is room for: what is announced, or twice what there was.
            let announced = needed.saturating_add(usize::try_from(body.size_hint().lower()).unwrap_or(0));
            let bound = usize::try_from(most).unwrap_or(usize::MAX);
            let capacity = announced.max(2 * rest.capacity()).min(bound);
            if !room.grow(capacity - roomy.min(capacity)) {
                return Err(BodyError::NoRoom);
            }
            roomy = roomy.max(capacity);
            rest.reserve_exact(capacity - rest.len());
            rest.extend_from_slice(&std::mem::take(&mut first));
        }
        rest.extend_from_slice(&data);
    }
    Ok(if rest.is_empty() { first } else { rest.into() })
}

/// For how long a body that is not wanted is read.
const LINGER: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use http_body::{Frame, SizeHint};

    use super::*;
    use crate::exchange::budget::Budget;

    /// A body in pieces, which announces what it likes.
    struct Pieces(VecDeque<Bytes>, u64);

    impl Body for Pieces {
        type Data = Bytes;
        type Error = hyper::Error;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
            Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::data(piece))))
        }

        fn size_hint(&self) -> SizeHint {
            let mut hint = SizeHint::new();
            hint.set_lower(self.1);
            hint
        }
    }

    #[tokio::test]
    async fn body_that_announces_more_than_there_is_room_for_is_refused_before_memory_is_reserved() {
        let all = Budget::new(100);
        let pieces = |announced| Pieces([&b"0123456789"[..]; 4].map(Bytes::from_static).into(), announced);
        let room = || Room::new(&all, &Budget::new(1 << 20));
        let refused = hold(pieces(1000), 10_000, room()).await;
        assert!(matches!(refused, Err(BodyError::NoRoom)), "{refused:?}");
        assert_eq!(all.used(), 0);
        for announced in [0, 30] {
            let held = hold(pieces(announced), 60, room()).await.unwrap();
            assert_eq!(&held[..], b"0123456789".repeat(4));
            assert!((40..=60).contains(&all.used()), "{}", all.used());
        }
        assert_eq!(all.used(), 0);
    }
}

//! Pieces that wait to pass, in about as much memory as they have bytes.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// Pieces that wait to pass.
///
/// A piece keeps all that it was read with, however short it is: whoever sends bytes one by one would hold a buffer for
/// each of them. So short pieces are copied, and joined.
#[derive(Debug, Default)]
pub(super) struct Queue {
    pieces: VecDeque<Bytes>,
    /// Short ones, behind all others.
    joined: BytesMut,
}

impl Queue {
    pub(super) fn push(&mut self, piece: Bytes) {
        if piece.is_empty() {
            return;
        }
        let short = piece.len() < SHORT_BYTES;
        if short {
            self.joined.extend_from_slice(&piece);
        }
        if !self.joined.is_empty() && (!short || self.joined.len() >= JOINED_BYTES) {
            self.pieces.push_back(std::mem::take(&mut self.joined).freeze());
        }
        if !short {
            self.pieces.push_back(piece);
        }
    }

    pub(super) fn pop(&mut self) -> Option<Bytes> {
        let joined = &mut self.joined;
        self.pieces
            .pop_front()
            .or_else(|| Some(std::mem::take(joined).freeze()).filter(|piece| !piece.is_empty()))
    }

    pub(super) fn len(&self) -> usize {
        self.pieces.len() + usize::from(!self.joined.is_empty())
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// Pieces below this are copied.
const SHORT_BYTES: usize = 4 << 10;
/// Joined ones pass when they are so long.
const JOINED_BYTES: usize = 16 << 10;

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// As what a connection was read into: it counts how many of it are held.
    struct Buffer(Arc<AtomicUsize>);

    impl AsRef<[u8]> for Buffer {
        fn as_ref(&self) -> &[u8] {
            &[7; 8 << 10]
        }
    }

    impl Drop for Buffer {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Promise 7
    #[test]
    fn bytes_that_come_one_by_one_keep_nothing_of_what_they_were_read_with() {
        let held = Arc::new(AtomicUsize::new(0));
        let mut queue = Queue::default();
        for _ in 0..256 << 10 {
            held.fetch_add(1, Ordering::Relaxed);
            queue.push(Bytes::from_owner(Buffer(Arc::clone(&held))).slice(..1));
        }
        assert_eq!((queue.len(), held.load(Ordering::Relaxed)), (16, 0));
        let mut bytes = 0;
        while let Some(piece) = queue.pop() {
            bytes += piece.len();
        }
        assert_eq!((bytes, queue.len()), (256 << 10, 0));
    }

    #[test]
    fn pieces_come_out_as_they_went_in() {
        let (mut queue, mut sent, mut passed) = (Queue::default(), Vec::new(), Vec::new());
        for (at, length) in [1, SHORT_BYTES, 0, 5, SHORT_BYTES - 1, 2, 20_000, 3].into_iter().enumerate() {
            let piece = vec![u8::try_from(at).unwrap(); length];
            sent.extend_from_slice(&piece);
            queue.push(piece.into());
            if queue.len() > 2 {
                passed.extend_from_slice(&queue.pop().unwrap());
            }
        }
        while let Some(piece) = queue.pop() {
            passed.extend_from_slice(&piece);
        }
        assert!(passed == sent);
    }
}

//! Bodies on their way out, to a consumer or a provider: whole, or as they come.

use std::any::Any;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::passing::Passing;

/// A body on its way out.
#[derive(Debug)]
pub enum Passage {
    /// In memory, checked.
    Whole(Bytes),
    /// As it comes, checked on the way.
    Streamed(Box<Passing>),
}

/// What passed so far is all that passes: whoever takes it sees that it is not whole.
#[derive(Debug, thiserror::Error)]
#[error("the transfer was cut")]
pub struct Cut;

impl Passage {
    /// Keeps something until a body that streams has passed; one that is whole is done with already.
    pub fn tied(mut self, kept: impl Any + Send) -> Self {
        if let Self::Streamed(passing) = &mut self {
            passing.keep(kept);
        }
        self
    }
}

impl From<Bytes> for Passage {
    fn from(bytes: Bytes) -> Self {
        Self::Whole(bytes)
    }
}

impl Body for Passage {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        match &mut *self {
            Self::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Streamed(passing) => {
                passing.poll_pass(context).map(|piece| piece.map(|piece| piece.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_empty(),
            Self::Streamed(passing) => passing.is_over(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Streamed(passing) => passing.left().map_or_else(SizeHint::new, SizeHint::with_exact),
        }
    }
}

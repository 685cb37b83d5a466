//! A request's body in the life of a transfer: whole, or as far as it says what it is.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;
use http_body_util::BodyExt as _;

use super::decision::Ward;
use super::passage::Passage;
use super::passing::{Passed, Passing};
use super::refusal::Refusal;
use super::repeat::asks_the_same;
use super::surface::Question;
use super::transfer::{Upload, Uploading};
use super::{Shared, answer, rows};
use crate::repeats::Known;

/// A request's body, checked as far as it can be before anything of it passes.
pub(super) enum Sent {
    Held(Bytes),
    /// With its card, if it has one.
    Streams(Box<Passing>, HeaderValue, Vec<u8>),
}

impl Sent {
    pub(super) fn held(&self) -> Option<&[u8]> {
        match self {
            Self::Held(bytes) => Some(bytes),
            Self::Streams(..) => None,
        }
    }

    /// What was read of it so far and names persons.
    pub(super) fn read(&self) -> Bytes {
        match self {
            Self::Held(bytes) => bytes.clone(),
            Self::Streams(_, _, card) => Bytes::copy_from_slice(card),
        }
    }

    /// Reads what is left of a repeat's body, which goes nowhere, and holds it against the first one's.
    pub(super) async fn compared(
        self,
        known: &Known,
        shared: &Shared,
        asked: &Question<'_>,
        ward: Ward,
    ) -> Result<Passed, Refusal> {
        let mut passing = match self {
            Self::Held(bytes) => {
                let digest = answer::digest_of(&bytes);
                return Ok(Passed { digest, bytes: bytes.len() as u64, signatures: None, scan: None });
            }
            Self::Streams(passing, ..) => Passage::Streamed(passing),
        };
        let upload = Arc::new(Upload::default());
        if let Passage::Streamed(passing) = &mut passing {
            passing.oversee(Uploading { ward, upload: Arc::clone(&upload) });
        }
        while let Some(Ok(_)) = passing.frame().await {}
        let gone = || Refusal::new(&rows::REQUEST_INCOMPLETE, "it did not come whole");
        let passed = upload.end().unwrap_or_else(|| Err(gone()))?;
        asks_the_same(known, shared.mark(asked, passed.digest.as_ref()))?;
        Ok(passed)
    }
}

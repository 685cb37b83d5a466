//! A request's body in the life of a transfer: whole, or as far as it says what it is.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use certs::trust::VerifiedChain;
use http::HeaderValue;
use http_body_util::BodyExt as _;

use super::decision::Ward;
use super::excess::Form;
use super::passage::Passage;
use super::passing::{Overseer, Passed, Passing, Told, Waiting};
use super::refusal::Refusal;
use super::repeat::asks_the_same;
use super::surface::Question;
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

    /// Whether it could be written anew.
    pub(super) fn form(&self) -> Form {
        match self {
            Self::Held(_) => Form::Json,
            Self::Streams(..) => Form::Card,
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

/// What is known of a request that passes, to whoever waits for its answer.
#[derive(Default)]
pub(super) struct Upload {
    end: Mutex<Option<Result<Passed, Refusal>>>,
    pub(super) moved: AtomicU64,
    /// Bytes that its provider was handed.
    handed: AtomicU64,
    /// Whether its consumer is waited for, rather than its provider.
    pub(super) waits: AtomicBool,
    stopped: AtomicBool,
}

impl Upload {
    pub(super) fn end(&self) -> Option<Result<Passed, Refusal>> {
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        match end.take() {
            Some(Ok(passed)) => {
                *end = Some(Ok(passed.clone()));
                Some(Ok(passed))
            }
            refused => refused,
        }
    }

    fn ends(&self, with: Result<Passed, Refusal>) {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = Some(with);
    }
}

/// Nothing more of the request passes when nobody waits for its answer any more.
pub(super) struct Sending(pub(super) Arc<Upload>);

impl Sending {
    /// What passed of a request that did not pass whole.
    pub(super) fn part(&self) -> Passed {
        Passed { digest: None, bytes: self.0.handed.load(Ordering::Relaxed), signatures: None, scan: None }
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.0.stopped.store(true, Ordering::Release);
    }
}

/// Who watches over a request that passes.
pub(super) struct Uploading {
    pub(super) ward: Ward,
    pub(super) upload: Arc<Upload>,
}

impl Overseer for Uploading {
    fn still(&mut self) -> Result<(), Refusal> {
        self.upload.moved.fetch_add(1, Ordering::Relaxed);
        if self.upload.stopped.load(Ordering::Acquire) {
            return Err(Refusal::new(&rows::REQUEST_INCOMPLETE, "nobody waits for the answer any more"));
        }
        self.ward.still()
    }

    fn goes_to(&mut self, line: &VerifiedChain) {
        self.ward.goes_to(line);
    }

    fn waits(&mut self, waiting: Waiting) {
        self.upload.waits.store(waiting == Waiting::Yes, Ordering::Relaxed);
    }

    fn passed(&mut self, passed: Passed) -> Told {
        self.upload.ends(Ok(passed));
        Box::pin(std::future::ready(Ok(())))
    }

    fn hands(&mut self, handed: u64) {
        self.upload.handed.store(handed, Ordering::Relaxed);
    }

    fn cut(&mut self, _: u64, why: Option<Refusal>) {
        if let Some(refusal) = why {
            self.upload.ends(Err(refusal));
        }
    }
}

//! Requests that are repeated under one `Idempotency-Key`: none is carried out twice, and each repeat gets the first answer.
//!
//! ```text
//! keeper  one thread that says who is first       store  what it remembers, in a file
//! seal    keys as hashes, answers as ciphertext
//! ```
//!
//! Before a request that bears a key is forwarded, its key is durable here. What became of it is written when its answer
//! is there; where that did not happen, because the gateway was killed, the provider fell silent or the connection broke,
//! nobody knows whether it was carried out, and a repeat is told so. Sources: draft-ietf-httpapi-idempotency-key-header;
//! Interaction 17.6. Calls without a key never come here.

mod keeper;
mod seal;
mod store;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;
use std::{io, thread};

use agreements::KeyAtProvider;
use aws_lc_rs::rand;
use bytes::Bytes;
use certs::keys::KeyError;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use uuid::Uuid;

use self::keeper::{Claim, Ending, Found, Keeper, Kept, Word};
pub use self::seal::Mark;
use self::seal::{Seal, Secret};
use self::store::Store;
pub use self::store::StoreError;
use crate::key_file;

/// What became of requests that bore a key. Dropping it ends its thread.
pub struct Repeats {
    line: Line,
    secret: Secret,
    bounds: Bounds,
    thread: Option<JoinHandle<()>>,
}

/// How much is kept, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// For how long.
    pub keep: SignedDuration,
    /// Most bytes of one answer.
    pub answer: u64,
    /// Most keys of one consumer.
    pub keys: u64,
    /// Most bytes of one consumer's answers.
    pub bytes: u64,
    /// Most bytes of all answers.
    pub all_bytes: u64,
}

/// Why repeats cannot be kept: at start.
#[derive(Debug, thiserror::Error)]
pub enum RepeatsError {
    /// The file.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key that answers are sealed with.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The key cannot be made.
    #[error("the key of repeats cannot be made")]
    Made(#[source] io::Error),
    /// The machine has no thread left.
    #[error("the thread that keeps repeats cannot be started")]
    Thread(#[source] io::Error),
}

/// Why a request cannot be begun: nothing of it may be forwarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unkept {
    /// Its consumer has as many keys as it may.
    #[error("the consumer has as many keys as it may")]
    Full,
    /// Too many wait already.
    #[error("too many requests wait for their keys to be kept")]
    Busy,
    /// The store took nothing.
    #[error("the store of repeats cannot be written")]
    Store,
}

/// A request that bears a key.
#[derive(Debug)]
pub struct Keyed<'a> {
    /// Who asks.
    pub consumer: &'a str,
    /// Who is asked.
    pub provider: &'a str,
    /// For what.
    pub data_type: &'a str,
    /// And in which operation of it.
    pub operation: &'a str,
    /// Under which key.
    pub key: &'a str,
    /// Agreement and versions on which it was permitted.
    pub terms: String,
    /// Its number.
    pub exchange: Uuid,
    /// What it asks; absent while its body streams.
    pub request: Option<Mark>,
    /// What its provider does with a key that it knows.
    pub at_provider: KeyAtProvider,
}

/// Where a request stands among those under its key.
#[derive(Debug)]
pub enum Begun {
    /// It may be forwarded, and nothing else under its key until the ticket ends.
    First(Ticket),
    /// There was one before it.
    Known(Known),
}

/// What is known of the first request under a key.
#[derive(Debug)]
pub struct Known {
    /// Its exchange.
    pub first: Uuid,
    /// What became of it.
    pub what: What,
    request: Option<Mark>,
}

/// What became of the first request under a key.
#[derive(Debug)]
pub enum What {
    /// It is under way.
    UnderWay,
    /// Nobody knows whether it was carried out.
    Unknown,
    /// It was carried out; its answer is not kept, or was given under other terms.
    NotKept,
    /// It was answered so.
    Answered(KeptAnswer),
}

/// An answer as it is given again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAnswer {
    /// Status, headers, how much was withheld, whom it is about.
    pub head: KeptHead,
    /// The body.
    pub body: Bytes,
}

/// What stands before an answer's body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptHead {
    /// The status.
    pub status: u16,
    /// The headers, in order.
    pub headers: Vec<(String, String)>,
    /// How many members and elements were withheld.
    pub withheld: u32,
    /// The persons whom it is about, as the provider named them: also those who were withheld. Never absent, since an
    /// answer of which nobody knows whom it is about is not to be given again.
    pub subjects: Vec<String>,
}

/// Proof that a request's key is durable, and nothing else under it is under way.
///
/// # Cancel safety
/// Dropped before the request [`goes`](Ticket::goes), the key is free again; dropped afterwards without an end, nobody
/// knows what became of the request.
#[derive(Debug)]
#[must_use = "dropping it says that the request was not sent, or that nobody knows"]
pub struct Ticket {
    line: Line,
    seal: Seal,
    most: u64,
    attempt: Attempt,
    sent: Sent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attempt {
    First,
    /// One before it may have been carried out.
    Again,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    No,
    Perhaps,
    /// How it ended is told already.
    Ended,
}

/// The way to the keeper.
#[derive(Debug, Clone)]
struct Line {
    words: Sender<Word>,
    waiting: Arc<AtomicUsize>,
}

impl Repeats {
    /// Opens the store at `path`, made if there is none, and the key at `key`, made if there is none.
    ///
    /// # Errors
    /// [`RepeatsError`].
    pub fn start(path: &Path, key: &Path, bounds: Bounds) -> Result<Self, RepeatsError> {
        let secret = Secret::new(&own_key(key)?);
        let keeper = Keeper::new(Store::open(path)?, bounds)?;
        let (words, heard) = channel();
        let waiting = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&waiting);
        let thread = thread::Builder::new().name("repeats".into());
        let thread = thread.spawn(move || keeper.run(&heard, &counted)).map_err(RepeatsError::Thread)?;
        Ok(Self { line: Line { words, waiting }, secret, bounds, thread: Some(thread) })
    }

    /// Looks whether the store at `path` can be read, and changes nothing; there need not be one.
    ///
    /// # Errors
    /// [`RepeatsError`]: a start would fail.
    pub fn look(path: &Path) -> Result<(), RepeatsError> {
        if path.exists() { Ok(Store::look(path)?) } else { Ok(()) }
    }

    /// What a request asks: method, canonical target, what it claims, and the digest of its body.
    pub fn mark(
        &self,
        method: &str,
        target: &str,
        claims: [Option<&str>; 3],
        digest: Option<&[u8; 32]>,
    ) -> Mark {
        // No claim is ever empty.
        let [first, second, third] = claims.map(|claim| claim.unwrap_or_default().as_bytes());
        let digest = digest.map_or(&[][..], |digest| digest);
        self.secret.mark(&[method.as_bytes(), target.as_bytes(), first, second, third, digest])
    }

    /// Begins a request, unless one was begun under its key before.
    ///
    /// # Errors
    /// [`Unkept`]: nothing may be forwarded.
    ///
    /// # Cancel safety
    /// Dropped while it waits, the key may be kept: a repeat is then told that nobody knows, though nothing was sent.
    pub async fn begin(&self, keyed: Keyed<'_>) -> Result<Begun, Unkept> {
        let Keyed { consumer, provider, data_type, operation, key, .. } = keyed;
        let seal = self.secret.seal(&[consumer, provider, data_type, operation, key]);
        let claim = Claim {
            place: seal.place(),
            consumer: consumer.into(),
            request: keyed.request,
            terms: keyed.terms,
            exchange: keyed.exchange,
            provider: keyed.at_provider,
        };
        if self.line.waiting.fetch_add(1, Ordering::Relaxed) >= MOST_WAITING {
            self.line.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(Unkept::Busy);
        }
        let (told, hears) = oneshot::channel();
        self.line.words.send(Word::Begin(claim, told)).map_err(|_| Unkept::Store)?;
        let ticket = |attempt, seal| {
            let (line, most) = (self.line.clone(), self.bounds.answer);
            Begun::First(Ticket { line, seal, most, attempt, sent: Sent::No })
        };
        Ok(match hears.await.unwrap_or(Err(Unkept::Store))? {
            Found::First => ticket(Attempt::First, seal),
            Found::Again => ticket(Attempt::Again, seal),
            Found::Known { first, request, what } => {
                let what = match what {
                    Kept::UnderWay => What::UnderWay,
                    Kept::Unknown => What::Unknown,
                    Kept::Gone => What::NotKept,
                    // What does not open was tampered with, or its key was replaced: it is not there.
                    Kept::Answered(sealed) => {
                        let opened = seal.open(&sealed).and_then(|bytes| KeptAnswer::read(&bytes));
                        opened.map_or(What::NotKept, What::Answered)
                    }
                };
                Begun::Known(Known { first, what, request })
            }
        })
    }
}

impl Drop for Repeats {
    fn drop(&mut self) {
        drop(self.line.words.send(Word::Stop));
        if let Some(thread) = self.thread.take() {
            // A panic there was reported by the thread itself; here only its end matters.
            drop(thread.join());
        }
    }
}

impl Known {
    /// Whether the first request asked the same; one whose body never came whole may have.
    pub fn asked(&self, request: Mark) -> bool {
        self.request.is_none_or(|first| first == request)
    }
}

impl Ticket {
    /// The request goes out now: from here on nobody knows, until it is told.
    pub fn goes(&mut self) {
        self.sent = Sent::Perhaps;
    }

    /// It turned out that nothing of the request was sent, or no whole request.
    pub fn was_not_sent(mut self) {
        self.sent = Sent::No;
    }

    /// Keeps the answer, if it is not too large; durable when this returns, unless the store fails: then nobody knows.
    ///
    /// # Cancel safety
    /// Dropped while it waits, the answer is kept all the same.
    pub async fn answered(mut self, request: Mark, answer: &KeptAnswer) {
        let sealed = answer.bytes(self.most).and_then(|bytes| self.seal.close(bytes));
        let ending = sealed.map_or(Ending::Done(request), |sealed| Ending::Answered(request, sealed));
        let (told, hears) = oneshot::channel();
        self.end(ending, Some(told));
        // Longer than that a disk has failed; the answer is there to be given.
        drop(tokio::time::timeout(ANSWER_WITHIN, hears).await);
    }

    /// The request was carried out; its answer is not kept.
    pub fn done(mut self, request: Mark) {
        self.end(Ending::Done(request), None);
    }

    fn end(&mut self, ending: Ending, told: Option<oneshot::Sender<()>>) {
        self.sent = Sent::Ended;
        // A keeper that is gone keeps nothing: the next start finds the request begun.
        drop(self.line.words.send(Word::End(self.seal.place(), ending, told)));
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        match (self.sent, self.attempt) {
            (Sent::Ended, _) => {}
            (Sent::No, Attempt::First) => self.end(Ending::Forgotten, None),
            (Sent::No, Attempt::Again) | (Sent::Perhaps, _) => self.end(Ending::Lost, None),
        }
    }
}

impl KeptAnswer {
    /// The length of the head, the head, the body; `None`: more than `most`.
    fn bytes(&self, most: u64) -> Option<Vec<u8>> {
        let head = serde_json::to_vec(&self.head).ok()?;
        let length = u32::try_from(head.len()).ok()?;
        let all = 4 + head.len() + self.body.len();
        (all as u64 <= most).then(|| [&length.to_be_bytes()[..], &head, &self.body].concat())
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (head, body) = rest.split_at_checked(length)?;
        Some(Self { head: serde_json::from_slice(head).ok()?, body: Bytes::copy_from_slice(body) })
    }
}

/// The key in a file, made if there is none.
fn own_key(path: &Path) -> Result<[u8; 32], RepeatsError> {
    if !path.exists() {
        let mut secret = [0; 32];
        rand::fill(&mut secret).map_err(|_| RepeatsError::Made(io::Error::other("no random bytes")))?;
        match key_file::write_new(path, &secret) {
            // Another process made it meanwhile: that one counts.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => made.map_err(RepeatsError::Made)?,
        }
    }
    Ok(certs::keys::read_key(path)?)
}

/// Requests that may wait for their keys to be kept.
const MOST_WAITING: usize = 4_096;

/// Longest time that an answer waits to be kept.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

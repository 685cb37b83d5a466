//! The watch over clocks (C6, Portal 62.3): the gateway's own against sources of time, peers' by what they say.
//!
//! ```text
//! sntp     one question and its answer: pure      verdict  what several sources say together: pure
//! peers    providers' clocks, by their Date
//! ```
//!
//! It sets no clock: that is the machine's affair. It says how far the machine's is off, warns, and tells those whose
//! work depends on the time (signatures, their validity) not to do it: [`ClockWatch::trusted`].

mod peers;
mod sntp;
mod verdict;

use std::io;
use std::net::{SocketAddr, ToSocketAddrs, UdpSocket};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use tracing::{info, warn};

pub use self::peers::PeerClocks;
pub(crate) use self::peers::{ahead, read_date};
pub use self::sntp::{Question, Sample, Unusable, ntp_time};
pub use self::verdict::{Unclear, agreed};
use crate::background::Background;
use crate::clock;
use crate::config::{ClockConfig, WhenUnclear};

/// What is known of the gateway's own clock.
#[derive(Debug)]
pub struct ClockWatch {
    bounds: Bounds,
    started: Instant,
    // Written by the watch's thread, read by whoever asks; never held across an await.
    newest: Mutex<Newest>,
    failures: AtomicU64,
}

#[derive(Debug, Clone, Copy)]
struct Bounds {
    sources: usize,
    stale: Duration,
    warn: SignedDuration,
    refuse: SignedDuration,
    when_unclear: WhenUnclear,
}

#[derive(Debug, Clone, Copy)]
struct Newest {
    /// What was last agreed on, and when.
    sample: Option<(Sample, Instant)>,
    unclear: Option<Unclear>,
}

/// How the gateway's own clock stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Standing {
    /// No source is configured: nobody knows.
    Unwatched,
    /// The sources told nothing for too long.
    Unclear(Option<Unclear>),
    /// It is right, as far as anybody needs.
    Right(Sample),
    /// It is farther off than it should be.
    Off(Sample),
    /// It is so far off that nothing may depend on it.
    TooFar(Sample),
}

/// The gateway's clock cannot be relied on: what depends on the time is to be refused.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("the gateway's clock cannot be relied on: {0}")]
pub struct ClockUntrusted(pub Standing);

impl ClockWatch {
    /// A watch that knows nothing yet.
    pub fn new(config: &ClockConfig) -> Arc<Self> {
        let bounds = Bounds {
            sources: config.sources.len(),
            stale: config.poll() * STALE_AFTER + PATIENCE,
            warn: config.warn(),
            refuse: config.refuse(),
            when_unclear: config.when_unclear,
        };
        let newest = Mutex::new(Newest { sample: None, unclear: None });
        Arc::new(Self { bounds, started: Instant::now(), newest, failures: AtomicU64::new(0) })
    }

    /// Asks the sources now and then, until the result is dropped; `None`: there are none.
    pub fn follow(self: &Arc<Self>, config: &ClockConfig) -> Option<Background> {
        if config.sources.is_empty() {
            info!("no source of time is configured: nobody watches this machine's clock");
            return None;
        }
        let watch = Arc::clone(self);
        let mut sources: Vec<Source> = config.sources.iter().map(|name| Source::new(name)).collect();
        let mut before = None;
        Some(Background::every("clock", config.poll(), move || {
            let heard = ask(&mut sources);
            watch.hear(&heard);
            let standing = watch.standing();
            let kind = std::mem::discriminant(&standing);
            if before.replace(kind) == Some(kind) {
                return;
            }
            match standing {
                Standing::Unwatched => {}
                Standing::Right(_) => info!("this machine's clock: {standing}"),
                Standing::Unclear(_) | Standing::Off(_) | Standing::TooFar(_) => {
                    warn!("this machine's clock: {standing}");
                }
            }
        }))
    }

    /// Takes in what the sources said.
    pub fn hear(&self, heard: &[Result<Sample, Unheard>]) {
        let samples: Vec<Sample> = heard.iter().filter_map(|one| one.as_ref().ok().copied()).collect();
        let verdict = agreed(&samples, self.bounds.sources);
        let failed = heard.iter().filter(|one| one.is_err()).count();
        self.failures.fetch_add(failed as u64, Ordering::Relaxed);
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        match verdict {
            Ok(sample) => *newest = Newest { sample: Some((sample, Instant::now())), unclear: None },
            Err(unclear) => newest.unclear = Some(unclear),
        }
    }

    /// How far the sources are ahead of the gateway's clock, if they told lately.
    pub fn offset(&self) -> Option<SignedDuration> {
        self.fresh().map(|sample| sample.ahead)
    }

    /// How the gateway's clock stands.
    pub fn standing(&self) -> Standing {
        if self.bounds.sources == 0 {
            return Standing::Unwatched;
        }
        let Some(sample) = self.fresh() else {
            let newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
            return Standing::Unclear(newest.unclear);
        };
        // What may be an error of the measure is no fault of the clock.
        let off = sample.ahead.abs() - sample.error;
        if off > self.bounds.refuse {
            Standing::TooFar(sample)
        } else if off > self.bounds.warn {
            Standing::Off(sample)
        } else {
            Standing::Right(sample)
        }
    }

    /// Whether work may depend on the gateway's clock: asked wherever the time of a signature counts.
    ///
    /// # Errors
    /// [`ClockUntrusted`]: it is beyond `clock.refuse_ms`; or nothing is known of it, and the configuration refuses then.
    pub fn trusted(&self) -> Result<(), ClockUntrusted> {
        let standing = self.standing();
        match (standing, self.bounds.when_unclear) {
            (Standing::TooFar(_), _) => Err(ClockUntrusted(standing)),
            // Before the first answers nothing can be known: the first calls are not refused for that.
            (Standing::Unclear(_), WhenUnclear::Refuse) if self.started.elapsed() > self.bounds.stale => {
                Err(ClockUntrusted(standing))
            }
            (Standing::Unclear(_), WhenUnclear::Refuse | WhenUnclear::Report)
            | (Standing::Unwatched | Standing::Right(_) | Standing::Off(_), _) => Ok(()),
        }
    }

    /// Whether [`trusted`](Self::trusted) refuses.
    pub fn too_far(&self) -> bool {
        self.trusted().is_err()
    }

    /// Answers that did not come or told nothing, since the start.
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    fn fresh(&self) -> Option<Sample> {
        let newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        newest.sample.filter(|(_, at)| at.elapsed() < self.bounds.stale).map(|(sample, _)| sample)
    }
}

impl std::fmt::Display for Standing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unwatched => f.write_str("no source of time is configured"),
            Self::Unclear(Some(unclear)) => unclear.fmt(f),
            Self::Unclear(None) => f.write_str("no source of time was heard yet"),
            Self::Right(sample) | Self::Off(sample) | Self::TooFar(sample) => {
                // Theirs ahead is ours behind.
                let side = if sample.ahead.is_negative() { "ahead of" } else { "behind" };
                let (off, error) = (sample.ahead.abs().as_secs_f64(), sample.error.as_secs_f64());
                write!(f, "{off:.3} s {side} its sources, give or take {error:.3} s")
            }
        }
    }
}

/// A source of time.
#[derive(Debug)]
pub struct Source {
    name: String,
    /// When it may be asked again; it asked for more peace, or to be left alone.
    rests_until: Option<Instant>,
    rests: Duration,
}

/// Why a source was not heard.
#[derive(Debug, thiserror::Error)]
pub enum Unheard {
    /// Its name means nothing, or it cannot be reached.
    #[error("it cannot be reached")]
    Unreachable(#[from] io::Error),
    /// What it said says nothing.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// It asked for peace.
    #[error("it asked to be left alone for a while")]
    Rests,
}

impl Source {
    /// A source by its name or address, with or without a port.
    pub fn new(name: &str) -> Self {
        Self { name: name.into(), rests_until: None, rests: LEAST_REST }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn address(&self) -> io::Result<SocketAddr> {
        let found = match self.name.to_socket_addrs() {
            Ok(found) => found,
            Err(_) => (self.name.trim_start_matches('[').trim_end_matches(']'), PORT).to_socket_addrs()?,
        };
        found.into_iter().next().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn ask(&self) -> io::Result<Asked> {
        let address = self.address()?;
        let any: SocketAddr = match address {
            SocketAddr::V4(_) => ([0; 4], 0).into(),
            SocketAddr::V6(_) => ([0_u16; 8], 0).into(),
        };
        let socket = UdpSocket::bind(any)?;
        // From here on only its own answers come.
        socket.connect(address)?;
        let mut nonce = [0; 8];
        aws_lc_rs::rand::fill(&mut nonce).map_err(|_| io::Error::other("no random bytes"))?;
        let question = Question::new(nonce);
        let (sent, since) = (clock::now(), Instant::now());
        socket.send(&question.bytes())?;
        Ok(Asked { socket, question, sent, since })
    }

    fn hear(&mut self, asked: io::Result<Asked>) -> Result<Sample, Unheard> {
        let Asked { socket, question, sent, since } = asked?;
        let mut answer = [0; 512];
        loop {
            let left = PATIENCE.checked_sub(since.elapsed()).filter(|left| !left.is_zero());
            let left = left.ok_or_else(|| io::Error::from(io::ErrorKind::TimedOut))?;
            socket.set_read_timeout(Some(left))?;
            let length = socket.recv(&mut answer)?;
            // Our own clock may be set meanwhile: how long it took is known without it.
            let took = SignedDuration::try_from(since.elapsed()).unwrap_or(SignedDuration::MAX);
            match question.read(&answer[..length], sent, sent + took) {
                // What somebody else made up does not keep the answer away.
                Err(Unusable::NotAsked | Unusable::Malformed) => {}
                Err(kiss @ Unusable::Kiss(_)) => {
                    self.rests = (self.rests * 2).min(MOST_REST);
                    self.rests_until = Some(Instant::now() + self.rests);
                    return Err(kiss.into());
                }
                other => return Ok(other?),
            }
        }
    }
}

struct Asked {
    socket: UdpSocket,
    question: Question,
    sent: jiff::Timestamp,
    since: Instant,
}

/// Asks all sources at once, and hears them one after the other; takes no longer than the slowest may.
pub fn ask(sources: &mut [Source]) -> Vec<Result<Sample, Unheard>> {
    let rests = |source: &Source| source.rests_until.is_some_and(|until| Instant::now() < until);
    let asked: Vec<_> = sources.iter().map(|source| (!rests(source)).then(|| source.ask())).collect();
    let heard = sources.iter_mut().zip(asked).map(|(source, asked)| match asked {
        Some(asked) => source.hear(asked),
        None => Err(Unheard::Rests),
    });
    heard.collect()
}

/// NTP's.
const PORT: u16 = 123;
/// Longest that a source may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// What was agreed on counts for so many rounds.
const STALE_AFTER: u32 = 4;
/// RFC 5905 §7.4: who is asked too often says so, and is asked less.
const LEAST_REST: Duration = Duration::from_secs(64);
const MOST_REST: Duration = Duration::from_secs(36 * 3_600);

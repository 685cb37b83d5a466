//! Signatures by national algorithms, verified by a service elsewhere over HTTP, in the manner of NCANode 3.
//!
//! ```text
//! showing   a body's documents on their way past the service     question  what it is asked, in pieces
//! line      one question over one connection                     answer    what it says, held against what was asked
//! ```
//!
//! Trust: what the service calls valid counts as if it had been verified here, for the signers that the signature itself
//! names, and for nobody else. It sees documents. So it is on this machine, or proves who it is over TLS.

mod answer;
mod line;
mod question;
mod showing;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use agreements::SystemId;
use certs::document::DocumentFault;
use certs::keys::{Identity, KeyError};
use certs::tls::{Alpn, Clock, Connector, ConnectorOptions, Unready};
use certs::trust::Trust;

pub use self::answer::AnswerFault;
use self::line::Place;
use self::showing::Case;
pub use self::showing::{CASE_BYTES, Counsel, Desk, Showing};
use crate::background::Background;
use crate::clock;
use crate::config::{Config, NationalSignaturesConfig, RevocationCheck};
use crate::telemetry::metrics::Metrics;
use crate::trusted::{TrustFiles, Unreadable};
use crate::turns::Turns;

/// The service, and what it is asked.
pub struct NationalService {
    place: Place,
    checks: Vec<RevocationCheck>,
    patience: Duration,
    most_bytes: u64,
    turns: Arc<Turns>,
    metrics: Arc<Metrics>,
    /// Whether it did not answer when it was last asked.
    silent: AtomicBool,
    _trust: Option<Background>,
}

/// Why a signature by a national algorithm does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// The service says that it does not.
    #[error("{0}")]
    Refuted(DocumentFault),
    /// It says nothing.
    #[error("{0}")]
    Silent(String),
    /// What it says is no answer.
    #[error("{0}")]
    Answer(AnswerFault),
    /// The document is larger than it is shown.
    #[error("the document is larger than the service is shown: raise national_signatures.max_document_mib")]
    TooLarge,
    /// The service takes no document of that size.
    #[error("the document is larger than the service takes")]
    TooLargeForIt,
    /// More documents of one form wait for their signatures than it is shown at once.
    #[error("more documents wait for their signatures than the service is shown at once")]
    TooMany,
    /// As many transfers as may be are before it.
    #[error("the service has as many transfers as it may, or this consumer has its half of them")]
    Busy,
}

/// Why the service cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum NationalError {
    /// The address is none.
    #[error("national_signatures.url {0}")]
    Place(&'static str),
    /// The certificate that is presented to it, or its key.
    #[error("what is presented to the service cannot be used")]
    Identity(#[from] KeyError),
    /// Whom its certificate has to lead to.
    #[error("the service's trust cannot be read")]
    Trust(#[from] Unreadable),
    /// TLS.
    #[error(transparent)]
    Tls(#[from] Unready),
}

impl NationalService {
    /// A service that nobody asked anything yet; none where none is configured.
    ///
    /// # Errors
    /// [`NationalError`]: a file of its section cannot be used.
    pub fn open(
        config: &Config,
        identity: &Identity,
        trust: &Arc<Trust>,
        metrics: &Arc<Metrics>,
    ) -> Result<Option<Arc<Self>>, NationalError> {
        let settings = &config.national_signatures;
        let Some(url) = &settings.url else { return Ok(None) };
        let base = NationalSignaturesConfig::place(url).map_err(NationalError::Place)?;
        let Own { identity: own, trust: own_trust } = Own::read(config)?;
        let (trust, following) = match own_trust {
            Some((trust, following)) => (trust, Some(following)),
            None => (Arc::clone(trust), None),
        };
        let connector = match base.scheme_str() {
            Some("https") => {
                let options = ConnectorOptions {
                    alpn: vec![Alpn::Http1],
                    ..ConnectorOptions::new(Clock::new(clock::now))
                };
                Some(Connector::new(own.as_ref().unwrap_or(identity), trust, options)?)
            }
            _ => None,
        };
        Ok(Some(Arc::new(Self {
            place: Place::new(base, connector),
            checks: settings.revocation.clone(),
            patience: Duration::from_secs(settings.timeout_seconds.into()),
            most_bytes: settings.max_document_mib << 20,
            turns: Turns::new(settings.max_at_once),
            metrics: Arc::clone(metrics),
            silent: AtomicBool::new(false),
            _trust: following,
        })))
    }

    /// Looks at what its section names, and says where it is.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn look(config: &Config) -> Result<Option<String>, NationalError> {
        let Some(url) = &config.national_signatures.url else { return Ok(None) };
        NationalSignaturesConfig::place(url).map_err(NationalError::Place)?;
        Own::read(config).map(|_| Some(url.clone()))
    }

    /// Begins to show one body's documents to it, as far as they need that.
    pub fn begin(self: &Arc<Self>, consumer: &SystemId) -> (Desk, Counsel) {
        let case = Case::of(Arc::clone(self), consumer.clone());
        (Desk::new(Arc::clone(&case)), Counsel::new(case))
    }

    /// What entries call it.
    pub fn name(&self) -> &str {
        self.place.authority()
    }

    /// What whoever looks after the gateway should know.
    pub fn remark(&self) -> Option<String> {
        let silent = self.silent.load(Ordering::Relaxed);
        silent.then(|| {
            format!(
                "the service that verifies national signatures, {}, did not answer when it was last asked",
                self.name()
            )
        })
    }

    fn counts(&self, verdict: &Result<(), Trouble>) {
        let outcome = match verdict {
            Ok(()) => "valid",
            Err(Trouble::Refuted(_)) => "invalid",
            Err(Trouble::Silent(_)) => "silent",
            Err(Trouble::Answer(_)) => "no-answer",
            Err(Trouble::TooLarge | Trouble::TooLargeForIt | Trouble::TooMany) => "limit",
            Err(Trouble::Busy) => "busy",
        };
        self.metrics.nationally_verified(outcome);
    }
}

impl fmt::Debug for NationalService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NationalService").field("place", &self.place).finish_non_exhaustive()
    }
}

/// What the section names for itself rather than take it from the gateway.
struct Own {
    identity: Option<Identity>,
    trust: Option<(Arc<Trust>, Background)>,
}

impl Own {
    fn read(config: &Config) -> Result<Self, NationalError> {
        let settings = &config.national_signatures;
        let identity = match (&settings.certificate, &settings.key) {
            (Some(certificate), Some(key)) => {
                Some(Identity::from_files(&config.path(certificate), &config.path(key))?)
            }
            _ => None,
        };
        let Some(named) = &settings.trust else { return Ok(Self { identity, trust: None }) };
        let files = TrustFiles::named(&config.base, named);
        // Before loading: what changes meanwhile is read at the first look.
        let seen = files.stamp();
        let trust = Arc::new(Trust::new(files.load(clock::now())?));
        let following =
            files.follow(Arc::clone(&trust), seen, Arc::default(), Duration::from_millis(named.poll_ms));
        Ok(Self { identity, trust: Some((trust, following)) })
    }
}

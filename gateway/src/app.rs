//! The app: builds the parts and wires them, and takes them down in the right order.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use certs::keys::{Identity, KeyError};
use certs::tls::{
    Acceptor, AcceptorOptions, Alpn, ClientCertificates, Clock, Connector, ConnectorOptions, OldestTls,
    Unready,
};
use certs::trust::{Trust, TrustAnchors};
use jiff::SignedDuration;
use tracing::{info, warn};

use crate::api::access::{AccessError, AccessStore};
use crate::api::{self, Api, RecordPlaces};
use crate::background::Background;
use crate::clock;
use crate::clock_watch::{ClockWatch, Standing};
use crate::config::{Config, UsageConfig, WhenSilent};
use crate::exchange::budget::Budget;
use crate::exchange::subject::SubjectKey;
use crate::exchange::{Consents, Shared};
use crate::exchange_index::{Index, IndexFollower};
use crate::exchange_log::keeping::{self, Archive};
use crate::exchange_log::{
    ExchangeLog, Health, LogConfig, LogKeyError, Openings, RecoveryReport, Sealing, SearchError, StartError,
    read_keys,
};
use crate::listener::{Listener, Parts};
use crate::national::{NationalError, NationalService};
use crate::office::Depositary;
use crate::operations::{Operations, Shown};
use crate::personal::{PersonalError, PersonalKeys};
use crate::readiness::Prober;
use crate::registry::follower::{FollowError, Follower, Following};
use crate::registry::proof::Proofs;
use crate::registry::snapshot::Snapshots;
use crate::registry::sqlite::SqliteStore;
use crate::registry::{Allowed, Commands, Failure, StoreError, Views};
use crate::repeats::{self, Repeats, RepeatsError};
use crate::scanner::Scanner;
use crate::stamping::{self, StampStats, Stamping};
use crate::subject_keys::{RingError, SubjectKeys};
use crate::telemetry::metrics::{Gauges, Metrics};
use crate::transparency::key::VerifierKey;
use crate::trusted::{TrustFiles, Unreadable};
use crate::witness::{Courier, Route, Word, went_back};

/// A running gateway. Dropping it stops it.
pub struct App {
    // In the order in which they end: no new work, no more of it, then what it was written to.
    stopping: Arc<AtomicBool>,
    listener: Option<Listener>,
    api: Option<Api>,
    operations: Option<Operations>,
    stamping: Option<Background>,
    _clock: Option<Background>,
    _trust: Background,
    _subjects: Background,
    _personal: Background,
    _follower: Arc<Follower>,
    courier: Option<Arc<Courier>>,
    _index: Option<IndexFollower>,
    _archiving: Option<Background>,
    log: Option<Arc<ExchangeLog>>,
    recovery: RecoveryReport,
}

/// Why the gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The gateway's own certificate or key.
    #[error("the gateway's identity cannot be used")]
    Identity(#[source] KeyError),
    /// The key of subjects' hashes.
    #[error("the key of subjects' hashes cannot be used")]
    SubjectKey(#[source] KeyError),
    /// The keys of subjects' hashes by period.
    #[error("the keys of subjects' hashes cannot be used")]
    SubjectKeys(#[from] RingError),
    /// The keys of personal parts.
    #[error("the keys of personal parts cannot be used")]
    PersonalKeys(#[from] PersonalError),
    /// Trust.
    #[error("trust cannot be read")]
    Trust(#[from] Unreadable),
    /// TLS.
    #[error(transparent)]
    Tls(#[from] Unready),
    /// The registry's store.
    #[error("the registry cannot be opened")]
    Store(#[from] StoreError),
    /// The registry.
    #[error("the registry cannot be followed")]
    Registry(#[from] FollowError),
    /// The authority of time stamps.
    #[error("time stamps cannot be asked for with {0}")]
    StampAnchors(PathBuf, #[source] Box<dyn std::error::Error + Send + Sync>),
    /// The service that verifies national signatures.
    #[error("the service of [national_signatures] cannot be asked")]
    National(#[from] NationalError),
    /// What became of requests with idempotency keys.
    #[error("repeats under idempotency keys cannot be told")]
    Repeats(#[from] RepeatsError),
    /// The keys of the exchange log.
    #[error("the exchange log's keys cannot be used")]
    LogKey(#[from] LogKeyError),
    /// A witness proved that the log went back, and nobody dealt with it yet.
    #[error("{reason}")]
    WentBack {
        /// What was proven.
        reason: String,
    },
    /// The courier to the witnesses.
    #[error("the courier to the witnesses cannot be started")]
    Courier(#[source] io::Error),
    /// The exchange log.
    #[error("the exchange log cannot be started")]
    Log(#[from] StartError),
    /// The consents that the exchange log names.
    #[error("the consents that were used cannot be read from the exchange log")]
    Consents(#[source] SearchError),
    /// The API's part of the registry.
    #[error("the API cannot open the registry")]
    Commands(#[from] Failure),
    /// The access store.
    #[error("the access store cannot be opened")]
    Access(#[from] AccessError),
    /// A face.
    #[error("cannot listen on {0}")]
    Listen(SocketAddr, #[source] io::Error),
}

impl App {
    /// Starts a gateway; it serves when this returns.
    ///
    /// # Errors
    /// [`AppError`] names the part that does not start; nothing is left running.
    pub fn start(config: &Config) -> Result<Self, AppError> {
        let identity = &config.identity;
        let alone =
            SubjectKey::from_file(&config.path(&identity.subject_key)).map_err(AppError::SubjectKey)?;
        let subjects = Arc::new(SubjectKeys::open(alone, &config.path(&identity.subject_keys))?);
        let following_subjects = subjects.follow(KEYS_EVERY);
        let keeping = &config.log.keeping;
        let personal =
            PersonalKeys::open(&config.path(&keeping.personal_keys), keeping.classes(), clock::now())?;
        let personal = Arc::new(personal);
        let following_personal = personal.follow(KEYS_EVERY);
        let identity = Identity::from_files(&config.path(&identity.certificate), &config.path(&identity.key))
            .map_err(AppError::Identity)?;
        let files = TrustFiles::of(config);
        // Before loading: what changes meanwhile is read at the first look.
        let seen = files.stamp();
        let trust = Arc::new(Trust::new(files.load(clock::now())?));
        let pause = Duration::from_millis(config.trust.poll_ms);
        let following_trust = files.follow(Arc::clone(&trust), seen, pause);

        let store = Box::new(SqliteStore::open(&config.path(&config.registry.path))?);
        let limits = &config.exchange.limits;
        let following = Following {
            environment: config.environment,
            poll: Duration::from_millis(config.registry.poll_ms),
            lease: Duration::from_secs(config.registry.lease_seconds.into()),
            allowed: Allowed {
                exchanges: limits.max_exchanges_per_system,
                bytes: limits.max_buffered_mib_per_system << 20,
            },
        };
        let follower = Arc::new(Follower::start(
            store,
            Proofs::new(Arc::clone(&trust)),
            Snapshots::of(config),
            following,
        )?);

        if let Some(reason) = went_back(&config.path(&config.log.dir)) {
            return Err(AppError::WentBack { reason });
        }
        let log_config = log_config(config)?;
        let log_keys = log_config.sealing.iter().flat_map(|sealing| &sealing.keys);
        let log_keys = log_keys.map(|key| key.verifier().clone()).collect();
        let (log, recovery) = ExchangeLog::start(log_config)?;
        let log = Arc::new(log);
        let courier = courier(config, log_keys, &identity, &trust, &log)?;
        let stamps = Arc::<StampStats>::default();
        let stamping = stamping_config(config)?.map(|stamping| {
            stamping::start(stamping, config.path(&config.log.dir), Arc::clone(&log), Arc::clone(&stamps))
        });

        let metrics = Metrics::new();
        let clock_watch = ClockWatch::new(&config.clock);
        let consents = consents(config, &follower.views)?;
        let shared = Arc::new(Shared {
            views: Arc::clone(&follower.views),
            trust: Arc::clone(&trust),
            subjects,
            personal: Arc::clone(&personal),
            origin: config.log.origin.clone(),
            limits: limits.clone(),
            memory: Budget::new(limits.max_buffered_mib << 20),
            metrics: Arc::clone(&metrics),
            arrivals: Arc::default(),
            repeats: repeats(config)?,
            scanner: Scanner::new(&config.scanner),
            national: NationalService::open(config, &identity, &trust, &metrics)?,
            clock: Arc::clone(&clock_watch),
            peers: Arc::default(),
            consents,
        });
        let stopping = Arc::new(AtomicBool::new(false));
        let face = Face {
            shared: Arc::clone(&shared),
            log: Arc::clone(&log),
            courier: courier.clone(),
            stamps,
            stopping: Arc::clone(&stopping),
        };
        let at = config.operations.listen;
        let operations =
            Operations::start(at, Arc::new(face)).map_err(|error| AppError::Listen(at, error))?;
        prepare_index(config);
        let api = serve_api(config, &identity, &trust, &shared, &follower)?;
        let listener = listen(config, &identity, &trust, shared, &log)?;
        info!(
            exchange.address = %listener.address(),
            operations.address = %operations.address(),
            api.address = %api.address(),
            "serving"
        );
        Ok(Self {
            stopping,
            listener: Some(listener),
            api: Some(api),
            operations: Some(operations),
            stamping,
            _clock: clock_watch.follow(&config.clock),
            _trust: following_trust,
            _subjects: following_subjects,
            _personal: following_personal,
            _follower: follower,
            courier,
            _index: index(config, personal),
            _archiving: archiving(config),
            log: Some(log),
            recovery,
        })
    }

    /// Where systems connect.
    ///
    /// # Panics
    /// After [`App::stop`], which takes the app.
    pub fn exchange_address(&self) -> SocketAddr {
        self.listener.as_ref().expect("an app has a listener until it stops").address()
    }

    /// Where the API is.
    ///
    /// # Panics
    /// After [`App::stop`], which takes the app.
    pub fn api_address(&self) -> SocketAddr {
        self.api.as_ref().expect("an app has an API until it stops").address()
    }

    /// Where the operations face is.
    ///
    /// # Panics
    /// After [`App::stop`], which takes the app.
    pub fn operations_address(&self) -> SocketAddr {
        self.operations.as_ref().expect("an app has an operations face until it stops").address()
    }

    /// What the exchange log found at its start.
    pub fn recovery(&self) -> &RecoveryReport {
        &self.recovery
    }

    /// Finishes exchanges under way, then stops.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.stopping.store(true, Ordering::Release);
        drop(self.listener.take());
        drop(self.api.take());
        drop(self.operations.take());
        drop(self.courier.take());
        drop(self.stamping.take());
        if let Some(log) = self.log.take() {
            match Arc::try_unwrap(log).map(ExchangeLog::shutdown) {
                Ok(Health::Failed(reason)) => warn!(%reason, "the exchange log had failed"),
                // Still shared: dropped with its last owner, which stops it too.
                Ok(Health::Open | Health::Full | Health::Stopped) | Err(_) => {}
            }
        }
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.end();
    }
}

/// The consents that were spent before the start and may still count: looked for where an agreement asks for consents.
fn consents(config: &Config, views: &Views) -> Result<Consents, AppError> {
    let view = views.newest();
    let asks = view
        .book
        .agreements()
        .any(|page| page.text.personal_data.as_ref().is_some_and(|clause| clause.consent.is_some()));
    if !asks {
        return Ok(Consents::default());
    }
    Consents::recalled(&config.path(&config.log.dir), clock::now()).map_err(AppError::Consents)
}

/// Sets out to the witnesses, if there are any.
fn courier(
    config: &Config,
    log_keys: Vec<VerifierKey>,
    identity: &Identity,
    trust: &Arc<Trust>,
    log: &Arc<ExchangeLog>,
) -> Result<Option<Arc<Courier>>, AppError> {
    if config.witnesses.list.is_empty() {
        info!("the exchange log has no witness: only this machine remembers what was exchanged");
        return Ok(None);
    }
    let options =
        ConnectorOptions { alpn: vec![Alpn::Http1], ..ConnectorOptions::new(Clock::new(clock::now)) };
    let route = Route {
        dir: config.path(&config.log.dir),
        origin: config.log.origin.clone(),
        log_keys,
        witnesses: config.witnesses.clone(),
        connector: Some(Connector::new(identity, Arc::clone(trust), options)?),
    };
    let when_silent = config.witnesses.when_silent;
    // The log ends with the app, whoever of the two is the last.
    let log = Arc::downgrade(log);
    let courier = Courier::start(route, move |word| {
        let Some(log) = log.upgrade() else { return };
        match (word, when_silent) {
            (Word::WentBack(reason), _) => log.close_because(&reason),
            (Word::Silent, WhenSilent::Refuse) => log.set_openings(Openings::Held),
            (Word::Heard, WhenSilent::Refuse) => log.set_openings(Openings::Taken),
            (Word::Silent | Word::Heard, WhenSilent::Report) => {}
        }
    });
    Ok(Some(Arc::new(courier.map_err(AppError::Courier)?)))
}

/// Makes the exchange index if it is not there, so that the API finds one. What goes wrong is said by who follows the log.
fn prepare_index(config: &Config) {
    if let Some(path) = &config.log.index {
        drop(Index::open(&config.path(path), &config.path(&config.log.dir)));
    }
}

/// Keeps the exchange index up, if there should be one.
fn index(config: &Config, personal: Arc<PersonalKeys>) -> Option<IndexFollower> {
    let path = config.log.index.as_ref()?;
    let pause = Duration::from_millis(INDEX_EVERY_MS);
    Some(IndexFollower::start(config.path(path), config.path(&config.log.dir), personal, pause))
}

/// Brings complete parts of the log into the archive, now and then: a segment at a time, so that a stop is not kept
/// waiting, and a long backlog takes neither disk nor time from exchanges.
fn archiving(config: &Config) -> Option<Background> {
    let keeping = &config.log.keeping;
    let hours = Duration::from_secs(keeping.archive_hours * 3_600);
    let (dir, to, origin) = (config.path(&config.log.dir), config.archive(), config.log.origin.clone());
    let mut rests: Option<Instant> = None;
    let step = move || {
        if rests.is_some_and(|since| since.elapsed() < hours) {
            return;
        }
        let done = Archive::open(&to, &origin)
            .and_then(|to| keeping::archive(&dir, Some(&to), 1, clock::now(), &mut |_, _, _| {}));
        rests = match done {
            Ok(done) if done.segments.is_empty() => Some(Instant::now()),
            Ok(done) => {
                info!("the first {} entries of the exchange log are in the archive", done.end);
                None
            }
            Err(error) => {
                warn!(error = %crate::telemetry::chain(&error), "the exchange log was not archived: {error}");
                Some(Instant::now())
            }
        };
    };
    (!hours.is_zero()).then(|| Background::every("log-archive", ARCHIVE_PAUSE, step))
}

fn repeats(config: &Config) -> Result<Repeats, RepeatsError> {
    let settings = &config.repeats;
    let bounds = repeats::Bounds {
        keep: settings.keep(),
        answer: settings.max_answer_kib << 10,
        keys: settings.max_keys_per_system,
        bytes: settings.max_mib_per_system << 20,
        all_bytes: settings.max_mib << 20,
    };
    Repeats::start(&config.path(&settings.path), &config.path(&settings.key), bounds)
}

fn log_config(config: &Config) -> Result<LogConfig, LogKeyError> {
    let log = &config.log;
    let paths: Vec<PathBuf> = log.keys.iter().map(|path| config.path(path)).collect();
    let sealing = Sealing {
        keys: read_keys(&paths, &log.origin)?,
        outside: config.path(&log.last_checkpoint),
        every: Duration::from_millis(log.seal_ms),
    };
    Ok(LogConfig {
        segment_bytes: log.segment_mib << 20,
        sealing: Some(Arc::new(sealing)),
        ..LogConfig::new(config.path(&log.dir), log.origin.clone(), clock::now)
    })
}

/// How checkpoints are stamped, if they are.
///
/// # Errors
/// [`AppError::StampAnchors`].
pub(crate) fn stamping_config(config: &Config) -> Result<Option<Stamping>, AppError> {
    let stamps = &config.log.time_stamps;
    let Some(authority) = &stamps.authority else { return Ok(None) };
    let path = config.path(&stamps.anchors);
    let pem = std::fs::read(&path).map_err(|error| AppError::StampAnchors(path.clone(), error.into()))?;
    let anchors = TrustAnchors::from_pem(&pem, clock::now());
    let anchors = anchors.map_err(|error| AppError::StampAnchors(path.clone(), error.into()))?;
    let authority = authority
        .parse()
        .map_err(|error: http::uri::InvalidUri| AppError::StampAnchors(path, error.into()))?;
    let hours = Duration::from_secs(stamps.stop_after_hours * 3_600);
    Ok(Some(Stamping {
        authority,
        anchors,
        every: Duration::from_secs(stamps.every_minutes * 60),
        stop_after: (!hours.is_zero()).then_some(hours),
    }))
}

fn listen(
    config: &Config,
    identity: &Identity,
    trust: &Arc<Trust>,
    shared: Arc<Shared>,
    log: &ExchangeLog,
) -> Result<Listener, AppError> {
    let oldest = if config.exchange.tls12 { OldestTls::Tls12 } else { OldestTls::Tls13 };
    let options = AcceptorOptions { oldest, ..AcceptorOptions::new(Clock::new(clock::now)) };
    let acceptor = Arc::new(Acceptor::new(identity, Arc::clone(trust), options)?);
    let options =
        ConnectorOptions { oldest, alpn: vec![Alpn::Http1], ..ConnectorOptions::new(Clock::new(clock::now)) };
    let connector = Connector::new(identity, Arc::clone(trust), options)?;
    let listen = config.exchange.listen;
    let parts = Parts { listen, runtimes: config.exchange.runtimes, shared, acceptor, connector };
    Listener::start(parts, || log.port()).map_err(|error| AppError::Listen(listen, error))
}

fn serve_api(
    config: &Config,
    identity: &Identity,
    trust: &Arc<Trust>,
    shared: &Shared,
    follower: &Follower,
) -> Result<Api, AppError> {
    let settings = &config.api;
    let own = match (&settings.certificate, &settings.key) {
        (Some(certificate), Some(key)) => {
            let read = Identity::from_files(&config.path(certificate), &config.path(key));
            Some(read.map_err(AppError::Identity)?)
        }
        _ => None,
    };
    let options = AcceptorOptions {
        alpn: vec![Alpn::Http1],
        certificates: ClientCertificates::Optional,
        ..AcceptorOptions::new(Clock::new(clock::now))
    };
    let acceptor = Arc::new(Acceptor::new(own.as_ref().unwrap_or(identity), Arc::clone(trust), options)?);
    let registry = config.path(&config.registry.path);
    let store = Box::new(SqliteStore::open(&registry)?);
    let depositary = Depositary::new(&config.path(&settings.depositary));
    let parts = api::Parts {
        arrivals: Arc::clone(&shared.arrivals),
        prober: Prober::new(config, identity, trust)?,
        config: settings.clone(),
        environment: config.environment,
        trust: Arc::clone(trust),
        views: Arc::clone(&shared.views),
        depositary: depositary.taking(settings.max_document_mb * 1_000_000),
        personal: Arc::clone(&shared.personal),
        subjects: Arc::clone(&shared.subjects),
        usage: UsageConfig {
            shares: config.usage.shares.as_ref().map(|folder| config.path(folder)),
            ..config.usage.clone()
        },
        record: RecordPlaces {
            log: config.path(&config.log.dir),
            index: config.log.index.as_ref().map(|path| config.path(path)),
            searches: config.path(&config.log.searches),
        },
        metrics: Arc::clone(&shared.metrics),
        commands: match follower.take_folded() {
            Some((folded, chain)) => Commands::continuing(store, folded, chain),
            None => Commands::remembering(store, Snapshots::of(config).as_ref())?,
        },
        registry,
        access: AccessStore::open(&config.path(&settings.access))?,
    };
    let parts = Arc::new(api::Shared::new(parts));
    let router = api::router(&parts);
    Api::start(&parts, acceptor, router).map_err(|error| AppError::Listen(settings.listen, error))
}

struct Face {
    stamps: Arc<StampStats>,
    shared: Arc<Shared>,
    log: Arc<ExchangeLog>,
    courier: Option<Arc<Courier>>,
    stopping: Arc<AtomicBool>,
}

impl Shown for Face {
    fn unready(&self) -> Option<String> {
        if self.stopping.load(Ordering::Acquire) {
            return Some("stopping".into());
        }
        match self.log.health() {
            Health::Open => {}
            Health::Full => return Some("the exchange log has no space left on its disk".into()),
            Health::Stopped => return Some("the exchange log is stopped".into()),
            Health::Failed(reason) => return Some(format!("the exchange log failed: {reason}")),
        }
        if self.log.openings() == Openings::Held {
            return Some("no witness has cosigned the exchange log for too long".into());
        }
        self.shared.views.current().err().map(|unconfirmed| unconfirmed.to_string())
    }

    fn remarks(&self) -> Vec<String> {
        let own = self.shared.clock.standing();
        let own = (own != Standing::Unwatched).then(|| format!("this machine's clock: {own}"));
        let off = self.shared.peers.all().into_iter().filter(|(_, ahead)| ahead.abs() >= PEER_OFF);
        let off = off.map(|(system, ahead)| format!("the clock of {system} is {}", off_by(ahead)));
        let national = self.shared.national.as_ref().and_then(|service| service.remark());
        own.into_iter().chain(national).chain(off.take(MOST_REMARKS)).collect()
    }

    fn metrics(&self) -> String {
        self.shared.metrics.text(&Gauges {
            held_bytes: self.shared.memory.used(),
            log: &self.log.stats(),
            open_exchanges: self.log.open_exchanges(),
            log_healthy: self.log.health() == Health::Open,
            unsealed: self.log.unsealed(),
            standing: self.courier.as_ref().map(|courier| courier.standing()),
            stamps: &self.stamps,
            views: &self.shared.views,
            clock: &self.shared.clock,
            peers: &self.shared.peers,
        })
    }
}

/// How far a clock is off, in words.
fn off_by(ahead: SignedDuration) -> String {
    let direction = if ahead.is_negative() { "behind" } else { "ahead" };
    format!("{} s {direction}", ahead.as_secs().unsigned_abs())
}

/// From here on a provider's clock is worth a remark: no request is so slow.
const PEER_OFF: SignedDuration = SignedDuration::from_secs(5);
const MOST_REMARKS: usize = 20;

/// How often new and destroyed keys of subjects' hashes and of personal parts are looked for.
const KEYS_EVERY: Duration = Duration::from_secs(2);

/// Between two segments on their way into the archive.
const ARCHIVE_PAUSE: Duration = Duration::from_secs(2);

/// The index may be a little behind: searches read it, exchanges do not.
const INDEX_EVERY_MS: u64 = 250;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_ahead_or_behind_and_never_ahead_by_less_than_nothing() {
        assert_eq!(off_by(SignedDuration::from_secs(7)), "7 s ahead");
        assert_eq!(off_by(SignedDuration::from_secs(-2_678_399)), "2678399 s behind");
    }
}

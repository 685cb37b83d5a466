//! The app: builds the parts and wires them, and takes them down in the right order.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use certs::keys::Identity;
use certs::tls::{
    Acceptor, AcceptorOptions, Alpn, ClientCertificates, Clock, Connector, ConnectorOptions, OldestTls,
};
use certs::trust::{Trust, TrustAnchors};
use tracing::{info, warn};

use crate::addresses::Address;
use crate::api::access::AccessStore;
use crate::api::{self, Api, RecordPlaces};
use crate::background::Background;
use crate::clock;
use crate::clock_watch::ClockWatch;
use crate::config::{Config, UsageConfig, WhenSilent};
use crate::cryptography::Cryptography;
use crate::ends::{End, Footing};
use crate::exchange::budget::Budget;
use crate::exchange::subject::SubjectKey;
use crate::exchange::{Consents, Shared};
use crate::exchange_index::{Index, IndexFollower};
use crate::exchange_log::keeping::{self, Archive};
use crate::exchange_log::{
    ExchangeLog, Health, LogConfig, LogEnd, LogKeyError, Openings, RecoveryReport, Sealing, StartError,
    read_keys,
};
use crate::listener::{Listener, Parts};
use crate::national::NationalService;
use crate::office::{Depositary, Restored};
use crate::operations::Operations;
use crate::personal::PersonalKeys;
use crate::readiness::Prober;
use crate::registry::follower::{Follower, Following};
use crate::registry::proof::Proofs;
use crate::registry::snapshot::Snapshots;
use crate::registry::sqlite::SqliteStore;
use crate::registry::{Allowed, Commands, Views};
use crate::repeats::{self, Repeats, RepeatsError};
use crate::scanner::Scanner;
use crate::stamping::{self, StampStats, Stamping};
use crate::subject_keys::SubjectKeys;
use crate::telemetry::metrics::Metrics;
use crate::transparency::key::VerifierKey;
use crate::trusted::{Reading, TrustFiles};
use crate::witness::{Courier, Route, Word, went_back};

mod error;
mod face;

pub use error::AppError;
use face::{Face, Known, Stage};

/// A running gateway. Dropping it stops it.
pub struct App {
    // In the order in which they end: no new work, no more of it, then what it was written to.
    face: Option<Arc<Face>>,
    listener: Option<Listener>,
    api: Option<Api>,
    operations: Option<Operations>,
    stamping: Option<Background>,
    _clock: Option<Background>,
    _cryptography: Background,
    _trust: Background,
    _ends: Background,
    _subjects: Background,
    _personal: Background,
    _follower: Arc<Follower>,
    courier: Option<Arc<Courier>>,
    _index: Option<IndexFollower>,
    _archiving: Option<Background>,
    log: Option<Arc<ExchangeLog>>,
    recovery: RecoveryReport,
}

impl App {
    /// Starts a gateway; it serves when this returns.
    ///
    /// # Errors
    /// [`AppError`] names the part that does not start; nothing is left running.
    pub fn start(config: &Config) -> Result<Self, AppError> {
        // Before anything is read or written: whoever lacks an address has changed nothing.
        let Addresses { exchange, api, operations } = Addresses::take(config)?;
        let face = Arc::<Face>::default();
        let at = operations.at();
        let operations =
            Operations::start(operations, face.clone()).map_err(|error| AppError::Listen(at, error))?;
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
        let reading = Arc::<Reading>::default();
        let following_trust = files.follow(Arc::clone(&trust), seen, Arc::clone(&reading), pause);
        let of_api = identity_of_api(config)?;
        let mut own = vec![End::of_certificate("the gateway's certificate", &identity)];
        own.extend(of_api.iter().map(|of_api| End::of_certificate("the API's certificate", of_api)));
        let footing = Arc::new(Footing::new(own, Arc::clone(&trust), reading, config.trust.warn_days));

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
        compare_with_registry(config, &follower.views)?;
        let log_config = log_config(config)?;
        let log_keys = log_config.sealing.iter().flat_map(|sealing| &sealing.keys);
        let log_keys = log_keys.map(|key| key.verifier().clone()).collect();
        let (log, recovery) = ExchangeLog::start(log_config)?;
        tell(&recovery);
        let log = Arc::new(log);
        let courier = courier(config, log_keys, &identity, &trust, &log)?;
        let stamps = Arc::<StampStats>::default();
        let stamping = stamping_config(config)?.map(|stamping| {
            stamping::start(stamping, config.path(&config.log.dir), Arc::clone(&log), Arc::clone(&stamps))
        });

        let metrics = Metrics::new();
        let clock_watch = ClockWatch::new(&config.clock);
        let consents = consents(config, &follower.views)?;
        // Before anything passes.
        let volumes = Arc::clone(&follower.views.newest().volumes);
        volumes.recall(&config.path(&config.log.dir), clock::now()).map_err(AppError::Volumes)?;
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
        let cryptography = Arc::new(Cryptography::of(&config.cryptography));
        face.shows(Known {
            cryptography: Arc::clone(&cryptography),
            shared: Arc::clone(&shared),
            log: Arc::clone(&log),
            courier: courier.clone(),
            stamps,
            footing: Arc::clone(&footing),
        });
        prepare_index(config);
        let identities = (&identity, of_api.as_ref());
        let api = serve_api(config, api, identities, &trust, &shared, &follower)?;
        let listener = listen(config, exchange, &identity, &trust, shared, &log)?;
        face.reaches(Stage::Serving);
        info!(
            exchange.address = %listener.address(),
            operations.address = %operations.address(),
            api.address = %api.address(),
            "serving"
        );
        Ok(Self {
            face: Some(face),
            listener: Some(listener),
            api: Some(api),
            operations: Some(operations),
            stamping,
            _clock: clock_watch.follow(&config.clock),
            _cryptography: cryptography.follow(),
            _trust: following_trust,
            _ends: footing.follow(),
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
        let face = self.face.take();
        if let Some(face) = &face {
            face.reaches(Stage::Stopping);
        }
        drop(self.listener.take());
        drop(self.api.take());
        drop(self.operations.take());
        // It knows the log.
        drop(face);
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

/// The addresses of all faces.
struct Addresses {
    exchange: Address,
    api: Address,
    operations: Address,
}

impl Addresses {
    fn take(config: &Config) -> Result<Self, AppError> {
        let taken = |at| move |error| AppError::Listen(at, error);
        let (exchange, api, operations) =
            (config.exchange.listen, config.api.listen, config.operations.listen);
        Ok(Self {
            exchange: Listener::address_for(exchange, config.exchange.runtimes).map_err(taken(exchange))?,
            api: Address::take(api, 1).map_err(taken(api))?,
            operations: Address::take(operations, 1).map_err(taken(operations))?,
        })
    }
}

/// Holds the exchange log against what a restore left behind, and the registry against the log: each was durable before the
/// other spoke of it, so one that is behind is a copy of an earlier time.
fn compare_with_registry(config: &Config, views: &Views) -> Result<(), AppError> {
    let dir = config.path(&config.log.dir);
    let end = LogEnd::of(&dir).map_err(|source| StartError::Io { path: dir, source })?;
    Restored::look(config, end.entries)?;
    let registry = views.newest().book.revision();
    match end.registry_revision {
        Some(log) if log > registry => Err(AppError::RegistryWentBack { registry, log }),
        _ => Ok(()),
    }
}

/// Says what a crash had left of the exchange log, and what became of it.
fn tell(recovery: &RecoveryReport) {
    let RecoveryReport { torn_bytes, closed_as_unknown, .. } = *recovery;
    if torn_bytes > 0 || closed_as_unknown > 0 {
        warn!(
            log.torn_bytes = torn_bytes,
            log.closed_as_unknown = closed_as_unknown,
            "the gateway did not end in good order: {closed_as_unknown} exchanges were closed as unknown, which \
             `kelisim log search --outcome unsettled` lists, and {torn_bytes} bytes that nobody was told of were cut"
        );
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
        cryptography: Some(Cryptography::of(&config.cryptography)),
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
    address: Address,
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
    let at = address.at();
    let parts = Parts { address, shared, acceptor, connector };
    Listener::start(parts, || log.port()).map_err(|error| AppError::Listen(at, error))
}

/// The API's own certificate and key, if it has any.
fn identity_of_api(config: &Config) -> Result<Option<Identity>, AppError> {
    let (Some(certificate), Some(key)) = (&config.api.certificate, &config.api.key) else { return Ok(None) };
    let read = Identity::from_files(&config.path(certificate), &config.path(key));
    read.map(Some).map_err(AppError::Identity)
}

fn serve_api(
    config: &Config,
    address: Address,
    (identity, of_api): (&Identity, Option<&Identity>),
    trust: &Arc<Trust>,
    shared: &Shared,
    follower: &Follower,
) -> Result<Api, AppError> {
    let settings = &config.api;
    let options = AcceptorOptions {
        alpn: vec![Alpn::Http1],
        certificates: ClientCertificates::Optional,
        ..AcceptorOptions::new(Clock::new(clock::now))
    };
    let acceptor = Arc::new(Acceptor::new(of_api.unwrap_or(identity), Arc::clone(trust), options)?);
    let registry = config.path(&config.registry.path);
    let store = Box::new(SqliteStore::open(&registry)?);
    let depositary = Depositary::new(&config.path(&settings.depositary));
    let depositary = depositary.taking(settings.max_document_mb * 1_000_000);
    let commands = match follower.take_folded() {
        Some((folded, chain)) => Commands::continuing(store, folded, chain),
        None => Commands::remembering(store, Snapshots::of(config).as_ref())?,
    };
    let parts = api::Parts {
        arrivals: Arc::clone(&shared.arrivals),
        prober: Prober::new(config, identity, trust)?,
        config: settings.clone(),
        environment: config.environment,
        trust: Arc::clone(trust),
        views: Arc::clone(&shared.views),
        depositary: depositary.clone(),
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
        commands: commands.keeping(depositary),
        registry,
        access: AccessStore::open(&config.path(&settings.access))?,
    };
    let parts = Arc::new(api::Shared::new(parts));
    let router = api::router(&parts);
    let at = address.at();
    Api::start(address, &parts, acceptor, router).map_err(|error| AppError::Listen(at, error))
}

/// How often new and destroyed keys of subjects' hashes and of personal parts are looked for.
const KEYS_EVERY: Duration = Duration::from_secs(2);

/// Between two segments on their way into the archive.
const ARCHIVE_PAUSE: Duration = Duration::from_secs(2);

/// The index may be a little behind: searches read it, exchanges do not.
const INDEX_EVERY_MS: u64 = 250;

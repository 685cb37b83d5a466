//! What all requests share: the registry, its past, the access store, the depositary, the record.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use agreements::{Agreement, Command, Phase, Recorded, Registry};
use certs::trust::Trust;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use jiff::Timestamp;

use super::access::AccessStore;
use super::auth::Caller;
use super::newest::Newest;
use super::past::Past;
use super::places::Places;
use super::problem::Problem;
use super::public::Register;
use super::readiness::Underway;
use super::record::RecordPlaces;
use crate::clock;
use crate::config::{ApiConfig, UsageConfig};
use crate::listener::neighbourhood;
use crate::office::Depositary;
use crate::personal::PersonalKeys;
use crate::readiness::{Arrivals, Prober};
use crate::registry::proof::Proofs;
use crate::registry::sqlite::SqliteStore;
use crate::registry::{Commands, Failure, Issued, Once, Store, Views, whole};
use crate::subject_keys::SubjectKeys;
use crate::telemetry::metrics::Metrics;

/// What the API is made of.
pub struct Shared {
    /// Its configuration.
    pub config: ApiConfig,
    /// The environment that the gateway serves.
    pub environment: Phase,
    /// Whom the gateway trusts.
    pub trust: Arc<Trust>,
    /// What calls are decided on.
    pub views: Arc<Views>,
    /// The documents that are kept.
    pub depositary: Depositary,
    /// Where the record of exchanges is.
    pub record: RecordPlaces,
    /// The keys of personal parts in it.
    pub personal: Arc<PersonalKeys>,
    /// The keys of subjects' hashes in it.
    pub subjects: Arc<SubjectKeys>,
    /// Who may ask who used a person's data.
    pub usage: UsageConfig,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// When consumers were last seen.
    pub arrivals: Arc<Arrivals>,
    /// What readiness checks are made with.
    pub(super) prober: Prober,
    /// Readiness checks under way.
    pub(super) underway: Underway,
    /// How much there may be of each at once.
    pub(super) places: Places,
    /// The public register, as it was made last.
    pub(super) register: Register,
    /// The registry as it was.
    pub(super) past: Past,
    newest: Newest,
    registry: PathBuf,
    access: Mutex<AccessStore>,
    logins: DefaultKeyedRateLimiter<IpAddr>,
}

/// What [`Shared::new`] takes.
pub struct Parts {
    /// Its configuration.
    pub config: ApiConfig,
    /// The environment that the gateway serves.
    pub environment: Phase,
    /// Whom the gateway trusts.
    pub trust: Arc<Trust>,
    /// What calls are decided on.
    pub views: Arc<Views>,
    /// The documents that are kept.
    pub depositary: Depositary,
    /// Where the record of exchanges is.
    pub record: RecordPlaces,
    /// The keys of personal parts in it.
    pub personal: Arc<PersonalKeys>,
    /// The keys of subjects' hashes in it.
    pub subjects: Arc<SubjectKeys>,
    /// Who may ask who used a person's data.
    pub usage: UsageConfig,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// When consumers were last seen.
    pub arrivals: Arc<Arrivals>,
    /// What readiness checks are made with.
    pub prober: Prober,
    /// The registry's store, for commands.
    pub commands: Commands,
    /// The registry's file, for its past.
    pub registry: PathBuf,
    /// What proves that a caller is an operator.
    pub access: AccessStore,
}

impl Shared {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Self {
        let logins = NonZeroU32::new(parts.config.logins_per_minute).unwrap_or(NonZeroU32::MIN);
        Self {
            places: Places::new(parts.config.max_requests),
            register: Register::default(),
            newest: Newest::new(parts.commands),
            past: Past::of(parts.registry.clone()),
            registry: parts.registry,
            access: Mutex::new(parts.access),
            logins: RateLimiter::keyed(Quota::per_minute(logins)),
            config: parts.config,
            environment: parts.environment,
            trust: parts.trust,
            views: parts.views,
            depositary: parts.depositary,
            record: parts.record,
            personal: parts.personal,
            subjects: parts.subjects,
            usage: parts.usage,
            metrics: parts.metrics,
            arrivals: parts.arrivals,
            prober: parts.prober,
            underway: Underway::default(),
        }
    }

    /// The registry at its newest revision: a snapshot, which keeps nobody else from anything.
    ///
    /// # Errors
    /// `registry-unavailable`.
    pub fn registry(&self) -> Result<Arc<Registry>, Problem> {
        self.newest.registry()
    }

    /// Reads the registry at its newest revision.
    ///
    /// # Errors
    /// `registry-unavailable`, and whatever `read` finds.
    pub fn newest<T>(&self, read: impl FnOnce(&Registry) -> Result<T, Problem>) -> Result<T, Problem> {
        read(&*self.registry()?)
    }

    /// The registry as it was at a moment, or as it is now; the newest where nothing happened since.
    ///
    /// # Errors
    /// `registry-unavailable`; `busy` while another moment is looked up.
    pub fn registry_at(&self, at: Option<Timestamp>) -> Result<Arc<Registry>, Problem> {
        let Some(at) = at else { return self.registry() };
        match self.newest.registry_if_as_of(at)? {
            Some(newest) => Ok(newest),
            None => self.past.at(at),
        }
    }

    /// Reads the registry as it was at a moment, or as it is now.
    ///
    /// # Errors
    /// As [`Shared::registry_at`], and whatever `read` finds.
    pub fn at<T>(
        &self,
        at: Option<Timestamp>,
        read: impl FnOnce(&Registry) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        read(&*self.registry_at(at)?)
    }

    /// Proofs of what the registry holds, against the gateway's trust.
    ///
    /// # Errors
    /// `registry-unavailable`.
    pub fn proofs(&self) -> Result<Proofs, Problem> {
        let store = SqliteStore::open(&self.registry).map_err(Failure::from)?;
        Ok(Proofs::new(Arc::clone(&self.trust)).with_evidence(Box::new(store)))
    }

    /// An agreement with its signatures as they were made.
    ///
    /// # Errors
    /// `registry-unavailable`.
    pub fn whole(&self, agreement: &Agreement) -> Result<Agreement, Problem> {
        let mut store = SqliteStore::open(&self.registry).map_err(Failure::from)?;
        let signatures = whole(&agreement.signatures, &mut store).map_err(Failure::from)?;
        Ok(Agreement { signatures, ..agreement.clone() })
    }

    /// Events after a revision, in order.
    ///
    /// # Errors
    /// `registry-unavailable`.
    pub fn history(&self, after: u64, most: usize) -> Result<Vec<Recorded>, Problem> {
        // By a connection of its own: who reads much keeps nobody waiting.
        let mut store = SqliteStore::open(&self.registry).map_err(Failure::from)?;
        store.read(after, most).map_err(|error| Failure::from(error).into())
    }

    /// Issues a command for a caller, if the registry is at `expected` or nothing is expected of it.
    ///
    /// # Errors
    /// What the rules refuse; `precondition-failed`; `registry-unavailable`.
    pub fn issue(
        &self,
        command: Command,
        caller: &Caller,
        reason: &str,
        expected: Option<u64>,
    ) -> Result<Vec<Recorded>, Problem> {
        let mut commands = self.newest.commands();
        let (actor, now) = (&caller.actor, clock::now());
        let recorded = match expected {
            None => commands.issue(command, actor, reason, now),
            Some(revision) => commands.issue_on(revision, command, actor, reason, now),
        };
        Ok(recorded?)
    }

    /// Issues a command as [`Shared::issue`] does, once under its key.
    ///
    /// # Errors
    /// As [`Shared::issue`]; `idempotency-key-reused`; `too-many-requests`.
    pub fn issue_once(
        &self,
        once: &Once,
        command: Command,
        caller: &Caller,
        reason: &str,
        expected: Option<u64>,
    ) -> Result<Issued, Problem> {
        let mut commands = self.newest.commands();
        Ok(commands.issue_once(once, expected, command, &caller.actor, reason, clock::now())?)
    }

    /// What was done under a request's key.
    ///
    /// # Errors
    /// `idempotency-key-reused`; `registry-unavailable`.
    pub fn done(&self, once: &Once) -> Result<Option<Vec<Recorded>>, Problem> {
        Ok(self.newest.commands().done(once)?)
    }

    /// The access store.
    pub fn access(&self) -> MutexGuard<'_, AccessStore> {
        // What a request left in disorder when it panicked is only ever replaced whole.
        self.access.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether an address may try another login now.
    ///
    /// # Errors
    /// `too-many-requests`.
    pub fn may_log_in(&self, address: IpAddr) -> Result<(), Problem> {
        if self.logins.len() > MOST_ADDRESSES {
            self.logins.retain_recent();
        }
        self.logins.check_key(&neighbourhood(address)).map_err(|not_until| {
            let wait = not_until.wait_time_from(DefaultClock::default().now()).as_secs() + 1;
            Problem::new("too-many-requests", format!("try again in {wait} s")).after(wait)
        })
    }
}

/// Addresses remembered before those that rested are forgotten.
const MOST_ADDRESSES: usize = 10_000;

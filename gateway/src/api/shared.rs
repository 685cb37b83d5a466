//! What all requests share: the registry, its past, the access store, the depositary, and how much of each at once.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use agreements::{Agreement, Command, Phase, Recorded, Registry};
use certs::trust::Trust;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use jiff::Timestamp;
use tokio::sync::Semaphore;

use super::access::AccessStore;
use super::auth::Caller;
use super::problem::Problem;
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
use crate::registry::{Commands, Failure, Issued, Once, Views, whole};
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
    /// Requests being answered.
    pub(super) requests: Semaphore,
    /// Passwords being hashed: each takes 19 MiB and a core.
    pub(super) hashing: Semaphore,
    /// Documents under way.
    pub(super) documents: Semaphore,
    /// Exports under way: each reads much.
    pub(super) exports: Arc<Semaphore>,
    /// Threads on which requests are carried out; there are others on which it is found out who asks.
    pub(super) threads: Arc<Semaphore>,
    commands: Mutex<Commands>,
    past: Past,
    registry: PathBuf,
    access: Mutex<AccessStore>,
    logins: DefaultKeyedRateLimiter<IpAddr>,
}

/// The registry as it was, folded anew for each moment asked about, one at a time; the last few are kept.
struct Past {
    registry: PathBuf,
    /// The last one asked about first.
    known: Mutex<VecDeque<(Timestamp, Arc<Registry>)>>,
    folding: Mutex<()>,
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
            requests: Semaphore::new(parts.config.max_requests),
            hashing: Semaphore::new(MOST_HASHING),
            documents: Semaphore::new(MOST_DOCUMENTS),
            exports: Arc::new(Semaphore::new(MOST_EXPORTS)),
            threads: Arc::new(Semaphore::new(WORKING_THREADS)),
            commands: Mutex::new(parts.commands),
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

    /// Reads the registry at its newest revision.
    ///
    /// # Errors
    /// `registry-unavailable`, and whatever `read` finds.
    pub fn newest<T>(&self, read: impl FnOnce(&Registry) -> Result<T, Problem>) -> Result<T, Problem> {
        let mut commands = lock(&self.commands);
        commands.refresh()?;
        read(commands.registry())
    }

    /// Reads the registry as it was at a moment, or as it is now.
    ///
    /// # Errors
    /// As [`Shared::newest`]; `busy` while another moment is looked up.
    pub fn at<T>(
        &self,
        at: Option<Timestamp>,
        read: impl FnOnce(&Registry) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        match at {
            None => self.newest(read),
            Some(at) => read(&*self.past.at(at)?),
        }
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
        lock(&self.commands).history(after, most).map_err(|error| Failure::from(error).into())
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
        let mut commands = lock(&self.commands);
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
        let mut commands = lock(&self.commands);
        Ok(commands.issue_once(once, expected, command, &caller.actor, reason, clock::now())?)
    }

    /// What was done under a request's key.
    ///
    /// # Errors
    /// `idempotency-key-reused`; `registry-unavailable`.
    pub fn done(&self, once: &Once) -> Result<Option<Vec<Recorded>>, Problem> {
        Ok(lock(&self.commands).done(once)?)
    }

    /// The access store.
    pub fn access(&self) -> MutexGuard<'_, AccessStore> {
        lock(&self.access)
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

impl Past {
    fn of(registry: PathBuf) -> Self {
        Self { registry, known: Mutex::default(), folding: Mutex::default() }
    }

    fn at(&self, at: Timestamp) -> Result<Arc<Registry>, Problem> {
        if let Some(known) = self.known(at) {
            return Ok(known);
        }
        // Nobody waits: each would keep a thread, and the next moment is as long in coming as this one.
        let _folding = match self.folding.try_lock() {
            Ok(folding) => folding,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                return Err(Problem::new("busy", "another moment of the past is being looked up").after(2));
            }
        };
        // It may have been this very moment.
        if let Some(known) = self.known(at) {
            return Ok(known);
        }
        let registry = Arc::new(self.fold(at).map_err(Problem::from)?);
        let mut known = lock(&self.known);
        known.push_front((at, Arc::clone(&registry)));
        known.truncate(MOST_PASTS);
        Ok(registry)
    }

    fn known(&self, at: Timestamp) -> Option<Arc<Registry>> {
        let mut known = lock(&self.known);
        let place = known.iter().position(|(moment, _)| *moment == at)?;
        let found = known.remove(place)?;
        let registry = Arc::clone(&found.1);
        known.push_front(found);
        Some(registry)
    }

    fn fold(&self, at: Timestamp) -> Result<Registry, Failure> {
        use crate::registry::Store;
        let mut store = SqliteStore::open(&self.registry)?;
        let mut registry = Registry::default();
        loop {
            let events = store.read(registry.revision(), PAGE)?;
            for event in &events {
                if event.at > at {
                    return Ok(registry);
                }
                registry.apply(event)?;
            }
            if events.len() < PAGE {
                return Ok(registry);
            }
        }
    }
}

/// What a request left in disorder when it panicked is only ever replaced whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Events read at once.
const PAGE: usize = 10_000;

/// Requests that are carried out at once, each on a thread.
pub(super) const WORKING_THREADS: usize = 16;

/// Moments of the past that are kept: each is a whole registry in memory.
const MOST_PASTS: usize = 4;

const MOST_HASHING: usize = 2;

const MOST_DOCUMENTS: usize = 8;

const MOST_EXPORTS: usize = 4;

/// Addresses remembered before those that rested are forgotten.
const MOST_ADDRESSES: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_moment_of_the_past_is_looked_up_at_a_time_and_a_few_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("registry.sqlite");
        drop(SqliteStore::open(&path).unwrap());
        let past = Past::of(path);
        let moment = |second| Timestamp::from_second(second).unwrap();
        let first = past.at(moment(0)).unwrap();
        let folding = past.folding.lock().unwrap();
        let problem = past.at(moment(1)).unwrap_err();
        assert_eq!((problem.code, problem.status().as_u16()), ("busy", 503));
        assert!(Arc::ptr_eq(&past.at(moment(0)).unwrap(), &first), "what is kept is shown meanwhile");
        drop(folding);
        for second in 1..=MOST_PASTS as i64 {
            past.at(moment(second)).unwrap();
        }
        assert_eq!(lock(&past.known).len(), MOST_PASTS);
        assert!(!Arc::ptr_eq(&past.at(moment(0)).unwrap(), &first), "it was the oldest");
    }
}

//! The follower: keeps the exchange path's view the newest one.
//!
//! Owned by the app; one thread, ended by dropping it. Where the store cannot be read the view is no longer confirmed,
//! and after its lease nothing is exchanged.
//!
//! Events go first: when trust changes, agreements are proven anew in slices between two looks at the store, so that no
//! revocation waits for them (`docs/decisions/0011`).

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use agreements::{AgreementNumber, Book, OutOfStep, Phase, Registry, Signed};
use jiff::Timestamp;
use tracing::{error, info};

use super::proof::{Proofs, RETRY, Renewal};
use super::store::{Store, StoreError};
use super::view::{Allowed, View, Views};
use crate::background::Background;
use crate::clock;

/// A registry that is being followed.
pub struct Follower {
    /// What the exchange path reads.
    pub views: Arc<Views>,
    /// How often the store could not be read.
    pub failures: Arc<AtomicU64>,
    _thread: Background,
}

/// Why a registry cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What it holds does not add up.
    #[error(transparent)]
    OutOfStep(#[from] OutOfStep),
}

/// How a registry is followed.
#[derive(Debug, Clone, Copy)]
pub struct Following {
    /// The environment that the gateway serves.
    pub environment: Phase,
    /// How often the newest revision is asked for.
    pub poll: Duration,
    /// Longest time without confirmation.
    pub lease: Duration,
    /// What one system may use at once.
    pub allowed: Allowed,
}

impl Follower {
    /// Reads the registry whole, then follows it on a thread of its own.
    ///
    /// # Errors
    /// [`FollowError`]: the registry cannot be read whole now.
    pub fn start(store: Box<dyn Store>, proofs: Proofs, following: Following) -> Result<Self, FollowError> {
        // Taken before any is proven: if trust changes meanwhile, they are renewed.
        let proofs_generation = proofs.generation();
        let mut folding = Folding {
            store,
            registry: Registry::default(),
            proofs,
            environment: following.environment,
            allowed: following.allowed,
            trust_generation: proofs_generation,
            to_renew: Vec::new(),
            renewing_since: Instant::now(),
            seen: Seen { at: Instant::now(), unproven: 0 },
        };
        folding.catch_up()?;
        let view = folding.view(None);
        info!(registry.revision = view.book.revision(), "registry read");
        let views = Arc::new(Views::new(view, following.lease));
        let failures = Arc::new(AtomicU64::new(0));
        let (seen, counted) = (Arc::clone(&views), Arc::clone(&failures));
        let thread = Background::every("registry", following.poll, move || {
            if let Err(error) = folding.follow(&seen) {
                // Once a poll; the lease decides what follows from it.
                counted.fetch_add(1, Ordering::Relaxed);
                error!(error = %crate::telemetry::chain(&error), "registry cannot be confirmed");
            }
        });
        Ok(Self { views, failures, _thread: thread })
    }
}

// Owned by the follower's thread; nothing else reads or writes it.
struct Folding {
    store: Box<dyn Store>,
    registry: Registry,
    proofs: Proofs,
    environment: Phase,
    allowed: Allowed,
    /// Of the trust set that agreements were last listed for.
    trust_generation: u64,
    /// Agreements whose verdicts may be of an older trust set, and since when there are any.
    to_renew: Vec<(AgreementNumber, u32)>,
    renewing_since: Instant,
    seen: Seen,
}

/// When the last view was made, and how many agreements it holds for unproven.
#[derive(Clone, Copy)]
struct Seen {
    at: Instant,
    unproven: usize,
}

impl Folding {
    fn follow(&mut self, views: &Views) -> Result<(), FollowError> {
        // Taken before asking: what is confirmed is the state at this moment, not at the answer.
        let asked = Instant::now();
        let revision = self.store.revision()?;
        if revision == self.registry.revision() {
            views.confirm(asked);
        } else {
            self.catch_up()?;
            self.replace(views, asked);
            info!(registry.revision = self.registry.revision(), "registry changed");
        }
        let unproven_for_long = self.seen.unproven > 0 && self.seen.at.elapsed() >= RETRY;
        if self.renew() == Renewal::Turned || unproven_for_long {
            self.replace(views, asked);
        }
        Ok(())
    }

    /// Proves some of the agreements anew that a change of trust left to be.
    fn renew(&mut self) -> Renewal {
        let generation = self.proofs.generation();
        if generation != self.trust_generation {
            if self.to_renew.is_empty() {
                self.renewing_since = Instant::now();
            }
            let all = self.registry.agreements();
            self.to_renew = all.map(|one| (one.header.number.clone(), one.header.version)).collect();
            self.trust_generation = generation;
        }
        if self.to_renew.is_empty() {
            return Renewal::Same;
        }
        // However often trust changes, no verdict of an older set holds for longer than this.
        let overdue = self.renewing_since.elapsed() >= MOST_RENEWING;
        let (begun, now) = (Instant::now(), clock::now());
        let mut found = Renewal::Same;
        while overdue || begun.elapsed() < SLICE {
            let Some((number, version)) = self.to_renew.pop() else { break };
            let Some(agreement) = self.registry.agreement(&number, version) else { continue };
            let list = self.registry.user_list(&number).map(Signed::Users);
            for signed in [Some(Signed::Agreement(agreement)), list].into_iter().flatten() {
                if self.proofs.renew(signed, &self.registry, now) == Renewal::Turned {
                    found = Renewal::Turned;
                }
            }
        }
        if self.to_renew.is_empty() {
            if self.renew_orders(now) == Renewal::Turned {
                found = Renewal::Turned;
            }
            self.proofs.forget_before(generation);
        }
        found
    }

    /// Proves anew what few registries hold many of.
    fn renew_orders(&self, now: Timestamp) -> Renewal {
        let liftings = self.registry.prescriptions().filter_map(|one| one.lifted.as_ref());
        let delegations = self.registry.delegations().map(Signed::Delegation);
        let mut found = Renewal::Same;
        for signed in liftings.map(Signed::Lifting).chain(delegations) {
            if self.proofs.renew(signed, &self.registry, now) == Renewal::Turned {
                found = Renewal::Turned;
            }
        }
        found
    }

    fn replace(&mut self, views: &Views, asked: Instant) {
        let view = self.view(Some(&views.newest()));
        views.replace(view, asked);
    }

    fn catch_up(&mut self) -> Result<(), FollowError> {
        loop {
            let events = self.store.read(self.registry.revision(), PAGE)?;
            for event in &events {
                self.registry.apply(event)?;
            }
            if events.len() < PAGE {
                return Ok(());
            }
        }
    }

    fn view(&mut self, before: Option<&View>) -> View {
        let now = clock::now();
        let unproven = Cell::new(0);
        let prove = |signed: Signed<'_>| {
            let verdict = self.proofs.prove(signed, &self.registry, now);
            unproven.set(unproven.get() + usize::from(verdict.is_err()));
            verdict
        };
        let book = Book::new(&self.registry, self.environment, &prove);
        self.seen = Seen { at: Instant::now(), unproven: unproven.get() };
        View::new(book, before, self.allowed)
    }
}

/// Events read at once.
const PAGE: usize = 10_000;

/// Longest time for proofs between two looks at the store.
const SLICE: Duration = Duration::from_millis(100);

/// Longest time for which verdicts of an older trust set hold.
const MOST_RENEWING: Duration = Duration::from_secs(60);

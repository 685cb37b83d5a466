//! The follower: keeps the exchange path's view the newest one.
//!
//! Owned by the app; one thread, ended by dropping it. Where the store cannot be read the view is no longer confirmed,
//! and after its lease nothing is exchanged.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use agreements::{Book, OutOfStep, Phase, Registry};
use tracing::{error, info};

use super::proof::Proofs;
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
        let mut folding = Folding {
            store,
            registry: Registry::default(),
            proofs,
            environment: following.environment,
            allowed: following.allowed,
            trust_generation: 0,
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
    trust_generation: u64,
}

impl Folding {
    fn follow(&mut self, views: &Views) -> Result<(), FollowError> {
        // Taken before asking: what is confirmed is the state at this moment, not at the answer.
        let asked = Instant::now();
        let revision = self.store.revision()?;
        if revision == self.registry.revision() && self.proofs.generation() == self.trust_generation {
            views.confirm(asked);
            return Ok(());
        }
        self.catch_up()?;
        let view = self.view(Some(&views.newest()));
        info!(registry.revision = view.book.revision(), "registry changed");
        views.replace(view, asked);
        Ok(())
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
        self.trust_generation = self.proofs.generation();
        let now = clock::now();
        let prove = |agreement: &_| self.proofs.prove(agreement, &self.registry, now);
        View::new(Book::new(&self.registry, self.environment, &prove), before, self.allowed)
    }
}

/// Events read at once.
const PAGE: usize = 10_000;

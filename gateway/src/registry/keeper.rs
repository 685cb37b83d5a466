//! The keeper: has the registry's snapshot written and its whole chain checked, beside the follower.
//!
//! Owned by the follower; each of its works runs on a thread of its own, at most one of a kind at once, and ends with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use agreements::Registry;
use tracing::{error, info, warn};

use super::proof::Proofs;
use super::snapshot::{Read, Snapshots, WORTH_KEEPING};
use super::store::{Chain, Store, StoreError};
use crate::telemetry::chain;

/// What goes on beside following.
#[derive(Debug)]
pub(super) struct Keeper {
    snapshots: Option<Snapshots>,
    /// The revision of the newest snapshot, and when it was begun.
    kept: u64,
    kept_at: Instant,
    /// How many verdicts were remembered last.
    verdicts: usize,
    writing: Option<JoinHandle<()>>,
    checking: Option<JoinHandle<()>>,
    /// The first event that does not follow on the one before it; 0 while none is known.
    tampered: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl Keeper {
    /// Begins to check what was believed without looking.
    pub(super) fn new(
        store: &dyn Store,
        snapshots: Option<Snapshots>,
        read: Read,
    ) -> Result<Self, StoreError> {
        let (tampered, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (mut kept, mut checking) = (0, None);
        if let Read::Since(end) = read {
            kept = end.revision;
            let check = Check {
                store: store.another()?,
                end,
                tampered: Arc::clone(&tampered),
                stop: Arc::clone(&stop),
                snapshots: snapshots.clone(),
            };
            checking = Some(spawn("registry-check", move || check.run()));
        }
        let kept_at = Instant::now();
        Ok(Self { snapshots, kept, kept_at, verdicts: 0, writing: None, checking, tampered, stop })
    }

    /// Whether nothing is known against the events that the registry was folded from.
    pub(super) fn chain_holds(&self) -> Result<(), StoreError> {
        match self.tampered.load(Ordering::Acquire) {
            0 => Ok(()),
            event => Err(StoreError::Tampered(event)),
        }
    }

    /// Remembers the registry if much happened since it last was, or some and long ago.
    pub(super) fn consider(&mut self, registry: &Registry, at: &Chain, proofs: &Arc<Proofs>) {
        let Some(snapshots) = &self.snapshots else { return };
        if self.writing.as_ref().is_some_and(|writing| !writing.is_finished()) {
            return;
        }
        let events = at.revision - self.kept;
        let old = self.kept_at.elapsed() >= KEPT_FOR;
        let much = events >= WORTH_KEEPING || (old && events > 0 && at.revision >= WORTH_KEEPING);
        let proven = proofs.count();
        let verdicts = proven.abs_diff(self.verdicts) >= VERDICTS || (old && proven >= VERDICTS);
        if !much && !verdicts {
            return;
        }
        let (snapshots, proofs) = (snapshots.clone(), Arc::clone(proofs));
        // Agreements are shared with it, not copied.
        let registry = much.then(|| (registry.clone(), at.clone()));
        if much {
            self.kept = at.revision;
        }
        (self.kept_at, self.verdicts) = (Instant::now(), proven);
        self.writing = Some(spawn("registry-keep", move || {
            let begun = Instant::now();
            let kept = snapshots.keep_verdicts(&proofs).and_then(|()| match &registry {
                Some((registry, at)) => snapshots.keep(registry, at),
                None => Ok(()),
            });
            match kept {
                Ok(()) => info!(registry.remembering_ms = begun.elapsed().as_millis(), "registry remembered"),
                Err(fault) => warn!(error = %chain(&fault), "the registry cannot be remembered"),
            }
        }));
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        for thread in self.writing.take().into_iter().chain(self.checking.take()) {
            // A panic there was reported by the thread itself; here only its end matters.
            drop(thread.join());
        }
    }
}

/// The check of a whole chain, up to an end that is believed.
struct Check {
    store: Box<dyn Store>,
    end: Chain,
    tampered: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    snapshots: Option<Snapshots>,
}

impl Check {
    fn run(mut self) {
        let mut at = Chain::default();
        while at.revision < self.end.revision {
            if self.stop.load(Ordering::Acquire) {
                return;
            }
            let left = usize::try_from(self.end.revision - at.revision).unwrap_or(usize::MAX);
            match self.store.skim(&mut at, left.min(PAGE)) {
                Ok(0) => return self.found(at.revision + 1),
                Ok(_) => {}
                Err(StoreError::Tampered(event)) => return self.found(event),
                // Not a sign of tampering; the follower will say what it meets.
                Err(error) => return warn!(error = %chain(&error), "the registry's chain was not checked"),
            }
        }
        if at == self.end {
            info!(registry.revision = at.revision, "the registry's whole chain holds");
        } else {
            self.found(at.revision);
        }
    }

    fn found(&self, event: u64) {
        error!(
            registry.revision = event,
            "the registry was changed from outside: nothing is exchanged on it"
        );
        if let Some(snapshots) = &self.snapshots {
            snapshots.forget();
        }
        self.tampered.store(event.max(1), Ordering::Release);
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(work);
    thread.expect("the machine gives a thread")
}

/// How long a snapshot is new enough, whatever happened since.
const KEPT_FOR: Duration = Duration::from_secs(600);

/// Verdicts that are worth writing down.
const VERDICTS: usize = 1_000;

/// Links checked between two looks at whether to stop.
const PAGE: usize = 10_000;

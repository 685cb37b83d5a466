//! The follower: keeps the exchange path's view the newest one.
//!
//! Owned by the app; one thread, ended by dropping it. Where the store cannot be read the view is no longer confirmed,
//! and after its lease nothing is exchanged.
//!
//! Events go first: when trust changes, agreements are proven anew in slices between two looks at the store, so that no
//! revocation waits for them (`docs/decisions/0011`, `docs/decisions/0016`).

use std::cell::RefCell;
use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use agreements::{Agreement, AgreementNumber, Book, Changes, OutOfStep, Phase, Registry, Signed, Stage};
use tracing::{error, info, warn};

use super::evidence;
use super::keeper::Keeper;
use super::proof::{Proofs, RETRY, Renewal};
use super::snapshot::{self, Recalled, Snapshots, Unread};
use super::store::{Chain, Store, StoreError};
use super::view::{Allowed, View, Views};
use crate::background::Background;
use crate::clock;

/// A registry that is being followed.
pub struct Follower {
    /// What the exchange path reads.
    pub views: Arc<Views>,
    /// How often the store could not be read.
    pub failures: Arc<AtomicU64>,
    /// What the start took.
    pub took: Took,
    folded: Mutex<Option<(Registry, Chain)>>,
    _thread: Background,
}

/// How long a start took, part by part.
#[derive(Debug, Clone, Copy)]
pub struct Took {
    /// Reading the registry: as it was remembered, and what happened since; or all of its events.
    pub reading: Duration,
    /// Recalling what was verified, and verifying what was not.
    pub proving: Duration,
    /// Making the book, and the view of it.
    pub booking: Duration,
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

impl From<Unread> for FollowError {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::Store(error) => Self::Store(error),
            Unread::OutOfStep(error) => Self::OutOfStep(error),
        }
    }
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
    /// Reads the registry whole, then follows it on a thread of its own. What it folds and verifies is remembered in
    /// `snapshots`.
    ///
    /// # Errors
    /// [`FollowError`]: the registry cannot be read whole now.
    pub fn start(
        mut store: Box<dyn Store>,
        proofs: Proofs,
        snapshots: Option<Snapshots>,
        following: Following,
    ) -> Result<Self, FollowError> {
        let begun = Instant::now();
        let (registry, chain, read) = snapshot::open(&mut *store, snapshots.as_ref())?;
        let reading = begun.elapsed();
        let proofs = proofs.with_evidence(store.another()?);
        // Taken before any is proven: if trust changes meanwhile, they are renewed.
        let proofs_generation = proofs.generation();
        let recalled = snapshots.as_ref().map_or(Ok(Recalled::Nothing), |kept| kept.recall_verdicts(&proofs));
        let trust_generation = match recalled {
            Ok(Recalled::Nothing | Recalled::Fresh) => proofs_generation,
            Ok(Recalled::Older) => {
                info!("trust changed since agreements were verified: they are verified anew");
                BEFORE
            }
            Err(fault) => {
                let fault = crate::telemetry::chain(&fault);
                warn!(error = %fault, "what was verified is not remembered: all is verified anew");
                proofs_generation
            }
        };
        let keeper = Keeper::new(&*store, snapshots, read)?;
        let mut folding = Folding {
            store,
            registry,
            chain,
            out_of_step: None,
            unseen: None,
            proofs: Arc::new(proofs),
            environment: following.environment,
            allowed: following.allowed,
            trust_generation,
            to_renew: VecDeque::new(),
            unproven: Unproven::default(),
            keeper,
        };
        let (view, booking) = folding.first_view();
        let folded = Mutex::new(Some((folding.registry.clone(), folding.chain.clone())));
        let took = Took { reading, proving: begun.elapsed() - reading - booking, booking };
        let Took { proving, .. } = took;
        info!(
            registry.revision = view.book.revision(),
            "registry read in {reading:.1?}, proven in {proving:.1?}, in force after {booking:.1?} more"
        );
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
        Ok(Self { views, failures, took, folded, _thread: thread })
    }

    /// The registry as it was first folded, for whoever goes on from there on its own: what did not change since is held
    /// once for both. There is one, for the first who asks.
    pub fn take_folded(&self) -> Option<(Registry, Chain)> {
        self.folded.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

// Owned by the follower's thread; nothing else reads or writes it.
struct Folding {
    store: Box<dyn Store>,
    registry: Registry,
    /// How far the registry is folded, as this node found it: a store that was rewritten does not follow on it.
    chain: Chain,
    /// Why the registry cannot be used any more.
    out_of_step: Option<OutOfStep>,
    /// What was folded and is in no view yet.
    unseen: Option<Changes>,
    proofs: Arc<Proofs>,
    environment: Phase,
    allowed: Allowed,
    /// Of the trust set that agreements were last listed for.
    trust_generation: u64,
    /// Agreements whose verdicts may be of an older trust set, those first that wait longest.
    to_renew: VecDeque<AgreementNumber>,
    unproven: Unproven,
    keeper: Keeper,
}

/// What the newest view holds for unproven, and when that was last looked at.
struct Unproven {
    agreements: BTreeSet<AgreementNumber>,
    orders: bool,
    looked_at: Instant,
}

impl Default for Unproven {
    fn default() -> Self {
        Self { agreements: BTreeSet::new(), orders: false, looked_at: Instant::now() }
    }
}

/// What was found of the agreements in force, each with the list of its officials, in the registry's order.
struct Verdicts<'r> {
    /// By number and version.
    in_force: Vec<&'r Agreement>,
    found: Vec<(Verdict, Option<Verdict>)>,
}

type Verdict = Result<(), &'static str>;

impl Verdicts<'_> {
    fn agreement(&self, agreement: &Agreement) -> Option<Verdict> {
        let (number, version) = (&agreement.header.number, agreement.header.version);
        let at = self.in_force.binary_search_by(|one| {
            one.header.number.cmp(number).then_with(|| one.header.version.cmp(&version))
        });
        self.found.get(at.ok()?).map(|(verdict, _)| *verdict)
    }

    fn list(&self, number: &AgreementNumber) -> Option<Verdict> {
        let at = self.in_force.binary_search_by(|one| one.header.number.cmp(number));
        self.found.get(at.ok()?).and_then(|(_, list)| *list)
    }
}

impl Unproven {
    fn note(&mut self, signed: Signed<'_>) {
        match signed {
            Signed::Agreement(agreement) => drop(self.agreements.insert(agreement.header.number.clone())),
            Signed::Users(approved) => drop(self.agreements.insert(approved.list.agreement.clone())),
            Signed::Ruling(agreement, _) => drop(self.agreements.insert(agreement.header.number.clone())),
            Signed::Delegation(_) | Signed::Prescription(_) | Signed::Lifting(_) => self.orders = true,
            // Nothing is decided by it.
            Signed::Protocol(_) => {}
        }
    }
}

impl Folding {
    fn follow(&mut self, views: &Views) -> Result<(), FollowError> {
        let begun = Instant::now();
        loop {
            self.keeper.chain_holds().inspect_err(|_| views.withdraw())?;
            // Taken before asking: what is confirmed is the state at this moment, not at the answer.
            let asked = Instant::now();
            self.news()?;
            match self.unseen.take() {
                Some(changes) => self.replace(views, &changes, asked),
                None => views.confirm(asked),
            }
            if let Some(changes) = self.renew() {
                self.replace(views, &changes, asked);
            }
            if self.to_renew.is_empty() || begun.elapsed() >= MOST_AT_A_LOOK {
                break;
            }
        }
        self.keeper.consider(&self.registry, &self.chain, &self.proofs);
        Ok(())
    }

    /// Takes in what the store holds.
    fn news(&mut self) -> Result<(), FollowError> {
        if let Some(error) = &self.out_of_step {
            return Err(error.clone().into());
        }
        if self.store.revision()? == self.chain.revision {
            return Ok(());
        }
        loop {
            let mut events = self.store.follow(&mut self.chain, PAGE)?;
            for event in &mut events {
                evidence::set_aside(event);
                if let Err(error) = self.registry.apply(event) {
                    self.out_of_step = Some(error.clone());
                    return Err(error.into());
                }
                self.unseen.get_or_insert_default().note(&event.event);
            }
            if events.len() < PAGE {
                return Ok(());
            }
        }
    }

    /// Proves some of what a change of trust, or a fault, left to be proven anew; `None` if no verdict turned.
    fn renew(&mut self) -> Option<Changes> {
        self.list_what_is_due();
        if self.to_renew.is_empty() {
            return None;
        }
        let until = Instant::now() + SLICE;
        let mut changes = None;
        while Instant::now() < until && !self.to_renew.is_empty() {
            let some: Vec<_> = self.to_renew.drain(..self.to_renew.len().min(TOGETHER)).collect();
            let (registry, proofs) = (&self.registry, &self.proofs);
            let renewed = on_all_cores(&some, |number| renew_agreement(registry, proofs, number));
            for (number, (renewal, still)) in some.iter().zip(renewed) {
                if renewal == Renewal::Turned {
                    changes.get_or_insert_with(Changes::default).agreement(number);
                }
                if still.is_err() {
                    self.unproven.agreements.insert(number.clone());
                }
            }
        }
        if self.to_renew.is_empty() {
            if self.renew_orders() == Renewal::Turned {
                changes.get_or_insert_with(Changes::default).anything();
            }
            self.proofs.forget_before(self.trust_generation);
        }
        changes
    }

    /// Proves anew what few registries hold many of.
    fn renew_orders(&mut self) -> Renewal {
        let now = clock::now();
        let liftings = self.registry.prescriptions().filter_map(|one| one.lifted.as_ref());
        let delegations = self.registry.delegations().map(Signed::Delegation);
        let mut found = Renewal::Same;
        for signed in liftings.map(Signed::Lifting).chain(delegations) {
            if self.proofs.renew(signed, &self.registry, now) == Renewal::Turned {
                found = Renewal::Turned;
            }
            self.unproven.orders |= self.proofs.known_fault(signed, &self.registry).is_err();
        }
        found
    }

    fn list_what_is_due(&mut self) {
        let generation = self.proofs.generation();
        if generation != self.trust_generation {
            // Those that wait keep their turn, however often trust changes.
            let mut listed: BTreeSet<AgreementNumber> = self.to_renew.iter().cloned().collect();
            for agreement in self.registry.agreements().filter(|one| one.stage == Stage::Concurred) {
                if listed.insert(agreement.header.number.clone()) {
                    self.to_renew.push_back(agreement.header.number.clone());
                }
            }
            self.trust_generation = generation;
            // What signs no agreement waits for its end; where there is none, it is its turn.
            if self.to_renew.is_empty() && self.renew_orders() == Renewal::Turned {
                self.unseen.get_or_insert_default().anything();
            }
        }
        if self.to_renew.is_empty() && self.unproven.looked_at.elapsed() >= RETRY {
            self.unproven.looked_at = Instant::now();
            self.to_renew.extend(std::mem::take(&mut self.unproven.agreements));
            if std::mem::take(&mut self.unproven.orders) && self.renew_orders() == Renewal::Turned {
                self.unseen.get_or_insert_default().anything();
            }
        }
    }

    /// The first view, and how long it took once all was proven.
    fn first_view(&mut self) -> (View, Duration) {
        let in_force: Vec<_> =
            self.registry.agreements().filter(|one| one.stage == Stage::Concurred).collect();
        let now = clock::now();
        let (proofs, registry) = (&*self.proofs, &self.registry);
        let believe = |agreement: &&Agreement| {
            let list = registry.user_list(&agreement.header.number).map(Signed::Users);
            let list = list.map(|list| proofs.believe(list, registry, now));
            (proofs.believe(Signed::Agreement(agreement), registry, now), list)
        };
        // On all cores, and not asked again while the book is made.
        let found = on_all_cores(&in_force, believe);
        let verdicts = Verdicts { in_force, found };
        let proven = Instant::now();
        let unproven = RefCell::<Unproven>::default();
        let prove = |signed: Signed<'_>| {
            let known = match signed {
                Signed::Agreement(one) => verdicts.agreement(one),
                Signed::Users(one) => verdicts.list(&one.list.agreement),
                // A ruling is proven with its agreement.
                Signed::Ruling(..)
                | Signed::Protocol(_)
                | Signed::Delegation(_)
                | Signed::Prescription(_)
                | Signed::Lifting(_) => None,
            };
            let verdict = known.unwrap_or_else(|| self.proofs.believe(signed, &self.registry, now));
            if verdict.is_err() {
                unproven.borrow_mut().note(signed);
            }
            verdict
        };
        let book = Book::new(&self.registry, self.environment, &prove);
        drop(verdicts);
        self.unproven = unproven.into_inner();
        (View::new(book, None, self.allowed), proven.elapsed())
    }

    fn replace(&mut self, views: &Views, changes: &Changes, asked: Instant) {
        let before = views.newest();
        let unproven = RefCell::new(std::mem::take(&mut self.unproven));
        let now = clock::now();
        let prove = |signed: Signed<'_>| {
            let verdict = self.proofs.believe(signed, &self.registry, now);
            if verdict.is_err() {
                unproven.borrow_mut().note(signed);
            }
            verdict
        };
        let followed = before.book.follow(&self.registry, changes, &prove);
        self.unproven = unproven.into_inner();
        views.replace(View::follow(followed, &before), asked);
        info!(registry.revision = self.registry.revision(), "registry changed");
    }
}

/// Proves the versions in force of an agreement and its list anew, and says whether all of them stand.
fn renew_agreement(
    registry: &Registry,
    proofs: &Proofs,
    number: &AgreementNumber,
) -> (Renewal, Result<(), &'static str>) {
    let now = clock::now();
    let list = registry.user_list(number).map(Signed::Users);
    let in_force = registry.versions(number).filter(|one| one.stage == Stage::Concurred);
    let mut found = (Renewal::Same, Ok(()));
    for signed in in_force.map(Signed::Agreement).chain(list) {
        if proofs.renew(signed, registry, now) == Renewal::Turned {
            found.0 = Renewal::Turned;
        }
        found.1 = found.1.and(proofs.known_fault(signed, registry));
    }
    found
}

/// Does the same with each of many, on as many threads as there are cores where it is worth it.
fn on_all_cores<T: Sync, R: Send>(all: &[T], each: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS);
    if threads == 1 || all.len() < 2 * threads {
        return all.iter().map(each).collect();
    }
    let (each, share) = (&each, all.len().div_ceil(threads));
    std::thread::scope(|scope| {
        let parts: Vec<_> = all
            .chunks(share)
            .map(|part| scope.spawn(move || part.iter().map(each).collect::<Vec<_>>()))
            .collect();
        let done = parts.into_iter().map(|part| part.join());
        done.flat_map(|part| part.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    })
}

/// Events read at once.
const PAGE: usize = 10_000;

/// Longest time for proofs between two looks at the store.
const SLICE: Duration = Duration::from_millis(100);

/// Agreements proven between two looks at the clock.
const TOGETHER: usize = 32;

/// Longest time without a pause while there is something to prove: whoever stops the gateway waits for it.
const MOST_AT_A_LOOK: Duration = Duration::from_secs(1);

/// Threads that prove at once.
const MOST_THREADS: usize = 8;

/// No trust set's generation.
const BEFORE: u64 = 0;

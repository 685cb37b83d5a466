//! What the exchange path reads: the book, and beside each agreement in force what is dear to make anew.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use agreements::{AgreementPage, Book, Followed, Rate, SystemId, Volume};
use arc_swap::ArcSwap;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

use crate::exchange::budget::Budget;
use crate::exchange::contract::Contract;
use crate::registry::volume::{Tally, Volumes};

/// A book with its gates: immutable, swapped whole.
#[derive(Debug)]
pub struct View {
    /// The book.
    pub book: Book,
    /// By the agreement's place in the book, a few hundred together: a view that follows copies those that change.
    gates: Vec<Arc<[Option<Arc<Gate>>; TOGETHER]>>,
    /// By the system's place in the book.
    systems: Vec<Arc<Allowance>>,
    /// Data types that agreements name, by the provider's place in the book.
    names: Vec<Arc<HashSet<Box<str>>>>,
    allowed: Allowed,
    /// What passed today, where an agreement says how much may.
    pub volumes: Arc<Volumes>,
}

/// What one system may use at once, whatever its agreements.
#[derive(Debug, Clone, Copy)]
pub struct Allowed {
    /// Exchanges.
    pub exchanges: usize,
    /// Bytes of payloads, as consumer.
    pub bytes: usize,
}

#[derive(Debug)]
struct Allowance {
    exchanges: Arc<Budget>,
    bytes: Arc<Budget>,
}

impl Allowed {
    fn fresh(self) -> Allowance {
        Allowance { exchanges: Budget::new(self.exchanges), bytes: Budget::new(self.bytes) }
    }
}

/// What goes with one version of an agreement, and outlives the book while its text stays.
#[derive(Debug)]
pub struct Gate {
    /// How many requests may come.
    pub rate: DefaultDirectRateLimiter,
    /// How much may pass in a day, and what did; nothing is counted where that is not asked for.
    pub volume: Option<(Volume, Arc<Tally>)>,
    /// How many bytes of payloads may be held for the consumer, under all its agreements.
    pub memory: Arc<Budget>,
    /// How many exchanges the consumer may have at once, under all its agreements.
    pub consumer: Arc<Budget>,
    /// How many exchanges the provider may have at once, under all its agreements.
    pub provider: Arc<Budget>,
    /// How many of those the consumer may have at once: half, so that none keeps the provider from all others.
    pub pair: Arc<Budget>,
    /// Acts, versions and clauses that it stands on.
    pub basis: Box<str>,
    /// The schemas and fields of its data types, made when first needed.
    pub contract: Contract,
}

impl View {
    /// A view of a book; gates of `before` are kept where the agreement is the same. Each system gets what
    /// is `allowed`.
    pub fn new(book: Book, before: Option<&Self>, allowed: Allowed) -> Self {
        let systems = book.systems().map(|page| {
            let kept = before.and_then(|view| view.allowance(page.system.card.id.as_str())).cloned();
            kept.unwrap_or_else(|| Arc::new(allowed.fresh()))
        });
        let systems = systems.collect();
        let mut old = HashMap::new();
        if let Some(before) = before {
            let gates = before.book.agreements().filter_map(|page| Some((key(page), before.gate(page)?)));
            old.extend(gates.map(|(key, gate)| (key, Arc::clone(gate))));
        }
        let volumes = before.map_or_else(Arc::default, |view| Arc::clone(&view.volumes));
        let mut view = Self { book, gates: Vec::new(), systems, names: Vec::new(), allowed, volumes };
        let pairs = view.book.pairs().collect::<Vec<_>>();
        for (consumer, provider) in pairs {
            view.gates_of_pair(consumer, provider, |page| old.get(&key(page)).cloned());
        }
        let mut names = vec![HashSet::new(); view.systems.len()];
        for page in view.book.agreements() {
            if let Some(provider) = view.book.place_of(page.text.provider.as_str()) {
                names[provider].extend(data_types(page));
            }
        }
        view.names = names.into_iter().map(Arc::new).collect();
        view
    }

    /// A view of a book that followed on that of `before`: as [`View::new`], at the cost of what changed.
    pub fn follow(followed: Followed, before: &Self) -> Self {
        let Followed { book, pairs: Some(pairs) } = followed else {
            return Self::new(followed.book, Some(before), before.allowed);
        };
        let mut systems = before.systems.clone();
        systems.resize_with(book.systems().len(), || Arc::new(before.allowed.fresh()));
        let (gates, mut names) = (before.gates.clone(), before.names.clone());
        names.resize_with(systems.len(), Arc::default);
        let volumes = Arc::clone(&before.volumes);
        let mut view = Self { book, gates, systems, names, allowed: before.allowed, volumes };
        for (consumer, provider) in &pairs {
            for gone in before.book.of_pair(*consumer, *provider) {
                view.put(gone, None);
            }
            view.gates_of_pair(*consumer, *provider, |page| {
                let old = before.book.of_pair(*consumer, *provider).iter().find(|old| key(old) == key(page));
                before.gate(old?).cloned()
            });
        }
        for provider in pairs.iter().map(|(_, provider)| *provider).collect::<BTreeSet<_>>() {
            let of_provider = view.book.of_provider(provider);
            view.names[provider] = Arc::new(of_provider.flat_map(data_types).collect());
        }
        view
    }

    /// Whether any agreement names that data type of a provider.
    pub fn names(&self, provider: &SystemId, data_type: &str) -> bool {
        let named = self.book.place_of(provider.as_str()).and_then(|at| self.names.get(at));
        named.is_some_and(|names| names.contains(data_type))
    }

    /// The gate of an agreement that the book holds.
    pub fn gate(&self, page: &AgreementPage) -> Option<&Arc<Gate>> {
        let place = page.place as usize;
        self.gates.get(place / TOGETHER)?[place % TOGETHER].as_ref()
    }

    /// Gives each agreement of a pair its gate; all share what the consumer may have of the provider at once.
    fn gates_of_pair(
        &mut self,
        consumer: usize,
        provider: usize,
        kept: impl Fn(&AgreementPage) -> Option<Arc<Gate>>,
    ) {
        let gates: Vec<_> = self.book.of_pair(consumer, provider).iter().map(kept).collect();
        let of_both = gates.iter().flatten().next().map(|gate| Arc::clone(&gate.pair));
        let of_both = of_both.unwrap_or_else(|| Budget::new(self.allowed.exchanges.div_ceil(2)));
        let pages = self.book.of_pair(consumer, provider).to_vec();
        for (page, gate) in pages.iter().zip(gates) {
            let gate = gate.or_else(|| {
                let (consumer, provider) = (self.systems.get(consumer)?, self.systems.get(provider)?);
                Some(Arc::new(Gate::new(page, consumer, provider, Arc::clone(&of_both), &self.volumes)))
            });
            self.put(page, gate);
        }
    }

    fn put(&mut self, page: &AgreementPage, gate: Option<Arc<Gate>>) {
        let place = page.place as usize;
        let groups = self.book.places().div_ceil(TOGETHER);
        if self.gates.len() < groups {
            self.gates.resize_with(groups, || Arc::new([const { None }; TOGETHER]));
        }
        Arc::make_mut(&mut self.gates[place / TOGETHER])[place % TOGETHER] = gate;
    }

    fn allowance(&self, system: &str) -> Option<&Arc<Allowance>> {
        self.systems.get(self.book.place_of(system)?)
    }
}

/// What tells a version of an agreement from all others.
fn key(page: &AgreementPage) -> (&str, u32) {
    (page.text.number.as_str(), page.text.version)
}

fn data_types(page: &AgreementPage) -> impl Iterator<Item = Box<str>> {
    page.grants().iter().map(|grant| grant.data_type.id.as_str().into())
}

impl Gate {
    fn new(
        page: &AgreementPage,
        consumer: &Allowance,
        provider: &Allowance,
        pair: Arc<Budget>,
        volumes: &Volumes,
    ) -> Self {
        let Rate { per_second, burst } = page.text.protection.rate;
        let some = |count: u32| NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(some(per_second)).allow_burst(some(burst));
        let basis = page.text.basis.iter().map(|one| format!("{} {} {}", one.act, one.version, one.clause));
        Self {
            rate: RateLimiter::direct(quota),
            volume: page.text.protection.volume.map(|most| (most, volumes.of(&page.text.number))),
            memory: Arc::clone(&consumer.bytes),
            consumer: Arc::clone(&consumer.exchanges),
            provider: Arc::clone(&provider.exchanges),
            pair,
            basis: basis.collect::<Vec<_>>().join("; ").into(),
            contract: Contract::new(page),
        }
    }
}

/// The newest view, and when it was last known to be the newest.
///
/// Ages are measured by a monotonic clock: setting the machine's clock makes no registry fresher.
#[derive(Debug)]
pub struct Views {
    newest: ArcSwap<View>,
    started: Instant,
    confirmed_ms: AtomicU64,
    withdrawn: AtomicBool,
    lease: Duration,
}

/// The registry could not be confirmed for too long: nothing may be decided on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the registry was last confirmed {0:?} ago")]
pub struct Unconfirmed(pub Duration);

impl Views {
    /// Starts with a view that is the newest now.
    pub fn new(view: View, lease: Duration) -> Self {
        let (started, confirmed_ms, withdrawn) = (Instant::now(), AtomicU64::new(0), AtomicBool::new(false));
        Self { newest: ArcSwap::from_pointee(view), started, confirmed_ms, withdrawn, lease }
    }

    /// The newest view, if it was confirmed within the lease.
    ///
    /// # Errors
    /// [`Unconfirmed`]: refuse.
    pub fn current(&self) -> Result<Arc<View>, Unconfirmed> {
        self.within(self.lease)?;
        Ok(self.newest.load_full())
    }

    /// Whether the newest view was confirmed within a lease, for agreements that ask for a shorter one.
    ///
    /// # Errors
    /// [`Unconfirmed`]: refuse.
    pub fn within(&self, lease: Duration) -> Result<(), Unconfirmed> {
        let age = self.age();
        if age > lease { Err(Unconfirmed(age)) } else { Ok(()) }
    }

    /// How long ago the newest view was confirmed.
    pub fn age(&self) -> Duration {
        if self.withdrawn.load(Ordering::Acquire) {
            return Duration::MAX;
        }
        let confirmed = Duration::from_millis(self.confirmed_ms.load(Ordering::Acquire));
        self.started.elapsed().saturating_sub(confirmed)
    }

    /// The newest view, confirmed or not: for showing, never for deciding.
    pub fn newest(&self) -> Arc<View> {
        self.newest.load_full()
    }

    /// Says that the newest view was the newest at `asked`, when the store was asked.
    pub fn confirm(&self, asked: Instant) {
        let since = asked.saturating_duration_since(self.started).as_millis();
        self.confirmed_ms.fetch_max(u64::try_from(since).unwrap_or(u64::MAX), Ordering::AcqRel);
    }

    /// Says that what this and every later view rests on was found to be changed from outside: none is confirmed again.
    pub fn withdraw(&self) {
        self.withdrawn.store(true, Ordering::Release);
    }

    /// Puts a newer view in place, the newest at `asked`.
    pub fn replace(&self, view: View, asked: Instant) {
        self.newest.store(Arc::new(view));
        self.confirm(asked);
    }
}

/// Gates that are copied together when one of them changes.
const TOGETHER: usize = 256;

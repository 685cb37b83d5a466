//! What the exchange path reads: the book, and beside each agreement in force what is dear to make anew.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use agreements::{AgreementNumber, AgreementPage, Book, Rate, SystemId};
use arc_swap::ArcSwap;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

use crate::exchange::budget::Budget;
use crate::exchange::contract::Contract;

/// A book with its gates: immutable, swapped whole.
#[derive(Debug)]
pub struct View {
    /// The book.
    pub book: Book,
    gates: HashMap<(AgreementNumber, u32), Arc<Gate>>,
    systems: HashMap<SystemId, Arc<Allowance>>,
    pairs: HashMap<(SystemId, SystemId), Arc<Budget>>,
    /// Data types that agreements name, by provider.
    names: HashMap<SystemId, HashSet<String>>,
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
    /// How many bytes of payloads may be held for the consumer, under all its agreements.
    pub memory: Arc<Budget>,
    /// How many exchanges the consumer may have at once, under all its agreements.
    pub consumer: Arc<Budget>,
    /// How many exchanges the provider may have at once, under all its agreements.
    pub provider: Arc<Budget>,
    /// How many of those the consumer may have at once: half, so that none keeps the provider from all others.
    pub pair: Arc<Budget>,
    /// BIN of the consumer's holder.
    pub consumer_holder: String,
    /// BIN of the provider's holder.
    pub provider_holder: String,
    /// Acts, versions and clauses that it stands on.
    pub basis: String,
    /// The schemas and fields of its data types, made when first needed.
    pub contract: Contract,
}

impl View {
    /// A view of a book; gates of `before` are kept where the agreement is the same. Each system gets what
    /// is `allowed`.
    pub fn new(book: Book, before: Option<&Self>, allowed: Allowed) -> Self {
        let mut systems = HashMap::new();
        for page in book.systems() {
            let id = &page.system.card.id;
            let kept = before.and_then(|view| view.systems.get(id)).cloned();
            systems.insert(id.clone(), kept.unwrap_or_else(|| Arc::new(allowed.fresh())));
        }
        let (mut gates, mut pairs) = (HashMap::new(), HashMap::new());
        let mut names = HashMap::<_, HashSet<_>>::new();
        for page in book.agreements() {
            let pair = (page.text.consumer.clone(), page.text.provider.clone());
            let of_both = pairs.entry(pair).or_insert_with_key(|pair| {
                let kept = before.and_then(|view| view.pairs.get(pair)).cloned();
                kept.unwrap_or_else(|| Budget::new(allowed.exchanges.div_ceil(2)))
            });
            let of_both = Arc::clone(of_both);
            let of_provider = names.entry(page.text.provider.clone()).or_default();
            of_provider.extend(page.grants().iter().map(|grant| grant.data_type.id.to_string()));
            let key = (page.text.number.clone(), page.text.version);
            let kept = before.and_then(|view| view.gates.get(&key)).cloned();
            let gate = kept.or_else(|| Gate::new(page, &book, &systems, of_both).map(Arc::new));
            gates.extend(gate.map(|gate| (key, gate)));
        }
        Self { book, gates, systems, pairs, names }
    }

    /// Whether any agreement names that data type of a provider.
    pub fn names(&self, provider: &SystemId, data_type: &str) -> bool {
        self.names.get(provider).is_some_and(|names| names.contains(data_type))
    }

    /// The gate of an agreement that the book holds.
    pub fn gate(&self, page: &AgreementPage) -> Option<&Arc<Gate>> {
        self.gates.get(&(page.text.number.clone(), page.text.version))
    }
}

impl Gate {
    fn new(
        page: &AgreementPage,
        book: &Book,
        systems: &HashMap<SystemId, Arc<Allowance>>,
        pair: Arc<Budget>,
    ) -> Option<Self> {
        let Rate { per_second, burst } = page.text.protection.rate;
        let some = |count: u32| NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(some(per_second)).allow_burst(some(burst));
        let (consumer, provider) = (&page.text.consumer, &page.text.provider);
        let basis = page.text.basis.iter().map(|one| format!("{} {} {}", one.act, one.version, one.clause));
        Some(Self {
            rate: RateLimiter::direct(quota),
            memory: Arc::clone(&systems.get(consumer)?.bytes),
            consumer: Arc::clone(&systems.get(consumer)?.exchanges),
            provider: Arc::clone(&systems.get(provider)?.exchanges),
            pair,
            consumer_holder: book.system(consumer.as_str())?.system.card.holder.to_string(),
            provider_holder: book.system(provider.as_str())?.system.card.holder.to_string(),
            basis: basis.collect::<Vec<_>>().join("; "),
            contract: Contract::new(page),
        })
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
    lease: Duration,
}

/// The registry could not be confirmed for too long: nothing may be decided on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the registry was last confirmed {0:?} ago")]
pub struct Unconfirmed(pub Duration);

impl Views {
    /// Starts with a view that is the newest now.
    pub fn new(view: View, lease: Duration) -> Self {
        let (started, confirmed_ms) = (Instant::now(), AtomicU64::new(0));
        Self { newest: ArcSwap::from_pointee(view), started, confirmed_ms, lease }
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

    /// Puts a newer view in place, the newest at `asked`.
    pub fn replace(&self, view: View, asked: Instant) {
        self.newest.store(Arc::new(view));
        self.confirm(asked);
    }
}

//! The registry as it was folded last time, so that a start does not fold a million events.
//!
//! Trust: it is believed only if this node sealed it ([`super::seal`]), with the very rules that would fold it again, and
//! if the store still has the event that it ends with, bound to the same events before. Anything else is said and
//! the registry is folded from its events.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use agreements::{Agreement, OutOfStep, Part, RULES, Recorded, Registry, Settling};
use serde::{Deserialize, Serialize};
use tracing::{info, warn};

use super::proof::Proofs;
use super::seal::{Last, SealFault, SealKey, Sealed, Sealing, Unsealing};
use super::store::{Chain, Store, StoreError};
use crate::config::Config;
use crate::telemetry::chain;

/// Where a node remembers what it folded and verified.
#[derive(Debug, Clone)]
pub struct Snapshots {
    registry: PathBuf,
    verdicts: PathBuf,
    key: SealKey,
}

/// What a snapshot says before all else.
#[derive(Debug, Serialize, Deserialize)]
struct Title {
    rules: String,
    revision: u64,
    hash: Vec<u8>,
    slices: usize,
}

impl Snapshots {
    /// Beside the registry that a configuration names; `None`, and a warning, where there is no key that only this
    /// node has.
    pub fn of(config: &Config) -> Option<Self> {
        let opened = SealKey::open(&config.path(&config.registry.snapshot_key));
        let key = opened.inspect_err(|fault| {
            warn!(error = %chain(fault), "without its key nothing is remembered: each start takes long");
        });
        Some(Self::beside(&config.path(&config.registry.path), key.ok()?))
    }

    /// Beside a registry's file.
    pub fn beside(registry: &Path, key: SealKey) -> Self {
        let named = |end: &str| {
            let mut name = registry.file_name().unwrap_or_default().to_owned();
            name.push(end);
            registry.with_file_name(name)
        };
        Self { registry: named(".snapshot"), verdicts: named(".verdicts"), key }
    }

    /// Remembers a registry as folded up to the end of a chain.
    ///
    /// # Errors
    /// [`SealFault`]: what was remembered before stays.
    pub fn keep(&self, registry: &Registry, at: &Chain) -> Result<(), SealFault> {
        let unreadable = |_| SealFault::Unreadable(self.registry.clone());
        let slices = registry.agreements().count().div_ceil(SLICE);
        let title = Title { rules: RULES.into(), revision: at.revision, hash: at.hash.clone(), slices };
        let mut sealing = Sealing::begin(&self.registry, "registry", &self.key)?;
        sealing.piece(&rmp_serde::to_vec_named(&title).map_err(unreadable)?, Last::No)?;
        let last = |index| if index == slices { Last::Yes } else { Last::No };
        sealing.piece(&rmp_serde::to_vec_named(registry).map_err(unreadable)?, last(0))?;
        for (index, slice) in registry.slices(SLICE).enumerate() {
            sealing.piece(&rmp_serde::to_vec_named(&slice).map_err(unreadable)?, last(index + 1))?;
        }
        sealing.finish()
    }

    /// The registry as it was remembered, with the end of its chain; `None` if there is none.
    ///
    /// # Errors
    /// [`SealFault`]: it is damaged, foreign, or of other rules.
    pub fn remembered(&self) -> Result<Option<(Registry, Chain)>, SealFault> {
        let Some(mut unsealing) = Unsealing::begin(&self.registry, "registry", &self.key)? else {
            return Ok(None);
        };
        let title: Title = self.read(first(&mut unsealing)?)?;
        if title.rules != RULES {
            return Err(SealFault::Unreadable(self.registry.clone()));
        }
        let frame: Registry = self.read(first(&mut unsealing)?)?;
        let settling = Settling::default();
        let settled = self.settled(&mut unsealing, title.slices, &settling)?;
        let registry = frame.with_agreements(settled, settling);
        if registry.revision() != title.revision {
            return Err(SealFault::Broken(self.registry.clone()));
        }
        Ok(Some((registry, Chain { revision: title.revision, hash: title.hash })))
    }

    /// Forgets what was folded: somebody changed what it was folded from.
    pub fn forget(&self) {
        for path in [&self.registry, &self.verdicts] {
            match std::fs::remove_file(path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    warn!(%error, "{} cannot be removed", path.display());
                }
                Ok(()) | Err(_) => {}
            }
        }
    }

    /// Remembers which agreements are proven.
    ///
    /// # Errors
    /// [`SealFault`]: what was remembered before stays.
    pub fn keep_verdicts(&self, proofs: &Proofs) -> Result<(), SealFault> {
        let Some((trust, proven)) = proofs.proven() else { return Ok(()) };
        let mut sealing = Sealing::begin(&self.verdicts, "verdicts", &self.key)?;
        sealing.piece(&trust, Last::No)?;
        sealing.piece(proven.as_flattened(), Last::Yes)?;
        sealing.finish()
    }

    /// Gives back to `proofs` what was remembered.
    ///
    /// # Errors
    /// [`SealFault`]: nothing was given back.
    pub fn recall_verdicts(&self, proofs: &Proofs) -> Result<Recalled, SealFault> {
        let Some(mut unsealing) = Unsealing::begin(&self.verdicts, "verdicts", &self.key)? else {
            return Ok(Recalled::Nothing);
        };
        let broken = || SealFault::Broken(self.verdicts.clone());
        let mut open = || first(&mut unsealing)?.open().ok_or_else(broken);
        let trust = open()?.try_into().map_err(|_| broken())?;
        let keys = open()?;
        let (keys, rest) = keys.as_chunks::<32>();
        if !rest.is_empty() {
            return Err(broken());
        }
        Ok(proofs.recall(&trust, keys))
    }

    /// Slices are opened and read by as many threads as there are cores, a few at a time.
    fn settled(
        &self,
        unsealing: &mut Unsealing<'_>,
        slices: usize,
        settling: &Settling,
    ) -> Result<Vec<Vec<Arc<Agreement>>>, SealFault> {
        let readers = std::thread::available_parallelism().map_or(1, usize::from).min(MOST_READERS);
        let (give, take) = mpsc::sync_channel::<Sealed<'_>>(readers);
        let take = Mutex::new(take);
        let settled = Mutex::new(Vec::new());
        let read = |sealed: Sealed<'_>| {
            let index = sealed.index;
            let part: Part = self.read(sealed)?;
            let agreements = part.settle(settling).map_err(|_| SealFault::Broken(self.registry.clone()))?;
            settled.lock().unwrap_or_else(PoisonError::into_inner).push((index, agreements));
            Ok::<_, SealFault>(())
        };
        let next = || take.lock().unwrap_or_else(PoisonError::into_inner).recv();
        // After a fault the rest is still taken, so that nobody waits to give it.
        let all = || std::iter::from_fn(|| next().ok()).map(read).fold(Ok(()), Result::and);
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..readers).map(|_| scope.spawn(all)).collect();
            let given = loop {
                match unsealing.next() {
                    Ok(Some(sealed)) => {
                        if give.send(sealed).is_err() {
                            break Err(unsealing.broken());
                        }
                    }
                    Ok(None) => break Ok(()),
                    Err(fault) => break Err(fault),
                }
            };
            drop(give);
            let read = threads.into_iter().map(|thread| match thread.join() {
                Ok(read) => read,
                Err(_) => Err(unsealing.broken()),
            });
            read.fold(given, Result::and)
        })?;
        let mut settled = settled.into_inner().unwrap_or_else(PoisonError::into_inner);
        settled.sort_unstable_by_key(|(index, _)| *index);
        if settled.len() != slices {
            return Err(unsealing.broken());
        }
        Ok(settled.into_iter().map(|(_, agreements)| agreements).collect())
    }

    fn read<T: for<'d> Deserialize<'d>>(&self, sealed: Sealed<'_>) -> Result<T, SealFault> {
        let piece = sealed.open().ok_or_else(|| SealFault::Broken(self.registry.clone()))?;
        rmp_serde::from_slice(&piece).map_err(|_| SealFault::Unreadable(self.registry.clone()))
    }
}

/// The piece that must be there.
fn first<'k>(unsealing: &mut Unsealing<'k>) -> Result<Sealed<'k>, SealFault> {
    unsealing.next()?.ok_or_else(|| unsealing.broken())
}

/// What was remembered of proofs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recalled {
    /// Nothing.
    Nothing,
    /// Proofs under the trust set in force.
    Fresh,
    /// Proofs under another one, which are to be renewed.
    Older,
}

/// How a registry was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// All events were folded, and all their links checked.
    FromEvents,
    /// Events after this end were; those before are believed as they were folded once.
    Since(Chain),
}

/// Reads a registry whole: as it was remembered, and what happened since.
///
/// # Errors
/// The store cannot be read, or does not add up.
pub fn open(store: &mut dyn Store, snapshots: Option<&Snapshots>) -> Result<(Registry, Chain, Read), Unread> {
    if let Some(snapshots) = snapshots {
        match recalled(store, snapshots) {
            Ok(Some((mut registry, mut end))) => {
                let since = end.clone();
                catch_up(store, &mut end, &mut |event| registry.apply(event))?;
                return Ok((registry, end, Read::Since(since)));
            }
            Ok(None) => {}
            Err(fault) => {
                warn!(error = %chain(&fault), "the registry's snapshot is not used; all events are read");
            }
        }
    }
    let (mut registry, mut chain) = (Registry::default(), Chain::default());
    catch_up(store, &mut chain, &mut |event| registry.apply(event))?;
    Ok((registry, chain, Read::FromEvents))
}

/// Why a registry cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What it holds does not add up.
    #[error(transparent)]
    OutOfStep(#[from] OutOfStep),
}

/// Why a snapshot is not used.
#[derive(Debug, thiserror::Error)]
enum Unused {
    #[error(transparent)]
    Seal(#[from] SealFault),
    #[error(
        "it is of another registry than the one that stands there, or of one that was changed from outside"
    )]
    Foreign,
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn recalled(store: &mut dyn Store, snapshots: &Snapshots) -> Result<Option<(Registry, Chain)>, Unused> {
    let Some((registry, chain)) = snapshots.remembered()? else { return Ok(None) };
    match store.hash(chain.revision) {
        Ok(hash) if hash == chain.hash => Ok(Some((registry, chain))),
        Ok(_) | Err(StoreError::Tampered(_)) => Err(Unused::Foreign),
        Err(error) => Err(error.into()),
    }
}

/// Whether so much was read that remembering it spares the next start more than it costs this one.
pub(super) fn worth_keeping(chain: &Chain, read: &Read) -> bool {
    let from = match read {
        Read::FromEvents => 0,
        Read::Since(end) => end.revision,
    };
    chain.revision - from >= WORTH_KEEPING
}

/// Takes in what the store holds after the end of a chain: `apply` hears each event.
///
/// # Errors
/// The store cannot be read, or does not add up.
pub(super) fn catch_up(
    store: &mut dyn Store,
    chain: &mut Chain,
    apply: &mut dyn FnMut(&Recorded) -> Result<(), OutOfStep>,
) -> Result<(), Unread> {
    let mut told = Instant::now();
    loop {
        let mut events = store.follow(chain, PAGE)?;
        for event in &mut events {
            super::evidence::set_aside(event);
            apply(event)?;
        }
        if events.len() < PAGE {
            return Ok(());
        }
        if told.elapsed() >= TELL_EVERY {
            told = Instant::now();
            info!(registry.revision = chain.revision, "reading the registry's events");
        }
    }
}

/// Agreements in a piece: a few MiB.
const SLICE: usize = 1_000;

/// Threads that read slices; each holds a slice twice.
const MOST_READERS: usize = 4;

/// Events read at once.
const PAGE: usize = 10_000;

/// How often a long start says how far it is.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// Events that take as long to fold as a snapshot to write.
pub(super) const WORTH_KEEPING: u64 = 10_000;

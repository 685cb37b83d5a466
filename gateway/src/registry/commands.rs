//! Commands carried out on a store: checked on the newest revision, appended, or refused.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use agreements::{
    Actor, Command, CommandError, OutOfStep, Recorded, Registry, Signature, documents_of, handle,
};
use jiff::Timestamp;
use tracing::warn;

use super::elsewhere::ServerError;
use super::evidence;
use super::snapshot::{self, Read, Snapshots, Unread, worth_keeping};
use super::store::{Chain, Done, Once, Store, StoreError};

/// A registry with its store, for those who issue commands.
pub struct Commands {
    store: Box<dyn Store>,
    /// `None`: nothing is kept, so that no command which names a document is carried out.
    documents: Option<Box<dyn Keeps>>,
    /// Shared with those who read: while one of them still does, what follows is taken in by a copy.
    registry: Arc<Registry>,
    chain: Chain,
    read: Read,
}

/// Where the documents are that commands name (A7).
pub trait Keeps: Send {
    /// Whether a document is kept, by its digest. For those who may wait.
    ///
    /// # Errors
    /// Nobody can tell.
    fn keeps(&self, sha256: &str) -> io::Result<bool>;
}

/// Why a command was not carried out. Unless it says otherwise, nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The rules refuse it.
    #[error(transparent)]
    Refused(#[from] CommandError),
    /// The store failed; [`StoreError`] says what may have been written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Whether the documents are kept that a command names, nobody can tell.
    #[error("the depositary cannot be used")]
    Documents(#[source] io::Error),
    /// What the store holds does not add up.
    #[error(transparent)]
    OutOfStep(#[from] OutOfStep),
    /// The registry is at a server, which did not do it.
    #[error(transparent)]
    Elsewhere(#[from] ServerError),
    /// An operator used too many keys.
    #[error("too many keys within a day")]
    TooManyKeys,
    /// Others kept appending.
    #[error("the registry is busy: others changed it {0} times meanwhile; try again")]
    Busy(u32),
}

/// The events of a command that is carried out once.
#[derive(Debug, Clone, PartialEq)]
pub enum Issued {
    /// It was carried out now.
    Now(Vec<Recorded>),
    /// It was before, under the same key.
    Before(Vec<Recorded>),
}

impl From<Unread> for Failure {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::Store(error) => Self::Store(error),
            Unread::OutOfStep(error) => Self::OutOfStep(error),
        }
    }
}

impl Commands {
    /// Reads the whole registry from its store, event by event.
    ///
    /// # Errors
    /// The store cannot be read, or was changed from outside.
    pub fn open(store: Box<dyn Store>) -> Result<Self, Failure> {
        Self::remembering(store, None)
    }

    /// Reads the registry as this node remembers it, and what happened since.
    ///
    /// # Errors
    /// As [`Commands::open`].
    pub fn remembering(mut store: Box<dyn Store>, snapshots: Option<&Snapshots>) -> Result<Self, Failure> {
        let (registry, chain, read) = snapshot::open(&mut *store, snapshots)?;
        if let Some(snapshots) = snapshots.filter(|_| worth_keeping(&chain, &read)) {
            // Whether it is remembered or not, the command is carried out.
            if let Err(fault) = snapshots.keep(&registry, &chain) {
                warn!(error = %crate::telemetry::chain(&fault), "the registry cannot be remembered");
            }
        }
        Ok(Self { store, documents: None, registry: Arc::new(registry), chain, read })
    }

    /// Goes on from a registry that was read before, up to the end of a chain.
    pub fn continuing(store: Box<dyn Store>, registry: Registry, chain: Chain) -> Self {
        let read = Read::Since(chain.clone());
        Self { store, documents: None, registry: Arc::new(registry), chain, read }
    }

    /// The same, where these documents are kept.
    #[must_use]
    pub fn keeping(self, documents: impl Keeps + 'static) -> Self {
        Self { documents: Some(Box::new(documents)), ..self }
    }

    /// How the registry was read.
    pub fn read(&self) -> &Read {
        &self.read
    }

    /// Signatures that an agreement of the registry bears, as they were made.
    ///
    /// # Errors
    /// As [`Store::read`]; [`StoreError::Tampered`] if one is not where it was.
    pub fn whole(&self, signatures: &[Signature]) -> Result<Vec<Signature>, StoreError> {
        evidence::whole(signatures, &mut *self.store.another()?)
    }

    /// The same store, for proofs.
    ///
    /// # Errors
    /// It cannot be opened again.
    pub fn another_store(&self) -> Result<Box<dyn Store>, StoreError> {
        self.store.another()
    }

    /// The registry at its newest revision known here.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The same, for whoever goes on reading it while others change it.
    pub fn shared(&self) -> Arc<Registry> {
        Arc::clone(&self.registry)
    }

    /// Takes in what others appended.
    ///
    /// # Errors
    /// As [`Commands::open`].
    pub fn refresh(&mut self) -> Result<(), Failure> {
        let Self { store, registry, chain, .. } = self;
        Ok(snapshot::catch_up(&mut **store, chain, &mut |event| Arc::make_mut(registry).apply(event))?)
    }

    /// Carries out one command; on success its events are durable and taken in.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn issue(
        &mut self,
        command: Command,
        actor: &Actor,
        reason: &str,
        now: Timestamp,
    ) -> Result<Vec<Recorded>, Failure> {
        for _ in 0..ATTEMPTS {
            self.refresh()?;
            match self.attempt(command.clone(), actor, reason, now, None) {
                Err(Failure::Store(StoreError::Conflict { .. })) => {}
                ended => return ended,
            }
        }
        Err(Failure::Busy(ATTEMPTS))
    }

    /// Carries out one command, if the registry is at revision `expected` or nothing is expected of it; once under its key,
    /// whoever else appends, and whenever the process ended meanwhile.
    ///
    /// # Errors
    /// [`Failure`]; [`StoreError::Repeated`] within it if another request stands under the key.
    pub fn issue_once(
        &mut self,
        once: &Once,
        expected: Option<u64>,
        command: Command,
        actor: &Actor,
        reason: &str,
        now: Timestamp,
    ) -> Result<Issued, Failure> {
        for _ in 0..ATTEMPTS {
            self.refresh()?;
            // After the refresh: what the registry shows of an earlier attempt, its key shows too.
            if let Some(done) = self.store.done(once)? {
                return self.again(once, &done);
            }
            if self.store.keys(once)? >= MOST_KEYS {
                return Err(Failure::TooManyKeys);
            }
            let found = self.registry.revision();
            if let Some(expected) = expected.filter(|expected| *expected != found) {
                return Err(StoreError::Conflict { expected, found }.into());
            }
            match self.attempt(command.clone(), actor, reason, now, Some(once)) {
                Err(Failure::Store(StoreError::Conflict { .. } | StoreError::Repeated)) => {}
                ended => return ended.map(Issued::Now),
            }
        }
        Err(Failure::Busy(ATTEMPTS))
    }

    /// The events of a command that was carried out under a request's key.
    ///
    /// # Errors
    /// The store cannot be read; [`StoreError::Repeated`] if it was another request.
    pub fn done(&mut self, once: &Once) -> Result<Option<Vec<Recorded>>, Failure> {
        let Some(done) = self.store.done(once)? else { return Ok(None) };
        match self.again(once, &done)? {
            Issued::Now(events) | Issued::Before(events) => Ok(Some(events)),
        }
    }

    fn again(&mut self, once: &Once, done: &Done) -> Result<Issued, Failure> {
        if done.request != once.request {
            return Err(StoreError::Repeated.into());
        }
        let count = usize::try_from(done.last.saturating_sub(done.first)).unwrap_or(0).saturating_add(1);
        let before = done.first.checked_sub(1).ok_or(StoreError::Tampered(done.first))?;
        Ok(Issued::Before(self.store.read(before, count)?))
    }

    /// Carries out one command if the registry is at revision `expected`.
    ///
    /// # Errors
    /// [`Failure`]; [`StoreError::Conflict`] within it if the registry is at another revision.
    pub fn issue_on(
        &mut self,
        expected: u64,
        command: Command,
        actor: &Actor,
        reason: &str,
        now: Timestamp,
    ) -> Result<Vec<Recorded>, Failure> {
        self.refresh()?;
        let found = self.registry.revision();
        if found != expected {
            return Err(StoreError::Conflict { expected, found }.into());
        }
        self.attempt(command, actor, reason, now, None)
    }

    fn attempt(
        &mut self,
        command: Command,
        actor: &Actor,
        reason: &str,
        now: Timestamp,
        once: Option<&Once>,
    ) -> Result<Vec<Recorded>, Failure> {
        let named = documents_of(&command, &self.registry);
        let events = handle(&self.registry, command, actor, reason, now)?;
        self.all_kept(named)?;
        let revision = self.registry.revision();
        let recorded: Vec<Recorded> = (revision + 1..)
            .zip(events)
            .map(|(sequence, event)| Recorded {
                sequence,
                at: now,
                actor: actor.clone(),
                reason: reason.to_owned(),
                event,
            })
            .collect();
        self.store.append_once(revision, &recorded, once)?;
        self.refresh()?;
        Ok(recorded)
    }

    /// A7: by whichever face a command comes, and on the very revision that its events follow.
    fn all_kept(&self, named: BTreeSet<String>) -> Result<(), Failure> {
        let mut missing = Vec::new();
        for sha256 in named {
            let kept = self.documents.as_ref().map_or(Ok(false), |documents| documents.keeps(&sha256));
            if !kept.map_err(Failure::Documents)? {
                missing.push(sha256);
            }
        }
        if missing.is_empty() { Ok(()) } else { Err(CommandError::NotKept { missing }.into()) }
    }

    /// Whether nothing happened since a moment that this registry does not show.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub fn is_as_of(&mut self, at: Timestamp) -> Result<bool, StoreError> {
        let last = match self.registry.revision().checked_sub(1) {
            Some(before) => self.store.read(before, 1)?.pop().map(|event| event.at),
            None => None,
        };
        Ok(last.is_none_or(|last| last <= at))
    }

    /// The registry as it was at a moment: the events up to it, folded anew; `None` if nothing happened since. `told`
    /// hears what is done, how much of it, and how much there is.
    ///
    /// # Errors
    /// As [`Commands::open`].
    pub fn as_of(
        &mut self,
        at: Timestamp,
        told: &mut dyn FnMut(&str, u64, u64),
    ) -> Result<Option<Registry>, Failure> {
        if self.is_as_of(at)? {
            return Ok(None);
        }
        let newest = self.registry.revision();
        let mut told = |read| told("reading what happened until then", read, newest);
        as_of(&mut *self.store, at, &mut told).map(Some)
    }

    /// Events after a revision, for the history.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub fn history(&mut self, after: u64, most: usize) -> Result<Vec<Recorded>, StoreError> {
        self.store.read(after, most)
    }
}

/// The registry as it was at a moment: the events of a store up to it, folded anew. `told` hears how many.
///
/// # Errors
/// As [`Commands::open`].
pub fn as_of(store: &mut dyn Store, at: Timestamp, told: &mut dyn FnMut(u64)) -> Result<Registry, Failure> {
    let (mut registry, mut chain) = (Registry::default(), Chain::default());
    loop {
        let mut events = store.follow(&mut chain, PAGE)?;
        for event in &mut events {
            if event.at > at {
                return Ok(registry);
            }
            evidence::set_aside(event);
            registry.apply(event)?;
        }
        told(registry.revision());
        if events.len() < PAGE {
            return Ok(registry);
        }
    }
}

/// Most keys of one operator in a day.
const MOST_KEYS: u32 = 10_000;

/// How often a command is checked anew when others appended first.
const ATTEMPTS: u32 = 16;

/// Events read at once.
const PAGE: usize = 10_000;

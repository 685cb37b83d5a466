//! Commands carried out on a store: checked on the newest revision, appended, or refused.

use agreements::{Actor, Command, CommandError, OutOfStep, Recorded, Registry, handle};
use jiff::Timestamp;

use super::store::{Store, StoreError};

/// A registry with its store, for those who issue commands.
pub struct Commands {
    store: Box<dyn Store>,
    registry: Registry,
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
    /// What the store holds does not add up.
    #[error(transparent)]
    OutOfStep(#[from] OutOfStep),
    /// Others kept appending.
    #[error("the registry is busy: others changed it {0} times meanwhile; try again")]
    Busy(u32),
}

impl Commands {
    /// Reads the whole registry from its store.
    ///
    /// # Errors
    /// The store cannot be read, or was changed from outside.
    pub fn open(store: Box<dyn Store>) -> Result<Self, Failure> {
        let mut commands = Self { store, registry: Registry::default() };
        commands.refresh()?;
        Ok(commands)
    }

    /// The registry at its newest revision known here.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Takes in what others appended.
    ///
    /// # Errors
    /// As [`Commands::open`].
    pub fn refresh(&mut self) -> Result<(), Failure> {
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
            match self.attempt(command.clone(), actor, reason, now) {
                Err(Failure::Store(StoreError::Conflict { .. })) => {}
                ended => return ended,
            }
        }
        Err(Failure::Busy(ATTEMPTS))
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
        self.attempt(command, actor, reason, now)
    }

    fn attempt(
        &mut self,
        command: Command,
        actor: &Actor,
        reason: &str,
        now: Timestamp,
    ) -> Result<Vec<Recorded>, Failure> {
        let events = handle(&self.registry, command, actor, reason, now)?;
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
        self.store.append(revision, &recorded)?;
        for event in &recorded {
            self.registry.apply(event)?;
        }
        Ok(recorded)
    }

    /// Events after a revision, for the history.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub fn history(&mut self, after: u64, most: usize) -> Result<Vec<Recorded>, StoreError> {
        self.store.read(after, most)
    }
}

/// Events read at once.
const PAGE: usize = 10_000;

/// How often a command is checked anew when others appended first.
const ATTEMPTS: u32 = 16;

//! What people do on a data folder, whichever face they come by: found it, deposit documents, issue commands, sign.

mod backup;
mod depositary;
mod found;
mod restored;
mod sign;

pub use backup::{BackupError, Kept, LeftOut, Manifest, PrivateKeys, Told};
pub use depositary::{DepositError, Depositary, Given, Taken};
pub use found::{Folder, FoundError, Founding};
pub use restored::{Restored, RestoredError};
pub use sign::SignError;

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;

use agreements::{Actor, Command, OperatorId, Recorded, Registry, Signature};
use certs::trust::Trust;
use jiff::Timestamp;

use crate::clock;
use crate::config::Config;
use crate::registry::proof::Proofs;
use crate::registry::snapshot::Snapshots;
use crate::registry::sqlite::SqliteStore;
use crate::registry::{Commands, Failure, Server, StoreError};
use crate::trusted::{TrustFiles, Unreadable};

/// A data folder, opened to work on.
pub struct Office {
    source: Source,
    trust: Arc<Trust>,
    depositary: Depositary,
}

/// Where the registry is.
enum Source {
    /// In the folder.
    Folder(Box<Commands>),
    /// At a server; of what it holds, nothing is here.
    Server(Box<RefCell<dyn Server + Send>>, Box<Registry>),
}

/// Why work on a data folder cannot begin or go on.
#[derive(Debug, thiserror::Error)]
pub enum OfficeError {
    /// The registry.
    #[error(transparent)]
    Registry(#[from] Failure),
    /// Trust.
    #[error(transparent)]
    Trust(#[from] Unreadable),
    /// Nobody is registered under this name.
    #[error("no operator {0}: the administrator registers operators")]
    UnknownOperator(OperatorId),
    /// The registry is at a server, and this reads its file.
    #[error("this needs the data folder, and the registry is at a server")]
    NoFolder,
}

impl From<StoreError> for OfficeError {
    fn from(error: StoreError) -> Self {
        Self::Registry(error.into())
    }
}

impl Office {
    /// Opens the data folder that a configuration describes.
    ///
    /// # Errors
    /// [`OfficeError`]: the registry or the trust files cannot be read.
    pub fn open(config: &Config) -> Result<Self, OfficeError> {
        let store = SqliteStore::open(&config.path(&config.registry.path))?;
        let commands = Commands::remembering(Box::new(store), Snapshots::of(config).as_ref())?;
        let depositary = Depositary::new(&config.path(&config.api.depositary));
        Ok(Self {
            source: Source::Folder(Box::new(commands.keeping(depositary.clone()))),
            trust: Arc::new(Trust::new(TrustFiles::of(config).load(clock::now())?)),
            depositary,
        })
    }

    /// Works on the registry of a server, believing `trust`; who may come here without a folder must not ask for what is
    /// in it: the registry that [`Office::registry`] shows is empty.
    pub fn at_server(server: impl Server + Send + 'static, trust: Arc<Trust>) -> Self {
        let nothing = Box::new(Registry::default());
        let depositary = Depositary::new(Path::new(""));
        Self { source: Source::Server(Box::new(RefCell::new(server)), nothing), trust, depositary }
    }

    /// What is done at the server, if the registry is at one.
    pub fn at<T>(&self, ask: impl FnOnce(&mut dyn Server) -> T) -> Option<T> {
        match &self.source {
            Source::Folder(_) => None,
            Source::Server(server, _) => Some(ask(&mut *server.borrow_mut())),
        }
    }

    /// The registry, as new as the last command.
    pub fn registry(&self) -> &Registry {
        match &self.source {
            Source::Folder(commands) => commands.registry(),
            Source::Server(_, nothing) => nothing,
        }
    }

    fn commands(&self) -> Result<&Commands, OfficeError> {
        match &self.source {
            Source::Folder(commands) => Ok(commands),
            Source::Server(..) => Err(OfficeError::NoFolder),
        }
    }

    fn commands_mut(&mut self) -> Result<&mut Commands, OfficeError> {
        match &mut self.source {
            Source::Folder(commands) => Ok(commands),
            Source::Server(..) => Err(OfficeError::NoFolder),
        }
    }

    /// Whom the folder's gateway trusts.
    pub fn trust(&self) -> &Arc<Trust> {
        &self.trust
    }

    /// The documents that are kept.
    pub fn depositary(&self) -> &Depositary {
        &self.depositary
    }

    /// The registry as it was at a moment: the events up to it, folded anew; `None` if it still is what it was. `told` hears
    /// what is done, how much of it, and how much there is.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn as_of(
        &mut self,
        at: Timestamp,
        told: &mut dyn FnMut(&str, u64, u64),
    ) -> Result<Option<Registry>, OfficeError> {
        Ok(self.commands_mut()?.as_of(at, told)?)
    }

    /// Proofs of this folder's agreements, against its trust.
    ///
    /// # Errors
    /// The registry's store cannot be opened again.
    pub fn proofs(&self) -> Result<Proofs, OfficeError> {
        Ok(Proofs::new(Arc::clone(&self.trust)).with_evidence(self.commands()?.another_store()?))
    }

    /// Signatures that an agreement of the registry bears, as they were made.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn whole(&self, signatures: &[Signature]) -> Result<Vec<Signature>, OfficeError> {
        Ok(self.commands()?.whole(signatures)?)
    }

    /// Events after a revision.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn history(&mut self, after: u64, most: usize) -> Result<Vec<Recorded>, OfficeError> {
        Ok(self.commands_mut()?.history(after, most)?)
    }

    /// An operator as the actor of commands that come by `via`.
    ///
    /// # Errors
    /// [`OfficeError::UnknownOperator`].
    pub fn actor(&self, id: &OperatorId, via: &str) -> Result<Actor, OfficeError> {
        let operator =
            self.registry().operator(id).ok_or_else(|| OfficeError::UnknownOperator(id.clone()))?;
        Ok(Actor { id: id.clone(), role: operator.role, holder: operator.holder, via: via.to_owned() })
    }

    /// Issues a command; on success its events are durable, and gateways act on them at their next look.
    ///
    /// # Errors
    /// [`Failure`]: the rules refuse it, or the store failed.
    pub fn issue(&mut self, command: Command, actor: &Actor, reason: &str) -> Result<Vec<Recorded>, Failure> {
        match &mut self.source {
            Source::Folder(commands) => commands.issue(command, actor, reason, clock::now()),
            Source::Server(server, _) => Ok(server.get_mut().issue(command, reason)?),
        }
    }
}

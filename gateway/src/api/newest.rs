//! The registry at its newest: one lock for those who change it, and a snapshot of it for each who reads.
//!
//! Who reads holds no lock (`docs/decisions/0060`): however long it takes, others are let in, read and change meanwhile.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use agreements::Registry;
use jiff::Timestamp;

use super::problem::Problem;
use crate::registry::{Commands, Failure};

/// The registry with its store.
pub(super) struct Newest(Mutex<Commands>);

impl Newest {
    pub(super) fn new(commands: Commands) -> Self {
        Self(Mutex::new(commands))
    }

    /// The registry with all that anybody appended so far.
    ///
    /// # Errors
    /// `registry-unavailable`.
    pub(super) fn registry(&self) -> Result<Arc<Registry>, Problem> {
        let mut commands = self.commands();
        commands.refresh()?;
        Ok(commands.shared())
    }

    /// The same, if it shows a moment: nothing happened since.
    ///
    /// # Errors
    /// `registry-unavailable`.
    pub(super) fn registry_if_as_of(&self, at: Timestamp) -> Result<Option<Arc<Registry>>, Problem> {
        let mut commands = self.commands();
        commands.refresh()?;
        let same = commands.is_as_of(at).map_err(Failure::from)?;
        Ok(same.then(|| commands.shared()))
    }

    /// For those who change it. What a request left in disorder when it panicked is only ever replaced whole.
    pub(super) fn commands(&self) -> MutexGuard<'_, Commands> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use agreements::{Bin, Event, Holder, OperatorId, Recorded, Role};

    use super::*;
    use crate::registry::Store;
    use crate::registry::sqlite::SqliteStore;

    fn registered(sequence: u64, bin: &str) -> Recorded {
        let bin = Bin::new(bin).unwrap();
        let holder = Holder { bin, name: "Ministry".into(), region: None };
        let id = OperatorId::new("administrator").unwrap();
        let actor = agreements::Actor { id, role: Role::Administrator, holder: bin, via: "test".into() };
        let at = Timestamp::from_second(sequence.try_into().unwrap()).unwrap();
        let event = Event::HolderRegistered { holder };
        Recorded { sequence, at, actor, reason: "test".into(), event }
    }

    /// Promise 7: whoever reads for long keeps nobody from the registry, and goes on reading what they began with.
    #[test]
    fn others_read_and_change_the_registry_while_somebody_reads_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("registry.sqlite");
        let mut store = SqliteStore::create(&path).unwrap();
        store.append(0, &[registered(1, "000140000011")]).unwrap();
        let newest = Newest::new(Commands::open(Box::new(SqliteStore::create(&path).unwrap())).unwrap());
        let read = newest.registry().unwrap();
        assert!(Arc::ptr_eq(&read, &newest.registry().unwrap()), "as long as nothing happens it is the same");
        store.append(1, &[registered(2, "000240000012")]).unwrap();
        let later = newest.registry().unwrap();
        assert_eq!((read.revision(), read.holders().count()), (1, 1));
        assert_eq!((later.revision(), later.holders().count()), (2, 2));
    }

    #[test]
    fn the_newest_registry_shows_every_moment_since_its_last_event() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = SqliteStore::create(&dir.path().join("registry.sqlite")).unwrap();
        store.append(0, &[registered(1, "000140000011")]).unwrap();
        let newest = Newest::new(Commands::open(Box::new(store)).unwrap());
        let at = |second| newest.registry_if_as_of(Timestamp::from_second(second).unwrap()).unwrap();
        assert!(at(0).is_none());
        assert!(Arc::ptr_eq(&at(1).unwrap(), &newest.registry().unwrap()));
        assert!(at(2).is_some());
    }
}

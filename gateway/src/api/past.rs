//! The registry as it was, folded anew for each moment asked about, one at a time; the last few are kept.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use agreements::Registry;
use jiff::Timestamp;

use super::problem::Problem;
use crate::registry::sqlite::SqliteStore;
use crate::registry::{Failure, as_of};

/// Moments of the past.
pub(super) struct Past {
    registry: PathBuf,
    /// The last one asked about first.
    known: Mutex<VecDeque<(Timestamp, Arc<Registry>)>>,
    working: Mutex<()>,
}

impl Past {
    /// Of a registry's file.
    pub(super) fn of(registry: PathBuf) -> Self {
        Self { registry, known: Mutex::default(), working: Mutex::default() }
    }

    /// The registry as it was at a moment.
    ///
    /// # Errors
    /// `registry-unavailable`; `busy` while another moment is looked up.
    pub(super) fn at(&self, at: Timestamp) -> Result<Arc<Registry>, Problem> {
        if let Some(known) = self.known(at) {
            return Ok(known);
        }
        let _working = self.alone()?;
        // It may have been this very moment.
        if let Some(known) = self.known(at) {
            return Ok(known);
        }
        let registry = Arc::new(self.fold(at).map_err(Problem::from)?);
        let mut known = lock(&self.known);
        known.push_front((at, Arc::clone(&registry)));
        known.truncate(MOST_PASTS);
        Ok(registry)
    }

    /// The one place for what takes a whole registry's time and memory. Nobody waits for it: each would keep a thread, and
    /// the next is as long in coming as this one.
    ///
    /// # Errors
    /// `busy`.
    pub(super) fn alone(&self) -> Result<MutexGuard<'_, ()>, Problem> {
        match self.working.try_lock() {
            Ok(working) => Ok(working),
            Err(TryLockError::Poisoned(poisoned)) => Ok(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => {
                Err(Problem::new("busy", "another moment of the past is being looked up").after(2))
            }
        }
    }

    fn known(&self, at: Timestamp) -> Option<Arc<Registry>> {
        let mut known = lock(&self.known);
        let place = known.iter().position(|(moment, _)| *moment == at)?;
        let found = known.remove(place)?;
        let registry = Arc::clone(&found.1);
        known.push_front(found);
        Some(registry)
    }

    fn fold(&self, at: Timestamp) -> Result<Registry, Failure> {
        as_of(&mut SqliteStore::open(&self.registry)?, at, &mut |_| {})
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Moments of the past that are kept: each is a whole registry in memory.
const MOST_PASTS: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_moment_of_the_past_is_looked_up_at_a_time_and_a_few_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("registry.sqlite");
        drop(SqliteStore::create(&path).unwrap());
        let past = Past::of(path);
        let moment = |second| Timestamp::from_second(second).unwrap();
        let first = past.at(moment(0)).unwrap();
        let working = past.alone().unwrap();
        let problem = past.at(moment(1)).unwrap_err();
        assert_eq!((problem.code, problem.status().as_u16()), ("busy", 503));
        assert!(Arc::ptr_eq(&past.at(moment(0)).unwrap(), &first), "what is kept is shown meanwhile");
        drop(working);
        for second in 1..=MOST_PASTS as i64 {
            past.at(moment(second)).unwrap();
        }
        assert_eq!(lock(&past.known).len(), MOST_PASTS);
        assert!(!Arc::ptr_eq(&past.at(moment(0)).unwrap(), &first), "it was the oldest");
    }
}

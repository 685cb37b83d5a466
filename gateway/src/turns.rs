//! Places at a service that does few things at once, of which one consumer has half at most.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use agreements::SystemId;

/// Places at a service.
#[derive(Debug)]
pub(crate) struct Turns {
    most: usize,
    // By consumer, how many are taken; locked for a moment, never across an await.
    taken: Mutex<BTreeMap<SystemId, usize>>,
}

/// One of them, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    turns: Arc<Turns>,
    consumer: SystemId,
}

impl Turns {
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, taken: Mutex::default() })
    }

    /// One of the places, if there is one for that consumer.
    pub(crate) fn take(self: &Arc<Self>, consumer: &SystemId) -> Option<Turn> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let own = taken.get(consumer).copied().unwrap_or(0);
        if taken.values().sum::<usize>() >= self.most || own >= self.most.div_ceil(2) {
            return None;
        }
        taken.insert(consumer.clone(), own + 1);
        Some(Turn { turns: Arc::clone(self), consumer: consumer.clone() })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut taken = self.turns.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.consumer) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.consumer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_consumer_has_half_of_the_places_and_all_are_given_back() {
        let (turns, one, other) =
            (Turns::new(4), SystemId::new("one").unwrap(), SystemId::new("two").unwrap());
        for _ in 0..2 {
            let held = [turns.take(&one).unwrap(), turns.take(&one).unwrap()];
            assert!(turns.take(&one).is_none());
            let others = [turns.take(&other).unwrap(), turns.take(&other).unwrap()];
            assert!(turns.take(&SystemId::new("three").unwrap()).is_none());
            drop((held, others));
            assert!(turns.taken.lock().unwrap().is_empty());
        }
    }
}

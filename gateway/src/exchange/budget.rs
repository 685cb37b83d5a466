//! What exchanges may hold at once: bytes of payloads, and exchanges a system.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// So many of something, shared by all runtimes.
#[derive(Debug)]
pub struct Budget {
    used: AtomicUsize,
    most: usize,
}

/// A part of a budget, given back when dropped.
#[derive(Debug)]
pub struct Share {
    budget: Arc<Budget>,
    amount: usize,
}

impl Budget {
    /// A budget of `most`.
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { used: AtomicUsize::new(0), most })
    }

    /// Takes a part, if there is so much left.
    pub fn share(self: &Arc<Self>, amount: usize) -> Option<Share> {
        let mut share = Share { budget: Arc::clone(self), amount: 0 };
        share.grow(amount).then_some(share)
    }

    /// How much is in use.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }
}

impl Share {
    /// Takes more, if there is so much left, and says whether there was.
    pub fn grow(&mut self, amount: usize) -> bool {
        let before = self.budget.used.fetch_add(amount, Ordering::Relaxed);
        if before.saturating_add(amount) > self.budget.most {
            self.budget.used.fetch_sub(amount, Ordering::Relaxed);
            return false;
        }
        self.amount += amount;
        true
    }
}

/// Memory for one payload: a part of what all exchanges may hold, and of what its consumer may.
#[derive(Debug)]
pub struct Room {
    all: Share,
    consumer: Share,
}

impl Room {
    /// No bytes yet.
    pub fn new(all: &Arc<Budget>, consumer: &Arc<Budget>) -> Self {
        let none = |budget: &Arc<Budget>| Share { budget: Arc::clone(budget), amount: 0 };
        Self { all: none(all), consumer: none(consumer) }
    }

    /// Takes more, if there is so much left, and says whether there was.
    pub fn grow(&mut self, bytes: usize) -> bool {
        // What was taken of one budget when the other has no more is given back with the room.
        self.consumer.grow(bytes) && self.all.grow(bytes)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.amount, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_never_exceeded_and_comes_back_whole() {
        let budget = Budget::new(10);
        let mut one = budget.share(6).unwrap();
        assert!(budget.share(5).is_none());
        assert!(one.grow(4));
        assert!(!one.grow(1));
        drop(one);
        assert_eq!(budget.used(), 0);
    }
}

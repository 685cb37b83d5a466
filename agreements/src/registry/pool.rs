//! What stands in the history of thousands of agreements alike, held once.

use std::collections::HashSet;
use std::sync::Arc;

use crate::Actor;

/// Actors and reasons that some step names.
#[derive(Debug, Clone, Default)]
pub(super) struct Pool {
    actors: HashSet<Arc<Actor>>,
    reasons: HashSet<Arc<str>>,
}

impl Pool {
    /// The actor that is the same as this one.
    pub(super) fn actor(&mut self, actor: &Actor) -> Arc<Actor> {
        if let Some(same) = self.actors.get(actor) {
            return Arc::clone(same);
        }
        let actor = Arc::new(actor.clone());
        self.actors.insert(Arc::clone(&actor));
        actor
    }

    /// The reason in the same words. Few words come again; many are kept by the step alone.
    pub(super) fn reason(&mut self, reason: &str) -> Arc<str> {
        if let Some(same) = self.reasons.get(reason) {
            return Arc::clone(same);
        }
        let reason: Arc<str> = reason.into();
        if reason.len() <= SHORT && self.reasons.len() < MOST_REASONS {
            self.reasons.insert(Arc::clone(&reason));
        }
        reason
    }
}

/// Bytes of a reason that may come again.
const SHORT: usize = 100;

/// Different reasons held: what is beyond is not the usual.
const MOST_REASONS: usize = 10_000;

//! What the operations face says of the app: whether it is ready, what is worth knowing, its metrics.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};

use jiff::SignedDuration;

use crate::clock;
use crate::clock_watch::Standing;
use crate::cryptography::Cryptography;
use crate::ends::Footing;
use crate::exchange::Shared;
use crate::exchange_log::{ExchangeLog, Health, Openings};
use crate::operations::Shown;
use crate::stamping::StampStats;
use crate::telemetry::metrics::Gauges;
use crate::witness::Courier;

/// How far an app is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Not every face listens yet.
    Starting,
    /// All do.
    Serving,
    /// No new work is taken.
    Stopping,
}

/// What the operations face shows: from the first moment on that the app starts, and more when there is more.
#[derive(Default)]
pub(super) struct Face {
    stage: AtomicU8,
    known: OnceLock<Known>,
}

/// The parts that it speaks of.
pub(super) struct Known {
    pub(super) stamps: Arc<StampStats>,
    pub(super) shared: Arc<Shared>,
    pub(super) log: Arc<ExchangeLog>,
    pub(super) courier: Option<Arc<Courier>>,
    pub(super) footing: Arc<Footing>,
    pub(super) cryptography: Arc<Cryptography>,
}

impl Face {
    /// Goes on to a stage; there is no way back.
    pub(super) fn reaches(&self, stage: Stage) {
        self.stage.fetch_max(stage as u8, Ordering::AcqRel);
    }

    /// From here on there is something to speak of.
    pub(super) fn shows(&self, known: Known) {
        drop(self.known.set(known));
    }

    fn stage(&self) -> Stage {
        match self.stage.load(Ordering::Acquire) {
            0 => Stage::Starting,
            1 => Stage::Serving,
            _ => Stage::Stopping,
        }
    }
}

impl Shown for Face {
    fn unready(&self) -> Option<String> {
        match (self.stage(), self.known.get()) {
            (Stage::Stopping, _) => Some("stopping".into()),
            (Stage::Serving, Some(known)) => known.unready(),
            (Stage::Starting, _) | (Stage::Serving, None) => Some("starting".into()),
        }
    }

    fn remarks(&self) -> Vec<String> {
        self.known.get().map(Known::remarks).unwrap_or_default()
    }

    fn metrics(&self) -> String {
        self.known.get().map(Known::metrics).unwrap_or_default()
    }
}

impl Known {
    fn unready(&self) -> Option<String> {
        match self.log.health() {
            Health::Open => {}
            Health::Full => return Some("the exchange log has no space left on its disk".into()),
            Health::Stopped => return Some("the exchange log is stopped".into()),
            Health::Failed(reason) => return Some(format!("the exchange log failed: {reason}")),
        }
        if self.log.openings() == Openings::Held {
            return Some("no witness has cosigned the exchange log for too long".into());
        }
        if let Err(unconfirmed) = self.shared.views.current() {
            return Some(unconfirmed.to_string());
        }
        self.footing.unready(clock::now())
    }

    fn remarks(&self) -> Vec<String> {
        let own = self.shared.clock.standing();
        let own = (own != Standing::Unwatched).then(|| format!("this machine's clock: {own}"));
        let off = self.shared.peers.all().into_iter().filter(|(_, ahead)| ahead.abs() >= PEER_OFF);
        let off = off.map(|(system, ahead)| format!("the clock of {system} is {}", off_by(ahead)));
        let national = self.shared.national.as_ref().and_then(|service| service.remark());
        let ends = self.footing.remarks(clock::now());
        let tool = format!("cryptography: {}", self.cryptography.told(clock::today()));
        [tool].into_iter().chain(own).chain(ends).chain(national).chain(off.take(MOST_REMARKS)).collect()
    }

    fn metrics(&self) -> String {
        self.shared.metrics.text(&Gauges {
            held_bytes: self.shared.memory.used(),
            log: &self.log.stats(),
            open_exchanges: self.log.open_exchanges(),
            log_healthy: self.log.health() == Health::Open,
            unsealed: self.log.unsealed(),
            standing: self.courier.as_ref().map(|courier| courier.standing()),
            stamps: &self.stamps,
            views: &self.shared.views,
            clock: &self.shared.clock,
            peers: &self.shared.peers,
            footing: &self.footing,
            cryptography: &self.cryptography,
        })
    }
}

/// How far a clock is off, in words.
fn off_by(ahead: SignedDuration) -> String {
    let direction = if ahead.is_negative() { "behind" } else { "ahead" };
    format!("{} s {direction}", ahead.as_secs().unsigned_abs())
}

/// From here on a provider's clock is worth a remark: no request is so slow.
const PEER_OFF: SignedDuration = SignedDuration::from_secs(5);
const MOST_REMARKS: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_ahead_or_behind_and_never_ahead_by_less_than_nothing() {
        assert_eq!(off_by(SignedDuration::from_secs(7)), "7 s ahead");
        assert_eq!(off_by(SignedDuration::from_secs(-2_678_399)), "2678399 s behind");
    }
}

//! Readiness checks: what counts as ready, and how long a check may take (B5).

use std::time::Duration;

use jiff::SignedDuration;
use serde::Deserialize;

use super::within;

/// Readiness checks.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReadinessConfig {
    /// A system whose certificate ends within so many days is not ready. Default: 7.
    pub certificate_days: u16,
    /// By how many seconds a provider's clock may be off, beside the second that its `Date` is exact to (Portal 62.3).
    /// Default: 5.
    pub clock_seconds: u16,
    /// Longest time of one check, in seconds; what was not reached by then failed. Default: 60.
    pub timeout_seconds: u16,
}

impl Default for ReadinessConfig {
    fn default() -> Self {
        Self { certificate_days: 7, clock_seconds: 5, timeout_seconds: 60 }
    }
}

impl ReadinessConfig {
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        within("certificate_days", self.certificate_days.into(), 0..=3_650)?;
        within("clock_seconds", self.clock_seconds.into(), 0..=3_600)?;
        within("timeout_seconds", self.timeout_seconds.into(), 1..=600)
    }

    /// As [`ReadinessConfig::certificate_days`].
    pub fn least_life(&self) -> SignedDuration {
        SignedDuration::from_hours(24 * i64::from(self.certificate_days))
    }

    /// As [`ReadinessConfig::clock_seconds`].
    pub fn clock_tolerance(&self) -> SignedDuration {
        SignedDuration::from_secs(self.clock_seconds.into())
    }

    /// As [`ReadinessConfig::timeout_seconds`].
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds.into())
    }
}

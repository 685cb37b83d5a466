//! The watch over clocks: sources of time, and how far off is too far.

use std::time::Duration;

use jiff::SignedDuration;
use serde::Deserialize;

use super::within;

/// The watch over clocks (Portal 62.3).
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClockConfig {
    /// Sources of time that speak NTP, by name or address, with a port where it is not 123; best three or more, of which a majority must agree. Default: none, and nobody watches the clock.
    pub sources: Vec<String>,
    /// How often they are asked, in seconds. Default: 64.
    pub poll_seconds: u64,
    /// By how many ms the clock may be off before that is told. Default: 500.
    pub warn_ms: u64,
    /// By how many ms it may be off before what depends on the time of a signature is refused. Default: 5,000.
    pub refuse_ms: u64,
    /// What happens where signatures count while the sources tell nothing: `report` it, or `refuse`. Default: `report`.
    pub when_unclear: WhenUnclear,
}

/// What a gateway does that does not know how its clock stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhenUnclear {
    /// Says so, and goes on.
    Report,
    /// Says so, and refuses what depends on the time of a signature.
    Refuse,
}

impl Default for ClockConfig {
    fn default() -> Self {
        let when_unclear = WhenUnclear::Report;
        Self { sources: Vec::new(), poll_seconds: 64, warn_ms: 500, refuse_ms: 5_000, when_unclear }
    }
}

impl ClockConfig {
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        within("poll_seconds", self.poll_seconds, 1..=86_400)?;
        within("warn_ms", self.warn_ms, 10..=3_600_000)?;
        within("refuse_ms", self.refuse_ms, self.warn_ms..=86_400_000)?;
        within("sources", self.sources.len() as u64, 0..=16)
    }

    /// As [`ClockConfig::poll_seconds`].
    pub fn poll(&self) -> Duration {
        Duration::from_secs(self.poll_seconds)
    }

    /// As [`ClockConfig::warn_ms`].
    pub fn warn(&self) -> SignedDuration {
        SignedDuration::from_millis(i64::try_from(self.warn_ms).unwrap_or(i64::MAX))
    }

    /// As [`ClockConfig::refuse_ms`].
    pub fn refuse(&self) -> SignedDuration {
        SignedDuration::from_millis(i64::try_from(self.refuse_ms).unwrap_or(i64::MAX))
    }
}

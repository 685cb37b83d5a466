//! Requests repeated under one idempotency key: where what became of them is kept, how much of it, and for how long.

use std::path::PathBuf;

use jiff::SignedDuration;
use serde::Deserialize;

use super::within;

/// Requests repeated under one idempotency key (Interaction 17.6).
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RepeatsConfig {
    /// The file that remembers them; lost with it is who was asked what already. Default: `repeats.db`.
    pub path: PathBuf,
    /// The key that answers are sealed with, together with the consumer's own; made if there is none. Default: `keys/repeats.key`.
    pub key: PathBuf,
    /// For how many hours a key is known. Default: 24.
    pub keep_hours: u16,
    /// Most bytes of an answer that is kept, in KiB; repeats of a larger one are told that it was given. Default: 256.
    pub max_answer_kib: u64,
    /// Most keys that are known of one system. Default: 100,000.
    pub max_keys_per_system: u64,
    /// Most bytes of answers kept for one system, in MiB. Default: 64.
    pub max_mib_per_system: u64,
    /// Most bytes of answers kept for all systems, in MiB. Default: 1024.
    pub max_mib: u64,
}

impl Default for RepeatsConfig {
    fn default() -> Self {
        Self {
            path: "repeats.db".into(),
            key: "keys/repeats.key".into(),
            keep_hours: 24,
            max_answer_kib: 256,
            max_keys_per_system: 100_000,
            max_mib_per_system: 64,
            max_mib: 1_024,
        }
    }
}

impl RepeatsConfig {
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        within("keep_hours", self.keep_hours.into(), 1..=744)?;
        within("max_answer_kib", self.max_answer_kib, 0..=8_192)?;
        within("max_keys_per_system", self.max_keys_per_system, 1..=10_000_000)?;
        within("max_mib_per_system", self.max_mib_per_system, 1..=65_536)?;
        within("max_mib", self.max_mib, 1..=1 << 20)
    }

    /// As [`RepeatsConfig::keep_hours`].
    pub fn keep(&self) -> SignedDuration {
        SignedDuration::from_hours(self.keep_hours.into())
    }
}

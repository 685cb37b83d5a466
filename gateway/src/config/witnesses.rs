//! Who witnesses the exchange log, and what happens when nobody does.

use serde::Deserialize;

use super::within;
use crate::transparency::key::{Scheme, VerifierKey};

/// Witnesses of the exchange log.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WitnessesConfig {
    /// The witnesses, each a table `[[witnesses.list]]` with its `url` and its `keys`: verifier keys as `kelisim witness key` prints them. Default: none.
    pub list: Vec<WitnessPlace>,
    /// How many of them must cosign a checkpoint. Default: 1.
    pub quorum: u16,
    /// How often a newer checkpoint is looked for, in ms. Default: 500.
    pub poll_ms: u64,
    /// How long a checkpoint may lack its cosignatures before that is an alarm, in seconds. Default: 300.
    pub silence_seconds: u32,
    /// What happens then: `report` it, or `refuse` all calls until a witness answers. Default: `report`.
    pub when_silent: WhenSilent,
}

/// One witness.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WitnessPlace {
    /// What stands before `/add-checkpoint`: `https://…`, where its certificate is one that the gateway trusts, or `http://…`.
    pub url: String,
    /// Its verifier keys.
    pub keys: Vec<VerifierKey>,
}

/// What a gateway does whose checkpoints nobody cosigns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhenSilent {
    /// Says so, and goes on: a witness that is down stops nobody's work.
    Report,
    /// Says so, and refuses calls: nothing is exchanged that the operator could still take back.
    Refuse,
}

impl Default for WitnessesConfig {
    fn default() -> Self {
        Self {
            list: Vec::new(),
            quorum: 1,
            poll_ms: 500,
            silence_seconds: 300,
            when_silent: WhenSilent::Report,
        }
    }
}

impl WitnessesConfig {
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        within("poll_ms", self.poll_ms, 10..=60_000)?;
        within("silence_seconds", self.silence_seconds.into(), 2..=604_800)?;
        let most = self.list.len().max(1) as u64;
        within("quorum", self.quorum.into(), 1..=most)?;
        for place in &self.list {
            let uri: Result<http::Uri, _> = place.url.parse();
            let fits = uri.is_ok_and(|uri| {
                matches!(uri.scheme_str(), Some("http" | "https"))
                    && uri.host().is_some()
                    && uri.query().is_none()
            });
            if !fits {
                return Err(("list", format!("{:?} is no http or https address", place.url)));
            }
            if place.keys.is_empty() || place.keys.iter().any(|key| key.scheme() == Scheme::Ed25519) {
                let message = format!("{} needs keys for cosignatures: see `kelisim witness key`", place.url);
                return Err(("list", message));
            }
        }
        Ok(())
    }
}

//! Which signatures what passes must bear (C5: Portal 61-65; HR 12).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What must be signed, and by whom; what is not asked for is not looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Signatures {
    /// Messages that the system which sends them signs (RFC 9421).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<Way>,
}

/// Which way something passes.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema, strum::Display,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Way {
    /// From the consumer to the provider.
    Requests,
    /// From the provider to the consumer.
    Responses,
}

impl Signatures {
    /// What is wrong with it, if anything is.
    pub(crate) fn fault(&self) -> Option<String> {
        twice(&self.messages).then(|| "messages: requests, responses, or both, each once".to_owned())
    }
}

fn twice<T: PartialEq>(all: &[T]) -> bool {
    all.iter().enumerate().any(|(at, one)| all[..at].contains(one))
}

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
    /// Documents that people sign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub documents: Option<SignedDocuments>,
}

/// Who signs documents, and how; documents of other operations than those that carry any are none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignedDocuments {
    /// Those that pass these ways.
    pub of: Vec<Way>,
    /// How they may be signed.
    pub kinds: Vec<SignatureKind>,
    /// Who may sign, by the name in their certificates; whoever signs for the holder of the system that sends, where nobody
    /// is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signers: Vec<String>,
    /// How many of them sign each document. Default: 1.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub least: u8,
    /// For how many days after it was made a signature counts; for ever where this is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within_days: Option<u16>,
    /// Whether only signatures count whose time an authority stated, in a time stamp over them (CAdES-B-T).
    #[serde(default, skip_serializing_if = "is_false")]
    pub stamped: bool,
}

/// How a document may be signed.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema, strum::Display,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum SignatureKind {
    /// By a CMS signature that stands beside it (ETSI EN 319 122-1).
    Detached,
    /// By signatures within it, if it is a PDF (ETSI EN 319 142-1).
    Pdf,
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
        if twice(&self.messages) {
            return Some("messages: requests, responses, or both, each once".to_owned());
        }
        let documents = self.documents.as_ref()?;
        let fault = if documents.of.is_empty() || twice(&documents.of) {
            "documents: those of requests, of responses, or of both, each once"
        } else if documents.kinds.is_empty() || twice(&documents.kinds) {
            "documents: signed detached, within a PDF, or in either way, each once"
        } else if documents.signers.len() > MOST_SIGNERS
            || twice(&documents.signers)
            || documents.signers.iter().any(|name| name.trim().is_empty() || name.chars().count() > MOST_NAME)
        {
            "documents: at most ten signers, each named once, by 1 to 500 characters"
        } else if documents.least == 0 || usize::from(documents.least) > MOST_SIGNERS {
            "documents: signed by one to ten"
        } else if !documents.signers.is_empty() && usize::from(documents.least) > documents.signers.len() {
            "documents: signed by more than may sign"
        } else if documents.within_days == Some(0) {
            "documents: signatures that count for no day are none"
        } else {
            return None;
        };
        Some(fault.to_owned())
    }
}

fn one() -> u8 {
    1
}

fn is_one(count: &u8) -> bool {
    *count == 1
}

fn is_false(one: &bool) -> bool {
    !one
}

/// As many as may sign an agreement.
const MOST_SIGNERS: usize = 10;
const MOST_NAME: usize = 500;

fn twice<T: PartialEq>(all: &[T]) -> bool {
    all.iter().enumerate().any(|(at, one)| all[..at].contains(one))
}

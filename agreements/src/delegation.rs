//! Delegation: a holder has another body sign, or operate its systems, for it (A10; HR 6, 10.3, 10.8).

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Bin, DelegationNumber, Signature, SystemId, almaty, end_of, start_of};

/// What is delegated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Delegated {
    /// Signing agreements.
    Signing,
    /// Acting as the holder's officers do: drafting, publishing, submitting.
    Operation,
}

/// What the holder's head signs, in its canonical form (RFC 8785).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DelegationText {
    /// Its number.
    pub delegation: DelegationNumber,
    /// The holder.
    pub principal: Bin,
    /// Who acts for it.
    pub delegate: Bin,
    /// In what.
    pub scope: Vec<Delegated>,
    /// For which of its systems; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub systems: Vec<SystemId>,
    /// First day.
    pub from: Date,
    /// Last day, included.
    pub until: Date,
    /// SHA-256 of the document that delegates, in hexadecimal.
    pub document: String,
}

/// A delegation in the registry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Delegation {
    /// What it says.
    pub text: DelegationText,
    /// The signature of the holder's head.
    pub signature: Signature,
    /// When it was recorded: nothing before that was done under it.
    pub recorded: Timestamp,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
}

impl Delegation {
    /// Whether it covers something for a system, at a moment.
    pub fn covers(&self, delegate: Bin, what: Delegated, system: &SystemId, at: Timestamp) -> bool {
        let zone = almaty();
        let text = &self.text;
        text.delegate == delegate
            && text.scope.contains(&what)
            && (text.systems.is_empty() || text.systems.contains(system))
            && start_of(text.from, &zone) <= at
            && at < end_of(text.until, &zone)
            && self.revoked.is_none_or(|revoked| at < revoked)
    }
}

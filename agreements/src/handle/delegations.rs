//! Delegations: recorded and revoked (A10).

use super::{Check, CommandError};
use crate::{DelegationNumber, DelegationText, Event, Role, Side, Signature};

impl Check<'_> {
    /// A holder delegates what is its own; its head signs as for the consumer's side.
    pub(super) fn record_delegation(
        &self,
        delegation: DelegationText,
        signature: Signature,
    ) -> Result<Event, CommandError> {
        let DelegationText { delegation: number, principal, delegate, scope, systems, from, until, document } =
            &delegation;
        self.holder(*principal)?;
        self.holder(*delegate)?;
        if self.registry.delegation(number).is_some() {
            return Err(CommandError::Exists { what: format!("delegation {number}") });
        }
        self.principal_acts(*principal)?;
        if signature.side != Side::Consumer || signature.bin != *principal {
            return Err(CommandError::Stranger { found: signature.side, bin: signature.bin });
        }
        if until < from {
            return Err(CommandError::EmptyValidity { number: number.to_string() });
        }
        if principal == delegate || Some(*delegate) == self.registry.regulator() {
            return Err(CommandError::DelegationUnfit("is to the holder itself, or to the regulator"));
        }
        if scope.is_empty() || scope.len() > 2 {
            return Err(CommandError::DelegationUnfit("names nothing that is delegated, or names it twice"));
        }
        if document.len() != 64 || !document.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(CommandError::DelegationUnfit("names no document by its SHA-256"));
        }
        for system in systems {
            if self.system(system)?.card.holder != *principal {
                return Err(CommandError::DelegationUnfit("names a system of another holder"));
            }
        }
        Ok(Event::DelegationRecorded { delegation, signature })
    }

    pub(super) fn revoke_delegation(&self, delegation: DelegationNumber) -> Result<Event, CommandError> {
        let known = self.registry.delegation(&delegation);
        let known =
            known.ok_or_else(|| CommandError::Unknown { what: format!("delegation {delegation}") })?;
        self.principal_acts(known.text.principal)?;
        if known.revoked.is_some() {
            return Err(CommandError::DelegationUnfit("is revoked already"));
        }
        Ok(Event::DelegationRevoked { delegation })
    }

    fn principal_acts(&self, principal: crate::Bin) -> Result<(), CommandError> {
        if self.actor.role == Role::HolderOfficer && self.actor.holder != principal {
            return Err(CommandError::NotYours { owner: principal, actor: self.actor.holder });
        }
        Ok(())
    }
}

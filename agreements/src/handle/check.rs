//! What many commands check alike: who acts, and that what they name is there.

use jiff::Timestamp;
use jiff::civil::Date;

use super::CommandError;
use crate::{
    Actor, Agreement, AgreementNumber, Bin, Conformity, Delegated, OperatorStanding, Registry, Role, Stage,
    Subject, System, SystemId, SystemStatus, Viewer, almaty,
};

/// A command's surroundings: the registry it is checked on, who issues it, why and when.
pub(super) struct Check<'a> {
    pub(super) registry: &'a Registry,
    pub(super) actor: &'a Actor,
    pub(super) reason: &'a str,
    pub(super) now: Timestamp,
}

impl<'a> Check<'a> {
    pub(super) fn holder(&self, bin: Bin) -> Result<(), CommandError> {
        match self.registry.holder(bin) {
            Some(_) => Ok(()),
            None => Err(CommandError::Unknown { what: format!("organisation {bin}") }),
        }
    }

    pub(super) fn system(&self, id: &SystemId) -> Result<&'a System, CommandError> {
        self.registry.system(id).ok_or_else(|| CommandError::Unknown { what: format!("system {id}") })
    }

    pub(super) fn live(&self, id: &SystemId) -> Result<&'a System, CommandError> {
        let system = self.system(id)?;
        match system.status {
            SystemStatus::Registered | SystemStatus::Suspended => Ok(system),
            SystemStatus::Decommissioned => {
                Err(CommandError::SystemStatus { system: id.clone(), status: system.status })
            }
        }
    }

    pub(super) fn status(&self, id: &SystemId, wanted: SystemStatus) -> Result<(), CommandError> {
        let system = self.system(id)?;
        if system.status == wanted {
            Ok(())
        } else {
            Err(CommandError::SystemStatus { system: id.clone(), status: system.status })
        }
    }

    pub(super) fn held(
        &self,
        conformity: Option<&Conformity>,
        system: &SystemId,
        what: &'static str,
    ) -> Result<(), CommandError> {
        match conformity {
            Some(held) if held.withdrawn.is_none() => Ok(()),
            _ => Err(CommandError::NoConformity { system: system.clone(), what }),
        }
    }

    pub(super) fn reasoned(&self) -> Result<(), CommandError> {
        if self.reason.trim().is_empty() { Err(CommandError::NoReason) } else { Ok(()) }
    }

    /// The day it is in the Republic.
    pub(super) fn today(&self) -> Date {
        self.now.to_zoned(almaty()).date()
    }

    /// A suspended operator does nothing, and nobody acts in a role that they had.
    pub(super) fn active(&self) -> Result<(), CommandError> {
        let id = &self.actor.id;
        match self.registry.operator_standing(id, self.today()) {
            None | Some(OperatorStanding::Active) => {}
            Some(standing) => return Err(CommandError::NotActive { operator: id.clone(), standing }),
        }
        match self.registry.operator(id) {
            Some(known) if (known.role, known.holder) != (self.actor.role, self.actor.holder) => {
                Err(CommandError::NotInRole { role: self.actor.role })
            }
            _ => Ok(()),
        }
    }

    /// E4: who did one step does not do the next.
    pub(super) fn second_person(&self, first: &Actor, did: &'static str) -> Result<(), CommandError> {
        if self.actor.id == first.id {
            return Err(CommandError::SamePerson { operator: first.id.clone(), did });
        }
        Ok(())
    }

    /// Operators act only on what they see.
    pub(super) fn within(&self, subject: &Subject) -> Result<(), CommandError> {
        let (holder, known) = match subject {
            Subject::System(id) => (self.registry.system(id).map(|system| system.card.holder), subject),
            Subject::Object(id) => (self.registry.object(id).map(|object| object.card.holder), subject),
        };
        let owner = holder.ok_or_else(|| CommandError::Unknown { what: known.to_string() })?;
        if Viewer::new(self.registry, self.actor, self.today()).sees(subject) {
            return Ok(());
        }
        if self.actor.role == Role::HolderOfficer {
            return Err(CommandError::NotYours { owner, actor: self.actor.holder });
        }
        Err(CommandError::OutOfReach { what: subject.to_string(), actor: self.actor.id.clone() })
    }

    /// Officers act only for their own organisation; the other roles act for all.
    pub(super) fn own(&self, id: &SystemId) -> Result<(), CommandError> {
        let owner = self.system(id)?.card.holder;
        // A10: or for one that has delegated its operation.
        let delegated =
            || self.registry.delegation_for(id, self.actor.holder, Delegated::Operation, self.now);
        if self.actor.role == Role::HolderOfficer && self.actor.holder != owner && delegated().is_none() {
            return Err(CommandError::NotYours { owner, actor: self.actor.holder });
        }
        Ok(())
    }

    pub(super) fn party(&self, agreement: &Agreement) -> Result<(), CommandError> {
        self.own(&agreement.header.consumer).or_else(|_| self.own(&agreement.header.provider))
    }

    pub(super) fn agreement(
        &self,
        number: &AgreementNumber,
        version: u32,
        stages: &[Stage],
    ) -> Result<&'a Agreement, CommandError> {
        let agreement = self.registry.agreement(number, version);
        let agreement = agreement
            .ok_or_else(|| CommandError::Unknown { what: format!("agreement {number} version {version}") })?;
        if stages.contains(&agreement.stage) {
            Ok(agreement)
        } else {
            Err(CommandError::Stage { number: number.clone(), version, stage: agreement.stage.clone() })
        }
    }
}

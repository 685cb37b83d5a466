//! Organisations and those who act for them.

use super::{Check, CommandError};
use crate::{Bin, Enrolment, Event, Operator, OperatorId, OperatorStanding, Role};

impl Check<'_> {
    pub(super) fn register_operator(&self, operator: Operator) -> Result<Vec<Event>, CommandError> {
        self.holder(operator.holder)?;
        reaches(&operator)?;
        if operator.reach.until.is_some_and(|until| until < self.today()) {
            return Err(CommandError::ReachMissing {
                role: operator.role,
                what: "a last day that is not over",
            });
        }
        let known = self.registry.operator(&operator.id);
        if let Some(enrolment) = self.registry.enrolment(&operator.id) {
            // The history would have one name for two people.
            if enrolment.standing == OperatorStanding::Removed {
                return Err(CommandError::Exists { what: format!("operator {}", operator.id) });
            }
            if operator.role != Role::Administrator {
                self.not_the_last(&operator.id)?;
            }
            // E4: who would have to be confirmed anew, or does not administer any more, is as good as removed.
            let stays =
                known.is_some_and(|known| known.role == operator.role && known.holder == operator.holder);
            if !stays && self.actor.id != operator.id {
                self.ended_by_two(&operator.id, enrolment)?;
            }
        }
        // E4: nobody alone lets somebody approve, where there is another who can look at it.
        let others = self.registry.administrators().any(|id| *id != self.actor.id);
        let gains = operator.role.approves()
            && known.is_none_or(|known| known.role != operator.role || known.holder != operator.holder);
        let waits = self
            .registry
            .enrolment(&operator.id)
            .is_some_and(|enrolment| enrolment.standing == OperatorStanding::Unconfirmed);
        let standing = match self.registry.enrolment(&operator.id) {
            _ if others && operator.role.approves() && (gains || waits) => OperatorStanding::Unconfirmed,
            // A corrected card does not lift a suspension.
            Some(Enrolment { standing: OperatorStanding::Suspended, .. }) => OperatorStanding::Suspended,
            _ => OperatorStanding::Active,
        };
        // What somebody was let in with for another role may be known to who gave it.
        let falls = if gains { self.access_falls(&operator.id) } else { Vec::new() };
        let registered = Event::OperatorRegistered { operator, standing };
        Ok(std::iter::once(registered).chain(falls).collect())
    }

    pub(super) fn confirm_operator(&self, operator: OperatorId) -> Result<Event, CommandError> {
        let enrolment = self.enrolled(&operator, &[OperatorStanding::Unconfirmed])?;
        self.second_person(&enrolment.by.actor, "enrolled this operator")?;
        if self.actor.id == operator {
            return Err(CommandError::SamePerson { operator, did: "is this operator" });
        }
        Ok(Event::OperatorConfirmed { operator })
    }

    pub(super) fn suspend_operator(&self, operator: OperatorId) -> Result<Event, CommandError> {
        self.enrolled(&operator, &[OperatorStanding::Active])?;
        self.not_the_last(&operator)?;
        Ok(Event::OperatorSuspended { operator })
    }

    pub(super) fn resume_operator(&self, operator: OperatorId) -> Result<Event, CommandError> {
        self.enrolled(&operator, &[OperatorStanding::Suspended])?;
        Ok(Event::OperatorResumed { operator })
    }

    pub(super) fn remove_operator(&self, operator: OperatorId) -> Result<Event, CommandError> {
        let standings =
            [OperatorStanding::Active, OperatorStanding::Suspended, OperatorStanding::Unconfirmed];
        let enrolment = self.enrolled(&operator, &standings)?;
        self.not_the_last(&operator)?;
        self.ended_by_two(&operator, enrolment)?;
        Ok(Event::OperatorRemoved { operator })
    }

    /// Two people: one suspends an administrator, another ends what they are.
    fn ended_by_two(&self, operator: &OperatorId, enrolment: &Enrolment) -> Result<(), CommandError> {
        let administers = self.registry.operator(operator).is_some_and(|one| one.role == Role::Administrator);
        if administers && enrolment.standing != OperatorStanding::Unconfirmed {
            let enrolment = self.enrolled(operator, &[OperatorStanding::Suspended])?;
            if let Some(since) = &enrolment.since {
                self.second_person(&since.actor, "suspended this administrator")?;
            }
        }
        Ok(())
    }

    pub(super) fn name_regulator(&self, bin: Bin) -> Result<Event, CommandError> {
        self.holder(bin)?;
        if self.registry.regulator().is_some() {
            return Err(CommandError::Exists { what: "the regulator".into() });
        }
        Ok(Event::RegulatorNamed { bin })
    }

    fn enrolled(&self, id: &OperatorId, wanted: &[OperatorStanding]) -> Result<&Enrolment, CommandError> {
        let enrolment = self.registry.enrolment(id);
        let enrolment = enrolment.ok_or_else(|| CommandError::Unknown { what: format!("operator {id}") })?;
        if wanted.contains(&enrolment.standing) {
            return Ok(enrolment);
        }
        Err(CommandError::NotActive { operator: id.clone(), standing: enrolment.standing })
    }

    /// Somebody who can act is left to administer.
    fn not_the_last(&self, id: &OperatorId) -> Result<(), CommandError> {
        let acts = |id: &OperatorId| {
            self.registry.operator_standing(id, self.today()) == Some(OperatorStanding::Active)
        };
        let mut administrators = self.registry.administrators();
        if !administrators.any(|one| one == id) || !acts(id) {
            return Ok(());
        }
        let another = self.registry.administrators().any(|one| one != id && acts(one));
        if another { Ok(()) } else { Err(CommandError::LastAdministrator) }
    }
}

/// Roles that are bounded by a region or a day say which.
fn reaches(operator: &Operator) -> Result<(), CommandError> {
    let reach = &operator.reach;
    let missing = |what| Err(CommandError::ReachMissing { role: operator.role, what });
    match operator.role {
        Role::RegionalOperator | Role::TerritorialUnit if reach.region.is_none() => missing("a region"),
        Role::Expert if reach.until.is_none() => missing("a last day"),
        Role::Expert if reach.systems.len() > MOST_SYSTEMS => missing("fewer systems, or all of them"),
        Role::Expert | Role::RegionalOperator | Role::TerritorialUnit => Ok(()),
        Role::Administrator
        | Role::HolderOfficer
        | Role::ServiceIntegrator
        | Role::Regulator
        | Role::SectorAuthority
        | Role::NationalOperator
        | Role::ResponsibleEmployee => {
            if reach.region.is_some() || !reach.systems.is_empty() {
                return missing("no region and no systems: it is not bounded by them");
            }
            Ok(())
        }
    }
}

/// An expert asked to look at more looks at all.
const MOST_SYSTEMS: usize = 1000;

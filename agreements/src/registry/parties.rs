//! What events change in operators.

use jiff::civil::Date;

use super::Registry;
use crate::{Enrolment, Operator, OperatorId, OperatorStanding, Recorded, Role, Trace};

impl Registry {
    pub(super) fn enrol(&mut self, operator: &Operator, standing: OperatorStanding, recorded: &Recorded) {
        let enrolment = Enrolment { standing, by: Trace::of(recorded), since: None };
        self.enrolments.insert(operator.id.clone(), enrolment);
        self.operators.insert(operator.id.clone(), operator.clone());
    }

    pub(super) fn stand(
        &mut self,
        id: &OperatorId,
        standing: OperatorStanding,
        recorded: &Recorded,
    ) -> Option<()> {
        let enrolment = self.enrolments.get_mut(id)?;
        enrolment.standing = standing;
        enrolment.since = Some(Trace::of(recorded));
        Some(())
    }

    /// How an operator came to where they stand.
    pub fn enrolment(&self, id: &OperatorId) -> Option<&Enrolment> {
        self.enrolments.get(id)
    }

    /// Where an operator stands on a day.
    pub fn operator_standing(&self, id: &OperatorId, today: Date) -> Option<OperatorStanding> {
        let enrolment = self.enrolments.get(id)?;
        let until = self.operators.get(id).and_then(|operator| operator.reach.until);
        let over = until.is_some_and(|until| until < today);
        match enrolment.standing {
            OperatorStanding::Active if over => Some(OperatorStanding::Ended),
            standing => Some(standing),
        }
    }

    /// Administrators who are not removed; suspended ones count, so that nobody becomes the only one by suspending.
    pub(crate) fn administrators(&self) -> impl Iterator<Item = &OperatorId> {
        self.operators.values().filter(|one| one.role == Role::Administrator).map(|one| &one.id).filter(
            |id| {
                self.enrolments.get(*id).is_some_and(|enrolment| match enrolment.standing {
                    OperatorStanding::Active | OperatorStanding::Suspended => true,
                    OperatorStanding::Unconfirmed | OperatorStanding::Removed | OperatorStanding::Ended => {
                        false
                    }
                })
            },
        )
    }
}

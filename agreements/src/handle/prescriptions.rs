//! Prescriptions: issued and lifted by the regulator's signed orders.

use super::{Check, CommandError};
use crate::prescription::MOST_OPERATIONS;
use crate::{Event, LiftingText, Order, PrescriptionText, Signature, Target};

impl Check<'_> {
    pub(super) fn issue_prescription(
        &self,
        prescription: PrescriptionText,
        signature: Signature,
    ) -> Result<Event, CommandError> {
        self.signs_as_regulator(&signature)?;
        let number = &prescription.prescription;
        if self.registry.prescription(number).is_some() {
            return Err(CommandError::Exists { what: format!("prescription {number}") });
        }
        match &prescription.against {
            Target::System(system) => drop(self.system(system)?),
            Target::Agreement(number) if self.registry.versions(number).next().is_none() => {
                return Err(CommandError::Unknown { what: format!("agreement {number}") });
            }
            Target::Agreement(_) => {}
        }
        match &prescription.order {
            Order::Suspend | Order::CorrectBy(_) | Order::KeepRecord => {}
            // To allow nothing is to suspend, and is said so.
            Order::LimitTo(operations) if operations.is_empty() || operations.len() > MOST_OPERATIONS => {
                return Err(CommandError::PrescriptionUnfit("names no operation, or more than 200"));
            }
            Order::LimitTo(_) => {}
        }
        let PrescriptionText { reason, clause, appeal, .. } = &prescription;
        if [reason, clause, appeal].into_iter().any(|words| words.is_empty()) {
            return Err(CommandError::PrescriptionUnfit(
                "lacks its reason, its clause, or where it may be appealed",
            ));
        }
        Ok(Event::PrescriptionIssued { prescription, signature })
    }

    pub(super) fn lift_prescription(
        &self,
        lifting: LiftingText,
        signature: Signature,
    ) -> Result<Event, CommandError> {
        self.signs_as_regulator(&signature)?;
        let known = self.registry.prescription(&lifting.lifts);
        let known =
            known.ok_or_else(|| CommandError::Unknown { what: format!("prescription {}", lifting.lifts) })?;
        if known.lifted.is_some() {
            return Err(CommandError::PrescriptionUnfit("is lifted already"));
        }
        if lifting.reason.is_empty() {
            return Err(CommandError::NoReason);
        }
        Ok(Event::PrescriptionLifted { lifting, signature })
    }
}

//! What a readiness check must have covered to be recorded (B5).

use super::{Check, CommandError};
use crate::readiness::{DETAIL, MOST_CHECKS};
use crate::{AgreementNumber, CheckOutcome, Event, Means, Party, ReadinessCheck, Stage, wanted_checks};

impl Check<'_> {
    pub(super) fn record_readiness(
        &self,
        number: AgreementNumber,
        version: u32,
        revision: u64,
        means: Means,
        checks: Vec<ReadinessCheck>,
    ) -> Result<Event, CommandError> {
        let stages = [Stage::Submitted, Stage::Concurred, Stage::Suspended];
        let agreement = self.agreement(&number, version, &stages)?;
        let text = agreement.text.as_ref().ok_or(CommandError::CheckUnfit("no signed text to be of"))?;
        if checks.len() > MOST_CHECKS {
            return Err(CommandError::CheckUnfit("more checks than there are things to check"));
        }
        if checks.iter().any(|one| one.detail.chars().count() > DETAIL) {
            return Err(CommandError::CheckUnfit("a detail of more than 500 characters"));
        }
        for one in &checks {
            let measured = one.outcome != CheckOutcome::Unmeasured;
            match &one.accepted {
                Some(_) if measured => {
                    return Err(CommandError::CheckUnfit(
                        "a reason for what was measured: `accepted` is for the rest",
                    ));
                }
                Some(why) if why.trim().is_empty() || why.chars().count() > DETAIL => {
                    return Err(CommandError::CheckUnfit(
                        "a reason (`accepted`) that is empty or of more than 500 characters",
                    ));
                }
                None if !measured && means == Means::ByHand => {
                    return Err(CommandError::CheckUnfit(
                        "something unmeasured without `accepted`: say there why transfer may follow all the same",
                    ));
                }
                Some(_) | None => {}
            }
        }
        for (at, one) in checks.iter().enumerate() {
            if checks[..at].iter().any(|other| other.party == one.party && other.check == one.check) {
                return Err(CommandError::CheckUnfit("one thing checked twice"));
            }
        }
        for (party, check) in wanted_checks(text) {
            if !checks.iter().any(|one| one.party == party && one.check == check) {
                return Err(CommandError::NotChecked { party, check });
            }
        }
        if revision > self.registry.revision() {
            return Err(CommandError::CheckUnfit("a revision that is still to come"));
        }
        // A check of the old endpoint says nothing about the new one.
        for (party, system) in [(Party::Consumer, &text.consumer), (Party::Provider, &text.provider)] {
            if self.registry.changed(system) > revision {
                return Err(CommandError::ChangedSince { party, system: system.clone(), revision });
            }
        }
        Ok(Event::ReadinessRecorded { number, version, revision, means: Some(means), checks })
    }
}

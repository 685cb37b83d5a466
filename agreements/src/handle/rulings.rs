//! What becomes of an agreement before the regulator (B9): concurrence, ruling, withdrawal, protocol of disagreement.

use super::{Check, CommandError};
use crate::application::is_digest;
use crate::ruling::MOST_REMARKS;
use crate::{
    Agreement, AgreementNumber, Event, ProtocolText, Remark, Ruling, RulingText, Side, Signature, Stage,
};

impl Check<'_> {
    pub(super) fn withdraw_agreement(
        &self,
        number: AgreementNumber,
        version: u32,
    ) -> Result<Event, CommandError> {
        self.party(self.agreement(&number, version, &[Stage::Submitted])?)?;
        Ok(Event::AgreementWithdrawn { number, version })
    }

    pub(super) fn concur_in_agreement(
        &self,
        number: AgreementNumber,
        version: u32,
        signature: Signature,
    ) -> Result<Vec<Event>, CommandError> {
        let mut events = self.agreed(&number, version, &signature)?;
        events.push(Event::AgreementConcurred { number, version, signature, remarks: Vec::new() });
        Ok(events)
    }

    /// Portal 17-18: remarks propose their remedies, and what is refused or returned says why.
    pub(super) fn rule_on_agreement(
        &self,
        ruling: RulingText,
        signature: Signature,
    ) -> Result<Vec<Event>, CommandError> {
        let (number, version) = (&ruling.agreement, ruling.version);
        if !is_digest(&ruling.document_sha256) {
            return Err(CommandError::RulingUnfit("names no document by its SHA-256"));
        }
        let empty = |one: &Remark| one.remark.is_empty() || one.remedy.is_empty();
        if ruling.remarks.len() > MOST_REMARKS || ruling.remarks.iter().any(empty) {
            return Err(CommandError::RulingUnfit(
                "has a remark without its remedy, an empty one, or too many",
            ));
        }
        let mut events = match ruling.ruling {
            Ruling::AgreedWithRemarks if ruling.remarks.is_empty() => {
                return Err(CommandError::RulingUnfit("agrees with remarks, and has none"));
            }
            Ruling::AgreedWithRemarks => self.agreed(number, version, &signature)?,
            Ruling::Refused | Ruling::Returned => {
                self.judged(number, version, &signature)?;
                if ruling.reason.is_empty() {
                    return Err(CommandError::NoReason);
                }
                Vec::new()
            }
        };
        events.push(Event::AgreementRuled { ruling, signature });
        Ok(events)
    }

    /// Portal 21: both heads sign the same protocol; until the second has, another may take its place.
    pub(super) fn sign_protocol(
        &self,
        protocol: ProtocolText,
        signature: Signature,
    ) -> Result<Event, CommandError> {
        let stages = [Stage::Draft, Stage::Submitted, Stage::Returned, Stage::Refused];
        let agreement = self.agreement(&protocol.agreement, protocol.version, &stages)?;
        self.signer(agreement, &signature, &[Side::Consumer, Side::Provider])?;
        if !is_digest(&protocol.document) {
            return Err(CommandError::ProtocolUnfit("names no document by its SHA-256"));
        }
        if protocol.about.is_empty() {
            return Err(CommandError::ProtocolUnfit("does not say what it is about"));
        }
        let Some(known) = &agreement.protocol else {
            return Ok(Event::ProtocolSigned { protocol, signature });
        };
        let same = known.text == protocol;
        if !same && known.is_signed_by_both() {
            return Err(CommandError::ProtocolUnfit("is another than the one that both have signed"));
        }
        let theirs = |one: &Signature| one.side == signature.side && one.certificate == signature.certificate;
        if same && known.signatures.iter().any(theirs) {
            return Err(CommandError::Exists { what: format!("signature of {}", signature.signer) });
        }
        Ok(Event::ProtocolSigned { protocol, signature })
    }

    /// What gives way to an agreement that the regulator agrees to.
    fn agreed(
        &self,
        number: &AgreementNumber,
        version: u32,
        signature: &Signature,
    ) -> Result<Vec<Event>, CommandError> {
        self.judged(number, version, signature)?;
        self.not_overtaken(number, version)?;
        let in_force = self
            .registry
            .versions(number)
            .filter(|other| matches!(other.stage, Stage::Concurred | Stage::Suspended));
        let superseded = |old: &Agreement| Event::AgreementSuperseded {
            number: number.clone(),
            version: old.header.version,
        };
        Ok(in_force.map(superseded).collect())
    }

    /// E4: the regulator's signatory judges what another person submitted.
    fn judged(
        &self,
        number: &AgreementNumber,
        version: u32,
        signature: &Signature,
    ) -> Result<(), CommandError> {
        let agreement = self.agreement(number, version, &[Stage::Submitted])?;
        self.signer(agreement, signature, &[Side::Regulator])?;
        match agreement.history.iter().rfind(|step| step.stage == Stage::Submitted) {
            Some(step) => self.second_person(&step.actor, "submitted the agreement"),
            None => Ok(()),
        }
    }

    /// A version is not agreed on after a newer one was: the newer one would be superseded by the older.
    fn not_overtaken(&self, number: &AgreementNumber, version: u32) -> Result<(), CommandError> {
        let was_in_force = |stage: &Stage| match stage {
            Stage::Concurred | Stage::Suspended | Stage::Terminated | Stage::Superseded | Stage::Expired => {
                true
            }
            Stage::Draft | Stage::Submitted | Stage::Refused | Stage::Returned | Stage::Withdrawn => false,
        };
        let newer = self
            .registry
            .versions(number)
            .any(|other| other.header.version > version && was_in_force(&other.stage));
        if newer {
            let newest =
                self.registry.versions(number).map(|one| one.header.version).max().unwrap_or(version);
            return Err(CommandError::Version {
                number: number.clone(),
                expected: newest.saturating_add(1),
                found: version,
            });
        }
        Ok(())
    }
}

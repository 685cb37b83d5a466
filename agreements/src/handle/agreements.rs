//! Agreements: the steps of their life (B9), and the list of officials (B6).

use super::{Check, CommandError};
use crate::{
    Agreement, AgreementNumber, AgreementText, Event, Header, ListedUser, Role, Side, Signature, Stage, draft,
};

impl Check<'_> {
    pub(super) fn draft_agreement(&self, document: String) -> Result<Event, CommandError> {
        self.draft(&document)?;
        Ok(Event::AgreementDrafted { document })
    }

    pub(super) fn sign_agreement(
        &self,
        number: AgreementNumber,
        version: u32,
        signature: Signature,
    ) -> Result<Event, CommandError> {
        let agreement = self.agreement(&number, version, &[Stage::Draft])?;
        self.signable(agreement)?;
        self.signer(agreement, &signature, &[Side::Consumer, Side::Provider])?;
        let same =
            |known: &Signature| known.side == signature.side && known.certificate == signature.certificate;
        if agreement.signatures.iter().any(same) {
            return Err(CommandError::Exists { what: format!("signature of {}", signature.signer) });
        }
        Ok(Event::AgreementSigned { number, version, signature })
    }

    pub(super) fn submit_agreement(
        &self,
        number: AgreementNumber,
        version: u32,
    ) -> Result<Event, CommandError> {
        let agreement = self.agreement(&number, version, &[Stage::Draft])?;
        self.party(agreement)?;
        let conformity = self.submittable(agreement)?;
        Ok(Event::AgreementSubmitted { number, version, conformity })
    }

    pub(super) fn concur_in_agreement(
        &self,
        number: AgreementNumber,
        version: u32,
        signature: Signature,
        remarks: Vec<String>,
    ) -> Result<Vec<Event>, CommandError> {
        let agreement = self.agreement(&number, version, &[Stage::Submitted])?;
        self.signer(agreement, &signature, &[Side::Regulator])?;
        if let Some(step) = agreement.history.iter().rfind(|step| step.stage == Stage::Submitted) {
            self.second_person(&step.actor, "submitted the agreement")?;
        }
        self.not_overtaken(&number, version)?;
        let mut events: Vec<Event> = self
            .registry
            .versions(&number)
            .filter(|other| matches!(other.stage, Stage::Concurred | Stage::Suspended))
            .map(|old| Event::AgreementSuperseded { number: number.clone(), version: old.header.version })
            .collect();
        events.push(Event::AgreementConcurred { number, version, signature, remarks });
        Ok(events)
    }

    pub(super) fn refuse_agreement(
        &self,
        number: AgreementNumber,
        version: u32,
    ) -> Result<Event, CommandError> {
        self.agreement(&number, version, &[Stage::Submitted])?;
        self.reasoned()?;
        Ok(Event::AgreementRefused { number, version })
    }

    pub(super) fn suspend_agreement(
        &self,
        number: AgreementNumber,
        version: u32,
    ) -> Result<Event, CommandError> {
        self.party(self.agreement(&number, version, &[Stage::Concurred])?)?;
        self.reasoned()?;
        Ok(Event::AgreementSuspended { number, version })
    }

    pub(super) fn resume_agreement(
        &self,
        number: AgreementNumber,
        version: u32,
    ) -> Result<Event, CommandError> {
        let agreement = self.agreement(&number, version, &[Stage::Suspended])?;
        self.party(agreement)?;
        self.resumable(agreement)?;
        Ok(Event::AgreementResumed { number, version })
    }

    pub(super) fn terminate_agreement(
        &self,
        number: AgreementNumber,
        version: u32,
    ) -> Result<Event, CommandError> {
        self.party(self.agreement(&number, version, &[Stage::Concurred, Stage::Suspended])?)?;
        self.reasoned()?;
        Ok(Event::AgreementTerminated { number, version })
    }

    pub(super) fn approve_users(
        &self,
        number: AgreementNumber,
        users: Vec<ListedUser>,
    ) -> Result<Event, CommandError> {
        let newest = self.registry.versions(&number).last();
        let agreement =
            newest.ok_or_else(|| CommandError::Unknown { what: format!("agreement {number}") })?;
        self.own(&agreement.header.consumer)?;
        for (at, user) in users.iter().enumerate() {
            if users[..at].iter().any(|earlier| earlier.id == user.id) {
                return Err(CommandError::Exists { what: format!("official {}", user.id.as_str()) });
            }
        }
        Ok(Event::UsersApproved { number, users })
    }

    fn draft(&self, document: &str) -> Result<(), CommandError> {
        let header: Header =
            serde_json::from_str(document).map_err(|error| CommandError::Unreadable(error.to_string()))?;
        self.own(&header.consumer).or_else(|_| self.own(&header.provider))?;
        let number = &header.number;
        if let Some(same) = self.registry.agreement(number, header.version)
            && (same.stage != Stage::Draft || !same.signatures.is_empty())
        {
            return Err(CommandError::SignedAlready { number: number.clone(), version: header.version });
        }
        let newest = self.registry.versions(number).last();
        let expected = match newest {
            Some(newest) if newest.header.version == header.version => header.version,
            Some(newest) => newest.header.version.saturating_add(1),
            None => 1,
        };
        if header.version != expected {
            return Err(CommandError::Version { number: number.clone(), expected, found: header.version });
        }
        let same_pair = newest.is_none_or(|newest| {
            newest.header.consumer == header.consumer && newest.header.provider == header.provider
        });
        if !same_pair {
            return Err(CommandError::Exists { what: format!("agreement {number}, between other systems") });
        }
        Ok(())
    }

    fn signable(&self, agreement: &Agreement) -> Result<(), CommandError> {
        let document = serde_json::from_str(&agreement.document)
            .map_err(|error| CommandError::Unreadable(error.to_string()))?;
        draft::lint(&document, self.registry).map_err(CommandError::Draft)?;
        // What the registry will keep: stricter than the value that was judged, which forgets repeated members.
        serde_json::from_str::<AgreementText>(&agreement.document)
            .map(drop)
            .map_err(|error| CommandError::Unreadable(error.to_string()))
    }

    /// B4: a signature counts for the side whose organisation the signer's certificate names.
    fn signer(
        &self,
        agreement: &Agreement,
        signature: &Signature,
        sides: &[Side],
    ) -> Result<(), CommandError> {
        let stranger = CommandError::Stranger { found: signature.side, bin: signature.bin };
        let theirs = match signature.side {
            Side::Consumer => self.system(&agreement.header.consumer)?.card.holder,
            Side::Provider => self.system(&agreement.header.provider)?.card.holder,
            Side::Regulator => self.registry.regulator().ok_or(stranger.clone())?,
        };
        if !sides.contains(&signature.side) || signature.bin != theirs {
            return Err(stranger);
        }
        if self.actor.role == Role::HolderOfficer && self.actor.holder != theirs {
            return Err(CommandError::NotYours { owner: theirs, actor: self.actor.holder });
        }
        Ok(())
    }

    /// B3: both sides signed, and both systems hold what goes to the regulator with the agreement.
    fn submittable(&self, agreement: &Agreement) -> Result<Vec<String>, CommandError> {
        self.signable(agreement)?;
        for side in [Side::Consumer, Side::Provider] {
            if !agreement.signatures.iter().any(|signature| signature.side == side) {
                return Err(CommandError::Unsigned(side));
            }
        }
        let mut attached = Vec::new();
        for id in [&agreement.header.consumer, &agreement.header.provider] {
            let system = self.live(id)?;
            for (conformity, what) in [
                (&system.attestation, "an attestation"),
                (&system.quality_certificate, "a quality certificate"),
            ] {
                let today = self.now.to_zoned(crate::almaty()).date();
                let held = conformity.as_ref().filter(|held| {
                    held.withdrawn.is_none()
                        && held.suspended.is_none()
                        && (held.valid_from..=held.valid_until).contains(&today)
                });
                let held = held.ok_or_else(|| CommandError::NoConformity { system: id.clone(), what })?;
                attached.push(format!("{id}: {} ({})", held.number, held.issuer));
            }
        }
        Ok(attached)
    }

    /// A version is not agreed on after a newer one was: the newer one would be superseded by the older.
    fn not_overtaken(&self, number: &AgreementNumber, version: u32) -> Result<(), CommandError> {
        let was_in_force = |stage: &Stage| match stage {
            Stage::Concurred | Stage::Suspended | Stage::Terminated | Stage::Superseded => true,
            Stage::Draft | Stage::Submitted | Stage::Refused => false,
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

    /// Who suspended may resume, and the regulator always; what the regulator suspended, nobody else.
    fn resumable(&self, agreement: &Agreement) -> Result<(), CommandError> {
        let Some(suspension) = agreement.history.last() else { return Ok(()) };
        if self.actor.role == Role::Regulator {
            return Ok(());
        }
        if suspension.actor.role == Role::Regulator {
            return Err(CommandError::NotInRole { role: self.actor.role });
        }
        let owner = suspension.actor.holder;
        if self.actor.holder == owner {
            Ok(())
        } else {
            Err(CommandError::NotYours { owner, actor: self.actor.holder })
        }
    }
}

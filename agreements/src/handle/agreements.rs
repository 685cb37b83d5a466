//! Agreements: the steps of their life (B9), and the list of officials (B6).

use super::{Check, CommandError};
use crate::{
    Agreement, AgreementNumber, AgreementText, Delegated, Event, Header, ListedUser, Role, Side, Signature,
    Stage, SystemId, TrainingCertificate, UserList, Users, draft, fits,
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
        let newest = self.registry.versions(&number).last().map(|newest| newest.header.version);
        if let Some(newest) = newest.filter(|newest| *newest > version) {
            return Err(CommandError::OldVersion { number, version, newest });
        }
        let agreement = self.agreement(&number, version, &[Stage::Draft])?;
        self.signable(agreement)?;
        self.signer(agreement, &signature, &[Side::Consumer, Side::Provider])?;
        let text = serde_json::from_str::<AgreementText>(&agreement.document.text());
        let named = text.map(|text| text.signers.of(signature.side).to_vec()).unwrap_or_default();
        if !named.is_empty() && !named.contains(&signature.signer) {
            return Err(CommandError::NotNamed { side: signature.side, signer: signature.signer });
        }
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
        let judged = agreement.text.as_ref().map(|text| fits(text, self.registry));
        let fits = judged.unwrap_or_default();
        Ok(Event::AgreementSubmitted { number, version, conformity, fits })
    }

    pub(super) fn suspend_agreement(
        &self,
        number: AgreementNumber,
        version: u32,
    ) -> Result<Event, CommandError> {
        self.party(self.agreement(&number, version, &[Stage::Concurred])?)?;
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
        Ok(Event::AgreementTerminated { number, version })
    }

    /// B6: the consumer's head approves the list: a list counts from the next serial on.
    pub(super) fn approve_users(&self, list: UserList, signature: Signature) -> Result<Event, CommandError> {
        let UserList { agreement: number, serial, users } = list;
        let newest = self.registry.versions(&number).last();
        let agreement =
            newest.ok_or_else(|| CommandError::Unknown { what: format!("agreement {number}") })?;
        let consumer = &agreement.header.consumer;
        self.own(consumer)?;
        self.signs_for(consumer, &signature, Side::Consumer)?;
        for (at, user) in users.iter().enumerate() {
            if users[..at].iter().any(|earlier| earlier.id == user.id) {
                return Err(CommandError::Exists { what: format!("official {}", user.id.as_str()) });
            }
            self.trained(&number, user)?;
        }
        let expected =
            self.registry.user_list(&number).map_or(0, |known| known.list.serial).saturating_add(1);
        if serial != expected {
            return Err(CommandError::OldList { number, expected, found: serial });
        }
        Ok(Event::UsersApproved { number, users, serial, signature: Some(signature) })
    }

    /// HR 26.9: where the agreement asks for training, what is said of it says how long it holds. Who is not trained yet may be
    /// on the list, and may not ask.
    fn trained(&self, number: &AgreementNumber, user: &ListedUser) -> Result<(), CommandError> {
        let unfit = |fault| Err(CommandError::TrainingUnfit { official: user.id.clone(), fault });
        let asked = |one: &Agreement| {
            let users = one.text.as_ref().map(|text| text.protection.users);
            users == Some(Users::ListedAndTrained)
        };
        match &user.training_certificate {
            None => Ok(()),
            Some(held) if held.number().trim().is_empty() => unfit("has no number"),
            Some(TrainingCertificate::Recorded(record)) if record.valid_until < record.issued => {
                unfit("ends before it begins")
            }
            Some(TrainingCertificate::Recorded(_)) => Ok(()),
            Some(TrainingCertificate::Number(_)) if self.registry.versions(number).any(asked) => {
                unfit("is a number alone: say when it was issued and until when it is valid")
            }
            Some(TrainingCertificate::Number(_)) => Ok(()),
        }
    }

    fn draft(&self, document: &str) -> Result<(), CommandError> {
        // It is kept for good, also if it is never signed.
        if document.len() > MOST_DRAFT_BYTES {
            let why = format!("{} bytes: an agreement has {MOST_DRAFT_BYTES} at most", document.len());
            return Err(CommandError::Unreadable(why));
        }
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
        let document = serde_json::from_str(&agreement.document.text())
            .map_err(|error| CommandError::Unreadable(error.to_string()))?;
        draft::lint(&document, self.registry).map_err(CommandError::Draft)?;
        // What the registry will keep: stricter than the value that was judged, which forgets repeated members.
        serde_json::from_str::<AgreementText>(&agreement.document.text())
            .map(drop)
            .map_err(|error| CommandError::Unreadable(error.to_string()))
    }

    /// B4: a signature counts for the side whose organisation the signer's certificate names.
    pub(super) fn signer(
        &self,
        agreement: &Agreement,
        signature: &Signature,
        sides: &[Side],
    ) -> Result<(), CommandError> {
        let stranger = CommandError::Stranger { found: signature.side, bin: signature.bin };
        if !sides.contains(&signature.side) {
            return Err(stranger);
        }
        match signature.side {
            Side::Consumer => self.signs_for(&agreement.header.consumer, signature, Side::Consumer),
            Side::Provider => self.signs_for(&agreement.header.provider, signature, Side::Provider),
            Side::Regulator => self.signs_as_regulator(signature),
        }
    }

    /// A10: the holder of a system signs for it, or the body that it has delegated signing to: now, and when the
    /// signature says to have been made.
    fn signs_for(&self, system: &SystemId, signature: &Signature, side: Side) -> Result<(), CommandError> {
        let theirs = self.system(system)?.card.holder;
        let delegated =
            |at| self.registry.delegation_for(system, signature.bin, Delegated::Signing, at).is_some();
        let theirs_or_delegated =
            signature.bin == theirs || (delegated(self.now) && delegated(signature.signed_at));
        if signature.side != side || !theirs_or_delegated {
            return Err(CommandError::Stranger { found: signature.side, bin: signature.bin });
        }
        if self.actor.role == Role::HolderOfficer && ![theirs, signature.bin].contains(&self.actor.holder) {
            return Err(CommandError::NotYours { owner: theirs, actor: self.actor.holder });
        }
        Ok(())
    }

    pub(super) fn signs_as_regulator(&self, signature: &Signature) -> Result<(), CommandError> {
        if signature.side == Side::Regulator && self.registry.regulator() == Some(signature.bin) {
            return Ok(());
        }
        Err(CommandError::Stranger { found: signature.side, bin: signature.bin })
    }

    /// B3: both sides signed, and both systems hold what goes to the regulator with the agreement, each attached to
    /// it by its document.
    fn submittable(&self, agreement: &Agreement) -> Result<Vec<String>, CommandError> {
        self.signable(agreement)?;
        for side in [Side::Consumer, Side::Provider] {
            if !agreement.signatures.iter().any(|signature| signature.side == side) {
                return Err(CommandError::Unsigned(side));
            }
            if let Some(signer) = agreement.unsigned(side) {
                return Err(CommandError::SignerMissing { side, signer: signer.to_owned() });
            }
        }
        let mut attached = Vec::new();
        for id in [&agreement.header.consumer, &agreement.header.provider] {
            let system = self.live(id)?;
            let attached_are = |sha256: &str| {
                let text = agreement.text.as_ref();
                text.is_some_and(|text| text.attachments.iter().any(|one| one.sha256 == sha256))
            };
            if let Some(paper) = draft::papers_of(system).find(|paper| !attached_are(&paper.sha256)) {
                return Err(CommandError::PaperNotAttached { paper: paper.title });
            }
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
                // What nobody can read is not attached, whatever its number is.
                if held.document.is_none() {
                    let paper = format!("{what} of {id}, {}", held.number);
                    return Err(CommandError::PaperWithoutDocument { paper });
                }
                attached.push(format!("{id}: {} ({})", held.number, held.issuer));
            }
        }
        Ok(attached)
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

/// Most bytes of an agreement's document: 200 data types with dozens of fields each.
const MOST_DRAFT_BYTES: usize = 256 << 10;

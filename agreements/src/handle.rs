//! Commands checked against the registry: who may, whether it can be, and which events follow.

use jiff::Timestamp;

use crate::registry::Header;
use crate::{
    Actor, Agreement, AgreementNumber, AgreementText, Bin, Command, Conformity, DataType, DocumentKind,
    Endpoint, EndpointFault, Event, Problem, Registry, Role, Side, Signature, Stage, SubjectPlace, System,
    SystemId, SystemStatus, draft, rights,
};

/// Why a command was not carried out. Nothing has changed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[allow(missing_docs, reason = "fields are named by their types")]
pub enum CommandError {
    #[error("role {role:?} may not do this")]
    NotInRole { role: Role },
    #[error("this belongs to organisation {owner}, not to {actor}")]
    NotYours { owner: Bin, actor: Bin },
    #[error("{what} is not in the registry")]
    Unknown { what: String },
    #[error("{what} is in the registry already")]
    Exists { what: String },
    #[error("application of {system} lacks {missing:?}")]
    Incomplete { system: SystemId, missing: Vec<DocumentKind> },
    #[error("system {system} names no network that it may connect from")]
    NoNetworks { system: SystemId },
    #[error("the endpoint of system {system} cannot be used: {fault}")]
    Endpoint { system: SystemId, fault: EndpointFault },
    #[error("system {system} is {status:?}")]
    SystemStatus { system: SystemId, status: SystemStatus },
    #[error("system {system} lacks {what}, which goes to the regulator with the agreement")]
    NoConformity { system: SystemId, what: &'static str },
    #[error("{number} ends before it begins")]
    EmptyValidity { number: String },
    #[error("agreement {number} version {version} is {stage:?}")]
    Stage { number: AgreementNumber, version: u32, stage: Stage },
    #[error("agreement {number} version {found} cannot follow: {expected} is the next")]
    Version { number: AgreementNumber, expected: u32, found: u32 },
    #[error("agreement {number} version {version} is signed: a change is a new version")]
    SignedAlready { number: AgreementNumber, version: u32 },
    #[error("the document is no agreement: {0}")]
    Unreadable(String),
    #[error("the draft has {} problems", .0.len())]
    Draft(Vec<Problem>),
    #[error("the signature is for the {found:?}, and the signer's organisation {bin} is not theirs")]
    Stranger { found: Side, bin: Bin },
    #[error("the {0:?} has not signed")]
    Unsigned(Side),
    #[error("a reason is needed")]
    NoReason,
    #[error("data type {0}: {1}")]
    DataType(String, String),
}

/// Checks a command and says which events follow from it.
///
/// # Errors
/// [`CommandError`]: the actor may not, or it cannot be. Nothing has changed.
pub fn handle(
    registry: &Registry,
    command: Command,
    actor: &Actor,
    reason: &str,
    now: Timestamp,
) -> Result<Vec<Event>, CommandError> {
    if !rights::may(actor.role, &command) {
        return Err(CommandError::NotInRole { role: actor.role });
    }
    let check = Check { registry, actor, reason, now };
    let event = match command {
        Command::RegisterHolder(holder) => Event::HolderRegistered { holder },
        Command::RegisterOperator(operator) => {
            check.holder(operator.holder)?;
            Event::OperatorRegistered { operator }
        }
        Command::NameRegulator(bin) => {
            check.holder(bin)?;
            if registry.regulator().is_some() {
                return Err(CommandError::Exists { what: "the regulator".into() });
            }
            Event::RegulatorNamed { bin }
        }
        Command::RecordAct(act) => {
            if registry.act(&act.id, &act.version).is_some() {
                return Err(CommandError::Exists { what: format!("act {} {}", act.id, act.version) });
            }
            Event::ActRecorded { act }
        }
        Command::RepealAct { act, version, last_day, successor } => {
            if registry.act(&act, &version).is_none() {
                return Err(CommandError::Unknown { what: format!("act {act} {version}") });
            }
            Event::ActRepealed { act, version, last_day, successor }
        }
        Command::RegisterSystem { card, code } => {
            if registry.system(&card.id).is_some() {
                return Err(CommandError::Exists { what: format!("system {}", card.id) });
            }
            if registry.systems().any(|other| other.code == code) {
                return Err(CommandError::Exists { what: format!("code {code}") });
            }
            check.holder(card.holder)?;
            check.holder(card.owner)?;
            let missing = card.missing_documents();
            if !missing.is_empty() {
                return Err(CommandError::Incomplete { system: card.id, missing });
            }
            if card.networks.is_empty() {
                return Err(CommandError::NoNetworks { system: card.id });
            }
            dialled(&card.id, card.endpoint.as_ref())?;
            Event::SystemRegistered { card, code }
        }
        Command::UpdateSystem { system, networks, endpoint } => {
            check.live(&system)?;
            if networks.as_ref().is_some_and(Vec::is_empty) {
                return Err(CommandError::NoNetworks { system });
            }
            dialled(&system, endpoint.as_ref())?;
            Event::SystemUpdated { system, networks, endpoint }
        }
        Command::SuspendSystem(system) => {
            check.status(&system, SystemStatus::Registered)?;
            check.reasoned()?;
            Event::SystemSuspended { system }
        }
        Command::ResumeSystem(system) => {
            check.status(&system, SystemStatus::Suspended)?;
            Event::SystemResumed { system }
        }
        Command::DecommissionSystem(system) => {
            check.live(&system)?;
            check.reasoned()?;
            Event::SystemDecommissioned { system }
        }
        Command::EnterProduction { system, act } => {
            let known = check.live(&system)?;
            if known.card.phase == crate::Phase::Production || act.kind != DocumentKind::ProductionAct {
                return Err(CommandError::Incomplete { system, missing: vec![DocumentKind::ProductionAct] });
            }
            Event::ProductionEntered { system, act }
        }
        Command::RecordAttestation { system, conformity } => {
            check.live(&system)?;
            valid(&conformity)?;
            Event::AttestationRecorded { system, conformity }
        }
        Command::WithdrawAttestation(system) => {
            let known = check.system(&system)?;
            check.held(known.attestation.as_ref(), &system, "an attestation")?;
            Event::AttestationWithdrawn { system }
        }
        Command::RecordQualityCertificate { system, conformity } => {
            check.live(&system)?;
            valid(&conformity)?;
            Event::QualityCertificateRecorded { system, conformity }
        }
        Command::WithdrawQualityCertificate(system) => {
            let known = check.system(&system)?;
            check.held(known.quality_certificate.as_ref(), &system, "a quality certificate")?;
            Event::QualityCertificateWithdrawn { system }
        }
        Command::BindCertificate { system, certificate } => {
            check.live(&system)?;
            if let Some(other) = registry.bound_to(&certificate.fingerprint) {
                return Err(CommandError::Exists {
                    what: format!("certificate {} of {other}", certificate.fingerprint),
                });
            }
            Event::CertificateBound { system, certificate }
        }
        Command::UnbindCertificate(certificate) => {
            let system = registry.bound_to(&certificate).cloned();
            let system =
                system.ok_or_else(|| CommandError::Unknown { what: format!("certificate {certificate}") })?;
            check.reasoned()?;
            Event::CertificateUnbound { system, certificate }
        }
        Command::PublishDataType(data_type) => {
            check.publishable(&data_type)?;
            Event::DataTypePublished { data_type }
        }
        Command::Categorise { provider, data_type, category } => {
            check.own(&provider)?;
            if registry.category(&provider, &data_type).is_none() {
                return Err(CommandError::Unknown { what: format!("data type {provider}/{data_type}") });
            }
            Event::DataTypeCategorised { provider, data_type, category }
        }
        Command::DraftAgreement { document } => {
            check.draft(&document)?;
            Event::AgreementDrafted { document }
        }
        Command::SignAgreement { number, version, signature } => {
            let agreement = check.agreement(&number, version, &[Stage::Draft])?;
            check.signable(agreement)?;
            check.signer(agreement, &signature, &[Side::Consumer, Side::Provider])?;
            let same = |known: &Signature| {
                known.side == signature.side && known.certificate == signature.certificate
            };
            if agreement.signatures.iter().any(same) {
                return Err(CommandError::Exists { what: format!("signature of {}", signature.signer) });
            }
            Event::AgreementSigned { number, version, signature }
        }
        Command::SubmitAgreement { number, version } => {
            let agreement = check.agreement(&number, version, &[Stage::Draft])?;
            check.party(agreement)?;
            let conformity = check.submittable(agreement)?;
            Event::AgreementSubmitted { number, version, conformity }
        }
        Command::ConcurInAgreement { number, version, signature, remarks } => {
            let agreement = check.agreement(&number, version, &[Stage::Submitted])?;
            check.signer(agreement, &signature, &[Side::Regulator])?;
            check.not_overtaken(&number, version)?;
            let mut events: Vec<Event> = registry
                .versions(&number)
                .filter(|other| matches!(other.stage, Stage::Concurred | Stage::Suspended))
                .map(|old| Event::AgreementSuperseded { number: number.clone(), version: old.header.version })
                .collect();
            events.push(Event::AgreementConcurred { number, version, signature, remarks });
            return Ok(events);
        }
        Command::RefuseAgreement { number, version } => {
            check.agreement(&number, version, &[Stage::Submitted])?;
            check.reasoned()?;
            Event::AgreementRefused { number, version }
        }
        Command::SuspendAgreement { number, version } => {
            check.party(check.agreement(&number, version, &[Stage::Concurred])?)?;
            check.reasoned()?;
            Event::AgreementSuspended { number, version }
        }
        Command::ResumeAgreement { number, version } => {
            let agreement = check.agreement(&number, version, &[Stage::Suspended])?;
            check.party(agreement)?;
            check.resumable(agreement)?;
            Event::AgreementResumed { number, version }
        }
        Command::TerminateAgreement { number, version } => {
            check.party(check.agreement(&number, version, &[Stage::Concurred, Stage::Suspended])?)?;
            check.reasoned()?;
            Event::AgreementTerminated { number, version }
        }
        Command::ApproveUsers { number, users } => {
            let newest = registry.versions(&number).last();
            let agreement =
                newest.ok_or_else(|| CommandError::Unknown { what: format!("agreement {number}") })?;
            check.own(&agreement.header.consumer)?;
            for (at, user) in users.iter().enumerate() {
                if users[..at].iter().any(|earlier| earlier.id == user.id) {
                    return Err(CommandError::Exists { what: format!("official {}", user.id.as_str()) });
                }
            }
            Event::UsersApproved { number, users }
        }
    };
    Ok(vec![event])
}

struct Check<'a> {
    registry: &'a Registry,
    actor: &'a Actor,
    reason: &'a str,
    now: Timestamp,
}

impl<'a> Check<'a> {
    fn holder(&self, bin: Bin) -> Result<(), CommandError> {
        match self.registry.holder(bin) {
            Some(_) => Ok(()),
            None => Err(CommandError::Unknown { what: format!("organisation {bin}") }),
        }
    }

    fn system(&self, id: &SystemId) -> Result<&'a System, CommandError> {
        self.registry.system(id).ok_or_else(|| CommandError::Unknown { what: format!("system {id}") })
    }

    fn live(&self, id: &SystemId) -> Result<&'a System, CommandError> {
        let system = self.system(id)?;
        match system.status {
            SystemStatus::Registered | SystemStatus::Suspended => Ok(system),
            SystemStatus::Decommissioned => {
                Err(CommandError::SystemStatus { system: id.clone(), status: system.status })
            }
        }
    }

    fn status(&self, id: &SystemId, wanted: SystemStatus) -> Result<(), CommandError> {
        let system = self.system(id)?;
        if system.status == wanted {
            Ok(())
        } else {
            Err(CommandError::SystemStatus { system: id.clone(), status: system.status })
        }
    }

    fn held(
        &self,
        conformity: Option<&Conformity>,
        system: &SystemId,
        what: &'static str,
    ) -> Result<(), CommandError> {
        self.reasoned()?;
        match conformity {
            Some(held) if held.withdrawn.is_none() => Ok(()),
            _ => Err(CommandError::NoConformity { system: system.clone(), what }),
        }
    }

    fn reasoned(&self) -> Result<(), CommandError> {
        if self.reason.trim().is_empty() { Err(CommandError::NoReason) } else { Ok(()) }
    }

    /// Officers act only for their own organisation; the other roles act for all.
    fn own(&self, id: &SystemId) -> Result<(), CommandError> {
        let owner = self.system(id)?.card.holder;
        if self.actor.role == Role::HolderOfficer && self.actor.holder != owner {
            return Err(CommandError::NotYours { owner, actor: self.actor.holder });
        }
        Ok(())
    }

    fn party(&self, agreement: &Agreement) -> Result<(), CommandError> {
        self.own(&agreement.header.consumer).or_else(|_| self.own(&agreement.header.provider))
    }

    fn agreement(
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

    fn publishable(&self, data_type: &DataType) -> Result<(), CommandError> {
        self.own(&data_type.provider)?;
        let wrong = |why: &str| Err(CommandError::DataType(data_type.id.to_string(), why.to_owned()));
        let newest = self
            .registry
            .published(&data_type.provider, &data_type.id)
            .and_then(|published| published.versions.keys().last().copied())
            .unwrap_or(0);
        if data_type.version != newest + 1 {
            return wrong(&format!("version {} is the next", newest + 1));
        }
        if data_type.operations.is_empty() {
            return wrong("it has no operation");
        }
        for (at, operation) in data_type.operations.iter().enumerate() {
            if data_type.operations[..at].iter().any(|earlier| earlier.id == operation.id) {
                return wrong(&format!("operation {} stands twice", operation.id));
            }
            // D4: the record names the subject by a keyed hash, which it takes from there.
            let named = match &operation.subject {
                None => true,
                Some(SubjectPlace::Path(name)) => operation.path.has_place(name),
                Some(SubjectPlace::Query(name)) => operation.query.iter().any(|one| one.name == *name),
            };
            if !named {
                return wrong(&format!("operation {} names its subject nowhere", operation.id));
            }
            for payload in [&operation.request, &operation.response].into_iter().flatten() {
                if payload.max_bytes > 8 << 20 {
                    return wrong(
                        "a JSON payload of more than 8 MiB would hold up all others while it is validated",
                    );
                }
            }
        }
        Ok(())
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
                    held.withdrawn.is_none() && (held.valid_from..=held.valid_until).contains(&today)
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

fn dialled(system: &SystemId, endpoint: Option<&Endpoint>) -> Result<(), CommandError> {
    let judged = endpoint.map_or(Ok(()), Endpoint::check);
    judged.map_err(|fault| CommandError::Endpoint { system: system.clone(), fault })
}

fn valid(conformity: &Conformity) -> Result<(), CommandError> {
    if conformity.valid_until < conformity.valid_from {
        return Err(CommandError::EmptyValidity { number: conformity.number.clone() });
    }
    Ok(())
}

//! The registry: what all events so far add up to.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Act, ActId, Actor, AgreementNumber, AgreementText, Bin, Category, DataType, DataTypeId, Event,
    Fingerprint, Holder, ListedUser, Operator, OperatorId, Phase, Recorded, Signature, Stage, System,
    SystemId, SystemStatus,
};

/// Everything that is registered. Changed only by [`Registry::apply`].
#[derive(Debug, Clone, Default)]
pub struct Registry {
    revision: u64,
    regulator: Option<Bin>,
    holders: BTreeMap<Bin, Holder>,
    operators: BTreeMap<OperatorId, Operator>,
    acts: BTreeMap<(ActId, String), Act>,
    systems: BTreeMap<SystemId, System>,
    certificates: BTreeMap<Fingerprint, SystemId>,
    data_types: BTreeMap<(SystemId, DataTypeId), Published>,
    agreements: BTreeMap<(AgreementNumber, u32), Agreement>,
    users: BTreeMap<AgreementNumber, Vec<ListedUser>>,
}

/// A data type with all its versions.
#[derive(Debug, Clone)]
pub struct Published {
    /// Its category now, for all versions: a new version can raise it, only its holder's decision lowers it.
    pub category: Category,
    /// Its versions.
    pub versions: BTreeMap<u32, Arc<DataType>>,
}

/// A version of an agreement with what happened to it.
#[derive(Debug, Clone, Serialize)]
pub struct Agreement {
    /// Its canonical form (RFC 8785): the bytes that are signed.
    pub document: Arc<str>,
    /// The systems it binds.
    pub header: Header,
    /// Its typed form, from its first signature on.
    pub text: Option<Arc<AgreementText>>,
    /// Where it stands.
    pub stage: Stage,
    /// Its signatures, in the order in which they came.
    pub signatures: Vec<Signature>,
    /// The regulator's remarks.
    pub remarks: Vec<String>,
    /// Attestations and quality certificates as attached at submission.
    pub conformity: Vec<String>,
    /// Each step: when, who, why.
    pub history: Vec<Step>,
}

/// What every draft must at least say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Its number.
    pub number: AgreementNumber,
    /// Its version.
    pub version: u32,
    /// The system that asks.
    pub consumer: SystemId,
    /// The system that answers.
    pub provider: SystemId,
}

/// A step in an agreement's life (B9).
#[derive(Debug, Clone, Serialize)]
pub struct Step {
    /// Where it led.
    pub stage: Stage,
    /// When.
    pub at: Timestamp,
    /// Who took it.
    pub actor: Actor,
    /// Why.
    pub reason: String,
}

/// An event that cannot follow on what came before: the store was changed behind the program's back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutOfStep {
    /// An event's number is not the next one.
    #[error("event {found} came where {expected} was due")]
    Sequence {
        /// The number due.
        expected: u64,
        /// The number found.
        found: u64,
    },
    /// An event speaks of something that was never registered, or binds what is bound.
    #[error("event {0} does not follow from what is in the registry")]
    Unknown(u64),
}

impl Registry {
    /// Takes in the next event.
    ///
    /// # Errors
    /// [`OutOfStep`] if it cannot be the next one; nothing has changed then, but for a registry that is not to be
    /// used any more.
    pub fn apply(&mut self, recorded: &Recorded) -> Result<(), OutOfStep> {
        let expected = self.revision + 1;
        if recorded.sequence != expected {
            return Err(OutOfStep::Sequence { expected, found: recorded.sequence });
        }
        self.fold(recorded).ok_or(OutOfStep::Unknown(recorded.sequence))?;
        self.revision = expected;
        Ok(())
    }

    fn fold(&mut self, recorded: &Recorded) -> Option<()> {
        match &recorded.event {
            Event::HolderRegistered { holder } => drop(self.holders.insert(holder.bin, holder.clone())),
            Event::OperatorRegistered { operator } => {
                self.operators.insert(operator.id.clone(), operator.clone());
            }
            Event::RegulatorNamed { bin } => self.regulator = Some(*bin),
            Event::ActRecorded { act } => {
                self.acts.insert((act.id.clone(), act.version.clone()), act.clone());
            }
            Event::ActRepealed { act, version, last_day, successor } => {
                let act = self.acts.get_mut(&(act.clone(), version.clone()))?;
                act.in_force_until = Some(*last_day);
                act.successor.clone_from(successor);
            }
            Event::SystemRegistered { card, code } => {
                let system = System {
                    card: card.clone(),
                    code: code.clone(),
                    status: SystemStatus::Registered,
                    attestation: None,
                    quality_certificate: None,
                    certificates: Vec::new(),
                };
                self.systems.insert(card.id.clone(), system);
            }
            Event::SystemUpdated { system, networks, endpoint } => {
                let card = &mut self.systems.get_mut(system)?.card;
                if let Some(networks) = networks {
                    card.networks.clone_from(networks);
                }
                if let Some(endpoint) = endpoint {
                    card.endpoint = Some(endpoint.clone());
                }
            }
            Event::SystemSuspended { system } => {
                self.systems.get_mut(system)?.status = SystemStatus::Suspended;
            }
            Event::SystemResumed { system } => {
                self.systems.get_mut(system)?.status = SystemStatus::Registered;
            }
            Event::SystemDecommissioned { system } => {
                self.systems.get_mut(system)?.status = SystemStatus::Decommissioned;
            }
            Event::ProductionEntered { system, act } => {
                let card = &mut self.systems.get_mut(system)?.card;
                card.phase = Phase::Production;
                card.documents.push(act.clone());
            }
            Event::AttestationRecorded { system, conformity } => {
                self.systems.get_mut(system)?.attestation = Some(conformity.clone());
            }
            Event::AttestationWithdrawn { system } => {
                self.systems.get_mut(system)?.attestation.as_mut()?.withdrawn = Some(recorded.at);
            }
            Event::QualityCertificateRecorded { system, conformity } => {
                self.systems.get_mut(system)?.quality_certificate = Some(conformity.clone());
            }
            Event::QualityCertificateWithdrawn { system } => {
                self.systems.get_mut(system)?.quality_certificate.as_mut()?.withdrawn = Some(recorded.at);
            }
            Event::CertificateBound { system, certificate } => {
                let bound = &mut self.systems.get_mut(system)?.certificates;
                // A6: a certificate says who asks, so it is one system's.
                if self.certificates.contains_key(&certificate.fingerprint) {
                    return None;
                }
                bound.push(certificate.clone());
                self.certificates.insert(certificate.fingerprint, system.clone());
            }
            Event::CertificateUnbound { system, certificate } => {
                if self.certificates.get(certificate) != Some(system) {
                    return None;
                }
                let bound = &mut self.systems.get_mut(system)?.certificates;
                bound.retain(|known| known.fingerprint != *certificate);
                self.certificates.remove(certificate);
            }
            Event::DataTypePublished { data_type } => {
                let key = (data_type.provider.clone(), data_type.id.clone());
                let published = self
                    .data_types
                    .entry(key)
                    .or_insert_with(|| Published { category: data_type.category, versions: BTreeMap::new() });
                // Interaction 4: a new version does not lower what the holder has set; only Categorise does.
                published.category = published.category.max(data_type.category);
                published.versions.insert(data_type.version, Arc::new(data_type.clone()));
            }
            Event::DataTypeCategorised { provider, data_type, category } => {
                self.data_types.get_mut(&(provider.clone(), data_type.clone()))?.category = *category;
            }
            Event::AgreementDrafted { document } => self.draft(document, recorded)?,
            Event::AgreementSigned { number, version, signature } => {
                let agreement = self.agreements.get_mut(&(number.clone(), *version))?;
                agreement.text = Some(serde_json::from_str(&agreement.document).ok().map(Arc::new)?);
                agreement.signatures.push(signature.clone());
            }
            Event::AgreementSubmitted { number, version, conformity } => {
                let agreement = self.step(number, *version, Stage::Submitted, recorded)?;
                agreement.conformity.clone_from(conformity);
            }
            Event::AgreementConcurred { number, version, signature, remarks } => {
                let agreement = self.step(number, *version, Stage::Concurred, recorded)?;
                agreement.signatures.push(signature.clone());
                agreement.remarks.clone_from(remarks);
            }
            Event::AgreementRefused { number, version } => {
                self.step(number, *version, Stage::Refused, recorded)?;
            }
            Event::AgreementSuspended { number, version } => {
                self.step(number, *version, Stage::Suspended, recorded)?;
            }
            Event::AgreementResumed { number, version } => {
                self.step(number, *version, Stage::Concurred, recorded)?;
            }
            Event::AgreementTerminated { number, version } => {
                self.step(number, *version, Stage::Terminated, recorded)?;
            }
            Event::AgreementSuperseded { number, version } => {
                self.step(number, *version, Stage::Superseded, recorded)?;
            }
            Event::UsersApproved { number, users } => {
                self.users.insert(number.clone(), users.clone());
            }
        }
        Some(())
    }

    fn draft(&mut self, document: &str, recorded: &Recorded) -> Option<()> {
        let header: Header = serde_json::from_str(document).ok()?;
        let agreement = Agreement {
            document: document.into(),
            text: None,
            stage: Stage::Draft,
            signatures: Vec::new(),
            remarks: Vec::new(),
            conformity: Vec::new(),
            history: Vec::new(),
            header: header.clone(),
        };
        self.agreements.insert((header.number.clone(), header.version), agreement);
        self.step(&header.number, header.version, Stage::Draft, recorded).map(drop)
    }

    fn step(
        &mut self,
        number: &AgreementNumber,
        version: u32,
        stage: Stage,
        recorded: &Recorded,
    ) -> Option<&mut Agreement> {
        let agreement = self.agreements.get_mut(&(number.clone(), version))?;
        agreement.stage = stage.clone();
        let (actor, reason) = (recorded.actor.clone(), recorded.reason.clone());
        agreement.history.push(Step { stage, at: recorded.at, actor, reason });
        Some(agreement)
    }

    /// The number of the newest event taken in; 0 before the first.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The organisation that is the regulator.
    pub fn regulator(&self) -> Option<Bin> {
        self.regulator
    }

    /// An organisation.
    pub fn holder(&self, bin: Bin) -> Option<&Holder> {
        self.holders.get(&bin)
    }

    /// All organisations.
    pub fn holders(&self) -> impl Iterator<Item = &Holder> {
        self.holders.values()
    }

    /// An operator.
    pub fn operator(&self, id: &OperatorId) -> Option<&Operator> {
        self.operators.get(id)
    }

    /// All operators.
    pub fn operators(&self) -> impl Iterator<Item = &Operator> {
        self.operators.values()
    }

    /// A version of an act.
    pub fn act(&self, id: &ActId, version: &str) -> Option<&Act> {
        self.acts.get(&(id.clone(), version.to_owned()))
    }

    /// All versions of all acts.
    pub fn acts(&self) -> impl Iterator<Item = &Act> {
        self.acts.values()
    }

    /// A system.
    pub fn system(&self, id: &SystemId) -> Option<&System> {
        self.systems.get(id)
    }

    /// All systems.
    pub fn systems(&self) -> impl Iterator<Item = &System> {
        self.systems.values()
    }

    /// The system to which a certificate is bound.
    pub fn bound_to(&self, certificate: &Fingerprint) -> Option<&SystemId> {
        self.certificates.get(certificate)
    }

    /// A version of a data type.
    pub fn data_type(&self, provider: &SystemId, id: &DataTypeId, version: u32) -> Option<&Arc<DataType>> {
        self.published(provider, id)?.versions.get(&version)
    }

    /// A data type with all its versions.
    pub fn published(&self, provider: &SystemId, id: &DataTypeId) -> Option<&Published> {
        self.data_types.get(&(provider.clone(), id.clone()))
    }

    /// All data types.
    pub fn data_types(&self) -> impl Iterator<Item = (&(SystemId, DataTypeId), &Published)> {
        self.data_types.iter()
    }

    /// A data type's category now.
    pub fn category(&self, provider: &SystemId, id: &DataTypeId) -> Option<Category> {
        Some(self.published(provider, id)?.category)
    }

    /// A version of an agreement.
    pub fn agreement(&self, number: &AgreementNumber, version: u32) -> Option<&Agreement> {
        self.agreements.get(&(number.clone(), version))
    }

    /// All versions of one agreement, oldest first.
    pub fn versions(&self, number: &AgreementNumber) -> impl Iterator<Item = &Agreement> {
        self.agreements
            .range((number.clone(), 0)..=(number.clone(), u32::MAX))
            .map(|(_, agreement)| agreement)
    }

    /// All versions of all agreements.
    pub fn agreements(&self) -> impl Iterator<Item = &Agreement> {
        self.agreements.values()
    }

    /// The officials who may ask under an agreement.
    pub fn users(&self, number: &AgreementNumber) -> &[ListedUser] {
        self.users.get(number).map_or(&[], Vec::as_slice)
    }
}

//! What is to be checked, taken from the registry: so that nothing of it is held while the line is looked at.

use std::sync::Arc;

use agreements::{
    AgreementNumber, AgreementText, BoundCertificate, Command, DataType, Endpoint, Means, OperationId,
    ReadinessCheck, Registry, Stage, failed,
};

/// An agreement's systems, as they are registered at a revision.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The agreement.
    pub number: AgreementNumber,
    /// Its version.
    pub version: u32,
    /// The registry's revision: what changes after it, the check does not cover.
    pub revision: u64,
    /// What is bound to the consumer.
    pub consumer_certificates: Vec<BoundCertificate>,
    text: Arc<AgreementText>,
    pub(super) provider_certificates: Vec<BoundCertificate>,
    pub(super) endpoint: Option<Endpoint>,
    pub(super) grants: Vec<Granted>,
}

/// A data type, and the operations of it that the agreement allows.
#[derive(Debug, Clone)]
pub(super) struct Granted {
    pub(super) data_type: Arc<DataType>,
    pub(super) operations: Vec<OperationId>,
}

/// Why nothing can be checked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unplannable {
    /// There is no such version.
    #[error("no agreement {0} version {1}")]
    Unknown(AgreementNumber, u32),
    /// Not signed, or over.
    #[error(
        "{0} version {1} is not submitted, agreed or suspended: there is nothing to check yet, or no more"
    )]
    Stage(AgreementNumber, u32),
    /// A system or a data type that it names is not registered.
    #[error("{0} is not registered")]
    Unregistered(String),
}

impl Plan {
    /// The plan for a version of an agreement.
    ///
    /// # Errors
    /// [`Unplannable`]: the record of a check would be refused, so none is made.
    pub fn of(registry: &Registry, number: &AgreementNumber, version: u32) -> Result<Self, Unplannable> {
        let known = registry.agreement(number, version);
        let agreement = known.ok_or_else(|| Unplannable::Unknown(number.clone(), version))?;
        let stage = || Unplannable::Stage(number.clone(), version);
        if !matches!(agreement.stage, Stage::Submitted | Stage::Concurred | Stage::Suspended) {
            return Err(stage());
        }
        let text = agreement.text.as_ref().ok_or_else(stage)?;
        let system =
            |id| registry.system(id).ok_or_else(|| Unplannable::Unregistered(format!("system {id}")));
        let (consumer, provider) = (system(&text.consumer)?, system(&text.provider)?);
        let grants = text.data.iter().map(|grant| {
            let known = registry.data_type(&text.provider, &grant.data_type, grant.version).cloned();
            let missing = || Unplannable::Unregistered(format!("data type {}", grant.data_type));
            Ok(Granted { data_type: known.ok_or_else(missing)?, operations: grant.operations.clone() })
        });
        Ok(Self {
            number: number.clone(),
            version,
            revision: registry.revision(),
            text: Arc::clone(text),
            consumer_certificates: consumer.certificates.clone(),
            provider_certificates: provider.certificates.clone(),
            endpoint: provider.card.endpoint.clone(),
            grants: grants.collect::<Result<_, _>>()?,
        })
    }

    /// The command that records what was measured.
    pub fn record(&self, checks: Vec<ReadinessCheck>) -> Command {
        Command::RecordReadiness {
            number: self.number.clone(),
            version: self.version,
            revision: self.revision,
            means: Means::Measured,
            checks,
        }
    }

    /// Whether transfer may follow what was measured.
    pub fn passes(&self, checks: &[ReadinessCheck]) -> bool {
        failed(checks, Some(Means::Measured), &self.text).is_none()
    }
}

//! Systems: registration, standing, papers and certificates.

use ipnet::IpNet;

use super::{Check, CommandError};
use crate::{
    BoundCertificate, Conformity, Document, DocumentKind, Endpoint, Event, Filed, Fingerprint, Outcome,
    Phase, Subject, System, SystemCard, SystemId, SystemStatus,
};

impl Check<'_> {
    pub(super) fn register_system(
        &self,
        card: SystemCard,
        code: Option<String>,
    ) -> Result<Event, CommandError> {
        if self.registry.system(&card.id).is_some() {
            return Err(CommandError::Exists { what: format!("system {}", card.id) });
        }
        let code = code.unwrap_or_else(|| self.next_system_code(card.ownership));
        self.free_code(&code)?;
        if let Some(Filed { outcome: Outcome::Pending, number, .. }) =
            self.registry.newest_application(&Subject::System(card.id.clone()))
        {
            return Err(CommandError::Exists {
                what: format!("application {number} for system {}", card.id),
            });
        }
        self.holder(card.holder)?;
        self.holder(card.owner)?;
        let missing = card.missing_documents();
        if !missing.is_empty() {
            return Err(CommandError::Incomplete { system: card.id, missing });
        }
        if card.networks.is_empty() {
            return Err(CommandError::NoNetworks { system: card.id });
        }
        dialled(&card.id, card.endpoint.as_ref())?;
        Ok(Event::SystemRegistered { card, code })
    }

    pub(super) fn update_system(
        &self,
        system: SystemId,
        networks: Option<Vec<IpNet>>,
        endpoint: Option<Endpoint>,
    ) -> Result<Event, CommandError> {
        self.live(&system)?;
        if networks.as_ref().is_some_and(Vec::is_empty) {
            return Err(CommandError::NoNetworks { system });
        }
        dialled(&system, endpoint.as_ref())?;
        Ok(Event::SystemUpdated { system, networks, endpoint })
    }

    pub(super) fn suspend_system(&self, system: SystemId) -> Result<Event, CommandError> {
        self.status(&system, SystemStatus::Registered)?;
        Ok(Event::SystemSuspended { system })
    }

    pub(super) fn resume_system(&self, system: SystemId) -> Result<Event, CommandError> {
        self.status(&system, SystemStatus::Suspended)?;
        Ok(Event::SystemResumed { system })
    }

    pub(super) fn decommission_system(&self, system: SystemId) -> Result<Event, CommandError> {
        self.live(&system)?;
        Ok(Event::SystemDecommissioned { system })
    }

    pub(super) fn enter_production(&self, system: SystemId, act: Document) -> Result<Event, CommandError> {
        let known = self.live(&system)?;
        if known.card.phase == Phase::Production || act.kind != DocumentKind::ProductionAct {
            return Err(CommandError::Incomplete { system, missing: vec![DocumentKind::ProductionAct] });
        }
        Ok(Event::ProductionEntered { system, act })
    }

    pub(super) fn record_attestation(
        &self,
        system: SystemId,
        conformity: Conformity,
    ) -> Result<Event, CommandError> {
        self.not_its_registrar(self.live(&system)?)?;
        valid(&conformity)?;
        Ok(Event::AttestationRecorded { system, conformity })
    }

    pub(super) fn withdraw_attestation(&self, system: SystemId) -> Result<Event, CommandError> {
        let known = self.system(&system)?;
        self.held(known.attestation.as_ref(), &system, "an attestation")?;
        Ok(Event::AttestationWithdrawn { system })
    }

    pub(super) fn record_quality_certificate(
        &self,
        system: SystemId,
        conformity: Conformity,
    ) -> Result<Event, CommandError> {
        self.not_its_registrar(self.live(&system)?)?;
        valid(&conformity)?;
        Ok(Event::QualityCertificateRecorded { system, conformity })
    }

    pub(super) fn withdraw_quality_certificate(&self, system: SystemId) -> Result<Event, CommandError> {
        let known = self.system(&system)?;
        self.held(known.quality_certificate.as_ref(), &system, "a quality certificate")?;
        Ok(Event::QualityCertificateWithdrawn { system })
    }

    pub(super) fn bind_certificate(
        &self,
        system: SystemId,
        certificate: BoundCertificate,
    ) -> Result<Event, CommandError> {
        self.live(&system)?;
        self.unbound(&certificate.fingerprint)?;
        Ok(Event::CertificateBound { system, certificate })
    }

    pub(super) fn unbind_certificate(&self, certificate: Fingerprint) -> Result<Event, CommandError> {
        let system = self.registry.bound_to(&certificate).cloned();
        let system =
            system.ok_or_else(|| CommandError::Unknown { what: format!("certificate {certificate}") })?;
        Ok(Event::CertificateUnbound { system, certificate })
    }

    /// E4: who registered a system alone, in one step, does not give it the papers without which it exchanges nothing.
    fn not_its_registrar(&self, system: &System) -> Result<(), CommandError> {
        let filed = system.dossier.application.and_then(|number| self.registry.application(number));
        let Some((filed, accepted)) = filed.and_then(|filed| Some((filed, filed.outcome.trace()?))) else {
            return Ok(());
        };
        if accepted.actor.id != filed.submitted.actor.id {
            return Ok(());
        }
        self.second_person(&accepted.actor, "registered this system alone")
    }
}

pub(super) fn dialled(system: &SystemId, endpoint: Option<&Endpoint>) -> Result<(), CommandError> {
    let judged = endpoint.map_or(Ok(()), Endpoint::check);
    judged.map_err(|fault| CommandError::Endpoint { system: system.clone(), fault })
}

fn valid(conformity: &Conformity) -> Result<(), CommandError> {
    if conformity.valid_until < conformity.valid_from {
        return Err(CommandError::EmptyValidity { number: conformity.number.clone() });
    }
    Ok(())
}

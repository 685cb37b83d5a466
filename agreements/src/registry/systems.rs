//! What events change in systems.

use std::sync::Arc;

use ipnet::IpNet;
use serde_json::json;

use super::Registry;
use crate::{
    BoundCertificate, Changed, Conformity, Document, EndOfOperation, Endpoint, EntryIntoOperation,
    Fingerprint, Paper, Phase, Recorded, Subject, System, SystemCard, SystemId, SystemStatus, Words, almaty,
};

impl Registry {
    pub(super) fn enter_system(&mut self, card: &SystemCard, code: &str, recorded: &Recorded) -> Option<()> {
        let dossier = Arc::new(self.dossier_of(card, code, recorded)?);
        let system = System {
            card: card.clone(),
            code: code.to_owned(),
            status: SystemStatus::Registered,
            attestation: None,
            quality_certificate: None,
            certificates: Vec::new(),
            dossier,
        };
        self.systems.insert(card.id.clone(), Arc::new(system));
        Some(())
    }

    pub(super) fn update(
        &mut self,
        id: &SystemId,
        networks: Option<&[IpNet]>,
        endpoint: Option<&Endpoint>,
        recorded: &Recorded,
    ) -> Option<()> {
        let card = &mut self.system_mut(id)?.card;
        let mut changes = Vec::new();
        if let Some(networks) = networks {
            let (old, new) = (json!(card.networks), json!(networks));
            changes.push(Changed { field: "networks".into(), old, new });
            card.networks = networks.to_vec();
        }
        if let Some(endpoint) = endpoint {
            let (old, new) = (json!(card.endpoint), json!(endpoint));
            changes.push(Changed { field: "endpoint".into(), old, new });
            card.endpoint = Some(endpoint.clone());
        }
        if changes.is_empty() {
            return Some(());
        }
        // HR 26.6: after a change both sides are to be found ready again.
        self.changed.insert(id.clone(), recorded.sequence);
        self.note_change(&Subject::System(id.clone()), changes, recorded)
    }

    pub(super) fn decommission(&mut self, id: &SystemId, recorded: &Recorded) -> Option<()> {
        let end = EndOfOperation {
            on: Some(recorded.at.to_zoned(almaty()).date()),
            why: Words::new(&recorded.reason).unwrap_or_default(),
            ..EndOfOperation::default()
        };
        self.end(&Subject::System(id.clone()), &end)
    }

    pub(super) fn enter_production(
        &mut self,
        id: &SystemId,
        act: &Document,
        recorded: &Recorded,
    ) -> Option<()> {
        let system = self.system_mut(id)?;
        system.card.phase = Phase::Production;
        system.card.documents.push(act.clone());
        let entry = EntryIntoOperation {
            phase: Some(Phase::Production),
            on: Some(recorded.at.to_zoned(almaty()).date()),
            act_number: Words::new(&act.title).unwrap_or_default(),
            document: Some(act.sha256.clone()),
        };
        Arc::make_mut(&mut system.dossier).information.entries_into_operation.push(entry);
        self.changed.insert(id.clone(), recorded.sequence);
        Some(())
    }

    /// A system, to be changed; books of before keep what it was.
    pub(super) fn system_mut(&mut self, id: &SystemId) -> Option<&mut System> {
        self.systems.get_mut(id).map(Arc::make_mut)
    }

    pub(super) fn paper_mut(&mut self, id: &SystemId, paper: Paper) -> Option<&mut Conformity> {
        let system = self.system_mut(id)?;
        match paper {
            Paper::Attestation => system.attestation.as_mut(),
            Paper::QualityCertificate => system.quality_certificate.as_mut(),
        }
    }

    pub(super) fn bind(
        &mut self,
        system: &SystemId,
        certificate: &BoundCertificate,
        recorded: &Recorded,
    ) -> Option<()> {
        // A6: a certificate says who asks, so it is one system's.
        if self.certificates.contains_key(&certificate.fingerprint) {
            return None;
        }
        self.system_mut(system)?.certificates.push(certificate.clone());
        self.certificates.insert(certificate.fingerprint, system.clone());
        // B5: who renews a certificate has changed the keys that both sides were found to have.
        self.changed.insert(system.clone(), recorded.sequence);
        Some(())
    }

    pub(super) fn unbind(&mut self, system: &SystemId, certificate: &Fingerprint) -> Option<()> {
        if self.certificates.get(certificate) != Some(system) {
            return None;
        }
        let bound = &mut self.system_mut(system)?.certificates;
        bound.retain(|known| known.fingerprint != *certificate);
        self.certificates.remove(certificate);
        Some(())
    }
}

//! What events change in systems.

use super::Registry;
use crate::{BoundCertificate, Fingerprint, System, SystemCard, SystemId, SystemStatus};

impl Registry {
    pub(super) fn enter_system(&mut self, card: &SystemCard, code: &str) {
        let system = System {
            card: card.clone(),
            code: code.to_owned(),
            status: SystemStatus::Registered,
            attestation: None,
            quality_certificate: None,
            certificates: Vec::new(),
        };
        self.systems.insert(card.id.clone(), system);
    }

    pub(super) fn bind(&mut self, system: &SystemId, certificate: &BoundCertificate) -> Option<()> {
        let bound = &mut self.systems.get_mut(system)?.certificates;
        // A6: a certificate says who asks, so it is one system's.
        if self.certificates.contains_key(&certificate.fingerprint) {
            return None;
        }
        bound.push(certificate.clone());
        self.certificates.insert(certificate.fingerprint, system.clone());
        Some(())
    }

    pub(super) fn unbind(&mut self, system: &SystemId, certificate: &Fingerprint) -> Option<()> {
        if self.certificates.get(certificate) != Some(system) {
            return None;
        }
        let bound = &mut self.systems.get_mut(system)?.certificates;
        bound.retain(|known| known.fingerprint != *certificate);
        self.certificates.remove(certificate);
        Some(())
    }
}

//! What events may have changed in a book.

use std::collections::BTreeSet;

use crate::{ActId, AgreementNumber, Event, PrescriptionNumber, SystemId};

/// What a book that follows on another one must look at again.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    pub(super) extent: Extent,
    /// Systems, each with all its agreements.
    pub(super) systems: BTreeSet<SystemId>,
    pub(super) agreements: BTreeSet<AgreementNumber>,
    /// Versions of acts, each with all agreements that stand on it.
    pub(super) acts: BTreeSet<(ActId, String)>,
    /// Prescriptions, each with whom it was and is against.
    pub(super) prescriptions: BTreeSet<PrescriptionNumber>,
}

/// Whether what changed is named.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Extent {
    /// It is.
    #[default]
    Named,
    /// It may be anything: the book is made anew.
    Anything,
}

impl Changes {
    /// Notes an event that the registry took in.
    pub fn note(&mut self, event: &Event) {
        match event {
            // No page says anything of these.
            Event::HolderRegistered { .. }
            | Event::OperatorRegistered { .. }
            | Event::AccessGranted { .. }
            | Event::AccessConfirmed { .. }
            | Event::ProtocolSigned { .. }
            | Event::TemplatePublished { .. }
            | Event::TemplateRecalled { .. }
            | Event::AccessRevoked { .. }
            | Event::ApplicationSubmitted { .. }
            | Event::ApplicationReturned { .. }
            | Event::ApplicationWithdrawn { .. } => {}
            Event::PrescriptionIssued { prescription, .. } => {
                self.prescriptions.insert(prescription.prescription.clone());
            }
            Event::PrescriptionLifted { lifting, .. } => {
                self.prescriptions.insert(lifting.lifts.clone());
            }
            Event::PaperSuspended { system, .. } | Event::PaperResumed { system, .. } => self.system(system),
            Event::ActRecorded { act } => self.act(&act.id, &act.version),
            Event::ActRepealed { act, version, .. } => self.act(act, version),
            Event::SystemRegistered { card, .. } => self.system(&card.id),
            Event::SystemUpdated { system, .. }
            | Event::SystemSuspended { system }
            | Event::SystemResumed { system }
            | Event::SystemDecommissioned { system }
            | Event::ProductionEntered { system, .. }
            | Event::AttestationRecorded { system, .. }
            | Event::AttestationWithdrawn { system }
            | Event::QualityCertificateRecorded { system, .. }
            | Event::QualityCertificateWithdrawn { system }
            | Event::CertificateBound { system, .. }
            | Event::CertificateUnbound { system, .. } => self.system(system),
            Event::DataTypePublished { data_type } => self.system(&data_type.provider),
            Event::DataTypeCategorised { provider, .. } => self.system(provider),
            Event::AgreementDrafted { document } => match serde_json::from_str(document) {
                Ok(crate::Header { number, .. }) => self.agreement(&number),
                Err(_) => self.extent = Extent::Anything,
            },
            Event::AgreementSigned { number, .. }
            | Event::AgreementSubmitted { number, .. }
            | Event::AgreementConcurred { number, .. }
            | Event::AgreementRefused { number, .. }
            | Event::AgreementRuled { ruling: crate::RulingText { agreement: number, .. }, .. }
            | Event::AgreementWithdrawn { number, .. }
            | Event::AgreementSuspended { number, .. }
            | Event::AgreementResumed { number, .. }
            | Event::AgreementTerminated { number, .. }
            | Event::AgreementSuperseded { number, .. }
            | Event::ReadinessRecorded { number, .. }
            | Event::UsersApproved { number, .. } => self.agreement(number),
            // Rare, and what it may change is not named here: slower, and right. A new kind of event starts here.
            _ => self.extent = Extent::Anything,
        }
    }

    /// Notes that an agreement is to be looked at again.
    pub fn agreement(&mut self, number: &AgreementNumber) {
        self.agreements.insert(number.clone());
    }

    /// Notes that anything may have changed.
    pub fn anything(&mut self) {
        self.extent = Extent::Anything;
    }

    fn system(&mut self, id: &SystemId) {
        self.systems.insert(id.clone());
    }

    fn act(&mut self, id: &ActId, version: &str) {
        self.acts.insert((id.clone(), version.to_owned()));
    }
}

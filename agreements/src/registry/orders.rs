//! What events change in delegations and prescriptions.

use jiff::Timestamp;

use super::Registry;
use crate::{
    AgreementNumber, ApprovedUsers, Bin, Delegated, Delegation, DelegationNumber, DelegationText,
    Prescription, PrescriptionNumber, PrescriptionText, Signature, SystemId,
};

impl Registry {
    pub(super) fn delegate(&mut self, text: &DelegationText, signature: &Signature, at: Timestamp) {
        let delegation =
            Delegation { text: text.clone(), signature: signature.clone(), recorded: at, revoked: None };
        self.delegations.insert(text.delegation.clone(), delegation);
    }

    pub(super) fn prescribe(&mut self, text: &PrescriptionText, signature: &Signature, at: Timestamp) {
        let prescription =
            Prescription { text: text.clone(), signature: signature.clone(), issued: at, lifted: None };
        self.prescriptions.insert(text.prescription.clone(), prescription);
    }

    /// A delegation.
    pub fn delegation(&self, number: &DelegationNumber) -> Option<&Delegation> {
        self.delegations.get(number)
    }

    /// All delegations.
    pub fn delegations(&self) -> impl Iterator<Item = &Delegation> {
        self.delegations.values()
    }

    /// A delegation by which the holder of a system has another body do something at a moment (A10).
    pub fn delegation_for(
        &self,
        system: &SystemId,
        delegate: Bin,
        what: Delegated,
        at: Timestamp,
    ) -> Option<&Delegation> {
        let holder = self.system(system)?.card.holder;
        self.delegations().find(|one| one.text.principal == holder && one.covers(delegate, what, system, at))
    }

    /// A prescription.
    pub fn prescription(&self, number: &PrescriptionNumber) -> Option<&Prescription> {
        self.prescriptions.get(number)
    }

    /// All prescriptions, lifted ones too.
    pub fn prescriptions(&self) -> impl Iterator<Item = &Prescription> {
        self.prescriptions.values()
    }

    /// The newest list of officials under an agreement, with its signature.
    pub fn user_list(&self, number: &AgreementNumber) -> Option<&ApprovedUsers> {
        self.users.get(number).map(|approved| &**approved)
    }

    /// The newest list of officials under each agreement.
    pub fn user_lists(&self) -> impl Iterator<Item = (&AgreementNumber, &ApprovedUsers)> {
        self.users.iter().map(|(number, approved)| (number, &**approved))
    }

    /// The system that asks under an agreement, in all its versions.
    pub fn consumer_of(&self, number: &AgreementNumber) -> Option<&SystemId> {
        self.versions(number).next().map(|first| &first.header.consumer)
    }
}

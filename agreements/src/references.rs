//! Which documents of the depositary things name, by digest (A7).

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    Accounted, Agreement, Application, Attachment, Command, Conformity, Correction, Delegation, Dossier,
    Registry, System,
};

/// The documents that a command names, by digest, and those that what it settles stands on: it is carried out only where
/// all of them are kept (A2, A4, A7).
pub fn documents_of(command: &Command, registry: &Registry) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    let mut name = |sha256: &str| {
        named.insert(sha256.to_owned());
    };
    match command {
        Command::SubmitApplication { application } => application.digests().for_each(&mut name),
        // Kept when it was submitted, unless it came before this was asked.
        Command::AcceptApplication { number, .. } => {
            let filed = registry.application(*number);
            filed.iter().flat_map(|filed| filed.application.digests()).for_each(&mut name);
        }
        Command::CorrectInformation { information, .. } => information.digests().for_each(&mut name),
        Command::FileDocument { document, .. } | Command::EnterProduction { act: document, .. } => {
            name(&document.sha256);
        }
        Command::EndOperation { end, .. } => end.document.iter().for_each(|one| name(one)),
        Command::RegisterSystem { card, .. } => card.documents.iter().for_each(|one| name(&one.sha256)),
        Command::RecordAttestation { conformity, .. }
        | Command::RecordQualityCertificate { conformity, .. } => {
            conformity.document.iter().for_each(|one| name(one));
        }
        Command::DraftAgreement { document } => attached(document).iter().for_each(|one| name(one)),
        Command::SubmitAgreement { number, version } => {
            let agreement = registry.agreement(number, *version);
            let document = agreement.map(|agreement| agreement.document.text());
            document.iter().flat_map(|document| attached(document)).for_each(|one| name(&one));
        }
        Command::SignProtocol { protocol, .. } => name(&protocol.document),
        Command::RecordDelegation { delegation, .. } => name(&delegation.document),

        Command::RegisterHolder { .. }
        | Command::RegisterOperator { .. }
        | Command::ConfirmOperator { .. }
        | Command::SuspendOperator { .. }
        | Command::ResumeOperator { .. }
        | Command::RemoveOperator { .. }
        | Command::NameRegulator { .. }
        | Command::BindOperatorCertificate { .. }
        | Command::UnbindOperatorCertificate { .. }
        | Command::GrantAccess { .. }
        | Command::ConfirmAccess { .. }
        | Command::RevokeAccess { .. }
        | Command::RecordAct { .. }
        | Command::RepealAct { .. }
        | Command::SetCalendarDay { .. }
        | Command::ClearCalendarDay { .. }
        | Command::SetYearlyHoliday { .. }
        | Command::SetTerm { .. }
        | Command::ReturnApplication { .. }
        | Command::WithdrawApplication { .. }
        | Command::ReportDiscovery { .. }
        | Command::NameResponsible { .. }
        | Command::MarkSignificance { .. }
        | Command::AssignAuthority { .. }
        | Command::SuspendPaper { .. }
        | Command::ResumePaper { .. }
        | Command::UpdateSystem { .. }
        | Command::SuspendSystem { .. }
        | Command::ResumeSystem { .. }
        | Command::DecommissionSystem { .. }
        | Command::WithdrawAttestation { .. }
        | Command::WithdrawQualityCertificate { .. }
        | Command::BindCertificate { .. }
        | Command::UnbindCertificate { .. }
        | Command::PublishDataType { .. }
        | Command::Categorise { .. }
        | Command::PublishTemplate { .. }
        | Command::RecallTemplate { .. }
        | Command::SignAgreement { .. }
        | Command::WithdrawAgreement { .. }
        | Command::ConcurInAgreement { .. }
        | Command::RuleOnAgreement { .. }
        | Command::SuspendAgreement { .. }
        | Command::ResumeAgreement { .. }
        | Command::TerminateAgreement { .. }
        | Command::RecordReadiness { .. }
        | Command::ApproveUsers { .. }
        | Command::RevokeDelegation { .. }
        | Command::IssuePrescription { .. }
        | Command::LiftPrescription { .. } => {}
    }
    named
}

/// The documents that a draft, which may lack anything, has attached.
fn attached(draft: &str) -> Vec<String> {
    let draft: Value = serde_json::from_str(draft).unwrap_or_default();
    let attachments = draft["attachments"].as_array();
    let named = |one: &Value| one["sha256"].as_str().map(str::to_owned);
    attachments.iter().flat_map(|all| all.iter()).filter_map(named).collect()
}

/// Something that may name documents.
pub(crate) trait Refers {
    /// Whether it names this one.
    fn refers_to(&self, sha256: &str) -> bool;
}

impl Refers for System {
    fn refers_to(&self, sha256: &str) -> bool {
        let papers = [&self.attestation, &self.quality_certificate].into_iter().flatten();
        papers.filter_map(|Conformity { document, .. }| document.as_deref()).any(|one| one == sha256)
            || self.card.documents.iter().any(|one| one.sha256 == sha256)
            || self.dossier.refers_to(sha256)
    }
}

impl Refers for Accounted {
    fn refers_to(&self, sha256: &str) -> bool {
        self.card.documents.iter().any(|one| one.sha256 == sha256) || self.dossier.refers_to(sha256)
    }
}

impl Refers for Dossier {
    fn refers_to(&self, sha256: &str) -> bool {
        let corrected = |one: &Correction| {
            one.changes.iter().any(|change| says(&change.old, sha256) || says(&change.new, sha256))
        };
        self.information.digests().any(|one| one == sha256)
            || self.superseded.iter().any(|one| one.document.sha256 == sha256)
            || self.ended.iter().any(|end| end.document.as_deref() == Some(sha256))
            || self.corrections.iter().any(corrected)
    }
}

impl Refers for Application {
    fn refers_to(&self, sha256: &str) -> bool {
        self.digests().any(|one| one == sha256)
    }
}

impl Refers for Agreement {
    fn refers_to(&self, sha256: &str) -> bool {
        let attached = |one: &Attachment| one.sha256 == sha256;
        let protocol = self.protocol.iter().any(|one| one.text.document == sha256);
        protocol
            || match &self.text {
                Some(text) => text.attachments.iter().any(attached),
                // A draft may lack anything, but is JSON.
                None => serde_json::from_str::<Value>(&self.document.text())
                    .is_ok_and(|draft| says(&draft["attachments"], sha256)),
            }
    }
}

impl Refers for Delegation {
    fn refers_to(&self, sha256: &str) -> bool {
        self.text.document == sha256
    }
}

/// Whether a value, however deep, is this text.
fn says(value: &Value, text: &str) -> bool {
    match value {
        Value::String(said) => said == text,
        Value::Array(all) => all.iter().any(|one| says(one, text)),
        Value::Object(all) => all.values().any(|one| says(one, text)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

//! Which commands say why (B9), by whichever face they come: one readable table.

use crate::CommandName;

/// Whether a command is carried out only with a reason: what changes what may pass or who may act, and each step of an
/// agreement from its signatures on.
pub(super) fn is_demanded(command: CommandName) -> bool {
    match command {
        CommandName::SuspendOperator
        | CommandName::ResumeOperator
        | CommandName::RemoveOperator
        | CommandName::UnbindOperatorCertificate
        | CommandName::RevokeAccess
        | CommandName::RepealAct
        | CommandName::RecallTemplate
        | CommandName::CorrectInformation
        | CommandName::MarkSignificance
        | CommandName::EndOperation
        | CommandName::UpdateSystem
        | CommandName::EnterProduction
        | CommandName::SuspendSystem
        | CommandName::ResumeSystem
        | CommandName::DecommissionSystem
        | CommandName::RecordAttestation
        | CommandName::WithdrawAttestation
        | CommandName::RecordQualityCertificate
        | CommandName::WithdrawQualityCertificate
        | CommandName::SuspendPaper
        | CommandName::ResumePaper
        | CommandName::BindCertificate
        | CommandName::UnbindCertificate
        | CommandName::Categorise
        | CommandName::SignAgreement
        | CommandName::SubmitAgreement
        | CommandName::WithdrawAgreement
        | CommandName::ConcurInAgreement
        | CommandName::SuspendAgreement
        | CommandName::ResumeAgreement
        | CommandName::TerminateAgreement
        | CommandName::RecordReadiness
        | CommandName::ApproveUsers
        | CommandName::RevokeDelegation => true,

        // What says why in itself, under its signature or by its documents.
        CommandName::SubmitApplication
        | CommandName::AcceptApplication
        | CommandName::ReturnApplication
        | CommandName::WithdrawApplication
        | CommandName::ReportDiscovery
        | CommandName::NameResponsible
        | CommandName::FileDocument
        | CommandName::RuleOnAgreement
        | CommandName::SignProtocol
        | CommandName::RecordDelegation
        | CommandName::IssuePrescription
        | CommandName::LiftPrescription => false,

        // What is entered, and lets nothing pass until something above is done.
        CommandName::RegisterHolder
        | CommandName::RegisterOperator
        | CommandName::ConfirmOperator
        | CommandName::NameRegulator
        | CommandName::BindOperatorCertificate
        | CommandName::GrantAccess
        | CommandName::ConfirmAccess
        | CommandName::RecordAct
        | CommandName::SetCalendarDay
        | CommandName::ClearCalendarDay
        | CommandName::SetYearlyHoliday
        | CommandName::SetTerm
        | CommandName::AssignAuthority
        | CommandName::RegisterSystem
        | CommandName::PublishDataType
        | CommandName::PublishTemplate
        | CommandName::DraftAgreement => false,
    }
}

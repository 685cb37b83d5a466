//! Who may issue which command (E4): one readable table.

use crate::Role::{self, Administrator, HolderOfficer, Regulator, ServiceIntegrator};
use crate::{Command, CommandName};

/// Whether a role may issue a command at all. Officers act besides only for their own organisation.
pub fn may(role: Role, command: &Command) -> bool {
    entitled(command.name()).contains(&role)
}

/// The roles that may issue a command.
pub fn entitled(command: CommandName) -> &'static [Role] {
    match command {
        CommandName::RegisterHolder => &[Administrator, ServiceIntegrator],
        CommandName::RegisterOperator | CommandName::NameRegulator => &[Administrator],
        CommandName::BindOperatorCertificate | CommandName::UnbindOperatorCertificate => &[Administrator],
        // Their own; the administrator, everybody's.
        CommandName::GrantAccess | CommandName::RevokeAccess => {
            &[Administrator, ServiceIntegrator, HolderOfficer, Regulator]
        }
        CommandName::RecordAct | CommandName::RepealAct => &[Regulator],
        CommandName::RegisterSystem
        | CommandName::UpdateSystem
        | CommandName::EnterProduction
        | CommandName::RecordAttestation
        | CommandName::RecordQualityCertificate
        | CommandName::ResumeSystem
        | CommandName::DecommissionSystem => &[ServiceIntegrator],
        CommandName::SuspendSystem
        | CommandName::WithdrawAttestation
        | CommandName::WithdrawQualityCertificate => &[ServiceIntegrator, Regulator],
        CommandName::BindCertificate | CommandName::UnbindCertificate => &[Administrator, ServiceIntegrator],
        CommandName::PublishDataType => &[HolderOfficer],
        CommandName::Categorise => &[HolderOfficer],
        CommandName::DraftAgreement
        | CommandName::SignAgreement
        | CommandName::SubmitAgreement
        | CommandName::ApproveUsers => &[HolderOfficer],
        // Two people where one must not suffice: who submits does not concur.
        CommandName::ConcurInAgreement | CommandName::RefuseAgreement => &[Regulator],
        // Neither side says of itself that it is ready.
        CommandName::RecordReadiness => &[Administrator, ServiceIntegrator],
        CommandName::SuspendAgreement | CommandName::ResumeAgreement | CommandName::TerminateAgreement => {
            &[HolderOfficer, Regulator]
        }
    }
}

//! Who may issue which command (E4): one readable table.

use crate::Command;
use crate::Role::{self, Administrator, HolderOfficer, Regulator, ServiceIntegrator};

/// Whether a role may issue a command at all. Officers act besides only for their own organisation.
pub fn may(role: Role, command: &Command) -> bool {
    entitled(command).contains(&role)
}

/// The roles that may issue a command.
pub fn entitled(command: &Command) -> &'static [Role] {
    match command {
        Command::RegisterHolder(_) => &[Administrator, ServiceIntegrator],
        Command::RegisterOperator(_) | Command::NameRegulator(_) => &[Administrator],
        Command::RecordAct(_) | Command::RepealAct { .. } => &[Regulator],
        Command::RegisterSystem { .. }
        | Command::UpdateSystem { .. }
        | Command::EnterProduction { .. }
        | Command::RecordAttestation { .. }
        | Command::RecordQualityCertificate { .. }
        | Command::ResumeSystem(_)
        | Command::DecommissionSystem(_) => &[ServiceIntegrator],
        Command::SuspendSystem(_)
        | Command::WithdrawAttestation(_)
        | Command::WithdrawQualityCertificate(_) => &[ServiceIntegrator, Regulator],
        Command::BindCertificate { .. } | Command::UnbindCertificate(_) => {
            &[Administrator, ServiceIntegrator]
        }
        Command::PublishDataType(_) => &[HolderOfficer],
        Command::Categorise { .. } => &[HolderOfficer],
        Command::DraftAgreement { .. }
        | Command::SignAgreement { .. }
        | Command::SubmitAgreement { .. }
        | Command::ApproveUsers { .. } => &[HolderOfficer],
        // Two people where one must not suffice: who submits does not concur.
        Command::ConcurInAgreement { .. } | Command::RefuseAgreement { .. } => &[Regulator],
        Command::SuspendAgreement { .. }
        | Command::ResumeAgreement { .. }
        | Command::TerminateAgreement { .. } => &[HolderOfficer, Regulator],
    }
}

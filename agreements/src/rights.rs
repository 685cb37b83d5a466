//! Who may issue which command (E4): one readable table.

use crate::Role::{
    self, Administrator, HolderOfficer, NationalOperator, RegionalOperator, Regulator, ResponsibleEmployee,
    SectorAuthority, ServiceIntegrator, TerritorialUnit,
};
use crate::{Command, CommandName};

/// Whether a role may issue a command at all. Officers act besides only for their own organisation.
pub fn may(role: Role, command: &Command) -> bool {
    entitled(command.name()).contains(&role)
}

/// The roles that may issue a command.
pub fn entitled(command: CommandName) -> &'static [Role] {
    match command {
        CommandName::RegisterHolder => &[Administrator, ServiceIntegrator],
        CommandName::RegisterOperator | CommandName::NameRegulator | CommandName::ResumeOperator => {
            &[Administrator]
        }
        // The regulator is the second person where all other administrators are suspended.
        CommandName::ConfirmOperator | CommandName::SuspendOperator | CommandName::RemoveOperator => {
            &[Administrator, Regulator]
        }
        CommandName::BindOperatorCertificate | CommandName::UnbindOperatorCertificate => &[Administrator],
        // Their own; the administrator, everybody's; the regulator confirms everybody's.
        CommandName::GrantAccess | CommandName::ConfirmAccess | CommandName::RevokeAccess => &Role::ALL,

        CommandName::RecordAct
        | CommandName::RepealAct
        | CommandName::SetTerm
        | CommandName::PublishTemplate
        | CommandName::RecallTemplate => &[Regulator],
        CommandName::SetCalendarDay | CommandName::ClearCalendarDay | CommandName::SetYearlyHoliday => {
            &[Administrator, Regulator, NationalOperator]
        }

        // Two people where one must not suffice: who submits does not register.
        CommandName::SubmitApplication | CommandName::WithdrawApplication => {
            &[HolderOfficer, RegionalOperator]
        }
        CommandName::AcceptApplication | CommandName::ReturnApplication => &[ServiceIntegrator],
        CommandName::NameResponsible => &[HolderOfficer, ServiceIntegrator, RegionalOperator],
        // Registration 12: of what they are responsible for, the employee too.
        CommandName::CorrectInformation | CommandName::FileDocument => {
            &[HolderOfficer, ServiceIntegrator, RegionalOperator, ResponsibleEmployee]
        }
        CommandName::ReportDiscovery => &[
            HolderOfficer,
            ServiceIntegrator,
            Regulator,
            RegionalOperator,
            SectorAuthority,
            TerritorialUnit,
            ResponsibleEmployee,
        ],
        CommandName::MarkSignificance => &[Regulator],
        CommandName::AssignAuthority => &[ServiceIntegrator, Regulator],
        CommandName::EndOperation => &[HolderOfficer, ServiceIntegrator],

        CommandName::RegisterSystem
        | CommandName::UpdateSystem
        | CommandName::EnterProduction
        | CommandName::RecordAttestation
        | CommandName::RecordQualityCertificate
        | CommandName::ResumeSystem
        | CommandName::DecommissionSystem => &[ServiceIntegrator],
        CommandName::SuspendSystem
        | CommandName::WithdrawAttestation
        | CommandName::WithdrawQualityCertificate
        | CommandName::SuspendPaper
        | CommandName::ResumePaper => &[ServiceIntegrator, Regulator],
        CommandName::BindCertificate | CommandName::UnbindCertificate => {
            &[Administrator, ServiceIntegrator, NationalOperator]
        }

        CommandName::PublishDataType | CommandName::Categorise => &[HolderOfficer],
        CommandName::DraftAgreement
        | CommandName::SignAgreement
        | CommandName::SubmitAgreement
        | CommandName::WithdrawAgreement
        | CommandName::SignProtocol
        | CommandName::ApproveUsers
        | CommandName::RecordDelegation => &[HolderOfficer],
        CommandName::RevokeDelegation => &[HolderOfficer, Regulator],
        CommandName::IssuePrescription | CommandName::LiftPrescription => &[Regulator],
        // Two people where one must not suffice: who submits does not concur.
        CommandName::ConcurInAgreement | CommandName::RuleOnAgreement => &[Regulator],
        // Neither side says of itself that it is ready.
        CommandName::RecordReadiness => &[Administrator, ServiceIntegrator],
        CommandName::SuspendAgreement | CommandName::ResumeAgreement | CommandName::TerminateAgreement => {
            &[HolderOfficer, Regulator]
        }
    }
}

//! Commands checked against the registry: who may, whether it can be, and which events follow.

use jiff::Timestamp;

mod check;
mod error;
mod reason;

mod access;
mod acts;
mod agreements;
mod applications;
mod calendar;
mod data_types;
mod delegations;
mod objects;
mod parties;
mod prescriptions;
mod readiness;
mod rulings;
mod systems;

use self::check::Check;
pub use self::error::CommandError;
use crate::{Actor, Command, Event, Registry, rights};

/// Checks a command and says which events follow from it.
///
/// # Errors
/// [`CommandError`]: the actor may not, or it cannot be. Nothing has changed.
pub fn handle(
    registry: &Registry,
    command: Command,
    actor: &Actor,
    reason: &str,
    now: Timestamp,
) -> Result<Vec<Event>, CommandError> {
    if !rights::may(actor.role, &command) {
        return Err(CommandError::NotInRole { role: actor.role });
    }
    let check = Check { registry, actor, reason, now };
    check.active()?;
    if reason::is_demanded(command.name()) {
        check.reasoned()?;
    }
    let event = match command {
        Command::RegisterHolder { holder } => Event::HolderRegistered { holder },
        Command::RegisterOperator { operator } => return check.register_operator(operator),
        Command::ConfirmOperator { operator } => check.confirm_operator(operator)?,
        Command::SuspendOperator { operator } => check.suspend_operator(operator)?,
        Command::ResumeOperator { operator } => check.resume_operator(operator)?,
        Command::RemoveOperator { operator } => check.remove_operator(operator)?,
        Command::NameRegulator { bin } => check.name_regulator(bin)?,

        Command::BindOperatorCertificate { operator, certificate } => {
            check.bind_operator_certificate(operator, certificate)?
        }
        Command::UnbindOperatorCertificate { certificate } => {
            check.unbind_operator_certificate(certificate)?
        }
        Command::GrantAccess { operator, access } => check.grant_access(operator, access)?,
        Command::ConfirmAccess { operator, grant } => check.confirm_access(operator, grant)?,
        Command::RevokeAccess { operator, access } => check.revoke_access(operator, access)?,

        Command::RecordAct { act } => check.record_act(act)?,
        Command::RepealAct { act, version, last_day, successor, agreements_until } => {
            check.repeal_act(act, version, last_day, successor, agreements_until)?
        }

        Command::SetCalendarDay { day } => check.set_calendar_day(day)?,
        Command::ClearCalendarDay { day } => Event::CalendarDayCleared { day },
        Command::SetYearlyHoliday { holiday } => check.set_yearly_holiday(holiday)?,
        Command::SetTerm { term } => check.set_term(term)?,

        Command::SubmitApplication { application } => check.submit_application(*application)?,
        Command::AcceptApplication { number, code } => return check.accept_application(number, code),
        Command::ReturnApplication { number, remarks } => check.return_application(number, remarks)?,
        Command::WithdrawApplication { number } => check.withdraw_application(number)?,

        Command::CorrectInformation { subject, card, information, changed_on, discovery } => {
            check.correct_information(subject, card, information, changed_on, discovery)?
        }
        Command::ReportDiscovery { subject, what } => check.report_discovery(subject, what)?,
        Command::NameResponsible { subject, employee } => check.name_responsible(subject, employee)?,
        Command::FileDocument { subject, document, supersedes } => {
            check.file_document(subject, document, supersedes)?
        }
        Command::MarkSignificance { subject, significance } => check.mark(subject, significance)?,
        Command::AssignAuthority { subject, authority } => check.assign_authority(subject, authority)?,
        Command::EndOperation { subject, end } => check.end_operation(subject, end)?,
        Command::SuspendPaper { system, paper } => check.suspend_paper(system, paper)?,
        Command::ResumePaper { system, paper } => check.resume_paper(system, paper)?,

        Command::RegisterSystem { card, code } => check.register_system(card, code)?,
        Command::UpdateSystem { system, networks, endpoint } => {
            check.update_system(system, networks, endpoint)?
        }
        Command::SuspendSystem { system } => check.suspend_system(system)?,
        Command::ResumeSystem { system } => check.resume_system(system)?,
        Command::DecommissionSystem { system } => check.decommission_system(system)?,
        Command::EnterProduction { system, act } => check.enter_production(system, act)?,
        Command::RecordAttestation { system, conformity } => check.record_attestation(system, conformity)?,
        Command::WithdrawAttestation { system } => check.withdraw_attestation(system)?,
        Command::RecordQualityCertificate { system, conformity } => {
            check.record_quality_certificate(system, conformity)?
        }
        Command::WithdrawQualityCertificate { system } => check.withdraw_quality_certificate(system)?,
        Command::BindCertificate { system, certificate } => check.bind_certificate(system, certificate)?,
        Command::UnbindCertificate { certificate } => check.unbind_certificate(certificate)?,

        Command::PublishDataType { data_type } => check.publish(data_type)?,
        Command::Categorise { provider, data_type, category } => {
            check.categorise(provider, data_type, category)?
        }

        Command::PublishTemplate { template } => check.publish_template(template)?,
        Command::RecallTemplate { purpose, version } => check.recall_template(purpose, version)?,
        Command::DraftAgreement { document } => check.draft_agreement(document)?,
        Command::SignAgreement { number, version, signature } => {
            check.sign_agreement(number, version, signature)?
        }
        Command::SubmitAgreement { number, version } => check.submit_agreement(number, version)?,
        Command::WithdrawAgreement { number, version } => check.withdraw_agreement(number, version)?,
        Command::ConcurInAgreement { number, version, signature } => {
            return check.concur_in_agreement(number, version, signature);
        }
        Command::RuleOnAgreement { ruling, signature } => return check.rule_on_agreement(ruling, signature),
        Command::SignProtocol { protocol, signature } => check.sign_protocol(protocol, signature)?,
        Command::SuspendAgreement { number, version } => check.suspend_agreement(number, version)?,
        Command::ResumeAgreement { number, version } => check.resume_agreement(number, version)?,
        Command::TerminateAgreement { number, version } => check.terminate_agreement(number, version)?,
        Command::RecordReadiness { number, version, revision, means, checks } => {
            check.record_readiness(number, version, revision, means, checks)?
        }
        Command::ApproveUsers { list, signature } => check.approve_users(list, signature)?,

        Command::RecordDelegation { delegation, signature } => {
            check.record_delegation(delegation, signature)?
        }
        Command::RevokeDelegation { delegation } => check.revoke_delegation(delegation)?,
        Command::IssuePrescription { prescription, signature } => {
            check.issue_prescription(prescription, signature)?
        }
        Command::LiftPrescription { lifting, signature } => check.lift_prescription(lifting, signature)?,
    };
    Ok(vec![event])
}

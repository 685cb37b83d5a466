//! Commands checked against the registry: who may, whether it can be, and which events follow.

use jiff::Timestamp;

mod check;
mod error;

mod access;
mod acts;
mod agreements;
mod data_types;
mod parties;
mod readiness;
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
    let event = match command {
        Command::RegisterHolder { holder } => Event::HolderRegistered { holder },
        Command::RegisterOperator { operator } => check.register_operator(operator)?,
        Command::NameRegulator { bin } => check.name_regulator(bin)?,

        Command::BindOperatorCertificate { operator, certificate } => {
            check.bind_operator_certificate(operator, certificate)?
        }
        Command::UnbindOperatorCertificate { certificate } => {
            check.unbind_operator_certificate(certificate)?
        }
        Command::GrantAccess { operator, access } => check.grant_access(operator, access)?,
        Command::RevokeAccess { operator, access } => check.revoke_access(operator, access)?,

        Command::RecordAct { act } => check.record_act(act)?,
        Command::RepealAct { act, version, last_day, successor } => {
            check.repeal_act(act, version, last_day, successor)?
        }

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

        Command::DraftAgreement { document } => check.draft_agreement(document)?,
        Command::SignAgreement { number, version, signature } => {
            check.sign_agreement(number, version, signature)?
        }
        Command::SubmitAgreement { number, version } => check.submit_agreement(number, version)?,
        Command::ConcurInAgreement { number, version, signature, remarks } => {
            return check.concur_in_agreement(number, version, signature, remarks);
        }
        Command::RefuseAgreement { number, version } => check.refuse_agreement(number, version)?,
        Command::SuspendAgreement { number, version } => check.suspend_agreement(number, version)?,
        Command::ResumeAgreement { number, version } => check.resume_agreement(number, version)?,
        Command::TerminateAgreement { number, version } => check.terminate_agreement(number, version)?,
        Command::RecordReadiness { number, version, revision, checks } => {
            check.record_readiness(number, version, revision, checks)?
        }
        Command::ApproveUsers { number, users } => check.approve_users(number, users)?,
    };
    Ok(vec![event])
}

//! Events taken in: what each changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Published, Registry};
use crate::{
    ApprovedUsers, Event, Given, Lifted, OperatorStanding, Outcome, Readiness, Recorded, Stage, SystemStatus,
    Trace, UserList,
};

impl Registry {
    /// Takes in an event; `None` if it does not follow from what is there.
    pub(super) fn fold(&mut self, recorded: &Recorded) -> Option<()> {
        match &recorded.event {
            Event::HolderRegistered { holder } => drop(self.holders.insert(holder.bin, holder.clone())),
            Event::OperatorRegistered { operator, standing } => self.enrol(operator, *standing, recorded),
            Event::OperatorConfirmed { operator } | Event::OperatorResumed { operator } => {
                self.stand(operator, OperatorStanding::Active, recorded)?;
            }
            Event::OperatorSuspended { operator } => {
                self.stand(operator, OperatorStanding::Suspended, recorded)?
            }
            Event::OperatorRemoved { operator } => {
                self.stand(operator, OperatorStanding::Removed, recorded)?
            }
            Event::CalendarDaySet { day } => self.calendar.set(day.clone()),
            Event::CalendarDayCleared { day } => self.calendar.clear(*day),
            Event::YearlyHolidaySet { holiday } => self.calendar.set_yearly(holiday.clone()),
            Event::TermSet { term } => self.terms.set(term.clone()),
            Event::ApplicationSubmitted { number, application, gaps } => {
                self.file(*number, (**application).clone(), gaps.clone(), recorded)?;
            }
            Event::ApplicationAccepted { number, code } => {
                self.settle(*number, Outcome::Registered { code: code.clone(), trace: Trace::of(recorded) })?;
            }
            Event::ApplicationReturned { number, remarks } => {
                self.settle(
                    *number,
                    Outcome::Returned { remarks: remarks.clone(), trace: Trace::of(recorded) },
                )?;
            }
            Event::ApplicationWithdrawn { number } => {
                self.settle(*number, Outcome::Withdrawn { trace: Trace::of(recorded) })?;
            }
            Event::ObjectAccounted { card, code } => self.account(card, code, recorded)?,
            Event::InformationCorrected { subject, card, information, changed_on, discovery } => {
                self.correct(subject, card, information, *changed_on, *discovery, recorded)?;
            }
            Event::DiscoveryReported { subject, what } => self.discover(subject, what, recorded)?,
            Event::ResponsibleNamed { subject, employee } => {
                self.name_responsible(subject, employee, recorded)?;
            }
            Event::DocumentFiled { subject, document, supersedes } => {
                self.file_document(subject, document, supersedes.as_deref(), recorded)?;
            }
            Event::SignificanceMarked { subject, significance } => {
                self.mark(subject, *significance, recorded)?;
            }
            Event::AuthorityAssigned { subject, authority } => {
                self.dossier_mut(subject)?.authority = *authority;
            }
            Event::OperationEnded { subject, end } => self.end(subject, end)?,
            Event::PaperSuspended { system, paper } => {
                self.paper_mut(system, *paper)?.suspended = Some(recorded.at);
            }
            Event::PaperResumed { system, paper } => self.paper_mut(system, *paper)?.suspended = None,
            Event::RegulatorNamed { bin } => self.regulator = Some(*bin),
            Event::OperatorCertificateBound { operator, certificate, effect } => {
                self.give(operator, Given::Certificate(certificate.clone()), *effect, recorded)?;
            }
            Event::OperatorCertificateUnbound { operator, certificate } => {
                self.unbind_operator(operator, certificate)?;
            }
            Event::AccessGranted { operator, access, effect } => {
                self.give(operator, access.clone().into(), *effect, recorded)?;
            }
            Event::AccessConfirmed { operator, grant } => self.confirm(operator, *grant)?,
            Event::AccessRevoked { operator, access } => self.revoke(operator, access)?,
            Event::ActRecorded { act } => {
                self.acts.insert((act.id.clone(), act.version.clone()), act.clone());
            }
            Event::ActRepealed { act, version, last_day, successor, agreements_until } => {
                let act = self.acts.get_mut(&(act.clone(), version.clone()))?;
                act.in_force_until = Some(*last_day);
                act.agreements_until = *agreements_until;
                act.successor.clone_from(successor);
            }
            Event::SystemRegistered { card, code } => {
                self.enter_system(card, code, recorded)?;
            }
            Event::SystemUpdated { system, networks, endpoint } => {
                self.update(system, networks.as_deref(), endpoint.as_ref(), recorded)?;
            }
            Event::SystemSuspended { system } => {
                self.system_mut(system)?.status = SystemStatus::Suspended;
            }
            Event::SystemResumed { system } => {
                self.system_mut(system)?.status = SystemStatus::Registered;
            }
            Event::SystemDecommissioned { system } => self.decommission(system, recorded)?,
            Event::ProductionEntered { system, act } => self.enter_production(system, act, recorded)?,
            Event::AttestationRecorded { system, conformity } => {
                self.system_mut(system)?.attestation = Some(conformity.clone());
            }
            Event::AttestationWithdrawn { system } => {
                self.system_mut(system)?.attestation.as_mut()?.withdrawn = Some(recorded.at);
            }
            Event::QualityCertificateRecorded { system, conformity } => {
                self.system_mut(system)?.quality_certificate = Some(conformity.clone());
            }
            Event::QualityCertificateWithdrawn { system } => {
                self.system_mut(system)?.quality_certificate.as_mut()?.withdrawn = Some(recorded.at);
            }
            Event::CertificateBound { system, certificate } => self.bind(system, certificate, recorded)?,
            Event::CertificateUnbound { system, certificate } => self.unbind(system, certificate)?,
            Event::DataTypePublished { data_type } => {
                let key = (data_type.provider.clone(), data_type.id.clone());
                let published = self
                    .data_types
                    .entry(key)
                    .or_insert_with(|| Published { category: data_type.category, versions: BTreeMap::new() });
                // Interaction 4: a new version does not lower what the holder has set; only Categorise does.
                published.category = published.category.max(data_type.category);
                published.versions.insert(data_type.version, Arc::new(data_type.clone()));
            }
            Event::DataTypeCategorised { provider, data_type, category } => {
                self.data_types.get_mut(&(provider.clone(), data_type.clone()))?.category = *category;
            }
            Event::AgreementDrafted { document } => self.draft(document, recorded)?,
            Event::AgreementSigned { number, version, signature } => {
                let agreement = Arc::make_mut(self.agreements.get_mut(&(number.clone(), *version))?);
                if agreement.text.is_none() {
                    self.pool.read(agreement)?;
                }
                agreement.signatures.push(signature.clone());
            }
            Event::TemplatePublished { template } => {
                let key = (template.purpose.clone(), template.version);
                self.templates.insert(key, template.clone());
            }
            Event::TemplateRecalled { purpose, version } => {
                let key = (purpose.clone(), *version);
                self.templates.get(&key)?;
                self.recalls.insert(key, Trace::of(recorded));
            }
            Event::AgreementSubmitted { number, version, conformity, fits: _ } => {
                let agreement = self.step(number, *version, Stage::Submitted, recorded)?;
                agreement.conformity.clone_from(conformity);
            }
            Event::AgreementConcurred { number, version, signature, remarks } => {
                let agreement = self.step(number, *version, Stage::Concurred, recorded)?;
                agreement.signatures.push(signature.clone());
                agreement.remarks.clone_from(remarks);
            }
            Event::AgreementRefused { number, version } => {
                self.step(number, *version, Stage::Refused, recorded)?;
            }
            Event::AgreementRuled { ruling, signature } => self.rule(ruling, signature, recorded)?,
            Event::AgreementWithdrawn { number, version } => {
                self.step(number, *version, Stage::Withdrawn, recorded)?;
            }
            Event::ProtocolSigned { protocol, signature } => self.sign_protocol(protocol, signature)?,
            Event::AgreementSuspended { number, version } => {
                self.step(number, *version, Stage::Suspended, recorded)?;
            }
            Event::AgreementResumed { number, version } => {
                self.step(number, *version, Stage::Concurred, recorded)?;
            }
            Event::AgreementTerminated { number, version } => {
                self.step(number, *version, Stage::Terminated, recorded)?;
            }
            Event::AgreementSuperseded { number, version } => {
                self.step(number, *version, Stage::Superseded, recorded)?;
            }
            Event::ReadinessRecorded { number, version, revision, means, checks } => {
                let readiness = Readiness {
                    at: recorded.at,
                    by: self.pool.actor(&recorded.actor),
                    revision: *revision,
                    means: *means,
                    checks: self.pool.checks(checks),
                };
                Arc::make_mut(self.agreements.get_mut(&(number.clone(), *version))?).readiness =
                    Some(readiness);
            }
            Event::UsersApproved { number, users, serial, signature } => {
                let list = UserList { agreement: number.clone(), serial: *serial, users: users.clone() };
                let approved = ApprovedUsers { list, signature: signature.clone() };
                self.users.insert(number.clone(), Arc::new(approved));
            }
            Event::DelegationRecorded { delegation, signature } => {
                self.delegate(delegation, signature, recorded.at);
            }
            Event::DelegationRevoked { delegation } => {
                self.delegations.get_mut(delegation)?.revoked = Some(recorded.at);
            }
            Event::PrescriptionIssued { prescription, signature } => {
                self.prescribe(prescription, signature, recorded.at);
            }
            Event::PrescriptionLifted { lifting, signature } => {
                let (text, signature, at) = (lifting.clone(), signature.clone(), recorded.at);
                self.prescriptions.get_mut(&lifting.lifts)?.lifted = Some(Lifted { text, signature, at });
            }
        }
        Some(())
    }
}

//! The registry: what all events so far add up to.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

mod nouns;

mod access;
mod agreements;
mod document;
mod fold;
mod kept;
mod objects;
mod orders;
mod parties;
mod pool;
mod systems;

pub use self::document::AgreementDocument;
pub use self::kept::{Misfit, Part, Settling, Slice};
pub use self::nouns::{Agreement, Header, Published, Step};
use self::pool::Pool;
use crate::{
    Accounted, Act, ActId, AgreementNumber, ApplicationNumber, ApprovedUsers, Bin, Calendar, Category,
    DataType, DataTypeId, Delegation, DelegationNumber, Enrolment, Filed, Fingerprint, Holder, ListedUser,
    ObjectId, Operator, OperatorAccess, OperatorId, Prescription, PrescriptionNumber, Purpose, Recorded,
    Subject, System, SystemId, Template, TemplateStanding, Terms, TokenId, Trace,
};

/// Everything that is registered. Changed only by [`Registry::apply`].
///
/// Its serialised form is without agreements, which are many: [`Registry::slices`] has them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Registry {
    revision: u64,
    regulator: Option<Bin>,
    holders: BTreeMap<Bin, Holder>,
    operators: BTreeMap<OperatorId, Operator>,
    enrolments: BTreeMap<OperatorId, Enrolment>,
    calendar: Calendar,
    terms: Terms,
    applications: Vec<Filed>,
    newest_applications: BTreeMap<Subject, ApplicationNumber>,
    objects: BTreeMap<ObjectId, Accounted>,
    acts: BTreeMap<(ActId, String), Act>,
    #[serde(deserialize_with = "kept::packed")]
    systems: BTreeMap<SystemId, Arc<System>>,
    #[serde(deserialize_with = "kept::packed")]
    certificates: BTreeMap<Fingerprint, SystemId>,
    /// When a system's networks, endpoint, certificates, phase or make last changed: the event's number.
    #[serde(deserialize_with = "kept::packed")]
    changed: BTreeMap<SystemId, u64>,
    #[serde(deserialize_with = "kept::packed")]
    data_types: BTreeMap<(SystemId, DataTypeId), Published>,
    #[serde(skip)]
    agreements: BTreeMap<(AgreementNumber, u32), Arc<Agreement>>,
    #[serde(deserialize_with = "kept::packed")]
    users: BTreeMap<AgreementNumber, Arc<ApprovedUsers>>,
    templates: BTreeMap<(Purpose, u32), Template>,
    /// Templates that were recalled: when, by whom, why.
    recalls: BTreeMap<(Purpose, u32), Trace>,
    delegations: BTreeMap<DelegationNumber, Delegation>,
    prescriptions: BTreeMap<PrescriptionNumber, Prescription>,
    access: BTreeMap<OperatorId, OperatorAccess>,
    operator_certificates: BTreeMap<Fingerprint, OperatorId>,
    tokens: BTreeMap<TokenId, OperatorId>,
    #[serde(skip)]
    pool: Pool,
}

/// An event that cannot follow on what came before: the store was changed behind the program's back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutOfStep {
    /// An event's number is not the next one.
    #[error("event {found} came where {expected} was due")]
    Sequence {
        /// The number due.
        expected: u64,
        /// The number found.
        found: u64,
    },
    /// An event speaks of something that was never registered, or binds what is bound.
    #[error("event {0} does not follow from what is in the registry")]
    Unknown(u64),
}

impl Registry {
    /// Takes in the next event.
    ///
    /// # Errors
    /// [`OutOfStep`] if it cannot be the next one; nothing has changed then, but for a registry that is not to be
    /// used any more.
    pub fn apply(&mut self, recorded: &Recorded) -> Result<(), OutOfStep> {
        let expected = self.revision + 1;
        if recorded.sequence != expected {
            return Err(OutOfStep::Sequence { expected, found: recorded.sequence });
        }
        self.fold(recorded).ok_or(OutOfStep::Unknown(recorded.sequence))?;
        self.revision = expected;
        Ok(())
    }

    /// The number of the newest event taken in; 0 before the first.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The organisation that is the regulator.
    pub fn regulator(&self) -> Option<Bin> {
        self.regulator
    }

    /// An organisation.
    pub fn holder(&self, bin: Bin) -> Option<&Holder> {
        self.holders.get(&bin)
    }

    /// All organisations.
    pub fn holders(&self) -> impl Iterator<Item = &Holder> {
        self.holders.values()
    }

    /// An operator.
    pub fn operator(&self, id: &OperatorId) -> Option<&Operator> {
        self.operators.get(id)
    }

    /// All operators.
    pub fn operators(&self) -> impl Iterator<Item = &Operator> {
        self.operators.values()
    }

    /// A version of an act.
    pub fn act(&self, id: &ActId, version: &str) -> Option<&Act> {
        self.acts.get(&(id.clone(), version.to_owned()))
    }

    /// All versions of all acts.
    pub fn acts(&self) -> impl Iterator<Item = &Act> {
        self.acts.values()
    }

    /// The Republic's calendar.
    pub fn calendar(&self) -> &Calendar {
        &self.calendar
    }

    /// The terms of the law.
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// An application.
    pub fn application(&self, number: ApplicationNumber) -> Option<&Filed> {
        self.applications.get(usize::try_from(number.0).ok()?.checked_sub(1)?)
    }

    /// All applications, in the order in which they came.
    pub fn applications(&self) -> impl Iterator<Item = &Filed> {
        self.applications.iter()
    }

    /// The newest application for something.
    pub fn newest_application(&self, subject: &Subject) -> Option<&Filed> {
        self.application(*self.newest_applications.get(subject)?)
    }

    /// The number that the next application gets.
    pub(crate) fn next_application(&self) -> ApplicationNumber {
        ApplicationNumber(u32::try_from(self.applications.len() + 1).unwrap_or(u32::MAX))
    }

    /// An object beside systems.
    pub fn object(&self, id: &ObjectId) -> Option<&Accounted> {
        self.objects.get(id)
    }

    /// All objects beside systems.
    pub fn objects(&self) -> impl Iterator<Item = &Accounted> {
        self.objects.values()
    }

    /// A system.
    pub fn system(&self, id: &SystemId) -> Option<&System> {
        self.systems.get(id).map(|system| &**system)
    }

    /// The same, as books share it.
    pub(crate) fn shared_system(&self, id: &SystemId) -> Option<&Arc<System>> {
        self.systems.get(id)
    }

    /// All systems.
    pub fn systems(&self) -> impl Iterator<Item = &System> {
        self.systems.values().map(|system| &**system)
    }

    /// The same, as books share them.
    pub(crate) fn shared_systems(&self) -> impl Iterator<Item = &Arc<System>> {
        self.systems.values()
    }

    /// The system to which a certificate is bound.
    pub fn bound_to(&self, certificate: &Fingerprint) -> Option<&SystemId> {
        self.certificates.get(certificate)
    }

    /// A version of a data type.
    pub fn data_type(&self, provider: &SystemId, id: &DataTypeId, version: u32) -> Option<&Arc<DataType>> {
        self.published(provider, id)?.versions.get(&version)
    }

    /// A data type with all its versions.
    pub fn published(&self, provider: &SystemId, id: &DataTypeId) -> Option<&Published> {
        self.data_types.get(&(provider.clone(), id.clone()))
    }

    /// All data types.
    pub fn data_types(&self) -> impl Iterator<Item = (&(SystemId, DataTypeId), &Published)> {
        self.data_types.iter()
    }

    /// A data type's category now.
    pub fn category(&self, provider: &SystemId, id: &DataTypeId) -> Option<Category> {
        Some(self.published(provider, id)?.category)
    }

    /// A version of an agreement.
    pub fn agreement(&self, number: &AgreementNumber, version: u32) -> Option<&Agreement> {
        self.agreements.get(&(number.clone(), version)).map(|agreement| &**agreement)
    }

    /// All versions of one agreement, oldest first.
    pub fn versions(&self, number: &AgreementNumber) -> impl Iterator<Item = &Agreement> {
        self.agreements
            .range((number.clone(), 0)..=(number.clone(), u32::MAX))
            .map(|(_, agreement)| &**agreement)
    }

    /// All versions of all agreements.
    pub fn agreements(&self) -> impl Iterator<Item = &Agreement> {
        self.agreements.values().map(|agreement| &**agreement)
    }

    /// The template that holds for a purpose: the newest, unless it was recalled.
    pub fn template(&self, purpose: &Purpose) -> Option<&Template> {
        self.templates_of(purpose).next_back().filter(|newest| self.recall_of(newest).is_none())
    }

    /// When, by whom and why a template was recalled, if it was.
    pub fn recall_of(&self, template: &Template) -> Option<&Trace> {
        self.recalls.get(&(template.purpose.clone(), template.version))
    }

    /// Whether a template counts.
    pub fn template_standing(&self, template: &Template) -> TemplateStanding {
        let newest = self.templates_of(&template.purpose).next_back();
        match newest {
            _ if self.recall_of(template).is_some() => TemplateStanding::Recalled,
            Some(newest) if newest.version == template.version => TemplateStanding::Holds,
            Some(_) | None => TemplateStanding::Superseded,
        }
    }

    /// All versions of a purpose's template, oldest first.
    pub fn templates_of(&self, purpose: &Purpose) -> impl DoubleEndedIterator<Item = &Template> {
        self.templates.range((purpose.clone(), 0)..=(purpose.clone(), u32::MAX)).map(|(_, template)| template)
    }

    /// All versions of all templates.
    pub fn templates(&self) -> impl Iterator<Item = &Template> {
        self.templates.values()
    }

    /// The officials who may ask under an agreement.
    pub fn users(&self, number: &AgreementNumber) -> &[ListedUser] {
        self.users.get(number).map_or(&[], |approved| approved.list.users.as_slice())
    }
}

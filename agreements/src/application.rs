//! Applications for registration and accounting (A2-A4): what they state, and what they lack.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;
use std::sync::Arc;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::information::{Need, trial_from};
use crate::{
    Bin, Document, DocumentKind, Employee, Information, InformationFault, InformationKind, ObjectCard,
    ObjectKind, Ownership, Phase, Region, Subject, SystemCard, Trace, Words,
};

/// An application's number; the registry gives them in turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct ApplicationNumber(pub u32);

impl fmt::Display for ApplicationNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for ApplicationNumber {
    type Err = ParseIntError;
    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        text.parse().map(Self)
    }
}

/// What an application is for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Applied {
    /// A system: a state body's gets a registration code, another's an accounting code.
    System(Box<SystemCard>),
    /// Another object: it gets an accounting code.
    Object(Box<ObjectCard>),
}

/// A request for registration or accounting.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Application {
    /// What for.
    pub of: Applied,
    /// The fourteen kinds of information.
    #[serde(default)]
    pub information: Information,
    /// Who answers for keeping it up to date (Registration 12).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub responsible: Option<Employee>,
    /// When the project documentation was approved (Registration 6).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_approved: Option<Date>,
    /// The returned application that this one comes after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<ApplicationNumber>,
}

/// Something that an application lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Gap {
    /// Where: `document/trial-act`, `card/networks`, `information/contracts/0/supplier`.
    pub place: String,
    /// Which clause wants it.
    pub clause: String,
}

/// Why an application cannot even be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplicationFault {
    /// Its information.
    #[error(transparent)]
    Information(#[from] InformationFault),
    /// A document's digest is none.
    #[error("document {0:?} has no SHA-256 in lower-case hexadecimal")]
    Digest(String),
    /// It is too big.
    #[error("an application is at most {MOST_BYTES} bytes and {MOST_DOCUMENTS} documents")]
    TooBig,
}

impl Application {
    /// What it is for, by its name.
    pub fn subject(&self) -> Subject {
        match &self.of {
            Applied::System(card) => Subject::System(card.id.clone()),
            Applied::Object(card) => Subject::Object(card.id.clone()),
        }
    }

    /// Whose object it is.
    pub fn holder(&self) -> Bin {
        match &self.of {
            Applied::System(card) => card.holder,
            Applied::Object(card) => card.holder,
        }
    }

    /// Where the object is.
    pub fn region(&self) -> Option<&Region> {
        match &self.of {
            Applied::System(card) => card.region.as_ref(),
            Applied::Object(card) => card.region.as_ref(),
        }
    }

    /// Its documents.
    pub fn documents(&self) -> &[Document] {
        match &self.of {
            Applied::System(card) => &card.documents,
            Applied::Object(card) => &card.documents,
        }
    }

    /// All documents that it names, by digest.
    pub fn digests(&self) -> impl Iterator<Item = &str> {
        self.documents().iter().map(|one| one.sha256.as_str()).chain(self.information.digests())
    }

    /// Adds a document.
    pub fn attach(&mut self, document: Document) {
        match &mut self.of {
            Applied::System(card) => card.documents.push(document),
            Applied::Object(card) => card.documents.push(document),
        }
    }

    /// Whether it can be kept, complete or not.
    ///
    /// # Errors
    /// The first [`ApplicationFault`].
    pub fn check(&self) -> Result<(), ApplicationFault> {
        self.information.check()?;
        if let Some(document) = self.documents().iter().find(|document| !is_digest(&document.sha256)) {
            return Err(ApplicationFault::Digest(document.title.chars().take(80).collect()));
        }
        let bytes = serde_json::to_vec(self).map_or(usize::MAX, |json| json.len());
        let fits = bytes <= MOST_BYTES && self.documents().len() <= MOST_DOCUMENTS;
        if fits { Ok(()) } else { Err(ApplicationFault::TooBig) }
    }

    /// When the term for having it registered began (Registration 6): entry into trial operation, or else approval of
    /// the project documentation. Accounting of other objects has no such term.
    pub fn registration_from(&self) -> Option<Date> {
        match &self.of {
            Applied::System(card) if card.ownership == Ownership::State => {
                trial_from(&self.information).or(self.project_approved)
            }
            Applied::System(_) | Applied::Object(_) => None,
        }
    }

    /// What it lacks (Registration 7, 10; annex): nothing when it is complete.
    pub fn gaps(&self) -> Vec<Gap> {
        let mut gaps = Vec::new();
        let mut gap = |place: String, clause: &str| gaps.push(Gap { place, clause: clause.to_owned() });
        let needs = match &self.of {
            Applied::System(card) => {
                for kind in card.missing_documents() {
                    gap(format!("document/{}", document_name(kind)), "Registration 7");
                }
                if card.name.trim().is_empty() {
                    gap("card/name".into(), "Registration 7");
                }
                if card.networks.is_empty() {
                    gap("card/networks".into(), "Law 1.23");
                }
                match card.ownership {
                    Ownership::State => STATE_SYSTEM,
                    Ownership::NonState => NON_STATE_SYSTEM,
                }
            }
            Applied::Object(card) => {
                if card.name.is_empty() {
                    gap("card/name".into(), "Registration 10");
                }
                match card.kind {
                    ObjectKind::Resource => RESOURCE,
                    ObjectKind::Software => SOFTWARE,
                    ObjectKind::Infrastructure => INFRASTRUCTURE,
                }
            }
        };
        if self.responsible.as_ref().is_none_or(|employee| employee.name.is_empty()) {
            gap("responsible".into(), "Registration 12");
        }
        let need = |kind: InformationKind| match (needs.0.contains(&kind), needs.1.contains(&kind)) {
            (true, _) => Need::Stated,
            (false, true) => Need::StatedOrExplained,
            (false, false) => Need::IfAny,
        };
        for (kind, place) in self.information.gaps(need) {
            gap(format!("information/{place}"), &format!("Registration, annex {}", kind as u8 + 1));
        }
        if let Applied::System(card) = &self.of {
            for phase in phases(card) {
                if !self.information.entries_into_operation.iter().any(|entry| entry.phase == Some(phase)) {
                    let name = if phase == Phase::Trial { "trial" } else { "production" };
                    gap(format!("information/entries_into_operation/{name}"), "Registration, annex 12");
                }
            }
        }
        gaps
    }
}

/// The entries into operation that a state system of this phase has behind it.
fn phases(card: &SystemCard) -> impl Iterator<Item = Phase> {
    let state = card.ownership == Ownership::State;
    let production = state && card.phase == Phase::Production;
    [state.then_some(Phase::Trial), production.then_some(Phase::Production)].into_iter().flatten()
}

/// The word by which a kind of document goes.
pub(crate) fn document_name(kind: DocumentKind) -> &'static str {
    match kind {
        DocumentKind::Description => "description",
        DocumentKind::TrialAct => "trial-act",
        DocumentKind::TechnicalDocumentation => "technical-documentation",
        DocumentKind::ProductionAct => "production-act",
        DocumentKind::Attestation => "attestation",
        DocumentKind::QualityCertificate => "quality-certificate",
        DocumentKind::Other => "other",
    }
}

/// Whether a text is a SHA-256 as the depositary writes it.
pub(crate) fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Which kinds of information an application states, and which it states or explains; others it states if there are any.
type Needs = (&'static [InformationKind], &'static [InformationKind]);

use InformationKind as I;

const STATE_SYSTEM: Needs = (
    &[I::General, I::Technical, I::Resources, I::DocumentChanges, I::EntriesIntoOperation],
    &[
        I::Software,
        I::Infrastructure,
        I::ProcurementNotices,
        I::Contracts,
        I::ContractOutcomes,
        I::BookEntries,
        I::InvestmentResults,
        I::TestsAndAttestations,
    ],
);
const NON_STATE_SYSTEM: Needs = (&[I::General, I::Technical], &[I::Resources, I::TestsAndAttestations]);
const RESOURCE: Needs = (&[I::Resources], &[]);
const SOFTWARE: Needs = (&[I::Software], &[I::BookEntries]);
const INFRASTRUCTURE: Needs = (&[I::Infrastructure], &[I::BookEntries]);

/// An application as the registry keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Filed {
    /// Its number.
    pub number: ApplicationNumber,
    /// What it states.
    pub application: Arc<Application>,
    /// Who submitted it, and when.
    pub submitted: Trace,
    /// What it lacked when it was submitted.
    pub gaps: Vec<Gap>,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of an application.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "fields are named by their types")]
pub enum Outcome {
    /// It waits for the integrator.
    Pending,
    /// Registered or accounted for.
    Registered { code: String, trace: Trace },
    /// Returned with what is missing. A resubmission is a new application.
    Returned { remarks: Vec<Words>, trace: Trace },
    /// Taken back by who submitted it.
    Withdrawn { trace: Trace },
}

impl Outcome {
    /// Who settled it, and when; nobody yet while it is pending.
    pub fn trace(&self) -> Option<&Trace> {
        match self {
            Self::Pending => None,
            Self::Registered { trace, .. } | Self::Returned { trace, .. } | Self::Withdrawn { trace } => {
                Some(trace)
            }
        }
    }

    /// In one word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Registered { .. } => "registered",
            Self::Returned { .. } => "returned",
            Self::Withdrawn { .. } => "withdrawn",
        }
    }
}

/// Bounds what one application can make every reader of the registry hold.
const MOST_BYTES: usize = 512 * 1024;

/// More than any package of documents has had.
const MOST_DOCUMENTS: usize = 200;

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(value: Value) -> Application {
        serde_json::from_value(value).unwrap()
    }

    fn places(application: &Application) -> Vec<String> {
        application.gaps().into_iter().map(|gap| gap.place).collect()
    }

    fn object(kind: &str, information: Value) -> Application {
        read(json!({
            "of": { "object": {
                "id": "thing", "kind": kind, "name": "Thing", "holder": "000000000001", "owner": "000000000001",
            } },
            "information": information, "responsible": { "name": "An employee" },
        }))
    }

    /// A3: each kind of object says what is asked of it.
    #[test]
    fn other_objects_need_their_own_kind_of_information() {
        for (kind, member) in
            [("resource", "resources"), ("software", "software"), ("infrastructure", "infrastructure")]
        {
            let lacking = places(&object(kind, json!({})));
            assert!(lacking.contains(&format!("information/{member}")), "{kind}: {lacking:?}");
        }
        let whole = object(
            "software",
            json!({
                "software": [{
                    "name": "Base", "maker": "Maker", "version": "1", "licence": "5", "quantity": 5, "description": "Office",
                }],
                "nothing_to_say": { "book_entries": "leased" },
            }),
        );
        assert_eq!(whole.gaps(), []);
        assert_eq!(whole.registration_from(), None);
    }

    /// A2: documents and fields that lack are named, with the clause that wants them.
    #[test]
    fn what_a_state_system_lacks_is_named_place_by_place() {
        let bare = read(json!({ "of": { "system": {
            "id": "portal", "name": "", "holder": "000000000001", "owner": "000000000001", "ownership": "state",
            "phase": "trial", "networks": [], "responsible": "An employee",
        } } }));
        insta::assert_snapshot!(places(&bare).join("\n"), @r"
        document/description
        document/trial-act
        document/technical-documentation
        card/name
        card/networks
        responsible
        information/general
        information/technical
        information/resources
        information/software
        information/infrastructure
        information/procurement_notices
        information/contracts
        information/contract_outcomes
        information/book_entries
        information/investment_results
        information/document_changes
        information/entries_into_operation
        information/tests_and_attestations
        information/entries_into_operation/trial
        ");
        assert!(
            bare.gaps().iter().all(|gap| gap.clause.starts_with("Registration") || gap.clause == "Law 1.23")
        );
    }

    #[test]
    fn an_application_is_bounded() {
        let mut application = object("resource", json!({}));
        assert_eq!(application.check(), Ok(()));
        let document = |sha256: String| Document { kind: DocumentKind::Other, sha256, title: "Act".into() };
        application.attach(document("A7".repeat(32)));
        assert_eq!(application.check(), Err(ApplicationFault::Digest("Act".into())));
        let mut application = object("resource", json!({}));
        for _ in 0..=MOST_DOCUMENTS {
            application.attach(document("a7".repeat(32)));
        }
        assert_eq!(application.check(), Err(ApplicationFault::TooBig));
        let long = "қ".repeat(2000);
        let resources: Vec<Value> = (0..400).map(|_| json!({ "name": "R", "content": long })).collect();
        let big = object("resource", json!({ "resources": resources }));
        assert_eq!(big.check(), Err(ApplicationFault::TooBig));
    }

    /// A2
    #[test]
    fn the_term_for_registration_begins_with_trial_operation_or_with_the_approved_project() {
        let mut application = read(json!({ "of": { "system": {
            "id": "portal", "name": "Portal", "holder": "000000000001", "owner": "000000000001", "ownership": "state",
            "phase": "trial", "networks": ["10.0.0.0/8"], "responsible": "An employee",
        } } }));
        assert_eq!(application.registration_from(), None);
        application.project_approved = Some("2026-02-02".parse().unwrap());
        assert_eq!(application.registration_from(), application.project_approved);
        let entered: Information = serde_json::from_value(json!({
            "entries_into_operation": [{ "phase": "trial", "on": "2026-03-02", "act_number": "3" }],
        }))
        .unwrap();
        application.information = entered;
        assert_eq!(application.registration_from(), Some("2026-03-02".parse().unwrap()));
    }
}

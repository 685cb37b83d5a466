//! What is recorded of an object of informatization: the fourteen kinds of information of the annex to the Registration
//! Rules (A4), each a structured record.
//!
//! Every field may stand empty, so that an application can be kept as it came and what it lacks can be named.

mod records;

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

pub use self::records::{
    AssetOperation, BookEntry, Contract, ContractOutcome, DocumentChange, EndOfOperation, EntryIntoOperation,
    GeneralInformation, InfrastructureItem, InvestmentResult, ProcurementNotice, ResourceInformation,
    ResourceUse, ResourceUsed, SoftwareItem, TechnicalInformation, TestKind, TestOrAttestation,
};
use crate::Words;

/// The annex's fourteen kinds of information, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InformationKind {
    /// 1: the system in general, with the resources formed and used within it.
    General,
    /// 2: the system technically.
    Technical,
    /// 3: electronic information resources.
    Resources,
    /// 4: inventory of software.
    Software,
    /// 5: inventory of components of the infrastructure.
    Infrastructure,
    /// 6: announcements of public procurement.
    ProcurementNotices,
    /// 7: contracts of public procurement.
    Contracts,
    /// 8: how contracts were performed, and acts of acceptance.
    ContractOutcomes,
    /// 9: entries in the books, and other operations with what is entered there.
    BookEntries,
    /// 10: results of public investment projects.
    InvestmentResults,
    /// 11: approval of technical and project documentation, and changes to it.
    DocumentChanges,
    /// 12: entry into operation.
    EntriesIntoOperation,
    /// 13: tests and attestation for conformity to information-security requirements.
    TestsAndAttestations,
    /// 14: end of operation.
    EndOfOperation,
}

impl InformationKind {
    /// All of them, in the annex's order.
    pub const ALL: [Self; 14] = [
        Self::General,
        Self::Technical,
        Self::Resources,
        Self::Software,
        Self::Infrastructure,
        Self::ProcurementNotices,
        Self::Contracts,
        Self::ContractOutcomes,
        Self::BookEntries,
        Self::InvestmentResults,
        Self::DocumentChanges,
        Self::EntriesIntoOperation,
        Self::TestsAndAttestations,
        Self::EndOfOperation,
    ];

    /// How it is named in a record.
    pub fn name(self) -> &'static str {
        match self {
            Self::General => "general",
            Self::Technical => "technical",
            Self::Resources => "resources",
            Self::Software => "software",
            Self::Infrastructure => "infrastructure",
            Self::ProcurementNotices => "procurement_notices",
            Self::Contracts => "contracts",
            Self::ContractOutcomes => "contract_outcomes",
            Self::BookEntries => "book_entries",
            Self::InvestmentResults => "investment_results",
            Self::DocumentChanges => "document_changes",
            Self::EntriesIntoOperation => "entries_into_operation",
            Self::TestsAndAttestations => "tests_and_attestations",
            Self::EndOfOperation => "end_of_operation",
        }
    }
}

/// The fourteen kinds of information about one object.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Information {
    /// 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub general: Option<GeneralInformation>,
    /// 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub technical: Option<TechnicalInformation>,
    /// 3.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<ResourceInformation>,
    /// 4.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub software: Vec<SoftwareItem>,
    /// 5.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub infrastructure: Vec<InfrastructureItem>,
    /// 6.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub procurement_notices: Vec<ProcurementNotice>,
    /// 7.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contracts: Vec<Contract>,
    /// 8.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contract_outcomes: Vec<ContractOutcome>,
    /// 9.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub book_entries: Vec<BookEntry>,
    /// 10.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub investment_results: Vec<InvestmentResult>,
    /// 11.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub document_changes: Vec<DocumentChange>,
    /// 12.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub entries_into_operation: Vec<EntryIntoOperation>,
    /// 13.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tests_and_attestations: Vec<TestOrAttestation>,
    /// 14.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_of_operation: Option<EndOfOperation>,
    /// Which kinds there is nothing to say about, each with why.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub nothing_to_say: BTreeMap<InformationKind, Words>,
}

/// Why information is not taken, complete or not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InformationFault {
    /// More records than anybody could check.
    #[error("{0} has more than {MOST_RECORDS} records")]
    TooMany(&'static str),
    /// A digest is none.
    #[error("{0} is no SHA-256 in lower-case hexadecimal")]
    Digest(String),
}

/// One thing that a correction changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Changed {
    /// Which field: a kind of information, or a field of the card.
    pub field: String,
    /// What it said; null for nothing.
    pub old: Value,
    /// What it says.
    pub new: Value,
}

impl Information {
    /// Whether it can be kept: its lists are bounded, and digests are digests.
    ///
    /// # Errors
    /// The first [`InformationFault`].
    pub fn check(&self) -> Result<(), InformationFault> {
        for (kind, value) in self.said() {
            match &value {
                Value::Array(records) if records.len() > MOST_RECORDS => {
                    return Err(InformationFault::TooMany(kind.name()));
                }
                _ => {}
            }
        }
        let resources = self.general.iter().flat_map(|general| &general.resources).count();
        if resources > MOST_RECORDS {
            return Err(InformationFault::TooMany("general/resources"));
        }
        let mut digests = self.digests();
        match digests.find(|digest| !crate::application::is_digest(digest)) {
            Some(digest) => Err(InformationFault::Digest(digest.chars().take(80).collect())),
            None => Ok(()),
        }
    }

    /// The documents that it names, by digest.
    pub fn digests(&self) -> impl Iterator<Item = &str> {
        let outcomes = self.contract_outcomes.iter().map(|one| &one.document);
        let changes = self.document_changes.iter().map(|one| &one.document);
        let entries = self.entries_into_operation.iter().map(|one| &one.document);
        let tests = self.tests_and_attestations.iter().map(|one| &one.document);
        let end = self.end_of_operation.iter().map(|one| &one.document);
        outcomes.chain(changes).chain(entries).chain(tests).chain(end).flatten().map(String::as_str)
    }

    /// The kinds of which it says something, each as it is written.
    pub fn said(&self) -> Vec<(InformationKind, Value)> {
        let Ok(Value::Object(mut members)) = serde_json::to_value(self) else { return Vec::new() };
        InformationKind::ALL
            .into_iter()
            .filter_map(|kind| Some((kind, members.remove(kind.name())?)))
            .collect()
    }

    /// What it lacks, kind by kind: the places that are empty, or the kind itself where nothing is said of it.
    ///
    /// `contracts/0/supplier` is the supplier of the first contract.
    pub fn gaps(&self, need: impl Fn(InformationKind) -> Need) -> Vec<(InformationKind, String)> {
        let said: BTreeMap<_, _> = self.said().into_iter().collect();
        let mut gaps = Vec::new();
        for kind in InformationKind::ALL {
            let explained = || self.nothing_to_say.get(&kind).is_some_and(|why| !why.is_empty());
            let mut places = Vec::new();
            match (said.get(&kind), need(kind)) {
                (Some(value), _) => empty_places(kind.name(), value, &mut places),
                (None, Need::Stated) => places.push(kind.name().to_owned()),
                (None, Need::StatedOrExplained) if !explained() => places.push(kind.name().to_owned()),
                (None, Need::StatedOrExplained | Need::IfAny) => {}
            }
            places.sort();
            gaps.extend(places.into_iter().map(|place| (kind, place)));
        }
        gaps
    }

    /// Takes over what `newer` says, kind by kind, and says what changed by it.
    pub fn correct(&mut self, newer: Self) -> Vec<Changed> {
        let before: BTreeMap<_, _> = self.said().into_iter().collect();
        macro_rules! take {
            ($($one:ident),*; $($many:ident),*) => {
                $(if newer.$one.is_some() { self.$one = newer.$one; })*
                $(if !newer.$many.is_empty() { self.$many = newer.$many; })*
            };
        }
        take!(general, technical, end_of_operation; resources, software, infrastructure, procurement_notices,
            contracts, contract_outcomes, book_entries, investment_results, document_changes,
            entries_into_operation, tests_and_attestations);
        self.nothing_to_say.extend(newer.nothing_to_say);
        // What is said now needs no excuse any more.
        let said: Vec<_> = self.said();
        self.nothing_to_say.retain(|kind, _| !said.iter().any(|(said, _)| said == kind));
        said.into_iter()
            .filter_map(|(kind, new)| {
                let old = before.get(&kind).cloned().unwrap_or(Value::Null);
                (old != new).then(|| Changed { field: kind.name().to_owned(), old, new })
            })
            .collect()
    }
}

/// How much an application must say of a kind of information.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// It must be stated.
    Stated,
    /// It is stated, or said why there is nothing to say.
    StatedOrExplained,
    /// It is stated if there is anything.
    IfAny,
}

fn empty_places(at: &str, value: &Value, gaps: &mut Vec<String>) {
    match value {
        Value::Null => gaps.push(at.to_owned()),
        Value::String(text) if text.trim().is_empty() => gaps.push(at.to_owned()),
        Value::Object(members) => {
            for (name, member) in members {
                empty_places(&format!("{at}/{name}"), member, gaps);
            }
        }
        Value::Array(items) => {
            for (number, item) in items.iter().enumerate() {
                empty_places(&format!("{at}/{number}"), item, gaps);
            }
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The day on which operation began, by what is recorded.
pub(crate) fn trial_from(information: &Information) -> Option<Date> {
    information.entries_into_operation.iter().filter_map(|entry| entry.on).min()
}

/// Nobody checks more of one kind by hand.
const MOST_RECORDS: usize = 500;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: Value) -> Information {
        serde_json::from_value(value).unwrap()
    }

    /// A4: what was there and what came instead are both told.
    #[test]
    fn a_correction_replaces_kind_by_kind_and_tells_old_and_new() {
        let mut information = read(json!({
            "software": [{ "name": "Base", "version": "1" }],
            "nothing_to_say": { "contracts": "made by the body itself" },
        }));
        let changed = information.correct(read(json!({
            "software": [{ "name": "Base", "version": "2" }],
            "contracts": [{ "number": "7" }],
        })));
        let fields: Vec<_> = changed.iter().map(|one| (one.field.as_str(), one.old.is_null())).collect();
        assert_eq!(fields, [("software", false), ("contracts", true)]);
        assert_eq!(
            (&changed[0].old[0]["version"], &changed[0].new[0]["version"]),
            (&json!("1"), &json!("2"))
        );
        assert!(information.nothing_to_say.is_empty());
        assert!(
            information.correct(read(json!({ "software": [{ "name": "Base", "version": "2" }] }))).is_empty()
        );
    }

    /// A2: every empty place is named.
    #[test]
    fn what_a_kind_lacks_is_named_by_its_place() {
        let information = read(json!({
            "contracts": [{ "number": "7", "concluded": "2026-01-12", "subject": "", "supplier": "LLP" }],
            "nothing_to_say": { "procurement_notices": "one source" },
        }));
        let lacks = |kind, need| -> Vec<String> {
            let gaps = information.gaps(|one| if one == kind { need } else { Need::IfAny });
            gaps.into_iter().filter(|(of, _)| *of == kind).map(|(_, place)| place).collect()
        };
        assert_eq!(
            lacks(InformationKind::Contracts, Need::IfAny),
            ["contracts/0/amount_tenge", "contracts/0/subject"]
        );
        assert_eq!(lacks(InformationKind::General, Need::Stated), ["general"]);
        assert_eq!(lacks(InformationKind::ProcurementNotices, Need::StatedOrExplained), [""; 0]);
        assert_eq!(lacks(InformationKind::ProcurementNotices, Need::Stated), ["procurement_notices"]);
        assert_eq!(lacks(InformationKind::EndOfOperation, Need::IfAny), [""; 0]);
    }

    #[test]
    fn lists_are_bounded_and_digests_are_digests() {
        let many = vec![json!({}); MOST_RECORDS + 1];
        assert_eq!(read(json!({ "software": many })).check(), Err(InformationFault::TooMany("software")));
        let wrong = read(json!({ "entries_into_operation": [{ "document": "act.pdf" }] }));
        assert_eq!(wrong.check(), Err(InformationFault::Digest("act.pdf".into())));
        assert_eq!(Information::default().check(), Ok(()));
    }

    /// A4: the annex has fourteen kinds, and each has its place.
    #[test]
    fn each_of_the_fourteen_kinds_is_a_member_of_its_own() {
        for kind in InformationKind::ALL {
            let one = match kind {
                InformationKind::General | InformationKind::Technical | InformationKind::EndOfOperation => {
                    json!({})
                }
                _ => json!([{}]),
            };
            let said = read(json!({ kind.name(): one })).said();
            assert_eq!(said.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(), [kind]);
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
    }
}

//! The records of the fourteen kinds.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Bin, Category, Phase, Words};

/// 1: a system in general.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GeneralInformation {
    /// What it is for.
    pub purpose: Words,
    /// What it does.
    pub functions: Words,
    /// Which act has it made and run.
    pub legal_basis: Words,
    /// Who uses it.
    pub users: Words,
    /// How many use it.
    pub users_count: Option<u32>,
    /// The year in which it was made, or will be.
    pub year: Option<i16>,
    /// The resources formed and used within it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<ResourceUsed>,
}

/// A resource within a system.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResourceUsed {
    /// Its name.
    pub name: Words,
    /// What the system does with it.
    pub how: ResourceUse,
}

/// What a system does with a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ResourceUse {
    /// It forms it.
    Formed,
    /// It uses it.
    Used,
}

/// 2: a system technically.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TechnicalInformation {
    /// How it is built.
    pub architecture: Words,
    /// What it runs on.
    pub platform: Words,
    /// Where its data is kept.
    pub databases: Words,
    /// Where it stands.
    pub site: Words,
    /// With what it exchanges data, and how.
    pub interfaces: Words,
    /// How it is protected.
    pub protection: Words,
}

/// 3: an electronic information resource.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ResourceInformation {
    /// Its name.
    pub name: Words,
    /// What it holds.
    pub content: Words,
    /// Who owns it.
    pub owner: Option<Bin>,
    /// Who has and runs it.
    pub holder: Option<Bin>,
    /// Its category.
    pub category: Option<Category>,
    /// Where its data comes from.
    pub source: Words,
    /// How often it is brought up to date.
    pub updated: Words,
}

/// 4: software in the inventory.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SoftwareItem {
    /// Its name.
    pub name: Words,
    /// Who makes it.
    pub maker: Words,
    /// Its version.
    pub version: Words,
    /// Under which licence it is used.
    pub licence: Words,
    /// How many licences or copies.
    pub quantity: Option<u32>,
    /// What it does.
    pub description: Words,
}

/// 5: a component of the infrastructure in the inventory.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct InfrastructureItem {
    /// Its name and model.
    pub name: Words,
    /// Its number in the inventory.
    pub inventory_number: Words,
    /// How many.
    pub quantity: Option<u32>,
    /// Where it stands.
    pub site: Words,
    /// What it does.
    pub description: Words,
}

/// 6: an announcement of public procurement.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ProcurementNotice {
    /// Its number.
    pub number: Words,
    /// When it was published.
    pub published: Option<Date>,
    /// What is bought.
    pub subject: Words,
    /// How.
    pub method: Words,
}

/// 7: a contract of public procurement.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Contract {
    /// Its number.
    pub number: Words,
    /// When it was concluded.
    pub concluded: Option<Date>,
    /// With whom.
    pub supplier: Words,
    /// About what.
    pub subject: Words,
    /// For how much, in whole tenge.
    pub amount_tenge: Option<u64>,
}

/// 8: how a contract was performed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ContractOutcome {
    /// The contract's number.
    pub contract: Words,
    /// What was done.
    pub outcome: Words,
    /// The number of the act of acceptance.
    pub act_number: Words,
    /// When the act was signed.
    pub accepted: Option<Date>,
    /// SHA-256 of the act, in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
}

/// 9: an entry in the books.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BookEntry {
    /// What was done.
    pub operation: Option<AssetOperation>,
    /// When.
    pub on: Option<Date>,
    /// What it was done with.
    pub asset: Words,
    /// Its value in the books, in whole tenge.
    pub value_tenge: Option<u64>,
    /// On which paper.
    pub paper: Words,
}

/// What is done with what stands in the books.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AssetOperation {
    /// Entered.
    Entered,
    /// Valued anew.
    Revalued,
    /// Handed over to another holder.
    HandedOver,
    /// Written off.
    WrittenOff,
}

/// 10: results of a public investment project.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct InvestmentResult {
    /// The project.
    pub project: Words,
    /// The day up to which it is told.
    pub until: Option<Date>,
    /// What was done.
    pub works: Words,
    /// What was achieved.
    pub achieved: Words,
}

/// 11: an approval of documentation, or a change to it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DocumentChange {
    /// Which documentation.
    pub title: Words,
    /// Who approved it.
    pub approved_by: Words,
    /// When.
    pub approved: Option<Date>,
    /// What changed, where it is a change.
    #[serde(skip_serializing_if = "Words::is_empty")]
    pub change: Words,
    /// SHA-256 of the document, in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
}

/// 12: an entry into operation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EntryIntoOperation {
    /// Into which.
    pub phase: Option<Phase>,
    /// When.
    pub on: Option<Date>,
    /// The act's number.
    pub act_number: Words,
    /// SHA-256 of the act, in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
}

/// 13: a test or an attestation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TestOrAttestation {
    /// Which of both.
    pub kind: Option<TestKind>,
    /// What of the object.
    pub scope: Words,
    /// Who did it.
    pub by: Words,
    /// The number of its paper.
    pub number: Words,
    /// When.
    pub on: Option<Date>,
    /// What came of it.
    pub outcome: Words,
    /// SHA-256 of the paper, in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
}

/// Which of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TestKind {
    /// A test.
    Test,
    /// An attestation.
    Attestation,
}

/// 14: the end of operation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EndOfOperation {
    /// The last day.
    pub on: Option<Date>,
    /// Why.
    pub why: Words,
    /// What came in its place.
    #[serde(skip_serializing_if = "Words::is_empty")]
    pub successor: Words,
    /// SHA-256 of the act, in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
}

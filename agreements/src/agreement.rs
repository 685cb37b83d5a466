//! The agreement: the joint rules of two holders (Interaction 16-18) as typed fields.
//!
//! A draft may lack fields; [`crate::lint`] says which. What is signed is an [`AgreementText`], which lacks none.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    AccessPeriod, AgreementNumber, Basis, Bin, Category, CollectionPurpose, DataType, DataTypeId,
    Fingerprint, Operation, OperationId, Payload, Purpose, Signatures, SignedDocuments, SystemId, UserId,
    Way,
};

/// What two holders agree on: the seven fields of Interaction 17, and whom they bind.
///
/// A clause is shared by all agreements of a registry that have it in the same words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AgreementText {
    /// Its number.
    pub number: AgreementNumber,
    /// Its version; a change of content is a new one (B4).
    pub version: u32,
    /// The system that asks.
    pub consumer: SystemId,
    /// The system that answers.
    pub provider: SystemId,
    /// Interaction 17.1: data types, with operations and fields.
    #[schema(value_type = Vec<Grant>)]
    pub data: Arc<[Grant]>,
    /// Interaction 17.2: when.
    #[schema(value_type = AccessPeriod)]
    pub access_period: Arc<AccessPeriod>,
    /// Interaction 17.3: why.
    #[schema(value_type = Vec<NamedPurpose>)]
    pub purposes: Arc<[NamedPurpose]>,
    /// Interaction 17.4: by which acts.
    #[schema(value_type = Vec<Basis>)]
    pub basis: Arc<[Basis]>,
    /// Interaction 17.5: how accesses are accounted for.
    #[schema(value_type = Accounting)]
    pub accounting: Arc<Accounting>,
    /// Interaction 17.6: how information is restored after a failure of the exchange.
    #[schema(value_type = Recovery)]
    pub recovery: Arc<Recovery>,
    /// Interaction 17.7: protection measures.
    #[schema(value_type = Protection)]
    pub protection: Arc<Protection>,
    /// What personal data passes, where any does (Law 4.2.11, 5.12).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<PersonalDataClause>)]
    pub personal_data: Option<Arc<PersonalDataClause>>,
    /// Who must sign, by the name in their certificates; whoever signs for the holder where nobody is named.
    #[serde(default, skip_serializing_if = "Signers::is_empty")]
    pub signers: Signers,
    /// Documents under the signatures, by SHA-256 in hexadecimal (Portal 64-65).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
}

/// Who must sign for each side, where several do (Interaction 10).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Signers {
    /// For the consumer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consumer: Vec<String>,
    /// For the provider.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub provider: Vec<String>,
}

impl Signers {
    /// Whether nobody is named.
    pub fn is_empty(&self) -> bool {
        self.consumer.is_empty() && self.provider.is_empty()
    }

    /// Those of one side; nobody is named for the regulator.
    pub fn of(&self, side: Side) -> &[String] {
        match side {
            Side::Consumer => &self.consumer,
            Side::Provider => &self.provider,
            Side::Regulator => &[],
        }
    }
}

/// One data type that may pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// Which.
    pub data_type: DataTypeId,
    /// The version it was signed on.
    pub version: u32,
    /// The operations that are allowed.
    pub operations: Vec<OperationId>,
    /// The fields of a response that are released: JSON Pointers, `*` for any element or member. Others are withheld
    /// (B7).
    #[schema(value_type = Vec<String>)]
    pub fields: Arc<[String]>,
    /// What becomes of a response that holds more than these fields.
    #[serde(default, skip_serializing_if = "Excess::is_trimmed")]
    pub excess: Excess,
    /// The fields of a request's body that reach the provider, named as those of a response; where this is absent, all
    /// that the data type's schema lets be (B7).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    pub request_fields: Option<Arc<[String]>>,
    /// What becomes of a request that holds more than those.
    #[serde(default, skip_serializing_if = "Excess::is_trimmed")]
    pub request_excess: Excess,
}

impl Grant {
    /// What is wrong with what it says of requests, if anything is.
    pub(crate) fn requests_fault(&self, data_type: &DataType) -> Option<&'static str> {
        let Some(named) = &self.request_fields else {
            let says_nothing = self.request_excess == Excess::Refuse;
            return says_nothing.then_some("request_excess says nothing where no request_fields are named");
        };
        let has_json = |one: &Operation| one.request.as_ref().is_some_and(Payload::has_json);
        let mut agreed = data_type.operations.iter().filter(|one| self.operations.contains(&one.id));
        if named.is_empty() {
            return Some("name the fields of requests that pass, or leave request_fields out");
        }
        let some = agreed.any(has_json);
        (!some)
            .then_some("no operation that is agreed on takes JSON, of which request_fields would name parts")
    }
}

/// What becomes of a body that holds more than its agreement names (B7).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Excess {
    /// It is trimmed: who adds a field changes nothing for the other side.
    #[default]
    Trim,
    /// It is refused, and nothing of it passes.
    Refuse,
}

impl Excess {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
    fn is_trimmed(&self) -> bool {
        *self == Self::Trim
    }
}

/// A purpose in words, with the collection purpose that it serves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NamedPurpose {
    /// Its code, as `Kelisim-Purpose` names it.
    pub code: Purpose,
    /// The purpose in words.
    pub text: String,
    /// For personal data: the purpose it was collected for, which this one serves (Law 4.2.11).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collection_purpose: Option<CollectionPurpose>,
}

/// How accesses are accounted for (Interaction 17.5).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Accounting {
    /// When the answer may leave.
    #[serde(default)]
    pub answer_after: AnswerAfter,
    /// Whether each request must name its case.
    #[serde(default)]
    pub case: crate::Presence,
    /// How long the record is kept, in years.
    pub retention_years: u16,
    /// Each holder's own accounting, in words.
    pub text: String,
}

/// Which entry must be durable before the answer's last byte.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerAfter {
    /// The opening one, which always is.
    #[default]
    Opened,
    /// The closing one too.
    Completed,
}

/// How information is restored after a failure of the exchange (Interaction 17.6).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Recovery {
    /// Within how many hours.
    pub within_hours: u16,
    /// How, in words.
    pub text: String,
}

/// Protection measures (Interaction 17.7).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Protection {
    /// The category that the exchange is protected as; never below that of its data types (Interaction 4).
    pub category: Category,
    /// Whose requests pass.
    #[serde(default)]
    pub users: Users,
    /// How many requests may come.
    #[serde(default)]
    pub rate: Rate,
    /// How much may pass in a day; as much as the rate lets, where this is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<Volume>,
    /// Longest time in seconds for which a node may act on a registry that it could not confirm; the node's own
    /// lease holds where this is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_seconds: Option<u16>,
    /// For how many days a passed readiness check holds (B5); where this is absent, until a system changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readiness_days: Option<u16>,
    /// What must be signed by whoever sends it; nothing where this is absent (Portal 61-65; HR 12).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signatures: Option<Signatures>,
    /// Further measures, in words.
    pub text: String,
}

impl AgreementText {
    /// Whether only listed officials ask, or a person's consent is asked for each time: without, no personal data passes
    /// (B6, B7).
    pub fn limits_users(&self) -> bool {
        let consent = self.personal_data.as_ref().is_some_and(|clause| clause.consent.is_some());
        self.protection.users != Users::Any || consent
    }
}

impl Protection {
    /// Whether messages that pass this way must be signed.
    pub fn signs_messages(&self, way: Way) -> bool {
        self.signatures.as_ref().is_some_and(|asked| asked.messages.contains(&way))
    }

    /// How documents that pass this way must be signed, where they must.
    pub fn signed_documents(&self, way: Way) -> Option<&SignedDocuments> {
        let asked = self.signatures.as_ref()?.documents.as_ref()?;
        Some(asked).filter(|asked| asked.of.contains(&way))
    }
}

/// In whose name a system may ask (HR 20-21), the narrower the later.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Users {
    /// In its own, or that of any official it names.
    #[default]
    Any,
    /// Only of officials on the approved list.
    Listed,
    /// Only of officials on the approved list who hold a training certificate.
    ListedAndTrained,
}

impl Users {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
    pub(crate) fn is_any(&self) -> bool {
        *self == Self::Any
    }
}

/// Requests in a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// A second, sustained.
    pub per_second: u32,
    /// At once, after a pause.
    pub burst: u32,
}

impl Default for Rate {
    /// Ours: what one clerk's system needs; agreements for more say so.
    fn default() -> Self {
        Self { per_second: 50, burst: 100 }
    }
}

/// What may pass in a day of the Republic's calendar: one of the two at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Volume {
    /// Exchanges; as many as the rate lets, where this is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchanges_per_day: Option<u32>,
    /// Bytes of bodies that the consumer sends and gets; as many as pass, where this is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_per_day: Option<u64>,
}

impl Volume {
    /// What is wrong with it, if anything is.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        match (self.exchanges_per_day, self.bytes_per_day) {
            (None, None) => Some("a volume of what? Name exchanges_per_day or bytes_per_day"),
            (Some(0), _) | (_, Some(0)) => Some("a volume of zero allows nothing"),
            // RFC 8785: beyond this, a number is not signed as it is written.
            (_, Some(bytes)) if bytes > MOST_BYTES => Some("bytes_per_day: at most 9007199254740991"),
            _ => None,
        }
    }
}

/// The greatest whole number that JSON carries exactly everywhere.
const MOST_BYTES: u64 = (1 << 53) - 1;

/// What personal data passes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonalDataClause {
    /// What it was collected for (Law 4.2.11).
    pub collection_purpose: CollectionPurpose,
    /// The fields that are personal data, each with its item of the Government's list (Law 5.12).
    pub fields: Vec<PersonalField>,
    /// Whose consent each request needs; absent where the law or another basis is enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<ConsentClause>,
}

/// That personal data passes with the consent of the person only: a token for each request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsentClause {
    /// The systems whose tokens count: each signs with a certificate that is bound to it.
    pub issuers: Vec<SystemId>,
}

/// A field that is personal data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonalField {
    /// Where: a JSON Pointer, as in [`Grant::fields`].
    pub field: String,
    /// The item of the approved list that allows it.
    pub approved_list_item: String,
}

/// A document under the signatures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Attachment {
    /// What it is.
    pub title: String,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

/// Who signs, in the order in which they must (B4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// The head of the consumer's holder.
    Consumer,
    /// The head of the provider's holder.
    Provider,
    /// The regulator, who concurs.
    Regulator,
}

impl Side {
    /// The side's name, as signatures carry it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Consumer => "consumer",
            Self::Provider => "provider",
            Self::Regulator => "regulator",
        }
    }
}

/// A signature as the registry keeps it. Whoever acts on the agreement verifies it themselves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// For whom.
    pub side: Side,
    /// With which certificate.
    pub certificate: Fingerprint,
    /// Whose organisation the certificate names.
    pub bin: Bin,
    /// Whose name the certificate bears.
    pub signer: String,
    /// When, as the signature itself says.
    pub signed_at: Timestamp,
    /// The signature (RFC 7515, general serialization).
    pub jws: Value,
}

/// An official who may ask under an agreement (HR 20-21).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ListedUser {
    /// How requests name them.
    pub id: UserId,
    /// Their name.
    pub name: String,
    /// The duty that needs the data.
    pub duty: String,
    /// Their training certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training_certificate: Option<TrainingCertificate>,
}

/// That an official was trained for the exchange (HR 20-21, 26.9).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum TrainingCertificate {
    /// Its record.
    Recorded(TrainingRecord),
    /// Its number alone: on lists of earlier builds, whose signatures are over it.
    Number(String),
}

/// The record of a training certificate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TrainingRecord {
    /// Its number.
    pub number: String,
    /// When it was issued: its first day.
    pub issued: Date,
    /// Its last day.
    pub valid_until: Date,
}

impl TrainingCertificate {
    /// Its number.
    pub fn number(&self) -> &str {
        match self {
            Self::Recorded(record) => &record.number,
            Self::Number(number) => number,
        }
    }

    /// Its last day, where that is on record.
    pub fn valid_until(&self) -> Option<Date> {
        match self {
            Self::Recorded(record) => Some(record.valid_until),
            Self::Number(_) => None,
        }
    }
}

/// Where a version of an agreement stands (B9).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Drawn up; holders sign.
    Draft,
    /// Signed by both, before the regulator.
    Submitted,
    /// The regulator concurred: in force within its period.
    Concurred,
    /// The regulator refused.
    Refused,
    /// The regulator returned it for rework: the next version follows.
    Returned,
    /// A holder took it back from the regulator.
    Withdrawn,
    /// Stopped for a time.
    Suspended,
    /// Ended for good.
    Terminated,
    /// A newer version is in force.
    Superseded,
    /// Agreed once, and its period is over. Never recorded, but shown: it comes with the day.
    Expired,
}

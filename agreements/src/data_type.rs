//! Data types: what may be exchanged, with its operations, schemas and category.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{CollectionPurpose, DataTypeId, Documents, JsonText, OperationId, PathTemplate, SystemId};

/// Access category, from open to never (Interaction 4; Portal 3; Law 1.21).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Category {
    /// Open to everybody.
    Public,
    /// For those whom an agreement names.
    Restricted,
    /// For official use: its mark travels with it.
    OfficialUse,
    /// Personal data (Law 4.2): asked for by listed officials, or with consent.
    Personal,
    /// Personal data of a special kind, such as of health. Ours.
    Special,
    /// Confidential (Law 1.21).
    Confidential,
    /// A state secret: never passes (Portal 3).
    StateSecret,
}

impl Category {
    /// Whether it is one of personal data.
    pub fn is_personal(self) -> bool {
        match self {
            Self::Personal | Self::Special => true,
            Self::Public | Self::Restricted | Self::OfficialUse | Self::Confidential | Self::StateSecret => {
                false
            }
        }
    }
}

/// Methods an operation may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Reads.
    Get,
    /// Reads the head only.
    Head,
    /// Adds.
    Post,
    /// Replaces.
    Put,
    /// Changes.
    Patch,
    /// Removes.
    Delete,
}

impl Method {
    /// The method's name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// Whether asking twice does no more than asking once (RFC 9110 §9.2.2).
    pub fn is_idempotent(self) -> bool {
        match self {
            Self::Get | Self::Head | Self::Put | Self::Delete => true,
            Self::Post | Self::Patch => false,
        }
    }

    /// Whether asking changes nothing (RFC 9110 §9.2.1).
    pub fn is_safe(self) -> bool {
        match self {
            Self::Get | Self::Head => true,
            Self::Post | Self::Put | Self::Patch | Self::Delete => false,
        }
    }

    /// Reads a method's name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Get, Self::Head, Self::Post, Self::Put, Self::Patch, Self::Delete]
            .into_iter()
            .find(|method| method.as_str() == name)
    }
}

/// What a body may be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Payload {
    /// Its media type, without parameters; `*/*` where it is a document in one of several formats.
    #[serde(default = "json")]
    pub media_type: String,
    /// Its JSON Schema (draft 2020-12 unless `$schema` says 7), with what it refers to under `$defs`: nothing is fetched.
    /// Of its card, where documents come beside one. Left out only where the body is a document.
    #[serde(default, skip_serializing_if = "JsonText::is_null")]
    #[schema(value_type = Value)]
    pub schema: JsonText,
    /// Most bytes it may have. Default: 1 MiB (DESIGN, "The path of a call").
    #[serde(default = "one_mebibyte")]
    pub max_bytes: u64,
    /// The documents that it is or carries; absent where it is JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub documents: Option<Documents>,
}

impl Payload {
    /// Whether it is JSON, or has a card of it.
    pub fn has_json(&self) -> bool {
        !self.schema.is_null()
    }
}

/// A query parameter of an operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Whether it may be left out.
    #[serde(default)]
    pub presence: Presence,
    /// What its value must be: a JSON Schema whose `type` is string, integer, number or boolean. Without one any text
    /// passes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    pub schema: Option<JsonText>,
}

/// Whether something may be left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Presence {
    /// It may.
    #[default]
    Optional,
    /// It may not.
    Required,
}

/// Where the person whom the data is about is named, by their individual identification number (D4).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SubjectPlace {
    /// A place of the path template.
    Path(String),
    /// A query parameter.
    Query(String),
    /// A place of the request's body: a JSON Pointer, `*` for any element or member.
    Body(String),
    /// A place of the response's body, in the same form.
    Response(String),
}

/// A request that may be made at any time to see whether an operation answers as it should (B5): about nobody and
/// nothing real, and without effect.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SampleRequest {
    /// What stands in the places of the path.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub path: BTreeMap<String, String>,
    /// The query parameters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub query: BTreeMap<String, String>,
    /// The body, where the operation has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
}

/// One operation of a data type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// Its code.
    pub id: OperationId,
    /// Its method.
    pub method: Method,
    /// Its path, after `/{provider}/{data-type}`.
    pub path: PathTemplate,
    /// What stands in the places of its path, by name: schemas as [`Parameter::schema`]. Without one any text passes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = BTreeMap<String, Value>)]
    pub places: BTreeMap<String, JsonText>,
    /// Its query parameters; others do not pass.
    #[serde(default)]
    pub query: Vec<Parameter>,
    /// Where the subject is named; several are, where the place has a `*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<SubjectPlace>,
    /// What the request's body is; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Payload>,
    /// What the body of a successful response is; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<Payload>,
    /// The logical part of the resource that is read or written (Interaction 7).
    pub logical_part: String,
    /// What a readiness check may ask it; without one, only what reads and needs nothing to be named is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<SampleRequest>,
    /// What `Idempotency-Key` means to it; where it changes something and this is absent, the key is optional, and its
    /// provider does not look at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeats: Option<Repeats>,
}

/// What `Idempotency-Key` means to an operation that changes something (Interaction 17.6).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Repeats {
    /// Whether a request may come without a key.
    #[serde(default)]
    pub key: Presence,
    /// What its provider does with a key that it knows.
    #[serde(default)]
    pub provider: KeyAtProvider,
}

/// What a provider does with an `Idempotency-Key` that it knows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KeyAtProvider {
    /// It does the request again: the gateway never sends it twice.
    #[default]
    Ignored,
    /// It gives its first answer again: where the gateway does not know what became of a request, it may be sent once more.
    Honoured,
}

/// That a data type holds personal data, and what for it was collected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonalData {
    /// What it was collected for (Law 4.2.11).
    pub collection_purpose: CollectionPurpose,
}

/// A published version of a data type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DataType {
    /// Its code, unique within its provider.
    pub id: DataTypeId,
    /// Its version; agreements keep the one they were signed on.
    pub version: u32,
    /// Who provides it.
    pub provider: SystemId,
    /// Its title.
    pub title: String,
    /// Its category, set by the holder of the resource (Interaction 4).
    pub category: Category,
    /// Whether it holds personal data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub personal: Option<PersonalData>,
    /// Its operations.
    pub operations: Vec<Operation>,
}

impl Operation {
    /// Whether there can be something where the subject is said to be named.
    pub fn names_subject(&self) -> bool {
        let pointer = |text: &String| text.starts_with('/');
        let json = |body: &Option<Payload>| body.as_ref().is_some_and(|one| !one.schema.is_null());
        match &self.subject {
            None => true,
            Some(SubjectPlace::Path(name)) => self.path.has_place(name),
            Some(SubjectPlace::Query(name)) => self.query.iter().any(|one| one.name == *name),
            Some(SubjectPlace::Body(at)) => pointer(at) && json(&self.request),
            Some(SubjectPlace::Response(at)) => {
                pointer(at)
                    && json(&self.response)
                    && self.response.as_ref().is_none_or(|one| one.documents.is_none())
            }
        }
    }

    /// What is wrong with the schemas of its parameters, if anything is.
    pub fn parameters_fault(&self) -> Option<&'static str> {
        let schemas = self.places.values().chain(self.query.iter().filter_map(|one| one.schema.as_ref()));
        let scalar = |schema: &JsonText| {
            matches!(schema.value()["type"].as_str(), Some("string" | "integer" | "number" | "boolean"))
        };
        if !self.places.keys().all(|name| self.path.has_place(name)) {
            Some("it has a schema for a place that its path has not")
        } else if !schemas.clone().all(scalar) {
            Some("a parameter's schema has the type string, integer, number or boolean")
        } else {
            None
        }
    }

    /// What is wrong with the declared sample, if anything is.
    pub fn sample_fault(&self) -> Option<&'static str> {
        let sample = self.sample.as_ref()?;
        let named = |name: &String| self.query.iter().any(|one| one.name == *name);
        let lacks = |one: &Parameter| {
            one.presence == Presence::Required && !sample.query.contains_key(one.name.as_str())
        };
        if self.path.filled(&sample.path).is_none() {
            Some("its sample does not name what stands in each place of the path, and in no other")
        } else if !sample.query.keys().all(named) || self.query.iter().any(lacks) {
            Some("its sample lacks a parameter, or has one that the operation has not")
        } else if sample.body.is_some() != self.request.is_some() {
            Some("its sample has no body where the operation has one, or the other way round")
        } else {
            None
        }
    }
}

impl DataType {
    /// Whether it is about persons: by what it says itself, or by the category that it has now.
    pub fn holds_personal(&self, category: Category) -> bool {
        self.personal.is_some() || category.is_personal()
    }

    /// The operation that a method and decoded path segments mean.
    pub fn operation_at<S: AsRef<str>>(&self, method: Method, path: &[S]) -> Option<&Operation> {
        self.operations.iter().find(|operation| operation.method == method && operation.path.matches(path))
    }
}

fn json() -> String {
    "application/json".to_owned()
}

fn one_mebibyte() -> u64 {
    1 << 20
}

//! OpenAPI documents read as data types: what comes of one, to be looked at and published with `publish-data-type`.

use agreements::{Category, CommandName, DataTypeId, SystemId};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::{RefOr, Schema};

use super::asked::{Asked, Reply};
use super::operation::{Media, Operation};
use super::problem::Problem;
use super::shared::Shared;
use crate::import::{self, ImportError, LeftOut, Naming};

/// A document to be read as a data type.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ImportRequest {
    /// The document, OpenAPI 3.0 or 3.1: an object, or its text in JSON or YAML.
    #[schema(schema_with = object_or_text)]
    document: Value,
    /// Who provides the data type.
    provider: SystemId,
    /// Its code.
    id: DataTypeId,
    /// Its title; the document's where it is absent.
    #[schema(max_length = 200)]
    title: Option<String>,
    /// Its category.
    category: Category,
}

fn object_or_text() -> RefOr<Schema> {
    let of = |kind| ObjectBuilder::new().schema_type(kind);
    RefOr::T(Schema::OneOf(OneOfBuilder::new().item(of(Type::Object)).item(of(Type::String)).build()))
}

pub(super) fn operations() -> Vec<Operation> {
    let import = Operation::read(
        "import-data-type",
        "/v1/data-types/import",
        "Reads an OpenAPI document as a data type, and says what of it cannot be taken; publishes nothing",
        "systems",
        Media::named("Imported"),
        read,
    )
    .asking("ImportRequest")
    .entitled_to(CommandName::PublishDataType)
    .failing(&["document-unusable", "not-in-role"]);
    vec![import]
}

fn read(shared: &Shared, asked: &Asked) -> Result<Reply, Problem> {
    let ImportRequest { document, provider, id, title, category } = asked.json()?;
    let version = shared.newest(|registry| {
        let published = registry.published(&provider, &id);
        let newest = published.and_then(|known| known.versions.keys().last().copied());
        Ok(newest.unwrap_or(0).saturating_add(1))
    })?;
    let naming = Naming { provider, id, version, title, category };
    let imported = match &document {
        Value::String(text) => import::read(text.as_bytes(), naming),
        document => import::import(document, naming),
    };
    let imported = imported.map_err(|error| {
        let mut problem = Problem::new("document-unusable", error.to_string());
        if let ImportError::Nothing(left_out) = &error {
            let told = |one: &LeftOut| serde_json::to_value(one).ok();
            problem.problems = left_out.iter().filter_map(told).collect();
        }
        problem
    })?;
    Reply::json(&imported)
}

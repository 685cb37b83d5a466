//! The API's document (OpenAPI 3.1), made of the operations and the types themselves.

use std::collections::BTreeSet;

use agreements::Command;
use certs::sign::JwsSignature;
use serde_json::{Map, Value, json};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};

use super::operation::{Access, Media, Operation, header};
use super::problem::{self, ProblemDocument};
use super::{auth, certificates, grants, imports, public, readiness, reads, session, words};
use crate::api::explain;

/// Where it is.
pub(super) const PATH: &str = "/v1/openapi.json";

/// The document of all operations.
pub(super) fn document(operations: &[Operation]) -> Vec<u8> {
    let mut paths = Map::new();
    for operation in operations {
        // A place that takes the rest of the path is one of OpenAPI's all the same.
        let path = operation.path.replace("{*", "{");
        let at = paths.entry(path).or_insert_with(|| json!({}));
        at[operation.method.as_str().to_ascii_lowercase()] = described(operation);
    }
    paths.insert(PATH.to_owned(), json!({ "get": {
        "operationId": "openapi", "tags": ["public"], "summary": "Shows this document", "security": [],
        "responses": { "200": { "description": "This document", "content": { "application/json": { "schema": { "type": "object" } } } } },
    }}));
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Kelisim",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The registry of systems and agreements, and the record of exchanges. Changes are commands; what is read are resources. \
                Every problem has a stable code (RFC 9457). Lists come in pages; `at` shows the state at any date.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": {
            "schemas": schemas(),
            "securitySchemes": {
                "certificate": { "type": "mutualTLS", "description": "A client certificate that is bound to an operator, or to a system that is a portal; what is not read with GET needs the header kelisim-request as well" },
                "bearer": { "type": "http", "scheme": "bearer", "description": "A token, or a session handed over in the answer" },
                "session": { "type": "apiKey", "in": "cookie", "name": auth::COOKIE,
                    "description": "A session; what is not read with GET needs the header kelisim-request as well" },
            },
        },
    });
    // Map's keys are sorted: the document of the same program is the same, byte for byte.
    serde_json::to_vec_pretty(&document).unwrap_or_default()
}

fn described(operation: &Operation) -> Value {
    let (security, who) = match operation.access {
        Access::Public => (json!([]), "Anybody.".to_owned()),
        Access::Portals => (json!([{ "certificate": [] }]), "Systems that are portals.".to_owned()),
        Access::Roles(roles) => {
            let words: Vec<String> = roles
                .iter()
                .filter_map(|role| serde_json::to_value(role).ok()?.as_str().map(str::to_owned))
                .collect();
            (
                json!([{ "certificate": [] }, { "bearer": [] }, { "session": [] }]),
                format!("Roles: {}.", words.join(", ")),
            )
        }
    };
    let mark = auth::needs_mark(&operation.method, operation.access).then(|| header(auth::OURS, MARK));
    let parameters: Vec<Value> = operation
        .inputs
        .iter()
        .chain(&mark)
        .map(|input| {
            json!({
                "name": input.name,
                "in": input.place.as_str(),
                "required": input.place.as_str() == "path",
                "description": input.meaning,
                "schema": input.schema,
            })
        })
        .collect();
    let mut described = json!({
        "operationId": operation.id,
        "tags": [operation.part],
        "summary": operation.summary,
        "description": who,
        "security": security,
        "parameters": parameters,
        "responses": responses(operation),
    });
    if let Access::Roles(roles) = operation.access {
        described["x-roles"] = serde_json::to_value(roles).unwrap_or_default();
    }
    if operation.access == Access::Portals {
        described["x-systems"] = "portals".into();
    }
    if let Some(body) = &operation.body {
        described["requestBody"] = json!({ "required": true, "content": content(body) });
    }
    described
}

fn responses(operation: &Operation) -> Value {
    let mut responses = Map::new();
    let mut answer = json!({ "description": "Done" });
    if !operation.answer.types.is_empty() {
        answer["content"] = content(&operation.answer);
    }
    if let Some(other) = operation.otherwise {
        answer["content"][other] = json!({ "schema": { "type": "string" } });
    }
    if operation.inputs.iter().any(|input| input.name == "If-None-Match") {
        answer["headers"] = json!({ "ETag": { "description": "The tag of what is shown: of one thing, its own; of a list, the registry's revision", "schema": { "type": "string" } } });
        responses.insert("304".to_owned(), json!({ "description": "It is still so" }));
    }
    if operation.id == "keep-document" {
        responses.insert("204".to_owned(), json!({ "description": "It was kept before" }));
    }
    responses.insert(operation.status.to_string(), answer);
    // Each status that may come, with the codes that it may come with.
    let mut codes: BTreeSet<(u16, &str)> =
        COMMON.iter().chain(&operation.problems).map(|code| status(code)).collect();
    if operation.access != Access::Public {
        codes.extend(CALLERS.iter().map(|code| status(code)));
    }
    if operation.inputs.iter().any(|input| input.name == "If-Match") {
        codes.extend(WRITES.iter().map(|code| status(code)));
        codes.extend(agreements::CommandError::CODES.iter().map(|code| status(code)));
    }
    if operation.path.contains('{') {
        codes.insert(status("not-found"));
    }
    let statuses: BTreeSet<u16> = codes.iter().map(|(status, _)| *status).collect();
    for one in statuses {
        let named: Vec<&str> =
            codes.iter().filter(|(status, _)| *status == one).map(|(_, code)| *code).collect();
        let content =
            json!({ problem::MEDIA_TYPE: { "schema": { "$ref": "#/components/schemas/ProblemDocument" } } });
        responses.insert(one.to_string(), json!({ "description": named.join(", "), "content": content }));
    }
    Value::Object(responses)
}

fn status(code: &'static str) -> (u16, &'static str) {
    (words::row(code).status().as_u16(), code)
}

fn content(media: &Media) -> Value {
    Value::Object(
        media.types.iter().map(|one| ((*one).to_owned(), json!({ "schema": media.schema }))).collect(),
    )
}

fn schemas() -> Value {
    let mut all = Vec::new();
    let mut add = |named: (String, RefOr<Schema>), beside: fn(&mut Vec<(String, RefOr<Schema>)>)| {
        all.push(named);
        beside(&mut all);
    };
    macro_rules! add {
        ($($type:ty),* $(,)?) => { $( add((<$type as ToSchema>::name().into_owned(), <$type>::schema()), <$type>::schemas); )* };
    }
    add!(
        Command,
        agreements::Recorded,
        agreements::System,
        agreements::Agreement,
        agreements::OperatorAccess,
        agreements::DataType,
        agreements::SystemStatus,
        agreements::Stage,
        agreements::Template,
        agreements::Purpose,
        ProblemDocument,
        agreements::Filed,
        agreements::Accounted,
        agreements::Notice,
        agreements::ApplicationNumber,
        agreements::ObjectId,
        grants::AccessGrant,
        crate::versions::Differences,
        session::Login,
        session::Present,
        reads::SystemLine,
        reads::DataTypeSheet,
        reads::AgreementLine,
        reads::AgreementSheet,
        reads::LintRequest,
        reads::LintReport,
        reads::AgreementDiff,
        reads::CalendarYear,
        reads::DueDay,
        reads::TermList,
        reads::DeadlineLine,
        reads::TemplateSheet,
        agreements::TemplateStanding,
        agreements::Ruled,
        agreements::Protocol,
        agreements::Prescription,
        agreements::Delegation,
        public::PublicAgreement,
        explain::ExplainRequest,
        imports::ImportRequest,
        certificates::CertificateRequest,
        agreements::BoundCertificate,
        crate::import::Imported,
        readiness::ReadinessSheet,
        readiness::ReadinessRequest,
    );
    let mut schemas: Map<String, Value> = all
        .into_iter()
        .map(|(name, schema)| (name, serde_json::to_value(schema).unwrap_or_default()))
        .collect();
    schemas.insert(
        "Issued".to_owned(),
        json!({
            "type": "object",
            "required": ["revision", "events"],
            "properties": {
                "revision": { "type": "integer", "minimum": 0, "description": "The registry's revision now" },
                "events": { "type": "array", "items": { "$ref": "#/components/schemas/Recorded" } },
                "secret": { "type": "string", "description": "A token that was granted: shown once" },
            },
        }),
    );
    let text = || json!({ "type": "string", "maxLength": 131_072, "pattern": "^[A-Za-z0-9_-]*$" });
    schemas.insert("Jws".to_owned(), json!({
        "type": "object",
        "description": "One signature of a general JWS (RFC 7515 §7.2.1) over the canonical form of the agreement, detached",
        "required": ["protected", "signature"],
        "additionalProperties": false,
        "properties": { "protected": text(), "signature": text() },
    }));
    Value::Object(schemas)
}

const _: fn(&JwsSignature) -> &String = |jws| &jws.protected;

/// What the header says that a page of another site cannot send.
const MARK: &str = "Any text: with a session's cookie or a client certificate this is needed; with a bearer it is not. No page of \
                    another site can send it";

/// Problems of every operation.
const COMMON: &[&str] = &[
    "parameter-malformed",
    "header-malformed",
    "body-malformed",
    "timed-out",
    "body-too-large",
    "media-type",
    "busy",
    "registry-unavailable",
    "access-unavailable",
    "no-such-path",
    "method-not-allowed",
];

/// Problems of operations that ask who it is.
const CALLERS: &[&str] = &[
    "unauthenticated",
    "certificate-not-bound",
    "certificate-void",
    "not-in-role",
    "out-of-scope",
    "cross-site",
];

/// Problems of operations that change something.
const WRITES: &[&str] = &["precondition-failed", "idempotency-key-reused", "too-many-requests"];

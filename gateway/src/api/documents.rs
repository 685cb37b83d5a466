//! Documents: into the depositary as they come, out of it as they are read.

use std::collections::BTreeSet;
use std::sync::Arc;

use agreements::{Actor, CommandName, Role, Viewer};
use axum::body::Body;
use http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Method, Response, StatusCode};
use serde_json::{Map, Value, json};

use super::asked::{Asked, Reply};
use super::operation::{Access, Cost, Does, EVERYBODY, Input, Media, Operation, place};
use super::problem::Problem;
use super::reads::today;
use super::serve::{blocking, finish};
use super::shared::Shared;
use crate::office::{DepositError, Taken};
use crate::registry::Keeps as _;

pub(super) fn operations() -> Vec<Operation> {
    let document = |id: &str, method, summary: &str, does| Operation {
        id: id.to_owned(),
        method,
        path: "/v1/documents/{sha256}".to_owned(),
        summary: summary.to_owned(),
        part: "documents",
        access: Access::Roles(EVERYBODY),
        inputs: vec![name()],
        body: None,
        answer: Media::none(),
        otherwise: None,
        status: 200,
        problems: Vec::new(),
        cost: Cost::Usual,
        does,
    };
    vec![
        Operation {
            access: Access::Roles(FILING_ROLES),
            body: Some(Media { types: &["application/octet-stream"], schema: json!({}) }),
            status: 201,
            problems: vec!["digest-mismatch", "document-type", "body-too-large"],
            ..document(
                "keep-document",
                Method::PUT,
                "Keeps a document; the same one again changes nothing",
                Does::TakeDocument,
            )
        },
        Operation {
            answer: Media { types: &["*/*"], schema: json!({}) },
            problems: vec!["not-found", "document-changed"],
            ..document(
                "document",
                Method::GET,
                "Gives a document, if it is kept and unchanged",
                Does::GiveDocument,
            )
        },
    ]
}

/// Commands that name documents which were kept before.
const FILING: &[CommandName] = &[
    CommandName::SubmitApplication,
    CommandName::CorrectInformation,
    CommandName::FileDocument,
    CommandName::EndOperation,
    CommandName::RecordAttestation,
    CommandName::RecordQualityCertificate,
    CommandName::EnterProduction,
    CommandName::DraftAgreement,
    CommandName::SignProtocol,
    CommandName::RecordDelegation,
];

/// Roles that may issue some of them.
const FILING_ROLES: &[Role] =
    &[Role::HolderOfficer, Role::ServiceIntegrator, Role::RegionalOperator, Role::ResponsibleEmployee];

fn name() -> Input {
    place(
        "sha256",
        "SHA-256 of the document, in hexadecimal",
        json!({ "type": "string", "pattern": "^[0-9a-f]{64}$" }),
    )
}

/// Takes a document as it comes.
pub(super) async fn take(shared: &Shared, asked: &Asked, body: &mut Body) -> Result<Reply, Problem> {
    let sha256 = sha256(asked)?;
    let caller = asked.caller()?;
    // E4: a token that may change nothing fills no disk either.
    let mut filing = FILING.iter().map(|command| caller.may(*command));
    let first = filing.next().expect("there is such a command");
    filing.fold(first, Result::or)?;
    let _place = shared.places.documents.room(&caller.actor.id).await?;
    let patience = shared.config.head_timeout();
    let taken = shared.depositary.take(&sha256, body, patience).await?;
    shared.depositary.note_bringer(&sha256, &caller.actor.id).await?;
    let status = match taken {
        Taken::New => {
            tracing::info!("operator {} keeps document {sha256}", caller.actor.id);
            StatusCode::CREATED
        }
        Taken::Known => StatusCode::NO_CONTENT,
    };
    Ok(Reply::empty().status(status))
}

/// Gives a document as it is read, to whom it is to be seen; to others it is as if there were none.
pub(super) async fn give(shared: &Arc<Shared>, asked: &Asked) -> Result<Response<Body>, Problem> {
    let sha256 = sha256(asked)?;
    let actor = &asked.caller()?.actor;
    // While it is looked through: the body is sent at its reader's pace, and would keep the place for as long.
    let _place = shared.places.documents.room(&actor.id).await?;
    if !may_read(shared, actor, &sha256).await? {
        return Err(DepositError::Missing.into());
    }
    let given = shared.depositary.give(&sha256).await?;
    let mut response = finish(Ok(Reply::empty()), &asked.headers);
    *response.status_mut() = StatusCode::OK;
    *response.body_mut() = given.body;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(given.media_type));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(given.bytes));
    // Never shown as a page of ours.
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
    Ok(response)
}

/// E4: who brought a document may read it, and who sees something that names it.
async fn may_read(shared: &Arc<Shared>, actor: &Actor, sha256: &str) -> Result<bool, Problem> {
    if shared.depositary.was_brought_by(sha256, &actor.id).await? {
        return Ok(true);
    }
    let (shared, actor, sha256) = (Arc::clone(shared), actor.clone(), sha256.to_owned());
    blocking(move || is_seen(&shared, &actor, &sha256)).await
}

fn is_seen(shared: &Shared, actor: &Actor, sha256: &str) -> Result<bool, Problem> {
    shared.newest(|registry| Ok(Viewer::new(registry, actor, today()).sees_document(sha256)))
}

/// E4: nobody comes to see a document by naming it in something of their own. For those who may wait.
///
/// # Errors
/// `not-found`: a command names a document that is kept, and that the caller may not read.
pub(super) fn check_named(
    shared: &Shared,
    actor: &Actor,
    fields: &Map<String, Value>,
) -> Result<(), Problem> {
    let mut named = BTreeSet::new();
    fields.values().for_each(|value| digests(value, &mut named));
    if named.is_empty() {
        return Ok(());
    }
    let waiting = tokio::runtime::Handle::current();
    for sha256 in named {
        let depositary = &shared.depositary;
        let unknown = waiting.block_on(async {
            let brought = depositary.was_brought_by(sha256, &actor.id).await?;
            Ok::<_, DepositError>(!brought && depositary.keeps(sha256)?)
        });
        if unknown? && !is_seen(shared, actor, sha256)? {
            let detail =
                format!("document {sha256} was brought by others and is not yours to see: bring it too");
            return Err(Problem::new("not-found", detail));
        }
    }
    Ok(())
}

/// The texts in a value, however deep, that could name documents.
fn digests<'v>(value: &'v Value, found: &mut BTreeSet<&'v str>) {
    match value {
        Value::String(text) if is_digest(text) => drop(found.insert(text)),
        Value::Array(all) => all.iter().for_each(|one| digests(one, found)),
        Value::Object(all) => all.values().for_each(|one| digests(one, found)),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn sha256(asked: &Asked) -> Result<String, Problem> {
    let name: String = asked.place("sha256")?;
    if is_digest(&name) {
        Ok(name)
    } else {
        Err(Problem::new("not-found", "documents are named by 64 hexadecimal digits"))
    }
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

impl From<DepositError> for Problem {
    fn from(error: DepositError) -> Self {
        let code = match &error {
            DepositError::Size { .. } => "body-too-large",
            DepositError::Type => "document-type",
            DepositError::Other { .. } => "digest-mismatch",
            DepositError::CutOff => "body-malformed",
            DepositError::Stood { .. } => "timed-out",
            DepositError::Missing => "not-found",
            DepositError::Changed => "document-changed",
            DepositError::Io(_) | DepositError::Store(_) => {
                tracing::error!(error = %crate::telemetry::chain(&error), "the API cannot use the depositary");
                return Self::new("depositary-unavailable", "the depositary cannot be used now").after(5);
            }
        };
        Self::new(code, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// E4
    #[test]
    fn documents_are_kept_for_those_who_may_name_them() {
        for role in Role::ALL {
            let names = FILING.iter().any(|command| agreements::entitled(*command).contains(&role));
            assert_eq!(FILING_ROLES.contains(&role), names, "{role:?}");
        }
    }
}

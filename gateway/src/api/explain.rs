//! `explain` over HTTP: would a call pass, and why not.

use std::net::IpAddr;

use agreements::{Agreement, AgreementNumber, Book, Fingerprint, Method, Registry, Signed, SystemId};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::asked::{Asked, Reply};
use super::operation::{Media, Operation};
use super::problem::Problem;
use super::shared::Shared;
use crate::clock;
use crate::explain::Question;

/// A call that nobody made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExplainRequest {
    /// The system that asks,
    consumer: Option<SystemId>,
    /// or the certificate that it shows.
    certificate: Option<Fingerprint>,
    /// The system that is asked.
    provider: SystemId,
    /// The data type.
    #[schema(max_length = 64)]
    data_type: String,
    /// The method.
    #[serde(default = "get")]
    method: Method,
    /// The operation's path and query.
    #[serde(default = "root")]
    #[schema(max_length = 4096)]
    path: String,
    /// The purpose that is claimed.
    #[schema(max_length = 64)]
    purpose: Option<String>,
    /// The case that is claimed.
    #[schema(max_length = 256)]
    case: Option<String>,
    /// The official in whose name it asks.
    #[schema(max_length = 64)]
    user: Option<String>,
    /// The agreement, to choose among several.
    agreement: Option<AgreementNumber>,
    /// The address that it calls from; the first of its networks where it is absent.
    #[schema(value_type = Option<String>)]
    peer: Option<IpAddr>,
    /// When; now where it is absent. The registry is then as it was at that moment.
    at: Option<Timestamp>,
}

pub(super) fn operations() -> Vec<Operation> {
    let answer = Media::json(json!({
        "type": "object",
        "required": ["decision", "at", "revision"],
        "properties": {
            "decision": { "enum": ["permit", "refuse"] },
            "at": { "type": "string", "format": "date-time" },
            "revision": { "type": "integer", "minimum": 0 },
            "code": { "type": "string", "description": "Of a refusal: the one that the exchange face would answer" },
            "agreement": { "type": "string", "description": "Of a permit: the agreement that allows the call" },
        },
    }));
    let explain = Operation::read(
        "explain",
        "/v1/explain",
        "Says whether a call would pass, and why not: at any moment, without making it",
        "agreements",
        answer,
        ask,
    )
    .asking("ExplainRequest")
    .failing(&["unexplained", "not-found"]);
    vec![explain]
}

fn ask(shared: &Shared, asked: &Asked) -> Result<Reply, Problem> {
    let request: ExplainRequest = asked.json()?;
    let caller = asked.caller()?;
    if request.consumer.is_none() == request.certificate.is_none() {
        return Err(Problem::new("unexplained", "name the consumer, or the certificate that it shows"));
    }
    let at = request.at;
    let now = clock::now();
    if at.is_some_and(|at| at > now) {
        return Err(Problem::new(
            "unexplained",
            "at is still to come: what the registry will hold is not known",
        ));
    }
    let question = Question {
        consumer: request.consumer,
        certificate: request.certificate,
        provider: request.provider.to_string(),
        data_type: request.data_type,
        method: request.method,
        path: request.path,
        purpose: request.purpose,
        case: request.case,
        user: request.user,
        agreement: request.agreement.map(|number| number.to_string()),
        peer: request.peer,
    };
    let eyes = super::reads::eyes(shared, &caller.actor)?;
    let registry = shared.registry_at(at)?;
    let registry = &*registry;
    // What one may not see one may not find out by asking either.
    let viewer = eyes.on(registry);
    let asks = question.consumer.as_ref().or_else(|| registry.bound_to(question.certificate.as_ref()?));
    let sides = [asks, Some(&request.provider)];
    let seen =
        sides.into_iter().flatten().filter_map(|id| registry.system(id)).any(|one| viewer.sees_system(one));
    if !seen {
        return Err(Problem::new("not-found", "neither side is yours to see"));
    }
    let at = at.unwrap_or(now);
    let view = shared.views.newest();
    let explained = if view.book.revision() == registry.revision() {
        // The very book that calls are decided on.
        question.ask(registry, &view.book, at)
    } else {
        let between = Between { consumer: asks, provider: &request.provider };
        let _alone = shared.past.alone()?;
        question.ask(registry, &between.book(shared, registry, now)?, at)
    };
    let explained = explained.map_err(|error| Problem::new("unexplained", error.to_string()))?;
    Reply::json(&explained.json(registry, at))
}

/// The two sides of a call.
struct Between<'q> {
    consumer: Option<&'q SystemId>,
    provider: &'q SystemId,
}

impl Between<'_> {
    /// A book for calls between them, of a registry that is not the one in force: the time and memory of a whole one.
    /// Signatures are judged with the revocation lists that there are: today's, whatever day is asked about; and only those
    /// of agreements that the call could stand on.
    fn book(&self, shared: &Shared, registry: &Registry, now: Timestamp) -> Result<Book, Problem> {
        let proofs = shared.proofs()?;
        let meant = |agreement: &Agreement| {
            let header = &agreement.header;
            header.provider == *self.provider && self.consumer.is_some_and(|id| *id == header.consumer)
        };
        Ok(Book::new(registry, shared.environment, &|signed| {
            let meant = match signed {
                Signed::Agreement(agreement) => meant(agreement),
                Signed::Users(approved) => registry.versions(&approved.list.agreement).any(meant),
                Signed::Ruling(agreement, _) => meant(agreement),
                Signed::Delegation(_)
                | Signed::Prescription(_)
                | Signed::Lifting(_)
                | Signed::Protocol(_) => true,
            };
            if meant { proofs.prove(signed, registry, now) } else { Ok(()) }
        }))
    }
}

fn get() -> Method {
    Method::Get
}

fn root() -> String {
    "/".to_owned()
}

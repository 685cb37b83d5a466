//! Commands over HTTP: one operation for each, made of the command's own schema; whoever adds a command adds its route.

use agreements::{Command, CommandName, Recorded, entitled, with_papers};
use aws_lc_rs::digest::{Context, SHA256};
use http::Method;
use http::header::IF_MATCH;
use serde_json::{Map, Value, json};
use utoipa::PartialSchema;

use super::asked::{Asked, Reply, read};
use super::auth::Caller;
use super::operation::{Access, Cost, Does, Media, Operation, header, named};
use super::problem::Problem;
use super::shared::Shared;
use super::tag::{self, Expected};
use super::{documents, grants, signing};
use crate::clock;
use crate::registry::{Issued, Once};

/// An operation for each command.
pub(super) fn operations() -> Vec<Operation> {
    let schema = serde_json::to_value(Command::schema()).unwrap_or_default();
    let variants = schema["oneOf"].as_array().cloned().unwrap_or_default();
    CommandName::all().zip(variants).map(|(name, variant)| operation(name, &variant)).collect()
}

fn operation(name: CommandName, variant: &Value) -> Operation {
    let summary = variant["description"].as_str().unwrap_or_default();
    let mut body = variant["properties"][name.as_str()].clone();
    let mut put = |field: &str, schema: Value, old: &str| {
        if let Some(fields) = body["properties"].as_object_mut() {
            fields.remove(old);
            fields.insert(field.to_owned(), schema);
        }
        if let Some(required) = body["required"].as_array_mut() {
            required.retain(|known| known != old);
            required.push(field.into());
        }
    };
    put(
        "reason",
        json!({
            "type": "string", "minLength": 1, "maxLength": MOST_REASON, "pattern": "\\S",
            "description": "Why: stands in the history",
        }),
        "reason",
    );
    let mut problems = vec!["not-in-role", "not-yours", "unknown", "no-reason"];
    if signing::form(name).is_some() {
        put("jws", named("Jws"), "signature");
        problems.extend(signing::CODES);
    }
    match name {
        CommandName::DraftAgreement => {
            let said = "The agreement; its canonical form (RFC 8785), as the answer has it, is what is signed: the systems' \
                        attestations and quality certificates are added to its attachments";
            put("document", json!({ "type": "object", "description": said }), "document");
        }
        CommandName::GrantAccess => {
            put("access", named("AccessGrant"), "access");
            problems.extend(["password-unfit", "old-password-wrong", "locked-out"]);
        }
        _ => {}
    }
    Operation {
        id: name.as_str().to_owned(),
        method: Method::POST,
        path: format!("/v1/commands/{}", name.as_str()),
        summary: summary.trim_end_matches('.').to_owned(),
        part: "commands",
        access: Access::Roles(entitled(name)),
        inputs: vec![
            header(
                "If-Match",
                "An ETag that was given: the command is refused with 412 if what was shown with it is no longer so. The tag \
                 of one thing goes by that thing alone; the tag of a list or of a command's answer, by the whole registry",
            ),
            header(
                "Idempotency-Key",
                "1 to 128 visible characters: the same request under the same key is carried out once, and answered alike \
                 for a day; but for what bears a password, of which nothing is kept",
            ),
        ],
        body: Some(Media::json(body)),
        answer: Media::named("Issued"),
        otherwise: None,
        status: 200,
        problems,
        cost: if name == CommandName::GrantAccess { Cost::Hashes } else { Cost::Usual },
        does: Does::Issue(name),
    }
}

/// Carries a command out, or says what it answered when it was asked for under the same key: keys stand in the registry
/// with the events, so that a crash leaves both or neither.
///
/// # Errors
/// Whatever the rules, the registry and the access store find.
pub(super) fn issue(
    shared: &Shared,
    asked: &Asked,
    name: CommandName,
    operation: &Operation,
    operations: &[Operation],
) -> Result<Reply, Problem> {
    let caller = asked.caller()?;
    let once = if bears_password(name, asked) { None } else { once(asked, caller, operation)? };
    // Before the request is looked into: what was done is answered alike, whatever has become of it since.
    if let Some(done) = once.as_ref().map(|once| shared.done(once)).transpose()?.flatten() {
        return answer(&done, None);
    }
    match tag::expected(&asked.headers)? {
        Expected::Any => carry_out(shared, asked, caller, name, None, once.as_ref()),
        Expected::Revision(revision) => carry_out(shared, asked, caller, name, Some(revision), once.as_ref()),
        Expected::Shown { tag } => {
            for _ in 0..ATTEMPTS {
                // The command stands on the very revision at which what was read is still so.
                let revision = tag::still(shared, asked, operations, &tag)?;
                match carry_out(shared, asked, caller, name, Some(revision), once.as_ref()) {
                    // Something else changed in between.
                    Err(problem) if problem.code == "precondition-failed" => {}
                    ended => return ended,
                }
            }
            Err(Problem::new("busy", "others kept changing the registry").after(1))
        }
    }
}

fn carry_out(
    shared: &Shared,
    asked: &Asked,
    caller: &Caller,
    name: CommandName,
    expected: Option<u64>,
    once: Option<&Once>,
) -> Result<Reply, Problem> {
    let mut fields: Map<String, Value> = asked.json()?;
    let reason = reason(&mut fields)?;
    documents::check_named(shared, &caller.actor, &fields)?;
    let (command, grant) = match (signing::form(name), name) {
        (Some(form), name) => (signing::command(shared, name, form, fields)?, None),
        (None, CommandName::DraftAgreement) => (draft(shared, fields)?, None),
        (None, CommandName::GrantAccess) => {
            let (command, grant) = grants::command(fields)?;
            (command, Some(grant))
        }
        // Whoever adds a command that is signed says above what is: facts about a signature are never taken.
        (None, _) if fields.contains_key("signature") => {
            return Err(Problem::new("body-malformed", "unknown field `signature`"));
        }
        (None, name) => (plain(name, fields)?, None),
    };
    let proof = |grant| grants::before(shared, asked, caller, &command, grant);
    let secret = grant.as_ref().map(proof).transpose()?;
    let issued = match once {
        None => shared.issue(command, caller, &reason, expected)?,
        Some(once) => match shared.issue_once(once, command, caller, &reason, expected)? {
            Issued::Now(events) => events,
            // A secret is shown once, and never kept.
            Issued::Before(events) => return answer(&events, None),
        },
    };
    let secret = match (grant, secret) {
        (Some(grant), Some(secret)) => grants::after(shared, &grant, secret, &issued)?,
        _ => None,
    };
    answer(&issued, secret)
}

/// A command as its fields say.
pub(super) fn plain(name: CommandName, fields: Map<String, Value>) -> Result<Command, Problem> {
    // The place within the fields is what the asker knows.
    let wire = Value::Object(Map::from_iter([(name.as_str().to_owned(), Value::Object(fields))]));
    read(wire).map_err(|mut problem: Problem| {
        let within = format!("{}.", name.as_str());
        problem.detail = problem.detail.strip_prefix(&within).unwrap_or(&problem.detail).to_owned();
        problem
    })
}

fn draft(shared: &Shared, mut fields: Map<String, Value>) -> Result<Command, Problem> {
    let document = fields.remove("document").filter(Value::is_object);
    let document = document
        .ok_or_else(|| Problem::new("body-malformed", "document: an object that is the agreement"))?;
    // B3: what goes to the regulator with an agreement is under its signatures.
    let document = shared.newest(|registry| Ok(with_papers(document, registry)))?;
    let canonical = certs::sign::canonical(&document)
        .map_err(|error| Problem::new("body-malformed", format!("document: {error}")))?;
    fields.insert("document".into(), String::from_utf8_lossy(&canonical).into());
    plain(CommandName::DraftAgreement, fields)
}

fn reason(fields: &mut Map<String, Value>) -> Result<String, Problem> {
    match fields.remove("reason") {
        Some(Value::String(reason)) if !reason.trim().is_empty() => {
            if reason.chars().count() > MOST_REASON {
                return Err(Problem::new(
                    "body-malformed",
                    format!("reason: at most {MOST_REASON} characters"),
                ));
            }
            Ok(reason)
        }
        None | Some(Value::String(_)) => Err(agreements::CommandError::NoReason.into()),
        Some(_) => Err(Problem::new("body-malformed", "reason: a text")),
    }
}

fn answer(recorded: &[Recorded], secret: Option<String>) -> Result<Reply, Problem> {
    let revision = recorded.last().map_or(0, |event| event.sequence);
    let mut body = json!({ "revision": revision, "events": recorded });
    if let Some(secret) = secret {
        body[SECRET] = secret.into();
    }
    Ok(Reply::json(&body)?.of(revision))
}

/// Whether a request bears a password. Then no key holds: what is kept of it would be a way to guess the password, and an
/// answer from before would say that it was kept where that failed. The same password twice harms nobody.
fn bears_password(name: CommandName, asked: &Asked) -> bool {
    let given = || serde_json::from_slice::<Value>(&asked.body).unwrap_or_default();
    name == CommandName::GrantAccess && given().pointer("/access/password").is_some()
}

/// The request as one that is carried out once, if it bears a key.
fn once(asked: &Asked, caller: &Caller, operation: &Operation) -> Result<Option<Once>, Problem> {
    let Some(key) = key(asked)? else { return Ok(None) };
    let mut request = Context::new(&SHA256);
    let precondition = asked.headers.get(IF_MATCH).map_or(&b""[..], |value| value.as_bytes());
    for part in [operation.path.as_bytes(), precondition, &asked.body] {
        request.update(&(part.len() as u64).to_be_bytes());
        request.update(part);
    }
    let mut digest = [0; 32];
    digest.copy_from_slice(request.finish().as_ref());
    let operator = caller.actor.id.to_string();
    Ok(Some(Once { operator, key: key.to_owned(), request: digest, at: clock::now() }))
}

/// draft-ietf-httpapi-idempotency-key-header, without the quotes that few send.
fn key(asked: &Asked) -> Result<Option<&str>, Problem> {
    let Some(value) = asked.headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().ok().map(|text| text.trim_matches('"'));
    key.filter(|key| (1..=128).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()))
        .map(Some)
        .ok_or_else(|| Problem::new("header-malformed", "Idempotency-Key: 1 to 128 visible characters"))
}

/// How often a command is carried out anew when what it does not depend on changed first.
const ATTEMPTS: u32 = 16;

const MOST_REASON: usize = 500;

const SECRET: &str = "secret";

//! The history: what happened, who did it, when and why.

use agreements::{OperatorId, Recorded, Viewer};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::asked::{Asked, Reply};
use super::super::operation::{Operation, named, parameter};
use super::super::problem::Problem;
use super::super::shared::Shared;
use super::super::visibility::sees_event;
use super::{paging, today};

pub(super) fn operations() -> Vec<Operation> {
    let moment = || json!({ "type": "string", "format": "date-time" });
    let number = |least: u32, most: u64| json!({ "type": "integer", "minimum": least, "maximum": most });
    let inputs = [
        parameter("after", "Events after this number", number(0, LAST)),
        parameter("limit", "How many at most", number(1, MOST as u64)),
        parameter("actor", "What an operator did", named("OperatorId")),
        parameter(
            "event",
            "Events of a kind, such as agreement-signed",
            json!({ "type": "string", "maxLength": 64 }),
        ),
        parameter("from", "Not before", moment()),
        parameter("until", "Not after", moment()),
        parameter(
            "about",
            "Events that name this: a system, an agreement, a BIN",
            json!({ "type": "string", "maxLength": 64 }),
        ),
    ];
    vec![
        Operation::read(
            "list-events",
            "/v1/events",
            "Lists what happened, who did it, when and why; the cursor is the number of the last event looked at",
            "history",
            paging::media(named("Recorded")),
            events,
        )
        .with(inputs),
    ]
}

fn events(shared: &Shared, asked: &Asked) -> Result<Reply, Problem> {
    let limit = asked.parameter("limit")?.unwrap_or(USUAL);
    if !(1..=MOST).contains(&limit) {
        return Err(Problem::new("parameter-malformed", format!("limit: 1 to {MOST}")));
    }
    let mut after: u64 = asked.parameter("after")?.unwrap_or(0);
    if after > LAST {
        return Err(Problem::new("parameter-malformed", "after: no such number"));
    }
    let wanted = Wanted {
        actor: asked.parameter("actor")?,
        event: asked.parameter("event")?,
        from: asked.parameter("from")?,
        until: asked.parameter("until")?,
        about: asked.parameter("about")?,
    };
    let caller = asked.caller()?;
    // What is still to come cannot be read after.
    let last = shared.newest(|registry| Ok(registry.revision()))?;
    let (mut shown, mut ended) = (Vec::new(), after >= last);
    let begun_after = after;
    while shown.len() < limit && !ended && after - begun_after < MOST_LOOKED_AT {
        let read = shared.history(after, PAGE)?;
        ended = read.len() < PAGE;
        shared.newest(|registry| {
            let viewer = Viewer::new(registry, &caller.actor, today());
            for recorded in read {
                if shown.len() == limit {
                    ended = false;
                    break;
                }
                after = recorded.sequence;
                if wanted.is(&recorded) && sees_event(registry, &viewer, &caller.actor, &recorded) {
                    shown.push(recorded);
                }
            }
            Ok(())
        })?;
    }
    let revision = shared.newest(|registry| Ok(registry.revision()))?;
    let next = (after < revision).then(|| after.to_string());
    Ok(Reply::json(&json!({ "items": shown, "next": next, "revision": revision }))?.of(revision))
}

/// What is looked for.
struct Wanted {
    actor: Option<OperatorId>,
    event: Option<String>,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
    about: Option<String>,
}

impl Wanted {
    fn is(&self, recorded: &Recorded) -> bool {
        let in_time = self.from.is_none_or(|from| recorded.at >= from)
            && self.until.is_none_or(|until| recorded.at <= until);
        if !in_time || self.actor.as_ref().is_some_and(|actor| recorded.actor.id != *actor) {
            return false;
        }
        if self.event.is_none() && self.about.is_none() {
            return true;
        }
        let Ok(said) = serde_json::to_value(&recorded.event) else { return false };
        self.event.as_ref().is_none_or(|event| said["event"] == **event)
            && self.about.as_ref().is_none_or(|about| names(&said, about))
    }
}

/// Whether a value is named anywhere in an event, also in the document of an agreement.
fn names(said: &Value, about: &str) -> bool {
    match said {
        Value::String(text) => {
            text == about
                || (text.starts_with('{')
                    && serde_json::from_str::<agreements::Header>(text).is_ok_and(|header| {
                        [header.number.as_str(), header.consumer.as_str(), header.provider.as_str()]
                            .contains(&about)
                    }))
        }
        Value::Array(items) => items.iter().any(|item| names(item, about)),
        Value::Object(fields) => fields.iter().any(|(name, value)| name != "jws" && names(value, about)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

const USUAL: usize = 50;
const MOST: usize = 200;

/// Events read at once, and looked at for one request: beyond, the cursor says where to go on.
const PAGE: usize = 1_000;
const MOST_LOOKED_AT: u64 = 100_000;

/// What JSON's readers hold exactly (RFC 8259 §6).
const LAST: u64 = (1 << 53) - 1;

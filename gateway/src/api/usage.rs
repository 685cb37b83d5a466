//! The feed "who used my data", in the form of Estonia's Data Tracker: asked by portals in a person's name (D4).
//!
//! Who asks is a registered system in good standing, known by its certificate, that the configuration names. Each look is
//! written down before anything is shown, with the person as keyed hashes.

use std::path::Path;

use agreements::{Registry, SystemId, almaty, end_of, is_iin, stands, start_of};
use certs::VerifiedChain;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use serde_json::{Value, json};

use super::asked::{Asked, Reply};
use super::operation::{Access, Media, Operation, Place, parameter};
use super::problem::Problem;
use super::record::{PART, broken, index, unavailable};
use super::shared::Shared;
use crate::clock;
use crate::exchange_index::{Journal, Query, Searched, Sought, Viewer};
use crate::exchange_log::{Opening, Record};
use crate::subject_keys::{Share, Shares};

pub(super) fn operations() -> Vec<Operation> {
    let moment = || json!({ "type": "string", "anyOf": [{ "format": "date" }, { "format": "date-time" }] });
    let count = |most: usize, usual: usize| json!({ "type": "integer", "minimum": 0, "maximum": most, "default": usual });
    let mut find = Operation::read(
        "find-usage",
        "/v2/findUsage",
        "Tells a portal who used the data of the person in whose name it asks, newest first; every look is written down",
        PART,
        Media::json(schema()),
        find,
    )
    .with([
        parameter("userCode", "The person's identification number (IIN); must be given", json!({ "type": "string", "pattern": "^[0-9]{12}$" })),
        parameter("periodStart", "Used then or later: a day in Almaty, or a moment", moment()),
        parameter("periodEnd", "Used before the end of that day, or before that moment", moment()),
        parameter("offset", "How many of the newest to pass over", count(MOST_OFFSET, 0)),
        parameter("limit", "How many to tell at most", count(MOST, USUAL)),
    ])
    .failing(&["record-unavailable"]);
    // What grows all the time has no ETag.
    find.inputs.retain(|input| input.place != Place::Header);
    find.access = Access::Portals;
    vec![find]
}

/// One use of a person's data.
#[derive(Debug, Serialize)]
struct Usage {
    /// When.
    logtime: Timestamp,
    /// What for, in words.
    action: String,
    /// BIN of whose system it was.
    #[serde(rename = "receiverCode")]
    receiver_code: String,
    /// What that organisation is called.
    #[serde(rename = "receiverName")]
    receiver_name: String,
    /// The system that asked.
    #[serde(rename = "receiverSystem")]
    receiver_system: String,
}

fn find(shared: &Shared, asked: &Asked) -> Result<Reply, Problem> {
    let portal = asked.portal.as_ref().ok_or_else(nobody)?;
    let wrong = |why: &str| Problem::new("parameter-malformed", why.to_owned());
    let person: String = asked.parameter("userCode")?.ok_or_else(|| wrong("userCode: must be given"))?;
    // Never repeated: a wrong digit may make it somebody else's.
    if !is_iin(&person) {
        return Err(wrong("userCode: no individual identification number"));
    }
    let from = bound(asked, "periodStart", |day| start_of(day, &almaty()))?;
    let to = bound(asked, "periodEnd", |day| end_of(day, &almaty()))?;
    if from.zip(to).is_some_and(|(from, to)| from >= to) {
        return Err(wrong("periodStart: not before periodEnd"));
    }
    let (offset, limit) =
        (asked.parameter("offset")?.unwrap_or(0), asked.parameter("limit")?.unwrap_or(USUAL));
    if offset > MOST_OFFSET || limit > MOST {
        return Err(wrong(&format!("offset: at most {MOST_OFFSET}; limit: at most {MOST}")));
    }
    let mut hashes = shared.subjects.hashes(&person);
    if let Some(folder) = &shared.usage.shares {
        hashes.extend(given(folder)?.iter().map(|shares| shares.hash(&person)));
        hashes.sort();
        hashes.dedup();
    }
    let query = Query { from, to, subjects: Some(hashes), ..Query::default() };
    let index = index(shared)?;
    let searched = Searched {
        at: clock::now(),
        operator: None,
        via: &format!("api:system={portal} from {}", asked.address),
        reason: "findUsage",
        viewer: &Viewer::All,
        query: Sought::Query(&query),
    };
    Journal::at(&shared.record.searches).record(&searched).map_err(unavailable)?;
    let hidden: Vec<String> = shared.usage.hidden_purposes.iter().map(ToString::to_string).collect();
    let uses = index.uses(&query, &hidden, offset, limit).map_err(|error| broken(&error))?;
    let usages = shared.newest(|registry| {
        let told = uses.hits.iter().filter_map(|hit| match &hit.entry.record {
            Record::Opening(opening) => Some(told(registry, opening)),
            Record::Refused(_) | Record::Closing { .. } | Record::Segment(_) => None,
        });
        Ok(told.collect::<Vec<_>>())
    })?;
    Reply::json(&json!({ "totalUsages": uses.total, "usages": usages }))
}

/// A bound of the period: a day, or a moment.
fn bound(
    asked: &Asked,
    name: &str,
    of: impl FnOnce(Date) -> Timestamp,
) -> Result<Option<Timestamp>, Problem> {
    let Some(text) = asked.parameter::<String>(name)? else { return Ok(None) };
    let moment = text.parse::<Timestamp>().ok();
    let read = moment.or_else(|| text.parse::<Date>().ok().map(of));
    let wrong =
        || Problem::new("parameter-malformed", format!("{name}: neither a day nor an RFC 3339 moment"));
    read.map(Some).ok_or_else(wrong)
}

fn told(registry: &Registry, opening: &Opening<'_>) -> Usage {
    let agreement = opening.agreement.parse().ok();
    let agreement = agreement.and_then(|number| registry.agreement(&number, opening.agreement_version));
    let text = agreement.and_then(|agreement| agreement.text.as_ref());
    let purpose = text.and_then(|text| text.purposes.iter().find(|one| one.code.as_str() == opening.purpose));
    let holder = opening.consumer_holder.parse().ok().and_then(|bin| registry.holder(bin));
    Usage {
        logtime: opening.at,
        action: purpose.map_or_else(|| opening.purpose.to_string(), |purpose| purpose.text.clone()),
        receiver_code: opening.consumer_holder.to_string(),
        receiver_name: holder.map_or_else(String::new, |holder| holder.name.clone()),
        receiver_system: opening.consumer.to_string(),
    }
}

/// The shares of periods that are over, as both parties gave them for the feed.
fn given(folder: &Path) -> Result<Vec<Shares>, Problem> {
    let listed = std::fs::read_dir(folder).map_err(unavailable)?;
    let mut shares = Vec::new();
    for entry in listed {
        let path = entry.map_err(unavailable)?.path();
        if path.extension().is_some_and(|extension| extension == "share") {
            shares.push(Share::read(&path).map_err(unavailable)?);
        }
    }
    Shares::pair(shares).map_err(unavailable)
}

/// The portal that a certificate proves, if the configuration lets it ask.
///
/// # Errors
/// `unauthenticated`, `certificate-void`, `not-a-portal`.
pub(super) fn portal(
    shared: &Shared,
    chain: Option<&VerifiedChain>,
    address: std::net::IpAddr,
) -> Result<SystemId, Problem> {
    let (chain, now) = (chain.ok_or_else(nobody)?, clock::now());
    let void = |untrusted: certs::Untrusted| Problem::new("certificate-void", untrusted.to_string());
    shared.trust.status(chain, now).map_err(void)?;
    let unconfirmed =
        |error: crate::registry::Unconfirmed| Problem::new("registry-unavailable", error.to_string());
    let view = shared.views.current().map_err(unconfirmed)?;
    // A1: as for any exchange.
    let page = stands(&view.book, &chain.fingerprint(), address, now)
        .map_err(|denial| Problem::new("not-a-portal", denial.to_string()))?;
    let id = &page.system.card.id;
    if shared.usage.portals.contains(id) {
        return Ok(id.clone());
    }
    Err(Problem::new("not-a-portal", format!("{id} is not among usage.portals of the configuration")))
}

fn nobody() -> Problem {
    Problem::new("unauthenticated", "show the certificate of a portal")
}

fn schema() -> Value {
    let text = |what: &str| json!({ "type": "string", "description": what });
    json!({
        "type": "object",
        "required": ["totalUsages", "usages"],
        "properties": {
            "totalUsages": { "type": "integer", "minimum": 0, "description": "How many there are in the period" },
            "usages": { "type": "array", "items": {
                "type": "object",
                "required": ["logtime", "action", "receiverCode", "receiverName", "receiverSystem"],
                "properties": {
                    "logtime": { "type": "string", "format": "date-time", "description": "When" },
                    "action": text("What for"),
                    "receiverCode": text("BIN of the organisation whose system it was"),
                    "receiverName": text("What that organisation is called"),
                    "receiverSystem": text("The system that asked"),
                },
            } },
        },
    })
}

const USUAL: usize = 100;
const MOST: usize = 1_000;
const MOST_OFFSET: usize = 1_000_000;

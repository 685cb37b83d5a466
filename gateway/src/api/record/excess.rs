//! What consumers and providers send beyond what is agreed, by field: for the two parties and whoever supervises them (B7).

use serde_json::{Value, json};

use super::super::asked::{Asked, Reply};
use super::super::operation::{Access, Media, Operation, parameter};
use super::super::problem::Problem;
use super::super::shared::Shared;
use super::search::{self, cursor};
use super::{PART, READERS, broken, index, sight, write_down};
use crate::exchange_index::Sought;

pub(super) fn operations() -> Vec<Operation> {
    let mut withheld = Operation::read(
        "withheld-fields",
        "/v1/withheld-fields",
        "Counts what consumers and providers sent beyond what is agreed, by field; every look is written down",
        PART,
        Media::json(schema()),
        withheld,
    )
    .with(search::filters())
    .with([parameter(
        "cursor",
        "Where the last answer said that older exchanges begin",
        json!({ "type": "string" }),
    )]);
    withheld.access = Access::Roles(READERS);
    vec![withheld]
}

fn withheld(shared: &Shared, asked: &Asked) -> Result<Reply, Problem> {
    let after = cursor(asked)?;
    let query = search::query(shared, asked)?;
    let viewer = sight(shared, &asked.caller()?.actor)?;
    let index = index(shared)?;
    write_down(shared, asked, &viewer, Sought::Query(&query))?;
    let found = index.excesses(&query, &viewer, after).map_err(|error| broken(&error))?;
    Reply::json(&json!({
        "fields": found.fields,
        "exchanges": found.exchanges,
        "elsewhere": found.elsewhere,
        "next": found.next.map(|next| next.to_string()),
    }))
}

fn schema() -> Value {
    let text = || json!({ "type": "string" });
    let count = || json!({ "type": "integer", "minimum": 0 });
    json!({
        "type": "object",
        "required": ["fields", "exchanges", "elsewhere", "next"],
        "properties": {
            "fields": { "type": "array", "items": {
                "type": "object",
                "required": ["provider", "consumer", "agreement", "data_type", "operation", "way", "field", "exchanges", "count", "last"],
                "properties": {
                    "provider": text(), "consumer": text(), "agreement": text(), "data_type": text(),
                    "operation": text(),
                    "way": { "enum": ["requests", "responses"], "description": "Whether the consumer sends it, or the provider" },
                    "field": { "type": "string", "description": "A JSON Pointer, * for any element and for names that nobody agreed on" },
                    "exchanges": count(), "count": count(),
                    "last": { "type": "string", "format": "date-time" },
                },
            } },
            "exchanges": { "type": "integer", "minimum": 0, "description": "In how many exchanges somebody sent more" },
            "elsewhere": { "type": "integer", "minimum": 0, "description": "How many more are archived" },
            "next": { "type": ["string", "null"], "description": "Where older ones begin; null if all were counted" },
        },
    })
}

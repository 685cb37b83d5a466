//! Pages: a bounded part of a long list, and where the next one begins.
//!
//! A cursor names the last item of a page by its key, so that what is added or ends in between moves nothing.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::{Value, json};

use super::asked::{Asked, Reply};
use super::operation::{Input, Media, parameter};
use super::problem::Problem;

/// A part of a list that is asked for.
#[derive(Debug)]
pub(super) struct Page {
    limit: usize,
    after: Option<String>,
    order: Order,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Rising,
    Falling,
}

impl Page {
    /// Reads which part is asked for.
    ///
    /// # Errors
    /// `parameter-malformed`.
    pub(super) fn of(asked: &Asked) -> Result<Self, Problem> {
        let limit = asked.parameter("limit")?.unwrap_or(USUAL);
        if !(1..=MOST).contains(&limit) {
            return Err(Problem::new("parameter-malformed", format!("limit: 1 to {MOST}")));
        }
        let order = match asked.parameter::<String>("sort")?.as_deref() {
            None | Some("id") => Order::Rising,
            Some("-id") => Order::Falling,
            Some(_) => return Err(Problem::new("parameter-malformed", "sort: id or -id")),
        };
        let after = asked.parameter::<String>("cursor")?.map(|cursor| {
            let read = URL_SAFE_NO_PAD.decode(&cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            read.ok_or_else(|| Problem::new("parameter-malformed", "cursor: none that was given"))
        });
        Ok(Self { limit, after: after.transpose()?, order })
    }

    /// The page of `items`, which rise by their keys.
    ///
    /// # Errors
    /// Never in practice.
    pub(super) fn reply<T, V: Serialize>(
        &self,
        items: impl Iterator<Item = T>,
        key: impl Fn(&T) -> String,
        show: impl Fn(T) -> V,
        revision: u64,
    ) -> Result<Reply, Problem> {
        let mut shown = Vec::new();
        let mut next = None;
        let mut last = None;
        let mut take = |item: T| {
            let name = key(&item);
            let passed = self.after.as_ref().is_none_or(|after| match self.order {
                Order::Rising => name > *after,
                Order::Falling => name < *after,
            });
            if !passed {
                return true;
            }
            if shown.len() == self.limit {
                next = last.take();
                return false;
            }
            last = Some(name);
            shown.push(show(item));
            true
        };
        match self.order {
            Order::Rising => {
                let mut items = items;
                let _ = items.all(&mut take);
            }
            Order::Falling => {
                let all: Vec<T> = items.collect();
                let _ = all.into_iter().rev().all(&mut take);
            }
        }
        let next = next.map(|key| URL_SAFE_NO_PAD.encode(key));
        Ok(Reply::json(&json!({ "items": shown, "next": next, "revision": revision }))?.of(revision))
    }
}

/// A page's parameters.
pub(super) fn inputs() -> [Input; 3] {
    [
        parameter(
            "limit",
            "How many items at most",
            json!({ "type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL }),
        ),
        parameter("cursor", "Where the last page said that the next begins", json!({ "type": "string" })),
        parameter("sort", "By id, rising or falling", json!({ "enum": ["id", "-id"], "default": "id" })),
    ]
}

/// A page of items of a schema.
pub(super) fn media(item: Value) -> Media {
    Media::json(json!({
        "type": "object",
        "required": ["items", "next", "revision"],
        "properties": {
            "items": { "type": "array", "items": item },
            "next": { "type": ["string", "null"], "description": "The cursor of the next page; null on the last" },
            "revision": { "type": "integer", "minimum": 0 },
        },
    }))
}

const USUAL: usize = 50;
const MOST: usize = 200;

//! Pointers over edited JSON: what is trimmed is what a tree says, what stands at a place too, and nothing panics.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::edits;
use crate::payload::{Limits, Place, Schema, Selection};

const DOCUMENT: &str = r#"{"people":[{"iin":"860101300126","name":"\u0410.","age":41},{"iin":"9","x":{"a":[1,[2,null],{}]}}],"~":{"/":true,"*":1e3},"":-0.5}"#;

static ANY: LazyLock<Schema> =
    LazyLock::new(|| Schema::compile(&json!(true), Limits::default()).expect("true is a schema"));

/// The same on a tree.
fn naive(value: &Value, pointers: &[Vec<Option<String>>]) -> Option<Value> {
    if pointers.iter().any(Vec::is_empty) {
        return Some(value.clone());
    }
    let below = |name: &str| -> Vec<Vec<Option<String>>> {
        let leads = |one: &&Vec<Option<String>>| one[0].as_deref().is_none_or(|known| known == name);
        pointers.iter().filter(leads).map(|one| one[1..].to_vec()).collect()
    };
    match value {
        Value::Object(members) => {
            let kept =
                members.iter().filter_map(|(name, one)| Some((name.clone(), inside(one, &below(name))?)));
            Some(Value::Object(kept.collect::<Map<_, _>>()))
        }
        Value::Array(items) => {
            let kept = items.iter().enumerate().filter_map(|(at, one)| inside(one, &below(&at.to_string())));
            Some(Value::Array(kept.collect()))
        }
        _ => None,
    }
}

fn inside(value: &Value, pointers: &[Vec<Option<String>>]) -> Option<Value> {
    if pointers.is_empty() { None } else { naive(value, pointers) }
}

fn segments(pointer: &str) -> Vec<Option<String>> {
    let name = |text: &str| match text {
        "*" => None,
        text => Some(text.replace("~2", "*").replace("~1", "/").replace("~0", "~")),
    };
    if pointer.is_empty() { Vec::new() } else { pointer.split('/').skip(1).map(name).collect() }
}

fn texts<'v>(value: &'v Value, rest: &[Option<String>], found: &mut Vec<&'v str>) -> Option<()> {
    let Some((segment, below)) = rest.split_first() else {
        found.push(value.as_str()?);
        return Some(());
    };
    match (segment, value) {
        (None, Value::Array(items)) => items.iter().try_for_each(|one| texts(one, below, found)),
        (None, Value::Object(members)) => members.values().try_for_each(|one| texts(one, below, found)),
        (Some(name), Value::Object(members)) => texts(members.get(name)?, below, found),
        (Some(name), Value::Array(items)) => {
            let at: usize = name.parse().ok().filter(|at: &usize| at.to_string() == *name)?;
            texts(items.get(at)?, below, found)
        }
        _ => None,
    }
}

/// Edits a document as `said` says, and trims it to the pointers that it says.
pub fn check(said: &[u8]) {
    let [which, length, rest @ ..] = said else { return };
    let (pointers, edits) = rest.split_at(usize::from(*length).min(rest.len()));
    let document = if *which >= 220 { edits.to_vec() } else { edits::edited(DOCUMENT.into(), edits) };
    let Ok(pointers) = std::str::from_utf8(pointers) else { return };
    // A newline is between pointers.
    let pointers: Vec<String> = pointers.lines().map(str::to_owned).collect();
    let Ok(selection) = Selection::parse(&pointers) else { return };
    if ANY.check(&document).is_err() {
        return;
    }
    let tree: Value = serde_json::from_slice(&document).expect("what is checked is JSON");
    if let Ok(trimmed) = ANY.check_and_trim(&document, &selection) {
        let body = trimmed.body();
        ANY.check(body).expect("what is left is JSON");
        let left: Value = serde_json::from_slice(body).expect("what is left is JSON");
        let named: Vec<_> = pointers.iter().map(|pointer| segments(pointer)).collect();
        assert_eq!(Some(left), naive(&tree, &named));
        assert!(trimmed.withheld().iter().map(|one| one.count).sum::<u64>() <= trimmed.withheld_total());
    }
    for pointer in &pointers {
        let Ok(place) = Place::parse(pointer) else { continue };
        let mut theirs = Vec::new();
        let whole = texts(&tree, &segments(pointer), &mut theirs);
        let found = place.texts(&document, usize::MAX).ok();
        let mut ours: Option<Vec<&str>> = found.as_ref().map(|all| all.iter().map(|one| &**one).collect());
        // A tree has its members in an order of its own.
        ours.iter_mut().for_each(|all| all.sort_unstable());
        theirs.sort_unstable();
        assert_eq!(ours, whole.map(|()| theirs));
    }
}

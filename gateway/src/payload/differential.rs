//! The tape against `serde_json::Value`: same verdicts, and the same fields left after trimming.

use std::collections::BTreeMap;

use jsonschema::PatternOptions;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{Limits, Schema, Selection};

fn judge(text: &Value) -> jsonschema::Validator {
    let options = jsonschema::options().should_validate_formats(true).offline();
    options.with_pattern_options(PatternOptions::regex()).build(text).unwrap()
}

/// Few distinct names and values, so that schemas and documents meet.
fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        (-3_i64..4).prop_map(Value::from),
        Just(json!(1.0)),
        Just(json!(2.5)),
        Just(json!(-0.0)),
        Just(json!(1e300)),
        Just(json!(u64::MAX)),
        Just(json!(i64::MIN)),
        "[abя\"\\\\\n]{0,3}".prop_map(Value::from),
        prop::sample::select(TEXTS).prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(name(), inner, 0..4).prop_map(object),
        ]
    })
}

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(&["a", "b", "c", "long name я", "", "x/y", "~", "*", "\"", "0"][..])
        .prop_map(String::from)
}

fn object(members: BTreeMap<String, Value>) -> Value {
    Value::Object(members.into_iter().collect::<Map<_, _>>())
}

fn schema() -> impl Strategy<Value = Value> {
    let kind =
        prop::sample::select(&["null", "boolean", "integer", "number", "string", "array", "object"][..]);
    let leaf = prop_oneof![
        kind.clone().prop_map(|kind| json!({"type": kind})),
        prop::collection::btree_set(kind, 1..4).prop_map(|kinds| json!({"type": kinds})),
        document().prop_map(|value| json!({"const": value})),
        prop::collection::vec(document(), 1..4).prop_map(|values| json!({"enum": values})),
        (0..3_u8, 0..3_u8).prop_map(|(least, most)| json!({"minLength": least, "maxLength": most})),
        (0..3_u8, 0..3_u8).prop_map(|(least, most)| json!({"minItems": least, "maxItems": most})),
        (0..3_u8, 0..3_u8).prop_map(|(least, most)| json!({"minProperties": least, "maxProperties": most})),
        (-2..3_i8, -2..3_i8).prop_map(|(least, most)| json!({"minimum": least, "maximum": most})),
        (-2..3_i8).prop_map(|bound| json!({"exclusiveMinimum": bound, "exclusiveMaximum": 2.5})),
        Just(json!({"multipleOf": 0.5})),
        Just(json!({"multipleOf": 2})),
        prop::sample::select(&["^a", "a|я", "^[ab]{1,2}$", "\\d"][..])
            .prop_map(|text| json!({"pattern": text})),
        prop::sample::select(FORMATS).prop_map(|text| json!({"format": text})),
        prop::collection::btree_set(name(), 0..3).prop_map(|names| json!({"required": names})),
        Just(json!({"uniqueItems": true})),
        Just(json!(false)),
        Just(json!({"$ref": "#"})).prop_map(|schema| json!({"items": schema})),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        let named = prop::collection::btree_map(name(), inner.clone(), 1..4).prop_map(object).boxed();
        let several = prop::collection::vec(inner.clone(), 1..3);
        prop_oneof![
            (named.clone(), inner.clone())
                .prop_map(|(named, rest)| json!({"properties": named, "additionalProperties": rest})),
            (named, prop::collection::btree_set(name(), 0..3)).prop_map(
                |(named, required)| json!({"properties": named, "required": required, "type": "object"})
            ),
            inner.clone().prop_map(|inner| json!({"items": inner})),
            (several.clone(), inner.clone())
                .prop_map(|(first, rest)| json!({"prefixItems": first, "items": rest})),
            inner.clone().prop_map(|inner| json!({"contains": inner, "maxContains": 2})),
            inner.clone().prop_map(|inner| json!({"propertyNames": inner})),
            inner.clone().prop_map(|inner| json!({"patternProperties": {"^[ab]": inner}})),
            inner.clone().prop_map(|inner| json!({"not": inner})),
            several.clone().prop_map(|several| json!({"allOf": several})),
            several.clone().prop_map(|several| json!({"anyOf": several, "unevaluatedProperties": false})),
            several.prop_map(|several| json!({"oneOf": several, "unevaluatedItems": false})),
            (inner.clone(), inner.clone(), inner)
                .prop_map(|(a, b, c)| json!({"if": a, "then": b, "else": c})),
        ]
    })
}

/// JSON with spaces, and every third character of a string escaped.
fn spelled(value: &Value) -> String {
    match value {
        Value::Array(elements) => {
            let elements: Vec<String> = elements.iter().map(spelled).collect();
            format!("[ {}\n]", elements.join(" ,"))
        }
        Value::Object(members) => {
            let members: Vec<String> = members
                .iter()
                .map(|(name, value)| format!("{} : {}", spelled_text(name), spelled(value)))
                .collect();
            format!("{{\t{} }}", members.join(", "))
        }
        Value::String(text) => spelled_text(text),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

fn spelled_text(text: &str) -> String {
    let mut spelled = String::from("\"");
    for (nth, char) in text.chars().enumerate() {
        if nth % 3 == 2 || char < ' ' || matches!(char, '"' | '\\') {
            let mut units = [0; 2];
            spelled.extend(char.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            spelled.push(char);
        }
    }
    spelled + "\""
}

/// What trimming means, written as plainly as can be.
fn naive(value: &Value, pointers: &[Vec<String>]) -> Option<Value> {
    if pointers.iter().any(Vec::is_empty) {
        return Some(value.clone());
    }
    let below = |name: &str| -> Vec<Vec<String>> {
        let segment = name.replace('~', "~0").replace('/', "~1").replace('*', "~2");
        let fitting = pointers.iter().filter(|pointer| pointer[0] == "*" || pointer[0] == segment);
        fitting.map(|pointer| pointer[1..].to_vec()).collect()
    };
    if pointers.is_empty() {
        return None;
    }
    match value {
        Value::Array(elements) => {
            let kept = elements.iter().enumerate();
            Some(kept.filter_map(|(nth, element)| naive(element, &below(&nth.to_string()))).collect())
        }
        Value::Object(members) => {
            let kept =
                members.iter().filter_map(|(name, value)| Some((name.clone(), naive(value, &below(name))?)));
            Some(Value::Object(kept.collect()))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

fn pointer() -> impl Strategy<Value = Vec<String>> {
    let segments = prop::sample::select(&["a", "b", "c", "*", "*", "~2", "x~1y", "~0", "", "0", "1"][..]);
    prop::collection::vec(segments.prop_map(String::from), 0..4)
}

#[test]
fn large_objects_are_judged_as_small_ones_are() {
    for count in [30, 31, 32, 33, 34, 200] {
        let members: Map<String, Value> =
            (0..count).map(|n| (format!("member{n:05}tail{n:05}"), n.into())).collect();
        let document = Value::Object(members.clone());
        for (nth, name) in members.keys().enumerate() {
            for bound in [nth, nth + 1] {
                let named = json!({"type": "integer", "minimum": bound});
                let text = json!({"properties": {name.as_str(): named, "other": false}, "required": [name]});
                let ours = Schema::compile(&text, Limits::default()).unwrap();
                assert_eq!(
                    ours.check(spelled(&document).as_bytes()).is_ok(),
                    bound == nth,
                    "{name} of {count}"
                );
            }
        }
        let text = json!({"required": [format!("member{count:05}tail{count:05}")]});
        assert!(
            Schema::compile(&text, Limits::default())
                .unwrap()
                .check(document.to_string().as_bytes())
                .is_err()
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn the_tape_is_judged_as_the_tree_is(text in schema(), documents in prop::collection::vec(document(), 8)) {
        let ours = Schema::compile(&text, Limits::default()).unwrap();
        let judge = judge(&text);
        for document in documents {
            let body = spelled(&document);
            let found = ours.check(body.as_bytes());
            prop_assert_eq!(found.is_ok(), judge.is_valid(&document), "{} {} {:?}", text, body, found);
            let Err(violation) = found else { continue };
            prop_assert!(judge.iter_errors(&document).next().is_some(), "{:?}", violation);
        }
    }

    #[test]
    fn trimming_leaves_what_the_naive_model_leaves(
        document in document(),
        pointers in prop::collection::vec(pointer(), 0..4),
    ) {
        let body = spelled(&document);
        let joined: Vec<String> =
            pointers.iter().map(|pointer| pointer.iter().map(|segment| format!("/{segment}")).collect()).collect();
        let selection = Selection::parse(&joined).unwrap();
        let any = Schema::compile(&json!(true), Limits::default()).unwrap();
        match (any.check_and_trim(body.as_bytes(), &selection), naive(&document, &pointers)) {
            (Ok(trimmed), Some(expected)) => {
                let found: Value = serde_json::from_slice(trimmed.body()).unwrap();
                prop_assert_eq!(&found, &expected, "{} {:?}", body, joined);
                let borrowed = matches!(trimmed.body(), std::borrow::Cow::Borrowed(_));
                prop_assert_eq!(borrowed, expected == document);
                prop_assert_eq!(borrowed, trimmed.withheld_total() == 0);
                let counted: u64 = trimmed.withheld().iter().map(|withheld| withheld.count).sum();
                prop_assert_eq!(counted, trimmed.withheld_total());
            }
            (Err(violation), None) => prop_assert_eq!(violation.code, "nothing-agreed"),
            (found, expected) => prop_assert!(false, "{found:?} {expected:?}"),
        }
    }
}

const TEXTS: &[&str] = &[
    "2026-02-28",
    "2026-02-30",
    "2026-11-30T10:00:00Z",
    "23:59:60Z",
    "a@b.kz",
    "127.0.0.1",
    "::1",
    "2eb8aa08-aa98-11ea-b4aa-73b441d16380",
    "https://example.kz/a?b#c",
    "/a/~0",
];

const FORMATS: &[&str] =
    &["date", "date-time", "time", "email", "ipv4", "ipv6", "uuid", "uri", "json-pointer", "hostname"];

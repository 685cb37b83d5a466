//! The pass against the judge, the tape against `serde_json::Value`: same verdicts, and the same fields left after
//! trimming.
//!
//! A document that fits for the pass alone is released unseen by the judge, so this is where the pass earns its trust.

use std::collections::BTreeMap;

use jsonschema::PatternOptions;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::pass::Verdict;
use super::{Limits, Schema, Selection, fuzz};

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
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(name(), inner, 0..4).prop_map(object),
        ]
    })
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[abя\"\\\\\n]{0,3}", prop::sample::select(TEXTS).prop_map(String::from)]
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
        prop::sample::select(
            &["^a", "a|я", "^[ab]{1,2}$", "\\d", "^[0-9]{4}-[0-9]{2}-\\d+$", "^$", "^a-?b*$"][..]
        )
        .prop_map(|text| json!({"pattern": text})),
        prop::sample::select(FORMATS).prop_map(|text| json!({"format": text})),
        prop::collection::btree_set(name(), 0..3).prop_map(|names| json!({"required": names})),
        Just(json!({"uniqueItems": true})),
        Just(json!(false)),
        prop::collection::btree_set(text(), 1..6).prop_map(|texts| json!({"enum": texts})),
        Just(json!({"$ref": "#"})).prop_map(|schema| json!({"items": schema})),
        Just(json!({"$ref": "#/$defs/a"})),
        Just(json!({"$ref": "#/$defs/b", "maxLength": 2, "description": "beside a reference"})),
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

/// A schema with definitions, in the newer draft or the older.
fn schema_with_definitions() -> impl Strategy<Value = Value> {
    (prop::collection::btree_map("[ab]", schema(), 2), schema(), any::<bool>()).prop_map(
        |(definitions, whole, older)| {
            let mut whole = match whole {
                Value::Object(whole) => whole,
                other => Map::from_iter([("allOf".to_owned(), json!([other]))]),
            };
            whole.insert("$defs".into(), object(definitions));
            if older {
                whole.insert("$schema".into(), "http://json-schema.org/draft-07/schema#".into());
            }
            Value::Object(whole)
        },
    )
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

/// What the pass leaves to the judge is right but dear: for these it must not.
#[test]
fn keywords_in_use_are_decided_by_the_pass() {
    let cases = [
        (json!({"type": ["string", "null"], "maxLength": 2}), r#""яю""#, r#""abc""#),
        (json!({"type": "string", "minLength": 2}), r#""\u044f\ud83e\udd80""#, r#""\ud83e\udd80""#),
        (json!({"enum": ["a", null, true]}), r#""\u0061""#, "false"),
        (json!({"const": "a"}), r#""a""#, r#""b""#),
        (json!({"pattern": "^[0-9]{2}$"}), r#""12""#, r#""1""#),
        (json!({"pattern": "(a|b)+c"}), r#""xabc""#, r#""ab""#),
        (json!({"format": "date-time"}), r#""2026-11-30T10:00:00.5+05:00""#, r#""2026-11-30""#),
        (json!({"type": "integer", "minimum": -3, "multipleOf": 3}), "-3", "1"),
        (json!({"type": "number", "maximum": 2.5}), "2.50", "2.51"),
        (json!({"items": {"type": "integer"}, "minItems": 1}), "[1, 2]", "[]"),
        (json!({"prefixItems": [true], "items": false}), "[1]", "[1, 2]"),
        (json!({"required": ["a"], "properties": {"a": {"type": "null"}}}), r#"{"b": 1, "a": null}"#, "{}"),
        (
            json!({"properties": {"a": true}, "additionalProperties": false}),
            r#"{"\u0061": 1}"#,
            r#"{"b": 1}"#,
        ),
        (
            json!({"patternProperties": {"^x-": {"type": "null"}}}),
            r#"{"x-a": null, "b": 1}"#,
            r#"{"x-a": 1}"#,
        ),
        (
            json!({"additionalProperties": {"$ref": "#"}, "maxProperties": 1}),
            r#"{"a": {}}"#,
            r#"{"a": {"b": 1, "c": 2}}"#,
        ),
        (
            json!({"anyOf": [{"type": "null"}, {"items": {"$ref": "#"}, "type": "array"}]}),
            "[null, []]",
            "[1]",
        ),
        (json!({"oneOf": [{"minimum": 2}, {"type": "integer"}]}), "2.5", "2"),
        (json!({"allOf": [{"required": ["a"]}, {"required": ["b"]}]}), r#"{"a": 1, "b": 2}"#, r#"{"a": 1}"#),
        (json!({"not": {"required": ["a"]}}), "{}", r#"{"a": 1}"#),
        (json!({"if": {"type": "string"}, "then": {"maxLength": 1}}), "5", r#""ab""#),
    ];
    for (text, fits, misfits) in cases {
        let schema = Schema::compile(&text, Limits::default()).unwrap();
        assert_eq!(schema.passed(fits.as_bytes()), Verdict::Fits, "{text} {fits}");
        assert_eq!(schema.passed(misfits.as_bytes()), Verdict::Misfit, "{text} {misfits}");
        assert!(schema.judged(fits.as_bytes()).is_ok(), "{text} {fits}");
        assert!(schema.judged(misfits.as_bytes()).is_err(), "{text} {misfits}");
    }
}

/// The keyword is known to the judge only; what stands beside it still passes quickly.
#[test]
fn rare_keywords_are_left_to_the_judge_where_they_stand() {
    let rare = [
        (json!({"contains": {"const": 1}}), "[2, 1]", "[2]"),
        (json!({"uniqueItems": true}), "[1, 2]", "[1, 1.0]"),
        (json!({"dependentRequired": {"a": ["b"]}}), r#"{"b": 1}"#, r#"{"a": 1}"#),
        (json!({"unevaluatedProperties": false, "properties": {"a": true}}), r#"{"a": 1}"#, r#"{"b": 1}"#),
        (json!({"enum": [[1], {"a": 2}]}), r#"{"a":2}"#, "[2]"),
    ];
    for (rare, fits, misfits) in rare {
        let text = json!({"type": "object", "properties": {"x": rare, "y": {"type": "integer"}}});
        let schema = Schema::compile(&text, Limits::default()).unwrap();
        let body = |x: &str| format!(r#"{{"x": {x}, "y": 1}}"#).into_bytes();
        assert_eq!(schema.passed(&body(fits)), Verdict::Fits, "{text}");
        assert_eq!(schema.passed(&body(misfits)), Verdict::Unsure, "{text}");
        assert!(schema.check(&body(misfits)).is_err());
    }
}

#[test]
fn references_that_another_keyword_moves_are_left_to_the_judge() {
    for moving in [json!({"$id": "http://a/b"}), json!({"$anchor": "x"}), json!({"$dynamicAnchor": "x"})] {
        let text = json!({"$defs": {"a": moving}, "items": {"$ref": "#/$defs/a"}});
        let schema = Schema::compile(&text, Limits::default()).unwrap();
        assert_eq!(schema.passed(b"[1]"), Verdict::Unsure, "{text}");
        assert!(schema.check(b"[1]").is_ok());
    }
}

#[test]
fn a_name_of_the_schema_that_looks_like_json_is_not_taken_for_it() {
    let text = json!({"properties": {"a\":1,\"b": true, "c": true}, "additionalProperties": false});
    let schema = Schema::compile(&text, Limits::default()).unwrap();
    assert_eq!(schema.passed(br#"{"a":1,"b":1}"#), Verdict::Misfit);
    assert_eq!(schema.passed(br#"{"a\":1,\"b":1,"c":2}"#), Verdict::Fits);
}

/// The order of members is guessed from the document before; a wrong guess changes nothing.
#[test]
fn members_are_found_in_whatever_order_they_come() {
    let names =
        ["id", "name", "a name of more than sixteen bytes", "a name of more than fifteen bytes", "n", "и"];
    let properties: Map<String, Value> =
        names.iter().map(|name| ((*name).into(), json!({"const": name}))).collect();
    let text = json!({"properties": properties, "required": names, "additionalProperties": false});
    let schema = Schema::compile(&text, Limits::default()).unwrap();
    for turn in 0..names.len() {
        for step in [1, 5] {
            let order = (0..names.len()).map(|nth| names[(turn + nth * step) % names.len()]);
            let members: Vec<String> = order.map(|name| format!("\"{name}\":\"{name}\"")).collect();
            let body = |members: &[String]| format!("{{{}}}", members.join(",")).into_bytes();
            assert_eq!(schema.passed(&body(&members)), Verdict::Fits);
            assert_eq!(schema.passed(&body(&members[1..])), Verdict::Misfit);
            let twice = [&members[..], &members[..1]].concat();
            assert_eq!(schema.check(&body(&twice)).unwrap_err().code, "json-duplicate-key");
        }
    }
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
    fn the_pass_never_contradicts_the_judge(
        text in schema_with_definitions(),
        documents in prop::collection::vec(document(), 12),
    ) {
        let Ok(schema) = Schema::compile(&text, Limits::default()) else { return Ok(()) };
        for document in documents {
            for body in [spelled(&document), document.to_string()] {
                let judged = schema.judged(body.as_bytes());
                match schema.passed(body.as_bytes()) {
                    Verdict::Fits => prop_assert!(judged.is_ok(), "{} {} {:?}", text, body, judged),
                    Verdict::Misfit => prop_assert!(judged.is_err(), "{} {}", text, body),
                    Verdict::Unsure => {}
                }
            }
        }
    }

    #[test]
    fn damaged_documents_fit_for_the_pass_only_if_they_do_for_the_judge(
        text in schema_with_definitions(),
        document in document(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), any::<prop::sample::Index>()), 1..4),
    ) {
        let schema = match Schema::compile(&text, Limits::default()) {
            Ok(schema) => schema,
            Err(_) => Schema::compile(&json!(true), Limits::default()).unwrap(),
        };
        let mut body = spelled(&document).into_bytes();
        for (at, byte, from) in changes {
            let (at, from) = (at.index(body.len()), from.index(body.len()));
            match byte % 4 {
                0 => body[at] = byte,
                1 => body[at] = body[from],
                2 => _ = body.remove(at),
                _ => body.extend_from_within(from..),
            }
            if body.is_empty() {
                return Ok(());
            }
        }
        let judged = schema.judged(&body);
        match schema.passed(&body) {
            Verdict::Fits => prop_assert!(judged.is_ok(), "{} {} {:?}", text, body.escape_ascii(), judged),
            // Of what is no JSON, the pass may have seen only the beginning.
            Verdict::Misfit => prop_assert!(judged.is_err(), "{} {}", text, body.escape_ascii()),
            Verdict::Unsure => {}
        }
    }

    #[test]
    fn numbers_near_the_bounds_are_judged_as_the_library_does(
        bounds in prop::collection::btree_map(
            prop::sample::select(
                &["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "const"][..],
            ).prop_map(String::from),
            prop_oneof![
                prop::sample::select(NUMBERS).prop_map(|text| serde_json::from_str(text).unwrap()),
                (-5_i64..6).prop_map(Value::from),
            ],
            1..4,
        ),
        whole in any::<bool>(),
        numbers in prop::collection::vec(
            prop_oneof![
                prop::sample::select(NUMBERS).prop_map(String::from),
                "-?[0-9]{1,2}(\\.[05])?",
                "-?[1-9][0-9]{13,19}(e1)?",
            ],
            16,
        ),
    ) {
        let mut text = object(bounds);
        text["type"] = if whole { "integer".into() } else { "number".into() };
        let Ok(schema) = Schema::compile(&text, Limits::default()) else { return Ok(()) };
        for number in numbers {
            let judged = schema.judged(number.as_bytes());
            match schema.passed(number.as_bytes()) {
                Verdict::Fits => prop_assert!(judged.is_ok(), "{} {} {:?}", text, number, judged),
                Verdict::Misfit => prop_assert!(judged.is_err(), "{} {}", text, number),
                Verdict::Unsure => prop_assert_eq!(judged.map(|_| ()).unwrap_err().code, "json-syntax"),
            }
        }
    }

    #[test]
    fn the_tape_is_judged_as_the_tree_is(text in schema_with_definitions(), documents in prop::collection::vec(document(), 8)) {
        let Ok(ours) = Schema::compile(&text, Limits::default()) else { return Ok(()) };
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

const NUMBERS: &[&str] = &[
    "0",
    "-0",
    "-0.0",
    "1",
    "1.0",
    "-1e0",
    "2.5",
    "0.1",
    "0.3",
    "1e2",
    "1e-2",
    "3E+1",
    "999999999999999",
    "9007199254740991",
    "9007199254740992",
    "9007199254740993",
    "9007199254740992.0",
    "-9007199254740993",
    "18446744073709551615",
    "18446744073709551616",
    "-9223372036854775808",
    "-9223372036854775809",
    "1e300",
    "5e-324",
    "1e-400",
];

const FORMATS: &[&str] =
    &["date", "date-time", "time", "email", "ipv4", "ipv6", "uuid", "uri", "json-pointer", "hostname"];

/// Promise 7, C3: what the fuzz target demands, of a few edits; `tests/fuzz` goes on from there.
#[test]
fn what_is_left_of_an_edited_document_is_what_a_tree_says() {
    for pointers in
        ["", "/people", "/people/*/iin\n/~0", "/*", "/people/1/x/a/*\n/", "/~0/~2\n/~0/~1\n/people/0/age"]
    {
        for number in 0..100 {
            let edits = fuzz::edits::said(number).split_off(2);
            let length = u8::try_from(pointers.len()).unwrap();
            fuzz::selectors::check(&[&[0, length], pointers.as_bytes(), &edits].concat());
        }
    }
}

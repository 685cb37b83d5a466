//! What a registered but hostile peer would send.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Limits, Schema, SchemaError, Selection, scan};

fn compile(text: &Value) -> Schema {
    Schema::compile(text, Limits::default()).unwrap()
}

fn code(schema: &Value, body: impl AsRef<[u8]>) -> &'static str {
    match compile(schema).check(body.as_ref()) {
        Ok(_) => "fits",
        Err(violation) => violation.code,
    }
}

/// For what would take hours if its bound were gone, on any machine.
fn unless_it_hangs<T>(work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let done = work();
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
    done
}

#[test]
fn a_million_brackets_are_refused_at_the_first_that_is_too_many() {
    for opening in ["[", "{\"a\":"] {
        let violation = compile(&json!(true)).check(opening.repeat(1_000_000).as_bytes()).unwrap_err();
        assert_eq!(violation.code, "json-depth");
        let at = format!("(byte {})", 64 * opening.len());
        assert!(violation.reason.ends_with(&at), "{violation}");
    }
}

#[test]
fn the_deepest_document_allowed_passes_and_one_deeper_does_not() {
    let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(code(&json!(true), nested(64)), "fits");
    assert_eq!(code(&json!(true), nested(65)), "json-depth");
}

#[test]
fn two_members_of_one_name_are_refused_however_they_are_written() {
    for body in [r#"{"a":1,"a":1}"#, r#"{"iin":1,"\u0069in":2}"#, r#"{"":0,"b":{"x":[{"c":1,"d":2,"c":3}]}}"#]
    {
        assert_eq!(code(&json!(true), body), "json-duplicate-key", "{body}");
    }
    let mut many: Vec<String> = (0..100_000).map(|n| format!("\"k{n}\":0")).collect();
    assert_eq!(code(&json!(true), format!("{{{}}}", many.join(","))), "fits");
    many.push("\"k\\u0037\":1".into());
    assert_eq!(code(&json!(true), format!("{{{}}}", many.join(","))), "json-duplicate-key");
}

#[test]
fn names_chosen_to_collide_cost_no_more_than_others() {
    // Alike in length, first and last eight bytes: all that the cheap digest sees.
    let colliding: Vec<String> = (0..100_000).map(|n| format!("\"aaaaaaaa{n:06}zzzzzzzz\":0")).collect();
    let body = format!("{{{}}}", colliding.join(","));
    assert_eq!(unless_it_hangs(|| code(&json!({"maxProperties": 200_000}), &body)), "fits");
}

#[test]
fn what_is_not_json_is_refused_with_its_own_code() {
    let cases: &[(&[u8], &str)] = &[
        (b"", "json-syntax"),
        (b" ", "json-syntax"),
        (b"1 2", "json-syntax"),
        (b"[1,]", "json-syntax"),
        (b"{\"a\":1,}", "json-syntax"),
        (b"{a:1}", "json-syntax"),
        (b"{\"a\" 1}", "json-syntax"),
        (b"01", "json-syntax"),
        (b"-", "json-syntax"),
        (b"1.", "json-syntax"),
        (b".5", "json-syntax"),
        (b"1e", "json-syntax"),
        (b"+1", "json-syntax"),
        (b"NaN", "json-syntax"),
        (b"nul", "json-syntax"),
        (b"truefalse", "json-syntax"),
        (b"'a'", "json-syntax"),
        (b"\"\\x\"", "json-syntax"),
        (b"\"\\u12g4\"", "json-syntax"),
        (b"\"\\u+123\"", "json-syntax"),
        (b"\"a", "json-syntax"),
        (b"\"\\", "json-syntax"),
        (b"\"\n\"", "json-syntax"),
        (b"\"\x00\"", "json-syntax"),
        (b"[1]//", "json-syntax"),
        (b"\x0c1", "json-syntax"),
        (b"\xEF\xBB\xBF1", "json-bom"),
        (b"\"\xff\"", "json-utf8"),
        (b"\"\xed\xa0\x80\"", "json-utf8"),
        (b"\"\xc0\x80\"", "json-utf8"),
        (b"\"\\ud800\"", "json-surrogate"),
        (b"\"\\udc00\\ud800\"", "json-surrogate"),
        (b"\"\\ud800\\u0041\"", "json-surrogate"),
        (b"1e309", "json-number"),
        (b"-1e309", "json-number"),
    ];
    for (body, expected) in cases {
        assert_eq!(code(&json!(true), body), *expected, "{}", body.escape_ascii());
    }
    assert_eq!(code(&json!(true), "9".repeat(400)), "json-number");
    for body in ["0", "-0", "-0.0e-0", "1E+2", " [ ] ", "\"\\ud83e\\udd80\"", "1e-400", "\"\u{7f}\""] {
        assert_eq!(code(&json!(true), body), "fits", "{body}");
    }
}

#[test]
fn a_violation_tells_the_place_but_neither_values_nor_foreign_names() {
    let schema = compile(&json!({
        "properties": {"people": {"items": {"properties": {"iin": {"pattern": "^[0-9]{12}$"}}}}},
        "additionalProperties": {"additionalProperties": {"maxLength": 3}}
    }));
    let violation = schema.check(br#"{"people":[{"iin":"880101300123"},{"iin":"secret"}]}"#).unwrap_err();
    assert_eq!(violation.to_string(), r#"pattern at "/people/1/iin": does not match ^[0-9]{12}$"#);
    let violation = schema.check(br#"{"880101300123":{"Nurlanova":"secret"}}"#).unwrap_err();
    assert_eq!(violation.to_string(), r#"maxLength at "/*/*": longer than 3 characters"#);
    let violation = schema.check(br#"{"people":[0,{"iin":"1", "880101":{"a":1,"a":2}}]}"#).unwrap_err();
    assert_eq!(
        violation.to_string(),
        r#"json-duplicate-key at "/people/1/*": two members of one name (byte 41)"#
    );
}

#[test]
fn no_keyword_lets_a_value_into_the_words() {
    let secret = "Nurlanova";
    let body = json!({"x": {secret: [secret, secret]}, secret: secret, "n": 7_654_321}).to_string();
    let keywords = [
        json!({"type": "array"}),
        json!({"enum": [1, 2]}),
        json!({"const": {"a": 1}}),
        json!({"additionalProperties": false}),
        json!({"properties": {"x": true, "n": true}, "unevaluatedProperties": false}),
        json!({"propertyNames": {"maxLength": 1}}),
        json!({"anyOf": [{"type": "string"}, {"type": "null"}]}),
        json!({"oneOf": [{}, {}]}),
        json!({"not": {}}),
        json!({"additionalProperties": {"additionalProperties": {"uniqueItems": true}}}),
        json!({"properties": {"x": {"additionalProperties": {"contains": {"type": "null"}}}}}),
        json!({"properties": {"x": {"additionalProperties": {"unevaluatedItems": false}}}}),
        json!({"properties": {"n": {"maximum": 5}}}),
        json!({"properties": {"n": {"multipleOf": 2}}}),
        json!({"additionalProperties": {"additionalProperties": {"items": {"format": "date"}}, "format": "date"}}),
        json!({"required": ["y"]}),
        json!({"dependentRequired": {"x": ["y"]}}),
        json!({"maxProperties": 1}),
        json!({"if": {"type": "object"}, "then": false}),
    ];
    for schema in keywords {
        let violation = compile(&schema).check(body.as_bytes()).unwrap_err();
        let said = format!("{violation:?}");
        assert!(!said.contains(secret) && !said.contains("7654321"), "{schema}: {said}");
    }
}

#[test]
fn pointers_stay_short() {
    let long = "n".repeat(100);
    let schema =
        (0..10).fold(json!({"type": "null"}), |inner, _| json!({"properties": {long.clone(): inner}}));
    let body = (0..10).fold(json!(1), |inner, _| json!({long.clone(): inner}));
    let violation = compile(&schema).check(body.to_string().as_bytes()).unwrap_err();
    assert_eq!(violation.pointer, format!("/{long}/{long}"));
}

#[test]
fn a_fault_late_in_a_large_document_is_still_found() {
    let schema = json!({"items": {"anyOf": [{"type": "integer"}, {"type": "null"}]}});
    let body = format!("[{}true]", "1,".repeat(300_000));
    assert_eq!(compile(&schema).check(body.as_bytes()).unwrap_err().pointer, "/300000");
}

/// A schema that looks at each level twice at the least.
fn branching() -> Value {
    let again = json!({"properties": {"a": {"$ref": "#"}}});
    json!({"allOf": [again, again, again], "required": ["b"]})
}

#[test]
fn schemas_that_multiply_the_work_at_each_level_come_to_an_end() {
    let nest = |leaf: Value| (0..60).fold(leaf, |inner, n| json!({"a": inner, "b": n})).to_string();
    // Followed one by one these are 3^60 steps: that they end at all is what is shown.
    assert_eq!(code(&branching(), nest(json!({"b": 1}))), "fits");
    let outermost = nest(json!(null)).replacen("\"b\":59", "\"c\":59", 1);
    let between = nest(json!(null)).replacen("\"b\":30", "\"c\":30", 1);
    for body in [nest(json!({"c": 1})), outermost, between] {
        assert_eq!(code(&branching(), body), "required");
    }
    let alternatives = json!({"anyOf": [
        {"properties": {"a": {"$ref": "#"}}, "required": ["c"]},
        {"properties": {"a": {"$ref": "#"}}, "required": ["d"]}
    ]});
    assert_eq!(code(&alternatives, nest(json!({"b": 1}))), "schema");
}

#[test]
fn a_long_string_under_many_patterns_comes_to_an_end() {
    let patterns: Vec<Value> = (0..900).map(|n| json!({"pattern": format!("(x|y)*[a-z]{{5}}{n}")})).collect();
    let body = serde_json::to_vec(&"xy".repeat(500_000)).unwrap();
    assert_eq!(code(&json!({"anyOf": patterns}), body), "schema-work");
}

#[test]
fn explaining_many_failed_alternatives_stays_within_bounds() {
    let branches: Vec<Value> = (0..1_000).map(|n| json!({"items": {"const": n}})).collect();
    let body = serde_json::to_vec(&vec!["x".repeat(20); 20_000]).unwrap();
    assert_eq!(unless_it_hangs(|| code(&json!({"anyOf": branches}), &body)), "schema-work");
}

#[test]
fn schemas_that_would_be_dear_or_endless_are_refused() {
    let refused = |text: Value| Schema::compile(&text, Limits::default()).unwrap_err();
    assert!(matches!(refused(json!({"$ref": "#"})), SchemaError::Endless));
    assert!(matches!(
        refused(json!({"$ref": "#/$defs/a", "$defs": {"a": {"allOf": [{"$ref": "#/$defs/a"}]}}})),
        SchemaError::Endless
    ));
    let defs = |step: fn(usize) -> Value, length: usize| {
        let mut defs: serde_json::Map<_, _> = (0..length).map(|n| (format!("d{n}"), step(n + 1))).collect();
        defs.insert(format!("d{length}"), json!({"maxLength": 5}));
        json!({"$ref": "#/$defs/d0", "$defs": defs})
    };
    let chain = |n: usize| json!({"$ref": format!("#/$defs/d{n}")});
    assert!(matches!(refused(defs(chain, 5_000)), SchemaError::TooDeep));
    let doubling = |n: usize| {
        let next = format!("#/$defs/d{n}");
        json!({"allOf": [{"$ref": next}, {"$ref": next}, {"$ref": next}, {"$ref": next}]})
    };
    assert!(matches!(refused(defs(doubling, 7)), SchemaError::TooCostly));
    let nested = (0..80).fold(json!(true), |inner, _| json!({"properties": {"a": inner}}));
    assert!(matches!(refused(nested), SchemaError::TooDeep));
    assert!(matches!(refused(json!({"enum": vec![0; 60_000]})), SchemaError::TooLarge));
    assert!(matches!(
        refused(json!({"$schema": "http://json-schema.org/draft-04/schema#"})),
        SchemaError::Draft
    ));
    assert!(matches!(refused(json!({"$ref": "#/$defs/a"})), SchemaError::Reference(_)));
    for uri in ["http://127.0.0.1:1/x", "file:///etc/hosts"] {
        let elsewhere = refused(json!({"properties": {"a": {"$ref": format!("{uri}#/b")}}}));
        assert!(matches!(&elsewhere, SchemaError::Elsewhere { uri: named } if named == uri), "{elsewhere}");
        assert!(
            elsewhere
                .to_string()
                .ends_with(&format!("put it under $defs (draft 7: definitions) with \"$id\": \"{uri}\""))
        );
    }
    assert!(matches!(refused(json!({"pattern": "^(?=a)b"})), SchemaError::Invalid { .. }));
    assert!(matches!(refused(json!({"pattern": "(a{1000}){1000}"})), SchemaError::Invalid { .. }));
    let patterns: Vec<Value> = (0..1_001).map(|n| json!({"pattern": n.to_string()})).collect();
    assert!(matches!(refused(json!({"anyOf": patterns})), SchemaError::TooLarge));
    assert!(Schema::compile(&json!({"pattern": "^[\\p{L}' -]{1,100}$"}), Limits::default()).is_ok());
    assert!(matches!(refused(json!({"format": "iin"})), SchemaError::Invalid { .. }));
    assert!(matches!(refused(json!({"type": "text"})), SchemaError::Invalid { .. }));
    assert!(matches!(refused(json!(5)), SchemaError::Invalid { .. }));
}

/// C3: JSON Schema 2020-12 §9.3. What one document is refused for, it is refused for in a bundle as well.
#[test]
fn documents_are_bundled_in_their_own_draft_and_cannot_hide_what_is_endless() {
    let whole = |reference: &str, inner: Value| json!({"properties": {"a": {"$ref": reference}}, "$defs": {"b": inner}});
    let day = json!({"$id": "https://schemas.example/day", "$defs": {"date": {"format": "date"}}, "$ref": "#/$defs/date"});
    let schema = whole("https://schemas.example/day", day);
    assert_eq!(code(&schema, r#"{"a":"2026-11-22"}"#), "fits");
    assert_eq!(code(&schema, r#"{"a":"yesterday"}"#), "format");
    let draft = |draft: &str, more: Value| {
        let mut inner = json!({"$id": "https://schemas.example/x", "$schema": draft});
        inner.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        inner
    };
    let (of_7, of_2019) =
        ("http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft/2019-09/schema");
    let dependent = json!({"dependencies": {"b": ["c"]}, "prefixItems": [false]});
    let schema = whole("https://schemas.example/x", draft(of_7, dependent));
    assert_eq!(code(&schema, r#"{"a":{"b":1}}"#), "required");
    assert_eq!(code(&schema, r#"{"a":[1]}"#), "fits", "draft 7 has no prefixItems");

    let refused = |text: Value| Schema::compile(&text, Limits::default()).unwrap_err();
    for other in [
        "http://json-schema.org/draft-04/schema#",
        "http://json-schema.org/draft-06/schema#",
        "https://schemas.example/own",
    ] {
        let text = whole("https://schemas.example/x", draft(other, json!({})));
        assert!(matches!(refused(text), SchemaError::Draft), "{other}");
        // Where only a pointer leads to.
        let hidden = json!({"$ref": "#/x-y/z", "x-y": {"z": draft(other, json!({}))}});
        assert!(matches!(refused(hidden), SchemaError::Draft | SchemaError::Elsewhere { .. }), "{other}");
    }
    let endless =
        [json!({"$recursiveRef": "#"}), json!({"$recursiveAnchor": true, "anyOf": [{"$recursiveRef": "#"}]})];
    for inner in endless {
        let text = whole("https://schemas.example/x", draft(of_2019, inner.clone()));
        assert!(matches!(refused(text), SchemaError::Endless), "{inner}");
        let hidden = json!({"$schema": of_7, "$ref": "#/x-y/z", "x-y": {"z": draft(of_2019, inner.clone())}});
        assert!(matches!(refused(hidden), SchemaError::Endless), "{inner}");
    }
    let tree = json!({"$recursiveAnchor": true, "items": {"$recursiveRef": "#"}, "type": "array"});
    let schema = whole("https://schemas.example/x", draft(of_2019, tree));
    assert_eq!(code(&schema, r#"{"a":[[],[[]]]}"#), "fits");
    assert_eq!(code(&schema, r#"{"a":[[],[1]]}"#), "type");
    // The drafts differ in whether `$id` counts beside a reference: followed either way, it leads back.
    let beside = json!({"$schema": of_7, "$id": "https://schemas.example/x", "definitions": {
        "c": {"$id": "https://schemas.example/elsewhere/", "allOf": [{"$ref": "d"}]},
        "d": {"$id": "https://schemas.example/elsewhere/d", "allOf": [{"$ref": "#/definitions/e"}],
            "definitions": {"e": {"$id": "https://schemas.example/", "$ref": "d"}}},
        "f": {"$id": "https://schemas.example/d"},
    }});
    assert!(matches!(refused(whole("https://schemas.example/elsewhere/", beside)), SchemaError::Endless));
    let many: Vec<Value> = (0..65).map(|n| json!({"$id": n.to_string(), "$schema": of_7})).collect();
    assert!(matches!(refused(json!({"allOf": many})), SchemaError::TooLarge));
}

#[test]
fn the_costliest_pair_of_schema_and_document_fits_a_small_stack() {
    let link = |n: usize| json!({"allOf": [{"$ref": format!("#/$defs/d{n}")}]});
    let mut defs: serde_json::Map<_, _> = (0..6).map(|n| (format!("d{n}"), link(n + 1))).collect();
    defs.insert(
        "d6".into(),
        json!({"anyOf": [{"required": ["z"]}, {"additionalProperties": {"$ref": "#"}}]}),
    );
    let text = json!({"$ref": "#/$defs/d0", "$defs": defs});
    let body = (0..62).fold(json!({"z": {}}), |inner, _| json!({"a": inner})).to_string();
    let broken = body.replace('z', "y").replace("{}", "1");
    std::thread::Builder::new()
        .stack_size(2 << 20)
        .spawn(move || {
            let schema = compile(&text);
            schema.check(body.as_bytes()).unwrap();
            assert!(schema.check(broken.as_bytes()).is_ok());
        })
        .unwrap()
        .join()
        .unwrap();
}

#[test]
fn long_chains_of_definitions_compile_and_judge() {
    let link = |n: usize| json!({"properties": {"a": {"$ref": format!("#/$defs/d{n}")}}});
    let defs: serde_json::Map<_, _> =
        (0..4_000).map(|n| (format!("d{n}"), if n < 3_999 { link(n + 1) } else { json!(false) })).collect();
    assert_eq!(code(&json!({"$ref": "#/$defs/d0", "$defs": defs}), r#"{"a":{"a":{}}}"#), "fits");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn arbitrary_bytes_never_panic(
        body in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            r#"[\[\]{}:,"\\ux0-9abe.+ я-]{0,60}"#.prop_map(String::into_bytes),
            r#"(\{"a":|\[|"\\u00|"b"|1|,|\}|\]|"c":){0,20}"#.prop_map(String::into_bytes),
        ],
        selection in prop::sample::select(&["", "/a", "/*/a", "/0", "/a/*/b"][..]),
    ) {
        let schema = json!({
            "properties": {"a": {"items": {"$ref": "#"}}, "b": {"pattern": "^[a-z]+$", "format": "date"}},
            "patternProperties": {"^(c|d)": {"minimum": 2}}, "uniqueItems": true,
        });
        let selection = Selection::parse(&[selection.to_owned()]).unwrap();
        for schema in [json!(true), schema] {
            let _ = compile(&schema).check_and_trim(&body, &selection);
        }
        let mut decoded = String::new();
        let _ = scan::decode(&String::from_utf8_lossy(&body), &mut decoded);
        for at in 0..=body.len() {
            let _ = (scan::value_end(&body, at), scan::string_end(&body, at), scan::escape(&body, at));
        }
    }

    #[test]
    fn nearly_json_is_accepted_only_if_serde_accepts_it(body in r#"[\[\]{}:,"\\ eu0-9.+-]{0,12}"#) {
        let ours = compile(&json!(true)).check(body.as_bytes());
        let theirs: Result<Value, _> = serde_json::from_slice(body.as_bytes());
        match (ours, theirs) {
            (Ok(_), Err(error)) => prop_assert!(false, "{body}: {error}"),
            (Err(violation), Ok(_)) => prop_assert_eq!(violation.code, "json-duplicate-key"),
            _ => {}
        }
    }

    #[test]
    fn arbitrary_pointers_never_panic(pointers in prop::collection::vec("[/~*a0-2]{0,8}", 0..4)) {
        let _ = Selection::parse(&pointers);
    }
}

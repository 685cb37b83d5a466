//! The JSON Schema Test Suite, run through [`Schema`] as it stands: formats asserted, nothing fetched. Documents that a
//! schema of the suite refers to are bundled with it, as our refusal of it says.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::pass::Verdict;
use super::{Limits, Schema, SchemaError};

/// C3
#[test]
fn every_case_of_the_suite_is_judged_as_the_suite_says_but_for_the_listed_ones() {
    let mut stale: BTreeSet<usize> = (0..EXCEPTIONS.len()).collect();
    let mut wrong = Vec::new();
    let (mut cases, mut decided, mut contradicted) = (0, 0, Vec::new());
    for (draft, uri) in DRAFTS {
        let root = Path::new(SUITE).join("tests");
        let mut files = Vec::new();
        find(&root.join(draft), &mut files);
        for path in files {
            let file = path.strip_prefix(&root).unwrap().to_str().unwrap();
            let groups: Vec<Value> = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            for group in groups {
                let name = group["description"].as_str().unwrap();
                let mut text = group["schema"].clone();
                if let Value::Object(members) = &mut text {
                    members.entry("$schema").or_insert((*uri).into());
                }
                let schema = bundled(text);
                for test in group["tests"].as_array().unwrap() {
                    cases += 1;
                    let body = serde_json::to_vec(&test["data"]).unwrap();
                    let fits = schema.as_ref().ok().map(|schema| schema.check(&body).is_ok());
                    if let Ok(schema) = &schema {
                        let judged = schema.judged(&body).is_ok();
                        match (schema.passed(&body), judged) {
                            (Verdict::Fits, true) | (Verdict::Misfit, false) => decided += 1,
                            (Verdict::Unsure, _) => {}
                            (verdict, _) => {
                                contradicted.push(format!("{file}: {name}: {body:?}: {verdict:?}"))
                            }
                        }
                    }
                    if fits == test["valid"].as_bool() {
                        continue;
                    }
                    let case = test["description"].as_str().unwrap();
                    let listed = EXCEPTIONS.iter().position(|(a, b, c, _)| {
                        *a == file && (*b == "*" || *b == name) && (*c == "*" || case.ends_with(c))
                    });
                    match listed {
                        Some(listed) => _ = stale.remove(&listed),
                        None => wrong.push(format!("{file}: {name}: {case}: {:?}", schema.as_ref().err())),
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "judged wrongly:\n{}", wrong.join("\n"));
    let stale: Vec<_> = stale.into_iter().map(|listed| EXCEPTIONS[listed]).collect();
    assert!(stale.is_empty(), "listed, but judged rightly: {stale:?}");
    assert!(cases > 2_500, "only {cases} cases were found");
    assert!(contradicted.is_empty(), "the pass contradicts the judge:\n{}", contradicted.join("\n"));
    assert!(decided > cases / 2, "the pass decided only {decided} of {cases} cases");
}

/// Compiles a schema with what it refers to.
fn bundled(mut text: Value) -> Result<Schema, SchemaError> {
    loop {
        match Schema::compile(&text, Limits::default()) {
            Err(SchemaError::Elsewhere { uri }) => bundle(&mut text, &uri)?,
            compiled => return compiled,
        }
    }
}

/// Puts the document that a schema refers to into it.
fn bundle(text: &mut Value, uri: &str) -> Result<(), SchemaError> {
    let missing = || SchemaError::Elsewhere { uri: uri.to_owned() };
    let file = uri.strip_prefix("http://localhost:1234/").ok_or_else(missing)?;
    let remote = fs::read(Path::new(SUITE).join("remotes").join(file)).map_err(|_| missing())?;
    let mut remote: Map<String, Value> = serde_json::from_slice(&remote).unwrap();
    let members = text.as_object_mut().ok_or_else(missing)?;
    let draft7 = members["$schema"].as_str().unwrap().contains("draft-07");
    // Draft 7 sees nothing beside a reference.
    if let Some(reference) = draft7.then(|| members.remove("$ref")).flatten() {
        members.insert("allOf".into(), json!([{ "$ref": reference }]));
    }
    let defs = members.entry(if draft7 { "definitions" } else { "$defs" }).or_insert_with(|| json!({}));
    let defs = defs.as_object_mut().unwrap();
    // What has a name of its own is bundled under that, and referred to from the other.
    if let Some(own) = remote.get("$id").filter(|own| own.as_str() != Some(uri)).cloned() {
        defs.insert(format!("{uri} itself"), Value::Object(remote));
        remote = Map::from_iter([("allOf".into(), json!([{ "$ref": own }]))]);
    }
    remote.insert("$id".into(), uri.into());
    match defs.insert(uri.to_owned(), Value::Object(remote)) {
        None => Ok(()),
        Some(_) => Err(missing()),
    }
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            find(&path, files);
        } else {
            files.push(path);
        }
    }
}

const DRAFTS: &[(&str, &str)] = &[
    ("draft2020-12", "https://json-schema.org/draft/2020-12/schema"),
    ("draft7", "http://json-schema.org/draft-07/schema#"),
];

/// File, group, end of the test's description (`*`: any), and why we judge otherwise.
const EXCEPTIONS: &[(&str, &str, &str, &str)] = &[
    ("draft2020-12/optional/format-assertion.json", "*", "*", META_SCHEMA),
    ("draft2020-12/vocabulary.json", "*", "*", META_SCHEMA),
    (
        "draft2020-12/format.json",
        "*",
        "only an annotation by default",
        "formats are asserted, as the draft lets us",
    ),
    ("draft2020-12/optional/format/unknown.json", "*", "*", UNKNOWN_FORMAT),
    ("draft7/optional/format/unknown.json", "*", "*", UNKNOWN_FORMAT),
];

const META_SCHEMA: &str = "the schema names a meta-schema of its own; we take the two drafts as published";
const UNKNOWN_FORMAT: &str = "a format that would not be checked is no schema of ours";
const SUITE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/suites/json-schema");

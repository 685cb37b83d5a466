//! What one check of a payload costs, against a tree of values and the same library.
//!
//! `cargo run --release -p gateway --example payload_cost`

use std::hint::black_box;
use std::time::Instant;

use gateway::payload::{Limits, Schema, Selection};
use jsonschema::PatternOptions;
use serde_json::{Value, json};

/// As in the program itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let (text, body) = (schema(), document());
    let selection: Vec<String> =
        ["/people/*/name", "/people/*/position", "/people/*/address/region", "/asOf"]
            .map(String::from)
            .into();
    let selection = Selection::parse(&selection).expect("the pointers are well formed");
    let schema = Schema::compile(&text, Limits::default()).expect("the schema is well formed");
    let judge = jsonschema::options()
        .should_validate_formats(true)
        .with_pattern_options(PatternOptions::regex())
        .build(&text)
        .expect("the schema is well formed");

    let tree = || {
        let value: Value = serde_json::from_slice(black_box(&body)).expect("the document is JSON");
        assert!(judge.is_valid(&value));
    };
    let check = || {
        black_box(schema.check(black_box(&body)).expect("the document fits"));
    };
    let trim = || {
        let trimmed = schema.check_and_trim(black_box(&body), &selection).expect("the document fits");
        assert!(black_box(&trimmed).withheld_total() > 0);
    };
    println!("{} bytes; median of {ROUNDS} rounds of {CALLS} calls, in turn", body.len());
    let mut rounds = [const { Vec::new() }; 3];
    for _ in 0..ROUNDS {
        rounds[0].push(nanoseconds(tree));
        rounds[1].push(nanoseconds(check));
        rounds[2].push(nanoseconds(trim));
    }
    let [tree, check, trim] = rounds.map(|mut round| {
        round.sort_by(f64::total_cmp);
        round[ROUNDS / 2]
    });
    println!("value and validator  {tree:8.0} ns");
    println!("check                {check:8.0} ns  {:5.2} of it", check / tree);
    println!("check and trim       {trim:8.0} ns  {:5.2} of it", trim / tree);
}

fn nanoseconds(call: impl Fn()) -> f64 {
    let start = Instant::now();
    for _ in 0..CALLS {
        call();
    }
    start.elapsed().as_nanos() as f64 / CALLS as f64
}

fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "required": ["body", "asOf", "people"],
        "additionalProperties": false,
        "properties": {
            "body": {"type": "string", "pattern": "^[0-9]{12}$"},
            "asOf": {"type": "string", "format": "date"},
            "people": {"type": "array", "maxItems": 1000, "items": {"$ref": "#/$defs/person"}}
        },
        "$defs": {
            "person": {
                "type": "object",
                "required": ["iin", "name", "position", "grade", "since", "status", "address"],
                "additionalProperties": false,
                "properties": {
                    "iin": {"type": "string", "pattern": "^[0-9]{12}$"},
                    "name": {"type": "string", "minLength": 1, "maxLength": 200},
                    "position": {"type": "string", "maxLength": 200},
                    "grade": {"type": "integer", "minimum": 1, "maximum": 20},
                    "since": {"type": "string", "format": "date"},
                    "status": {"enum": ["serving", "leave", "secondment", "dismissed"]},
                    "email": {"type": ["string", "null"], "maxLength": 254},
                    "salary": {"type": "number", "minimum": 0},
                    "address": {
                        "type": "object",
                        "required": ["region", "street"],
                        "properties": {
                            "region": {"type": "string", "pattern": "^[0-9]{9}$"},
                            "street": {"type": "string", "maxLength": 200},
                            "house": {"type": "string", "maxLength": 20}
                        }
                    }
                }
            }
        }
    })
}

/// Some 4 KiB of personnel records.
fn document() -> Vec<u8> {
    let person = |n: u64| {
        json!({
            "iin": format!("{:012}", 880_101_300_000 + n), "name": "Айгүл Серікқызы Нұрланова",
            "position": "Бас сарапшы", "grade": n % 20 + 1, "since": "2019-03-11", "status": "serving",
            "email": format!("nurlanova.{n}@example.gov.kz"), "salary": 412_350.75,
            "address": {"region": "710000000", "street": "Мәңгілік Ел даңғылы", "house": "8"}
        })
    };
    let people: Vec<Value> = (0..13).map(person).collect();
    let document = json!({"body": "990140000012", "asOf": "2026-11-30", "people": people});
    serde_json::to_vec(&document).expect("a value can be written")
}

const ROUNDS: usize = 21;
const CALLS: usize = 2_000;

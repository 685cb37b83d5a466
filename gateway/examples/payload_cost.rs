//! What one check of a payload costs, against a tree of values and the same library.
//!
//! `cargo run --release -p gateway --example payload_cost` prints times. With the name of a case and a number, it makes
//! that many calls and nothing else, for a profiler to count: the difference of two runs is free of the start.
//!
//! ```text
//! for n in 1000 2000; do valgrind --tool=callgrind --callgrind-out-file=/dev/null payload_cost get $n; done
//! ```

use std::hint::black_box;
use std::time::Instant;

use gateway::payload::{Limits, Schema, Selection};
use jsonschema::PatternOptions;
use serde_json::{Value, json};

#[path = "../../tests/src/bench/payload.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared with the benchmark")]
mod payload;

/// As in the program itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let cases = [
        Case::new("get", &payload::record_schema(), payload::record(), &[""]),
        Case::new(
            "get-trimmed",
            &payload::record_schema(),
            payload::record(),
            &["/id", "/training/*/course"],
        ),
        Case::new("post", &payload::submission_schema(), payload::submission(), &[""]),
        Case::new(
            "post-trimmed",
            &payload::submission_schema(),
            payload::submission(),
            &["/sent", "/tasks/*/number", "/tasks/*/due", "/tasks/*/state"],
        ),
        Case::new("receipt", &payload::receipt_schema(), payload::receipt(), &[""]),
        Case::new("people", &people_schema(), people(), &[""]),
        Case::new("people-trimmed", &people_schema(), people(), PEOPLE_RELEASED),
    ];
    let mut asked = std::env::args().skip(1);
    if let (Some(name), Some(calls)) = (asked.next(), asked.next()) {
        let case = cases.iter().find(|case| case.name == name).expect("the name of a case");
        (0..calls.parse().expect("a number of calls")).for_each(|_: u32| case.ours());
        return;
    }
    println!("median of {ROUNDS} rounds of {CALLS} calls, in turn");
    for case in &cases {
        let mut rounds = [const { Vec::new() }; 2];
        for _ in 0..ROUNDS {
            rounds[0].push(nanoseconds(|| case.tree()));
            rounds[1].push(nanoseconds(|| case.ours()));
        }
        let [tree, ours] = rounds.map(|mut round| {
            round.sort_by(f64::total_cmp);
            round[ROUNDS / 2]
        });
        let (name, bytes, ratio) = (case.name, case.body.len(), tree / ours);
        println!(
            "{name:15} {bytes:5} bytes: {ours:8.0} ns; tree and library {tree:8.0} ns ({ratio:4.1} times)"
        );
    }
}

/// A document that fits a schema, and what is released of it.
struct Case {
    name: &'static str,
    body: String,
    schema: Schema,
    selection: Selection,
    judge: jsonschema::Validator,
}

impl Case {
    fn new(name: &'static str, schema: &Value, body: String, released: &[&str]) -> Self {
        let released: Vec<String> = released.iter().map(ToString::to_string).collect();
        let judge = jsonschema::options()
            .should_validate_formats(true)
            .with_pattern_options(PatternOptions::regex())
            .build(schema)
            .expect("the schema is well formed");
        let selection = Selection::parse(&released).expect("the pointers are well formed");
        let schema = Schema::compile(schema, Limits::default()).expect("the schema is well formed");
        Self { name, body, schema, selection, judge }
    }

    /// Reads, validates and trims.
    fn ours(&self) {
        let body = black_box(self.body.as_bytes());
        black_box(self.schema.check_and_trim(body, &self.selection).expect("the document fits"));
    }

    fn tree(&self) {
        let value: Value = serde_json::from_str(black_box(&self.body)).expect("the document is JSON");
        assert!(self.judge.is_valid(&value));
    }
}

fn nanoseconds(call: impl Fn()) -> f64 {
    let start = Instant::now();
    (0..CALLS).for_each(|_| call());
    start.elapsed().as_nanos() as f64 / f64::from(CALLS)
}

fn people_schema() -> Value {
    json!({
        "type": "object",
        "required": ["body", "people"],
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
fn people() -> String {
    let person = |n: u64| {
        json!({
            "iin": format!("{:012}", 880_101_300_000 + n), "name": "Айгүл Серікқызы Нұрланова",
            "position": "Бас сарапшы", "grade": n % 20 + 1, "since": "2019-03-11", "status": "serving",
            "email": format!("nurlanova.{n}@example.gov.kz"), "salary": 412_350.75,
            "address": {"region": "710000000", "street": "Мәңгілік Ел даңғылы", "house": "8"}
        })
    };
    let people: Vec<Value> = (0..13).map(person).collect();
    json!({"body": "990140000012", "asOf": "2026-11-30", "people": people}).to_string()
}

const PEOPLE_RELEASED: &[&str] =
    &["/people/*/name", "/people/*/position", "/people/*/address/region", "/asOf"];

const ROUNDS: usize = 21;
const CALLS: u32 = 2_000;

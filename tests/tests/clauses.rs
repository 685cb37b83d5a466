//! Which clause of the requirements is shown by which test (STYLE §11).
//!
//! A test of a requirement names its clause in the comment above it. Here each clause is either shown so, or is in
//! the list of those still to come, never both.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

#[path = "tidy/tree.rs"]
mod tree;

use std::collections::{BTreeMap, BTreeSet};

use tree::files;

/// The clauses of the requirements.
const CLAUSES: [(char, u32); 5] = [('A', 10), ('B', 10), ('C', 8), ('D', 4), ('E', 5)];

/// Clauses that no test shows yet, and what they wait for. Shown means: some test names it, not that nothing remains.
const STILL_TO_COME: &[(&str, &str)] = &[
    ("C7", "asynchronous delivery needs its queue"),
    ("E1", "audits due and done come with the console"),
    ("E3", "reports of violations come with the console"),
];

#[test]
fn each_clause_is_shown_by_a_test_or_still_to_come() {
    let shown = shown();
    let known: BTreeSet<String> = CLAUSES
        .iter()
        .flat_map(|(letter, most)| (1..=*most).map(move |number| format!("{letter}{number}")))
        .chain(["F".to_owned()])
        .collect();
    let waiting: BTreeMap<&str, &str> = STILL_TO_COME.iter().copied().collect();
    assert_eq!(waiting.len(), STILL_TO_COME.len(), "a clause stands in the list twice");

    let mut faults = Vec::new();
    for clause in &known {
        match (shown.get(clause), waiting.get(clause.as_str())) {
            (None, None) => faults.push(format!("{clause}: no test names it, nor the list of those to come")),
            (Some(tests), Some(_)) => {
                faults.push(format!("{clause}: take it off the list, {} shows it", tests[0]))
            }
            (Some(_), None) | (None, Some(_)) => {}
        }
    }
    let unknown = shown.keys().map(String::as_str).chain(waiting.keys().copied());
    faults.extend(
        unknown.filter(|clause| !known.contains(*clause)).map(|clause| format!("{clause}: no such clause")),
    );
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// Each clause with the tests that name it.
fn shown() -> BTreeMap<String, Vec<String>> {
    let mut shown: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in files(".rs") {
        for (clauses, test) in tests(&file.text) {
            for clause in clauses {
                shown.entry(clause).or_default().push(format!("{}: {test}", file.path));
            }
        }
    }
    shown
}

/// The tests of a file, each with the clauses that the comment above it names.
fn tests(text: &str) -> Vec<(Vec<String>, String)> {
    let (mut comment, mut attributes, mut tests) = (String::new(), String::new(), Vec::new());
    for line in text.lines().map(str::trim) {
        if let Some(said) = line.strip_prefix("///") {
            comment.push_str(said);
        } else if line.starts_with("#[") {
            attributes.push_str(line);
        } else {
            let runs = ["#[test]", "#[tokio::test"].iter().any(|test| attributes.contains(test));
            if runs && !attributes.contains("#[ignore") {
                let name = line.split("fn ").nth(1).and_then(|rest| rest.split('(').next());
                tests.push((clauses(&comment), name.unwrap_or(line).to_owned()));
            }
            comment.clear();
            attributes.clear();
        }
    }
    tests
}

/// `B9, D1: …` names B9 and D1; so does `… (B9)`. `B2.3` is a part of B2.
fn clauses(comment: &str) -> Vec<String> {
    let words = comment.split(|c: char| c.is_whitespace() || ",:;()/".contains(c));
    let clause = |word: &str| {
        let word = word.trim_end_matches('.').split('.').next()?;
        let digits = word.strip_prefix(['A', 'B', 'C', 'D', 'E'])?;
        (matches!(digits.len(), 1 | 2) && digits.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| word.to_owned())
    };
    // A letter alone may be anything, so F counts only where it comes first.
    let of_exchanges = comment.split([',', ':']).next().is_some_and(|first| first.trim() == "F");
    words.filter_map(clause).chain(of_exchanges.then(|| "F".to_owned())).collect()
}

#[test]
fn clauses_are_read_from_the_comment_above_a_test_that_runs() {
    let read = |text: &str| tests(&text.replace('|', "\n"));
    assert_eq!(
        read("/// B9, D1: now.|#[test]|fn is_so() {"),
        [(vec!["B9".into(), "D1".into()], "is_so".into())]
    );
    assert_eq!(
        read("/// Promise 1 (B2.3).|#[tokio::test]|async fn x() {"),
        [(vec!["B2".into()], "x".into())]
    );
    assert_eq!(read("/// B9|#[test]|#[ignore]|fn is_so() {"), []);
    assert_eq!(read("/// F, C2: all.|#[test]|fn x() {"), [(vec!["C2".into(), "F".into()], "x".into())]);
    assert_eq!(read("/// Ends in CRLF, or F.|#[test]|fn x() {"), [(vec![], "x".into())]);
    assert_eq!(read("/// B9|fn no_test() {"), []);
    assert_eq!(read("/// An A10000 and HTTP/2.|#[test]|fn x() {"), [(vec![], "x".into())]);
}

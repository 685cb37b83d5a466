//! Measures searches in an exchange index of generated entries.
//!
//! `cargo run --release -p gateway --example index_search -- 10000000` prints how fast the index is made, its size, and
//! how long each kind of search takes for its first page and, where there is one, a page far behind.

#![allow(clippy::unwrap_used, reason = "an example ends with its first error")]

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use agreements::Fingerprint;
use gateway::exchange_index::{Index, Kind, Query, Viewer};
use gateway::exchange_log::{Closing, Entry, LinePlace, Opening, Outcome, Record, Refused};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

fn main() {
    let entries: u64 = std::env::args().nth(1).map_or(1_000_000, |count| count.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let places = sample_log(dir.path());
    let path = dir.path().join("index.sqlite");
    let mut index = Index::open(&path, dir.path()).unwrap();
    let begun = Instant::now();
    let mut batch = Vec::new();
    let mut number = 0;
    while number < entries {
        batch.extend((number..entries.min(number + BATCH)).map(|at| generated(at, &places)));
        index.add(&batch).unwrap();
        number += batch.len() as u64;
        batch.clear();
        if number % 1_000_000 == 0 {
            eprintln!("{number} entries after {} s", begun.elapsed().as_secs());
        }
    }
    let took = begun.elapsed();
    let reach = index.reach().unwrap();
    let bytes = std::fs::metadata(&path).unwrap().len();
    println!(
        "{} entries, {} items: {:.0} entries/s, {} MiB, {:.0} bytes an entry",
        reach.entries,
        reach.items,
        entries as f64 / took.as_secs_f64(),
        bytes >> 20,
        bytes as f64 / entries as f64
    );
    let last = at(entries);
    let words = |words: &[(Kind, &str)]| Query {
        words: words.iter().map(|(kind, word)| (*kind, (*word).to_owned())).collect(),
        ..Query::default()
    };
    let day = SignedDuration::from_hours(24);
    let mut viewed = words(&[(Kind::Outcome, "timeout")]);
    viewed.from = Some(last - day * 3);
    let holder = Viewer::Parties { holders: vec!["990000000003".into()], systems: vec!["system-3".into()] };
    let questions: Vec<(&str, Query, Viewer)> = vec![
        ("the newest", Query::default(), Viewer::All),
        ("one exchange", Query { exchange: Some(Uuid::from_u128(7)), ..Query::default() }, Viewer::All),
        ("one case", words(&[(Kind::Case, "case-41")]), Viewer::All),
        ("one subject", words(&[(Kind::Subject, "subject-77")]), Viewer::All),
        ("one official", words(&[(Kind::User, "user-19")]), Viewer::All),
        ("a busy consumer", words(&[(Kind::Consumer, "system-3")]), Viewer::All),
        ("a rare refusal", words(&[(Kind::Code, "code-rare")]), Viewer::All),
        ("refusals", words(&[(Kind::Decision, "refuse")]), Viewer::All),
        (
            "two busy words that never meet",
            words(&[(Kind::Consumer, "system-3"), (Kind::Purpose, "purpose-4")]),
            Viewer::All,
        ),
        (
            "five words",
            words(&[
                (Kind::Consumer, "system-3"),
                (Kind::Provider, "system-30"),
                (Kind::DataType, "type-3"),
                (Kind::Outcome, "completed"),
                (Kind::Status, "200"),
            ]),
            Viewer::All,
        ),
        ("time-outs of three days", viewed.clone(), Viewer::All),
        ("the same, seen by a holder", viewed, holder.clone()),
        ("all that a holder sees", Query::default(), holder),
        (
            "a region of 40 organisations",
            Query { holders: Some((0..40).map(|n| format!("99{n:010}")).collect()), ..Query::default() },
            Viewer::All,
        ),
        (
            "an old day",
            Query { from: Some(at(0) + day), to: Some(at(0) + day * 2), ..Query::default() },
            Viewer::All,
        ),
    ];
    println!("{:<32} {:>6} {:>12} {:>12} {:>12}", "search", "hits", "first", "again", "100th page");
    let mut slowest = Duration::ZERO;
    for (name, query, viewer) in questions {
        let timed = |after| {
            let begun = Instant::now();
            let page = index.search(&query, &viewer, after, 100).unwrap();
            (begun.elapsed(), page)
        };
        let (first, page) = timed(None);
        let (again, _) = timed(None);
        let mut after = page.next;
        for _ in 0..98 {
            after = after.and_then(|after| timed(Some(after)).1.next);
        }
        let far = after.map(|after| timed(Some(after)).0);
        slowest = slowest.max(first).max(far.unwrap_or_default());
        let ms = |took: Duration| format!("{:.1} ms", took.as_secs_f64() * 1e3);
        let far = far.map_or(String::new(), ms);
        println!("{name:<32} {:>6} {:>12} {:>12} {far:>12}", page.hits.len(), ms(first), ms(again));
    }
    println!("slowest: {:.1} ms", slowest.as_secs_f64() * 1e3);
}

/// Lines that all items share: what is found is read from the log, as in earnest.
fn sample_log(dir: &std::path::Path) -> Vec<LinePlace> {
    let mut text = String::new();
    let mut places = Vec::new();
    for index in 0..10_000 {
        places.push(LinePlace { segment: 0, offset: text.len() as u64 });
        let members = serde_json::to_string(&refused(index)).unwrap();
        writeln!(
            text,
            "{{\"index\":{index},\"batch\":0,\"prev\":\"AAAA\",\"kind\":\"refused\",\"salt\":\"AAAA\",{}",
            &members[1..]
        )
        .unwrap();
    }
    std::fs::write(dir.join(format!("{:020}.jsonl", 0)), text).unwrap();
    places
}

fn generated(number: u64, places: &[LinePlace]) -> (LinePlace, Entry) {
    let record = match number % 20 {
        19 => Record::Refused(Box::new(refused(number))),
        even if even % 2 == 0 => Record::Opening(Box::new(opening(number))),
        odd => {
            let outcome = if odd == 7 && number % 300 < 20 { Outcome::Timeout } else { Outcome::Completed };
            let closing = Closing { status: Some(200), ..Closing::bare(at(number), outcome) };
            Record::Closing { opening: number - 1, exchange: exchange(number - 1), closing }
        }
    };
    let place = places[(number % places.len() as u64) as usize];
    (place, Entry { index: number, record, line: String::new() })
}

fn opening(number: u64) -> Opening<'static> {
    let consumer = scattered(number, 1) % 60;
    Opening {
        exchange: exchange(number),
        at: at(number),
        consumer: format!("system-{consumer}").into(),
        consumer_holder: format!("99{consumer:010}").into(),
        provider: format!("system-{}", scattered(number, 2) % 60).into(),
        provider_holder: format!("99{:010}", scattered(number, 2) % 60).into(),
        data_type: format!("type-{}", scattered(number, 3) % 100).into(),
        data_type_version: "1".into(),
        operation: "lookup".into(),
        environment: "production".into(),
        method: None,
        agreement: format!("A-{consumer}-{}", scattered(number, 2) % 60).into(),
        agreement_version: 1,
        purpose: format!("purpose-{}", consumer % 8).into(),
        collection_purpose: None,
        basis: "law".into(),
        user: Some(gateway::exchange_log::Claim::new(leak(format!(
            "user-{}",
            scattered(number, 4) % 20_000
        )))),
        user_address: None,
        peer_address: [127, 0, 0, 1].into(),
        certificate: Fingerprint::new([0; 32]),
        case: Some(gateway::exchange_log::Claim::new(leak(format!(
            "case-{}",
            scattered(number, 5) % 4_000_000
        )))),
        logical_part: None,
        subject: Some(format!("subject-{}", scattered(number, 6) % 3_000_000).into()),
        category: "personal".into(),
        request_digest: None,
        request_bytes: 0,
        registry_revision: 1,
        traceparent: None,
        sealed: None,
    }
}

fn refused(number: u64) -> Refused<'static> {
    let code = if number % 400_000 == 19 { "code-rare".into() } else { format!("code-{}", number / 20 % 30) };
    Refused {
        exchange: exchange(number),
        at: at(number),
        code: code.into(),
        clause: "B1".into(),
        culprit: "consumer".into(),
        consumer: Some(format!("system-{}", scattered(number, 1) % 60).into()),
        certificate: Fingerprint::new([0; 32]),
        peer_address: [127, 0, 0, 1].into(),
        user_address: None,
        provider: None,
        data_type: None,
        operation: None,
        agreement: None,
        purpose: None,
        user: None,
        case: None,
        suppressed: 0,
        sealed: None,
    }
}

/// A claim borrows its text; a benchmark may keep it for its whole life only if there is little of it, so texts repeat.
fn leak(text: String) -> &'static str {
    use std::collections::HashMap;
    use std::sync::{Mutex, OnceLock};
    static KNOWN: OnceLock<Mutex<HashMap<String, &'static str>>> = OnceLock::new();
    let mut known = KNOWN.get_or_init(Mutex::default).lock().unwrap();
    if let Some(known) = known.get(&text) {
        return known;
    }
    let kept: &'static str = Box::leak(text.clone().into_boxed_str());
    known.insert(text, kept);
    kept
}

/// Like a random number, the same each time (splitmix64).
fn scattered(number: u64, salt: u64) -> u64 {
    let mut z = number.wrapping_add(salt << 40).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn exchange(number: u64) -> Uuid {
    Uuid::from_u128(u128::from(number) + 7)
}

/// Ten entries a second: ten million are eleven days.
fn at(number: u64) -> Timestamp {
    "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_millis(number as i64 * 100)
}

const BATCH: u64 = 50_000;

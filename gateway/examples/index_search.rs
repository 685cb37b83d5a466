//! Measures searches in a log of generated entries, and how fast its index is made.
//!
//! `cargo run --release -p gateway --example index_search -- [ENTRIES [DIR]]`: a million entries in a folder of its own
//! unless told otherwise; ten million take 12 GB for some minutes. What stands in DIR is searched again, and stays there.
//!
//! Each search is done as the API does it: the index is opened, the page found, its entries read from the log. `cold` is
//! the slowest of three after the system was told to forget both files; `again` of three after that, and `CPU` the least time
//! on a processor that one of these took, whatever else the machine did; `deep` the hundredth page; `oldest` a page that
//! begins where one in a hundred items is left.

#![allow(clippy::unwrap_used, reason = "an example ends with its first error")]

mod sample;

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use gateway::exchange_index::{Cursor, Index, Kind, Page, Query, Viewer};
use gateway::exchange_log::{Claim, Closing, Opening, Outcome, Refused};
use jiff::{SignedDuration, Timestamp};
use rustix::fs::{Advice, fadvise};
use sample::scattered;
use uuid::Uuid;

fn main() {
    let entries: u64 = std::env::args().nth(1).map_or(1_000_000, |count| count.parse().unwrap());
    let own = tempfile::tempdir_in(".").unwrap();
    let dir = std::env::args_os().nth(2).map_or_else(|| own.path().to_owned(), PathBuf::from);
    let (log, path) = (dir.join("log"), dir.join("index.sqlite"));
    if !log.exists() {
        let begun = Instant::now();
        write_log(&log, entries);
        println!("a log of {entries} entries, {} MiB, written in {:.0?}", bytes(&log) >> 20, begun.elapsed());
    }
    let mut index = Index::open(&path, &log).unwrap();
    let begun = Instant::now();
    let before = index.reach().unwrap().entries;
    while index.take_in(BATCH).unwrap() > 0 {
        let reached = index.reach().unwrap().entries;
        if reached / 1_000_000 > (reached - BATCH as u64) / 1_000_000 {
            eprintln!("{reached} entries after {} s", begun.elapsed().as_secs());
        }
    }
    let reach = index.reach().unwrap();
    println!(
        "{} entries, {} items: {:.0} entries/s taken in, {} MiB, {:.0} bytes an entry",
        reach.entries,
        reach.items,
        (reach.entries - before) as f64 / begun.elapsed().as_secs_f64(),
        fs::metadata(&path).unwrap().len() >> 20,
        fs::metadata(&path).unwrap().len() as f64 / reach.entries as f64
    );
    drop(index);
    let scene = Scene { log, path, oldest: (reach.items / 100).to_string().parse().unwrap() };
    println!("{:<46} {:>5} {:>9} {:>9} {:>9} {:>9}", "search", "hits", "cold", "again", "deep", "oldest");
    let mut slowest = Duration::ZERO;
    for (name, query, viewer) in questions(entries) {
        slowest = slowest.max(scene.measure(name, &query, &viewer));
    }
    println!("slowest: {}", ms(slowest));
}

struct Scene {
    log: PathBuf,
    path: PathBuf,
    oldest: Cursor,
}

impl Scene {
    /// Says how long the slowest took.
    fn measure(&self, name: &str, query: &Query, viewer: &Viewer) -> Duration {
        let ask = |after| self.ask(query, viewer, after);
        let most = |asked: &dyn Fn() -> Duration| (0..3).map(|_| asked()).max().unwrap_or_default();
        let cold = most(&|| {
            self.forget();
            ask(None).0
        });
        let mut cpu = Duration::MAX;
        let again = (0..3).map(|_| {
            let before = processor_time();
            let took = ask(None).0;
            cpu = cpu.min(processor_time() - before);
            took
        });
        let again = again.max().unwrap_or_default();
        let page = ask(None).1;
        let mut after = page.next;
        for _ in 0..98 {
            after = after.and_then(|after| ask(Some(after)).1.next);
        }
        let deep = after.map(|after| most(&|| ask(Some(after)).0));
        let oldest = most(&|| {
            self.forget();
            ask(Some(self.oldest)).0
        });
        println!(
            "{name:<46} {:>5} {:>9} {:>9} {:>9} {:>9} {:>9}",
            page.hits.len(),
            ms(cold),
            ms(again),
            ms(cpu),
            deep.map_or(String::new(), ms),
            ms(oldest)
        );
        [cold, again, deep.unwrap_or_default(), oldest].into_iter().max().unwrap_or_default()
    }

    fn ask(&self, query: &Query, viewer: &Viewer, after: Option<Cursor>) -> (Duration, Page) {
        let begun = Instant::now();
        let index = Index::open_to_search(&self.path, &self.log).unwrap().unwrap();
        let page = index.search(query, viewer, after, 100).unwrap();
        (begun.elapsed(), page)
    }

    /// Has the system forget what it keeps of the files in memory.
    fn forget(&self) {
        let segments = fs::read_dir(&self.log).unwrap().map(|entry| entry.unwrap().path());
        let index = ["", "-wal", "-shm"].map(|end| PathBuf::from(format!("{}{end}", self.path.display())));
        for path in segments.chain(index) {
            if let Ok(file) = File::open(path) {
                file.sync_all().unwrap();
                fadvise(&file, 0, None, Advice::DontNeed).unwrap();
            }
        }
    }
}

fn questions(entries: u64) -> Vec<(&'static str, Query, Viewer)> {
    let words = |words: &[(Kind, &str)]| Query {
        words: words.iter().map(|(kind, word)| (*kind, (*word).to_owned())).collect(),
        ..Query::default()
    };
    let (first, last, day) = (at(0), at(entries), SignedDuration::from_hours(24));
    let names =
        |from: u64, to: u64| -> Vec<String> { (from..to).map(|number| format!("system-{number}")).collect() };
    let holders = |from: u64, to: u64| -> Vec<String> { (from..to).map(holder).collect() };
    let since = |days: i64, query: Query| Query { from: Some(last - day * days as i32), ..query };
    let holder = Viewer::Parties { holders: holders(1, 2), systems: names(2, 4) };
    // As a regional operator sees: all systems of the region, 240 of them, none of the busiest.
    let region = Viewer::Parties { holders: Vec::new(), systems: names(60, 300) };
    let sector = Viewer::Parties { holders: holders(30, 150), systems: names(60, 300) };
    let five = [
        (Kind::Consumer, "system-3"),
        (Kind::Provider, "system-21"),
        (Kind::DataType, "type-1"),
        (Kind::Outcome, "completed"),
        (Kind::Status, "200"),
    ];
    let never = [(Kind::Consumer, "system-3"), (Kind::Purpose, "purpose-4")];
    let outside = [(Kind::Consumer, "system-50"), (Kind::Decision, "permit")];
    vec![
        ("the newest", Query::default(), Viewer::All),
        ("one exchange", Query { exchange: Some(exchange(7 * 42)), ..Query::default() }, Viewer::All),
        (
            "one exchange that is not there",
            Query { exchange: Some(Uuid::nil()), ..Query::default() },
            Viewer::All,
        ),
        ("one case", words(&[(Kind::Case, "case-41")]), Viewer::All),
        ("a case that is not there", words(&[(Kind::Case, "none")]), Viewer::All),
        (
            "one subject",
            Query { subjects: Some(vec!["subject-77".into(), "none".into()]), ..Query::default() },
            Viewer::All,
        ),
        ("one official", words(&[(Kind::User, "user-19")]), Viewer::All),
        ("a busy consumer", words(&[(Kind::Consumer, "system-3")]), Viewer::All),
        ("a quiet consumer", words(&[(Kind::Consumer, "system-599")]), Viewer::All),
        ("one agreement", words(&[(Kind::Agreement, "A-3-21")]), Viewer::All),
        ("one data type", words(&[(Kind::DataType, "type-3")]), Viewer::All),
        ("either side", Query { systems: names(3, 4), ..Query::default() }, Viewer::All),
        ("a rare refusal", words(&[(Kind::Code, "code-rare")]), Viewer::All),
        ("refusals", words(&[(Kind::Decision, "refuse")]), Viewer::All),
        ("failures of the provider", words(&[(Kind::Status, "502")]), Viewer::All),
        (
            "two busy words",
            words(&[(Kind::Provider, "system-21"), (Kind::Purpose, "purpose-3")]),
            Viewer::All,
        ),
        ("two busy words that never meet", words(&never), Viewer::All),
        ("the same of three days", since(3, words(&never)), Viewer::All),
        (
            "a busy and a rare word that never meet",
            words(&[(Kind::Consumer, "system-3"), (Kind::Code, "code-rare")]),
            Viewer::All,
        ),
        ("five words", words(&five), Viewer::All),
        ("time-outs of three days", since(3, words(&[(Kind::Outcome, "timeout")])), Viewer::All),
        ("the same, seen by a holder", since(3, words(&[(Kind::Outcome, "timeout")])), holder.clone()),
        ("all that a holder sees", Query::default(), holder.clone()),
        ("refusals that a holder sees", words(&[(Kind::Decision, "refuse")]), holder),
        ("all that a region sees", Query::default(), region.clone()),
        ("one case, seen by a region", words(&[(Kind::Case, "case-41")]), region.clone()),
        (
            "two busy words, seen by a region",
            words(&[(Kind::Provider, "system-221"), (Kind::Outcome, "completed")]),
            region.clone(),
        ),
        ("two busy words that a region never sees", words(&outside), region.clone()),
        ("the same, seen by its sector", words(&outside), sector),
        (
            "what two regions have in common",
            Query { holders: Some(holders(200, 300)), ..Query::default() },
            region,
        ),
        (
            "an old day",
            Query { from: Some(first + day), to: Some(first + day * 2), ..Query::default() },
            Viewer::All,
        ),
        (
            "a busy consumer on an old day",
            Query { from: Some(first + day), to: Some(first + day * 2), ..words(&five[..1]) },
            Viewer::All,
        ),
        (
            "an old minute",
            Query {
                from: Some(first + day),
                to: Some(first + day + SignedDuration::from_mins(1)),
                ..Query::default()
            },
            Viewer::All,
        ),
        ("before the beginning", Query { to: Some(first), ..Query::default() }, Viewer::All),
    ]
}

/// Segments as the gateway writes them, but for the chain, which an index does not look at.
fn write_log(dir: &Path, entries: u64) {
    fs::create_dir_all(dir).unwrap();
    let (prev, salt) = (format!("{}=", "A".repeat(43)), format!("{}==", "A".repeat(22)));
    let mut segment = Vec::new();
    let mut first = 0;
    for number in 0..entries {
        let (kind, members) = if segment.is_empty() {
            ("segment", format!(r#""at":"{}","origin":"bench.example","open":[],"more":false}}"#, at(number)))
        } else {
            said(number)
        };
        write!(
            segment,
            r#"{{"index":{number},"batch":{number},"prev":"{prev}","kind":"{kind}","salt":"{salt}",{members}"#
        )
        .unwrap();
        segment.push(b'\n');
        if segment.len() > 64 << 20 || number + 1 == entries {
            let mut file = File::create(dir.join(format!("{first:020}.jsonl"))).unwrap();
            file.write_all(&segment).unwrap();
            file.sync_all().unwrap();
            (first, segment) = (number + 1, Vec::new());
        }
    }
}

/// Ten exchanges and a refusal in turn. Where a segment begins, a closing or an opening is left out.
fn said(number: u64) -> (&'static str, String) {
    let members = |json: String| json[1..].to_owned();
    match number % 21 {
        20 => ("refused", members(serde_json::to_string(&refused(number)).unwrap())),
        even if even % 2 == 0 => ("opening", members(serde_json::to_string(&opening(number)).unwrap())),
        _ => {
            let closing = serde_json::to_string(&closing(number)).unwrap();
            let (opening, exchange) = (number - 1, exchange(number - 1));
            ("closing", format!(r#""opening":{opening},"exchange":"{exchange}",{}"#, &closing[1..]))
        }
    }
}

fn opening(number: u64) -> Opening<'static> {
    let (consumer, provider) = parties(number);
    let user = format!("user-{}", scattered(number, 4) % 20_000);
    let case = format!("case-{}", scattered(number, 5) % 4_000_000);
    Opening {
        exchange: exchange(number),
        at: at(number),
        consumer: format!("system-{consumer}").into(),
        consumer_holder: holder(consumer / 2).into(),
        provider: format!("system-{provider}").into(),
        provider_holder: holder(provider / 2).into(),
        data_type: format!("type-{}", provider % 20).into(),
        agreement: format!("A-{consumer}-{provider}").into(),
        purpose: format!("purpose-{}", consumer % 8).into(),
        user: Some(Claim::new(user.leak())),
        case: Some(Claim::new(case.leak())),
        subject: Some(format!("subject-{}", scattered(number, 6) % 3_000_000).into()),
        ..sample::opening()
    }
}

fn closing(number: u64) -> Closing<'static> {
    let (outcome, status) = match scattered(number, 7) % 500 {
        0 => (Outcome::Timeout, None),
        1 => (Outcome::Completed, Some(502)),
        _ => (Outcome::Completed, Some(200)),
    };
    Closing { at: at(number), outcome, status, ..sample::closing() }
}

fn refused(number: u64) -> Refused<'static> {
    let code = if number % 420_000 == 20 { "code-rare".into() } else { format!("code-{}", number / 21 % 30) };
    Refused {
        exchange: exchange(number),
        at: at(number),
        code: code.into(),
        clause: "B1".into(),
        culprit: "consumer".into(),
        consumer: Some(format!("system-{}", parties(number).0).into()),
        certificate: agreements::Fingerprint::new([0; 32]),
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

/// Of 600 systems of 300 organisations sixty ask half of all; each asks eight others.
fn parties(number: u64) -> (u64, u64) {
    let most = if scattered(number, 1).is_multiple_of(2) { 60 } else { 600 };
    let consumer = scattered(number, 2) % most;
    (consumer, (consumer * 7 + scattered(number, 3) % 8 * 13) % 600)
}

fn holder(number: u64) -> String {
    format!("99{number:010}")
}

/// As UUIDv7 are: its time, then chance.
fn exchange(number: u64) -> Uuid {
    let ms = u64::try_from(at(number).as_millisecond()).unwrap();
    let chance = u128::from(scattered(number, 8)) << 64 | u128::from(scattered(number, 9));
    uuid::Builder::from_unix_timestamp_millis(ms, chance.to_be_bytes().first_chunk().unwrap()).into_uuid()
}

/// Ten entries a second: ten million are eleven days.
fn at(number: u64) -> Timestamp {
    "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_millis(number as i64 * 100)
}

/// Of this thread.
fn processor_time() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(text.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or_default())
}

fn bytes(dir: &Path) -> u64 {
    fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum()
}

fn ms(took: Duration) -> String {
    format!("{:.1} ms", took.as_secs_f64() * 1e3)
}

/// As `kelisim log index` does.
const BATCH: usize = 50_000;

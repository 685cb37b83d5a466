//! Searches against small logs whose lines are written by hand, and one large index against a walk through all.

use std::fmt::Write as _;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::*;
use crate::exchange_log::{MinimumIndex, SearchError};
use crate::transparency::key::{Scheme, SigningKey};

mod regions;

/// A log of lines, without a writer: the index reads what stands there.
struct Scene {
    dir: tempfile::TempDir,
    next: u64,
    lines: String,
    segment: u64,
}

const HEAD: &str = r#""batch":0,"prev":"AAAA","salt":"AAAA""#;

impl Scene {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), next: 0, lines: String::new(), segment: 0 }
    }

    fn log(&self) -> PathBuf {
        self.dir.path().to_owned()
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("index.sqlite")
    }

    fn push(&mut self, members: &str) -> u64 {
        let index = self.next;
        writeln!(self.lines, "{{\"index\":{index},{HEAD},{members}}}").unwrap();
        self.next += 1;
        std::fs::write(self.log().join(format!("{:020}.jsonl", self.segment)), &self.lines).unwrap();
        index
    }

    fn rotate(&mut self) {
        (self.segment, self.lines) = (self.next, String::new());
        let at = at(self.next);
        self.push(&format!(r#""kind":"segment","at":"{at}","origin":"log.example","open":[],"more":false"#));
    }

    /// An exchange between two systems, closed; each with its number as its time in seconds.
    fn exchange(&mut self, consumer: &str, provider: &str, case: &str) -> Uuid {
        let exchange = Uuid::from_u128(u128::from(self.next));
        let opening = self.open(consumer, provider, case);
        let at = at(self.next);
        self.push(&format!(
            r#""kind":"closing","opening":{opening},"exchange":"{exchange}","at":"{at}","outcome":"completed","status":200"#
        ));
        exchange
    }

    fn open(&mut self, consumer: &str, provider: &str, case: &str) -> u64 {
        let (exchange, at) = (Uuid::from_u128(u128::from(self.next)), at(self.next));
        self.push(&format!(
            r#""kind":"opening","decision":"permit","exchange":"{exchange}","at":"{at}","consumer":"{consumer}","consumer_holder":"1{consumer}","provider":"{provider}","provider_holder":"1{provider}","data_type":"address","data_type_version":"1","operation":"lookup","environment":"trial","agreement":"A-1","agreement_version":1,"purpose":"service","basis":"law","peer_address":"127.0.0.1","certificate":"{zeros}","case":"{case}","category":"open","request_bytes":0,"registry_revision":1"#,
            zeros = "00".repeat(32),
        ))
    }

    fn refuse(&mut self, consumer: &str, code: &str) {
        let (exchange, at) = (Uuid::from_u128(u128::from(self.next)), at(self.next));
        self.push(&format!(
            r#""kind":"refused","decision":"refuse","exchange":"{exchange}","at":"{at}","code":"{code}","clause":"B1","culprit":"consumer","consumer":"{consumer}","certificate":"{zeros}","peer_address":"127.0.0.1","user":"=cmd,\"x\"""#,
            zeros = "00".repeat(32),
        ));
    }

    fn index(&self) -> Index {
        let mut index = Index::open(&self.path(), &self.log()).unwrap();
        while index.take_in(7).unwrap() > 0 {}
        index
    }
}

fn at(seconds: u64) -> Timestamp {
    "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(seconds as i64)
}

fn cases(page: &Page) -> Vec<String> {
    let case = |hit: &Hit| match &hit.entry.record {
        crate::exchange_log::Record::Opening(opening) => opening.case.as_ref().unwrap().as_str().to_owned(),
        other => format!("{other:?}"),
    };
    page.hits.iter().map(case).collect()
}

fn word(kind: Kind, word: &str) -> Query {
    Query { words: vec![(kind, word.to_owned())], ..Query::default() }
}

fn found(index: &Index, query: &Query) -> usize {
    index.search(query, &Viewer::All, None, 1000).unwrap().hits.len()
}

/// D2
#[test]
fn each_word_of_an_exchange_finds_it_with_its_closing() {
    let mut scene = Scene::new();
    let exchange = scene.exchange("portal", "registry", "c-1");
    scene.exchange("mill", "bank", "c-2");
    scene.refuse("mill", "no-agreement");
    let index = scene.index();
    assert_eq!(index.reach().unwrap(), Reach { entries: 5, items: 3 });
    for (kind, text, count) in [
        (Kind::Consumer, "portal", 1),
        (Kind::Provider, "registry", 1),
        (Kind::Holder, "1portal", 1),
        (Kind::Holder, "1bank", 1),
        (Kind::System, "portal", 1),
        (Kind::DataType, "address", 2),
        (Kind::Agreement, "A-1", 2),
        (Kind::Purpose, "service", 2),
        (Kind::Case, "c-2", 1),
        (Kind::Decision, "permit", 2),
        (Kind::Decision, "refuse", 1),
        (Kind::Code, "no-agreement", 1),
        (Kind::Outcome, "completed", 2),
        (Kind::Status, "200", 2),
        (Kind::Consumer, "mill", 2),
        (Kind::Consumer, "nobody", 0),
        (Kind::Provider, "portal", 0),
    ] {
        assert_eq!(found(&index, &word(kind, text)), count, "{kind:?} {text}");
    }
    let page =
        index.search(&Query { exchange: Some(exchange), ..Query::default() }, &Viewer::All, None, 9).unwrap();
    assert_eq!((page.hits.len(), page.hits[0].ended()), (1, Some("completed")));
    let both = Query {
        words: vec![(Kind::Consumer, "mill".into()), (Kind::Provider, "bank".into())],
        ..Query::default()
    };
    assert_eq!(found(&index, &both), 1);
    let either = Query { systems: vec!["registry".into(), "mill".into()], ..Query::default() };
    assert_eq!(found(&index, &either), 3);
    let holders = |named: &[&str]| Query {
        holders: Some(named.iter().map(ToString::to_string).collect()),
        ..Query::default()
    };
    assert_eq!(found(&index, &holders(&["1bank", "1nobody"])), 1);
    assert_eq!(found(&index, &holders(&[])), 0, "a region without organisations has no exchanges");
}

/// D2
#[test]
fn a_closing_that_comes_later_is_found_with_its_opening() {
    let mut scene = Scene::new();
    let opening = scene.open("portal", "registry", "c-1");
    let mut index = scene.index();
    assert_eq!(found(&index, &word(Kind::Outcome, "timeout")), 0);
    let hit = &index.search(&Query::default(), &Viewer::All, None, 9).unwrap().hits[0];
    assert_eq!((hit.ended(), &hit.closing), (None, &None));
    scene.rotate();
    let exchange = Uuid::from_u128(u128::from(opening));
    scene.push(&format!(
        r#""kind":"closing","opening":{opening},"exchange":"{exchange}","at":"{}","outcome":"timeout","code":"provider-timeout""#,
        at(9)
    ));
    while index.take_in(1).unwrap() > 0 {}
    assert_eq!(found(&index, &word(Kind::Outcome, "timeout")), 1);
    assert_eq!(found(&index, &word(Kind::Code, "provider-timeout")), 1);
    let page = index.search(&Query::default(), &Viewer::All, None, 9).unwrap();
    assert_eq!(page.hits[0].ended(), Some("timeout"));
}

#[test]
fn pages_follow_each_other_newest_first_though_more_comes_in() {
    let mut scene = Scene::new();
    for number in 0..25 {
        scene.exchange("portal", "registry", &format!("c-{number}"));
    }
    let mut index = scene.index();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = index.search(&word(Kind::Consumer, "portal"), &Viewer::All, after, 10).unwrap();
        seen.extend(cases(&page));
        scene.exchange("portal", "registry", "new");
        while index.take_in(100).unwrap() > 0 {}
        after = page.next.map(|next| next.to_string().parse().unwrap());
        if after.is_none() {
            break;
        }
    }
    let expected: Vec<String> = (0..25).rev().map(|number| format!("c-{number}")).collect();
    assert_eq!(seen, expected);
}

#[test]
fn times_are_from_and_before() {
    let mut scene = Scene::new();
    for number in 0..10 {
        scene.exchange("portal", "registry", &format!("c-{number}"));
    }
    let index = scene.index();
    let query = Query { from: Some(at(4)), to: Some(at(8)), ..Query::default() };
    assert_eq!(cases(&index.search(&query, &Viewer::All, None, 9).unwrap()), ["c-3", "c-2"]);
}

/// D2
#[test]
fn who_may_see_some_finds_no_others_whatever_they_ask() {
    let mut scene = Scene::new();
    scene.exchange("portal", "registry", "c-1");
    scene.exchange("mill", "bank", "c-2");
    scene.exchange("mill", "portal", "c-3");
    scene.refuse("portal", "no-agreement");
    scene.refuse("mill", "no-agreement");
    let index = scene.index();
    let viewer = Viewer::Parties { holders: vec!["1portal".into()], systems: vec!["portal".into()] };
    let seen = |query: &Query| index.search(query, &viewer, None, 9).unwrap().hits.len();
    assert_eq!(seen(&Query::default()), 3);
    assert_eq!(seen(&word(Kind::Consumer, "mill")), 1);
    assert_eq!(seen(&word(Kind::Case, "c-2")), 0);
    assert_eq!(seen(&word(Kind::Code, "no-agreement")), 1);
    let hidden = Query { exchange: Some(Uuid::from_u128(2)), ..Query::default() };
    assert_eq!((seen(&hidden), found(&index, &hidden)), (0, 1));
    let nobody = Viewer::Parties { holders: vec![], systems: vec![] };
    assert!(index.search(&Query::default(), &nobody, None, 9).unwrap().hits.is_empty());
}

#[test]
fn an_index_of_another_log_is_made_again_and_not_searched() {
    let mut scene = Scene::new();
    scene.exchange("portal", "registry", "c-1");
    drop(scene.index());
    assert!(Index::open_to_search(&scene.path(), &scene.log()).unwrap().is_some());
    let file = scene.log().join(format!("{:020}.jsonl", 0));
    let changed = std::fs::read_to_string(&file).unwrap().replace("completed", "timed-out");
    std::fs::write(&file, changed.replace("timed-out", "abandoned")).unwrap();
    assert!(Index::open_to_search(&scene.path(), &scene.log()).unwrap().is_none());
    let index = scene.index();
    assert_eq!(found(&index, &word(Kind::Outcome, "abandoned")), 1);
    assert_eq!(index.reach().unwrap(), Reach { entries: 2, items: 1 });
    assert!(Index::open_to_search(&scene.dir.path().join("none"), &scene.log()).unwrap().is_none());
}

#[test]
fn two_that_keep_an_index_up_take_nothing_in_twice() {
    let mut scene = Scene::new();
    for number in 0..20 {
        scene.exchange("portal", "registry", &format!("c-{number}"));
    }
    let mut one = Index::open(&scene.path(), &scene.log()).unwrap();
    let mut other = Index::open(&scene.path(), &scene.log()).unwrap();
    while one.take_in(3).unwrap() + other.take_in(5).unwrap() > 0 {}
    assert_eq!(one.reach().unwrap(), Reach { entries: 40, items: 20 });
    other.clear().unwrap();
    scene.exchange("portal", "registry", "c-20");
    while one.take_in(7).unwrap() > 0 {}
    assert_eq!(found(&one, &word(Kind::Consumer, "portal")), 21);
}

/// D2
#[test]
fn what_is_found_in_blocks_is_what_a_walk_through_all_finds() {
    // More than one era; a word that stands everywhere for a block and more, a rare one, and a clock that was set back.
    const ITEMS: usize = 290_000;
    let mut scene = Scene::new();
    scene.refuse("portal", "code-0");
    let text = scene.lines.trim_end();
    let entry = crate::exchange_log::Entry::parse(text.as_bytes()).unwrap();
    let place = crate::exchange_log::LinePlace { segment: 0, offset: 0 };
    let consumer = |item: usize| if item < 100_000 { "portal" } else { ["portal", "mill", "bank"][item % 3] };
    let code = |item: usize| {
        if item % 70_001 == 69 { "rare" } else { ["often", "seldom"][usize::from(item.is_multiple_of(7))] }
    };
    let time = |item: usize| at(if item < 150_000 { item } else { item - 20_000 } as u64);
    let mut index = Index::open(&scene.path(), &scene.log()).unwrap();
    for start in (0..ITEMS).step_by(61_000) {
        let batch = (start..(start + 61_000).min(ITEMS)).map(|item| {
            let mut entry = entry.clone();
            entry.index = item as u64;
            if let crate::exchange_log::Record::Refused(refused) = &mut entry.record {
                refused.exchange = Uuid::from_u128(item as u128);
                refused.consumer = Some(consumer(item).into());
                refused.code = code(item).into();
                refused.at = time(item);
            }
            Ok((place, entry))
        });
        index.add(batch).unwrap();
    }
    assert_eq!(index.reach().unwrap(), Reach { entries: ITEMS as u64, items: ITEMS as u64 });
    let two = |who: &str, why: &str| Query {
        words: vec![(Kind::Consumer, who.into()), (Kind::Code, why.into())],
        ..Query::default()
    };
    let (from, to) = (120_000, 200_000);
    let timed = |query: Query| Query { from: Some(at(from)), to: Some(at(to)), ..query };
    let in_time = |item: usize| time(item) >= at(from) && time(item) < at(to);
    let mill = Viewer::Parties { holders: vec!["1mill".into()], systems: vec!["mill".into()] };
    let strangers = (0..40).map(|number| format!("stranger-{number}"));
    let region =
        Viewer::Parties { holders: Vec::new(), systems: strangers.chain(["mill".to_owned()]).collect() };
    type Fits<'a> = Box<dyn Fn(usize) -> bool + 'a>;
    let questions: Vec<(Query, Viewer, Fits<'_>)> = vec![
        (Query::default(), Viewer::All, Box::new(|_| true)),
        (word(Kind::Code, "rare"), Viewer::All, Box::new(|item| code(item) == "rare")),
        (word(Kind::Code, "never"), Viewer::All, Box::new(|_| false)),
        (
            two("mill", "seldom"),
            Viewer::All,
            Box::new(|item| consumer(item) == "mill" && code(item) == "seldom"),
        ),
        (two("bank", "rare"), Viewer::All, Box::new(|item| consumer(item) == "bank" && code(item) == "rare")),
        (timed(Query::default()), Viewer::All, Box::new(in_time)),
        (
            timed(two("mill", "often")),
            Viewer::All,
            Box::new(|item| in_time(item) && consumer(item) == "mill" && code(item) == "often"),
        ),
        (timed(Query::default()), mill.clone(), Box::new(|item| in_time(item) && consumer(item) == "mill")),
        (word(Kind::Consumer, "bank"), mill, Box::new(|_| false)),
        (word(Kind::Consumer, "bank"), region.clone(), Box::new(|_| false)),
        (two("mill", "often"), region, Box::new(|item| consumer(item) == "mill" && code(item) == "often")),
        (
            Query { exchange: Some(Uuid::from_u128(131_071)), ..Query::default() },
            Viewer::All,
            Box::new(|item| item == 131_071),
        ),
    ];
    for (query, viewer, fits) in questions {
        let expected: Vec<u64> =
            (0..ITEMS).rev().filter(|item| fits(*item)).map(|item| item as u64).collect();
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let (items, next) = index.find(&query, &viewer, after, 33_333).unwrap();
            seen.extend(items);
            after = next;
            if after.is_none() {
                break;
            }
        }
        assert!(seen == expected, "{query:?} {viewer:?}: {} instead of {}", seen.len(), expected.len());
    }
}

/// D2: whatever is looked for, the database goes where it stands.
#[test]
fn no_statement_on_the_index_reads_a_table_through() {
    let scene = Scene::new();
    let index = Index::open(&scene.path(), &scene.log()).unwrap();
    let mut explained = 0;
    for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/exchange_index/sql")).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        // These make and empty it.
        if ["schema", "drop", "clear", "settings", "filling"].contains(&name) {
            continue;
        }
        let sql = std::fs::read_to_string(&path).unwrap();
        let mut plan = index.connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let nulls = vec![rusqlite::types::Null; plan.parameter_count()];
        let mut rows = plan.query(rusqlite::params_from_iter(nulls)).unwrap();
        let mut steps = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            steps.push(row.get::<_, String>(3).unwrap());
        }
        let looks = sql.contains("SELECT") || sql.contains("UPDATE item") || sql.contains("DELETE");
        assert_eq!(looks, steps.iter().any(|step| step.starts_with("SEARCH")), "{name}: {steps:?}");
        assert!(
            !steps.iter().any(|step| step.contains("SCAN") || step.contains("TEMP")),
            "{name}: {steps:?}"
        );
        explained += 1;
    }
    assert!(explained > 10, "{explained}");
}

/// D2: whoever writes the index shows nobody what is not theirs.
#[test]
fn forged_index_does_not_show_what_a_viewer_may_not_see() {
    let mut scene = Scene::new();
    scene.exchange("portal", "registry", "c-1");
    scene.exchange("mill", "bank", "c-2");
    let index = scene.index();
    let viewer = Viewer::Parties { holders: vec!["1mill".into()], systems: vec!["mill".into()] };
    let seen = || cases(&index.search(&Query::default(), &viewer, None, 9).unwrap());
    assert_eq!(seen(), ["c-2"]);
    // Each word of the exchanges says that it stands in both.
    index.connection.execute("UPDATE posting SET items = x'00000100'", []).unwrap();
    assert_eq!(index.find(&Query::default(), &viewer, None, 9).unwrap().0, [1, 0]);
    assert_eq!(seen(), ["c-2"]);
}

#[test]
fn cursor_from_elsewhere_finds_no_more_than_there_is() {
    let mut scene = Scene::new();
    scene.exchange("portal", "registry", "c-1");
    let index = scene.index();
    for (cursor, count) in [("0", 0), ("1", 1), ("18446744073709551615", 1)] {
        let after = Some(cursor.parse().unwrap());
        assert_eq!(index.search(&Query::default(), &Viewer::All, after, 9).unwrap().hits.len(), count);
    }
}

#[test]
fn index_of_an_earlier_form_is_made_again() {
    let mut scene = Scene::new();
    scene.exchange("portal", "registry", "c-1");
    let earlier = rusqlite::Connection::open(scene.path()).unwrap();
    earlier
        .execute_batch(
            "CREATE TABLE reach (only INTEGER PRIMARY KEY, version INTEGER, entry INTEGER, segment INTEGER,
                 \"offset\" INTEGER, leaf BLOB);
             CREATE TABLE item (number INTEGER PRIMARY KEY, at INTEGER);
             INSERT INTO item VALUES (7, 1);
             CREATE TABLE term (id INTEGER PRIMARY KEY, kind INTEGER, word TEXT);
             CREATE TABLE posting (term INTEGER, block INTEGER, items BLOB);",
        )
        .unwrap();
    drop(earlier);
    assert!(Index::open_to_search(&scene.path(), &scene.log()).unwrap().is_none());
    assert_eq!(scene.index().reach().unwrap(), Reach { entries: 2, items: 1 });
}

#[test]
fn an_export_has_a_line_for_each_and_no_formulas() {
    let mut scene = Scene::new();
    scene.exchange("portal", "registry", "a, \"b\"".replace('"', "\\\"").as_str());
    scene.refuse("mill", "no-agreement");
    let index = scene.index();
    let page = index.search(&Query::default(), &Viewer::All, None, 9).unwrap();
    let columns = csv_heading().matches(',').count();
    let keys = crate::personal::PersonalKeys::to_read(scene.dir.path()).unwrap();
    let lines: Vec<String> = page.hits.iter().map(|hit| csv_line(hit, &keys)).collect();
    assert!(lines[0].contains("no-agreement") && lines[0].contains("\"'=cmd,\"\"x\"\"\""), "{}", lines[0]);
    assert!(lines[1].contains("\"a, \"\"b\"\"\"") && lines[1].contains("completed"), "{}", lines[1]);
    assert_eq!(lines[1].matches(',').count(), columns + 1);
    let json: serde_json::Value = serde_json::from_str(&json_line(&page.hits[1], &keys)).unwrap();
    assert_eq!(json["entry"]["consumer"], "portal");
    assert_eq!(json["closing"]["outcome"], "completed");
}

/// D2
#[test]
fn only_what_was_declared_pruned_is_elsewhere_and_an_export_says_how_much() {
    let mut scene = Scene::new();
    scene.exchange("portal", "registry", "old");
    scene.rotate();
    scene.exchange("portal", "registry", "new");
    let index = scene.index();
    let search = || index.search(&Query::default(), &Viewer::All, None, 9);
    let path = scene.log().join(format!("{:020}.jsonl", 0));
    let text = std::fs::read_to_string(&path).unwrap();

    std::fs::write(&path, text.replace("portal", "po\ntal")).unwrap();
    assert!(matches!(search(), Err(IndexError::Log(SearchError::Damaged { .. }))), "damage is said");
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(search(), Err(IndexError::Log(SearchError::Io { .. }))), "and so is loss");

    let origin = "log.example".to_owned();
    let key = SigningKey::generate(&origin.parse().unwrap(), Scheme::Ed25519).unwrap().0;
    let (by, reason) = ("administrator".to_owned(), "retention ended".to_owned());
    let minimum = MinimumIndex { origin, index: scene.segment, at: at(0), by, reason };
    std::fs::write(scene.log().join("minimum-index"), minimum.signed(&[key]).unwrap().to_string()).unwrap();
    let page = search().unwrap();
    assert_eq!((cases(&page), page.elsewhere), (vec!["new".to_owned()], 1));
    assert_eq!(json_trailer(page.elsewhere), "{\"elsewhere\":1}\n");
    let trailer = csv_trailer(page.elsewhere);
    assert!(trailer.starts_with(",elsewhere,,") && trailer.contains(",1,"), "{trailer}");
    assert_eq!(trailer.matches(',').count(), csv_heading().matches(',').count());
    assert_eq!((csv_trailer(0), json_trailer(0)), (String::new(), String::new()));
}

/// D2
#[test]
fn searches_are_written_down_in_a_chain() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("searches.jsonl");
    let journal = Journal::at(&path);
    let query = word(Kind::Case, "c-1");
    for who in ["aigul", "daulet", "aigul"] {
        let searched = Searched {
            at: at(1),
            operator: Some(who),
            via: "cli:uid=1000",
            reason: "a complaint",
            viewer: &Viewer::All,
            query: Sought::Query(&query),
        };
        journal.record(&searched).unwrap();
    }
    assert_eq!(journal.verify().unwrap(), 3);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("\"c-1\"") && text.contains("a complaint"));
    // A torn end is ended, and the chain goes on behind it.
    std::fs::write(&path, format!("{text}{{\"prev\":\"to")).unwrap();
    let searched = Searched {
        at: at(2),
        operator: None,
        via: "api",
        reason: "",
        viewer: &Viewer::All,
        query: Sought::Query(&query),
    };
    journal.record(&searched).unwrap();
    assert_eq!(journal.verify().unwrap(), 5);
    for changed in [text.replacen("aigul", "other", 1), text.lines().skip(1).collect::<Vec<_>>().join("\n")] {
        std::fs::write(&path, changed).unwrap();
        assert!(matches!(journal.verify(), Err(JournalError::Broken { .. })));
    }
}

/// D4
#[test]
fn a_use_is_what_reached_the_provider_or_was_given_again() {
    use crate::exchange_log::Outcome;

    let mut scene = Scene::new();
    for outcome in Outcome::ALL.map(Outcome::as_str) {
        let exchange = Uuid::from_u128(u128::from(scene.next));
        let opening = scene.open("portal", "registry", outcome);
        let at = at(scene.next);
        scene.push(&format!(
            r#""kind":"closing","opening":{opening},"exchange":"{exchange}","at":"{at}","outcome":"{outcome}","subjects":["ab"]"#
        ));
    }
    let about = Query { subjects: Some(vec!["ab".to_owned()]), ..Query::default() };
    assert_eq!(found(&scene.index(), &about), Outcome::ALL.len());

    let uses = scene.index().uses(&about, &[], 0, 100).unwrap();
    assert_eq!(uses.total, uses.hits.len());
    let mut used = cases(&Page { hits: uses.hits, next: None, elsewhere: uses.elsewhere });
    used.reverse();
    let mut all = Outcome::ALL.map(Outcome::as_str).to_vec();
    all.retain(|outcome| !["provider-unreachable", "request-refused"].contains(outcome));
    assert_eq!(used, all);
}

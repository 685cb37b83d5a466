//! A large registry in small: what is remembered between starts is what all events say.
#![allow(clippy::unwrap_used, unreachable_pub, dead_code, missing_docs, reason = "tests")]

#[path = "../examples/registry_scale/estate.rs"]
mod estate;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use agreements::*;
use certs::trust::Trust;
use estate::{Estate, Size, certificate, code, code_of_agreement, pair, regulator};
use gateway::clock;
use gateway::office::Office;
use gateway::registry::follower::{Follower, Following};
use gateway::registry::proof::Proofs;
use gateway::registry::snapshot::{self, Read, Snapshots};
use gateway::registry::{Allowed, Store, View};
use gateway::trusted::TrustFiles;
use jiff::Timestamp;
use tempfile::TempDir;

const SIZE: Size = Size { agreements: 2_000, systems: 200, events: 16_000 };

struct Scene {
    estate: Estate,
    _temporary: TempDir,
}

impl Scene {
    fn built() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let estate = Estate::build(&temporary.path().join("data"), SIZE, clock::now());
        Self { estate, _temporary: temporary }
    }

    fn snapshots(&self) -> Snapshots {
        Snapshots::of(&self.estate.config()).unwrap()
    }

    fn file(&self, end: &str) -> PathBuf {
        self.estate.folder.dir().join(format!("registry.sqlite{end}"))
    }

    fn read(&self) -> (Registry, Read) {
        let (registry, chain, read) =
            snapshot::open(&mut self.estate.store(), Some(&self.snapshots())).unwrap();
        assert_eq!(chain.revision, registry.revision());
        (registry, read)
    }

    fn followed(&self) -> Follower {
        self.followed_by(self.trust())
    }

    fn trust(&self) -> Arc<Trust> {
        Arc::new(Trust::new(TrustFiles::of(&self.estate.config()).load(clock::now()).unwrap()))
    }

    fn followed_by(&self, trust: Arc<Trust>) -> Follower {
        let config = self.estate.config();
        let following = Following {
            environment: Phase::Production,
            poll: Duration::from_millis(10),
            lease: Duration::from_secs(60),
            allowed: Allowed { exchanges: 64, bytes: 64 << 20 },
        };
        let snapshots = Snapshots::of(&config);
        Follower::start(Box::new(self.estate.store()), Proofs::new(trust), snapshots, following).unwrap()
    }

    fn happens(&self, event: Event) -> u64 {
        let mut store = self.estate.store();
        let sequence = store.revision().unwrap() + 1;
        let (actor, reason) = (regulator(), "shown".into());
        store.append(sequence - 1, &[Recorded { sequence, at: clock::now(), actor, reason, event }]).unwrap();
        sequence
    }
}

/// A snapshot gives the registry that all events give, also when more happened since; and what is damaged, foreign or
/// of a changed store gives nothing.
#[test]
fn a_start_with_a_snapshot_ends_where_a_start_with_all_events_does() {
    let scene = Scene::built();
    let (replayed, read) = scene.read();
    assert_eq!(read, Read::FromEvents);
    assert_eq!(replayed.systems().count(), 200);
    assert_eq!(replayed.agreements().count(), 2_000);
    assert_eq!(replayed.revision(), 16_000);

    // A command that had to fold so much remembers it, for the next.
    drop(Office::open(&scene.estate.config()).unwrap());
    let (remembered, read) = scene.read();
    assert!(matches!(read, Read::Since(end) if end.revision == 16_000));
    assert_eq!(said(&remembered), said(&replayed));
    assert_eq!(book(&remembered), book(&replayed));

    for number in [3, 5, 3] {
        let (number, version) = (code_of_agreement(number), 1);
        scene.happens(Event::AgreementSuspended { number: number.clone(), version });
        scene.happens(Event::AgreementResumed { number, version });
    }
    let (remembered, read) = scene.read();
    assert!(matches!(read, Read::Since(_)));
    let whole = fs::read(scene.file(".snapshot")).unwrap();
    fs::remove_file(scene.file(".snapshot")).unwrap();
    let (replayed, read) = scene.read();
    assert_eq!(read, Read::FromEvents);
    assert_eq!(said(&remembered), said(&replayed));

    for damaged in [&whole[..whole.len() - 1], &whole[..40], &[]] {
        fs::write(scene.file(".snapshot"), damaged).unwrap();
        assert_eq!(scene.read().1, Read::FromEvents, "{} bytes", damaged.len());
    }
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    fs::write(scene.file(".snapshot"), flipped).unwrap();
    assert_eq!(scene.read().1, Read::FromEvents);

    fs::write(scene.file(".snapshot"), whole).unwrap();
    assert!(matches!(scene.read().1, Read::Since(_)));
    fs::remove_file(scene.estate.folder.dir().join("keys/snapshot.key")).unwrap();
    assert_eq!(scene.read().1, Read::FromEvents, "sealed with a key that is gone");
}

/// B4: a node believes no agreement that it did not verify; what it verified it remembers, and nobody else's word counts.
#[test]
fn what_was_verified_once_is_believed_at_the_next_start_and_a_forged_verdict_is_not() {
    let scene = Scene::built();
    // A start that permits all agreements, and how often it verified the chain of who signed one.
    let started = || {
        let trust = scene.trust();
        let follower = scene.followed_by(Arc::clone(&trust));
        let verified = trust.verifications();
        permits_all(&follower.views.newest());
        (follower, verified)
    };
    let (first, verified) = started();
    assert_eq!(first.views.newest().book.agreements().count(), 2_000);
    assert!(verified >= 2_000, "{verified}");
    wait("snapshot and verdicts", || scene.file(".verdicts").exists() && scene.file(".snapshot").exists());
    drop(first);

    let (second, remembered) = started();
    assert_eq!(remembered, 0, "what was verified once is believed");
    drop(second);

    let mut forged = fs::read(scene.file(".verdicts")).unwrap();
    let last = forged.len() - 1;
    forged[last] ^= 1;
    fs::write(scene.file(".verdicts"), forged).unwrap();
    let (_third, anew) = started();
    assert_eq!(anew, verified, "all is verified again");
}

/// B9: events reach a large book one by one, and it says what a book made anew says.
#[test]
fn a_view_that_followed_events_says_what_one_made_anew_says() {
    let scene = Scene::built();
    let follower = scene.followed();
    let before = follower.views.newest();
    let (suspended, version) = (code_of_agreement(7), 1);
    scene.happens(Event::AgreementSuspended { number: suspended.clone(), version });
    let system = SystemId::new(&code(11)).unwrap();
    let last = scene.happens(Event::SystemSuspended { system });
    wait("both events", || follower.views.newest().book.revision() == last);
    let after = follower.views.newest();
    assert_eq!(outcome(&before, 7), "permit");
    assert_eq!(outcome(&after, 7), "agreement-suspended");
    assert_eq!(outcome(&after, 11), "system-suspended");
    assert_eq!(outcome(&after, 8), "permit");
    for (one, same) in before.book.agreements().filter_map(|page| {
        let pair = (
            before.book.place_of(page.text.consumer.as_str())?,
            before.book.place_of(page.text.provider.as_str())?,
        );
        let now =
            after.book.of_pair(pair.0, pair.1).iter().find(|now| now.text.number == page.text.number)?;
        Some((before.gate(page)?, after.gate(now)?))
    }) {
        assert!(Arc::ptr_eq(one, same), "an agreement keeps its gate");
    }
    let (registry, _) = scene.read();
    assert_eq!(pages(&after.book), book(&registry));
}

/// An edit of an old event behind the program's back is found after a start that did not read it.
#[test]
fn a_store_edited_before_the_snapshot_is_believed_no_more_once_it_is_looked_at() {
    let scene = Scene::built();
    let first = scene.followed();
    wait("snapshot", || scene.file(".snapshot").exists());
    drop(first);
    let opened = rusqlite::Connection::open(scene.file("")).unwrap();
    opened.execute_batch("DROP TRIGGER events_are_never_edited").unwrap();
    let edit =
        "UPDATE events SET body = replace(body, 'State technical service', 'Another') WHERE sequence = 301";
    assert_eq!(opened.execute(edit, []).unwrap(), 1);
    let read = |sequence| "SELECT body FROM events WHERE sequence = ".to_owned() + sequence;
    let body: String = opened.query_row(&read("301"), [], |row| row.get(0)).unwrap();
    assert!(body.contains("Another"), "{body}");
    drop(opened);
    let second = scene.followed();
    wait("the check", || second.views.current().is_err());
    assert!(!scene.file(".snapshot").exists(), "the next start reads all events, and finds it");
    drop(second);
    let refused = snapshot::open(&mut scene.estate.store(), Some(&scene.snapshots()));
    assert!(refused.is_err());
}

fn permits_all(view: &View) {
    for number in 0..SIZE.agreements {
        assert_eq!(outcome(view, number), "permit", "{number}");
    }
}

fn outcome(view: &View, number: u32) -> &'static str {
    let (consumer, provider) = pair(number, SIZE.systems);
    let agreement = code_of_agreement(number);
    let provider = code(provider);
    let call = Call {
        certificate: certificate(consumer),
        peer: [10, 1, 2, 3].into(),
        provider: &provider,
        data_type: "record",
        method: Method::Get,
        path: &["persons", "860101300123", "orders"],
        parameters: &["as-of"],
        claims: Claims {
            purpose: Some("staffing"),
            case: Some("17"),
            user: Some("a.serikov"),
            agreement: Some(agreement.as_str()),
        },
    };
    let working_hour: Timestamp = "2026-06-10T07:00:00Z".parse().unwrap();
    decide(&view.book, &call, working_hour).map_or_else(|denial| denial.row().code, |_| "permit")
}

/// All that a registry shows.
fn said(registry: &Registry) -> Vec<String> {
    let mut said = vec![format!("{:?} {}", registry.regulator(), registry.revision())];
    said.extend(registry.systems().map(|one| format!("{one:?}")));
    said.extend(registry.holders().map(|one| format!("{one:?}")));
    said.extend(registry.operators().map(|one| format!("{one:?}")));
    said.extend(registry.acts().map(|one| format!("{one:?}")));
    said.extend(registry.data_types().map(|one| format!("{one:?}")));
    said.extend(registry.agreements().map(|one| format!("{one:?} {:?}", registry.users(&one.header.number))));
    said
}

fn book(registry: &Registry) -> Vec<String> {
    pages(&Book::new(registry, Phase::Production, &|_| Ok(())))
}

fn pages(book: &Book) -> Vec<String> {
    let unplaced = |page: &AgreementPage| {
        let mut page = page.clone();
        page.place = 0;
        format!("{page:?}")
    };
    let mut said: Vec<_> = book.agreements().map(unplaced).collect();
    said.extend(book.systems().map(|page| format!("{page:?}")));
    said.sort();
    said
}

fn wait(what: &str, done: impl Fn() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what} did not come");
        std::thread::yield_now();
    }
}

//! Repeats against a real file: who is first, what a repeat is told, also after a start anew.

use std::sync::Arc;

use agreements::KeyAtProvider;

use super::*;

const BOUNDS: Bounds = Bounds {
    keep: SignedDuration::from_hours(1),
    answer: 1 << 10,
    keys: 3,
    bytes: 4 << 10,
    all_bytes: 4 << 10,
};

fn start(dir: &Path) -> Repeats {
    Repeats::start(&dir.join("repeats.db"), &dir.join("repeats.key"), BOUNDS).unwrap()
}

fn keyed<'a>(repeats: &Repeats, key: &'a str, asks: &str) -> Keyed<'a> {
    Keyed {
        consumer: "portal",
        provider: "register",
        data_type: "address",
        operation: "correct",
        key,
        terms: "7/1 address/1".into(),
        exchange: Uuid::now_v7(),
        request: Some(repeats.mark("POST", asks, [None; 3], None)),
        at_provider: KeyAtProvider::Ignored,
    }
}

async fn first(repeats: &Repeats, key: &str, asks: &str) -> Ticket {
    match repeats.begin(keyed(repeats, key, asks)).await.unwrap() {
        Begun::First(ticket) => ticket,
        Begun::Known(known) => panic!("known: {known:?}"),
    }
}

async fn known(repeats: &Repeats, key: &str, asks: &str) -> Known {
    match repeats.begin(keyed(repeats, key, asks)).await.unwrap() {
        Begun::Known(known) => known,
        Begun::First(_) => panic!("it is the first"),
    }
}

fn answer(bytes: usize) -> KeptAnswer {
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    let subjects = vec!["860101300126".to_owned()];
    KeptAnswer {
        head: KeptHead { status: 201, headers, withheld: 2, subjects },
        body: vec![b'x'; bytes].into(),
    }
}

/// C8
#[tokio::test]
async fn first_answer_is_given_again_also_after_a_start_and_another_request_is_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let repeats = start(dir.path());
    let mut ticket = first(&repeats, "k-1", "/a").await;
    assert!(matches!(known(&repeats, "k-1", "/a").await.what, What::UnderWay));
    ticket.goes();
    let mark = repeats.mark("POST", "/a", [None; 3], None);
    ticket.answered(mark, &answer(100)).await;
    drop(repeats);
    for _ in 0..2 {
        let repeats = start(dir.path());
        let again = known(&repeats, "k-1", "/a").await;
        assert!(matches!(&again.what, What::Answered(kept) if *kept == answer(100)), "{again:?}");
        assert!(again.asked(repeats.mark("POST", "/a", [None; 3], None)));
        assert!(
            !again.asked(repeats.mark("POST", "/b", [None; 3], None))
                && !again.asked(repeats.mark("PUT", "/a", [None; 3], None))
        );
        let mut other_terms = keyed(&repeats, "k-1", "/a");
        other_terms.terms = "7/2 address/1".into();
        let Begun::Known(under_others) = repeats.begin(other_terms).await.unwrap() else { panic!("first") };
        assert!(matches!(under_others.what, What::NotKept), "B7: what was agreed then is not given now");
    }
    let file = std::fs::read(dir.path().join("repeats.db")).unwrap();
    for word in [&b"k-1"[..], b"xxxxxxxx", b"860101300126"] {
        let shows = file.windows(word.len()).any(|bytes| bytes == word);
        assert!(!shows, "the file shows no key, no answer and nobody whom it is about");
    }
}

/// D4: as builds kept answers that did not keep whom they are about.
#[test]
fn kept_answer_that_does_not_say_whom_it_is_about_is_not_there() {
    let kept = |head: &str| {
        let length = u32::try_from(head.len()).unwrap().to_be_bytes();
        KeptAnswer::read(&[&length[..], head.as_bytes(), b"body"].concat())
    };
    assert!(kept(r#"{"status":200,"headers":[],"withheld":0,"subjects":[]}"#).is_some());
    assert_eq!(kept(r#"{"status":200,"headers":[],"withheld":0}"#), None);
}

/// C8
#[tokio::test]
async fn what_was_sent_and_did_not_end_is_unknown_and_what_was_not_sent_is_as_if_it_had_never_come() {
    let dir = tempfile::tempdir().unwrap();
    let repeats = start(dir.path());
    drop(first(&repeats, "not-sent", "/a").await);
    let mut unreachable = first(&repeats, "not-sent", "/a").await;
    unreachable.goes();
    unreachable.was_not_sent();
    let mut lost = first(&repeats, "not-sent", "/b").await;
    lost.goes();
    drop(lost);
    let what = known(&repeats, "not-sent", "/b").await;
    assert!(matches!(what.what, What::Unknown));
    let mut done = first(&repeats, "done", "/a").await;
    done.goes();
    done.done(repeats.mark("POST", "/a", [None; 3], None));
    assert!(matches!(known(&repeats, "done", "/a").await.what, What::NotKept));
    // As `kill -9` leaves it: begun, and no word of how it ended.
    let mut killed = first(&repeats, "killed", "/a").await;
    killed.goes();
    drop(repeats);
    let repeats = start(dir.path());
    drop(killed);
    assert!(matches!(known(&repeats, "killed", "/a").await.what, What::Unknown));
}

/// C8: where the provider knows keys, it may be asked once more, but only where there is no answer to give again.
#[tokio::test]
async fn provider_that_honours_keys_is_asked_again_where_nobody_knows_what_became_of_the_first() {
    let dir = tempfile::tempdir().unwrap();
    let repeats = start(dir.path());
    let honoured = |asks| Keyed { at_provider: KeyAtProvider::Honoured, ..keyed(&repeats, "k-1", asks) };
    let mut lost = first(&repeats, "k-1", "/a").await;
    lost.goes();
    drop(lost);
    assert!(matches!(repeats.begin(honoured("/other")).await.unwrap(), Begun::Known(_)));
    let Begun::First(again) = repeats.begin(honoured("/a")).await.unwrap() else { panic!("known") };
    assert!(matches!(known(&repeats, "k-1", "/a").await.what, What::UnderWay));
    drop(again);
    assert!(
        matches!(known(&repeats, "k-1", "/a").await.what, What::Unknown),
        "the first may have been carried out"
    );
    let Begun::First(mut again) = repeats.begin(honoured("/a")).await.unwrap() else { panic!("known") };
    again.goes();
    again.answered(repeats.mark("POST", "/a", [None; 3], None), &answer(10)).await;
    let Begun::Known(kept) = repeats.begin(honoured("/a")).await.unwrap() else { panic!("asked once more") };
    assert!(matches!(kept.what, What::Answered(_)));
}

/// C8: what streams is known only when it has passed: it may be another document, and is not passed on under the key.
#[tokio::test]
async fn what_streams_is_never_passed_on_again_whoever_honours_keys() {
    let dir = tempfile::tempdir().unwrap();
    let repeats = start(dir.path());
    let streamed =
        || Keyed { at_provider: KeyAtProvider::Honoured, request: None, ..keyed(&repeats, "k-1", "/a") };
    let Begun::First(mut lost) = repeats.begin(streamed()).await.unwrap() else { panic!("known") };
    lost.goes();
    drop(lost);
    let Begun::Known(known) = repeats.begin(streamed()).await.unwrap() else { panic!("passed on again") };
    assert!(matches!(known.what, What::Unknown));
}

/// Promise 7
#[tokio::test]
async fn keys_and_answers_of_one_consumer_are_bounded_and_none_is_forgotten_for_another() {
    let dir = tempfile::tempdir().unwrap();
    let repeats = start(dir.path());
    for (key, bytes) in [("k-1", 700), ("k-2", 1 << 10), ("k-3", 700)] {
        let mut ticket = first(&repeats, key, "/a").await;
        ticket.goes();
        ticket.answered(repeats.mark("POST", "/a", [None; 3], None), &answer(bytes)).await;
    }
    assert!(matches!(known(&repeats, "k-1", "/a").await.what, What::Answered(_)));
    assert!(matches!(known(&repeats, "k-2", "/a").await.what, What::NotKept), "too large for one answer");
    assert_eq!(repeats.begin(keyed(&repeats, "k-4", "/a")).await.unwrap_err(), Unkept::Full);
    let other = Keyed { consumer: "another", ..keyed(&repeats, "k-4", "/a") };
    assert!(matches!(repeats.begin(other).await.unwrap(), Begun::First(_)));
    drop(repeats);
    let repeats = start(dir.path());
    assert_eq!(repeats.begin(keyed(&repeats, "k-4", "/a")).await.unwrap_err(), Unkept::Full, "counted anew");
}

/// C8: of many that come at once, one is the first.
#[tokio::test]
async fn of_many_at_once_under_one_key_exactly_one_is_first() {
    let dir = tempfile::tempdir().unwrap();
    let repeats = Arc::new(start(dir.path()));
    for round in 0..20 {
        let key = format!("k-{}", round % 3);
        let mut callers = Vec::new();
        for _ in 0..16 {
            let (repeats, key) = (Arc::clone(&repeats), key.clone());
            callers
                .push(tokio::spawn(async move { repeats.begin(keyed(&repeats, &key, "/a")).await.unwrap() }));
        }
        let mut tickets = Vec::new();
        for caller in callers {
            match caller.await.unwrap() {
                Begun::First(ticket) => tickets.push(ticket),
                Begun::Known(known) => assert!(matches!(known.what, What::UnderWay)),
            }
        }
        assert_eq!(tickets.len(), 1);
    }
}

/// C8: a store that cannot be written lets nothing pass.
#[tokio::test]
async fn store_that_fails_refuses_and_does_not_hold_the_key_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let repeats = start(dir.path());
    let behind = rusqlite::Connection::open(dir.path().join("repeats.db")).unwrap();
    behind.execute_batch("ALTER TABLE repeat RENAME TO elsewhere").unwrap();
    assert_eq!(repeats.begin(keyed(&repeats, "k-1", "/a")).await.unwrap_err(), Unkept::Store);
    behind.execute_batch("ALTER TABLE elsewhere RENAME TO repeat").unwrap();
    drop(first(&repeats, "k-1", "/a").await);
}

//! Requests under an idempotency key, from outside: never carried out twice, each repeat answered as the first was.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use agreements::DocumentFormat::{Docx, Pdf};
use gateway::exchange_log::Outcome;
use serde_json::{Value, json};
use tests::world::sample::{self, ADDRESSES, CONVERTED, DOCUMENTS, LOOKUP, correction};
use tests::world::wait::{PAUSE, within};
use tests::world::{Ask, Hold, Plan, Process, Reply, Seen, World, files};
use tokio::net::TcpStream;

fn agreed() -> Plan {
    World::consumer_and_provider().agreement("address-lookup")
}

fn corrects(key: &str) -> Ask {
    Ask::post(ADDRESSES, &correction()).header("Idempotency-Key", &format!("\"{key}\""))
}

/// C8, D1, Interaction 17.6
#[tokio::test]
async fn repeat_gets_the_first_answer_and_the_provider_is_asked_once() {
    let mut world = agreed().start().await;
    let first = world.consumer.asks(&corrects("k-1")).await;
    assert_eq!((first.status, first.header("kelisim-first-exchange")), (200, None), "{first}");
    world.provider.replies(Reply::Json(200, json!({ "code": "8", "address": "Another" })));
    for at in 0..3 {
        if at == 2 {
            world.start_again();
        }
        let again = world.consumer.asks(&corrects("k-1")).await;
        assert_eq!((again.status, &again.body), (200, &first.body));
        for name in ["content-type", "kelisim-withheld", "kelisim-refusal"] {
            assert_eq!(again.header(name), first.header(name), "{name}");
        }
        assert_eq!(again.header("kelisim-first-exchange"), Some(first.exchange().to_string().as_str()));
        assert_ne!(again.exchange(), first.exchange());
        let closing = world.log.closing(again.exchange()).await;
        assert_eq!(
            (closing.outcome, closing.first_exchange),
            (Outcome::AnsweredAgain, Some(first.exchange())),
            "the record tells a repeat from the first"
        );
        assert!(world.log.opening(again.exchange()).is_some());
    }
    assert_eq!(world.provider.seen().len(), 1);
    assert_eq!(world.provider.seen()[0].header("idempotency-key"), Some("\"k-1\""));
    let another = world.consumer.asks(&corrects("k-2")).await;
    assert_eq!(another.json()["code"], "8");
    assert!(world.log.verified().is_whole());
}

/// C8
#[tokio::test]
async fn key_belongs_to_one_request_of_one_operation_of_one_consumer() {
    let world = agreed().start().await;
    assert_eq!(world.consumer.asks(&corrects("k-1")).await.status, 200);
    let mut other_body = correction();
    other_body["address"] = "Elsewhere".into();
    let other = Ask::post(ADDRESSES, &other_body).header("Idempotency-Key", "\"k-1\"");
    assert_eq!(world.consumer.asks(&other).await.to_string(), "422 idempotency-key-reused");
    assert_eq!(world.provider.seen().len(), 1);
    let put = Ask::put(LOOKUP, &correction()).header("Idempotency-Key", "\"k-1\"");
    assert_eq!(world.consumer.asks(&put).await.status, 200, "another operation");
    let elsewhere = Ask::put(&format!("{LOOKUP}0"), &correction()).header("Idempotency-Key", "\"k-1\"");
    assert_eq!(world.consumer.asks(&elsewhere).await.to_string(), "422 idempotency-key-reused");
    let reads = Ask::get(LOOKUP).header("Idempotency-Key", "\"k-1\"");
    for _ in 0..2 {
        assert_eq!(
            world.consumer.asks(&reads).await.header("kelisim-first-exchange"),
            None,
            "reading is free"
        );
    }
    for key in ["k-1", "\"k-1", "\"\"", "\"k-1\";a=1"] {
        let unquoted = Ask::post(ADDRESSES, &correction()).header("Idempotency-Key", key);
        assert_eq!(world.consumer.asks(&unquoted).await.to_string(), "400 claim-malformed", "{key}");
    }
}

/// C8, B7: the provider was told what for, for which case and in whose name, and the record says so.
#[tokio::test]
async fn key_belongs_to_one_purpose_one_case_and_one_official() {
    let purposes = json!([{ "code": "delivery", "text": "D" }, { "code": "inspection", "text": "I" }]);
    let plan = World::consumer_and_provider();
    let world = plan.agreement_with("address-lookup", |text| text["purposes"] = purposes).start().await;
    let asks = |purpose: &str, case: &str, user: &str| {
        let claims = [("Kelisim-Purpose", purpose), ("Kelisim-Case", case), ("Kelisim-User", user)];
        claims.iter().fold(corrects("k-1"), |ask, (name, value)| ask.header(name, value))
    };
    for expected in [None, Some(())] {
        let answer = world.consumer.asks(&asks("delivery", "case-1", "a.serik")).await;
        assert_eq!(answer.status, 200, "{answer}");
        assert_eq!(answer.header("kelisim-first-exchange").map(drop), expected);
    }
    for other in [
        asks("inspection", "case-1", "a.serik"),
        asks("delivery", "case-2", "a.serik"),
        asks("delivery", "case-1", "b.other"),
        corrects("k-1").header("Kelisim-Purpose", "delivery"),
    ] {
        assert_eq!(world.consumer.asks(&other).await.to_string(), "422 idempotency-key-reused");
    }
    assert_eq!(world.provider.seen().len(), 1);
}

/// C8: the caller who lost the connection is the one who asks again.
#[tokio::test]
async fn request_goes_on_when_its_caller_is_gone_and_the_answer_waits_for_it() {
    let (world, hold, seen) = left().await;
    let busy = world.consumer.asks(&corrects("k-1")).await;
    assert_eq!(busy.to_string(), "409 idempotency-in-progress");
    assert_eq!(busy.header("retry-after"), Some("1"));
    assert_eq!(busy.json()["first_exchange"], seen[0].exchange().to_string());
    hold.release(1);
    assert_eq!(world.log.closing(seen[0].exchange()).await.outcome, Outcome::Completed);
    let again = world.consumer.asks(&corrects("k-1")).await;
    assert_eq!((again.status, again.json()["code"].as_str()), (200, Some("7")));
    assert_eq!(world.provider.seen().len(), 1);
}

/// C8: so it is when the gateway is told to end.
#[tokio::test]
async fn request_whose_caller_is_gone_is_finished_before_the_gateway_ends() {
    let (mut world, hold, seen) = left().await;
    let address = world.consumer.gateway();
    let released = tokio::spawn(async move {
        // It hears nobody any more: it is ending.
        within("the gateway to end", async {
            while TcpStream::connect(address).await.is_ok() {
                tokio::time::sleep(PAUSE).await;
            }
        })
        .await;
        hold.release(1);
    });
    let ended = tokio::task::spawn_blocking(move || {
        world.stop();
        world
    });
    world = ended.await.unwrap();
    released.await.unwrap();
    world.start_again();
    assert_eq!(world.log.closing(seen[0].exchange()).await.outcome, Outcome::Completed);
    let again = world.consumer.asks(&corrects("k-1")).await;
    assert_eq!((again.status, again.json()["code"].as_str()), (200, Some("7")));
}

/// A call under a key that its caller left when the provider had it: the world, what lets the provider answer, and what
/// it saw.
async fn left() -> (World, Hold, Vec<Seen>) {
    let world = agreed().start().await;
    let hold = Hold::default();
    world.provider.replies(hold.on(Reply::Json(200, sample::address_record())));
    let mut line = world.consumer.connect().await;
    line.send(&corrects("k-1").wire("gateway")).await;
    let seen = world.provider.until_seen(1).await;
    (world, hold, seen)
}

/// C8: of many that come at once one is carried out.
#[tokio::test]
async fn of_many_repeats_at_once_one_is_carried_out_and_none_gets_another_answer() {
    let world = agreed().start().await;
    let hold = Hold::default();
    world.provider.replies(hold.on(Reply::Json(200, sample::address_record())));
    let mut lines = Vec::new();
    for _ in 0..12 {
        let mut line = world.consumer.connect().await;
        line.send(&corrects("k-1").wire("gateway")).await;
        lines.push(line);
    }
    world.provider.until_seen(1).await;
    hold.release(12);
    let mut carried_out = 0;
    for mut line in lines {
        let answer = line.answer().await.unwrap();
        match answer.refusal() {
            Some(code) => assert_eq!(code, "idempotency-in-progress"),
            None => carried_out += usize::from(answer.header("kelisim-first-exchange").is_none()),
        }
    }
    assert_eq!((carried_out, world.provider.seen().len()), (1, 1));
}

/// C8: `kill -9`, in the middle of a request and after its answer.
#[tokio::test]
async fn gateway_killed_in_the_middle_never_sends_a_request_twice() {
    let mut world = agreed().found();
    let gateway = Process::start(&world.folder.config_path());
    world.moves_to(gateway.exchange, gateway.operations);
    let first = world.consumer.asks(&corrects("answered")).await;
    world.provider.replies(Reply::Silence);
    let mut line = world.consumer.connect().await;
    line.send(&corrects("lost").wire("gateway")).await;
    let lost = world.provider.until_seen(2).await[1].exchange();
    gateway.kill();
    world.provider.replies(Reply::Json(200, sample::address_record()));

    let gateway = Process::start(&world.folder.config_path());
    world.moves_to(gateway.exchange, gateway.operations);
    let again = world.consumer.asks(&corrects("answered")).await;
    assert_eq!((again.status, &again.body), (200, &first.body));
    assert_eq!(again.header("kelisim-first-exchange"), Some(first.exchange().to_string().as_str()));
    let unknown = world.consumer.asks(&corrects("lost")).await;
    assert_eq!(unknown.to_string(), "409 idempotency-outcome-unknown");
    assert_eq!(unknown.json()["first_exchange"], lost.to_string());
    assert_eq!(world.provider.seen().len(), 2, "nothing was sent twice");
    assert_eq!(world.log.closing(lost).await.outcome, Outcome::Unknown);
    assert!(gateway.terminate().success());
}

/// C8, 17.6: what nobody knows can be listed.
#[tokio::test]
async fn exchanges_of_which_nobody_knows_what_became_are_listed() {
    let world = agreed().start().await;
    assert_eq!(world.consumer.asks(&corrects("fine")).await.status, 200);
    // A connection of the pool may be stale: what is sent over it is no test of this.
    world.provider.replies(Reply::Bytes(Vec::new()));
    let mut lost = Vec::new();
    for key in ["lost-1", "lost-2"] {
        let answer = world.consumer.asks(&corrects(key)).await;
        assert_eq!(answer.to_string(), "502 provider-failed");
        lost.push(answer.exchange().to_string());
        let again = world.consumer.asks(&corrects(key)).await;
        assert_eq!(again.to_string(), "409 idempotency-outcome-unknown", "{key}");
        assert_eq!(again.json()["first_exchange"], lost[lost.len() - 1]);
    }
    assert_eq!(world.provider.seen().len(), 3);
    lost.reverse();
    for desk in [&world.regulator, &world.ministry, &world.agency] {
        let clerk = world.program(desk);
        let listed = within("the index to have them", async {
            loop {
                let told = clerk.get("/v1/exchanges?outcome=unsettled").await.json();
                let items = told["items"].as_array().unwrap();
                if items.len() == 2 {
                    return [&items[0], &items[1]].map(|item| item["entry"]["exchange"].clone());
                }
                tokio::time::sleep(PAUSE).await;
            }
        })
        .await;
        assert_eq!(listed.as_slice(), lost.as_slice(), "newest first");
    }
}

/// C8: a provider that knows keys is asked again; one that refused for now, too.
#[tokio::test]
async fn request_is_passed_on_again_only_where_that_does_it_once() {
    let honoured = |plan: Plan| {
        plan.data_type("address", |data_type| {
            let correct = data_type.operations.iter_mut().find(|one| one.id.as_str() == "correct").unwrap();
            correct.repeats =
                serde_json::from_value(json!({ "key": "required", "provider": "honoured" })).unwrap();
        })
    };
    let world = honoured(agreed()).start().await;
    let keyless = Ask::post(ADDRESSES, &correction());
    assert_eq!(world.consumer.asks(&keyless).await.to_string(), "400 idempotency-key-missing");
    world.provider.replies(Reply::Bytes(Vec::new()));
    assert_eq!(world.consumer.asks(&corrects("k-1")).await.to_string(), "502 provider-failed");
    world.provider.replies(Reply::Json(200, sample::address_record()));
    let again = world.consumer.asks(&corrects("k-1")).await;
    assert_eq!((again.status, again.header("kelisim-first-exchange")), (200, None));
    let keys: Vec<_> =
        world.provider.seen().iter().map(|seen| seen.header("idempotency-key").unwrap().to_owned()).collect();
    assert_eq!(keys, ["\"k-1\"", "\"k-1\""], "under the same key");
    assert!(world.consumer.asks(&corrects("k-1")).await.header("kelisim-first-exchange").is_some());
    assert_eq!(world.provider.seen().len(), 2, "answered once, it is not asked any more");

    let world = agreed().start().await;
    let busy = Reply::With(503, vec![("Retry-After", "1".into())], Vec::new());
    world.provider.replies(busy);
    assert_eq!(world.consumer.asks(&corrects("k-1")).await.status, 503);
    world.provider.replies(Reply::Json(200, sample::address_record()));
    assert_eq!(world.consumer.asks(&corrects("k-1")).await.status, 200, "it had not done it");
    let mut world = agreed().start().await;
    world.provider.stops();
    assert_eq!(world.consumer.asks(&corrects("k-2")).await.to_string(), "502 provider-unreachable");
    assert_eq!(
        world.consumer.asks(&corrects("k-2")).await.to_string(),
        "502 provider-unreachable",
        "free again"
    );
}

/// C8: answers that are not kept are told from those that are.
#[tokio::test]
async fn answer_that_was_too_large_or_refused_is_not_asked_for_again() {
    let world = agreed().configure(|config| config.repeats.max_answer_kib = 1).start().await;
    let large = json!({ "code": "7", "address": "x".repeat(2_000) });
    world.provider.replies(Reply::Json(200, large));
    assert_eq!(world.consumer.asks(&corrects("large")).await.status, 200);
    let unfit: Value = json!({ "code": 7 });
    world.provider.replies(Reply::Json(200, unfit));
    assert_eq!(world.consumer.asks(&corrects("unfit")).await.to_string(), "502 response-schema");
    for key in ["large", "unfit"] {
        let answer = world.consumer.asks(&corrects(key)).await;
        assert_eq!(answer.to_string(), "409 idempotency-answer-not-kept", "{key}");
        assert!(answer.json()["first_exchange"].is_string());
    }
    assert_eq!(world.provider.seen().len(), 2);
}

/// C4, C8: documents stream, and are held against the first by their digest.
#[tokio::test]
async fn upload_under_a_key_passes_once_and_its_repeat_is_compared_whole() {
    let world = World::consumer_and_provider().agreement("documents").start().await;
    world.provider.replies(Reply::Json(200, json!({ "code": "9" })));
    let sends = |document: &[u8]| {
        Ask::new("POST", DOCUMENTS)
            .header("Content-Type", Pdf.media_type())
            .header("Idempotency-Key", "\"k-1\"")
            .bytes(document)
    };
    let (document, other) = (files::pdf_of(200_000), files::pdf_of(200_001));
    let first = world.consumer.asks(&sends(&document)).await;
    assert_eq!(first.status, 200, "{first}");
    for _ in 0..2 {
        let again = world.consumer.asks(&sends(&document)).await;
        assert_eq!((again.status, &again.body), (200, &first.body));
        let opening = world.log.opening(again.exchange()).unwrap();
        assert_eq!(opening.request_bytes, document.len() as u64);
        assert_eq!(world.consumer.asks(&sends(&other)).await.to_string(), "422 idempotency-key-reused");
    }
    assert_eq!(world.provider.seen().len(), 1);
    assert!(world.log.verified().is_whole());
}

/// C5, C8: a document that was not let through was asked for all the same.
#[tokio::test]
async fn repeat_of_a_call_whose_document_was_refused_is_told_that_it_is_not_kept() {
    for (signatures, code) in [
        (json!({ "messages": ["responses"] }), "message-unsigned"),
        (json!({ "documents": { "of": ["responses"], "kinds": ["pdf"] } }), "document-unsigned"),
    ] {
        let plan = World::consumer_and_provider();
        let plan = plan.agreement_with("documents", |text| text["protection"]["signatures"] = signatures);
        let world = plan.start().await;
        // A DOCX cannot be signed within, which shows before anything of it is read.
        let headers = vec![("Content-Type", Docx.media_type().to_owned())];
        world.provider.replies(Reply::With(200, headers, files::docx()));
        let converts = Ask::new("POST", CONVERTED)
            .header("Content-Type", Docx.media_type())
            .header("Idempotency-Key", "\"k-1\"")
            .bytes(&files::docx());
        let first = world.consumer.asks(&converts).await;
        assert_eq!(first.to_string(), format!("502 {code}"));
        let again = world.consumer.asks(&converts).await;
        assert_eq!(again.to_string(), "409 idempotency-answer-not-kept", "{code}");
        assert_eq!(again.json()["first_exchange"], first.exchange().to_string());
        assert_eq!(world.provider.seen().len(), 1, "{code}");
    } // One that is cut on its way, too.
    let signed = json!({ "documents": { "of": ["responses"], "kinds": ["pdf"] } });
    let plan = World::consumer_and_provider();
    let plan = plan.agreement_with("documents", |text| text["protection"]["signatures"] = signed);
    let world = plan.start().await;
    let headers = vec![("Content-Type", Pdf.media_type().to_owned())];
    world.provider.replies(Reply::With(200, headers, files::pdf_of(200_000)));
    let converts = Ask::new("POST", CONVERTED)
        .header("Content-Type", Docx.media_type())
        .header("Idempotency-Key", "\"k-1\"")
        .bytes(&files::docx());
    let cut = world.consumer.connect().await.try_ask(&converts).await;
    assert!(cut.is_err(), "it ends before its length");
    let first = world.provider.seen()[0].exchange();
    assert_eq!(world.log.closing(first).await.code.unwrap().as_str(), "document-unsigned");
    let again = world.consumer.asks(&converts).await;
    assert_eq!(again.to_string(), "409 idempotency-answer-not-kept");
    assert_eq!(
        (again.json()["first_exchange"].clone(), world.provider.seen().len()),
        (first.to_string().into(), 1)
    );
}

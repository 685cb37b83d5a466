//! The two-sided readiness check (B5), over real sockets against a stand-in provider.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use agreements::{Command, SystemCard};
use gateway::clock;
use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::world::wait::{PAUSE, within};
use tests::world::{Ask, Clerk, Plan, Reply, World, kelisim, sample};

const PATH: &str = "/v1/agreements/streets/versions/1/readiness";

/// B5
#[tokio::test]
async fn systems_are_found_ready_and_the_first_call_passes_only_then() {
    let world = agreed(World::consumer_and_provider()).await;
    answers(&world, SignedDuration::ZERO, sample::street());
    let call = Ask::get("/address-register/streets/streets");
    let early = world.consumer.asks(&call.clone().header("Date", &http_date(SignedDuration::ZERO))).await;
    assert_eq!(early.refusal(), Some("readiness-missing"));

    let integrator = world.program(&world.integrator);
    assert_eq!(integrator.get(PATH).await.json()["ready"], "unchecked");
    let found = checked(&integrator).await;
    assert!(found["ready"]["until"].is_string(), "{found}");
    assert_eq!((&found["holds"], &found["newest"]["by"]["id"]), (&json!(true), &json!("integrator")));
    let sample = "fits: list, find; not asked: rename: it changes data, and no sample is declared";
    assert_eq!(of(&found, "provider", "sample"), ("passed", sample));
    assert_eq!(of(&found, "provider", "clock"), ("passed", "the same second"));
    assert_eq!(of(&found, "provider", "protocol"), ("passed", "http/1.1"));
    assert!(of(&found, "provider", "reachability").1.starts_with("mutual TLS in "));
    assert!(of(&found, "provider", "certificate").1.ends_with("h left"));
    assert_eq!(of(&found, "consumer", "protocol"), ("passed", "http/1.1"));
    assert!(of(&found, "consumer", "reachability").1.starts_with("it connected over mutual TLS at "));
    let (outcome, detail) = of(&found, "consumer", "clock");
    assert!(outcome == "passed" && detail.contains(", by the Date of its call at "), "{detail}");

    world.settled().await;
    assert_eq!(world.consumer.asks(&call).await.status, 200);
    let event = integrator.get("/v1/events?event=readiness-recorded").await.json()["items"][0].clone();
    assert_eq!((&event["actor"]["id"], &event["reason"]), (&json!("integrator"), &json!("first transfer")));
    let seen = world.provider.seen();
    let targets: Vec<&str> = seen.iter().map(|one| one.head[0].as_str()).collect();
    assert_eq!(targets[..2], ["GET /api/streets HTTP/1.1", "GET /api/streets/sample%201?lang=kk HTTP/1.1"]);
    assert_eq!(seen[0].header("kelisim-check"), Some("readiness"));
    assert_eq!(seen[2].header("kelisim-check"), None, "a call is none");
}

/// B5, C3
#[tokio::test]
async fn a_provider_whose_answers_do_not_fit_their_schema_is_not_ready() {
    let world = agreed(World::consumer_and_provider()).await;
    answers(&world, SignedDuration::ZERO, json!({ "code": 1, "name": "secret" }));
    let found = checked(&world.program(&world.integrator)).await;
    assert_eq!((&found["ready"], &found["holds"]), (&json!({ "failed": "provider" }), &json!(false)));
    let (outcome, detail) = of(&found, "provider", "sample");
    assert_eq!(outcome, "failed");
    assert!(detail.starts_with("list: it does not fit its schema: type at /items"), "{detail}");
    assert!(!detail.contains("secret"), "what a provider answers is not told: {detail}");
    world.settled().await;
    let call = Ask::get("/address-register/streets/streets");
    assert_eq!(world.consumer.asks(&call).await.refusal(), Some("readiness-failed"));
}

/// B5; Portal 62.3
#[tokio::test]
async fn a_provider_whose_clock_is_off_is_not_ready() {
    let world = agreed(World::consumer_and_provider()).await;
    let integrator = world.program(&world.integrator);
    for (off, words) in [(-90, "s behind: set it"), (300, "s ahead: set it")] {
        answers(&world, SignedDuration::from_secs(off), sample::street());
        let found = checked(&integrator).await;
        let (outcome, detail) = of(&found, "provider", "clock");
        assert!(outcome == "failed" && detail.contains(words), "{detail}");
        assert_eq!(found["ready"], json!({ "failed": "provider" }));
    }
}

/// B5; Portal 62.3: both sides. A consumer calls and is not called, so its calls say what time it has.
#[tokio::test]
async fn a_consumer_whose_clock_is_off_is_not_ready_and_one_that_says_no_date_is_unmeasured() {
    let world = agreed(World::consumer_and_provider()).await;
    answers(&world, SignedDuration::ZERO, sample::street());
    let integrator = world.program(&world.integrator);
    let call = Ask::get("/address-register/streets/streets");
    world.consumer.asks(&call).await;
    let found = checked(&integrator).await;
    assert_eq!((of(&found, "consumer", "clock").0, &found["holds"]), ("unmeasured", &json!(true)));
    for (off, outcome, words) in [
        (-90, "failed", "s behind: set it"),
        (300, "failed", "s ahead: set it"),
        (0, "passed", "by the Date"),
    ] {
        let date = http_date(SignedDuration::from_secs(off));
        world.consumer.asks(&call.clone().header("Date", &date)).await;
        let found = checked(&integrator).await;
        let (came_out, detail) = of(&found, "consumer", "clock");
        assert!(came_out == outcome && detail.contains(words), "{detail}");
        assert_eq!(found["holds"], off == 0);
    }
    for nonsense in ["tomorrow", "Thu, 01 Jan 1970 00:00:00 GMT, Thu, 01 Jan 1970 00:00:00 GMT"] {
        world.consumer.asks(&call.clone().header("Date", nonsense)).await;
        assert_eq!(
            of(&checked(&integrator).await, "consumer", "clock").0,
            "passed",
            "{nonsense} says nothing"
        );
    }
}

/// B5: what a side's own answers do not say is not held against it.
#[tokio::test]
async fn a_provider_that_says_no_date_is_ready_with_its_clock_unmeasured() {
    let world = agreed(World::consumer_and_provider()).await;
    world.provider.acts(|seen| Reply::Json(200, answer(&seen.head[0], &sample::street())));
    let found = checked(&world.program(&world.integrator)).await;
    assert_eq!((of(&found, "provider", "clock").0, &found["holds"]), ("unmeasured", &json!(true)));
}

/// B5
#[tokio::test]
async fn certificates_that_end_soon_are_not_ready() {
    let plan = World::consumer_and_provider().configure(|config| config.readiness.certificate_days = 7);
    let world = agreed(plan).await;
    answers(&world, SignedDuration::ZERO, sample::street());
    let found = checked(&world.program(&world.integrator)).await;
    for party in ["consumer", "provider"] {
        let (outcome, detail) = of(&found, party, "certificate");
        assert!(outcome == "failed" && detail.ends_with("7 d are asked for: renew it"), "{party}: {detail}");
    }
}

/// B5
#[tokio::test]
async fn a_provider_that_is_not_there_is_not_ready() {
    let mut world = agreed(World::consumer_and_provider()).await;
    world.provider.stops();
    let found = checked(&world.program(&world.integrator)).await;
    assert_eq!(found["ready"], json!({ "failed": "provider" }));
    assert_eq!(of(&found, "provider", "reachability"), ("failed", "no connection: connection refused"));
    assert_eq!(of(&found, "provider", "sample").0, "unmeasured");
}

/// B5, A6: whoever stands at the provider's address is not the provider.
#[tokio::test]
async fn another_at_the_providers_address_is_not_ready() {
    let world = agreed(World::consumer_and_provider()).await;
    let (_, identity) = world.certificate("somebody");
    let other = world.stand_in(&identity);
    let card: SystemCard = sample::card(sample::REGISTER, sample::AGENCY, Some(other.address()));
    let system = sample::system(sample::REGISTER);
    world.integrator.issues(Command::UpdateSystem { system, networks: None, endpoint: card.endpoint });
    let found = checked(&world.program(&world.integrator)).await;
    let (outcome, detail) = of(&found, "provider", "certificate");
    assert!(outcome == "failed" && detail.starts_with("certificate-not-bound: "), "{detail}");
    assert_eq!(of(&found, "provider", "reachability").0, "failed");
    assert!(other.seen().is_empty(), "nothing was asked of it");
}

/// B5: a hostile provider holds nobody up.
#[tokio::test]
async fn a_provider_that_says_nothing_is_not_ready_when_the_check_ends() {
    let plan = World::consumer_and_provider().configure(|config| config.readiness.timeout_seconds = 1);
    let world = agreed(plan).await;
    world.provider.replies(Reply::Silence);
    let integrator = world.program(&world.integrator);
    let found = checked(&integrator).await;
    assert_eq!(of(&found, "provider", "protocol"), ("failed", "no answer in time"));
    assert_eq!(of(&found, "provider", "sample").0, "failed");
    for bytes in
        [&b"SSH-2.0-nothing\r\n"[..], &b"HTTP/1.1 200 Yes\r\nContent-Length: 9999999999\r\n\r\n{"[..]]
    {
        world.provider.replies(Reply::Bytes(bytes.to_vec()));
        assert_eq!(of(&checked(&integrator).await, "provider", "sample").0, "failed");
    }
}

/// E4
#[tokio::test]
async fn only_who_may_record_a_check_has_one_made_and_only_of_what_is_agreed_on() {
    let world = agreed(World::consumer_and_provider()).await;
    let reason = json!({ "reason": "first transfer" });
    let ministry = world.program(&world.ministry);
    assert_eq!(ministry.post(PATH, &reason).await.outcome(), "403 not-in-role");
    assert_eq!(ministry.get(PATH).await.outcome(), "200", "but a party may know");
    let scoped = world.token(&world.integrator, "reads", vec![], 1);
    assert_eq!(world.clerk().bearer(&scoped).post(PATH, &reason).await.outcome(), "403 out-of-scope");
    let integrator = world.program(&world.integrator);
    assert_eq!(integrator.post(PATH, &json!({ "reason": " " })).await.outcome(), "422 no-reason");
    let other = PATH.replace("/1/", "/2/");
    assert_eq!(integrator.post(&other, &reason).await.outcome(), "404 not-found");
    world
        .ministry
        .orders(Command::TerminateAgreement { number: sample::number("streets"), version: 1 })
        .await;
    assert_eq!(integrator.post(PATH, &reason).await.outcome(), "409 wrong-stage");
    assert!(world.provider.seen().is_empty(), "nobody was asked");
}

/// B5
#[tokio::test]
async fn the_command_line_checks_and_records_too() {
    let plan = World::consumer_and_provider().configuration("[readiness]\ncertificate_days = 0\n");
    let world = agreed(plan).await;
    answers(&world, SignedDuration::ZERO, sample::street());
    let dir = world.path().to_str().unwrap().to_owned();
    let run = |arguments: &'static [&'static str]| {
        let dir = dir.clone();
        tokio::task::spawn_blocking(move || {
            let mut line =
                vec!["readiness", "streets", "--dir", &dir, "--json", "--reason", "first transfer"];
            line.extend(arguments);
            let (status, text) = kelisim(&line);
            (status.code().unwrap(), serde_json::from_str::<Value>(&text).unwrap_or_default())
        })
    };
    let (code, said) = run(&["--as", "integrator", "--dry-run"]).await.unwrap();
    assert_eq!((code, &said["ready"], &said["recorded"]), (0, &json!(true), &json!(false)));
    let (code, said) = run(&["--as", "integrator"]).await.unwrap();
    assert_eq!((code, &said["ready"], said["events"].as_array().unwrap().len()), (0, &json!(true), 1));
    answers(&world, SignedDuration::ZERO, json!({}));
    let (code, said) = run(&["--as", "integrator"]).await.unwrap();
    assert_eq!((code, &said["ready"], &said["recorded"]), (1, &json!(false), &json!(true)));
    let asked = world.provider.seen().len();
    let (code, _) = run(&["--as", "ministry"]).await.unwrap();
    assert_eq!((code, world.provider.seen().len()), (1, asked), "who may not has nobody asked");
}

/// B5, B7: strict where personal data passes.
#[tokio::test]
async fn what_cannot_be_measured_where_personal_data_passes_needs_a_reason_on_record() {
    let personal = |text: &mut Value| text["protection"]["category"] = json!("personal");
    let world = agreed_on(World::consumer_and_provider(), personal).await;
    answers(&world, SignedDuration::ZERO, sample::street());
    let integrator = world.program(&world.integrator);
    let found = checked(&integrator).await;
    assert_eq!(
        (&found["ready"], &found["newest"]["means"]),
        (&json!({ "failed": "consumer" }), &json!("measured"))
    );
    assert_eq!(of(&found, "consumer", "reachability").0, "unmeasured");

    let reason = json!({ "reason": "first transfer", "accept_unmeasured": " " });
    assert_eq!(integrator.post(PATH, &reason).await.outcome(), "400 body-malformed");
    let reason = json!({ "reason": "first transfer", "accept_unmeasured": "it is started tonight" });
    let found = checked_for(&integrator, &reason).await;
    assert_eq!(found["holds"], true, "{found}");
    for one in found["newest"]["checks"].as_array().unwrap() {
        let why = (one["outcome"] == "unmeasured").then_some("it is started tonight");
        assert_eq!(one["accepted"].as_str(), why, "{one}");
    }

    let mut by_hand = json!({ "number": "streets", "version": 1, "revision": found["newest"]["revision"] });
    by_hand["checks"] = found["newest"]["checks"].clone();
    assert_eq!(integrator.command("record-readiness", by_hand.clone()).await.outcome(), "200");
    let known = integrator.get(PATH).await.json();
    assert_eq!((&known["holds"], &known["newest"]["means"]), (&json!(true), &json!("by-hand")));
    for one in by_hand["checks"].as_array_mut().unwrap() {
        one.as_object_mut().unwrap().remove("accepted");
    }
    assert_eq!(
        integrator.command("record-readiness", by_hand.clone()).await.outcome(),
        "422 readiness-unfit"
    );
    by_hand["means"] = json!("measured");
    let told = integrator.command("record-readiness", by_hand).await.outcome();
    assert!(told.ends_with("-malformed"), "nobody says so from outside: {told}");
}

/// A world whose systems have agreed on streets, and were never checked.
async fn agreed(plan: Plan) -> World {
    agreed_on(plan, |_| {}).await
}

/// The same, with the agreement changed before it is signed.
async fn agreed_on(plan: Plan, change: impl FnOnce(&mut Value)) -> World {
    let world = plan.start().await;
    world.agency.issues(Command::PublishDataType { data_type: sample::streets() });
    let mut text = sample::streets_agreement();
    change(&mut text);
    world.ministry.drafts(&text);
    world.ministry.signs(&text);
    world.agency.signs(&text);
    let number = sample::number("streets");
    world.ministry.issues(Command::SubmitAgreement { number, version: 1 });
    world.regulator.signs(&text);
    world.settled().await;
    world
}

/// The provider answers with streets like this one, by a clock that is off.
fn answers(world: &World, off: SignedDuration, street: Value) {
    world.provider.acts(move |seen| {
        let date = http_date(off);
        let headers = vec![("Date", date), ("Content-Type", "application/json".to_owned())];
        Reply::With(200, headers, answer(&seen.head[0], &street).to_string().into_bytes())
    });
}

fn answer(line: &str, street: &Value) -> Value {
    if line.contains("/streets/") { street.clone() } else { json!({ "items": [street] }) }
}

/// Has a check made, and what came of it.
async fn checked(clerk: &Clerk) -> Value {
    checked_for(clerk, &json!({ "reason": "first transfer" })).await
}

async fn checked_for(clerk: &Clerk, why: &Value) -> Value {
    let before = clerk.get(PATH).await.json();
    assert_eq!(clerk.post(PATH, why).await.outcome(), "202");
    within("a check to end", async {
        loop {
            let found = clerk.get(PATH).await.json();
            assert_eq!(found["unrecorded"], Value::Null);
            if found["under_way"] == false && found["newest"] != before["newest"] {
                return found;
            }
            tokio::time::sleep(PAUSE).await;
        }
    })
    .await
}

/// Outcome and detail of a check.
fn of<'f>(found: &'f Value, party: &str, kind: &str) -> (&'f str, &'f str) {
    let checks = found["newest"]["checks"].as_array().unwrap();
    let mut matching = checks.iter().filter(|one| one["party"] == party && one["check"]["kind"] == kind);
    let one = matching.next().unwrap();
    (one["outcome"].as_str().unwrap(), one["detail"].as_str().unwrap())
}

/// A moment of a clock that is off, as HTTP writes it.
fn http_date(off: SignedDuration) -> String {
    (clock::now() + off).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

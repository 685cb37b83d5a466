//! Commands: what they answer, once or again, on the revision that was read or not at all.

use agreements::CommandName;
use bytes::Bytes;
use http::Method;
use serde_json::json;
use tests::world::World;

#[tokio::test]
async fn a_command_answers_what_happened_and_the_history_tells_who_did_it_and_why() {
    let world = World::consumer_and_provider().start().await;
    let integrator = world.program(&world.integrator);
    let told = integrator.command("suspend-system", json!({ "system": "portal" })).await;
    assert_eq!(told.outcome(), "200");
    let body = told.json();
    assert_eq!(body["events"][0]["event"], json!({ "event": "system-suspended", "system": "portal" }));
    assert_eq!(told.header("etag").unwrap(), format!("\"{}\"", body["revision"]));
    let last = integrator.get("/v1/events?event=system-suspended").await.json()["items"][0].clone();
    assert_eq!((&last["actor"]["id"], &last["reason"]), (&json!("integrator"), &json!("as decided")));
    world.settled().await;
    assert_eq!(world.consumer.asks(&tests::world::Ask::get(tests::world::sample::LOOKUP)).await.status, 403);
}

#[tokio::test]
async fn what_the_rules_refuse_has_a_stable_code_and_a_title_in_the_language_asked_for() {
    let world = World::consumer_and_provider().start().await;
    let integrator = world.program(&world.integrator);
    for (name, fields, outcome) in [
        ("suspend-system", json!({ "system": "nobody" }), "422 unknown"),
        ("resume-system", json!({ "system": "portal" }), "409 wrong-status"),
        ("resume-system", json!({ "system": "Not A Code" }), "400 body-malformed"),
        ("resume-system", json!({ "system": "portal", "more": 1 }), "400 body-malformed"),
        ("resume-system", json!({}), "400 body-malformed"),
    ] {
        assert_eq!(integrator.command(name, fields).await.outcome(), outcome, "{name}");
    }
    let silent = integrator.post("/v1/commands/suspend-system", &json!({ "system": "portal" })).await;
    assert_eq!(silent.outcome(), "422 no-reason");
    for (language, title) in [("kk", "Тізілімде жоқ"), ("ru", "Нет в реестре"), ("fr", "Not in the registry")]
    {
        let told = integrator
            .saying("accept-language", language)
            .command("suspend-system", json!({ "system": "nobody" }))
            .await;
        assert_eq!(told.json()["title"], title);
        assert_eq!(told.header("content-type").unwrap(), "application/problem+json");
    }
}

#[tokio::test]
async fn bad_input_gets_a_clear_code_and_never_an_error_of_ours() {
    let world = World::consumer_and_provider().configure(|config| config.api.max_body_kib = 1).start().await;
    let integrator = world.program(&world.integrator);
    let json = |body: &'static [u8]| Some(("application/json", Bytes::from_static(body)));
    let path = "/v1/commands/suspend-system";
    for (body, outcome) in [
        (json(b""), "400 body-malformed"),
        (json(b"[]"), "400 body-malformed"),
        (json(b"{\"reason\": 1}"), "400 body-malformed"),
        (json(b"{} {}"), "400 body-malformed"),
        (json(b"\xff\xfe"), "400 body-malformed"),
        (Some(("application/json", Bytes::from(vec![b' '; 1_025]))), "413 body-too-large"),
        (Some(("text/plain", Bytes::from_static(b"{}"))), "415 media-type"),
        (None, "415 media-type"),
    ] {
        assert_eq!(integrator.ask(Method::POST, path, body).await.outcome(), outcome);
    }
    let deep = format!("{{\"reason\": {}1{}", "[".repeat(400), "]".repeat(400));
    let told = integrator.ask(Method::POST, path, Some(("application/json", Bytes::from(deep)))).await;
    assert_eq!(told.outcome(), "400 body-malformed");
    assert_eq!(integrator.get("/v1/nothing").await.outcome(), "404 no-such-path");
    assert_eq!(integrator.get(path).await.outcome(), "405 method-not-allowed");
    for path in [
        "/v1/systems?limit=0",
        "/v1/systems?limit=1&limit=2",
        "/v1/systems?colour=1",
        "/v1/systems?cursor=%ff",
        "/v1/systems?at=tomorrow",
        "/v1/systems?at=2999-01-01",
        "/v1/systems?status=gone",
    ] {
        assert_eq!(integrator.get(path).await.outcome(), "400 parameter-malformed", "{path}");
    }
    assert_eq!(integrator.get("/v1/systems/%00").await.outcome(), "404 not-found");
    assert_eq!(integrator.get("/v1/systems/%ff").await.outcome(), "404 no-such-path");
}

#[tokio::test]
async fn the_same_request_under_the_same_key_is_carried_out_once() {
    let world = World::consumer_and_provider().start().await;
    let integrator = world.program(&world.integrator).saying("idempotency-key", "k-1");
    let first = integrator.command("suspend-system", json!({ "system": "portal" })).await;
    assert_eq!(first.outcome(), "200");
    let again = integrator.command("suspend-system", json!({ "system": "portal" })).await;
    assert_eq!((again.outcome().as_str(), again.json()), ("200", first.json()));
    let other = integrator.command("suspend-system", json!({ "system": "address-register" })).await;
    assert_eq!(other.outcome(), "422 idempotency-key-reused");
    let elsewhere = integrator.command("resume-system", json!({ "system": "portal" })).await;
    assert_eq!(elsewhere.outcome(), "422 idempotency-key-reused");
    let another = world.program(&world.regulator).saying("idempotency-key", "k-1");
    let told = another.command("suspend-system", json!({ "system": "address-register" })).await;
    assert_eq!(told.outcome(), "200", "another operator's key is another");
    let bad = world.clerk().saying("idempotency-key", "with space");
    assert_eq!(bad.get("/v1/public/agreements").await.outcome(), "200", "only writes look at it");
}

/// What one read is compared, and nothing else: a busy registry does not keep anybody from working.
#[tokio::test]
async fn a_command_on_something_that_changed_since_it_was_read_is_refused_and_on_anything_else_is_not() {
    let world = World::consumer_and_provider().start().await;
    let integrator = world.program(&world.integrator);
    let read = integrator.get("/v1/systems/portal").await;
    let etag = read.header("etag").unwrap().to_owned();
    let careful = integrator.saying("if-match", &etag);
    let other = json!({ "system": "address-register" });
    assert_eq!(integrator.command("suspend-system", other.clone()).await.outcome(), "200");
    let unchanged = integrator.get("/v1/systems/portal").await;
    assert_eq!(unchanged.header("etag").unwrap(), etag, "it is what it was");
    assert_eq!(careful.command("suspend-system", json!({ "system": "portal" })).await.outcome(), "200");
    let late = careful.command("resume-system", json!({ "system": "portal" })).await;
    assert_eq!(late.outcome(), "412 precondition-failed");
    let any = integrator.saying("if-match", "*");
    assert_eq!(any.command("resume-system", json!({ "system": "portal" })).await.outcome(), "200");
    for wrong in ["yesterday", "\"nothing/here~AAAA\"", "\"documents/ab~AAAA\"", "\"x\", \"y\""] {
        let told = integrator.saying("if-match", wrong).command("resume-system", other.clone()).await;
        assert_eq!(told.outcome(), "400 header-malformed", "{wrong}");
    }
    let nobody = integrator.saying("if-match", "\"systems/nobody~AAAA\"");
    assert_eq!(nobody.command("resume-system", other.clone()).await.outcome(), "412 precondition-failed");

    let list = integrator.get("/v1/systems").await;
    let whole = integrator.saying("if-match", list.header("etag").unwrap());
    assert_eq!(whole.command("resume-system", other.clone()).await.outcome(), "200");
    let told = whole.command("suspend-system", other).await;
    assert_eq!(told.outcome(), "412 precondition-failed", "a list's tag is the whole registry's");
}

/// A crash between the event and the answer: the key stands with the event, so that the next process answers what was
/// done; a crash before the event leaves no key, and the request is carried out.
#[tokio::test]
async fn what_a_crash_cut_off_is_neither_lost_nor_done_twice() {
    let mut world = World::consumer_and_provider().start().await;
    let token = world.token(&world.integrator, "program", vec![CommandName::SuspendSystem], 1);
    let request = |clerk: &tests::world::Clerk| {
        let clerk = clerk.bearer(&token).saying("idempotency-key", "k-1");
        async move { clerk.command("suspend-system", json!({ "system": "portal" })).await }
    };
    let first = request(&world.clerk()).await;
    assert_eq!(first.outcome(), "200");
    world.start_again();
    let again = request(&world.clerk()).await;
    assert_eq!((again.outcome().as_str(), again.json()), ("200", first.json()));
    let integrator = world.clerk().bearer(&token);
    let events = integrator.get("/v1/events?event=system-suspended").await.json();
    assert_eq!(events["items"].as_array().unwrap().len(), 1);
    // Nothing of a request that the rules refuse is kept: it may be right later.
    let keyed = integrator.saying("idempotency-key", "k-2");
    let told = keyed.command("suspend-system", json!({ "system": "portal" })).await;
    assert_eq!(told.outcome(), "409 wrong-status");
    let system = tests::world::sample::system("portal");
    world.integrator.issues(agreements::Command::ResumeSystem { system });
    assert_eq!(keyed.command("suspend-system", json!({ "system": "portal" })).await.outcome(), "200");
}

/// Two of the same request at once are one.
#[tokio::test]
async fn the_same_request_twice_at_once_is_carried_out_once() {
    let world = World::consumer_and_provider().start().await;
    let integrator = world.program(&world.integrator).saying("idempotency-key", "k-1");
    let ask = || integrator.command("suspend-system", json!({ "system": "portal" }));
    let (one, other) = tokio::join!(ask(), ask());
    assert_eq!((one.outcome(), other.outcome()), ("200".into(), "200".into()));
    assert_eq!(one.json(), other.json());
}

/// No lost update, no gap, no number twice: two writers over the API and one beside it.
#[tokio::test]
async fn writers_at_once_lose_nothing() {
    let world = World::consumer_and_provider().start().await;
    let administrator = world.program(&world.administrator);
    let integrator = world.program(&world.integrator);
    let before = administrator.get("/v1/holders").await.json()["revision"].as_u64().unwrap();
    let enter = |clerk: tests::world::Clerk, from: u32| async move {
        for number in from..from + 10 {
            let holder = json!({ "bin": format!("{number:012}"), "name": "A body" });
            assert_eq!(clerk.command("register-holder", json!({ "holder": holder })).await.outcome(), "200");
        }
    };
    let beside = async {
        for number in 300..310 {
            let bin = agreements::Bin::new(&format!("{number:012}")).unwrap();
            let holder = agreements::Holder { bin, name: "A body".into(), region: None };
            world.administrator.issues(agreements::Command::RegisterHolder { holder });
            tokio::task::yield_now().await;
        }
    };
    tokio::join!(enter(administrator.clone(), 100), enter(integrator, 200), beside);
    let events = administrator.get(&format!("/v1/events?after={before}&limit=200")).await.json();
    let numbers: Vec<u64> =
        events["items"].as_array().unwrap().iter().map(|one| one["sequence"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (before + 1..=before + 30).collect::<Vec<_>>());
}

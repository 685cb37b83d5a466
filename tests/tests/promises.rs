//! The promises of DESIGN.md, seen from outside: over real sockets, against a running gateway.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use agreements::refusal::rows;
use agreements::{Category, Command, OfficialUse};
use gateway::clock;
use gateway::exchange_log::{Outcome, Record};
use insta::assert_snapshot;
use serde_json::{Value, json};
use tests::world::sample::{self, ADDRESSES, LOOKUP, PORTAL, address_record, correction};
use tests::world::wait::within;
use tests::world::{Ask, Line, Plan, Reply, World};

/// B9, D1
#[tokio::test]
async fn suspended_agreement_is_refused_on_an_open_connection_and_logged() {
    let world = agreed().start().await;
    let mut line = world.consumer.connect().await;
    let answer = line.ask(&lookup()).await;
    assert_snapshot!(answer, @r#"200 {"address":"Astana, Mangilik El 55","code":"7","rooms":[{"number":1},{"number":2}]}"#);
    world.regulator.suspend("address-lookup").await;
    let refused = line.ask(&lookup()).await;
    assert_snapshot!(refused, @"403 agreement-suspended");
    assert_eq!(world.log.refused(refused.exchange()).unwrap().code, "agreement-suspended");
    world.regulator.resume("address-lookup").await;
    assert_eq!(line.ask(&lookup()).await.status, 200);
}

/// Promise 1, D1: whoever looks at the moment when the provider is asked finds the entry.
#[tokio::test]
async fn provider_receives_nothing_before_its_opening_entry_stands_in_the_log() {
    let world = agreed().start().await;
    let (log, early) = (world.log.clone(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&early);
    world.provider.acts(move |seen| {
        if log.opening(seen.exchange()).is_none() {
            counted.fetch_add(1, Ordering::SeqCst);
        }
        Reply::Json(200, address_record())
    });
    let streams = world.consumer.connect_http2().await;
    let calls: Vec<_> = (0..200)
        .map(|_| {
            let streams = streams.clone();
            tokio::spawn(async move { streams.ask(&lookup()).await })
        })
        .collect();
    for call in calls {
        let answer = call.await.unwrap();
        assert_eq!(answer.status, 200);
        assert_eq!(world.log.opening(answer.exchange()).unwrap().consumer, PORTAL);
    }
    assert_eq!(world.provider.seen().len(), 200);
    assert_eq!(early.load(Ordering::SeqCst), 0, "asked before the entry was there");
}

/// Promise 1: what the provider gets and what the consumer gets bear the number of one entry.
#[tokio::test]
async fn opening_entry_says_who_what_why_and_by_which_right() {
    let world = agreed().start().await;
    let ask = lookup().header("Kelisim-Case", "12-34%2F2026").header("Kelisim-User", "a.serik");
    let answer = world.consumer.asks(&ask).await;
    let opening = world.log.opening(answer.exchange()).unwrap();
    assert_eq!((&*opening.consumer, &*opening.consumer_holder), (PORTAL, sample::MINISTRY));
    assert_eq!((&*opening.provider, &*opening.provider_holder), (sample::REGISTER, sample::AGENCY));
    assert_eq!((&*opening.data_type, &*opening.operation), ("address", "lookup"));
    assert_eq!((&*opening.agreement, opening.agreement_version), ("address-lookup", 1));
    assert_eq!((&*opening.purpose, &*opening.basis), ("delivery", "hr-order 2003-07-08 16"));
    assert_eq!(opening.case.unwrap().as_str(), "12-34/2026");
    assert_eq!(opening.user.unwrap().as_str(), "a.serik");
    assert_eq!(opening.certificate, world.consumer.identity().fingerprint());
    let closing = world.log.closing(answer.exchange()).await;
    assert_eq!((closing.outcome, closing.status), (Outcome::Completed, Some(200)));
    assert_eq!(closing.response_bytes, Some(answer.body.len() as u64));
    assert!(world.log.verified().is_whole());
}

/// B2.5: where the agreement says so, the answer waits for the closing entry. D4: the person is a keyed hash.
#[tokio::test]
async fn answer_that_waits_for_its_closing_finds_it_written_and_the_person_unnamed() {
    let world = World::consumer_and_provider().agreement("person-records").start().await;
    let users = vec![sample::listed("a.serik", Some("T-1"))];
    world.ministry.approves(&sample::number("person-records"), users).await;
    world.provider.replies(Reply::Json(200, json!({ "name": "A. Person", "phone": "+7 000" })));
    let ask = Ask::get("/address-register/person/persons/860101300126");
    let ask = ask.header("Kelisim-Case", "17").header("Kelisim-User", "a.serik");
    let answer = world.consumer.asks(&ask).await;
    assert_snapshot!(answer, @r#"200 {"name":"A. Person"}"#);
    // B8: the mark travels with the data.
    assert_eq!(answer.header("kelisim-category"), Some("confidential"));
    let records = world.log.of(answer.exchange());
    assert!(matches!(records[..], [Record::Opening(_), Record::Closing { .. }]), "{records:?}");
    let opening = world.log.opening(answer.exchange()).unwrap();
    assert_eq!(opening.subject.unwrap().len(), 64);
    let lines: String = world.log.entries().into_iter().map(|entry| entry.line).collect();
    assert!(!lines.contains("860101300126") && !lines.contains("A. Person"), "a person is named");
}

/// B8, Portal 3: data for official use passes on an act that lets it, and its mark travels with it, to both sides and into
/// the record.
#[tokio::test]
async fn data_for_official_use_bears_its_mark_wherever_it_goes() {
    let official = |text: &mut Value| text["protection"]["category"] = "official-use".into();
    let plan = World::consumer_and_provider().act(|act| act.official_use = OfficialUse::Allowed);
    let plan = plan.data_type("address", |address| address.category = Category::OfficialUse);
    let world = plan.agreement_with("address-lookup", official).start().await;
    let answer = world.consumer.asks(&lookup()).await;
    assert_eq!((answer.status, answer.header("kelisim-category")), (200, Some("official-use")));
    let seen = world.provider.seen().pop().unwrap();
    assert_eq!(seen.header("kelisim-category"), Some("official-use"));
    assert_eq!(&*world.log.opening(answer.exchange()).unwrap().category, "official-use");
}

/// Promise 2, B9, A6: at the pace of the default configuration, on a connection that is kept busy.
#[tokio::test]
async fn revocation_of_agreement_system_or_certificate_stops_a_busy_connection_within_a_second() {
    for (what, code) in [
        ("agreement", rows::AGREEMENT_SUSPENDED.code),
        ("system", rows::SYSTEM_SUSPENDED.code),
        ("binding", rows::CERTIFICATE_NOT_REGISTERED.code),
        ("certificate", "certificate-revoked"),
    ] {
        let plan = agreed().configure(|config| {
            (config.registry.poll_ms, config.trust.poll_ms) = (200, 500);
        });
        let world = plan.start().await;
        let (issued, identity) = world.certificate(PORTAL);
        world.bind(&sample::system(PORTAL), &issued).await;
        let mut line = world.consumer.with(identity).connect().await;
        assert_eq!(line.ask(&lookup()).await.status, 200);
        let busy = tokio::spawn(async move { until_refused(&mut line).await });
        world.provider.until_seen(20).await;

        let (regulator, administrator) = (world.regulator.clone(), world.administrator.clone());
        let authority = world.authority.clone();
        let acknowledged = tokio::task::spawn_blocking(move || {
            match what {
                "agreement" => {
                    let number = sample::number("address-lookup");
                    drop(regulator.issues(Command::SuspendAgreement { number, version: 1 }));
                }
                "system" => {
                    drop(world.integrator.issues(Command::SuspendSystem { system: sample::system(PORTAL) }))
                }
                "binding" => {
                    drop(administrator.issues(Command::UnbindCertificate { certificate: issued.fingerprint }))
                }
                _ => authority.revoke(&issued.serial, clock::now()).unwrap(),
            }
            (Instant::now(), world)
        });
        let (acknowledged, _world) = acknowledged.await.unwrap();
        let (last_accepted, refused_with) = within("a refusal", busy).await.unwrap();
        let took = last_accepted.saturating_duration_since(acknowledged);
        println!("{what}: last call accepted {took:?} after the command was acknowledged");
        assert_eq!(refused_with, code);
        assert!(took < Duration::from_secs(1), "{what}: {took:?}");
    }
}

/// Asks without a pause: when the last call was accepted, and how the next one was refused.
async fn until_refused(line: &mut Line) -> (Instant, String) {
    let mut last = Instant::now();
    loop {
        let answer = line.ask(&lookup()).await;
        match answer.refusal() {
            None => last = Instant::now(),
            Some(code) => return (last, code.to_owned()),
        }
    }
}

/// Promise 3, C1; promise 5, B7: both directions.
#[tokio::test]
async fn headers_that_nobody_agreed_on_pass_in_neither_direction_and_ours_are_never_the_callers() {
    let world = agreed().start().await;
    world.provider.replies(Reply::With(
        200,
        vec![
            ("Content-Type", "application/json; charset=utf-8".into()),
            ("ETag", "\"7\"".into()),
            ("Server", "register/1.0 on build-host-17".into()),
            ("Set-Cookie", "session=1".into()),
            ("Kelisim-Refusal", "made-up".into()),
            ("Kelisim-Exchange", "made-up".into()),
            ("Kelisim-Entry", "made-up/1".into()),
            ("X-Debug", "SELECT".into()),
        ],
        address_record().to_string().into_bytes(),
    ));
    let ask = Ask::post(ADDRESSES, &correction())
        .header("Accept", "application/json")
        .header("Authorization", "Bearer secret")
        .header("Cookie", "a=b")
        .header("Connection", "X-Internal")
        .header("X-Internal", "1")
        .header("X-Forwarded-For", "10.0.0.1")
        .header("Forwarded", "for=10.0.0.1")
        .header("Kelisim-Consumer", "ministry-of-everything")
        .header("Kelisim-Exchange", "00000000-0000-0000-0000-000000000000")
        .header("Kelisim-Category", "public")
        .header("Kelisim-Purpose", "delivery")
        .header("Kelisim-Case", "17")
        .header("Kelisim-User", "%D0%90. %D0%A1%D0%B5%D1%80%D1%96%D0%BA");
    let answer = world.consumer.asks(&ask).await;
    let seen = world.provider.seen().remove(0);
    assert_eq!(seen.body, correction().to_string().into_bytes());
    assert_snapshot!(seen.shown(world.provider.address()), @r"
    POST /api/addresses HTTP/1.1
    accept: application/json
    content-length: 47
    content-type: application/json
    host: <provider>
    kelisim-agreement: address-lookup
    kelisim-case: 17
    kelisim-consumer: portal
    kelisim-exchange: <exchange>
    kelisim-purpose: delivery
    kelisim-user: %D0%90.%20%D0%A1%D0%B5%D1%80%D1%96%D0%BA
    ");
    assert_snapshot!(answer.shown(), @r#"
    200
    content-length: <length>
    content-type: application/json
    date: <date>
    etag: "7"
    kelisim-entry: <entry>
    kelisim-exchange: <exchange>
    kelisim-withheld: 3

    {"address":"Astana, Mangilik El 55","code":"7","rooms":[{"number":1},{"number":2}]}
    "#);
    assert_eq!(seen.exchange(), answer.exchange());
}

/// Promise 3, B2, B6, B7: what is claimed is checked.
#[tokio::test]
async fn claims_are_checked_and_none_makes_a_call_lawful() {
    let world = agreed().start().await;
    for (name, value, shown) in [
        ("Kelisim-Agreement", "address-lookup", "200"),
        ("Kelisim-Agreement", "somebody-elses", "403 no-agreement"),
        ("Kelisim-Purpose", "delivery", "200"),
        ("Kelisim-Purpose", "curiosity", "403 purpose-not-agreed"),
        ("Kelisim-Purpose", "Delivery", "400 claim-malformed"),
        ("Kelisim-Case", "%FF", "400 claim-malformed"),
        ("Kelisim-User-Address", "somewhere", "400 claim-malformed"),
    ] {
        let answer = world.consumer.asks(&lookup().header(name, value)).await.to_string();
        assert!(answer.starts_with(shown), "{name}: {value}: {answer}");
    }
    let twice = lookup().header("Kelisim-Purpose", "delivery").header("Kelisim-Purpose", "delivery");
    assert_eq!(world.consumer.asks(&twice).await.refusal(), Some("header-repeated"));
}

/// Promise 4, C2, D4: who sent a name is told it, values are told to nobody.
#[tokio::test]
async fn refusal_of_a_header_or_a_parameter_says_which_and_not_what_stood_there() {
    let world = agreed().start().await;
    let value = "860101300126";
    for (ask, shown, pointer, reason) in [
        (
            lookup().header("Idempotency-Key", value),
            "400 claim-malformed",
            "/headers/idempotency-key",
            "the header idempotency-key has a value that is not in double quotes, as in \"8e03978e\"",
        ),
        (
            lookup().header("Kelisim-User-Address", value),
            "400 claim-malformed",
            "/headers/kelisim-user-address",
            "the header kelisim-user-address has a character that may not stand there",
        ),
        (
            Ask::get(&format!("{LOOKUP}?a~ll={value}")),
            "400 parameter-not-declared",
            "/query/a~0ll",
            "operation lookup has no such parameter",
        ),
        (
            Ask::get(ADDRESSES),
            "400 parameter-missing",
            "/query/text",
            "operation search needs the parameter text",
        ),
        (
            Ask::get(&format!("/address-register/address/{value}")),
            "404 operation-unknown",
            "/path",
            "address has no such operation",
        ),
        (
            Ask::get(&format!("/address-register/address/../{value}")),
            "400 target-ambiguous",
            "/path",
            "the target has a dot segment, which some read otherwise",
        ),
    ] {
        let answer = world.consumer.asks(&ask).await;
        assert_eq!(answer.to_string(), shown, "{}", ask.target);
        let problem = answer.json();
        assert_eq!((&problem["pointer"], &problem["reason"]), (&pointer.into(), &reason.into()));
        assert!(!String::from_utf8_lossy(&answer.body).contains(value), "{answer}");
    }
}

/// Promise 4, C2
#[tokio::test]
async fn refusal_speaks_the_callers_language_and_keeps_its_code() {
    let world = agreed().start().await;
    let words = &rows::PURPOSE_NOT_AGREED.words;
    for (accepted, language, detail) in [
        ("", "kk", words.kk),
        ("kk", "kk", words.kk),
        ("ru-RU, en;q=0.5", "ru", words.ru),
        ("en-GB", "en", words.en),
        ("fr", "kk", words.kk),
    ] {
        let ask = lookup().header("Kelisim-Purpose", "curiosity").header("Accept-Language", accepted);
        let answer = world.consumer.asks(&ask).await;
        assert_eq!(answer.header("content-language"), Some(language), "{accepted}");
        assert_eq!(answer.json()["detail"], detail, "{accepted}");
        assert_eq!(answer.refusal(), Some("purpose-not-agreed"));
    }
}

/// Promise 4: the whole answer, as others rely on it.
#[tokio::test]
async fn refusal_is_a_problem_document_that_names_code_clause_culprit_and_entry() {
    let world = agreed().start().await;
    let ask = Ask::post(ADDRESSES, &json!({ "code": 7, "address": "x" })).header("Accept-Language", "en");
    assert_snapshot!(world.consumer.asks(&ask).await.shown(), @r#"
    400
    cache-control: no-store
    content-language: en
    content-length: <length>
    content-type: application/problem+json
    date: <date>
    kelisim-entry: <entry>
    kelisim-exchange: <exchange>
    kelisim-refusal: request-schema

    {"acts":["Interaction: Rules of use and interaction of state bodies' information resources, systems and networks, Order 365 of 26 August 2009 (lost force on 28.01.2016)"],"clause":"Interaction 17.1","code":"request-schema","culprit":"consumer","detail":"The request body does not fit the data type's schema. The members pointer and reason say where.","entry":"<entry>","exchange":"<exchange>","keyword":"type","pointer":"/code","reason":"not of the type string","status":400,"title":"request schema","type":"urn:kelisim:refusal:request-schema"}
    "#);
}

/// Promise 5, B7
#[tokio::test]
async fn fields_that_the_agreement_does_not_name_are_withheld_and_counted() {
    let world = agreed().start().await;
    let answer = world.consumer.asks(&lookup()).await;
    assert_eq!(answer.header("kelisim-withheld"), Some("3"));
    assert_eq!(
        answer.json(),
        json!({ "code": "7", "address": "Astana, Mangilik El 55", "rooms": [{ "number": 1 }, { "number": 2 }] })
    );
    assert_eq!(world.log.closing(answer.exchange()).await.trimmed, 3);
}

/// Promise 5: decided on and forwarded in one form, below the provider's base path.
#[tokio::test]
async fn target_is_forwarded_in_the_one_form_that_was_decided_on() {
    let world = agreed().start().await;
    for (target, forwarded) in [
        ("/address-register/address/addresses/7", "GET /api/addresses/7 HTTP/1.1"),
        ("/address-register/address/addresses/%37?", "GET /api/addresses/7 HTTP/1.1"),
        ("/address-register/address/addresses/%d1%8f?lang=kk", "GET /api/addresses/%D1%8F?lang=kk HTTP/1.1"),
        (
            "/address-register/address/addresses?text=a+b&page=2",
            "GET /api/addresses?text=a%2Bb&page=2 HTTP/1.1",
        ),
    ] {
        let before = world.provider.seen().len();
        world.consumer.asks(&Ask::get(target)).await;
        assert_eq!(world.provider.seen()[before].head[0], forwarded, "{target}");
    }
    for target in
        ["addresses/..%2f7", "addresses/%2e%2e", "addresses/a%5cb", "addresses/7;x", "addresses/%00"]
    {
        let before = world.provider.seen().len();
        let answer = world.consumer.asks(&Ask::get(&format!("/address-register/address/{target}"))).await;
        assert_eq!(answer.status, 400, "{target}: {answer}");
        assert_eq!(world.provider.seen().len(), before, "{target}");
    }
}

/// Promise 5, C3: what stands in the query fits the data type, or the provider hears nothing of it.
#[tokio::test]
async fn parameter_that_does_not_fit_the_data_type_is_refused_before_anything_is_sent() {
    let world = agreed().start().await;
    for page in ["0", "-1", "first", "2.5", "%222%22", "", "1e400"] {
        let answer = world.consumer.asks(&Ask::get(&format!("{ADDRESSES}?text=a&page={page}"))).await;
        assert_eq!(answer.to_string(), "400 request-parameter", "{page}");
        let problem = answer.json();
        assert_eq!(problem["pointer"], "/query/page", "{problem}");
        assert!(!problem["reason"].as_str().unwrap().contains("first"), "no value is told: {problem}");
    }
    assert_eq!(world.provider.seen().len(), 0);
    world.consumer.asks(&Ask::get(&format!("{ADDRESSES}?text=first&page=2"))).await;
    assert_eq!(world.provider.seen().len(), 1, "what has no schema passes as text");
}

/// Promise 5, C8: one can always tell whose error it is.
#[tokio::test]
async fn providers_own_error_passes_without_its_prose_and_never_as_our_refusal() {
    let world = agreed().start().await;
    let problem = json!({
        "type": "https://register.example/no-such", "title": "No such address", "status": 404,
        "detail": "7 is not in use", "query": "SELECT * FROM addresses", "iin": "860101300123",
    });
    let answers = [
        (404, "application/problem+json", problem.to_string()),
        (500, "text/html", "<h1>Traceback: db01.internal</h1>".to_owned()),
        (409, "application/json", r#"{"iin":"860101300123"}"#.to_owned()),
    ];
    for (status, media_type, body) in answers {
        world.provider.replies(Reply::With(
            status,
            vec![("Content-Type", media_type.to_owned()), ("Kelisim-Refusal", "no-agreement".to_owned())],
            body.into_bytes(),
        ));
        let answer = world.consumer.asks(&lookup()).await;
        assert_eq!((answer.status, answer.refusal()), (status, None));
        assert!(answer.entry().is_some(), "{status}");
        let body = String::from_utf8(answer.body.clone()).unwrap();
        for secret in ["SELECT", "860101300123", "Traceback", "internal"] {
            assert!(!body.contains(secret), "{status}: {body}");
        }
        if status == 404 {
            assert_eq!(answer.json()["title"], "No such address");
        } else {
            assert_eq!(body, "");
        }
        assert_eq!(world.log.closing(answer.exchange()).await.outcome, Outcome::RefusedByProvider);
    }
}

fn agreed() -> Plan {
    World::consumer_and_provider().agreement("address-lookup")
}

fn lookup() -> Ask {
    Ask::get(LOOKUP)
}

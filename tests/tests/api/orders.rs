//! Reading what orders, terms and versions say: calendar, deadlines, prescriptions, delegations, differences.

use agreements::{Command, Delegated, DelegationText, Order, PrescriptionText, Side, Target};
use serde_json::{Value, json};
use tests::world::{World, sample};

/// A8
#[tokio::test]
async fn the_calendar_and_the_terms_are_shown_and_counted_with() {
    let world = World::consumer_and_provider().start().await;
    let clerk = world.program(&world.ministry);
    let year = clerk.get("/v1/calendar/2026").await;
    let days = year.json()["days"].clone();
    let nauryz = days.as_array().unwrap().iter().find(|one| one["day"] == "2026-03-22").unwrap();
    assert_eq!(nauryz["is"], "holiday");
    let again = clerk.saying("if-none-match", year.header("etag").unwrap());
    assert_eq!(again.get("/v1/calendar/2026").await.outcome(), "304");
    // Over Nauryz and its moved days off.
    let due = clerk.get("/v1/due?from=2026-03-18&working-days=5").await.json();
    assert_eq!(due["due"], "2026-03-30");
    let day = json!({ "day": { "day": "2026-03-27", "kind": "holiday", "note": "by decree" } });
    let regulator = world.program(&world.regulator);
    assert_eq!(regulator.command("set-calendar-day", day).await.outcome(), "200");
    let due = clerk.get("/v1/due?from=2026-03-18&working-days=5").await.json();
    assert_eq!(due["due"], "2026-03-31");
    assert_eq!(again.get("/v1/calendar/2026").await.outcome(), "200");
    let terms = clerk.get("/v1/terms").await.json();
    let kinds: Vec<&str> =
        terms["terms"].as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert!(["registration", "outcome", "return", "correction"].iter().all(|one| kinds.contains(one)));
    for (path, outcome) in [
        ("/v1/calendar/1000", "404 not-found"),
        ("/v1/due?working-days=30000", "400 parameter-malformed"),
        ("/v1/due?from=9999-12-31&working-days=1", "400 parameter-malformed"),
    ] {
        assert_eq!(clerk.get(path).await.outcome(), outcome, "{path}");
    }
}

/// A8, E4: overdue steps show to the regulator, and to whose they are; to no others.
#[tokio::test]
async fn deadlines_are_shown_to_whom_they_concern() {
    let world = World::consumer_and_provider().start().await;
    let subject = agreements::Subject::System(sample::system("portal"));
    let what: agreements::Words = "The endpoint is wrong".parse().unwrap();
    world.regulator.issues(Command::ReportDiscovery { subject, what });
    let of = |told: &Value| -> Vec<String> {
        let items = told["items"].as_array().unwrap();
        let found = items.iter().filter(|one| one["kind"] == "correction");
        found
            .map(|one| format!("{} {}", one["about"].as_str().unwrap(), one["standing"].as_str().unwrap()))
            .collect()
    };
    let running = ["system portal, discovery 1 running"];
    for desk in [&world.regulator, &world.ministry] {
        let told = world.program(desk).get("/v1/deadlines").await.json();
        assert_eq!(of(&told), running, "{}", desk.actor().id);
    }
    let agency = world.program(&world.agency).get("/v1/deadlines?standing=running").await.json();
    assert_eq!(of(&agency), [""; 0]);
    let regulator = world.clerk().bearer(&world.token(&world.regulator, "other", vec![], 1));
    let overdue = regulator.get("/v1/deadlines?standing=overdue").await.json();
    assert_eq!(of(&overdue), [""; 0]);
    assert_eq!(regulator.get("/v1/deadlines?standing=soon").await.outcome(), "400 parameter-malformed");
}

/// E4
#[tokio::test]
async fn prescriptions_are_shown_to_who_sees_what_they_are_against() {
    let world = World::consumer_and_provider().agreement("address-lookup").start().await;
    for (number, against) in [
        ("p-1", Target::System(sample::system("portal"))),
        ("p-2", Target::Agreement(sample::number("address-lookup"))),
        ("p-3", Target::System(sample::system("address-register"))),
    ] {
        let words = |text: &str| text.parse().unwrap();
        let prescription = PrescriptionText {
            prescription: number.parse().unwrap(),
            against,
            order: Order::Suspend,
            reason: words("as found"),
            clause: words("Law 6.2"),
            appeal: words("to the court within ten days"),
        };
        world.regulator.prescribes(prescription).await;
    }
    let (ministry, agency) = (world.program(&world.ministry), world.program(&world.agency));
    let numbers = |told: Value| -> Vec<String> {
        let items = told["items"].as_array().unwrap();
        items.iter().map(|one| one["text"]["prescription"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(numbers(ministry.get("/v1/prescriptions").await.json()), ["p-1", "p-2"]);
    assert_eq!(numbers(agency.get("/v1/prescriptions?standing=stands").await.json()), ["p-2", "p-3"]);
    assert_eq!(numbers(ministry.get("/v1/prescriptions?agreement=address-lookup").await.json()), ["p-2"]);
    assert_eq!(numbers(ministry.get("/v1/prescriptions?standing=lifted").await.json()), [""; 0]);
    let one = ministry.get("/v1/prescriptions/p-1").await.json();
    assert_eq!((&one["text"]["order"], &one["signature"]["side"]), (&json!("suspend"), &json!("regulator")));
    assert_eq!(ministry.get("/v1/prescriptions/p-3").await.outcome(), "404 not-found");
    let page = ministry.get("/v1/prescriptions?limit=1").await.json();
    let next = page["next"].as_str().unwrap();
    assert_eq!(numbers(ministry.get(&format!("/v1/prescriptions?cursor={next}")).await.json()), ["p-2"]);
}

/// A10, E4
#[tokio::test]
async fn delegations_are_shown_to_their_sides_and_to_who_supervises() {
    let world = World::consumer_and_provider().start().await;
    let delegation = DelegationText {
        delegation: "d-1".parse().unwrap(),
        principal: sample::bin(sample::MINISTRY),
        delegate: sample::bin(sample::OPERATOR),
        scope: vec![Delegated::Operation],
        systems: vec![],
        from: sample::date("2026-01-01"),
        until: sample::date("2099-12-31"),
        document: sample::paper(),
    };
    let registry = world.ministry.registry();
    let signed = registry
        .with(|office| office.sign_value(&delegation, Side::Consumer, world.ministry.signer()))
        .unwrap();
    world.ministry.issues(Command::RecordDelegation { delegation, signature: signed });
    let ministry = world.program(&world.ministry);
    assert_eq!(ministry.get("/v1/delegations/d-1").await.json()["text"]["scope"], json!(["operation"]));
    let regulator = world.program(&world.regulator);
    let of = format!("/v1/delegations?principal={}", sample::MINISTRY);
    assert_eq!(regulator.get(&of).await.json()["items"].as_array().unwrap().len(), 1);
    let agency = world.program(&world.agency);
    assert_eq!(agency.get("/v1/delegations").await.json()["items"], json!([]));
    assert_eq!(agency.get("/v1/delegations/d-1").await.outcome(), "404 not-found");
}

/// B4: a change is a new version, and says in what it is wider.
#[tokio::test]
async fn versions_of_an_agreement_are_compared_point_by_point() {
    let world = World::consumer_and_provider().agreement("address-lookup").start().await;
    let ministry = world.program(&world.ministry);
    let path = "/v1/agreements/address-lookup/diff";
    assert_eq!(ministry.get(path).await.outcome(), "404 not-found", "there is but one");
    let draft = json!({ "number": "address-lookup", "version": 2, "consumer": "portal", "provider": "address-register" });
    assert_eq!(ministry.command("draft-agreement", json!({ "document": draft })).await.outcome(), "200");
    assert_eq!(
        ministry.get(path).await.outcome(),
        "422 document-unreadable",
        "what is not said cannot be compared"
    );
    let mut next = sample::agreement("address-lookup");
    (next["version"], next["recovery"]["within_hours"]) = (json!(2), json!(48));
    let told = ministry.command("draft-agreement", json!({ "document": next })).await;
    assert_eq!(told.outcome(), "200");
    let told = ministry.get(path).await.json();
    assert_eq!((&told["from"], &told["to"]), (&json!(1), &json!(2)));
    assert_eq!(told["points"][0]["field"], "recovery.within_hours");
    let back = ministry.get(&format!("{path}?from=2&to=1")).await.json();
    assert_ne!(back["points"][0]["direction"], told["points"][0]["direction"]);
}

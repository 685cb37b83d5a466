//! What the regulator says to agreements, protocols of disagreement, and the regulator's own term.

use agreements::{Access, Command, Event, Holder, Operator, OperatorId, Reach, Role, Side, TokenId};
use certs::sign::canonical;
use gateway::api::access::{Secret, TokenText};
use gateway::registry::proof::document_sha256;
use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::world::{Clerk, Desk, World, in_hours, sample};

const NUMBER: &str = "address-lookup";

/// An agreement before the regulator.
fn submitted(world: &World) -> Value {
    let text = sample::agreement(NUMBER);
    world.ministry.drafts(&text);
    world.ministry.signs(&text);
    world.agency.signs(&text);
    world.ministry.issues(Command::SubmitAgreement { number: sample::number(NUMBER), version: 1 });
    text
}

/// An officer of a body that is no party to anything.
fn outsider(world: &World) -> Clerk {
    let (id, bin) = (OperatorId::new("outsider").unwrap(), sample::bin("150340000015"));
    world.administrator.issues(Command::RegisterHolder {
        holder: Holder { bin, name: "Another body".into(), region: None },
    });
    let operator = Operator {
        id: id.clone(),
        name: "An outsider".into(),
        role: Role::HolderOfficer,
        holder: bin,
        reach: Reach::default(),
    };
    world.administrator.issues(Command::RegisterOperator { operator });
    let (token, secret) = (TokenId::new("outside").unwrap(), Secret::fresh().unwrap());
    let access = Access::Token { id: token.clone(), commands: vec![], expires: in_hours(1) };
    world.administrator.issues(Command::GrantAccess { operator: id, access });
    world.access().set_token(&token, &secret).unwrap();
    world.clerk().bearer(&TokenText { id: token, secret }.to_string())
}

async fn signed(clerk: &Clerk, command: &str, field: &str, text: &Value, (desk, side): (&Desk, Side)) {
    let jws = desk.signer().sign(&canonical(text).unwrap(), side, gateway::clock::now()).unwrap();
    let mut body = json!({ "jws": serde_json::to_value(jws).unwrap() });
    body[field] = text.clone();
    let told = clerk.command(command, body).await;
    assert_eq!(told.outcome(), "200", "{:?}", told.body);
}

/// B9, E4: what the regulator said to a version is shown, with its signature, to who sees the agreement; it keeps its tag.
#[tokio::test]
async fn rulings_are_shown_to_who_sees_the_agreement() {
    let world = World::consumer_and_provider().start().await;
    let text = submitted(&world);
    let [ministry, regulator] = [&world.ministry, &world.regulator].map(|desk| world.program(desk));
    let path = format!("/v1/agreements/{NUMBER}/versions/1/ruling");
    assert_eq!(ministry.get(&path).await.outcome(), "404 not-found", "none yet");
    let document = String::from_utf8(canonical(&text).unwrap()).unwrap();
    let ruling = json!({
        "agreement": NUMBER, "version": 1, "document_sha256": document_sha256(&document), "ruling": "returned",
        "reason": "More passes than is needed", "remarks": [{ "remark": "All fields", "remedy": "Name them" }],
    });
    signed(&regulator, "rule-on-agreement", "ruling", &ruling, (&world.regulator, Side::Regulator)).await;
    let shown = ministry.get(&path).await;
    let tag = shown.header("etag").unwrap().to_owned();
    assert_eq!((&shown.json()["text"], &shown.json()["signature"]["side"]), (&ruling, &json!("regulator")));
    world.integrator.issues(Command::SuspendSystem { system: sample::system("portal") });
    assert_eq!(ministry.saying("if-none-match", &tag).get(&path).await.status.as_u16(), 304);
    let numbers = |told: Value| -> Vec<String> {
        let items = told["items"].as_array().unwrap();
        items.iter().map(|one| one["text"]["agreement"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(numbers(ministry.get("/v1/rulings").await.json()), [NUMBER]);
    assert_eq!(numbers(regulator.get("/v1/rulings?ruling=returned&limit=1").await.json()), [NUMBER]);
    assert_eq!(numbers(regulator.get("/v1/rulings?ruling=refused").await.json()), [""; 0]);
    assert_eq!(numbers(regulator.get("/v1/rulings?agreement=another").await.json()), [""; 0]);
    assert_eq!(regulator.get("/v1/rulings?ruling=granted").await.outcome(), "400 parameter-malformed");
    let outsider = outsider(&world);
    assert_eq!(numbers(outsider.get("/v1/rulings").await.json()), [""; 0]);
    assert_eq!(outsider.get(&path).await.outcome(), "404 not-found");
}

/// B9, E4: a protocol of disagreement is shown with who signed it, and found while it waits for the other holder.
#[tokio::test]
async fn protocols_of_disagreement_are_shown_to_who_sees_the_agreement() {
    let world = World::consumer_and_provider().start().await;
    submitted(&world);
    let [ministry, agency] = [&world.ministry, &world.agency].map(|desk| world.program(desk));
    let protocol = json!({ "agreement": NUMBER, "version": 1, "document": sample::paper(), "about": "How long it is kept" });
    let path = format!("/v1/agreements/{NUMBER}/versions/1/protocol");
    assert_eq!(agency.get(&path).await.outcome(), "404 not-found", "none yet");
    signed(&ministry, "sign-protocol", "protocol", &protocol, (&world.ministry, Side::Consumer)).await;
    let count = |told: Value| told["items"].as_array().unwrap().len();
    assert_eq!(count(agency.get("/v1/protocols?standing=waits").await.json()), 1);
    assert_eq!(count(agency.get("/v1/protocols?standing=signed").await.json()), 0);
    signed(&agency, "sign-protocol", "protocol", &protocol, (&world.agency, Side::Provider)).await;
    assert_eq!(count(agency.get("/v1/protocols?standing=signed&agreement=address-lookup").await.json()), 1);
    let shown = ministry.get(&path).await.json();
    let sides: Vec<&str> =
        shown["signatures"].as_array().unwrap().iter().map(|one| one["side"].as_str().unwrap()).collect();
    assert_eq!((&shown["text"], sides), (&protocol, vec!["consumer", "provider"]));
    assert_eq!(agency.get("/v1/protocols?standing=lost").await.outcome(), "400 parameter-malformed");
    let outsider = outsider(&world);
    assert_eq!(count(outsider.get("/v1/protocols").await.json()), 0);
    assert_eq!(outsider.get(&path).await.outcome(), "404 not-found");
}

/// A8, B9: the regulator's term shows to it and to both holders; a shorter one is overdue on its day.
#[tokio::test]
async fn the_regulators_term_runs_from_the_submission_and_is_listed_once_overdue() {
    let world = World::consumer_and_provider().start().await;
    submitted(&world);
    let [ministry, regulator] = [&world.ministry, &world.regulator].map(|desk| world.program(desk));
    let of = |told: Value| -> Vec<(String, String)> {
        let items = told["items"].as_array().unwrap();
        let found = items.iter().filter(|one| one["kind"] == "consideration");
        let text = |one: &Value, name: &str| one[name].as_str().unwrap().to_owned();
        found.map(|one| (text(one, "about"), text(one, "standing"))).collect()
    };
    let about = format!("agreement {NUMBER} version 1");
    for clerk in [&ministry, &regulator] {
        assert_eq!(of(clerk.get("/v1/deadlines").await.json()), [(about.clone(), "running".into())]);
    }
    assert_eq!(of(outsider(&world).get("/v1/deadlines").await.json()), []);
    assert_eq!(of(regulator.get("/v1/deadlines?standing=overdue").await.json()), []);

    let mut text = sample::agreement(NUMBER);
    text["number"] = json!("forgotten");
    let document = String::from_utf8(canonical(&text).unwrap()).unwrap();
    let (number, version) = (sample::number("forgotten"), 1);
    let submitted = Event::AgreementSubmitted { number, version, fits: vec![], conformity: vec![] };
    let long_ago = gateway::clock::now() - SignedDuration::from_hours(24 * 30);
    world.forge_at(long_ago, [Event::AgreementDrafted { document }, submitted]).await;
    let overdue = regulator.get("/v1/deadlines?standing=overdue").await.json();
    assert_eq!(of(overdue.clone()), [("agreement forgotten version 1".into(), "overdue".into())]);
    assert_eq!(overdue["items"][0]["owed_by"], sample::REGULATOR);
}

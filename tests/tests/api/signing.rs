//! Signatures over the API: each that does not count is refused with its own code.

use agreements::Side;
use certs::sign::{Signer, canonical};
use serde_json::{Value, json};
use tests::world::wait::{PAUSE, within};
use tests::world::{Ask, Clerk, Told, World, sample};

struct Head {
    signer: Signer,
    serial: String,
}

fn head(world: &World, bin: &str) -> Head {
    let (issued, identity) = world.head(bin);
    Head { signer: Signer::new(identity), serial: issued.serial }
}

impl Head {
    fn signs(&self, text: &Value, side: Side) -> Value {
        let bytes = canonical(text).unwrap();
        serde_json::to_value(self.signer.sign(&bytes, side, gateway::clock::now()).unwrap()).unwrap()
    }
}

async fn sends(clerk: &Clerk, version: u32, jws: Value) -> Told {
    clerk
        .command("sign-agreement", json!({ "number": "address-lookup", "version": version, "jws": jws }))
        .await
}

/// B3, B4
#[tokio::test]
async fn a_signature_that_does_not_count_is_refused_with_its_own_code() {
    let world = World::consumer_and_provider().start().await;
    let (ministry, agency) = (world.program(&world.ministry), world.program(&world.agency));
    let text = sample::agreement("address-lookup");
    let drafted = ministry.command("draft-agreement", json!({ "document": text })).await;
    assert_eq!(drafted.outcome(), "200");
    let (consumer, provider) = (head(&world, sample::MINISTRY), head(&world, sample::AGENCY));

    let mut tampered = text.clone();
    tampered["data"][0]["fields"] = json!(["/code", "/secret"]);
    let told = sends(&ministry, 1, consumer.signs(&tampered, Side::Consumer)).await;
    assert_eq!(told.outcome(), "422 signature-forged");

    let stranger = head(&world, sample::OPERATOR);
    let told = sends(&ministry, 1, stranger.signs(&text, Side::Consumer)).await;
    assert_eq!(told.outcome(), "422 signature-by-stranger");

    let told = sends(&ministry, 1, consumer.signs(&text, Side::Provider)).await;
    assert_eq!(told.outcome(), "422 signature-wrong-side");

    let told = sends(&agency, 1, consumer.signs(&text, Side::Consumer)).await;
    assert_eq!(told.outcome(), "403 not-yours", "who brings it is theirs too");

    let told = sends(&ministry, 1, json!({ "protected": "e30", "signature": "AAAA" })).await;
    assert_eq!(told.outcome(), "422 signature-malformed");
    let mut claims =
        json!({ "number": "address-lookup", "version": 1, "jws": consumer.signs(&text, Side::Consumer) });
    claims["signature"] = json!({ "side": "provider", "bin": sample::AGENCY });
    let told = ministry.command("sign-agreement", claims).await;
    assert_eq!(told.outcome(), "400 body-malformed", "facts are found out, not taken");

    let revoked = head(&world, sample::MINISTRY);
    let made = revoked.signs(&text, Side::Consumer);
    world.authority.revoke(&revoked.serial, gateway::clock::now()).unwrap();
    // Read by the gateway once somebody who was revoked after that is not let in any more.
    let marker = world.person("Marker");
    world.authority.revoke(&marker.serial, gateway::clock::now()).unwrap();
    let marked = world.clerk_with(Some(&marker));
    within("the revocation to be read", async {
        while marked.try_ask(http::Method::GET, "/v1/session", None).await.is_ok() {
            tokio::time::sleep(PAUSE).await;
        }
    })
    .await;
    let told = sends(&ministry, 1, made).await;
    assert_eq!(told.outcome(), "422 signer-revoked");

    assert_eq!(sends(&ministry, 1, consumer.signs(&text, Side::Consumer)).await.outcome(), "200");
    assert_eq!(sends(&agency, 1, provider.signs(&text, Side::Provider)).await.outcome(), "200");
    let again = sends(&ministry, 1, consumer.signs(&text, Side::Consumer)).await;
    assert_eq!(again.outcome(), "409 exists");

    let mut next = text.clone();
    next["version"] = json!(2);
    let drafted = ministry.command("draft-agreement", json!({ "document": next })).await;
    assert_eq!(drafted.outcome(), "200");
    let told = sends(&ministry, 2, consumer.signs(&text, Side::Consumer)).await;
    assert_eq!(told.outcome(), "422 signature-of-old-version");
    let other = head(&world, sample::MINISTRY);
    let told = sends(&ministry, 1, other.signs(&text, Side::Consumer)).await;
    assert_eq!(told.outcome(), "422 signature-of-old-version");
    assert_eq!(sends(&ministry, 2, consumer.signs(&next, Side::Consumer)).await.outcome(), "200");
}

/// B4, B9: from draft to concurrence over the API alone.
#[tokio::test]
async fn an_agreement_comes_into_force_over_the_api() {
    let world = World::consumer_and_provider().start().await;
    let [ministry, agency, regulator] =
        [&world.ministry, &world.agency, &world.regulator].map(|desk| world.program(desk));
    let text = sample::agreement("address-lookup");
    ministry.command("draft-agreement", json!({ "document": text })).await;
    sends(&ministry, 1, head(&world, sample::MINISTRY).signs(&text, Side::Consumer)).await;
    sends(&agency, 1, head(&world, sample::AGENCY).signs(&text, Side::Provider)).await;
    let named = json!({ "number": "address-lookup", "version": 1 });
    assert_eq!(ministry.command("submit-agreement", named.clone()).await.outcome(), "200");
    let mut concur = named;
    concur["jws"] = head(&world, sample::REGULATOR).signs(&text, Side::Regulator);
    assert_eq!(regulator.command("concur-in-agreement", concur).await.outcome(), "200");
    let shown = ministry.get("/v1/agreements/address-lookup/versions/1").await.json();
    assert_eq!((&shown["stage"], shown["signatures"].as_array().unwrap().len()), (&json!("concurred"), 3));
}

/// HR 20-21: over the API too, a list of officials counts by its signature, never by what is said of it.
#[tokio::test]
async fn a_list_of_officials_is_taken_by_its_signature_alone() {
    let world = World::consumer_and_provider().agreement("address-lookup").start().await;
    let ministry = world.program(&world.ministry);
    let shown = ministry.get("/v1/agreements/address-lookup").await.json();
    assert_eq!(shown["users"], json!([]));
    let list = json!({ "agreement": "address-lookup", "serial": 1, "users": [] });
    let consumer = head(&world, sample::MINISTRY);
    let sent = |list: &Value, jws: Value| json!({ "list": list, "jws": jws });
    let mut longer = list.clone();
    longer["users"] = json!([{ "id": "a.b", "name": "A. B.", "duty": "answers" }]);
    let told = ministry.command("approve-users", sent(&longer, consumer.signs(&list, Side::Consumer))).await;
    assert_eq!(told.outcome(), "422 signature-forged");
    let told = ministry.command("approve-users", sent(&list, consumer.signs(&list, Side::Provider))).await;
    assert_eq!(told.outcome(), "422 signature-wrong-side");
    let stranger = head(&world, sample::OPERATOR);
    let told = ministry.command("approve-users", sent(&list, stranger.signs(&list, Side::Consumer))).await;
    assert_eq!(told.outcome(), "422 signature-by-stranger");
    let mut facts = sent(&longer, consumer.signs(&longer, Side::Consumer));
    facts["signature"] = json!({ "side": "consumer" });
    assert_eq!(ministry.command("approve-users", facts).await.outcome(), "400 body-malformed");
    let told =
        ministry.command("approve-users", sent(&longer, consumer.signs(&longer, Side::Consumer))).await;
    assert_eq!(told.outcome(), "200");
}

/// SHA-256 of what `text` is signed as.
fn digest(text: &Value) -> String {
    gateway::registry::proof::document_sha256(&String::from_utf8(canonical(text).unwrap()).unwrap())
}

/// B9, Portal 17: what the regulator says is a statement of its own, signed; a refusal can be taken for no concurrence.
#[tokio::test]
async fn the_regulator_refuses_returns_and_agrees_with_remarks_by_signed_statements() {
    let world = World::consumer_and_provider().start().await;
    let [ministry, agency, regulator] =
        [&world.ministry, &world.agency, &world.regulator].map(|desk| world.program(desk));
    let [consumer, provider, head_of_regulator] =
        [sample::MINISTRY, sample::AGENCY, sample::REGULATOR].map(|bin| head(&world, bin));
    let version = async |version: u32| {
        let mut text = sample::agreement("address-lookup");
        text["version"] = json!(version);
        ministry.command("draft-agreement", json!({ "document": text })).await;
        sends(&ministry, version, consumer.signs(&text, Side::Consumer)).await;
        sends(&agency, version, provider.signs(&text, Side::Provider)).await;
        let named = json!({ "number": "address-lookup", "version": version });
        assert_eq!(ministry.command("submit-agreement", named).await.outcome(), "200");
        text
    };
    let statement = |text: &Value, ruling: &str, remarks: Value| {
        let mut said = json!({
            "agreement": "address-lookup", "version": text["version"], "document_sha256": digest(text),
            "ruling": ruling, "reason": "as considered",
        });
        if remarks != json!([]) {
            said["remarks"] = remarks;
        }
        said
    };
    let rules = async |said: Value, jws: Value| {
        regulator.command("rule-on-agreement", json!({ "ruling": said, "jws": jws })).await.outcome()
    };

    let first = version(1).await;
    let refusal = statement(&first, "refused", json!([]));
    let over_the_agreement = head_of_regulator.signs(&first, Side::Regulator);
    assert_eq!(rules(refusal.clone(), over_the_agreement).await, "422 signature-forged");
    let mut other = refusal.clone();
    other["document_sha256"] = json!("00".repeat(32));
    let made = head_of_regulator.signs(&other, Side::Regulator);
    assert_eq!(rules(other, made).await, "422 ruling-of-other-document");
    let made = head_of_regulator.signs(&refusal, Side::Regulator);
    let concur = json!({ "number": "address-lookup", "version": 1, "jws": made });
    let told = regulator.command("concur-in-agreement", concur).await;
    assert_eq!(told.outcome(), "422 signature-forged", "a refusal is no concurrence");
    assert_eq!(rules(refusal, made).await, "200");

    let second = version(2).await;
    let returned = statement(&second, "returned", json!([{ "remark": "fields", "remedy": "name fewer" }]));
    let made = head_of_regulator.signs(&returned, Side::Regulator);
    assert_eq!(rules(returned, made).await, "200");

    let third = version(3).await;
    let remarks = json!([{ "remark": "the term is long", "remedy": "a year will do" }]);
    let agreed = statement(&third, "agreed-with-remarks", remarks.clone());
    let made = head_of_regulator.signs(&agreed, Side::Regulator);
    assert_eq!(rules(agreed, made).await, "200");
    let sheet = ministry.get("/v1/agreements/address-lookup").await.json();
    let stages: Vec<&Value> = sheet["versions"].as_array().unwrap().iter().map(|one| &one["stage"]).collect();
    assert_eq!(stages, [&json!("refused"), &json!("returned"), &json!("concurred")]);
    assert_eq!(sheet["newest"]["ruled"]["text"]["remarks"], remarks);
    let integrator = world.program(&world.integrator);
    let events = integrator.get("/v1/events?limit=200").await.json();
    let revision = events["items"].as_array().unwrap().last().unwrap()["sequence"].as_u64().unwrap();
    let told = integrator.command("record-readiness", all_passed(&third, revision)).await;
    assert_eq!(told.outcome(), "200");
    world.settled().await;
    let asked = json!({ "consumer": "portal", "provider": "address-register", "data_type": "address",
        "path": "/addresses/7", "purpose": "delivery" });
    assert_eq!(ministry.post("/v1/explain", &asked).await.json()["decision"], "permit");
    let answered = world.consumer.asks(&Ask::get("/address-register/address/addresses/7")).await;
    assert_eq!(answered.status, 200, "the gateway has proven the ruling too");
}

/// A record in which all that is to be checked under a third version of an agreement is as it should be.
fn all_passed(text: &Value, revision: u64) -> Value {
    let sides = ["consumer", "provider"].into_iter();
    let kinds = ["certificate", "clock", "reachability", "protocol"];
    let of_sides = sides.flat_map(|party| kinds.map(|kind| (party, json!({ "kind": kind }))));
    let samples = text["data"].as_array().unwrap().iter().map(|one| {
        let (data_type, version) = (&one["data_type"], &one["version"]);
        ("provider", json!({ "kind": "sample", "data_type": data_type, "version": version }))
    });
    let checks: Vec<Value> = of_sides
        .chain(samples)
        .map(|(party, check)| json!({ "party": party, "check": check, "outcome": "passed", "detail": "" }))
        .collect();
    json!({ "number": text["number"], "version": text["version"], "revision": revision, "checks": checks })
}

/// B9, Portal 21
#[tokio::test]
async fn a_protocol_of_disagreement_is_signed_by_both_heads_over_the_api() {
    let world = World::consumer_and_provider().start().await;
    let [ministry, agency] = [&world.ministry, &world.agency].map(|desk| world.program(desk));
    let text = sample::agreement("address-lookup");
    ministry.command("draft-agreement", json!({ "document": text })).await;
    let protocol = json!({
        "agreement": "address-lookup", "version": 1, "document": sample::paper(), "about": "retention",
    });
    let signed =
        |bin: &str, side| json!({ "protocol": protocol, "jws": head(&world, bin).signs(&protocol, side) });
    let wrong = agency.command("sign-protocol", signed(sample::REGULATOR, Side::Regulator)).await;
    assert_eq!(wrong.outcome(), "422 signature-wrong-side");
    let told = ministry.command("sign-protocol", signed(sample::MINISTRY, Side::Consumer)).await;
    assert_eq!(told.outcome(), "200");
    let told = agency.command("sign-protocol", signed(sample::AGENCY, Side::Provider)).await;
    assert_eq!(told.outcome(), "200");
    let shown = ministry.get("/v1/agreements/address-lookup/versions/1").await.json();
    assert_eq!(shown["protocol"]["signatures"].as_array().unwrap().len(), 2);
}

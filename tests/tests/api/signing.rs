//! Signatures over the API: each that does not count is refused with its own code.

use agreements::Side;
use certs::authority::PersonRequest;
use certs::sign::{Signer, canonical};
use certs::tls::Identity;
use serde_json::{Value, json};
use tests::world::wait::{PAUSE, within};
use tests::world::{Clerk, Told, World, sample};

struct Head {
    signer: Signer,
    serial: String,
}

fn head(world: &World, bin: &str) -> Head {
    let request = PersonRequest {
        name: "A head".into(),
        iin: "860101300123".into(),
        bin: sample::bin(bin),
        organisation: "A body".into(),
        days: 1,
    };
    let issued = world.authority.issue_person(&request, gateway::clock::now()).unwrap();
    let identity = Identity::from_pem(issued.chain.as_bytes(), issued.key.as_bytes()).unwrap();
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
    concur["remarks"] = json!([]);
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

//! What a review of the exchange path found: each scene is one way in which a hostile or unlucky peer came closer than
//! it should.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use agreements::{Command, DataType};
use gateway::exchange_log::Outcome;
use serde_json::{Value, json};
use tests::world::sample::{self, ADDRESSES, LOOKUP, REGISTER, correction};
use tests::world::wait::within;
use tests::world::{Ask, Hold, Plan, Relay, Reply, World};

/// B7, B9: while a body is on its way its agreement is suspended, and another one, with a narrower schema, remains.
#[tokio::test]
async fn body_read_under_one_agreement_is_held_against_the_schema_of_the_one_that_carries_it() {
    let world = agreed().start().await;
    world.agency.orders(Command::PublishDataType { data_type: narrower() }).await;
    concurred(&world, &narrower_agreement()).await;
    let mut line = world.consumer.connect().await;
    let wire = Ask::post(ADDRESSES, &correction()).wire("gateway");
    let (begun, rest) = wire.split_at(wire.len() - 5);
    line.send(begun).await;
    within("the body to be held", async {
        while world.metrics().await.contains("kelisim_payload_bytes_held 0") {}
    })
    .await;
    world.regulator.suspend("address-lookup").await;
    line.send(rest).await;
    assert_eq!(line.answer().await.unwrap().to_string(), "400 request-schema");
    assert!(world.provider.seen().is_empty());

    let whole = json!({ "code": "7", "address": "x", "reason": "moved" });
    assert_eq!(world.consumer.asks(&Ask::post(ADDRESSES, &whole)).await.status, 200);
}

/// B9, promise 2: the gateway dials while the agreement is suspended; nothing is sent, and the record says so.
#[tokio::test]
async fn agreement_suspended_while_the_provider_is_dialled_carries_nothing() {
    let relay = Relay::stands().await;
    let address = relay.address().to_string();
    let plan = agreed().provider(move |card| card.endpoint.as_mut().unwrap().address = address);
    let world = plan.start().await;
    let mut line = world.consumer.connect().await;
    line.send(&Ask::get(LOOKUP).wire("gateway")).await;
    let dialled = relay.dialled().await;
    world.regulator.suspend("address-lookup").await;
    dialled.opens_to(world.provider.address()).await;
    let answer = line.answer().await.unwrap();
    assert_eq!(answer.to_string(), "403 agreement-suspended");
    assert!(world.provider.seen().is_empty());
    let closing = world.log.closing(answer.exchange()).await;
    assert_eq!((closing.outcome, closing.status), (Outcome::RequestRefused, None));
    assert_eq!(closing.code.unwrap().as_str(), "agreement-suspended");
}

/// C3: a call that broke off may have been carried out, also where the agreement forbids the second attempt.
#[tokio::test]
async fn second_attempt_that_is_forbidden_does_not_deny_the_first() {
    let world = agreed().start().await;
    let mut line = world.consumer.connect().await;
    assert_eq!(line.ask(&Ask::get(LOOKUP)).await.status, 200);
    let hold = Hold::default();
    world.provider.replies(hold.on(Reply::Bytes(Vec::new())));
    line.send(&Ask::get(LOOKUP).wire("gateway")).await;
    world.provider.until_seen(2).await;
    world.regulator.suspend("address-lookup").await;
    hold.release(1);
    let answer = line.answer().await.unwrap();
    assert_eq!(answer.to_string(), "502 provider-failed");
    assert_eq!(world.provider.seen().len(), 2);
    assert_eq!(world.log.closing(answer.exchange()).await.outcome, Outcome::ProviderFailed);
}

/// D4: a path that nobody knows may name a person, and so may a method that there is not.
#[tokio::test]
async fn refused_path_leaves_nobodys_number_in_the_record() {
    let world = agreed().start().await;
    for (method, target) in [
        ("GET", "/persons/860101300123"),
        ("GET", "/860101300123/address"),
        ("GET", "/address-register/860101300123/address"),
        ("GET", "/address-register/person/860101300123"),
        ("860101300123", LOOKUP),
    ] {
        let answer = world.consumer.asks(&Ask::new(method, target)).await;
        assert!(answer.refusal().is_some() && answer.entry().is_some(), "{method} {target}: {answer}");
    }
    let known = world.consumer.asks(&Ask::get("/address-register/address/860101300123")).await;
    let refused = world.log.refused(known.exchange()).unwrap();
    assert_eq!(
        (refused.provider.unwrap().as_str(), refused.data_type.unwrap().as_str()),
        (REGISTER, "address")
    );
    for file in std::fs::read_dir(world.log.dir()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap_or_default();
        assert!(!bytes.windows(12).any(|window| window == b"860101300123"));
    }
}

/// The sample's address in a second version, whose corrections give a reason.
fn narrower() -> DataType {
    let mut address = serde_json::to_value(&sample::data_types()[0]).unwrap();
    address["version"] = 2.into();
    for operation in address["operations"].as_array_mut().unwrap() {
        if operation["id"] == "correct" {
            operation["request"]["schema"]["required"] = json!(["code", "address", "reason"]);
            operation["request"]["schema"]["properties"]["reason"] = json!({ "type": "string" });
        }
    }
    serde_json::from_value(address).unwrap()
}

/// An agreement on that second version, beside the first.
fn narrower_agreement() -> Value {
    let mut text = sample::agreement("address-lookup");
    text["number"] = "address-narrower".into();
    text["data"][0]["version"] = 2.into();
    text
}

/// Brings an agreement into force while the gateway runs.
async fn concurred(world: &World, text: &Value) {
    world.ministry.drafts(text);
    world.ministry.signs(text);
    world.agency.signs(text);
    let number = sample::number(text["number"].as_str().unwrap());
    world.ministry.issues(Command::SubmitAgreement { number, version: 1 });
    world.regulator.signs(text);
    world.ready(text["number"].as_str().unwrap()).await;
}

fn agreed() -> Plan {
    World::consumer_and_provider().agreement("address-lookup")
}

//! Whom an answer is about that is given again, and which exchanges a person is told of (D4).

use certs::authority::IssuedPem;
use gateway::exchange_log::Outcome;
use serde_json::{Value, json};
use tests::world::sample::people::{
    self, IIN, OTHER_IIN, PERSON, QUERIES, people, people_agreement, person_record,
};
use tests::world::sample::{self, PORTAL};
use tests::world::wait::{PAUSE, within};
use tests::world::{Plan, Relay, Reply, World};

use super::subjects::hashes;
use super::usage::until_used;

/// Persons are asked for by `POST`, and named where `place` says.
fn named_in(place: Value) -> Plan {
    let mut people = people();
    let ask = people.operations.iter_mut().find(|operation| operation.id.as_str() == "ask");
    ask.unwrap().subject = serde_json::from_value(place).unwrap();
    World::consumer_and_provider()
        .publishing(people)
        .agreement_with("address-lookup", |text| *text = people_agreement())
        .official(people::OFFICIAL)
        .configure(|config| config.usage.portals = vec![sample::system(PORTAL)])
}

async fn portal_of(world: &World) -> IssuedPem {
    let (issued, _) = world.certificate(PORTAL);
    world.bind(&sample::system(PORTAL), &issued).await;
    issued
}

/// D4: wherever they are named, and also those whose identifiers are not released; each delivery is a use.
#[tokio::test]
async fn an_answer_given_again_is_about_whom_the_first_was_and_each_delivery_is_told_to_them() {
    for (place, body) in [
        (json!({ "body": "/iins/*" }), json!({ "iins": [IIN, OTHER_IIN] })),
        (json!({ "response": "/people/*/iin" }), json!({ "of": {} })),
    ] {
        let mut world = named_in(place.clone()).start().await;
        let portal = portal_of(&world).await;
        let people = json!({ "people": [person_record(IIN), person_record(OTHER_IIN)] });
        world.provider.replies(Reply::Json(200, people));
        let ask = people::post(QUERIES, &body).header("Idempotency-Key", "\"k-1\"");
        let first = world.consumer.asks(&ask).await;
        assert_eq!(first.status, 200, "{first}");
        let both = hashes(&world, &first).await;
        assert_eq!(both.len(), 2, "{place}");
        for again in 0..2 {
            if again == 1 {
                world.start_again();
            }
            let again = world.consumer.asks(&ask).await;
            assert_eq!(again.body, first.body);
            assert_eq!(world.log.closing(again.exchange()).await.outcome, Outcome::AnsweredAgain);
            assert_eq!(hashes(&world, &again).await, both, "{place}");
        }
        assert_eq!(world.provider.seen().len(), 1);
        for iin in [IIN, OTHER_IIN] {
            until_used(&world.clerk_with(Some(&portal)), iin, 3).await;
        }
        world.stop();
        let kept = std::fs::read(world.path().join("repeats.db")).unwrap();
        for iin in [IIN, OTHER_IIN] {
            assert!(!kept.windows(iin.len()).any(|bytes| bytes == iin.as_bytes()), "sealed with the answer");
        }
    }
}

/// D4: what was withdrawn while the provider was dialled is in the record, and nobody used anything.
#[tokio::test]
async fn a_person_is_told_of_no_use_where_nothing_was_sent() {
    let relay = Relay::stands().await;
    let address = relay.address().to_string();
    let world = named_in(json!({ "body": "/iins/*" }))
        .provider(move |card| card.endpoint.as_mut().unwrap().address = address)
        .start()
        .await;
    let portal = portal_of(&world).await;
    let regulator = world.program(&world.regulator);
    let mut line = world.consumer.connect().await;
    line.send(&people::get(PERSON).wire("gateway")).await;
    let dialled = relay.dialled().await;
    world.regulator.suspend("people").await;
    dialled.opens_to(world.provider.address()).await;
    let answer = line.answer().await.unwrap();
    let closing = world.log.closing(answer.exchange()).await;
    assert_eq!((closing.outcome, world.provider.seen().len()), (Outcome::RequestRefused, 0), "{answer}");
    assert!(world.log.opening(answer.exchange()).unwrap().subject.is_some());
    within("the index to reach the end of the exchange", async {
        loop {
            let found = regulator.get("/v1/exchanges?outcome=request-refused").await.json();
            if found["items"].as_array().is_some_and(|items| !items.is_empty()) {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
    })
    .await;
    let told = world.clerk_with(Some(&portal)).get(&format!("/v2/findUsage?userCode={IIN}")).await.json();
    assert_eq!(told["totalUsages"], 0, "{told}");
}

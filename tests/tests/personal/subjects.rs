//! Where the person whom data is about is named, and what becomes of who names nobody.

use gateway::exchange_log::Outcome;
use serde_json::{Value, json};
use tests::world::sample::people::{self, IIN, OTHER_IIN, PERSON, QUERIES, UNIT, person_record};
use tests::world::{Answer, Reply, World};

use super::agreed;

/// The hashes that the record has of an exchange, the request's first.
pub(crate) async fn hashes(world: &World, answer: &Answer) -> Vec<String> {
    let opening = world.log.opening(answer.exchange()).unwrap();
    let closing = world.log.closing(answer.exchange()).await;
    let asked = opening.subject.map(|hash| hash.into_owned()).into_iter();
    asked.chain(opening.subjects).chain(closing.subjects).collect()
}

/// D4
#[tokio::test]
async fn a_person_is_known_by_one_hash_wherever_they_are_named_and_by_nothing_else() {
    let world = agreed().start().await;
    world.provider.acts(|seen| match seen.head[0].contains("units") || seen.head[0].starts_with("POST") {
        true => Reply::Json(200, json!({ "people": [person_record(IIN), person_record(OTHER_IIN)] })),
        false => Reply::Json(200, person_record(IIN)),
    });
    let by_path = world.consumer.asks(&people::get(PERSON)).await;
    let hash = hashes(&world, &by_path).await.remove(0);
    let query = people::get(&format!("/address-register/people/people?iin={IIN}"));
    let by_query = world.consumer.asks(&query).await;
    assert_eq!(hashes(&world, &by_query).await, std::slice::from_ref(&hash));

    // Each person once, however often and however written; the response's own are those of its operation only.
    let body = br#"{"iins":["860101300126","900515400331","\u00386\u00301013\u00300126"]}"#;
    let ask = people::asks("POST", QUERIES).header("Content-Type", "application/json").bytes(body);
    let by_body = world.consumer.asks(&ask).await;
    let both = hashes(&world, &by_body).await;
    assert!(both.len() == 2 && both[0] == hash && both[1] != hash, "{both:?}");

    // The agreement does not release the identifier; it is in the record all the same.
    let by_response = world.consumer.asks(&people::get(UNIT)).await;
    assert_eq!(by_response.json(), json!({ "people": [{ "name": "A. Person" }, { "name": "A. Person" }] }));
    assert_eq!(hashes(&world, &by_response).await, both);
    let record: String = world.log.entries().iter().map(|entry| entry.line.clone()).collect();
    assert!(!record.contains(IIN) && !record.contains(OTHER_IIN));
}

/// D4
#[tokio::test]
async fn who_names_nobody_or_no_identifier_is_refused_before_anything_is_forwarded() {
    let world = agreed().start().await;
    let many: Vec<String> = (0..33).map(identifier).collect();
    let ask = |body: Value| people::post(QUERIES, &body);
    for (ask, keyword) in [
        (people::get("/address-register/people/people/860101300123"), "place-not-iin"),
        (people::get("/address-register/people/people/somebody"), "place-not-iin"),
        (people::get("/address-register/people/people"), "place-missing"),
        (people::get("/address-register/people/people?iin="), "place-not-iin"),
        (people::get("/address-register/people/people?iin=%D9%A8%D9%A6"), "place-not-iin"),
        (ask(json!({})), "place-missing"),
        (ask(json!({ "of": { "iins": [IIN] } })), "place-missing"),
        (ask(json!({ "iins": [860_101_300_126_u64] })), "place-not-text"),
        (ask(json!({ "iins": [IIN, null] })), "place-not-text"),
        (ask(json!({ "iins": [[IIN]] })), "place-not-text"),
        (ask(json!({ "iins": [IIN, "860101300127"] })), "place-not-iin"),
        (ask(json!({ "iins": [format!(" {IIN}")] })), "place-not-iin"),
        (ask(json!({ "iins": many })), "place-too-many"),
    ] {
        let answer = world.consumer.asks(&ask).await;
        assert_eq!(answer.refusal(), Some("request-subject"), "{}: {answer}", ask.target);
        assert_eq!(answer.json()["keyword"], keyword, "{answer}");
        assert!(!answer.to_string().contains(IIN), "never the identifier: {answer}");
    }
    assert_eq!(world.provider.seen().len(), 0);
    let nobody = world.consumer.asks(&ask(json!({ "iins": [] }))).await;
    assert_eq!(nobody.refusal(), None, "a list of nobody names nobody: {nobody}");
    assert_eq!(world.log.opening(nobody.exchange()).unwrap().subject, None);
}

/// D4
#[tokio::test]
async fn a_response_whose_persons_cannot_be_recorded_does_not_pass() {
    let world = agreed().start().await;
    let people = |people: Value| Reply::Json(200, json!({ "people": people }));
    let many: Vec<Value> = (0..33).map(|at| person_record(&identifier(at))).collect();
    for (reply, keyword) in [
        (people(json!([person_record(IIN), { "name": "B. Person" }])), "place-missing"),
        (people(json!([{ "name": "A. Person", "iin": 860_101_300_126_u64 }])), "place-not-text"),
        (people(json!([person_record("860101300127")])), "place-not-iin"),
        (people(json!(many)), "place-too-many"),
        (Reply::Json(200, json!({})), "place-missing"),
    ] {
        world.provider.replies(reply);
        let answer = world.consumer.asks(&people::get(UNIT)).await;
        assert_eq!(answer.refusal(), Some("response-subject"), "{answer}");
        assert_eq!(answer.json()["keyword"], keyword, "{answer}");
        let closing = world.log.closing(answer.exchange()).await;
        assert_eq!(closing.outcome, Outcome::ResponseRefused);
    }
    world.provider.replies(people(json!([])));
    assert_eq!(world.consumer.asks(&people::get(UNIT)).await.status, 200, "nobody is in that unit");
    world.provider.replies(people(json!(many[..32])));
    let answer = world.consumer.asks(&people::get(UNIT)).await;
    assert_eq!(answer.status, 200, "{answer}");
    assert_eq!(world.log.closing(answer.exchange()).await.subjects.len(), 32);
}

/// An identifier with its check digit.
fn identifier(serial: usize) -> String {
    (0..10)
        .map(|check| format!("8601013{:04}{check}", serial * 7))
        .find(|text| agreements::is_iin(text))
        .unwrap_or_else(|| identifier(serial + 1_000))
}

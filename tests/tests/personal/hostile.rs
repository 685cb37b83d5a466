//! Documents that are made to hurt, from a registered consumer and from a registered provider (promise 7).

use gateway::exchange_log::Outcome;
use serde_json::json;
use tests::world::sample::people::{self, IIN, PERSON, QUERIES, person_record};
use tests::world::{Reply, World};

use super::agreed;

/// Each with the code that says what is wrong; the inside of an object.
fn hostile() -> Vec<(String, &'static str)> {
    let nested = |depth: usize| format!("\"of\":{}{}", "{\"a\":[".repeat(depth), "]}".repeat(depth));
    vec![
        (nested(100_000), "json-depth"),
        (nested(32), "json-depth"),
        ("\"of\":{\"a\":1,\"a\":1}".into(), "json-duplicate-key"),
        ("\"of\":{\"iin\":1,\"\\u0069in\":2}".into(), "json-duplicate-key"),
        ("\"of\":{\"a\":1e400}".into(), "json-number"),
        ("\"of\":{\"a\":-1e99999999999999999999}".into(), "json-number"),
        (format!("\"of\":{{\"a\":{}}}", "9".repeat(400)), "json-number"),
        ("\"of\":{\"a\":\"\\ud800\"}".into(), "json-surrogate"),
        ("\"of\":{\"\\udc00\\ud800\":1}".into(), "json-surrogate"),
        ("\"of\":{\"a\":01}".into(), "json-syntax"),
        ("\"of\":{\"a\":NaN}".into(), "json-syntax"),
        ("\"of\":{},".into(), "json-syntax"),
    ]
}

/// So many members that each has a name of its own.
fn many() -> String {
    let members: Vec<String> = (0..100_000).map(|at| format!("\"{at:x}\":0")).collect();
    members.join(",")
}

async fn serves(world: &World) {
    world.provider.replies(Reply::Json(200, person_record(IIN)));
    assert_eq!(world.consumer.asks(&people::get(PERSON)).await.status, 200);
}

/// Promise 7, C3
#[tokio::test]
async fn a_consumers_hostile_document_is_refused_by_name_and_nothing_of_it_is_forwarded() {
    let world = agreed().start().await;
    let post = |inside: &str| {
        let body = format!("{{\"iins\":[\"{IIN}\"],{inside}}}");
        people::asks("POST", QUERIES).header("Content-Type", "application/json").bytes(body.as_bytes())
    };
    for (inside, keyword) in hostile() {
        let answer = world.consumer.asks(&post(&inside)).await;
        assert_eq!(answer.refusal(), Some("request-schema"), "{keyword}: {answer}");
        assert_eq!(answer.json()["keyword"], keyword, "{answer}");
    }
    assert_eq!(world.provider.seen().len(), 0);
    world.provider.replies(Reply::Json(200, json!({ "people": [] })));
    let answer = world.consumer.asks(&post(&format!("\"of\":{{{}}}", many()))).await;
    assert_eq!(answer.status, 200, "many members are no fault: {answer}");
    serves(&world).await;
}

/// Promise 7, C3, B7
#[tokio::test]
async fn a_providers_hostile_document_does_not_pass_and_many_members_are_counted_as_one_field() {
    let world = agreed().start().await;
    let reply = |inside: &str| {
        let body = format!("{{\"name\":\"A. Person\",{inside}}}");
        Reply::With(200, vec![("Content-Type", "application/json".into())], body.into_bytes())
    };
    for (inside, keyword) in hostile() {
        world.provider.replies(reply(&inside));
        let answer = world.consumer.asks(&people::get(PERSON)).await;
        assert_eq!(answer.refusal(), Some("response-schema"), "{keyword}: {answer}");
        assert_eq!(answer.json()["keyword"], keyword, "{answer}");
        assert_eq!(world.log.closing(answer.exchange()).await.outcome, Outcome::ResponseRefused);
    }
    world.provider.replies(reply(&many()));
    let answer = world.consumer.asks(&people::get(PERSON)).await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "name": "A. Person" })));
    let closing = world.log.closing(answer.exchange()).await;
    let fields: Vec<_> = closing.withheld.iter().map(|one| (one.field.as_str(), one.count)).collect();
    assert_eq!((closing.trimmed, fields), (100_000, vec![("/*", 100_000)]));
    serves(&world).await;
}

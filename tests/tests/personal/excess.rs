//! What a provider sends beyond what is agreed.

use gateway::exchange_log::Outcome;
use serde_json::{Value, json};
use tests::world::sample::people::{self, IIN, PERSON, QUERIES, person_record};
use tests::world::wait::{PAUSE, within};
use tests::world::{Reply, World, kelisim};

use super::{agreed, agreed_with};

/// B7: each party and the regulator see by field what is sent for nothing.
#[tokio::test]
async fn what_is_withheld_is_counted_by_field_for_the_record_the_command_line_and_the_api() {
    let mut world = agreed().start().await;
    let people = json!({ "people": [person_record(IIN), { "name": "B", "1990-01-01": 1 }] });
    world.provider.acts(move |seen| match seen.head[0].starts_with("POST") {
        true => Reply::Json(200, people.clone()),
        false => Reply::Json(200, person_record(IIN)),
    });
    let one = world.consumer.asks(&people::get(PERSON)).await;
    assert_eq!((one.header("kelisim-withheld"), one.json()), (Some("2"), json!({ "name": "A. Person" })));
    let closing = world.log.closing(one.exchange()).await;
    let fields: Vec<_> = closing.withheld.iter().map(|one| (one.field.as_str(), one.count)).collect();
    assert_eq!((closing.trimmed, fields), (2, vec![("/iin", 1), ("/phone", 1)]));
    for _ in 0..2 {
        let several = world.consumer.asks(&people::post(QUERIES, &json!({ "iins": [IIN] }))).await;
        assert_eq!(several.header("kelisim-withheld"), Some("3"));
        world.log.closing(several.exchange()).await;
    }
    assert!(world.metrics().await.contains("kelisim_fields_withheld_total 8"));

    let agency = world.program(&world.agency);
    let told = within("the index to reach the last closing", async {
        loop {
            let told = agency.get("/v1/withheld-fields?provider=address-register").await.json();
            if told["exchanges"] == 3 {
                return told;
            }
            tokio::time::sleep(PAUSE).await;
        }
    })
    .await;
    let shown = |told: &Value| -> Vec<(String, u64, u64)> {
        let fields = told["fields"].as_array().unwrap().iter();
        fields
            .map(|one| {
                let field =
                    format!("{} {}", one["operation"].as_str().unwrap(), one["field"].as_str().unwrap());
                (field, one["exchanges"].as_u64().unwrap(), one["count"].as_u64().unwrap())
            })
            .collect()
    };
    let expected = [
        ("ask /people/*/*", 2, 2),
        ("ask /people/*/iin", 2, 2),
        ("ask /people/*/phone", 2, 2),
        ("one /iin", 1, 1),
        ("one /phone", 1, 1),
    ];
    let expected = expected.map(|(field, exchanges, count)| (field.to_owned(), exchanges, count));
    assert_eq!(shown(&told), expected);
    let found = agency.get("/v1/exchanges?withheld=%2Fphone").await.json();
    assert_eq!(found["items"][0]["entry"]["exchange"], one.exchange().to_string());
    let integrator = world.program(&world.integrator);
    assert_eq!(integrator.get("/v1/withheld-fields").await.outcome(), "403 not-in-role");
    world.stop();

    let dir = world.path().to_str().unwrap().to_owned();
    let (status, said) = kelisim(&["log", "withheld", "--agreement", "people", "--json", "--dir", &dir]);
    assert_eq!(status.code(), Some(0), "{said}");
    assert_eq!(shown(&serde_json::from_str(&said).unwrap()), expected);
    let (_, said) = kelisim(&["log", "withheld", "--provider", "portal", "--dir", &dir]);
    assert!(said.contains("nobody sent more than agreed"), "{said}");
    assert!(
        !world.log.entries().iter().any(|entry| entry.line.contains("1990")),
        "names may be personal data"
    );
}

/// B7, B4: the agreement says so, and it is under the signatures.
#[tokio::test]
async fn an_agreement_may_have_a_response_refused_that_holds_more_than_it_names() {
    let world = agreed_with(|text| text["data"][0]["excess"] = "refuse".into()).start().await;
    world.provider.replies(Reply::Json(200, json!({ "name": "A. Person" })));
    assert_eq!(world.consumer.asks(&people::get(PERSON)).await.status, 200);
    world.provider.replies(Reply::Json(200, person_record(IIN)));
    let answer = world.consumer.asks(&people::get(PERSON)).await;
    assert_eq!(answer.refusal(), Some("response-exceeds"), "{answer}");
    assert!(!answer.to_string().contains("A. Person"), "{answer}");
    let closing = world.log.closing(answer.exchange()).await;
    let fields: Vec<_> = closing.withheld.iter().map(|one| one.field.as_str()).collect();
    assert_eq!((closing.outcome, fields), (Outcome::ResponseRefused, vec!["/iin", "/phone"]));
    // An error of the provider's own is none of the data type's answers.
    world.provider.replies(Reply::Json(404, json!({ "why": "nobody of that name" })));
    assert_eq!(world.consumer.asks(&people::get(PERSON)).await.refusal(), None);
}

/// B7: what has no place in the released form is not looked at, however the provider writes it.
#[tokio::test]
async fn a_provider_that_adds_fields_changes_nothing_for_its_consumers() {
    let world: World = agreed().start().await;
    let mut record = person_record(IIN);
    let before = {
        world.provider.replies(Reply::Json(200, record.clone()));
        world.consumer.asks(&people::get(PERSON)).await.body
    };
    record["new"] = json!({ "deep": [1, { "name": "C. Person" }] });
    world.provider.replies(Reply::Json(200, record));
    assert_eq!(world.consumer.asks(&people::get(PERSON)).await.body, before);
}

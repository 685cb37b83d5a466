//! New versions of data types, and agreements that were signed on old ones.

use agreements::{Command, DataType};
use serde_json::{Value, json};
use tests::world::sample::people::{IIN, PERSON, people, person_record};
use tests::world::{Ask, Reply};

use super::agreed;

/// C3, B4: a new version says whether it admits more or less, and changes nothing for who signed on the old one.
#[tokio::test]
async fn running_agreements_keep_the_version_that_they_were_signed_on() {
    let world = agreed().start().await;
    let mut second = serde_json::to_value(people()).unwrap();
    second["version"] = 2.into();
    second["operations"][0]["response"]["schema"]["properties"]["name"]["maxLength"] = 3.into();
    let data_type: DataType = serde_json::from_value(second.clone()).unwrap();
    world.agency.orders(Command::PublishDataType { data_type }).await;

    world.provider.replies(Reply::Json(200, person_record(IIN)));
    let answer = world.consumer.asks(&Ask::get(PERSON)).await;
    assert_eq!(answer.status, 200, "by version 1 the name may be longer: {answer}");
    assert_eq!(world.log.opening(answer.exchange()).unwrap().data_type_version, "1");

    let clerk = world.program(&world.ministry);
    let diff = "/v1/data-types/address-register/people/diff";
    let told = clerk.get(diff).await.json();
    let field = "operations.one.response.schema";
    let point = json!({ "field": field, "change": "narrower", "before": "", "after": "" });
    assert_eq!(told, json!({ "change": "narrower", "points": [point] }));
    assert_eq!(clerk.get(&format!("{diff}?from=2&to=1")).await.json()["change"], "wider");
    assert_eq!(clerk.get(&format!("{diff}?from=1&to=1")).await.json()["points"], Value::Array(vec![]));
    assert_eq!(clerk.get(&format!("{diff}?to=3")).await.outcome(), "404 not-found");
}

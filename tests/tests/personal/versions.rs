//! New versions of data types, and agreements that were signed on old ones.

use agreements::{Command, DataType};
use serde_json::{Value, json};
use tests::world::sample::people::{self, IIN, PERSON, people, person_record};
use tests::world::{Reply, kelisim};

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
    let answer = world.consumer.asks(&people::get(PERSON)).await;
    assert_eq!(answer.status, 200, "by version 1 the name may be longer: {answer}");
    assert_eq!(world.log.opening(answer.exchange()).unwrap().data_type_version, "1");

    let file = world.path().join("people.json");
    second["operations"][0]["response"]["schema"]["properties"]["name"]["maxLength"] = 4.into();
    std::fs::write(&file, second.to_string()).unwrap();
    let (dir, file) = (world.path().to_str().unwrap(), file.to_str().unwrap());
    let [first, second] = [1, 2].map(|version| format!("address-register/people@{version}"));
    for (old, new, exit, change) in [
        (&*first, &*second, 0, "narrower"),
        (&*second, &*first, 1, "wider"),
        (&*second, file, 1, "wider"),
        (&*first, &*first, 0, "same"),
    ] {
        let (status, said) = kelisim(&["data-type", "diff", old, new, "--json", "--dir", dir]);
        let told: Value = serde_json::from_str(&said).unwrap();
        assert_eq!((status.code(), told["change"].as_str()), (Some(exit), Some(change)), "{old} {new}");
    }
    let (status, _) = kelisim(&["data-type", "diff", &first, "address-register/people@9", "--dir", dir]);
    assert_eq!(status.code(), Some(3), "neither a version nor a file");

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

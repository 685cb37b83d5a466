//! Refusals for the sake of the persons whom data is about.

use tests::world::sample::people::{
    self, IIN, OTHER_IIN, PERSON, QUERIES, UNIT, people, people_agreement, person_record,
};

use super::*;

fn people_with(change: impl FnOnce(&mut Value)) -> Plan {
    let people_agreed = |text: &mut Value| {
        *text = people_agreement();
        change(text);
    };
    let plan = World::consumer_and_provider().publishing(people());
    plan.agreement_with("address-lookup", people_agreed).official(people::OFFICIAL)
}

/// Provokes one of them.
pub(super) async fn of_persons(code: &str) -> Scene {
    let answered = async |plan: Plan, ask: Ask, record: Value| {
        let world = plan.start().await;
        world.provider.replies(Reply::Json(200, record));
        asked_here(world, ask).await
    };
    match code {
        "request-subject" => {
            asked(people_with(|_| {}), people::post(QUERIES, &json!({ "iins": ["7"] }))).await
        }
        "response-subject" => {
            let nobody = json!({ "people": [{ "name": "A. Person" }] });
            answered(people_with(|_| {}), people::get(UNIT), nobody).await
        }
        "request-exceeds" => {
            let plan = people_with(|text| {
                text["data"][0]["request_fields"] = json!(["/iins"]);
                text["data"][0]["request_excess"] = "refuse".into();
            });
            asked(plan, people::post(QUERIES, &json!({ "iins": [IIN], "of": {} }))).await
        }
        "response-exceeds" => {
            let plan = people_with(|text| text["data"][0]["excess"] = "refuse".into());
            answered(plan, people::get(PERSON), person_record(IIN)).await
        }
        code if code.starts_with("consent-") => of_consents(code).await,
        other => panic!("no scene for {other}: a new refusal needs one"),
    }
}

/// A consent that is wrong in one way.
async fn of_consents(code: &str) -> Scene {
    let plan = people_with(|text| {
        text["data"][0]["operations"] = json!(["one"]);
        text["personal_data"]["consent"] = json!({ "issuers": ["consent-service"] });
    });
    let world = plan.system("consent-service").start().await;
    world.provider.replies(Reply::Json(200, person_record(IIN)));
    let (issued, identity) = world.head(sample::MINISTRY);
    if code != "consent-issuer-unknown" {
        world.bind(&sample::system("consent-service"), &issued).await;
    }
    let now = clock::now().as_second();
    let mut said = json!({
        "iss": "consent-service", "sub": IIN, "aud": "gateway.example/log", "azp": PORTAL,
        "data_type": "address-register/people", "iat": now, "exp": now + 300,
        "jti": "019c1f6e-7d5a-7b3c-9a53-0b6f2f3f3a10",
    });
    match code {
        "consent-other-gateway" => said["aud"] = "other.example/log".into(),
        "consent-other-consumer" => said["azp"] = REGISTER.into(),
        "consent-other-data-type" => said["data_type"] = "address-register/address".into(),
        "consent-wrong-subject" => said["sub"] = OTHER_IIN.into(),
        "consent-expired" => said["exp"] = (now - 1).into(),
        _ => {}
    }
    let signer = sign::Signer::new(identity);
    let mut token = signer.token(said.to_string().as_bytes()).unwrap();
    match code {
        "consent-malformed" => token = "not.a.token".into(),
        "consent-unproven" => {
            let other = signer.token(b"{}").unwrap();
            let (signed, _) = token.rsplit_once('.').unwrap();
            token = format!("{signed}.{}", other.rsplit_once('.').unwrap().1);
        }
        _ => {}
    }
    let mut ask = people::get(PERSON);
    if code != "consent-missing" {
        ask = ask.header("Kelisim-Consent", &token);
    }
    if code == "consent-used" {
        assert_eq!(world.consumer.asks(&ask).await.status, 200);
    }
    asked_here(world, ask).await
}

//! Consent: a token that a person gave for this once (B7).

use agreements::{Command, SystemId};
use certs::authority::IssuedPem;
use certs::sign::Signer;
use serde_json::{Value, json};
use tests::world::sample::people::{self, IIN, OTHER_IIN, PERSON, QUERIES, person_record};
use tests::world::sample::{self, MINISTRY, PORTAL};
use tests::world::wait::{PAUSE, within};
use tests::world::{Answer, Plan, Reply, World};
use uuid::Uuid;

use super::agreed_with;

/// The system that gives consents out: registered, with a certificate that signs bound to it.
const ISSUER: &str = "consent-service";

fn plan() -> Plan {
    agreed_with(|text| {
        text["data"][0]["operations"] = json!(["one", "find", "ask"]);
        text["personal_data"]["consent"] = json!({ "issuers": [ISSUER] });
    })
    .system(ISSUER)
}

fn issued(world: &World) -> (IssuedPem, Signer) {
    let (issued, identity) = world.head(MINISTRY);
    (issued, Signer::new(identity))
}

/// The issuer of a world, its certificate bound.
async fn issuer(world: &World) -> Signer {
    bound(world).await.1
}

/// The same with its certificate.
async fn bound(world: &World) -> (IssuedPem, Signer) {
    let (issued, signer) = issued(world);
    let certificate = sample::bound(&issued);
    let system = SystemId::new(ISSUER).unwrap();
    world.administrator.orders(Command::BindCertificate { system, certificate }).await;
    (issued, signer)
}

/// What a good consent says.
fn said() -> Value {
    let now = gateway::clock::now().as_second();
    json!({
        "iss": ISSUER, "sub": IIN, "aud": "gateway.example/log", "azp": PORTAL,
        "data_type": "address-register/people", "iat": now, "exp": now + 300, "jti": Uuid::now_v7(),
    })
}

fn signed(signer: &Signer, said: &Value) -> String {
    signer.token(said.to_string().as_bytes()).unwrap()
}

async fn asks(world: &World, token: &str) -> Answer {
    world.consumer.asks(&people::get(PERSON).header("Kelisim-Consent", token)).await
}

async fn started() -> World {
    let world = plan().start().await;
    world.provider.replies(Reply::Json(200, person_record(IIN)));
    world
}

/// B7
#[tokio::test]
async fn a_call_passes_with_a_consent_once_and_its_entry_names_it() {
    let mut world = started().await;
    let signer = issuer(&world).await;
    assert_eq!(world.consumer.asks(&people::get(PERSON)).await.refusal(), Some("consent-missing"));
    let consent = said();
    let token = signed(&signer, &consent);
    let first = asks(&world, &token).await;
    assert_eq!(first.status, 200, "{first}");
    let opening = world.log.opening(first.exchange()).unwrap();
    assert_eq!(opening.consent.unwrap().to_string(), consent["jti"].as_str().unwrap());
    let forwarded = world.provider.until_seen(1).await;
    assert_eq!(forwarded[0].header("kelisim-consent"), None, "the token is for the gateway alone");
    assert_eq!(asks(&world, &token).await.refusal(), Some("consent-used"));
    // A new token of the same number is the same consent.
    assert_eq!(asks(&world, &signed(&signer, &consent)).await.refusal(), Some("consent-used"));

    world.start_again();
    assert_eq!(asks(&world, &token).await.refusal(), Some("consent-used"), "the record remembers");
    assert_eq!(asks(&world, &signed(&signer, &said())).await.status, 200);
    assert_eq!(world.provider.seen().len(), 2);
    let record: String = world.log.entries().iter().map(|entry| entry.line.clone()).collect();
    assert!(!record.contains(IIN));
}

/// B7: exactly once, also by those who come at once, over both ways to speak and on all runtimes.
#[tokio::test]
async fn of_many_calls_with_one_consent_at_once_one_is_forwarded() {
    let world = plan().configure(|config| config.exchange.runtimes = 2).start().await;
    world.provider.replies(Reply::Json(200, person_record(IIN)));
    let signer = issuer(&world).await;
    for _ in 0..3 {
        let token = signed(&signer, &said());
        let before = world.provider.seen().len();
        let ask = people::get(PERSON).header("Kelisim-Consent", &token);
        let mut all = tokio::task::JoinSet::new();
        for _ in 0..12 {
            let consumer = world.consumer.with(world.consumer.identity().clone());
            let ask = ask.clone();
            all.spawn(async move { consumer.asks(&ask).await });
        }
        let answers = all.join_all().await;
        let passed = answers.iter().filter(|answer| answer.status == 200).count();
        let used = answers.iter().filter(|answer| answer.refusal() == Some("consent-used")).count();
        assert_eq!((passed, used), (1, 11));
        assert_eq!(world.provider.seen().len(), before + 1);
    }
}

/// B7: whatever of it does not fit is refused by name, before anything is forwarded, and the consent stays good.
#[tokio::test]
async fn a_consent_that_is_not_to_this_call_is_refused_and_not_spent() {
    let world = started().await;
    let signer = issuer(&world).await;
    let now = gateway::clock::now().as_second();
    let good = said();
    for (member, value, code) in [
        ("iss", json!("address-register"), "consent-issuer-unknown"),
        ("iss", json!(PORTAL), "consent-issuer-unknown"),
        ("aud", json!("other.example/log"), "consent-other-gateway"),
        ("azp", json!("address-register"), "consent-other-consumer"),
        ("data_type", json!("address-register/address"), "consent-other-data-type"),
        ("data_type", json!("people"), "consent-other-data-type"),
        ("sub", json!(OTHER_IIN), "consent-wrong-subject"),
        ("sub", json!(""), "consent-wrong-subject"),
        ("exp", json!(now - 1), "consent-expired"),
        ("exp", json!(now + 3_600), "consent-expired"),
        ("iat", json!(now + 200), "consent-expired"),
        ("nbf", json!(now + 200), "consent-expired"),
        ("jti", json!("7"), "consent-malformed"),
        ("exp", json!("tomorrow"), "consent-malformed"),
        ("only_if", json!("it rains"), "consent-malformed"),
    ] {
        let mut other = good.clone();
        other[member] = value.clone();
        let answer = asks(&world, &signed(&signer, &other)).await;
        assert_eq!(answer.refusal(), Some(code), "{member} {value}: {answer}");
    }
    let several = people::post(QUERIES, &json!({ "iins": [IIN, OTHER_IIN] }));
    let several = world.consumer.asks(&several.header("Kelisim-Consent", &signed(&signer, &good))).await;
    assert_eq!(several.refusal(), Some("consent-wrong-subject"), "one person consents for oneself");
    assert_eq!(world.provider.seen().len(), 0);
    assert_eq!(asks(&world, &signed(&signer, &good)).await.status, 200);
}

/// B7, A6: the token is what its issuer signed, by a certificate that counts and is the issuer's.
#[tokio::test]
async fn a_consent_that_its_issuer_did_not_sign_is_refused() {
    let world = started().await;
    let (issued, signer) = bound(&world).await;
    let token = signed(&signer, &said());
    let pieces: Vec<&str> = token.split('.').collect();
    let elsewhere = signed(&signer, &said());
    let others: Vec<&str> = elsewhere.split('.').collect();
    for (token, code) in [
        ("7".to_owned(), "consent-malformed"),
        (format!("{}.{}", pieces[0], pieces[1]), "consent-malformed"),
        (format!("{token}.x"), "consent-malformed"),
        (format!("{}.{}.!", pieces[0], pieces[1]), "consent-malformed"),
        // {"alg":"none","x5c":[]}
        (format!("eyJhbGciOiJub25lIiwieDVjIjpbXX0.{}.", pieces[1]), "consent-malformed"),
        // {"alg":"ES256","x5c":[]}
        (format!("eyJhbGciOiJFUzI1NiIsIng1YyI6W119.{}.{}", pieces[1], pieces[2]), "consent-unproven"),
        (format!("{}.{}.{}", pieces[0], others[1], pieces[2]), "consent-unproven"),
        (format!("{}.{}.{}", pieces[0], pieces[1], others[2]), "consent-unproven"),
        (format!("{}.{}.", pieces[0], pieces[1]), "consent-unproven"),
    ] {
        let answer = asks(&world, &token).await;
        assert_eq!(answer.refusal(), Some(code), "{token}: {answer}");
    }
    // Somebody else's certificate, good in itself; then the issuer's own, revoked.
    let (_, stranger) = self::issued(&world);
    assert_eq!(asks(&world, &signed(&stranger, &said())).await.refusal(), Some("consent-issuer-unknown"));
    let issuer = SystemId::new(ISSUER).unwrap();
    world.integrator.orders(Command::SuspendSystem { system: issuer.clone() }).await;
    assert_eq!(asks(&world, &token).await.refusal(), Some("consent-issuer-unknown"));
    world.integrator.orders(Command::ResumeSystem { system: issuer }).await;
    assert_eq!(world.provider.seen().len(), 0);
    assert_eq!(asks(&world, &token).await.status, 200);
    world.authority.revoke(&issued.serial, gateway::clock::now()).unwrap();
    within("the revocation to act", async {
        while asks(&world, &signed(&signer, &said())).await.refusal() != Some("consent-unproven") {
            tokio::time::sleep(PAUSE).await;
        }
    })
    .await;
}

/// B7, C8: a repeat gets the first answer, for which the consent was given; nobody is asked, and nothing is spent.
#[tokio::test]
async fn a_repeat_under_an_idempotency_key_gets_the_answer_that_its_consent_was_given_for() {
    let world = started().await;
    world.provider.replies(Reply::Json(200, json!({ "people": [person_record(IIN)] })));
    let signer = issuer(&world).await;
    let token = signed(&signer, &said());
    let ask = |key: &str, token: &str| {
        let ask = people::post(QUERIES, &json!({ "iins": [IIN] })).header("Kelisim-Consent", token);
        ask.header("Idempotency-Key", &format!("\"{key}\""))
    };
    let first = world.consumer.asks(&ask("k-1", &token)).await;
    assert_eq!(first.status, 200, "{first}");
    let again = world.consumer.asks(&ask("k-1", &token)).await;
    assert_eq!((again.status, &again.body), (200, &first.body));
    assert_eq!(again.header("kelisim-first-exchange"), Some(first.exchange().to_string().as_str()));
    assert_eq!(world.log.opening(again.exchange()).unwrap().consent, None, "it was the first's");
    assert_eq!(world.consumer.asks(&ask("k-2", &token)).await.refusal(), Some("consent-used"));
    let other = signed(&signer, &said());
    assert_eq!(world.consumer.asks(&ask("k-2", &other)).await.status, 200, "a refused call keeps no key");
    assert_eq!(world.provider.seen().len(), 2);
}

//! Who used my data: the feed that portals ask in a person's name (D4).

use certs::authority::IssuedPem;
use gateway::config::Config;
use serde_json::{Value, json};
use tests::world::sample::people::{self, IIN, OTHER_IIN, PERSON, UNIT, person_record};
use tests::world::sample::{MINISTRY, PORTAL, REGISTER};
use tests::world::wait::{PAUSE, within};
use tests::world::{Ask, Clerk, Reply, World, sample};

use super::agreed_with;

fn portal_may_ask(config: &mut Config) {
    config.usage.portals = vec![sample::system(PORTAL)];
    config.usage.hidden_purposes = vec!["investigation".parse().unwrap()];
}

/// A world with a portal that may ask, and that portal's certificate.
async fn asked() -> (World, IssuedPem) {
    let plan = agreed_with(|text| {
        text["purposes"] = json!([
            { "code": "delivery", "text": "Delivery of answers", "collection_purpose": "civil-service" },
            { "code": "investigation", "text": "Of a crime", "collection_purpose": "civil-service" },
        ]);
    });
    let world = plan.configure(portal_may_ask).start().await;
    world.provider.replies(Reply::Json(200, person_record(IIN)));
    let (issued, _) = world.certificate(PORTAL);
    world.bind(&sample::system(PORTAL), &issued).await;
    (world, issued)
}

pub(crate) async fn until_used(portal: &Clerk, iin: &str, times: u64) -> Value {
    let path = format!("/v2/findUsage?userCode={iin}");
    within("the index to reach the last exchange", async {
        loop {
            let told = portal.get(&path).await;
            assert_eq!(told.outcome(), "200");
            let told = told.json();
            if told["totalUsages"] == times {
                return told;
            }
            tokio::time::sleep(PAUSE).await;
        }
    })
    .await
}

/// D4: by whom, when and what for; a portal's look is on record like any other.
#[tokio::test]
async fn a_person_learns_through_a_portal_who_used_their_data_and_what_for() {
    let (world, issued) = asked().await;
    let portal = world.clerk_with(Some(&issued));
    let delivery = |ask: Ask| ask.header("Kelisim-Purpose", "delivery");
    let first = world.consumer.asks(&delivery(people::get(PERSON))).await;
    assert_eq!(first.status, 200, "{first}");
    let secret = world.consumer.asks(&people::get(PERSON).header("Kelisim-Purpose", "investigation")).await;
    assert_eq!(secret.status, 200, "{secret}");
    world
        .provider
        .replies(Reply::Json(200, json!({ "people": [person_record(OTHER_IIN), person_record(IIN)] })));
    let second = world.consumer.asks(&delivery(people::get(UNIT))).await;
    assert_eq!(second.status, 200, "{second}");
    world.log.closing(second.exchange()).await;

    let told = until_used(&portal, IIN, 2).await;
    let usages = told["usages"].as_array().unwrap();
    let logged = world.log.opening(second.exchange()).unwrap().at;
    assert_eq!(
        usages[0],
        json!({
            "logtime": logged, "action": "Delivery of answers", "receiverCode": MINISTRY,
            "receiverName": "Ministry", "receiverSystem": PORTAL,
        })
    );
    let until = |name: &str| format!("/v2/findUsage?userCode={IIN}&{name}");
    let count = async |query: &str| {
        let told = portal.get(&until(query)).await.json();
        (told["totalUsages"].as_u64().unwrap(), told["usages"].as_array().unwrap().len())
    };
    assert_eq!(count("offset=1").await, (2, 1));
    assert_eq!(count("offset=5").await, (2, 0));
    assert_eq!(count("limit=1").await, (2, 1));
    assert_eq!(count("limit=0").await, (2, 0));
    assert_eq!(count("periodStart=2026-01-01&periodEnd=2999-12-31").await, (2, 2));
    assert_eq!(count("periodEnd=2026-01-01").await, (0, 0));
    assert_eq!(count(&format!("periodStart={logged}")).await, (1, 1));
    assert_eq!(until_used(&portal, OTHER_IIN, 1).await["usages"][0]["receiverSystem"], PORTAL);

    let journal = std::fs::read_to_string(world.config.path(&world.config.log.searches)).unwrap();
    assert!(journal.contains("api:system=portal") && journal.contains("findUsage"), "{journal}");
    assert!(!journal.contains(IIN) && !journal.contains(OTHER_IIN), "as hashes only");
}

/// D4, A1: nobody else asks, whatever certificate or token they show.
#[tokio::test]
async fn the_feed_is_told_to_registered_portals_in_good_standing_only() {
    let (world, issued) = asked().await;
    let path = format!("/v2/findUsage?userCode={IIN}");
    assert_eq!(world.clerk().get(&path).await.outcome(), "401 unauthenticated");
    assert_eq!(world.program(&world.regulator).get(&path).await.outcome(), "401 unauthenticated");
    let (register, _) = world.certificate(REGISTER);
    assert_eq!(
        world.clerk_with(Some(&register)).get(&path).await.outcome(),
        "403 not-a-portal",
        "bound to nobody"
    );
    world.bind(&sample::system(REGISTER), &register).await;
    assert_eq!(world.clerk_with(Some(&register)).get(&path).await.outcome(), "403 not-a-portal");
    let portal = world.clerk_with(Some(&issued));
    assert_eq!(portal.get(&path).await.outcome(), "200");
    assert_eq!(
        portal.get("/v1/exchanges").await.outcome(),
        "401 certificate-not-bound",
        "a portal is no operator"
    );
    let suspend = agreements::Command::SuspendSystem { system: sample::system(PORTAL) };
    world.integrator.orders(suspend).await;
    assert_eq!(portal.get(&path).await.outcome(), "403 not-a-portal");
}

/// D4: what is asked wrongly is refused, and no number is repeated that may be somebody's.
#[tokio::test]
async fn a_question_that_names_nobody_or_no_period_is_refused() {
    let (world, issued) = asked().await;
    let portal = world.clerk_with(Some(&issued));
    for query in [
        "",
        "userCode=",
        "userCode=860101300123",
        "userCode=EE39901010011",
        &format!("userCode={IIN}&periodStart=yesterday"),
        &format!("userCode={IIN}&periodEnd=2026-02-30"),
        &format!("userCode={IIN}&periodStart=2026-02-02&periodEnd=2026-02-01"),
        &format!("userCode={IIN}&periodStart=2026-02-02T00:00:00Z&periodEnd=2026-02-02T00:00:00Z"),
        &format!("userCode={IIN}&limit=1001"),
        &format!("userCode={IIN}&limit=-1"),
        &format!("userCode={IIN}&offset=x"),
        &format!("userCode={IIN}&userCode={OTHER_IIN}"),
        &format!("userCode={IIN}&purpose=delivery"),
    ] {
        let told = portal.get(&format!("/v2/findUsage?{query}")).await;
        assert_eq!(told.outcome(), "400 parameter-malformed", "{query}");
        assert!(!String::from_utf8_lossy(&told.body).contains("860101300123"), "{query}");
    }
}

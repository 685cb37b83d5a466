//! Every refusal there is, provoked over a real socket: what the caller gets is what the record says (C2, C8, D1).
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

#[path = "refusals/by_process.rs"]
mod by_process;
#[path = "refusals/personal.rs"]
mod personal;
#[path = "refusals/scene.rs"]
mod scene;

use std::pin::Pin;

use agreements::refusal::rows as rules;
use agreements::{
    Act, AgreementNumber, Category, CheckOutcome, Command, Conformity, DataTypeId, Event, Fingerprint,
    NamedOperation, OperationId, Order, Phase, PrescriptionNumber, PrescriptionText, Side, Signature,
    SystemId, Target, Words, checked_alike,
};
use by_process::of_process;
use certs::authority::Authority;
use certs::sign;
use certs::tls::Identity;
use gateway::clock;
use gateway::exchange::rows as process;
use jiff::{SignedDuration, ToSpan};
use scene::Scene;
use serde_json::{Value, json};
use tests::world::sample::{self, ADDRESSES, LOOKUP, PORTAL, REGISTER};
use tests::world::wait::within;
use tests::world::{Ask, Hold, Line, Plan, Reach, Relay, Reply, World};

/// Codes that no call gets, with the reason; a line that is wrong fails.
const NEVER_MADE: &[(&str, &str)] = &[
    ("log-full", "takes a disk of its own: tests/tests/disk_full.rs"),
    ("clock-untrusted", "takes sources of time: tests/tests/clocks.rs"),
];

/// Rows whose answers bear a more exact code of their family.
const FAMILIES: &[(&str, &str)] = &[
    ("request-malformed", "host-repeated"),
    ("request-unreadable", "target-ambiguous"),
    ("request-document", "document-format"),
    ("response-document", "document-format"),
    ("request-signature", "message-unsigned"),
    ("response-signature", "message-unsigned"),
];

/// Codes whose answers name no entry, with the reason.
const UNRECORDED: &[(&str, &str)] = &[("log-unavailable", "there is nothing to write it to")];

/// A1-A9, B1-B10, C2: the rules.
#[tokio::test]
async fn every_refusal_of_the_rules_reaches_caller_and_record_alike_and_is_explained_by_the_same_code() {
    for row in rules::ALL {
        let scene = within(row.code, Box::pin(rule(row.code))).await;
        scene.shows(row, row.code).await;
        assert_eq!(scene.explained(), row.code, "explained otherwise");
        assert!(!scene.was_forwarded(), "{}: forwarded all the same", row.code);
    }
}

/// C2, C8: what the process adds.
#[tokio::test]
async fn every_refusal_of_the_process_reaches_caller_and_record_alike() {
    for row in process::ALL {
        if NEVER_MADE.iter().any(|(code, _)| *code == row.code) {
            continue;
        }
        let code = FAMILIES.iter().find(|(family, _)| *family == row.code).map_or(row.code, |(_, code)| code);
        let scene = within(row.code, Box::pin(of_process(row.code))).await;
        scene.shows(row, code).await;
    }
}

#[test]
fn lists_of_exceptions_name_only_codes_that_exist() {
    let lists = NEVER_MADE.iter().chain(FAMILIES).chain(UNRECORDED);
    for (code, reason) in lists {
        assert!(process::ALL.iter().any(|row| row.code == *code), "{code} is stale");
        assert!(!reason.is_empty());
    }
}

/// Provokes a refusal of the rules.
async fn rule(code: &str) -> Scene {
    match code {
        "certificate-not-registered" => {
            let world = agreed().start().await;
            let (_, identity) = world.certificate("stranger");
            asked_by(world, &identity, lookup()).await
        }
        "system-suspended" => after(Who::Integrator, Command::SuspendSystem { system: portal() }).await,
        "system-decommissioned" => {
            after(Who::Integrator, Command::DecommissionSystem { system: register() }).await
        }
        "wrong-environment" => asked(agreed().consumer(|card| card.phase = Phase::Trial), lookup()).await,
        "network-not-registered" => {
            let networks = Some(vec!["10.0.0.0/8".parse().unwrap()]);
            after(Who::Integrator, Command::UpdateSystem { system: portal(), networks, endpoint: None }).await
        }
        "attestation-missing" => newcomer(None, None).await,
        "attestation-ended" => {
            let conformity = ended();
            after(Who::Integrator, Command::RecordAttestation { system: register(), conformity }).await
        }
        "attestation-suspended" => {
            let paper = agreements::Paper::Attestation;
            after(Who::Regulator, Command::SuspendPaper { system: portal(), paper }).await
        }
        "attestation-withdrawn" => {
            after(Who::Regulator, Command::WithdrawAttestation { system: portal() }).await
        }
        "quality-certificate-missing" => newcomer(Some(valid()), None).await,
        "quality-certificate-ended" => {
            let conformity = ended();
            after(Who::Integrator, Command::RecordQualityCertificate { system: portal(), conformity }).await
        }
        "quality-certificate-suspended" => {
            let paper = agreements::Paper::QualityCertificate;
            after(Who::Regulator, Command::SuspendPaper { system: register(), paper }).await
        }
        "quality-certificate-withdrawn" => {
            after(Who::Regulator, Command::WithdrawQualityCertificate { system: register() }).await
        }
        "provider-unknown" => asked(agreed(), Ask::get("/nobody/address/addresses/7")).await,
        "provider-without-endpoint" => asked(agreed().provider(|card| card.endpoint = None), lookup()).await,
        "no-agreement" => asked(World::consumer_and_provider(), lookup()).await,
        "agreement-not-concurred" => {
            let plan = World::consumer_and_provider();
            asked(plan.agreement_that_is(Reach::Submitted, "address-lookup", |_| {}), lookup()).await
        }
        "agreement-unproven" => concurrence_forged().await,
        "agreement-suspended" => {
            after(Who::Regulator, Command::SuspendAgreement { number: number(), version: 1 }).await
        }
        "agreement-terminated" => {
            after(Who::Regulator, Command::TerminateAgreement { number: number(), version: 1 }).await
        }
        "agreement-not-yet-in-force" => changed("/access_period/from", json!("2099-01-01"), lookup()).await,
        "agreement-expired" => {
            let plan = World::consumer_and_provider().agreement_with("address-lookup", |text| {
                text["access_period"] = json!({ "from": "2026-03-02", "until": "2026-03-03" });
            });
            asked(plan, lookup()).await
        }
        "outside-access-hours" => {
            let local = clock::now().to_zoned(agreements::almaty()).time();
            let hours =
                json!({ "from": local.wrapping_add(2.hours()), "until": local.wrapping_add(3.hours()) });
            changed("/access_period/hours", hours, lookup()).await
        }
        "prescription-suspends" => prescribed(Order::Suspend).await,
        "prescription-overdue" => prescribed(Order::CorrectBy(sample::date("2026-01-01"))).await,
        "prescription-limits" => {
            let operation = NamedOperation {
                provider: register(),
                data_type: DataTypeId::new("address").unwrap(),
                operation: OperationId::new("search").unwrap(),
            };
            prescribed(Order::LimitTo(vec![operation])).await
        }
        "basis-lapsed" => {
            let Act { id: act, version, .. } = sample::act();
            let (last_day, agreements_until) = (sample::date("2026-01-01"), Some(sample::date("2026-01-02")));
            let successor = None;
            let repeal = Command::RepealAct { act, version, last_day, successor, agreements_until };
            after(Who::Regulator, repeal).await
        }
        "users-unproven" => users_forged().await,
        "readiness-missing" => {
            let plan = World::consumer_and_provider();
            asked(plan.agreement_that_is(Reach::Concurred, "address-lookup", |_| {}), lookup()).await
        }
        "readiness-failed" => {
            let world = agreed().start().await;
            let command = world.regulator.registry().with(|office| {
                checked_alike(office.registry(), &number(), 1, CheckOutcome::Failed, "no answer").unwrap()
            });
            world.integrator.orders(command).await;
            asked_here(world, lookup()).await
        }
        "readiness-outdated" => {
            let networks = Some(vec!["127.0.0.0/16".parse().unwrap()]);
            after(Who::Integrator, Command::UpdateSystem { system: portal(), networks, endpoint: None }).await
        }
        "readiness-stale" => checked_long_ago().await,
        "data-type-not-agreed" => asked(agreed(), person()).await,
        "operation-unknown" => asked(agreed(), Ask::get("/address-register/address/streets")).await,
        "operation-not-agreed" => asked(agreed(), Ask::get("/address-register/address/export")).await,
        "parameter-not-declared" => asked(agreed(), Ask::get(&format!("{LOOKUP}?all=1"))).await,
        "parameter-missing" => asked(agreed(), Ask::get(ADDRESSES)).await,
        "state-secret" => categorised(Category::StateSecret).await,
        "category-raised" => categorised(Category::Confidential).await,
        "official-use-not-allowed" => {
            let plan = World::consumer_and_provider().agreement_with("address-lookup", |text| {
                text["protection"]["category"] = "official-use".into();
            });
            categorised_in(plan, Category::OfficialUse).await
        }
        "purpose-missing" => {
            let purposes =
                json!([{ "code": "delivery", "text": "One" }, { "code": "census", "text": "Two" }]);
            changed("/purposes", purposes, lookup()).await
        }
        "purpose-not-agreed" => asked(agreed(), lookup().header("Kelisim-Purpose", "curiosity")).await,
        "collection-purpose-mismatch" => {
            lawless(|text| text["purposes"][0]["collection_purpose"] = json!("advertising")).await
        }
        "collection-purpose-unknown" => personal_since().await,
        "users-not-limited" => lawless(|text| text["protection"]["users"] = json!("any")).await,
        "case-missing" => personal(Ask::get(PERSON).header("Kelisim-User", "a.serik")).await,
        "basis-not-in-force" => {
            let Act { id: act, version, .. } = sample::act();
            let last_day = sample::date("2026-01-01");
            after(
                Who::Regulator,
                Command::RepealAct {
                    act,
                    version,
                    last_day,
                    successor: None,
                    agreements_until: Some(last_day),
                },
            )
            .await
        }
        "user-missing" => personal(Ask::get(PERSON).header("Kelisim-Case", "17")).await,
        "user-not-listed" => {
            personal(Ask::get(PERSON).header("Kelisim-Case", "17").header("Kelisim-User", "somebody")).await
        }
        "user-training-ended" => {
            personal(Ask::get(PERSON).header("Kelisim-Case", "17").header("Kelisim-User", "c.lapsed")).await
        }
        "user-not-trained" => {
            personal(Ask::get(PERSON).header("Kelisim-Case", "17").header("Kelisim-User", "b.untrained"))
                .await
        }
        other => panic!("no scene for {other}: a new refusal needs one"),
    }
}

/// A scene being played. Boxed where it is made: [`rule`] would hold all of them on its stack.
type Scened = Pin<Box<dyn Future<Output = Scene>>>;

#[derive(Clone, Copy)]
enum Who {
    Integrator,
    Regulator,
}

fn agreed() -> Plan {
    World::consumer_and_provider().agreement("address-lookup")
}

fn lookup() -> Ask {
    Ask::get(LOOKUP)
}

const PERSON: &str = "/address-register/person/persons/860101300126";

fn person() -> Ask {
    Ask::get(PERSON).header("Kelisim-Case", "17").header("Kelisim-User", "a.serik")
}

fn half_a_post() -> Vec<u8> {
    let head = format!("POST {ADDRESSES} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n");
    format!("{head}Content-Length: 40\r\n\r\n{{\"code\":").into_bytes()
}

fn asked(plan: Plan, ask: Ask) -> Scened {
    Box::pin(async move { asked_here(plan.start().await, ask).await })
}

fn asked_here(world: World, ask: Ask) -> Scened {
    Box::pin(async move {
        let identity = world.consumer.identity().clone();
        asked_by(world, &identity, ask).await
    })
}

async fn asked_by(world: World, identity: &Identity, ask: Ask) -> Scene {
    let answer = world.consumer.with(identity.clone()).asks(&ask).await;
    Scene { world, certificate: identity.fingerprint(), ask, answer }
}

async fn answered(world: World, mut line: Line) -> Scene {
    let answer = line.answer().await.unwrap();
    let certificate = world.consumer.identity().fingerprint();
    Scene { world, certificate, ask: lookup(), answer }
}

async fn replied(reply: Reply, ask: Ask) -> Scene {
    let world = agreed().start().await;
    world.provider.replies(reply);
    asked_here(world, ask).await
}

fn after(who: Who, command: Command) -> Scened {
    Box::pin(async move {
        let world = agreed().start().await;
        let identity = world.consumer.identity().clone();
        let mut line = busy(&world, &identity).await;
        let desk = match who {
            Who::Integrator => &world.integrator,
            Who::Regulator => &world.regulator,
        };
        desk.orders(command).await;
        // B9: on the connection that was already open.
        let answer = line.ask(&lookup()).await;
        Scene { certificate: identity.fingerprint(), world, ask: lookup(), answer }
    })
}

fn changed(pointer: &str, value: Value, ask: Ask) -> Scened {
    let (parent, member) = pointer.rsplit_once('/').unwrap();
    let plan = World::consumer_and_provider()
        .agreement_with("address-lookup", |text| text.pointer_mut(parent).unwrap()[member] = value);
    asked(plan, ask)
}

/// On an order of the regulator against the consumer.
fn prescribed(order: Order) -> Scened {
    Box::pin(async move {
        let world = agreed().start().await;
        let words = |text: &str| Words::new(text).unwrap();
        let prescription = PrescriptionText {
            prescription: PrescriptionNumber::new("p-1").unwrap(),
            against: Target::System(portal()),
            order,
            reason: words("complaint 4"),
            clause: words("HR 27"),
            appeal: words("to the court"),
        };
        world.regulator.prescribes(prescription).await;
        asked_here(world, lookup()).await
    })
}

/// Somebody who may write the registry's file puts an official on the list that the head had signed.
async fn users_forged() -> Scene {
    let world = World::consumer_and_provider().agreement("person-records").start().await;
    let number = sample::number("person-records");
    world.ministry.approves(&number, vec![]).await;
    let signature = world
        .regulator
        .registry()
        .with(|office| office.registry().user_list(&number).unwrap().signature.clone());
    let users = vec![sample::listed("a.serik", Some("T-1"))];
    world.forge([Event::UsersApproved { number, users, serial: 2, signature }]).await;
    let asked = Ask::get(PERSON).header("Kelisim-Case", "17").header("Kelisim-User", "a.serik");
    asked_here(world, asked).await
}

/// An agreement whose readiness checks hold for a day, and one of two days ago.
async fn checked_long_ago() -> Scene {
    let plan = World::consumer_and_provider();
    let held_for_a_day = |text: &mut Value| text["protection"]["readiness_days"] = json!(1);
    let world = plan.agreement_that_is(Reach::Concurred, "address-lookup", held_for_a_day).start().await;
    let (number, version, revision) = (number(), 1, u64::MAX);
    let found = Event::ReadinessRecorded { number, version, revision, means: None, checks: vec![] };
    world.forge_at(clock::now() - SignedDuration::from_hours(48), [found]).await;
    asked_here(world, lookup()).await
}

fn categorised(category: Category) -> Scened {
    categorised_in(agreed(), category)
}

fn categorised_in(plan: Plan, category: Category) -> Scened {
    Box::pin(async move {
        let world = plan.start().await;
        let data_type = DataTypeId::new("address").unwrap();
        world.agency.orders(Command::Categorise { provider: register(), data_type, category }).await;
        asked_here(world, lookup()).await
    })
}

/// A system that came without its papers.
fn newcomer(attestation: Option<Conformity>, quality: Option<Conformity>) -> Scened {
    Box::pin(async move {
        let world = agreed().start().await;
        let system = sample::system("newcomer");
        let card = sample::card("newcomer", sample::MINISTRY, None);
        world.registrar.issues(Command::RegisterSystem { card, code: Some("code-newcomer".into()) });
        if let Some(conformity) = attestation {
            world.integrator.issues(Command::RecordAttestation { system: system.clone(), conformity });
        }
        if let Some(conformity) = quality {
            world.integrator.issues(Command::RecordQualityCertificate { system: system.clone(), conformity });
        }
        let (issued, identity) = world.certificate("newcomer");
        world.bind(&system, &issued).await;
        asked_by(world, &identity, lookup()).await
    })
}

fn personal(ask: Ask) -> Scened {
    Box::pin(async move {
        let world = World::consumer_and_provider().agreement("person-records").start().await;
        let mut lapsed = sample::listed("c.lapsed", Some("T-2"));
        if let Some(agreements::TrainingCertificate::Recorded(record)) = &mut lapsed.training_certificate {
            record.valid_until = sample::date("2020-12-31");
        }
        let users = vec![sample::listed("a.serik", Some("T-1")), sample::listed("b.untrained", None), lapsed];
        world.ministry.approves(&sample::number("person-records"), users).await;
        asked_here(world, ask).await
    })
}

/// Somebody who may write the registry's file enters a concurrence that the regulator never gave.
async fn concurrence_forged() -> Scene {
    let plan = World::consumer_and_provider();
    let world = plan.agreement_that_is(Reach::Submitted, "address-lookup", |_| {}).start().await;
    let signature = world.regulator.registry().with(|office| {
        let agreement = office.registry().agreement(&number(), 1).unwrap();
        let signature = agreement.signatures[0].clone();
        Signature { side: Side::Regulator, bin: sample::bin(sample::REGULATOR), ..signature }
    });
    let (number, version, remarks) = (number(), 1, vec![]);
    world.forge([Event::AgreementConcurred { number, version, signature, remarks }]).await;
    asked_here(world, lookup()).await
}

/// Data that an earlier build let its holder call personal, without asking what for it was collected.
async fn personal_since() -> Scene {
    let special = |text: &mut Value| text["protection"]["category"] = json!("special");
    let world = World::consumer_and_provider().agreement_with("address-lookup", special).start().await;
    let (provider, data_type) = (register(), DataTypeId::new("address").unwrap());
    let category = Category::Personal;
    world.forge([Event::DataTypeCategorised { provider, data_type, category }]).await;
    asked_here(world, lookup()).await
}

/// An agreement that the rules would not let in, signed by all three with their real keys: as of an earlier build.
async fn lawless(change: impl FnOnce(&mut Value)) -> Scene {
    let world = World::consumer_and_provider().start().await;
    let mut text = sample::agreement("person-records");
    change(&mut text);
    let document = String::from_utf8(sign::canonical(&text).unwrap()).unwrap();
    let signature = |side, desk: &tests::world::Desk| {
        let now = clock::now();
        let jws = desk.signer().sign(document.as_bytes(), side, now).unwrap();
        Signature {
            side,
            certificate: Fingerprint::new([0; 32]),
            bin: desk.actor().holder,
            signer: format!("Head of {}", desk.actor().id),
            signed_at: now,
            jws: serde_json::to_value(jws).unwrap(),
        }
    };
    let (number, version) = (sample::number("person-records"), 1);
    let signed = |side, desk| Event::AgreementSigned {
        number: number.clone(),
        version,
        signature: signature(side, desk),
    };
    let events = [
        Event::AgreementDrafted { document: document.clone() },
        signed(Side::Consumer, &world.ministry),
        signed(Side::Provider, &world.agency),
        Event::AgreementSubmitted { number: number.clone(), version, conformity: vec![], fits: vec![] },
        Event::AgreementConcurred {
            number: number.clone(),
            version,
            signature: signature(Side::Regulator, &world.regulator),
            remarks: vec![],
        },
        Event::ReadinessRecorded {
            number: number.clone(),
            version,
            revision: u64::MAX,
            means: None,
            checks: vec![],
        },
    ];
    world.forge(events).await;
    asked_here(world, person()).await
}

/// P1: the disk takes no more. The next segment's file is gone when it is needed.
async fn log_failed() -> Scene {
    let world = agreed().configure(|config| config.log.segment_mib = 1).start().await;
    let next = world.log.dir().join("next-segment");
    let streams = world.consumer.connect_http2().await;
    let answer = within("the log to fail", async {
        loop {
            // Prepared anew when a segment is begun: then it goes again.
            drop(std::fs::remove_file(&next));
            let calls: Vec<_> = (0..64)
                .map(|_| {
                    let streams = streams.clone();
                    tokio::spawn(async move {
                        streams.ask(&lookup().header("Kelisim-Case", &"x".repeat(190))).await
                    })
                })
                .collect();
            for call in calls {
                let answer = call.await.unwrap();
                if answer.refusal().is_some() {
                    return answer;
                }
            }
        }
    })
    .await;
    // Whatever comes now, nothing of it is forwarded.
    let forwarded = world.provider.seen().len();
    for _ in 0..10 {
        assert_eq!(world.consumer.asks(&lookup()).await.refusal(), Some("log-unavailable"));
    }
    assert_eq!(world.provider.seen().len(), forwarded);
    assert!(world.operations("/ready").await.starts_with("HTTP/1.1 503"));
    let certificate = world.consumer.identity().fingerprint();
    Scene { world, certificate, ask: lookup(), answer }
}

/// A connection on which a call just went through.
async fn busy(world: &World, identity: &Identity) -> Line {
    let mut line = world.consumer.with(identity.clone()).connect().await;
    assert_eq!(line.ask(&lookup()).await.status, 200);
    line
}

/// Asks again and again on one connection, until it is refused with a code; the provider may be refused before.
async fn until_refused(world: World, identity: &Identity, mut line: Line, code: &str) -> Scene {
    let answer = within(code, async {
        loop {
            let answer = line.ask(&lookup()).await;
            if answer.refusal() == Some(code) {
                return answer;
            }
        }
    })
    .await;
    Scene { world, certificate: identity.fingerprint(), ask: lookup(), answer }
}

fn portal() -> SystemId {
    sample::system(PORTAL)
}

fn register() -> SystemId {
    sample::system(REGISTER)
}

fn number() -> AgreementNumber {
    sample::number("address-lookup")
}

fn ended() -> Conformity {
    sample::conformity("ended", "2025-01-01", "2026-01-01")
}

fn valid() -> Conformity {
    sample::conformity("valid", "2026-01-01", "2099-12-31")
}

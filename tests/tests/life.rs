//! A whole life over the API alone: a system is registered, its holder agrees with another, exchanges, and ends it. Three
//! parties work with their own tokens and sign with their own keys, over real HTTPS; calls go through the exchange face.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use agreements::Side;
use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use certs::sign::{Signer, canonical};
use gateway::clock;
use gateway::registry::proof::document_sha256;
use http::Method;
use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};
use tests::world::wait::{PAUSE, within};
use tests::world::{Ask, Clerk, Consumer, Reply, Told, World, sample};

/// A2, A7, B2, B3, B4, B5, B6, B9, B10, E4
#[tokio::test]
async fn a_system_and_its_agreement_live_their_whole_life_over_the_api() {
    let mut story = Story::begun().await;
    let consumer = registered(&mut story).await;
    agreed(&mut story).await;
    exchanged(&mut story, &consumer).await;
    ended(&mut story, &consumer).await;
    story.is_told().await;
}

/// Application, returned for a missing act of trial operation, resubmitted, registered; attested, certified, bound.
async fn registered(story: &mut Story) -> Consumer {
    let papers = ["description", "technical-documentation", "production-act", "trial-act"];
    let mut documents = Vec::new();
    for kind in papers {
        documents.push(story.deposits(kind).await);
    }
    let trial_act = documents.pop().unwrap();
    let incomplete = json!({ "application": application(&documents) });
    let told = story.does(MINISTRY, "submit-application", incomplete, &["application-submitted"]).await;
    let gaps: Vec<&str> =
        told["gaps"].as_array().unwrap().iter().map(|gap| gap["place"].as_str().unwrap()).collect();
    assert_eq!(gaps, ["document/trial-act"]);
    let first = told["number"].clone();
    let early = story.tries(INTEGRATOR, "accept-application", json!({ "number": first })).await;
    assert_eq!(early.outcome(), "422 application-lacking");
    let remarks = json!({ "number": first, "remarks": ["The act of entry into trial operation is missing"] });
    story.does(INTEGRATOR, "return-application", remarks, &["application-returned"]).await;

    documents.push(trial_act);
    let complete = json!({ "application": application(&documents) });
    let told = story.does(MINISTRY, "submit-application", complete, &["application-submitted"]).await;
    assert_eq!((&told["gaps"], &told["application"]["follows"]), (&json!([]), &first));
    let events = ["application-accepted", "system-registered"];
    let second = json!({ "number": told["number"] });
    // A2, A7: complete is what can be read.
    let act = told["application"]["of"]["system"]["documents"][3]["sha256"].as_str().unwrap();
    story.loses(act);
    let told = story.tries(INTEGRATOR, "accept-application", second.clone()).await;
    assert_eq!((told.outcome().as_str(), &told.json()["problems"]), ("422 document-not-kept", &json!([act])));
    story.deposits("trial-act").await;
    let told = story.does(INTEGRATOR, "accept-application", second, &events).await;
    assert_eq!(told["code"], "KZ-STATE-0003");
    for (of, command, event) in [
        ("attestation", "record-attestation", "attestation-recorded"),
        ("quality certificate", "record-quality-certificate", "quality-certificate-recorded"),
    ] {
        let conformity = sample::conformity(of, "2026-01-01", "2099-12-31");
        story
            .does(INTEGRATOR, command, json!({ "system": PENSION, "conformity": conformity }), &[event])
            .await;
    }
    let (issued, identity) = story.world.certificate(PENSION);
    let certificate = json!({
        "fingerprint": issued.fingerprint, "serial": issued.serial, "not_after": issued.not_after,
    });
    let binding = json!({ "system": PENSION, "certificate": certificate });
    story.does(INTEGRATOR, "bind-certificate", binding, &["certificate-bound"]).await;
    story.world.consumer.with(identity)
}

/// Draft, lint for each of the seven fields, signatures, submission, return; a new version with its diff, concurrence.
async fn agreed(story: &mut Story) {
    let act = json!({ "id": "pension-order", "title": "Order on pensions", "version": "2024-01-10", "in_force_from": "2024-01-10", "kind": "act" });
    story.does(REGULATOR, "record-act", json!({ "act": act }), &["act-recorded"]).await;
    let streets = json!({ "data_type": sample::streets() });
    story.does(AGENCY, "publish-data-type", streets, &["data-type-published"]).await;
    let first = text(1);
    for (field, clause) in agreements::SEVEN_FIELDS {
        let mut lacking = first.clone();
        lacking.as_object_mut().unwrap().remove(field);
        let told = story.clerk(MINISTRY).post("/v1/lint", &json!({ "document": lacking })).await.json();
        let problems: Vec<_> = told["problems"].as_array().unwrap().iter().collect();
        assert_eq!(
            (problems.len(), &problems[0]["field"], &problems[0]["clause"]),
            (1, &json!(field), &json!(clause))
        );
    }
    let mut lacking = first.clone();
    lacking.as_object_mut().unwrap().remove("recovery");
    story.does(MINISTRY, "draft-agreement", json!({ "document": lacking }), &["agreement-drafted"]).await;
    let told = story.tries(MINISTRY, "sign-agreement", story.signed(&lacking, Side::Consumer)).await;
    assert_eq!(
        (told.outcome().as_str(), &told.json()["problems"][0]["clause"]),
        ("422 draft-has-problems", &json!("Interaction 17.6"))
    );
    let act = told.json()["acts"][0].as_str().unwrap().to_owned();
    assert!(act.starts_with("Interaction: ") && act.ends_with("(lost force on 28.01.2016)"), "{act}");

    story.does(MINISTRY, "draft-agreement", json!({ "document": first }), &["agreement-drafted"]).await;
    let early = story.tries(MINISTRY, "submit-agreement", named(&first)).await;
    assert_eq!(early.outcome(), "409 unsigned");
    for (who, side) in [(MINISTRY, Side::Consumer), (AGENCY, Side::Provider)] {
        let signature = story.signed(&first, side);
        story.does(who, "sign-agreement", signature, &["agreement-signed"]).await;
    }
    // B3, A7: so is what goes to the regulator with an agreement.
    story.loses(&sample::paper());
    let told = story.tries(MINISTRY, "submit-agreement", named(&first)).await;
    let missing = json!([sample::paper()]);
    assert_eq!((told.outcome().as_str(), &told.json()["problems"]), ("422 document-not-kept", &missing));
    story.brings(Bytes::from_static(sample::PAPER)).await;
    story.does(MINISTRY, "submit-agreement", named(&first), &["agreement-submitted"]).await;
    story.returns(&first).await;

    let second = text(2);
    story.does(AGENCY, "draft-agreement", json!({ "document": second }), &["agreement-drafted"]).await;
    let told = story.clerk(REGULATOR).get(&format!("/v1/agreements/{NUMBER}/diff?from=1&to=2")).await.json();
    let points: Vec<(&str, &str)> = told["points"]
        .as_array()
        .unwrap()
        .iter()
        .map(|point| (point["field"].as_str().unwrap(), point["direction"].as_str().unwrap()))
        .collect();
    assert_eq!(points, [("data.streets.operations", "narrower"), ("protection.users", "narrower")]);
    let old = story.tries(MINISTRY, "sign-agreement", story.signed_as(&first, 2, Side::Consumer)).await;
    assert_eq!(old.outcome(), "422 signature-of-old-version");
    for (who, side) in [(AGENCY, Side::Provider), (MINISTRY, Side::Consumer)] {
        let signature = story.signed(&second, side);
        story.does(who, "sign-agreement", signature, &["agreement-signed"]).await;
    }
    story.does(AGENCY, "submit-agreement", named(&second), &["agreement-submitted"]).await;
    let concurrence = story.signed(&second, Side::Regulator);
    story.does(REGULATOR, "concur-in-agreement", concurrence, &["agreement-concurred"]).await;
    let public = story.world.clerk().get("/v1/public/agreements").await.json();
    assert_eq!(public["items"][0]["number"], NUMBER);
}

/// The first call is refused for want of readiness; a check over the API; the call passes. The list of officials changes.
async fn exchanged(story: &mut Story, consumer: &Consumer) {
    story.lists(1, "a.serik").await;
    story.calls(consumer, "a.serik", "403 readiness-missing").await;
    story.checks().await;
    story.calls(consumer, "a.serik", "200").await;
    story.lists(2, "b.dana").await;
    story.calls(consumer, "a.serik", "403 user-not-listed").await;
    story.calls(consumer, "b.dana", "200").await;
}

/// The act loses force and both sides are told; a prescription stops the exchange, and is lifted; the end.
async fn ended(story: &mut Story, consumer: &Consumer) {
    let day = (clock::now().to_zoned(agreements::almaty()).date() + 20.days()).to_string();
    let repeal =
        json!({ "act": "pension-order", "version": "2024-01-10", "last_day": day, "agreements_until": day });
    story.does(REGULATOR, "repeal-act", repeal, &["act-repealed"]).await;
    for who in [MINISTRY, AGENCY] {
        let notices = story.clerk(who).get("/v1/notices").await.json();
        let of_act = |one: &&Value| one["what"].to_string().contains("act pension-order 2024-01-10, ends");
        let told = notices["items"].as_array().unwrap().iter().find(of_act).unwrap();
        assert_eq!((&told["due"], &told["severity"]), (&json!(day), &json!("soon")), "{who}");
    }
    story.calls(consumer, "b.dana", "200").await;

    let prescription = json!({
        "prescription": "p-2026-1", "against": { "system": PENSION }, "order": "suspend",
        "reason": "Asked out of hours", "clause": "Law 6.2", "appeal": "To the court within ten days",
    });
    let order = story.over("prescription", &prescription);
    story.does(REGULATOR, "issue-prescription", order, &["prescription-issued"]).await;
    let shown = story.clerk(MINISTRY).get("/v1/prescriptions?standing=stands").await.json();
    assert_eq!(shown["items"][0]["text"], prescription);
    story.calls(consumer, "b.dana", "403 prescription-suspends").await;
    let lifting = story.over("lifting", &json!({ "lifts": "p-2026-1", "reason": "Mended" }));
    story.does(REGULATOR, "lift-prescription", lifting, &["prescription-lifted"]).await;
    story.calls(consumer, "b.dana", "200").await;

    story.does(MINISTRY, "terminate-agreement", named(&text(2)), &["agreement-terminated"]).await;
    story.calls(consumer, "b.dana", "403 agreement-terminated").await;
    let public = story.world.clerk().get("/v1/public/agreements").await.json();
    assert_eq!(public["items"], json!([]));
}

/// Three parties at work, and what the history must tell of it in the end.
struct Story {
    world: World,
    clerks: Vec<(&'static str, Clerk)>,
    heads: Vec<(Side, Signer)>,
    begun: (u64, Timestamp),
    told: Vec<(String, String, String)>,
}

impl Story {
    async fn begun() -> Self {
        let world = World::consumer_and_provider().start().await;
        let head = |bin: &str| Signer::new(world.head(bin).1);
        let heads = vec![
            (Side::Consumer, head(sample::MINISTRY)),
            (Side::Provider, head(sample::AGENCY)),
            (Side::Regulator, head(sample::REGULATOR)),
        ];
        let desks = [&world.ministry, &world.agency, &world.integrator, &world.regulator];
        let names = [MINISTRY, AGENCY, INTEGRATOR, REGULATOR];
        let clerks: Vec<_> = names.into_iter().zip(desks.map(|desk| world.program(desk))).collect();
        world.provider.acts(|seen| {
            let date = clock::now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
            let one = seen.head[0].contains("/streets/");
            let body = if one { sample::street() } else { json!({ "items": [sample::street()] }) };
            let headers = vec![("Date", date), ("Content-Type", "application/json".to_owned())];
            Reply::With(200, headers, body.to_string().into_bytes())
        });
        let revision = clerks[3].1.get("/v1/holders").await.json()["revision"].as_u64().unwrap();
        Self { world, clerks, heads, begun: (revision, clock::now()), told: Vec::new() }
    }

    fn clerk(&self, who: &str) -> &Clerk {
        &self.clerks.iter().find(|(name, _)| *name == who).unwrap().1
    }

    /// Issues a command with a reason of its own; what its first event says.
    async fn does(&mut self, who: &str, command: &str, fields: Value, events: &[&str]) -> Value {
        let reason = format!("{command}: step {}", self.told.len() + 1);
        let mut body = fields;
        body["reason"] = json!(reason);
        let told = self.clerk(who).post(&format!("/v1/commands/{command}"), &body).await;
        assert_eq!(told.outcome(), "200", "{command}: {:?}", told.body);
        self.told.extend(events.iter().map(|event| (who.to_owned(), (*event).to_owned(), reason.clone())));
        told.json()["events"][0]["event"].clone()
    }

    /// Issues a command that is to be refused.
    async fn tries(&self, who: &str, command: &str, fields: Value) -> Told {
        self.clerk(who).command(command, fields).await
    }

    async fn deposits(&self, kind: &str) -> Value {
        let sha256 = self.brings(Bytes::from(format!("%PDF-1.7 {kind}"))).await;
        json!({ "kind": kind, "sha256": sha256, "title": kind })
    }

    async fn brings(&self, body: Bytes) -> String {
        let hash = digest(&SHA256, &body);
        let sha256: String = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        let put = Some(("application/octet-stream", body));
        let told = self.clerk(MINISTRY).ask(Method::PUT, &format!("/v1/documents/{sha256}"), put).await;
        assert_eq!(told.outcome(), "201");
        sha256
    }

    /// Somebody who may write the folder takes a document away.
    fn loses(&self, sha256: &str) {
        let depositary = self.world.config.path(&self.world.config.api.depositary);
        std::fs::remove_file(depositary.join(&sha256[..2]).join(sha256)).unwrap();
    }

    fn jws(&self, text: &Value, side: Side) -> Value {
        let signer = &self.heads.iter().find(|(of, _)| *of == side).unwrap().1;
        let bytes = canonical(text).unwrap();
        serde_json::to_value(signer.sign(&bytes, side, clock::now()).unwrap()).unwrap()
    }

    fn signed(&self, text: &Value, side: Side) -> Value {
        self.signed_as(text, text["version"].as_u64().unwrap(), side)
    }

    /// A signature over a text that is sent as another version's.
    fn signed_as(&self, text: &Value, version: u64, side: Side) -> Value {
        json!({ "number": NUMBER, "version": version, "jws": self.jws(text, side) })
    }

    /// An order of the regulator with its signature.
    fn over(&self, field: &str, text: &Value) -> Value {
        let mut order = json!({ "jws": self.jws(text, Side::Regulator) });
        order[field] = text.clone();
        order
    }

    /// The regulator returns an agreement for rework, by a statement of its own.
    async fn returns(&mut self, text: &Value) {
        let document = String::from_utf8(canonical(text).unwrap()).unwrap();
        let ruling = json!({
            "agreement": NUMBER, "version": text["version"], "document_sha256": document_sha256(&document),
            "ruling": "returned", "reason": "More passes than pensions need",
            "remarks": [{ "remark": "Two operations", "remedy": "Name the one that is needed" }],
        });
        let signed = self.over("ruling", &ruling);
        self.does(REGULATOR, "rule-on-agreement", signed, &["agreement-ruled"]).await;
        let shown = self.clerk(MINISTRY).get(&format!("/v1/agreements/{NUMBER}/versions/1")).await.json();
        assert_eq!((&shown["stage"], &shown["ruled"]["text"]), (&json!("returned"), &ruling));
    }

    /// The consumer's head approves the next list of officials.
    async fn lists(&mut self, serial: u32, user: &str) {
        let users = json!([{ "id": user, "name": user, "duty": "pays pensions" }]);
        let list = json!({ "agreement": NUMBER, "serial": serial, "users": users });
        let fields = json!({ "list": list, "jws": self.jws(&list, Side::Consumer) });
        self.does(MINISTRY, "approve-users", fields, &["users-approved"]).await;
    }

    /// A readiness check over the API, made by the gateway.
    async fn checks(&mut self) {
        let path = format!("/v1/agreements/{NUMBER}/versions/2/readiness");
        let reason = "readiness: before the first transfer";
        let told = self.clerk(INTEGRATOR).post(&path, &json!({ "reason": reason })).await;
        assert_eq!(told.outcome(), "202");
        let found = within("the check to end", async {
            loop {
                let found = self.clerk(MINISTRY).get(&path).await.json();
                if found["under_way"] == false {
                    return found;
                }
                tokio::time::sleep(PAUSE).await;
            }
        })
        .await;
        assert_eq!((&found["holds"], &found["unrecorded"]), (&json!(true), &Value::Null), "{found:#}");
        self.told.push((INTEGRATOR.into(), "readiness-recorded".into(), reason.into()));
    }

    /// Asks as an official, once the gateway has heard of all that was decided.
    async fn calls(&self, consumer: &Consumer, user: &str, outcome: &str) {
        let newest = self.clerk(REGULATOR).get("/v1/holders").await.json()["revision"].as_u64().unwrap();
        within("the gateway to hear of a decision", async {
            let heard = |metrics: String| {
                let line = metrics.lines().find_map(|line| line.strip_prefix("kelisim_registry_revision "));
                line.unwrap().trim().parse::<u64>().unwrap()
            };
            while heard(self.world.metrics().await) < newest {
                tokio::time::sleep(PAUSE).await;
            }
        })
        .await;
        let ask = Ask::get("/address-register/streets/streets").header("Kelisim-User", user);
        let answer = consumer.asks(&ask).await;
        let told = match answer.refusal() {
            Some(code) => format!("{} {code}", answer.status),
            None => answer.status.to_string(),
        };
        assert_eq!(told, outcome, "{user}");
    }

    /// Every step stands in the history: who, what, why, and when; and nothing else does.
    async fn is_told(&self) {
        let (mut after, mut read) = (self.begun.0.to_string(), Vec::new());
        loop {
            let page = self.clerk(REGULATOR).get(&format!("/v1/events?after={after}&limit=10")).await.json();
            read.extend(page["items"].as_array().unwrap().iter().cloned());
            match page["next"].as_str() {
                Some(next) => next.clone_into(&mut after),
                None => break,
            }
        }
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let told: Vec<(String, String, String)> = read
            .iter()
            .map(|one| (text(&one["actor"]["id"]), text(&one["event"]["event"]), text(&one["reason"])))
            .collect();
        assert_eq!(told, self.told);
        assert!(told.len() > 25, "{}", told.len());
        let times: Vec<Timestamp> = read.iter().map(|one| text(&one["at"]).parse().unwrap()).collect();
        assert!(times.is_sorted() && self.begun.1 <= times[0] && *times.last().unwrap() <= clock::now());
        let vias = read.iter().map(|one| text(&one["actor"]["via"]));
        assert!(vias.clone().all(|via| via.starts_with("api:token=program-of-")), "over the API alone");
        let theirs = self.clerk(AGENCY).get("/v1/events?limit=200&event=application-submitted").await.json();
        assert_eq!(theirs["items"], json!([]), "others' applications are others'");
    }
}

fn named(text: &Value) -> Value {
    json!({ "number": text["number"], "version": text["version"] })
}

/// The agreement: the second version allows less, and names its officials.
fn text(version: u32) -> Value {
    let mut text = sample::streets_agreement();
    (text["number"], text["version"], text["consumer"]) = (NUMBER.into(), version.into(), PENSION.into());
    text["basis"] = json!([{ "act": "pension-order", "version": "2024-01-10", "clause": "4" }]);
    if version > 1 {
        text["data"][0]["operations"] = json!(["list", "find"]);
        text["protection"]["users"] = json!("listed");
    }
    text
}

fn application(documents: &[Value]) -> Value {
    let entry = |phase: &str, on: &str| json!({ "phase": phase, "on": on, "act_number": "3" });
    json!({
        "of": { "system": {
            "id": PENSION, "name": "Pension portal", "holder": sample::MINISTRY, "owner": sample::MINISTRY,
            "ownership": "state", "phase": "production", "networks": ["127.0.0.0/8"], "responsible": "Somebody",
            "documents": documents,
        } },
        "responsible": { "name": "Somebody", "duty": "Engineer", "order": "12" },
        "project_approved": "2026-01-20",
        "information": {
            "general": {
                "purpose": "Pays pensions", "functions": "Search", "legal_basis": "Order 775", "users": "Officials",
                "users_count": 100, "year": 2026,
            },
            "technical": {
                "architecture": "Three tiers", "platform": "Linux", "databases": "PostgreSQL", "site": "Data centre",
                "interfaces": "Gateway", "protection": "Segment",
            },
            "resources": [{
                "name": "Directory", "content": "Officials", "owner": sample::MINISTRY, "holder": sample::MINISTRY,
                "category": "restricted", "source": "Officers", "updated": "daily",
            }],
            "document_changes": [{ "title": "Specification", "approved_by": "Head", "approved": "2026-01-20" }],
            "entries_into_operation": [entry("trial", "2026-02-17"), entry("production", "2026-06-01")],
            "nothing_to_say": {
                "software": "none", "infrastructure": "rented", "procurement_notices": "own work",
                "contracts": "own work", "contract_outcomes": "own work", "book_entries": "later",
                "investment_results": "none", "tests_and_attestations": "under way",
            },
        },
    })
}

const MINISTRY: &str = "ministry";
const AGENCY: &str = "agency";
const INTEGRATOR: &str = "integrator";
const REGULATOR: &str = "regulator";

const PENSION: &str = "pension-portal";
const NUMBER: &str = "pension-streets";

//! What a consumer sends beyond what is agreed: nothing of it reaches its provider (B7).

use agreements::DocumentFormat::Pdf;
use aws_lc_rs::digest::{SHA256, digest};
use gateway::exchange_log::{Outcome, Sha256, Withheld};
use serde_json::{Value, json};
use tests::world::sample::DOCUMENTS;
use tests::world::sample::drafts::draft;
use tests::world::sample::people::{self, IIN, OTHER_IIN, QUERIES};
use tests::world::signing::signed;
use tests::world::wait::{PAUSE, within};
use tests::world::{Ask, Plan, Reply, World, files, kelisim};

use super::{agreed_with, subjects::hashes};

/// Queries reach the register with whom they are about, and in which unit.
fn naming(change: impl FnOnce(&mut Value)) -> Plan {
    agreed_with(|text| {
        text["data"][0]["request_fields"] = json!(["/iins", "/of/unit"]);
        change(text);
    })
}

/// A query with one member more than is agreed, in two places.
fn too_much() -> Value {
    json!({ "iins": [IIN], "of": { "unit": "7", "telephone": "+7 701" }, "1990-01-01": true })
}

fn sha256(bytes: &[u8]) -> Option<Sha256> {
    let mut sum = [0; 32];
    sum.copy_from_slice(digest(&SHA256, bytes).as_ref());
    Some(Sha256(sum))
}

fn said(withheld: &[Withheld]) -> Vec<(&str, u64)> {
    let mut said: Vec<_> = withheld.iter().map(|one| (one.field.as_str(), one.count)).collect();
    said.sort_unstable();
    said
}

/// B7, D1: what each side sent and got is on record, and the consumer's holder can see what is sent for nothing.
#[tokio::test]
async fn what_a_request_has_beyond_the_agreement_is_withheld_from_the_provider_and_counted_by_field() {
    let mut world = naming(|_| {}).start().await;
    world.provider.replies(Reply::Json(200, json!({ "people": [] })));
    let ask = people::post(QUERIES, &too_much());
    for answer in [world.consumer.asks(&ask).await, world.consumer.connect_http2().await.ask(&ask).await] {
        assert_eq!((answer.status, answer.header("kelisim-request-withheld")), (200, Some("2")), "{answer}");
        let got = world.provider.seen().pop().unwrap().body;
        let parsed: Value = serde_json::from_slice(&got).unwrap();
        assert_eq!(parsed, json!({ "iins": [IIN], "of": { "unit": "7" } }));
        let opening = world.log.opening(answer.exchange()).unwrap();
        let sent = ask.body.as_ref().unwrap();
        assert_eq!((opening.request_digest, opening.request_bytes), (sha256(sent), sent.len() as u64));
        assert_eq!((opening.passed_digest, opening.passed_bytes), (sha256(&got), Some(got.len() as u64)));
        let closing = world.log.closing(answer.exchange()).await;
        assert_eq!((closing.outcome, closing.request_trimmed), (Outcome::Completed, 2));
        assert_eq!(said(&closing.request_withheld), [("/*", 1), ("/of/*", 1)]);
        assert_eq!((closing.trimmed, closing.withheld), (0, Vec::new()), "of the answer nothing was");
    }
    assert!(world.metrics().await.contains("kelisim_request_fields_withheld_total 4"));

    // What is agreed passes byte for byte, and nothing is said of it.
    let within_agreed = format!("{{ \"of\" :{{}},\n \"iins\":[ \"{IIN}\"] }}");
    let exact = people::asks("POST", QUERIES).header("Content-Type", "application/json");
    let answer = world.consumer.asks(&exact.bytes(within_agreed.as_bytes())).await;
    assert_eq!((answer.status, answer.header("kelisim-request-withheld")), (200, None), "{answer}");
    assert_eq!(world.provider.seen().pop().unwrap().body, within_agreed.as_bytes());
    assert_eq!(world.log.opening(answer.exchange()).unwrap().passed_digest, None);

    let ministry = world.program(&world.ministry);
    let told = within("the index to reach the last closing", async {
        loop {
            let told = ministry.get("/v1/withheld-fields?consumer=portal").await.json();
            if told["exchanges"] == 2 {
                return told;
            }
            tokio::time::sleep(PAUSE).await;
        }
    })
    .await;
    let field = |told: &Value, at: usize| {
        let one = &told["fields"][at];
        (one["way"].clone(), one["field"].clone(), one["exchanges"].clone(), one["count"].clone())
    };
    let expected = [("/*", 2), ("/of/*", 2)];
    for (at, (name, times)) in expected.into_iter().enumerate() {
        assert_eq!(field(&told, at), (json!("requests"), json!(name), json!(times), json!(times)), "{told}");
    }
    world.stop();
    let dir = world.path().to_str().unwrap().to_owned();
    let (status, printed) = kelisim(&["log", "withheld", "--consumer", "portal", "--json", "--dir", &dir]);
    assert_eq!(status.code(), Some(0), "{printed}");
    assert_eq!(field(&serde_json::from_str(&printed).unwrap(), 1), field(&told, 1));
    let open = world.log.entries().iter().any(|entry| entry.line.contains("1990"));
    assert!(!open, "names may be personal data");
}

/// B7, C2
#[tokio::test]
async fn an_agreement_may_have_a_request_refused_that_holds_more_than_it_names() {
    let world = naming(|text| text["data"][0]["request_excess"] = "refuse".into()).start().await;
    world.provider.replies(Reply::Json(200, json!({ "people": [] })));
    let ask = people::post(QUERIES, &too_much()).header("Idempotency-Key", "\"k-1\"");
    let answer = world.consumer.asks(&ask).await;
    assert_eq!(answer.to_string(), "422 request-exceeds");
    assert_eq!(answer.json()["keyword"], "not-agreed");
    let closing = world.log.closing(answer.exchange()).await;
    assert_eq!(
        (closing.outcome, closing.code.unwrap().as_str()),
        (Outcome::RequestRefused, "request-exceeds")
    );
    assert_eq!((closing.request_trimmed, said(&closing.request_withheld).len()), (2, 2));
    assert_eq!(world.provider.seen().len(), 0);
    // Its key is still nobody's.
    let within = people::post(QUERIES, &json!({ "iins": [IIN] })).header("Idempotency-Key", "\"k-1\"");
    assert_eq!(world.consumer.asks(&within).await.status, 200);
    assert!(world.log.verified().is_whole());
}

/// B7, C5: a signature is over what was sent; the provider never acts on what nobody signed.
#[tokio::test]
async fn a_signed_request_passes_whole_or_not_at_all() {
    let world = naming(|text| text["protection"]["signatures"] = json!({ "messages": ["requests"] }));
    let world = world.start().await;
    world.provider.replies(Reply::Json(200, json!({ "people": [] })));
    let (gateway, identity) = (world.consumer.gateway(), world.consumer.identity());
    let ask = signed(&people::post(QUERIES, &too_much()), gateway, identity);
    let answer = world.consumer.asks(&ask).await;
    assert_eq!(answer.to_string(), "422 request-exceeds");
    let opening = world.log.opening(answer.exchange()).unwrap();
    assert!(opening.signatures.is_some_and(|said| said.starts_with("message ")), "who sent it is on record");
    assert_eq!((opening.passed_digest, world.provider.seen().len()), (None, 0));
    let within = signed(&people::post(QUERIES, &json!({ "iins": [IIN] })), gateway, identity);
    assert_eq!(world.consumer.asks(&within).await.status, 200);
    // Whether the signature counts is asked first: of what anybody sent, no field is counted.
    let mut forged = ask;
    forged.body = Some(json!({ "iins": [IIN], "of": { "more": 1 } }).to_string().into_bytes());
    assert_eq!(world.consumer.asks(&forged).await.to_string(), "403 content-digest");
}

/// C8, Interaction 17.6: what is asked again is what the consumer sent, not what passed of it.
#[tokio::test]
async fn a_repeat_of_a_trimmed_request_is_held_against_what_was_sent() {
    let world = naming(|_| {}).start().await;
    world.provider.replies(Reply::Json(200, json!({ "people": [] })));
    let ask = |body: Value| people::post(QUERIES, &body).header("Idempotency-Key", "\"k-1\"");
    let first = world.consumer.asks(&ask(too_much())).await;
    let again = world.consumer.asks(&ask(too_much())).await;
    assert_eq!((again.status, &again.body), (200, &first.body), "{again}");
    let closing = world.log.closing(again.exchange()).await;
    assert_eq!((closing.outcome, closing.request_trimmed), (Outcome::AnsweredAgain, 0), "nothing passed");
    let mut other = too_much();
    other["of"]["telephone"] = "+7 702".into();
    assert_eq!(world.consumer.asks(&ask(other)).await.to_string(), "422 idempotency-key-reused");
    assert_eq!(world.provider.seen().len(), 1);
}

/// D4: whom a request is about is read in what was sent, also where the provider is not told.
#[tokio::test]
async fn persons_whom_the_agreement_has_no_field_for_are_on_record_all_the_same() {
    let world = agreed_with(|text| text["data"][0]["request_fields"] = json!(["/iins/0", "/of"]));
    let world = world.start().await;
    world.provider.replies(Reply::Json(200, json!({ "people": [] })));
    let answer = world.consumer.asks(&people::post(QUERIES, &json!({ "iins": [IIN, OTHER_IIN] }))).await;
    assert_eq!(answer.status, 200, "{answer}");
    let got: Value = serde_json::from_slice(&world.provider.seen()[0].body).unwrap();
    assert_eq!(got, json!({ "iins": [IIN] }));
    assert_eq!(hashes(&world, &answer).await.len(), 2);
}

/// B7, promise 7: what cannot be followed does not pass, whatever it would hold.
#[tokio::test]
async fn a_request_that_cannot_be_followed_never_reaches_its_provider() {
    let world = naming(|_| {}).start().await;
    let deep = format!("{{\"of\":{}{}}}", "{\"a\":".repeat(5_000), "}".repeat(5_000));
    for body in [
        &b"{"[..],
        b"7",
        br#"{"iins":["860101300126"],"iins":["900515400331"]}"#,
        b"{\"iins\":[\"\xff\"]}",
        br#"{"iins":["\ud800"]}"#,
        br#"{"iins":["860101300126"]} {}"#,
        deep.as_bytes(),
    ] {
        let ask = people::asks("POST", QUERIES).header("Content-Type", "application/json").bytes(body);
        let answer = world.consumer.asks(&ask).await;
        assert_eq!(answer.to_string(), "400 request-schema");
    }
    assert_eq!(world.provider.seen().len(), 0);
}

/// B7, C4: a form streams and is never written anew; JSON for which a document comes back is trimmed as any other.
#[tokio::test]
async fn a_form_whose_card_holds_more_is_refused_and_json_that_asks_for_a_document_is_trimmed() {
    let pdf = files::pdf_of(200_000);
    let plan = |fields: Value| {
        let plan = World::consumer_and_provider().agreement_with("documents", |text| {
            text["data"][0]["request_fields"] = fields;
            text["data"][0]["operations"] = json!(["submit", "render"]);
        });
        plan.data_type("document", |data_type| {
            let mut render =
                data_type.operations.iter().find(|one| one.id.as_str() == "read").unwrap().clone();
            render.id = serde_json::from_value(json!("render")).unwrap();
            render.method = agreements::Method::Post;
            render.path = serde_json::from_value(json!("/documents")).unwrap();
            render.request = serde_json::from_value(json!({ "schema": { "type": "object" } })).unwrap();
            data_type.operations.push(render);
            data_type.operations.retain(|one| one.id.as_str() != "send");
        })
    };
    let file = [("a.pdf", Pdf.media_type(), &pdf[..])];

    let world = plan(json!(["/number"])).start().await;
    let refused = world.consumer.asks(&draft(&file)).await;
    assert_eq!(
        (refused.to_string().as_str(), &refused.json()["pointer"]),
        ("422 request-exceeds", &json!("/title"))
    );
    let closing = world.log.closing(refused.exchange()).await;
    assert_eq!(
        (closing.outcome, said(&closing.request_withheld)),
        (Outcome::RequestRefused, vec![("/title", 1)])
    );
    assert_eq!(world.provider.seen().len(), 0);

    let world = plan(json!(["/title", "/number"])).start().await;
    world.provider.replies(Reply::Json(200, json!({ "code": "7" })));
    let (form, answer) = (draft(&file), world.consumer.asks(&draft(&file)).await);
    assert_eq!((answer.status, answer.header("kelisim-request-withheld")), (200, None), "{answer}");
    assert_eq!(Some(world.provider.seen().pop().unwrap().body), form.body);

    let headers = vec![("Content-Type", Pdf.media_type().to_owned())];
    world.provider.replies(Reply::With(200, headers, pdf.clone()));
    let answer =
        world.consumer.asks(&Ask::post(DOCUMENTS, &json!({ "number": 7, "title": "T", "by": "me" }))).await;
    assert_eq!((answer.status, answer.header("kelisim-request-withheld")), (200, Some("1")), "{answer}");
    assert_eq!(answer.body, pdf);
    let got: Value = serde_json::from_slice(&world.provider.seen().pop().unwrap().body).unwrap();
    assert_eq!(got, json!({ "number": 7, "title": "T" }));
    let closing = world.log.closing(answer.exchange()).await;
    assert_eq!((closing.request_trimmed, closing.response_bytes), (1, Some(pdf.len() as u64)));
    assert!(world.log.opening(answer.exchange()).unwrap().passed_digest.is_some());
    assert!(world.log.verified().is_whole());
}

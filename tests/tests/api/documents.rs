//! Documents over the API.

use agreements::{Command, CommandName};
use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use gateway::registry::Failure;
use http::Method;
use serde_json::json;
use tests::world::wait::within;
use tests::world::{Clerk, World, sample};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

fn sha256(body: &[u8]) -> String {
    digest(&SHA256, body).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn named(body: &[u8]) -> String {
    format!("/v1/documents/{}", sha256(body))
}

async fn brings(clerk: &Clerk, body: &'static [u8]) -> String {
    let sent = Some(("application/octet-stream", Bytes::from_static(body)));
    clerk.ask(Method::PUT, &named(body), sent).await.outcome()
}

/// A7
#[tokio::test]
async fn a_document_is_kept_under_its_own_name_and_given_as_it_was() {
    let world =
        World::consumer_and_provider().configure(|config| config.api.max_document_mb = 1).start().await;
    let clerk = world.program(&world.ministry);
    let put = |path: String, body: Bytes| {
        let clerk = clerk.clone();
        async move { clerk.ask(Method::PUT, &path, Some(("application/octet-stream", body))).await.outcome() }
    };
    let act = Bytes::from_static(b"%PDF-1.7 act of trial operation");
    assert_eq!(put(named(&act), act.clone()).await, "201");
    assert_eq!(put(named(&act), act.clone()).await, "204");
    assert_eq!(put(named(b"another"), act.clone()).await, "422 digest-mismatch");
    assert_eq!(put("/v1/documents/short".into(), act.clone()).await, "404 not-found");
    let program = Bytes::from_static(b"\x7fELF");
    assert_eq!(put(named(&program), program).await, "415 document-type");
    let large = Bytes::from(vec![b' '; 1_000_001]);
    assert_eq!(put(named(&large), large).await, "413 body-too-large");

    let given = clerk.get(&named(&act)).await;
    assert_eq!(given.body, act);
    assert_eq!(given.header("content-type"), Some("application/pdf"));
    assert_eq!(given.header("content-disposition"), Some("attachment"));
    assert_eq!(clerk.get(&named(b"another")).await.outcome(), "404 not-found");
    assert_eq!(world.clerk().get(&named(&act)).await.outcome(), "401 unauthenticated");
}

/// E4: a token that only reads fills no disk.
#[tokio::test]
async fn a_document_is_kept_for_those_who_may_name_it_in_a_command() {
    let world = World::consumer_and_provider().start().await;
    let act = Bytes::from_static(b"%PDF-1.7 act");
    let put = |token: String| {
        let (clerk, act) = (world.clerk().bearer(&token), act.clone());
        let body = Some(("application/octet-stream", act.clone()));
        async move { clerk.ask(Method::PUT, &named(&act), body).await.outcome() }
    };
    let reading = world.token(&world.ministry, "reading", Vec::new(), 1);
    assert_eq!(put(reading).await, "403 out-of-scope");
    let regulator = world.token(&world.regulator, "all", CommandName::all().collect(), 1);
    assert_eq!(put(regulator).await, "403 not-in-role");
    let filing = world.token(&world.ministry, "filing", vec![CommandName::FileDocument], 1);
    assert_eq!(put(filing).await, "201");
}

/// E4: to know a document's name is not to see it.
#[tokio::test]
async fn a_document_is_given_to_who_brought_it_and_to_who_sees_what_names_it_and_to_nobody_else() {
    const ACT: &[u8] = b"%PDF-1.7 act of entry into operation";
    let world = World::consumer_and_provider().start().await;
    let (ministry, agency) = (world.program(&world.ministry), world.program(&world.agency));
    let (regulator, integrator) = (world.program(&world.regulator), world.program(&world.integrator));
    let given = async |clerk: &Clerk| clerk.get(&named(ACT)).await.outcome();
    assert_eq!(brings(&ministry, ACT).await, "201");
    assert_eq!(given(&ministry).await, "200");
    assert_eq!(given(&regulator).await, "200", "who supervises sees everything");
    assert_eq!(given(&integrator).await, "200");
    assert_eq!(given(&agency).await, "404 not-found");
    let unknown = agency.get(&named(b"another")).await.json();
    assert_eq!(agency.get(&named(ACT)).await.json()["detail"], unknown["detail"]);

    let document = json!({ "kind": "description", "sha256": sha256(ACT), "title": "Act" });
    let of = |system: &str| json!({ "subject": { "system": system }, "document": document });
    assert_eq!(ministry.command("file-document", of("portal")).await.outcome(), "200");
    assert_eq!(given(&agency).await, "404 not-found", "the ministry's system is not theirs to see");

    let mut text = sample::agreement("address-lookup");
    text["attachments"] = json!([{ "title": "Act", "sha256": sha256(ACT) }]);
    assert_eq!(ministry.command("draft-agreement", json!({ "document": text })).await.outcome(), "200");
    assert_eq!(given(&agency).await, "200", "both parties see what is attached to their agreement");
}

/// E4
#[tokio::test]
async fn naming_a_document_of_others_in_something_of_ones_own_shows_nothing_of_it() {
    const REPORT: &[u8] = b"%PDF-1.7 report of a test";
    let world = World::consumer_and_provider().start().await;
    let (ministry, agency) = (world.program(&world.ministry), world.program(&world.agency));
    assert_eq!(brings(&ministry, REPORT).await, "201");
    let document = json!({ "kind": "other", "sha256": sha256(REPORT), "title": "Report" });
    let filing = json!({ "subject": { "system": "address-register" }, "document": document });
    assert_eq!(agency.command("file-document", filing.clone()).await.outcome(), "404 not-found");
    let mut text = sample::agreement("address-lookup");
    text["attachments"] = json!([{ "title": "Report", "sha256": sha256(REPORT) }]);
    let drafted = agency.command("draft-agreement", json!({ "document": text })).await;
    assert_eq!(drafted.outcome(), "404 not-found");
    assert_eq!(agency.get(&named(REPORT)).await.outcome(), "404 not-found");

    assert_eq!(brings(&agency, REPORT).await, "204", "who has all of it may name it");
    assert_eq!(agency.command("file-document", filing).await.outcome(), "200");
    assert_eq!(agency.get(&named(REPORT)).await.outcome(), "200");
}

/// A7: over the API and on the folder alike, what nobody brought cannot be named.
#[tokio::test]
async fn a_command_that_names_a_document_which_is_not_kept_is_refused_by_either_face() {
    const ACT: &[u8] = b"%PDF-1.7 act of production";
    let world = World::consumer_and_provider().start().await;
    let (ministry, integrator) = (world.program(&world.ministry), world.program(&world.integrator));
    let mut text = sample::agreement("address-lookup");
    text["attachments"] = json!([{ "title": "Act", "sha256": sha256(ACT) }]);
    let document = json!({ "kind": "description", "sha256": sha256(ACT), "title": "Act" });
    let mut paper = json!(sample::conformity("act", "2026-01-01", "2099-12-31"));
    paper["document"] = json!(sha256(ACT));
    let filing = json!({ "subject": { "system": "portal" }, "document": document });
    let attesting = json!({ "system": "portal", "conformity": paper });
    let steps = [
        (&ministry, "draft-agreement", json!({ "document": text })),
        (&integrator, "record-attestation", attesting.clone()),
        (&ministry, "file-document", filing),
    ];
    for (clerk, command, fields) in &steps {
        let told = clerk.command(command, fields.clone()).await;
        let missing = json!([sha256(ACT)]);
        let found = (told.outcome(), told.json()["problems"].clone());
        assert_eq!(found, ("422 document-not-kept".into(), missing), "{command}");
    }
    let attest: Command = serde_json::from_value(json!({ "record-attestation": attesting })).unwrap();
    let issue = || {
        let by = world.integrator.actor().clone();
        world.integrator.registry().with(|office| office.issue(attest.clone(), &by, "as decided"))
    };
    let Err(Failure::Refused(error)) = issue() else { panic!("it is refused") };
    assert_eq!(error.code(), "document-not-kept");

    assert_eq!(brings(&ministry, ACT).await, "201");
    for (clerk, command, fields) in steps {
        assert_eq!(clerk.command(command, fields).await.outcome(), "200", "{command}");
    }
    issue().unwrap();
}

/// Promise 7: uploads that do not go on keep nobody else from the depositary.
#[tokio::test]
async fn one_operator_has_half_of_the_depositary_at_most() {
    let plan = World::consumer_and_provider().configure(|config| {
        (config.api.head_timeout_ms, config.api.request_timeout_ms) = (600_000, 3_600_000);
    });
    let world = plan.start().await;
    let token = world.token(&world.ministry, "filing", vec![CommandName::FileDocument], 1);
    let mut held = Vec::new();
    for place in 0..4 {
        let mut line = world.clerk().dial().await.unwrap();
        let head = format!(
            "PUT /v1/documents/{place:064x} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/octet-stream\r\nContent-Length: 50000000\r\nExpect: 100-continue\r\n\r\n%PDF-1.7 "
        );
        line.write_all(head.as_bytes()).await.unwrap();
        // It says so when it has a place.
        let mut said = [0; 21];
        within("the document to be asked for", line.read_exact(&mut said)).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&said), "HTTP/1.1 100 Continue");
        held.push(line);
    }
    assert_eq!(brings(&world.clerk().bearer(&token), b"%PDF-1.7 act").await, "503 busy");
    assert_eq!(brings(&world.program(&world.agency), b"%PDF-1.7 act").await, "201");
    drop(held);
}

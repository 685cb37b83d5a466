//! Documents over the API.

use agreements::CommandName;
use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use http::Method;
use tests::world::World;

fn named(body: &[u8]) -> String {
    let hex: String = digest(&SHA256, body).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("/v1/documents/{hex}")
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

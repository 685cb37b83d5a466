//! Who is let in, and what an early answer does to a connection (promise 3; C1, C2).
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use certs::authority::{Authority, SystemRequest};
use certs::tls::{Clock, Connector, ConnectorOptions, Identity};
use gateway::clock;
use jiff::SignedDuration;
use serde_json::json;
use tests::world::sample::{self, ADDRESSES, LOOKUP, PORTAL};
use tests::world::wait::within;
use tests::world::{Ask, Plan, World};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

/// C1, A6: without a certificate that counts there is no connection, and the metric says why.
#[tokio::test]
async fn caller_whose_certificate_does_not_count_is_not_let_in() {
    let world = agreed().start().await;
    let (revoked, revoked_identity) = world.certificate(PORTAL);
    world.bind(&sample::system(PORTAL), &revoked).await;
    world.authority.revoke(&revoked.serial, clock::now()).unwrap();
    let two_days_ago = clock::now() - SignedDuration::from_hours(48);
    let (_, expired) = world.certificate_at(PORTAL, two_days_ago);

    let elsewhere = tempfile::tempdir().unwrap();
    let foreign = Authority::create(&elsewhere.path().join("other"), clock::now()).unwrap();
    let request = SystemRequest {
        code: PORTAL.into(),
        bin: sample::bin(sample::MINISTRY),
        organisation: "Ministry".into(),
        names: vec!["localhost".into()],
        days: 1,
    };
    let foreign = foreign.issue_system(&request, clock::now()).unwrap();
    let (_, person) = world.head(sample::MINISTRY);
    let foreign = Identity::from_pem(foreign.chain.as_bytes(), foreign.key.as_bytes()).unwrap();
    // The gateway reads the revocation list anew: until then the certificate counts.
    within("the revocation to be heard of", async {
        while let Ok(mut line) = world.consumer.with(revoked_identity.clone()).try_connect().await
            && line.try_ask(&Ask::get(LOOKUP)).await.is_ok()
        {}
    })
    .await;
    for (what, identity) in [
        ("revoked", revoked_identity),
        ("expired", expired),
        ("of another authority", foreign),
        ("a person's, for signing", person),
    ] {
        let refused = match world.consumer.with(identity).try_connect().await {
            Err(_) => true,
            Ok(mut line) => line.try_ask(&Ask::get(LOOKUP)).await.is_err(),
        };
        assert!(refused, "{what}: was let in");
    }
    let options = ConnectorOptions::new(Clock::new(clock::now));
    let anonymous = Connector::anonymous(world.trust(), options).unwrap();
    let tcp = TcpStream::connect(world.consumer.gateway()).await.unwrap();
    // Over TLS 1.3 the client is done before it is refused: the refusal is what it reads.
    let refused = match anonymous.connect(tcp, "localhost", None).await {
        Err(_) => true,
        Ok(mut connected) => within("the end", connected.stream.read_to_end(&mut Vec::new()))
            .await
            .map_or(true, |read| read == 0),
    };
    assert!(refused, "let in without a certificate");
    let metrics = world.metrics().await;
    for reason in ["revoked", "expired", "no-certificate"] {
        let counted = metrics.lines().any(|line| {
            line.starts_with("kelisim_handshake_failures_total")
                && line.contains(reason)
                && !line.ends_with(" 0")
        });
        assert!(counted, "{reason}: {metrics}");
    }
    assert_eq!(world.consumer.asks(&Ask::get(LOOKUP)).await.status, 200);
}

/// A6: several at a time, while one is renewed.
#[tokio::test]
async fn old_and_new_certificate_of_a_system_count_side_by_side_until_one_is_unbound() {
    let world = agreed().start().await;
    let (issued, identity) = world.certificate(PORTAL);
    let renewed = world.consumer.with(identity);
    assert_eq!(renewed.asks(&Ask::get(LOOKUP)).await.refusal(), Some("certificate-not-registered"));
    world.bind(&sample::system(PORTAL), &issued).await;
    assert_eq!(renewed.asks(&Ask::get(LOOKUP)).await.status, 200);
    assert_eq!(world.consumer.asks(&Ask::get(LOOKUP)).await.status, 200);
    let old = world.consumer.identity().fingerprint();
    world.administrator.orders(agreements::Command::UnbindCertificate { certificate: old }).await;
    assert_eq!(world.consumer.asks(&Ask::get(LOOKUP)).await.refusal(), Some("certificate-not-registered"));
    assert_eq!(renewed.asks(&Ask::get(LOOKUP)).await.status, 200);
}

/// C2: a refusal is heard although the body was never taken, and the connection is either in order or over.
#[tokio::test]
async fn early_refusal_is_heard_before_the_body_ends_and_leaves_no_doubt_about_the_connection() {
    let world = agreed().start().await;
    let forbidden = "Kelisim-Purpose: curiosity\r\nContent-Type: application/json\r\n";
    let mut line = world.consumer.connect().await;
    let head =
        format!("POST {ADDRESSES} HTTP/1.1\r\nHost: a\r\n{forbidden}Content-Length: 100000000\r\n\r\n");
    line.send(head.as_bytes()).await;
    line.send(&vec![b' '; 100_000]).await;
    assert_eq!(line.answer().await.unwrap().refusal(), Some("purpose-not-agreed"));
    // Not a request, but more of the body that nobody wants.
    line.send(&Ask::get(LOOKUP).wire("a")).await;
    line.finishes().await;
    assert_eq!(line.ends().await, 0);
    assert_eq!(world.provider.seen().len(), 0);

    let mut line = world.consumer.connect().await;
    let small = Ask::post(ADDRESSES, &sample::correction()).header("Kelisim-Purpose", "curiosity");
    assert_eq!(line.ask(&small).await.refusal(), Some("purpose-not-agreed"));
    if let Ok(next) = line.try_ask(&Ask::get(LOOKUP)).await {
        assert_eq!(next.status, 200, "{next}");
    }
}

/// RFC 9110 §10.1.1: a body is asked for only when the call is permitted.
#[tokio::test]
async fn caller_that_waits_for_100_continue_sends_its_body_only_if_the_call_is_permitted() {
    let world = agreed().start().await;
    let body = json!({ "code": "7", "address": "x" }).to_string();
    let head = |purpose: &str| {
        format!(
            "POST {ADDRESSES} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nKelisim-Purpose: {purpose}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        )
    };
    let mut line = world.consumer.connect().await;
    line.send(head("curiosity").as_bytes()).await;
    assert_eq!(line.raw_status().await, 403, "no body is asked for that will not be taken");
    let mut line = world.consumer.connect().await;
    line.send(head("delivery").as_bytes()).await;
    assert_eq!(line.raw_status().await, 100);
    line.send(body.as_bytes()).await;
    assert_eq!(line.answer().await.unwrap().status, 200);
    let seen = world.provider.seen().remove(0);
    assert_eq!((seen.header("expect"), &seen.body[..]), (None, body.as_bytes()));
}

fn agreed() -> Plan {
    World::consumer_and_provider().agreement("address-lookup")
}

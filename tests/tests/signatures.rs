//! Messages that agreements want signed (C5): what is signed as agreed passes, and nothing else does.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use agreements::DocumentFormat::Pdf;
use certs::message::ContentDigest;
use gateway::exchange_log::Outcome;
use serde_json::json;
use tests::world::sample::{self, ADDRESSES, DOCUMENT, DOCUMENTS, LOOKUP, PORTAL};
use tests::world::signing::{ANSWERED, Said, content_digest, holds, replied, replied_so, signed, signed_so};
use tests::world::{Answer, Ask, Plan, Reply, World, files};

/// C5
#[tokio::test]
async fn requests_that_their_system_signed_pass_and_their_entries_say_by_which_key_and_when() {
    let world = agreed(&["requests"]).start().await;
    let (gateway, identity) = (world.consumer.gateway(), world.consumer.identity());
    let claiming = Ask::get(LOOKUP).header("Kelisim-Purpose", "delivery").header("Kelisim-User", "a.serik");
    for ask in [
        Ask::get(LOOKUP),
        Ask::get(&format!("{LOOKUP}?lang=kk")),
        claiming,
        Ask::post(ADDRESSES, &sample::correction()).header("Idempotency-Key", "\"7\""),
        document(&files::pdf()),
        document(&files::pdf_of(200_000)),
    ] {
        let ask = signed(&ask, gateway, identity);
        for answer in [world.consumer.asks(&ask).await, world.consumer.connect_http2().await.ask(&ask).await]
        {
            assert_eq!(answer.status, 200, "{} {}: {answer}", ask.method, ask.target);
            let opening = world.log.opening(answer.exchange()).unwrap();
            let said = opening.signatures.unwrap();
            assert!(said.starts_with(&format!("message {} 20", identity.fingerprint())), "{said}");
            assert_eq!(answer.header("kelisim-signature"), None, "the provider's answer is not signed");
        }
    }
    let seen = world.provider.seen();
    assert_eq!(seen.len(), 11, "of the two under one key one was sent");
    let theirs = ["signature", "signature-input", "content-digest"];
    assert!(seen.iter().all(|seen| theirs.iter().all(|name| seen.header(name).is_none())), "made for us");
    assert!(world.log.verified().is_whole());
}

/// C5, C2
#[tokio::test]
async fn requests_that_are_not_signed_as_agreed_are_refused_with_the_reason_and_nobody_is_asked() {
    let world = agreed(&["requests", "responses"]).start().await;
    let (gateway, identity) = (world.consumer.gateway(), world.consumer.identity());
    let (issued, second) = world.certificate(PORTAL);
    world.bind(&sample::system(PORTAL), &issued).await;
    let (get, post) = (Ask::get(LOOKUP), Ask::post(ADDRESSES, &sample::correction()));
    let target = r#"("@method" "@target-uri")"#;
    let said = || Said::now(target);
    let digest = content_digest(&post.body.clone().unwrap());
    let digested = post.clone().header("Content-Digest", &digest);
    let whole = || Said::now(r#"("@method" "@target-uri" "content-digest")"#);
    let mut swapped = signed(&post, gateway, identity);
    swapped.body = Some(json!({ "code": "7", "address": "elsewhere" }).to_string().into_bytes());
    let mut moved = signed(&get, gateway, identity);
    moved.target = format!("{ADDRESSES}/8");
    let twice = signed(&get, gateway, identity).header("Signature-Input", "b=();created=1");
    for (what, ask, code) in [
        ("nothing", get.clone(), "message-unsigned"),
        ("a document", document(&files::pdf()), "message-unsigned"),
        (
            "no text",
            get.clone().header("Signature-Input", "(((").header("Signature", "s=:AA==:"),
            "message-signature-malformed",
        ),
        ("two", twice, "message-signatures"),
        ("another key of the same system", signed(&get, gateway, &second), "message-signature-key"),
        ("old", signed_so(&get, gateway, &said().later(-6), identity), "message-signature-time"),
        ("from the future", signed_so(&get, gateway, &said().later(6), identity), "message-signature-time"),
        (
            "expired",
            signed_so(&get, gateway, &said().and(";expires=1700000000"), identity),
            "message-signature-time",
        ),
        (
            "another algorithm",
            signed_so(&get, gateway, &said().and(";alg=\"hmac-sha256\""), identity),
            "message-signature-algorithm",
        ),
        (
            "a parameter of its own",
            signed_so(&get, gateway, &said().and(";tag=\"x\""), identity),
            "message-signature-unsupported",
        ),
        (
            "without the method",
            signed_so(&get, gateway, &Said::now(r#"("@target-uri")"#), identity),
            "message-signature-coverage",
        ),
        (
            "without the content",
            signed_so(&digested, gateway, &said(), identity),
            "message-signature-coverage",
        ),
        (
            "a claim beside it",
            signed(&get, gateway, identity).header("Kelisim-Purpose", "delivery"),
            "message-signature-coverage",
        ),
        ("made for another target", moved, "message-signature-forged"),
        ("over another body", swapped, "content-digest"),
        (
            "a digest that is none",
            signed_so(&post.clone().header("Content-Digest", "md5=:AAAA:"), gateway, &whole(), identity),
            "content-digest",
        ),
    ] {
        for answer in [world.consumer.asks(&ask).await, world.consumer.connect_http2().await.ask(&ask).await]
        {
            assert_eq!(answer.to_string(), format!("403 {code}"), "{what}");
            assert_eq!(answer.json()["keyword"], code, "{what}");
            assert_eq!(world.log.code(answer.exchange()).await, code, "{what}");
        }
    }
    assert_eq!(world.provider.seen().len(), 0);
}

/// C5: what is not what was signed is found at its end, and is whole for nobody.
#[tokio::test]
async fn document_that_is_not_what_its_request_was_signed_over_is_whole_for_nobody() {
    let world = agreed(&["requests"]).start().await;
    let (gateway, identity) = (world.consumer.gateway(), world.consumer.identity());
    let (said, sent) = (files::pdf_of(200_000), files::pdf_of(200_001));
    let mut forged = signed(&document(&said), gateway, identity);
    forged.body = Some(sent);
    let answer = world.consumer.asks(&forged).await;
    assert_eq!(answer.to_string(), "403 content-digest");
    let closing = world.log.closing(answer.exchange()).await;
    assert_eq!(
        (closing.outcome, closing.code.unwrap().as_str()),
        (Outcome::RequestRefused, "content-digest")
    );
    assert_eq!((closing.request_digest, world.provider.seen().len()), (None, 0));
    // What is small never begins to pass.
    let mut small = signed(&document(&files::pdf()), gateway, identity);
    small.body = Some(files::pdf_of(1000));
    let answer = world.consumer.asks(&small).await;
    assert_eq!(answer.to_string(), "403 content-digest");
    assert_eq!(world.log.refused(answer.exchange()).unwrap().code, "content-digest");
}

/// C5: whoever asks can verify it, too.
#[tokio::test]
async fn signature_of_an_answer_goes_along_while_it_covers_what_passes_and_is_told_of_otherwise() {
    let world = agreed(&["responses"]).start().await;
    let identity = world.provider.identity().clone();
    let signer = identity.clone();
    let (whole, more) = (
        json!({ "code": "7", "address": "Astana" }),
        json!({ "code": "7", "address": "Astana", "internal": "remark" }),
    );
    for (record, shown) in [(whole, "passed"), (more, "verified")] {
        let (body, signer) = (record.to_string().into_bytes(), signer.clone());
        world.provider.acts(move |seen| replied(seen, "application/json", &body, &signer));
        for answer in [
            world.consumer.asks(&Ask::get(LOOKUP)).await,
            world.consumer.connect_http2().await.ask(&Ask::get(LOOKUP)).await,
        ] {
            assert_eq!((answer.status, answer.header("kelisim-signature")), (200, Some(shown)), "{answer}");
            let goes_along = shown == "passed";
            assert_eq!(holds(&answer, "GET", &identity).is_ok(), goes_along);
            assert_eq!(answer.header("content-digest").is_some(), goes_along);
            if let Some(digest) = answer.header("content-digest") {
                assert!(ContentDigest::read(digest.as_bytes()).unwrap().is_of(&answer.body));
            }
            let closing = world.log.closing(answer.exchange()).await;
            let said = closing.signatures.unwrap();
            assert!(said.starts_with(&format!("message {} 20", identity.fingerprint())), "{said}");
        }
    }
    // What it covers beside that, the consumer does not get as it was.
    let (body, said) = (
        json!({ "code": "7", "address": "Astana" }).to_string().into_bytes(),
        ANSWERED.replace(')', " \"content-type\")"),
    );
    let digest = content_digest(&body);
    let by = identity.clone();
    world
        .provider
        .acts(move |seen| replied_so(seen, "application/json", &body, &digest, &Said::now(&said), &by));
    let answer = world.consumer.asks(&Ask::get(LOOKUP)).await;
    assert_eq!((answer.header("kelisim-signature"), answer.header("signature")), (Some("verified"), None));

    let document = files::pdf_of(200_000);
    let (sent, by) = (document.clone(), identity.clone());
    world.provider.acts(move |seen| replied(seen, Pdf.media_type(), &sent, &by));
    let answer = world.consumer.asks(&Ask::get(DOCUMENT)).await;
    assert!(answer.body == document && holds(&answer, "GET", &identity).is_ok());
    let part = world.consumer.asks(&Ask::get(DOCUMENT).header("Range", "bytes=0-99")).await;
    assert_eq!((part.status, part.header("kelisim-signature")), (206, Some("verified")));
    assert_eq!(part.header("signature"), None, "it is not over a part");
}

/// C5
#[tokio::test]
async fn answers_that_are_not_signed_as_agreed_do_not_pass() {
    let world = agreed(&["responses"]).start().await;
    let identity = world.provider.identity().clone();
    let record = json!({ "code": "7", "address": "Astana" }).to_string().into_bytes();
    let refused = async |what: &str, code: &str, said: Said, digest: &[u8], by: &certs::tls::Identity| {
        let (body, digest, by) = (record.clone(), content_digest(digest), by.clone());
        world.provider.acts(move |seen| replied_so(seen, "application/json", &body, &digest, &said, &by));
        let answer = world.consumer.asks(&Ask::get(LOOKUP)).await;
        assert_eq!(answer.to_string(), format!("502 {code}"), "{what}");
        let closing = world.log.closing(answer.exchange()).await;
        assert_eq!((closing.outcome, closing.status), (Outcome::ResponseRefused, Some(200)), "{what}");
    };
    let said = || Said::now(ANSWERED);
    refused("over another body", "content-digest", said(), b"{}", &identity).await;
    refused("old", "message-signature-time", said().later(-6), &record, &identity).await;
    let (_, other) = world.certificate(sample::REGISTER);
    refused("another key", "message-signature-key", said(), &record, &other).await;
    let unbound = Said::now(r#"("@status" "content-digest" "@method";req "@target-uri";req)"#);
    refused("for any call like it", "message-signature-coverage", unbound, &record, &identity).await;
    let bare = Said::now(r#"("@status" "@method";req "kelisim-exchange";req)"#);
    refused("without its content", "message-signature-coverage", bare, &record, &identity).await;

    // An answer that was signed for another call.
    let (body, by) = (record.clone(), identity.clone());
    world.provider.acts(move |seen| {
        let mut before = seen.clone();
        let line =
            before.head.iter_mut().find(|line| line.to_ascii_lowercase().starts_with("kelisim-exchange"));
        *line.unwrap() = "kelisim-exchange: 01890000-0000-7000-8000-000000000000".into();
        replied(&before, "application/json", &body, &by)
    });
    let answer = world.consumer.asks(&Ask::get(LOOKUP)).await;
    assert_eq!(answer.to_string(), "502 message-signature-forged");
    world.provider.replies(Reply::Json(200, json!({ "code": "7", "address": "Astana" })));
    assert_eq!(world.consumer.asks(&Ask::get(LOOKUP)).await.to_string(), "502 message-unsigned");
    // A document that ends otherwise than it was signed.
    let (sent, signed) = (files::pdf_of(200_000), content_digest(&files::pdf_of(199_999)));
    world.provider.acts(move |seen| {
        replied_so(seen, Pdf.media_type(), &sent, &signed, &Said::now(ANSWERED), &identity)
    });
    let cut = world.consumer.connect().await.try_ask(&Ask::get(DOCUMENT)).await;
    assert!(cut.is_err(), "it ends before its length");
    // What a provider refuses is no information.
    world.provider.replies(Reply::Json(404, json!({ "title": "none" })));
    let answer = world.consumer.asks(&Ask::get(LOOKUP)).await;
    assert_eq!((answer.status, answer.refusal()), (404, None));
}

/// C5, C8: a signature names its exchange, so an answer that is given again goes without.
#[tokio::test]
async fn answer_that_is_given_again_bears_no_signature_of_the_first_exchange() {
    let world = agreed(&["responses"]).start().await;
    let (body, by) = (json!({ "code": "7", "address": "Astana" }), world.provider.identity().clone());
    let body = body.to_string().into_bytes();
    world.provider.acts(move |seen| replied(seen, "application/json", &body, &by));
    let ask = Ask::post(ADDRESSES, &sample::correction()).header("Idempotency-Key", "\"k-1\"");
    let (first, again) = (world.consumer.asks(&ask).await, world.consumer.asks(&ask).await);
    let signed = |answer: &Answer| {
        let mark = answer.header("kelisim-signature").map(ToOwned::to_owned);
        (
            answer.status,
            mark,
            answer.header("signature").is_some(),
            answer.header("signature-input").is_some(),
        )
    };
    assert!(signed(&first).2);
    assert_eq!(signed(&again), (200, Some("verified".into()), false, false));
    assert_eq!((first.body, world.provider.seen().len()), (again.body, 1));
}

/// C5: what is not asked for is not looked at, and says nothing.
#[tokio::test]
async fn where_no_signatures_are_asked_for_they_are_neither_read_nor_passed_on() {
    let world = agreed(&[]).start().await;
    let broken = Ask::get(LOOKUP).header("Signature-Input", "(((").header("Signature", "((");
    let headers = vec![
        ("Content-Type", "application/json".to_owned()),
        ("Signature-Input", "(((".into()),
        ("Signature", "((".into()),
        ("Content-Digest", "((".into()),
        ("Kelisim-Signature", "passed".into()),
    ];
    world.provider.replies(Reply::With(
        200,
        headers,
        json!({ "code": "7", "address": "Astana" }).to_string().into_bytes(),
    ));
    let answer = world.consumer.asks(&broken).await;
    assert_eq!(answer.status, 200);
    for name in ["signature", "signature-input", "content-digest", "kelisim-signature"] {
        assert_eq!(answer.header(name), None);
    }
    assert_eq!(world.log.opening(answer.exchange()).unwrap().signatures, None);
    assert_eq!(world.log.closing(answer.exchange()).await.signatures, None);
}

/// Both samples, with messages signed these ways.
fn agreed(ways: &[&str]) -> Plan {
    let (first, second) = (json!({ "messages": ways }), json!({ "messages": ways }));
    World::consumer_and_provider()
        .agreement_with("address-lookup", |text| text["protection"]["signatures"] = first)
        .agreement_with("documents", |text| text["protection"]["signatures"] = second)
}

fn document(bytes: &[u8]) -> Ask {
    Ask::new("POST", DOCUMENTS).header("Content-Type", Pdf.media_type()).bytes(bytes)
}

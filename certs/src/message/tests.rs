//! RFC 9421's own examples, and messages that do not count.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::super::{Message, Target};
use super::*;

/// Appendix B.2: the request, and the answer to it.
const FIELDS: &[(&str, &[u8])] = &[
    ("host", b"example.com"),
    ("date", b"Tue, 20 Apr 2021 02:07:55 GMT"),
    ("content-type", b"application/json"),
    ("content-digest", DIGEST_OF_REQUEST),
    ("content-length", b"18"),
];
const DIGEST_OF_REQUEST: &[u8] =
    b"sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:";
const ANSWER: &[(&str, &[u8])] = &[
    ("content-type", b"application/json"),
    (
        "content-digest",
        b"sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:",
    ),
    ("content-length", b"23"),
];
const TARGET: Target<'static> =
    Target { method: "POST", authority: "example.com", path: "/foo", query: Some("param=Value&Pet=dog") };

const ED25519_INPUT: &[u8] = br#"sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519""#;
const ED25519_MADE: &[u8] =
    b"sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:";

fn ed25519() -> Vec<u8> {
    STANDARD.decode("JrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=").unwrap()
}

fn p256() -> Vec<u8> {
    let coordinates =
        ["qIVYZVLCrPZHGHjP17CTW0_-D9Lfw0EkjqF7xB4FivA", "Mc4nN9LTDOBhfoUeg8Ye9WedFRhnZXZJA12Qp0zZ6F0"];
    [vec![4], coordinates.map(|one| URL_SAFE_NO_PAD.decode(one).unwrap()).concat()].concat()
}

/// The key within the SubjectPublicKeyInfo of appendix B.1.2.
fn rsa() -> Vec<u8> {
    let spki = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAr4tmm3r20Wd/PbqvP1s2\
                +QEtvpuRaV8Yq40gjUR8y2Rjxa6dpG2GXHbPfvMs8ct+Lh1GH45x28Rw3Ry53mm+\
                oAXjyQ86OnDkZ5N8lYbggD4O3w6M6pAvLkhk95AndTrifbIFPNU8PPMO7OyrFAHq\
                gDsznjPFmTOtCEcN2Z1FpWgchwuYLPL+Wokqltd11nqqzi+bJ9cvSKADYdUAAN5W\
                Utzdpiy6LbTgSxP7ociU4Tn0g5I6aDZJ7A8Lzo0KSyZYoA485mqcO0GVAdVw9lq4\
                aOT9v6d+nb4bnNkQVklLQ3fVAvJm+xdDOp9LCNCN48V2pnDOkFV6+U9nV5oyc6XI\
                2wIDAQAB";
    STANDARD.decode(spki).unwrap()[24..].to_vec()
}

/// Everything but the certificate and the demands: the examples of the RFC cover little.
fn holds(
    kind: KeyKind,
    key: &[u8],
    status: Option<u16>,
    fields: &[(&str, &[u8])],
    [input, made]: [&[u8]; 2],
) -> Result<(), MessageFault> {
    let fields = [fields, &[("signature-input", input), ("signature", made)]].concat();
    let message = Message { target: TARGET, status, fields: &fields, request_fields: FIELDS };
    let (inner, made) = signature(&message)?;
    let (signed, _) = base(&message, &inner)?;
    matches(kind, key, &inner, &signed, &made)
}

/// C5
#[test]
fn signatures_of_the_rfc_hold_over_the_messages_of_the_rfc_and_over_no_others() {
    type Example =
        (KeyKind, Vec<u8>, Option<u16>, &'static [(&'static str, &'static [u8])], [&'static [u8]; 2]);
    let examples: [Example; 4] = [
        // B.2.1
        (KeyKind::Rsa, rsa(), None, FIELDS, [
            br#"sig-b21=();created=1618884473;keyid="test-key-rsa-pss";nonce="b3k2pp5k7z-50gnwp.yemd""#,
            b"sig-b21=:d2pmTvmbncD3xQm8E9ZV2828BjQWGgiwAaw5bAkgibUopemLJcWDy/lkbbHAve4cRAtx31Iq786U7it++wgGxbtRxf8Udx7zFZsckzXaJMkA7ChG52eSkFxykJeNqsrWH5S+oxNFlD4dzVuwe8DhTSja8xxbR/Z2cOGdCbzR72rgFWhzx2VjBqJzsPLMIQKhO4DGezXehhWwE56YCE+O6c0mKZsfxVrogUvA4HELjVKWmAvtl6UnCh8jYzuVG5WSb/QEVPnP5TmcAnLH1g+s++v6d4s8m0gCw1fV5/SITLq9mhho8K3+7EPYTU8IU1bLhdxO5Nyt8C8ssinQ98Xw9Q==:",
        ]),
        // B.2.3
        (KeyKind::Rsa, rsa(), None, FIELDS, [
            br#"sig-b23=("date" "@method" "@path" "@query" "@authority" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-rsa-pss""#,
            b"sig-b23=:bbN8oArOxYoyylQQUU6QYwrTuaxLwjAC9fbY2F6SVWvh0yBiMIRGOnMYwZ/5MR6fb0Kh1rIRASVxFkeGt683+qRpRRU5p2voTp768ZrCUb38K0fUxN0O0iC59DzYx8DFll5GmydPxSmme9v6ULbMFkl+V5B1TP/yPViV7KsLNmvKiLJH1pFkh/aYA2HXXZzNBXmIkoQoLd7YfW91kE9o/CCoC1xMy7JA1ipwvKvfrs65ldmlu9bpG6A9BmzhuzF8Eim5f8ui9eH8LZH896+QIF61ka39VBrohr9iyMUJpvRX2Zbhl5ZJzSRxpJyoEZAFL2FUo5fTIztsDZKEgM4cUA==:",
        ]),
        // B.2.4
        (KeyKind::P256, p256(), Some(200), ANSWER, [
            br#"sig-b24=("@status" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-ecc-p256""#,
            b"sig-b24=:wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw==:",
        ]),
        // B.2.6
        (KeyKind::Ed25519, ed25519(), None, FIELDS, [ED25519_INPUT, ED25519_MADE]),
    ];
    for (kind, key, status, fields, signature) in examples {
        assert_eq!(holds(kind, &key, status, fields, signature), Ok(()), "{kind:?}");
        let mut other = signature[1].to_vec();
        let middle = other.len() / 2;
        other[middle] = if other[middle] == b'A' { b'B' } else { b'A' };
        assert_eq!(
            holds(kind, &key, status, fields, [signature[0], &other]),
            Err(MessageFault::Forged),
            "{kind:?}"
        );
        let later = String::from_utf8(signature[0].to_vec()).unwrap().replace("1618884473", "1618884474");
        let later = holds(kind, &key, status, fields, [later.as_bytes(), signature[1]]);
        assert_eq!(later, Err(MessageFault::Forged), "{kind:?}: its parameters are signed too");
    }
    let moved: Vec<(&str, &[u8])> =
        FIELDS.iter().map(|(name, value)| (*name, if *name == "date" { b"now" } else { *value })).collect();
    let over = holds(KeyKind::Ed25519, &ed25519(), None, &moved, [ED25519_INPUT, ED25519_MADE]);
    assert_eq!(over, Err(MessageFault::Forged));
}

/// C5: what a signature says of itself decides nothing.
#[test]
fn signatures_that_can_be_read_in_two_ways_or_name_another_algorithm_do_not_hold() {
    let text = std::str::from_utf8(ED25519_INPUT).unwrap();
    let judge = |input: &str, made: &[u8]| {
        holds(KeyKind::Ed25519, &ed25519(), None, FIELDS, [input.as_bytes(), made])
    };
    for (what, input, expected) in [
        ("another algorithm", format!("{text};alg=\"rsa-pss-sha512\""), MessageFault::Algorithm),
        ("none", format!("{text};alg=\"none\""), MessageFault::Algorithm),
        ("an algorithm that is no text", format!("{text};alg=1"), MessageFault::Malformed),
        ("another label", text.replace("sig-b26", "sig"), MessageFault::Malformed),
        ("two labels", format!("{text}, b={}", &text[8..]), MessageFault::Several),
        ("nothing", String::new(), MessageFault::Unsigned),
        ("no list", "sig-b26=1".into(), MessageFault::Malformed),
        ("a component twice", text.replace("(\"date\"", "(\"date\" \"date\""), MessageFault::Malformed),
        ("a field that is not there", text.replace("\"date\"", "\"dates\""), MessageFault::ComponentMissing),
        ("of a request, in one", text.replace("\"date\"", "\"date\";req"), MessageFault::Malformed),
        ("a status of a request", text.replace("\"date\"", "\"@status\""), MessageFault::Malformed),
        (
            "a component of its own",
            text.replace("\"date\"", "\"@query-param\";name=\"Pet\""),
            MessageFault::Unsupported("a component is covered in a way of its own"),
        ),
        (
            "unknown",
            text.replace("\"date\"", "\"@other\""),
            MessageFault::Unsupported("a component that is not known here"),
        ),
    ] {
        assert_eq!(judge(&input, ED25519_MADE), Err(expected), "{what}");
    }
    for made in [&b"sig-b26=:AAAA:"[..], b"sig-b26=::"] {
        assert_eq!(judge(text, made), Err(MessageFault::Forged));
    }
    let twice = [FIELDS, &[("signature-input", ED25519_INPUT)]].concat();
    let judged = holds(KeyKind::Ed25519, &ed25519(), None, &twice, [ED25519_INPUT, ED25519_MADE]);
    assert_eq!(judged, Err(MessageFault::Several), "two fields");
}

#[test]
fn what_has_to_be_covered_is_demanded_and_the_time_has_to_be_now() {
    let list = |text: &str| {
        let parsed: Dictionary = Parser::new(text).parse().unwrap();
        match parsed.into_values().next().unwrap() {
            ListEntry::InnerList(inner) => inner,
            ListEntry::Item(_) => panic!("{text} is no list"),
        }
    };
    let request = Message { target: TARGET, status: None, fields: FIELDS, request_fields: &[] };
    let answer = Message { target: TARGET, status: Some(200), fields: ANSWER, request_fields: FIELDS };
    let demands = |message: &Message<'_>, body, text: &str| {
        let (_, covered) = base(message, &list(text)).unwrap();
        covers(message, &Demand { content: body, ..Demand::default() }, &covered)
    };
    assert_eq!(demands(&request, Content::Some, r#"s=("@method" "@target-uri" "content-digest")"#), Ok(()));
    assert_eq!(demands(&request, Content::Empty, r#"s=("@method" "@authority" "@path" "@query")"#), Ok(()));
    let whole = r#"s=("@status" "content-digest" "@method";req "@target-uri";req)"#;
    assert_eq!(demands(&answer, Content::Some, whole), Ok(()));
    for (message, text, what) in [
        (&request, r#"s=("@method" "@target-uri")"#, "the content"),
        (&request, r#"s=("@target-uri" "content-digest")"#, "the method"),
        (&request, r#"s=("@method" "@authority" "@path" "content-digest")"#, "the whole target"),
        (&answer, r#"s=("content-digest" "@method";req "@target-uri";req)"#, "the status"),
        (&answer, r#"s=("@status" "content-digest")"#, "the method"),
        (&answer, r#"s=("@status" "content-digest";req "@method";req "@target-uri";req)"#, "the content"),
    ] {
        assert_eq!(demands(message, Content::Some, text), Err(MessageFault::NotCovered(what)), "{text}");
    }
    let now = Timestamp::from_second(1_618_884_473).unwrap();
    for (text, expected) in [
        ("s=();created=1618884473", Ok(now)),
        ("s=();created=1618884473;expires=1618884474", Ok(now)),
        ("s=();created=1618884473;expires=1618884472", Err(MessageFault::Expired)),
        ("s=()", Err(MessageFault::NotNow)),
        ("s=();created=1618884172", Err(MessageFault::NotNow)),
        ("s=();created=1618884774", Err(MessageFault::NotNow)),
        ("s=();created=\"now\"", Err(MessageFault::Malformed)),
    ] {
        assert_eq!(created(&list(text), now), expected, "{text}");
    }
}

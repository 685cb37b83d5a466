//! Signatures count for exactly the bytes, the role and the time that were signed, by whom the chain says.
#![allow(clippy::unwrap_used, reason = "tests may")]

mod support;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use certs::Trust;
use certs::sign::{GeneralJws, JwsSignature, Side, Signer, verify, verify_received, verify_token};
use certs::tls::Identity;
use jiff::Timestamp;
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, KeyPair, date_time_ymd};
use serde_json::{Value, json};
use support::{Ca, Leaf, at, root, today};

const PAYLOAD: &[u8] = br#"{"number":"17","provider":"address-register"}"#;

fn person(ca: &Ca, key: KeyPair) -> Leaf {
    ca.leaf_of(key, signing)
}

fn signing(params: &mut CertificateParams) {
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::EmailProtection];
}

fn signer(leaf: &Leaf) -> Signer {
    Signer::new(Identity::from_pem(leaf.pem.as_bytes(), leaf.key.serialize_pem().as_bytes()).unwrap())
}

struct World {
    root: Ca,
    trust: Trust,
    leaf: Leaf,
}

fn world() -> World {
    let root = root("root");
    let trust = Trust::new(root.set(&[], &[root.crl(&[])]));
    let leaf = person(&root, KeyPair::generate().unwrap());
    World { root, trust, leaf }
}

impl World {
    fn sign(&self, signed_at: Timestamp) -> JwsSignature {
        signer(&self.leaf).sign(PAYLOAD, Side::Provider, signed_at).unwrap()
    }

    fn code(&self, signature: &JwsSignature) -> &'static str {
        verify(PAYLOAD, signature, &self.trust, today()).map_or_else(|fault| fault.code(), |_| "good")
    }

    /// Signs, with the header changed before the signature is made over it anew.
    fn sign_with_header(&self, change: impl FnOnce(&mut Value)) -> JwsSignature {
        let honest = self.sign(today());
        let mut header: Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(&honest.protected).unwrap()).unwrap();
        change(&mut header);
        self.sign_header(&serde_json::to_vec(&header).unwrap())
    }

    fn sign_header(&self, header: &[u8]) -> JwsSignature {
        let protected = URL_SAFE_NO_PAD.encode(header);
        let input = format!("{protected}.{}", URL_SAFE_NO_PAD.encode(PAYLOAD));
        let pkcs8 = self.leaf.key.serialize_der();
        let algorithm = &aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED_SIGNING;
        let key = aws_lc_rs::signature::EcdsaKeyPair::from_pkcs8(algorithm, &pkcs8).unwrap();
        let made = key.sign(&aws_lc_rs::rand::SystemRandom::new(), input.as_bytes()).unwrap();
        JwsSignature { protected, signature: URL_SAFE_NO_PAD.encode(made) }
    }
}

/// B4
#[test]
fn every_accepted_kind_of_key_signs_and_is_verified() {
    let World { root, trust, .. } = world();
    for algorithm in [
        &rcgen::PKCS_ECDSA_P256_SHA256,
        &rcgen::PKCS_ECDSA_P384_SHA384,
        &rcgen::PKCS_ED25519,
        &rcgen::PKCS_RSA_SHA256,
    ] {
        let leaf = person(&root, KeyPair::generate_for(algorithm).unwrap());
        // Many times, since the numbers of an ECDSA signature differ in length.
        for _ in 0..20 {
            let signature = signer(&leaf).sign(PAYLOAD, Side::Consumer, today()).unwrap();
            let verified = verify_received(PAYLOAD, &signature, &trust, today()).unwrap();
            assert_eq!(verified.fingerprint, certs::fingerprint(&leaf.der));
            assert_eq!((verified.role, verified.signed_at), (Side::Consumer, today()));
        }
    }
}

/// B4
#[test]
fn any_change_of_content_voids_the_signature() {
    let world = world();
    let signature = world.sign(today());
    assert_eq!(world.code(&signature), "good");
    for index in 0..PAYLOAD.len() {
        let mut changed = PAYLOAD.to_vec();
        changed[index] ^= 1;
        let fault = verify(&changed, &signature, &world.trust, today()).unwrap_err();
        assert_eq!(fault.code(), "signature-forged", "byte {index}");
    }
    for longer in [&[PAYLOAD, b" "].concat()[..], &PAYLOAD[1..], b""] {
        assert!(verify(longer, &signature, &world.trust, today()).is_err());
    }
}

/// B4
#[test]
fn any_change_of_signature_or_header_voids_it() {
    let world = world();
    let signature = world.sign(today());
    let made = URL_SAFE_NO_PAD.decode(&signature.signature).unwrap();
    for index in 0..made.len() {
        let mut changed = made.clone();
        changed[index] ^= 1;
        let changed = JwsSignature { signature: URL_SAFE_NO_PAD.encode(changed), ..signature.clone() };
        assert_eq!(world.code(&changed), "signature-forged", "byte {index}");
    }
    for index in 0..signature.protected.len() {
        let mut changed = signature.clone().protected.into_bytes();
        changed[index] = if changed[index] == b'A' { b'B' } else { b'A' };
        let changed = JwsSignature { protected: String::from_utf8(changed).unwrap(), ..signature.clone() };
        assert_ne!(world.code(&changed), "good", "character {index}");
    }
    for padded in [format!("{}=", signature.signature), format!("{}\n", signature.signature)] {
        assert_eq!(
            world.code(&JwsSignature { signature: padded, ..signature.clone() }),
            "signature-malformed"
        );
    }
}

#[test]
fn signature_for_one_side_is_none_for_another() {
    let world = world();
    let one = world.sign(today());
    let other = signer(&world.leaf).sign(PAYLOAD, Side::Regulator, today()).unwrap();
    let mixed = JwsSignature { protected: other.protected, signature: one.signature };
    assert_eq!(world.code(&mixed), "signature-forged");
}

#[test]
fn algorithm_must_be_one_of_the_keys_own() {
    let world = world();
    for (alg, code) in [
        ("ES256", "good"),
        ("none", "signature-header"),
        ("HS256", "signature-header"),
        ("es256", "signature-header"),
        ("ES384", "signature-algorithm"),
        ("RS256", "signature-algorithm"),
        ("PS256", "signature-algorithm"),
        ("EdDSA", "signature-algorithm"),
    ] {
        assert_eq!(world.code(&world.sign_with_header(|header| header["alg"] = json!(alg))), code, "{alg}");
    }
}

/// RFC 7515 §4.1.11
#[test]
fn critical_names_must_be_understood_once_and_others_are_never_passed_over() {
    let world = world();
    for (crit, code) in [
        (json!(["kelisim-role", "kelisim-signed-at"]), "good"),
        (json!([]), "signature-critical-header"),
        (json!(["kelisim-role", "kelisim-role"]), "signature-critical-header"),
        (json!(["alg"]), "signature-critical-header"),
        (json!(["b64"]), "signature-critical-header"),
        (json!("kelisim-role"), "signature-header"),
    ] {
        assert_eq!(
            world.code(&world.sign_with_header(|header| header["crit"] = crit.clone())),
            code,
            "{crit}"
        );
    }
    for name in ["b64", "jwk", "jku", "x5u", "kid"] {
        let signature = world.sign_with_header(|header| header[name] = json!("x"));
        assert_eq!(world.code(&signature), "signature-header", "{name}");
    }
    let honest = world.sign(today());
    let header = URL_SAFE_NO_PAD.decode(honest.protected).unwrap();
    let twice = [&header[..header.len() - 1], br#","kelisim-role":"regulator"}"#].concat();
    assert_eq!(world.code(&world.sign_header(&twice)), "signature-header");
}

#[test]
fn chain_must_be_there_and_count_for_signing() {
    let world = world();
    assert_eq!(world.code(&world.sign_with_header(|h| h["x5c"] = json!([]))), "no-certificate");
    assert_eq!(world.code(&world.sign_with_header(|h| h["x5c"] = json!(["AAAA"]))), "malformed");
    assert_eq!(world.code(&world.sign_with_header(|h| h["x5c"] = json!(["*"]))), "signature-malformed");
    let system = world.root.leaf(|_| {});
    let signature = signer(&system).sign(PAYLOAD, Side::Provider, today()).unwrap();
    assert_eq!(world.code(&signature), "wrong-key-usage");
    let stranger = person(&root("stranger"), KeyPair::generate().unwrap());
    let signature = signer(&stranger).sign(PAYLOAD, Side::Provider, today()).unwrap();
    assert_eq!(world.code(&signature), "chain-incomplete");
    let far = JwsSignature { protected: "A".repeat(200 << 10), signature: String::new() };
    assert_eq!(world.code(&far), "signature-too-large");
}

/// C5
#[test]
fn certificate_is_judged_as_of_signing() {
    let mut world = world();
    world.leaf = world.root.leaf(|p| {
        signing(p);
        p.not_after = date_time_ymd(2026, 11, 12);
    });
    let in_time = world.sign(at("2026-11-11T00:00:00Z"));
    assert_eq!(world.code(&in_time), "good", "expired since");
    let arriving = verify_received(PAYLOAD, &in_time, &world.trust, today()).unwrap_err();
    assert_eq!(arriving.code(), "expired", "but must not arrive only now");
    assert_eq!(world.code(&world.sign(at("2026-11-13T00:00:00Z"))), "expired");
    assert_eq!(world.code(&world.sign(at("2026-05-01T00:00:00Z"))), "not-yet-valid");
    assert_eq!(world.code(&world.sign(at("2026-11-15T12:06:00Z"))), "signature-from-the-future");
}

/// C5
#[test]
fn revocation_voids_what_was_signed_after_it() {
    let mut world = world();
    let (before, after) = (world.sign(at("2026-11-09T00:00:00Z")), world.sign(at("2026-11-10T00:00:00Z")));
    // The list says: revoked on the tenth.
    world.trust = Trust::new(world.root.set(&[], &[world.root.crl(&[7])]));
    assert_eq!(world.code(&before), "good");
    assert_eq!(world.code(&after), "revoked");
    let arriving = verify_received(PAYLOAD, &before, &world.trust, today()).unwrap_err();
    assert_eq!(arriving.code(), "revoked", "a backdated signature is worth nothing to whoever stole the key");
    // And known to be invalid since the eighth.
    let list = world.root.crl_with(&[7], |p| {
        p.revoked_certs[0].invalidity_date = Some(date_time_ymd(2026, 11, 8));
    });
    world.trust = Trust::new(world.root.set(&[], &[list]));
    assert_eq!(world.code(&before), "revoked");
    world.trust = Trust::new(world.root.set(&[], &[]));
    assert_eq!(world.code(&before), "crl-missing");
}

#[test]
fn general_serialisation_is_that_of_the_rfc() {
    let world = world();
    let jws = serde_json::to_value(GeneralJws::new(b"{}", vec![world.sign(today())])).unwrap();
    assert_eq!(jws["payload"], "e30");
    assert_eq!(jws["signatures"][0].as_object().unwrap().len(), 2);
    let back: GeneralJws = serde_json::from_value(jws).unwrap();
    assert_eq!(world.code(&back.signatures[0]), "good");
    let foreign = json!({"protected": "", "signature": "", "header": {"alg": "none"}});
    assert!(
        serde_json::from_value::<JwsSignature>(foreign).is_err(),
        "nothing is taken from outside of the signature"
    );
}

/// B7: what a token says is what its issuer signed, to the last bit.
#[test]
fn a_token_counts_as_its_issuer_signed_it_and_not_with_one_character_changed() {
    let world = world();
    let token = signer(&world.leaf).token(PAYLOAD).unwrap();
    let code = |token: &str| match verify_token(token, &world.trust, today()) {
        Ok(verified) => {
            assert_eq!(verified.payload, PAYLOAD);
            "good"
        }
        Err(fault) => fault.code(),
    };
    assert_eq!(code(&token), "good");
    for at in 0..token.len() {
        let mut other = token.clone().into_bytes();
        other[at] = if other[at] == b'A' { b'B' } else { b'A' };
        assert_ne!(code(std::str::from_utf8(&other).unwrap()), "good", "character {at}");
    }
    for (token, expected) in [
        ("", "signature-malformed"),
        ("..", "signature-header"),
        (&*format!("{token}="), "signature-malformed"),
        (&*format!("{token}."), "signature-malformed"),
        (&*"a".repeat(20_000), "signature-too-large"),
    ] {
        assert_eq!(code(token), expected);
    }
    let late = today() + jiff::SignedDuration::from_hours(24 * 365 * 200);
    assert!(
        verify_token(&token, &world.trust, late).is_err(),
        "the issuer's certificate counts now, or not at all"
    );
}

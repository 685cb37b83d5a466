//! What the examples write into a log: one exchange as such exchanges are; and chance that is the same each time.

#![allow(dead_code, reason = "not every example needs all of it")]

use agreements::Fingerprint;
use gateway::exchange_log::{Claim, Closing, Opening, Outcome, Sha256};
use jiff::Timestamp;
use uuid::Uuid;

/// An opening of now; its line has some 1,050 bytes.
pub(crate) fn opening() -> Opening<'static> {
    Opening {
        consumer: "personnel".into(),
        consumer_holder: "000140000001".into(),
        provider: "address-register".into(),
        provider_holder: "000140000002".into(),
        data_type: "address".into(),
        data_type_version: "1".into(),
        operation: "lookup".into(),
        environment: "production".into(),
        method: Some("GET".into()),
        agreement: "KZ-2026-1".into(),
        agreement_version: 1,
        purpose: "verify-residence".into(),
        basis: "act-1/2/3.1".into(),
        user: Some(Claim::new("900101300123")),
        user_address: Some(Claim::new("10.1.2.3")),
        peer_address: [127, 0, 0, 1].into(),
        certificate: Fingerprint::new([7; 32]),
        case: Some(Claim::new("2026/11/22-17")),
        logical_part: Some(Claim::new("/addresses/0201300012345678")),
        category: "open".into(),
        request_digest: Some(Sha256([1; 32])),
        registry_revision: 12,
        ..Opening::bare(Uuid::now_v7(), now())
    }
}

/// Its closing; its line has some 470 bytes.
pub(crate) fn closing() -> Closing<'static> {
    Closing {
        status: Some(200),
        response_digest: Some(Sha256([2; 32])),
        response_bytes: Some(1024),
        duration_us: Some(800),
        ..Closing::bare(now(), Outcome::Completed)
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark has no clock.rs")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// Like a random number, the same each time (splitmix64).
pub(crate) fn scattered(number: u64, salt: u64) -> u64 {
    let mut z = number.wrapping_add(salt << 40).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

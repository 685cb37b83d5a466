//! Signatures over stored bytes: JWS (RFC 7515) with the signer's chain, by heads and by the regulator; and tokens, which
//! their issuers sign and nobody stores.
//!
//! What is signed is bytes that are kept as they are; [`canonical()`] makes them from JSON once. A signature
//! names the side for which it was made and when; both are covered by it. The time is the signer's own word:
//! [`verify`] believes it, [`verify_received`] is for the moment when a signature arrives and does not.

mod canonical;
mod jws;
mod token;
mod verify;

pub use agreements::Side;
pub use canonical::{NotCanonical, canonical};
pub(crate) use jws::fixed;
pub use jws::{GeneralJws, JwsSignature, Signer, SigningFault};
pub use token::{VerifiedToken, verify_token};
pub use verify::{SignatureFault, VerifiedSignature, verify, verify_received};

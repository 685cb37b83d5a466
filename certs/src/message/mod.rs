//! Message signatures (RFC 9421) and digests of content (RFC 9530): who made a request or an answer, beyond the line.
//!
//! ```text
//! Message ─ base ─ the bytes that were signed ─ verify(certificate) → VerifiedMessage
//! Content-Digest ─ digest ─ ContentDigest, held against the body when it was read
//! ```
//!
//! Nothing is believed of what a signature says of itself: the algorithm follows from the key, what must be covered is
//! demanded, and the time of making has to be now.

mod base;
mod digest;
mod sign;
mod verify;

pub use base::{Message, Target};
pub use digest::{ContentDigest, RunningDigest};
pub use sign::sign_message;
pub use verify::{Content, Demand, MessageFault, VerifiedMessage, verify_message};

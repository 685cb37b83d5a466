//! How a call arrives and how it leaves.
//!
//! A surface reads a request into what it asks for, in one canonical form which is both decided on and forwarded:
//!
//! ```text
//! native::read(request) → Asked { provider, data type, path, query, claims } | Unreadable
//! ```
//!
//! Nothing here decides, logs or dials. Claims are what the caller says; who the caller is, its certificate says.

pub mod native;

pub mod canonical;

mod claims;
pub use claims::{CLAIMS, Claim, Claims, Spelling, encode_claim};

mod unreadable;
pub use unreadable::{Flaw, Unreadable};

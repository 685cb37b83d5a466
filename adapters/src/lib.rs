//! How a call arrives and how it leaves.
//!
//! A surface reads a request into what it asks for, in one canonical form which is both decided on and forwarded:
//!
//! ```text
//! native::read(request) → Asked { provider, data type, path, query, claims } | Unreadable
//! ```
//!
//! A body that is a document, or a card with documents, is looked through as it passes:
//!
//! ```text
//! documents::Inspection   one document: what it is, by its content
//! multipart::Form         a card and files in one body
//! ```
//!
//! Nothing here decides, logs or dials. Claims are what the caller says; who the caller is, its certificate says.

pub mod native;

pub mod canonical;

pub mod documents;

pub mod multipart;

mod claims;
pub use claims::{CLAIMS, Claim, Claims, Spelling, encode_claim};

mod unreadable;
pub use unreadable::{Flaw, Unreadable};

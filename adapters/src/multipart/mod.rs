//! A JSON card and the files that belong to it in one body: `multipart/form-data` (RFC 7578) and `multipart/related`
//! (RFC 2387), read strictly as they pass.
//!
//! ```text
//! Boundary::of(Content-Type) → Parts: pieces → heads, contents → Form: the card, then files under Inspection
//! ```
//!
//! A body passes byte for byte, so it must mean the same to whoever reads it after us: no preamble, no epilogue, no
//! folded, repeated or unknown header, no transfer encoding, one way to write a name. What is held is the card, one
//! part's head, and bytes that may begin a boundary.

mod boundary;
mod form;
mod head;
mod notary;
mod parts;

pub use boundary::{Boundary, Kind};
pub use form::{Form, FormBounds, FormUnfit, Heard};
pub use head::Malformed;
pub use notary::{Notary, Unsigned};

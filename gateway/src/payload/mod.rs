//! JSON payloads: validated against the data type's schema, and trimmed to what the agreement names.
//!
//! ```text
//! bytes ─ Pass ─ fits ───────────────────────────┬─→ Checked            a request, or a reply given whole
//!           └ anything else ─ Document ─ judge ──┘    └ Selection ─→ Trimmed     only the fields named
//!                             (a tape)
//! ```
//!
//! Nearly all documents are read and checked in a single pass over their bytes. Where it says anything but
//! *fits*, the document is read into a tape of offsets, and the `jsonschema` library, generic over how JSON is
//! represented, walks the tape: its verdict is given, and its words. Nothing here does I/O: references that leave
//! the schema are refused, never fetched.
//!
//! Trust: documents come from hostile peers, schemas from registered holders. Both are bounded in time and
//! memory ([`Limits`]). What a [`Violation`] says is written to logs: it never holds a value of the document,
//! nor a member name that the schema does not name itself.

mod cache;
mod compare;
mod document;
mod pass;
mod place;
mod scan;
mod schema;
mod selection;
mod survey;
mod tape;
mod trim;
mod violation;

pub use cache::SchemaCache;
pub use compare::{Change, compare};
pub use place::Place;
pub use schema::{Checked, Limits, Schema, SchemaError};
pub use selection::{Selection, SelectionError};
pub use trim::{Trimmed, Withheld};
pub use violation::Violation;

#[cfg(test)]
mod attacks;
#[cfg(test)]
mod differential;
#[cfg(test)]
#[path = "../../../tests/fuzz/src"]
#[allow(dead_code, unreachable_pub, reason = "they are a crate's parts there")]
mod fuzz {
    pub mod edits;
    pub mod selectors;
}
#[cfg(test)]
mod suite;

//! Arbitrary bytes for the parsers of ours: what is demanded of each, whatever it is given.
//!
//! A fuzzer says bytes ([`edits`]); each of the other parts takes them as edits of something well-formed, has the parser
//! look at what comes of it, and panics where the parser is wrong. `cargo test` runs each of them a few hundred times
//! as well: the last in the gateway (`gateway/src/payload`), the others in `tests/tests/edited.rs`.

pub mod cms;
pub mod documents;
pub mod edits;
pub mod forms;
pub mod messages;
pub mod national;
pub mod pdf;
pub mod selectors;

#[path = "../../../adapters/tests/support/files.rs"]
#[allow(dead_code)]
mod files;
#[path = "../../../gateway/src/payload/mod.rs"]
#[allow(dead_code, unused_imports, missing_docs)]
mod payload;
mod signers;
#[path = "../../../certs/tests/support/mod.rs"]
mod support;
mod tree;

//! Transparency: what lets a stranger check a log without trusting who keeps it. Pure: bytes in, bytes or a verdict out.
//!
//! ```text
//! hash   RFC 6962 hashes of leaves and nodes      tile   C2SP tlog-tiles: where hashes and entries stand
//! tree   roots and proofs of any tree of hashes   proof  verifying them: inclusion, consistency
//! ```
//!
//! Not here: files (the exchange log's sealer writes them), and what entries say.

mod hash;
mod proof;
mod tile;
mod tree;

#[cfg(test)]
mod others;
#[cfg(test)]
mod suite;

pub use hash::Hash;
pub use proof::{NotProven, verify_consistency, verify_inclusion, verify_subtree, verify_subtree_inclusion};
pub use tile::{BUNDLE_ENTRIES, Edge, TilePath, push_entry, split_bundle, tile_bytes, tile_hashes};
pub use tree::{Nodes, consistency, inclusion, root};

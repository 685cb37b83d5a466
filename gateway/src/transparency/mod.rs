//! Transparency: what lets a stranger check a log without trusting who keeps it. Pure: bytes in, bytes or a verdict out.
//!
//! ```text
//! hash         RFC 6962 hashes of leaves and nodes    tile   C2SP tlog-tiles: where hashes and entries stand
//! tree         roots and proofs of any tree           proof  verifying them: inclusion, consistency
//! key          names, signing keys, verifier keys     note   text with signatures: C2SP signed-note
//! checkpoint   a note about a tree: origin, size, root (C2SP tlog-checkpoint)
//! cosignature  what a witness signs: a checkpoint and when it was seen (C2SP tlog-cosignature)
//! policy       whose signatures count (C2SP tlog-policy)
//! receipt      that an entry is in a log, provable offline (C2SP tlog-proof)
//! ```
//!
//! Not here: files (the exchange log's sealer writes them), and what entries say.

pub mod checkpoint;
pub mod cosignature;
mod hash;
pub mod key;
pub mod note;
pub mod policy;
mod proof;
pub mod receipt;
mod tile;
mod tree;

#[cfg(test)]
mod others;
#[cfg(test)]
mod suite;

#[cfg(test)]
pub(crate) use tree::tests::{Leaves, leaves};

pub use hash::{Hash, NotAHash};
pub use proof::{NotProven, verify_consistency, verify_inclusion, verify_subtree, verify_subtree_inclusion};
pub use tile::{
    BUNDLE_ENTRIES, Edge, NotATile, TilePath, complete, push_entry, split_bundle, tile_bytes, tile_hashes,
};
pub use tree::{Nodes, consistency, inclusion, root};

/// Reads a number as the specifications spell it: decimal digits without leading zeros.
pub(crate) fn parse_number(text: &str) -> Option<u64> {
    let canonical = text == "0" || text.starts_with(|first: char| ('1'..='9').contains(&first));
    // `parse` alone would take a plus sign and leading zeros.
    if canonical { text.parse().ok() } else { None }
}

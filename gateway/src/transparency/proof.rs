//! Verifying proofs that somebody else made: RFC 6962 as told by RFC 9162 §2.1, and subtrees after
//! draft-ietf-plants-merkle-tree-certs-02 §4. Whatever comes in, it ends after as many steps as the proof has hashes.

use super::Hash;

/// The proof does not show what it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotProven {
    /// There is no such leaf, or no such tree.
    #[error("no such place: {0}")]
    NoSuchPlace(&'static str),
    /// The proof has more or fewer hashes than there are between the two.
    #[error("the proof has a wrong length")]
    Length,
    /// The hashes lead elsewhere.
    #[error("the proof leads to another root")]
    OtherRoot,
}

/// Whether `leaf` is entry `index` of the tree of `size` entries under `root`.
///
/// # Errors
/// [`NotProven`]: nothing is shown.
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), NotProven> {
    if index >= size {
        return Err(NotProven::NoSuchPlace("the index is not below the size"));
    }
    let (mut node, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for beside in proof {
        if last == 0 {
            return Err(NotProven::Length);
        }
        if node & 1 == 1 || node == last {
            hash = Hash::of_node(beside, &hash);
            // Levels at which the last node stands alone have no sibling, so no hash.
            while node & 1 == 0 && node != 0 {
                (node, last) = (node >> 1, last >> 1);
            }
        } else {
            hash = Hash::of_node(&hash, beside);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    if last != 0 {
        return Err(NotProven::Length);
    }
    if hash == *root { Ok(()) } else { Err(NotProven::OtherRoot) }
}

/// Whether `leaf` is entry `index` of the log, within its entries from `start` to before `end`, whose hash is `node`.
///
/// # Errors
/// [`NotProven`]: nothing is shown.
pub fn verify_subtree_inclusion(
    leaf: &Hash,
    index: u64,
    (start, end): (u64, u64),
    proof: &[Hash],
    node: &Hash,
) -> Result<(), NotProven> {
    check_subtree(start, end)?;
    let within = index.checked_sub(start).ok_or(NotProven::NoSuchPlace("the index is before the subtree"))?;
    verify_inclusion(leaf, within, end - start, proof, node)
}

/// Whether the tree of `to` entries under `new` begins with that of `from` entries under `old`.
///
/// That a tree begins with the empty one needs no proof, and shows nothing: it is refused.
///
/// # Errors
/// [`NotProven`]: nothing is shown.
pub fn verify_consistency(
    from: u64,
    to: u64,
    old: &Hash,
    new: &Hash,
    proof: &[Hash],
) -> Result<(), NotProven> {
    if from == 0 {
        return Err(NotProven::NoSuchPlace("no entries"));
    }
    verify_subtree((0, from), to, old, new, proof)
}

/// Whether entries `start` to before `end`, whose hash is `node`, are those of the tree of `size` entries under `root`.
///
/// # Errors
/// [`NotProven`]: nothing is shown.
pub fn verify_subtree(
    (start, end): (u64, u64),
    size: u64,
    node: &Hash,
    root: &Hash,
    proof: &[Hash],
) -> Result<(), NotProven> {
    if end > size {
        return Err(NotProven::NoSuchPlace("the subtree ends behind the tree"));
    }
    if start == end {
        // Of no entries every tree consists in part.
        return match proof {
            [] if *node == Hash::of_empty_tree() => Ok(()),
            [] => Err(NotProven::OtherRoot),
            [_, ..] => Err(NotProven::Length),
        };
    }
    check_subtree(start, end)?;
    // Our path is that of the subtree's last entry; it begins where the subtree is one complete node, if it ever is.
    let (mut first, mut last, mut tree) = (start, end - 1, size - 1);
    while first != last && (last & 1 == 1 || last == tree) {
        (first, last, tree) = (first >> 1, last >> 1, tree >> 1);
    }
    if last == tree {
        while first != last {
            (first, last, tree) = (first >> 1, last >> 1, tree >> 1);
        }
    }
    let mut hashes = proof.iter();
    let begin = if first == last { node } else { hashes.next().ok_or(NotProven::Length)? };
    let (mut of_node, mut of_root) = (*begin, *begin);
    for hash in hashes {
        if tree == 0 {
            return Err(NotProven::Length);
        }
        if last & 1 == 1 || last == tree {
            if first < last {
                of_node = Hash::of_node(hash, &of_node);
            }
            of_root = Hash::of_node(hash, &of_root);
            while last & 1 == 0 && last != 0 {
                (first, last, tree) = (first >> 1, last >> 1, tree >> 1);
            }
        } else {
            of_root = Hash::of_node(&of_root, hash);
        }
        (first, last, tree) = (first >> 1, last >> 1, tree >> 1);
    }
    if tree != 0 {
        return Err(NotProven::Length);
    }
    if of_node == *node && of_root == *root { Ok(()) } else { Err(NotProven::OtherRoot) }
}

fn check_subtree(start: u64, end: u64) -> Result<(), NotProven> {
    if start >= end {
        return Err(NotProven::NoSuchPlace("no entries"));
    }
    // Of more than half of all numbers, only the one from 0 begins at a multiple of its size.
    let aligned =
        (end - start).checked_next_power_of_two().map_or(start == 0, |whole| start.is_multiple_of(whole));
    if aligned { Ok(()) } else { Err(NotProven::NoSuchPlace("not a subtree")) }
}

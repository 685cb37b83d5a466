//! Roots and proofs of any tree whose complete subtrees can be asked for: RFC 6962 §2.1.

use super::Hash;

/// Complete subtrees of a tree, wherever they are kept.
pub trait Nodes {
    /// Why a subtree cannot be had.
    type Error;

    /// The hash over the `2^height` entries from `number * 2^height` on. The tree has all of them.
    ///
    /// # Errors
    /// It is not kept, or cannot be read.
    fn node(&self, height: u32, number: u64) -> Result<Hash, Self::Error>;
}

/// The root of the first `size` entries.
///
/// # Errors
/// Those of `nodes`.
pub fn root<N: Nodes>(nodes: &N, size: u64) -> Result<Hash, N::Error> {
    if size == 0 { Ok(Hash::of_empty_tree()) } else { range(nodes, 0, size) }
}

/// The hashes beside the path from entry `index` to the root of the first `size` entries, from the leaf up.
///
/// # Errors
/// Those of `nodes`.
///
/// # Panics
/// Unless `index` is below `size`.
pub fn inclusion<N: Nodes>(nodes: &N, index: u64, size: u64) -> Result<Vec<Hash>, N::Error> {
    assert!(index < size, "entry {index} is not among the first {size}");
    let (mut start, mut end) = (0, size);
    let mut proof = Vec::new();
    while end - start > 1 {
        let split = start + left_of(end - start);
        if index < split {
            proof.push(range(nodes, split, end)?);
            end = split;
        } else {
            proof.push(range(nodes, start, split)?);
            start = split;
        }
    }
    proof.reverse();
    Ok(proof)
}

/// The hashes that show that the tree of `to` entries begins with that of `from` entries.
///
/// # Errors
/// Those of `nodes`.
///
/// # Panics
/// Unless `from` is at least one and at most `to`.
pub fn consistency<N: Nodes>(nodes: &N, from: u64, to: u64) -> Result<Vec<Hash>, N::Error> {
    assert!((1..=to).contains(&from), "the tree of {to} entries does not grow out of that of {from}");
    let (mut start, mut end) = (0, to);
    let mut proof = Vec::new();
    // RFC 6962 §2.1.2: SUBPROOF(from, D[start:end], start is still 0).
    while from != end {
        let split = start + left_of(end - start);
        if from <= split {
            proof.push(range(nodes, split, end)?);
            end = split;
        } else {
            proof.push(range(nodes, start, split)?);
            start = split;
        }
    }
    if start > 0 {
        proof.push(range(nodes, start, end)?);
    }
    proof.reverse();
    Ok(proof)
}

/// The hash over the entries from `start` to before `end`; `start` is a multiple of the size of the tree over them.
fn range<N: Nodes>(nodes: &N, start: u64, end: u64) -> Result<Hash, N::Error> {
    let count = end - start;
    if count.is_power_of_two() {
        return nodes.node(count.trailing_zeros(), start / count);
    }
    let split = start + left_of(count);
    Ok(Hash::of_node(&range(nodes, start, split)?, &range(nodes, split, end)?))
}

/// Largest power of two below `count`, which is at least 2.
fn left_of(count: u64) -> u64 {
    1 << (count - 1).ilog2()
}

#[cfg(test)]
pub(super) mod tests {
    use std::convert::Infallible;

    use super::super::{verify_consistency, verify_inclusion};
    use super::*;

    /// All leaves in memory.
    pub(crate) struct Leaves(pub(crate) Vec<Hash>);

    impl Nodes for Leaves {
        type Error = Infallible;

        fn node(&self, height: u32, number: u64) -> Result<Hash, Infallible> {
            if height == 0 {
                return Ok(self.0[usize::try_from(number).unwrap()]);
            }
            let [left, right] = [0, 1].map(|side| self.node(height - 1, 2 * number + side).unwrap());
            Ok(Hash::of_node(&left, &right))
        }
    }

    pub(crate) fn leaves(count: u64) -> Leaves {
        Leaves((0..count).map(|number| Hash::of_leaf(&number.to_be_bytes())).collect())
    }

    #[test]
    fn every_proof_of_every_small_tree_is_verified_and_of_no_other_leaf_or_size() {
        let tree = leaves(70);
        let roots: Vec<Hash> = (0..=70).map(|size| root(&tree, size).unwrap()).collect();
        for size in 1..=70 {
            let top = roots[size as usize];
            for index in 0..size {
                let proof = inclusion(&tree, index, size).unwrap();
                verify_inclusion(&tree.0[index as usize], index, size, &proof, &top).unwrap();
                let other = &tree.0[(index as usize + 1) % 70];
                assert!(verify_inclusion(other, index, size, &proof, &top).is_err());
                assert!(verify_inclusion(&tree.0[index as usize], index ^ 1, size, &proof, &top).is_err());
            }
            for from in 1..=size {
                let (old, proof) = (roots[from as usize], consistency(&tree, from, size).unwrap());
                verify_consistency(from, size, &old, &top, &proof).unwrap();
                assert!(verify_consistency(from, size, &roots[from as usize - 1], &top, &proof).is_err());
            }
        }
    }
}

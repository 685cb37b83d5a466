//! A published crate, `ct-merkle`, verifies what ours proves.

use ct_merkle::{ConsistencyProof, InclusionProof, RootHash};
use sha2::Sha256;

use super::tree::tests::leaves;
use super::{Hash, consistency, inclusion, root};

/// D3
#[test]
fn ct_merkle_verifies_our_inclusion_and_consistency_proofs() {
    let tree = leaves(300);
    for size in [1, 2, 3, 7, 8, 255, 256, 257, 300] {
        let top = their_root(size);
        for index in [0, 1, size / 2, size - 1] {
            let index = index.min(size - 1);
            let proof =
                InclusionProof::<Sha256>::try_from_bytes(bytes(&inclusion(&tree, index, size).unwrap()));
            top.verify_inclusion(&index.to_be_bytes(), index, &proof.unwrap()).unwrap();
        }
        for from in [1, size / 2, size - 1, size] {
            let from = from.max(1);
            let proof = bytes(&consistency(&tree, from, size).unwrap());
            let proof = ConsistencyProof::<Sha256>::try_from_bytes(proof).unwrap();
            top.verify_consistency(&their_root(from), &proof).unwrap();
        }
    }
}

fn their_root(size: u64) -> RootHash<Sha256> {
    RootHash::new(root(&leaves(size), size).unwrap().0.into(), size)
}

fn bytes(proof: &[Hash]) -> Vec<u8> {
    proof.iter().flat_map(|hash| hash.0).collect()
}

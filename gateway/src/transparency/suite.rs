//! The 518 cases of transparency-dev/merkle.

use std::fs;
use std::path::{Path, PathBuf};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;

use super::{
    Hash, NotProven, verify_consistency, verify_inclusion, verify_subtree, verify_subtree_inclusion,
};

/// D3
#[test]
fn verifier_agrees_with_every_case_of_the_suite_of_transparency_dev() {
    let mut cases = Vec::new();
    let suite = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/suites/merkle");
    collect(&suite, &mut cases);
    assert_eq!(cases.len(), 518);
    let wrong: Vec<String> = cases.iter().filter_map(|path| judge(&suite, path)).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// What is wrong, if we and the case disagree.
fn judge(suite: &Path, path: &Path) -> Option<String> {
    let case: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let name = path.strip_prefix(suite).unwrap();
    let number = |member: &str| case[member].as_u64().unwrap();
    let hash = |member: &str| hash(&bytes(&case[member]));
    let proof = proof(&case["proof"]);
    // What is no hash is refused before it gets to us.
    let leaf = || bytes(&case["leafHash"]).try_into().map(Hash).map_err(|_| NotProven::Length);
    let verdict = match name.iter().next().unwrap().to_str().unwrap() {
        "inclusion" => proof.and_then(|proof| {
            let (index, size) = (number("leafIdx"), number("treeSize"));
            verify_inclusion(&leaf()?, index, size, &proof, &hash("root"))
        }),
        "consistency" => proof.and_then(|proof| {
            verify_consistency(number("size1"), number("size2"), &hash("root1"), &hash("root2"), &proof)
        }),
        "subtreeinclusion" => proof.and_then(|proof| {
            let subtree = (number("start"), number("end"));
            verify_subtree_inclusion(&leaf()?, number("leafIdx"), subtree, &proof, &hash("root"))
        }),
        "subtreeconsistency" => proof.and_then(|proof| {
            let subtree = (number("start"), number("end"));
            verify_subtree(subtree, number("size"), &hash("root1"), &hash("root2"), &proof)
        }),
        other => panic!("no kind of case: {other}"),
    };
    let wanted = !case["wantErr"].as_bool().unwrap();
    (verdict.is_ok() != wanted).then(|| format!("{}: {verdict:?}", name.display()))
}

/// Roots that are no hashes stand for one that nothing else hashes to: some cases compare them, none computes them.
fn hash(bytes: &[u8]) -> Hash {
    bytes.try_into().map_or_else(|_| Hash::of_leaf(bytes), Hash)
}

fn proof(list: &Value) -> Result<Vec<Hash>, NotProven> {
    let hashes = list.as_array().map(Vec::as_slice).unwrap_or_default();
    hashes.iter().map(|hash| bytes(hash).try_into().map(Hash).map_err(|_| NotProven::Length)).collect()
}

fn bytes(text: &Value) -> Vec<u8> {
    BASE64_STANDARD.decode(text.as_str().unwrap()).unwrap()
}

fn collect(dir: &Path, cases: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { collect(&path, cases) } else { cases.push(path) }
    }
}

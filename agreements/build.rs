//! Names the rules: a digest of this crate's sources, so that what one version folded is read by no other.
#![allow(clippy::unwrap_used, reason = "a build that cannot read its sources ends")]

use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};

fn main() {
    println!("cargo::rerun-if-changed=src");
    let mut files = Vec::new();
    gather(Path::new("src"), &mut files);
    files.sort();
    let mut digest = DefaultHasher::new();
    for file in files {
        digest.write(&fs::read(file).unwrap());
    }
    println!("cargo::rustc-env=AGREEMENTS_RULES={:016x}", digest.finish());
}

fn gather(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { gather(&path, files) } else { files.push(path) }
    }
}

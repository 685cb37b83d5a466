//! The house is tidy: directions between crates, who may name what, sizes, and documents in step with the code.
//!
//! `UPDATE_DOCS=1 cargo test -p tests --test tidy` writes the generated tables of the documents anew.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

#[path = "tidy/configuration.rs"]
mod configuration;
#[path = "tidy/documents.rs"]
mod documents;
#[path = "tidy/refusals.rs"]
mod refusals;
#[path = "tidy/roles.rs"]
mod roles;
#[path = "tidy/tree.rs"]
mod tree;

use std::collections::BTreeSet;
use std::fs;

use tree::{File, files, root};

/// Which crate may name which: `gateway → adapters, certs → agreements`.
const ARROWS: [(&str, &[&str]); 5] = [
    ("agreements", &[]),
    ("certs", &["agreements"]),
    ("adapters", &["agreements"]),
    ("gateway", &["adapters", "agreements", "certs"]),
    ("tests", &["adapters", "agreements", "certs", "gateway"]),
];

/// Crates of TLS, certificates and their verification. Tests make hostile ones, so they may name them.
const TLS: [&str; 6] =
    ["rustls", "rustls-webpki", "rustls-pki-types", "tokio-rustls", "x509-parser", "rcgen"];

/// Crates that speak SQL.
const SQL: [&str; 4] = ["rusqlite", "tokio-postgres", "deadpool-postgres", "sqlx"];

#[test]
fn crates_point_one_way() {
    let workspace: toml::Table = manifest("Cargo.toml");
    let members: BTreeSet<&str> = workspace["workspace"]["members"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect();
    assert_eq!(members, ARROWS.iter().map(|(name, _)| *name).collect(), "each crate has its arrows");
    for (name, allowed) in ARROWS {
        let named = dependencies(name, &["dependencies", "dev-dependencies", "build-dependencies"]);
        for other in named.iter().filter(|other| members.contains(other.as_str())) {
            // A crate's own tests may look at it from below, but at nothing above it.
            assert!(allowed.contains(&other.as_str()), "{name} may not name {other}");
        }
    }
}

#[test]
fn only_certs_names_tls() {
    for (name, _) in ARROWS.iter().filter(|(name, _)| !["certs", "tests"].contains(name)) {
        let named = dependencies(name, &["dependencies"]);
        assert!(named.iter().all(|one| !TLS.contains(&one.as_str())), "{name} names TLS: {named:?}");
    }
    for file in files(".rs").iter().filter(|file| ships(file) && !file.path.starts_with("certs/")) {
        for word in ["rustls::", "webpki::", "tokio_rustls", "rustls_pki_types"] {
            assert!(!file.text.contains(word), "{} names {word}", file.path);
        }
    }
}

#[test]
fn only_stores_and_the_exchange_index_name_sql() {
    for (name, _) in ARROWS.iter().filter(|(name, _)| !["gateway", "tests"].contains(name)) {
        let named = dependencies(name, &["dependencies", "dev-dependencies"]);
        assert!(named.iter().all(|one| !SQL.contains(&one.as_str())), "{name} names SQL: {named:?}");
    }
    let store = [
        "gateway/src/api/access/answers.rs",
        "gateway/src/api/access/lockout.rs",
        "gateway/src/api/access/mod.rs",
        "gateway/src/api/access/sessions.rs",
        "gateway/src/exchange_index/find.rs",
        "gateway/src/exchange_index/growing.rs",
        "gateway/src/exchange_index/index.rs",
        "gateway/src/exchange_index/parties.rs",
        "gateway/src/exchange_index/query.rs",
        "gateway/src/registry/sqlite.rs",
        "gateway/src/registry/store.rs",
        "gateway/src/repeats/store.rs",
    ];
    let folders = [
        "gateway/src/api/access/sql/",
        "gateway/src/exchange_index/sql/",
        "gateway/src/registry/sql/",
        "gateway/src/repeats/sql/",
    ];
    for file in files(".rs").iter().filter(|file| ships(file) && !store.contains(&file.path.as_str())) {
        for word in ["rusqlite", "tokio_postgres"] {
            assert!(!file.text.contains(word), "{} names {word}", file.path);
        }
    }
    for file in files(".sql") {
        assert!(folders.iter().any(|folder| file.path.starts_with(folder)), "{} stands elsewhere", file.path);
    }
}

#[test]
fn rules_do_no_io_wait_for_nothing_and_read_no_clock() {
    for file in files(".rs").iter().filter(|file| ships(file) && file.path.starts_with("agreements/")) {
        let code = file.text.split("#[cfg(test)]").next().unwrap();
        for word in [
            "std::fs",
            "std::io",
            "std::thread",
            "std::time",
            "std::env",
            "TcpStream",
            "async fn",
            "tokio",
            "::now(",
        ] {
            assert!(!code.contains(word), "{} names {word}", file.path);
        }
    }
}

#[test]
fn the_clock_is_read_in_one_place() {
    for file in files(".rs").iter().filter(|file| ships(file) && file.path != "gateway/src/clock.rs") {
        for word in ["Timestamp::now(", "SystemTime::now(", "Zoned::now("] {
            assert!(!file.text.contains(word), "{} reads the clock by {word})", file.path);
        }
    }
}

#[test]
fn no_file_is_longer_than_it_may_be_and_each_says_what_it_is_for() {
    for file in files(".rs") {
        let lines = file.text.lines().count();
        assert!(lines <= 600, "{} has {lines} lines: split it", file.path);
        assert!(file.text.starts_with("//!"), "{} does not say what it is for", file.path);
    }
}

#[test]
fn nothing_names_this_machine_or_is_left_undone() {
    let machine = [concat!("/", "work/"), concat!("/", "root/"), concat!("/home", "/")];
    let undone =
        [concat!("to", "do!("), concat!("un", "implemented!("), concat!("FIX", "ME"), concat!("TO", "DO")];
    for file in files("") {
        for word in machine {
            assert!(!file.text.contains(word), "{} names {word}", file.path);
        }
        for word in undone.iter().filter(|_| file.path != "Cargo.lock") {
            assert!(!file.text.contains(word), "{} says {word}: finish it, or open an issue", file.path);
        }
    }
}

#[test]
fn dependencies_come_from_crates_io_and_their_versions_stand_in_the_workspace() {
    let lock: toml::Table = manifest("Cargo.lock");
    for package in lock["package"].as_array().unwrap() {
        if let Some(source) = package.get("source").and_then(toml::Value::as_str) {
            let name = &package["name"];
            assert_eq!(source, "registry+https://github.com/rust-lang/crates.io-index", "{name}");
        }
    }
    assert!(!root().join(".cargo").exists(), "a registry of one machine is no business of the house");
    for (name, _) in ARROWS {
        let manifest = manifest(&format!("{name}/Cargo.toml"));
        for table in ["dependencies", "dev-dependencies"] {
            let Some(named) = manifest.get(table).and_then(toml::Value::as_table) else { continue };
            for (dependency, how) in named {
                let inherited = how.get("workspace").and_then(toml::Value::as_bool);
                assert_eq!(
                    inherited,
                    Some(true),
                    "{name}: the version of {dependency} belongs to the workspace"
                );
            }
        }
        assert!(manifest["lints"]["workspace"].as_bool().unwrap(), "{name} has lints of its own");
    }
}

/// Whether a file is part of the program rather than a test, example or bench.
fn ships(file: &File) -> bool {
    let of_tests = file.path.starts_with("tests/") || file.path.contains("/tests");
    file.path.contains("/src/") && !of_tests
}

fn manifest(path: &str) -> toml::Table {
    fs::read_to_string(root().join(path)).unwrap().parse().unwrap()
}

/// What a crate's manifest names.
fn dependencies(name: &str, tables: &[&str]) -> Vec<String> {
    let manifest = manifest(&format!("{name}/Cargo.toml"));
    let tables = tables.iter().filter_map(|table| manifest.get(*table)?.as_table());
    tables.flat_map(|table| table.keys().cloned()).filter(|other| other != name).collect()
}

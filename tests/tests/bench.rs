//! The benchmark runs: a change of the rules that its estate does not follow is found here, not when figures are wanted.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::process::Command;

use tests::world::kelisim;

#[test]
fn benchmark_founds_its_estate_and_measures_each_kind_of_call() {
    // Builds the program that it starts, if a single test was asked for.
    assert!(kelisim(&["--version"]).0.success());
    let arguments = [
        "--peers",
        "kelisim",
        "--rounds",
        "1",
        "--seconds",
        "0.2",
        "--only",
        "get1k-32,post4k-32,document-up,handshake",
    ];
    let said = Command::new(env!("CARGO_BIN_EXE_bench")).args(arguments).output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let table = String::from_utf8(said.stdout).unwrap();
    for case in ["get1k-32", "post4k-32", "document-up", "handshake"] {
        assert!(table.contains(case), "{table}");
    }
}

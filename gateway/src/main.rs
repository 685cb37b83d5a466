//! `kelisim`: the gateway and its command line.

fn main() {}

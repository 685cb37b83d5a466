//! The promises of Kelisim, seen from outside.

pub mod bench;

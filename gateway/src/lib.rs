//! The process: exchange path, exchange log, registry, command line.

pub mod framing;
pub mod payload;

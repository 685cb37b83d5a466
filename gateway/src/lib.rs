//! The process: exchange path, exchange log, registry, command line.

pub mod exchange_log;
pub mod framing;
pub mod payload;

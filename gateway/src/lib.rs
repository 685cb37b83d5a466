//! The process: exchange path, exchange log, registry, command line.

//! The process: exchange path, exchange log, registry, command line.
//!
//! ```text
//! cli ─ reads the command line        app ─ builds the parts and wires them
//!
//! listener  accept → handshake        framing       strict HTTP under hyper
//! exchange  the life of an exchange   payload       schemas, checked and trimmed
//! registry  events in, views out      exchange_log  the record, durable before forwarding
//! office    what people do on a data folder
//! api       the registry over HTTPS     explain       a call that nobody made
//! trusted   trust read from files     operations    /metrics, /live, /ready
//! readiness the two-sided check that precedes transfer
//! witness   the regulator's witness   transparency  trees, proofs, signed notes: pure
//! import    OpenAPI documents, read as data types
//! stamping  time stamps over checkpoints  versions     what a new version of a data type changes
//! repeats   requests under one idempotency key
//! scanner   documents shown to clamd    clock_watch   how far clocks are off
//! national  signatures by national algorithms, for a service to verify
//! ends      when certificates, authorities and lists do
//! turns     places at such services     addresses     of the faces, taken first
//! cryptography  the tool that does it, and what confirms it
//! ```
//!
//! Not here: the rules (`agreements`), TLS and signatures (`certs`), how other surfaces read (`adapters`). Their
//! places for what comes later are empty: the console goes beside `api`, PostgreSQL beside `registry::sqlite`.

pub mod addresses;
pub mod api;
pub mod app;
pub mod background;
pub mod cli;
pub mod clock;
pub mod clock_watch;
pub mod config;
pub mod cryptography;
pub mod demo;
pub mod ends;
pub mod exchange;
pub mod exchange_index;
pub mod exchange_log;
pub mod explain;
pub mod framing;
pub mod import;
mod key_file;
pub mod listener;
pub mod national;
pub mod office;
pub mod operations;
pub mod payload;
pub mod personal;
pub mod readiness;
pub mod registry;
pub mod repeats;
pub mod scanner;
pub mod stamping;
pub mod subject_keys;
pub mod telemetry;
pub mod transparency;
pub mod trusted;
mod turns;
pub mod versions;
pub mod witness;

//! The benchmark: the same calls through several proxies in turn, and what each of them paid.
//!
//! ```text
//! generator (mutual TLS, keep-alive) ──► peer (nginx, Kelisim) ──► upstream (mutual TLS, own process)
//! ```
//!
//! A [`World`] has the keys, the folder and the upstream; a [`Peer`] is started afresh for every
//! measurement; a [`Case`] says what load it gets; [`measure`] returns a [`Sample`]; [`report`] holds the
//! samples of the peers against each other, round by round, and against the aims of the issue.
//!
//! Only ratios within one run mean anything: see `gateway/docs/performance.md`.

mod case;
mod estate;
mod kelisim;
mod line;
mod load;
mod measure;
mod nginx;
pub mod payload;
mod peer;
mod pki;
mod proc;
pub mod report;
pub mod upstream;
mod world;

pub use case::{CASES, Case, Load, Operation};
pub use kelisim::Kelisim;
pub use line::{Call, Fault, Line};
pub use load::Tally;
pub use measure::{Sample, Window, measure, refuses_the_revoked};
pub use nginx::Nginx;
pub use peer::{Calls, Hashes, Peer, Process, Running};
pub use pki::{Dialler, Identity};
pub use world::World;

//! The promises of Kelisim, seen from outside.
//!
//! - [`world`]: a gateway with real systems around it, for tests;
//! - [`bench`]: the gateway's speed beside that of a plain reverse proxy.

pub mod bench;
pub mod world;

//! The registry: events in a store, commands that add to them, and a follower that keeps the exchange path's view.
//!
//! Trust: whoever can write the store's file can add events that no command checked. They cannot make an agreement:
//! each node verifies its signatures itself ([`proof`]). An edit of what was written is found by the chain of hashes.

mod commands;
pub mod follower;
pub mod proof;
pub mod sqlite;
mod store;
mod view;

pub use commands::{Commands, Failure};
pub use store::{Store, StoreError};
pub use view::{Allowed, Gate, Unconfirmed, View, Views};

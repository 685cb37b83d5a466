//! The registry: events in a store, commands that add to them, and a follower that keeps the exchange path's view.
//!
//! Trust: whoever can write the store's file can add events that no command checked. They cannot make an agreement:
//! each node verifies its signatures itself ([`proof`]). An edit of what was written is found by the chain of hashes.
//! What this node folded and verified it remembers in files that only it can have written ([`snapshot`]).

mod store;

mod evidence;
pub mod seal;
pub mod snapshot;
pub mod sqlite;

mod commands;
mod elsewhere;

pub mod follower;
mod keeper;
pub mod proof;
mod view;
pub mod volume;

pub use commands::{Commands, Failure, Issued, Keeps, as_of};
pub use elsewhere::{Server, ServerError};
pub use evidence::{set_aside, whole};
pub use store::{Chain, Done, KEPT_FOR, Once, Store, StoreError};
pub use view::{Allowed, Gate, Unconfirmed, View, Views};

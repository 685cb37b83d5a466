//! Witnessing: somebody else remembers how far a log had come, so that it cannot be taken back unseen (D3).
//!
//! ```text
//! asked    what a log asks of a witness, and how it is spelled (C2SP tlog-witness)
//! witness  the regulator's side: judges, remembers, cosigns
//! kept     its memory: one file a log, replaced whole
//! server   its face over HTTP, with or without TLS
//! settings its own configuration file          guests   what one address may take of it
//! courier  the gateway's side: brings checkpoints, keeps cosignatures, hears that the log went back
//! line     its connection to one witness      waiting  which checkpoints wait, and for how long
//! ```
//!
//! Trust: a witness believes nothing of a log but signatures and proofs. Whoever can write its folder can make it
//! forget; whoever reads its key can cosign in its name. It sees sizes and roots, never an entry.

mod asked;
mod courier;
mod guests;
mod kept;
mod line;
mod server;
mod settings;
mod waiting;
#[expect(clippy::module_inception, reason = "the witness is what the module is named after")]
mod witness;

pub use asked::{Asked, Malformed};
pub use courier::{Courier, Route, Standing, Word, went_back};
pub use guests::Limits;
pub use kept::KeptError;
pub use server::{Server, ServerError};
pub(crate) use settings::FILE;
pub use settings::{SettingsError, TlsSettings, Watched, WitnessSettings};
pub use witness::{Refusal, Witness, WitnessError};

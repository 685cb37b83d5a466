//! Who may exchange what, when and why: pure data and decisions.

mod id;

pub use id::Fingerprint;

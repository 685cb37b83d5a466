//! The API from outside: who is let in, what they may do, and what they are told.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

#[path = "api/auth.rs"]
mod auth;
#[path = "api/commands.rs"]
mod commands;
#[path = "api/crowd.rs"]
mod crowd;
#[path = "api/documents.rs"]
mod documents;
#[path = "api/imports.rs"]
mod imports;
#[path = "api/orders.rs"]
mod orders;
#[path = "api/reads.rs"]
mod reads;
#[path = "api/record.rs"]
mod record;
#[path = "api/rulings.rs"]
mod rulings;
#[path = "api/schemathesis.rs"]
mod schemathesis;
#[path = "api/signing.rs"]
mod signing;
#[path = "api/walk.rs"]
mod walk;

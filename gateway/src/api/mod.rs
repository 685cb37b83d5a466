//! The API: the registry over HTTPS, for people's programs and for the console.
//!
//! ```text
//! listener   TLS, connections        paced      … whose answers are taken
//! serve      the way of every request
//! newest     the registry            past       … as it was             places     how much at once
//! operation  what an operation is    openapi    the document, made of all of them
//! auth       who asks                access     what proves it: passwords, tokens, sessions
//! commands   changes                 signing    … by signatures     grants  … of access
//! reads      resources               public     the public register
//! explain    a call nobody made      documents  the depositary
//! imports    OpenAPI documents as data types           certificates  looked at before they are bound
//! readiness  checks of systems       tag        what If-Match and If-None-Match go by
//! record     the exchange log: searches, exports, proofs, tiles
//! usage      who used a person's data, for portals
//! problem    answers that are none   words      … and what they are called
//! ```
//!
//! Nothing is decided here: rules are in `agreements`, and a command goes the same way as one of the command line.

pub mod access;
mod asked;
mod auth;
mod certificates;
mod commands;
mod documents;
mod explain;
mod grants;
mod imports;
mod listener;
mod newest;
mod openapi;
pub mod operation;
mod paced;
mod paging;
mod past;
mod places;
pub mod problem;
mod public;
mod readiness;
mod reads;
mod record;
mod serve;
mod session;
mod shared;
mod signing;
mod tag;
mod usage;
mod visibility;
pub mod words;

use std::sync::Arc;

use axum::Router;

pub use self::auth::{COOKIE, OURS};
pub use self::listener::Api;
pub use self::operation::Operation;
pub use self::record::RecordPlaces;
pub use self::shared::{Parts, Shared};

/// All operations.
pub fn operations() -> Vec<Operation> {
    let mut all = commands::operations();
    all.extend(reads::operations());
    all.extend(imports::operations());
    all.extend(certificates::operations());
    all.extend(readiness::operations());
    all.extend(explain::operations());
    all.extend(documents::operations());
    all.extend(record::operations());
    all.extend(usage::operations());
    all.extend(session::operations());
    all.extend(public::operations());
    all
}

/// The router of all operations.
pub fn router(shared: &Arc<Shared>) -> Router {
    serve::router(shared, operations())
}

/// The document of all operations (OpenAPI 3.1).
pub fn document() -> Vec<u8> {
    openapi::document(&operations())
}

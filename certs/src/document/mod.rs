//! Signatures on documents: detached CMS in the baseline of CAdES (ETSI EN 319 122-1, RFC 5652), and the same within a PDF
//! in the baseline of PAdES (ETSI EN 319 142-1); and who made them.
//!
//! ```text
//! content ─ Digests ─ what it is, by each hash ─┐
//! signed_data ──────── cms ─────────────────────┴─ verify_detached(trust) → DocumentSignature for each signer
//! PDF ─ SignedPdf: lexer, Digests of each revision ─┘
//! national   what one by a national algorithm says of itself, for a service to judge
//! blueprint  how one is made, for those who sign
//! ```
//!
//! Nothing is believed of what a signature says of itself but the time, which is the signer's word: the certificate is
//! judged as of then, with what the revocation lists say now, as for agreements (`sign`); or as of its time stamp, if it
//! bears one of an authority that is believed. Each signer in a `SignedData` has
//! to count; whether they are those who should have signed is for others to say.

mod blueprint;
mod cms;
mod digests;
mod fault;
mod lexer;
mod national;
mod national_blueprint;
mod pdf;

pub use blueprint::{sign_detached, sign_pdf, sign_stamped};
pub use cms::{DocumentSignature, verify_detached};
pub use digests::{Digested, Digests};
pub use fault::DocumentFault;
pub use national::{NationalSigner, is_national, read_national};
pub use national_blueprint::{NationalAlgorithm, NationalPerson, sign_nationally, sign_pdf_nationally};
pub use pdf::{PdfSignatures, SignedPdf};

#[cfg(test)]
mod edits_tests;
#[cfg(test)]
mod national_tests;
#[cfg(test)]
mod pdf_tests;
#[cfg(test)]
#[path = "../../tests/support/mod.rs"]
mod support;
#[cfg(test)]
mod tests;

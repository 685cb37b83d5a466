//! Strict HTTP framing: what two parsers could read in two ways is refused before anybody reads it.
//!
//! ```text
//! bytes → Guarded (HTTP/1: heads, bodies, trailers) → hyper → strict::check (both versions) → hop (what is passed on)
//! ```
//!
//! hyper is lenient where a proxy must not be: it drops a `Content-Length` beside a `Transfer-Encoding`, swallows
//! chunk extensions, cuts fragments off. [`Guarded`] therefore follows the bytes themselves, under hyper, and
//! lets only those pass that mean one thing. HTTP/2 has framing of its own and uses [`strict`] alone.
//!
//! Nothing here decides, logs or answers: it says which [`FramingViolation`] it saw in which message.

mod violation;
pub use violation::FramingViolation;

mod guard;
pub use guard::Guarded;

mod observed;
pub use observed::{Observed, Phase};

mod message;

mod head;

mod syntax;

pub mod strict;

pub mod hop;

/// Most bytes of a head: request line, header lines and the empty line. nginx allows 8 KiB lines, hyper 400 KiB heads.
pub const HEAD_BYTES: usize = 16 * 1024;

/// Most header lines of a head: hyper's own default.
pub const HEAD_LINES: usize = 100;

/// Most bytes of a request target; RFC 9110 §4.1 asks for at least 8,000.
pub const TARGET_BYTES: usize = 8 * 1024;

/// Most bytes of a chunked body's trailer section.
pub const TRAILER_BYTES: usize = 4 * 1024;

#[cfg(test)]
mod tests;

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
//! Whoever serves a guarded connection with hyper
//! - numbers the calls from 0, asks [`Observed::violation`] before anything else of each, and
//!   [`Observed::body_violation`] when a body fails;
//! - gives hyper a `max_buf_size` above [`HEAD_BYTES`], or hyper refuses heads of its own accord, without an entry;
//! - leaves `pipeline_flush` off: with it hyper 1.12 drops an answer that closes the connection if the peer has sent
//!   more behind the request;
//! - watches [`Observed`] for heads, bodies and readers that do not come on, for the guard keeps no time itself.
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

/// Most lines of a trailer section; hyper takes fewer than 100.
pub const TRAILER_LINES: usize = 64;

#[cfg(test)]
mod tests;

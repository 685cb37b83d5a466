//! Documents as they pass: recognised by their content, and archives looked through, without keeping or unpacking them.
//!
//! ```text
//! bytes ─ Inspection ─ sniff   what the first bytes are        lookout  what may stand nowhere in it
//!                    ├ tail    what must stand at its end      ole      Word, Excel, PowerPoint of old
//!                    ├ jpeg    where the picture ends          rtf      where the text ends
//!                    └ zip, rar  entries: names, sizes, depth  name     what an entry may be called
//! ```
//!
//! Bytes are pushed in as they come, cut anywhere: what an [`Inspection`] says does not depend on where. It holds a bounded
//! amount, whatever comes. It says at the latest at the end whether a document is what it was declared to be, so
//! whoever passes it on keeps the last bytes back until then.
//!
//! Trust: documents come from hostile peers. What an [`Unfit`] says names nothing of their content.

mod inspection;
mod jpeg;
mod limits;
mod lookout;
pub(crate) mod name;
mod ole;
mod rar;
mod rtf;
mod sniff;
mod tail;
mod unfit;
mod zip;

pub use inspection::Inspection;
pub use limits::ArchiveLimits;
pub use unfit::Unfit;

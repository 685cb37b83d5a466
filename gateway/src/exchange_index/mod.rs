//! The exchange index: finds exchanges in a log of millions at once (D2). Made of the log and made again when lost.
//!
//! An item is an exchange, or a refused call. For each word that is looked for there is, for each block of items, the set
//! of those that bear it; a query unites and intersects sets, newest block first, and reads the entries themselves from
//! the log: the index only says where they stand.
//!
//! ```text
//! words   what is looked for              index    the file (SQLite), and how far it reaches
//! bits    sets of items                   growing  a batch of entries on its way in
//! parties  who took part, beside which words
//! query   what is asked, by whom          find     which items fit, page by page
//! follow  the thread that keeps it up     journal  who searched for what, and when
//! export  pages as CSV and JSON lines  excess  fields beyond what is agreed
//! usage   who used a person's data
//! ```
//!
//! Trust: nothing rests on the index. Whoever can write it can hide an exchange from a search, never from the log; it
//! is made again by `kelisim log index --rebuild`. The journal is no part of it, and is kept.

mod bits;
mod closed;
mod excess;
mod export;
mod find;
mod follow;
mod growing;
mod index;
mod journal;
mod parties;
mod query;
mod usage;
mod words;

#[cfg(test)]
mod tests;

pub use closed::UnknownWord;
pub use excess::{Excesses, Excessive};
pub use export::{csv_heading, csv_line, csv_trailer, json_line, json_trailer};
pub use follow::IndexFollower;
pub use index::{Index, IndexError, Reach};
pub use journal::{Journal, JournalError, Searched, Sought};
pub use query::{Cursor, Hit, Page, Query, Viewer};
pub use usage::Uses;
pub use words::Kind;

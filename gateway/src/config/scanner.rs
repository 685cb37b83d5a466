//! The virus scanner that documents are shown to.

use std::net::SocketAddr;

use serde::Deserialize;

use super::within;

/// The virus scanner that documents are shown to as they pass.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScannerConfig {
    /// Where a clamd listens: `tcp://127.0.0.1:3310`, or `unix:/run/clamav/clamd.ctl`. Default: none.
    pub address: Option<String>,
    /// Which documents are shown to it: those of data types that ask for it (`asked`), or `all`. Default: `all`.
    pub documents: Scanned,
    /// What becomes of a document that it says nothing of: `refuse` it, or let it `pass` where its data type does not ask for a scan. One that is larger than it takes is refused either way. Default: `refuse`.
    pub when_down: WhenDown,
    /// Longest time that it may take for a piece, and for its verdict, in seconds. Default: 60.
    pub timeout_seconds: u16,
    /// Most documents that it is shown at once; one consumer has half of them at most. No more than clamd's MaxThreads. Default: 8.
    pub max_at_once: usize,
}

/// Which documents are scanned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scanned {
    /// Those of data types that ask for it.
    Asked,
    /// All.
    All,
}

/// What becomes of a document that the scanner says nothing of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhenDown {
    /// It is refused.
    Refuse,
    /// It passes, and its entry says so.
    Pass,
}

impl Default for ScannerConfig {
    fn default() -> Self {
        Self {
            address: None,
            documents: Scanned::All,
            when_down: WhenDown::Refuse,
            timeout_seconds: 60,
            max_at_once: 8,
        }
    }
}

impl ScannerConfig {
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        within("timeout_seconds", self.timeout_seconds.into(), 1..=3_600)?;
        within("max_at_once", self.max_at_once as u64, 1..=10_000)?;
        match self.address.as_deref() {
            Some(address) if Self::place(address).is_none() => {
                Err(("address", format!("'{address}' is neither tcp://ADDRESS:PORT nor unix:/PATH")))
            }
            _ => Ok(()),
        }
    }

    /// A TCP address, or the path of a socket.
    pub(crate) fn place(address: &str) -> Option<Result<SocketAddr, &str>> {
        match address.strip_prefix("tcp://") {
            Some(tcp) => tcp.parse().ok().map(Ok),
            None => address.strip_prefix("unix:").filter(|path| path.starts_with('/')).map(Err),
        }
    }
}

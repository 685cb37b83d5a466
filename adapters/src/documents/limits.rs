//! How much an archive may hold, and what of it was used.

use super::Unfit;

/// How much an archive may hold, with all archives in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArchiveLimits {
    /// Most bytes that everything in it unpacks to. Default: 1 GiB, seventeen times the largest document.
    pub unpacked_bytes: u64,
    /// Most bytes that one packed byte may become, once an entry is larger than 1 MiB. Default: 100 (Apache POI's bound for
    /// office documents).
    pub ratio: u64,
    /// Most entries. Default: 10,000.
    pub entries: u32,
    /// How deep archives may stand in archives. Default: 3, a table in a text in an archive.
    pub depth: u32,
}

impl Default for ArchiveLimits {
    fn default() -> Self {
        Self { unpacked_bytes: 1 << 30, ratio: 100, entries: 10_000, depth: 3 }
    }
}

/// What was used of the limits: one for a document, shared by all archives in it.
#[derive(Debug)]
pub(super) struct Used {
    limits: ArchiveLimits,
    unpacked_bytes: u64,
    entries: u32,
}

impl Used {
    pub(super) fn none(limits: ArchiveLimits) -> Self {
        Self { limits, unpacked_bytes: 0, entries: 0 }
    }

    pub(super) fn entry(&mut self) -> Result<(), Unfit> {
        self.entries += 1;
        if self.entries > self.limits.entries { Err(Unfit::Entries(self.limits.entries)) } else { Ok(()) }
    }

    /// Takes `more` bytes of an entry that so far became `unpacked` bytes out of `packed`.
    pub(super) fn unpack(&mut self, more: u64, unpacked: u64, packed: u64) -> Result<(), Unfit> {
        self.unpacked_bytes = self.unpacked_bytes.saturating_add(more);
        let dense = unpacked > GRACE_BYTES && unpacked / self.limits.ratio > packed;
        if dense || self.unpacked_bytes > self.limits.unpacked_bytes { Err(Unfit::Bomb) } else { Ok(()) }
    }

    pub(super) fn descend(&self, depth: u32) -> Result<u32, Unfit> {
        if depth >= self.limits.depth { Err(Unfit::Depth(self.limits.depth)) } else { Ok(depth + 1) }
    }
}

/// Smaller entries may be as dense as they like.
const GRACE_BYTES: u64 = 1 << 20;

//! The quick open record of RAR 5: copies of headers, which readers may take instead of the headers themselves.

use super::{ELSEWHERE, SHORT, five};
use crate::documents::Unfit;

/// Such a record's data as it passes: each copy is of a header that was met.
#[derive(Debug)]
pub(super) struct QuickOpen {
    /// Where the record's own header stands: copies say how far before it theirs does.
    header_at: u64,
    left: u64,
    /// The copy that is not whole yet.
    held: Vec<u8>,
}

impl QuickOpen {
    pub(super) fn new(header_at: u64, left: u64) -> Self {
        Self { header_at, left, held: Vec::new() }
    }

    /// Takes what is its own of the bytes, at least one, and says whether it ended.
    pub(super) fn push(
        &mut self,
        bytes: &mut &[u8],
        was_met: impl Fn(u64, &[u8]) -> bool,
    ) -> Result<bool, Unfit> {
        while self.left > 0 && !bytes.is_empty() {
            // Written as headers are: checksum, size, fields.
            let missing = five::wanted(&self.held)? - self.held.len();
            let missing = missing.min(usize::try_from(self.left).unwrap_or(usize::MAX));
            let count = missing.min(bytes.len());
            self.held.extend_from_slice(&bytes[..count]);
            *bytes = &bytes[count..];
            self.left -= count as u64;
            if five::wanted(&self.held)? == self.held.len() {
                let (back, header) = five::copy(&self.held)?;
                let is_one = self.header_at.checked_sub(back).is_some_and(|at| was_met(at, header));
                if !is_one {
                    return Err(ELSEWHERE);
                }
                self.held.clear();
            }
        }
        match (self.left, self.held.is_empty()) {
            (0, true) => Ok(true),
            (0, false) => Err(SHORT),
            _ => Ok(false),
        }
    }
}

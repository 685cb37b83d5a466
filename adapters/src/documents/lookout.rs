//! What may stand nowhere in a document, or not near its beginning: the sign of another format.

use memchr::memmem;

/// Looks for a few bytes in a stream, wherever it is cut.
#[derive(Debug)]
pub(super) struct Lookout {
    wanted: &'static [u8],
    /// So many bytes are still looked at.
    left: u64,
    /// The end of what was seen: shorter than what is wanted.
    carry: Vec<u8>,
}

impl Lookout {
    /// Looks for `wanted` beginning in the first `within` bytes.
    pub(super) fn new(wanted: &'static [u8], within: u64) -> Self {
        Self { wanted, left: within.saturating_add(wanted.len() as u64 - 1), carry: Vec::new() }
    }

    /// Whether it was met now.
    pub(super) fn meets(&mut self, bytes: &[u8]) -> bool {
        if self.left == 0 {
            return false;
        }
        let count = bytes.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let bytes = &bytes[..count];
        self.left -= count as u64;
        let overlap = self.wanted.len() - 1;
        self.carry.extend_from_slice(&bytes[..count.min(overlap)]);
        if memmem::find(&self.carry, self.wanted).is_some() || memmem::find(bytes, self.wanted).is_some() {
            return true;
        }
        if count >= overlap {
            self.carry.clear();
            self.carry.extend_from_slice(&bytes[count - overlap..]);
        } else {
            let excess = self.carry.len().saturating_sub(overlap);
            self.carry.drain(..excess);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_is_met_wherever_the_stream_is_cut_and_only_within_reach() {
        let stream = b"....%P%PDF-1.7";
        for cut in 0..stream.len() {
            for second in cut..stream.len() {
                let mut lookout = Lookout::new(b"%PDF-", 100);
                let met =
                    [&stream[..cut], &stream[cut..second], &stream[second..]].map(|part| lookout.meets(part));
                assert!(met.contains(&true), "{cut} {second}");
            }
        }
        assert!(Lookout::new(b"%PDF-", 7).meets(stream));
        assert!(!Lookout::new(b"%PDF-", 6).meets(stream));
    }
}

//! The end of a document: what must stand there, and what may not.

use memchr::memmem;

use super::Unfit;

/// The last bytes of a stream, so many as readers of ZIP look back.
#[derive(Debug, Default)]
pub(super) struct Tail {
    bytes: Vec<u8>,
}

impl Tail {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let bytes = &bytes[bytes.len().saturating_sub(REACH)..];
        if self.bytes.len() + bytes.len() > 2 * REACH {
            let excess = (self.bytes.len() + bytes.len() - REACH).min(self.bytes.len());
            self.bytes.drain(..excess);
        }
        self.bytes.extend_from_slice(bytes);
    }

    fn last(&self, count: usize) -> &[u8] {
        &self.bytes[self.bytes.len().saturating_sub(count)..]
    }

    /// Nothing but blanks stand behind the last `mark`, which stands in the last `within` bytes.
    pub(super) fn ends_with(&self, mark: &[u8], within: usize) -> Result<(), Unfit> {
        let end = self.last(within);
        let at = memmem::rfind(end, mark).ok_or(MISSING)?;
        if end[at + mark.len()..].iter().all(is_blank) { Ok(()) } else { Err(BEHIND) }
    }

    /// Whether so many last bytes are blank, and few enough to be seen.
    pub(super) fn is_blank(&self, count: u64) -> bool {
        let seen = usize::try_from(count).ok().filter(|count| *count <= REACH);
        seen.is_some_and(|count| self.last(count).iter().all(is_blank))
    }

    /// No directory of a ZIP archive, such as readers find from the end.
    pub(super) fn holds_no_zip(&self, how: Strictness) -> Result<(), Unfit> {
        let end = self.last(REACH);
        let mut from = 0;
        while let Some(at) = memmem::find(&end[from..], b"PK\x05\x06") {
            if is_directory(&end[from + at..], how) {
                return Err(Unfit::Polyglot("the directory of a ZIP archive stands at its end"));
            }
            from += at + 4;
        }
        Ok(())
    }
}

/// What stands behind a document's end: a few blanks, which writers leave there.
#[derive(Debug, Default)]
pub(super) struct Behind {
    bytes: usize,
}

impl Behind {
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), Unfit> {
        self.bytes = self.bytes.saturating_add(bytes.len());
        if self.bytes <= MOST_BLANKS && bytes.iter().all(is_blank) { Ok(()) } else { Err(BEHIND) }
    }
}

fn is_blank(byte: &u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | b'\r' | b' ')
}

/// Which of the readers of ZIP are thought of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strictness {
    /// Those who take what stands last, whatever follows it.
    Lenient,
    /// Those who want it to reach to the end: old office documents hold whole archives.
    Exact,
}

fn is_directory(record: &[u8], how: Strictness) -> bool {
    let Some(record_head) = record.get(..22) else { return false };
    let short = |at: usize| u16::from_le_bytes([record_head[at], record_head[at + 1]]);
    let one_disk = short(4) == 0 && short(6) == 0 && short(8) == short(10);
    let reaches = record.len() == 22 + usize::from(short(20));
    one_disk && (how == Strictness::Lenient || reaches)
}

pub(super) const MISSING: Unfit = Unfit::Damaged("what ends such a document is missing");
pub(super) const BEHIND: Unfit = Unfit::Polyglot("something stands behind its end");

/// Most blanks behind a document's end.
const MOST_BLANKS: usize = 1024;

/// How far back readers of ZIP look: a comment of 65,535 bytes and what stands before it.
const REACH: usize = 65_557;

#[cfg(test)]
mod tests {
    use super::*;

    fn tail(bytes: &[u8], cut: usize) -> Tail {
        let mut tail = Tail::default();
        bytes.chunks(cut).for_each(|chunk| tail.push(chunk));
        tail
    }

    #[test]
    fn the_end_is_the_same_however_the_stream_is_cut() {
        let stream: Vec<u8> = (0..400_000_u32).map(|at| (at % 251) as u8).collect();
        for cut in [1, 7, 4096, 65_556, 65_557, 65_558, 200_000, 400_000] {
            assert_eq!(tail(&stream, cut).last(REACH), &stream[stream.len() - REACH..], "{cut}");
            assert!(tail(&stream, cut).bytes.len() <= 2 * REACH);
        }
    }

    #[test]
    fn directory_of_a_zip_is_found_at_the_end_and_not_beyond_reach() {
        let mut stream = b"%PDF-1.7 %%EOF".to_vec();
        stream.extend_from_slice(b"PK\x05\x06");
        stream.resize(stream.len() + 18, 0);
        assert!(tail(&stream, 5).holds_no_zip(Strictness::Lenient).is_err());
        assert!(tail(&stream, 5).holds_no_zip(Strictness::Exact).is_err());
        stream.push(b' ');
        assert!(tail(&stream, 5).holds_no_zip(Strictness::Lenient).is_err());
        assert!(tail(&stream, 5).holds_no_zip(Strictness::Exact).is_ok());
        stream.resize(stream.len() + REACH, b' ');
        assert!(tail(&stream, 5).holds_no_zip(Strictness::Lenient).is_ok());
    }
}

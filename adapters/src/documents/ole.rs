//! The compound file of DOC, XLS and PPT (MS-CFB), told apart by the entries of its directory.
//!
//! The directory may stand anywhere in the file, and what says where may come later, so each place at which an entry may stand
//! is looked at. A document may embed others, so several may be found: it is what it was declared to be if that is among
//! them.

use agreements::DocumentFormat;

use super::Unfit;

/// A compound file as it passes.
#[derive(Debug, Default)]
pub(super) struct Ole {
    /// The place that is not whole yet.
    held: Vec<u8>,
    blocks: u64,
    doc: bool,
    xls: bool,
    ppt: bool,
    encrypted: bool,
}

impl Ole {
    pub(super) fn push(&mut self, mut bytes: &[u8]) -> Result<(), Unfit> {
        if !self.held.is_empty() {
            let count = bytes.len().min(ENTRY_BYTES - self.held.len());
            self.held.extend_from_slice(&bytes[..count]);
            bytes = &bytes[count..];
            if self.held.len() < ENTRY_BYTES {
                return Ok(());
            }
            let block = std::mem::take(&mut self.held);
            self.block(&block)?;
        }
        let mut blocks = bytes.chunks_exact(ENTRY_BYTES);
        blocks.by_ref().try_for_each(|block| self.block(block))?;
        self.held.extend_from_slice(blocks.remainder());
        Ok(())
    }

    fn block(&mut self, block: &[u8]) -> Result<(), Unfit> {
        self.blocks += 1;
        if self.blocks == 1 {
            return header(block);
        }
        // A stream's entry: its name's length with NUL, and object type 2.
        if block[66] != 2 || block[1] != 0 {
            return Ok(());
        }
        let bytes = usize::from(u16::from_le_bytes([block[64], block[65]]));
        let is = |name: &str| {
            bytes == 2 * name.len() + 2
                && block[..bytes]
                    .chunks_exact(2)
                    .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
                    .eq(name.encode_utf16().chain([0]))
        };
        self.doc |= is("WordDocument");
        self.xls |= is("Workbook") || is("Book");
        self.ppt |= is("PowerPoint Document");
        self.encrypted |= is("EncryptedPackage");
        Ok(())
    }

    /// What it is, at its end.
    pub(super) fn finish(&self, declared: DocumentFormat) -> Result<DocumentFormat, Unfit> {
        if self.encrypted {
            return Err(Unfit::Encrypted);
        }
        let found = [
            (self.doc, DocumentFormat::Doc),
            (self.xls, DocumentFormat::Xls),
            (self.ppt, DocumentFormat::Ppt),
        ];
        let found = || found.into_iter().filter(|(is, _)| *is).map(|(_, format)| format);
        match found().find(|format| *format == declared).or_else(|| found().next()) {
            Some(format) => Ok(format),
            None => Err(Unfit::Unrecognised { declared }),
        }
    }
}

/// The header: sectors of 512 or 4,096 bytes, little-endian.
fn header(block: &[u8]) -> Result<(), Unfit> {
    let short = |at: usize| u16::from_le_bytes([block[at], block[at + 1]]);
    match (short(26), short(28), short(30)) {
        (3, 0xfffe, 9) | (4, 0xfffe, 12) => Ok(()),
        _ => Err(Unfit::Damaged("the header of the compound file is none")),
    }
}

/// Bytes of an entry, which stands at a multiple of them.
const ENTRY_BYTES: usize = 128;

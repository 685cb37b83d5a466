//! The compound file of DOC, XLS and PPT (MS-CFB): told apart by the entries of its directory, and followed to its last sector.
//!
//! The directory may stand anywhere in the file, and what says where may come later, so each place at which an entry may stand
//! is looked at. A document may embed others, so several may be found: it is what it was declared to be if that is among
//! them.
//!
//! Which sectors are in use, a table says that may stand anywhere too. So of each 512 bytes one is kept: how many numbers the
//! table would hold if this were a part of it. Behind the last sector in use nothing may stand. What the table says is in use
//! may be anything: Office itself keeps whole ZIP archives there.

use agreements::DocumentFormat;

use super::Unfit;
use super::tail::Tail;

/// A compound file as it passes.
#[derive(Debug, Default)]
pub(super) struct Ole {
    /// The place that is not whole yet.
    held: Vec<u8>,
    bytes: u64,
    doc: bool,
    xls: bool,
    ppt: bool,
    encrypted: bool,
    sectors: Sectors,
}

/// Which sectors are in use.
#[derive(Debug, Default)]
struct Sectors {
    /// Bytes of one.
    size: u64,
    /// How many of them hold the table, and which, in order, as far as is known.
    count: usize,
    table: Vec<u32>,
    /// The next sector that says which.
    next: u32,
    /// Of each 512 bytes: where in them the last number stands that is not that of a free sector, from 1.
    last: Vec<u8>,
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
        let at = self.bytes;
        self.bytes += ENTRY_BYTES as u64;
        if at == 0 {
            self.sectors = Sectors::of_header(block)?;
        }
        self.sectors.block(at, block)?;
        // A stream's entry: its name's length with NUL, and object type 2.
        if at == 0 || block[66] != 2 || block[1] != 0 {
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
    pub(super) fn finish(&self, declared: DocumentFormat, tail: &Tail) -> Result<DocumentFormat, Unfit> {
        if self.encrypted {
            return Err(Unfit::Encrypted);
        }
        let found = [
            (self.doc, DocumentFormat::Doc),
            (self.xls, DocumentFormat::Xls),
            (self.ppt, DocumentFormat::Ppt),
        ];
        let found = || found.into_iter().filter(|(is, _)| *is).map(|(_, format)| format);
        let Some(format) = found().find(|format| *format == declared).or_else(|| found().next()) else {
            return Err(Unfit::Unrecognised { declared });
        };
        // The last sector may be short.
        let behind = (self.bytes + self.held.len() as u64).saturating_sub(self.sectors.end()?);
        if tail.is_blank(behind) { Ok(format) } else { Err(super::tail::BEHIND) }
    }
}

impl Sectors {
    /// As the header says: sectors of 512 or 4,096 bytes, little-endian.
    fn of_header(block: &[u8]) -> Result<Self, Unfit> {
        let short = |at: usize| u16::from_le_bytes([block[at], block[at + 1]]);
        let size = match (short(26), short(28), short(30)) {
            (3, 0xfffe, 9) => 512,
            (4, 0xfffe, 12) => 4096,
            _ => return Err(Unfit::Damaged("the header of the compound file is none")),
        };
        let count = usize::try_from(number(block, 44)).unwrap_or(usize::MAX);
        if count > MOST_OF_TABLE {
            return Err(Unfit::Unchecked("its table of sectors is larger than any document's"));
        }
        Ok(Self { size, count, next: number(block, 68), ..Self::default() })
    }

    fn block(&mut self, at: u64, block: &[u8]) -> Result<(), Unfit> {
        let within = at % CHUNK_BYTES;
        if within == 0 {
            self.last.push(0);
        }
        let numbers = || (0..ENTRY_BYTES / 4).map(|place| (place, number(block, 4 * place)));
        if let (Some((place, _)), Some(last)) =
            (numbers().rev().find(|(_, number)| *number != FREE), self.last.last_mut())
        {
            *last = (within as usize / 4 + place) as u8 + 1;
        }
        if at < CHUNK_BYTES {
            // The header names the first sectors of the table from its byte 76 on.
            let named = numbers().filter(|(place, _)| at as usize + 4 * place >= 76);
            named.for_each(|(_, sector)| self.names(sector));
        } else if at >= self.size && at / self.size - 1 == u64::from(self.next) {
            // Sectors that name more of them end with the number of the next such one.
            for (place, sector) in numbers() {
                if at % self.size + 4 * place as u64 == self.size - 4 {
                    self.next = sector;
                } else {
                    self.names(sector);
                }
            }
        }
        Ok(())
    }

    fn names(&mut self, sector: u32) {
        if self.table.len() < self.count {
            self.table.push(sector);
        }
    }

    /// Where the last sector in use ends.
    fn end(&self) -> Result<u64, Unfit> {
        if self.table.len() < self.count {
            return Err(Unfit::Unchecked("what names the sectors of its table does not stand in order"));
        }
        let chunks = self.size / CHUNK_BYTES;
        for (nth, sector) in self.table.iter().enumerate().rev() {
            let from = (u64::from(*sector) + 1) * chunks;
            let from = usize::try_from(from).unwrap_or(usize::MAX);
            let part = self.last.get(from..from.saturating_add(chunks as usize));
            let part = part.ok_or(Unfit::Damaged("it breaks off before its table of sectors"))?;
            if let Some(chunk) = part.iter().rposition(|last| *last > 0) {
                let numbers = nth as u64 * self.size / 4;
                let used = numbers + chunk as u64 * CHUNK_BYTES / 4 + u64::from(part[chunk]);
                return Ok((used + 1) * self.size);
            }
        }
        Err(Unfit::Damaged("no sector of it is in use"))
    }
}

fn number(block: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([block[at], block[at + 1], block[at + 2], block[at + 3]])
}

/// Bytes of an entry, which stands at a multiple of them.
const ENTRY_BYTES: usize = 128;
/// Bytes of the smaller sector.
const CHUNK_BYTES: u64 = 512;
/// What the table says of a sector that is not in use.
const FREE: u32 = 0xffff_ffff;
/// Most sectors of the table: with the smaller ones they describe 128 MiB.
const MOST_OF_TABLE: usize = 2048;

//! The records of a ZIP archive (APPNOTE 4.3), read strictly.

use super::super::{Unfit, name};
use super::CONTRADICTION;

/// What is said of an entry's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Sizes {
    pub(super) crc: u32,
    pub(super) packed: u64,
    pub(super) unpacked: u64,
}

/// How an entry's data is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Method {
    Stored,
    Deflated,
}

/// A local header.
#[derive(Debug)]
pub(super) struct Local<'a> {
    pub(super) name: &'a [u8],
    pub(super) utf8: bool,
    pub(super) method: Method,
    /// `None`: a descriptor behind the data says it.
    pub(super) sizes: Option<Sizes>,
    pub(super) zip64: bool,
}

impl<'a> Local<'a> {
    /// How long a header is whose fixed part is held.
    pub(super) fn bytes(head: &[u8]) -> Result<usize, Unfit> {
        bounded(LOCAL_BYTES, &[short(head, 26), short(head, 28)])
    }

    pub(super) fn read(record: &'a [u8]) -> Result<Self, Unfit> {
        let flags = short(record, 6);
        let (named, extra) = record[LOCAL_BYTES..].split_at(short(record, 26).into());
        let method = common(flags, short(record, 8), named)?;
        let mut sizes = Sizes {
            crc: word(record, 14),
            packed: word(record, 18).into(),
            unpacked: word(record, 22).into(),
        };
        let zip64 = widen(extra, &mut [&mut sizes.unpacked, &mut sizes.packed], named)?;
        let sizes = (flags & DESCRIPTOR == 0).then_some(sizes);
        Ok(Self { name: named, utf8: flags & UTF8 != 0, method, sizes, zip64 })
    }
}

/// A record of the directory.
#[derive(Debug)]
pub(super) struct Central<'a> {
    pub(super) name: &'a [u8],
    pub(super) utf8: bool,
    pub(super) method: Method,
    pub(super) sizes: Sizes,
    pub(super) local_at: u64,
}

impl<'a> Central<'a> {
    pub(super) fn bytes(head: &[u8]) -> Result<usize, Unfit> {
        bounded(CENTRAL_BYTES, &[short(head, 28), short(head, 30), short(head, 32)])
    }

    pub(super) fn read(record: &'a [u8]) -> Result<Self, Unfit> {
        let flags = short(record, 8);
        let (named, rest) = record[CENTRAL_BYTES..].split_at(short(record, 28).into());
        let extra = &rest[..short(record, 30).into()];
        let method = common(flags, short(record, 10), named)?;
        let mut sizes = Sizes {
            crc: word(record, 16),
            packed: word(record, 20).into(),
            unpacked: word(record, 24).into(),
        };
        let mut local_at = u64::from(word(record, 42));
        widen(extra, &mut [&mut sizes.unpacked, &mut sizes.packed, &mut local_at], named)?;
        if short(record, 34) != 0 {
            return Err(MANY_FILES);
        }
        // The upper half of the attributes is the mode, on Unix and macOS; but Info-ZIP believes it of VMS, Atari, BeOS and
        // AtheOS as well, and some readers do not ask where an entry was made. On other systems these bits are nought.
        is_no_link(word(record, 38) >> 16)?;
        Ok(Self { name: named, utf8: flags & UTF8 != 0, method, sizes, local_at })
    }
}

/// The record at the end.
#[derive(Debug)]
pub(super) struct End {
    entries: u64,
    directory_bytes: u64,
    directory_at: u64,
    pub(super) comment: usize,
}

impl End {
    pub(super) fn read(record: &[u8]) -> Result<Self, Unfit> {
        if short(record, 4) != 0 || short(record, 6) != 0 || short(record, 8) != short(record, 10) {
            return Err(MANY_FILES);
        }
        Ok(Self {
            entries: short(record, 10).into(),
            directory_bytes: word(record, 12).into(),
            directory_at: word(record, 16).into(),
            comment: bounded(0, &[short(record, 20)])?,
        })
    }

    pub(super) fn of_zip64(record: &[u8]) -> Result<Self, Unfit> {
        if long(record, 4) != ZIP64_END_BYTES as u64 - 12 {
            return Err(Unfit::Unchecked("its ZIP64 record has fields of its own"));
        }
        if word(record, 16) != 0 || word(record, 20) != 0 || long(record, 24) != long(record, 32) {
            return Err(MANY_FILES);
        }
        Ok(Self {
            entries: long(record, 32),
            directory_bytes: long(record, 40),
            directory_at: long(record, 48),
            comment: 0,
        })
    }

    /// Holds the ZIP64 record, which ends at `ends_at`, against what was met.
    pub(super) fn agrees(&self, entries: u64, directory_at: u64, ends_at: u64) -> Result<(), Unfit> {
        let directory_bytes = ends_at - ZIP64_END_BYTES as u64 - directory_at;
        self.agrees_but_for_zip64(entries, directory_at, directory_bytes, false)
    }

    /// Holds it against what was met; with a ZIP64 record a field may say that the number stands there.
    pub(super) fn agrees_but_for_zip64(
        &self,
        entries: u64,
        directory_at: u64,
        directory_bytes: u64,
        zip64: bool,
    ) -> Result<(), Unfit> {
        let is = |said: u64, met: u64, elsewhere: u64| said == met || zip64 && said == elsewhere;
        if is(self.entries, entries, 0xffff)
            && is(self.directory_at, directory_at, ELSEWHERE)
            && is(self.directory_bytes, directory_bytes, ELSEWHERE)
        {
            Ok(())
        } else {
            Err(CONTRADICTION)
        }
    }
}

/// Where a ZIP64 locator says that the ZIP64 record stands.
pub(super) fn located(record: &[u8]) -> u64 {
    long(record, 8)
}

/// What local headers and the directory both say of an entry.
fn common(flags: u16, method: u16, named: &[u8]) -> Result<Method, Unfit> {
    if flags & (ENCRYPTED | STRONGLY_ENCRYPTED | MASKED) != 0 {
        return Err(Unfit::Encrypted);
    }
    name::check(named)?;
    if flags & UTF8 != 0 && std::str::from_utf8(named).is_err() {
        return Err(Unfit::Name("is not UTF-8, as it says"));
    }
    match method {
        0 => Ok(Method::Stored),
        8 => Ok(Method::Deflated),
        _ => Err(Unfit::Unchecked("an entry is packed neither by Deflate nor not at all")),
    }
}

/// Puts the numbers of the ZIP64 field where they belong, and says whether there is one; a second name or mode is checked too.
fn widen(mut extra: &[u8], numbers: &mut [&mut u64], named: &[u8]) -> Result<bool, Unfit> {
    let mut zip64 = false;
    while extra.len() >= 4 {
        let (id, bytes) = (short(extra, 0), usize::from(short(extra, 2)));
        let Some(field) = extra[4..].get(..bytes) else { break };
        match id {
            0x0001 if zip64 => return Err(Unfit::Inconsistent("a header says its sizes twice")),
            0x0001 => {
                zip64 = true;
                let mut wide = field.chunks_exact(8);
                for number in numbers.iter_mut().filter(|number| ***number == ELSEWHERE) {
                    let eight = wide.next().ok_or(CONTRADICTION)?;
                    **number = long(eight, 0);
                }
            }
            // Info-ZIP's Unicode path: readers that know it take this name.
            0x7075 if field.get(5..) != Some(named) => {
                return Err(Unfit::Name("stands there twice, differently"));
            }
            // ASi Unix: Info-ZIP takes this mode where the attributes have none.
            0x756e => is_no_link(field.get(4..6).map_or(0, |mode| short(mode, 0).into()))?,
            // PKWARE Unix: behind times and owner comes what a link leads to.
            0x000d if bytes > 12 => return Err(Unfit::Link),
            // libarchive's: readers of streams take these attributes.
            0x6c78 => return Err(Unfit::Unchecked("an entry says elsewhere what it is")),
            // AE-x: the method says so too.
            0x9901 => return Err(Unfit::Encrypted),
            _ => {}
        }
        extra = &extra[4 + bytes..];
    }
    // A few writers pad with less than a field: nothing that anybody reads.
    Ok(zip64)
}

/// A mode says that it is a file or a folder, or nothing.
fn is_no_link(mode: u32) -> Result<(), Unfit> {
    if matches!(mode & 0xf000, 0 | 0x8000 | 0x4000) { Ok(()) } else { Err(Unfit::Link) }
}

fn bounded(fixed: usize, parts: &[u16]) -> Result<usize, Unfit> {
    let bytes = parts.iter().map(|part| usize::from(*part)).sum::<usize>();
    if bytes > MOST_RECORD_BYTES {
        return Err(Unfit::Unchecked("a record is longer than any needs to be"));
    }
    Ok(fixed + bytes)
}

fn short(record: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([record[at], record[at + 1]])
}

fn word(record: &[u8], at: usize) -> u32 {
    u32::from(short(record, at)) | u32::from(short(record, at + 2)) << 16
}

fn long(record: &[u8], at: usize) -> u64 {
    u64::from(word(record, at)) | u64::from(word(record, at + 4)) << 32
}

pub(super) const LOCAL_BYTES: usize = 30;
pub(super) const CENTRAL_BYTES: usize = 46;
pub(super) const END_BYTES: usize = 22;
pub(super) const ZIP64_END_BYTES: usize = 56;
pub(super) const ZIP64_LOCATOR_BYTES: usize = 20;

/// Most bytes of names, extra fields and comments in one record.
const MOST_RECORD_BYTES: usize = 8 << 10;

const ENCRYPTED: u16 = 1;
const DESCRIPTOR: u16 = 1 << 3;
const STRONGLY_ENCRYPTED: u16 = 1 << 6;
const UTF8: u16 = 1 << 11;
const MASKED: u16 = 1 << 13;

/// What stands for a number that the ZIP64 field has.
const ELSEWHERE: u64 = 0xffff_ffff;

const MANY_FILES: Unfit = Unfit::Unchecked("the archive is spread over several files");

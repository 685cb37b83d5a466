//! Headers of RAR 4.

use super::{BROKEN, File, Header, LONG, MOST_HEADER_BYTES, SHORT, UNKNOWN, VOLUMES, What, crc, short, word};
use crate::documents::Unfit;

/// How many bytes of a header are wanted, as far as those that are held say.
pub(super) fn wanted(held: &[u8]) -> Result<usize, Unfit> {
    if held.len() < BASE_BYTES {
        return Ok(BASE_BYTES);
    }
    let bytes = usize::from(short(held, 5)?);
    if bytes < BASE_BYTES {
        return Err(SHORT);
    }
    if bytes > MOST_HEADER_BYTES { Err(LONG) } else { Ok(bytes) }
}

pub(super) fn read(header: &[u8]) -> Result<Header, Unfit> {
    let (kind, flags) = (header[2], short(header, 3)?);
    if kind == MARK {
        return Err(Unfit::Inconsistent("an archive begins in the archive"));
    }
    let checked = match kind {
        // Comments of old archives are not part of what is summed.
        MAIN if flags & 2 != 0 => header.get(2..13).ok_or(SHORT)?,
        _ => &header[2..],
    };
    if crc(checked) as u16 != short(header, 0)? {
        return Err(BROKEN);
    }
    let data =
        if flags & LONG_BLOCK != 0 || matches!(kind, FILE | SERVICE) { word(header, 7)?.into() } else { 0 };
    match kind {
        MAIN if flags & 0x80 != 0 => Err(Unfit::Encrypted),
        MAIN if flags & 1 != 0 => Err(VOLUMES),
        END if flags & 1 != 0 => Err(VOLUMES),
        MAIN => Ok(Header { data, what: What::Main { quick_open: None } }),
        END => Ok(Header { data: 0, what: What::End }),
        FILE | SERVICE => file(header, flags, data, kind),
        // As the service records that came after them: text, proof of who packed it, what repairs it.
        COMMENT | AUTHENTICITY | RECOVERY | SIGN => Ok(Header { data, what: What::Harmless }),
        _ => Err(UNKNOWN),
    }
}

fn file(header: &[u8], flags: u16, packed_low: u64, kind: u8) -> Result<Header, Unfit> {
    if flags & 4 != 0 {
        return Err(Unfit::Encrypted);
    }
    if flags & 3 != 0 {
        return Err(VOLUMES);
    }
    let (mut packed, mut unpacked, mut at) = (packed_low, u64::from(word(header, 11)?), 32);
    if flags & 0x100 != 0 {
        packed |= u64::from(word(header, 32)?) << 32;
        unpacked |= u64::from(word(header, 36)?) << 32;
        at = 40;
    }
    let name_bytes = usize::from(short(header, 26)?);
    let name = header.get(at..at + name_bytes).ok_or(SHORT)?;
    // MS-DOS, OS/2, Windows: the systems whose attributes are no mode to any reader.
    let has_mode = !matches!(header.get(15).ok_or(SHORT)?, 0..=2);
    let mode = word(header, 28)? & 0xf000;
    if kind == SERVICE {
        return Ok(Header { data: packed, what: super::service(name)? });
    }
    if has_mode && !matches!(mode, 0 | 0x8000 | 0x4000) {
        return Err(Unfit::Link);
    }
    let name = if flags & 0x200 != 0 { unicode(name)? } else { name.to_vec() };
    // Here the separator is a backslash, and a slash on Unix.
    let name = name.iter().map(|byte| if *byte == b'\\' { b'/' } else { *byte }).collect();
    Ok(Header { data: packed, what: What::File(File { name, packed, unpacked }) })
}

/// A name that stands there twice: in an older code page, and behind NUL packed as UTF-16 with the help of the first.
fn unicode(both: &[u8]) -> Result<Vec<u8>, Unfit> {
    let Some(nul) = both.iter().position(|byte| *byte == 0) else { return Ok(both.to_vec()) };
    let (plain, packed) = (&both[..nul], &both[nul + 1..]);
    let mut packed = packed.iter().copied();
    let mut next = || packed.next();
    let differs = Unfit::Name("stands there twice, differently");
    let high = u16::from(next().ok_or(differs)?);
    let mut units: Vec<u16> = Vec::new();
    let (mut flags, mut left) = (0, 0);
    loop {
        if left == 0 {
            let Some(byte) = next() else { break };
            (flags, left) = (byte, 4);
        }
        let kind = flags >> 6;
        (flags, left) = (flags << 2, left - 1);
        let Some(byte) = next() else { break };
        let byte = u16::from(byte);
        match kind {
            0 => units.push(byte),
            1 => units.push(byte | high << 8),
            2 => units.push(byte | u16::from(next().ok_or(differs)?) << 8),
            _ => {
                let correction =
                    if byte & 0x80 != 0 { Some(u16::from(next().ok_or(differs)?)) } else { None };
                for _ in 0..(byte & 0x7f) + 2 {
                    let same = u16::from(*plain.get(units.len()).ok_or(differs)?);
                    units.push(correction.map_or(same, |more| (same + more) & 0xff | high << 8));
                }
            }
        }
        if units.len() > 1024 {
            return Err(Unfit::Name("is empty or too long"));
        }
    }
    // Readers that know no UTF-16 take the first one: it has to be in order too.
    let older: Vec<u8> = plain.iter().map(|byte| if *byte == b'\\' { b'/' } else { *byte }).collect();
    crate::documents::name::check(&older)?;
    let name = String::from_utf16(&units).map_err(|_| Unfit::Name("is not UTF-16, as it says"))?;
    Ok(name.into_bytes())
}

const BASE_BYTES: usize = 7;
const MARK: u8 = 0x72;
const MAIN: u8 = 0x73;
const FILE: u8 = 0x74;
const COMMENT: u8 = 0x75;
const AUTHENTICITY: u8 = 0x76;
const RECOVERY: u8 = 0x78;
const SIGN: u8 = 0x79;
const SERVICE: u8 = 0x7a;
const END: u8 = 0x7b;
const LONG_BLOCK: u16 = 0x8000;

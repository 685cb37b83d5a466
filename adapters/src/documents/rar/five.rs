//! Headers of RAR 5.

use super::{BROKEN, File, Header, LONG, MOST_HEADER_BYTES, SHORT, VOLUMES, crc, word};
use crate::documents::Unfit;

/// How many bytes of a header are wanted, as far as those that are held say.
pub(super) fn wanted(held: &[u8]) -> Result<usize, Unfit> {
    if held.len() < 5 {
        return Ok(5);
    }
    let mut fields = Fields(&held[4..]);
    match fields.number() {
        Ok(size) => {
            let fixed = held.len() - fields.0.len();
            let bytes = usize::try_from(size).unwrap_or(usize::MAX);
            if bytes == 0 {
                return Err(SHORT);
            }
            if bytes > MOST_HEADER_BYTES { Err(LONG) } else { Ok(fixed + bytes) }
        }
        // The size goes on; more than three bytes of it are more than a header may have.
        Err(_) if held.len() < 7 => Ok(held.len() + 1),
        Err(_) => Err(LONG),
    }
}

pub(super) fn read(header: &[u8]) -> Result<Header, Unfit> {
    if crc(&header[4..]) != word(header, 0)? {
        return Err(BROKEN);
    }
    let mut fields = Fields(&header[4..]);
    fields.number()?;
    let (kind, flags) = (fields.number()?, fields.number()?);
    let extra_bytes = if flags & 1 != 0 { fields.number()? } else { 0 };
    let data = if flags & 2 != 0 { fields.number()? } else { 0 };
    let extra_bytes = usize::try_from(extra_bytes).map_err(|_| SHORT)?;
    let own = fields.0.len().checked_sub(extra_bytes).ok_or(SHORT)?;
    let (own, extra) = fields.0.split_at(own);
    let mut fields = Fields(own);
    if flags & 0x18 != 0 {
        return Err(VOLUMES);
    }
    match kind {
        1 if fields.number()? & 1 != 0 => Err(VOLUMES),
        2 => file(fields, extra, data),
        // What a service record holds belongs to the archive; its records are of files too.
        3 => Ok(Header { data, ..Header::default() }),
        4 => Err(Unfit::Encrypted),
        5 if fields.number()? & 1 != 0 => Err(VOLUMES),
        5 => Ok(Header { data, file: None, end: true }),
        _ => Ok(Header { data, ..Header::default() }),
    }
}

fn file(mut fields: Fields<'_>, extra: &[u8], packed: u64) -> Result<Header, Unfit> {
    let flags = fields.number()?;
    let unpacked = fields.number()?;
    if flags & 8 != 0 {
        return Err(Unfit::Unchecked("an entry does not say how large it is"));
    }
    fields.number()?; // attributes
    if flags & 2 != 0 {
        fields.bytes(4)?; // time
    }
    if flags & 4 != 0 {
        fields.bytes(4)?; // checksum
    }
    fields.number()?; // how it is packed
    fields.number()?; // system
    let name_bytes = usize::try_from(fields.number()?).map_err(|_| SHORT)?;
    let name = fields.bytes(name_bytes)?.to_vec();
    if std::str::from_utf8(&name).is_err() {
        return Err(Unfit::Name("is not UTF-8, as it says"));
    }
    let mut records = Fields(extra);
    while !records.0.is_empty() {
        let bytes = usize::try_from(records.number()?).map_err(|_| SHORT)?;
        let mut record = Fields(records.bytes(bytes)?);
        match record.number()? {
            1 => return Err(Unfit::Encrypted),
            // A link of any kind; a copy of a file that stands before it is none.
            5 => {
                record.number()?;
                if record.number()? != 5 {
                    return Err(Unfit::Link);
                }
            }
            _ => {}
        }
    }
    Ok(Header { data: packed, file: Some(File { name, packed, unpacked }), end: false })
}

struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    /// A number of up to ten bytes, seven bits each, the lowest first.
    fn number(&mut self) -> Result<u64, Unfit> {
        let mut number = 0;
        for (at, byte) in self.0.iter().take(10).enumerate() {
            let bits = u64::from(byte & 0x7f);
            if at == 9 && bits > 1 {
                break;
            }
            number |= bits << (7 * at);
            if byte & 0x80 == 0 {
                self.0 = &self.0[at + 1..];
                return Ok(number);
            }
        }
        Err(SHORT)
    }

    fn bytes(&mut self, count: usize) -> Result<&'a [u8], Unfit> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(SHORT)?;
        self.0 = rest;
        Ok(taken)
    }
}

//! Headers of RAR 5.

use super::{BROKEN, File, Header, LONG, MOST_HEADER_BYTES, SHORT, UNKNOWN, VOLUMES, What, crc, word};
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
        1 => main(fields, extra, data),
        2 => file(fields, extra, data),
        3 => service(fields, extra, data),
        4 => Err(Unfit::Encrypted),
        5 if fields.number()? & 1 != 0 => Err(VOLUMES),
        5 => Ok(Header { data, what: What::End }),
        _ => Err(UNKNOWN),
    }
}

fn main(mut fields: Fields<'_>, extra: &[u8], data: u64) -> Result<Header, Unfit> {
    if fields.number()? & 1 != 0 {
        return Err(VOLUMES);
    }
    let mut quick_open = None;
    records(extra, |kind, record| match kind {
        LOCATOR if quick_open.is_some() => {
            Err(Unfit::Inconsistent("the archive says twice where records stand"))
        }
        LOCATOR => {
            let says = record.number()?;
            quick_open = Some(if says & 1 != 0 { record.number()? } else { 0 });
            Ok(())
        }
        _ => Ok(()),
    })?;
    // Nought: no room was left to say it, and readers do without.
    let quick_open = quick_open.filter(|offset| *offset != 0);
    Ok(Header { data, what: What::Main { quick_open } })
}

fn file(mut fields: Fields<'_>, extra: &[u8], packed: u64) -> Result<Header, Unfit> {
    let Named { name, says, unpacked, attributes, system } = Named::read(&mut fields)?;
    if says & 8 != 0 {
        return Err(Unfit::Unchecked("an entry does not say how large it is"));
    }
    if std::str::from_utf8(name).is_err() {
        return Err(Unfit::Name("is not UTF-8, as it says"));
    }
    if system == UNIX && is_special(attributes) {
        return Err(Unfit::Link);
    }
    in_order(extra)?;
    Ok(Header { data: packed, what: What::File(File { name: name.to_vec(), packed, unpacked }) })
}

fn service(mut fields: Fields<'_>, extra: &[u8], data: u64) -> Result<Header, Unfit> {
    let named = Named::read(&mut fields)?;
    in_order(extra)?;
    Ok(Header { data, what: super::service(named.name)? })
}

/// A file is its own data, in clear. A link of whatever kind is not; nor is a copy: of what stands by that name where it
/// is unpacked, be it from the archive or not.
fn in_order(extra: &[u8]) -> Result<(), Unfit> {
    records(extra, |kind, _| match kind {
        ENCRYPTION => Err(Unfit::Encrypted),
        REDIRECTION => Err(Unfit::Link),
        _ => Ok(()),
    })
}

fn records(
    extra: &[u8],
    mut each: impl FnMut(u64, &mut Fields<'_>) -> Result<(), Unfit>,
) -> Result<(), Unfit> {
    let mut records = Fields(extra);
    while !records.0.is_empty() {
        let bytes = usize::try_from(records.number()?).map_err(|_| SHORT)?;
        let mut record = Fields(records.bytes(bytes)?);
        let kind = record.number()?;
        each(kind, &mut record)?;
    }
    Ok(())
}

/// What files and service records have in common.
struct Named<'a> {
    name: &'a [u8],
    says: u64,
    unpacked: u64,
    attributes: u64,
    system: u64,
}

impl<'a> Named<'a> {
    fn read(fields: &mut Fields<'a>) -> Result<Self, Unfit> {
        let says = fields.number()?;
        let unpacked = fields.number()?;
        let attributes = fields.number()?;
        if says & 2 != 0 {
            fields.bytes(4)?; // time
        }
        if says & 4 != 0 {
            fields.bytes(4)?; // checksum
        }
        fields.number()?; // how it is packed
        let system = fields.number()?;
        let name_bytes = usize::try_from(fields.number()?).map_err(|_| SHORT)?;
        Ok(Self { name: fields.bytes(name_bytes)?, says, unpacked, attributes, system })
    }
}

/// The mode of a file on Unix says that it is neither file nor folder.
fn is_special(mode: u64) -> bool {
    !matches!(mode & 0xf000, 0 | 0x8000 | 0x4000)
}

/// A copy of a header, as a quick open record holds it: how far before the record the header stands, and its bytes.
pub(super) fn copy(structure: &[u8]) -> Result<(u64, &[u8]), Unfit> {
    if crc(&structure[4..]) != word(structure, 0)? {
        return Err(BROKEN);
    }
    let mut fields = Fields(&structure[4..]);
    fields.number()?;
    let says = fields.number()?;
    let (back, bytes) = (fields.number()?, fields.number()?);
    if says != 0 || bytes != fields.0.len() as u64 {
        return Err(UNKNOWN);
    }
    Ok((back, fields.0))
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

/// Records behind the fields of a header: of the main one, and of files.
const LOCATOR: u64 = 1;
const ENCRYPTION: u64 = 1;
const REDIRECTION: u64 = 5;

const UNIX: u64 = 1;

//! A RAR archive as it passes: its headers only, since nothing here unpacks it; what they say of sizes is held to the limits.

mod five;
mod four;

use std::collections::HashSet;
use std::hash::RandomState;

use flate2::Crc;

use super::limits::Used;
use super::{Unfit, name};

/// An archive as it passes.
#[derive(Debug)]
pub(super) struct Rar {
    version: Version,
    place: Place,
    /// The sign or header that is not whole yet.
    held: Vec<u8>,
    names: HashSet<u64>,
    keys: RandomState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    Unknown,
    Four,
    Five,
}

#[derive(Debug)]
enum Place {
    Header,
    Data { left: u64 },
    Done,
}

/// What a header says.
#[derive(Debug, Default)]
struct Header {
    /// Bytes of data that follow it.
    data: u64,
    file: Option<File>,
    end: bool,
}

/// A file, folder or service record.
#[derive(Debug)]
struct File {
    name: Vec<u8>,
    packed: u64,
    unpacked: u64,
}

impl Rar {
    pub(super) fn new() -> Self {
        Self {
            version: Version::Unknown,
            place: Place::Header,
            held: Vec::new(),
            names: HashSet::new(),
            keys: RandomState::new(),
        }
    }

    pub(super) fn push(&mut self, mut bytes: &[u8], used: &mut Used) -> Result<(), Unfit> {
        while !bytes.is_empty() {
            match &mut self.place {
                Place::Data { left } => {
                    let count = bytes.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                    *left -= count as u64;
                    bytes = &bytes[count..];
                    if *left == 0 {
                        self.place = Place::Header;
                    }
                }
                Place::Header => self.header(&mut bytes, used)?,
                Place::Done => return Err(Unfit::Polyglot("something stands behind its end")),
            }
        }
        Ok(())
    }

    pub(super) fn finish(&self) -> Result<(), Unfit> {
        match self.place {
            Place::Done => Ok(()),
            // Old archives have no header that ends them.
            Place::Header
                if self.version == Version::Four && self.held.is_empty() && !self.names.is_empty() =>
            {
                Ok(())
            }
            Place::Header | Place::Data { .. } => Err(Unfit::Damaged("the archive breaks off")),
        }
    }

    /// Takes at least one byte.
    fn header(&mut self, bytes: &mut &[u8], used: &mut Used) -> Result<(), Unfit> {
        loop {
            let wanted = match self.version {
                Version::Unknown => SIGN_BYTES,
                Version::Four => four::wanted(&self.held)?,
                Version::Five => five::wanted(&self.held)?,
            };
            if self.held.len() == wanted {
                break;
            }
            let count = bytes.len().min(wanted - self.held.len());
            if count == 0 {
                return Ok(());
            }
            self.held.extend_from_slice(&bytes[..count]);
            *bytes = &bytes[count..];
        }
        let held = std::mem::take(&mut self.held);
        let header = match self.version {
            Version::Unknown => {
                // The seventh byte tells the two apart; the eighth is then the sign's last, or a header's first.
                self.version = if held[6] == 1 { Version::Five } else { Version::Four };
                if self.version == Version::Four {
                    self.held.push(held[7]);
                }
                return Ok(());
            }
            Version::Four => four::read(&held)?,
            Version::Five => five::read(&held)?,
        };
        if let Some(file) = header.file {
            self.file(&file, used)?;
        }
        self.place = match header {
            Header { end: true, data: 0, .. } => Place::Done,
            Header { end: true, .. } => {
                return Err(Unfit::Inconsistent("something stands in the archive's end"));
            }
            Header { data: 0, .. } => Place::Header,
            Header { data, .. } => Place::Data { left: data },
        };
        Ok(())
    }

    fn file(&mut self, file: &File, used: &mut Used) -> Result<(), Unfit> {
        used.entry()?;
        name::check(&file.name)?;
        if !self.names.insert(name::folded(&file.name, &self.keys)) {
            return Err(Unfit::Inconsistent("two entries have one name"));
        }
        used.unpack(file.unpacked, file.unpacked, file.packed)
    }
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

fn short(record: &[u8], at: usize) -> Result<u16, Unfit> {
    let two = record.get(at..at + 2).ok_or(SHORT)?;
    Ok(u16::from_le_bytes([two[0], two[1]]))
}

fn word(record: &[u8], at: usize) -> Result<u32, Unfit> {
    Ok(u32::from(short(record, at)?) | u32::from(short(record, at + 2)?) << 16)
}

const SIGN_BYTES: usize = 8;

/// Most bytes of one header: what it may have by its format is far more than a name needs.
const MOST_HEADER_BYTES: usize = 16 << 10;

const SHORT: Unfit = Unfit::Damaged("a header of the archive is shorter than what it says");
const BROKEN: Unfit = Unfit::Damaged("a header of the archive does not have its checksum");
const LONG: Unfit = Unfit::Unchecked("a header of the archive is longer than any needs to be");
const VOLUMES: Unfit = Unfit::Unchecked("the archive is spread over several files");

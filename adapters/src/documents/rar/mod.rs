//! A RAR archive as it passes: its headers only, since nothing here unpacks it; what they say of sizes is held to the limits.

mod five;
mod four;
mod quick;

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use flate2::Crc;

use self::quick::QuickOpen;
use super::limits::Used;
use super::{Unfit, name};

/// An archive as it passes.
#[derive(Debug)]
pub(super) struct Rar {
    version: Version,
    place: Place,
    /// The sign or header that is not whole yet.
    held: Vec<u8>,
    /// How many bytes were read.
    at: u64,
    names: HashSet<u64>,
    /// Headers, and where they stand: what is said of them once more is held against these.
    headers: HashSet<u64>,
    keys: RandomState,
    began: bool,
    /// Where readers look for a quick open record, until it was met.
    quick_open: Option<u64>,
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
    QuickOpen(QuickOpen),
    Done,
}

/// What a header says.
#[derive(Debug)]
struct Header {
    /// Bytes of data that follow it.
    data: u64,
    what: What,
}

#[derive(Debug)]
enum What {
    /// How an archive begins; it may say how far behind its own header a quick open record stands.
    Main {
        quick_open: Option<u64>,
    },
    File(File),
    /// What no reader unpacks, or reads in place of something else.
    Harmless,
    /// Copies of headers.
    QuickOpen,
    End,
}

/// A file or folder.
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
            at: 0,
            names: HashSet::new(),
            headers: HashSet::new(),
            keys: RandomState::new(),
            began: false,
            quick_open: None,
        }
    }

    pub(super) fn push(&mut self, mut bytes: &[u8], used: &mut Used) -> Result<(), Unfit> {
        while !bytes.is_empty() {
            match &mut self.place {
                Place::Data { left } => {
                    let count = bytes.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                    *left -= count as u64;
                    self.at += count as u64;
                    bytes = &bytes[count..];
                    if *left == 0 {
                        self.place = Place::Header;
                    }
                }
                Place::QuickOpen(quick) => {
                    let (before, keys, headers) = (bytes.len(), &self.keys, &self.headers);
                    let was_met = |at: u64, header: &[u8]| headers.contains(&keys.hash_one((at, header)));
                    let ended = quick.push(&mut bytes, was_met)?;
                    self.at += (before - bytes.len()) as u64;
                    if ended {
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
            Place::Header | Place::Data { .. } | Place::QuickOpen(_) => {
                Err(Unfit::Damaged("the archive breaks off"))
            }
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
            self.at += count as u64;
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
        let begins_at = self.at - held.len() as u64;
        if matches!(header.what, What::File(_) | What::Harmless | What::QuickOpen) {
            used.entry()?;
        }
        if self.version == Version::Five {
            self.headers.insert(self.keys.hash_one((begins_at, held.as_slice())));
        }
        let is_first = !std::mem::replace(&mut self.began, true);
        if is_first != matches!(header.what, What::Main { .. }) {
            return Err(Unfit::Inconsistent("the archive does not begin where it should, or twice"));
        }
        let mut place = if header.data == 0 { Place::Header } else { Place::Data { left: header.data } };
        match header.what {
            What::Main { quick_open } => {
                self.quick_open = quick_open.map(|offset| begins_at.saturating_add(offset));
            }
            What::File(file) => self.file(&file, used)?,
            What::Harmless => {}
            What::QuickOpen => {
                // Readers that were told of another place would read what stands there.
                if self.quick_open.take().is_some_and(|said| said != begins_at) {
                    return Err(ELSEWHERE);
                }
                if header.data > 0 {
                    place = Place::QuickOpen(QuickOpen::new(begins_at, header.data));
                }
            }
            What::End if self.quick_open.is_some() => return Err(ELSEWHERE),
            What::End if header.data > 0 => {
                return Err(Unfit::Inconsistent("something stands in the archive's end"));
            }
            What::End => place = Place::Done,
        }
        self.place = place;
        Ok(())
    }

    fn file(&mut self, file: &File, used: &mut Used) -> Result<(), Unfit> {
        name::check(&file.name)?;
        if !self.names.insert(name::folded(&file.name, &self.keys)) {
            return Err(Unfit::Inconsistent("two entries have one name"));
        }
        used.unpack(file.unpacked, file.unpacked, file.packed)
    }
}

/// What a service record is, by its name. Of those that are not here some make more files than were checked (`STM`: streams
/// under names of their own), some change who may read what is unpacked (`ACL`, `UOW`), and the rest nobody knows.
fn service(name: &[u8]) -> Result<What, Unfit> {
    match name {
        // Text that is shown; what repairs a damaged archive when somebody asks for it; who packed it.
        b"CMT" | b"RR" | b"AV" => Ok(What::Harmless),
        b"QO" => Ok(What::QuickOpen),
        _ => Err(UNKNOWN),
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
const UNKNOWN: Unfit =
    Unfit::Unchecked("the archive holds a record that is neither a file nor known to be harmless");
const ELSEWHERE: Unfit =
    Unfit::Inconsistent("what readers take for the archive's headers does not stand there");
const VOLUMES: Unfit = Unfit::Unchecked("the archive is spread over several files");

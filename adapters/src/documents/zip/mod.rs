//! A ZIP archive as it passes: each entry unpacked to be counted, and what the directory says held against what was met.
//!
//! ```text
//! ( local header, data, descriptor? )*  ( directory record )*  ( ZIP64 end, its locator )?  end, comment
//! ```
//!
//! Nothing may stand before, between or behind these: two readers that begin at different ends see the same archive.
//! Archives in it are looked through in the same way, as far down as the limits allow.

mod entry;
mod manifest;
mod record;

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use agreements::DocumentFormat;
use memchr::memmem;

use self::entry::{Contents, Entry, Met};
use self::record::{Central, End, Local, Sizes};
use super::limits::Used;
use super::{Unfit, name};

/// An archive as it passes.
#[derive(Debug)]
pub(super) struct Zip {
    depth: u32,
    place: Place,
    /// The record that is not whole yet: bounded by the longest record.
    held: Vec<u8>,
    /// How many bytes were read.
    at: u64,
    /// Local headers met, and directory records: counted, and summed under keys that nobody knows.
    locals: Sum,
    central: Sum,
    keys: RandomState,
    names: HashSet<u64>,
    /// Where the directory began.
    central_at: u64,
    /// Where the ZIP64 end record began.
    zip64: Option<u64>,
    /// Whether the locator said so too.
    located: bool,
    parts: Parts,
}

#[derive(Debug)]
enum Place {
    /// Four bytes say what comes.
    Sign,
    Local,
    Data(Box<Entry>),
    Descriptor(Box<Met>),
    Central,
    Zip64End,
    Zip64Locator,
    End,
    /// Its length.
    Comment(usize),
    Done,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Sum {
    count: u64,
    sum: u64,
}

/// What office documents are told apart by.
#[derive(Debug, Default)]
struct Parts {
    content_types: bool,
    word: bool,
    excel: bool,
    powerpoint: bool,
    /// What its parts' names, and what is said of them, say against it.
    found: Option<Unfit>,
}

impl Zip {
    /// An archive that stands so deep in others.
    pub(super) fn new(depth: u32) -> Self {
        Self {
            depth,
            place: Place::Sign,
            held: Vec::new(),
            at: 0,
            locals: Sum::default(),
            central: Sum::default(),
            keys: RandomState::new(),
            names: HashSet::new(),
            central_at: 0,
            zip64: None,
            located: false,
            parts: Parts::default(),
        }
    }

    pub(super) fn push(&mut self, mut bytes: &[u8], used: &mut Used) -> Result<(), Unfit> {
        while !bytes.is_empty() {
            self.step(&mut bytes, used)?;
        }
        Ok(())
    }

    /// What it is, at its end.
    pub(super) fn finish(&self) -> Result<DocumentFormat, Unfit> {
        match self.place {
            Place::Done => self.parts.format(),
            _ => Err(Unfit::Damaged("the archive breaks off")),
        }
    }

    /// Takes at least one byte.
    fn step(&mut self, bytes: &mut &[u8], used: &mut Used) -> Result<(), Unfit> {
        match &mut self.place {
            Place::Sign => {
                if self.hold(bytes, 4) {
                    self.place = self.sign()?;
                }
                Ok(())
            }
            Place::Local => self.local(bytes, used),
            Place::Data(entry) => {
                let before = bytes.len();
                let met = entry.push(bytes, used)?;
                self.at += (before - bytes.len()) as u64;
                if let Some(met) = met {
                    self.met(met)?;
                }
                Ok(())
            }
            Place::Descriptor(_) => self.descriptor(bytes),
            Place::Central => self.central(bytes),
            Place::Zip64End => {
                if self.hold(bytes, record::ZIP64_END_BYTES) {
                    End::of_zip64(&self.held)?.agrees(self.central.count, self.central_at, self.at)?;
                    // The record is behind the directory, so its size counts from where the record began.
                    self.held.clear();
                    self.place = Place::Sign;
                }
                Ok(())
            }
            Place::Zip64Locator => {
                if self.hold(bytes, record::ZIP64_LOCATOR_BYTES) {
                    if self.zip64 != Some(record::located(&self.held)) {
                        return Err(CONTRADICTION);
                    }
                    self.located = true;
                    self.held.clear();
                    self.place = Place::Sign;
                }
                Ok(())
            }
            Place::End => self.end(bytes),
            Place::Comment(bytes_long) => {
                let bytes_long = *bytes_long;
                if self.hold(bytes, bytes_long) {
                    // Some readers take what stands last for the archive's end, or the comment for another document.
                    let other = [&b"PK"[..], b"%PDF", b"%%EOF"];
                    if other.iter().any(|sign| memmem::find(&self.held, sign).is_some()) {
                        return Err(Unfit::Polyglot("its comment can be read as something else"));
                    }
                    self.place = Place::Done;
                }
                Ok(())
            }
            Place::Done => Err(Unfit::Polyglot("something stands behind its end")),
        }
    }

    /// Takes bytes until so many are held, and says whether they are.
    fn hold(&mut self, bytes: &mut &[u8], wanted: usize) -> bool {
        let count = bytes.len().min(wanted.saturating_sub(self.held.len()));
        self.held.extend_from_slice(&bytes[..count]);
        *bytes = &bytes[count..];
        self.at += count as u64;
        self.held.len() >= wanted
    }

    fn sign(&mut self) -> Result<Place, Unfit> {
        let in_entries = self.central.count == 0 && self.zip64.is_none();
        let (sign, begins_at) = (&self.held[..4], self.at - 4);
        match sign {
            b"PK\x03\x04" if in_entries => Ok(Place::Local),
            b"PK\x01\x02" if self.zip64.is_none() && self.locals.count > 0 => {
                if self.central.count == 0 {
                    self.central_at = begins_at;
                }
                Ok(Place::Central)
            }
            b"PK\x06\x06" if self.central.count > 0 && self.zip64.is_none() => {
                self.zip64 = Some(begins_at);
                Ok(Place::Zip64End)
            }
            b"PK\x06\x07" if self.zip64.is_some() && !self.located => Ok(Place::Zip64Locator),
            b"PK\x05\x06" if self.central.count > 0 && self.located == self.zip64.is_some() => Ok(Place::End),
            b"PK\x05\x06" => Err(Unfit::Damaged("the archive holds nothing")),
            _ => Err(Unfit::Inconsistent("something stands between the archive's parts")),
        }
    }

    fn local(&mut self, bytes: &mut &[u8], used: &mut Used) -> Result<(), Unfit> {
        if !self.hold(bytes, record::LOCAL_BYTES) {
            return Ok(());
        }
        let whole = Local::bytes(&self.held)?;
        if !self.hold(bytes, whole) {
            return Ok(());
        }
        used.entry()?;
        let local = Local::read(&self.held)?;
        if !self.names.insert(name::folded(local.name, &self.keys)) {
            return Err(Unfit::Inconsistent("two entries have one name"));
        }
        self.parts.see(local.name);
        let place = self.keys.hash_one((self.at - whole as u64, local.name, local.method, local.utf8));
        let contents = Contents::new(self.depth);
        let entry = Entry::new(place, &local, contents)?;
        self.held.clear();
        match entry.empty() {
            Some(met) => self.met(met),
            None => {
                self.place = Place::Data(Box::new(entry));
                Ok(())
            }
        }
    }

    /// The data of an entry ended.
    fn met(&mut self, met: Met) -> Result<(), Unfit> {
        self.parts.find(met.found);
        if met.descriptor {
            self.place = Place::Descriptor(Box::new(met));
        } else {
            self.locals.add(&self.keys, met.place, met.sizes);
            self.place = Place::Sign;
        }
        Ok(())
    }

    fn descriptor(&mut self, bytes: &mut &[u8]) -> Result<(), Unfit> {
        if !self.hold(bytes, 4) {
            return Ok(());
        }
        let Place::Descriptor(met) = &self.place else { return Ok(()) };
        let expected = met.descriptor_after(&self.held[..4]);
        if !self.hold(bytes, expected.len()) {
            return Ok(());
        }
        if self.held != expected {
            return Err(Unfit::Inconsistent("an entry is not what is said of it"));
        }
        let Place::Descriptor(met) = std::mem::replace(&mut self.place, Place::Sign) else { return Ok(()) };
        self.locals.add(&self.keys, met.place, met.sizes);
        self.held.clear();
        Ok(())
    }

    fn central(&mut self, bytes: &mut &[u8]) -> Result<(), Unfit> {
        if !self.hold(bytes, record::CENTRAL_BYTES) {
            return Ok(());
        }
        let whole = Central::bytes(&self.held)?;
        if !self.hold(bytes, whole) {
            return Ok(());
        }
        let central = Central::read(&self.held)?;
        let place = self.keys.hash_one((central.local_at, central.name, central.method, central.utf8));
        self.central.add(&self.keys, place, central.sizes);
        if self.central.count > self.locals.count {
            return Err(CONTRADICTION);
        }
        self.held.clear();
        self.place = Place::Sign;
        Ok(())
    }

    fn end(&mut self, bytes: &mut &[u8]) -> Result<(), Unfit> {
        if !self.hold(bytes, record::END_BYTES) {
            return Ok(());
        }
        let end = End::read(&self.held)?;
        let directory_ends = self.zip64.unwrap_or(self.at - record::END_BYTES as u64);
        let directory_bytes = directory_ends - self.central_at;
        end.agrees_but_for_zip64(self.central.count, self.central_at, directory_bytes, self.zip64.is_some())?;
        if self.locals != self.central {
            return Err(CONTRADICTION);
        }
        self.place = if end.comment == 0 { Place::Done } else { Place::Comment(end.comment) };
        self.held.clear();
        Ok(())
    }
}

impl Sum {
    fn add(&mut self, keys: &RandomState, place: u64, sizes: Sizes) {
        self.count += 1;
        self.sum = self.sum.wrapping_add(keys.hash_one((place, sizes)));
    }
}

impl Parts {
    fn see(&mut self, name: &[u8]) {
        let name = name.to_ascii_lowercase();
        self.content_types |= name == manifest::CONTENT_TYPES;
        self.word |= name.starts_with(b"word/");
        self.excel |= name.starts_with(b"xl/");
        self.powerpoint |= name.starts_with(b"ppt/");
        self.find(name.ends_with(b"vbaproject.bin").then_some(Unfit::Macros));
        // ECMA-376-2, 7.2.5: a part in pieces, of which each is an entry.
        let is_piece = name.ends_with(b".piece");
        self.find(is_piece.then_some(Unfit::Unchecked("one of its parts is in pieces")));
    }

    fn find(&mut self, found: Option<Unfit>) {
        if self.found != Some(Unfit::Macros) {
            self.found = found.or(self.found);
        }
    }

    fn format(&self) -> Result<DocumentFormat, Unfit> {
        if !self.content_types {
            return Ok(DocumentFormat::Zip);
        }
        if let Some(found) = self.found {
            return Err(found);
        }
        match (self.word, self.excel, self.powerpoint) {
            (true, false, false) => Ok(DocumentFormat::Docx),
            (false, true, false) => Ok(DocumentFormat::Xlsx),
            (false, false, true) => Ok(DocumentFormat::Pptx),
            (false, false, false) => Ok(DocumentFormat::Zip),
            _ => Err(Unfit::Polyglot("it holds the parts of several office documents")),
        }
    }
}

const CONTRADICTION: Unfit =
    Unfit::Inconsistent("the archive's directory does not say what the archive holds");

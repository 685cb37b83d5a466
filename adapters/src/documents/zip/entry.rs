//! The data of one entry: unpacked to be counted, and looked through if it is an archive itself.

use flate2::{Crc, Decompress, FlushDecompress, Status};

use super::super::Unfit;
use super::super::limits::Used;
use super::super::rar::Rar;
use super::super::sniff::{self, Beginning};
use super::Zip;
use super::manifest::Manifest;
use super::record::{Local, Method, Sizes};

/// An entry whose data passes.
#[derive(Debug)]
pub(super) struct Entry {
    place: u64,
    said: Option<Sizes>,
    zip64: bool,
    packed: u64,
    unpacked: u64,
    crc: Crc,
    inflate: Option<Decompress>,
    contents: Contents,
    manifest: Option<Box<Manifest>>,
}

/// An entry whose data was met.
#[derive(Debug)]
pub(super) struct Met {
    pub(super) place: u64,
    pub(super) sizes: Sizes,
    /// Whether a descriptor follows.
    pub(super) descriptor: bool,
    /// What it says of macros, if it is a part that does.
    pub(super) found: Option<Unfit>,
    zip64: bool,
}

impl Entry {
    pub(super) fn new(place: u64, local: &Local<'_>, contents: Contents) -> Result<Self, Unfit> {
        let inflate = match (local.method, local.sizes) {
            (Method::Deflated, _) => Some(Decompress::new(false)),
            (Method::Stored, Some(sizes)) if sizes.packed == sizes.unpacked => None,
            (Method::Stored, Some(_)) => return Err(OTHERWISE),
            (Method::Stored, None) => return Err(Unfit::Unchecked("an entry does not say where it ends")),
        };
        Ok(Self {
            place,
            said: local.sizes,
            zip64: local.zip64,
            packed: 0,
            unpacked: 0,
            crc: Crc::new(),
            inflate,
            contents,
            manifest: Manifest::of(local.name),
        })
    }

    /// What was met of an entry that has no data at all.
    pub(super) fn empty(&self) -> Option<Met> {
        let sizes =
            self.said.filter(|sizes| self.inflate.is_none() && sizes.packed == 0 && sizes.crc == 0)?;
        Some(Met { place: self.place, sizes, descriptor: false, found: None, zip64: self.zip64 })
    }

    /// Takes what is its own of the bytes, at least one; at its end says what was met.
    pub(super) fn push(&mut self, bytes: &mut &[u8], used: &mut Used) -> Result<Option<Met>, Unfit> {
        let left = self.said.map_or(u64::MAX, |sizes| sizes.packed - self.packed);
        let all = *bytes;
        let own = &all[..all.len().min(usize::try_from(left).unwrap_or(usize::MAX))];
        if own.is_empty() {
            // It said how much there is, and what is packed goes on.
            return Err(OTHERWISE);
        }
        let (taken, ended) = match self.inflate.take() {
            None => {
                self.packed += own.len() as u64;
                self.unpacked(own, used)?;
                (own.len(), own.len() as u64 == left)
            }
            Some(mut inflate) => {
                let inflated = self.inflate(&mut inflate, own, used)?;
                self.inflate = Some(inflate);
                inflated
            }
        };
        *bytes = &all[taken..];
        if ended { self.met().map(Some) } else { Ok(None) }
    }

    fn inflate(
        &mut self,
        inflate: &mut Decompress,
        own: &[u8],
        used: &mut Used,
    ) -> Result<(usize, bool), Unfit> {
        let (mut out, mut taken) = ([0; ROOM_BYTES], 0);
        loop {
            let before = (inflate.total_in(), inflate.total_out());
            let status = inflate
                .decompress(&own[taken..], &mut out, FlushDecompress::None)
                .map_err(|_| Unfit::Damaged("an entry cannot be unpacked"))?;
            let read = (inflate.total_in() - before.0) as usize;
            let made = (inflate.total_out() - before.1) as usize;
            taken += read;
            self.packed += read as u64;
            self.unpacked(&out[..made], used)?;
            match status {
                Status::StreamEnd => return Ok((taken, true)),
                // Everything was read, and there was room for more than came of it.
                Status::Ok | Status::BufError if taken == own.len() && made < out.len() => {
                    return Ok((taken, false));
                }
                Status::Ok | Status::BufError if read == 0 && made == 0 => {
                    return Err(Unfit::Damaged("an entry cannot be unpacked"));
                }
                Status::Ok | Status::BufError => {}
            }
        }
    }

    fn unpacked(&mut self, bytes: &[u8], used: &mut Used) -> Result<(), Unfit> {
        self.unpacked += bytes.len() as u64;
        used.unpack(bytes.len() as u64, self.unpacked, self.packed)?;
        self.crc.update(bytes);
        if let Some(manifest) = &mut self.manifest {
            manifest.push(bytes);
        }
        self.contents.push(bytes, used)
    }

    fn met(&mut self) -> Result<Met, Unfit> {
        self.contents.finish()?;
        let sizes = Sizes { crc: self.crc.sum(), packed: self.packed, unpacked: self.unpacked };
        if self.said.is_some_and(|said| said != sizes) {
            return Err(OTHERWISE);
        }
        let found = self.manifest.as_ref().and_then(|manifest| manifest.found());
        Ok(Met { place: self.place, sizes, descriptor: self.said.is_none(), found, zip64: self.zip64 })
    }
}

impl Met {
    /// The descriptor that has to follow, if these are the bytes behind the data: with its sign or without.
    pub(super) fn descriptor_after(&self, behind: &[u8]) -> Vec<u8> {
        let mut descriptor = Vec::with_capacity(24);
        if behind == DESCRIPTOR_SIGN {
            descriptor.extend_from_slice(DESCRIPTOR_SIGN);
        }
        descriptor.extend_from_slice(&self.sizes.crc.to_le_bytes());
        for size in [self.sizes.packed, self.sizes.unpacked] {
            let bytes = size.to_le_bytes();
            descriptor.extend_from_slice(if self.zip64 { &bytes } else { &bytes[..4] });
        }
        descriptor
    }
}

/// What stands in an entry.
#[derive(Debug)]
pub(super) struct Contents {
    depth: u32,
    within: Within,
}

#[derive(Debug)]
enum Within {
    /// Not enough bytes yet to tell.
    Unknown(Vec<u8>),
    /// Nothing that holds others.
    Plain,
    Zip(Box<Zip>),
    Rar(Box<Rar>),
}

impl Contents {
    /// Of an archive that stands so deep in others.
    pub(super) fn new(depth: u32) -> Self {
        Self { depth, within: Within::Unknown(Vec::new()) }
    }

    fn push(&mut self, bytes: &[u8], used: &mut Used) -> Result<(), Unfit> {
        match &mut self.within {
            Within::Unknown(head) => {
                head.extend_from_slice(bytes);
                if head.len() < sniff::BYTES {
                    return Ok(());
                }
                let head = std::mem::take(head);
                self.within = match Beginning::of(&head) {
                    Some(Beginning::Zip) => Within::Zip(Box::new(Zip::new(used.descend(self.depth)?))),
                    Some(Beginning::Rar4 | Beginning::Rar5) => {
                        used.descend(self.depth)?;
                        Within::Rar(Box::new(Rar::new()))
                    }
                    _ => Within::Plain,
                };
                self.push(&head, used)
            }
            Within::Plain => Ok(()),
            Within::Zip(zip) => zip.push(bytes, used),
            Within::Rar(rar) => rar.push(bytes, used),
        }
    }

    fn finish(&mut self) -> Result<(), Unfit> {
        match &self.within {
            Within::Unknown(_) | Within::Plain => Ok(()),
            Within::Zip(zip) => match zip.finish() {
                // What is inside is not held against a declaration of its own.
                Ok(_) | Err(Unfit::Macros) => Ok(()),
                Err(unfit) => Err(unfit),
            },
            Within::Rar(rar) => rar.finish(),
        }
    }
}

const OTHERWISE: Unfit = Unfit::Inconsistent("an entry is not what is said of it");

const DESCRIPTOR_SIGN: &[u8] = b"PK\x07\x08";

/// Room for what is unpacked at a time.
const ROOM_BYTES: usize = 8 << 10;

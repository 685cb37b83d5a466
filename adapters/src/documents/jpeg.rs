//! A JPEG as it passes, followed to its end (ITU-T T.81, annex B): what stands behind is not part of it.
//!
//! Segments say how long they are, and what they hold, thumbnails too, is passed over; of what is coded between them each `FF` tells
//! what it is. Pictures behind the picture (as cameras append, for moving or large ones) are not followed: they are behind its end.

use memchr::memchr;

use super::Unfit;
use super::tail::Behind;

/// A JPEG as it passes.
#[derive(Debug, Default)]
pub(super) struct Jpeg {
    place: Place,
    has_frame: bool,
    has_scan: bool,
    behind: Behind,
}

#[derive(Debug, Default, Clone, Copy)]
enum Place {
    /// The first two bytes, which told that it is one.
    #[default]
    Begin,
    BeginSign,
    /// Between segments.
    Marker,
    /// Behind an `FF` there.
    Sign,
    /// The first byte of a segment's length, and the second.
    Length {
        marker: u8,
    },
    LengthLow {
        marker: u8,
        high: u8,
    },
    Segment {
        marker: u8,
        left: u16,
    },
    /// In what is coded.
    Coded,
    /// Behind an `FF` there.
    CodedSign,
    Done,
}

impl Jpeg {
    pub(super) fn push(&mut self, mut bytes: &[u8]) -> Result<(), Unfit> {
        while let Some((first, rest)) = bytes.split_first() {
            let taken = match self.place {
                Place::Coded => match memchr(0xff, bytes) {
                    Some(at) => {
                        self.place = Place::CodedSign;
                        at + 1
                    }
                    None => bytes.len(),
                },
                Place::Segment { marker, left } => {
                    let taken = bytes.len().min(left.into());
                    let left = left - taken as u16;
                    self.place = if left > 0 { Place::Segment { marker, left } } else { after(marker) };
                    taken
                }
                Place::Done => return self.behind.push(bytes),
                place => {
                    self.place = self.byte(place, *first)?;
                    bytes.len() - rest.len()
                }
            };
            bytes = &bytes[taken..];
        }
        Ok(())
    }

    /// Says at the end whether it was whole.
    pub(super) fn finish(&self) -> Result<(), Unfit> {
        if matches!(self.place, Place::Done) { Ok(()) } else { Err(super::tail::MISSING) }
    }

    fn byte(&mut self, place: Place, byte: u8) -> Result<Place, Unfit> {
        Ok(match (place, byte) {
            (Place::Begin, _) => Place::BeginSign,
            (Place::BeginSign, _) => Place::Marker,
            (Place::Marker, 0xff) => Place::Sign,
            // Fill bytes.
            (Place::Sign, 0xff) => Place::Sign,
            (Place::CodedSign, 0xff) => Place::CodedSign,
            // A byte that is FF itself, and where a reader may begin again.
            (Place::CodedSign, 0 | 0xd0..=0xd7) => Place::Coded,
            (Place::Sign | Place::CodedSign, marker) => self.marker(marker)?,
            (Place::Length { marker }, high) => Place::LengthLow { marker, high },
            (Place::LengthLow { marker, high }, low) => match u16::from_be_bytes([high, low]) {
                0 | 1 => return Err(BROKEN),
                2 => after(marker),
                more => Place::Segment { marker, left: more - 2 },
            },
            _ => return Err(BROKEN),
        })
    }

    fn marker(&mut self, marker: u8) -> Result<Place, Unfit> {
        match marker {
            END if self.has_scan => return Ok(Place::Done),
            END => return Err(Unfit::Damaged("it holds no picture")),
            SCAN if !self.has_frame => return Err(BROKEN),
            SCAN => self.has_scan = true,
            // Tables and conditions stand among the frames' numbers.
            0xc4 | 0xc8 | 0xcc => {}
            0xc0..=0xcf => self.has_frame = true,
            // What stands alone does so within what is coded, or not at all.
            0..=0xbf | 0xd0..=0xd8 => return Err(BROKEN),
            _ => {}
        }
        Ok(Place::Length { marker })
    }
}

fn after(marker: u8) -> Place {
    if marker == SCAN { Place::Coded } else { Place::Marker }
}

const END: u8 = 0xd9;
const SCAN: u8 = 0xda;

const BROKEN: Unfit = Unfit::Damaged("its segments do not follow one another");

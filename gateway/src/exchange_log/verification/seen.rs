//! What verification needs of a line, read by hand if the line is spelled as we spell it.

use jiff::Timestamp;
use uuid::Uuid;

use super::super::{
    glance::Glance,
    line::{Entry, Kind, Record, Skeleton, base64},
    records::SegmentHeader,
};

/// A line that is an entry.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) index: u64,
    /// Base64 of the hash of the line before.
    pub(super) prev: [u8; 44],
    /// Microseconds since 1970.
    pub(super) at: i64,
    pub(super) says: Says,
}

/// What an entry says, as far as order and completeness depend on it.
#[derive(Debug)]
pub(super) enum Says {
    Segment(Box<SegmentHeader<'static>>),
    Opening { exchange: Uuid },
    Closing { opening: u64, exchange: Uuid },
    Refused,
}

impl Seen {
    pub(super) fn of(line: &[u8]) -> Option<Self> {
        Self::by_hand(line).or_else(|| Self::parsed(line))
    }

    /// Members in the order in which they are written, up to the time: all that is needed stands before it.
    fn by_hand(line: &[u8]) -> Option<Self> {
        let Glance { index, prev, kind, rest } = Glance::at(line)?;
        let rest = match kind {
            Kind::Segment => return None,
            Kind::Opening => rest.strip_prefix(b",\"decision\":\"permit\"")?,
            Kind::Refused => rest.strip_prefix(b",\"decision\":\"refuse\"")?,
            Kind::Closing => rest,
        };
        let (_, rest) = rest.strip_prefix(b",\"salt\":\"")?.split_at_checked(24)?;
        let mut rest = rest.strip_prefix(b"\"")?;
        let mut opening = 0;
        if kind == Kind::Closing {
            (opening, rest) = super::super::glance::number(rest.strip_prefix(b",\"opening\":")?)?;
        }
        let (exchange, rest) = rest.strip_prefix(b",\"exchange\":\"")?.split_at_checked(36)?;
        let exchange = Uuid::try_parse_ascii(exchange).ok()?;
        let (at, rest) = rest.strip_prefix(b"\",\"at\":\"")?.split_at_checked(27)?;
        if !rest.starts_with(b"\",") || !line.ends_with(b"}") {
            return None;
        }
        let says = match kind {
            Kind::Segment => return None,
            Kind::Opening => Says::Opening { exchange },
            Kind::Refused => Says::Refused,
            Kind::Closing => Says::Closing { opening, exchange },
        };
        Some(Self { index, prev: prev.try_into().ok()?, at: micros(at)?, says })
    }

    fn parsed(line: &[u8]) -> Option<Self> {
        let (entry, skeleton) = Entry::parse(line).zip(Skeleton::parse(line))?;
        let says = match entry.record {
            Record::Segment(header) => Says::Segment(Box::new(header)),
            Record::Opening(opening) => Says::Opening { exchange: opening.exchange },
            Record::Closing { opening, exchange, .. } => Says::Closing { opening, exchange },
            Record::Refused(_) => Says::Refused,
        };
        // A hash that is none contradicts every line before it.
        let prev = skeleton.prev().map_or([0; 44], |prev| base64(&prev));
        Some(Self { index: entry.index, prev, at: skeleton.at.as_microsecond(), says })
    }
}

/// The time that `2026-11-22T06:00:00.000000Z` is, in microseconds since 1970.
fn micros(text: &[u8]) -> Option<i64> {
    let form = b"0000-00-00T00:00:00.000000Z";
    let fits = |(byte, form): (&u8, &u8)| if *form == b'0' { byte.is_ascii_digit() } else { byte == form };
    if text.len() != form.len() || !text.iter().zip(form).all(fits) {
        return None;
    }
    let number =
        |from: usize, to: usize| text[from..to].iter().fold(0, |n, digit| n * 10 + i64::from(digit - b'0'));
    let (year, month, day) = (number(0, 4), number(5, 7), number(8, 10));
    let (hour, minute, second) = (number(11, 13), number(14, 16), number(17, 19));
    if !(1..=12).contains(&month) || !(1..=28).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        // Rare days, and what is no time at all: the parser knows.
        return str::from_utf8(text).ok()?.parse::<Timestamp>().ok().map(Timestamp::as_microsecond);
    }
    // Days since 1970 of the proleptic Gregorian calendar, in years that begin in March.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (153 * month + 2) / 5
        + day
        - 719_469;
    Some(((days * 24 + hour) * 60 + minute) * 60_000_000 + second * 1_000_000 + number(20, 26))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_read_by_hand_is_that_of_the_parser() {
        let mut day = jiff::civil::date(1999, 1, 1);
        while day.year() < 2105 {
            let text = format!("{day}T01:02:03.000456Z");
            let parsed = text.parse::<Timestamp>().unwrap().as_microsecond();
            assert_eq!(micros(text.as_bytes()), Some(parsed), "{text}");
            day = day.tomorrow().unwrap();
        }
        for text in
            ["2026-02-30T00:00:00.000000Z", "2026-01-01T24:00:00.000000Z", "2026-01-01 00:00:00.000000Z"]
        {
            assert_eq!(micros(text.as_bytes()), None, "{text}");
        }
    }
}

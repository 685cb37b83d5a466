//! SNTP (RFC 5905 §14), pure: one question of 48 bytes, and what its answer says about our clock.
//!
//! The question bears nothing but a random number where a client's own time might stand: an answer that does not repeat
//! it was made by somebody who did not see the question.

use jiff::{SignedDuration, Timestamp};

/// A question on its way.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    nonce: [u8; 8],
}

/// What an answer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// How far the source's clock is ahead of ours.
    pub ahead: SignedDuration,
    /// By how much that may be wrong: half the way, and what the source says of itself.
    pub error: SignedDuration,
}

/// Why an answer tells nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// It is no answer of NTP version 4 or 3 to a client.
    #[error("it is no answer of NTP")]
    Malformed,
    /// It answers another question, or was made up.
    #[error("it answers a question that was not asked")]
    NotAsked,
    /// The source asks to be left alone (RFC 5905 §7.4).
    #[error("the source asks to be left alone: {}", String::from_utf8_lossy(.0))]
    Kiss([u8; 4]),
    /// The source says that its own clock is not synchronised.
    #[error("the source's clock is not synchronised")]
    Unsynchronised,
    /// What it says cannot be.
    #[error("the source contradicts itself, or is too far from a reference clock")]
    Implausible,
}

impl Question {
    /// A question under a random number.
    pub const fn new(nonce: [u8; 8]) -> Self {
        Self { nonce }
    }

    /// Its bytes.
    pub fn bytes(self) -> [u8; 48] {
        let mut bytes = [0; 48];
        bytes[0] = 4 << 3 | CLIENT;
        bytes[40..].copy_from_slice(&self.nonce);
        bytes
    }

    /// What an answer says that came at `received` to a question that left at `sent`, by our clock.
    ///
    /// # Errors
    /// [`Unusable`]: it says nothing.
    pub fn read(self, answer: &[u8], sent: Timestamp, received: Timestamp) -> Result<Sample, Unusable> {
        // Behind the 48 bytes may stand extensions and a digest, which nobody here asked for.
        let answer: &[u8; 48] = answer.first_chunk().ok_or(Unusable::Malformed)?;
        let (leap, version, mode) = (answer[0] >> 6, answer[0] >> 3 & 7, answer[0] & 7);
        if mode != SERVER || !(3..=4).contains(&version) {
            return Err(Unusable::Malformed);
        }
        let eight = |at: usize| u64::from_be_bytes(answer[at..at + 8].try_into().expect("eight bytes"));
        let short = |at: usize| u32::from_be_bytes(answer[at..at + 4].try_into().expect("four bytes"));
        // Before anything else is believed, a kiss of death included: it would silence a source.
        if answer[24..32] != self.nonce {
            return Err(Unusable::NotAsked);
        }
        let stratum = answer[1];
        if stratum == 0 {
            return Err(Unusable::Kiss([answer[12], answer[13], answer[14], answer[15]]));
        }
        if leap == 3 || stratum >= 16 || eight(40) == 0 {
            return Err(Unusable::Unsynchronised);
        }
        let distance = seconds_16(short(4)) / 2 + seconds_16(short(8));
        let (taken, given) = (near(eight(32), received), near(eight(40), received));
        let (way, work) = (received.duration_since(sent), given.duration_since(taken));
        if way.is_negative() || work.is_negative() || work > way + TICK || distance > MOST_DISTANCE {
            return Err(Unusable::Implausible);
        }
        let ahead = (taken.duration_since(sent) + given.duration_since(received)) / 2;
        let round = (way - work).max(SignedDuration::ZERO);
        Ok(Sample { ahead, error: round / 2 + distance + TICK })
    }
}

/// NTP's 16.16 seconds.
fn seconds_16(value: u32) -> SignedDuration {
    SignedDuration::from_nanos((i64::from(value) * 1_000_000_000) >> 16)
}

/// The moment that an NTP time means in whichever era brings it nearest to `to` (RFC 5905 §6: eras of 136 years).
fn near(time: u64, to: Timestamp) -> Timestamp {
    let (seconds, fraction) = ((time >> 32) as i64, time & 0xffff_ffff);
    let nanos = ((fraction * 1_000_000_000) >> 32) as i32;
    let since_1970 = seconds - UNIX_EPOCH;
    let eras = (to.as_second() - since_1970 + ERA / 2).div_euclid(ERA);
    Timestamp::new(since_1970 + eras * ERA, nanos).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// An NTP time, as a stand-in in tests writes it.
pub fn ntp_time(at: Timestamp) -> u64 {
    let seconds = (at.as_second() + UNIX_EPOCH).rem_euclid(ERA) as u64;
    let nanos = u64::try_from(at.subsec_nanosecond()).unwrap_or_default();
    (seconds << 32) | ((nanos << 32) / 1_000_000_000)
}

const CLIENT: u8 = 3;
const SERVER: u8 = 4;
/// Seconds from 1900 to 1970.
const UNIX_EPOCH: i64 = 2_208_988_800;
/// Seconds of an era.
const ERA: i64 = 1 << 32;
/// What clocks may be read too coarsely by.
const TICK: SignedDuration = SignedDuration::from_millis(1);
/// RFC 5905 §10, MAXDIST: a source farther than that from a reference clock tells nothing.
const MOST_DISTANCE: SignedDuration = SignedDuration::from_millis(1_500);

#[cfg(test)]
mod tests {
    use super::*;

    const NONCE: [u8; 8] = *b"a nonce.";

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// An answer of a source whose clock is `ahead`, asked at `sent`, 10 ms each way.
    fn answer(sent: Timestamp, ahead: SignedDuration) -> [u8; 48] {
        let mut bytes = [0; 48];
        bytes[0] = 4 << 3 | SERVER;
        bytes[1] = 2;
        bytes[24..32].copy_from_slice(&NONCE);
        let taken = sent + ahead + SignedDuration::from_millis(10);
        bytes[32..40].copy_from_slice(&ntp_time(taken).to_be_bytes());
        bytes[40..48].copy_from_slice(&ntp_time(taken + SignedDuration::from_millis(1)).to_be_bytes());
        bytes
    }

    fn read(answer: &[u8], sent: Timestamp) -> Result<Sample, Unusable> {
        Question::new(NONCE).read(answer, sent, sent + SignedDuration::from_millis(21))
    }

    #[test]
    fn question_says_nothing_of_us_but_a_random_number() {
        let bytes = Question::new(NONCE).bytes();
        assert_eq!((bytes[0], &bytes[40..]), (0x23, &NONCE[..]));
        assert!(bytes[1..40].iter().all(|byte| *byte == 0));
    }

    /// C6
    #[test]
    fn offset_is_what_is_left_when_the_way_is_taken_out_also_over_the_end_of_an_era() {
        for sent in [
            "2026-11-22T12:00:00Z",
            "2036-02-07T06:28:15.990Z",
            "2036-02-07T06:28:16Z",
            "2100-01-01T00:00:00Z",
        ] {
            for ahead in [0, 250, -250, 3_600_000, -86_400_000] {
                let ahead = SignedDuration::from_millis(ahead);
                let sample = read(&answer(at(sent), ahead), at(sent)).unwrap();
                assert!((sample.ahead - ahead).abs() < SignedDuration::from_micros(10), "{sent}: {sample:?}");
                assert!(sample.error > SignedDuration::from_millis(9), "{sample:?}");
                assert!(sample.error < SignedDuration::from_millis(12), "{sample:?}");
            }
        }
    }

    /// C6
    #[test]
    fn answer_that_was_not_asked_for_or_cannot_be_says_nothing() {
        let sent = at("2026-11-22T12:00:00Z");
        let good = answer(sent, SignedDuration::ZERO);
        type Change = fn(&mut [u8; 48]);
        let cases: [(Change, Unusable); 11] = [
            (|bytes| bytes[24] ^= 1, Unusable::NotAsked),
            (|bytes| (bytes[1], bytes[24]) = (0, 0), Unusable::NotAsked),
            (|bytes| bytes[0] = 4 << 3 | CLIENT, Unusable::Malformed),
            (|bytes| bytes[0] = 2 << 3 | SERVER, Unusable::Malformed),
            (|bytes| bytes[0] |= 3 << 6, Unusable::Unsynchronised),
            (|bytes| bytes[1] = 16, Unusable::Unsynchronised),
            (|bytes| bytes[40..48].fill(0), Unusable::Unsynchronised),
            (|bytes| bytes[4] = 1, Unusable::Implausible),
            (|bytes| bytes[9] = 9, Unusable::Implausible),
            (|bytes| bytes.copy_within(40..48, 32), Unusable::Implausible),
            (
                |bytes| {
                    bytes[1] = 0;
                    bytes[12..16].copy_from_slice(b"RATE");
                },
                Unusable::Kiss(*b"RATE"),
            ),
        ];
        for (at, (change, fault)) in cases.into_iter().enumerate() {
            let mut changed = good;
            change(&mut changed);
            if at == 9 {
                // The source took the question after it gave the answer.
                changed[40..48].copy_from_slice(&good[32..40]);
            }
            assert_eq!(read(&changed, sent), Err(fault), "case {at}");
        }
        for length in [0, 1, 47] {
            assert_eq!(read(&good[..length], sent), Err(Unusable::Malformed));
        }
        assert!(read(&[&good[..], &[7; 20]].concat(), sent).is_ok(), "what stands behind is not looked at");
        let stepped = Question::new(NONCE).read(&good, sent, sent - SignedDuration::from_secs(1));
        assert_eq!(stepped, Err(Unusable::Implausible), "our clock went back meanwhile");
    }
}

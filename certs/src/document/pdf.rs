//! Signatures within a PDF (PAdES, ETSI EN 319 142-1; ISO 32000-1 §12.8), found and digested as it passes.
//!
//! A signature's dictionary says which bytes it is over: all from the beginning to the end of its revision but for its own
//! hexadecimal string. That is held to the byte, so nothing of a file stands outside of what was signed; and the last
//! signature reaches to the end of the file, so nothing was added. How a reader would understand the file does not
//! matter then: it is the file that was signed.
//!
//! The digests run behind what is read by a window in which a dictionary has room. What is held is the window and the
//! signatures, bounded both. What a national signature is over is shown as it leaves the window: to one verifier, for one
//! signature.

use std::fmt;
use std::ops::Range;

use jiff::Timestamp;
use memchr::memmem;

use super::cms::{DocumentSignature, verify_detached};
use super::lexer::{self, Dictionary, Value};
use super::national::{NationalSigner, is_national, read_national};
use super::{Digested, Digests, DocumentFault};
use crate::der::Reader;
use crate::signed_data::MOST_BYTES;
use crate::trust::Trust;

/// A PDF as it passes.
#[derive(Default)]
pub struct SignedPdf {
    /// The last bytes that were read.
    window: Vec<u8>,
    /// Where in the file the window begins.
    from: u64,
    /// So many bytes of the window were looked through.
    seen: usize,
    /// Of all bytes before the window.
    digests: Digests,
    /// Where in the window a signature's dictionary names its bytes, until the object ends.
    named: Option<usize>,
    running: Vec<Running>,
    found: Vec<Found>,
    /// Where the last signature's revision ends.
    reaches: u64,
    /// Where a national signature is for another to verify.
    trunk: Option<Trunk>,
}

/// All signatures of a PDF.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct PdfSignatures {
    /// Those that count, in the order of their revisions.
    pub verified: Vec<DocumentSignature>,
    /// One that counts if another vouches for it, with its DER; only where what it is over was shown.
    pub national: Option<(NationalSigner, Vec<u8>)>,
    /// Whether that is the last, which is over all that a reader sees.
    pub national_is_last: bool,
    /// The end of what that is over, behind all that was shown before.
    pub rest: Vec<u8>,
}

/// What a national signature is over, as it leaves the window.
#[derive(Default)]
struct Trunk {
    shown: Vec<u8>,
    /// Its string, and where its revision ends: unknown until it is found.
    found: Option<(Range<u64>, u64)>,
}

/// A signature whose revision goes on.
struct Running {
    digests: Digests,
    /// What is behind its string is digested from here on,
    from: u64,
    /// to here.
    until: u64,
    der: Vec<u8>,
    said_at: Option<Timestamp>,
}

/// A signature whose revision is over.
pub(super) struct Found {
    content: Digested,
    der: Vec<u8>,
    said_at: Option<Timestamp>,
}

impl SignedPdf {
    /// One whose bytes are shown, as a national signature within is over them.
    pub fn showing() -> Self {
        Self { trunk: Some(Trunk::default()), ..Self::default() }
    }

    /// What is to be shown since the last time.
    pub fn shown(&mut self) -> Vec<u8> {
        self.trunk.as_mut().map(|trunk| std::mem::take(&mut trunk.shown)).unwrap_or_default()
    }

    /// Looks at the next bytes.
    ///
    /// # Errors
    /// [`DocumentFault`]: one of its signatures cannot count. What it says afterwards means nothing.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), DocumentFault> {
        for piece in bytes.chunks(STEP_BYTES) {
            self.window.extend_from_slice(piece);
            self.look()?;
            let excess = self.window.len().saturating_sub(WINDOW_BYTES);
            if excess >= STEP_BYTES {
                if self.named.is_some_and(|at| at < excess + OBJECT_BYTES) {
                    return Err(DocumentFault::Malformed("a signature's dictionary does not end"));
                }
                self.digest(excess);
            }
        }
        Ok(())
    }

    /// Verifies all its signatures at the end, in the order of their revisions.
    ///
    /// # Errors
    /// [`DocumentFault`]: there is none, one does not count, or something was added behind the last.
    pub fn finish(mut self, trust: &Trust, now: Timestamp) -> Result<PdfSignatures, DocumentFault> {
        let mut signatures = PdfSignatures::default();
        // ETSI EN 319 142-1 §4.1: one signer a signature.
        let several = DocumentFault::Malformed("a signature within a PDF has several signers");
        for Found { content, der, said_at } in self.ends()? {
            if self.trunk.is_some() && is_national(&der) {
                let mut signers = read_national(&der, &content, said_at, trust, now)?;
                let signer = signers.pop().filter(|_| signers.is_empty()).ok_or(several)?;
                signatures.national = Some((signer, der));
                signatures.national_is_last = true;
                continue;
            }
            let signers = verify_detached(&der, &content, said_at, trust, now)?;
            if signers.len() != 1 {
                return Err(several);
            }
            signatures.verified.extend(signers);
            signatures.national_is_last = false;
        }
        signatures.rest = self.shown();
        Ok(signatures)
    }

    /// What its signatures are over, at the end.
    pub(super) fn ends(&mut self) -> Result<Vec<Found>, DocumentFault> {
        self.look()?;
        if self.named.is_some() {
            return Err(DocumentFault::Malformed("a signature's dictionary does not end"));
        }
        self.digest(self.window.len());
        if !self.running.is_empty() {
            return Err(DocumentFault::Malformed("a signature is over more than the file has"));
        }
        if self.found.is_empty() {
            return Err(DocumentFault::Unsigned);
        }
        if self.reaches != self.from {
            return Err(DocumentFault::Changed);
        }
        Ok(std::mem::take(&mut self.found))
    }

    /// Looks for dictionaries of signatures in what came.
    fn look(&mut self) -> Result<(), DocumentFault> {
        loop {
            let wanted = if self.named.is_some() { END_OF_OBJECT } else { BYTE_RANGE };
            let Some(at) = memmem::find(&self.window[self.seen..], wanted) else {
                // The end may be the beginning of it.
                self.seen = self.seen.max(self.window.len().saturating_sub(wanted.len() - 1));
                return Ok(());
            };
            let at = self.seen + at;
            match self.named.take() {
                Some(named) => {
                    self.signature(named, at)?;
                    self.seen = at + END_OF_OBJECT.len();
                }
                None => {
                    self.seen = at;
                    match self.window.get(at + BYTE_RANGE.len()) {
                        // What it is shows with the next byte.
                        None => return Ok(()),
                        Some(next) if lexer::is_regular(*next) => self.seen += 1,
                        Some(_) => self.named = Some(at),
                    }
                }
            }
        }
    }

    /// Reads the dictionary of which a part stands at `at`, in the object that ends at `end`.
    fn signature(&mut self, at: usize, end: usize) -> Result<(), DocumentFault> {
        let object = lexer::object_before(&self.window[..at])
            .ok_or(DocumentFault::Malformed("a signature's dictionary is in no object"))?;
        let value = lexer::read(&self.window[object..end]).map_err(DocumentFault::Malformed)?;
        let mut dictionaries = Vec::new();
        value.dictionaries_with(b"ByteRange", &mut dictionaries);
        let [dictionary] = dictionaries.as_slice() else {
            return Err(DocumentFault::Malformed("an object holds several signatures, or hides one"));
        };
        let kind = dictionary.get(b"Type").map(Value::name);
        if !matches!(kind, None | Some(Some(b"Sig"))) {
            return Err(DocumentFault::Algorithm("it holds something else than signatures of people"));
        }
        match dictionary.get(b"SubFilter").and_then(Value::name) {
            Some(b"ETSI.CAdES.detached" | b"adbe.pkcs7.detached") => {}
            _ => return Err(DocumentFault::Algorithm("a signature is of a format that does not count")),
        }
        let (Some(Value::Hexadecimal(string)), Some(Value::Array(range))) =
            (dictionary.get(b"Contents"), dictionary.get(b"ByteRange"))
        else {
            return Err(DocumentFault::Malformed("a signature's dictionary lacks its string or its range"));
        };
        let numbers: Option<Vec<u64>> = range.iter().map(Value::number).collect();
        let Some([0, first, second, count]) = numbers.as_deref().and_then(|all| all.first_chunk()) else {
            return Err(DocumentFault::Malformed("its range is not two from the beginning on"));
        };
        let place = |at: usize| self.from + (object + at) as u64;
        let until = second.checked_add(*count).unwrap_or(u64::MAX);
        let object_end = self.from + (end + END_OF_OBJECT.len()) as u64;
        // Nothing but the string itself stands outside of what is signed.
        if range.len() != 4
            || *first != place(string.start)
            || *second != place(string.end)
            || until < object_end
        {
            return Err(DocumentFault::Malformed("its range leaves out more than its own string"));
        }
        if self.reaches > self.from + object as u64 {
            return Err(DocumentFault::Malformed("one signature stands within the revision of another"));
        }
        if self.running.len() + self.found.len() == MOST_SIGNATURES {
            return Err(DocumentFault::Malformed("it bears too many signatures"));
        }
        let der = unhex(&self.window[object..][string.clone()])?;
        if let Some(trunk) = &mut self.trunk
            && is_national(&der)
            && trunk.found.replace((*first..*second, until)).is_some()
        {
            // What this one is over has passed, but for the string of the other.
            return Err(DocumentFault::NationalTwice);
        }
        let said_at = dictionary.get(b"M").and_then(Value::text).and_then(date);
        let mut digests = self.digests.clone();
        digests.push(&self.window[..object + string.start]);
        self.running.push(Running { digests, from: *second, until, der, said_at });
        self.reaches = until;
        Ok(())
    }

    /// Takes the first bytes of the window into the digests, and forgets them.
    fn digest(&mut self, count: usize) {
        let (bytes, from) = (&self.window[..count], self.from);
        self.digests.push(bytes);
        let to = from + count as u64;
        let within = |at: u64| usize::try_from(at.clamp(from, to) - from).unwrap_or(count);
        if let Some(Trunk { shown, found }) = &mut self.trunk {
            let (string, until) = found.clone().unwrap_or((u64::MAX..u64::MAX, u64::MAX));
            shown.extend_from_slice(&bytes[..within(string.start)]);
            shown.extend_from_slice(&bytes[within(string.end)..within(until)]);
        }
        for one in &mut self.running {
            one.digests.push(&bytes[within(one.from)..within(one.until)]);
        }
        let (over, running) = std::mem::take(&mut self.running).into_iter().partition(|one| one.until <= to);
        self.running = running;
        let over: Vec<Running> = over;
        self.found.extend(over.into_iter().map(|one| Found {
            content: one.digests.finish(),
            der: one.der,
            said_at: one.said_at,
        }));
        self.window.drain(..count);
        self.from = to;
        self.seen = self.seen.saturating_sub(count);
        self.named = self.named.map(|at| at - count);
    }
}

impl fmt::Debug for SignedPdf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignedPdf({} signatures)", self.running.len() + self.found.len())
    }
}

impl Dictionary {
    fn get(&self, name: &[u8]) -> Option<&Value> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }
}

/// The signature in a string: its bytes, and nothing but zeros behind them.
fn unhex(string: &[u8]) -> Result<Vec<u8>, DocumentFault> {
    let malformed = DocumentFault::Malformed("its string is not a signature in hexadecimal");
    let digits = string.strip_prefix(b"<").and_then(|rest| rest.strip_suffix(b">")).ok_or(malformed)?;
    if digits.len() > 2 * MOST_BYTES || !digits.len().is_multiple_of(2) {
        return Err(malformed);
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let bytes: Option<Vec<u8>> =
        digits.chunks_exact(2).map(|two| Some(digit(two[0])? << 4 | digit(two[1])?)).collect();
    let mut bytes = bytes.ok_or(malformed)?;
    let whole = Reader::new(&bytes).next().map_err(|_| malformed)?.whole.len();
    if bytes[whole..].iter().any(|byte| *byte != 0) {
        return Err(DocumentFault::Malformed("something stands behind the signature in its string"));
    }
    bytes.truncate(whole);
    Ok(bytes)
}

/// A date of PDF (ISO 32000-1 §7.9.4) that says its zone: `D:20261122093000+05'00'`.
fn date(text: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(text).ok()?.strip_prefix("D:")?;
    let (digits, zone) = text.split_at_checked(14)?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let zone = match zone.replace('\'', "").as_str() {
        "Z" | "Z00" | "Z0000" => "+0000".to_owned(),
        hours if hours.len() == 3 => format!("{hours}00"),
        other => other.to_owned(),
    };
    Timestamp::strptime("%Y%m%d%H%M%S%z", format!("{digits}{zone}")).ok()
}

const BYTE_RANGE: &[u8] = b"/ByteRange";
const END_OF_OBJECT: &[u8] = b"endobj";
/// Most signatures of one file.
const MOST_SIGNATURES: usize = 8;
/// Most bytes of a dictionary beside its string.
const OBJECT_BYTES: usize = 24 << 10;
/// In which a dictionary has room.
const WINDOW_BYTES: usize = 2 * MOST_BYTES + 2 * OBJECT_BYTES;
/// How many bytes are looked at, and digested, at a time.
const STEP_BYTES: usize = 16 << 10;

//! A head, checked line by line as its lines arrive.

use std::ops::Range;

use super::syntax::{
    TargetForm, check_target, check_value, content_length, fault_in, is_plain_authority, is_space, is_token,
    list_has, token_length, trimmed,
};
use super::{FramingViolation, HEAD_BYTES, HEAD_LINES};

/// What follows a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyFraming {
    /// So many bytes, perhaps none.
    Length(u64),
    /// Chunks until the last one, then trailers.
    Chunked,
}

/// A head that is complete and unambiguous.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CompleteHead {
    /// Its length, the empty line included.
    pub(super) bytes: usize,
    pub(super) body: BodyFraming,
}

/// A head of which the lines before `line_start` are checked.
///
/// Positions count from the head's first byte, so the caller always shows the head from its beginning.
#[derive(Debug, Default)]
pub(super) struct Head {
    line_start: usize,
    /// No LF stands between `line_start` and here.
    searched: usize,
    expecting: Expecting,
    header_lines: usize,
    version: Version,
    authority: Option<Range<usize>>,
    host: Option<Range<usize>>,
    content_types: usize,
    length: Option<u64>,
    chunked: bool,
}

/// Which line may come next.
#[derive(Debug, Default)]
enum Expecting {
    #[default]
    RequestOrEmpty,
    Request,
    Header,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Version {
    Http10,
    #[default]
    Http11,
}

impl Head {
    /// Checks the lines of `bytes` that were not checked yet; `None` means that the head goes on.
    pub(super) fn advance(&mut self, bytes: &[u8]) -> Result<Option<CompleteHead>, FramingViolation> {
        while let Some(distance) = memchr::memchr(b'\n', &bytes[self.searched..]) {
            let feed = self.searched + distance;
            if feed >= HEAD_BYTES {
                return Err(FramingViolation::HeadTooLong);
            }
            // RFC 9112 §2.2 lets a recipient take LF alone for a line's end. Others do not, so nobody shall.
            let Some(line) = bytes[self.line_start..feed].strip_suffix(b"\r") else {
                return Err(FramingViolation::LineFeedBare);
            };
            let start = std::mem::replace(&mut self.line_start, feed + 1);
            self.searched = feed + 1;
            match self.expecting {
                Expecting::RequestOrEmpty if line.is_empty() => self.expecting = Expecting::Request,
                Expecting::Request if line.is_empty() => return Err(FramingViolation::LeadingEmptyLines),
                Expecting::RequestOrEmpty | Expecting::Request => {
                    self.request_line(line, start)?;
                    self.expecting = Expecting::Header;
                }
                Expecting::Header if line.is_empty() => {
                    return Ok(Some(CompleteHead { bytes: feed + 1, body: self.complete(bytes)? }));
                }
                Expecting::Header => self.header_line(line, start)?,
            }
        }
        self.searched = bytes.len();
        if bytes.len() > HEAD_BYTES { Err(FramingViolation::HeadTooLong) } else { Ok(None) }
    }

    fn request_line(&mut self, line: &[u8], start: usize) -> Result<(), FramingViolation> {
        check_value(line)?;
        if memchr::memchr(b'\t', line).is_some() {
            return Err(FramingViolation::ControlByte);
        }
        let Some(method_end) = memchr::memchr(b' ', line) else {
            return Err(FramingViolation::RequestLineMalformed);
        };
        let (method, rest) = (&line[..method_end], &line[method_end + 1..]);
        if !is_token(method) {
            return Err(FramingViolation::RequestLineMalformed);
        }
        let Some(target_end) = memchr::memrchr(b' ', rest) else {
            return Err(FramingViolation::VersionUnsupported);
        };
        self.version = match &rest[target_end + 1..] {
            b"HTTP/1.1" => Version::Http11,
            b"HTTP/1.0" => Version::Http10,
            _ => return Err(FramingViolation::VersionUnsupported),
        };
        // The methods with targets or answers of their own kind; which others are served is `strict`'s matter.
        if method == b"CONNECT" || method == b"TRACE" {
            return Err(FramingViolation::MethodRefused);
        }
        if let TargetForm::Absolute { from, to } = check_target(&rest[..target_end])? {
            let target_start = start + method_end + 1;
            self.authority = Some(target_start + from..target_start + to);
        }
        Ok(())
    }

    fn header_line(&mut self, line: &[u8], start: usize) -> Result<(), FramingViolation> {
        self.header_lines += 1;
        if self.header_lines > HEAD_LINES {
            return Err(FramingViolation::HeadersTooMany);
        }
        let (name, value) = split_header(line)?;
        // Told apart by length first: most names are none of these.
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => {
                if self.host.is_some() {
                    return Err(FramingViolation::HostRepeated);
                }
                let host = trimmed(value);
                if !is_plain_authority(host) {
                    return Err(FramingViolation::HostMalformed);
                }
                let value_start = start + name.len() + 1;
                let host_start = value_start + value.iter().take_while(|byte| is_space(**byte)).count();
                self.host = Some(host_start..host_start + host.len());
            }
            6 if name.eq_ignore_ascii_case(b"expect")
                && !trimmed(value).eq_ignore_ascii_case(b"100-continue") =>
            {
                return Err(FramingViolation::ExpectationUnsupported);
            }
            7 if name.eq_ignore_ascii_case(b"upgrade") => return Err(FramingViolation::UpgradeRefused),
            10 if name.eq_ignore_ascii_case(b"connection") && list_has(value, b"upgrade") => {
                return Err(FramingViolation::UpgradeRefused);
            }
            12 if name.eq_ignore_ascii_case(b"content-type") => self.content_types += 1,
            14 if name.eq_ignore_ascii_case(b"content-length") => {
                if self.length.is_some() {
                    return Err(FramingViolation::LengthRepeated);
                }
                self.length = Some(content_length(trimmed(value))?);
            }
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => {
                if self.chunked {
                    return Err(FramingViolation::CodingRepeated);
                }
                if !trimmed(value).eq_ignore_ascii_case(b"chunked") {
                    return Err(FramingViolation::CodingUnsupported);
                }
                self.chunked = true;
            }
            _ => {}
        }
        Ok(())
    }

    /// What only the whole head can tell.
    fn complete(&self, bytes: &[u8]) -> Result<BodyFraming, FramingViolation> {
        match (&self.host, &self.authority) {
            (None, _) if self.version == Version::Http11 => return Err(FramingViolation::HostMissing),
            (Some(host), Some(authority)) => {
                if !bytes[host.clone()].eq_ignore_ascii_case(&bytes[authority.clone()]) {
                    return Err(FramingViolation::AuthorityMismatch);
                }
            }
            (None | Some(_), None) | (None, Some(_)) => {}
        }
        if self.content_types > 1 {
            return Err(FramingViolation::HeaderRepeated);
        }
        match (self.chunked, self.length) {
            (true, Some(_)) => Err(FramingViolation::LengthAndCoding),
            (true, None) if self.version == Version::Http10 => Err(FramingViolation::CodingInOldVersion),
            (true, None) => Ok(BodyFraming::Chunked),
            (false, length) => Ok(BodyFraming::Length(length.unwrap_or(0))),
        }
    }
}

/// Splits a header or trailer line at its colon, once both sides are what they must be.
pub(super) fn split_header(line: &[u8]) -> Result<(&[u8], &[u8]), FramingViolation> {
    let name_bytes = token_length(line);
    match line.get(name_bytes) {
        Some(b':') if name_bytes > 0 => {
            let value = &line[name_bytes + 1..];
            check_value(value)?;
            Ok((&line[..name_bytes], value))
        }
        Some(b' ' | b'\t') if name_bytes == 0 => Err(FramingViolation::LineFolded),
        Some(b' ' | b'\t') if trimmed(&line[name_bytes..]).first() == Some(&b':') => {
            Err(FramingViolation::NameSpaced)
        }
        Some(byte) if !(0x20..0x7f).contains(byte) => Err(fault_in(&line[name_bytes..])),
        Some(_) | None => Err(FramingViolation::NameMalformed),
    }
}

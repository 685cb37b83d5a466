//! The small grammars that heads are made of: tokens, visible values, targets, authorities.

use super::{FramingViolation, TARGET_BYTES};

/// Whether `bytes` is a token of at least one character (RFC 9110 §5.6.2).
pub(super) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| TOKEN[usize::from(*byte)])
}

/// How many bytes at the start of `bytes` are characters of a token.
pub(super) fn token_length(bytes: &[u8]) -> usize {
    bytes.iter().position(|byte| !TOKEN[usize::from(*byte)]).unwrap_or(bytes.len())
}

/// Refuses what a field value cannot have: control bytes, and obs-text, whose meaning nobody knows (RFC 9110 §5.5).
pub(super) fn check_value(value: &[u8]) -> Result<(), FramingViolation> {
    // Without an early exit this is a handful of vector instructions.
    let visible =
        value.iter().fold(true, |fine, byte| fine & ((0x20..0x7f).contains(byte) | (*byte == b'\t')));
    if visible { Ok(()) } else { Err(fault_in(value)) }
}

/// Removes optional white space around a field value (RFC 9110 §5.6.3).
pub(super) fn trimmed(value: &[u8]) -> &[u8] {
    let Some(from) = value.iter().position(|byte| !is_space(*byte)) else { return &[] };
    let to = value.iter().rposition(|byte| !is_space(*byte)).map_or(from, |last| last + 1);
    &value[from..to]
}

/// Whether the comma-separated `list` has `token`, in any case.
pub(super) fn list_has(list: &[u8], token: &[u8]) -> bool {
    list.split(|byte| *byte == b',').any(|member| trimmed(member).eq_ignore_ascii_case(token))
}

/// The number that a Content-Length states.
pub(super) fn content_length(value: &[u8]) -> Result<u64, FramingViolation> {
    // Nineteen digits always fit; hyper would take a list of equal numbers, and others a sign.
    if value.is_empty() || value.len() > 19 || !value.iter().all(u8::is_ascii_digit) {
        return Err(FramingViolation::LengthMalformed);
    }
    Ok(value.iter().fold(0, |length, digit| length * 10 + u64::from(digit - b'0')))
}

/// Where a request target's authority stands in it, if it has one.
pub(super) enum TargetForm {
    /// A path and perhaps a query.
    Origin,
    /// An absolute URI, whose authority is `target[from..to]`.
    Absolute { from: usize, to: usize },
}

/// Takes a target apart far enough to know that everybody else takes it apart likewise.
pub(super) fn check_target(target: &[u8]) -> Result<TargetForm, FramingViolation> {
    if target.len() > TARGET_BYTES {
        return Err(FramingViolation::TargetTooLong);
    }
    if target.first() == Some(&b'/') {
        check_path(target)?;
        return Ok(TargetForm::Origin);
    }
    let from = [&b"http://"[..], b"https://"]
        .into_iter()
        .find(|scheme| target.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
        .map(<[u8]>::len)
        .ok_or(FramingViolation::TargetForm)?;
    let to =
        target[from..].iter().position(|byte| b"/?#".contains(byte)).map_or(target.len(), |at| from + at);
    if !is_plain_authority(&target[from..to]) {
        return Err(FramingViolation::HostMalformed);
    }
    check_path(&target[to..])?;
    Ok(TargetForm::Absolute { from, to })
}

fn check_path(path: &[u8]) -> Result<(), FramingViolation> {
    match path.iter().find(|byte| !PATH[usize::from(**byte)]) {
        None => Ok(()),
        Some(b'#') => Err(FramingViolation::TargetFragment),
        Some(_) => Err(FramingViolation::TargetMalformed),
    }
}

/// Whether `authority` is a host and perhaps a port: no user, no path, no escapes, not empty.
pub(super) fn is_plain_authority(authority: &[u8]) -> bool {
    let (host_is_plain, port) = if authority.first() == Some(&b'[') {
        let Some(close) = memchr::memchr(b']', authority) else { return false };
        let address = &authority[1..close];
        let plain = address.iter().all(|byte| byte.is_ascii_hexdigit() || b":.".contains(byte));
        (plain && address.contains(&b':'), &authority[close + 1..])
    } else {
        let colon = memchr::memchr(b':', authority).unwrap_or(authority.len());
        let host = &authority[..colon];
        let plain = host.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(byte));
        (plain && !host.is_empty(), &authority[colon..])
    };
    let port_is_plain = match port {
        [] => true,
        [b':', digits @ ..] => (1..=5).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    host_is_plain && port_is_plain
}

/// Names the first byte of `line` that is neither visible nor a space.
pub(super) fn fault_in(line: &[u8]) -> FramingViolation {
    match line.iter().find(|byte| !(0x20..0x7f).contains(*byte) && **byte != b'\t') {
        Some(b'\r') => FramingViolation::CarriageReturnBare,
        Some(0x80..) => FramingViolation::NonAscii,
        _ => FramingViolation::ControlByte,
    }
}

pub(super) fn is_space(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

const TOKEN: [bool; 256] = alphanumeric_and(b"!#$%&'*+-.^_`|~");

// RFC 3986 §3.3-3.4: pchar, "/" and "?".
const PATH: [bool; 256] = alphanumeric_and(b"-._~%!$&'()*+,;=:@/?");

const fn alphanumeric_and(others: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut byte = 0u8;
    while byte < 128 {
        table[byte as usize] = byte.is_ascii_alphanumeric();
        byte += 1;
    }
    let mut at = 0;
    while at < others.len() {
        table[others[at] as usize] = true;
        at += 1;
    }
    table
}

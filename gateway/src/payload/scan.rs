//! Finding one's way in the bytes of JSON: spaces, strings, escapes. Shared by all that read documents.

/// Where the first byte from `at` on stands that is no space.
#[inline]
pub(super) fn space(bytes: &[u8], mut at: usize) -> usize {
    while let Some(byte) = bytes.get(at)
        && *byte <= b' '
        && matches!(*byte, b' ' | b'\n' | b'\r' | b'\t')
    {
        at += 1;
    }
    at
}

/// What follows the spaces that `rest` may start with.
#[inline]
pub(super) fn after_space(rest: &[u8]) -> &[u8] {
    match rest {
        [byte, ..] if *byte <= b' ' => rest.get(space(rest, 0)..).unwrap_or_default(),
        _ => rest,
    }
}

/// Where the first byte from `at` on stands that a string cannot hold as it is (a quote, a backslash, a control
/// character), or the end.
pub(super) fn plain(bytes: &[u8], at: usize) -> usize {
    bytes.get(at..).map_or(at, |rest| at + plain_run(rest))
}

/// How many bytes a string can hold as they are.
#[inline]
pub(super) fn plain_run(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while let Some((chunk, after)) = rest.split_first_chunk::<8>() {
        let word = u64::from_le_bytes(*chunk);
        // Flipping one bit puts the quote just above the control characters: one comparison finds both.
        let low = word ^ (ONES * 2);
        let slash = word ^ (ONES * b'\\' as u64);
        // The lowest high bit left marks the first of them; those above it may be wrong.
        let found = ((low.wrapping_sub(ONES * 0x21) & !low) | (slash.wrapping_sub(ONES) & !slash)) & HIGHS;
        if found != 0 {
            return bytes.len() - rest.len() + found.trailing_zeros() as usize / 8;
        }
        rest = after;
    }
    let run = rest.iter().take_while(|byte| **byte >= 0x20 && **byte != b'"' && **byte != b'\\').count();
    bytes.len() - rest.len() + run
}

/// Where the closing quote of a string stands whose first escape is at `at`; `None` if an escape is none.
#[cold]
pub(super) fn escaped_run(bytes: &[u8], mut at: usize) -> Option<usize> {
    while *bytes.get(at)? == b'\\' {
        at = plain(bytes, escape(bytes, at).ok()?.1);
    }
    (*bytes.get(at)? == b'"').then_some(at)
}

/// Where the string that starts at `at` ends, its closing quote included. Escapes are stepped over, not checked.
pub(super) fn string_end(bytes: &[u8], at: usize) -> Option<usize> {
    let mut at = plain(bytes, at + 1);
    while *bytes.get(at)? == b'\\' {
        at = plain(bytes, at + 2);
    }
    (*bytes.get(at)? == b'"').then_some(at + 1)
}

/// Where the value that starts at `at` ends. The document is known to be JSON; `None` if that was wrong.
pub(super) fn value_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut open = 0_usize;
    loop {
        match *bytes.get(at)? {
            b'"' => at = string_end(bytes, at)?,
            b'{' | b'[' => {
                open += 1;
                at += 1;
            }
            b'}' | b']' => {
                open = open.checked_sub(1)?;
                at += 1;
            }
            _ if open > 0 => {
                at += 1;
                continue;
            }
            _ => {
                let rest = &bytes[at..];
                let end = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t');
                return Some(at + rest.iter().position(end).unwrap_or(rest.len()));
            }
        }
        if open == 0 {
            return Some(at);
        }
    }
}

/// What is wrong with an escape sequence, and where.
#[derive(Debug)]
pub(super) enum BadEscape {
    /// The sequence that starts here is none of JSON's.
    Unknown(usize),
    /// Here, four hexadecimal digits should stand.
    Digits(usize),
    /// The sequence that starts here is half of a surrogate pair.
    Surrogate(usize),
}

/// What the escape sequence at `at` means, and where it ends.
pub(super) fn escape(bytes: &[u8], at: usize) -> Result<(char, usize), BadEscape> {
    let meant = match bytes.get(at + 1) {
        Some(b'"') => '"',
        Some(b'\\') => '\\',
        Some(b'/') => '/',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => {
            let unit = four_digits(bytes, at + 2)?;
            if !(0xD800..0xE000).contains(&unit) {
                return char::from_u32(unit).map(|meant| (meant, at + 6)).ok_or(BadEscape::Surrogate(at));
            }
            if unit >= 0xDC00 || bytes.get(at + 6..at + 8) != Some(b"\\u") {
                return Err(BadEscape::Surrogate(at));
            }
            let low = four_digits(bytes, at + 8)?;
            if !(0xDC00..0xE000).contains(&low) {
                return Err(BadEscape::Surrogate(at));
            }
            let meant = char::from_u32(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00));
            return meant.map(|meant| (meant, at + 12)).ok_or(BadEscape::Surrogate(at));
        }
        _ => return Err(BadEscape::Unknown(at)),
    };
    Ok((meant, at + 2))
}

fn four_digits(bytes: &[u8], at: usize) -> Result<u32, BadEscape> {
    let digits = bytes.get(at..at + 4).ok_or(BadEscape::Digits(at))?;
    digits.iter().try_fold(0, |unit, digit| {
        let digit = char::from(*digit).to_digit(16).ok_or(BadEscape::Digits(at))?;
        Ok(unit << 4 | digit)
    })
}

/// Puts what `text`, the inside of a string, means into `decoded`.
pub(super) fn decode(text: &str, decoded: &mut String) -> Result<(), BadEscape> {
    decoded.clear();
    let bytes = text.as_bytes();
    let (mut copied, mut at) = (0, 0);
    while let Some(found) = memchr::memchr(b'\\', &bytes[at..]) {
        at += found;
        decoded.push_str(&text[copied..at]);
        let (meant, next) = escape(bytes, at)?;
        decoded.push(meant);
        (copied, at) = (next, next);
    }
    decoded.push_str(&text[copied..]);
    Ok(())
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_byte_at_every_place_of_a_word_is_told_apart() {
        for byte in 0..=255_u8 {
            for place in 0..20 {
                let mut bytes = [b'a'; 24];
                bytes[place] = byte;
                let special = byte < 0x20 || byte == b'"' || byte == b'\\';
                assert_eq!(plain(&bytes, 0), if special { place } else { 24 }, "{byte} at {place}");
            }
        }
    }

    proptest! {
        #[test]
        fn words_find_what_bytes_find(bytes in prop::collection::vec(any::<u8>(), 0..40), at in 0_usize..40) {
            let at = at.min(bytes.len());
            let naive = bytes[at..].iter().position(|byte| *byte < 0x20 || matches!(byte, b'"' | b'\\'));
            prop_assert_eq!(plain(&bytes, at), naive.map_or(bytes.len(), |found| at + found));
        }

        #[test]
        fn escapes_mean_what_serde_says(text in r#"[a\\u0-9dDcCeE/ntbf]{0,16}"#) {
            let mut decoded = String::new();
            let ours = decode(&text, &mut decoded).ok().map(|()| decoded);
            let theirs: Option<String> = serde_json::from_str(&format!("\"{text}\"")).ok();
            prop_assert_eq!(ours, theirs);
        }
    }
}

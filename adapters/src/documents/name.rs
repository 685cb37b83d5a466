//! What an entry of an archive may be called: a path that stays where it is put, on every system the same.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};

use super::Unfit;

/// Checks a path whose parts are separated by `/`.
pub(crate) fn check(name: &[u8]) -> Result<(), Unfit> {
    let refuse = |why| Err(Unfit::Name(why));
    if name.is_empty() || name.len() > MOST_BYTES {
        return refuse("is empty or too long");
    }
    if name.iter().any(|byte| *byte < b' ' || *byte == 0x7f) {
        return refuse("holds a control character");
    }
    if name.contains(&b'\\') || name.contains(&b':') {
        return refuse("holds a backslash or a colon");
    }
    if name[0] == b'/' {
        return refuse("is absolute");
    }
    if std::str::from_utf8(name).is_ok_and(|text| text.contains(turns_text)) {
        return refuse("turns the direction of what is shown");
    }
    let path = name.strip_suffix(b"/").unwrap_or(name);
    for part in path.split(|byte| *byte == b'/') {
        // Windows drops dots and spaces at the end: `.. .` is `..` there.
        let end = part.iter().rposition(|byte| !matches!(byte, b'.' | b' '));
        if end.is_none() {
            return refuse("leads elsewhere");
        }
        if part.len() > MOST_PART_BYTES {
            return refuse("is empty or too long");
        }
    }
    Ok(())
}

/// A name as systems compare it that know no case, and take a folder for what it is called.
pub(crate) fn folded(name: &[u8], keys: &RandomState) -> u64 {
    let name = name.strip_suffix(b"/").unwrap_or(name);
    let mut hasher = keys.build_hasher();
    match std::str::from_utf8(name) {
        Ok(text) => text.to_lowercase().hash(&mut hasher),
        Err(_) => name.to_ascii_lowercase().hash(&mut hasher),
    }
    hasher.finish()
}

/// Marks that turn the direction of text: with them `gpj.exe` is shown as `exe.jpg`.
fn turns_text(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{80}'..='\u{9f}')
}

const MOST_BYTES: usize = 1024;
const MOST_PART_BYTES: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_or_are_read_differently_are_refused() {
        for name in [
            "",
            "/etc/passwd",
            "../a",
            "a/../b",
            "a/..",
            "..",
            ".",
            "./a",
            "a//b",
            "a/.. /b",
            "a/.../b",
            "C:a",
            "a:b",
            "a\\b",
            "a\0b",
            "a\nb",
            "\u{7f}",
            "act\u{202e}fdp.exe",
        ] {
            assert!(check(name.as_bytes()).is_err(), "{name:?}");
        }
        assert!(check("x/".repeat(600).as_bytes()).is_err());
        assert!(check("x".repeat(256).as_bytes()).is_err());
        for name in
            ["a", "a/b.pdf", "папка/Акт № 7 (жоба).docx", "a/", ".rels", "a..b", "_rels/.rels", "Ко./a"]
        {
            assert_eq!(check(name.as_bytes()), Ok(()), "{name:?}");
        }
        assert_eq!(check(b"\x80\x8f\x90"), Ok(()), "of an older code page");
    }

    #[test]
    fn names_that_some_systems_take_for_one_are_one() {
        let keys = RandomState::new();
        assert_eq!(folded("Акт".as_bytes(), &keys), folded("акт/".as_bytes(), &keys));
        assert_ne!(folded(b"a", &keys), folded(b"b", &keys));
    }
}

//! Patterns that are a row of ASCII classes, such as `^[A-E]-[0-9]{2,4}$`: matched without an engine.

/// A pattern, anchored at both ends, in which no choice has ever to be taken back.
#[derive(Debug)]
pub(super) struct Row {
    lanes: Box<[Lane]>,
}

/// So many bytes of a class.
#[derive(Debug)]
struct Lane {
    class: Class,
    least: usize,
    most: usize,
}

/// By byte, whether it belongs.
type Class = Box<[bool; 256]>;

impl Row {
    /// Reads `pattern`; `None` if it is more than a row.
    pub(super) fn parse(pattern: &str) -> Option<Self> {
        let mut rest = pattern.strip_prefix('^')?.strip_suffix('$')?.as_bytes();
        let mut lanes: Vec<Lane> = Vec::new();
        while !rest.is_empty() {
            let class = class(&mut rest)?;
            let (least, most) = quantity(&mut rest)?;
            lanes.push(Lane { class, least, most });
        }
        // Taking as much as a lane can hold is right if the next byte cannot belong to it.
        let sure = lanes.windows(2).all(|pair| {
            let apart = || pair[0].class.iter().zip(pair[1].class.iter()).all(|(one, other)| !(one & other));
            pair[0].least == pair[0].most || (pair[1].least > 0 && apart())
        });
        (sure && lanes.len() <= MOST_LANES).then(|| Self { lanes: lanes.into() })
    }

    /// Whether the whole of `text` matches.
    #[inline]
    pub(super) fn matches(&self, text: &[u8]) -> bool {
        let mut at = 0;
        for lane in &self.lanes {
            let most = lane.most.min(text.len() - at);
            let run = text[at..at + most].iter().take_while(|byte| lane.class[**byte as usize]).count();
            if run < lane.least {
                return false;
            }
            at += run;
        }
        at == text.len()
    }
}

/// Takes a literal or a class.
fn class(rest: &mut &[u8]) -> Option<Class> {
    let mut class = Box::new([false; 256]);
    match take(rest)? {
        b'[' => {
            let mut last = None;
            loop {
                match take(rest)? {
                    b']' => break,
                    b'-' if last.is_none() || rest.first() == Some(&b']') => class[b'-' as usize] = true,
                    b'-' => {
                        let (from, to) = (last?, take(rest)?);
                        let alike: fn(&u8) -> bool = match from {
                            b'0'..=b'9' => u8::is_ascii_digit,
                            b'A'..=b'Z' => u8::is_ascii_uppercase,
                            b'a'..=b'z' => u8::is_ascii_lowercase,
                            _ => return None,
                        };
                        if !alike(&to) || from > to {
                            return None;
                        }
                        class[from as usize..=to as usize].fill(true);
                        // What follows a range starts anew: `[a-c-e]` is not ours to read.
                        last = None;
                        if rest.first() == Some(&b'-') && rest.get(1) != Some(&b']') {
                            return None;
                        }
                    }
                    b'\\' => {
                        escaped(take(rest)?, &mut class)?;
                        if rest.first() == Some(&b'-') && rest.get(1) != Some(&b']') {
                            return None;
                        }
                    }
                    byte if byte.is_ascii_alphanumeric() || b" _.,:;/@#%+*=()".contains(&byte) => {
                        class[byte as usize] = true;
                        last = Some(byte);
                    }
                    _ => return None,
                }
            }
        }
        b'\\' => escaped(take(rest)?, &mut class)?,
        byte if byte.is_ascii_alphanumeric() || b" -_,:;/@#%=".contains(&byte) => class[byte as usize] = true,
        _ => return None,
    }
    Some(class)
}

/// What a backslash makes of `byte`.
fn escaped(byte: u8, class: &mut Class) -> Option<()> {
    match byte {
        b'd' => class[b'0' as usize..=b'9' as usize].fill(true),
        b'.' | b'-' | b'/' | b'+' | b'*' | b'(' | b')' | b'[' | b']' => class[byte as usize] = true,
        _ => return None,
    }
    Some(())
}

/// Takes how often; once if nothing is said.
fn quantity(rest: &mut &[u8]) -> Option<(usize, usize)> {
    let found = match rest.first() {
        Some(b'+') => (1, usize::MAX),
        Some(b'*') => (0, usize::MAX),
        Some(b'?') => (0, 1),
        Some(b'{') => {
            let end = rest.iter().position(|byte| *byte == b'}')?;
            let inside = std::str::from_utf8(&rest[1..end]).ok()?;
            *rest = &rest[end..];
            match inside.split_once(',') {
                None => (number(inside)?, number(inside)?),
                Some((least, "")) => (number(least)?, usize::MAX),
                Some((least, most)) => (number(least)?, number(most)?),
            }
        }
        _ => return Some((1, 1)),
    };
    take(rest)?;
    let again = matches!(rest.first(), Some(b'+' | b'*' | b'?' | b'{'));
    (!again && found.0 <= found.1).then_some(found)
}

fn number(digits: &str) -> Option<usize> {
    let plain = (1..=3).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

fn take(rest: &mut &[u8]) -> Option<u8> {
    let (first, after) = rest.split_first()?;
    *rest = after;
    Some(*first)
}

const MOST_LANES: usize = 32;

#[cfg(test)]
mod tests {
    use jsonschema::PatternOptions;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn patterns_in_use_are_rows() {
        for pattern in
            ["^[0-9]{12}$", "^[A-E]-[0-9]$", "^\\d{4}-\\d{2,4}$", "^KZ[0-9A-Z]{18}$", "^[a-z0-9_-]+$"]
        {
            assert!(Row::parse(pattern).is_some(), "{pattern}");
        }
    }

    #[test]
    fn what_is_more_than_a_row_is_left_to_the_engine() {
        for pattern in [
            "[0-9]",
            "^a",
            "^(a|b)$",
            "^[^a]$",
            "^.$",
            "^a?a$",
            "^[a-z]*[a-c]$",
            "^[а-я]$",
            "^a+?$",
            "^[[a]]$",
            "^a\\$",
        ] {
            assert!(Row::parse(pattern).is_none(), "{pattern}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn rows_match_what_the_library_matches(
            lanes in prop::collection::vec((
                prop::sample::select(&["a", "[ab]", "[0-9]", "\\d", "-", "[a-c_-]", "[-a]", "\\.", "[\\d.]", "[c-a]", "[a&&b]", "[+*]"][..]),
                prop::sample::select(&["", "", "+", "*", "?", "{2}", "{1,2}", "{1,}", "{0}", "{,2}", "{2,1}", "??"][..]),
            ), 0..4),
            texts in prop::collection::vec("[abc0-9_.+*&яA-]{0,6}|[ab]{1,3}[0-9]{1,3}|a-?[0-9]{2}", 16),
        ) {
            let pattern: String = lanes.iter().flat_map(|(class, often)| [*class, *often]).collect();
            let pattern = format!("^{pattern}$");
            let Some(row) = Row::parse(&pattern) else { return Ok(()) };
            let judge = jsonschema::options().with_pattern_options(PatternOptions::regex());
            let judge = judge.build(&json!({"pattern": pattern})).unwrap();
            for text in texts {
                let fits = judge.is_valid(&Value::from(text.as_str()));
                prop_assert_eq!(row.matches(text.as_bytes()), fits, "{} {}", pattern, text);
            }
        }
    }
}

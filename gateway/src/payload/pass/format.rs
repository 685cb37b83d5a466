//! Formats that are quick to check.

/// Whether `text` is a `date`: RFC 3339 `full-date`, of the days that there are.
#[inline]
pub(super) fn is_date(text: &[u8]) -> bool {
    let Some((head, [d1, d2])) = text.split_first_chunk::<8>() else { return false };
    // Digits become their values, hyphens zero; then whatever is more than it may be reaches the high bit.
    let found = u64::from_le_bytes(*head) ^ u64::from_le_bytes(*b"0000-00-");
    let most = u64::from_le_bytes(*b"\x76\x76\x76\x76\x7f\x76\x76\x7f");
    let wrong = (found.wrapping_add(most) | found) & 0x8080_8080_8080_8080;
    if wrong != 0 || !d1.is_ascii_digit() || !d2.is_ascii_digit() {
        return false;
    }
    let [y1, y2, y3, y4, _, m1, m2, _] = found.to_le_bytes().map(u32::from);
    let (month, day) = (m1 * 10 + m2, u32::from(d1 & 15) * 10 + u32::from(d2 & 15));
    // All months have these; the others are looked at more closely.
    if month.wrapping_sub(1) < 12 && day.wrapping_sub(1) < 28 {
        return true;
    }
    let year = y1 * 1000 + y2 * 100 + y3 * 10 + y4;
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 0,
    };
    (1..=days).contains(&day)
}

/// Whether `text` is surely a `date-time`. Leap seconds are left to the judge.
pub(super) fn is_surely_date_time(text: &[u8]) -> bool {
    let Some((date, [b'T' | b't', time @ ..])) = text.split_at_checked(10) else { return false };
    let Some((clock, mut rest)) = time.split_at_checked(8) else { return false };
    let &[h1, h2, b':', m1, m2, b':', s1, s2] = clock else { return false };
    if !is_date(date) || !below(h1, h2, 24) || !below(m1, m2, 60) || !below(s1, s2, 60) {
        return false;
    }
    if let [b'.', fraction @ ..] = rest {
        let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 {
            return false;
        }
        rest = &fraction[digits..];
    }
    match *rest {
        [b'Z' | b'z'] => true,
        [b'+' | b'-', h1, h2, b':', m1, m2] => below(h1, h2, 24) && below(m1, m2, 60),
        _ => false,
    }
}

/// Whether `text` is surely a `uuid`.
pub(super) fn is_surely_uuid(text: &[u8]) -> bool {
    text.len() == 36
        && text.iter().enumerate().all(|(at, byte)| {
            if matches!(at, 8 | 13 | 18 | 23) { *byte == b'-' } else { byte.is_ascii_hexdigit() }
        })
}

/// Whether two digits make a number below `bound`.
fn below(tens: u8, ones: u8, bound: u8) -> bool {
    tens.is_ascii_digit() && ones.is_ascii_digit() && (tens & 15) * 10 + (ones & 15) < bound
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use jsonschema::Validator;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    static JUDGES: LazyLock<[Validator; 3]> = LazyLock::new(|| {
        ["date", "date-time", "uuid"].map(|format| {
            let options = jsonschema::options().should_validate_formats(true);
            options.build(&json!({"format": format})).unwrap()
        })
    });

    fn fits(format: usize, text: &str) -> bool {
        JUDGES[format].is_valid(&Value::from(text))
    }

    #[test]
    fn every_date_of_eight_hundred_years_is_judged_as_the_library_does() {
        for year in (0..10_000).filter(|year| year % 100 < 9) {
            for (month, day) in (0..14).flat_map(|month| (0..33).map(move |day| (month, day))) {
                let text = format!("{year:04}-{month:02}-{day:02}");
                assert_eq!(is_date(text.as_bytes()), fits(0, &text), "{text}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn strings_like_dates_are_judged_as_the_library_does(text in "[0-3]{4}.?[01][0-9:/]-[0-3][0-9я]Z?") {
            prop_assert_eq!(is_date(text.as_bytes()), fits(0, &text));
        }

        #[test]
        fn what_is_surely_a_date_time_is_one_for_the_library(
            text in "20(24|25)-(02|12)-(29|3[01]|[01][0-9])[Tt][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{0,3})?([Zz]|[+-][0-2][0-9]:?[0-6][0-9])?",
        ) {
            let fits = fits(1, &text);
            let leap = text.contains(":60");
            let ours = is_surely_date_time(text.as_bytes());
            prop_assert!(ours == fits || (leap && !ours), "{text} {ours} {fits}");
        }

        #[test]
        fn what_is_surely_a_uuid_is_one_for_the_library(text in "[0-9a-fA-Fg]{8}(-[0-9a-f]{4}){3}[-0][0-9a-f]{12}") {
            prop_assert_eq!(is_surely_uuid(text.as_bytes()), fits(2, &text));
        }
    }
}

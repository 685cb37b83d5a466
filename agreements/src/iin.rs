//! Individual identification numbers: whether twelve digits can be one.

/// Whether a text is an IIN by its form: a date of birth, a century and sex, and the check digit that follows from the
/// others. Whether anybody bears it, it does not say.
pub fn is_iin(text: &str) -> bool {
    let Some(digits) = digits(text) else { return false };
    let (month, day) = (digits[2] * 10 + digits[3], digits[4] * 10 + digits[5]);
    // The seventh digit says century and sex; 0 is for foreigners.
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || digits[6] > 6 {
        return false;
    }
    let rest = |weights: [u32; 11]| -> u32 {
        weights.iter().zip(digits).map(|(weight, digit)| weight * digit).sum::<u32>() % 11
    };
    let check = match rest([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]) {
        10 => rest([3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2]),
        check => check,
    };
    // Where both sums leave ten there is no such number.
    check < 10 && check == digits[11]
}

fn digits(text: &str) -> Option<[u32; 12]> {
    let bytes: &[u8; 12] = text.as_bytes().try_into().ok()?;
    bytes.iter().all(u8::is_ascii_digit).then(|| bytes.map(|byte| u32::from(byte - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_whose_check_digit_follows_from_the_others_are_iins() {
        // The last two by the second row of weights.
        for good in ["860101300126", "900515400331", "860101000905", "860101000930"] {
            assert!(is_iin(good), "{good}");
        }
    }

    #[test]
    fn other_digits_forms_and_dates_are_none() {
        for bad in [
            "860101300123",
            "860101300127",
            "861301300126",
            "860132300126",
            "860100300126",
            "86010130012",
            "8601013001266",
            "86010130012a",
            "",
            "٨٦٠١٠١٣٠٠١٢٦",
            "860101000980",
            "860101000989",
        ] {
            assert!(!is_iin(bad), "{bad}");
        }
    }

    #[test]
    fn each_number_has_one_check_digit_at_most_and_a_wrong_digit_is_noticed() {
        for serial in 0..2_000 {
            let rest = format!("8601013{serial:04}");
            let fits = (0..10).filter(|check| is_iin(&format!("{rest}{check}"))).count();
            assert!(fits <= 1, "{rest}");
        }
        let good = "860101300126";
        // The first row weighs the eleventh digit by eleven, which leaves nothing.
        for at in (0..12).filter(|at| *at != 10) {
            let mut other = good.as_bytes().to_vec();
            other[at] = if other[at] == b'9' { b'0' } else { other[at] + 1 };
            assert!(!is_iin(std::str::from_utf8(&other).unwrap()), "digit {at}");
        }
    }
}

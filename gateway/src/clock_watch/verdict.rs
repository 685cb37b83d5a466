//! What several sources say together, pure: one that lies, or two that disagree, move nobody's clock.

use jiff::SignedDuration;

use super::sntp::Sample;

/// Why no offset is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unclear {
    /// Fewer than half of the sources answered, or none.
    #[error("{answered} of {asked} sources answered")]
    Silent {
        /// Sources that said something.
        answered: usize,
        /// Sources that there are.
        asked: usize,
    },
    /// No majority of them says the same.
    #[error("the sources disagree: {agreeing} of {asked} say the same")]
    Disagree {
        /// The most that say the same.
        agreeing: usize,
        /// Sources that there are.
        asked: usize,
    },
}

/// The offset that a majority of `asked` sources supports: the median of those that say the same as the middle one.
///
/// # Errors
/// [`Unclear`].
pub fn agreed(samples: &[Sample], asked: usize) -> Result<Sample, Unclear> {
    let majority = asked / 2 + 1;
    if samples.len() < majority {
        return Err(Unclear::Silent { answered: samples.len(), asked });
    }
    let mut sorted = samples.to_vec();
    sorted.sort_by_key(|sample| sample.ahead);
    // With the most on its side, the middle one before others: among liars fewer than half it is never a lie.
    let supporters = |sample: &Sample| sorted.iter().filter(|other| same(sample, other)).count();
    let middle = sorted.len() / 2;
    let order =
        (0..sorted.len()).map(|at| (supporters(&sorted[at]), std::cmp::Reverse(at.abs_diff(middle)), at));
    let Some((agreeing, _, best)) = order.max() else { return Err(Unclear::Silent { answered: 0, asked }) };
    if agreeing < majority {
        return Err(Unclear::Disagree { agreeing, asked });
    }
    let together: Vec<&Sample> = sorted.iter().filter(|other| same(&sorted[best], other)).collect();
    Ok(*together[together.len() / 2])
}

/// Whether two sources may be right both: what they say is no farther apart than they may be wrong.
fn same(one: &Sample, other: &Sample) -> bool {
    (one.ahead - other.ahead).abs() <= one.error + other.error + LEEWAY
}

/// Clocks of good sources differ by so much, whatever they say of themselves.
const LEEWAY: SignedDuration = SignedDuration::from_millis(50);

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(ahead: i64) -> Sample {
        Sample { ahead: SignedDuration::from_millis(ahead), error: SignedDuration::from_millis(20) }
    }

    fn offset(ahead: &[i64], asked: usize) -> Result<i128, Unclear> {
        let samples: Vec<_> = ahead.iter().map(|ahead| sample(*ahead)).collect();
        agreed(&samples, asked).map(|sample| sample.ahead.as_millis())
    }

    /// C6
    #[test]
    fn majority_that_says_the_same_is_believed_and_nobody_else() {
        assert_eq!(offset(&[30], 1), Ok(30));
        assert_eq!(offset(&[30, 50, 40], 3), Ok(40));
        assert_eq!(offset(&[30, 3_600_000, 40], 3), Ok(40), "one lies");
        assert_eq!(offset(&[30, 40], 3), Ok(40), "one is silent");
        assert_eq!(offset(&[-3_600_000, -3_600_010, 0, 20, 10], 5), Ok(10), "two lie together");
        assert_eq!(offset(&[30], 2), Err(Unclear::Silent { answered: 1, asked: 2 }));
        assert_eq!(offset(&[], 1), Err(Unclear::Silent { answered: 0, asked: 1 }));
        assert_eq!(offset(&[], 0), Err(Unclear::Silent { answered: 0, asked: 0 }));
        assert_eq!(offset(&[0, 5_000], 2), Err(Unclear::Disagree { agreeing: 1, asked: 2 }));
        assert_eq!(offset(&[0, 10, 5_000, 5_010], 4), Err(Unclear::Disagree { agreeing: 2, asked: 4 }));
    }
}

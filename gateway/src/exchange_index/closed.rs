//! Words of which there is a closed list: one that is not on it can be in no entry, and is a slip of whoever looks.

use super::find::UNSETTLED;
use super::words::Kind;
use crate::config::nearest_of;
use crate::exchange::codes;
use crate::exchange_log::Outcome;

/// A word that stands in no entry, whatever was exchanged.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{word:?} is none that there is{}", near.map(|near| format!("; did you mean {near}?")).unwrap_or_default())]
pub struct UnknownWord {
    word: String,
    near: Option<&'static str>,
}

impl Kind {
    /// Whether a word of this kind may stand in an entry at all.
    ///
    /// # Errors
    /// [`UnknownWord`] names the nearest that may.
    pub fn may_be(self, word: &str) -> Result<(), UnknownWord> {
        let known: Vec<&'static str> = match self {
            Self::Code => codes().collect(),
            Self::Outcome => Outcome::ALL.into_iter().map(Outcome::as_str).chain([UNSETTLED]).collect(),
            Self::Decision => vec!["permit", "refuse"],
            Self::Status if word.parse::<u16>().is_err() => Vec::new(),
            Self::Consumer
            | Self::Provider
            | Self::System
            | Self::Holder
            | Self::DataType
            | Self::Agreement
            | Self::Purpose
            | Self::Case
            | Self::User
            | Self::Subject
            | Self::Status
            | Self::Withheld => return Ok(()),
        };
        if known.contains(&word) {
            return Ok(());
        }
        Err(UnknownWord { word: word.to_owned(), near: nearest_of(word, known.into_iter()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_told_from_what_was_not_found() {
        let slip = |kind: Kind, word: &str| kind.may_be(word).unwrap_err().to_string();
        let near = "\"purpose-not-agred\" is none that there is; did you mean purpose-not-agreed?";
        assert_eq!(slip(Kind::Code, "purpose-not-agred"), near);
        assert_eq!(
            slip(Kind::Outcome, "time-out"),
            "\"time-out\" is none that there is; did you mean timeout?"
        );
        assert!(slip(Kind::Decision, "permitted").ends_with("did you mean permit?"));
        assert_eq!(slip(Kind::Status, "all"), "\"all\" is none that there is");
        for (kind, word) in [
            (Kind::Code, "claim-malformed"),
            (Kind::Outcome, "unsettled"),
            (Kind::Outcome, "answered-again"),
            (Kind::Decision, "refuse"),
            (Kind::Status, "503"),
            (Kind::Consumer, "whoever"),
        ] {
            assert_eq!(kind.may_be(word), Ok(()), "{word}");
        }
    }
}

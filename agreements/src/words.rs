//! Text that people write: bounded, and free of what would break a line where it is shown.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};

/// At most 2,000 characters without control characters, new lines excepted; empty where nothing is said.
#[derive(Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Words(Box<str>);

/// A text is too long, or holds control characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a text is at most {MOST_CHARS} characters, without control characters")]
pub struct WordsError;

impl Words {
    /// Takes `text` if it is short enough and has no control characters but new lines.
    ///
    /// # Errors
    /// [`WordsError`].
    pub fn new(text: &str) -> Result<Self, WordsError> {
        let text = text.trim();
        let breaks = |c: char| {
            (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        if text.chars().count() <= MOST_CHARS && !text.chars().any(breaks) {
            Ok(Self(text.into()))
        } else {
            Err(WordsError)
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl utoipa::PartialSchema for Words {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).max_length(Some(MOST_CHARS)).into()
    }
}

impl utoipa::ToSchema for Words {}

impl std::str::FromStr for Words {
    type Err = WordsError;
    fn from_str(text: &str) -> Result<Self, WordsError> {
        Self::new(text)
    }
}

impl TryFrom<String> for Words {
    type Error = WordsError;
    fn try_from(text: String) -> Result<Self, WordsError> {
        Self::new(&text)
    }
}

impl From<Words> for String {
    fn from(words: Words) -> String {
        words.0.into()
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

/// A page and a half.
const MOST_CHARS: usize = 2000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_bounded_and_do_not_forge_lines() {
        assert_eq!(Words::new("  мақсат\n").unwrap().as_str(), "мақсат");
        assert!(Words::new("").unwrap().is_empty());
        for bad in ["a\u{1b}[2J", "a\rb", "a\u{202e}b", &"қ".repeat(2001)] {
            assert_eq!(Words::new(bad), Err(WordsError), "{bad:?}");
        }
    }
}

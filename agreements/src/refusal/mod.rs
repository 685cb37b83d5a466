//! What a refusal is made of: a stable code, its clause, its status, and fixed words in three languages.
//!
//! [`rows`] holds the refusals that rules cause; the process adds its own in the same form.

pub mod rows;

use serde::Serialize;

/// A refusal as the documentation lists it.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    /// Stable code, in kebab-case.
    pub code: &'static str,
    /// The clause or standard that asks for it.
    pub clause: &'static str,
    /// HTTP status.
    pub status: u16,
    /// Whose doing it usually is.
    pub culprit: Culprit,
    /// What happened and what to do.
    pub words: Words,
}

/// The same words in the three languages (C2).
#[derive(Debug, PartialEq, Eq)]
pub struct Words {
    /// Kazakh.
    pub kk: &'static str,
    /// Russian.
    pub ru: &'static str,
    /// English.
    pub en: &'static str,
}

/// Languages of the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Kazakh, the state language: the default.
    Kazakh,
    /// Russian.
    Russian,
    /// English.
    English,
}

/// Whose doing a refusal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Culprit {
    /// The system that asks.
    Consumer,
    /// The system that answers.
    Provider,
    /// The gateway.
    Us,
}

impl Culprit {
    /// The name that entries and problem documents carry.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Consumer => "consumer",
            Self::Provider => "provider",
            Self::Us => "gateway",
        }
    }
}

impl Words {
    /// The words in one language.
    pub fn in_language(&self, language: Language) -> &'static str {
        match language {
            Language::Kazakh => self.kk,
            Language::Russian => self.ru,
            Language::English => self.en,
        }
    }
}

impl Language {
    /// The best of the three for an `Accept-Language` field (RFC 9110 §12.5.4); Kazakh where none is asked for.
    pub fn accepted(field: &str) -> Self {
        let mut best = (Self::Kazakh, 0_u32);
        for range in field.split(',').take(32) {
            let (tag, quality) = range.split_once(';').unwrap_or((range, ""));
            let primary = tag.trim().split('-').next().unwrap_or("");
            let language = match primary.to_ascii_lowercase().as_str() {
                "kk" => Self::Kazakh,
                "ru" => Self::Russian,
                "en" => Self::English,
                _ => continue,
            };
            let weight = match quality.trim().strip_prefix("q=") {
                None => 1000,
                Some(q) => q.trim().parse::<f32>().map_or(0, |q| (q.clamp(0.0, 1.0) * 1000.0) as u32),
            };
            if weight > best.1 {
                best = (language, weight);
            }
        }
        best.0
    }

    /// The language's tag (RFC 5646).
    pub fn tag(self) -> &'static str {
        match self {
            Self::Kazakh => "kk",
            Self::Russian => "ru",
            Self::English => "en",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_accepted_language_wins_and_kazakh_is_the_default() {
        for (field, expected) in [
            ("", Language::Kazakh),
            ("ru", Language::Russian),
            ("de, en-GB;q=0.8, ru;q=0.9", Language::Russian),
            ("en;q=0.5, kk;q=0.5", Language::English),
            ("fr", Language::Kazakh),
            ("ru;q=0", Language::Kazakh),
            ("en;q=x", Language::Kazakh),
        ] {
            assert_eq!(Language::accepted(field), expected, "{field:?}");
        }
    }

    #[test]
    fn every_row_has_its_own_code_and_speaks_all_three_languages() {
        let mut codes: Vec<_> = rows::ALL.iter().map(|row| row.code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), rows::ALL.len());
        for row in rows::ALL {
            assert!((400..600).contains(&row.status), "{}", row.code);
            assert!(!row.clause.is_empty(), "{}", row.code);
            for words in [row.words.kk, row.words.ru, row.words.en] {
                assert!(words.len() > 20 && words.ends_with('.'), "{}: {words}", row.code);
            }
        }
    }
}

//! Problems' kinds: code, status, and what each is called in Kazakh, Russian and English.

mod agreed;
mod rows;

use http::{HeaderMap, StatusCode, header};

use self::rows::REFUSED;

/// A language of the Republic, or English.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// Kazakh.
    Kazakh,
    /// Russian.
    Russian,
    /// English.
    #[default]
    English,
}

/// A kind of problem.
#[derive(Debug)]
pub struct Row {
    /// Its stable name.
    pub code: &'static str,
    status: u16,
    kk: &'static str,
    ru: &'static str,
    en: &'static str,
}

impl Language {
    /// Its tag (BCP 47).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kazakh => "kk",
            Self::Russian => "ru",
            Self::English => "en",
        }
    }

    /// The language that a request likes best of those there are (RFC 9110 §12.5.4).
    pub fn of(headers: &HeaderMap) -> Self {
        let asked =
            headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let mut best = (0, Self::default());
        for range in asked.split(',').take(MOST_RANGES) {
            let mut parts = range.split(';').map(str::trim);
            let tag = parts.next().unwrap_or_default().split('-').next().unwrap_or_default();
            let language = match tag.to_ascii_lowercase().as_str() {
                "kk" => Self::Kazakh,
                "ru" => Self::Russian,
                "en" => Self::English,
                _ => continue,
            };
            let quality = parts.find_map(|part| part.strip_prefix("q="));
            let quality = quality.map_or(Some(1.0_f32), |q| q.parse().ok()).unwrap_or(0.0);
            // In thousandths, as the grammar has it.
            let quality = (quality.clamp(0.0, 1.0) * 1_000.0) as u32;
            if quality > best.0 {
                best = (quality, language);
            }
        }
        best.1
    }
}

impl From<Language> for agreements::refusal::Language {
    fn from(language: Language) -> Self {
        match language {
            Language::Kazakh => Self::Kazakh,
            Language::Russian => Self::Russian,
            Language::English => Self::English,
        }
    }
}

impl Row {
    /// The status of such answers.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::CONFLICT)
    }

    /// What it is called in a language.
    pub fn title(&self, language: Language) -> &'static str {
        match language {
            Language::Kazakh => self.kk,
            Language::Russian => self.ru,
            Language::English => self.en,
        }
    }
}

/// All kinds of problems.
pub fn all() -> impl Iterator<Item = &'static Row> {
    rows::ALL.iter().chain(agreed::ALL)
}

/// The row of a code; for one that has none of its own, that of what the rules refuse.
pub fn row(code: &str) -> &'static Row {
    all().find(|row| row.code == code).unwrap_or(&REFUSED)
}

/// A header may name very many.
const MOST_RANGES: usize = 16;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use agreements::CommandError;
    use http::HeaderValue;

    use super::*;

    /// E4: what the rules refuse has words in three languages.
    #[test]
    fn every_refusal_of_a_command_has_its_row_and_no_code_stands_twice() {
        let codes: BTreeSet<_> = all().map(|row| row.code).collect();
        assert_eq!(codes.len(), all().count());
        for code in CommandError::CODES {
            assert!(codes.contains(code), "{code} has no row: write one in api/words.rs");
        }
    }

    #[test]
    fn the_language_is_the_one_liked_best() {
        for (asked, language) in [
            ("kk", Language::Kazakh),
            ("ru-RU,ru;q=0.9,en;q=0.8", Language::Russian),
            ("de, ru;q=0.1, kk;q=0.2", Language::Kazakh),
            ("ru;q=0", Language::English),
            ("", Language::English),
            ("*;q=x", Language::English),
        ] {
            let headers =
                HeaderMap::from_iter([(header::ACCEPT_LANGUAGE, HeaderValue::from_str(asked).unwrap())]);
            assert_eq!(Language::of(&headers), language, "{asked}");
        }
    }
}

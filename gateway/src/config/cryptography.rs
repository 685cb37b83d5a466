//! What confirms the conformity of the cryptographic tool.

use jiff::civil::Date;
use serde::Deserialize;

/// The confirmation of the cryptographic tool's conformity (Portal 61.1; HR 3.3, 26.2): all three keys, or none.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CryptographyConfig {
    /// The number of the confirmation; it stands in the exchange log, with the tool and its version, at the head of segments. Default: none, which is told.
    pub confirmation: Option<String>,
    /// Who issued it. Default: none.
    pub issuer: Option<String>,
    /// Its last day, `"2027-12-31"`; that it ends is told 60 days before. Default: none.
    pub until: Option<Date>,
}

impl CryptographyConfig {
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        let given = [self.confirmation.is_some(), self.issuer.is_some(), self.until.is_some()];
        if given.contains(&true) && given.contains(&false) {
            return Err(("confirmation", "a confirmation has its number, `issuer` and `until`".into()));
        }
        for (key, text) in [("confirmation", &self.confirmation), ("issuer", &self.issuer)] {
            let Some(text) = text else { continue };
            let fit = !text.trim().is_empty() && text.chars().count() <= MOST_CHARACTERS;
            if !fit || text.chars().any(char::is_control) {
                return Err((key, format!("one line of 1 to {MOST_CHARACTERS} characters")));
            }
        }
        Ok(())
    }
}

const MOST_CHARACTERS: usize = 200;

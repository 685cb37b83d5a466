//! The cryptographic tool of this process and the confirmation of its conformity, as they are shown and recorded
//! (C5; Portal 61.1; HR 3.3, 26.2).
//!
//! Trust: tool and version are what the library says of itself. The confirmation is the operator's word: nothing depends on
//! it, and who checks compares it with the paper.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use certs::tool::tool;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use tracing::{info, warn};

use crate::background::Background;
use crate::clock;
use crate::config::CryptographyConfig;

/// A cryptographic tool, and what confirms that it may be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cryptography {
    /// What it is called.
    pub tool: String,
    /// Its version.
    pub version: String,
    /// Whether it is a module validated under FIPS 140.
    pub fips: bool,
    /// What confirms its conformity, where the operator named it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmation: Option<Confirmation>,
}

/// A confirmation of conformity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// Its number.
    pub number: String,
    /// Who issued it.
    pub issuer: String,
    /// Its last day.
    pub until: Date,
}

/// How the confirmation stands on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// None is configured.
    Unconfirmed,
    /// It holds for a good while.
    Confirmed,
    /// It ends in so many days: 0 is its last.
    EndsIn(i32),
    /// It ended.
    Ended,
}

impl Cryptography {
    /// The tool that runs, with what the operator says of its confirmation.
    pub fn of(config: &CryptographyConfig) -> Self {
        let told = config.confirmation.clone().zip(config.issuer.clone()).zip(config.until);
        let confirmation = told.map(|((number, issuer), until)| Confirmation { number, issuer, until });
        let tool = tool();
        Self { tool: tool.name.into(), version: tool.version.into(), fips: tool.fips, confirmation }
    }

    /// How its confirmation stands.
    pub fn standing(&self, today: Date) -> Standing {
        let Some(confirmation) = &self.confirmation else { return Standing::Unconfirmed };
        match (confirmation.until - today).get_days() {
            left if left < 0 => Standing::Ended,
            left if left <= TOLD_BEFORE => Standing::EndsIn(left),
            _ => Standing::Confirmed,
        }
    }

    /// Says at the start what runs, and each day how its confirmation stands once it ends soon.
    pub fn follow(self: Arc<Self>) -> Background {
        info!("cryptography: {}", self.told(clock::today()));
        Background::every("cryptography", A_DAY, move || match self.standing(clock::today()) {
            Standing::Unconfirmed | Standing::Confirmed => {}
            Standing::EndsIn(_) | Standing::Ended => warn!("cryptography: {}", self.told(clock::today())),
        })
    }

    /// When its confirmation ends: with its last day, as the Republic counts days.
    pub fn confirmed_until(&self) -> Option<Timestamp> {
        let next = self.confirmation.as_ref()?.until.tomorrow().ok()?;
        Some(next.to_zoned(agreements::almaty()).ok()?.timestamp())
    }

    /// All of it in one line, with what the operator has to know of it on a day.
    pub fn told(&self, today: Date) -> String {
        let told = match self.standing(today) {
            Standing::Unconfirmed => "; its conformity is confirmed by nothing in [cryptography]".to_owned(),
            Standing::Confirmed => String::new(),
            Standing::EndsIn(left) => format!("; that ends in {left} days: have it confirmed anew"),
            Standing::Ended => "; that has ended: have it confirmed anew".to_owned(),
        };
        format!("{self}{told}")
    }
}

impl fmt::Display for Cryptography {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let module = if self.fips { "a FIPS module" } else { "no FIPS module" };
        write!(f, "{} {}, {module}", self.tool, self.version)?;
        let Some(Confirmation { number, issuer, until }) = &self.confirmation else { return Ok(()) };
        write!(f, ", confirmed by {number} of {issuer} until {until}")
    }
}

/// Days before its end from which on a confirmation's end is told: a new one takes its time.
const TOLD_BEFORE: i32 = 60;

const A_DAY: Duration = Duration::from_secs(24 * 3_600);

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn confirmed() -> Cryptography {
        Cryptography::of(&CryptographyConfig {
            confirmation: Some("KZ-77".into()),
            issuer: Some("Accredited body".into()),
            until: Some(day("2027-03-01")),
        })
    }

    /// C5
    #[test]
    fn the_tool_names_its_version_and_what_confirms_it() {
        let version = tool().version;
        let told = confirmed().told(day("2026-01-01"));
        let text = format!(
            "AWS-LC {version}, no FIPS module, confirmed by KZ-77 of Accredited body until 2027-03-01"
        );
        assert_eq!(told, text);
        let nothing = Cryptography::of(&CryptographyConfig::default());
        assert!(nothing.told(day("2026-01-01")).ends_with("confirmed by nothing in [cryptography]"));
    }

    /// C5
    #[test]
    fn that_a_confirmation_ends_is_told_before_it_does() {
        for (today, standing) in [
            ("2026-12-30", Standing::Confirmed),
            ("2026-12-31", Standing::EndsIn(60)),
            ("2027-03-01", Standing::EndsIn(0)),
            ("2027-03-02", Standing::Ended),
            ("2031-01-01", Standing::Ended),
        ] {
            assert_eq!(confirmed().standing(day(today)), standing, "{today}");
        }
    }

    /// C5
    #[test]
    fn a_confirmation_ends_with_its_last_day_at_home() {
        assert_eq!(confirmed().confirmed_until(), Some("2027-03-01T19:00:00Z".parse().unwrap()));
    }

    /// D3: lines of logs that say less are read, and what is written is read again.
    #[test]
    fn what_is_written_is_read_again() {
        for one in [confirmed(), Cryptography { confirmation: None, ..confirmed() }] {
            let text = serde_json::to_string(&one).unwrap();
            assert_eq!(serde_json::from_str::<Cryptography>(&text).unwrap(), one);
        }
    }
}

//! Configuration: one TOML file, its paths relative to the folder that it stands in.
//!
//! Each area is converted to checked values once, at start; unknown keys are errors that name the nearest known one.

mod api;
mod clock;
mod cryptography;
mod exchange;
mod keeping;
mod national;
mod places;
mod readiness;
mod repeats;
mod scanner;
mod usage;
mod witnesses;

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use agreements::Phase;
use serde::Deserialize;

pub use api::ApiConfig;
pub use clock::{ClockConfig, WhenUnclear};
pub use cryptography::CryptographyConfig;
pub use exchange::{ExchangeConfig, Limits};
pub use keeping::{ArchivePlace, KeepingSettings, S3Settings};
pub use national::{NationalSignaturesConfig, RevocationCheck};
pub use places::{
    IdentityConfig, LineFormat, LogSettings, OperationsConfig, RegistryConfig, TelemetryConfig,
    TimeStampSettings, TrustConfig,
};
pub use readiness::ReadinessConfig;
pub use repeats::RepeatsConfig;
pub use scanner::{Scanned, ScannerConfig, WhenDown};
pub use usage::UsageConfig;
pub use witnesses::{WhenSilent, WitnessPlace, WitnessesConfig};

/// The whole configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The environment that this gateway serves: systems of the other are refused (Interaction 12-13).
    pub environment: Phase,
    /// The gateway's certificate and key.
    pub identity: IdentityConfig,
    /// Whom it trusts.
    pub trust: TrustConfig,
    /// The registry that it follows.
    #[serde(default)]
    pub registry: RegistryConfig,
    /// The exchange log.
    pub log: LogSettings,
    /// Who witnesses it.
    #[serde(default)]
    pub witnesses: WitnessesConfig,
    /// The exchange face.
    #[serde(default)]
    pub exchange: ExchangeConfig,
    /// The API.
    #[serde(default)]
    pub api: ApiConfig,
    /// Readiness checks.
    #[serde(default)]
    pub readiness: ReadinessConfig,
    /// Requests repeated under one idempotency key.
    #[serde(default)]
    pub repeats: RepeatsConfig,
    /// The virus scanner.
    #[serde(default)]
    pub scanner: ScannerConfig,
    /// The service that verifies national signatures.
    #[serde(default)]
    pub national_signatures: NationalSignaturesConfig,
    /// What confirms the cryptographic tool.
    #[serde(default)]
    pub cryptography: CryptographyConfig,
    /// The watch over clocks.
    #[serde(default)]
    pub clock: ClockConfig,
    /// The feed "who used my data".
    #[serde(default)]
    pub usage: UsageConfig,
    /// The operations face.
    #[serde(default)]
    pub operations: OperationsConfig,
    /// What the process says about itself.
    #[serde(default)]
    pub telemetry: TelemetryConfig,
    /// The folder that relative paths start from.
    #[serde(skip)]
    pub base: PathBuf,
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {path}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is no TOML.
    #[error("{path}: {message}")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// What is wrong and where.
        message: String,
    },
    /// A key is unknown or has a wrong value.
    #[error("{path}: {key}: {message}{}", hint.as_ref().map(|near| format!("; did you mean '{near}'?")).unwrap_or_default())]
    Key {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
        /// What is wrong.
        message: String,
        /// The nearest known key.
        hint: Option<String>,
    },
}

impl Config {
    /// Reads and checks a configuration file.
    ///
    /// # Errors
    /// [`ConfigError`] names the file, the key and, for an unknown one, the nearest known.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        let base = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Self::parse(&text, path, base)
    }

    /// Checks the text of a configuration file.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(text: &str, path: &Path, base: &Path) -> Result<Self, ConfigError> {
        let raw = toml::Deserializer::parse(text)
            .map_err(|error| ConfigError::Syntax { path: path.to_owned(), message: error.to_string() })?;
        let mut config: Self = serde_path_to_error::deserialize(raw).map_err(|error| {
            let key = error.path().to_string();
            let message = error.into_inner().message().to_owned();
            ConfigError::Key { path: path.to_owned(), hint: nearest(&message), key, message }
        })?;
        config.base = base.to_owned();
        let wrong = |key: String, message: String| ConfigError::Key {
            path: path.to_owned(),
            key,
            message,
            hint: None,
        };
        let limits = config.exchange.limits.check();
        limits.map_err(|(key, message)| wrong(format!("exchange.limits.{key}"), message))?;
        config.trust.check().map_err(|(key, message)| wrong(format!("trust.{key}"), message))?;
        config.registry.check().map_err(|(key, message)| wrong(format!("registry.{key}"), message))?;
        config.api.check().map_err(|(key, message)| wrong(format!("api.{key}"), message))?;
        config.readiness.check().map_err(|(key, message)| wrong(format!("readiness.{key}"), message))?;
        config.repeats.check().map_err(|(key, message)| wrong(format!("repeats.{key}"), message))?;
        config.scanner.check().map_err(|(key, message)| wrong(format!("scanner.{key}"), message))?;
        let national = config.national_signatures.check();
        national.map_err(|(key, message)| wrong(format!("national_signatures.{key}"), message))?;
        config
            .cryptography
            .check()
            .map_err(|(key, message)| wrong(format!("cryptography.{key}"), message))?;
        config.clock.check().map_err(|(key, message)| wrong(format!("clock.{key}"), message))?;
        config.log.check().map_err(|(key, message)| wrong(format!("log.{key}"), message))?;
        config.witnesses.check().map_err(|(key, message)| wrong(format!("witnesses.{key}"), message))?;
        Ok(config)
    }

    /// A path of the configuration as the process opens it.
    pub fn path(&self, relative: &Path) -> PathBuf {
        self.base.join(relative)
    }
}

/// Refuses a value that is not within its bounds.
fn within(key: &'static str, value: u64, bounds: RangeInclusive<u64>) -> Result<(), (&'static str, String)> {
    if bounds.contains(&value) {
        return Ok(());
    }
    Err((key, format!("{value} is not within {}..={}", bounds.start(), bounds.end())))
}

/// The known key nearest to the unknown one that a serde message speaks of.
fn nearest(message: &str) -> Option<String> {
    let mut quoted = message.strip_prefix("unknown field")?.split('`').skip(1).step_by(2);
    nearest_of(quoted.next()?, quoted).map(str::to_owned)
}

/// The known word nearest to an unknown one, if one is near.
pub(crate) fn nearest_of<'a>(unknown: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let (distance, best) = known.map(|known| (edits(unknown, known), known)).min()?;
    (distance <= unknown.len().div_ceil(2)).then_some(best)
}

/// Levenshtein's distance.
fn edits(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.bytes().enumerate() {
        let mut corner = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in right.bytes().enumerate() {
            let above = row[j + 1];
            row[j + 1] = (above + 1).min(row[j] + 1).min(corner + usize::from(a != b));
            corner = above;
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALLEST: &str = r#"
environment = "production"
[identity]
certificate = "keys/gateway.pem"
key = "keys/gateway.key"
[trust]
anchors = "trust/anchors.pem"
crls = ["trust/root.crl.pem"]
[log]
origin = "gateway.example/log"
"#;

    fn parse(text: &str) -> Result<Config, ConfigError> {
        Config::parse(text, Path::new("kelisim.toml"), Path::new("/etc/kelisim"))
    }

    #[test]
    fn the_smallest_configuration_has_safe_defaults() {
        let config = parse(SMALLEST).unwrap();
        assert_eq!(config.exchange.listen.to_string(), "0.0.0.0:8443");
        assert_eq!(config.operations.listen.to_string(), "127.0.0.1:9464");
        assert!(!config.exchange.tls12);
        assert_eq!(config.path(&config.log.dir), Path::new("/etc/kelisim/log"));
    }

    #[test]
    fn an_unknown_key_is_refused_with_the_nearest_known_one() {
        let error = parse(&format!("{SMALLEST}\n[exchange]\nlisen = \"0.0.0.0:1\"\n")).unwrap_err();
        assert!(error.to_string().contains("exchange"), "{error}");
        assert!(error.to_string().ends_with("did you mean 'listen'?"), "{error}");
    }

    #[test]
    fn a_limit_of_zero_is_refused() {
        let error = parse(&format!("{SMALLEST}\n[exchange.limits]\nmax_connections = 0\n")).unwrap_err();
        assert!(error.to_string().contains("exchange.limits.max_connections"), "{error}");
    }

    #[test]
    fn a_pause_a_lease_or_a_segment_out_of_bounds_is_refused() {
        for (section, line, key) in [
            ("[trust]", "poll_ms = 9", "trust.poll_ms"),
            ("[trust]", "poll_ms = 60001", "trust.poll_ms"),
            ("[log]", "segment_mib = 0", "log.segment_mib"),
            ("[log]", "segment_mib = 4097", "log.segment_mib"),
            ("[log]", "seal_ms = 9", "log.seal_ms"),
            ("[log]", "time_stamps = { authority = \"https://a\" }", "log.time_stamps.authority"),
            ("[log]", "time_stamps = { every_minutes = 0 }", "log.time_stamps.every_minutes"),
            ("[log]", "keeping = { archive = \"s3://records\" }", "log.keeping.s3.endpoint"),
            ("[log]", "keeping = { archive = \"gs://records\" }", "log.keeping.archive"),
            ("[registry]", "poll_ms = 0", "registry.poll_ms"),
            ("[registry]", "[cryptography]\nissuer = \"Body\"", "cryptography.confirmation"),
            (
                "[registry]",
                "[cryptography]\nconfirmation = \" \"\nissuer = \"B\"\nuntil = \"2030-01-01\"",
                "cryptography.confirmation",
            ),
            ("[registry]", "lease_seconds = 0", "registry.lease_seconds"),
            ("[registry]", "lease_seconds = 3601", "registry.lease_seconds"),
            ("[registry]", "lease_seconds = 1\npoll_ms = 1000", "registry.poll_ms"),
        ] {
            let text = format!("{SMALLEST}[registry]\n").replace(section, &format!("{section}\n{line}"));
            let error = parse(&text).unwrap_err().to_string();
            assert!(error.contains(key), "{line}: {error}");
        }
        parse(&format!("{SMALLEST}[registry]\nlease_seconds = 1\npoll_ms = 999\n")).unwrap();
    }

    #[test]
    fn a_missing_key_is_named() {
        let error = parse("environment = \"production\"").unwrap_err();
        assert!(error.to_string().contains("identity"), "{error}");
    }
}

//! The API: where people and their programs work on the registry, and how much of anything they may use.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use jiff::SignedDuration;
use serde::Deserialize;

use super::within;

/// The API.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ApiConfig {
    /// Where it is served, over TLS. Default: `127.0.0.1:8444`.
    pub listen: SocketAddr,
    /// Its certificate chain, PEM, where it is not the gateway's. Default: none.
    pub certificate: Option<PathBuf>,
    /// The private key of that certificate, PEM (PKCS#8); readable by its owner alone. Default: none.
    pub key: Option<PathBuf>,
    /// The access store: hashed passwords, tokens and sessions. Default: `access.sqlite`.
    pub access: PathBuf,
    /// The depositary's folder. Default: `depositary`.
    pub depositary: PathBuf,
    /// Most connections at once; an eighth of them from one address, or one /64 of IPv6. Default: 512.
    pub max_connections: usize,
    /// Most requests of those who are known being answered at once, beside four of strangers; others wait, and are refused after 5 s. Default: 64.
    pub max_requests: usize,
    /// Most bytes of a request's body, in KiB; documents have a bound of their own, and who logs in has 64. Default: 1,024.
    pub max_body_kib: usize,
    /// Most bytes of a document, in MB (Portal 8-10). Default: 60.
    pub max_document_mb: usize,
    /// Longest TLS handshake, longest time for a request's head, and for nothing of its body to come, in ms. Default: 10,000.
    pub head_timeout_ms: u64,
    /// Longest time from a request's head to its answer, and for less of that than 1 KiB a second to be taken, in ms. Default: 60,000.
    pub request_timeout_ms: u64,
    /// After how many minutes without a request a session ends. Default: 30.
    pub session_idle_minutes: u16,
    /// After how many hours a session ends in any case. Default: 12.
    pub session_hours: u16,
    /// How many failed logins of an account are free; four times as many of an address. Default: 5.
    pub login_failures: u32,
    /// How long the first lock lasts, in seconds; each further failure doubles it, to 15 minutes. Default: 30.
    pub lock_seconds: u32,
    /// Most logins a minute from one address, or one /64 of IPv6. Default: 30.
    pub logins_per_minute: u32,
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8444)),
            certificate: None,
            key: None,
            access: "access.sqlite".into(),
            depositary: "depositary".into(),
            max_connections: 512,
            max_requests: 64,
            max_body_kib: 1_024,
            max_document_mb: 60,
            head_timeout_ms: 10_000,
            request_timeout_ms: 60_000,
            session_idle_minutes: 30,
            session_hours: 12,
            login_failures: 5,
            lock_seconds: 30,
            logins_per_minute: 30,
        }
    }
}

impl ApiConfig {
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        if self.certificate.is_some() != self.key.is_some() {
            return Err(("key", "certificate and key are set together".into()));
        }
        within("max_connections", self.max_connections as u64, 8..=100_000)?;
        within("max_requests", self.max_requests as u64, 1..=512)?;
        within("max_body_kib", self.max_body_kib as u64, 1..=16_384)?;
        within("max_document_mb", self.max_document_mb as u64, 1..=1_000)?;
        within("head_timeout_ms", self.head_timeout_ms, 100..=600_000)?;
        within("request_timeout_ms", self.request_timeout_ms, 100..=3_600_000)?;
        within("session_idle_minutes", self.session_idle_minutes.into(), 1..=1_440)?;
        within("session_hours", self.session_hours.into(), 1..=168)?;
        within("login_failures", self.login_failures.into(), 1..=100)?;
        within("lock_seconds", self.lock_seconds.into(), 1..=900)?;
        within("logins_per_minute", self.logins_per_minute.into(), 1..=10_000)
    }

    /// As [`ApiConfig::head_timeout_ms`].
    pub fn head_timeout(&self) -> Duration {
        Duration::from_millis(self.head_timeout_ms)
    }

    /// As [`ApiConfig::request_timeout_ms`].
    pub fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.request_timeout_ms)
    }

    /// As [`ApiConfig::session_idle_minutes`].
    pub fn session_idle(&self) -> SignedDuration {
        SignedDuration::from_mins(self.session_idle_minutes.into())
    }

    /// As [`ApiConfig::session_hours`].
    pub fn session_most(&self) -> SignedDuration {
        SignedDuration::from_hours(self.session_hours.into())
    }

    /// As [`ApiConfig::lock_seconds`].
    pub fn first_lock(&self) -> SignedDuration {
        SignedDuration::from_secs(self.lock_seconds.into())
    }
}

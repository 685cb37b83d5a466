//! The service that verifies signatures by national algorithms.

use std::net::IpAddr;
use std::path::PathBuf;

use http::Uri;
use serde::Deserialize;

use super::{TrustConfig, within};

/// The service that verifies signatures of documents by national algorithms (GOST).
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NationalSignaturesConfig {
    /// What stands before `/cms/verify` of an NCANode 3: `https://…`, or `http://…` on this machine itself. Default: none, and such signatures are refused.
    pub url: Option<String>,
    /// How it has to check revocation: `ocsp`, `crl`, or both; it has to say of each signer what it found. Default: `["ocsp"]`.
    pub revocation: Vec<RevocationCheck>,
    /// Longest time that it may take for a piece of a document, and for its answer, in seconds. Default: 30.
    pub timeout_seconds: u16,
    /// Largest document that it is shown, in MiB: it holds each in memory, several times over. Default: 64.
    pub max_document_mib: u64,
    /// Most transfers whose documents it is shown at once; one consumer has half of them at most. Default: 16.
    pub max_at_once: usize,
    /// The certificate chain that the gateway presents to it, PEM; with `key`. Default: the gateway's.
    pub certificate: Option<PathBuf>,
    /// The private key of that, PEM; readable by its owner alone. Default: the gateway's.
    pub key: Option<PathBuf>,
    /// Whom its certificate has to lead to: a table with the keys of `[trust]`. Default: whom the gateway trusts.
    pub trust: Option<TrustConfig>,
}

/// A way to find out whether a certificate was revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RevocationCheck {
    /// Its authority is asked.
    Ocsp,
    /// Its authority's lists are looked through.
    Crl,
}

impl Default for NationalSignaturesConfig {
    fn default() -> Self {
        Self {
            url: None,
            revocation: vec![RevocationCheck::Ocsp],
            timeout_seconds: 30,
            max_document_mib: 64,
            max_at_once: 16,
            certificate: None,
            key: None,
            trust: None,
        }
    }
}

impl NationalSignaturesConfig {
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        within("timeout_seconds", self.timeout_seconds.into(), 1..=3_600)?;
        within("max_document_mib", self.max_document_mib, 1..=1_024)?;
        within("max_at_once", self.max_at_once as u64, 1..=10_000)?;
        if self.revocation.is_empty() {
            return Err(("revocation", "it is empty: nobody would know who was revoked".into()));
        }
        if self.certificate.is_some() != self.key.is_some() {
            return Err(("key", "a certificate goes with its key, and a key with its certificate".into()));
        }
        if let Some(trust) = &self.trust {
            trust.check().map_err(|(_, message)| ("trust", message))?;
        }
        match &self.url {
            Some(url) => Self::place(url).map(drop).map_err(|why| ("url", format!("'{url}' {why}"))),
            None => Ok(()),
        }
    }

    /// Where the service is.
    ///
    /// # Errors
    /// It is no address; or it would have to be believed though anybody on the way could answer in its place.
    pub(crate) fn place(url: &str) -> Result<Uri, &'static str> {
        let uri: Uri = url.parse().map_err(|_| "is no http or https address")?;
        let host = uri.host().ok_or("is no http or https address")?.trim_matches(['[', ']']);
        if uri.query().is_some() || uri.authority().is_some_and(|authority| authority.as_str().contains('@'))
        {
            return Err("has more than a place in it");
        }
        let here = host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
        match uri.scheme_str() {
            Some("https") => Ok(uri),
            Some("http") if here => Ok(uri),
            Some("http") => Err("is not on this machine: what is not signed has to come over https"),
            _ => Err("is no http or https address"),
        }
    }
}

impl RevocationCheck {
    /// As the service calls it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ocsp => "OCSP",
            Self::Crl => "CRL",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn service_is_spoken_to_over_tls_or_on_this_machine_and_nowhere_else() {
        for good in [
            "http://127.0.0.1:14579",
            "http://[::1]:14579/ncanode",
            "http://localhost:1",
            "https://ncanode.example",
        ] {
            NationalSignaturesConfig::place(good).unwrap();
        }
        for bad in [
            "",
            "ncanode",
            "/cms",
            "ftp://127.0.0.1",
            "http://ncanode:14579",
            "http://10.0.0.1",
            "http://127.0.0.1.example",
            "http://localhost@elsewhere.example",
            "https://ncanode.example/?a=b",
        ] {
            assert!(NationalSignaturesConfig::place(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn service_that_would_not_say_who_was_revoked_is_not_configured() {
        let fine = NationalSignaturesConfig::default();
        fine.check().unwrap();
        let none = NationalSignaturesConfig { revocation: Vec::new(), ..fine.clone() };
        assert_eq!(none.check().unwrap_err().0, "revocation");
        let half = NationalSignaturesConfig { certificate: Some("a.pem".into()), ..fine };
        assert_eq!(half.check().unwrap_err().0, "key");
    }
}

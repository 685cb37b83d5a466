//! The benchmark's own certification authority: P-256, one level, with a list of revoked certificates.
//!
//! One level, so that no peer pays for an intermediate that another would have skipped.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SanType, SerialNumber,
    date_time_ymd,
};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::version::TLS13;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};

/// Who presents a certificate in the benchmark. Each has `NAME.pem` and `NAME.key` in the world's folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// The load generator.
    Client,
    /// A client whose certificate is on the list; every peer must refuse it.
    Revoked,
    /// The peer under test: server to the generator, client of the upstream.
    Proxy,
    /// The common upstream.
    Upstream,
}

impl Identity {
    const ALL: [Self; 4] = [Self::Client, Self::Revoked, Self::Proxy, Self::Upstream];

    fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Revoked => "revoked",
            Self::Proxy => "proxy",
            Self::Upstream => "upstream",
        }
    }

    /// Returns the file with the certificate.
    pub fn certificate(self, folder: &Path) -> PathBuf {
        folder.join(self.name()).with_extension("pem")
    }

    /// Returns the file with the private key.
    pub fn key(self, folder: &Path) -> PathBuf {
        folder.join(self.name()).with_extension("key")
    }

    fn serial(self) -> SerialNumber {
        SerialNumber::from(0x4b00 + self as u64)
    }
}

/// Returns the file with the trust anchor.
pub(crate) fn anchor(folder: &Path) -> PathBuf {
    folder.join("ca.pem")
}

/// Returns the file with the list of revoked certificates.
pub(crate) fn crl(folder: &Path) -> PathBuf {
    folder.join("crl.pem")
}

/// Writes the authority's certificate, its list and all identities into `folder`.
pub(crate) fn write(folder: &Path) -> anyhow::Result<()> {
    let mut ca = CertificateParams::default();
    ca.distinguished_name.push(DnType::CommonName, "benchmark authority");
    ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    (ca.not_before, ca.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2090, 1, 1));
    let ca_key = KeyPair::generate()?;
    fs::write(anchor(folder), ca.self_signed(&ca_key)?.pem())?;
    let issuer = Issuer::new(ca, ca_key);

    for identity in Identity::ALL {
        let key = KeyPair::generate()?;
        let mut leaf = CertificateParams::new(vec!["localhost".to_owned()])?;
        leaf.subject_alt_names.push(SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)));
        leaf.distinguished_name.push(DnType::CommonName, identity.name());
        leaf.serial_number = Some(identity.serial());
        (leaf.not_before, leaf.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2080, 1, 1));
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        leaf.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        leaf.use_authority_key_identifier_extension = true;
        fs::write(identity.certificate(folder), leaf.signed_by(&key, &issuer)?.pem())?;
        fs::write(identity.key(folder), key.serialize_pem())?;
    }

    let list = CertificateRevocationListParams {
        this_update: date_time_ymd(2026, 1, 1),
        next_update: date_time_ymd(2089, 1, 1),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: vec![RevokedCertParams {
            serial_number: Identity::Revoked.serial(),
            revocation_time: date_time_ymd(2026, 1, 1),
            reason_code: None,
            invalidity_date: None,
        }],
        key_identifier_method: KeyIdMethod::Sha256,
    };
    fs::write(crl(folder), list.signed_by(&issuer)?.pem()?)?;
    Ok(())
}

/// Opens TLS 1.3 connections as one identity: HTTP/1.1, no resumption.
#[derive(Clone)]
pub struct Dialler {
    pub(crate) connector: TlsConnector,
    pub(crate) name: ServerName<'static>,
}

impl Dialler {
    /// Reads the identity's certificate and key from `folder`.
    ///
    /// # Errors
    /// A file is missing or is not what it should be.
    pub fn new(folder: &Path, identity: Identity) -> anyhow::Result<Self> {
        let mut config = ClientConfig::builder_with_provider(default_provider().into())
            .with_protocol_versions(&[&TLS13])?
            .with_root_certificates(roots(folder)?)
            .with_client_auth_cert(chain(folder, identity)?, key(folder, identity)?)?;
        config.resumption = Resumption::disabled();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { connector: Arc::new(config).into(), name: ServerName::try_from("localhost")? })
    }
}

/// Returns the upstream's side: TLS 1.3, a client certificate of our authority required.
pub(crate) fn server(folder: &Path, identity: Identity) -> anyhow::Result<Arc<ServerConfig>> {
    let provider = Arc::new(default_provider());
    let verifier =
        WebPkiClientVerifier::builder_with_provider(roots(folder)?.into(), Arc::clone(&provider)).build()?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain(folder, identity)?, key(folder, identity)?)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config.into())
}

fn roots(folder: &Path) -> anyhow::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let file = anchor(folder);
    roots
        .add(CertificateDer::from_pem_file(&file).with_context(|| format!("reading {}", file.display()))?)?;
    Ok(roots)
}

fn chain(folder: &Path, identity: Identity) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let file = identity.certificate(folder);
    let certificates = CertificateDer::pem_file_iter(&file)
        .and_then(Iterator::collect)
        .with_context(|| format!("reading {}", file.display()))?;
    Ok(certificates)
}

fn key(folder: &Path, identity: Identity) -> anyhow::Result<PrivateKeyDer<'static>> {
    let file = identity.key(folder);
    PrivateKeyDer::from_pem_file(&file).with_context(|| format!("reading {}", file.display()))
}

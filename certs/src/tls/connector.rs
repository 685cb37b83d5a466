//! Those whom we call: their certificate must be trusted, for a server, for the name, and may be pinned.

use std::fmt;
use std::io;
use std::sync::Arc;

use agreements::Fingerprint;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WantsClientCert};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::sign::SingleCertAndKey;
use rustls::{
    CertificateError, ClientConfig, ConfigBuilder, DigitallySignedStruct, OtherError, SignatureScheme,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::io::{AsyncRead, AsyncWrite};

use super::acceptor::Unready;
use super::{Alpn, Clock, OldestTls, TlsStream, provider, tls_error};
use crate::keys::Identity;
use crate::trust::{Purpose, Trust, Untrusted, VerifiedChain};

/// Opens connections over mutual TLS. Safe to share; keeps tickets to resume sessions.
#[derive(Clone)]
pub struct Connector {
    tls: tokio_rustls::TlsConnector,
    trust: Arc<Trust>,
    clock: Clock,
}

/// What may be configured of a [`Connector`].
#[derive(Clone, Debug)]
pub struct ConnectorOptions {
    /// Default: TLS 1.3.
    pub oldest: OldestTls,
    /// Protocols offered, best first. Default: `h2`, `http/1.1`.
    pub alpn: Vec<Alpn>,
    /// Where the time comes from.
    pub clock: Clock,
}

/// A connection whose server is known.
#[derive(Debug)]
pub struct Connected<IO> {
    /// The connection.
    pub stream: TlsStream<IO>,
    /// Who is on the other side.
    pub chain: VerifiedChain,
    /// What to speak.
    pub alpn: Alpn,
}

impl ConnectorOptions {
    /// The defaults.
    pub fn new(clock: Clock) -> Self {
        Self { oldest: OldestTls::default(), alpn: vec![Alpn::Http2, Alpn::Http1], clock }
    }
}

impl Connector {
    /// Presents `identity` and believes what `trust` believes.
    ///
    /// # Errors
    /// [`Unready`] if TLS cannot be set up.
    pub fn new(identity: &Identity, trust: Arc<Trust>, options: ConnectorOptions) -> Result<Self, Unready> {
        let resolver = Arc::new(SingleCertAndKey::from((*identity.certified).clone()));
        Self::build(trust, options, |config| config.with_client_cert_resolver(resolver))
    }

    /// Presents no certificate, as those do who must be refused; believes what `trust` believes.
    ///
    /// # Errors
    /// [`Unready`] if TLS cannot be set up.
    pub fn anonymous(trust: Arc<Trust>, options: ConnectorOptions) -> Result<Self, Unready> {
        Self::build(trust, options, |config| config.with_no_client_auth())
    }

    fn build(
        trust: Arc<Trust>,
        options: ConnectorOptions,
        presenting: impl FnOnce(ConfigBuilder<ClientConfig, WantsClientCert>) -> ClientConfig,
    ) -> Result<Self, Unready> {
        let provider = provider();
        let check =
            ServerCheck { trust: trust.clone(), clock: options.clock.clone(), provider: provider.clone() };
        let config = ClientConfig::builder_with_details(provider, Arc::new(options.clock.clone()))
            .with_protocol_versions(options.oldest.versions())
            .map_err(|error| Unready(error.into()))?
            .dangerous() // rustls' word for a verifier of one's own: ours is `Trust`
            .with_custom_certificate_verifier(Arc::new(check));
        let mut config = presenting(config);
        config.alpn_protocols = Alpn::names(&options.alpn);
        config.resumption = Resumption::in_memory_sessions(SESSIONS);
        Ok(Self { tls: Arc::new(config).into(), trust, clock: options.clock })
    }

    /// Shakes hands with the server called `name`, a DNS name or an IP address. With `expected`, its
    /// certificate must be one of them.
    ///
    /// # Errors
    /// [`ConnectFailure`]; nothing but the handshake was sent.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection.
    pub async fn connect<IO>(
        &self,
        io: IO,
        name: &str,
        expected: Option<&[Fingerprint]>,
    ) -> Result<Connected<IO>, ConnectFailure>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let server = ServerName::try_from(name.to_owned()).map_err(|_| ConnectFailure::BadName)?;
        let stream = self.tls.connect(server, io).await.map_err(ConnectFailure::of)?;
        let (_, connection) = stream.get_ref();
        let presented = connection.peer_certificates().unwrap_or_default();
        // Again, since a resumed session did not ask; the cache knows the answer.
        let chain = self.trust.verify(presented, Purpose::Server, self.clock.now())?;
        chain.check_name(name)?;
        let fingerprint = chain.fingerprint();
        if expected.is_some_and(|expected| !expected.contains(&fingerprint)) {
            return Err(ConnectFailure::Unexpected(fingerprint));
        }
        let alpn = Alpn::agreed(connection.alpn_protocol());
        Ok(Connected { stream: TlsStream::new(stream), chain, alpn })
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}

/// Why a server is not spoken to.
#[derive(Debug, thiserror::Error)]
pub enum ConnectFailure {
    /// What was called is neither a DNS name nor an IP address.
    #[error("not a name of a server")]
    BadName,
    /// What the server presented does not count.
    #[error("the server's certificate does not count")]
    Untrusted(#[from] Untrusted),
    /// The certificate counts, but is not one of those bound to the system.
    #[error("the server's certificate {0} is not one that is bound to it")]
    Unexpected(Fingerprint),
    /// The two sides do not understand each other, or the server refused us.
    #[error("TLS failed")]
    Protocol(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The connection broke.
    #[error("the connection broke during the handshake")]
    Broken(#[source] io::Error),
}

impl ConnectFailure {
    /// The stable name of the failure: that of the [`Untrusted`] within, if there is one.
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadName => "bad-name",
            Self::Untrusted(reason) => reason.code(),
            Self::Unexpected(_) => "certificate-not-bound",
            Self::Protocol(_) => "tls-failed",
            Self::Broken(_) => "connection-broken",
        }
    }

    fn of(error: io::Error) -> Self {
        match tls_error(&error) {
            Some(rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(ours)))) => {
                match ours.downcast_ref::<Untrusted>() {
                    Some(untrusted) => Self::Untrusted(untrusted.clone()),
                    None => Self::Protocol(ours.to_string().into()),
                }
            }
            Some(tls) => Self::Protocol(tls.clone().into()),
            None => Self::Broken(error),
        }
    }
}

/// Verifies servers by the trust set in force.
struct ServerCheck {
    trust: Arc<Trust>,
    clock: Clock,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for ServerCheck {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let chain: Vec<CertificateDer<'_>> = std::iter::once(end_entity)
            .chain(intermediates)
            .map(|der| CertificateDer::from(der.as_ref()))
            .collect();
        self.trust
            .verify(&chain, Purpose::Server, self.clock.now())
            .and_then(|verified| verified.check_name(&server_name.to_str()))
            .map_err(|untrusted| CertificateError::Other(OtherError(Arc::new(untrusted))))?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

impl fmt::Debug for ServerCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerCheck")
    }
}

const SESSIONS: usize = 256;

//! Those who call us: TLS with a client certificate, always where systems call, if they have one where people do.

use std::fmt;
use std::io;
use std::sync::{Arc, OnceLock};

use agreements::Fingerprint;
use arc_swap::ArcSwap;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{NoServerSessionStorage, ProducesTickets};
use rustls::sign::SingleCertAndKey;
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, ServerConfig, SignatureScheme};
use rustls_pki_types::{CertificateDer, UnixTime};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Alpn, Clock, OldestTls, TlsStream, provider, tls_error};
use crate::keys::Identity;
use crate::trust::{Purpose, Trust, TrustSet, Untrusted, VerifiedChain};

/// Takes connections over mutual TLS. Cheap enough to ask for each connection, safe to share.
pub struct Acceptor {
    identity: ArcSwap<SingleCertAndKey>,
    trust: Arc<Trust>,
    clock: Clock,
    /// What is the same for every connection.
    provider: Arc<CryptoProvider>,
    ticketer: Arc<dyn ProducesTickets>,
    storage: Arc<NoServerSessionStorage>,
    oldest: OldestTls,
    alpn: Vec<Vec<u8>>,
    certificates: ClientCertificates,
}

/// What may be configured of an [`Acceptor`].
#[derive(Clone, Debug)]
pub struct AcceptorOptions {
    /// Default: TLS 1.3.
    pub oldest: OldestTls,
    /// Protocols offered, best first. Default: `h2`, `http/1.1`.
    pub alpn: Vec<Alpn>,
    /// Where the time comes from.
    pub clock: Clock,
    /// Default: required.
    pub certificates: ClientCertificates,
}

/// Whether a caller must show a certificate. One that is shown counts, or the connection ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientCertificates {
    /// They must.
    #[default]
    Required,
    /// They may. For faces that know other ways of saying who one is.
    Optional,
}

/// A connection whose caller showed a certificate or not.
#[derive(Debug)]
pub struct Greeted<IO> {
    /// The connection.
    pub stream: TlsStream<IO>,
    /// Who is on the other side, if they showed a certificate.
    pub chain: Option<VerifiedChain>,
    /// What to speak.
    pub alpn: Alpn,
}

/// A connection whose caller is known.
#[derive(Debug)]
pub struct Accepted<IO> {
    /// The connection.
    pub stream: TlsStream<IO>,
    /// Who is on the other side.
    pub chain: VerifiedChain,
    /// What to speak.
    pub alpn: Alpn,
}

impl AcceptorOptions {
    /// The defaults.
    pub fn new(clock: Clock) -> Self {
        Self {
            oldest: OldestTls::default(),
            alpn: vec![Alpn::Http2, Alpn::Http1],
            clock,
            certificates: ClientCertificates::default(),
        }
    }
}

impl Acceptor {
    /// Presents `identity` and believes what `trust` believes.
    ///
    /// # Errors
    /// [`Unready`] if no keys for session tickets can be made: the machine has no randomness.
    pub fn new(identity: &Identity, trust: Arc<Trust>, options: AcceptorOptions) -> Result<Self, Unready> {
        Ok(Self {
            identity: ArcSwap::from_pointee(resolver(identity)),
            trust,
            clock: options.clock,
            provider: provider(),
            ticketer: aws_lc_rs::Ticketer::new().map_err(|error| Unready(error.into()))?,
            storage: Arc::new(NoServerSessionStorage {}),
            oldest: options.oldest,
            alpn: Alpn::names(&options.alpn),
            certificates: options.certificates,
        })
    }

    /// Presents another identity from the next connection on.
    pub fn replace_identity(&self, identity: &Identity) {
        self.identity.store(Arc::new(resolver(identity)));
    }

    /// Shakes hands. A resumed session is verified as a new one is, by what was presented first.
    ///
    /// # Errors
    /// [`HandshakeFailure`]; the connection is closed, and the peer told why as far as TLS can.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection.
    pub async fn accept<IO>(&self, io: IO) -> Result<Accepted<IO>, HandshakeFailure>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let Greeted { stream, chain, alpn } = self.greet(io).await?;
        let chain = chain.ok_or(HandshakeFailure::NoCertificate)?;
        Ok(Accepted { stream, chain, alpn })
    }

    /// As [`Acceptor::accept`], for callers who may come without a certificate.
    ///
    /// # Errors
    /// [`HandshakeFailure`]: also if the certificate that is shown does not count.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection.
    pub async fn greet<IO>(&self, io: IO) -> Result<Greeted<IO>, HandshakeFailure>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let check = Arc::new(ClientCheck {
            trust: self.trust.clone(),
            set: self.trust.current(),
            clock: self.clock.clone(),
            provider: self.provider.clone(),
            certificates: self.certificates,
            verdict: OnceLock::new(),
        });
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(self.config(check.clone())?));
        let stream = acceptor.accept(io).await.map_err(|error| HandshakeFailure::of(error, &check))?;
        let (_, connection) = stream.get_ref();
        let chain = match check.verdict.get() {
            Some(Ok(chain)) => Some(chain.clone()),
            // A resumed session, where nobody asked the check; or nothing was presented.
            Some(Err(_)) | None => match connection.peer_certificates() {
                None => None,
                Some(presented) => {
                    let verified = self.trust.verify(presented, Purpose::Client, self.clock.now());
                    Some(verified.map_err(|reason| HandshakeFailure::Untrusted {
                        reason,
                        fingerprint: crate::fingerprint(&presented[0]),
                    })?)
                }
            },
        };
        let alpn = Alpn::agreed(connection.alpn_protocol());
        Ok(Greeted { stream: TlsStream::new(stream), chain, alpn })
    }

    /// One for each connection, so that its failure can be told apart from all others; costs about a
    /// microsecond.
    fn config(&self, check: Arc<ClientCheck>) -> Result<ServerConfig, HandshakeFailure> {
        let mut config =
            ServerConfig::builder_with_details(self.provider.clone(), Arc::new(self.clock.clone()))
                .with_protocol_versions(self.oldest.versions())
                .map_err(|error| HandshakeFailure::Protocol(error.into()))?
                .with_client_cert_verifier(check)
                .with_cert_resolver(self.identity.load_full());
        config.ignore_client_order = true; // of cipher suites: `provider` has them in ours
        config.alpn_protocols.clone_from(&self.alpn);
        config.ticketer = self.ticketer.clone();
        config.session_storage = self.storage.clone();
        config.send_tls13_tickets = 1;
        Ok(config)
    }
}

impl fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acceptor").field("oldest", &self.oldest).finish_non_exhaustive()
    }
}

/// A side of TLS cannot be set up; that is ours, not a peer's.
#[derive(Debug, thiserror::Error)]
#[error("TLS cannot be set up")]
pub struct Unready(#[source] pub(super) Box<dyn std::error::Error + Send + Sync>);

/// Why a caller was not let in.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeFailure {
    /// The caller presented no certificate.
    #[error("no certificate was presented")]
    NoCertificate,
    /// What the caller presented does not count.
    #[error("certificate {fingerprint} does not count")]
    Untrusted {
        /// Why.
        #[source]
        reason: Untrusted,
        /// The leaf that was presented; whether the caller holds its key was not asked.
        fingerprint: Fingerprint,
    },
    /// The two sides do not understand each other.
    #[error("TLS failed")]
    Protocol(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The connection broke.
    #[error("the connection broke during the handshake")]
    Broken(#[source] io::Error),
}

impl HandshakeFailure {
    /// The stable name of the failure: that of the [`Untrusted`] within, if there is one.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoCertificate => "no-certificate",
            Self::Untrusted { reason, .. } => reason.code(),
            Self::Protocol(_) => "tls-failed",
            Self::Broken(_) => "connection-broken",
        }
    }

    fn of(error: io::Error, check: &ClientCheck) -> Self {
        if let Some(Err((reason, fingerprint))) = check.verdict.get() {
            return Self::Untrusted { reason: reason.clone(), fingerprint: *fingerprint };
        }
        match tls_error(&error) {
            Some(rustls::Error::NoCertificatesPresented) => Self::NoCertificate,
            Some(tls) => Self::Protocol(tls.clone().into()),
            None => Self::Broken(error),
        }
    }
}

/// Verifies the client of one connection, and remembers the verdict in our words.
struct ClientCheck {
    trust: Arc<Trust>,
    set: Arc<TrustSet>,
    clock: Clock,
    provider: Arc<CryptoProvider>,
    certificates: ClientCertificates,
    verdict: OnceLock<Result<VerifiedChain, (Untrusted, Fingerprint)>>,
}

impl ClientCertVerifier for ClientCheck {
    fn client_auth_mandatory(&self) -> bool {
        match self.certificates {
            ClientCertificates::Required => true,
            ClientCertificates::Optional => false,
        }
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.set.hints()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let chain: Vec<CertificateDer<'_>> = std::iter::once(end_entity)
            .chain(intermediates)
            .map(|der| CertificateDer::from(der.as_ref()))
            .collect();
        match self.trust.verify(&chain, Purpose::Client, self.clock.now()) {
            Ok(verified) => {
                let _ = self.verdict.set(Ok(verified));
                Ok(ClientCertVerified::assertion())
            }
            Err(reason) => {
                let told = alert(&reason);
                let _ = self.verdict.set(Err((reason, crate::fingerprint(end_entity))));
                Err(told.into())
            }
        }
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

impl fmt::Debug for ClientCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientCheck")
    }
}

/// What the peer is told: the nearest alert that TLS has.
fn alert(reason: &Untrusted) -> CertificateError {
    match reason {
        Untrusted::Expired { .. } => CertificateError::Expired,
        Untrusted::NotYetValid { .. } => CertificateError::NotValidYet,
        Untrusted::Revoked { .. } => CertificateError::Revoked,
        Untrusted::ChainIncomplete => CertificateError::UnknownIssuer,
        Untrusted::CrlMissing { .. } | Untrusted::CrlExpired { .. } | Untrusted::CrlInvalid { .. } => {
            CertificateError::UnknownRevocationStatus
        }
        Untrusted::WrongKeyUsage(_) => CertificateError::InvalidPurpose,
        Untrusted::Malformed(_) | Untrusted::UnknownCriticalExtension | Untrusted::NameMismatch { .. } => {
            CertificateError::BadEncoding
        }
        Untrusted::NoCertificate
        | Untrusted::ChainTooLarge
        | Untrusted::WeakKey(_)
        | Untrusted::BadSignature(_)
        | Untrusted::NotAnAuthority(_)
        | Untrusted::NameConstraint
        | Untrusted::TooCostly
        | Untrusted::AnchorRefused(_) => {
            CertificateError::Other(rustls::OtherError(Arc::new(reason.clone())))
        }
    }
}

fn resolver(identity: &Identity) -> SingleCertAndKey {
    SingleCertAndKey::from((*identity.certified).clone())
}

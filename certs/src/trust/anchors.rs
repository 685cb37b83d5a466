//! Trust anchors, checked when they are enrolled: webpki believes whatever it is given as an anchor.

use jiff::Timestamp;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, TrustAnchor};

use crate::certificate::{Certificate, KeyUsage, WeakKey};
use crate::der::BadDer;

/// Certificates of authorities that we believe: each version 3, self-signed, in force, of a strong key, and
/// allowed to sign certificates.
#[derive(Clone, Debug)]
pub struct TrustAnchors {
    pub(crate) anchors: Vec<Anchor>,
}

/// One authority that we believe.
#[derive(Clone, Debug)]
pub(crate) struct Anchor {
    pub(crate) der: CertificateDer<'static>,
    pub(crate) webpki: TrustAnchor<'static>,
}

impl TrustAnchors {
    /// Reads and checks every certificate of a PEM file.
    ///
    /// # Errors
    /// [`AnchorError`] if there is none, or for the first that does not qualify.
    pub fn from_pem(pem: &[u8], now: Timestamp) -> Result<Self, AnchorError> {
        let mut all = Self { anchors: Vec::new() };
        for der in CertificateDer::pem_slice_iter(pem) {
            all.anchors.push(Anchor::enrol(der.map_err(|_| AnchorError::NotPem)?, Some(now))?);
        }
        if all.anchors.is_empty() { Err(AnchorError::None) } else { Ok(all) }
    }

    /// Reads and checks every certificate of a PEM file, also those whose time is over: to judge what was said while they
    /// were in force, which time stamps over old checkpoints are.
    ///
    /// # Errors
    /// As [`Self::from_pem`].
    pub fn of_any_time_from_pem(pem: &[u8]) -> Result<Self, AnchorError> {
        let mut all = Self { anchors: Vec::new() };
        for der in CertificateDer::pem_slice_iter(pem) {
            all.anchors.push(Anchor::enrol(der.map_err(|_| AnchorError::NotPem)?, None)?);
        }
        if all.anchors.is_empty() { Err(AnchorError::None) } else { Ok(all) }
    }

    /// Reads every certificate of a PEM file and leaves out those that do not qualify, with their reasons.
    pub(crate) fn fit_from_pem(pem: &[u8], now: Timestamp) -> Result<(Self, Vec<AnchorError>), AnchorError> {
        let (mut all, mut refused) = (Self { anchors: Vec::new() }, Vec::new());
        for der in CertificateDer::pem_slice_iter(pem) {
            match Anchor::enrol(der.map_err(|_| AnchorError::NotPem)?, Some(now)) {
                Ok(anchor) => all.anchors.push(anchor),
                Err(fault) => refused.push(fault),
            }
        }
        if all.anchors.is_empty() && refused.is_empty() { Err(AnchorError::None) } else { Ok((all, refused)) }
    }

    /// How many anchors there are: at least one.
    pub fn count(&self) -> usize {
        self.anchors.len()
    }
}

impl Anchor {
    /// `now`: when it must be in force, if it matters.
    fn enrol(der: CertificateDer<'static>, now: Option<Timestamp>) -> Result<Self, AnchorError> {
        let fault = {
            let certificate = Certificate::read(&der).map_err(|_| AnchorError::Unfit {
                subject: "unreadable".into(),
                fault: AnchorFault::Malformed,
            })?;
            let subject = certificate.subject().map(|subject| subject.display).unwrap_or_default();
            check(&certificate, now).err().map(|fault| AnchorError::Unfit { subject, fault })
        };
        if let Some(fault) = fault {
            return Err(fault);
        }
        let webpki = webpki::anchor_from_trusted_cert(&der)
            .map_err(|_| AnchorError::Unfit { subject: "unreadable".into(), fault: AnchorFault::Malformed })?
            .to_owned();
        Ok(Self { der, webpki })
    }

    /// Whether its time was running at `at`.
    pub(crate) fn was_in_force(&self, at: Timestamp) -> bool {
        Certificate::read(&self.der).is_ok_and(|certificate| in_time(&certificate, at).is_ok())
    }
}

fn check(certificate: &Certificate<'_>, now: Option<Timestamp>) -> Result<(), AnchorFault> {
    if certificate.version != 3 {
        return Err(AnchorFault::NotVersion3);
    }
    // RFC 5280 §4.2.1.9: and says so critically.
    if certificate.extensions.authority != Some(true) || !certificate.extensions.authority_is_critical {
        return Err(AnchorFault::NotAnAuthority);
    }
    // RFC 5280 §6.1.4 (n): without the extension, a key is for anything.
    if !certificate.extensions.key_usage.is_none_or(|usage| usage.allows(KeyUsage::KEY_CERT_SIGN)) {
        return Err(AnchorFault::MayNotSignCertificates);
    }
    if certificate.extensions.unknown_critical {
        return Err(AnchorFault::UnknownCriticalExtension);
    }
    certificate.key.kind()?;
    now.map_or(Ok(()), |now| in_time(certificate, now))?;
    if certificate.subject_name()? != certificate.issuer_name()? || !certificate.signed.by(certificate.key) {
        return Err(AnchorFault::NotSelfSigned);
    }
    Ok(())
}

/// To the second, as certificates tell it.
fn in_time(certificate: &Certificate<'_>, at: Timestamp) -> Result<(), AnchorFault> {
    if at < certificate.not_before || certificate.not_after.as_second() < at.as_second() {
        return Err(AnchorFault::OutOfTime { from: certificate.not_before, to: certificate.not_after });
    }
    Ok(())
}

/// Why a file of trust anchors was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnchorError {
    /// The file has damaged PEM.
    #[error("trust anchors are not valid PEM")]
    NotPem,
    /// The file has no certificate.
    #[error("no trust anchor in the file")]
    None,
    /// One of them does not qualify.
    #[error("trust anchor {subject} does not qualify")]
    Unfit {
        /// Its name.
        subject: String,
        /// Why.
        #[source]
        fault: AnchorFault,
    },
}

/// Why a certificate cannot be a trust anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnchorFault {
    /// It cannot be read.
    #[error("not a certificate")]
    Malformed,
    /// Older versions cannot say what they are for.
    #[error("not a version 3 certificate")]
    NotVersion3,
    /// `basicConstraints` does not say `CA`, or not critically.
    #[error("not an authority's certificate")]
    NotAnAuthority,
    /// `keyUsage` is there and lacks `keyCertSign`.
    #[error("may not sign certificates")]
    MayNotSignCertificates,
    /// It demands something that we do not know.
    #[error("unknown critical extension")]
    UnknownCriticalExtension,
    /// Its key does not count.
    #[error("its key does not count")]
    WeakKey(#[from] WeakKey),
    /// It has ended, or has not begun.
    #[error("valid only from {from} to {to}")]
    OutOfTime {
        /// Its first moment.
        from: Timestamp,
        /// Its last moment.
        to: Timestamp,
    },
    /// Somebody else signed it, or its signature does not verify.
    #[error("not self-signed")]
    NotSelfSigned,
}

impl From<BadDer> for AnchorFault {
    fn from(BadDer: BadDer) -> Self {
        Self::Malformed
    }
}

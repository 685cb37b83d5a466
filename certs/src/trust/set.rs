//! What we believe at one time: anchors, issuing authorities, revocation lists. Immutable once loaded.

use std::fmt;
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use jiff::{SignedDuration, Timestamp};
use rustls::DistinguishedName;
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, KeyUsage as ExtendedUsage};

use super::anchors::{Anchor, TrustAnchors};
use super::chain::Window;
use super::{Purpose, Untrusted};
use crate::certificate::{ALGORITHMS, Certificate, KeyUsage, Malformed};
use crate::name::Subject;
use crate::revocation::{Crl, CrlFault, Status};

/// Anchors, the issuing authorities below them, and revocation lists whose signatures were verified.
pub struct TrustSet {
    anchors: Vec<Anchor>,
    webpki_anchors: Vec<TrustAnchor<'static>>,
    issuing: Vec<CertificateDer<'static>>,
    crls: Vec<Crl>,
    unusable: Vec<Unusable>,
    hints: Vec<DistinguishedName>,
    max_crl_age: Option<SignedDuration>,
    stamping: Option<TrustAnchors>,
    digest: [u8; 32],
    pub(crate) revocation: Revocation,
}

/// Whether certificates must be shown not to be revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Revocation {
    Required,
    DangerNotAsked,
}

/// A revocation list that was given and settles nothing: somebody should look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unusable {
    /// Which of those given, from 0.
    pub index: usize,
    /// Why.
    pub fault: CrlFault,
}

/// Which listed certificates count as revoked.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Listed {
    Ever,
    Before(Timestamp),
}

/// From when until when something is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// Its first moment.
    pub from: Timestamp,
    /// Its last.
    pub until: Timestamp,
}

impl Period {
    pub(crate) fn of(der: &[u8]) -> Result<Self, Malformed> {
        let certificate = Certificate::read(der)?;
        Ok(Self { from: certificate.not_before, until: certificate.not_after })
    }
}

/// What was found out about a chain.
#[derive(Debug)]
pub(crate) struct Judgement {
    pub(crate) window: Window,
    pub(crate) subject: Subject,
    pub(crate) serial: String,
    pub(crate) not_before: Timestamp,
    pub(crate) not_after: Timestamp,
}

impl TrustSet {
    /// Loads a set. Each of `crls` (DER) is read and its signature verified here, once; those that cannot
    /// settle anything are left out and listed by [`TrustSet::unusable`], so that one damaged file does not
    /// keep the revocations of the others from taking effect. What they would have settled is refused.
    ///
    /// `issuing` are authorities below the anchors: they complete chains that come without them, and are
    /// needed for the revocation lists that they signed. They are believed only along a verified path.
    ///
    /// # Errors
    /// [`Malformed`] if one of `issuing` is not a certificate.
    pub fn load(
        anchors: TrustAnchors,
        issuing: Vec<CertificateDer<'static>>,
        crls: &[Vec<u8>],
    ) -> Result<Self, Malformed> {
        let TrustAnchors { anchors } = anchors;
        let digest = digest(&anchors, &issuing, crls);
        let authorities = anchors
            .iter()
            .map(|anchor| Certificate::read(&anchor.der))
            .chain(issuing.iter().map(|der| Certificate::read(der)))
            .collect::<Result<Vec<_>, _>>()?;
        let (mut read, mut unusable) = (Vec::new(), Vec::new());
        for (index, crl) in crls.iter().enumerate() {
            match Crl::read(crl, &authorities) {
                Ok(crl) => read.push(crl),
                Err(fault) => unusable.push(Unusable { index, fault }),
            }
        }
        let hints = authorities
            .iter()
            .take(anchors.len().min(MOST_HINTS))
            .map(|anchor| DistinguishedName::from(anchor.subject.to_vec()))
            .collect();
        drop(authorities);
        let webpki_anchors = anchors.iter().map(|anchor| anchor.webpki.clone()).collect();
        Ok(Self {
            anchors,
            webpki_anchors,
            issuing,
            crls: read,
            unusable,
            hints,
            max_crl_age: None,
            stamping: None,
            digest,
            revocation: Revocation::Required,
        })
    }

    /// Believes time-stamping authorities below these anchors when they state when a document was signed.
    #[must_use]
    pub fn with_stamping(self, anchors: TrustAnchors) -> Self {
        let mut context = Context::new(&SHA256);
        context.update(&self.digest);
        context.update(b"time stamps");
        anchors.anchors.iter().for_each(|anchor| context.update(&anchor.der));
        let digest = context.finish().as_ref().try_into().expect("SHA-256 has 32 bytes");
        Self { stamping: Some(anchors), digest, ..self }
    }

    /// The anchors of time-stamping authorities, if any are believed.
    pub(crate) fn stamping(&self) -> Option<&TrustAnchors> {
        self.stamping.as_ref()
    }

    /// Refuses revocation lists older than `age`, whatever they say themselves.
    #[must_use]
    pub fn with_max_crl_age(self, age: SignedDuration) -> Self {
        let mut context = Context::new(&SHA256);
        context.update(&self.digest);
        context.update(&age.as_nanos().to_le_bytes());
        let digest = context.finish().as_ref().try_into().expect("SHA-256 has 32 bytes");
        Self { max_crl_age: Some(age), digest, ..self }
    }

    /// Names what it was loaded from: every certificate and revocation list, in order; the bound on their age; and whose
    /// time stamps are believed.
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// Revocation lists that were given and settle nothing.
    pub fn unusable(&self) -> &[Unusable] {
        &self.unusable
    }

    /// Revocation lists in use.
    pub fn crls(&self) -> &[Crl] {
        &self.crls
    }

    /// Anchors and issuing authorities: each with its name, and when it is in force.
    pub fn authorities(&self) -> Vec<(String, Period)> {
        let ders = self.anchors.iter().map(|anchor| &anchor.der).chain(&self.issuing);
        let read = ders.filter_map(|der| {
            let certificate = Certificate::read(der).ok()?;
            let name = certificate.subject().map(|subject| subject.display).unwrap_or_default();
            Some((name, Period { from: certificate.not_before, until: certificate.not_after }))
        });
        read.collect()
    }

    /// When each revocation list in use is recent enough, in their order; of one that never ends, until the end of time.
    pub fn crl_periods(&self) -> Vec<Period> {
        let period = |crl: &Crl| {
            let until = crl.recent_until(self.max_crl_age).unwrap_or(Timestamp::MAX);
            Period { from: crl.this_update(), until }
        };
        self.crls.iter().map(period).collect()
    }

    /// When the first of the revocation lists ends: renew them before. `None` without lists.
    pub fn crls_end(&self) -> Option<Timestamp> {
        self.crls.iter().filter_map(|crl| crl.recent_until(self.max_crl_age)).min()
    }

    /// The subjects of the anchors: the hint that a server gives to its clients.
    pub(crate) fn hints(&self) -> &[DistinguishedName] {
        &self.hints
    }

    /// Judges a chain as of `at`, with what the revocation lists say at `now`.
    pub(crate) fn judge(
        &self,
        chain: &[CertificateDer<'_>],
        purpose: Purpose,
        at: Timestamp,
        now: Timestamp,
        listed: Listed,
    ) -> Result<Judgement, Untrusted> {
        let (leaf, presented) = chain.split_first().ok_or(Untrusted::NoCertificate)?;
        let intermediates: Vec<CertificateDer<'_>> =
            presented.iter().chain(&self.issuing).map(|der| CertificateDer::from(der.as_ref())).collect();
        let end_entity = EndEntityCert::try_from(leaf)?;
        let path = end_entity.verify_for_usage(
            ALGORITHMS,
            &self.webpki_anchors,
            &intermediates,
            UnixTime::since_unix_epoch(Duration::from_secs(at.as_second().try_into().unwrap_or(0))),
            extended_usage(purpose),
            None,
            None,
        )?;
        let anchor = self
            .anchors
            .iter()
            .find(|anchor| anchor.webpki == *path.anchor())
            .ok_or(Untrusted::ChainIncomplete)?;
        let ders: Vec<CertificateDer<'_>> =
            path.intermediate_certificates().map(|authority| authority.der()).collect();
        let path = std::iter::once(leaf)
            .chain(&ders)
            .chain([&anchor.der])
            .map(|der| Certificate::read(der))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|malformed| Untrusted::Malformed(malformed.to_string()))?;

        let leaf = &path[0];
        check_leaf(leaf, purpose)?;
        path[1..].iter().try_for_each(check_authority)?;
        path[..path.len() - 1].iter().try_for_each(check_form)?;
        let mut window = Window { from: Timestamp::MIN, until: Timestamp::MAX };
        for certificate in &path {
            certificate.key.kind().map_err(Untrusted::WeakKey)?;
            window.narrow_to_validity(certificate, at)?;
        }
        if self.revocation == Revocation::Required {
            for (index, certificate) in path[..path.len() - 1].iter().enumerate() {
                let settled = self.settle(certificate, &path[index + 1..], now, listed)?;
                window.from = window.from.max(settled.from);
                window.until = window.until.min(settled.until);
            }
        }
        Ok(Judgement {
            window,
            subject: leaf.subject().map_err(|malformed| Untrusted::Malformed(malformed.to_string()))?,
            serial: hex(leaf.serial),
            not_before: leaf.not_before,
            not_after: leaf.not_after,
        })
    }

    /// Asks the revocation lists about one certificate, whose authorities are `above`.
    ///
    /// It is revoked if any list in force says so, good if at least one settles it, else refused.
    fn settle(
        &self,
        certificate: &Certificate<'_>,
        above: &[Certificate<'_>],
        now: Timestamp,
        listed: Listed,
    ) -> Result<Window, Untrusted> {
        let issuer_name = certificate.issuer_name()?;
        let issuer = || Subject::read(certificate.issuer).map(|issuer| issuer.display).unwrap_or_default();
        let mut settled: Option<Window> = None;
        let mut next_list = Timestamp::MAX;
        let mut fault = None;
        for crl in self.crls.iter().filter(|crl| crl.issuer == issuer_name) {
            match crl.status_of(certificate, above, now, self.max_crl_age) {
                Ok(Status::Revoked { since }) if counts(listed, since) => {
                    return Err(Untrusted::Revoked { serial: hex(certificate.serial), since });
                }
                Ok(Status::Revoked { .. }) => {
                    settled.get_or_insert(Window { from: now, until: now });
                }
                Ok(Status::Good { since, until }) => match &mut settled {
                    Some(window) if window.until >= until => {}
                    _ => settled = Some(Window { from: since, until }),
                },
                Err(this) => {
                    // A list that is not yet in force may revoke the certificate when it is.
                    if this == CrlFault::NotYet {
                        next_list = next_list.min(crl.this_update());
                    }
                    // "Too old" tells the operator more than "not about it".
                    if fault.is_none() || this == CrlFault::Expired {
                        fault = Some(this);
                    }
                }
            }
        }
        match (settled, fault) {
            (Some(window), _) => Ok(Window { until: window.until.min(next_list), ..window }),
            (None, None) => Err(Untrusted::CrlMissing { issuer: issuer() }),
            (None, Some(CrlFault::Expired)) => Err(Untrusted::CrlExpired { issuer: issuer() }),
            (None, Some(fault)) => Err(Untrusted::CrlInvalid { issuer: issuer(), fault }),
        }
    }
}

impl fmt::Debug for TrustSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrustSet")
            .field("anchors", &self.anchors.len())
            .field("issuing", &self.issuing.len())
            .field("crls", &self.crls)
            .field("unusable", &self.unusable)
            .finish_non_exhaustive()
    }
}

impl Window {
    fn narrow_to_validity(&mut self, certificate: &Certificate<'_>, at: Timestamp) -> Result<(), Untrusted> {
        // RFC 5280 §4.1.2.5: both ends belong to the period, which is told to the second.
        let until =
            certificate.not_after.saturating_add(SignedDuration::from_secs(1)).unwrap_or(Timestamp::MAX);
        if at < certificate.not_before {
            return Err(Untrusted::NotYetValid { not_before: certificate.not_before });
        }
        if until <= at {
            return Err(Untrusted::Expired { not_after: certificate.not_after });
        }
        self.from = self.from.max(certificate.not_before);
        self.until = self.until.min(until);
        Ok(())
    }
}

/// Each piece with its length, so that no two sets have the same bytes.
fn digest(anchors: &[Anchor], issuing: &[CertificateDer<'static>], crls: &[Vec<u8>]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    let mut group = |pieces: &mut dyn ExactSizeIterator<Item = &[u8]>| {
        context.update(&(pieces.len() as u64).to_le_bytes());
        for piece in pieces {
            context.update(&(piece.len() as u64).to_le_bytes());
            context.update(piece);
        }
    };
    group(&mut anchors.iter().map(|anchor| &*anchor.der));
    group(&mut issuing.iter().map(|der| &**der));
    group(&mut crls.iter().map(Vec::as_slice));
    context.finish().as_ref().try_into().expect("SHA-256 has 32 bytes")
}

fn counts(listed: Listed, since: Timestamp) -> bool {
    match listed {
        Listed::Ever => true,
        Listed::Before(at) => since <= at,
    }
}

fn extended_usage(purpose: Purpose) -> ExtendedUsage {
    match purpose {
        Purpose::Client => ExtendedUsage::client_auth(),
        Purpose::Server => ExtendedUsage::server_auth(),
        Purpose::Signing => ExtendedUsage::required_if_present(EMAIL_PROTECTION),
    }
}

/// What RFC 5280 forbids authorities to issue, and webpki does not look at.
fn check_form(certificate: &Certificate<'_>) -> Result<(), Untrusted> {
    let extensions = &certificate.extensions;
    let malformed = |what: &str| Err(Untrusted::Malformed(what.to_owned()));
    match certificate.serial {
        // §4.1.2.2
        [0] | [0x80..=0xff, ..] => return malformed("serial number is not positive"),
        long if long.len() > 20 => return malformed("serial number is too long"),
        _ => {}
    }
    // §4.2.1.6: without a subject, nobody may pass over the other names.
    if certificate.subject == EMPTY_NAME && extensions.other_names_may_be_ignored {
        return malformed("it names its subject only where that may be ignored");
    }
    // §4.2.1.10
    if extensions.constrains_names && extensions.authority != Some(true) {
        return malformed("it constrains names without being an authority");
    }
    if extensions.unknown_critical {
        return Err(Untrusted::UnknownCriticalExtension);
    }
    Ok(())
}

pub(crate) fn check_leaf(leaf: &Certificate<'_>, purpose: Purpose) -> Result<(), Untrusted> {
    let signs = leaf.extensions.key_usage.map(|usage| usage.allows(KeyUsage::DIGITAL_SIGNATURE));
    match (purpose, signs) {
        // Both sides of TLS 1.3 prove themselves by a signature.
        (Purpose::Client | Purpose::Server, None | Some(true)) | (Purpose::Signing, Some(true)) => {}
        _ => return Err(Untrusted::WrongKeyUsage("its key usage lacks digitalSignature")),
    }
    // RFC 5280 §4.2.1.9: who is no authority must not sign certificates.
    match leaf.extensions.key_usage {
        Some(usage) if usage.allows(KeyUsage::KEY_CERT_SIGN) => {
            Err(Untrusted::WrongKeyUsage("its key usage is an authority's"))
        }
        _ => Ok(()),
    }
}

fn check_authority(authority: &Certificate<'_>) -> Result<(), Untrusted> {
    // RFC 5280 §6.1.4 (n); webpki does not look.
    match authority.extensions.key_usage {
        Some(usage) if !usage.allows(KeyUsage::KEY_CERT_SIGN) => {
            Err(Untrusted::NotAnAuthority("its key usage lacks keyCertSign"))
        }
        _ => Ok(()),
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

const EMPTY_NAME: &[u8] = &[0x30, 0];
const MOST_HINTS: usize = 16;

/// 1.3.6.1.5.5.7.3.4
const EMAIL_PROTECTION: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 4];

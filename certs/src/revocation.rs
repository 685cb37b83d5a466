//! Revocation lists: what settles whether a certificate still counts.
//!
//! A list settles a certificate if its issuer signed it, it is in force, and the certificate is within its
//! scope (RFC 5280 §6.3). Anything we do not understand settles nothing: then the certificate is refused.
//! Delta and indirect lists are not supported.

use std::collections::HashMap;
use std::fmt;

use jiff::{SignedDuration, Timestamp};

use crate::certificate::{Certificate, KeyUsage, PublicKey, Signed, for_each_extension, point_uris};
use crate::der::{self, BadDer, Reader};
use crate::name::ComparableName;
use crate::sha256;

/// What a list says about a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Not revoked; the list may be relied on before `until`.
    Good {
        /// Since when the list is in force.
        since: Timestamp,
        /// When the list stops being recent enough.
        until: Timestamp,
    },
    /// Revoked, or known to be invalid, since then.
    Revoked {
        /// The earlier of revocation and invalidity date.
        since: Timestamp,
    },
}

/// Why a list does not settle a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CrlFault {
    /// Not the DER of a revocation list, or one that contradicts itself.
    #[error("malformed revocation list")]
    Malformed,
    /// Larger than we are willing to read.
    #[error("revocation list larger than {MOST_BYTES} bytes")]
    TooLarge,
    /// No known authority of that name signed it, or none that may sign lists.
    #[error("no known authority signed the revocation list")]
    NotSignedByIssuer,
    /// It has a critical extension that we do not know; delta lists are among them.
    #[error("revocation list with an unknown critical extension")]
    CriticalExtension,
    /// It speaks for other issuers, for some reasons, or for attribute certificates only.
    #[error("indirect or partial revocation list")]
    Partial,
    /// It is another issuer's, or is not about this certificate.
    #[error("revocation list does not cover the certificate")]
    OutOfScope,
    /// Its `thisUpdate` lies ahead.
    #[error("revocation list from the future")]
    NotYet,
    /// Its `nextUpdate` is past, or it is older than allowed, or it never says until when it holds.
    #[error("revocation list too old")]
    Expired,
}

/// A revocation list that its issuer signed.
pub struct Crl {
    pub(crate) issuer: ComparableName,
    /// SHA-256 of the keys of the authorities that signed it.
    signers: Vec<[u8; 32]>,
    this_update: Timestamp,
    next_update: Option<Timestamp>,
    scope: Scope,
    revoked: HashMap<Box<[u8]>, Timestamp>,
}

/// Says what `crl` (DER) settles about `certificate`, whose issuers are among `issuers`, at `at`.
///
/// # Errors
/// [`CrlFault`] if it settles nothing.
pub fn check(
    certificate: &Certificate<'_>,
    issuers: &[Certificate<'_>],
    crl: &[u8],
    at: Timestamp,
    max_age: Option<SignedDuration>,
) -> Result<Status, CrlFault> {
    Crl::read(crl, issuers)?.status_of(certificate, issuers, at, max_age)
}

impl Crl {
    /// Reads a list that one of `authorities` signed. The signature is checked before the entries are read.
    ///
    /// # Errors
    /// [`CrlFault`]: it can settle nothing.
    pub fn read(der: &[u8], authorities: &[Certificate<'_>]) -> Result<Self, CrlFault> {
        if der.len() > MOST_BYTES {
            return Err(CrlFault::TooLarge);
        }
        let signed = Signed::read(der)?;
        let mut tbs = Reader::new(signed.content);
        // RFC 5280 §5.1.2.1: absent means version 1; version 1 is never written, and there is no third.
        let version = match tbs.peek() {
            Some(der::INTEGER) if tbs.integer()? == [1] => 2,
            Some(der::INTEGER) => return Err(CrlFault::Malformed),
            _ => 1,
        };
        if tbs.expect(der::SEQUENCE)? != signed.algorithm {
            return Err(CrlFault::Malformed);
        }
        let issuer = ComparableName::read(tbs.next()?.whole)?;
        let signers: Vec<[u8; 32]> = authorities
            .iter()
            .filter(|authority| may_sign_lists(authority, &issuer) && signed.by(authority.key))
            .map(|authority| key_id(authority.key))
            .collect();
        if signers.is_empty() {
            return Err(CrlFault::NotSignedByIssuer);
        }

        // From here on the bytes are the issuer's own.
        let this_update = tbs.time()?;
        let next_update = match tbs.peek() {
            Some(der::UTC_TIME | der::GENERALIZED_TIME) => Some(tbs.time()?),
            _ => None,
        };
        let revoked = match tbs.optional(der::SEQUENCE)? {
            Some(entries) => read_entries(entries, version)?,
            None => HashMap::new(),
        };
        let scope = match tbs.optional(der::constructed(0))? {
            Some(list) if version == 2 => Scope::read(Reader::only(list, der::SEQUENCE)?)?,
            Some(_) => return Err(CrlFault::Malformed),
            None => Scope::default(),
        };
        tbs.end()?;
        Ok(Self { issuer, signers, this_update, next_update, scope, revoked })
    }

    /// Says what the list settles about `certificate` at `at`; `above` are the authorities of its path.
    ///
    /// # Errors
    /// [`CrlFault`]: nothing.
    pub fn status_of(
        &self,
        certificate: &Certificate<'_>,
        above: &[Certificate<'_>],
        at: Timestamp,
        max_age: Option<SignedDuration>,
    ) -> Result<Status, CrlFault> {
        let signer_is_above = above.iter().any(|authority| {
            may_sign_lists(authority, &self.issuer) && self.signers.contains(&key_id(authority.key))
        });
        if certificate.issuer_name()? != self.issuer || !signer_is_above {
            return Err(CrlFault::OutOfScope);
        }
        self.scope.covers(certificate)?;
        if self.this_update > at {
            return Err(CrlFault::NotYet);
        }
        let until = self.recent_until(max_age).ok_or(CrlFault::Expired)?;
        if until <= at {
            return Err(CrlFault::Expired);
        }
        Ok(match self.revoked.get(certificate.serial) {
            Some(since) => Status::Revoked { since: *since },
            None => Status::Good { since: self.this_update, until },
        })
    }

    /// Since when the list is in force.
    pub fn this_update(&self) -> Timestamp {
        self.this_update
    }

    /// When the list stops being recent enough; `None` if it never says and no `max_age` does.
    pub fn recent_until(&self, max_age: Option<SignedDuration>) -> Option<Timestamp> {
        let by_age = max_age.map(|age| self.this_update.saturating_add(age).unwrap_or(Timestamp::MAX));
        match (self.next_update, by_age) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }

    /// How many certificates it lists.
    pub fn revoked_count(&self) -> usize {
        self.revoked.len()
    }
}

impl fmt::Debug for Crl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Crl")
            .field("this_update", &self.this_update)
            .field("next_update", &self.next_update)
            .field("revoked", &self.revoked.len())
            .finish_non_exhaustive()
    }
}

impl From<BadDer> for CrlFault {
    fn from(BadDer: BadDer) -> Self {
        Self::Malformed
    }
}

/// Which of its issuer's certificates a list is about.
#[derive(Debug, Default)]
struct Scope {
    /// Only those that name one of these places of publication.
    uris: Option<Vec<Box<[u8]>>>,
    kind: Kind,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Any,
    Users,
    Authorities,
}

impl Scope {
    fn read(extensions: &[u8]) -> Result<Self, CrlFault> {
        let mut scope = Ok(Self::default());
        let mut unknown_critical = false;
        for_each_extension(extensions, |id, critical, value| {
            match id {
                ISSUING_DISTRIBUTION_POINT => scope = Self::read_point(value),
                // Delta lists are critical (§5.2.4); should one not be, it must not pass for a full list.
                DELTA_CRL_INDICATOR => unknown_critical = true,
                _ => unknown_critical |= critical,
            }
            Ok(())
        })?;
        if unknown_critical { Err(CrlFault::CriticalExtension) } else { scope }
    }

    /// RFC 5280 §5.2.5.
    fn read_point(value: &[u8]) -> Result<Self, CrlFault> {
        let mut point = Reader::new(Reader::only(value, der::SEQUENCE)?);
        if point.is_empty() {
            return Err(CrlFault::Malformed);
        }
        let uris = match point.optional(der::constructed(0))? {
            Some(name) => {
                let uris = point_uris(name)?.ok_or(CrlFault::Partial)?;
                Some(uris.into_iter().map(Box::from).collect())
            }
            None => None,
        };
        let users = point.flag(der::context(1))?;
        let authorities = point.flag(der::context(2))?;
        let some_reasons = point.optional(der::context(3))?.is_some();
        let indirect = point.flag(der::context(4))?;
        let attributes = point.flag(der::context(5))?;
        point.end()?;
        if some_reasons || indirect || attributes {
            return Err(CrlFault::Partial);
        }
        let kind = match (users, authorities) {
            (false, false) => Kind::Any,
            (true, false) => Kind::Users,
            (false, true) => Kind::Authorities,
            (true, true) => return Err(CrlFault::Malformed),
        };
        Ok(Self { uris, kind })
    }

    fn covers(&self, certificate: &Certificate<'_>) -> Result<(), CrlFault> {
        let kind_fits = match self.kind {
            Kind::Any => true,
            // A certificate before version 3 does not say which of the two it is.
            Kind::Users => certificate.version == 3 && certificate.extensions.authority != Some(true),
            Kind::Authorities => certificate.extensions.authority == Some(true),
        };
        let mut usable = certificate
            .extensions
            .distribution_points
            .iter()
            .flatten()
            .filter(|point| !point.partial_or_indirect)
            .peekable();
        let published_for_it = match (&self.uris, &certificate.extensions.distribution_points) {
            (None, None) => true,
            (None, Some(_)) => usable.peek().is_some(),
            (Some(ours), _) => {
                usable.any(|point| point.uris.iter().any(|uri| ours.iter().any(|o| **o == **uri)))
            }
        };
        if kind_fits && published_for_it { Ok(()) } else { Err(CrlFault::OutOfScope) }
    }
}

fn read_entries(entries: &[u8], version: u8) -> Result<HashMap<Box<[u8]>, Timestamp>, CrlFault> {
    let mut entries = Reader::new(entries);
    if entries.is_empty() {
        return Err(CrlFault::Malformed); // RFC 5280 §5.1.2.6: absent, if there is none
    }
    let mut revoked = HashMap::new();
    while !entries.is_empty() {
        let mut entry = Reader::new(entries.expect(der::SEQUENCE)?);
        let serial = entry.integer()?;
        let mut since = entry.time()?;
        let mut unknown_critical = false;
        if let Some(list) = entry.optional(der::SEQUENCE)? {
            if version == 1 {
                return Err(CrlFault::Malformed);
            }
            for_each_extension(list, |id, critical, value| {
                match id {
                    INVALIDITY_DATE => {
                        since = since.min(der::time(
                            der::GENERALIZED_TIME,
                            Reader::only(value, der::GENERALIZED_TIME)?,
                        )?)
                    }
                    REASON_CODE => {
                        Reader::only(value, der::ENUMERATED)?;
                    }
                    _ => unknown_critical |= critical,
                }
                Ok(())
            })?;
        }
        entry.end()?;
        // RFC 5280 §5.3: such a list settles no certificate, not even another one.
        if unknown_critical {
            return Err(CrlFault::CriticalExtension);
        }
        revoked
            .entry(Box::from(serial))
            .and_modify(|earlier: &mut Timestamp| *earlier = since.min(*earlier))
            .or_insert(since);
    }
    Ok(revoked)
}

/// RFC 5280 §6.3.3 (f): the name fits, and key usage, where given, includes `cRLSign`.
fn may_sign_lists(authority: &Certificate<'_>, issuer: &ComparableName) -> bool {
    authority.extensions.key_usage.is_none_or(|usage| usage.allows(KeyUsage::CRL_SIGN))
        && authority.subject_name().is_ok_and(|name| name == *issuer)
}

fn key_id(key: PublicKey<'_>) -> [u8; 32] {
    sha256(&[key.info])
}

/// Most bytes of one revocation list; about 400,000 entries.
pub const MOST_BYTES: usize = 16 << 20;

const ISSUING_DISTRIBUTION_POINT: &[u8] = &[0x55, 0x1d, 28];
const DELTA_CRL_INDICATOR: &[u8] = &[0x55, 0x1d, 27];
const REASON_CODE: &[u8] = &[0x55, 0x1d, 21];
const INVALIDITY_DATE: &[u8] = &[0x55, 0x1d, 24];

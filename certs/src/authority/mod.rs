//! The trial certification authority: a root, an issuing authority below it, and their revocation lists.
//!
//! For trial systems, demonstrations and tests; in production certificates come from the state's authority.
//! Trust: whoever reads its folder can be anybody. Keys are written so that only their owner may read them.
//! Programs may use one folder at the same time: every change is made under a lock, from the newest state.

mod request;
mod state;

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use agreements::Fingerprint;
use aws_lc_rs::rand;
use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, IsCa, Issuer, KeyIdMethod,
    KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber, date_time_ymd,
};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

pub use request::{PersonRequest, SystemRequest};
use state::{Issued, State, write_atomically};

use crate::certificate::Certificate;
use crate::keys::{KeyError, read_secret};
use crate::trust::hex;

/// A trial authority, in its folder.
#[derive(Clone, Debug)]
pub struct Authority {
    dir: PathBuf,
}

/// A certificate that was just issued, with its key.
#[derive(Clone)]
pub struct IssuedPem {
    /// The leaf and the issuing authority, PEM.
    pub chain: String,
    /// The leaf's private key, PKCS#8 PEM. Store it with mode 600.
    pub key: String,
    /// By what the registry binds the leaf.
    pub fingerprint: Fingerprint,
    /// Its serial number, lower-case hexadecimal: what [`Authority::revoke`] takes.
    pub serial: String,
    /// Its last moment.
    pub not_after: Timestamp,
}

impl Authority {
    /// Makes a new authority in `dir`, which is created if need be.
    ///
    /// # Errors
    /// [`AuthorityError::Exists`] if there is one already; it is left alone.
    pub fn create(dir: &Path, now: Timestamp) -> Result<Self, AuthorityError> {
        let authority = Self { dir: dir.to_owned() };
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(authority.broken(""))?;
        let _lock = authority.lock()?;
        if authority.path(STATE).exists() {
            return Err(AuthorityError::Exists);
        }
        let root_key = KeyPair::generate()?;
        let root_params =
            authority_params("Kelisim Trial Root", BasicConstraints::Constrained(1), now, ROOT_DAYS)?;
        let root = root_params.self_signed(&root_key)?;
        let issuing_key = KeyPair::generate()?;
        let issuing_params =
            authority_params("Kelisim Trial Issuing", BasicConstraints::Constrained(0), now, ISSUING_DAYS)?;
        let issuing =
            issuing_params.signed_by(&issuing_key, &Issuer::from_params(&root_params, &root_key))?;

        authority.write(ROOT_KEY, root_key.serialize_pem().as_bytes())?;
        authority.write(ISSUING_KEY, issuing_key.serialize_pem().as_bytes())?;
        authority.write(ROOT, root.pem().as_bytes())?;
        authority.write(ISSUING, issuing.pem().as_bytes())?;
        let mut state = State::default();
        authority.write_lists(&mut state, now)?;
        // Last: without it there is no authority, and the next attempt starts afresh.
        authority.write(STATE, &state.to_json())?;
        Ok(authority)
    }

    /// Opens the authority in `dir`.
    ///
    /// # Errors
    /// [`AuthorityError`] if there is none.
    pub fn open(dir: &Path) -> Result<Self, AuthorityError> {
        let authority = Self { dir: dir.to_owned() };
        authority.state()?;
        Ok(authority)
    }

    /// Issues a certificate to a system: for calling, for being called, and for its names.
    ///
    /// # Errors
    /// [`AuthorityError`]; then nothing was issued, or it is only on record.
    pub fn issue_system(&self, request: &SystemRequest, now: Timestamp) -> Result<IssuedPem, AuthorityError> {
        self.issue(request.params()?, request.days, now)
    }

    /// Issues a certificate to a person who signs, for a body.
    ///
    /// # Errors
    /// [`AuthorityError`]; then nothing was issued, or it is only on record.
    pub fn issue_person(&self, request: &PersonRequest, now: Timestamp) -> Result<IssuedPem, AuthorityError> {
        self.issue(request.signing()?, request.days, now)
    }

    /// Issues a certificate to a person who issues commands: it says who is on the line, and signs nothing.
    ///
    /// # Errors
    /// [`AuthorityError`]; then nothing was issued, or it is only on record.
    pub fn issue_operator(
        &self,
        request: &PersonRequest,
        now: Timestamp,
    ) -> Result<IssuedPem, AuthorityError> {
        self.issue(request.client()?, request.days, now)
    }

    /// Revokes the certificate with this serial number (hexadecimal), and renews the revocation lists.
    ///
    /// Once it returns, the revocation is durable. Revoking again changes nothing.
    ///
    /// # Errors
    /// [`AuthorityError::Unknown`] if this authority did not issue it. After any other error it may be revoked.
    pub fn revoke(&self, serial: &str, now: Timestamp) -> Result<(), AuthorityError> {
        let serial = serial.to_ascii_lowercase();
        let _lock = self.lock()?;
        let mut state = self.state()?;
        if !state.issued.iter().any(|issued| issued.serial == serial) {
            return Err(AuthorityError::Unknown(serial));
        }
        state.revoked.entry(serial).or_insert(now);
        // Durable from here: whatever happens to the list, the next one has it.
        self.write(STATE, &state.to_json())?;
        self.write_lists(&mut state, now)?;
        self.write(STATE, &state.to_json())
    }

    /// Revokes the first certificate of a PEM text.
    ///
    /// # Errors
    /// As [`Authority::revoke`].
    pub fn revoke_certificate(&self, pem: &[u8], now: Timestamp) -> Result<(), AuthorityError> {
        let der = CertificateDer::from_pem_slice(pem).map_err(|_| AuthorityError::Damaged(ISSUING))?;
        let serial = serial_of(&der).ok_or(AuthorityError::Damaged(ISSUING))?;
        self.revoke(&serial, now)
    }

    /// Makes both revocation lists anew, so that they last again.
    ///
    /// # Errors
    /// [`AuthorityError`]; the old ones stay.
    pub fn renew_crls(&self, now: Timestamp) -> Result<(), AuthorityError> {
        let _lock = self.lock()?;
        let mut state = self.state()?;
        self.write_lists(&mut state, now)?;
        self.write(STATE, &state.to_json())
    }

    /// Changes how many days a revocation list lasts, from the next one on. Default: 30.
    ///
    /// # Errors
    /// [`AuthorityError`] if it cannot be written.
    pub fn set_crl_days(&self, days: u16) -> Result<(), AuthorityError> {
        let _lock = self.lock()?;
        let state = State { crl_days: days.max(1), ..self.state()? };
        self.write(STATE, &state.to_json())
    }

    /// The revocation lists of the root and of the issuing authority, PEM.
    ///
    /// # Errors
    /// [`AuthorityError`] if they cannot be read.
    pub fn crl_pem(&self) -> Result<String, AuthorityError> {
        self.text(CRLS)
    }

    /// The root, PEM: the trust anchor.
    ///
    /// # Errors
    /// [`AuthorityError`] if it cannot be read.
    pub fn anchors_pem(&self) -> Result<String, AuthorityError> {
        self.text(ROOT)
    }

    /// The issuing authority, PEM.
    ///
    /// # Errors
    /// [`AuthorityError`] if it cannot be read.
    pub fn issuing_pem(&self) -> Result<String, AuthorityError> {
        self.text(ISSUING)
    }

    /// Where the trust anchor is.
    pub fn anchors_path(&self) -> PathBuf {
        self.path(ROOT)
    }

    /// Where the issuing authority's certificate is.
    pub fn issuing_path(&self) -> PathBuf {
        self.path(ISSUING)
    }

    /// Where the revocation lists are.
    pub fn crls_path(&self) -> PathBuf {
        self.path(CRLS)
    }

    fn issue(
        &self,
        mut params: CertificateParams,
        days: u16,
        now: Timestamp,
    ) -> Result<IssuedPem, AuthorityError> {
        let issuing_pem = self.issuing_pem()?;
        let issuing = Issuer::from_ca_cert_pem(&issuing_pem, self.key(ISSUING_KEY)?)?;
        let end = CertificateDer::from_pem_slice(issuing_pem.as_bytes())
            .ok()
            .and_then(|der| Certificate::read(&der).ok().map(|issuing| issuing.not_after))
            .ok_or(AuthorityError::Damaged(ISSUING))?;
        limit(&mut params, now, days, end)?;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &issuing)?;
        let der = certificate.der();
        let (serial, not_after) = Certificate::read(der)
            .map(|certificate| (hex(certificate.serial), certificate.not_after))
            .map_err(|_| AuthorityError::Damaged(ISSUING))?;

        let _lock = self.lock()?;
        let mut state = self.state()?;
        let subject = Certificate::read(der).and_then(|c| c.subject()).map(|s| s.display).unwrap_or_default();
        state.issued.push(Issued { serial: serial.clone(), subject, issued_at: now, not_after });
        // On record before anybody can use it, so that it can be revoked.
        self.write(STATE, &state.to_json())?;
        Ok(IssuedPem {
            chain: certificate.pem() + &issuing_pem,
            key: key.serialize_pem(),
            fingerprint: crate::fingerprint(der),
            serial,
            not_after,
        })
    }

    /// Signs both lists from `state` and counts them in it.
    fn write_lists(&self, state: &mut State, now: Timestamp) -> Result<(), AuthorityError> {
        state.crl_number += 1;
        let list = |revoked| CertificateRevocationListParams {
            this_update: date_time_ymd(1970, 1, 1) + since_1970(backdated(now)),
            next_update: date_time_ymd(1970, 1, 1) + since_1970(after(now, state.crl_days)),
            crl_number: SerialNumber::from(state.crl_number),
            issuing_distribution_point: None,
            revoked_certs: revoked,
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let revoked = state
            .revoked
            .iter()
            .map(|(serial, since)| {
                let serial_number = SerialNumber::from(unhex(serial).ok_or(AuthorityError::Damaged(STATE))?);
                Ok(RevokedCertParams {
                    serial_number,
                    revocation_time: date_time_ymd(1970, 1, 1) + since_1970(*since),
                    reason_code: None,
                    invalidity_date: None,
                })
            })
            .collect::<Result<Vec<_>, AuthorityError>>()?;
        let root = Issuer::from_ca_cert_pem(&self.text(ROOT)?, self.key(ROOT_KEY)?)?;
        let issuing = Issuer::from_ca_cert_pem(&self.text(ISSUING)?, self.key(ISSUING_KEY)?)?;
        let pem = list(Vec::new()).signed_by(&root)?.pem()? + &list(revoked).signed_by(&issuing)?.pem()?;
        self.write(CRLS, pem.as_bytes())
    }

    fn state(&self) -> Result<State, AuthorityError> {
        State::from_json(&fs::read(self.path(STATE)).map_err(self.broken(STATE))?)
            .map_err(|_| AuthorityError::Damaged(STATE))
    }

    fn key(&self, name: &'static str) -> Result<KeyPair, AuthorityError> {
        let pem = read_secret(&self.path(name))?;
        let pem = String::from_utf8(pem).map_err(|_| AuthorityError::Damaged(name))?;
        Ok(KeyPair::from_pem(&pem)?)
    }

    fn text(&self, name: &'static str) -> Result<String, AuthorityError> {
        fs::read_to_string(self.path(name)).map_err(self.broken(name))
    }

    fn write(&self, name: &'static str, bytes: &[u8]) -> Result<(), AuthorityError> {
        write_atomically(&self.dir, name, bytes).map_err(self.broken(name))
    }

    /// Held until dropped; waits for other programs, whose changes take milliseconds.
    fn lock(&self) -> Result<File, AuthorityError> {
        let lock = File::create(self.path(LOCK)).map_err(self.broken(LOCK))?;
        lock.lock().map_err(self.broken(LOCK))?;
        Ok(lock)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    fn broken(&self, name: &'static str) -> impl FnOnce(io::Error) -> AuthorityError + use<> {
        let path = self.path(name);
        move |source| AuthorityError::Folder { path, source }
    }
}

/// Why the trial authority did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// There is an authority in the folder.
    #[error("there is a trial authority in the folder already")]
    Exists,
    /// A file cannot be read or written.
    #[error("cannot use {}", path.display())]
    Folder {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file of the authority, or a certificate given to it, is not what it should be.
    #[error("{0} is damaged")]
    Damaged(&'static str),
    /// A private key cannot be used.
    #[error("a key of the trial authority cannot be used")]
    Key(#[from] KeyError),
    /// It did not issue such a certificate.
    #[error("no certificate {0} was issued here")]
    Unknown(String),
    /// What was asked for cannot stand in a certificate.
    #[error("{0} cannot stand in a certificate")]
    Request(&'static str),
    /// Signing failed.
    #[error("the certificate or list could not be made")]
    Making(#[from] rcgen::Error),
}

fn authority_params(
    name: &str,
    constraints: BasicConstraints,
    now: Timestamp,
    days: u16,
) -> Result<CertificateParams, AuthorityError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CountryName, "KZ");
    // A number of its own, so that two trial authorities are never mistaken for one another.
    params.distinguished_name.push(DnType::CommonName, format!("{name} {}", hex(&random::<4>()?)));
    params.is_ca = IsCa::Ca(constraints);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    limit(&mut params, now, days, Timestamp::MAX)?;
    Ok(params)
}

fn limit(
    params: &mut CertificateParams,
    now: Timestamp,
    days: u16,
    end: Timestamp,
) -> Result<(), AuthorityError> {
    let mut serial = random::<16>()?;
    serial[0] = serial[0] & 0x7f | 0x40; // RFC 5280 §4.1.2.2: positive; and always of sixteen bytes
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    params.not_before = date_time_ymd(1970, 1, 1) + since_1970(backdated(now));
    params.not_after = date_time_ymd(1970, 1, 1) + since_1970(after(now, days).min(end));
    params.use_authority_key_identifier_extension = true;
    Ok(())
}

fn random<const N: usize>() -> Result<[u8; N], AuthorityError> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| AuthorityError::Damaged("the machine's randomness"))?;
    Ok(bytes)
}

/// Clocks differ: what is issued now must count at a peer whose clock is a little late.
fn backdated(now: Timestamp) -> Timestamp {
    now.saturating_sub(SignedDuration::from_mins(5)).unwrap_or(Timestamp::MIN)
}

fn after(now: Timestamp, days: u16) -> Timestamp {
    now.saturating_add(SignedDuration::from_hours(24 * i64::from(days))).unwrap_or(Timestamp::MAX)
}

/// To the second: added to 1970, it is the time in a type of rcgen's that we need not name.
fn since_1970(at: Timestamp) -> Duration {
    Duration::from_secs(at.as_second().try_into().unwrap_or(0))
}

fn serial_of(der: &[u8]) -> Option<String> {
    Certificate::read(der).ok().map(|certificate| hex(certificate.serial))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    digits
        .chunks(2)
        .map(|two| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok())
        .collect::<Option<Vec<u8>>>()
        .filter(|_| digits.len().is_multiple_of(2))
}

const ROOT: &str = "root.pem";
const ROOT_KEY: &str = "root.key";
const ISSUING: &str = "issuing.pem";
const ISSUING_KEY: &str = "issuing.key";
const CRLS: &str = "crls.pem";
const STATE: &str = "state.json";
const LOCK: &str = "lock";

const ROOT_DAYS: u16 = 3653;
const ISSUING_DAYS: u16 = 1826;

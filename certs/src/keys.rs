//! Private keys and identities from files, and the PEM that surrounds them.
//!
//! Trust: whoever can read a key file can be us. So a file that others may read is refused, not warned about.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use agreements::Fingerprint;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};

use crate::certificate::{Certificate, KeyKind, WeakKey};
use crate::name::Subject;
use crate::trust::Period;

/// A certificate chain, leaf first, with the private key of its leaf.
#[derive(Clone)]
pub struct Identity {
    pub(crate) certified: Arc<CertifiedKey>,
    pub(crate) kind: KeyKind,
}

impl Identity {
    /// Reads the chain and the key from PEM files.
    ///
    /// # Errors
    /// [`KeyError`]: a file cannot be read, others may read the key, or the two do not belong together.
    pub fn from_files(chain: &Path, key: &Path) -> Result<Self, KeyError> {
        let certificates = read_certificates(&read_file(chain)?)?;
        Self::new(certificates, read_private_key(key)?)
    }

    /// Reads the chain and the key from PEM in memory.
    ///
    /// # Errors
    /// [`KeyError`] if either is damaged or the two do not belong together.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, KeyError> {
        Self::new(
            read_certificates(chain)?,
            PrivateKeyDer::from_pem_slice(key).map_err(|_| KeyError::NotAKey)?,
        )
    }

    fn new(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<Self, KeyError> {
        let leaf = chain.first().ok_or(KeyError::NoCertificate)?;
        let kind = Certificate::read(leaf).map_err(|_| KeyError::NotACertificate)?.key.kind()?;
        let key = any_supported_type(&key).map_err(|_| KeyError::NotAKey)?;
        let certified = CertifiedKey::new(chain, key);
        certified.keys_match().map_err(|_| KeyError::Mismatch)?;
        Ok(Self { certified: Arc::new(certified), kind })
    }

    /// The chain, leaf first.
    pub fn certificates(&self) -> &[CertificateDer<'static>] {
        &self.certified.cert
    }

    /// The leaf's fingerprint.
    pub fn fingerprint(&self) -> Fingerprint {
        crate::fingerprint(&self.certified.cert[0])
    }

    /// When the leaf is in force.
    pub fn period(&self) -> Period {
        Period::of(&self.certified.cert[0]).expect("the leaf was read when the identity was made")
    }

    /// Whom the leaf names.
    pub fn subject(&self) -> Subject {
        let leaf = Certificate::read(&self.certified.cert[0]);
        leaf.and_then(|leaf| leaf.subject()).unwrap_or_default()
    }

    /// The DNS names and addresses that the leaf is for.
    pub fn names(&self) -> Vec<String> {
        Certificate::read(&self.certified.cert[0]).map(|leaf| leaf.names()).unwrap_or_default()
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Identity({})", self.fingerprint())
    }
}

/// Reads a private key (PKCS#8, PKCS#1 or SEC1 PEM) that only its owner may read.
///
/// # Errors
/// [`KeyError::Exposed`] says what to do.
pub fn read_private_key(path: &Path) -> Result<PrivateKeyDer<'static>, KeyError> {
    PrivateKeyDer::from_pem_slice(&read_secret(path)?).map_err(|_| KeyError::NotAKey)
}

/// Reads a secret that only its owner may read, whatever it is for.
///
/// # Errors
/// [`KeyError::Exposed`] says what to do.
pub fn read_secret(path: &Path) -> Result<Vec<u8>, KeyError> {
    let unreadable = |source| KeyError::Unreadable { path: path.to_owned(), source };
    let file = File::open(path).map_err(unreadable)?;
    // Of the open file, so that what is checked is what is read.
    let metadata = file.metadata().map_err(unreadable)?;
    if metadata.mode() & 0o077 != 0 {
        return Err(KeyError::Exposed { path: path.to_owned(), mode: metadata.mode() & 0o777 });
    }
    read_bounded(file).map_err(unreadable)
}

/// Reads a secret of 32 bytes that only its owner may read.
///
/// # Errors
/// [`KeyError::Length`]: it has more or fewer, as one whose writing was cut off, and must not be used.
pub fn read_key(path: &Path) -> Result<[u8; 32], KeyError> {
    let length = |secret: Vec<u8>| KeyError::Length { path: path.to_owned(), bytes: secret.len() };
    read_secret(path)?.try_into().map_err(length)
}

/// Reads the certificates of a PEM text, in its order.
///
/// # Errors
/// [`KeyError::NotACertificate`] if the PEM is damaged, [`KeyError::NoCertificate`] if there is none.
pub fn read_certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, KeyError> {
    let certificates = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| KeyError::NotACertificate)?;
    if certificates.is_empty() { Err(KeyError::NoCertificate) } else { Ok(certificates) }
}

/// Reads revocation lists from a file's bytes, PEM (any number) or DER (one), without looking into them.
///
/// # Errors
/// [`KeyError::NotACrl`] if the PEM is damaged, ends within a list, or has none.
pub fn read_crls(bytes: &[u8]) -> Result<Vec<Vec<u8>>, KeyError> {
    if bytes.first() == Some(&0x30) {
        return Ok(vec![bytes.to_vec()]);
    }
    let lists = CertificateRevocationListDer::pem_slice_iter(bytes)
        .map(|list| list.map(|list| list.as_ref().to_vec()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| KeyError::NotACrl)?;
    // A list that begins and does not end was cut short: its issuer's certificates would all be refused, without a word.
    let begun = bytes.windows(CRL_BEGINS.len()).filter(|text| *text == CRL_BEGINS).count();
    if lists.is_empty() || lists.len() != begun { Err(KeyError::NotACrl) } else { Ok(lists) }
}

fn read_file(path: &Path) -> Result<Vec<u8>, KeyError> {
    let unreadable = |source| KeyError::Unreadable { path: path.to_owned(), source };
    read_bounded(File::open(path).map_err(unreadable)?).map_err(unreadable)
}

fn read_bounded(file: File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST_BYTES { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(bytes) }
}

/// Why a key, or an identity, cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Others may read the key or secret.
    #[error("secret {} may be read by others (mode {mode:03o}): run `chmod 600 {}`", path.display(), path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// A secret is not of the length that it must have.
    #[error("secret {} has {bytes} bytes, not 32: restore it from its backup", path.display())]
    Length {
        /// The file.
        path: PathBuf,
        /// How many it has.
        bytes: usize,
    },
    /// No PEM private key, or of a kind that is not accepted.
    #[error("not a private key of an accepted kind")]
    NotAKey,
    /// A certificate cannot be read.
    #[error("not a certificate")]
    NotACertificate,
    /// There is no certificate.
    #[error("no certificate in the file")]
    NoCertificate,
    /// There is no revocation list.
    #[error("no revocation list in the file")]
    NotACrl,
    /// The certificate has another key.
    #[error("the private key does not belong to the certificate")]
    Mismatch,
    /// The key does not count.
    #[error("the certificate's key does not count")]
    Weak(#[from] WeakKey),
}

const MOST_BYTES: u64 = 1 << 20;

const CRL_BEGINS: &[u8] = b"-----BEGIN X509 CRL-----";

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn key_that_others_may_read_is_refused_with_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        fs::write(&path, rcgen::KeyPair::generate().unwrap().serialize_pem()).unwrap();
        for (mode, fine) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false), (0o620, false)] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            match read_private_key(&path) {
                Ok(_) => assert!(fine, "{mode:o}"),
                Err(error) => assert!(!fine && error.to_string().contains("chmod 600"), "{mode:o}: {error}"),
            }
        }
    }

    #[test]
    fn secret_that_is_cut_short_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("subject.key");
        fs::write(&path, []).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        for bytes in [0, 31, 33] {
            fs::write(&path, vec![7; bytes]).unwrap();
            let error = read_key(&path).unwrap_err().to_string();
            assert!(error.contains("subject.key") && error.contains(&format!("{bytes} bytes")), "{error}");
        }
        fs::write(&path, [7; 32]).unwrap();
        assert_eq!(read_key(&path).unwrap(), [7; 32]);
    }

    #[test]
    fn lists_of_which_the_last_was_cut_short_are_refused() {
        let list = "-----BEGIN X509 CRL-----\nMAMCAQE=\n-----END X509 CRL-----\n";
        let both = list.repeat(2);
        assert_eq!(read_crls(both.as_bytes()).unwrap().len(), 2);
        for cut in [both.len() - 30, list.len() + 26] {
            assert!(matches!(read_crls(&both.as_bytes()[..cut]), Err(KeyError::NotACrl)), "{cut}");
        }
    }

    #[test]
    fn key_of_another_certificate_is_refused() {
        let one = rcgen::generate_simple_self_signed(["a.test".into()]).unwrap();
        let other = rcgen::generate_simple_self_signed(["a.test".into()]).unwrap();
        let identity = |key: &rcgen::KeyPair| {
            Identity::from_pem(one.cert.pem().as_bytes(), key.serialize_pem().as_bytes())
        };
        assert!(identity(&one.signing_key).is_ok());
        assert!(matches!(identity(&other.signing_key), Err(KeyError::Mismatch)));
    }
}

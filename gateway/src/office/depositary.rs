//! The depositary: documents named by what they contain, never changed (A7).

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use agreements::{Document, DocumentKind};
use aws_lc_rs::digest::{SHA256, digest};

/// A folder of documents.
#[derive(Debug, Clone)]
pub struct Depositary {
    dir: PathBuf,
}

/// Why a document was not kept.
#[derive(Debug, thiserror::Error)]
pub enum DepositError {
    /// It is empty or larger than documents may be.
    #[error("a document has 1 byte to {MOST_BYTES} bytes, not {0}")]
    Size(usize),
    /// The folder cannot be written.
    #[error("cannot write the depositary")]
    Io(#[from] io::Error),
}

impl Depositary {
    /// The depositary in a folder, made when first needed.
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    /// Keeps a document; keeping it again changes nothing.
    ///
    /// # Errors
    /// [`DepositError`]; nothing was kept.
    pub fn keep(&self, kind: DocumentKind, title: &str, bytes: &[u8]) -> Result<Document, DepositError> {
        if bytes.is_empty() || bytes.len() > MOST_BYTES {
            return Err(DepositError::Size(bytes.len()));
        }
        let sha256: String =
            digest(&SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        let path = self.path(&sha256);
        if !path.exists() {
            let folder = path.parent().unwrap_or(&self.dir);
            fs::create_dir_all(folder)?;
            // The process's number keeps two who deposit at once apart.
            let partial = folder.join(format!(".{}.{sha256}", std::process::id()));
            let mut file = fs::File::create(&partial)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&partial, &path)?;
            // Durable from here.
            fs::File::open(folder)?.sync_all()?;
        }
        Ok(Document { kind, sha256, title: title.to_owned() })
    }

    /// A document's bytes, if it is kept and unchanged.
    ///
    /// # Errors
    /// It is not there, or its bytes are not the ones that were kept.
    pub fn read(&self, sha256: &str) -> io::Result<Vec<u8>> {
        let bytes = fs::read(self.path(sha256))?;
        let found: String =
            digest(&SHA256, &bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        if found == sha256 {
            Ok(bytes)
        } else {
            Err(io::Error::new(io::ErrorKind::InvalidData, "the document was changed after it was kept"))
        }
    }

    fn path(&self, sha256: &str) -> PathBuf {
        let hex: String = sha256.chars().filter(char::is_ascii_hexdigit).collect();
        self.dir.join(hex.get(..2).unwrap_or("00")).join(hex)
    }
}

/// Most bytes of a document (Portal 8-10: 60 MB).
const MOST_BYTES: usize = 60_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    /// A7
    #[test]
    fn a_document_is_kept_once_and_a_changed_one_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let depositary = Depositary::new(dir.path());
        let kept = depositary.keep(DocumentKind::TrialAct, "Act", b"act of entry").unwrap();
        assert_eq!(depositary.keep(DocumentKind::TrialAct, "Act", b"act of entry").unwrap(), kept);
        assert_eq!(depositary.read(&kept.sha256).unwrap(), b"act of entry");
        fs::write(depositary.path(&kept.sha256), b"another act").unwrap();
        assert!(depositary.read(&kept.sha256).is_err());
        assert!(depositary.keep(DocumentKind::Other, "Nothing", b"").is_err());
    }
}

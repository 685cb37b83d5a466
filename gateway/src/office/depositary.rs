//! The depositary: documents named by what they contain, never changed (A7). A local folder; the store's interface is
//! the one of object storage.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use agreements::{Document, DocumentKind, OperatorId};
use aws_lc_rs::digest::{Context, SHA256};
use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{Error, MultipartUpload, ObjectStoreExt, PutPayload};

use crate::registry::Keeps;

/// Where documents are kept.
///
/// Durability: what was kept survives a crash of the machine. Consistency: a document is there whole or not at all, and
/// keeping it again changes nothing. Trust: whoever can write the folder can take documents away; one that they change
/// is found when it is read, and not given.
#[derive(Debug, Clone)]
pub struct Depositary {
    dir: PathBuf,
    most_bytes: usize,
}

/// Why a document was not kept, or is not given.
#[derive(Debug, thiserror::Error)]
pub enum DepositError {
    /// It is empty or larger than documents may be.
    #[error("a document has 1 byte to {most} bytes")]
    Size {
        /// The bound.
        most: usize,
    },
    /// It is of none of the types that are taken.
    #[error("a document is one of {}", TYPES.join(", "))]
    Type,
    /// It is not the one that its name says.
    #[error("the document is {found}, not what was named")]
    Other {
        /// Its own name.
        found: String,
    },
    /// It stopped coming.
    #[error("the document was cut off")]
    CutOff,
    /// It stands still.
    #[error("nothing of the document came for {patience:?}; it is not kept")]
    Stood {
        /// How long that was waited for.
        patience: Duration,
    },
    /// There is none of this name.
    #[error("no such document is kept")]
    Missing,
    /// Its bytes are not the ones that were kept.
    #[error("the document was changed after it was kept")]
    Changed,
    /// The folder cannot be made or read.
    #[error("the depositary cannot be used")]
    Io(#[from] io::Error),
    /// The store fails.
    #[error("the depositary cannot be used")]
    Store(#[source] Error),
}

impl From<Error> for DepositError {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound { .. } => Self::Missing,
            error => Self::Store(error),
        }
    }
}

impl Depositary {
    /// The depositary in a folder, made when first needed.
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), most_bytes: MOST_BYTES }
    }

    /// The same, with another bound on documents.
    #[must_use]
    pub fn taking(self, most_bytes: usize) -> Self {
        Self { most_bytes, ..self }
    }

    /// Keeps a document; keeping it again changes nothing. For those who may wait.
    ///
    /// # Errors
    /// [`DepositError`]; nothing was kept.
    pub fn keep(&self, kind: DocumentKind, title: &str, bytes: &[u8]) -> Result<Document, DepositError> {
        let sha256 = hex(aws_lc_rs::digest::digest(&SHA256, bytes).as_ref());
        if bytes.is_empty() || bytes.len() > self.most_bytes {
            return Err(DepositError::Size { most: self.most_bytes });
        }
        let store = self.store()?;
        let waiting = tokio::runtime::Builder::new_current_thread().build()?;
        waiting.block_on(async {
            match store.head(&key(&sha256)).await {
                Ok(_) => Ok(()),
                Err(Error::NotFound { .. }) => {
                    store.put(&key(&sha256), PutPayload::from(bytes.to_vec())).await.map(drop)
                }
                Err(error) => Err(error),
            }
        })?;
        Ok(Document { kind, sha256, title: title.to_owned() })
    }

    /// A document's bytes, if it is kept and unchanged. For those who may wait.
    ///
    /// # Errors
    /// [`DepositError`].
    pub fn read(&self, sha256: &str) -> Result<Vec<u8>, DepositError> {
        let waiting = tokio::runtime::Builder::new_current_thread().build()?;
        waiting.block_on(async {
            let whole = self.give(sha256).await?.body.collect().await;
            Ok(whole.map_err(|_| DepositError::CutOff)?.to_bytes().to_vec())
        })
    }

    /// Keeps a document as it comes, if it is the one that `sha256` names and never stands still for longer than
    /// `patience`. Memory does not grow with it.
    ///
    /// # Errors
    /// [`DepositError`]; nothing was kept.
    ///
    /// # Cancel safety
    /// What came so far stays beside the documents under another name until the folder is tidied.
    pub async fn take(
        &self,
        sha256: &str,
        body: &mut Body,
        patience: Duration,
    ) -> Result<Taken, DepositError> {
        let store = self.store()?;
        let known = match store.head(&key(sha256)).await {
            Ok(_) => Taken::Known,
            Err(Error::NotFound { .. }) => Taken::New,
            Err(error) => return Err(error.into()),
        };
        let mut upload = match known {
            Taken::Known => None,
            Taken::New => Some(store.put_multipart(&key(sha256)).await?),
        };
        let taken = self.receive(sha256, body, patience, &mut upload).await;
        let Some(mut upload) = upload else { return taken.map(|()| Taken::Known) };
        match taken {
            Ok(()) => {
                // Durable from here: a crash before leaves no document, one after leaves it whole.
                upload.complete().await?;
                Ok(Taken::New)
            }
            Err(error) => {
                // What stays is found by nobody.
                drop(upload.abort().await);
                Err(error)
            }
        }
    }

    async fn receive(
        &self,
        sha256: &str,
        body: &mut Body,
        patience: Duration,
        upload: &mut Option<Box<dyn MultipartUpload>>,
    ) -> Result<(), DepositError> {
        let (mut hash, mut held, mut length) = (Context::new(&SHA256), BytesMut::new(), 0_usize);
        let mut judged = false;
        loop {
            let frame = tokio::time::timeout(patience, body.frame()).await;
            let Some(frame) = frame.map_err(|_| DepositError::Stood { patience })? else { break };
            let Ok(data) = frame.map_err(|_| DepositError::CutOff)?.into_data() else { continue };
            length += data.len();
            if length > self.most_bytes {
                return Err(DepositError::Size { most: self.most_bytes });
            }
            hash.update(&data);
            held.extend_from_slice(&data);
            if !judged && held.len() >= HEAD_BYTES {
                type_of(&held).ok_or(DepositError::Type)?;
                judged = true;
            }
            if held.len() >= PART_BYTES
                && let Some(upload) = upload
            {
                upload.put_part(PutPayload::from(held.split().freeze())).await?;
            } else if held.len() >= PART_BYTES {
                held.clear();
            }
        }
        if length == 0 {
            return Err(DepositError::Size { most: self.most_bytes });
        }
        if !judged {
            type_of(&held).ok_or(DepositError::Type)?;
        }
        let found = hex(hash.finish().as_ref());
        if found != sha256 {
            return Err(DepositError::Other { found });
        }
        if let Some(upload) = upload
            && !held.is_empty()
        {
            upload.put_part(PutPayload::from(held.freeze())).await?;
        }
        Ok(())
    }

    /// A document, if it is kept and unchanged: read twice, once to see that it is, once to give it.
    ///
    /// # Errors
    /// [`DepositError`].
    pub async fn give(&self, sha256: &str) -> Result<Given, DepositError> {
        let store = self.store()?;
        let (mut hash, mut head) = (Context::new(&SHA256), Bytes::new());
        let mut first = Body::from_stream(store.get(&key(sha256)).await?.into_stream());
        while let Some(frame) = first.frame().await {
            let Ok(data) = frame.map_err(|_| DepositError::Missing)?.into_data() else { continue };
            hash.update(&data);
            if head.is_empty() {
                head = data;
            }
        }
        if hex(hash.finish().as_ref()) != sha256 {
            return Err(DepositError::Changed);
        }
        let again = store.get(&key(sha256)).await?;
        let bytes = again.meta.size;
        let media_type = type_of(&head).unwrap_or("application/octet-stream");
        Ok(Given { media_type, bytes, body: Body::from_stream(again.into_stream()) })
    }

    /// Notes that an operator brought a document, all of it: they may read it, whatever refers to it.
    ///
    /// # Errors
    /// [`DepositError`]: it may not have been noted.
    pub async fn note_bringer(&self, sha256: &str, operator: &OperatorId) -> Result<(), DepositError> {
        let store = self.store()?;
        store.put(&brought(sha256, operator), PutPayload::default()).await?;
        Ok(())
    }

    /// Whether an operator brought a document.
    ///
    /// # Errors
    /// [`DepositError`].
    pub async fn was_brought_by(&self, sha256: &str, operator: &OperatorId) -> Result<bool, DepositError> {
        is_there(&self.store()?, &brought(sha256, operator)).await
    }

    fn store(&self) -> Result<LocalFileSystem, DepositError> {
        std::fs::create_dir_all(&self.dir)?;
        Ok(LocalFileSystem::new_with_prefix(&self.dir)?.with_fsync(true))
    }
}

/// A kept document is never removed by the gateway, so what was there when a command was checked is there when it is
/// carried out.
impl Keeps for Depositary {
    fn keeps(&self, sha256: &str) -> io::Result<bool> {
        // Other texts lead to documents too, once their other characters are left out.
        let is_name =
            sha256.len() == 64 && sha256.bytes().all(|one| matches!(one, b'0'..=b'9' | b'a'..=b'f'));
        if !is_name {
            return Ok(false);
        }
        let path = self.store().and_then(|store| Ok(store.path_to_filesystem(&key(sha256))?));
        match path.map_err(io::Error::other)?.metadata() {
            Ok(found) => Ok(found.is_file()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// What became of a document that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It is kept now.
    New,
    /// It was kept before.
    Known,
}

/// A document on its way out.
#[derive(Debug)]
pub struct Given {
    /// Its type.
    pub media_type: &'static str,
    /// How many bytes.
    pub bytes: u64,
    /// Its bytes.
    pub body: Body,
}

fn key(sha256: &str) -> Key {
    let hex: String = sha256.chars().filter(char::is_ascii_hexdigit).collect();
    Key::from_iter([hex.get(..2).unwrap_or("00").to_owned(), hex])
}

/// Beside the documents, and named as none of them.
fn brought(sha256: &str, operator: &OperatorId) -> Key {
    Key::from_iter(["brought", sha256, operator.as_str()])
}

async fn is_there(store: &LocalFileSystem, key: &Key) -> Result<bool, DepositError> {
    match store.head(key).await {
        Ok(_) => Ok(true),
        Err(Error::NotFound { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The type of a document by how it begins; `None` for those that are not taken, such as programs.
fn type_of(head: &[u8]) -> Option<&'static str> {
    let begins = |with: &[u8]| head.starts_with(with);
    Some(match () {
        () if begins(b"%PDF-") => TYPES[0],
        () if begins(b"\x89PNG\r\n\x1a\n") => TYPES[1],
        () if begins(b"\xff\xd8\xff") => TYPES[2],
        () if begins(b"II*\0") || begins(b"MM\0*") => TYPES[3],
        // Office documents and signed containers are such.
        () if begins(b"PK\x03\x04") => TYPES[4],
        // A signature in CMS: a SEQUENCE of some length.
        () if begins(b"\x30\x80") || begins(b"\x30\x82") || begins(b"\x30\x83") => TYPES[5],
        () if is_text(head) => TYPES[6],
        () => return None,
    })
}

fn is_text(head: &[u8]) -> bool {
    let head = &head[..head.len().min(HEAD_BYTES)];
    let whole = match std::str::from_utf8(head) {
        Ok(text) => text,
        // Cut within a character.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    let program =
        whole.starts_with("#!") || whole.trim_start().to_ascii_lowercase().starts_with("<!doctype html");
    !whole.is_empty() && !program && !whole.chars().any(|one| one.is_control() && !"\t\r\n".contains(one))
}

/// The types that are taken.
pub(super) const TYPES: [&str; 7] = [
    "application/pdf",
    "image/png",
    "image/jpeg",
    "image/tiff",
    "application/zip",
    "application/pkcs7-mime",
    "text/plain; charset=utf-8",
];

/// Most bytes of a document (Portal 8-10: 60 MB).
const MOST_BYTES: usize = 60_000_000;

/// Bytes handed to the store at once (S3 takes no smaller parts).
const PART_BYTES: usize = 5 << 20;

/// Bytes that the type is seen by.
const HEAD_BYTES: usize = 512;

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{self, Poll};

    use http_body::Frame;

    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
    }

    /// A7
    #[test]
    fn a_document_is_kept_once_and_a_changed_one_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let depositary = Depositary::new(dir.path());
        let kept = depositary.keep(DocumentKind::TrialAct, "Act", b"act of entry").unwrap();
        assert_eq!(depositary.keep(DocumentKind::TrialAct, "Act", b"act of entry").unwrap(), kept);
        assert_eq!(depositary.read(&kept.sha256).unwrap(), b"act of entry");
        let path = dir.path().join(&kept.sha256[..2]).join(&kept.sha256);
        std::fs::write(path, b"another act").unwrap();
        assert!(matches!(depositary.read(&kept.sha256), Err(DepositError::Changed)));
        assert!(matches!(depositary.read(&"0".repeat(64)), Err(DepositError::Missing)));
        assert!(depositary.keep(DocumentKind::Other, "Nothing", b"").is_err());
    }

    /// A7
    #[test]
    fn a_document_is_kept_under_its_own_name_and_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let depositary = Depositary::new(dir.path());
        let kept = depositary.keep(DocumentKind::TrialAct, "Act", b"act of entry").unwrap().sha256;
        assert!(depositary.keeps(&kept).unwrap());
        let begun = kept[..32].to_owned();
        for other in [kept.to_uppercase(), format!("{kept} "), format!("../{kept}"), begun, String::new()] {
            assert!(!depositary.keeps(&other).unwrap(), "{other}");
        }
    }

    /// A7
    #[test]
    fn a_document_that_comes_is_kept_if_it_is_the_one_that_was_named_of_a_type_and_size_that_are_taken() {
        let dir = tempfile::tempdir().unwrap();
        let depositary = Depositary::new(dir.path()).taking(20 << 20);
        let take = |name: &str, body: Vec<u8>| {
            runtime().block_on(depositary.take(name, &mut Body::from(body), AGES))
        };
        let named = |body: &[u8]| hex(aws_lc_rs::digest::digest(&SHA256, body).as_ref());
        let large = [b"%PDF-1.7\n".to_vec(), vec![7; 12 << 20]].concat();
        assert_eq!(take(&named(&large), large.clone()).unwrap(), Taken::New);
        assert_eq!(take(&named(&large), large.clone()).unwrap(), Taken::Known);
        assert_eq!(depositary.read(&named(&large)).unwrap(), large);
        assert!(matches!(take(&named(b"other"), large), Err(DepositError::Other { .. })));
        let program = b"\x7fELF program".to_vec();
        assert!(matches!(take(&named(&program), program), Err(DepositError::Type)));
        let huge = vec![b' '; (20 << 20) + 1];
        assert!(matches!(take(&named(&huge), huge), Err(DepositError::Size { .. })));
        assert!(matches!(take(&named(b""), Vec::new()), Err(DepositError::Size { .. })));
        let files = |dir: &Path| std::fs::read_dir(dir).unwrap().count();
        let kept: usize = std::fs::read_dir(dir.path()).unwrap().map(|one| files(&one.unwrap().path())).sum();
        assert_eq!(kept, 1, "nothing is left of what was not kept");
    }
    #[test]
    fn a_document_that_stands_still_is_given_up_and_nothing_is_left_of_it() {
        let dir = tempfile::tempdir().unwrap();
        let depositary = Depositary::new(dir.path());
        let (name, mut body) = ("0".repeat(64), Body::new(Begun(Some(Bytes::from_static(b"%PDF-1.7 ")))));
        let taken = depositary.take(&name, &mut body, Duration::from_millis(20));
        let taken = runtime().block_on(taken).unwrap_err();
        assert!(matches!(taken, DepositError::Stood { .. }), "{taken}");
        let left = |dir: &Path| std::fs::read_dir(dir).unwrap().count();
        assert!(std::fs::read_dir(dir.path()).unwrap().all(|one| left(&one.unwrap().path()) == 0));
    }

    /// A body that begins and does not go on.
    struct Begun(Option<Bytes>);

    impl http_body::Body for Begun {
        type Data = Bytes;
        type Error = io::Error;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut task::Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
            self.0.take().map_or(Poll::Pending, |data| Poll::Ready(Some(Ok(Frame::data(data)))))
        }
    }

    const AGES: Duration = Duration::from_secs(3_600);
}

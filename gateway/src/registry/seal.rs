//! Files that only this node can have written: sealed piece by piece, so that much is read without being held twice.
//!
//! Trust: whoever can write the folder can remove such a file, or put back an older one of this node; whoever can read
//! the key can write what the node then believes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use aws_lc_rs::hmac::{self, HMAC_SHA256};
use aws_lc_rs::rand;

/// The key of this node's sealed files.
#[derive(Debug, Clone)]
pub struct SealKey(hmac::Key);

/// Why a sealed file cannot be used. None of these is a reason not to start: what it holds is made anew.
#[derive(Debug, thiserror::Error)]
pub enum SealFault {
    /// A file cannot be read or written.
    #[error("{path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Others can read the key.
    #[error("{0} can be read by others: give it mode 600")]
    KeyOpenToOthers(PathBuf),
    /// The key has another length.
    #[error("{0} is no key: remove it, and a new one is made")]
    NoKey(PathBuf),
    /// A piece was not written with this key, not for this place, or is damaged.
    #[error("{0} was damaged, or not written by this node")]
    Broken(PathBuf),
    /// What was sealed cannot be read.
    #[error("{0} cannot be read by this version")]
    Unreadable(PathBuf),
}

impl SealKey {
    /// Reads the key, or makes one where there is none.
    ///
    /// # Errors
    /// [`SealFault`]: there is no key that only this node has.
    pub fn open(path: &Path) -> Result<Self, SealFault> {
        let io = |source| SealFault::Io { path: path.to_owned(), source };
        let mut bytes = Vec::new();
        match File::open(path) {
            Ok(file) => {
                let metadata = file.metadata().map_err(io)?;
                if metadata.mode() & 0o077 != 0 {
                    return Err(SealFault::KeyOpenToOthers(path.to_owned()));
                }
                file.take(KEY_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(io)?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => bytes = Self::make(path).map_err(io)?,
            Err(error) => return Err(io(error)),
        }
        if bytes.len() != KEY_BYTES {
            return Err(SealFault::NoKey(path.to_owned()));
        }
        Ok(Self(hmac::Key::new(HMAC_SHA256, &bytes)))
    }

    /// Two that make it at once end with the same: the second finds the first one's.
    fn make(path: &Path) -> io::Result<Vec<u8>> {
        let mut key = vec![0; KEY_BYTES];
        rand::fill(&mut key).map_err(|_| io::Error::other("the machine gives no random bytes"))?;
        let beside = beside(path, "new")?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        let written = file.write_all(&key).and_then(|()| file.sync_all());
        let linked = written.and_then(|()| fs::hard_link(&beside, path));
        fs::remove_file(&beside)?;
        match linked {
            Ok(()) => sync_parent(path).map(|()| key),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => fs::read(path),
            Err(error) => Err(error),
        }
    }

    fn tag(&self, place: Place<'_>, piece: &[u8]) -> hmac::Context {
        let mut tag = hmac::Context::with_key(&self.0);
        tag.update(&(place.label.len() as u64).to_le_bytes());
        tag.update(place.label.as_bytes());
        tag.update(place.nonce);
        tag.update(&place.index.to_le_bytes());
        tag.update(&[u8::from(place.last == Last::Yes)]);
        tag.update(piece);
        tag
    }
}

/// Where a piece belongs: in which kind of file, in which one, and where in it.
#[derive(Debug, Clone, Copy)]
struct Place<'f> {
    label: &'f str,
    nonce: &'f [u8; 16],
    index: u32,
    last: Last,
}

/// Whether a piece is the last one of its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Last {
    No,
    Yes,
}

/// Writes a sealed file beside its place; [`Sealing::finish`] puts it there.
#[derive(Debug)]
pub(super) struct Sealing<'k> {
    key: &'k SealKey,
    label: &'static str,
    nonce: [u8; 16],
    index: u32,
    path: PathBuf,
    beside: PathBuf,
    file: BufWriter<File>,
}

impl<'k> Sealing<'k> {
    pub(super) fn begin(path: &Path, label: &'static str, key: &'k SealKey) -> Result<Self, SealFault> {
        let io = |source| SealFault::Io { path: path.to_owned(), source };
        let mut nonce = [0; 16];
        rand::fill(&mut nonce).map_err(|_| io(io::Error::other("the machine gives no random bytes")))?;
        let beside = beside(path, "new").map_err(io)?;
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside).map_err(io)?;
        let file = BufWriter::with_capacity(1 << 20, file);
        let mut sealing = Self { key, label, nonce, index: 0, path: path.to_owned(), beside, file };
        sealing.write(&[MAGIC, &nonce])?;
        Ok(sealing)
    }

    pub(super) fn piece(&mut self, piece: &[u8], last: Last) -> Result<(), SealFault> {
        let length =
            u32::try_from(piece.len()).map_err(|_| self.io(io::Error::other("a piece too large")))?;
        let place = Place { label: self.label, nonce: &self.nonce, index: self.index, last };
        let tag = self.key.tag(place, piece).sign();
        self.index += 1;
        self.write(&[&length.to_le_bytes(), &[u8::from(last == Last::Yes)], tag.as_ref(), piece])
    }

    /// Durable from here; what was there before is replaced whole.
    pub(super) fn finish(mut self) -> Result<(), SealFault> {
        let done = (|| {
            self.file.flush()?;
            self.file.get_ref().sync_all()?;
            fs::rename(&self.beside, &self.path)?;
            sync_parent(&self.path)
        })();
        done.map_err(|error| self.io(error))
    }

    fn write(&mut self, parts: &[&[u8]]) -> Result<(), SealFault> {
        let written = parts.iter().try_for_each(|part| self.file.write_all(part));
        written.map_err(|error| self.io(error))
    }

    fn io(&self, source: io::Error) -> SealFault {
        SealFault::Io { path: self.path.clone(), source }
    }
}

impl Drop for Sealing<'_> {
    fn drop(&mut self) {
        // Gone already where it was finished.
        let _ = fs::remove_file(&self.beside);
    }
}

/// Reads a sealed file piece by piece.
#[derive(Debug)]
pub(super) struct Unsealing<'k> {
    key: &'k SealKey,
    label: &'static str,
    nonce: [u8; 16],
    index: u32,
    last: Last,
    path: PathBuf,
    file: BufReader<File>,
    left: u64,
}

/// A piece as it was read, not yet believed.
#[derive(Debug)]
pub(super) struct Sealed<'k> {
    key: &'k SealKey,
    label: &'static str,
    nonce: [u8; 16],
    pub(super) index: u32,
    last: Last,
    tag: [u8; 32],
    piece: Vec<u8>,
}

impl<'k> Unsealing<'k> {
    /// Begins to read; `None` if there is no such file.
    pub(super) fn begin(
        path: &Path,
        label: &'static str,
        key: &'k SealKey,
    ) -> Result<Option<Self>, SealFault> {
        let io = |source| SealFault::Io { path: path.to_owned(), source };
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io(error)),
        };
        let left = file.metadata().map_err(io)?.len();
        let file = BufReader::with_capacity(1 << 20, file);
        let mut reading =
            Self { key, label, nonce: [0; 16], index: 0, last: Last::No, path: path.to_owned(), file, left };
        let mut magic = [0; MAGIC.len()];
        reading.fill(&mut magic)?;
        if magic != *MAGIC {
            return Err(SealFault::Broken(path.to_owned()));
        }
        let mut nonce = [0; 16];
        reading.fill(&mut nonce)?;
        Ok(Some(Self { nonce, ..reading }))
    }

    /// The next piece; `None` after the last.
    pub(super) fn next(&mut self) -> Result<Option<Sealed<'k>>, SealFault> {
        if self.last == Last::Yes {
            return if self.left == 0 { Ok(None) } else { Err(self.broken()) };
        }
        let (mut length, mut last, mut tag) = ([0; 4], [0; 1], [0; 32]);
        self.fill(&mut length)?;
        self.fill(&mut last)?;
        self.fill(&mut tag)?;
        let length = u32::from_le_bytes(length);
        // No more than the file can hold: a length is believed only with its piece.
        if u64::from(length) > self.left {
            return Err(self.broken());
        }
        let mut piece = vec![0; length as usize];
        self.fill(&mut piece)?;
        self.last = if last == [0] { Last::No } else { Last::Yes };
        let index = self.index;
        self.index += 1;
        let (key, label, nonce) = (self.key, self.label, self.nonce);
        Ok(Some(Sealed { key, label, nonce, index, last: self.last, tag, piece }))
    }

    pub(super) fn broken(&self) -> SealFault {
        SealFault::Broken(self.path.clone())
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), SealFault> {
        self.left = self.left.checked_sub(bytes.len() as u64).ok_or_else(|| self.broken())?;
        self.file.read_exact(bytes).map_err(|_| SealFault::Broken(self.path.clone()))
    }
}

impl Sealed<'_> {
    /// What was sealed, if this node sealed it for this place.
    pub(super) fn open(self) -> Option<Vec<u8>> {
        let place = Place { label: self.label, nonce: &self.nonce, index: self.index, last: self.last };
        let made = self.key.tag(place, &self.piece).sign();
        aws_lc_rs::constant_time::verify_slices_are_equal(made.as_ref(), &self.tag).ok()?;
        Some(self.piece)
    }
}

/// A name beside a file that nobody else uses.
fn beside(path: &Path, what: &str) -> io::Result<PathBuf> {
    let mut random = [0; 8];
    rand::fill(&mut random).map_err(|_| io::Error::other("the machine gives no random bytes"))?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{what}-{:016x}", u64::from_le_bytes(random)));
    Ok(path.with_file_name(name))
}

fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
    File::open(parent)?.sync_all()
}

const MAGIC: &[u8; 16] = b"kelisim sealed 1";
const KEY_BYTES: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(path: &Path, key: &SealKey) {
        let mut sealing = Sealing::begin(path, "test", key).unwrap();
        sealing.piece(b"first", Last::No).unwrap();
        sealing.piece(b"second", Last::Yes).unwrap();
        sealing.finish().unwrap();
    }

    fn read(path: &Path, label: &'static str, key: &SealKey) -> Option<Vec<Vec<u8>>> {
        let mut unsealing = Unsealing::begin(path, label, key).ok()??;
        let mut pieces = Vec::new();
        loop {
            match unsealing.next() {
                Ok(Some(sealed)) => pieces.push(sealed.open()?),
                Ok(None) => return Some(pieces),
                Err(_) => return None,
            }
        }
    }

    #[test]
    fn what_was_sealed_is_read_by_its_key_for_its_purpose_only() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let (key, other) = (SealKey::open(&at("key")).unwrap(), SealKey::open(&at("other")).unwrap());
        sealed(&at("file"), &key);
        let pieces = Some(vec![b"first".to_vec(), b"second".to_vec()]);
        assert_eq!(read(&at("file"), "test", &key), pieces);
        assert_eq!(read(&at("file"), "test", &SealKey::open(&at("key")).unwrap()), pieces, "the key stays");
        assert_eq!(read(&at("file"), "test", &other), None);
        assert_eq!(read(&at("file"), "another purpose", &key), None);
        assert_eq!(fs::metadata(at("key")).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(at("file")).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3, "nothing is left beside");
    }

    #[test]
    fn every_flipped_byte_and_every_cut_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let (path, copy) = (dir.path().join("file"), dir.path().join("copy"));
        let key = SealKey::open(&dir.path().join("key")).unwrap();
        sealed(&path, &key);
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            fs::write(&copy, &damaged).unwrap();
            assert_eq!(read(&copy, "test", &key), None, "byte {at}");
            fs::write(&copy, &whole[..at]).unwrap();
            assert_eq!(read(&copy, "test", &key), None, "cut at {at}");
        }
        fs::write(&copy, [&whole[..], b"x"].concat()).unwrap();
        assert_eq!(read(&copy, "test", &key), None, "a byte more");
    }

    #[test]
    fn a_key_that_others_can_read_is_none() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        SealKey::open(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(SealKey::open(&path), Err(SealFault::KeyOpenToOthers(_))));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, b"short").unwrap();
        assert!(matches!(SealKey::open(&path), Err(SealFault::NoKey(_))));
    }
}

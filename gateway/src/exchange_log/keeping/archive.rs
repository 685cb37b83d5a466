//! The archive: an object store, a folder or a bucket elsewhere, behind the store's own interface.
//!
//! Durability: what was put and read back survives a crash of the machine. Trust: whoever can write it can take objects
//! away or change them; a change is found when they are read, since the sealed tree names every one of them.

use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};

use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use jiff::Timestamp;
use object_store::{
    Error, MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload, local::LocalFileSystem,
    path::Path as Key,
};
use tokio::runtime::Runtime;

use super::{Bucket, Complete, KeepingError, Ledgered, Told, digest_of, hex, io_at, lock, sealed};
use crate::exchange_log::sealer::{KEPT, NAME as CHECKPOINT};

/// Where an archive is.
#[derive(Debug, Clone)]
pub enum Place {
    /// A folder, best on another machine's disk.
    Folder(PathBuf),
    /// A bucket in a store that speaks S3.
    Bucket(Box<Bucket>),
}

/// Where sealed parts of a log are kept for years.
#[derive(Debug)]
pub struct Archive {
    store: Arc<dyn ObjectStore>,
    prefix: Key,
    waiting: Runtime,
}

impl Archive {
    /// The archive at a place, a folder made if absent, of the log of this name: one place may be that of many logs.
    ///
    /// # Errors
    /// The folder cannot be made or used; the bucket's settings or key cannot. Whether the bucket is there, is seen when it is used.
    pub fn open(place: &Place, origin: &str) -> Result<Self, KeepingError> {
        let (store, above): (Arc<dyn ObjectStore>, Key) = match place {
            Place::Folder(dir) => {
                fs::create_dir_all(dir).map_err(io_at(dir))?;
                let at = |source| KeepingError::Store { key: dir.display().to_string(), source };
                let store = LocalFileSystem::new_with_prefix(dir).map_err(at)?;
                (Arc::new(store.with_fsync(true)), Key::default())
            }
            Place::Bucket(bucket) => {
                let at = |source| KeepingError::Bucket { name: bucket.name.clone(), source };
                (Arc::new(bucket.store().map_err(at)?), Key::from(bucket.prefix.as_str()))
            }
        };
        let waiting = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let waiting = waiting.map_err(io_at(Path::new("a runtime")))?;
        let prefix = above.parts().chain(Key::from_iter(origin.split('/')).parts()).collect();
        Ok(Self { store, prefix, waiting })
    }

    fn key(&self, name: &str) -> Key {
        Key::from_iter(self.prefix.parts().chain(Key::from(name).parts()))
    }

    /// Puts a file there, reads it back, and says what it is.
    pub(in crate::exchange_log) fn put(
        &self,
        name: &str,
        path: &Path,
    ) -> Result<(u64, String), KeepingError> {
        let key = self.key(name);
        let mut file = File::open(path).map_err(io_at(path))?;
        self.waiting.block_on(async {
            let put = self.send(&key, path, &mut file).await?;
            // Only what was read back is archived: an upload that went well on paper is none.
            let found = self.read(&key, |_| Ok(())).await?;
            if found == put { Ok(put) } else { Err(KeepingError::NotArchived { key: key.to_string() }) }
        })
    }

    /// In one piece what fits into one.
    async fn send(&self, key: &Key, path: &Path, file: &mut File) -> Result<(u64, String), KeepingError> {
        let at = |source| KeepingError::Store { key: key.to_string(), source };
        let mut next = || {
            let mut part = Vec::new();
            let read = file.by_ref().take(PART_BYTES).read_to_end(&mut part);
            read.map_err(io_at(path)).map(|_| Bytes::from(part))
        };
        let mut digest = Context::new(&SHA256);
        let first = next()?;
        digest.update(&first);
        let mut bytes = first.len() as u64;
        if bytes < PART_BYTES {
            self.store.put(key, PutPayload::from(first)).await.map_err(at)?;
            return Ok((bytes, hex(digest.finish().as_ref())));
        }
        let mut upload = self.store.put_multipart(key).await.map_err(at)?;
        let parts = async |upload: &mut Box<dyn MultipartUpload>| {
            let mut part = first;
            while !part.is_empty() {
                upload.put_part(PutPayload::from(part)).await.map_err(at)?;
                part = next()?;
                digest.update(&part);
                bytes += part.len() as u64;
            }
            upload.complete().await.map_err(at)
        };
        let sent = parts(&mut upload).await;
        if sent.is_err() {
            // A store keeps the parts, and has them paid for, until it is told. If it does not hear that, the error stands.
            drop(upload.abort().await);
        }
        sent?;
        Ok((bytes, hex(digest.finish().as_ref())))
    }

    /// Whether an object is there, whatever it holds.
    pub(super) fn has(&self, name: &str) -> Result<bool, KeepingError> {
        let key = self.key(name);
        match self.waiting.block_on(self.store.head(&key)) {
            Ok(_) => Ok(true),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(source) => Err(KeepingError::Store { key: key.to_string(), source }),
        }
    }

    /// Whether the archive holds a file as it is here.
    pub(super) fn holds(&self, name: &str, path: &Path) -> Result<(), KeepingError> {
        let key = self.key(name);
        let found = self.waiting.block_on(self.read(&key, |_| Ok(())))?;
        if found == digest_of(path)? {
            Ok(())
        } else {
            Err(KeepingError::NotArchived { key: key.to_string() })
        }
    }

    /// Gives an object to `each`, piece by piece, and says what it was.
    pub(in crate::exchange_log) fn get(
        &self,
        name: &str,
        each: impl FnMut(&[u8]) -> Result<(), KeepingError>,
    ) -> Result<(u64, String), KeepingError> {
        self.waiting.block_on(self.read(&self.key(name), each))
    }

    /// Names of the objects directly below a folder.
    pub(super) fn list(&self, folder: &str) -> Result<Vec<String>, KeepingError> {
        let key = self.key(folder);
        let found = self.waiting.block_on(self.store.list_with_delimiter(Some(&key)));
        let found = found.map_err(|source| KeepingError::Store { key: key.to_string(), source })?;
        Ok(found.objects.iter().filter_map(|one| one.location.filename().map(str::to_owned)).collect())
    }

    async fn read(
        &self,
        key: &Key,
        mut each: impl FnMut(&[u8]) -> Result<(), KeepingError>,
    ) -> Result<(u64, String), KeepingError> {
        let at = |source| KeepingError::Store { key: key.to_string(), source };
        let size = self.store.head(key).await.map_err(at)?.size;
        let (mut digest, mut from) = (Context::new(&SHA256), 0);
        while from < size {
            let piece = self.store.get_range(key, from..size.min(from + PART_BYTES)).await.map_err(at)?;
            if piece.is_empty() {
                break;
            }
            digest.update(&piece);
            from += piece.len() as u64;
            each(&piece)?;
        }
        Ok((from, hex(digest.finish().as_ref())))
    }
}

/// What was archived.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Archived {
    /// Segments that went into the archive now, by their first entries.
    pub segments: Vec<u64>,
    /// All files that did, tiles, bundles and checkpoints too.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The entry up to which everything is in the archive.
    pub end: u64,
}

/// Puts what is complete and sealed and not yet there into the archive, `most` segments of it, and reads it back. With no
/// archive it says what would go there.
///
/// # Errors
/// [`KeepingError`]; what the ledger names is in the archive, whole.
pub fn archive(
    dir: &Path,
    archive: Option<&Archive>,
    most: usize,
    now: Timestamp,
    told: Told<'_>,
) -> Result<Archived, KeepingError> {
    let _lock = lock(dir)?;
    let ledger = Ledgered::read(dir)?;
    let mut done =
        Archived { end: ledger.iter().map(|one| one.end).max().unwrap_or(0), ..Archived::default() };
    let Some(tree) = sealed(dir)? else { return Ok(done) };
    let to_do: Vec<Complete> = Complete::list(dir)?
        .into_iter()
        .filter(|one| {
            one.end <= tree.size() && !ledger.iter().any(|known| known.segment == one.segment.first)
        })
        .take(most)
        .collect();
    for (at, complete) in to_do.iter().enumerate() {
        told("segments archived", at as u64, to_do.len() as u64);
        // What is damaged here must not become the copy that everything rests on.
        complete.check(&tree)?;
        let mut files = Vec::new();
        for tile in complete.tiles() {
            files.push(tile.to_string());
        }
        for name in &files {
            let (bytes, _) = put(archive, name, &dir.join(name))?;
            (done.files, done.bytes) = (done.files + 1, done.bytes + bytes);
        }
        let (bytes, sha256) = put(archive, &segment_name(complete.segment.first), &complete.segment.path)?;
        (done.files, done.bytes) = (done.files + 1, done.bytes + bytes);
        if archive.is_some() {
            let (segment, end) = (complete.segment.first, complete.end);
            // After everything of it: whoever reads this line need not ask what else there should be.
            Ledgered { segment, end, bytes, sha256, at: now }.write(dir)?;
        }
        done.segments.push(complete.segment.first);
        done.end = done.end.max(complete.end);
    }
    if let Some(archive) = archive {
        checkpoints(dir, archive, &mut done)?;
    }
    told("segments archived", to_do.len() as u64, to_do.len() as u64);
    Ok(done)
}

/// Puts the checkpoints there that were put aside for good, with their time stamps, and the newest.
fn checkpoints(dir: &Path, archive: &Archive, done: &mut Archived) -> Result<(), KeepingError> {
    let kept = dir.join(KEPT);
    let listed = match fs::read_dir(&kept) {
        Ok(listed) => listed.collect::<Result<Vec<_>, _>>().map_err(io_at(&kept))?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(source) => return Err(KeepingError::Io { path: kept, source }),
    };
    let names = listed.iter().filter_map(|one| one.file_name().to_str().map(|name| format!("{KEPT}/{name}")));
    for name in names.filter(|name| !name.ends_with(".next")) {
        if !archive.has(&name)? {
            let (bytes, _) = archive.put(&name, &dir.join(&name))?;
            (done.files, done.bytes) = (done.files + 1, done.bytes + bytes);
        }
    }
    if dir.join(CHECKPOINT).exists() {
        archive.put(CHECKPOINT, &dir.join(CHECKPOINT))?;
    }
    Ok(())
}

fn put(archive: Option<&Archive>, name: &str, path: &Path) -> Result<(u64, String), KeepingError> {
    match archive {
        Some(archive) => archive.put(name, path),
        None => Ok((fs::metadata(path).map_err(io_at(path))?.len(), String::new())),
    }
}

/// Name of a segment in the archive.
pub(super) fn segment_name(first: u64) -> String {
    format!("segments/{first:020}.jsonl")
}

/// Of an upload, and read at once.
pub(super) const PART_BYTES: u64 = 8 << 20;

//! Time stamps over the checkpoints that are kept: each of its checkpoint, by an authority that counts, at a time that can be.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use aws_lc_rs::digest::{SHA256, digest};
use certs::stamp::{CLOCK_SKEW, Stamp, verify_stamp};

use super::{Problem, StampAuthorities, sealed::Elsewhere, sealed::bounded};
use crate::transparency::note::Note;

/// The stamps that are genuine.
#[derive(Debug, Clone, Default)]
pub(super) struct Stamps {
    /// Smallest tree first: its size, the file, what it says. Those before `next` were held against entries.
    genuine: Arc<Vec<(u64, PathBuf, Stamp)>>,
    next: usize,
}

impl Stamps {
    /// Reads those in `folder`, beside the checkpoints that stand there, and verifies them if an authority counts.
    pub(super) fn read(
        folder: &Path,
        authorities: Option<&StampAuthorities>,
        found: &mut Vec<Elsewhere>,
    ) -> io::Result<Self> {
        let (mut checkpoints, mut stamps) = (Vec::new(), Vec::new());
        match std::fs::read_dir(folder) {
            Ok(kept) => {
                for kept in kept {
                    let path = kept?.path();
                    match path.extension() {
                        None => checkpoints.push(path),
                        Some(extension) if extension == EXTENSION => stamps.push(path),
                        // A file on its way.
                        Some(_) => {}
                    }
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let Some(authorities) = authorities else {
            if !stamps.is_empty() {
                found.push((folder.to_owned(), 0, Problem::NoAuthority));
            }
            return Ok(Self::default());
        };
        checkpoints.sort_unstable();
        stamps.retain(|path| checkpoints.binary_search(&path.with_extension("")).is_err());
        for path in stamps {
            let why = "the checkpoint that it would be of is not here".to_owned();
            found.push((path.clone(), size_of(&path), Problem::BadStamp { why }));
        }
        let (mut genuine, mut bad, mut missing) = (Vec::new(), 0, Vec::new());
        for checkpoint in checkpoints {
            let path = checkpoint.with_extension(EXTENSION);
            let (size, imprint) = (size_of(&path), imprint(&checkpoint)?);
            match judge(&path, &imprint, authorities)? {
                Judged::Genuine(stamp) => genuine.push((size, path, stamp)),
                Judged::Missing => missing.push((size, path)),
                Judged::Bad(why) => {
                    bad += 1;
                    found.push((path, size, Problem::BadStamp { why }));
                }
            }
        }
        if genuine.is_empty() && bad == 0 {
            found.push((folder.to_owned(), 0, Problem::NothingStamped));
        } else if let Some((size, path)) = missing.pop() {
            // Of many that are kept few are stamped: one finding for all.
            found.push((path, size, Problem::NotStamped { others: missing.len() as u64 }));
        }
        genuine.sort_unstable_by_key(|(size, _, _)| *size);
        Ok(Self { genuine: Arc::new(genuine), next: 0 })
    }

    /// Holds against the entries before `next`, of which the newest was received at `latest`, the stamp over so many.
    pub(super) fn read_to(&mut self, next: u64, latest: Option<i64>, found: &mut Vec<Elsewhere>) {
        while let Some((size, path, stamp)) = self.genuine.get(self.next)
            && *size <= next
        {
            let early = latest.map_or(0, |latest| latest - stamp.at.as_microsecond());
            // Where entries are missing nobody knows when the last of them was received.
            if *size == next && i128::from(early) > CLOCK_SKEW.as_micros() {
                found.push((path.clone(), size - 1, Problem::StampTooEarly { seconds: early / 1_000_000 }));
            }
            self.next += 1;
        }
    }

    pub(super) fn count(&self) -> usize {
        self.genuine.len()
    }

    /// The one over the newest checkpoint, and its size.
    pub(super) fn newest(&self) -> Option<(u64, Stamp)> {
        self.genuine.last().map(|(size, _, stamp)| (*size, stamp.clone()))
    }
}

/// What stands as the stamp of a checkpoint.
enum Judged {
    Genuine(Stamp),
    Missing,
    Bad(String),
}

fn judge(path: &Path, imprint: &[u8; 32], authorities: &StampAuthorities) -> io::Result<Judged> {
    let response = match bounded(path, MOST_BYTES) {
        Ok(response) => response,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Judged::Missing),
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            return Ok(Judged::Bad(error.to_string()));
        }
        Err(error) => return Err(error),
    };
    Ok(match verify_stamp(&response, imprint, &authorities.anchors) {
        Ok(stamp) if stamp.at.duration_since(authorities.now) > CLOCK_SKEW => {
            Judged::Bad(format!("its time, {}, is still to come", stamp.at))
        }
        Ok(stamp) => Judged::Genuine(stamp),
        Err(fault) => Judged::Bad(crate::telemetry::chain(&fault)),
    })
}

/// What a stamp of a file is over.
fn imprint(path: &Path) -> io::Result<[u8; 32]> {
    let bytes = bounded(path, Note::MAX_BYTES as u64)?;
    Ok(digest(&SHA256, &bytes).as_ref().try_into().expect("SHA-256 has 32 bytes"))
}

/// Entries under a checkpoint that is kept, as its name says.
fn size_of(path: &Path) -> u64 {
    path.file_stem().and_then(|name| name.to_str()?.parse().ok()).unwrap_or_default()
}

/// Of a stamp's file, beside its checkpoint's.
pub const EXTENSION: &str = "tsr";
/// A response is some kilobytes.
const MOST_BYTES: u64 = 64 << 10;

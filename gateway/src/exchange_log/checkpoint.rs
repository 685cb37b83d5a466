//! `checkpoint.json`: how far the log was durable, kept apart from it.
//!
//! With it a log whose end was cut off is found, since the lines that remain would otherwise chain perfectly. It
//! is written at each rotation, each second under load and on a clean stop. Trust: whoever can write the folder
//! can roll back log and checkpoint together; only a witness elsewhere finds that.

use std::{fs, io, path::Path};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};

use super::{
    disk::{Disk, replace_on},
    line::Head,
};

/// A state of the log that was durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Checkpoint {
    pub(super) origin: String,
    pub(super) head: Head,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    origin: String,
    size: u64,
    head: String,
}

impl Checkpoint {
    /// Replaces the checkpoint in `dir` atomically and durably.
    pub(super) fn write(&self, disk: &dyn Disk, dir: &Path) -> io::Result<()> {
        let Head { size, leaf } = self.head;
        let form = Form { origin: self.origin.clone(), size, head: BASE64_STANDARD.encode(leaf) };
        let mut bytes = serde_json::to_vec(&form)?;
        bytes.push(b'\n');
        replace_on(disk, &dir.join(NAME), &bytes)
    }

    /// Reads the checkpoint in `dir`, if there is one.
    pub(super) fn read(dir: &Path) -> io::Result<Option<Self>> {
        let bytes = match fs::read(dir.join(NAME)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let Form { origin, size, head } = serde_json::from_slice(&bytes)?;
        let leaf = BASE64_STANDARD.decode(head).ok().and_then(|leaf| leaf.try_into().ok());
        let leaf = leaf.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "head is not a hash"))?;
        Ok(Some(Self { origin, head: Head { size, leaf } }))
    }
}

/// Name of the file in the log's folder.
pub(super) const NAME: &str = "checkpoint.json";

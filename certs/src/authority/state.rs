//! What the trial authority remembers, and how its files are written.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

// Owned by whoever holds the authority's lock; read without it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    pub(super) crl_number: u64,
    pub(super) crl_days: u16,
    pub(super) issued: Vec<Issued>,
    /// By serial number, since when.
    pub(super) revoked: BTreeMap<String, Timestamp>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Issued {
    pub(super) serial: String,
    pub(super) subject: String,
    pub(super) issued_at: Timestamp,
    pub(super) not_after: Timestamp,
}

impl Default for State {
    fn default() -> Self {
        Self { crl_number: 0, crl_days: 30, issued: Vec::new(), revoked: BTreeMap::new() }
    }
}

impl State {
    pub(super) fn from_json(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    pub(super) fn to_json(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).expect("strings, numbers and times are writable");
        bytes.push(b'\n');
        bytes
    }
}

/// Writes a file that only its owner may read, so that after a crash there is the old one or the new one.
pub(super) fn write_atomically(dir: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let fresh = dir.join(format!(".{name}.new"));
    // Left over from a crash; the lock says that nobody else is writing it.
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&fresh, dir.join(name))?;
    File::open(dir)?.sync_all()
}

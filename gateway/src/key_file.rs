//! Files of keys: each is there whole or not at all, and is never made twice.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use aws_lc_rs::rand;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

/// Writes a new file of mode 600; durable when this returns.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`]: a file is there and stays as it was. After any other a whole one may be there, never
/// a part of one.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_new_by(path, |file| file.write_all(bytes))
}

fn write_new_by(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    // Of each writer its own: two that make the same key do not write into one file.
    let mut own = [0; 8];
    rand::fill(&mut own).map_err(|_| io::Error::other("the machine gives no random bytes"))?;
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{:016x}.next", u64::from_ne_bytes(own)));
    let temporary = Path::new(&temporary);
    let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(temporary);
    let named = written.and_then(|mut file| {
        write(&mut file)?;
        // Synced before it has its name: after a crash nothing of that name is half written.
        file.sync_all()?;
        rename_new(temporary, path)
    });
    if named.is_err() {
        drop(fs::remove_file(temporary));
    }
    named?;
    File::open(path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new(".")))?.sync_all()
}

/// Renames a file unless there is one of the new name.
fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // As on NFS, which knows links alone.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            fs::hard_link(from, to)?;
            fs::remove_file(from)
        }
        renamed => Ok(renamed?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// D4
    #[test]
    fn a_key_file_is_whole_or_not_there_and_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("one.key");
        let full = write_new_by(&path, |file| {
            file.write_all(&[7; 9])?;
            Err(io::ErrorKind::StorageFull.into())
        });
        assert_eq!(full.unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is left of it");

        write_new(&path, &[1; 32]).unwrap();
        assert_eq!(certs::keys::read_key(&path).unwrap(), [1; 32]);
        assert_eq!(write_new(&path, &[2; 32]).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(certs::keys::read_key(&path).unwrap(), [1; 32], "the key stays");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}

//! All that the log asks of a disk to write: the seam at which tests make disks fail, fill up, and forget what was not
//! synced. Reading goes to the files: what a crash leaves is files again.

use std::{
    fmt,
    fs::{self, File},
    io::{self, IoSlice},
    os::unix::fs::FileExt,
    path::Path,
};

use rustix::io::{Errno, ReadWriteFlags, pwritev2};

use super::direct::DirectFile;

/// A folder's disk.
///
/// Durability: a name that was made, moved or removed survives a crash once `sync_dir` of its folder returned `Ok`;
/// until then each may have happened or not, in any order.
pub(super) trait Disk: fmt::Debug + Send + Sync {
    /// Makes an empty file in the place of any that is there.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// Opens a file that is there, to write.
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// Opens a file that is there for batches.
    fn open_for_batches(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.open(path)
    }
    /// Moves a file within its folder, in the place of any that is there.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Makes a folder.
    fn create_dir(&self, path: &Path) -> io::Result<()>;
    /// Makes the names in a folder durable.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Removes a folder and all files in it.
    fn remove_dir(&self, path: &Path) -> io::Result<()>;
    /// Bytes that may still be written to a folder's disk.
    fn free_bytes(&self, path: &Path) -> io::Result<u64>;
}

/// An open file.
///
/// Durability: what was written before `sync` returned `Ok` survives a crash. After any error nothing is known of what
/// was written since the last sync: a later one may return `Ok` and sync nothing of it, so it has to be written again.
/// Concurrency: one writer.
pub(super) trait DiskFile: Send {
    /// Puts `bytes` at `offset`.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Makes what was written durable, also by a process before this one.
    fn sync(&mut self) -> io::Result<()>;
    /// Puts `bytes` at `offset` and makes them durable; nothing is said of what was written before.
    fn write_durably_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.write_at(offset, bytes)?;
        self.sync()
    }
    /// Cuts the unused tail off, durably. Nothing follows.
    fn seal(&mut self, bytes: u64) -> io::Result<()>;
}

/// The disks of this machine.
#[derive(Debug)]
pub(super) struct RealDisk;

impl Disk for RealDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(File::create(path)?))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(File::options().write(true).open(path)?))
    }

    fn open_for_batches(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(DirectFile::open(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        fs::create_dir(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir_all(path)
    }

    fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        let disk = rustix::fs::statvfs(path)?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }
}

impl DiskFile for File {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    /// One call into the kernel, which does less for it than for the two.
    fn write_durably_at(&mut self, mut offset: u64, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match pwritev2(&*self, &[IoSlice::new(bytes)], offset, ReadWriteFlags::DSYNC) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => (offset, bytes) = (offset + count as u64, &bytes[count..]),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn seal(&mut self, bytes: u64) -> io::Result<()> {
        self.set_len(bytes)?;
        self.sync_all()
    }
}

/// Replaces a file atomically and durably; makes its folder if there is none.
///
/// # Errors
/// It cannot be written; what was there, or what was to be there, is there.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_on(&RealDisk, path, bytes)
}

/// Makes the names in a folder durable.
pub(super) fn sync_dir(path: &Path) -> io::Result<()> {
    RealDisk.sync_dir(path)
}

/// [`replace`] on any disk.
pub(super) fn replace_on(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = folder_of(path);
    make_folder(disk, folder)?;
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".next");
    let mut file = disk.create(Path::new(&temporary))?;
    file.write_at(0, bytes)?;
    // Synced before it is renamed: after a crash there is the old one or the new one, never half of one.
    file.sync()?;
    disk.rename(Path::new(&temporary), path)?;
    disk.sync_dir(folder)
}

/// Whether an error says that there is no space, and nothing else.
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

fn make_folder(disk: &dyn Disk, folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let parent = folder_of(folder);
    make_folder(disk, parent)?;
    match disk.create_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        Ok(()) | Err(_) => disk.sync_dir(parent),
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

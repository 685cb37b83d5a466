//! Where batches go: the seam at which tests make disks fail.

use std::{
    fmt,
    fs::{self, File},
    io::{self, IoSlice},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::mpsc::{self, Receiver, SyncSender},
    thread::JoinHandle,
};

use rustix::io::{Errno, ReadWriteFlags, pwritev2};

use super::{checkpoint::Checkpoint, reader::Segment};

/// An open segment.
///
/// Durability: what was written before `sync` returned `Ok` survives a crash. After any error nothing is known of
/// what was written since, and the segment must not be used again. Concurrency: one writer.
pub(super) trait SegmentFile: Send {
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

/// A folder of segments.
pub(super) trait Storage: Send {
    /// Begins the segment whose first entry will be `first`: empty, and durably named.
    fn begin(&mut self, first: u64) -> io::Result<Box<dyn SegmentFile>>;
    /// Opens a segment that exists.
    fn reopen(&mut self, first: u64) -> io::Result<Box<dyn SegmentFile>>;
    /// Writes a checkpoint, later if need be; only the newest counts.
    fn checkpoint_soon(&mut self, checkpoint: Checkpoint);
    /// Writes a checkpoint and returns once it is durable.
    fn checkpoint_now(&mut self, checkpoint: Checkpoint) -> io::Result<()>;
}

impl SegmentFile for File {
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

/// The real folder. A thread of its own prepares the next segment and writes checkpoints, so that neither delays
/// a batch: filled with zeros beforehand, a segment is overwritten in place and its sync touches no metadata.
pub(super) struct Folder {
    dir: PathBuf,
    orders: Option<SyncSender<Order>>,
    prepared: Receiver<io::Result<File>>,
    steward: Option<JoinHandle<()>>,
}

enum Order {
    Prepare,
    Checkpoint(Checkpoint, Option<SyncSender<io::Result<()>>>),
}

impl Folder {
    pub(super) fn open(dir: &Path, segment_bytes: u64) -> io::Result<Self> {
        let (orders, ordered) = mpsc::sync_channel(4);
        let (delivers, prepared) = mpsc::sync_channel(1);
        let here = dir.to_owned();
        let steward = std::thread::Builder::new().name("log-steward".into()).spawn(move || {
            for order in ordered {
                match order {
                    Order::Prepare => {
                        if delivers.send(prepare(&here, segment_bytes)).is_err() {
                            return;
                        }
                    }
                    Order::Checkpoint(checkpoint, Some(told)) => drop(told.send(checkpoint.write(&here))),
                    // The next one will say more; the log itself does not depend on it.
                    Order::Checkpoint(checkpoint, None) => {
                        if let Err(error) = checkpoint.write(&here) {
                            tracing::warn!(%error, "the exchange log's checkpoint was not written");
                        }
                    }
                }
            }
        })?;
        let folder = Self { dir: dir.to_owned(), orders: Some(orders), prepared, steward: Some(steward) };
        folder.order(Order::Prepare)?;
        Ok(folder)
    }

    fn order(&self, order: Order) -> io::Result<()> {
        let orders = self.orders.as_ref().expect("orders end with the folder");
        orders.send(order).map_err(|_| steward_ended())
    }
}

impl Storage for Folder {
    fn begin(&mut self, first: u64) -> io::Result<Box<dyn SegmentFile>> {
        let file = self.prepared.recv().map_err(|_| steward_ended())??;
        fs::rename(self.dir.join(PREPARED), Segment::of(&self.dir, first).path)?;
        sync_dir(&self.dir)?;
        // Only now: the steward makes the next one under the name that was just given up.
        self.order(Order::Prepare)?;
        Ok(Box::new(file))
    }

    fn reopen(&mut self, first: u64) -> io::Result<Box<dyn SegmentFile>> {
        Ok(Box::new(File::options().write(true).open(Segment::of(&self.dir, first).path)?))
    }

    fn checkpoint_soon(&mut self, checkpoint: Checkpoint) {
        if let Some(orders) = &self.orders {
            // Full: the steward is behind, and the next checkpoint will do.
            drop(orders.try_send(Order::Checkpoint(checkpoint, None)));
        }
    }

    fn checkpoint_now(&mut self, checkpoint: Checkpoint) -> io::Result<()> {
        // By the steward too: an older one that waits must not replace it.
        let (told, hears) = mpsc::sync_channel(1);
        self.order(Order::Checkpoint(checkpoint, Some(told)))?;
        hears.recv().unwrap_or_else(|_| Err(steward_ended()))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        self.orders = None;
        self.prepared = mpsc::sync_channel(0).1;
        if let Some(steward) = self.steward.take() {
            drop(steward.join());
        }
    }
}

impl fmt::Debug for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Folder").field("dir", &self.dir).finish_non_exhaustive()
    }
}

/// Makes the names in `dir` durable.
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

fn steward_ended() -> io::Error {
    io::Error::other("the log's steward thread ended")
}

fn prepare(dir: &Path, bytes: u64) -> io::Result<File> {
    let file = File::create(dir.join(PREPARED))?;
    let zeros = vec![0; 1 << 20];
    let mut offset = 0;
    while offset < bytes {
        let step = zeros.len().min(usize::try_from(bytes - offset).unwrap_or(usize::MAX));
        file.write_all_at(&zeros[..step], offset)?;
        offset += step as u64;
        // Piece by piece: batches are synced meanwhile, and would wait behind all of it.
        file.sync_data()?;
    }
    file.sync_all()?;
    Ok(file)
}

const PREPARED: &str = "next-segment";

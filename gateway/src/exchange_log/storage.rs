//! Segments on disk, prepared ahead, and the checkpoint beside them.
//!
//! A thread of its own prepares the next segment and writes checkpoints, so that neither delays a batch: filled with
//! zeros beforehand, a segment is overwritten in place, so its sync touches no metadata and it never lacks space. What
//! can lack space is the next segment: the writer asks before it needs one, and the steward tries again until it has it
//! (decision 0032).

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::Ordering,
        mpsc::{self, Receiver, RecvTimeoutError, SyncSender},
    },
    thread::JoinHandle,
    time::Duration,
};

use super::{
    checkpoint::Checkpoint,
    disk::{Disk, DiskFile, is_full},
    reader::Segment,
    stats::LogStats,
};

/// A folder of segments.
pub(super) trait Storage: Send {
    /// Whether there is room for another segment. `Lacking`: nothing was changed, and it may be asked again.
    fn space(&mut self) -> io::Result<Space>;
    /// Begins the segment whose first entry will be `first`: empty, and durably named.
    fn begin(&mut self, first: u64) -> io::Result<Box<dyn DiskFile>>;
    /// Opens a segment that exists.
    fn reopen(&mut self, first: u64) -> io::Result<Box<dyn DiskFile>>;
    /// Writes a checkpoint, later if need be; only the newest counts.
    fn checkpoint_soon(&mut self, checkpoint: Checkpoint);
    /// Writes a checkpoint and returns once it is durable.
    fn checkpoint_now(&mut self, checkpoint: Checkpoint) -> io::Result<()>;
}

/// Whether there is space for what is to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Space {
    Enough,
    Lacking,
}

/// The folder, with its steward.
pub(super) struct Folder {
    dir: PathBuf,
    disk: Arc<dyn Disk>,
    orders: Option<SyncSender<Order>>,
    next: Arc<NextSegment>,
    steward: Option<JoinHandle<()>>,
}

enum Order {
    Prepare,
    Checkpoint(Checkpoint, Option<SyncSender<io::Result<()>>>),
}

impl Folder {
    pub(super) fn open(
        disk: Arc<dyn Disk>,
        dir: &Path,
        segment_bytes: u64,
        stats: Arc<LogStats>,
    ) -> io::Result<Self> {
        let (orders, ordered) = mpsc::sync_channel(4);
        let next = Arc::<NextSegment>::default();
        let steward = Steward {
            dir: dir.to_owned(),
            disk: Arc::clone(&disk),
            segment_bytes,
            next: Arc::clone(&next),
            stats,
        };
        let steward =
            std::thread::Builder::new().name("log-steward".into()).spawn(move || steward.follow(&ordered))?;
        let folder = Self { dir: dir.to_owned(), disk, orders: Some(orders), next, steward: Some(steward) };
        folder.order(Order::Prepare)?;
        Ok(folder)
    }

    fn order(&self, order: Order) -> io::Result<()> {
        let orders = self.orders.as_ref().expect("orders end with the folder");
        orders.send(order).map_err(|_| steward_ended())
    }
}

impl Storage for Folder {
    fn space(&mut self) -> io::Result<Space> {
        self.next.space()
    }

    fn begin(&mut self, first: u64) -> io::Result<Box<dyn DiskFile>> {
        let file = self.next.take()?;
        name_prepared(&*self.disk, &self.dir, first)?;
        // Only now: the steward makes the next one under the name that was just given up.
        self.order(Order::Prepare)?;
        Ok(file)
    }

    fn reopen(&mut self, first: u64) -> io::Result<Box<dyn DiskFile>> {
        self.disk.open_for_batches(&Segment::of(&self.dir, first).path)
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

/// The next segment on its way from the steward to the writer.
#[derive(Default)]
struct NextSegment {
    state: Mutex<Next>,
    changed: Condvar,
}

#[derive(Default)]
enum Next {
    #[default]
    Preparing,
    Ready(Box<dyn DiskFile>),
    Lacking,
    Failed(io::Error),
}

impl NextSegment {
    fn put(&self, next: Next) {
        *self.lock() = next;
        self.changed.notify_all();
    }

    /// Waits while it is being prepared.
    fn space(&self) -> io::Result<Space> {
        let mut state = self.lock();
        loop {
            match &*state {
                Next::Preparing => {
                    state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
                Next::Ready(_) => return Ok(Space::Enough),
                Next::Lacking => return Ok(Space::Lacking),
                Next::Failed(error) => return Err(io::Error::new(error.kind(), error.to_string())),
            }
        }
    }

    fn take(&self) -> io::Result<Box<dyn DiskFile>> {
        if self.space()? == Space::Lacking {
            return Err(io::ErrorKind::StorageFull.into());
        }
        match std::mem::take(&mut *self.lock()) {
            Next::Ready(file) => Ok(file),
            Next::Preparing | Next::Lacking | Next::Failed(_) => Err(steward_ended()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Next> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the steward's thread works with.
struct Steward {
    dir: PathBuf,
    disk: Arc<dyn Disk>,
    segment_bytes: u64,
    next: Arc<NextSegment>,
    stats: Arc<LogStats>,
}

impl Steward {
    fn follow(self, ordered: &Receiver<Order>) {
        loop {
            let order = if self.stats.lacks_space.load(Ordering::Relaxed) {
                ordered.recv_timeout(TRY_AGAIN)
            } else {
                ordered.recv().map_err(|_| RecvTimeoutError::Disconnected)
            };
            match order {
                Ok(Order::Prepare) | Err(RecvTimeoutError::Timeout) => self.prepare(),
                Ok(Order::Checkpoint(checkpoint, Some(told))) => {
                    drop(told.send(checkpoint.write(&*self.disk, &self.dir)));
                }
                // The next one will say more; the log itself does not depend on it.
                Ok(Order::Checkpoint(checkpoint, None)) => {
                    if let Err(error) = checkpoint.write(&*self.disk, &self.dir) {
                        tracing::warn!(%error, "the exchange log's checkpoint was not written");
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn prepare(&self) {
        let lacked = self.stats.lacks_space.load(Ordering::Relaxed);
        match prepare(&*self.disk, &self.dir, self.segment_bytes) {
            Ok(file) => {
                if lacked {
                    tracing::info!("the exchange log has space again");
                }
                self.stats.lacks_space.store(false, Ordering::Relaxed);
                self.next.put(Next::Ready(file));
            }
            Err(error) if is_full(&error) => {
                if !lacked {
                    tracing::error!(
                        %error,
                        "no space for the exchange log's next segment: exchange stops when the present one is full"
                    );
                }
                self.stats.lacks_space.store(true, Ordering::Relaxed);
                self.next.put(Next::Lacking);
            }
            Err(error) => self.next.put(Next::Failed(error)),
        }
    }
}

impl Drop for Steward {
    fn drop(&mut self) {
        // Also after a panic: nobody waits for a steward that is gone.
        let mut state = self.next.lock();
        if matches!(*state, Next::Preparing) {
            *state = Next::Failed(steward_ended());
        }
        self.next.changed.notify_all();
    }
}

/// Fills the next segment with zeros, under the name that it has until it is begun.
///
/// # Errors
/// [`is_full`]: there is too little space, and what was written of it is gone again.
pub(super) fn prepare(disk: &dyn Disk, dir: &Path, bytes: u64) -> io::Result<Box<dyn DiskFile>> {
    let path = dir.join(PREPARED);
    // What was prepared before a stop takes the same room.
    match disk.remove(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    // Tiles and bundles of what it will hold take about as much as it does, and others live on this disk too.
    if disk.free_bytes(dir)? / 2 < bytes {
        return Err(io::ErrorKind::StorageFull.into());
    }
    let filled = fill(disk, &path, bytes);
    if filled.is_err() {
        // Half a segment would keep others from the space that is left.
        drop(disk.remove(&path));
    }
    filled
}

fn fill(disk: &dyn Disk, path: &Path, bytes: u64) -> io::Result<Box<dyn DiskFile>> {
    drop(disk.create(path)?);
    let mut file = disk.open_for_batches(path)?;
    let zeros = vec![0; 1 << 20];
    let mut offset = 0;
    while offset < bytes {
        let step = zeros.len().min(usize::try_from(bytes - offset).unwrap_or(usize::MAX));
        // Piece by piece: batches are written meanwhile, and would wait behind all of it.
        file.write_durably_at(offset, &zeros[..step])?;
        offset += step as u64;
    }
    Ok(file)
}

/// Gives the prepared segment its name, durably.
pub(super) fn name_prepared(disk: &dyn Disk, dir: &Path, first: u64) -> io::Result<()> {
    disk.rename(&dir.join(PREPARED), &Segment::of(dir, first).path)?;
    disk.sync_dir(dir)
}

fn steward_ended() -> io::Error {
    io::Error::other("the log's steward thread ended")
}

const PREPARED: &str = "next-segment";
/// How soon after it found too little space the steward looks again.
const TRY_AGAIN: Duration = Duration::from_millis(250);

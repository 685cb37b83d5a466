//! The exchange log: what was exchanged, and what was refused, written down before it happens (D1-D4).
//!
//! One log per node, one writer. Cores hand entries to it through a [`LogPort`] each; it writes all that gathered
//! while the batch before was synced, syncs once, and wakes each core once. An entry is a line of JSON that names
//! the hash of the line before it. Lines stand in segments, files named by the index of their first entry, filled
//! with zeros beforehand; zeros after the last line mean "not written yet". `checkpoint.json` says how far the log
//! was durable. After a failed write or sync the log is closed until the process starts again and recovers.
//!
//! ```text
//! records  what an entry says          storage     segments, prepared ahead; disk  what is asked of a disk
//! line     an entry as bytes, chained  recovery    start, after a crash or not
//! members  what it says as bytes       text        times, digests, claims
//! port     what a core sees            verification  offline: is the record whole?
//! queue    from core to writer         search      finding and following entries
//! writer   batches, syncs, segments    sealer      tiles and signed checkpoints over what is durable
//! walk     entry by entry, for an index
//! glance   a line's beginning by hand  tiles       hashes and entries as files, C2SP tlog-tiles
//! keys     what signs checkpoints      receipts    proofs of single entries
//! minimum  where a pruned log begins    comparison  a party's own records, held against the log
//! keeping  archive, pruning, retention   direct      batches past the page cache
//! end      where a log ends, before anybody recovers it
//! ```
//!
//! The leaves of the Merkle tree (RFC 6962) are the lines, byte for byte. Not here: who may write what (the exchange
//! path), floods of refusals (counted and sampled above), and what can be proven without files (`transparency`).

use std::{
    fs::{self, File, TryLockError},
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering},
    },
    thread::{JoinHandle, Thread},
    time::{Duration, Instant},
};

use jiff::Timestamp;

mod checkpoint;
mod comparison;
mod direct;
mod disk;
mod end;
mod glance;
pub mod keeping;
mod keys;
mod line;
mod members;
mod minimum;
mod port;
mod queue;
mod reader;
mod receipts;
mod records;
mod recovery;
mod sealer;
mod sealing;
mod search;
mod stats;
mod storage;
mod text;
mod tiles;
mod verification;
mod walk;
mod writer;

#[cfg(test)]
mod tests;

pub use self::{
    comparison::{Comparison, Difference, Differs, OwnError, OwnRecord, compare, read_own},
    disk::replace,
    end::{LogEnd, checkpoint_size, is_in_use},
    keys::{LogKeyError, make_key, read_keys},
    line::{Entry, Record},
    minimum::{MinimumIndex, minimum_in},
    port::{EntryId, LogPort, OpenEntry},
    receipts::{ReceiptError, Wanted, receipt_of},
    records::{Closing, Opening, Outcome, Refused, SegmentHeader, Withheld},
    recovery::{RecoveryReport, StartError},
    sealer::{KeptCheckpoint, SealError, Sealing, keep_checkpoint},
    search::{Entries, Filter, Follow, SearchError, Tail, consents_since, search, tail},
    stats::LogStats,
    text::{Claim, Sha256},
    tiles::{StoredTree, TileError},
    verification::{
        Evidence, Finding, Problem, STAMP_EXTENSION, Severity, StampAuthorities, Trial, Trials, Verification,
        verify, verify_with,
    },
    walk::{LinePlace, PlacedEntries, Walk, entry_at, hash_of},
    writer::WriteError,
};
use self::{
    disk::{Disk, RealDisk},
    queue::{Queue, Room},
    sealer::{Keep, Place, Sealer},
    sealing::SealerThread,
    storage::{Folder, Storage},
    writer::Writer,
};
use crate::cryptography::Cryptography;

/// The log of this node. Dropping it stops it.
#[derive(Debug)]
pub struct ExchangeLog {
    shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
    sealer: Option<SealerThread>,
    /// Entries that the log had when its counters began.
    before: u64,
    /// Held as long as the writer may write.
    _lock: File,
}

/// Where the log is and how much it holds.
#[derive(Debug, Clone)]
pub struct LogConfig {
    /// The folder with the segments. Made if absent; one process at a time.
    pub dir: PathBuf,
    /// The log's name; stays the same for its whole life.
    pub origin: String,
    /// Where `at` comes from in entries that the log makes itself: abandoned and unknown closings, headers.
    pub clock: fn() -> Timestamp,
    /// Size at which a segment is full. Default: 64 MiB.
    pub segment_bytes: u64,
    /// Openings and refusals of one core that may wait for the writer. Default: 8192.
    pub queue_entries: usize,
    /// Their bytes. Default: 8 MiB.
    pub queue_bytes: usize,
    /// Exchanges that may be open at once, at most 32,768. Default: 16,384.
    pub max_open: usize,
    /// What does the cryptography of this process, for the heads of segments. Default: nothing is said, which only tests and
    /// tools want.
    pub cryptography: Option<Cryptography>,
    /// How it is sealed. Default: not at all, which only tests and tools want.
    pub sealing: Option<Arc<Sealing>>,
}

impl LogConfig {
    /// The defaults.
    pub fn new(dir: impl Into<PathBuf>, origin: impl Into<String>, clock: fn() -> Timestamp) -> Self {
        Self {
            dir: dir.into(),
            origin: origin.into(),
            clock,
            segment_bytes: 64 << 20,
            queue_entries: 8192,
            queue_bytes: 8 << 20,
            max_open: 16_384,
            cryptography: None,
            sealing: None,
        }
    }
}

impl ExchangeLog {
    /// Locks the folder, recovers what a crash may have left, and starts the writer.
    ///
    /// # Errors
    /// The folder is in use, cannot be read or written, or holds a log that is damaged other than by a crash. Except
    /// for the cut of a torn end nothing was changed.
    pub fn start(config: LogConfig) -> Result<(Self, RecoveryReport), StartError> {
        let (lock, stats) = (lock(&config)?, Arc::<LogStats>::default());
        let disk: Arc<dyn Disk> = Arc::new(RealDisk);
        let storage = Folder::open(Arc::clone(&disk), &config.dir, config.segment_bytes, Arc::clone(&stats));
        let storage = storage.map_err(|source| StartError::Io { path: config.dir.clone(), source })?;
        Self::start_on((disk, Box::new(storage)), stats, lock, &config)
    }

    fn start_on(
        on: (Arc<dyn Disk>, Box<dyn Storage>),
        stats: Arc<LogStats>,
        lock: File,
        config: &LogConfig,
    ) -> Result<(Self, RecoveryReport), StartError> {
        let place = config.sealing.as_ref().map(|sealing| Place::of(config, sealing, &on.0));
        let (writer, sealer, report) = begin(on, stats, config, place.clone())?;
        let before = writer.head.size - writer.stats.entries.load(Ordering::Relaxed);
        let shared = Arc::new(Shared::new(config, &writer));
        let io = |source| StartError::Io { path: config.dir.clone(), source };
        let following = Arc::clone(&shared);
        let sealer =
            place.zip(sealer).map(|(place, sealer)| SealerThread::start(place, sealer, following, before));
        let sealer = sealer.transpose().map_err(io)?;
        let mut log = Self { shared: Arc::clone(&shared), writer: None, sealer, before, _lock: lock };
        let thread = std::thread::Builder::new().name("log-writer".into());
        let running = thread.spawn(move || writer::run(writer, &shared)).map_err(io)?;
        log.shared.writer.get_or_init(|| running.thread().clone());
        log.writer = Some(running);
        Ok((log, report))
    }

    /// A way in for one more core.
    pub fn port(&self) -> LogPort {
        LogPort::new(self.shared.add_queue(), Arc::clone(&self.shared))
    }

    /// Whether entries can be written.
    pub fn health(&self) -> Health {
        self.shared.health()
    }

    /// What the log counts.
    pub fn stats(&self) -> Arc<LogStats> {
        Arc::clone(&self.shared.stats)
    }

    /// Exchanges that are open now.
    pub fn open_exchanges(&self) -> usize {
        self.shared.open.load(Ordering::Relaxed)
    }

    /// Entries that are durable and that no checkpoint covers yet.
    pub fn unsealed(&self) -> u64 {
        let stats = &self.shared.stats;
        // The older one first: it never is ahead of the other.
        let sealed = stats.sealed.load(Ordering::Relaxed);
        (self.before + stats.entries.load(Ordering::Relaxed)).saturating_sub(sealed)
    }

    /// Takes calls, or holds them back while no witness knows of those before. Refusals are written in any case.
    pub fn set_openings(&self, openings: Openings) {
        self.shared.held.store(openings == Openings::Held, Ordering::Relaxed);
    }

    /// Whether calls are taken.
    pub fn openings(&self) -> Openings {
        if self.shared.held.load(Ordering::Relaxed) { Openings::Held } else { Openings::Taken }
    }

    /// Closes the log for good, as after a failed write: its past is in doubt, says `reason`.
    pub fn close_because(&self, reason: &str) {
        self.shared.close_because(reason);
    }

    /// Writes what was handed over, the last checkpoint, and ends. Exchanges that are still open then will be called
    /// unknown at the next start: let calls end first.
    pub fn shutdown(mut self) -> Health {
        self.stop();
        self.health()
    }

    fn stop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        self.shared.rouse();
        if let Some(writer) = self.writer.take() {
            // A panic of the writer was noted in `health` when it happened.
            drop(writer.join());
        }
        if let Some(sealer) = self.sealer.take() {
            sealer.stop();
        }
    }
}

impl Drop for ExchangeLog {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Whether a log that takes entries takes those of new calls too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Openings {
    /// It does.
    Taken,
    /// Not until a witness has cosigned what was exchanged before.
    Held,
}

/// Whether a log takes entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// It does.
    Open,
    /// It has no space for new exchanges, and takes them again by itself when there is.
    Full,
    /// It was stopped in good order.
    Stopped,
    /// It failed and is closed until the process starts again; with the reason.
    Failed(String),
}

/// Why an entry was not written. The call that it is for is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// Not written: too many entries wait, or too many exchanges are open.
    #[error("the exchange log has no room for more entries now")]
    Overloaded,
    /// Not written: there is no space for another segment; by itself the log takes entries again when there is.
    #[error("the exchange log has no space left on its disk")]
    Full,
    /// Not written: no witness has cosigned what was exchanged before, and the operator's policy is to wait for one.
    #[error("no witness has cosigned the exchange log for too long")]
    Unwitnessed,
    /// Not written: the log was stopped, or failed before.
    #[error("the exchange log is closed")]
    Closed,
    /// Not written: the entry is longer than entries may be.
    #[error("an entry of {bytes} bytes is too long")]
    TooLong {
        /// Its size.
        bytes: usize,
    },
    /// Not written: the system gave no random bytes for the salt.
    #[error("no random bytes for a salt")]
    NoRandomness,
    /// Perhaps written: the log failed while it was.
    #[error("the exchange log failed while it wrote the entry")]
    Unknown,
}

/// What the log's owner, its ports and its writer share.
#[derive(Debug)]
struct Shared {
    clock: fn() -> Timestamp,
    room: Room,
    max_open: usize,
    open: AtomicUsize,
    /// Of these, whose openings the writer has not taken.
    waiting: AtomicUsize,
    stats: Arc<LogStats>,
    /// The writer keeps the same list for itself; this one is for those who come later.
    queues: Mutex<Queues>,
    failure: OnceLock<String>,
    /// Calls wait for a witness.
    held: AtomicBool,
    /// The last batch had no room for what it might have taken.
    full: AtomicBool,
    writer: OnceLock<Thread>,
    /// Somebody waits for what is pending.
    urgent: AtomicBool,
    stopping: AtomicBool,
    rest: AtomicU8,
}

#[derive(Debug, Default)]
struct Queues {
    list: Vec<Arc<Queue>>,
    ended: Option<LogError>,
}

impl Shared {
    fn new(config: &LogConfig, writer: &Writer) -> Self {
        Self {
            clock: config.clock,
            room: Room { entries: config.queue_entries, bytes: config.queue_bytes },
            max_open: config.max_open.min(MAX_OPEN),
            open: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            stats: Arc::clone(&writer.stats),
            queues: Mutex::default(),
            failure: OnceLock::new(),
            held: AtomicBool::new(false),
            full: AtomicBool::new(false),
            writer: OnceLock::new(),
            urgent: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            rest: AtomicU8::new(AWAKE),
        }
    }

    fn add_queue(&self) -> Arc<Queue> {
        let queue = Arc::new(Queue::default());
        let mut queues = self.queues();
        if let Some(error) = queues.ended {
            queue.end(error);
        }
        queues.list.push(Arc::clone(&queue));
        queue
    }

    fn admit_open(&self) -> Result<(), LogError> {
        if self.held.load(Ordering::Relaxed) {
            self.stats.refuse(LogError::Unwitnessed);
            return Err(LogError::Unwitnessed);
        }
        if self.open.fetch_add(1, Ordering::Relaxed) < self.max_open {
            // Before it is in a queue: whoever takes it there takes it from here, too.
            self.waiting.fetch_add(1, Ordering::Relaxed);
            return Ok(());
        }
        self.open.fetch_sub(1, Ordering::Relaxed);
        self.stats.refuse(LogError::Overloaded);
        Err(LogError::Overloaded)
    }

    /// After an opening was admitted that no queue took.
    fn unadmit(&self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        self.open.fetch_sub(1, Ordering::Relaxed);
    }

    /// Whether no exchange is under way that could bring anything but by being opened first.
    fn all_wait(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) >= self.open.load(Ordering::Relaxed)
    }

    /// After an entry was handed over for which somebody waits.
    fn wake_now(&self) {
        self.urgent.store(true, Ordering::SeqCst);
        match self.rest.load(Ordering::SeqCst) {
            AWAKE => {}
            GATHERING if !self.all_wait() => {}
            _ => self.rouse(),
        }
    }

    /// After an entry was handed over for which nobody waits: a dozing writer sees it in time.
    fn wake_soon(&self) {
        if self.rest.load(Ordering::SeqCst) == ASLEEP {
            self.rouse();
        }
    }

    fn rouse(&self) {
        self.rest.store(AWAKE, Ordering::SeqCst);
        if let Some(writer) = self.writer.get() {
            writer.unpark();
        }
    }

    /// Closes the log: what was handed over is still written, nothing more is taken.
    fn close_because(&self, reason: &str) {
        self.fail(reason);
        self.stopping.store(true, Ordering::SeqCst);
        self.rouse();
    }

    fn health(&self) -> Health {
        match (self.failure.get(), self.queues().ended) {
            (Some(reason), _) => Health::Failed(reason.clone()),
            (None, Some(_)) => Health::Stopped,
            // Space may have come since an entry was last refused: the next one finds it.
            (None, None)
                if self.full.load(Ordering::Relaxed) && self.stats.lacks_space.load(Ordering::Relaxed) =>
            {
                Health::Full
            }
            (None, None) => Health::Open,
        }
    }

    fn queues(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The writer's side.
impl Shared {
    fn take_urgent(&self) -> bool {
        self.urgent.swap(false, Ordering::SeqCst)
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    fn has_pending(&self) -> bool {
        self.queues().list.iter().any(|queue| queue.has_pending())
    }

    /// Notes whether the batch in the making has room for everything, and says so where that changed.
    fn note_room(&self, room: bool) {
        if self.full.swap(!room, Ordering::Relaxed) == room {
            if room {
                tracing::info!("the exchange log takes new exchanges again");
            } else {
                tracing::error!(
                    "the exchange log has no space left: new exchanges are refused until there is"
                );
            }
        }
    }

    fn for_new_queues(&self, known: usize, each: impl FnMut(&Arc<Queue>)) {
        self.queues().list[known..].iter().for_each(each);
    }

    /// Rests until then, or until all exchanges that are open wait for it: nobody is left to share the sync with.
    fn gather(&self, until: Instant) {
        self.rest.store(GATHERING, Ordering::SeqCst);
        while self.rest.load(Ordering::SeqCst) == GATHERING
            && !(self.urgent.load(Ordering::SeqCst) && self.all_wait())
            && !self.is_stopping()
            && let Some(most) = until.checked_duration_since(Instant::now()).filter(|most| !most.is_zero())
        {
            std::thread::park_timeout(most);
        }
        self.rest.store(AWAKE, Ordering::SeqCst);
    }

    /// Rests until somebody waits for an entry.
    fn doze(&self, most: Duration) {
        self.rest.store(DOZING, Ordering::SeqCst);
        if !self.urgent.load(Ordering::SeqCst) && !self.is_stopping() {
            std::thread::park_timeout(most);
        }
        self.rest.store(AWAKE, Ordering::SeqCst);
    }

    /// Rests until there is an entry.
    fn sleep(&self, most: Option<Duration>) {
        self.rest.store(ASLEEP, Ordering::SeqCst);
        if !self.urgent.load(Ordering::SeqCst) && !self.is_stopping() && !self.has_pending() {
            match most {
                Some(most) => std::thread::park_timeout(most),
                None => std::thread::park(),
            }
        }
        self.rest.store(AWAKE, Ordering::SeqCst);
    }

    fn refuse_all(&self, error: LogError) {
        self.queues().list.iter().for_each(|queue| queue.refuse(error));
    }

    fn fail(&self, reason: &str) {
        self.failure.get_or_init(|| reason.to_owned());
    }

    fn end(&self, error: LogError) {
        let mut queues = self.queues();
        queues.ended.get_or_insert(error);
        queues.list.iter().for_each(|queue| queue.end(error));
    }
}

/// Recovers, and seals what was not: what a start does before anything runs.
fn begin(
    (disk, storage): (Arc<dyn Disk>, Box<dyn Storage>),
    stats: Arc<LogStats>,
    config: &LogConfig,
    place: Option<Place>,
) -> Result<(Writer, Option<Sealer>, RecoveryReport), StartError> {
    let mut sealer = None;
    let (writer, report) = recovery::recover((&*disk, storage), stats, config, |found| {
        sealer = place.map(|place| Sealer::open(place, found)).transpose()?;
        Ok(())
    })?;
    if let Some(sealer) = &mut sealer {
        sealer.seal(writer.head.size, Keep::WhenDue)?;
        writer.stats.sealed.store(sealer.signed(), Ordering::Relaxed);
    }
    Ok((writer, sealer, report))
}

fn lock(config: &LogConfig) -> Result<File, StartError> {
    let at = |source| StartError::Io { path: config.dir.clone(), source };
    fs::create_dir_all(&config.dir).map_err(at)?;
    let path = config.dir.join("lock");
    let file = File::options().create(true).append(true).open(path).map_err(at)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StartError::InUse { dir: config.dir.clone() }),
        Err(TryLockError::Error(source)) => Err(at(source)),
    }
}

/// Longest line. C2SP `tlog-tiles` allows 65,535 bytes.
const MAX_LINE: usize = 16 << 10;
/// Longest batch: no crash tears more than this.
const MAX_BATCH: usize = 4 << 20;
/// With more, a segment's header would not fit into half a batch.
const MAX_OPEN: usize = 32_768;
/// Open exchanges that one line of a header names.
const OPEN_A_LINE: usize = 200;

/// The writer works, or will look again before it rests.
const AWAKE: u8 = 0;
/// The writer rests until its time is up, or all that are open wait.
const GATHERING: u8 = 1;
/// The writer rests until its time is up, or somebody waits.
const DOZING: u8 = 2;
/// The writer rests until there is anything.
const ASLEEP: u8 = 3;

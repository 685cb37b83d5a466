//! How many exchanges the log opens durably and closes in a second, and what one costs; then, in rounds by turns, what
//! the durable entry adds to a single call beside the disk's own sync (G6), and how many entries 256 waiters get durable
//! beside SQLite in batches of 256 (G8).
//!
//! `cargo run --release --example log_throughput [-- DIR]`; without a folder it uses the present one, because `/tmp` may be memory.

mod sample;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::Ordering::Relaxed,
    time::{Duration, Instant},
};

use gateway::exchange_log::{ExchangeLog, LogConfig, LogPort, LogStats};
use sample::{closing, now, opening};

const EACH: Duration = Duration::from_millis(400);
const ROUNDS: usize = 9;
/// Lengths of the lines that `opening` and its closing become.
const OPENING_BYTES: usize = 1_050;
const CLOSING_BYTES: usize = 470;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let parent = std::env::args_os().nth(1).map_or_else(|| PathBuf::from("."), PathBuf::from);
    let (p50, p99) = raw_sync(&parent)?;
    println!("fdatasync alone: p50 {p50:?}, p99 {p99:?}");
    println!(
        "other work  waiters  exchanges/s  entries/s  syncs/s   sync p50  open p50  open p99  \
         CPU an exchange: writer     core"
    );
    for work in [Duration::ZERO, Duration::from_micros(30)] {
        for waiters in [1, 4, 32, 256] {
            let dir = parent.join(format!("log-throughput-{}", std::process::id()));
            let measured = measure(&dir, waiters, work);
            fs::remove_dir_all(&dir)?;
            println!("{}", measured?.text());
        }
    }
    aims(&parent)
}

/// G6 and G8: each round measures both sides one after the other; what counts is the median of the rounds' ratios.
fn aims(parent: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let (mut added, mut ratios) = (Vec::new(), Vec::new());
    println!("round  fdatasync p50  open p50  added    log entries/s  SQLite entries/s  ratio");
    for round in 1..=ROUNDS {
        let dir = parent.join(format!("log-throughput-{}", std::process::id()));
        let sync = raw_sync(parent)?.0;
        let alone = measure(&dir, 1, Duration::ZERO);
        fs::remove_dir_all(&dir)?;
        let open = alone?.open[0];
        let log = measure(&dir, 256, Duration::ZERO);
        fs::remove_dir_all(&dir)?;
        let log = log?.entries;
        let sqlite = sqlite(parent)?;
        let more = open.as_secs_f64() * 1e6 - sync.as_secs_f64() * 1e6;
        println!(
            "{round:>5}  {:>10.1} µs  {:>5.1} µs  {more:>5.1} µs  {log:>11.0}  {sqlite:>16.0}  {:>5.2}",
            sync.as_secs_f64() * 1e6,
            open.as_secs_f64() * 1e6,
            log / sqlite
        );
        added.push(more);
        ratios.push(log / sqlite);
    }
    added.sort_unstable_by(f64::total_cmp);
    ratios.sort_unstable_by(f64::total_cmp);
    let (middle, last) = (ROUNDS / 2, ROUNDS - 1);
    println!(
        "G6: a durable entry takes fdatasync's p50 and {:.1} µs [{:.1}..{:.1}]",
        added[middle], added[0], added[last]
    );
    println!("G8: {:.2} [{:.2}..{:.2}] times SQLite", ratios[middle], ratios[0], ratios[last]);
    Ok(())
}

/// Rows of a log's size that SQLite makes durable in a second: WAL, a sync for each transaction of 256, one writer.
fn sqlite(parent: &Path) -> Result<f64, Box<dyn std::error::Error>> {
    let path = parent.join(format!("log-throughput-{}.sqlite", std::process::id()));
    let mut connection = rusqlite::Connection::open(&path)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.execute("CREATE TABLE entries (number INTEGER PRIMARY KEY, line TEXT NOT NULL)", [])?;
    // An opening and a closing in turn, as long as ours.
    let lines = ["o".repeat(OPENING_BYTES), "c".repeat(CLOSING_BYTES)];
    let (since, mut count) = (Instant::now(), 0);
    while since.elapsed() < EACH {
        let batch = connection.transaction()?;
        {
            let mut insert = batch.prepare_cached("INSERT INTO entries (line) VALUES (?1)")?;
            for number in 0..256 {
                insert.execute([&lines[number % 2]])?;
            }
        }
        batch.commit()?;
        count += 256;
    }
    let rate = f64::from(count) / since.elapsed().as_secs_f64();
    drop(connection);
    for end in ["", "-wal", "-shm"] {
        drop(fs::remove_file(format!("{}{end}", path.display())));
    }
    Ok(rate)
}

/// What the disk does without us: 4 KiB overwritten and synced, one after the other.
fn raw_sync(parent: &Path) -> Result<(Duration, Duration), Box<dyn std::error::Error>> {
    use std::os::unix::fs::FileExt;
    let path = parent.join(format!("log-throughput-raw-{}", std::process::id()));
    let file = fs::File::create(&path)?;
    file.write_all_at(&vec![0; 4 << 20], 0)?;
    file.sync_all()?;
    let mut took = Vec::new();
    for n in 0..1000 {
        let since = Instant::now();
        file.write_all_at(&[1; 1024], n * 1024)?;
        file.sync_data()?;
        took.push(since.elapsed());
    }
    fs::remove_file(path)?;
    took.sort_unstable();
    Ok((took[500], took[990]))
}

/// What a log did.
struct Measured {
    work: Duration,
    waiters: usize,
    exchanges: f64,
    entries: f64,
    syncs: f64,
    /// Upper bound of the median's bucket, in microseconds.
    sync: u64,
    /// How long opening took: median, 99th percentile.
    open: [Duration; 2],
    /// Microseconds of an exchange: the writer's, and a core's.
    cpu: [f64; 2],
}

impl Measured {
    fn text(&self) -> String {
        format!(
            "{:>7} µs  {:>7}  {:>11.0}  {:>9.0}  {:>7.0}  ≤{:>5} µs  {:>5} µs  {:>5} µs  {:>20.2} µs  {:>5.2} µs",
            self.work.as_micros(),
            self.waiters,
            self.exchanges,
            self.entries,
            self.syncs,
            self.sync,
            self.open[0].as_micros(),
            self.open[1].as_micros(),
            self.cpu[0],
            self.cpu[1],
        )
    }
}

fn measure(dir: &Path, waiters: usize, work: Duration) -> Result<Measured, Box<dyn std::error::Error>> {
    let (log, _) = ExchangeLog::start(LogConfig::new(dir, "bench.example", now))?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let port = log.port();
    let (mut took, elapsed, cpu) = runtime.block_on(async {
        let dispatcher = port.clone();
        tokio::spawn(async move { dispatcher.run().await });
        let (since, before) = (Instant::now(), Cpu::read());
        let mut calls = tokio::task::JoinSet::new();
        for _ in 0..waiters {
            let port = port.clone();
            calls.spawn(async move { exchanges(&port, since + EACH, work).await });
        }
        let took = calls.join_all().await.concat();
        (took, since.elapsed().as_secs_f64(), Cpu::read().since(before))
    });
    let stats: std::sync::Arc<LogStats> = log.stats();
    let batches = stats.batches.load(Relaxed);
    let mut below = 0;
    let median = stats.syncs.iter().position(|bucket| {
        below += bucket.load(Relaxed);
        below * 2 >= batches
    });
    let median =
        median.and_then(|bucket| LogStats::sync_bounds_us().get(bucket).copied()).unwrap_or(u64::MAX);
    took.sort_unstable();
    let count = took.len() as f64;
    Ok(Measured {
        work,
        waiters,
        exchanges: count / elapsed,
        entries: stats.entries.load(Relaxed) as f64 / elapsed,
        syncs: batches as f64 / elapsed,
        sync: median,
        open: [took[took.len() / 2], took[took.len() * 99 / 100]],
        cpu: [
            cpu.writer as f64 / 1e3 / count,
            (cpu.all - cpu.writer) as f64 / 1e3 / count - work.as_micros() as f64,
        ],
    })
}

/// `work` stands for what a gateway does besides: without it the log alone sets the pace, and batches are larger.
async fn exchanges(port: &LogPort, until: Instant, work: Duration) -> Vec<Duration> {
    let mut took = Vec::with_capacity(1 << 12);
    loop {
        let since = Instant::now();
        if since >= until {
            return took;
        }
        while since.elapsed() < work {
            std::hint::spin_loop();
        }
        let since = Instant::now();
        let entry = port.open(&opening()).await.expect("the log takes what this asks");
        took.push(since.elapsed());
        entry.close(&closing());
    }
}

/// Nanoseconds on a processor, from the scheduler: of all threads, and of the log's.
#[derive(Clone, Copy)]
struct Cpu {
    all: u64,
    writer: u64,
}

impl Cpu {
    fn read() -> Self {
        let mut cpu = Self { all: 0, writer: 0 };
        for task in fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
            let read = |name| fs::read_to_string(task.path().join(name)).unwrap_or_default();
            let ns = read("schedstat").split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0);
            cpu.all += ns;
            cpu.writer += if read("comm").starts_with("log-") { ns } else { 0 };
        }
        cpu
    }

    fn since(self, before: Self) -> Self {
        Self { all: self.all - before.all, writer: self.writer - before.writer }
    }
}

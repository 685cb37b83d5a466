//! The generator: how lines are opened and kept busy. One thread, but for the clock of the open loop.

use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use super::line::{Call, Fault, Line};
use super::pki::Dialler;

/// What came of a load.
#[derive(Debug, Default)]
pub struct Tally {
    /// Of every call that was answered as it had to be.
    pub latencies: Vec<Duration>,
    /// Of every other call; the line that met one asks no more.
    pub faults: Vec<Fault>,
}

impl Tally {
    /// Returns the latency that `share` of the calls did not exceed.
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let mut sorted = self.latencies.clone();
        sorted.sort_unstable();
        let rank = (share * sorted.len() as f64).ceil() as usize;
        sorted.get(rank.saturating_sub(1)).copied()
    }

    fn add(&mut self, other: Self) {
        self.latencies.extend(other.latencies);
        self.faults.extend(other.faults);
    }

    /// Takes in the outcome of one call; says whether the line is still good.
    fn note(&mut self, since: Instant, outcome: Result<(), Fault>) -> bool {
        match outcome {
            Ok(()) => self.latencies.push(since.elapsed()),
            Err(fault) => self.faults.push(fault),
        }
        self.faults.is_empty()
    }
}

/// Opens `count` lines, a few at a time.
pub(super) async fn open(dialler: &Dialler, addr: SocketAddr, count: usize) -> Result<Vec<Line>, Fault> {
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut tasks = JoinSet::new();
    for _ in 0..count {
        let (dialler, turns) = (dialler.clone(), Arc::clone(&turns));
        tasks.spawn(async move {
            let _turn = turns.acquire().await.expect("the semaphore is never closed");
            Line::open(&dialler, addr).await
        });
    }
    tasks.join_all().await.into_iter().collect()
}

/// Asks once on every line, a few at a time.
pub(super) async fn once(lines: Vec<Line>, call: &Arc<Call>) -> (Vec<Line>, Tally) {
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut tasks = JoinSet::new();
    for mut line in lines {
        let (call, turns) = (Arc::clone(call), Arc::clone(&turns));
        tasks.spawn(async move {
            let _turn = turns.acquire().await.expect("the semaphore is never closed");
            let mut tally = Tally::default();
            tally.note(Instant::now(), line.ask(&call).await);
            (line, tally)
        });
    }
    gather(tasks).await
}

/// Keeps all lines asking for `length`; every call that was begun is finished.
pub(super) async fn closed(lines: Vec<Line>, call: &Arc<Call>, length: Duration) -> (Vec<Line>, Tally) {
    let until = Instant::now() + length;
    let mut tasks = JoinSet::new();
    for mut line in lines {
        let call = Arc::clone(call);
        tasks.spawn(async move {
            let mut tally = Tally::default();
            let mut since = Instant::now();
            while since < until && tally.note(since, line.ask(&call).await) {
                since = Instant::now();
            }
            (line, tally)
        });
    }
    gather(tasks).await
}

/// Asks `rate` times a second for `length`, on the lines in turn; latency counts from when a call was due.
pub(super) async fn paced(
    lines: Vec<Line>,
    call: &Arc<Call>,
    rate: u32,
    length: Duration,
) -> (Vec<Line>, Tally) {
    let mut tasks = JoinSet::new();
    let mut dues = Vec::new();
    for mut line in lines {
        let call = Arc::clone(call);
        // Holds what is due on this line: at most all calls of the measurement.
        let (due, mut next) = mpsc::unbounded_channel();
        dues.push(due);
        tasks.spawn(async move {
            let mut tally = Tally::default();
            while let Some(since) = next.recv().await {
                if !tally.note(since, line.ask(&call).await) {
                    break;
                }
            }
            (line, tally)
        });
    }
    // A thread, since tokio's clock ticks in milliseconds; it ends with the last call.
    let clock = thread::spawn(move || tick(&dues, rate, length));
    let gathered = gather(tasks).await;
    clock.join().expect("the clock does not panic");
    gathered
}

fn tick(dues: &[mpsc::UnboundedSender<Instant>], rate: u32, length: Duration) {
    // The kernel may round a sleep up by 50 µs otherwise. If it refuses to be exact, all peers suffer alike.
    let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(1));
    let (start, gap) = (Instant::now(), Duration::from_secs(1) / rate);
    let mut due = start;
    for line in dues.iter().cycle() {
        if due - start >= length {
            return;
        }
        thread::sleep(due.saturating_duration_since(Instant::now()));
        // A line that met a fault listens no more; its tally has the fault.
        let _ = line.send(due);
        due += gap;
    }
}

/// Opens a connection, asks once and closes it, over and over, `at_once` at a time, for `length`.
pub(super) async fn handshakes(
    dialler: &Dialler,
    addr: SocketAddr,
    call: &Arc<Call>,
    at_once: usize,
    length: Duration,
) -> Tally {
    let until = Instant::now() + length;
    let mut tasks = JoinSet::new();
    for _ in 0..at_once {
        let (dialler, call) = (dialler.clone(), Arc::clone(call));
        tasks.spawn(async move {
            let mut tally = Tally::default();
            let mut since = Instant::now();
            while since < until && tally.note(since, one_call(&dialler, addr, &call).await) {
                since = Instant::now();
            }
            tally
        });
    }
    let mut all = Tally::default();
    tasks.join_all().await.into_iter().for_each(|tally| all.add(tally));
    all
}

async fn one_call(dialler: &Dialler, addr: SocketAddr, call: &Call) -> Result<(), Fault> {
    let mut line = Line::open(dialler, addr).await?;
    line.ask(call).await?;
    line.close().await
}

async fn gather(tasks: JoinSet<(Line, Tally)>) -> (Vec<Line>, Tally) {
    let mut all = Tally::default();
    let mut lines = Vec::with_capacity(tasks.len());
    for (line, tally) in tasks.join_all().await {
        lines.push(line);
        all.add(tally);
    }
    (lines, all)
}

/// How many lines are opened, or asked once, at a time: few, so that idle lines do not leave a peer with
/// the memory of a burst.
const AT_ONCE: usize = 16;

#[cfg(test)]
mod tests {
    use super::super::pki::{self, Identity};
    use super::super::{payload, upstream};
    use super::*;

    struct Rig {
        addr: SocketAddr,
        client: Dialler,
        get: Arc<Call>,
        _folder: tempfile::TempDir,
    }

    async fn rig() -> Rig {
        let folder = tempfile::tempdir().unwrap();
        pki::write(folder.path()).unwrap();
        Rig {
            addr: upstream::spawn(folder.path()).await.unwrap(),
            client: Dialler::new(folder.path(), Identity::Client).unwrap(),
            get: get(payload::RECORD_BYTES).into(),
            _folder: folder,
        }
    }

    fn get(answer_bytes: usize) -> Call {
        Call::new("/records/1", "localhost", &[], None, answer_bytes)
    }

    #[tokio::test]
    async fn two_hundred_calls_on_eight_lines_are_answered_and_counted() {
        let rig = rig().await;
        let mut lines = open(&rig.client, rig.addr, 8).await.unwrap();
        let mut all = Tally::default();
        for _ in 0..25 {
            let (again, tally) = once(lines, &rig.get).await;
            lines = again;
            all.add(tally);
        }
        assert_eq!((all.latencies.len(), all.faults.len()), (200, 0));
    }

    #[tokio::test]
    async fn closed_loop_keeps_every_line_asking() {
        let rig = rig().await;
        let lines = open(&rig.client, rig.addr, 4).await.unwrap();
        let (lines, tally) = closed(lines, &rig.get, Duration::from_millis(200)).await;
        assert_eq!((lines.len(), tally.faults.len()), (4, 0));
        assert!(tally.latencies.len() > 4, "each line asks more than once in 200 ms");
    }

    #[tokio::test]
    async fn open_loop_asks_at_its_rate_whatever_the_answers_take() {
        let rig = rig().await;
        let lines = open(&rig.client, rig.addr, 4).await.unwrap();
        let (_, tally) = paced(lines, &rig.get, 1000, Duration::from_millis(200)).await;
        assert_eq!((tally.latencies.len(), tally.faults.len()), (200, 0));
    }

    #[tokio::test]
    async fn every_handshake_brings_one_answer() {
        let rig = rig().await;
        let tally = handshakes(&rig.client, rig.addr, &rig.get, 2, Duration::from_millis(200)).await;
        assert!(tally.faults.is_empty(), "{:?}", tally.faults);
        assert!(tally.latencies.len() >= 2);
    }

    #[tokio::test]
    async fn answer_of_another_length_is_a_fault_and_ends_its_line() {
        let rig = rig().await;
        let lines = open(&rig.client, rig.addr, 2).await.unwrap();
        let (_, tally) = closed(lines, &get(1).into(), Duration::from_secs(60)).await;
        assert_eq!((tally.latencies.len(), tally.faults.len()), (0, 2));
    }

    #[test]
    fn quantiles_are_of_the_nearest_rank() {
        let latencies = (1..=100).rev().map(Duration::from_micros).collect();
        let tally = Tally { latencies, faults: Vec::new() };
        assert_eq!(tally.quantile(0.5), Some(Duration::from_micros(50)));
        assert_eq!(tally.quantile(0.99), Some(Duration::from_micros(99)));
        assert_eq!(Tally::default().quantile(0.5), None);
    }
}

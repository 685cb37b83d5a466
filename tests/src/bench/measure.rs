//! One measurement: a peer started for it, warmed up, loaded and read.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use aws_lc_rs::digest;
use serde::Serialize;

use super::case::{Case, Load, Operation};
use super::line::Line;
use super::load::{self, Tally};
use super::payload;
use super::peer::{Hashes, Running};
use super::pki::Dialler;
use super::proc::{self, Memory};

/// What one measurement of one peer showed. A load that has no such figure leaves it out.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Sample {
    /// Answered calls a second.
    pub calls_per_second: Option<f64>,
    /// Time of the peer's processes a call.
    pub cpu_micros: Option<f64>,
    /// Time of the peer's processes a GiB of documents, in ms.
    pub cpu_ms_a_gib: Option<f64>,
    /// The same without SHA-256 over them, as this machine computes it right then.
    pub unhashed_ms_a_gib: Option<f64>,
    /// Half of the calls were answered within this.
    pub p50_micros: Option<f64>,
    /// All but a hundredth of the calls were answered within this.
    pub p99_micros: Option<f64>,
    /// Resident memory of the peer's processes under load.
    pub rss_kib: Option<f64>,
    /// The same, what they share counted once.
    pub pss_kib: Option<f64>,
    /// Proportional memory that one idle connection adds.
    pub kib_a_connection: Option<f64>,
    /// Calls that were not answered as they had to be.
    pub faults: usize,
    /// The first of them.
    pub first_fault: Option<String>,
}

/// How long things take in a measurement.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// Before anything counts.
    pub warm_up: Duration,
    /// While it counts.
    pub length: Duration,
}

/// Puts the case's load on a peer that was just started.
///
/// # Errors
/// Lines could not be opened or `/proc` not be read. Wrong answers are no error but faults of the sample.
pub async fn measure(
    case: &Case,
    running: &Running,
    dialler: &Dialler,
    window: Window,
) -> anyhow::Result<Sample> {
    let (addr, Window { warm_up, length }) = (running.addr, window);
    let (get, post) = (Arc::new(running.calls.get.clone()), Arc::new(running.calls.post.clone()));
    match case.load {
        Load::Closed { lines, operation } => {
            let calls = &running.calls;
            let (call, hashes) = match operation {
                Operation::Get => (get, None),
                Operation::Post => (post, None),
                Operation::Download => (Arc::new(calls.download.clone()), Some(running.hashes)),
                Operation::Upload => (Arc::new(calls.upload.clone()), Some(running.hashes)),
            };
            let lines = load::open(dialler, addr, lines).await?;
            let (lines, _) = load::closed(lines, &call, warm_up).await;
            let meter = Meter::start(running)?;
            let (lines, tally) = load::closed(lines, &call, length).await;
            let mut sample = meter.read(&tally, lines)?;
            if let (Some(hashes), Some(micros)) = (hashes, sample.cpu_micros) {
                let a_gib = micros / 1e3 * (f64::from(1 << 30) / payload::DOCUMENT_BYTES as f64);
                let hashing = if hashes == Hashes::Each { hash_ms_a_gib()? } else { 0.0 };
                (sample.cpu_ms_a_gib, sample.unhashed_ms_a_gib) = (Some(a_gib), Some(a_gib - hashing));
            }
            Ok(sample)
        }
        Load::Open { lines, rate } => {
            let lines = load::open(dialler, addr, lines).await?;
            let (lines, _) = load::paced(lines, &get, rate, warm_up).await;
            let meter = Meter::start(running)?;
            let (lines, tally) = load::paced(lines, &get, rate, length).await;
            meter.read(&tally, lines)
        }
        Load::Handshakes { at_once } => {
            load::handshakes(dialler, addr, &get, at_once, warm_up).await;
            let meter = Meter::start(running)?;
            let tally = load::handshakes(dialler, addr, &get, at_once, length).await;
            meter.read(&tally, Vec::new())
        }
        Load::Idle { lines } => idle(running, dialler, &get, lines).await,
    }
}

/// What SHA-256 over a GiB takes of a processor, in ms.
fn hash_ms_a_gib() -> anyhow::Result<f64> {
    let (own, piece) = ([std::process::id()], vec![7; 1 << 20]);
    let before = proc::cpu(&own)?;
    let mut context = digest::Context::new(&digest::SHA256);
    (0..1 << 10).for_each(|_| context.update(&piece));
    std::hint::black_box(context.finish());
    Ok((proc::cpu(&own)? - before).as_secs_f64() * 1e3)
}

/// Checks that the peer looks at the list: a benchmark against one which does not would flatter it.
///
/// # Errors
/// A client whose certificate is revoked got an answer.
pub async fn refuses_the_revoked(running: &Running, revoked: &Dialler) -> anyhow::Result<()> {
    if let Ok(mut line) = Line::open(revoked, running.addr).await {
        ensure!(line.ask(&running.calls.get).await.is_err(), "the revoked certificate's call was answered");
    }
    Ok(())
}

async fn idle(
    running: &Running,
    dialler: &Dialler,
    get: &Arc<super::Call>,
    count: usize,
) -> anyhow::Result<Sample> {
    // What the first connections make a peer allocate once is not what a connection costs.
    let (warm, mut tally) = load::once(load::open(dialler, running.addr, WARM_LINES).await?, get).await;
    let before = settled(running).await?;
    let lines = load::open(dialler, running.addr, count).await?;
    let (lines, asked) = load::once(lines, get).await;
    let after = settled(running).await?;
    // Memory of connections that the peer gave up is no achievement: all of them must still answer.
    let (_lines, again) = load::once(lines, get).await;
    drop(warm);
    tally.faults.extend(asked.faults.into_iter().chain(again.faults));
    Ok(Sample {
        rss_kib: Some(after.rss_kib as f64),
        pss_kib: Some(after.pss_kib as f64),
        kib_a_connection: Some((after.pss_kib as f64 - before.pss_kib as f64) / count as f64),
        ..faults(&tally)
    })
}

/// Waits until the peer's memory stays within a hundredth for as long as gateways take to give buffers back.
async fn settled(running: &Running) -> anyhow::Result<Memory> {
    let pids = running.process.pids()?;
    let deadline = Instant::now() + SETTLE_DEADLINE;
    let mut steady = (Instant::now(), proc::memory(&pids)?);
    loop {
        tokio::time::sleep(SETTLE_POLL).await;
        let memory = proc::memory(&pids)?;
        if memory.pss_kib.abs_diff(steady.1.pss_kib) > steady.1.pss_kib / 100 {
            steady = (Instant::now(), memory);
        }
        if steady.0.elapsed() >= SETTLE_STEADY || Instant::now() > deadline {
            return Ok(memory);
        }
    }
}

/// The peer's time and the clock, from when the load began to count.
struct Meter {
    pids: Vec<u32>,
    cpu: Duration,
    started: Instant,
}

impl Meter {
    fn start(running: &Running) -> anyhow::Result<Self> {
        let pids = running.process.pids()?;
        Ok(Self { cpu: proc::cpu(&pids)?, pids, started: Instant::now() })
    }

    /// Takes the lines to read the peer's memory while they are open.
    fn read(self, tally: &Tally, lines: Vec<Line>) -> anyhow::Result<Sample> {
        let (elapsed, cpu) = (self.started.elapsed(), proc::cpu(&self.pids)?.saturating_sub(self.cpu));
        let memory = proc::memory(&self.pids)?;
        drop(lines);
        let calls = tally.latencies.len() as f64;
        let micros = |share| tally.quantile(share).map(|latency| latency.as_secs_f64() * 1e6);
        Ok(Sample {
            calls_per_second: Some(calls / elapsed.as_secs_f64()),
            cpu_micros: (calls > 0.0).then(|| cpu.as_secs_f64() * 1e6 / calls),
            p50_micros: micros(0.5),
            p99_micros: micros(0.99),
            rss_kib: Some(memory.rss_kib as f64),
            pss_kib: Some(memory.pss_kib as f64),
            ..faults(tally)
        })
    }
}

fn faults(tally: &Tally) -> Sample {
    let first_fault = tally.faults.first().map(ToString::to_string);
    Sample { faults: tally.faults.len(), first_fault, ..Sample::default() }
}

const WARM_LINES: usize = 4;
const SETTLE_POLL: Duration = Duration::from_millis(250);
const SETTLE_STEADY: Duration = Duration::from_secs(3);
const SETTLE_DEADLINE: Duration = Duration::from_secs(20);

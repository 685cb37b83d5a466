//! How fast a log is sealed and verified: entries a second of processor time, on one core.
//!
//! `cargo run --release --example log_verify [-- EXCHANGES [DIR]]`; 500,000 exchanges, a million entries, unless told.

mod sample;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use gateway::exchange_log::{Evidence, ExchangeLog, LogConfig, LogPort, Sealing, make_key, verify_with};
use gateway::transparency::key::Scheme;
use sample::{closing, now, opening};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let exchanges = std::env::args().nth(1).map_or(Ok(500_000), |count| count.parse::<usize>())?;
    let parent = std::env::args_os().nth(2).map_or_else(|| PathBuf::from("."), PathBuf::from);
    let dir = parent.join(format!("log-verify-{}", std::process::id()));
    let measured = measure(&dir, exchanges);
    fs::remove_dir_all(&dir)?;
    measured
}

fn measure(dir: &Path, exchanges: usize) -> Result<(), Box<dyn std::error::Error>> {
    let config = LogConfig::new(dir.join("log"), "bench.example/log", now);
    let (log, _) = ExchangeLog::start(config.clone())?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let port = log.port();
    runtime.block_on(async {
        let dispatcher = port.clone();
        tokio::spawn(async move { dispatcher.run().await });
        let mut calls = tokio::task::JoinSet::new();
        for _ in 0..256 {
            let port = port.clone();
            calls.spawn(async move { write(&port, exchanges / 256).await });
        }
        calls.join_all().await;
    });
    log.shutdown();

    let (key, _) = make_key("bench.example/log", Scheme::Ed25519)?;
    let policy = format!("log {}\nquorum none\n", key.verifier()).parse()?;
    let outside = dir.join("last.checkpoint");
    let sealing = Sealing { keys: vec![key], outside, every: Duration::from_secs(1) };
    let (since, before) = (Instant::now(), cpu());
    let (log, report) = ExchangeLog::start(LogConfig { sealing: Some(Arc::new(sealing)), ..config.clone() })?;
    told("sealed", report.entries, since.elapsed(), cpu() - before);
    log.shutdown();

    let evidence = Evidence { policy: Some(policy), ..Evidence::default() };
    for _ in 0..3 {
        let (since, before) = (Instant::now(), cpu());
        let found = verify_with(&config.dir, &evidence)?;
        assert!(found.is_whole(), "{:?}", found.findings.first());
        told("verified", found.entries, since.elapsed(), cpu() - before);
    }
    Ok(())
}

fn told(what: &str, entries: u64, took: Duration, cpu: Duration) {
    println!(
        "{what:>14}: {entries} entries in {took:.2?}, {:.2?} of processor time: {:.0} entries/s a core, {:.0} ns each",
        cpu,
        entries as f64 / cpu.as_secs_f64(),
        cpu.as_nanos() as f64 / entries as f64
    );
}

async fn write(port: &LogPort, count: usize) {
    for _ in 0..count {
        let entry = port.open(&opening()).await.expect("the log takes what this asks");
        entry.close(&closing());
    }
}

/// Time of this thread on a processor: sealing at a start and verifying need no other.
fn cpu() -> Duration {
    let text = fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    Duration::from_nanos(text.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0))
}

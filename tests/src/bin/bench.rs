//! The benchmark's command line; `tests/bench/run` builds what it needs and starts it.

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fs};

use anyhow::{Context as _, bail, ensure};
use clap::{Parser, Subcommand};
use tests::bench::report::{Series, aims};
use tests::bench::{CASES, Case, Dialler, Identity, Kelisim, Nginx, Peer, Window, World, measure};
use tests::bench::{refuses_the_revoked, upstream};

/// Puts the same load on each peer in turn and prints what it cost them.
#[derive(Parser)]
struct Arguments {
    /// How often each peer gets each case; ratios are medians over the rounds.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// How long one measurement takes, without its warm-up.
    #[arg(long, default_value_t = 4.0)]
    seconds: f64,
    /// Only these cases.
    #[arg(long, value_delimiter = ',', value_parser = CASES.map(|case| case.name))]
    only: Vec<String>,
    /// The peers in their order. Naming one twice shows the noise of the machine: its ratio should be 1.
    #[arg(long, value_delimiter = ',', value_parser = ["nginx", "kelisim"], default_value = "nginx,kelisim")]
    peers: Vec<String>,
    /// Where the keys, the gateway's data folder and its log go while this runs; a real disk, on which nobody else is busy.
    /// Default: beside this program.
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Writes all samples here.
    #[arg(long)]
    json: Option<PathBuf>,
    #[command(subcommand)]
    part: Option<Part>,
}

#[derive(Subcommand)]
enum Part {
    /// Serves as the system behind the peers, until standard input ends.
    #[command(hide = true)]
    Upstream {
        /// Where the keys are.
        folder: PathBuf,
    },
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if let Some(Part::Upstream { folder }) = &arguments.part {
        return upstream::run(folder);
    }
    let length = Duration::try_from_secs_f64(arguments.seconds).context("--seconds")?;
    let window = Window { warm_up: length / 4, length };
    let binary = env::current_exe()?;
    let beside = binary.parent().context("the program is in a folder")?;
    let world = World::start(arguments.folder.as_deref().unwrap_or(beside), &binary)?;
    let peers =
        arguments.peers.iter().map(|name| peer(name, &world, &binary)).collect::<anyhow::Result<Vec<_>>>()?;
    println!("{}, {} rounds of {length:?} a peer and case\n", machine()?, arguments.rounds);

    let mut all = Vec::new();
    for case in CASES.iter().filter(|case| only(&arguments.only, case)) {
        let series = alternate(case, &peers, &world, arguments.rounds, window)?;
        println!("{}\n", series.table());
        all.push(series);
    }
    println!("{}", aims(&all));
    if let Some(file) = &arguments.json {
        fs::write(file, serde_json::to_vec_pretty(&all)?)?;
    }
    let faults: usize = all.iter().map(Series::faults).sum();
    if let Some(first) = all.iter().find_map(Series::first_fault) {
        bail!("{faults} calls were not answered as they had to be; the first: {first}");
    }
    Ok(())
}

/// Measures all peers in every round, forwards and backwards in turn: whoever drifts, drifts for all.
fn alternate(
    case: &Case,
    peers: &[Box<dyn Peer>],
    world: &World,
    rounds: u32,
    window: Window,
) -> anyhow::Result<Series> {
    let mut series =
        Series { case: case.name, peers: peers.iter().map(|peer| peer.name()).collect(), rounds: Vec::new() };
    for round in 0..rounds {
        let mut order: Vec<usize> = (0..peers.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        let mut samples = vec![Default::default(); peers.len()];
        for at in order {
            let name = peers[at].name();
            samples[at] = one(case, &*peers[at], world, window)
                .with_context(|| format!("{name}, {}, round {round}", case.name))?;
        }
        series.rounds.push(samples);
    }
    Ok(series)
}

fn one(case: &Case, peer: &dyn Peer, world: &World, window: Window) -> anyhow::Result<tests::bench::Sample> {
    let client = Dialler::new(world.folder(), Identity::Client)?;
    let revoked = Dialler::new(world.folder(), Identity::Revoked)?;
    let running = peer.start(world)?;
    let generator = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let sample = generator.block_on(async {
        refuses_the_revoked(&running, &revoked).await?;
        measure(case, &running, &client, window).await
    })?;
    // Ends the generator's connections first: a peer that drains need not wait for them.
    drop(generator);
    running.process.stop()?;
    Ok(sample)
}

fn peer(name: &str, world: &World, binary: &Path) -> anyhow::Result<Box<dyn Peer>> {
    match name {
        "nginx" => Ok(Box::new(Nginx)),
        "kelisim" => Ok(Box::new(Kelisim::found(world, &binary.with_file_name("kelisim"))?)),
        other => bail!("no such peer: {other}"),
    }
}

fn only(names: &[String], case: &Case) -> bool {
    names.is_empty() || names.iter().any(|name| name == case.name)
}

/// Names what the figures were measured on.
fn machine() -> anyhow::Result<String> {
    let cpus = fs::read_to_string("/proc/cpuinfo")?;
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let load = fs::read_to_string("/proc/loadavg")?;
    let cores = std::thread::available_parallelism()?;
    ensure!(!kernel.is_empty(), "no kernel release");
    Ok(format!(
        "{cores} cores of {}, Linux {}, load average before {}",
        model.map_or("an unknown processor", |(_, name)| name),
        kernel.trim(),
        load.split(' ').next().unwrap_or_default(),
    ))
}

//! The demonstration: a federation of stand-in systems on loopback, what its agreements allow, and what is refused.
//!
//! ```text
//! cast      who takes part: data of `deploy/demo`       founding  a fresh folder with all that is registered and signed
//! stand_in  systems that answer, over mutual TLS        line      systems that ask, over mutual TLS
//! scene     what is asked, and what must come of it     teller    the story, as it happens
//! leaving   demo.json and lines to paste                draft     a signed draft act with its card
//! persons   what is told of persons afterwards
//! ```
//!
//! Nothing here is a short cut: registration, signatures, gateway and record are those of every other data folder.
//! Persons, numbers and acts of the demonstration are made up and say so.

mod cast;
mod draft;
mod founding;
mod leaving;
mod line;
mod persons;
mod scene;
mod stand_in;
mod teller;

use std::error::Error;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};

use self::cast::Day;
use self::founding::Founded;
use self::line::Lines;
pub use self::persons::Persons;
use self::scene::{Played, Stage};
use self::stand_in::StandIns;
use self::teller::Teller;
use crate::app::App;
use crate::clock;
use crate::exchange_log::{Verification, verify};

/// How the demonstration is given.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct DemoArgs {
    /// End after the story; the exit code says whether every exchange went as it should
    #[arg(long)]
    pub once: bool,
    /// The folder to found; a new one among the temporary files where it is absent.
    #[arg(skip)]
    pub dir: Option<PathBuf>,
    /// Whether the caller prints the [`Report`], so that no story is told.
    #[arg(skip)]
    pub json: bool,
}

/// How the demonstration went.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The folder that it left.
    pub folder: PathBuf,
    /// Every scene, with what was expected and what came.
    pub scenes: Vec<Played>,
    /// Answers that systems received over HTTP.
    pub answers: u64,
    /// Exchanges in the record: permitted and refused.
    pub recorded: u64,
    /// Whether the record is whole and holds exactly what was answered.
    pub record: Record,
    /// What is told of persons.
    pub persons: Persons,
}

/// What the exchange log says of the answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Record {
    /// Nothing speaks against it, and every answer has its entry.
    Whole,
    /// Something is missing or changed.
    Wanting,
}

/// Why the demonstration cannot be given.
#[derive(Debug, thiserror::Error)]
#[error("the demonstration cannot {doing}")]
pub struct Trouble {
    doing: String,
    #[source]
    source: Box<dyn Error + Send + Sync>,
}

impl Report {
    /// Whether every exchange went as it should.
    pub fn is_as_expected(&self) -> bool {
        let scenes = self.scenes.iter().all(Played::is_as_expected);
        self.record == Record::Whole && scenes && self.persons.is_as_expected()
    }
}

/// Gives the demonstration; without `once` it returns after Ctrl-C.
///
/// # Errors
/// [`Trouble`]: the folder, a port or the machine does not allow it. What was founded stays for a look.
pub fn run(args: &DemoArgs) -> Result<Report, Trouble> {
    let began = Instant::now();
    let mut teller = Teller::new(args.json);
    let dir = args.dir.clone().unwrap_or_else(temporary);
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&dir);
    made.trouble("make its folder")?;
    let dir = dir.canonicalize().trouble("find its folder")?;
    dir.to_str().ok_or("its name is no text, which demo.json is").trouble("use its folder")?;

    teller.chapter("Founding");
    let Founded { folder, config, office, cast, doors, gateway } = founding::found(&dir, &mut teller)?;
    let day = Day::of(clock::now());
    let trust = std::sync::Arc::clone(office.trust());
    let stand_ins = StandIns::start(doors, &trust, gateway, &day)?;
    let app = App::start(&config).trouble("start the gateway")?;
    let at = app.exchange_address();
    let seconds = began.elapsed().as_secs_f32();
    teller.step(&format!("The gateway serves on {at}, {seconds:.1} s after the first line."));

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.trouble("start its runtime")?;
    let lines = Lines::new(&folder, std::sync::Arc::clone(&trust), at);
    let log = config.path(&config.log.dir);
    let received = stand_ins.received();
    let mut stage = Stage { office, folder: folder.clone(), log, cast, lines, received, scenes: Vec::new() };
    let scenes = scene::all(&day)?;
    for scene in &scenes {
        runtime.block_on(stage.play(scene, &mut teller))?;
    }

    let verification = settled(&stage.log, stage.lines.answers)?;
    let recorded = verification.openings + verification.refusals;
    let record = if is_whole(&verification, stage.lines.answers) { Record::Whole } else { Record::Wanting };
    let told = persons::tell(&config, &folder, trust, app.api_address(), &mut teller);
    let persons = runtime.block_on(told)?;
    teller.chapter("The record");
    let answers = stage.lines.answers;
    let report = Report { folder: dir, answers, recorded, record, persons, scenes: stage.scenes };
    teller.record(&verification, &report);
    let left = leaving::leave(&folder, &scenes, at, app.operations_address())?;
    if !args.once {
        teller.lines(&left);
        runtime.block_on(interrupted()).trouble("wait for Ctrl-C")?;
        teller.step("Stopping.");
    }
    drop(stage.lines);
    runtime.shutdown_timeout(Duration::from_secs(1));
    app.stop();
    drop(stand_ins);
    Ok(report)
}

/// The record, once every exchange in it is closed; at the latest after [`MOST_SETTLING`].
fn settled(log: &Path, answers: u64) -> Result<Verification, Trouble> {
    let until = Instant::now() + MOST_SETTLING;
    loop {
        let verification = verify(log).trouble("read the record")?;
        if is_whole(&verification, answers) || Instant::now() > until {
            return Ok(verification);
        }
        // The log's writer closes entries behind the answers; nobody is told when it has.
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

fn is_whole(found: &Verification, answers: u64) -> bool {
    found.is_whole() && found.open_at_end == 0 && found.openings + found.refusals == answers
}

async fn interrupted() -> std::io::Result<()> {
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        asked = tokio::signal::ctrl_c() => asked,
        _ = terminated.recv() => Ok(()),
    }
}

fn temporary() -> PathBuf {
    std::env::temp_dir().join(format!("kelisim-demo-{}", uuid::Uuid::now_v7()))
}

/// Says what could not be done.
trait OrTrouble<T> {
    fn trouble(self, doing: impl Into<String>) -> Result<T, Trouble>;
}

impl<T, E: Into<Box<dyn Error + Send + Sync>>> OrTrouble<T> for Result<T, E> {
    fn trouble(self, doing: impl Into<String>) -> Result<T, Trouble> {
        self.map_err(|error| Trouble { doing: doing.into(), source: error.into() })
    }
}

/// Longest wait for the record after the last answer.
const MOST_SETTLING: Duration = Duration::from_secs(10);

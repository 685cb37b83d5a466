//! The log on a disk that forgets: lives of chance that end at any step, each followed by the recovery that production
//! runs. `KELISIM_CRASHES=100000 cargo test -p gateway --lib crashes` lives as many as one likes; 1,000 is the default.

use std::collections::{BTreeMap, HashMap, HashSet};

use tokio::task::{JoinSet, yield_now};

use super::{
    super::{
        sealer::{Keep, NAME, Place, Sealer},
        sealing::seal,
        writer::{Round, Writer},
    },
    model::Step,
    *,
};
use crate::transparency::policy::Policy;

/// D3, C8, promise 1
#[test]
fn whatever_a_crash_forgets_what_was_acknowledged_is_there_and_nothing_is_invented() {
    let seeds = std::env::var("KELISIM_CRASHES").map_or(1000, |seeds| seeds.parse().unwrap());
    let mut told = Told::default();
    std::thread::scope(|scope| {
        let half = |first: u64| {
            move || (first..seeds).step_by(2).map(life_of_chance).fold(Told::default(), Told::and)
        };
        let halves = [0, 1].map(|first| scope.spawn(half(first)));
        told = halves.map(|half| half.join().unwrap()).into_iter().fold(Told::default(), Told::and);
    });
    println!("{seeds} seeds: {told}");
    assert!(
        seeds < 1000 || told.stopped.len() == 30,
        "every step is hit, in every way: {:?}",
        told.stopped.keys()
    );
}

/// Two lives that end at any step, and a third in good order.
fn life_of_chance(seed: u64) -> Told {
    let (mut told, mut chance, mut history) = (Told::default(), Chance(seed), History::new());
    for life in 0..2 {
        // Another tool begins a segment at the start: any step of that may be the last, too.
        history.world.cryptography = Some(tool(&life.to_string()));
        let did = [Did::Nothing, Did::Perhaps, Did::Perhaps, Did::All][chance.below(4)];
        let (of, most) =
            [(Steps::All, 20), (Steps::All, 80), (Steps::All, 200), (Steps::Entries, 9)][chance.below(4)];
        let after = chance.below(most);
        history.model.fail(Some(Fault { after, of, did, stops: true }));
        let ends = format!("seed {seed}, {did:?} at step {after}");
        history.live(4 + chance.below(9), &mut chance, &ends);
        told.ended(&history, did);
        if chance.below(4) == 0 {
            told.killed += 1;
        } else {
            told.power += 1;
            history.model.lose_power(&mut chance);
        }
        history.model.restart();
        told.recovered(&history.recovers(&ends));
    }
    history.ends_well(&format!("seed {seed}"));
    told.with(&history)
}

/// Promise 1, C8
#[test]
fn each_step_of_a_life_may_fail_and_may_have_been_done_all_the_same() {
    let mut told = Told::default();
    for did in [Did::Nothing, Did::Perhaps, Did::All] {
        for after in 0.. {
            let mut chance = Chance(7);
            let mut history = History::new();
            history.model.fail(Some(Fault { after, of: Steps::All, did, stops: true }));
            let what = format!("{did:?} at step {after}");
            history.live(8, &mut chance, &what);
            if history.model.failed().is_none() {
                break;
            }
            told.ended(&history, did);
            history.model.lose_power(&mut chance);
            told.power += 1;
            history.model.restart();
            told.recovered(&history.recovers(&what));
            history.ends_well(&what);
            told = told.with(&history);
        }
    }
    println!("each step: {told}");
    assert!(told.lives > 100, "{}", told.lives);
}

/// Promise 1, C8
#[test]
fn sync_that_fails_once_at_any_of_a_hundred_points_closes_the_log_and_loses_nothing() {
    let mut told = Told::default();
    for did in [Did::Nothing, Did::Perhaps, Did::All] {
        for after in 0..100 {
            let mut chance = Chance(after as u64);
            let mut history = History::new();
            let fault = Fault { after, of: Steps::Durable, did, stops: false };
            history.model.fail(Some(fault));
            let what = format!("sync {after} {did:?}");
            // The first process ends at its failed sync, or goes on where that was the sealer's.
            history.live(100, &mut chance, &what);
            assert!(history.model.failed().is_some(), "{what}: there was no such point");
            told.ended(&history, did);
            // The next one sees what the failed sync left in memory, goes on from there, and then the power goes.
            history.model.restart();
            told.recovered(&history.recovers(&what));
            history.live(4, &mut chance, &what);
            history.model.lose_power(&mut chance);
            told.power += 1;
            history.model.restart();
            told.recovered(&history.recovers(&what));
            history.ends_well(&what);
            told = told.with(&history);
        }
    }
    println!("300 failed syncs: {told}");
}

/// A log through its lives: what it was given, what it acknowledged, and every checkpoint that anybody could see.
struct History {
    world: World,
    model: Arc<Model>,
    /// Outside the disk that forgets.
    elsewhere: TempDir,
    seen: Vec<PathBuf>,
    policy: Policy,
    given: HashSet<Uuid>,
    /// Index, exchange, and whether it is the closing.
    acknowledged: Vec<(u64, Uuid, bool)>,
}

impl History {
    fn new() -> Self {
        let world = World { segment_bytes: 12 << 10, ..World::sealed() };
        let key = world.sealing.as_ref().unwrap().keys[0].verifier();
        Self {
            policy: format!("log {key}\nquorum none\n").parse().unwrap(),
            model: world.model(),
            world,
            elsewhere: tempfile::tempdir().unwrap(),
            seen: Vec::new(),
            given: HashSet::new(),
            acknowledged: Vec::new(),
        }
    }

    /// Starts and works until something fails, or for so many rounds.
    fn live(&mut self, rounds: usize, chance: &mut Chance, what: &str) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut life = match Life::start(&self.world, &self.model) {
            Ok((life, _)) => life,
            Err(error) => {
                assert!(self.model.failed().is_some(), "{what}: {error:?}");
                return self.look();
            }
        };
        let calls = Arc::new(Mutex::new(Calls::default()));
        runtime.block_on(async {
            let dispatcher = life.port.clone();
            let dispatcher = tokio::spawn(async move { dispatcher.run().await });
            for _ in 0..rounds {
                // What is still tried after a step of the sealer failed shows in a few rounds.
                let left = if self.model.failed().is_some() { chance.below(4) } else { 1 };
                if left == 0 {
                    break;
                }
                life.calls(&calls, chance).await;
                let goes_on = life.works(chance);
                self.look();
                life.tells().await;
                if !goes_on {
                    break;
                }
            }
            dispatcher.abort();
        });
        let calls = calls.lock().unwrap();
        self.given.extend(&calls.given);
        self.acknowledged.extend(&calls.acknowledged);
    }

    /// Keeps the checkpoint that stands in the log's folder, as whoever reads it could.
    fn look(&mut self) {
        let Ok(note) = fs::read(self.world.log_dir().join(NAME)) else { return };
        let known = self.seen.last().is_some_and(|last| fs::read(last).unwrap() == note);
        if !known {
            let path = self.elsewhere.path().join(self.seen.len().to_string());
            fs::write(&path, note).unwrap();
            self.seen.push(path);
        }
    }

    /// Starts after a crash, and checks everything.
    fn recovers(&mut self, what: &str) -> RecoveryReport {
        let started = Life::start(&self.world, &self.model);
        let (life, report) = started.unwrap_or_else(|error| panic!("{what}: {error:?}"));
        drop(life);
        self.look();
        self.check(what);
        report
    }

    fn check(&self, what: &str) {
        let evidence =
            Evidence { policy: Some(self.policy.clone()), checkpoints: self.seen.clone(), authorities: None };
        let found = verify_with(&self.world.log_dir(), &evidence).unwrap();
        assert!(found.findings.is_empty(), "{what}: {:?}", found.findings);
        assert_eq!(found.open_at_end, 0, "{what}: openings without closings are unknown");
        assert_eq!(found.sealed, found.entries, "{what}: what is there was sealed at the start");

        let entries = self.world.entries();
        let (mut begun, mut ended) = (HashMap::new(), HashMap::new());
        for entry in &entries {
            let twice = match &entry.record {
                Record::Segment(_) => None,
                Record::Opening(opening) => begun.insert(opening.exchange, entry.index),
                Record::Refused(refused) => begun.insert(refused.exchange, entry.index),
                Record::Closing { exchange, .. } => ended.insert(*exchange, entry.index),
            };
            assert_eq!(twice, None, "{what}: {} says what was said before", entry.line);
        }
        for (exchange, index) in &begun {
            assert!(self.given.contains(exchange), "{what}: entry {index} is invented");
        }
        for (index, exchange, closing) in &self.acknowledged {
            let place = if *closing { ended.get(exchange) } else { begun.get(exchange) };
            assert_eq!(place, Some(index), "{what}: {exchange} was acknowledged as entry {index}");
        }
    }

    /// The log goes on, stops in good order, and is whole.
    fn ends_well(&mut self, what: &str) {
        self.model.fail(None);
        self.live(3, &mut Chance(1), what);
        self.check_started(what);
    }

    fn check_started(&mut self, what: &str) {
        let before = self.acknowledged.len();
        self.recovers(what);
        assert!(before > 0, "{what}: the log goes on");
    }
}

/// One process, in one thread: what the log's threads do, done in the order that chance says.
struct Life {
    writer: Writer,
    sealer: Option<Sealer>,
    shared: Arc<Shared>,
    port: LogPort,
    round: Round,
    orders: Arc<Mutex<Orders>>,
    place: Place,
    before: u64,
}

#[derive(Default)]
struct Calls {
    given: Vec<Uuid>,
    acknowledged: Vec<(u64, Uuid, bool)>,
    open: Vec<OpenEntry>,
    running: JoinSet<()>,
}

impl Life {
    fn start(world: &World, model: &Arc<Model>) -> Result<(Self, RecoveryReport), StartError> {
        let config = world.config();
        let disk: Arc<dyn Disk> = Arc::new(Arc::clone(model));
        let place = Place::of(&config, config.sealing.as_ref().unwrap(), &disk);
        let orders = Arc::new(Mutex::new(Orders::new(model, &config.dir, config.segment_bytes)));
        let storage = Box::new(Inline(Arc::clone(&orders)));
        let (writer, sealer, report) = begin((disk, storage), Arc::default(), &config, Some(place.clone()))?;
        let before = writer.head.size - writer.stats.entries.load(Ordering::Relaxed);
        let shared = Arc::new(Shared::new(&config, &writer));
        let port = LogPort::new(shared.add_queue(), Arc::clone(&shared));
        Ok((Self { writer, sealer, shared, port, round: Round::default(), orders, place, before }, report))
    }

    /// Calls begin, end and are refused; they reach the queue.
    async fn calls(&self, calls: &Arc<Mutex<Calls>>, chance: &mut Chance) {
        for _ in 0..chance.below(12) {
            let (port, told) = (self.port.clone(), Arc::clone(calls));
            let mut calls = calls.lock().unwrap();
            match chance.below(6) {
                0..3 => {
                    let opening = opening();
                    calls.given.push(opening.exchange);
                    calls.running.spawn(async move {
                        if let Ok(entry) = port.open(&opening).await {
                            let mut told = told.lock().unwrap();
                            told.acknowledged.push((entry.id().index, opening.exchange, false));
                            told.open.push(entry);
                        }
                    });
                }
                3 => {
                    let refused = refused();
                    calls.given.push(refused.exchange);
                    calls.running.spawn(async move {
                        if let Ok(id) = port.refused(&refused).await {
                            told.lock().unwrap().acknowledged.push((id.index, refused.exchange, false));
                        }
                    });
                }
                _ if calls.open.is_empty() => {}
                how => {
                    let at = chance.below(calls.open.len());
                    let entry = calls.open.swap_remove(at);
                    if how == 4 {
                        entry.close(&completed());
                        continue;
                    }
                    calls.running.spawn(async move {
                        let exchange = entry.exchange();
                        if let Ok(id) = entry.close_durably(&completed()).await {
                            told.lock().unwrap().acknowledged.push((id.index, exchange, true));
                        }
                    });
                }
            }
        }
        self.tells().await;
    }

    /// Writer, sealer and steward each do something, or not; `false`: the writer failed, and the log is closed.
    fn works(&mut self, chance: &mut Chance) -> bool {
        if chance.below(8) > 0
            && let Err(error) = self.round.write(&mut self.writer, &self.shared)
        {
            self.shared.fail(&error.to_string());
            self.round.fail(LogError::Unknown);
            self.shared.end(LogError::Closed);
            return false;
        }
        if chance.below(6) == 0 {
            self.writer.checkpoint();
        }
        if chance.below(3) == 0 {
            // As the thread does: what fails is tried again.
            drop(self.orders.lock().unwrap().work());
        }
        if chance.below(3) == 0 {
            let durable = self.before + self.shared.stats.entries.load(Ordering::Acquire);
            let keep = if chance.below(4) == 0 { Keep::Always } else { Keep::WhenDue };
            match seal(&self.place, self.sealer.take(), durable, keep) {
                Ok(sealer) => self.sealer = Some(sealer),
                Err(error) => assert!(!error.is_damage(), "{error:?}"),
            }
        }
        true
    }

    /// Lets the core run until nobody has anything to do.
    async fn tells(&self) {
        for _ in 0..6 {
            yield_now().await;
        }
    }
}

#[derive(Default)]
struct Told {
    lives: usize,
    killed: usize,
    power: usize,
    /// Steps at which a life stopped, and what they did all the same.
    stopped: BTreeMap<(Step, u8), usize>,
    acknowledged: usize,
    checkpoints: usize,
    torn: usize,
    torn_bytes: u64,
    unknown: u64,
}

impl Told {
    fn ended(&mut self, history: &History, did: Did) {
        self.lives += 1;
        if let Some(step) = history.model.failed() {
            *self.stopped.entry((step, did as u8)).or_default() += 1;
        }
    }

    fn with(mut self, history: &History) -> Self {
        self.acknowledged += history.acknowledged.len();
        self.checkpoints += history.seen.len();
        self
    }

    fn and(mut self, other: Self) -> Self {
        for (stopped, count) in other.stopped {
            *self.stopped.entry(stopped).or_default() += count;
        }
        Self {
            lives: self.lives + other.lives,
            killed: self.killed + other.killed,
            power: self.power + other.power,
            acknowledged: self.acknowledged + other.acknowledged,
            checkpoints: self.checkpoints + other.checkpoints,
            torn: self.torn + other.torn,
            torn_bytes: self.torn_bytes + other.torn_bytes,
            unknown: self.unknown + other.unknown,
            ..self
        }
    }

    fn recovered(&mut self, report: &RecoveryReport) {
        self.torn += usize::from(report.torn_bytes > 0);
        self.torn_bytes += report.torn_bytes;
        self.unknown += report.closed_as_unknown;
    }
}

impl std::fmt::Display for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(
            f,
            "{} lives, {} of them ended by a step that failed; then {} lost power, {} were killed",
            self.lives,
            self.stopped.values().sum::<usize>(),
            self.power,
            self.killed
        )?;
        writeln!(
            f,
            "  {} entries acknowledged, none lost; {} torn ends cut ({} bytes); {} exchanges called unknown; {} checkpoints, none contradicted",
            self.acknowledged, self.torn, self.torn_bytes, self.unknown, self.checkpoints
        )?;
        let step = |((step, did), count): (&(Step, u8), &usize)| {
            format!("{step:?} {} {count}", ["failed", "open", "failed but persisted"][usize::from(*did)])
        };
        write!(f, "  stopped at: {}", self.stopped.iter().map(step).collect::<Vec<_>>().join(", "))
    }
}

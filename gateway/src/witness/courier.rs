//! The gateway's courier: brings each new checkpoint to the witnesses, and what they sign back into the log's folder.
//!
//! `checkpoint.cosigned` in the log's folder is the newest checkpoint that a quorum cosigned, with their lines. A witness is
//! believed in what it signs. Where it claims that the log went back, it must show a checkpoint with the log's own
//! signature that this log does not have: then, and only then, the log is closed (decision 0022).

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use std::{fs, io};

use certs::tls::Connector;
use http::{Method, StatusCode, Uri};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tracing::{error, info, warn};

use super::asked::Asked;
use super::kept::{origin_hash, replace};
use super::line::{Line, LineError};
use super::waiting::Waiting;
use crate::config::{WitnessPlace, WitnessesConfig};
use crate::exchange_log::{StoredTree, TileError};
use crate::telemetry::chain;
use crate::transparency::checkpoint::Checkpoint;
use crate::transparency::key::VerifierKey;
use crate::transparency::note::{Note, NoteError, Signature, parse_signatures};
use crate::transparency::{consistency, parse_number, root};

/// Whose checkpoints go where.
pub struct Route {
    /// The log's folder.
    pub dir: PathBuf,
    /// The log's name.
    pub origin: String,
    /// The keys that sign for it.
    pub log_keys: Vec<VerifierKey>,
    /// The witnesses.
    pub witnesses: WitnessesConfig,
    /// How those behind `https` are called.
    pub connector: Option<Connector>,
}

/// What the gateway must know at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// Somebody holds a checkpoint with this log's signature that this log does not have.
    WentBack(String),
    /// Checkpoints have lacked their cosignatures for as long as they may.
    Silent,
    /// They have them again.
    Heard,
}

/// How the log stands with its witnesses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Entries that a quorum cosigned.
    pub cosigned: u64,
    /// How long the oldest checkpoint has been waiting.
    pub waiting: Duration,
    /// Visits that brought nothing.
    pub failures: u64,
}

/// The courier's thread. Dropping it ends it.
#[derive(Debug)]
pub struct Courier {
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    dir: PathBuf,
    origin: String,
    log_keys: Vec<VerifierKey>,
    waiting: Mutex<Waiting>,
    failures: AtomicU64,
}

impl Courier {
    /// Sets out; `tell` hears what the gateway must act on.
    ///
    /// # Errors
    /// The machine gives no thread.
    pub fn start(route: Route, tell: impl Fn(Word) + Send + 'static) -> io::Result<Self> {
        let Route { dir, origin, log_keys, witnesses, connector } = route;
        let known = read_note(&dir.join(COSIGNED), &origin, &log_keys);
        let cosigned = known.as_ref().map_or(0, |known| known.checkpoint.size);
        let shared = Arc::new(Shared {
            dir,
            origin,
            log_keys,
            waiting: Mutex::new(Waiting::new(witnesses.quorum.into(), cosigned)),
            failures: AtomicU64::new(0),
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let going = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("courier".into()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    word = go(&going, &witnesses, connector, known, &tell) => {
                        if let Some(reason) = word {
                            tell(Word::WentBack(reason));
                        }
                    }
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Self { shared, stop: Some(stop), thread: Some(thread) })
    }

    /// How the log stands with its witnesses now.
    pub fn standing(&self) -> Standing {
        let waiting = self.shared.waiting();
        Standing {
            cosigned: waiting.size(),
            waiting: waiting.longest(Instant::now()),
            failures: self.shared.failures.load(Ordering::Relaxed),
        }
    }
}

impl Drop for Courier {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic there was reported when it happened.
            drop(thread.join());
        }
    }
}

/// Why a gateway that found `went-back` in its log's folder does not start; `None` if it is not there.
pub fn went_back(dir: &Path) -> Option<String> {
    fs::read_to_string(dir.join(WENT_BACK))
        .ok()
        .map(|text| text.lines().next().unwrap_or_default().to_owned())
}

/// Goes until the log is proven to have gone back; the proof's words then.
async fn go(
    shared: &Arc<Shared>,
    witnesses: &WitnessesConfig,
    connector: Option<Connector>,
    known: Option<Signed>,
    tell: &impl Fn(Word),
) -> Option<String> {
    let pause = Duration::from_millis(witnesses.poll_ms);
    // What was cosigned before the start must still be in the log.
    if let Some(known) = &known
        && let Some(proof) = shared.contradiction(known)
    {
        return Some(shared.convict(&proof, "the checkpoint that witnesses cosigned before", &known.note));
    }
    let mut visits = JoinSet::new();
    for (number, place) in witnesses.list.iter().enumerate() {
        let line = Line::new(place.url.parse::<Uri>().unwrap_or_default(), connector.clone());
        let size = known.as_ref().map_or(0, |known| known.checkpoint.size);
        let visitor =
            Visitor { number, place: place.clone(), line, size, done: None, shared: Arc::clone(shared) };
        visits.spawn(visitor.go(pause));
    }
    let allowed = Duration::from_secs(witnesses.silence_seconds.into());
    let mut said: Option<Instant> = None;
    loop {
        let now = Instant::now();
        let longest = {
            let mut waiting = shared.waiting();
            if let Some(newest) = shared.newest() {
                waiting.seen(newest.checkpoint.size, now);
            }
            waiting.longest(now)
        };
        match said {
            None if longest > allowed => {
                tell(Word::Silent);
                said = Some(now);
                complain(longest);
            }
            Some(last) if longest > allowed && now.duration_since(last) > allowed => {
                said = Some(now);
                complain(longest);
            }
            Some(_) if longest <= allowed => {
                said = None;
                info!("witnesses cosign the exchange log again");
                tell(Word::Heard);
            }
            None | Some(_) => {}
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            Some(ended) = visits.join_next() => {
                // A visitor ends only with a conviction; one that panicked said so itself.
                if let Ok(reason) = ended {
                    return Some(reason);
                }
            }
        }
    }
}

fn complain(longest: Duration) {
    error!(
        reason = "no cosignature",
        "the exchange log has had no witness for {} s: look at the witnesses and the way to them; until then only \
         this machine remembers what was exchanged",
        longest.as_secs()
    );
}

/// Goes to one witness, again and again.
struct Visitor {
    number: usize,
    place: WitnessPlace,
    line: Line,
    /// What the witness cosigned last, as far as is known.
    size: u64,
    /// The newest checkpoint that it cosigned.
    done: Option<Checkpoint>,
    shared: Arc<Shared>,
}

impl Visitor {
    async fn go(mut self, pause: Duration) -> String {
        let mut troubled = false;
        loop {
            if let Some(newest) =
                self.shared.newest().filter(|newest| Some(&newest.checkpoint) != self.done.as_ref())
            {
                match self.visit(&newest).await {
                    Ok(lines) => {
                        self.done = Some(newest.checkpoint.clone());
                        self.shared.keep(self.number, &newest, lines);
                        if std::mem::take(&mut troubled) {
                            info!("the witness {} cosigns again", self.place.url);
                        }
                    }
                    Err(Trouble::WentBack { proof, note }) => {
                        let whose = format!("the witness {}", self.place.url);
                        return self.shared.convict(&proof, &whose, &note);
                    }
                    Err(trouble) => {
                        self.shared.failures.fetch_add(1, Ordering::Relaxed);
                        // Once until it is over: an alarm for the whole is the silence.
                        if !std::mem::replace(&mut troubled, true) {
                            warn!(error = %chain(&trouble), "the witness {} did not cosign", self.place.url);
                        }
                    }
                }
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// Has `newest` cosigned: the witness's lines, each verified.
    async fn visit(&mut self, newest: &Signed) -> Result<Vec<Signature>, Trouble> {
        let size = newest.checkpoint.size;
        // The second time with the size that the witness told.
        for _ in 0..2 {
            let old = self.size.min(size);
            let proof = match old {
                0 => Vec::new(),
                old => consistency(&StoredTree::new(&self.shared.dir, size), old, size)?,
            };
            let body = Asked::body(old, &proof, &newest.note);
            let said = self.line.ask(Method::POST, "/add-checkpoint", body).await?;
            match said.status {
                StatusCode::OK => {
                    let lines = self.cosignatures(newest, &said.body)?;
                    self.size = size;
                    return Ok(lines);
                }
                StatusCode::CONFLICT => {
                    let told = str::from_utf8(&said.body).ok().and_then(|text| text.strip_suffix('\n'));
                    let told = told.and_then(parse_number).ok_or(Trouble::Refused(said.status))?;
                    if told > size || told == old {
                        self.look(told).await?;
                    }
                    self.size = told;
                }
                StatusCode::UNPROCESSABLE_ENTITY => {
                    self.look(old).await?;
                    return Err(Trouble::Refused(said.status));
                }
                status => return Err(Trouble::Refused(status)),
            }
        }
        Err(Trouble::Refused(StatusCode::CONFLICT))
    }

    /// The lines of this witness's keys in its answer.
    fn cosignatures(&self, newest: &Signed, body: &[u8]) -> Result<Vec<Signature>, Trouble> {
        let text = str::from_utf8(body).map_err(|_| NoteError::Form("its characters"))?;
        let known = |line: &Signature| {
            self.place.keys.iter().any(|key| key.name() == line.name() && key.id() == line.id())
        };
        let lines: Vec<Signature> = parse_signatures(text)?.into_iter().filter(known).collect();
        let mut note = Note::unsigned(newest.note.text())?;
        for line in &lines {
            note.add(line.clone())?;
        }
        note.verify(&self.place.keys)?;
        Ok(lines)
    }

    /// The witness says that it knows another log: looks at what it holds of ours, which our own key must have signed.
    async fn look(&mut self, told: u64) -> Result<(), Trouble> {
        let path = format!("/{}/checkpoint", origin_hash(&self.shared.origin));
        let said = self.line.ask(Method::GET, &path, String::new()).await?;
        if said.status != StatusCode::OK {
            return Err(Trouble::Unproven { told });
        }
        let held = Signed::of(&said.body, &self.shared.origin, &self.shared.log_keys);
        let held = held.map_err(|_| Trouble::Unproven { told })?;
        match self.shared.contradiction(&held) {
            Some(proof) => Err(Trouble::WentBack { proof, note: held.note }),
            None => Ok(()),
        }
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn newest(&self) -> Option<Signed> {
        read_note(&self.dir.join(CHECKPOINT), &self.origin, &self.log_keys)
    }

    fn keep(&self, by: usize, newest: &Signed, lines: Vec<Signature>) {
        let whole = self.waiting().cosigned(by, newest.checkpoint.size, &newest.note, lines);
        if let Some(note) = whole
            && let Err(error) = replace(&self.dir.join(COSIGNED), note.to_string().as_bytes())
        {
            warn!(error = %error, "cosignatures cannot be kept in the log's folder");
        }
    }

    /// Why this log cannot have signed `held`, if it cannot as it is now.
    fn contradiction(&self, held: &Signed) -> Option<String> {
        // Asked after the other was held: meanwhile this log can only have grown.
        let newest = self.newest()?;
        let (theirs, ours) = (&held.checkpoint, &newest.checkpoint);
        if theirs.size > ours.size {
            return Some(format!("it has {} entries, and this log has {}", theirs.size, ours.size));
        }
        match root(&StoredTree::new(&self.dir, ours.size), theirs.size) {
            Ok(root) if root != theirs.root => Some(format!("its first {} entries are others", theirs.size)),
            Ok(_) => None,
            Err(error) => {
                warn!(error = %chain(&error), "tiles of the exchange log cannot be read");
                None
            }
        }
    }

    /// Writes down for good that the log went back: the gateway does not start again before somebody looked.
    fn convict(&self, proof: &str, whose: &str, note: &Note) -> String {
        let reason = format!("the exchange log went back: {whose} bears this log's signature; {proof}");
        error!(
            reason = %reason,
            "nothing is exchanged any more: a restored backup, or two nodes with one key. Stop this gateway; see \
             operations.md, 'The log went back'"
        );
        let text = format!("{reason}\n\n{note}");
        if let Err(error) = replace(&self.dir.join(WENT_BACK), text.as_bytes()) {
            error!(error = %error, "it cannot be written down in the log's folder either");
        }
        reason
    }
}

/// A checkpoint that this log signed.
#[derive(Debug, Clone)]
struct Signed {
    checkpoint: Checkpoint,
    note: Note,
}

impl Signed {
    fn of(bytes: &[u8], origin: &str, keys: &[VerifierKey]) -> Result<Self, NoteError> {
        let note = Note::parse(bytes)?;
        let (checkpoint, _) = Checkpoint::verified(&note, keys)?;
        if checkpoint.origin == origin { Ok(Self { checkpoint, note }) } else { Err(NoteError::Unsigned) }
    }
}

fn read_note(path: &Path, origin: &str, keys: &[VerifierKey]) -> Option<Signed> {
    Signed::of(&fs::read(path).ok()?, origin, keys).ok()
}

/// Why a visit brought nothing.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("it was not heard")]
    Line(#[from] LineError),
    #[error("there is no proof for it")]
    Tile(#[from] TileError),
    #[error("it answered with status {0}")]
    Refused(StatusCode),
    #[error("its answer bears no signature of it")]
    Unsigned(#[from] NoteError),
    #[error("it says that it knows {told} entries, and shows no checkpoint that says so")]
    Unproven { told: u64 },
    #[error("the log went back: {proof}")]
    WentBack { proof: String, note: Note },
}

/// The newest checkpoint, as the sealer writes it.
const CHECKPOINT: &str = "checkpoint";
/// The newest checkpoint with a quorum's cosignatures.
const COSIGNED: &str = "checkpoint.cosigned";
/// Why nothing is exchanged any more, and the proof.
const WENT_BACK: &str = "went-back";

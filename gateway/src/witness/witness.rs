//! The witness: judges what a log asks, remembers it durably, and only then cosigns.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use tracing::{error, warn};

use super::asked::{Asked, Malformed};
use super::kept::{KeptError, Memory, origin_hash};
use super::settings::Watched;
use crate::telemetry::chain;
use crate::transparency::checkpoint::Checkpoint;
use crate::transparency::cosignature::cosign;
use crate::transparency::key::{Scheme, SigningKey, VerifierKey};
use crate::transparency::note::{Note, NoteError};
use crate::transparency::{Hash, NotProven, verify_consistency};

/// A witness with its keys, the logs that it watches, and what it knows of them.
#[derive(Debug)]
pub struct Witness {
    keys: Vec<SigningKey>,
    memory: Memory,
    logs: HashMap<String, Log>,
    /// Origin by its hash, as paths name it.
    origins: HashMap<String, String>,
}

#[derive(Debug)]
struct Log {
    keys: Vec<VerifierKey>,
    /// What was cosigned last. Locked from the look at it until the new one is durable, so that no two requests
    /// build on the same one.
    latest: Mutex<Option<Known>>,
}

#[derive(Debug)]
struct Known {
    checkpoint: Checkpoint,
    note: Note,
}

impl Witness {
    /// Takes up what the folder remembers.
    ///
    /// # Errors
    /// [`WitnessError`]: a key is of the wrong kind, two logs have one origin, or the memory is damaged or in use.
    pub fn open(
        dir: &std::path::Path,
        keys: Vec<SigningKey>,
        watched: &[Watched],
    ) -> Result<Self, WitnessError> {
        if keys.is_empty() || keys.iter().any(|key| key.verifier().scheme() == Scheme::Ed25519) {
            return Err(WitnessError::Keys);
        }
        let memory = Memory::open(dir)?;
        let own: Vec<VerifierKey> = keys.iter().map(|key| key.verifier().clone()).collect();
        let mut logs = HashMap::new();
        for one in watched {
            let latest = match memory.read(&one.origin)? {
                Some(note) => Some(known(note, one, &own)?),
                None => None,
            };
            let log = Log { keys: one.keys.clone(), latest: Mutex::new(latest) };
            if logs.insert(one.origin.clone(), log).is_some() {
                return Err(WitnessError::Twice(one.origin.clone()));
            }
        }
        let origins = logs.keys().map(|origin| (origin_hash(origin), origin.clone())).collect();
        Ok(Self { keys, memory, logs, origins })
    }

    /// Judges a request; the cosignatures' lines, once the checkpoint is remembered.
    ///
    /// # Errors
    /// [`Refusal`]; what is remembered is as it was, unless it is [`Refusal::Store`], where it may be the new one.
    pub fn add_checkpoint(&self, body: &[u8], now: Timestamp) -> Result<String, Refusal> {
        let asked = Asked::parse(body)?;
        let log = self.logs.get(&asked.checkpoint.origin).ok_or(Refusal::UnknownLog)?;
        // Extension lines and all: what the log signed is what is cosigned.
        asked.note.verify(&log.keys).map_err(Refusal::Untrusted)?;
        if asked.old > asked.checkpoint.size {
            return Err(Refusal::Shrinks);
        }
        let mut latest = log.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let known = latest.as_ref().map(|known| &known.checkpoint);
        self.judge(&asked, known)?;

        let seconds = u64::try_from(now.as_second()).unwrap_or_default();
        let mut note = own_signatures(&asked.note, &log.keys).map_err(Refusal::Untrusted)?;
        let mut lines = String::new();
        for key in &self.keys {
            let signature = cosign(&asked.note, key, seconds).map_err(|_| Refusal::Clock)?;
            lines += &signature.to_string();
            note.add(signature).map_err(Refusal::Untrusted)?;
        }
        self.memory.keep(&asked.checkpoint.origin, &note).map_err(|error| {
            error!(error = %chain(&error), "a checkpoint cannot be remembered, so it is not cosigned");
            Refusal::Store
        })?;
        // Durable from here: what is told now cannot be forgotten by a crash.
        *latest = Some(Known { checkpoint: asked.checkpoint, note });
        Ok(lines)
    }

    /// The checkpoint that was cosigned last, with the log's signatures and ours, of the log whose origin hashes so.
    pub fn latest(&self, origin_hash: &str) -> Option<String> {
        let log = self.logs.get(self.origins.get(origin_hash)?)?;
        let latest = log.latest.lock().unwrap_or_else(PoisonError::into_inner);
        latest.as_ref().map(|known| known.note.to_string())
    }

    fn judge(&self, asked: &Asked, known: Option<&Checkpoint>) -> Result<(), Refusal> {
        let Checkpoint { origin, size, root, .. } = &asked.checkpoint;
        let (known_size, known_root) =
            known.map_or((0, Hash::of_empty_tree()), |known| (known.size, known.root));
        if *size < known_size {
            warn!(log.origin = %origin, log.size = size, "a log came with less than it had: it was set back, or two write under one name");
        }
        if *size == known_size && *root != known_root {
            warn!(log.origin = %origin, log.size = size, "a log came with another history of the same size; kept as evidence");
            if let Err(error) = self.memory.keep_evidence(origin, &asked.note) {
                error!(error = %chain(&error), "evidence against a log cannot be kept");
            }
        }
        if asked.old != known_size {
            return Err(Refusal::OtherSize(known_size));
        }
        if *size == 0 && *root != Hash::of_empty_tree() {
            return Err(Refusal::Inconsistent("a log without entries has the hash of nothing as its root"));
        }
        match (asked.old, asked.proof.as_slice()) {
            (0, []) => Ok(()),
            (0, [_, ..]) => {
                Err(Refusal::Inconsistent("from a log without entries there is nothing to prove"))
            }
            (old, []) if old == *size && *root == known_root => Ok(()),
            (old, _) if old == *size => {
                Err(Refusal::Inconsistent("this size was cosigned with another root or proof"))
            }
            (old, proof) => verify_consistency(old, *size, &known_root, root, proof).map_err(Refusal::from),
        }
    }
}

/// What is remembered counts only if this witness and the log signed it.
fn known(note: Note, watched: &Watched, own: &[VerifierKey]) -> Result<Known, WitnessError> {
    let damaged = |source| WitnessError::Memory { origin: watched.origin.clone(), source };
    let (checkpoint, _) = Checkpoint::verified(&note, &watched.keys).map_err(damaged)?;
    Checkpoint::verified(&note, own).map_err(damaged)?;
    if checkpoint.origin != watched.origin {
        return Err(damaged(NoteError::Unsigned));
    }
    Ok(Known { checkpoint, note })
}

/// The note with the log's signatures only: strangers' lines are not kept or shown.
fn own_signatures(note: &Note, keys: &[VerifierKey]) -> Result<Note, NoteError> {
    let mut own = Note::unsigned(note.text())?;
    for signature in note.signatures() {
        if keys.iter().any(|key| key.name() == signature.name() && key.id() == signature.id()) {
            own.add(signature.clone())?;
        }
    }
    Ok(own)
}

/// Why a checkpoint is not cosigned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// 400.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// 400.
    #[error("the old size is above the new one")]
    Shrinks,
    /// 403.
    #[error("the checkpoint is not signed by the log's key")]
    Untrusted(#[source] NoteError),
    /// 404.
    #[error("no log of this origin is watched here")]
    UnknownLog,
    /// 409.
    #[error("the last size cosigned is {0}")]
    OtherSize(u64),
    /// 422.
    #[error("{0}")]
    Inconsistent(&'static str),
    /// 422.
    #[error("the new checkpoint does not begin with the old one: {0}")]
    NotProven(#[from] NotProven),
    /// 500.
    #[error("the checkpoint cannot be remembered")]
    Store,
    /// 500.
    #[error("the witness has no time to state")]
    Clock,
}

/// Why a witness does not begin.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// No key, or a log's.
    #[error("a witness needs keys for cosignatures: make them with `kelisim witness init`")]
    Keys,
    /// Two logs with one name.
    #[error("the log {0} is configured twice")]
    Twice(String),
    /// The memory.
    #[error(transparent)]
    Kept(#[from] KeptError),
    /// What is remembered is not signed as it must be.
    #[error(
        "what is remembered of {origin} does not count; restore it from a backup, or its keys in the configuration"
    )]
    Memory {
        /// Which log.
        origin: String,
        /// What is wrong.
        #[source]
        source: NoteError,
    },
}

#[cfg(test)]
mod tests;

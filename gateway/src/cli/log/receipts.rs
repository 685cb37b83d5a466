//! `kelisim log proof`, `verify-proof` and `keys`: proofs of single entries, and the keys that they rest on.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::{Answer, Common, Exit, Failure};
use crate::exchange_log::{Entry, ReceiptError, Wanted, make_key, read_keys, receipt_of};
use crate::transparency::key::Scheme;
use crate::transparency::policy::Policy;
use crate::transparency::receipt::Receipt;

#[derive(Args)]
#[command(after_help = "\
Example:
  kelisim log proof 019c1f6e-7d5a-7b3c-9a53-0b6f2f3f3a10 > exchange.tlog-proof

It prints a C2SP tlog-proof, with the entry in its second line, for the newest checkpoint that witnesses cosigned, or
the newest one. Whoever has it and the log's policy verifies it offline: `kelisim log verify-proof`.")]
pub(in crate::cli) struct ProofArgs {
    /// An exchange, an index, or what Kelisim-Entry said: origin/index
    #[arg(value_name = "ID")]
    id: String,
    /// The log's folder [default: that of the configuration]
    #[arg(long, value_name = "FOLDER")]
    log: Option<PathBuf>,
}

impl ProofArgs {
    pub(super) fn run(self, common: &Common) -> Result<Answer, Failure> {
        let wanted = wanted(&self.id).ok_or_else(|| {
            let what = format!("{} is no exchange, index, or origin/index", self.id);
            Failure::new(Exit::Usage, what, "take it from Kelisim-Exchange or Kelisim-Entry")
        })?;
        let dir = super::dir_or(self.log, common)?;
        let receipt = receipt_of(&dir, wanted).map_err(|error| {
            let (exit, todo) = match &error {
                ReceiptError::NotSealed { .. } => {
                    (Exit::Refused, "an entry is sealed within a second or so: try again")
                }
                ReceiptError::Pruned { .. } => {
                    (Exit::Refused, "bring it back first: `kelisim log restore-archive`")
                }
                ReceiptError::NoSuchExchange(_) => (Exit::Refused, "see `kelisim log search`"),
                ReceiptError::Io { .. } | ReceiptError::Note { .. } => {
                    (Exit::Environment, "name the folder of a log that was sealed")
                }
                ReceiptError::Search(_) | ReceiptError::Tile(_) => {
                    (Exit::Environment, "run `kelisim log verify`")
                }
            };
            Failure::of(exit, &error, todo)
        })?;
        if let Some((origin, _)) = self.id.rsplit_once('/')
            && receipt.note.text().lines().next() != Some(origin)
        {
            let what = format!("the log in {} is not {origin}", dir.display());
            return Err(Failure::new(Exit::Refused, what, "ask where that log is: each node has its own"));
        }
        let text = receipt.to_string();
        Ok(Answer::new(json!({ "index": receipt.index, "proof": text }), text))
    }
}

fn wanted(id: &str) -> Option<Wanted> {
    if let Ok(exchange) = id.parse::<Uuid>() {
        return Some(Wanted::Exchange(exchange));
    }
    // An origin may have slashes of its own.
    let index = id.rsplit_once('/').map_or(id, |(_, index)| index);
    index.parse().ok().map(Wanted::Index)
}

#[derive(Args)]
#[command(after_help = "\
Example:
  kelisim log verify-proof exchange.tlog-proof --policy log.policy

It needs no configuration and no network: the policy (C2SP tlog-policy) says whose signatures count. Ends with 1 if the
proof shows nothing.")]
pub(in crate::cli) struct VerifyProofArgs {
    /// The proof; - for standard input
    #[arg(value_name = "FILE")]
    proof: PathBuf,
    /// Whose signatures count [default: log.policy of the data folder]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The entry, its line as it stands in the log [default: the one in the proof]
    #[arg(long, value_name = "FILE")]
    entry: Option<PathBuf>,
    /// Where the entry must be, as Kelisim-Entry said
    #[arg(long, value_name = "ORIGIN/INDEX")]
    place: Option<String>,
}

impl VerifyProofArgs {
    pub(super) fn run(self, common: &Common) -> Result<Answer, Failure> {
        let policy = read_policy(self.policy.as_deref(), common)?;
        let malformed = |error: &dyn std::error::Error| {
            Failure::of(Exit::Refused, error, "ask for the proof again: `kelisim log proof`")
        };
        let receipt = Receipt::parse(&read(&self.proof)?).map_err(|error| malformed(&error))?;
        let entry = match (&self.entry, &receipt.extra) {
            (Some(file), _) => read(file)?.trim_ascii_end().to_vec(),
            (None, Some(entry)) => entry.clone(),
            (None, None) => {
                return Err(Failure::new(
                    Exit::Usage,
                    "the proof does not bring its entry",
                    "name it with --entry",
                ));
            }
        };
        let accepted = match receipt.verify(&entry, &policy) {
            Ok(accepted) => accepted,
            Err(error) => {
                let what = crate::telemetry::chain(&error);
                let json = json!({ "proven": false, "problem": what });
                return Ok(Answer::new(json, format!("NOT PROVEN: {what}\n")).negative());
            }
        };
        let place = format!("{}/{}", accepted.checkpoint.origin, receipt.index);
        if let Some(named) = self.place.filter(|named| *named != place) {
            let json = json!({ "proven": false, "problem": "another place", "entry": place });
            return Ok(
                Answer::new(json, format!("NOT PROVEN: it is entry {place}, not {named}\n")).negative()
            );
        }
        let said: Value = serde_json::from_slice(&entry).unwrap_or_default();
        let mut text =
            format!("PROVEN: entry {place}, in the tree of {} entries\n", accepted.checkpoint.size);
        for (name, seconds) in &accepted.cosigned {
            let at =
                i64::try_from(*seconds).ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
            text.push_str(&format!(
                "seen by {name} at {}\n",
                at.map(|at| at.to_string()).unwrap_or_default()
            ));
        }
        if let Some(entry) = Entry::parse(&entry) {
            text.push_str(&format!("{}\n", super::line(&entry)));
        }
        let cosigned: Vec<Value> = accepted
            .cosigned
            .iter()
            .map(|(name, at)| json!({ "witness": name.as_str(), "at": at }))
            .collect();
        let json = json!({
            "proven": true,
            "entry": place,
            "size": accepted.checkpoint.size,
            "cosigned": cosigned,
            "says": said,
        });
        Ok(Answer::new(json, text))
    }
}

/// The policy in a file, or that of the data folder.
pub(super) fn read_policy(file: Option<&Path>, common: &Common) -> Result<Policy, Failure> {
    let path = match file {
        Some(file) => file.to_owned(),
        None => common.folder().dir().join("log.policy"),
    };
    let text = String::from_utf8_lossy(&read(&path)?).into_owned();
    text.parse().map_err(|error| {
        let what = format!("{}: {error}", path.display());
        Failure::new(Exit::Environment, what, "correct the policy (C2SP tlog-policy), or fetch it again")
    })
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        io::stdin().take(MOST_BYTES).read_to_end(&mut bytes)
    } else {
        fs::File::open(path).and_then(|file| file.take(MOST_BYTES).read_to_end(&mut bytes))
    };
    read.map_err(|error| {
        let what = format!("cannot read {}: {error}", path.display());
        Failure::new(Exit::Environment, what, "name a file that is there and may be read")
    })?;
    Ok(bytes)
}

#[derive(Args)]
#[command(after_help = "\
Example:
  kelisim log keys > log.policy

It prints the log's public keys as a policy that asks for no witness. With --make, keys that log.keys names and that
are not there are made: the first as Ed25519, others as ML-DSA-44.")]
pub(in crate::cli) struct KeysArgs {
    /// Make those that are missing
    #[arg(long)]
    make: bool,
}

impl KeysArgs {
    pub(super) fn run(self, common: &Common) -> Result<Answer, Failure> {
        let config = common.config()?;
        let paths: Vec<PathBuf> = config.log.keys.iter().map(|path| config.path(path)).collect();
        let fail = |error: &dyn std::error::Error| {
            Failure::of(Exit::Environment, error, "restore the keys, or make missing ones with --make")
        };
        for (at, path) in paths.iter().enumerate().filter(|(_, path)| self.make && !path.exists()) {
            let scheme = if at == 0 { Scheme::Ed25519 } else { Scheme::CosignatureMlDsa44 };
            let (_, text) = make_key(&config.log.origin, scheme).map_err(|error| fail(&error))?;
            let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
            made.and_then(|mut file| writeln!(file, "{text}").and_then(|()| file.sync_all()))
                .map_err(|error| fail(&error))?;
        }
        let keys = read_keys(&paths, &config.log.origin).map_err(|error| fail(&error))?;
        let keys: Vec<String> = keys.iter().map(|key| key.verifier().to_string()).collect();
        let text: String = keys.iter().map(|key| format!("log {key}\n")).collect();
        Ok(Answer::new(json!({ "origin": config.log.origin, "keys": keys }), format!("{text}quorum none\n")))
    }
}

const MOST_BYTES: u64 = 1 << 20;

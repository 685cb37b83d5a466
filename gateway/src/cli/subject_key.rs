//! `kelisim subject-key`: keys of subjects' hashes, of which the operator and the regulator each hold half.

use std::path::{Path, PathBuf};

use agreements::{almaty, is_iin};
use clap::{Subcommand, ValueEnum};
use jiff::civil::Date;
use serde_json::json;

use super::table::Table;
use super::{Answer, Common, Exit, Failure};
use crate::clock;
use crate::config::Config;
use crate::exchange::subject::SubjectKey;
use crate::subject_keys::{Begun, Party, RingError, Share, ShareError, Shares, SubjectKeys};

#[derive(Subcommand)]
pub(super) enum SubjectKeyCommand {
    /// Make one party's share of a period's key; needs no data folder
    #[command(after_help = "\
Example:
  kelisim subject-key share --party regulator --from 2027-01-01 --out 2027-01-01.regulator.share

Each party makes its own, on a machine of its own, and keeps it for as long as entries of the period are kept.")]
    Share {
        /// Whose it is
        #[arg(long)]
        party: Who,
        /// The first day of the period
        #[arg(long, value_name = "DATE")]
        from: Date,
        /// The new file
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Make a period's key of both shares, for the gateway, until the next period begins
    #[command(after_help = "\
Example:
  kelisim subject-key begin 2027-01-01.operator.share 2027-01-01.regulator.share

With both parties present: the gateway hashes with the key from the period's first day on, and removes it when the next
period began. From then on only both shares together find a person in the entries of the period.")]
    Begin {
        /// Both shares
        #[arg(value_name = "SHARE", num_args = 2)]
        shares: Vec<PathBuf>,
    },
    /// List periods, and whether the gateway has their keys
    #[command(after_help = "Example:\n  kelisim subject-key list")]
    List,
    /// Print the hashes that entries have of an identifier, as a search over the API takes them
    #[command(after_help = "\
Example:
  kelisim subject-key hash 860101300126 --share 2027-01-01.operator.share --share 2027-01-01.regulator.share")]
    Hash {
        /// The identifier
        identifier: String,
        /// Both shares of each period that is asked about
        #[arg(long = "share", value_name = "FILE")]
        shares: Vec<PathBuf>,
    },
}

/// A party, on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Who {
    /// Who runs the gateway
    Operator,
    /// Who supervises it
    Regulator,
}

pub(super) fn run(common: &Common, command: SubjectKeyCommand) -> Result<Answer, Failure> {
    match command {
        SubjectKeyCommand::Share { party, from, out } => {
            let party = match party {
                Who::Operator => Party::Operator,
                Who::Regulator => Party::Regulator,
            };
            Share::fresh(from, party)?.write(&out)?;
            let text = format!("{} holds the {party}'s share of the period from {from} on\n", out.display());
            Ok(Answer::new(json!({ "share": out, "party": party.to_string(), "from": from }), text))
        }
        SubjectKeyCommand::Begin { shares } => {
            let config = common.config()?;
            let [pair] = &pairs(&shares)?[..] else {
                return Err(Failure::new(Exit::Usage, "one period begins at a time", "name its two shares"));
            };
            let today = clock::now().to_zoned(almaty()).date();
            let begun = SubjectKeys::begin(&config.path(&config.identity.subject_keys), pair, today)?;
            let text = format!("subjects are hashed with this key from {} on\n", begun.from);
            Ok(Answer::new(json!({ "from": begun.from, "check": begun.check }), text))
        }
        SubjectKeyCommand::List => {
            let config = common.config()?;
            let dir = config.path(&config.identity.subject_keys);
            let mut table = Table::new(["FROM", "KNOWN BY", "KEY"]);
            let mut listed = Vec::new();
            for one in begun(&dir)? {
                let there = dir.join(format!("{}.key", one.from)).exists();
                let key = if there { "the gateway has it" } else { "both shares only" };
                table.row([one.from.to_string(), one.check.clone(), key.to_owned()]);
                listed.push(json!({ "from": one.from, "check": one.check, "key": there }));
            }
            Ok(Answer::new(json!(listed), table.to_string()))
        }
        SubjectKeyCommand::Hash { identifier, shares } => {
            let hashes = hashes(&common.config()?, &identifier, &shares)?;
            Ok(Answer::new(json!(hashes), hashes.join(",")))
        }
    }
}

/// The hashes of an identifier: with the key that the gateway has alone, which counted before the first period, and with
/// those of the periods whose shares are named.
pub(super) fn hashes(config: &Config, identifier: &str, shares: &[PathBuf]) -> Result<Vec<String>, Failure> {
    if !is_iin(identifier) {
        // D4: the text itself is repeated nowhere.
        let what = "that is no IIN: it has not twelve digits, or its check digit or its date is wrong";
        return Err(Failure::new(Exit::Usage, what, "give the IIN as it stands in the person's papers"));
    }
    let dir = config.path(&config.identity.subject_keys);
    let pairs = pairs(shares)?;
    let mut hashes = Vec::new();
    for one in begun(&dir)? {
        match pairs.iter().find(|pair| pair.from() == one.from) {
            Some(pair) if pair.check() != one.check => return Err(ShareError::Other(one.from).into()),
            Some(pair) => hashes.push(pair.hash(identifier)),
            None => {
                eprintln!("not looked for from {} on: name both shares of that period with --share", one.from)
            }
        }
    }
    match SubjectKey::from_file(&config.path(&config.identity.subject_key)) {
        Ok(alone) => hashes.push(alone.hash(identifier)),
        Err(error) if hashes.is_empty() => return Err(error.into()),
        Err(_) => eprintln!("not looked for before the first period: the operator's own key is not here"),
    }
    Ok(hashes)
}

fn pairs(shares: &[PathBuf]) -> Result<Vec<Shares>, Failure> {
    let read: Result<Vec<_>, _> = shares.iter().map(|path| Share::read(path)).collect();
    Ok(Shares::pair(read?)?)
}

fn begun(dir: &Path) -> Result<Vec<Begun>, Failure> {
    let read = Begun::list(dir).map_err(|source| RingError::Io { path: dir.to_owned(), source });
    Ok(read?)
}

impl From<ShareError> for Failure {
    fn from(error: ShareError) -> Self {
        let (exit, todo) = match &error {
            ShareError::File(_) | ShareError::NotAShare(_) => {
                (Exit::Environment, "name the file that `kelisim subject-key share` made, with mode 600")
            }
            ShareError::Io { .. } => (Exit::Environment, "name a new file"),
            ShareError::NoRandomness => (Exit::Environment, "look at the machine"),
            ShareError::NotBoth(_) => {
                (Exit::Usage, "name the operator's and the regulator's share of each period")
            }
            ShareError::Other(_) => (Exit::Refused, "find the shares with which the period was begun"),
        };
        Self::of(exit, &error, todo)
    }
}

impl From<RingError> for Failure {
    fn from(error: RingError) -> Self {
        let (exit, todo) = match &error {
            RingError::Io { .. } | RingError::Key(_) => {
                (Exit::Environment, "see identity.subject_keys in the configuration, and who may use it")
            }
            RingError::Begun(_) => (Exit::Refused, "see `kelisim subject-key list`"),
            RingError::Over(_) => (Exit::Refused, "begin a period today or later"),
        };
        Self::of(exit, &error, todo)
    }
}

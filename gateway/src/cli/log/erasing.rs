//! `kelisim log erase`: officials, addresses and cases erased by destroying the key that they were sealed with.

use clap::Args;
use jiff::Timestamp;
use serde_json::json;

use super::super::desk::Desk;
use super::super::progress::Progress;
use super::super::table::Table;
use super::super::{Answer, Common, Exit, Failure};
use super::keeping::{retention, write_down};
use crate::clock;
use crate::exchange_log::keeping::{Archive, blocks_erasure};
use crate::personal::{KeyState, PersonalError};

#[derive(Args)]
#[command(after_help = "\
Example:
  kelisim log erase
  kelisim log erase confidential-2021-03 --reason 'retention ended'

Without a key it lists those that there are, one for each class and month. What a key sealed is erased in every copy of
the log, the archive too, and every proof stays true. It is refused as long as an entry that it sealed is to be kept, or
is held by the regulator; what was pruned is read from the archive for that. Copies of the key elsewhere are not reached: keep keys/personal out of long-lived backups.")]
pub(in crate::cli) struct EraseArgs {
    /// The key, as listed
    key: Option<String>,
    /// Only say whether it may be destroyed
    #[arg(long, requires = "key")]
    dry_run: bool,
}

impl EraseArgs {
    pub(super) fn run(self, common: &Common) -> Result<Answer, Failure> {
        let desk = Desk::open(common)?;
        let keys = super::personal(&desk.config)?;
        let Some(key) = self.key else {
            let mut table = Table::new(["KEY", "STATE"]);
            let mut listed = Vec::new();
            for (id, state) in keys.list() {
                let word = match state {
                    KeyState::Here => "here",
                    KeyState::Erased => "erased",
                };
                listed.push(json!({ "key": id, "state": word }));
                table.row([id, word.to_owned()]);
            }
            return Ok(Answer::new(json!(listed), table.to_string()));
        };
        let now = clock::now();
        keys.may_erase(&key, now)?;
        let dir = desk.config.path(&desk.config.log.dir);
        let log = &desk.config.log;
        let archive = || Archive::open(&desk.config.archive(), &log.origin);
        let sought = (key.as_str(), keys.begins(&key).unwrap_or(Timestamp::MIN));
        let rules = retention(&desk, now)?;
        let blocks = blocks_erasure(&dir, sought, archive, &rules, &mut Progress::default().told())?;
        if let Some(blocks) = blocks {
            let json = json!({ "key": key, "erased": false, "blocked_by": blocks.to_string() });
            return Ok(Answer::new(json, format!("{key} stays: {blocks}\n")).negative());
        }
        if self.dry_run {
            let json = json!({ "key": key, "erased": false });
            return Ok(Answer::new(json, format!("{key} may be destroyed\n")));
        }
        if common.reason.trim().is_empty() {
            return Err(Failure::new(
                Exit::Usage,
                "nothing is erased without a reason",
                "say why with --reason TEXT",
            ));
        }
        write_down(common, &desk.config, "erase", &json!({ "key": key }))?;
        keys.erase(&key, now)?;
        let text = format!("{key} is destroyed: officials, addresses and cases that it sealed are erased\n");
        Ok(Answer::new(json!({ "key": key, "erased": true }), text))
    }
}

impl From<PersonalError> for Failure {
    fn from(error: PersonalError) -> Self {
        let (exit, todo) = match &error {
            PersonalError::Io { .. } | PersonalError::Key(_) | PersonalError::NoRandomness => {
                (Exit::Environment, "see log.keeping.personal_keys in the configuration, and who may use it")
            }
            PersonalError::Unknown(_) => (Exit::Refused, "see `kelisim log erase`: it lists the keys"),
            PersonalError::InUse(_) => (Exit::Refused, "wait until its month is over"),
        };
        Self::of(exit, &error, todo)
    }
}

//! `kelisim certs renew-gateway`: the gateway's own certificate anew, from the trial authority.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use certs::authority::SystemRequest;
use certs::keys::Identity;
use clap::Args;
use serde_json::json;

use crate::cli::table::facts;
use crate::cli::{Answer, Common, Exit, Failure};
use crate::clock;

#[derive(Args)]
#[command(after_help = "\
Example:
  kelisim certs renew-gateway --dir trial

A new key and certificate take the places that [identity] names; what was there is kept beside them as .old. The
gateway reads them when it starts: restart it. Names are those of the old certificate unless --name is given.")]
pub(crate) struct RenewGateway {
    /// A DNS name or address of the gateway, in place of the old ones; as often as needed
    #[arg(long = "name", value_name = "NAME")]
    names: Vec<String>,
    /// How long it lasts
    #[arg(long, default_value_t = 365)]
    days: u16,
}

impl RenewGateway {
    pub(crate) fn run(self, common: &Common) -> Result<Answer, Failure> {
        let config = common.config()?;
        let folder = common.folder();
        let (chain, key) = (config.path(&config.identity.certificate), config.path(&config.identity.key));
        let old = Identity::from_files(&chain, &key).map_err(|error| {
            Failure::of(
                Exit::Environment,
                &error,
                "run `kelisim check-config`: it says what [identity] lacks",
            )
        })?;
        let subject = old.subject();
        let (Some(code), Some(bin), Some(organisation)) =
            (subject.common_name, subject.bin, subject.organisation)
        else {
            let what =
                format!("the gateway's certificate names no organisation of ours: {}", subject.display);
            return Err(Failure::new(Exit::Refused, what, FOREIGN));
        };
        let authority = folder.authority().map_err(|error| Failure::of(Exit::Refused, &error, FOREIGN))?;
        let names = if self.names.is_empty() { old.names() } else { self.names };
        let request = SystemRequest { code, bin, organisation, names: names.clone(), days: self.days };
        let issued = authority.issue_system(&request, clock::now())?;
        let kept = folder.keep("gateway.new", &issued).map_err(|error| {
            Failure::of(Exit::Environment, &error, "see who may write to the data folder's keys")
        })?;
        let stuck = |error: io::Error| {
            let todo = "the new pair is keys/gateway.new.pem and .key, the old one stands beside its place as .old: put one \
                        of them there whole";
            Failure::of(Exit::Environment, &error, todo)
        };
        let (new_chain, new_key) = kept;
        for path in [&chain, &key] {
            beside(path, "old").map_err(stuck)?;
        }
        // A start between these two says that certificate and key do not belong together; both pairs are there.
        fs::rename(&new_key, &key).and_then(|()| fs::rename(&new_chain, &chain)).map_err(stuck)?;
        for path in [&chain, &key] {
            let folder = path.parent().unwrap_or(Path::new("."));
            fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(stuck)?;
        }
        let text = facts([
            ("certificate", chain.display().to_string()),
            ("key", key.display().to_string()),
            ("names", names.join(", ")),
            ("fingerprint", issued.fingerprint.to_string()),
            ("until", issued.not_after.to_string()),
            ("next", "restart the gateway; tell those who know the old fingerprint by heart".to_owned()),
        ]);
        let json = json!({
            "certificate": chain,
            "key": key,
            "names": names,
            "fingerprint": issued.fingerprint,
            "serial": issued.serial,
            "not_after": issued.not_after,
        });
        Ok(Answer::new(json, text))
    }
}

/// Keeps a file under another name, too.
fn beside(path: &Path, ending: &str) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{ending}"));
    let kept = PathBuf::from(name);
    match fs::remove_file(&kept) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::hard_link(path, kept)
}

const FOREIGN: &str = "this is for folders with a trial authority: have the authority that issued the certificate issue \
                       another; see operations.md, 'Changing keys and certificates'";

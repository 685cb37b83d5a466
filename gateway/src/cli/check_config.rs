//! `kelisim check-config`: the loader of `run`, and a look at everything that the configuration names.

use std::error::Error;
use std::path::Path;

use certs::keys::Identity;
use certs::trust::{Purpose, Trust};
use serde::Serialize;
use serde_json::json;

use super::table::Table;
use super::{Answer, Common, Failure};
use crate::clock;
use crate::config::Config;
use crate::exchange::subject::SubjectKey;
use crate::registry::Commands;
use crate::registry::sqlite::SqliteStore;
use crate::subject_keys::{Begun, RingError, SubjectKeys};
use crate::telemetry::chain;
use crate::trusted::TrustFiles;

pub(super) const AFTER_HELP: &str = "\
Example:
  kelisim check-config --config /etc/kelisim/kelisim.toml

Ends with 3 if there is a problem. It changes nothing, and a gateway may run meanwhile.";

/// What was found of one part.
#[derive(Serialize)]
struct Found {
    part: &'static str,
    fine: bool,
    what: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    todo: &'static str,
}

pub(super) fn run(common: &Common) -> Result<Answer, Failure> {
    let config = common.config()?;
    let found = [identity(&config), subject_key(&config), trust(&config), registry(&config), log(&config)];
    let mut table = Table::new(["PART", "", "WHAT"]);
    for part in &found {
        table.row([part.part.into(), if part.fine { "ok" } else { "!!" }.into(), part.what.clone()]);
    }
    let mut text = table.to_string();
    for part in found.iter().filter(|part| !part.fine) {
        text.push_str(&format!("\n{}: {}\n", part.part, part.todo));
    }
    let fine = found.iter().all(|part| part.fine);
    let file = common.config_path();
    let json = json!({ "config": file, "environment": config.environment, "fine": fine, "parts": found });
    let answer = Answer::new(json, text);
    Ok(if fine { answer } else { answer.unfit() })
}

fn identity(config: &Config) -> Found {
    let identity = &config.identity;
    let read = Identity::from_files(&config.path(&identity.certificate), &config.path(&identity.key));
    let now = clock::now();
    if let (Ok(identity), Ok(set)) = (&read, TrustFiles::of(config).load(now)) {
        // Systems that trust whom we trust would say so.
        if let Err(untrusted) = Trust::new(set).verify(identity.certificates(), Purpose::Server, now) {
            let what = format!("systems would not accept the certificate: {}", chain(&untrusted));
            return problem("identity", what, "renew the gateway's certificate, or complete [trust]");
        }
    }
    let told = read.map(|identity| {
        format!(
            "certificate {} with its key, {} in the chain",
            identity.fingerprint(),
            identity.certificates().len()
        )
    });
    let todo = "put the certificate chain and its key where [identity] says, the key with mode 600";
    found("identity", told, todo)
}

fn subject_key(config: &Config) -> Found {
    let read = SubjectKey::from_file(&config.path(&config.identity.subject_key));
    let todo = "restore the key from its backup; a new one breaks the link to earlier entries (32 random bytes, \
                mode 600)";
    let alone = match read {
        Ok(alone) => alone,
        Err(error) => return problem("subject key", chain(&error), todo),
    };
    let dir = config.path(&config.identity.subject_keys);
    let opened = SubjectKeys::open(alone, &dir)
        .and_then(|_| Begun::list(&dir).map_err(|source| RingError::Io { path: dir.clone(), source }));
    let told = opened.map(|begun| match begun.last() {
        None => "held by the operator alone: see `kelisim subject-key`".to_owned(),
        Some(last) => format!("periods begun by both parties: {}, the newest on {}", begun.len(), last.from),
    });
    found("subject key", told, todo)
}

fn trust(config: &Config) -> Found {
    let now = clock::now();
    let set = match TrustFiles::of(config).load(now) {
        Ok(set) => set,
        Err(error) => {
            return problem("trust", chain(&error), "put the authorities' files where [trust] says");
        }
    };
    let (lists, revoked) =
        set.crls().iter().fold((0, 0), |(lists, revoked), crl| (lists + 1, revoked + crl.revoked_count()));
    if let Some(unusable) = set.unusable().first() {
        let what = format!("revocation list {} settles nothing: {}", unusable.index + 1, unusable.fault);
        return problem(
            "trust",
            what,
            "fetch the list again, and its issuer's certificate into trust.issuing",
        );
    }
    match set.crls_end() {
        Some(end) if end <= now => {
            let what = format!("a revocation list ended at {end}");
            problem("trust", what, "fetch new lists; for a trial authority: `kelisim certs crl --renew`")
        }
        end => {
            let end = end.map_or("no end".into(), |end| end.to_string());
            let what = format!("{lists} revocation lists with {revoked} certificates, until {end}");
            Found { part: "trust", fine: true, what, todo: "" }
        }
    }
}

fn registry(config: &Config) -> Found {
    let path = config.path(&config.registry.path);
    let todo = "make the folder with `kelisim init`, or restore the registry from its backup";
    if !path.is_file() {
        return problem("registry", format!("there is no {}", path.display()), todo);
    }
    let opened = SqliteStore::open(&path).map_err(crate::registry::Failure::from);
    let told = opened.and_then(|store| Commands::open(Box::new(store))).map(|commands| {
        let registry = commands.registry();
        let (systems, agreements) = (registry.systems().count(), registry.agreements().count());
        format!("revision {}, {systems} systems, {agreements} versions of agreements", registry.revision())
    });
    found("registry", told, todo)
}

fn log(config: &Config) -> Found {
    let dir = config.path(&config.log.dir);
    let todo = "give the gateway's user a folder that it may write to, on a disk of its own";
    let told = match std::fs::metadata(&dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => writable(parent(&dir)),
        Err(error) => Err(error),
        Ok(meta) if meta.is_dir() => writable(&dir),
        Ok(_) => Err(std::io::ErrorKind::NotADirectory.into()),
    };
    found("log", told.map(|()| format!("{} in {}", config.log.origin, dir.display())), todo)
}

fn parent(dir: &Path) -> &Path {
    dir.parent().unwrap_or(Path::new("."))
}

fn writable(dir: &Path) -> std::io::Result<()> {
    Ok(rustix::fs::access(dir, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK)?)
}

fn found<E: Error>(part: &'static str, told: Result<String, E>, todo: &'static str) -> Found {
    match told {
        Ok(what) => Found { part, fine: true, what, todo: "" },
        Err(error) => problem(part, chain(&error), todo),
    }
}

fn problem(part: &'static str, what: String, todo: &'static str) -> Found {
    Found { part, fine: false, what, todo }
}

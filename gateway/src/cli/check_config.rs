//! `kelisim check-config`: the loader of `run`, and a look at everything that the configuration names.

mod faces;
mod record;

use std::error::Error;
use std::path::Path;

use agreements::Phase;
use certs::keys::Identity;
use certs::trust::{Purpose, Trust};
use serde::Serialize;
use serde_json::json;

use super::table::{Table, moment};
use super::{Answer, Common, Failure};
use crate::api::access::AccessStore;
use crate::app::stamping_config;
use crate::clock;
use crate::config::{Config, WhenSilent};
use crate::cryptography::{Cryptography, Standing};
use crate::ends::{End, Nearness, days};
use crate::exchange::subject::SubjectKey;
use crate::exchange_log::keeping::Place;
use crate::exchange_log::read_keys;
use crate::national::NationalService;
use crate::office::Folder;
use crate::personal::PersonalKeys;
use crate::registry::Commands;
use crate::registry::sqlite::SqliteStore;
use crate::subject_keys::{Begun, RingError, SubjectKeys};
use crate::telemetry::chain;
use crate::trusted::TrustFiles;
use crate::witness::went_back;

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
    /// What somebody should see to, though the gateway runs as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    remark: Option<String>,
    #[serde(skip_serializing_if = "str::is_empty")]
    todo: &'static str,
}

impl Found {
    fn remarking(mut self, remark: Option<String>) -> Self {
        self.remark = self.remark.or(remark).filter(|_| self.fine);
        self
    }

    fn sign(&self) -> &'static str {
        match (self.fine, &self.remark) {
            (true, None) => "ok",
            (true, Some(_)) => "!",
            (false, _) => "!!",
        }
    }
}

pub(super) fn run(common: &Common) -> Result<Answer, Failure> {
    let config = common.config()?;
    let mut found = vec![
        identity(&config),
        subject_key(&config),
        trust(&config),
        registry(&config),
        record::log(&config),
        log_keys(&config),
        personal_keys(&config),
        time_stamps(&config),
        national_signatures(&config),
        index(&config),
        witnesses(&config),
        api(&config),
        access(&config),
        record::repeats(&config),
        faces::addresses(&config),
        faces::stop(&config),
        faces::clock(&config),
        faces::scanner(&config),
        cryptography(&config),
    ];
    found.extend(bucket(&config));
    let mut table = Table::new(["PART", "", "WHAT"]);
    for part in &found {
        table.row([part.part.into(), part.sign().into(), part.what.clone()]);
    }
    let mut text = table.to_string();
    for part in found.iter().filter(|part| !part.fine) {
        text.push_str(&format!("\n{}: {}\n", part.part, part.todo));
    }
    for (part, remark) in found.iter().filter_map(|part| Some((part.part, part.remark.as_ref()?))) {
        text.push_str(&format!("\n{part}: {remark}\n"));
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
    let near = read.as_ref().ok().and_then(|identity| {
        let end = End::of_certificate("the gateway's certificate", identity);
        remark_on(config, [end])
    });
    let told = read.map(|identity| {
        format!(
            "certificate {} with its key, {} in the chain, until {}",
            identity.fingerprint(),
            identity.certificates().len(),
            moment(identity.period().until)
        )
    });
    let todo = "put the certificate chain and its key where [identity] says, the key with mode 600";
    found("identity", told, todo).remarking(near)
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
            let near = remark_on(config, End::of_trust(&set, now));
            found::<std::io::Error>("trust", Ok(what), "").remarking(of_trial(config)).remarking(near)
        }
    }
}

/// That something of these ends soon, the first of them.
fn remark_on(config: &Config, ends: impl IntoIterator<Item = End>) -> Option<String> {
    let (now, warn) = (clock::now(), days(config.trust.warn_days));
    let near = ends.into_iter().filter(|end| end.nearness(now, warn) != Nearness::Far);
    let first = near.min_by_key(|end| end.until)?;
    Some(format!("{first}: see operations.md, 'Changing keys and certificates'"))
}

/// That a gateway in production believes the authority whose keys lie in its own folder.
fn of_trial(config: &Config) -> Option<String> {
    let own = std::fs::read_to_string(Folder::at(&config.base).authority_path().join("root.pem")).ok()?;
    let believed = std::fs::read_to_string(config.path(&config.trust.anchors)).ok()?;
    let trusts_itself = config.environment == Phase::Production && believed.contains(own.trim());
    trusts_itself.then(|| {
        "the environment is production, and the trial authority of this folder is believed: whoever has the folder can \
         issue certificates to anybody; put the state authority's into [trust], and the authority folder away"
            .to_owned()
    })
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

fn log_keys(config: &Config) -> Found {
    let log = &config.log;
    let paths: Vec<_> = log.keys.iter().map(|path| config.path(path)).collect();
    let todo = "restore the log's keys, mode 600; `kelisim log keys --make` makes those of a new log";
    let read = match read_keys(&paths, &log.origin) {
        Ok(keys) => keys,
        Err(error) => return problem("log keys", chain(&error), todo),
    };
    let outside = config.path(&log.last_checkpoint);
    let told = writable(parent(&outside))
        .map(|()| format!("{} keys; the newest checkpoint is kept in {} too", read.len(), outside.display()));
    found("log keys", told, "give log.last_checkpoint a folder that the gateway's user may write to")
}

fn index(config: &Config) -> Found {
    let (log, todo) =
        (&config.log, "give log.index and log.searches folders that the gateway's user may write to");
    let searches = config.path(&log.searches);
    let told = writable(parent(&searches)).and_then(|()| match &log.index {
        None => Ok("none: searches read the whole log".to_owned()),
        Some(path) => {
            let path = config.path(path);
            writable(if path.exists() { &path } else { parent(&path) })?;
            let state = if path.exists() { "there" } else { "made when the gateway starts" };
            Ok(format!("{}, {state}", path.display()))
        }
    });
    found("index", told, todo)
}

/// The archive, if it is a bucket; a folder is made when something goes there.
fn bucket(config: &Config) -> Option<Found> {
    let Place::Bucket(bucket) = config.archive() else { return None };
    let told =
        bucket.check().map(|()| format!("the bucket {} at {}, not asked now", bucket.name, bucket.endpoint));
    Some(found("archive", told, "see [log.keeping.s3]: the key in its file, mode 600, or in the environment"))
}

fn personal_keys(config: &Config) -> Found {
    let keeping = &config.log.keeping;
    let dir = config.path(&keeping.personal_keys);
    let todo = "restore the keys from their backup, or give log.keeping.personal_keys a folder that the gateway's user \
                may write to, with mode 700";
    let classes = keeping.classes().len();
    if let Err(error) = PersonalKeys::to_read(&dir) {
        return problem("personal keys", chain(&error), todo);
    }
    if classes == 0 {
        return found::<std::io::Error>("personal keys", Ok("nothing is sealed".to_owned()), todo);
    }
    // The next month's are made in time.
    let nearest = dir.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("."));
    let told =
        writable(nearest).map(|()| format!("{classes} classes of entries are sealed, in {}", dir.display()));
    found("personal keys", told, todo)
}

fn time_stamps(config: &Config) -> Found {
    let told = stamping_config(config).map(|stamping| match stamping {
        None => "none are asked for".to_owned(),
        Some(stamping) => format!("asked for at {}", stamping.authority),
    });
    let todo = "put the authority's root certificate where log.time_stamps.anchors says, its address in \
                log.time_stamps.authority";
    found("time stamps", told, todo)
}

fn national_signatures(config: &Config) -> Found {
    let told = NationalService::look(config).map(|place| match place {
        None => "refused: no service verifies them".to_owned(),
        Some(place) => format!("verified by {place}"),
    });
    let todo = "put the certificate chain, its key with mode 600, and the authorities' files where [national_signatures] \
                says, or leave those keys out";
    found("national signatures", told, todo)
}

fn api(config: &Config) -> Found {
    let told = match (&config.api.certificate, &config.api.key) {
        (Some(certificate), Some(key)) => Identity::from_files(&config.path(certificate), &config.path(key))
            .map(|identity| format!("certificate {} with its key", identity.fingerprint())),
        _ => Ok("the gateway's certificate".to_owned()),
    };
    found("API", told, "put the API's certificate chain and its key where [api] says, the key with mode 600")
}

fn access(config: &Config) -> Found {
    let path = config.path(&config.api.access);
    let todo = "give api.access a file in a folder that the gateway's user may write to, or restore it from its backup";
    let (exists, place) = if path.exists() { (true, path.as_path()) } else { (false, parent(&path)) };
    if path.is_dir() {
        return problem("access", format!("{} is a folder", path.display()), todo);
    }
    if let Err(error) = writable(place) {
        return problem("access", format!("{}: {error}", place.display()), todo);
    }
    let looked = if exists { AccessStore::look(&path) } else { Ok(()) };
    let state = if exists { "there" } else { "made when the gateway starts" };
    found("access", looked.map(|()| format!("{}, {state}", path.display())), todo)
}

fn cryptography(config: &Config) -> Found {
    let cryptography = Cryptography::of(&config.cryptography);
    let today = clock::today();
    let what = cryptography.told(today);
    let standing = cryptography.standing(today);
    match standing {
        Standing::Ended => {
            let todo =
                "have the tool confirmed anew, and put number, issuer and last day into [cryptography]";
            problem("cryptography", what, todo)
        }
        Standing::Unconfirmed | Standing::Confirmed | Standing::EndsIn(_) => {
            let soon = matches!(standing, Standing::EndsIn(_));
            let remark = soon.then(|| "its confirmation ends soon: have the tool confirmed anew".to_owned());
            Found { part: "cryptography", fine: true, what, remark, todo: "" }
        }
    }
}

fn witnesses(config: &Config) -> Found {
    let witnesses = &config.witnesses;
    if let Some(proof) = went_back(&config.path(&config.log.dir)) {
        let todo = "the gateway does not start: see \"When the log went back\" in operations.md";
        return problem("witnesses", format!("the log went back: {proof}"), todo);
    }
    let what = match (witnesses.list.len(), witnesses.when_silent) {
        (0, _) => "none: the operator alone vouches for the record".to_owned(),
        (count, WhenSilent::Report) => {
            format!("{} of {count} must cosign; silence is told", witnesses.quorum)
        }
        (count, WhenSilent::Refuse) => {
            format!("{} of {count} must cosign, or calls are refused", witnesses.quorum)
        }
    };
    found::<std::io::Error>("witnesses", Ok(what), "")
}

fn parent(dir: &Path) -> &Path {
    dir.parent().unwrap_or(Path::new("."))
}

/// Whether we may change what stands there: in a folder by entering it, too.
fn writable(path: &Path) -> std::io::Result<()> {
    use rustix::fs::Access;
    let access = if path.is_dir() { Access::WRITE_OK | Access::EXEC_OK } else { Access::WRITE_OK };
    Ok(rustix::fs::access(path, access)?)
}

fn found<E: Error>(part: &'static str, told: Result<String, E>, todo: &'static str) -> Found {
    match told {
        Ok(what) => Found { part, fine: true, what, remark: None, todo: "" },
        Err(error) => problem(part, chain(&error), todo),
    }
}

fn problem(part: &'static str, what: String, todo: &'static str) -> Found {
    Found { part, fine: false, what, remark: None, todo }
}

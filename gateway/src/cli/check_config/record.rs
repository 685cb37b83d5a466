//! What was recorded: the exchange log's end as a start would find it, and the store of repeats.

use std::fmt::Display;
use std::path::Path;

use super::{Found, found, parent, problem, writable};
use crate::config::Config;
use crate::exchange_log::{LogEnd, checkpoint_size, is_in_use};
use crate::office::Restored;
use crate::registry::Store as _;
use crate::registry::sqlite::SqliteStore;
use crate::repeats::Repeats;
use crate::telemetry::chain;

pub(super) fn log(config: &Config) -> Found {
    let dir = config.path(&config.log.dir);
    let todo = "give the gateway's user a folder that it may write to, on a disk of its own";
    let told = match std::fs::metadata(&dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => writable(parent(&dir)),
        Err(error) => Err(error),
        Ok(meta) if meta.is_dir() => writable(&dir),
        Ok(_) => Err(std::io::ErrorKind::NotADirectory.into()),
    };
    let place = format!("{} in {}", config.log.origin, dir.display());
    match (told, is_in_use(&dir)) {
        (Err(error), _) | (Ok(()), Err(error)) => problem("log", chain(&error), todo),
        // Who works on it read its end; what stands there now is about to be followed by more.
        (Ok(()), Ok(true)) => {
            found::<std::io::Error>("log", Ok(format!("{place}, a gateway works on it")), todo)
        }
        (Ok(()), Ok(false)) => match end(config, &dir) {
            Ok(entries) => found::<std::io::Error>("log", Ok(format!("{place}, {entries} entries")), todo),
            Err((what, todo)) => problem("log", what, todo),
        },
    }
}

/// How many entries there are, or why a gateway would not go on with them.
fn end(config: &Config, dir: &Path) -> Result<u64, (String, &'static str)> {
    let damaged =
        "the gateway does not start: run `kelisim log verify`, and see operations.md, 'When the log fails'";
    let unread = |error: std::io::Error| (chain(&error), damaged);
    let entries = match dir.is_dir() {
        true => LogEnd::checked(dir, &config.log.origin).map_err(|error| (chain(&error), damaged))?,
        false => 0,
    };
    let bring = "the gateway does not start: put the newest copy of the log's folder here, or name a new log with \
                 log.origin; see operations.md, 'What to keep'";
    Restored::look(config, entries).map_err(|error| (chain(&error), bring))?;
    let back = "the gateway does not start: see operations.md, 'When the log does not start, or closes, because of what \
                was signed'";
    let outside = config.path(&config.log.last_checkpoint);
    for path in [dir.join("checkpoint"), outside] {
        if let Some(known) = checkpoint_size(&path).map_err(unread)?.filter(|known| *known > entries) {
            let what =
                format!("{} knows {known} entries and the log has {entries}: it went back", path.display());
            return Err((what, back));
        }
    }
    let named = LogEnd::of(dir).map_err(unread)?.registry_revision;
    let registry =
        SqliteStore::open(&config.path(&config.registry.path)).and_then(|mut store| store.revision());
    match (named, registry) {
        (Some(named), Ok(registry)) if named > registry => {
            let what = went_back(&registry, &named);
            Err((what, "the gateway does not start: see operations.md, 'When the registry went back'"))
        }
        // A registry that cannot be read is told as its own part.
        _ => Ok(entries),
    }
}

fn went_back(registry: &dyn Display, named: &dyn Display) -> String {
    format!(
        "its entries were decided on revision {named}, and the registry is at {registry}: it is an older one"
    )
}

pub(super) fn repeats(config: &Config) -> Found {
    let path = config.path(&config.repeats.path);
    let todo = "give repeats.path a file in a folder that the gateway's user may write to; one that is damaged: see \
                operations.md, 'Repeats', before it is put away";
    let state = if path.exists() { "there" } else { "made when the gateway starts" };
    let place = if path.exists() { path.as_path() } else { parent(&path) };
    if let Err(error) = writable(place) {
        return problem("repeats", format!("{}: {error}", place.display()), todo);
    }
    found("repeats", Repeats::look(&path).map(|()| format!("{}, {state}", path.display())), todo)
}

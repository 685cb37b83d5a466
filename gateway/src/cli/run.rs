//! `kelisim run`: the gateway, until a signal ends it.

use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{info, warn};

use super::answer::print;
use super::{Answer, Common, Exit, Failure};
use crate::app::{App, AppError};
use crate::office::RestoredError;
use crate::telemetry;

pub(super) const AFTER_HELP: &str = "\
Example:
  kelisim run --config /etc/kelisim/kelisim.toml

Its addresses go to standard output when it serves, log lines to standard error. SIGTERM or SIGINT: it takes
no new exchange, finishes those under way, and ends with 0. A second one ends it at once.";

pub(super) fn run(common: &Common) -> Result<Answer, Failure> {
    let config = common.config()?;
    telemetry::start(&config.telemetry)
        .map_err(|error| Failure::of(Exit::Environment, error.as_ref(), "correct telemetry.level"))?;
    let machine = |error| Failure::of(Exit::Environment, &error, "look at the machine's limits");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(machine)?;
    let ended: Result<Answer, Failure> = runtime.block_on(async {
        // Before the start: who stops a gateway that is starting means it too.
        let mut terminate = signal(SignalKind::terminate()).map_err(machine)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(machine)?;
        let app =
            App::start(&config).map_err(|error| Failure::of(Exit::Environment, &error, todo(&error)))?;
        announce(&app, common.json);
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        info!("stopping: finishing exchanges under way");
        let stopping = tokio::task::spawn_blocking(move || app.stop());
        tokio::select! {
            _ = stopping => return Ok(Answer::silent()),
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        warn!("ended at once: exchanges under way will be called unknown");
        Ok(Answer::silent().negative())
    });
    // Does not wait for a stop that was cut short.
    runtime.shutdown_background();
    ended
}

fn announce(app: &App, as_json: bool) {
    let (exchange, api, operations) = (app.exchange_address(), app.api_address(), app.operations_address());
    let line = if as_json {
        json!({ "exchange": exchange, "api": api, "operations": operations }).to_string()
    } else {
        format!("serving systems on {exchange}, the API on {api}, operations on {operations}")
    };
    // A gateway serves, whether somebody reads this or not.
    let _ = print(&format!("{line}\n"));
}

fn todo(error: &AppError) -> &'static str {
    match error {
        AppError::Listen(..) => "free the address, or choose another in the configuration",
        AppError::Restored(error) => match error {
            RestoredError::LogMissing { .. } => {
                "put the newest copy of the log's folder where log.dir says; if there is none, name a new log with \
                 log.origin, and see operations.md, 'What to keep'"
            }
            RestoredError::Io { .. } | RestoredError::Unreadable { .. } => {
                "see that the gateway's user may read the file; it was written by `kelisim restore`"
            }
        },
        AppError::RegistryWentBack { .. } => {
            "put the newest registry in its place; if it is lost, see operations.md, 'When the registry went back'"
        }
        AppError::WentBack { .. } => {
            "see operations.md, 'The log went back': find out how, then move went-back out of the log's folder"
        }
        AppError::Courier(_) => "look at the machine's limits",
        AppError::Consents(_) | AppError::Volumes(_) => {
            "run `kelisim log verify`: it says where the log is damaged"
        }
        AppError::Log(_) => {
            "see that no other gateway uses the folder, then run `kelisim log verify`; a log that went back: see operations.md"
        }
        AppError::StampAnchors(..) => {
            "put the authority's root certificate where log.time_stamps.anchors says"
        }
        AppError::Repeats(_) => {
            "see that repeats.path and repeats.key in the configuration can be written; see operations.md, 'Repeats'"
        }
        AppError::LogKey(_) => {
            "restore the keys that log.keys names from their backup; a log that never had any: `kelisim log keys --make`"
        }
        AppError::Identity(_)
        | AppError::SubjectKey(_)
        | AppError::SubjectKeys(_)
        | AppError::PersonalKeys(_)
        | AppError::Trust(_)
        | AppError::Tls(_)
        | AppError::National(_)
        | AppError::Store(_)
        | AppError::Commands(_)
        | AppError::Access(_)
        | AppError::Registry(_) => "run `kelisim check-config`: it looks at each part and says what to do",
    }
}

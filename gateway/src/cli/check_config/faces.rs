//! Where the gateway will listen, how long it takes to stop, and whom it asks.

use std::io;
use std::time::Duration;

use super::{Found, found, problem};
use crate::addresses::free;
use crate::config::Config;
use crate::exchange_log::is_in_use;
use crate::telemetry::chain;

pub(super) fn addresses(config: &Config) -> Found {
    let (exchange, api, operations) = (config.exchange.listen, config.api.listen, config.operations.listen);
    let all = format!("systems at {exchange}, the API at {api}, operations at {operations}");
    // A gateway that runs on this folder has them.
    let runs = is_in_use(&config.path(&config.log.dir)).unwrap_or(false);
    for (key, at) in [("exchange", exchange), ("api", api), ("operations", operations)] {
        match free(at) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && runs => {}
            Err(error) => {
                let what = format!("{key}.listen = {at}: {}", chain(&error));
                return problem(
                    "addresses",
                    what,
                    "free the address, or choose another in the configuration",
                );
            }
        }
    }
    found::<io::Error>("addresses", Ok(all), "")
}

pub(super) fn stop(config: &Config) -> Found {
    let limits = &config.exchange.limits;
    let (drain, provider) = (limits.drain_timeout(), limits.provider_timeout());
    let what = format!("waits {} for exchanges under way", seconds(drain));
    let remark = (drain < provider).then(|| {
        format!(
            "providers may take {}: who still waits for one when the gateway stops is told that nobody knows; raise \
             exchange.limits.drain_timeout_ms, and what ends the process",
            seconds(provider)
        )
    });
    found::<io::Error>("stop", Ok(what), "").remarking(remark)
}

pub(super) fn clock(config: &Config) -> Found {
    let what = match config.clock.sources.len() {
        0 => "no source of time is asked".to_owned(),
        count => format!("{count} sources of time, not asked now: see `kelisim clock`"),
    };
    found::<io::Error>("clock", Ok(what), "")
}

pub(super) fn scanner(config: &Config) -> Found {
    let what = match &config.scanner.address {
        Some(address) => format!("clamd at {address}, not asked now"),
        None => "none: documents pass unscanned".to_owned(),
    };
    found::<io::Error>("scanner", Ok(what), "")
}

fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs_f64())
}

//! What the process says about itself: log lines and metrics. Evidence is in the exchange log, not here.

pub mod fields;
pub mod metrics;

use std::error::Error;

use tracing_subscriber::EnvFilter;

use crate::config::{LineFormat, TelemetryConfig};

/// Starts log lines on standard error.
///
/// # Errors
/// The filter cannot be read, or lines were started before.
pub fn start(config: &TelemetryConfig) -> Result<(), Box<dyn Error + Send + Sync>> {
    let lines = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_new(&config.level)?)
        .with_writer(std::io::stderr);
    match config.format {
        LineFormat::Json => lines.json().flatten_event(true).try_init(),
        LineFormat::Text => lines.try_init(),
    }
}

/// An error with all its causes, for one log line.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

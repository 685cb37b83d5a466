//! How far a long work is, for whoever waits at a terminal.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// Lines on standard error while something takes long; nothing where nobody watches.
pub(super) struct Progress {
    begun: Instant,
    told: Option<Instant>,
}

impl Default for Progress {
    fn default() -> Self {
        Self { begun: Instant::now(), told: None }
    }
}

impl Progress {
    /// Tells how many of all are done, every now and then.
    pub(super) fn told(mut self) -> impl FnMut(&str, u64, u64) {
        let watched = std::io::stderr().is_terminal();
        move |what, done, all| {
            let last = self.told.unwrap_or(self.begun);
            if watched && last.elapsed() >= PAUSE {
                self.told = Some(Instant::now());
                let percent = done.saturating_mul(100).checked_div(all).unwrap_or(100);
                // Whoever closed it does not want to know.
                let _ = writeln!(std::io::stderr(), "{what}: {done} of {all} ({percent} %)");
            }
        }
    }
}

const PAUSE: Duration = Duration::from_secs(1);

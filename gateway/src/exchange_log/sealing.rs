//! The thread that seals: once a period, and at the stop, whatever became durable.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
};

use super::{
    Shared,
    sealer::{Keep, Place, SealError, Sealer},
};

/// The sealer's thread. Stopped after the writer, so that the last checkpoint covers all.
#[derive(Debug)]
pub(super) struct SealerThread {
    stopping: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl SealerThread {
    /// Follows the writer, whose log had `before` entries when its counters began.
    pub(super) fn start(
        place: Place,
        sealer: Sealer,
        shared: Arc<Shared>,
        before: u64,
    ) -> std::io::Result<Self> {
        let stopping = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stopping);
        let thread = std::thread::Builder::new().name("log-sealer".into()).spawn(move || {
            let ending = Ending(&shared);
            seal_until_stopped(&place, sealer, &shared, before, &told);
            drop(ending);
        })?;
        Ok(Self { stopping, thread })
    }

    /// Seals what is durable and ends.
    pub(super) fn stop(self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.thread.thread().unpark();
        // A panic was noted when it happened.
        drop(self.thread.join());
    }
}

fn seal_until_stopped(place: &Place, sealer: Sealer, shared: &Shared, before: u64, stopping: &AtomicBool) {
    let mut sealer = Some(sealer);
    loop {
        std::thread::park_timeout(place.sealing.every);
        // Asked before looking: at the stop, the writer has ended and nothing comes after this look.
        let last = stopping.load(Ordering::SeqCst);
        let durable = before + shared.stats.entries.load(Ordering::Acquire);
        let keep = if last { Keep::Always } else { Keep::WhenDue };
        match seal(place, sealer.take(), durable, keep) {
            Ok(whole) => {
                shared.stats.sealed.store(whole.signed(), Ordering::Relaxed);
                sealer = Some(whole);
            }
            Err(error) if error.is_damage() => {
                // D3: over what contradicts itself nothing is signed, and nothing more is recorded.
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the exchange log cannot be sealed and is closed: {error}"
                );
                return shared.close_because(&error.to_string());
            }
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the exchange log was not sealed and will be tried again: {error}"
            ),
        }
        if last {
            return;
        }
    }
}

/// Seals with the sealer that there is; after a failure begins anew, as after a crash.
pub(super) fn seal(
    place: &Place,
    sealer: Option<Sealer>,
    durable: u64,
    keep: Keep,
) -> Result<Sealer, SealError> {
    let mut sealer = sealer.map_or_else(|| Sealer::open(place.clone(), durable), Ok)?;
    sealer.seal(durable, keep)?;
    Ok(sealer)
}

struct Ending<'a>(&'a Shared);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.close_because("a bug: the sealer panicked");
        }
    }
}

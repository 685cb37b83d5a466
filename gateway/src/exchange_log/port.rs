//! What a core sees of the log: entries opened, closed, refused.

use std::{
    fmt,
    sync::{Arc, atomic::Ordering},
    time::Instant,
};

use tokio::sync::oneshot;
use uuid::Uuid;

use super::{
    LogError, Shared,
    line::{closing_body, opening_body, refused_body},
    queue::{Mark, More, Queue, Waiter},
    records::{Closing, Opening, Outcome, Refused},
};

/// One core's way to the log. Clones share it; a core has one, and polls its [`run`](Self::run).
#[derive(Debug, Clone)]
pub struct LogPort {
    queue: Arc<Queue>,
    shared: Arc<Shared>,
}

impl LogPort {
    pub(super) fn new(queue: Arc<Queue>, shared: Arc<Shared>) -> Self {
        Self { queue, shared }
    }

    /// Opens the entry of a permitted call and returns once it is durable.
    ///
    /// # Errors
    /// [`LogError::Unknown`]: it may have been written. All others: it was not. In no case may the call be forwarded.
    ///
    /// # Cancel safety
    /// Dropped while it waits: the entry may be written, and is then closed as [`Outcome::Abandoned`].
    pub async fn open(&self, opening: &Opening<'_>) -> Result<OpenEntry, LogError> {
        self.shared.admit_open()?;
        let (told, hears) = oneshot::channel();
        let exchange = opening.exchange;
        let waiter = Waiter::Opening { exchange, told };
        let pushed =
            self.queue.push(Some(self.shared.room), Mark::Opens(exchange), Some(waiter), |out, salt| {
                opening_body(out, salt, opening);
            });
        if let Err(error) = pushed {
            self.shared.unadmit();
            return Err(self.refused_entry(error));
        }
        self.shared.wake_now();
        hears.await.unwrap_or(Err(LogError::Unknown))
    }

    /// Writes down a call that was not permitted and returns once that is durable.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    ///
    /// # Cancel safety
    /// Dropped while it waits: the entry is written all the same, unless the log fails.
    pub async fn refused(&self, refused: &Refused<'_>) -> Result<EntryId, LogError> {
        let (told, hears) = oneshot::channel();
        let waiter = Some(Waiter::Other(told));
        self.queue
            .push(Some(self.shared.room), Mark::Neither, waiter, |out, salt| refused_body(out, salt, refused))
            .map_err(|error| self.refused_entry(error))?;
        self.shared.wake_now();
        hears.await.unwrap_or(Err(LogError::Unknown))
    }

    /// Wakes this core's waiters, once a batch; ends with the log. The core spawns it; without it nobody wakes.
    ///
    /// # Cancel safety
    /// May be dropped and called again; waiters wait meanwhile.
    pub async fn run(&self) {
        let mut settled = Vec::new();
        loop {
            let more = self.queue.take_settled(&mut settled);
            for (waiter, place) in settled.drain(..) {
                match waiter {
                    // If nobody waits any more, the entry comes back and is dropped, which closes it.
                    Waiter::Opening { exchange, told } => {
                        if place == Err(LogError::Full) {
                            self.shared.open.fetch_sub(1, Ordering::Relaxed);
                            self.shared.stats.refuse(LogError::Full);
                        }
                        drop(told.send(place.map(|index| OpenEntry::new(self.clone(), index, exchange))));
                    }
                    Waiter::Other(told) => {
                        if place == Err(LogError::Full) {
                            self.shared.stats.refuse(LogError::Full);
                        }
                        let _ = told.send(place.map(|index| EntryId { index }));
                    }
                }
            }
            if more == More::Ended {
                return;
            }
            self.queue.settled.notified().await;
        }
    }

    /// Enqueues the closing of an opening that this port opened.
    fn close(
        &self,
        open: (u64, Uuid),
        closing: &Closing<'_>,
        waiter: Option<Waiter>,
    ) -> Result<(), LogError> {
        self.shared.open.fetch_sub(1, Ordering::Relaxed);
        self.queue.push(None, Mark::Closes(open.0), waiter, |out, salt| {
            closing_body(out, salt, open.0, open.1, closing);
        })
    }

    fn refused_entry(&self, error: LogError) -> LogError {
        self.shared.stats.refuse(error);
        error
    }
}

/// Proof that a call's opening entry is durable. Only the log makes one.
///
/// # Cancel safety
/// Dropped without being closed it is closed as [`Outcome::Abandoned`]: the call's future was cancelled.
#[derive(Debug)]
#[must_use = "dropping it says that the call was abandoned"]
pub struct OpenEntry {
    port: LogPort,
    index: u64,
    exchange: Uuid,
    since: Instant,
    state: Closed,
}

/// Whether the closing was enqueued.
#[derive(Debug, PartialEq, Eq)]
enum Closed {
    NotYet,
    Enqueued,
}

impl OpenEntry {
    fn new(port: LogPort, index: u64, exchange: Uuid) -> Self {
        Self { port, index, exchange, since: Instant::now(), state: Closed::NotYet }
    }

    /// Closes the entry without waiting: durable within 20 ms, or unknown after a crash.
    ///
    /// A log that failed meanwhile takes no closing; recovery will call the exchange unknown.
    pub fn close(mut self, closing: &Closing<'_>) {
        self.state = Closed::Enqueued;
        if self.port.close((self.index, self.exchange), closing, None).is_ok() {
            self.port.shared.wake_soon();
        }
    }

    /// Closes the entry and returns once that is durable.
    ///
    /// # Errors
    /// [`LogError::Unknown`]: it may have been written. All others: it was not; recovery will call the exchange unknown.
    ///
    /// # Cancel safety
    /// Dropped while it waits: the entry is closed all the same, unless the log fails.
    pub async fn close_durably(mut self, closing: &Closing<'_>) -> Result<EntryId, LogError> {
        self.state = Closed::Enqueued;
        let (told, hears) = oneshot::channel();
        self.port.close((self.index, self.exchange), closing, Some(Waiter::Other(told)))?;
        self.port.shared.wake_now();
        hears.await.unwrap_or(Err(LogError::Unknown))
    }

    /// The place of the opening in the log.
    pub const fn id(&self) -> EntryId {
        EntryId { index: self.index }
    }

    /// The exchange that was opened.
    pub const fn exchange(&self) -> Uuid {
        self.exchange
    }
}

impl Drop for OpenEntry {
    fn drop(&mut self) {
        if self.state == Closed::Enqueued {
            return;
        }
        let duration_us = u64::try_from(self.since.elapsed().as_micros()).ok();
        let closing =
            Closing { duration_us, ..Closing::bare((self.port.shared.clock)(), Outcome::Abandoned) };
        if self.port.close((self.index, self.exchange), &closing, None).is_ok() {
            self.port.shared.wake_soon();
        }
    }
}

/// The place of an entry in its node's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryId {
    /// Entries before it.
    pub index: u64,
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.index.fmt(f)
    }
}

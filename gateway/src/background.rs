//! Background threads, each with an owner which ends it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// A thread that does the same work again and again until its owner drops it.
#[derive(Debug)]
pub struct Background {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Background {
    /// Starts a thread that does `work` every `pause`.
    ///
    /// # Panics
    /// If the machine has no thread left, which at start is the end anyway.
    pub fn every(name: &str, pause: Duration, mut work: impl FnMut() + Send + 'static) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                while !asked.load(Ordering::Acquire) {
                    work();
                    std::thread::park_timeout(pause);
                }
            })
            .expect("the machine gives a thread at start");
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A panic there was reported by the thread itself; here only its end matters.
            drop(thread.join());
        }
    }
}

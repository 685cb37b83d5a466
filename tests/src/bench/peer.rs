//! What is measured: a proxy that can be started, called and stopped.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process};

use super::line::Call;
use super::world::World;
use super::{payload, proc};

/// A proxy under test. Each duty that a peer skips makes the comparison worth less: all of them verify the
/// client's certificate against the list, speak verified mutual TLS upstream, and write a line a call.
pub trait Peer {
    /// Returns the name in the table.
    fn name(&self) -> &'static str;

    /// Starts it in front of the world's upstream and returns once it accepts connections.
    ///
    /// # Errors
    /// It is not installed, refuses its configuration, or does not come up; nothing is left running.
    fn start(&self, world: &World) -> anyhow::Result<Running>;
}

/// A started peer; dropping it ends its process.
#[derive(Debug)]
pub struct Running {
    /// Where it accepts mutual TLS.
    pub addr: SocketAddr,
    /// What it is asked.
    pub calls: Calls,
    /// Its first process.
    pub process: Process,
    /// What it does with documents beside passing them on.
    pub hashes: Hashes,
}

/// Whether a peer hashes documents as they pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hashes {
    /// It does not.
    None,
    /// Each.
    Each,
}

/// The requests that a peer understands.
#[derive(Debug, Clone)]
pub struct Calls {
    /// Brings [`payload::record`].
    pub get: Call,
    /// Takes [`payload::submission`], brings [`payload::receipt`].
    pub post: Call,
    /// Brings [`payload::document`].
    pub download: Call,
    /// Takes [`payload::document`], brings [`payload::receipt`].
    pub upload: Call,
}

impl Calls {
    /// Composes them; `base` stands before each target, `headers` are lines without line ends that every request carries.
    pub fn new(base: &str, addr: SocketAddr, headers: &[String]) -> Self {
        let (host, submission) = (format!("localhost:{}", addr.port()), payload::submission());
        let documents = format!("{base}/documents");
        let (get_target, post_target) = (&format!("{base}/records/1"), &format!("{base}/records"));
        let receipt = payload::receipt().len();
        let document = |target: &str, body: Option<&[u8]>, answer| {
            Call::of("application/pdf", target, &host, headers, body, answer)
        };
        Self {
            download: document(&format!("{documents}/1"), None, payload::DOCUMENT_BYTES),
            upload: document(&documents, Some(&payload::document()), receipt),
            get: Call::new(get_target, &host, headers, None, payload::RECORD_BYTES),
            post: Call::new(
                post_target,
                &host,
                headers,
                Some(submission.as_bytes()),
                payload::receipt().len(),
            ),
        }
    }
}

/// A process that we started; ended when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
}

impl Process {
    /// Starts `command`.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn spawn(command: &mut Command) -> anyhow::Result<Self> {
        let child = command.spawn().with_context(|| format!("starting {:?}", command.get_program()))?;
        Ok(Self { child })
    }

    /// Waits until `addr` accepts a connection.
    ///
    /// # Errors
    /// The process ended, or ten seconds went by.
    pub fn wait_for(&mut self, addr: SocketAddr) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(addr).is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("ended before it accepted connections: {status}");
            }
            if Instant::now() > deadline {
                bail!("did not accept connections on {addr}");
            }
            thread::sleep(POLL);
        }
        Ok(())
    }

    /// Returns its id and those of all its descendants.
    ///
    /// # Errors
    /// `/proc` cannot be read.
    pub fn pids(&self) -> anyhow::Result<Vec<u32>> {
        proc::tree(self.child.id())
    }

    /// Asks it to end and waits for that.
    ///
    /// # Errors
    /// It was still there after ten seconds; now it and its descendants are killed.
    pub fn stop(mut self) -> anyhow::Result<()> {
        self.end()
    }

    /// Asks first, also where it only matters that all is gone: a master that is killed leaves its workers.
    fn end(&mut self) -> anyhow::Result<()> {
        if self.child.try_wait()?.is_some() {
            return Ok(());
        }
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        let deadline = Instant::now() + PATIENCE;
        while self.child.try_wait()?.is_none() {
            if Instant::now() > deadline {
                for pid in self.pids()?.into_iter().filter_map(|pid| Pid::from_raw(pid.cast_signed())) {
                    kill_process(pid, Signal::KILL)?;
                }
                self.child.wait()?;
                bail!("did not end when asked to");
            }
            thread::sleep(POLL);
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            eprintln!("a peer's process: {error}");
        }
    }
}

/// Returns an address of loopback that nobody listened on a moment ago.
///
/// # Errors
/// No port is free.
pub(crate) fn free_addr() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

const PATIENCE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropped_process_is_gone() {
        let process = Process::spawn(Command::new("sleep").arg("600")).unwrap();
        let pid = process.child.id();
        drop(process);
        assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
    }

    #[test]
    fn process_that_ends_before_it_listens_is_an_error_at_once() {
        let mut process = Process::spawn(&mut Command::new("true")).unwrap();
        let error = process.wait_for(free_addr().unwrap()).unwrap_err().to_string();
        assert!(error.starts_with("ended before"), "{error}");
    }
}

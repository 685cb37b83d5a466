//! What all peers share in one run: a folder with the keys, and the upstream.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::Context as _;
use tempfile::TempDir;

use super::{pki, proc};

/// The folder and the upstream; both end with it.
#[derive(Debug)]
pub struct World {
    folder: TempDir,
    // Ends when its standard input does, so also if this process is killed.
    upstream: Child,
    addr: SocketAddr,
}

impl World {
    /// Makes keys in a new folder under `parent` and starts the upstream: `binary upstream FOLDER`.
    ///
    /// `parent` must be on a real disk: on tmpfs a durable entry would cost nothing.
    ///
    /// # Errors
    /// The folder cannot be written or the upstream does not come up.
    pub fn start(parent: &Path, binary: &Path) -> anyhow::Result<Self> {
        proc::raise_file_limit()?;
        let folder = tempfile::Builder::new().prefix("kelisim-bench-").tempdir_in(parent)?;
        pki::write(folder.path())?;
        let mut upstream = Command::new(binary)
            .arg("upstream")
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting the upstream")?;
        let mut line = String::new();
        BufReader::new(upstream.stdout.take().context("no output of the upstream")?).read_line(&mut line)?;
        let addr = line.trim().parse().context("the upstream did not say where it listens")?;
        Ok(Self { folder, upstream, addr })
    }

    /// Returns the folder with the keys, where peers may keep theirs.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns where the upstream listens.
    pub fn upstream(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for World {
    fn drop(&mut self) {
        drop(self.upstream.stdin.take());
        // Nothing to do if it went before.
        let _ = self.upstream.wait();
    }
}

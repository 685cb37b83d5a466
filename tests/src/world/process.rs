//! The real binary on a world's folder: started, killed, started again.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// A running `kelisim run`. Killed when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    /// Where systems connect.
    pub exchange: SocketAddr,
    /// Where the operations face is.
    pub operations: SocketAddr,
}

impl Process {
    /// Starts the binary with a configuration; it serves when this returns.
    ///
    /// # Panics
    /// If it does not come up.
    pub fn start(config: &Path) -> Self {
        Self::start_as(Command::new(binary()), config)
    }

    /// Starts the binary and keeps what it says on standard error; it serves when this returns.
    ///
    /// # Panics
    /// If it does not come up.
    pub fn start_telling(config: &Path, lines: &Path) -> Self {
        let lines = File::create(lines).unwrap();
        Self::start_heard(Command::new(binary()), config, lines.into())
    }

    /// Starts the binary in an environment; it serves when this returns.
    ///
    /// # Panics
    /// If it does not come up.
    pub fn start_with(config: &Path, environment: &[(&str, &Path)]) -> Self {
        let mut command = Command::new(binary());
        command.envs(environment.iter().copied());
        Self::start_as(command, config)
    }

    /// Starts the binary with a folder of its own disk, of so many bytes in memory, which only it sees. The other is
    /// where the folder is to be found from outside. `None`: this machine does not let us mount.
    ///
    /// # Panics
    /// If it does not come up.
    pub fn start_on_small_disk(config: &Path, folder: &Path, bytes: u64) -> Option<(Self, PathBuf)> {
        let alone = ["--map-root-user", "--mount"];
        let mount = "mount -t tmpfs -o size=$0 tmpfs \"$1\" && shift && exec \"$@\"";
        let allowed = Command::new("unshare")
            .args(alone)
            .args(["sh", "-c", mount, &bytes.to_string()])
            .arg(folder)
            .arg("true")
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        if !allowed {
            return None;
        }
        let mut command = Command::new("unshare");
        command.args(alone).args(["sh", "-c", mount, &bytes.to_string()]).arg(folder).arg(binary());
        let process = Self::start_as(command, config);
        let seen = format!("/proc/{}/root{}", process.child.id(), folder.display());
        Some((process, PathBuf::from(seen)))
    }

    fn start_as(command: Command, config: &Path) -> Self {
        Self::start_heard(command, config, Stdio::null())
    }

    fn start_heard(mut command: Command, config: &Path, lines: Stdio) -> Self {
        let mut child = command
            .args(["run", "--json", "--config"])
            .arg(config)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(lines)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap_or_else(|error| {
            drop(child.kill());
            panic!("the gateway did not say where it serves: {error}: {line:?}, {:?}", child.wait())
        });
        let address = |face: &str| said[face].as_str().unwrap().parse().unwrap();
        Self { child, exchange: address("exchange"), operations: address("operations") }
    }

    /// How much memory it holds now, and held at most, in KiB.
    ///
    /// # Panics
    /// If it is not there.
    pub fn memory_kib(&self) -> (u64, u64) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim().trim_end_matches(" kB").parse().unwrap()
        };
        (field("VmRSS:"), field("VmHWM:"))
    }

    /// `kill -9`: it has no time to write anything more.
    ///
    /// # Panics
    /// If it is not there.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end, and waits until it has.
    ///
    /// # Panics
    /// If it is not there.
    pub fn terminate(mut self) -> ExitStatus {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::TERM).unwrap();
        self.child.wait().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Ended already, usually.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Runs one command of the binary on a folder, and says what it printed and how it ended.
///
/// # Panics
/// If it cannot be run.
pub fn kelisim(arguments: &[&str]) -> (ExitStatus, String) {
    let output = Command::new(binary()).args(arguments).stdin(Stdio::null()).output().unwrap();
    (output.status, String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The binary beside this test, as new as the code.
fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        // target/PROFILE/deps/TEST
        let test = std::env::current_exe().unwrap();
        let profile = test.ancestors().nth(2).unwrap();
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--package", "gateway", "--bin", "kelisim", "--target-dir"]);
        build.arg(profile.parent().unwrap()).current_dir(env!("CARGO_MANIFEST_DIR"));
        if profile.ends_with("release") {
            build.arg("--release");
        }
        assert!(build.status().unwrap().success(), "the binary does not build");
        profile.join("kelisim")
    })
}

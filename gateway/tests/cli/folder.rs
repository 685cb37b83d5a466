//! A data folder, worked on by the program alone.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// A data folder among the temporary files.
pub(crate) struct Folder {
    temporary: TempDir,
}

/// What a command said, and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) exit: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Folder {
    /// A folder that `init` made.
    pub(crate) fn new() -> Self {
        Self::of(&[])
    }

    /// A folder that `init` made as it was told to.
    pub(crate) fn of(more: &[&str]) -> Self {
        let folder = Self { temporary: tempfile::tempdir().unwrap() };
        let loopback = "127.0.0.1:0";
        let basic = ["init", "--listen", loopback, "--operations", loopback, "--api", loopback];
        folder.does(&[&basic, more].concat());
        folder
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.temporary.path().join("folder")
    }

    /// A command of the program on this folder.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = kelisim();
        command.arg("--dir").arg(self.path()).args(arguments).current_dir(self.temporary.path());
        command
    }

    pub(crate) fn say(&self, arguments: &[&str]) -> Said {
        Said::of(self.command(arguments).output().unwrap())
    }

    /// Says it, and must be obeyed.
    pub(crate) fn does(&self, arguments: &[&str]) -> String {
        let said = self.say(arguments);
        assert_eq!(said.exit, 0, "{arguments:?}: {said:?}");
        said.out
    }

    /// Asks for JSON, and must be answered with `exit`.
    pub(crate) fn json(&self, exit: i32, arguments: &[&str]) -> Value {
        let said = self.say(&[arguments, &["--json"]].concat());
        assert_eq!(said.exit, exit, "{arguments:?}: {said:?}");
        let text = if said.out.is_empty() { &said.err } else { &said.out };
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {said:?}"))
    }

    /// Starts a gateway, and waits for the line that says where it serves.
    pub(crate) fn run(&self, arguments: &[&str]) -> Running {
        let mut command = self.command(&[&["run"], arguments].concat());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let out = child.stdout.take().unwrap();
        let mut running = Running { child, line: String::new() };
        BufReader::new(out).read_line(&mut running.line).unwrap();
        running
    }

    /// Writes a file beside the data folder, and says where.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.temporary.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    pub(crate) fn key(&self, name: &str) -> String {
        self.path().join("keys").join(name).display().to_string()
    }
}

/// A gateway, which does not outlive its test.
pub(crate) struct Running {
    child: Child,
    /// What it said when it served.
    pub(crate) line: String,
}

impl Running {
    /// Asks it to end, and says how it did.
    pub(crate) fn end(mut self) -> Option<i32> {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail where it has ended.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Said {
    pub(crate) fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { exit: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }
}

/// The program, with nothing from the environment that would sway it.
pub(crate) fn kelisim() -> Command {
    let mut command = Command::new(Path::new(env!("CARGO_BIN_EXE_kelisim")));
    command.env_remove("KELISIM_DIR").env_remove("KELISIM_AS").env("COLUMNS", "100");
    command
}

//! `kelisim witness`: the regulator's small server that remembers how far each log had come, and signs that it saw it.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use clap::{Args, Subcommand};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tracing::info;

use super::answer::print;
use super::{Answer, Common, Exit, Failure};
use crate::clock;
use crate::config::TelemetryConfig;
use crate::telemetry;
use crate::transparency::key::{KeyName, Scheme, SigningKey, VerifierKey};
use crate::witness::{FILE, Server, SettingsError, Witness, WitnessError, WitnessSettings};

#[derive(Subcommand)]
pub(super) enum WitnessCommand {
    /// Make a witness's folder: its keys and its configuration
    Init(Init),
    /// Cosign checkpoints until told to stop
    #[command(after_help = "\
Example:
  kelisim witness run --dir /var/lib/kelisim-witness

Its address goes to standard output when it serves, log lines to standard error.")]
    Run,
    /// Print the keys that gateways and verifiers need
    #[command(after_help = "Example:\n  kelisim witness key --dir /var/lib/kelisim-witness")]
    Key,
}

#[derive(Args)]
#[command(after_help = "\
Example:
  kelisim witness init --dir witness --name witness.regulator.example/1 \\
    --log 'gateway.example/log+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k'

The key of a log is what its `kelisim log keys` prints; a log's name is that of its key. More logs, and TLS, go into
witness.toml afterwards. Keep a backup of the folder: a witness that forgot lets a log go back.")]
pub(super) struct Init {
    /// The witness's name, unique among all witnesses: a URL without its scheme
    #[arg(long)]
    name: KeyName,
    /// Where logs will connect
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8446")]
    listen: SocketAddr,
    /// The verifier key of a log to watch; as often as needed
    #[arg(long = "log", value_name = "KEY")]
    logs: Vec<VerifierKey>,
}

pub(super) fn run(common: &Common, command: WitnessCommand) -> Result<Answer, Failure> {
    let folder = common.folder();
    let dir = folder.dir();
    match command {
        WitnessCommand::Init(init) => init.run(dir),
        WitnessCommand::Run => serve(dir, common.json),
        WitnessCommand::Key => {
            let keys: Vec<VerifierKey> =
                settings(dir)?.signing_keys()?.iter().map(|key| key.verifier().clone()).collect();
            told(dir, &keys)
        }
    }
}

impl Init {
    fn run(self, dir: &Path) -> Result<Answer, Failure> {
        let (config, secret) = (dir.join(FILE), dir.join("witness.key"));
        // A key that is overwritten is lost, and with it all that was cosigned.
        if let Some(there) = [&config, &secret].into_iter().find(|path| path.exists()) {
            let what = format!("{} is there already", there.display());
            return Err(Failure::new(Exit::Refused, what, "name a fresh folder with --dir"));
        }
        let mut secrets = String::new();
        let mut keys = Vec::new();
        for scheme in [Scheme::Cosignature, Scheme::CosignatureMlDsa44] {
            let (key, text) = SigningKey::generate(&self.name, scheme)
                .map_err(|error| Failure::of(Exit::Environment, &error, "look at the machine"))?;
            secrets += &format!("{text}\n");
            keys.push(key.verifier().clone());
        }
        let made = || -> io::Result<()> {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
            write(&secret, &secrets, 0o600)?;
            write(&config, &configuration(&self), 0o644)
        };
        made().map_err(|error| {
            let what = format!("cannot write {}: {error}", dir.display());
            Failure::new(Exit::Environment, what, "name a folder that you may write to with --dir")
        })?;
        told(dir, &keys)
    }
}

fn configuration(init: &Init) -> String {
    let mut text = format!(
        "# Configuration of a witness (kelisim witness run). Paths are relative to this file.\n\
         listen = \"{}\"\nkeys = \"witness.key\"\nstore = \"logs\"\n",
        init.listen
    );
    for key in &init.logs {
        // Names of keys have no spaces or control characters; `{:?}` quotes the rest as TOML does.
        text += &format!("\n[[log]]\norigin = {:?}\nkeys = [{:?}]\n", key.name().as_str(), key.to_string());
    }
    text
}

fn serve(dir: &Path, as_json: bool) -> Result<Answer, Failure> {
    let settings = settings(dir)?;
    telemetry::start(&TelemetryConfig::default())
        .map_err(|error| Failure::of(Exit::Environment, error.as_ref(), "look at the environment"))?;
    let machine = |error| Failure::of(Exit::Environment, &error, "look at the machine's limits");
    let acceptor = settings.acceptor()?;
    let witness = Witness::open(&settings.store_path(), settings.signing_keys()?, &settings.logs)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(machine)?;
    runtime.block_on(async {
        // Before the start: who stops a witness that is starting means it too.
        let mut terminate = signal(SignalKind::terminate()).map_err(machine)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(machine)?;
        let (acceptor, _following) = acceptor.unzip();
        let server = Server::start(settings.listen, Arc::new(witness), acceptor, settings.limits, clock::now)
            .map_err(|error| {
                Failure::of(Exit::Environment, &error, "free the address, or choose another in witness.toml")
            })?;
        let address = server.address();
        let line = if as_json {
            json!({ "witness": address }).to_string()
        } else {
            format!("witnessing {} logs on {address}", settings.logs.len())
        };
        // It serves, whether somebody reads this or not.
        let _ = print(&format!("{line}\n"));
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        info!("stopping");
        drop(server);
        Ok(Answer::silent())
    })
}

fn settings(dir: &Path) -> Result<WitnessSettings, Failure> {
    Ok(WitnessSettings::load(&dir.join(FILE))?)
}

fn told(dir: &Path, keys: &[VerifierKey]) -> Result<Answer, Failure> {
    let mut text = String::from("Verifier keys of this witness; gateways and verifiers need one of them:\n");
    for key in keys {
        text += &format!("{key}\n");
    }
    Answer::of(&json!({ "dir": dir, "keys": keys }), text)
}

fn write(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        let todo = match &error {
            SettingsError::Unreadable { .. } => {
                "name the witness's folder with --dir, or make one with `kelisim witness init`"
            }
            SettingsError::Wrong { .. } => "correct the file",
            SettingsError::Key { .. } => {
                "restore the keys from their backup: others know the witness by them"
            }
            SettingsError::Secret(_) | SettingsError::Trust(_) | SettingsError::Tls(_) => {
                "put the files where witness.toml says, keys with mode 600"
            }
        };
        Self::of(Exit::Environment, &error, todo)
    }
}

impl From<WitnessError> for Failure {
    fn from(error: WitnessError) -> Self {
        Self::of(
            Exit::Environment,
            &error,
            "a witness must not forget: restore what is damaged, never delete it",
        )
    }
}

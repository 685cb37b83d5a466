//! Kelisim with all its duties: agreement decided, JSON validated, entry durable before forwarding.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context as _;

use super::peer::{Calls, Hashes, Peer, Process, Running};
use super::world::World;

/// A gateway whose registry allows what the benchmark asks, which is all that this peer needs to be told.
///
/// It is set up for one [`World`]: the anchor and list are the world's, the client's certificate is bound to
/// the consumer system, the provider system's address is the world's upstream and its certificate the
/// upstream's, and the schemas are those of [`super::payload`], with closing of idle connections after
/// no less than ten minutes and no rate or quota that the load would reach.
#[derive(Debug)]
pub struct Kelisim {
    /// The program.
    pub binary: PathBuf,
    /// Its configuration.
    pub config: PathBuf,
    /// The exchange face, as the configuration has it.
    pub addr: SocketAddr,
    /// The first segment of the target: whose data it is.
    pub provider: String,
    /// The second segment: a data type with `GET records/{id}` and `POST records`, and the same of `documents`.
    pub data_type: String,
    /// What every call carries as `Kelisim-Purpose`.
    pub purpose: String,
}

impl Peer for Kelisim {
    fn name(&self) -> &'static str {
        "kelisim"
    }

    fn start(&self, world: &World) -> anyhow::Result<Running> {
        // Its lines go to a file, as nginx's do.
        let lines = world.folder().join("kelisim.log");
        let output = File::options().create(true).append(true).open(&lines)?;
        let mut process = Process::spawn(
            Command::new(&self.binary)
                .args(["run", "--config"])
                .arg(&self.config)
                .stdout(output.try_clone()?)
                .stderr(output),
        )?;
        process.wait_for(self.addr).with_context(|| {
            format!("kelisim; it said: {}", fs::read_to_string(&lines).unwrap_or_default())
        })?;
        let base = format!("/{}/{}", self.provider, self.data_type);
        let purpose = format!("Kelisim-Purpose: {}", self.purpose);
        let calls = Calls::new(&base, self.addr, &[purpose]);
        Ok(Running { addr: self.addr, calls, process, hashes: Hashes::Each })
    }
}

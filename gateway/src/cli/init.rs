//! `kelisim init`: a new data folder.

use std::net::SocketAddr;

use agreements::{Bin, Holder, OperatorId, Phase};
use clap::Args;
use serde_json::json;

use super::common::word;
use super::{Answer, Common, Exit, Failure};
use crate::office::{Folder, FoundError, Founding};

#[derive(Args)]
#[command(after_help = "\
Example:
  kelisim init --dir trial --bin 000140000011 --organisation 'Operator of the gateway' --name gateway.example

The folder gets a trial certification authority: its certificates are for trials and demonstrations. For
production, put the state authority's certificates into [trust] and the gateway's own into [identity].")]
pub(super) struct Init {
    /// The environment that the gateway serves: trial or production
    #[arg(long, value_name = "WHICH", default_value = "trial", value_parser = word::<Phase>)]
    environment: Phase,
    /// Where systems will connect
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:8443")]
    listen: SocketAddr,
    /// Where the API will be
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8444")]
    api: SocketAddr,
    /// Where /metrics, /live and /ready will be
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9464")]
    operations: SocketAddr,
    /// A DNS name or address of the gateway, for its certificate; as often as needed
    #[arg(long = "name", value_name = "NAME", default_values = ["localhost", "127.0.0.1"])]
    names: Vec<String>,
    /// The exchange log's name, unique among all gateways [default: the first name, and /log]
    #[arg(long, value_name = "NAME", value_parser = plain)]
    origin: Option<String>,
    /// BIN of the organisation that operates the gateway
    #[arg(long, requires = "organisation", default_value = "000000000000")]
    bin: Bin,
    /// Its name
    #[arg(long, value_name = "NAME", requires = "bin", default_value = "Operator of the gateway")]
    organisation: String,
    /// How the first administrator is called
    #[arg(long, value_name = "OPERATOR", default_value = "admin")]
    administrator: OperatorId,
}

impl Init {
    pub(super) fn run(self, common: &Common) -> Result<Answer, Failure> {
        let origin = match (self.origin, self.names.first()) {
            (Some(origin), _) => origin,
            (None, name) => {
                let origin = format!("{}/log", name.map_or("localhost", String::as_str));
                plain(&origin).map_err(|why| Failure::new(Exit::Usage, why, "name the log with --origin"))?
            }
        };
        let founding = Founding {
            environment: self.environment,
            listen: self.listen,
            api: self.api,
            operations: self.operations,
            names: self.names,
            origin,
            operator: Holder { bin: self.bin, name: self.organisation, region: None },
            administrator: self.administrator,
            extra: String::new(),
        };
        let place = common.folder();
        let folder = Folder::found(place.dir(), &founding).map_err(|error| {
            let todo = match &error {
                FoundError::Exists(_) => "name another folder with --dir, or work on this one",
                FoundError::Authority(_) => "empty the folder, check the names, and try again",
                FoundError::LogKey(_) => "name the log with --origin, without spaces and '+'",
                FoundError::Io { .. }
                | FoundError::Config(_)
                | FoundError::Office(_)
                | FoundError::NoRandomness => "name a folder that you may write to with --dir",
            };
            Failure::of(Exit::Environment, &error, todo)
        })?;
        let dir = folder.dir().display();
        let text = format!(
            "{dir} is a data folder now; {} administers it.\n\
             Next:\n  \
             kelisim check-config --dir {dir}\n  \
             kelisim holder add --dir {dir} BIN 'NAME'\n  \
             kelisim run --dir {dir}\n\
             Give {dir}/log.policy to whoever will verify the log.\n",
            founding.administrator
        );
        let config = folder.config_path();
        let anchors = folder.authority_path().join("root.pem");
        let json = json!({
            "dir": folder.dir(),
            "config": config,
            "anchors": anchors,
            "administrator": founding.administrator,
            "origin": founding.origin,
        });
        Ok(Answer::new(json, text))
    }
}

/// Text that stands as it is in a configuration file and in the exchange log.
fn plain(text: &str) -> Result<String, String> {
    let fits = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
    if (1..=128).contains(&text.len()) && text.bytes().all(fits) {
        Ok(text.to_owned())
    } else {
        Err(format!("the name of a log is 1 to 128 visible ASCII characters without quotes, not {text:?}"))
    }
}

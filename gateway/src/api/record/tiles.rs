//! The log as C2SP `tlog-tiles` has it, below `/v1/log`: for the regulator, whose tools follow and verify it.
//!
//! Bundles hold whole entries: that somebody reads one is written down, as a search is.

use std::fs::File;
use std::io::{self, Read};

use agreements::Role;
use serde_json::json;

use super::super::asked::{Asked, Reply};
use super::super::operation::{Access, Media, Operation, place};
use super::super::problem::Problem;
use super::super::shared::Shared;
use super::{PART, unavailable, write_down};
use crate::exchange_index::{Sought, Viewer};
use crate::transparency::TilePath;

pub(super) fn operations() -> Vec<Operation> {
    let read = |id, path, summary, types, schema, does| {
        let mut operation = Operation::read(id, path, summary, PART, Media { types, schema }, does);
        operation.access = Access::Roles(&[Role::Regulator]);
        operation.failing(&["not-found"])
    };
    vec![
        read(
            "log-checkpoint",
            "/v1/log/checkpoint",
            "Gives the newest signed checkpoint of the exchange log (C2SP tlog-checkpoint)",
            &["text/plain"],
            json!({ "type": "string" }),
            checkpoint as _,
        ),
        read(
            "log-tile",
            "/v1/log/tile/{*tile}",
            "Gives a tile of hashes, or a bundle of entries (C2SP tlog-tiles)",
            &["application/octet-stream"],
            json!({}),
            tile as _,
        )
        .with([place(
            "tile",
            "LEVEL/NUMBER or entries/NUMBER, of a partial one with .p/WIDTH, as C2SP tlog-tiles spells them",
            json!({ "type": "string" }),
        )]),
    ]
}

fn checkpoint(shared: &Shared, _: &Asked) -> Result<Reply, Problem> {
    let bytes = read(shared, "checkpoint")?;
    Ok(Reply::new("text/plain; charset=utf-8", bytes))
}

fn tile(shared: &Shared, asked: &Asked) -> Result<Reply, Problem> {
    let named: String = asked.place("tile")?;
    let none = || Problem::new("not-found", "there can be no such tile");
    let path: TilePath = format!("tile/{named}").parse().map_err(|_| none())?;
    if path.is_bundle() {
        let sought = Sought::Entries { first: path.start(), count: path.end() - path.start() };
        write_down(shared, asked, &Viewer::All, sought)?;
    }
    // Of what was parsed, not of what was sent: it leads nowhere else.
    Ok(Reply::new("application/octet-stream", read(shared, &path.to_string())?))
}

fn read(shared: &Shared, name: &str) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    let file = File::open(shared.record.log.join(name));
    match file.and_then(|file| file.take(MOST_BYTES).read_to_end(&mut bytes)) {
        Ok(_) => Ok(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(Problem::new("not-found", "it is not there, or not yet, or in the archive"))
        }
        Err(error) => Err(unavailable(error)),
    }
}

/// A bundle of 256 entries, each of the greatest length.
const MOST_BYTES: u64 = 256 * 65_537;

//! What is told of persons afterwards: which fields were sent for nothing, and to a person who used their data.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use agreements::Way;
use certs::trust::Trust;
use http::{HeaderMap, Method, StatusCode};
use serde::Serialize;
use serde_json::Value;

use super::line::{Http, Lines, Question};
use super::teller::Teller;
use super::{OrTrouble, Trouble};
use crate::config::Config;
use crate::exchange_index::{Excessive, Index, Kind, Query, Viewer};
use crate::office::Folder;
use crate::telemetry::chain;

/// What was told of persons.
#[derive(Debug, Serialize)]
pub struct Persons {
    /// What the personnel system sent beyond what is agreed.
    withheld: Vec<Excessive>,
    /// Who used the civil servant's data, as the portal was told.
    usages: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    deviation: Option<String>,
}

impl Persons {
    /// Whether both were told.
    pub(super) fn is_as_expected(&self) -> bool {
        self.deviation.is_none()
    }
}

/// Tells what the record says of persons, once the index has all of it.
pub(super) async fn tell(
    config: &Config,
    folder: &Folder,
    trust: Arc<Trust>,
    api: SocketAddr,
    teller: &mut Teller,
) -> Result<Persons, Trouble> {
    teller.chapter("What persons learn");
    let mut portal = Lines::new(folder, trust, api);
    let until = Instant::now() + MOST_WAITING;
    let (withheld, usages) = loop {
        let (withheld, usages) = (withheld(config)?, used(&mut portal).await);
        let told = usages.as_ref().is_ok_and(|usages| usages["totalUsages"].as_u64() > Some(0));
        if told && !withheld.is_empty() || Instant::now() > until {
            break (withheld, usages);
        }
        tokio::time::sleep(PACE).await;
    };
    teller.step(
        "The holders of the personnel system and of the portal look what theirs send and nobody agreed on, in answers and in \
         requests: they could leave these fields out, or the agreement could name them.",
    );
    for one in &withheld {
        let (field, count, exchanges) = (&one.field, one.count, one.exchanges);
        let where_to = match one.way {
            Way::Requests => format!("requests to {}", one.provider),
            Way::Responses => format!("answers to {}", one.consumer),
        };
        teller.detail(&format!("{field}: {count} times in {exchanges} {where_to}"));
    }
    teller.step(
        "The civil servant asks the portal who used their data. The portal asks the gateway in their name, by its certificate; \
         the record knows the person by a keyed hash only, and its journal who looked.",
    );
    let (usages, failed) = match usages {
        Ok(usages) => (usages, None),
        Err(why) => (Value::Null, Some(why)),
    };
    for one in usages["usages"].as_array().into_iter().flatten() {
        let word = |name: &str| one[name].as_str().unwrap_or("?").to_owned();
        let (when, who, system) = (word("logtime"), word("receiverName"), word("receiverSystem"));
        teller.detail(&format!("{when}: {who} ({system}): {}", word("action")));
    }
    let lacks = |field: &str| !withheld.iter().any(|one| one.field == field);
    let deviation = failed.or_else(|| {
        let unused = usages["usages"][0]["receiverSystem"] != "agency-control";
        let unused = unused.then(|| "the feed does not say that the sector authority looked".to_owned());
        unused.or_else(|| lacks("/home_address").then(|| "no home address was withheld".to_owned()))
    });
    if let Some(deviation) = &deviation {
        teller.detail(&format!("!! NOT AS IT SHOULD BE: {deviation}"));
    }
    Ok(Persons { withheld, usages, deviation })
}

/// What the personnel system sent, and was sent, beyond what is agreed.
fn withheld(config: &Config) -> Result<Vec<Excessive>, Trouble> {
    let Some(path) = &config.log.index else { return Ok(Vec::new()) };
    let opened = Index::open_to_search(&config.path(path), &config.path(&config.log.dir));
    let Some(index) = opened.trouble("open the index of the record")? else { return Ok(Vec::new()) };
    let words = vec![(Kind::Provider, "isuk".to_owned())];
    let found = index.excesses(&Query { words, ..Query::default() }, &Viewer::All, None);
    Ok(found.trouble("search the record")?.fields)
}

/// What the portal is told of the civil servant whose record was inspected.
async fn used(portal: &mut Lines) -> Result<Value, String> {
    let question = Question {
        method: Method::GET,
        target: format!("/v2/findUsage?userCode={CIVIL_SERVANT}"),
        headers: HeaderMap::new(),
        body: bytes::Bytes::new(),
    };
    let heard = portal.ask("intranet-portal", Http::One, &question).await.map_err(|why| chain(&*why))?;
    if heard.status != StatusCode::OK {
        return Err(format!("the feed answered {}: {}", heard.status, String::from_utf8_lossy(&heard.body)));
    }
    serde_json::from_slice(&heard.body).map_err(|error| error.to_string())
}

/// Made up, like everybody here.
const CIVIL_SERVANT: &str = "790808300015";
const MOST_WAITING: Duration = Duration::from_secs(30);
const PACE: Duration = Duration::from_millis(50);

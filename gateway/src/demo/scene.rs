//! Scenes: who asks whom for what, and what must come of it; played over real sockets and held against that.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use agreements::{ActId, AgreementNumber, Category, Command, DataTypeId, Role, SystemId};
use bytes::Bytes;
use http::header::{ACCEPT_LANGUAGE, CONTENT_LANGUAGE, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::cast::{Cast, Day};
use super::draft::Draft;
use super::founding::VIA;
use super::line::{Heard, Http, Lines, Question};
use super::stand_in::Received;
use super::teller::Teller;
use super::{OrTrouble, Trouble};
use crate::clock;
use crate::exchange_log::{Filter, Opening, Record, search};
use crate::office::{Folder, Office};
use crate::telemetry::chain;

/// One scene, as `deploy/demo/scenes.json` has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Scene {
    /// Begins a chapter.
    #[serde(default)]
    pub(super) chapter: Option<String>,
    pub(super) tells: String,
    /// What is done before it.
    #[serde(default)]
    first: Option<Deed>,
    /// Whose certificate asks.
    pub(super) by: String,
    #[serde(default)]
    pub(super) http: Http,
    /// Method and target.
    pub(super) ask: String,
    /// Headers.
    #[serde(default)]
    pub(super) says: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) body: Option<Value>,
    /// A draft act, in place of a body.
    #[serde(default)]
    sends: Option<Draft>,
    /// In its place, a PDF.
    #[serde(default)]
    document: Option<Sheet>,
    /// How often it is asked until what is expected comes.
    #[serde(default = "once")]
    at_most: u32,
    pub(super) expect: Expected,
    /// The agreement whose working call this is.
    #[serde(default)]
    pub(super) agreement: Option<AgreementNumber>,
}

/// A PDF of so many bytes, made when it is sent.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sheet {
    megabytes: usize,
}

/// What somebody does while the gateway runs.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum Deed {
    /// The authority revokes a certificate.
    Revoke(String),
    /// The regulator records that an act lost force yesterday.
    Repeal { act: ActId, version: String },
    /// The holder changes a category.
    Categorise { provider: SystemId, data_type: DataTypeId, category: Category },
}

/// What must come of a scene.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Expected {
    /// An answer that holds these places (JSON Pointers) and lacks those.
    Allowed {
        holds: Vec<String>,
        #[serde(default)]
        lacks: Vec<String>,
        /// So much of the request its provider does not get.
        #[serde(default)]
        spares: u64,
    },
    /// A refusal with this code.
    Refused(String),
    /// No connection: TLS names this reason.
    Handshake(String),
}

/// What came of a scene.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Came {
    Allowed { status: u16, withheld: u64, spared: u64, document: String, exchange: String, entry: String },
    Refused { code: String, status: u16, clause: String, words: String, exchange: String, entry: String },
    Handshake(String),
    Nothing(String),
}

/// A scene that was played.
#[derive(Debug, Serialize)]
pub struct Played {
    by: String,
    ask: String,
    expected: Expected,
    pub(super) came: Came,
    /// What the record says of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) recorded: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) meanwhile: Option<Meanwhile>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) deviation: Option<String>,
}

/// How long something took to work, and what passed before it did.
#[derive(Debug, Serialize)]
pub(super) struct Meanwhile {
    pub(super) ms: u64,
    pub(super) passed: u32,
}

/// Where scenes are played.
pub(super) struct Stage {
    pub(super) office: Office,
    pub(super) folder: Folder,
    pub(super) log: PathBuf,
    pub(super) cast: Cast,
    pub(super) lines: Lines,
    pub(super) received: Arc<Received>,
    pub(super) scenes: Vec<Played>,
}

/// All scenes, in their order.
pub(super) fn all(day: &Day) -> Result<Vec<Scene>, Trouble> {
    day.read("scenes.json", include_str!("../../../deploy/demo/scenes.json"))
}

impl Played {
    /// Whether what came is what must come.
    pub fn is_as_expected(&self) -> bool {
        self.deviation.is_none()
    }
}

impl Scene {
    pub(super) fn purpose(&self) -> Option<&str> {
        self.says.get("kelisim-purpose").map(String::as_str)
    }

    /// Method and target.
    pub(super) fn asked(&self) -> (&str, &str) {
        self.ask.split_once(' ').unwrap_or(("GET", &self.ask))
    }

    fn question(&self, folder: &Folder) -> Result<Question, Trouble> {
        let (method, target) = self.asked();
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_static("en"));
        for (name, value) in &self.says {
            let name = HeaderName::try_from(name).trouble("read scenes.json")?;
            headers.insert(name, HeaderValue::try_from(value).trouble("read scenes.json")?);
        }
        if self.body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let mut body: Bytes = self.body.as_ref().map(Value::to_string).unwrap_or_default().into();
        if let Some(draft) = &self.sends {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(Draft::MEDIA_TYPE));
            body = draft.form(folder)?;
        }
        if let Some(sheet) = self.document {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/pdf"));
            body = sheet.bytes();
        }
        Ok(Question {
            method: method.parse().trouble("read scenes.json")?,
            target: target.into(),
            headers,
            body,
        })
    }
}

impl Sheet {
    fn bytes(self) -> Bytes {
        let (begin, end) = (b"%PDF-1.7\n1 0 obj\nstream\n", b"\nendstream\nendobj\nstartxref\n0\n%%EOF\n");
        let mut bytes = vec![b'.'; self.megabytes * 1_000_000];
        let room = bytes.len();
        bytes[..begin.len()].copy_from_slice(begin);
        bytes[room - end.len()..].copy_from_slice(end);
        bytes.into()
    }
}

impl Stage {
    /// Plays a scene, tells it, and remembers how it went.
    pub(super) async fn play(&mut self, scene: &Scene, teller: &mut Teller) -> Result<(), Trouble> {
        teller.scene(scene);
        let question = scene.question(&self.folder)?;
        if let Some(deed) = &scene.first {
            self.act(deed)?;
        }
        let (since, mut asked) = (Instant::now(), 0);
        let (came, deviation) = loop {
            asked += 1;
            let came = self.ask(scene, &question).await;
            let deviation = deviation(&scene.expect, &came).or_else(|| self.arrived(scene, &question, &came));
            let again = match scene.first {
                Some(_) => since.elapsed() < MOST_WAITING,
                None => asked < scene.at_most,
            };
            if deviation.is_none() || !again {
                break (came, deviation);
            }
            if scene.first.is_some() {
                tokio::time::sleep(PACE).await;
            }
        };
        let ms = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
        let meanwhile = (scene.first.is_some() || asked > 1).then(|| Meanwhile { ms, passed: asked - 1 });
        let (recorded, deviation) = match self.recorded(&came) {
            Ok(recorded) => (recorded, deviation),
            Err(missing) => (None, deviation.or(Some(missing))),
        };
        let (by, ask, expected) = (scene.by.clone(), scene.ask.clone(), scene.expect.clone());
        let played = Played { by, ask, expected, came, recorded, meanwhile, deviation };
        teller.outcome(&played);
        self.scenes.push(played);
        Ok(())
    }

    async fn ask(&mut self, scene: &Scene, question: &Question) -> Came {
        if let Expected::Handshake(_) = scene.expect {
            return match self.lines.knock(&scene.by).await {
                Ok(()) => Came::Nothing("the connection was accepted".into()),
                Err(why) => Came::Handshake(chain(&*why)),
            };
        }
        match self.lines.ask(&scene.by, scene.http, question).await {
            Ok(heard) => came(&heard, &question.headers),
            Err(why) => Came::Nothing(chain(&*why)),
        }
    }

    /// C4: documents come as they were sent, byte for byte; how they did not.
    fn arrived(&self, scene: &Scene, question: &Question, came: &Came) -> Option<String> {
        let Came::Allowed { exchange, .. } = came else { return None };
        let streams = scene.sends.is_some() || scene.document.is_some();
        let otherwise = streams && !self.received.has(exchange, &question.body);
        otherwise.then(|| "what came to the provider is not what was sent".to_owned())
    }

    /// What the record says of an answer: its entry was durable before the answer left (D1).
    fn recorded(&self, came: &Came) -> Result<Option<String>, String> {
        let (exchange, code) = match came {
            Came::Allowed { exchange, .. } => (exchange, None),
            Came::Refused { exchange, code, .. } => (exchange, Some(code)),
            Came::Handshake(_) | Came::Nothing(_) => return Ok(None),
        };
        let missing = || format!("the record has no entry of exchange {exchange}");
        let filter = Filter { exchange: exchange.parse().ok(), limit: Some(1), ..Filter::default() };
        let mut found = search(&self.log, filter).map_err(|error| chain(&error))?;
        let entry = found.next().ok_or_else(missing)?.map_err(|error| chain(&error))?;
        match entry.record {
            Record::Opening(opening) => {
                let Opening { agreement, agreement_version: version, basis, .. } = *opening;
                Ok(Some(format!("agreement {agreement} version {version}, basis: {basis}")))
            }
            Record::Refused(refused) if code.is_some_and(|code| *code == refused.code) => Ok(None),
            Record::Refused(_) | Record::Closing { .. } | Record::Segment(_) => Err(missing()),
        }
    }

    fn act(&mut self, deed: &Deed) -> Result<(), Trouble> {
        match deed {
            Deed::Revoke(name) => {
                let path = self.folder.dir().join("keys").join(format!("{name}.pem"));
                let pem = std::fs::read(path).trouble("read a certificate")?;
                let authority = self.folder.authority().trouble("open the trial authority")?;
                authority.revoke_certificate(&pem, clock::now()).trouble("revoke a certificate")
            }
            Deed::Repeal { act, version } => {
                let last_day = Day::of(clock::now()).date(-1);
                let (act, version) = (act.clone(), version.clone());
                let agreements_until = Some(last_day);
                let repeal = Command::RepealAct { act, version, last_day, successor: None, agreements_until };
                self.issue(repeal, self.cast.with(Role::Regulator)?.officer.clone())
            }
            Deed::Categorise { provider, data_type, category } => {
                let officer = self.cast.body(self.cast.system(provider)?.holder)?.officer.clone();
                let (provider, data_type, category) = (provider.clone(), data_type.clone(), *category);
                self.issue(Command::Categorise { provider, data_type, category }, officer)
            }
        }
    }

    fn issue(&mut self, command: Command, by: agreements::OperatorId) -> Result<(), Trouble> {
        let actor = self.office.actor(&by, VIA).trouble(format!("act as {by}"))?;
        let issued = self.office.issue(command, &actor, "shown in the demonstration");
        issued.map(drop).trouble(format!("change the registry as {by}"))
    }
}

/// What an answer means; one that contradicts itself is none.
fn came(heard: &Heard, asked: &HeaderMap) -> Came {
    let text = |name: &str| heard.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let status = heard.status.as_u16();
    let (Some(entry), Some(exchange)) = (text("kelisim-entry"), text("kelisim-exchange")) else {
        return Came::Nothing(format!("an answer {status} without an entry in the record"));
    };
    let document: Value = serde_json::from_slice(&heard.body).unwrap_or_default();
    let member = |name: &str| document[name].as_str().unwrap_or_default().to_owned();
    match text("kelisim-refusal") {
        Some(code) => {
            let (clause, words) = (member("clause"), member("detail"));
            let wanted = asked.get(ACCEPT_LANGUAGE);
            if code != member("code") || words.is_empty() || heard.headers.get(CONTENT_LANGUAGE) != wanted {
                return Came::Nothing(format!("a refusal {code} whose document says otherwise: {document}"));
            }
            Came::Refused { code, status, clause, words, exchange, entry }
        }
        None if heard.status.is_success() => {
            let counted = |name| text(name).and_then(|count| count.parse().ok()).unwrap_or(0);
            let (withheld, spared) = (counted("kelisim-withheld"), counted("kelisim-request-withheld"));
            let document = String::from_utf8_lossy(&heard.body).into_owned();
            Came::Allowed { status, withheld, spared, document, exchange, entry }
        }
        None => Came::Nothing(format!("the provider itself answered {status}")),
    }
}

/// How what came differs from what must come.
fn deviation(expected: &Expected, came: &Came) -> Option<String> {
    match (expected, came) {
        (Expected::Allowed { spares, .. }, Came::Allowed { spared, .. }) if spares != spared => {
            Some(format!("{spares} of the request had to be withheld, and {spared} were"))
        }
        (Expected::Allowed { holds, lacks, .. }, Came::Allowed { document, .. }) => {
            let document: Value = serde_json::from_str(document).unwrap_or_default();
            let missing = holds.iter().find(|place| document.pointer(place).is_none());
            let leaked = lacks.iter().find(|place| document.pointer(place).is_some());
            let missing = missing.map(|place| format!("{place} is missing"));
            missing.or_else(|| leaked.map(|place| format!("{place} was not agreed, and came")))
        }
        (Expected::Refused(code), Came::Refused { code: found, .. }) if code == found => None,
        (Expected::Handshake(reason), Came::Handshake(why)) if why.contains(reason) => None,
        (expected, came) => Some(format!("expected {expected:?}, and came {came:?}")),
    }
}

fn once() -> u32 {
    1
}

/// Longest wait for a change to work.
const MOST_WAITING: Duration = Duration::from_secs(10);

/// Pause between the calls that wait for it.
const PACE: Duration = Duration::from_millis(10);

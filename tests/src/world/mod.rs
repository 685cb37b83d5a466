//! A gateway and what stands around it: a data folder with real keys, people who work on its registry, a provider and
//! a consumer over real mutual TLS, and the record.
//!
//! ```text
//! plan      what a world is made of        sample    systems, data types, agreements to choose from
//! desk      people at the registry         provider  the stand-in that answers, as a test tells it to
//! consumer  who asks, over HTTP/1.1        streams   the same over HTTP/2
//! answer    what comes back                record    the exchange log, read as it grows
//! wait      conditions with a deadline     process   the real binary on a world's folder
//! clerk     who works over the API
//! relay     a way to a provider that opens late  stepped  a clock that is elsewhere
//! files     documents of every format, good and hostile
//! signing   messages that systems sign
//! time_authority  who stamps signatures
//! ```
//!
//! A world is for tests: what cannot be set up, panics. Nothing waits for a time to pass, only for things to happen.
#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]

mod answer;
mod clerk;
mod consumer;
mod desk;
#[path = "../../../adapters/tests/support/files.rs"]
pub mod files;
mod plan;
mod process;
mod provider;
mod record;
mod relay;
pub mod sample;
pub mod signing;
mod stepped;
mod streams;
#[path = "../../../certs/tests/support/time_authority.rs"]
pub mod time_authority;
pub mod wait;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;

use agreements::{CheckOutcome, Recorded, SystemId};
use certs::authority::{Authority, IssuedPem, PersonRequest, SystemRequest};
use certs::tls::Identity;
use certs::trust::Trust;
use gateway::app::App;
use gateway::config::Config;
use gateway::office::Folder;
use gateway::registry::Store as _;
use gateway::registry::sqlite::SqliteStore;
use jiff::Timestamp;
use tempfile::TempDir;

pub use answer::Answer;
pub use clerk::{Clerk, Told, in_hours};
pub use consumer::{Ask, Consumer, Line};
pub use desk::{Desk, Registry};
pub use plan::{Plan, Reach};
pub use process::{Process, kelisim};
pub use provider::{Hold, Provider, Reply, Seen};
pub use record::Log;
pub use relay::{Dialled, Relay};
pub use stepped::SteppedClock;
pub use streams::Streams;

/// A running gateway with its surroundings. Ends with it.
pub struct World {
    /// The gateway; `None` when it was stopped, or was never started in this process.
    pub app: Option<App>,
    /// The system that asks.
    pub consumer: Consumer,
    /// The system that answers.
    pub provider: Provider,
    /// Concurs in agreements, and supervises.
    pub regulator: Desk,
    /// Registers systems that came on paper.
    pub registrar: Desk,
    /// Records systems' papers, and what becomes of systems.
    pub integrator: Desk,
    /// Runs the gateway.
    pub administrator: Desk,
    /// The officer of the consumer's holder.
    pub ministry: Desk,
    /// The officer of the provider's holder.
    pub agency: Desk,
    /// The exchange log.
    pub log: Log,
    /// Issues certificates, and revokes them.
    pub authority: Authority,
    /// What the gateway was started with.
    pub config: Config,
    /// The data folder.
    pub folder: Folder,
    registry: Arc<Registry>,
    // Last: it is removed when nothing uses it any more.
    dir: TempDir,
}

impl World {
    /// A portal that asks and an address register that answers; nothing is agreed between them yet.
    pub fn consumer_and_provider() -> Plan {
        Plan::default()
    }

    /// Stops the gateway; what is under way is finished.
    pub fn stop(&mut self) {
        if let Some(app) = self.app.take() {
            app.stop();
        }
    }

    /// Starts the gateway again on the same folder, and tells everybody where it is.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start_again(&mut self) {
        self.stop();
        let app = App::start(&self.config).unwrap();
        self.moves_to(app.exchange_address(), app.operations_address());
        self.app = Some(app);
    }

    /// Tells everybody where the gateway is now.
    pub fn moves_to(&mut self, exchange: SocketAddr, operations: SocketAddr) {
        self.consumer.moves_to(exchange);
        self.registry.moves_to(operations);
    }

    /// Another stand-in, with an identity of choice: a provider that is not the one it should be.
    ///
    /// # Panics
    /// If the machine gives no port.
    pub fn stand_in(&self, identity: &Identity) -> Provider {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        Provider::start(socket, identity, self.trust())
    }

    /// Waits until the gateway acts on everything that was decided.
    pub async fn settled(&self) {
        self.registry.settled().await;
    }

    /// The gateway's metrics.
    pub async fn metrics(&self) -> String {
        self.registry.operations("/metrics").await
    }

    /// One page of the operations face, with its status line.
    pub async fn operations(&self, path: &str) -> String {
        self.registry.operations(path).await
    }

    /// The folder's path.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// A new certificate for a system, bound to nothing.
    ///
    /// # Panics
    /// If the authority does not issue it.
    pub fn certificate(&self, code: &str) -> (IssuedPem, Identity) {
        self.certificate_at(code, gateway::clock::now())
    }

    /// A certificate for one day from `at` on.
    ///
    /// # Panics
    /// If the authority does not issue it.
    pub fn certificate_at(&self, code: &str, at: Timestamp) -> (IssuedPem, Identity) {
        issue(&self.authority, code, at)
    }

    /// A certificate for one day of a person who works for an organisation.
    ///
    /// # Panics
    /// If the authority does not issue it.
    pub fn head(&self, organisation: &str) -> (IssuedPem, Identity) {
        self.head_at(organisation, "A head", gateway::clock::now(), 1)
    }

    /// The same for so many days from `at` on, and with a name; whoever has the same name is the same person.
    ///
    /// # Panics
    /// If the authority does not issue it.
    pub fn head_at(&self, organisation: &str, name: &str, at: Timestamp, days: u16) -> (IssuedPem, Identity) {
        let request = PersonRequest {
            name: name.into(),
            iin: sample::people::iin_of(name),
            bin: sample::bin(organisation),
            organisation: "A body".into(),
            days,
        };
        let issued = self.authority.issue_person(&request, at).unwrap();
        let identity = Identity::from_pem(issued.chain.as_bytes(), issued.key.as_bytes()).unwrap();
        (issued, identity)
    }

    /// Binds a certificate to a system, and has it checked anew under the agreements that were checked.
    pub async fn bind(&self, system: &SystemId, issued: &IssuedPem) {
        self.administrator.issues(plan::binding(system, issued));
        let checked: Vec<_> = self.registry.with(|office| {
            let theirs = office.registry().agreements().filter(|one| {
                one.readiness.is_some() && [&one.header.consumer, &one.header.provider].contains(&system)
            });
            theirs.map(|one| (one.header.number.clone(), one.header.version)).collect()
        });
        for (number, version) in checked {
            self.integrator.found(&number, version, CheckOutcome::Passed);
        }
        self.settled().await;
    }

    /// Both systems of an agreement's first version are found ready, and the gateway knows.
    pub async fn ready(&self, number: &str) {
        self.integrator.found(&sample::number(number), 1, CheckOutcome::Passed);
        self.settled().await;
    }

    /// Another system of the consumer's holder joins, with `address-lookup` under a number of its own.
    ///
    /// # Panics
    /// If the rules refuse it.
    pub async fn joins(&self, code: &str) -> Consumer {
        plan::registered([&self.registrar, &self.integrator], sample::card(code, sample::MINISTRY, None));
        let (issued, identity) = self.certificate(code);
        self.administrator.issues(plan::binding(&sample::system(code), &issued));
        let mut text = sample::agreement("address-lookup");
        (text["number"], text["consumer"]) = (format!("address-lookup-of-{code}").into(), code.into());
        plan::concluded(
            [&self.ministry, &self.agency, &self.regulator, &self.integrator],
            &text,
            Reach::Ready,
        );
        self.settled().await;
        self.consumer.with(identity)
    }

    /// Whom everybody in this world trusts.
    pub fn trust(&self) -> Arc<Trust> {
        self.registry.with(|office| Arc::clone(office.trust()))
    }

    /// Puts events into the registry behind the backs of the rules, as somebody could who may write its file.
    ///
    /// # Panics
    /// If the store does not take them.
    pub async fn forge(&self, events: impl IntoIterator<Item = agreements::Event>) {
        self.forge_at(gateway::clock::now(), events).await;
    }

    /// The same, dated as they like.
    ///
    /// # Panics
    /// If the store does not take them.
    pub async fn forge_at(&self, at: Timestamp, events: impl IntoIterator<Item = agreements::Event>) {
        let mut store = SqliteStore::open(&self.config.path(&self.config.registry.path)).unwrap();
        let revision = store.revision().unwrap();
        let forged: Vec<Recorded> = (revision + 1..)
            .zip(events)
            .map(|(sequence, event)| Recorded {
                sequence,
                at,
                actor: self.regulator.actor().clone(),
                reason: "forged".into(),
                event,
            })
            .collect();
        store.append(revision, &forged).unwrap();
        self.settled().await;
    }
}

/// Issues a certificate that lasts one day from `at` on.
fn issue(authority: &Authority, code: &str, at: Timestamp) -> (IssuedPem, Identity) {
    let request = SystemRequest {
        code: code.into(),
        bin: sample::bin(sample::MINISTRY),
        organisation: "A holder".into(),
        names: vec!["127.0.0.1".into(), "localhost".into()],
        days: 1,
    };
    let issued = authority.issue_system(&request, at).unwrap();
    let identity = Identity::from_pem(issued.chain.as_bytes(), issued.key.as_bytes()).unwrap();
    (issued, identity)
}

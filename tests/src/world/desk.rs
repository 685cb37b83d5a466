//! People at the registry, and how long the gateway takes to hear of what they decide.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use agreements::{
    Actor, AgreementNumber, CheckOutcome, Command, ListedUser, PrescriptionText, Recorded, Side,
    checked_alike,
};
use certs::sign::Signer;
use gateway::office::Office;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::sample;
use super::wait::{PAUSE, within};

/// The registry that everybody works on, and where the gateway shows what it has heard of it.
pub struct Registry {
    office: Mutex<Office>,
    operations: Mutex<Option<SocketAddr>>,
}

/// Somebody who works on the registry, with the key that they sign with.
#[derive(Clone)]
pub struct Desk {
    registry: Arc<Registry>,
    actor: Actor,
    signs: Option<(Side, Signer)>,
}

impl Registry {
    pub(super) fn new(office: Office) -> Arc<Self> {
        Arc::new(Self { office: Mutex::new(office), operations: Mutex::new(None) })
    }

    pub(super) fn moves_to(&self, operations: SocketAddr) {
        *self.operations.lock().unwrap_or_else(PoisonError::into_inner) = Some(operations);
    }

    /// Works on the registry.
    pub fn with<T>(&self, work: impl FnOnce(&mut Office) -> T) -> T {
        work(&mut self.office.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) async fn settled(&self) {
        let newest = self.with(|office| {
            let last = office.registry().revision();
            last + office.history(last, usize::MAX >> 1).unwrap().len() as u64
        });
        within("the gateway to hear of a decision", async {
            while self.heard().await < newest {
                tokio::time::sleep(PAUSE).await;
            }
        })
        .await;
    }

    async fn heard(&self) -> u64 {
        let metrics = self.operations("/metrics").await;
        let line = metrics.lines().find_map(|line| line.strip_prefix("kelisim_registry_revision "));
        line.unwrap().trim().parse().unwrap()
    }

    pub(super) async fn operations(&self, path: &str) -> String {
        let address = *self.operations.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tcp = TcpStream::connect(address.unwrap()).await.unwrap();
        let ask = format!("GET {path} HTTP/1.1\r\nHost: operations\r\nConnection: close\r\n\r\n");
        tcp.write_all(ask.as_bytes()).await.unwrap();
        let mut answer = String::new();
        tcp.read_to_string(&mut answer).await.unwrap();
        answer
    }
}

impl Desk {
    pub(super) fn new(registry: &Arc<Registry>, actor: Actor, signs: Option<(Side, Signer)>) -> Self {
        Self { registry: Arc::clone(registry), actor, signs }
    }

    /// Who they are in the history.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The key that they sign with.
    ///
    /// # Panics
    /// If they sign nothing.
    pub fn signer(&self) -> &Signer {
        &self.signs.as_ref().unwrap().1
    }

    /// Issues a command; when this returns it is acknowledged, and the gateway may not have heard of it.
    ///
    /// # Panics
    /// If the rules refuse it.
    pub fn issues(&self, command: Command) -> Vec<Recorded> {
        let issued = self.registry.with(|office| office.issue(command.clone(), &self.actor, "as decided"));
        issued.unwrap_or_else(|error| panic!("{command:?}: {error:?}"))
    }

    /// Issues a command, and waits until the gateway acts on it.
    pub async fn orders(&self, command: Command) {
        self.issues(command);
        self.registry.settled().await;
    }

    /// Draws up an agreement.
    ///
    /// # Panics
    /// If the rules refuse it.
    pub fn drafts(&self, text: &Value) {
        self.registry.with(|office| office.draft(text, &self.actor, "as agreed")).unwrap();
    }

    /// Signs an agreement; for the regulator that is the concurrence.
    ///
    /// # Panics
    /// If they sign nothing, or the rules refuse it.
    pub fn signs(&self, text: &Value) {
        let (number, version) = key(text);
        let (side, signer) = self.signs.as_ref().unwrap();
        let signed = self
            .registry
            .with(|office| office.sign(&number, version, *side, signer, &self.actor, "as agreed"));
        signed.unwrap();
    }

    /// Records that both systems of an agreement are ready.
    ///
    /// # Panics
    /// If the rules refuse it.
    pub fn finds_ready(&self, text: &Value) {
        let (number, version) = key(text);
        self.found(&number, version, CheckOutcome::Passed);
    }

    /// Records a readiness check in which everything came out alike.
    ///
    /// # Panics
    /// If the rules refuse it.
    pub fn found(&self, number: &AgreementNumber, version: u32, outcome: CheckOutcome) {
        let command = self
            .registry
            .with(|office| checked_alike(office.registry(), number, version, outcome, "by a test").unwrap());
        self.issues(command);
    }

    /// Approves a list of officials, as the consumer's head, and waits until the gateway acts on it.
    ///
    /// # Panics
    /// If they sign nothing, or the rules refuse it.
    pub async fn approves(&self, number: &AgreementNumber, users: Vec<ListedUser>) {
        self.lists(number, users);
        self.registry.settled().await;
    }

    /// The same, without waiting.
    pub(super) fn lists(&self, number: &AgreementNumber, users: Vec<ListedUser>) {
        let command = self.registry.with(|office| {
            let list = office.next_list(number, users).unwrap();
            let signature = office.sign_value(&list, Side::Consumer, self.signer()).unwrap();
            Command::ApproveUsers { list, signature }
        });
        self.issues(command);
    }

    /// Issues a prescription, as the regulator, and waits until the gateway acts on it.
    ///
    /// # Panics
    /// If they sign nothing, or the rules refuse it.
    pub async fn prescribes(&self, prescription: PrescriptionText) {
        let signed =
            self.registry.with(|office| office.sign_value(&prescription, Side::Regulator, self.signer()));
        let signature = signed.unwrap();
        self.orders(Command::IssuePrescription { prescription, signature }).await;
    }

    /// Suspends the first version of an agreement, and waits until the gateway acts on it.
    pub async fn suspend(&self, number: &str) {
        self.orders(Command::SuspendAgreement { number: sample::number(number), version: 1 }).await;
    }

    /// Resumes it.
    pub async fn resume(&self, number: &str) {
        self.orders(Command::ResumeAgreement { number: sample::number(number), version: 1 }).await;
    }

    /// Terminates it.
    pub async fn terminate(&self, number: &str) {
        self.orders(Command::TerminateAgreement { number: sample::number(number), version: 1 }).await;
    }

    /// The registry.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }
}

/// An agreement's number and version.
///
/// # Panics
/// If it has none.
pub(super) fn key(text: &Value) -> (AgreementNumber, u32) {
    let version = text["version"].as_u64().unwrap();
    (sample::number(text["number"].as_str().unwrap()), version.try_into().unwrap())
}

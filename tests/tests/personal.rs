//! Personal data from outside: what is withheld and counted, and the persons whom exchanges are about (B7, D4).
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

#[path = "personal/again.rs"]
mod again;
#[path = "personal/consent.rs"]
mod consent;
#[path = "personal/excess.rs"]
mod excess;
#[path = "personal/hostile.rs"]
mod hostile;
#[path = "personal/requests.rs"]
mod requests;
#[path = "personal/subjects.rs"]
mod subjects;
#[path = "personal/usage.rs"]
mod usage;
#[path = "personal/versions.rs"]
mod versions;

use serde_json::Value;
use tests::world::sample::people::{OFFICIAL, people, people_agreement};
use tests::world::{Plan, World};

/// The register publishes persons, and the portal may ask for them; its agreement changed beforehand.
fn agreed_with(change: impl FnOnce(&mut Value)) -> Plan {
    let people_agreed = |text: &mut Value| {
        *text = people_agreement();
        change(text);
    };
    let plan = World::consumer_and_provider().publishing(people());
    plan.agreement_with("address-lookup", people_agreed).official(OFFICIAL)
}

fn agreed() -> Plan {
    agreed_with(|_| {})
}

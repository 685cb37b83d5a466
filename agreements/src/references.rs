//! Which documents of the depositary things name, by digest (A7).

use serde_json::Value;

use crate::{
    Accounted, Agreement, Application, Attachment, Conformity, Correction, Delegation, Dossier, System,
};

/// Something that may name documents.
pub(crate) trait Refers {
    /// Whether it names this one.
    fn refers_to(&self, sha256: &str) -> bool;
}

impl Refers for System {
    fn refers_to(&self, sha256: &str) -> bool {
        let papers = [&self.attestation, &self.quality_certificate].into_iter().flatten();
        papers.filter_map(|Conformity { document, .. }| document.as_deref()).any(|one| one == sha256)
            || self.card.documents.iter().any(|one| one.sha256 == sha256)
            || self.dossier.refers_to(sha256)
    }
}

impl Refers for Accounted {
    fn refers_to(&self, sha256: &str) -> bool {
        self.card.documents.iter().any(|one| one.sha256 == sha256) || self.dossier.refers_to(sha256)
    }
}

impl Refers for Dossier {
    fn refers_to(&self, sha256: &str) -> bool {
        let corrected = |one: &Correction| {
            one.changes.iter().any(|change| says(&change.old, sha256) || says(&change.new, sha256))
        };
        self.information.digests().any(|one| one == sha256)
            || self.superseded.iter().any(|one| one.document.sha256 == sha256)
            || self.ended.iter().any(|end| end.document.as_deref() == Some(sha256))
            || self.corrections.iter().any(corrected)
    }
}

impl Refers for Application {
    fn refers_to(&self, sha256: &str) -> bool {
        self.documents().iter().any(|one| one.sha256 == sha256)
            || self.information.digests().any(|one| one == sha256)
    }
}

impl Refers for Agreement {
    fn refers_to(&self, sha256: &str) -> bool {
        let attached = |one: &Attachment| one.sha256 == sha256;
        let protocol = self.protocol.iter().any(|one| one.text.document == sha256);
        protocol
            || match &self.text {
                Some(text) => text.attachments.iter().any(attached),
                // A draft may lack anything, but is JSON.
                None => serde_json::from_str::<Value>(&self.document.text())
                    .is_ok_and(|draft| says(&draft["attachments"], sha256)),
            }
    }
}

impl Refers for Delegation {
    fn refers_to(&self, sha256: &str) -> bool {
        self.text.document == sha256
    }
}

/// Whether a value, however deep, is this text.
fn says(value: &Value, text: &str) -> bool {
    match value {
        Value::String(said) => said == text,
        Value::Array(all) => all.iter().any(|one| says(one, text)),
        Value::Object(all) => all.values().any(|one| says(one, text)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

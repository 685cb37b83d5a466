//! What events change in agreements.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Agreement, Registry, Step};
use crate::readiness::holds_until;
use crate::{
    AgreementNumber, Party, Protocol, ProtocolText, Ready, Recorded, Ruled, Ruling, RulingText, Signature,
    Stage, SystemId,
};

impl Registry {
    pub(super) fn draft(&mut self, document: &str, recorded: &Recorded) -> Option<()> {
        let header = self.pool.header(&serde_json::from_str(document).ok()?);
        let agreement = Agreement {
            document: self.pool.document(document),
            text: None,
            stage: Stage::Draft,
            signatures: Vec::new(),
            remarks: Vec::new(),
            ruled: None,
            protocol: None,
            conformity: Vec::new(),
            readiness: None,
            history: Vec::new(),
            header: header.clone(),
        };
        self.agreements.insert((header.number.clone(), header.version), Arc::new(agreement));
        self.step(&header.number, header.version, Stage::Draft, recorded).map(drop)
    }

    pub(super) fn step(
        &mut self,
        number: &AgreementNumber,
        version: u32,
        stage: Stage,
        recorded: &Recorded,
    ) -> Option<&mut Agreement> {
        let (actor, reason) = (self.pool.actor(&recorded.actor), self.pool.words(&recorded.reason));
        let agreement = Arc::make_mut(self.agreements.get_mut(&(number.clone(), version))?);
        agreement.stage = stage.clone();
        agreement.history.push(Step { stage, at: recorded.at, actor, reason });
        Some(agreement)
    }

    /// Takes in what the regulator decided by a statement of its own.
    pub(super) fn rule(
        &mut self,
        text: &RulingText,
        signature: &Signature,
        recorded: &Recorded,
    ) -> Option<()> {
        let stage = match text.ruling {
            Ruling::AgreedWithRemarks => Stage::Concurred,
            Ruling::Refused => Stage::Refused,
            Ruling::Returned => Stage::Returned,
        };
        let agreement = self.step(&text.agreement, text.version, stage, recorded)?;
        let (text, signature, at) = (text.clone(), signature.clone(), recorded.at);
        agreement.ruled = Some(Box::new(Ruled { text, signature, at }));
        Some(())
    }

    /// Takes in a signature under a protocol of disagreement; one over another text begins it anew.
    pub(super) fn sign_protocol(&mut self, text: &ProtocolText, signature: &Signature) -> Option<()> {
        let agreement = Arc::make_mut(self.agreements.get_mut(&(text.agreement.clone(), text.version))?);
        match &mut agreement.protocol {
            Some(known) if known.text == *text => known.signatures.push(signature.clone()),
            other => {
                let signatures = vec![signature.clone()];
                *other = Some(Box::new(Protocol { text: text.clone(), signatures }));
            }
        }
        Some(())
    }

    /// The revision at which a system's networks, endpoint, certificates, phase or make last changed; 0 if never since its
    /// registration. A certificate that is taken away leaves nothing new to check.
    pub fn changed(&self, system: &SystemId) -> u64 {
        self.changed.get(system).copied().unwrap_or(0)
    }

    /// Whether the systems of an agreement are known to be ready (B5).
    pub fn ready(&self, agreement: &Agreement) -> Ready {
        let Some(newest) = &agreement.readiness else { return Ready::Unchecked };
        // Without a signed text there is nothing to be ready for.
        let failed = agreement.text.as_ref().map_or(Some(Party::Consumer), |text| newest.failed(text));
        if let Some(party) = failed {
            return Ready::Failed(party);
        }
        let header = &agreement.header;
        for (party, system) in [(Party::Consumer, &header.consumer), (Party::Provider, &header.provider)] {
            if self.changed(system) > newest.revision {
                return Ready::Outdated(party);
            }
        }
        let text = agreement.text.as_ref();
        Ready::Until(text.map_or(Timestamp::MIN, |text| holds_until(newest.at, text)))
    }
}

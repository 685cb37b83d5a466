//! What events change in agreements.

use super::{Agreement, Header, Registry, Step};
use crate::{AgreementNumber, Recorded, Stage};

impl Registry {
    pub(super) fn draft(&mut self, document: &str, recorded: &Recorded) -> Option<()> {
        let header: Header = serde_json::from_str(document).ok()?;
        let agreement = Agreement {
            document: document.into(),
            text: None,
            stage: Stage::Draft,
            signatures: Vec::new(),
            remarks: Vec::new(),
            conformity: Vec::new(),
            history: Vec::new(),
            header: header.clone(),
        };
        self.agreements.insert((header.number.clone(), header.version), agreement);
        self.step(&header.number, header.version, Stage::Draft, recorded).map(drop)
    }

    pub(super) fn step(
        &mut self,
        number: &AgreementNumber,
        version: u32,
        stage: Stage,
        recorded: &Recorded,
    ) -> Option<&mut Agreement> {
        let agreement = self.agreements.get_mut(&(number.clone(), version))?;
        agreement.stage = stage.clone();
        let (actor, reason) = (recorded.actor.clone(), recorded.reason.clone());
        agreement.history.push(Step { stage, at: recorded.at, actor, reason });
        Some(agreement)
    }
}

//! What is kept of systems and other objects: corrections, discoveries, employees, documents, marks, their end.

use jiff::civil::Date;

use super::{Check, CommandError};
use crate::application::is_digest;
use crate::{
    ApplicationFault, Bin, CardCorrection, Document, Dossier, Employee, EndOfOperation, Event, Information,
    ObjectStatus, OperatorStanding, Paper, Role, Significance, Subject, SystemId, Words,
};

impl Check<'_> {
    pub(super) fn correct_information(
        &self,
        subject: Subject,
        card: CardCorrection,
        information: Box<Information>,
        changed_on: Option<Date>,
        discovery: Option<u32>,
    ) -> Result<Event, CommandError> {
        let (dossier, _) = self.in_operation(&subject)?;
        information.check().map_err(CommandError::Information)?;
        if let Some(owner) = card.owner {
            self.holder(owner)?;
        }
        let of_object = matches!(subject, Subject::Object(_));
        if card.name.as_ref().is_some_and(Words::is_empty) || (of_object && card.openness.is_some()) {
            return Err(CommandError::NothingSaid);
        }
        if changed_on.is_some_and(|day| day > self.today()) {
            return Err(CommandError::Date { what: "the day of the change" });
        }
        let bytes = serde_json::to_vec(&information).map_or(usize::MAX, |json| json.len());
        if bytes > MOST_BYTES {
            return Err(CommandError::Application(ApplicationFault::TooBig));
        }
        match discovery {
            None if information.said().is_empty() && card == CardCorrection::default() => {
                return Err(CommandError::NothingSaid);
            }
            None => {}
            Some(number) => {
                let found = dossier.discoveries.iter().find(|one| one.number == number);
                if found.is_none_or(|found| found.corrected.is_some()) {
                    return Err(CommandError::Unknown {
                        what: format!("open discovery {number} of {subject}"),
                    });
                }
            }
        }
        Ok(Event::InformationCorrected { subject, card, information, changed_on, discovery })
    }

    pub(super) fn report_discovery(&self, subject: Subject, what: Words) -> Result<Event, CommandError> {
        let (dossier, _) = self.in_operation(&subject)?;
        if what.is_empty() {
            return Err(CommandError::NothingSaid);
        }
        let open = dossier.discoveries.iter().filter(|one| one.corrected.is_none()).count();
        if open >= MOST_OPEN_DISCOVERIES {
            return Err(CommandError::Exists { what: format!("{open} open discoveries of {subject}") });
        }
        Ok(Event::DiscoveryReported { subject, what })
    }

    pub(super) fn name_responsible(
        &self,
        subject: Subject,
        employee: Employee,
    ) -> Result<Event, CommandError> {
        self.in_operation(&subject)?;
        if employee.name.is_empty() {
            return Err(CommandError::NothingSaid);
        }
        if let Some(id) = &employee.operator {
            let known = self.registry.operator(id);
            let known = known.ok_or_else(|| CommandError::Unknown { what: format!("operator {id}") })?;
            if known.role != Role::ResponsibleEmployee {
                return Err(CommandError::NotInRole { role: known.role });
            }
            match self.registry.operator_standing(id, self.today()) {
                None | Some(OperatorStanding::Active) => {}
                Some(standing) => return Err(CommandError::NotActive { operator: id.clone(), standing }),
            }
        }
        Ok(Event::ResponsibleNamed { subject, employee })
    }

    pub(super) fn file_document(
        &self,
        subject: Subject,
        document: Document,
        supersedes: Option<String>,
    ) -> Result<Event, CommandError> {
        let (_, documents) = self.in_operation(&subject)?;
        if !is_digest(&document.sha256) {
            let title = document.title.chars().take(80).collect();
            return Err(CommandError::Application(ApplicationFault::Digest(title)));
        }
        let filed = |sha256: &str| documents.iter().any(|known| known.sha256 == sha256);
        if filed(&document.sha256) {
            return Err(CommandError::Exists { what: format!("document {}", document.sha256) });
        }
        if documents.len() >= MOST_DOCUMENTS || document.title.chars().count() > 500 {
            return Err(CommandError::Application(ApplicationFault::TooBig));
        }
        match supersedes {
            Some(sha256) if !filed(&sha256) => {
                Err(CommandError::Unknown { what: "the superseded document".into() })
            }
            supersedes => Ok(Event::DocumentFiled { subject, document, supersedes }),
        }
    }

    pub(super) fn mark(&self, subject: Subject, significance: Significance) -> Result<Event, CommandError> {
        self.in_operation(&subject)?;
        Ok(Event::SignificanceMarked { subject, significance })
    }

    pub(super) fn assign_authority(
        &self,
        subject: Subject,
        authority: Option<Bin>,
    ) -> Result<Event, CommandError> {
        self.in_operation(&subject)?;
        if let Some(authority) = authority {
            self.holder(authority)?;
        }
        Ok(Event::AuthorityAssigned { subject, authority })
    }

    pub(super) fn end_operation(
        &self,
        subject: Subject,
        mut end: EndOfOperation,
    ) -> Result<Event, CommandError> {
        self.in_operation(&subject)?;
        if end.on.is_none_or(|day| day > self.today()) {
            return Err(CommandError::Date { what: "the last day of operation" });
        }
        if end.document.as_deref().is_some_and(|sha256| !is_digest(sha256)) {
            return Err(CommandError::Application(ApplicationFault::Digest("act".into())));
        }
        if end.why.is_empty() {
            end.why = Words::new(self.reason).unwrap_or_default();
        }
        Ok(Event::OperationEnded { subject, end })
    }

    pub(super) fn suspend_paper(&self, system: SystemId, paper: Paper) -> Result<Event, CommandError> {
        self.paper(&system, paper, Suspended::No)?;
        Ok(Event::PaperSuspended { system, paper })
    }

    pub(super) fn resume_paper(&self, system: SystemId, paper: Paper) -> Result<Event, CommandError> {
        self.paper(&system, paper, Suspended::Yes)?;
        Ok(Event::PaperResumed { system, paper })
    }

    fn paper(&self, id: &SystemId, paper: Paper, wanted: Suspended) -> Result<(), CommandError> {
        let system = self.live(id)?;
        let (held, what) = match paper {
            Paper::Attestation => (system.attestation.as_ref(), "an attestation"),
            Paper::QualityCertificate => (system.quality_certificate.as_ref(), "a quality certificate"),
        };
        self.within(&Subject::System(id.clone()))?;
        let held = held.filter(|held| held.withdrawn.is_none());
        let stands = held.is_some_and(|held| match wanted {
            Suspended::Yes => held.suspended.is_some(),
            Suspended::No => held.suspended.is_none(),
        });
        if stands { Ok(()) } else { Err(CommandError::NoConformity { system: id.clone(), what }) }
    }

    /// What goes by this name, is theirs to act on, and has not ended.
    fn in_operation(&self, subject: &Subject) -> Result<(&Dossier, &[Document]), CommandError> {
        self.within(subject)?;
        match subject {
            Subject::System(id) => {
                let system = self.live(id)?;
                Ok((&system.dossier, &system.card.documents))
            }
            Subject::Object(id) => match self.registry.object(id) {
                Some(object) if object.status == ObjectStatus::Accounted => {
                    Ok((&object.dossier, &object.card.documents))
                }
                Some(_) => Err(CommandError::ObjectEnded { object: id.clone() }),
                None => Err(CommandError::Unknown { what: subject.to_string() }),
            },
        }
    }
}

/// Whether a paper is to be suspended already.
#[derive(Debug, Clone, Copy)]
enum Suspended {
    Yes,
    No,
}

/// As much as an application.
const MOST_BYTES: usize = 512 * 1024;

/// As many as an application.
const MOST_DOCUMENTS: usize = 200;

/// Whoever finds more has the whole object looked through.
const MOST_OPEN_DISCOVERIES: usize = 100;

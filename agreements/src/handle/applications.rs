//! Applications for registration and accounting (A2-A3): submitted by one, judged by another.

use super::systems::dialled;
use super::{Check, CommandError};
use crate::{
    Application, ApplicationNumber, Applied, Event, Filed, ObjectKind, Outcome, Ownership, Role, Subject,
    Viewer, Words,
};

impl Check<'_> {
    pub(super) fn submit_application(&self, mut application: Application) -> Result<Event, CommandError> {
        let subject = application.subject();
        self.applicant(&application)?;
        application.check().map_err(CommandError::Application)?;
        if self.is_known(&subject) {
            return Err(CommandError::Exists { what: subject.to_string() });
        }
        self.holder(application.holder())?;
        match &application.of {
            Applied::System(card) => {
                self.holder(card.owner)?;
                dialled(&card.id, card.endpoint.as_ref())?;
            }
            Applied::Object(card) => self.holder(card.owner)?,
        }
        // Registration 8: what comes after a returned application is a new one, with terms of its own.
        application.follows = match self.registry.newest_application(&subject) {
            None => None,
            Some(Filed { outcome: Outcome::Pending, number, .. }) => {
                return Err(CommandError::Exists { what: format!("application {number} for {subject}") });
            }
            Some(earlier) => Some(earlier.number),
        };
        let (number, gaps) = (self.registry.next_application(), application.gaps());
        Ok(Event::ApplicationSubmitted { number, application: Box::new(application), gaps })
    }

    pub(super) fn accept_application(
        &self,
        number: ApplicationNumber,
        code: Option<String>,
    ) -> Result<Vec<Event>, CommandError> {
        let filed = self.pending(number)?;
        self.second_person(&filed.submitted.actor, "submitted the application")?;
        let application = &filed.application;
        let gaps = application.gaps();
        if !gaps.is_empty() {
            return Err(CommandError::Lacking { number, gaps });
        }
        if self.is_known(&application.subject()) {
            return Err(CommandError::Exists { what: application.subject().to_string() });
        }
        let code = code.unwrap_or_else(|| self.next_code(application));
        self.free_code(&code)?;
        let entered = match &application.of {
            Applied::System(card) => {
                let mut card = card.as_ref().clone();
                if let Some(employee) = &application.responsible {
                    card.responsible = employee.name.to_string();
                }
                Event::SystemRegistered { card, code: code.clone() }
            }
            Applied::Object(card) => Event::ObjectAccounted { card: card.clone(), code: code.clone() },
        };
        Ok(vec![Event::ApplicationAccepted { number, code }, entered])
    }

    pub(super) fn return_application(
        &self,
        number: ApplicationNumber,
        remarks: Vec<Words>,
    ) -> Result<Event, CommandError> {
        let filed = self.pending(number)?;
        self.second_person(&filed.submitted.actor, "submitted the application")?;
        let remarks: Vec<Words> = remarks.into_iter().filter(|remark| !remark.is_empty()).collect();
        // What lacks was named when it was submitted; whoever returns what is complete says why.
        if (remarks.is_empty() && filed.gaps.is_empty()) || remarks.len() > MOST_REMARKS {
            return Err(CommandError::NoReason);
        }
        Ok(Event::ApplicationReturned { number, remarks })
    }

    pub(super) fn withdraw_application(&self, number: ApplicationNumber) -> Result<Event, CommandError> {
        self.applicant(&self.pending(number)?.application)?;
        Ok(Event::ApplicationWithdrawn { number })
    }

    /// Officers apply for their own organisation, regional operators for their region.
    fn applicant(&self, application: &Application) -> Result<(), CommandError> {
        let viewer = Viewer::new(self.registry, self.actor, self.today());
        let owner = application.holder();
        if self.actor.role == Role::HolderOfficer && self.actor.holder != owner {
            return Err(CommandError::NotYours { owner, actor: self.actor.holder });
        }
        if viewer.sees_object_of(&[owner], application.region(), &crate::Dossier::default()) {
            return Ok(());
        }
        Err(CommandError::OutOfReach {
            what: application.subject().to_string(),
            actor: self.actor.id.clone(),
        })
    }

    fn pending(&self, number: ApplicationNumber) -> Result<&Filed, CommandError> {
        let filed = self.registry.application(number);
        let filed = filed.ok_or_else(|| CommandError::Unknown { what: format!("application {number}") })?;
        match filed.outcome {
            Outcome::Pending => Ok(filed),
            Outcome::Registered { .. } | Outcome::Returned { .. } | Outcome::Withdrawn { .. } => {
                Err(CommandError::Settled { number, outcome: filed.outcome.word() })
            }
        }
    }

    fn is_known(&self, subject: &Subject) -> bool {
        match subject {
            Subject::System(id) => self.registry.system(id).is_some(),
            Subject::Object(id) => self.registry.object(id).is_some(),
        }
    }

    /// A code is unique, and fits on a line.
    pub(super) fn free_code(&self, code: &str) -> Result<(), CommandError> {
        let taken = self.registry.systems().any(|other| other.code == code)
            || self.registry.objects().any(|other| other.code == code);
        if taken {
            return Err(CommandError::Exists { what: format!("code {code}") });
        }
        let good = (1..=64).contains(&code.chars().count())
            && !code.chars().any(|c| c.is_control() || c.is_whitespace());
        if good { Ok(()) } else { Err(CommandError::NothingSaid) }
    }

    fn next_code(&self, application: &Application) -> String {
        match &application.of {
            Applied::System(card) => self.next_system_code(card.ownership),
            Applied::Object(card) => {
                let kind = match card.kind {
                    ObjectKind::Resource => "RES",
                    ObjectKind::Software => "SOFT",
                    ObjectKind::Infrastructure => "INFRA",
                };
                self.first_free(kind, self.registry.objects().count())
            }
        }
    }

    /// The code that a system gets where none is named.
    pub(super) fn next_system_code(&self, ownership: Ownership) -> String {
        let kind = match ownership {
            Ownership::State => "STATE",
            Ownership::NonState => "OTHER",
        };
        self.first_free(kind, self.registry.systems().count())
    }

    /// The first code of its kind that nobody has.
    fn first_free(&self, kind: &str, known: usize) -> String {
        let mut codes = (known + 1..).map(|number| format!("KZ-{kind}-{number:04}"));
        codes.find(|code| self.free_code(code).is_ok()).expect("of endlessly many codes one is free")
    }
}

/// Nobody answers more.
const MOST_REMARKS: usize = 100;

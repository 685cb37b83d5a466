//! What somebody should know before it is too late: papers that end, terms that run out, what is overdue.

use jiff::civil::Date;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    Bin, Conformity, Deadline, Order, Paper, Registry, Role, Stage, Subject, SystemStatus, Target, TermKind,
    almaty,
};

/// Something that somebody should know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
pub struct Notice {
    /// How near it is.
    pub severity: Severity,
    /// The last day.
    pub due: Date,
    /// What it is about: `system portal`, `application 7`.
    pub about: String,
    /// What happens then, or should have happened.
    pub what: Matter,
    /// The organisations that it concerns.
    pub concerns: Vec<Bin>,
}

/// How near it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The day is over.
    Overdue,
    /// Within 7 days.
    Urgent,
    /// Within 30 days.
    Soon,
    /// Within 60 days.
    Ahead,
}

/// What a notice tells of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Matter {
    /// The attestation ends.
    AttestationEnds,
    /// The quality certificate ends.
    QualityCertificateEnds,
    /// A certificate that is bound to the system ends.
    RegistrationCertificateEnds,
    /// An operator's role ends.
    RoleEnds,
    /// A term of the law ends.
    TermEnds(TermKind),
    /// An agreement's access period ends, or another of its days comes.
    Agreement(String),
}

impl Severity {
    /// How near `due` is on `today`; nothing while it is more than 60 days away.
    pub fn of(due: Date, today: Date) -> Option<Self> {
        match (due - today).get_days() {
            days if days < 0 => Some(Self::Overdue),
            0..=7 => Some(Self::Urgent),
            8..=30 => Some(Self::Soon),
            31..=60 => Some(Self::Ahead),
            _ => None,
        }
    }
}

/// All notices of a day about systems, applications and operators, the nearest first.
pub fn notices(registry: &Registry, today: Date) -> Vec<Notice> {
    let mut notices = Vec::new();
    let mut tell = |due: Date, about: String, what: Matter, concerns: Vec<Bin>| {
        if let Some(severity) = Severity::of(due, today) {
            notices.push(Notice { severity, due, about, what, concerns });
        }
    };
    let live = registry.systems().filter(|system| system.status != SystemStatus::Decommissioned);
    for system in live {
        let about = || Subject::System(system.card.id.clone()).to_string();
        for paper in [Paper::Attestation, Paper::QualityCertificate] {
            let (held, what) = match paper {
                Paper::Attestation => (&system.attestation, Matter::AttestationEnds),
                Paper::QualityCertificate => (&system.quality_certificate, Matter::QualityCertificateEnds),
            };
            if let Some(Conformity { valid_until, withdrawn: None, .. }) = held {
                tell(*valid_until, about(), what, vec![system.card.holder]);
            }
        }
        // The newest counts: an older one ends while it is renewed.
        if let Some(newest) = system.certificates.iter().map(|bound| bound.not_after).max() {
            let due = newest.to_zoned(almaty()).date();
            tell(due, about(), Matter::RegistrationCertificateEnds, vec![system.card.holder]);
        }
    }
    for operator in registry.operators() {
        let gone = registry.enrolment(&operator.id).is_some_and(|enrolment| enrolment.standing.is_removed());
        if let (Some(until), false) = (operator.reach.until, gone)
            // What ended as it should concerns nobody any more.
            && until >= today
        {
            tell(until, format!("operator {}", operator.id), Matter::RoleEnds, vec![operator.holder]);
        }
    }
    for deadline in registry.deadlines().into_iter().filter(|deadline| deadline.met.is_none()) {
        let Deadline { about, due, kind, owed_by, .. } = deadline;
        tell(due, about, Matter::TermEnds(kind), owed_by.into_iter().collect());
    }
    for (due, about, what, concerns) in of_agreements(registry) {
        tell(due, about, what, concerns);
    }
    notices.sort();
    notices
}

/// B9, B10: agreements whose access period ends, whose basis ends, and corrections that are due.
fn of_agreements(registry: &Registry) -> Vec<(Date, String, Matter, Vec<Bin>)> {
    let mut found = Vec::new();
    let in_force = registry.agreements().filter(|agreement| match agreement.stage {
        Stage::Concurred | Stage::Suspended => true,
        Stage::Draft
        | Stage::Submitted
        | Stage::Refused
        | Stage::Returned
        | Stage::Withdrawn
        | Stage::Terminated
        | Stage::Superseded
        | Stage::Expired => false,
    });
    for agreement in in_force {
        let Some(text) = &agreement.text else { continue };
        let holder = |id| registry.system(id).map(|system| system.card.holder);
        let concerns: Vec<Bin> =
            [holder(&text.consumer), holder(&text.provider)].into_iter().flatten().collect();
        let about = || format!("agreement {} version {}", text.number, text.version);
        let period = Matter::Agreement("the access period ends".into());
        found.push((text.access_period.until, about(), period, concerns.clone()));
        for basis in text.basis.iter() {
            let act = registry.act(&basis.act, &basis.version);
            let Some((act, own)) = act.and_then(|act| Some((act, act.in_force_until?))) else { continue };
            let due = act.agreements_until.map_or(own, |day| day.max(own));
            let what = Matter::Agreement(format!("its basis, act {} {}, ends", act.id, act.version));
            found.push((due, about(), what, concerns.clone()));
        }
    }
    for (agreement, list) in registry.user_lists() {
        let holder = registry.consumer_of(agreement).and_then(|id| registry.system(id));
        let concerns: Vec<Bin> = holder.into_iter().map(|system| system.card.holder).collect();
        let about = || format!("agreement {agreement}");
        let ends =
            list.list.users.iter().filter_map(|user| {
                Some((user.training_certificate.as_ref()?.valid_until()?, user.id.as_str()))
            });
        found.extend(ends.map(|(due, official)| {
            let what = Matter::Agreement(format!("the training certificate of {official} ends"));
            (due, about(), what, concerns.clone())
        }));
    }
    for prescription in registry.prescriptions().filter(|one| one.lifted.is_none()) {
        let Order::CorrectBy(due) = prescription.text.order else { continue };
        let holder = |id| registry.system(id).map(|system| system.card.holder);
        let concerns = match &prescription.text.against {
            Target::System(id) => holder(id).into_iter().collect(),
            Target::Agreement(number) => {
                let newest = registry.versions(number).last().map(|one| &one.header);
                let sides = newest.map(|header| [holder(&header.consumer), holder(&header.provider)]);
                sides.into_iter().flatten().flatten().collect()
            }
        };
        let about = format!("prescription {}", prescription.text.prescription);
        found.push((due, about, Matter::Agreement("a correction is due".into()), concerns));
    }
    found
}

/// Whether somebody of this role and organisation is told of a notice.
pub fn is_told(notice: &Notice, role: Role, holder: Bin) -> bool {
    match role {
        // A8: overdue steps show to the regulator.
        Role::Administrator | Role::Regulator | Role::ServiceIntegrator | Role::NationalOperator => true,
        Role::HolderOfficer
        | Role::RegionalOperator
        | Role::SectorAuthority
        | Role::TerritorialUnit
        | Role::ResponsibleEmployee
        | Role::Expert => notice.concerns.contains(&holder),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A8
    #[test]
    fn a_notice_comes_sixty_thirty_and_seven_days_before_and_stays_when_it_is_too_late() {
        let today: Date = "2026-03-10".parse().unwrap();
        let of = |due: &str| Severity::of(due.parse().unwrap(), today);
        assert_eq!(of("2026-05-10"), None);
        assert_eq!(of("2026-05-09"), Some(Severity::Ahead));
        assert_eq!(of("2026-04-09"), Some(Severity::Soon));
        assert_eq!(of("2026-03-17"), Some(Severity::Urgent));
        assert_eq!(of("2026-03-10"), Some(Severity::Urgent));
        assert_eq!(of("2026-03-09"), Some(Severity::Overdue));
    }
}

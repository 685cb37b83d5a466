//! The decision: may this call pass, now? Pure; asked for each call anew.

use std::net::IpAddr;

use jiff::Timestamp;

use crate::book::{AgreementPage, Book, GrantPage, LastDay, SystemPage, Training, Validity};
use crate::denial::{Denial, Paper, Party};
use crate::orders::{OrderPage, Ordered};
use crate::period::Moment;
use crate::{
    Category, Fingerprint, Method, NamedPurpose, OfficialUse, Operation, Presence, Ready, Stage,
    SystemStatus, Users,
};

/// A call as it stands before the decision: what the certificate proves, and what the caller claims.
#[derive(Debug, Clone, Copy)]
pub struct Call<'c> {
    /// The caller's certificate.
    pub certificate: Fingerprint,
    /// The address it called from.
    pub peer: IpAddr,
    /// The system asked.
    pub provider: &'c str,
    /// The data type asked for.
    pub data_type: &'c str,
    /// The method.
    pub method: Method,
    /// The operation's path, decoded, by segment.
    pub path: &'c [&'c str],
    /// Names of the query parameters.
    pub parameters: &'c [&'c str],
    /// What the caller claims.
    pub claims: Claims<'c>,
}

/// What a caller claims about a call. Claims are checked, never believed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Claims<'c> {
    /// Why it asks.
    pub purpose: Option<&'c str>,
    /// In which case.
    pub case: Option<&'c str>,
    /// In whose name.
    pub user: Option<&'c str>,
    /// Under which agreement, to choose among several.
    pub agreement: Option<&'c str>,
}

/// Proof that standing and an agreement in force allow a call. Only [`decide`] makes one.
#[derive(Debug)]
pub struct Permit<'b> {
    consumer: &'b SystemPage,
    provider: &'b SystemPage,
    agreement: &'b AgreementPage,
    grant: &'b GrantPage,
    operation: &'b Operation,
    operation_at: usize,
    purpose: &'b NamedPurpose,
}

impl<'b> Permit<'b> {
    /// The system that asks.
    pub fn consumer(&self) -> &'b SystemPage {
        self.consumer
    }

    /// The system that answers.
    pub fn provider(&self) -> &'b SystemPage {
        self.provider
    }

    /// The agreement that allows it.
    pub fn agreement(&self) -> &'b AgreementPage {
        self.agreement
    }

    /// The data type, and what of it is released.
    pub fn grant(&self) -> &'b GrantPage {
        self.grant
    }

    /// The operation.
    pub fn operation(&self) -> &'b Operation {
        self.operation
    }

    /// The operation's place in its data type.
    pub fn operation_at(&self) -> usize {
        self.operation_at
    }

    /// The purpose.
    pub fn purpose(&self) -> &'b NamedPurpose {
        self.purpose
    }
}

/// Decides on a call, on one book, at one moment.
///
/// # Errors
/// The first [`Denial`] that applies, in the order: who asks, who is asked, what is agreed, what is asked for, why and
/// for whom.
pub fn decide<'b>(book: &'b Book, call: &Call<'_>, now: Timestamp) -> Result<Permit<'b>, Denial> {
    let (consumer_at, consumer) = asking(book, &call.certificate, call.peer, now)?;
    let provider_at = book.provider_at(call.provider).ok_or(Denial::ProviderUnknown)?;
    let provider = &book.systems[provider_at as usize];
    standing(book, provider, Party::Provider, now)?;

    let candidates = book
        .between(consumer_at, provider_at)
        .iter()
        .filter(|page| call.claims.agreement.is_none_or(|number| page.text.number.as_str() == number));
    let mut nearest = None;
    for agreement in candidates {
        match under(book, [consumer, provider], agreement, call, now) {
            Ok((grant, operation_at, purpose)) => {
                if provider.system.card.endpoint.is_none() {
                    return Err(Denial::ProviderWithoutEndpoint(provider.system.card.id.clone()));
                }
                let operation = &grant.data_type.operations[operation_at];
                return Ok(Permit { consumer, provider, agreement, grant, operation, operation_at, purpose });
            }
            // The refusal that helps most is that of the agreement which came closest.
            Err(denial) if nearest.as_ref().is_none_or(|(step, _)| denial.0 >= *step) => {
                nearest = Some(denial);
            }
            Err(_) => {}
        }
    }
    let (consumer, provider) = (&consumer.system.card.id, &provider.system.card.id);
    Err(nearest.map_or_else(
        || Denial::NoAgreement { consumer: consumer.clone(), provider: provider.clone() },
        |(_, denial)| denial,
    ))
}

/// The system that a certificate is bound to, if it may ask for anything at all, whatever that is.
///
/// # Errors
/// The first [`Denial`] that applies.
pub fn stands<'b>(
    book: &'b Book,
    certificate: &Fingerprint,
    peer: IpAddr,
    now: Timestamp,
) -> Result<&'b SystemPage, Denial> {
    asking(book, certificate, peer, now).map(|(_, page)| page)
}

fn asking<'b>(
    book: &'b Book,
    certificate: &Fingerprint,
    peer: IpAddr,
    now: Timestamp,
) -> Result<(u32, &'b SystemPage), Denial> {
    let at = book.consumer_at(certificate).ok_or(Denial::CertificateNotRegistered(*certificate))?;
    let page = &*book.systems[at as usize];
    standing(book, page, Party::Consumer, now)?;
    network(page, peer)?;
    Ok((at, page))
}

/// A1, A4, A5: what both sides need, whatever agreements exist.
fn standing(book: &Book, page: &SystemPage, party: Party, now: Timestamp) -> Result<(), Denial> {
    let system = || page.system.card.id.clone();
    match page.status {
        SystemStatus::Registered => {}
        SystemStatus::Suspended => return Err(Denial::SystemSuspended { party, system: system() }),
        SystemStatus::Decommissioned => return Err(Denial::SystemDecommissioned { party, system: system() }),
    }
    unforbidden(&page.orders, now)?;
    if page.phase != book.environment {
        return Err(Denial::WrongEnvironment { party, system: system(), phase: page.phase });
    }
    let papers =
        [(Paper::Attestation, page.attestation), (Paper::QualityCertificate, page.quality_certificate)];
    for (paper, validity) in papers {
        match validity {
            Validity::Between(from, until) if from <= now && now < until => {}
            Validity::Between(_, until) if until <= now => {
                return Err(Denial::PaperEnded { party, system: system(), paper, at: until });
            }
            Validity::Suspended(at) => {
                return Err(Denial::PaperSuspended { party, system: system(), paper, at });
            }
            Validity::Withdrawn(at) => {
                return Err(Denial::PaperWithdrawn { party, system: system(), paper, at });
            }
            Validity::Missing | Validity::Between(..) => {
                return Err(Denial::PaperMissing { party, system: system(), paper });
            }
        }
    }
    Ok(())
}

/// No prescription stops all exchange.
fn unforbidden(orders: &[OrderPage], now: Timestamp) -> Result<(), Denial> {
    for page in orders {
        match page.order {
            Ordered::Nothing => return Err(Denial::PrescriptionSuspends(page.number.clone())),
            Ordered::NothingFrom(from) if from <= now => {
                return Err(Denial::PrescriptionOverdue { prescription: page.number.clone(), since: from });
            }
            Ordered::NothingFrom(_) | Ordered::Only(_) => {}
        }
    }
    Ok(())
}

/// A9: a system connects from the networks of its registration.
fn network(consumer: &SystemPage, peer: IpAddr) -> Result<(), Denial> {
    // An IPv4 peer on a dual-stack socket is the IPv4 peer that it is.
    let peer = peer.to_canonical();
    if consumer.networks.iter().any(|network| network.contains(&peer)) {
        Ok(())
    } else {
        Err(Denial::NetworkNotRegistered { system: consumer.system.card.id.clone() })
    }
}

type Found<'b> = (&'b GrantPage, usize, &'b NamedPurpose);

/// What one agreement says to a call; with the denial, how far the call came.
fn under<'b>(
    book: &Book,
    sides: [&SystemPage; 2],
    page: &'b AgreementPage,
    call: &Call<'_>,
    now: Timestamp,
) -> Result<Found<'b>, (u8, Denial)> {
    let number = || page.text.number.clone();
    in_force(book, page, now).map_err(|denial| (0, denial))?;
    unforbidden(&page.orders, now).map_err(|denial| (0, denial))?;
    ready(page, now).map_err(|denial| (1, denial))?;
    let Some(grant) = page.grants.iter().find(|grant| grant.named.as_str() == call.data_type) else {
        return Err((2, Denial::DataTypeNotAgreed { number: number() }));
    };
    let operation_at = operation(page, grant, call).map_err(|denial| (3, denial))?;
    let operation = &grant.data_type.operations[operation_at].id;
    for order in [&page.orders[..], &sides[0].orders[..], &sides[1].orders[..]].into_iter().flatten() {
        if !order.allows(&page.text.provider, &grant.data_type.id, operation) {
            let (prescription, operation) = (order.number.clone(), operation.clone());
            return Err((3, Denial::PrescriptionLimits { prescription, operation }));
        }
    }
    let purpose = purpose(page, grant, call).map_err(|denial| (4, denial))?;
    for basis in &page.basis {
        if now < basis.from || basis.until <= now {
            let (number, act) = (number(), basis.act.clone());
            return Err((
                5,
                match basis.last {
                    LastDay::OfTheAct => Denial::BasisNotInForce { number, act },
                    LastDay::OfItsAgreements => Denial::BasisLapsed { number, act },
                },
            ));
        }
    }
    let case = call.claims.case.unwrap_or_default();
    if page.text.accounting.case == Presence::Required && case.trim().is_empty() {
        return Err((5, Denial::CaseMissing(number())));
    }
    user(page, grant, call.claims.user, now).map_err(|denial| (5, denial))?;
    Ok((grant, operation_at, purpose))
}

/// B3, B4, B9: concurred in, proven, neither suspended nor ended, and within its period.
fn in_force(book: &Book, page: &AgreementPage, now: Timestamp) -> Result<(), Denial> {
    let number = || page.text.number.clone();
    match page.stage {
        Stage::Concurred => {}
        Stage::Suspended => return Err(Denial::AgreementSuspended(number())),
        Stage::Terminated => return Err(Denial::AgreementTerminated(number())),
        Stage::Expired => return Err(Denial::AgreementExpired(number())),
        Stage::Draft
        | Stage::Submitted
        | Stage::Refused
        | Stage::Returned
        | Stage::Withdrawn
        | Stage::Superseded => {
            return Err(Denial::AgreementNotConcurred(number()));
        }
    }
    if let Some(fault) = page.unproven {
        return Err(Denial::AgreementUnproven { number: number(), fault });
    }
    match page.window.at(now, &book.clock) {
        Moment::Within => Ok(()),
        Moment::Before => Err(Denial::AgreementNotYetInForce(number())),
        Moment::After => Err(Denial::AgreementExpired(number())),
        Moment::OutsideHours => Err(Denial::OutsideAccessHours(number())),
    }
}

/// B5: a two-sided check precedes transfer, and nothing changed since.
fn ready(page: &AgreementPage, now: Timestamp) -> Result<(), Denial> {
    let number = || page.text.number.clone();
    match page.ready {
        Ready::Until(until) if now < until => Ok(()),
        Ready::Until(until) => Err(Denial::ReadinessStale { number: number(), until }),
        Ready::Unchecked => Err(Denial::ReadinessMissing(number())),
        Ready::Failed(party) => Err(Denial::ReadinessFailed { number: number(), party }),
        Ready::Outdated(party) => Err(Denial::ReadinessOutdated { number: number(), party }),
    }
}

/// B1, B2.1, B8: the operation is agreed, and the data may pass at all.
fn operation(page: &AgreementPage, grant: &GrantPage, call: &Call<'_>) -> Result<usize, Denial> {
    let data_type = &grant.data_type;
    if grant.category == Category::StateSecret {
        return Err(Denial::StateSecret(data_type.id.clone()));
    }
    if grant.category > page.text.protection.category {
        return Err(Denial::CategoryRaised { data_type: data_type.id.clone(), category: grant.category });
    }
    let allowed = || page.basis.iter().any(|basis| basis.official_use == OfficialUse::Allowed);
    if grant.category == Category::OfficialUse && !allowed() {
        return Err(Denial::OfficialUseNotAllowed {
            number: page.text.number.clone(),
            data_type: data_type.id.clone(),
        });
    }
    let matching = data_type
        .operations
        .iter()
        .enumerate()
        .filter(|(_, operation)| operation.method == call.method && operation.path.matches(call.path));
    // Of several the narrowest, as their provider will take it. None of two of which neither is: nobody knows what it is.
    let found = matching.map(Some).reduce(|one, other| {
        let ((at, first), (beside, second)) = (one?, other?);
        match (first.path.is_narrower_than(&second.path), second.path.is_narrower_than(&first.path)) {
            (true, _) => Some((at, first)),
            (_, true) => Some((beside, second)),
            (false, false) => None,
        }
    });
    let (at, _) = found.flatten().ok_or_else(|| Denial::OperationUnknown(data_type.id.clone()))?;
    let operation = &data_type.operations[at];
    if !grant.allowed[at] {
        let number = page.text.number.clone();
        return Err(Denial::OperationNotAgreed { number, operation: operation.id.clone() });
    }
    for name in call.parameters {
        if !operation.query.iter().any(|declared| declared.name == *name) {
            let (operation, parameter) = (operation.id.clone(), (*name).to_owned());
            return Err(Denial::ParameterNotDeclared { operation, parameter });
        }
    }
    for declared in &operation.query {
        if declared.presence == Presence::Required && !call.parameters.contains(&declared.name.as_str()) {
            let (operation, parameter) = (operation.id.clone(), declared.name.clone());
            return Err(Denial::ParameterMissing { operation, parameter });
        }
    }
    Ok(at)
}

/// B2.3, B7: the purpose is agreed, and personal data is used for what it was collected for.
fn purpose<'b>(
    page: &'b AgreementPage,
    grant: &GrantPage,
    call: &Call<'_>,
) -> Result<&'b NamedPurpose, Denial> {
    let number = || page.text.number.clone();
    let purpose = match (call.claims.purpose, &*page.text.purposes) {
        (None, [only]) => only,
        (None, _) => return Err(Denial::PurposeMissing(number())),
        (Some(asked), named) => named
            .iter()
            .find(|purpose| purpose.code.as_str() == asked)
            .ok_or_else(|| Denial::PurposeNotAgreed(number()))?,
    };
    if grant.data_type.holds_personal(grant.category) {
        let data_type = grant.data_type.id.clone();
        let Some(personal) = &grant.data_type.personal else {
            return Err(Denial::CollectionPurposeUnknown { data_type, category: grant.category });
        };
        let collected = &personal.collection_purpose;
        let stated = page.text.personal_data.as_ref().map(|clause| &clause.collection_purpose);
        if stated != Some(collected) || purpose.collection_purpose.as_ref() != Some(collected) {
            return Err(Denial::CollectionPurposeMismatch { data_type, collected: collected.clone() });
        }
    }
    Ok(purpose)
}

/// B6: where the agreement asks for it, only officials on the list ask; for personal data it has to, or for consent.
fn user(page: &AgreementPage, grant: &GrantPage, user: Option<&str>, now: Timestamp) -> Result<(), Denial> {
    let number = || page.text.number.clone();
    if grant.data_type.holds_personal(grant.category) && !page.text.limits_users() {
        return Err(Denial::UsersNotLimited { number: number(), data_type: grant.data_type.id.clone() });
    }
    let trained = match page.text.protection.users {
        Users::Any => return Ok(()),
        Users::Listed => false,
        Users::ListedAndTrained => true,
    };
    let user = user.ok_or_else(|| Denial::UserMissing(number()))?;
    let users = match &page.users {
        Ok(users) => users,
        Err(fault) => return Err(Denial::UsersUnproven { number: number(), fault }),
    };
    match users.training_of(user) {
        None => Err(Denial::UserNotListed(number())),
        Some(_) if !trained => Ok(()),
        Some(Training::Certified(from, until)) if from <= now && now < until => Ok(()),
        Some(Training::Certified(from, until)) if from <= now => {
            Err(Denial::UserTrainingEnded { number: number(), at: until })
        }
        Some(Training::None | Training::Certified(..)) => Err(Denial::UserNotTrained(number())),
    }
}

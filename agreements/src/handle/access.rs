//! Operators' means of access: what the API lets in, and what it lets them do.

use super::{Check, CommandError};
use crate::{
    Access, BoundCertificate, Effect, Event, Fingerprint, Given, OperatorId, OperatorStanding, Revoked, Role,
};

impl Check<'_> {
    pub(super) fn bind_operator_certificate(
        &self,
        operator: OperatorId,
        certificate: BoundCertificate,
    ) -> Result<Event, CommandError> {
        self.operator(&operator)?;
        self.unbound(&certificate.fingerprint)?;
        let effect = self.effect(&operator);
        Ok(Event::OperatorCertificateBound { operator, certificate, effect })
    }

    pub(super) fn unbind_operator_certificate(
        &self,
        certificate: Fingerprint,
    ) -> Result<Event, CommandError> {
        let bound = self.registry.operator_bound_to(&certificate);
        let operator = bound.or_else(|| self.registry.operator_offered(&certificate)).cloned();
        let operator =
            operator.ok_or_else(|| CommandError::Unknown { what: format!("certificate {certificate}") })?;
        Ok(Event::OperatorCertificateUnbound { operator, certificate })
    }

    pub(super) fn grant_access(&self, operator: OperatorId, access: Access) -> Result<Event, CommandError> {
        self.operator(&operator)?;
        self.themselves(&operator)?;
        if let Access::Token { id, expires, .. } = &access {
            if let Some(owner) = self.registry.operator_of(id) {
                return Err(CommandError::Exists { what: format!("token {id} (of {owner})") });
            }
            if *expires <= self.now {
                return Err(CommandError::EmptyValidity { number: format!("token {id}") });
            }
        }
        let effect = self.effect(&operator);
        Ok(Event::AccessGranted { operator, access, effect })
    }

    /// E4: who gave access to somebody who approves, and may know what opens it, is not alone with it.
    pub(super) fn confirm_access(&self, operator: OperatorId, grant: u64) -> Result<Event, CommandError> {
        let waiting = self.registry.access(&operator).and_then(|held| held.waiting_under(grant));
        let waiting = waiting.ok_or_else(|| CommandError::Unknown {
            what: format!("access of {operator} that waits under event {grant}"),
        })?;
        match self.actor.role {
            Role::Administrator | Role::Regulator => {}
            _ if self.actor.id == operator => {}
            role => return Err(CommandError::NotInRole { role }),
        }
        self.second_person(&waiting.by.actor, "gave this access")?;
        Ok(Event::AccessConfirmed { operator, grant })
    }

    /// What an operator loses who takes up another role: whoever gave it gave it for the old one.
    pub(super) fn access_falls(&self, operator: &OperatorId) -> Vec<Event> {
        let Some(held) = self.registry.access(operator) else { return Vec::new() };
        let given = held.waiting.iter().map(|waiting| &waiting.given);
        let (mut events, mut tokens) = (Vec::new(), Vec::new());
        let mut certificates: Vec<Fingerprint> =
            held.certificates.iter().map(|bound| bound.fingerprint).collect();
        let mut password = held.password.is_some();
        tokens.extend(held.tokens.iter().map(|token| token.id.clone()));
        for given in given {
            match given {
                Given::Password => password = true,
                Given::Token(token) => tokens.push(token.id.clone()),
                Given::Certificate(bound) => certificates.push(bound.fingerprint),
            }
        }
        let operator = || operator.clone();
        if password {
            events.push(Event::AccessRevoked { operator: operator(), access: Revoked::Password });
        }
        let revoked = |id| Event::AccessRevoked { operator: operator(), access: Revoked::Token { id } };
        events.extend(tokens.into_iter().map(revoked));
        let unbound = |certificate| Event::OperatorCertificateUnbound { operator: operator(), certificate };
        events.extend(certificates.into_iter().map(unbound));
        events
    }

    /// Whether what is given counts at once: one's own does, and what is given to those who approve nothing; and all
    /// where nobody else could confirm it.
    fn effect(&self, operator: &OperatorId) -> Effect {
        let approves = self.registry.operator(operator).is_some_and(|one| one.role.approves());
        if self.actor.id == *operator || !approves {
            return Effect::AtOnce;
        }
        let comes_in = || self.registry.access(operator).is_some_and(|held| held.lets_in());
        let mut others = self.registry.operators().filter(|one| one.id != self.actor.id);
        let confirms = others.any(|one| {
            let supervises = matches!(one.role, Role::Administrator | Role::Regulator);
            let enrolment = self.registry.enrolment(&one.id).map(|enrolment| enrolment.standing);
            // Who is suspended counts, so that nobody becomes the only one by suspending the others.
            let enrolled = matches!(enrolment, Some(OperatorStanding::Active | OperatorStanding::Suspended));
            enrolled && if one.id == *operator { comes_in() } else { supervises }
        });
        if confirms { Effect::OnceConfirmed } else { Effect::AtOnce }
    }

    pub(super) fn revoke_access(&self, operator: OperatorId, access: Revoked) -> Result<Event, CommandError> {
        self.themselves(&operator)?;
        let held = self.registry.access(&operator);
        let what = match &access {
            Revoked::Password if held.is_some_and(|held| held.has_password()) => None,
            Revoked::Token { id } if held.is_some_and(|held| held.has_token(id)) => None,
            Revoked::Password => Some(format!("a password of {operator}")),
            Revoked::Token { id } => Some(format!("token {id} of {operator}")),
        };
        match what {
            Some(what) => Err(CommandError::Unknown { what }),
            None => Ok(Event::AccessRevoked { operator, access }),
        }
    }

    /// A6: a certificate says who is on the line, so it is one system's or one operator's.
    pub(super) fn unbound(&self, certificate: &Fingerprint) -> Result<(), CommandError> {
        let system = self.registry.bound_to(certificate).map(ToString::to_string);
        let bound = || self.registry.operator_bound_to(certificate);
        let operator =
            || bound().or_else(|| self.registry.operator_offered(certificate)).map(ToString::to_string);
        match system.or_else(operator) {
            Some(other) => {
                Err(CommandError::Exists { what: format!("certificate {certificate} of {other}") })
            }
            None => Ok(()),
        }
    }

    fn operator(&self, id: &OperatorId) -> Result<(), CommandError> {
        match self.registry.operator(id) {
            Some(_) => Ok(()),
            None => Err(CommandError::Unknown { what: format!("operator {id}") }),
        }
    }

    /// Everybody sees to their own access; the administrator to everybody's.
    fn themselves(&self, operator: &OperatorId) -> Result<(), CommandError> {
        if self.actor.role == Role::Administrator || self.actor.id == *operator {
            Ok(())
        } else {
            Err(CommandError::NotInRole { role: self.actor.role })
        }
    }
}

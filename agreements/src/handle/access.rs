//! Operators' means of access: what the API lets in, and what it lets them do.

use super::{Check, CommandError};
use crate::{Access, BoundCertificate, Event, Fingerprint, OperatorId, Revoked, Role};

impl Check<'_> {
    pub(super) fn bind_operator_certificate(
        &self,
        operator: OperatorId,
        certificate: BoundCertificate,
    ) -> Result<Event, CommandError> {
        self.operator(&operator)?;
        self.unbound(&certificate.fingerprint)?;
        Ok(Event::OperatorCertificateBound { operator, certificate })
    }

    pub(super) fn unbind_operator_certificate(
        &self,
        certificate: Fingerprint,
    ) -> Result<Event, CommandError> {
        let operator = self.registry.operator_bound_to(&certificate).cloned();
        let operator =
            operator.ok_or_else(|| CommandError::Unknown { what: format!("certificate {certificate}") })?;
        self.reasoned()?;
        Ok(Event::OperatorCertificateUnbound { operator, certificate })
    }

    pub(super) fn grant_access(&self, operator: OperatorId, access: Access) -> Result<Event, CommandError> {
        self.operator(&operator)?;
        self.themselves(&operator)?;
        if let Access::Token { id, expires, .. } = &access {
            if self.registry.operator_of(id).is_some() {
                return Err(CommandError::Exists { what: format!("token {id}") });
            }
            if *expires <= self.now {
                return Err(CommandError::EmptyValidity { number: format!("token {id}") });
            }
        }
        Ok(Event::AccessGranted { operator, access })
    }

    pub(super) fn revoke_access(&self, operator: OperatorId, access: Revoked) -> Result<Event, CommandError> {
        self.themselves(&operator)?;
        self.reasoned()?;
        let held = self.registry.access(&operator);
        let what = match &access {
            Revoked::Password if held.is_some_and(|held| held.password.is_some()) => None,
            Revoked::Token { id } if held.is_some_and(|held| held.tokens.iter().any(|one| one.id == *id)) => {
                None
            }
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
        let operator = || self.registry.operator_bound_to(certificate).map(ToString::to_string);
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

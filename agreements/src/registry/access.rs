//! What events change in operators' means of access.

use super::Registry;
use crate::{
    Access, BoundCertificate, Effect, Fingerprint, Given, OperatorAccess, OperatorId, Recorded, Revoked,
    Token, TokenId, Trace, Waiting,
};

impl Registry {
    pub(super) fn give(
        &mut self,
        operator: &OperatorId,
        given: Given,
        effect: Effect,
        recorded: &Recorded,
    ) -> Option<()> {
        match &given {
            Given::Password => {}
            Given::Certificate(bound) if self.operator_certificates.contains_key(&bound.fingerprint) => {
                return None;
            }
            Given::Certificate(_) => {}
            Given::Token(token) => {
                if self.tokens.contains_key(&token.id) {
                    return None;
                }
                // Taken also while it waits: another token of that name would be taken for it in the history.
                self.tokens.insert(token.id.clone(), operator.clone());
            }
        }
        match effect {
            Effect::AtOnce => self.take_effect(operator, given, recorded.sequence),
            Effect::OnceConfirmed => {
                let waiting = Waiting { grant: recorded.sequence, given, by: Trace::of(recorded) };
                self.access.entry(operator.clone()).or_default().waiting.push(waiting);
            }
        }
        Some(())
    }

    pub(super) fn confirm(&mut self, operator: &OperatorId, grant: u64) -> Option<()> {
        let waiting = &mut self.access.get_mut(operator)?.waiting;
        let at = waiting.iter().position(|one| one.grant == grant)?;
        let given = waiting.remove(at).given;
        self.take_effect(operator, given, grant);
        Some(())
    }

    fn take_effect(&mut self, operator: &OperatorId, given: Given, grant: u64) {
        let access = self.access.entry(operator.clone()).or_default();
        match given {
            Given::Password => {
                access.password = access.password.max(Some(grant));
                // What was given before is not what proves the newer one.
                access.waiting.retain(|one| one.given != Given::Password || one.grant > grant);
            }
            Given::Token(token) => access.tokens.push(token),
            Given::Certificate(bound) => {
                self.operator_certificates.insert(bound.fingerprint, operator.clone());
                access.certificates.push(bound);
            }
        }
    }

    pub(super) fn unbind_operator(&mut self, operator: &OperatorId, certificate: &Fingerprint) -> Option<()> {
        let access = self.access.get_mut(operator)?;
        let kept = access.certificates.len() + access.waiting.len();
        access.certificates.retain(|known| known.fingerprint != *certificate);
        access.waiting.retain(|one| !is_certificate(&one.given, certificate));
        self.operator_certificates.remove(certificate);
        (access.certificates.len() + access.waiting.len() < kept).then_some(())
    }

    pub(super) fn revoke(&mut self, operator: &OperatorId, revoked: &Revoked) -> Option<()> {
        let access = self.access.get_mut(operator)?;
        match revoked {
            Revoked::Password => {
                access.password = None;
                access.waiting.retain(|one| one.given != Given::Password);
            }
            // Its name stays taken: another token of that name would be taken for it in the history.
            Revoked::Token { id } => {
                access.tokens.retain(|known| known.id != *id);
                access.waiting.retain(|one| !matches!(&one.given, Given::Token(token) if token.id == *id));
            }
        }
        Some(())
    }

    /// An operator's means of access, once any was granted.
    pub fn access(&self, operator: &OperatorId) -> Option<&OperatorAccess> {
        self.access.get(operator)
    }

    /// The operator to whom a client certificate is bound.
    pub fn operator_bound_to(&self, certificate: &Fingerprint) -> Option<&OperatorId> {
        self.operator_certificates.get(certificate)
    }

    /// The operator to whom a client certificate would be bound, once that is confirmed.
    pub(crate) fn operator_offered(&self, certificate: &Fingerprint) -> Option<&OperatorId> {
        let offered = |access: &OperatorAccess| {
            access.waiting.iter().any(|one| is_certificate(&one.given, certificate))
        };
        self.access.iter().find(|(_, access)| offered(access)).map(|(operator, _)| operator)
    }

    /// The operator to whom a token was granted, revoked or not.
    pub fn operator_of(&self, token: &TokenId) -> Option<&OperatorId> {
        self.tokens.get(token)
    }
}

impl From<Access> for Given {
    fn from(access: Access) -> Self {
        match access {
            Access::Password => Self::Password,
            Access::Token { id, commands, expires } => Self::Token(Token { id, commands, expires }),
        }
    }
}

fn is_certificate(given: &Given, certificate: &Fingerprint) -> bool {
    matches!(given, Given::Certificate(BoundCertificate { fingerprint, .. }) if fingerprint == certificate)
}

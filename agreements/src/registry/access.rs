//! What events change in operators' means of access.

use super::Registry;
use crate::{Access, BoundCertificate, Fingerprint, OperatorAccess, OperatorId, Revoked, Token, TokenId};

impl Registry {
    pub(super) fn bind_operator(
        &mut self,
        operator: &OperatorId,
        certificate: &BoundCertificate,
    ) -> Option<()> {
        if self.operator_certificates.contains_key(&certificate.fingerprint) {
            return None;
        }
        self.operator_certificates.insert(certificate.fingerprint, operator.clone());
        self.access.entry(operator.clone()).or_default().certificates.push(certificate.clone());
        Some(())
    }

    pub(super) fn unbind_operator(&mut self, certificate: &Fingerprint) -> Option<()> {
        let operator = self.operator_certificates.remove(certificate)?;
        let access = self.access.get_mut(&operator)?;
        access.certificates.retain(|known| known.fingerprint != *certificate);
        Some(())
    }

    pub(super) fn grant(&mut self, operator: &OperatorId, granted: &Access, sequence: u64) -> Option<()> {
        let access = self.access.entry(operator.clone()).or_default();
        match granted {
            Access::Password => access.password = Some(sequence),
            Access::Token { id, commands, expires } => {
                if self.tokens.contains_key(id) {
                    return None;
                }
                self.tokens.insert(id.clone(), operator.clone());
                let (id, commands, expires) = (id.clone(), commands.clone(), *expires);
                access.tokens.push(Token { id, commands, expires });
            }
        }
        Some(())
    }

    pub(super) fn revoke(&mut self, operator: &OperatorId, revoked: &Revoked) -> Option<()> {
        let access = self.access.get_mut(operator)?;
        match revoked {
            Revoked::Password => access.password = None,
            // Its name stays taken: another token of that name would be taken for it in the history.
            Revoked::Token { id } => access.tokens.retain(|known| known.id != *id),
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

    /// The operator to whom a token was granted, revoked or not.
    pub fn operator_of(&self, token: &TokenId) -> Option<&OperatorId> {
        self.tokens.get(token)
    }
}

//! A registry that is not here, but at a server: what those who work on it may ask of it.

use std::sync::Arc;

use agreements::{
    Actor, AgreementNumber, BoundCertificate, Command, DataTypeId, OperatorId, Recorded, SystemId,
};
use serde_json::Value;

/// The registry of a server, as one of its operators.
pub trait Server {
    /// Who one is there.
    fn present(&self) -> &Actor;

    /// Has a command carried out.
    ///
    /// # Errors
    /// [`ServerError`]; [`ServerError::Broken`]: it may have been carried out.
    fn issue(&mut self, command: Command, reason: &str) -> Result<Vec<Recorded>, ServerError>;

    /// The bytes of a version of an agreement: what is signed.
    ///
    /// # Errors
    /// [`ServerError`].
    fn document(&mut self, number: &AgreementNumber, version: u32) -> Result<Arc<str>, ServerError>;

    /// The newest version of an agreement.
    ///
    /// # Errors
    /// [`ServerError`].
    fn newest(&mut self, number: &AgreementNumber) -> Result<u32, ServerError>;

    /// The serial of the newest list of officials under an agreement; 0 before the first.
    ///
    /// # Errors
    /// [`ServerError`].
    fn serial(&mut self, number: &AgreementNumber) -> Result<u32, ServerError>;

    /// What is to be bound of a chain in PEM, if the server's gateway would let its bearer in.
    ///
    /// # Errors
    /// [`ServerError`].
    fn check_certificate(&mut self, chain: &str) -> Result<BoundCertificate, ServerError>;

    /// Grants a password or a token, as the API takes it; and the secret, where the server makes one.
    ///
    /// # Errors
    /// As [`Server::issue`].
    fn grant(
        &mut self,
        operator: &OperatorId,
        access: Value,
        reason: &str,
    ) -> Result<(Vec<Recorded>, Option<String>), ServerError>;

    /// Whether an operator has a password.
    ///
    /// # Errors
    /// [`ServerError`].
    fn has_password(&mut self, operator: &OperatorId) -> Result<bool, ServerError>;

    /// The newest version of a data type; 0 before the first.
    ///
    /// # Errors
    /// [`ServerError`].
    fn newest_data_type(&mut self, provider: &SystemId, id: &DataTypeId) -> Result<u32, ServerError>;

    /// Keeps a document in the server's depositary.
    ///
    /// # Errors
    /// [`ServerError`].
    fn deposit(&mut self, sha256: &str, bytes: Vec<u8>) -> Result<(), ServerError>;
}

/// Why a server did not do it.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// It says why.
    #[error("{code}: {detail}")]
    Problem {
        /// The status of its answer.
        status: u16,
        /// The stable name of the problem.
        code: String,
        /// What exactly.
        detail: String,
        /// What is wrong with each field.
        problems: Vec<Value>,
    },
    /// There is no connection: nothing was asked.
    #[error("the server is not reached: {0}")]
    Unreached(String),
    /// The connection broke: it may have been done.
    #[error("the server did not answer: {0}")]
    Broken(String),
    /// Its answer is not what it should be.
    #[error("what the server answers cannot be read: {0}")]
    Unreadable(String),
}

impl ServerError {
    /// An answer, or a question, that has no such form.
    pub fn unreadable(error: &dyn std::error::Error) -> Self {
        Self::Unreadable(error.to_string())
    }
}

//! Who looks at files for their signatures, while they pass.

use agreements::DocumentFormat;

/// Looks at files for their signatures, while they pass; the form tells it what is whose.
pub trait Notary: std::fmt::Debug + Send {
    /// A file begins, under that name.
    ///
    /// # Errors
    /// [`Unsigned`], here and below: nothing more of the form may pass.
    fn begins(&mut self, name: &str, format: DocumentFormat) -> Result<(), Unsigned>;

    /// The next bytes of it.
    ///
    /// # Errors
    /// As [`begins`](Self::begins).
    fn content(&mut self, bytes: &[u8]) -> Result<(), Unsigned>;

    /// It ends.
    ///
    /// # Errors
    /// As [`begins`](Self::begins).
    fn ends(&mut self) -> Result<(), Unsigned>;

    /// A signature stands beside the file of that name.
    ///
    /// # Errors
    /// As [`begins`](Self::begins).
    fn beside(&mut self, name: &str, signature: &[u8]) -> Result<(), Unsigned>;

    /// There is nothing more. Says whose signatures counted.
    ///
    /// # Errors
    /// As [`begins`](Self::begins).
    fn finish(self: Box<Self>) -> Result<String, Unsigned>;
}

/// A file that is not signed as agreed: a stable code, and a reason that names nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Unsigned {
    /// The code.
    pub code: &'static str,
    /// The reason.
    pub reason: &'static str,
}

/// What a signature that stands beside a file is called behind the file's name.
pub(super) const ENDING: &str = ".p7s";
/// Its media type (RFC 8551 §3.2.1).
pub(super) const MEDIA_TYPE: &str = "application/pkcs7-signature";
/// Most bytes of it.
pub(super) const MOST_BYTES: usize = 64 << 10;

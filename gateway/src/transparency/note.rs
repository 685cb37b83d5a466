//! Notes: text with signatures, read strictly and believed only after a known key verified.
//!
//! After C2SP `signed-note`. Whoever sends a note chooses all of it; here it is bounded, and a signature of a key that
//! nobody configured costs nothing.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::cosignature;
use super::key::{KeyError, KeyName, Scheme, SigningKey, VerifierKey};

/// A note: nothing of it may be believed before [`Note::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

/// One line below a note: who signs, and what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    name: KeyName,
    id: u32,
    bytes: Vec<u8>,
}

impl Note {
    /// Most bytes of a note: room for sixteen signatures of the longest kind, and for text.
    pub const MAX_BYTES: usize = 192 << 10;
    /// Most signatures; the specification asks for sixteen at least.
    pub const MAX_SIGNATURES: usize = 32;

    /// A note of `text` without signatures, which is none until it gets one.
    ///
    /// # Errors
    /// [`NoteError::Form`]: the text does not end in a newline, or has control characters.
    pub fn unsigned(text: impl Into<String>) -> Result<Self, NoteError> {
        let text = text.into();
        if !text.ends_with('\n') || text.bytes().any(is_forbidden) || text.len() > Self::MAX_BYTES / 2 {
            return Err(NoteError::Form("its text"));
        }
        Ok(Self { text, signatures: Vec::new() })
    }

    /// Reads a note.
    ///
    /// # Errors
    /// [`NoteError::TooLong`] and [`NoteError::Form`]. It says nothing about who signed.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > Self::MAX_BYTES {
            return Err(NoteError::TooLong);
        }
        let note = str::from_utf8(bytes).map_err(|_| NoteError::Form("its characters"))?;
        if note.bytes().any(is_forbidden) {
            return Err(NoteError::Form("its characters"));
        }
        // The last empty line parts them: the text may have others.
        let blank = note.rfind("\n\n").ok_or(NoteError::Form("its end"))?;
        let (text, signatures) = (&note[..=blank], &note[blank + 2..]);
        let signatures = parse_signatures(signatures)?;
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// The text, with its last newline.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signatures, verified or not.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// Signs the text as it is, with a key of type [`Scheme::Ed25519`].
    ///
    /// # Errors
    /// [`NoteError::Scheme`]: the key is for cosignatures, which state a time as well.
    pub fn sign(&mut self, key: &SigningKey) -> Result<(), NoteError> {
        if key.verifier().scheme() != Scheme::Ed25519 {
            return Err(NoteError::Scheme);
        }
        let bytes = key.sign(self.text.as_bytes())?;
        self.add(Signature::new(key.verifier(), bytes))
    }

    /// Adds a signature as it is; one of the same key is replaced.
    ///
    /// # Errors
    /// [`NoteError::TooLong`]: there are as many as a note may have.
    pub fn add(&mut self, signature: Signature) -> Result<(), NoteError> {
        self.signatures.retain(|old| (&old.name, old.id) != (&signature.name, signature.id));
        if self.signatures.len() >= Self::MAX_SIGNATURES {
            return Err(NoteError::TooLong);
        }
        self.signatures.push(signature);
        Ok(())
    }

    /// The signatures by `keys`, each verified. Those of other keys are passed over.
    ///
    /// # Errors
    /// [`NoteError::Forged`]: a signature bears the name and id of a known key and is not its. [`NoteError::Unsigned`]:
    /// no key of `keys` signed.
    pub fn verify<'k>(&self, keys: &'k [VerifierKey]) -> Result<Vec<Signed<'k>>, NoteError> {
        let mut verified: Vec<Signed<'k>> = Vec::new();
        for signature in &self.signatures {
            let known = |key: &&VerifierKey| *key.name() == signature.name && key.id() == signature.id;
            let Some(key) = keys.iter().find(known) else { continue };
            let signed = self.verified(key, signature);
            let signed = signed.ok_or_else(|| NoteError::Forged(signature.name.clone()))?;
            if !verified.contains(&signed) {
                verified.push(signed);
            }
        }
        if verified.is_empty() { Err(NoteError::Unsigned) } else { Ok(verified) }
    }

    fn verified<'k>(&self, key: &'k VerifierKey, signature: &Signature) -> Option<Signed<'k>> {
        match key.scheme() {
            Scheme::Ed25519 => key
                .holds(self.text.as_bytes(), &signature.bytes)
                .then_some(Signed { key, posix_seconds: None }),
            Scheme::Cosignature | Scheme::CosignatureMlDsa44 => {
                let seconds = cosignature::verified_at(key, &self.text, &signature.bytes)?;
                Some(Signed { key, posix_seconds: Some(seconds) })
            }
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| write!(f, "{signature}"))
    }
}

/// Proof that a key signed a note. Only [`Note::verify`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed<'k> {
    /// Whose signature it is.
    pub key: &'k VerifierKey,
    /// When it was made, as the signer states it; a cosignature always says.
    pub posix_seconds: Option<u64>,
}

impl Signature {
    pub(super) fn new(key: &VerifierKey, bytes: Vec<u8>) -> Self {
        Self { name: key.name().clone(), id: key.id(), bytes }
    }

    /// The name of the key that it says it is by.
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// That key's id.
    pub fn id(&self) -> u32 {
        self.id
    }

    fn parse(line: &str) -> Option<Self> {
        let (name, bytes) = line.strip_prefix("— ")?.split_once(' ')?;
        let bytes = BASE64_STANDARD.decode(bytes).ok()?;
        let (id, bytes) = bytes.split_first_chunk()?;
        if bytes.is_empty() {
            return None;
        }
        Some(Self { name: name.parse().ok()?, id: u32::from_be_bytes(*id), bytes: bytes.to_vec() })
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&self.id.to_be_bytes()[..], &self.bytes].concat();
        writeln!(f, "— {} {}", self.name, BASE64_STANDARD.encode(bytes))
    }
}

/// Reads signature lines, as they stand below a note and in a witness's answer.
///
/// # Errors
/// [`NoteError::Form`] and [`NoteError::TooLong`].
pub fn parse_signatures(text: &str) -> Result<Vec<Signature>, NoteError> {
    let lines = text.strip_suffix('\n').ok_or(NoteError::Form("its end"))?;
    if lines.split('\n').nth(Note::MAX_SIGNATURES).is_some() {
        return Err(NoteError::TooLong);
    }
    let signature = |line| Signature::parse(line).ok_or(NoteError::Form("a signature"));
    lines.split('\n').map(signature).collect()
}

/// Why a note is not read, not made, or not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Longer than notes may be, or with more signatures.
    #[error("the note is too long or has too many signatures")]
    TooLong,
    /// Not of a note's form; with the part that is not.
    #[error("the note is malformed in {0}")]
    Form(&'static str),
    /// A signature that bears a known key's name and id is not that key's.
    #[error("the signature that bears the name of {0} is not its own")]
    Forged(KeyName),
    /// No known key signed.
    #[error("the note bears no signature of a known key")]
    Unsigned,
    /// The key signs something else.
    #[error("a key of this type does not sign that")]
    Scheme,
    /// The key cannot sign.
    #[error("the key cannot sign")]
    Key(#[from] KeyError),
}

fn is_forbidden(byte: u8) -> bool {
    byte < b' ' && byte != b'\n'
}

#[cfg(test)]
mod tests;

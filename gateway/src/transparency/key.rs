//! Keys of notes: how they are named, and how they look as text.
//!
//! A verifier key is public and goes into configurations; a signing key is a secret in a file of mode 600.
//! After C2SP `signed-note` (names, key ids, verifier keys) and `tlog-cosignature` (types 4 and 6). The text of a
//! signing key is that of Go's `sumdb/note`, with other types than Ed25519 spelled likewise.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest::{Context, SHA256};
use aws_lc_rs::signature::{
    ED25519, Ed25519KeyPair, KeyPair, ML_DSA_44, ML_DSA_44_SIGNING, PqdsaKeyPair, UnparsedPublicKey,
};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// What a key signs, and how: the type byte of `signed-note`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Ed25519 over a note's text: the log's own signature.
    Ed25519,
    /// Ed25519 over a checkpoint and a time: a witness's `cosignature/v1`.
    Cosignature,
    /// ML-DSA-44 over a tree's head and a time: `subtree/v1`, for witnesses and logs.
    CosignatureMlDsa44,
}

impl Scheme {
    const ALL: [Self; 3] = [Self::Ed25519, Self::Cosignature, Self::CosignatureMlDsa44];

    /// The type byte.
    pub const fn number(self) -> u8 {
        match self {
            Self::Ed25519 => 1,
            Self::Cosignature => 4,
            Self::CosignatureMlDsa44 => 6,
        }
    }

    const fn public_bytes(self) -> usize {
        match self {
            Self::Ed25519 | Self::Cosignature => 32,
            Self::CosignatureMlDsa44 => 1312,
        }
    }

    fn of(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|scheme| scheme.number() == number)
    }
}

/// The name of a key: by recommendation a URL without its scheme, such as `kelisim.example/log`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyName(String);

impl KeyName {
    /// Most bytes of a name.
    pub const MAX_BYTES: usize = 255;

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyName {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let fits = |c: char| !c.is_whitespace() && !c.is_control() && c != '+';
        if (1..=Self::MAX_BYTES).contains(&text.len()) && text.chars().all(fits) {
            Ok(Self(text.to_owned()))
        } else {
            Err(KeyError::Name)
        }
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whose signature counts: `name+id+key`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct VerifierKey {
    name: KeyName,
    id: u32,
    scheme: Scheme,
    public: Vec<u8>,
}

impl VerifierKey {
    fn new(name: KeyName, scheme: Scheme, public: Vec<u8>) -> Self {
        let id = key_id(&name, scheme, &public);
        Self { name, id, scheme, public }
    }

    /// The key's name.
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// The key's id, which stands before each of its signatures.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// What it signs.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Whether `signature` is this key's over `message`, whatever the scheme makes of a note to get there.
    pub(super) fn holds(&self, message: &[u8], signature: &[u8]) -> bool {
        let verified = match self.scheme {
            Scheme::Ed25519 | Scheme::Cosignature => {
                UnparsedPublicKey::new(&ED25519, &self.public).verify(message, signature)
            }
            Scheme::CosignatureMlDsa44 => {
                UnparsedPublicKey::new(&ML_DSA_44, &self.public).verify(message, signature)
            }
        };
        verified.is_ok()
    }
}

impl FromStr for VerifierKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let (name, rest) = text.split_once('+').ok_or(KeyError::Form)?;
        let (id, scheme, public) = parse_rest(rest)?;
        if public.len() != scheme.public_bytes() {
            return Err(KeyError::Length);
        }
        let key = Self::new(name.parse()?, scheme, public);
        if key.id == id { Ok(key) } else { Err(KeyError::Id) }
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{:08x}+{}", self.name, self.id, typed(self.scheme, &self.public))
    }
}

impl<'de> serde::Deserialize<'de> for VerifierKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl serde::Serialize for VerifierKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A key that signs notes or checkpoints. Shows itself in no output but [`SigningKey::generate`]'s.
pub struct SigningKey {
    pair: Pair,
    verifier: VerifierKey,
}

enum Pair {
    Ed25519(Ed25519KeyPair),
    // Larger than the other by far.
    MlDsa44(Box<PqdsaKeyPair>),
}

impl SigningKey {
    /// Makes a key, with the text that a file of mode 600 should hold.
    ///
    /// # Errors
    /// [`KeyError::NoRandomness`]: the system gives none.
    pub fn generate(name: &KeyName, scheme: Scheme) -> Result<(Self, String), KeyError> {
        let mut seed = [0; SEED];
        aws_lc_rs::rand::fill(&mut seed).map_err(|_| KeyError::NoRandomness)?;
        let key = Self::from_seed(name, scheme, &seed)?;
        let text = format!("{PRIVATE}{name}+{:08x}+{}", key.verifier.id, typed(scheme, &seed));
        Ok((key, text))
    }

    fn from_seed(name: &KeyName, scheme: Scheme, seed: &[u8]) -> Result<Self, KeyError> {
        let (pair, public) = match scheme {
            Scheme::Ed25519 | Scheme::Cosignature => {
                let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| KeyError::Length)?;
                let public = pair.public_key().as_ref().to_vec();
                (Pair::Ed25519(pair), public)
            }
            Scheme::CosignatureMlDsa44 => {
                let pair = PqdsaKeyPair::from_seed(&ML_DSA_44_SIGNING, seed).map_err(|_| KeyError::Length)?;
                let public = pair.public_key().as_ref().to_vec();
                (Pair::MlDsa44(Box::new(pair)), public)
            }
        };
        Ok(Self { pair, verifier: VerifierKey::new(name.clone(), scheme, public) })
    }

    /// The key by which others verify.
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        match &self.pair {
            Pair::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
            Pair::MlDsa44(pair) => {
                let mut signature = vec![0; ML_DSA_44_SIGNING.signature_len()];
                let length = pair.sign(message, &mut signature).map_err(|_| KeyError::NoRandomness)?;
                signature.truncate(length);
                Ok(signature)
            }
        }
    }
}

impl FromStr for SigningKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let text = text.strip_suffix('\n').unwrap_or(text);
        let (name, rest) =
            text.strip_prefix(PRIVATE).and_then(|rest| rest.split_once('+')).ok_or(KeyError::Form)?;
        let (id, scheme, seed) = parse_rest(rest)?;
        if seed.len() != SEED {
            return Err(KeyError::Length);
        }
        let key = Self::from_seed(&name.parse()?, scheme, &seed)?;
        if key.verifier.id == id { Ok(key) } else { Err(KeyError::Id) }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.verifier.name)
    }
}

/// Why text is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not `name+id+key`.
    #[error("a key is written name+id+key, a signing key PRIVATE+KEY+name+id+key")]
    Form,
    /// The name.
    #[error("a key's name has 1 to 255 bytes without spaces, control characters and '+'")]
    Name,
    /// The type byte.
    #[error("the key is of an unknown type; known are 1 (Ed25519), 4 and 6 (cosignatures)")]
    Scheme,
    /// Too short or too long for its type.
    #[error("the key is not as long as its type asks")]
    Length,
    /// The id belongs to another key or name.
    #[error("the key's id does not fit its name and bytes: the text is damaged")]
    Id,
    /// The system gave no random bytes.
    #[error("the system gives no random bytes")]
    NoRandomness,
}

/// SHA-256(name ‖ "\n" ‖ type ‖ public key), its first four bytes.
fn key_id(name: &KeyName, scheme: Scheme, public: &[u8]) -> u32 {
    let mut context = Context::new(&SHA256);
    context.update(name.as_str().as_bytes());
    context.update(&[b'\n', scheme.number()]);
    context.update(public);
    let digest = context.finish();
    u32::from_be_bytes(*digest.as_ref().first_chunk().expect("SHA-256 has 32 bytes"))
}

/// What follows the name: the id in hexadecimal, and the type byte with the key.
fn parse_rest(rest: &str) -> Result<(u32, Scheme, Vec<u8>), KeyError> {
    let (id, key) = rest.split_once('+').ok_or(KeyError::Form)?;
    let lower_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if id.len() != 8 || !id.bytes().all(lower_hex) {
        return Err(KeyError::Form);
    }
    let id = u32::from_str_radix(id, 16).map_err(|_| KeyError::Form)?;
    let mut key = BASE64_STANDARD.decode(key).map_err(|_| KeyError::Form)?;
    let scheme = key.first().copied().and_then(Scheme::of).ok_or(KeyError::Scheme)?;
    key.remove(0);
    Ok((id, scheme, key))
}

fn typed(scheme: Scheme, bytes: &[u8]) -> String {
    BASE64_STANDARD.encode([&[scheme.number()], bytes].concat())
}

const PRIVATE: &str = "PRIVATE+KEY+";
const SEED: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verifier_key_of_the_specification_is_read_and_written() {
        let text = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
        let key: VerifierKey = text.parse().unwrap();
        assert_eq!(
            (key.name().as_str(), key.id(), key.scheme()),
            ("example.com/foo", 0x530d_903a, Scheme::Ed25519)
        );
        assert_eq!(key.to_string(), text);
    }

    #[test]
    fn a_key_is_the_same_after_it_was_written_and_read() {
        let name: KeyName = "witness.example/w1".parse().unwrap();
        for scheme in Scheme::ALL {
            let (key, text) = SigningKey::generate(&name, scheme).unwrap();
            let again: SigningKey = format!("{text}\n").parse().unwrap();
            assert_eq!(again.verifier(), key.verifier(), "{scheme:?}");
            let public: VerifierKey = key.verifier().to_string().parse().unwrap();
            assert_eq!(public.scheme(), scheme);
            let signature = again.sign(b"message").unwrap();
            assert!(
                public.holds(b"message", &signature) && !public.holds(b"massage", &signature),
                "{scheme:?}"
            );
        }
    }

    #[test]
    fn a_damaged_key_is_refused_with_its_reason() {
        let good = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
        let short = format!("example.com/foo+530d903a+{}", BASE64_STANDARD.encode([1, 2, 3]));
        let unknown = format!("example.com/foo+530d903a+{}", BASE64_STANDARD.encode([2; 33]));
        for (text, error) in [
            ("example.com/foo", KeyError::Form),
            ("+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", KeyError::Name),
            ("a b+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", KeyError::Name),
            (&good.replace("530d903a", "530D903A"), KeyError::Form),
            (&good.replace("530d903a", "+30d903a"), KeyError::Form),
            (&good.replace("530d903a", "530d903b"), KeyError::Id),
            (&good.replace("/foo", "/bar"), KeyError::Id),
            (&good.replace("U2k", "U2l"), KeyError::Id),
            (&good.replace("U2k", "U2="), KeyError::Form),
            (&short, KeyError::Length),
            (&unknown, KeyError::Scheme),
        ] {
            assert_eq!(text.parse::<VerifierKey>(), Err(error), "{text}");
        }
        assert_eq!("PRIVATE+KEY+a".parse::<SigningKey>().unwrap_err(), KeyError::Form);
        assert_eq!(good.parse::<SigningKey>().unwrap_err(), KeyError::Form);
    }

    #[test]
    fn a_signing_key_does_not_show_itself() {
        let (key, text) = SigningKey::generate(&"a.example".parse().unwrap(), Scheme::Ed25519).unwrap();
        // It may have a plus of its own.
        let secret = text.splitn(5, '+').nth(4).unwrap();
        assert!(!format!("{key:?}").contains(secret));
    }
}

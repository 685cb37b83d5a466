//! Identifiers. Each kind is a type of its own, right because it exists.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};

/// Why a text is not the identifier it was given as.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// A code has other characters, or is empty or too long.
    #[error("a {kind} is 1 to 64 characters of a-z, 0-9, '.', '-', starting with a letter or digit")]
    Code {
        /// What the text was meant to be.
        kind: &'static str,
    },
    /// A BIN or IIN is not twelve digits.
    #[error("a {kind} is 12 digits")]
    Digits {
        /// `BIN` or `IIN`.
        kind: &'static str,
    },
    /// A user's identifier is empty, too long or has control characters.
    #[error("a user is named by 1 to 64 visible characters")]
    User,
    /// A fingerprint is not 64 hexadecimal digits.
    #[error("a fingerprint is 64 lower-case hexadecimal digits")]
    Fingerprint,
}

/// In the API's document an identifier is a text of a certain form.
macro_rules! text_schema {
    ($name:ident, $pattern:expr, $most:literal, $example:expr) => {
        impl utoipa::PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .pattern(Some($pattern))
                    .min_length(Some(1))
                    .max_length(Some($most))
                    .examples([$example])
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {}
    };
}

macro_rules! code {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $example:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        text_schema!($name, CODE, 64, $example);

        impl $name {
            /// Takes `text` if it is a well-formed code.
            ///
            /// # Errors
            /// [`IdError::Code`] if it is not.
            pub fn new(text: &str) -> Result<Self, IdError> {
                if is_code(text) { Ok(Self(text.into())) } else { Err(IdError::Code { kind: $kind }) }
            }

            /// The code as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::new(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0.as_ref().to_owned()
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }
    };
}

code!(
    /// A regulator's order.
    PrescriptionNumber,
    "prescription",
    "p-2026-1"
);
code!(
    /// A holder's delegation to another body (HR 10.3, 10.8).
    DelegationNumber,
    "delegation",
    "d-2026-1"
);
code!(
    /// A registered information system, as the registry and the request target name it.
    SystemId, "system", "portal"
);
code!(
    /// A data type: what may be exchanged, under a schema and a category.
    DataTypeId, "data type", "personnel-record"
);
code!(
    /// An operation of a data type.
    OperationId, "operation", "by-iin"
);
code!(
    /// A purpose: why access is given (Interaction 17.3).
    Purpose, "purpose", "address-lookup"
);
code!(
    /// A collection purpose: what personal data was collected for (Law 4.2.11).
    CollectionPurpose, "collection purpose", "personnel-records"
);
code!(
    /// An act in the dated register of acts.
    ActId, "act", "hr-order"
);
code!(
    /// An agreement's number; its versions share it.
    AgreementNumber, "agreement number", "2026-001"
);
code!(
    /// Somebody who issues commands.
    OperatorId, "operator", "officer"
);
code!(
    /// A region; an e-akimat's operator sees only their own (HR 1.5).
    Region, "region", "almaty"
);

code!(
    /// An object beside systems: a resource, software, a component of the infrastructure.
    ObjectId, "object", "servers"
);

code!(
    /// A token's name: the part of a token that is not secret.
    TokenId, "token", "backup-job"
);

/// What [`is_code`] takes, as a regular expression without length.
const CODE: &str = r"^[a-z0-9](\.?[a-z0-9-])*\.?$";

fn is_code(text: &str) -> bool {
    let bytes = text.as_bytes();
    (1..=64).contains(&bytes.len())
        && bytes.iter().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-'))
        && bytes[0].is_ascii_alphanumeric()
        && !text.contains("..")
}

/// Business identification number of an organisation: twelve digits (Ours).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Bin(u64);

text_schema!(Bin, "^[0-9]{12}$", 12, "000140000011");

impl Bin {
    /// Takes `text` if it is twelve digits.
    ///
    /// # Errors
    /// [`IdError::Digits`] if it is not.
    pub fn new(text: &str) -> Result<Self, IdError> {
        if text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()) {
            Ok(Self(text.parse().expect("twelve digits fit in 64 bits")))
        } else {
            Err(IdError::Digits { kind: "BIN" })
        }
    }
}

impl FromStr for Bin {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        Self::new(text)
    }
}

impl TryFrom<String> for Bin {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        Self::new(&text)
    }
}

impl From<Bin> for String {
    fn from(bin: Bin) -> String {
        bin.to_string()
    }
}

impl fmt::Display for Bin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:012}", self.0)
    }
}

impl fmt::Debug for Bin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An official in whose name a system asks, as the consumer's head listed them (HR 20-21).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UserId(Box<str>);

text_schema!(UserId, r"^[^\x00-\x1f\x7f-\x9f]+$", 64, "a.akhmetova");

impl UserId {
    /// Takes `text` if it is 1 to 64 visible characters.
    ///
    /// # Errors
    /// [`IdError::User`] if it is not.
    pub fn new(text: &str) -> Result<Self, IdError> {
        let count = text.chars().count();
        if (1..=64).contains(&count) && !text.chars().any(char::is_control) {
            Ok(Self(text.into()))
        } else {
            Err(IdError::User)
        }
    }

    /// The identifier as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for UserId {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        Self::new(&text)
    }
}

impl From<UserId> for String {
    fn from(user: UserId) -> String {
        user.0.into()
    }
}

impl std::borrow::Borrow<str> for UserId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// SHA-256 of a certificate's DER encoding: how a certificate is named everywhere.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint([u8; 32]);

text_schema!(Fingerprint, "^[0-9a-f]{64}$", 64, "0".repeat(64));

impl Fingerprint {
    /// Wraps the digest of a certificate's DER.
    pub const fn new(sha256: [u8; 32]) -> Self {
        Self(sha256)
    }

    /// The digest itself.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for Fingerprint {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return Err(IdError::Fingerprint);
        }
        let nibble = |byte: u8| match byte {
            b'0'..=b'9' => Ok(byte - b'0'),
            b'a'..=b'f' => Ok(byte - b'a' + 10),
            _ => Err(IdError::Fingerprint),
        };
        let mut sha256 = [0; 32];
        for (byte, pair) in sha256.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
        }
        Ok(Self(sha256))
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> String {
        fingerprint.to_string()
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_short_lower_case_and_cannot_climb() {
        for good in ["a", "address-register", "kz.hr.personnel", "0-1"] {
            assert!(SystemId::new(good).is_ok(), "{good}");
        }
        for bad in ["", "A", ".a", "-a", "a..b", "a/b", "қ", &"a".repeat(65)] {
            assert!(SystemId::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_bin_keeps_its_leading_zeros() {
        assert_eq!(Bin::new("000140000011").unwrap().to_string(), "000140000011");
        assert!(Bin::new("1234").is_err());
    }

    #[test]
    fn a_fingerprint_reads_what_it_writes() {
        let fingerprint = Fingerprint::new([0xa7; 32]);
        assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
        assert!("A7".repeat(32).parse::<Fingerprint>().is_err());
    }
}

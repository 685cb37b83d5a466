//! Why a document may not pass: a stable code, and a reason that names nothing of its content.

use agreements::DocumentFormat;

/// A document that may not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Neither the media type nor the name says which format it has, or they say different ones.
    #[error("its media type and its name do not say one format that is agreed")]
    Undeclared,
    /// It has more bytes than allowed.
    #[error("more than {0} bytes")]
    TooLarge(u64),
    /// Its content is of no format that is known.
    #[error("its content is not {declared}")]
    Unrecognised {
        /// What it was said to be.
        declared: DocumentFormat,
    },
    /// Its content is of another format.
    #[error("its content is {found}, not {declared}")]
    Other {
        /// What it was said to be.
        declared: DocumentFormat,
        /// What it is.
        found: DocumentFormat,
    },
    /// It can be read as two formats.
    #[error("{0}, so that it can be read as two formats")]
    Polyglot(&'static str),
    /// It breaks off, its parts do not follow one another, or what must stand at its end does not.
    #[error("{0}")]
    Damaged(&'static str),
    /// It is encrypted, so that nothing can be checked.
    #[error("it is encrypted and cannot be checked")]
    Encrypted,
    /// It holds macros and is not of a format that says so.
    #[error("it holds macros under the name of a format that has none")]
    Macros,
    /// An entry of the archive has a name that leads elsewhere or that systems read differently.
    #[error("an entry's name {0}")]
    Name(&'static str),
    /// An entry of the archive is a link, a device, or a copy of another.
    #[error("an entry is a link, a device, or a copy of another")]
    Link,
    /// It unpacks to too much.
    #[error("it unpacks to too much")]
    Bomb,
    /// It has too many entries.
    #[error("more than {0} entries")]
    Entries(u32),
    /// Archives within archives, too deep.
    #[error("archives within archives, more than {0} deep")]
    Depth(u32),
    /// Its parts contradict each other.
    #[error("{0}")]
    Inconsistent(&'static str),
    /// It is packed in a way, or holds a part, that cannot be checked as it passes.
    #[error("{0}, which cannot be checked as it passes")]
    Unchecked(&'static str),
}

impl Unfit {
    /// The stable code, as in answers, the log and the documentation.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Undeclared => "document-type",
            Self::TooLarge(_) => "document-too-large",
            Self::Unrecognised { .. } | Self::Other { .. } => "document-format",
            Self::Polyglot(_) => "document-polyglot",
            Self::Damaged(_) => "document-damaged",
            Self::Encrypted => "document-encrypted",
            Self::Macros => "document-macros",
            Self::Name(_) => "archive-name",
            Self::Link => "archive-link",
            Self::Bomb => "archive-bomb",
            Self::Entries(_) => "archive-entries",
            Self::Depth(_) => "archive-depth",
            Self::Inconsistent(_) => "archive-inconsistent",
            Self::Unchecked(_) => "archive-unchecked",
        }
    }
}

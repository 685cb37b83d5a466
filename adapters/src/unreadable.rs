//! Why a request cannot be read: a stable code, and the flaw that was met.

/// A request that says nothing, or more than one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// The target is not `/{provider}/{data-type}/{operation path}` in well-formed escapes.
    #[error("the target has {0}")]
    TargetMalformed(Flaw),
    /// Somebody else could take the target for another one.
    #[error("the target has {0}, which some read otherwise")]
    TargetAmbiguous(Flaw),
    /// The query is not `name=value` pairs in well-formed escapes.
    #[error("the query has {0}")]
    QueryMalformed(Flaw),
    /// Somebody else could take another of the query's values.
    #[error("the query has {0}, which some read otherwise")]
    QueryAmbiguous(Flaw),
    /// A claim's header has a value that it cannot have.
    #[error("the header {name} has {flaw}")]
    ClaimMalformed {
        /// The header.
        name: &'static str,
        /// What is wrong with it.
        flaw: Flaw,
    },
    /// A claim is made twice.
    #[error("the header {name} is repeated")]
    ClaimRepeated {
        /// The header.
        name: &'static str,
    },
}

impl Unreadable {
    /// The stable code, as in `Kelisim-Refusal`, the log and the documentation.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TargetMalformed(_) => "target-malformed",
            Self::TargetAmbiguous(_) => "target-ambiguous",
            Self::QueryMalformed(_) => "query-malformed",
            Self::QueryAmbiguous(_) => "query-ambiguous",
            Self::ClaimMalformed { .. } => "claim-malformed",
            Self::ClaimRepeated { .. } => "claim-repeated",
        }
    }

    /// Which part of the request it is about: a JSON Pointer such as `/headers/idempotency-key`.
    pub fn pointer(&self) -> String {
        match self {
            Self::TargetMalformed(_) | Self::TargetAmbiguous(_) => "/path".to_owned(),
            Self::QueryMalformed(_) | Self::QueryAmbiguous(_) => "/query".to_owned(),
            Self::ClaimMalformed { name, .. } | Self::ClaimRepeated { name } => format!("/headers/{name}"),
        }
    }
}

/// What is wrong with a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// `%` without two hexadecimal digits behind it.
    #[error("an escape without two hexadecimal digits")]
    Escape,
    /// Overlong, truncated or otherwise impossible UTF-8.
    #[error("bytes that are not UTF-8")]
    Utf8,
    /// NUL, a C0 or C1 control, or DEL.
    #[error("a control character")]
    Control,
    /// A character that may not stand there.
    #[error("a character that may not stand there")]
    Character,
    /// A text that should stand in double quotes, with nothing behind them.
    #[error("a value that is not in double quotes, as in \"8e03978e\"")]
    Unquoted,
    /// A segment of a path, or a value, that is empty.
    #[error("an empty part")]
    Empty,
    /// `.` or `..` as a segment, escaped or not.
    #[error("a dot segment")]
    DotSegment,
    /// An escaped `/`.
    #[error("an escaped slash")]
    Slash,
    /// `\`, escaped or not.
    #[error("a backslash")]
    Backslash,
    /// `;` unescaped: some servers cut a segment there.
    #[error("a path parameter")]
    Parameter,
    /// A name that stands twice.
    #[error("a repeated name")]
    Repeated,
    /// No provider or no data type.
    #[error("no provider and data type")]
    Incomplete,
    /// More segments or parameters than anybody needs.
    #[error("too many parts")]
    TooMany,
    /// More bytes than anybody needs.
    #[error("too many bytes")]
    TooLong,
}

//! Schemas: compiled once, then asked about every document.

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, Ordering};

use jsonschema::{Draft, PatternOptions, ValidationError, Validator};
use serde_json::Value;
use tracing::warn;

use super::document::Document;
use super::pass::{Pass, Verdict};
use super::selection::Selection;
use super::survey::{Refuse, Survey, survey};
use super::tape::{Place, Tape};
use super::trim::{Trimmed, trim};
use super::violation::{Names, Violation};

/// A compiled JSON Schema, draft 2020-12 or draft 7.
///
/// `format` is asserted, and an unknown format is no schema; patterns take linear time; references stay
/// within the schema, in which other documents may be bundled: each under `$defs` (`definitions`) with its `$id`, and its
/// `$schema` if it is of another draft (JSON Schema 2020-12 §9.3). What is so bundled is judged on a tape, not in a pass.
#[derive(Debug)]
pub struct Schema {
    /// `None`: only the judge can follow the schema.
    pass: Option<Pass>,
    judge: Validator<Tape>,
    /// How many documents the pass refused and the judge did not: each is a bug of ours.
    quarrels: AtomicU64,
    names: Names,
    document_depth: u16,
}

/// Bounds for schemas and for the documents they judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Arrays and objects that a document may nest; above 64 it counts as 64. Default: 64.
    pub document_depth: u16,
    /// Arrays and objects that a schema may nest. Default: 64.
    pub schema_depth: u16,
    /// Values in a schema, of whatever kind. Default: 50,000.
    pub schema_values: usize,
    /// Subschemas, each applied by the one before to the same value (by `$ref`, `allOf`, …). Default: 16.
    pub schema_chain: u16,
    /// Keywords that one value may have to be compared with. Default: 10,000.
    pub schema_weight: usize,
    /// Regular expressions in a schema. Default: 1,000.
    pub schema_patterns: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            document_depth: DEEPEST_DOCUMENT,
            schema_depth: 64,
            schema_values: 50_000,
            schema_chain: 16,
            schema_weight: 10_000,
            schema_patterns: 1_000,
        }
    }
}

/// Why a text is no schema that we accept.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// `$schema` names neither draft 2020-12 nor draft 7; or, within a bundle, nor draft 2019-09.
    #[error("$schema is neither draft 2020-12 nor draft 7 (nor 2019-09, of a document within the schema)")]
    Draft,
    /// A `$ref` leads to another document.
    #[error(
        "{uri} is another document, and nothing is fetched: put it under $defs (draft 7: definitions) with \
         \"$id\": \"{uri}\""
    )]
    Elsewhere {
        /// The document.
        uri: String,
    },
    /// A `$ref` leads nowhere.
    #[error("a reference cannot be resolved within the schema: {0}")]
    Reference(String),
    /// The schema breaks the rules of its draft, or has a pattern or format that we cannot check.
    #[error("at {pointer:?}: {reason}")]
    Invalid {
        /// JSON Pointer into the schema.
        pointer: String,
        /// What the library said; it quotes the schema only.
        reason: String,
    },
    /// More than [`Limits::schema_values`] or [`Limits::schema_patterns`].
    #[error("the schema is too large")]
    TooLarge,
    /// Nested deeper than [`Limits::schema_depth`] or [`Limits::schema_chain`].
    #[error("the schema is nested too deeply, or its references form too long a chain")]
    TooDeep,
    /// Heavier than [`Limits::schema_weight`].
    #[error("the schema applies too many keywords to one value")]
    TooCostly,
    /// A subschema applies itself to the same value.
    #[error("a reference leads back to itself")]
    Endless,
}

/// Proof that a document fits a schema. Only [`Schema::check`] makes one.
#[derive(Debug)]
pub struct Checked<'a> {
    body: &'a [u8],
}

impl<'a> Checked<'a> {
    /// The document, byte for byte.
    #[must_use]
    pub fn body(&self) -> &'a [u8] {
        self.body
    }
}

impl Schema {
    /// Compiles a schema.
    ///
    /// # Errors
    /// See [`SchemaError`].
    pub fn compile(text: &Value, limits: Limits) -> Result<Self, SchemaError> {
        let draft = draft(text)?;
        let Survey { patterns } = survey(text, draft, &limits)?;
        let pattern_bytes = PATTERNS_BYTES / patterns.max(1);
        let pattern_bytes = pattern_bytes.clamp(*PATTERN_BYTES.start(), *PATTERN_BYTES.end());
        let judge = judge_of(text, draft, pattern_bytes).map_err(|error| SchemaError::Invalid {
            pointer: error.instance_path().as_str().to_owned(),
            reason: error.to_string(),
        })?;
        let pattern_bytes = pattern_bytes.min(PASS_PATTERN_BYTES);
        let pass = Pass::compile(text, draft, &|part| judge_of(part, draft, pattern_bytes).ok());
        Ok(Self {
            pass,
            judge,
            quarrels: AtomicU64::new(0),
            names: Names::of_schema(text),
            document_depth: limits.document_depth.min(DEEPEST_DOCUMENT),
        })
    }

    /// Checks that `bytes` are one JSON document which fits the schema. The caller has bounded its size.
    ///
    /// # Errors
    /// The first thing found wrong.
    pub fn check<'a>(&self, bytes: &'a [u8]) -> Result<Checked<'a>, Violation> {
        self.fit(bytes)?;
        Ok(Checked { body: bytes })
    }

    /// Checks `bytes` as [`Schema::check`] does, then keeps only what `selection` names.
    ///
    /// # Errors
    /// The first thing found wrong; code `nothing-agreed` if the selection names nothing of such a document.
    pub fn check_and_trim<'a>(
        &self,
        bytes: &'a [u8],
        selection: &Selection,
    ) -> Result<Trimmed<'a>, Violation> {
        self.fit(bytes)?;
        trim(bytes, selection, &self.names)
    }

    /// Checks `bytes` in one pass if that is enough, otherwise on a tape.
    fn fit(&self, bytes: &[u8]) -> Result<(), Violation> {
        let verdict = self.passed(bytes);
        if verdict == Verdict::Fits {
            return Ok(());
        }
        self.judged(bytes)?;
        // The judge wins. What a stranger can bring about is told once.
        if verdict == Verdict::Misfit && self.quarrels.fetch_add(1, Ordering::Relaxed) == 0 {
            warn!(
                "the pass refused a document which fits its schema: a bug that costs time, not correctness"
            );
        }
        Ok(())
    }

    /// What the pass says of `bytes`.
    pub(super) fn passed(&self, bytes: &[u8]) -> Verdict {
        self.pass.as_ref().map_or(Verdict::Unsure, |pass| pass.verdict(bytes, self.document_depth))
    }

    /// Reads `bytes` onto a tape, and has the judge look at it.
    pub(super) fn judged<'a>(&self, bytes: &'a [u8]) -> Result<Document<'a>, Violation> {
        let document = Document::read(bytes, self.document_depth)
            .map_err(|fault| Violation::of_fault(&fault, &self.names))?;
        document.fuel.set(FUEL + FUEL_A_BYTE * bytes.len() as u64);
        let fits = self.judge.is_valid(Place::At(&document, 0));
        if document.fuel.get() == 0 {
            return Err(Violation::whole("schema-work", "this document takes the schema too long"));
        }
        if fits { Ok(document) } else { Err(self.explain(&document, bytes.len())) }
    }

    /// Finds where the document does not fit.
    #[cold]
    fn explain(&self, document: &Document<'_>, bytes: usize) -> Violation {
        document.fuel.set(FUEL + FUEL_A_BYTE * bytes as u64);
        let explained = self.judge.validate(Place::At(document, 0));
        match explained {
            Err(error) if document.fuel.get() > 0 => Violation::of_error(&error, document, &self.names),
            _ => Violation::whole("schema", "does not fit the schema; too long to say where"),
        }
    }
}

/// The library's validator of a schema, each pattern of which may take so many bytes.
fn judge_of(
    text: &Value,
    draft: Draft,
    pattern_bytes: usize,
) -> Result<Validator<Tape>, ValidationError<'static>> {
    let patterns = PatternOptions::regex().size_limit(pattern_bytes).dfa_size_limit(pattern_bytes);
    jsonschema::options_for::<Tape>()
        .with_draft(draft)
        .with_retriever(Refuse)
        .should_validate_formats(true)
        .should_ignore_unknown_formats(false)
        .with_pattern_options(patterns)
        .build(text)
        .map_err(ValidationError::to_owned)
}

pub(super) fn draft(text: &Value) -> Result<Draft, SchemaError> {
    let Some(named) = text.get("$schema") else { return Ok(Draft::Draft202012) };
    match named.as_str().map(|uri| uri.trim_end_matches('#')) {
        Some("https://json-schema.org/draft/2020-12/schema") => Ok(Draft::Draft202012),
        Some("http://json-schema.org/draft-07/schema") => Ok(Draft::Draft7),
        _ => Err(SchemaError::Draft),
    }
}

/// More would let a hostile document and schema together use up a thread's stack.
const DEEPEST_DOCUMENT: u16 = 64;

/// Bytes that all compiled patterns of a schema may share, and the least and most for each of them.
const PATTERNS_BYTES: usize = 64 << 20;
const PATTERN_BYTES: RangeInclusive<usize> = 256 << 10..=8 << 20;

/// The most that a pattern may take once more for the pass; if that is not enough, the judge is asked.
const PASS_PATTERN_BYTES: usize = 256 << 10;

/// Looks into containers that any document may cost. One takes some ten nanoseconds.
const FUEL: u64 = 100_000;

/// Further looks for each byte of the document: what a schema of many alternatives needs.
const FUEL_A_BYTE: u64 = 8;

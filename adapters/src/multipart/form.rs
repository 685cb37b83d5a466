//! A card and its files, each held to what was agreed, as they pass.

use std::collections::HashSet;
use std::hash::RandomState;

use agreements::DocumentFormat;

use super::head::{Malformed, PartHead};
use super::notary::{self, Notary, Unsigned};
use super::parts::{Parts, Reader};
use super::{Boundary, Kind};
use crate::documents::{ArchiveLimits, Inspection, Unfit, name};

/// What a card and its files may be.
#[derive(Debug, Clone)]
pub struct FormBounds {
    /// The formats that files may have.
    pub formats: Vec<DocumentFormat>,
    /// Most files.
    pub files: u32,
    /// Most bytes of one file.
    pub file_bytes: u64,
    /// Most bytes of the card: it is held until it is whole.
    pub card_bytes: usize,
    /// How much a file may hold that is an archive.
    pub archives: ArchiveLimits,
}

/// Why a card with files may not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FormUnfit {
    /// The body is not well-formed.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The first part is not the card.
    #[error("the card {0}")]
    Card(&'static str),
    /// A file says too little of itself, or there are too many.
    #[error("{0}")]
    Files(&'static str),
    /// A file may not pass.
    #[error("file {nth}: {unfit}")]
    File {
        /// Which one, from 1.
        nth: u32,
        /// Why.
        unfit: Unfit,
    },
    /// A file is not signed as agreed.
    #[error(transparent)]
    Unsigned(#[from] Unsigned),
}

impl FormUnfit {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "form-malformed",
            Self::Card(_) => "form-card",
            Self::Files(_) => "form-files",
            Self::File { unfit, .. } => unfit.code(),
            Self::Unsigned(unsigned) => unsigned.code,
        }
    }
}

/// A body of a card and its files as it passes.
#[derive(Debug)]
pub struct Form {
    parts: Parts,
    contents: Contents,
}

/// What is told of a form's files, for whoever looks at them besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A file begins.
    Begins,
    /// The next bytes of it.
    Content(Vec<u8>),
    /// It ends.
    Ends,
}

#[derive(Debug)]
struct Contents {
    kind: Kind,
    start: Option<String>,
    bounds: FormBounds,
    card: Card,
    files: u32,
    file: Option<Inspection>,
    names: HashSet<u64>,
    keys: RandomState,
    /// Who looks at signatures, where they are asked for.
    notary: Option<Box<dyn Notary>>,
    signature: Option<Beside>,
    /// What was told since it was last taken, if somebody listens.
    heard: Option<Vec<Heard>>,
}

/// A signature that stands beside a file, as it comes.
#[derive(Debug)]
struct Beside {
    of: String,
    bytes: Vec<u8>,
}

#[derive(Debug)]
enum Card {
    Awaited,
    Part(Vec<u8>),
    Whole(Vec<u8>),
}

impl Form {
    /// Nothing of it was read yet.
    pub fn new(boundary: &Boundary, bounds: FormBounds) -> Self {
        let contents = Contents {
            kind: boundary.kind,
            start: boundary.start.clone(),
            bounds,
            card: Card::Awaited,
            files: 0,
            file: None,
            names: HashSet::new(),
            keys: RandomState::new(),
            notary: None,
            signature: None,
            heard: None,
        };
        Self { parts: Parts::new(boundary), contents }
    }

    /// The same, with somebody who looks at its files' signatures: those that stand beside a file come behind it, under its
    /// name and `.p7s`, and are no files.
    pub fn witnessed(mut self, notary: Option<Box<dyn Notary>>) -> Self {
        self.contents.notary = notary;
        self
    }

    /// Reads the next bytes.
    ///
    /// # Errors
    /// [`FormUnfit`]: nothing more of it may pass. What it says afterwards means nothing.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), FormUnfit> {
        self.parts.push(bytes, &mut self.contents)
    }

    /// From here on what is told of files is kept for [`heard`](Self::heard).
    pub fn listen(&mut self) {
        self.contents.heard.get_or_insert_default();
    }

    /// What was told of files since the last time.
    pub fn heard(&mut self) -> Vec<Heard> {
        self.contents.heard.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// The card, once it is whole.
    pub fn card(&self) -> Option<&[u8]> {
        match &self.contents.card {
            Card::Whole(card) => Some(card),
            Card::Awaited | Card::Part(_) => None,
        }
    }

    /// Gives the card's memory back.
    pub fn forget_card(&mut self) {
        if let Card::Whole(card) = &mut self.contents.card {
            *card = Vec::new();
        }
    }

    /// Says at the end how many files there were, and whose signatures counted.
    ///
    /// # Errors
    /// [`FormUnfit`]: the last bytes may not pass.
    pub fn finish(self) -> Result<(u32, Option<String>), FormUnfit> {
        self.parts.finish()?;
        match self.contents.card {
            Card::Whole(_) => {
                let signed = self.contents.notary.map(Notary::finish).transpose()?;
                Ok((self.contents.files, signed))
            }
            Card::Awaited | Card::Part(_) => Err(FormUnfit::Card("is missing")),
        }
    }
}

impl Contents {
    fn tell(&mut self, what: impl FnOnce() -> Heard) {
        if let Some(heard) = &mut self.heard {
            heard.push(what());
        }
    }

    fn card(&self, head: &PartHead) -> Result<(), FormUnfit> {
        let named = match self.kind {
            Kind::FormData => head.name.as_deref() == Some(CARD),
            // RFC 2387 §3.2: the root is the first part, unless it is named.
            Kind::Related => self.start.is_none() || self.start == head.content_id,
        };
        if !named {
            return Err(FormUnfit::Card("is not the first part"));
        }
        if head.media_type.as_deref() != Some("application/json") || head.file_name.is_some() {
            return Err(FormUnfit::Card("is not application/json, or bears a file's name"));
        }
        Ok(())
    }

    /// The file whose signature a part is, if it is one that is asked for.
    fn signature_of(&self, head: &PartHead) -> Option<String> {
        let is_one = self.notary.is_some() && head.media_type.as_deref() == Some(notary::MEDIA_TYPE);
        let name = head.file_name.as_deref().filter(|_| is_one)?;
        name.strip_suffix(notary::ENDING).map(str::to_owned)
    }

    fn file(&mut self, head: &PartHead) -> Result<Inspection, FormUnfit> {
        self.files += 1;
        if self.files > self.bounds.files {
            return Err(FormUnfit::Files("there are more files than agreed"));
        }
        let nth = self.files;
        let refused = |unfit| FormUnfit::File { nth, unfit };
        if self.kind == Kind::FormData
            && head.name.as_deref().is_none_or(|name| name.is_empty() || name == CARD || name == CHARSET)
        {
            return Err(FormUnfit::Files("a file has no place in the form"));
        }
        let (Some(media_type), Some(file_name)) = (head.media_type.as_deref(), head.file_name.as_deref())
        else {
            return Err(FormUnfit::Files("a file has no name or no media type"));
        };
        name::check(file_name.as_bytes()).map_err(refused)?;
        if file_name.contains('/') || !self.names.insert(name::folded(file_name.as_bytes(), &self.keys)) {
            return Err(FormUnfit::Files("a file's name is a path, or that of another"));
        }
        let declared = Inspection::declared(&self.bounds.formats, Some(media_type), Some(file_name));
        let declared = declared.map_err(refused)?;
        if let Some(notary) = &mut self.notary {
            notary.begins(file_name, declared)?;
        }
        Ok(Inspection::new(declared, self.bounds.file_bytes, self.bounds.archives))
    }
}

impl Reader for Contents {
    type Error = FormUnfit;

    fn begins(&mut self, head: PartHead) -> Result<(), FormUnfit> {
        match self.card {
            Card::Awaited => {
                self.card(&head)?;
                self.card = Card::Part(Vec::new());
            }
            Card::Part(_) | Card::Whole(_) => match self.signature_of(&head) {
                Some(of) => self.signature = Some(Beside { of, bytes: Vec::new() }),
                None => {
                    self.file = Some(self.file(&head)?);
                    self.tell(|| Heard::Begins);
                }
            },
        }
        Ok(())
    }

    fn content(&mut self, bytes: &[u8]) -> Result<(), FormUnfit> {
        if let Card::Part(card) = &mut self.card {
            if card.len() + bytes.len() > self.bounds.card_bytes {
                return Err(FormUnfit::Card("is too large"));
            }
            card.extend_from_slice(bytes);
            return Ok(());
        }
        if let Some(signature) = &mut self.signature {
            if signature.bytes.len() + bytes.len() > notary::MOST_BYTES {
                return Err(FormUnfit::Files("a signature is too large"));
            }
            signature.bytes.extend_from_slice(bytes);
            return Ok(());
        }
        let nth = self.files;
        let Some(file) = &mut self.file else { return Ok(()) };
        file.push(bytes).map_err(|unfit| FormUnfit::File { nth, unfit })?;
        self.tell(|| Heard::Content(bytes.to_vec()));
        match &mut self.notary {
            Some(notary) => Ok(notary.content(bytes)?),
            None => Ok(()),
        }
    }

    fn ends(&mut self) -> Result<(), FormUnfit> {
        if let Card::Part(card) = &mut self.card {
            self.card = Card::Whole(std::mem::take(card));
            return Ok(());
        }
        if let (Some(signature), Some(notary)) = (self.signature.take(), &mut self.notary) {
            return Ok(notary.beside(&signature.of, &signature.bytes)?);
        }
        let nth = self.files;
        let Some(file) = self.file.take() else { return Ok(()) };
        self.tell(|| Heard::Ends);
        file.finish().map_err(|unfit| FormUnfit::File { nth, unfit })?;
        match &mut self.notary {
            Some(notary) => Ok(notary.ends()?),
            None => Ok(()),
        }
    }
}

/// What a form calls its card.
const CARD: &str = "card";
/// RFC 7578 §4.6: a field that says in which encoding the others are.
const CHARSET: &str = "_charset_";

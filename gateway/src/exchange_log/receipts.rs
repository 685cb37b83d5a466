//! Receipts of entries, made of what the sealer wrote. Locks nothing; the log may be open.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use uuid::Uuid;

use super::{
    Filter, SearchError, StoredTree, TileError,
    minimum::{NAME as MINIMUM, minimum_in},
    sealer::{COSIGNED, NAME},
    search,
};
use crate::transparency::{
    BUNDLE_ENTRIES,
    checkpoint::Checkpoint,
    inclusion,
    note::{Note, NoteError},
    receipt::Receipt,
    split_bundle,
};

/// Which entry a receipt is wanted of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// The one at this index, as `Kelisim-Entry` names it.
    Index(u64),
    /// The last one of this exchange: its closing, or its refusal.
    Exchange(Uuid),
}

/// Why there is no receipt.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptError {
    /// There is no checkpoint.
    #[error("{path} cannot be read")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The checkpoint is malformed.
    #[error("{path} is no checkpoint")]
    Note {
        /// The file.
        path: PathBuf,
        /// Why.
        source: NoteError,
    },
    /// No entry is of that exchange.
    #[error("nothing is written of exchange {0}")]
    NoSuchExchange(Uuid),
    /// No checkpoint covers the entry (yet).
    #[error("entry {index} is not under a checkpoint; the last one covers {size} entries")]
    NotSealed {
        /// The entry.
        index: u64,
        /// What is covered.
        size: u64,
    },
    /// The entry was pruned: receipts of it that were made before stay true.
    #[error("entry {index} is in the archive: the log's folder begins at {minimum}")]
    Pruned {
        /// The entry.
        index: u64,
        /// Where the folder begins.
        minimum: u64,
    },
    /// The search for the exchange failed.
    #[error(transparent)]
    Search(#[from] SearchError),
    /// A tile is missing or damaged.
    #[error(transparent)]
    Tile(#[from] TileError),
}

/// Makes the receipt of an entry in the log's folder: under the newest cosigned checkpoint if that covers it, otherwise
/// under the newest one. The entry itself goes with it.
///
/// # Errors
/// [`ReceiptError`].
pub fn receipt_of(dir: &Path, wanted: Wanted) -> Result<Receipt, ReceiptError> {
    let index = match wanted {
        Wanted::Index(index) => index,
        Wanted::Exchange(exchange) => {
            let filter = Filter { exchange: Some(exchange), ..Filter::default() };
            let last = search(dir, filter)?.last().transpose()?;
            last.ok_or(ReceiptError::NoSuchExchange(exchange))?.index
        }
    };
    let declared = minimum_in(dir).map_err(|source| ReceiptError::Io { path: dir.join(MINIMUM), source })?;
    if let Some(minimum) = declared.map(|(_, declared)| declared.index).filter(|minimum| index < *minimum) {
        return Err(ReceiptError::Pruned { index, minimum });
    }
    let (note, checkpoint) = covering(dir, index)?;
    let tree = StoredTree::new(dir, checkpoint.size);
    let hashes = inclusion(&tree, index, checkpoint.size)?;
    let bundle = tree.bundle(index)?;
    let place = usize::try_from(index % BUNDLE_ENTRIES).expect("less than 256");
    let entry = split_bundle(&bundle).and_then(|entries| entries.get(place).map(|entry| entry.to_vec()));
    Ok(Receipt { extra: entry, index, hashes, note })
}

fn covering(dir: &Path, index: u64) -> Result<(Note, Checkpoint), ReceiptError> {
    let mut size = 0;
    for name in [COSIGNED, NAME] {
        let path = dir.join(name);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound && name == COSIGNED => continue,
            Err(source) => return Err(ReceiptError::Io { path, source }),
        };
        let read = Note::parse(&bytes).and_then(|note| note.text().parse().map(|text| (note, text)));
        let (note, checkpoint): (Note, Checkpoint) =
            read.map_err(|source| ReceiptError::Note { path, source })?;
        if checkpoint.size > index {
            return Ok((note, checkpoint));
        }
        size = size.max(checkpoint.size);
    }
    Err(ReceiptError::NotSealed { index, size })
}

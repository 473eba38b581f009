//! How far a source is folded, and how to tell that it is still the same.

use rollfold_core::{Digest, FoldState};
use serde::{Deserialize, Serialize};

use crate::source::{Identity, SourceNote};

/// Everything a sync needs to go on: written in the same transaction as the rows it speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cursor {
    /// The source's key.
    pub(crate) key: String,
    /// How many times the source had been rewritten when this generation began.
    pub(crate) generation: u32,
    /// The fold's state behind the last folded line.
    pub(crate) state: FoldState,
    /// What stands right before it in the source.
    pub(crate) tail: Digest,
    /// What stands at fixed places before it.
    pub(crate) samples: Vec<Digest>,
    /// The source when it was last read; none if nothing tells one time from another.
    pub(crate) seen: Option<Seen>,
}

/// A source as it was when it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    /// What it was known by.
    pub(crate) identity: Identity,
    /// Where it ended, if it was read to its end.
    pub(crate) end_bytes: Option<u64>,
    /// What was odd about it.
    pub(crate) notes: Vec<SourceNote>,
}

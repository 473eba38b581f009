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
    pub(crate) tail: TailDigest,
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

/// What the end of the folded prefix looked like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TailDigest {
    /// Bytes it was taken of.
    len_bytes: u64,
    /// XXH3-128 of these bytes, in hex.
    xxh3_128: String,
}

impl TailDigest {
    pub(crate) fn of(tail: &[u8]) -> Self {
        let digest = xxhash_rust::xxh3::xxh3_128(tail);
        Self { len_bytes: tail.len() as u64, xxh3_128: format!("{digest:032x}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_stay_the_same_for_ever() {
        let of = |bytes| serde_json::to_string(&TailDigest::of(bytes)).unwrap();
        assert_eq!(of(b""), r#"{"len_bytes":0,"xxh3_128":"99aa06d3014798d86001c324468d497f"}"#);
        assert_eq!(
            of(b"{\"type\":\"x\"}\n"),
            r#"{"len_bytes":13,"xxh3_128":"5cfc5ce7be5119b940263acf96fe1f53"}"#
        );
    }
}

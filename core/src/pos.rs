//! Positions: where a record is, in bytes and in lines.

use serde::{Deserialize, Serialize};

/// Bytes of a source, in the uncompressed file.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Span {
    /// Bytes before the span.
    pub offset_bytes: u64,
    /// Bytes in the span, without the line end.
    pub len_bytes: u64,
}

impl Span {
    /// The span of `len_bytes` bytes after `offset_bytes`.
    #[must_use]
    pub const fn new(offset_bytes: u64, len_bytes: u64) -> Self {
        Self { offset_bytes, len_bytes }
    }

    /// Bytes before the end of the span.
    #[must_use]
    pub const fn end_bytes(self) -> u64 {
        self.offset_bytes.saturating_add(self.len_bytes)
    }

    /// The part of this span from `start` to `end`, both counted from the span's own start.
    pub(crate) fn part(self, start: usize, end: usize) -> Self {
        Self::new(self.offset_bytes.saturating_add(start as u64), end.saturating_sub(start) as u64)
    }
}

/// How far a log has been read: the place of the next line.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Position {
    /// LF-terminated lines before this place; the next line's `seq`.
    pub seq: u64,
    /// Bytes before this place.
    pub offset_bytes: u64,
    /// The next record's index (SEMANTICS R2): records of a known kind before this place.
    pub record_index: u64,
}

/// The place of one record, as reducers see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct At {
    /// LF-terminated lines before the record's line.
    pub seq: u64,
    /// The record's own bytes; smaller than its line when a line holds several records.
    pub span: Span,
    /// Records of a known kind before this one (SEMANTICS R2).
    pub record_index: u64,
}

//! Which records of a file are the thread's own, and which were copied into it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::change::TurnNo;

/// Whose a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ownership {
    /// The thread's own.
    #[default]
    Own,
    /// Another thread's, copied into this file.
    Inherited,
}

/// What of a thread's history is another thread's. By default: nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inheritance {
    /// The part in other files, by reference (FORMAT A.2).
    pub base: Option<HistoryBase>,
    /// The part copied into this file.
    pub prefix: Option<CopiedPrefix>,
    /// Records of the base, where it was folded in front of this file as one log with it; none if
    /// the file was folded alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joined: Option<JoinedBase>,
}

/// Whose a log is that is folded with another thread's history in front of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The thread the log is of.
    pub thread_id: Arc<str>,
    /// Where its own records begin; the first of them is its `session_meta`.
    pub own_start_bytes: u64,
}

/// Another thread's records in front of this one's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinedBase {
    /// Where they end; none as long as every record belongs to them.
    pub end: Option<PrefixEnd>,
}

/// A thread's history up to a point, on which this file goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryBase {
    /// Whose history.
    pub thread_id: Arc<str>,
    /// The first ordinal of it that is left out; none if it could not be read.
    pub end_ordinal_exclusive: Option<u64>,
    /// The first byte of it that is left out; none if it could not be read.
    pub end_byte_offset: Option<u64>,
}

/// Records at the start of a file that were copied from another thread.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopiedPrefix {
    /// How it is known.
    pub kind: PrefixKind,
    /// The seq of its first record.
    pub start_seq: u64,
    /// Where it ends; none as long as every record since belongs to it.
    pub end: Option<PrefixEnd>,
}

/// How it is known that records were copied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PrefixKind {
    /// A `session_meta` of another thread follows the file's own.
    ForeignMeta {
        /// Whose.
        thread_id: Arc<str>,
    },
    /// A turn began before the thread was there.
    OlderTurn,
    /// The file claims it: `subagent_history_start_ordinal`.
    Claimed {
        /// The first ordinal that is the thread's own.
        start_ordinal: u64,
    },
}

/// Where a copied prefix ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrefixEnd {
    /// The seq of the first record after it.
    pub seq: u64,
    /// The bytes before that record.
    pub offset_bytes: u64,
    /// The first turn that can be the thread's own.
    pub next_turn: TurnNo,
    /// What tells.
    pub sign: EndSign,
}

/// What tells that a copied prefix is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndSign {
    /// The file's own `session_meta` again.
    OwnMeta,
    /// A turn began after the thread was made.
    TurnTime,
    /// The first record written after the thread was made; those before kept their times.
    WrittenLater,
    /// A pause between two records; a copy is written in one go. A guess.
    Pause,
    /// The ordinal the file claims.
    Ordinal,
    /// The thread's own file begins.
    OwnFile,
}

impl Inheritance {
    /// Whose the record at `seq` is. Of a claim that no record has reached nothing is believed:
    /// all records count as the thread's own (TORTURE row 11).
    #[must_use]
    pub fn ownership(&self, seq: u64) -> Ownership {
        let is_own = |end: Option<PrefixEnd>| end.is_some_and(|end| seq >= end.seq);
        if self.joined.as_ref().is_some_and(|joined| !is_own(joined.end)) {
            return Ownership::Inherited;
        }
        let Some(prefix) = &self.prefix else { return Ownership::Own };
        let is_before_end = match (prefix.end, &prefix.kind) {
            (Some(end), _) => seq < end.seq,
            (None, PrefixKind::Claimed { .. }) => false,
            (None, _) => true,
        };
        if is_before_end && seq >= prefix.start_seq { Ownership::Inherited } else { Ownership::Own }
    }

    /// The first turn that can be the thread's own; turns before it are inherited.
    #[must_use]
    pub fn first_own_turn(&self) -> TurnNo {
        let after = |end: Option<PrefixEnd>| end.map_or(TurnNo(u32::MAX), |end| end.next_turn);
        let joined = self.joined.as_ref().map(|joined| after(joined.end));
        let prefix = self.prefix.as_ref().filter(|_| self.unreached_claim().is_none());
        joined.max(prefix.map(|prefix| after(prefix.end))).unwrap_or(TurnNo(0))
    }

    /// The claimed start of the thread's own records, while no record has reached it: either
    /// nothing of its own was written yet, or the claim is wrong. Worth a warning.
    #[must_use]
    pub fn unreached_claim(&self) -> Option<u64> {
        match &self.prefix {
            Some(CopiedPrefix {
                kind: PrefixKind::Claimed { start_ordinal }, end: None, ..
            }) => Some(*start_ordinal),
            _ => None,
        }
    }
}

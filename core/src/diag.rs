//! Diagnostics: what is odd about a log, as data. Never fatal, never only prose.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::pos::Span;
use crate::raw::FieldState;

/// One oddity and where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// LF-terminated lines before the line it is on.
    pub seq: u64,
    /// The bytes it is about.
    pub span: Span,
    /// What it is.
    pub kind: DiagnosticKind,
}

impl Diagnostic {
    /// Whether this is about the line before as much as about this one.
    pub(crate) fn is_ordinal(&self) -> bool {
        matches!(self.kind, DiagnosticKind::Ordinal(_))
    }
}

/// What is odd.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DiagnosticKind {
    /// These bytes are no record.
    Damaged(Damage),
    /// Well-formed JSON, but no record of a kind this version knows.
    Unknown {
        /// The record's `type` and, behind a slash, the payload's.
        tag: String,
    },
    /// The record was read after a repair.
    Repaired(Repair),
    /// A field of a known record is not as the format says; the rest of the record is used.
    Field {
        /// The record's kind.
        kind: String,
        /// The field's key.
        field: String,
        /// What stands there.
        state: FieldState,
    },
    /// The ordinal is not the one that should follow.
    Ordinal(OrdinalAnomaly),
    /// The record asks for something the fold did not expect.
    History(HistoryAnomaly),
    /// The tokens it counts cannot be right.
    Usage(UsageAnomaly),
    /// The state of the world it tells is nested too deep, or holds a number too large, to be
    /// read as a value: the world is not known from here on.
    WorldUnread,
    /// The same line once more, as a writer's retry leaves it; it is not used.
    Retry {
        /// The seq of the line that is used.
        first_seq: u64,
    },
}

/// How a count of tokens is out of line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum UsageAnomaly {
    /// A running total fell where nothing lets it begin anew; it adds nothing.
    Decreased {
        /// The sum before.
        before: i64,
        /// The sum that is there.
        found: i64,
    },
    /// There is a count, but it has no sum; it adds nothing.
    Unreadable,
}

/// Why bytes are no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Damage {
    /// Nothing but NUL bytes: a block the file system never filled.
    Nuls,
    /// Text that is no JSON, or breaks off.
    NotJson,
    /// JSON, but no object.
    NotAnObject,
    /// Too many broken pieces on one line to look at each.
    TooBroken,
    /// Longer than lines may be.
    TooLong,
}

/// What was done before the record could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Repair {
    /// A byte order mark was passed over.
    ByteOrderMark,
    /// NUL bytes around the record were passed over.
    Nuls,
    /// Bytes that are no UTF-8 were replaced.
    InvalidUtf8,
    /// Surrogates without a partner were replaced.
    LoneSurrogates,
    /// Control characters inside strings were escaped.
    ControlCharacters,
    /// The line holds several records, or a record and something broken.
    SeveralOnOneLine,
    /// A key stands twice; the last one counts.
    RepeatedKey,
    /// The line has no envelope; it was read as what it used to be.
    NoEnvelope,
    /// The payload's fields could not be read; only the record's kind is known.
    PayloadUnread,
}

/// How an ordinal is out of line. Ordinals are claims: none of these stops or drops anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OrdinalAnomaly {
    /// The same as the one before.
    Repeated {
        /// The ordinal.
        ordinal: u64,
    },
    /// Smaller than the one before.
    Decreased {
        /// The one that should follow.
        expected: u64,
        /// The one that is there.
        found: u64,
    },
    /// Larger than the one that should follow.
    Gap {
        /// The one that should follow.
        expected: u64,
        /// The one that is there.
        found: u64,
    },
    /// Not there, though records before have one.
    Missing,
    /// There, but no ordinal.
    Unreadable,
}

/// What a record asks for that the fold did not expect. The reference's behaviour is copied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HistoryAnomaly {
    /// The turn it names is not there; the record has no effect (R23).
    TurnUnknown {
        /// The id it names.
        turn_id: String,
    },
    /// The turn it names is not there; the open turn was taken instead (R10, R11).
    TurnGuessed {
        /// The id it names.
        turn_id: String,
    },
    /// It ends or changes the open turn, but none is open.
    NoOpenTurn,
    /// A turn with this id is there already (R6).
    TurnRepeated {
        /// The id.
        turn_id: String,
    },
    /// The item began in another turn, where it stays as it was (R23).
    ItemElsewhere {
        /// The item's id.
        item_id: String,
    },
    /// A finished item was reset by a late begin (R22).
    ItemReset {
        /// The item's id.
        item_id: String,
    },
    /// No history mode was read, but the record has an ordinal: taken as paginated (FORMAT A.1).
    ModeInferred,
    /// The thread's history mode is not known: nothing of it can be folded (R276).
    ModeUnknown {
        /// The mode.
        mode: String,
    },
    /// Rollbacks have no meaning in paginated threads (A8).
    RollbackInPaginated,
}

impl fmt::Display for DiagnosticKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged(damage) => write!(f, "damaged: {damage}"),
            Self::Unknown { tag } => write!(f, "unknown kind: {tag}"),
            Self::Repaired(repair) => write!(f, "repaired: {repair}"),
            Self::Field { kind, field, state } => {
                let state = match state {
                    FieldState::Missing => "is missing",
                    FieldState::Null => "is null",
                    FieldState::Unreadable => "is of another type",
                    FieldState::UnknownWord => "is a word this version does not know",
                    FieldState::Good => "is fine",
                };
                write!(f, "field: {kind}: {field} {state}")
            }
            Self::Ordinal(anomaly) => write!(f, "ordinal: {anomaly}"),
            Self::History(anomaly) => write!(f, "history: {anomaly}"),
            Self::Usage(anomaly) => write!(f, "usage: {anomaly}"),
            Self::WorldUnread => f.write_str("world: state not read; not known from here on"),
            Self::Retry { first_seq } => write!(f, "retry: line {first_seq} once more; not used"),
        }
    }
}

impl fmt::Display for UsageAnomaly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decreased { before, found } => {
                write!(f, "running total fell from {before} to {found}; not counted")
            }
            Self::Unreadable => f.write_str("count without a sum not counted"),
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nuls => "nothing but NUL bytes",
            Self::NotJson => "no JSON, or JSON that breaks off",
            Self::NotAnObject => "JSON, but no object",
            Self::TooBroken => "too many broken pieces on one line",
            Self::TooLong => "longer than a line may be",
        })
    }
}

impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ByteOrderMark => "byte order mark passed over",
            Self::Nuls => "NUL bytes passed over",
            Self::InvalidUtf8 => "bytes that are no UTF-8 replaced",
            Self::LoneSurrogates => "surrogates without a partner replaced",
            Self::ControlCharacters => "control characters in strings escaped",
            Self::SeveralOnOneLine => "several records on one line taken apart",
            Self::RepeatedKey => "of a repeated key, the last one taken",
            Self::NoEnvelope => "read as a record from before envelopes",
            Self::PayloadUnread => "payload not read",
        })
    }
}

impl fmt::Display for OrdinalAnomaly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Repeated { ordinal } => write!(f, "{ordinal} again"),
            Self::Decreased { expected, found } => write!(f, "{found} after {expected} was due"),
            Self::Gap { expected, found } => write!(f, "{found} where {expected} was due"),
            Self::Missing => f.write_str("missing"),
            Self::Unreadable => f.write_str("no whole number"),
        }
    }
}

impl fmt::Display for HistoryAnomaly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TurnUnknown { turn_id } => write!(f, "no turn {turn_id:?}; record not used"),
            Self::TurnGuessed { turn_id } => write!(f, "no turn {turn_id:?}; open turn taken"),
            Self::NoOpenTurn => f.write_str("no turn is open; record not used"),
            Self::TurnRepeated { turn_id } => write!(f, "a second turn {turn_id:?}"),
            Self::ItemElsewhere { item_id } => {
                write!(f, "item {item_id:?} also stands unfinished in an earlier turn")
            }
            Self::ItemReset { item_id } => write!(f, "finished item {item_id:?} reset"),
            Self::ModeUnknown { mode } => {
                write!(f, "history mode {mode:?} is not known; turns and items are not folded")
            }
            Self::ModeInferred => {
                f.write_str("no history mode read; taken as paginated for its ordinals")
            }
            Self::RollbackInPaginated => f.write_str("rollback in a paginated thread not used"),
        }
    }
}

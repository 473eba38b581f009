//! The record index: where every record is, and the little that context, windows and forks need
//! to know of it. Bodies stay in the log; an entry says by which bytes to read them.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::coll::Vector;
use crate::format::Kind;
use crate::pos::Span;

/// One record: where it is and what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordEntry {
    /// Complete lines before the record's line.
    pub seq: u64,
    /// The record's bytes.
    pub span: Span,
    /// Records of a known kind before this one (SEMANTICS R2), whatever the fold leaves out.
    pub record_index: u64,
    /// Records before this one that share its span: only on a line that had to be mended.
    pub part: u16,
    /// What it is.
    pub kind: Kind,
    /// What context, windows and forks need of it.
    pub class: RecordClass,
}

impl RecordEntry {
    /// The record's name.
    #[must_use]
    pub fn reference(&self) -> RecordRef {
        RecordRef { seq: self.seq, span: self.span, part: self.part, kind: self.kind }
    }
}

/// The name of a record: by this its body can be read from the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordRef {
    /// Complete lines before the record's line.
    pub seq: u64,
    /// The record's bytes.
    pub span: Span,
    /// Records before it that share its span.
    pub part: u16,
    /// What it is.
    pub kind: Kind,
}

/// What context, windows and forks need of a record; tens of bytes for nearly all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordClass {
    /// Nothing.
    Plain,
    /// `session_meta`, with the first window if its id is good (R74).
    SessionMeta {
        /// The window's id.
        window_id: Option<WindowId>,
    },
    /// `task_started`
    TurnStart {
        /// The turn's id; the one it is given, if the log gives none (R7).
        turn_id: Arc<str>,
    },
    /// `task_complete`
    TurnEnd {
        /// The turn's id.
        turn_id: Option<Arc<str>>,
    },
    /// `turn_aborted`
    TurnAbort {
        /// The turn's id.
        turn_id: Option<Arc<str>>,
    },
    /// `user_message`
    UserMessage,
    /// `thread_rolled_back`
    Rollback {
        /// Turns taken back.
        num_turns: u32,
    },
    /// `turn_context`
    TurnContext(Arc<TurnContextFacts>),
    /// `world_state`
    WorldState,
    /// No record, but the head of one that told of the world: what it said is not known (R69).
    WorldLost,
    /// `compacted`
    Compacted(Arc<CompactionFacts>),
    /// `response_item`
    Response(ItemFlags),
    /// `inter_agent_communication`
    Communication {
        /// Whether it starts a turn.
        trigger_turn: bool,
    },
    /// `inter_agent_communication_metadata`
    CommunicationMetadata {
        /// Whether it starts a turn.
        trigger_turn: bool,
    },
}

/// What a `turn_context` says about its turn (R82).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnContextFacts {
    /// The turn's id.
    pub turn_id: Option<Arc<str>>,
    /// The settings in force.
    pub settings: TurnSettings,
}

/// The settings that a later turn compares its own with (R89).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnSettings {
    /// The model; none if the log does not name it.
    pub model: Option<Arc<str>>,
    /// Digest of what the compaction depends on.
    pub comp_hash: Option<Arc<str>>,
    /// Whether a realtime conversation is on.
    pub realtime_active: Option<bool>,
}

/// What a `compacted` record is (R72, R73, R104, R112).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompactionFacts {
    /// The entries of its replacement history, if it has one.
    pub replacement: Option<Box<[ItemFlags]>>,
    /// Its window, if it numbers one.
    pub window: Option<Window>,
    /// Its message as a user message, for a rebuilt history.
    pub summary: ItemFlags,
}

/// A context window (R72).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Its number, from 0.
    pub number: u64,
    /// The id of window 0.
    pub first_id: Option<WindowId>,
    /// The id of the window before it.
    pub previous_id: Option<WindowId>,
    /// Its own id.
    pub id: Option<WindowId>,
}

/// The id of a context window: a UUID of version 7 (R72).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WindowId(Uuid);

impl WindowId {
    /// Reads any spelling of a UUID; `None` for other versions than 7.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Uuid::parse_str(text).ok().filter(|id| id.get_version_num() == 7).map(Self)
    }
}

impl fmt::Display for WindowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for WindowId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for WindowId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("no UUID of version 7"))
    }
}

/// What a response item is to the model's history (SEMANTICS section 0).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ItemFlags(u8);

impl ItemFlags {
    /// No user's words, nothing special.
    pub const NONE: Self = Self(0);
    /// A user turn starts here: rollbacks count it (R108).
    pub const BOUNDARY: Self = Self(1);
    /// A person's message (R125).
    pub const REAL_USER: Self = Self(1 << 1);
    /// A client's words, taken back with the prompt behind them (R108).
    pub const CONTEXTUAL: Self = Self(1 << 2);
    /// An assistant message that holds an inter-agent communication.
    pub const ENVELOPE: Self = Self(1 << 3);
    /// The envelope starts a turn.
    pub const TRIGGERS: Self = Self(1 << 4);
    /// Recorded, but never sent to the model (R97).
    pub const UNSENT: Self = Self(1 << 5);
    /// Not there for any reader (FORMAT T6).
    pub const GHOST: Self = Self(1 << 6);

    /// These flags and those.
    #[must_use]
    pub const fn with(self, more: Self) -> Self {
        Self(self.0 | more.0)
    }

    /// The flags as bits, for stores.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// The flags of [`Self::bits`].
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    const fn has(self, flag: Self) -> bool {
        self.0 & flag.0 != 0
    }

    /// [`Self::BOUNDARY`]
    #[must_use]
    pub const fn is_boundary(self) -> bool {
        self.has(Self::BOUNDARY)
    }

    /// [`Self::REAL_USER`]
    #[must_use]
    pub const fn is_real_user(self) -> bool {
        self.has(Self::REAL_USER)
    }

    /// [`Self::CONTEXTUAL`]
    #[must_use]
    pub const fn is_contextual(self) -> bool {
        self.has(Self::CONTEXTUAL)
    }

    /// An envelope that starts a turn.
    #[must_use]
    pub const fn triggers_turn(self) -> bool {
        self.has(Self::TRIGGERS)
    }

    /// [`Self::UNSENT`]
    #[must_use]
    pub const fn is_unsent(self) -> bool {
        self.has(Self::UNSENT)
    }

    /// [`Self::GHOST`]
    #[must_use]
    pub const fn is_ghost(self) -> bool {
        self.has(Self::GHOST)
    }
}

/// The entries of a log's records, in order. A value: clones share structure, and the index as of
/// any earlier line is a cheap part of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordIndex {
    entries: Vector<RecordEntry>,
}

impl RecordIndex {
    /// Records there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The record at a place, from 0.
    #[must_use]
    pub fn get(&self, place: usize) -> Option<&RecordEntry> {
        self.entries.get(place)
    }

    /// The records in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &RecordEntry> + ExactSizeIterator {
        self.entries.iter()
    }

    /// Records of a known kind: what the reference counts (R2).
    #[must_use]
    pub fn len_indexed(&self) -> u64 {
        let last = self.entries.last();
        last.map_or(0, |last| last.record_index + u64::from(last.kind.is_indexed()))
    }

    /// The index as of line `seq`: the records of the lines before it.
    #[must_use]
    pub fn before(&self, seq: u64) -> Self {
        Self { entries: self.entries.take(self.place_of(seq)) }
    }

    /// The records from a place on.
    #[must_use]
    pub fn from_place(&self, place: usize) -> Self {
        Self { entries: self.entries.skip(place.min(self.entries.len())) }
    }

    /// Places before the first record of line `seq` or a later one.
    fn place_of(&self, seq: u64) -> usize {
        let (mut low, mut high) = (0, self.entries.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.entries.get(middle) {
                Some(entry) if entry.seq < seq => low = middle + 1,
                _ => high = middle,
            }
        }
        low
    }

    /// Adds a record behind the others; whether it belongs there.
    pub(crate) fn push(&mut self, entry: &RecordEntry) -> bool {
        let follows = self.entries.last().is_none_or(|last| last.seq <= entry.seq);
        if follows {
            self.entries.push_back(entry.clone());
        }
        follows
    }
}

/// For stores that keep the entries as rows: they must come in the order of the log.
impl FromIterator<RecordEntry> for RecordIndex {
    fn from_iter<I: IntoIterator<Item = RecordEntry>>(entries: I) -> Self {
        Self { entries: entries.into_iter().collect() }
    }
}

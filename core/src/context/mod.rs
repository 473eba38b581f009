//! What the model had before it: the history a resume would send, held as references to records
//! (SEMANTICS parts (c) and (d)).
//!
//! [`reconstruct`] reads the record index alone, and bodies only where a compaction left no
//! history of its own. Everything else is read by those who want it, item by item.

pub(crate) mod bodies;
mod bounded;
mod forward;
mod items;
mod outline;
mod pairs;
mod rebuild;
mod reverse;
#[cfg(test)]
mod tests;
mod tools;
mod window;
mod world;

pub use bodies::{Bodies, ContextError};
pub use bounded::bounded;
pub use items::Items;
pub use outline::{Outlined, Outlines, Place};
pub use pairs::{Mend, MendDone, PairProblem, PairProblemKind, check, repair};
pub use tools::Truncation;
pub use world::{WorldRecord, world};

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::raw::Json;
use crate::records::{ItemFlags, RecordIndex, RecordRef, TurnSettings, Window};

/// Whose reading of a log counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContextMode {
    /// The reference's, its surprises included: a checkpoint whose turn was rolled back takes
    /// everything before it along (R92).
    Reference,
    /// The reference's but for that: what stood before such a checkpoint stays.
    #[default]
    Sound,
}

/// The model-visible state after the last record of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// What would be sent, in order.
    pub history: Vec<HistoryItem>,
    /// The settings of the newest surviving turn (R89).
    pub previous_turn_settings: Option<TurnSettings>,
    /// The `turn_context` that later ones are compared with; without it, the next turn starts
    /// with the full initial context (R99).
    pub reference_context_item: Option<RecordRef>,
    /// The records that make the world state, in order (R96).
    pub world_records: Vec<WorldRecord>,
    /// The context window (R75).
    pub window: Window,
    /// How outputs of tools are cut when the items are read (R110).
    pub truncation: Option<Truncation>,
}

/// One item of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryItem {
    /// Where it is.
    pub source: HistoryRef,
    /// What it is to rollbacks.
    pub flags: ItemFlags,
}

/// Where an item of the history is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HistoryRef {
    /// A `response_item`.
    Record(RecordRef),
    /// An entry of the replacement history of a `compacted`.
    Entry {
        /// The `compacted`.
        record: RecordRef,
        /// Entries before this one.
        entry: u32,
    },
    /// The model-visible form of an `inter_agent_communication` (FORMAT 8).
    Communication(RecordRef),
    /// A user's message that a compaction without a history of its own kept (R112).
    Rebuilt {
        /// The `compacted`.
        record: RecordRef,
        /// What was kept.
        message: Arc<RebuiltMessage>,
    },
    /// The message of such a compaction (R112).
    Summary(RecordRef),
    /// An output that stands in no log: [`repair`] gave it to a call that had none.
    Answer {
        /// The record of the call.
        record: RecordRef,
        /// The output, as a response item.
        output: Json,
    },
}

impl HistoryRef {
    /// The record the item comes from.
    #[must_use]
    pub fn record(&self) -> RecordRef {
        match self {
            Self::Record(record)
            | Self::Entry { record, .. }
            | Self::Communication(record)
            | Self::Rebuilt { record, .. }
            | Self::Answer { record, .. }
            | Self::Summary(record) => *record,
        }
    }
}

/// A user's message as a compaction kept it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RebuiltMessage {
    /// Its texts, joined; perhaps cut in the middle.
    pub text: String,
    /// `internal_chat_message_metadata_passthrough`, if the message had it.
    pub passthrough: Option<Json>,
}

/// Rebuilds the state after the last record of `records` (R80-R119): the index of a whole log, or
/// [as of](RecordIndex::before) any line.
///
/// ```
/// use rollfold_core::context::{ContextMode, HistoryRef, reconstruct};
/// use rollfold_core::{Folder, Options, Snapshot};
///
/// let log = br#"{"timestamp":"2026-03-01T10:00:00.000Z","type":"event_msg","payload":{"type":"task_started","turn_id":"t1"}}
/// {"timestamp":"2026-03-01T10:00:01.000Z","type":"response_item","payload":{"type":"message","role":"user","content":[{"type":"input_text","text":"hello"}]}}
/// "#;
/// let mut snapshot = Snapshot::default();
/// for step in Folder::new(Options::default()).push(log) {
///     snapshot.apply_step(&step)?;
/// }
/// let context = reconstruct(snapshot.records(), &log[..], ContextMode::Sound, None)?;
/// assert!(matches!(&context.history[0].source, HistoryRef::Record(record) if record.seq == 1));
/// let items: Vec<_> = context.items(&log[..]).collect::<Result<_, _>>()?;
/// assert!(items[0].get().contains("hello"));
/// assert_eq!(snapshot.records().before(1).len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// When a history must be rebuilt from bodies that cannot be read.
pub fn reconstruct<B: Bodies + ?Sized>(
    records: &RecordIndex,
    bodies: &B,
    mode: ContextMode,
    truncation: Option<Truncation>,
) -> Result<Context, ContextError<B::Error>> {
    let survivors = reverse::scan(records, mode);
    let replay = forward::replay(records, bodies, &survivors, mode)?;
    let place = survivors.reference.latest().filter(|_| !replay.saw_legacy);
    Ok(Context {
        history: replay.history,
        previous_turn_settings: survivors.settings,
        reference_context_item: place.and_then(|place| Some(records.get(place)?.reference())),
        world_records: world::records_at(records, &survivors.world),
        window: window::window(records, survivors.window),
        truncation,
    })
}

//! Choices of a fold. The defaults lose nothing; [`Options::REFERENCE`] copies the reference.

use serde::{Deserialize, Serialize};

/// Choices of a fold. They belong to its result: a store keeps them beside its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Options {
    /// Which records are folded.
    pub records: RecordFilter,
    /// Where the end of a call goes whose turn is closed.
    pub routing: Routing,
    /// What counts as something said.
    pub dialogue: Dialogue,
    /// By which rules turns and items are folded.
    pub rules: Rules,
    /// Which records tell facts of the thread.
    pub facts: Facts,
}

impl Options {
    /// As the reference folds at the version the papers describe.
    pub const REFERENCE: Self = Self {
        records: RecordFilter::All,
        routing: Routing::Reference,
        dialogue: Dialogue::EventsOnly,
        rules: Rules::Classic,
        facts: Facts::Seed,
    };
}

/// Which records are folded (SEMANTICS R3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum RecordFilter {
    /// All of them.
    #[default]
    All,
    /// Those that today's writer would write. Turn ids are then those the reference's API shows.
    PersistedOnly,
}

/// Where an event goes that names a call but no turn (SEMANTICS R23).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Routing {
    /// To the open turn, as in the reference: the end of a call whose turn is closed makes a
    /// second item. Reported.
    #[default]
    Reference,
    /// To the unfinished item with that id, whichever turn it is in.
    ByCallId,
}

/// What counts as something said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Dialogue {
    /// Events and canonical items; and, as long as a log has none of these, the messages in the
    /// model's history.
    #[default]
    AnyVocabulary,
    /// Only events and canonical items, as in the reference.
    EventsOnly,
}

/// Which records tell facts of the thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Facts {
    /// All that any version knows (SEMANTICS R152, A30).
    #[default]
    All,
    /// Those of R152 alone: no canonical user messages, no `thread_settings_applied`.
    Seed,
}

/// By which rules turns and items are folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Rules {
    /// By those of the history mode that the log names (SEMANTICS R275, A9).
    #[default]
    OfLog,
    /// R5-R37, whatever the log names.
    Classic,
    /// A9, whatever the log names.
    Paginated,
}

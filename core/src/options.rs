//! Choices of a fold. The defaults lose nothing; [`Options::REFERENCE`] copies the reference.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::HistoryMode;

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
    /// What becomes of turns and items where the log names an unknown history mode.
    pub unknown_mode: UnknownMode,
    /// What becomes of a line that a writer wrote again.
    pub retries: Retries,
    /// How long a line may be.
    pub line_limit: LineLimit,
}

/// Bytes that a line may have; a longer one is damage, of which only the head is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineLimit {
    /// Without the line end.
    pub len_bytes: u64,
}

impl LineLimit {
    /// Whatever memory holds.
    pub const NONE: Self = Self { len_bytes: u64::MAX };
}

/// Far more than any record that was ever seen, and less than what exhausts most machines.
impl Default for LineLimit {
    fn default() -> Self {
        Self { len_bytes: 1 << 30 }
    }
}

impl Options {
    /// As the reference folds at the version the papers describe.
    pub const REFERENCE: Self = Self {
        records: RecordFilter::All,
        routing: Routing::Reference,
        dialogue: Dialogue::EventsOnly,
        rules: Rules::Classic,
        facts: Facts::Seed,
        unknown_mode: UnknownMode::Refuse,
        retries: Retries::Folded,
        line_limit: LineLimit::NONE,
    };

    /// The known mode as which a thread of `mode` is folded; by [`Rules::Classic`] and
    /// [`Rules::Paginated`] every thread is.
    ///
    /// # Errors
    /// When its turns and items are not folded.
    pub fn folded_as<'m>(
        &self,
        mode: &'m HistoryMode,
    ) -> Result<&'m HistoryMode, UnknownHistoryMode> {
        match (mode, self.unknown_mode) {
            (HistoryMode::Other(mode), UnknownMode::Refuse) if self.rules == Rules::OfLog => {
                Err(UnknownHistoryMode { mode: mode.clone() })
            }
            (HistoryMode::Other(_), UnknownMode::AsPaginated) => Ok(&HistoryMode::Paginated),
            (HistoryMode::Other(_), _) => Ok(&HistoryMode::Legacy),
            (known, _) => Ok(known),
        }
    }
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

/// What becomes of a line that a writer wrote again because it was not sure of the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Retries {
    /// It is recognised by its content and reported, and does nothing else.
    #[default]
    Recognised,
    /// It is folded as any other line, as in the reference.
    Folded,
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

/// What becomes of turns and items in a thread whose history mode this version does not know (R276).
/// All else of the thread is folded whatever is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum UnknownMode {
    /// They are not folded, and who asks for them is told: [`UnknownHistoryMode`].
    #[default]
    Refuse,
    /// They are folded as if the mode were `legacy`.
    AsLegacy,
    /// They are folded as if the mode were `paginated`.
    AsPaginated,
}

/// The turns and items of a thread were not folded: this version does not know how its history is
/// written, and reading it by other rules would make things up (R276).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "history mode {mode:?} is not known, so there are no turns and items; fold by a newer version, \
     or choose Options::unknown_mode"
)]
pub struct UnknownHistoryMode {
    /// The mode, as the log names it.
    pub mode: Arc<str>,
}

//! What stands in a history, an item a row: for people and programs that look before they read.

use serde::{Deserialize, Serialize};

use super::bodies::{Bodies, ContextError};
use super::{Context, HistoryItem, HistoryRef};
use crate::pos::Span;
use crate::raw::{Raw, Text};

/// One item of a history, without its words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outlined {
    /// Complete lines before the record it comes from.
    pub seq: u64,
    /// The bytes of that record.
    pub span: Span,
    /// Where in that record it stands.
    pub place: Place,
    /// Its type as a response item; none if it has none that can be read.
    pub kind: Option<String>,
    /// Whose words it is, for messages.
    pub role: Option<String>,
    /// The id that pairs calls with outputs.
    pub call_id: Option<String>,
    /// Whether rollbacks count it as the start of a user's turn (R108).
    pub is_boundary: bool,
    /// The bytes of the item, as it would be sent.
    pub len_bytes: u64,
}

/// Where in its record an item of a history stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// It is the record.
    Record,
    /// It is an entry of a replacement history, with as many before it.
    Entry(u32),
    /// It is the model-visible form of a message between agents.
    Communication,
    /// It is a user's message that a compaction kept.
    Rebuilt,
    /// It is the message of a compaction.
    Summary,
    /// It stands in no log: an output that [`repair`](super::repair) gave to this call.
    Answer,
}

impl From<&HistoryRef> for Place {
    fn from(source: &HistoryRef) -> Self {
        match source {
            HistoryRef::Record(_) => Self::Record,
            HistoryRef::Entry { entry, .. } => Self::Entry(*entry),
            HistoryRef::Communication(_) => Self::Communication,
            HistoryRef::Rebuilt { .. } => Self::Rebuilt,
            HistoryRef::Summary(_) => Self::Summary,
            HistoryRef::Answer { .. } => Self::Answer,
        }
    }
}

impl Context {
    /// The items of the history in order, each with what it is.
    pub fn outline<'c, B: Bodies + ?Sized>(&'c self, bodies: &'c B) -> Outlines<'c, B> {
        Outlines { history: self.history.iter(), items: self.items(bodies) }
    }
}

/// Tells the items of a history, each when it is asked for.
pub struct Outlines<'c, B: ?Sized> {
    history: std::slice::Iter<'c, HistoryItem>,
    items: super::Items<'c, B>,
}

impl<B: Bodies + ?Sized> Iterator for Outlines<'_, B> {
    type Item = Result<Outlined, ContextError<B::Error>>;

    fn next(&mut self) -> Option<Self::Item> {
        let item = self.history.next()?;
        let json = match self.items.next()? {
            Ok(json) => json,
            Err(error) => return Some(Err(error)),
        };
        let raw = Raw::first_of(json.get()).ok().map(|(raw, _)| raw);
        let text = |key| raw?.member(key)?.read::<Text<'_>>().map(String::from);
        let record = item.source.record();
        Some(Ok(Outlined {
            seq: record.seq,
            span: record.span,
            place: Place::from(&item.source),
            kind: text("type"),
            role: text("role"),
            call_id: text("call_id"),
            is_boundary: item.flags.is_boundary(),
            len_bytes: json.get().len() as u64,
        }))
    }
}

//! What a spawned agent's thread takes over from its parent (R136, R137).

use serde::{Deserialize, Serialize};

use super::last_fork_turns;
use crate::context::bodies::read;
use crate::context::{Bodies, ContextError};
use crate::decode::{Body, Record};
use crate::format::{Compacted, ContentPart, Kind, ResponseKind, ResponseMessage};
use crate::model::MessagePhase;
use crate::raw::Raw;
use crate::records::{RecordIndex, RecordRef};

/// How an agent is forked off its parent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SpawnFork<'h> {
    /// Only the parent's last fork turns (R130); none for its full history.
    pub last_turns: Option<usize>,
    /// Hints on the use of agents that the parent was given; they are not for the child.
    pub usage_hints: &'h [&'h str],
}

/// A record of the parent that the child's thread starts with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The record.
    pub record: RecordRef,
    /// Entries of its replacement history that are left out: hints.
    pub left_out_entries: Vec<u32>,
}

/// The records of the parent that the child's thread starts with, in order. Turns are counted in
/// the whole parent, also by records that are then left out; and events stay whose response items
/// go (R137).
///
/// # Errors
/// When a message or compaction cannot be read.
pub fn spawn_fork<B: Bodies + ?Sized>(
    parent: &RecordIndex,
    bodies: &B,
    fork: &SpawnFork<'_>,
) -> Result<Vec<Kept>, ContextError<B::Error>> {
    let first_seq = match fork.last_turns {
        None => 0,
        Some(count) => match last_fork_turns(parent, count) {
            Some(point) => point.seq,
            None => return Ok(Vec::new()),
        },
    };
    let mut kept = Vec::new();
    for entry in parent.iter().filter(|entry| entry.seq >= first_seq) {
        let record = entry.reference();
        let left_out = match entry.kind {
            Kind::Event(_) | Kind::SessionMeta => Some(Vec::new()),
            Kind::TurnContext | Kind::WorldState => fork.last_turns.is_none().then(Vec::new),
            Kind::Compacted | Kind::Response(ResponseKind::Message) => {
                read(bodies, record, |record| fork.left_out_of(record))?
            }
            _ => None,
        };
        kept.extend(left_out.map(|left_out_entries| Kept { record, left_out_entries }));
    }
    Ok(kept)
}

impl SpawnFork<'_> {
    /// What of a message or compaction is left out; `None` for all of it.
    fn left_out_of(&self, record: &Record<'_>) -> Option<Vec<u32>> {
        match &record.body {
            Body::ResponseMessage(message) => self.keeps(message).then(Vec::new),
            Body::Compacted(compacted) => Some(self.hints_in(compacted)),
            _ => None,
        }
    }

    fn keeps(&self, message: &ResponseMessage<'_>) -> bool {
        match message.role.get().as_deref() {
            Some("system" | "user") => true,
            Some("developer") => !self.is_hint(message),
            Some("assistant") => message.phase.get() == Some(MessagePhase::FinalAnswer),
            _ => false,
        }
    }

    fn hints_in(&self, compacted: &Compacted<'_>) -> Vec<u32> {
        let is_hint = |entry: &Raw<'_>| {
            let message: ResponseMessage<'_> = entry.read().unwrap_or_default();
            message.role.get().as_deref() == Some("developer") && self.is_hint(&message)
        };
        let entries = compacted.replacement_history.get().unwrap_or_default();
        (0..).zip(&entries).filter(|(_, entry)| is_hint(entry)).map(|(place, _)| place).collect()
    }

    /// Whether a message's one text is a hint.
    fn is_hint(&self, message: &ResponseMessage<'_>) -> bool {
        let parts: Vec<ContentPart<'_>> = message.content.each();
        let [part] = parts.as_slice() else { return false };
        part.text.get().is_some_and(|text| self.usage_hints.contains(&&*text))
    }
}

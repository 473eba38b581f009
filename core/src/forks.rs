//! Where a thread can be cut to fork it (SEMANTICS part (e)): functions over the record index.
//!
//! Writing the fork is the recorder's: a new head, kept records by
//! [`Policy::persists`](crate::Policy::persists), new times and ids (R134). Reading one is
//! [`Inheritance`](crate::model::Inheritance)'s: which records are copies (R135).

mod spawn;

pub use spawn::{Kept, SpawnFork, spawn_fork};

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::format::{Kind, ResponseKind};
use crate::model::{TurnHead, TurnStatus};
use crate::raw::Json;
use crate::records::{RecordClass, RecordEntry, RecordIndex};

/// A place between records: what stands before it is kept, or what follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ForkPoint {
    /// Records of a known kind before it, as the reference counts (R2).
    pub record_index: u64,
    /// Complete lines before it.
    pub seq: u64,
}

impl ForkPoint {
    /// The place before a record.
    fn before(entry: &RecordEntry) -> Self {
        Self { record_index: entry.record_index, seq: entry.seq }
    }

    /// The place after the last record.
    #[must_use]
    pub fn end(records: &RecordIndex) -> Self {
        let seq = records.iter().next_back().map_or(0, |last| last.seq + 1);
        Self { record_index: records.len_indexed(), seq }
    }
}

/// Why a thread cannot be cut at a turn (R129).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CutError {
    /// The turn is not among the folded ones: never there, or rolled back.
    #[error("no such turn; name one that is there and was not rolled back")]
    NotFound,
    /// No `task_started` names the turn.
    #[error("the log does not say where the turn starts; name a turn with a recorded start")]
    NotCanonical,
    /// The turn has not ended.
    #[error("the turn is still in progress; wait for its end or fork from an earlier one")]
    InProgress,
}

/// The records that count, in order.
fn known(records: &RecordIndex) -> impl DoubleEndedIterator<Item = &RecordEntry> {
    records.iter().filter(|entry| entry.kind.is_indexed())
}

/// The messages of people that were not rolled back (R125).
#[must_use]
pub fn user_message_positions(records: &RecordIndex) -> Vec<ForkPoint> {
    let mut positions: Vec<ForkPoint> = Vec::new();
    for entry in known(records) {
        match entry.class {
            RecordClass::Response(flags) if flags.is_real_user() => {
                positions.push(ForkPoint::before(entry));
            }
            RecordClass::Rollback { num_turns } => {
                positions.truncate(positions.len().saturating_sub(num_turns as usize));
            }
            _ => {}
        }
    }
    positions
}

/// The places where turns of a user or of another agent start and that were not rolled back
/// (R126, R127).
#[must_use]
pub fn fork_turn_positions(records: &RecordIndex) -> Vec<ForkPoint> {
    let mut forks: Vec<ForkPoint> = Vec::new();
    let mut rollbacks: Vec<ForkPoint> = Vec::new();
    let mut is_announced = false;
    for entry in known(records) {
        let point = ForkPoint::before(entry);
        let (starts, counts) = match entry.class {
            RecordClass::Response(flags) => {
                let is_agent = entry.kind == Kind::Response(ResponseKind::AgentMessage);
                let starts = flags.is_real_user() || flags.triggers_turn();
                (starts, flags.is_boundary() && !(is_agent && is_announced))
            }
            RecordClass::Communication { trigger_turn }
            | RecordClass::CommunicationMetadata { trigger_turn } => (trigger_turn, true),
            RecordClass::Rollback { num_turns } => {
                roll_back(&mut forks, &mut rollbacks, num_turns as usize);
                (false, false)
            }
            _ => (false, false),
        };
        forks.extend(starts.then_some(point));
        rollbacks.extend(counts.then_some(point));
        is_announced = matches!(entry.class, RecordClass::CommunicationMetadata { .. });
    }
    forks
}

/// R127.
fn roll_back(forks: &mut Vec<ForkPoint>, rollbacks: &mut Vec<ForkPoint>, num_turns: usize) {
    let kept = rollbacks.len().saturating_sub(num_turns);
    let Some(start) = rollbacks.get(kept).copied() else { return };
    rollbacks.truncate(kept);
    forks.retain(|fork| fork.record_index < start.record_index);
}

/// The cut before a message of a person, counted from 0; the end, if there are not so many (R128).
#[must_use]
pub fn cut_before_user_message(records: &RecordIndex, nth: usize) -> ForkPoint {
    let positions = user_message_positions(records);
    positions.get(nth).copied().unwrap_or_else(|| ForkPoint::end(records))
}

/// The cut after a turn: before the next turn's start, or the end (R129). `turns` are those of a
/// fold of all records, in order.
///
/// # Errors
/// When the turn is none to cut at.
pub fn cut_after_turn<'t>(
    records: &RecordIndex,
    turns: impl IntoIterator<Item = &'t TurnHead>,
    turn_id: &str,
) -> Result<ForkPoint, CutError> {
    let turn = turns.into_iter().find(|turn| &*turn.id == turn_id).ok_or(CutError::NotFound)?;
    let mut starts = known(records).filter(|entry| started(entry).is_some());
    let is_it = |entry: &&RecordEntry| started(entry).is_some_and(|id| &**id == turn_id);
    starts.by_ref().find(is_it).ok_or(CutError::NotCanonical)?;
    if turn.status == TurnStatus::InProgress {
        return Err(CutError::InProgress);
    }
    Ok(starts.next().map_or_else(|| ForkPoint::end(records), ForkPoint::before))
}

/// The cut before a turn: before its start (A28). `turns` are those of a fold of all records, in
/// order, so that one that was rolled back is not found.
///
/// # Errors
/// When the turn is none to cut at.
pub fn cut_before_turn<'t>(
    records: &RecordIndex,
    turns: impl IntoIterator<Item = &'t TurnHead>,
    turn_id: &str,
) -> Result<ForkPoint, CutError> {
    turns.into_iter().find(|turn| &*turn.id == turn_id).ok_or(CutError::NotFound)?;
    let is_it = |entry: &&RecordEntry| started(entry).is_some_and(|id| &**id == turn_id);
    known(records).find(is_it).map(ForkPoint::before).ok_or(CutError::NotCanonical)
}

/// The turn that a `task_started` starts.
fn started(entry: &RecordEntry) -> Option<&Arc<str>> {
    match &entry.class {
        RecordClass::TurnStart { turn_id } => Some(turn_id),
        _ => None,
    }
}

/// Where the last `count` fork turns start (R130); `None` if nothing is to be kept. What stands
/// before is dropped, the head of the log included.
#[must_use]
pub fn last_fork_turns(records: &RecordIndex, count: usize) -> Option<ForkPoint> {
    let positions = fork_turn_positions(records);
    let first = positions.len().saturating_sub(count);
    positions.get(first).copied()
}

/// Whether nothing has been asked of the model yet, rolled back or not (R117).
#[must_use]
pub fn is_before_first_turn(records: &RecordIndex) -> bool {
    !known(records).any(|entry| match entry.class {
        RecordClass::Response(flags) => flags.is_boundary(),
        RecordClass::Communication { .. } => true,
        _ => false,
    })
}

/// What a thread is in the middle of when it is forked (R131).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceState {
    /// Whether a turn goes on.
    pub is_mid_turn: bool,
    /// The open turn that a `task_started` opened, and where.
    pub active: Option<(Arc<str>, ForkPoint)>,
}

/// What the thread is in the middle of (R131). `open` is the open turn of a fold of all records,
/// if a `task_started` opened it ([`HistoryState::open_turn`](crate::HistoryState::open_turn)).
#[must_use]
pub fn source_state(records: &RecordIndex, open: Option<&TurnHead>) -> SourceState {
    if let Some(open) = open {
        // Any start closes the turn before it, so the last start opened the open one.
        let start = known(records).rfind(|entry| started(entry).is_some());
        let active = start.map(|start| (open.id.clone(), ForkPoint::before(start)));
        return SourceState { is_mid_turn: open.status == TurnStatus::InProgress, active };
    }
    let ends = |entry: &RecordEntry| {
        matches!(entry.class, RecordClass::TurnEnd { .. } | RecordClass::TurnAbort { .. })
    };
    let last = user_message_positions(records).last().copied();
    let is_mid_turn = last.is_some_and(|last| {
        !known(records).rev().take_while(|it| it.record_index > last.record_index).any(ends)
    });
    SourceState { is_mid_turn, active: None }
}

/// The cut of a fork before a message of a person (R132): as [`cut_before_user_message`], but past
/// the last message of a thread that is in the middle of a turn, that turn is left out.
#[must_use]
pub fn fork_before_user_message(
    records: &RecordIndex,
    state: &SourceState,
    nth: usize,
) -> ForkPoint {
    let positions = user_message_positions(records);
    if !state.is_mid_turn || nth < positions.len() {
        return cut_before_user_message(records, nth);
    }
    let opened = state.active.as_ref().map(|(_, point)| *point);
    opened.or_else(|| positions.last().copied()).unwrap_or_else(|| ForkPoint::end(records))
}

/// What a fork of an interrupted thread puts behind all records (R133): `None` if no turn goes on.
#[must_use]
pub fn interruption(state: &SourceState) -> Option<Interruption> {
    let turn_id = state.active.as_ref().map(|(id, _)| id.clone());
    state.is_mid_turn.then_some(Interruption { turn_id })
}

/// The end that a fork gives to the turn it breaks off. Clients that want it put a user's message
/// of a `<turn_aborted>` fragment before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interruption {
    /// The turn, if a `task_started` opened it.
    pub turn_id: Option<Arc<str>>,
}

impl Interruption {
    /// The payload of the `turn_aborted` event, without times.
    #[must_use]
    pub fn payload(&self) -> Json {
        Json::of(&serde_json::json!({
            "type": "turn_aborted",
            "turn_id": self.turn_id,
            "reason": "interrupted",
        }))
    }
}

#[cfg(test)]
mod tests;

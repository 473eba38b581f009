//! The state of the world (SEMANTICS R60-R63, R69, R70), forward.
//!
//! A rollback restores the state from before the first turn it takes back (TORTURE row 29). Turns
//! are counted here as when a thread is resumed (R82-R87): a segment begins at each `task_started`;
//! it is a user turn if it holds a user message, a message between agents or a user-turn boundary
//! of the model's history; taking back n means the newest n user turns, with the segments between
//! and behind them. Two of the backward scan's corner cases are left out, since a record going
//! forward cannot know them: segments whose ids disagree do not merge (R85), and records between a
//! rollback and the next start are kept. States of [`SEGMENTS_MAX`] segments are held; a rollback
//! beyond these leaves the world unknown until the next full state.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Reduced;
use crate::change::Change;
use crate::decode::{Body, Record};
use crate::diag::DiagnosticKind;
use crate::format::{EventKind as E, Kind};
use crate::model::{World, WorldChange, WorldLoss, read_state};
use crate::patch;
use crate::records::RecordClass;

/// Segments a rollback can reach over; only those that changed the world hold a state.
const SEGMENTS_MAX: usize = 64;

/// What the next record's meaning for the world may depend on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorldState {
    world: World,
    segments: VecDeque<Segment>,
    /// There were more segments than are held.
    forgot_segments: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Segment {
    is_user_turn: bool,
    /// What makes the world before this segment of the world behind it; none if it changed nothing.
    undo: Option<Undo>,
}

/// The way back from a world to one before it: most of a world stays when it changes, and this is
/// held for many changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Undo {
    /// The earlier world itself, where no patch leads there.
    To(World),
    /// A merge patch for the later one.
    By(Arc<Value>),
}

impl Undo {
    fn new(later: &World, earlier: &World) -> Self {
        if let (World::Known(later), World::Known(earlier)) = (later, earlier) {
            let patch = patch::diff(later, earlier);
            let patch = patch.unwrap_or_else(|| Value::Object(Map::new()));
            // Some worlds cannot be said in a patch: those with a null in them.
            if patch::apply(Value::clone(later), &patch) == **earlier {
                return Self::By(Arc::new(patch));
            }
        }
        Self::To(earlier.clone())
    }

    fn back_from(&self, later: &World) -> World {
        match (self, later) {
            (Self::To(earlier), _) => earlier.clone(),
            (Self::By(patch), World::Known(later)) => {
                World::Known(Arc::new(patch::apply(Value::clone(later), patch)))
            }
            (Self::By(_), World::Unknown) => World::Unknown,
        }
    }
}

impl WorldState {
    /// The world now.
    #[must_use]
    pub fn world(&self) -> &World {
        &self.world
    }

    fn segment(&mut self) -> Option<&mut Segment> {
        if self.segments.is_empty() {
            self.segments.push_back(Segment::default());
        }
        self.segments.back_mut()
    }

    fn open_segment(&mut self) {
        self.segments.push_back(Segment::default());
        if self.segments.len() > SEGMENTS_MAX {
            self.segments.pop_front();
            self.forgot_segments = true;
        }
    }

    /// Takes in a change, unless it changes nothing.
    fn change(mut self, change: WorldChange) -> Option<Reduced<Self>> {
        let before = self.world.clone();
        self.world.apply(&change);
        if self.world == before {
            return None;
        }
        let now = self.world.clone();
        if let Some(segment) = self.segment() {
            let undo = segment.undo.take();
            let earliest = undo.map_or_else(|| before.clone(), |undo| undo.back_from(&before));
            segment.undo = Some(Undo::new(&now, &earliest));
        }
        Some(told(self, change))
    }

    fn roll_back(mut self, count: u32) -> Option<Reduced<Self>> {
        let before = self.world.clone();
        let mut left = count;
        while left > 0 {
            let Some(segment) = self.segments.pop_back() else {
                if self.forgot_segments {
                    self.world = World::Unknown;
                }
                break;
            };
            if let Some(undo) = &segment.undo {
                self.world = undo.back_from(&self.world);
            }
            left -= u32::from(segment.is_user_turn);
        }
        if self.world == before {
            return Some(Reduced::silent(self));
        }
        let change = match &self.world {
            World::Known(value) => WorldChange::Set(value.clone()),
            World::Unknown => WorldChange::Lost(WorldLoss::RolledBack),
        };
        Some(told(self, change))
    }
}

fn told(state: WorldState, change: WorldChange) -> Reduced<WorldState> {
    Reduced { state, changes: vec![Change::World(change)], notes: Vec::new() }
}

/// Reduces one record, of which the record index says `class`; `None` if it means nothing to the
/// world.
#[must_use]
pub fn reduce(
    state: &WorldState,
    record: &Record<'_>,
    class: &RecordClass,
) -> Option<Reduced<WorldState>> {
    match (record.kind, &record.body) {
        (Kind::WorldState, Body::WorldState(shape)) => {
            let raw = shape.state.get();
            let value = raw.and_then(read_state).map(Arc::new);
            let is_unread = raw.is_some() && value.is_none();
            let change = match (shape.full.get(), value) {
                (Some(true), Some(value)) if value.is_object() => WorldChange::Set(value),
                (Some(false), Some(patch)) if patch.is_object() => WorldChange::Patch(patch),
                (Some(_), Some(_)) => WorldChange::Lost(WorldLoss::NotAnObject),
                _ => WorldChange::Lost(WorldLoss::Damaged),
            };
            let reduced = state.clone().change(change);
            if !is_unread {
                return reduced;
            }
            let reduced = reduced.unwrap_or_else(|| Reduced::silent(state.clone()));
            Some(Reduced { notes: vec![DiagnosticKind::WorldUnread], ..reduced })
        }
        (Kind::WorldState, _) => state.clone().change(WorldChange::Lost(WorldLoss::Damaged)),
        (Kind::Compacted, _) => state.clone().change(WorldChange::Lost(WorldLoss::Compacted)),
        (Kind::Event(E::TaskStarted), _) => {
            let mut next = state.clone();
            next.open_segment();
            Some(Reduced::silent(next))
        }
        (_, Body::ThreadRolledBack(back)) => state.clone().roll_back(back.num_turns.get()?),
        // Most records of a turn stand behind what makes it a user turn, and cost nothing here.
        _ if state.segments.back().is_some_and(|segment| segment.is_user_turn) => None,
        _ if is_user_turn(class) => {
            let mut next = state.clone();
            next.segment()?.is_user_turn = true;
            Some(Reduced::silent(next))
        }
        _ => None,
    }
}

/// A piece of a line that is no record, whose head names `tag`: a lost state, patch or compaction
/// leaves the world unknown until the next full state (R69). That holds also if the writer tries
/// again: which of the two the model was told cannot be known.
#[must_use]
pub fn damaged(state: &WorldState, tag: &str) -> Option<Reduced<WorldState>> {
    is_lost_by(tag).then(|| state.clone().change(WorldChange::Lost(WorldLoss::Damaged)))?
}

/// Whether a record of this `type` tells of the world.
pub(super) fn is_lost_by(tag: &str) -> bool {
    matches!(tag, "world_state" | "compacted")
}

/// R82: what makes a segment a user turn.
fn is_user_turn(class: &RecordClass) -> bool {
    match class {
        RecordClass::UserMessage | RecordClass::Communication { .. } => true,
        RecordClass::Response(flags) => flags.is_boundary(),
        _ => false,
    }
}

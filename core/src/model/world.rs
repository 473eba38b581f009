//! What the model was told of the world (SEMANTICS part (b)).

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::patch;
use crate::raw::Raw;

/// Levels of a state or patch that is read. A stored state stands inside other values, all of
/// which must be read again, and readers of JSON stop at 128 levels.
const DEPTH_MAX: usize = 100;

/// A state or a patch; `None` if it is nested too deep or holds a number that is too large.
pub(crate) fn read_state(raw: Raw<'_>) -> Option<Value> {
    let value: Value = serde_json::from_str(raw.get()).ok()?;
    (depth(&value) <= DEPTH_MAX && has_readable_numbers(&value)).then_some(value)
}

/// Whether no number is too large. With serde_json's `arbitrary_precision`, which another crate may
/// ask for, it reads such numbers, too; what is understood must not depend on that.
fn has_readable_numbers(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.as_f64().is_some_and(f64::is_finite),
        Value::Array(values) => values.iter().all(has_readable_numbers),
        Value::Object(members) => members.values().all(has_readable_numbers),
        _ => true,
    }
}

/// Levels of a value; at most 128, since it was read.
fn depth(value: &Value) -> usize {
    let inner = match value {
        Value::Array(values) => values.iter().map(depth).max(),
        Value::Object(members) => members.values().map(depth).max(),
        _ => return 0,
    };
    1 + inner.unwrap_or(0)
}

/// The state of the world as far as the log tells it; section id to anything (R60, R70).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum World {
    /// No full state yet, or none since it was last lost. Not the same as an empty one.
    #[default]
    Unknown,
    /// This object.
    Known(Arc<Value>),
}

/// What a record does to the world.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorldChange {
    /// It is this object now (R61), or again after a rollback.
    Set(Arc<Value>),
    /// This RFC 7386 patch is applied to it (R62).
    Patch(Arc<Value>),
    /// It is not known any more.
    Lost(WorldLoss),
}

/// Why the world is not known any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorldLoss {
    /// The model's history was compacted (R63).
    Compacted,
    /// The log says something else than an object (R61, R62).
    NotAnObject,
    /// A record of it, or of a compaction, cannot be read (R69).
    Damaged,
    /// A rollback reaches back before it was known, or further than states are kept.
    RolledBack,
}

impl World {
    /// Applies one change: the only way the world changes. A patch of an unknown world changes
    /// nothing.
    pub fn apply(&mut self, change: &WorldChange) {
        match (change, &mut *self) {
            (WorldChange::Set(value), _) => *self = Self::Known(value.clone()),
            (WorldChange::Patch(patch), Self::Known(value)) => {
                let before = std::mem::take(Arc::make_mut(value));
                *value = Arc::new(patch::apply(before, patch));
                if !value.is_object() {
                    *self = Self::Unknown;
                }
            }
            (WorldChange::Patch(_), Self::Unknown) => {}
            (WorldChange::Lost(_), _) => *self = Self::Unknown,
        }
    }

    /// The object, if it is known.
    #[must_use]
    pub fn value(&self) -> Option<&Arc<Value>> {
        match self {
            Self::Unknown => None,
            Self::Known(value) => Some(value),
        }
    }
}

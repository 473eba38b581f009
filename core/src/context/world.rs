//! The world state as it stood before the model (R60-R68).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Context;
use super::bodies::{Bodies, ContextError, read};
use crate::decode::Body;
use crate::model::read_state;
use crate::patch;
use crate::records::{RecordClass, RecordIndex, RecordRef};

/// A record that makes the world state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorldRecord {
    /// A full snapshot or a patch.
    State(RecordRef),
    /// A compaction: the state is unknown from here on (R63).
    Compacted(RecordRef),
    /// A piece of the log that was such a record and cannot be read: unknown from here on (R69).
    Lost(RecordRef),
}

pub(super) fn records_at(records: &RecordIndex, places: &[usize]) -> Vec<WorldRecord> {
    let entries = places.iter().filter_map(|place| records.get(*place));
    entries
        .map(|entry| match entry.class {
            RecordClass::Compacted(_) => WorldRecord::Compacted(entry.reference()),
            RecordClass::WorldLost => WorldRecord::Lost(entry.reference()),
            _ => WorldRecord::State(entry.reference()),
        })
        .collect()
}

/// The world state of a context; `None` where the model has not been told any (R61-R63). Nothing
/// before the newest compaction or full snapshot is read.
///
/// # Errors
/// When a body cannot be read.
pub fn world<B: Bodies + ?Sized>(
    context: &Context,
    bodies: &B,
) -> Result<Option<Value>, ContextError<B::Error>> {
    let mut changes = Vec::new();
    for record in context.world_records.iter().rev() {
        let WorldRecord::State(record) = record else { break };
        let change = read(bodies, *record, |record| match &record.body {
            Body::WorldState(it) => Change {
                is_full: it.full.get() == Some(true),
                state: it.state.get().and_then(read_state).filter(|_| it.full.get().is_some()),
            },
            _ => Change { is_full: false, state: None },
        })?;
        let is_full = change.is_full;
        changes.push(change);
        if is_full {
            break;
        }
    }
    let mut baseline = None;
    for Change { is_full, state } in changes.into_iter().rev() {
        baseline = match (is_full, baseline) {
            (true, _) => state,
            (false, Some(baseline)) => state.map(|patch| patch::apply(baseline, &patch)),
            (false, None) => None,
        };
        baseline = baseline.filter(Value::is_object);
    }
    Ok(baseline)
}

struct Change {
    is_full: bool,
    /// None if it cannot be read: what stands then is unknown.
    state: Option<Value>,
}

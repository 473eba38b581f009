//! What a recorder works out itself: patches of the world, windows at compactions, rollbacks.

use std::sync::Arc;

use rollfold_core::{Window, WindowId, model, patch};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::{NewRecord, Offered, RecordTag, Recorder, ThreadMode};
use crate::error::RecordError;

/// How a world state was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorldWritten {
    /// As a whole: nothing before it is known to readers.
    Full,
    /// As what differs from the one before.
    Patch,
    /// Not at all: it is the one before.
    Unchanged,
}

/// A history that was cut short.
#[derive(Debug, Clone, Default)]
pub struct Compaction {
    /// The summary; may be empty.
    pub message: String,
    /// The response items that the model goes on with; none where only the summary is kept.
    pub replacement_history: Option<Vec<Box<RawValue>>>,
}

/// In the order in which the reference writes them (FORMAT 6).
#[derive(Serialize)]
struct Payload<'p> {
    message: &'p str,
    #[serde(skip_serializing_if = "Option::is_none")]
    replacement_history: Option<&'p [Box<RawValue>]>,
    window_number: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_window_id: Option<WindowId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_window_id: Option<WindowId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    window_id: Option<WindowId>,
}

impl Recorder {
    /// Writes what the model was told of the world, an object of sections: as a whole if nothing is
    /// known before it - at the beginning, after a compaction - else what differs (R65-R67).
    ///
    /// # Errors
    /// When it is no object, or as [`Self::append`].
    pub fn world_state(&mut self, state: &Value) -> Result<WorldWritten, RecordError> {
        let state = sections(state)?;
        let known = self.frontier.state.facts().world().world().value().cloned();
        let Some(known) = known else { return self.write_world(&state) };
        match patch::diff(&known, &state) {
            None => Ok(WorldWritten::Unchanged),
            // Only what was read back from other writers can hold what no patch can say.
            Some(patch) if patch::apply((*known).clone(), &patch) != state => {
                self.write_world(&state)
            }
            Some(patch) => {
                self.append(world_record(false, &patch)?)?;
                Ok(WorldWritten::Patch)
            }
        }
    }

    /// Writes the state of the world as a whole, whatever is known before it: with a full initial
    /// context (R67).
    ///
    /// # Errors
    /// As [`Self::world_state`].
    pub fn world_state_full(&mut self, state: &Value) -> Result<WorldWritten, RecordError> {
        self.write_world(&sections(state)?)
    }

    fn write_world(&mut self, state: &Value) -> Result<WorldWritten, RecordError> {
        self.append(world_record(true, state)?)?;
        Ok(WorldWritten::Full)
    }

    /// Writes a compaction, with which the next context window begins; gives that (R78). The world
    /// is unknown to readers until it is written again.
    ///
    /// # Errors
    /// As [`Self::append`].
    pub fn compact(&mut self, compaction: &Compaction) -> Result<Window, RecordError> {
        let now = self.options.clock.now();
        let id = WindowId::parse(&self.options.ids.next_id(now));
        let window = Window {
            number: self.window.number.saturating_add(1),
            first_id: self.window.first_id.or(self.window.id),
            previous_id: self.window.id,
            id,
        };
        let payload = Payload {
            message: &compaction.message,
            replacement_history: compaction.replacement_history.as_deref(),
            window_number: window.number,
            first_window_id: window.first_id,
            previous_window_id: window.previous_id,
            window_id: window.id,
        };
        let record = NewRecord::new(RecordTag::Compacted, &payload);
        self.append(record.map_err(RecordError::Payload)?)?;
        Ok(self.window)
    }

    /// Takes the newest turns of a legacy thread back: readers no longer show them.
    ///
    /// # Errors
    /// When the thread is paginated, whose turns stay (A8), or as [`Self::append`].
    pub fn roll_back(&mut self, num_turns: u32) -> Result<Offered, RecordError> {
        if self.mode == ThreadMode::Paginated {
            return Err(RecordError::Paginated { thread_id: self.thread_id.clone() });
        }
        self.append(NewRecord::event("thread_rolled_back", &[("num_turns", num_turns.into())]))
    }
}

fn world_record(full: bool, state: &Value) -> Result<NewRecord, RecordError> {
    let payload = json!({"full": full, "state": state});
    NewRecord::new(RecordTag::WorldState, &payload).map_err(RecordError::Payload)
}

/// The sections as they are written: without `null`s in objects, and without sections that are
/// `null` (R66).
fn sections(state: &Value) -> Result<Value, RecordError> {
    match state {
        Value::Object(_) => Ok(without_nulls(state)),
        _ => Err(RecordError::NoWorld),
    }
}

fn without_nulls(value: &Value) -> Value {
    let Value::Object(members) = value else { return value.clone() };
    let kept = members.iter().filter(|(_, value)| !value.is_null());
    Value::Object(
        kept.map(|(key, value)| (key.clone(), without_nulls(value))).collect::<Map<_, _>>(),
    )
}

/// The window that a compaction began, as the log says; one that says nothing has only a number.
pub(super) fn window_after(before: Window, written: Option<&Arc<model::Window>>) -> Window {
    let id = |id: &Option<Arc<str>>| id.as_deref().and_then(WindowId::parse);
    let claimed = written.and_then(|window| Some((window.claimed_number?, window)));
    match claimed {
        Some((number, window)) => Window {
            number,
            first_id: id(&window.first_id),
            previous_id: id(&window.previous_id),
            id: id(&window.id),
        },
        None => Window { number: before.number.saturating_add(1), ..Window::default() },
    }
}

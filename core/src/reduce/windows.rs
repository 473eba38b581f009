//! The chain of context windows (SEMANTICS R72-R74, R78; FORMAT T11).
//!
//! Every compaction ends a window and begins the next one, whichever ids and numbers it carries:
//! integer ids, UUIDs, a mix and none give the same chain (TORTURE row 31). Which window a resume
//! would go on in is another question (R73, R75), answered with the model's context.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Reduced;
use crate::change::Change;
use crate::decode::{Body, Record};
use crate::format::{Compacted, Kind, WindowName};
use crate::model::{Window, WindowEnd};
use crate::pos::At;
use crate::raw::{Field, Text};
use crate::text::id;

/// What the next record's window may depend on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowState {
    current: Option<Arc<Window>>,
}

impl WindowState {
    /// The number of the window the newest record is in.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.current.as_ref().map_or(0, |window| window.number)
    }

    /// The window the newest record is in.
    #[must_use]
    pub fn current(&self) -> Option<&Arc<Window>> {
        self.current.as_ref()
    }
}

/// Reduces one record; `None` if it means nothing to the windows.
#[must_use]
pub fn reduce(state: &WindowState, at: At, record: &Record<'_>) -> Option<Reduced<WindowState>> {
    match (record.kind, &record.body) {
        (_, Body::SessionMeta(meta)) => {
            let window = meta.context_window.get();
            let id = window.and_then(|window| version_7(&window.window_id));
            let before = state.current.as_deref();
            // R74: the first window's id is that of the first meta that has a valid one.
            let is_new = before.is_none();
            let is_named = before.is_some_and(|window| window.number > 0 || window.id.is_some());
            if is_named || !(is_new || id.is_some()) {
                return None;
            }
            let first = before.cloned().unwrap_or_else(first_window);
            Some(put(vec![Window { first_id: id.clone(), id, ..first }]))
        }
        (Kind::Compacted, body) => {
            let before = state.current.as_deref().cloned().unwrap_or_else(first_window);
            let shape = match body {
                Body::Compacted(shape) => *shape,
                _ => Compacted::default(),
            };
            let next = after_compaction(before.number + 1, at, &shape);
            let end = match shape.replacement_history.is_some() {
                true => WindowEnd::Compacted,
                false => WindowEnd::CompactedToSummary,
            };
            let ended = Window { end_seq: Some(at.seq), end: Some(end), ..before };
            Some(put(vec![ended, next]))
        }
        _ => None,
    }
}

/// The window of the log's first record, which need not be the first `session_meta` (T15).
fn first_window() -> Window {
    Window {
        number: 0,
        claimed_number: None,
        id: None,
        first_id: None,
        previous_id: None,
        start_seq: 0,
        end_seq: None,
        end: None,
    }
}

fn after_compaction(number: u64, at: At, shape: &Compacted<'_>) -> Window {
    let name = shape.window_id.get();
    // T11: a number in place of the id is the number of older writers.
    let legacy_number = name.as_ref().and_then(WindowName::number);
    Window {
        number,
        claimed_number: shape.window_number.get().or(legacy_number),
        id: name.as_ref().and_then(WindowName::id).and_then(id::version_7),
        first_id: version_7(&shape.first_window_id),
        previous_id: version_7(&shape.previous_window_id),
        start_seq: at.seq,
        end_seq: None,
        end: None,
    }
}

fn version_7(field: &Field<'_, Text<'_>>) -> Option<Arc<str>> {
    field.get().and_then(|id| id::version_7(&id))
}

fn put(windows: Vec<Window>) -> Reduced<WindowState> {
    let windows: Vec<Arc<Window>> = windows.into_iter().map(Arc::new).collect();
    let state = WindowState { current: windows.last().cloned() };
    Reduced { state, changes: windows.into_iter().map(Change::Window).collect(), notes: vec![] }
}

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
    /// The first window, if it ended before its id was told.
    unnamed: Option<Arc<Window>>,
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
            // R74: the first window's id is that of the first meta that has a valid one.
            let first = match (state.current.as_deref(), state.unnamed.as_deref()) {
                (None, _) => first_window(),
                (Some(current), _) if id.is_some() && is_unnamed(current) => current.clone(),
                (Some(_), Some(unnamed)) if id.is_some() => unnamed.clone(),
                _ => return None,
            };
            let first = Arc::new(Window { first_id: id.clone(), id, ..first });
            let current = state.current.clone().filter(|current| current.number > 0);
            let current = Some(current.unwrap_or_else(|| first.clone()));
            Some(put(WindowState { current, unnamed: None }, vec![first]))
        }
        (Kind::Compacted, body) => {
            let before = state.current.as_deref().cloned().unwrap_or_else(first_window);
            let shape = match body {
                Body::Compacted(shape) => *shape,
                _ => Compacted::default(),
            };
            let next = Arc::new(after_compaction(before.number + 1, at, &shape));
            let end = match shape.replacement_history.is_some() {
                true => WindowEnd::Compacted,
                false => WindowEnd::CompactedToSummary,
            };
            let ended = Arc::new(Window { end_seq: Some(at.seq), end: Some(end), ..before });
            let unnamed = is_unnamed(&ended).then(|| ended.clone());
            let unnamed = unnamed.or_else(|| state.unnamed.clone());
            Some(put(WindowState { current: Some(next.clone()), unnamed }, vec![ended, next]))
        }
        _ => None,
    }
}

/// Whether this is the first window, and nothing has told its id.
fn is_unnamed(window: &Window) -> bool {
    window.number == 0 && window.id.is_none()
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

fn put(state: WindowState, windows: Vec<Arc<Window>>) -> Reduced<WindowState> {
    Reduced { state, changes: windows.into_iter().map(Change::Window).collect(), notes: vec![] }
}

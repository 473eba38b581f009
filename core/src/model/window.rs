//! Context windows: what the model had before it between two compactions (SEMANTICS part (c)).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::coll::Vector;

/// One context window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Its place in this file: compactions before it, whatever the log calls it.
    pub number: u64,
    /// The number the log gives it, in `window_number` or in an older integer `window_id`. A file
    /// that goes on from another one may start above 0.
    pub claimed_number: Option<u64>,
    /// Its id; only version 7 UUIDs count (R72).
    pub id: Option<Arc<str>>,
    /// The id of the thread's first window.
    pub first_id: Option<Arc<str>>,
    /// The id of the window before.
    pub previous_id: Option<Arc<str>>,
    /// The seq of its first line: 0, or that of the compaction that began it.
    pub start_seq: u64,
    /// The seq of the compaction that ended it; none while it is open.
    pub end_seq: Option<u64>,
    /// Why it ended; none while it is open.
    pub end: Option<WindowEnd>,
}

/// Why a window ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WindowEnd {
    /// A compaction that carries the history the model went on with.
    Compacted,
    /// A compaction that carries only a summary, as older writers left it.
    CompactedToSummary,
}

/// The windows of a file in order. As recorded: a rollback over a compaction takes no window back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Windows {
    list: Vector<Arc<Window>>,
}

impl Windows {
    /// Takes in a window that is new or replaced: the only way windows change. False if it does
    /// not follow.
    #[must_use]
    pub fn apply(&mut self, window: &Arc<Window>) -> bool {
        let Ok(place) = usize::try_from(window.number) else { return false };
        if place == self.list.len() {
            self.list.push_back(window.clone());
            return true;
        }
        self.list.get_mut(place).map(|known| known.clone_from(window)).is_some()
    }

    /// The windows in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Arc<Window>> {
        self.list.iter()
    }

    /// The newest window.
    #[must_use]
    pub fn current(&self) -> Option<&Arc<Window>> {
        self.list.last()
    }
}

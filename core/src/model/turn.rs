//! Turns.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{ThreadItem, TurnStatus};
use crate::raw::Json;

/// Everything about a turn but its items.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnHead {
    /// The turn's id as the log names it, or `rollout-<record index>`.
    pub id: Arc<str>,
    /// Where the turn stands.
    pub status: TurnStatus,
    /// Why it failed.
    pub error: Option<Arc<TurnError>>,
    /// Start, in Unix seconds.
    pub started_at: Option<i64>,
    /// End, in Unix seconds.
    pub completed_at: Option<i64>,
    /// Length, in milliseconds.
    pub duration_ms: Option<i64>,
}

/// Why a turn failed (R48).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TurnError {
    /// The message shown to the user.
    pub message: String,
    /// The reference's error code (R49), as JSON.
    pub codex_error_info: Option<Json>,
    /// Always null in the reference's fold.
    pub additional_details: Option<String>,
}

/// Which items of a turn are there (R42).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ItemsView {
    /// No items.
    NotLoaded,
    /// The first user message and the last agent message.
    Summary,
    /// All items.
    #[default]
    Full,
}

/// A turn as clients see it; serializes to the reference's JSON (R48).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Turn {
    /// The turn's id as the log names it, or `rollout-<record index>`.
    pub id: Arc<str>,
    /// The items of the view, in order.
    pub items: Vec<Arc<ThreadItem>>,
    /// Which items these are.
    pub items_view: ItemsView,
    /// Where the turn stands.
    pub status: TurnStatus,
    /// Why it failed.
    pub error: Option<Arc<TurnError>>,
    /// Start, in Unix seconds.
    pub started_at: Option<i64>,
    /// End, in Unix seconds.
    pub completed_at: Option<i64>,
    /// Length, in milliseconds.
    pub duration_ms: Option<i64>,
}

impl Turn {
    /// The turn with those of `items` that `view` shows (R42).
    #[must_use]
    pub fn new(
        head: &TurnHead,
        items: impl IntoIterator<Item = Arc<ThreadItem>>,
        view: ItemsView,
    ) -> Self {
        Self {
            id: head.id.clone(),
            items: view.select(items),
            items_view: view,
            status: head.status.clone(),
            error: head.error.clone(),
            started_at: head.started_at,
            completed_at: head.completed_at,
            duration_ms: head.duration_ms,
        }
    }
}

impl ItemsView {
    pub(crate) fn select(
        self,
        items: impl IntoIterator<Item = Arc<ThreadItem>>,
    ) -> Vec<Arc<ThreadItem>> {
        match self {
            Self::NotLoaded => Vec::new(),
            Self::Full => items.into_iter().collect(),
            Self::Summary => {
                let (mut first_user, mut last_agent) = (None, None);
                for item in items {
                    match &*item {
                        ThreadItem::UserMessage(_) if first_user.is_none() => {
                            first_user = Some(item);
                        }
                        ThreadItem::AgentMessage(_) => last_agent = Some(item),
                        _ => {}
                    }
                }
                first_user.into_iter().chain(last_agent).collect()
            }
        }
    }
}

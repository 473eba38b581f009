//! What today's writer would write (SEMANTICS R220-R223).

use crate::decode::{Body, Record};
use crate::format::{EventKind as E, Kind, ResponseKind as R, TurnItem};
use crate::model::HistoryMode;

/// Whether today's writer would write this record into a thread of this history mode (A1; legacy if
/// the mode is not known). The record must have been decoded at least at
/// [`Depth::Needed`](crate::Depth::Needed).
#[must_use]
pub fn is_persisted(record: &Record<'_>, mode: Option<&HistoryMode>) -> bool {
    let is_paginated = mode == Some(&HistoryMode::Paginated);
    match record.kind {
        Kind::SessionMeta
        | Kind::TurnContext
        | Kind::Compacted
        | Kind::WorldState
        | Kind::InterAgentCommunication
        | Kind::InterAgentCommunicationMetadata => true,
        Kind::Response(kind) => {
            !matches!(kind, R::AdditionalTools | R::CompactionTrigger | R::GhostSnapshot)
        }
        Kind::Event(E::ItemCompleted) if is_paginated => true,
        Kind::Event(E::ItemCompleted) => match &record.body {
            Body::ItemLifecycle(lifecycle) => match lifecycle.item.get() {
                Some(TurnItem::Plan(_) | TurnItem::Sleep(_)) => true,
                Some(TurnItem::Extension(item)) => {
                    item.kind.get().is_some_and(|kind| kind == "clock.sleep")
                }
                _ => false,
            },
            _ => false,
        },
        Kind::Event(
            E::TokenCount
            | E::ThreadGoalUpdated
            | E::ThreadRolledBack
            | E::TurnAborted
            | E::TaskStarted
            | E::TaskComplete,
        ) => true,
        Kind::Event(kind) => {
            !is_paginated
                && matches!(
                    kind,
                    E::UserMessage
                        | E::AgentMessage
                        | E::AgentReasoning
                        | E::AgentReasoningRawContent
                        | E::PatchApplyEnd
                        | E::ContextCompacted
                        | E::EnteredReviewMode
                        | E::ExitedReviewMode
                        | E::McpToolCallEnd
                        | E::WebSearchEnd
                        | E::ImageGenerationEnd
                        | E::SubAgentActivity
                )
        }
        Kind::OtherResponse | Kind::TokenUsageRecord | Kind::Unknown => false,
    }
}

//! What today's writer would write (SEMANTICS R220-R223).

use crate::decode::{Body, Record};
use crate::format::{EventKind as E, Kind, ResponseKind as R, TurnItem};

/// Whether today's writer would write this record. The record must have been decoded at least at
/// [`Depth::Needed`](crate::Depth::Needed).
#[must_use]
pub fn is_persisted(record: &Record<'_>) -> bool {
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
        Kind::Event(E::ItemCompleted) => match &record.body {
            Body::ItemLifecycle(lifecycle) => {
                matches!(lifecycle.item.get(), Some(TurnItem::Plan(_) | TurnItem::Sleep(_)))
            }
            _ => false,
        },
        Kind::Event(kind) => matches!(
            kind,
            E::UserMessage
                | E::AgentMessage
                | E::AgentReasoning
                | E::AgentReasoningRawContent
                | E::PatchApplyEnd
                | E::TokenCount
                | E::ThreadGoalUpdated
                | E::ContextCompacted
                | E::EnteredReviewMode
                | E::ExitedReviewMode
                | E::McpToolCallEnd
                | E::ThreadRolledBack
                | E::TurnAborted
                | E::TaskStarted
                | E::TaskComplete
                | E::WebSearchEnd
                | E::ImageGenerationEnd
                | E::SubAgentActivity
        ),
        Kind::OtherResponse | Kind::TokenUsageRecord | Kind::Unknown => false,
    }
}

//! What a writer would write, under which label, and how many bytes that is (SEMANTICS R220-R223,
//! R226, A1).

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::context::bodies::read;
use crate::context::{Bodies, ContextError};
use crate::decode::{Body, Record};
use crate::format::{EventKind as E, Kind, ResponseKind as R, TurnItem};
use crate::model::HistoryMode;
use crate::records::{RecordClass, RecordIndex};

/// Which writer's choice of records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Policy {
    /// R220-R223: one choice for every thread.
    Seed,
    /// A1: it depends on how the thread's history is written.
    Later(HistoryMode),
}

impl Policy {
    /// Today's writer's, for a thread of this history mode: A1 for a paginated one, else R220-R223.
    #[must_use]
    pub fn of_mode(mode: Option<&HistoryMode>) -> Self {
        match mode {
            Some(HistoryMode::Paginated) => Self::Later(HistoryMode::Paginated),
            _ => Self::Seed,
        }
    }

    /// Whether the writer would write this record. The record must have been decoded at least at
    /// [`Depth::Needed`](crate::Depth::Needed).
    #[must_use]
    pub fn persists(&self, record: &Record<'_>) -> bool {
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
            Kind::Event(E::ItemCompleted) => self.persists_item(record),
            Kind::Event(E::ThreadSettingsApplied) => *self != Self::Seed,
            Kind::Event(kind) => {
                is_kept_always(kind)
                    || (is_kept_in_legacy(kind) && *self != Self::Later(HistoryMode::Paginated))
            }
            Kind::OtherResponse | Kind::TokenUsageRecord | Kind::Unknown => false,
        }
    }

    fn persists_item(&self, record: &Record<'_>) -> bool {
        if *self == Self::Later(HistoryMode::Paginated) {
            return true;
        }
        let Body::ItemLifecycle(lifecycle) = &record.body else { return false };
        match lifecycle.item.get() {
            Some(TurnItem::Plan(_)) => true,
            Some(TurnItem::Sleep(_)) => *self == Self::Seed,
            Some(TurnItem::Extension(extension)) => {
                *self != Self::Seed && extension.kind.get().as_deref() == Some("clock.sleep")
            }
            _ => false,
        }
    }
}

fn is_kept_always(kind: E) -> bool {
    matches!(
        kind,
        E::TokenCount
            | E::ThreadGoalUpdated
            | E::ThreadRolledBack
            | E::TurnAborted
            | E::TaskStarted
            | E::TaskComplete
    )
}

fn is_kept_in_legacy(kind: E) -> bool {
    matches!(
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

/// Whether today's writer would write this record into a thread of this history mode, see
/// [`Policy::of_mode`]. The record must have been decoded at least at
/// [`Depth::Needed`](crate::Depth::Needed).
#[must_use]
pub fn is_persisted(record: &Record<'_>, mode: Option<&HistoryMode>) -> bool {
    Policy::of_mode(mode).persists(record)
}

/// The label under which the reference counts a record (R220-R223, A2); `unknown` for one it
/// cannot read. The record must have been decoded at least at
/// [`Depth::Needed`](crate::Depth::Needed).
#[must_use]
pub fn label(record: &Record<'_>) -> Cow<'static, str> {
    Cow::Borrowed(match record.kind {
        Kind::SessionMeta => "session_meta",
        Kind::TurnContext => "turn_context",
        Kind::Compacted => "compacted",
        Kind::WorldState => "world_state",
        Kind::InterAgentCommunication => "inter_agent_communication",
        Kind::InterAgentCommunicationMetadata => "inter_agent_communication_metadata",
        Kind::TokenUsageRecord => "token_usage_record",
        Kind::Response(kind) => return format!("response.{}", kind.tag()).into(),
        Kind::OtherResponse => "response.other",
        Kind::Event(E::TaskStarted) => "event.turn_started",
        Kind::Event(E::TaskComplete) => "event.turn_complete",
        Kind::Event(E::ItemCompleted) => {
            let item = match &record.body {
                Body::ItemLifecycle(lifecycle) => lifecycle.item.get(),
                _ => None,
            };
            return format!("event.item_completed.{}", item.as_ref().map_or("other", item_label))
                .into();
        }
        Kind::Event(kind) => return format!("event.{}", kind.tag()).into(),
        Kind::Unknown => "unknown",
    })
}

fn item_label(item: &TurnItem<'_>) -> &'static str {
    match item {
        TurnItem::UserMessage(_) => "user_message",
        TurnItem::HookPrompt(_) => "hook_prompt",
        TurnItem::AgentMessage(_) => "agent_message",
        TurnItem::Plan(_) => "plan",
        TurnItem::Reasoning(_) => "reasoning",
        TurnItem::CommandExecution(_) => "command_execution",
        TurnItem::DynamicToolCall(_) => "dynamic_tool_call",
        TurnItem::CollabAgentToolCall(_) => "collab_agent_tool_call",
        TurnItem::SubAgentActivity(_) => "sub_agent_activity",
        TurnItem::WebSearch(_) => "web_search",
        TurnItem::ImageView(_) => "image_view",
        TurnItem::Sleep(_) => "sleep",
        TurnItem::Extension(_) => "extension",
        TurnItem::ImageGeneration(_) => "image_generation",
        TurnItem::FileChange(_) => "file_change",
        TurnItem::McpToolCall(_) => "mcp_tool_call",
        TurnItem::EnteredReviewMode(_) => "entered_review_mode",
        TurnItem::ExitedReviewMode(_) => "exited_review_mode",
        TurnItem::ContextCompaction(_) => "context_compaction",
        TurnItem::Unknown(_) => "other",
    }
}

/// Bytes of records by label, before and after a policy: a fold of its own, since its sizes need
/// every payload's end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyBytes {
    by_label: BTreeMap<Cow<'static, str>, LabelBytes>,
}

/// Records of one label.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelBytes {
    /// Records there are.
    pub records: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Records the policy keeps.
    pub kept_records: u64,
    /// Their bytes.
    pub kept_bytes: u64,
}

impl PolicyBytes {
    /// The records of an index, read from the log one by one.
    ///
    /// # Errors
    /// When a record cannot be read.
    pub fn of_records<B: Bodies + ?Sized>(
        records: &RecordIndex,
        bodies: &B,
        policy: &Policy,
    ) -> Result<Self, ContextError<B::Error>> {
        let mut bytes = Self::default();
        // What is lost is no record: it has no label and no size of its own.
        for entry in records.iter().filter(|entry| entry.class != RecordClass::WorldLost) {
            read(bodies, entry.reference(), |record| bytes.apply(record, policy))?;
        }
        Ok(bytes)
    }

    /// Takes in one record.
    pub fn apply(&mut self, record: &Record<'_>, policy: &Policy) {
        let bytes = item_bytes(record);
        let kept = policy.persists(record);
        let label = self.by_label.entry(label(record)).or_default();
        label.records += 1;
        label.bytes += bytes;
        label.kept_records += u64::from(kept);
        label.kept_bytes += if kept { bytes } else { 0 };
    }

    /// The labels in order.
    pub fn labels(&self) -> impl Iterator<Item = (&str, LabelBytes)> {
        self.by_label.iter().map(|(label, bytes)| (&**label, *bytes))
    }

    /// All labels together.
    #[must_use]
    pub fn total(&self) -> LabelBytes {
        self.by_label.values().fold(LabelBytes::default(), |sum, one| LabelBytes {
            records: sum.records + one.records,
            bytes: sum.bytes + one.bytes,
            kept_records: sum.kept_records + one.kept_records,
            kept_bytes: sum.kept_bytes + one.kept_bytes,
        })
    }
}

/// R226: the bytes of a record's type and payload without its envelope, as the log spells the
/// payload (the reference spells it anew, which may differ by white space and dropped fields).
#[must_use]
pub fn item_bytes(record: &Record<'_>) -> u64 {
    let payload_bytes = record.payload().map_or(0, |payload| payload.get().len());
    let envelope_bytes = r#"{"type":"","payload":}"#.len();
    (envelope_bytes + record.tag.len() + payload_bytes) as u64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{Depth, Line, Span, decode};

    fn with<T>(json: &str, read: impl FnOnce(&Record<'_>) -> T) -> T {
        let line = Line { seq: 0, span: Span::new(0, json.len() as u64), bytes: json.as_bytes() };
        let mut scratch = String::new();
        read(decode(line, &mut scratch, Depth::Needed).records.as_slice().first().unwrap())
    }

    fn event(payload: &str) -> String {
        format!(r#"{{"timestamp":"t","type":"event_msg","payload":{payload}}}"#)
    }

    #[test]
    fn policies_differ_by_mode() {
        use HistoryMode::{Legacy, Paginated};
        let policies = [Policy::Seed, Policy::Later(Legacy), Policy::Later(Paginated)];
        for (payload, label_want, want) in [
            (r#"{"type":"user_message","message":"x"}"#, "event.user_message", [true, true, false]),
            (r#"{"type":"task_started","turn_id":"t"}"#, "event.turn_started", [true; 3]),
            (
                r#"{"type":"thread_settings_applied"}"#,
                "event.thread_settings_applied",
                [false, true, true],
            ),
            (
                r#"{"type":"item_completed","item":{"type":"Plan","id":"p"}}"#,
                "event.item_completed.plan",
                [true; 3],
            ),
            (
                r#"{"type":"item_completed","item":{"type":"Sleep","id":"p"}}"#,
                "event.item_completed.sleep",
                [true, false, true],
            ),
            (
                r#"{"type":"item_completed","item":{"type":"Extension","kind":"clock.sleep","id":"p"}}"#,
                "event.item_completed.extension",
                [false, true, true],
            ),
            (
                r#"{"type":"item_completed","item":{"type":"UserMessage","id":"p"}}"#,
                "event.item_completed.user_message",
                [false, false, true],
            ),
            (r#"{"type":"exec_command_end","call_id":"c"}"#, "event.exec_command_end", [false; 3]),
        ] {
            let got =
                with(&event(payload), |it| policies.clone().map(|policy| policy.persists(it)));
            assert_eq!(got, want, "{payload}");
            assert_eq!(with(&event(payload), |it| label(it).into_owned()), label_want);
        }
    }

    #[test]
    fn bytes_of_a_whole_log() {
        let kept = event(r#"{"type":"user_message","message":"x"}"#);
        let dropped = event(r#"{"type":"warning","message":"not kept"}"#);
        // What is no record has no label, not even if the index holds its place; two records on a
        // line have one each.
        let lost = r#"{"type":"world_state","payl"#;
        let log = format!("{kept}\nno JSON\n{lost}\n{dropped}{kept}\n");
        let mut snapshot = crate::Snapshot::default();
        for step in crate::Folder::new(crate::Options::default()).push(log.as_bytes()) {
            snapshot.apply_step(&step).unwrap();
        }
        let bytes = |mode: HistoryMode, log: &[u8]| {
            let policy = Policy::of_mode(Some(&mode));
            PolicyBytes::of_records(snapshot.records(), log, &policy).map(|bytes| bytes.total())
        };
        let legacy = LabelBytes { records: 3, bytes: 206, kept_records: 2, kept_bytes: 136 };
        assert_eq!(bytes(HistoryMode::Legacy, log.as_bytes()), Ok(legacy));
        let paginated = LabelBytes { kept_records: 0, kept_bytes: 0, ..legacy };
        assert_eq!(bytes(HistoryMode::Paginated, log.as_bytes()), Ok(paginated));
        assert!(bytes(HistoryMode::Legacy, b"").is_err());
    }

    #[test]
    fn bytes_before_and_after() {
        let mut bytes = PolicyBytes::default();
        // 22 for the envelope, 9 for the tag, 37 and 38 for the payloads.
        let kept = event(r#"{"type":"user_message","message":"x"}"#);
        let dropped = event(r#"{"type":"warning","message":"not kept"}"#);
        for json in [&kept, &kept, &dropped] {
            with(json, |record| bytes.apply(record, &Policy::Seed));
        }
        let labels: Vec<_> = bytes.labels().collect();
        let user = LabelBytes { records: 2, bytes: 136, kept_records: 2, kept_bytes: 136 };
        let warning = LabelBytes { records: 1, bytes: 70, kept_records: 0, kept_bytes: 0 };
        assert_eq!(labels, [("event.user_message", user), ("event.warning", warning)]);
        let total = LabelBytes { records: 3, bytes: 206, kept_records: 2, kept_bytes: 136 };
        assert_eq!(bytes.total(), total);
    }
}

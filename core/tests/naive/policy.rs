//! What a writer keeps, its label, and bytes by label (R220-R223, R226, A1, A2).

use std::collections::BTreeMap;

use super::lines::{Line, Record, records};

/// Which writer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Policy {
    Seed,
    LaterLegacy,
    LaterPaginated,
}

const EITHER: &str = "token_count thread_goal_updated thread_rolled_back turn_aborted task_started \
    task_complete";
const LEGACY: &str = "user_message agent_message agent_reasoning agent_reasoning_raw_content \
    patch_apply_end context_compacted entered_review_mode exited_review_mode mcp_tool_call_end \
    web_search_end image_generation_end sub_agent_activity";

pub(crate) fn is_kept(record: &Record, policy: Policy) -> bool {
    let is_in = |list: &str, tag: &str| list.split_ascii_whitespace().any(|it| it == tag);
    let item = &record.payload["item"];
    match record.kind().split_once('/') {
        Some(("event_msg", "item_completed")) => match policy {
            Policy::Seed => item["type"] == "Plan" || item["type"] == "Sleep",
            Policy::LaterLegacy => {
                item["type"] == "Plan"
                    || (item["type"] == "Extension" && item["kind"] == "clock.sleep")
            }
            Policy::LaterPaginated => true,
        },
        Some(("event_msg", "thread_settings_applied")) => policy != Policy::Seed,
        Some(("event_msg", tag)) => {
            is_in(EITHER, tag) || (is_in(LEGACY, tag) && policy != Policy::LaterPaginated)
        }
        Some((_, tag)) => !is_in("additional_tools compaction_trigger (other) ghost_snapshot", tag),
        None => record.kind.is_some() && record.kind() != "token_usage_record",
    }
}

pub(crate) fn label(record: &Record) -> String {
    match record.kind().split_once('/') {
        Some(("event_msg", "task_started")) => "event.turn_started".into(),
        Some(("event_msg", "task_complete")) => "event.turn_complete".into(),
        Some(("event_msg", "item_completed")) => {
            format!("event.item_completed.{}", item_label(record))
        }
        Some(("event_msg", tag)) => format!("event.{tag}"),
        Some((_, "(other)")) => "response.other".into(),
        Some((_, tag)) => format!("response.{tag}"),
        None if record.kind.is_none() => "unknown".into(),
        None => record.kind().into(),
    }
}

/// R223, A2: the item's type in snake case.
fn item_label(record: &Record) -> String {
    let known = "UserMessage HookPrompt AgentMessage Plan Reasoning CommandExecution \
        DynamicToolCall CollabAgentToolCall SubAgentActivity WebSearch ImageView Sleep \
        ImageGeneration FileChange McpToolCall ContextCompaction Extension EnteredReviewMode \
        ExitedReviewMode";
    let tag = record.payload["item"]["type"].as_str().unwrap_or("");
    if !known.split_ascii_whitespace().any(|it| it == tag) {
        return "other".into();
    }
    let mut label = String::new();
    for letter in tag.chars() {
        if letter.is_ascii_uppercase() && !label.is_empty() {
            label.push('_');
        }
        label.push(letter.to_ascii_lowercase());
    }
    label
}

/// By label: records, their bytes, records kept, their bytes.
pub(crate) fn bytes_by_label(lines: &[Line], policy: Policy) -> BTreeMap<String, [u64; 4]> {
    let mut labels: BTreeMap<String, [u64; 4]> = BTreeMap::new();
    for (_, record) in records(lines) {
        let envelope = "{\"type\":\"\",\"payload\":}".len() + record.tag.len();
        let bytes = envelope as u64 + record.payload_len_bytes;
        let kept = u64::from(is_kept(record, policy));
        let sums = labels.entry(label(record)).or_default();
        for (sum, more) in sums.iter_mut().zip([1, bytes, kept, kept * bytes]) {
            *sum += more;
        }
    }
    labels
}

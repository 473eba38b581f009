//! What a caller gives to be written: the kind of a record and its payload.

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// The eight kinds of records (FORMAT 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RecordTag {
    /// `session_meta`
    SessionMeta,
    /// `response_item`
    ResponseItem,
    /// `inter_agent_communication`
    InterAgentCommunication,
    /// `inter_agent_communication_metadata`
    InterAgentCommunicationMetadata,
    /// `compacted`
    Compacted,
    /// `turn_context`
    TurnContext,
    /// `world_state`
    WorldState,
    /// `event_msg`
    EventMsg,
}

impl RecordTag {
    /// Its `type`, as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SessionMeta => "session_meta",
            Self::ResponseItem => "response_item",
            Self::InterAgentCommunication => "inter_agent_communication",
            Self::InterAgentCommunicationMetadata => "inter_agent_communication_metadata",
            Self::Compacted => "compacted",
            Self::TurnContext => "turn_context",
            Self::WorldState => "world_state",
            Self::EventMsg => "event_msg",
        }
    }

    /// The kind with this `type`.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        [
            Self::SessionMeta,
            Self::ResponseItem,
            Self::InterAgentCommunication,
            Self::InterAgentCommunicationMetadata,
            Self::Compacted,
            Self::TurnContext,
            Self::WorldState,
            Self::EventMsg,
        ]
        .into_iter()
        .find(|tag| tag.as_str() == text)
    }
}

/// A record to be written: all but time and ordinal, which it gets when it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecord {
    pub(super) tag: RecordTag,
    /// JSON on one line.
    pub(super) payload: String,
    /// What stands beside the payload of a response item (FORMAT A.1).
    pub(super) metadata: Option<String>,
}

impl NewRecord {
    /// A record of any kind.
    ///
    /// # Errors
    /// When the payload is nothing that JSON can say.
    pub fn new(tag: RecordTag, payload: &impl Serialize) -> Result<Self, serde_json::Error> {
        Ok(Self { tag, payload: on_one_line(&serde_json::to_string(payload)?), metadata: None })
    }

    /// A record whose payload is JSON already. It is written as it is spelled, but for line ends,
    /// which in JSON stand only between words.
    #[must_use]
    pub fn raw(tag: RecordTag, payload: &RawValue) -> Self {
        Self::of_text(tag, payload.get())
    }

    /// As [`Self::raw`], of what is known to be JSON.
    pub(super) fn of_text(tag: RecordTag, payload: &str) -> Self {
        Self { tag, payload: on_one_line(payload), metadata: None }
    }

    pub(super) fn with_payload(self, payload: &str) -> Self {
        Self { payload: on_one_line(payload), ..self }
    }

    /// The same record with metadata beside its payload; only response items have it.
    #[must_use]
    pub fn with_metadata(self, metadata: &RawValue) -> Self {
        let metadata = Some(on_one_line(metadata.get()));
        Self { metadata: metadata.filter(|_| self.tag == RecordTag::ResponseItem), ..self }
    }

    fn of_members(tag: RecordTag, members: &[(&str, Value)]) -> Self {
        let members = members.iter().map(|(name, value)| format!("\"{name}\":{value}"));
        let payload = format!("{{{}}}", members.collect::<Vec<_>>().join(","));
        Self { tag, payload, metadata: None }
    }

    /// An event, its `type` in front as writers have it.
    pub(super) fn event(kind: &str, members: &[(&str, Value)]) -> Self {
        let kind = [("type", kind.into())];
        Self::of_members(RecordTag::EventMsg, &[&kind[..], members].concat())
    }

    /// `task_started`: a turn begins, at a time in Unix seconds.
    #[must_use]
    pub fn turn_started(turn_id: &str, started_at_s: Option<i64>) -> Self {
        let started_at = started_at_s.map(|at| ("started_at", at.into()));
        let members: Vec<_> = [("turn_id", turn_id.into())].into_iter().chain(started_at).collect();
        Self::event("task_started", &members)
    }

    /// `task_complete`: a turn has come to its end.
    #[must_use]
    pub fn turn_complete(turn_id: &str, last_agent_message: Option<&str>) -> Self {
        let last = ("last_agent_message", last_agent_message.into());
        Self::event("task_complete", &[("turn_id", turn_id.into()), last])
    }

    /// `turn_aborted`: a turn was broken off; `interrupted`, `replaced`, `review_ended` or
    /// `budget_limited`.
    #[must_use]
    pub fn turn_aborted(turn_id: Option<&str>, reason: &str) -> Self {
        Self::event("turn_aborted", &[("turn_id", turn_id.into()), ("reason", reason.into())])
    }

    /// `user_message`: what a person said, as legacy threads tell it.
    #[must_use]
    pub fn user_message(text: &str) -> Self {
        let none = || Value::Array(Vec::new());
        let members =
            [("message", text.into()), ("local_images", none()), ("text_elements", none())];
        Self::event("user_message", &members)
    }

    /// `agent_message`: what the agent said, as legacy threads tell it.
    #[must_use]
    pub fn agent_message(text: &str) -> Self {
        let members =
            [("message", text.into()), ("phase", Value::Null), ("memory_citation", Value::Null)];
        Self::event("agent_message", &members)
    }

    /// `item_completed`: an item of a turn as it is in the end, as paginated threads tell it.
    #[must_use]
    pub fn item_completed(
        thread_id: &str,
        turn_id: &str,
        item: &Value,
        completed_at_ms: i64,
    ) -> Self {
        let members = [
            ("thread_id", thread_id.into()),
            ("turn_id", turn_id.into()),
            ("item", item.clone()),
            ("completed_at_ms", completed_at_ms.into()),
        ];
        Self::event("item_completed", &members)
    }

    /// A message of the model's history: `user`, `developer`, `system` or `assistant`.
    #[must_use]
    pub fn message(role: &str, text: &str) -> Self {
        let part = if role == "assistant" { "output_text" } else { "input_text" };
        let content = json!([{"type": part, "text": text}]);
        let members = [("type", "message".into()), ("role", role.into()), ("content", content)];
        Self::of_members(RecordTag::ResponseItem, &members)
    }

    /// Its kind.
    #[must_use]
    pub fn tag(&self) -> RecordTag {
        self.tag
    }

    /// Its payload, JSON on one line.
    #[must_use]
    pub fn payload(&self) -> &str {
        &self.payload
    }

    /// The record as a line with its line end, as writers spell it (FORMAT 1, A.1).
    pub(super) fn line(&self, stamp: &str, ordinal: Option<u64>) -> Vec<u8> {
        let tag = self.tag.as_str();
        let mut line = format!(r#"{{"timestamp":"{stamp}","#);
        if let Some(ordinal) = ordinal {
            line += &format!(r#""ordinal":{ordinal},"#);
        }
        line += &format!(r#""type":"{tag}","payload":{}"#, self.payload);
        if let Some(metadata) = &self.metadata {
            line += &format!(r#","metadata":{metadata}"#);
        }
        line += "}\n";
        line.into_bytes()
    }
}

/// JSON text without line ends. In JSON, strings spell theirs otherwise.
fn on_one_line(json: &str) -> String {
    json.split(['\n', '\r']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_spelled_as_the_reference_spells_it() {
        let payload = RawValue::from_string("{\n  \"b\": 1.50,\r\n  \"a\": \"x\\ny\"\n}".into());
        let record = NewRecord::raw(RecordTag::ResponseItem, &payload.unwrap());
        let metadata = RawValue::from_string("{}".into()).unwrap();
        let line = record.clone().with_metadata(&metadata).line("T", Some(7));
        let want = concat!(
            r#"{"timestamp":"T","ordinal":7,"type":"response_item","#,
            r#""payload":{  "b": 1.50,  "a": "x\ny"},"metadata":{}}"#,
            "\n"
        );
        assert_eq!(String::from_utf8(line).unwrap(), want);
        let event = NewRecord { tag: RecordTag::EventMsg, ..record }.with_metadata(&metadata);
        assert_eq!(event.metadata, None);
    }

    #[test]
    fn tags_are_read_as_they_are_written() {
        for tag in [RecordTag::SessionMeta, RecordTag::EventMsg, RecordTag::Compacted] {
            assert_eq!(RecordTag::of(tag.as_str()), Some(tag));
        }
        assert_eq!(RecordTag::of("token_usage_record"), None);
    }
}

//! The items of a history, read from the log one by one.

use serde_json::{Map, Value};

use super::bodies::{Bodies, ContextError, read};
use super::tools::truncated;
use super::{Context, HistoryItem, HistoryRef};
use crate::decode::{Body, Record};
use crate::format::InterAgentCommunication;
use crate::raw::{Json, JsonType, Raw};
use crate::records::RecordRef;
use crate::reduce::records::NO_SUMMARY;

impl Context {
    /// The items of the history as response items, as the log spells them; outputs of tools are
    /// cut as [`Context::truncation`] says.
    pub fn items<'c, B: Bodies + ?Sized>(&'c self, bodies: &'c B) -> Items<'c, B> {
        Items { context: self, history: self.history.iter(), reader: Reader::new(bodies) }
    }
}

/// Reads the items of a history, each when it is asked for.
pub struct Items<'c, B: ?Sized> {
    context: &'c Context,
    history: std::slice::Iter<'c, HistoryItem>,
    reader: Reader<'c, B>,
}

impl<B: Bodies + ?Sized> Iterator for Items<'_, B> {
    type Item = Result<Json, ContextError<B::Error>>;

    fn next(&mut self) -> Option<Self::Item> {
        let item = self.history.next()?;
        let json = self.reader.json(&item.source);
        Some(json.map(|json| match item.source {
            HistoryRef::Record(record) => truncated(record.kind, json, self.context.truncation),
            _ => json,
        }))
    }
}

/// Reads items and keeps the entries of the last replacement history: its items follow each other.
pub(super) struct Reader<'b, B: ?Sized> {
    bodies: &'b B,
    entries: Option<(RecordRef, Vec<Json>)>,
}

impl<'b, B: Bodies + ?Sized> Reader<'b, B> {
    pub(super) fn new(bodies: &'b B) -> Self {
        Self { bodies, entries: None }
    }

    /// The item as a response item.
    pub(super) fn json(&mut self, item: &HistoryRef) -> Result<Json, ContextError<B::Error>> {
        match item {
            HistoryRef::Record(record) => self.read(*record, |it| Some(it.payload()?.into())),
            HistoryRef::Entry { record, entry } => self.entry(*record, *entry),
            HistoryRef::Communication(record) => self.read(*record, |it| match &it.body {
                Body::Communication(communication) => Some(model_visible(communication)),
                _ => None,
            }),
            HistoryRef::Rebuilt { message, .. } => {
                Ok(user_message(&message.text, message.passthrough.as_ref()))
            }
            HistoryRef::Answer { output, .. } => Ok(output.clone()),
            HistoryRef::Summary(record) => self.read(*record, |it| match &it.body {
                Body::Compacted(compacted) => {
                    let message = compacted.message.get().filter(|message| !message.is_empty());
                    Some(user_message(message.as_deref().unwrap_or(NO_SUMMARY), None))
                }
                _ => None,
            }),
        }
    }

    fn read(
        &self,
        record: RecordRef,
        look: impl FnOnce(&Record<'_>) -> Option<Json>,
    ) -> Result<Json, ContextError<B::Error>> {
        read(self.bodies, record, look)?.ok_or(ContextError::Gone { record })
    }

    fn entry(&mut self, record: RecordRef, entry: u32) -> Result<Json, ContextError<B::Error>> {
        if self.entries.as_ref().is_none_or(|(held, _)| *held != record) {
            let entries = read(self.bodies, record, |it| {
                match &it.body {
                    Body::Compacted(compacted) => compacted.replacement_history.get(),
                    _ => None,
                }
                .map(|entries| entries.into_iter().map(Json::from).collect())
            })?;
            self.entries = Some((record, entries.ok_or(ContextError::Gone { record })?));
        }
        let entries = self.entries.iter().flat_map(|(_, entries)| entries);
        entries.into_iter().nth(entry as usize).cloned().ok_or(ContextError::Gone { record })
    }
}

/// FORMAT 8.
fn model_visible(communication: &InterAgentCommunication<'_>) -> Json {
    let text = |text: &str| Value::from(text);
    let part = |kind: &str, value: &str| {
        let key = if kind == "input_text" { "text" } else { kind };
        Value::from(Map::from_iter([("type".into(), text(kind)), (key.into(), text(value))]))
    };
    let author = communication.author.get().unwrap_or_default();
    let recipient = communication.recipient.get().unwrap_or_default();
    let content = match communication.encrypted_content.get() {
        Some(encrypted) => {
            let is_task = communication.trigger_turn.get() == Some(true);
            let kind = if is_task { "NEW_TASK" } else { "MESSAGE" };
            let head = format!(
                "Message Type: {kind}\nTask name: {recipient}\nSender: {author}\nPayload:\n"
            );
            vec![part("input_text", &head), part("encrypted_content", &encrypted)]
        }
        None => vec![part("input_text", &communication.content.get().unwrap_or_default())],
    };
    let mut members = vec![("type".to_owned(), Json::of(&"agent_message"))];
    members.extend(communication.id.get().map(|id| ("id".to_owned(), Json::of(&id))));
    members.push(("author".to_owned(), Json::of(&author)));
    members.push(("recipient".to_owned(), Json::of(&recipient)));
    members.push(("content".to_owned(), Json::of(&content)));
    let metadata = passthrough(communication.internal_chat_message_metadata_passthrough.raw());
    members.extend(metadata.map(|it| (PASSTHROUGH.to_owned(), it)));
    Json::of_entries(&members)
}

/// A user's message of one text.
fn user_message(text: &str, passthrough: Option<&Json>) -> Json {
    let content = serde_json::json!([{ "type": "input_text", "text": text }]);
    let mut members = vec![
        ("type".to_owned(), Json::of(&"message")),
        ("role".to_owned(), Json::of(&"user")),
        ("content".to_owned(), Json::of(&content)),
    ];
    members.extend(passthrough.map(|it| (PASSTHROUGH.to_owned(), it.clone())));
    Json::of_entries(&members)
}

const PASSTHROUGH: &str = "internal_chat_message_metadata_passthrough";

/// The passthrough metadata of a message.
pub(super) fn passthrough(raw: Option<Raw<'_>>) -> Option<Json> {
    raw.filter(|raw| raw.json_type() != JsonType::Null).map(Json::from)
}

//! The rules of contexts, each on the smallest log that shows it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod bounded;
mod history;
mod laws;
mod outline;
mod pairs;
mod state;

use serde_json::{Value, json};

use super::*;
use crate::fold::Folder;
use crate::options::Options;
use crate::snapshot::Snapshot;

/// A log under construction.
#[derive(Default)]
pub(super) struct Log(Vec<u8>);

impl Log {
    pub(super) fn line(mut self, text: &str) -> Self {
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(b'\n');
        self
    }

    pub(super) fn record(self, kind: &str, payload: &Value) -> Self {
        let time = "2026-03-01T10:00:00.000Z";
        // Spelled out: with its keys sorted, the record would take the ladder.
        self.line(&format!(
            "{{\"timestamp\":\"{time}\",\"type\":\"{kind}\",\"payload\":{payload}}}"
        ))
    }

    pub(super) fn event(self, payload: &Value) -> Self {
        self.record("event_msg", payload)
    }

    pub(super) fn item(self, payload: &Value) -> Self {
        self.record("response_item", payload)
    }

    pub(super) fn start(self, id: &str) -> Self {
        self.event(&json!({ "type": "task_started", "turn_id": id }))
    }

    pub(super) fn end(self, id: &str) -> Self {
        self.event(&json!({ "type": "task_complete", "turn_id": id }))
    }

    pub(super) fn roll_back(self, num_turns: u32) -> Self {
        self.event(&json!({ "type": "thread_rolled_back", "num_turns": num_turns }))
    }

    pub(super) fn message(self, role: &str, text: &str) -> Self {
        self.item(&message(role, text))
    }

    /// A whole turn: a question and its answer.
    pub(super) fn turn(self, id: &str) -> Self {
        self.start(id).message("user", id).message("assistant", &format!("{id}!")).end(id)
    }

    /// A checkpoint whose replacement history is the texts, all of people.
    pub(super) fn compact(self, texts: &[&str]) -> Self {
        let history: Vec<Value> = texts.iter().map(|text| message("user", text)).collect();
        self.record("compacted", &json!({ "message": "m", "replacement_history": history }))
    }

    pub(super) fn legacy_compact(self, summary: &str) -> Self {
        self.record("compacted", &json!({ "message": summary }))
    }

    pub(super) fn world(self, full: bool, state: &Value) -> Self {
        self.record("world_state", &json!({ "full": full, "state": state }))
    }

    pub(super) fn turn_context(self, id: &str, model: &str) -> Self {
        self.record("turn_context", &json!({ "turn_id": id, "cwd": "/w", "model": model }))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        fold(&self.0)
    }

    pub(super) fn context(&self, mode: ContextMode) -> Context {
        reconstruct(self.snapshot().records(), self.bytes(), mode, None).unwrap()
    }

    /// The texts of the history.
    pub(super) fn texts(&self, mode: ContextMode) -> Vec<String> {
        texts(&self.context(mode), self.bytes())
    }

    /// The history, the same in both modes.
    pub(super) fn shown(&self) -> Vec<String> {
        let shown = self.texts(ContextMode::Reference);
        assert_eq!(shown, self.texts(ContextMode::Sound));
        shown
    }
}

pub(super) fn message(role: &str, text: &str) -> Value {
    let kind = if role == "assistant" { "output_text" } else { "input_text" };
    json!({ "type": "message", "role": role, "content": [{ "type": kind, "text": text }] })
}

pub(super) fn fold(bytes: &[u8]) -> Snapshot {
    let mut snapshot = Snapshot::default();
    for step in Folder::new(Options::default()).push(bytes) {
        snapshot.apply_step(&step).unwrap();
    }
    snapshot
}

pub(super) fn items(context: &Context, bytes: &[u8]) -> Vec<Value> {
    context.items(bytes).map(|item| serde_json::from_str(item.unwrap().get()).unwrap()).collect()
}

pub(super) fn texts(context: &Context, bytes: &[u8]) -> Vec<String> {
    let text = |item: Value| match item.pointer("/content/0/text") {
        Some(text) => text.as_str().unwrap().to_owned(),
        None => item["type"].as_str().unwrap().to_owned(),
    };
    items(context, bytes).into_iter().map(text).collect()
}

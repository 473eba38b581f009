//! What the tests of the recorder share: clocks and ids that can be told, what a log must be for
//! the reference to read it, and what two folds must have in common.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use rollfold_core::Snapshot;
use rollfold_core::model::ItemsView;
use rollfold_projector::{
    Clock, Home, Ids, LogDisk, Moment, NewThread, RecorderOptions, ThreadMode,
};
use serde_json::{Value, json};

use crate::support::Model;

/// 2026-03-01T10:00:00Z.
pub(crate) const START_MS: i64 = 1_772_359_200_000;

/// A clock that goes on by a millisecond whenever it is looked at, or stands where it is put.
#[derive(Debug)]
pub(crate) struct TestClock {
    pub(crate) ms: AtomicI64,
    pub(crate) step_ms: i64,
    pub(crate) utc_offset_s: i32,
}

impl TestClock {
    pub(crate) fn new(step_ms: i64) -> Arc<Self> {
        Arc::new(Self { ms: AtomicI64::new(START_MS), step_ms, utc_offset_s: 0 })
    }
}

impl Clock for TestClock {
    fn now(&self) -> Moment {
        let unix_ms = self.ms.fetch_add(self.step_ms, Ordering::Relaxed);
        Moment { unix_ms, utc_offset_s: self.utc_offset_s }
    }
}

/// Ids in a row.
#[derive(Debug, Default)]
pub(crate) struct TestIds(AtomicU64);

impl TestIds {
    pub(crate) fn from(first: u64) -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(first)))
    }
}

impl Ids for TestIds {
    fn next_id(&self, _: Moment) -> String {
        id(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

pub(crate) fn id(number: u64) -> String {
    format!("019bb0c0-0000-7000-8000-{number:012x}")
}

/// Options with everything told: first ids from 1.
pub(crate) fn options() -> RecorderOptions {
    RecorderOptions {
        program: "the test".to_owned(),
        clock: TestClock::new(1),
        ids: TestIds::from(1),
        ..RecorderOptions::default()
    }
}

pub(crate) fn options_on(disk: impl LogDisk + 'static) -> RecorderOptions {
    RecorderOptions { disk: Arc::new(disk), ..options() }
}

pub(crate) fn home() -> (tempfile::TempDir, Home) {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::at(folder.path());
    (folder, home)
}

pub(crate) fn thread(mode: ThreadMode) -> NewThread {
    NewThread { mode, ..NewThread::new("/work", "test", "1.2.3") }
}

pub(crate) fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.ends_with('\n'), "the last line has no end");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Whether the reference would read every line of a log (FORMAT 1, 2, 4, A.1; SEMANTICS A17).
pub(crate) fn assert_accepted(path: &Path) {
    let text = std::fs::read_to_string(path).unwrap();
    let lines = lines(path);
    let head = &lines[0];
    assert_eq!(head["type"], "session_meta");
    let meta = head["payload"].as_object().unwrap();
    for name in ["id", "session_id", "timestamp", "cwd", "originator", "cli_version"] {
        assert!(meta[name].is_string(), "{name}");
    }
    assert!(meta.contains_key("model_provider") && meta.contains_key("base_instructions"));
    let name = path.file_name().unwrap().to_str().unwrap();
    assert!(name.ends_with(&format!("{}.jsonl", meta["id"].as_str().unwrap())), "{name}");
    let is_paginated = meta["history_mode"] == "paginated";
    let base = head["payload"]["history_base"]["end_ordinal_exclusive"].as_u64();
    let first = base.unwrap_or(0);
    for (place, (line, text)) in lines.iter().zip(text.lines()).enumerate() {
        let stamp = line["timestamp"].as_str().unwrap();
        assert!(stamp.len() == 24 && stamp.ends_with('Z') && stamp.as_bytes()[10] == b'T');
        let ordinal = is_paginated.then_some(first + place as u64);
        assert_eq!(line.get("ordinal").and_then(Value::as_u64), ordinal, "line {place}");
        let next = if is_paginated { "ordinal" } else { "type" };
        assert!(text.starts_with(&format!("{{\"timestamp\":\"{stamp}\",\"{next}\":")), "{text}");
        let kind = line["type"].as_str().unwrap();
        let kinds = [
            "session_meta",
            "response_item",
            "inter_agent_communication",
            "inter_agent_communication_metadata",
            "compacted",
            "turn_context",
            "world_state",
            "event_msg",
        ];
        assert!(kinds.contains(&kind) && line["payload"].is_object(), "{text}");
        if matches!(kind, "response_item" | "event_msg") {
            assert!(line["payload"]["type"].is_string(), "{text}");
        }
    }
}

/// What a thread is to those who read it, but for where and when it was written.
pub(crate) fn essence(snapshot: &Snapshot) -> Value {
    let mut thread = serde_json::to_value(snapshot.thread()).unwrap();
    for time in ["recency_at", "last_user_at", "last_activity_at"] {
        thread[time] = Value::Null;
    }
    let windows = snapshot.windows().iter().map(|window| {
        json!([
            window.number,
            window.claimed_number,
            window.id,
            window.first_id,
            window.previous_id
        ])
    });
    let known = snapshot.records().iter().filter(|entry| entry.kind.is_indexed());
    json!({
        "turns": snapshot.turns(ItemsView::Full).collect::<Vec<_>>(),
        "thread": thread,
        "world": snapshot.world(),
        "windows": windows.collect::<Vec<_>>(),
        "own": snapshot.ledger().own(),
        "kinds": known.map(|entry| entry.kind.name()).collect::<Vec<_>>(),
    })
}

pub(crate) fn essence_of(path: &Path) -> Value {
    essence(&Model::of(&std::fs::read(path).unwrap()).snapshot)
}

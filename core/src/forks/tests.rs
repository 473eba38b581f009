//! The rules of forks, each on the smallest log that shows it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use serde_json::{Value, json};

use super::*;
use crate::fold::Folder;
use crate::options::Options;
use crate::snapshot::Snapshot;

struct Thread {
    snapshot: Snapshot,
    folder: Folder,
}

impl Thread {
    fn of(records: &[(&str, Value)]) -> Self {
        let mut folder = Folder::new(Options::REFERENCE);
        let mut snapshot = Snapshot::default();
        for (kind, payload) in records {
            for step in folder.push(line(kind, payload).as_bytes()) {
                snapshot.apply_step(&step).unwrap();
            }
        }
        Self { snapshot, folder }
    }

    fn records(&self) -> &RecordIndex {
        self.snapshot.records()
    }

    fn state(&self) -> SourceState {
        let open = self.folder.frontier().state.history().open_turn();
        source_state(self.records(), open)
    }

    fn cut_after(&self, id: &str) -> Result<u64, CutError> {
        let turns = self.snapshot.heads().map(|(_, head)| head);
        cut_after_turn(self.records(), turns, id).map(|point| point.record_index)
    }

    fn users(&self) -> Vec<u64> {
        indices(&user_message_positions(self.records()))
    }

    fn forks(&self) -> Vec<u64> {
        indices(&fork_turn_positions(self.records()))
    }
}

fn line(kind: &str, payload: &Value) -> String {
    let time = "2026-03-01T10:00:00.000Z";
    format!("{{\"timestamp\":\"{time}\",\"type\":\"{kind}\",\"payload\":{payload}}}\n")
}

fn indices(points: &[ForkPoint]) -> Vec<u64> {
    points.iter().map(|point| point.record_index).collect()
}

fn event(payload: Value) -> (&'static str, Value) {
    ("event_msg", payload)
}

fn start(id: &str) -> (&'static str, Value) {
    event(json!({ "type": "task_started", "turn_id": id }))
}

fn end(id: &str) -> (&'static str, Value) {
    event(json!({ "type": "task_complete", "turn_id": id }))
}

fn roll_back(num_turns: u32) -> (&'static str, Value) {
    event(json!({ "type": "thread_rolled_back", "num_turns": num_turns }))
}

fn message(role: &str, text: &str) -> (&'static str, Value) {
    let kind = if role == "assistant" { "output_text" } else { "input_text" };
    let content = json!([{ "type": kind, "text": text }]);
    ("response_item", json!({ "type": "message", "role": role, "content": content }))
}

fn user(text: &str) -> (&'static str, Value) {
    message("user", text)
}

fn agent_message() -> (&'static str, Value) {
    let content = json!([{ "type": "input_text", "text": "x" }]);
    let payload = json!({
        "type": "agent_message", "author": "/root", "recipient": "/root/a", "content": content,
    });
    ("response_item", payload)
}

fn metadata(trigger_turn: bool) -> (&'static str, Value) {
    ("inter_agent_communication_metadata", json!({ "trigger_turn": trigger_turn }))
}

#[test]
fn positions_of_people() {
    let mut log = vec![user("a"), user("<skill>x</skill>"), message("assistant", "x")];
    log.extend([user("b"), agent_message(), ("quantum_state", json!({})), user("c")]);
    assert_eq!(Thread::of(&log).users(), [0, 3, 5], "unknown records do not count");
    log.push(roll_back(2));
    assert_eq!(Thread::of(&log).users(), [0]);
    log.extend([user("d"), roll_back(9), user("e")]);
    assert_eq!(Thread::of(&log).users(), [9]);
}

#[test]
fn positions_of_turns() {
    let envelope = |trigger: bool| {
        let text = json!({
            "author": "/root", "recipient": "/root/a", "content": "x", "trigger_turn": trigger,
        });
        message("assistant", &text.to_string())
    };
    let communication = |trigger: bool| {
        let payload = json!({
            "author": "/root", "recipient": "/root/a", "content": "x", "trigger_turn": trigger,
        });
        ("inter_agent_communication", payload)
    };
    let mut log = vec![user("a"), envelope(true), envelope(false), agent_message()];
    log.extend([metadata(true), agent_message(), metadata(false), agent_message()]);
    log.extend([communication(true), communication(false)]);
    assert_eq!(Thread::of(&log).forks(), [0, 1, 4, 8]);
    for (num_turns, left) in [(0, &[0, 1, 4, 8][..]), (1, &[0, 1, 4, 8]), (2, &[0, 1, 4])] {
        let log = [log.clone(), vec![roll_back(num_turns)]].concat();
        assert_eq!(Thread::of(&log).forks(), left, "rolled back {num_turns}");
    }
    // A metadata record and its message are one turn.
    let log_4 = [log.clone(), vec![roll_back(4)]].concat();
    assert_eq!(Thread::of(&log_4).forks(), [0, 1]);
    let log_all = [log, vec![roll_back(99)]].concat();
    assert_eq!(Thread::of(&log_all).forks(), [0; 0]);
}

#[test]
fn cuts_before_messages_and_last_turns() {
    let log = [start("t"), user("a"), user("b"), end("t")];
    let thread = Thread::of(&log);
    let cut = |nth| cut_before_user_message(thread.records(), nth).record_index;
    assert_eq!([cut(0), cut(1), cut(2), cut(usize::MAX)], [1, 2, 4, 4]);
    let last = |count| last_fork_turns(thread.records(), count).map(|it| it.record_index);
    assert_eq!([last(0), last(1), last(2), last(9)], [None, Some(2), Some(1), Some(1)]);
    assert_eq!(last_fork_turns(&RecordIndex::default(), 5), None);
}

#[test]
fn cuts_after_turns() {
    let log = [start("a"), user("x"), end("a"), user("y"), start("b"), start("a"), end("a")];
    let thread = Thread::of(&log);
    assert_eq!(thread.cut_after("a"), Ok(4), "the first of that id");
    assert_eq!(thread.cut_after("b"), Err(CutError::InProgress));
    assert_eq!(thread.cut_after("c"), Err(CutError::NotFound));
    let implicit = Thread::of(&[event(json!({ "type": "user_message", "message": "x" }))]);
    assert_eq!(implicit.cut_after("rollout-0"), Err(CutError::NotCanonical));
    let gone = Thread::of(&[start("a"), end("a"), roll_back(1)]);
    assert_eq!(gone.cut_after("a"), Err(CutError::NotFound));
    let last = Thread::of(&[start("a"), end("a"), user("x")]);
    assert_eq!(last.cut_after("a"), Ok(3));
}

#[test]
fn cuts_before_turns() {
    let cut = |log: &[_], id: &str| {
        let thread = Thread::of(log);
        let turns = thread.snapshot.heads().map(|(_, head)| head);
        cut_before_turn(thread.records(), turns, id).map(|point| point.record_index)
    };
    let log = [start("a"), user("x"), end("a"), user("y"), start("b"), start("a")];
    assert_eq!((cut(&log, "a"), cut(&log, "b")), (Ok(0), Ok(4)), "in progress or not");
    assert_eq!(cut(&log, "c"), Err(CutError::NotFound));
    assert_eq!(cut(&[start("a"), end("a"), roll_back(1)], "a"), Err(CutError::NotFound));
    let implicit = [event(json!({ "type": "user_message", "message": "x" }))];
    assert_eq!(cut(&implicit, "rollout-0"), Err(CutError::NotCanonical));
}

#[test]
fn what_a_spawned_agent_takes_over() {
    let answer = |phase: &str| {
        let content = json!([{ "type": "output_text", "text": "x" }]);
        let payload =
            json!({ "type": "message", "role": "assistant", "content": content, "phase": phase });
        ("response_item", payload)
    };
    let history = json!([message("developer", "hint").1, message("user", "hint").1]);
    let compacted = json!({ "message": "", "replacement_history": history });
    let log = [
        ("session_meta", json!({ "id": "p" })), // 0 kept
        start("a"),                             // 1 kept
        ("turn_context", json!({ "turn_id": "a", "cwd": "/w", "model": "m" })), // 2 if full
        ("world_state", json!({ "full": true, "state": {} })), // 3 if full
        message("developer", "hint"),           // 4 a hint
        message("developer", "hint, and more"), // 5 kept
        message("system", "hint"),              // 6 kept
        user("x"),                              // 7 kept, turn
        answer("commentary"),                   // 8
        message("assistant", "x"),              // 9
        answer("final_answer"),                 // 10 kept
        ("response_item", json!({ "type": "reasoning", "summary": [] })), // 11
        event(json!({ "type": "mcp_tool_call_end", "call_id": "c" })), // 12 kept
        agent_message(),                        // 13
        metadata(true),                         // 14 a turn
        ("compacted", compacted),               // 15 kept, less one
        ("quantum_state", json!({})),           // 16
        user("y"),                              // 17 kept, turn
    ];
    let mut bytes = Vec::new();
    for (kind, payload) in &log {
        bytes.extend(line(kind, payload).into_bytes());
    }
    let thread = Thread::of(&log);
    let kept = |last_turns, usage_hints| {
        let fork = SpawnFork { last_turns, usage_hints };
        spawn_fork(thread.records(), &bytes[..], &fork).unwrap()
    };
    let seqs = |kept: &[Kept]| kept.iter().map(|kept| kept.record.seq).collect::<Vec<_>>();
    let full = kept(None, &["hint"]);
    assert_eq!(seqs(&full), [0, 1, 2, 3, 5, 6, 7, 10, 12, 15, 17]);
    let left_out = |kept: &[Kept]| {
        let left_out = kept.iter().filter(|kept| !kept.left_out_entries.is_empty());
        left_out.map(|kept| (kept.record.seq, kept.left_out_entries.clone())).collect::<Vec<_>>()
    };
    assert_eq!(left_out(&full), [(15, vec![0])]);
    let unhinted = kept(None, &[]);
    assert_eq!(seqs(&unhinted), [0, 1, 2, 3, 4, 5, 6, 7, 10, 12, 15, 17]);
    assert_eq!(left_out(&unhinted), []);
    // Turns are counted in the parent, also where their records are left out.
    assert_eq!(seqs(&kept(Some(1), &[])), [17]);
    assert_eq!(seqs(&kept(Some(2), &[])), [15, 17]);
    assert_eq!(seqs(&kept(Some(3), &["hint"])), [7, 10, 12, 15, 17]);
    assert_eq!(seqs(&kept(Some(0), &[])), [0; 0]);
}

#[test]
fn the_state_of_a_source() {
    let running = Thread::of(&[start("a"), user("x"), end("a"), start("b"), user("y")]);
    let state = running.state();
    let opened = ForkPoint { record_index: 3, seq: 3 };
    let active = Some((Arc::from("b"), opened));
    assert_eq!(state, SourceState { is_mid_turn: true, active });
    let cut = |nth| fork_before_user_message(running.records(), &state, nth).record_index;
    assert_eq!([cut(0), cut(1), cut(2)], [1, 4, 3], "past the last message, without the turn");
    let payload = interruption(&state).unwrap().payload();
    assert!(payload.get().contains("\"turn_id\":\"b\""));

    let abort = event(json!({ "type": "turn_aborted", "turn_id": "b", "reason": "x" }));
    let aborted = Thread::of(&[start("b"), user("y"), abort]);
    assert!(!aborted.state().is_mid_turn && aborted.state().active.is_some());
    assert_eq!(interruption(&aborted.state()), None);

    let loose = Thread::of(&[user("x"), end("a"), user("y")]);
    assert_eq!(loose.state(), SourceState { is_mid_turn: true, active: None });
    assert_eq!(interruption(&loose.state()), Some(Interruption { turn_id: None }));
    let cut = fork_before_user_message(loose.records(), &loose.state(), 7);
    assert_eq!(cut.record_index, 2, "the last message");
    assert!(!Thread::of(&[user("y"), end("a")]).state().is_mid_turn);
    assert!(!Thread::of(&[]).state().is_mid_turn);
}

#[test]
fn first_turns() {
    let is_first = |log: &[_]| is_before_first_turn(Thread::of(log).records());
    assert!(is_first(&[start("a"), user("<skill>x</skill>"), metadata(true)]));
    assert!(!is_first(&[user("x"), roll_back(1)]) && !is_first(&[agent_message()]));
}

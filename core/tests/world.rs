//! World state (R60-R63, R69, R70; TORTURE 21 and row 29).

use rollfold_core::model::{World, WorldChange, WorldLoss};
use rollfold_core::{Change, Folder, Options, Snapshot};
use serde_json::{Value, json};

use crate::support::{Folded, event, folded, line};

fn full(state: &Value) -> String {
    line(1, "world_state", &json!({"full": true, "state": state}).to_string())
}

fn patch(state: &Value) -> String {
    line(2, "world_state", &json!({"full": false, "state": state}).to_string())
}

fn compacted() -> String {
    line(3, "compacted", r#"{"message":"m"}"#)
}

fn user_turn(id: &str) -> [String; 2] {
    [
        event(4, "task_started", &format!(",\"turn_id\":\"{id}\"")),
        event(4, "user_message", ",\"message\":\"x\""),
    ]
}

fn rollback(count: u32) -> String {
    event(5, "thread_rolled_back", &format!(",\"num_turns\":{count}"))
}

fn known(folded: &Folded) -> Option<Value> {
    folded.snapshot.world().value().map(|value| Value::clone(value))
}

fn changes(folded: &Folded) -> Vec<WorldChange> {
    let changes = folded.steps.iter().flat_map(|step| &step.changes);
    let world = |change: &Change| match change {
        Change::World(change) => Some(change.clone()),
        _ => None,
    };
    changes.filter_map(world).collect()
}

#[test]
fn a_patch_before_any_full_state_is_not_a_state() {
    let folded = folded(&[patch(&json!({"a": 1}))]);
    assert_eq!(*folded.snapshot.world(), World::Unknown);
    assert!(changes(&folded).is_empty());
}

#[test]
fn patches_merge() {
    let start = json!({"a": {"x": 1, "y": null}, "b": [1, null], "c": "s"});
    let mut log = vec![full(&start)];
    assert_eq!(known(&folded(&log)), Some(start));
    log.push(patch(&json!({"a": null})));
    log.push(patch(&json!({"b": [null, 2], "d": {"e": {"f": 1}}})));
    log.push(patch(&json!({"d": {"e": {"g": 2}}, "absent": null})));
    let want = json!({"b": [null, 2], "c": "s", "d": {"e": {"f": 1, "g": 2}}});
    assert_eq!(known(&folded(&log)), Some(want));
}

#[test]
fn what_changes_nothing_is_silent() {
    let state = json!({"a": 1});
    let log = [full(&state), full(&state), patch(&json!({})), patch(&json!({"b": null}))];
    assert_eq!(changes(&folded(&log)), [WorldChange::Set(state.into())]);
}

#[test]
fn empty_is_not_unknown() {
    assert_eq!(known(&folded(&[full(&json!({}))])), Some(json!({})));
    for state in [json!(null), json!([]), json!("x")] {
        let after_full = folded(&[full(&json!({"a": 1})), full(&state)]);
        assert_eq!(known(&after_full), None);
        assert_eq!(changes(&after_full)[1], WorldChange::Lost(WorldLoss::NotAnObject));
        assert_eq!(known(&folded(&[full(&json!({"a": 1})), patch(&state)])), None);
    }
}

#[test]
fn a_compaction_loses_the_world() {
    let log = [
        full(&json!({"a": 1})),
        compacted(),
        patch(&json!({"b": 1})),
        full(&json!({"c": 1})),
        patch(&json!({"d": 1})),
    ];
    assert_eq!(known(&folded(&log[..2])), None);
    assert_eq!(known(&folded(&log[..3])), None);
    assert_eq!(known(&folded(&log)), Some(json!({"c": 1, "d": 1})));
}

#[test]
fn a_damaged_state_or_compaction_loses_the_world() {
    let state = full(&json!({"a": 1}));
    let damaged = |line: String| format!("{}\n", line.split_at(line.len() - 6).0);
    for lost in [
        damaged(patch(&json!({"b": 1}))),
        damaged(full(&json!({"b": 1}))),
        damaged(compacted()),
        line(1, "world_state", r#"{"full":false}"#),
        line(1, "world_state", r#"{"state":{}}"#),
    ] {
        let log = [state.clone(), lost.clone(), patch(&json!({"c": 1}))];
        let folded = folded(&log);
        assert_eq!(known(&folded), None, "{lost}");
        assert_eq!(changes(&folded).last(), Some(&WorldChange::Lost(WorldLoss::Damaged)));
    }
    let harmless =
        damaged(event(1, "warning", ",\"message\":\"a \\\"type\\\":\\\"world_state\\\"\""));
    assert_eq!(known(&folded(&[state, harmless])), Some(json!({"a": 1})));
}

#[test]
fn rollback_restores_the_state_before_the_turns() {
    let mut log = vec![full(&json!({"n": 0}))];
    for n in 1..=5 {
        log.extend(user_turn(&format!("t{n}")));
        log.push(patch(&json!({"n": n})));
    }
    for (count, want) in [(0, 5), (1, 4), (2, 3), (5, 0)] {
        log.push(rollback(count));
        assert_eq!(known(&folded(&log)), Some(json!({"n": want})), "{count}");
        log.pop();
    }
    // Two back, one new, one back: the state after turn 3.
    log.push(rollback(2));
    log.extend(user_turn("t6"));
    log.push(patch(&json!({"n": 6})));
    assert_eq!(known(&folded(&log)), Some(json!({"n": 6})));
    log.push(rollback(1));
    assert_eq!(known(&folded(&log)), Some(json!({"n": 3})));
    // More than there are: the state before everything, which nobody told.
    log.push(rollback(10));
    assert_eq!(known(&folded(&log)), None);
    assert_eq!(changes(&folded(&log)).last(), Some(&WorldChange::Lost(WorldLoss::RolledBack)));
}

#[test]
fn rollback_over_a_compaction_and_idle_turns() {
    let mut log = user_turn("t1").to_vec();
    log.push(full(&json!({"n": 1})));
    log.extend(user_turn("t2"));
    log.push(compacted());
    // A turn in which nobody said anything goes with the user turn before it, uncounted.
    log.push(event(4, "task_started", ",\"turn_id\":\"idle\""));
    log.push(full(&json!({"n": 2})));
    log.push(rollback(1));
    assert_eq!(known(&folded(&log)), Some(json!({"n": 1})));
}

#[test]
fn rollbacks_beyond_what_is_kept_leave_the_world_unknown() {
    let mut log = vec![full(&json!({"n": 0}))];
    (0..100).for_each(|n| log.extend(user_turn(&format!("t{n}"))));
    log.push(rollback(64));
    assert_eq!(known(&folded(&log)), Some(json!({"n": 0})));
    log.push(rollback(1));
    assert_eq!(known(&folded(&log)), None);
}

#[test]
fn ten_thousand_patches_are_read_anywhere() {
    let mut log = vec![full(&json!({}))];
    (1..=10_000).for_each(|n| log.push(patch(&json!({"n": n, (n % 7).to_string(): n}))));
    let mut folder = Folder::new(Options::default());
    let mut snapshot = Snapshot::default();
    for (seq, line) in log.iter().enumerate() {
        for step in folder.push(line.as_bytes()) {
            step.changes.iter().for_each(|change| snapshot.apply(change).unwrap());
        }
        if seq == 7_777 {
            // 7,777 is 0 modulo 7; the six before it are the newest of their kind.
            let want = json!({"n": 7777, "0": 7777, "1": 7771, "2": 7772, "3": 7773, "4": 7774, "5": 7775, "6": 7776});
            assert_eq!(snapshot.world().value().map(|value| Value::clone(value)), Some(want));
        }
    }
    assert_eq!(snapshot.world().value().unwrap()["n"], 10_000);
}

/// Only what the record index takes for a user's turn is one: an assistant's message that looks
/// like an envelope but names no agents is an answer like any other.
#[test]
fn user_turns_are_those_of_the_record_index() {
    let answer = |author: &str| {
        let envelope = json!({"author": author, "recipient": "/root/a", "content": "x",
            "trigger_turn": true});
        let content = json!([{"type": "output_text", "text": envelope.to_string()}]);
        let message = json!({"type": "message", "role": "assistant", "content": content});
        line(4, "response_item", &message.to_string())
    };
    let start = |id: &str| event(4, "task_started", &format!(",\"turn_id\":\"{id}\""));
    for (author, want) in [("/root", 2), ("somebody", 1)] {
        let mut log = vec![full(&json!({"n": 1}))];
        log.extend(user_turn("t1"));
        log.extend([patch(&json!({"n": 2})), start("t2"), answer(author), patch(&json!({"n": 3}))]);
        log.push(rollback(1));
        assert_eq!(known(&folded(&log)), Some(json!({"n": want})), "{author}");
    }
}

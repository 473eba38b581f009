//! The core's fold against a second, naive reading of the rules, after every record.

use std::cell::Cell;
use std::sync::Arc;

use rollfold_core::model::{ItemsView, ThreadItem, Turn};
use rollfold_core::testing::{History, Swarm, join_lines, rollout_records};
use rollfold_core::{ChangeSet, Coalescer, Options, Snapshot};
use serde_json::{Value, json};

use crate::naive::turns::Model;
use crate::support::{apply, fixtures, golden_cases};
use crate::swarms::{Walk, for_seeds};

/// Kinds that the model reads.
const READ: [&str; 20] = [
    "compacted",
    "event_msg/task_started",
    "event_msg/task_complete",
    "event_msg/turn_aborted",
    "event_msg/user_message",
    "event_msg/agent_message",
    "event_msg/agent_reasoning",
    "event_msg/agent_reasoning_raw_content",
    "event_msg/context_compacted",
    "event_msg/error",
    "event_msg/thread_rolled_back",
    "event_msg/exec_command_begin",
    "event_msg/exec_command_end",
    "event_msg/patch_apply_end",
    "event_msg/web_search_begin",
    "event_msg/web_search_end",
    "event_msg/mcp_tool_call_end",
    "event_msg/token_count",
    // Only their index counts.
    "turn_context",
    "response_item/function_call",
];

/// Kinds that are no records to the reference, so that they have no index either.
const UNCOUNTED: [&str; 6] = [
    "blank",
    "quantum_state",
    "token_usage_record",
    "event_msg/made_up_by_the_future",
    "event_msg/thread_name_updated",
    "response_item/ghost_snapshot",
];

/// The parts of an item that the model also knows.
fn item_parts(item: &Arc<ThreadItem>) -> Value {
    let whole = serde_json::to_value(item).unwrap();
    let keys = [
        "type",
        "id",
        "status",
        "text",
        "summary",
        "content",
        "query",
        "aggregatedOutput",
        "exitCode",
        "durationMs",
    ];
    let parts = keys.iter().filter_map(|key| Some(((*key).to_owned(), whole.get(key)?.clone())));
    Value::Object(parts.collect())
}

fn turn_parts(turn: &Turn) -> Value {
    let head = json!({
        "id": turn.id, "status": turn.status, "error": turn.error.as_ref().map(|it| &it.message),
        "startedAt": turn.started_at, "completedAt": turn.completed_at,
        "durationMs": turn.duration_ms,
    });
    json!({"head": head, "items": turn.items.iter().map(item_parts).collect::<Vec<_>>()})
}

fn set_parts(set: &ChangeSet) -> Value {
    let item = |it: &rollfold_core::ChangedItem| json!({"turnId": it.turn_id, "item": item_parts(&it.item)});
    let turn = |it: &rollfold_core::ChangedTurn| {
        json!({
            "id": it.turn_id, "status": it.status, "error": it.error.as_ref().map(|it| &it.message),
            "startedAt": it.started_at, "completedAt": it.completed_at,
            "durationMs": it.duration_ms,
        })
    };
    json!([
        set.changed_items.iter().map(item).collect::<Vec<_>>(),
        set.changed_turns.iter().map(turn).collect::<Vec<_>>(),
        set.removed_turn_ids,
    ])
}

/// Folds with both readings; gives how many records did something.
fn check(lines: &[(&'static str, Vec<u8>)]) -> usize {
    let bytes: Vec<Vec<u8>> = lines.iter().map(|(_, line)| line.clone()).collect();
    let walk = Walk::of(&join_lines(&bytes), Options::REFERENCE);
    let (mut model, mut snapshot) = (Model::new(), Snapshot::default());
    let mut count = 0;
    for ((kind, line), step) in lines.iter().zip(&walk.steps) {
        apply(&mut snapshot, std::slice::from_ref(step));
        let told = format!("line {}, {}", step.seq, String::from_utf8_lossy(line));
        let mut set = Coalescer::default();
        set.push(&step.changes);
        let set = set_parts(&set.finish());
        if UNCOUNTED.contains(kind) {
            assert_eq!(set, json!([[], [], []]), "{told}");
        } else {
            let seen = model.record(&serde_json::from_slice(line).unwrap());
            assert_eq!(set, json!([seen.items, seen.turns, seen.removed]), "{told}");
            count += usize::from(!step.changes.is_empty());
        }
        let state = &walk.frontiers[step.seq as usize].state;
        assert_eq!(state.position.record_index, model.index as u64, "{told}");
        let owner = state.history().usage_owner();
        let owner = owner.map_or(Value::Null, |owner| json!([owner.turn_id, owner.position]));
        assert_eq!(owner, model.usage, "{told}");
        let turns: Vec<Turn> = snapshot.turns(ItemsView::Full).collect();
        let expected = model.turns();
        assert_eq!(turns.len(), expected.len(), "{told}");
        for (turn, expected) in turns.iter().zip(&expected) {
            assert_eq!(&turn_parts(turn), expected, "{told}");
        }
    }
    count
}

#[test]
fn both_readings_agree_after_every_record() {
    let effects = Cell::new(0);
    for_seeds(120, |seed| {
        let swarm = Swarm { history: History::Legacy, ..Swarm::new(seed, 90) };
        let records = rollout_records(&swarm).into_iter();
        let known = records
            .filter(|record| READ.contains(&record.kind) || UNCOUNTED.contains(&record.kind));
        let lines: Vec<_> = known.map(|record| (record.kind, record.line)).take(45).collect();
        effects.set(effects.get() + check(&lines));
    });
    let is_replay = std::env::var("ROLLFOLD_SEED").is_ok();
    assert!(is_replay || effects.get() > 1_500, "only {} records did something", effects.get());
}

#[test]
fn both_readings_agree_on_fixtures() {
    let entries = std::fs::read_dir(fixtures().join("reference")).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.extend(golden_cases().into_iter().map(|case| case.join("input.jsonl")));
    let odd = ["/damage", "/compat", "/legacy_", "/later_", "/foreign_"];
    paths.retain(|path| {
        let path = path.to_str().unwrap();
        path.ends_with(".jsonl") && !odd.iter().any(|odd| path.contains(odd))
    });
    let mut effects = 0;
    for path in paths {
        let bytes = std::fs::read(&path).unwrap();
        let lines = bytes.split(|byte| *byte == b'\n').filter_map(|line| {
            let record: Value = serde_json::from_slice(line).ok()?;
            let tag = record["type"].as_str()?;
            let kind = match record["payload"]["type"].as_str() {
                Some(inner) if tag != "compacted" => format!("{tag}/{inner}"),
                _ => tag.to_owned(),
            };
            Some((*READ.iter().find(|read| **read == kind)?, line.to_vec()))
        });
        effects += check(&lines.collect::<Vec<_>>());
    }
    assert!(effects > 400, "only {effects} records did something");
}

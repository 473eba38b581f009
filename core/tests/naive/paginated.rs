//! Turns and items of paginated threads (R275, R276, A8-A11): what each record says of the turn it
//! names, whatever came before. Items by their ids only.

use serde_json::{Value, json};

use super::lines::{Line, Record, counted};
use super::values::{int, text};

/// The history mode that the head of a log names, if it begins with a head.
pub(crate) fn mode(lines: &[Line]) -> Option<&str> {
    let (_, head) = counted(lines).next().filter(|(_, record)| record.kind() == "session_meta")?;
    match &head.payload["history_mode"] {
        Value::String(mode) => Some(mode),
        _ => Some("legacy"),
    }
}

/// The turns, in the order in which they are first named.
pub(crate) fn turns(lines: &[Line]) -> Vec<Value> {
    let mut turns: Vec<Value> = Vec::new();
    for (place, (_, record)) in counted(lines).enumerate() {
        let (Record { payload, .. }, kind) = (record, record.kind());
        let id = text(payload, "turn_id").map(str::to_owned);
        let is_item = kind == "event_msg/item_completed" && payload["item"].is_object();
        let names_turn = match kind {
            "event_msg/task_started" | "event_msg/task_complete" => true,
            "event_msg/turn_aborted" => id.is_some(),
            _ => is_item,
        };
        if !names_turn {
            continue;
        }
        let id = id.unwrap_or_else(|| format!("rollout-{place}"));
        let known = turns.iter().position(|turn| turn["id"] == *id);
        let at = known.unwrap_or_else(|| {
            turns.push(json!({
                "id": id, "status": "inProgress", "error": null, "startedAt": null,
                "completedAt": null, "durationMs": null, "items": [],
            }));
            turns.len() - 1
        });
        let turn = &mut turns[at];
        if is_item {
            let own = text(&payload["item"], "id").map(str::to_owned);
            let id = json!(own.unwrap_or_else(|| format!("record-{place}")));
            let items = turn["items"].as_array_mut().unwrap();
            if !items.contains(&id) {
                items.push(id);
            }
            continue;
        }
        // A10: a turn that has ended stays as it is.
        if turn["status"] != "inProgress" {
            continue;
        }
        if let Some(started) = int(&payload["started_at"]) {
            turn["startedAt"] = json!(started);
        }
        if kind == "event_msg/task_started" {
            continue;
        }
        let has_failed = payload["error"].is_object();
        turn["status"] = match kind {
            "event_msg/turn_aborted" => json!("interrupted"),
            _ if has_failed => json!("failed"),
            _ => json!("completed"),
        };
        if has_failed && kind != "event_msg/turn_aborted" {
            turn["error"] = json!(text(&payload["error"], "message").unwrap_or(""));
        }
        turn["completedAt"] = json!(int(&payload["completed_at"]));
        turn["durationMs"] = json!(int(&payload["duration_ms"]));
    }
    turns
}

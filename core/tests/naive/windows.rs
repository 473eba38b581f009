//! The chain of context windows (R72-R74, R78; FORMAT T11; TORTURE row 31): one more with each
//! compaction, whatever it says of itself.

use serde_json::{Value, json};

use super::lines::{Line, Record, records};
use super::values::{text, unsigned, version_7};

/// R72: an id counts only as a UUID of version 7.
pub(super) fn id(value: &Value, key: &str) -> Option<String> {
    text(value, key).and_then(version_7)
}

/// R73, T11: the number a compaction gives its window.
pub(super) fn claimed_number(payload: &Value) -> Option<u64> {
    unsigned(&payload["window_number"]).or_else(|| unsigned(&payload["window_id"]))
}

/// R74: of the first `session_meta` that has a valid one.
pub(super) fn initial_id(lines: &[Line]) -> Option<String> {
    let metas = records(lines).filter(|(_, record)| record.kind() == "session_meta");
    metas.filter_map(|(_, meta)| id(&meta.payload["context_window"], "window_id")).next()
}

/// The windows in order. A log that has neither said where it begins nor compacted has none yet.
pub(crate) fn windows(lines: &[Line]) -> Vec<Value> {
    let compactions: Vec<(&Line, &Record)> =
        records(lines).filter(|(_, record)| record.kind() == "compacted").collect();
    let has_meta = records(lines).any(|(_, record)| record.kind() == "session_meta");
    if !has_meta && compactions.is_empty() {
        return Vec::new();
    }
    let initial = initial_id(lines);
    let mut windows = vec![json!({
        "number": 0, "claimed_number": null, "start_seq": 0,
        "id": initial, "first_id": initial, "previous_id": null,
    })];
    for (line, record) in &compactions {
        let payload = &record.payload;
        windows.push(json!({
            "number": windows.len(), "claimed_number": claimed_number(payload),
            "start_seq": line.seq, "id": id(payload, "window_id"),
            "first_id": id(payload, "first_window_id"),
            "previous_id": id(payload, "previous_window_id"),
        }));
    }
    for (place, window) in windows.iter_mut().enumerate() {
        let end = compactions.get(place);
        window["end_seq"] = json!(end.map(|(line, _)| line.seq));
        window["end"] = match end {
            Some((_, record)) if record.payload["replacement_history"].is_array() => {
                json!("compacted")
            }
            Some(_) => json!("compacted_to_summary"),
            None => Value::Null,
        };
    }
    windows
}

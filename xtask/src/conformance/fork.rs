//! `NAME.fork.json`: where the reference would cut the log.

use std::collections::BTreeSet;

use rollfold_core::forks::{self, CutError, ForkPoint};
use rollfold_core::{RecordClass, RecordIndex, Snapshot};
use serde_json::{Value, json};

use super::adapter::fold;
use super::case::Case;
use super::diff::differences;

pub(super) fn check_fork(case: &Case) -> Result<Vec<String>, String> {
    let folded = fold(&case.accepted(), None)?;
    let records = folded.snapshot.records();
    let indices = |points: Vec<ForkPoint>| -> Value {
        points.into_iter().map(|point| point.record_index).collect()
    };
    let named = ids_named(records);
    let mut seen = BTreeSet::new();
    let ids = named.iter().map(|(id, _)| id.clone());
    let ids = ids.chain(folded.snapshot.heads().map(|(_, head)| head.id.to_string()));
    let ids: Vec<String> = ids.filter(|id| seen.insert(id.clone())).collect();
    let last = named.iter().rfind(|(_, is_end)| *is_end);
    let actual = json!({
        "fork_turn_positions": indices(forks::fork_turn_positions(records)),
        "user_message_positions": indices(forks::user_message_positions(records)),
        "last_terminal": last.map(|(id, _)| cut(&folded.snapshot, id)),
        "truncate_after": ids.iter().map(|id| cut(&folded.snapshot, id)).collect::<Vec<_>>(),
    });
    Ok(differences(&case.expected("fork")?, &actual))
}

/// Turn ids as starts and ends name them; whether it is an end.
fn ids_named(records: &RecordIndex) -> Vec<(String, bool)> {
    let named = records.iter().filter_map(|entry| match &entry.class {
        RecordClass::TurnStart { turn_id } => Some((turn_id.to_string(), false)),
        RecordClass::TurnEnd { turn_id } | RecordClass::TurnAbort { turn_id } => {
            Some((turn_id.as_ref()?.to_string(), true))
        }
        _ => None,
    });
    named.collect()
}

fn cut(snapshot: &Snapshot, id: &str) -> Value {
    let turns = snapshot.heads().map(|(_, head)| head);
    match forks::cut_after_turn(snapshot.records(), turns, id) {
        Ok(point) => json!({ "turn_id": id, "len": point.record_index }),
        Err(error) => {
            let class = match error {
                CutError::NotFound => "not_found",
                CutError::NotCanonical => "not_canonical",
                CutError::InProgress => "in_progress",
                _ => "unknown",
            };
            json!({ "turn_id": id, "error": class })
        }
    }
}

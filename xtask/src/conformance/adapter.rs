//! The reference's view, derived from rollfold's values. Renames, drops and formats; folds nothing.

use std::collections::BTreeSet;

use rollfold_core::model::{CommandAction, ItemsView, ThreadItem};
use rollfold_core::{
    ChangeSet, Coalescer, DiagnosticKind, Folder, HistoryAnomaly, Options, Repair, Snapshot,
};
use serde_json::{Value, json};

use super::case::Case;
use super::diff::differences;

/// `NAME.turns.json`.
pub(super) fn check_turns(case: &Case) -> Result<Vec<String>, String> {
    let folded = fold(&case.accepted(), None)?;
    let turns: Vec<Value> =
        folded.snapshot.turns(ItemsView::Full).map(|turn| json!(turn)).collect();
    let actual = json!({
        "items": folded.records,
        "rejected": case.rejected,
        "turns": as_reference(case, Value::from(turns)),
    });
    Ok(differences(&as_reference(case, case.turns.clone()), &actual))
}

/// `NAME.changes.json`.
pub(super) fn check_changes(case: &Case) -> Result<Vec<String>, String> {
    let expected = case.expected("changes")?;
    let split = expected.get("split").and_then(Value::as_u64).ok_or("no split")?;
    let folded = fold(&case.accepted(), Some(split))?;
    let mut actual = json!(folded.changes);
    if let Some(object) = actual.as_object_mut() {
        object.insert("split".into(), (folded.records / 2).into());
    }
    Ok(differences(&as_reference(case, expected), &as_reference(case, actual)))
}

/// What folding said that makes the reference refuse the file: line from 1, class.
pub(super) fn load_reasons(case: &Case) -> Vec<(Option<usize>, String)> {
    let mut folder =
        Folder::new(Options { rules: rollfold_core::Rules::OfLog, ..Options::REFERENCE });
    let mut steps = folder.push(&case.lines.join(&b'\n'));
    steps.extend(folder.end());
    let counts = folder.frontier().state.counts;
    let mut reasons = Vec::new();
    if counts.records + counts.unknown + counts.damaged == 0 {
        reasons.push((None, "empty".to_owned()));
    }
    for diagnostic in steps.into_iter().flat_map(|step| step.diagnostics) {
        let class = match diagnostic.kind {
            DiagnosticKind::Repaired(Repair::InvalidUtf8) => "invalid_utf8",
            DiagnosticKind::History(HistoryAnomaly::ModeUnknown { .. }) => "unknown_history_mode",
            _ => continue,
        };
        reasons.push((usize::try_from(diagnostic.seq + 1).ok(), class.to_owned()));
    }
    reasons
}

/// Lines of a file the reference refuses that rollfold loses, besides the line at fault.
pub(super) fn lost_records(case: &Case, at_fault: Option<usize>) -> Vec<String> {
    let mut lost = Vec::new();
    for (place, line) in case.lines.iter().enumerate() {
        let is_at_fault = at_fault == Some(place + 1);
        let is_json = serde_json::from_slice::<Value>(line).is_ok_and(|value| value.is_object());
        if is_json && !is_at_fault && super::rejected::outcome(line).is_lost() {
            lost.push(format!("line {}: well-formed, but lost", place + 1));
        }
    }
    lost
}

pub(super) struct Folded {
    pub(super) snapshot: Snapshot,
    /// Records the reference counts.
    records: u64,
    changes: ChangeSet,
}

/// Folds as the reference does; the changes are those from record `from` on.
pub(super) fn fold(bytes: &[u8], from: Option<u64>) -> Result<Folded, String> {
    let mut folder = Folder::new(Options::REFERENCE);
    let mut snapshot = Snapshot::default();
    let mut coalescer = Coalescer::default();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let index = folder.frontier().state.position.record_index;
        for step in folder.push(line) {
            snapshot.apply_step(&step).map_err(|error| error.to_string())?;
            if from.is_some_and(|from| index >= from) {
                coalescer.push(&step.changes);
            }
        }
    }
    let records = folder.frontier().state.position.record_index;
    Ok(Folded { snapshot, records, changes: coalescer.finish() })
}

/// Drops what is not compared: read actions of foreign directories, which the reference leaves
/// out, and actions of guardian items that need the reference's command parser.
fn as_reference(case: &Case, mut value: Value) -> Value {
    let parsed_by_reference = execve_targets(case);
    visit(&mut value, &mut |object| {
        if object.get("type").and_then(Value::as_str) != Some("commandExecution") {
            return;
        }
        let id = object.get("id").and_then(Value::as_str).unwrap_or_default();
        if parsed_by_reference.contains(id) {
            object.remove("commandActions");
            return;
        }
        let Ok(ThreadItem::CommandExecution(item)) =
            ThreadItem::from_json(&Value::Object(object.clone()).to_string())
        else {
            return;
        };
        if is_foreign(&item.cwd) {
            let kept = item.command_actions.iter();
            let kept = kept.filter(|action| !matches!(action, CommandAction::Read { .. }));
            object.insert("commandActions".into(), json!(kept.collect::<Vec<_>>()));
        }
    });
    value
}

/// Whether the reference's host, a POSIX one, finds a directory foreign.
fn is_foreign(cwd: &str) -> bool {
    let bytes = cwd.as_bytes();
    cwd.starts_with("\\\\")
        || (bytes.first().is_some_and(u8::is_ascii_alphabetic) && bytes.get(1) == Some(&b':'))
}

/// Items that a guardian's verdict on an `execve` made.
fn execve_targets(case: &Case) -> BTreeSet<String> {
    let lines = case.lines.iter().filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    let payloads = lines.filter_map(|line| line.get("payload").cloned());
    let is_execve =
        |payload: &Value| payload.pointer("/action/type").is_some_and(|kind| kind == "execve");
    let targets = payloads.filter(is_execve).filter_map(|payload| {
        payload.get("target_item_id").and_then(Value::as_str).map(str::to_owned)
    });
    targets.collect()
}

fn visit(value: &mut Value, visitor: &mut impl FnMut(&mut serde_json::Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            visitor(object);
            object.values_mut().for_each(|value| visit(value, visitor));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| visit(value, visitor)),
        _ => {}
    }
}

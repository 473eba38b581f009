//! Turns, items, the changes of these, and what was odd: `expect.snap`.

use std::fmt::Write as _;

use rollfold_core::model::ItemsView;
use rollfold_core::{Change, Step};

use crate::support::Folded;

pub(super) fn show(folded: &Folded) -> String {
    let mut text = String::new();
    let state = &folded.folder.frontier().state;
    let counts = state.counts;
    writeln!(
        text,
        "records {}, unknown {}, damaged {}, blank {}, pending {} bytes, next index {}",
        counts.records,
        counts.unknown,
        counts.damaged,
        counts.blank,
        folded.folder.pending().len(),
        state.position.record_index,
    )
    .unwrap();
    if let Some(owner) = state.history().usage_owner() {
        writeln!(text, "token usage of turn {} ({})", owner.turn_id, owner.position).unwrap();
    }
    text.push_str("turns\n");
    for turn in folded.snapshot.turns(ItemsView::Full) {
        let times = [turn.started_at, turn.completed_at, turn.duration_ms];
        let [started, completed, duration] =
            times.map(|time| time.map_or_else(|| "-".to_owned(), |time| time.to_string()));
        writeln!(text, "  {} {} {started} {completed} {duration}", turn.id, turn.status.as_str())
            .unwrap();
        if let Some(error) = &turn.error {
            writeln!(text, "    error {}", serde_json::to_string(error).unwrap()).unwrap();
        }
        for item in &turn.items {
            writeln!(text, "    {}", serde_json::to_string(item).unwrap()).unwrap();
        }
    }
    text.push_str("changes\n");
    for step in &folded.steps {
        show_changes(&mut text, step);
    }
    text.push_str("diagnostics\n");
    for diagnostic in folded.steps.iter().flat_map(|step| &step.diagnostics) {
        let span = diagnostic.span;
        writeln!(
            text,
            "  {} [{}+{}] {}",
            diagnostic.seq, span.offset_bytes, span.len_bytes, diagnostic.kind
        )
        .unwrap();
    }
    text
}

fn show_changes(text: &mut String, step: &Step) {
    let of_turns = |change: &&Change| {
        use Change::{ItemPut, ItemRemoved, TurnPut, TurnRemoved};
        matches!(change, TurnPut { .. } | TurnRemoved { .. } | ItemPut { .. } | ItemRemoved { .. })
    };
    if !step.changes.iter().any(|change| of_turns(&change)) {
        return;
    }
    write!(text, "  {}:", step.seq).unwrap();
    for change in &step.changes {
        match change {
            Change::TurnPut { turn, head } => {
                write!(text, " turn {} {}={};", turn.0, head.id, head.status.as_str()).unwrap();
            }
            Change::TurnRemoved { turn, .. } => write!(text, " turn {} removed;", turn.0).unwrap(),
            Change::ItemPut { turn, item, value, .. } => {
                let (kind, id) = (value.type_name(), value.id());
                write!(text, " item {}.{} {kind} {id};", turn.0, item.0).unwrap();
            }
            Change::ItemRemoved { turn, item, .. } => {
                write!(text, " item {}.{} removed;", turn.0, item.0).unwrap();
            }
            _ => {}
        }
    }
    text.push('\n');
}

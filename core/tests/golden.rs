//! Golden fixtures: each folder under `fixtures/golden` is a log and what it folds to.
//!
//! To accept new expectations: `INSTA_UPDATE=always cargo test -p rollfold-core golden`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use rollfold_core::model::ItemsView;
use rollfold_core::{Change, Options, Step};

use crate::support::{fixtures, fold, golden_cases};

/// The one check: folds a case and compares everything a reader could see.
fn check(case: &Path) {
    let input = std::fs::read(case.join("input.jsonl")).unwrap();
    let folded = fold(&input, Options::default());
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(case);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("expect", show(&folded)));
}

#[test]
fn every_case_folds_as_expected() {
    let mut failed = Vec::new();
    for case in golden_cases() {
        if std::panic::catch_unwind(|| check(&case)).is_err() {
            failed.push(case.file_name().unwrap().to_owned());
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
}

fn show(folded: &crate::support::Folded) -> String {
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

/// Every case has an input, an expectation and exactly one line in the catalogue.
#[test]
fn catalogue_and_folders_agree() {
    let catalogue = std::fs::read_to_string(fixtures().join("README.md")).unwrap();
    let mut rows = BTreeSet::new();
    for line in catalogue.lines().filter_map(|line| line.strip_prefix("| `")) {
        let name = line.split('`').next().unwrap().to_owned();
        assert!(rows.insert(name.clone()), "{name} stands twice in the catalogue");
    }
    let mut folders = BTreeSet::new();
    for case in golden_cases() {
        let mut files: Vec<String> = std::fs::read_dir(&case)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        assert_eq!(files, ["expect.snap", "input.jsonl"], "{}", case.display());
        folders.insert(case.file_name().unwrap().to_str().unwrap().to_owned());
    }
    let missing: Vec<_> = folders.difference(&rows).collect();
    let dangling: Vec<_> = rows.difference(&folders).collect();
    assert!(missing.is_empty() && dangling.is_empty(), "{missing:?} {dangling:?}");
}

//! Golden fixtures: each folder under `fixtures/golden` is a log and what it folds to.
//!
//! To accept new expectations: `INSTA_UPDATE=always cargo test -p rollfold-core golden`.

mod context;
mod state;
mod turns;

use std::collections::BTreeSet;
use std::path::Path;

use rollfold_core::Options;

use crate::support::{fixtures, fold, golden_cases};

/// The one check: folds a case and compares everything a reader could see. Turns and items stand
/// apart from the rest of the snapshot, since most cases are about one of the two.
fn check(case: &Path) {
    let input = std::fs::read(case.join("input.jsonl")).unwrap();
    let folded = fold(&input, Options::default());
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(case);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        insta::assert_snapshot!("expect", turns::show(&folded));
        insta::assert_snapshot!("expect-state", state::show(&folded, &input));
    });
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

/// Every case has an input, both expectations and exactly one line in the catalogue.
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
        assert_eq!(
            files,
            ["expect-state.snap", "expect.snap", "input.jsonl"],
            "{}",
            case.display()
        );
        folders.insert(case.file_name().unwrap().to_str().unwrap().to_owned());
    }
    let missing: Vec<_> = folders.difference(&rows).collect();
    let dangling: Vec<_> = rows.difference(&folders).collect();
    assert!(missing.is_empty() && dangling.is_empty(), "{missing:?} {dangling:?}");
}

//! `cargo xtask bench`: that it measures, not what.

use serde_json::Value;

use crate::{golden, xtask};

#[test]
fn every_figure_is_a_line_with_a_number() {
    let ran = xtask(&["bench", "--shape", "tiny", "--mb", "1", "--runs", "1", "--json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let figures: Vec<Value> =
        ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<&str> = figures.iter().map(|figure| figure["name"].as_str().unwrap()).collect();
    let all = [
        "scan",
        "copy",
        "ignored",
        "value",
        "decode",
        "fold",
        "sync",
        "size",
        "memory",
        "sync-one-thread",
        "sync-many",
        "sync-ratio",
        "append-short",
        "append-long",
        "append-ratio",
        "open",
        "open-thread",
        "page-end",
        "page-middle",
        "page-as-of",
        "page-turns",
        "slice",
        "facts",
        "context",
        "verify",
        "search-text",
        "search-items",
        "search-build",
        "search-size",
        "search-segments",
        "search-rare",
        "search-none",
        "search-common",
        "search-and",
        "search-prefix",
        "search-phrase",
        "search-punctuation",
    ];
    assert_eq!(names, all);
    for figure in &figures {
        assert!(figure["value"].as_f64().unwrap() > 0.0, "{figure}");
        let is_through = figure["unit"] == "MB/s";
        assert_eq!(figure["vs_value"].is_number(), is_through, "{figure}");
        assert_eq!(figure["shape"], "tiny");
    }
}

#[test]
fn figures_are_chosen_by_name_and_files_can_be_given() {
    let file = golden("rollback_five_then_again");
    let ran = xtask(&["bench", "scan", "value", "--file", &file, "--runs", "1"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(ran.stdout.lines().count(), 3, "{}", ran.stdout);
    let ran = xtask(&["bench", "--file", "nowhere"]);
    assert_eq!((ran.code, ran.stderr.lines().count()), (3, 1), "{}", ran.stderr);
    assert!(ran.stderr.starts_with("nowhere: "), "{}", ran.stderr);
}

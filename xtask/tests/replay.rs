//! `cargo xtask replay`.

use serde_json::Value;

use crate::{fixtures, golden, xtask};

#[test]
fn every_fixture_replays_and_its_store_is_equal() {
    let ran = xtask(&["replay"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("store equals the fold in memory"), "{}", ran.stdout);
    assert!(ran.stdout.contains("reference/plain-00001.jsonl"), "{}", ran.stdout);
}

#[test]
fn bad_paths_get_a_line_each_and_the_rest_is_done() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    std::fs::create_dir(path("folder")).unwrap();
    std::fs::write(path("notes.txt"), "no rollout\nat all").unwrap();
    let good = golden("dialogue_as_events");
    let ran = xtask(&["replay", &path("nowhere"), &path("folder"), &path("notes.txt"), &good]);
    assert_eq!(ran.code, 3);
    let lines: Vec<&str> = ran.stderr.lines().collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[0].starts_with(&path("nowhere")), "{}", lines[0]);
    assert!(lines[1].ends_with("a rollout is a file named *.jsonl or *.jsonl.zst"));
    assert!(lines[2].ends_with("not a rollout: no record of a known kind"));
    assert!(ran.stdout.contains("dialogue_as_events"), "{}", ran.stdout);
}

#[cfg(unix)]
#[test]
fn a_store_that_cannot_be_made_is_said() {
    let ran = xtask(&["replay", &golden("dialogue_as_events"), "--db", "/nowhere/store.redb"]);
    assert_eq!(ran.code, 3);
    assert!(
        ran.stderr.ends_with("; make the folder first or use another path\n"),
        "{}",
        ran.stderr
    );
    assert_eq!(ran.stderr.lines().count(), 1);
}

#[test]
fn json_says_what_the_table_says() {
    let dir = tempfile::tempdir().unwrap();
    let db = dir.path().join("store.redb");
    let args = ["replay", &golden("damage_nul_run_on_own_line"), "--json", "--db"];
    let args: Vec<&str> = args.into_iter().chain(db.to_str()).collect();
    let first: Value = serde_json::from_str(&xtask(&args).stdout).unwrap();
    assert_eq!((&first["outcome"], &first["damaged"]), (&"New".into(), &1.into()));
    assert_eq!((&first["checked"], &first["difference"]), (&true.into(), &Value::Null));
    let second: Value = serde_json::from_str(&xtask(&args).stdout).unwrap();
    assert_eq!(second["outcome"], "Unchanged");
    assert_eq!(second["items"], first["items"]);
}

#[test]
fn show_prints_json_lines_and_at_stops() {
    let case = golden("dialogue_as_events");
    let show = |args: &[&str]| -> Vec<Value> {
        let all = ["replay", &case, "--json"].into_iter().chain(args.iter().copied());
        let all: Vec<&str> = all.collect();
        let ran = xtask(&all);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let turns = show(&["--show", "turns"]);
    assert_eq!(turns.len(), 3);
    let items = show(&["--show", "items"]);
    let in_turns: usize =
        turns.iter().map(|line| line["turn"]["items"].as_array().unwrap().len()).sum();
    assert_eq!(items.len(), in_turns);
    let changes = show(&["--show", "changes"]);
    assert!(changes.iter().all(|line| line["changes"].is_object()));
    assert!(show(&["--show", "items", "--at", "0"]).is_empty());
    let seq = items[0]["seq"].as_u64().unwrap();
    assert_eq!(show(&["--show", "items", "--at", &seq.to_string()]).len(), 0);
    assert_eq!(show(&["--show", "items", "--at", &(seq + 1).to_string()]).len(), 1);
}

/// No turns because of the history mode, because nothing is there, and because nothing makes one
/// are three things.
#[test]
fn the_table_says_why_there_are_no_turns() {
    let cases = ["damage_unknown_history_mode", "damage_empty_file", "empty_messages_open_no_turn"];
    let cases = cases.map(golden);
    let [mode, empty, none] = &cases;
    let ran = xtask(&["replay", mode, empty, none]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let notes = [
        "  history mode \"holographic\" is not known: turns not folded",
        "  empty",
        "  no turns in 4 records",
    ];
    for (line, note) in ran.stdout.lines().skip(1).zip(notes) {
        assert!(line.ends_with(note), "{line}");
    }
    let ran = xtask(&["replay", mode, empty, none, "--json"]);
    let lines = ran.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let said: Vec<_> = lines
        .map(|line| (line["recognition"].to_string(), line["unknown_history_mode"].clone()))
        .collect();
    let no_turns = |records| format!("{{\"no_turns\":{{\"records\":{records}}}}}");
    let want = [
        (no_turns(5), "holographic".into()),
        (String::from("\"empty\""), Value::Null),
        (no_turns(4), Value::Null),
    ];
    assert_eq!(said, want);
}

/// Questions for turns are refused by name; all else is shown.
#[test]
fn turns_of_an_unknown_mode_are_not_shown() {
    let case = golden("damage_unknown_history_mode");
    for show in ["turns", "items"] {
        let ran = xtask(&["replay", &case, "--show", show]);
        assert_eq!(ran.code, 3, "{}", ran.stdout);
        assert!(ran.stderr.contains("history mode \"holographic\" is not known"), "{}", ran.stderr);
    }
    assert_eq!(xtask(&["replay", &case, "--show", "thread"]).code, 0);
}

#[test]
fn a_store_of_another_kind_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("precious.txt");
    std::fs::write(&file, "precious").unwrap();
    let case = fixtures().join("golden/dialogue_as_events/input.jsonl");
    let ran = xtask(&["replay", case.to_str().unwrap(), "--db", file.to_str().unwrap()]);
    assert_eq!(ran.code, 3, "{}", ran.stdout);
    assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "precious");
}

#[test]
fn compressed_rollouts_are_replayed_unless_the_plain_form_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let plain = std::fs::read(golden("rollback_five_then_again")).unwrap();
    let packed = zstd::encode_all(&plain[..], 3).unwrap();
    std::fs::write(dir.path().join("one.jsonl.zst"), &packed).unwrap();
    std::fs::write(dir.path().join("two.jsonl.zst"), &packed).unwrap();
    std::fs::write(dir.path().join("two.jsonl"), &plain).unwrap();
    let ran = xtask(&["replay", dir.path().to_str().unwrap(), "--json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let rows: Vec<serde_json::Value> =
        ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 2, "{}", ran.stdout);
    assert_eq!(rows[0]["records"], rows[1]["records"]);
    let one = dir.path().join("one.jsonl.zst");
    let ran = xtask(&["replay", one.to_str().unwrap()]);
    assert!(ran.stdout.contains("store equals the fold in memory"), "{}", ran.stdout);
}

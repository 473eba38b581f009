//! `rollfold search`, run as people run it.

use std::path::Path;
use std::process::{Command, Output};

use rollfold_projector::{MemSource, Store, SyncOptions};
use serde_json::Value;

use crate::support::event;

fn rollfold(store: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rollfold"));
    command.arg("--store").arg(store).arg("search").args(args).output().unwrap()
}

fn json(store: &Path, args: &[&str]) -> (Vec<Value>, Value) {
    let output = rollfold(store, &[args, &["--json"]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let mut lines: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let end = lines.pop().unwrap();
    (lines, end)
}

#[test]
fn the_command_finds_catches_up_and_pages() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let message = |kind: &str, text: &str| {
        event(&serde_json::json!({"type": kind, "message": text}).to_string())
    };
    let log = event(r#"{"type":"task_started","turn_id":"t1","started_at":1772359202}"#)
        + &message("user_message", "Look for the ZEBRA \u{1b}[1mnow\u{7}")
        + &message("user_message", "<environment_context>zebra</environment_context>")
        + &message("agent_message", "one zebra, two zebras");
    let store = Store::open(&path).unwrap();
    store.sync(&MemSource::new("zoo", log), &SyncOptions::default()).unwrap();
    drop(store);

    let (hits, end) = json(&path, &["zebra"]);
    assert_eq!((hits.len(), &end["nextCursor"], &end["behind"]), (2, &Value::Null, &0.into()));
    let [agent, user] = &*hits else { panic!("{hits:?}") };
    assert_eq!((&agent["kind"], &user["kind"]), (&"agent".into(), &"user".into()));
    assert_eq!((&user["key"], &user["turnId"]), (&"zoo".into(), &"t1".into()));
    assert_eq!((&user["seq"], &user["startedAt"]), (&1.into(), &1772359202.into()));
    assert_eq!(agent["snippet"]["text"], "one zebra, two zebras");
    assert_eq!(agent["snippet"]["marks"], serde_json::json!([[4, 9]]));

    assert_eq!(json(&path, &["zebra", "--all"]).0.len(), 3);
    assert_eq!(json(&path, &["zebra", "--kind", "injected", "--kind", "user"]).0.len(), 2);
    assert_eq!(json(&path, &["one zebra"]).0.len(), 1);
    assert_eq!(json(&path, &["zebra one"]).0.len(), 0);
    assert_eq!(json(&path, &["zebra", "look"]).0.len(), 1);
    let (first, end) = json(&path, &["zebra", "--limit", "1"]);
    let cursor = end["nextCursor"].as_str().unwrap();
    let (second, end) = json(&path, &["zebra", "--limit", "1", "--cursor", cursor]);
    assert_eq!((&first[0], &second[0], &end["nextCursor"]), (agent, user, &Value::Null));

    let output = rollfold(&path, &["zebra"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("2026-03-01 10:00:02Z  turn 0 (t1), item 0, line 1, user"), "{text}");
    assert!(text.contains("    Look for the ZEBRA now\n"), "{text}");
    let output = rollfold(&path, &["\"\""]);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("nothing to look for"));
    // Somebody else has the store: a copy is searched.
    let store = Store::open(&path).unwrap();
    let more = message("user_message", "a zebra of tomorrow");
    store.sync(&MemSource::new("later", more), &SyncOptions::default()).unwrap();
    let (hits, end) = json(&path, &["zebra"]);
    assert_eq!((hits.len(), &end["behind"]), (2, &1.into()));
    assert_eq!(end["behindKeys"], serde_json::json!(["later"]));
}

//! The commands that change files, run as people run them.
#![cfg(feature = "cli")]

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::{days_old, event, tree};

const ROOT: &str = "019bb0c0-0000-7000-8000-000000000001";
const CHILD: &str = "019bb0c0-0000-7000-8000-000000000002";

fn meta(id: &str, source: &str) -> String {
    format!(
        "{{\"timestamp\":\"2026-03-01T10:00:00.000Z\",\"type\":\"session_meta\",\"payload\":\
         {{\"id\":\"{id}\",\"timestamp\":\"2026-03-01T10:00:00Z\",\"cwd\":\"/\",\"originator\":\"o\",\
         \"cli_version\":\"1\",\"source\":{source}}}}}\n"
    )
}

/// A home with a thread and one that it spawned.
fn home(folder: &Path) {
    let spawn = format!(
        "{{\"subagent\":{{\"thread_spawn\":{{\"parent_thread_id\":\"{ROOT}\",\"depth\":1}}}}}}"
    );
    for (id, source) in [(ROOT, "\"cli\""), (CHILD, &*spawn)] {
        let log = meta(id, source) + &event("{\"type\":\"user_message\",\"message\":\"do it\"}");
        let name = format!("home/sessions/2026/03/01/rollout-2026-03-01T10-00-00-{id}.jsonl");
        days_old(&folder.join(name), log.as_bytes(), 10);
    }
}

/// Runs a command; gives its exit code, the JSON lines it prints and what it complains of.
fn run(folder: &Path, args: &[&str]) -> (i32, Vec<Value>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_rollfold"))
        .current_dir(folder)
        .args(["--home", "home", "--store", "store.redb", "--json"])
        .args(args)
        .output()
        .unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    let lines = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (output.status.code().unwrap(), lines, String::from_utf8(output.stderr).unwrap())
}

#[test]
fn threads_are_moved_and_deleted_and_taken_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    home(folder);
    let files = || -> Vec<_> {
        let mut files = tree(&folder.join("home"));
        files.retain(|path, _| path.to_str().unwrap().contains("rollout-2026"));
        files.into_keys().collect()
    };
    let before = files();

    let (code, lines, _) = run(folder, &["archive", ROOT, "--dry-run"]);
    assert_eq!((code, lines.len(), files()), (0, 2, before.clone()));
    let (code, lines, _) = run(folder, &["archive", ROOT]);
    assert_eq!((code, lines[0]["threadId"].as_str()), (0, Some(ROOT)));
    assert!(files().iter().all(|path| path.starts_with("archived_sessions")));
    let archived = format!("home/archived_sessions/rollout-2026-03-01T10-00-00-{CHILD}.jsonl");
    let (code, ..) = run(folder, &["unarchive", &archived]);
    assert_eq!((code, files().len()), (0, 2));
    let (code, ..) = run(folder, &["unarchive", ROOT, "--tree"]);
    assert_eq!((code, files()), (0, before.clone()));

    let (code, lines, _) = run(folder, &["export", ROOT, "bundle", "--tree"]);
    assert_eq!((code, lines[0]["manifest"]["logs"].as_array().unwrap().len()), (0, 2));
    let (code, lines, _) = run(folder, &["import", "bundle"]);
    assert_eq!((code, lines[0]["outcome"].as_str()), (0, Some("alreadyThere")));

    let (code, lines, _) = run(folder, &["delete", ROOT, "--dry-run"]);
    assert_eq!((code, lines[0]["files"].as_array().unwrap().len()), (0, 2));
    assert_eq!(files(), before);
    let (code, lines, _) = run(folder, &["delete", ROOT]);
    assert_eq!((code, lines[0]["logs"].as_u64(), files().len()), (0, Some(2), 0));
    let (code, _, text) = run(folder, &["delete", ROOT]);
    assert_eq!(code, 3);
    assert!(text.contains("has no file in"), "{text}");

    let (code, lines, _) = run(folder, &["import", "bundle", "--map", "/=/mnt"]);
    assert_eq!((code, lines[0]["outcome"].as_str()), (0, Some("new")));
    assert_eq!(files(), before);
    let (code, lines, _) = run(folder, &["compress"]);
    let outcomes: Vec<_> = lines.iter().map(|line| line["outcome"].as_str()).collect();
    assert_eq!((code, &outcomes[..2]), (0, &[Some("compressed"), Some("compressed")][..]));
    let packed = |path: &std::path::PathBuf| path.extension().is_some_and(|it| it == "zst");
    assert!(files().iter().all(packed));
}

#[test]
fn what_cannot_be_done_is_said_in_one_line() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    home(folder);
    fs::write(folder.join("bundle"), "no bundle").unwrap();
    let before = tree(&folder.join("home"));
    for (args, said) in [
        (&["import", "bundle"][..], "is no bundle"),
        (&["archive", "home"], "is a folder"),
        (&["archive", "bundle"], "does not tell which thread"),
        (&["export", CHILD, "bundle"], "is there already"),
    ] {
        let (code, lines, text) = run(folder, args);
        assert_eq!((code, lines.len(), text.lines().count()), (3, 0, 1), "{text}");
        assert!(text.contains(said), "{text}");
    }
    assert!(tree(&folder.join("home")) == before);
}

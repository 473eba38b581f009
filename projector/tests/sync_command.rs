//! `rollfold sync`, as a program.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::small_log;

fn sync(dir: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rollfold"));
    let store = dir.join("data/store.redb");
    command.arg("--home").arg(dir.join("home")).arg("--store").arg(store);
    let output = command.arg("sync").args(arguments).output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn a_home_is_synced_and_what_happened_is_said() {
    let dir = TempDir::new().unwrap();
    let day = dir.path().join("home/sessions/2026/03/01");
    fs::create_dir_all(&day).unwrap();
    for number in 0..3 {
        let name =
            format!("rollout-2026-03-01T10-00-00-019bb0c0-0000-7000-8000-00000000000{number}");
        fs::write(day.join(format!("{name}.jsonl")), small_log()).unwrap();
    }
    std::thread::sleep(std::time::Duration::from_millis(60));
    let (code, said) = sync(dir.path(), &["--json", "--threads", "2"]);
    let lines: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((code, lines.len()), (Some(0), 4));
    assert!(lines[..3].iter().all(|line| line["outcome"] == "new" && line["lines"] == 37));
    assert_eq!((&lines[3]["new"], &lines[3]["found"]), (&3.into(), &3.into()));
    let (code, said) = sync(dir.path(), &[]);
    assert_eq!(code, Some(0));
    assert_eq!(said, "3 logs: 3 unchanged; 0 lines folded, 0 B read\n");
    // A home that is not there.
    fs::rename(dir.path().join("home"), dir.path().join("other")).unwrap();
    assert_eq!(sync(dir.path(), &[]).0, Some(3));
}

//! The tasks, run as a user runs them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod bench;
mod conformance;
mod fuzz;
mod generate;
mod replay;
mod show;
mod store;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What a task printed and how it ended.
struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

fn xtask<S: AsRef<std::ffi::OsStr>>(args: &[S]) -> Ran {
    let Output { status, stdout, stderr } =
        Command::new(env!("CARGO_BIN_EXE_xtask")).args(args).output().unwrap();
    Ran {
        code: status.code().unwrap(),
        stdout: String::from_utf8(stdout).unwrap(),
        stderr: String::from_utf8(stderr).unwrap(),
    }
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures")
}

fn golden(case: &str) -> String {
    fixtures().join("golden").join(case).join("input.jsonl").to_str().unwrap().to_owned()
}

/// The README's table of tasks names every task, and no other.
#[test]
fn readme_names_every_task() {
    let readme = std::fs::read_to_string(fixtures().join("../README.md")).unwrap();
    let help = xtask(&["--help"]).stdout;
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names: Vec<&str> = commands
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    assert!(names.len() >= 4, "{help}");
    for name in &names {
        assert!(readme.contains(&format!("| `cargo xtask {name}")), "{name} is not in the README");
    }
    assert_eq!(readme.matches("| `cargo xtask ").count(), names.len());
}

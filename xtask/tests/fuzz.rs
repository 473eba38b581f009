//! The swarm, its canary, and what it has found before.

use crate::{Ran, fixtures, xtask};

fn fuzz(args: &[&str]) -> Ran {
    xtask(&[&["fuzz"], args].concat())
}

#[test]
fn the_planted_fault_is_found() {
    let Ran { stdout: text, code, .. } = fuzz(&["--target", "canary"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.starts_with("canary") && text.contains("found after"), "{text}");
}

#[test]
fn every_target_runs() {
    let Ran { stdout: text, code, .. } = fuzz(&["--seconds", "0"]);
    assert_eq!(code, 0, "{text}");
    for target in
        ["decode", "fold", "differential", "store", "library", "recorder", "roundtrip", "bounds"]
    {
        assert!(text.lines().any(|line| line.starts_with(target)), "{target}: {text}");
    }
}

#[test]
fn what_once_failed_does_not() {
    let path = |name: &str| fixtures().join(name).to_str().unwrap().to_owned();
    let Ran { stdout: text, code, .. } = fuzz(&["--replay", &path("crashers")]);
    assert_eq!(code, 0, "{text}");
    let Ran { stdout: text, code, .. } = fuzz(&["--seeds", &path("seeds.txt")]);
    assert_eq!(code, 0, "{text}");
}

#[test]
fn what_cannot_be_run_says_so() {
    for args in [&["--target", "none"][..], &["--replay", "none"], &["--seeds", "none"]] {
        assert_eq!(fuzz(args).code, 2, "{args:?}");
    }
}

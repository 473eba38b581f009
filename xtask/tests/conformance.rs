//! `cargo xtask conformance`.

use crate::{fixtures, xtask};

#[test]
fn the_reference_cases_pass() {
    let dir = fixtures().join("reference");
    let ran = xtask(&["conformance", dir.to_str().unwrap(), "--rejected"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("turns: 60 passed, 0 failed\n"), "{}", ran.stdout);
    assert!(ran.stdout.contains("changes: 60 passed, 0 failed\n"), "{}", ran.stdout);
    assert!(ran.stdout.ends_with(" passed, 0 failed\n"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("LOST"), "{}", ran.stdout);
}

#[test]
fn a_wrong_expectation_fails_with_its_place() {
    let dir = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(fixtures().join("reference")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name.starts_with("plain-00001.") {
            let text = std::fs::read_to_string(&path).unwrap();
            let text = text.replacen("\"completed\"", "\"failed\"", 1);
            std::fs::write(dir.path().join(name), text).unwrap();
        }
    }
    let ran = xtask(&["conformance", dir.path().to_str().unwrap()]);
    assert_eq!(ran.code, 1, "{}", ran.stdout);
    assert!(ran.stdout.contains("plain-00001.turns: $.turns["), "{}", ran.stdout);
    assert!(ran.stdout.contains("turns: 0 passed, 1 failed"), "{}", ran.stdout);
}

#[test]
fn no_case_is_a_failure() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    let ran = xtask(&["conformance", path]);
    assert_ne!(ran.code, 0);
    assert_eq!(ran.stderr, format!("{path}: no case here; a case is a NAME.jsonl\n"));
    assert_ne!(xtask(&["conformance", "nowhere"]).code, 0);
}

//! `cargo xtask verify` and `cargo xtask health`.

use redb::TableDefinition;
use rollfold_projector::Store;

use crate::{fixtures, xtask};

/// Replays two fixtures into a store: one without a fault, one with a line that is no record.
fn store() -> (tempfile::TempDir, String, [String; 2]) {
    let dir = tempfile::tempdir().unwrap();
    let db = dir.path().join("s.redb").to_str().unwrap().to_owned();
    let case = |name: &str| {
        let path = fixtures().join("golden").join(name).join("input.jsonl");
        std::fs::canonicalize(path).unwrap().to_str().unwrap().to_owned()
    };
    let cases = ["rollback_five_then_again", "damage_first_line_garbage"].map(case);
    let ran = xtask(&["replay", "--db", &db, &cases[0], &cases[1]]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    (dir, db, cases)
}

#[test]
fn a_good_store_verifies() {
    let (_dir, db, [one, other]) = store();
    let ran = xtask(&["verify", "--db", &db, &one, &other]);
    assert_eq!((ran.code, &*ran.stderr), (0, ""));
    assert_eq!(ran.stdout.matches(" answers as a fold anew has them\n").count(), 2);
    let ran = xtask(&["verify", "--db", &db, &one, "--json"]);
    let line: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&line["differences"], &line["first"]), (&0.into(), &serde_json::Value::Null));
}

#[test]
fn a_tampered_store_is_told_and_repaired() {
    let (_dir, db, [one, other]) = store();
    Store::open(&db)
        .unwrap()
        .tamper(|write| {
            let facts: TableDefinition<(u32, u8, u64), &[u8]> = TableDefinition::new("facts");
            write.open_table(facts)?.pop_first()?;
            Ok(())
        })
        .unwrap();
    let ran = xtask(&["verify", "--db", &db, &one, &other]);
    assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("input.jsonl: 1 differences in "), "{}", ran.stdout);
    assert!(ran.stdout.contains("; first: facts (0, "), "{}", ran.stdout);
    assert!(ran.stdout.contains(" (missing), line 0, bytes 0+"), "{}", ran.stdout);
    let ran = xtask(&["verify", "--db", &db, &one, &other, "--repair"]);
    assert!(ran.stdout.contains("; written anew: facts\n"), "{}", ran.stdout);
    assert_eq!(xtask(&["verify", "--db", &db, &one, &other]).code, 0);
}

#[test]
fn health_tells_what_was_not_understood_and_where() {
    let (_dir, db, _) = store();
    let ran = xtask(&["health", "--db", &db]);
    assert_eq!(ran.code, 1);
    assert!(ran.stdout.contains("1 damaged; first on line 0, bytes 0+"), "{}", ran.stdout);
    let one = "rollback_five_then_again/input.jsonl";
    let ran = xtask(&["health", "--db", &db, "--thread", one]);
    assert_eq!(ran.code, 0, "{}", ran.stdout);
    let ran = xtask(&["health", "--db", &db, "--all", "--json"]);
    for line in ran.stdout.lines() {
        let _: serde_json::Value = serde_json::from_str(line).unwrap();
    }
}

#[test]
fn what_cannot_be_asked_is_one_line() {
    let (_dir, db, [one, _]) = store();
    for (args, said) in [
        (vec!["verify", "--db", "nowhere", &one], "nowhere: no store here\n"),
        (vec!["health", "--db", "nowhere"], "nowhere: no store here\n"),
        (vec!["health", "--db", &db, "--thread", "x"], "x: no log of this store ends so\n"),
    ] {
        let ran = xtask(&args);
        assert_eq!((ran.code, &*ran.stderr), (3, said));
    }
    let ran = xtask(&["health", "--db", &one]);
    assert_eq!(ran.code, 3);
    assert!(ran.stderr.contains("is no store but something else"), "{}", ran.stderr);
}

//! The end of a log that is enough (A26), by hand and as a law.

use super::*;
use crate::testing::{Swarm, rollout_bytes};

fn seqs(log: &Log) -> Vec<u64> {
    let records = bounded(log.snapshot().records(), log.bytes()).unwrap();
    records.iter().map(|entry| entry.seq).collect()
}

fn numbered(log: Log) -> Log {
    let history = [message("user", "kept")];
    let payload = json!({ "message": "m", "window_number": 1, "replacement_history": history });
    log.record("compacted", &payload)
}

/// Records 0 to 8: the head and two turns, of which the first is no part of any end.
fn old() -> Log {
    Log::default().record("session_meta", &json!({ "id": "t" })).turn("older").turn("old")
}

/// The numbers of the head and of the records from `first` to `last`.
fn head_and(first: u64, last: u64) -> Vec<u64> {
    std::iter::once(0).chain(first..=last).collect()
}

/// Five records: a turn of a user that tells its settings.
fn told(log: Log) -> Log {
    let said = json!({ "type": "user_message", "message": "x" });
    log.start("told").turn_context("told", "m").event(&said).message("user", "x").end("told")
}

#[test]
fn the_end_begins_with_the_older_of_checkpoint_and_turn() {
    // 9 is the checkpoint, behind the turn 5 to 8; 10 to 14 are the user's turn.
    assert_eq!(seqs(&told(numbered(old()))), head_and(5, 14));
    // 9 to 13 are the turn, 14 the checkpoint.
    assert_eq!(seqs(&numbered(told(old()))), head_and(9, 14));
}

#[test]
fn what_is_not_enough_takes_everything() {
    assert_eq!(seqs(&told(old().compact(&["kept"]))), head_and(1, 14), "no window number");
    assert_eq!(seqs(&told(old().legacy_compact("m"))), head_and(1, 14), "no history");
    assert_eq!(seqs(&told(numbered(old())).roll_back(0)), head_and(1, 15), "a rollback");
    assert_eq!(seqs(&told(numbered(old().roll_back(0)))), head_and(1, 15), "one in its turn");
    assert_eq!(seqs(&told(old())), head_and(1, 13), "no checkpoint");
    let turn = numbered(old()).start("a").message("user", "x").turn_context("a", "m").end("a");
    assert_eq!(seqs(&turn), head_and(1, 13), "a message to the model is no user's");
    let other = numbered(old()).start("a").turn_context("b", "m");
    let other = other.event(&json!({ "type": "user_message", "message": "x" })).end("a");
    assert_eq!(seqs(&other), head_and(1, 13), "another turn's settings");
}

#[test]
fn a_canonical_message_of_the_user_counts() {
    let item = |kind: &str| {
        let item = json!({ "type": kind, "id": "i", "content": [] });
        json!({ "type": "item_completed", "turn_id": "a", "item": item })
    };
    let log = |kind| numbered(old()).start("a").turn_context("a", "m").event(&item(kind)).end("a");
    assert_eq!(seqs(&log("UserMessage")), head_and(5, 13));
    assert_eq!(seqs(&log("AgentMessage")), head_and(1, 13));
}

/// Nothing that a resume uses is different.
fn check(bytes: &[u8]) -> bool {
    let records = fold(bytes).records().clone();
    let end = bounded(&records, bytes).unwrap();
    let whole = reconstruct(&records, bytes, ContextMode::Reference, None).unwrap();
    let part = reconstruct(&end, bytes, ContextMode::Reference, None).unwrap();
    assert_eq!(part.history, whole.history);
    assert_eq!(part.previous_turn_settings, whole.previous_turn_settings);
    assert_eq!(part.reference_context_item, whole.reference_context_item);
    assert_eq!(part.window, whole.window);
    assert_eq!(world(&part, bytes).unwrap(), world(&whole, bytes).unwrap());
    end.len() < records.len()
}

#[test]
fn a_resume_from_the_end_is_one_from_the_whole() {
    assert!(check(told(numbered(old())).bytes()) && check(numbered(told(old())).bytes()));
    let shorter = (0..60).filter(|seed| {
        let log = Log(rollout_bytes(&Swarm::new(*seed, 60)));
        // Behind whatever stands there: a turn, a checkpoint, and a turn of a user.
        check(told(numbered(log.turn("new"))).bytes())
    });
    assert!(shorter.count() > 40);
}

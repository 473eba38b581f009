//! What is inherited (TORTURE 16, 17, 19; row 6 and 11).

use rollfold_core::model::{EndSign, Ownership, PrefixKind};
use rollfold_core::{Snapshot, TurnNo};

use crate::support::{Folded, event, folded, line};

/// Made at 10:00:10, 10:00:00 and before.
const CHILD: &str =
    "\"id\":\"child\",\"timestamp\":\"2026-03-01T10:00:10.000Z\",\"forked_from_id\":\"parent\"";
const PARENT: &str = "\"id\":\"parent\",\"timestamp\":\"2026-03-01T09:00:00.000Z\"";

fn meta(second: u32, fields: &str) -> String {
    let rest = "\"cwd\":\"/w\",\"originator\":\"o\",\"cli_version\":\"1\"";
    line(second, "session_meta", &format!("{{{fields},{rest}}}"))
}

/// A turn that began `began` seconds after 10:00; without a time if none is given.
fn turn(second: u32, id: &str, began: Option<i64>) -> Vec<String> {
    let began = began.map(|began| format!(",\"started_at\":{}", 1_772_359_200 + began));
    let start = format!(",\"turn_id\":\"{id}\"{}", began.unwrap_or_default());
    vec![
        event(second, "task_started", &start),
        event(second, "user_message", ",\"message\":\"hello\""),
        event(second, "task_complete", &format!(",\"turn_id\":\"{id}\"")),
    ]
}

fn own_seqs(snapshot: &Snapshot, len: u64) -> Vec<u64> {
    (0..len).filter(|seq| snapshot.inheritance().ownership(*seq) == Ownership::Own).collect()
}

fn sign(folded: &Folded) -> Option<EndSign> {
    Some(folded.snapshot.inheritance().prefix.as_ref()?.end?.sign)
}

#[test]
fn legacy_fork_ends_at_its_own_meta() {
    let mut log = vec![meta(10, CHILD), meta(10, PARENT)];
    (0..500).for_each(|_| log.push(event(10, "agent_message", ",\"message\":\"copied\"")));
    log.push(meta(10, CHILD));
    log.extend(turn(17, "own", None));
    let folded = folded(&log);
    assert_eq!(sign(&folded), Some(EndSign::OwnMeta));
    assert_eq!(own_seqs(&folded.snapshot, 506), [0, 502, 503, 504, 505]);
    let health = folded.folder.frontier().state.health();
    assert_eq!((health.records(), health.own_records()), (506, 5));
    // All copied messages are in the implicit turn 0.
    assert_eq!(folded.snapshot.inheritance().first_own_turn(), TurnNo(1));
    let thread = folded.snapshot.thread();
    assert_eq!(thread.last_user_at, Some(1_772_359_217_000));
}

#[test]
fn turn_times_beat_pauses() {
    // The pause before the copied turn b says nothing, since turns tell when they began.
    let mut log = vec![meta(10, CHILD), meta(10, PARENT)];
    log.extend(turn(10, "a", Some(-60)));
    log.extend(turn(20, "b", Some(5)));
    log.extend(turn(20, "c", Some(10)));
    let folded = folded(&log);
    assert_eq!(sign(&folded), Some(EndSign::TurnTime));
    assert_eq!(own_seqs(&folded.snapshot, 11), [0, 8, 9, 10]);
    assert_eq!(folded.snapshot.inheritance().first_own_turn(), TurnNo(2));
}

#[test]
fn turn_ids_tell_times_too() {
    let v7 = |ms: u64| {
        let hex = format!("{ms:012x}");
        let (high, low) = hex.split_at(8);
        format!("{high}-{low}-7000-8000-000000000001")
    };
    let mut log = vec![meta(10, CHILD), meta(10, PARENT)];
    log.extend(turn(10, &v7(1_772_359_209_999), None));
    log.extend(turn(10, &v7(1_772_359_210_000), None));
    let folded = folded(&log);
    assert_eq!(sign(&folded), Some(EndSign::TurnTime));
    assert_eq!(own_seqs(&folded.snapshot, 8), [0, 5, 6, 7]);
}

#[test]
fn a_pause_ends_a_copy_without_times() {
    let mut log = vec![meta(10, CHILD), meta(10, PARENT)];
    log.extend(turn(10, "a", None));
    log.push(event(11, "agent_message", ",\"message\":\"copied\""));
    log.extend(turn(18, "b", None));
    let folded = folded(&log);
    assert_eq!(sign(&folded), Some(EndSign::Pause));
    assert_eq!(own_seqs(&folded.snapshot, 9), [0, 6, 7, 8]);
}

#[test]
fn copies_that_kept_their_times() {
    let mut log = vec![meta(10, CHILD), meta(0, PARENT)];
    log.extend(turn(1, "a", None));
    log.extend(turn(8, "b", None));
    log.extend(turn(11, "c", None));
    let folded = folded(&log);
    assert_eq!(sign(&folded), Some(EndSign::WrittenLater));
    assert_eq!(own_seqs(&folded.snapshot, 11), [0, 8, 9, 10]);
}

#[test]
fn fork_of_a_parent_without_talk() {
    let settings = event(10, "thread_settings_applied", ",\"thread_settings\":{}");
    let mut log = vec![meta(10, CHILD), meta(10, PARENT), settings];
    let nothing_own = folded(&log);
    assert_eq!(own_seqs(&nothing_own.snapshot, 3), [0]);
    assert_eq!(nothing_own.snapshot.inheritance().first_own_turn(), TurnNo(u32::MAX));
    log.extend(turn(17, "own", Some(17)));
    let folded = folded(&log);
    assert_eq!(own_seqs(&folded.snapshot, 6), [0, 3, 4, 5]);
}

#[test]
fn an_older_turn_gives_a_copy_away() {
    let mut log = vec![meta(10, CHILD)];
    log.extend(turn(10, "a", Some(-5)));
    log.extend(turn(10, "b", Some(11)));
    let folded = folded(&log);
    let prefix = folded.snapshot.inheritance().prefix.clone().unwrap();
    assert_eq!((prefix.kind, prefix.start_seq), (PrefixKind::OlderTurn, 1));
    assert_eq!(own_seqs(&folded.snapshot, 7), [0, 4, 5, 6]);
}

#[test]
fn metas_of_the_thread_and_late_metas_copy_nothing() {
    let mut log = vec![meta(10, CHILD), meta(10, CHILD)];
    log.extend(turn(11, "a", Some(11)));
    log.extend([meta(12, CHILD), meta(13, PARENT)]);
    log.extend(turn(14, "b", Some(14)));
    let folded = folded(&log);
    assert_eq!(folded.snapshot.inheritance().prefix, None);
    assert_eq!(own_seqs(&folded.snapshot, 10).len(), 10);
}

#[test]
fn history_by_reference_copies_nothing() {
    let base = "\"history_base\":{\"thread_id\":\"parent\",\"end_ordinal_exclusive\":60,\"end_byte_offset\":4096}";
    let mut log = vec![meta(10, &format!("{CHILD},{base}"))];
    log.extend(turn(11, "a", Some(-5)));
    let folded = folded(&log);
    let inheritance = folded.snapshot.inheritance();
    let found = inheritance.base.clone().unwrap();
    assert_eq!((&*found.thread_id, found.end_ordinal_exclusive), ("parent", Some(60)));
    assert_eq!((found.end_byte_offset, &inheritance.prefix), (Some(4_096), &None));
}

/// A paginated sub-agent of 6 records, ordinals 0 to 5, that claims to begin at `start`.
fn sub_agent(start: Option<u64>) -> Folded {
    let claim = start.map(|start| format!(",\"subagent_history_start_ordinal\":{start}"));
    let fields = format!(
        "\"id\":\"child\",\"timestamp\":\"x\",\"history_mode\":\"paginated\"{}",
        claim.unwrap_or_default()
    );
    let mut log = vec![meta(10, &fields)];
    log.extend(turn(10, "a", None));
    log.extend(turn(11, "b", None).into_iter().take(2));
    let number = |(ordinal, line): (usize, String)| {
        line.replace(
            "\"type\":\"event_msg\"",
            &format!("\"ordinal\":{ordinal},\"type\":\"event_msg\""),
        )
        .replace("\"type\":\"session_meta\"", "\"ordinal\":0,\"type\":\"session_meta\"")
    };
    folded(&log.into_iter().enumerate().map(number).collect::<Vec<_>>())
}

#[test]
fn claims_are_believed_once_reached() {
    let reached = sub_agent(Some(4));
    assert_eq!(sign(&reached), Some(EndSign::Ordinal));
    assert_eq!(own_seqs(&reached.snapshot, 6), [0, 4, 5]);
    assert_eq!(reached.snapshot.inheritance().unreached_claim(), None);
    assert_eq!(reached.snapshot.inheritance().first_own_turn(), TurnNo(1));
    // As many as there are records; five more; none; no claim: everything is shown.
    for (start, unreached) in
        [(Some(6), Some(6)), (Some(11), Some(11)), (Some(0), None), (None, None)]
    {
        let folded = sub_agent(start);
        assert_eq!(own_seqs(&folded.snapshot, 6).len(), 6, "{start:?}");
        assert_eq!(folded.snapshot.inheritance().unreached_claim(), unreached);
        assert_eq!(folded.snapshot.inheritance().first_own_turn(), TurnNo(0));
    }
}

//! The token ledger (TORTURE 18, row 7).

use rollfold_core::model::{Ownership, Tokens, UsageEntry, UsageReset, UsageSource};

use crate::support::{Folded, event, folded, line, notes};

fn meta(id: &str, origin: Option<&str>) -> String {
    let origin = origin.map(|id| format!(",\"forked_from_id\":\"{id}\"")).unwrap_or_default();
    let rest = "\"cwd\":\"/w\",\"originator\":\"o\",\"cli_version\":\"1\"";
    line(
        10,
        "session_meta",
        &format!("{{\"id\":\"{id}\",\"timestamp\":\"2026-03-01T10:00:10.000Z\"{origin},{rest}}}"),
    )
}

fn usage(total: i64) -> String {
    format!(
        "{{\"input_tokens\":{total},\"cached_input_tokens\":0,\"output_tokens\":0,\"reasoning_output_tokens\":0,\"total_tokens\":{total}}}"
    )
}

fn count(total: i64, last: i64) -> String {
    let (total, last) = (usage(total), usage(last));
    let info = format!("{{\"total_token_usage\":{total},\"last_token_usage\":{last}}}");
    event(10, "token_count", &format!(",\"info\":{info},\"rate_limits\":null"))
}

fn record(used: i64) -> String {
    let usage = usage(used);
    line(10, "token_usage_record", &format!("{{\"turn_id\":\"r\",\"usage\":{usage}}}"))
}

fn turn(began: i64) -> String {
    let began = 1_772_359_200 + began;
    event(10, "task_started", &format!(",\"turn_id\":\"turn\",\"started_at\":{began}"))
}

fn compacted() -> String {
    line(10, "compacted", r#"{"message":"m"}"#)
}

fn entries(folded: &Folded) -> Vec<UsageEntry> {
    folded.snapshot.ledger().entries().map(|entry| UsageEntry::clone(entry)).collect()
}

fn deltas(folded: &Folded) -> Vec<i64> {
    entries(folded).iter().map(|entry| entry.delta.total).collect()
}

fn own(folded: &Folded) -> i64 {
    folded.snapshot.ledger().own().total
}

#[test]
fn totals_add_up() {
    let log = [
        meta("t", None),
        turn(11),
        event(10, "token_count", ",\"info\":null"),
        count(100, 100),
        count(250, 150),
        count(250, 150),
        count(300, 50),
    ];
    let folded = folded(&log);
    assert_eq!(deltas(&folded), [100, 150, 0, 50]);
    assert_eq!(own(&folded), 300);
    assert_eq!(folded.snapshot.ledger().own().input, 300);
    assert!(notes(&folded).is_empty(), "{:?}", notes(&folded));
    let first = &entries(&folded)[0];
    assert_eq!((first.seq, first.window, first.source), (3, 0, UsageSource::TokenCount));
    assert_eq!(first.turn_id.as_deref(), Some("turn"));
    let bytes = log.concat();
    let before = usize::try_from(first.span.offset_bytes).unwrap();
    assert!(bytes.split_at(before).1.starts_with(&count(100, 100)));
    assert_eq!(folded.snapshot.thread().tokens_used, Some(300));
}

#[test]
fn a_fork_tree_counts_every_token_once() {
    // The root uses 250. Children go on from its total (a) or from zero (b), with the root's
    // records copied or not; so do grandchildren and a great-grandchild.
    let root = [meta("root", None), turn(11), count(100, 100), count(250, 150)];
    let copied = |child: &str, parent: &[String]| {
        let mut log = vec![meta(child, Some("root"))];
        log.extend_from_slice(parent);
        log.iter_mut().for_each(|line| *line = line.replace(":17723592", ":17723590"));
        log.push(turn(12));
        log
    };
    let with = |mut log: Vec<String>, counts: &[(i64, i64)]| {
        log.extend(counts.iter().map(|(total, last)| count(*total, *last)));
        log
    };
    let bare = |id: &str| vec![meta(id, Some("root")), turn(12)];
    let child_a = with(copied("a", &root), &[(250, 0), (300, 50)]);
    let child_b = with(copied("b", &root), &[(40, 40), (70, 30)]);
    let bare_a = with(bare("c"), &[(250, 0), (310, 60)]);
    let bare_b = with(bare("d"), &[(20, 20), (21, 1)]);
    let grandchild_a = with(copied("e", &child_a), &[(307, 7)]);
    let grandchild_b = with(copied("f", &child_b), &[(9, 9)]);
    let great_grandchild = with(copied("g", &grandchild_a), &[(307, 0), (312, 5)]);
    let tree = [
        (root.to_vec(), 250),
        (child_a, 50),
        (child_b, 70),
        (bare_a, 60),
        (bare_b, 21),
        (grandchild_a, 7),
        (grandchild_b, 9),
        (great_grandchild, 5),
    ];
    let mut sum = 0;
    for (place, (log, want)) in tree.iter().enumerate() {
        let folded = folded(log);
        assert_eq!(own(&folded), *want, "thread {place}");
        assert!(notes(&folded).iter().all(|note| !note.contains("usage")), "{:?}", notes(&folded));
        sum += own(&folded);
    }
    assert_eq!(sum, 472);
}

#[test]
fn inherited_entries_are_marked() {
    let log = [
        meta("child", Some("root")),
        meta("root", None),
        turn(-60),
        count(100, 100),
        count(250, 150),
        turn(12),
        count(290, 30),
    ];
    let folded = folded(&log);
    let marks: Vec<_> = entries(&folded).iter().map(|it| (it.ownership, it.reset)).collect();
    let inherited = (Ownership::Inherited, None);
    assert_eq!(marks, [inherited, inherited, (Ownership::Own, Some(UsageReset::OwnRecords))]);
    // 10 of the 40 beyond the root's total are of a count that is not in the log.
    assert_eq!((own(&folded), folded.snapshot.ledger().inherited().total), (40, 250));
}

#[test]
fn only_a_compaction_lets_a_total_begin_anew() {
    let log = [meta("t", None), count(500, 500), compacted(), count(30, 30), count(45, 15)];
    let folded = folded(&log);
    assert_eq!(deltas(&folded), [500, 30, 15]);
    let entries = entries(&folded);
    assert_eq!((entries[1].segment, entries[1].reset), (1, Some(UsageReset::Compaction)));
    assert_eq!((entries[2].segment, entries[2].reset, entries[2].window), (1, None, 1));
    let ledger = folded.snapshot.ledger();
    let used = [0, 1, 2].map(|window| ledger.in_window(window).total);
    assert_eq!(used, [500, 45, 0]);
    assert!(notes(&folded).is_empty());
}

#[test]
fn a_compaction_need_not_reset() {
    let log = [meta("t", None), count(500, 500), compacted(), count(530, 30)];
    let folded = folded(&log);
    assert_eq!((deltas(&folded), entries(&folded)[1].segment), (vec![500, 30], 0));
}

#[test]
fn any_other_fall_is_a_diagnostic() {
    // A stray: the next total is back above.
    let stray = folded(&[meta("t", None), count(500, 500), count(90, 20), count(530, 30)]);
    assert_eq!(deltas(&stray), [500, 0, 30]);
    assert_eq!(notes(&stray), ["2 usage: running total fell from 500 to 90; not counted"]);
    // A counter that began anew by itself.
    let restart = folded(&[meta("t", None), count(500, 500), count(20, 20), count(50, 30)]);
    assert_eq!(deltas(&restart), [500, 0, 30]);
    assert_eq!(entries(&restart).iter().map(|entry| entry.segment).max(), Some(0));
    assert_eq!(notes(&restart).len(), 1);
}

#[test]
fn a_response_told_twice_counts_once() {
    for (log, want) in [
        // Before, after, without and on both sides of its count.
        (vec![record(10), count(10, 10), record(20), count(30, 20)], vec![10, 0, 20, 0]),
        (vec![count(10, 10), record(10), count(30, 20), record(20)], vec![10, 0, 20, 0]),
        (vec![record(10), record(20)], vec![10, 20]),
        (vec![count(10, 10), record(10), record(10)], vec![10, 0, 10]),
        // A count that includes a response only a record told, and one that does not.
        (vec![record(7), record(10), count(17, 10)], vec![7, 10, 0]),
        (vec![record(7), record(10), count(10, 10)], vec![7, 10, 0]),
        // Counts that skipped a record.
        (vec![record(7), count(27, 20)], vec![7, 20]),
    ] {
        let mut log = log;
        log.insert(0, meta("t", None));
        let folded = folded(&log);
        assert_eq!(deltas(&folded), want, "{log:?}");
        assert_eq!(own(&folded), want.iter().sum::<i64>());
    }
    let record = &entries(&folded(&[meta("t", None), record(7)]))[0];
    assert_eq!((record.source, record.turn_id.as_deref()), (UsageSource::UsageRecord, Some("r")));
    assert_eq!((record.total, record.last.map(|last| last.total)), (None, Some(7)));
}

#[test]
fn counts_without_a_sum_say_so() {
    let info = ",\"info\":{\"total_token_usage\":{\"input_tokens\":5}}";
    let folded = folded(&[meta("t", None), event(1, "token_count", info)]);
    assert!(entries(&folded).is_empty());
    assert_eq!(notes(&folded), ["1 usage: count without a sum not counted"]);
}

#[test]
fn tokens_never_wrap() {
    let most = Tokens { input: i64::MAX, total: i64::MAX, ..Tokens::default() };
    assert_eq!(most.plus(most), most);
    assert_eq!(Tokens::default().minus(most), Tokens::default());
    assert!(most.covers(Tokens::default()) && !Tokens::default().covers(most));
}

/// R115: neither rollback nor compaction takes back what a resume goes on from; records of one
/// response are no totals.
#[test]
fn a_resume_goes_on_from_the_newest_count() {
    assert!(folded(&[]).snapshot.ledger().resumed().is_none());
    let count = |second, total: i64| {
        let usage = format!("{{\"input_tokens\":{total},\"total_tokens\":{total}}}");
        event(second, "token_count", &format!(",\"info\":{{\"total_token_usage\":{usage}}}"))
    };
    let log = [
        event(0, "task_started", ",\"turn_id\":\"a\""),
        event(1, "user_message", ",\"message\":\"x\""),
        count(2, 10),
        count(3, 30),
        event(4, "token_count", ",\"info\":null"),
        event(5, "thread_rolled_back", ",\"num_turns\":1"),
        line(6, "compacted", "{\"message\":\"m\"}"),
        line(7, "token_usage_record", "{\"usage\":{\"total_tokens\":5}}"),
    ];
    let folded = folded(&log);
    assert_eq!(folded.snapshot.ledger().entries().count(), 3);
    assert_eq!(folded.snapshot.ledger().resumed().map(|entry| entry.seq), Some(3));
}

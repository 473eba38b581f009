//! Every short log over a few records, for the rules that depend on what comes before what.

use std::collections::BTreeSet;

use rollfold_core::context::ContextMode;
use rollfold_core::{Change, FoldState, Index, Lines, Position, Snapshot};

use super::compare::{At, Known};
use super::{Log, options};
use crate::support::{apply, event, line};

/// Compares each log of one of the heads and `len` letters, as a whole; gives how many there are.
fn for_words(heads: &[String], letters: &[String], len: u32, compare: impl Fn(&At<'_>)) -> usize {
    let count = letters.len().pow(len);
    for head in heads {
        for word in 0..count {
            let mut left = word;
            let mut log = head.clone();
            for _ in 0..len {
                log += &letters[left % letters.len()];
                left /= letters.len();
            }
            check(&Log::new(log.clone(), log.into_bytes()), &compare);
        }
    }
    heads.len() * count
}

fn check(log: &Log, compare: impl Fn(&At<'_>)) {
    let (mut state, mut past) = (FoldState::new(options()), Index::default());
    let (mut snapshot, mut turn_ids) = (Snapshot::default(), Vec::new());
    let (mut turns, mut turns_before) = (BTreeSet::new(), Vec::new());
    for line in Lines::new(&log.bytes, Position::default()) {
        turn_ids.push(snapshot.heads().next_back().map(|(_, head)| head.id.to_string()));
        turns_before.push(turns.len());
        let Ok(step) = state.fold_line(&mut past, line, &mut String::new());
        turns.extend(step.changes.iter().filter_map(|change| match change {
            Change::TurnPut { turn, .. } => Some(turn.0),
            _ => None,
        }));
        apply(&mut snapshot, &[step]);
    }
    assert!(log.is_whole);
    compare(&At {
        log,
        lines: &log.lines,
        snapshot: &snapshot,
        state: &state,
        turn_ids: &turn_ids,
        turns_before: &turns_before,
    });
}

fn meta(id: &str, fields: &str) -> String {
    let time = "\"timestamp\":\"2026-03-01T10:00:10.000Z\"";
    line(10, "session_meta", &format!("{{\"id\":\"{id}\",{time}{fields}}}"))
}

const FORKED: &str = ",\"forked_from_id\":\"root\"";

/// A turn that began so many seconds after 10:00.
fn turn(began: i64) -> String {
    let began = 1_772_359_200 + began;
    event(10, "task_started", &format!(",\"turn_id\":\"t\",\"started_at\":{began}"))
}

#[test]
fn ledgers() {
    let usage = |total: i64| format!("{{\"input_tokens\":{total},\"total_tokens\":{total}}}");
    let count = |total: i64, last: i64| {
        let (total, last) = (usage(total), usage(last));
        let info = format!("{{\"total_token_usage\":{total},\"last_token_usage\":{last}}}");
        event(10, "token_count", &format!(",\"info\":{info}"))
    };
    let record =
        |used: i64| line(10, "token_usage_record", &format!("{{\"usage\":{}}}", usage(used)));
    let heads = [meta("child", ""), [meta("child", FORKED), meta("root", ""), turn(-60)].concat()];
    let letters = [
        count(10, 10),
        count(30, 20),
        count(17, 10),
        count(5, 50),
        record(10),
        record(20),
        line(10, "compacted", "{\"message\":\"m\"}"),
        turn(60),
    ];
    assert_eq!(for_words(&heads, &letters, 4, |at| at.usage()), 8_192);
}

/// Copies end by any of their signs; claims are reached or not.
#[test]
fn copies_and_claims() {
    let claim = |start: u64| meta("child", &format!(",\"subagent_history_start_ordinal\":{start}"));
    let numbered = |line: &str, ordinal: u64| {
        line.replacen("\"type\"", &format!("\"ordinal\":{ordinal},\"type\""), 1)
    };
    let said = |second| event(second, "agent_message", ",\"message\":\"m\"");
    let heads = [
        meta("child", ""),
        meta("child", FORKED),
        [meta("child", FORKED), meta("root", "")].concat(),
        claim(1),
        claim(2),
        numbered(&claim(2), 0),
    ];
    let letters = [
        said(5),
        said(10),
        said(11),
        said(12),
        said(14).replace("2026-03-01T10:00:14.000Z", "late"),
        turn(-60),
        turn(10),
        numbered(&turn(60), 2),
        meta("child", ""),
        meta("root", ""),
        event(10, "thread_settings_applied", ",\"thread_settings\":{}"),
    ];
    assert_eq!(for_words(&heads, &letters, 3, |at| at.inheritance()), 7_986);
}

#[test]
fn first_words() {
    let said = |text: &str, more: &str| {
        event(10, "user_message", &format!(",\"message\":\"{text}\"{more}"))
    };
    let item = |kind: &str, content: &str| {
        let item = format!("{{\"type\":\"{kind}\",\"id\":\"i\",\"content\":[{content}]}}");
        event(12, "item_completed", &format!(",\"turn_id\":\"t\",\"item\":{item}"))
    };
    let letters = [
        said("event", ""),
        said(" ", ",\"images\":[\"u\"]"),
        said("", ""),
        message("user", "history"),
        message("user", "<skill>x</skill>"),
        message("assistant", "answer"),
        item("UserMessage", "{\"type\":\"text\",\"text\":\"item\"}"),
        item("UserMessage", "{\"type\":\"audio\",\"audio_url\":\"u\"}"),
        item("AgentMessage", "{\"type\":\"Text\",\"text\":\"reply\"}"),
        event(13, "thread_goal_updated", ",\"threadId\":\"t\",\"goal\":{\"objective\":\" win \"}"),
    ];
    assert_eq!(for_words(&[meta("t", "")], &letters, 3, |at| at.thread()), 1_000);
}

fn response(fields: &str) -> String {
    line(10, "response_item", &format!("{{{fields}}}"))
}

fn message(role: &str, text: &str) -> String {
    let content = format!("[{{\"type\":\"input_text\",\"text\":{text:?}}}]");
    response(&format!("\"type\":\"message\",\"role\":\"{role}\",\"content\":{content}"))
}

fn rollback(count: u32) -> String {
    event(10, "thread_rolled_back", &format!(",\"num_turns\":{count}"))
}

#[test]
fn contexts() {
    let start = |id: &str| event(10, "task_started", &format!(",\"turn_id\":\"{id}\""));
    let history = "[{\"type\":\"message\",\"role\":\"user\",\"content\":[]}]";
    let settings = "{\"turn_id\":\"a\",\"model\":\"m\",\"cwd\":\"/w\"}";
    let letters = [
        start("a") + &message("user", "one"),
        message("user", "<skill>two</skill>"),
        line(10, "compacted", "{\"message\":\"short\",\"window_number\":3}"),
        line(10, "compacted", &format!("{{\"message\":\"m\",\"replacement_history\":{history}}}")),
        line(10, "turn_context", settings),
        rollback(1),
        rollback(2),
    ];
    let count = for_words(&[start("b")], &letters, 5, |at| {
        at.context(ContextMode::Reference, &mut Known::default());
        at.context(ContextMode::Sound, &mut Known::default());
    });
    assert_eq!(count, 16_807);
}

/// A checkpoint whose turn is rolled back, though not all its messages, and behind it one that
/// stays: no later rollback reaches the first.
#[test]
fn a_checkpoint_that_stays_settles_those_before() {
    let start = event(10, "task_started", ",\"turn_id\":\"a\"");
    let checkpoint = |text: &str| {
        let entry = format!(
            "{{\"type\":\"message\",\"role\":\"user\",\"content\":[{{\"type\":\"input_text\",\"text\":\"{text}\"}}]}}"
        );
        let fields = format!("\"message\":\"m\",\"replacement_history\":[{entry},{entry}]");
        line(10, "compacted", &format!("{{{fields}}}"))
    };
    let log = [
        start.clone() + &checkpoint("zero") + &message("user", "one"),
        start.clone() + &checkpoint("first") + &message("user", "two") + &message("user", "too"),
        rollback(1),
        start.clone() + &message("user", "three") + &checkpoint("second"),
        start + &event(10, "user_message", ",\"message\":\"told in no history\""),
        rollback(1),
    ];
    let log = log.concat();
    check(&Log::new(log.clone(), log.into_bytes()), |at| {
        at.context(ContextMode::Sound, &mut Known::default());
    });
}

#[test]
fn cuts() {
    let agents = "\"author\":\"/root\",\"recipient\":\"/root/a\"";
    let envelope = format!("{{{agents},\"content\":\"x\",\"trigger_turn\":true}}");
    let announced = |triggers: bool| {
        let payload = format!("{{\"trigger_turn\":{triggers}}}");
        line(10, "inter_agent_communication_metadata", &payload)
    };
    let letters = [
        event(10, "task_started", ",\"turn_id\":\"a\""),
        event(10, "task_complete", ",\"turn_id\":\"a\""),
        message("user", "one"),
        message("assistant", &envelope),
        response(&format!("\"type\":\"agent_message\",{agents},\"content\":[]")),
        line(10, "inter_agent_communication", &envelope),
        announced(true),
        announced(false),
        rollback(1),
        rollback(2),
    ];
    assert_eq!(for_words(&[String::new()], &letters, 4, |at| at.forks()), 10_000);
}

//! Which records are the thread's own (DESIGN "Words", FORMAT A.2, A14, TORTURE rows 6 and 11).
//!
//! A file may name another thread's history (`history_base`), claim where its own begins
//! (`subagent_history_start_ordinal`), or begin with a copy. Of a copy nothing marks the end; signs
//! are, the first that is there: the file's own `session_meta` again; a turn that began after the
//! thread was made; if no turn says when it began, the first record written after the thread was
//! made behind records that kept their times, or else a pause of two seconds.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::lines::{Line, Record, records};
use super::origin::spawned;
use super::time::parse_ms;
use super::values::{canonical, int, made_at_ms, text, unsigned};

/// What of the history is another thread's.
pub(crate) struct Inheritance {
    pub(crate) base: Value,
    pub(crate) prefix: Option<Prefix>,
    /// Whether another thread is named, from which counters may go on.
    pub(crate) has_origin: bool,
}

pub(crate) struct Prefix {
    pub(crate) kind: Value,
    pub(crate) start_seq: u64,
    /// The first record behind it, and what tells.
    pub(crate) end: Option<(u64, &'static str)>,
}

/// The thread, as its first `session_meta` tells.
struct Thread {
    id: Option<String>,
    made_ms: Option<i64>,
}

impl Thread {
    fn is_own_meta(&self, record: &Record) -> bool {
        let id = text(&record.payload, "id").map(canonical);
        record.kind() == "session_meta" && id.is_some() && id == self.id
    }

    /// Whether a turn that starts here began before the thread was made, if that can be told.
    fn is_older_turn(&self, record: &Record) -> Option<bool> {
        if record.kind() != "event_msg/task_started" {
            return None;
        }
        let made_ms = self.made_ms?;
        match text(&record.payload, "turn_id").and_then(made_at_ms) {
            Some(began_ms) => Some(began_ms < made_ms),
            None => Some(int(&record.payload["started_at"])? < made_ms.div_euclid(1_000)),
        }
    }
}

fn written_ms(record: &Record) -> Option<i64> {
    record.timestamp.as_deref().and_then(parse_ms)
}

pub(crate) fn inheritance(lines: &[Line]) -> Inheritance {
    let none = Inheritance { base: Value::Null, prefix: None, has_origin: false };
    let mut rest = records(lines).skip_while(|(_, record)| record.kind() != "session_meta");
    let Some((meta_line, record)) = rest.next() else { return none };
    let rest: Vec<(&Line, &Record)> = rest.collect();
    let meta = &record.payload;
    let id = text(meta, "id");
    let thread = Thread {
        id: id.map(canonical),
        made_ms: id.and_then(made_at_ms).or_else(|| parse_ms(text(meta, "timestamp")?)),
    };
    let base = &meta["history_base"];
    let is_named = !meta["forked_from_id"].is_null()
        || !meta["parent_thread_id"].is_null()
        || spawned(&meta["source"]).is_object();
    let mut found = Inheritance { has_origin: is_named, ..none };
    if base.is_object() {
        found.base = json!({
            "thread_id": canonical(text(base, "thread_id").unwrap_or("")),
            "end_ordinal_exclusive": unsigned(&base["end_ordinal_exclusive"]),
            "end_byte_offset": unsigned(&base["end_byte_offset"]),
        });
    }
    if let Some(start) = unsigned(&meta["subagent_history_start_ordinal"]) {
        found.prefix = claimed(start, record.ordinal, meta_line.seq, &rest);
    } else if !base.is_object() {
        found.prefix = copied(&thread, is_named, &rest);
    }
    found.has_origin |= base.is_object() || found.prefix.is_some();
    found
}

/// A14. A claim that begins with the record behind the head claims nothing.
fn claimed(
    start: u64,
    of_meta: Option<u64>,
    meta_seq: u64,
    rest: &[(&Line, &Record)],
) -> Option<Prefix> {
    let mut expected = of_meta.map(|ordinal| ordinal.saturating_add(1));
    if start <= expected.unwrap_or(1) {
        return None;
    }
    let kind = json!({"claimed": {"start_ordinal": start}});
    let mut prefix = Prefix { kind, start_seq: meta_seq + 1, end: None };
    for (line, record) in rest {
        // A record without ordinal follows the one before.
        let ordinal = record.ordinal.or(expected);
        if ordinal.is_some_and(|ordinal| ordinal >= start) {
            prefix.end = Some((line.seq, "ordinal"));
            break;
        }
        expected = ordinal.map(|ordinal| ordinal.saturating_add(1));
    }
    Some(prefix)
}

fn copied(thread: &Thread, is_named: bool, rest: &[(&Line, &Record)]) -> Option<Prefix> {
    let begins = rest
        .iter()
        .position(|(_, record)| begins_copy(thread, is_named, record) || is_talk(record))?;
    let (line, first) = rest[begins];
    if !begins_copy(thread, is_named, first) {
        return None;
    }
    let kind = match first.kind() {
        "session_meta" => {
            json!({"foreign_meta": {"thread_id": canonical(text(&first.payload, "id")?)}})
        }
        _ => json!("older_turn"),
    };
    let mut prefix = Prefix { kind, start_seq: line.seq, end: None };
    for place in begins + 1..rest.len() {
        if let Some(sign) = ends_copy(thread, &rest[begins..=place]) {
            prefix.end = Some((rest[place].0.seq, sign));
            break;
        }
    }
    Some(prefix)
}

fn begins_copy(thread: &Thread, is_named: bool, record: &Record) -> bool {
    let is_foreign = record.kind() == "session_meta"
        && record.payload["id"].is_string()
        && !thread.is_own_meta(record);
    is_foreign || (is_named && thread.is_older_turn(record) == Some(true))
}

/// Whether the last of these records, the first of which began the copy, is behind it.
fn ends_copy(thread: &Thread, copy: &[(&Line, &Record)]) -> Option<&'static str> {
    let (_, last) = copy.last()?;
    let before = &copy[..copy.len() - 1];
    if last.kind() == "session_meta" {
        return thread.is_own_meta(last).then_some("own_meta");
    }
    match thread.is_older_turn(last) {
        Some(true) => return None,
        Some(false) => return Some("turn_time"),
        None => {}
    }
    if before.iter().any(|(_, record)| thread.is_older_turn(record).is_some()) {
        return None;
    }
    let newest_ms = before.iter().rev().find_map(|(_, record)| written_ms(record))?;
    let written_ms = written_ms(last)?;
    match thread.made_ms {
        Some(made_ms) if newest_ms < made_ms => (written_ms >= made_ms).then_some("written_later"),
        _ => (written_ms - newest_ms >= 2_000).then_some("pause"),
    }
}

/// Whether a record belongs to a talk; settings may stand before a copy.
fn is_talk(record: &Record) -> bool {
    let settings = ["thread_settings_applied", "thread_goal_updated", "thread_name_updated"];
    match record.kind().split_once('/') {
        Some(("event_msg", tag)) => !settings.contains(&tag),
        Some(_) => true,
        None => record.kind() == "compacted",
    }
}

/// The seqs of the records that were the thread's own as far as could be told when they were read.
pub(crate) fn own_records(lines: &[Line]) -> BTreeSet<u64> {
    let found = inheritance(lines);
    let is_own = |seq: u64| match &found.prefix {
        None => true,
        Some(prefix) => seq < prefix.start_seq || prefix.end.is_some_and(|(end, _)| seq >= end),
    };
    lines.iter().map(|line| line.seq).filter(|seq| is_own(*seq)).collect()
}

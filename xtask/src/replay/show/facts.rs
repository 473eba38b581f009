//! What is known of a thread besides its turns.

use std::io;

use rollfold_core::forks;
use rollfold_core::model::{Recognition, Tokens, World};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::Folded;
use super::print::{Printer, cell, json_cell, members, raw_cell};

pub(super) fn world(to: &mut Printer<'_>, folded: &Folded) -> io::Result<()> {
    let world = folded.snapshot.world();
    if to.is_json() {
        return to.json(json!({"world": world}));
    }
    match world {
        World::Unknown => to.line("unknown"),
        World::Known(value) => format!("{value:#}").lines().try_for_each(|line| to.line(line)),
    }
}

pub(super) fn windows(to: &mut Printer<'_>, folded: &Folded) -> io::Result<()> {
    let ledger = folded.snapshot.ledger();
    let mut rows = Vec::new();
    for window in folded.snapshot.windows().iter() {
        let own_tokens = ledger.in_window(window.number);
        if to.is_json() {
            to.json(json!({"window": window, "own_tokens": own_tokens}))?;
            continue;
        }
        let [number, start] = [window.number, window.start_seq].map(|number| number.to_string());
        let [claimed, end] = [window.claimed_number, window.end_seq].map(cell);
        let why = json_cell(&json!(window.end));
        let id = cell(window.id.as_ref());
        rows.push([number, claimed, start, end, why, own_tokens.total.to_string(), id]);
    }
    if to.is_json() {
        return Ok(());
    }
    let head = ["window", "claimed", "first seq", "end seq", "ended by", "own tokens", "id"];
    to.table(head, &rows)
}

/// Facts that are not known are left out of the table; in JSON they are null.
pub(super) fn thread(to: &mut Printer<'_>, folded: &Folded) -> io::Result<()> {
    let thread = folded.snapshot.thread();
    if to.is_json() {
        return to.json_with(json!({}), "thread", thread);
    }
    let is_known = |value: &RawValue| value.get() != "null";
    let mut rows = Vec::new();
    for (name, value) in members(thread)? {
        if name == "head" && is_known(&value) {
            let fields = members(&value)?.into_iter().filter(|(_, value)| is_known(value));
            rows.extend(fields.map(|(key, value)| [format!("head.{key}"), raw_cell(&value)]));
        } else if is_known(&value) {
            rows.push([name, raw_cell(&value)]);
        }
    }
    to.table(["fact", "value"], &rows)
}

pub(super) fn usage(to: &mut Printer<'_>, folded: &Folded) -> io::Result<()> {
    let ledger = folded.snapshot.ledger();
    let (own, inherited) = (ledger.own(), ledger.inherited());
    let mut rows = Vec::new();
    for entry in ledger.entries() {
        if to.is_json() {
            to.json(json!({"entry": entry}))?;
            continue;
        }
        let words = [json!(entry.source), json!(entry.ownership), json!(entry.reset)];
        let [source, whose, reset] = words.map(|word| json_cell(&word));
        let turn = cell(entry.turn_id.as_ref());
        let [seq, window, segment] =
            [entry.seq, entry.window, entry.segment.into()].map(|number: u64| number.to_string());
        let [total, delta] = [entry.total, Some(entry.delta)].map(|it| cell(it.map(|it| it.total)));
        rows.push([seq, source, turn, window, whose, total, delta, segment, reset]);
    }
    if to.is_json() {
        return to.json(json!({"own": own, "inherited": inherited}));
    }
    let head =
        ["seq", "record", "turn", "window", "whose", "total", "adds", "segment", "began anew by"];
    to.table(head, &rows)?;
    to.line(&format!("own: {}", tokens(own)))?;
    to.line(&format!("inherited: {}", tokens(inherited)))
}

fn tokens(tokens: Tokens) -> String {
    let Tokens { input, cached_input, output, reasoning_output, total, .. } = tokens;
    format!(
        "{total} tokens ({input} in, {cached_input} of them cached; {output} out, \
         {reasoning_output} of them reasoning)"
    )
}

pub(super) fn health(to: &mut Printer<'_>, folded: &Folded) -> io::Result<()> {
    let state = &folded.folder.frontier().state;
    let (health, recognition) = (state.health(), state.recognition());
    let unknown_mode = &folded.snapshot.thread().unknown_mode;
    if to.is_json() {
        let kinds: Map<String, Value> =
            health.kinds().map(|(kind, health)| (kind.name(), json!(health))).collect();
        let names = |names: &mut dyn Iterator<Item = (&str, u64)>| -> Map<String, Value> {
            names.map(|(name, count)| (name.to_owned(), count.into())).collect()
        };
        return to.json(json!({"health": {
            "recognition": recognition,
            "unknown_history_mode": unknown_mode,
            "blank": state.counts.blank,
            "own_records": health.own_records(),
            "inherited_records": health.records() - health.own_records(),
            "kinds": kinds,
            "unknown": names(&mut health.unknown()),
            "damaged": names(&mut health.damaged()),
        }}));
    }
    to.line(&recognised(recognition))?;
    if let Err(error) = folded.snapshot.readable() {
        to.line(&error.to_string())?;
    }
    let kinds = health.kinds().map(|(kind, health)| {
        let percent = cell(health.percent().map(|percent| format!("{percent:.1}")));
        let [understood, odd] =
            [health.understood, health.with_problems].map(|count| count.to_string());
        [kind.name(), understood, odd, percent]
    });
    let nothing = |what: &str, name: &str, count: u64| {
        [format!("{what} {name}").trim_end().to_owned(), "-".into(), count.to_string(), "-".into()]
    };
    let unknown = health.unknown().map(|(name, count)| nothing("unknown:", name, count));
    let damaged = health.damaged().map(|(name, count)| nothing("damaged:", name, count));
    let rows: Vec<_> = kinds.chain(unknown).chain(damaged).collect();
    to.table(["kind", "understood", "odd", "% understood"], &rows)
}

/// How a log was recognised, in words.
pub(in super::super) fn recognised(recognition: Recognition) -> String {
    match recognition {
        Recognition::Empty => String::from("empty"),
        Recognition::NothingUnderstood { unknown, damaged } => {
            format!("nothing understood: {unknown} unknown, {damaged} damaged")
        }
        Recognition::NoTurns { records } => format!("no turns in {records} records"),
        Recognition::Turns { turns } => format!("{turns} turns"),
    }
}

pub(super) fn forks(to: &mut Printer<'_>, folded: &Folded) -> io::Result<()> {
    let (snapshot, state) = (&folded.snapshot, &folded.folder.frontier().state);
    let (records, inheritance) = (snapshot.records(), snapshot.inheritance());
    let own_records = state.health().own_records();
    let inherited_records = state.health().records() - own_records;
    let messages = forks::user_message_positions(records);
    let turns = forks::fork_turn_positions(records);
    let source = forks::source_state(records, state.history().open_turn());
    let active = source.active.as_ref().map(|(id, point)| json!({"turn_id": id, "start": point}));
    if to.is_json() {
        return to.json(json!({"forks": {
            "inheritance": inheritance,
            "first_own_turn": inheritance.first_own_turn(),
            "own_records": own_records,
            "inherited_records": inherited_records,
            "user_message_positions": messages,
            "fork_turn_positions": turns,
            "is_mid_turn": source.is_mid_turn,
            "active": active,
        }}));
    }
    let seqs = |points: &[forks::ForkPoint]| {
        let seqs = points.iter().map(|point| point.seq.to_string());
        Some(seqs.collect::<Vec<_>>().join(" ")).filter(|seqs| !seqs.is_empty())
    };
    let row = |name: &str, value: String| [name.to_owned(), value];
    let rows = [
        row("history in another file", json_cell(&json!(inheritance.base))),
        row("copied prefix", json_cell(&json!(inheritance.prefix))),
        row("own records", own_records.to_string()),
        row("inherited records", inherited_records.to_string()),
        row("user messages at seq", cell(seqs(&messages))),
        row("turns to fork at seq", cell(seqs(&turns))),
        row("in the middle of a turn", String::from(if source.is_mid_turn { "yes" } else { "no" })),
        row("turn that is open", json_cell(&json!(active))),
    ];
    to.table(["fork", ""], &rows)
}

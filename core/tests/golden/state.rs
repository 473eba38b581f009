//! The rest of the snapshot: facts, world, windows, usage, forks, context, policy, health:
//! `expect-state.snap`.

use std::fmt::Write as _;

use rollfold_core::forks::{
    ForkPoint, cut_after_turn, fork_turn_positions, is_before_first_turn, last_fork_turns,
    source_state, user_message_positions,
};
use rollfold_core::model::{
    Fact, HistoryMode, Ownership, Tokens, UsageEntry, Window, World, WorldChange,
};
use rollfold_core::{
    Change, Depth, Lines, Policy, PolicyBytes, Position, Raw, Snapshot, Step, decode,
};

use super::context;
use crate::support::Folded;

pub(super) fn show(folded: &Folded, input: &[u8]) -> String {
    let snapshot = &folded.snapshot;
    let mut text = String::new();
    show_thread(&mut text, snapshot);
    show_world(&mut text, snapshot.world());
    text.push_str("windows\n");
    for window in snapshot.windows().iter() {
        show_window(&mut text, snapshot, window);
    }
    show_usage(&mut text, snapshot);
    show_forks(&mut text, folded);
    text.push_str("changes\n");
    for step in &folded.steps {
        show_changes(&mut text, step);
    }
    context::show(&mut text, snapshot, input);
    show_policy(&mut text, snapshot, input);
    show_health(&mut text, folded);
    text
}

/// A line a fact; what is absent is left out.
fn show_thread(text: &mut String, snapshot: &Snapshot) {
    text.push_str("thread\n");
    let json = serde_json::to_string(snapshot.thread()).unwrap();
    for (name, value) in members(&json) {
        writeln!(text, "  {name} {}", if name == "head" { without_nulls(&value) } else { value })
            .unwrap();
    }
}

/// The members of an object but those that are null, in order.
fn members(json: &str) -> Vec<(String, String)> {
    let object: Raw<'_> = serde_json::from_str(json).unwrap();
    let entries = object.entries().unwrap().into_iter();
    let texts = entries.map(|(key, value)| (key.into_owned(), value.get().to_owned()));
    texts.filter(|(_, value)| value != "null").collect()
}

pub(super) fn without_nulls(json: &str) -> String {
    let members = members(json);
    let texts: Vec<_> = members.iter().map(|(key, value)| format!("{key}: {value}")).collect();
    format!("{{{}}}", texts.join(", "))
}

fn show_world(text: &mut String, world: &World) {
    let state = world.value().map_or_else(|| "unknown".to_owned(), ToString::to_string);
    writeln!(text, "world {state}").unwrap();
}

fn show_window(text: &mut String, snapshot: &Snapshot, window: &Window) {
    let Window { number, claimed_number, id, first_id, previous_id, start_seq, end_seq, end } =
        window;
    let end_seq = end_seq.map(|seq| seq.to_string()).unwrap_or_default();
    write!(text, "  {number} seq {start_seq}..{end_seq}").unwrap();
    if let Some(end) = end {
        write!(text, " ended by {}", name_of(end)).unwrap();
    }
    if let Some(claimed) = claimed_number {
        write!(text, ", claims number {claimed}").unwrap();
    }
    for (name, id) in [("id", id), ("first", first_id), ("previous", previous_id)] {
        if let Some(id) = id {
            write!(text, ", {name} {id}").unwrap();
        }
    }
    writeln!(text, ", own use {}", tokens(snapshot.ledger().in_window(*number))).unwrap();
}

/// The word a unit variant is stored as.
pub(super) fn name_of(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap().replace('"', "")
}

/// The sum; in brackets input, cached input, written input, output, thought.
fn tokens(tokens: Tokens) -> String {
    let Tokens { input, cached_input, cache_write_input, output, reasoning_output, total } = tokens;
    if tokens == Tokens::default() {
        return "0".to_owned();
    }
    format!("{total} [{input} {cached_input} {cache_write_input} {output} {reasoning_output}]")
}

fn show_usage(text: &mut String, snapshot: &Snapshot) {
    let ledger = snapshot.ledger();
    let [own, inherited] = [ledger.own(), ledger.inherited()].map(tokens);
    writeln!(text, "usage own {own}, inherited {inherited}").unwrap();
    for entry in ledger.entries() {
        show_usage_entry(text, entry);
    }
}

fn show_usage_entry(text: &mut String, entry: &UsageEntry) {
    let UsageEntry { number, seq, span, source, turn_id, window, .. } = entry;
    let source = name_of(source);
    let turn = turn_id.as_deref().map_or("no turn".to_owned(), |id| format!("turn {id}"));
    let place = format!("[{}+{}]", span.offset_bytes, span.len_bytes);
    write!(text, "  {number} seq {seq} {place} {source} {turn} window {window}").unwrap();
    write!(text, " run {} {}:", entry.segment, name_of(&entry.ownership)).unwrap();
    for (name, count) in [("total", entry.total), ("last", entry.last)] {
        if let Some(count) = count {
            write!(text, " {name} {},", tokens(count)).unwrap();
        }
    }
    write!(text, " adds {}", tokens(entry.delta)).unwrap();
    if let Some(reset) = &entry.reset {
        write!(text, ", begins anew: {}", name_of(reset)).unwrap();
    }
    if let Some(size) = entry.model_context_window {
        write!(text, ", context of {size}").unwrap();
    }
    text.push('\n');
}

/// What is inherited, and where the thread can be cut; places are record indexes.
fn show_forks(text: &mut String, folded: &Folded) {
    let Folded { folder, snapshot, .. } = folded;
    let inheritance = snapshot.inheritance();
    let json = serde_json::to_string(inheritance).unwrap();
    writeln!(text, "inheritance {}", without_nulls(&json)).unwrap();
    let records = snapshot.records();
    let is_own = |seq: &u64| inheritance.ownership(*seq) == Ownership::Own;
    if inheritance.prefix.is_some() {
        let lines = folder.frontier().state.position.seq;
        let own: Vec<u64> = (0..lines).filter(is_own).collect();
        let first = Some(inheritance.first_own_turn().0).filter(|turn| *turn < u32::MAX);
        let first = first.map_or_else(|| "none yet".to_owned(), |turn| turn.to_string());
        writeln!(text, "  own lines {own:?}, first own turn {first}").unwrap();
    }
    let indexes = |points: Vec<ForkPoint>| -> Vec<u64> {
        points.iter().map(|point| point.record_index).collect()
    };
    let users = indexes(user_message_positions(records));
    let turns = indexes(fork_turn_positions(records));
    let newest = last_fork_turns(records, 1).map(|point| point.record_index);
    let state = source_state(records, folder.frontier().state.history().open_turn());
    let middle = if state.is_mid_turn { ", mid-turn" } else { "" };
    let first = if is_before_first_turn(records) { ", before the first turn" } else { "" };
    writeln!(text, "forks user messages {users:?}, turns {turns:?}{middle}{first}").unwrap();
    assert_eq!(newest, turns.last().copied());
    for (_, head) in snapshot.heads() {
        let cut = cut_after_turn(records, snapshot.heads().map(|(_, head)| head), &head.id);
        let cut = cut.map_or_else(|error| error.to_string(), |it| it.record_index.to_string());
        writeln!(text, "  cut after {}: {cut}", head.id).unwrap();
    }
}

/// What changed beside turns and items: facts by name, world and windows with their values.
fn show_changes(text: &mut String, step: &Step) {
    let mut told = Vec::new();
    for change in &step.changes {
        told.push(match change {
            Change::Thread(fact) => fact_name(fact),
            Change::Inheritance(_) => "inheritance".to_owned(),
            Change::World(WorldChange::Set(value)) => format!("world = {value}"),
            Change::World(WorldChange::Patch(patch)) => format!("world + {patch}"),
            Change::World(WorldChange::Lost(loss)) => format!("world lost: {}", name_of(loss)),
            Change::Window(window) if window.end.is_some() => {
                format!("window {} ended", window.number)
            }
            Change::Window(window) => format!("window {}", window.number),
            Change::Usage(entry) => format!("usage {}", entry.number),
            _ => continue,
        });
    }
    if !told.is_empty() {
        writeln!(text, "  {}: {}", step.seq, told.join("; ")).unwrap();
    }
}

/// The name; of a fact that is taken back with a minus.
fn fact_name(fact: &Fact) -> String {
    let json = serde_json::to_string(fact).unwrap();
    let sign = if json.ends_with(":null}") { "-" } else { "" };
    format!("{sign}{}", fact.name())
}

/// A line a label: what the log holds of it, and what each policy would keep of that.
fn show_policy(text: &mut String, snapshot: &Snapshot, input: &[u8]) {
    let mode = snapshot.thread().history_mode().cloned().unwrap_or(HistoryMode::Legacy);
    let later = Policy::Later(mode.clone());
    let [mut seed_bytes, mut later_bytes] = [PolicyBytes::default(), PolicyBytes::default()];
    let mut scratch = String::new();
    for line in Lines::new(input, Position::default()) {
        for record in decode(line, &mut scratch, Depth::Needed).records.as_slice() {
            seed_bytes.apply(record, &Policy::Seed);
            later_bytes.apply(record, &later);
        }
    }
    let (seed, later) = (seed_bytes.total(), later_bytes.total());
    writeln!(
        text,
        "policy {} records of {} bytes: seed keeps {} of {}, later {} of {}",
        seed.records,
        seed.bytes,
        seed.kept_records,
        seed.kept_bytes,
        later.kept_records,
        later.kept_bytes,
    )
    .unwrap();
    for ((label, seed), (_, later)) in seed_bytes.labels().zip(later_bytes.labels()) {
        let (records, bytes) = (seed.records, seed.bytes);
        write!(text, "  {label} {records} of {bytes}").unwrap();
        for (name, kept) in [("seed", seed), ("later", later)] {
            match (kept.kept_records, kept.kept_bytes) {
                (0, _) => write!(text, ", {name} keeps none").unwrap(),
                (kept, _) if kept == records => {}
                (kept, bytes) => write!(text, ", {name} keeps {kept} of {bytes}").unwrap(),
            }
        }
        text.push('\n');
    }
}

fn show_health(text: &mut String, folded: &Folded) {
    let state = &folded.folder.frontier().state;
    let health = state.health();
    let recognition = serde_json::to_string(&state.recognition()).unwrap();
    let (own, all) = (health.own_records(), health.records());
    writeln!(text, "health {recognition}, {own} of {all} records own").unwrap();
    for (kind, counts) in health.kinds() {
        if counts.with_problems > 0 {
            let (good, bad) = (counts.understood, counts.with_problems);
            writeln!(text, "  {} {good} understood, {bad} with problems", kind.name()).unwrap();
        }
    }
    for (name, count) in health.unknown() {
        writeln!(text, "  unknown {name} {count}").unwrap();
    }
    for (name, count) in health.damaged() {
        let name = if name.is_empty() { "without a type" } else { name };
        writeln!(text, "  damaged {name} {count}").unwrap();
    }
}

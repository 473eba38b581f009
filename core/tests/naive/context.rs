//! What a resume would send to the model (R72-R77, R80-R110).

use serde_json::{Value, json};

use super::lines::{Line, Record, counted};
use super::messages::words;
use super::rebuild::{rebuilt, visible};
use super::values::text;
use super::windows::{claimed_number, id, initial_id};
use super::world::{loses_world, num_turns, of_records};

/// Whether a rolled-back checkpoint takes along what stood before it (R92).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Reference,
    Sound,
}

pub(crate) struct Context {
    pub(crate) history: Vec<Value>,
    /// Which items of the history are outputs of tools as they were recorded: what R110 cuts.
    pub(crate) recorded_outputs: Vec<bool>,
    pub(crate) previous_turn_settings: Value,
    pub(crate) reference_seq: Option<u64>,
    pub(crate) world: Option<Value>,
    pub(crate) window: Value,
}

type Rec<'l> = (&'l Line, &'l Record);

/// What one segment says, newest first (R80).
#[derive(Default)]
struct Segment {
    turn_id: Option<String>,
    counts_as_user: bool,
    settings: Value,
    reference: Reference,
    world: Vec<Option<usize>>,
    checkpoints: Vec<usize>,
    window: Value,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Reference {
    #[default]
    NeverSet,
    Cleared,
    Latest(usize),
}

/// What survives.
#[derive(Default)]
struct Found {
    base: Option<usize>,
    suffix_start: usize,
    rolled_back: Vec<usize>,
    settings: Value,
    reference: Reference,
    world: Vec<Option<usize>>,
    window: Value,
}

pub(crate) fn context(lines: &[Line], mode: Mode) -> Context {
    let records: Vec<Rec<'_>> = counted(lines).collect();
    let found = reverse_pass(lines, &records, mode);
    let (history, saw_legacy) = forward_pass(&records, &found, mode);
    let reference_seq = match found.reference {
        Reference::Latest(place) if !saw_legacy => Some(records[place].0.seq),
        _ => None,
    };
    Context {
        recorded_outputs: history.iter().map(|(_, is_output)| *is_output).collect(),
        history: history.into_iter().map(|(item, _)| item).collect(),
        previous_turn_settings: found.settings,
        reference_seq,
        world: of_records(found.world.iter().rev().map(|place| Some(records[(*place)?].1))),
        window: window(lines, &records, found.window),
    }
}

/// R83.
fn is_compatible(one: Option<&str>, other: Option<&str>) -> bool {
    one.is_none() || other.is_none() || one == other
}

fn replacement(payload: &Value) -> Option<Vec<Value>> {
    let entries = payload["replacement_history"].as_array()?;
    // FORMAT T6; an entry without a type is nothing a model could be sent.
    let is_there = |entry: &&Value| entry["type"].is_string() && entry["type"] != "ghost_snapshot";
    Some(entries.iter().filter(is_there).cloned().collect())
}

/// R82, R84-R91.
fn reverse_pass(lines: &[Line], records: &[Rec<'_>], mode: Mode) -> Found {
    let mut found = Found::default();
    let mut active: Option<Segment> = None;
    let mut pending = 0;
    let mut places = (0..records.len()).rev();
    for line in lines.iter().rev() {
        // R69: what the reference does not notice.
        if mode == Mode::Sound && loses_world(line) {
            active.get_or_insert_default().world.push(None);
        }
        if !line.record().is_some_and(Record::is_counted) {
            continue;
        }
        let (place, record) = (places.next().unwrap(), line.record().unwrap());
        let payload = &record.payload;
        let turn_id = text(payload, "turn_id");
        match record.kind() {
            "compacted" => {
                let segment = active.get_or_insert_default();
                segment.world.push(Some(place));
                if segment.window.is_null() {
                    segment.window = window_of(payload);
                }
                if segment.reference == Reference::NeverSet {
                    segment.reference = Reference::Cleared;
                }
                if replacement(payload).is_some() {
                    segment.checkpoints.push(place);
                    if mode == Mode::Reference && segment.checkpoints.len() == 1 {
                        found.suffix_start = place + 1;
                    }
                }
            }
            "event_msg/thread_rolled_back" => pending += num_turns(record),
            "event_msg/task_complete" => {
                let segment = active.get_or_insert_default();
                segment.turn_id = segment.turn_id.take().or(turn_id.map(str::to_owned));
            }
            "event_msg/turn_aborted" if active.is_some() || turn_id.is_some() => {
                let segment = active.get_or_insert_default();
                segment.turn_id = segment.turn_id.take().or(turn_id.map(str::to_owned));
            }
            "event_msg/user_message" | "inter_agent_communication" => {
                active.get_or_insert_default().counts_as_user = true;
            }
            "turn_context" => {
                let segment = active.get_or_insert_default();
                segment.turn_id = segment.turn_id.take().or(turn_id.map(str::to_owned));
                if is_compatible(segment.turn_id.as_deref(), turn_id) {
                    segment.settings = json!({
                        "model": text(payload, "model"), "comp_hash": text(payload, "comp_hash"),
                        "realtime_active": payload["realtime_active"].as_bool(),
                    });
                    if segment.reference == Reference::NeverSet {
                        segment.reference = Reference::Latest(place);
                    }
                }
            }
            "world_state" => active.get_or_insert_default().world.push(Some(place)),
            "event_msg/task_started" => {
                let implicit = format!("rollout-{place}");
                let id = turn_id.unwrap_or(&implicit);
                let ends = |it: &Segment| is_compatible(it.turn_id.as_deref(), Some(id));
                if active.as_ref().is_some_and(ends) {
                    finalize(active.take().unwrap(), &mut found, &mut pending, mode);
                }
            }
            kind if kind.starts_with("response_item/") => {
                let is_boundary = words(payload).is_boundary;
                active.get_or_insert_default().counts_as_user |= is_boundary;
            }
            _ => {}
        }
        // R91.
        let has_all = found.base.is_some() && !found.settings.is_null();
        if has_all && found.reference != Reference::NeverSet {
            break;
        }
    }
    // R86.
    if let Some(segment) = active {
        finalize(segment, &mut found, &mut pending, mode);
    }
    found
}

/// R87, R88.
fn finalize(segment: Segment, found: &mut Found, pending: &mut u64, mode: Mode) {
    if *pending > 0 {
        *pending -= u64::from(segment.counts_as_user);
        found.rolled_back.extend(segment.checkpoints);
        return;
    }
    let base = segment.checkpoints.first().copied();
    if let (Mode::Sound, Some(base)) = (mode, base) {
        found.suffix_start = base + 1;
    }
    found.world.extend(segment.world);
    found.base = found.base.or(base);
    if found.window.is_null() {
        found.window = segment.window;
    }
    if segment.counts_as_user && found.settings.is_null() {
        found.settings = segment.settings;
    }
    let may_tell = segment.counts_as_user || segment.reference == Reference::Cleared;
    if found.reference == Reference::NeverSet && may_tell {
        found.reference = segment.reference;
    }
}

/// An item, and whether it is an output that R110 may cut.
type Item = (Value, bool);

/// R95-R108. A history is a pile: a checkpoint that is rolled back later lies on what stood before
/// it, with the number of items it brought, and goes when a rollback reaches through it.
fn forward_pass(records: &[Rec<'_>], found: &Found, mode: Mode) -> (Vec<Item>, bool) {
    let verbatim = |payload: &Value| -> Option<Vec<Item>> {
        Some(replacement(payload)?.into_iter().map(|item| (item, false)).collect())
    };
    let base = found.base.and_then(|place| verbatim(&records[place].1.payload));
    let mut pile: Vec<(Vec<Item>, usize)> = vec![(base.unwrap_or_default(), 0)];
    let mut saw_legacy = false;
    for (place, (_, record)) in records.iter().enumerate().skip(found.suffix_start) {
        let payload = &record.payload;
        let top = pile.last_mut().unwrap();
        match record.kind() {
            "inter_agent_communication" => top.0.push((visible(payload), false)),
            "compacted" => match verbatim(payload) {
                Some(history) => {
                    if mode == Mode::Reference || !found.rolled_back.contains(&place) {
                        pile.clear();
                    }
                    let len = history.len();
                    pile.push((history, len));
                }
                None => {
                    let before: Vec<Value> = top.0.iter().map(|(item, _)| item.clone()).collect();
                    let history = rebuilt(&before, payload);
                    pile = vec![(history.into_iter().map(|item| (item, false)).collect(), 0)];
                    saw_legacy = true;
                }
            },
            "event_msg/thread_rolled_back" => {
                let count = num_turns(record) as usize;
                while pile.len() > 1 {
                    let (history, brought) = pile.last().unwrap();
                    let since = history[*brought..].to_vec();
                    if boundaries(&since).len() >= count {
                        break;
                    }
                    pile.pop();
                    pile.last_mut().unwrap().0.extend(since);
                }
                roll_back(&mut pile.last_mut().unwrap().0, count);
            }
            kind if kind.starts_with("response_item/") => {
                let is_system = payload["type"] == "message" && payload["role"] == "system";
                let is_unsent =
                    ["response_item/compaction_trigger", "response_item/(other)"].contains(&kind);
                if !is_system && !is_unsent {
                    let outputs = ["function_call_output", "custom_tool_call_output"];
                    let is_output = outputs.iter().any(|output| payload["type"] == *output);
                    top.0.push((payload.clone(), is_output));
                }
            }
            _ => {}
        }
    }
    (pile.pop().unwrap().0, saw_legacy)
}

fn boundaries(history: &[Item]) -> Vec<usize> {
    (0..history.len()).filter(|place| words(&history[*place].0).is_boundary).collect()
}

/// R108.
fn roll_back(history: &mut Vec<Item>, count: usize) {
    let starts = boundaries(history);
    if count == 0 || starts.is_empty() {
        return;
    }
    let mut cut = if count >= starts.len() { starts[0] } else { starts[starts.len() - count] };
    while cut > starts[0] && words(&history[cut - 1].0).is_contextual {
        cut -= 1;
    }
    history.truncate(cut);
}

/// R73.
fn window_of(payload: &Value) -> Value {
    let Some(number) = claimed_number(payload) else { return Value::Null };
    json!({
        "number": number, "first_id": id(payload, "first_window_id"),
        "previous_id": id(payload, "previous_window_id"), "id": id(payload, "window_id"),
    })
}

/// R75.
fn window(lines: &[Line], records: &[Rec<'_>], surviving: Value) -> Value {
    if !surviving.is_null() {
        return surviving;
    }
    let compactions: Vec<&Value> = records
        .iter()
        .filter(|(_, record)| record.kind() == "compacted")
        .map(|(_, record)| &record.payload)
        .collect();
    let are_numbered = compactions.iter().all(|it| claimed_number(it).is_some());
    match initial_id(lines).filter(|_| are_numbered) {
        Some(id) => json!({"number": 0, "first_id": id, "previous_id": null, "id": id}),
        None => {
            json!({"number": compactions.len(), "first_id": null, "previous_id": null, "id": null})
        }
    }
}

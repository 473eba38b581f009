//! The state of the world (R60-R64, R69; TORTURE rows 21 and 29).
//!
//! A log is cut into segments, one at each `task_started`. A rollback of n takes segments from the
//! end until n of them were a user's turns (R82, R87). What is left is replayed in order. A fold
//! that goes forward keeps what it needs for undoing 64 segments: one more, and nothing is known.

use serde_json::Value;

use super::lines::{Line, Record, What};
use super::messages::words;
use super::values::unsigned;

const SEGMENTS_MAX: usize = 64;

#[derive(Default)]
struct Segment {
    is_user_turn: bool,
    deeds: Vec<Deed>,
}

enum Deed {
    Full(Value),
    Patch(Value),
    /// A compaction, something unreadable, or what went further back than is kept.
    Lost,
}

/// The object that the lines tell; none if it is not known.
pub(crate) fn world(lines: &[Line]) -> Option<Value> {
    let mut segments: Vec<Segment> = Vec::new();
    // Segments that can be taken back no more.
    let mut settled = 0;
    for line in lines {
        if loses_world(line) {
            last(&mut segments).deeds.push(Deed::Lost);
        }
        let Some(record) = line.record() else { continue };
        match record.kind() {
            "event_msg/task_started" => {
                segments.push(Segment::default());
                settled = settled.max(segments.len().saturating_sub(SEGMENTS_MAX));
            }
            "event_msg/thread_rolled_back" => {
                let mut left = num_turns(record);
                while left > 0 {
                    if segments.len() == settled {
                        if settled > 0 {
                            last(&mut segments).deeds.push(Deed::Lost);
                        }
                        break;
                    }
                    left -= u64::from(segments.pop().unwrap().is_user_turn);
                }
            }
            "world_state" => last(&mut segments).deeds.push(deed(record)),
            "compacted" => last(&mut segments).deeds.push(Deed::Lost),
            "event_msg/user_message" | "inter_agent_communication" => {
                last(&mut segments).is_user_turn = true;
            }
            kind if kind.starts_with("response_item/") && words(&record.payload).is_boundary => {
                last(&mut segments).is_user_turn = true;
            }
            _ => {}
        }
    }
    replay(segments.iter().flat_map(|segment| &segment.deeds))
}

fn last(segments: &mut Vec<Segment>) -> &mut Segment {
    if segments.is_empty() {
        segments.push(Segment::default());
    }
    segments.last_mut().unwrap()
}

pub(super) fn num_turns(record: &Record) -> u64 {
    unsigned(&record.payload["num_turns"]).filter(|turns| *turns <= u32::MAX.into()).unwrap_or(0)
}

/// R69: a line that is no record but was going to tell of the world.
pub(super) fn loses_world(line: &Line) -> bool {
    let tag = match &line.what {
        What::Damaged(Some(tag)) => tag,
        _ => return false,
    };
    tag == "world_state" || tag == "compacted"
}

/// Levels of a value. What is stored of a state must be read again inside of others, so more than
/// 100 are not read.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(values) => 1 + values.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

fn deed(record: &Record) -> Deed {
    let state = record.payload.get("state").filter(|state| depth(state) <= 100);
    match (record.payload["full"].as_bool(), state) {
        (Some(true), Some(state)) => Deed::Full(state.clone()),
        (Some(false), Some(patch)) => Deed::Patch(patch.clone()),
        _ => Deed::Lost,
    }
}

/// R61-R63.
fn replay<'d>(deeds: impl Iterator<Item = &'d Deed>) -> Option<Value> {
    let mut world = None;
    for deed in deeds {
        world = match (deed, world) {
            (Deed::Full(state), _) => Some(state.clone()),
            (Deed::Patch(patch), Some(world)) => Some(merge(world, patch)),
            (Deed::Patch(_), None) | (Deed::Lost, _) => None,
        };
        world = world.filter(Value::is_object);
    }
    world
}

/// The world of some `world_state` and `compacted` records in order (R68); none where one is lost.
pub(super) fn of_records<'r>(records: impl Iterator<Item = Option<&'r Record>>) -> Option<Value> {
    let deeds: Vec<Deed> = records
        .map(|record| match record {
            Some(record) if record.kind() == "world_state" => deed(record),
            _ => Deed::Lost,
        })
        .collect();
    replay(deeds.iter())
}

/// R64: RFC 7386.
fn merge(target: Value, patch: &Value) -> Value {
    let Value::Object(patch) = patch else { return patch.clone() };
    let mut target = match target {
        Value::Object(target) => target,
        _ => serde_json::Map::new(),
    };
    for (key, value) in patch {
        if value.is_null() {
            target.remove(key);
        } else {
            let before = target.remove(key).unwrap_or(Value::Null);
            target.insert(key.clone(), merge(before, value));
        }
    }
    Value::Object(target)
}

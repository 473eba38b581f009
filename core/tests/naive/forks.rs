//! Where a thread can be cut (R117, R125-R133). Positions count the records that the reference
//! counts.

use super::lines::{Line, Record, counted};
use super::messages::words;
use super::values::text;
use super::world::num_turns;

/// Positions with what stands there.
fn numbered(lines: &[Line]) -> Vec<(usize, &Record)> {
    counted(lines).map(|(_, record)| record).enumerate().collect()
}

fn is_response(record: &Record) -> bool {
    record.kind().starts_with("response_item/")
}

fn is_rollback(record: &Record) -> bool {
    record.kind() == "event_msg/thread_rolled_back"
}

/// R125.
pub(crate) fn user_message_positions(lines: &[Line]) -> Vec<usize> {
    let mut positions = Vec::new();
    for (place, record) in numbered(lines) {
        if is_rollback(record) {
            let kept = positions.len().saturating_sub(num_turns(record) as usize);
            positions.truncate(kept);
        } else if is_response(record) && words(&record.payload).is_real_user {
            positions.push(place);
        }
    }
    positions
}

/// R126, R127.
pub(crate) fn fork_turn_positions(lines: &[Line]) -> Vec<usize> {
    let records = numbered(lines);
    let (mut forks, mut rollbacks) = (Vec::new(), Vec::new());
    for (place, record) in &records {
        let triggers = record.payload["trigger_turn"] == true;
        match record.kind() {
            "inter_agent_communication" | "inter_agent_communication_metadata" => {
                rollbacks.push(*place);
                if triggers {
                    forks.push(*place);
                }
            }
            "event_msg/thread_rolled_back" => {
                let count = num_turns(record) as usize;
                let kept = rollbacks.len().saturating_sub(count);
                if count > 0 && !rollbacks.is_empty() {
                    let start = rollbacks[kept];
                    forks.retain(|fork| *fork < start);
                    rollbacks.truncate(kept);
                }
            }
            _ if is_response(record) => {
                let words = words(&record.payload);
                let is_announced = record.kind() == "response_item/agent_message"
                    && *place > 0
                    && records[place - 1].1.kind() == "inter_agent_communication_metadata";
                if words.is_boundary && !is_announced {
                    rollbacks.push(*place);
                }
                if words.is_real_user || words.triggers_turn {
                    forks.push(*place);
                }
            }
            _ => {}
        }
    }
    forks
}

/// R117.
pub(crate) fn is_before_first_turn(lines: &[Line]) -> bool {
    !counted(lines).any(|(_, record)| {
        record.kind() == "inter_agent_communication"
            || (is_response(record) && words(&record.payload).is_boundary)
    })
}

/// Where turns start, and which; one without an id is named after its place (R7).
fn starts(lines: &[Line]) -> Vec<(usize, String)> {
    let starts =
        numbered(lines).into_iter().filter(|(_, it)| it.kind() == "event_msg/task_started");
    let id = |place: usize, record: &Record| match text(&record.payload, "turn_id") {
        Some(id) => id.to_owned(),
        None => format!("rollout-{place}"),
    };
    starts.map(|(place, record)| (place, id(place, record))).collect()
}

/// R129, of a thread with these turns and their states.
pub(crate) fn cut_after_turn(
    lines: &[Line],
    turns: &[(String, bool)],
    id: &str,
) -> Result<usize, &'static str> {
    let turn = turns.iter().find(|(known, _)| known == id);
    let starts = starts(lines);
    let start = starts.iter().position(|(_, known)| known == id);
    match (turn, start) {
        (None, _) => Err("NotFound"),
        (_, None) => Err("NotCanonical"),
        (Some((_, true)), _) => Err("InProgress"),
        (_, Some(start)) => {
            Ok(starts.get(start + 1).map_or(numbered(lines).len(), |(place, _)| *place))
        }
    }
}

/// R131: whether a turn goes on, and where the explicit turn that is open was opened.
pub(crate) fn source_state(
    lines: &[Line],
    open: Option<(&str, bool)>,
) -> (bool, Option<(String, usize)>) {
    if let Some((id, is_in_progress)) = open {
        let place = starts(lines).iter().rev().find(|(_, known)| known == id).unwrap().0;
        return (is_in_progress, Some((id.to_owned(), place)));
    }
    let ends = ["event_msg/task_complete", "event_msg/turn_aborted"];
    let last_end =
        numbered(lines).iter().rev().find(|(_, it)| ends.contains(&it.kind())).map(|it| it.0);
    let last_user = user_message_positions(lines).last().copied();
    (last_user.is_some_and(|user| last_end.is_none_or(|end| end < user)), None)
}

/// R128, R132.
pub(crate) fn fork_before_user_message(
    lines: &[Line],
    state: &(bool, Option<(String, usize)>),
    nth: usize,
) -> usize {
    let positions = user_message_positions(lines);
    let end = numbered(lines).len();
    match positions.get(nth) {
        Some(place) => *place,
        None if !state.0 => end,
        None => match &state.1 {
            Some((_, opened)) => *opened,
            None => positions.last().copied().unwrap_or(end),
        },
    }
}

/// R130: where the last `count` fork turns start.
pub(crate) fn last_fork_turns(lines: &[Line], count: usize) -> Option<usize> {
    let positions = fork_turn_positions(lines);
    if count == 0 || positions.is_empty() {
        return None;
    }
    Some(positions[positions.len().saturating_sub(count)])
}

//! Views of folded turns as the reference's server shows them (R40-R45). Pure: turns in, turns
//! out; the snapshot never changes.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::{
    AgentMessageItem, ItemsView, McpToolCallError, McpToolCallItem, McpToolCallResult, ThreadItem,
    Turn, TurnStatus,
};
use crate::raw::Json;
use crate::reduce::history::UsageOwner;

/// Turns of a thread that nobody works on: those in progress were interrupted (R40).
pub fn interrupt_stale(turns: &mut [Turn]) {
    for turn in turns.iter_mut().filter(|turn| turn.status == TurnStatus::InProgress) {
        turn.status = TurnStatus::Interrupted;
    }
}

/// Turns of a live thread: its turn in memory stands at the end, in place of the stored one (R41).
pub fn replace_live(turns: &mut Vec<Turn>, live: Turn) {
    turns.retain(|turn| turn.id != live.id);
    turns.push(live);
}

/// The id of the turn to show the newest token count at, among the turns served (R44).
#[must_use]
pub fn usage_turn_id(owner: Option<&UsageOwner>, served: &[Turn]) -> Arc<str> {
    let owned = owner.and_then(|owner| {
        let by_id = served.iter().find(|turn| turn.id == owner.turn_id);
        by_id.or_else(|| served.get(usize::try_from(owner.position).ok()?))
    });
    let ended = |turn: &&Turn| matches!(turn.status, TurnStatus::Completed | TurnStatus::Failed);
    let turn = owned.or_else(|| served.iter().rev().find(ended)).or_else(|| served.last());
    turn.map_or_else(|| Arc::from(""), |turn| turn.id.clone())
}

/// Clients whose resumes leave out what they cannot show (R45).
const REDACTED_CLIENTS: [&str; 2] = ["codex_chatgpt_android_remote", "codex_chatgpt_ios_remote"];

/// Leaves out of a resume what `client` cannot show (R45).
pub fn redact_for_client(client: &str, turns: &mut [Turn]) {
    if !REDACTED_CLIENTS.contains(&client) {
        return;
    }
    for turn in turns {
        turn.items.retain(|item| !matches!(&**item, ThreadItem::ImageGeneration(_)));
        for item in &mut turn.items {
            if let ThreadItem::McpToolCall(call) = &**item {
                *item = Arc::new(ThreadItem::McpToolCall(redacted(call)));
            }
        }
    }
}

fn redacted(call: &McpToolCallItem) -> McpToolCallItem {
    let word = Json::of(&"[redacted]");
    McpToolCallItem {
        arguments: word.clone(),
        result: call.result.as_ref().map(|_| McpToolCallResult {
            content: vec![word],
            structured_content: None,
            meta: None,
        }),
        error: call
            .error
            .as_ref()
            .map(|_| McpToolCallError { message: String::from("[redacted]") }),
        ..call.clone()
    }
}

/// Which way a list of turns is paged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// Newest turns first, the reference's default.
    #[default]
    NewestFirst,
    /// Oldest turns first.
    OldestFirst,
}

/// A page of turns (R43).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TurnPage {
    /// The turns.
    pub data: Vec<Turn>,
    /// Where the next page starts; none on the last page.
    pub next_cursor: Option<String>,
    /// Where a page the other way starts, this page's first turn included.
    pub backwards_cursor: Option<String>,
}

/// A cursor that names no turn of the list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cursor {cursor:?}: not a cursor of this list; start again without one")]
pub struct CursorError {
    /// The cursor as it was given.
    pub cursor: String,
}

/// Turns a page holds if nobody says.
pub const PAGE_TURNS_DEFAULT: usize = 25;
/// Turns a page holds at most.
pub const PAGE_TURNS_MAX: usize = 100;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cursor {
    turn_id: String,
    include_anchor: bool,
}

/// One page of the complete list of turns (R43). `limit` is kept between 1 and
/// [`PAGE_TURNS_MAX`].
///
/// # Errors
/// When `cursor` is malformed, or the turn it names is gone.
pub fn page_turns(
    turns: &[Turn],
    direction: Direction,
    cursor: Option<&str>,
    limit: Option<usize>,
) -> Result<TurnPage, CursorError> {
    let mut page = TurnPage { data: Vec::new(), next_cursor: None, backwards_cursor: None };
    if turns.is_empty() {
        return Ok(page);
    }
    let ordered: Vec<&Turn> = match direction {
        Direction::OldestFirst => turns.iter().collect(),
        Direction::NewestFirst => turns.iter().rev().collect(),
    };
    let start = match cursor {
        None => 0,
        Some(text) => {
            let invalid = || CursorError { cursor: text.to_owned() };
            let cursor: Cursor = serde_json::from_str(text).map_err(|_| invalid())?;
            let anchor = ordered.iter().position(|turn| *turn.id == *cursor.turn_id);
            anchor.ok_or_else(invalid)? + usize::from(!cursor.include_anchor)
        }
    };
    let limit = limit.unwrap_or(PAGE_TURNS_DEFAULT).clamp(1, PAGE_TURNS_MAX);
    let rest = ordered.get(start..).unwrap_or_default();
    page.data = rest.iter().take(limit).map(|turn| (*turn).clone()).collect();
    if rest.len() > limit {
        page.next_cursor = page.data.last().map(|turn| cursor_at(turn, false));
    }
    page.backwards_cursor = page.data.first().map(|turn| cursor_at(turn, true));
    Ok(page)
}

fn cursor_at(turn: &Turn, include_anchor: bool) -> String {
    let cursor = Cursor { turn_id: turn.id.to_string(), include_anchor };
    Json::of(&cursor).get().to_owned()
}

/// The turn with only the items of `view` (R42).
#[must_use]
pub fn narrow(turn: &Turn, view: ItemsView) -> Turn {
    Turn { items: view.select(turn.items.iter().cloned()), items_view: view, ..turn.clone() }
}

/// The message a turn ends with: the newest final answer, or else, once the turn has ended, the
/// newest message without a phase (A12; the reference's older summary takes the newest of any
/// phase, see [`ItemsView::Summary`]).
#[must_use]
pub fn final_message(turn: &Turn) -> Option<&AgentMessageItem> {
    let messages = || {
        turn.items.iter().rev().filter_map(|item| match &**item {
            ThreadItem::AgentMessage(message) => Some(message),
            _ => None,
        })
    };
    let is_final = |message: &&AgentMessageItem| {
        message.phase == Some(crate::model::MessagePhase::FinalAnswer)
    };
    let has_ended = turn.status != TurnStatus::InProgress;
    messages()
        .find(is_final)
        .or_else(|| messages().find(|message| message.phase.is_none()).filter(|_| has_ended))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::fold::Folder;
    use crate::options::Options;
    use crate::snapshot::Snapshot;

    fn turns(events: &[&str]) -> (Vec<Turn>, Option<UsageOwner>) {
        let mut folder = Folder::new(Options::default());
        let mut snapshot = Snapshot::default();
        for payload in events {
            let line = format!(
                "{{\"timestamp\":\"2026-03-01T10:00:00.000Z\",\"type\":\"event_msg\",\"payload\":{payload}}}\n"
            );
            for step in folder.push(line.as_bytes()) {
                step.changes.iter().for_each(|change| snapshot.apply(change).unwrap());
            }
        }
        let owner = folder.frontier().state.history().usage_owner().cloned();
        (snapshot.turns(ItemsView::Full).collect(), owner)
    }

    fn numbered(count: usize) -> Vec<Turn> {
        let events: Vec<String> = (0..count)
            .map(|number| format!(r#"{{"type":"task_started","turn_id":"t{number}"}}"#))
            .collect();
        turns(&events.iter().map(String::as_str).collect::<Vec<_>>()).0
    }

    fn ids(page: &TurnPage) -> Vec<&str> {
        page.data.iter().map(|turn| &*turn.id).collect()
    }

    #[test]
    fn stale_turns_are_interrupted_and_live_ones_stand_last() {
        let mut list = numbered(2);
        let live = list[0].clone();
        interrupt_stale(&mut list);
        assert!(list.iter().all(|turn| turn.status == TurnStatus::Interrupted));
        replace_live(&mut list, live);
        assert_eq!(&*list[1].id, "t0");
        assert_eq!(list[1].status, TurnStatus::InProgress);
    }

    #[test]
    fn token_counts_belong_to_the_turn_before_them() {
        let (list, owner) = turns(&[
            r#"{"type":"task_started","turn_id":"a"}"#,
            r#"{"type":"task_complete","turn_id":"a"}"#,
            r#"{"type":"token_count","info":null}"#,
            r#"{"type":"task_started","turn_id":"b"}"#,
        ]);
        assert_eq!(&*usage_turn_id(owner.as_ref(), &list), "a");
        assert_eq!(&*usage_turn_id(owner.as_ref(), &list[1..]), "b", "by position");
        assert_eq!(&*usage_turn_id(None, &list), "a", "the last that ended");
        assert_eq!(&*usage_turn_id(None, &[]), "");
        assert_eq!(turns(&[r#"{"type":"token_count","info":null}"#]).1, None);
    }

    #[test]
    fn pages_cover_the_list_once_either_way() {
        let list = numbered(7);
        let first = page_turns(&list, Direction::NewestFirst, None, Some(3)).unwrap();
        assert_eq!(ids(&first), ["t6", "t5", "t4"]);
        let next = first.next_cursor.as_deref();
        let second = page_turns(&list, Direction::NewestFirst, next, Some(3)).unwrap();
        assert_eq!(ids(&second), ["t3", "t2", "t1"]);
        let back = second.backwards_cursor.as_deref();
        let newer = page_turns(&list, Direction::OldestFirst, back, Some(3)).unwrap();
        assert_eq!(ids(&newer), ["t3", "t4", "t5"]);
        let next = second.next_cursor.as_deref();
        let last = page_turns(&list, Direction::NewestFirst, next, None).unwrap();
        assert_eq!((ids(&last), &last.next_cursor), (vec!["t0"], &None));
    }

    #[test]
    fn cursors_of_nothing_are_refused() {
        let list = numbered(1);
        for cursor in ["", "{}", r#"{"turnId":"gone","includeAnchor":true}"#] {
            let page = page_turns(&list, Direction::NewestFirst, Some(cursor), None);
            assert_eq!(page.unwrap_err().cursor, cursor);
            assert!(page_turns(&[], Direction::NewestFirst, Some(cursor), None).is_ok());
        }
    }

    #[test]
    fn summaries_and_final_messages() {
        let (list, _) = turns(&[
            r#"{"type":"task_started","turn_id":"a"}"#,
            r#"{"type":"user_message","message":"hi"}"#,
            r#"{"type":"agent_message","message":"done","phase":"final_answer"}"#,
            r#"{"type":"agent_message","message":"by the way"}"#,
            r#"{"type":"task_complete","turn_id":"a"}"#,
        ]);
        let summary = narrow(&list[0], ItemsView::Summary);
        let shown: Vec<&str> = summary.items.iter().map(|item| item.id()).collect();
        assert_eq!(shown, ["item-1", "item-3"]);
        assert!(narrow(&list[0], ItemsView::NotLoaded).items.is_empty());
        assert_eq!(final_message(&list[0]).unwrap().text, "done");
    }

    #[test]
    fn remote_clients_see_no_images_and_no_mcp_values() {
        let (mut list, _) = turns(&[
            r#"{"type":"image_generation_begin","call_id":"g"}"#,
            r#"{"type":"mcp_tool_call_end","call_id":"m","invocation":{"server":"s","tool":"t","arguments":{"k":"secret"}},"duration":{"secs":0,"nanos":0},"result":{"Ok":{"content":["secret"]}}}"#,
        ]);
        redact_for_client("somebody", &mut list);
        assert_eq!(list[0].items.len(), 2);
        redact_for_client(REDACTED_CLIENTS[0], &mut list);
        assert_eq!(list[0].items.len(), 1);
        assert!(!serde_json::to_string(&list).unwrap().contains("secret"));
    }
}

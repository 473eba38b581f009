//! `Dialogue::AnyVocabulary`: what stands in for events, when it is taken back, and that it
//! changes nothing else.

use std::cell::Cell;
use std::collections::BTreeSet;

use rollfold_core::model::{ItemsView, ThreadItem};
use rollfold_core::testing::Record;
use rollfold_core::{Change, FoldState, Index, Lines, Options, Past, Snapshot, Step, TurnNo};
use serde_json::{Value, json};

use crate::naive::turns::Model;
use crate::support::{apply, fold};
use crate::swarms::{Walk, event, for_seeds, legacy, lines_of, turn_changes};

fn item_puts(step: &Step) -> impl Iterator<Item = (u32, u32, &ThreadItem)> {
    step.changes.iter().filter_map(|change| match change {
        Change::ItemPut { turn, item, value, .. } => Some((turn.0, item.0, &**value)),
        _ => None,
    })
}

/// Which vocabulary a record speaks, the best last: messages to the model, canonical items, events.
fn vocabulary(record: &Record) -> Option<u8> {
    let record_value: serde_json::Value = serde_json::from_slice(&record.line).unwrap_or_default();
    let payload = &record_value["payload"];
    match record.kind {
        "response_item/message" | "bare" => Some(0),
        "event_msg/item_started" | "event_msg/item_completed" => {
            let item = payload["item"]["type"].as_str();
            matches!(item, Some("UserMessage" | "AgentMessage")).then_some(1)
        }
        "event_msg/user_message" => Some(2),
        "event_msg/agent_message" => (payload["message"] != "").then_some(2),
        _ => None,
    }
}

#[test]
fn with_an_event_before_all_else_the_default_is_the_reference() {
    for_seeds(100, |seed| {
        let mut has_begun = false;
        let mut records = legacy(seed);
        records.retain(|record| {
            let vocabulary = vocabulary(record);
            has_begun |= vocabulary == Some(2);
            has_begun || vocabulary.is_none()
        });
        let bytes = lines_of(&records);
        let walk = Walk::of(&bytes, Options::default());
        assert!(walk.turn_steps() == Walk::of(&bytes, Options::REFERENCE).turn_steps());
    });
}

#[test]
fn a_vocabulary_is_silent_once_a_better_one_has_spoken() {
    let (stood_in, taken_back) = (Cell::new(0), Cell::new(0));
    for_seeds(150, |seed| {
        let records = legacy(seed);
        let walk = Walk::of(&lines_of(&records), Options::default());
        let mut best = None;
        for (place, (record, step)) in records.iter().zip(&walk.steps).enumerate() {
            let spoken = vocabulary(record);
            let is_hook = |item: &ThreadItem| matches!(item, ThreadItem::HookPrompt(_));
            if spoken < Some(2) && item_puts(step).any(|(_, _, item)| !is_hook(item)) {
                assert!(spoken.is_none() || spoken >= best, "line {place}");
                stood_in.set(stood_in.get() + usize::from(spoken.is_some()));
            }
            let takes_back = |change: &Change| matches!(change, Change::ItemRemoved { .. });
            if step.changes.iter().any(takes_back) {
                assert!(spoken > best, "line {place}");
                taken_back.set(taken_back.get() + 1);
            }
            best = best.max(spoken);
        }
    });
    let is_replay = std::env::var("ROLLFOLD_SEED").is_ok();
    assert!(is_replay || (stood_in.get() > 60 && taken_back.get() > 10), "{stood_in:?}");
}

/// Whether a record says what an agent answered.
fn is_reply(record: &Record) -> bool {
    let value: serde_json::Value = serde_json::from_slice(&record.line).unwrap_or_default();
    let whole = [&value["role"], &value["payload"]["role"], &value["payload"]["item"]["type"]];
    whole.iter().any(|word| **word == "assistant" || **word == "AgentMessage")
}

#[test]
fn questions_that_an_event_repeats_leave_no_trace() {
    let taken_back = Cell::new(0);
    for_seeds(150, |seed| {
        let mut has_begun = false;
        let mut records = legacy(seed);
        records.retain(|record| {
            has_begun |= vocabulary(record) == Some(2);
            let alone = fold(&lines_of(std::slice::from_ref(record)), Options::REFERENCE);
            has_begun || (alone.snapshot.len_turns() == 0 && !is_reply(record))
        });
        let bytes = lines_of(&records);
        let ours = Walk::of(&bytes, Options::default());
        let theirs = Walk::of(&bytes, Options::REFERENCE);
        let (mut our, mut their) = (Snapshot::default(), Snapshot::default());
        let mut has_begun = false;
        for (place, record) in records.iter().enumerate() {
            taken_back.set(taken_back.get() + usize::from(our.len_turns() > their.len_turns()));
            apply(&mut our, &ours.steps[place..=place]);
            apply(&mut their, &theirs.steps[place..=place]);
            has_begun |= vocabulary(record) == Some(2);
            let same = our.turns(ItemsView::Full).eq(their.turns(ItemsView::Full));
            assert!(same || !has_begun, "line {place}");
        }
    });
    assert!(taken_back.get() > 30 || std::env::var("ROLLFOLD_SEED").is_ok(), "{taken_back:?}");
}

/// Without implicit turns, which messages may open and close, and rollbacks, which count items:
/// the default is the reference and what stands in, at every record.
#[test]
fn in_explicit_turns_stand_ins_only_add() {
    let (checked, stood_in) = (Cell::new(0), Cell::new(0));
    for_seeds(150, |seed| {
        let mut records = Vec::new();
        let start = |number: usize| {
            let payload =
                format!("{{\"type\":\"task_started\",\"turn_id\":\"explicit-{number}\"}}");
            Record { kind: "event_msg/task_started", line: event(&payload).trim_end().into() }
        };
        records.push(start(0));
        for record in legacy(seed) {
            let is_end = record.kind == "event_msg/task_complete";
            records.push(record);
            if is_end {
                records.push(start(records.len()));
            }
        }
        let bytes = lines_of(&records);
        let ours = Walk::of(&bytes, Options::default());
        let theirs = Walk::of(&bytes, Options::REFERENCE);
        let (mut our, mut their) = (Snapshot::default(), Snapshot::default());
        let mut turns = BTreeSet::new();
        let mut stand_ins = BTreeSet::new();
        for (place, record) in records.iter().enumerate() {
            let step = &ours.steps[place];
            let mut opens = step.changes.iter().filter(
                |change| matches!(change, Change::TurnPut { turn, .. } if turns.insert(turn.0)),
            );
            let is_explicit = opens.next().is_none() || record.kind == "event_msg/task_started";
            let mut puts = item_puts(step).map(|(turn, item, _)| (turn, item));
            if turn_changes(&theirs.steps[place]).is_empty() {
                stand_ins.extend(puts);
            } else if puts.any(|put| stand_ins.contains(&put)) {
                // Its id is that of something else, which takes its place.
                break;
            }
            if !is_explicit || record.kind == "event_msg/thread_rolled_back" {
                break;
            }
            apply(&mut our, &ours.steps[place..=place]);
            apply(&mut their, &theirs.steps[place..=place]);
            assert!(our.heads().eq(their.heads()), "line {place}");
            for (turn, _) in our.heads() {
                let ours = our.items(turn).filter(|(no, _)| !stand_ins.contains(&(turn.0, no.0)));
                let ours: Vec<_> = ours.map(|(_, item)| item).collect();
                let theirs: Vec<_> = their.items(turn).map(|(_, item)| item).collect();
                assert_eq!(ours, theirs, "line {place}");
            }
            checked.set(checked.get() + 1);
        }
        stood_in.set(stood_in.get() + stand_ins.len());
    });
    let is_replay = std::env::var("ROLLFOLD_SEED").is_ok();
    assert!(is_replay || checked.get() > 2_000, "only {} records", checked.get());
    assert!(is_replay || stood_in.get() > 30, "only {} stood in", stood_in.get());
}

/// In the reference nothing stands between the two thoughts.
#[test]
fn thoughts_join_across_a_stand_in() {
    let message = r#"{"timestamp":"x","type":"response_item","payload":{"type":"message","role":"assistant","content":[{"type":"output_text","text":"hm"}]}}"#;
    let log = event(r#"{"type":"task_started","turn_id":"a"}"#)
        + &event(r#"{"type":"agent_reasoning","text":"one"}"#)
        + message
        + "\n"
        + &event(r#"{"type":"agent_reasoning","text":"two"}"#);
    let items = |options| {
        let turns: Vec<_> = fold(log.as_bytes(), options).snapshot.turns(ItemsView::Full).collect();
        turns.into_iter().flat_map(|turn| turn.items).collect::<Vec<_>>()
    };
    let (ours, theirs) = (items(Options::default()), items(Options::REFERENCE));
    assert_eq!((ours.len(), theirs.len()), (2, 1));
    assert_eq!(ours[0], theirs[0]);
}

#[test]
fn a_canonical_message_is_one_item_of_the_turn_it_names() {
    let message = |kind: &str, text: &str| {
        event(&format!(
            "{{\"type\":\"{kind}\",\"thread_id\":\"t\",\"turn_id\":\"a\",\"item\":{{\"type\":\"AgentMessage\",\"id\":\"m\",\"content\":[{{\"type\":\"Text\",\"text\":\"{text}\"}}]}}}}"
        ))
    };
    let log = event(r#"{"type":"task_started","turn_id":"a"}"#)
        + &message("item_started", "")
        + &event(r#"{"type":"task_started","turn_id":"b"}"#)
        + &message("item_completed", "done");
    let folded = fold(log.as_bytes(), Options::default());
    let turns = folded.snapshot.turns(ItemsView::Full);
    let lens: Vec<_> = turns.map(|turn| (turn.id.to_string(), turn.items.len())).collect();
    assert_eq!(lens, [("a".to_owned(), 1), ("b".to_owned(), 0)]);
}

/// What a short talk is made of: ids meet in every way, and turns are named before they are there.
pub(crate) fn letters() -> Vec<String> {
    let message = |role: &str, part: &str, id: &str| {
        format!(
            "{{\"timestamp\":\"x\",\"type\":\"response_item\",\"payload\":{{\"type\":\"message\",\"id\":\"{id}\",\"role\":\"{role}\",\"content\":[{{\"type\":\"{part}\",\"text\":\"{id}\"}}]}}}}\n"
        )
    };
    let item = |turn: &str, kind: &str, part: &str, id: &str| {
        let content = format!("[{{\"type\":\"{part}\",\"text\":\"{id}\"}}]");
        let item = format!("{{\"type\":\"{kind}\",\"id\":\"{id}\",\"content\":{content}}}");
        event(&format!(
            "{{\"type\":\"item_completed\",\"thread_id\":\"t\",\"turn_id\":\"{turn}\",\"item\":{item}}}"
        ))
    };
    vec![
        event(r#"{"type":"task_started","turn_id":"a"}"#),
        event(r#"{"type":"task_complete","turn_id":"a"}"#),
        event(r#"{"type":"thread_rolled_back","num_turns":1}"#),
        event(r#"{"type":"web_search_begin","call_id":"m"}"#),
        "{\"timestamp\":\"x\",\"type\":\"compacted\",\"payload\":{\"message\":\"s\"}}\n".into(),
        message("user", "input_text", "q"),
        message("assistant", "output_text", "m"),
        item("a", "UserMessage", "text", "q"),
        item("rollout-0", "UserMessage", "text", "q"),
        item("a", "AgentMessage", "Text", "m"),
        event(r#"{"type":"user_message","message":"q"}"#),
        event(r#"{"type":"agent_message","message":"m"}"#),
    ]
}

/// A talk so far, folded by the default and by the reference's choices.
#[derive(Clone)]
struct Talk {
    told: Vec<usize>,
    ours: Side,
    theirs: Side,
}

#[derive(Clone)]
struct Side {
    state: FoldState,
    past: Index,
    snapshot: Snapshot,
}

impl Side {
    fn new(options: Options) -> Self {
        let (past, snapshot) = (Index::default(), Snapshot::default());
        Self { state: FoldState::new(options), past, snapshot }
    }

    fn hear(&mut self, line: &str) {
        let position = self.state.position;
        for line in Lines::new(line.as_bytes(), position) {
            let Ok(step) = self.state.fold_line(&mut self.past, line, &mut String::new());
            self.snapshot.apply_step(&step).unwrap();
        }
    }

    /// Counters, and the ids of the past, against what is there.
    fn check(&self, told: &[usize], is_rollback: bool) {
        let history = self.state.history();
        let mut len_items = 0;
        let mut newest = None;
        for (turn, head) in self.snapshot.heads() {
            let mut ids = BTreeSet::new();
            for (item, value) in self.snapshot.items(turn) {
                assert!(ids.insert(value.id().to_owned()), "{told:?}: {} twice", value.id());
                let Ok(place) = self.past.item_named(turn, value.id());
                assert_eq!(place.map(|place| place.item), Some(item), "{told:?}");
            }
            let Ok(past) = self.past.turn(turn);
            let known = past.map(|past| (past.head.id.to_string(), past.len_items as usize));
            assert_eq!(known, Some((head.id.to_string(), ids.len())), "{told:?}");
            len_items += ids.len();
            newest = Some(turn);
        }
        let Ok(last) = self.past.turn_before(TurnNo(u32::MAX));
        assert_eq!(last, newest, "{told:?}");
        assert_eq!(history.len_turns() as usize, self.snapshot.len_turns(), "{told:?}");
        let books = serde_json::to_value(history).unwrap();
        assert_eq!(books["len_items"], json!(len_items), "{told:?}");
        // R15, R16.
        if is_rollback {
            assert_eq!(books["next_item_id"], json!(len_items + 1), "{told:?}");
        }
    }
}

/// Each item's type, id and text.
fn shown(snapshot: &Snapshot) -> Vec<Value> {
    let parts = |item: &ThreadItem| json!([item.type_name(), item.id()]);
    let turn = |turn: rollfold_core::model::Turn| {
        let items: Vec<Value> = turn.items.iter().map(|item| parts(item)).collect();
        json!([turn.id, turn.status, items])
    };
    snapshot.turns(ItemsView::Full).map(turn).collect()
}

fn shown_naively(letters: &[Value], told: &[usize]) -> Vec<Value> {
    let mut model = Model::new();
    for letter in told {
        model.record(&letters[*letter]);
    }
    let turns = model.turns().into_iter().map(|turn| {
        let items = turn["items"].as_array().unwrap().iter();
        let items: Vec<Value> = items.map(|item| json!([item["type"], item["id"]])).collect();
        json!([turn["head"]["id"], turn["head"]["status"], items])
    });
    turns.collect()
}

#[test]
fn every_short_talk_keeps_its_books() {
    let lines = letters();
    let values: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let side = |options| Side::new(options);
    let start =
        Talk { told: Vec::new(), ours: side(Options::default()), theirs: side(Options::REFERENCE) };
    let (mut talks, mut count) = (vec![start], 0);
    while let Some(talk) = talks.pop() {
        for (letter, line) in lines.iter().enumerate() {
            let mut next = talk.clone();
            next.told.push(letter);
            for side in [&mut next.ours, &mut next.theirs] {
                side.hear(line);
                side.check(&next.told, letter == 2);
            }
            let naive = shown_naively(&values, &next.told);
            assert_eq!(shown(&next.theirs.snapshot), naive, "{:?}", next.told);
            count += 1;
            if next.told.len() < 4 {
                talks.push(next);
            }
        }
    }
    assert_eq!(count, 12 + 144 + 1_728 + 20_736);
}

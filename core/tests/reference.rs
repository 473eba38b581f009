//! What each choice in `Options` changes, and that it changes nothing else.

use std::cell::Cell;

use rollfold_core::model::ItemsView;
use rollfold_core::testing::{History, Reach, Swarm, rollout_records};
use rollfold_core::{
    Depth, DiagnosticKind, Dialogue, HistoryAnomaly, Kind, Lines, Options, Position, RecordFilter,
    Routing, Rules, Step, decode, is_persisted,
};

use crate::support::{Folded, fixtures, fold};
use crate::swarms::{Walk, event, for_seeds, legacy, lines_of, options_of};

// Rules.

#[test]
fn the_log_names_its_rules() {
    for_seeds(80, |seed| {
        let history = if seed % 2 == 0 { History::Legacy } else { History::Paginated };
        let records = rollout_records(&Swarm { history, ..Swarm::new(seed, 40) });
        if records[0].kind != "session_meta" {
            return;
        }
        let bytes = lines_of(&records);
        let rules = if seed % 2 == 0 { Rules::Classic } else { Rules::Paginated };
        let of_log = Options { rules: Rules::OfLog, ..options_of(seed) };
        let named = Walk::of(&bytes, of_log).turn_steps();
        assert!(named == Walk::of(&bytes, Options { rules, ..of_log }).turn_steps());
        if rules == Rules::Paginated {
            let dialogue = Dialogue::EventsOnly;
            assert!(named == Walk::of(&bytes, Options { dialogue, ..of_log }).turn_steps());
        }
    });
}

// Routing.

/// Begin and end of every call whose events may name no turn.
const CALLS: [(&str, &str); 13] = [
    (r#""web_search_begin""#, r#""web_search_end","query":"q","action":{"type":"other"}"#),
    (r#""image_generation_begin""#, r#""image_generation_end","status":"completed","result":"""#),
    (r#""mcp_tool_call_begin""#, r#""mcp_tool_call_end","result":{"Ok":{"content":[]}}"#),
    (r#""collab_agent_spawn_begin""#, r#""collab_agent_spawn_end","new_thread_id":"n""#),
    (r#""collab_agent_interaction_begin""#, r#""collab_agent_interaction_end""#),
    (r#""collab_waiting_begin""#, r#""collab_waiting_end""#),
    (r#""collab_close_begin""#, r#""collab_close_end""#),
    (r#""collab_resume_begin""#, r#""collab_resume_end""#),
    (r#""patch_apply_begin""#, r#""patch_apply_end","status":"completed""#),
    (r#""apply_patch_approval_request""#, r#""patch_apply_end","turn_id":"","status":"failed""#),
    (r#""dynamic_tool_call_request""#, r#""dynamic_tool_call_response","success":true"#),
    (r#""exec_command_begin""#, r#""exec_command_end","status":"completed","exit_code":0"#),
    (
        r#""exec_command_begin""#,
        r#""guardian_assessment","target_item_id":"c","status":"denied","action":{"type":"command","command":"ls","cwd":"/w"}"#,
    ),
];

/// A call that begins in turn `a` and ends when `a` is closed and, perhaps, `b` open.
fn late_end((begin, end): (&str, &str), is_b_open: bool, routing: Routing) -> Folded {
    let mut log = event(r#"{"type":"task_started","turn_id":"a"}"#);
    log += &event(&format!(r#"{{"type":{begin},"call_id":"c"}}"#));
    log += &event(r#"{"type":"task_complete","turn_id":"a"}"#);
    if is_b_open {
        log += &event(r#"{"type":"task_started","turn_id":"b"}"#);
    }
    log += &event(&format!(r#"{{"type":{end},"call_id":"c"}}"#));
    fold(log.as_bytes(), Options { routing, ..Options::default() })
}

/// Of each turn: whether the call is finished in it.
fn finished(folded: &Folded) -> Vec<Vec<bool>> {
    let turns = folded.snapshot.turns(ItemsView::Full);
    turns.map(|turn| turn.items.iter().map(|item| item.is_finished()).collect()).collect()
}

fn elsewhere(steps: &[Step]) -> usize {
    let all = steps.iter().flat_map(|step| &step.diagnostics).map(|it| &it.kind);
    let is_it = |kind: &&DiagnosticKind| {
        matches!(kind, DiagnosticKind::History(HistoryAnomaly::ItemElsewhere { .. }))
    };
    all.filter(is_it).count()
}

#[test]
fn by_call_id_an_end_finds_what_began() {
    for call in CALLS {
        for is_b_open in [false, true] {
            let folded = late_end(call, is_b_open, Routing::ByCallId);
            let expected = if is_b_open { vec![vec![true], vec![]] } else { vec![vec![true]] };
            assert_eq!(finished(&folded), expected, "{call:?}");
            assert_eq!(elsewhere(&folded.steps), 0);
        }
    }
}

#[test]
fn by_default_an_end_makes_a_second_item_and_it_is_said() {
    for call in CALLS {
        for is_b_open in [false, true] {
            let folded = late_end(call, is_b_open, Routing::Reference);
            assert_eq!(finished(&folded), [[false], [true]], "{call:?}");
            assert_eq!(elsewhere(&folded.steps), 1, "{call:?}");
        }
    }
}

/// A call that ended leaves its id to calls of later turns.
#[test]
fn an_id_is_free_again_once_its_call_has_ended() {
    let call = |turn: &str| {
        event(&format!("{{\"type\":\"task_started\",\"turn_id\":\"{turn}\"}}"))
            + &event(r#"{"type":"web_search_begin","call_id":"c"}"#)
            + &event(
                r#"{"type":"web_search_end","call_id":"c","query":"q","action":{"type":"other"}}"#,
            )
    };
    let log = call("a") + &call("b");
    for routing in [Routing::ByCallId, Routing::Reference] {
        let folded = fold(log.as_bytes(), Options { routing, ..Options::default() });
        assert_eq!(finished(&folded), [[true], [true]]);
        assert_eq!(elsewhere(&folded.steps), 0);
    }
}

#[test]
fn routing_matters_only_where_an_item_stands_elsewhere() {
    let (alike, other) = (Cell::new(0), Cell::new(0));
    for_seeds(200, |seed| {
        let bytes = lines_of(&legacy(seed));
        let by_turn = Walk::of(&bytes, Options::default()).steps;
        let options = Options { routing: Routing::ByCallId, ..Options::default() };
        let by_call = Walk::of(&bytes, options).steps;
        assert_eq!(elsewhere(&by_call), 0);
        match elsewhere(&by_turn) {
            0 => assert_eq!(by_turn, by_call),
            _ => assert_ne!(by_turn, by_call),
        }
        let count = if elsewhere(&by_turn) == 0 { &alike } else { &other };
        count.set(count.get() + 1);
    });
    let is_replay = std::env::var("ROLLFOLD_SEED").is_ok();
    assert!(is_replay || (alike.get() > 40 && other.get() > 20), "{alike:?} {other:?}");
}

// Records.

#[test]
fn persisted_only_is_the_log_without_the_others() {
    for_seeds(100, |seed| {
        let records = legacy(seed);
        let bytes = lines_of(&records);
        let mut kept = Vec::new();
        for line in Lines::new(&bytes, Position::default()) {
            let mut scratch = String::new();
            let decoded = decode(line, &mut scratch, Depth::Needed);
            if decoded.records.as_slice().iter().any(|record| is_persisted(record, None)) {
                kept.extend_from_slice(line.bytes);
                kept.push(b'\n');
            }
        }
        let options = Options { records: RecordFilter::PersistedOnly, ..options_of(seed) };
        let filtered = fold(&bytes, options);
        let without = fold(&kept, Options { records: RecordFilter::All, ..options });
        let turns = |it: &Folded| it.snapshot.turns(ItemsView::Full).collect::<Vec<_>>();
        assert_eq!(turns(&filtered), turns(&without));
        let ends = [&filtered, &without].map(|it| it.folder.frontier().state.clone());
        assert_eq!(ends[0].position.record_index, ends[1].position.record_index);
        assert_eq!(ends[0].history(), ends[1].history());
    });
}

/// A1: of a paginated thread every canonical item is kept, also where its first line is lost.
#[test]
fn persisted_only_drops_nothing_that_paginated_threads_show() {
    for_seeds(60, |seed| {
        let reach = Reach::Documented;
        let swarm = Swarm { history: History::Paginated, reach, ..Swarm::new(seed, 40) };
        let mut records = rollout_records(&swarm);
        if seed % 3 == 0 {
            records.retain(|record| record.kind != "session_meta");
        }
        let bytes = lines_of(&records);
        let all = fold(&bytes, Options::default());
        let options = Options { records: RecordFilter::PersistedOnly, ..Options::default() };
        let kept = fold(&bytes, options).snapshot;
        assert!(kept.turns(ItemsView::Full).eq(all.snapshot.turns(ItemsView::Full)));
    });
}

/// What is dropped is still there: an ordinal it has is no gap, a kind nobody knows is unknown.
#[test]
fn persisted_only_makes_nothing_odd() {
    for_seeds(100, |seed| {
        let bytes = lines_of(&rollout_records(&Swarm::new(seed, 40)));
        let all = fold(&bytes, Options::default());
        let options = Options { records: RecordFilter::PersistedOnly, ..Options::default() };
        let filtered = fold(&bytes, options);
        let ordinals = |folded: &Folded| -> Vec<_> {
            let odd = folded.steps.iter().flat_map(|step| step.diagnostics.clone());
            odd.filter(|it| matches!(it.kind, DiagnosticKind::Ordinal(_))).collect()
        };
        assert_eq!(ordinals(&filtered), ordinals(&all));
        let unknown = |folded: &Folded| folded.folder.frontier().state.counts.unknown;
        assert_eq!(unknown(&filtered), unknown(&all));
    });
}

#[test]
fn persisted_only_numbers_only_kept_records() {
    let log = event(r#"{"type":"error","message":"not kept"}"#)
        + &event(r#"{"type":"plan_update","plan":[]}"#)
        + &event(r#"{"type":"user_message","message":"kept"}"#)
        + &event(
            r#"{"type":"item_completed","thread_id":"t","turn_id":"rollout-0","item":{"type":"Plan","id":"p","text":"kept"}}"#,
        )
        + &event(r#"{"type":"exec_command_end","call_id":"c","turn_id":"rollout-0"}"#);
    let ids = |records| {
        let folded = fold(log.as_bytes(), Options { records, ..Options::default() });
        let turns = folded.snapshot.turns(ItemsView::Full);
        let ids = turns.map(|turn| (turn.id.to_string(), turn.items.len()));
        ids.collect::<Vec<_>>()
    };
    assert_eq!(ids(RecordFilter::PersistedOnly), [("rollout-0".to_owned(), 2)]);
    assert_eq!(ids(RecordFilter::All), [("rollout-2".to_owned(), 1)]);
}

#[test]
fn what_is_persisted_is_what_the_reference_persists() {
    let entries = std::fs::read_dir(fixtures().join("reference")).unwrap();
    let mut checked = 0;
    for path in entries.map(|entry| entry.unwrap().path()) {
        let Some(stem) = path.to_str().unwrap().strip_suffix(".policy.json") else { continue };
        let text = std::fs::read_to_string(&path).unwrap();
        let policy: serde_json::Value = serde_json::from_str(&text).unwrap();
        let bytes = [std::fs::read(format!("{stem}.jsonl")).unwrap(), b"\n".to_vec()].concat();
        for line in Lines::new(&bytes, Position::default()) {
            let Some(expected) = policy[(line.seq + 1).to_string()][0].as_bool() else { continue };
            let mut scratch = String::new();
            let decoded = decode(line, &mut scratch, Depth::Needed);
            let [record] = decoded.records.as_slice() else { panic!("{stem}: {}", line.seq) };
            assert_eq!(is_persisted(record, None), expected, "{stem}: {}", line.seq);
            checked += usize::from(record.kind != Kind::Unknown);
        }
    }
    assert!(checked > 2_000, "{checked}");
}

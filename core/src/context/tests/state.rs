//! Beside the history: settings, reference item, world state, window (R60-R75, R88-R99; TORTURE
//! 21).

use serde_json::json;

use super::*;

const FIRST: &str = "019BB0C0-0000-7000-8000-0000000000AA";
const SECOND: &str = "019bb0c0-0000-7000-8000-0000000000ab";

fn model(context: &Context) -> Option<&str> {
    context.previous_turn_settings.as_ref()?.model.as_deref()
}

fn window_of(log: &Log) -> (u64, [Option<String>; 3]) {
    let Window { number, first_id, previous_id, id } = log.context(ContextMode::Sound).window;
    (number, [first_id, previous_id, id].map(|id| id.map(|id| id.to_string())))
}

fn world_of(log: &Log) -> Option<Value> {
    let context = log.context(ContextMode::Reference);
    assert_eq!(context.world_records, log.context(ContextMode::Sound).world_records);
    world(&context, log.bytes()).unwrap()
}

#[test]
fn settings_come_from_the_newest_surviving_turn_of_a_user() {
    let turn = |log: Log, id: &str, model: &str| {
        log.start(id).turn_context(id, model).message("user", id).end(id)
    };
    let log = turn(turn(Log::default(), "a", "m1"), "b", "m2");
    let context = log.context(ContextMode::Sound);
    assert_eq!(model(&context), Some("m2"));
    assert_eq!(context.reference_context_item.map(|it| it.seq), Some(5));
    let back = log.roll_back(1).context(ContextMode::Sound);
    assert_eq!((model(&back), back.reference_context_item.map(|it| it.seq)), (Some("m1"), Some(1)));
    let none = turn(Log::default(), "a", "m1").turn("b").context(ContextMode::Sound);
    assert_eq!(model(&none), Some("m1"), "R90: a turn without a context leaves it to older ones");
    let twice = Log::default().start("a").turn_context("a", "old").turn_context("a", "new");
    let twice = twice.message("user", "x").context(ContextMode::Sound);
    assert_eq!(model(&twice), Some("old"), "R82: within a segment the oldest wins");
    assert_eq!(twice.reference_context_item.map(|it| it.seq), Some(2), "but not as the reference");
}

#[test]
fn compactions_clear_the_reference_item() {
    let log = Log::default().start("a").turn_context("a", "m").message("user", "a").end("a");
    let log = log.start("b").compact(&["s"]).end("b");
    assert_eq!(log.context(ContextMode::Sound).reference_context_item, None);
    let log = log.start("c").turn_context("c", "m").message("user", "c").end("c");
    assert!(log.context(ContextMode::Sound).reference_context_item.is_some());
    let legacy = Log::default().start("a").legacy_compact("s").end("a");
    let legacy = legacy.start("c").turn_context("c", "m").message("user", "c").end("c");
    let context = legacy.context(ContextMode::Sound);
    assert_eq!((context.reference_context_item, model(&context)), (None, Some("m")), "R106");
}

#[test]
fn world_states_are_folded_as_they_survive() {
    let log = Log::default().world(false, &json!({ "a": 1 }));
    assert_eq!(world_of(&log), None, "a patch of nothing");
    let log = log.turn("t1").world(true, &json!({ "a": 1, "n": null, "l": [null, 1] }));
    assert_eq!(world_of(&log), Some(json!({ "a": 1, "n": null, "l": [null, 1] })));
    let log = log.world(false, &json!({ "a": null, "d": { "e": { "f": 1, "g": null } } }));
    let patched = json!({ "n": null, "l": [null, 1], "d": { "e": { "f": 1 } } });
    assert_eq!(world_of(&log), Some(patched.clone()));
    let log = log.start("t2").message("user", "x").world(false, &json!({ "z": 1 })).end("t2");
    let log = log.roll_back(1);
    assert_eq!(world_of(&log), Some(patched), "a rollback takes its turn's patches back");
    let log = log.start("t3").compact(&[]).world(false, &json!({ "y": 1 })).end("t3");
    assert_eq!(world_of(&log), None, "a compaction forgets");
    let log = log.world(true, &json!({ "b": 2 }));
    assert_eq!(world_of(&log), Some(json!({ "b": 2 })));
    assert_eq!(world_of(&log.world(true, &json!([1]))), None, "no object");
}

#[test]
fn a_world_state_nobody_can_read_is_unknown() {
    let full = || Log::default().world(true, &json!({ "a": 1 }));
    assert_eq!(world_of(&full().world(false, &json!("x"))), None);
    assert_eq!(world_of(&full().record("world_state", &json!({ "state": { "b": 1 } }))), None);
    assert_eq!(world_of(&full().record("world_state", &json!({ "full": false }))), None);
    let known_again = full().record("world_state", &json!({})).world(true, &json!({ "c": 1 }));
    assert_eq!(world_of(&known_again), Some(json!({ "c": 1 })));
}

#[test]
fn ten_thousand_patches_are_read_at_any_of_them() {
    let mut log = Log::default().world(true, &json!({}));
    for number in 1..=10_000 {
        log = log.world(false, &json!({ "last": number, (number % 7).to_string(): number }));
    }
    let records = log.snapshot().records().before(7_778);
    let context = reconstruct(&records, log.bytes(), ContextMode::Sound, None).unwrap();
    let world = world(&context, log.bytes()).unwrap().unwrap();
    assert_eq!((&world["last"], &world["0"]), (&json!(7_777), &json!(7_777)));
}

#[test]
fn windows() {
    let compacted = |log: Log, window: &Value| {
        let mut payload = json!({ "message": "s", "replacement_history": [] });
        payload.as_object_mut().unwrap().extend(window.as_object().unwrap().clone());
        log.record("compacted", &payload)
    };
    let meta = |id: &str| {
        let payload = json!({ "id": SECOND, "context_window": { "window_id": id } });
        Log::default().record("session_meta", &payload)
    };
    let low = FIRST.to_lowercase();
    assert_eq!(window_of(&Log::default()), (0, [None, None, None]));
    let initial = (0, [Some(low.clone()), None, Some(low.clone())]);
    assert_eq!(window_of(&meta(FIRST)), initial);
    assert_eq!(window_of(&meta("019bb0c0-0000-4000-8000-0000000000aa")), (0, [None, None, None]));
    let unnumbered = compacted(compacted(meta(FIRST), &json!({})), &json!({}));
    assert_eq!(window_of(&unnumbered), (2, [None, None, None]), "R75: counted");
    let ids = json!({
        "window_number": 3, "first_window_id": FIRST, "previous_window_id": "gone",
        "window_id": SECOND,
    });
    let numbered = compacted(meta(FIRST), &ids);
    assert_eq!(window_of(&numbered), (3, [Some(low), None, Some(SECOND.to_owned())]));
    let legacy = compacted(Log::default(), &json!({ "window_id": 4 }));
    assert_eq!(window_of(&legacy), (4, [None, None, None]), "T11");
    let both = compacted(Log::default(), &json!({ "window_id": 4, "window_number": 9 }));
    assert_eq!(window_of(&both).0, 9);
    let inside = compacted(meta(FIRST).start("a").message("user", "a"), &ids).end("a");
    let undone = inside.roll_back(1);
    assert_eq!(window_of(&undone), initial, "a window that was rolled back is none");
}

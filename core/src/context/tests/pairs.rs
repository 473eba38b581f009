//! Calls and outputs (TORTURE 18, 22).

use serde_json::json;

use super::*;

fn call(id: &str) -> Value {
    json!({ "type": "function_call", "name": "f", "arguments": "{}", "call_id": id })
}

fn output(id: &str) -> Value {
    json!({ "type": "function_call_output", "call_id": id, "output": "ok" })
}

fn problems(log: &Log) -> Vec<(u64, String, PairProblemKind)> {
    let context = log.context(ContextMode::Sound);
    let found = check(&context, log.bytes()).unwrap();
    let (repaired, mends) = repair(&context, log.bytes()).unwrap();
    let left: Vec<PairProblem> = check(&repaired, log.bytes()).unwrap();
    let is_left = |it: &PairProblemKind| {
        matches!(it, PairProblemKind::RepeatedId | PairProblemKind::BadArguments)
    };
    assert!(left.iter().all(|it| is_left(&it.kind)), "{left:?}");
    assert_eq!(mends.len(), found.iter().filter(|it| !is_left(&it.kind)).count());
    assert_eq!(log.context(ContextMode::Sound), context, "the context is as before");
    let short = |it: PairProblem| (it.source.record().seq, it.call_id, it.kind);
    found.into_iter().map(short).collect()
}

#[test]
fn pairs_are_fine() {
    let log = Log::default()
        .item(&call("a"))
        .item(&call("b"))
        .item(&output("b"))
        .item(&output("a"))
        .item(&json!({ "type": "local_shell_call", "call_id": "s", "status": "completed" }))
        .item(&output("s"))
        .item(&json!({ "type": "local_shell_call", "call_id": null, "status": "completed" }))
        .item(&json!({ "type": "tool_search_call", "call_id": "t", "execution": "server" }))
        .item(&json!({ "type": "tool_search_output", "call_id": "t", "execution": "server" }))
        .item(&json!({ "type": "web_search_call", "id": "w" }));
    assert_eq!(problems(&log), []);
}

#[test]
fn halves_are_named_and_mended() {
    let log = Log::default()
        .item(&output("early"))
        .item(&call("early"))
        .item(&json!({ "type": "custom_tool_call", "call_id": "c", "name": "n", "input": "" }))
        .item(&output("c"))
        .item(&json!({ "type": "tool_search_call", "call_id": "t", "execution": "client" }));
    use PairProblemKind::{NoCall, NoOutput};
    assert_eq!(
        problems(&log),
        [
            (0, "early".into(), NoCall),
            (1, "early".into(), NoOutput),
            (2, "c".into(), NoOutput),
            (3, "c".into(), NoCall),
            (4, "t".into(), NoOutput),
        ]
    );
    let context = log.context(ContextMode::Sound);
    let (repaired, mends) = repair(&context, log.bytes()).unwrap();
    assert_eq!(
        texts(&repaired, log.bytes()),
        [
            "function_call",
            "function_call_output",
            "custom_tool_call",
            "custom_tool_call_output",
            "tool_search_call",
            "tool_search_output",
        ]
    );
    let done: Vec<(usize, MendDone)> = mends.iter().map(|it| (it.problem.place, it.done)).collect();
    use MendDone::{Answered, Dropped};
    assert_eq!(done, [(0, Dropped), (1, Answered), (2, Answered), (3, Dropped), (4, Answered)]);
    assert_eq!(items(&repaired, log.bytes())[1]["output"], "aborted");
}

#[test]
fn problems_inside_a_replacement_history_are_named() {
    let history = json!([message("user", "x"), output("o"), call("c")]);
    let payload = json!({ "message": "", "replacement_history": history });
    let log = Log::default().turn("a").record("compacted", &payload);
    let context = log.context(ContextMode::Sound);
    let found = check(&context, log.bytes()).unwrap();
    let entries: Vec<&HistoryRef> = found.iter().map(|it| &it.source).collect();
    assert!(matches!(entries[0], HistoryRef::Entry { record, entry: 1 } if record.seq == 4));
    assert!(matches!(entries[1], HistoryRef::Entry { entry: 2, .. }));
    let span = entries[0].record().span;
    let start = usize::try_from(span.offset_bytes).unwrap();
    assert!(log.bytes()[start..].starts_with(b"{\"timestamp\""));
    assert_eq!(problems(&log).len(), 2);
}

#[test]
fn repeated_ids_and_bad_arguments_are_named() {
    let mut bad = call("a");
    bad["arguments"] = json!("{\"cmd\":");
    let mut again = output("a");
    again["output"] = json!("again");
    let log = Log::default().item(&call("a")).item(&bad).item(&output("a")).item(&again);
    use PairProblemKind::{BadArguments, RepeatedId};
    assert_eq!(problems(&log), [(1, "a".into(), BadArguments), (1, "a".into(), RepeatedId)]);
}

#[test]
fn a_rollback_over_an_open_call_leaves_no_half() {
    let log = Log::default().turn("a").start("b").message("user", "b").item(&call("c"));
    assert_eq!(problems(&log.roll_back(1)), []);
}

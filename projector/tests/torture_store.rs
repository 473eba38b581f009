//! The torture cases that are about what a log says, on the store: whatever stands in it, every
//! later record is there, at once and line by line, now and as of any line.

use std::io;

use rollfold_core::model::{ItemsView, World};
use rollfold_core::{Diagnostic, DiagnosticKind};
use rollfold_projector::{LogSource, MemSource, Store, SyncOptions, ThreadView};

use crate::support::{Model, event, golden, line_by_line, line_ends};

/// A record with an ordinal, as it stands.
fn record(ordinal: &str, kind: &str, payload: &str) -> String {
    let ordinal =
        if ordinal.is_empty() { String::new() } else { format!("\"ordinal\":{ordinal},") };
    format!(
        "{{\"timestamp\":\"2026-03-01T10:00:00.000Z\",{ordinal}\"type\":\"{kind}\",\"payload\":{payload}}}\n"
    )
}

/// The head of a thread whose records carry ordinals: 0 and 1 here.
fn head(first: u64) -> String {
    let meta = r#"{"id":"019bb0c0-0000-7000-8000-000000000001","timestamp":"2026-03-01T10:00:00.000Z","cwd":"/w","originator":"o","cli_version":"1","source":"cli","history_mode":"paginated"}"#;
    record(&first.to_string(), "session_meta", meta)
        + &record(&(first + 1).to_string(), "event_msg", r#"{"type":"task_started","turn_id":"t"}"#)
}

/// An agent's message, with an ordinal as such threads have it.
fn numbered(ordinal: &str, text: &str) -> String {
    record(
        ordinal,
        "event_msg",
        &format!(
            r#"{{"type":"item_completed","thread_id":"x","turn_id":"t","item":{{"type":"AgentMessage","id":"{text}","content":[{{"type":"Text","text":"{text}"}}]}}}}"#
        ),
    )
}

/// An agent's message in a thread without ordinals.
fn said(text: &str) -> String {
    record("", "event_msg", &format!(r#"{{"type":"agent_message","message":"{text}"}}"#))
}

fn tokens(ordinal: &str, percent: &str) -> String {
    let usage = r#"{"input_tokens":7,"cached_input_tokens":0,"output_tokens":2,"reasoning_output_tokens":0,"total_tokens":9}"#;
    record(
        ordinal,
        "event_msg",
        &format!(
            r#"{{"type":"token_count","info":{{"total_token_usage":{usage},"last_token_usage":{usage},"model_context_window":100}},"rate_limits":{{"primary":{{"used_percent":{percent}}}}}}}"#
        ),
    )
}

/// Syncs a log at once and line by line, compares every line's past with the fold of that prefix,
/// and gives the thread.
fn survives(log: &[u8]) -> ThreadView {
    let store = Store::in_memory().unwrap();
    let source = MemSource::new("log", log);
    store.sync(&source, &SyncOptions::default()).unwrap();
    let pieces = Store::in_memory().unwrap();
    pieces.sync(&source, &line_by_line()).unwrap();
    let whole = Model::of(log);
    whole.assert_same(&store, "log");
    whole.assert_same(&pieces, "log");
    let mut model = Model::default();
    let mut start = 0;
    for (lines, end) in (1..).zip(line_ends(log)) {
        model.push(&log[start..end]);
        start = end;
        model.assert_same_rows(&store.thread("log").unwrap().unwrap().at(lines));
    }
    store.thread("log").unwrap().unwrap()
}

/// The texts of the agent's messages, in order.
fn texts(view: &ThreadView) -> Vec<String> {
    let turns = view.turns(ItemsView::Full).map(|turn| turn.unwrap().value);
    let items = turns.flat_map(|turn| turn.items);
    let texts = items.filter_map(|item| {
        let item = serde_json::to_value(&*item).unwrap();
        item["text"].as_str().map(str::to_owned)
    });
    texts.collect()
}

fn oddities(view: &ThreadView) -> Vec<Diagnostic> {
    view.diagnostics_page(None, 10_000).unwrap().rows
}

fn ordinal_oddities(view: &ThreadView) -> usize {
    let all = oddities(view);
    all.iter().filter(|each| matches!(each.kind, DiagnosticKind::Ordinal(_))).count()
}

/// A log of 200 records whose ordinals begin anew at some: what a resume after a rejected tail
/// leaves.
fn with_seams(seams: &[usize]) -> (Vec<u8>, Vec<String>) {
    let (mut log, mut expected, mut ordinal) = (head(0), Vec::new(), 2);
    for place in 0..200 {
        if seams.contains(&place) {
            log += &tokens(&ordinal.to_string(), "12.5");
            log +=
                &record(&ordinal.to_string(), "event_msg", r#"{"type":"thread_settings_applied"}"#);
            log += &record(
                &(ordinal + 1).to_string(),
                "event_msg",
                &format!(r#"{{"type":"task_started","turn_id":"t{place}"}}"#),
            );
            ordinal += 2;
        }
        let text = format!("said {place}");
        log += &numbered(&ordinal.to_string(), &text);
        expected.push(text);
        ordinal += 1;
    }
    (log.into_bytes(), expected)
}

#[test]
fn torture_01_duplicates_at_resume_seams() {
    for seams in [&[31][..], &[31, 88, 150]] {
        let (log, expected) = with_seams(seams);
        let view = survives(&log);
        assert_eq!(texts(&view), expected);
        assert_eq!(ordinal_oddities(&view), seams.len(), "one for each anomaly");
        let spans: Vec<_> =
            view.lines(0, u64::MAX).unwrap().into_iter().map(|line| line.span).collect();
        assert_eq!(
            spans.len(),
            202 + 3 * seams.len(),
            "both records of an ordinal have their bytes"
        );
    }
}

#[test]
fn torture_02_overlapping_writers() {
    let ordinals = [2, 3, 4, 5, 6, 5, 6, 7, 8];
    let lines = ordinals.iter().enumerate();
    let records: String = lines
        .map(|(place, ordinal)| numbered(&ordinal.to_string(), &format!("w{place}")))
        .collect();
    let view = survives((head(0) + &records).as_bytes());
    assert_eq!(texts(&view).len(), ordinals.len());
    assert!(ordinal_oddities(&view) >= 1);
}

#[test]
fn torture_03_gaps() {
    let plain = [head(0), numbered("2", "a"), numbered("4", "b"), numbered("5", "c")].concat();
    let broken = [head(0), numbered("2", "a"), "{broken\n".into(), numbered("4", "b")].concat();
    let late = [head(5), numbered("7", "a")].concat();
    // What a broken line may have had is no gap.
    for (log, len, oddities) in [(plain, 3, 1), (broken, 2, 0), (late, 1, 1)] {
        let view = survives(log.as_bytes());
        assert_eq!((texts(&view).len(), ordinal_oddities(&view)), (len, oddities), "{log}");
    }
}

#[test]
fn torture_04_shapes_of_ordinals() {
    let shapes =
        ["", "null", "\"17\"", "17.0", "18446744073709551615", "3,\"ordinal\":4", "-1", "[]"];
    for shape in shapes {
        let log =
            [head(0), numbered("2", "before"), numbered(shape, "odd"), numbered("4", "after")];
        let log = log.concat();
        assert_eq!(texts(&survives(log.as_bytes())), ["before", "odd", "after"], "{shape}");
    }
}

#[test]
fn torture_05_decimal_limits() {
    for percent in ["12", "12.0", "12.5", "1e1", "0.1e-7"] {
        let log = [head(0), tokens("2", percent)].concat();
        let view = survives(log.as_bytes());
        assert_eq!(view.usage_totals().unwrap().own.total, 9, "{percent}");
        assert_eq!(oddities(&view), [], "{percent}");
    }
}

/// Core's `cuts::` cut every fixture at every byte; here a store goes on from every byte of one.
#[test]
fn torture_06_every_prefix() {
    let log = [said("caf\u{e9} \u{1f600}"), said("b").replace('\n', "\r\n"), tokens("2", "1")];
    let log = log.concat().into_bytes();
    let store = Store::in_memory().unwrap();
    for end in 0..=log.len() {
        let key = format!("{end}");
        let mut source = MemSource::new(&*key, &log[..end]);
        store.sync(&source, &SyncOptions::default()).unwrap();
        let mut model = Model::default();
        model.push(&log[..end]);
        model.assert_same(&store, &key);
        source.bytes = log.clone();
        let synced = store.sync(&source, &SyncOptions::default()).unwrap();
        assert_eq!(synced.generation, 0);
        Model::of(&log).assert_same(&store, &key);
    }
}

#[test]
fn torture_08_invalid_utf_8() {
    let torn: &[u8] = b"{\"timestamp\":\"2026-03-01T10:00:00.000Z\",\"type\":\"event_msg\",\"payload\":{\"type\":\"agent_message\",\"message\":\"\xe6\x87\n";
    let log = [said("before").as_bytes(), torn, said("after").as_bytes()].concat();
    let view = survives(&log);
    assert_eq!(texts(&view), ["before", "after"]);
    assert_eq!(view.state().counts.damaged, 1);
    let inside = said("x#y").replace('#', "\u{1}").into_bytes();
    let inside: Vec<u8> = inside
        .into_iter()
        .flat_map(|byte| match byte {
            1 => vec![0xff, 0xfe],
            byte => vec![byte],
        })
        .collect();
    let log = [said("before").as_bytes(), &inside, said("after").as_bytes()].concat();
    let view = survives(&log);
    assert_eq!(texts(&view), ["before", "x\u{fffd}\u{fffd}y", "after"]);
}

#[test]
fn torture_09_nuls() {
    let nuls = |len: usize| vec![0u8; len];
    let log = [
        said("before").trim_end().as_bytes(),
        &nuls(9 * 1024),
        b"\n",
        said("a\\u0000b").as_bytes(),
        &nuls(143 * 1024),
    ]
    .concat();
    let view = survives(&log);
    assert_eq!(texts(&view), ["before", "a\0b"]);
    let mut closed = log;
    closed.extend(b"\n");
    closed.extend(said("after").bytes());
    assert_eq!(texts(&survives(&closed)), ["before", "a\0b", "after"]);
}

#[test]
fn torture_10_line_separators() {
    let log = format!(
        "\u{feff}{}\n\n   \n{}{}",
        said("one\u{2028}two\u{2029}three\u{85}").replace('\n', "\r\n"),
        said("four").replace('\n', "\r\n"),
        said("five").trim_end(),
    );
    let view = survives(log.as_bytes());
    assert_eq!(texts(&view), ["one\u{2028}two\u{2029}three\u{85}", "four"]);
    let last = survives(format!("{log}\n").as_bytes());
    assert_eq!(texts(&last), ["one\u{2028}two\u{2029}three\u{85}", "four", "five"]);
}

#[test]
fn torture_11_edges_of_json() {
    let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    let odd = [
        said("\\ud83d"),
        record("", "event_msg", &format!(r#"{{"type":"warning","message":"w","deep":{deep}}}"#)),
        "null\n".into(),
        format!("{}{}", said("one").trim_end(), said("two")),
        record("", "event_msg", "null"),
        record("", "event_msg", "\"text\""),
        record("", "event_msg", "[1]"),
        "{\"timestamp\":\"2026-03-01T10:00:00.000Z\",\"type\":\"event_msg\"}\n".into(),
    ];
    let log = format!("{}{}{}", said("before"), odd.concat(), said("after"));
    assert_eq!(texts(&survives(log.as_bytes())), ["before", "\u{fffd}", "one", "two", "after"]);
}

/// 400 compactions that carry the same 20 images: a log of 10 GB, made as it is read.
struct Amplified {
    line: Vec<u8>,
    lines: u64,
}

impl LogSource for Amplified {
    fn key(&self) -> &str {
        "amplified"
    }

    fn len_bytes(&self) -> io::Result<Option<u64>> {
        Ok(Some(self.line.len() as u64 * self.lines))
    }

    fn read_at(&self, offset_bytes: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.line.len() as u64;
        let rest = (len * self.lines).saturating_sub(offset_bytes);
        let start = usize::try_from(offset_bytes % len).unwrap();
        let piece = &self.line[start..];
        let take = piece.len().min(buffer.len()).min(usize::try_from(rest).unwrap_or(usize::MAX));
        buffer[..take].copy_from_slice(&piece[..take]);
        Ok(take)
    }
}

#[test]
#[ignore = "takes minutes without --release"]
fn torture_13_real_size_of_an_amplified_log() {
    let image = format!("data:image/png;base64,{}", "iVBORw0KGgo".repeat(113_000));
    let part = format!(r#"{{"type":"input_image","image_url":"{image}"}}"#);
    let content = vec![part; 20].join(",");
    let payload = format!(
        r#"{{"message":"","replacement_history":[{{"type":"message","role":"user","content":[{content}]}}]}}"#
    );
    let source = Amplified { line: record("", "compacted", &payload).into_bytes(), lines: 400 };
    let line_bytes = source.line.len() as u64;
    assert!(line_bytes * source.lines >= 9_900_000_000, "{line_bytes}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let store = Store::open(&path).unwrap();
    let before = peak_bytes();
    // Equal lines are a writer's retries; so these differ for a fold that takes them as they are.
    let fold = rollfold_core::Options::REFERENCE;
    let synced = store.sync(&source, &SyncOptions { fold, ..SyncOptions::default() }).unwrap();
    assert_eq!(synced.counts.records, 400);
    let view = store.thread("amplified").unwrap().unwrap();
    assert_eq!(view.windows().unwrap().len(), 401);
    if let (Some(before), Some(after)) = (before, peak_bytes()) {
        println!("10 GB synced; peak memory {before} before, {after} after, line {line_bytes}");
        assert!(after < before + 64 * 1024 * 1024 + 2 * line_bytes);
    }
    let store_bytes = std::fs::metadata(&path).unwrap().len();
    assert!(store_bytes < 64 * 1024 * 1024, "{store_bytes}");
}

/// The most memory this process has had, where the system tells.
fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? * 1024)
}

#[test]
fn torture_14_an_unknown_future() {
    let strange = |number: u32| record("", "hologram", &format!(r#"{{"number":{number}}}"#));
    let log: String = (0..1000).map(strange).collect();
    let store = Store::in_memory().unwrap();
    store.sync(&MemSource::new("log", log.clone()), &SyncOptions::default()).unwrap();
    Model::of(log.as_bytes()).assert_same(&store, "log");
    let view = store.thread("log").unwrap().unwrap();
    assert_eq!(view.state().counts.unknown, 1000);
    assert_eq!(view.lines(0, u64::MAX).unwrap().len(), 1000);
    let recognition = view.state().recognition();
    assert_ne!(recognition, rollfold_core::model::Recognition::Empty);
    for name in ["damage_unknown_event_type", "damage_unknown_enum_value"] {
        survives(&golden(name));
    }
}

#[test]
fn torture_15_three_vocabularies() {
    let names = ["dialogue_as_events", "dialogue_as_canonical_items", "dialogue_as_response_items"];
    let shown = names.map(|name| texts(&survives(&golden(name))));
    assert!(!shown[0].is_empty());
    assert!(shown.iter().all(|texts| *texts == shown[0]), "{shown:?}");
}

#[test]
fn torture_20_rollbacks() {
    let turn = |number: u32| {
        event(&format!(r#"{{"type":"task_started","turn_id":"t{number}"}}"#))
            + &event(&format!(r#"{{"type":"user_message","message":"q{number}"}}"#))
            + &event(
                r#"{"type":"exec_command_begin","call_id":"open","turn_id":"t","command":["ls"],"cwd":"/","parsed_cmd":[]}"#,
            )
    };
    let back =
        |count: u32| event(&format!(r#"{{"type":"thread_rolled_back","num_turns":{count}}}"#));
    let ids = |log: &str| -> Vec<String> {
        let view = survives(log.as_bytes());
        view.turns(ItemsView::NotLoaded).map(|turn| turn.unwrap().value.id.to_string()).collect()
    };
    let mut log: String = (1..=5).map(turn).collect();
    log += &back(2);
    log += &turn(6);
    assert_eq!(ids(&log), ["t1", "t2", "t3", "t6"]);
    assert_eq!(ids(&(log.clone() + &back(1))), ["t1", "t2", "t3"]);
    let compacted = record("", "compacted", r#"{"message":"m"}"#);
    assert_eq!(ids(&(log.clone() + &compacted + &turn(7) + &back(2))), ["t1", "t2", "t3"]);
    assert_eq!(ids(&(log + &back(10))), Vec::<String>::new());
}

#[test]
fn torture_21_ten_thousand_patches_read_at_7777() {
    let state = |full: bool, state: &str| {
        record("", "world_state", &format!(r#"{{"full":{full},"state":{state}}}"#))
    };
    let mut log = state(true, "{}");
    (1..=10_000).for_each(|n| log += &state(false, &format!(r#"{{"n":{n},"k{}":{n}}}"#, n % 7)));
    let store = Store::in_memory().unwrap();
    store.sync(&MemSource::new("log", log), &SyncOptions::default()).unwrap();
    let view = store.thread("log").unwrap().unwrap().at(7_778);
    let want = serde_json::json!({"n": 7777, "k0": 7777, "k1": 7771, "k2": 7772, "k3": 7773, "k4": 7774, "k5": 7775, "k6": 7776});
    let World::Known(value) = view.world().unwrap() else { panic!("unknown") };
    assert_eq!(*value, want);
    let log = [
        state(false, r#"{"a":1}"#),
        state(true, r#"{"a":1,"b":{"c":1}}"#),
        state(false, r#"{"a":null,"b":{"d":[null,1]}}"#),
        record("", "compacted", r#"{"message":"m"}"#),
        state(false, r#"{"e":1}"#),
        state(true, r#"{"f":1}"#),
    ];
    let view = survives(log.concat().as_bytes());
    let known = |lines: u64| {
        let view = survives(log.concat().as_bytes()).at(lines);
        view.world().unwrap().value().map(|value| value.to_string())
    };
    assert_eq!(
        view.world().unwrap().value().map(|value| value.to_string()),
        Some(r#"{"f":1}"#.into())
    );
    assert_eq!(known(1), None);
    assert_eq!(known(3).as_deref(), Some(r#"{"b":{"c":1,"d":[null,1]}}"#));
    assert_eq!((known(4), known(5)), (None, None));
}

#[test]
fn torture_22_shapes_of_crashes() {
    let started = event(r#"{"type":"task_started","turn_id":"t"}"#);
    let call = record(
        "",
        "response_item",
        r#"{"type":"function_call","name":"f","arguments":"{}","call_id":"c"}"#,
    );
    let output = record(
        "",
        "response_item",
        r#"{"type":"function_call_output","call_id":"c","output":"o"}"#,
    );
    let complete = event(r#"{"type":"task_complete","turn_id":"t"}"#);
    let aborted = event(r#"{"type":"turn_aborted","turn_id":"t","reason":"interrupted"}"#);
    let late = event(
        r#"{"type":"item_completed","thread_id":"x","turn_id":"t","item":{"type":"AgentMessage","id":"i","content":[{"type":"Text","text":"late"}]}}"#,
    );
    for log in [
        vec![&started],
        vec![&started, &call],
        vec![&started, &output],
        vec![&started, &call, &call, &output, &output],
        vec![&started, &complete, &complete],
        vec![&started, &aborted, &late],
    ] {
        let log: String = log.into_iter().map(String::as_str).collect();
        let view = survives(log.as_bytes());
        assert_eq!(view.turns(ItemsView::Full).count(), 1);
    }
}

//! Search: single cases, and what happens in between.

use std::ops::ControlFlow;

use rollfold_core::model::ItemsView;
use rollfold_core::testing::{Prng, Shape, shape_bytes};
use rollfold_projector::testing::FaultyDisk;
use rollfold_projector::{
    Behind, CursorProblem, Hit, IndexOptions, MemSource, SearchError, SearchPage, SearchRequest,
    Store, SyncOptions, TextKind, TextKinds, VerifyOptions,
};
use serde_json::json;

use crate::search_naive::{Naive, keys};
use crate::support::{any_fate, event, golden, small_log};

fn sync(store: &Store, source: &MemSource) {
    store.sync(source, &SyncOptions::default()).unwrap();
}

fn index(store: &Store) {
    let done = store.index(&IndexOptions::default()).unwrap();
    assert!(done.failed.is_empty() && !done.is_stopped, "{done:?}");
}

fn said(text: &str) -> String {
    event(&json!({"type": "user_message", "message": text}).to_string())
}

/// A store with one log of what the user said.
fn store_of(texts: &[&str]) -> Store {
    let store = Store::in_memory().unwrap();
    let log: String = texts.iter().map(|text| said(text)).collect();
    sync(&store, &MemSource::new("log", log));
    index(&store);
    store
}

fn find(store: &Store, query: &str) -> SearchPage {
    let kinds = TextKinds::all();
    store.search(&SearchRequest { kinds, limit: 1000, ..SearchRequest::new(query) }).unwrap()
}

fn len(store: &Store, query: &str) -> usize {
    find(store, query).hits.len()
}

fn only(store: &Store, query: &str) -> Hit {
    let hits = find(store, query).hits;
    assert_eq!(hits.len(), 1, "{query}");
    hits.into_iter().next().unwrap()
}

#[test]
fn hostile_texts_are_found_and_take_little_room() {
    let long = "x".repeat(1_000_000);
    let image: String = {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut rng = Prng::new(5);
        (0..200_000).map(|_| char::from(*rng.pick_ref(alphabet).unwrap())).collect()
    };
    let wrapped: Vec<&str> =
        (0..2_000).map(|line| image.get(line * 76..(line + 1) * 76).unwrap()).collect();
    let store = store_of(&[
        "nul\0inside and \u{1b}[1;31mr\u{1b}[4med\u{1b}[0m",
        "שלום עולם مرحبا بالعالم",
        "e\u{301}te\u{301} and cafe\u{301}",
        "これは日本語のテストです。検索できますか",
        "한국어를 검색한다",
        "deploy 🚀 by 👩\u{200d}💻 → done",
        &format!("before {long} behind"),
        &format!("see data:image/png;base64,{image} there"),
        &format!("mail\n{}\nends", wrapped.join("\n")),
        "ΣΊΣΥΦΟΣ and STRASSE",
    ]);
    for query in [
        "nul",
        "inside",
        "RED",
        "עולם",
        "بالعالم",
        "E\u{301}TE\u{301}",
        "日本語",
        "検索",
        "本",
        "검색",
        "한국어",
        "🚀",
        "💻",
        "→ done",
        "before behind",
        "xxxx*",
        "see there",
        "mail ends",
        "σίσυφος",
        "\"before x\"*",
        "\"ends\"",
    ] {
        assert_eq!(len(&store, query), 1, "{query}");
    }
    assert_eq!(len(&store, &long), 1);
    for query in ["cafe", "ete", "straße", "xxxx", "本日", "\"behind before\""] {
        assert_eq!(len(&store, query), 0, "{query}");
    }
    let size = store.index_size().unwrap();
    assert!(size.words < 2_200 && size.bytes < 140_000, "{size:?}");
    let snippet = only(&store, "behind").snippet;
    assert!(snippet.is_cut_before && !snippet.is_cut_after && snippet.text.len() < 200);
    assert_eq!(only(&store, "red").snippet.text, "nul inside and red");
}

#[test]
fn only_what_is_there_now_is_found() {
    let store = Store::in_memory().unwrap();
    let mut log = MemSource::new("log", "");
    let mut step = |text: String| {
        log.bytes.extend(text.bytes());
        sync(&store, &log);
        index(&store);
    };
    let begin = |id: &str| event(&json!({"type": "task_started", "turn_id": id}).to_string());
    step(begin("t1") + &said("alpha stays"));
    step(begin("t2") + &said("alpha goes"));
    step(event(r#"{"type":"web_search_begin","call_id":"c"}"#));
    assert_eq!((len(&store, "alpha"), len(&store, "beta")), (2, 0));
    step(event(r#"{"type":"web_search_end","call_id":"c","query":"beta"}"#));
    assert_eq!((len(&store, "alpha"), len(&store, "beta")), (2, 1));
    let hit = only(&store, "beta");
    assert_eq!((hit.kind, hit.item.id(), hit.seq, &*hit.turn_id), (TextKind::Web, "c", 5, "t2"));
    step(event(r#"{"type":"thread_rolled_back","num_turns":1}"#));
    assert_eq!((len(&store, "alpha"), len(&store, "beta")), (1, 0));
    assert_eq!(only(&store, "alpha").snippet.text, "alpha stays");
    // Told anew from the start: what was folded is another generation.
    log.bytes = (begin("t1") + &said("gamma")).into_bytes();
    sync(&store, &log);
    let page = find(&store, "alpha");
    assert_eq!((page.hits.len(), page.behind.len), (0, 1));
    index(&store);
    assert_eq!((len(&store, "alpha"), len(&store, "gamma")), (0, 1));
    assert_eq!(only(&store, "gamma").generation, 1);
}

#[test]
fn an_index_that_is_behind_answers_and_says_so() {
    let store = Store::in_memory().unwrap();
    let (mut one, two) =
        (MemSource::new("one", said("alpha")), MemSource::new("two", said("alpha")));
    sync(&store, &one);
    sync(&store, &two);
    let behind =
        |len, keys: &[&str]| Behind { len, keys: keys.iter().map(|&key| key.into()).collect() };
    let page = find(&store, "alpha");
    assert_eq!((page.hits.len(), page.behind), (0, behind(2, &["one", "two"])));
    assert_eq!(store.index_thread("two", &IndexOptions::default()).unwrap().threads, 1);
    assert_eq!(store.index_thread("three", &IndexOptions::default()).unwrap().threads, 0);
    let page = find(&store, "alpha");
    assert_eq!((page.hits.len(), page.behind), (1, behind(1, &["one"])));
    let threads: Option<&[&str]> = Some(&["two", "three"]);
    let page = store.search(&SearchRequest { threads, ..SearchRequest::new("alpha") }).unwrap();
    assert_eq!((page.hits.len(), page.behind), (1, Behind::default()));
    index(&store);
    assert_eq!(find(&store, "alpha").behind, Behind::default());
    one.bytes.extend(said("alpha again").bytes());
    sync(&store, &one);
    let page = find(&store, "alpha");
    assert_eq!((page.hits.len(), page.behind), (2, behind(1, &["one"])));
    // Nothing new is nothing to do.
    index(&store);
    sync(&store, &one);
    assert_eq!(find(&store, "alpha").behind, Behind::default());
    let done = store.index(&IndexOptions::default()).unwrap();
    assert_eq!((done.threads, done.items), (0, 0));
}

#[test]
fn kinds_are_told_apart_and_injected_text_is_asked_for() {
    let store = Store::in_memory().unwrap();
    let log = [
        event(r#"{"type":"task_started","turn_id":"t1"}"#),
        said("<environment_context>\n<cwd>/zeta</cwd>\n</environment_context>"),
        said("zeta asks"),
        event(r#"{"type":"agent_message","message":"zeta answers"}"#),
        event(
            r#"{"type":"exec_command_end","call_id":"c","turn_id":"t1","command":["echo","zeta"],"cwd":"/","parsed_cmd":[],"source":"agent","stdout":"","stderr":"","aggregated_output":"zeta printed","exit_code":0,"duration":{"secs":0,"nanos":1},"formatted_output":"","status":"completed"}"#,
        ),
    ];
    sync(&store, &MemSource::new("log", log.concat()));
    index(&store);
    let found = |kinds: TextKinds, query: &str| -> Vec<TextKind> {
        let page = store.search(&SearchRequest { kinds, ..SearchRequest::new(query) }).unwrap();
        page.hits.iter().map(|hit| hit.kind).collect()
    };
    let one = |kind: TextKind| TextKinds::NONE.with(kind);
    let default = [TextKind::Command, TextKind::Agent, TextKind::User];
    assert_eq!(found(TextKinds::default(), "zeta"), default);
    let all = [TextKind::Command, TextKind::Agent, TextKind::User, TextKind::Injected];
    assert_eq!(found(TextKinds::all(), "zeta"), all);
    assert_eq!(found(one(TextKind::Injected), "zeta"), [TextKind::Injected]);
    assert_eq!(found(one(TextKind::Output), "zeta"), [TextKind::Output]);
    assert_eq!(found(one(TextKind::Output), "echo"), []);
    // Words of one item need not be in one text.
    assert_eq!(found(TextKinds::default(), "echo printed"), [TextKind::Command]);
    assert_eq!(found(TextKinds::NONE, "zeta"), []);
    assert_eq!("Output".parse(), Ok(TextKind::Output));
    assert!("outputs".parse::<TextKind>().unwrap_err().to_string().contains("user, agent, plan"));
}

#[test]
fn cursors_are_good_for_their_search_only() {
    let texts: Vec<String> = (0..5).map(|number| format!("alpha {number}")).collect();
    let store = store_of(&texts.iter().map(|text| &**text).collect::<Vec<_>>());
    let request = SearchRequest { limit: 2, ..SearchRequest::new("alpha") };
    let first = store.search(&request).unwrap();
    let cursor = first.next_cursor.unwrap();
    let problem = |request: &SearchRequest<'_>| match store.search(request) {
        Err(SearchError::Cursor { problem, .. }) => problem,
        other => panic!("{other:?}"),
    };
    let again = SearchRequest { cursor: Some(&cursor), ..request };
    assert_eq!(store.search(&again).unwrap().hits.len(), 2);
    assert_eq!(problem(&SearchRequest { query: "beta", ..again }), CursorProblem::OtherList);
    assert_eq!(
        problem(&SearchRequest { kinds: TextKinds::all(), ..again }),
        CursorProblem::OtherList
    );
    for bad in ["", "s1", "s1.0.0.0.0", "s1.x.0.0.0.0", "s2.0.0.0.0.0", "s1.0.0.0.0.-1"] {
        assert_eq!(
            problem(&SearchRequest { cursor: Some(bad), ..request }),
            CursorProblem::Malformed
        );
    }
    for query in ["", "  ", "\"\"", "\" \""] {
        assert!(matches!(
            store.search(&SearchRequest::new(query)),
            Err(SearchError::Nothing { .. })
        ));
    }
    // A bound on what is read ends a page, too, and loses nothing.
    let mut found = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let request = SearchRequest {
            items_max: Some(2),
            cursor: cursor.as_deref(),
            ..SearchRequest::new("\"alpha 1\"")
        };
        let page = store.search(&request).unwrap();
        assert!(page.items_read <= 2);
        found.extend(page.hits);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(found.len(), 1);
}

#[test]
fn pages_hold_while_threads_grow() {
    let store = Store::in_memory().unwrap();
    let turn = |number: u64| {
        let id = format!("t{number}");
        let started = json!({"type": "task_started", "turn_id": id, "started_at": 1000 + number});
        event(&started.to_string()) + &said(&format!("alpha {number}"))
    };
    let mut logs: Vec<MemSource> = (0..3)
        .map(|log| {
            MemSource::new(
                format!("log{log}"),
                (0..5).map(|n| turn(n * 3 + log)).collect::<String>(),
            )
        })
        .collect();
    logs.iter().for_each(|log| sync(&store, log));
    index(&store);
    let mut seen = Vec::new();
    let mut cursor: Option<String> = None;
    for round in 0.. {
        let cursor_now = cursor.as_deref();
        let request = SearchRequest { limit: 2, cursor: cursor_now, ..SearchRequest::new("alpha") };
        let page = store.search(&request).unwrap();
        seen.extend(page.hits.iter().map(|hit| hit.snippet.text.clone()));
        cursor = page.next_cursor;
        let Some(_) = cursor else { break };
        let log = &mut logs[round % 3];
        log.bytes.extend(turn(100 + round as u64).bytes());
        sync(&store, log);
        index(&store);
    }
    let expected: Vec<String> = (0..15).rev().map(|number| format!("alpha {number}")).collect();
    assert_eq!(seen, expected);
}

#[test]
fn a_turn_that_begins_at_another_time_moves() {
    let store = Store::in_memory().unwrap();
    // An item comes before its turn says when it began.
    let whole = golden("paginated_item_before_turn_start");
    let mut log = MemSource::new("log", "");
    let mut starts = Vec::new();
    for line in whole.split_inclusive(|byte| *byte == b'\n') {
        log.bytes.extend(line);
        sync(&store, &log);
        index(&store);
        let hits = find(&store, "\"current changes\"").hits;
        starts.push(hits.iter().map(|hit| hit.started_at).collect::<Vec<_>>());
    }
    let (none, some) = (vec![None], vec![Some(1772359202)]);
    assert_eq!(starts, [vec![], none, some.clone(), some.clone(), some]);
    assert_eq!(len(&store, "go"), 1);
}

#[test]
fn stopping_keeps_what_was_done() {
    let store = Store::in_memory().unwrap();
    for number in 0..300 {
        sync(&store, &MemSource::new(format!("log{number}"), said("alpha")));
    }
    let mut calls = 0;
    let options = IndexOptions { memory_bytes: 4_000, ..IndexOptions::default() };
    let done = store
        .index_with(&options, |progress| {
            calls += 1;
            assert!(progress.threads + progress.threads_behind >= 300);
            if progress.threads >= 100 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .unwrap();
    assert!(done.is_stopped && calls > 1 && done.threads < 300, "{done:?}");
    let page = find(&store, "alpha");
    assert_eq!(page.hits.len() as u64, done.threads);
    assert_eq!(page.behind.len, 300 - done.threads);
    assert_eq!(page.behind.keys.len(), 100);
    index(&store);
    assert_eq!(len(&store, "alpha"), 300);
}

#[test]
fn many_small_steps_leave_few_segments() {
    let store = Store::in_memory().unwrap();
    let mut log = MemSource::new("log", "");
    for number in 0..150 {
        log.bytes.extend(said(&format!("alpha {number}")).bytes());
        sync(&store, &log);
        index(&store);
        let size = store.index_size().unwrap();
        assert!(size.segments < 30, "{size:?}");
    }
    assert_eq!(len(&store, "alpha"), 150);
    assert_eq!(len(&store, "77"), 1);
}

#[test]
fn after_any_failure_indexing_goes_on() {
    let logs = [
        MemSource::new("one", small_log()),
        MemSource::new("two", shape_bytes(Shape::Tiny, 1, 1_500)),
    ];
    let options = IndexOptions { memory_bytes: 1, ..IndexOptions::default() };
    let mut rng = Prng::new(3);
    let (mut stages, mut end) = (std::collections::BTreeSet::new(), 0);
    loop {
        let disk = FaultyDisk::new();
        let store = Store::with_backend(disk.clone()).unwrap();
        logs.iter().for_each(|log| sync(&store, log));
        disk.fail_after(Some(end));
        let is_done = store.index(&options).is_ok();
        drop(store);
        for disk in [disk.after_abort(), disk.after_power_loss(|_| any_fate(&mut rng))] {
            let store = Store::with_backend(disk).unwrap();
            let naive = Naive::of(&store);
            let page = find(&store, "e*");
            stages.insert((page.behind.len, store.index_size().unwrap().segments));
            let all = naive.find("e*", None, TextKinds::all());
            assert!(page.hits.iter().all(|hit| all.contains(&(hit.key.to_string(), hit.at))));
            assert!(page.behind.len > 0 || page.hits.len() == all.len());
            index(&store);
            assert_eq!(len(&store, "e*"), all.len());
        }
        if is_done {
            break;
        }
        end += 1 + end / 8;
    }
    assert!(stages.len() >= 4, "{stages:?}");
}

#[test]
fn rows_that_are_repaired_are_indexed_anew() {
    let store = Store::in_memory().unwrap();
    let log = MemSource::new("log", said("alpha"));
    sync(&store, &log);
    let items = redb::TableDefinition::<(u32, u32, u32, u64), &[u8]>::new("items");
    store
        .tamper(|write| {
            let mut items = write.open_table(items)?;
            let body = b"\x01{\"type\":\"userMessage\",\"id\":\"i\",\"clientId\":null,\"content\":[{\"type\":\"text\",\"text\":\"beta\",\"text_elements\":[]}]}";
            items.insert((0, 0, 0, !0), &body[..])?;
            Ok(())
        })
        .unwrap();
    index(&store);
    assert_eq!((len(&store, "alpha"), len(&store, "beta")), (0, 1));
    let options = VerifyOptions { repair: true, ..VerifyOptions::default() };
    assert!(!store.verify(&log, &options).unwrap().repaired.is_empty());
    assert_eq!(find(&store, "alpha").behind.len, 1);
    index(&store);
    assert_eq!((len(&store, "alpha"), len(&store, "beta")), (1, 0));
}

#[test]
fn a_thread_that_does_not_read_back_stops_no_other() {
    let store = Store::in_memory().unwrap();
    for key in ["one", "two", "three"] {
        sync(&store, &MemSource::new(key, said("alpha")));
    }
    let items = redb::TableDefinition::<(u32, u32, u32, u64), &[u8]>::new("items");
    store
        .tamper(|write| {
            write.open_table(items)?.insert((1, 0, 0, !0), &b"\x01{"[..])?;
            Ok(())
        })
        .unwrap();
    let done = store.index(&IndexOptions::default()).unwrap();
    let [(key, error)] = &*done.failed else { panic!("{done:?}") };
    assert!(key == "two" && error.wants_rebuild() && done.threads == 2, "{done:?}");
    let page = find(&store, "alpha");
    assert_eq!((page.hits.len(), &*page.behind.keys), (2, &["two".to_owned()][..]));
}

#[test]
fn a_reader_searches_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let store = Store::open(&path).unwrap();
    sync(&store, &MemSource::new("log", said("alpha")));
    index(&store);
    let reader = Store::open_reader(&path).unwrap();
    let hit = only(&reader, "alpha");
    let view = reader.thread(&hit.key).unwrap().unwrap();
    assert!(view.turn(&hit.turn_id, ItemsView::Full).unwrap().is_some());
    assert_eq!(keys(&reader).len(), 1);
    assert!(reader.index(&IndexOptions::default()).is_ok());
}

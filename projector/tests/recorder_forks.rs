//! Forks: by copy, by reference, for spawned agents.

use std::sync::atomic::{AtomicU64, Ordering};

use rollfold_core::Snapshot;
use rollfold_core::forks::SpawnFork;
use rollfold_core::model::{ItemsView, Ownership, PrefixKind, TurnStatus};
use rollfold_projector::testing::{FaultyLogs, Torn};
use rollfold_projector::{
    Compaction, Cut, FileSource, Fork, Home, INTERRUPTED, LogSource, NewRecord, RecordError,
    RecordTag, Recorder, RecorderOptions, Store, SyncOptions, ThreadMode, open_thread,
};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::recording::{TestIds, assert_accepted, home, id, lines, options, options_on, thread};
use crate::support::Model;

/// A thread of `turns` whole turns, the last of which may go on.
fn parent(home: &Home, mode: ThreadMode, turns: usize, is_open: bool) -> String {
    let mut recorder = Recorder::create(home, &thread(mode), &child_options()).unwrap();
    for turn in 0..turns {
        talk(&mut recorder, &format!("p{turn}"), is_open && turn + 1 == turns);
    }
    let thread_id = recorder.thread_id().to_owned();
    recorder.close().unwrap();
    thread_id
}

fn talk(recorder: &mut Recorder, turn: &str, is_open: bool) {
    let thread_id = recorder.thread_id().to_owned();
    let mut put = |record| recorder.append(record).map(drop).unwrap();
    put(NewRecord::turn_started(turn, None));
    put(NewRecord::message("user", turn));
    put(NewRecord::user_message(turn));
    let call =
        json!({"type": "function_call", "id": "", "name": "n", "arguments": "{}", "call_id": turn});
    put(NewRecord::new(RecordTag::ResponseItem, &call).unwrap());
    let item = json!({"type": "AgentMessage", "id": format!("m{turn}"),
        "content": [{"type": "Text", "text": turn}]});
    put(NewRecord::item_completed(&thread_id, turn, &item, 5));
    put(NewRecord::agent_message(turn));
    if !is_open {
        put(NewRecord::turn_complete(turn, Some(turn)));
    }
}

/// Options by which no two threads have one id.
fn child_options() -> RecorderOptions {
    static NEXT: AtomicU64 = AtomicU64::new(10_000);
    let first = NEXT.fetch_add(100, Ordering::Relaxed);
    RecorderOptions { ids: TestIds::from(first), ..options() }
}

fn copied(home: &Home, thread_id: &str, fork: &Fork) -> Recorder {
    let source = open_thread(home, thread_id).unwrap();
    let thread = thread(ThreadMode::Legacy);
    Recorder::fork_by_copy(home, &source, &thread, fork, &child_options()).unwrap().0
}

fn snapshot(recorder: &Recorder) -> Snapshot {
    Model::of(&std::fs::read(recorder.path()).unwrap()).snapshot
}

fn turn_ids(snapshot: &Snapshot) -> Vec<String> {
    snapshot.turns(ItemsView::NotLoaded).map(|turn| turn.id.to_string()).collect()
}

fn cut(cut: Cut) -> Fork {
    Fork { cut, ..Fork::default() }
}

#[test]
fn a_copy_begins_with_its_own_head_and_all_that_is_kept() {
    for mode in [ThreadMode::Legacy, ThreadMode::Paginated] {
        let (_folder, home) = home();
        let origin = parent(&home, mode, 3, false);
        let mut fork = copied(&home, &origin, &Fork::default());
        assert!(fork.is_persisted());
        assert_accepted(fork.path());
        let log = lines(fork.path());
        assert_eq!(log[0]["payload"]["forked_from_id"], origin);
        assert_eq!(log[0]["payload"]["id"], fork.thread_id());
        assert_eq!(log[1]["payload"]["id"], origin, "the other's head is copied, too");
        let source = open_thread(&home, &origin).unwrap();
        let parent_path = home.scan().unwrap().of_thread(&origin).next().unwrap().path.clone();
        let parent_log = lines(&parent_path);
        let payloads =
            |log: &[Value]| log.iter().map(|it| it["payload"].clone()).collect::<Vec<_>>();
        assert_eq!(payloads(&log[1..]), payloads(&parent_log));
        let fold = snapshot(&fork);
        assert_eq!(turn_ids(&fold), ["p0", "p1", "p2"]);
        assert_eq!(fold.thread().id().map(|id| &**id), Some(fork.thread_id()));
        assert_eq!(fold.inheritance().ownership(2), Ownership::Inherited);
        assert_eq!(source.origin(), None);

        // It goes on as any thread.
        talk(&mut fork, "own", false);
        fork.sync().unwrap();
        assert_accepted(fork.path());
        assert_eq!(turn_ids(&snapshot(&fork)), ["p0", "p1", "p2", "own"]);
        let home_files = home.scan().unwrap();
        assert_eq!((home_files.files.len(), home_files.strays.len()), (2, 0));
    }
}

#[test]
fn copies_are_cut_where_it_is_asked() {
    let (_folder, home) = home();
    let origin = parent(&home, ThreadMode::Legacy, 4, false);
    for (cut_at, want) in [
        (Cut::BeforeTurn("p2".into()), &["p0", "p1"][..]),
        (Cut::AfterTurn("p2".into()), &["p0", "p1", "p2"]),
        (Cut::BeforeUserMessage(9), &["p0", "p1", "p2", "p3"]),
        (Cut::LastTurns(2), &["rollout-1", "p3"]),
        (Cut::LastTurns(0), &[]),
    ] {
        let fork = copied(&home, &origin, &cut(cut_at.clone()));
        let ids = turn_ids(&snapshot(&fork));
        match cut_at {
            // R130: from the message on, so that its turn has no start.
            Cut::LastTurns(2) => assert_eq!((ids.len(), &*ids[1]), (2, want[1])),
            _ => assert_eq!(ids, want, "{cut_at:?}"),
        }
        assert_accepted(fork.path());
    }
    // R132: nothing kept is a new thread.
    let fork = copied(&home, &origin, &cut(Cut::BeforeTurn("p0".into())));
    assert_eq!(lines(fork.path()).len(), 1);
    assert!(lines(fork.path())[0]["payload"].get("forked_from_id").is_none());
    let source = open_thread(&home, &origin).unwrap();
    let (unknown, thread) = (cut(Cut::AfterTurn("gone".into())), thread(ThreadMode::Legacy));
    let error = Recorder::fork_by_copy(&home, &source, &thread, &unknown, &child_options());
    assert!(matches!(error.unwrap_err(), RecordError::Cut { .. }));
}

#[test]
fn a_turn_that_goes_on_is_told_to_have_been_interrupted() {
    let (_folder, home) = home();
    let origin = parent(&home, ThreadMode::Legacy, 2, true);
    let end_turn = Some(Some(INTERRUPTED.to_owned()));
    let fork = copied(&home, &origin, &Fork { end_turn, ..Fork::default() });
    let log = lines(fork.path());
    let [marker, aborted] = &log[log.len() - 2..] else { panic!() };
    assert_eq!(marker["payload"]["content"][0]["text"], INTERRUPTED);
    let want = json!({"type": "turn_aborted", "turn_id": "p1", "reason": "interrupted"});
    assert_eq!(aborted["payload"], want);
    let statuses: Vec<_> =
        snapshot(&fork).turns(ItemsView::NotLoaded).map(|it| it.status).collect();
    assert_eq!(statuses, [TurnStatus::Completed, TurnStatus::Interrupted]);
    // The marker is nobody's message.
    let people = rollfold_core::forks::user_message_positions(snapshot(&fork).records());
    assert_eq!(people.len(), 2);
    // Nothing is told of a turn that has ended.
    let origin = parent(&home, ThreadMode::Legacy, 2, false);
    let fork = copied(&home, &origin, &Fork { end_turn: Some(None), ..Fork::default() });
    assert_eq!(lines(fork.path()).last().unwrap()["payload"]["type"], "task_complete");
}

#[test]
fn response_items_get_the_ids_they_lack() {
    let (_folder, home) = home();
    let origin = parent(&home, ThreadMode::Legacy, 1, false);
    let fork = copied(&home, &origin, &Fork { assign_ids: true, ..Fork::default() });
    let items: Vec<Value> = lines(fork.path())
        .into_iter()
        .filter(|line| line["type"] == "response_item")
        .map(|line| line["payload"].clone())
        .collect();
    let ids: Vec<&str> = items.iter().map(|item| item["id"].as_str().unwrap()).collect();
    assert!(ids[0].starts_with("msg_019bb0c0-") && ids[1].starts_with("fc_019bb0c0-"), "{ids:?}");
    assert_eq!(items[1]["call_id"], "p0");
    assert_accepted(fork.path());
}

#[test]
fn a_spawned_agent_takes_over_what_it_should() {
    for mode in [ThreadMode::Legacy, ThreadMode::Paginated] {
        let (_folder, home) = home();
        let origin = parent(&home, mode, 1, false);
        let options = RecorderOptions { ids: TestIds::from(500), ..options() };
        let mut recorder = Recorder::resume(&home, &origin, &options).unwrap();
        let entry = |text: &str| {
            let item = json!({"type": "message", "role": "developer",
                "content": [{"type": "input_text", "text": text}]});
            RawValue::from_string(item.to_string()).unwrap()
        };
        let replacement_history = Some(vec![entry("keep"), entry("use agents"), entry("too")]);
        let compaction = Compaction { message: "s".to_owned(), replacement_history };
        recorder.compact(&compaction).unwrap();
        recorder.close().unwrap();

        let source = open_thread(&home, &origin).unwrap();
        let spawn = SpawnFork { last_turns: None, usage_hints: &["use agents"] };
        let child = rollfold_projector::NewThread {
            parent_thread_id: Some(origin.clone()),
            source: Some(json!({"subagent": {"other": "x"}})),
            ..thread(mode)
        };
        let hint = Some("you are an agent");
        let options = child_options();
        let (agent, taken) =
            Recorder::fork_spawned(&home, &source, &child, &spawn, hint, &options).unwrap();
        assert_accepted(agent.path());
        let log = lines(agent.path());
        assert!(log.iter().all(|line| line["payload"]["type"] != "function_call"));
        let compacted = log.iter().find(|line| line["type"] == "compacted").unwrap();
        let texts: Vec<&str> = compacted["payload"]["replacement_history"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["content"][0]["text"].as_str().unwrap())
            .collect();
        assert_eq!(texts, ["keep", "too"]);
        assert_eq!(log.last().unwrap()["payload"]["content"][0]["text"], "you are an agent");
        let start = log[0]["payload"]["subagent_history_start_ordinal"].as_u64();
        if mode == ThreadMode::Legacy {
            assert_eq!(start, None);
            continue;
        }
        assert_eq!(start, Some(taken.records + 1));
        let fold = snapshot(&agent);
        let prefix = fold.inheritance().prefix.clone().unwrap();
        assert_eq!(prefix.kind, PrefixKind::Claimed { start_ordinal: taken.records + 1 });
        assert_eq!(prefix.end.unwrap().seq, log.len() as u64 - 1);
    }
}

/// A fork by reference and all that it goes on from, as one log.
fn joined(home: &Home, recorder: &Recorder) -> (Store, String) {
    let store = Store::in_memory().unwrap();
    let source = open_thread(home, recorder.thread_id()).unwrap();
    let synced = store.sync(&source, &SyncOptions::default()).unwrap();
    assert_eq!(synced.notes, []);
    (store, source.key().to_owned())
}

fn joined_turn_ids(home: &Home, recorder: &Recorder) -> Vec<String> {
    let (store, key) = joined(home, recorder);
    let view = store.thread(&key).unwrap().unwrap();
    assert_eq!(view.thread().unwrap().id().map(|id| &**id), Some(recorder.thread_id()));
    view.turns(ItemsView::NotLoaded).map(|turn| turn.unwrap().value.id.to_string()).collect()
}

fn referring(home: &Home, thread_id: &str, cut_at: Cut, first_id: u64) -> Recorder {
    let source = open_thread(home, thread_id).unwrap();
    let options = RecorderOptions { ids: TestIds::from(first_id), ..options() };
    let thread = thread(ThreadMode::Paginated);
    Recorder::fork_by_reference(home, &source, &thread, &cut(cut_at), &options).unwrap().0
}

#[test]
fn a_fork_by_reference_goes_on_from_a_place() {
    let (_folder, home) = home();
    let origin = parent(&home, ThreadMode::Paginated, 3, false);
    for (number, (cut_at, want)) in [
        (Cut::Whole, &["p0", "p1", "p2"][..]),
        (Cut::BeforeTurn("p1".into()), &["p0"]),
        (Cut::AfterTurn("p1".into()), &["p0", "p1"]),
    ]
    .into_iter()
    .enumerate()
    {
        let first_id = 2000 + 100 * number as u64;
        let mut fork = referring(&home, &origin, cut_at, first_id);
        let head = &lines(fork.path())[0];
        assert_eq!(lines(fork.path()).len(), 1);
        let base = &head["payload"]["history_base"];
        assert_eq!(base["thread_id"], origin);
        assert_eq!(head["ordinal"], base["end_ordinal_exclusive"]);
        talk(&mut fork, "own", false);
        fork.sync().unwrap();
        assert_accepted(fork.path());
        assert_eq!(joined_turn_ids(&home, &fork), [want, &["own"]].concat());
        let (store, key) = joined(&home, &fork);
        let inheritance = store.thread(&key).unwrap().unwrap().inheritance().unwrap();
        assert_eq!(inheritance.first_own_turn().0 as usize, want.len());

        // And another one from that: from what it has of its own, or right behind its head.
        let again = referring(&home, fork.thread_id(), Cut::Whole, first_id + 10);
        assert_eq!(joined_turn_ids(&home, &again), [want, &["own"]].concat());
        let before_own = Cut::BeforeTurn("own".into());
        let before = referring(&home, fork.thread_id(), before_own, first_id + 20);
        let base = lines(before.path())[0]["payload"]["history_base"].clone();
        assert_eq!(base, lines(fork.path())[0]["payload"]["history_base"]);
        assert_eq!(joined_turn_ids(&home, &before), want);
    }
    // A place before all turns is none.
    let none = referring(&home, &origin, Cut::BeforeTurn("p0".into()), 3000);
    let head = &lines(none.path())[0]["payload"];
    assert!(head.get("history_base").is_none() && head.get("forked_from_id").is_none());
}

#[test]
fn not_everything_can_be_forked_by_reference() {
    let (_folder, home) = home();
    let fork = |thread_id: &str, cut_at| {
        let source = open_thread(&home, thread_id).unwrap();
        let thread = thread(ThreadMode::Paginated);
        let fork = cut(cut_at);
        Recorder::fork_by_reference(&home, &source, &thread, &fork, &child_options()).unwrap_err()
    };
    let legacy = parent(&home, ThreadMode::Legacy, 1, false);
    assert!(matches!(fork(&legacy, Cut::Whole), RecordError::NotPaginated { .. }));
    let options = RecorderOptions { ids: TestIds::from(70), ..options() };
    let mut recorder = Recorder::create(&home, &thread(ThreadMode::Paginated), &options).unwrap();
    talk(&mut recorder, "p0", true);
    recorder.sync().unwrap();
    let open = recorder.thread_id();
    assert!(matches!(fork(open, Cut::LastTurns(1)), RecordError::NoReference { .. }));
    assert!(matches!(fork(open, Cut::AfterTurn("p0".into())), RecordError::Cut { .. }));
    let error = fork(open, Cut::AfterTurn("p9".into()));
    assert!(matches!(error, RecordError::Cut { .. }), "{error}");
    assert!(matches!(open_thread(&home, &id(4000)), Err(RecordError::NotFound { .. })));
}

#[test]
fn a_copy_that_cannot_be_written_is_not_there() {
    let (_folder, home) = home();
    let origin = parent(&home, ThreadMode::Legacy, 3, false);
    let source = open_thread(&home, &origin).unwrap();
    let fork_on = |disk: &FaultyLogs| {
        let options = RecorderOptions { ids: TestIds::from(600), ..options_on(disk.clone()) };
        let thread = thread(ThreadMode::Legacy);
        Recorder::fork_by_copy(&home, &source, &thread, &Fork::default(), &options)
    };
    let disk = FaultyLogs::new();
    let (whole, _) = fork_on(&disk).unwrap();
    let bytes = std::fs::read(whole.path()).unwrap();
    let path = whole.path().to_owned();
    drop(whole);
    std::fs::remove_file(&path).unwrap();
    for operation in 0..disk.operations() {
        let failing = FaultyLogs::new();
        failing.fail_at(operation, 2, Torn::Half);
        let is_made = fork_on(&failing).is_ok();
        // With its name, it is whole.
        if path.exists() {
            assert_eq!(std::fs::read(&path).unwrap().len(), bytes.len());
            std::fs::remove_file(&path).unwrap();
        } else {
            assert!(!is_made);
        }
        let strays = home.scan().unwrap().strays;
        strays.iter().for_each(|stray| std::fs::remove_file(&stray.path).unwrap());
    }
    let key = FileSource::open(home.scan().unwrap().files[0].path.clone()).unwrap();
    assert_eq!(home.scan().unwrap().files.len(), 1, "{}", key.key());
}

#[test]
fn the_command_line_forks_and_rolls_back() {
    // Not there where the command line is switched off.
    let Some(program) = option_env!("CARGO_BIN_EXE_rollfold") else { return };
    let (_folder, home) = home();
    let origin = parent(&home, ThreadMode::Legacy, 3, false);
    let run = |args: &[&str]| {
        let mut command = std::process::Command::new(program);
        let out = command.arg("--json").arg("--home").arg(home.root()).args(args).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        serde_json::from_slice::<Value>(&out.stdout).unwrap()
    };
    let cut = ["--after-turn", "p1"];
    let dry = run(&[&["fork", &origin, "--dry-run"], &cut[..]].concat());
    assert_eq!((&dry["threadId"], &dry["parentId"]), (&Value::Null, &json!(origin)));
    assert_eq!(home.scan().unwrap().files.len(), 1);
    let made = run(&[&["fork", &origin], &cut[..]].concat());
    assert_eq!(made["records"], dry["records"]);
    let path = std::path::PathBuf::from(made["path"].as_str().unwrap());
    assert_accepted(&path);
    let fold = || Model::of(&std::fs::read(&path).unwrap()).snapshot;
    assert_eq!(turn_ids(&fold()), ["p0", "p1"]);
    assert_eq!(fold().thread().cwd.as_deref(), Some("/work"));
    let id = made["threadId"].as_str().unwrap();
    run(&["rollback", id, "1", "--dry-run"]);
    assert_eq!(turn_ids(&fold()), ["p0", "p1"]);
    run(&["rollback", id, "1"]);
    assert_eq!(turn_ids(&fold()), ["p0"]);
}

//! The recorder: what it writes, and what a reader makes of it.

use std::path::Path;

use rollfold_projector::{
    Compaction, Home, LockError, NewRecord, NewThread, Offered, RecordError, RecordNote, RecordTag,
    Recorder, RecorderOptions, ThreadLock, ThreadMode, WorldWritten,
};
use serde_json::json;
use serde_json::value::RawValue;

use crate::recording::{
    START_MS, TestClock, TestIds, assert_accepted, essence_of, home, id, lines, options, thread,
};
use crate::support::Model;

#[test]
fn nothing_is_on_the_disk_before_the_first_flush_of_records() {
    let (folder, home) = home();
    let options = options();
    let mut recorder = Recorder::create(&home, &thread(ThreadMode::Legacy), &options).unwrap();
    recorder.flush().unwrap();
    let nothing = recorder.sync().unwrap();
    assert_eq!((nothing.records, nothing.end_bytes), (0, 0));
    recorder.append(NewRecord::turn_started("t1", Some(5))).unwrap();
    let left_out = NewRecord::new(RecordTag::EventMsg, &json!({"type": "warning", "message": "x"}));
    assert_eq!(recorder.append(left_out.unwrap()).unwrap(), Offered::LeftOut);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    assert_eq!((recorder.pending_records(), recorder.is_persisted()), (2, false));

    assert_eq!(recorder.sync().unwrap().records, 2);
    let name = format!("rollout-2026-03-01T10-00-00-{}.jsonl", id(1));
    assert_eq!(recorder.path(), home.sessions_dir().join("2026/03/01").join(name));
    assert_accepted(recorder.path());
    let lines = lines(recorder.path());
    // Its head says when it began; both records, when they were written.
    assert_eq!(lines[0]["payload"]["timestamp"], "2026-03-01T10:00:00.000Z");
    assert_eq!(lines[0]["timestamp"], "2026-03-01T10:00:00.001Z");
    assert_eq!(
        lines[1]["payload"],
        json!({"type": "task_started", "turn_id": "t1", "started_at": 5})
    );
    let path = recorder.path().to_owned();
    assert_eq!(recorder.close().unwrap().end_bytes, std::fs::metadata(path).unwrap().len());

    // A thread that is asked for explicitly needs no records.
    let mut empty = Recorder::create(&home, &thread(ThreadMode::Paginated), &options).unwrap();
    empty.persist().unwrap();
    assert_accepted(empty.path());
}

#[test]
fn files_are_named_by_local_time() {
    let (_folder, home) = home();
    let clock = TestClock { ms: START_MS.into(), step_ms: 0, utc_offset_s: -11 * 3600 };
    let options = RecorderOptions { clock: std::sync::Arc::new(clock), ..options() };
    let named = NewThread { id: Some(id(7).to_uppercase()), ..thread(ThreadMode::Legacy) };
    let recorder = Recorder::create(&home, &named, &options).unwrap();
    let name = format!("2026/02/28/rollout-2026-02-28T23-00-00-{}.jsonl", id(7));
    assert_eq!(recorder.path(), home.sessions_dir().join(name));
    let bad = NewThread { id: Some("../x".to_owned()), ..named };
    let error = Recorder::create(&home, &bad, &options).unwrap_err();
    assert!(matches!(error, RecordError::BadId { .. }), "{error}");
}

#[cfg(unix)]
#[test]
fn logs_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, home) = home();
    let mut recorder = Recorder::create(&home, &thread(ThreadMode::Legacy), &options()).unwrap();
    recorder.persist().unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(recorder.path()), 0o600);
    assert_eq!(mode(recorder.path().parent().unwrap()), 0o700);
}

#[test]
fn the_world_is_written_whole_then_as_patches() {
    let (_folder, home) = home();
    let mut recorder = Recorder::create(&home, &thread(ThreadMode::Legacy), &options()).unwrap();
    let world = |recorder: &mut Recorder, state| recorder.world_state(&state).unwrap();
    use WorldWritten::{Full, Patch, Unchanged};
    let first = json!({"a": {"x": 1, "gone": null}, "list": [{"kept": null}], "none": null});
    assert_eq!(world(&mut recorder, first.clone()), Full);
    assert_eq!(world(&mut recorder, first.clone()), Unchanged);
    assert_eq!(world(&mut recorder, json!({"a": {"x": 2}, "list": [{"kept": null}]})), Patch);
    // Turns that are taken back take their patches along.
    recorder.append(NewRecord::turn_started("t1", None)).unwrap();
    recorder.append(NewRecord::user_message("hi")).unwrap();
    assert_eq!(world(&mut recorder, json!({"b": {}})), Patch);
    recorder.roll_back(1).unwrap();
    assert_eq!(world(&mut recorder, json!({"a": {"x": 2}, "list": [{"kept": null}]})), Unchanged);
    recorder.compact(&Compaction::default()).unwrap();
    assert_eq!(world(&mut recorder, json!({"b": {}})), Full);
    assert!(matches!(recorder.world_state(&json!([])), Err(RecordError::NoWorld)));
    recorder.sync().unwrap();
    let states: Vec<_> = lines(recorder.path())
        .iter()
        .filter(|line| line["type"] == "world_state")
        .map(|line| line["payload"].clone())
        .collect();
    assert_eq!(
        states[0],
        json!({"full": true, "state": {"a": {"x": 1}, "list": [{"kept": null}]}})
    );
    assert_eq!(states[1], json!({"full": false, "state": {"a": {"x": 2}}}));
    assert_eq!(states[2], json!({"full": false, "state": {"a": null, "list": null, "b": {}}}));
    let model = Model::of(&std::fs::read(recorder.path()).unwrap());
    assert_eq!(model.snapshot.world().value().map(|it| (**it).clone()), Some(json!({"b": {}})));
}

#[test]
fn windows_follow_one_another_over_compactions_and_resumes() {
    let (_folder, home) = home();
    let options = options();
    let mut recorder = Recorder::create(&home, &thread(ThreadMode::Legacy), &options).unwrap();
    let first = recorder.window();
    let item =
        RawValue::from_string("{\"type\":\"compaction\",\n\"encrypted_content\":\"x\"}".into());
    let compaction =
        Compaction { message: "short".to_owned(), replacement_history: Some(vec![item.unwrap()]) };
    let second = recorder.compact(&compaction).unwrap();
    let thread_id = recorder.thread_id().to_owned();
    recorder.close().unwrap();
    let mut recorder = Recorder::resume(&home, &thread_id, &options).unwrap();
    assert_eq!(recorder.window(), second);
    let third = recorder.compact(&Compaction::default()).unwrap();
    assert_eq!((first.number, second.number, third.number), (0, 1, 2));
    assert_eq!([first.id, first.previous_id], [first.first_id, None]);
    assert_eq!([second.previous_id, third.previous_id], [first.id, second.id]);
    assert_eq!([second.first_id, third.first_id], [first.id; 2]);
    recorder.sync().unwrap();
    let payload = &lines(recorder.path())[1]["payload"];
    assert_eq!(payload["window_id"], second.id.unwrap().to_string());
    assert_eq!(payload["replacement_history"][0]["encrypted_content"], "x");
    assert_accepted(recorder.path());
}

#[test]
fn turns_of_a_paginated_thread_are_not_taken_back() {
    let (_folder, home) = home();
    let mut recorder = Recorder::create(&home, &thread(ThreadMode::Paginated), &options()).unwrap();
    let error = recorder.roll_back(1).unwrap_err();
    assert!(matches!(error, RecordError::Paginated { .. }), "{error}");
}

#[test]
fn equal_records_in_one_moment_are_two() {
    let (_folder, home) = home();
    let options = RecorderOptions { clock: TestClock::new(0), ..options() };
    let mut recorder = Recorder::create(&home, &thread(ThreadMode::Legacy), &options).unwrap();
    recorder.append(NewRecord::turn_started("t1", None)).unwrap();
    for _ in 0..3 {
        recorder.append(NewRecord::agent_message("ok")).unwrap();
        recorder.flush().unwrap();
    }
    let model = Model::of(&std::fs::read(recorder.path()).unwrap());
    assert_eq!((model.diagnostics.len(), model.snapshot.len_items()), (0, 3));
}

#[test]
fn a_resume_goes_on_where_the_log_ends() {
    for mode in [ThreadMode::Legacy, ThreadMode::Paginated] {
        let (_folder, home) = home();
        let whole = {
            let options = RecorderOptions { ids: TestIds::from(1), ..options() };
            let thread = NewThread { id: Some(id(99)), ..thread(mode) };
            let mut recorder = Recorder::create(&home, &thread, &options).unwrap();
            script(&mut recorder, 0..STEPS);
            recorder.sync().unwrap();
            let essence = essence_of(recorder.path());
            let path = recorder.path().to_owned();
            recorder.close().unwrap();
            std::fs::remove_file(path).unwrap();
            essence
        };
        // The same in as many goes as there are steps.
        let options = RecorderOptions { ids: TestIds::from(1), ..options() };
        let thread = NewThread { id: Some(id(99)), ..thread(mode) };
        let mut recorder = Recorder::create(&home, &thread, &options).unwrap();
        recorder.persist().unwrap();
        let path = recorder.path().to_owned();
        for step in 0..STEPS {
            recorder.close().unwrap();
            recorder = Recorder::resume(&home, &id(99), &options).unwrap();
            assert_eq!((recorder.path(), recorder.mode()), (&*path, mode));
            script(&mut recorder, step..step + 1);
        }
        recorder.close().unwrap();
        assert_accepted(&path);
        assert_eq!(essence_of(&path), whole);
    }
}

pub(crate) const STEPS: usize = 12;

/// Something of everything; a step at a time.
pub(crate) fn script(recorder: &mut Recorder, steps: std::ops::Range<usize>) {
    for step in steps {
        let is_legacy = recorder.mode() == ThreadMode::Legacy;
        let thread_id = recorder.thread_id().to_owned();
        let said = |text: &str, step: usize| match is_legacy {
            true => NewRecord::user_message(text),
            false => {
                let item = json!({"type": "UserMessage", "id": format!("i{step}"),
                    "content": [{"type": "text", "text": text, "text_elements": []}]});
                NewRecord::item_completed(&thread_id, "t1", &item, 5)
            }
        };
        let done = match step {
            0 => recorder.append(NewRecord::turn_started("t1", Some(1))).map(drop),
            1 => recorder.world_state(&json!({"a": {"x": 1}, "b": "c"})).map(drop),
            2 => recorder.append(said("hello", step)).map(drop),
            3 => recorder.append(NewRecord::message("user", "hello")).map(drop),
            4 => recorder.world_state(&json!({"a": {"x": 2}, "b": "c"})).map(drop),
            5 => recorder.append(NewRecord::message("assistant", "hi")).map(drop),
            6 => recorder.append(NewRecord::turn_complete("t1", Some("hi"))).map(drop),
            7 => recorder
                .compact(&Compaction { message: "s".into(), ..Default::default() })
                .map(drop),
            8 => recorder.world_state(&json!({"a": {"x": 2}})).map(drop),
            9 => recorder.append(NewRecord::turn_started("t2", Some(2))).map(drop),
            10 => recorder.world_state(&json!({"a": {"x": 3}})).map(drop),
            _ => recorder.append(NewRecord::turn_aborted(Some("t2"), "interrupted")).map(drop),
        };
        done.unwrap();
    }
}

#[test]
fn a_torn_tail_is_ended_and_said_and_no_ordinal_comes_twice() {
    let torn_ordinal = "{\"timestamp\":\"2026-03-01T10:00:00.000Z\",\"ordinal\":41,\"type\":\"event_msg\",\"payload\":{\"type\":\"warning\"}}";
    let lower = format!("{torn_ordinal}\n{}", torn_ordinal.replace("41", "7"));
    for (tail, next) in [("", 3), ("{\"timestamp\":\"2026", 3), (torn_ordinal, 42), (&lower, 42)] {
        let (_folder, home) = home();
        let options = options();
        let mut recorder =
            Recorder::create(&home, &thread(ThreadMode::Paginated), &options).unwrap();
        script(&mut recorder, 0..2);
        let (path, thread_id) = (recorder.path().to_owned(), recorder.thread_id().to_owned());
        let end_bytes = recorder.close().unwrap().end_bytes;
        let mut log = std::fs::read(&path).unwrap();
        log.extend(tail.bytes());
        std::fs::write(&path, &log).unwrap();

        let mut recorder = Recorder::resume(&home, &thread_id, &options).unwrap();
        let torn_bytes = tail.rsplit('\n').next().unwrap().len() as u64;
        let offset_bytes = end_bytes + tail.len() as u64 - torn_bytes;
        let note = RecordNote::TornLine { offset_bytes, len_bytes: torn_bytes };
        let notes = if tail.is_empty() { vec![] } else { vec![note] };
        assert_eq!(recorder.notes(), notes);
        assert_eq!(std::fs::read(&path).unwrap(), log, "resuming alone changes nothing");
        let offered = recorder.append(NewRecord::message("user", "x")).unwrap();
        assert_eq!(offered, Offered::Kept { ordinal: Some(next) });
        recorder.close().unwrap();
        let after = std::fs::read(&path).unwrap();
        assert!(after.starts_with(&log));
        let rest = std::str::from_utf8(&after[log.len()..]).unwrap();
        let rest = if tail.is_empty() { rest } else { rest.strip_prefix('\n').unwrap() };
        assert_eq!(rest.lines().count(), 1, "{rest}");
        let line: serde_json::Value = serde_json::from_str(rest).unwrap();
        assert_eq!(line["ordinal"], next);
    }
}

#[test]
fn what_may_not_be_gone_on_with_is_refused() {
    let (folder, home) = home();
    let options = options();
    let resume = |home: &Home| Recorder::resume(home, &id(50), &options).unwrap_err();
    std::fs::create_dir_all(home.sessions_dir()).unwrap();
    assert!(matches!(resume(&home), RecordError::NotFound { .. }));
    let name = format!("rollout-2026-03-01T10-00-00-{}.jsonl", id(50));
    let path = home.sessions_dir().join(&name);
    let meta = |id: &str, mode: &str| {
        format!(
            "{{\"timestamp\":\"2026-03-01T10:00:00.000Z\",\"ordinal\":0,\"type\":\"session_meta\",\"payload\":{{\"id\":\"{id}\",\"history_mode\":\"{mode}\"}}}}\n"
        )
    };
    for (log, is_it) in [
        (
            meta(&id(51), "legacy"),
            (|it| matches!(it, RecordError::OtherThread { .. })) as fn(&RecordError) -> bool,
        ),
        (meta(&id(50), "woven"), |it| matches!(it, RecordError::UnknownMode { .. })),
        ("no JSON\n".to_owned(), |it| matches!(it, RecordError::NoHead { .. })),
        (
            meta(&id(50), "paginated").replace("ordinal\":0", "ordinal\":18446744073709551615"),
            |it| matches!(it, RecordError::Ordinals { .. }),
        ),
    ] {
        std::fs::write(&path, &log).unwrap();
        let error = resume(&home);
        assert!(is_it(&error), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), log);
    }
    std::fs::create_dir(home.archived_dir()).unwrap();
    std::fs::rename(&path, home.archived_dir().join(&name)).unwrap();
    assert!(matches!(resume(&home), RecordError::Archived { .. }));
    std::fs::write(path.with_extension("jsonl.zst"), b"packed").unwrap();
    assert!(matches!(resume(&home), RecordError::Materialize { .. }));
    drop(folder);
}

#[test]
fn a_thread_has_one_writer() {
    let (_folder, home) = home();
    let options = options();
    let mut recorder = Recorder::create(&home, &thread(ThreadMode::Legacy), &options).unwrap();
    script(&mut recorder, 0..3);
    recorder.flush().unwrap();
    let thread_id = recorder.thread_id().to_owned();
    let error = Recorder::resume(&home, &thread_id, &options).unwrap_err();
    let RecordError::Lock(LockError::Held { holder, .. }) = &error else { panic!("{error}") };
    if cfg!(target_os = "linux") {
        let holder = holder.as_ref().unwrap();
        assert_eq!((&*holder.program, holder.pid), ("the test", std::process::id()));
    }
    // Another thread of the home is nobody's concern, and readers take no lock.
    ThreadLock::acquire(&home, &id(1000), "x").unwrap();
    essence_of(recorder.path());
    let name = format!("thread-writer-locks/{thread_id}.lock");
    assert!(home.root().join(name).is_file());
    recorder.close().unwrap();
    Recorder::resume(&home, &thread_id, &options).unwrap();
}

#[test]
fn a_compressed_log_is_made_plain_and_gone_on_with() {
    let (_folder, home) = home();
    let mut recorder = Recorder::create(&home, &thread(ThreadMode::Legacy), &options()).unwrap();
    script(&mut recorder, 0..5);
    let (path, thread_id) = (recorder.path().to_owned(), recorder.thread_id().to_owned());
    recorder.close().unwrap();
    let log = std::fs::read(&path).unwrap();
    let packed = zstd::stream::encode_all(&*log, 3).unwrap();
    std::fs::write(path.with_extension("jsonl.zst"), packed).unwrap();
    std::fs::remove_file(&path).unwrap();
    let mut recorder = Recorder::resume(&home, &thread_id, &options()).unwrap();
    assert_eq!(recorder.path(), path);
    script(&mut recorder, 5..7);
    recorder.close().unwrap();
    assert!(std::fs::read(&path).unwrap().starts_with(&log));
    assert_eq!(lines(&path).len(), 8);
    assert_eq!(home.scan().unwrap().files.len(), 1);
}

//! Recorders whose disk fails: nothing acknowledged is lost.

use std::path::{Path, PathBuf};

use rollfold_projector::testing::{FaultyLogs, Torn};
use rollfold_projector::{
    Home, NewThread, RecordError, RecordNote, Recorder, RecorderOptions, ThreadMode,
};
use serde_json::{Value, json};

use crate::recorder::{STEPS, script};
use crate::recording::{TestIds, essence_of, home, id, options, options_on, thread};

const MODES: [ThreadMode; 2] = [ThreadMode::Legacy, ThreadMode::Paginated];

pub(crate) fn begin(home: &Home, mode: ThreadMode, options: &RecorderOptions) -> Recorder {
    let thread = NewThread { id: Some(id(99)), ..thread(mode) };
    Recorder::create(home, &thread, options).unwrap()
}

/// Every step of the script, with a sync after each. After an error it tries again, and after one
/// of the sync itself goes on with what the log has. Gives the steps that were acknowledged and
/// where the log is.
fn run(home: &Home, mode: ThreadMode, disk: &FaultyLogs) -> (Vec<usize>, PathBuf) {
    let options = RecorderOptions { ids: TestIds::from(1), ..options_on(disk.clone()) };
    let mut recorder = begin(home, mode, &options);
    let path = recorder.path().to_owned();
    let mut acknowledged = Vec::new();
    'steps: for step in 0..STEPS {
        script(&mut recorder, step..step + 1);
        let mut tries = 0;
        while let Err(error) = recorder.sync() {
            tries += 1;
            match error {
                _ if tries > 4 => break 'steps,
                RecordError::SyncLost { .. } => {
                    drop(recorder);
                    recorder = Recorder::resume_file(home, &path, &id(99), &options).unwrap();
                    continue 'steps;
                }
                RecordError::Write { .. } => {}
                error => panic!("{error}"),
            }
        }
        acknowledged.push(step);
    }
    (acknowledged, path)
}

/// What was acknowledged is there, also after a loss of power.
fn assert_kept(
    home: &Home,
    disk: &FaultyLogs,
    path: &Path,
    acknowledged: &[usize],
    whole: &[Value],
    told: &str,
) {
    let after_loss = disk.after_power_loss(path, home.root()).ok().flatten().unwrap_or_default();
    for log in [std::fs::read(path).unwrap_or_default(), after_loss] {
        let there = payloads(&records_in(&log));
        for step in acknowledged {
            // Behind the head. A patch may be told as a whole.
            let wanted = &whole[step + 1];
            let retold =
                |it: &Value| it["full"] == true && it["state"]["a"] == wanted["state"]["a"];
            let is_retold = wanted["full"] == false && there.iter().any(retold);
            assert!(is_retold || there.contains(wanted), "{told}: step {step} is lost");
        }
    }
}

pub(crate) fn records(path: &Path) -> Vec<Value> {
    records_in(&std::fs::read(path).unwrap_or_default())
}

/// The lines of a log that are records; the others are no JSON. What was lost is NULs.
fn records_in(log: &[u8]) -> Vec<Value> {
    let lines = log.split(|byte| matches!(byte, b'\n' | 0));
    lines.filter_map(|line| serde_json::from_slice(line).ok()).collect()
}

pub(crate) fn payloads(records: &[Value]) -> Vec<Value> {
    records.iter().map(|record| record["payload"].clone()).collect()
}

pub(crate) fn assert_numbered(mode: ThreadMode, records: &[Value]) {
    for (place, record) in (0..).zip(records) {
        let ordinal = (mode == ThreadMode::Paginated).then_some(place);
        assert_eq!(record.get("ordinal").and_then(Value::as_u64), ordinal, "{record}");
    }
}

const TORN: [Torn; 6] = [
    Torn::Bytes(0),
    Torn::Bytes(1),
    Torn::Half,
    Torn::Bytes(-2),
    Torn::Bytes(-1),
    Torn::Bytes(i64::MAX),
];

#[test]
fn whatever_operation_fails_for_a_while_the_log_gets_whole() {
    for mode in MODES {
        let (_folder, whole_home) = home();
        let clean = FaultyLogs::new();
        let (_, path) = run(&whole_home, mode, &clean);
        let (essence, whole) = (essence_of(&path), payloads(&records(&path)));
        for operation in 0..clean.operations() {
            let is_append = clean.appends().contains(&operation);
            let torn: &[Torn] = if is_append { &TORN } else { &TORN[..1] };
            for (torn, count) in torn.iter().flat_map(|torn| [(*torn, 1), (*torn, 3)]) {
                let (_folder, home) = home();
                let disk = FaultyLogs::new();
                disk.fail_at(operation, count, torn);
                let (acknowledged, path) = run(&home, mode, &disk);
                let told = format!("{mode:?}, operation {operation}, {count} times, {torn:?}");
                assert!(acknowledged.len() + 3 >= STEPS, "{told}");
                assert_eq!(essence_of(&path), essence, "{told}");
                assert_numbered(mode, &records(&path));
                assert_kept(&home, &disk, &path, &acknowledged, &whole, &told);
            }
        }
    }
}

#[test]
fn whatever_operation_fails_for_good_what_was_acknowledged_stays() {
    for mode in MODES {
        let (_folder, whole_home) = home();
        let clean = FaultyLogs::new();
        let (_, path) = run(&whole_home, mode, &clean);
        let whole = payloads(&records(&path));
        for operation in 0..clean.operations() {
            let (_folder, home) = home();
            let disk = FaultyLogs::new();
            disk.fail_at(operation, u64::MAX, TORN[operation as usize % TORN.len()]);
            let (acknowledged, path) = run(&home, mode, &disk);
            let told = format!("{mode:?}, operation {operation}");
            assert_kept(&home, &disk, &path, &acknowledged, &whole, &told);
            // The power went; the next program goes on with what is there.
            let Ok(Some(kept)) = disk.after_power_loss(&path, home.root()) else { continue };
            std::fs::write(&path, kept).unwrap();
            if let Some(step) = acknowledged.last() {
                let options = RecorderOptions { ids: TestIds::from(50), ..options() };
                let mut recorder = Recorder::resume_file(&home, &path, &id(99), &options).unwrap();
                script(&mut recorder, step + 1..STEPS);
                recorder.close().unwrap();
                assert_numbered(mode, &records(&path));
            }
        }
    }
}

#[test]
fn a_torn_tail_is_ended_once_whatever_fails() {
    let (_folder, home) = home();
    let mut recorder = begin(&home, ThreadMode::Paginated, &options());
    script(&mut recorder, 0..2);
    let path = recorder.path().to_owned();
    recorder.close().unwrap();
    let log = [&*std::fs::read(&path).unwrap(), b"{\"timestamp\":\"2026-"].concat();
    let mut failures = 0;
    for operation in 0..12 {
        for (torn, count) in TORN.iter().flat_map(|torn| [(*torn, 1), (*torn, 2), (*torn, 3)]) {
            std::fs::write(&path, &log).unwrap();
            let disk = FaultyLogs::new();
            disk.fail_at(operation, count, torn);
            let options = RecorderOptions { ids: TestIds::from(50), ..options_on(disk) };
            let mut recorder = Recorder::resume_file(&home, &path, &id(99), &options).unwrap();
            script(&mut recorder, 2..4);
            while let Err(error) = recorder.flush() {
                assert!(matches!(error, RecordError::Write { .. }), "{error}");
                failures += 1;
            }
            let after = std::fs::read(&path).unwrap();
            assert!(after.starts_with(&[&log[..], b"\n{"].concat()));
            let there = records_in(&after);
            assert_eq!(there.len(), 5, "operation {operation}, {count} times, {torn:?}");
            assert_numbered(ThreadMode::Paginated, &there);
        }
    }
    assert!(failures > 10, "{failures}");
}

#[test]
fn a_patch_that_was_cut_off_is_told_again_as_a_whole() {
    let (_folder, home) = home();
    let disk = FaultyLogs::new();
    let mut recorder = begin(&home, ThreadMode::Paginated, &options_on(disk.clone()));
    recorder.world_state(&json!({"a": 1})).unwrap();
    recorder.flush().unwrap();
    let end_bytes = std::fs::metadata(recorder.path()).unwrap().len();
    recorder.world_state(&json!({"a": 1, "b": 2})).unwrap();
    recorder.world_state(&json!({"a": 1, "b": 3})).unwrap();
    disk.fail_at(disk.operations() + 1, 1, Torn::Bytes(100));
    recorder.flush().unwrap();
    assert_eq!(
        recorder.notes(),
        [RecordNote::TornLine { offset_bytes: end_bytes, len_bytes: 100 }]
    );
    let world: Vec<Value> = payloads(&records(recorder.path()));
    assert_eq!(world[2], json!({"full": true, "state": {"a": 1, "b": 2}}));
    assert_eq!(world[3], json!({"full": false, "state": {"b": 3}}));
    let essence = essence_of(recorder.path());
    assert_eq!(essence["world"], json!({"known": {"a": 1, "b": 3}}));
}

#[test]
fn what_others_write_against_the_lock_is_not_written_behind() {
    for tail in ["{\"timestamp\":\"someone else", "{}\n", "\n"] {
        let (_folder, home) = home();
        let mut recorder = begin(&home, ThreadMode::Paginated, &options());
        script(&mut recorder, 0..2);
        recorder.flush().unwrap();
        let mut log = std::fs::read(recorder.path()).unwrap();
        let want = (log.len() as u64, tail.len() as u64);
        log.extend(tail.bytes());
        std::fs::write(recorder.path(), &log).unwrap();
        script(&mut recorder, 2..3);
        let error = recorder.flush().unwrap_err();
        let RecordError::Foreign { offset_bytes, len_bytes, .. } = error else { panic!("{error}") };
        assert_eq!((offset_bytes, len_bytes), want);
        assert_eq!(std::fs::read(recorder.path()).unwrap(), log);
        // What waited can be offered to one that knows what is there.
        let pending = recorder.into_pending();
        assert_eq!(pending.len(), 1);
        let mut recorder = Recorder::resume(&home, &id(99), &options()).unwrap();
        for record in pending {
            recorder.append(record).unwrap();
        }
        recorder.sync().unwrap();
        assert_eq!(records(recorder.path()).last().unwrap()["ordinal"], 3);
    }
}

#[test]
fn a_log_that_was_cut_shorter_is_another_one() {
    let (_folder, home) = home();
    let mut recorder = begin(&home, ThreadMode::Legacy, &options());
    script(&mut recorder, 0..2);
    recorder.flush().unwrap();
    std::fs::write(recorder.path(), b"").unwrap();
    script(&mut recorder, 2..3);
    let error = recorder.flush().unwrap_err();
    assert!(matches!(error, RecordError::Shrunk { found_bytes: 0, .. }), "{error}");
}

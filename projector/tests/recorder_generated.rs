//! Generated threads written by the recorder: what is read back is what was told.

use std::sync::atomic::Ordering;

use rollfold_core::testing::{History, Reach, Spelling, Swarm, rollout};
use rollfold_core::{Depth, Line, Policy, Span, decode};
use rollfold_projector::{
    FileSource, Home, NewRecord, Offered, RecordTag, Recorder, RecorderOptions, Store, SyncOptions,
    ThreadMode,
};
use serde_json::value::RawValue;

use crate::recording::{TestClock, TestIds, assert_accepted, home, options, thread};
use crate::support::Model;

/// A generated thread, record by record through a recorder that writes each when it was written.
fn rerecord(home: &Home, seed: u64) {
    let swarm = Swarm {
        history: if seed.is_multiple_of(2) { History::Legacy } else { History::Paginated },
        reach: Reach::Documented,
        spelling: if seed.is_multiple_of(3) { Spelling::Any } else { Spelling::Recorder },
        ..Swarm::new(seed, 60)
    };
    let mode = if seed.is_multiple_of(2) { ThreadMode::Legacy } else { ThreadMode::Paginated };
    let clock = TestClock::new(0);
    let options =
        RecorderOptions { clock: clock.clone(), ids: TestIds::from(seed * 100 + 1), ..options() };
    let mut recorder = Recorder::create(home, &thread(mode), &options).unwrap();
    recorder.persist().unwrap();
    let mut expected = std::fs::read(recorder.path()).unwrap();
    let policy = Policy::of_mode(Some(match mode {
        ThreadMode::Legacy => &rollfold_core::model::HistoryMode::Legacy,
        ThreadMode::Paginated => &rollfold_core::model::HistoryMode::Paginated,
    }));
    let (mut ordinal, mut before) = (1, (0, String::new()));
    for line in rollout(&swarm) {
        let mut scratch = String::new();
        let span = Span::new(0, line.len() as u64);
        let decoded = decode(Line { seq: 0, span, bytes: &line }, &mut scratch, Depth::Full);
        let [record] = decoded.records.as_slice() else { continue };
        let Some(tag) = RecordTag::of(&record.tag) else { continue };
        let written: jiff::Timestamp = record.timestamp.as_deref().unwrap().parse().unwrap();
        clock.ms.store(written.as_millisecond(), Ordering::Relaxed);
        let payload = record.payload().unwrap().get();
        let raw = RawValue::from_string(payload.to_owned()).unwrap();
        let offered = recorder.append(NewRecord::raw(tag, &raw)).unwrap();
        recorder.flush().unwrap();
        let is_kept = policy.persists(record);
        assert_eq!(offered != Offered::LeftOut, is_kept);
        if !is_kept {
            continue;
        }
        let payload: String = payload.split(['\n', '\r']).collect();
        let mut ms = written.as_millisecond();
        if before.1 == payload && ms <= before.0 {
            ms = before.0 + 1;
        }
        let stamp = jiff::Timestamp::from_millisecond(ms).unwrap();
        let ordinal_text = match mode {
            ThreadMode::Legacy => String::new(),
            ThreadMode::Paginated => format!("\"ordinal\":{ordinal},"),
        };
        expected.extend(
            format!(
                "{{\"timestamp\":\"{stamp:.3}\",{ordinal_text}\"type\":\"{}\",\"payload\":{payload}}}\n",
                tag.as_str()
            )
            .bytes(),
        );
        before = (ms, payload);
        ordinal += 1;
    }
    recorder.sync().unwrap();
    let model = Model::of(&expected);
    let store = Store::in_memory().unwrap();
    let source = FileSource::open(recorder.path()).unwrap();
    store.sync(&source, &SyncOptions::default()).unwrap();
    let key = rollfold_projector::LogSource::key(&source);
    model.assert_same(&store, key);
    assert_accepted(recorder.path());
    assert!(model.snapshot.records().len() > 1, "seed {seed}");
}

#[test]
fn a_hundred_recorded_threads_fold_to_what_was_recorded() {
    let (_folder, home) = home();
    for seed in 0..100 {
        rerecord(&home, seed);
    }
}

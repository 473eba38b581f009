//! What holds for any log.

use serde_json::json;

use super::*;
use crate::context::reverse;
use crate::records::RecordEntry;
use crate::testing::{Prng, Swarm, damage, rollout_bytes};

fn logs() -> impl Iterator<Item = Vec<u8>> {
    (0..120).map(|seed| {
        let bytes = rollout_bytes(&Swarm::new(seed, 70));
        if seed % 3 == 0 { damage(&mut Prng::new(seed), &bytes).0 } else { bytes }
    })
}

#[test]
fn the_past_is_what_it_was() {
    for bytes in logs().step_by(4) {
        let records = fold(&bytes).records().clone();
        let (mut end, mut seq) = (0, 0);
        for line in bytes.split_inclusive(|byte| *byte == b'\n').filter(|it| it.ends_with(b"\n")) {
            (end, seq) = (end + line.len(), seq + 1);
            let prefix = fold(&bytes[..end]);
            assert_eq!(&records.before(seq), prefix.records());
            for mode in [ContextMode::Reference, ContextMode::Sound] {
                let now = reconstruct(&records.before(seq), &bytes[..], mode, None).unwrap();
                let then = reconstruct(prefix.records(), &bytes[..end], mode, None).unwrap();
                assert_eq!(now, then);
            }
        }
    }
}

#[test]
fn every_item_can_be_read() {
    for bytes in logs() {
        for mode in [ContextMode::Reference, ContextMode::Sound] {
            let context = reconstruct(fold(&bytes).records(), &bytes[..], mode, None).unwrap();
            assert_eq!(items(&context, &bytes).len(), context.history.len());
            world(&context, &bytes[..]).unwrap();
            let (repaired, _) = repair(&context, &bytes[..]).unwrap();
            items(&repaired, &bytes);
        }
    }
}

#[test]
fn the_modes_differ_only_where_a_checkpoint_was_rolled_back() {
    let mut differing = 0;
    for bytes in logs() {
        let records = fold(&bytes).records().clone();
        let [reference, sound] = [ContextMode::Reference, ContextMode::Sound]
            .map(|mode| reconstruct(&records, &bytes[..], mode, None).unwrap());
        if reverse::scan(&records, ContextMode::Reference).rolled_back.is_empty() {
            assert_eq!(reference, sound);
        } else {
            differing += usize::from(reference != sound);
            let same = |context: &Context| {
                let Context { previous_turn_settings, world_records, window, .. } = context.clone();
                (previous_turn_settings, world_records, window)
            };
            assert_eq!(same(&reference), same(&sound));
        }
    }
    assert!(differing > 0, "no log of these shows the difference");
}

#[test]
fn records_that_share_a_mended_line_are_told_apart() {
    let one = message("user", "one").to_string();
    // A raw tab inside a string has the line mended, so its records share one span.
    let line = |text: &str, payload: &str| {
        format!("{{\"timestamp\":\"{text}\",\"type\":\"response_item\",\"payload\":{payload}}}")
    };
    let two = line("a\tb", &one) + &line("c", &one.replace("one", "two"));
    let log = Log::default().line(&two).message("user", "three");
    let records = log.snapshot().records().clone();
    let parts: Vec<(u64, u16, u64)> =
        records.iter().map(|it| (it.seq, it.part, it.record_index)).collect();
    assert_eq!(parts, [(0, 0, 0), (0, 1, 1), (1, 0, 2)]);
    assert_eq!(log.shown(), ["one", "two", "three"]);
}

#[test]
fn a_log_that_was_rewritten_is_said_to_be_so() {
    let log = Log::default().turn("a");
    let context = log.context(ContextMode::Sound);
    let other = Log::default().line(&" ".repeat(log.bytes().len()));
    for bytes in [other.bytes(), b""] {
        let first = context.items(bytes).next().unwrap();
        assert!(matches!(first, Err(ContextError::Gone { record }) if record.seq == 1));
    }
}

#[test]
fn entries_are_small_and_can_be_stored() {
    assert!(size_of::<RecordEntry>() <= 64);
    for bytes in logs().take(40) {
        let records = fold(&bytes).records().clone();
        for entry in records.iter() {
            let stored = serde_json::to_string(entry).unwrap();
            assert_eq!(serde_json::from_str::<RecordEntry>(&stored).unwrap(), *entry);
        }
        assert_eq!(records.iter().cloned().collect::<RecordIndex>(), records);
    }
    let late = Log::default().turn("a").snapshot();
    let mut snapshot = late.clone();
    let first = late.records().get(0).unwrap();
    assert!(snapshot.apply_record(first).is_err() && snapshot == late);
    assert_eq!(json!(first.kind), json!("event_msg/task_started"));
}

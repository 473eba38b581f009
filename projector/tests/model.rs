//! The store against the fold in memory.

use std::ops::ControlFlow;

use rollfold_core::testing::{Prng, Shape, Swarm, damage, rollout_bytes, shape_bytes};
use rollfold_core::{Options, Routing};
use rollfold_projector::{MemSource, Store, SyncOptions};

use crate::support::{Model, event, golden, goldens, line_by_line, line_ends, references};

/// Syncs a log that grows to each of `ends`, and compares after each.
fn grow(store: &Store, key: &str, log: &[u8], ends: &[usize], options: &SyncOptions) {
    let mut source = MemSource::new(key, "");
    let mut model = Model::new(options.fold);
    for end in ends {
        let fresh = &log[source.bytes.len()..*end];
        model.push(fresh);
        source.bytes.extend(fresh);
        let synced = store.sync(&source, options).unwrap();
        assert_eq!(synced.generation, 0, "{key}");
        assert_eq!(synced.pending_bytes, model.folder.pending().len() as u64, "{key}");
        assert_eq!(synced.counts, model.folder.frontier().state.counts, "{key}");
        model.assert_same(store, key);
    }
    model.assert_same_answers(&store.thread(key).unwrap().unwrap());
}

#[test]
fn goldens_whole() {
    let store = Store::in_memory().unwrap();
    for (name, log) in goldens() {
        grow(&store, &name, &log, &[log.len()], &SyncOptions::default());
    }
}

#[test]
fn goldens_line_by_line() {
    let store = Store::in_memory().unwrap();
    for (name, log) in goldens() {
        let mut ends = line_ends(&log);
        ends.push(log.len());
        grow(&store, &name, &log, &ends, &SyncOptions::default());
    }
}

#[test]
fn goldens_cut_anywhere() {
    let store = Store::in_memory().unwrap();
    let mut rng = Prng::new(1);
    for (name, log) in goldens() {
        let mut ends: Vec<usize> = (0..6).map(|_| rng.index(log.len() + 1)).collect();
        ends.push(log.len());
        ends.sort_unstable();
        let options = SyncOptions { buffer_bytes: 64, batch_changes: 2, ..SyncOptions::default() };
        grow(&store, &name, &log, &ends, &options);
    }
}

#[test]
fn generated_logs_whole_and_damaged_and_in_pieces() {
    let store = Store::in_memory().unwrap();
    for seed in 0..30 {
        let log = rollout_bytes(&Swarm::new(seed, 120));
        let mut rng = Prng::new(seed);
        let (damaged, _) = damage(&mut rng, &log);
        for (name, log) in [("whole", &log), ("damaged", &damaged)] {
            let fold = match seed % 3 {
                0 => Options::REFERENCE,
                1 => Options { routing: Routing::ByCallId, ..Options::default() },
                _ => Options::default(),
            };
            let options = SyncOptions {
                fold,
                batch_bytes: rng.between(1, 20_000),
                batch_changes: rng.between(1, 40),
                buffer_bytes: rng.index(3_000),
                ..SyncOptions::default()
            };
            let mut ends = vec![rng.index(log.len() + 1), rng.index(log.len() + 1), log.len()];
            ends.sort_unstable();
            grow(&store, &format!("{name} {seed}"), log, &ends, &options);
        }
    }
}

#[test]
fn large_logs_of_every_shape() {
    let store = Store::in_memory().unwrap();
    for shape in Shape::ALL {
        let log = shape_bytes(shape, 1, 1_000_000);
        let options = SyncOptions { batch_bytes: 300_000, ..SyncOptions::default() };
        grow(&store, shape.name(), &log, &[log.len()], &options);
    }
}

/// Long items, items that change on one line, and both.
#[test]
fn long_items_and_several_records_on_a_line() {
    let exec = |word: &str, len: usize| {
        let output = "o\\n".repeat(len / 3);
        format!(
            r#"{{"timestamp":"2026-03-01T10:00:00.000Z","type":"event_msg","payload":{{"type":"exec_command_{word}","call_id":"c","turn_id":"t","command":["ls"],"cwd":"/","parsed_cmd":[],"aggregated_output":"{output}"}}}}"#
        )
    };
    let start = r#"{"timestamp":"2026-03-01T10:00:00.000Z","type":"event_msg","payload":{"type":"task_started","turn_id":"t"}}"#;
    let mut log = format!("{start}\n");
    for (long, short) in [(200_000, 10), (70_000, 200_000), (10, 64_700), (1_000_000, 0)] {
        log += &format!("{}\n{}\n", exec("end", long), exec("begin", 0));
        log += &format!("{}{}\n", exec("end", long), exec("end", short));
    }
    let store = Store::in_memory().unwrap();
    let log = log.into_bytes();
    grow(&store, "long", &log, &line_ends(&log), &SyncOptions::default());
    travel(&store, "again", &log);
}

/// Grows a store by pieces of 100 lines, and looks back; gives the bytes it takes.
fn room(log: &[u8]) -> u64 {
    let ends = line_ends(log);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let store = Store::open(&path).unwrap();
    let mut pieces: Vec<usize> = ends.iter().copied().step_by(100).collect();
    pieces.push(log.len());
    grow(&store, "log", log, &pieces, &SyncOptions::default());
    for lines in [1, 2, 3, ends.len() / 2, ends.len() - 1] {
        let view = store.thread("log").unwrap().unwrap().at(lines as u64);
        Model::of(&log[..ends[lines - 1]]).assert_same_rows(&view);
    }
    std::fs::metadata(&path).unwrap().len()
}

/// Each text that joins makes a version; together they must not take the square of the log.
#[test]
fn a_long_run_of_reasoning_takes_room_in_proportion() {
    let mut log = event(r#"{"type":"task_started","turn_id":"t"}"#);
    for number in 0..2_000 {
        let text = "thought ".repeat(10);
        log += &event(&format!(r#"{{"type":"agent_reasoning","text":"{text} {number}"}}"#));
    }
    let bytes = room(log.as_bytes());
    assert!(bytes < 10_000_000, "{bytes} bytes for a log of {}", log.len());
}

/// Each change of a failed turn makes a version with its error.
#[test]
fn a_long_error_takes_room_once() {
    let mut log = event(r#"{"type":"task_started","turn_id":"t"}"#);
    log += &event(&format!(r#"{{"type":"error","message":"{}"}}"#, "wrong ".repeat(30_000)));
    for number in 0..500 {
        log += &event(&format!(
            r#"{{"type":"turn_aborted","turn_id":"t","reason":"interrupted","duration_ms":{number}}}"#
        ));
    }
    let bytes = room(log.as_bytes());
    assert!(bytes < 5_000_000, "{bytes} bytes for a log of {}", log.len());
}

#[test]
fn every_batch_is_a_fold_of_a_prefix() {
    let store = Store::in_memory().unwrap();
    let log = golden("rollback_five_then_again");
    let source = MemSource::new("log", log.clone());
    let mut batches = 0;
    let synced = store.sync_with(&source, &line_by_line(), |progress| {
        batches += 1;
        assert_eq!(progress.lines, batches);
        assert_eq!(progress.total_bytes, Some(log.len() as u64));
        let end = usize::try_from(progress.bytes).unwrap();
        Model::of(&log[..end]).assert_same(&store, "log");
        ControlFlow::Continue(())
    });
    assert_eq!(synced.unwrap().lines, batches);
}

/// Looks at every line of a log, from a store that has all of it.
fn travel(store: &Store, key: &str, log: &[u8]) {
    store.sync(&MemSource::new(key, log), &SyncOptions::default()).unwrap();
    let mut model = Model::default();
    let mut start = 0;
    let view = |lines| store.thread(key).unwrap().unwrap().at(lines);
    model.assert_same_answers(&view(0));
    for (lines, end) in (1..).zip(line_ends(log)) {
        model.push(&log[start..end]);
        start = end;
        let view = view(lines);
        model.assert_same_rows(&view);
        model.assert_same_answers(&view);
    }
    let len = line_ends(log).len() as u64;
    let mut rng = Prng::new(len);
    let mut pairs = vec![(0, len), (0, len + 5), (len, len)];
    for _ in 0..5 {
        let (one, other) = (rng.between(0, len), rng.between(0, len));
        pairs.push((one.min(other), one.max(other)));
    }
    model.assert_same_slices(store, key, &pairs);
}

#[test]
fn goldens_as_of_every_line() {
    let store = Store::in_memory().unwrap();
    for (name, log) in goldens() {
        travel(&store, &name, &log);
    }
}

#[test]
fn reference_logs_as_of_every_line() {
    let store = Store::in_memory().unwrap();
    for (name, log) in references() {
        travel(&store, &name, &log);
    }
}

#[test]
fn generated_logs_as_of_every_line() {
    let store = Store::in_memory().unwrap();
    for seed in 100..110 {
        travel(&store, &format!("{seed}"), &rollout_bytes(&Swarm::new(seed, 60)));
    }
    travel(&store, "small", &crate::support::small_log());
}

/// Law 6: at every line of 20 threads of 2,000 lines, all that can be asked is what the fold of
/// the lines before it says. Pages are compared at every tenth
/// unless `ROLLFOLD_EVERY_LINE` is set.
#[test]
#[ignore = "takes minutes without --release"]
fn law_6_at_every_line_of_threads_of_real_size() {
    // Every answer at every line takes long; set this to have it.
    let is_thorough = std::env::var_os("ROLLFOLD_EVERY_LINE").is_some();
    let mut looks = 0;
    for seed in 0..20 {
        let mut log = rollout_bytes(&Swarm::new(seed + 1000, 2_000));
        if seed % 2 == 1 {
            log = damage(&mut Prng::new(seed), &log).0;
        }
        let store = Store::in_memory().unwrap();
        store.sync(&MemSource::new("log", &*log), &SyncOptions::default()).unwrap();
        let mut model = Model::default();
        let mut start = 0;
        for (lines, end) in (1..).zip(line_ends(&log)) {
            model.push(&log[start..end]);
            start = end;
            let view = store.thread("log").unwrap().unwrap().at(lines);
            if view.readable().is_ok() {
                assert!(view.snapshot().unwrap() == model.snapshot, "{seed}: line {lines}");
            }
            if is_thorough || lines % 10 == 0 {
                model.assert_same_answers(&view);
            }
            looks += 1;
        }
    }
    println!("{looks} lines looked at");
    assert!(looks >= 36_000, "{looks}");
}

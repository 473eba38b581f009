//! Crash = prefix: whenever the disk fails, the store holds the fold of a prefix of the log, and a
//! new sync reaches what a sync without failures reaches.

use rollfold_core::testing::{Prng, Shape, shape_bytes};
use rollfold_projector::testing::{Fate, FaultyDisk};
use rollfold_projector::{MemSource, OpenError, Store, SyncOptions};

use crate::support::{Model, any_fate, line_ends, small_log};

const KEY: &str = "log";

fn options() -> SyncOptions {
    // Several transactions, each of several lines.
    SyncOptions { batch_bytes: 700, ..SyncOptions::default() }
}

/// Makes a store and syncs; true if nothing failed.
fn sync(disk: &FaultyDisk, log: &MemSource) -> bool {
    let Ok(store) = Store::with_backend(disk.clone()) else { return false };
    store.sync(log, &options()).is_ok()
}

/// Opens what is left; it must be a prefix of the log, at least `lines_min` lines of it. Then
/// syncs, and it must be all of the log.
fn recover(disk: FaultyDisk, log: &MemSource, lines_min: u64, what: &str) -> u64 {
    let store = match Store::with_backend(disk) {
        Ok(store) => store,
        Err(OpenError::Unfinished { .. }) if lines_min == 0 => Store::in_memory().unwrap(),
        Err(error) => panic!("{what}: {error}"),
    };
    let mut lines = 0;
    if let Some(view) = store.thread(KEY).unwrap() {
        let position = view.state().position;
        let end = usize::try_from(position.offset_bytes).unwrap();
        Model::of(&log.bytes[..end]).assert_same(&store, KEY);
        lines = position.seq;
    }
    assert!(lines >= lines_min, "{what}: {lines} lines, {lines_min} were committed");
    store.sync(log, &options()).unwrap();
    Model::of(&log.bytes).assert_same(&store, KEY);
    lines
}

#[test]
fn after_any_operation_the_store_is_a_prefix() {
    let log = MemSource::new(KEY, small_log());
    let clean = FaultyDisk::new();
    assert!(sync(&clean, &log));
    let operations = clean.operations();
    let lines = line_ends(&log.bytes).len() as u64;
    let mut prefixes = std::collections::BTreeSet::new();
    let mut rng = Prng::new(1);
    for end in 0..operations {
        let disk = FaultyDisk::new();
        disk.fail_after(Some(end));
        // The last operations close the store: failures there lose nothing.
        let lines_min = if sync(&disk, &log) { lines } else { 0 };
        prefixes.insert(recover(disk.after_abort(), &log, lines_min, &format!("abort at {end}")));
        let lost = disk.after_power_loss(|_| Fate::Lost);
        recover(lost, &log, lines_min, &format!("power loss at {end}"));
        let torn = disk.after_power_loss(|_| any_fate(&mut rng));
        recover(torn, &log, lines_min, &format!("torn power loss at {end}"));
    }
    // Nothing at all, nothing but the tables, and after each of the batches.
    assert!(prefixes.len() >= 6, "{prefixes:?}");
}

#[test]
fn what_was_committed_is_never_lost() {
    let log = MemSource::new(KEY, small_log());
    let mut rng = Prng::new(2);
    let first = MemSource::new(KEY, &log.bytes[..line_ends(&log.bytes)[20]]);
    let mut end = 0;
    loop {
        let disk = FaultyDisk::new();
        let store = Store::with_backend(disk.clone()).unwrap();
        store.sync(&first, &options()).unwrap();
        disk.fail_after(Some(end));
        let is_done = store.sync(&log, &options()).is_ok();
        recover(disk.after_power_loss(|_| Fate::Lost), &log, 21, &format!("power loss at {end}"));
        let torn = disk.after_power_loss(|_| any_fate(&mut rng));
        recover(torn, &log, 21, &format!("torn power loss at {end}"));
        if is_done {
            break;
        }
        end += 1;
    }
    assert!(end > 5, "{end} operations");
}

#[test]
fn a_failed_sync_can_be_repeated_in_the_same_process() {
    let log = MemSource::new(KEY, small_log());
    let disk = FaultyDisk::new();
    let store = Store::with_backend(disk.clone()).unwrap();
    disk.fail_after(Some(8));
    store.sync(&log, &options()).unwrap_err();
    disk.fail_after(None);
    drop(store);
    let store = Store::with_backend(disk.after_abort()).unwrap();
    store.sync(&log, &options()).unwrap();
    Model::of(&log.bytes).assert_same(&store, KEY);
}

#[test]
fn a_full_disk_loses_nothing() {
    let log = MemSource::new(KEY, shape_bytes(Shape::Tiny, 3, 300_000));
    let model = Model::of(&log.bytes);
    let options = SyncOptions { batch_bytes: 10_000, ..SyncOptions::default() };
    let mut failures = 0;
    let mut capacity = 0;
    loop {
        let disk = FaultyDisk::new();
        disk.set_capacity(Some(capacity));
        let error = match Store::with_backend(disk.clone()) {
            Err(error) => error.to_string(),
            Ok(store) => match store.sync(&log, &options) {
                Err(error) => error.to_string(),
                Ok(_) => break,
            },
        };
        assert!(error.ends_with("free some space and do it again"), "{error}");
        // With some room again, the store goes on from where it was.
        disk.set_capacity(None);
        let store = Store::with_backend(disk).unwrap();
        if let Some(view) = store.thread(KEY).unwrap() {
            let end = usize::try_from(view.state().position.offset_bytes).unwrap();
            Model::of(&log.bytes[..end]).assert_same(&store, KEY);
        }
        store.sync(&log, &options).unwrap();
        model.assert_same(&store, KEY);
        failures += 1;
        capacity += 100_000;
    }
    assert!(failures > 5, "{failures}");
}

//! Homes synced again and again: what changed is folded, once, wherever it lies.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rollfold_projector::testing::FaultyDisk;
use rollfold_projector::{
    FileOutcome, Home, HomesSynced, Library, Outcome, Store, SyncFileError, SyncOptions,
};
use tempfile::TempDir;

use crate::support::{Model, event, small_log};

const GO_ON: ControlFlow<()> = ControlFlow::Continue(());

fn id(number: usize) -> String {
    format!("019bb0c0-0000-7000-8000-{number:012x}")
}

fn key(number: usize) -> String {
    format!("rollout-2026-03-01T10-00-00-{}", id(number))
}

/// A home with some logs, and a store on a disk that counts.
struct World {
    dir: TempDir,
    home: Home,
    disk: FaultyDisk,
    store: Store,
}

impl World {
    fn new(len_logs: usize) -> Self {
        let dir = TempDir::new().unwrap();
        let home = Home::at(dir.path().join("home"));
        let disk = FaultyDisk::new();
        let store = Store::with_backend(disk.clone()).unwrap();
        let world = Self { dir, home, disk, store };
        (0..len_logs).for_each(|number| write(&world.path(number), &small_log()));
        fs::create_dir_all(world.home.sessions_dir()).unwrap();
        world
    }

    fn path(&self, number: usize) -> PathBuf {
        self.home.sessions_dir().join("2026/03/01").join(format!("{}.jsonl", key(number)))
    }

    fn archived(&self, number: usize) -> PathBuf {
        self.home.archived_dir().join(format!("{}.jsonl", key(number)))
    }

    fn sync(&self) -> Synced {
        sync(&self.store, std::slice::from_ref(&self.home))
    }

    /// Syncs until the files have been left alone for so long that nothing needs to be noted.
    fn settle(&self) {
        std::thread::sleep(Duration::from_millis(60));
        self.sync();
        let writes = self.disk.writes();
        let synced = self.sync();
        assert_eq!(synced.synced.unchanged + synced.synced.copies, synced.synced.found);
        assert_eq!(self.disk.writes(), writes, "a sync of nothing wrote something");
    }
}

struct Synced {
    synced: HomesSynced,
    /// By the number of the log, what became of its files.
    done: Vec<(PathBuf, FileOutcome)>,
}

fn sync(store: &Store, homes: &[Home]) -> Synced {
    let mut done = Vec::new();
    let options = SyncOptions { threads: 2, ..SyncOptions::default() };
    let mut scans = Vec::new();
    for home in homes {
        scans.push((home.clone(), home.scan().unwrap()));
    }
    let synced = store.sync_scans(&scans, &options, |progress| {
        assert!(progress.files <= progress.total_files);
        assert!(progress.bytes <= progress.total_bytes);
        for report in progress.done {
            let outcome = match &report.outcome {
                FileOutcome::Synced(synced) => FileOutcome::Synced(synced.clone()),
                FileOutcome::Copy { of } => FileOutcome::Copy { of: of.clone() },
                FileOutcome::Gone => FileOutcome::Gone,
                other => panic!("{other:?}"),
            };
            done.push((report.path.clone(), outcome));
        }
        GO_ON
    });
    done.sort_by(|one, other| one.0.cmp(&other.0));
    Synced { synced: synced.unwrap(), done }
}

fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn append(path: &Path, bytes: &str) {
    let log = [&*fs::read(path).unwrap(), bytes.as_bytes()].concat();
    fs::write(path, log).unwrap();
}

#[test]
fn what_did_not_change_is_not_opened_and_nothing_is_written() {
    let world = World::new(12);
    let first = world.sync().synced;
    assert_eq!((first.found, first.new, first.failed), (12, 12, 0));
    world.settle();
    let line = event(r#"{"type":"agent_message","message":"one more"}"#);
    append(&world.path(3), &line);
    let second = world.sync();
    assert_eq!((second.synced.unchanged, second.synced.appended), (11, 1));
    assert_eq!(second.done.len(), 1);
    assert_eq!((second.synced.lines, &second.done[0].0), (1, &world.path(3)));
    let log = [small_log(), line.into_bytes()].concat();
    Model::of(&log).assert_same(&world.store, &key(3));
    Model::of(&small_log()).assert_same(&world.store, &key(4));
    world.settle();
    // Asked to look closely, it opens all.
    let options = SyncOptions { check: rollfold_projector::Check::Whole, ..SyncOptions::default() };
    let homes = std::slice::from_ref(&world.home);
    let whole = world.store.sync_homes(homes, &options, |_| GO_ON).unwrap();
    assert_eq!((whole.unchanged, whole.lines), (12, 0));
    assert!(whole.bytes_read >= 12 * small_log().len() as u64);
}

#[test]
fn a_moved_log_stays_the_same() {
    let world = World::new(3);
    world.sync();
    world.settle();
    fs::create_dir_all(world.home.archived_dir()).unwrap();
    fs::rename(world.path(1), world.archived(1)).unwrap();
    let moved = world.sync();
    assert_eq!((moved.synced.found, moved.synced.gone, moved.synced.lines), (3, 1, 0));
    let gone = moved.done.iter().find(|(_, outcome)| matches!(outcome, FileOutcome::Gone));
    assert_eq!(gone.unwrap().0, world.path(1));
    world.settle();
    assert_eq!(world.store.generations(None, 10).unwrap().rows.len(), 3);
    // Back again, compressed, and grown.
    let line = event(r#"{"type":"agent_message","message":"one more"}"#);
    let log = [small_log(), line.into_bytes()].concat();
    fs::remove_file(world.archived(1)).unwrap();
    let packed = zstd::stream::encode_all(&*log, 3).unwrap();
    write(&world.path(1).with_extension("jsonl.zst"), &packed);
    let back = world.sync().synced;
    assert_eq!((back.appended, back.gone, back.lines), (1, 1, 1));
    Model::of(&log).assert_same(&world.store, &key(1));
    world.settle();
    assert_eq!(world.store.generations(None, 10).unwrap().rows.len(), 3);
}

#[test]
fn of_copies_the_longest_is_read_and_none_in_turns() {
    let world = World::new(2);
    let log = small_log();
    let elsewhere = world.home.sessions_dir().join("2025/01/01").join(format!("{}.jsonl", key(0)));
    write(&elsewhere, &log[..log.len() / 2]);
    let other = Home::at(world.dir.path().join("other"));
    let there = other.sessions_dir().join(format!("{}.jsonl", key(1)));
    write(&there, &log);
    let homes = [world.home.clone(), other];
    for round in 0..3 {
        let synced = sync(&world.store, &homes);
        let copies: Vec<_> = (synced.done.iter())
            .filter_map(|(path, outcome)| match outcome {
                FileOutcome::Copy { of } => Some((path.clone(), of.clone())),
                _ => None,
            })
            .collect();
        let expected = [(there.clone(), world.path(1)), (elsewhere.clone(), world.path(0))];
        assert!(copies.len() == 2 && expected.iter().all(|copy| copies.contains(copy)));
        assert_eq!(synced.synced.new, if round == 0 { 2 } else { 0 });
        assert_eq!(synced.synced.rewritten, 0);
    }
    // The copy that is longer now is the log; what was folded of the other goes on.
    let line = event(r#"{"type":"agent_message","message":"one more"}"#);
    fs::write(&elsewhere, [&log, line.as_bytes()].concat()).unwrap();
    let synced = sync(&world.store, &homes).synced;
    assert_eq!((synced.appended, synced.lines, synced.copies), (1, 1, 2));
    Model::of(&[&log, line.as_bytes()].concat()).assert_same(&world.store, &key(0));
}

#[test]
fn what_is_gone_stays_readable_and_may_come_back() {
    let world = World::new(2);
    world.sync();
    world.settle();
    fs::remove_file(world.path(0)).unwrap();
    let synced = world.sync().synced;
    assert_eq!((synced.found, synced.gone, synced.unchanged), (1, 1, 1));
    assert_eq!(world.sync().synced.gone, 0);
    Model::of(&small_log()).assert_same(&world.store, &key(0));
    write(&world.path(0), &small_log());
    let synced = world.sync().synced;
    assert_eq!((synced.found, synced.lines, synced.rewritten), (2, 0, 0));
    world.settle();
}

#[test]
fn a_library_shows_where_its_logs_are() {
    let dir = TempDir::new().unwrap();
    let home = Home::at(dir.path());
    let log = format!(
        "{{\"timestamp\":\"2026-03-01T10:00:00.000Z\",\"type\":\"session_meta\",\"payload\":{{\"id\":\"{}\",\"timestamp\":\"2026-03-01T10:00:00.000Z\",\"cwd\":\"/work\",\"originator\":\"x\",\"cli_version\":\"1\"}}}}\n",
        id(0)
    );
    let path = home.sessions_dir().join(format!("2026/03/01/{}.jsonl", key(0)));
    write(&path, log.as_bytes());
    let library = Library::open(Store::in_memory().unwrap()).unwrap();
    let sync = || {
        library.sync_homes(std::slice::from_ref(&home), &SyncOptions::default(), |_| GO_ON).unwrap()
    };
    sync();
    let place = || library.thread(&id(0)).unwrap().log.place.clone().unwrap();
    assert_eq!((place().path, place().is_archived, place().is_gone), (path.clone(), false, false));
    assert_eq!(place().len_bytes, log.len() as u64);
    let archived = home.archived_dir().join(format!("{}.jsonl", key(0)));
    fs::create_dir_all(home.archived_dir()).unwrap();
    fs::rename(&path, &archived).unwrap();
    sync();
    assert_eq!((place().path, place().is_archived), (archived.clone(), true));
    fs::remove_file(&archived).unwrap();
    sync();
    assert!(place().is_gone);
    assert_eq!(library.len(), 1);
}

#[test]
fn one_bad_file_costs_one_report() {
    let world = World::new(4);
    let scan = world.home.scan().unwrap();
    fs::remove_file(world.path(1)).unwrap();
    let (mut failed, mut synced) = (Vec::new(), 0);
    let scans = [(world.home.clone(), scan)];
    let done = world.store.sync_scans(&scans, &SyncOptions::default(), |progress| {
        for report in progress.done {
            match &report.outcome {
                FileOutcome::Failed(error) => {
                    assert!(matches!(error, SyncFileError::Open(_)), "{error}");
                    failed.push(report.path.clone());
                }
                FileOutcome::Synced(_) => synced += 1,
                other => panic!("{other:?}"),
            }
        }
        GO_ON
    });
    assert_eq!((failed, synced), (vec![world.path(1)], 3));
    assert_eq!((done.as_ref().unwrap().failed, done.unwrap().new), (1, 3));
}

#[test]
fn a_stopped_sync_of_homes_goes_on() {
    let world = World::new(20);
    let homes = [world.home.clone()];
    let options = SyncOptions { batch_bytes: 6_000, threads: 2, ..SyncOptions::default() };
    let (mut rounds, mut new) = (0, 0);
    loop {
        let mut calls = 0;
        let synced = world.store.sync_homes(&homes, &options, |_| {
            calls += 1;
            if calls > 2 { ControlFlow::Break(()) } else { GO_ON }
        });
        let synced = synced.unwrap();
        new += synced.new;
        rounds += 1;
        assert!(rounds < 50);
        if !synced.is_stopped {
            break;
        }
    }
    assert!(rounds > 2 && new <= 20, "{rounds} {new}");
    let model = Model::of(&small_log());
    (0..20).for_each(|number| model.assert_same(&world.store, &key(number)));
}

/// A log that goes on from another one, up to a line of it.
fn fork(of: usize, base: &[u8]) -> Vec<u8> {
    let end = base.len();
    let meta = format!(
        "{{\"timestamp\":\"2026-03-01T10:00:00.000Z\",\"type\":\"session_meta\",\"payload\":{{\"id\":\"{}\",\"timestamp\":\"2026-03-01T10:00:00.000Z\",\"history_base\":{{\"thread_id\":\"{}\",\"end_byte_offset\":{end}}}}}}}\n",
        id(77),
        id(of)
    );
    [meta.into_bytes(), event(r#"{"type":"agent_message","message":"own"}"#).into_bytes()].concat()
}

#[test]
fn a_log_is_folded_with_what_it_goes_on_from_once_that_is_there() {
    let world = World::new(1);
    let base = small_log();
    write(&world.path(77), &fork(5, &base));
    world.sync();
    world.settle();
    let alone = world.store.thread(&key(77)).unwrap().unwrap().len_lines();
    assert_eq!(alone, 2);
    write(&world.path(5), &base);
    let synced = world.sync();
    assert_eq!((synced.synced.new, synced.synced.rewritten), (1, 1));
    let rewritten = synced.done.iter().find(|(path, _)| *path == world.path(77)).unwrap();
    assert!(matches!(&rewritten.1, FileOutcome::Synced(synced)
        if matches!(synced.outcome, Outcome::Rewritten { .. })));
    let whole = [base.clone(), fork(5, &base)].concat();
    let joined = Model::of_fork(&whole, &id(77), base.len());
    joined.assert_same(&world.store, &key(77));
    world.settle();
    // The base goes on; what was taken of it stays.
    append(&world.path(5), &event(r#"{"type":"agent_message","message":"more"}"#));
    let synced = world.sync().synced;
    assert_eq!((synced.appended, synced.rewritten, synced.lines), (1, 0, 1));
    world.settle();
    joined.assert_same(&world.store, &key(77));
}

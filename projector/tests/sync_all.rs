//! Many logs at once, folded on some threads while another writes: the rows are those of one log
//! after the other, whatever goes wrong with some.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};

use rollfold_core::testing::{Prng, Shape, Swarm, damage, rollout_bytes, shape_bytes};
use rollfold_projector::testing::{Fate, FaultyDisk, Image, Operation};
use rollfold_projector::{
    LogSource, MemSource, Outcome, Store, SyncError, SyncOptions, SyncedAll, VerifyOptions,
};

use crate::support::{Model, any_fate, goldens, line_by_line, line_ends, small_log, torn};

const GO_ON: ControlFlow<()> = ControlFlow::Continue(());

fn threads(threads: usize) -> SyncOptions {
    SyncOptions { threads, ..SyncOptions::default() }
}

/// Logs of all kinds, some of them damaged.
fn logs() -> Vec<MemSource> {
    let mut logs: Vec<MemSource> = goldens().into_iter().step_by(3).map(of).collect();
    for seed in 0..24 {
        let log = rollout_bytes(&Swarm::new(seed, 120));
        let (broken, _) = damage(&mut Prng::new(seed), &log);
        logs.push(MemSource::new(format!("swarm {seed}"), log));
        logs.push(MemSource::new(format!("damaged {seed}"), broken));
    }
    logs.push(MemSource::new("tiny", shape_bytes(Shape::Tiny, 1, 200_000)));
    logs.push(MemSource::new("empty", ""));
    logs
}

fn of((name, log): (String, Vec<u8>)) -> MemSource {
    MemSource::new(name, log)
}

fn sync_all(store: &Store, logs: &[MemSource], options: &SyncOptions) -> SyncedAll {
    store.sync_all(logs, options, |_| GO_ON).unwrap()
}

/// A log up to a line end somewhere in it.
fn cut(rng: &mut Prng, log: &MemSource) -> MemSource {
    let ends = line_ends(&log.bytes);
    let end = if ends.is_empty() { 0 } else { ends[rng.index(ends.len())] };
    MemSource::new(log.key(), &log.bytes[..end])
}

#[test]
fn many_logs_at_once_are_as_one_after_the_other() {
    let logs = logs();
    let models: Vec<Model> = logs.iter().map(|log| Model::of(&log.bytes)).collect();
    let mut rng = Prng::new(3);
    for (threads, batch_bytes) in [(1, 1 << 20), (2, 3_000), (4, 100_000)] {
        let store = Store::in_memory().unwrap();
        let options = SyncOptions { threads, batch_bytes, ..SyncOptions::default() };
        // In three goes: what has rows already is folded from them.
        let mut lines = vec![0; logs.len()];
        for go in 0..3 {
            let grown: Vec<MemSource> = match go {
                2 => logs.clone(),
                _ => logs.iter().map(|log| cut(&mut rng, log)).collect(),
            };
            let known: Vec<u64> = logs.iter().map(|log| offset(&store, log.key())).collect();
            // A log does not shrink.
            let grown = grown.into_iter().zip(&logs).zip(known).map(|((cut, log), known)| {
                let end = cut.bytes.len().max(known as usize);
                MemSource::new(log.key(), &log.bytes[..end])
            });
            let synced = sync_all(&store, &grown.collect::<Vec<_>>(), &options);
            assert!(!synced.is_stopped);
            for (lines, synced) in lines.iter_mut().zip(synced.logs) {
                let synced = synced.unwrap().unwrap();
                *lines += synced.lines;
                assert_eq!((*lines, synced.generation), (synced.position.seq, 0));
            }
        }
        for (log, model) in logs.iter().zip(&models) {
            model.assert_same(&store, log.key());
        }
        for (log, model) in logs.iter().zip(&models).step_by(9) {
            let len = model.folder.frontier().state.position.seq;
            model.assert_same_slices(&store, log.key(), &[(0, len), (len / 3, len / 2)]);
            model.assert_same_answers(&store.thread(log.key()).unwrap().unwrap());
            // Row by row what a sync of this log alone makes.
            let verified = store.verify(log, &VerifyOptions::default()).unwrap();
            assert_eq!(verified.differences, 0, "{}: {:?}", log.key(), verified.first);
        }
    }
}

fn offset(store: &Store, key: &str) -> u64 {
    store.thread(key).unwrap().map_or(0, |view| view.state().position.offset_bytes)
}

#[test]
fn one_log_written_by_another_thread_is_the_same() {
    let log = MemSource::new("log", shape_bytes(Shape::Tiny, 2, 400_000));
    let store = Store::in_memory().unwrap();
    let ends = line_ends(&log.bytes);
    for end in [ends[ends.len() / 3], ends[ends.len() / 3] + 5, log.bytes.len()] {
        let log = MemSource::new("log", &log.bytes[..end]);
        store.sync(&log, &threads(2)).unwrap();
    }
    Model::of(&log.bytes).assert_same(&store, "log");
    assert_eq!(store.verify(&log, &VerifyOptions::default()).unwrap().differences, 0);
    assert_eq!(store.sync(&log, &threads(2)).unwrap().outcome, Outcome::Unchanged);
}

#[test]
fn one_log_written_by_another_thread_stops_where_it_is_told() {
    let store = Store::in_memory().unwrap();
    let log = small_log();
    let source = MemSource::new("log", log.clone());
    let options = SyncOptions { threads: 2, ..line_by_line() };
    for stop in [3, 8] {
        let mut told = Vec::new();
        let synced = store.sync_with(&source, &options, |progress| {
            told.push(progress.lines);
            // While it is told, nothing is being written.
            store.sync(&MemSource::new("other", &log[..50]), &line_by_line()).unwrap();
            if progress.lines == stop { ControlFlow::Break(()) } else { GO_ON }
        });
        let synced = synced.unwrap();
        assert!(synced.is_stopped);
        assert_eq!(synced.position.seq, stop);
        assert_eq!(told.last(), Some(&stop));
        assert!(told.windows(2).all(|pair| pair[1] == pair[0] + 1), "{told:?}");
        let end = usize::try_from(synced.position.offset_bytes).unwrap();
        assert_eq!(synced.pending_bytes, (log.len() - end) as u64);
        Model::of(&log[..end]).assert_same(&store, "log");
    }
    store.sync(&source, &options).unwrap();
    Model::of(&log).assert_same(&store, "log");
}

/// A log that fails behind a byte, as long as it is broken.
struct Failing {
    log: MemSource,
    from_bytes: AtomicU64,
}

impl LogSource for Failing {
    fn key(&self) -> &str {
        self.log.key()
    }

    fn len_bytes(&self) -> io::Result<Option<u64>> {
        self.log.len_bytes()
    }

    fn read_at(&self, offset_bytes: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.from_bytes.load(Ordering::Relaxed).saturating_sub(offset_bytes);
        if left == 0 {
            return Err(io::Error::other("unreadable"));
        }
        let len = buffer.len().min(usize::try_from(left).unwrap());
        self.log.read_at(offset_bytes, &mut buffer[..len])
    }
}

#[test]
fn a_log_that_fails_keeps_what_was_read_and_no_other_back() {
    let log = small_log().repeat(8);
    let logs: Vec<Failing> = (0..6)
        .map(|number| Failing {
            log: MemSource::new(format!("log {number}"), log.clone()),
            from_bytes: AtomicU64::new(if number % 2 == 0 { u64::MAX } else { 3_000 * number }),
        })
        .collect();
    let store = Store::in_memory().unwrap();
    let options = SyncOptions { buffer_bytes: 100, ..threads(2) };
    let synced = store.sync_all(&logs, &options, |_| GO_ON).unwrap();
    for (log, synced) in logs.iter().zip(synced.logs) {
        let from_bytes = log.from_bytes.load(Ordering::Relaxed);
        match synced.unwrap() {
            Ok(_) => assert_eq!(from_bytes, u64::MAX),
            Err(SyncError::Source { offset_bytes, .. }) => assert_eq!(offset_bytes, from_bytes),
            Err(error) => panic!("{error}"),
        }
        let end = line_ends(&log.log.bytes).into_iter().take_while(|end| *end as u64 <= from_bytes);
        let end = end.last().unwrap();
        Model::of(&log.log.bytes[..end]).assert_same(&store, log.key());
        log.from_bytes.store(u64::MAX, Ordering::Relaxed);
    }
    let synced = store.sync_all(&logs, &options, |_| GO_ON).unwrap();
    let outcomes = synced.logs.into_iter().map(|synced| synced.unwrap().unwrap().outcome);
    let unread = [Outcome::Unchanged, Outcome::Appended];
    assert!(outcomes.eq((0..6).map(|number| unread[number % 2])));
    let model = Model::of(&log);
    logs.iter().for_each(|log| model.assert_same(&store, log.key()));
}

#[test]
fn one_key_is_synced_once() {
    let store = Store::in_memory().unwrap();
    let log = small_log();
    let logs = [MemSource::new("log", log.clone()), MemSource::new("log", &log[..200])];
    let synced = sync_all(&store, &logs, &threads(2)).logs;
    assert!(matches!(&synced[0], Some(Ok(synced)) if synced.outcome == Outcome::New));
    assert!(matches!(&synced[1], Some(Err(SyncError::Raced { .. }))));
    Model::of(&log).assert_same(&store, "log");
}

#[test]
fn a_stopped_sync_of_many_goes_on() {
    let logs: Vec<MemSource> =
        (0..40).map(|number| MemSource::new(format!("log {number}"), small_log())).collect();
    let store = Store::in_memory().unwrap();
    let options = SyncOptions { batch_bytes: 10_000, ..threads(2) };
    let (mut rounds, mut done) = (0, 0);
    loop {
        let synced = store.sync_all(&logs, &options, |_| ControlFlow::Break(())).unwrap();
        let new = |synced: &Option<Result<_, SyncError>>| match synced {
            Some(Ok(rollfold_projector::Synced { outcome, .. })) => *outcome == Outcome::New,
            Some(Err(error)) => panic!("{error}"),
            None => false,
        };
        done += synced.logs.iter().filter(|synced| new(synced)).count();
        rounds += 1;
        if !synced.is_stopped {
            break;
        }
        assert!(rounds < 100);
        // What is not told of is not half there either.
        let known = store.generations(None, 100).unwrap().rows.len();
        assert!(known <= logs.len() && known >= done);
        if done == logs.len() {
            break;
        }
    }
    assert!(rounds > 3 && done <= logs.len(), "{rounds} {done}");
    sync_all(&store, &logs, &options);
    let model = Model::of(&small_log());
    logs.iter().for_each(|log| model.assert_same(&store, log.key()));
}

#[test]
fn a_store_that_fails_ends_it_for_all() {
    let logs: Vec<MemSource> =
        (0..20).map(|number| MemSource::new(format!("log {number}"), small_log())).collect();
    let options = SyncOptions { batch_bytes: 10_000, ..threads(2) };
    for operations in [0, 20, 100] {
        let disk = FaultyDisk::new();
        let store = Store::with_backend(disk.clone()).unwrap();
        disk.fail_after(Some(operations));
        store.sync_all(&logs, &options, |_| GO_ON).unwrap_err();
        drop(store);
        let store = Store::with_backend(disk.after_abort()).unwrap();
        sync_all(&store, &logs, &options);
        let model = Model::of(&small_log());
        logs.iter().for_each(|log| model.assert_same(&store, log.key()));
    }
}

/// How far each log is folded.
type Reached = Vec<Option<(u32, u64)>>;

/// Rounds in which several logs grow, each some lines, now and then one that was rewritten.
struct Groups {
    rounds: Vec<Vec<MemSource>>,
    /// Every content a log had, by generation.
    contents: BTreeMap<(usize, u32), Vec<u8>>,
    operations: Vec<Operation>,
    /// What was committed when so many operations were done.
    commits: Vec<(usize, Reached)>,
}

fn options() -> SyncOptions {
    SyncOptions { batch_bytes: 2_500, ..threads(2) }
}

fn reached(store: &Store, logs: &[MemSource]) -> Reached {
    let reached = |log: &MemSource| {
        let view = store.thread(log.key()).unwrap()?;
        Some((view.generation(), view.state().position.offset_bytes))
    };
    logs.iter().map(reached).collect()
}

impl Groups {
    fn new(seed: u64, len_rounds: usize) -> Self {
        let mut rng = Prng::new(seed);
        let sources = [small_log(), rollout_bytes(&Swarm::new(seed, 40)), small_log(), small_log()];
        let mut generations = [0; 4];
        let mut logs: Vec<MemSource> =
            (0..sources.len()).map(|log| MemSource::new(format!("log {log}"), "")).collect();
        let (mut rounds, mut contents) = (Vec::new(), BTreeMap::new());
        for _ in 0..len_rounds {
            for (at, log) in logs.iter_mut().enumerate() {
                if log.bytes.len() > 600 && rng.chance(5) {
                    log.bytes.drain(..line_ends(&log.bytes)[0]);
                    generations[at] += 1;
                } else {
                    let ends = line_ends(&sources[at]);
                    let end = ends[rng.index(ends.len().min(12))];
                    log.bytes.extend(&sources[at][..end]);
                }
                contents.insert((at, generations[at]), log.bytes.clone());
            }
            rounds.push(logs.clone());
        }
        let disk = FaultyDisk::new();
        disk.record();
        let store = Store::with_backend(disk.clone()).unwrap();
        let mut commits = vec![(0, vec![None; sources.len()])];
        for logs in &rounds {
            let told = store.sync_all(logs, &options(), |_| {
                let done = usize::try_from(disk.operations()).unwrap();
                commits.push((done, reached(&store, logs)));
                GO_ON
            });
            assert!(told.unwrap().logs.iter().all(|log| matches!(log, Some(Ok(_)))));
        }
        drop(store);
        Self { rounds, contents, operations: disk.recorded(), commits }
    }

    /// What is left is what one of the commits around left, and a sync reaches the rest.
    fn compare(&self, done: usize, image: Image, what: &str) {
        let what = format!("{what} after operation {done}");
        let store = Store::with_backend(FaultyDisk::holding(image)).expect(&what);
        let logs = self.rounds.last().unwrap();
        let before = self.commits.partition_point(|(end, _)| *end <= done) - 1;
        let after = (before + 1).min(self.commits.len() - 1);
        let found = reached(&store, logs);
        let is_commit = [before, after].iter().any(|at| self.commits[*at].1 == found);
        assert!(is_commit, "{what}: {found:?}, not {:?}", self.commits[before].1);
        self.assert_same(&store, logs, &found);
        store.sync_all(logs, &options(), |_| GO_ON).expect(&what);
        for log in logs {
            Model::of(&log.bytes).assert_same(&store, log.key());
        }
    }

    fn assert_same(&self, store: &Store, logs: &[MemSource], reached: &Reached) {
        for (at, (log, reached)) in logs.iter().zip(reached).enumerate() {
            if let Some((generation, offset_bytes)) = reached {
                let content = &self.contents[&(at, *generation)];
                let end = usize::try_from(*offset_bytes).unwrap();
                Model::of(&content[..end]).assert_same(store, log.key());
            }
        }
    }

    /// Every `every`th crash point; gives how many images were compared, and how many commits were
    /// of several logs.
    fn sweep(&self, every: usize) -> (usize, usize) {
        let mut rng = Prng::new(9);
        let (mut live, mut durable) = (Image::new(), Image::new());
        let mut unsynced: Vec<&Operation> = Vec::new();
        let mut images = 0;
        for (done, operation) in (1..).zip(&self.operations) {
            match operation {
                Operation::Read => continue,
                Operation::Sync => {
                    durable = live.clone();
                    unsynced.clear();
                }
                Operation::Write(..) | Operation::SetLen(_) => unsynced.push(operation),
            }
            let before = live.clone();
            operation.apply(&mut live, Fate::Kept);
            if done % every != 0 && *operation != Operation::Sync {
                continue;
            }
            self.compare(done, live.clone(), "killed");
            images += 1;
            if let Operation::Write(_, data) = operation {
                let mut image = before;
                operation.apply(&mut image, torn(&mut rng, data.len() / 2));
                self.compare(done, image, "torn");
                let mut image = durable.clone();
                unsynced.iter().for_each(|each| each.apply(&mut image, any_fate(&mut rng)));
                self.compare(done, image, "without power");
                images += 2;
            }
        }
        let several = self.commits.windows(2).filter(|pair| {
            let moved = pair[0].1.iter().zip(&pair[1].1).filter(|(before, after)| before != after);
            moved.count() > 1
        });
        (images, several.count())
    }
}

#[test]
fn a_crash_leaves_whole_transactions_of_many_logs() {
    let groups = Groups::new(1, 5);
    let (images, several) = groups.sweep(23);
    let commits: BTreeSet<_> = groups.commits.iter().map(|(_, reached)| reached).collect();
    println!("{} commits, {several} of several logs, {images} images", commits.len());
    assert!(images > 30 && several > 5, "{images} {several}");
}

/// `cargo test --release -p rollfold-projector --test main -- --ignored --nocapture groups_survive`
#[test]
#[ignore = "takes minutes without --release"]
fn groups_survive_a_crash_at_every_operation_of_a_long_run() {
    for seed in 2..5 {
        let groups = Groups::new(seed, 40);
        let (images, several) = groups.sweep(1);
        println!("{} commits, {several} of several logs, {images} images", groups.commits.len());
    }
}

//! The crash sweep: a workload of many commits is cut off at every operation of its disk. What is
//! left must be the state after a whole number of commits, and syncing again must reach what a
//! fold of the logs reaches.

use std::collections::BTreeMap;
use std::sync::Arc;

use rollfold_core::testing::{Prng, Swarm, rollout};
use rollfold_projector::testing::{Fate, FaultyDisk, Image, Operation};
use rollfold_projector::{MemSource, Store, SyncOptions};

use crate::support::{Model, any_fate, line_ends, small_log, torn};

/// Workers that share the crash points.
const WORKERS: usize = 2;

/// Logs that grow, and now and then are rewritten, a step at a time.
struct Workload {
    keys: Vec<String>,
    /// Which log each step changes, and what is in it then.
    steps: Vec<(usize, Vec<u8>)>,
}

/// How far each log is folded: its generation, and the step whose content was its last.
type Reached = Vec<Option<(u32, usize)>>;

impl Workload {
    fn new(seed: u64, len_steps: usize) -> Self {
        let mut rng = Prng::new(seed);
        let lines_of = |log: &[u8]| -> Vec<Vec<u8>> {
            log.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
        };
        let grown = |seed| rollout(&Swarm::new(seed, len_steps));
        let sources = [lines_of(&small_log()), grown(1), grown(2), grown(3)];
        let keys = (0..sources.len()).map(|log| format!("log {log}")).collect();
        let mut logs = vec![(Vec::new(), 0); sources.len()];
        let mut steps = Vec::new();
        while steps.len() < len_steps {
            let at = rng.index(logs.len());
            let (log, next): &mut (Vec<u8>, usize) = &mut logs[at];
            if log.len() > 500 && rng.chance(8) {
                // Rewritten without its first line: another prefix, and shorter.
                let first = line_ends(log)[0];
                log.drain(..first);
            } else {
                // Logs that have no more lines begin anew behind their end.
                let line = &sources[at][*next % sources[at].len()];
                log.extend(line.strip_suffix(b"\n").unwrap_or(line));
                log.push(b'\n');
                *next += 1;
            }
            steps.push((at, log.clone()));
        }
        Self { keys, steps }
    }

    fn source(&self, log: usize, step: usize) -> MemSource {
        MemSource::new(&*self.keys[log], &*self.steps[step].1)
    }

    /// Does all steps on a new disk. Gives what the disk was asked, how much of it at the end of
    /// each step, and how far each log was folded then.
    fn run(&self) -> (Vec<Operation>, Vec<(usize, Reached)>) {
        let disk = FaultyDisk::new();
        disk.record();
        let store = Store::with_backend(disk.clone()).unwrap();
        let mut reached: Reached = vec![None; self.keys.len()];
        let mut ends = Vec::new();
        for (step, (log, _)) in self.steps.iter().enumerate() {
            let synced = store.sync(&self.source(*log, step), &SyncOptions::default()).unwrap();
            reached[*log] = Some((synced.generation, step));
            let done = usize::try_from(disk.operations()).unwrap();
            ends.push((done, reached.clone()));
        }
        drop(store);
        (disk.recorded(), ends)
    }
}

/// Cuts the workload off everywhere and compares what is left.
struct Sweep {
    workload: Workload,
    operations: Vec<Operation>,
    /// Before the first step, and after each.
    ends: Vec<(usize, Reached)>,
    models: Vec<Model>,
}

impl Sweep {
    fn new(seed: u64, len_steps: usize) -> Self {
        let workload = Workload::new(seed, len_steps);
        let (operations, ends) = workload.run();
        let models = workload.steps.iter().map(|(_, log)| Model::of(log)).collect();
        let mut all_ends = vec![(0, vec![None; workload.keys.len()])];
        all_ends.extend(ends);
        Self { workload, operations, ends: all_ends, models }
    }

    /// Every `workers`th crash point from `worker` on; gives how many images were compared.
    fn sweep(&self, worker: usize, workers: usize) -> u64 {
        let mut rng = Prng::new(worker as u64);
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
            if done % workers != worker {
                continue;
            }
            let mut left = vec![("killed", live.clone())];
            if let Operation::Write(_, data) = operation {
                let mut image = before;
                operation.apply(&mut image, torn(&mut rng, data.len() / 2));
                left.push(("torn", image));
            }
            if operation.is_change() {
                let mut image = durable.clone();
                unsynced.iter().for_each(|each| each.apply(&mut image, any_fate(&mut rng)));
                left.push(("without power", image));
            }
            if unsynced.len() == 1 {
                left.push(("all lost", durable.clone()));
            }
            for (how, image) in left {
                self.compare(done, image, &format!("{how} after operation {done}"));
                images += 1;
            }
        }
        images
    }

    /// What is left after so many operations is the state before or after the commit that was
    /// going on, and a sync reaches what the logs hold.
    fn compare(&self, done: usize, image: Image, what: &str) {
        let ended = self.ends.partition_point(|(end, _)| *end <= done) - 1;
        let next = (ended + 1).min(self.ends.len() - 1);
        let store = Store::with_backend(FaultyDisk::holding(image)).expect(what);
        let found: Vec<_> = self.workload.keys.iter().map(|key| reached(&store, key)).collect();
        let state = |at: usize| -> Vec<_> {
            let reached = self.ends[at].1.iter().map(|log| {
                log.map(|(generation, step)| (generation, self.workload.steps[step].1.len() as u64))
            });
            reached.collect()
        };
        let at = [ended, next].into_iter().find(|at| state(*at) == found);
        let at = at.unwrap_or_else(|| panic!("{what}: {found:?}, not {:?}", state(ended)));
        self.assert_same(&store, at);
        for (log, reached) in self.ends[next].1.iter().enumerate() {
            if let Some((_, step)) = reached {
                store.sync(&self.workload.source(log, *step), &SyncOptions::default()).expect(what);
            }
        }
        self.assert_same(&store, next);
    }

    fn assert_same(&self, store: &Store, at: usize) {
        for (key, reached) in self.workload.keys.iter().zip(&self.ends[at].1) {
            if let Some((_, step)) = reached {
                self.models[*step].assert_same(store, key);
            }
        }
    }
}

fn reached(store: &Store, key: &str) -> Option<(u32, u64)> {
    let view = store.thread(key).unwrap()?;
    Some((view.generation(), view.state().position.offset_bytes))
}

fn sweep(seed: u64, len_steps: usize) {
    let sweep = Arc::new(Sweep::new(seed, len_steps));
    let workers = (0..WORKERS).map(|worker| {
        let sweep = sweep.clone();
        std::thread::spawn(move || sweep.sweep(worker, WORKERS))
    });
    let workers: Vec<_> = workers.collect();
    let images: u64 = workers.into_iter().map(|worker| worker.join().unwrap()).sum();
    let mut counts = BTreeMap::new();
    for operation in &sweep.operations {
        let name = match operation {
            Operation::Read => "reads",
            Operation::Write(..) => "writes",
            Operation::SetLen(_) => "changes of length",
            Operation::Sync => "syncs",
        };
        *counts.entry(name).or_insert(0) += 1;
    }
    let rewrites = sweep.ends.last().unwrap().1.iter().flatten().map(|(generation, _)| generation);
    println!(
        "crash sweep: {len_steps} commits, {} rewrites, {} crash points ({counts:?}), \
         {images} images compared, 0 differences",
        rewrites.sum::<u32>(),
        sweep.operations.len(),
    );
    assert!(images as usize > sweep.operations.iter().filter(|each| each.is_change()).count() * 2);
}

#[test]
fn a_short_workload_survives_a_crash_at_every_operation() {
    sweep(1, 32);
}

/// The sweep finds what it is for: a disk that takes syncs for done that are not.
#[test]
fn a_disk_that_never_syncs_is_found_out() {
    let mut sweep = Sweep::new(1, 6);
    for operation in &mut sweep.operations {
        if *operation == Operation::Sync {
            *operation = Operation::Read;
        }
    }
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| sweep.sweep(0, 1)));
    assert!(result.is_err(), "lost commits were not missed");
}

/// `cargo test --release -p rollfold-projector --test main -- --ignored --nocapture long_workload`
#[test]
#[ignore = "takes minutes without --release"]
fn a_long_workload_survives_a_crash_at_every_operation() {
    sweep(2, 330);
}

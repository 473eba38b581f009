//! What many logs cost at once: some large ones beside one, and a home of small ones.

use std::error::Error;
use std::ops::ControlFlow;
use std::time::Instant;

use rollfold_projector::{FileSource, Home, HomesSynced, Store, SyncOptions};

use super::{Bench, Input, lists, median};
use crate::generate::write_home;
use crate::replay::report::peak_memory_bytes;

/// Files of the large kind.
const FILES: usize = 8;

/// Syncs of a home in which nothing changed whose median is taken.
const AGAIN: usize = 5;

const GO_ON: ControlFlow<()> = ControlFlow::Continue(());

pub(super) fn measure(bench: &mut Bench<'_>, input: &Input) -> Result<(), Box<dyn Error>> {
    if bench.wants(&["sync-one", "sync-many", "sync-ratio"]) {
        large(bench, input)?;
    }
    match bench.args.threads {
        Some(threads) if bench.wants(&["home"]) => home(bench, threads),
        _ => Ok(()),
    }
}

/// Eight files like this one at once, and one after the other on one thread.
fn large(bench: &mut Bench<'_>, input: &Input) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let mut sources = Vec::new();
    for number in 0..FILES {
        let log = folder.path().join(format!("{number}.jsonl"));
        std::fs::write(&log, &input.bytes)?;
        sources.push(FileSource::open(&log)?);
    }
    let (mut alone, mut many) = (Vec::new(), Vec::new());
    // In turns, so that what else the machine does hits both alike.
    for run in 0..bench.args.runs.max(1) {
        let started = Instant::now();
        let store = Store::open(folder.path().join(format!("alone-{run}.redb")))?;
        let options = SyncOptions { threads: 1, ..SyncOptions::default() };
        for source in &sources {
            store.sync(source, &options)?;
        }
        alone.push(started.elapsed().as_secs_f64());
        let started = Instant::now();
        let store = Store::open(folder.path().join(format!("many-{run}.redb")))?;
        let synced = store.sync_all(&sources, &SyncOptions::default(), |_| GO_ON)?;
        many.push(started.elapsed().as_secs_f64());
        synced.logs.into_iter().flatten().collect::<Result<Vec<_>, _>>()?;
    }
    let megabytes = (input.bytes.len() * FILES) as f64 / 1e6;
    let (alone, many) = (median(&mut alone), median(&mut many));
    bench.put("sync-one-thread", megabytes / alone.max(1e-9), "MB/s");
    bench.put("sync-many", megabytes / many.max(1e-9), "MB/s");
    bench.put("sync-ratio", alone / many.max(1e-9), "x");
    Ok(())
}

/// A home of small threads, for the first time and when nothing changed.
fn home(bench: &mut Bench<'_>, threads: u64) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let home = Home::at(folder.path().join("home"));
    let facts = write_home(home.root(), threads, 1)?;
    // What was just written may still change unseen.
    std::thread::sleep(std::time::Duration::from_millis(50));
    let store = Store::open(folder.path().join("store.redb"))?;
    let sync = || -> Result<(f64, HomesSynced), Box<dyn Error>> {
        let started = Instant::now();
        let homes = std::slice::from_ref(&home);
        let synced = store.sync_homes(homes, &SyncOptions::default(), |_| GO_ON)?;
        Ok((started.elapsed().as_secs_f64(), synced))
    };
    let (first, synced) = sync()?;
    if synced.failed > 0 {
        return Err(format!("{} files were not synced", synced.failed).into());
    }
    let mut again = Vec::new();
    for _ in 0..AGAIN {
        again.push(sync()?.0);
    }
    bench.put("home-bytes", facts.bytes as f64 / 1e6, "MB");
    bench.put("home-first", first, "s");
    bench.put("home-rate", threads as f64 / first.max(1e-9), "threads/s");
    bench.put("home-again", median(&mut again) * 1e3, "ms");
    memory(bench, "home-memory");
    lists::measure(bench, store)?;
    memory(bench, "list-memory");
    Ok(())
}

/// The most memory this process has had so far, where the system tells.
fn memory(bench: &mut Bench<'_>, name: &'static str) {
    if let Some(bytes) = peak_memory_bytes() {
        bench.put(name, bytes as f64 / 1e6, "MB peak");
    }
}

//! The store: random appends, rewrites, syncs, crashes and damage, against the fold in memory.
//!
//! An operation is a line: `append LOG SEED LEN`, `cut LOG PERMILLE`, `rewrite LOG SEED LEN`,
//! `sync LOG BATCH_BYTES`, `crash LOG OPERATIONS FATES`, `reopen`, `flip PERMILLE BIT`, `check LOG`,
//! `verify LOG`.

use std::collections::BTreeMap;

use rollfold_core::testing::Prng;
use rollfold_core::{Folder, Options, Snapshot};
use rollfold_projector::testing::{Fate, FaultyDisk};
use rollfold_projector::{MemSource, Order, Paging, Store, SyncOptions, VerifyOptions};

use super::{Case, expect};
use crate::fuzz::swarm;

/// The operations of a seed.
pub(crate) fn make(seed: u64) -> Vec<u8> {
    let mut rng = Prng::new(seed);
    // Each run does some things often and others not at all.
    let weights: Vec<u32> = (0..9).map(|_| rng.pick(&[0, 1, 1, 3, 8])).collect();
    let len_logs = 1 + rng.below(3);
    let mut operations = String::new();
    for _ in 0..rng.below(40) {
        let log = rng.below(len_logs);
        let (some, len) = (rng.below(1_000), rng.below(40));
        operations += &match rng.weighted(&weights).unwrap_or(0) {
            0 | 1 => format!("append {log} {some} {len}\n"),
            2 => format!("cut {log} {some}\n"),
            3 => format!("rewrite {log} {some} {len}\n"),
            4 => format!("sync {log} {}\n", 1 + some * 20),
            5 => format!("crash {log} {} {}\n", rng.below(120), rng.next_u64()),
            6 => format!("verify {log}\n"),
            7 => format!("flip {some} {}\n", rng.below(8)),
            _ => "reopen\n".to_owned(),
        };
        if rng.chance(60) {
            operations += &format!("sync {log} 30000\ncheck {log}\n");
        }
    }
    operations.into_bytes()
}

struct World {
    disk: FaultyDisk,
    store: Option<Store>,
    logs: BTreeMap<u64, Vec<u8>>,
    /// What the store has of each log: all there was when it was last synced, or what a crash left.
    synced: BTreeMap<u64, Vec<u8>>,
}

pub(crate) fn check(case: &Case) -> Result<(), String> {
    let disk = FaultyDisk::new();
    let store = Store::with_backend(disk.clone()).map_err(told)?;
    let mut world =
        World { disk, store: Some(store), logs: BTreeMap::new(), synced: BTreeMap::new() };
    for (at, part) in case.parts.iter().enumerate() {
        let text = String::from_utf8_lossy(part);
        world.operate(&text).map_err(|error| format!("{error}; at {at}: {}", text.trim()))?;
    }
    Ok(())
}

fn told(error: impl std::fmt::Display) -> String {
    error.to_string()
}

impl World {
    fn operate(&mut self, text: &str) -> Result<(), String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let number =
            |at: usize| words.get(at).and_then(|word| word.parse::<u64>().ok()).unwrap_or(0);
        let log = number(1);
        match words.first().copied().unwrap_or_default() {
            "append" => {
                let more = swarm::log(number(2), number(3) as usize + 1);
                self.logs.entry(log).or_default().extend(more);
            }
            "cut" => {
                let bytes = self.logs.entry(log).or_default();
                bytes.truncate(bytes.len() * number(2) as usize / 1_000);
            }
            "rewrite" => {
                self.logs.insert(log, swarm::log(number(2), number(3) as usize + 1));
            }
            "sync" => return self.sync(log, number(2)),
            "crash" => return self.crash(log, number(2), number(3)),
            "flip" => return self.flip(number(1), number(2)),
            "reopen" => return self.reopen(self.disk.after_abort()),
            "check" => return self.compare(log),
            "verify" => return self.verify(log),
            _ => {}
        }
        Ok(())
    }

    fn store(&self) -> Result<&Store, String> {
        self.store.as_ref().ok_or_else(|| "no store".to_owned())
    }

    fn source(&self, log: u64) -> MemSource {
        MemSource::new(format!("log {log}"), self.logs.get(&log).cloned().unwrap_or_default())
    }

    fn sync(&mut self, log: u64, batch_bytes: u64) -> Result<(), String> {
        let options = SyncOptions { batch_bytes, ..SyncOptions::default() };
        let source = self.source(log);
        self.store()?.sync(&source, &options).map_err(told)?;
        self.synced.insert(log, source.bytes);
        Ok(())
    }

    /// The process, or the machine, dies in the middle of a sync.
    fn crash(&mut self, log: u64, operations: u64, fates: u64) -> Result<(), String> {
        let before = self.synced.get(&log).cloned();
        self.disk.fail_after(Some(operations));
        let options = SyncOptions { batch_bytes: 2_000, ..SyncOptions::default() };
        let source = self.source(log);
        let done = self.store()?.sync(&source, &options);
        let mut rng = Prng::new(fates);
        let disk = match fates % 2 {
            0 => self.disk.after_abort(),
            _ => self.disk.after_power_loss(|_| match rng.below(3) {
                0 => Fate::Kept,
                1 => Fate::Lost,
                _ => Fate::Sectors(rng.next_u64()),
            }),
        };
        self.reopen(disk)?;
        let view = self.store()?.thread(&format!("log {log}")).map_err(told)?;
        let Some(view) = view else {
            return expect("what was committed stays", before.is_none() && done.is_err());
        };
        let end = view.state().position.offset_bytes as usize;
        let stored = view.snapshot().map_err(told)?;
        let is_stored = |prefix: &&[u8]| fold(prefix).is_ok_and(|(snapshot, _)| stored == snapshot);
        let now = source.bytes.get(..end).filter(is_stored);
        let then = before.as_deref().and_then(|before| before.get(..end)).filter(is_stored);
        expect("what was acknowledged stays", done.is_err() || now.is_some())?;
        let prefix = now.or(then).ok_or("broken: a crash leaves the fold of a prefix")?;
        self.synced.insert(log, prefix.to_vec());
        Ok(())
    }

    fn reopen(&mut self, disk: FaultyDisk) -> Result<(), String> {
        self.store = None;
        let opened = Store::with_backend(disk.clone());
        self.disk = disk;
        self.store =
            Some(opened.map_err(|error| format!("broken: a crash leaves a store: {error}"))?);
        Ok(())
    }

    /// One bit of the file changes: whatever is read is right or an error, and a new store of the
    /// same logs is what it was.
    fn flip(&mut self, permille: u64, bit: u64) -> Result<(), String> {
        let disk = self.disk.after_abort();
        self.store = None;
        let mut image = disk.live();
        let at = image.len_bytes() * permille / 1_000;
        image.flip(at * 8 + bit);
        let synced = self.synced.clone();
        if let Ok(store) = Store::with_backend(FaultyDisk::holding(image)) {
            for (log, bytes) in &synced {
                let view = store.thread(&format!("log {log}"));
                if let Ok(Some(view)) = view
                    && let Ok(found) = view.snapshot()
                {
                    let (snapshot, _) = fold(bytes)?;
                    expect("nothing false is served", found == snapshot)?;
                }
            }
        }
        self.reopen(disk)
    }

    fn compare(&mut self, log: u64) -> Result<(), String> {
        let Some(bytes) = self.synced.get(&log) else { return Ok(()) };
        let (snapshot, folder) = fold(bytes)?;
        let view = self.store()?.thread(&format!("log {log}")).map_err(told)?;
        let view = view.ok_or("broken: the store knows what it synced")?;
        let state = &folder.frontier().state;
        expect("the state is that of the fold", view.state() == state)?;
        expect("the rows are the fold", view.snapshot().map_err(told)? == snapshot)?;
        let mut rng = Prng::new(bytes.len() as u64);
        for _ in 0..3 {
            let lines = rng.below(state.position.seq + 1);
            let end = ends(bytes).get(lines as usize).copied().unwrap_or(0);
            let (before, _) = fold(bytes.get(..end).unwrap_or_default())?;
            let view = self.store()?.thread(&format!("log {log}")).map_err(told)?;
            let at = view.ok_or("broken: the store knows what it synced")?.at(lines);
            expect("at(n) is the fold of n lines", at.snapshot().map_err(told)? == before)?;
            if at.readable().is_ok() {
                let newest = Paging { after: None, limit: 5, order: Order::NewestFirst };
                let page = at.items_page(None, &newest).map_err(told)?;
                let len_items = before.len_items().min(5);
                expect("pages are of what is there", page.rows.len() == len_items)?;
            }
        }
        Ok(())
    }

    fn verify(&mut self, log: u64) -> Result<(), String> {
        let Some(bytes) = self.synced.get(&log) else { return Ok(()) };
        let source = MemSource::new(format!("log {log}"), bytes.clone());
        let verified = self.store()?.verify(&source, &VerifyOptions::default()).map_err(told)?;
        match verified.first {
            None => Ok(()),
            Some(first) => Err(format!("broken: rows are what a fold makes: {first:?}")),
        }
    }
}

/// Offsets behind each line, 0 first.
fn ends(bytes: &[u8]) -> Vec<usize> {
    let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    std::iter::once(0).chain(ends).collect()
}

fn fold(bytes: &[u8]) -> Result<(Snapshot, Folder), String> {
    let mut folder = Folder::new(Options::default());
    let mut snapshot = Snapshot::default();
    for step in folder.push(bytes) {
        snapshot.apply_step(&step).map_err(told)?;
    }
    Ok((snapshot, folder))
}

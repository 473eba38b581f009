//! A home in which files come, grow, move, are copied, compressed and deleted: after each sync the
//! lists show every thread once, with what a fold of its log makes.
//!
//! An operation is a line: `write THREAD SEED LEN`, `append THREAD SEED LEN`, `move THREAD DAY`,
//! `copy THREAD DAY`, `pack THREAD`, `archive THREAD`, `unarchive THREAD`, `delete THREAD`,
//! `stray N`, `sync`, `anew`.

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Duration;

use rollfold_core::testing::{Prng, Swarm, rollout_bytes};
use rollfold_core::{Folder, Options, Snapshot};
use rollfold_projector::{
    Archived, CompressOptions, DeleteOptions, Home, Library, MoveOptions, Order, Store,
    SyncOptions, ThreadFilter, ThreadTime, ThreadsRequest, archive, compress, delete, unarchive,
};

use super::{Case, expect};

/// The operations of a seed.
pub(crate) fn make(seed: u64) -> Vec<u8> {
    let mut rng = Prng::new(seed);
    let weights: Vec<u32> = (0..10).map(|_| rng.pick(&[0, 1, 1, 4])).collect();
    let mut operations = String::new();
    for _ in 0..rng.below(40) {
        let (thread, some, len) = (rng.below(5), rng.below(1_000), rng.below(12));
        operations += &match rng.weighted(&weights).unwrap_or(0) {
            0 | 1 => format!("write {thread} {some} {len}\n"),
            2 => format!("append {thread} {some} {len}\n"),
            3 => format!("move {thread} {}\n", rng.below(28)),
            4 => format!("copy {thread} {}\n", rng.below(28)),
            5 => format!("pack {thread}\n"),
            6 => format!("archive {thread}\n"),
            7 => format!("unarchive {thread}\n"),
            8 => format!("delete {thread}\n"),
            _ => format!("stray {some}\n"),
        };
        if rng.chance(40) {
            operations += "sync\n";
        }
        if rng.chance(8) {
            operations += "anew\n";
        }
    }
    operations += "sync\n";
    operations.into_bytes()
}

struct World {
    folder: tempfile::TempDir,
    home: Home,
    library: Library,
    /// What each thread's log is.
    logs: BTreeMap<u64, Vec<u8>>,
}

pub(crate) fn check(case: &Case) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(told)?;
    let home = Home::at(folder.path().join("home"));
    fs::create_dir_all(home.root()).map_err(told)?;
    let library = open(&folder)?;
    let mut world = World { folder, home, library, logs: BTreeMap::new() };
    for (at, part) in case.parts.iter().enumerate() {
        let text = String::from_utf8_lossy(part);
        world.operate(&text).map_err(|error| format!("{error}; at {at}: {}", text.trim()))?;
    }
    Ok(())
}

fn open(folder: &tempfile::TempDir) -> Result<Library, String> {
    let store = Store::open(folder.path().join("store.redb")).map_err(told)?;
    Library::open(store).map_err(told)
}

fn told(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn id(thread: u64) -> String {
    format!("019bb0c0-0000-7000-8000-{thread:012x}")
}

fn key(thread: u64) -> String {
    format!("rollout-2026-03-01T10-00-00-{}", id(thread))
}

/// A log of this thread: what is generated may be of any.
fn log(thread: u64, seed: u64, len: u64) -> Vec<u8> {
    let made = "2026-03-01T10:00:00.000Z";
    let head = format!(
        "{{\"timestamp\":\"{made}\",\"type\":\"session_meta\",\"payload\":{{\"id\":\"{}\",\"timestamp\":\"{made}\",\"cwd\":\"/work\",\"originator\":\"x\",\"cli_version\":\"1\"}}}}\n",
        id(thread)
    );
    [head.as_bytes(), &rollout_bytes(&Swarm::new(seed, len as usize + 1))].concat()
}

impl World {
    fn operate(&mut self, text: &str) -> Result<(), String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let number =
            |at: usize| words.get(at).and_then(|word| word.parse::<u64>().ok()).unwrap_or(0);
        let thread = number(1);
        let moves = MoveOptions { children: None, is_dry_run: false };
        let is_known = self.logs.contains_key(&thread);
        match words.first().copied().unwrap_or_default() {
            "write" => {
                self.remove(thread)?;
                let bytes = log(thread, number(2), number(3));
                let path = self.day(1).join(format!("{}.jsonl", key(thread)));
                put(&path, &bytes)?;
                self.logs.insert(thread, bytes);
            }
            "append" if is_known => self.append(thread, number(2), number(3))?,
            "move" if is_known => self.relocate(thread, number(2), true)?,
            "copy" if is_known => self.relocate(thread, number(2), false)?,
            "pack" if is_known => {
                let options = CompressOptions {
                    cold_after: Duration::ZERO,
                    threads: vec![id(thread)],
                    is_forced: true,
                    ..CompressOptions::default()
                };
                compress(&self.home, &options).map_err(told)?;
            }
            "archive" if is_known => {
                // A copy in the way is said, and nothing is moved.
                let _ = archive(&self.home, &id(thread), &moves);
            }
            "unarchive" if is_known => {
                let _ = unarchive(&self.home, &id(thread), &moves);
            }
            "delete" if is_known => {
                let options = DeleteOptions { children: &|_| Vec::new(), is_dry_run: false };
                let deleted = delete(&self.home, Some(self.library.store()), &id(thread), &options);
                deleted.map_err(|error| format!("broken: a thread can be deleted: {error}"))?;
                self.logs.remove(&thread);
                self.library.refresh().map_err(told)?;
                let entry = self.library.thread(&id(thread));
                return expect("what was deleted is not there", entry.is_none());
            }
            "stray" => {
                put(&self.day(number(1) % 28 + 1).join(format!("stray {thread}.txt")), b"x")?
            }
            "sync" => return self.sync(),
            "anew" => {
                // Two cannot have the store open at once.
                self.library = Library::open(Store::in_memory().map_err(told)?).map_err(told)?;
                self.library = open(&self.folder)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn day(&self, day: u64) -> PathBuf {
        self.home.sessions_dir().join(format!("2026/03/{:02}", day.clamp(1, 28)))
    }

    fn files(&self, thread: u64) -> Result<Vec<rollfold_projector::Found>, String> {
        let scan = self.home.scan().map_err(told)?;
        Ok(scan.of_thread(&id(thread)).cloned().collect())
    }

    fn remove(&mut self, thread: u64) -> Result<(), String> {
        for found in self.files(thread)? {
            for path in [found.path.clone(), found.packed_path()] {
                if path.exists() {
                    fs::remove_file(path).map_err(told)?;
                }
            }
        }
        Ok(())
    }

    /// All copies are replaced by one plain file with more in it.
    fn append(&mut self, thread: u64, seed: u64, len: u64) -> Result<(), String> {
        let Some(found) = self.files(thread)?.into_iter().next() else { return Ok(()) };
        let Some(bytes) = self.logs.get_mut(&thread) else { return Ok(()) };
        bytes.extend(rollout_bytes(&Swarm::new(seed, len as usize + 1)));
        let bytes = bytes.clone();
        self.remove(thread)?;
        put(&found.path, &bytes)
    }

    fn relocate(&mut self, thread: u64, day: u64, is_moved: bool) -> Result<(), String> {
        let Some(found) = self.files(thread)?.into_iter().next() else { return Ok(()) };
        let from = found.file_path();
        let Some(name) = from.file_name() else { return Ok(()) };
        let to = self.day(day).join(name);
        if to.exists() {
            return Ok(());
        }
        let bytes = fs::read(&from).map_err(told)?;
        put(&to, &bytes)?;
        if is_moved {
            fs::remove_file(from).map_err(told)?;
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), String> {
        let homes = std::slice::from_ref(&self.home);
        let options = SyncOptions::default();
        let go_on = |_: rollfold_projector::HomesProgress<'_>| ControlFlow::Continue(());
        self.library.sync_homes(homes, &options, go_on).map_err(told)?;
        let again = self.library.sync_homes(homes, &options, go_on).map_err(told)?;
        let is_silent = (again.new, again.appended, again.rewritten) == (0, 0, 0);
        expect("a second sync finds nothing", is_silent)?;
        let mut shown = Vec::new();
        let filter = ThreadFilter { archived: Archived::Included, ..ThreadFilter::default() };
        let mut cursor: Option<String> = None;
        loop {
            let request = ThreadsRequest {
                filter: filter.clone(),
                sort: ThreadTime::Updated,
                order: Order::OldestFirst,
                cursor: cursor.as_deref(),
                limit: Some(2),
            };
            let list = self.library.threads(&request).map_err(told)?;
            shown.extend(list.rows.iter().map(|entry| entry.id.to_string()));
            match list.next_cursor {
                Some(next) => cursor = Some(next),
                None => break,
            }
        }
        shown.sort();
        let expected: Vec<String> = self.logs.keys().map(|thread| id(*thread)).collect();
        expect("a list shows each thread once", shown == expected)?;
        for (thread, bytes) in &self.logs {
            let view = self.library.store().thread(&key(*thread)).map_err(told)?;
            let view = view.ok_or("broken: what is listed is known")?;
            let stored = view.snapshot().map_err(told)?;
            expect("the rows are the fold of the log", stored == fold(bytes)?)?;
        }
        let scan = self.home.scan().map_err(told)?;
        let verdicts = self.library.why_not(&scan, &filter);
        let len_found = scan.files.len() + scan.strays.len();
        expect("everything found has a verdict", verdicts.len() == len_found)?;
        let listed = verdicts.iter().filter(|verdict| verdict.reason.is_none()).count();
        expect("of each thread one file is listed", listed == self.logs.len())
    }
}

fn put(path: &std::path::Path, bytes: &[u8]) -> Result<(), String> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(told)?;
    }
    fs::write(path, bytes).map_err(told)
}

fn fold(bytes: &[u8]) -> Result<Snapshot, String> {
    let mut folder = Folder::new(Options::default());
    let mut snapshot = Snapshot::default();
    for step in folder.push(bytes) {
        snapshot.apply_step(&step).map_err(told)?;
    }
    Ok(snapshot)
}

//! A store between processes: one writes, it can be told who, and all others read.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use rollfold_core::testing::{Swarm, rollout_bytes};
use rollfold_projector::{MemSource, OpenError, Store, StoreError, SyncError, SyncOptions};

use crate::support::{Model, line_ends, small_log};

const KEY: &str = "log";

/// Tells a child what to do: a word and a path.
const ORDER: &str = "ROLLFOLD_TEST_ORDER";

/// What a child says when it has done it, or its first part.
const READY: &str = "child: ready";

fn long_log() -> Vec<u8> {
    rollout_bytes(&Swarm::new(7, 2000))
}

/// Not a test of its own: other tests run it in another process.
#[test]
#[ignore = "run by other tests"]
fn child() {
    let order = std::env::var(ORDER).expect("other tests run this");
    let (word, path) = order.split_once(' ').unwrap();
    let store = Store::open_as(path, "the child").unwrap();
    match word {
        "hold" => {
            store.sync(&MemSource::new(KEY, small_log()), &SyncOptions::default()).unwrap();
            println!("{READY}");
            std::io::stdin().lines().next();
        }
        "write" => {
            // A commit for each line, until this process is killed or has no more. A log that were
            // shorter than what is folded would be a rewritten one.
            let log = long_log();
            let view = store.thread(KEY).unwrap();
            let folded = view.map_or(0, |view| view.state().position.offset_bytes);
            let ends = line_ends(&log).into_iter().filter(|end| *end as u64 > folded);
            for (number, end) in ends.enumerate() {
                let source = MemSource::new(KEY, &log[..end]);
                store.sync(&source, &SyncOptions::default()).unwrap();
                if number == 3 {
                    println!("{READY}");
                }
            }
            std::io::stdin().lines().next();
        }
        other => panic!("{other}"),
    }
}

struct Running {
    child: Child,
    /// Kept open: a child ends when it is closed.
    stdin: ChildStdin,
    /// Read to its end, else the child cannot say how its test went.
    stdout: BufReader<ChildStdout>,
}

impl Running {
    /// Starts a child and waits until it is ready.
    fn start(word: &str, path: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "processes::child", "--ignored", "--nocapture"])
            .env(ORDER, format!("{word} {}", path.display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let is_ready = stdout.by_ref().lines().any(|line| line.unwrap().contains(READY));
        assert!(is_ready, "the child ended: {:?}", child.wait());
        let stdin = child.stdin.take().unwrap();
        Self { child, stdin, stdout }
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn end(mut self) {
        self.stdin.write_all(b"\n").unwrap();
        self.stdout.lines().for_each(drop);
        assert!(self.child.wait().unwrap().success());
    }
}

#[test]
fn a_store_in_use_names_its_holder_and_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let running = Running::start("hold", &path);
    for open in [Store::open_or_rebuild(&path, "test").map(drop), Store::open(&path).map(drop)] {
        let error = open.unwrap_err();
        assert!(!error.wants_rebuild() && error.to_string().contains("the child (process "));
        let OpenError::InUse { holder, .. } = error else { panic!("{error}") };
        let holder = holder.unwrap();
        assert_eq!((&*holder.program, holder.pid), ("the child", running.child.id()));
    }
    let reader = Store::open_reader(&path).unwrap();
    let log = MemSource::new(KEY, small_log());
    Model::of(&log.bytes).assert_same(&reader, KEY);
    // Neither of what it has nor of more.
    for log in [log, MemSource::new("other", small_log())] {
        match reader.sync(&log, &SyncOptions::default()) {
            Ok(synced) => assert_eq!(synced.lines, 0),
            Err(SyncError::Store { source: StoreError::ReadOnly, .. }) => {
                assert_eq!(rollfold_projector::LogSource::key(&log), "other");
            }
            Err(error) => panic!("{error}"),
        }
    }
    // The reader's copy has no name.
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    running.end();
    Store::open(&path).unwrap();
    Model::of(&small_log()).assert_same(&reader, KEY);
}

#[test]
fn a_lock_ends_with_its_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    Running::start("hold", &path).kill();
    let store = Store::open(&path).unwrap();
    Model::of(&small_log()).assert_same(&store, KEY);
}

#[test]
fn readers_see_whole_commits_while_another_process_writes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let log = long_log();
    let running = Running::start("write", &path);
    let (mut last, mut seen) = (0, 0);
    for _ in 0..12 {
        match Store::open_reader(&path) {
            Ok(reader) => {
                let offset = reader.thread(KEY).unwrap().unwrap().state().position.offset_bytes;
                assert!(offset >= last, "the store went back");
                last = offset;
                let end = usize::try_from(offset).unwrap();
                Model::of(&log[..end]).assert_same(&reader, KEY);
                seen += 1;
            }
            Err(OpenError::Busy { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert!(seen > 0, "always busy");
    running.kill();
}

#[test]
fn a_killed_writer_leaves_whole_commits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let log = long_log();
    let mut last = 0;
    for _ in 0..5 {
        Running::start("write", &path).kill();
        let store = Store::open(&path).unwrap();
        let offset = store.thread(KEY).unwrap().unwrap().state().position.offset_bytes;
        assert!(offset >= last, "commits were lost");
        last = offset;
        Model::of(&log[..usize::try_from(offset).unwrap()]).assert_same(&store, KEY);
    }
    let store = Store::open(&path).unwrap();
    store.sync(&MemSource::new(KEY, &*log), &SyncOptions::default()).unwrap();
    Model::of(&log).assert_same(&store, KEY);
}

#[test]
fn a_store_that_is_closed_is_free_whoever_is_being_started() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let is_done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        // Each has all files of this process open for a moment.
        scope.spawn(|| {
            for _ in 0..150 {
                let mut program = Command::new(std::env::current_exe().unwrap());
                assert!(
                    program.args(["--list", "--exact", "none"]).output().unwrap().status.success()
                );
            }
            is_done.store(true, std::sync::atomic::Ordering::Relaxed);
        });
        while !is_done.load(std::sync::atomic::Ordering::Relaxed) {
            Store::open(&path).unwrap();
        }
    });
}

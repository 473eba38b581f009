//! Recorders in other processes, which are killed at every write.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rollfold_projector::{
    Home, LockError, LogDisk, LogFile, RecordError, Recorder, RecorderOptions, SystemDisk,
    ThreadMode,
};

use crate::recorder::{STEPS, script};
use crate::recorder_faults::{assert_numbered, begin, payloads, records};
use crate::recording::{TestIds, essence_of, home, id, lines, options, options_on};

/// Tells a child what to do.
const ORDER: &str = "ROLLFOLD_TEST_RECORD";
const ACKNOWLEDGED: &str = "child: acknowledged ";
const AT_WRITE: &str = "child: at the write";
const DONE: &str = "child: done";

/// A disk on which a write with a certain number stops halfway until the process is killed.
#[derive(Debug, Clone)]
struct Stopping {
    appends: Arc<AtomicU64>,
    stops_at: u64,
    kept_percent: usize,
}

#[derive(Debug)]
struct StoppingLog(Stopping, Box<dyn LogFile>);

impl LogDisk for Stopping {
    fn create(&self, path: &Path) -> std::io::Result<Box<dyn LogFile>> {
        Ok(Box::new(StoppingLog(self.clone(), SystemDisk.create(path)?)))
    }

    fn open(&self, path: &Path) -> std::io::Result<Box<dyn LogFile>> {
        Ok(Box::new(StoppingLog(self.clone(), SystemDisk.open(path)?)))
    }

    fn rename(&self, from: &Path, to: &Path) -> std::io::Result<()> {
        SystemDisk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> std::io::Result<()> {
        SystemDisk.remove(path)
    }

    fn sync_folder(&self, path: &Path) -> std::io::Result<()> {
        SystemDisk.sync_folder(path)
    }
}

impl LogFile for StoppingLog {
    fn len_bytes(&self) -> std::io::Result<u64> {
        self.1.len_bytes()
    }

    fn read_at(&self, offset_bytes: u64, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.1.read_at(offset_bytes, buffer)
    }

    fn append(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let number = self.0.appends.fetch_add(1, Ordering::Relaxed);
        if number != self.0.stops_at {
            return self.1.append(bytes);
        }
        self.1.append(&bytes[..bytes.len() * self.0.kept_percent / 100])?;
        println!("{AT_WRITE}");
        std::io::stdin().lines().next();
        unreachable!("killed");
    }

    fn sync(&mut self) -> std::io::Result<()> {
        self.1.sync()
    }
}

/// Not a test of its own: other tests run it in another process.
#[test]
#[ignore = "run by other tests"]
fn child() {
    let order = std::env::var(ORDER).expect("other tests run this");
    let words: Vec<&str> = order.splitn(4, ' ').collect();
    let disk = Stopping {
        appends: Arc::default(),
        stops_at: words[0].parse().unwrap(),
        kept_percent: words[1].parse().unwrap(),
    };
    let mode = if words[2] == "legacy" { ThreadMode::Legacy } else { ThreadMode::Paginated };
    let options = RecorderOptions { program: "the child".to_owned(), ..options_on(disk) };
    let mut recorder = begin(&Home::at(words[3]), mode, &options);
    for step in 0..STEPS {
        script(&mut recorder, step..step + 1);
        recorder.sync().unwrap();
        println!("{ACKNOWLEDGED}{}", step + 1);
    }
    println!("{DONE}");
    std::io::stdin().lines().next();
}

struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Running {
    fn start(home: &Home, stops_at: u64, kept_percent: usize, mode: &str) -> Self {
        let home = home.root().display();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "recorder_kills::child", "--ignored", "--nocapture"])
            .env(ORDER, format!("{stops_at} {kept_percent} {mode} {home}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self { child, stdout }
    }

    /// Waits until the child stops, and gives the steps that were acknowledged and whether it is
    /// done.
    fn wait(&mut self) -> (usize, bool) {
        let mut acknowledged = 0;
        for line in self.stdout.by_ref().lines() {
            let line = line.unwrap();
            if let Some((_, steps)) = line.split_once(ACKNOWLEDGED) {
                acknowledged = steps.parse().unwrap();
            }
            if line.contains(AT_WRITE) || line.contains(DONE) {
                return (acknowledged, line.contains(DONE));
            }
        }
        panic!("the child ended: {:?}", self.child.wait());
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
fn killed_at_every_write_nothing_acknowledged_is_lost() {
    let (_folder, clean_home) = home();
    let clean = {
        let mut recorder = begin(&clean_home, ThreadMode::Paginated, &options());
        script(&mut recorder, 0..STEPS);
        recorder.sync().unwrap();
        lines(recorder.path())
    };
    for (stops_at, kept_percent) in (0..).flat_map(|at| [(at, 0), (at, 60), (at, 100)]) {
        let (_folder, home) = home();
        let mut running = Running::start(&home, stops_at, kept_percent, "paginated");
        let (acknowledged, is_done) = running.wait();
        running.kill();
        let options = RecorderOptions { ids: TestIds::from(50), ..options() };
        let path = begin(&home, ThreadMode::Paginated, &options).path().to_owned();
        let there = records(&path);
        let kept = if acknowledged == 0 { 0 } else { acknowledged + 1 };
        assert!(there.len() >= kept, "killed at write {stops_at}, {kept_percent} %");
        for (got, want) in payloads(&there).iter().zip(payloads(&clean)).take(kept).skip(1) {
            assert_eq!(*got, want);
        }
        if is_done {
            assert!(stops_at > 10 && there.len() == STEPS + 1);
            break;
        }
        // The lock went with the process, and a half line is ended.
        if acknowledged > 0 {
            let mut recorder = Recorder::resume_file(&home, &path, &id(99), &options).unwrap();
            script(&mut recorder, acknowledged..STEPS);
            recorder.close().unwrap();
            assert_numbered(ThreadMode::Paginated, &records(&path));
        }
    }
}

#[test]
fn another_process_is_refused_and_told_by_whom() {
    let (_folder, home) = home();
    let mut running = Running::start(&home, u64::MAX, 0, "legacy");
    running.wait();
    let error = Recorder::resume(&home, &id(99), &options()).unwrap_err();
    let RecordError::Lock(LockError::Held { holder, .. }) = &error else { panic!("{error}") };
    if cfg!(unix) {
        let holder = holder.as_ref().unwrap();
        assert_eq!((&*holder.program, holder.pid), ("the child", running.child.id()));
        let told = format!("is being written by the child (process {}", holder.pid);
        assert!(error.to_string().contains(&told), "{error}");
    }
    // Readers need no lock.
    let found = home.scan().unwrap().of_thread(&id(99)).next().unwrap().path.clone();
    let read = essence_of(&found);
    running.kill();
    let mut recorder = Recorder::resume(&home, &id(99), &options()).unwrap();
    assert_eq!(essence_of(recorder.path()), read);
    script(&mut recorder, 0..1);
    recorder.close().unwrap();
}

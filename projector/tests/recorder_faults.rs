//! Recorders whose disk fails and whose process dies: nothing acknowledged is lost.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rollfold_projector::testing::{FaultyLogs, Torn};
use rollfold_projector::{
    Home, LockError, LogDisk, LogFile, NewThread, RecordError, RecordNote, Recorder,
    RecorderOptions, SystemDisk, ThreadMode,
};
use serde_json::{Value, json};

use crate::recorder::{STEPS, script};
use crate::recording::{TestIds, essence_of, home, id, lines, options, options_on, thread};

const MODES: [ThreadMode; 2] = [ThreadMode::Legacy, ThreadMode::Paginated];

fn begin(home: &Home, mode: ThreadMode, options: &RecorderOptions) -> Recorder {
    let thread = NewThread { id: Some(id(99)), ..thread(mode) };
    Recorder::create(home, &thread, options).unwrap()
}

/// Every step of the script, with a sync after each. After an error it tries again, and after one
/// of the sync itself goes on with what the log has. Gives the steps that were acknowledged and
/// where the log is.
fn run(home: &Home, mode: ThreadMode, disk: &FaultyLogs) -> (Vec<usize>, PathBuf) {
    let options = RecorderOptions { ids: TestIds::from(1), ..options_on(disk.clone()) };
    let mut recorder = begin(home, mode, &options);
    let path = recorder.path().to_owned();
    let mut acknowledged = Vec::new();
    'steps: for step in 0..STEPS {
        script(&mut recorder, step..step + 1);
        let mut tries = 0;
        while let Err(error) = recorder.sync() {
            tries += 1;
            match error {
                _ if tries > 4 => break 'steps,
                RecordError::SyncLost { .. } => {
                    drop(recorder);
                    recorder = Recorder::resume_file(home, &path, &id(99), &options).unwrap();
                    continue 'steps;
                }
                RecordError::Write { .. } => {}
                error => panic!("{error}"),
            }
        }
        acknowledged.push(step);
    }
    (acknowledged, path)
}

/// What was acknowledged is there, also after a loss of power.
fn assert_kept(
    home: &Home,
    disk: &FaultyLogs,
    path: &Path,
    acknowledged: &[usize],
    whole: &[Value],
    told: &str,
) {
    let after_loss = disk.after_power_loss(path, home.root()).ok().flatten().unwrap_or_default();
    for log in [std::fs::read(path).unwrap_or_default(), after_loss] {
        let there = payloads(&records_in(&log));
        for step in acknowledged {
            // Behind the head. A patch may be told as a whole.
            let wanted = &whole[step + 1];
            let retold =
                |it: &Value| it["full"] == true && it["state"]["a"] == wanted["state"]["a"];
            let is_retold = wanted["full"] == false && there.iter().any(retold);
            assert!(is_retold || there.contains(wanted), "{told}: step {step} is lost");
        }
    }
}

fn records(path: &Path) -> Vec<Value> {
    records_in(&std::fs::read(path).unwrap_or_default())
}

/// The lines of a log that are records; the others are no JSON. What was lost is NULs.
fn records_in(log: &[u8]) -> Vec<Value> {
    let lines = log.split(|byte| matches!(byte, b'\n' | 0));
    lines.filter_map(|line| serde_json::from_slice(line).ok()).collect()
}

fn payloads(records: &[Value]) -> Vec<Value> {
    records.iter().map(|record| record["payload"].clone()).collect()
}

fn assert_numbered(mode: ThreadMode, records: &[Value]) {
    for (place, record) in (0..).zip(records) {
        let ordinal = (mode == ThreadMode::Paginated).then_some(place);
        assert_eq!(record.get("ordinal").and_then(Value::as_u64), ordinal, "{record}");
    }
}

const TORN: [Torn; 6] = [
    Torn::Bytes(0),
    Torn::Bytes(1),
    Torn::Half,
    Torn::Bytes(-2),
    Torn::Bytes(-1),
    Torn::Bytes(i64::MAX),
];

#[test]
fn whatever_operation_fails_for_a_while_the_log_gets_whole() {
    for mode in MODES {
        let (_folder, whole_home) = home();
        let clean = FaultyLogs::new();
        let (_, path) = run(&whole_home, mode, &clean);
        let (essence, whole) = (essence_of(&path), payloads(&records(&path)));
        for operation in 0..clean.operations() {
            let is_append = clean.appends().contains(&operation);
            let torn: &[Torn] = if is_append { &TORN } else { &TORN[..1] };
            for (torn, count) in torn.iter().flat_map(|torn| [(*torn, 1), (*torn, 3)]) {
                let (_folder, home) = home();
                let disk = FaultyLogs::new();
                disk.fail_at(operation, count, torn);
                let (acknowledged, path) = run(&home, mode, &disk);
                let told = format!("{mode:?}, operation {operation}, {count} times, {torn:?}");
                assert!(acknowledged.len() + 3 >= STEPS, "{told}");
                assert_eq!(essence_of(&path), essence, "{told}");
                assert_numbered(mode, &records(&path));
                assert_kept(&home, &disk, &path, &acknowledged, &whole, &told);
            }
        }
    }
}

#[test]
fn whatever_operation_fails_for_good_what_was_acknowledged_stays() {
    for mode in MODES {
        let (_folder, whole_home) = home();
        let clean = FaultyLogs::new();
        let (_, path) = run(&whole_home, mode, &clean);
        let whole = payloads(&records(&path));
        for operation in 0..clean.operations() {
            let (_folder, home) = home();
            let disk = FaultyLogs::new();
            disk.fail_at(operation, u64::MAX, TORN[operation as usize % TORN.len()]);
            let (acknowledged, path) = run(&home, mode, &disk);
            let told = format!("{mode:?}, operation {operation}");
            assert_kept(&home, &disk, &path, &acknowledged, &whole, &told);
            // The power went; the next program goes on with what is there.
            let Ok(Some(kept)) = disk.after_power_loss(&path, home.root()) else { continue };
            std::fs::write(&path, kept).unwrap();
            if let Some(step) = acknowledged.last() {
                let options = RecorderOptions { ids: TestIds::from(50), ..options() };
                let mut recorder = Recorder::resume_file(&home, &path, &id(99), &options).unwrap();
                script(&mut recorder, step + 1..STEPS);
                recorder.close().unwrap();
                assert_numbered(mode, &records(&path));
            }
        }
    }
}

#[test]
fn a_patch_that_was_cut_off_is_told_again_as_a_whole() {
    let (_folder, home) = home();
    let disk = FaultyLogs::new();
    let mut recorder = begin(&home, ThreadMode::Paginated, &options_on(disk.clone()));
    recorder.world_state(&json!({"a": 1})).unwrap();
    recorder.flush().unwrap();
    let end_bytes = std::fs::metadata(recorder.path()).unwrap().len();
    recorder.world_state(&json!({"a": 1, "b": 2})).unwrap();
    recorder.world_state(&json!({"a": 1, "b": 3})).unwrap();
    disk.fail_at(disk.operations() + 1, 1, Torn::Bytes(100));
    recorder.flush().unwrap();
    assert_eq!(
        recorder.notes(),
        [RecordNote::TornLine { offset_bytes: end_bytes, len_bytes: 100 }]
    );
    let world: Vec<Value> = payloads(&records(recorder.path()));
    assert_eq!(world[2], json!({"full": true, "state": {"a": 1, "b": 2}}));
    assert_eq!(world[3], json!({"full": false, "state": {"b": 3}}));
    let essence = essence_of(recorder.path());
    assert_eq!(essence["world"], json!({"known": {"a": 1, "b": 3}}));
}

#[test]
fn what_others_write_against_the_lock_is_not_written_behind() {
    for tail in ["{\"timestamp\":\"someone else", "{}\n", "\n"] {
        let (_folder, home) = home();
        let mut recorder = begin(&home, ThreadMode::Paginated, &options());
        script(&mut recorder, 0..2);
        recorder.flush().unwrap();
        let mut log = std::fs::read(recorder.path()).unwrap();
        let want = (log.len() as u64, tail.len() as u64);
        log.extend(tail.bytes());
        std::fs::write(recorder.path(), &log).unwrap();
        script(&mut recorder, 2..3);
        let error = recorder.flush().unwrap_err();
        let RecordError::Foreign { offset_bytes, len_bytes, .. } = error else { panic!("{error}") };
        assert_eq!((offset_bytes, len_bytes), want);
        assert_eq!(std::fs::read(recorder.path()).unwrap(), log);
        // What waited can be offered to one that knows what is there.
        let pending = recorder.into_pending();
        assert_eq!(pending.len(), 1);
        let mut recorder = Recorder::resume(&home, &id(99), &options()).unwrap();
        pending.into_iter().for_each(|record| {
            recorder.append(record).unwrap();
        });
        recorder.sync().unwrap();
        assert_eq!(records(recorder.path()).last().unwrap()["ordinal"], 3);
    }
}

#[test]
fn a_log_that_was_cut_shorter_is_another_one() {
    let (_folder, home) = home();
    let mut recorder = begin(&home, ThreadMode::Legacy, &options());
    script(&mut recorder, 0..2);
    recorder.flush().unwrap();
    std::fs::write(recorder.path(), b"").unwrap();
    script(&mut recorder, 2..3);
    let error = recorder.flush().unwrap_err();
    assert!(matches!(error, RecordError::Shrunk { found_bytes: 0, .. }), "{error}");
}

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
            .args(["--exact", "recorder_faults::child", "--ignored", "--nocapture"])
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

//! Compressing logs and making them plain again, with writers and kills at every step.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use rollfold_core::testing::Prng;
use rollfold_projector::testing::{Interruption, Step, Steps, compress_with, materialize_with};
use rollfold_projector::{
    CompressOptions, CompressOutcome, CompressReport, CompressRun, Home, MaterializeError,
    Materialized, NewRecord, NewThread, Recorder, RecorderOptions, Tended, ThreadLock, compress,
    materialize,
};
use tempfile::TempDir;

use crate::support::{log_bytes, small_log};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const THREAD: &str = "019bb0c0-0000-7000-8000-000000000001";

/// A home with one log that was not written for ten days.
struct Cold {
    _folder: TempDir,
    home: Home,
    plain: PathBuf,
    packed: PathBuf,
    bytes: Vec<u8>,
}

fn name(thread: &str) -> String {
    format!("rollout-2026-03-01T10-00-00-{thread}.jsonl")
}

fn put(path: &Path, bytes: &[u8], age: Duration) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
    let file = OpenOptions::new().append(true).open(path).unwrap();
    file.set_modified(SystemTime::now() - age).unwrap();
}

impl Cold {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path());
        let plain = home.sessions_dir().join("2026/03/01").join(name(THREAD));
        let packed = plain.with_extension("jsonl.zst");
        let bytes = small_log();
        put(&plain, &bytes, 10 * DAY);
        Self { _folder: folder, home, plain, packed, bytes }
    }

    fn compress(&self) -> CompressReport {
        compress(&self.home, &options()).unwrap()
    }

    fn outcome(&self) -> CompressOutcome {
        one(self.compress())
    }

    fn compress_with(&self, hook: &(dyn Fn(Step) -> Interruption + Sync)) -> CompressOutcome {
        one(compress_with(&self.home, &options(), Steps::new(hook)).unwrap())
    }

    /// The log's bytes, in whichever form they are there.
    fn read(&self) -> Vec<u8> {
        log_bytes(&self.plain)
    }

    /// The names beside the log.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.plain.parent().unwrap()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn plain_name(&self) -> String {
        name(THREAD)
    }

    fn packed_name(&self) -> String {
        format!("{}.zst", name(THREAD))
    }
}

fn options() -> CompressOptions {
    let now = SystemTime::now() + Duration::from_secs(60);
    CompressOptions { is_forced: true, stale_after: Duration::ZERO, now, ..Default::default() }
}

fn one(report: CompressReport) -> CompressOutcome {
    assert_eq!(report.run, CompressRun::Done);
    let mut files = report.files;
    assert_eq!(files.len(), 1, "{files:?}");
    files.remove(0).1
}

#[test]
fn a_cold_log_is_compressed_and_reads_as_before() {
    let cold = Cold::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&cold.plain, fs::Permissions::from_mode(0o640)).unwrap();
    }
    let before = fs::metadata(&cold.plain).unwrap();
    let dry = CompressOptions { is_dry_run: true, ..options() };
    let outcome = one(compress(&cold.home, &dry).unwrap());
    let len = cold.bytes.len() as u64;
    assert!(matches!(outcome, CompressOutcome::Compressible { plain_bytes } if plain_bytes == len));
    assert_eq!(cold.names(), [cold.plain_name()]);

    let report = cold.compress();
    let savings = report.savings();
    assert_eq!((savings.files, savings.plain_bytes), (1, len));
    let after = fs::metadata(&cold.packed).unwrap();
    assert_eq!(savings.packed_bytes, after.len());
    let bucket = *savings.by_saved_bytes.keys().next().unwrap();
    assert!(bucket <= len - after.len() && len - after.len() < 2 * bucket);
    assert_eq!(cold.names(), [cold.packed_name()]);
    assert_eq!(after.modified().unwrap(), before.modified().unwrap());
    assert_eq!(after.permissions(), before.permissions());
    assert!(cold.read() == cold.bytes);
    // The frame says how long it is and has a checksum: flags 0x04 and a content size.
    let frame = fs::read(&cold.packed).unwrap();
    assert!(frame[4] & 0x04 != 0 && (frame[4] >> 6 != 0 || frame[4] & 0x20 != 0));

    assert!(matches!(cold.outcome(), CompressOutcome::AlreadyCompressed));
    let lock = ThreadLock::acquire(&cold.home, THREAD, "test").unwrap();
    let made = materialize(&cold.packed).unwrap();
    assert_eq!(made, Materialized::Compressed(cold.plain.clone()));
    drop(lock);
    assert_eq!(cold.names(), [cold.plain_name()]);
    let again = fs::metadata(&cold.plain).unwrap();
    assert_eq!(again.modified().unwrap(), before.modified().unwrap());
    assert_eq!(again.permissions(), before.permissions());
    assert!(cold.read() == cold.bytes);
    assert_eq!(materialize(&cold.plain).unwrap(), Materialized::Plain(cold.plain.clone()));
}

#[test]
fn what_must_not_be_compressed_is_not() {
    let cold = Cold::new();
    put(&cold.plain, &cold.bytes, DAY);
    assert!(matches!(cold.outcome(), CompressOutcome::NotCold));
    let week = CompressOptions { cold_after: DAY, ..options() };
    put(&cold.plain, &cold.bytes, 10 * DAY);

    let lock = ThreadLock::acquire(&cold.home, THREAD, "test").unwrap();
    assert!(ThreadLock::acquire(&cold.home, THREAD, "test").is_err());
    assert!(matches!(one(compress(&cold.home, &week).unwrap()), CompressOutcome::InUse));
    drop(lock);

    put(&cold.packed, &zstd::encode_all(&b"something else"[..], 3).unwrap(), 10 * DAY);
    assert!(matches!(cold.outcome(), CompressOutcome::FormsDiffer));
    let cut = zstd::encode_all(&cold.bytes[..], 3).unwrap();
    put(&cold.packed, &cut[..cut.len() / 2], 10 * DAY);
    assert!(matches!(cold.outcome(), CompressOutcome::FormsDiffer));
    assert!(cold.read() == cold.bytes);
    fs::remove_file(&cold.packed).unwrap();
    assert_eq!(cold.names(), [cold.plain_name()]);

    #[cfg(unix)]
    {
        let other = cold.plain.with_file_name("kept elsewhere");
        fs::hard_link(&cold.plain, &other).unwrap();
        assert!(matches!(cold.outcome(), CompressOutcome::Linked));
        fs::remove_file(&other).unwrap();
    }
    assert!(matches!(cold.outcome(), CompressOutcome::Compressed { is_freed: _, .. }));
}

/// A25: what others go on from stays plain, and so does what goes on from others.
#[test]
fn bases_and_segments_stay_plain() {
    let cold = Cold::new();
    let segment = "019bb0c0-0000-7000-8000-00000000000b";
    let meta = format!(
        "{{\"timestamp\":\"2026-03-01T10:00:00.000Z\",\"type\":\"session_meta\",\"payload\":\
         {{\"id\":\"{THREAD}\",\"timestamp\":\"2026-03-01T10:00:00Z\",\"cwd\":\"/\",\
         \"originator\":\"o\",\"cli_version\":\"1\",\"history_base\":{{\"thread_id\":\"{THREAD}\",\
         \"end_ordinal_exclusive\":1,\"end_byte_offset\":1}}}}}}\n"
    );
    let path = format!("rollout-2026-03-02T10-00-00-{THREAD}_{segment}.jsonl");
    put(&cold.home.archived_dir().join(path), meta.as_bytes(), 10 * DAY);
    let report = cold.compress();
    assert_eq!(report.files.len(), 2);
    for (path, outcome) in report.files {
        assert!(matches!(outcome, CompressOutcome::Referenced), "{}", path.display());
    }
}

#[test]
fn runs_are_six_hours_apart() {
    let cold = Cold::new();
    put(&cold.plain, &cold.bytes, DAY);
    let normal = || CompressOptions { is_forced: false, ..CompressOptions::default() };
    assert_eq!(compress(&cold.home, &normal()).unwrap().run, CompressRun::Done);
    let marker = cold.home.root().join(".tmp/rollout-compression.lock");
    let text = fs::read_to_string(&marker).unwrap();
    assert!(text.starts_with(&format!("pid={} started_at=", std::process::id())), "{text}");
    let run = compress(&cold.home, &normal()).unwrap().run;
    assert!(matches!(run, CompressRun::Throttled { age } if age < Duration::from_secs(3600)));
    let forced = CompressOptions { is_forced: true, ..normal() };
    assert_eq!(compress(&cold.home, &forced).unwrap().run, CompressRun::Done);
    let later = SystemTime::now() + Duration::from_secs(6 * 3600 + 60);
    let later = CompressOptions { now: later, ..normal() };
    assert_eq!(compress(&cold.home, &later).unwrap().run, CompressRun::Done);
    let lock = File::open(cold.home.root().join(".tmp/rollout-maintenance.lock")).unwrap();
    lock.lock().unwrap();
    assert_eq!(compress(&cold.home, &forced).unwrap().run, CompressRun::Busy);
}

#[test]
fn a_damaged_compressed_log_is_not_made_plain() {
    let cold = Cold::new();
    cold.outcome();
    let frame = fs::read(&cold.packed).unwrap();
    for len in [0, 1, frame.len() / 2, frame.len() - 1] {
        fs::write(&cold.packed, &frame[..len]).unwrap();
        let error = materialize(&cold.plain).unwrap_err();
        assert!(matches!(error, MaterializeError::Damaged { .. }), "{len}: {error}");
        assert_eq!(cold.names(), [cold.packed_name()], "{len}");
    }
    fs::remove_file(&cold.packed).unwrap();
    assert!(matches!(materialize(&cold.plain), Err(MaterializeError::Missing { .. })));
}

/// The steps that an operation comes by when nobody is in between.
fn steps_of(operation: impl FnOnce(&(dyn Fn(Step) -> Interruption + Sync))) -> Vec<Step> {
    let steps = Mutex::new(Vec::new());
    operation(&|step| {
        steps.lock().unwrap().push(step);
        Interruption::None
    });
    steps.into_inner().unwrap()
}

fn compression_steps() -> Vec<Step> {
    let cold = Cold::new();
    let steps = steps_of(|hook| drop(cold.compress_with(hook)));
    assert!(steps.len() >= 6, "{steps:?}");
    steps
}

#[test]
fn a_kill_at_any_step_leaves_a_readable_log_and_the_next_run_cleans_up() {
    for kill_at in compression_steps() {
        let cold = Cold::new();
        let outcome = cold.compress_with(&|step| match step == kill_at {
            true => Interruption::Kill,
            false => Interruption::None,
        });
        assert!(matches!(outcome, CompressOutcome::Failed(_)), "{kill_at:?}");
        assert!(cold.read() == cold.bytes, "{kill_at:?}: {:?}", cold.names());
        let report = cold.compress();
        assert!(report.leftovers.iter().all(|(_, tended)| tended.is_ok()), "{report:?}");
        assert_eq!(cold.names(), [cold.packed_name()], "{kill_at:?}");
        assert!(cold.read() == cold.bytes, "{kill_at:?}");
    }
    let cold = Cold::new();
    cold.outcome();
    let packed = fs::read(&cold.packed).unwrap();
    let materialize_at = |hook: &(dyn Fn(Step) -> Interruption + Sync)| {
        let _ = materialize_with(&cold.plain, Steps::new(hook));
    };
    for kill_at in steps_of(materialize_at) {
        let _ = fs::remove_file(&cold.plain);
        put(&cold.packed, &packed, 10 * DAY);
        materialize_at(&|step| match step == kill_at {
            true => Interruption::Kill,
            false => Interruption::None,
        });
        assert!(cold.read() == cold.bytes, "{kill_at:?}: {:?}", cold.names());
        cold.compress();
        assert_eq!(cold.names(), [cold.packed_name()], "{kill_at:?}");
        assert!(cold.read() == cold.bytes, "{kill_at:?}");
    }
}

/// A failure at any step leaves what was there, and no litter.
#[test]
fn a_failure_at_any_step_leaves_the_log_readable() {
    for fail_at in compression_steps() {
        let cold = Cold::new();
        let outcome = cold.compress_with(&|step| match step == fail_at {
            true => Interruption::Fail(std::io::ErrorKind::StorageFull),
            false => Interruption::None,
        });
        assert!(matches!(outcome, CompressOutcome::Failed(_)), "{fail_at:?}");
        assert!(cold.read() == cold.bytes, "{fail_at:?}");
        let both = [cold.plain_name(), cold.packed_name()];
        assert!(cold.names().iter().all(|name| both.contains(name)), "{:?}", cold.names());
    }
}

/// A writer that knows no lock, as older ones do not. It appends to the plain form, which it makes
/// of the compressed one if need be (R243).
#[derive(Default)]
struct Writers {
    open: BTreeMap<usize, File>,
    acknowledged: Vec<String>,
}

impl Writers {
    fn open(&mut self, cold: &Cold, writer: usize) {
        let file = loop {
            match OpenOptions::new().append(true).open(&cold.plain) {
                Ok(file) => break file,
                Err(_) => {
                    let Ok(frame) = fs::read(&cold.packed) else { continue };
                    let temporary = cold.plain.with_file_name(format!("writer-{writer}"));
                    fs::write(&temporary, zstd::decode_all(&frame[..]).unwrap()).unwrap();
                    let _ = fs::hard_link(&temporary, &cold.plain);
                    fs::remove_file(&temporary).unwrap();
                    let _ = fs::remove_file(&cold.packed);
                }
            }
        };
        self.open.insert(writer, file);
    }

    fn write(&mut self, cold: &Cold, writer: usize) {
        if !self.open.contains_key(&writer) {
            self.open(cold, writer);
        }
        let line = format!("{{\"writer\":{writer},\"line\":{}}}\n", self.acknowledged.len());
        self.open.get_mut(&writer).unwrap().write_all(line.as_bytes()).unwrap();
        self.acknowledged.push(line);
    }

    fn close(&mut self, writer: usize) {
        self.open.remove(&writer);
    }

    /// Everything that was acknowledged is in the log, each once, behind what was there.
    fn assert_kept(&self, cold: &Cold, can_repeat: bool, what: &str) {
        let log = cold.read();
        assert!(log.starts_with(&cold.bytes), "{what}: what was there is not");
        let added = String::from_utf8(log[cold.bytes.len()..].to_vec()).unwrap();
        for line in &self.acknowledged {
            let count = added.matches(line.as_str()).count();
            assert!(count == 1 || (can_repeat && count > 1), "{what}: {count} of {line}{added}");
        }
    }
}

/// Every step at which a writer opens the log, by every step at which it writes, then or not
/// closing it, and once more after all.
#[test]
fn what_a_writer_writes_at_any_step_is_in_the_log() {
    let steps = compression_steps();
    let mut moments: Vec<Option<Step>> = vec![None];
    moments.extend(steps.iter().copied().map(Some));
    for (place, opens_at) in moments.iter().enumerate() {
        for writes_at in &moments[place..] {
            for closes in [false, true] {
                let what = format!("opens {opens_at:?}, writes {writes_at:?}, closes {closes}");
                let cold = Cold::new();
                let writers = Mutex::new(Writers::default());
                let act = |now: Option<Step>| {
                    let mut writers = writers.lock().unwrap();
                    if now == *opens_at {
                        writers.open(&cold, 0);
                    }
                    if now == *writes_at {
                        writers.write(&cold, 0);
                        if closes {
                            writers.close(0);
                        }
                    }
                };
                act(None);
                // A log that was just written is not cold; here every log is.
                let always = CompressOptions { cold_after: Duration::ZERO, ..options() };
                let hook = |step| {
                    act(Some(step));
                    Interruption::None
                };
                compress_with(&cold.home, &always, Steps::new(&hook)).unwrap();
                let mut writers = writers.into_inner().unwrap();
                writers.assert_kept(&cold, false, &what);
                writers.write(&cold, 0);
                writers.assert_kept(&cold, false, &what);
                writers.close(0);
                assert!(matches!(
                    one(compress(&cold.home, &always).unwrap()),
                    CompressOutcome::Compressed { .. }
                ));
                writers.assert_kept(&cold, false, &what);
                assert_eq!(cold.names(), [cold.packed_name()], "{what}");
            }
        }
    }
}

/// Any number of writers at any steps, and a kill perhaps: after the next runs everything that was
/// acknowledged is in the log.
#[test]
fn whatever_writers_do_meanwhile_nothing_acknowledged_is_lost() {
    let steps = compression_steps();
    let mut rng = Prng::new(11);
    for case in 0..150 {
        let cold = Cold::new();
        let writers = Mutex::new((Writers::default(), Prng::new(rng.next_u64())));
        let kill_at = (rng.below(3) == 0).then(|| steps[rng.index(steps.len())]);
        let act = || {
            let (writers, rng) = &mut *writers.lock().unwrap();
            for _ in 0..rng.index(3) {
                let writer = rng.index(3);
                match rng.below(4) {
                    0 => writers.open(&cold, writer),
                    1 => writers.close(writer),
                    _ => writers.write(&cold, writer),
                }
            }
        };
        let always = CompressOptions { cold_after: Duration::ZERO, ..options() };
        let hook = |step| {
            act();
            if Some(step) == kill_at { Interruption::Kill } else { Interruption::None }
        };
        let quiet = |_| {
            act();
            Interruption::None
        };
        act();
        compress_with(&cold.home, &always, Steps::new(&hook)).unwrap();
        act();
        compress_with(&cold.home, &always, Steps::new(&quiet)).unwrap();
        act();
        let (mut writers, _) = writers.into_inner().unwrap();
        writers.open.clear();
        // One run makes one log of what writers left, the next one compresses it.
        compress(&cold.home, &always).unwrap();
        writers.assert_kept(&cold, kill_at.is_some(), &format!("case {case}"));
        compress(&cold.home, &always).unwrap();
        writers.assert_kept(&cold, kill_at.is_some(), &format!("case {case}"));
        assert_eq!(cold.names(), [cold.packed_name()], "case {case}");
    }
}

/// While the log is being compressed, a writer that knows the lock waits.
#[test]
fn a_writer_with_the_lock_and_compression_keep_each_other_out() {
    let cold = Cold::new();
    let seen = Mutex::new(0);
    cold.compress_with(&|_| {
        assert!(ThreadLock::acquire(&cold.home, THREAD, "test").is_err());
        *seen.lock().unwrap() += 1;
        Interruption::None
    });
    assert!(seen.into_inner().unwrap() >= 6);
    assert!(ThreadLock::acquire(&cold.home, THREAD, "test").is_ok());
}

/// A19: an append makes a compressed log plain first.
#[test]
fn what_is_recorded_to_a_compressed_log_goes_behind_it() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::at(folder.path());
    let options = RecorderOptions::default();
    let thread = NewThread::default();
    let mut recorder = Recorder::create(&home, &thread, &options).unwrap();
    recorder.append(NewRecord::turn_started("t1", None)).unwrap();
    recorder.sync().unwrap();
    let (plain, thread_id) = (recorder.path().to_owned(), recorder.thread_id().to_owned());
    recorder.close().unwrap();
    let before = log_bytes(&plain);
    let always = CompressOptions { cold_after: Duration::ZERO, ..self::options() };
    assert!(matches!(one(compress(&home, &always).unwrap()), CompressOutcome::Compressed { .. }));
    assert!(!plain.exists());
    let mut recorder = Recorder::resume(&home, &thread_id, &options).unwrap();
    recorder.append(NewRecord::turn_started("t2", None)).unwrap();
    recorder.sync().unwrap();
    // While it is open, it stays plain.
    assert!(matches!(one(compress(&home, &always).unwrap()), CompressOutcome::InUse));
    recorder.close().unwrap();
    let after = fs::read(&plain).unwrap();
    assert!(after.len() > before.len() && after.starts_with(&before));
}

#[test]
fn what_is_left_over_is_removed_when_it_is_old() {
    let cold = Cold::new();
    let temporary = cold.plain.with_file_name("rollout-compress-1-2-3.tmp");
    put(&temporary, b"x", 10 * DAY);
    let report = compress(&cold.home, &CompressOptions { is_forced: true, ..Default::default() });
    assert!(report.unwrap().leftovers.is_empty());
    assert!(temporary.exists());
    let report = cold.compress();
    assert!(matches!(report.leftovers[..], [(_, Ok(Tended::Removed))]), "{report:?}");
    assert!(!temporary.exists());
}

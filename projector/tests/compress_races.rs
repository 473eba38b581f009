//! Compression with writers, failures and kills at every step.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::sync::Mutex;
use std::time::Duration;

use rollfold_core::testing::Prng;
use rollfold_projector::testing::{Interruption, Step, Steps, compress_with, materialize_with};
use rollfold_projector::{CompressOptions, CompressOutcome, ThreadLock, compress};

use crate::cold::{Cold, DAY, THREAD, one, options, put};

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

/// Any number of writers at any steps, and a kill perhaps, whether or not it is told who has the
/// log open: after the next runs everything that was acknowledged is in the log.
#[test]
fn whatever_writers_do_meanwhile_nothing_acknowledged_is_lost() {
    let steps = compression_steps();
    let mut rng = Prng::new(11);
    for case in 0..300 {
        let cold = Cold::new();
        let is_blind = case % 2 == 1;
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
        let run = |hour: u32, kill_at: Option<Step>| {
            let hook = |step| {
                act();
                if Some(step) == kill_at { Interruption::Kill } else { Interruption::None }
            };
            let steps = Steps::new(&hook);
            let steps = if is_blind { steps.blind() } else { steps };
            compress_with(&cold.home, &always(hour), steps).unwrap();
            act();
        };
        act();
        run(0, kill_at);
        run(1, None);
        run(2, None);
        let (mut writers, _) = writers.into_inner().unwrap();
        writers.open.clear();
        let quiet = |_| Interruption::None;
        // A run makes one log of what writers have left, another one compresses it; where nobody
        // tells who has it open, the plain form goes hours later.
        for hour in [10, 20, 30, 40] {
            let steps = Steps::new(&quiet);
            let steps = if is_blind { steps.blind() } else { steps };
            compress_with(&cold.home, &always(hour), steps).unwrap();
            writers.assert_kept(&cold, kill_at.is_some(), &format!("case {case}, hour {hour}"));
        }
        assert_eq!(cold.names(), [cold.packed_name()], "case {case}");
    }
}

/// As if every log were cold, so many hours from now.
fn always(hour: u32) -> CompressOptions {
    let options = options();
    let now = options.now + hour * Duration::from_secs(3600);
    CompressOptions { cold_after: Duration::ZERO, now, ..options }
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

/// Another program that takes the compressed form away again, at any step: the plain one stays.
#[test]
fn a_compressed_form_that_somebody_takes_away_is_made_good() {
    let steps = compression_steps();
    let after = steps.iter().skip_while(|step| **step != Step::Published);
    for removes_at in after.filter(|step| **step != Step::Removed) {
        let cold = Cold::new();
        let outcome = cold.compress_with(&|step| {
            if step == *removes_at {
                fs::remove_file(&cold.packed).unwrap();
            }
            Interruption::None
        });
        let is_told = matches!(outcome, CompressOutcome::Changed | CompressOutcome::Failed(_));
        assert!(is_told, "{removes_at:?}: {outcome:?}");
        assert!(cold.read() == cold.bytes, "{removes_at:?}");
        assert_eq!(cold.names(), [cold.plain_name()], "{removes_at:?}");
    }
}

/// Another process that knows no lock, has the log open and says nothing for long.
#[cfg(target_os = "linux")]
#[test]
fn a_log_that_another_process_has_open_stays() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};
    let cold = Cold::new();
    let script = "exec 3>>\"$0\"; echo ready; read line; echo \"$line\" >&3";
    let mut child = Command::new("sh")
        .args(["-c", script])
        .arg(&cold.plain)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut ready = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    assert_eq!(ready, "ready\n");
    assert!(matches!(cold.outcome(), CompressOutcome::InUse));
    assert_eq!(cold.names(), [cold.plain_name()]);
    child.stdin.take().unwrap().write_all(b"{}\n").unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(cold.read(), [&cold.bytes[..], b"{}\n"].concat());
    let always = CompressOptions { cold_after: Duration::ZERO, ..options() };
    let outcome = one(compress(&cold.home, &always).unwrap());
    assert!(matches!(outcome, CompressOutcome::Compressed { .. }));
}

/// Where the system does not tell who has a file open, the plain form stays for a while under a
/// hidden name, and what is written to it meanwhile is not lost.
#[test]
fn where_nobody_tells_who_has_a_log_open_it_stays_for_a_while() {
    let go_on = |_| Interruption::None;
    let blind = Steps::new(&go_on).blind();
    let hidden = |cold: &Cold| -> Vec<String> {
        cold.names().into_iter().filter(|name| name.ends_with(".aside")).collect()
    };
    for writes in [false, true] {
        let cold = Cold::new();
        let mut writers = Writers::default();
        writers.open(&cold, 0);
        let outcome = one(compress_with(&cold.home, &always(0), blind).unwrap());
        assert!(matches!(outcome, CompressOutcome::Compressed { is_freed: false, .. }));
        assert_eq!((hidden(&cold).len(), cold.names().len()), (1, 2));
        assert!(cold.read() == cold.bytes);
        compress_with(&cold.home, &always(1), blind).unwrap();
        assert_eq!(hidden(&cold).len(), 1);
        if writes {
            // Another one makes the log plain and writes there, both do.
            writers.write(&cold, 0);
            writers.write(&cold, 1);
            compress_with(&cold.home, &always(1), blind).unwrap();
            writers.assert_kept(&cold, false, "both");
            writers.write(&cold, 0);
            writers.write(&cold, 1);
        }
        writers.open.clear();
        compress_with(&cold.home, &always(8), blind).unwrap();
        writers.assert_kept(&cold, false, "both, again");
        for late in [16, 24] {
            compress_with(&cold.home, &always(late), blind).unwrap();
        }
        writers.assert_kept(&cold, false, "at last");
        assert_eq!(cold.names(), [cold.packed_name()], "{writes}");
    }
}

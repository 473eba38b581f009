//! Compressing logs and making them plain again.

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use rollfold_projector::{
    CompressOptions, CompressOutcome, CompressRun, Home, MaterializeError, Materialized, NewRecord,
    NewThread, Recorder, RecorderOptions, Tended, ThreadLock, compress, materialize,
};

use crate::cold::{Cold, DAY, THREAD, one, options, put};
use crate::support::log_bytes;

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
    let always = CompressOptions { cold_after: Duration::ZERO, ..crate::cold::options() };
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

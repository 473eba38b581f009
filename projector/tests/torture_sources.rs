//! Torture cases of files: compressed, moved, replaced, rewritten, broken.

use std::fs::{self, File, FileTimes};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rollfold_core::testing::{Prng, Swarm, rollout_bytes};
use rollfold_projector::{
    Check, FileSource, LogSource, OpenError, Outcome, RewriteSign, SourceNote, Store, SyncOptions,
    Synced,
};

use crate::support::{Model, line_ends, small_log};

const NAME: &str = "rollout-2026-03-01T10-00-00-019bb0c0-0000-7000-8000-000000000001";

fn pack(bytes: &[u8]) -> Vec<u8> {
    zstd::stream::encode_all(bytes, 3).unwrap()
}

/// A folder with one rollout in it, in either form.
struct Place {
    folder: tempfile::TempDir,
    store: Store,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), store: Store::in_memory().unwrap() }
    }

    fn plain(&self) -> PathBuf {
        self.folder.path().join(format!("{NAME}.jsonl"))
    }

    fn packed(&self) -> PathBuf {
        self.folder.path().join(format!("{NAME}.jsonl.zst"))
    }

    fn sync_at(&self, path: &Path) -> Synced {
        self.sync_by(path, Check::ByIdentity)
    }

    fn sync_by(&self, path: &Path, check: Check) -> Synced {
        let source = FileSource::open(path).unwrap();
        assert_eq!(source.key(), NAME);
        self.store.sync(&source, &SyncOptions { check, ..SyncOptions::default() }).unwrap()
    }

    fn sync(&self) -> Synced {
        self.sync_at(&self.plain())
    }

    fn assert_is(&self, log: &[u8]) {
        Model::of(log).assert_same(&self.store, NAME);
    }
}

/// Waits until the files there are old enough for their times to tell.
fn settle() {
    std::thread::sleep(Duration::from_millis(40));
}

#[test]
fn torture_23_encodings() {
    let place = Place::new();
    let log = small_log().repeat(20);
    let ends = line_ends(&log);
    let (first, second) = (&log[..ends[300]], &log[..ends[500]]);
    fs::write(place.plain(), first).unwrap();
    assert_eq!(place.sync().outcome, Outcome::New);

    fs::write(place.packed(), pack(first)).unwrap();
    let both = place.sync();
    assert_eq!((both.outcome, both.notes), (Outcome::Unchanged, vec![SourceNote::BothForms]));
    fs::remove_file(place.plain()).unwrap();
    for path in [place.plain(), place.packed()] {
        let packed = place.sync_at(&path);
        assert_eq!((packed.outcome, packed.lines, packed.notes), (Outcome::Unchanged, 0, vec![]));
    }
    // Materialised and appended to, with the compressed form still there.
    fs::write(place.plain(), second).unwrap();
    let appended = place.sync_at(&place.packed());
    assert_eq!((appended.outcome, appended.lines), (Outcome::Appended, 200));
    fs::remove_file(place.packed()).unwrap();
    assert_eq!(place.sync().outcome, Outcome::Unchanged);
    // Compressed in two frames, with more in the second.
    fs::remove_file(place.plain()).unwrap();
    let frames = [pack(first), pack(&log[first.len()..])].concat();
    fs::write(place.packed(), frames).unwrap();
    let appended = place.sync();
    assert_eq!((appended.outcome, appended.generation), (Outcome::Appended, 0));
    place.assert_is(&log);
}

#[test]
fn torture_23_truncated_and_damaged_frames() {
    let place = Place::new();
    let log = rollout_bytes(&Swarm::new(7, 600));
    let whole = pack(&log);
    fs::write(place.packed(), &whole[..whole.len() / 2]).unwrap();
    let synced = place.sync();
    let [SourceNote::Truncated { decoded_bytes }] = synced.notes[..] else {
        panic!("{:?}", synced.notes)
    };
    assert_eq!(decoded_bytes, synced.position.offset_bytes + synced.pending_bytes);
    place.assert_is(&log[..synced.position.offset_bytes as usize]);
    // Whole now: it goes on.
    fs::write(place.packed(), &whole).unwrap();
    let synced = place.sync();
    assert_eq!((synced.generation, synced.notes), (0, vec![]));
    assert_ne!(synced.outcome, Outcome::New);
    place.assert_is(&log);
    // Broken again: nothing is lost, nothing counts as rewritten.
    let mut damaged = whole.clone();
    let middle = damaged.len() / 2;
    damaged[middle..middle + 100].fill(0xff);
    for broken in [&whole[..0], &whole[..2], &whole[..whole.len() / 3], &damaged] {
        fs::write(place.packed(), broken).unwrap();
        let synced = place.sync();
        assert_eq!(synced.outcome, Outcome::Unchanged, "{:?}", synced.notes);
        assert_eq!(synced.notes.len(), 1 + usize::from(broken.is_empty()), "{:?}", synced.notes);
        place.assert_is(&log);
    }
}

#[test]
fn torture_23_a_settled_file_is_not_decoded_again() {
    let place = Place::new();
    fs::write(place.packed(), pack(&small_log().repeat(20))).unwrap();
    settle();
    let first = place.sync();
    assert!(first.bytes_read > 0);
    let second = place.sync();
    assert_eq!((second.outcome, second.bytes_read), (Outcome::Unchanged, 0));
    assert_eq!(second.pending_bytes, first.pending_bytes);
    assert!(place.sync_by(&place.packed(), Check::Whole).bytes_read > 0);
    // Moved: decoded once, and then known again.
    let moved = place.folder.path().join("archived_sessions");
    fs::create_dir(&moved).unwrap();
    let moved = moved.join(format!("{NAME}.jsonl.zst"));
    fs::copy(place.packed(), &moved).unwrap();
    settle();
    assert!(place.sync_at(&moved).bytes_read > 0);
    assert_eq!(place.sync_at(&moved).bytes_read, 0);
}

#[test]
fn torture_23_moves_keep_everything() {
    let place = Place::new();
    let log = small_log();
    let ends = line_ends(&log);
    fs::write(place.plain(), &log[..ends[9]]).unwrap();
    place.sync();
    let archive = place.folder.path().join("archived_sessions");
    fs::create_dir(&archive).unwrap();
    let archived = archive.join(format!("{NAME}.jsonl"));
    fs::rename(place.plain(), &archived).unwrap();
    let synced = place.sync_at(&archived);
    assert_eq!((synced.outcome, synced.lines), (Outcome::Unchanged, 0));
    fs::write(&archived, &log[..ends[20]]).unwrap();
    let synced = place.sync_at(&archived);
    assert_eq!((synced.outcome, synced.lines), (Outcome::Appended, 11));
    // To another volume, as a copy in a wrong date folder.
    let dated = place.folder.path().join("2019/01/01");
    fs::create_dir_all(&dated).unwrap();
    let copy = dated.join(format!("{NAME}.jsonl"));
    fs::copy(&archived, &copy).unwrap();
    assert_eq!(place.sync_at(&copy).outcome, Outcome::Unchanged);
    #[cfg(unix)]
    {
        let link = place.folder.path().join(format!("{NAME}.jsonl"));
        std::os::unix::fs::symlink(&archived, &link).unwrap();
        assert_eq!(place.sync_at(&link).outcome, Outcome::Unchanged);
    }
    place.assert_is(&log[..ends[20]]);
}

#[test]
fn torture_23_stray_files_are_answered_clearly() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::in_memory().unwrap();
    let copy = folder.path().join(format!("{NAME} (1).jsonl"));
    fs::write(&copy, "").unwrap();
    let source = FileSource::open(&copy).unwrap();
    assert_ne!(source.key(), NAME);
    let synced = store.sync(&source, &SyncOptions::default()).unwrap();
    assert_eq!(synced.notes, [SourceNote::Empty]);
    let error = FileSource::open(folder.path()).unwrap_err();
    assert!(matches!(error, OpenError::Folder { .. }), "{error}");
    let missing = folder.path().join("missing.jsonl");
    assert!(matches!(FileSource::open(&missing).unwrap_err(), OpenError::Io { .. }));
    #[cfg(unix)]
    {
        let link = folder.path().join(format!("{NAME}.jsonl"));
        std::os::unix::fs::symlink(&missing, &link).unwrap();
        let error = FileSource::open(&link).unwrap_err();
        assert!(matches!(error, OpenError::DanglingLink { .. }), "{error}");
        assert!(error.to_string().contains("missing.jsonl"), "{error}");
        // The other form is as good.
        fs::write(folder.path().join(format!("{NAME}.jsonl.zst")), pack(b"{}\n")).unwrap();
        assert_eq!(FileSource::open(&link).unwrap().key(), NAME);
        let device = FileSource::open("/dev/null").unwrap_err();
        assert!(matches!(device, OpenError::NoFile { .. }), "{device}");
    }
}

#[test]
fn torture_24_byte_by_byte() {
    let place = Place::new();
    let log = small_log();
    let end = line_ends(&log)[5];
    fs::write(place.plain(), "").unwrap();
    let mut file = File::options().append(true).open(place.plain()).unwrap();
    for (at, byte) in log[..end].iter().enumerate() {
        std::io::Write::write_all(&mut file, &[*byte]).unwrap();
        let synced = place.sync();
        assert_eq!(synced.generation, 0);
        assert_eq!(synced.position.offset_bytes + synced.pending_bytes, at as u64 + 1);
        if *byte == b'\n' {
            place.assert_is(&log[..=at]);
        }
    }
}

/// Bytes of the same length at the same place, written at the time of the old ones.
#[test]
fn torture_24_equal_length_with_old_time() {
    let place = Place::new();
    // Far more than is compared at every sync.
    let mut log = small_log().repeat(100);
    fs::write(place.plain(), &log).unwrap();
    let old = SystemTime::now() - Duration::from_secs(3600);
    let set_old = || {
        let file = File::options().write(true).open(place.plain()).unwrap();
        file.set_times(FileTimes::new().set_modified(old)).unwrap();
    };
    set_old();
    settle();
    place.sync();
    assert_eq!(place.sync().bytes_read, 0);
    let text = b"do it";
    let middle = 200_000;
    let at = log[middle..].windows(text.len()).position(|bytes| bytes == text).unwrap() + middle;
    log[at..at + text.len()].copy_from_slice(b"do me");
    fs::write(place.plain(), &log).unwrap();
    set_old();
    settle();
    let synced = place.sync();
    #[cfg(unix)]
    {
        let sign = RewriteSign::OtherBytes;
        assert_eq!(synced.outcome, Outcome::Rewritten { sign, kept: 0 });
        place.assert_is(&log);
    }
    // The time of a file from the future, and back again: the same bytes are the same log.
    for time in [SystemTime::now() + Duration::from_secs(9_999), old] {
        let file = File::options().write(true).open(place.plain()).unwrap();
        file.set_times(FileTimes::new().set_modified(time)).unwrap();
        assert_eq!(place.sync().outcome, Outcome::Unchanged);
    }
    assert_eq!(place.sync().generation, synced.generation);
}

/// The bytes of a log, and something done to the files it is in.
struct Tailer {
    place: Place,
    rng: Prng,
    log: Vec<u8>,
    rest: Vec<u8>,
    is_packed: bool,
    is_archived: bool,
}

impl Tailer {
    fn path(&self) -> PathBuf {
        let folder = self.place.folder.path().join(if self.is_archived { "old" } else { "new" });
        fs::create_dir_all(&folder).unwrap();
        folder.join(format!("{NAME}.jsonl{}", if self.is_packed { ".zst" } else { "" }))
    }

    /// In place: the same file, other bytes.
    fn write(&self) {
        let bytes = if self.is_packed { pack(&self.log) } else { self.log.clone() };
        fs::write(self.path(), bytes).unwrap();
    }

    /// By rename: another file.
    fn replace(&self) {
        let other = self.place.folder.path().join("other");
        let bytes = if self.is_packed { pack(&self.log) } else { self.log.clone() };
        fs::write(&other, bytes).unwrap();
        fs::rename(other, self.path()).unwrap();
    }

    fn step(&mut self) {
        match self.rng.below(8) {
            0..=2 => {
                let len = self.rng.between(1, 400).min(self.rest.len() as u64) as usize;
                self.log.extend(self.rest.drain(..len));
                self.write();
            }
            3 => {
                self.log.truncate(self.rng.index(self.log.len() + 1));
                self.write();
            }
            4 => {
                let seed = self.rng.below(1000);
                self.log = rollout_bytes(&Swarm::new(seed, 8));
                self.replace();
            }
            5 => {
                // What is flipped may be what makes it a line.
                if !self.log.is_empty() {
                    let at = self.rng.index(self.log.len());
                    self.log[at] ^= 1 << self.rng.below(8);
                }
                self.write();
            }
            6 => {
                let before = self.path();
                self.is_archived = !self.is_archived;
                fs::rename(before, self.path()).unwrap();
            }
            _ => {
                let before = self.path();
                self.is_packed = !self.is_packed;
                self.write();
                fs::remove_file(before).unwrap();
            }
        }
    }
}

#[test]
fn torture_24_any_interleaving() {
    let mut rewrites = 0;
    for seed in 0..40 {
        let mut rng = Prng::new(seed);
        let rest = rollout_bytes(&Swarm::new(rng.below(1 << 32), 60));
        let (log, is_packed, is_archived) = (Vec::new(), false, false);
        let mut tailer = Tailer { place: Place::new(), rng, log, rest, is_packed, is_archived };
        tailer.write();
        for _ in 0..25 {
            for _ in 0..tailer.rng.between(1, 3) {
                tailer.step();
            }
            let synced = tailer.place.sync_at(&tailer.path());
            rewrites += u32::from(matches!(synced.outcome, Outcome::Rewritten { .. }));
            let end = synced.position.offset_bytes;
            assert_eq!(end + synced.pending_bytes, tailer.log.len() as u64, "seed {seed}");
            let complete = line_ends(&tailer.log).last().copied().unwrap_or(0);
            assert_eq!(end, complete as u64, "seed {seed}");
            tailer.place.assert_is(&tailer.log);
        }
    }
    assert!(rewrites > 100, "{rewrites}");
}

//! Putting threads away and getting them back.

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use rollfold_core::Digest;
use rollfold_projector::testing::{Interruption, Step, Steps, archive_with, compress_with};
use rollfold_projector::{
    CompressOptions, FileSource, Home, MoveError, MoveOptions, MovedThread, Outcome, Relocated,
    SelectError, Store, SyncOptions, ThreadLock, archive, thread_id_of, unarchive,
};
use tempfile::TempDir;

use crate::support::{days_old, small_log, tree};

const ROOT: &str = "019bb0c0-0000-7000-8000-000000000001";
const CHILD: &str = "019bb0c0-0000-7000-8000-000000000002";
const GRANDCHILD: &str = "019bb0c0-0000-7000-8000-000000000003";
const SEGMENT: &str = "019bb0c0-0000-7000-8000-00000000000b";
const NOBODY: &str = "019bb0c0-0000-7000-8000-0000000000ff";

const ALONE: MoveOptions<'static> = MoveOptions { children: None, is_dry_run: false };

/// A thread of two segments in both forms, its child, and the child's child; the spawn relation has
/// a circle.
fn home() -> (TempDir, Home) {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::at(folder.path());
    let put = |day: &str, name: String, bytes: &[u8]| {
        days_old(&home.sessions_dir().join(day).join(name), bytes, 10);
    };
    let log = small_log();
    let packed = zstd::encode_all(&log[..], 3).unwrap();
    put("2026/03/01", format!("rollout-2026-03-01T10-00-00-{ROOT}.jsonl"), &log);
    put("2026/03/01", format!("rollout-2026-03-01T10-00-00-{ROOT}.jsonl.zst"), &packed);
    put("2026/03/02", format!("rollout-2026-03-02T10-00-00-{ROOT}_{SEGMENT}.jsonl.zst"), &packed);
    put("2026/03/03", format!("rollout-2026-03-03T10-00-00-{CHILD}.jsonl"), &log);
    put("2026/03/04", format!("rollout-2026-03-04T10-00-00-{GRANDCHILD}.jsonl"), &log);
    (folder, home)
}

fn spawned(thread: &str) -> Vec<String> {
    match thread {
        ROOT => vec![CHILD.into(), NOBODY.into()],
        CHILD => vec![GRANDCHILD.into()],
        GRANDCHILD => vec![ROOT.into()],
        _ => Vec::new(),
    }
}

fn ids(moved: &[MovedThread]) -> Vec<&str> {
    moved.iter().map(|thread| thread.thread_id.as_str()).collect()
}

/// The archived file's name of each active file.
fn flat(tree: &BTreeMap<PathBuf, Digest>) -> BTreeMap<PathBuf, Digest> {
    let flat = |(path, digest): (&PathBuf, &Digest)| {
        (Path::new("archived_sessions").join(path.file_name().unwrap()), *digest)
    };
    tree.iter().map(flat).collect()
}

#[test]
fn a_thread_goes_away_with_all_its_files_and_what_it_spawned_and_comes_back() {
    let (folder, home) = home();
    let before = tree(folder.path());
    let options = MoveOptions { children: Some(&spawned), is_dry_run: true };
    let planned = archive(&home, ROOT, &options).unwrap();
    assert_eq!(ids(&planned), [ROOT, GRANDCHILD, CHILD]);
    assert!(planned.iter().all(|thread| thread.files.iter().all(|file| file.how.is_none())));
    assert_eq!(tree(folder.path()), before);

    let log =
        home.sessions_dir().join(format!("2026/03/01/rollout-2026-03-01T10-00-00-{ROOT}.jsonl"));
    let time = fs::metadata(&log).unwrap().modified().unwrap();
    let moved = archive(&home, ROOT, &MoveOptions { is_dry_run: false, ..options }).unwrap();
    assert_eq!(ids(&moved), ids(&planned));
    for (moved, planned) in moved.iter().zip(&planned) {
        assert!(moved.problem.is_none());
        for (moved, planned) in moved.files.iter().zip(&planned.files) {
            assert_eq!((&moved.from, &moved.to), (&planned.from, &planned.to));
            assert_eq!(moved.how, Some(Relocated::Renamed));
        }
    }
    assert_eq!(tree(folder.path()), flat(&before));
    let archived = home.archived_dir().join(log.file_name().unwrap());
    assert_eq!(fs::metadata(&archived).unwrap().modified().unwrap(), time);
    // Once more there is nothing to do.
    assert!(archive(&home, ROOT, &ALONE).unwrap()[0].files.is_empty());

    let back = unarchive(&home, &ROOT.to_uppercase(), &ALONE).unwrap();
    assert_eq!((ids(&back), back[0].files.len()), (vec![ROOT], 3));
    assert_eq!(fs::metadata(&log).unwrap().modified().unwrap(), time);
    let options = MoveOptions { children: Some(&spawned), is_dry_run: false };
    unarchive(&home, ROOT, &options).unwrap();
    assert_eq!(tree(folder.path()), before);
}

/// What was folded stays, wherever the file goes: not one record is folded again.
#[test]
fn an_archived_log_is_the_same_log() {
    let (_folder, home) = home();
    let store = Store::in_memory().unwrap();
    let name = format!("rollout-2026-03-03T10-00-00-{CHILD}.jsonl");
    let active = home.sessions_dir().join("2026/03/03").join(&name);
    let sync = |path: &Path| {
        let source = FileSource::open(path).unwrap();
        store.sync(&source, &SyncOptions::default()).unwrap()
    };
    assert_eq!(sync(&active).outcome, Outcome::New);
    archive(&home, CHILD, &ALONE).unwrap();
    let archived = sync(&home.archived_dir().join(&name));
    assert_eq!((archived.outcome, archived.lines), (Outcome::Unchanged, 0));
    unarchive(&home, CHILD, &ALONE).unwrap();
    assert_eq!(sync(&active).outcome, Outcome::Unchanged);
}

#[test]
fn no_other_file_is_overwritten() {
    let (folder, home) = home();
    let name = format!("rollout-2026-03-03T10-00-00-{CHILD}.jsonl");
    days_old(&home.archived_dir().join(&name), b"another\n", 1);
    let before = tree(folder.path());
    let error = archive(&home, CHILD, &ALONE).unwrap_err();
    assert!(matches!(error, MoveError::Occupied { .. }), "{error}");
    assert_eq!(tree(folder.path()), before);
    // What was spawned does not keep the thread itself.
    let options = MoveOptions { children: Some(&spawned), is_dry_run: false };
    let moved = archive(&home, ROOT, &options).unwrap();
    let problems: Vec<_> = moved.iter().map(|thread| thread.problem.is_some()).collect();
    assert_eq!((ids(&moved), problems), (vec![ROOT, GRANDCHILD, CHILD], vec![false, false, true]));

    fs::write(home.archived_dir().join(&name), small_log()).unwrap();
    let moved = archive(&home, CHILD, &ALONE).unwrap();
    assert_eq!(moved[0].files[0].how, Some(Relocated::WasThere));
    assert!(tree(folder.path()).keys().all(|path| path.starts_with("archived_sessions")));
}

/// A copy under another date's folder: the same once is enough, another one is no one to lose.
#[test]
fn copies_are_joined_if_they_are_the_same() {
    let (folder, home) = home();
    let name = format!("rollout-2026-03-03T10-00-00-{CHILD}.jsonl");
    let copy = home.sessions_dir().join("2020/01/01").join(&name);
    days_old(&copy, b"another\n", 1);
    let before = tree(folder.path());
    assert!(matches!(archive(&home, CHILD, &ALONE), Err(MoveError::Occupied { .. })));
    assert_eq!(tree(folder.path()), before);
    fs::write(&copy, small_log()).unwrap();
    archive(&home, CHILD, &ALONE).unwrap();
    assert_eq!(fs::read(home.archived_dir().join(&name)).unwrap(), small_log());
    assert!(!copy.exists());
}

#[test]
fn a_thread_that_is_written_stays() {
    let (folder, home) = home();
    let before = tree(folder.path());
    let lock = ThreadLock::acquire(&home, CHILD, "test").unwrap();
    let error = archive(&home, CHILD, &ALONE).unwrap_err();
    assert!(matches!(error, MoveError::Select(SelectError::Lock(_))), "{error}");
    assert_eq!(tree(folder.path()), before);
    drop(lock);
    archive(&home, CHILD, &ALONE).unwrap();
}

fn crosses_devices(step: Step) -> Interruption {
    match step {
        Step::Move => Interruption::Fail(ErrorKind::CrossesDevices),
        _ => Interruption::None,
    }
}

#[test]
fn a_thread_is_moved_to_another_disk() {
    let (folder, home) = home();
    let before = tree(folder.path());
    let log =
        home.sessions_dir().join(format!("2026/03/03/rollout-2026-03-03T10-00-00-{CHILD}.jsonl"));
    let time = fs::metadata(&log).unwrap().modified().unwrap();
    let options = MoveOptions { children: Some(&spawned), is_dry_run: false };
    let moved = archive_with(&home, ROOT, &options, Steps::new(&crosses_devices)).unwrap();
    let mut files = moved.iter().flat_map(|thread| &thread.files);
    assert!(files.all(|file| file.how == Some(Relocated::Copied)));
    assert_eq!(tree(folder.path()), flat(&before));
    let archived = home.archived_dir().join(log.file_name().unwrap());
    assert_eq!(fs::metadata(archived).unwrap().modified().unwrap(), time);

    // A kill anywhere in between loses nothing, and the same again ends it.
    let steps =
        [Step::Copied, Step::SetAside, Step::Alone, Step::Compared, Step::Removed, Step::Moved];
    for kill_at in steps {
        unarchive(&home, ROOT, &options).unwrap();
        let hook = |step| if step == kill_at { Interruption::Kill } else { crosses_devices(step) };
        let error = archive_with(&home, CHILD, &ALONE, Steps::new(&hook)).unwrap_err();
        assert!(matches!(error, MoveError::File(_)), "{kill_at:?}: {error}");
        let copies =
            tree(folder.path()).into_values().filter(|it| *it == Digest::of(&small_log())).count();
        assert!(copies >= 3, "{kill_at:?}");
        archive(&home, ROOT, &options).unwrap();
        assert_eq!(tree(folder.path()), flat(&before), "{kill_at:?}");
    }
}

/// A writer that has the file open while it is copied to another disk would write to what goes.
#[test]
fn a_log_that_is_written_while_it_is_copied_stays() {
    let (folder, home) = home();
    let log =
        home.sessions_dir().join(format!("2026/03/03/rollout-2026-03-03T10-00-00-{CHILD}.jsonl"));
    let options = fs::OpenOptions::new().append(true).clone();
    for writes_at in [Step::Move, Step::Copied, Step::SetAside, Step::Alone] {
        let before = fs::read(&log).unwrap();
        let writer = Mutex::new(None);
        let hook = |step| {
            let mut writer = writer.lock().unwrap();
            if step == Step::Move {
                *writer = Some(options.open(&log).unwrap());
            }
            if step == writes_at {
                writer.as_mut().unwrap().write_all(b"{}\n").unwrap();
                *writer = None;
            }
            crosses_devices(step)
        };
        let moved = archive_with(&home, CHILD, &ALONE, Steps::new(&hook));
        drop(writer);
        match writes_at {
            // Written before it was copied.
            Step::Move => {
                moved.unwrap();
                unarchive(&home, CHILD, &ALONE).unwrap();
                assert_eq!(fs::read(&log).unwrap(), [&before[..], b"{}\n"].concat());
            }
            // Seen to be open before anything could be written.
            Step::Alone => assert!(matches!(moved, Err(MoveError::Changed { .. }))),
            _ => {
                assert!(matches!(moved, Err(MoveError::Changed { .. })), "{writes_at:?}");
                assert_eq!(fs::read(&log).unwrap(), [&before[..], b"{}\n"].concat());
            }
        }
        assert!(!folder.path().join("archived_sessions").join(log.file_name().unwrap()).exists());
    }
}

#[test]
fn who_is_meant_and_who_is_not() {
    let (folder, home) = home();
    let file =
        home.sessions_dir().join(format!("2026/03/03/rollout-2026-03-03T10-00-00-{CHILD}.jsonl"));
    let of = |text: &str| thread_id_of(&home, text);
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    assert_eq!(of(&CHILD.to_uppercase()).unwrap(), CHILD);
    assert_eq!(of(&text(&file)).unwrap(), CHILD);
    let roundabout =
        home.sessions_dir().join("2026/../2026/03/./03").join(file.file_name().unwrap());
    assert_eq!(of(&text(&roundabout)).unwrap(), CHILD);
    #[cfg(unix)]
    {
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(folder.path(), &link).unwrap();
        let linked = link.join(file.strip_prefix(folder.path()).unwrap());
        assert_eq!(of(&text(&linked)).unwrap(), CHILD);
        assert_eq!(thread_id_of(&Home::at(&link), &text(&file)).unwrap(), CHILD);
        fs::remove_file(link).unwrap();
    }
    assert!(matches!(of("no such thing"), Err(SelectError::NoId { .. })));
    assert!(matches!(of(&text(folder.path())), Err(SelectError::Folder { .. })));
    let other = home.sessions_dir().join("copy of it.jsonl");
    fs::write(&other, "x").unwrap();
    assert!(matches!(of(&text(&other)), Err(SelectError::OtherName { .. })));
    let outside = folder.path().join(file.file_name().unwrap());
    fs::write(&outside, "x").unwrap();
    assert!(matches!(of(&text(&outside)), Err(SelectError::Outside { .. })));
    let unknown = archive(&home, NOBODY, &ALONE).unwrap_err();
    assert!(matches!(unknown, MoveError::Select(SelectError::Unknown { .. })), "{unknown}");
}

/// A link in `sessions` to another place: what it leads to is not this home's to move.
#[cfg(unix)]
#[test]
fn what_lies_outside_is_left_there() {
    let (folder, home) = home();
    let elsewhere = folder.path().join("elsewhere");
    let name = format!("rollout-2026-03-05T10-00-00-{NOBODY}.jsonl");
    days_old(&elsewhere.join(&name), &small_log(), 10);
    let day = home.sessions_dir().join("2026/03/05");
    std::os::unix::fs::symlink(&elsewhere, &day).unwrap();
    let error = archive(&home, NOBODY, &ALONE).unwrap_err();
    assert!(matches!(error, MoveError::Select(SelectError::Outside { .. })), "{error}");
    fs::remove_file(&day).unwrap();
    fs::create_dir(&day).unwrap();
    std::os::unix::fs::symlink(elsewhere.join(&name), day.join(&name)).unwrap();
    let error = archive(&home, NOBODY, &ALONE).unwrap_err();
    assert!(matches!(error, MoveError::Select(SelectError::Outside { .. })), "{error}");
    assert!(elsewhere.join(&name).exists());
}

/// What compression keeps under a hidden name, where nobody tells who has it open, moves with the
/// log, and goes when its time is over.
#[test]
fn what_is_hidden_moves_with_its_log() {
    let (folder, home) = home();
    let go_on = |_| Interruption::None;
    let blind = Steps::new(&go_on).blind();
    let compress = |hours: u64| {
        let now = SystemTime::now() + Duration::from_secs(hours * 3600);
        let threads = vec![CHILD.to_owned()];
        let options = CompressOptions { threads, now, ..CompressOptions::default() };
        compress_with(&home, &options, blind).unwrap();
    };
    compress(0);
    let moved = archive_with(&home, CHILD, &ALONE, blind).unwrap();
    assert_eq!(moved[0].files.len(), 2);
    let of_child = || -> Vec<PathBuf> {
        let mut files: Vec<_> = tree(folder.path()).into_keys().collect();
        files.retain(|path| path.to_str().unwrap().contains(CHILD));
        files
    };
    assert!(of_child().iter().all(|path| path.starts_with("archived_sessions")));
    compress(7);
    let name = format!("archived_sessions/rollout-2026-03-03T10-00-00-{CHILD}.jsonl.zst");
    assert_eq!(of_child(), [Path::new(&name)]);
}

//! Threads taken from one home to another.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use rollfold_core::testing::{Swarm, rollout_bytes};
use rollfold_projector::testing::{Interruption, Step, Steps, import_with};
use rollfold_projector::{
    Chain, ExportError, ExportOptions, FileSource, Home, ImportError, ImportOptions, ImportedAs,
    NameEntry, Names, SelectError, Store, SyncOptions, export, import, materialize,
};
use tempfile::TempDir;

use crate::support::{days_old, log_bytes, small_log, tree};

const ROOT: &str = "019bb0c0-0000-7000-8000-000000000001";
const CHILD: &str = "019bb0c0-0000-7000-8000-000000000002";
const FORK: &str = "019bb0c0-0000-7000-8000-000000000003";
const OTHER: &str = "019bb0c0-0000-7000-8000-000000000004";
const SEGMENT: &str = "019bb0c0-0000-7000-8000-00000000000b";

fn spawned(thread: &str) -> Vec<String> {
    match thread {
        ROOT => vec![CHILD.into()],
        CHILD => vec![ROOT.into()],
        _ => Vec::new(),
    }
}

const SUBTREE: ExportOptions<'static> =
    ExportOptions { children: Some(&spawned), is_dry_run: false };
const ALONE: ExportOptions<'static> = ExportOptions { children: None, is_dry_run: false };

struct Place {
    folder: TempDir,
    home: Home,
}

impl Place {
    fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path().join("home"));
        Self { folder, home }
    }

    /// A thread of two segments, one of them compressed and put away; what it spawned; a thread
    /// that goes on from it; and another one.
    fn full() -> Self {
        let place = Self::empty();
        let log = rollout_bytes(&Swarm::new(5, 30));
        let put = |path: PathBuf, bytes: &[u8]| days_old(&path, bytes, 10);
        let day = place.home.sessions_dir().join("2026/03/01");
        let (archived, name) = (place.home.archived_dir(), "rollout-2026-03-01T10-00-00");
        put(day.join(format!("{name}-{ROOT}.jsonl")), &log);
        put(
            archived.join(format!("{name}-{ROOT}_{SEGMENT}.jsonl.zst")),
            &zstd::encode_all(&based_on(ROOT, &log)[..], 3).unwrap(),
        );
        // Cut off in the middle of a line, as by a crash.
        put(day.join(format!("{name}-{CHILD}.jsonl")), &log[..log.len() - 7]);
        put(day.join(format!("{name}-{FORK}.jsonl")), &based_on(ROOT, &log));
        put(day.join(format!("{name}-{OTHER}.jsonl")), &small_log());
        for (id, thread_name) in [(ROOT, "first"), (OTHER, "other"), (ROOT, "the root")] {
            let (id, thread_name) = (id.to_owned(), thread_name.to_owned());
            let entry = NameEntry { id, thread_name, updated_at: "2026".into() };
            Names::append(place.home.names_path(), &entry).unwrap();
        }
        place
    }

    fn bundle(&self) -> PathBuf {
        self.folder.path().join("bundle")
    }

    /// What the store makes of every log: its key, the digest of its lines, and what they mean.
    fn folded(&self) -> Vec<(String, String, rollfold_core::Snapshot)> {
        let store = Store::in_memory().unwrap();
        let scan = self.home.scan().unwrap();
        let mut folded = Vec::new();
        for found in &scan.files {
            let own = Box::new(FileSource::open(&found.path).unwrap());
            let chain = Chain::open(own, &scan).unwrap();
            store.sync(&chain, &SyncOptions::default()).unwrap();
            let view = store.thread(&found.key).unwrap().unwrap();
            let digest = view.state().digest().to_string();
            folded.push((found.key.clone(), digest, view.snapshot().unwrap()));
        }
        folded.sort_by(|one, other| one.0.cmp(&other.0));
        folded
    }
}

fn based_on(base: &str, log: &[u8]) -> Vec<u8> {
    let end = log.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let mut bytes = format!(
        "{{\"timestamp\":\"2026-03-01T10:00:00.000Z\",\"type\":\"session_meta\",\"payload\":\
         {{\"id\":\"{base}\",\"timestamp\":\"2026-03-01T10:00:00Z\",\"cwd\":\"/home/a/work\",\
         \"originator\":\"o\",\"cli_version\":\"1\",\"history_base\":{{\"thread_id\":\"{base}\",\
         \"end_ordinal_exclusive\":1,\"end_byte_offset\":{end}}}}}}}\n"
    )
    .into_bytes();
    bytes.extend(small_log());
    bytes
}

fn times(place: &Place) -> Vec<(String, SystemTime)> {
    let files = place.home.scan().unwrap().files;
    let time = |path: PathBuf| fs::metadata(path).unwrap().modified().unwrap();
    files.into_iter().map(|found| (found.key.clone(), time(found.file_path()))).collect()
}

fn close(one: SystemTime, other: SystemTime) -> bool {
    let apart = one.duration_since(other).or_else(|_| other.duration_since(one)).unwrap();
    apart.as_millis() < 2
}

#[test]
fn a_thread_is_the_same_elsewhere() {
    let (here, there) = (Place::full(), Place::empty());
    let before = tree(here.home.root());
    let exported = export(&here.home, ROOT, here.bundle(), &SUBTREE).unwrap();
    assert_eq!(tree(here.home.root()), before);
    assert_eq!(fs::metadata(here.bundle()).unwrap().len(), exported.bundle_bytes);
    assert_eq!((exported.manifest.logs.len(), exported.manifest.names.len()), (3, 1));

    let dry = ImportOptions { is_dry_run: true, ..ImportOptions::default() };
    let planned = import(&there.home, here.bundle(), &dry).unwrap();
    assert_eq!((planned.outcome, planned.added.len()), (ImportedAs::New, 0));
    assert!(!there.home.root().exists());

    let imported = import(&there.home, here.bundle(), &ImportOptions::default()).unwrap();
    assert_eq!((imported.outcome, imported.added.len()), (ImportedAs::New, 3));
    assert_eq!(imported.manifest, exported.manifest);
    let folded = here.folded();
    let of_bundle = |key: &str| !key.contains(FORK) && !key.contains(OTHER);
    let expected: Vec<_> = folded.into_iter().filter(|(key, ..)| of_bundle(key)).collect();
    assert!(there.folded() == expected);
    assert_eq!(there.home.names().unwrap().name(ROOT), Some("the root"));
    for (key, time) in times(&there) {
        let (_, was) = times(&here).into_iter().find(|(was, _)| *was == key).unwrap();
        assert!(close(time, was), "{key}");
    }
    let archived = there.home.archived_dir();
    let segment = archived.join(format!("rollout-2026-03-01T10-00-00-{ROOT}_{SEGMENT}.jsonl"));
    assert!(segment.exists());

    // Once more changes nothing, and says so; also when a log was compressed or moved since.
    let after = tree(there.home.root());
    let again = import(&there.home, here.bundle(), &ImportOptions::default()).unwrap();
    assert_eq!((again.outcome, again.added.len()), (ImportedAs::AlreadyThere, 0));
    assert_eq!(tree(there.home.root()), after);
    assert!(import(&here.home, here.bundle(), &ImportOptions::default()).unwrap().added.is_empty());
    assert_eq!(tree(here.home.root()), before);
    fs::remove_file(segment).unwrap();
    let rest = import(&there.home, here.bundle(), &ImportOptions::default()).unwrap();
    assert_eq!((rest.outcome, rest.added.len()), (ImportedAs::Completed, 1));
    assert_eq!(tree(there.home.root()), after);
}

/// What a log goes on from comes with it: without, it would mean something else.
#[test]
fn a_fork_takes_what_it_goes_on_from_with_it() {
    let (here, there) = (Place::full(), Place::empty());
    let dry = ExportOptions { is_dry_run: true, ..ALONE };
    let planned = export(&here.home, FORK, here.bundle(), &dry).unwrap();
    assert!(!here.bundle().exists());
    let exported = export(&here.home, &FORK.to_uppercase(), here.bundle(), &ALONE).unwrap();
    let names = |of: &rollfold_projector::Exported| -> Vec<String> {
        of.manifest.logs.iter().map(|log| log.name.clone()).collect()
    };
    assert_eq!((names(&exported).len(), names(&exported)), (2, names(&planned)));
    import(&there.home, here.bundle(), &ImportOptions::default()).unwrap();
    let folded = here.folded();
    for log in there.folded() {
        assert!(folded.contains(&log), "{}", log.0);
    }
}

#[test]
fn what_cannot_be_exported_is_said() {
    let here = Place::full();
    let error = export(&here.home, SEGMENT, here.bundle(), &ALONE).unwrap_err();
    assert!(matches!(error, ExportError::Select(SelectError::Unknown { .. })), "{error}");
    fs::write(here.bundle(), "x").unwrap();
    let error = export(&here.home, ROOT, here.bundle(), &ALONE).unwrap_err();
    assert!(matches!(error, ExportError::Occupied { .. }), "{error}");
    fs::remove_file(here.bundle()).unwrap();
    let packed = here.home.scan().unwrap();
    let packed = packed.files.iter().find(|found| found.is_archived).unwrap().file_path();
    let bytes = fs::read(&packed).unwrap();
    fs::write(&packed, &bytes[..bytes.len() / 2]).unwrap();
    let error = export(&here.home, ROOT, here.bundle(), &ALONE).unwrap_err();
    assert!(matches!(error, ExportError::Damaged { .. }), "{error}");
    let names = fs::read_dir(here.folder.path()).unwrap().count();
    assert_eq!(names, 1, "only the home is there");
}

#[test]
fn a_thread_that_is_there_with_other_bytes_is_left_alone() {
    let here = Place::full();
    export(&here.home, ROOT, here.bundle(), &SUBTREE).unwrap();
    let log = here
        .home
        .sessions_dir()
        .join(format!("2026/03/01/rollout-2026-03-01T10-00-00-{ROOT}.jsonl"));
    // It has been gone on with; another segment was added; it is there compressed.
    let changes: [&dyn Fn(&Place); 3] = [
        &|there| {
            days_old(
                &there
                    .home
                    .sessions_dir()
                    .join(log.strip_prefix(here.home.sessions_dir()).unwrap()),
                &[log_bytes(&log), b"{}\n".to_vec()].concat(),
                1,
            )
        },
        &|there| {
            days_old(
                &there
                    .home
                    .archived_dir()
                    .join(format!("rollout-2026-03-05T10-00-00-{CHILD}_{SEGMENT}.jsonl")),
                b"{}\n",
                1,
            )
        },
        &|there| {
            let frame = zstd::encode_all(&b"other\n"[..], 3).unwrap();
            days_old(
                &there
                    .home
                    .archived_dir()
                    .join(format!("rollout-2026-03-01T10-00-00-{ROOT}.jsonl.zst")),
                &frame,
                1,
            );
        },
    ];
    for change in changes {
        let there = Place::empty();
        change(&there);
        let before = tree(there.home.root());
        let error = import(&there.home, here.bundle(), &ImportOptions::default()).unwrap_err();
        assert!(matches!(error, ImportError::OtherBytes { .. }), "{error}");
        assert_eq!(tree(there.home.root()), before);
    }
}

/// A failure at any log takes all of them back; a kill leaves some, and the same again ends it.
#[test]
fn all_of_a_bundle_or_nothing() {
    let here = Place::full();
    export(&here.home, ROOT, here.bundle(), &SUBTREE).unwrap();
    let whole = Place::empty();
    import(&whole.home, here.bundle(), &ImportOptions::default()).unwrap();
    let whole = tree(whole.home.root());
    for stop_at in 0..6 {
        for kills in [false, true] {
            let there = Place::empty();
            let stray = there.home.sessions_dir().join("2026/03/01/notes.txt");
            days_old(&stray, b"x", 1);
            let before = tree(there.home.root());
            let count = AtomicUsize::new(0);
            let hook = |step| match step {
                Step::Place | Step::Moved if count.fetch_add(1, Ordering::Relaxed) == stop_at => {
                    match kills {
                        true => Interruption::Kill,
                        false => Interruption::Fail(std::io::ErrorKind::StorageFull),
                    }
                }
                _ => Interruption::None,
            };
            let options = ImportOptions::default();
            let error =
                import_with(&there.home, here.bundle(), &options, Steps::new(&hook)).unwrap_err();
            if !kills {
                // A log may have got its place before its move was said to have failed.
                assert_eq!(tree(there.home.root()), before, "{stop_at}: {error}");
                assert!(!there.home.archived_dir().exists());
            }
            import(&there.home, here.bundle(), &options).unwrap();
            fs::remove_file(stray).unwrap();
            let mut after = tree(there.home.root());
            after.retain(|path, _| !path.starts_with(".tmp"));
            assert_eq!(after, whole, "{stop_at}");
        }
    }
}

#[test]
fn paths_are_shown_as_others_and_kept_as_they_are() {
    let (here, there) = (Place::full(), Place::empty());
    export(&here.home, FORK, here.bundle(), &ALONE).unwrap();
    let store = Store::in_memory().unwrap();
    let prefixes = [("/home/a".to_owned(), "C:\\b".to_owned())];
    let overlay = Some((&store, &prefixes[..]));
    let options = ImportOptions { overlay, ..ImportOptions::default() };
    import(&there.home, here.bundle(), &options).unwrap();
    let key = format!("rollout-2026-03-01T10-00-00-{FORK}");
    let log = there.home.sessions_dir().join(format!("2026/03/01/{key}.jsonl"));
    assert!(
        log_bytes(&log)
            == log_bytes(&here.home.sessions_dir().join(format!("2026/03/01/{key}.jsonl")))
    );
    store.sync(&FileSource::open(&log).unwrap(), &SyncOptions::default()).unwrap();
    let cwd = store.shown_cwd(&key).unwrap().unwrap();
    assert_eq!((&*cwd.recorded, &*cwd.shown), ("/home/a/work", "C:\\b/work"));
    store.set_overlay(&key, &[]).unwrap();
    assert_eq!(store.overlay(&key).unwrap().prefixes(), []);
    assert!(materialize(&log).is_ok());
}

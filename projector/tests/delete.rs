//! Deleting threads, and forgetting what was folded of them.

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow::Continue;
use std::path::Path;

use rollfold_core::testing::{Swarm, rollout_bytes};
use rollfold_projector::testing::{Interruption, Step, Steps, delete_with};
use rollfold_projector::{
    DeleteError, DeleteOptions, FileSource, Forgotten, Home, IndexOptions, Library, MemSource,
    NameEntry, Names, SelectError, Store, SyncOptions, ThreadLock, delete,
};
use tempfile::TempDir;

use crate::support::{days_old, event, small_log, tree};

const ROOT: &str = "019bb0c0-0000-7000-8000-000000000001";
const CHILD: &str = "019bb0c0-0000-7000-8000-000000000002";
const OTHER: &str = "019bb0c0-0000-7000-8000-000000000003";
const SEGMENT: &str = "019bb0c0-0000-7000-8000-00000000000b";
const NOBODY: &str = "019bb0c0-0000-7000-8000-0000000000ff";

fn spawned(thread: &str) -> Vec<String> {
    match thread {
        ROOT => vec![CHILD.into()],
        CHILD => vec![ROOT.into()],
        _ => Vec::new(),
    }
}

fn nobody(_thread: &str) -> Vec<String> {
    Vec::new()
}

const SUBTREE: DeleteOptions<'static> = DeleteOptions { children: &spawned, is_dry_run: false };

struct Threads {
    folder: TempDir,
    home: Home,
    store: Store,
}

/// A log of which something is in every table.
fn rich_log() -> Vec<u8> {
    let mut log = Vec::new();
    for (thread, from) in [(ROOT, CHILD), (CHILD, NOBODY)] {
        let meta = format!("\"forked_from_id\":\"{from}\",\"history_base\"");
        let meta =
            String::from_utf8(based_on(thread, from)).unwrap().replace("\"history_base\"", &meta);
        log.extend(meta.replace("history_base", "another").bytes());
    }
    log.extend(rollout_bytes(&Swarm::new(3, 60)));
    log.extend(small_log());
    let usage = "{\"input_tokens\":1,\"cached_input_tokens\":0,\"output_tokens\":1,\
                 \"reasoning_output_tokens\":0,\"total_tokens\":2}";
    let info = format!("{{\"total_token_usage\":{usage},\"last_token_usage\":{usage}}}");
    log.extend(event(&format!("{{\"type\":\"token_count\",\"info\":{info}}}")).bytes());
    let long = "long ".repeat(30_000);
    log.extend(event(&format!("{{\"type\":\"user_message\",\"message\":\"{long}\"}}")).bytes());
    log
}

fn based_on(thread: &str, base: &str) -> Vec<u8> {
    format!(
        "{{\"timestamp\":\"2026-03-01T10:00:00.000Z\",\"type\":\"session_meta\",\"payload\":\
         {{\"id\":\"{thread}\",\"timestamp\":\"2026-03-01T10:00:00Z\",\"cwd\":\"/\",\
         \"originator\":\"o\",\"cli_version\":\"1\",\"history_base\":{{\"thread_id\":\"{base}\",\
         \"end_ordinal_exclusive\":1,\"end_byte_offset\":1}}}}}}\n"
    )
    .into_bytes()
}

impl Threads {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path());
        let (sessions, archived) = (home.sessions_dir(), home.archived_dir());
        let log = rich_log();
        let day = sessions.join("2026/03/01");
        let name = format!("rollout-2026-03-01T10-00-00-{ROOT}");
        days_old(&day.join(format!("{name}.jsonl")), &log, 1);
        days_old(&day.join(format!("{name}.jsonl.zst")), b"x", 1);
        days_old(&sessions.join(format!("2026/03/07/{name}.jsonl")), b"", 1);
        days_old(&day.join(format!(".{name}.jsonl.5-5-1.aside")), b"12345", 1);
        let segment = format!("rollout-2026-03-02T10-00-00-{ROOT}_{SEGMENT}.jsonl");
        days_old(&archived.join(segment), &based_on(ROOT, ROOT), 1);
        days_old(&archived.join(format!("rollout-2026-03-03T10-00-00-{CHILD}.jsonl")), &log, 1);
        days_old(&day.join(format!("rollout-2026-03-01T10-00-00-{OTHER}.jsonl")), &log, 1);
        days_old(&day.join("notes.txt"), b"x", 1);
        let names = [ROOT, OTHER, CHILD, ROOT].map(|id| {
            format!("{{\"id\":\"{id}\",\"thread_name\":\"n\",\"updated_at\":\"2026\"}}\n")
        });
        fs::write(home.names_path(), format!("{}odd\n", names.concat())).unwrap();
        let store = Store::in_memory().unwrap();
        let threads = Self { folder, home, store };
        threads.sync();
        threads
    }

    fn sync(&self) {
        for found in self.home.scan().unwrap().files {
            let source = FileSource::open(&found.path).unwrap();
            self.store.sync(&source, &SyncOptions::default()).unwrap();
        }
    }

    fn delete(&self, thread: &str) -> Result<rollfold_projector::Deleted, DeleteError> {
        delete(&self.home, Some(&self.store), thread, &SUBTREE)
    }

    fn assert_only_other_is_left(&self) {
        let day = Path::new("sessions/2026/03/01");
        let tree = tree(self.folder.path());
        let left: Vec<_> = tree.keys().map(|path| path.as_path()).collect();
        let other = day.join(format!("rollout-2026-03-01T10-00-00-{OTHER}.jsonl"));
        assert_eq!(left, [Path::new("session_index.jsonl"), &*day.join("notes.txt"), &*other]);
        let names = fs::read_to_string(self.home.names_path()).unwrap();
        assert_eq!(names.lines().count(), 2, "{names}");
        assert!(names.contains(OTHER) && names.ends_with("odd\n"));
        assert_eq!(rows(&self.store), rows_of_one(OTHER, &rich_log()));
        assert!(self.store.deletions().unwrap().is_empty());
    }
}

/// How many rows every table has but `meta`, which is of the store itself.
fn rows(store: &Store) -> BTreeMap<String, u64> {
    let mut rows = store.count_rows().unwrap();
    rows.remove("meta").unwrap();
    rows
}

fn rows_of_one(thread: &str, log: &[u8]) -> BTreeMap<String, u64> {
    let store = Store::in_memory().unwrap();
    let key = format!("rollout-2026-03-01T10-00-00-{thread}");
    store.sync(&MemSource::new(key, log), &SyncOptions::default()).unwrap();
    rows(&store)
}

/// A table that a deletion forgets keeps rows here: every table must have some before.
#[test]
fn nothing_of_a_forgotten_log_stays_in_any_table() {
    let library = Library::open(Store::in_memory().unwrap()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let names = folder.path().join("names");
    let store = library.store();
    let id = |number: u32| format!("019bb0c0-0000-7000-8000-0000000001{number:02}");
    let key = |number: u32| format!("rollout-2026-03-{number:02}T10-00-00-{}", id(number));
    let home = Home::at(folder.path().join("home"));
    fs::create_dir(home.root()).unwrap();
    let empty = rows(store);
    let fill = |number: u32| {
        let mut source = MemSource::new(key(number), rich_log());
        store.sync(&source, &SyncOptions::default()).unwrap();
        source.bytes.truncate(1000);
        source.bytes.extend(rich_log());
        store.sync(&source, &SyncOptions::default()).unwrap();
        store.set_overlay(&key(number), &[("/a".into(), "/b".into())]).unwrap();
        let (thread_name, updated_at) = ("n".into(), String::new());
        let entry = NameEntry { id: id(number), thread_name, updated_at };
        fs::write(&names, serde_json::to_string(&entry).unwrap()).unwrap();
        library.put_names(&Names::read(&names).unwrap()).unwrap();
        let file = home.archived_dir().join(format!("{}.jsonl", key(number)));
        days_old(&file, &source.bytes, 1);
        store
            .sync_homes(std::slice::from_ref(&home), &SyncOptions::default(), |_| Continue(()))
            .unwrap();
        fs::remove_file(file).unwrap();
        store.index_thread(&key(number), &IndexOptions::default()).unwrap();
        // One more line that the index does not know.
        source.bytes.extend(event("{\"type\":\"task_started\",\"turn_id\":\"last\"}").bytes());
        store.sync(&source, &SyncOptions::default()).unwrap();
    };
    fill(1);
    let one = rows(store);
    let is_same = |(table, len): &(&String, &u64)| **len <= empty[*table];
    let without: Vec<_> = one.iter().filter(is_same).map(|(table, _)| table).collect();
    // What is in it is only there while a deletion goes on.
    assert_eq!(without, ["deletions"]);
    fill(2);
    fill(3);
    let (first, third) = (key(1), key(3));
    let forgotten = store.forget(&[&third, &first, "no such log"]).unwrap();
    assert_eq!(forgotten, Forgotten { logs: 2, generations: 4 });
    assert_eq!(rows(store), one);
    assert!(store.thread(&first).unwrap().is_none() && store.thread(&third).unwrap().is_none());
    assert!(store.thread(&key(2)).unwrap().is_some());
    // What is synced again is new, and whole.
    fill(1);
    fill(3);
    store.forget(&[&key(1), &key(2), &key(3)]).unwrap();
    let mut left = rows(store);
    // The home is there still.
    assert_eq!(left.insert("homes".into(), 0), Some(1));
    assert_eq!(left, empty);
}

/// A list that was read before shows what is there now, though numbers are used again.
#[test]
fn a_library_follows_what_is_forgotten() {
    let library = Library::open(Store::in_memory().unwrap()).unwrap();
    let key = |thread: &str| format!("rollout-2026-03-01T10-00-00-{thread}");
    let sync = |thread: &str| {
        let source = MemSource::new(key(thread), based_on(thread, NOBODY));
        library.store().sync(&source, &SyncOptions::default()).unwrap();
    };
    sync(ROOT);
    sync(CHILD);
    library.refresh().unwrap();
    library.store().forget(&[&key(CHILD)]).unwrap();
    sync(OTHER);
    library.refresh().unwrap();
    let is_there = [ROOT, CHILD, OTHER].map(|thread| library.thread(thread).is_some());
    assert_eq!(is_there, [true, false, true]);
}

#[test]
fn a_thread_goes_with_all_that_it_spawned() {
    let threads = Threads::new();
    let before = tree(threads.folder.path());
    let dry = DeleteOptions { is_dry_run: true, ..SUBTREE };
    let planned = delete(&threads.home, Some(&threads.store), ROOT, &dry).unwrap();
    assert_eq!(tree(threads.folder.path()), before);
    assert_eq!(planned.threads, [CHILD, ROOT]);
    let deleted = threads.delete(ROOT).unwrap();
    assert_eq!((&deleted.threads, &deleted.files), (&planned.threads, &planned.files));
    assert_eq!((deleted.files.len(), deleted.names, planned.names), (6, 3, 3));
    assert_eq!((deleted.rows.logs, planned.rows.logs), (3, 3));
    threads.assert_only_other_is_left();
    threads.sync();
    threads.assert_only_other_is_left();
    let again = threads.delete(ROOT).unwrap_err();
    assert!(matches!(again, DeleteError::Select(SelectError::Unknown { .. })), "{again}");
    assert!(!threads.home.root().join(format!("thread-writer-locks/{ROOT}.lock")).exists());
}

#[test]
fn a_kill_anywhere_is_ended_by_the_same_again() {
    let count = std::sync::atomic::AtomicUsize::new(0);
    let tick = || count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let all = Threads::new();
    let hook = |_| {
        tick();
        Interruption::None
    };
    delete_with(&all.home, Some(&all.store), ROOT, &SUBTREE, Steps::new(&hook)).unwrap();
    let steps = count.load(std::sync::atomic::Ordering::Relaxed);
    assert!(steps >= 7);
    for kill_at in 0..steps {
        let threads = Threads::new();
        count.store(0, std::sync::atomic::Ordering::Relaxed);
        let hook = |_| if tick() == kill_at { Interruption::Kill } else { Interruption::None };
        let store = Some(&threads.store);
        delete_with(&threads.home, store, ROOT, &SUBTREE, Steps::new(&hook)).unwrap_err();
        assert_eq!(threads.store.deletions().unwrap()[ROOT].threads, [CHILD, ROOT]);
        // A sync meanwhile, and nobody who knows what was spawned any more.
        threads.sync();
        let options = DeleteOptions { children: &nobody, is_dry_run: false };
        delete(&threads.home, store, ROOT, &options).unwrap();
        threads.assert_only_other_is_left();
    }
}

/// A25: what others go on from stays until they go.
#[test]
fn what_others_go_on_from_stays() {
    for base in [ROOT, SEGMENT] {
        let threads = Threads::new();
        let fork = threads
            .home
            .sessions_dir()
            .join(format!("2026/03/09/rollout-2026-03-09T10-00-00-{NOBODY}.jsonl"));
        days_old(&fork, &based_on(NOBODY, &base.to_uppercase()), 1);
        let before = tree(threads.folder.path());
        match threads.delete(ROOT).unwrap_err() {
            DeleteError::Referenced { path, by } => {
                assert!(path.to_str().unwrap().contains(base), "{}", path.display());
                assert_eq!(by, [fork]);
            }
            other => panic!("{other}"),
        }
        assert_eq!(tree(threads.folder.path()), before);
        assert!(threads.store.deletions().unwrap().is_empty());
        // With the fork among those that go, nobody is left who needs it.
        let children = |thread: &str| match thread {
            ROOT => vec![CHILD.to_owned(), NOBODY.to_owned()],
            _ => Vec::new(),
        };
        let options = DeleteOptions { children: &children, is_dry_run: false };
        delete(&threads.home, Some(&threads.store), ROOT, &options).unwrap();
        threads.assert_only_other_is_left();
    }
}

#[test]
fn a_thread_whose_files_are_gone_is_forgotten() {
    let threads = Threads::new();
    fs::remove_dir_all(threads.home.sessions_dir()).unwrap();
    fs::remove_dir_all(threads.home.archived_dir()).unwrap();
    let deleted = threads.delete(ROOT).unwrap();
    assert_eq!((deleted.files.len(), deleted.rows.logs), (0, 3));
    assert_eq!(rows(&threads.store), rows_of_one(OTHER, &rich_log()));
    // Without a store nothing is known of it.
    assert!(delete(&threads.home, None, OTHER, &SUBTREE).is_err());
}

#[test]
fn a_thread_that_is_written_is_not_deleted() {
    let threads = Threads::new();
    let _lock = ThreadLock::acquire(&threads.home, CHILD, "test").unwrap();
    let before = tree(threads.folder.path());
    let error = threads.delete(ROOT).unwrap_err();
    assert!(matches!(error, DeleteError::Select(SelectError::Lock(_))), "{error}");
    assert_eq!(tree(threads.folder.path()), before);
}

#[test]
fn a_failure_is_told_and_the_rest_is_deleted_by_the_same_again() {
    let threads = Threads::new();
    let hook = |step| match step {
        Step::FilesGone => Interruption::Fail(std::io::ErrorKind::PermissionDenied),
        _ => Interruption::None,
    };
    let store = Some(&threads.store);
    let error = delete_with(&threads.home, store, ROOT, &SUBTREE, Steps::new(&hook)).unwrap_err();
    assert!(matches!(error, DeleteError::File(_)), "{error}");
    threads.delete(ROOT).unwrap();
    threads.assert_only_other_is_left();
}

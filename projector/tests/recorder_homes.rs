//! Recorded threads among others: a home that is written while it is synced and listed.

use std::ops::ControlFlow;

use rollfold_core::model::ItemsView;
use rollfold_projector::{
    Cut, Fork, Form, Home, Library, NewRecord, Recorder, RecorderOptions, Store, SyncOptions,
    ThreadLock, ThreadMode, open_thread,
};

use crate::recording::{TestIds, assert_accepted, home, id, options, thread};

fn options_from(first_id: u64) -> RecorderOptions {
    RecorderOptions { ids: TestIds::from(first_id), ..options() }
}

fn begin(home: &Home, first_id: u64) -> Recorder {
    let options = options_from(first_id);
    let mut recorder = Recorder::create(home, &thread(ThreadMode::Paginated), &options).unwrap();
    turn(&mut recorder, "first");
    recorder.sync().unwrap();
    recorder
}

fn turn(recorder: &mut Recorder, id: &str) {
    recorder.append(NewRecord::turn_started(id, None)).unwrap();
    recorder.append(NewRecord::message("user", id)).unwrap();
    recorder.append(NewRecord::turn_complete(id, None)).unwrap();
}

/// The ids of the threads that a library lists, and of the turns of each.
fn listed(home: &Home, store: &Store) -> Vec<(String, Vec<String>)> {
    let synced = store.sync_homes(std::slice::from_ref(home), &SyncOptions::default(), |_| {
        ControlFlow::Continue(())
    });
    assert_eq!(synced.unwrap().failed, 0);
    let scan = home.scan().unwrap();
    let mut threads: Vec<_> = scan
        .files
        .iter()
        .map(|found| {
            let view = store.thread(&found.key).unwrap().unwrap();
            let turns = view.turns(ItemsView::NotLoaded);
            let turns = turns.map(|turn| turn.unwrap().value.id.to_string()).collect();
            (view.thread().unwrap().id().unwrap().to_string(), turns)
        })
        .collect();
    threads.sort();
    threads
}

#[test]
fn forks_are_threads_of_their_own_in_a_library_and_grow_with_their_writers() {
    let (_folder, home) = home();
    let origin = begin(&home, 100);
    let source = open_thread(&home, origin.thread_id()).unwrap();
    let child = thread(ThreadMode::Paginated);
    let fork = Fork::default();
    let options = options_from(200);
    let (mut copy, _) = Recorder::fork_by_copy(&home, &source, &child, &fork, &options).unwrap();
    let options = options_from(300);
    let (mut reference, taken) =
        Recorder::fork_by_reference(&home, &source, &child, &fork, &options).unwrap();
    assert_eq!(taken.records, 4);

    let store = Store::in_memory().unwrap();
    let ids = [&origin, &copy, &reference].map(|it| it.thread_id().to_owned());
    let of = |turns: [&[&str]; 3]| {
        let turns = turns.map(|turns| turns.iter().map(|&turn| turn.to_owned()).collect());
        ids.iter().cloned().zip(turns).collect::<Vec<(String, Vec<String>)>>()
    };
    let first = ["first"];
    assert_eq!(listed(&home, &store), of([&first, &first, &first]));
    // Their writers have them still.
    for (number, recorder) in [&mut copy, &mut reference].into_iter().enumerate() {
        turn(recorder, &format!("own{number}"));
        recorder.flush().unwrap();
    }
    assert_eq!(listed(&home, &store), of([&first, &["first", "own0"], &["first", "own1"]]));
    let library = Library::open(store).unwrap();
    for id in &ids {
        let entry = library.thread(id).unwrap();
        assert_eq!(entry.cwd.as_deref(), Some("/work"));
        assert_eq!(entry.other_logs.len(), 0);
    }
}

#[test]
fn what_a_fork_goes_on_from_is_made_plain() {
    let (_folder, home) = home();
    let origin = begin(&home, 100);
    let (path, id) = (origin.path().to_owned(), origin.thread_id().to_owned());
    origin.close().unwrap();
    let packed = zstd::stream::encode_all(&*std::fs::read(&path).unwrap(), 3).unwrap();
    std::fs::write(path.with_extension("jsonl.zst"), packed).unwrap();
    std::fs::remove_file(&path).unwrap();
    let source = open_thread(&home, &id).unwrap();
    let fork = Fork { cut: Cut::AfterTurn("first".into()), ..Fork::default() };
    let (child, options) = (thread(ThreadMode::Paginated), options_from(200));
    let (mut fork, _) =
        Recorder::fork_by_reference(&home, &source, &child, &fork, &options).unwrap();
    turn(&mut fork, "own");
    fork.sync().unwrap();
    assert_accepted(fork.path());
    assert!(home.scan().unwrap().files.iter().all(|found| found.form == Form::Plain));
    let store = Store::in_memory().unwrap();
    assert_eq!(listed(&home, &store)[1].1, ["first", "own"]);
}

#[test]
fn a_lock_that_is_given_back_is_free_whoever_is_being_started() {
    let (_folder, home) = home();
    let is_done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        // Each has all files of this process open for a moment.
        scope.spawn(|| {
            for _ in 0..40 {
                let mut program = std::process::Command::new(std::env::current_exe().unwrap());
                let out = program.args(["--list", "--exact", "none"]).output().unwrap();
                assert!(out.status.success());
            }
            is_done.store(true, std::sync::atomic::Ordering::Relaxed);
        });
        while !is_done.load(std::sync::atomic::Ordering::Relaxed) {
            let lock = ThreadLock::acquire(&home, &id(1), "test");
            assert!(lock.unwrap().path().starts_with(home.root()));
        }
    });
}

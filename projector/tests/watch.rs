//! Homes that are followed: whatever is done to their files is in the store soon.

use std::fs;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rollfold_projector::{Home, Store, Watch, WatchEvent, WatchOptions};
use tempfile::TempDir;

use crate::support::{Model, event, small_log};

/// Long enough for any machine; nothing waits as long if all is well.
const DEADLINE: Duration = Duration::from_secs(60);

const KEY: &str = "rollout-2026-03-01T10-00-00-019bb0c0-0000-7000-8000-000000000001";

fn say(text: &str) -> String {
    event(&format!("{{\"type\":\"agent_message\",\"message\":\"{text}\"}}"))
}

fn append(path: &Path, text: &str) {
    let mut file = fs::OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < DEADLINE, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Follows a home that is not there yet, while `act` does things to it.
fn watched(options: WatchOptions, act: impl FnOnce(&Home, &dyn Fn(&str, &[u8]))) {
    let dir = TempDir::new().unwrap();
    let home = Home::at(dir.path().join("later/home"));
    let store = Store::in_memory().unwrap();
    let watch = Watch::new(options);
    let stopper = watch.stopper();
    std::thread::scope(|scope| {
        let (homes, store) = (std::slice::from_ref(&home), &store);
        let watching = scope.spawn(|| watch.run(store, homes, |_| ControlFlow::Continue(())));
        let stopped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            act(&home, &|what, log| {
                wait_until(what, || {
                    let view = store.thread(KEY).unwrap();
                    view.is_some_and(|view| {
                        view.state().position.offset_bytes == log.len() as u64
                            && view.state() == &Model::of(log).folder.frontier().state
                    })
                });
                Model::of(log).assert_same(store, KEY);
            });
        }));
        stopper.stop();
        watching.join().unwrap().unwrap();
        if let Err(panic) = stopped {
            std::panic::resume_unwind(panic);
        }
    });
}

/// Everything that happens to a log.
fn a_life(home: &Home, has: &dyn Fn(&str, &[u8])) {
    let day = home.sessions_dir().join("2026/03/01");
    let path = day.join(format!("{KEY}.jsonl"));
    std::thread::sleep(Duration::from_millis(50));
    fs::create_dir_all(&day).unwrap();
    let mut log = small_log();
    fs::write(&path, &log).unwrap();
    has("a home that came later", &log);
    for number in 0..3 {
        let line = say(&number.to_string());
        append(&path, &line);
        log.extend(line.into_bytes());
        has("an append", &log);
    }
    let half = say("in two pieces");
    let (one, other) = half.split_at(20);
    append(&path, one);
    append(&path, other);
    log.extend(half.into_bytes());
    has("a line in two pieces", &log);

    let archived = home.archived_dir().join(format!("{KEY}.jsonl"));
    fs::create_dir_all(home.archived_dir()).unwrap();
    fs::rename(&path, &archived).unwrap();
    append(&archived, &say("archived"));
    log.extend(say("archived").into_bytes());
    has("an archived log", &log);

    let packed: PathBuf = archived.with_extension("jsonl.zst");
    log.extend(say("compressed").into_bytes());
    fs::write(&packed, zstd::stream::encode_all(&*log, 3).unwrap()).unwrap();
    fs::remove_file(&archived).unwrap();
    has("a compressed log", &log);

    let cut = log.len() / 2;
    let end = log[..cut].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    log.truncate(end);
    fs::remove_file(&packed).unwrap();
    fs::create_dir_all(&day).unwrap();
    fs::write(&path, &log).unwrap();
    has("a log cut off", &log);

    // The home goes as a whole, and comes again.
    let aside = home.root().with_extension("aside");
    fs::rename(home.root(), &aside).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    fs::rename(&aside, home.root()).unwrap();
    append(&path, &say("back"));
    log.extend(say("back").into_bytes());
    has("a home that came again", &log);
}

#[test]
fn what_the_system_tells_of_is_synced() {
    let options = WatchOptions { look: Duration::from_secs(2), ..WatchOptions::default() };
    watched(options, a_life);
}

#[test]
fn what_is_looked_for_again_and_again_is_synced() {
    let poll = Duration::from_millis(30);
    watched(WatchOptions { only_polls: true, poll, ..WatchOptions::default() }, a_life);
}

#[test]
fn a_watch_ends_when_its_caller_says_so() {
    let dir = TempDir::new().unwrap();
    let home = Home::at(dir.path());
    let path = home.sessions_dir().join(format!("{KEY}.jsonl"));
    fs::create_dir_all(home.sessions_dir()).unwrap();
    fs::write(path, small_log()).unwrap();
    let store = Store::in_memory().unwrap();
    let mut events = Vec::new();
    Watch::new(WatchOptions::default())
        .run(&store, &[home, Home::at(dir.path().join("none"))], |event| {
            events.push(match event {
                WatchEvent::Files(done) => ("files", done.len()),
                WatchEvent::Synced(synced) => ("synced", synced.found),
                WatchEvent::Home(_) => ("home", 0),
                _ => ("other", 0),
            });
            match event {
                WatchEvent::Synced(_) => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        })
        .unwrap();
    assert_eq!(events, [("home", 0), ("files", 1), ("synced", 1)]);
}

//! What a sync finds, does and says.

use std::cell::Cell;
use std::io;
use std::ops::ControlFlow;

use rollfold_core::model::ItemsView;
use rollfold_core::{Options, Position};
use rollfold_projector::testing::FaultyDisk;
use rollfold_projector::{
    Generation, LogSource, MemSource, Outcome, QueryError, RewriteSign, Store, SyncError,
    SyncOptions,
};

use crate::support::{Model, line_by_line, line_ends, small_log};

fn sync(store: &Store, source: &MemSource) -> Outcome {
    store.sync(source, &SyncOptions::default()).unwrap().outcome
}

#[test]
fn a_second_sync_writes_nothing() {
    let disk = FaultyDisk::new();
    let store = Store::with_backend(disk.clone()).unwrap();
    let source = MemSource::new("log", small_log());
    let first = store.sync(&source, &SyncOptions::default()).unwrap();
    assert_eq!(first.outcome, Outcome::New);
    assert_eq!(first.bytes_read, source.bytes.len() as u64);
    let writes = disk.writes();
    let second = store.sync(&source, &SyncOptions::default()).unwrap();
    assert_eq!(second.outcome, Outcome::Unchanged);
    assert_eq!((second.lines, second.changes, second.diagnostics), (0, 0, 0));
    assert_eq!((second.position, second.counts), (first.position, first.counts));
    assert_eq!(disk.writes(), writes);
}

#[test]
fn one_more_line_reads_one_more_line() {
    let store = Store::in_memory().unwrap();
    // Long enough that what was folded is not compared as a whole.
    let log = small_log().repeat(30);
    let ends = line_ends(&log);
    let last = ends[ends.len() - 4];
    let mut source = MemSource::new("log", &log[..last]);
    sync(&store, &source);
    source.bytes.extend(&log[last..ends[ends.len() - 3]]);
    let synced = store.sync(&source, &SyncOptions::default()).unwrap();
    assert_eq!((synced.outcome, synced.lines, synced.changes), (Outcome::Appended, 1, 1));
    // The line, the tail before it and the blocks that are compared.
    assert!(synced.bytes_read <= 3 * 4096 + 200, "{}", synced.bytes_read);
    Model::of(&source.bytes).assert_same(&store, "log");
}

#[test]
fn an_empty_log_is_known_from_then_on() {
    let store = Store::in_memory().unwrap();
    assert!(store.thread("log").unwrap().is_none());
    let source = MemSource::new("log", "");
    assert_eq!(sync(&store, &source), Outcome::New);
    assert_eq!(sync(&store, &source), Outcome::Unchanged);
    let view = store.thread("log").unwrap().unwrap();
    assert_eq!(view.state().position, Position::default());
    assert_eq!(view.turns(ItemsView::Full).count(), 0);
}

#[test]
fn a_torn_tail_waits() {
    let store = Store::in_memory().unwrap();
    let log = small_log();
    let ends = line_ends(&log);
    let mut source = MemSource::new("log", &log[..ends[2] - 5]);
    let synced = store.sync(&source, &SyncOptions::default()).unwrap();
    assert_eq!((synced.lines, synced.diagnostics), (2, 0));
    assert_eq!(synced.pending_bytes, (ends[2] - 5 - ends[1]) as u64);
    assert_eq!(sync(&store, &source), Outcome::Unchanged);
    // What waits may change: it was never folded.
    source.bytes.truncate(ends[1]);
    assert_eq!(sync(&store, &source), Outcome::Unchanged);
    source.bytes.extend(&log[ends[1]..]);
    let synced = store.sync(&source, &SyncOptions::default()).unwrap();
    assert_eq!((synced.outcome, synced.generation), (Outcome::Appended, 0));
    Model::of(&log).assert_same(&store, "log");
}

#[test]
fn a_shorter_log_is_a_new_generation() {
    let store = Store::in_memory().unwrap();
    let log = small_log();
    let mut source = MemSource::new("log", log.clone());
    sync(&store, &source);
    source.bytes.truncate(line_ends(&log)[9]);
    let outcome = Outcome::Rewritten { sign: RewriteSign::Shorter, kept: 0 };
    let synced = store.sync(&source, &SyncOptions::default()).unwrap();
    assert_eq!((synced.outcome, synced.generation, synced.lines), (outcome, 1, 10));
    Model::of(&source.bytes).assert_same(&store, "log");
    Model::of(&log).assert_same_rows(&store.generation("log", 0).unwrap().unwrap());
    assert!(store.generation("log", 2).unwrap().is_none());
    assert_eq!(sync(&store, &source), Outcome::Unchanged);

    source.bytes.clear();
    let outcome = Outcome::Rewritten { sign: RewriteSign::Shorter, kept: 1 };
    assert_eq!(sync(&store, &source), outcome);
    assert_eq!(sync(&store, &source), Outcome::Unchanged);
    source.bytes = log.clone();
    assert_eq!(sync(&store, &source), Outcome::Appended);
    Model::of(&log).assert_same(&store, "log");
    let generation = |number| Generation { key: "log".to_owned(), number };
    let first = store.generations(None, 2).unwrap();
    assert_eq!(first.rows, [generation(0), generation(1)]);
    let last = store.generations(first.next.as_ref(), 2).unwrap();
    assert_eq!((last.rows, last.next), (vec![generation(2)], None));
}

#[test]
fn other_bytes_are_a_new_generation() {
    let store = Store::in_memory().unwrap();
    let log = small_log();
    let mut source = MemSource::new("log", log.clone());
    sync(&store, &source);
    let at = source.bytes.len() - 100;
    source.bytes[at] ^= 1;
    source.bytes.extend(b"{}\n");
    let outcome = Outcome::Rewritten { sign: RewriteSign::OtherBytes, kept: 0 };
    assert_eq!(sync(&store, &source), outcome);
    Model::of(&source.bytes).assert_same(&store, "log");
    Model::of(&log).assert_same_rows(&store.generation("log", 0).unwrap().unwrap());
}

#[test]
fn a_stopped_sync_keeps_what_it_committed() {
    let store = Store::in_memory().unwrap();
    let log = small_log();
    let source = MemSource::new("log", log.clone());
    for stop in [3, 8] {
        let synced = store.sync_with(&source, &line_by_line(), |progress| {
            if progress.lines == stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        let synced = synced.unwrap();
        assert!(synced.is_stopped);
        assert_eq!(synced.position.seq, stop);
        let end = usize::try_from(synced.position.offset_bytes).unwrap();
        assert_eq!(synced.pending_bytes, (log.len() - end) as u64);
        Model::of(&log[..end]).assert_same(&store, "log");
    }
    let synced = store.sync(&source, &line_by_line()).unwrap();
    assert!(!synced.is_stopped);
    Model::of(&log).assert_same(&store, "log");
}

#[test]
fn other_options_are_refused() {
    let store = Store::in_memory().unwrap();
    let source = MemSource::new("log", small_log());
    sync(&store, &source);
    let options = SyncOptions { fold: Options::REFERENCE, ..SyncOptions::default() };
    let error = store.sync(&source, &options).unwrap_err();
    let SyncError::Options { stored, asked, .. } = error else { panic!("{error}") };
    assert_eq!((stored, asked), (Options::default(), Options::REFERENCE));
    Model::of(&source.bytes).assert_same(&store, "log");
}

#[test]
fn two_syncs_of_one_log_do_not_mix() {
    let store = Store::in_memory().unwrap();
    let source = MemSource::new("log", small_log());
    let mut inner = None;
    let outer = store.sync_with(&source, &line_by_line(), |_| {
        inner = Some(store.sync(&source, &SyncOptions::default()).unwrap());
        ControlFlow::Continue(())
    });
    assert!(matches!(outer, Err(SyncError::Raced { .. })), "{outer:?}");
    assert_eq!(inner.unwrap().outcome, Outcome::Appended);
    Model::of(&source.bytes).assert_same(&store, "log");
}

#[test]
fn many_threads_share_a_store() {
    let store = Store::in_memory().unwrap();
    let log = small_log();
    std::thread::scope(|scope| {
        for number in 0..4 {
            let (store, log) = (&store, &log);
            scope.spawn(move || {
                let key = format!("log {number}");
                let source = MemSource::new(&*key, log.clone());
                store.sync(&source, &line_by_line()).unwrap();
                Model::of(log).assert_same(store, &key);
            });
        }
    });
    assert_eq!(store.generations(None, 10).unwrap().rows.len(), 4);
}

#[test]
fn a_view_does_not_move() {
    let store = Store::in_memory().unwrap();
    let log = small_log();
    let end = line_ends(&log)[12];
    let mut source = MemSource::new("log", &log[..end]);
    sync(&store, &source);
    let before = store.thread("log").unwrap().unwrap();
    source.bytes = log.clone();
    sync(&store, &source);
    Model::of(&log[..end]).assert_same_rows(&before);
    Model::of(&log).assert_same(&store, "log");
}

/// A log that fails behind a byte.
struct Failing {
    log: MemSource,
    from_bytes: u64,
    reads: Cell<u64>,
}

impl LogSource for Failing {
    fn key(&self) -> &str {
        self.log.key()
    }

    fn len_bytes(&self) -> io::Result<Option<u64>> {
        self.log.len_bytes()
    }

    fn read_at(&self, offset_bytes: u64, buffer: &mut [u8]) -> io::Result<usize> {
        if offset_bytes >= self.from_bytes {
            return Err(io::Error::other("unreadable"));
        }
        // One byte at a time, and interrupted, as systems may.
        self.reads.set(self.reads.get() + 1);
        if self.reads.get().is_multiple_of(3) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        self.log.read_at(offset_bytes, &mut buffer[..1])
    }
}

#[test]
fn a_log_that_cannot_be_read_further_keeps_its_beginning() {
    let store = Store::in_memory().unwrap();
    let log = MemSource::new("log", small_log().repeat(8));
    let source = Failing { log, from_bytes: 9_000, reads: Cell::new(0) };
    let options = SyncOptions { buffer_bytes: 100, ..line_by_line() };
    let error = store.sync(&source, &options).unwrap_err();
    let SyncError::Source { offset_bytes, .. } = &error else { panic!("{error}") };
    assert_eq!(*offset_bytes, 9_000);
    assert_eq!(error.to_string(), "log: cannot be read at byte 9000: unreadable");
    let position = store.thread("log").unwrap().unwrap().state().position;
    assert!(position.offset_bytes > 4_000);
    Model::of(&source.log.bytes[..usize::try_from(position.offset_bytes).unwrap()])
        .assert_same(&store, "log");
    store.sync(&source.log, &SyncOptions::default()).unwrap();
    Model::of(&source.log.bytes).assert_same(&store, "log");
}

/// A log that says it is longer than it is, as one that shrinks while it is read.
struct Shrinking(MemSource);

impl LogSource for Shrinking {
    fn key(&self) -> &str {
        self.0.key()
    }

    fn len_bytes(&self) -> io::Result<Option<u64>> {
        Ok(self.0.len_bytes()?.map(|len_bytes| len_bytes + 1_000_000))
    }

    fn read_at(&self, offset_bytes: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read_at(offset_bytes, buffer)
    }
}

#[test]
fn a_log_that_shrinks_meanwhile_ends_there() {
    let store = Store::in_memory().unwrap();
    let log = small_log();
    let source = Shrinking(MemSource::new("log", log.clone()));
    store.sync(&source, &SyncOptions { buffer_bytes: 10, ..line_by_line() }).unwrap();
    Model::of(&log).assert_same(&store, "log");
}

#[test]
fn a_page_of_a_turn_that_is_gone_is_empty() {
    let store = Store::in_memory().unwrap();
    sync(&store, &MemSource::new("log", small_log()));
    let view = || store.thread("log").unwrap().unwrap();
    let gone = rollfold_core::TurnNo(3);
    let page = view().items_page(Some(gone), &Default::default()).unwrap();
    assert!(page.rows.is_empty());
    let page = view().at(30).items_page(Some(gone), &Default::default()).unwrap();
    assert!(!page.rows.is_empty());
    let page: Result<_, QueryError> = view().items_page(Some(gone), &Default::default());
    assert_eq!(page.unwrap().next, None);
}

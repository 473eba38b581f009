//! Logs, their folds in memory, and the comparison of a store with such a fold.

use std::path::{Path, PathBuf};

use rollfold_core::model::{Fact, ItemsView};
use rollfold_core::{Change, Diagnostic, Folder, Options, Snapshot};
use rollfold_projector::{ItemAt, Order, Paging, Store, SyncOptions, ThreadView};

/// The golden inputs, by name, sorted.
pub(crate) fn goldens() -> Vec<(String, Vec<u8>)> {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/golden");
    let cases = std::fs::read_dir(golden).unwrap().map(|case| case.unwrap().path());
    let mut cases: Vec<PathBuf> = cases.filter(|path| path.is_dir()).collect();
    cases.sort();
    assert!(cases.len() >= 200, "golden cases are missing");
    let read = |path: PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, std::fs::read(path.join("input.jsonl")).unwrap())
    };
    cases.into_iter().map(read).collect()
}

/// A golden input.
pub(crate) fn golden(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/golden").join(name);
    std::fs::read(path.join("input.jsonl")).unwrap()
}

/// A log with turns, calls, rollbacks and something odd.
pub(crate) fn small_log() -> Vec<u8> {
    let mut log = Vec::new();
    let mut event = |payload: &str| {
        log.extend(
            b"{\"timestamp\":\"2026-03-01T10:00:00.000Z\",\"type\":\"event_msg\",\"payload\":",
        );
        log.extend(payload.as_bytes());
        log.extend(b"}\n");
    };
    for turn in 0..4 {
        event(&format!(r#"{{"type":"task_started","turn_id":"t{turn}"}}"#));
        event(r#"{"type":"user_message","message":"do it"}"#);
        event(r#"{"type":"agent_reasoning","text":"hm"}"#);
        event(r#"{"type":"agent_reasoning","text":"so"}"#);
        event(&format!(r#"{{"type":"web_search_begin","call_id":"c{turn}"}}"#));
        event(r#"{"type":"agent_message","message":"done"}"#);
        event(&format!(r#"{{"type":"web_search_end","call_id":"c{turn}","query":"q"}}"#));
        event(&format!(r#"{{"type":"task_complete","turn_id":"t{turn}"}}"#));
    }
    event(r#"{"type":"thread_rolled_back","num_turns":2}"#);
    event(r#"{"type":"task_started","turn_id":"t3"}"#);
    event(r#"{"type":"user_message","message":"again"}"#);
    log.extend(b"this is no JSON\n\n");
    log
}

/// The fold in memory.
#[derive(Default)]
pub(crate) struct Model {
    pub(crate) folder: Folder,
    pub(crate) snapshot: Snapshot,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl Model {
    pub(crate) fn new(options: Options) -> Self {
        Self { folder: Folder::new(options), ..Self::default() }
    }

    pub(crate) fn of(log: &[u8]) -> Self {
        let mut model = Self::default();
        model.push(log);
        model
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        for step in self.folder.push(bytes) {
            for change in &step.changes {
                // The store has rows of turns and items only, so far, and knows if these are none
                // because of the history mode.
                let is_mode = matches!(change, Change::Thread(Fact::UnknownMode(_)));
                if is_mode || change.turn().is_some() {
                    self.snapshot.apply(change).unwrap();
                }
            }
            self.diagnostics.extend(step.diagnostics);
        }
    }

    /// The rows say exactly what the fold in memory says.
    pub(crate) fn assert_same(&self, store: &Store, key: &str) {
        let view = store.thread(key).unwrap().expect("the store should know the log");
        assert_eq!(view.state(), &self.folder.frontier().state, "{key}");
        self.assert_same_rows(&view);
    }

    pub(crate) fn assert_same_rows(&self, view: &ThreadView) {
        let key = view.key();
        assert!(view.snapshot().unwrap() == self.snapshot, "{key}: another snapshot");
        assert_eq!(all_diagnostics(view), self.diagnostics, "{key}");
        assert_eq!(view.readable().is_ok(), self.snapshot.readable().is_ok(), "{key}");
        if view.readable().is_err() {
            return;
        }
        for items in [ItemsView::Full, ItemsView::Summary, ItemsView::NotLoaded] {
            let turns = view.turns(items).map(|turn| turn.unwrap().value);
            assert!(turns.eq(self.snapshot.turns(items)), "{key}: other turns");
        }
    }

    /// Every way of asking gives the same.
    pub(crate) fn assert_same_answers(&self, view: &ThreadView) {
        let key = view.key();
        if view.readable().is_err() {
            return;
        }
        for (_, head) in self.snapshot.heads() {
            let turn = view.turn(&head.id, ItemsView::Full).unwrap().unwrap();
            assert_eq!(Some(turn.value), self.snapshot.turn(&head.id, ItemsView::Full), "{key}");
        }
        assert!(view.turn("no such turn", ItemsView::Full).unwrap().is_none());
        let expected: Vec<ItemAt> = self
            .snapshot
            .heads()
            .flat_map(|(turn, _)| {
                self.snapshot.items(turn).map(move |(item, _)| ItemAt { turn, item })
            })
            .collect();
        let turns: Vec<_> = self.snapshot.heads().map(|(turn, _)| turn).collect();
        for order in [Order::OldestFirst, Order::NewestFirst] {
            for limit in [1, 3, 1000] {
                let mut items = pages(limit, |after, limit| {
                    let page = view.items_page(None, &Paging { after, limit, order }).unwrap();
                    for row in &page.rows {
                        let mut items = self.snapshot.items(row.at.turn);
                        let (_, value) = items.find(|(item, _)| *item == row.at.item).unwrap();
                        assert_eq!(&row.value, value, "{key}");
                        let mut heads = self.snapshot.heads();
                        let (_, head) = heads.find(|(turn, _)| *turn == row.at.turn).unwrap();
                        assert_eq!(row.turn_id, head.id, "{key}");
                    }
                    (page.rows.into_iter().map(|row| row.at).collect(), page.next)
                });
                let mut heads = pages(limit, |after, limit| {
                    let paging = Paging { after, limit, order };
                    let page = view.turns_page(&paging, ItemsView::NotLoaded).unwrap();
                    (page.rows.into_iter().map(|row| row.turn).collect(), page.next)
                });
                if order == Order::NewestFirst {
                    items.reverse();
                    heads.reverse();
                }
                assert_eq!(items, expected, "{key}: pages of {limit}");
                assert_eq!(heads, turns, "{key}: pages of {limit}");
            }
        }
    }
}

fn all_diagnostics(view: &ThreadView) -> Vec<Diagnostic> {
    pages(7, |after, limit| {
        let page = view.diagnostics_page(after, limit).unwrap();
        (page.rows, page.next)
    })
}

/// All pages; none but the first may be empty, and none may be too long.
fn pages<T, K>(limit: usize, page: impl Fn(Option<K>, usize) -> (Vec<T>, Option<K>)) -> Vec<T> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let is_first = all.is_empty();
        let (rows, next) = page(after, limit);
        assert!(rows.len() <= limit && (is_first || !rows.is_empty()));
        all.extend(rows);
        after = next;
        if after.is_none() {
            return all;
        }
    }
}

/// The smallest batches there are: one line in each transaction.
pub(crate) fn line_by_line() -> SyncOptions {
    SyncOptions { batch_bytes: 1, ..SyncOptions::default() }
}

/// The ends of the lines of a log.
pub(crate) fn line_ends(log: &[u8]) -> Vec<usize> {
    log.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).collect()
}

//! Logs, their folds in memory, and the comparison of a store with such a fold.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rollfold_core::model::{Fact, ItemsView, Origin};
use rollfold_core::testing::Prng;
use rollfold_core::{
    Change, Coalescer, Diagnostic, Digest, FoldState, Folder, Frontier, Options, Snapshot, Step,
};
use rollfold_projector::testing::Fate;
use rollfold_projector::{
    Diff, Differing, FileSource, ItemAt, LogSource, MadeBy, Order, Paging, Store, SyncOptions,
    ThreadView, UsageTotals,
};

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

/// The logs that the reference's outputs are of, by name, sorted.
pub(crate) fn references() -> Vec<(String, Vec<u8>)> {
    let reference = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/reference");
    let files = std::fs::read_dir(reference).unwrap().map(|file| file.unwrap().path());
    let mut logs: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|end| end == "jsonl")).collect();
    logs.sort();
    assert!(logs.len() >= 60, "reference logs are missing");
    let read = |path: PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, std::fs::read(path).unwrap())
    };
    logs.into_iter().map(read).collect()
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

/// Writes a file, and its folders, as of so many days ago.
pub(crate) fn days_old(path: &Path, bytes: &[u8], days: u64) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
    let file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
    let age = std::time::Duration::from_secs(days * 24 * 60 * 60);
    file.set_modified(std::time::SystemTime::now() - age).unwrap();
}

/// Every file below a folder with what it holds, but for locks.
pub(crate) fn tree(root: &Path) -> BTreeMap<PathBuf, Digest> {
    let (mut tree, mut open) = (BTreeMap::new(), vec![root.to_owned()]);
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true if path.ends_with("thread-writer-locks") => {}
                true => open.push(path),
                false => {
                    let digest = Digest::of(&std::fs::read(&path).unwrap());
                    tree.insert(path.strip_prefix(root).unwrap().to_owned(), digest);
                }
            }
        }
    }
    tree
}

/// All bytes of a log on disk, in whichever form it is there.
pub(crate) fn log_bytes(path: &Path) -> Vec<u8> {
    let source = FileSource::open(path).unwrap();
    let (mut bytes, mut buffer) = (Vec::new(), vec![0; 64 * 1024]);
    loop {
        match source.read_at(bytes.len() as u64, &mut buffer).unwrap() {
            0 => return bytes,
            len => bytes.extend(&buffer[..len]),
        }
    }
}

/// A line with an event.
pub(crate) fn event(payload: &str) -> String {
    format!(
        "{{\"timestamp\":\"2026-03-01T10:00:00.000Z\",\"type\":\"event_msg\",\"payload\":{payload}}}\n"
    )
}

/// The fold in memory.
#[derive(Default)]
pub(crate) struct Model {
    pub(crate) folder: Folder,
    pub(crate) snapshot: Snapshot,
    pub(crate) diagnostics: Vec<Diagnostic>,
    pub(crate) steps: Vec<Step>,
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

    /// Of a thread's log behind another thread's, from this byte on.
    pub(crate) fn of_fork(log: &[u8], thread_id: &str, own_start_bytes: usize) -> Self {
        let own_start_bytes = own_start_bytes as u64;
        let origin = Origin { thread_id: thread_id.into(), own_start_bytes };
        let state = FoldState::with_origin(Options::default(), origin);
        let frontier = Frontier { state, ..Frontier::default() };
        let mut model = Self { folder: Folder::resume(frontier), ..Self::default() };
        model.push(log);
        model
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        for step in self.folder.push(bytes) {
            self.snapshot.apply_step(&step).unwrap();
            self.diagnostics.extend(step.diagnostics.iter().cloned());
            self.steps.push(step);
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
        self.assert_same_facts(view);
        self.assert_same_turns(view);
    }

    /// All but turns and items.
    fn assert_same_facts(&self, view: &ThreadView) {
        let (key, snapshot) = (view.key(), &self.snapshot);
        assert_eq!(&view.thread().unwrap(), snapshot.thread(), "{key}");
        assert_eq!(&view.inheritance().unwrap(), snapshot.inheritance(), "{key}");
        assert_eq!(&view.world().unwrap(), snapshot.world(), "{key}");
        assert_eq!(&view.records().unwrap(), snapshot.records(), "{key}");
        let ledger = snapshot.ledger();
        let windows = view.windows().unwrap();
        assert!(windows.iter().map(|row| &row.value).eq(snapshot.windows().iter()), "{key}");
        for row in &windows {
            assert_eq!(row.own, ledger.in_window(row.value.number), "{key}");
        }
        let totals = view.usage_totals().unwrap();
        assert_eq!((totals.own, totals.inherited), (ledger.own(), ledger.inherited()), "{key}");
        assert_eq!(totals.entries, ledger.entries().count() as u64, "{key}");
        for order in [Order::OldestFirst, Order::NewestFirst] {
            let mut entries = pages(7, |after, limit| {
                let page = view.usage_page(&Paging { after, limit, order }).unwrap();
                (page.rows, page.next)
            });
            if order == Order::NewestFirst {
                entries.reverse();
            }
            assert!(entries.iter().eq(ledger.entries().map(|entry| &**entry)), "{key}");
        }
    }

    /// Slices, differences and origins between lines of a log that the store has as a whole.
    pub(crate) fn assert_same_slices(&self, store: &Store, key: &str, pairs: &[(u64, u64)]) {
        let view = store.thread(key).unwrap().unwrap();
        let len_lines = self.folder.frontier().state.position.seq;
        assert_eq!(view.len_lines(), len_lines);
        let lines = view.lines(0, u64::MAX).unwrap();
        assert_eq!(lines.len() as u64, len_lines, "{key}");
        for step in &self.steps {
            let line = &lines[usize::try_from(step.seq).unwrap()];
            assert_eq!((line.seq, line.span), (step.seq, step.span), "{key}");
            assert_eq!(line.records, *step.records, "{key}");
        }
        for &(start, end) in pairs {
            let slice = view.slice(start, end).unwrap();
            let steps = self
                .steps
                .iter()
                .filter(|step| step.seq >= start && step.seq < end && !step.changes.is_empty());
            let expected: Vec<_> = steps.map(|step| (step.seq, step.span, &step.changes)).collect();
            let got: Vec<_> =
                slice.iter().map(|line| (line.seq, line.span, &line.changes)).collect();
            assert_eq!(got, expected, "{key}: slice of {start}..{end}");
            let mut coalescer = Coalescer::default();
            expected.iter().for_each(|(_, _, changes)| coalescer.push(changes));
            assert_eq!(view.change_set(start, end).unwrap(), coalescer.finish(), "{key}");
            for (from, to) in [(start, end), (end, start)] {
                let diff = view.diff(from, to).unwrap();
                assert_eq!(
                    diff,
                    naive_diff(&self.as_of(from), &self.as_of(to)),
                    "{key}: {from} to {to}"
                );
            }
        }
        for (turn, _) in self.snapshot.heads() {
            let made = view.turn_made_by(turn).unwrap();
            let lines = self.lines_that(
                |change| matches!(change, Change::TurnPut { turn: put, .. } if *put == turn),
            );
            assert_eq!(made, lines, "{key}");
            for (item, _) in self.snapshot.items(turn) {
                let made = view.item_made_by(ItemAt { turn, item }).unwrap();
                let lines = self.lines_that(|change| match change {
                    Change::ItemPut { turn: in_turn, item: put, .. }
                    | Change::ItemRemoved { turn: in_turn, item: put, .. } => {
                        (*in_turn, *put) == (turn, item)
                    }
                    _ => false,
                });
                assert_eq!(made, lines, "{key}");
            }
        }
    }

    fn lines_that(&self, changes: impl Fn(&Change) -> bool) -> Vec<MadeBy> {
        let steps = self.steps.iter().filter(|step| step.changes.iter().any(&changes));
        steps.map(|step| MadeBy { seq: step.seq, span: step.span }).collect()
    }

    /// The snapshot of the first lines, from the steps.
    fn as_of(&self, lines: u64) -> Snapshot {
        let mut snapshot = Snapshot::default();
        let steps = self.steps.iter().take_while(|step| step.seq < lines);
        steps.for_each(|step| snapshot.apply_step(step).unwrap());
        snapshot
    }

    /// Turns and items.
    fn assert_same_turns(&self, view: &ThreadView) {
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

/// What differs, by looking at everything.
fn naive_diff(before: &Snapshot, after: &Snapshot) -> Diff {
    fn differing<K: Ord + Clone, T: Clone + PartialEq>(
        before: &BTreeMap<K, T>,
        after: &BTreeMap<K, T>,
    ) -> Vec<Differing<K, T>> {
        let keys: BTreeSet<&K> = before.keys().chain(after.keys()).collect();
        let all = keys.into_iter().map(|key| Differing {
            at: key.clone(),
            before: before.get(key).cloned(),
            after: after.get(key).cloned(),
        });
        all.filter(|each| each.before != each.after).collect()
    }
    fn either<T: Clone + PartialEq>(before: &T, after: &T) -> Option<(T, T)> {
        (before != after).then(|| (before.clone(), after.clone()))
    }
    let turns = |of: &Snapshot| -> BTreeMap<_, _> {
        of.heads().map(|(turn, head)| (turn, head.clone())).collect()
    };
    let items = |of: &Snapshot| -> BTreeMap<_, _> {
        let turns = of.heads().map(|(turn, _)| turn);
        let items = turns.flat_map(|turn| {
            of.items(turn).map(move |(item, value)| (ItemAt { turn, item }, value.clone()))
        });
        items.collect()
    };
    let windows = |of: &Snapshot| -> BTreeMap<_, _> {
        of.windows().iter().map(|window| (window.number, window.clone())).collect()
    };
    let totals = |of: &Snapshot| UsageTotals {
        entries: of.ledger().entries().count() as u64,
        own: of.ledger().own(),
        inherited: of.ledger().inherited(),
    };
    let facts = |of: &Snapshot| -> Vec<Fact> {
        (0..Fact::LEN).map(|number| Fact::of(of.thread(), number).unwrap()).collect()
    };
    let facts = facts(before).into_iter().zip(facts(after));
    Diff {
        turns: differing(&turns(before), &turns(after)),
        items: differing(&items(before), &items(after)),
        facts: facts.filter(|(before, after)| before != after).collect(),
        inheritance: either(before.inheritance(), after.inheritance()),
        world: either(before.world(), after.world()),
        windows: differing(&windows(before), &windows(after)),
        usage: either(&totals(before), &totals(after)),
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

/// One of the fates that a write may have which no sync followed.
pub(crate) fn any_fate(rng: &mut Prng) -> Fate {
    let len = rng.index(4 * 1024);
    match rng.weighted(&[4, 3, 4]) {
        Some(0) => Fate::Kept,
        Some(1) => Fate::Lost,
        _ => torn(rng, len),
    }
}

/// One of the ways in which a write may be torn.
pub(crate) fn torn(rng: &mut Prng, len_bytes: usize) -> Fate {
    match rng.below(3) {
        0 => Fate::Prefix(len_bytes),
        1 => Fate::Suffix(len_bytes),
        _ => Fate::Sectors(rng.next_u64()),
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

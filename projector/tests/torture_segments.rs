//! Torture case 16: a log in several files, each going on from a place in the one before.

use std::io;
use std::path::{Path, PathBuf};

use rollfold_core::model::{ItemsView, Ownership};
use rollfold_core::{DiagnosticKind, FoldState, Folder as Fold, Frontier, Options, Span};
use rollfold_projector::{
    BaseProblem, Chain, FileSource, LogSource, Outcome, Resolve, SourceNote, Store, SyncOptions,
    Synced, VerifyOptions,
};

use crate::support::{Model, line_ends};

const A: &str = "019bb0c0-0000-7000-8000-00000000000a";
const B: &str = "019bb0c0-0000-7000-8000-00000000000b";
const C: &str = "019bb0c0-0000-7000-8000-00000000000c";

fn record(ordinal: u64, kind: &str, payload: &str) -> String {
    format!(
        "{{\"timestamp\":\"2026-03-01T10:00:00.000Z\",\"ordinal\":{ordinal},\"type\":\"{kind}\",\"payload\":{payload}}}\n"
    )
}

/// A segment of thread A: its head, and turns of three records each.
fn segment(first: u64, len: u64, name: &str, base: Option<(&str, u64, u64)>) -> Vec<u8> {
    let base = base.map_or_else(String::new, |(id, end_ordinal, end_byte)| {
        format!(
            ",\"history_base\":{{\"thread_id\":\"{id}\",\"end_ordinal_exclusive\":{end_ordinal},\"end_byte_offset\":{end_byte}}}"
        )
    });
    let meta = format!(
        "{{\"id\":\"{A}\",\"timestamp\":\"2026-03-01T10:00:00.000Z\",\"history_mode\":\"paginated\"{base}}}"
    );
    let mut log = record(first, "session_meta", &meta);
    for ordinal in first + 1..first + len {
        let turn = (ordinal - first - 1) / 3;
        let id = format!("{name}{turn}");
        let payload = match (ordinal - first - 1) % 3 {
            0 => format!("{{\"type\":\"task_started\",\"turn_id\":\"{id}\"}}"),
            1 => format!(
                "{{\"type\":\"item_completed\",\"thread_id\":\"{A}\",\"turn_id\":\"{id}\",\"item\":{{\"type\":\"AgentMessage\",\"id\":\"m{id}\",\"content\":[{{\"type\":\"Text\",\"text\":\"{id}\"}}]}},\"completed_at_ms\":1}}"
            ),
            _ => format!("{{\"type\":\"task_complete\",\"turn_id\":\"{id}\"}}"),
        };
        log += &record(ordinal, "event_msg", &payload);
    }
    log.into_bytes()
}

/// Where a log is cut behind so many lines.
fn end_of(log: &[u8], lines: usize) -> u64 {
    line_ends(log)[lines - 1] as u64
}

/// Files of rollouts, found by the id their names end in.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn put(&self, ids: &str, log: &[u8]) -> PathBuf {
        let path = self.0.path().join(format!("rollout-2026-03-01T10-00-00-{ids}.jsonl"));
        std::fs::write(&path, log).unwrap();
        path
    }

    fn chain(&self, path: &Path) -> Chain {
        Chain::open(Box::new(FileSource::open(path).unwrap()), self).unwrap()
    }

    fn sync(&self, store: &Store, path: &Path) -> Synced {
        store.sync(&self.chain(path), &SyncOptions::default()).unwrap()
    }
}

impl Resolve for Folder {
    fn find(&self, id: &str) -> io::Result<Option<Box<dyn LogSource>>> {
        for folder in [self.0.path().to_owned(), self.0.path().join("archived_sessions")] {
            let Ok(entries) = std::fs::read_dir(folder) else { continue };
            for entry in entries {
                let path = entry?.path();
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                let name = name.trim_end_matches(".zst").trim_end_matches(".jsonl");
                if name.ends_with(id) {
                    return Ok(Some(Box::new(FileSource::open(path).map_err(io::Error::other)?)));
                }
            }
        }
        Ok(None)
    }
}

struct Three {
    folder: Folder,
    logs: [Vec<u8>; 3],
    paths: [PathBuf; 3],
    whole: Vec<u8>,
}

fn three() -> Three {
    let folder = Folder::new();
    let a = segment(0, 100, "a", None);
    let cut_a = end_of(&a, 61);
    let b = segment(61, 40, "b", Some((A, 61, cut_a)));
    let cut_b = end_of(&b, 19);
    let c = segment(80, 10, "c", Some((B, 80, cut_b)));
    let whole = [&a[..cut_a as usize], &b[..cut_b as usize], &c].concat();
    let paths = [
        folder.put(A, &a),
        folder.put(&format!("{A}_{B}"), &b),
        folder.put(&format!("{A}_{C}"), &c),
    ];
    Three { folder, logs: [a, b, c], paths, whole }
}

fn key_of(path: &Path) -> String {
    FileSource::open(path).unwrap().key().to_owned()
}

#[test]
fn torture_16_segments_fold_as_one_log() {
    let Three { folder, logs: [a, b, c], paths, whole } = three();
    let store = Store::in_memory().unwrap();
    let synced = folder.sync(&store, &paths[2]);
    assert_eq!((synced.outcome, synced.notes), (Outcome::New, vec![]));
    let key = key_of(&paths[2]);
    let model = Model::of(&whole);
    model.assert_same(&store, &key);
    let is_ordinal = |kind: &DiagnosticKind| matches!(kind, DiagnosticKind::Ordinal(_));
    assert!(!model.diagnostics.iter().any(|it| is_ordinal(&it.kind)), "{:?}", model.diagnostics);
    assert_eq!(folder.sync(&store, &paths[2]).outcome, Outcome::Unchanged);

    // What is whose, and where it lies.
    let chain = folder.chain(&paths[2]);
    assert_eq!(chain.inherited_bytes(), (whole.len() - c.len()) as u64);
    for at in [0, 3000, chain.inherited_bytes() - 1, chain.inherited_bytes()] {
        let (key, span) = chain.locate(Span::new(at, 1)).unwrap();
        let place = paths.iter().position(|path| key_of(path) == key).unwrap();
        let there = [&a, &b, &c][place][span.offset_bytes as usize];
        assert_eq!(there, whole[at as usize]);
    }
    // The abandoned tail stays readable under its own key.
    folder.sync(&store, &paths[0]);
    Model::of(&a).assert_same(&store, &key_of(&paths[0]));

    // The log itself grows, and so does what was abandoned.
    let more = segment(90, 7, "d", None);
    folder.put(&format!("{A}_{C}"), &[&c[..], &more].concat());
    folder.put(A, &[&a[..], &more].concat());
    let synced = folder.sync(&store, &paths[2]);
    assert_eq!((synced.outcome, synced.lines), (Outcome::Appended, 7));
    Model::of(&[&whole[..], &more].concat()).assert_same(&store, &key);
}

#[test]
fn torture_16_bases_compressed_and_archived() {
    let Three { folder, logs: [a, b, _], paths, whole } = three();
    let archive = folder.0.path().join("archived_sessions");
    std::fs::create_dir(&archive).unwrap();
    std::fs::write(
        paths[1].with_extension("jsonl.zst"),
        zstd::stream::encode_all(&b[..], 3).unwrap(),
    )
    .unwrap();
    std::fs::remove_file(&paths[1]).unwrap();
    std::fs::write(archive.join(paths[0].file_name().unwrap()), &a).unwrap();
    std::fs::remove_file(&paths[0]).unwrap();
    let store = Store::in_memory().unwrap();
    for outcome in [Outcome::New, Outcome::Unchanged] {
        let synced = folder.sync(&store, &paths[2]);
        assert_eq!((synced.outcome, synced.notes), (outcome, vec![]));
    }
    Model::of(&whole).assert_same(&store, &key_of(&paths[2]));
}

#[test]
fn torture_16_wrong_bases_are_said_and_not_followed() {
    let a = segment(0, 100, "a", None);
    let cut = end_of(&a, 61);
    let far = a.len() as u64 + 1;
    let cases = [
        ((A, 61, cut - 5), BaseProblem::MidRecord { end_byte_offset: cut - 5 }),
        ((A, 61, far), BaseProblem::BeyondEnd { end_byte_offset: far }),
        ((A, 60, cut), BaseProblem::OtherOrdinal { end_ordinal_exclusive: 60, found: 60 }),
        ((A, 62, cut), BaseProblem::OtherOrdinal { end_ordinal_exclusive: 62, found: 60 }),
        ((C, 61, cut), BaseProblem::Missing),
    ];
    for (base, problem) in cases {
        let folder = Folder::new();
        folder.put(A, &a);
        let b = segment(61, 10, "b", Some(base));
        let path = folder.put(&format!("{A}_{B}"), &b);
        let store = Store::in_memory().unwrap();
        let synced = folder.sync(&store, &path);
        assert_eq!(synced.notes, [SourceNote::Base { id: base.0.to_owned(), problem }]);
        assert!(!synced.notes[0].to_string().is_empty());
        Model::of(&b).assert_same(&store, &key_of(&path));
    }
    // B goes on from C, and C from B.
    let folder = Folder::new();
    let b = segment(61, 10, "b", None);
    let c = segment(71, 10, "c", Some((B, 71, b.len() as u64)));
    let b_of_c = |end| segment(61, 10, "b", Some((C, 81, end)));
    let b = b_of_c(c.len() as u64);
    let c = segment(71, 10, "c", Some((B, 71, b.len() as u64)));
    let b = b_of_c(c.len() as u64);
    let path = folder.put(&format!("{A}_{B}"), &b);
    folder.put(&format!("{A}_{C}"), &c);
    let chain = folder.chain(&path);
    let problem = BaseProblem::Cycle;
    assert_eq!(chain.notes(), [SourceNote::Base { id: B.to_owned(), problem }]);
    assert_eq!(chain.inherited_bytes(), 0);
}

/// Finds ever another log that goes on from another one.
struct Deep;

impl Resolve for Deep {
    fn find(&self, id: &str) -> io::Result<Option<Box<dyn LogSource>>> {
        let next = format!("{id}x");
        let log = segment(0, 2, "t", Some((&next, 2, 0)));
        Ok(Some(Box::new(rollfold_projector::MemSource::new(id, log))))
    }
}

#[test]
fn torture_16_a_chain_without_end_is_given_up() {
    let chain = Chain::open(Deep.find("x").unwrap().unwrap(), &Deep).unwrap();
    let [SourceNote::Base { problem: BaseProblem::TooDeep, .. }] = &chain.notes()[..] else {
        panic!("{:?}", chain.notes())
    };
}

/// A log of thread B that goes on from A's, each of whose records counts tokens.
fn fork_by_reference() -> (Folder, Vec<u8>, Vec<u8>, PathBuf) {
    let folder = Folder::new();
    let counted = |log: Vec<u8>, first: u64, total: u64| {
        let count = format!(
            "{{\"type\":\"token_count\",\"info\":{{\"total_token_usage\":{{\"total_tokens\":{total}}},\"last_token_usage\":{{\"total_tokens\":10}}}}}}"
        );
        [log, record(first, "event_msg", &count).into_bytes()].concat()
    };
    let a = counted(segment(0, 31, "a", None), 31, 100);
    let b = segment(32, 7, "b", Some((A, 32, a.len() as u64)));
    let own_id = String::from_utf8(b).unwrap().replace(
        &format!("\"id\":\"{A}\",\"timestamp\""),
        &format!("\"id\":\"{B}\",\"forked_from_id\":\"{A}\",\"cwd\":\"/b\",\"timestamp\""),
    );
    let b = counted(own_id.into_bytes(), 39, 110);
    folder.put(A, &a);
    let path = folder.put(B, &b);
    (folder, a, b, path)
}

#[test]
fn a_fork_by_reference_is_its_own_thread() {
    let (folder, a, b, path) = fork_by_reference();
    let store = Store::in_memory().unwrap();
    let synced = folder.sync(&store, &path);
    assert_eq!(synced.notes, []);
    let view = store.thread(&key_of(&path)).unwrap().unwrap();
    let thread = view.thread().unwrap();
    assert_eq!(thread.id().map(|id| &**id), Some(B));
    assert_eq!(thread.cwd.as_deref(), Some("/b"));
    let inheritance = view.inheritance().unwrap();
    assert_eq!(inheritance.base.as_ref().map(|base| &*base.thread_id), Some(A));
    let end = inheritance.joined.as_ref().and_then(|joined| joined.end).unwrap();
    assert_eq!((end.seq, end.offset_bytes), (32, a.len() as u64));
    assert_eq!(inheritance.first_own_turn().0, 10);
    assert_eq!(inheritance.ownership(31), Ownership::Inherited);
    assert_eq!(inheritance.ownership(32), Ownership::Own);
    let totals = view.usage_totals().unwrap();
    assert_eq!((totals.own.total, totals.inherited.total), (10, 100));
    assert_eq!(view.turns(ItemsView::NotLoaded).count(), 12);

    // As of a line of the base, all is the base's; and the log alone names it only.
    let before = view.at(20);
    assert_eq!(before.thread().unwrap().id(), None);
    assert_eq!(before.inheritance().unwrap().ownership(19), Ownership::Inherited);
    let alone = Model::of(&b);
    assert_eq!(alone.snapshot.inheritance().joined, None);
}

#[test]
fn a_fork_by_reference_folds_alike_however_it_is_cut() {
    let (folder, a, b, path) = fork_by_reference();
    let chain = folder.chain(&path);
    let state = FoldState::with_origin(Options::default(), chain.origin().unwrap());
    let whole = [&a[..], &b].concat();
    let fold = |piece: usize| {
        let frontier = Frontier { state: state.clone(), ..Frontier::default() };
        let mut model = Model { folder: Fold::resume(frontier), ..Model::default() };
        whole.chunks(piece).for_each(|piece| model.push(piece));
        model
    };
    let model = fold(whole.len());
    for piece in [1, 7, 100, 1000] {
        assert!(fold(piece).snapshot == model.snapshot, "pieces of {piece}");
    }
    // In as many syncs and batches as there are lines.
    let store = Store::in_memory().unwrap();
    let options = SyncOptions { batch_bytes: 1, ..SyncOptions::default() };
    for end in line_ends(&b) {
        folder.put(B, &b[..end]);
        store.sync(&folder.chain(&path), &options).unwrap();
    }
    model.assert_same(&store, &key_of(&path));
    let verified = store.verify(&folder.chain(&path), &VerifyOptions::default()).unwrap();
    assert_eq!(verified.differences, 0);

    // Where the base is gone, the log is folded alone, and as before once it is back.
    let base = folder.0.path().join(format!("rollout-2026-03-01T10-00-00-{A}.jsonl"));
    std::fs::remove_file(&base).unwrap();
    let synced = folder.sync(&store, &path);
    assert!(matches!(synced.outcome, Outcome::Rewritten { .. }));
    Model::of(&b).assert_same(&store, &key_of(&path));
    folder.put(A, &a);
    folder.sync(&store, &path);
    model.assert_same(&store, &key_of(&path));
}

#[test]
fn a_base_in_another_history_mode_is_not_followed() {
    let folder = Folder::new();
    let a = segment(0, 4, "a", None);
    let legacy = String::from_utf8(a.clone()).unwrap().replace("paginated", "legacy");
    folder.put(A, legacy.as_bytes());
    let b = segment(4, 4, "b", Some((A, 4, legacy.len() as u64)));
    let path = folder.put(&format!("{A}_{B}"), &b);
    let problem = BaseProblem::OtherMode;
    assert_eq!(folder.chain(&path).notes(), [SourceNote::Base { id: A.to_owned(), problem }]);
}

//! Out and back: a log is recorded again, folded, stored, bundled, taken into another home and
//! stored there: the same turns, the same bytes, the same digest.

use std::ops::ControlFlow;

use rollfold_core::model::ItemsView;
use rollfold_core::{Folder, Options, Snapshot};
use rollfold_projector::{
    ExportOptions, Home, ImportOptions, Library, NewRecord, NewThread, RecordTag, Recorder,
    RecorderOptions, Store, SyncOptions, export, import,
};
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Case, expect};

fn told(error: impl std::fmt::Display) -> String {
    error.to_string()
}

pub(crate) fn check(case: &Case) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(told)?;
    let (one, other) = (Home::at(folder.path().join("one")), Home::at(folder.path().join("other")));
    for home in [&one, &other] {
        std::fs::create_dir_all(home.root()).map_err(told)?;
    }
    let thread = NewThread::new("/work", "fuzz", "1");
    let mut recorder =
        Recorder::create(&one, &thread, &RecorderOptions::default()).map_err(told)?;
    for line in &case.parts {
        let Ok(Value::Object(record)) = serde_json::from_slice(line) else { continue };
        let tag = record.get("type").and_then(Value::as_str).and_then(RecordTag::of);
        let Some((tag, payload)) = tag.zip(record.get("payload")) else { continue };
        if tag == RecordTag::SessionMeta {
            continue;
        }
        let raw = RawValue::from_string(payload.to_string()).map_err(told)?;
        // What is no record is refused, and the rest goes on.
        let _ = recorder.append(NewRecord::raw(tag, &raw));
    }
    recorder.persist().map_err(told)?;
    let (id, path) = (recorder.thread_id().to_owned(), recorder.path().to_owned());
    recorder.close().map_err(told)?;

    let bytes = std::fs::read(&path).map_err(told)?;
    let (snapshot, folder_of) = fold(&bytes)?;
    let library = synced(&one)?;
    let entry = library.thread(&id).ok_or("broken: a recorded thread is listed")?;
    let view = library.store().thread(&entry.log.key).map_err(told)?;
    let view = view.ok_or("broken: a recorded thread is stored")?;
    expect("the rows are the fold", view.snapshot().map_err(told)? == snapshot)?;
    let digest = folder_of.frontier().state.digest();
    expect("so is the digest", view.state().digest() == digest)?;
    let damaged = view.state().health().damaged().count();
    expect("a recorder writes no damage", damaged == 0)?;

    let bundle = folder.path().join("bundle");
    let options = ExportOptions { children: None, is_dry_run: false };
    export(&one, &id, &bundle, &options).map_err(told)?;
    import(&other, &bundle, &ImportOptions::default()).map_err(told)?;
    let taken = synced(&other)?;
    let view = taken.store().thread(&entry.log.key).map_err(told)?;
    let view = view.ok_or("broken: what was taken in is there")?;
    expect("what was taken in has the same digest", view.state().digest() == digest)?;
    let turns = snapshot.turns(ItemsView::Full).collect::<Vec<_>>();
    let there: Result<Vec<_>, _> =
        view.turns(ItemsView::Full).map(|turn| turn.map(|it| it.value)).collect();
    expect("and the same turns", view.readable().is_err() || there.map_err(told)? == turns)
}

fn synced(home: &Home) -> Result<Library, String> {
    let library = Library::open(Store::in_memory().map_err(told)?).map_err(told)?;
    let options = SyncOptions::default();
    let go_on = |_: rollfold_projector::HomesProgress<'_>| ControlFlow::Continue(());
    library.sync_homes(std::slice::from_ref(home), &options, go_on).map_err(told)?;
    Ok(library)
}

fn fold(bytes: &[u8]) -> Result<(Snapshot, Folder), String> {
    let mut folder = Folder::new(Options::default());
    let mut snapshot = Snapshot::default();
    for step in folder.push(bytes) {
        snapshot.apply_step(&step).map_err(told)?;
    }
    Ok((snapshot, folder))
}

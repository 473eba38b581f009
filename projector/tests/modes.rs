//! Threads whose history mode is not known (R276).

use rollfold_core::model::ItemsView;
use rollfold_core::{Options, TurnNo, UnknownMode};
use rollfold_projector::{MemSource, Paging, QueryError, Store, SyncOptions, ThreadView};

/// A turn of a message before the mode is named, and one behind it.
const LOG: &str = concat!(
    r#"{"timestamp":"2026-03-01T10:00:00.000Z","type":"event_msg","payload":{"type":"user_message","message":"before"}}"#,
    "\n",
    r#"{"timestamp":"2026-03-01T10:00:01.000Z","type":"session_meta","payload":{"id":"t","history_mode":"woven"}}"#,
    "\n",
    r#"{"timestamp":"2026-03-01T10:00:02.000Z","type":"event_msg","payload":{"type":"user_message","message":"behind"}}"#,
    "\n",
);

fn view(options: Options) -> ThreadView {
    let store = Store::in_memory().unwrap();
    let options = SyncOptions { fold: options, ..SyncOptions::default() };
    let source = MemSource::new("log", LOG.as_bytes().to_vec());
    store.sync_with(&source, &options, &mut |_| std::ops::ControlFlow::Continue(())).unwrap();
    store.thread("log").unwrap().unwrap()
}

fn mode<T>(answer: Result<T, QueryError>) -> String {
    match answer.map(|_| ()) {
        Err(QueryError::UnknownHistoryMode { key, source }) => format!("{key} {}", source.mode),
        other => panic!("{other:?}"),
    }
}

#[test]
fn questions_for_turns_and_items_name_the_mode() {
    let view = view(Options::default());
    assert_eq!(mode(view.readable()), "log woven");
    assert_eq!(mode(view.turns_page(&Paging::default(), ItemsView::Full)), "log woven");
    assert_eq!(mode(view.turn("rollout-0", ItemsView::Full)), "log woven");
    assert_eq!(mode(view.items_page(None, &Paging::default())), "log woven");
    assert_eq!(mode(view.items_page(Some(TurnNo(0)), &Paging::default())), "log woven");
    let rows: Vec<_> = view.turns(ItemsView::Full).map(mode).collect();
    assert_eq!(rows, ["log woven"]);
    // All else is answered.
    assert_eq!(view.state().counts.records, 3);
    assert!(!view.diagnostics_page(None, 10).unwrap().rows.is_empty());
    assert!(view.snapshot().unwrap().readable().is_err());
}

#[test]
fn before_the_mode_was_named_there_are_turns() {
    let view = view(Options::default()).at(1);
    assert_eq!(view.turns(ItemsView::Full).map(Result::unwrap).count(), 1);
    assert!(view.snapshot().unwrap().readable().is_ok());
    assert_eq!(mode(view.at(2).readable()), "log woven");
}

#[test]
fn an_option_overrides() {
    let options = Options { unknown_mode: UnknownMode::AsLegacy, ..Options::default() };
    let view = view(options);
    let page = view.items_page(None, &Paging::default()).unwrap();
    assert_eq!(page.rows.len(), 2);
}

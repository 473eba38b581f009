//! History modes (R275, R276).

use rollfold_core::model::{HistoryMode, ItemsView, Recognition};
use rollfold_core::{Options, RecordFilter, Rules, UnknownHistoryMode, UnknownMode};

use crate::support::{Folded, event, fold, folded, line, notes};

const WOVEN: &str = r#"{"id":"t","cwd":"/w","history_mode":"woven"}"#;

/// A turn by the classic rules, and a canonical item that only the paginated ones show.
fn log(meta: &str) -> Vec<String> {
    let item = r#"{"type":"AgentMessage","id":"canonical","content":[]}"#;
    vec![
        line(0, "session_meta", meta),
        event(1, "task_started", ",\"turn_id\":\"a\""),
        event(2, "user_message", ",\"message\":\"hello\""),
        event(3, "item_completed", &format!(",\"turn_id\":\"a\",\"item\":{item}")),
        event(4, "task_complete", ",\"turn_id\":\"a\""),
    ]
}

fn with(options: Options, log: &[String]) -> Folded {
    fold(log.concat().as_bytes(), options)
}

fn shown(folded: &Folded) -> Vec<String> {
    let turns = folded.snapshot.readable().unwrap().turns(ItemsView::Full);
    turns.flat_map(|turn| turn.items).map(|item| item.id().to_owned()).collect()
}

#[test]
fn turns_of_an_unknown_mode_are_refused_by_name_and_all_else_is_there() {
    let folded = folded(&log(WOVEN));
    let refused = UnknownHistoryMode { mode: "woven".into() };
    assert_eq!(folded.snapshot.readable().map(|_| ()), Err(refused.clone()));
    assert!(refused.to_string().starts_with("history mode \"woven\" is not known"));
    let said = notes(&folded);
    assert!(said.iter().any(|note| note.contains("turns and items are not folded")), "{said:?}");
    let thread = folded.snapshot.thread();
    assert_eq!(thread.cwd.as_deref(), Some("/w"));
    assert_eq!(thread.title.as_deref(), Some("hello"));
    assert_eq!(thread.history_mode(), Some(&HistoryMode::Other("woven".into())));
    assert_eq!(folded.snapshot.records().len(), 5);
    let recognition = folded.folder.frontier().state.recognition();
    assert_eq!(recognition, Recognition::NoTurns { records: 5 });
}

#[test]
fn turns_before_the_mode_was_named_are_refused_from_there_on() {
    let mut log = log(WOVEN);
    log.insert(0, event(0, "user_message", ",\"message\":\"lost head\""));
    let folded = folded(&log);
    assert!(folded.snapshot.readable().is_err());
    assert!(with(Options::default(), &log[..1]).snapshot.readable().is_ok());
}

#[test]
fn options_fold_an_unknown_mode_as_a_known_one() {
    let option = |unknown_mode| Options { unknown_mode, ..Options::default() };
    let legacy = with(option(UnknownMode::AsLegacy), &log(WOVEN));
    assert_eq!(shown(&legacy), ["item-1"]);
    assert_eq!(legacy.snapshot.thread().unknown_mode, None);
    let paginated = with(option(UnknownMode::AsPaginated), &log(WOVEN));
    assert_eq!(shown(&paginated), ["canonical"]);
    let rules = |rules| Options { rules, ..Options::default() };
    assert_eq!(shown(&with(rules(Rules::Classic), &log(WOVEN))), ["item-1"]);
    assert_eq!(shown(&with(rules(Rules::Paginated), &log(WOVEN))), ["canonical"]);
    // What a paginated writer would write counts as persisted, also by another name.
    let persisted =
        Options { records: RecordFilter::PersistedOnly, ..option(UnknownMode::AsPaginated) };
    assert_eq!(shown(&with(persisted, &log(WOVEN))), ["canonical"]);
}

/// The choice is for unknown modes: known ones are folded as they are written.
#[test]
fn known_modes_take_no_notice_of_the_option() {
    for (mode, want) in [("legacy", "item-1"), ("paginated", "canonical")] {
        let log = log(&format!("{{\"id\":\"t\",\"history_mode\":\"{mode}\"}}"));
        for unknown_mode in [UnknownMode::Refuse, UnknownMode::AsLegacy, UnknownMode::AsPaginated] {
            let folded = with(Options { unknown_mode, ..Options::default() }, &log);
            assert_eq!(shown(&folded), [want], "{mode}, {unknown_mode:?}");
        }
    }
}

/// R275: the first `session_meta` fixes the mode.
#[test]
fn later_metas_change_no_mode() {
    let mut log = log(r#"{"id":"t"}"#);
    log.push(line(5, "session_meta", WOVEN));
    log.push(event(6, "user_message", ",\"message\":\"more\""));
    assert_eq!(shown(&folded(&log)), ["item-1", "item-2"]);
}

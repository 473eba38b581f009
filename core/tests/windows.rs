//! The chain of context windows (R72-R74, R78; TORTURE row 31).

use rollfold_core::model::WindowEnd;

use crate::support::{event, folded, line};

const W0: &str = "019bb0c0-0000-7000-8000-0000000000a0";
const W1: &str = "019bb0c0-0000-7000-8000-0000000000a1";
const V4: &str = "019bb0c0-0000-4000-8000-0000000000a1";

fn meta(fields: &str) -> String {
    line(0, "session_meta", &format!("{{\"id\":\"t\",\"timestamp\":\"x\"{fields}}}"))
}

fn compacted(fields: &str) -> String {
    line(1, "compacted", &format!("{{\"message\":\"m\"{fields}}}"))
}

#[test]
fn ids_of_any_age_give_one_chain() {
    let named = format!(
        ",\"window_number\":1,\"first_window_id\":\"{W0}\",\"previous_window_id\":\"{W0}\",\"window_id\":\"{W1}\""
    );
    for ids in [
        [",\"window_id\":1", ",\"window_id\":2"],
        [&named, ",\"window_number\":2"],
        [&named, ",\"window_id\":2"],
        ["", ""],
    ] {
        let log = [meta(""), compacted(ids[0]), event(2, "warning", ""), compacted(ids[1])];
        let folded = folded(&log);
        let windows: Vec<_> = folded
            .snapshot
            .windows()
            .iter()
            .map(|window| (window.number, window.start_seq, window.end_seq))
            .collect();
        assert_eq!(windows, [(0, 0, Some(1)), (1, 1, Some(3)), (2, 3, None)], "{ids:?}");
    }
}

#[test]
fn ids_and_numbers_are_kept_as_recorded() {
    let start = format!(",\"context_window\":{{\"window_id\":\"{}\"}}", W0.to_uppercase());
    let named = format!(
        ",\"window_number\":7,\"first_window_id\":\"{W0}\",\"previous_window_id\":\"{V4}\",\"window_id\":\"{W1}\",\"replacement_history\":[]"
    );
    let log = [meta(""), meta(&start), compacted(&named), compacted(",\"window_id\":8")];
    let folded = folded(&log);
    let windows: Vec<_> = folded.snapshot.windows().iter().cloned().collect();
    assert_eq!((windows[0].id.as_deref(), windows[0].first_id.as_deref()), (Some(W0), Some(W0)));
    assert_eq!(windows[0].end, Some(WindowEnd::Compacted));
    assert_eq!((windows[1].id.as_deref(), windows[1].first_id.as_deref()), (Some(W1), Some(W0)));
    assert_eq!((windows[1].claimed_number, windows[1].previous_id.as_deref()), (Some(7), None));
    assert_eq!(windows[1].end, Some(WindowEnd::CompactedToSummary));
    assert_eq!((windows[2].claimed_number, windows[2].id.as_deref()), (Some(8), None));
    assert_eq!(folded.snapshot.windows().current(), windows.last());
}

#[test]
fn a_log_without_meta_has_windows_too() {
    let folded = folded(&[event(0, "warning", ""), compacted("")]);
    let windows: Vec<_> = folded.snapshot.windows().iter().map(|it| it.start_seq).collect();
    assert_eq!(windows, [0, 1]);
}

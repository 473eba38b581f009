//! What was understood (TORTURE row 8, 14).

use rollfold_core::Kind;
use rollfold_core::model::{KindHealth, Recognition};

use crate::support::{event, folded, line};

#[test]
fn unknown_is_not_empty() {
    let recognition = |log: &[String]| folded(log).folder.frontier().state.recognition();
    assert_eq!(recognition(&[]), Recognition::Empty);
    assert_eq!(recognition(&["\n".into(), "  \n".into()]), Recognition::Empty);
    let future: Vec<String> = (0..1_000).map(|_| line(0, "from_the_future", "{}")).collect();
    let nothing = Recognition::NothingUnderstood { unknown: 1_000, damaged: 0 };
    assert_eq!(recognition(&future), nothing);
    let nothing = Recognition::NothingUnderstood { unknown: 0, damaged: 1 };
    assert_eq!(recognition(&["garbage\n".into()]), nothing);
    let meta = line(0, "session_meta", r#"{"id":"t"}"#);
    assert_eq!(recognition(&[meta]), Recognition::NoTurns { records: 1 });
    let turn = event(0, "task_started", ",\"turn_id\":\"t\"");
    assert_eq!(recognition(&[turn]), Recognition::Turns { turns: 1 });
}

#[test]
fn counts_by_kind() {
    let log = [
        event(0, "user_message", ",\"message\":\"x\""),
        event(0, "user_message", ""),
        event(0, "user_message", ",\"message\":5"),
        line(0, "from_the_future", "{}"),
        event(0, "from_the_future", ""),
        line(0, "world_state", "{\"full\":tr"),
        "\0\0\n".into(),
    ];
    let folded = folded(&log);
    let health = folded.folder.frontier().state.health();
    let kinds: Vec<_> = health.kinds().map(|(kind, health)| (kind.name(), health)).collect();
    let user = KindHealth { understood: 1, with_problems: 2 };
    assert_eq!(kinds, [("event_msg/user_message".to_owned(), user)]);
    assert_eq!(KindHealth { understood: 3, with_problems: 1 }.percent(), Some(75.0));
    assert_eq!(KindHealth::default().percent(), None);
    let unknown: Vec<_> = health.unknown().collect();
    assert_eq!(unknown, [("event_msg/from_the_future", 1), ("from_the_future", 1)]);
    assert_eq!(health.damaged().collect::<Vec<_>>(), [("", 1), ("world_state", 1)]);
}

#[test]
fn names_of_the_unknown_are_bounded() {
    let log: Vec<String> = (0..100).map(|n| line(0, &format!("future_{n}"), "{}")).collect();
    let folded = folded(&log);
    let unknown: Vec<_> = folded.folder.frontier().state.health().unknown().collect();
    assert_eq!((unknown.len(), unknown.last().copied()), (65, Some(("", 36))));
}

#[test]
fn kinds_read_their_own_names() {
    for kind in [
        Kind::SessionMeta,
        Kind::TokenUsageRecord,
        Kind::OtherResponse,
        Kind::Unknown,
        Kind::from_tags("event_msg", Some("turn_started")),
        Kind::from_tags("response_item", Some("message")),
    ] {
        assert_eq!(Kind::from_name(&kind.name()), kind);
    }
}

//! Outlines, against what is known of each item.

use super::*;

#[test]
fn every_item_says_what_it_is() {
    let call = json!({ "type": "function_call", "name": "f", "arguments": "{}", "call_id": "c" });
    let log = Log::default().compact(&["kept"]).message("developer", "words").item(&call);
    let context = log.context(ContextMode::Sound);
    let (mended, _) = repair(&context, log.bytes()).unwrap();
    let outline: Vec<_> = mended.outline(log.bytes()).map(Result::unwrap).collect();
    let shown: Vec<_> = outline
        .iter()
        .map(|it| (it.seq, it.place, it.kind.as_deref(), it.role.as_deref(), it.call_id.as_deref()))
        .collect();
    let output = Some("function_call_output");
    assert_eq!(
        shown,
        [
            (0, Place::Entry(0), Some("message"), Some("user"), None),
            (1, Place::Record, Some("message"), Some("developer"), None),
            (2, Place::Record, Some("function_call"), None, Some("c")),
            (2, Place::Answer, output, None, Some("c")),
        ]
    );
    let boundaries: Vec<_> = outline.iter().map(|item| item.is_boundary).collect();
    assert_eq!(boundaries, [true, false, false, false]);
    let lengths = outline.iter().map(|item| item.len_bytes as usize);
    assert!(lengths.eq(mended.items(log.bytes()).map(|item| item.unwrap().get().len())));
    assert_eq!(outline[2].span, context.history[2].source.record().span);
}

#[test]
fn other_places_are_told_apart() {
    let payload = json!({
        "author": "/root", "recipient": "/root/a", "content": "x", "trigger_turn": true,
    });
    let log = Log::default().message("user", "a").legacy_compact("sum");
    let log = log.record("inter_agent_communication", &payload);
    let context = log.context(ContextMode::Sound);
    let places: Vec<_> = context.outline(log.bytes()).map(|it| it.unwrap().place).collect();
    assert_eq!(places, [Place::Rebuilt, Place::Summary, Place::Communication]);
}

#[test]
fn a_log_that_is_gone_is_an_error() {
    let log = Log::default().message("user", "a");
    let context = log.context(ContextMode::Sound);
    assert!(context.outline(&b""[..]).next().unwrap().is_err());
}

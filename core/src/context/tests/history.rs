//! The history: replay, rollbacks, compactions (R95-R113; TORTURE 20).

use serde_json::json;

use super::*;

const BOTH: [ContextMode; 2] = [ContextMode::Reference, ContextMode::Sound];

#[test]
fn what_is_never_sent_is_left_out() {
    let log = Log::default()
        .message("user", "hi")
        .message("system", "no")
        .item(&json!({ "type": "compaction_trigger" }))
        .item(&json!({ "type": "from_the_future", "x": 1 }))
        .item(&json!({ "type": "ghost_snapshot", "ghost_commit": {} }))
        .item(&json!({ "type": "additional_tools", "role": "developer", "tools": [] }))
        .event(&json!({ "type": "user_message", "message": "hi" }));
    assert_eq!(log.shown(), ["hi", "additional_tools"]);
}

#[test]
fn communications_have_a_model_visible_form() {
    let plain = json!({
        "author": "/root", "recipient": "/root/a", "content": "look", "trigger_turn": true,
    });
    let sealed = json!({
        "id": "x1", "author": "/root", "recipient": "/root/a", "content": "",
        "encrypted_content": "ZZ", "trigger_turn": true,
        "internal_chat_message_metadata_passthrough": { "turn_id": "t1" },
    });
    let log = Log::default()
        .record("inter_agent_communication_metadata", &json!({ "trigger_turn": true }))
        .record("inter_agent_communication", &plain)
        .record("inter_agent_communication", &sealed);
    let context = log.context(ContextMode::Sound);
    let head = "Message Type: NEW_TASK\nTask name: /root/a\nSender: /root\nPayload:\n";
    let content = json!([
        { "type": "input_text", "text": head },
        { "type": "encrypted_content", "encrypted_content": "ZZ" },
    ]);
    assert_eq!(
        items(&context, log.bytes()),
        [
            json!({
                "type": "agent_message", "author": "/root", "recipient": "/root/a",
                "content": [{ "type": "input_text", "text": "look" }],
            }),
            json!({
                "type": "agent_message", "id": "x1", "author": "/root", "recipient": "/root/a",
                "content": content,
                "internal_chat_message_metadata_passthrough": { "turn_id": "t1" },
            }),
        ]
    );
    assert_eq!(log.roll_back(1).shown(), ["look"], "each starts a turn");
}

#[test]
fn rollbacks_count_prompts() {
    let five = || (1..=5).fold(Log::default(), |log, turn| log.turn(&format!("t{turn}")));
    assert_eq!(five().roll_back(0).shown().len(), 10);
    let four = five().roll_back(2).turn("t6");
    assert_eq!(four.shown(), ["t1", "t1!", "t2", "t2!", "t3", "t3!", "t6", "t6!"]);
    assert_eq!(four.roll_back(10).shown(), [""; 0], "more than there are");
    let steered = Log::default().start("a").message("user", "a1").message("user", "a2").end("a");
    assert_eq!(steered.roll_back(1).shown(), ["a1"], "two prompts of one turn");
    let empty = Log::default().message("developer", "d").roll_back(3);
    assert_eq!(empty.shown(), ["d"], "nothing before the first prompt is taken back");
}

#[test]
fn rollbacks_take_back_the_clients_words_before_the_prompt() {
    let log = Log::default()
        .message("user", "<environment_context>x</environment_context>")
        .turn("a")
        .message("developer", "be kind")
        .message("developer", "<token_budget>5</token_budget>")
        .message("user", "<skill>x</skill>")
        .turn("b");
    let kept = ["<environment_context>x</environment_context>", "a", "a!", "be kind"];
    assert_eq!(log.roll_back(1).shown(), kept);
}

#[test]
fn a_checkpoint_replaces_the_history() {
    let ghost = json!({ "type": "ghost_snapshot" });
    let system = message("system", "kept verbatim");
    let history = json!([message("user", "old"), ghost, system, { "type": "made_up" }]);
    let log = Log::default()
        .turn("a")
        .record("compacted", &json!({ "message": "", "replacement_history": history }))
        .turn("b");
    assert_eq!(log.shown(), ["old", "kept verbatim", "made_up", "b", "b!"]);
    let rolled_back = log.roll_back(2);
    assert_eq!(rolled_back.texts(ContextMode::Sound), [""; 0], "R92 aside, a was the first prompt");
}

#[test]
fn a_rolled_back_checkpoint_swallows_nothing_in_sound_mode() {
    // The checkpoint stands inside the turn that is taken back.
    let inside = Log::default().turn("a").turn("b").start("c").message("user", "c");
    let inside = inside.compact(&["a", "b", "c", "summary"]).message("assistant", "c!").end("c");
    let inside = inside.roll_back(1).turn("d");
    assert_eq!(inside.texts(ContextMode::Reference), ["c!", "d", "d!"], "R92, R108");
    assert_eq!(inside.texts(ContextMode::Sound), ["a", "a!", "b", "b!", "d", "d!"]);

    // A turn of its own between two turns that are taken back.
    let between = Log::default().turn("a").turn("b").start("c").compact(&["s"]).end("c").turn("d");
    let between = between.roll_back(2);
    assert_eq!(between.texts(ContextMode::Reference), [""; 0], "R92");
    assert_eq!(between.texts(ContextMode::Sound), ["a", "a!"]);

    // Two rollbacks reach it together; and a second checkpoint inside.
    let twice = Log::default().turn("a").start("c").message("user", "c").compact(&["s"]);
    let twice = twice.message("user", "c2").compact(&["s2"]).end("c").turn("d");
    let twice = twice.roll_back(1).roll_back(2);
    assert_eq!(twice.texts(ContextMode::Reference), [""; 0]);
    assert_eq!(twice.texts(ContextMode::Sound), ["a", "a!"]);
}

#[test]
fn a_checkpoint_before_what_is_rolled_back_stands() {
    let turns = Log::default().turn("a").start("b").compact(&["s"]).end("b").turn("c").roll_back(1);
    assert_eq!(turns.shown(), ["s"]);
    // A log without turn starts is one segment (R84), so the reference discards all of it.
    let flat = Log::default().message("user", "a").compact(&["s"]).message("user", "c");
    let flat = flat.message("user", "d").roll_back(1);
    assert_eq!(flat.texts(ContextMode::Reference), ["c"]);
    assert_eq!(flat.texts(ContextMode::Sound), ["s", "c"]);
}

#[test]
fn a_compaction_without_history_keeps_the_users_words() {
    let prefix = "Another language model started to solve this problem and produced a summary of \
        its thinking process. You also have access to the state of the tools that were used by \
        that language model. Use this to build on the work that has already been done and avoid \
        duplicating work. Here is the summary produced by the other language model, use the \
        information in this summary to assist with your own analysis:";
    let first = format!("{prefix}\nfirst summary");
    let log = Log::default()
        .turn("a")
        .message("user", "<skill>x</skill>")
        .message("developer", "d")
        .legacy_compact(&first)
        .turn("b");
    assert_eq!(log.shown(), ["a", first.as_str(), "b", "b!"]);
    let again = log.legacy_compact("");
    assert_eq!(again.shown(), ["a", "b", "(no summary available)"], "no summary of summaries");
    assert_eq!(again.roll_back(2).shown(), ["a"], "R114: the summary counts as a prompt");
}

#[test]
fn kept_words_carry_their_metadata() {
    let mut with = message("user", "a");
    with["internal_chat_message_metadata_passthrough"] = json!({ "turn_id": "t" });
    with["id"] = json!("m1");
    let log = Log::default().item(&with).legacy_compact("s");
    let kept = json!({
        "type": "message", "role": "user", "content": [{ "type": "input_text", "text": "a" }],
        "internal_chat_message_metadata_passthrough": { "turn_id": "t" },
    });
    assert_eq!(items(&log.context(ContextMode::Sound), log.bytes()), [kept, message("user", "s")]);
}

#[test]
fn kept_words_have_a_budget() {
    let (older, newer) = ("o".repeat(40_004), "n".repeat(40_000));
    let log = Log::default()
        .message("user", "too old")
        .message("user", &older)
        .message("user", &newer)
        .legacy_compact("s");
    let half = "o".repeat(20_000);
    let cut = format!("{half}…1 tokens truncated…{half}");
    assert_eq!(log.shown(), [cut, newer.clone(), "s".to_owned()]);
    let full = Log::default().message("user", &older).message("user", &newer.repeat(2));
    assert_eq!(full.legacy_compact("s").shown(), [newer.repeat(2), "s".to_owned()]);
}

#[test]
fn outputs_of_tools_are_cut_where_they_are_recorded() {
    let output = json!({ "type": "function_call_output", "call_id": "c", "output": "abcdefg" });
    let compacted = json!({ "message": "", "replacement_history": [output] });
    let log = Log::default().record("compacted", &compacted).item(&output);
    let snapshot = log.snapshot();
    for mode in BOTH {
        let limit = Some(Truncation::Bytes(5));
        let context = reconstruct(snapshot.records(), log.bytes(), mode, limit).unwrap();
        let outputs = items(&context, log.bytes()).into_iter().map(|it| it["output"].clone());
        let outputs: Vec<Value> = outputs.collect();
        assert_eq!(outputs, ["abcdefg", "abc…1 chars truncated…efg"]);
    }
}

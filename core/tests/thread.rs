//! Facts of a thread (R150-R158, A30; TORTURE 15, rows 4, 21, 22).

use rollfold_core::model::{AgentFactPlace, NameSource, SourceKind, Thread};
use rollfold_core::{Change, Dialogue, Facts, Folder, Options, Snapshot};

use crate::support::{apply, event, folded, line};

fn meta(id: &str, fields: &str) -> String {
    let times = "\"timestamp\":\"2026-03-01T09:59:59.500Z\"";
    let rest = "\"cwd\":\"/w\",\"originator\":\"o\",\"cli_version\":\"1\"";
    line(0, "session_meta", &format!("{{\"id\":\"{id}\",{times}{fields},{rest}}}"))
}

fn said(second: u32, message: &str) -> String {
    event(second, "user_message", &format!(",\"message\":{}", serde_json::json!(message)))
}

fn item(second: u32, content: &str) -> String {
    let item = format!("{{\"type\":\"UserMessage\",\"id\":\"u\",\"content\":[{content}]}}");
    event(
        second,
        "item_completed",
        &format!(",\"thread_id\":\"t\",\"turn_id\":\"x\",\"item\":{item}"),
    )
}

fn response(second: u32, text: &str) -> String {
    let text = serde_json::json!(text);
    let part = format!("{{\"type\":\"input_text\",\"text\":{text}}}");
    line(
        second,
        "response_item",
        &format!("{{\"type\":\"message\",\"role\":\"user\",\"content\":[{part}]}}"),
    )
}

fn thread(log: &[String]) -> Thread {
    folded(log).snapshot.thread().clone()
}

fn with(options: Options, log: &[String]) -> Thread {
    let mut snapshot = Snapshot::default();
    apply(&mut snapshot, &Folder::new(options).push(log.concat().as_bytes()));
    snapshot.thread().clone()
}

/// Preview, title, first message.
fn shown(thread: &Thread) -> [Option<&str>; 3] {
    [&thread.preview, &thread.title, &thread.first_user_message].map(Option::as_deref)
}

const TEXT: &str = "{\"type\":\"text\",\"text\":\"fix the parser\"}";

#[test]
fn the_first_words_in_three_vocabularies() {
    let env = "<environment_context>\n<cwd>/w</cwd>\n</environment_context>";
    let rules = "# AGENTS.md instructions for /w\n<INSTRUCTIONS>\nx\n</INSTRUCTIONS>";
    let contextual = [response(1, env), response(1, rules)];
    for last in [said(2, "fix the parser"), item(2, TEXT), response(2, "fix the parser")] {
        let mut log = vec![meta("t", "")];
        log.extend(contextual.clone());
        assert_eq!(shown(&thread(&log)), [None; 3]);
        log.push(last);
        log.push(said(3, "and the printer"));
        let thread = thread(&log);
        // What follows replaces only what stood in for it.
        let want =
            if log[3].contains("response_item") { "and the printer" } else { "fix the parser" };
        assert_eq!(shown(&thread), [Some(want); 3], "{log:?}");
        assert_eq!(thread.last_user_at, Some(1_772_359_203_000));
    }
    let log = [meta("t", ""), response(2, "fix the parser"), response(3, "more")];
    assert_eq!(shown(&thread(&log)), [Some("fix the parser"); 3]);
}

#[test]
fn options_leave_vocabularies_out() {
    let log = [meta("t", ""), response(1, "history"), item(2, TEXT), said(3, "event")];
    let of = |facts, dialogue| Options { facts, dialogue, ..Options::default() };
    for (options, want) in [
        (of(Facts::All, Dialogue::AnyVocabulary), "fix the parser"),
        (of(Facts::All, Dialogue::EventsOnly), "fix the parser"),
        (of(Facts::Seed, Dialogue::AnyVocabulary), "event"),
        (of(Facts::Seed, Dialogue::EventsOnly), "event"),
    ] {
        assert_eq!(shown(&with(options, &log)), [Some(want); 3]);
    }
}

#[test]
fn requests_pictures_and_goals() {
    let asked = "# Files\nx\n## My request for Codex:\n  go \n## My request for Codex: on";
    let want = "go \n## My request for Codex: on";
    assert_eq!(shown(&thread(&[meta("t", ""), said(1, asked)])), [Some(want); 3]);

    let image = event(1, "user_message", ",\"message\":\" \",\"images\":[\"u\"]");
    let log = [meta("t", ""), image, said(2, "words")];
    assert_eq!(shown(&thread(&log)), [Some("[Image]"), Some("words"), Some("[Image]")]);

    let audio = event(1, "user_message", ",\"message\":\"\",\"local_audio\":[\"/a\"]");
    assert_eq!(shown(&thread(std::slice::from_ref(&audio)))[0], Some("[Audio]"));
    let seed = Options { facts: Facts::Seed, ..Options::default() };
    assert_eq!(shown(&with(seed, &[audio])), [None; 3]);

    let goal =
        event(1, "thread_goal_updated", ",\"threadId\":\"t\",\"goal\":{\"objective\":\" win \"}");
    let log = [meta("t", ""), goal.clone(), said(2, "words")];
    assert_eq!(shown(&thread(&log)), [Some("win"), Some("words"), Some("words")]);
    let log = [meta("t", ""), said(2, "words"), goal];
    let late = thread(&log);
    assert_eq!((shown(&late), late.goal.as_deref()), ([Some("words"); 3], Some("win")));

    assert_eq!(shown(&thread(&[meta("t", ""), said(1, "  "), said(2, "x")])), [Some("x"); 3]);
}

#[test]
fn no_scan_limit_hides_a_first_message() {
    let mut log = vec![meta("t", "")];
    (0..424).for_each(|_| log.push(event(1, "warning", ",\"message\":\"w\"")));
    log.push(said(2, "late"));
    assert_eq!(shown(&thread(&log)), [Some("late"); 3]);
}

#[test]
fn what_the_reference_loses_is_kept() {
    let spawn = "{\"parent_thread_id\":\"p\",\"depth\":2,\"agent_path\":\"/root/scout\",\"agent_nickname\":\"Ada\",\"agent_type\":\"explorer\"}";
    let source = format!(
        ",\"source\":{{\"subagent\":{{\"thread_spawn\":{spawn}}}}},\"agent_nickname\":\"Bob\",\"memory_mode\":\"disabled\""
    );
    let foreign = meta("p", ",\"memory_mode\":\"enabled\",\"agent_path\":\"/root/p\"");
    let thread = thread(&[meta("t", &source), foreign]);
    let path = thread.agent_path.clone().unwrap();
    assert_eq!((&*path.value, path.found), ("/root/scout", AgentFactPlace::SpawnSource));
    let name = thread.agent_nickname.clone().unwrap();
    assert_eq!((&*name.value, name.found), ("Bob", AgentFactPlace::Meta));
    assert_eq!(thread.agent_role.as_ref().map(|role| &*role.value), Some("explorer"));
    assert_eq!(thread.memory_mode.as_deref(), Some("disabled"));
    assert_eq!(thread.copied_memory_mode.as_deref(), Some("enabled"));
    let source = thread.source.clone().unwrap();
    let spawn = source.spawn().unwrap();
    assert_eq!((spawn.parent_thread_id.as_deref(), spawn.depth), (Some("p"), Some(2)));
    assert!(source.is_sub_agent());
}

#[test]
fn later_metas_of_the_thread_replace_some_facts() {
    let first = ",\"model_provider\":\"a\",\"thread_source\":\"user\",\"git\":{\"branch\":\"b\",\"commit_hash\":\"c\"},\"base_instructions\":{\"text\":\"one\"},\"source\":\"cli\"";
    let second = ",\"git\":{\"branch\":\"d\"},\"base_instructions\":{\"text\":\"two\"},\"history_mode\":\"paginated\"";
    let thread = thread(&[meta("t", first), meta("t", second)]);
    assert_eq!(
        (thread.model_provider.as_deref(), thread.thread_source.as_deref()),
        (Some("a"), None)
    );
    let git = thread.git.clone().unwrap();
    assert_eq!((git.branch.as_deref(), git.commit_hash.as_deref()), (Some("d"), None));
    assert_eq!(thread.base_instructions.as_ref().map(|base| &*base.text), Some("one"));
    assert_eq!(thread.source.as_ref().map(|source| &source.kind), Some(&SourceKind::Vscode));
    let head = thread.head.clone().unwrap();
    assert_eq!((head.source.kind.clone(), head.history_mode.as_str()), (SourceKind::Cli, "legacy"));
    assert_eq!(head.created_at, Some(1_772_359_199_500));
    assert_eq!((head.session_id.as_deref(), head.id.as_deref()), (Some("t"), Some("t")));
}

#[test]
fn settings_of_turns_and_of_the_thread() {
    let context = |fields: &str| {
        line(
            1,
            "turn_context",
            &format!(
                "{{\"cwd\":\"/turn\",\"model\":\"m\",\"approval_policy\":\"never\",\"sandbox_policy\":{{\"mode\":\"x\"}},\"summary\":\"auto\"{fields}}}"
            ),
        )
    };
    let settings = "{\"model\":\"n\",\"model_provider_id\":\"p\",\"approval_policy\":\"untrusted\",\"permission_profile\":{\"type\":\"disabled\"},\"cwd\":\"/set\"}";
    let mut log = vec![
        meta("t", ""),
        context(
            ",\"effort\":\"high\",\"multi_agent_mode\":{\"custom\":\"z\"},\"multi_agent_version\":\"v1\"",
        ),
    ];
    let before = thread(&log);
    assert_eq!((before.cwd.as_deref(), before.turn_cwd.as_deref()), (Some("/w"), Some("/turn")));
    assert_eq!((before.model.as_deref(), before.effort.as_deref()), (Some("m"), Some("high")));
    assert_eq!(before.sandbox_policy.as_ref().map(|json| json.get()), Some("{\"mode\":\"x\"}"));
    assert_eq!(before.multi_agent_mode.as_ref().map(|json| json.get()), Some("{\"custom\":\"z\"}"));
    assert_eq!(before.multi_agent_version.as_deref(), Some("v1"));
    log.push(context(""));
    let later = thread(&log);
    assert_eq!((later.effort.as_deref(), later.multi_agent_mode.is_some()), (None, false));
    assert_eq!(later.multi_agent_version.as_deref(), Some("v1"));
    log.push(event(2, "thread_settings_applied", &format!(",\"thread_settings\":{settings}")));
    let applied = thread(&log);
    assert_eq!((applied.cwd.as_deref(), applied.model.as_deref()), (Some("/set"), Some("n")));
    assert_eq!(applied.approval_policy.as_ref().map(|json| json.get()), Some("\"untrusted\""));
    let seed = with(Options { facts: Facts::Seed, ..Options::default() }, &log);
    assert_eq!((seed.cwd.as_deref(), seed.model.as_deref()), (Some("/w"), Some("m")));
}

#[test]
fn names_carry_their_source() {
    let named = |fields: &str| event(1, "thread_name_updated", fields);
    let mut log = vec![meta("t", ""), named(",\"thread_id\":\"t\",\"thread_name\":\" Fix \"")];
    log.push(named(",\"thread_id\":\"other\",\"thread_name\":\"No\""));
    let name = thread(&log).name.unwrap();
    assert_eq!((&*name.text, name.source), ("Fix", NameSource::Log));
    log.push(named(",\"thread_name\":\"\""));
    assert_eq!(thread(&log).name, None);
}

#[test]
fn times_are_those_of_the_log() {
    let log = [
        meta("t", ""),
        event(5, "task_started", ",\"turn_id\":\"a\""),
        said(6, "x"),
        event(9, "task_complete", ",\"turn_id\":\"a\""),
        event(60, "thread_settings_applied", ",\"thread_settings\":{}"),
        event(60, "token_count", ",\"info\":null"),
        // A clock that went backwards.
        event(2, "task_started", ",\"turn_id\":\"b\""),
    ];
    let first = thread(&log[..6]);
    let at = |second: i64| Some(1_772_359_200_000 + second * 1_000);
    assert_eq!((first.recency_at, first.last_user_at), (at(5), at(6)));
    assert_eq!(first.last_activity_at, at(9));
    let second = thread(&log);
    assert_eq!((second.recency_at, second.last_activity_at), (at(5), at(2)));
}

#[test]
fn facts_that_stay_are_silent() {
    let log = [meta("t", ""), meta("t", "")];
    let folded = folded(&log);
    let second: Vec<&Change> =
        folded.steps.iter().filter(|step| step.seq == 1).flat_map(|step| &step.changes).collect();
    assert!(second.is_empty(), "{second:?}");
}

//! `cargo xtask replay --show`: both forms of each, on one log that has some of everything.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

const WORDS: [&str; 11] = [
    "turns", "items", "changes", "world", "windows", "context", "thread", "usage", "policy",
    "health", "forks",
];

/// A fork: its head, a copied turn of its origin, its head again, then two turns of its own with a
/// compaction between them; a call without output, an unknown record and a damaged one.
fn log() -> String {
    let parts: [(&str, &str); 22] = [
        (
            "session_meta",
            r#"{"id":"child","forked_from_id":"parent","timestamp":"2026-03-01T10:00:00.000Z","cwd":"/w","originator":"o","cli_version":"1.0.0","source":"cli","model_provider":"p"}"#,
        ),
        (
            "session_meta",
            r#"{"id":"parent","timestamp":"2026-03-01T09:00:00.000Z","cwd":"/w","originator":"o","cli_version":"1.0.0"}"#,
        ),
        ("event_msg", r#"{"type":"task_started","turn_id":"p1","started_at":1772355600}"#),
        ("event_msg", r#"{"type":"user_message","message":"of the origin"}"#),
        (
            "event_msg",
            r#"{"type":"token_count","info":{"total_token_usage":{"input_tokens":8,"output_tokens":2,"total_tokens":10},"last_token_usage":{"input_tokens":8,"output_tokens":2,"total_tokens":10}}}"#,
        ),
        ("event_msg", r#"{"type":"task_complete","turn_id":"p1"}"#),
        (
            "session_meta",
            r#"{"id":"child","forked_from_id":"parent","timestamp":"2026-03-01T10:00:00.000Z","cwd":"/w","originator":"o","cli_version":"1.0.0","source":"cli","model_provider":"p"}"#,
        ),
        ("event_msg", r#"{"type":"task_started","turn_id":"c1","started_at":1772359201}"#),
        ("turn_context", r#"{"turn_id":"c1","cwd":"/w","model":"m","effort":"high"}"#),
        ("world_state", r#"{"full":true,"state":{"env":{"os":"linux","shell":"sh"}}}"#),
        (
            "response_item",
            r#"{"type":"message","role":"user","content":[{"type":"input_text","text":"do it"}]}"#,
        ),
        ("event_msg", r#"{"type":"user_message","message":"do it"}"#),
        (
            "event_msg",
            r#"{"type":"token_count","info":{"total_token_usage":{"input_tokens":20,"output_tokens":5,"total_tokens":25},"last_token_usage":{"input_tokens":12,"output_tokens":3,"total_tokens":15}}}"#,
        ),
        ("event_msg", r#"{"type":"task_complete","turn_id":"c1"}"#),
        (
            "compacted",
            r#"{"message":"sum","window_number":1,"replacement_history":[{"type":"message","role":"user","content":[{"type":"input_text","text":"do it"}]},{"type":"message","role":"assistant","content":[{"type":"output_text","text":"done"}]}]}"#,
        ),
        ("event_msg", r#"{"type":"task_started","turn_id":"c2","started_at":1772359210}"#),
        ("world_state", r#"{"full":true,"state":{"env":{"os":"linux"}}}"#),
        ("world_state", r#"{"full":false,"state":{"env":{"cwd":"/w"}}}"#),
        (
            "response_item",
            r#"{"type":"message","role":"user","content":[{"type":"input_text","text":"more"}]}"#,
        ),
        (
            "response_item",
            r#"{"type":"function_call","name":"f","arguments":"{}","call_id":"answered"}"#,
        ),
        (
            "response_item",
            r#"{"type":"function_call_output","call_id":"answered","output":"0123456789"}"#,
        ),
        (
            "response_item",
            r#"{"type":"function_call","name":"f","arguments":"{}","call_id":"open"}"#,
        ),
    ];
    let mut log = String::new();
    for (second, (kind, payload)) in parts.into_iter().enumerate() {
        let time = format!("2026-03-01T10:00:{second:02}.000Z");
        log += &format!("{{\"timestamp\":\"{time}\",\"type\":\"{kind}\",\"payload\":{payload}}}\n");
    }
    log + "{\"type\":\"from_the_future\",\"payload\":{}}\n{\"type\":\"event_msg\",\"payl\n"
}

/// Standard output, and the code; the log is named as it lies in its folder.
fn show(folder: &Path, args: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    let ran = command.args(["replay", "log.jsonl"]).args(args).current_dir(folder);
    let ran = ran.output().unwrap();
    (ran.status.code().unwrap(), String::from_utf8(ran.stdout).unwrap())
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("log.jsonl"), log()).unwrap();
    folder
}

/// Each form of each show, and that `--at` is the state after so many lines.
#[test]
fn every_show_in_both_forms() {
    let folder = folder();
    for word in WORDS {
        let mut text = String::new();
        for args in [&["--show", word][..], &["--show", word, "--json"]] {
            let (code, shown) = show(folder.path(), args);
            assert_eq!(code, 0, "{args:?}");
            text += &format!("$ {}\n{shown}", args.join(" "));
        }
        insta::assert_snapshot!(word, text);
    }
}

/// Values of a log may be deeper than values can be read.
#[test]
fn values_of_any_depth_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    let deep = format!("{}0{}", "[".repeat(300), "]".repeat(300));
    let head = r#"{"timestamp":"2026-03-01T10:00:00.000Z","type":"#;
    let log = format!(
        "{head}\"session_meta\",\"payload\":{{\"id\":\"t\",\"source\":{deep}}}}}\n\
         {head}\"turn_context\",\"payload\":{{\"cwd\":\"/w\",\"sandbox_policy\":{deep}}}}}\n\
         {head}\"event_msg\",\"payload\":{{\"type\":\"mcp_tool_call_begin\",\"call_id\":\"c\",\
         \"invocation\":{{\"server\":\"s\",\"tool\":\"t\",\"arguments\":{deep}}}}}}}\n"
    );
    std::fs::write(folder.path().join("log.jsonl"), log).unwrap();
    for word in WORDS {
        for args in [&["--show", word][..], &["--show", word, "--json"]] {
            let (code, shown) = show(folder.path(), args);
            assert_eq!(code, 0, "{args:?}");
            let is_deep = ["turns", "items", "changes", "thread"].contains(&word);
            assert!(args.len() == 2 || !is_deep || shown.contains(&deep), "{args:?}");
        }
    }
}

#[test]
fn flags_of_the_context() {
    let folder = folder();
    let mut text = String::new();
    for args in [&["--mode", "reference"][..], &["--repair"], &["--truncate-bytes", "5"]] {
        let args = [&["--show", "context", "--json"], args].concat();
        let (code, shown) = show(folder.path(), &args);
        assert_eq!(code, 0, "{args:?}");
        text += &format!("$ {}\n{shown}", args.join(" "));
    }
    insta::assert_snapshot!("context_flags", text);
}

/// As of a line is the state after that many lines: that of a log that ends there.
#[test]
fn every_show_as_of_every_line() {
    let (whole, prefix) = (folder(), tempfile::tempdir().unwrap());
    let log = log();
    let lines: Vec<&str> = log.split_inclusive('\n').collect();
    for seq in [0, 1, 9, 14, 15, lines.len()] {
        std::fs::write(prefix.path().join("log.jsonl"), lines[..seq].concat()).unwrap();
        for word in WORDS {
            let number = seq.to_string();
            let at = ["--show", word, "--json", "--at", &number];
            let (code, shown) = show(whole.path(), &at);
            assert_eq!((code, &shown), (0, &show(prefix.path(), &at[..3]).1), "{at:?}");
            for line in shown.lines() {
                let line: Value = serde_json::from_str(line).unwrap();
                assert_eq!(line["file"], "log.jsonl", "{at:?}");
            }
        }
    }
}

#[test]
fn bad_input_is_said_in_a_line() {
    let folder = folder();
    assert_eq!(show(folder.path(), &["--show", "weather"]), (2, String::new()));
    assert_eq!(show(folder.path(), &["--show", "world", "--repair"]), (2, String::new()));
    assert_eq!(show(folder.path(), &["--mode", "sound"]), (2, String::new()));
    let both = ["--show", "context", "--truncate-bytes", "1", "--truncate-tokens", "1"];
    assert_eq!(show(folder.path(), &both), (2, String::new()));
    for word in WORDS {
        let ran = crate::xtask(&["replay", "no/such/file.jsonl", "--show", word]);
        assert_eq!((ran.code, ran.stdout.as_str()), (3, ""), "{word}");
        assert!(ran.stderr.starts_with("no/such/file.jsonl: "), "{}", ran.stderr);
    }
}

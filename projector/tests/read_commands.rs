//! The commands that read one thread, run as people run them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::LazyLock;

use redb::TableDefinition;
use rollfold_projector::Store;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::event;

const ONE: &str = "019bb0c0-0000-7000-8000-000000000001";
const TWO: &str = "019bb0c1-0000-7000-8000-000000000002";
const THREE: &str = "019bb0c2-0000-7000-8000-000000000003";

/// A line of a kind that is no event.
fn record(kind: &str, payload: &Value) -> String {
    let at = "2026-03-01T10:00:00.000Z";
    format!("{{\"timestamp\":\"{at}\",\"type\":\"{kind}\",\"payload\":{payload}}}\n")
}

fn log(id: &str, lines: &[String]) -> String {
    let head = json!({
        "id": id, "timestamp": "2026-03-01T10:00:00Z", "cwd": "/w", "originator": "o",
        "cli_version": "1", "source": "cli",
    });
    record("session_meta", &head) + &lines.concat()
}

/// Two turns, of which one has a command and its output; twelve lines, of which one is damaged.
fn one() -> String {
    let usage = json!({"input_tokens": 70, "cached_input_tokens": 20, "output_tokens": 30,
        "reasoning_output_tokens": 10, "total_tokens": 100});
    let end = json!({"type": "exec_command_end", "call_id": "c1", "turn_id": "t1",
        "command": ["ls"], "cwd": "/w", "parsed_cmd": [], "stdout": "", "stderr": "",
        "aggregated_output": (0..30).map(|it| format!("row {it}\n")).collect::<String>(),
        "exit_code": 0, "duration": {"secs": 0, "nanos": 0}, "formatted_output": "",
        "status": "completed", "source": "agent"});
    let count = json!({"type": "token_count", "info": {"total_token_usage": usage,
        "last_token_usage": usage, "model_context_window": 272000}, "rate_limits": null});
    let state = json!({"full": true, "state": {"agents_md": {"text": "use\u{9b}tabs"}}});
    let said =
        json!({"type": "user_message", "message": "first \u{1b}[1mline\u{7}\nsecond\u{202e}"});
    let asked = json!({"type": "message", "role": "user",
        "content": [{"type": "input_text", "text": "first"}]});
    log(
        ONE,
        &[
            record("world_state", &state),
            event(r#"{"type":"task_started","turn_id":"t1","started_at":1772359202}"#),
            record("response_item", &asked),
            event(&said.to_string()),
            event(&end.to_string()),
            event(&count.to_string()),
            event(r#"{"type":"agent_message","message":"it is done"}"#),
            event(r#"{"type":"task_complete","turn_id":"t1"}"#),
            event(r#"{"type":"task_started","turn_id":"t2"}"#),
            event(r#"{"type":"user_message","message":"more"}"#),
            "no JSON\n".to_owned(),
        ],
    )
}

fn two() -> String {
    let later = |line: String| line.replace("10:00:00.000Z", "11:00:00.000Z");
    let lines = [
        event(r#"{"type":"task_started","turn_id":"u1"}"#),
        event(r#"{"type":"user_message","message":"the other"}"#),
        event(r#"{"type":"task_complete","turn_id":"u1"}"#),
    ];
    log(TWO, &lines.map(later))
}

/// A thread that can be forked by reference.
fn paginated() -> String {
    let head = json!({"id": THREE, "timestamp": "2026-03-01T10:00:00Z", "cwd": "/w",
        "originator": "o", "cli_version": "1", "source": "cli", "history_mode": "paginated"});
    let lines = [
        record("session_meta", &head),
        event(r#"{"type":"task_started","turn_id":"p1"}"#),
        event(r#"{"type":"task_complete","turn_id":"p1"}"#),
    ];
    let numbered = lines.iter().enumerate().map(|(ordinal, line)| {
        line.replacen("\"type\"", &format!("\"ordinal\":{ordinal},\"type\""), 1)
    });
    numbered.collect()
}

/// The home and its store, made once and read by all.
static HOME: LazyLock<TempDir> = LazyLock::new(|| {
    let dir = TempDir::new().unwrap();
    write(dir.path());
    assert!(run(dir.path(), &["sync"]).status.success());
    dir
});

fn write(dir: &Path) {
    let day = dir.join("home/sessions/2026/03/01");
    fs::create_dir_all(&day).unwrap();
    for (id, log) in [(ONE, one()), (TWO, two())] {
        fs::write(day.join(format!("rollout-2026-03-01T10-00-00-{id}.jsonl")), log).unwrap();
    }
    let names = format!(
        "{{\"id\":\"{ONE}\",\"thread_name\":\"Tidy up\",\"updated_at\":\"2026-03-01T10:00:00Z\"}}\n"
    );
    fs::write(dir.join("home/session_index.jsonl"), names).unwrap();
}

fn run(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rollfold"))
        .current_dir(dir)
        .args(["--home", "home", "--store", "store.redb"])
        .args(args)
        .output()
        .unwrap()
}

/// What a command says to people, and its exit code.
fn text(args: &[&str]) -> (i32, String) {
    let output = run(HOME.path(), args);
    assert!(output.stderr.is_empty(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let is_tame = |it: char| it == '\n' || !(it.is_control() || it == '\u{202e}');
    assert!(text.chars().all(is_tame), "{args:?}: {text:?}");
    (output.status.code().unwrap(), text)
}

/// The JSON lines of a command, which are all about one thread.
fn lines(args: &[&str]) -> Vec<Value> {
    let output = run(HOME.path(), &[args, &["--json"]].concat());
    assert!(output.stderr.is_empty(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn turns_are_shown() {
    let (code, said) = text(&["show", "Tidy up"]);
    assert_eq!(code, 0);
    let begins = format!("{ONE}  Tidy up\nrollout-2026-03-01T10-00-00-{ONE}, 12 lines\n\n");
    assert!(said.starts_with(&begins), "{said}");
    for part in [
        "turn 0 (t1)  completed  2026-03-01 10:00:02Z\n",
        "  user\n    first line\n    second\n",
        "  command completed, exit 0, 0 ms, in /w\n    $ ls\n    row 0\n",
        "    row 18\n    ... 11 more lines\n",
        "  agent\n    it is done\n",
        "turn 1 (t2)  inProgress\n  user\n    more\n",
    ] {
        assert!(said.contains(part), "{part:?} not in {said}");
    }
    let (_, early) = text(&["show", ONE, "--at", "5"]);
    assert!(early.contains(", 5 of 12 lines\n") && early.contains("second"), "{early}");
    assert!(!early.contains("it is done"), "{early}");

    let ids = |lines: &[Value]| -> Vec<String> {
        lines.iter().map(|line| line["turn"]["id"].as_str().unwrap().to_owned()).collect()
    };
    let all = lines(&["show", "019BB0C0"]);
    assert_eq!((ids(&all), &all[0]["threadId"]), (vec!["t1".into(), "t2".into()], &json!(ONE)));
    assert_eq!(all[0]["turn"]["items"].as_array().unwrap().len(), 3);
    let few = lines(&["show", ONE, "--items", "summary"]);
    assert_eq!(few[0]["turn"]["items"].as_array().unwrap().len(), 2);
    let none = lines(&["show", ONE, "--items", "none"]);
    assert_eq!(none[0]["turn"]["itemsView"], "notLoaded");

    let mut page = lines(&["show", ONE, "--limit", "1", "--newest-first"]);
    let cursor = page.pop().unwrap()["nextCursor"].as_str().unwrap().to_owned();
    assert_eq!(ids(&page), ["t2"]);
    let rest = lines(&["show", ONE, "--cursor", &cursor, "--newest-first"]);
    assert_eq!(ids(&rest), ["t1"]);
    let key = format!("rollout-2026-03-01T10-00-00-{TWO}");
    assert_eq!((ids(&lines(&["show", &key])), ids(&lines(&["show", "--last"]))), {
        (vec!["u1".to_owned()], vec!["u1".to_owned()])
    });
}

#[test]
fn items_are_shown() {
    let (code, said) = text(&["items", ONE]);
    assert_eq!((code, said.lines().count()), (0, 6), "{said}");
    assert!(said.starts_with("turn 0 (t1)\n") && said.contains("first line second"), "{said}");
    assert!(said.contains("commandExecution"), "{said}");
    let all = lines(&["items", ONE]);
    let kinds: Vec<_> = all.iter().map(|line| line["item"]["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["userMessage", "commandExecution", "agentMessage", "userMessage"]);
    assert_eq!((&all[3]["turnId"], &all[3]["seq"]), (&json!("t2"), &json!(10)));
    assert_eq!(lines(&["items", ONE, "--turn", "t2"]), all[3..]);
    assert_eq!(lines(&["items", ONE, "--turn", "0"]), all[..3]);
    assert_eq!(lines(&["items", ONE, "--at", "5"]), all[..1]);
}

#[test]
fn what_is_known_is_shown() {
    let (code, said) = text(&["thread", ONE]);
    assert_eq!(code, 0);
    let has = |name: &str, value: &str| {
        let mut rows = said.lines().map(|line| line.split_once("  ").unwrap_or((line, "")));
        assert!(rows.any(|row| row.0 == name && row.1.trim() == value), "{name} in {said}");
    };
    has("called", "Tidy up");
    has("lines", "12");
    has("cwd", "/w");
    let [line] = &*lines(&["thread", ONE]) else { panic!() };
    let key = format!("rollout-2026-03-01T10-00-00-{ONE}");
    assert_eq!((&line["key"], &line["name"]), (&json!(key), &json!("Tidy up")));
    assert_eq!(
        (&line["thread"]["title"], &line["lines"]),
        (&json!("first \u{1b}[1mline\u{7}\nsecond\u{202e}"), &json!(12))
    );
    assert_eq!(lines(&["thread", ONE, "--at", "2"])[0]["thread"]["title"], Value::Null);

    let state = json!({"agents_md": {"text": "use\u{9b}tabs"}});
    assert_eq!(lines(&["world", ONE])[0]["world"], json!({ "known": state }));
    assert_eq!(lines(&["world", ONE, "--at", "1"])[0]["world"], "unknown");
    let (code, said) = text(&["world", ONE]);
    assert_eq!((code, said.contains("\"text\": \"usetabs\"")), (0, true), "{said}");

    let [window] = &*lines(&["windows", ONE]) else { panic!() };
    assert_eq!(
        (&window["window"]["number"], &window["own_tokens"]["total"]),
        (&json!(0), &json!(100))
    );
    let (code, said) = text(&["windows", ONE]);
    assert_eq!((code, said.lines().count()), (0, 2), "{said}");

    let [entry, sums] = &*lines(&["usage", ONE]) else { panic!() };
    assert_eq!((&entry["entry"]["turn_id"], &sums["own"]["total"]), (&json!("t1"), &json!(100)));
    assert_eq!(lines(&["usage", ONE, "--at", "3"])[0]["own"]["total"], 0);
    let (code, said) = text(&["usage", ONE]);
    assert_eq!(code, 0);
    assert!(said.contains("own: 100 tokens (70 in, 20 of them cached; 30 out"), "{said}");
}

#[test]
fn places_are_compared() {
    let (code, said) = text(&["diff", ONE, "9", "12"]);
    assert_eq!(code, 1);
    assert!(said.contains("+ turn 1: {") && said.contains("more"), "{said}");
    let all = lines(&["diff", ONE, "9", "12"]);
    let items: Vec<_> = all.iter().filter(|line| line["what"] == "item").collect();
    let [item] = &*items else { panic!("{all:?}") };
    assert_eq!((&item["at"], &item["before"]), (&json!({"turn": 1, "item": 0}), &Value::Null));
    assert_eq!(item["after"]["content"][0]["text"], "more");
    let back = lines(&["diff", ONE, "12", "9"]);
    assert_eq!(back.iter().find(|line| line["what"] == "item").unwrap()["before"], item["after"]);
    assert_eq!(text(&["diff", "--last", "2", "2"]), (0, String::new()));

    let all = lines(&["changes", ONE, "0", "12"]);
    let seqs: Vec<_> = all.iter().map(|line| line["seq"].as_u64().unwrap()).collect();
    assert!(seqs.is_sorted() && seqs.contains(&1) && seqs.contains(&10) && !seqs.contains(&11));
    let world = all.iter().find(|line| line["seq"] == 1).unwrap();
    assert!(world["others"][0]["world"]["set"]["agents_md"].is_object(), "{world}");
    let last = all.iter().find(|line| line["seq"] == 10).unwrap();
    assert_eq!(last["changes"]["changed_items"][0]["turn_id"], "t2", "{last}");
    let (code, said) = text(&["changes", ONE, "9", "11"]);
    assert_eq!(code, 0);
    assert!(said.contains("      9  turn inProgress  t2\n"), "{said}");
    assert!(said.contains("     10  item userMessage  t2  "), "{said}");
}

#[test]
fn what_was_not_understood_is_said() {
    let (code, said) = text(&["health", ONE]);
    assert_eq!(code, 1);
    assert!(
        said.starts_with("2 turns\n") && said.contains("1 damaged; first on line 11"),
        "{said}"
    );
    let all = lines(&["health", ONE, "--all"]);
    let [odd, health] = &*all else { panic!("{all:?}") };
    assert_eq!(odd["seq"], 11);
    let health = &health["health"];
    assert_eq!(health["recognition"], json!({"turns": {"turns": 2}}));
    assert_eq!(health["diagnostics"]["damaged"]["first"]["seq"], 11);
    assert_eq!(text(&["health", "--last"]).0, 0);
}

#[test]
fn contexts_are_shown() {
    let [about, item] = &*lines(&["context", ONE]) else { panic!() };
    assert_eq!(
        (&about["context"]["mode"], &about["context"]["items"]),
        (&json!("sound"), &json!(1))
    );
    assert_eq!((&item["number"], &item["item"]["role"]), (&json!(0), &json!("user")));
    let (code, said) = text(&["context", ONE, "--mode", "reference"]);
    assert_eq!(code, 0);
    assert!(said.contains("mode: reference\n"), "{said}");
    assert!(said.ends_with("every call and output is paired\n"), "{said}");
    assert_eq!(lines(&["context", ONE, "--at", "3"])[0]["context"]["items"], 0);
}

#[test]
fn rows_are_verified() {
    let dir = TempDir::new().unwrap();
    write(dir.path());
    assert!(run(dir.path(), &["sync"]).status.success());
    let verify = |args: &[&str]| -> (i32, Vec<Value>) {
        let output = run(dir.path(), &[&["verify", "--json"], args].concat());
        let text = String::from_utf8(output.stdout).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        (output.status.code().unwrap(), lines)
    };
    let (code, lines) = verify(&[]);
    assert_eq!((code, lines.len()), (0, 2));
    assert!(lines.iter().all(|line| line["differences"] == 0 && line["rows"].as_u64() > Some(5)));
    let (code, lines) = verify(&[TWO, "--repair", "--samples", "2"]);
    assert_eq!((code, &lines[0]["lines"], &lines[0]["repaired"]), (0, &json!(4), &json!([])));
    let output = run(dir.path(), &["verify", ONE]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("answers as a fold anew has them"));

    // A row that is missing is found, and written anew where that is asked for.
    let facts: TableDefinition<(u32, u8, u64), &[u8]> = TableDefinition::new("facts");
    let store = Store::open(dir.path().join("store.redb")).unwrap();
    let tampered = store.tamper(|write| {
        write.open_table(facts)?.pop_first()?;
        Ok(())
    });
    tampered.unwrap();
    drop(store);
    let (code, lines) = verify(&[]);
    assert_eq!((code, verify(&[]).0), (1, 1), "{lines:?}");
    let found = lines.iter().find(|line| line["differences"] != 0).unwrap();
    assert_eq!(
        (&found["first"]["place"], &found["first"]["kind"]),
        (&json!("facts"), &json!("missing"))
    );
    let (code, lines) = verify(&["--repair"]);
    assert_eq!(code, 1);
    assert!(lines.iter().any(|line| line["repaired"] == json!(["facts"])), "{lines:?}");
    assert_eq!(verify(&[]).0, 0);

    // A fork by reference is verified with the log it goes on from.
    let base = paginated();
    let name = format!("home/sessions/2026/03/01/rollout-2026-03-01T10-00-00-{THREE}.jsonl");
    fs::write(dir.path().join(name), base).unwrap();
    let forked = run(dir.path(), &["fork", THREE, "--by-reference", "--json"]);
    assert!(forked.status.success(), "{}", String::from_utf8_lossy(&forked.stderr));
    assert!(run(dir.path(), &["sync"]).status.success());
    let (code, lines) = verify(&[]);
    assert_eq!((code, lines.len()), (0, 4), "{lines:?}");
    assert!(lines.iter().all(|line| line["differences"] == 0));
    // A log that was rewritten since, and one that is gone.
    let path = |id| format!("home/sessions/2026/03/01/rollout-2026-03-01T10-00-00-{id}.jsonl");
    fs::write(dir.path().join(path(TWO)), two().replace("the other", "xyz")).unwrap();
    let (code, lines) = verify(&[TWO]);
    assert_eq!(code, 3);
    assert!(lines[0]["error"].as_str().unwrap().contains("no longer what was folded"), "{lines:?}");
    fs::remove_file(dir.path().join(path(TWO))).unwrap();
    assert_eq!(verify(&[TWO]).0, 3);
    assert!(run(dir.path(), &["sync"]).status.success());
    assert_eq!((verify(&[]).0, verify(&[TWO]).0), (0, 3));
}

/// Free-form JSON may be nested deeper than serde_json reads.
#[test]
fn deep_values_are_shown_as_they_stand() {
    let dir = TempDir::new().unwrap();
    let day = dir.path().join("home/sessions/2026/03/01");
    fs::create_dir_all(&day).unwrap();
    let deep = format!("{}1{}", "[".repeat(400), "]".repeat(400));
    let lines = [
        event(r#"{"type":"task_started","turn_id":"t1"}"#),
        event(&format!(
            r#"{{"type":"dynamic_tool_call_request","callId":"c1","turnId":"t1","tool":"dig","arguments":{deep}}}"#
        )),
        event(&format!(r#"{{"type":"error","message":"no","codex_error_info":{deep}}}"#)),
    ];
    let log = log(ONE, &lines).replacen("\"cli\"", &format!("{{\"custom\":{deep}}}"), 1);
    fs::write(day.join(format!("rollout-2026-03-01T10-00-00-{ONE}.jsonl")), log).unwrap();
    assert!(run(dir.path(), &["sync"]).status.success());
    let mut is_deep = 0;
    for json in [&[][..], &["--json"]] {
        for command in ["show", "items", "thread", "world", "windows", "usage", "context"] {
            let output = run(dir.path(), &[&[command, ONE], json].concat());
            assert_eq!(output.status.code(), Some(0), "{command}");
            is_deep += usize::from(String::from_utf8(output.stdout).unwrap().contains(&deep));
        }
        for command in ["diff", "changes"] {
            let output = run(dir.path(), &[&[command, ONE, "0", "4"], json].concat());
            assert_eq!(output.status.code(), Some(i32::from(command == "diff")), "{command}");
            is_deep += usize::from(String::from_utf8(output.stdout).unwrap().contains(&deep));
        }
    }
    assert!(is_deep >= 5, "{is_deep}");
}

#[test]
fn bad_input_is_one_line() {
    let cases: [(&[&str], i32, &str); 10] = [
        (&["show", "nobody"], 3, "no thread has this id"),
        (&["show", "019bb0c"], 3, "is the name of 2 threads"),
        (&["show", ONE, "--at", "13"], 2, "has 12 lines, not 13"),
        (&["show", ONE, "--cursor", "r1.x"], 3, "it is no cursor"),
        (&["items", ONE, "--turn", "t9"], 3, "no turn has this id or number"),
        (&["diff", ONE, "1"], 2, "name THREAD, A and B"),
        (&["diff", ONE, "1", "x"], 2, "is no number of lines"),
        (&["changes", ONE, "5", "4"], 2, "name the earlier one first"),
        (&["verify", "nobody"], 3, "no thread has this id"),
        (&["health", "", "--store", "nowhere.redb"], 2, "no store yet"),
    ];
    for (args, code, said) in cases {
        let output = run(HOME.path(), args);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(
            (output.status.code(), text.lines().count()),
            (Some(code), 1),
            "{args:?} {text}"
        );
        assert!(text.contains(said) && output.stdout.is_empty(), "{args:?} {text}");
    }
    for args in [&["show"][..], &["show", ONE, "--last"], &["world", ONE, "--at", "-1"]] {
        assert_eq!(run(HOME.path(), args).status.code(), Some(2), "{args:?}");
    }
}

#[test]
fn the_readme_names_every_command() {
    let help = Command::new(env!("CARGO_BIN_EXE_rollfold")).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let commands = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let names = commands.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = names.map(|line| line.split_whitespace().next().unwrap());
    let helped: BTreeSet<&str> = names.filter(|name| *name != "help").collect();

    let readme = include_str!("../../README.md");
    let section = readme.split("\n## Thousands of threads\n").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let cells = section.lines().filter_map(|line| line.strip_prefix("| `rollfold"));
    let cells: Vec<String> =
        cells.map(|line| format!("`{}", line.split(" | ").next().unwrap().trim_start())).collect();
    let named = cells.iter().flat_map(|cell| cell.split('`').skip(1).step_by(2));
    let named: BTreeSet<&str> = named.map(|it| it.split(' ').next().unwrap()).collect();
    assert!(helped.len() > 20, "{help}");
    assert_eq!(named, helped);
}

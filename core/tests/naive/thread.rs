//! Facts of a thread (R150-R158, R171, R178, A30), by the names of the fields they are kept in.

use serde_json::{Map, Value, json};

use super::inheritance::own_records;
use super::lines::{Line, Record, records};
use super::messages::words;
use super::origin::{normalised_tools, source, spawned};
use super::time::parse_ms;
use super::values::{canonical, int, list, text};

/// The facts that are known.
pub(crate) fn facts(lines: &[Line]) -> Map<String, Value> {
    let mut facts = Map::new();
    from_metas(lines, &mut facts);
    from_settings(lines, &mut facts);
    from_words(lines, &mut facts);
    from_times(lines, &mut facts);
    facts.retain(|_, fact| !fact.is_null());
    facts
}

fn of_kind<'l>(lines: &'l [Line], kind: &'l str) -> impl DoubleEndedIterator<Item = &'l Value> {
    records(lines).filter(move |(_, it)| it.kind() == kind).map(|(_, it)| &it.payload)
}

/// The id of the thread: that of the first `session_meta` (T8).
fn thread_id(lines: &[Line]) -> Option<String> {
    text(of_kind(lines, "session_meta").next()?, "id").map(canonical)
}

fn is_own(meta: &Value, id: Option<&String>) -> bool {
    id.is_none_or(|id| text(meta, "id").map(canonical).as_ref() == Some(id))
}

fn role(meta: &Value) -> &Value {
    if meta["agent_role"].is_null() { &meta["agent_type"] } else { &meta["agent_role"] }
}

fn from_metas(lines: &[Line], facts: &mut Map<String, Value>) {
    let metas: Vec<&Value> = of_kind(lines, "session_meta").collect();
    let Some(first) = metas.first() else { return };
    let id = thread_id(lines);
    facts.insert("head".into(), head(first));
    let mode = text(first, "history_mode").filter(|mode| !["legacy", "paginated"].contains(mode));
    facts.insert("unknown_mode".into(), json!(mode));
    // Of whichever thread.
    let newest = |key: &str| metas.iter().rev().find_map(|meta| text(meta, key));
    facts.insert("copied_memory_mode".into(), json!(newest("memory_mode")));
    let origin = metas.iter().find_map(|meta| text(meta, "forked_from_id")).map(canonical);
    facts.insert("copied_forked_from_id".into(), json!(origin));
    let base = metas.iter().map(|meta| &meta["base_instructions"]).find(|base| base.is_object());
    if let Some(base) = base {
        let said = text(base, "text").unwrap_or("");
        let fact = json!({"text": said, "provenance": base["provenance"]});
        facts.insert("base_instructions".into(), fact);
    }
    let tools = metas.iter().find_map(|meta| meta["dynamic_tools"].as_array());
    facts.insert("dynamic_tools".into(), tools.map_or(Value::Null, |it| normalised_tools(it)));
    // R152: of the thread's own.
    let own: Vec<&&Value> = metas.iter().filter(|meta| is_own(meta, id.as_ref())).collect();
    let Some(last) = own.last() else { return };
    let spawn = spawned(&last["source"]);
    let agent = |field: &Value, spawn: &Value| match (field.as_str(), spawn.as_str()) {
        (Some(value), _) => json!({"value": value, "found": "meta"}),
        (None, Some(value)) => json!({"value": value, "found": "spawn_source"}),
        (None, None) => Value::Null,
    };
    facts.insert("source".into(), source(last));
    facts.insert("thread_source".into(), json!(text(last, "thread_source")));
    facts.insert("agent_path".into(), agent(&last["agent_path"], &spawn["agent_path"]));
    facts.insert("agent_nickname".into(), agent(&last["agent_nickname"], &spawn["agent_nickname"]));
    facts.insert("agent_role".into(), agent(role(last), role(&spawn)));
    let newest_own = |key: &str| own.iter().rev().find_map(|meta| text(meta, key));
    facts.insert("memory_mode".into(), json!(newest_own("memory_mode")));
    let version =
        own.iter().rev().find_map(|meta| text(meta, "cli_version").filter(|it| !it.is_empty()));
    facts.insert("cli_version".into(), json!(version));
    if let Some(git) = own.iter().rev().map(|meta| &meta["git"]).find(|git| git.is_object()) {
        let parts = ["commit_hash", "branch", "repository_url"];
        let part = |key: &str| (key.to_owned(), json!(text(git, key)));
        facts.insert("git".into(), Value::Object(parts.into_iter().map(part).collect()));
    }
}

fn head(meta: &Value) -> Value {
    let id = |key: &str| text(meta, key).map(canonical);
    let root = |root: &Value| {
        let (location, own) = (&root["location"], text(root, "id").unwrap_or(""));
        let part = |key: &str| text(location, key).unwrap_or("").to_owned();
        json!({"id": own, "environment_id": part("environmentId"), "path": part("path")})
    };
    let roots = list(&meta["selected_capability_roots"]).iter().filter(|root| root.is_object());
    json!({
        "id": id("id"),
        "session_id": id("session_id").or_else(|| id("id")),
        "forked_from_id": id("forked_from_id"),
        "parent_thread_id": id("parent_thread_id"),
        "timestamp": text(meta, "timestamp"),
        "created_at": text(meta, "timestamp").and_then(parse_ms),
        "cwd": text(meta, "cwd"),
        "originator": text(meta, "originator"),
        "source": source(meta),
        "thread_source": text(meta, "thread_source"),
        "history_mode": text(meta, "history_mode").unwrap_or("legacy"),
        "capability_roots": roots.map(root).collect::<Vec<_>>(),
        "first_window_id": text(&meta["context_window"], "window_id"),
    })
}

/// What later records set again and again, in the order of the log.
fn from_settings(lines: &[Line], facts: &mut Map<String, Value>) {
    let id = thread_id(lines);
    let mut version_of_meta = None;
    let mut known_id = None;
    for (_, Record { kind, payload, .. }) in records(lines) {
        let mut put = |key: &str, value: Value| facts.insert(key.into(), value);
        let words = |key: &str| text(payload, key).filter(|text| !text.is_empty());
        match kind.as_deref().unwrap_or("") {
            "session_meta" if is_own(payload, id.as_ref()) => {
                known_id = id.clone();
                if let Some(provider) = text(payload, "model_provider") {
                    put("model_provider", json!(provider));
                }
                if let Some(cwd) = words("cwd") {
                    put("cwd", json!(cwd));
                }
                if let Some(version) = text(payload, "multi_agent_version") {
                    version_of_meta = put("multi_agent_version", json!(version)).or(Some(json!(0)));
                }
            }
            "turn_context" => {
                for key in ["effort", "sandbox_policy", "permission_profile", "multi_agent_mode"] {
                    let is_word = key == "effort";
                    let value = &payload[key];
                    put(key, if is_word { json!(value.as_str()) } else { value.clone() });
                }
                put("file_system_policy", payload["file_system_sandbox_policy"].clone());
                if let Some(cwd) = words("cwd") {
                    put("turn_cwd", json!(cwd));
                }
                if let Some(model) = text(payload, "model") {
                    put("model", json!(model));
                }
                if !payload["approval_policy"].is_null() {
                    put("approval_policy", payload["approval_policy"].clone());
                }
                let version = text(payload, "multi_agent_version");
                if let (Some(version), None) = (version, &version_of_meta) {
                    put("multi_agent_version", json!(version));
                }
                if let Some(cwd) = words("cwd") {
                    facts.entry("cwd").or_insert(json!(cwd));
                }
            }
            "event_msg/thread_settings_applied" if payload["thread_settings"].is_object() => {
                let settings = &payload["thread_settings"];
                put("effort", json!(text(settings, "reasoning_effort")));
                for (key, from) in
                    [("model", "model"), ("model_provider", "model_provider_id"), ("cwd", "cwd")]
                {
                    let word = text(settings, from).filter(|word| key != "cwd" || !word.is_empty());
                    word.map(|word| put(key, json!(word)));
                }
                for key in ["permission_profile", "approval_policy"] {
                    if !settings[key].is_null() {
                        put(key, settings[key].clone());
                    }
                }
            }
            "event_msg/token_count" => {
                if let Some(total) = int(&payload["info"]["total_token_usage"]["total_tokens"]) {
                    put("tokens_used", json!(total.max(0)));
                }
            }
            "event_msg/thread_name_updated" => {
                let named = text(payload, "thread_id").map(canonical);
                if named.is_none() || named == known_id {
                    let name = text(payload, "thread_name").unwrap_or("").trim();
                    let fact = json!({"text": name, "source": "log"});
                    put("name", if name.is_empty() { Value::Null } else { fact });
                }
            }
            "event_msg/thread_goal_updated" => {
                if let Some(goal) = goal(payload) {
                    put("goal", json!(goal));
                }
            }
            _ => {}
        }
    }
}

fn goal(payload: &Value) -> Option<&str> {
    text(&payload["goal"], "objective").map(str::trim).filter(|goal| !goal.is_empty())
}

/// What the user said in one record.
struct Said {
    text: String,
    placeholder: Option<&'static str>,
}

impl Said {
    /// R153.
    fn request(&self) -> Option<&str> {
        let parts = self.text.split_once("## My request for Codex:");
        let request = parts.map_or(&*self.text, |(_, request)| request).trim();
        Some(request).filter(|request| !request.is_empty())
    }

    fn preview(&self) -> Option<&str> {
        self.request().or(self.placeholder)
    }
}

fn placeholder(has_image: bool, has_audio: bool) -> Option<&'static str> {
    if has_image { Some("[Image]") } else { has_audio.then_some("[Audio]") }
}

/// R153, A30: an event or a canonical item.
fn dialogue(record: &Record) -> Option<Said> {
    let payload = &record.payload;
    if record.kind() == "event_msg/user_message" {
        let has = |key: &str| list(&payload[key]).iter().any(Value::is_string);
        let placeholder =
            placeholder(has("images") || has("local_images"), has("audio") || has("local_audio"));
        return Some(Said { text: text(payload, "message").unwrap_or("").into(), placeholder });
    }
    let item = &payload["item"];
    if record.kind() != "event_msg/item_completed" || item["type"] != "UserMessage" {
        return None;
    }
    Some(said_in(&item["content"], &["text", "Text", "input_text"], "image", "audio"))
}

/// A message of the model's history that a person wrote.
fn real_message(record: &Record) -> Option<Said> {
    let is_message = record.kind() == "response_item/message";
    (is_message && words(&record.payload).is_real_user).then(|| {
        said_in(
            &record.payload["content"],
            &["input_text", "output_text"],
            "input_image",
            "input_audio",
        )
    })
}

fn said_in(content: &Value, texts: &[&str], image: &str, audio: &str) -> Said {
    let parts = list(content);
    let tag = |part: &Value| part["type"].as_str().unwrap_or("").to_owned();
    let has = |kind: &str| {
        parts.iter().any(|part| tag(part) == kind || tag(part) == format!("local_{kind}"))
    };
    let words = parts.iter().filter(|part| texts.contains(&&*tag(part)));
    Said {
        text: words.filter_map(|part| text(part, "text")).collect(),
        placeholder: placeholder(has(image), has(audio)),
    }
}

/// R153: the first words; those of the model's history stand in until a dialogue is told.
fn from_words(lines: &[Line], facts: &mut Map<String, Value>) {
    let told: Vec<Said> = records(lines).filter_map(|(_, record)| dialogue(record)).collect();
    let untold = records(lines).take_while(|(_, record)| dialogue(record).is_none());
    let stand_ins: Vec<Said> = untold.filter_map(|(_, record)| real_message(record)).collect();
    let both = || told.iter().chain(&stand_ins);
    facts.insert("first_user_message".into(), json!(both().find_map(Said::preview)));
    facts.insert("title".into(), json!(both().find_map(Said::request)));
    // R152: a goal is the preview if nothing was said before it.
    let previews = records(lines).find_map(|(_, record)| match dialogue(record) {
        Some(said) => said.preview().map(str::to_owned),
        None if record.kind() == "event_msg/thread_goal_updated" => {
            goal(&record.payload).map(str::to_owned)
        }
        None => None,
    });
    let stand_in = || stand_ins.iter().find_map(Said::preview).map(str::to_owned);
    facts.insert("preview".into(), json!(previews.or_else(stand_in)));
}

/// The thread's own times: when turns began, and when somebody last said or did something.
fn from_times(lines: &[Line], facts: &mut Map<String, Value>) {
    let own = own_records(lines);
    let mut is_told = false;
    for (line, record) in records(lines) {
        let is_dialogue = dialogue(record).is_some();
        let item = &record.payload["item"];
        let heard = is_dialogue || (!is_told && real_message(record).is_some());
        let answered = match record.kind() {
            "event_msg/agent_message" => true,
            "event_msg/item_completed" => item["type"] == "AgentMessage",
            "response_item/message" => !is_told && record.payload["role"] == "assistant",
            _ => false,
        };
        is_told |= is_dialogue;
        let begins = record.kind() == "event_msg/task_started";
        let ends = ["event_msg/task_complete", "event_msg/turn_aborted"].contains(&record.kind());
        let Some(at) = record.timestamp.as_deref().and_then(parse_ms) else { continue };
        if !own.contains(&line.seq) {
            continue;
        }
        if heard {
            facts.insert("last_user_at".into(), json!(at));
        }
        if heard || answered || begins || ends {
            facts.insert("last_activity_at".into(), json!(at));
        }
        if begins {
            let before = facts.get("recency_at").and_then(Value::as_i64);
            facts.insert("recency_at".into(), json!(before.map_or(at, |before| before.max(at))));
        }
    }
}

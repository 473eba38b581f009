//! `NAME.thread.json`: what the reference makes of a thread's metadata, derived from our facts.

use rollfold_core::model::{AgentFact, AgentFactPlace, SessionSource, SourceKind, Spawn, Thread};
use rollfold_core::{Folder, Json, Options, Snapshot};
use serde_json::{Map, Value, json};

use super::case::Case;
use super::diff::differences;

/// Creation times before 2020 are taken for seconds.
const YEAR_2020_MS: i64 = 1_577_836_800_000;

pub(super) fn check(case: &Case) -> Result<Vec<String>, String> {
    let mut expected = case.expected("thread")?;
    let mut folder = Folder::new(Options::REFERENCE);
    let mut snapshot = Snapshot::default();
    for step in folder.push(&case.accepted()) {
        for change in &step.changes {
            snapshot.apply(change).map_err(|error| error.to_string())?;
        }
    }
    let thread = snapshot.thread();
    let has_records = folder.frontier().state.position.record_index > 0;
    let actual = json!({
        "thread_id": thread.id(),
        "parse_errors": case.rejected.len(),
        "metadata": metadata(thread, has_records),
        "memory_mode": thread.copied_memory_mode,
        "session": session(thread),
    });
    if let Some(object) = expected.as_object_mut() {
        // An independent scan of the first lines; rollfold has no need of one.
        object.remove("head");
    }
    let mut actual = actual;
    for side in [&mut expected, &mut actual] {
        let metadata = side.get_mut("metadata").and_then(Value::as_object_mut);
        metadata.into_iter().for_each(|metadata| {
            if thread.permission_profile.is_none() {
                metadata.remove("sandbox_policy");
            }
            metadata.values_mut().for_each(parse_embedded);
        });
    }
    Ok(differences(&expected, &actual))
}

/// Strings that hold JSON objects compare as what they hold.
fn parse_embedded(value: &mut Value) {
    let text = value.as_str().filter(|text| text.starts_with('{'));
    if let Some(parsed) = text.and_then(|text| serde_json::from_str(text).ok()) {
        *value = parsed;
    }
}

fn metadata(thread: &Thread, has_records: bool) -> Value {
    let Some(head) = &thread.head else {
        return json!({"error": if has_records { "no_session_meta" } else { "no_items" }});
    };
    let Some(created_at) = head.created_at else {
        return json!({"error": "bad_session_timestamp"});
    };
    let is_seconds = (0..YEAR_2020_MS).contains(&created_at);
    let source = thread.source.as_deref().unwrap_or(&head.source);
    let git = thread.git.as_deref();
    let provider = thread.model_provider.as_deref().filter(|provider| !provider.is_empty());
    json!({
        "id": head.id,
        "created_at_ms": if is_seconds { created_at * 1_000 } else { created_at },
        "source": as_text(source_json(source)),
        "history_mode": head.history_mode,
        "thread_source": thread.thread_source,
        "agent_nickname": of_meta(thread.agent_nickname.as_ref()),
        "agent_role": of_meta(thread.agent_role.as_ref()),
        "agent_path": of_meta(thread.agent_path.as_ref()),
        "model_provider": provider.unwrap_or("default-provider"),
        "model": thread.model,
        "reasoning_effort": thread.effort,
        "cwd": thread.cwd.as_deref().unwrap_or_default(),
        "cli_version": thread.cli_version.as_deref().unwrap_or_default(),
        "title": thread.title.as_deref().unwrap_or_default(),
        "preview": thread.preview,
        "first_user_message": thread.first_user_message,
        "approval_mode": as_text(approval(thread.approval_policy.as_ref())),
        "sandbox_policy": as_text(profile(thread.permission_profile.as_ref())),
        "tokens_used": thread.tokens_used.unwrap_or(0),
        "git_sha": git.and_then(|git| git.commit_hash.as_deref()),
        "git_branch": git.and_then(|git| git.branch.as_deref()),
        "git_origin_url": git.and_then(|git| git.repository_url.as_deref()),
    })
}

fn session(thread: &Thread) -> Value {
    let Some(head) = &thread.head else { return Value::Null };
    let roots = head.capability_roots.iter().map(|root| {
        let path = file_url(&root.path);
        let environment = &root.environment_id;
        let location = json!({"type": "environment", "environmentId": environment, "path": path});
        json!({"id": root.id, "location": location})
    });
    json!({
        "forked_from_id": thread.copied_forked_from_id,
        "parent_thread_id": head.parent_thread_id,
        "cwd": head.cwd.as_deref().unwrap_or_default(),
        "originator": head.originator.as_deref().filter(|originator| !originator.is_empty()),
        "source": source_json(&head.source),
        "thread_source": head.thread_source,
        "history_mode": head.history_mode,
        "selected_capability_roots": roots.collect::<Vec<_>>(),
        "base_instructions": thread.base_instructions.as_ref().map(|base| json!({"text": base.text})),
        "dynamic_tools": thread.dynamic_tools.as_ref().map(value_of),
        "multi_agent_version": thread.multi_agent_version,
        "latest_multi_agent_mode": thread.multi_agent_mode.as_ref().map(value_of),
    })
}

fn value_of(json: &Json) -> Value {
    serde_json::from_str(json.get()).unwrap_or_default()
}

/// R154: the reference forgets what stands only in the spawn source.
fn of_meta(fact: Option<&AgentFact>) -> Option<&str> {
    fact.filter(|fact| fact.found == AgentFactPlace::Meta).map(|fact| &*fact.value)
}

/// R158: a plain string, or JSON text.
fn as_text(value: Value) -> Value {
    if value.is_string() { value } else { Value::String(value.to_string()) }
}

fn source_json(source: &SessionSource) -> Value {
    match &source.kind {
        SourceKind::Cli => "cli".into(),
        SourceKind::Vscode => "vscode".into(),
        SourceKind::Exec => "exec".into(),
        SourceKind::Mcp => "mcp".into(),
        SourceKind::Custom(label) => json!({"custom": label}),
        SourceKind::Internal(job) => json!({"internal": job}),
        SourceKind::SubAgent(kind) => json!({"subagent": kind}),
        SourceKind::OtherSubAgent(kind) => json!({"subagent": {"other": kind}}),
        SourceKind::Spawn(spawn) => json!({"subagent": {"thread_spawn": spawn_json(spawn)}}),
        _ => "unknown".into(),
    }
}

fn spawn_json(spawn: &Spawn) -> Value {
    json!({
        "parent_thread_id": spawn.parent_thread_id,
        "depth": spawn.depth,
        "agent_path": spawn.agent_path,
        "agent_nickname": spawn.agent_nickname,
        "agent_role": spawn.agent_role,
    })
}

/// The approval policy as the reference writes it (FORMAT 12): today's word, defaults spelled out.
fn approval(policy: Option<&Json>) -> Value {
    let mut value = policy.map_or_else(|| "on-request".into(), value_of);
    if value == "on-failure" {
        return "on-request".into();
    }
    if let Some(granular) = value.get_mut("granular").and_then(Value::as_object_mut) {
        let keys = ["sandbox_approval", "rules", "skill_approval", "request_permissions"];
        let keys = keys.into_iter().chain(["mcp_elicitations"]);
        *granular = keys
            .map(|key| (key.to_owned(), granular.remove(key).unwrap_or(Value::Bool(false))))
            .collect();
    }
    value
}

/// The permission profile as the reference writes it (FORMAT 12): the untagged shape becomes a
/// managed one.
fn profile(profile: Option<&Json>) -> Value {
    let value = profile.map(value_of).unwrap_or_default();
    if value.get("type").is_some() || value.is_null() {
        return value;
    }
    let is_enabled = value.pointer("/network/enabled") == Some(&Value::Bool(true));
    let files = value.get("file_system").cloned().unwrap_or_default();
    let mut restricted = Map::new();
    restricted.insert("type".into(), "restricted".into());
    let mut entries = files.get("entries").and_then(Value::as_array).cloned().unwrap_or_default();
    for access in ["read", "write"] {
        let paths = files.get(access).and_then(Value::as_array).into_iter().flatten();
        let entry = |path| json!({"path": {"type": "path", "path": path}, "access": access});
        entries.extend(paths.map(entry));
    }
    restricted.insert("entries".into(), entries.into());
    if let Some(depth) = files.get("glob_scan_max_depth").filter(|depth| !depth.is_null()) {
        restricted.insert("glob_scan_max_depth".into(), depth.clone());
    }
    let network = if is_enabled { "enabled" } else { "restricted" };
    json!({"type": "managed", "file_system": restricted, "network": network})
}

/// A path as a `file:` URL; a URL as it is.
fn file_url(path: &str) -> String {
    if path.starts_with("file:") {
        return path.to_owned();
    }
    let path = path.replace('\\', "/");
    let mut url = String::from(if path.starts_with('/') { "file://" } else { "file:///" });
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b':' | b'-' | b'_' | b'.' | b'~' => {
                url.push(char::from(byte));
            }
            _ => url.push_str(&format!("%{byte:02X}")),
        }
    }
    url
}

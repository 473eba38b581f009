//! The reference's spelling of response items and turn contexts (FORMAT 5, 9, 12): which fields it
//! writes, which nulls, which defaults. Formats single values; knows no log.

use serde_json::{Map, Value, json};

type Object = Map<String, Value>;

/// What the reference does with an optional field that has no value.
#[derive(Clone, Copy)]
enum Without {
    Omit,
    Null,
}
use Without::{Null, Omit};

const METADATA: &str = "internal_chat_message_metadata_passthrough";

/// A response item as the reference writes it again.
pub(super) fn response_item(item: &Value) -> Value {
    let tag = item.get("type").and_then(Value::as_str).unwrap_or_default();
    let tag = if tag == "compaction_summary" { "compaction" } else { tag };
    let fields: &[(&str, Without)] = match tag {
        "message" => &[("role", Omit), ("content", Omit), ("phase", Omit)],
        "agent_message" => &[("author", Omit), ("recipient", Omit), ("content", Omit)],
        "reasoning" => &[("summary", Omit), ("content", Null), ("encrypted_content", Null)],
        "local_shell_call" => &[("call_id", Null), ("status", Omit), ("action", Omit)],
        "function_call" => {
            &[("name", Omit), ("namespace", Omit), ("arguments", Omit), ("call_id", Omit)]
        }
        "tool_search_call" => {
            &[("call_id", Null), ("status", Omit), ("execution", Omit), ("arguments", Null)]
        }
        "function_call_output" => &[("call_id", Omit), ("output", Omit)],
        "custom_tool_call" => {
            &[("status", Omit), ("call_id", Omit), ("name", Omit), ("input", Omit)]
        }
        "custom_tool_call_output" => &[("call_id", Omit), ("name", Omit), ("output", Omit)],
        "tool_search_output" => {
            &[("call_id", Null), ("status", Omit), ("execution", Omit), ("tools", Omit)]
        }
        "web_search_call" => &[("status", Omit), ("action", Omit)],
        "image_generation_call" => &[("status", Omit), ("revised_prompt", Omit), ("result", Omit)],
        "compaction" | "context_compaction" => &[("encrypted_content", Omit)],
        "additional_tools" => &[("role", Omit), ("tools", Omit)],
        "compaction_trigger" => return json!({ "type": tag }),
        _ => return json!({ "type": "other" }),
    };
    let mut object = pick(item, fields);
    object.insert("type".into(), tag.into());
    object.extend(pick(item, &[("id", Omit)]));
    if let Some(metadata) =
        item.get(METADATA).filter(|it| it.is_object() && tag != "additional_tools")
    {
        object.insert(METADATA.into(), pick(metadata, &[("turn_id", Omit)]).into());
    }
    respell_members(tag, &mut object);
    object.into()
}

fn respell_members(tag: &str, object: &mut Object) {
    match tag {
        "message" | "agent_message" => respell(object, "content", content_items),
        "function_call_output" | "custom_tool_call_output" => {
            respell(object, "output", content_items);
        }
        "reasoning" => {
            respell(object, "summary", content_items);
            respell(object, "content", content_items);
            // The write rule of FORMAT 9.
            let parts = object.get("content").and_then(Value::as_array);
            let is_kept = |part: &Value| part.get("type").is_some_and(|it| it == "reasoning_text");
            if parts.is_some_and(|parts| !parts.iter().any(is_kept)) {
                object.remove("content");
            }
        }
        "local_shell_call" => respell(object, "action", |action| {
            let optional = ["timeout_ms", "working_directory", "env", "user"];
            let fields = [("type", Omit), ("command", Omit)];
            let fields: Vec<_> = fields.into_iter().chain(optional.map(|it| (it, Null))).collect();
            pick(action, &fields).into()
        }),
        "web_search_call" => respell(object, "action", web_action),
        _ => {}
    }
}

fn web_action(action: &Value) -> Value {
    let keys: &[&str] = match action.get("type").and_then(Value::as_str) {
        Some("search") => &["type", "query", "queries"],
        Some("open_page") => &["type", "url"],
        Some("find_in_page") => &["type", "url", "pattern"],
        _ => return json!({ "type": "other" }),
    };
    let fields: Vec<_> = keys.iter().map(|key| (*key, Omit)).collect();
    pick(action, &fields).into()
}

fn content_items(content: &Value) -> Value {
    let Some(parts) = content.as_array() else { return content.clone() };
    let keys = ["type", "text", "image_url", "detail", "encrypted_content"];
    parts.iter().map(|part| Value::from(pick(part, &keys.map(|key| (key, Omit))))).collect()
}

/// A `turn_context` as the reference writes it again.
pub(super) fn turn_context(context: &Value) -> Value {
    let keys = [
        "turn_id",
        "cwd",
        "workspace_roots",
        "current_date",
        "timezone",
        "approval_policy",
        "sandbox_policy",
        "permission_profile",
        "network",
        "file_system_sandbox_policy",
        "model",
        "comp_hash",
        "personality",
        "collaboration_mode",
        "multi_agent_version",
        "multi_agent_mode",
        "realtime_active",
        "effort",
        "summary",
    ];
    let mut object = pick(context, &keys.map(|key| (key, Omit)));
    respell(&mut object, "cwd", path);
    respell(&mut object, "workspace_roots", paths);
    respell(&mut object, "approval_policy", approval_policy);
    respell(&mut object, "sandbox_policy", sandbox_policy);
    respell(&mut object, "permission_profile", permission_profile);
    respell(&mut object, "file_system_sandbox_policy", file_system_policy);
    respell(&mut object, "network", |network| {
        pick(network, &[("allowed_domains", Omit), ("denied_domains", Omit)]).into()
    });
    respell(&mut object, "collaboration_mode", collaboration_mode);
    object.into()
}

fn collaboration_mode(mode: &Value) -> Value {
    let mut object = pick(mode, &[("mode", Omit), ("settings", Omit)]);
    respell(&mut object, "mode", |mode| match mode.as_str() {
        Some("code" | "pair_programming" | "execute" | "custom") => "default".into(),
        _ => mode.clone(),
    });
    respell(&mut object, "settings", |settings| {
        let optional = [("reasoning_effort", Null), ("developer_instructions", Null)];
        let fields: Vec<_> = [("model", Omit)].into_iter().chain(optional).collect();
        pick(settings, &fields).into()
    });
    object.into()
}

fn approval_policy(policy: &Value) -> Value {
    if policy == "on-failure" {
        return "on-request".into();
    }
    let Some(granular) = policy.get("granular") else { return policy.clone() };
    let flag = |key: &str| granular.get(key).cloned().unwrap_or(Value::Bool(false));
    let keys =
        ["sandbox_approval", "rules", "skill_approval", "request_permissions", "mcp_elicitations"];
    let flags: Object = keys.into_iter().map(|key| (key.to_owned(), flag(key))).collect();
    json!({ "granular": flags })
}

fn sandbox_policy(policy: &Value) -> Value {
    let flag = |key: &str| policy.get(key).and_then(Value::as_bool).unwrap_or(false);
    match policy.get("type").and_then(Value::as_str) {
        Some("read-only") if flag("network_access") => {
            json!({ "type": "read-only", "network_access": true })
        }
        Some("external-sandbox") => {
            let access = policy.get("network_access").cloned();
            json!({
                "type": "external-sandbox",
                "network_access": access.unwrap_or_else(|| "restricted".into()),
            })
        }
        Some("workspace-write") => {
            let mut object = Object::new();
            object.insert("type".into(), "workspace-write".into());
            for key in ["network_access", "exclude_tmpdir_env_var", "exclude_slash_tmp"] {
                object.insert(key.into(), flag(key).into());
            }
            let roots = policy.get("writable_roots").map(paths);
            object.extend(
                roots.filter(|it| *it != json!([])).map(|it| ("writable_roots".into(), it)),
            );
            object.into()
        }
        tag => json!({ "type": tag }),
    }
}

fn permission_profile(profile: &Value) -> Value {
    match profile.get("type").and_then(Value::as_str) {
        Some("managed") => {
            let mut object =
                pick(profile, &["type", "file_system", "network"].map(|key| (key, Omit)));
            respell(&mut object, "file_system", file_system_policy);
            object.into()
        }
        Some("external") => pick(profile, &[("type", Omit), ("network", Omit)]).into(),
        Some(tag) => json!({ "type": tag }),
        None => {
            let is_on = profile.pointer("/network/enabled") == Some(&Value::Bool(true));
            let empty = json!({});
            let permissions = profile.get("file_system").filter(|it| it.is_object());
            let mut file_system = file_perms(permissions.unwrap_or(&empty));
            file_system.insert("type".into(), "restricted".into());
            let network = if is_on { "enabled" } else { "restricted" };
            json!({ "type": "managed", "file_system": file_system, "network": network })
        }
    }
}

/// The older form of permissions: lists of paths.
fn file_perms(permissions: &Value) -> Object {
    let mut entries = Vec::new();
    for access in ["read", "write"] {
        for path in permissions.get(access).and_then(Value::as_array).into_iter().flatten() {
            entries.push(json!({ "path": { "type": "path", "path": path }, "access": access }));
        }
    }
    let mut object = pick(permissions, &[("entries", Omit), ("glob_scan_max_depth", Omit)]);
    object.entry("entries").or_insert(entries.into());
    respell(&mut object, "entries", permission_entries);
    object
}

fn file_system_policy(policy: &Value) -> Value {
    let keys = ["type", "kind", "glob_scan_max_depth", "entries"];
    let mut object = pick(policy, &keys.map(|key| (key, Omit)));
    respell(&mut object, "entries", permission_entries);
    let is_kind = object.contains_key("kind");
    if is_kind && object.get("entries") == Some(&json!([])) {
        object.remove("entries");
    }
    object.into()
}

fn permission_entries(entries: &Value) -> Value {
    let entries = entries.as_array().into_iter().flatten();
    entries
        .map(|entry| {
            let mut object = pick(entry, &[("path", Omit), ("access", Omit)]);
            respell(&mut object, "access", |access| {
                if access == "none" { "deny".into() } else { access.clone() }
            });
            respell(&mut object, "path", |place| {
                let keys = ["type", "path", "pattern", "value"];
                let mut object = pick(place, &keys.map(|key| (key, Omit)));
                respell(&mut object, "path", path);
                respell(&mut object, "value", |value| {
                    let keys = ["kind", "subpath", "path"];
                    let mut object = pick(value, &keys.map(|key| (key, Omit)));
                    respell(&mut object, "kind", |kind| match kind.as_str() {
                        Some("current_working_directory") => "project_roots".into(),
                        _ => kind.clone(),
                    });
                    object.into()
                });
                object.into()
            });
            Value::from(object)
        })
        .collect()
}

fn paths(paths: &Value) -> Value {
    paths.as_array().into_iter().flatten().map(path).collect()
}

/// FORMAT 3, *AbsPath*: `.`, `..` and doubled slashes are resolved.
fn path(path: &Value) -> Value {
    let Some(text) = path.as_str() else { return path.clone() };
    let mut parts: Vec<&str> = Vec::new();
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/")).into()
}

fn pick(value: &Value, fields: &[(&str, Without)]) -> Object {
    let mut object = Object::new();
    for (key, without) in fields {
        match (value.get(key).filter(|value| !value.is_null()), without) {
            (Some(value), _) => drop(object.insert((*key).to_owned(), value.clone())),
            (None, Null) => drop(object.insert((*key).to_owned(), Value::Null)),
            (None, Omit) => {}
        }
    }
    object
}

fn respell(object: &mut Object, key: &str, change: impl FnOnce(&Value) -> Value) {
    if let Some(value) = object.get_mut(key).filter(|value| !value.is_null()) {
        *value = change(value);
    }
}

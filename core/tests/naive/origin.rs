//! Where a thread was started from, and the tools that were brought (FORMAT 4).

use serde_json::{Value, json};

use super::values::{canonical, int, list, text};

/// The spawn inside a source, if there is one.
pub(super) fn spawned(source: &Value) -> Value {
    let spawn = &source["subagent"]["thread_spawn"];
    let is_only = source.as_object().is_some_and(|object| object.len() == 1);
    let is_other = source["subagent"]["other"].is_string();
    if spawn.is_object() && is_only && !is_other { spawn.clone() } else { Value::Null }
}

/// What a session's source means, and how it is spelled.
pub(super) fn source(meta: &Value) -> Value {
    let raw = meta.get("source").filter(|source| !source.is_null());
    let kind = raw.map_or(json!("vscode"), kind);
    json!({"kind": kind, "raw": raw})
}

fn kind(source: &Value) -> Value {
    if let Some(word) = source.as_str() {
        let is_known = ["cli", "vscode", "exec", "mcp"].contains(&word);
        return if is_known { json!(word) } else { json!({"unknown": word}) };
    }
    let spawn = spawned(source);
    if spawn.is_object() {
        let role = if spawn["agent_role"].is_null() { "agent_type" } else { "agent_role" };
        let depth = int(&spawn["depth"]).and_then(|depth| i32::try_from(depth).ok());
        return json!({"spawn": {
            "parent_thread_id": text(&spawn, "parent_thread_id").map(canonical),
            "depth": depth,
            "agent_path": text(&spawn, "agent_path"),
            "agent_nickname": text(&spawn, "agent_nickname"),
            "agent_role": text(&spawn, role),
        }});
    }
    if source.as_object().is_none_or(|object| object.len() != 1) {
        return json!("other");
    }
    let words = [
        ("custom", &source["custom"]),
        ("internal", &source["internal"]),
        ("sub_agent", &source["subagent"]),
        ("other_sub_agent", &source["subagent"]["other"]),
    ];
    let found = words.iter().find(|(_, value)| value.is_string());
    found.map_or(json!("other"), |(name, value)| json!({ *name: value }))
}

/// Today's shape: old entries with one namespace are gathered where the first of them stands.
pub(super) fn normalised_tools(tools: &[Value]) -> Value {
    let mut found: Vec<Value> = Vec::new();
    for (place, tool) in tools.iter().enumerate().filter(|(_, tool)| tool.is_object()) {
        let name = |tool: &Value| text(tool, "name").unwrap_or("").to_owned();
        let about = text(tool, "description").unwrap_or("");
        let space = |name: &str, about: &str, tools: Vec<Value>| json!({"type": "namespace", "name": name, "description": about, "tools": tools});
        if !tool["tools"].is_null() {
            let inner = list(&tool["tools"]).iter().map(function).collect();
            found.push(space(&name(tool), about, inner));
        } else if let Some(namespace) = text(tool, "namespace") {
            let is_in = |tool: &&Value| tool["namespace"] == namespace && tool["tools"].is_null();
            if !tools[..place].iter().any(|tool| is_in(&tool)) {
                let inner = tools.iter().filter(is_in).map(function).collect();
                found.push(space(namespace, "", inner));
            }
        } else {
            found.push(function(tool));
        }
    }
    json!(found)
}

fn function(tool: &Value) -> Value {
    let mut function = json!({
        "type": "function",
        "name": text(tool, "name").unwrap_or(""),
        "description": text(tool, "description").unwrap_or(""),
        "inputSchema": tool["inputSchema"],
    });
    let exposed = tool["exposeToContext"].as_bool();
    if tool["deferLoading"].as_bool().unwrap_or(exposed == Some(false)) {
        function["deferLoading"] = json!(true);
    }
    function
}

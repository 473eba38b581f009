//! Records that are neither events nor response items: headers, settings, compaction, state.

use super::Kind;
use super::maker::Maker;
use super::parts::{
    approval_policy, collaboration_mode, effort, model, permission_entry, permission_profile,
    sandbox_policy,
};
use super::responses::history;
use crate::testing::ids::{stamp, uuid7};
use crate::testing::json::{Object, string};

pub(super) const KINDS: &[Kind] = &[
    Kind::new("session_meta", 1, |m| {
        let own = m.yes(50);
        if own { own_meta(m) } else { foreign_meta(m) }
    }),
    Kind::new("turn_context", 5, turn_context),
    Kind::new("compacted", 2, compacted),
    Kind::new("world_state", 4, world_state),
];

/// The header that a file starts with.
pub(super) fn first_meta(m: &mut Maker) -> Object {
    let object = own_meta(m);
    if !m.habits.is_paginated {
        return object;
    }
    let first = m.first_ordinal;
    let object = if first == 0 {
        object
    } else {
        let base = Object::new()
            .req(m, "thread_id", |m| string(&m.kin_id()))
            .plain("end_ordinal_exclusive", first)
            .plain("end_byte_offset", first * 711);
        object.put("history_base", base.json())
    };
    if m.yes(85) {
        return object;
    }
    let start = first + m.rng.below(12);
    object.plain("subagent_history_start_ordinal", start)
}

/// A header of this thread: the first one, or an update of its metadata.
fn own_meta(m: &mut Maker) -> Object {
    let id = m.thread.clone();
    meta(m, &id)
}

/// A header that a fork copied from an ancestor.
pub(super) fn foreign_meta(m: &mut Maker) -> Object {
    let id = m.kin_id();
    meta(m, &id)
}

fn source(m: &mut Maker) -> String {
    let spawn = |m: &mut Maker| {
        let role = if m.yes(50) { "agent_role" } else { "agent_type" };
        Object::new()
            .req(m, "parent_thread_id", Maker::kin_ref)
            .plain("depth", 1)
            .opt(m, "agent_path", Maker::agent_path)
            .opt(m, "agent_nickname", Maker::phrase)
            .opt(m, role, Maker::phrase)
            .wrapped("thread_spawn")
    };
    match m.rng.below(10) {
        0 => Object::new().req(m, "subagent", spawn).json(),
        1 => r#"{"subagent":"review"}"#.to_owned(),
        2 => r#"{"subagent":{"other":"guardian"}}"#.to_owned(),
        3 => r#"{"custom":"atlas"}"#.to_owned(),
        4 => r#"{"internal":"memory_consolidation"}"#.to_owned(),
        5 => string("VSCode"),
        _ => m.tag(&["cli", "vscode", "exec", "mcp", "unknown"]),
    }
}

fn dynamic_tools(m: &mut Maker) -> String {
    match m.rng.below(4) {
        0 => r#"[{"namespace":"ns","name":"f","description":"d","inputSchema":{},"exposeToContext":false}]"#,
        1 => r#"[{"type":"namespace","name":"ns","description":"","tools":[{"type":"function","name":"f","description":"d","inputSchema":{}}]}]"#,
        2 => r#"[{"name":"a","description":"d","inputSchema":{},"deferLoading":true},{"namespace":"n","name":"b","description":"d","inputSchema":{}}]"#,
        _ => r#"[{"type":"function","name":"f","description":"d","inputSchema":{"type":"object"},"deferLoading":true}]"#,
    }
    .to_owned()
}

fn meta(m: &mut Maker, id: &str) -> Object {
    let role = if m.yes(50) { "agent_role" } else { "agent_type" };
    let created = |m: &mut Maker| match m.rng.below(8) {
        0 => string("2026-03-01T10-00-00"),
        _ => string(&stamp(m.clock_ms)),
    };
    let git = |m: &mut Maker| {
        Object::new()
            .opt(m, "commit_hash", |_| string("0123abcd"))
            .opt(m, "branch", Maker::phrase)
            .opt(m, "repository_url", Maker::url)
            .json()
    };
    let roots = |_: &mut Maker| {
        r#"[{"id":"r1","location":{"type":"environment","environmentId":"local","path":"/cap"}}]"#
            .to_owned()
    };
    let text = |m: &mut Maker| Object::new().req(m, "text", Maker::text).json();
    let window = |m: &mut Maker| Object::new().req(m, "window_id", window_id).json();
    let mode = if m.habits.is_paginated { "paginated" } else { "legacy" };
    let object = Object::new()
        .dflt(m, "session_id", |m| if m.yes(80) { string(id) } else { m.kin_ref() })
        .text("id", id)
        .opt(m, "forked_from_id", Maker::kin_ref)
        .opt(m, "parent_thread_id", Maker::kin_ref)
        .req(m, "timestamp", created)
        .req(m, "cwd", Maker::path)
        .text("originator", "codex_cli_rs")
        .req(m, "cli_version", |m| string(&format!("0.{}.0", m.rng.below(150))))
        .dflt(m, "source", source)
        .opt(m, "thread_source", |m| m.tag(&["user", "subagent", "memory_consolidation", "beta"]))
        .opt(m, "agent_nickname", Maker::phrase)
        .opt(m, role, Maker::phrase)
        .opt(m, "agent_path", Maker::agent_path)
        .opt(m, "model_provider", |m| m.tag(&["openai", "azure", "ollama"]))
        .opt(m, "base_instructions", text)
        .opt(m, "dynamic_tools", dynamic_tools)
        .dflt(m, "selected_capability_roots", roots)
        .opt(m, "memory_mode", |m| m.tag(&["enabled", "disabled"]))
        .opt(m, "multi_agent_version", |m| m.tag(&["disabled", "v1", "v2"]))
        .opt(m, "context_window", window)
        .opt(m, "git", git);
    // The mode is left out only where its default says the same.
    if m.habits.is_paginated || m.yes(60) { object.text("history_mode", mode) } else { object }
}

/// A window id: new, seen before, of another version, or no UUID at all.
fn window_id(m: &mut Maker) -> String {
    match m.rng.below(10) {
        0 => string("3f8e1f62-51d1-4a8e-9d2b-6a0c1f0e7a11"),
        1 => string("window-7"),
        2 => string(m.rng.pick_ref(&m.windows).map_or("", |id| id)),
        _ => {
            let id = uuid7(&mut m.rng, m.clock_ms);
            m.windows.push(id.clone());
            string(&id)
        }
    }
}

fn turn_context(m: &mut Maker) -> Object {
    let modes = if m.habits.is_paginated { 4 } else { 3 };
    let multi_agent = |m: &mut Maker| match m.rng.below(modes) {
        0 => string("none"),
        1 => string("explicitRequestOnly"),
        2 => string("proactive"),
        _ => r#"{"custom":"as you like"}"#.to_owned(),
    };
    let files = |m: &mut Maker| {
        Object::new()
            .req(m, "kind", |m| m.tag(&["restricted", "unrestricted", "external-sandbox"]))
            .dflt(m, "entries", |m| m.list(2, permission_entry))
            .json()
    };
    let object = Object::new()
        .opt(m, "turn_id", Maker::turn_ref)
        .req(m, "cwd", Maker::abs_path)
        .opt(m, "workspace_roots", |m| m.list(2, Maker::abs_path))
        .opt(m, "current_date", |_| string("2026-03-01"))
        .opt(m, "timezone", |_| string("Europe/Rome"))
        .req(m, "approval_policy", approval_policy)
        .req(m, "sandbox_policy", sandbox_policy)
        .opt(m, "permission_profile", permission_profile)
        .opt(m, "network", |_| r#"{"allowed_domains":["a.test"],"denied_domains":[]}"#.to_owned())
        .opt(m, "file_system_sandbox_policy", files)
        .req(m, "model", model)
        .opt(m, "comp_hash", Maker::id)
        .opt(m, "personality", |m| m.tag(&["none", "friendly", "pragmatic"]))
        .opt(m, "collaboration_mode", collaboration_mode)
        .opt(m, "multi_agent_version", |m| m.tag(&["disabled", "v1", "v2"]))
        .opt(m, "multi_agent_mode", multi_agent)
        .opt(m, "realtime_active", Maker::boolean)
        .opt(m, "effort", effort)
        .req(m, "summary", |m| m.tag(&["auto", "concise", "detailed", "none"]));
    if m.yes(10) {
        return object.req(m, "user_instructions", Maker::text);
    }
    object
}

fn compacted(m: &mut Maker) -> Object {
    let mut object = Object::new().req(m, "message", Maker::text);
    if m.yes(70) {
        let items = history(m);
        // One entry of metadata for each item: counted by the tag that every item starts with.
        let count = items.matches("{\"type\":\"message\"").count();
        let metadata = format!("[{}]", vec!["{}"; count].join(","));
        let only_messages = items.matches("\"type\":").count() == 2 * count;
        object = object.put("replacement_history", items);
        if m.habits.is_paginated && only_messages && m.yes(30) {
            object = object.put("replacement_history_metadata", metadata);
        }
    }
    let number = m.windows.len().to_string();
    object = object.opt(m, "window_number", |_| number).opt(m, "first_window_id", window_id).opt(
        m,
        "previous_window_id",
        window_id,
    );
    // Older builds wrote the number where the id is now.
    if m.yes(20) {
        return object.req(m, "window_id", |m| m.rng.below(9).to_string());
    }
    object.opt(m, "window_id", window_id)
}

fn world_state(m: &mut Maker) -> Object {
    let full = m.yes(40);
    let state = match m.rng.below(if full { 14 } else { 10 }) {
        0 => "null".to_owned(),
        1 => r#"["not","an","object"]"#.to_owned(),
        2 => r#"{"agents_md":null,"environments":{"environments":{"local":null}}}"#.to_owned(),
        3 => "{}".to_owned(),
        _ => sections(m, full),
    };
    Object::new().plain("full", full).put("state", state)
}

fn sections(m: &mut Maker, full: bool) -> String {
    let null = if full { 4 } else { 25 };
    let mut object = Object::new();
    for section in ["environments", "agents_md", "skills", "x.future"] {
        if m.yes(50) {
            continue;
        }
        if m.yes(null) {
            object = object.put(section, "null");
            continue;
        }
        object = object.req(m, section, |m| match section {
            "environments" => environments(m),
            "agents_md" => Object::new()
                .opt(m, "directory", Maker::abs_path)
                .opt(m, "text", Maker::text)
                .json(),
            "skills" => Object::new()
                .opt(m, "body", Maker::text)
                .req(m, "includeInstructions", Maker::boolean)
                .json(),
            _ => m.any_json(),
        });
    }
    object.json()
}

fn environments(m: &mut Maker) -> String {
    let environment = |m: &mut Maker| {
        Object::new()
            .req(m, "cwd", Maker::abs_path)
            .req(m, "status", |m| m.tag(&["starting", "available"]))
            .opt(m, "shell", |_| string("zsh"))
            .json()
    };
    let mut all = Object::new();
    for id in ["local", "remote-1"] {
        if m.yes(60) {
            all = all.req(m, id, environment);
        }
    }
    Object::new()
        .put("environments", all.json())
        .opt(m, "current_date", |m| string(&format!("2026-03-{:02}", m.rng.between(1, 28))))
        .opt(m, "timezone", |_| string("Europe/Rome"))
        .json()
}

//! Nested values that several records share (FORMAT.md section 12).

use super::maker::Maker;
use crate::testing::json::{Object, string, strings};

/// `{"type":"x"}` and nothing else.
pub(super) fn only(tag: &str) -> String {
    Object::tagged(tag).json()
}

/// Files and what happened to them.
pub(super) fn changes(m: &mut Maker) -> String {
    let mut object = Object::new();
    for index in 0..m.rng.below(4) {
        let path = m.raw_path();
        object = object.req(m, &format!("{path}{index}"), file_change);
    }
    object.json()
}

fn file_change(m: &mut Maker) -> String {
    let object = match m.rng.below(4) {
        0 => Object::tagged("add").req(m, "content", Maker::text),
        1 => Object::tagged("delete").req(m, "content", Maker::text),
        _ => {
            let len = m.rng.between(40, 900) as usize;
            let diff = m.lex.diff(&mut m.rng, len);
            Object::tagged("update").text("unified_diff", &diff).opt(m, "move_path", Maker::path)
        }
    };
    object.json()
}

/// An argument vector.
pub(super) fn command(m: &mut Maker) -> String {
    let command = m.lex.command(&mut m.rng);
    match m.rng.below(6) {
        0 => strings::<&str>(&[]),
        1 => strings(&["ls", "-la", "a b", "it's", "$HOME", ""]),
        2 => strings(&["printf", "a\u{0}b"]),
        3 => strings(&command.split(' ').collect::<Vec<_>>()),
        _ => strings(&["bash", "-lc", &command]),
    }
}

/// What the client made out of a command.
pub(super) fn parsed_commands(m: &mut Maker) -> String {
    m.list(3, |m| {
        let cmd = string(&m.lex.command(&mut m.rng));
        let object = match m.rng.below(4) {
            0 => Object::tagged("read").put("cmd", cmd).req(m, "name", Maker::phrase).req(
                m,
                "path",
                Maker::path,
            ),
            1 => Object::tagged("list_files").put("cmd", cmd).opt(m, "path", Maker::path),
            2 => Object::tagged("search").put("cmd", cmd).opt(m, "query", Maker::phrase).opt(
                m,
                "path",
                Maker::path,
            ),
            _ => Object::tagged("unknown").put("cmd", cmd),
        };
        object.json()
    })
}

pub(super) fn exec_source(m: &mut Maker) -> String {
    m.tag(&["agent", "user_shell", "unified_exec_startup", "unified_exec_interaction"])
}

pub(super) fn web_action(m: &mut Maker) -> String {
    let object = match m.rng.below(5) {
        0 => Object::tagged("open_page").opt(m, "url", Maker::url),
        1 => Object::tagged("find_in_page").opt(m, "url", Maker::url).opt(
            m,
            "pattern",
            Maker::phrase,
        ),
        2 => Object::tagged("other"),
        _ => Object::tagged("search")
            .opt(m, "query", Maker::phrase)
            .opt(m, "queries", |m| m.list(3, Maker::phrase)),
    };
    object.json()
}

/// The state of an agent as other agents see it.
pub(super) fn agent_status(m: &mut Maker) -> String {
    match m.rng.below(7) {
        0 => r#"{"completed":null}"#.to_owned(),
        1 => Object::new().req(m, "completed", Maker::text).json(),
        2 => Object::new().req(m, "errored", Maker::phrase).json(),
        _ => m.tag(&["pending_init", "running", "interrupted", "shutdown", "not_found"]),
    }
}

/// Agents by thread id.
pub(super) fn agent_states(m: &mut Maker) -> String {
    let mut object = Object::new();
    for thread in m.kin.clone() {
        if m.yes(40) {
            object = object.req(m, &thread, agent_status);
        }
    }
    object.json()
}

/// A reference to an agent; the role has an older name.
pub(super) fn agent_ref(m: &mut Maker, with_status: bool) -> String {
    let role = if m.yes(50) { "agent_role" } else { "agent_type" };
    let object = Object::new()
        .req(m, "thread_id", Maker::kin_ref)
        .opt(m, "agent_nickname", Maker::phrase)
        .opt(m, role, Maker::phrase);
    if with_status { object.req(m, "status", agent_status).json() } else { object.json() }
}

pub(super) fn effort(m: &mut Maker) -> String {
    m.tag(&["none", "minimal", "low", "medium", "high", "xhigh", "ultra", "galactic"])
}

pub(super) fn approval_policy(m: &mut Maker) -> String {
    if m.yes(20) {
        return Object::new()
            .req(m, "sandbox_approval", Maker::boolean)
            .req(m, "rules", Maker::boolean)
            .dflt(m, "skill_approval", Maker::boolean)
            .dflt(m, "request_permissions", Maker::boolean)
            .req(m, "mcp_elicitations", Maker::boolean)
            .wrapped("granular");
    }
    m.tag(&["untrusted", "on-request", "on-failure", "never"])
}

pub(super) fn sandbox_policy(m: &mut Maker) -> String {
    let object = match m.rng.below(4) {
        0 => Object::tagged("danger-full-access"),
        1 => Object::tagged("read-only").dflt(m, "network_access", Maker::boolean),
        2 => Object::tagged("external-sandbox").dflt(m, "network_access", network),
        _ => Object::tagged("workspace-write")
            .dflt(m, "writable_roots", |m| m.list(2, Maker::abs_path))
            .dflt(m, "network_access", Maker::boolean)
            .dflt(m, "exclude_tmpdir_env_var", Maker::boolean)
            .dflt(m, "exclude_slash_tmp", Maker::boolean),
    };
    object.json()
}

fn network(m: &mut Maker) -> String {
    m.tag(&["restricted", "enabled"])
}

pub(super) fn permission_profile(m: &mut Maker) -> String {
    match m.rng.below(6) {
        0 => only("disabled"),
        1 => Object::tagged("external").req(m, "network", network).json(),
        2 => r#"{"network":{"enabled":true},"file_system":{"read":["/a"],"write":["/b"]}}"#
            .to_owned(),
        _ => {
            let files = if m.yes(20) {
                only("unrestricted")
            } else {
                Object::tagged("restricted")
                    .req(m, "entries", |m| m.list(3, permission_entry))
                    .json()
            };
            Object::tagged("managed").put("file_system", files).req(m, "network", network).json()
        }
    }
}

pub(super) fn permission_entry(m: &mut Maker) -> String {
    let path = match m.rng.below(4) {
        0 => Object::tagged("path").req(m, "path", Maker::abs_path),
        1 => Object::tagged("glob_pattern").text("pattern", "**/*.env"),
        2 => Object::tagged("special").put("value", r#"{"kind":"project_roots","subpath":".git"}"#),
        _ => Object::tagged("special").req(m, "value", |m| {
            let kinds = ["root", "minimal", "tmpdir", "slash_tmp", "current_working_directory"];
            Object::new().req(m, "kind", |m| m.tag(&kinds)).json()
        }),
    };
    let access = |m: &mut Maker| m.tag(&["read", "write", "deny", "none"]);
    Object::new().put("path", path.json()).req(m, "access", access).json()
}

pub(super) fn collaboration_mode(m: &mut Maker) -> String {
    let settings = |m: &mut Maker| {
        Object::new()
            .req(m, "model", model)
            .opt(m, "reasoning_effort", effort)
            .opt(m, "developer_instructions", Maker::text)
            .json()
    };
    let modes = ["plan", "default", "code", "pair_programming", "execute", "custom"];
    Object::new().req(m, "mode", |m| m.tag(&modes)).req(m, "settings", settings).json()
}

pub(super) fn model(m: &mut Maker) -> String {
    m.tag(&["gpt-5.2-codex", "gpt-5.4", "m-1"])
}

pub(super) fn error_info(m: &mut Maker) -> String {
    const PLAIN: [&str; 11] = [
        "context_window_exceeded",
        "session_budget_exceeded",
        "usage_limit_exceeded",
        "server_overloaded",
        "cyber_policy",
        "internal_server_error",
        "unauthorized",
        "bad_request",
        "sandbox_error",
        "thread_rollback_failed",
        "other",
    ];
    const FAILED: [&str; 4] = [
        "http_connection_failed",
        "response_stream_connection_failed",
        "response_stream_disconnected",
        "response_too_many_failed_attempts",
    ];
    match m.rng.below(5) {
        0 => {
            let kind = m.rng.pick(&FAILED);
            let code = |m: &mut Maker| m.rng.between(400, 599).to_string();
            Object::new().opt(m, "http_status_code", code).wrapped(kind)
        }
        1 => r#"{"active_turn_not_steerable":{"turn_kind":"review"}}"#.to_owned(),
        _ => m.tag(&PLAIN),
    }
}

pub(super) fn error(m: &mut Maker) -> Object {
    Object::new().req(m, "message", Maker::text).opt(m, "codex_error_info", error_info)
}

pub(super) fn memory_citation(m: &mut Maker) -> String {
    let entry = |m: &mut Maker| {
        Object::new()
            .req(m, "path", Maker::path)
            .put("lineStart", "1")
            .req(m, "lineEnd", |m| m.rng.between(1, 90).to_string())
            .req(m, "note", Maker::phrase)
            .json()
    };
    Object::new()
        .req(m, "entries", |m| m.list(2, entry))
        .req(m, "rolloutIds", |m| m.list(2, Maker::kin_ref))
        .json()
}

pub(super) fn phase(m: &mut Maker) -> String {
    m.tag(&["commentary", "final_answer"])
}

pub(super) fn detail(m: &mut Maker) -> String {
    m.tag(&["auto", "low", "high", "original"])
}

/// The successful result of an MCP call.
pub(super) fn mcp_result(m: &mut Maker) -> String {
    Object::new()
        .req(m, "content", |m| m.list(3, Maker::any_json))
        .opt(m, "structuredContent", Maker::any_json)
        .opt(m, "isError", Maker::boolean)
        .opt(m, "_meta", Maker::any_json)
        .json()
}

impl Object {
    /// `{"key":{...}}`
    pub(super) fn wrapped(&self, key: &str) -> String {
        Object::new().put(key, self.json()).json()
    }
}

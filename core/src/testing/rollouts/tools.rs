//! Older events of tool use: begin, approval, end.

use super::Kind;
use super::maker::{Maker, Tool};
use super::parts::{changes, command, exec_source, mcp_result, parsed_commands, web_action};
use crate::testing::json::Object;

pub(super) const KINDS: &[Kind] = &[
    Kind::new("event_msg/exec_command_begin", 4, exec_command_begin),
    Kind::new("event_msg/exec_command_end", 4, exec_command_end),
    Kind::new("event_msg/patch_apply_begin", 2, patch_apply_begin),
    Kind::new("event_msg/patch_apply_end", 3, patch_apply_end),
    Kind::new("event_msg/apply_patch_approval_request", 1, patch_approval),
    Kind::new("event_msg/mcp_tool_call_begin", 2, mcp_begin),
    Kind::new("event_msg/mcp_tool_call_end", 2, mcp_end),
    Kind::new("event_msg/web_search_begin", 1, |m| call("web_search_begin", m.begin(Tool::Web))),
    Kind::new("event_msg/web_search_end", 2, web_search_end),
    Kind::new("event_msg/image_generation_begin", 1, |m| {
        call("image_generation_begin", m.begin(Tool::Image))
    }),
    Kind::new("event_msg/image_generation_end", 1, image_generation_end),
    Kind::new("event_msg/view_image_tool_call", 1, |m| {
        let call_id = m.begin(Tool::Image);
        call("view_image_tool_call", call_id).req(m, "path", Maker::uri)
    }),
    Kind::new("event_msg/dynamic_tool_call_request", 1, dynamic_request),
    Kind::new("event_msg/dynamic_tool_call_response", 1, dynamic_response),
    Kind::new("event_msg/guardian_assessment", 2, guardian_assessment),
];

/// An event that starts with the id of its call.
pub(super) fn call(tag: &str, call_id: String) -> Object {
    Object::tagged(tag).put("call_id", call_id)
}

/// What begin and end of a command share.
fn command_fields(m: &mut Maker, object: Object) -> Object {
    object
        .opt(m, "process_id", Maker::id)
        .req(m, "turn_id", Maker::turn_ref)
        .req(m, "command", command)
        .req(m, "cwd", Maker::uri)
        .req(m, "parsed_cmd", parsed_commands)
        .dflt(m, "source", exec_source)
        .opt(m, "interaction_input", Maker::text)
}

fn exec_command_begin(m: &mut Maker) -> Object {
    let object = call("exec_command_begin", m.begin(Tool::Exec));
    command_fields(m, object).dflt(m, "started_at_ms", Maker::millis)
}

fn exec_command_end(m: &mut Maker) -> Object {
    let object = call("exec_command_end", m.end(Tool::Exec));
    command_fields(m, object)
        .dflt(m, "completed_at_ms", Maker::millis)
        .req(m, "stdout", Maker::text)
        .req(m, "stderr", Maker::phrase)
        .dflt(m, "aggregated_output", Maker::text)
        .req(m, "exit_code", |m| m.rng.pick(&["0", "1", "-1", "137"]).to_owned())
        .req(m, "duration", Maker::duration)
        .req(m, "formatted_output", Maker::text)
        .req(m, "status", |m| m.tag(&["completed", "failed", "declined"]))
}

fn patch_apply_begin(m: &mut Maker) -> Object {
    call("patch_apply_begin", m.begin(Tool::Patch))
        .dflt(m, "turn_id", Maker::turn_ref)
        .req(m, "auto_approved", Maker::boolean)
        .req(m, "changes", changes)
}

fn patch_approval(m: &mut Maker) -> Object {
    call("apply_patch_approval_request", m.begin(Tool::Patch))
        .dflt(m, "turn_id", Maker::turn_ref)
        .req(m, "started_at_ms", Maker::millis)
        .req(m, "changes", changes)
        .opt(m, "reason", Maker::phrase)
        .opt(m, "grant_root", Maker::path)
}

fn patch_apply_end(m: &mut Maker) -> Object {
    call("patch_apply_end", m.end(Tool::Patch))
        .dflt(m, "turn_id", Maker::turn_ref)
        .req(m, "stdout", Maker::text)
        .req(m, "stderr", Maker::phrase)
        .req(m, "success", Maker::boolean)
        .dflt(m, "changes", changes)
        .req(m, "status", |m| m.tag(&["completed", "failed", "declined"]))
}

fn mcp_fields(m: &mut Maker, object: Object) -> Object {
    let invocation = |m: &mut Maker| {
        Object::new()
            .req(m, "server", Maker::phrase)
            .req(m, "tool", Maker::phrase)
            .opt(m, "arguments", Maker::any_json)
            .json()
    };
    let mut object = object.req(m, "invocation", invocation);
    for key in
        ["connector_id", "mcp_app_resource_uri", "link_id", "app_name", "action_name", "plugin_id"]
    {
        if m.yes(15) {
            object = object.req(m, key, Maker::id);
        }
    }
    object
}

fn mcp_begin(m: &mut Maker) -> Object {
    let object = call("mcp_tool_call_begin", m.begin(Tool::Mcp));
    mcp_fields(m, object)
}

fn mcp_end(m: &mut Maker) -> Object {
    let object = call("mcp_tool_call_end", m.end(Tool::Mcp));
    let result = |m: &mut Maker| {
        let (key, value) = if m.yes(70) { ("Ok", mcp_result(m)) } else { ("Err", m.text()) };
        Object::new().put(key, value).json()
    };
    mcp_fields(m, object).req(m, "duration", Maker::duration).req(m, "result", result)
}

fn web_search_end(m: &mut Maker) -> Object {
    let object = call("web_search_end", m.end(Tool::Web))
        .req(m, "query", Maker::text)
        .req(m, "action", web_action);
    if m.yes(10) { object.req(m, "results", |m| m.list(2, Maker::any_json)) } else { object }
}

fn image_generation_end(m: &mut Maker) -> Object {
    let object = call("image_generation_end", m.end(Tool::Image))
        .req(m, "status", |m| m.tag(&["completed", "failed", "generating"]))
        .opt(m, "revised_prompt", Maker::text)
        .text("result", "iVBORw0KGgo=")
        .opt(m, "saved_path", Maker::abs_path);
    if m.yes(90) {
        return object;
    }
    object
        .req(m, "transparent_background", Maker::boolean)
        .put("failure", r#"{"type":"usageLimitExceeded","limitId":"x","resetsAt":1772360000}"#)
}

/// The request is in camelCase, the response is not.
fn dynamic_request(m: &mut Maker) -> Object {
    let call_id = m.begin(Tool::Dynamic);
    Object::tagged("dynamic_tool_call_request")
        .put("callId", call_id)
        .req(m, "turnId", Maker::turn_ref)
        .dflt(m, "startedAtMs", Maker::millis)
        .opt(m, "namespace", Maker::phrase)
        .req(m, "tool", Maker::phrase)
        .req(m, "arguments", Maker::any_json)
}

fn dynamic_response(m: &mut Maker) -> Object {
    call("dynamic_tool_call_response", m.end(Tool::Dynamic))
        .req(m, "turn_id", Maker::turn_ref)
        .dflt(m, "completed_at_ms", Maker::millis)
        .opt(m, "namespace", Maker::phrase)
        .req(m, "tool", Maker::phrase)
        .req(m, "arguments", Maker::any_json)
        .req(m, "content_items", dynamic_content)
        .req(m, "success", Maker::boolean)
        .opt(m, "error", Maker::text)
        .req(m, "duration", Maker::duration)
}

/// What a dynamic tool answers with.
pub(super) fn dynamic_content(m: &mut Maker) -> String {
    m.list(2, |m| {
        if m.yes(70) {
            Object::tagged("inputText").req(m, "text", Maker::text).json()
        } else {
            Object::tagged("inputImage").req(m, "imageUrl", Maker::url).json()
        }
    })
}

fn guardian_action(m: &mut Maker) -> String {
    let source = |m: &mut Maker| m.tag(&["shell", "unified_exec"]);
    let object = match m.rng.below(7) {
        0 => Object::tagged("execve")
            .req(m, "source", source)
            .req(m, "program", Maker::abs_path)
            .req(m, "argv", command)
            .req(m, "cwd", Maker::abs_path),
        1 => Object::tagged("apply_patch")
            .req(m, "cwd", Maker::abs_path)
            .req(m, "files", |m| m.list(3, Maker::abs_path)),
        2 => Object::tagged("network_access")
            .text("target", "https://x.test:443")
            .text("host", "x.test")
            .req(m, "protocol", |m| m.tag(&["http", "https", "https_connect", "socks5_tcp"]))
            .put("port", "443"),
        3 => Object::tagged("mcp_tool_call")
            .req(m, "server", Maker::phrase)
            .req(m, "tool_name", Maker::phrase)
            .opt(m, "connector_id", Maker::id)
            .opt(m, "connector_name", Maker::phrase)
            .opt(m, "tool_title", Maker::phrase),
        4 => Object::tagged("request_permissions")
            .opt(m, "reason", Maker::text)
            .put("permissions", r#"{"network":{"enabled":true},"file_system":{"read":["/a"]}}"#),
        _ => Object::tagged("command").req(m, "source", source).req(m, "command", Maker::text).req(
            m,
            "cwd",
            Maker::abs_path,
        ),
    };
    object.json()
}

fn guardian_assessment(m: &mut Maker) -> Object {
    let states = ["in_progress", "approved", "denied", "timed_out", "aborted"];
    Object::tagged("guardian_assessment")
        .req(m, "id", Maker::id)
        .opt(m, "target_item_id", Maker::call_ref)
        .dflt(m, "turn_id", Maker::turn_ref)
        .dflt(m, "started_at_ms", Maker::millis)
        .opt(m, "completed_at_ms", Maker::millis)
        .req(m, "status", |m| m.tag(&states))
        .opt(m, "risk_level", |m| m.tag(&["low", "medium", "high", "critical"]))
        .opt(m, "user_authorization", |m| m.tag(&["unknown", "low", "medium", "high"]))
        .opt(m, "rationale", Maker::text)
        .opt(m, "decision_source", |m| m.tag(&["agent"]))
        .req(m, "action", guardian_action)
}

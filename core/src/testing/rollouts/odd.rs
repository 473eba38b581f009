//! What readers must not stumble over: ignored events, retired ones, old shapes, the future.

use super::Kind;
use super::maker::{Maker, Tool};
use super::parts::{
    approval_policy, collaboration_mode, effort, error_info, model, permission_profile,
};
use super::talk::rate_limits;
use super::tools::call;
use crate::testing::json::{Object, string};

/// Events that no reducer reads (FORMAT.md 10.5).
pub(super) const IGNORED: &[Kind] = &[
    Kind::new("event_msg/session_configured", 1, |m| {
        Object::tagged("session_configured")
            .req(m, "session_id", |m| string(&m.thread))
            .req(m, "model", model)
            .text("model_provider_id", "openai")
            .req(m, "approval_policy", approval_policy)
            .req(m, "permission_profile", permission_profile)
            .req(m, "cwd", Maker::abs_path)
    }),
    Kind::new("event_msg/thread_settings_applied", 2, |m| {
        Object::tagged("thread_settings_applied").req(m, "thread_settings", thread_settings)
    }),
    Kind::new("event_msg/plan_update", 1, |m| {
        let step = |m: &mut Maker| {
            Object::new()
                .req(m, "step", Maker::phrase)
                .req(m, "status", |m| m.tag(&["pending", "in_progress", "completed"]))
                .json()
        };
        let object = Object::tagged("plan_update").opt(m, "explanation", Maker::text);
        object.req(m, "plan", |m| m.list(3, step))
    }),
    Kind::new("event_msg/shutdown_complete", 1, |_| Object::tagged("shutdown_complete")),
    Kind::new("event_msg/turn_diff", 1, |m| {
        Object::tagged("turn_diff").req(m, "unified_diff", Maker::text)
    }),
    Kind::new("event_msg/stream_error", 1, |m| {
        Object::tagged("stream_error")
            .req(m, "message", Maker::text)
            .opt(m, "codex_error_info", error_info)
            .opt(m, "additional_details", Maker::text)
    }),
    Kind::new("event_msg/warning", 1, |m| Object::tagged("warning").req(m, "message", Maker::text)),
    Kind::new("event_msg/raw_response_item", 1, |_| {
        let item = r#"{"type":"message","role":"user","content":[]}"#;
        Object::tagged("raw_response_item").put("item", item)
    }),
    Kind::new("event_msg/hook_completed", 1, |m| {
        Object::tagged("hook_completed").opt(m, "turn_id", Maker::turn_ref).put(
            "run",
            r#"{"id":"h","event_name":"stop","handler_type":"command","execution_mode":"sync","scope":"turn","source_path":"/h","display_order":0,"status":"completed","started_at":1,"entries":[]}"#,
        )
    }),
    Kind::new("event_msg/agent_message_content_delta", 1, |m| {
        Object::tagged("agent_message_content_delta")
            .req(m, "thread_id", |m| string(&m.thread))
            .req(m, "turn_id", Maker::turn_ref)
            .req(m, "item_id", Maker::call_ref)
            .req(m, "delta", Maker::text)
    }),
    Kind::new("event_msg/exec_command_output_delta", 1, |m| {
        call("exec_command_output_delta", m.call_ref())
            .text("stream", "stdout")
            .text("chunk", "aGk=")
    }),
    Kind::new("event_msg/agent_reasoning_section_break", 1, |_| {
        Object::tagged("agent_reasoning_section_break")
    }),
];

fn thread_settings(m: &mut Maker) -> String {
    Object::new()
        .req(m, "model", model)
        .text("model_provider_id", "openai")
        .opt(m, "service_tier", Maker::phrase)
        .req(m, "approval_policy", approval_policy)
        .req(m, "approvals_reviewer", |m| m.tag(&["user", "auto_review", "guardian_subagent"]))
        .req(m, "permission_profile", permission_profile)
        .req(m, "cwd", Maker::abs_path)
        .opt(m, "reasoning_effort", effort)
        .req(m, "collaboration_mode", collaboration_mode)
        .json()
}

/// Retired events and shapes that the reference no longer reads (FORMAT.md section 13).
pub(super) const OLD: &[Kind] = &[
    Kind::new("event_msg/thread_name_updated", 1, |m| {
        let object = Object::tagged("thread_name_updated");
        let object = object.req(m, "thread_id", |m| string(&m.thread));
        object.opt(m, "thread_name", Maker::text)
    }),
    Kind::new("event_msg/undo_completed", 1, |_| {
        Object::tagged("undo_completed").plain("success", true).put("message", "null")
    }),
    Kind::new("event_msg/background_event", 1, |m| {
        Object::tagged("background_event").req(m, "message", Maker::text)
    }),
    Kind::new("turn_context", 1, |m| {
        let mode = Object::new().text("mode", "plan").req(m, "model", model).json();
        let policy = Object::new().req(m, "mode", |m| m.tag(&["read-only", "workspace-write"]));
        Object::new()
            .req(m, "cwd", Maker::path)
            .text("approval_policy", "on-failure")
            .put("sandbox_policy", policy.json())
            .req(m, "model", model)
            .put("collaboration_mode", mode)
            .text("summary", "auto")
    }),
    Kind::new("event_msg/token_count", 1, |m| {
        let limits = rate_limits(m).replace(":1772", ":\"2026-03-01T12:00:00Z\",\"was\":1772");
        Object::tagged("token_count").put("info", "null").put("rate_limits", limits)
    }),
    Kind::new("event_msg/entered_review_mode", 1, |m| {
        Object::tagged("entered_review_mode").req(m, "prompt", Maker::text)
    }),
    Kind::new("event_msg/exec_command_end", 1, |m| {
        call("exec_command_end", m.end(Tool::Exec))
            .req(m, "turn_id", Maker::turn_ref)
            .put("command", r#"["ls"]"#)
            .req(m, "cwd", Maker::path)
            .put("parsed_cmd", "[]")
            .text("stdout", "")
            .text("stderr", "")
            .plain("exit_code", 0)
            .req(m, "duration", Maker::duration)
            .text("formatted_output", "")
            .text("status", "completed")
    }),
    Kind::new("response_item/function_call_output", 1, |m| {
        let output = Object::new().req(m, "content", Maker::text).req(m, "success", Maker::boolean);
        let object = Object::tagged("function_call_output").put("output", output.json());
        object.req(m, "call_id", |m| m.end(Tool::Function))
    }),
    Kind::new("event_msg/task_started", 1, |_| Object::tagged("task_started")),
    Kind::new("event_msg/task_complete", 1, |m| {
        Object::tagged("task_complete").opt(m, "last_agent_message", Maker::text)
    }),
    Kind::new("event_msg/web_search_end", 1, |m| {
        call("web_search_end", m.end(Tool::Web)).req(m, "query", Maker::text)
    }),
    Kind::new("bare", 1, |m| {
        let object = Object::new().req(m, "id", |m| string(&m.thread));
        object.req(m, "timestamp", Maker::stamp).put("instructions", "null")
    }),
    Kind::new("bare", 1, |m| {
        let part = Object::tagged("input_text").req(m, "text", Maker::text).json();
        Object::tagged("message").text("role", "user").put("content", format!("[{part}]"))
    }),
    Kind::new("bare", 1, |_| Object::new().text("record_type", "state")),
];

/// Kinds and shapes that no version knows yet.
pub(super) const FUTURE: &[Kind] = &[
    Kind::new("token_usage_record", 2, |m| {
        let usage = r#"{"input_tokens":9,"cached_input_tokens":0,"output_tokens":1,"reasoning_output_tokens":0,"total_tokens":10}"#;
        Object::new().req(m, "turn_id", Maker::turn_ref).put("usage", usage)
    }),
    Kind::new("quantum_state", 1, |m| Object::new().req(m, "spin", Maker::any_json)),
    Kind::new("event_msg/made_up_by_the_future", 1, |m| {
        let object = Object::tagged("made_up_by_the_future");
        object.req(m, "turn_id", Maker::turn_ref).req(m, "x", Maker::any_json)
    }),
    Kind::new("response_item/made_up_by_the_future", 1, |m| {
        Object::tagged("made_up_by_the_future").req(m, "x", Maker::any_json)
    }),
    Kind::new("response_item/message", 1, |m| {
        let part = Object::tagged("input_smell").req(m, "scent", Maker::any_json).json();
        Object::tagged("message").text("role", "user").put("content", format!("[{part}]"))
    }),
    Kind::new("event_msg/turn_aborted", 1, |m| {
        let object = Object::tagged("turn_aborted").req(m, "turn_id", Maker::turn_ref);
        object.text("reason", "solar_flare")
    }),
    Kind::new("event_msg/error", 1, |m| {
        let object = Object::tagged("error").req(m, "message", Maker::text);
        object.put("codex_error_info", r#"{"black_hole":{"mass":1e40}}"#)
    }),
    Kind::new("compacted", 1, |m| {
        Object::new().req(m, "message", Maker::text).req(m, "window_id", Maker::any_json)
    }),
    Kind::new("event_msg/context_compacted", 1, |m| {
        Object::tagged("context_compacted").req(m, "saved_tokens", Maker::number)
    }),
];

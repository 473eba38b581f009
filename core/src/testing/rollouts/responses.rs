//! Response items: what the model context is made of.

use super::Kind;
use super::agents::communication;
use super::maker::{Maker, Tool};
use super::parts::{command, detail, phase, web_action};
use crate::testing::ids::base64;
use crate::testing::json::{Object, array, string};

pub(super) const KINDS: &[Kind] = &[
    Kind::new("response_item/message", 10, message),
    Kind::new("response_item/agent_message", 1, agent_message),
    Kind::new("response_item/reasoning", 5, reasoning),
    Kind::new("response_item/local_shell_call", 1, local_shell_call),
    Kind::new("response_item/function_call", 5, function_call),
    Kind::new("response_item/function_call_output", 5, |m| {
        output(m, "function_call_output", Tool::Function)
    }),
    Kind::new("response_item/custom_tool_call", 2, custom_tool_call),
    Kind::new("response_item/custom_tool_call_output", 2, |m| {
        output(m, "custom_tool_call_output", Tool::Custom).opt(m, "name", Maker::phrase)
    }),
    Kind::new("response_item/tool_search_call", 1, tool_search_call),
    Kind::new("response_item/tool_search_output", 1, tool_search_output),
    Kind::new("response_item/web_search_call", 1, |m| {
        let object = item(m, "web_search_call");
        let object = object.opt(m, "status", |_| string("completed"));
        let object = object.opt(m, "action", web_action);
        passthrough(m, object)
    }),
    Kind::new("response_item/image_generation_call", 1, |m| {
        let object = item(m, "image_generation_call").text("status", "completed");
        let object = object.opt(m, "revised_prompt", Maker::text).text("result", "AA==");
        passthrough(m, object)
    }),
    Kind::new("response_item/compaction", 1, |m| {
        let tag = m.rng.pick(&["compaction", "compaction_summary"]);
        let object = item(m, tag).req(m, "encrypted_content", encrypted);
        passthrough(m, object)
    }),
    Kind::new("response_item/context_compaction", 1, |m| {
        let object = item(m, "context_compaction").opt(m, "encrypted_content", encrypted);
        passthrough(m, object)
    }),
    Kind::new("response_item/ghost_snapshot", 1, |_| {
        Object::tagged("ghost_snapshot").put("ghost_commit", r#"{"id":"0a","parent":null}"#)
    }),
    Kind::new("response_item/compaction_trigger", 1, |_| Object::tagged("compaction_trigger")),
    Kind::new("response_item/additional_tools", 1, |m| {
        let object = Object::tagged("additional_tools").text("role", "developer");
        object.req(m, "tools", |m| m.list(2, Maker::any_json))
    }),
];

fn item(m: &mut Maker, tag: &str) -> Object {
    Object::tagged(tag).opt(m, "id", Maker::id)
}

fn passthrough(m: &mut Maker, object: Object) -> Object {
    let turn = |m: &mut Maker| Object::new().opt(m, "turn_id", Maker::turn_ref).json();
    object.opt(m, "internal_chat_message_metadata_passthrough", turn)
}

fn encrypted(m: &mut Maker) -> String {
    let len = m.rng.between(8, 900) as usize;
    string(&base64(&mut m.rng, len))
}

/// Texts that the client injects and that readers take apart from what the user said.
fn contextual_text(m: &mut Maker) -> String {
    let inside = m.lex.prose(&mut m.rng, 40);
    match m.rng.below(14) {
        0 => format!("# AGENTS.md instructions for /w\n\n<INSTRUCTIONS>\n{inside}</INSTRUCTIONS>"),
        1 => format!("<environment_context>\n  <cwd>/w</cwd>\n{inside}</environment_context>"),
        2 => format!(" <SKILL>{inside}</Skill>\n"),
        3 => format!("<user_shell_command>{inside}</user_shell_command>"),
        4 => "<turn_aborted>\nby the user\n</turn_aborted>".to_owned(),
        5 => format!("<subagent_notification>{inside}</subagent_notification>"),
        6 => format!("<hook_prompt hook_run_id=\"r1\">{}</hook_prompt>", "be kind &amp; brief"),
        7 => "<x a='1' hook_run_id='r2'>odd <b>element</b></x> tail".to_owned(),
        8 => "<hook_prompt hook_run_id=\" \">blank id</hook_prompt>".to_owned(),
        9 => format!("<external_KEY>{inside}</external_KEY>"),
        10 => format!("<codex_internal_context source=\"a_1\">{inside}</codex_internal_context>"),
        11 => format!("<goal_context>{inside}</goal_context>"),
        12 => {
            "Warning: The maximum number of unified exec processes you can keep open is 60".into()
        }
        _ => "Warning: apply_patch was requested via x. Use the apply_patch tool instead of \
              exec_command."
            .into(),
    }
}

fn developer_text(m: &mut Maker) -> String {
    let tags = [
        "permissions instructions",
        "model_switch",
        "collaboration_mode",
        "multi_agent_mode",
        "skills_instructions",
        "personality_spec",
        "token_budget",
        "context_window",
        "rollout_budget",
    ];
    let (tag, inside) = (m.rng.pick(&tags), m.raw_text());
    format!("<{tag}>{inside}</{tag}>")
}

fn part(m: &mut Maker, tag: &str, text: &str) -> String {
    if m.yes(6) {
        return Object::tagged("input_image")
            .req(m, "image_url", Maker::url)
            .opt(m, "detail", detail)
            .json();
    }
    Object::tagged(tag).text("text", text).json()
}

fn message(m: &mut Maker) -> Object {
    let role =
        m.rng.pick(&["user", "user", "user", "assistant", "assistant", "developer", "system"]);
    let tag = if role == "assistant" { "output_text" } else { "input_text" };
    let mut parts = Vec::new();
    let legacy_envelope = role == "assistant" && m.yes(8);
    for _ in 0..m.rng.pick(&[1, 1, 1, 1, 2, 3, 0]) {
        let text = match role {
            "user" if m.yes(40) => contextual_text(m),
            "developer" if m.yes(70) => developer_text(m),
            _ if legacy_envelope => communication(m).json(),
            _ => m.raw_text(),
        };
        let json = part(m, tag, &text);
        parts.push(json);
    }
    let object = item(m, "message").text("role", role).put("content", array(&parts));
    let object = object.opt(m, "phase", phase);
    passthrough(m, object)
}

fn agent_message(m: &mut Maker) -> Object {
    let part = |m: &mut Maker| {
        let object = if m.yes(70) {
            Object::tagged("input_text").req(m, "text", Maker::text)
        } else {
            Object::tagged("encrypted_content").req(m, "encrypted_content", encrypted)
        };
        object.json()
    };
    let object = item(m, "agent_message")
        .req(m, "author", Maker::agent_path)
        .req(m, "recipient", Maker::agent_path)
        .req(m, "content", |m| m.list(2, part));
    passthrough(m, object)
}

fn reasoning(m: &mut Maker) -> Object {
    let summary = |m: &mut Maker| Object::tagged("summary_text").req(m, "text", Maker::text).json();
    let content = |m: &mut Maker| {
        let tag = m.rng.pick(&["reasoning_text", "text"]);
        Object::tagged(tag).req(m, "text", Maker::text).json()
    };
    let object = item(m, "reasoning")
        .req(m, "summary", |m| m.list(2, summary))
        .opt(m, "content", |m| m.list(2, content))
        .opt(m, "encrypted_content", encrypted);
    passthrough(m, object)
}

fn local_shell_call(m: &mut Maker) -> Object {
    let action = |m: &mut Maker| {
        Object::tagged("exec")
            .req(m, "command", command)
            .opt(m, "timeout_ms", Maker::number)
            .opt(m, "working_directory", Maker::path)
            .opt(m, "env", |_| r#"{"A":"b"}"#.to_owned())
            .opt(m, "user", Maker::phrase)
            .json()
    };
    let object = item(m, "local_shell_call")
        .opt(m, "call_id", |m| m.begin(Tool::Shell))
        .req(m, "status", |m| m.tag(&["completed", "in_progress", "incomplete"]))
        .req(m, "action", action);
    passthrough(m, object)
}

/// Arguments are JSON text in a string; models get them wrong now and then.
fn arguments(m: &mut Maker) -> String {
    let command = string(&m.lex.command(&mut m.rng));
    match m.rng.below(12) {
        0 => string(""),
        1 => string("{\"cmd\": \"cut off"),
        2 => string(&m.any_json()),
        _ => string(&format!("{{\"cmd\":{command},\"workdir\":\"/w\",\"yield_time_ms\":1000}}")),
    }
}

fn function_call(m: &mut Maker) -> Object {
    let call_id = m.begin(Tool::Function);
    let object = item(m, "function_call")
        .req(m, "name", |m| m.tag(&["exec_command", "shell", "update_plan", "view_image"]))
        .opt(m, "namespace", Maker::phrase)
        .req(m, "arguments", arguments)
        .put("call_id", call_id);
    passthrough(m, object)
}

fn output(m: &mut Maker, tag: &str, tool: Tool) -> Object {
    let part = |m: &mut Maker| {
        let object = match m.rng.below(6) {
            0 => Object::tagged("input_image")
                .req(m, "image_url", Maker::url)
                .opt(m, "detail", detail),
            1 => Object::tagged("encrypted_content").req(m, "encrypted_content", encrypted),
            _ => Object::tagged("input_text").req(m, "text", Maker::text),
        };
        object.json()
    };
    let call_id = m.end(tool);
    let object = item(m, tag)
        .put("call_id", call_id)
        .req(m, "output", |m| if m.yes(70) { m.text() } else { m.list(3, part) });
    passthrough(m, object)
}

fn custom_tool_call(m: &mut Maker) -> Object {
    let call_id = m.begin(Tool::Custom);
    let input = |m: &mut Maker| {
        let diff = m.lex.diff(&mut m.rng, 200);
        string(&format!("*** Begin Patch\n*** Update File: a.rs\n{diff}*** End Patch"))
    };
    let object = item(m, "custom_tool_call")
        .opt(m, "status", |_| string("completed"))
        .put("call_id", call_id)
        .text("name", "apply_patch")
        .req(m, "input", input);
    passthrough(m, object)
}

fn tool_search_call(m: &mut Maker) -> Object {
    let object = item(m, "tool_search_call")
        .opt(m, "call_id", |m| m.begin(Tool::Search))
        .opt(m, "status", |_| string("completed"))
        .text("execution", "client")
        .req(m, "arguments", Maker::any_json);
    passthrough(m, object)
}

fn tool_search_output(m: &mut Maker) -> Object {
    let object = item(m, "tool_search_output")
        .opt(m, "call_id", |m| m.end(Tool::Search))
        .text("status", "completed")
        .text("execution", "client")
        .req(m, "tools", |m| m.list(2, Maker::any_json));
    passthrough(m, object)
}

/// A history that replaces the model's: response items of a few kinds.
pub(super) fn history(m: &mut Maker) -> String {
    m.list(6, |m| {
        let make = match m.rng.below(8) {
            0 => reasoning,
            1 => function_call,
            2 => |m: &mut Maker| output(m, "function_call_output", Tool::Function),
            3 => {
                |m: &mut Maker| Object::tagged("compaction").req(m, "encrypted_content", encrypted)
            }
            4 => |_: &mut Maker| Object::tagged("ghost_snapshot").put("ghost_commit", "{}"),
            _ => message,
        };
        make(m).json()
    })
}

//! Canonical items: `item_started` and `item_completed` with every kind of turn item.

use super::Kind;
use super::maker::{Maker, Tool};
use super::parts::{
    agent_ref, agent_states, changes, command, detail, effort, exec_source, mcp_result,
    memory_citation, model, parsed_commands, phase, web_action,
};
use super::talk::{review_output, review_target};
use super::tools::dynamic_content;
use crate::testing::json::{Object, string};

pub(super) const KINDS: &[Kind] = &[
    Kind::new("event_msg/item_started", 4, |m| {
        let object = event(m, "item_started", false);
        object.req(m, "started_at_ms", Maker::millis)
    }),
    Kind::new("event_msg/item_completed", 10, |m| {
        let mut object = event(m, "item_completed", true);
        if m.habits.is_paginated {
            object = object.opt(m, "started_at_ms", Maker::millis);
        }
        object.dflt(m, "completed_at_ms", Maker::millis)
    }),
];

/// Makes an item with its id; the flag says whether it is finished.
type MakeItem = fn(&mut Maker, Object, bool) -> Object;

/// Every kind of turn item, with its weight.
pub(super) const ITEMS: [(&str, u32, MakeItem); 20] = [
    ("UserMessage", 6, user_message),
    ("HookPrompt", 1, |m, o, _| {
        let fragment = |m: &mut Maker| {
            Object::new().req(m, "text", Maker::text).text("hookRunId", "r1").json()
        };
        o.req(m, "fragments", |m| m.list(2, fragment))
    }),
    ("AgentMessage", 6, agent_message),
    ("Plan", 2, |m, o, _| o.req(m, "text", Maker::text)),
    ("Reasoning", 3, |m, o, _| {
        o.req(m, "summary_text", |m| m.list(2, Maker::text))
            .dflt(m, "raw_content", |m| m.list(2, Maker::text))
    }),
    ("CommandExecution", 6, command_execution),
    ("DynamicToolCall", 1, dynamic_tool_call),
    ("CollabAgentToolCall", 2, collab_tool_call),
    ("SubAgentActivity", 1, |m, o, _| {
        o.req(m, "kind", |m| m.tag(&["started", "interacted", "interrupted"]))
            .req(m, "agent_thread_id", Maker::kin_ref)
            .req(m, "agent_path", Maker::agent_path)
    }),
    ("WebSearch", 1, |m, o, _| {
        let o = o.req(m, "query", Maker::text).req(m, "action", web_action);
        if m.yes(10) { o.req(m, "results", |m| m.list(2, Maker::any_json)) } else { o }
    }),
    ("ImageView", 1, |m, o, _| o.req(m, "path", Maker::uri)),
    ("Sleep", 1, |m, o, _| o.req(m, "duration_ms", Maker::number)),
    ("ImageGeneration", 1, |m, o, _| {
        o.req(m, "status", |m| m.tag(&["completed", "generating", "failed"]))
            .opt(m, "revised_prompt", Maker::text)
            .text("result", "iVBORw0KGgo=")
            .opt(m, "saved_path", Maker::abs_path)
    }),
    ("FileChange", 3, |m, o, finished| {
        let o = o.req(m, "changes", changes);
        let o = if finished {
            o.req(m, "status", |m| m.tag(&["completed", "failed", "declined"]))
        } else {
            o
        };
        o.opt(m, "auto_approved", Maker::boolean).opt(m, "stdout", Maker::text).opt(
            m,
            "stderr",
            Maker::phrase,
        )
    }),
    ("McpToolCall", 2, mcp_tool_call),
    ("ContextCompaction", 1, |_, o, _| o),
    ("EnteredReviewMode", 1, |m, o, _| {
        o.req(m, "target", review_target).req(m, "user_facing_hint", Maker::text)
    }),
    ("ExitedReviewMode", 1, |m, o, _| o.opt_null(m, "review_output", review_output)),
    ("Extension", 2, extension),
    ("HolographicCall", 1, |m, o, _| o.req(m, "beam", Maker::any_json)),
];

/// The one kind of the table that no version knows: left out unless the swarm is wild.
pub(super) const UNKNOWN_ITEM: &str = "HolographicCall";

fn event(m: &mut Maker, tag: &str, finished: bool) -> Object {
    let weights = m.item_weights.clone();
    let at = m.rng.weighted(&weights).unwrap_or(0);
    let (kind, _, make) = ITEMS.get(at).copied().unwrap_or(("Plan", 1, |_, o, _| o));
    let id = if finished && m.yes(70) { m.end(Tool::Item) } else { m.begin(Tool::Item) };
    let item = make(m, Object::tagged(kind).put("id", id), finished);
    Object::tagged(tag)
        .req(m, "thread_id", |m| string(&m.thread))
        .req(m, "turn_id", Maker::turn_ref)
        .put("item", item.json())
}

fn user_message(m: &mut Maker, object: Object, _: bool) -> Object {
    let part = |m: &mut Maker| {
        let object = match m.rng.below(10) {
            0 => Object::tagged("image").req(m, "image_url", Maker::url).opt(m, "detail", detail),
            1 => Object::tagged("local_image").req(m, "path", Maker::path).opt(m, "detail", detail),
            2 => Object::tagged("skill").req(m, "name", Maker::phrase).req(m, "path", Maker::path),
            3 => Object::tagged("mention").req(m, "name", Maker::phrase).text("path", "app://m"),
            4 if m.habits.is_paginated => Object::tagged("audio").req(m, "audio_url", Maker::url),
            5 if m.habits.is_paginated => Object::tagged("local_audio").req(m, "path", Maker::path),
            6 if m.habits.is_wild => Object::tagged("Text").req(m, "text", Maker::text),
            _ => {
                Object::tagged("text")
                    .req(m, "text", Maker::text)
                    .dflt(m, "text_elements", |_| "[]".to_owned())
            }
        };
        object.json()
    };
    object.opt(m, "client_id", Maker::id).req(m, "content", |m| m.list(3, part))
}

fn agent_message(m: &mut Maker, object: Object, _: bool) -> Object {
    let part = |m: &mut Maker| {
        let tag = if m.habits.is_wild && m.yes(20) { "text" } else { "Text" };
        Object::tagged(tag).req(m, "text", Maker::text).json()
    };
    object.req(m, "content", |m| m.list(2, part)).opt(m, "phase", phase).opt(
        m,
        "memory_citation",
        memory_citation,
    )
}

fn state(m: &mut Maker, finished: bool) -> String {
    if finished { m.tag(&["completed", "completed", "failed"]) } else { m.tag(&["in_progress"]) }
}

fn command_execution(m: &mut Maker, object: Object, finished: bool) -> Object {
    let object = object
        .opt(m, "process_id", Maker::id)
        .req(m, "command", command)
        .req(m, "cwd", Maker::uri)
        .req(m, "parsed_cmd", parsed_commands)
        .req(m, "source", exec_source)
        .opt(m, "interaction_input", Maker::text)
        .req(m, "status", |m| if m.yes(5) { m.tag(&["declined"]) } else { state(m, finished) });
    if !finished {
        return object;
    }
    object
        .opt(m, "stdout", Maker::text)
        .opt(m, "stderr", Maker::phrase)
        .opt(m, "aggregated_output", Maker::text)
        .opt(m, "exit_code", |m| m.rng.pick(&["0", "1", "-1", "137"]).to_owned())
        .opt(m, "duration", Maker::duration)
        .opt(m, "formatted_output", Maker::text)
}

fn dynamic_tool_call(m: &mut Maker, object: Object, finished: bool) -> Object {
    object
        .opt(m, "namespace", Maker::phrase)
        .req(m, "tool", Maker::phrase)
        .req(m, "arguments", Maker::any_json)
        .req(m, "status", |m| state(m, finished))
        .opt(m, "content_items", dynamic_content)
        .opt(m, "success", Maker::boolean)
        .opt(m, "error", Maker::text)
        .opt(m, "duration", Maker::duration)
}

fn collab_tool_call(m: &mut Maker, object: Object, finished: bool) -> Object {
    let tools = ["spawn_agent", "send_input", "resume_agent", "wait", "close_agent"];
    object
        .req(m, "tool", |m| m.tag(&tools))
        .req(m, "status", |m| state(m, finished))
        .req(m, "sender_thread_id", Maker::thread_ref)
        .dflt(m, "receiver_thread_ids", |m| m.list(3, Maker::kin_ref))
        .dflt(m, "receiver_agents", |m| m.list(2, |m| agent_ref(m, false)))
        .opt(m, "prompt", Maker::text)
        .opt(m, "model", model)
        .opt(m, "reasoning_effort", effort)
        .dflt(m, "agents_states", agent_states)
}

/// The one item in camelCase.
fn mcp_tool_call(m: &mut Maker, object: Object, finished: bool) -> Object {
    let state = |m: &mut Maker| {
        if finished { m.tag(&["completed", "failed"]) } else { m.tag(&["inProgress"]) }
    };
    let mut object = object
        .req(m, "server", Maker::phrase)
        .req(m, "tool", Maker::phrase)
        .req(m, "arguments", Maker::any_json)
        .req(m, "status", state);
    for key in ["connectorId", "mcpAppResourceUri", "linkId", "appName", "actionName", "pluginId"] {
        if m.yes(15) {
            object = object.req(m, key, Maker::id);
        }
    }
    let error = |m: &mut Maker| Object::new().req(m, "message", Maker::text).json();
    object.opt(m, "result", mcp_result).opt(m, "error", error).opt(m, "duration", Maker::duration)
}

/// Items of extensions carry a second tag.
fn extension(m: &mut Maker, object: Object, _: bool) -> Object {
    match m.rng.below(if m.habits.is_wild { 4 } else { 3 }) {
        0 => object.text("kind", "clock.sleep").req(m, "durationMs", Maker::number),
        1 => object
            .text("kind", "web.search")
            .req(m, "query", Maker::text)
            .opt(m, "action", |_| r#"{"type":"openPage","url":"https://x.test"}"#.to_owned())
            .opt(m, "results", |m| m.list(2, Maker::any_json)),
        2 => object
            .text("kind", "image_gen.generation")
            .req(m, "status", |m| m.tag(&["completed", "failed"]))
            .opt(m, "revisedPrompt", Maker::text)
            .text("result", "iVBORw0KGgo=")
            .opt(m, "transparentBackground", Maker::boolean)
            .opt(m, "savedPath", Maker::abs_path),
        _ => object.text("kind", "dream.weave").req(m, "threads", Maker::any_json),
    }
}

impl Object {
    /// A field that is there but may be null.
    fn opt_null(self, m: &mut Maker, key: &str, make: fn(&mut Maker) -> String) -> Self {
        if m.yes(60) { self.req(m, key, make) } else { self.put(key, "null") }
    }
}

//! Agents that work for agents: collaboration events, activity, communication.

use super::Kind;
use super::maker::{Maker, Tool};
use super::parts::{agent_ref, agent_states, agent_status, effort, model};
use super::tools::call;
use crate::testing::json::{Object, string};

pub(super) const KINDS: &[Kind] = &[
    Kind::new("event_msg/collab_agent_spawn_begin", 1, |m| {
        let object = begin(m, "collab_agent_spawn_begin", Tool::Spawn);
        spawn_fields(m, object)
    }),
    Kind::new("event_msg/collab_agent_spawn_end", 1, spawn_end),
    Kind::new("event_msg/collab_agent_interaction_begin", 1, |m| {
        begin(m, "collab_agent_interaction_begin", Tool::Interact)
            .req(m, "receiver_thread_id", Maker::kin_ref)
            .req(m, "prompt", Maker::text)
    }),
    Kind::new("event_msg/collab_agent_interaction_end", 1, |m| {
        let object = end(m, "collab_agent_interaction_end", Tool::Interact);
        receiver(m, object).req(m, "prompt", Maker::text).req(m, "status", agent_status)
    }),
    Kind::new("event_msg/collab_waiting_begin", 1, |m| {
        begin(m, "collab_waiting_begin", Tool::Wait)
            .req(m, "receiver_thread_ids", |m| m.list(3, Maker::kin_ref))
            .dflt(m, "receiver_agents", |m| m.list(2, |m| agent_ref(m, false)))
    }),
    Kind::new("event_msg/collab_waiting_end", 1, |m| {
        end(m, "collab_waiting_end", Tool::Wait)
            .dflt(m, "agent_statuses", |m| m.list(2, |m| agent_ref(m, true)))
            .req(m, "statuses", agent_states)
    }),
    Kind::new("event_msg/collab_close_begin", 1, |m| {
        begin(m, "collab_close_begin", Tool::Close).req(m, "receiver_thread_id", Maker::kin_ref)
    }),
    Kind::new("event_msg/collab_close_end", 1, |m| {
        let object = end(m, "collab_close_end", Tool::Close);
        receiver(m, object).req(m, "status", agent_status)
    }),
    Kind::new("event_msg/collab_resume_begin", 1, |m| {
        let object = begin(m, "collab_resume_begin", Tool::Resume);
        receiver(m, object)
    }),
    Kind::new("event_msg/collab_resume_end", 1, |m| {
        let object = end(m, "collab_resume_end", Tool::Resume);
        receiver(m, object).req(m, "status", agent_status)
    }),
    Kind::new("event_msg/sub_agent_activity", 2, sub_agent_activity),
    Kind::new("inter_agent_communication", 2, communication),
    Kind::new("inter_agent_communication_metadata", 1, |m| {
        Object::new().req(m, "trigger_turn", Maker::boolean)
    }),
];

fn begin(m: &mut Maker, tag: &str, tool: Tool) -> Object {
    call(tag, m.begin(tool)).dflt(m, "started_at_ms", Maker::millis).req(
        m,
        "sender_thread_id",
        Maker::thread_ref,
    )
}

fn end(m: &mut Maker, tag: &str, tool: Tool) -> Object {
    call(tag, m.end(tool)).dflt(m, "completed_at_ms", Maker::millis).req(
        m,
        "sender_thread_id",
        Maker::thread_ref,
    )
}

fn receiver(m: &mut Maker, object: Object) -> Object {
    object
        .req(m, "receiver_thread_id", Maker::kin_ref)
        .opt(m, "receiver_agent_nickname", Maker::phrase)
        .opt(m, "receiver_agent_role", Maker::phrase)
}

fn spawn_fields(m: &mut Maker, object: Object) -> Object {
    object.req(m, "prompt", Maker::text).req(m, "model", model).req(m, "reasoning_effort", effort)
}

fn spawn_end(m: &mut Maker) -> Object {
    let object = end(m, "collab_agent_spawn_end", Tool::Spawn)
        .opt(m, "new_thread_id", Maker::kin_ref)
        .opt(m, "new_agent_nickname", Maker::phrase)
        .opt(m, "new_agent_role", Maker::phrase);
    spawn_fields(m, object).req(m, "status", agent_status)
}

fn activity_kind(m: &mut Maker) -> String {
    let known: &[&str] = if m.habits.is_wild {
        &["started", "interacted", "interrupted", "completed"]
    } else {
        &["started", "interacted", "interrupted"]
    };
    let at = m.rng.index(known.len());
    string(known.get(at).copied().unwrap_or_default())
}

fn sub_agent_activity(m: &mut Maker) -> Object {
    Object::tagged("sub_agent_activity")
        .req(m, "event_id", Maker::item_id)
        .dflt(m, "occurred_at_ms", Maker::millis)
        .req(m, "agent_thread_id", Maker::kin_ref)
        .req(m, "agent_path", Maker::agent_path)
        .req(m, "kind", activity_kind)
}

/// A message from one agent to another.
pub(super) fn communication(m: &mut Maker) -> Object {
    let encrypted = m.yes(30);
    let object = Object::new()
        .opt(m, "id", Maker::id)
        .req(m, "author", Maker::agent_path)
        .req(m, "recipient", Maker::agent_path)
        .dflt(m, "other_recipients", |m| m.list(2, Maker::agent_path));
    let object = if encrypted {
        object.text("content", "").text("encrypted_content", "gAAAAABo")
    } else {
        object.req(m, "content", Maker::text)
    };
    let passthrough = |m: &mut Maker| Object::new().opt(m, "turn_id", Maker::turn_ref).json();
    object.opt(m, "internal_chat_message_metadata_passthrough", passthrough).req(
        m,
        "trigger_turn",
        Maker::boolean,
    )
}

//! Older events of the conversation itself: messages, turns, usage, review, rollback.

use super::Kind;
use super::maker::Maker;
use super::parts::{detail, error, error_info, memory_citation, phase};
use crate::testing::json::{Object, string};

pub(super) const KINDS: &[Kind] = &[
    Kind::new("event_msg/user_message", 8, user_message),
    Kind::new("event_msg/agent_message", 8, agent_message),
    Kind::new("event_msg/agent_reasoning", 4, agent_reasoning),
    Kind::new("event_msg/agent_reasoning_raw_content", 2, raw_reasoning),
    Kind::new("event_msg/task_started", 8, task_started),
    Kind::new("event_msg/task_complete", 7, task_complete),
    Kind::new("event_msg/turn_aborted", 2, turn_aborted),
    Kind::new("event_msg/token_count", 5, token_count),
    Kind::new("event_msg/thread_goal_updated", 1, thread_goal_updated),
    Kind::new("event_msg/context_compacted", 1, |_| Object::tagged("context_compacted")),
    Kind::new("event_msg/thread_rolled_back", 2, thread_rolled_back),
    Kind::new("event_msg/entered_review_mode", 1, entered_review_mode),
    Kind::new("event_msg/exited_review_mode", 1, exited_review_mode),
    Kind::new("event_msg/error", 1, |m| {
        let object = Object::tagged("error").req(m, "message", Maker::text);
        object.opt(m, "codex_error_info", error_info)
    }),
];

fn user_message(m: &mut Maker) -> Object {
    let text = m.raw_text();
    let element = text.chars().next().map_or(0, char::len_utf8);
    let elements = |m: &mut Maker| {
        let range = format!("{{\"start\":0,\"end\":{element}}}");
        Object::new().put("byte_range", range).opt(m, "placeholder", Maker::phrase).json()
    };
    let details = |m: &mut Maker| m.list(2, |m| if m.yes(30) { "null".into() } else { detail(m) });
    let mut object = Object::tagged("user_message")
        .opt(m, "client_id", Maker::id)
        .text("message", &text)
        .opt(m, "images", |m| m.list(2, Maker::url))
        .dflt(m, "image_details", details)
        .dflt(m, "local_images", |m| m.list(2, Maker::path))
        .dflt(m, "local_image_details", details)
        .dflt(m, "text_elements", |m| m.list(1, elements));
    if m.yes(10) {
        object = object.text("kind", "plain");
    }
    if m.habits.is_paginated && m.yes(10) {
        object = object.req(m, "audio", |m| m.list(1, Maker::url));
        object = object.req(m, "local_audio", |m| m.list(1, Maker::path));
    }
    object
}

fn agent_message(m: &mut Maker) -> Object {
    Object::tagged("agent_message").req(m, "message", Maker::text).opt(m, "phase", phase).opt(
        m,
        "memory_citation",
        memory_citation,
    )
}

fn agent_reasoning(m: &mut Maker) -> Object {
    Object::tagged("agent_reasoning").req(m, "text", Maker::text)
}

fn raw_reasoning(m: &mut Maker) -> Object {
    Object::tagged("agent_reasoning_raw_content").req(m, "text", Maker::text)
}

fn task_started(m: &mut Maker) -> Object {
    let turn = m.new_turn();
    m.turn = Some(turn.clone());
    let modes = ["plan", "default", "code", "execute", "custom", "subagent"];
    let known = if m.habits.is_wild { 6 } else { 5 };
    let tag = m.rng.pick(&["task_started", "task_started", "task_started", "turn_started"]);
    Object::tagged(tag)
        .text("turn_id", &turn)
        .opt(m, "trace_id", Maker::id)
        .opt(m, "started_at", Maker::seconds)
        .opt(m, "model_context_window", Maker::number)
        .dflt(m, "collaboration_mode_kind", |m| m.tag(modes.get(..known).unwrap_or_default()))
}

fn task_complete(m: &mut Maker) -> Object {
    let tag = m.rng.pick(&["task_complete", "task_complete", "task_complete", "turn_complete"]);
    let mut object = Object::tagged(tag)
        .req(m, "turn_id", Maker::turn_ref)
        .opt(m, "last_agent_message", Maker::text)
        .opt(m, "completed_at", Maker::seconds)
        .opt(m, "duration_ms", Maker::number)
        .opt(m, "time_to_first_token_ms", Maker::number);
    if m.yes(6) {
        object = object.req(m, "error", |m| error(m).json());
    }
    if m.yes(10) {
        object = object.req(m, "started_at", Maker::seconds);
    }
    if m.yes(85) {
        m.turn = None;
    }
    object
}

fn turn_aborted(m: &mut Maker) -> Object {
    let reasons = ["interrupted", "replaced", "review_ended", "budget_limited"];
    let object = Object::tagged("turn_aborted")
        .opt(m, "turn_id", Maker::turn_ref)
        .req(m, "reason", |m| m.tag(&reasons))
        .opt(m, "completed_at", Maker::seconds)
        .opt(m, "duration_ms", Maker::number);
    if m.yes(50) {
        m.turn = None;
    }
    object
}

fn usage(m: &mut Maker, total: u64) -> String {
    let cached = total / 3;
    let mut object = Object::new()
        .plain("input_tokens", total - total / 9)
        .plain("cached_input_tokens", cached)
        .plain("output_tokens", total / 9)
        .plain("reasoning_output_tokens", total / 20)
        .plain("total_tokens", total);
    if m.yes(10) {
        object = object.plain("cache_write_input_tokens", cached / 2);
        object = object.req(m, "codex_rollout_budget_units", Maker::float);
    }
    object.json()
}

fn rate_window(m: &mut Maker) -> String {
    Object::new()
        .req(m, "used_percent", Maker::float)
        .opt(m, "window_minutes", |m| m.rng.pick(&[300, 10_080]).to_string())
        .opt(m, "resets_at", Maker::seconds)
        .json()
}

pub(super) fn rate_limits(m: &mut Maker) -> String {
    let plans = ["free", "plus", "pro", "team", "enterprise", "edu", "moon"];
    let reached = ["rate_limit_reached", "workspace_owner_credits_depleted"];
    let individual =
        r#"{"limit":"10","used":"1","remaining_percent":90,"resets_at":1772360000}"#.to_owned();
    let credits = |m: &mut Maker| {
        Object::new()
            .req(m, "has_credits", Maker::boolean)
            .req(m, "unlimited", Maker::boolean)
            .opt(m, "balance", |_| string("4.2"))
            .json()
    };
    Object::new()
        .opt(m, "limit_id", |_| string("codex"))
        .opt(m, "limit_name", Maker::phrase)
        .opt(m, "primary", rate_window)
        .opt(m, "secondary", rate_window)
        .opt(m, "credits", credits)
        .opt(m, "individual_limit", |_| individual)
        .opt(m, "plan_type", |m| m.tag(&plans))
        .opt(m, "rate_limit_reached_type", |m| m.tag(&reached))
        .json()
}

fn token_count(m: &mut Maker) -> Object {
    // Totals grow, stay, or start again after whatever happened.
    let last = m.rng.below(200_000);
    match m.rng.below(12) {
        0 => m.tokens = last,
        1 => {}
        _ => m.tokens += last,
    }
    let total = m.tokens;
    let info = |m: &mut Maker| {
        let total_usage = usage(m, total);
        let last_usage = if m.yes(8) { usage(m, 0) } else { usage(m, last) };
        Object::new()
            .put("total_token_usage", total_usage)
            .put("last_token_usage", last_usage)
            .opt(m, "model_context_window", Maker::number)
            .json()
    };
    let object = Object::tagged("token_count");
    let object = if m.yes(85) { object.req(m, "info", info) } else { object.put("info", "null") };
    object.opt(m, "rate_limits", rate_limits)
}

fn thread_goal_updated(m: &mut Maker) -> Object {
    let states = ["active", "paused", "blocked", "usageLimited", "budgetLimited", "complete"];
    let goal = |m: &mut Maker| {
        Object::new()
            .req(m, "threadId", Maker::thread_ref)
            .req(m, "objective", Maker::text)
            .req(m, "status", |m| m.tag(&states))
            .opt(m, "tokenBudget", Maker::number)
            .req(m, "tokensUsed", Maker::number)
            .req(m, "timeUsedSeconds", Maker::number)
            .req(m, "createdAt", Maker::seconds)
            .req(m, "updatedAt", Maker::seconds)
            .json()
    };
    Object::tagged("thread_goal_updated")
        .req(m, "threadId", Maker::thread_ref)
        .opt(m, "turnId", Maker::turn_ref)
        .req(m, "goal", goal)
}

fn thread_rolled_back(m: &mut Maker) -> Object {
    let turns = m.rng.pick(&[0, 1, 1, 1, 2, 2, 3, 4, 5]);
    if turns > 0 {
        m.turn = None;
    }
    Object::tagged("thread_rolled_back").plain("num_turns", turns)
}

/// What a review looks at.
pub(super) fn review_target(m: &mut Maker) -> String {
    let object = match m.rng.below(4) {
        0 => Object::tagged("uncommittedChanges"),
        1 => Object::tagged("baseBranch").req(m, "branch", Maker::phrase),
        2 => Object::tagged("commit").text("sha", "0123abcd").opt(m, "title", Maker::phrase),
        _ => Object::tagged("custom").req(m, "instructions", Maker::text),
    };
    object.json()
}

/// What a review found.
pub(super) fn review_output(m: &mut Maker) -> String {
    let finding = |m: &mut Maker| {
        let location = |m: &mut Maker| {
            Object::new()
                .req(m, "absolute_file_path", Maker::abs_path)
                .put("line_range", r#"{"start":1,"end":2}"#)
                .json()
        };
        Object::new()
            .req(m, "title", Maker::phrase)
            .req(m, "body", Maker::text)
            .req(m, "confidence_score", Maker::float)
            .req(m, "priority", |m| m.rng.below(4).to_string())
            .req(m, "code_location", location)
            .json()
    };
    Object::new()
        .req(m, "findings", |m| m.list(2, finding))
        .text("overall_correctness", "patch is correct")
        .req(m, "overall_explanation", Maker::text)
        .req(m, "overall_confidence_score", Maker::float)
        .json()
}

/// The ids that newer review events carry.
fn review_ids(m: &mut Maker, object: Object) -> Object {
    if m.yes(70) {
        return object;
    }
    object.opt(m, "turn_id", Maker::turn_ref).opt(m, "item_id", Maker::item_id)
}

fn entered_review_mode(m: &mut Maker) -> Object {
    let object = Object::tagged("entered_review_mode").req(m, "target", review_target).opt(
        m,
        "user_facing_hint",
        Maker::text,
    );
    review_ids(m, object)
}

fn exited_review_mode(m: &mut Maker) -> Object {
    let object = Object::tagged("exited_review_mode").opt(m, "review_output", review_output);
    review_ids(m, object)
}

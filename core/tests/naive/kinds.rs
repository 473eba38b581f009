//! The kinds of records there are, by name (FORMAT 1, 9, 10.1, A.6; REAL.md).

/// Records that hold their fields themselves.
const PLAIN: [&str; 7] = [
    "session_meta",
    "turn_context",
    "compacted",
    "world_state",
    "inter_agent_communication",
    "inter_agent_communication_metadata",
    "token_usage_record",
];

/// FORMAT 9.
const RESPONSES: &str = "message agent_message reasoning local_shell_call function_call \
    tool_search_call function_call_output custom_tool_call custom_tool_call_output \
    tool_search_output web_search_call image_generation_call compaction context_compaction \
    compaction_trigger additional_tools ghost_snapshot";

/// FORMAT 10.1, A.6.
const EVENTS: &str = "error warning guardian_warning realtime_conversation_started \
    realtime_conversation_realtime realtime_conversation_closed realtime_conversation_sdp \
    model_reroute model_verification turn_moderation_metadata safety_buffering context_compacted \
    thread_rolled_back task_started thread_settings_applied task_complete token_count \
    agent_message user_message agent_reasoning agent_reasoning_raw_content \
    agent_reasoning_section_break session_configured thread_goal_updated mcp_startup_update \
    mcp_startup_complete mcp_tool_call_begin mcp_tool_call_end web_search_begin web_search_end \
    image_generation_begin image_generation_end exec_command_begin exec_command_output_delta \
    terminal_interaction exec_command_end view_image_tool_call exec_approval_request \
    request_permissions request_user_input dynamic_tool_call_request dynamic_tool_call_response \
    elicitation_request apply_patch_approval_request guardian_assessment deprecation_notice \
    stream_error patch_apply_begin patch_apply_updated patch_apply_end turn_diff \
    realtime_conversation_list_voices_response plan_update turn_aborted shutdown_complete \
    entered_review_mode exited_review_mode raw_response_item item_started item_completed \
    hook_started hook_completed agent_message_content_delta plan_delta reasoning_content_delta \
    reasoning_raw_content_delta collab_agent_spawn_begin collab_agent_spawn_end \
    collab_agent_interaction_begin collab_agent_interaction_end collab_waiting_begin \
    collab_waiting_end collab_close_begin collab_close_end collab_resume_begin collab_resume_end \
    sub_agent_activity environment_connected environment_disconnected thread_queue_changed \
    raw_response_completed";

/// Events that today's reference does not know any more (FORMAT 10.5).
const RETIRED: &str = "thread_name_updated undo_started undo_completed background_event \
    mcp_list_tools_response";

fn is_in(list: &str, word: &str) -> bool {
    list.split_ascii_whitespace().any(|known| known == word)
}

/// Whether a bare line's `type` is that of a response item.
pub(super) fn is_response(tag: &str) -> bool {
    is_in(RESPONSES, tag) || tag == "compaction_summary"
}

/// The name of a record's kind: its type and, of events and response items, the payload's in
/// today's spelling. None for a kind nobody knows.
pub(super) fn name(tag: &str, inner: Option<&str>) -> Option<String> {
    match (tag, inner) {
        ("event_msg", Some("turn_started")) => Some("event_msg/task_started".into()),
        ("event_msg", Some("turn_complete")) => Some("event_msg/task_complete".into()),
        ("event_msg", Some(inner)) => {
            (is_in(EVENTS, inner) || is_in(RETIRED, inner)).then(|| format!("event_msg/{inner}"))
        }
        ("response_item", Some("compaction_summary")) => Some("response_item/compaction".into()),
        ("response_item", Some(inner)) if is_in(RESPONSES, inner) => {
            Some(format!("response_item/{inner}"))
        }
        // T5: the catch-all.
        ("response_item", Some(_)) => Some("response_item/(other)".into()),
        (tag, _) => PLAIN.contains(&tag).then(|| tag.to_owned()),
    }
}

/// Whether the reference counts the record (R2; FORMAT T6, 10.5).
pub(super) fn is_counted(name: &str) -> bool {
    let is_retired = name.strip_prefix("event_msg/").is_some_and(|tag| is_in(RETIRED, tag));
    !is_retired && !["token_usage_record", "response_item/ghost_snapshot"].contains(&name)
}

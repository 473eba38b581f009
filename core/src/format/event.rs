//! `event_msg` (FORMAT 10, A.6).

use crate::model::{
    ActivityKind, AgentState, CommandSource, ItemStatus, MessagePhase, TextElement, WebSearchAction,
};
use crate::raw::{Entry, Raw, Text};

use super::{
    AgentRef, Citation, Duration, FileChange, Goal, GuardianAction, McpInvocation, McpOutcome,
    ParsedCommand, RateLimits, ReviewOutput, ReviewTarget, ThreadSettings, TokenUsageInfo,
    TurnItem,
};

shapes! {
    /// The user said something.
    UserMessage {
        client_id: Text<'a>, opt;
        message: Text<'a>, req;
        images: Vec<Text<'a>>, opt;
        image_details: Vec<Option<Text<'a>>>, def;
        local_images: Vec<Text<'a>>, def;
        local_image_details: Vec<Option<Text<'a>>>, def;
        audio: Vec<Text<'a>>, opt;
        local_audio: Vec<Text<'a>>, def;
        text_elements: Vec<TextElement>, def;
    }

    /// The agent said something.
    AgentMessage {
        message: Text<'a>, req;
        phase: MessagePhase, opt;
        memory_citation: Citation<'a>, opt;
    }

    /// The model thought something; also its raw form.
    AgentReasoning {
        text: Text<'a>, req;
    }

    /// A turn starts.
    TaskStarted {
        turn_id: Text<'a>, req;
        trace_id: Text<'a>, opt;
        started_at: i64, opt;
        model_context_window: i64, opt;
        collaboration_mode_kind: Text<'a>, def;
    }

    /// A turn ends.
    TaskComplete {
        turn_id: Text<'a>, req;
        last_agent_message: Text<'a>, opt;
        error: ErrorEvent<'a>, opt;
        started_at: i64, opt;
        completed_at: i64, opt;
        duration_ms: i64, opt;
        time_to_first_token_ms: i64, opt;
    }

    /// A turn is broken off.
    TurnAborted {
        turn_id: Text<'a>, opt;
        reason: Text<'a>, req;
        started_at: i64, opt;
        completed_at: i64, opt;
        duration_ms: i64, opt;
    }

    /// Tokens counted so far.
    TokenCount {
        info: TokenUsageInfo<'a>, opt;
        rate_limits: RateLimits<'a>, opt;
    }

    /// The thread's goal changed.
    ThreadGoalUpdated {
        thread_id = "threadId": Text<'a>, req;
        turn_id = "turnId": Text<'a>, opt;
        goal: Goal<'a>, req;
    }

    /// The newest turns are taken back.
    ThreadRolledBack {
        num_turns: u32, req;
    }

    /// A review starts; `prompt` is the older form of `target` (FORMAT 13).
    EnteredReviewMode {
        target: ReviewTarget<'a>, opt;
        prompt: Text<'a>, opt;
        user_facing_hint: Text<'a>, opt;
        turn_id: Text<'a>, opt;
        item_id: Text<'a>, opt;
    }

    /// A review ends.
    ExitedReviewMode {
        review_output: ReviewOutput<'a>, opt;
        turn_id: Text<'a>, opt;
        item_id: Text<'a>, opt;
    }

    /// A patch was applied, or not.
    PatchApplyEnd {
        call_id: Text<'a>, req;
        turn_id: Text<'a>, def;
        stdout: Text<'a>, req;
        stderr: Text<'a>, req;
        success: bool, req;
        changes: Entry<'a, FileChange<'a>>, def;
        status: ItemStatus, req;
    }

    /// A patch is about to be applied, or waits for approval.
    PatchApplyBegin {
        call_id: Text<'a>, req;
        turn_id: Text<'a>, def;
        auto_approved: bool, opt;
        started_at_ms: i64, opt;
        changes: Entry<'a, FileChange<'a>>, req;
        reason: Text<'a>, opt;
        grant_root: Text<'a>, opt;
    }

    /// An MCP tool is called; the end has a result and a duration.
    McpToolCall {
        call_id: Text<'a>, req;
        invocation: McpInvocation<'a>, req;
        connector_id: Text<'a>, opt;
        mcp_app_resource_uri: Text<'a>, opt;
        link_id: Text<'a>, opt;
        app_name: Text<'a>, opt;
        template_id: Text<'a>, opt;
        action_name: Text<'a>, opt;
        plugin_id: Text<'a>, opt;
        read_only_hint: bool, opt;
        duration: Duration<'a>, end;
        result: McpOutcome<'a>, end;
    }

    /// A call that says nothing but its id.
    CallBegin {
        call_id: Text<'a>, req;
    }

    /// A search of the web ended.
    WebSearchEnd {
        call_id: Text<'a>, req;
        query: Text<'a>, req;
        action: WebSearchAction, req;
        results: Vec<Raw<'a>>, opt;
    }

    /// An image was made.
    ImageGenerationEnd {
        call_id: Text<'a>, req;
        status: Text<'a>, req;
        revised_prompt: Text<'a>, opt;
        result: Text<'a>, req;
        transparent_background: bool, opt;
        failure: Raw<'a>, opt;
        saved_path: Text<'a>, opt;
    }

    /// A sub-agent did something.
    SubAgentActivity {
        event_id: Text<'a>, req;
        occurred_at_ms: i64, def;
        agent_thread_id: Text<'a>, req;
        agent_path: Text<'a>, req;
        kind: ActivityKind, req;
    }

    /// An item starts or ends; a full snapshot of it.
    ItemLifecycle {
        thread_id: Text<'a>, req;
        turn_id: Text<'a>, req;
        item: TurnItem<'a>, req;
        started_at_ms: i64, def;
        completed_at_ms: i64, def;
    }

    /// A command starts or ends; the end has outputs.
    ExecCommand {
        call_id: Text<'a>, req;
        process_id: Text<'a>, opt;
        turn_id: Text<'a>, req;
        started_at_ms: i64, def;
        completed_at_ms: i64, def;
        plugin_id: Text<'a>, opt;
        script_path: Text<'a>, opt;
        command: Vec<Text<'a>>, req;
        cwd: Text<'a>, req;
        parsed_cmd: Vec<ParsedCommand<'a>>, req;
        source: CommandSource, def;
        interaction_input: Text<'a>, opt;
        stdout: Text<'a>, end;
        stderr: Text<'a>, end;
        aggregated_output: Text<'a>, def;
        exit_code: i32, end;
        duration: Duration<'a>, end;
        formatted_output: Text<'a>, end;
        status: ItemStatus, end;
    }

    /// Something went wrong.
    ErrorEvent {
        message: Text<'a>, req;
        codex_error_info: Raw<'a>, opt;
    }

    /// A guardian's verdict on an action.
    GuardianAssessment {
        id: Text<'a>, req;
        target_item_id: Text<'a>, opt;
        turn_id: Text<'a>, def;
        started_at_ms: i64, def;
        completed_at_ms: i64, opt;
        status: Text<'a>, req;
        risk_level: Text<'a>, opt;
        user_authorization: Text<'a>, opt;
        rationale: Text<'a>, opt;
        decision_source: Text<'a>, opt;
        plugin_id: Text<'a>, opt;
        script_path: Text<'a>, opt;
        action: GuardianAction<'a>, req;
    }

    /// The agent looked at an image.
    ViewImageToolCall {
        call_id: Text<'a>, req;
        path: Text<'a>, req;
    }

    /// A tool the client brought is called (camelCase, unlike its response).
    DynamicToolCallRequest {
        call_id = "callId" | "call_id": Text<'a>, req;
        turn_id = "turnId" | "turn_id": Text<'a>, req;
        started_at_ms = "startedAtMs" | "started_at_ms": i64, def;
        namespace: Text<'a>, opt;
        tool: Text<'a>, req;
        arguments: Raw<'a>, req;
    }

    /// A tool the client brought gave back.
    DynamicToolCallResponse {
        call_id: Text<'a>, req;
        turn_id: Text<'a>, req;
        completed_at_ms: i64, def;
        namespace: Text<'a>, opt;
        tool: Text<'a>, req;
        arguments: Raw<'a>, req;
        content_items: Vec<Raw<'a>>, req;
        success: bool, req;
        error: Text<'a>, opt;
        duration: Duration<'a>, req;
    }

    /// A call that steers other agents, all events of the family in one.
    Collab {
        call_id: Text<'a>, req;
        started_at_ms: i64, def;
        completed_at_ms: i64, def;
        sender_thread_id: Text<'a>, req;
        receiver_thread_id: Text<'a>, opt;
        receiver_thread_ids: Vec<Text<'a>>, opt;
        receiver_agents: Vec<AgentRef<'a>>, def;
        receiver_agent_nickname: Text<'a>, opt;
        receiver_agent_role: Text<'a>, opt;
        new_thread_id: Text<'a>, opt;
        new_agent_nickname: Text<'a>, opt;
        new_agent_role: Text<'a>, opt;
        prompt: Text<'a>, opt;
        model: Text<'a>, opt;
        reasoning_effort: Text<'a>, opt;
        status: AgentState, opt;
        agent_statuses: Vec<AgentRef<'a>>, def;
        statuses: Entry<'a, AgentState>, def;
    }

    /// Settings were applied to the thread.
    ThreadSettingsApplied {
        thread_settings: ThreadSettings<'a>, req;
    }

    /// The thread got a name; a retired event.
    ThreadNameUpdated {
        thread_id: Text<'a>, opt;
        thread_name: Text<'a>, opt;
    }
}

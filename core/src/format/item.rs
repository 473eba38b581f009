//! Canonical turn items, inside `item_started` and `item_completed` (FORMAT 11, A.7).

use crate::model::{
    ActivityKind, AgentState, CollabTool, CommandSource, ItemStatus, MessagePhase, TextElement,
    WebSearchAction,
};
use crate::raw::{Entry, Raw, Text};

use super::{
    AgentRef, Citation, Duration, FileChange, McpResult, Message, ParsedCommand, ReviewOutput,
    ReviewTarget,
};

tagged! {
    /// A canonical item, by its PascalCase tag.
    TurnItem {
        UserMessage = "UserMessage" => TurnUserMessage,
        HookPrompt = "HookPrompt" => TurnHookPrompt,
        AgentMessage = "AgentMessage" => TurnAgentMessage,
        Plan = "Plan" => TurnPlan,
        Reasoning = "Reasoning" => TurnReasoning,
        CommandExecution = "CommandExecution" => TurnCommandExecution,
        DynamicToolCall = "DynamicToolCall" => TurnDynamicToolCall,
        CollabAgentToolCall = "CollabAgentToolCall" => TurnCollabAgentToolCall,
        SubAgentActivity = "SubAgentActivity" => TurnSubAgentActivity,
        WebSearch = "WebSearch" => TurnWebSearch,
        ImageView = "ImageView" => TurnImageView,
        Sleep = "Sleep" => TurnSleep,
        Extension = "Extension" => TurnExtension,
        ImageGeneration = "ImageGeneration" => TurnImageGeneration,
        FileChange = "FileChange" => TurnFileChange,
        McpToolCall = "McpToolCall" => TurnMcpToolCall,
        EnteredReviewMode = "EnteredReviewMode" => TurnEnteredReviewMode,
        ExitedReviewMode = "ExitedReviewMode" => TurnExitedReviewMode,
        ContextCompaction = "ContextCompaction" => TurnContextCompaction,
    }
}

shapes! {
    /// What the user said.
    TurnUserMessage {
        id: Text<'a>, req;
        client_id: Text<'a>, opt;
        content: Vec<UserInput<'a>>, req;
    }

    /// A part of it; its type tells which fields count.
    UserInput {
        r#type = "type": Text<'a>, req;
        text: Text<'a>, opt;
        text_elements: Vec<TextElement>, def;
        image_url: Text<'a>, opt;
        audio_url: Text<'a>, opt;
        detail: Text<'a>, opt;
        path: Text<'a>, opt;
        name: Text<'a>, opt;
    }

    /// Text put in by hooks.
    TurnHookPrompt {
        id: Text<'a>, req;
        fragments: Vec<HookFragmentShape<'a>>, req;
    }

    /// What one hook run put in.
    HookFragmentShape {
        text: Text<'a>, req;
        hook_run_id = "hookRunId" | "hook_run_id": Text<'a>, req;
    }

    /// What the agent said.
    TurnAgentMessage {
        id: Text<'a>, req;
        content: Vec<AgentText<'a>>, req;
        phase: MessagePhase, opt;
        memory_citation: Citation<'a>, opt;
    }

    /// A part of it.
    AgentText {
        r#type = "type": Text<'a>, req;
        text: Text<'a>, opt;
    }

    /// A plan.
    TurnPlan {
        id: Text<'a>, req;
        text: Text<'a>, req;
    }

    /// What the model thought.
    TurnReasoning {
        id: Text<'a>, req;
        summary_text: Vec<Text<'a>>, req;
        raw_content: Vec<Text<'a>>, def;
    }

    /// A command.
    TurnCommandExecution {
        id: Text<'a>, req;
        process_id: Text<'a>, opt;
        plugin_id: Text<'a>, opt;
        script_path: Text<'a>, opt;
        command: Vec<Text<'a>>, req;
        cwd: Text<'a>, req;
        parsed_cmd: Vec<ParsedCommand<'a>>, req;
        source: CommandSource, req;
        interaction_input: Text<'a>, opt;
        status: ItemStatus, req;
        stdout: Text<'a>, opt;
        stderr: Text<'a>, opt;
        aggregated_output: Text<'a>, opt;
        exit_code: i32, opt;
        duration: Duration<'a>, opt;
        formatted_output: Text<'a>, opt;
    }

    /// A call of a tool the client brought.
    TurnDynamicToolCall {
        id: Text<'a>, req;
        namespace: Text<'a>, opt;
        tool: Text<'a>, req;
        arguments: Raw<'a>, req;
        status: ItemStatus, req;
        content_items: Vec<Raw<'a>>, opt;
        success: bool, opt;
        error: Text<'a>, opt;
        duration: Duration<'a>, opt;
    }

    /// A call that steers other agents.
    TurnCollabAgentToolCall {
        id: Text<'a>, req;
        tool: CollabTool, req;
        status: ItemStatus, req;
        sender_thread_id: Text<'a>, req;
        receiver_thread_ids: Vec<Text<'a>>, def;
        receiver_agents: Vec<AgentRef<'a>>, def;
        prompt: Text<'a>, opt;
        model: Text<'a>, opt;
        reasoning_effort: Text<'a>, opt;
        agents_states: Entry<'a, AgentState>, def;
    }

    /// Something a sub-agent did.
    TurnSubAgentActivity {
        id: Text<'a>, req;
        kind: ActivityKind, req;
        agent_thread_id: Text<'a>, req;
        agent_path: Text<'a>, req;
    }

    /// A search of the web.
    TurnWebSearch {
        id: Text<'a>, req;
        query: Text<'a>, req;
        action: WebSearchAction, req;
        results: Vec<Raw<'a>>, opt;
    }

    /// An image looked at.
    TurnImageView {
        id: Text<'a>, req;
        path: Text<'a>, req;
    }

    /// A pause.
    TurnSleep {
        id: Text<'a>, req;
        duration_ms: u64, req;
    }

    /// An item of an extension; its kind tells which fields count.
    TurnExtension {
        kind: Text<'a>, req;
        id: Text<'a>, req;
        duration_ms = "durationMs": u64, opt;
        query: Text<'a>, opt;
        action: WebSearchAction, opt;
        results: Vec<Raw<'a>>, opt;
        status: Text<'a>, opt;
        revised_prompt = "revisedPrompt": Text<'a>, opt;
        result: Text<'a>, opt;
        transparent_background = "transparentBackground": bool, opt;
        failure: Raw<'a>, opt;
        saved_path = "savedPath": Text<'a>, opt;
    }

    /// An image made.
    TurnImageGeneration {
        id: Text<'a>, req;
        status: Text<'a>, req;
        revised_prompt: Text<'a>, opt;
        result: Text<'a>, req;
        saved_path: Text<'a>, opt;
    }

    /// A patch.
    TurnFileChange {
        id: Text<'a>, req;
        changes: Entry<'a, FileChange<'a>>, req;
        status: ItemStatus, opt;
        auto_approved: bool, opt;
        stdout: Text<'a>, opt;
        stderr: Text<'a>, opt;
    }

    /// A call of an MCP tool.
    TurnMcpToolCall {
        id: Text<'a>, req;
        server: Text<'a>, req;
        tool: Text<'a>, req;
        arguments: Raw<'a>, req;
        connector_id = "connectorId": Text<'a>, opt;
        mcp_app_resource_uri = "mcpAppResourceUri": Text<'a>, opt;
        link_id = "linkId": Text<'a>, opt;
        app_name = "appName": Text<'a>, opt;
        template_id = "templateId": Text<'a>, opt;
        action_name = "actionName": Text<'a>, opt;
        plugin_id = "pluginId": Text<'a>, opt;
        read_only_hint = "readOnlyHint": bool, opt;
        status: ItemStatus, req;
        result: McpResult<'a>, opt;
        error: Message<'a>, opt;
        duration: Duration<'a>, opt;
    }

    /// A review starts.
    TurnEnteredReviewMode {
        id: Text<'a>, req;
        target: ReviewTarget<'a>, req;
        user_facing_hint: Text<'a>, req;
    }

    /// A review ends.
    TurnExitedReviewMode {
        id: Text<'a>, req;
        review_output: ReviewOutput<'a>, opt;
    }

    /// The context was compacted.
    TurnContextCompaction {
        id: Text<'a>, req;
    }
}

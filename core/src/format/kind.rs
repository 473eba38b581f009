//! Every kind of record, event and response item, by tag.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Declares an enum of tags; a tag may have older spellings.
macro_rules! kinds {
    ($(#[$meta:meta])* $name:ident { $($variant:ident = $tag:literal $(| $alias:literal)*,)* }) => {
        $(#[$meta])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash,
            serde::Serialize, serde::Deserialize,
        )]
        pub enum $name {
            $(#[doc = concat!("`", $tag, "`")] #[serde(rename = $tag)] $variant,)*
        }

        impl $name {
            /// All kinds, in the order of the format's own list.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The kind a tag names; older spellings are read too.
            #[must_use]
            pub fn from_tag(tag: &str) -> Option<Self> {
                Some(match tag {
                    $($tag $(| $alias)* => Self::$variant,)*
                    _ => return None,
                })
            }

            /// The tag as it is written.
            #[must_use]
            pub fn tag(self) -> &'static str {
                match self {
                    $(Self::$variant => $tag,)*
                }
            }
        }
    };
}

kinds! {
    /// The `type` of an event (FORMAT 10.1, A.6).
    EventKind {
        Error = "error",
        Warning = "warning",
        GuardianWarning = "guardian_warning",
        RealtimeConversationStarted = "realtime_conversation_started",
        RealtimeConversationRealtime = "realtime_conversation_realtime",
        RealtimeConversationClosed = "realtime_conversation_closed",
        RealtimeConversationSdp = "realtime_conversation_sdp",
        ModelReroute = "model_reroute",
        ModelVerification = "model_verification",
        TurnModerationMetadata = "turn_moderation_metadata",
        SafetyBuffering = "safety_buffering",
        ContextCompacted = "context_compacted",
        ThreadRolledBack = "thread_rolled_back",
        TaskStarted = "task_started" | "turn_started",
        ThreadSettingsApplied = "thread_settings_applied",
        TaskComplete = "task_complete" | "turn_complete",
        TokenCount = "token_count",
        AgentMessage = "agent_message",
        UserMessage = "user_message",
        AgentReasoning = "agent_reasoning",
        AgentReasoningRawContent = "agent_reasoning_raw_content",
        AgentReasoningSectionBreak = "agent_reasoning_section_break",
        SessionConfigured = "session_configured",
        ThreadGoalUpdated = "thread_goal_updated",
        McpStartupUpdate = "mcp_startup_update",
        McpStartupComplete = "mcp_startup_complete",
        McpToolCallBegin = "mcp_tool_call_begin",
        McpToolCallEnd = "mcp_tool_call_end",
        WebSearchBegin = "web_search_begin",
        WebSearchEnd = "web_search_end",
        ImageGenerationBegin = "image_generation_begin",
        ImageGenerationEnd = "image_generation_end",
        ExecCommandBegin = "exec_command_begin",
        ExecCommandOutputDelta = "exec_command_output_delta",
        TerminalInteraction = "terminal_interaction",
        ExecCommandEnd = "exec_command_end",
        ViewImageToolCall = "view_image_tool_call",
        ExecApprovalRequest = "exec_approval_request",
        RequestPermissions = "request_permissions",
        RequestUserInput = "request_user_input",
        DynamicToolCallRequest = "dynamic_tool_call_request",
        DynamicToolCallResponse = "dynamic_tool_call_response",
        ElicitationRequest = "elicitation_request",
        ApplyPatchApprovalRequest = "apply_patch_approval_request",
        GuardianAssessment = "guardian_assessment",
        DeprecationNotice = "deprecation_notice",
        StreamError = "stream_error",
        PatchApplyBegin = "patch_apply_begin",
        PatchApplyUpdated = "patch_apply_updated",
        PatchApplyEnd = "patch_apply_end",
        TurnDiff = "turn_diff",
        RealtimeConversationListVoicesResponse = "realtime_conversation_list_voices_response",
        PlanUpdate = "plan_update",
        TurnAborted = "turn_aborted",
        ShutdownComplete = "shutdown_complete",
        EnteredReviewMode = "entered_review_mode",
        ExitedReviewMode = "exited_review_mode",
        RawResponseItem = "raw_response_item",
        ItemStarted = "item_started",
        ItemCompleted = "item_completed",
        HookStarted = "hook_started",
        HookCompleted = "hook_completed",
        AgentMessageContentDelta = "agent_message_content_delta",
        PlanDelta = "plan_delta",
        ReasoningContentDelta = "reasoning_content_delta",
        ReasoningRawContentDelta = "reasoning_raw_content_delta",
        CollabAgentSpawnBegin = "collab_agent_spawn_begin",
        CollabAgentSpawnEnd = "collab_agent_spawn_end",
        CollabAgentInteractionBegin = "collab_agent_interaction_begin",
        CollabAgentInteractionEnd = "collab_agent_interaction_end",
        CollabWaitingBegin = "collab_waiting_begin",
        CollabWaitingEnd = "collab_waiting_end",
        CollabCloseBegin = "collab_close_begin",
        CollabCloseEnd = "collab_close_end",
        CollabResumeBegin = "collab_resume_begin",
        CollabResumeEnd = "collab_resume_end",
        SubAgentActivity = "sub_agent_activity",
        EnvironmentConnected = "environment_connected",
        EnvironmentDisconnected = "environment_disconnected",
        ThreadQueueChanged = "thread_queue_changed",
        RawResponseCompleted = "raw_response_completed",
        ThreadNameUpdated = "thread_name_updated",
        UndoStarted = "undo_started",
        UndoCompleted = "undo_completed",
        BackgroundEvent = "background_event",
        McpListToolsResponse = "mcp_list_tools_response",
    }
}

impl EventKind {
    /// Whether the event ends what an event with the same shape began.
    #[must_use]
    pub fn is_end(self) -> bool {
        matches!(
            self,
            Self::ExecCommandEnd
                | Self::McpToolCallEnd
                | Self::CollabAgentSpawnEnd
                | Self::CollabAgentInteractionEnd
                | Self::CollabWaitingEnd
                | Self::CollabCloseEnd
                | Self::CollabResumeEnd
        )
    }
}

kinds! {
    /// The `type` of a response item (FORMAT 9).
    ResponseKind {
        Message = "message",
        AgentMessage = "agent_message",
        Reasoning = "reasoning",
        LocalShellCall = "local_shell_call",
        FunctionCall = "function_call",
        ToolSearchCall = "tool_search_call",
        FunctionCallOutput = "function_call_output",
        CustomToolCall = "custom_tool_call",
        CustomToolCallOutput = "custom_tool_call_output",
        ToolSearchOutput = "tool_search_output",
        WebSearchCall = "web_search_call",
        ImageGenerationCall = "image_generation_call",
        Compaction = "compaction" | "compaction_summary",
        ContextCompaction = "context_compaction",
        CompactionTrigger = "compaction_trigger",
        AdditionalTools = "additional_tools",
        GhostSnapshot = "ghost_snapshot",
    }
}

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `session_meta`
    SessionMeta,
    /// `turn_context`
    TurnContext,
    /// `compacted`
    Compacted,
    /// `world_state`
    WorldState,
    /// `inter_agent_communication`
    InterAgentCommunication,
    /// `inter_agent_communication_metadata`
    InterAgentCommunicationMetadata,
    /// `token_usage_record`, a later per-response ledger entry (REAL.md)
    TokenUsageRecord,
    /// `response_item` of a known type
    Response(ResponseKind),
    /// `response_item` of a type from the future; the reference's `other`
    OtherResponse,
    /// `event_msg` of a known type
    Event(EventKind),
    /// Well-formed JSON that is no record of a known kind
    Unknown,
}

/// The kinds that are one record type each, by code; those of response items and events follow.
const PLAIN: [Kind; 9] = [
    Kind::Unknown,
    Kind::SessionMeta,
    Kind::TurnContext,
    Kind::Compacted,
    Kind::WorldState,
    Kind::InterAgentCommunication,
    Kind::InterAgentCommunicationMetadata,
    Kind::TokenUsageRecord,
    Kind::OtherResponse,
];
const RESPONSE_CODE: u16 = 16;
const EVENT_CODE: u16 = 48;

impl Kind {
    /// Whether the record counts towards record indices: the reference knows its kind and keeps
    /// it (SEMANTICS R2, FORMAT T6).
    #[must_use]
    pub fn is_indexed(self) -> bool {
        !matches!(
            self,
            Self::Unknown
                | Self::TokenUsageRecord
                | Self::Response(ResponseKind::GhostSnapshot)
                | Self::Event(
                    EventKind::ThreadNameUpdated
                        | EventKind::UndoStarted
                        | EventKind::UndoCompleted
                        | EventKind::BackgroundEvent
                        | EventKind::McpListToolsResponse
                )
        )
    }

    /// A short name: the record's `type`, and behind a slash the payload's own.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::SessionMeta => "session_meta".into(),
            Self::TurnContext => "turn_context".into(),
            Self::Compacted => "compacted".into(),
            Self::WorldState => "world_state".into(),
            Self::InterAgentCommunication => "inter_agent_communication".into(),
            Self::InterAgentCommunicationMetadata => "inter_agent_communication_metadata".into(),
            Self::TokenUsageRecord => "token_usage_record".into(),
            Self::Response(kind) => format!("response_item/{}", kind.tag()),
            Self::OtherResponse => "response_item/(other)".into(),
            Self::Event(kind) => format!("event_msg/{}", kind.tag()),
            Self::Unknown => "(unknown)".into(),
        }
    }

    /// The kind with this [`Kind::name`].
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        match name.split_once('/') {
            Some((record, payload)) => Self::from_tags(record, Some(payload)),
            None => Self::from_tags(name, None),
        }
    }

    /// The kind as a small number, for stores. Holds as long as the lists of kinds stay as they
    /// are: a store made by other lists is made anew.
    #[must_use]
    pub fn code(self) -> u16 {
        let place = |found: Option<usize>| found.and_then(|place| u16::try_from(place).ok());
        match self {
            Self::Response(kind) => {
                let place = place(ResponseKind::ALL.iter().position(|known| *known == kind));
                RESPONSE_CODE + place.unwrap_or(0)
            }
            Self::Event(kind) => {
                let place = place(EventKind::ALL.iter().position(|known| *known == kind));
                EVENT_CODE + place.unwrap_or(0)
            }
            other => place(PLAIN.iter().position(|known| *known == other)).unwrap_or(0),
        }
    }

    /// The kind with this [`Kind::code`].
    #[must_use]
    pub fn from_code(code: u16) -> Option<Self> {
        if let Some(place) = code.checked_sub(EVENT_CODE) {
            return EventKind::ALL.get(usize::from(place)).copied().map(Self::Event);
        }
        if let Some(place) = code.checked_sub(RESPONSE_CODE) {
            return ResponseKind::ALL.get(usize::from(place)).copied().map(Self::Response);
        }
        PLAIN.get(usize::from(code)).copied()
    }

    /// The kind that a record's `type` and its payload's `type` name.
    #[must_use]
    pub fn from_tags(record: &str, payload: Option<&str>) -> Self {
        match record {
            "session_meta" => Self::SessionMeta,
            "turn_context" => Self::TurnContext,
            "compacted" => Self::Compacted,
            "world_state" => Self::WorldState,
            "inter_agent_communication" => Self::InterAgentCommunication,
            "inter_agent_communication_metadata" => Self::InterAgentCommunicationMetadata,
            "token_usage_record" => Self::TokenUsageRecord,
            "event_msg" => payload.and_then(EventKind::from_tag).map_or(Self::Unknown, Self::Event),
            "response_item" => match payload {
                Some(tag) => {
                    ResponseKind::from_tag(tag).map_or(Self::OtherResponse, Self::Response)
                }
                None => Self::Unknown,
            },
            _ => Self::Unknown,
        }
    }
}

/// By name.
impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name())
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|name| Self::from_name(&name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_tell_all_kinds_apart() {
        assert!(usize::from(EVENT_CODE - RESPONSE_CODE) >= ResponseKind::ALL.len());
        let responses = ResponseKind::ALL.iter().copied().map(Kind::Response);
        let events = EventKind::ALL.iter().copied().map(Kind::Event);
        for kind in PLAIN.into_iter().chain(responses).chain(events) {
            assert_eq!(Kind::from_code(kind.code()), Some(kind));
        }
        assert_eq!(Kind::from_code(u16::MAX), None);
        assert_eq!(Kind::from_code(RESPONSE_CODE - 1), None);
        assert_eq!(Kind::from_code(EVENT_CODE - 1), None);
    }
}

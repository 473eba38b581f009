//! Which shape the payload of each kind has.

use serde::Deserialize;

use crate::format::{self, EventKind as E, Kind, Payload, Problem, ResponseKind as R};

/// Declares the body enum: a variant per shape, and the kinds that have it.
macro_rules! bodies {
    ($($variant:ident($shape:ident) = $($kind:pat_param)|+,)*) => {
        /// A record's payload, read as the shape of its kind.
        #[derive(Debug, Clone, Copy)]
        #[non_exhaustive]
        pub enum Body<'a> {
            /// Not read: of a kind whose fields are not needed, or not known.
            Unread,
            $(#[doc = concat!("[`format::", stringify!($shape), "`]")]
            $variant(format::$shape<'a>),)*
        }

        impl<'a> Body<'a> {
            /// Reads the payload at the start of `text`; gives it and the bytes it took. `None`
            /// for a kind without fields.
            pub(super) fn read(
                kind: Kind,
                text: &'a str,
            ) -> Option<Result<(Self, usize), serde_json::Error>> {
                Some(match kind {
                    $($($kind)|+ => first(text).map(|(body, len)| (Self::$variant(body), len)),)*
                    _ => return None,
                })
            }

            pub(super) fn problems(&self, is_end: bool, tell: &mut dyn FnMut(Problem)) {
                match self {
                    Self::Unread => {}
                    $(Self::$variant(body) => body.problems(is_end, tell),)*
                }
            }
        }
    };
}

bodies! {
    SessionMeta(SessionMeta) = Kind::SessionMeta,
    TurnContext(TurnContext) = Kind::TurnContext,
    Compacted(Compacted) = Kind::Compacted,
    WorldState(WorldState) = Kind::WorldState,
    Communication(InterAgentCommunication) = Kind::InterAgentCommunication,
    CommunicationMetadata(InterAgentCommunicationMetadata) = Kind::InterAgentCommunicationMetadata,
    TokenUsageRecord(TokenUsageRecord) = Kind::TokenUsageRecord,

    ResponseMessage(ResponseMessage) = Kind::Response(R::Message),
    ResponseAgentMessage(ResponseAgentMessage) = Kind::Response(R::AgentMessage),
    ResponseReasoning(ResponseReasoning) = Kind::Response(R::Reasoning),
    LocalShellCall(LocalShellCall) = Kind::Response(R::LocalShellCall),
    FunctionCall(FunctionCall) = Kind::Response(R::FunctionCall),
    ToolSearchCall(ToolSearchCall) = Kind::Response(R::ToolSearchCall),
    FunctionCallOutput(FunctionCallOutput) = Kind::Response(R::FunctionCallOutput),
    CustomToolCall(CustomToolCall) = Kind::Response(R::CustomToolCall),
    CustomToolCallOutput(CustomToolCallOutput) = Kind::Response(R::CustomToolCallOutput),
    ToolSearchOutput(ToolSearchOutput) = Kind::Response(R::ToolSearchOutput),
    WebSearchCall(WebSearchCall) = Kind::Response(R::WebSearchCall),
    ImageGenerationCall(ImageGenerationCall) = Kind::Response(R::ImageGenerationCall),
    Compaction(Compaction) = Kind::Response(R::Compaction),
    ContextCompactionResponse(ContextCompactionResponse) = Kind::Response(R::ContextCompaction),
    AdditionalTools(AdditionalTools) = Kind::Response(R::AdditionalTools),

    UserMessage(UserMessage) = Kind::Event(E::UserMessage),
    AgentMessage(AgentMessage) = Kind::Event(E::AgentMessage),
    AgentReasoning(AgentReasoning) =
        Kind::Event(E::AgentReasoning) | Kind::Event(E::AgentReasoningRawContent),
    TaskStarted(TaskStarted) = Kind::Event(E::TaskStarted),
    TaskComplete(TaskComplete) = Kind::Event(E::TaskComplete),
    TurnAborted(TurnAborted) = Kind::Event(E::TurnAborted),
    TokenCount(TokenCount) = Kind::Event(E::TokenCount),
    ThreadGoalUpdated(ThreadGoalUpdated) = Kind::Event(E::ThreadGoalUpdated),
    ThreadRolledBack(ThreadRolledBack) = Kind::Event(E::ThreadRolledBack),
    EnteredReviewMode(EnteredReviewMode) = Kind::Event(E::EnteredReviewMode),
    ExitedReviewMode(ExitedReviewMode) = Kind::Event(E::ExitedReviewMode),
    PatchApplyEnd(PatchApplyEnd) = Kind::Event(E::PatchApplyEnd),
    PatchApplyBegin(PatchApplyBegin) =
        Kind::Event(E::PatchApplyBegin) | Kind::Event(E::ApplyPatchApprovalRequest),
    McpToolCall(McpToolCall) = Kind::Event(E::McpToolCallBegin) | Kind::Event(E::McpToolCallEnd),
    CallBegin(CallBegin) =
        Kind::Event(E::WebSearchBegin) | Kind::Event(E::ImageGenerationBegin),
    WebSearchEnd(WebSearchEnd) = Kind::Event(E::WebSearchEnd),
    ImageGenerationEnd(ImageGenerationEnd) = Kind::Event(E::ImageGenerationEnd),
    SubAgentActivity(SubAgentActivity) = Kind::Event(E::SubAgentActivity),
    ItemLifecycle(ItemLifecycle) = Kind::Event(E::ItemStarted) | Kind::Event(E::ItemCompleted),
    ExecCommand(ExecCommand) = Kind::Event(E::ExecCommandBegin) | Kind::Event(E::ExecCommandEnd),
    Error(ErrorEvent) = Kind::Event(E::Error),
    GuardianAssessment(GuardianAssessment) = Kind::Event(E::GuardianAssessment),
    ViewImageToolCall(ViewImageToolCall) = Kind::Event(E::ViewImageToolCall),
    DynamicToolCallRequest(DynamicToolCallRequest) = Kind::Event(E::DynamicToolCallRequest),
    DynamicToolCallResponse(DynamicToolCallResponse) = Kind::Event(E::DynamicToolCallResponse),
    Collab(Collab) =
        Kind::Event(E::CollabAgentSpawnBegin)
        | Kind::Event(E::CollabAgentSpawnEnd)
        | Kind::Event(E::CollabAgentInteractionBegin)
        | Kind::Event(E::CollabAgentInteractionEnd)
        | Kind::Event(E::CollabWaitingBegin)
        | Kind::Event(E::CollabWaitingEnd)
        | Kind::Event(E::CollabCloseBegin)
        | Kind::Event(E::CollabCloseEnd)
        | Kind::Event(E::CollabResumeBegin)
        | Kind::Event(E::CollabResumeEnd),
    ThreadSettingsApplied(ThreadSettingsApplied) = Kind::Event(E::ThreadSettingsApplied),
    ThreadNameUpdated(ThreadNameUpdated) = Kind::Event(E::ThreadNameUpdated),
}

/// The value at the start of `text`, and the bytes it took.
fn first<'a, T: Deserialize<'a>>(text: &'a str) -> Result<(T, usize), serde_json::Error> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<T>();
    match values.next() {
        Some(value) => Ok((value?, values.byte_offset())),
        None => Err(serde::de::Error::custom("nothing there")),
    }
}

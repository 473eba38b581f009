//! `response_item` (FORMAT 9, A.5).

use crate::model::MessagePhase;
use crate::raw::{Entry, Raw, Text};

shapes! {
    /// A message in the model's history.
    ResponseMessage {
        id: Text<'a>, opt;
        role: Text<'a>, req;
        content: Vec<ContentPart<'a>>, req;
        phase: MessagePhase, opt;
        internal_chat_message_metadata_passthrough: Raw<'a>, opt;
    }

    /// A message from another agent.
    ResponseAgentMessage {
        id: Text<'a>, opt;
        author: Text<'a>, req;
        recipient: Text<'a>, req;
        content: Vec<ContentPart<'a>>, req;
        internal_chat_message_metadata_passthrough: Raw<'a>, opt;
    }

    /// What the model thought.
    ResponseReasoning {
        id: Text<'a>, opt;
        summary: Vec<ContentPart<'a>>, req;
        content: Vec<ContentPart<'a>>, opt;
        encrypted_content: Text<'a>, opt;
        internal_chat_message_metadata_passthrough: Raw<'a>, opt;
    }

    /// A call of the local shell.
    LocalShellCall {
        id: Text<'a>, opt;
        call_id: Text<'a>, opt;
        status: Text<'a>, req;
        action: LocalShellAction<'a>, req;
        internal_chat_message_metadata_passthrough: Raw<'a>, opt;
    }

    /// What the local shell runs.
    LocalShellAction {
        r#type = "type": Text<'a>, req;
        command: Vec<Text<'a>>, req;
        timeout_ms: u64, opt;
        working_directory: Text<'a>, opt;
        env: Entry<'a, Text<'a>>, opt;
        user: Text<'a>, opt;
    }

    /// A call of a function.
    FunctionCall {
        id: Text<'a>, opt;
        name: Text<'a>, req;
        namespace: Text<'a>, opt;
        arguments: Text<'a>, req;
        encrypted_function_args: Vec<Text<'a>>, opt;
        call_id: Text<'a>, req;
        internal_chat_message_metadata_passthrough: Raw<'a>, opt;
    }

    /// A search for tools.
    ToolSearchCall {
        id: Text<'a>, opt;
        call_id: Text<'a>, opt;
        status: Text<'a>, opt;
        execution: Text<'a>, req;
        arguments: Raw<'a>, req;
        internal_chat_message_metadata_passthrough: Raw<'a>, opt;
    }

    /// What a function gave back: text, parts, or the older `{content, success}` object.
    FunctionCallOutput {
        id: Text<'a>, opt;
        call_id: Text<'a>, req;
        output: Raw<'a>, req;
        internal_chat_message_metadata_passthrough: Raw<'a>, opt;
    }

    /// A call of a custom tool.
    CustomToolCall {
        id: Text<'a>, opt;
        status: Text<'a>, opt;
        call_id: Text<'a>, req;
        name: Text<'a>, req;
        namespace: Text<'a>, opt;
        input: Text<'a>, req;
        internal_chat_message_metadata_passthrough: Raw<'a>, opt;
    }

    /// What a custom tool gave back.
    CustomToolCallOutput {
        id: Text<'a>, opt;
        call_id: Text<'a>, req;
        name: Text<'a>, opt;
        output: Raw<'a>, req;
        internal_chat_message_metadata_passthrough: Raw<'a>, opt;
    }

    /// The tools a search found.
    ToolSearchOutput {
        id: Text<'a>, opt;
        call_id: Text<'a>, opt;
        status: Text<'a>, req;
        execution: Text<'a>, req;
        tools: Vec<Raw<'a>>, req;
        internal_chat_message_metadata_passthrough: Raw<'a>, opt;
    }

    /// A search of the web by the service.
    WebSearchCall {
        id: Text<'a>, opt;
        status: Text<'a>, opt;
        action: super::WebAction<'a>, opt;
        internal_chat_message_metadata_passthrough: Raw<'a>, opt;
    }

    /// An image made by the service.
    ImageGenerationCall {
        id: Text<'a>, opt;
        status: Text<'a>, req;
        revised_prompt: Text<'a>, opt;
        result: Text<'a>, req;
        internal_chat_message_metadata_passthrough: Raw<'a>, opt;
    }

    /// A compaction by the service.
    Compaction {
        id: Text<'a>, opt;
        encrypted_content: Text<'a>, req;
        internal_chat_message_metadata_passthrough: Raw<'a>, opt;
    }

    /// A compaction of the context by the service.
    ContextCompactionResponse {
        id: Text<'a>, opt;
        encrypted_content: Text<'a>, opt;
        internal_chat_message_metadata_passthrough: Raw<'a>, opt;
    }

    /// Tools given to the model later.
    AdditionalTools {
        role: Text<'a>, req;
        tools: Vec<Raw<'a>>, req;
    }

    /// A part of a message, of reasoning or of a tool's output: its type tells which field counts.
    ContentPart {
        r#type = "type": Text<'a>, req;
        text: Text<'a>, opt;
        image_url: Text<'a>, opt;
        audio_url: Text<'a>, opt;
        detail: Text<'a>, opt;
        encrypted_content: Text<'a>, opt;
    }
}

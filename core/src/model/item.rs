//! Items of a turn.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::{ActivityKind, AgentStatusWord, CollabTool, CommandSource, ItemStatus, MessagePhase};
use crate::coll::Vector;
use crate::raw::{Json, Raw, Text};

/// Declares the item enum: its variants, tags and the struct behind each.
macro_rules! items {
    ($($variant:ident = $tag:literal => $body:ident,)*) => {
        /// One item of a turn; serializes to the reference's JSON (R50).
        #[derive(Debug, Clone, PartialEq, Eq, Serialize)]
        #[serde(tag = "type", rename_all = "camelCase")]
        pub enum ThreadItem {
            $(#[doc = concat!("`", $tag, "`")] $variant($body),)*
        }

        impl ThreadItem {
            /// The item's id, unique enough to be upserted within its turn.
            #[must_use]
            pub fn id(&self) -> &str {
                match self {
                    $(Self::$variant(item) => &item.id,)*
                }
            }

            /// The item's type, as its JSON spells it.
            #[must_use]
            pub fn type_name(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $tag,)*
                }
            }

            /// Reads what [`Serialize`] wrote.
            ///
            /// # Errors
            /// When `json` is not a JSON object of a known item type.
            pub fn from_json(json: &str) -> Result<Self, serde_json::Error> {
                let (raw, _) = Raw::first_of(json)?;
                let tag = raw.member("type").and_then(Raw::read::<Text<'_>>);
                match tag.as_deref() {
                    $(Some($tag) => serde_json::from_str(json).map(Self::$variant),)*
                    _ => Err(serde::de::Error::custom("not a known item type")),
                }
            }
        }
    };
}

items! {
    UserMessage = "userMessage" => UserMessageItem,
    HookPrompt = "hookPrompt" => HookPromptItem,
    AgentMessage = "agentMessage" => AgentMessageItem,
    Plan = "plan" => PlanItem,
    Reasoning = "reasoning" => ReasoningItem,
    CommandExecution = "commandExecution" => CommandExecutionItem,
    FileChange = "fileChange" => FileChangeItem,
    McpToolCall = "mcpToolCall" => McpToolCallItem,
    DynamicToolCall = "dynamicToolCall" => DynamicToolCallItem,
    CollabAgentToolCall = "collabAgentToolCall" => CollabAgentToolCallItem,
    SubAgentActivity = "subAgentActivity" => SubAgentActivityItem,
    WebSearch = "webSearch" => WebSearchItem,
    ImageView = "imageView" => ImageViewItem,
    Sleep = "sleep" => SleepItem,
    ImageGeneration = "imageGeneration" => ImageGenerationItem,
    EnteredReviewMode = "enteredReviewMode" => ReviewModeItem,
    ExitedReviewMode = "exitedReviewMode" => ReviewModeItem,
    ContextCompaction = "contextCompaction" => ContextCompactionItem,
    Unknown = "unknown" => UnknownItem,
}

// Not derived: an internally tagged enum buffers its content, which breaks numbers under
// `arbitrary_precision` and free-form JSON always.
impl<'de> Deserialize<'de> for ThreadItem {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <Box<RawValue>>::deserialize(deserializer)?;
        Self::from_json(raw.get()).map_err(serde::de::Error::custom)
    }
}

impl ThreadItem {
    /// Whether the item has reached its end; an item without a status always has.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        let status = match self {
            Self::CommandExecution(item) => &item.status,
            Self::FileChange(item) => &item.status,
            Self::McpToolCall(item) => &item.status,
            Self::DynamicToolCall(item) => &item.status,
            Self::CollabAgentToolCall(item) => &item.status,
            // A begin has neither (R32).
            Self::WebSearch(item) => return item.action.is_some() || !item.query.is_empty(),
            Self::ImageGeneration(item) => return !item.status.is_empty(),
            _ => return true,
        };
        *status != ItemStatus::InProgress
    }
}

/// Declares a struct of the output, with camelCase keys.
macro_rules! output {
    ($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub struct $name { $($(#[$field_meta])* pub $field: $type,)* }
    };
}

output! {
    /// What the user said.
    UserMessageItem {
        /// The item's id.
        id: String,
        /// The client's own id.
        client_id: Option<String>,
        /// Text, images and references, in order.
        content: Vec<UserPart>,
    }
}

/// One part of a user message (R18, R51).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum UserPart {
    /// Text and the places in it that stand for something else.
    Text {
        /// The text.
        text: String,
        /// Places in the text; the key stays snake_case (R52).
        #[serde(rename = "text_elements")]
        text_elements: Vec<TextElement>,
    },
    /// An image by URL.
    Image {
        /// How closely the model should look.
        detail: Option<String>,
        /// The image's URL, often a `data:` one.
        url: String,
    },
    /// An image by path.
    LocalImage {
        /// How closely the model should look.
        detail: Option<String>,
        /// The path on the machine of the log.
        path: String,
    },
    /// Sound by URL.
    Audio {
        /// The sound's URL.
        url: String,
    },
    /// Sound by path.
    LocalAudio {
        /// The path on the machine of the log.
        path: String,
    },
    /// A skill the user named.
    Skill {
        /// Its name.
        name: String,
        /// Its path.
        path: String,
    },
    /// Something else the user named.
    Mention {
        /// Its name.
        name: String,
        /// Its path or URI.
        path: String,
    },
    /// A part of a type this version does not know.
    Unknown {
        /// The part as it stands in the log.
        value: Json,
    },
}

// Not derived, for the reason given at `ThreadItem`.
impl<'de> Deserialize<'de> for UserPart {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Fields {
            r#type: String,
            #[serde(default)]
            text: String,
            #[serde(default)]
            text_elements: Vec<TextElement>,
            detail: Option<String>,
            #[serde(default)]
            url: String,
            #[serde(default)]
            path: String,
            #[serde(default)]
            name: String,
            #[serde(default)]
            value: Json,
        }
        let Fields { r#type, text, text_elements, detail, url, path, name, value } =
            Fields::deserialize(deserializer)?;
        Ok(match r#type.as_str() {
            "text" => Self::Text { text, text_elements },
            "image" => Self::Image { detail, url },
            "localImage" => Self::LocalImage { detail, path },
            "audio" => Self::Audio { url },
            "localAudio" => Self::LocalAudio { path },
            "skill" => Self::Skill { name, path },
            "mention" => Self::Mention { name, path },
            _ => Self::Unknown { value },
        })
    }
}

output! {
    /// A place in a user's text that stands for something else.
    TextElement {
        /// The place, in bytes of the text.
        byte_range: ByteRange,
        /// What is shown there.
        placeholder: Option<String>,
    }
}

output! {
    /// A range of bytes of a text.
    ByteRange {
        /// Bytes before the range.
        start: u64,
        /// Bytes before its end.
        end: u64,
    }
}

output! {
    /// Text put in by hooks, not by the user.
    HookPromptItem {
        /// The item's id.
        id: String,
        /// One fragment a hook run.
        fragments: Vec<HookPromptFragment>,
    }
}

output! {
    /// What one hook run put in.
    HookPromptFragment {
        /// The text.
        text: String,
        /// The run.
        hook_run_id: String,
    }
}

output! {
    /// What the agent said.
    AgentMessageItem {
        /// The item's id.
        id: String,
        /// The text.
        text: String,
        /// Which part of the turn it belongs to.
        phase: Option<MessagePhase>,
        /// Memories the message rests on.
        memory_citation: Option<MemoryCitation>,
    }
}

output! {
    /// Memories a message rests on.
    MemoryCitation {
        /// The places cited.
        entries: Vec<MemoryCitationEntry>,
        /// The threads they came from.
        thread_ids: Vec<String>,
    }
}

output! {
    /// One cited place.
    MemoryCitationEntry {
        /// The file.
        path: String,
        /// Its first line, from 1.
        line_start: u32,
        /// Its last line.
        line_end: u32,
        /// What it is cited for.
        note: String,
    }
}

output! {
    /// A plan in Markdown.
    PlanItem {
        /// The item's id.
        id: String,
        /// The text.
        text: String,
    }
}

output! {
    /// What the model thought.
    ReasoningItem {
        /// The item's id.
        id: String,
        /// Summaries, in order.
        summary: Texts,
        /// Raw reasoning, in order.
        content: Texts,
    }
}

/// Texts in order. Clones share structure: each text that joins makes a new item.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Texts(Vector<Arc<str>>);

impl Texts {
    /// The texts.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|text| &**text)
    }

    /// Texts there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn push(&mut self, text: &str) {
        self.0.push_back(text.into());
    }
}

impl<T: AsRef<str>> FromIterator<T> for Texts {
    fn from_iter<I: IntoIterator<Item = T>>(texts: I) -> Self {
        Self(texts.into_iter().map(|text| text.as_ref().into()).collect())
    }
}

output! {
    /// A command that ran.
    CommandExecutionItem {
        /// The call's id.
        id: String,
        /// The argument vector, joined for a POSIX shell.
        command: String,
        /// Where it ran, in the path convention of the machine it ran on.
        cwd: String,
        /// The process, if it stays open.
        process_id: Option<String>,
        /// Who ran it.
        source: CommandSource,
        /// Where it stands.
        status: ItemStatus,
        /// What it does, as far as known.
        command_actions: Vec<CommandAction>,
        /// Standard output and error together.
        aggregated_output: Option<String>,
        /// Exit code.
        exit_code: Option<i32>,
        /// Run time in milliseconds.
        duration_ms: Option<i64>,
        /// The plug-in that ran it.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        plugin_id: Option<String>,
        /// The script of the plug-in.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        script_path: Option<String>,
    }
}

/// What a command does (R28).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum CommandAction {
    /// Reads a file.
    Read {
        /// The part of the command line.
        command: String,
        /// The file's name.
        name: String,
        /// The file's path, joined to the command's directory.
        path: String,
    },
    /// Lists a folder.
    ListFiles {
        /// The part of the command line.
        command: String,
        /// The folder.
        path: Option<String>,
    },
    /// Searches.
    Search {
        /// The part of the command line.
        command: String,
        /// What for.
        query: Option<String>,
        /// Where.
        path: Option<String>,
    },
    /// Something else.
    Unknown {
        /// The part of the command line.
        command: String,
    },
}

output! {
    /// A patch to files.
    FileChangeItem {
        /// The call's id.
        id: String,
        /// The changes, sorted by path.
        changes: Vec<FileUpdate>,
        /// Where it stands.
        status: ItemStatus,
    }
}

output! {
    /// The change of one file.
    FileUpdate {
        /// The file.
        path: String,
        /// What happens to it.
        kind: FileUpdateKind,
        /// Its content, or a unified diff.
        diff: String,
    }
}

/// What happens to a file (R30).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum FileUpdateKind {
    /// It is made.
    Add,
    /// It is deleted.
    Delete,
    /// It is changed, and perhaps moved.
    Update {
        /// Where it moves; the key stays snake_case (R52).
        #[serde(rename = "move_path")]
        move_path: Option<String>,
    },
    /// Something this version does not know.
    Unknown,
}

output! {
    /// A call of a tool of an MCP server.
    McpToolCallItem {
        /// The call's id.
        id: String,
        /// The server.
        server: String,
        /// The tool.
        tool: String,
        /// Where it stands.
        status: ItemStatus,
        /// The arguments, free-form.
        arguments: Json,
        /// The app behind a connector.
        app_context: Option<McpAppContext>,
        /// A resource of the app to show.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        mcp_app_resource_uri: Option<String>,
        /// The plug-in that brought the server.
        plugin_id: Option<String>,
        /// Whether the tool only reads.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        read_only_hint: Option<bool>,
        /// What came back.
        result: Option<McpToolCallResult>,
        /// What went wrong.
        error: Option<McpToolCallError>,
        /// Run time in milliseconds.
        duration_ms: Option<i64>,
    }
}

output! {
    /// The app behind a connector.
    McpAppContext {
        /// The connector.
        connector_id: String,
        /// The link.
        link_id: Option<String>,
        /// A resource of the app to show.
        resource_uri: Option<String>,
        /// The app's name.
        app_name: Option<String>,
        /// The template.
        template_id: Option<String>,
        /// The action's name.
        action_name: Option<String>,
    }
}

output! {
    /// What an MCP tool gave back.
    McpToolCallResult {
        /// Content parts, free-form.
        content: Vec<Json>,
        /// Structured content, free-form.
        structured_content: Option<Json>,
        /// Metadata, free-form.
        #[serde(rename = "_meta")]
        meta: Option<Json>,
    }
}

output! {
    /// What went wrong in an MCP tool.
    McpToolCallError {
        /// The message.
        message: String,
    }
}

output! {
    /// A call of a tool the client brought.
    DynamicToolCallItem {
        /// The call's id.
        id: String,
        /// The tool's namespace.
        namespace: Option<String>,
        /// The tool.
        tool: String,
        /// The arguments, free-form.
        arguments: Json,
        /// Where it stands.
        status: ItemStatus,
        /// What came back.
        content_items: Option<Vec<Json>>,
        /// Whether it worked.
        success: Option<bool>,
        /// Run time in milliseconds.
        duration_ms: Option<i64>,
    }
}

output! {
    /// A call that steers other agents.
    CollabAgentToolCallItem {
        /// The call's id.
        id: String,
        /// What it does.
        tool: CollabTool,
        /// Where it stands.
        status: ItemStatus,
        /// The thread that calls.
        sender_thread_id: String,
        /// The threads it is about.
        receiver_thread_ids: Vec<String>,
        /// What is asked of them.
        prompt: Option<String>,
        /// The model asked for.
        model: Option<String>,
        /// The effort asked for.
        reasoning_effort: Option<String>,
        /// Where those threads stand, by thread id.
        agents_states: std::collections::BTreeMap<String, AgentState>,
    }
}

output! {
    /// Where an agent stands.
    AgentState {
        /// The status.
        status: AgentStatusWord,
        /// Its last words, if it completed or failed.
        message: Option<String>,
    }
}

output! {
    /// Something a sub-agent did.
    SubAgentActivityItem {
        /// The event's id.
        id: String,
        /// What it did.
        kind: ActivityKind,
        /// The sub-agent's thread.
        agent_thread_id: String,
        /// Its place in the tree of agents.
        agent_path: String,
    }
}

output! {
    /// A search of the web.
    WebSearchItem {
        /// The call's id.
        id: String,
        /// What for.
        query: String,
        /// What was done.
        action: Option<WebSearchAction>,
        /// What was found, free-form.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        results: Option<Vec<Json>>,
    }
}

/// What a web search did (R51).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum WebSearchAction {
    /// Searched.
    Search {
        /// What for.
        query: Option<String>,
        /// What for, when there are several.
        queries: Option<Vec<String>>,
    },
    /// Opened a page.
    OpenPage {
        /// The page.
        url: Option<String>,
    },
    /// Looked for a text in a page.
    FindInPage {
        /// The page.
        url: Option<String>,
        /// The text.
        pattern: Option<String>,
    },
    /// Something else.
    Other,
}

output! {
    /// An image the agent looked at.
    ImageViewItem {
        /// The call's id.
        id: String,
        /// The image, in the path convention of the machine it is on.
        path: String,
    }
}

output! {
    /// A pause.
    SleepItem {
        /// The item's id.
        id: String,
        /// How long, in milliseconds.
        duration_ms: u64,
    }
}

output! {
    /// An image the model made.
    ImageGenerationItem {
        /// The call's id.
        id: String,
        /// The service's own status.
        status: String,
        /// The prompt the service used.
        revised_prompt: Option<String>,
        /// The image, base64.
        result: String,
        /// Whether the background is transparent.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        transparent_background: Option<bool>,
        /// Why there is none.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        failure: Option<Json>,
        /// Where it was saved.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        saved_path: Option<String>,
    }
}

output! {
    /// The start or the end of a review.
    ReviewModeItem {
        /// The item's id.
        id: String,
        /// What is reviewed, or what came of it.
        review: String,
    }
}

output! {
    /// The model's context was compacted here.
    ContextCompactionItem {
        /// The item's id.
        id: String,
    }
}

output! {
    /// An item of a type this version does not know.
    UnknownItem {
        /// The item's id.
        id: String,
        /// The item as it stands in the log.
        value: Json,
    }
}

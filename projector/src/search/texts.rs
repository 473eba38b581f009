//! What of an item is searched, and what kind of text it is.

use std::borrow::Cow;

use rollfold_core::is_contextual_user_text;
use rollfold_core::model::{
    CollabAgentToolCallItem, DynamicToolCallItem, FileChangeItem, FileUpdateKind, McpToolCallItem,
    ThreadItem, UserMessageItem, UserPart, WebSearchAction, WebSearchItem,
};
use rollfold_core::{Json, JsonType, Raw};

/// Declares the kinds of text, their names and their bits.
macro_rules! kinds {
    ($($(#[$meta:meta])* $kind:ident = $bit:literal $name:literal,)*) => {
        /// What kind of text it is that was found.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum TextKind { $($(#[$meta])* $kind,)* }

        impl TextKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)*];

            /// The name, which [`FromStr`](std::str::FromStr) reads.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }

            /// Rows of the index hold these bits.
            fn bit(self) -> u16 {
                match self { $(Self::$kind => 1 << $bit,)* }
            }
        }
    };
}

kinds! {
    /// What the user said.
    User = 0 "user",
    /// What the agent said.
    Agent = 1 "agent",
    /// A plan.
    Plan = 2 "plan",
    /// Reasoning: summaries, and raw reasoning where the log has it.
    Reasoning = 3 "reasoning",
    /// A command line.
    Command = 4 "command",
    /// What a command printed.
    Output = 5 "output",
    /// Paths and contents of a file change.
    File = 6 "file",
    /// A tool's name and its arguments.
    Tool = 7 "tool",
    /// What a tool gave back.
    Result = 8 "result",
    /// A search of the web, and what it found.
    Web = 9 "web",
    /// Anything else: reviews, prompts of images, paths of images, items of unknown types.
    Other = 10 "other",
    /// What a client or a hook put in for the model, not the user: environment, instructions,
    /// hook prompts.
    Injected = 11 "injected",
}

impl std::fmt::Display for TextKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// A name that is none of the kinds of text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown kind of text {name:?}, use one of: {}", names())]
pub struct UnknownTextKind {
    /// The name.
    pub name: String,
}

fn names() -> String {
    TextKind::ALL.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", ")
}

impl std::str::FromStr for TextKind {
    type Err = UnknownTextKind;

    fn from_str(name: &str) -> Result<Self, UnknownTextKind> {
        let mut all = Self::ALL.iter();
        let known = all.find(|kind| kind.name().eq_ignore_ascii_case(name)).copied();
        known.ok_or_else(|| UnknownTextKind { name: name.to_owned() })
    }
}

/// A set of kinds of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextKinds(pub(super) u16);

impl TextKinds {
    /// None.
    pub const NONE: Self = Self(0);

    /// All there are.
    #[must_use]
    pub fn all() -> Self {
        TextKind::ALL.iter().copied().collect()
    }

    /// These and one more.
    #[must_use]
    pub fn with(self, kind: TextKind) -> Self {
        Self(self.0 | kind.bit())
    }

    /// These but one.
    #[must_use]
    pub fn without(self, kind: TextKind) -> Self {
        Self(self.0 & !kind.bit())
    }

    /// Whether a kind is one of them.
    #[must_use]
    pub fn has(self, kind: TextKind) -> bool {
        self.0 & kind.bit() != 0
    }
}

/// All but [`TextKind::Injected`].
impl Default for TextKinds {
    fn default() -> Self {
        Self::all().without(TextKind::Injected)
    }
}

impl FromIterator<TextKind> for TextKinds {
    fn from_iter<I: IntoIterator<Item = TextKind>>(kinds: I) -> Self {
        kinds.into_iter().fold(Self::NONE, Self::with)
    }
}

/// Calls `each` with every text of an item, in order, without what colours a terminal. No text goes
/// on in the next one.
pub(super) fn each_text(item: &ThreadItem, mut each: impl FnMut(TextKind, &str)) {
    let mut put = |kind, text: &str| {
        if !text.is_empty() {
            each(kind, &without_escapes(text));
        }
    };
    match item {
        ThreadItem::UserMessage(item) => user_message(item, &mut put),
        ThreadItem::HookPrompt(item) => {
            item.fragments.iter().for_each(|part| put(TextKind::Injected, &part.text));
        }
        ThreadItem::AgentMessage(item) => put(TextKind::Agent, &item.text),
        ThreadItem::Plan(item) => put(TextKind::Plan, &item.text),
        ThreadItem::Reasoning(item) => {
            let texts = item.summary.iter().chain(item.content.iter());
            texts.for_each(|text| put(TextKind::Reasoning, text));
        }
        ThreadItem::CommandExecution(item) => {
            put(TextKind::Command, &item.command);
            put(TextKind::Output, item.aggregated_output.as_deref().unwrap_or_default());
        }
        ThreadItem::FileChange(item) => file_change(item, &mut put),
        ThreadItem::McpToolCall(item) => mcp_call(item, &mut put),
        ThreadItem::DynamicToolCall(item) => dynamic_call(item, &mut put),
        ThreadItem::CollabAgentToolCall(item) => collab_call(item, &mut put),
        ThreadItem::SubAgentActivity(item) => put(TextKind::Tool, &item.agent_path),
        ThreadItem::WebSearch(item) => web_search(item, &mut put),
        ThreadItem::ImageView(item) => put(TextKind::Other, &item.path),
        ThreadItem::ImageGeneration(item) => {
            put(TextKind::Other, item.revised_prompt.as_deref().unwrap_or_default());
            put(TextKind::Other, item.saved_path.as_deref().unwrap_or_default());
            item.failure.iter().for_each(|failure| json(TextKind::Other, failure, &mut put));
        }
        ThreadItem::EnteredReviewMode(item) | ThreadItem::ExitedReviewMode(item) => {
            put(TextKind::Other, &item.review);
        }
        ThreadItem::Unknown(item) => json(TextKind::Other, &item.value, &mut put),
        ThreadItem::Sleep(_) | ThreadItem::ContextCompaction(_) => {}
    }
}

/// A text without control sequences (ECMA-48 CSI): they cut words, and cling to them.
fn without_escapes(text: &str) -> Cow<'_, str> {
    const CSI: &str = "\u{1b}[";
    if !text.contains(CSI) {
        return Cow::Borrowed(text);
    }
    let mut parts = text.split(CSI);
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.bytes().position(|byte| !matches!(byte, b' '..=b'?'));
        let is_final = |end: &usize| {
            part.as_bytes().get(*end).is_some_and(|byte| (b'@'..=b'~').contains(byte))
        };
        match end.filter(is_final).and_then(|end| part.get(end + 1..)) {
            Some(behind) => kept.push_str(behind),
            None => kept.extend([CSI, part]),
        }
    }
    Cow::Owned(kept)
}

/// One fragment that a client wrote makes the whole message contextual (SEMANTICS section 0).
fn user_message(item: &UserMessageItem, put: &mut impl FnMut(TextKind, &str)) {
    let is_injected = item.content.iter().any(|part| match part {
        UserPart::Text { text, .. } => is_contextual_user_text(text),
        _ => false,
    });
    let kind = if is_injected { TextKind::Injected } else { TextKind::User };
    for part in &item.content {
        match part {
            UserPart::Text { text, .. } => put(kind, text),
            UserPart::Image { url, .. } | UserPart::Audio { url } if !is_data_url(url) => {
                put(kind, url);
            }
            UserPart::Image { .. } | UserPart::Audio { .. } => {}
            UserPart::LocalImage { path, .. } | UserPart::LocalAudio { path } => put(kind, path),
            UserPart::Skill { name, path } | UserPart::Mention { name, path } => {
                put(kind, name);
                put(kind, path);
            }
            UserPart::Unknown { value } => json(kind, value, put),
        }
    }
}

fn file_change(item: &FileChangeItem, put: &mut impl FnMut(TextKind, &str)) {
    for change in &item.changes {
        put(TextKind::File, &change.path);
        if let FileUpdateKind::Update { move_path: Some(path) } = &change.kind {
            put(TextKind::File, path);
        }
        put(TextKind::File, &change.diff);
    }
}

fn mcp_call(item: &McpToolCallItem, put: &mut impl FnMut(TextKind, &str)) {
    put(TextKind::Tool, &item.server);
    put(TextKind::Tool, &item.tool);
    json(TextKind::Tool, &item.arguments, put);
    if let Some(result) = &item.result {
        let values = result.content.iter().chain(&result.structured_content);
        values.for_each(|value| json(TextKind::Result, value, put));
    }
    if let Some(error) = &item.error {
        put(TextKind::Result, &error.message);
    }
}

fn dynamic_call(item: &DynamicToolCallItem, put: &mut impl FnMut(TextKind, &str)) {
    put(TextKind::Tool, item.namespace.as_deref().unwrap_or_default());
    put(TextKind::Tool, &item.tool);
    json(TextKind::Tool, &item.arguments, put);
    item.content_items.iter().flatten().for_each(|value| json(TextKind::Result, value, put));
}

fn collab_call(item: &CollabAgentToolCallItem, put: &mut impl FnMut(TextKind, &str)) {
    put(TextKind::Tool, item.prompt.as_deref().unwrap_or_default());
    for state in item.agents_states.values() {
        put(TextKind::Result, state.message.as_deref().unwrap_or_default());
    }
}

fn web_search(item: &WebSearchItem, put: &mut impl FnMut(TextKind, &str)) {
    put(TextKind::Web, &item.query);
    let mut other = |text: Option<&str>| {
        if let Some(text) = text.filter(|text| *text != item.query) {
            put(TextKind::Web, text);
        }
    };
    match &item.action {
        Some(WebSearchAction::Search { query, queries }) => {
            other(query.as_deref());
            queries.iter().flatten().for_each(|query| other(Some(query)));
        }
        Some(WebSearchAction::OpenPage { url }) => other(url.as_deref()),
        Some(WebSearchAction::FindInPage { url, pattern }) => {
            other(url.as_deref());
            other(pattern.as_deref());
        }
        Some(WebSearchAction::Other) | None => {}
    }
    item.results.iter().flatten().for_each(|value| json(TextKind::Web, value, put));
}

fn is_data_url(text: &str) -> bool {
    text.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"))
}

/// The texts and numbers of free-form JSON: no keys, no types of parts, no images.
fn json(kind: TextKind, value: &Json, put: &mut impl FnMut(TextKind, &str)) {
    if let Ok(raw) = serde_json::from_str::<Raw<'_>>(value.get()) {
        values(raw, &mut |text| put(kind, text));
    }
}

fn values<'a>(raw: Raw<'a>, put: &mut impl FnMut(&str)) {
    // Not by recursion: a value may be nested as deep as its reader lets it.
    let mut rest = vec![raw];
    while let Some(raw) = rest.pop() {
        match raw.json_type() {
            JsonType::String => {
                let text = raw.read::<rollfold_core::Text<'a>>().unwrap_or_default();
                if !is_data_url(&text) {
                    put(&text);
                }
            }
            JsonType::Number => put(raw.get()),
            JsonType::Array => rest.extend(raw.elements().unwrap_or_default().into_iter().rev()),
            JsonType::Object => {
                let entries = raw.entries().unwrap_or_default();
                let is_media = entries.iter().any(|(key, _)| key == "mimeType");
                let is_other = |key: &str| match key {
                    "type" | "mimeType" => true,
                    "data" | "blob" => is_media,
                    _ => false,
                };
                let texts = entries.into_iter().rev().filter(|(key, _)| !is_other(key));
                rest.extend(texts.map(|(_, value)| value));
            }
            JsonType::Bool | JsonType::Null => {}
        }
    }
}

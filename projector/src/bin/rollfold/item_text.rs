//! Items as people read them.

use rollfold_core::model::{
    CollabAgentToolCallItem, CommandExecutionItem, FileChangeItem, FileUpdateKind, ItemStatus,
    McpToolCallItem, ThreadItem, UserPart, WebSearchAction, WebSearchItem,
};

use crate::print;

/// Lines that are shown of what tools give and files hold.
const LINES_MAX: usize = 20;

/// An item as text.
pub struct ItemText {
    /// What it is, on one line.
    pub head: String,
    /// What it says; may be empty.
    pub body: String,
    /// How many lines of that are worth showing.
    pub lines_max: usize,
}

impl ItemText {
    fn said(head: &str, body: impl Into<String>) -> Self {
        Self { head: head.to_owned(), body: body.into(), lines_max: usize::MAX }
    }

    fn made(head: String, body: String) -> Self {
        Self { head, body, lines_max: LINES_MAX }
    }

    pub fn of(item: &ThreadItem) -> Self {
        match item {
            ThreadItem::UserMessage(item) => {
                Self::said("user", joined(item.content.iter().map(user_part)))
            }
            ThreadItem::HookPrompt(item) => {
                let texts = item.fragments.iter().map(|part| part.text.clone());
                Self::said("hook", joined(texts))
            }
            ThreadItem::AgentMessage(item) => Self::said("agent", &*item.text),
            ThreadItem::Plan(item) => Self::said("plan", &*item.text),
            ThreadItem::Reasoning(item) => {
                let texts = item.summary.iter().chain(item.content.iter());
                Self::said("reasoning", joined(texts.map(str::to_owned)))
            }
            ThreadItem::CommandExecution(item) => command(item),
            ThreadItem::FileChange(item) => file_change(item),
            ThreadItem::McpToolCall(item) => mcp_call(item),
            ThreadItem::DynamicToolCall(item) => {
                let namespace = item.namespace.as_ref().map(|name| format!("{name}."));
                let name = format!("tool {}{}", namespace.unwrap_or_default(), item.tool);
                let results = item.content_items.iter().flatten().map(|part| part.get().to_owned());
                let arguments = item.arguments.get().to_owned();
                let head = with(&name, &item.status, [milliseconds(item.duration_ms)]);
                Self::made(head, joined(std::iter::once(arguments).chain(results)))
            }
            ThreadItem::CollabAgentToolCall(item) => agents(item),
            ThreadItem::SubAgentActivity(item) => {
                let (kind, path) = (item.kind.as_str(), &item.agent_path);
                Self::said("agent activity", format!("{kind}: {path} ({})", item.agent_thread_id))
            }
            ThreadItem::WebSearch(item) => Self::made("web".to_owned(), web_search(item)),
            ThreadItem::ImageView(item) => Self::said("image", &*item.path),
            ThreadItem::Sleep(item) => Self::said("pause", format!("{} ms", item.duration_ms)),
            ThreadItem::ImageGeneration(item) => {
                let failure = item.failure.as_ref().map(|failure| failure.get().to_owned());
                let (prompt, path) = (item.revised_prompt.clone(), item.saved_path.clone());
                let texts = [prompt, path, failure].into_iter().flatten();
                Self::made(format!("image generation  {}", item.status), joined(texts))
            }
            ThreadItem::EnteredReviewMode(item) => Self::said("review begins", &*item.review),
            ThreadItem::ExitedReviewMode(item) => Self::said("review ends", &*item.review),
            ThreadItem::ContextCompaction(_) => Self::said("context compacted", ""),
            ThreadItem::Unknown(item) => Self::made("unknown".to_owned(), item.value.get().into()),
        }
    }

    /// What it says in a few words.
    pub fn words(&self, len_max: usize) -> String {
        print::line(&print::plain(&self.body.replace('\n', " ")), len_max)
    }
}

fn joined(texts: impl Iterator<Item = String>) -> String {
    texts.filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n")
}

fn with<const N: usize>(name: &str, status: &ItemStatus, more: [Option<String>; N]) -> String {
    let words = std::iter::once(status.as_str().to_owned()).chain(more.into_iter().flatten());
    format!("{name}  {}", words.collect::<Vec<_>>().join(", "))
}

fn milliseconds(duration: Option<i64>) -> Option<String> {
    duration.map(|duration| format!("{duration} ms"))
}

fn user_part(part: &UserPart) -> String {
    // A picture may be in its own address.
    let address = |address: &str| print::line(address, 80);
    match part {
        UserPart::Text { text, .. } => text.clone(),
        UserPart::Image { url, .. } => format!("[image {}]", address(url)),
        UserPart::Audio { url } => format!("[audio {}]", address(url)),
        UserPart::LocalImage { path, .. } => format!("[image {path}]"),
        UserPart::LocalAudio { path } => format!("[audio {path}]"),
        UserPart::Skill { name, path } => format!("[skill {name}: {path}]"),
        UserPart::Mention { name, path } => format!("[{name}: {path}]"),
        UserPart::Unknown { value } => value.get().to_owned(),
    }
}

fn command(item: &CommandExecutionItem) -> ItemText {
    let exit = item.exit_code.map(|code| format!("exit {code}"));
    let cwd = Some(format!("in {}", item.cwd)).filter(|_| !item.cwd.is_empty());
    let head = with("command", &item.status, [exit, milliseconds(item.duration_ms), cwd]);
    let line = format!("$ {}", item.command);
    ItemText::made(head, joined(std::iter::once(line).chain(item.aggregated_output.clone())))
}

fn file_change(item: &FileChangeItem) -> ItemText {
    let changes = item.changes.iter().map(|change| {
        let path = &change.path;
        let what = match &change.kind {
            FileUpdateKind::Add => format!("add {path}"),
            FileUpdateKind::Delete => format!("delete {path}"),
            FileUpdateKind::Update { move_path: None } => format!("update {path}"),
            FileUpdateKind::Update { move_path: Some(to) } => format!("move {path} to {to}"),
            FileUpdateKind::Unknown => path.clone(),
        };
        joined([what, change.diff.clone()].into_iter())
    });
    ItemText::made(with("files", &item.status, []), joined(changes))
}

fn mcp_call(item: &McpToolCallItem) -> ItemText {
    let name = format!("tool {}.{}", item.server, item.tool);
    let results = item.result.iter().flat_map(|result| result.content.iter());
    let results = results.map(|part| part.get().to_owned());
    let error = item.error.as_ref().map(|error| error.message.clone());
    let arguments = std::iter::once(item.arguments.get().to_owned());
    let head = with(&name, &item.status, [milliseconds(item.duration_ms)]);
    ItemText::made(head, joined(arguments.chain(results).chain(error)))
}

fn agents(item: &CollabAgentToolCallItem) -> ItemText {
    let states = item.agents_states.iter().map(|(thread, state)| {
        let message = state.message.as_deref().unwrap_or_default();
        format!("{thread}: {} {message}", state.status.as_str())
    });
    let head = with(&format!("agents {}", item.tool.as_str()), &item.status, []);
    ItemText::made(head, joined(item.prompt.clone().into_iter().chain(states)))
}

fn web_search(item: &WebSearchItem) -> String {
    let action = match &item.action {
        Some(WebSearchAction::OpenPage { url }) => url.clone(),
        Some(WebSearchAction::FindInPage { url, pattern }) => {
            Some(joined(pattern.clone().into_iter().chain(url.clone())))
        }
        Some(WebSearchAction::Search { queries, .. }) => {
            queries.as_ref().map(|queries| queries.join("\n"))
        }
        Some(WebSearchAction::Other) | None => None,
    };
    let query = Some(item.query.clone()).filter(|query| action.as_ref() != Some(query));
    joined(query.into_iter().chain(action))
}

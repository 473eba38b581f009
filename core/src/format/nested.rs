//! Shapes that stand inside others (FORMAT 12).

use crate::format::table::tag;
use crate::model::{AgentState, AgentStatusWord, ByteRange, TextElement, WebSearchAction};
use crate::raw::{FromRaw, JsonType, Raw, Text};

shapes! {
    /// A length of time.
    Duration {
        secs: u64, req;
        nanos: u64, req;
    }

    /// The content of a file added or deleted.
    FileContent {
        content: Text<'a>, req;
    }

    /// A change to a file that stays.
    FileDiff {
        unified_diff: Text<'a>, req;
        move_path: Text<'a>, opt;
    }

    /// `read` of a parsed command.
    ParsedRead {
        cmd: Text<'a>, req;
        name: Text<'a>, req;
        path: Text<'a>, req;
    }

    /// `list_files` of a parsed command.
    ParsedListFiles {
        cmd: Text<'a>, req;
        path: Text<'a>, opt;
    }

    /// `search` of a parsed command.
    ParsedSearch {
        cmd: Text<'a>, req;
        query: Text<'a>, opt;
        path: Text<'a>, opt;
    }

    /// `unknown` of a parsed command.
    ParsedUnknown {
        cmd: Text<'a>, req;
    }

    /// What a web search did, all its types in one.
    WebAction {
        r#type = "type": Text<'a>, req;
        query: Text<'a>, opt;
        queries: Vec<Text<'a>>, opt;
        url: Text<'a>, opt;
        pattern: Text<'a>, opt;
    }

    /// A call of an MCP tool.
    McpInvocation {
        server: Text<'a>, req;
        tool: Text<'a>, req;
        arguments: Raw<'a>, opt;
    }

    /// What an MCP tool gave back.
    McpResult {
        content: Vec<Raw<'a>>, req;
        structured_content = "structuredContent" | "structured_content": Raw<'a>, opt;
        is_error = "isError" | "is_error": bool, opt;
        meta = "_meta": Raw<'a>, opt;
    }

    /// `{"Ok":...}` or `{"Err":...}`.
    McpOutcome {
        ok = "Ok": McpResult<'a>, opt;
        err = "Err": Text<'a>, opt;
    }

    /// Just a message.
    Message {
        message: Text<'a>, req;
    }

    /// Memories a message rests on.
    Citation {
        entries: Vec<CitationEntry<'a>>, req;
        thread_ids = "rolloutIds" | "rollout_ids": Vec<Text<'a>>, req;
    }

    /// One cited place.
    CitationEntry {
        path: Text<'a>, req;
        line_start = "lineStart" | "line_start": u32, req;
        line_end = "lineEnd" | "line_end": u32, req;
        note: Text<'a>, req;
    }

    /// A place in a user's text.
    TextElementShape {
        byte_range | "byteRange": ByteRangeShape<'a>, req;
        placeholder: Text<'a>, opt;
    }

    /// A range of bytes.
    ByteRangeShape {
        start: u64, req;
        end: u64, req;
    }

    /// An agent by reference, with its status where there is one.
    AgentRef {
        thread_id: Text<'a>, req;
        agent_nickname: Text<'a>, opt;
        agent_role | "agent_type": Text<'a>, opt;
        status: AgentState, opt;
    }

    /// What a guardian judged, all action types in one.
    GuardianAction {
        r#type = "type": Text<'a>, req;
        source: Text<'a>, opt;
        command: Text<'a>, opt;
        program: Text<'a>, opt;
        argv: Vec<Text<'a>>, opt;
        cwd: Text<'a>, opt;
        files: Vec<Text<'a>>, opt;
        target: Text<'a>, opt;
        host: Text<'a>, opt;
        protocol: Text<'a>, opt;
        port: u16, opt;
        server: Text<'a>, opt;
        tool_name: Text<'a>, opt;
        connector_id: Text<'a>, opt;
        connector_name: Text<'a>, opt;
        tool_title: Text<'a>, opt;
        reason: Text<'a>, opt;
        permissions: Raw<'a>, opt;
    }

    /// The target of a review, all its types in one.
    ReviewTarget {
        r#type = "type": Text<'a>, req;
        branch: Text<'a>, opt;
        sha: Text<'a>, opt;
        title: Text<'a>, opt;
        instructions: Text<'a>, opt;
    }

    /// What a review found.
    ReviewOutput {
        findings: Vec<Raw<'a>>, req;
        overall_correctness: Text<'a>, req;
        overall_explanation: Text<'a>, req;
        overall_confidence_score: f64, req;
    }

    /// Tokens counted.
    TokenUsage {
        input_tokens: i64, req;
        cached_input_tokens: i64, req;
        cache_write_input_tokens: i64, def;
        output_tokens: i64, req;
        reasoning_output_tokens: i64, req;
        total_tokens: i64, req;
    }

    /// Tokens of a thread.
    TokenUsageInfo {
        total_token_usage: TokenUsage<'a>, req;
        last_token_usage: TokenUsage<'a>, req;
        model_context_window: i64, opt;
    }

    /// Limits of the account.
    RateLimits {
        limit_id: Text<'a>, opt;
        limit_name: Text<'a>, opt;
        primary: RateLimitWindow<'a>, opt;
        secondary: RateLimitWindow<'a>, opt;
        credits: Raw<'a>, opt;
        individual_limit: Raw<'a>, opt;
        plan_type: Text<'a>, opt;
        rate_limit_reached_type: Text<'a>, opt;
        spend_control_reached: bool, opt;
    }

    /// One limit; `resets_at` is Unix seconds, in old files RFC 3339 text (FORMAT 13).
    RateLimitWindow {
        used_percent: f64, req;
        window_minutes: i64, opt;
        resets_at: Raw<'a>, opt;
    }

    /// A goal set for a thread.
    Goal {
        thread_id = "threadId": Text<'a>, req;
        objective: Text<'a>, req;
        status: Text<'a>, req;
        token_budget = "tokenBudget": i64, opt;
        tokens_used = "tokensUsed": i64, req;
        time_used_seconds = "timeUsedSeconds": i64, req;
        created_at = "createdAt": i64, req;
        updated_at = "updatedAt": i64, req;
    }

    /// Settings applied to a thread.
    ThreadSettings {
        model: Text<'a>, req;
        model_provider_id: Text<'a>, req;
        service_tier: Text<'a>, opt;
        approval_policy: Raw<'a>, req;
        approvals_reviewer: Text<'a>, req;
        permission_profile: Raw<'a>, req;
        active_permission_profile: Raw<'a>, opt;
        cwd: Text<'a>, req;
        reasoning_effort: Text<'a>, opt;
        reasoning_summary: Text<'a>, opt;
        personality: Text<'a>, opt;
        collaboration_mode: Raw<'a>, req;
    }
}

tagged! {
    /// The change of one file.
    FileChange {
        Add = "add" => FileContent,
        Delete = "delete" => FileContent,
        Update = "update" => FileDiff,
    }

    /// A part of a command line, as the writer understood it.
    ParsedCommand {
        Read = "read" => ParsedRead,
        ListFiles = "list_files" => ParsedListFiles,
        Search = "search" => ParsedSearch,
        Unrecognised = "unknown" => ParsedUnknown,
    }
}

impl Duration<'_> {
    /// Whole milliseconds, or `None` beyond i64.
    #[must_use]
    pub fn millis(&self) -> Option<i64> {
        let secs = self.secs.get()?.checked_mul(1_000)?;
        let millis = secs.checked_add(self.nanos.get().unwrap_or(0) / 1_000_000)?;
        i64::try_from(millis).ok()
    }
}

/// `"running"`, `{"completed":...}` or `{"errored":...}` (FORMAT 10.3, SEMANTICS R34).
impl<'a> FromRaw<'a> for AgentState {
    fn from_raw(raw: Raw<'a>) -> Option<Self> {
        if raw.json_type() == JsonType::String {
            return Some(Self { status: raw.read()?, message: None });
        }
        let (key, message) = raw.entries()?.into_iter().next()?;
        let status = AgentStatusWord::from_log(&key);
        let message = message.read::<Text<'a>>().map(Text::into_owned);
        Some(Self { status, message })
    }
}

impl<'a> FromRaw<'a> for TextElement {
    fn from_raw(raw: Raw<'a>) -> Option<Self> {
        let shape: TextElementShape<'a> = raw.read()?;
        let range = shape.byte_range.get()?;
        Some(Self {
            byte_range: ByteRange { start: range.start.get()?, end: range.end.get()? },
            placeholder: shape.placeholder.get().map(Text::into_owned),
        })
    }
}

/// Snake_case as logs write it, or camelCase as extension items do (FORMAT A.7).
impl<'a> FromRaw<'a> for WebSearchAction {
    fn from_raw(raw: Raw<'a>) -> Option<Self> {
        let tag = tag(raw)?;
        let action: WebAction<'a> = raw.read()?;
        let text = |field: crate::raw::Field<'a, Text<'a>>| field.get().map(Text::into_owned);
        Some(match &*tag {
            "search" => Self::Search {
                query: text(action.query),
                queries: action
                    .queries
                    .get()
                    .map(|queries| queries.into_iter().map(Text::into_owned).collect()),
            },
            "open_page" | "openPage" => Self::OpenPage { url: text(action.url) },
            "find_in_page" | "findInPage" => {
                Self::FindInPage { url: text(action.url), pattern: text(action.pattern) }
            }
            _ => Self::Other,
        })
    }
}

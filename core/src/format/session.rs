//! `session_meta` (FORMAT 4, A.2).

use crate::model::HistoryMode;
use crate::raw::{FieldState, FromRaw, JsonType, Raw, Text};

/// Where a session was started from: a word, or an object of one tag.
#[derive(Debug, Clone, Copy)]
pub struct SourceValue<'a>(pub Raw<'a>);

impl<'a> FromRaw<'a> for SourceValue<'a> {
    fn from_raw(raw: Raw<'a>) -> Option<Self> {
        (raw.json_type() != JsonType::Null).then_some(Self(raw))
    }

    fn state(raw: Raw<'a>) -> FieldState {
        match raw.json_type() {
            JsonType::Null => FieldState::Null,
            JsonType::String => FieldState::Good,
            JsonType::Object => match raw.entries().unwrap_or_default().as_slice() {
                [(tag, _)] if matches!(&**tag, "custom" | "internal" | "subagent") => {
                    FieldState::Good
                }
                _ => FieldState::UnknownWord,
            },
            _ => FieldState::Unreadable,
        }
    }
}

shapes! {
    /// What a thread is and where it comes from.
    SessionMeta {
        session_id: Text<'a>, def;
        id: Text<'a>, req;
        forked_from_id: Text<'a>, opt;
        parent_thread_id: Text<'a>, opt;
        timestamp: Text<'a>, req;
        cwd: Text<'a>, req;
        originator: Text<'a>, req;
        cli_version: Text<'a>, req;
        source: SourceValue<'a>, def;
        thread_source: Text<'a>, opt;
        agent_nickname: Text<'a>, opt;
        agent_role | "agent_type": Text<'a>, opt;
        agent_path: Text<'a>, opt;
        model_provider: Text<'a>, opt;
        base_instructions: BaseInstructions<'a>, opt;
        instructions: Text<'a>, opt;
        dynamic_tools: Vec<Raw<'a>>, opt;
        selected_capability_roots: Vec<CapabilityRoot<'a>>, def;
        memory_mode: Text<'a>, opt;
        history_mode: HistoryMode, def;
        multi_agent_version: Text<'a>, opt;
        context_window: InitialWindow<'a>, opt;
        history_base: HistoryBase<'a>, opt;
        subagent_history_start_ordinal: u64, opt;
        git: Git<'a>, opt;
    }

    /// The instructions the model started with.
    BaseInstructions {
        text: Text<'a>, req;
        provenance: Raw<'a>, opt;
    }

    /// A folder that capabilities are read from.
    CapabilityRoot {
        id: Text<'a>, req;
        location: CapabilityLocation<'a>, req;
    }

    /// Where a capability root is.
    CapabilityLocation {
        r#type = "type": Text<'a>, req;
        environment_id = "environmentId": Text<'a>, req;
        path: Text<'a>, req;
    }

    /// The first context window.
    InitialWindow {
        window_id: Text<'a>, req;
    }

    /// The prefix another file holds.
    HistoryBase {
        thread_id: Text<'a>, req;
        end_ordinal_exclusive: u64, req;
        end_byte_offset: u64, req;
    }

    /// The state of the repository.
    Git {
        commit_hash: Text<'a>, opt;
        branch: Text<'a>, opt;
        repository_url: Text<'a>, opt;
    }

    /// `{"subagent":{"thread_spawn":{...}}}` inside a session's source.
    ThreadSpawn {
        parent_thread_id: Text<'a>, req;
        depth: i32, req;
        agent_path: Text<'a>, opt;
        agent_nickname: Text<'a>, opt;
        agent_role | "agent_type": Text<'a>, opt;
    }

    /// A tool a client brings, or a namespace of tools; old shapes and new in one.
    DynamicTool {
        r#type = "type": Text<'a>, opt;
        namespace: Text<'a>, opt;
        name: Text<'a>, opt;
        description: Text<'a>, opt;
        input_schema = "inputSchema": Raw<'a>, opt;
        defer_loading = "deferLoading": bool, opt;
        expose_to_context = "exposeToContext": bool, opt;
        tools: Vec<DynamicTool<'a>>, opt;
    }

    /// `token_usage_record`, one response's usage; its fields are not specified by the papers.
    TokenUsageRecord {
        turn_id: Text<'a>, opt;
        usage: Raw<'a>, opt;
    }
}

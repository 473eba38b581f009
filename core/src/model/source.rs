//! Where a thread was started from (FORMAT 4, SessionSource).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::format::{SourceValue, ThreadSpawn};
use crate::raw::{Json, JsonType, Raw, Text};
use crate::text::id;

/// Where a thread was started from, and how the log says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionSource {
    /// What it means.
    pub kind: SourceKind,
    /// The value as it stands in the log; none where the log leaves it out or has `null`, which
    /// means `vscode`.
    pub raw: Option<Json>,
}

/// What a session's source means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SourceKind {
    /// The command line.
    Cli,
    /// An editor; also what a missing source means.
    Vscode,
    /// A command that runs without a person.
    Exec,
    /// A server of tools.
    Mcp,
    /// `unknown`, or a word this version does not know.
    Unknown(Arc<str>),
    /// A label of a client's own.
    Custom(Arc<str>),
    /// A job of the agent's own.
    Internal(Arc<str>),
    /// A sub-agent of a named kind: `review`, `compact`, `memory_consolidation`.
    SubAgent(Arc<str>),
    /// A sub-agent of another kind.
    OtherSubAgent(Arc<str>),
    /// A sub-agent that another thread spawned.
    Spawn(Spawn),
    /// A shape this version does not know.
    Other,
}

/// How a sub-agent was spawned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spawn {
    /// The spawning thread.
    pub parent_thread_id: Option<Arc<str>>,
    /// Steps from the root of the tree.
    pub depth: Option<i32>,
    /// Its path among the agents.
    pub agent_path: Option<Arc<str>>,
    /// Its name for people.
    pub agent_nickname: Option<Arc<str>>,
    /// Its role.
    pub agent_role: Option<Arc<str>>,
}

impl SessionSource {
    /// Reads `session_meta.source`.
    #[must_use]
    pub fn read(value: Option<SourceValue<'_>>) -> Self {
        let raw = value.map(|value| value.0);
        let kind = raw.map_or(SourceKind::Vscode, SourceKind::read);
        Self { kind, raw: raw.map(Json::from) }
    }

    /// How the thread was spawned, if it was.
    #[must_use]
    pub fn spawn(&self) -> Option<&Spawn> {
        match &self.kind {
            SourceKind::Spawn(spawn) => Some(spawn),
            _ => None,
        }
    }

    /// Whether the thread is a sub-agent of any kind.
    #[must_use]
    pub fn is_sub_agent(&self) -> bool {
        use SourceKind::{OtherSubAgent, Spawn, SubAgent};
        matches!(self.kind, SubAgent(_) | OtherSubAgent(_) | Spawn(_))
    }
}

impl SourceKind {
    fn read(raw: Raw<'_>) -> Self {
        if let Some(word) = raw.read::<Text<'_>>() {
            return match &*word {
                "cli" => Self::Cli,
                "vscode" => Self::Vscode,
                "exec" => Self::Exec,
                "mcp" => Self::Mcp,
                word => Self::Unknown(word.into()),
            };
        }
        let text = |raw: Raw<'_>| raw.read::<Text<'_>>().map(|text| Arc::from(&*text));
        let found = match raw.entries().unwrap_or_default().as_slice() {
            [(key, value)] => match &**key {
                "custom" => text(*value).map(Self::Custom),
                "internal" => text(*value).map(Self::Internal),
                "subagent" => Self::read_sub_agent(*value),
                _ => None,
            },
            _ => None,
        };
        found.unwrap_or(Self::Other)
    }

    fn read_sub_agent(raw: Raw<'_>) -> Option<Self> {
        if raw.json_type() == JsonType::String {
            return raw.read::<Text<'_>>().map(|word| Self::SubAgent(Arc::from(&*word)));
        }
        if let Some(other) = raw.member("other") {
            return other.read::<Text<'_>>().map(|word| Self::OtherSubAgent(Arc::from(&*word)));
        }
        let spawn: ThreadSpawn<'_> = raw.member("thread_spawn")?.read()?;
        let text = |text: Option<Text<'_>>| text.map(|text| Arc::from(&*text));
        Some(Self::Spawn(Spawn {
            parent_thread_id: spawn.parent_thread_id.get().map(|id| id::canonical(&id)),
            depth: spawn.depth.get(),
            agent_path: text(spawn.agent_path.get()),
            agent_nickname: text(spawn.agent_nickname.get()),
            agent_role: text(spawn.agent_role.get()),
        }))
    }
}

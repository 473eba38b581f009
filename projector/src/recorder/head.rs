//! The first record of a thread: who it is (FORMAT 4, A.2).

use std::path::PathBuf;
use std::sync::Arc;

use rollfold_core::model::Thread;
use serde::Serialize;
use serde_json::Value;

use super::clock::Moment;
use super::record::{NewRecord, RecordTag};
use crate::home::Home;

/// How a thread's history is written (R275).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ThreadMode {
    /// Events tell the story; records have no ordinals.
    #[default]
    Legacy,
    /// Canonical items tell the story; every record has an ordinal.
    Paginated,
}

/// What is told of a new thread. Fields that are none are left out, or `null` where writers write
/// that.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NewThread {
    /// Its id, a UUID; a new one if none.
    pub id: Option<String>,
    /// The tree of threads it belongs to; its own id if none.
    pub session_id: Option<String>,
    /// The thread it was forked from.
    pub forked_from_id: Option<String>,
    /// The thread that spawned it.
    pub parent_thread_id: Option<String>,
    /// The folder it works in.
    pub cwd: String,
    /// The program that began it.
    pub originator: String,
    /// That program's version.
    pub cli_version: String,
    /// What it was started from: a word, or an object of one tag. `cli` if none.
    pub source: Option<Value>,
    /// `user`, `subagent`, `memory_consolidation` or a label.
    pub thread_source: Option<String>,
    /// Its name for people among the agents.
    pub agent_nickname: Option<String>,
    /// Its role among the agents.
    pub agent_role: Option<String>,
    /// Its path among the agents.
    pub agent_path: Option<String>,
    /// The provider of its model.
    pub model_provider: Option<String>,
    /// The instructions the model starts with.
    pub base_instructions: Option<String>,
    /// Tools of the client, in their canonical form; none for an empty list.
    pub dynamic_tools: Vec<Value>,
    /// Folders that capabilities are read from.
    pub selected_capability_roots: Vec<Value>,
    /// `enabled` or `disabled`.
    pub memory_mode: Option<String>,
    /// How its history is written.
    pub mode: ThreadMode,
    /// `disabled`, `v1` or `v2`.
    pub multi_agent_version: Option<String>,
    /// The state of the repository.
    pub git: Option<GitState>,
}

/// The state of a repository.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct GitState {
    /// The commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit_hash: Option<String>,
    /// The branch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// Where it comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository_url: Option<String>,
}

/// A place in another log up to which its history is this thread's, too (FORMAT A.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Base {
    pub(super) thread_id: String,
    pub(super) end_ordinal_exclusive: u64,
    pub(super) end_byte_offset: u64,
}

/// What the recorder itself says of a new thread.
#[derive(Debug, Default)]
pub(super) struct Own<'o> {
    pub(super) id: &'o str,
    pub(super) window_id: &'o str,
    pub(super) base: Option<&'o Base>,
    pub(super) subagent_start_ordinal: Option<u64>,
}

/// In the order in which the reference writes them.
#[derive(Serialize)]
struct Payload<'p> {
    session_id: &'p str,
    id: &'p str,
    #[serde(skip_serializing_if = "Option::is_none")]
    forked_from_id: Option<&'p str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_thread_id: Option<&'p str>,
    timestamp: String,
    cwd: &'p str,
    originator: &'p str,
    cli_version: &'p str,
    source: &'p Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    thread_source: Option<&'p str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_nickname: Option<&'p str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_role: Option<&'p str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_path: Option<&'p str>,
    model_provider: Option<&'p str>,
    base_instructions: Option<Instructions<'p>>,
    #[serde(skip_serializing_if = "<[Value]>::is_empty")]
    dynamic_tools: &'p [Value],
    #[serde(skip_serializing_if = "<[Value]>::is_empty")]
    selected_capability_roots: &'p [Value],
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_mode: Option<&'p str>,
    history_mode: ThreadMode,
    #[serde(skip_serializing_if = "Option::is_none")]
    history_base: Option<&'p Base>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subagent_history_start_ordinal: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    multi_agent_version: Option<&'p str>,
    context_window: ContextWindow<'p>,
    #[serde(skip_serializing_if = "Option::is_none")]
    git: Option<&'p GitState>,
}

#[derive(Serialize)]
struct Instructions<'p> {
    text: &'p str,
}

#[derive(Serialize)]
struct ContextWindow<'p> {
    window_id: &'p str,
}

impl NewThread {
    /// A legacy thread in a folder, begun by a program.
    #[must_use]
    pub fn new(cwd: &str, originator: &str, cli_version: &str) -> Self {
        Self {
            cwd: cwd.to_owned(),
            originator: originator.to_owned(),
            cli_version: cli_version.to_owned(),
            ..Self::default()
        }
    }

    /// What another thread tells of itself, for a fork of it that a program begins: where it works,
    /// what its model is and starts with. Not who spawned it: a fork is a person's.
    #[must_use]
    pub fn like(thread: &Thread, originator: &str, cli_version: &str) -> Self {
        let text = |text: &Option<Arc<str>>| text.as_deref().map(str::to_owned);
        let head_cwd = thread.head.as_ref().and_then(|head| head.cwd.clone());
        let cwd = thread.cwd.clone().or(head_cwd).unwrap_or_default();
        let tools = thread.dynamic_tools.as_ref().map(|tools| serde_json::from_str(tools.get()));
        let instructions = thread.base_instructions.as_ref();
        Self {
            model_provider: text(&thread.model_provider),
            base_instructions: instructions.map(|it| it.text.to_string()),
            dynamic_tools: tools.and_then(Result::ok).unwrap_or_default(),
            memory_mode: text(&thread.memory_mode),
            multi_agent_version: text(&thread.multi_agent_version),
            git: thread.git.as_ref().map(|git| GitState {
                commit_hash: text(&git.commit_hash),
                branch: text(&git.branch),
                repository_url: text(&git.repository_url),
            }),
            ..Self::new(&cwd, originator, cli_version)
        }
    }

    /// The first record, as of the thread's beginning.
    pub(super) fn record(&self, own: &Own<'_>, at: Moment) -> Result<NewRecord, serde_json::Error> {
        let cli = Value::from("cli");
        let instructions = self.base_instructions.as_deref();
        let payload = Payload {
            session_id: self.session_id.as_deref().unwrap_or(own.id),
            id: own.id,
            forked_from_id: self.forked_from_id.as_deref(),
            parent_thread_id: self.parent_thread_id.as_deref(),
            timestamp: at.stamp(),
            cwd: &self.cwd,
            originator: &self.originator,
            cli_version: &self.cli_version,
            source: self.source.as_ref().unwrap_or(&cli),
            thread_source: self.thread_source.as_deref(),
            agent_nickname: self.agent_nickname.as_deref(),
            agent_role: self.agent_role.as_deref(),
            agent_path: self.agent_path.as_deref(),
            model_provider: self.model_provider.as_deref(),
            base_instructions: instructions.map(|text| Instructions { text }),
            dynamic_tools: &self.dynamic_tools,
            selected_capability_roots: &self.selected_capability_roots,
            memory_mode: self.memory_mode.as_deref(),
            history_mode: self.mode,
            history_base: own.base,
            subagent_history_start_ordinal: own.subagent_start_ordinal,
            multi_agent_version: self.multi_agent_version.as_deref(),
            context_window: ContextWindow { window_id: own.window_id },
            git: self.git.as_ref(),
        };
        NewRecord::new(RecordTag::SessionMeta, &payload)
    }
}

/// Where a thread's first file belongs: by the local time of its beginning (FORMAT 1, R235).
pub(super) fn path_of(home: &Home, id: &str, at: Moment) -> PathBuf {
    let stamp = at.file_stamp();
    let mut folder = home.sessions_dir();
    // The year stands unpadded, and so may be longer or shorter than four digits.
    folder.extend(stamp.split('T').next().unwrap_or_default().split('-'));
    folder.join(format!("rollout-{stamp}-{id}.jsonl"))
}

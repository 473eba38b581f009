//! A thread as lists show it, put together from the summaries of its logs.

use std::path::PathBuf;
use std::sync::Arc;

use rollfold_core::model::{GitInfo, HistoryMode, NameSource, SourceKind, Thread};
use serde::Serialize;

use crate::source::RolloutName;

/// Where a log was when it was last looked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LogPlace {
    /// The Codex home it is in.
    pub home: PathBuf,
    /// Where its plain form is, or would be.
    pub path: PathBuf,
    /// Whether it was put away.
    #[serde(rename = "archived")]
    pub is_archived: bool,
    /// Whether only its compressed form is there.
    #[serde(rename = "compressed")]
    pub is_compressed: bool,
    /// Whether it was not there any more; what was folded of it stays.
    #[serde(rename = "gone")]
    pub is_gone: bool,
    /// Bytes of the file.
    #[serde(rename = "bytes")]
    pub len_bytes: u64,
    /// When the file was last written, in Unix milliseconds.
    #[serde(rename = "modifiedAt")]
    pub modified_at: Option<i64>,
}

/// One log of a thread.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LogEntry {
    /// The key by which the store knows it: [`Store::thread`](crate::Store::thread).
    pub key: Arc<str>,
    /// Its newest generation.
    pub generation: u32,
    /// Where it was found; none if it was synced by itself and not from a home.
    pub place: Option<LogPlace>,
}

/// A thread as lists show it. What is `None` is not recorded; times are Unix milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ThreadEntry {
    /// The thread's id; of a log that names none, the log's key.
    pub id: Arc<str>,
    /// The log that tells the thread as it is now: of several segments the newest.
    #[serde(flatten)]
    pub log: LogEntry,
    /// Its other logs: earlier segments, and copies under other names.
    pub other_logs: Vec<LogEntry>,
    /// What people call it.
    pub name: Option<Arc<str>>,
    /// Who says so.
    pub name_source: Option<NameSource>,
    /// The first thing the user said, or a goal set before; cut after 1,000 characters.
    pub preview: Option<Arc<str>>,
    /// The first thing the user said in words; cut likewise.
    pub title: Option<Arc<str>>,
    /// When it was made.
    pub created_at: Option<i64>,
    /// When something last happened in it: by the log's own records, else by its file.
    pub updated_at: Option<i64>,
    /// When work was last begun in it, else when it was made (R155, R171, R173); opening it
    /// changes nothing.
    pub recency_at: Option<i64>,
    /// When the user last said something.
    pub last_user_at: Option<i64>,
    /// What it was started from: `cli`, `vscode`, `exec`, `mcp`, `unknown`, `custom:LABEL`,
    /// `internal:LABEL`, `subagent:KIND`, `subagent:other:LABEL`, `subagent:spawn`, `other`.
    pub source: Option<Arc<str>>,
    /// Who started it.
    pub thread_source: Option<Arc<str>>,
    /// The provider of its model.
    pub provider: Option<Arc<str>>,
    /// Its model.
    pub model: Option<Arc<str>>,
    /// How hard the model thinks.
    pub effort: Option<Arc<str>>,
    /// The folder it works in.
    pub cwd: Option<Arc<str>>,
    /// The state of its repository.
    pub git: Option<Arc<GitInfo>>,
    /// The version of the program that wrote it.
    pub cli_version: Option<Arc<str>>,
    /// How its history is written.
    pub history_mode: Option<Arc<str>>,
    /// The thread that spawned it.
    pub parent_id: Option<Arc<str>>,
    /// The thread it was forked from.
    pub forked_from_id: Option<Arc<str>>,
    /// Its path among the agents.
    pub agent_path: Option<Arc<str>>,
    /// Its name for people among the agents.
    pub agent_nickname: Option<Arc<str>>,
    /// Its role among the agents.
    pub agent_role: Option<Arc<str>>,
    /// Tokens by its newest count, inherited ones included.
    pub tokens_used: Option<i64>,
}

impl ThreadEntry {
    /// Whether the thread was put away.
    #[must_use]
    pub fn is_archived(&self) -> bool {
        self.log.place.as_ref().is_some_and(|place| place.is_archived)
    }

    /// The thread's logs, the one that tells it first.
    pub fn logs(&self) -> impl Iterator<Item = &LogEntry> {
        std::iter::once(&self.log).chain(&self.other_logs)
    }
}

/// A log and what its summary says.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) log: LogEntry,
    pub(super) thread: Thread,
    pub(super) base_thread_id: Option<Arc<str>>,
}

impl Told {
    /// The thread the log is of: as it says, else as its name says.
    pub(super) fn thread_id(&self) -> Arc<str> {
        let said = self.thread.id().filter(|id| !id.is_empty()).cloned();
        said.or_else(|| Some(name_of(&self.log.key)?.thread_id().into()))
            .unwrap_or_else(|| self.log.key.clone())
    }

    /// Of several logs of a thread the greatest tells it: one that is there, under a rollout's own
    /// name, the newest.
    fn rank(&self) -> (bool, bool, Option<String>, &str) {
        let is_there = self.log.place.as_ref().is_none_or(|place| !place.is_gone);
        let name = name_of(&self.log.key);
        (is_there, name.is_some(), name.map(|name| name.time().to_owned()), &self.log.key)
    }
}

fn name_of(key: &str) -> Option<RolloutName> {
    RolloutName::parse(&format!("{key}.jsonl"))
}

/// A name that stands beside the logs, and its thread.
pub(super) type IndexName = Option<Arc<str>>;

/// Puts a thread together; `None` of no logs.
pub(super) fn entry(id: Arc<str>, mut logs: Vec<&Told>, name: IndexName) -> Option<ThreadEntry> {
    logs.sort_by(|one, other| other.rank().cmp(&one.rank()));
    let (told, others) = logs.split_first()?;
    let Thread { head, source, preview, title, .. } = &told.thread;
    let head = head.as_deref();
    let spawn = source.as_ref().and_then(|source| source.spawn());
    let parent_id = spawn
        .and_then(|spawn| spawn.parent_thread_id.clone())
        .or_else(|| head?.parent_thread_id.clone());
    let said = told.thread.name.as_ref();
    let (name, name_source) = match (name, said) {
        (Some(name), _) => (Some(name), Some(NameSource::Index)),
        (None, Some(said)) => (Some(said.text.clone()), Some(said.source)),
        (None, None) => (None, None),
    };
    let created_at = told.thread.created_at();
    let modified_at = told.log.place.as_ref().and_then(|place| place.modified_at);
    let base = told.base_thread_id.clone().filter(|base| *base != id);
    let agent = |fact: &Option<rollfold_core::model::AgentFact>| {
        fact.as_ref().map(|fact| fact.value.clone())
    };
    Some(ThreadEntry {
        log: told.log.clone(),
        other_logs: others.iter().map(|other| other.log.clone()).collect(),
        name,
        name_source,
        preview: preview.clone(),
        title: title.clone(),
        created_at,
        updated_at: told.thread.last_activity_at.or(modified_at).or(created_at),
        recency_at: told.thread.recency_at.or(created_at),
        last_user_at: told.thread.last_user_at,
        source: source.as_ref().map(|source| word_of(&source.kind)),
        thread_source: told.thread.thread_source.clone(),
        provider: told.thread.model_provider.clone(),
        model: told.thread.model.clone(),
        effort: told.thread.effort.clone(),
        cwd: told.thread.cwd.clone(),
        git: told.thread.git.clone(),
        cli_version: told.thread.cli_version.clone(),
        history_mode: (told.thread.unknown_mode.clone())
            .or_else(|| Some(mode_of(told.thread.history_mode()?))),
        parent_id,
        forked_from_id: head.and_then(|head| head.forked_from_id.clone()).or(base),
        agent_path: agent(&told.thread.agent_path),
        agent_nickname: agent(&told.thread.agent_nickname),
        agent_role: agent(&told.thread.agent_role),
        tokens_used: told.thread.tokens_used,
        id,
    })
}

fn mode_of(mode: &HistoryMode) -> Arc<str> {
    mode.as_str().into()
}

/// A source as one word.
fn word_of(kind: &SourceKind) -> Arc<str> {
    match kind {
        SourceKind::Cli => "cli".into(),
        SourceKind::Vscode => "vscode".into(),
        SourceKind::Exec => "exec".into(),
        SourceKind::Mcp => "mcp".into(),
        SourceKind::Unknown(_) => "unknown".into(),
        SourceKind::Custom(label) => format!("custom:{label}").into(),
        SourceKind::Internal(label) => format!("internal:{label}").into(),
        SourceKind::SubAgent(kind) => format!("subagent:{kind}").into(),
        SourceKind::OtherSubAgent(label) => format!("subagent:other:{label}").into(),
        SourceKind::Spawn(_) => "subagent:spawn".into(),
        _ => "other".into(),
    }
}

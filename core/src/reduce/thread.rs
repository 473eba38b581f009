//! Facts of a thread (SEMANTICS R150-R158, A30): full extraction over every record, no scan limits.
//!
//! As in the reference, but: an agent's path, name and role are also taken from the spawn source
//! (R154); the memory mode is the thread's own (R156); and, where [`Facts::Seed`] does not forbid
//! it, canonical user messages and `thread_settings_applied` count (A30), messages of the model's
//! history stand in for dialogue that no event tells, and own times are kept.

mod said;
mod settings;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Reduced;
use super::forks::{ForkState, written_at};
use crate::change::Change;
use crate::decode::{Body, Record};
use crate::format::{EventKind as E, Kind, SessionMeta};
use crate::model::{
    AgentFact, AgentFactPlace, BaseInstructionsFact, CapabilityRootFact, Fact, GitInfo,
    HistoryMode, NameSource, Ownership, SessionSource, Thread, ThreadHead, ThreadName,
};
use crate::options::{Facts, Options};
use crate::raw::{Field, Json, Text};
use crate::records::RecordClass;
use crate::text::{id, time};

/// What the next record's facts may depend on: the short facts. Of the long ones, which are set
/// once, only whether they are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadState {
    short: Arc<Thread>,
    moving: Moving,
    /// An event or canonical item told what the user said: no more standing in.
    saw_dialogue: bool,
    first_user_message: Standing,
    preview: Standing,
    title: Standing,
    has_base_instructions: bool,
    has_dynamic_tools: bool,
    /// The multi-agent version is that of a `session_meta`, which a `turn_context` leaves alone.
    has_meta_version: bool,
}

/// Facts that move with many records; apart, so that most records copy nothing else.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Moving {
    tokens_used: Option<i64>,
    last_user_at: Option<i64>,
    last_activity_at: Option<i64>,
    recency_at: Option<i64>,
}

/// How firmly a text is known that is set once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Standing {
    #[default]
    Unknown,
    /// Read from the model's history; dialogue replaces it.
    StandIn,
    Known,
}

impl ThreadState {
    /// The short facts: all but instructions, tools, preview, title and first message, and but
    /// tokens and times, which move with many records.
    #[must_use]
    pub fn short(&self) -> &Thread {
        &self.short
    }

    /// Sets a fact; false if it is so already.
    fn set(&mut self, fact: &Fact) -> bool {
        let (place, value) = match fact {
            Fact::TokensUsed(value) => (&mut self.moving.tokens_used, value),
            Fact::LastUserAt(value) => (&mut self.moving.last_user_at, value),
            Fact::LastActivityAt(value) => (&mut self.moving.last_activity_at, value),
            Fact::RecencyAt(value) => (&mut self.moving.recency_at, value),
            _ if self.short.has(fact) => return false,
            _ => {
                Arc::make_mut(&mut self.short).apply(fact);
                return true;
            }
        };
        std::mem::replace(place, *value) != *value
    }
}

/// Reduces one record, of which the record index says `class`; `forks` is the state after it.
/// `None` if it tells nothing of the thread.
#[must_use]
pub fn reduce(
    state: &ThreadState,
    forks: &ForkState,
    options: &Options,
    record: &Record<'_>,
    class: &RecordClass,
) -> Option<Reduced<ThreadState>> {
    if !matters(record.kind) {
        return None;
    }
    let mut work = Work {
        state: state.clone(),
        facts: Vec::new(),
        forks,
        options,
        class,
        heard: false,
        answered: false,
    };
    work.take_in(record);
    if forks.ownership(record.seq) == Ownership::Own {
        work.times(record);
    }
    let Work { state: next, facts, .. } = work;
    if next == *state && facts.is_empty() {
        return None;
    }
    let changes = facts.into_iter().map(Change::Thread).collect();
    Some(Reduced { state: next, changes, notes: Vec::new() })
}

fn matters(kind: Kind) -> bool {
    match kind {
        Kind::SessionMeta | Kind::TurnContext => true,
        Kind::Response(kind) => kind == crate::format::ResponseKind::Message,
        Kind::Event(kind) => matches!(
            kind,
            E::TokenCount
                | E::UserMessage
                | E::AgentMessage
                | E::ItemCompleted
                | E::ThreadGoalUpdated
                | E::ThreadNameUpdated
                | E::ThreadSettingsApplied
                | E::TaskStarted
                | E::TaskComplete
                | E::TurnAborted
        ),
        _ => false,
    }
}

struct Work<'s> {
    state: ThreadState,
    facts: Vec<Fact>,
    forks: &'s ForkState,
    options: &'s Options,
    class: &'s RecordClass,
    /// The user said something in this record.
    heard: bool,
    /// The agent said something in it, in other words than those of an event.
    answered: bool,
}

impl Work<'_> {
    fn take_in(&mut self, record: &Record<'_>) {
        match &record.body {
            Body::SessionMeta(meta) => self.meta(meta),
            Body::TurnContext(context) => self.turn_context(context),
            Body::TokenCount(count) => {
                let total = count.info.get().and_then(|info| info.total_token_usage.get());
                let used = total.and_then(|total| total.total_tokens.get());
                if let Some(used) = used {
                    self.set(Fact::TokensUsed(Some(used.max(0))));
                }
            }
            Body::ThreadSettingsApplied(applied) if self.options.facts == Facts::All => {
                if let Some(settings) = applied.thread_settings.get() {
                    self.settings(&settings);
                }
            }
            Body::ThreadGoalUpdated(updated) => {
                let goal = updated.goal.get().and_then(|goal| goal.objective.get());
                if let Some(goal) = goal {
                    self.goal(goal.trim());
                }
            }
            Body::ThreadNameUpdated(updated) => {
                let is_own = updated.thread_id.get();
                let is_own = is_own.map(|id| self.forks.is_own_id(Some(&id)));
                if is_own.unwrap_or(!self.forks.is_joined()) {
                    self.name(&updated.thread_name.get().unwrap_or_default());
                }
            }
            Body::UserMessage(message) => self.user_message(message),
            Body::ItemLifecycle(item)
                if self.options.facts == Facts::All
                    && record.kind == Kind::Event(E::ItemCompleted) =>
            {
                self.said_item(item);
            }
            Body::ResponseMessage(message) => self.stand_in(message),
            _ => {}
        }
    }

    /// Sets a short fact that is not so already.
    fn set(&mut self, fact: Fact) {
        if self.state.set(&fact) {
            self.facts.push(fact);
        }
    }

    /// R152, `session_meta`.
    fn meta(&mut self, meta: &SessionMeta<'_>) {
        if self.state.short.head.is_none() {
            self.set(Fact::Head(Some(Arc::new(head(meta)))));
        }
        if let Some(mode) = meta.memory_mode.get() {
            self.set(Fact::CopiedMemoryMode(Some(Arc::from(&*mode))));
        }
        if self.state.short.copied_forked_from_id.is_none()
            && let Some(origin) = meta.forked_from_id.get()
        {
            self.set(Fact::CopiedForkedFromId(Some(id::canonical(&origin))));
        }
        self.long_facts(meta);
        let is_headless = self.state.short.id().is_none();
        if !is_headless && !self.forks.is_own_id(meta.id.get().as_deref()) {
            return;
        }
        let source = SessionSource::read(meta.source.get());
        let spawn = source.spawn().cloned();
        self.set(Fact::Source(Some(Arc::new(source))));
        self.set(Fact::ThreadSource(owned(&meta.thread_source)));
        let from_spawn = spawn.as_ref();
        let path = from_spawn.and_then(|spawn| spawn.agent_path.clone());
        self.set(Fact::AgentPath(agent_fact(&meta.agent_path, path)));
        let nickname = from_spawn.and_then(|spawn| spawn.agent_nickname.clone());
        self.set(Fact::AgentNickname(agent_fact(&meta.agent_nickname, nickname)));
        let role = from_spawn.and_then(|spawn| spawn.agent_role.clone());
        self.set(Fact::AgentRole(agent_fact(&meta.agent_role, role)));
        if let Some(provider) = owned(&meta.model_provider) {
            self.set(Fact::ModelProvider(Some(provider)));
        }
        if let Some(version) = not_empty(owned(&meta.cli_version)) {
            self.set(Fact::CliVersion(Some(version)));
        }
        if let Some(cwd) = not_empty(owned(&meta.cwd)) {
            self.set(Fact::Cwd(Some(cwd)));
        }
        if let Some(git) = meta.git.get() {
            self.set(Fact::Git(Some(Arc::new(GitInfo {
                commit_hash: owned(&git.commit_hash),
                branch: owned(&git.branch),
                repository_url: owned(&git.repository_url),
            }))));
        }
        if let Some(version) = owned(&meta.multi_agent_version) {
            self.state.has_meta_version = true;
            self.set(Fact::MultiAgentVersion(Some(version)));
        }
        if let Some(mode) = owned(&meta.memory_mode) {
            self.set(Fact::MemoryMode(Some(mode)));
        }
    }

    /// What the first `session_meta` that has it says, of whichever thread.
    fn long_facts(&mut self, meta: &SessionMeta<'_>) {
        if !self.state.has_base_instructions
            && let Some(base) = meta.base_instructions.get()
        {
            self.state.has_base_instructions = true;
            let provenance = base.provenance.get().filter(|_| base.provenance.is_some());
            self.facts.push(Fact::BaseInstructions(Some(Arc::new(BaseInstructionsFact {
                text: Arc::from(&*base.text.get().unwrap_or_default()),
                provenance: provenance.map(Json::from),
            }))));
        }
        if !self.state.has_dynamic_tools
            && let Some(tools) = meta.dynamic_tools.get()
        {
            self.state.has_dynamic_tools = true;
            self.facts.push(Fact::DynamicTools(Some(super::tools::normalised(&tools))));
        }
    }

    /// A name; an empty one takes the name back.
    fn name(&mut self, text: &str) {
        let text = text.trim();
        let name = ThreadName { text: text.into(), source: NameSource::Log };
        self.set(Fact::Name((!text.is_empty()).then(|| Arc::new(name))));
    }

    fn times(&mut self, record: &Record<'_>) {
        let Some(at) = written_at(record) else { return };
        let (begins, acts) = match record.kind {
            Kind::Event(E::TaskStarted) => (true, true),
            Kind::Event(E::TaskComplete | E::TurnAborted | E::AgentMessage) => (false, true),
            _ => (false, self.heard || self.answered),
        };
        if begins && self.state.moving.recency_at.is_none_or(|recency| at > recency) {
            self.set(Fact::RecencyAt(Some(at)));
        }
        if self.heard {
            self.set(Fact::LastUserAt(Some(at)));
        }
        if acts {
            self.set(Fact::LastActivityAt(Some(at)));
        }
    }
}

fn head(meta: &SessionMeta<'_>) -> ThreadHead {
    let id = meta.id.get().map(|id| id::canonical(&id));
    let session_id = meta.session_id.get().map(|id| id::canonical(&id));
    let timestamp = owned(&meta.timestamp);
    ThreadHead {
        session_id: session_id.or_else(|| id.clone()),
        id,
        forked_from_id: meta.forked_from_id.get().map(|id| id::canonical(&id)),
        parent_thread_id: meta.parent_thread_id.get().map(|id| id::canonical(&id)),
        created_at: timestamp.as_deref().and_then(time::parse_ms),
        timestamp,
        cwd: owned(&meta.cwd),
        originator: owned(&meta.originator),
        source: Arc::new(SessionSource::read(meta.source.get())),
        thread_source: owned(&meta.thread_source),
        history_mode: meta.history_mode.get().unwrap_or(HistoryMode::Legacy),
        capability_roots: meta.selected_capability_roots.each().iter().map(root).collect(),
        first_window_id: meta.context_window.get().and_then(|window| owned(&window.window_id)),
    }
}

fn root(root: &crate::format::CapabilityRoot<'_>) -> CapabilityRootFact {
    let location = root.location.get().unwrap_or_default();
    CapabilityRootFact {
        id: owned(&root.id).unwrap_or_default(),
        environment_id: owned(&location.environment_id).unwrap_or_default(),
        path: owned(&location.path).unwrap_or_default(),
    }
}

fn agent_fact(field: &Field<'_, Text<'_>>, spawn: Option<Arc<str>>) -> Option<AgentFact> {
    let of = |found| move |value| AgentFact { value, found };
    owned(field)
        .map(of(AgentFactPlace::Meta))
        .or_else(|| spawn.map(of(AgentFactPlace::SpawnSource)))
}

fn owned<'a>(field: &Field<'a, Text<'a>>) -> Option<Arc<str>> {
    field.get().map(|text| Arc::from(&*text))
}

fn not_empty(text: Option<Arc<str>>) -> Option<Arc<str>> {
    text.filter(|text| !text.is_empty())
}

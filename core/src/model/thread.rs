//! What is known of a thread besides its turns: facts, each with one value at a time.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{HistoryMode, SessionSource};
use crate::raw::Json;

/// Declares the facts: a field of [`Thread`] and a variant of [`Fact`] each.
macro_rules! facts {
    ($($(#[$meta:meta])* $variant:ident $field:ident: $type:ty,)*) => {
        /// The facts of a thread. Absent is absent: nothing here stands for a default.
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[non_exhaustive]
        pub struct Thread {
            $($(#[$meta])* pub $field: Option<$type>,)*
        }

        /// One fact, with its new value; none where it is taken back.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum Fact {
            $($(#[$meta])* $variant(Option<$type>),)*
        }

        impl Thread {
            /// Applies one fact: the only way a thread's facts change.
            pub fn apply(&mut self, fact: &Fact) {
                match fact {
                    $(Fact::$variant(value) => self.$field.clone_from(value),)*
                }
            }

            /// Whether the fact is known already.
            #[must_use]
            pub fn has(&self, fact: &Fact) -> bool {
                match fact {
                    $(Fact::$variant(value) => self.$field == *value,)*
                }
            }
        }

        /// The facts by number.
        #[derive(Clone, Copy)]
        enum FactNumber {
            $($variant,)*
        }

        impl Fact {
            /// How many facts there are.
            pub const LEN: u8 = [$(FactNumber::$variant,)*].len() as u8;

            /// The fact's place among all facts, for stores.
            #[must_use]
            pub fn number(&self) -> u8 {
                match self {
                    $(Self::$variant(_) => FactNumber::$variant as u8,)*
                }
            }

            /// The fact with this number as `thread` has it.
            #[must_use]
            pub fn of(thread: &Thread, number: u8) -> Option<Self> {
                $(if number == FactNumber::$variant as u8 {
                    return Some(Self::$variant(thread.$field.clone()));
                })*
                None
            }

            /// Whether the fact was taken back, or never was.
            #[must_use]
            pub fn is_absent(&self) -> bool {
                match self {
                    $(Self::$variant(value) => value.is_none(),)*
                }
            }

            /// The fact's name, that of the field it is kept in.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => stringify!($field),)*
                }
            }
        }
    };
}

facts! {
    /// What the first `session_meta` says: the thread's identity, never changed (R275, T8).
    Head head: Arc<ThreadHead>,
    /// The history mode, where turns and items were not folded because it is not known.
    UnknownMode unknown_mode: Arc<str>,
    /// What the thread was started from.
    Source source: Arc<SessionSource>,
    /// Who started it: `user`, `subagent`, `memory_consolidation` or a label.
    ThreadSource thread_source: Arc<str>,
    /// Its path among the agents.
    AgentPath agent_path: AgentFact,
    /// Its name for people among the agents.
    AgentNickname agent_nickname: AgentFact,
    /// Its role among the agents.
    AgentRole agent_role: AgentFact,
    /// The provider of its model.
    ModelProvider model_provider: Arc<str>,
    /// The version of the program that wrote it.
    CliVersion cli_version: Arc<str>,
    /// The folder it works in.
    Cwd cwd: Arc<str>,
    /// The folder of its newest turn.
    TurnCwd turn_cwd: Arc<str>,
    /// The state of the repository.
    Git git: Arc<GitInfo>,
    /// Its model.
    Model model: Arc<str>,
    /// How hard the model thinks.
    Effort effort: Arc<str>,
    /// When the user is asked, as it stands in the log.
    ApprovalPolicy approval_policy: Json,
    /// What commands may do, as it stands in the log.
    SandboxPolicy sandbox_policy: Json,
    /// What commands may do, in the newer form, as it stands in the log.
    PermissionProfile permission_profile: Json,
    /// What commands may do with files, as it stands in the log.
    FileSystemPolicy file_system_policy: Json,
    /// Which generation of multi-agent tools it has.
    MultiAgentVersion multi_agent_version: Arc<str>,
    /// How it uses them, as it stands in the newest `turn_context`.
    MultiAgentMode multi_agent_mode: Json,
    /// Whether memories are made of it, by its own `session_meta` records only.
    MemoryMode memory_mode: Arc<str>,
    /// The same by the newest `session_meta` of any thread: the reference's reading (R156).
    CopiedMemoryMode copied_memory_mode: Arc<str>,
    /// The origin named by the first `session_meta` of any thread that names one: what a resume by
    /// the reference takes for the thread's own.
    CopiedForkedFromId copied_forked_from_id: Arc<str>,
    /// The instructions the model started with: of the first `session_meta` that has them.
    BaseInstructions base_instructions: Arc<BaseInstructionsFact>,
    /// The tools the client brought: of the first `session_meta` that has them; current shape.
    DynamicTools dynamic_tools: Json,
    /// The first thing the user said, with all its white space inside.
    FirstUserMessage first_user_message: Arc<str>,
    /// What a list shows: the first thing the user said, or a goal set before.
    Preview preview: Arc<str>,
    /// The first thing the user said in words.
    Title title: Arc<str>,
    /// The name somebody gave it.
    Name name: Arc<ThreadName>,
    /// The newest goal.
    Goal goal: Arc<str>,
    /// Tokens used by the newest count, inherited ones included; own use is in the ledger.
    TokensUsed tokens_used: i64,
    /// When the user last said something, in Unix milliseconds; own records only.
    LastUserAt last_user_at: i64,
    /// When something was last said or a turn last began or ended; own records only.
    LastActivityAt last_activity_at: i64,
    /// When work was last begun (R171); own records only, never earlier than before.
    RecencyAt recency_at: i64,
}

/// What the first `session_meta` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadHead {
    /// The thread's id.
    pub id: Option<Arc<str>>,
    /// The tree of threads it belongs to; the thread's id where the log names none.
    pub session_id: Option<Arc<str>>,
    /// The thread it was forked from.
    pub forked_from_id: Option<Arc<str>>,
    /// The thread that spawned it.
    pub parent_thread_id: Option<Arc<str>>,
    /// When it was made, as it stands.
    pub timestamp: Option<Arc<str>>,
    /// When it was made, in Unix milliseconds; none if that could not be read.
    pub created_at: Option<i64>,
    /// The folder it started in.
    pub cwd: Option<Arc<str>>,
    /// The client that wrote it.
    pub originator: Option<Arc<str>>,
    /// What it was started from.
    pub source: Arc<SessionSource>,
    /// Who started it.
    pub thread_source: Option<Arc<str>>,
    /// How its history is written.
    pub history_mode: HistoryMode,
    /// The folders capabilities are read from.
    pub capability_roots: Vec<CapabilityRootFact>,
    /// The id of its first context window, as it stands.
    pub first_window_id: Option<Arc<str>>,
}

/// A folder that capabilities are read from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapabilityRootFact {
    /// Its id.
    pub id: Arc<str>,
    /// The environment it is in.
    pub environment_id: Arc<str>,
    /// The folder: a `file:` URL or a path, as it stands.
    pub path: Arc<str>,
}

/// A fact of an agent, and where it was found: a spawned agent's path may stand only in the
/// source of its session (R154).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentFact {
    /// The fact.
    pub value: Arc<str>,
    /// Where it was found.
    pub found: AgentFactPlace,
}

/// Where a fact of an agent was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentFactPlace {
    /// In a field of `session_meta`.
    Meta,
    /// Only in its `source.subagent.thread_spawn`.
    SpawnSource,
}

/// The state of a repository; replaced as a whole (R152).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitInfo {
    /// The commit.
    pub commit_hash: Option<Arc<str>>,
    /// The branch.
    pub branch: Option<Arc<str>>,
    /// Where it came from.
    pub repository_url: Option<Arc<str>>,
}

/// The instructions the model started with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaseInstructionsFact {
    /// The text.
    pub text: Arc<str>,
    /// Who wrote it, as it stands in the log.
    pub provenance: Option<Json>,
}

/// A thread's name and who says so (R178: today's writers keep names outside of the log).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadName {
    /// The name.
    pub text: Arc<str>,
    /// Who says so.
    pub source: NameSource,
}

/// Who says what a thread's name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NameSource {
    /// An event of the log.
    Log,
    /// The index of names beside the logs.
    Index,
    /// A database of the client's.
    Database,
}

impl Thread {
    /// The thread's id.
    #[must_use]
    pub fn id(&self) -> Option<&Arc<str>> {
        self.head.as_ref()?.id.as_ref()
    }

    /// When the thread was made, in Unix milliseconds.
    #[must_use]
    pub fn created_at(&self) -> Option<i64> {
        self.head.as_ref()?.created_at
    }

    /// How the thread's history is written.
    #[must_use]
    pub fn history_mode(&self) -> Option<&HistoryMode> {
        Some(&self.head.as_ref()?.history_mode)
    }
}

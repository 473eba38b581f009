//! Closed vocabularies with an open end: a word nobody knows yet is kept as it stands.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::raw::{FieldState, FromRaw, JsonType, Raw, Text};

/// Declares an enum of words: `Variant = "spelling in logs" / "spelling in output"`.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($variant:ident = $log:literal / $api:literal,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum $name {
            $(#[doc = concat!("`", $api, "`")] $variant,)*
            /// A word this version does not know.
            Other(Arc<str>),
        }

        impl $name {
            /// The word as the reference's API spells it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $api,)*
                    Self::Other(word) => word,
                }
            }

            /// Whether this version does not know the word.
            #[must_use]
            pub fn is_unknown(&self) -> bool {
                matches!(self, Self::Other(_))
            }

            /// The word as a log spells it; either spelling is read.
            #[must_use]
            pub fn from_log(word: &str) -> Self {
                $(if word == $log || word == $api {
                    return Self::$variant;
                })*
                Self::Other(word.into())
            }
        }

        impl<'a> FromRaw<'a> for $name {
            fn from_raw(raw: Raw<'a>) -> Option<Self> {
                raw.read::<Text<'a>>().map(|word| Self::from_log(&word))
            }

            fn state(raw: Raw<'a>) -> FieldState {
                match Self::from_raw(raw) {
                    Some(Self::Other(_)) => FieldState::UnknownWord,
                    Some(_) => FieldState::Good,
                    None => FieldState::of_type(raw, JsonType::String),
                }
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = String::deserialize(deserializer)?;
                Ok(Self::from_log(&word))
            }
        }
    };
}

words! {
    /// Where a turn stands (R48).
    TurnStatus {
        Completed = "completed" / "completed",
        Interrupted = "interrupted" / "interrupted",
        Failed = "failed" / "failed",
        InProgress = "in_progress" / "inProgress",
    }
}

words! {
    /// Where a command, patch or call stands (R51).
    ItemStatus {
        InProgress = "in_progress" / "inProgress",
        Completed = "completed" / "completed",
        Failed = "failed" / "failed",
        Declined = "declined" / "declined",
    }
}

words! {
    /// Who ran a command (R51).
    CommandSource {
        Agent = "agent" / "agent",
        UserShell = "user_shell" / "userShell",
        UnifiedExecStartup = "unified_exec_startup" / "unifiedExecStartup",
        UnifiedExecInteraction = "unified_exec_interaction" / "unifiedExecInteraction",
    }
}

words! {
    /// What a collaboration call does (R34).
    CollabTool {
        SpawnAgent = "spawn_agent" / "spawnAgent",
        SendInput = "send_input" / "sendInput",
        ResumeAgent = "resume_agent" / "resumeAgent",
        Wait = "wait" / "wait",
        CloseAgent = "close_agent" / "closeAgent",
    }
}

words! {
    /// Where a collaborating agent stands (R51).
    AgentStatusWord {
        PendingInit = "pending_init" / "pendingInit",
        Running = "running" / "running",
        Interrupted = "interrupted" / "interrupted",
        Completed = "completed" / "completed",
        Errored = "errored" / "errored",
        Shutdown = "shutdown" / "shutdown",
        NotFound = "not_found" / "notFound",
    }
}

words! {
    /// What a sub-agent did (R51).
    ActivityKind {
        Started = "started" / "started",
        Interacted = "interacted" / "interacted",
        Interrupted = "interrupted" / "interrupted",
    }
}

words! {
    /// Which part of a turn an agent message belongs to; stays snake_case (R52).
    MessagePhase {
        Commentary = "commentary" / "commentary",
        FinalAnswer = "final_answer" / "final_answer",
    }
}

words! {
    /// How the history of a thread is written (SEMANTICS R275).
    HistoryMode {
        Legacy = "legacy" / "legacy",
        Paginated = "paginated" / "paginated",
    }
}

//! What the model had before it: `turn_context`, `compacted`, `world_state`, communications
//! (FORMAT 5-8, A.3, A.4).

use crate::raw::{FromRaw, JsonType, Raw, Text};

/// What a compaction calls the window it begins (FORMAT T11).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WindowName<'a> {
    /// Its id.
    Id(Text<'a>),
    /// Its number, as older writers have it.
    Number(u64),
}

impl<'a> FromRaw<'a> for WindowName<'a> {
    fn from_raw(raw: Raw<'a>) -> Option<Self> {
        match raw.json_type() {
            JsonType::String => raw.read().map(Self::Id),
            _ => raw.read().map(Self::Number),
        }
    }
}

impl<'a> WindowName<'a> {
    /// The id, if it is one.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Id(id) => Some(id),
            Self::Number(_) => None,
        }
    }

    /// The number, if it is one.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        match self {
            Self::Id(_) => None,
            Self::Number(number) => Some(*number),
        }
    }
}

shapes! {
    /// The settings of a turn.
    TurnContext {
        turn_id: Text<'a>, opt;
        cwd: Text<'a>, req;
        workspace_roots: Vec<Text<'a>>, opt;
        current_date: Text<'a>, opt;
        timezone: Text<'a>, opt;
        approval_policy: Raw<'a>, req;
        approvals_reviewer: Text<'a>, opt;
        sandbox_policy: Raw<'a>, req;
        permission_profile: Raw<'a>, opt;
        network: Raw<'a>, opt;
        file_system_sandbox_policy: Raw<'a>, opt;
        model: Text<'a>, req;
        comp_hash: Text<'a>, opt;
        personality: Text<'a>, opt;
        collaboration_mode: Raw<'a>, opt;
        multi_agent_version: Text<'a>, opt;
        multi_agent_mode: Raw<'a>, opt;
        realtime_active: bool, opt;
        effort: Text<'a>, opt;
        summary: Text<'a>, req;
    }

    /// The model's history was replaced.
    Compacted {
        message: Text<'a>, req;
        replacement_history: Vec<Raw<'a>>, opt;
        replacement_history_metadata: Vec<Raw<'a>>, opt;
        window_number: u64, opt;
        first_window_id: Text<'a>, opt;
        previous_window_id: Text<'a>, opt;
        window_id: WindowName<'a>, opt;
    }

    /// The world changed: a full snapshot or an RFC 7386 patch.
    WorldState {
        full: bool, req;
        state: Raw<'a>, req;
    }

    /// A message between agents.
    InterAgentCommunication {
        id: Text<'a>, opt;
        author: Text<'a>, req;
        recipient: Text<'a>, req;
        other_recipients: Vec<Text<'a>>, def;
        content: Text<'a>, req;
        encrypted_content: Text<'a>, opt;
        internal_chat_message_metadata_passthrough: Raw<'a>, opt;
        trigger_turn: bool, req;
    }

    /// Announces a message between agents that follows as a response item.
    InterAgentCommunicationMetadata {
        trigger_turn: bool, req;
    }
}

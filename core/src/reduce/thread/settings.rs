//! Facts from the settings of turns (R152 `turn_context`, A30 `thread_settings_applied`).

//! Every turn repeats them: what is known already is seen before anything is copied.

use std::sync::Arc;

use super::{Work, not_empty, owned};
use crate::format::{ThreadSettings, TurnContext};
use crate::model::{Fact, Thread};
use crate::raw::{Field, Json, Raw, Text};

impl Work<'_> {
    /// R152: the folder only where the thread has none; effort and the policies also with nothing.
    pub(super) fn turn_context(&mut self, context: &TurnContext<'_>) {
        let cwd = context.cwd.get().filter(|cwd| !cwd.is_empty());
        if let Some(cwd) = cwd {
            if self.state.short.cwd.is_none() {
                self.set(Fact::Cwd(Some(Arc::from(&*cwd))));
            }
            self.set_text(|known| &known.turn_cwd, Some(cwd), Fact::TurnCwd);
        }
        if let Some(model) = context.model.get() {
            self.set_text(|known| &known.model, Some(model), Fact::Model);
        }
        self.set_text(|known| &known.effort, context.effort.get(), Fact::Effort);
        if context.approval_policy.is_some() {
            let policy = &context.approval_policy;
            self.set_json(|known| &known.approval_policy, policy, Fact::ApprovalPolicy);
        }
        let policy = &context.sandbox_policy;
        self.set_json(|known| &known.sandbox_policy, policy, Fact::SandboxPolicy);
        let profile = &context.permission_profile;
        self.set_json(|known| &known.permission_profile, profile, Fact::PermissionProfile);
        let policy = &context.file_system_sandbox_policy;
        self.set_json(|known| &known.file_system_policy, policy, Fact::FileSystemPolicy);
        let mode = &context.multi_agent_mode;
        self.set_json(|known| &known.multi_agent_mode, mode, Fact::MultiAgentMode);
        let version = context.multi_agent_version.get();
        if version.is_some() && !self.state.has_meta_version {
            self.set_text(|known| &known.multi_agent_version, version, Fact::MultiAgentVersion);
        }
    }

    /// A30: sets model, provider, effort, folder, permissions and approval.
    pub(super) fn settings(&mut self, settings: &ThreadSettings<'_>) {
        if let Some(model) = owned(&settings.model) {
            self.set(Fact::Model(Some(model)));
        }
        if let Some(provider) = owned(&settings.model_provider_id) {
            self.set(Fact::ModelProvider(Some(provider)));
        }
        self.set(Fact::Effort(owned(&settings.reasoning_effort)));
        if let Some(cwd) = not_empty(owned(&settings.cwd)) {
            self.set(Fact::Cwd(Some(cwd)));
        }
        if settings.permission_profile.is_some() {
            let profile = &settings.permission_profile;
            self.set_json(|known| &known.permission_profile, profile, Fact::PermissionProfile);
        }
        if settings.approval_policy.is_some() {
            let policy = &settings.approval_policy;
            self.set_json(|known| &known.approval_policy, policy, Fact::ApprovalPolicy);
        }
    }

    /// Sets a text, unless it is known already.
    fn set_text(
        &mut self,
        known: fn(&Thread) -> &Option<Arc<str>>,
        text: Option<Text<'_>>,
        fact: fn(Option<Arc<str>>) -> Fact,
    ) {
        if known(&self.state.short).as_deref() != text.as_deref() {
            self.set(fact(text.as_deref().map(Arc::from)));
        }
    }

    /// Sets a value as it stands, nothing for null, unless it is known already.
    fn set_json(
        &mut self,
        known: fn(&Thread) -> &Option<Json>,
        field: &Field<'_, Raw<'_>>,
        fact: fn(Option<Json>) -> Fact,
    ) {
        let raw = field.get().filter(|_| field.is_some());
        if known(&self.state.short).as_ref().map(Json::get) != raw.map(Raw::get) {
            self.set(fact(raw.map(Json::from)));
        }
    }
}

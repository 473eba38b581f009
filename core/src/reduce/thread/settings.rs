//! Facts from the settings of turns (R152 `turn_context`, A30 `thread_settings_applied`).

use super::{Work, json, not_empty, owned};
use crate::format::{ThreadSettings, TurnContext};
use crate::model::Fact;

impl Work<'_> {
    /// R152: the folder only where the thread has none; effort and the policies also with nothing.
    pub(super) fn turn_context(&mut self, context: &TurnContext<'_>) {
        if let Some(cwd) = not_empty(owned(&context.cwd)) {
            if self.state.short.cwd.is_none() {
                self.set(Fact::Cwd(Some(cwd.clone())));
            }
            self.set(Fact::TurnCwd(Some(cwd)));
        }
        if let Some(model) = owned(&context.model) {
            self.set(Fact::Model(Some(model)));
        }
        self.set(Fact::Effort(owned(&context.effort)));
        if let Some(policy) = json(&context.approval_policy) {
            self.set(Fact::ApprovalPolicy(Some(policy)));
        }
        self.set(Fact::SandboxPolicy(json(&context.sandbox_policy)));
        self.set(Fact::PermissionProfile(json(&context.permission_profile)));
        self.set(Fact::FileSystemPolicy(json(&context.file_system_sandbox_policy)));
        self.set(Fact::MultiAgentMode(json(&context.multi_agent_mode)));
        let version = owned(&context.multi_agent_version);
        if version.is_some() && !self.state.has_meta_version {
            self.set(Fact::MultiAgentVersion(version));
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
        if let Some(profile) = json(&settings.permission_profile) {
            self.set(Fact::PermissionProfile(Some(profile)));
        }
        if let Some(policy) = json(&settings.approval_policy) {
            self.set(Fact::ApprovalPolicy(Some(policy)));
        }
    }
}

//! `Shape::Real`: turns as they happen, steered by the plan of REAL.md.

use super::lines::Voice;
use super::pen::Pen;
use super::plan::{Kind, Plan};

/// The state of a real-looking thread.
#[derive(Debug)]
pub(super) struct Real {
    plan: Plan,
}

/// Bytes around the text of a `task_complete` and of an `agent_message`.
const COMPLETE_LEN: usize = 290;
const MESSAGE_LEN: usize = 150;
const USER_LEN: usize = 200;

impl Real {
    pub(super) fn new(pen: &mut Pen, len_bytes: u64) -> Self {
        let mut plan = Plan::new(&mut pen.rng, len_bytes);
        let len = plan.next_len(Kind::SessionMeta);
        let len = pen.session_meta(len, true);
        plan.wrote(&mut pen.rng, Kind::SessionMeta, len);
        Self { plan }
    }

    fn wrote(&mut self, pen: &mut Pen, kind: Kind, len: usize) {
        self.plan.wrote(&mut pen.rng, kind, len);
    }

    /// Writes a record of drawn size.
    fn sized(&mut self, pen: &mut Pen, kind: Kind, write: impl FnOnce(&mut Pen, usize) -> usize) {
        let goal = self.plan.next_len(kind);
        let len = write(pen, goal);
        self.wrote(pen, kind, len);
    }

    /// Writes a record of drawn size if its kind is due.
    fn due(&mut self, pen: &mut Pen, kind: Kind, write: impl FnOnce(&mut Pen, usize) -> usize) {
        if self.plan.is_due(kind) {
            self.sized(pen, kind, write);
        }
    }

    /// Writes a small record if its kind is due.
    fn small(&mut self, pen: &mut Pen, kind: Kind, write: impl FnOnce(&mut Pen) -> usize) {
        if self.plan.is_due(kind) {
            let len = write(pen);
            self.wrote(pen, kind, len);
        }
    }

    pub(super) fn turn(&mut self, pen: &mut Pen) {
        self.between_turns(pen);
        pen.task_started();
        self.due(pen, Kind::ThreadSettingsApplied, Pen::thread_settings_applied);
        self.due(pen, Kind::WorldState, Pen::world_state);
        self.sized(pen, Kind::TurnContext, Pen::turn_context);
        while self.plan.is_due(Kind::Message) && pen.rng.chance(70) {
            self.sized(pen, Kind::Message, Pen::injected_message);
        }
        self.user(pen);
        let steps = self.plan.steps(&mut pen.rng);
        for step in 1..=steps {
            if step < steps {
                self.commentary(pen);
            }
            self.step(pen);
        }
        self.end(pen);
    }

    /// Headers that are repeated, and marks that stand between turns.
    fn between_turns(&mut self, pen: &mut Pen) {
        for _ in 0..3 {
            let own = pen.rng.chance(75);
            self.due(pen, Kind::SessionMeta, |pen, goal| pen.session_meta(goal, own));
        }
        let turns = pen.rng.between(1, 3).min(pen.facts.turns);
        self.small(pen, Kind::ThreadRolledBack, |pen| pen.thread_rolled_back(turns));
        self.small(pen, Kind::ThreadNameUpdated, Pen::thread_name_updated);
        if self.plan.is_due(Kind::Delivery) {
            for len in pen.delivery() {
                self.wrote(pen, Kind::Delivery, len);
            }
        }
    }

    /// What the user says, as a response item and as an event.
    fn user(&mut self, pen: &mut Pen) {
        loop {
            let goal = self.plan.next_len(Kind::UserMessage);
            let (text_len, image) = if goal > 20_000 {
                (200, Some((pen.rng.next_u64(), goal - 500)))
            } else {
                (goal.saturating_sub(USER_LEN), None)
            };
            let text = pen.lex.prose(&mut pen.rng, text_len.max(8) * 49 / 50);
            let len = pen.message(Voice::User, &text, image);
            self.wrote(pen, Kind::Message, len);
            let len = pen.user_message(&text, image);
            self.wrote(pen, Kind::UserMessage, len);
            // Steering: more words from the user before the agent is done.
            if !self.plan.is_due(Kind::UserMessage) {
                break;
            }
        }
    }

    fn commentary(&mut self, pen: &mut Pen) {
        if self.plan.is_due(Kind::AgentMessage) {
            let goal = self.plan.next_len(Kind::AgentMessage);
            let mut text = pen.lex.prose(&mut pen.rng, goal.saturating_sub(MESSAGE_LEN + 40));
            text.truncate(text.trim_end().len());
            self.agent(pen, Voice::Commentary, &text);
        }
    }

    fn agent(&mut self, pen: &mut Pen, voice: Voice, text: &str) {
        let len = pen.agent_message(voice, text);
        self.wrote(pen, Kind::AgentMessage, len);
        let len = pen.message(voice, text, None);
        self.wrote(pen, Kind::Message, len);
    }

    /// One request to the model: reasoning, calls with their outputs, usage.
    fn step(&mut self, pen: &mut Pen) {
        if self.plan.is_due(Kind::Reasoning) {
            let mut summary = None;
            if self.plan.is_due(Kind::AgentReasoning) {
                let mut text = String::from("**");
                pen.lex.push_words(&mut text, &mut pen.rng, 4);
                text.push_str("**");
                if pen.rng.chance(14) {
                    text.push_str("\n\n");
                    let len = pen.rng.between(200, 800) as usize;
                    text.push_str(&pen.lex.prose(&mut pen.rng, len));
                }
                let len = pen.agent_reasoning(&text);
                self.wrote(pen, Kind::AgentReasoning, len);
                summary = Some(text);
            }
            self.sized(pen, Kind::Reasoning, |pen, goal| pen.reasoning(goal, summary.as_deref()));
        }
        self.function_calls(pen);
        self.custom_calls(pen);
        self.other_calls(pen);
        if self.plan.is_due(Kind::TurnContext) {
            self.sized(pen, Kind::TurnContext, Pen::turn_context);
        }
        let len = pen.token_count();
        self.wrote(pen, Kind::TokenCount, len);
    }

    fn function_calls(&mut self, pen: &mut Pen) {
        let mut calls = Vec::new();
        while self.plan.is_due(Kind::FunctionCall) && calls.len() < 6 {
            let call = pen.call_id();
            self.sized(pen, Kind::FunctionCall, |pen, goal| pen.function_call(&call, goal));
            calls.push(call);
        }
        for call in &calls {
            self.due(pen, Kind::ExecCommandEnd, |pen, goal| pen.exec_command_end(call, goal));
            self.small(pen, Kind::GuardianAssessment, |pen| pen.guardian_assessment(call));
            self.sized(pen, Kind::FunctionCallOutput, |pen, goal| {
                pen.function_call_output(call, goal)
            });
        }
    }

    fn custom_calls(&mut self, pen: &mut Pen) {
        while self.plan.is_due(Kind::CustomToolCall) {
            let call = pen.call_id();
            self.sized(pen, Kind::CustomToolCall, |pen, goal| pen.custom_tool_call(&call, goal));
            self.due(pen, Kind::PatchApplyEnd, |pen, goal| pen.patch_apply_end(&call, goal));
            self.sized(pen, Kind::CustomToolCallOutput, |pen, goal| {
                pen.custom_tool_call_output(&call, goal)
            });
        }
    }

    fn other_calls(&mut self, pen: &mut Pen) {
        let call = pen.call_id();
        self.due(pen, Kind::McpToolCallEnd, |pen, goal| pen.mcp_tool_call_end(&call, goal));
        self.small(pen, Kind::WebSearchEnd, |pen| pen.web_search_end(&call));
        self.small(pen, Kind::WebSearchCall, Pen::web_search_call);
        self.small(pen, Kind::ItemCompleted, Pen::plan_completed);
        self.small(pen, Kind::Rarity, |pen| pen.rarity(&call));
        self.small(pen, Kind::Error, Pen::error);
        if self.plan.is_due(Kind::ToolSearch) {
            pen.tool_search_call(&call);
            let len = pen.tool_search_output(&call);
            self.wrote(pen, Kind::ToolSearch, len);
        }
        if self.plan.is_due(Kind::Collab) {
            pen.collab_end(&call, true);
            pen.sub_agent_activity();
            let len = pen.collab_end(&call, false);
            self.wrote(pen, Kind::Collab, len);
        }
        if self.plan.is_due(Kind::Compacted) {
            self.sized(pen, Kind::Compacted, Pen::compacted);
            pen.context_compacted();
        }
    }

    fn end(&mut self, pen: &mut Pen) {
        self.small(pen, Kind::GhostSnapshot, Pen::ghost_snapshot);
        if self.plan.is_due(Kind::TurnAborted) {
            let len = pen.turn_aborted();
            self.wrote(pen, Kind::TurnAborted, len);
            return;
        }
        let goal = self.plan.next_len(Kind::TaskComplete);
        let mut text = pen.lex.prose(&mut pen.rng, goal.saturating_sub(COMPLETE_LEN + 40));
        text.truncate(text.trim_end().len());
        let answer = (!text.is_empty()).then_some(text);
        if let Some(text) = &answer {
            self.agent(pen, Voice::FinalAnswer, text);
        }
        let len = pen.task_complete(answer.as_deref());
        self.wrote(pen, Kind::TaskComplete, len);
    }
}

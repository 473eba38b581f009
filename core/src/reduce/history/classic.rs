//! The classic fold (R5-R37): UI-shaped events in order, and the canonical items beside them.

use super::fallback::Vocabulary;
use super::items;
use super::parts::{self, call_id};
use super::turns::{Ending, Route, Target, Work, head};
use super::{Step, canonical};
use crate::decode::{Body, Record};
use crate::format::{
    AgentReasoning, ErrorEvent, EventKind, ItemLifecycle, Kind, ResponseMessage, TaskComplete,
    TurnAborted, TurnItem,
};
use crate::model::{
    AgentMessageItem, ContextCompactionItem, HookPromptFragment, HookPromptItem, ReasoningItem,
    ReviewModeItem, Texts, ThreadItem, TurnStatus,
};
use crate::past::Past;
use crate::raw::{Field, Text};
use crate::text::hook_prompt::parse_fragment;

/// Reduces one record by the classic rules.
pub(super) fn reduce<P: Past>(
    mut work: Work<'_, P>,
    record: &Record<'_>,
) -> Result<Option<Step>, P::Error> {
    let Kind::Event(event) = record.kind else {
        return other(work, record);
    };
    let is_end = event.is_end();
    match &record.body {
        Body::TaskStarted(started) => {
            let id = started.turn_id.get();
            let id = id.map_or_else(|| work.implicit_id(), Text::into_owned);
            work.open_explicit(&id, started.started_at.get())?;
        }
        Body::TaskComplete(complete) => work.complete(complete)?,
        Body::TurnAborted(aborted) => work.abort(aborted)?,
        Body::Error(error) => {
            if !ignores(error) {
                work.fail_current(items::turn_error(error))?;
            }
        }
        Body::ThreadRolledBack(rollback) => match rollback.num_turns.get() {
            Some(count) => work.roll_back(count)?,
            None => return Ok(None),
        },
        Body::UserMessage(message) => {
            work.speak(Vocabulary::Events)?;
            work.close_before_user_message();
            let id = work.next_item_id();
            work.append(ThreadItem::UserMessage(items::user_message(id, message)));
        }
        Body::AgentMessage(message) => {
            let Some(text) = message.message.get().filter(|text| !text.is_empty()) else {
                return Ok(None);
            };
            work.speak(Vocabulary::Events)?;
            let id = work.next_item_id();
            work.append(ThreadItem::AgentMessage(AgentMessageItem {
                id,
                text: text.into_owned(),
                phase: message.phase.get(),
                memory_citation: message.memory_citation.get().map(parts::citation),
            }));
        }
        Body::AgentReasoning(reasoning) => {
            if !work.reason(reasoning, event == EventKind::AgentReasoningRawContent) {
                return Ok(None);
            }
        }
        _ if event == EventKind::ContextCompacted => {
            let id = work.next_item_id();
            work.append(ThreadItem::ContextCompaction(ContextCompactionItem { id }));
        }
        Body::EnteredReviewMode(entered) => {
            let review = parts::review_started(entered.user_facing_hint.get());
            let item = work.review_item(&entered.item_id, review);
            work.review(entered.turn_id.get(), ThreadItem::EnteredReviewMode(item))?;
        }
        Body::ExitedReviewMode(exited) => {
            let review = parts::review_ended(exited.review_output.get());
            let item = work.review_item(&exited.item_id, review);
            work.review(exited.turn_id.get(), ThreadItem::ExitedReviewMode(item))?;
        }
        Body::ItemLifecycle(lifecycle) => {
            if !work.canonical(lifecycle)? {
                return Ok(None);
            }
        }
        Body::ExecCommand(command) => {
            let id = call_id(&command.call_id, work.at);
            let item = items::exec_command(id, command, is_end);
            let turn_id = command.turn_id.get();
            work.upsert(&turn_id.as_deref().map_or(Route::Soft(None), Route::Strict), item)?;
        }
        Body::PatchApplyBegin(patch) => {
            let id = call_id(&patch.call_id, work.at);
            let item = items::patch_begin(id, &patch.changes);
            work.upsert(&soft(patch.turn_id.get().as_deref()), item)?;
        }
        Body::PatchApplyEnd(patch) => {
            let id = call_id(&patch.call_id, work.at);
            work.upsert(&soft(patch.turn_id.get().as_deref()), items::patch_end(id, patch))?;
        }
        Body::DynamicToolCallRequest(call) => {
            let id = call_id(&call.call_id, work.at);
            work.upsert(&soft(call.turn_id.get().as_deref()), items::dynamic_begin(id, call))?;
        }
        Body::DynamicToolCallResponse(call) => {
            let id = call_id(&call.call_id, work.at);
            work.upsert(&soft(call.turn_id.get().as_deref()), items::dynamic_end(id, call))?;
        }
        Body::GuardianAssessment(assessment) => {
            let Some(item) = items::guardian(assessment) else { return Ok(None) };
            work.upsert(&soft(assessment.turn_id.get().as_deref()), item)?;
        }
        body => {
            let Some(item) = items::current_turn_item(event, body, work.at) else {
                return Ok(None);
            };
            work.upsert(&Route::Current, item)?;
        }
    }
    Ok(Some(work.finish()))
}

/// Records that are no events: compactions and messages of the model's history.
fn other<P: Past>(mut work: Work<'_, P>, record: &Record<'_>) -> Result<Option<Step>, P::Error> {
    match &record.body {
        _ if record.kind == Kind::Compacted => work.ensure().saw_compaction = true,
        Body::ResponseMessage(message) => match hook_fragments(message) {
            Some(fragments) => {
                let id = message.id.get().filter(|id| !id.is_empty());
                let id = id.map(Text::into_owned);
                let id = id.unwrap_or_else(|| format!("hook-{}", work.at.record_index));
                work.append(ThreadItem::HookPrompt(HookPromptItem { id, fragments }));
            }
            None => work.stand_in_message(message)?,
        },
        _ => return Ok(None),
    }
    Ok(Some(work.finish()))
}

fn soft(turn_id: Option<&str>) -> Route<'_> {
    Route::Soft(turn_id.filter(|id| !id.is_empty()))
}

/// R26: the fragments of a user message of nothing but hook prompts.
fn hook_fragments(message: &ResponseMessage<'_>) -> Option<Vec<HookPromptFragment>> {
    if message.role.get()? != "user" {
        return None;
    }
    let parts = message.content.get().filter(|parts| !parts.is_empty())?;
    let fragments = parts.iter().map(|part| {
        let text = part.r#type.get().filter(|r#type| r#type == "input_text");
        let fragment = parse_fragment(&text.and_then(|_| part.text.get())?)?;
        Some(HookPromptFragment { text: fragment.text, hook_run_id: fragment.hook_run_id })
    });
    fragments.collect()
}

/// R13: errors that say nothing about the turn.
fn ignores(error: &ErrorEvent<'_>) -> bool {
    let info = error.codex_error_info.get();
    let word = info.and_then(|info| match info.entries() {
        Some(entries) => entries.into_iter().next().map(|(key, _)| key),
        None => info.read::<Text<'_>>(),
    });
    matches!(word.as_deref(), Some("thread_rollback_failed" | "active_turn_not_steerable"))
}

impl<P: Past> Work<'_, P> {
    /// R9: a user message ends an implicit turn, unless that is only a compaction so far.
    pub(super) fn close_before_user_message(&mut self) {
        let ends = self.state.current.as_ref().is_some_and(|open| {
            !(open.is_explicit || (open.saw_compaction && open.len_items == 0))
        });
        if ends {
            self.close();
        }
    }

    /// R10, A5.
    fn complete(&mut self, complete: &TaskComplete<'_>) -> Result<(), P::Error> {
        let id = complete.turn_id.get();
        let Some(target) = self.find_for_ending(id.as_deref())? else { return Ok(()) };
        let ending = Ending {
            started_at: None,
            completed_at: complete.completed_at.get(),
            duration_ms: complete.duration_ms.get(),
        };
        let error = complete.error.get();
        self.change_turn(&target, |head| {
            match error {
                Some(error) => {
                    head.status = TurnStatus::Failed;
                    head.error = Some(items::turn_error(&error).into());
                }
                None if matches!(head.status, TurnStatus::Completed | TurnStatus::InProgress) => {
                    head.status = TurnStatus::Completed;
                }
                None => {}
            }
            ending.write(head);
        })?;
        if matches!(target, Target::Current) {
            self.close();
        }
        Ok(())
    }

    /// R11: interrupts, and leaves the turn open.
    fn abort(&mut self, aborted: &TurnAborted<'_>) -> Result<(), P::Error> {
        let id = aborted.turn_id.get();
        let Some(target) = self.find_for_ending(id.as_deref())? else { return Ok(()) };
        let ending = Ending {
            started_at: None,
            completed_at: aborted.completed_at.get(),
            duration_ms: aborted.duration_ms.get(),
        };
        self.change_turn(&target, |head| {
            head.status = TurnStatus::Interrupted;
            ending.write(head);
        })
    }

    /// R20: joins the last item if that is reasoning; false if there is no text.
    fn reason(&mut self, reasoning: &AgentReasoning<'_>, is_raw: bool) -> bool {
        let Some(text) = reasoning.text.get().filter(|text| !text.is_empty()) else {
            return false;
        };
        let thinking = self.ensure().thinking.clone();
        let mut item = match &thinking {
            Some((_, item)) => ReasoningItem::clone(item),
            None => ReasoningItem {
                id: self.next_item_id(),
                summary: Texts::default(),
                content: Texts::default(),
            },
        };
        let list = if is_raw { &mut item.content } else { &mut item.summary };
        list.push(&text);
        if thinking.is_some() {
            self.join_reasoning(item);
        } else {
            self.append_reasoning(item);
        }
        true
    }

    fn review_item(&mut self, id: &Field<'_, Text<'_>>, review: String) -> ReviewModeItem {
        let id = match id.get().filter(|id| !id.is_empty()) {
            Some(id) => id.into_owned(),
            None => self.next_item_id(),
        };
        ReviewModeItem { id, review }
    }

    /// R21, A4: a review item may name a turn that is not there yet.
    fn review(&mut self, turn_id: Option<Text<'_>>, item: ThreadItem) -> Result<(), P::Error> {
        let Some(turn_id) = turn_id.filter(|id| !id.is_empty()) else {
            return self.upsert(&Route::Soft(None), item);
        };
        match self.find(&turn_id)? {
            Some(_) => self.upsert(&Route::Strict(&turn_id), item),
            None => {
                self.close();
                self.open(head(&turn_id, TurnStatus::Completed), false);
                self.append(item);
                Ok(())
            }
        }
    }

    /// R25, A3: canonical items that no older event carries; false if one does.
    fn canonical(&mut self, lifecycle: &ItemLifecycle<'_>) -> Result<bool, P::Error> {
        let (Some(item), Some(raw)) = (lifecycle.item.get(), lifecycle.item.raw()) else {
            return Ok(false);
        };
        let is_folded = match &item {
            TurnItem::Plan(plan) => plan.text.get().is_some_and(|text| !text.is_empty()),
            TurnItem::Sleep(_)
            | TurnItem::CommandExecution(_)
            | TurnItem::DynamicToolCall(_)
            | TurnItem::CollabAgentToolCall(_)
            | TurnItem::SubAgentActivity(_)
            | TurnItem::Extension(_)
            | TurnItem::EnteredReviewMode(_)
            | TurnItem::ExitedReviewMode(_)
            | TurnItem::Unknown(_) => true,
            TurnItem::UserMessage(_)
            | TurnItem::HookPrompt(_)
            | TurnItem::AgentMessage(_)
            | TurnItem::Reasoning(_)
            | TurnItem::WebSearch(_)
            | TurnItem::ImageView(_)
            | TurnItem::ImageGeneration(_)
            | TurnItem::FileChange(_)
            | TurnItem::McpToolCall(_)
            | TurnItem::ContextCompaction(_) => false,
        };
        let is_message = matches!(item, TurnItem::UserMessage(_) | TurnItem::AgentMessage(_));
        if !is_folded && !is_message {
            return Ok(false);
        }
        let turn_id = lifecycle.turn_id.get();
        let value = canonical::thread_item(&item, raw, self.at);
        if is_message {
            return self.stand_in_canonical(turn_id.as_deref(), value);
        }
        match &item {
            TurnItem::EnteredReviewMode(_) | TurnItem::ExitedReviewMode(_) => {
                self.review(turn_id, value)?;
            }
            _ => {
                self.upsert(&turn_id.as_deref().map_or(Route::Soft(None), Route::Strict), value)?;
            }
        }
        Ok(true)
    }
}

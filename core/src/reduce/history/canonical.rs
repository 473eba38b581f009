//! Items made from canonical turn items (R36, A3, A7): field by field, with no state at all.

use std::borrow::Cow;

use super::parts::{
    call_id, canonical_id, citation, command_actions, file_updates, join_command, list,
    mcp_app_context, mcp_result, owned, review_ended, review_started, text, thread_id,
};
use crate::format::{TurnExtension, TurnItem, TurnMcpToolCall, UserInput};
use crate::model::{
    ActivityKind, AgentMessageItem, CollabAgentToolCallItem, CollabTool, CommandExecutionItem,
    CommandSource, ContextCompactionItem, DynamicToolCallItem, FileChangeItem, HookPromptFragment,
    HookPromptItem, ImageGenerationItem, ImageViewItem, ItemStatus, McpToolCallError,
    McpToolCallItem, PlanItem, ReasoningItem, ReviewModeItem, SleepItem, SubAgentActivityItem,
    Texts, ThreadItem, UnknownItem, UserMessageItem, UserPart, WebSearchAction, WebSearchItem,
};
use crate::pos::At;
use crate::raw::{Field, Json, Raw, Text};
use crate::text::path;

fn texts(field: &Field<'_, Vec<Text<'_>>>) -> Texts {
    field.each().into_iter().collect()
}

/// The item a canonical turn item stands for; `raw` is the turn item as it stands in the log.
pub(super) fn thread_item(item: &TurnItem<'_>, raw: Raw<'_>, at: At) -> ThreadItem {
    match item {
        TurnItem::UserMessage(message) => ThreadItem::UserMessage(UserMessageItem {
            id: call_id(&message.id, at),
            client_id: owned(&message.client_id),
            content: user_parts(&message.content),
        }),
        TurnItem::HookPrompt(prompt) => {
            let fragment = |fragment: crate::format::HookFragmentShape<'_>| HookPromptFragment {
                text: text(&fragment.text),
                hook_run_id: text(&fragment.hook_run_id),
            };
            let fragments = prompt.fragments.each().into_iter().map(fragment).collect();
            ThreadItem::HookPrompt(HookPromptItem { id: call_id(&prompt.id, at), fragments })
        }
        TurnItem::AgentMessage(message) => ThreadItem::AgentMessage(AgentMessageItem {
            id: call_id(&message.id, at),
            text: message.content.each().iter().filter_map(|part| part.text.get()).collect(),
            phase: message.phase.get(),
            memory_citation: message.memory_citation.get().map(citation),
        }),
        TurnItem::Plan(plan) => {
            ThreadItem::Plan(PlanItem { id: call_id(&plan.id, at), text: text(&plan.text) })
        }
        TurnItem::Reasoning(reasoning) => ThreadItem::Reasoning(ReasoningItem {
            id: call_id(&reasoning.id, at),
            summary: texts(&reasoning.summary_text),
            content: texts(&reasoning.raw_content),
        }),
        TurnItem::CommandExecution(command) => {
            let cwd = path::native(&command.cwd.get().unwrap_or_default());
            let output = owned(&command.aggregated_output).filter(|output| !output.is_empty());
            ThreadItem::CommandExecution(CommandExecutionItem {
                id: call_id(&command.id, at),
                command: join_command(&command.command),
                process_id: owned(&command.process_id),
                source: command.source.get().unwrap_or(CommandSource::Agent),
                status: command.status.get().unwrap_or(ItemStatus::Completed),
                command_actions: command_actions(&cwd, &command.parsed_cmd),
                aggregated_output: output,
                exit_code: command.exit_code.get(),
                duration_ms: command.duration.get().and_then(|duration| duration.millis()),
                plugin_id: owned(&command.plugin_id),
                script_path: owned(&command.script_path),
                cwd,
            })
        }
        TurnItem::DynamicToolCall(call) => ThreadItem::DynamicToolCall(DynamicToolCallItem {
            id: call_id(&call.id, at),
            namespace: owned(&call.namespace),
            tool: text(&call.tool),
            arguments: call.arguments.get().map(Json::from).unwrap_or_default(),
            status: call.status.get().unwrap_or(ItemStatus::Completed),
            content_items: call.content_items.get().map(list),
            success: call.success.get(),
            duration_ms: call.duration.get().and_then(|duration| duration.millis()),
        }),
        TurnItem::CollabAgentToolCall(call) => {
            let receivers = call.receiver_thread_ids.each();
            let states = call.agents_states.each().into_iter();
            ThreadItem::CollabAgentToolCall(CollabAgentToolCallItem {
                id: call_id(&call.id, at),
                tool: call.tool.get().unwrap_or(CollabTool::Other("".into())),
                status: call.status.get().unwrap_or(ItemStatus::Completed),
                sender_thread_id: thread_id(&call.sender_thread_id),
                receiver_thread_ids: receivers.iter().map(|id| canonical_id(id)).collect(),
                prompt: owned(&call.prompt),
                model: owned(&call.model),
                reasoning_effort: owned(&call.reasoning_effort),
                agents_states: states.map(|(id, state)| (canonical_id(&id), state)).collect(),
            })
        }
        TurnItem::SubAgentActivity(activity) => {
            ThreadItem::SubAgentActivity(SubAgentActivityItem {
                id: call_id(&activity.id, at),
                kind: activity.kind.get().unwrap_or(ActivityKind::Other("".into())),
                agent_thread_id: thread_id(&activity.agent_thread_id),
                agent_path: text(&activity.agent_path),
            })
        }
        TurnItem::WebSearch(search) => ThreadItem::WebSearch(WebSearchItem {
            id: call_id(&search.id, at),
            query: text(&search.query),
            action: Some(search.action.get().unwrap_or(WebSearchAction::Other)),
            results: search.results.get().map(list),
        }),
        TurnItem::ImageView(view) => ThreadItem::ImageView(ImageViewItem {
            id: call_id(&view.id, at),
            path: path::native(&view.path.get().unwrap_or_default()),
        }),
        TurnItem::Sleep(sleep) => ThreadItem::Sleep(SleepItem {
            id: call_id(&sleep.id, at),
            duration_ms: sleep.duration_ms.get().unwrap_or(0),
        }),
        TurnItem::Extension(extension) => extension_item(extension, raw, at),
        TurnItem::ImageGeneration(image) => ThreadItem::ImageGeneration(ImageGenerationItem {
            id: call_id(&image.id, at),
            status: text(&image.status),
            revised_prompt: owned(&image.revised_prompt),
            result: text(&image.result),
            transparent_background: None,
            failure: None,
            saved_path: image.saved_path.get().map(|path| path::absolute(&path)),
        }),
        TurnItem::FileChange(change) => ThreadItem::FileChange(FileChangeItem {
            id: call_id(&change.id, at),
            changes: file_updates(&change.changes),
            status: change.status.get().unwrap_or(ItemStatus::InProgress),
        }),
        TurnItem::McpToolCall(call) => mcp_tool_call(call, at),
        TurnItem::EnteredReviewMode(entered) => {
            let hint = entered.user_facing_hint.get();
            let review = review_started(hint);
            ThreadItem::EnteredReviewMode(ReviewModeItem { id: call_id(&entered.id, at), review })
        }
        TurnItem::ExitedReviewMode(exited) => {
            let review = review_ended(exited.review_output.get());
            ThreadItem::ExitedReviewMode(ReviewModeItem { id: call_id(&exited.id, at), review })
        }
        TurnItem::ContextCompaction(compaction) => {
            ThreadItem::ContextCompaction(ContextCompactionItem { id: call_id(&compaction.id, at) })
        }
        TurnItem::Unknown(_) => unknown(raw, at),
    }
}

/// An item of a type this version does not know, kept as it stands.
fn unknown(raw: Raw<'_>, at: At) -> ThreadItem {
    let id = raw.member("id").and_then(Raw::read::<Text<'_>>);
    ThreadItem::Unknown(UnknownItem {
        id: id.map_or_else(|| format!("record-{}", at.record_index), Cow::into_owned),
        value: raw.into(),
    })
}

fn user_parts(content: &Field<'_, Vec<UserInput<'_>>>) -> Vec<UserPart> {
    let raws = content.raw().and_then(Raw::elements).unwrap_or_default();
    raws.into_iter().map(user_part).collect()
}

fn user_part(raw: Raw<'_>) -> UserPart {
    let part: UserInput<'_> = raw.read().unwrap_or_default();
    match part.r#type.get().as_deref() {
        Some("text" | "Text" | "input_text") => {
            UserPart::Text { text: text(&part.text), text_elements: part.text_elements.each() }
        }
        Some("image") => {
            UserPart::Image { detail: owned(&part.detail), url: text(&part.image_url) }
        }
        Some("local_image") => {
            UserPart::LocalImage { detail: owned(&part.detail), path: text(&part.path) }
        }
        Some("audio") => UserPart::Audio { url: text(&part.audio_url) },
        Some("local_audio") => UserPart::LocalAudio { path: text(&part.path) },
        Some("skill") => UserPart::Skill { name: text(&part.name), path: text(&part.path) },
        Some("mention") => UserPart::Mention { name: text(&part.name), path: text(&part.path) },
        _ => UserPart::Unknown { value: raw.into() },
    }
}

/// A7: items of extensions look like the kinds they took over from.
fn extension_item(extension: &TurnExtension<'_>, raw: Raw<'_>, at: At) -> ThreadItem {
    let id = call_id(&extension.id, at);
    match extension.kind.get().as_deref() {
        Some("clock.sleep") => ThreadItem::Sleep(SleepItem {
            id,
            duration_ms: extension.duration_ms.get().unwrap_or(0),
        }),
        Some("web.search") => ThreadItem::WebSearch(WebSearchItem {
            id,
            query: text(&extension.query),
            action: Some(extension.action.get().unwrap_or(WebSearchAction::Other)),
            results: extension.results.get().map(list),
        }),
        Some("image_gen.generation") => {
            let failure = extension.failure.get().filter(|_| extension.failure.is_some());
            ThreadItem::ImageGeneration(ImageGenerationItem {
                id,
                status: text(&extension.status),
                revised_prompt: owned(&extension.revised_prompt),
                result: text(&extension.result),
                transparent_background: extension.transparent_background.get(),
                failure: failure.map(Json::from),
                saved_path: extension.saved_path.get().map(|path| path::absolute(&path)),
            })
        }
        _ => ThreadItem::Unknown(UnknownItem { id, value: raw.into() }),
    }
}

fn mcp_tool_call(call: &TurnMcpToolCall<'_>, at: At) -> ThreadItem {
    let error = call.error.get().map(|error| McpToolCallError { message: text(&error.message) });
    ThreadItem::McpToolCall(McpToolCallItem {
        id: call_id(&call.id, at),
        server: text(&call.server),
        tool: text(&call.tool),
        status: call.status.get().unwrap_or(ItemStatus::Completed),
        arguments: call.arguments.get().map(Json::from).unwrap_or_default(),
        app_context: mcp_app_context([
            &call.connector_id,
            &call.link_id,
            &call.mcp_app_resource_uri,
            &call.app_name,
            &call.template_id,
            &call.action_name,
        ]),
        mcp_app_resource_uri: owned(&call.mcp_app_resource_uri),
        plugin_id: owned(&call.plugin_id),
        read_only_hint: call.read_only_hint.get(),
        result: call.result.get().map(|result| mcp_result(&result)),
        error,
        duration_ms: call.duration.get().and_then(|duration| duration.millis()),
    })
}

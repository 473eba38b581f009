//! Items made from events: R18, R19, R21, R27-R35. Each function is one event, one item.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::parts::{
    call_id, canonical_id, command_actions, file_updates, join_command, mcp_app_context,
    mcp_result, owned, text, thread_id,
};
use crate::decode::Body;
use crate::format::{
    CallBegin, Collab, DynamicToolCallRequest, DynamicToolCallResponse, ErrorEvent, EventKind as E,
    ExecCommand, FileChange, GuardianAssessment, ImageGenerationEnd, McpToolCall, PatchApplyEnd,
    SubAgentActivity, UserMessage, ViewImageToolCall, WebSearchEnd,
};
use crate::model::{
    AgentState, AgentStatusWord, CollabAgentToolCallItem, CollabTool, CommandAction,
    CommandExecutionItem, CommandSource, DynamicToolCallItem, FileChangeItem, ImageGenerationItem,
    ImageViewItem, ItemStatus, McpToolCallError, McpToolCallItem, SubAgentActivityItem, ThreadItem,
    TurnError, UserMessageItem, UserPart, WebSearchItem,
};
use crate::pos::At;
use crate::raw::{Entry, Field, Json, JsonType, Raw, Text};
use crate::text::path;

/// R18.
pub(super) fn user_message(id: String, message: &UserMessage<'_>) -> UserMessageItem {
    let said = message.message.get().unwrap_or_default();
    let mut content = Vec::new();
    if !said.trim().is_empty() {
        let text_elements = message.text_elements.each();
        content.push(UserPart::Text { text: said.into_owned(), text_elements });
    }
    let images = with_details(&message.images, &message.image_details);
    content.extend(images.map(|(url, detail)| UserPart::Image { detail, url }));
    let images = with_details(&message.local_images, &message.local_image_details);
    content.extend(images.map(|(path, detail)| UserPart::LocalImage { detail, path }));
    let audio = message.audio.each().into_iter();
    content.extend(audio.map(|url| UserPart::Audio { url: url.into_owned() }));
    let audio = message.local_audio.each().into_iter();
    content.extend(audio.map(|path| UserPart::LocalAudio { path: path.into_owned() }));
    UserMessageItem { id, client_id: owned(&message.client_id), content }
}

/// The readable images, each with the detail that stands at its place.
fn with_details(
    images: &Field<'_, Vec<Text<'_>>>,
    details: &Field<'_, Vec<Option<Text<'_>>>>,
) -> impl Iterator<Item = (String, Option<String>)> {
    let mut details = details.slots().into_iter().map(Option::flatten);
    let slots = images.slots().into_iter().map(move |image| (image, details.next().flatten()));
    slots.filter_map(|(image, detail)| Some((image?.into_owned(), detail.map(Cow::into_owned))))
}

/// R13, R49.
pub(super) fn turn_error(error: &ErrorEvent<'_>) -> TurnError {
    let info = error.codex_error_info.get().filter(|raw| raw.json_type() != JsonType::Null);
    TurnError {
        message: text(&error.message),
        codex_error_info: info.map(error_info),
        additional_details: None,
    }
}

/// The error codes of R49, as logs spell them.
const ERROR_CODES: [&str; 16] = [
    "context_window_exceeded",
    "session_budget_exceeded",
    "usage_limit_exceeded",
    "server_overloaded",
    "cyber_policy",
    "internal_server_error",
    "unauthorized",
    "bad_request",
    "thread_rollback_failed",
    "sandbox_error",
    "other",
    "http_connection_failed",
    "response_stream_connection_failed",
    "response_stream_disconnected",
    "response_too_many_failed_attempts",
    "active_turn_not_steerable",
];

/// R49: known codes from snake_case to camelCase; what is not known stays as it is.
fn error_info(raw: Raw<'_>) -> Json {
    let is_known = |word: &str| ERROR_CODES.contains(&word);
    if let Some(word) = raw.read::<Text<'_>>().filter(|word| is_known(word)) {
        return Json::of(&camel(&word));
    }
    let mut entries = raw.entries().unwrap_or_default().into_iter();
    match (entries.next(), entries.next()) {
        (Some((key, value)), None) if is_known(&key) => match value.entries() {
            Some(inner) => {
                let inner = inner.into_iter().map(|(key, value)| (camel(&key), Json::from(value)));
                let inner: BTreeMap<String, Json> = inner.collect();
                Json::of(&BTreeMap::from([(camel(&key), inner)]))
            }
            None => Json::of(&BTreeMap::from([(camel(&key), Json::from(value))])),
        },
        _ => raw.into(),
    }
}

fn camel(word: &str) -> String {
    let mut parts = word.split('_');
    let mut camel = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut chars = part.chars();
        camel.extend(chars.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(chars.as_str());
    }
    camel
}

/// R27.
pub(super) fn exec_command(id: String, command: &ExecCommand<'_>, is_end: bool) -> ThreadItem {
    let cwd = path::native(&command.cwd.get().unwrap_or_default());
    let ended = is_end.then_some(command);
    let exit_code = ended.and_then(|end| end.exit_code.get());
    let status = match ended {
        None => ItemStatus::InProgress,
        // Older writers leave the status out.
        Some(end) => end.status.get().unwrap_or(match exit_code {
            None | Some(0) => ItemStatus::Completed,
            Some(_) => ItemStatus::Failed,
        }),
    };
    let output = ended.and_then(|end| end.aggregated_output.get());
    let duration = ended.and_then(|end| end.duration.get());
    ThreadItem::CommandExecution(CommandExecutionItem {
        id,
        command: join_command(&command.command),
        process_id: owned(&command.process_id),
        source: command.source.get().unwrap_or(CommandSource::Agent),
        status,
        command_actions: command_actions(&cwd, &command.parsed_cmd),
        aggregated_output: output.filter(|output| !output.is_empty()).map(Cow::into_owned),
        exit_code,
        duration_ms: duration.map(|duration| duration.millis().unwrap_or(i64::MAX)),
        plugin_id: owned(&command.plugin_id),
        script_path: owned(&command.script_path),
        cwd,
    })
}

/// R29; `None` for verdicts and actions that show nothing.
pub(super) fn guardian(assessment: &GuardianAssessment<'_>) -> Option<ThreadItem> {
    let status = match &*assessment.status.get()? {
        "in_progress" => ItemStatus::InProgress,
        "denied" | "aborted" => ItemStatus::Declined,
        "timed_out" => ItemStatus::Failed,
        _ => return None,
    };
    let id = assessment.target_item_id.get()?.into_owned();
    let action = assessment.action.get()?;
    let command = match &*action.r#type.get()? {
        "command" => text(&action.command),
        "execve" => {
            let program = text(&action.program);
            let arguments = action.argv.each();
            let words =
                std::iter::once(&*program).chain(arguments.iter().skip(1).map(|word| &**word));
            if arguments.is_empty() {
                program.clone()
            } else {
                crate::text::command_line::join_command(words)
            }
        }
        _ => return None,
    };
    Some(ThreadItem::CommandExecution(CommandExecutionItem {
        id,
        command_actions: vec![CommandAction::Unknown { command: command.clone() }],
        command,
        cwd: path::absolute(&path::native(&action.cwd.get().unwrap_or_default())),
        process_id: None,
        source: CommandSource::Agent,
        status,
        aggregated_output: None,
        exit_code: None,
        duration_ms: None,
        plugin_id: owned(&assessment.plugin_id),
        script_path: owned(&assessment.script_path),
    }))
}

/// R30.
pub(super) fn patch_begin(
    id: String,
    changes: &Field<'_, Entry<'_, FileChange<'_>>>,
) -> ThreadItem {
    let status = ItemStatus::InProgress;
    ThreadItem::FileChange(FileChangeItem { id, changes: file_updates(changes), status })
}

/// R30.
pub(super) fn patch_end(id: String, patch: &PatchApplyEnd<'_>) -> ThreadItem {
    let status = patch.status.get().unwrap_or(match patch.success.get() {
        Some(false) => ItemStatus::Failed,
        Some(true) | None => ItemStatus::Completed,
    });
    ThreadItem::FileChange(FileChangeItem { id, changes: file_updates(&patch.changes), status })
}

/// R33.
pub(super) fn dynamic_begin(id: String, call: &DynamicToolCallRequest<'_>) -> ThreadItem {
    ThreadItem::DynamicToolCall(DynamicToolCallItem {
        id,
        namespace: owned(&call.namespace),
        tool: text(&call.tool),
        arguments: call.arguments.get().map(Json::from).unwrap_or_default(),
        status: ItemStatus::InProgress,
        content_items: None,
        success: None,
        duration_ms: None,
    })
}

/// R33.
pub(super) fn dynamic_end(id: String, call: &DynamicToolCallResponse<'_>) -> ThreadItem {
    let success = call.success.get();
    ThreadItem::DynamicToolCall(DynamicToolCallItem {
        id,
        namespace: owned(&call.namespace),
        tool: text(&call.tool),
        arguments: call.arguments.get().map(Json::from).unwrap_or_default(),
        status: match success {
            Some(false) => ItemStatus::Failed,
            Some(true) | None => ItemStatus::Completed,
        },
        content_items: Some(call.content_items.each().into_iter().map(Json::from).collect()),
        success,
        duration_ms: call.duration.get().and_then(|duration| duration.millis()),
    })
}

/// The item of an event that always goes to the open turn; `None` for events that make none.
pub(super) fn current_turn_item(event: E, body: &Body<'_>, at: At) -> Option<ThreadItem> {
    Some(match body {
        Body::McpToolCall(call) => mcp(call, event.is_end(), at),
        Body::CallBegin(begin) if event == E::WebSearchBegin => web_search_begin(begin, at),
        Body::CallBegin(begin) => image_generation_begin(begin, at),
        Body::WebSearchEnd(end) => web_search_end(end, at),
        Body::ImageGenerationEnd(end) => image_generation_end(end, at),
        Body::ViewImageToolCall(call) => image_view(call, at),
        Body::Collab(call) => collab(call, event, at),
        Body::SubAgentActivity(activity) => sub_agent_activity(activity, at),
        _ => return None,
    })
}

/// R31.
fn mcp(call: &McpToolCall<'_>, is_end: bool, at: At) -> ThreadItem {
    let invocation = call.invocation.get().unwrap_or_default();
    let outcome = call.result.get().filter(|_| is_end).unwrap_or_default();
    let ok = outcome.ok.get();
    let is_error = ok.and_then(|ok| ok.is_error.get()) == Some(true);
    let error = outcome.err.get().map(|message| McpToolCallError { message: message.into_owned() });
    let status = match (is_end, &ok) {
        (false, _) => ItemStatus::InProgress,
        (true, Some(_)) if !is_error => ItemStatus::Completed,
        (true, _) => ItemStatus::Failed,
    };
    ThreadItem::McpToolCall(McpToolCallItem {
        id: call_id(&call.call_id, at),
        server: text(&invocation.server),
        tool: text(&invocation.tool),
        status,
        arguments: invocation.arguments.get().map(Json::from).unwrap_or_default(),
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
        result: ok.map(|ok| mcp_result(&ok)),
        error,
        duration_ms: call.duration.get().filter(|_| is_end).and_then(|length| length.millis()),
    })
}

/// R32.
fn web_search_begin(begin: &CallBegin<'_>, at: At) -> ThreadItem {
    ThreadItem::WebSearch(WebSearchItem {
        id: call_id(&begin.call_id, at),
        query: String::new(),
        action: None,
        results: None,
    })
}

/// R32.
fn web_search_end(end: &WebSearchEnd<'_>, at: At) -> ThreadItem {
    let results = end.results.get();
    ThreadItem::WebSearch(WebSearchItem {
        id: call_id(&end.call_id, at),
        query: text(&end.query),
        action: end.action.get(),
        results: results.map(|results| results.into_iter().map(Json::from).collect()),
    })
}

/// R32.
fn image_generation_begin(begin: &CallBegin<'_>, at: At) -> ThreadItem {
    ThreadItem::ImageGeneration(ImageGenerationItem {
        id: call_id(&begin.call_id, at),
        status: String::new(),
        revised_prompt: None,
        result: String::new(),
        transparent_background: None,
        failure: None,
        saved_path: None,
    })
}

/// R32.
fn image_generation_end(end: &ImageGenerationEnd<'_>, at: At) -> ThreadItem {
    ThreadItem::ImageGeneration(ImageGenerationItem {
        id: call_id(&end.call_id, at),
        status: text(&end.status),
        revised_prompt: owned(&end.revised_prompt),
        result: text(&end.result),
        transparent_background: end.transparent_background.get(),
        failure: end.failure.get().filter(|_| end.failure.is_some()).map(Json::from),
        saved_path: end.saved_path.get().map(|path| path::absolute(&path)),
    })
}

/// R32.
fn image_view(call: &ViewImageToolCall<'_>, at: At) -> ThreadItem {
    ThreadItem::ImageView(ImageViewItem {
        id: call_id(&call.call_id, at),
        path: path::native(&call.path.get().unwrap_or_default()),
    })
}

/// R35.
fn sub_agent_activity(activity: &SubAgentActivity<'_>, at: At) -> ThreadItem {
    ThreadItem::SubAgentActivity(SubAgentActivityItem {
        id: call_id(&activity.event_id, at),
        kind: activity.kind.get().unwrap_or(crate::model::ActivityKind::Other("".into())),
        agent_thread_id: thread_id(&activity.agent_thread_id),
        agent_path: text(&activity.agent_path),
    })
}

/// R34.
fn collab(call: &Collab<'_>, event: E, at: At) -> ThreadItem {
    let is_end = event.is_end();
    let tool = match event {
        E::CollabAgentSpawnBegin | E::CollabAgentSpawnEnd => CollabTool::SpawnAgent,
        E::CollabAgentInteractionBegin | E::CollabAgentInteractionEnd => CollabTool::SendInput,
        E::CollabWaitingBegin | E::CollabWaitingEnd => CollabTool::Wait,
        E::CollabCloseBegin | E::CollabCloseEnd => CollabTool::CloseAgent,
        _ => CollabTool::ResumeAgent,
    };
    let receiver = match tool {
        CollabTool::SpawnAgent => &call.new_thread_id,
        _ => &call.receiver_thread_id,
    };
    let receiver = receiver.get().map(|id| canonical_id(&id));
    let states: Vec<(String, AgentState)> = match (is_end, &tool, &receiver) {
        (false, ..) => Vec::new(),
        (true, CollabTool::Wait, _) => {
            let statuses = call.statuses.each().into_iter();
            statuses.map(|(id, state)| (canonical_id(&id), state)).collect()
        }
        (true, _, Some(receiver)) => {
            call.status.get().map(|state| (receiver.clone(), state)).into_iter().collect()
        }
        (true, _, None) => Vec::new(),
    };
    let mut receivers: Vec<String> = match (&tool, is_end) {
        (CollabTool::Wait, false) => {
            let ids = call.receiver_thread_ids.each().into_iter();
            ids.map(|id| canonical_id(&id)).collect()
        }
        (CollabTool::Wait, true) => states.iter().map(|(id, _)| id.clone()).collect(),
        (CollabTool::SpawnAgent, false) => Vec::new(),
        _ => receiver.clone().into_iter().collect(),
    };
    if tool == CollabTool::Wait && is_end {
        receivers.sort();
    }
    let has_failed =
        call.status.get().iter().chain(states.iter().map(|(_, state)| state)).any(|state| {
            matches!(state.status, AgentStatusWord::Errored | AgentStatusWord::NotFound)
        });
    let has_failed = has_failed || (tool == CollabTool::SpawnAgent && receiver.is_none());
    let has_prompt = matches!(tool, CollabTool::SpawnAgent | CollabTool::SendInput);
    let has_model = tool == CollabTool::SpawnAgent;
    ThreadItem::CollabAgentToolCall(CollabAgentToolCallItem {
        id: call_id(&call.call_id, at),
        tool,
        status: match (is_end, has_failed) {
            (false, _) => ItemStatus::InProgress,
            (true, true) => ItemStatus::Failed,
            (true, false) => ItemStatus::Completed,
        },
        sender_thread_id: thread_id(&call.sender_thread_id),
        receiver_thread_ids: receivers,
        prompt: owned(&call.prompt).filter(|_| has_prompt),
        model: owned(&call.model).filter(|_| has_model),
        reasoning_effort: owned(&call.reasoning_effort).filter(|_| has_model),
        agents_states: states.into_iter().collect(),
    })
}

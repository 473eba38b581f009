//! Parts of items that events and canonical items have in common.

use std::borrow::Cow;

use crate::format::{Citation, FileChange, McpResult, ParsedCommand, ReviewOutput};
use crate::model::{
    CommandAction, FileUpdate, FileUpdateKind, McpAppContext, McpToolCallResult, MemoryCitation,
    MemoryCitationEntry,
};
use crate::pos::At;
use crate::raw::{Entry, Field, Json, Raw, Text};
use crate::text::{id, path};

/// A call's id; of a record that lacks one, an id made from its place.
pub(super) fn call_id(id: &Field<'_, Text<'_>>, at: At) -> String {
    id.get().map_or_else(|| format!("record-{}", at.record_index), Cow::into_owned)
}

/// A text, if it is there.
pub(super) fn owned(field: &Field<'_, Text<'_>>) -> Option<String> {
    field.get().map(Cow::into_owned)
}

/// A text, or none.
pub(super) fn text(field: &Field<'_, Text<'_>>) -> String {
    owned(field).unwrap_or_default()
}

/// R27.
pub(super) fn join_command(words: &Field<'_, Vec<Text<'_>>>) -> String {
    let words = words.each();
    crate::text::command_line::join_command(words.iter().map(|word| &**word))
}

pub(super) fn thread_id(field: &Field<'_, Text<'_>>) -> String {
    field.get().map(|id| canonical_id(&id)).unwrap_or_default()
}

/// A thread id in the one spelling in which ids compare.
pub(super) fn canonical_id(id: &str) -> String {
    String::from(&*id::canonical(id))
}

/// R31: the app a call was made for, which is named by its connector.
pub(super) fn mcp_app_context(
    [connector_id, link_id, resource_uri, app_name, template_id, action_name]: [&Field<'_, Text<'_>>;
        6],
) -> Option<McpAppContext> {
    Some(McpAppContext {
        connector_id: owned(connector_id)?,
        link_id: owned(link_id),
        resource_uri: owned(resource_uri),
        app_name: owned(app_name),
        template_id: owned(template_id),
        action_name: owned(action_name),
    })
}

/// R31.
pub(super) fn mcp_result(result: &McpResult<'_>) -> McpToolCallResult {
    let given =
        |field: &Field<'_, Raw<'_>>| field.get().filter(|_| field.is_some()).map(Json::from);
    McpToolCallResult {
        content: list(result.content.each()),
        structured_content: given(&result.structured_content),
        meta: given(&result.meta),
    }
}

/// R19.
pub(super) fn citation(citation: Citation<'_>) -> MemoryCitation {
    let entry = |entry: crate::format::CitationEntry<'_>| MemoryCitationEntry {
        path: text(&entry.path),
        line_start: entry.line_start.get().unwrap_or(0),
        line_end: entry.line_end.get().unwrap_or(0),
        note: text(&entry.note),
    };
    MemoryCitation {
        entries: citation.entries.each().into_iter().map(entry).collect(),
        thread_ids: citation.thread_ids.each().into_iter().map(Cow::into_owned).collect(),
    }
}

/// R21.
pub(super) fn review_started(hint: Option<Text<'_>>) -> String {
    hint.map_or_else(|| String::from("Review requested."), Cow::into_owned)
}

/// R21.
pub(super) fn review_ended(output: Option<ReviewOutput<'_>>) -> String {
    let explanation = output.and_then(|output| output.overall_explanation.get());
    match explanation.as_deref().map(str::trim) {
        None | Some("") => String::from("Reviewer failed to output a response."),
        Some(explanation) => explanation.to_owned(),
    }
}

/// R28; a read is joined to the directory in that directory's own convention.
pub(super) fn command_actions(
    cwd: &str,
    parsed: &Field<'_, Vec<ParsedCommand<'_>>>,
) -> Vec<CommandAction> {
    let action = |parsed: ParsedCommand<'_>| match parsed {
        ParsedCommand::Read(read) => CommandAction::Read {
            command: text(&read.cmd),
            name: text(&read.name),
            path: path::join(cwd, &read.path.get().unwrap_or_default()),
        },
        ParsedCommand::ListFiles(list) => {
            CommandAction::ListFiles { command: text(&list.cmd), path: owned(&list.path) }
        }
        ParsedCommand::Search(search) => CommandAction::Search {
            command: text(&search.cmd),
            query: owned(&search.query),
            path: owned(&search.path),
        },
        ParsedCommand::Unrecognised(unknown) => {
            CommandAction::Unknown { command: text(&unknown.cmd) }
        }
        ParsedCommand::Unknown(raw) => {
            let command = raw.member("cmd").and_then(Raw::read::<Text<'_>>).unwrap_or_default();
            CommandAction::Unknown { command: command.into_owned() }
        }
    };
    parsed.each().into_iter().map(action).collect()
}

/// R30: sorted by path, moves named in the diff.
pub(super) fn file_updates(changes: &Field<'_, Entry<'_, FileChange<'_>>>) -> Vec<FileUpdate> {
    let update = |(path, change): (Cow<'_, str>, FileChange<'_>)| {
        let path = path.into_owned();
        match change {
            FileChange::Add(file) => {
                FileUpdate { path, kind: FileUpdateKind::Add, diff: text(&file.content) }
            }
            FileChange::Delete(file) => {
                FileUpdate { path, kind: FileUpdateKind::Delete, diff: text(&file.content) }
            }
            FileChange::Update(file) => {
                let mut diff = text(&file.unified_diff);
                let move_path = owned(&file.move_path);
                if let Some(to) = &move_path {
                    diff.push_str("\n\nMoved to: ");
                    diff.push_str(to);
                }
                FileUpdate { path, kind: FileUpdateKind::Update { move_path }, diff }
            }
            FileChange::Unknown(raw) => {
                FileUpdate { path, kind: FileUpdateKind::Unknown, diff: raw.get().to_owned() }
            }
        }
    };
    let mut updates: Vec<FileUpdate> = changes.each().into_iter().map(update).collect();
    updates.sort_by(|one, other| one.path.cmp(&other.path));
    updates
}

/// Free-form values.
pub(super) fn list(raws: Vec<Raw<'_>>) -> Vec<Json> {
    raws.into_iter().map(Json::from).collect()
}

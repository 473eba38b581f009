//! Whose words a response item holds (SEMANTICS section 0).

use serde_json::Value;

use super::values::{list, text};

/// What an item is to the model's history.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Words {
    pub(crate) is_boundary: bool,
    pub(crate) is_real_user: bool,
    pub(crate) is_contextual: bool,
    pub(crate) triggers_turn: bool,
}

pub(crate) fn words(item: &Value) -> Words {
    let mut words = Words::default();
    match (text(item, "type"), text(item, "role")) {
        (Some("agent_message"), _) => words.is_boundary = true,
        (Some("message"), Some("user")) => {
            words.is_contextual = input_texts(item).iter().any(|text| is_contextual_user(text));
            words.is_real_user = !words.is_contextual;
            words.is_boundary = words.is_real_user;
        }
        (Some("message"), Some("developer")) => {
            words.is_contextual =
                input_texts(item).iter().any(|text| is_contextual_developer(text));
        }
        (Some("message"), Some("assistant")) => {
            if let Some(envelope) = envelope(item) {
                words.is_boundary = true;
                words.triggers_turn = envelope["trigger_turn"] == true;
            }
        }
        _ => {}
    }
    words
}

fn input_texts(item: &Value) -> Vec<&str> {
    let parts = list(&item["content"]).iter();
    parts
        .filter(|part| part["type"] == "input_text")
        .filter_map(|part| text(part, "text"))
        .collect()
}

/// Legacy envelope.
fn envelope(item: &Value) -> Option<Value> {
    let [part] = list(&item["content"]) else { return None };
    if part["type"] != "input_text" && part["type"] != "output_text" {
        return None;
    }
    let object: Value = serde_json::from_str(text(part, "text")?).ok()?;
    is_communication(&object).then_some(object)
}

/// FORMAT 8, to the letter.
fn is_communication(object: &Value) -> bool {
    let is_path = |path: &Value| path.as_str().is_some_and(is_agent_path);
    let is_optional = |key: &str| object[key].is_null() || object[key].is_string();
    let others = object.get("other_recipients");
    let passthrough = &object["internal_chat_message_metadata_passthrough"];
    is_path(&object["author"])
        && is_path(&object["recipient"])
        && others.is_none_or(|others| others.is_array() && list(others).iter().all(is_path))
        && object["content"].is_string()
        && object["trigger_turn"].is_boolean()
        && is_optional("id")
        && is_optional("encrypted_content")
        && (passthrough.is_null() || passthrough.is_object())
}

/// FORMAT 3, *AgentPath*.
fn is_agent_path(path: &str) -> bool {
    let letters = "abcdefghijklmnopqrstuvwxyz0123456789_";
    let is_segment = |segment: &str| {
        !segment.is_empty() && segment != "root" && segment.chars().all(|it| letters.contains(it))
    };
    let mut segments = path.split('/');
    path == "/morpheus"
        || (segments.next() == Some("")
            && segments.next() == Some("root")
            && segments.all(is_segment))
}

const MARKERS: [(&str, &str); 7] = [
    ("# AGENTS.md instructions", "</INSTRUCTIONS>"),
    ("<environment_context>", "</environment_context>"),
    ("<skill>", "</skill>"),
    ("<user_shell_command>", "</user_shell_command>"),
    ("<turn_aborted>", "</turn_aborted>"),
    ("<subagent_notification>", "</subagent_notification>"),
    ("<recommended_plugins>", "</recommended_plugins>"),
];

/// Contextual user text, points 1 to 5.
pub(crate) fn is_contextual_user(text: &str) -> bool {
    let text = text.trim();
    let lower = text.to_ascii_lowercase();
    let is_between = |(start, end): &(&str, &str)| {
        lower.starts_with(&start.to_ascii_lowercase()) && lower.ends_with(&end.to_ascii_lowercase())
    };
    let source = text
        .strip_prefix("<codex_internal_context source=\"")
        .filter(|_| text.ends_with("</codex_internal_context>"))
        .and_then(|rest| rest.split_once("\">"));
    let external = text.strip_prefix("<external_").and_then(|rest| rest.split_once('>'));
    is_hook_prompt(text)
        || MARKERS.iter().any(is_between)
        || external.is_some_and(|(key, rest)| rest.ends_with(&format!("</external_{key}>")))
        || source.is_some_and(|(source, _)| is_source_name(source))
        || (text.starts_with("<goal_context>") && text.ends_with("</goal_context>"))
        || text.starts_with(
            "Warning: The maximum number of unified exec processes you can keep open is",
        )
        || text.starts_with(
            "Warning: Your account was flagged for potentially high-risk cyber activity",
        )
        || (text.starts_with("Warning: apply_patch was requested via ")
            && text.ends_with("Use the apply_patch tool instead of exec_command."))
}

fn is_source_name(source: &str) -> bool {
    let letters = "abcdefghijklmnopqrstuvwxyz";
    source.chars().next().is_some_and(|first| letters.contains(first))
        && source.chars().all(|it| letters.contains(it) || it.is_ascii_digit() || it == '_')
}

/// FORMAT 12, "Hook prompt text": one element with a run id that is not blank, and text.
fn is_hook_prompt(text: &str) -> bool {
    let Some((head, rest)) = text.strip_prefix('<').and_then(|text| text.split_once('>')) else {
        return false;
    };
    let Some((_, id)) = head.split_once(" hook_run_id=") else { return false };
    let quote = id.chars().next().unwrap_or(' ');
    let id = id[1..].split(quote).next().unwrap_or("");
    let name = head.split(' ').next().unwrap_or("");
    // Comments are none of the text, marked sections are.
    let mut inside =
        rest.split_once(&format!("</{name}")).map_or("", |(inside, _)| inside).to_owned();
    while let Some((before, after)) = inside.split_once("<!--") {
        inside = format!("{before}{}", after.split_once("-->").map_or("", |(_, after)| after));
    }
    let inside = inside.replace("<![CDATA[", "");
    (quote == '"' || quote == '\'')
        && !id.trim().is_empty()
        && !inside.split('<').next().unwrap_or("").trim().is_empty()
}

/// Contextual developer fragment.
fn is_contextual_developer(text: &str) -> bool {
    let starts = [
        "<permissions instructions>",
        "<model_switch>",
        "<collaboration_mode>",
        "<multi_agent_mode>",
        "<realtime_conversation>",
        "<skills_instructions>",
        "<personality_spec>",
        "<token_budget>",
        "<context_window>",
        "<context_window_guidance>",
        "<rollout_budget>",
    ];
    let text = text.trim_start().to_ascii_lowercase();
    starts.iter().any(|start| text.starts_with(start))
}

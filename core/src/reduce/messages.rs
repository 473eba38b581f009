//! What a response item is to the model's history: whose words, and where a turn of the user
//! starts (SEMANTICS section 0).

use crate::format::{ContentPart, InterAgentCommunication, Payload, ResponseKind, ResponseMessage};
use crate::raw::{JsonType, Raw, Text};
use crate::records::ItemFlags;
use crate::text::contextual::{is_contextual_developer_text, is_contextual_user_text};

/// The flags of a response item whose message, if it is one, was read.
pub(crate) fn of_kind(kind: ResponseKind, message: Option<&ResponseMessage<'_>>) -> ItemFlags {
    match kind {
        ResponseKind::Message => message.map_or(ItemFlags::NONE, of_message),
        ResponseKind::AgentMessage => ItemFlags::BOUNDARY,
        ResponseKind::CompactionTrigger => ItemFlags::UNSENT,
        ResponseKind::GhostSnapshot => ItemFlags::UNSENT.with(ItemFlags::GHOST),
        _ => ItemFlags::NONE,
    }
}

/// The flags of a response item that stands inside another record.
pub(crate) fn of_raw(item: Raw<'_>) -> ItemFlags {
    let tag = item.member("type").and_then(Raw::read::<Text<'_>>);
    match tag.as_deref().map(ResponseKind::from_tag) {
        Some(Some(ResponseKind::Message)) => {
            item.read().as_ref().map_or(ItemFlags::NONE, of_message)
        }
        Some(Some(kind)) => of_kind(kind, None),
        Some(None) => ItemFlags::UNSENT,
        // Nothing a model could be sent, in any reading.
        None => ItemFlags::UNSENT.with(ItemFlags::GHOST),
    }
}

/// The flags of a user message of one text.
pub(crate) fn of_user_text(text: &str) -> ItemFlags {
    of_user(is_contextual_user_text(text))
}

fn of_message(message: &ResponseMessage<'_>) -> ItemFlags {
    match message.role.get().as_deref() {
        Some("user") => of_user(has_input_text(message, is_contextual_user_text)),
        Some("developer") if has_input_text(message, is_contextual_developer_text) => {
            ItemFlags::CONTEXTUAL
        }
        Some("assistant") => match envelope(message) {
            Some(true) => ItemFlags::ENVELOPE.with(ItemFlags::BOUNDARY).with(ItemFlags::TRIGGERS),
            Some(false) => ItemFlags::ENVELOPE.with(ItemFlags::BOUNDARY),
            None => ItemFlags::NONE,
        },
        Some("system") => ItemFlags::UNSENT,
        _ => ItemFlags::NONE,
    }
}

fn of_user(is_contextual: bool) -> ItemFlags {
    if is_contextual {
        ItemFlags::CONTEXTUAL
    } else {
        ItemFlags::BOUNDARY.with(ItemFlags::REAL_USER)
    }
}

fn has_input_text(message: &ResponseMessage<'_>, test: fn(&str) -> bool) -> bool {
    let is_input = |part: &ContentPart<'_>| part.r#type.get().as_deref() == Some("input_text");
    let parts = message.content.each();
    parts
        .iter()
        .filter(|part| is_input(part))
        .any(|part| part.text.get().is_some_and(|it| test(&it)))
}

/// Whether the message is a legacy envelope, and if so, whether it triggers a turn.
fn envelope(message: &ResponseMessage<'_>) -> Option<bool> {
    let parts = message.content.each();
    let [part] = parts.as_slice() else { return None };
    matches!(&*part.r#type.get()?, "input_text" | "output_text").then_some(())?;
    let text = part.text.get()?;
    // Most messages are prose; only an object is worth a parse.
    text.trim_start().starts_with('{').then_some(())?;
    let (raw, len) = Raw::first_of(&text).ok()?;
    let is_whole = text.get(len..)?.trim().is_empty() && raw.json_type() == JsonType::Object;
    let communication: InterAgentCommunication<'_> = is_whole.then(|| raw.read())??;
    let mut is_good = true;
    communication.problems(&mut |_| is_good = false);
    let paths = [communication.author.get()?, communication.recipient.get()?];
    let others = communication.other_recipients.each();
    is_good &= paths.iter().chain(&others).all(|path| is_agent_path(path));
    is_good.then(|| communication.trigger_turn.get())?
}

/// FORMAT section 3, *AgentPath*.
fn is_agent_path(path: &str) -> bool {
    let is_segment = |segment: &str| {
        !segment.is_empty()
            && segment != "root"
            && segment.bytes().all(|it| matches!(it, b'a'..=b'z' | b'0'..=b'9' | b'_'))
    };
    match path.strip_prefix("/root") {
        Some("") => true,
        Some(rest) => {
            rest.strip_prefix('/').is_some_and(|segments| segments.split('/').all(is_segment))
        }
        None => path == "/morpheus",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn flags(item: &str) -> ItemFlags {
        of_raw(Raw::first_of(item).unwrap().0)
    }

    fn message(role: &str, texts: &[&str]) -> ItemFlags {
        let kind = if role == "assistant" { "output_text" } else { "input_text" };
        let parts: Vec<serde_json::Value> =
            texts.iter().map(|text| serde_json::json!({ "type": kind, "text": text })).collect();
        let item = serde_json::json!({ "type": "message", "role": role, "content": parts });
        flags(&item.to_string())
    }

    #[test]
    fn users_and_clients() {
        let real = ItemFlags::BOUNDARY.with(ItemFlags::REAL_USER);
        assert_eq!(message("user", &["hi"]), real);
        assert_eq!(message("user", &[]), real, "an image alone is a prompt");
        assert_eq!(
            message("user", &["hi", "<skill>x</skill>"]),
            ItemFlags::CONTEXTUAL,
            "one taints"
        );
        let hook = "<hook_prompt hook_run_id=\"r\">x</hook_prompt>";
        assert_eq!(message("user", &[hook]), ItemFlags::CONTEXTUAL);
        let fragment = "<permissions instructions>x";
        assert_eq!(message("developer", &["words", fragment]), ItemFlags::CONTEXTUAL);
        assert_eq!(message("developer", &["words"]), ItemFlags::NONE);
        assert_eq!(message("system", &["words"]), ItemFlags::UNSENT);
    }

    #[test]
    fn envelopes() {
        let envelope =
            r#"{"author":"/root","recipient":"/root/a_1","content":"x","trigger_turn":false}"#;
        let quiet = ItemFlags::ENVELOPE.with(ItemFlags::BOUNDARY);
        assert_eq!(message("assistant", &[envelope]), quiet);
        let loud = envelope.replace("false", "true");
        assert_eq!(message("assistant", &[&loud]), quiet.with(ItemFlags::TRIGGERS));
        assert_eq!(message("assistant", &[envelope, "x"]), ItemFlags::NONE, "one text only");
        for (from, to) in [
            ("/root/a_1", "/root/A"),
            ("/root/a_1", "/root/"),
            ("/root/a_1", "/root/a/.."),
            ("/root/a_1", "/rootless"),
            ("\"content\":\"x\",", ""),
            ("false}", "false} x"),
            ("false", "0"),
        ] {
            let text = envelope.replace(from, to);
            assert_eq!(message("assistant", &[&text]), ItemFlags::NONE, "{text}");
        }
        assert!(is_agent_path("/morpheus") && is_agent_path("/root/a/b2"));
    }

    #[test]
    fn other_items() {
        assert_eq!(flags(r#"{"type":"agent_message"}"#), ItemFlags::BOUNDARY);
        assert_eq!(flags(r#"{"type":"reasoning"}"#), ItemFlags::NONE);
        assert!(flags(r#"{"type":"from_the_future"}"#).is_unsent());
        assert!(!flags(r#"{"type":"from_the_future"}"#).is_ghost());
        assert!(flags(r#"{"type":"ghost_snapshot"}"#).is_ghost() && flags("7").is_ghost());
    }
}

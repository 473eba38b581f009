//! What a response item is to the model's history: whose words, and where a turn of the user
//! starts (SEMANTICS section 0).

use serde::Deserialize;

use crate::format::{InterAgentCommunication, ResponseKind, ResponseMessage};
use crate::raw::{FieldState, JsonType, Raw, Text};
use crate::records::ItemFlags;
use crate::text::contextual::{is_contextual_developer_text, is_contextual_user_text};

/// The flags of a response item whose message, if it is one, was read.
pub(crate) fn of_kind(kind: ResponseKind, message: Option<&ResponseMessage<'_>>) -> ItemFlags {
    let of_message = |message: &ResponseMessage<'_>| {
        let parts = || message.content.raw().map(parts).unwrap_or_default();
        of_role(message.role.get().as_deref(), parts)
    };
    match kind {
        ResponseKind::Message => message.map_or(ItemFlags::NONE, of_message),
        kind => of_other(kind),
    }
}

/// The flags of a list of response items that stands inside another record.
pub(crate) fn of_list(list: Raw<'_>) -> Option<Box<[ItemFlags]>> {
    // Lists hold images of many megabytes: the usual ones are read in one pass.
    if let Ok(items) = serde_json::from_str::<Vec<Item<'_>>>(list.get()) {
        return Some(items.into_iter().map(of_item).collect());
    }
    Some(list.elements()?.into_iter().map(of_raw).collect())
}

/// The flags of a user message of one text.
pub(crate) fn of_user_text(text: &str) -> ItemFlags {
    of_user(is_contextual_user_text(text))
}

/// What is looked at in an item. Reading fails where anything is odd.
#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow, rename = "type")]
    tag: Raw<'a>,
    #[serde(borrow)]
    role: Option<Raw<'a>>,
    #[serde(borrow, default)]
    content: Option<Vec<Part<'a>>>,
}

/// What is looked at in a part of a message.
#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow, rename = "type")]
    tag: Option<Raw<'a>>,
    #[serde(borrow)]
    text: Option<Raw<'a>>,
}

fn of_item(item: Item<'_>) -> ItemFlags {
    of_tagged(item.tag, item.role, || item.content.unwrap_or_default())
}

fn of_raw(item: Raw<'_>) -> ItemFlags {
    let Some(tag) = item.member("type") else {
        // Nothing a model could be sent, in any reading.
        return ItemFlags::UNSENT.with(ItemFlags::GHOST);
    };
    of_tagged(tag, item.member("role"), || item.member("content").map(parts).unwrap_or_default())
}

fn of_tagged<'a>(
    tag: Raw<'a>,
    role: Option<Raw<'a>>,
    parts: impl FnOnce() -> Vec<Part<'a>>,
) -> ItemFlags {
    let tag = tag.read::<Text<'_>>();
    match tag.as_deref().map(ResponseKind::from_tag) {
        Some(Some(ResponseKind::Message)) => {
            of_role(role.and_then(Raw::read::<Text<'_>>).as_deref(), parts)
        }
        Some(Some(kind)) => of_other(kind),
        Some(None) => ItemFlags::UNSENT,
        None => ItemFlags::UNSENT.with(ItemFlags::GHOST),
    }
}

/// The readable parts of a message.
fn parts(content: Raw<'_>) -> Vec<Part<'_>> {
    serde_json::from_str(content.get()).unwrap_or_else(|_| {
        let elements = content.elements().unwrap_or_default();
        elements.into_iter().filter_map(|part| serde_json::from_str(part.get()).ok()).collect()
    })
}

fn of_other(kind: ResponseKind) -> ItemFlags {
    match kind {
        ResponseKind::AgentMessage => ItemFlags::BOUNDARY,
        ResponseKind::CompactionTrigger => ItemFlags::UNSENT,
        ResponseKind::GhostSnapshot => ItemFlags::UNSENT.with(ItemFlags::GHOST),
        _ => ItemFlags::NONE,
    }
}

fn of_role<'a>(role: Option<&str>, parts: impl FnOnce() -> Vec<Part<'a>>) -> ItemFlags {
    match role {
        Some("user") => of_user(has_input_text(&parts(), "<#W", is_contextual_user_text)),
        Some("developer") => match has_input_text(&parts(), "<", is_contextual_developer_text) {
            true => ItemFlags::CONTEXTUAL,
            false => ItemFlags::NONE,
        },
        Some("assistant") => match envelope(&parts()) {
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

/// Whether some text passes the test, which no text does whose first letter is none of `firsts`.
fn has_input_text(parts: &[Part<'_>], firsts: &str, test: fn(&str) -> bool) -> bool {
    parts.iter().filter(|part| part.is("input_text")).any(|part| {
        let text = part.text.filter(|text| may_start_with(*text, firsts));
        text.and_then(Raw::read::<Text<'_>>).is_some_and(|text| test(&text))
    })
}

impl Part<'_> {
    fn is(&self, tag: &str) -> bool {
        self.tag.and_then(Raw::read::<Text<'_>>).as_deref() == Some(tag)
    }
}

/// Whether a string's first letter behind white space may be one of `firsts`: a cheap look that
/// spares most texts from being unescaped.
fn may_start_with(string: Raw<'_>, firsts: &str) -> bool {
    let mut rest = string.get().strip_prefix('"').unwrap_or_default();
    loop {
        rest = rest.trim_ascii_start();
        let breaks = ["\\n", "\\r", "\\t"];
        match breaks.iter().find_map(|escape| rest.strip_prefix(escape)) {
            Some(after) => rest = after,
            None => break,
        }
    }
    // Other escapes and letters beyond ASCII may be white space too.
    rest.starts_with(|first: char| first == '\\' || !first.is_ascii() || firsts.contains(first))
}

/// Whether a message is a legacy envelope, and if so, whether it triggers a turn.
fn envelope(parts: &[Part<'_>]) -> Option<bool> {
    let [part] = parts else { return None };
    let text = part.text.filter(|text| may_start_with(*text, "{"))?.read::<Text<'_>>()?;
    (part.is("input_text") || part.is("output_text")).then_some(())?;
    let (raw, len) = Raw::first_of(&text).ok()?;
    let is_whole = text.get(len..)?.trim().is_empty() && raw.json_type() == JsonType::Object;
    let communication: InterAgentCommunication<'_> = is_whole.then(|| raw.read())??;
    let others = match communication.other_recipients.state() {
        FieldState::Missing => Vec::new(),
        _ => communication.other_recipients.get()?,
    };
    let paths = [communication.author.get()?, communication.recipient.get()?];
    communication.content.get()?;
    let metadata = communication.internal_chat_message_metadata_passthrough;
    let is_good = is_optional(communication.id.state())
        && is_optional(communication.encrypted_content.state())
        && (!metadata.is_some() || metadata.raw()?.json_type() == JsonType::Object)
        && paths.iter().chain(&others).all(|path| is_agent_path(path));
    is_good.then(|| communication.trigger_turn.get())?
}

/// FORMAT section 3, `O`.
fn is_optional(state: FieldState) -> bool {
    matches!(state, FieldState::Missing | FieldState::Null | FieldState::Good)
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
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    /// The flags, the same on both ways.
    fn flags(item: &str) -> ItemFlags {
        let list = format!("[{item}]");
        let flags = of_list(Raw::first_of(&list).unwrap().0).unwrap();
        assert_eq!(*flags, [of_raw(Raw::first_of(item).unwrap().0)], "{item}");
        flags[0]
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
            ("\"content\"", "\"id\":7,\"content\""),
            ("\"content\"", "\"other_recipients\":null,\"content\""),
            ("\"content\"", "\"other_recipients\":[\"x\"],\"content\""),
        ] {
            let text = envelope.replace(from, to);
            assert_eq!(message("assistant", &[&text]), ItemFlags::NONE, "{text}");
        }
        assert!(is_agent_path("/morpheus") && is_agent_path("/root/a/b2"));
    }

    #[test]
    fn odd_lists_are_read_item_by_item() {
        let user =
            r#"{"type":"message","role":"user","content":[{"type":"input_text","text":"x"}]}"#;
        let odd = r#"{"type":"message","role":"user","content":7}"#;
        let twice = r#"{"type":"message","role":"system","role":"user","content":[7,{}]}"#;
        let list = format!("[{user},{odd},{twice},null]");
        let flags = of_list(Raw::first_of(&list).unwrap().0).unwrap();
        let real = ItemFlags::BOUNDARY.with(ItemFlags::REAL_USER);
        assert_eq!(*flags, [real, real, real, ItemFlags::UNSENT.with(ItemFlags::GHOST)]);
        assert_eq!(of_list(Raw::first_of("{}").unwrap().0), None);
    }

    #[test]
    fn first_letters() {
        let may = |text: &str| may_start_with(Raw::first_of(text).unwrap().0, "<#W");
        for text in [r#""<a""#, r#""\n \t# ""#, r#""\u003c""#, "\"\u{3000}<\"", r#""Warning""#] {
            assert!(may(text), "{text}");
        }
        for text in [r#""""#, r#""a<""#, r#"" \n""#, "7"] {
            assert!(!may(text), "{text}");
        }
        assert_eq!(message("user", &["\u{a0}\n<skill>x</skill>"]), ItemFlags::CONTEXTUAL);
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

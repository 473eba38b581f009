//! The history after a compaction that left none: the user's own words, and the summary (R112,
//! R113).

use std::sync::Arc;

use super::bodies::{Bodies, ContextError};
use super::items::{Reader, passthrough};
use super::{HistoryItem, HistoryRef, RebuiltMessage};
use crate::format::{ContentPart, ResponseMessage};
use crate::raw::{Json, Raw};
use crate::records::{CompactionFacts, RecordRef};
use crate::reduce::messages;
use crate::text::truncate::{approx_tokens, middle_tokens};

/// Tokens of the user's words that are kept.
const KEPT_TOKENS_MAX: usize = 20_000;

/// What a summary starts with, before a line break: the reference's `summary_prefix.md`.
const SUMMARY_PREFIX: &str = "Another language model started to solve this problem and produced a \
    summary of its thinking process. You also have access to the state of the tools that were used \
    by that language model. Use this to build on the work that has already been done and avoid \
    duplicating work. Here is the summary produced by the other language model, use the \
    information in this summary to assist with your own analysis:";

/// Walks the real user messages newest first; reads no more than the budget needs.
pub(super) fn rebuild<B: Bodies + ?Sized>(
    history: &[HistoryItem],
    record: RecordRef,
    facts: &CompactionFacts,
    bodies: &B,
) -> Result<Vec<HistoryItem>, ContextError<B::Error>> {
    let mut reader = Reader::new(bodies);
    let mut left = KEPT_TOKENS_MAX;
    let mut kept = Vec::new();
    for item in history.iter().rev().filter(|item| item.flags.is_real_user()) {
        if left == 0 {
            break;
        }
        let json = reader.json(&item.source)?;
        let Some(mut message) = words(&json).filter(|it| !is_summary(&it.text)) else { continue };
        let tokens = approx_tokens(&message.text);
        if tokens > left {
            message.text = middle_tokens(&message.text, left);
        }
        left = left.saturating_sub(tokens);
        let flags = messages::of_user_text(&message.text);
        let source = HistoryRef::Rebuilt { record, message: Arc::new(message) };
        kept.push(HistoryItem { source, flags });
    }
    kept.reverse();
    kept.push(HistoryItem { source: HistoryRef::Summary(record), flags: facts.summary });
    Ok(kept)
}

fn is_summary(text: &str) -> bool {
    text.strip_prefix(SUMMARY_PREFIX).is_some_and(|rest| rest.starts_with('\n'))
}

/// The texts of a user's message, joined, without the labels of its images.
fn words(item: &Json) -> Option<RebuiltMessage> {
    let message: ResponseMessage<'_> = Raw::first_of(item.get()).ok()?.0.read()?;
    let parts = message.content.each();
    let is_image = |place: Option<usize>| {
        let part = place.and_then(|place| parts.get(place));
        part.is_some_and(|part| part.r#type.get().as_deref() == Some("input_image"))
    };
    let mut text = String::new();
    for (place, part) in parts.iter().enumerate() {
        let Some(words) = input_text(part) else { continue };
        let is_label = (is_open_label(&words) && is_image(place.checked_add(1)))
            || (words == "</image>" && is_image(place.checked_sub(1)));
        if !is_label {
            text.push_str(&words);
        }
    }
    let metadata = message.internal_chat_message_metadata_passthrough.raw();
    Some(RebuiltMessage { text, passthrough: passthrough(metadata) })
}

fn input_text<'a>(part: &ContentPart<'a>) -> Option<crate::raw::Text<'a>> {
    (part.r#type.get().as_deref() == Some("input_text")).then(|| part.text.get())?
}

fn is_open_label(text: &str) -> bool {
    text == "<image>" || (text.starts_with("<image name=") && text.ends_with('>'))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::{Value, json};

    use super::*;

    fn text_of(parts: &Value) -> String {
        words(&Json::of(&json!({ "type": "message", "role": "user", "content": parts })))
            .unwrap()
            .text
    }

    #[test]
    fn the_prefix_is_the_reference_s() {
        // R113 pins it by length and digest; the digest was compared when it was written down.
        assert_eq!(SUMMARY_PREFIX.len(), 399);
        assert!(!SUMMARY_PREFIX.contains("  ") && SUMMARY_PREFIX.ends_with("analysis:"));
        assert!(is_summary(&format!("{SUMMARY_PREFIX}\nx")) && !is_summary(SUMMARY_PREFIX));
    }

    #[test]
    fn image_labels_go_with_their_images() {
        let text = |text: &str| json!({ "type": "input_text", "text": text });
        let image = json!({ "type": "input_image", "image_url": "u" });
        let labelled =
            json!([text("a"), text("<image name=x>"), image, text("</image>"), text("b")]);
        assert_eq!(text_of(&labelled), "ab");
        let open = json!([text("<image>"), image, text("c")]);
        assert_eq!(text_of(&open), "c");
        let apart = json!([text("<image>"), text("</image>"), image, text("<image>")]);
        assert_eq!(text_of(&apart), "<image></image><image>");
        let output = json!([{ "type": "output_text", "text": "x" }]);
        assert_eq!(text_of(&output), "");
    }
}

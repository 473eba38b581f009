//! Items that stand in no log as such: what a compaction without a history of its own leaves
//! (R112, R113), and communications between agents as the model sees them (FORMAT 8).

use serde_json::{Value, json};

use super::cut::middle;
use super::messages::words;
use super::values::{list, text};

/// Of a real user's message: its texts without the labels of images.
fn said(item: &Value) -> String {
    let parts = list(&item["content"]);
    let is_image = |place: Option<usize>| {
        place.and_then(|place| parts.get(place)).is_some_and(|part| part["type"] == "input_image")
    };
    let mut said = String::new();
    for (place, part) in parts.iter().enumerate().filter(|(_, part)| part["type"] == "input_text") {
        let words = text(part, "text").unwrap_or("");
        let opens =
            words == "<image>" || (words.starts_with("<image name=") && words.ends_with('>'));
        let is_label = (opens && is_image(Some(place + 1)))
            || (words == "</image>" && is_image(place.checked_sub(1)));
        if !is_label {
            said.push_str(words);
        }
    }
    said
}

fn user_message(said: &str, passthrough: &Value) -> Value {
    let content = json!([{"type": "input_text", "text": said}]);
    let mut message = json!({"type": "message", "role": "user", "content": content});
    if passthrough.is_object() {
        message["internal_chat_message_metadata_passthrough"] = passthrough.clone();
    }
    message
}

/// R112.
pub(super) fn rebuilt(history: &[Value], compacted: &Value) -> Vec<Value> {
    let mut left_tokens = 20_000;
    let mut kept = Vec::new();
    for item in history.iter().rev().filter(|item| words(item).is_real_user) {
        let said = said(item);
        // R113: the prefix, by its start and its end.
        let is_summary = said.starts_with("Another language model started to solve this problem")
            && said.find("assist with your own analysis:\n").is_some_and(|at| at + 30 == 399);
        if is_summary {
            continue;
        }
        let tokens = said.len().div_ceil(4);
        if left_tokens == 0 {
            break;
        }
        let passthrough = &item["internal_chat_message_metadata_passthrough"];
        if tokens > left_tokens {
            kept.push(user_message(&middle(&said, left_tokens, 4), passthrough));
            break;
        }
        left_tokens -= tokens;
        kept.push(user_message(&said, passthrough));
    }
    kept.reverse();
    let summary = text(compacted, "message").filter(|message| !message.is_empty());
    kept.push(user_message(summary.unwrap_or("(no summary available)"), &Value::Null));
    kept
}

/// FORMAT 8: the model-visible form.
pub(super) fn visible(payload: &Value) -> Value {
    let word = |key: &str| text(payload, key).unwrap_or("");
    let content = match text(payload, "encrypted_content") {
        None => json!([{"type": "input_text", "text": word("content")}]),
        Some(encrypted) => {
            let task = if payload["trigger_turn"] == true { "NEW_TASK" } else { "MESSAGE" };
            let head = format!(
                "Message Type: {task}\nTask name: {}\nSender: {}\nPayload:\n",
                word("recipient"),
                word("author")
            );
            json!([
                {"type": "input_text", "text": head},
                {"type": "encrypted_content", "encrypted_content": encrypted},
            ])
        }
    };
    let mut item = json!({
        "type": "agent_message", "author": word("author"), "recipient": word("recipient"),
        "content": content,
    });
    for key in ["id", "internal_chat_message_metadata_passthrough"] {
        if !payload[key].is_null() {
            item[key] = payload[key].clone();
        }
    }
    item
}

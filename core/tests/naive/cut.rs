//! Texts and outputs cut in the middle (SEMANTICS section 0, R110).

use serde_json::{Value, json};

use super::values::{list, text};

/// R110: an output that was recorded, as a model with this limit saw it; `unit` bytes are one of
/// its units.
pub(crate) fn truncated(item: &Value, limit: usize, unit_bytes: usize) -> Value {
    let limit = (limit * 12).div_ceil(10);
    let mut item = item.clone();
    if let Some(output) = item["output"].as_str() {
        item["output"] = json!(middle(output, limit, unit_bytes));
    } else if item["output"].is_array() {
        let (mut left, mut kept, mut omitted) = (limit, Vec::new(), 0);
        for part in list(&item["output"]) {
            let Some(words) = text(part, "text").filter(|_| part["type"] == "input_text") else {
                kept.push(part.clone());
                continue;
            };
            let cost = words.len().div_ceil(unit_bytes);
            if cost <= left && left > 0 {
                left -= cost;
                kept.push(part.clone());
                continue;
            }
            let cut = if left == 0 { String::new() } else { middle(words, left, unit_bytes) };
            left = 0;
            if cut.is_empty() {
                omitted += 1;
            } else {
                kept.push(json!({"type": "input_text", "text": cut}));
            }
        }
        if omitted > 0 {
            let note = format!("[omitted {omitted} text items ...]");
            kept.push(json!({"type": "input_text", "text": note}));
        }
        item["output"] = json!(kept);
    }
    item
}

/// Section 0, "Middle truncation".
pub(super) fn middle(text: &str, limit: usize, unit_bytes: usize) -> String {
    let limit_bytes = limit * unit_bytes;
    if text.len() <= limit_bytes {
        return text.to_owned();
    }
    let head_max = limit_bytes / 2;
    let tail_max = limit_bytes - head_max;
    let head = (0..=head_max).rev().find(|at| text.is_char_boundary(*at)).unwrap();
    let tail = (text.len() - tail_max..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap();
    let removed = match unit_bytes {
        1 => format!("{} chars", text[head..tail].chars().count()),
        _ => format!("{} tokens", (text.len() - limit_bytes).div_ceil(4)),
    };
    format!("{}…{removed} truncated…{}", &text[..head], &text[tail..])
}

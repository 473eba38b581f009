//! Outputs of tools, cut as the reference cuts them when it records them (R110).

use serde_json::json;

use crate::format::{ContentPart, Kind, ResponseKind};
use crate::raw::{Json, JsonType, Raw, Text};
use crate::text::truncate::{approx_tokens, middle_bytes, middle_tokens};

/// A model's limit for the output of one tool. The log keeps the whole output; what the model saw
/// depends on the limit in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truncation {
    /// In bytes.
    Bytes(usize),
    /// In tokens of about four bytes.
    Tokens(usize),
}

impl Truncation {
    /// What a record may keep: a fifth more than the limit, rounded up.
    fn budget(self) -> Self {
        let widened = |limit: usize| limit.saturating_add(limit.div_ceil(5));
        match self {
            Self::Bytes(limit) => Self::Bytes(widened(limit)),
            Self::Tokens(limit) => Self::Tokens(widened(limit)),
        }
    }

    fn units(self) -> usize {
        match self {
            Self::Bytes(units) | Self::Tokens(units) => units,
        }
    }

    fn cost(self, text: &str) -> usize {
        match self {
            Self::Bytes(_) => text.len(),
            Self::Tokens(_) => approx_tokens(text),
        }
    }

    fn cut(self, text: &str, units: usize) -> String {
        match self {
            Self::Bytes(_) => middle_bytes(text, units),
            Self::Tokens(_) => middle_tokens(text, units),
        }
    }
}

/// The item with its output cut, if it is a tool's output.
pub(super) fn truncated(kind: Kind, item: Json, limit: Option<Truncation>) -> Json {
    let is_output = matches!(
        kind,
        Kind::Response(ResponseKind::FunctionCallOutput | ResponseKind::CustomToolCallOutput)
    );
    let Some(limit) = limit.filter(|_| is_output) else { return item };
    let output = Raw::first_of(item.get()).ok().and_then(|(raw, _)| raw.member("output"));
    let Some(output) = output else { return item };
    match output.json_type() {
        JsonType::String => {
            let budget = limit.budget();
            let text = output.read::<Text<'_>>().unwrap_or_default();
            let cut = budget.cut(&text, budget.units());
            if *text == *cut { item } else { with_output(&item, &Json::of(&cut)) }
        }
        JsonType::Array => with_output(&item, &cut_parts(output, limit.budget())),
        _ => item,
    }
}

fn cut_parts(output: Raw<'_>, budget: Truncation) -> Json {
    let mut left = budget.units();
    let mut omitted = 0_u64;
    let mut parts: Vec<Json> = Vec::new();
    for raw in output.elements().unwrap_or_default() {
        let part = raw.read::<ContentPart<'_>>().unwrap_or_default();
        let text = match part.r#type.get().as_deref() {
            Some("input_text") => part.text.get(),
            _ => None,
        };
        let Some(text) = text else {
            parts.push(raw.into());
            continue;
        };
        let cost = budget.cost(&text);
        if left > 0 && cost <= left {
            left -= cost;
            parts.push(raw.into());
            continue;
        }
        let cut = if left > 0 { budget.cut(&text, left) } else { String::new() };
        left = 0;
        if cut.is_empty() {
            omitted += 1;
        } else {
            parts.push(Json::of(&json!({ "type": "input_text", "text": cut })));
        }
    }
    if omitted > 0 {
        let text = format!("[omitted {omitted} text items ...]");
        parts.push(Json::of(&json!({ "type": "input_text", "text": text })));
    }
    Json::of(&parts)
}

/// The item with another `output`.
fn with_output(item: &Json, output: &Json) -> Json {
    let entries = Raw::first_of(item.get()).ok().and_then(|(raw, _)| raw.entries());
    let mut members: Vec<(String, Json)> = Vec::new();
    for (key, value) in entries.unwrap_or_default() {
        let value = if key == "output" { output.clone() } else { value.into() };
        members.push((key.into_owned(), value));
    }
    Json::of_entries(&members)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::Value;

    use super::*;

    const KIND: Kind = Kind::Response(ResponseKind::FunctionCallOutput);

    fn output(value: &Value, limit: Truncation) -> Value {
        let item = json!({ "type": "function_call_output", "call_id": "c", "output": value });
        let cut = truncated(KIND, Json::of(&item), Some(limit));
        let cut: Value = serde_json::from_str(cut.get()).unwrap();
        assert_eq!(cut["call_id"], "c");
        cut["output"].clone()
    }

    #[test]
    fn texts_keep_a_fifth_more_than_the_limit() {
        assert_eq!(output(&json!("abcdef"), Truncation::Bytes(5)), "abcdef");
        assert_eq!(output(&json!("abcdefg"), Truncation::Bytes(5)), "abc…1 chars truncated…efg");
        assert_eq!(output(&json!("a".repeat(8)), Truncation::Tokens(1)), "aaaaaaaa");
        let cut = output(&json!("a".repeat(9)), Truncation::Tokens(1));
        assert_eq!(cut, "aaaa…1 tokens truncated…aaaa");
        let other = json!({ "type": "message", "output": "abcdefg" });
        let kind = Kind::Response(ResponseKind::Message);
        let kept = truncated(kind, Json::of(&other), Some(Truncation::Bytes(0)));
        assert_eq!(kept, Json::of(&other));
    }

    #[test]
    fn parts_share_one_budget() {
        let text = |text: &str| json!({ "type": "input_text", "text": text });
        let image = json!({ "type": "input_image", "image_url": "u" });
        let parts = json!([text("abc"), image, text("defgh"), text("x"), image, text("y")]);
        let cut = json!([
            text("abc"),
            image,
            text("d…3 chars truncated…gh").clone(),
            image,
            text("[omitted 2 text items ...]")
        ]);
        assert_eq!(output(&parts, Truncation::Bytes(5)), {
            let mut cut = cut;
            cut[2] = text("d…2 chars truncated…gh");
            cut
        });
        let none = json!([text("[omitted 1 text items ...]")]);
        assert_eq!(output(&json!([text("a")]), Truncation::Bytes(0)), none);
        assert_eq!(output(&json!([text("a")]), Truncation::Bytes(9)), json!([text("a")]));
    }
}

//! What a search should find, by reading every item.

use std::collections::BTreeSet;

use rollfold_core::model::ItemsView;
use rollfold_projector::{Generation, ItemAt, Paging, Store, TextKind, TextKinds};
use serde_json::Value;

/// An item that was found: log, place.
pub(crate) type Found = (String, ItemAt);

/// Every text of every item that is there now.
pub(crate) struct Naive {
    /// Items with numbers that serde_json spells in its own way.
    pub(crate) odd: BTreeSet<Found>,
    pub(crate) texts: Vec<(Found, TextKind, Vec<char>)>,
}

impl Naive {
    pub(crate) fn of(store: &Store) -> Self {
        let (mut texts, mut odd) = (Vec::new(), BTreeSet::new());
        for key in keys(store) {
            let view = store.thread(&key).unwrap().unwrap();
            for turn in view.turns(ItemsView::Full).map_while(Result::ok) {
                let paging = Paging { limit: 100_000, ..Default::default() };
                for row in view.items_page(Some(turn.turn), &paging).unwrap().rows {
                    let item = serde_json::to_value(&*row.value).unwrap();
                    naive_texts(&item, &mut |kind, text| {
                        if text.parse::<f64>().is_ok() && text.parse::<i64>().is_err() {
                            odd.insert((key.clone(), row.at));
                        }
                        texts.push(((key.clone(), row.at), kind, folded(&shown(text))));
                    });
                }
            }
        }
        Self { odd, texts }
    }

    pub(crate) fn find(
        &self,
        query: &str,
        threads: Option<&[&str]>,
        kinds: TextKinds,
    ) -> BTreeSet<Found> {
        let terms = naive_terms(query);
        let mut found: BTreeSet<Found> = BTreeSet::new();
        for (place, ..) in &self.texts {
            if found.contains(place) || threads.is_some_and(|keys| !keys.contains(&&*place.0)) {
                continue;
            }
            let texts =
                || self.texts.iter().filter(|(other, kind, _)| other == place && kinds.has(*kind));
            let has = |term: &(Vec<Vec<char>>, bool)| {
                texts().any(|(_, _, text)| stands_in(text, &term.0, term.1))
            };
            if terms.iter().all(has) {
                found.insert(place.clone());
            }
        }
        found
    }
}

pub(crate) fn keys(store: &Store) -> BTreeSet<String> {
    let page = store.generations(None, 10_000).unwrap();
    page.rows.into_iter().map(|Generation { key, .. }| key).collect()
}

fn naive_texts(item: &Value, put: &mut dyn FnMut(TextKind, &str)) {
    fn all(value: &Value, put: &mut dyn FnMut(&str)) {
        match value {
            Value::String(text) if text.to_lowercase().starts_with("data:") => {}
            Value::String(text) => put(text),
            Value::Number(number) => put(&number.to_string()),
            Value::Array(values) => values.iter().for_each(|value| all(value, put)),
            Value::Object(entries) => {
                let is_media = entries.contains_key("mimeType");
                let entries = entries.iter().filter(|(key, _)| {
                    let others: &[&str] = match is_media {
                        true => &["type", "mimeType", "data", "blob"],
                        false => &["type", "mimeType"],
                    };
                    !others.contains(&key.as_str())
                });
                entries.for_each(|(_, value)| all(value, put));
            }
            _ => {}
        }
    }
    let mut each = |kind, names: &[&str]| {
        for name in names {
            all(item.pointer(name).unwrap_or(&Value::Null), &mut |text| put(kind, text));
        }
    };
    match item["type"].as_str().unwrap() {
        "userMessage" => {
            let texts = || item["content"].as_array().unwrap().iter();
            let is_injected = texts()
                .filter_map(|part| part["text"].as_str())
                .any(rollfold_core::is_contextual_user_text);
            let kind = if is_injected { TextKind::Injected } else { TextKind::User };
            for part in texts() {
                for name in ["text", "url", "path", "name", "value"] {
                    all(&part[name], &mut |text| put(kind, text));
                }
            }
        }
        "hookPrompt" => {
            for part in item["fragments"].as_array().unwrap() {
                put(TextKind::Injected, part["text"].as_str().unwrap());
            }
        }
        "agentMessage" => each(TextKind::Agent, &["/text"]),
        "plan" => each(TextKind::Plan, &["/text"]),
        "reasoning" => each(TextKind::Reasoning, &["/summary", "/content"]),
        "commandExecution" => {
            each(TextKind::Command, &["/command"]);
            each(TextKind::Output, &["/aggregatedOutput"]);
        }
        "fileChange" => {
            for change in item["changes"].as_array().unwrap() {
                for name in ["/path", "/kind/move_path", "/diff"] {
                    all(change.pointer(name).unwrap_or(&Value::Null), &mut |text| {
                        put(TextKind::File, text)
                    });
                }
            }
        }
        "mcpToolCall" => {
            each(TextKind::Tool, &["/server", "/tool", "/arguments"]);
            each(
                TextKind::Result,
                &["/result/content", "/result/structuredContent", "/error/message"],
            );
        }
        "dynamicToolCall" => {
            each(TextKind::Tool, &["/namespace", "/tool", "/arguments"]);
            each(TextKind::Result, &["/contentItems"]);
        }
        "collabAgentToolCall" => {
            each(TextKind::Tool, &["/prompt"]);
            for state in item["agentsStates"].as_object().unwrap().values() {
                all(&state["message"], &mut |text| put(TextKind::Result, text));
            }
        }
        "subAgentActivity" => each(TextKind::Tool, &["/agentPath"]),
        "webSearch" => {
            each(TextKind::Web, &["/query", "/results"]);
            for name in ["/action/query", "/action/queries", "/action/url", "/action/pattern"] {
                each(TextKind::Web, &[name]);
            }
        }
        "imageView" => each(TextKind::Other, &["/path"]),
        "imageGeneration" => {
            each(TextKind::Other, &["/revisedPrompt", "/savedPath", "/failure"]);
        }
        "enteredReviewMode" | "exitedReviewMode" => each(TextKind::Other, &["/review"]),
        "unknown" => each(TextKind::Other, &["/value"]),
        _ => {}
    }
}

fn folded(text: &str) -> Vec<char> {
    let one = |mut chars: Box<dyn Iterator<Item = char>>, char| {
        chars.next().filter(|_| chars.next().is_none()).unwrap_or(char)
    };
    let fold = |char: char| match char {
        'ı' | 'İ' => char,
        char => {
            let upper = one(Box::new(char.to_uppercase()), char);
            one(Box::new(upper.to_lowercase()), upper)
        }
    };
    text.chars().map(fold).collect()
}

/// The text without what colours a terminal.
fn shown(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|char| (' '..='?').contains(&char));
        match rest.chars().next() {
            Some('@'..='~') => shown.extend(rest.chars().skip(1)),
            _ => shown.extend(["\u{1b}[", part]),
        }
    }
    shown
}

/// Pieces and whether a word may go on behind the last.
pub(crate) fn naive_terms(query: &str) -> Vec<(Vec<Vec<char>>, bool)> {
    let (mut terms, mut rest) = (Vec::new(), query.trim_start());
    while !rest.is_empty() {
        let (text, is_prefix, behind) = if let Some(quoted) = rest.strip_prefix('"') {
            let (text, behind) = quoted.split_once('"').unwrap_or((quoted, ""));
            (text, behind.starts_with('*'), behind.strip_prefix('*').unwrap_or(behind))
        } else {
            let (text, behind) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            let word = text.strip_suffix('*').filter(|word| !word.is_empty());
            (word.unwrap_or(text), word.is_some(), behind)
        };
        let pieces: Vec<Vec<char>> = text.split_whitespace().map(folded).collect();
        if !pieces.is_empty() {
            terms.push((pieces, is_prefix));
        }
        rest = behind.trim_start();
    }
    terms
}

pub(crate) fn is_word(char: char) -> bool {
    let is_unspaced = ('\u{e00}'..='\u{eff}').contains(&char)
        || ('\u{3005}'..='\u{3007}').contains(&char)
        || ('\u{3040}'..='\u{31ff}').contains(&char)
        || ('\u{3400}'..='\u{9fff}').contains(&char)
        || ('\u{ac00}'..='\u{d7ff}').contains(&char)
        || ('\u{20000}'..='\u{3ffff}').contains(&char);
    (char.is_alphanumeric() || ('\u{300}'..='\u{36f}').contains(&char)) && !is_unspaced
}

fn stands_in(text: &[char], pieces: &[Vec<char>], is_prefix: bool) -> bool {
    (0..text.len()).any(|start| {
        let mut end = start;
        for (number, piece) in pieces.iter().enumerate() {
            let spaces = text[end..].iter().take_while(|char| char.is_whitespace()).count();
            if number > 0 && spaces == 0 {
                return false;
            }
            end += if number > 0 { spaces } else { 0 };
            if !text[end..].starts_with(piece) {
                return false;
            }
            end += piece.len();
        }
        let cuts = |one: Option<&char>, other: Option<&char>| {
            one.is_some_and(|char| is_word(*char)) && other.is_some_and(|char| is_word(*char))
        };
        let before = start.checked_sub(1).and_then(|before| text.get(before));
        !cuts(before, text.get(start)) && (is_prefix || !cuts(text.get(end - 1), text.get(end)))
    })
}

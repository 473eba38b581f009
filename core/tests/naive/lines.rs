//! Lines as plain values.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

use super::kinds;

/// One physical line.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) seq: u64,
    pub(crate) offset_bytes: u64,
    pub(crate) len_bytes: u64,
    pub(crate) what: What,
}

#[derive(Debug, Clone)]
pub(crate) enum What {
    Blank,
    Record(Box<Record>),
    /// No record, and nothing that could be mended; with the `type` it names first.
    Damaged(Option<String>),
    /// Something that only a ladder of repairs reads: not this reading's concern.
    Odd,
}

#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) timestamp: Option<String>,
    pub(crate) ordinal: Option<u64>,
    /// The record's `type` and its payload's, as they stand.
    pub(crate) tag: String,
    pub(crate) inner_tag: Option<String>,
    /// The kind's name; none if nobody knows it.
    pub(crate) kind: Option<String>,
    pub(crate) payload: Value,
    /// Bytes of the payload as the log spells it.
    pub(crate) payload_len_bytes: u64,
}

impl Record {
    pub(crate) fn kind(&self) -> &str {
        self.kind.as_deref().unwrap_or("")
    }

    /// Whether the reference counts it (R2).
    pub(crate) fn is_counted(&self) -> bool {
        self.kind.as_deref().is_some_and(kinds::is_counted)
    }
}

impl Line {
    pub(crate) fn record(&self) -> Option<&Record> {
        match &self.what {
            What::Record(record) => Some(record),
            _ => None,
        }
    }
}

/// The records of some lines, each with its line.
pub(super) fn records(lines: &[Line]) -> impl DoubleEndedIterator<Item = (&Line, &Record)> {
    lines.iter().filter_map(|line| Some((line, line.record()?)))
}

/// The records that the reference counts.
pub(super) fn counted(lines: &[Line]) -> impl DoubleEndedIterator<Item = (&Line, &Record)> {
    records(lines).filter(|(_, record)| record.is_counted())
}

/// The lines of a log that end in LF.
pub(crate) fn lines(bytes: &[u8]) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut offset = 0;
    for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
        let Some(line) = piece.strip_suffix(b"\n") else { break };
        lines.push(Line {
            seq: lines.len() as u64,
            offset_bytes: offset as u64,
            len_bytes: line.len() as u64,
            what: what(line),
        });
        offset += piece.len();
    }
    lines
}

fn what(line: &[u8]) -> What {
    // What a file system or an editor leaves around a record; what is no text in it.
    let text = String::from_utf8_lossy(line);
    let text = text.trim_start_matches(['\u{feff}', '\0', ' ', '\t', '\r']);
    let text = mended(text.trim_end_matches(['\0', ' ', '\t', '\r']));
    if text.trim().is_empty() {
        let is_unfilled = line.contains(&0);
        return if is_unfilled { What::Damaged(None) } else { What::Blank };
    }
    let first = serde_json::Deserializer::from_str(&text).into_iter::<Value>().next();
    let is_one = serde_json::from_str::<Value>(&text).is_ok();
    match first {
        // Whether it is read depends on how serde_json is built.
        Some(Ok(value)) if has_number_beyond_doubles(&value) => What::Odd,
        Some(Ok(Value::Object(_))) if is_one => object(&text),
        Some(Ok(_)) if is_one => What::Damaged(first_type(&text)),
        // A broken line, if no second record stands in it.
        Some(Err(error))
            if is_broken(&error) && text.rfind("{\"timestamp\":").unwrap_or(0) == 0 =>
        {
            What::Damaged(first_type(&text))
        }
        _ => What::Odd,
    }
}

fn has_number_beyond_doubles(value: &Value) -> bool {
    match value {
        Value::Number(number) => !number.as_f64().is_some_and(f64::is_finite),
        Value::Array(values) => values.iter().any(has_number_beyond_doubles),
        Value::Object(members) => members.values().any(has_number_beyond_doubles),
        _ => false,
    }
}

/// Whether this is what any reader of JSON says.
fn is_broken(error: &serde_json::Error) -> bool {
    let own_limits = ["recursion limit", "out of range", "control character"];
    !own_limits.iter().any(|limit| error.to_string().contains(limit))
}

/// The text with U+FFFD for every escaped surrogate that has no partner.
fn mended(text: &str) -> String {
    let mut mended = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        mended.push_str(&rest[..at]);
        rest = &rest[at..];
        let code = |text: &str| -> Option<u32> {
            let digits = text.strip_prefix("\\u")?.get(..4)?;
            u32::from_str_radix(digits, 16).ok()
        };
        let (first, second) = (code(rest), rest.get(6..).and_then(code));
        let is_in = |code: Option<u32>, from| code.is_some_and(|code| code & 0xfc00 == from);
        let len = match (is_in(first, 0xd800), is_in(second, 0xdc00)) {
            (true, true) => 12,
            (true, false) => 0,
            _ if is_in(first, 0xdc00) => 0,
            _ if first.is_some() => 6,
            _ => rest.chars().take(2).map(char::len_utf8).sum(),
        };
        mended.push_str(if len == 0 { "\\ufffd" } else { &rest[..len] });
        rest = &rest[if len == 0 { 6 } else { len }..];
    }
    mended + rest
}

/// The `type` that stands first in the head of a line.
fn first_type(text: &str) -> Option<String> {
    let head: String = text.chars().take(256).collect();
    let (_, rest) = head.split_once("\"type\"")?;
    let rest = rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
    Some(rest.split_once('"')?.0.to_owned())
}

fn object(text: &str) -> What {
    // Of a key that stands twice, a map keeps the last.
    let Ok(members) = serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(text) else {
        return What::Odd;
    };
    let value = |key: &str| -> Value {
        members.get(key).map_or(Value::Null, |raw| serde_json::from_str(raw.get()).unwrap())
    };
    let string = |key: &str| value(key).as_str().map(str::to_owned);
    let (mut tag, payload) = (string("type"), members.get("payload"));
    let is_head = tag.is_none() && !members.contains_key("role");
    let is_bare = payload.is_none()
        && match &tag {
            Some(tag) => kinds::is_response(tag),
            None => is_head && members.contains_key("id") && members.contains_key("timestamp"),
        };
    let mut payload_text = payload.map_or("", |raw| raw.get());
    if is_bare {
        // FORMAT T12, 13: from before there were envelopes.
        tag = Some(if is_head { "session_meta" } else { "response_item" }.into());
        payload_text = text;
    }
    let payload: Value = serde_json::from_str(payload_text).unwrap_or_default();
    let inner_tag = payload["type"].as_str().map(str::to_owned).filter(|_| !(is_bare && is_head));
    let tag = tag.unwrap_or_default();
    let kind = payload.is_object().then(|| kinds::name(&tag, inner_tag.as_deref())).flatten();
    What::Record(Box::new(Record {
        timestamp: string("timestamp"),
        ordinal: super::values::unsigned(&value("ordinal")),
        tag,
        inner_tag,
        kind,
        payload_len_bytes: if payload.is_object() { payload_text.len() as u64 } else { 0 },
        payload,
    }))
}
